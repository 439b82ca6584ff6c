//! XINFO: what a stream, its groups and their consumers are like.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::help;
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::command::stream_words::{bad_subcommand, no_group, write_array, write_entry, write_id};
use crate::ds::stream::{self, Id, Pending, Stream};
use crate::resp::Reply;
use crate::shard::Keyspace;

/// The rows of this family.
pub const ROWS: &[Spec] = &[Spec::container(
    "xinfo",
    &[
        asks("consumers", consumers, 4).usage("key groupname").tips(&["nondeterministic_output"]).doc(
            Group::Stream,
            "5.0.0",
            "O(1)",
            "Lists the consumers of a group.",
        ),
        asks("groups", groups, 3).usage("key").doc(
            Group::Stream,
            "5.0.0",
            "O(1)",
            "Lists the groups of a stream.",
        ),
        help::row(Group::Stream, "5.0.0", &["stream"]),
        asks("stream", stream, -3).usage("key [FULL <[COUNT count]>:full]").doc(
            Group::Stream,
            "5.0.0",
            "O(1)",
            "Tells about a stream, or all about it.",
        ),
    ],
)
.arity(-2)
.doc(Group::Stream, "5.0.0", "Depends on subcommand.", "Holds commands that look into streams.")];

const fn asks(name: &'static str, run: ShardFn, arity: i16) -> Spec {
    Spec::owner(name, run)
        .arity(arity)
        .flags(Flags::READ)
        .categories(&["stream"])
        .keys(Keys::at(2, Access::READ))
}

/// Entries and pending ones that `FULL` shows unless a count is given.
const FULL_COUNT: usize = 10;

/// The stream that is asked about. Errors: no such key, WRONGTYPE.
fn asked<'k>(keys: &'k mut Keyspace<'_>, args: Args<'_>) -> Result<&'k Stream, CommandError> {
    keys.read_value::<Stream>(args.at(2))?.ok_or(CommandError::NoSuchKey)
}

/// `XINFO STREAM key [FULL [COUNT count]]`. Errors: no such key, WRONGTYPE, bad words.
fn stream(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let stream = asked(keys, args)?;
    match args.len() {
        3 => summary(stream, reply),
        4 if args.is(3, "full") => full(stream, FULL_COUNT, reply),
        6 if args.is(3, "full") && args.is(4, "count") => {
            let count = integer(args.at(5))?;
            let count = usize::try_from(count).unwrap_or(FULL_COUNT);
            full(stream, if count == 0 { usize::MAX } else { count }, reply);
        }
        _ => return Err(bad_subcommand(reply, "XINFO", args.at(1))),
    }
    Ok(())
}

/// What both forms begin with.
fn head(stream: &Stream, reply: &mut Reply<'_>) {
    let log = stream.log();
    let mut number = |name: &str, number: u64| {
        reply.text(name);
        reply.integer(number as i64);
    };
    number("length", log.len());
    number("radix-tree-keys", log.nodes_len() as u64);
    number("radix-tree-nodes", log.tree_nodes() as u64);
    reply.text("last-generated-id");
    write_id(reply, log.last_id());
    reply.text("max-deleted-entry-id");
    write_id(reply, log.max_deleted());
    reply.text("entries-added");
    reply.integer(log.added() as i64);
    reply.text("recorded-first-entry-id");
    write_id(reply, log.first_id());
}

fn summary(stream: &Stream, reply: &mut Reply<'_>) {
    reply.map(10);
    head(stream, reply);
    reply.text("groups");
    reply.integer(stream.groups_len() as i64);
    for (name, backwards) in [("first-entry", false), ("last-entry", true)] {
        reply.text(name);
        match stream.log().entries(Id::MIN..=Id::MAX, backwards).next() {
            Some(entry) => write_entry(reply, &entry),
            None => reply.null(),
        }
    }
}

fn full(stream: &Stream, count: usize, reply: &mut Reply<'_>) {
    reply.map(9);
    head(stream, reply);
    reply.text("entries");
    write_array(reply, |reply| {
        let entries = stream.log().entries(Id::MIN..=Id::MAX, false).take(count);
        entries.map(|entry| write_entry(reply, &entry)).count()
    });
    reply.text("groups");
    reply.array(stream.groups_len());
    for (name, group) in stream.groups() {
        reply.map(7);
        reply.text("name");
        reply.bulk(name);
        reply.text("last-delivered-id");
        write_id(reply, group.last_id);
        write_progress(stream, group, reply);
        reply.text("pel-count");
        reply.integer(group.pending_len() as i64);
        reply.text("pending");
        write_array(reply, |reply| {
            let given = group.pending_from(Id::MIN).take(count);
            given.map(|(id, pending)| write_pending(group, id, &pending, true, reply)).count()
        });
        reply.text("consumers");
        reply.array(group.consumers_len());
        for (id, consumer) in group.consumers() {
            reply.map(4);
            reply.text("name");
            reply.bulk(&consumer.name);
            reply.text("seen-time");
            reply.integer(consumer.seen_ms);
            reply.text("pel-count");
            reply.integer(consumer.pending_len() as i64);
            reply.text("pending");
            write_array(reply, |reply| {
                let given = group.pending_of(id, Id::MIN).take(count);
                given.map(|(id, pending)| write_pending(group, id, &pending, false, reply)).count()
            });
        }
    }
}

