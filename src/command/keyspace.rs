//! Keys whatever they hold: removing, moving, counting and flushing them.
//!
//! RENAME and COPY carry a whole value from one key to another in hops; both keys are locked from the
//! first look to the last write, so nobody sees two of it or none. A hop that finds something wrong has
//! changed nothing yet.

use crate::base::args::Args;
use crate::base::limits;
use crate::command::args::integer_32;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Carry, Flags, Fold, Group, Hop, Keys, Next, Part, PartFn, Spec};
use crate::resp::Reply;
use crate::shard::Keyspace;

const WRITES_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const READS_FAST: Flags = Flags::READ.and(Flags::FAST);
const SUM_TIPS: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];
const FLUSH_TIPS: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::split("del", del, Fold::Sum)
        .arity(-2)
        .flags(Flags::WRITE)
        .categories(&["keyspace"])
        .keys(Keys::range(1, -1, 1, Access::DELETE))
        .usage("key [key ...]")
        .tips(SUM_TIPS)
        .doc(
            Group::Generic,
            "1.0.0",
            "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a string, the individual complexity for this key is O(M) where M is the number of elements in the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).",
            "Removes keys.",
        ),
    Spec::split("unlink", unlink, Fold::Sum)
        .arity(-2)
        .flags(WRITES_FAST)
        .categories(&["keyspace"])
        .keys(Keys::range(1, -1, 1, Access::DELETE))
        .usage("key [key ...]")
        .tips(SUM_TIPS)
        .doc(
            Group::Generic,
            "4.0.0",
            "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in order to reclaim memory, where N is the number of allocations the deleted objects where composed of.",
            "Removes keys and frees their memory later.",
        ),
    Spec::split("exists", exists, Fold::Sum)
        .arity(-2)
        .flags(READS_FAST)
        .categories(&["keyspace"])
        .keys(Keys::range(1, -1, 1, Access::READ_META))
        .usage("key [key ...]")
        .tips(SUM_TIPS)
        .doc(
            Group::Generic,
            "1.0.0",
            "O(N) where N is the number of keys to check.",
            "Counts the keys that exist; one that is named twice counts twice.",
        ),
    Spec::split("touch", touch, Fold::Sum)
        .arity(-2)
        .flags(READS_FAST)
        .categories(&["keyspace"])
        .keys(Keys::range(1, -1, 1, Access::READ_META))
        .usage("key [key ...]")
        .tips(SUM_TIPS)
        .doc(
            Group::Generic,
            "3.2.1",
            "O(N) where N is the number of keys that will be touched.",
            "Marks keys as accessed now and counts those that exist.",
        ),
    Spec::owner("type", kind)
        .arity(2)
        .flags(READS_FAST)
        .categories(&["keyspace"])
        .keys(Keys::at(1, Access::READ_META))
        .usage("key")
        .doc(Group::Generic, "1.0.0", "O(1)", "Returns the type of the value at a key."),
    Spec::atomic("rename", rename)
        .arity(3)
        .flags(Flags::WRITE)
        .categories(&["keyspace"])
        .keys(Keys::range(1, 2, 1, Access::ACCESS_DELETE).then(Access::OVERWRITE))
        .usage("key newkey")
        .doc(Group::Generic, "1.0.0", "O(1)", "Gives a key another name and overwrites what has that name."),
    Spec::atomic("renamenx", renamenx)
        .arity(3)
        .flags(WRITES_FAST)
        .categories(&["keyspace"])
        .keys(Keys::range(1, 2, 1, Access::ACCESS_DELETE).then(Access(&["OW", "insert"])))
        .usage("key newkey")
        .doc(Group::Generic, "1.0.0", "O(1)", "Gives a key another name if nothing has that name."),
    Spec::atomic("copy", copy)
        .arity(-3)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["keyspace"])
        .keys(Keys::range(1, 2, 1, Access::READ).then(Access::OVERWRITE))
        .usage("source destination [DB destination-db] [REPLACE]")
        .doc(
            Group::Generic,
            "6.2.0",
            "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
            "Copies a key's value and expiry to another key.",
        ),
    Spec::owner("move", move_to)
        .arity(3)
        .flags(WRITES_FAST)
        .categories(&["keyspace"])
        .keys(Keys::at(1, Access::ACCESS_UPDATE))
        .usage("key db")
        .doc(Group::Generic, "1.0.0", "O(1)", "Moves a key to another database."),
    Spec::every("dbsize", dbsize, Fold::Sum)
        .flags(READS_FAST)
        .categories(&["keyspace"])
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .doc(Group::Server, "1.0.0", "O(1)", "Returns the number of keys in the database."),
    Spec::every("flushdb", flushdb, Fold::Ok)
        .arity(-1)
        .flags(Flags::WRITE)
        .categories(&["keyspace", "dangerous"])
        .usage("[ASYNC|SYNC]:async")
        .tips(FLUSH_TIPS)
        .doc(
            Group::Server,
            "1.0.0",
            "O(N) where N is the number of keys in the selected database",
            "Removes all keys of the database.",
        ),
    Spec::every("flushall", flushall, Fold::Ok)
        .arity(-1)
        .flags(Flags::WRITE)
        .categories(&["keyspace", "dangerous"])
        .usage("[ASYNC|SYNC]:async")
        .tips(FLUSH_TIPS)
        .doc(
            Group::Server,
            "1.0.0",
            "O(N) where N is the total number of keys in all databases",
            "Removes all keys of all databases.",
        ),
    Spec::every("swapdb", swapdb, Fold::Ok)
        .arity(3)
        .flags(WRITES_FAST)
        .categories(&["keyspace", "dangerous"])
        .usage("index1 index2")
        .doc(
            Group::Server,
            "4.0.0",
            "O(N) where N is the count of clients watching or blocking on keys from both databases.",
            "Exchanges the keys of two databases.",
        ),
];

