//! Fields of hashes, read: one or several, all, some picked at random, a few at a time.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::members::{Filter, bulk, cursor, drawn, scanned, scanned_nothing};
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::ds::hash::{Hash, Pair};
use crate::resp::{Protocol, Reply};
use crate::shard::Keyspace;

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    fast("hget", hget).arity(3).keys(Keys::at(1, Access::READ)).usage("key field").doc(
        Group::Hash,
        "2.0.0",
        "O(1)",
        "Returns the value of a field of a hash.",
    ),
    fast("hmget", hmget).arity(-3).keys(Keys::at(1, Access::READ)).usage("key field [field ...]").doc(
        Group::Hash,
        "2.0.0",
        "O(N) with N being the number of fields.",
        "Returns the values of several fields of a hash.",
    ),
    whole("hgetall", hgetall, "Returns all fields of a hash with their values."),
    fast("hlen", hlen).arity(2).keys(Keys::at(1, Access::READ_META)).usage("key").doc(
        Group::Hash,
        "2.0.0",
        "O(1)",
        "Returns the number of fields of a hash.",
    ),
    fast("hstrlen", hstrlen).arity(3).keys(Keys::at(1, Access::READ_META)).usage("key field").doc(
        Group::Hash,
        "3.2.0",
        "O(1)",
        "Returns the length in bytes of the value in a field of a hash.",
    ),
    fast("hexists", hexists).arity(3).keys(Keys::at(1, Access::READ_META)).usage("key field").doc(
        Group::Hash,
        "2.0.0",
        "O(1)",
        "Says whether a hash has a field.",
    ),
    whole("hkeys", hkeys, "Returns all fields of a hash."),
    whole("hvals", hvals, "Returns the values of all fields of a hash."),
    Spec::owner("hrandfield", hrandfield)
        .arity(-2)
        .flags(Flags::READ)
        .categories(&["hash"])
        .keys(Keys::at(1, Access::READ))
        .usage("key [count [WITHVALUES]]:options")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Hash,
            "6.2.0",
            "O(N) with N being the number of fields returned.",
            "Returns fields of a hash, picked at random.",
        ),
    Spec::owner("hscan", hscan)
        .arity(-3)
        .flags(Flags::READ)
        .categories(&["hash"])
        .keys(Keys::at(1, Access::READ))
        .usage("key cursor [MATCH pattern] [COUNT count]")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Hash,
            "2.8.0",
            "O(1) for every call, O(N) for all of N fields.",
            "Returns some fields of a hash with their values, and a cursor to go on with.",
        ),
];

const fn fast(name: &'static str, run: ShardFn) -> Spec {
    Spec::owner(name, run).flags(Flags::READ.and(Flags::FAST)).categories(&["hash"])
}

const fn whole(name: &'static str, run: ShardFn, summary: &'static str) -> Spec {
    Spec::owner(name, run)
        .arity(2)
        .flags(Flags::READ)
        .categories(&["hash"])
        .keys(Keys::at(1, Access::READ))
        .usage("key")
        .tips(&["nondeterministic_output_order"])
        .doc(Group::Hash, "2.0.0", "O(N) with N being the number of fields.", summary)
}

/// `HGET key field`: the value, or null. Errors: WRONGTYPE.
fn hget(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    match keys.read_value::<Hash>(args.at(1))?.and_then(|hash| hash.get(args.at(2))) {
        Some(value) => bulk(reply, value),
        None => reply.null(),
    }
    Ok(())
}

/// `HMGET key field [field ...]`: a value or null for each. Errors: WRONGTYPE.
fn hmget(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let hash = keys.read_value::<Hash>(args.at(1))?;
    let fields = args.from(2);
    reply.array(fields.len());
    for field in fields {
        match hash.and_then(|hash| hash.get(field)) {
            Some(value) => bulk(reply, value),
            None => reply.null(),
        }
    }
    Ok(())
}

/// `HGETALL key`: fields with their values; empty when missing. Errors: WRONGTYPE.
fn hgetall(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let Some(hash) = keys.read_value::<Hash>(args.at(1))? else {
        reply.map(0);
        return Ok(());
    };
    reply.map(hash.len());
    for (field, value) in hash.iter() {
        bulk(reply, field);
        bulk(reply, value);
    }
    Ok(())
}

/// `HLEN key`: how many fields, 0 when missing. Errors: WRONGTYPE.
fn hlen(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let len = keys.read_value(args.at(1))?.map_or(0, Hash::len);
    reply.integer(len as i64);
    Ok(())
}

