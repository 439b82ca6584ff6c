//! Walking the keys: SCAN in steps, KEYS at once, RANDOMKEY for one of them.

use crate::base::args::Args;
use crate::base::glob;
use crate::base::number::parse_cursor;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Flags, Fold, Group, Spec};
use crate::resp::{Decoder, Protocol, Reply, Value};
use crate::shard::Keyspace;

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::every("keys", keys, Fold::Concat)
        .arity(2)
        .flags(Flags::READ)
        .categories(&["keyspace", "dangerous"])
        .usage("pattern")
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .doc(
            Group::Generic,
            "1.0.0",
            "O(N) with N being the number of keys in the database, under the assumption that the key names in the database and the given pattern have limited length.",
            "Returns all keys that match a pattern.",
        ),
    Spec::scan("scan", scan)
        .arity(-2)
        .flags(Flags::READ)
        .categories(&["keyspace"])
        .usage("cursor [MATCH pattern] [COUNT count] [TYPE type]")
        .tips(&["nondeterministic_output", "request_policy:special"])
        .doc(
            Group::Generic,
            "2.8.0",
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
            "Returns some keys and a cursor to go on with.",
        ),
    Spec::every("randomkey", randomkey, Fold::With(pick_key))
        .flags(Flags::READ)
        .categories(&["keyspace"])
        .tips(&["request_policy:all_shards", "nondeterministic_output"])
        .doc(Group::Generic, "1.0.0", "O(1)", "Returns one of the keys, picked at random."),
];

/// Keys SCAN looks at in one call unless told otherwise.
const SCAN_COUNT: usize = 10;

/// What SCAN returns of the keys it passes.
struct Filter<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// Reads the words from `first` on.
    fn parse(args: Args<'a>, first: usize) -> Result<Self, CommandError> {
        let mut filter = Filter { count: SCAN_COUNT, pattern: None, kind: None };
        let mut at = first;
        while at < args.len() {
            let word = args.get(at + 1).ok_or(CommandError::Syntax)?;
            match () {
                () if args.is(at, "count") => {
                    let count = integer(word)?;
                    filter.count =
                        usize::try_from(count).ok().filter(|&count| count > 0).ok_or(CommandError::Syntax)?;
                }
                () if args.is(at, "match") => filter.pattern = Some(word).filter(|&pattern| pattern != b"*"),
                () if args.is(at, "type") => filter.kind = Some(word),
                () => return Err(CommandError::Syntax),
            }
            at += 2;
        }
        Ok(filter)
    }

    fn wants(&self, key: &[u8], kind: &str) -> bool {
        self.kind.is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind.as_bytes()))
            && self.pattern.is_none_or(|pattern| glob::matches(pattern, key))
    }
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`: the next cursor and some keys. The cursor is
/// this shard's own; the coordinator has parted it from the shard's number.
fn scan(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let cursor = parse_cursor(args.at(1)).ok_or(CommandError::Text("ERR invalid cursor"))?;
    let filter = Filter::parse(args, 2)?;
    let mut found = Found::new(reply.protocol());
    let next = keys.scan(cursor, filter.count, &mut |key, kind| {
        if filter.wants(key, kind) {
            found.push(key);
        }
    });
    reply.array(2);
    reply.text(itoa::Buffer::new().format(next));
    found.write(reply);
    Ok(())
}

/// `KEYS pattern`: this shard's keys that match.
fn keys(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let pattern = args.at(1);
    let all = pattern == b"*";
    let mut found = Found::new(reply.protocol());
    keys.keys(&mut |key| {
        if all || glob::matches(pattern, key) {
            found.push(key);
        }
    });
    found.write(reply);
    Ok(())
}

/// Keys as they come, encoded; how many there are is known at the end.
struct Found {
    encoded: Vec<u8>,
    count: usize,
    protocol: Protocol,
}

impl Found {
    fn new(protocol: Protocol) -> Found {
        Found { encoded: Vec::new(), count: 0, protocol }
    }

    fn push(&mut self, key: &[u8]) {
        Reply::new(&mut self.encoded, self.protocol).bulk(key);
        self.count += 1;
    }

    fn write(self, reply: &mut Reply<'_>) {
        reply.array(self.count);
        reply.raw(&self.encoded);
    }
}

/// `RANDOMKEY`, one shard's share: how many keys it has, and one of them.
fn randomkey(keys: &mut Keyspace<'_>, _: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let mut prng = keys.prng();
    let key = keys.random_key(&mut prng);
    reply.array(2);
    reply.integer(keys.len() as i64);
    match key {
        Some(key) => reply.bulk(&key),
        None => reply.null(),
    }
    Ok(())
}

/// Picks one shard's key, each shard as likely as it has keys.
fn pick_key(parts: &[&[u8]], random: u64, reply: &mut Reply<'_>) {
    let shares: Vec<(u64, Vec<u8>)> = parts.iter().filter_map(|part| share(part)).collect();
    let total: u64 = shares.iter().map(|(keys, _)| keys).sum();
    let mut at = ((u128::from(random) * u128::from(total)) >> 64) as u64;
    for (keys, key) in &shares {
        if at < *keys {
            return reply.bulk(key);
        }
        at -= keys;
    }
    reply.null();
}

/// A shard's share of RANDOMKEY, if it has a key.
fn share(part: &[u8]) -> Option<(u64, Vec<u8>)> {
    let (value, _) = Decoder::new().next(part).ok()??;
    match value.as_items()? {
        [Value::Integer(keys), Value::Bulk(key)] => Some((*keys as u64, key.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn scan_reads_its_options_after_its_cursor() {
        check(
            r#"
        > scan 0                                  *
        > scan x                                  (error) ERR invalid cursor
        > scan x count x                          (error) ERR invalid cursor
        > scan 0 count 0                          (error) ERR syntax error
        > scan 0 count -1                         (error) ERR syntax error
        > scan 0 count x                          (error) ERR value is not an integer or out of range
        > scan 0 match                            (error) ERR syntax error
        > scan 0 foo bar                          (error) ERR syntax error
        > scan 0 count 10 type                    (error) ERR syntax error
        > scan 18446744073709551616               (error) ERR invalid cursor
        > scan " 0"                               (error) ERR invalid cursor
        > scan -                                  (error) ERR invalid cursor
        > scan                                    (error) ERR wrong number of arguments for 'scan' command
            "#,
        );
    }

    #[test]
    fn keys_match_patterns() {
        check(
            r#"
        > keys *                                  (empty array)
        > set key1 v                              OK
        > keys *                                  1) "key1"
        > keys key1                               1) "key1"
        > keys k[dex]y?                           1) "key1"
        > keys k[^e]y1                            (empty array)
        > keys KEY1                               (empty array)
        > keys ""                                 (empty array)
        > keys                                    (error) ERR wrong number of arguments for 'keys' command
            "#,
        );
    }

    #[test]
    fn randomkey_is_null_without_keys() {
        check(
            r#"
        > randomkey                               (nil)
        > set k v                                 OK
        > randomkey                               "k"
        > randomkey x                             (error) ERR wrong number of arguments for 'randomkey' command
        > set k v pxat 1                          OK
        > randomkey                               (nil)
            "#,
        );
    }
}
