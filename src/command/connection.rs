//! Commands about the asking connection: who it is, which database and protocol it uses, its end.
//!
//! There is one user, `default`, whose password is `requirepass`; without one everybody is that user.
//! The words of every refusal are Redis 7.0's, because clients match on them.

use super::core::Core;
use super::error::{CommandError, CommandResult, c_text};
use super::introspect::REDIS_VERSION;
use super::spec::{CorePart, CoresFn, Flags, Group, Spec};
use crate::base::args::Args;
use crate::base::number::parse_i64;
use crate::resp::Protocol;
use crate::resp::reply::Reply;
use crate::session::{Intent, ReplyMode};

const EARLY: Flags = Flags::NO_SCRIPT
    .and(Flags::LOADING)
    .and(Flags::STALE)
    .and(Flags::FAST)
    .and(Flags::NO_AUTH)
    .and(Flags::ALLOW_BUSY);

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[
    Spec::connection("ping", ping)
        .arity(-1)
        .flags(Flags::FAST)
        .categories(&["connection"])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .usage("[message]")
        .doc(Group::Connection, "1.0.0", "O(1)", "Answers PONG, or the message."),
    Spec::connection("echo", echo)
        .arity(2)
        .flags(Flags::LOADING.and(Flags::STALE).and(Flags::FAST))
        .categories(&["connection"])
        .usage("message")
        .doc(Group::Connection, "1.0.0", "O(1)", "Answers the message."),
    Spec::connection("hello", hello)
        .arity(-1)
        .flags(EARLY)
        .categories(&["connection"])
        .usage("[protover [AUTH <username password>] [SETNAME clientname]]")
        .doc(Group::Connection, "6.0.0", "O(1)", "Chooses the protocol and tells about the server."),
    Spec::connection("auth", auth)
        .arity(-2)
        .flags(EARLY)
        .categories(&["connection"])
        .usage("[username] password")
        .doc(Group::Connection, "1.0.0", "O(N) in the length of the password", "Gives the password."),
    Spec::connection("select", select)
        .arity(2)
        .flags(Flags::LOADING.and(Flags::STALE).and(Flags::FAST))
        .categories(&["connection"])
        .usage("index")
        .doc(Group::Connection, "1.0.0", "O(1)", "Chooses the database of the connection."),
    Spec::connection("quit", quit).arity(-1).flags(EARLY).categories(&["connection"]).doc(
        Group::Connection,
        "1.0.0",
        "O(1)",
        "Closes the connection after the replies that are due.",
    ),
    Spec::cores("reset", RESET).arity(1).flags(EARLY).categories(&["connection"]).doc(
        Group::Connection,
        "6.2.0",
        "O(1)",
        "Puts the connection back to how it began.",
    ),
];

/// `PING [message]`.
fn ping(_core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    match args.len() {
        1 => reply.simple("PONG"),
        2 => reply.bulk(args.at(1)),
        _ => return Err(CommandError::Text("ERR wrong number of arguments for 'ping' command")),
    }
    Ok(())
}

/// `ECHO message`.
fn echo(_core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.bulk(args.at(1));
    Ok(())
}

/// `HELLO [protover [AUTH username password] [SETNAME name]]`. Options take effect from left to right
/// until one fails, as in Redis.
fn hello(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let protocol = match args.get(1).map(parse_i64) {
        None => None,
        Some(None) => {
            return Err(CommandError::Text("ERR Protocol version is not an integer or out of range"));
        }
        Some(Some(2)) => Some(Protocol::Resp2),
        Some(Some(3)) => Some(Protocol::Resp3),
        Some(Some(_)) => return Err(CommandError::Text("NOPROTO unsupported protocol version")),
    };
    let mut at = 2;
    while at < args.len() {
        let more = args.len() - 1 - at;
        if args.is(at, "auth") && more >= 2 {
            authenticate(core, args.at(at + 1), args.at(at + 2))?;
            at += 3;
        } else if args.is(at, "setname") && more >= 1 {
            set_name(core, args.at(at + 1))?;
            at += 2;
        } else {
            let option = args.at(at);
            return Err(quoting(reply, "ERR Syntax error in HELLO option '", option, "'"));
        }
    }
    if !core.me().authenticated {
        return Err(CommandError::Text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> \
             <pass> option can be used to authenticate the client and select the RESP protocol version at the same \
             time",
        ));
    }
    if let Some(protocol) = protocol {
        core.me().protocol = protocol;
    }
    let session = core.me();
    let (protocol, id) = (session.protocol, session.id);
    // The reply is already in the protocol that was just chosen.
    let mut reply = Reply::new(reply.out(), protocol);
    reply.map(7);
    for (name, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        reply.text(name);
        reply.text(value);
    }
    reply.text("proto");
    reply.integer(if protocol == Protocol::Resp3 { 3 } else { 2 });
    reply.text("id");
    reply.integer(id.0 as i64);
    for (name, value) in [("mode", "standalone"), ("role", "master")] {
        reply.text(name);
        reply.text(value);
    }
    reply.text("modules");
    reply.array(0);
    Ok(())
}