/// `HSTRLEN key field`: bytes of the value, 0 when missing. Errors: WRONGTYPE.
fn hstrlen(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let value = keys.read_value::<Hash>(args.at(1))?.and_then(|hash| hash.get(args.at(2)));
    reply.integer(value.map_or(0, |value| value.len() as i64));
    Ok(())
}

/// `HEXISTS key field`: 1 or 0. Errors: WRONGTYPE.
fn hexists(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let found = keys.read_value::<Hash>(args.at(1))?.is_some_and(|hash| hash.contains(args.at(2)));
    reply.integer(i64::from(found));
    Ok(())
}

/// `HKEYS key`: all fields; empty when missing. Errors: WRONGTYPE.
fn hkeys(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let hash = keys.read_value::<Hash>(args.at(1))?;
    reply.array(hash.map_or(0, Hash::len));
    hash.into_iter().flat_map(Hash::iter).for_each(|(field, _)| bulk(reply, field));
    Ok(())
}

/// `HVALS key`: all values; empty when missing. Errors: WRONGTYPE.
fn hvals(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let hash = keys.read_value::<Hash>(args.at(1))?;
    reply.array(hash.map_or(0, Hash::len));
    hash.into_iter().flat_map(Hash::iter).for_each(|(_, value)| bulk(reply, value));
    Ok(())
}

/// What HRANDFIELD shows of a field.
#[derive(Clone, Copy)]
struct Shown {
    values: bool,
    /// RESP3 nests a field and its value.
    nested: bool,
}

impl Shown {
    fn header(self, reply: &mut Reply<'_>, count: usize) {
        reply.array(if self.values && !self.nested { count * 2 } else { count });
    }

    fn write(self, reply: &mut Reply<'_>, (field, value): Pair<'_>) {
        if self.values && self.nested {
            reply.array(2);
        }
        bulk(reply, field);
        if self.values {
            bulk(reply, value);
        }
    }
}

/// `HRANDFIELD key [count [WITHVALUES]]`: a field or null; with a count a list of different fields, of any
/// fields if it is negative. Errors: WRONGTYPE, no integer, a count out of range, an unknown option.
fn hrandfield(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let mut prng = keys.prng();
    let Some(count) = args.get(2) else {
        match keys.read_value::<Hash>(args.at(1))?.and_then(|hash| hash.random(&mut prng)) {
            Some((field, _)) => bulk(reply, field),
            None => reply.null(),
        }
        return Ok(());
    };
    let count = integer_but_least(count)?;
    let values = args.len() > 3;
    if args.len() > 4 || values && !args.is(3, "withvalues") {
        return Err(CommandError::Syntax);
    }
    if values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(CommandError::Text("ERR value is out of range"));
    }
    let shown = Shown { values, nested: reply.protocol() == Protocol::Resp3 };
    let Some(hash) = keys.read_value::<Hash>(args.at(1))? else {
        reply.array(0);
        return Ok(());
    };
    if count >= 0 {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(hash.len());
        shown.header(reply, count);
        hash.sample(count, &mut prng, &mut |field, value| shown.write(reply, (field, value)));
        return Ok(());
    }
    let start = reply.out().len();
    shown.header(reply, count.unsigned_abs() as usize);
    let draws = hash.draws(&mut prng);
    let written = drawn(reply, count.unsigned_abs(), draws, |reply, pair| shown.write(reply, pair));
    if written.is_err() {
        reply.out().truncate(start);
    }
    written
}

