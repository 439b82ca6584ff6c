//! CONFIG: the table of options as operators read and change it, on every core at once.
//!
//! What may be set to what is `config`'s business; here is who is told. A change is checked at home
//! and then made on every core, so no core ever runs with half of it.

use super::core::{AdminRequest, Core};
use super::error::{CommandError, CommandResult};
use super::help;
use super::spec::{CorePart, CoresFn, Flags, Group, Spec, UNCHECKED};
use crate::base::args::Args;
use crate::config::rewrite::rewrite;
use crate::config::{MaxmemoryPolicy, Options, get_many, set_many};
use crate::ds::Shapes;
use crate::metrics::Metrics;
use crate::metrics::slowlog::SlowLog;
use crate::resp::reply::Reply;
use crate::shard::{AccessClock, Shard};
use std::path::Path;

/// Flags of what operators do while anything else is refused.
pub(super) const OPERATOR: Flags = Flags::ADMIN.and(Flags::NO_SCRIPT).and(Flags::LOADING).and(Flags::STALE);

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[Spec::container("config", SUBCOMMANDS).arity(-2).doc(
    Group::Server,
    "2.0.0",
    "Depends on subcommand.",
    "Commands about options.",
)];

const SUBCOMMANDS: &[Spec] = &[
    Spec::connection("get", get).arity(-3).flags(OPERATOR).usage("parameter [parameter ...]").doc(
        Group::Server,
        "2.0.0",
        "O(N) in the number of options",
        "Answers options and their values.",
    ),
    Spec::cores("resetstat", RESETSTAT).arity(2).flags(OPERATOR).doc(
        Group::Server,
        "2.0.0",
        "O(1)",
        "Sets the counters of INFO back to zero.",
    ),
    Spec::connection("rewrite", write_file).arity(2).flags(OPERATOR).doc(
        Group::Server,
        "2.8.0",
        "O(1)",
        "Writes the running values into the configuration file.",
    ),
    Spec::cores("set", SET)
        .arity(-4)
        .flags(OPERATOR)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .usage("parameter value [parameter value ...]")
        .doc(Group::Server, "2.0.0", "O(N) in the number of options", "Sets options while running."),
    help::row(Group::Server, "5.0.0", &[]),
];

/// `CONFIG GET pattern ...`.
fn get(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let patterns: Vec<&[u8]> = args.from(2).collect();
    let found = get_many(core.options, &patterns);
    reply.map(found.len());
    for (name, value) in found {
        reply.bulk(&name);
        reply.bulk(&value);
    }
    Ok(())
}

/// `CONFIG SET name value ...`: all of them or none.
const SET: CoresFn = CoresFn {
    check: |core, args, reply| {
        if args.len() % 2 == 1 {
            return Err(CommandError::Syntax);
        }
        // Tried on a copy: a core that says yes makes the change with all others, below.
        match set_many(&mut core.options.clone(), &pairs(args)) {
            Ok(_) => Ok(false),
            Err(refused) => Err(CommandError::say(reply, &format!("ERR {refused}"))),
        }
    },
    part: |core, args| {
        let set = set_many(core.options, &pairs(args));
        debug_assert!(set.is_ok(), "home has checked it against the same options");
        follow(core.options, core.shard, core.metrics, core.slowlog);
        if core.id == core.caller_core && set.is_ok_and(|rows| rows.iter().any(|row| row.name == "loglevel"))
        {
            core.requests.push(AdminRequest::SetLogLevel(core.options.loglevel));
        }
        Box::new(())
    },
    fold: ok,
};

fn pairs(args: Args<'_>) -> Vec<(&[u8], &[u8])> {
    (2..args.len() - 1).step_by(2).map(|at| (args.at(at), args.at(at + 1))).collect()
}