/// How many of the keys `each` says yes to.
fn count<'k>(
    keys: &mut Keyspace<'k>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
    each: fn(&mut Keyspace<'k>, &[u8]) -> bool,
) -> CommandResult {
    let count = args.from(1).filter(|key| each(keys, key)).count();
    reply.integer(count as i64);
    Ok(())
}

/// `DEL key [key ...]`: how many there were.
fn del(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    count(keys, args, reply, Keyspace::remove)
}

/// `UNLINK key [key ...]`: how many there were.
fn unlink(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    count(keys, args, reply, Keyspace::unlink)
}

/// `EXISTS key [key ...]`: how many there are.
fn exists(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    count(keys, args, reply, Keyspace::contains)
}

/// `TOUCH key [key ...]`: how many there are.
fn touch(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    count(keys, args, reply, Keyspace::touch)
}

/// `TYPE key`: the type's name, or `none`.
fn kind(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.simple(keys.kind(args.at(1)).unwrap_or("none"));
    Ok(())
}

/// Asks one key of the command to do one thing.
fn part(hop: &Hop, key: usize, run: PartFn, carry: Carry) -> Part {
    Part { key, db: hop.db, run, carry }
}

fn look_part(keys: &mut Keyspace<'_>, key: &[u8], _: Carry) -> Carry {
    Carry::Flag(keys.holds(key))
}

fn take_part(keys: &mut Keyspace<'_>, key: &[u8], _: Carry) -> Carry {
    keys.take(key).map_or(Carry::Nothing, |value| Carry::Value(Box::new(value)))
}

fn copy_part(keys: &mut Keyspace<'_>, key: &[u8], _: Carry) -> Carry {
    keys.copy(key).map_or(Carry::Nothing, |value| Carry::Value(Box::new(value)))
}

fn put_part(keys: &mut Keyspace<'_>, key: &[u8], value: Carry) -> Carry {
    if let Carry::Value(value) = value {
        keys.put(key, *value);
    }
    Carry::Nothing
}

/// `RENAME key newkey`: OK. The new key has the old one's value and expiry. Errors: no such key.
fn rename(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    let same = args.at(1) == args.at(2);
    match (hop.stage, hop.carries.pop()) {
        (0, _) if same => return Ok(Next::Hop(vec![part(hop, 1, look_part, Carry::Nothing)])),
        (0, _) => return Ok(Next::Hop(vec![part(hop, 1, take_part, Carry::Nothing)])),
        (1, Some(value @ Carry::Value(_))) => return Ok(Next::Hop(vec![part(hop, 2, put_part, value)])),
        (1, Some(Carry::Flag(true))) | (2.., _) => reply.ok(),
        (1, _) => return Err(CommandError::NoSuchKey),
    }
    Ok(Next::Done)
}

/// `RENAMENX key newkey`: 1, or 0 when the new key exists. Errors: no such key.
fn renamenx(_: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    match (hop.stage, &mut hop.carries[..]) {
        (0, _) => {
            let looks = [1, 2].map(|key| part(hop, key, look_part, Carry::Nothing));
            return Ok(Next::Hop(looks.into()));
        }
        (1, [Carry::Flag(false), _]) => return Err(CommandError::NoSuchKey),
        (1, [_, Carry::Flag(false)]) => {
            return Ok(Next::Hop(vec![part(hop, 1, take_part, Carry::Nothing)]));
        }
        (1, _) => reply.integer(0),
        (2, [value]) => {
            let value = std::mem::take(value);
            return Ok(Next::Hop(vec![part(hop, 2, put_part, value)]));
        }
        _ => reply.integer(1),
    }
    Ok(Next::Done)
}