/// An integer other than the least of all, which has no counterpart.
pub(super) fn integer_but_least(word: &[u8]) -> Result<i64, CommandError> {
    match integer(word)? {
        i64::MIN => Err(CommandError::Text(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        )),
        count => Ok(count),
    }
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count]`: the next cursor, and fields with their values. Errors: a
/// bad cursor, WRONGTYPE, bad options (not looked at without a key).
fn hscan(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let cursor = cursor(args)?;
    let Some(hash) = keys.read_value::<Hash>(args.at(1))? else {
        scanned_nothing(reply);
        return Ok(());
    };
    let filter = Filter::parse(args)?;
    scanned(reply, |reply| {
        let mut count = 0;
        let next = hash.scan(cursor, filter.count, &mut |field, value| {
            if filter.wants(field) {
                bulk(reply, field);
                bulk(reply, value);
                count += 2;
            }
        });
        (next, count)
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_hash_is_a_map_to_clients_that_know_maps() {
        check(
            r#"
        > hello 3   *
        > hset h f v                                (integer) 1
        > hgetall h                                 1# "f" => "v"
        > hkeys h                                   1) "f"
        > hvals h                                   1) "v"
        > hget h missing                            (nil)
        > hmget h missing                           1) (nil)
        > hgetall missing                           (empty hash)
        > hello 2   *
            "#,
        );
    }

    #[test]
    fn random_fields_come_alone_in_lists_and_in_pairs() {
        check(
            r#"
        > hrandfield missing                        (nil)
        > hrandfield missing 1                      (empty array)
        > hrandfield missing -1 withvalues          (empty array)
        > hset h f v                                (integer) 1
        > hrandfield h                              "f"
        > hrandfield h 0                            (empty array)
        > hrandfield h 1                            1) "f"
        > hrandfield h 5                            1) "f"
        > hrandfield h -3
            1) "f"
            2) "f"
            3) "f"
        > hrandfield h 5 withvalues
            1) "f"
            2) "v"
        > hrandfield h -2 WITHVALUES
            1) "f"
            2) "v"
            3) "f"
            4) "v"
        > hrandfield h x                            (error) ERR value is not an integer or out of range
        > hrandfield h 1 x                          (error) ERR syntax error
        > hrandfield h 1 withvalues x               (error) ERR syntax error
        > hrandfield h -9223372036854775808         (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > hrandfield h 4611686018427387904 withvalues  (error) ERR value is out of range
        > hrandfield h -4611686018427387904 withvalues  (error) ERR value is out of range
        > hrandfield missing x                      (error) ERR value is not an integer or out of range
        > hrandfield missing 1 x                    (error) ERR syntax error
        > hset h g w                                (integer) 1
        > hrandfield h 2 withvalues
            1) "f"
            2) "v"
            3) "g"
            4) "w"
        > hello 3   *
        > hrandfield h 2 withvalues
            1) 1) "f"
               2) "v"
            2) 1) "g"
               2) "w"
        > hdel h g                                  (integer) 1
        > hrandfield h -2 withvalues
            1) 1) "f"
               2) "v"
            2) 1) "f"
               2) "v"
        > hrandfield h 2                            1) "f"
        > hrandfield missing                        (nil)
        > hrandfield missing 1                      (empty array)
        > hello 2   *
            "#,
        );
    }

    #[test]
    fn hscan_reads_its_options_after_its_key() {
        check(
            r#"
        > hscan missing 0
            1) "0"
            2) (empty array)
        > hscan missing 0 foo
            1) "0"
            2) (empty array)
        > hscan missing x                           (error) ERR invalid cursor
        > hset h a 1 b 2 cc 3                       (integer) 3
        > hscan h 0
            1) "0"
            2) 1) "a"
               2) "1"
               3) "b"
               4) "2"
               5) "cc"
               6) "3"
        > hscan h 0 match ?
            1) "0"
            2) 1) "a"
               2) "1"
               3) "b"
               4) "2"
        > hscan h 0 MATCH c* COUNT 1
            1) "0"
            2) 1) "cc"
               2) "3"
        > hscan h 0 count 1
            1) "0"
            2) 1) "a"
               2) "1"
               3) "b"
               4) "2"
               5) "cc"
               6) "3"
        > hscan h 0 match nothing
            1) "0"
            2) (empty array)
        > hscan h 12345
            1) "0"
            2) 1) "a"
               2) "1"
               3) "b"
               4) "2"
               5) "cc"
               6) "3"
        > hscan h x                                 (error) ERR invalid cursor
        > hscan h -1
            1) "0"
            2) 1) "a"
               2) "1"
               3) "b"
               4) "2"
               5) "cc"
               6) "3"
        > hscan h 0 count 0                         (error) ERR syntax error
        > hscan h 0 count -1                        (error) ERR syntax error
        > hscan h 0 count x                         (error) ERR value is not an integer or out of range
        > hscan h 0 count                           (error) ERR syntax error
        > hscan h 0 match                           (error) ERR syntax error
        > hscan h 0 foo bar                         (error) ERR syntax error
        > hscan h 0 type hash                       (error) ERR syntax error
        > hscan h 0 foo                             (error) ERR syntax error
        > hscan h                                   (error) ERR wrong number of arguments for 'hscan' command
            "#,
        );
    }
}