/// Hands options to those who do not read them from the table on every call. For one core, at its start
/// and after every change.
pub fn follow(options: &Options, shard: &mut Shard, metrics: &mut Metrics, slowlog: &mut SlowLog) {
    slowlog.set_slower_than_us(options.slowlog_log_slower_than);
    slowlog.set_len_max(options.slowlog_max_len as usize);
    metrics.set_histograms(options.latency_tracking);
    shard.settings.bulk_bytes_max = options.proto_max_bulk_len;
    shard.settings.shapes = Shapes {
        owners: shard.settings.shapes.owners,
        list_max_listpack_size: options.list_max_listpack_size,
        hash_max_listpack_entries: options.hash_max_listpack_entries,
        hash_max_listpack_value: options.hash_max_listpack_value,
        set_max_intset_entries: options.set_max_intset_entries,
        zset_max_listpack_entries: options.zset_max_listpack_entries,
        zset_max_listpack_value: options.zset_max_listpack_value,
        stream_node_max_bytes: options.stream_node_max_bytes,
        stream_node_max_entries: options.stream_node_max_entries,
        hll_sparse_max_bytes: options.hll_sparse_max_bytes,
    };
    shard.access = match options.maxmemory_policy {
        MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu => AccessClock::Frequency {
            log_factor: options.lfu_log_factor,
            decay_minutes: options.lfu_decay_time,
        },
        _ => AccessClock::Recency,
    };
}

/// `CONFIG RESETSTAT`.
const RESETSTAT: CoresFn = CoresFn {
    check: UNCHECKED,
    part: |core, _args| {
        core.metrics.reset();
        // How much has changed since the start is no statistic.
        let dirty = core.shard.stats.dirty;
        core.shard.stats = crate::shard::ShardStats { dirty, ..Default::default() };
        Box::new(())
    },
    fold: ok,
};

/// Answers OK when every core has done its part.
pub(super) fn ok(
    _core: &mut Core<'_>,
    _args: Args<'_>,
    _parts: Vec<CorePart>,
    reply: &mut Reply<'_>,
) -> CommandResult {
    reply.ok();
    Ok(())
}

/// `CONFIG REWRITE`.
fn write_file(core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    if core.identity.config_file.is_empty() {
        return Err(CommandError::Text("ERR The server is running without a config file"));
    }
    let path = Path::new(&core.identity.config_file);
    match rewrite(path, core.options, &Options::default()) {
        Ok(()) => {
            reply.ok();
            Ok(())
        }
        Err(error) => {
            let reason = error.to_string();
            // Redis gives the system's words without its number.
            let words = reason.split(" (os error").next().unwrap_or(&reason);
            Err(CommandError::say(reply, &format!("ERR Rewriting config file: {words}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn options_are_read_and_set_as_in_redis() {
        check(
            r#"
            > CONFIG  (error) ERR wrong number of arguments for 'config' command
            > CONFIG FOO  (error) ERR unknown subcommand 'FOO'. Try CONFIG HELP.
            > CONFIG GET  (error) ERR wrong number of arguments for 'config|get' command
            > CONFIG GET nosuch  (empty array)
            > CONFIG GET maxmemory
                1) "maxmemory"
                2) "0"
            > CONFIG SET  (error) ERR wrong number of arguments for 'config|set' command
            > CONFIG SET a  (error) ERR wrong number of arguments for 'config|set' command
            > CONFIG SET a b  (error) ERR Unknown option or number of arguments for CONFIG SET - 'a'
            > CONFIG SET a b c  (error) ERR syntax error
            > CONFIG SET maxmemory x  (error) ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value
            > CONFIG SET timeout 0 timeout 0  (error) ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter
            > CONFIG SET databases 3  (error) ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config
            > CONFIG SET timeout 7 hz 20  OK
            2> CONFIG GET timeout hz
                1) "timeout"
                2) "7"
                3) "hz"
                4) "20"
            3> CONFIG GET timeout
                1) "timeout"
                2) "7"
            > CONFIG RESETSTAT  OK
            > CONFIG RESETSTAT x  (error) ERR wrong number of arguments for 'config|resetstat' command
            > CONFIG REWRITE  (error) ERR The server is running without a config file
            "#,
        );
    }

    #[test]
    fn a_password_set_by_one_client_is_asked_of_the_next() {
        check(
            r#"
            > CONFIG SET requirepass sesame  OK
            > PING  PONG
            2> PING  (error) NOAUTH Authentication required.
            2> AUTH wrong  (error) WRONGPASS invalid username-password pair or user is disabled.
            2> AUTH sesame  OK
            2> PING  PONG
            2> RESET  RESET
            2> PING  (error) NOAUTH Authentication required.
            2> HELLO 3  (error) NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
            2> HELLO 2 AUTH default sesame SETNAME x
                1) "server"
                2) "redis"
                3) "version"
                4) *
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
            "#,
        );
    }
}