/// `AUTH [username] password`.
fn auth(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    match args.len() {
        2 if core.options.requirepass.is_empty() => {
            return Err(CommandError::Text(
                "ERR AUTH <password> called without any password configured for the default user. Are you sure \
                 your configuration is correct?",
            ));
        }
        2 => authenticate(core, b"default", args.at(1))?,
        3 => authenticate(core, args.at(1), args.at(2))?,
        _ => return Err(CommandError::Syntax),
    }
    reply.ok();
    Ok(())
}

fn authenticate(core: &mut Core<'_>, user: &[u8], password: &[u8]) -> CommandResult {
    let required = &core.options.requirepass;
    if user != b"default" || !(required.is_empty() || same_secret(password, required)) {
        return Err(CommandError::Text("WRONGPASS invalid username-password pair or user is disabled."));
    }
    core.me().authenticated = true;
    Ok(())
}

/// Compares in a time that depends on the lengths only, so that nobody can guess byte by byte.
fn same_secret(given: &[u8], secret: &[u8]) -> bool {
    let mut difference = given.len() ^ secret.len();
    for (at, byte) in given.iter().enumerate() {
        difference |= usize::from(byte ^ secret[at % secret.len()]);
    }
    std::hint::black_box(difference) == 0
}

/// Gives the asking connection a name: CLIENT SETNAME, HELLO SETNAME.
pub(super) fn set_name(core: &mut Core<'_>, name: &[u8]) -> CommandResult {
    let Some(name) = printable(name) else {
        return Err(CommandError::Text(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ));
    };
    core.me().name = name.to_owned();
    Ok(())
}

/// The text, if it has only printable ASCII without blanks: what CLIENT LIST can show unquoted.
pub(super) fn printable(text: &[u8]) -> Option<&str> {
    if !text.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    std::str::from_utf8(text).ok()
}

/// Writes an error that quotes a client's bytes, which need not be text; up to a NUL, as the reference.
pub(super) fn quoting(reply: &mut Reply<'_>, before: &str, quoted: &[u8], after: &str) -> CommandError {
    reply.error_bytes(&[before.as_bytes(), c_text(quoted), after.as_bytes()].concat());
    CommandError::Replied
}

/// The error for a subcommand with a wrong number of words, or none of that name where subcommands have
/// no rows.
pub(super) fn bad_subcommand(reply: &mut Reply<'_>, args: Args<'_>, container: &str) -> CommandError {
    let before = "ERR unknown subcommand or wrong number of arguments for '";
    quoting(reply, before, args.at(1), &format!("'. Try {container} HELP."))
}

/// `SELECT index`.
fn select(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let index = parse_i64(args.at(1)).ok_or(CommandError::NotInteger)?;
    if i32::try_from(index).is_err() {
        return Err(CommandError::Text(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        ));
    }
    match u8::try_from(index) {
        Ok(db) if db < core.options.databases => core.me().db = db,
        _ => return Err(CommandError::DatabaseRange),
    }
    reply.ok();
    Ok(())
}

/// `QUIT`, with any arguments.
fn quit(core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let me = core.caller;
    core.clients.close(me, Intent::CloseAfterOutput);
    reply.ok();
    Ok(())
}

