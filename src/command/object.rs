//! OBJECT: how a key's value is held and used.

use crate::base::args::Args;
use crate::command::error::{CommandError, CommandResult};
use crate::command::help;
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::resp::Reply;
use crate::shard::{KeyFacts, Keyspace};

/// The rows of this family.
pub const ROWS: &[Spec] = &[Spec::container(
    "object",
    &[
        asks("encoding", encoding, "2.2.3", "Returns the name of the form in which a key's value is held."),
        asks("freq", freq, "4.0.0", "Returns the logarithmic counter of accesses to a key."),
        help::row(Group::Generic, "6.2.0", &["keyspace"]),
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

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn object_tells_the_encoding_of_strings() {
        check(
            r#"
        > set k 123                               OK
        > object encoding k                       "int"
        > set k 9223372036854775808               OK
        > object encoding k                       "embstr"
        > set k 01                                OK
        > object encoding k                       "embstr"
        > set k xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  OK
        > object encoding k                       "embstr"
        > set k xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  OK
        > object encoding k                       "raw"
        > setrange k2 0 1                         (integer) 1
        > object encoding k2                      "raw"
        > copy k2 k3                              (integer) 1
        > object encoding k3                      "raw"
        > rename k3 k4                            OK
        > object encoding k4                      "raw"
        > object encoding missing                 (nil)
            "#,
        );
    }

    #[test]
    fn object_tells_references_and_use() {
        check(
            r#"
        > set k 9999                              OK
        > object refcount k                       (integer) 2147483647
        > set k 10000                             OK
        > object refcount k                       (integer) 1
        > set k v                                 OK
        > object refcount k                       (integer) 1
        > set n 5                                 OK
        > copy n m                                (integer) 1
        > object refcount n                       (integer) 2147483647
        > object refcount m                       (integer) 1
        > rename m k                              OK
        > object refcount k                       (integer) 1
        > incr k                                  (integer) 6
        > object refcount k                       (integer) 2147483647
        > object refcount missing                 (nil)
        > object idletime k                       (integer) 0
        > object idletime missing                 (nil)
        > object freq k                           (error) ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        > object freq missing                     (nil)
            "#,
        );
    }

    #[test]
    fn object_knows_its_subcommands() {
        check(
            r#"
        > object                                  (error) ERR wrong number of arguments for 'object' command
        > object foo                              (error) ERR unknown subcommand 'foo'. Try OBJECT HELP.
        > object foo bar                          (error) ERR unknown subcommand 'foo'. Try OBJECT HELP.
        > object encoding                         (error) ERR wrong number of arguments for 'object|encoding' command
        > object encoding a b                     (error) ERR wrong number of arguments for 'object|encoding' command
        > OBJECT help x                           (error) ERR wrong number of arguments for 'object|help' command
            "#,
        );
    }
}