/// `COPY source destination [DB destination-db] [REPLACE]`: 1, or 0 without a source or when the
/// destination exists and is not to be replaced. Errors: a bad option, a destination that is the source.
fn copy(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    let (mut db, mut replace) = (hop.db, false);
    let mut at = 3;
    while at < args.len() {
        match () {
            () if args.is(at, "replace") => replace = true,
            () if args.is(at, "db") && at + 1 < args.len() => {
                at += 1;
                db = database(args.at(at))?;
            }
            () => return Err(CommandError::Syntax),
        }
        at += 1;
    }
    if db == hop.db && args.at(1) == args.at(2) {
        return Err(CommandError::SameObject);
    }
    match (hop.stage, &mut hop.carries[..]) {
        (0, _) => {
            let read = part(hop, 1, copy_part, Carry::Nothing);
            let look = Part { db, ..part(hop, 2, look_part, Carry::Nothing) };
            return Ok(Next::Hop(vec![read, look]));
        }
        (1, [value @ Carry::Value(_), Carry::Flag(exists)]) if replace || !*exists => {
            let value = std::mem::take(value);
            return Ok(Next::Hop(vec![Part { db, ..part(hop, 2, put_part, value) }]));
        }
        (stage, _) => reply.integer(i64::from(stage > 1)),
    }
    Ok(Next::Done)
}

/// A database's number.
fn database(word: &[u8]) -> Result<u8, CommandError> {
    database_of(integer_32(word)?)
}

fn database_of(number: i32) -> Result<u8, CommandError> {
    let db = u8::try_from(number).ok().filter(|&db| usize::from(db) < limits::DATABASES);
    db.ok_or(CommandError::DatabaseRange)
}

/// `MOVE key db`: 1, or 0 without such a key or when the other database has it. Errors: a bad database,
/// the same database.
fn move_to(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let key = args.at(1);
    let db = database(args.at(2))?;
    if db == keys.db() {
        return Err(CommandError::SameObject);
    }
    let wanted = keys.holds(key) && !keys.other_db(db).holds(key);
    if wanted && let Some(value) = keys.take(key) {
        keys.other_db(db).put(key, value);
    }
    reply.integer(i64::from(wanted));
    Ok(())
}

/// `DBSIZE`: keys of this shard, among them those that have expired and are not removed yet.
fn dbsize(keys: &mut Keyspace<'_>, _: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.integer(keys.len() as i64);
    Ok(())
}

/// Both words of FLUSHDB and FLUSHALL mean the same here: the keys are gone at once, and their memory is
/// freed in slices.
fn check_flush(args: Args<'_>) -> CommandResult {
    match args.len() {
        1 => Ok(()),
        2 if args.is(1, "async") || args.is(1, "sync") => Ok(()),
        _ => Err(CommandError::Syntax),
    }
}

/// `FLUSHDB [ASYNC|SYNC]`: OK.
fn flushdb(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    check_flush(args)?;
    keys.clear();
    reply.ok();
    Ok(())
}

/// `FLUSHALL [ASYNC|SYNC]`: OK.
fn flushall(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    check_flush(args)?;
    keys.clear_all();
    reply.ok();
    Ok(())
}

