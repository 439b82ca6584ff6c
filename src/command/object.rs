//! OBJECT: how a key's value is held and used.

use crate::base::args::Args;
use crate::command::core::Core;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::resp::Reply;
use crate::shard::{KeyFacts, Keyspace};

/// The rows of this family.
pub const ROWS: &[Spec] = &[Spec::container(
    "object",
    &[
        asks("encoding", encoding, "2.2.3", "Returns the name of the form in which a key's value is held."),
        asks("freq", freq, "4.0.0", "Returns the logarithmic counter of accesses to a key."),
        Spec::connection("help", help)
            .arity(2)
            .flags(Flags::LOADING.and(Flags::STALE))
            .categories(&["keyspace"])
            .doc(Group::Generic, "6.2.0", "O(1)", "Returns what the subcommands are for."),
        asks("idletime", idletime, "2.2.3", "Returns the seconds since a key was last accessed."),
        asks("refcount", refcount, "2.2.3", "Returns how many references there are to a key's value."),
    ],
)
.arity(-2)
.doc(Group::Generic, "2.2.3", "Depends on subcommand.", "Holds commands that look into values.")];

const fn asks(name: &'static str, run: ShardFn, since: &'static str, summary: &'static str) -> Spec {
    Spec::owner(name, run)
        .arity(3)
        .flags(Flags::READ)
        .categories(&["keyspace"])
        .keys(Keys::at(2, Access::READ_META))
        .usage("key")
        .tips(&["nondeterministic_output"])
        .doc(Group::Generic, since, "O(1)", summary)
}

/// The key's facts; null is the reply without such a key. A hit or a miss, but no access.
fn facts(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Option<KeyFacts> {
    let facts = if keys.contains(args.at(2)) { keys.facts(args.at(2)) } else { None };
    if facts.is_none() {
        reply.null();
    }
    facts
}

/// `OBJECT ENCODING key`.
fn encoding(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    if let Some(facts) = facts(keys, args, reply) {
        reply.text(facts.encoding);
    }
    Ok(())
}

/// `OBJECT REFCOUNT key`.
fn refcount(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    if let Some(facts) = facts(keys, args, reply) {
        reply.integer(facts.refcount);
    }
    Ok(())
}

/// `OBJECT IDLETIME key`. Errors: accesses are counted and not timed.
fn idletime(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let Some(facts) = facts(keys, args, reply) else { return Ok(()) };
    if keys.counts_accesses() {
        return Err(CommandError::Text(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching \
             between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    reply.integer(facts.idle_seconds as i64);
    Ok(())
}

/// `OBJECT FREQ key`. Errors: accesses are timed and not counted.
fn freq(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let Some(facts) = facts(keys, args, reply) else { return Ok(()) };
    if !keys.counts_accesses() {
        return Err(CommandError::Text(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    reply.integer(i64::from(facts.frequency));
    Ok(())
}

/// `OBJECT HELP`.
fn help(_: &mut Core<'_>, _: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let lines = [
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    How the value is held in memory.",
        "FREQ <key>",
        "    The logarithmic counter of accesses, when the eviction policy counts them.",
        "IDLETIME <key>",
        "    Seconds since the last access, when the eviction policy times them.",
        "REFCOUNT <key>",
        "    How many references there are to the value.",
        "HELP",
        "    Print this help.",
    ];
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.simple(line));
    Ok(())
}