/// How far a group has read, and how far it has to go.
fn write_progress(stream: &Stream, group: &stream::Group, reply: &mut Reply<'_>) {
    let progress = [("entries-read", group.entries_read.map(|read| read as i64)), ("lag", stream.lag(group))];
    for (name, number) in progress {
        reply.text(name);
        match number {
            Some(number) => reply.integer(number),
            None => reply.null(),
        }
    }
}

/// An entry that is given out: its id, whose it is if `named`, since when, how often.
fn write_pending(group: &stream::Group, id: Id, pending: &Pending, named: bool, reply: &mut Reply<'_>) {
    reply.array(3 + usize::from(named));
    write_id(reply, id);
    if named {
        reply.bulk(group.consumer(pending.consumer).map_or(b"", |consumer| &consumer.name));
    }
    reply.integer(pending.delivered_ms);
    reply.integer(pending.deliveries as i64);
}

/// `XINFO GROUPS key`. Errors: no such key, WRONGTYPE.
fn groups(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let stream = asked(keys, args)?;
    reply.array(stream.groups_len());
    for (name, group) in stream.groups() {
        reply.map(6);
        reply.text("name");
        reply.bulk(name);
        reply.text("consumers");
        reply.integer(group.consumers_len() as i64);
        reply.text("pending");
        reply.integer(group.pending_len() as i64);
        reply.text("last-delivered-id");
        write_id(reply, group.last_id);
        write_progress(stream, group, reply);
    }
    Ok(())
}

