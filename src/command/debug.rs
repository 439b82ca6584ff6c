//! DEBUG, for tests: behind `enable-debug-command`, as Redis 7 guards it.

use super::config_cmd::OPERATOR;
use super::connection::bad_subcommand;
use super::core::{AdminRequest, Core};
use super::error::CommandError;
use super::help;
use super::spec::{CorePart, CoresFn, Flags, Group, Spec};
use crate::base::args::Args;
use crate::base::limits;
use crate::config::DebugCommand;
use crate::resp::reply::Reply;
use crate::shard::KeyFacts;
use std::time::Duration;

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[Spec::cores("debug", DEBUG)
    .arity(-2)
    .flags(OPERATOR.and(Flags::PROTECTED))
    .doc(Group::Server, "1.0.0", "Depends on subcommand.", "Commands for tests of the server.")];

/// What a client is told whose DEBUG is refused, in a transaction too: the gate asks before it queues.
pub const REFUSED: &str = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", \
                           you can run it from a local connection, otherwise you need to set this option in the \
                           configuration file, and then restart the server.";

/// Whether a client may ask, from this machine or not.
pub fn is_allowed(option: DebugCommand, from_loopback: bool) -> bool {
    match option {
        DebugCommand::Yes => true,
        DebugCommand::No => false,
        DebugCommand::Local => from_loopback,
    }
}

/// What DEBUG does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked<'a> {
    Help,
    Sleep(Duration),
    ActiveExpire(bool),
    Object(&'a [u8]),
}

/// `DEBUG HELP | SLEEP seconds | SET-ACTIVE-EXPIRE 0|1 | OBJECT key`.
const DEBUG: CoresFn = CoresFn {
    check: |_, args, reply| match asked(args) {
        None => Err(bad_subcommand(reply, args, "DEBUG")),
        Some(Asked::Help) => {
            help::write(reply, b"debug", &HELP.map(str::to_owned));
            Ok(true)
        }
        Some(_) => Ok(false),
    },
    part: |core, args| match asked(args) {
        Some(Asked::Sleep(time)) => {
            // All at the same time: home may not fall asleep before the others have been told to.
            if core.id == core.caller_core && core.cores > 1 {
                core.requests.push(AdminRequest::Sleep(time));
            } else {
                core.clock.advance(time);
            }
            Box::new(())
        }
        Some(Asked::ActiveExpire(on)) => {
            core.shard.settings.active_expire = on;
            Box::new(())
        }
        // Only home knows which database is meant, and only its owner has the key.
        Some(Asked::Object(key)) => {
            let databases = 0..limits::DATABASES as u8;
            let now = core.now;
            let facts: Vec<Option<KeyFacts>> =
                databases.map(|db| core.shard.keyspace(db, now).facts(key)).collect();
            Box::new(facts)
        }
        _ => Box::new(()),
    },
    fold: |core: &mut Core<'_>, args, parts: Vec<CorePart>, reply: &mut Reply<'_>| {
        if !matches!(asked(args), Some(Asked::Object(_))) {
            reply.ok();
            return Ok(());
        }
        let db = usize::from(core.me().db);
        let facts = parts.into_iter().filter_map(|part| part.downcast::<Vec<Option<KeyFacts>>>().ok());
        let facts = facts.filter_map(|databases| databases[db]).next().ok_or(CommandError::NoSuchKey)?;
        reply.simple(&format!(
            "Value at:0x0 refcount:{} encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
            facts.refcount, facts.encoding, facts.memory_bytes, facts.clock, facts.idle_seconds
        ));
        Ok(())
    },
};

const HELP: [&str; 8] = [
    "OBJECT <key>",
    "    Shows how the value at a key is stored; `serializedlength` is its memory.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    0 leaves expired keys until they are asked for, 1 looks for them again.",
    "SLEEP <seconds>",
    "    Stops every core for so long; decimals are allowed.",
    "HELP",
    "    Prints this help.",
];

fn asked(args: Args<'_>) -> Option<Asked<'_>> {
    let word = |name: &str, len: usize| args.is(1, name) && args.len() == len;
    if word("help", 2) {
        Some(Asked::Help)
    } else if word("sleep", 3) {
        Some(Asked::Sleep(Duration::try_from_secs_f64(leading_number(args.at(2))).unwrap_or_default()))
    } else if word("set-active-expire", 3) {
        Some(Asked::ActiveExpire(leading_number(args.at(2)) as i64 != 0))
    } else if word("object", 3) {
        Some(Asked::Object(args.at(2)))
    } else {
        None
    }
}

/// The number a word begins with, 0 if none, as C reads it.
fn leading_number(word: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(word);
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    text[..end].parse().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Options;
    use crate::testing::check;
    use crate::testing::sim::Sim;
    use crate::testing::transcript::show;

    #[test]
    fn debug_is_refused_unless_the_option_allows_it() {
        check(
            r#"
            > DEBUG  (error) ERR wrong number of arguments for 'debug' command
            > DEBUG SLEEP 0  (error) ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.
            > DEBUG NOSUCH  (error) ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.
            > MULTI  OK
            > DEBUG SLEEP 0  (error) ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.
            > EXEC  (error) EXECABORT Transaction discarded because of previous errors.
            "#,
        );
    }

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        assert_eq!(leading_number(b"0.5"), 0.5);
        assert_eq!(leading_number(b"2x"), 2.0);
        assert_eq!(leading_number(b"x"), 0.0);
    }

    #[test]
    fn objects_are_found_in_the_database_of_the_asker_and_expiry_can_be_held() {
        let options = Options { enable_debug_command: DebugCommand::Local, ..Options::default() };
        for shards in [1, 3] {
            let mut sim = Sim::with(shards, 11, options.clone());
            let client = sim.connect();
            let mut call = |line: &str| {
                let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
                show(&sim.call(client, &words))
            };
            call("SELECT 2");
            call("SET k 12");
            let found = call("DEBUG OBJECT k");
            assert!(found.contains("encoding:int serializedlength:"), "{found}");
            call("SELECT 1");
            assert_eq!(call("DEBUG OBJECT k"), "(error) ERR no such key");
            let wrong = |word| {
                format!(
                    "(error) ERR unknown subcommand or wrong number of arguments for '{word}'. Try DEBUG HELP."
                )
            };
            assert_eq!(call("DEBUG object"), wrong("object"));
            assert_eq!(call("DEBUG FOO bar"), wrong("FOO"));
            assert_eq!(call("DEBUG SLEEP 0 1"), wrong("SLEEP"));
            assert_eq!(call("DEBUG SLEEP 0.01"), "OK");
            assert_eq!(call("DEBUG SET-ACTIVE-EXPIRE 0"), "OK");
            call("SET gone 1 PX 10");
            sim.advance(Duration::from_secs(1));
            let mut call = |line: &str| {
                let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
                show(&sim.call(client, &words))
            };
            assert_eq!(call("DBSIZE"), "(integer) 1");
            assert_eq!(call("DEBUG SET-ACTIVE-EXPIRE 1"), "OK");
            sim.advance(Duration::from_secs(1));
            assert_eq!(show(&sim.call(client, &[b"DBSIZE"])), "(integer) 0");
        }
    }
}
