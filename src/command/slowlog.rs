//! SLOWLOG: the slow commands of every core, newest first.

use super::config_cmd::ok;
use super::core::Core;
use super::error::{CommandError, CommandResult};
use super::help;
use super::spec::{CorePart, CoresFn, Flags, Group, Spec, UNCHECKED};
use crate::base::args::Args;
use crate::base::number::parse_i64;
use crate::metrics::slowlog::{SlowEntry, merge};
use crate::resp::reply::Reply;

const FLAGS: Flags = Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE);

/// Entries answered when no count is given.
const COUNT_DEFAULT: usize = 10;

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[Spec::container("slowlog", SUBCOMMANDS).arity(-2).doc(
    Group::Server,
    "2.2.12",
    "Depends on subcommand.",
    "Commands about the slow log.",
)];

const SUBCOMMANDS: &[Spec] = &[
    Spec::cores("get", GET)
        .arity(-2)
        .flags(FLAGS)
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .usage("[count]")
        .doc(
            Group::Server,
            "2.2.12",
            "O(N) in the number of entries",
            "Answers the newest entries: 10, as many as asked for, or all with -1.",
        ),
    Spec::cores("len", LEN)
        .arity(2)
        .flags(FLAGS)
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"])
        .doc(Group::Server, "2.2.12", "O(1)", "Answers how many entries there are."),
    Spec::cores("reset", RESET)
        .arity(2)
        .flags(FLAGS)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(Group::Server, "2.2.12", "O(N) in the number of entries", "Forgets all entries."),
    help::row(Group::Server, "6.2.0", &[]),
];

/// `SLOWLOG GET [count]`.
const GET: CoresFn = CoresFn {
    check: |core, args, reply| {
        count(core, args, reply)?;
        Ok(false)
    },
    part: |core, _args| Box::new(core.slowlog.newest(core.options.slowlog_max_len as usize)),
    fold: |core, args, parts, reply| {
        let count = count(core, args, reply)?;
        let cores = parts.into_iter().filter_map(|part| part.downcast::<Vec<SlowEntry>>().ok());
        let entries = merge(cores.map(|entries| *entries), count);
        reply.array(entries.len());
        for entry in entries {
            reply.array(6);
            reply.integer(entry.id as i64);
            reply.integer((entry.unix_us / 1_000_000) as i64);
            reply.integer(entry.duration_us as i64);
            reply.array(entry.args.len());
            for word in &entry.args {
                reply.bulk(word);
            }
            reply.text(&entry.address);
            reply.bulk(&entry.name);
        }
        Ok(())
    },
};

/// How many entries are asked for, at most as many as are kept.
fn count(core: &Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Result<usize, CommandError> {
    let kept = core.options.slowlog_max_len as usize;
    match args.len() {
        2 => Ok(COUNT_DEFAULT.min(kept)),
        3 => match parse_i64(args.at(2)) {
            Some(-1) => Ok(kept),
            Some(count @ 0..) => Ok(kept.min(count as usize)),
            _ => Err(CommandError::Text("ERR count should be greater than or equal to -1")),
        },
        _ => Err(super::connection::bad_subcommand(reply, args, "SLOWLOG")),
    }
}

/// `SLOWLOG LEN`: the limit is one for the process, though each core keeps as many.
const LEN: CoresFn = CoresFn {
    check: UNCHECKED,
    part: |core, _args| Box::new(core.slowlog.len()),
    fold: |core: &mut Core<'_>, _args, parts: Vec<CorePart>, reply: &mut Reply<'_>| -> CommandResult {
        let len: usize =
            parts.into_iter().filter_map(|part| part.downcast::<usize>().ok()).map(|len| *len).sum();
        reply.integer(len.min(core.options.slowlog_max_len as usize) as i64);
        Ok(())
    },
};

/// `SLOWLOG RESET`.
const RESET: CoresFn = CoresFn {
    check: UNCHECKED,
    part: |core, _args| {
        core.slowlog.reset();
        Box::new(())
    },
    fold: ok,
};

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn slow_commands_of_all_cores_are_listed_newest_first() {
        check(
            r#"
            > SLOWLOG  (error) ERR wrong number of arguments for 'slowlog' command
            > SLOWLOG FOO  (error) ERR unknown subcommand 'FOO'. Try SLOWLOG HELP.
            > SLOWLOG GET x  (error) ERR count should be greater than or equal to -1
            > SLOWLOG GET -2  (error) ERR count should be greater than or equal to -1
            > SLOWLOG GET 99999999999999999999  (error) ERR count should be greater than or equal to -1
            > SLOWLOG GET 1 x  (error) ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.
            > SLOWLOG GET  (empty array)
            > CONFIG SET slowlog-log-slower-than 0  OK
            > SLOWLOG RESET  OK
            ! 1 s
            2> SET a 1  OK
            ! 1 s
            3> PING  PONG
            > CONFIG SET slowlog-log-slower-than -1  OK
            > SLOWLOG GET 0  (empty array)
            > SLOWLOG GET 2
                1) 1) (integer) *
                   2) (integer) 17*
                   3) (integer) *
                   4) 1) "PING"
                   5) "127.0.0.1:40002"
                   6) ""
                2) 1) (integer) *
                   2) (integer) 17*
                   3) (integer) *
                   4) 1) "SET"
                      2) "a"
                      3) "1"
                   5) "127.0.0.1:40001"
                   6) ""
            > CONFIG SET slowlog-log-slower-than 0  OK
            > CONFIG SET requirepass sesame slowlog-log-slower-than -1  OK
            2> SLOWLOG GET 1
                1) 1) (integer) *
                   2) (integer) 17*
                   3) (integer) *
                   4) 1) "CONFIG"
                      2) "SET"
                      3) "slowlog-log-slower-than"
                      4) "0"
                   5) "127.0.0.1:40000"
                   6) ""
            > SLOWLOG RESET  OK
            > SLOWLOG LEN  (integer) 0
            > SLOWLOG LEN x  (error) ERR wrong number of arguments for 'slowlog|len' command
            "#,
        );
    }
}