/// `XINFO CONSUMERS key group`. Errors: no such key, WRONGTYPE, no such group.
fn consumers(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let now_ms = keys.now().unix_ms() as i64;
    let stream = asked(keys, args)?;
    let group = stream.group(args.at(3)).ok_or_else(|| no_group(reply, args.at(2), args.at(3)))?;
    reply.array(group.consumers_len());
    for (_, consumer) in group.consumers() {
        reply.map(3);
        reply.text("name");
        reply.bulk(&consumer.name);
        reply.text("pending");
        reply.integer(consumer.pending_len() as i64);
        reply.text("idle");
        reply.integer(now_ms.wrapping_sub(consumer.seen_ms).max(0));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_stream_tells_about_itself() {
        check(
            r#"
        > xadd s 1-1 a b                              "1-1"
        > xadd s 2-1 c d                              "2-1"
        > xgroup create s g 0 entriesread 0           OK
        > xgroup create s h $                         OK
        > xinfo stream s
             1) "length"
             2) (integer) 2
             3) "radix-tree-keys"
             4) (integer) 1
             5) "radix-tree-nodes"
             6) (integer) 2
             7) "last-generated-id"
             8) "2-1"
             9) "max-deleted-entry-id"
            10) "0-0"
            11) "entries-added"
            12) (integer) 2
            13) "recorded-first-entry-id"
            14) "1-1"
            15) "groups"
            16) (integer) 2
            17) "first-entry"
            18) 1) "1-1"
                2) 1) "a"
                   2) "b"
            19) "last-entry"
            20) 1) "2-1"
                2) 1) "c"
                   2) "d"
        > xinfo stream s full count 1
             1) "length"
             2) (integer) 2
             3) "radix-tree-keys"
             4) (integer) 1
             5) "radix-tree-nodes"
             6) (integer) 2
             7) "last-generated-id"
             8) "2-1"
             9) "max-deleted-entry-id"
            10) "0-0"
            11) "entries-added"
            12) (integer) 2
            13) "recorded-first-entry-id"
            14) "1-1"
            15) "entries"
            16) 1) 1) "1-1"
                   2) 1) "a"
                      2) "b"
            17) "groups"
            18) 1)  1) "name"
                    2) "g"
                    3) "last-delivered-id"
                    4) "0-0"
                    5) "entries-read"
                    6) (integer) 0
                    7) "lag"
                    8) (integer) 2
                    9) "pel-count"
                   10) (integer) 0
                   11) "pending"
                   12) (empty array)
                   13) "consumers"
                   14) (empty array)
                2)  1) "name"
                    2) "h"
                    3) "last-delivered-id"
                    4) "2-1"
                    5) "entries-read"
                    6) (nil)
                    7) "lag"
                    8) (integer) 0
                    9) "pel-count"
                   10) (integer) 0
                   11) "pending"
                   12) (empty array)
                   13) "consumers"
                   14) (empty array)
        > xinfo groups s
            1)  1) "name"
                2) "g"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "0-0"
                9) "entries-read"
               10) (integer) 0
               11) "lag"
               12) (integer) 2
            2)  1) "name"
                2) "h"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "2-1"
                9) "entries-read"
               10) (nil)
               11) "lag"
               12) (integer) 0
        > xinfo consumers s g                         (empty array)
        > hello 3  *
        > xinfo stream s
             1# "length" => (integer) 2
             2# "radix-tree-keys" => (integer) 1
             3# "radix-tree-nodes" => (integer) 2
             4# "last-generated-id" => "2-1"
             5# "max-deleted-entry-id" => "0-0"
             6# "entries-added" => (integer) 2
             7# "recorded-first-entry-id" => "1-1"
             8# "groups" => (integer) 2
             9# "first-entry" => 1) "1-1"
                2) 1) "a"
                   2) "b"
            10# "last-entry" => 1) "2-1"
                2) 1) "c"
                   2) "d"
        > xinfo groups s
            1) 1# "name" => "g"
               2# "consumers" => (integer) 0
               3# "pending" => (integer) 0
               4# "last-delivered-id" => "0-0"
               5# "entries-read" => (integer) 0
               6# "lag" => (integer) 2
            2) 1# "name" => "h"
               2# "consumers" => (integer) 0
               3# "pending" => (integer) 0
               4# "last-delivered-id" => "2-1"
               5# "entries-read" => (nil)
               6# "lag" => (integer) 0
        > hello 2  *
        > xgroup create empty g $ mkstream            OK
        > xinfo stream empty
             1) "length"
             2) (integer) 0
             3) "radix-tree-keys"
             4) (integer) 0
             5) "radix-tree-nodes"
             6) (integer) 1
             7) "last-generated-id"
             8) "0-0"
             9) "max-deleted-entry-id"
            10) "0-0"
            11) "entries-added"
            12) (integer) 0
            13) "recorded-first-entry-id"
            14) "0-0"
            15) "groups"
            16) (integer) 1
            17) "first-entry"
            18) (nil)
            19) "last-entry"
            20) (nil)
        > xinfo stream empty full
             1) "length"
             2) (integer) 0
             3) "radix-tree-keys"
             4) (integer) 0
             5) "radix-tree-nodes"
             6) (integer) 1
             7) "last-generated-id"
             8) "0-0"
             9) "max-deleted-entry-id"
            10) "0-0"
            11) "entries-added"
            12) (integer) 0
            13) "recorded-first-entry-id"
            14) "0-0"
            15) "entries"
            16) (empty array)
            17) "groups"
            18) 1)  1) "name"
                    2) "g"
                    3) "last-delivered-id"
                    4) "0-0"
                    5) "entries-read"
                    6) (nil)
                    7) "lag"
                    8) (integer) 0
                    9) "pel-count"
                   10) (integer) 0
                   11) "pending"
                   12) (empty array)
                   13) "consumers"
                   14) (empty array)
        > xinfo stream s full count -3
             1) "length"
             2) (integer) 2
             3) "radix-tree-keys"
             4) (integer) 1
             5) "radix-tree-nodes"
             6) (integer) 2
             7) "last-generated-id"
             8) "2-1"
             9) "max-deleted-entry-id"
            10) "0-0"
            11) "entries-added"
            12) (integer) 2
            13) "recorded-first-entry-id"
            14) "1-1"
            15) "entries"
            16) 1) 1) "1-1"
                   2) 1) "a"
                      2) "b"
                2) 1) "2-1"
                   2) 1) "c"
                      2) "d"
            17) "groups"
            18) 1)  1) "name"
                    2) "g"
                    3) "last-delivered-id"
                    4) "0-0"
                    5) "entries-read"
                    6) (integer) 0
                    7) "lag"
                    8) (integer) 2
                    9) "pel-count"
                   10) (integer) 0
                   11) "pending"
                   12) (empty array)
                   13) "consumers"
                   14) (empty array)
                2)  1) "name"
                    2) "h"
                    3) "last-delivered-id"
                    4) "2-1"
                    5) "entries-read"
                    6) (nil)
                    7) "lag"
                    8) (integer) 0
                    9) "pel-count"
                   10) (integer) 0
                   11) "pending"
                   12) (empty array)
                   13) "consumers"
                   14) (empty array)
        > xinfo stream s full count
            (error) ERR unknown subcommand or wrong number of arguments for 'stream'. Try XINFO HELP.
        > xinfo STREAM s full foo 1
            (error) ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > xinfo stream s foo
            (error) ERR unknown subcommand or wrong number of arguments for 'stream'. Try XINFO HELP.
        > xinfo stream s full count x                 (error) ERR value is not an integer or out of range
        > xinfo stream s full count 1 2
            (error) ERR unknown subcommand or wrong number of arguments for 'stream'. Try XINFO HELP.
        > xinfo stream missing foo                    (error) ERR no such key
        > xinfo groups missing                        (error) ERR no such key
        > xinfo consumers missing g                   (error) ERR no such key
        > xinfo consumers s nog                       (error) NOGROUP No such consumer group 'nog' for key name 's'
        > set k v                                     OK
        > xinfo stream k                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > xinfo groups k                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > xinfo consumers k nog                       (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > xinfo help  *
        > xinfo foo                                   (error) ERR unknown subcommand 'foo'. Try XINFO HELP.
            "#,
        );
    }
}