/// `SWAPDB index1 index2`: OK. Errors: an index that is no number, or no database.
fn swapdb(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let index = |at, refused| integer_32(args.at(at)).map_err(|_| CommandError::Text(refused));
    let first = index(1, "ERR invalid first DB index")?;
    let second = index(2, "ERR invalid second DB index")?;
    let (Ok(first), Ok(second)) = (database_of(first), database_of(second)) else {
        return Err(CommandError::DatabaseRange);
    };
    keys.swap(first, second);
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn del_unlink_exists_and_touch_count_keys() {
        check(
            r#"
        > mset a 1 b 2 c 3 d 4                    OK
        > exists a b c d e                        (integer) 4
        > exists a a a                            (integer) 3
        > touch a e b                             (integer) 2
        > del a e                                 (integer) 1
        > del b b                                 (integer) 1
        > unlink c d x                            (integer) 2
        > exists a b c d                          (integer) 0
        > del                                     (error) ERR wrong number of arguments for 'del' command
        > exists                                  (error) ERR wrong number of arguments for 'exists' command
            "#,
        );
    }

    #[test]
    fn type_of_a_missing_key_is_none() {
        check(
            r#"
        > set k v                                 OK
        > type k                                  string
        > type missing                            none
            "#,
        );
    }

    #[test]
    fn rename_takes_value_and_deadline_along() {
        check(
            r#"
        > set a 1 ex 100                          OK
        > set b 2                                 OK
        > rename a b                              OK
        > get b                                   "1"
        > ttl b                                   (integer) 100
        > exists a                                (integer) 0
        > rename missing b                        (error) ERR no such key
        > rename missing missing                  (error) ERR no such key
        > rename b b                              OK
        > get b                                   "1"
        > rename b c                              OK
        > mget a b c
            1) (nil)
            2) (nil)
            3) "1"
        > rename c                                (error) ERR wrong number of arguments for 'rename' command
            "#,
        );
    }

    #[test]
    fn renamenx_never_overwrites() {
        check(
            r#"
        > mset a 1 b 2                            OK
        > renamenx a b                            (integer) 0
        > mget a b
            1) "1"
            2) "2"
        > renamenx a c                            (integer) 1
        > mget a b c
            1) (nil)
            2) "2"
            3) "1"
        > renamenx a d                            (error) ERR no such key
        > renamenx c c                            (integer) 0
        > renamenx missing missing                (error) ERR no such key
            "#,
        );
    }

    #[test]
    fn copy_leaves_the_source() {
        check(
            r#"
        > set a 1 ex 100                          OK
        > copy a b                                (integer) 1
        > ttl b                                   (integer) 100
        > mget a b
            1) "1"
            2) "1"
        > set a 2                                 OK
        > copy a b                                (integer) 0
        > get b                                   "1"
        > copy a b replace                        (integer) 1
        > get b                                   "2"
        > ttl b                                   (integer) -1
        > copy missing b replace                  (integer) 0
        > get b                                   "2"
        > copy a a                                (error) ERR source and destination objects are the same
        > copy a a replace                        (error) ERR source and destination objects are the same
        > copy missing missing                    (error) ERR source and destination objects are the same
        > copy a b db 0                           (integer) 0
        > copy a b db 1                           (integer) 1
        > copy a b db 1                           (integer) 0
        > copy a b db 1 replace                   (integer) 1
        > copy a a db 1                           (integer) 1
        > copy a c db 16                          (error) ERR DB index is out of range
        > copy a c db -1                          (error) ERR DB index is out of range
        > copy a c db x                           (error) ERR value is not an integer or out of range
        > copy a c db 99999999999                 (error) ERR value is out of range, value must between -2147483648 and 2147483647
        > copy a c db                             (error) ERR syntax error
        > copy a c foo                            (error) ERR syntax error
        > copy a b db 2 db 3 replace replace      (integer) 1
            "#,
        );
    }

    #[test]
    fn move_carries_a_key_to_another_database() {
        check(
            r#"
        > set a 1 ex 100                          OK
        > move a 1                                (integer) 1
        > exists a                                (integer) 0
        > move a 1                                (integer) 0
        > set a 2                                 OK
        > move a 1                                (integer) 0
        > get a                                   "2"
        > swapdb 0 1                              OK
        > get a                                   "1"
        > ttl a                                   (integer) 100
        > move a 0                                (error) ERR source and destination objects are the same
        > move a 16                               (error) ERR DB index is out of range
        > move a -1                               (error) ERR DB index is out of range
        > move a x                                (error) ERR value is not an integer or out of range
        > move a 99999999999                      (error) ERR value is out of range, value must between -2147483648 and 2147483647
            "#,
        );
    }

    #[test]
    fn swapdb_exchanges_databases() {
        check(
            r#"
        > mset a 1 b 2                            OK
        > swapdb 0 1                              OK
        > dbsize                                  (integer) 0
        > set c 3                                 OK
        > swapdb 1 0                              OK
        > mget a b c
            1) "1"
            2) "2"
            3) (nil)
        > swapdb 0 0                              OK
        > dbsize                                  (integer) 2
        > swapdb x 1                              (error) ERR invalid first DB index
        > swapdb 1 x                              (error) ERR invalid second DB index
        > swapdb 99999999999 1                    (error) ERR invalid first DB index
        > swapdb 0 16                             (error) ERR DB index is out of range
        > swapdb -1 0                             (error) ERR DB index is out of range
        > swapdb x y                              (error) ERR invalid first DB index
        > flushall                                OK
        > swapdb 0 1                              OK
        > dbsize                                  (integer) 0
            "#,
        );
    }

    #[test]
    fn flushes_take_one_word() {
        check(
            r#"
        > mset a 1 b 2                            OK
        > dbsize                                  (integer) 2
        > flushdb foo                             (error) ERR syntax error
        > flushdb async sync                      (error) ERR syntax error
        > flushall foo                            (error) ERR syntax error
        > dbsize                                  (integer) 2
        > flushdb                                 OK
        > dbsize                                  (integer) 0
        > mset a 1 b 2                            OK
        > swapdb 0 5                              OK
        > set c 3                                 OK
        > flushdb sync                            OK
        > dbsize                                  (integer) 0
        > swapdb 0 5                              OK
        > dbsize                                  (integer) 2
        > flushall async                          OK
        > dbsize                                  (integer) 0
            "#,
        );
    }
}