/// `RESET`. Only a client that watches commands is known to other cores, so only for it they are asked.
const RESET: CoresFn = CoresFn {
    check: |core, _args, reply| {
        let authenticated = core.options.requirepass.is_empty();
        let session = core.me();
        let watched = session.monitor;
        session.monitor = false;
        session.authenticated = authenticated;
        session.db = 0;
        session.protocol = Protocol::Resp2;
        session.name.clear();
        session.reply_mode = ReplyMode::On;
        if !watched {
            reply.simple("RESET");
        }
        Ok(!watched)
    },
    part: |core, _args| {
        super::monitor::forget(core);
        Box::new(()) as CorePart
    },
    fold: |_core, _args, _parts, reply| {
        reply.simple("RESET");
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    #[test]
    fn secrets_are_equal_only_byte_for_byte() {
        assert!(same_secret(b"sesame", b"sesame"));
        for wrong in [b"".as_slice(), b"s", b"sesamE", b"sesamesesame", b"\0"] {
            assert!(!same_secret(wrong, b"sesame"), "{wrong:?}");
        }
    }

    #[test]
    fn printable_text_has_no_blanks_and_no_bytes_beyond_ascii() {
        assert_eq!(printable(b"worker-1!"), Some("worker-1!"));
        assert_eq!(printable(b""), Some(""));
        for bad in [b"a b".as_slice(), b"a\n", "é".as_bytes(), b"\x7f"] {
            assert_eq!(printable(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn greetings_answer_as_redis_does() {
        check(
            r#"
            > PING  PONG
            > PING hello  "hello"
            > PING a b  (error) ERR wrong number of arguments for 'ping' command
            > ECHO "a b"  "a b"
            > ECHO  (error) ERR wrong number of arguments for 'echo' command
            > SELECT 15  OK
            > SELECT 16  (error) ERR DB index is out of range
            > SELECT -1  (error) ERR DB index is out of range
            > SELECT x  (error) ERR value is not an integer or out of range
            > SELECT 3000000000  (error) ERR value is out of range, value must between -2147483648 and 2147483647
            > SET k v  OK
            > SELECT 0  OK
            > GET k  (nil)
            > QUIT and more  OK
            > PING
            "#,
        );
    }

    #[test]
    fn without_a_password_everybody_is_the_default_user() {
        check(
            r#"
            > AUTH x  (error) ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
            > AUTH someone x  (error) WRONGPASS invalid username-password pair or user is disabled.
            > AUTH default anything  OK
            > AUTH a b c  (error) ERR syntax error
            "#,
        );
    }

    #[test]
    fn hello_takes_its_options_from_left_to_right() {
        check(
            r#"
            > HELLO x  (error) ERR Protocol version is not an integer or out of range
            > HELLO 4  (error) NOPROTO unsupported protocol version
            > HELLO 3 AUTH  (error) ERR Syntax error in HELLO option 'AUTH'
            > HELLO 3 AUTH default  (error) ERR Syntax error in HELLO option 'AUTH'
            > HELLO 3 AUTH someone x  (error) WRONGPASS invalid username-password pair or user is disabled.
            > HELLO 3 SETNAME  (error) ERR Syntax error in HELLO option 'SETNAME'
            > HELLO 3 SETNAME "a b"  (error) ERR Client names cannot contain spaces, newlines or special characters.
            > HELLO 3 FOO  (error) ERR Syntax error in HELLO option 'FOO'
            > HELLO 3 "F\x00O"  (error) ERR Syntax error in HELLO option 'F'
            > CLIENT GETNAME  (nil)
            > HELLO 2 SETNAME worker FOO  (error) ERR Syntax error in HELLO option 'FOO'
            > CLIENT GETNAME  "worker"
            "#,
        );
    }

    #[test]
    fn hello_answers_in_the_protocol_it_chooses_and_reset_undoes_it() {
        check(
            r#"
            > HELLO 2
                 1) "server"
                 2) "redis"
                 3) "version"
                 4) "7.0.15"
                 5) "proto"
                 6) (integer) 2
                 7) "id"
                 8) (integer) *
                 9) "mode"
                10) "standalone"
                11) "role"
                12) "master"
                13) "modules"
                14) (empty array)
            > HELLO 3 SETNAME other
                1# "server" => "redis"
                2# "version" => "7.0.15"
                3# "proto" => (integer) 3
                4# "id" => (integer) *
                5# "mode" => "standalone"
                6# "role" => "master"
                7# "modules" => (empty array)
            > CLIENT GETNAME  "other"
            > SELECT 3  OK
            > RESET  RESET
            > CLIENT GETNAME  (nil)
            > RESET x  (error) ERR wrong number of arguments for 'reset' command
            "#,
        );
    }
}
