//! Strings as a whole: SET in all its forms, GET in all of its, several keys at once.
//!
//! A value is any bytes, at most `proto-max-bulk-len` of them. The keyspace stores what looks like an
//! integer as one. Parts of strings are in `string_range`, arithmetic is in `number_ops`.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Carry, Flags, Fold, Group, Hop, Keys, Next, Part, Spec};
use crate::resp::Reply;
use crate::shard::{Deadline, Keyspace, Text};

const WRITES: Flags = Flags::WRITE.and(Flags::DENY_OOM);
const WRITES_FAST: Flags = WRITES.and(Flags::FAST);
const READS_FAST: Flags = Flags::READ.and(Flags::FAST);
const INSERT: Access = Access(&["OW", "insert"]);
/// SET reads only with `GET`, and says so to clients.
const SET_ACCESS: Access = Access(&["RW", "access", "update", "variable_flags"]);

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("set", set)
        .arity(-3)
        .flags(WRITES)
        .categories(&["string"])
        .keys(Keys::at(1, SET_ACCESS))
        .usage("key value [NX|XX]:condition [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]:expiration")
        .doc(Group::String, "1.0.0", "O(1)", "Stores a string at a key, whatever the key held before."),
    Spec::owner("get", get)
        .arity(2)
        .flags(READS_FAST)
        .categories(&["string"])
        .keys(Keys::at(1, Access::READ))
        .usage("key")
        .doc(Group::String, "1.0.0", "O(1)", "Returns the string at a key."),
    Spec::owner("getset", getset)
        .arity(3)
        .flags(WRITES_FAST)
        .categories(&["string"])
        .keys(Keys::at(1, Access::ACCESS_UPDATE))
        .usage("key value")
        .deprecated("6.2.0", "`SET` with the `!GET` argument")
        .doc(Group::String, "1.0.0", "O(1)", "Stores a string at a key and returns the one it replaces."),
    Spec::owner("getdel", getdel)
        .arity(2)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["string"])
        .keys(Keys::at(1, Access::ACCESS_DELETE))
        .usage("key")
        .doc(Group::String, "6.2.0", "O(1)", "Returns the string at a key and removes the key."),
    Spec::owner("getex", getex)
        .arity(-2)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["string"])
        .keys(Keys::at(1, Access::ACCESS_UPDATE))
        .usage("key [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST]:expiration")
        .doc(Group::String, "6.2.0", "O(1)", "Returns the string at a key and sets or removes its expiry."),
    Spec::owner("setnx", setnx)
        .arity(3)
        .flags(WRITES_FAST)
        .categories(&["string"])
        .keys(Keys::at(1, INSERT))
        .usage("key value")
        .doc(Group::String, "1.0.0", "O(1)", "Stores a string at a key that does not exist yet."),
    Spec::owner("setex", setex)
        .arity(4)
        .flags(WRITES)
        .categories(&["string"])
        .keys(Keys::at(1, Access::OVERWRITE))
        .usage("key seconds value")
        .doc(Group::String, "2.0.0", "O(1)", "Stores a string at a key that expires after some seconds."),
    Spec::owner("psetex", psetex)
        .arity(4)
        .flags(WRITES)
        .categories(&["string"])
        .keys(Keys::at(1, Access::OVERWRITE))
        .usage("key milliseconds value")
        .doc(Group::String, "2.6.0", "O(1)", "Stores a string at a key that expires after some milliseconds."),
    Spec::split("mset", mset, Fold::Ok)
        .arity(-3)
        .flags(WRITES)
        .categories(&["string"])
        .keys(Keys::range(1, -1, 2, Access::OVERWRITE))
        .usage("key value [key value ...]")
        .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
        .doc(
            Group::String,
            "1.0.1",
            "O(N) where N is the number of keys to set.",
            "Stores strings at several keys, all at one moment.",
        ),
    Spec::atomic("msetnx", msetnx)
        .arity(-3)
        .flags(WRITES)
        .categories(&["string"])
        .keys(Keys::range(1, -1, 2, INSERT))
        .usage("key value [key value ...]")
        .tips(&["request_policy:multi_shard", "response_policy:agg_min"])
        .doc(
            Group::String,
            "1.0.1",
            "O(N) where N is the number of keys to set.",
            "Stores strings at several keys if none of them exists.",
        ),
    Spec::split("mget", mget, Fold::InKeyOrder)
        .arity(-2)
        .flags(READS_FAST)
        .categories(&["string"])
        .keys(Keys::range(1, -1, 1, Access::READ))
        .usage("key [key ...]")
        .tips(&["request_policy:multi_shard"])
        .doc(
            Group::String,
            "1.0.0",
            "O(N) where N is the number of keys to retrieve.",
            "Returns the strings at several keys as they were at one moment.",
        ),
];

/// `GET key`: the string, null when missing. Errors: WRONGTYPE.
fn get(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    write_text(keys.read_string(args.at(1))?, reply);
    Ok(())
}

/// A string as a bulk reply, a missing one as null.
fn write_text(text: Option<Text<'_>>, reply: &mut Reply<'_>) {
    match text {
        None => reply.null(),
        Some(Text::Bytes(bytes)) => reply.bulk(bytes),
        Some(Text::Int(int)) => reply.text(itoa::Buffer::new().format(int)),
    }
}

/// When SET requires the key to exist, or not to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    Missing,
    Exists,
}

/// The unit and the start of an expiry argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expiry<'a> {
    Unsaid,
    Keep,
    Persist,
    Seconds(&'a [u8]),
    Milliseconds(&'a [u8]),
    UnixSeconds(&'a [u8]),
    UnixMilliseconds(&'a [u8]),
}

/// What SET and GETEX have in common: each rejects what only the other knows.
struct Options<'a> {
    condition: Condition,
    get: bool,
    expiry: Expiry<'a>,
}

/// Whose options are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    Set,
    GetEx,
}

impl<'a> Options<'a> {
    /// Reads the words from `first` on. Naming the same option twice is allowed and the last one
    /// counts, two that contradict each other are a syntax error.
    fn parse(args: Args<'a>, first: usize, asking: Asking) -> Result<Self, CommandError> {
        let mut options = Options { condition: Condition::Always, get: false, expiry: Expiry::Unsaid };
        let setting = asking == Asking::Set;
        let mut at = first;
        while at < args.len() {
            if setting && args.is(at, "nx") && options.condition != Condition::Exists {
                options.condition = Condition::Missing;
            } else if setting && args.is(at, "xx") && options.condition != Condition::Missing {
                options.condition = Condition::Exists;
            } else if setting && args.is(at, "get") {
                options.get = true;
            } else {
                options.expiry = options.expiry.next(args, &mut at, asking)?;
            }
            at += 1;
        }
        Ok(options)
    }
}

impl<'a> Expiry<'a> {
    /// The expiry named by the word at `at`, with the one before it in `self`; moves `at` over its
    /// number.
    fn next(self, args: Args<'a>, at: &mut usize, asking: Asking) -> Result<Self, CommandError> {
        let bare = match () {
            () if args.is(*at, "keepttl") && asking == Asking::Set => Some(Expiry::Keep),
            () if args.is(*at, "persist") && asking == Asking::GetEx => Some(Expiry::Persist),
            () => None,
        };
        let next = match bare {
            Some(bare) => bare,
            None => {
                let unit: fn(&'a [u8]) -> Expiry<'a> = match () {
                    () if args.is(*at, "ex") => Expiry::Seconds,
                    () if args.is(*at, "px") => Expiry::Milliseconds,
                    () if args.is(*at, "exat") => Expiry::UnixSeconds,
                    () if args.is(*at, "pxat") => Expiry::UnixMilliseconds,
                    () => return Err(CommandError::Syntax),
                };
                *at += 1;
                unit(args.get(*at).ok_or(CommandError::Syntax)?)
            }
        };
        let same_kind = std::mem::discriminant(&self) == std::mem::discriminant(&next);
        if self == Expiry::Unsaid || same_kind { Ok(next) } else { Err(CommandError::Syntax) }
    }

    /// What it does to the key's deadline; `refused` is the error for a time that is not positive or
    /// too far away to be counted.
    fn deadline(self, now_ms: u64, refused: CommandError) -> Result<Option<u64>, CommandError> {
        let (word, unit_ms, from_ms) = match self {
            Expiry::Unsaid | Expiry::Keep | Expiry::Persist => return Ok(None),
            Expiry::Seconds(word) => (word, 1000, now_ms),
            Expiry::Milliseconds(word) => (word, 1, now_ms),
            Expiry::UnixSeconds(word) => (word, 1000, 0),
            Expiry::UnixMilliseconds(word) => (word, 1, 0),
        };
        let amount = integer(word)?;
        let deadline = amount.checked_mul(unit_ms).and_then(|ms| ms.checked_add(from_ms as i64));
        if amount <= 0 {
            return Err(refused);
        }
        deadline.map(|ms| Some(ms as u64)).ok_or(refused)
    }

    /// Whether it names a moment, not a span: such a moment may have passed.
    fn is_moment(self) -> bool {
        matches!(self, Expiry::UnixSeconds(_) | Expiry::UnixMilliseconds(_))
    }
}

/// `SET key value [NX|XX] [GET] [EX s|PX ms|EXAT t|PXAT t|KEEPTTL]`: OK, or null when the condition
/// does not hold; with `GET` the string that was there. Errors: a bad option or time, and with `GET`
/// WRONGTYPE; none of them changes anything.
fn set(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    if args.len() == 3 {
        keys.set_string(args.at(1), args.at(2), Deadline::None);
        reply.ok();
        return Ok(());
    }
    let options = Options::parse(args, 3, Asking::Set)?;
    let refused = CommandError::Text("ERR invalid expire time in 'set' command");
    let deadline = match options.expiry.deadline(keys.now().unix_ms(), refused)? {
        Some(ms) => Deadline::At(ms),
        None if options.expiry == Expiry::Keep => Deadline::Keep,
        None => Deadline::None,
    };
    let key = args.at(1);
    let exists = if options.get {
        let old = keys.read_string(key)?;
        write_text(old, reply);
        old.is_some()
    } else {
        options.condition != Condition::Always && keys.holds(key)
    };
    let wanted = match options.condition {
        Condition::Always => true,
        Condition::Missing => !exists,
        Condition::Exists => exists,
    };
    if wanted {
        keys.set_string(key, args.at(2), deadline);
    }
    match (options.get, wanted) {
        (true, _) => {}
        (false, true) => reply.ok(),
        (false, false) => reply.null(),
    }
    Ok(())
}

/// `SETNX key value`: 1 when it was stored, 0 when the key was there.
fn setnx(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let missing = !keys.holds(args.at(1));
    if missing {
        keys.set_string(args.at(1), args.at(2), Deadline::None);
    }
    reply.integer(i64::from(missing));
    Ok(())
}

/// `SETEX key seconds value`.
fn setex(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let refused = CommandError::Text("ERR invalid expire time in 'setex' command");
    set_until(keys, args, Expiry::Seconds(args.at(2)), refused, reply)
}

/// `PSETEX key milliseconds value`.
fn psetex(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let refused = CommandError::Text("ERR invalid expire time in 'psetex' command");
    set_until(keys, args, Expiry::Milliseconds(args.at(2)), refused, reply)
}

fn set_until(
    keys: &mut Keyspace<'_>,
    args: Args<'_>,
    expiry: Expiry<'_>,
    refused: CommandError,
    reply: &mut Reply<'_>,
) -> CommandResult {
    let deadline = expiry.deadline(keys.now().unix_ms(), refused)?;
    keys.set_string(args.at(1), args.at(3), deadline.map_or(Deadline::None, Deadline::At));
    reply.ok();
    Ok(())
}

/// `GETSET key value`: the string that was there; the key no longer expires. Errors: WRONGTYPE.
fn getset(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    write_text(keys.read_string(args.at(1))?, reply);
    keys.set_string(args.at(1), args.at(2), Deadline::None);
    Ok(())
}

/// `GETDEL key`: the string that was there. Errors: WRONGTYPE.
fn getdel(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let old = keys.read_string(args.at(1))?;
    let found = old.is_some();
    write_text(old, reply);
    if found {
        keys.remove(args.at(1));
    }
    Ok(())
}

/// `GETEX key [EX s|PX ms|EXAT t|PXAT t|PERSIST]`: the string; a moment that has passed removes the
/// key. Errors: WRONGTYPE; a bad time, but only where there is a string to answer.
fn getex(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let expiry = Options::parse(args, 2, Asking::GetEx)?.expiry;
    let key = args.at(1);
    let now_ms = keys.now().unix_ms();
    let Some(text) = keys.read_string(key)? else {
        reply.null();
        return Ok(());
    };
    let refused = CommandError::Text("ERR invalid expire time in 'getex' command");
    let deadline = expiry.deadline(now_ms, refused)?;
    write_text(Some(text), reply);
    match deadline {
        Some(ms) if expiry.is_moment() && ms <= now_ms => {
            keys.remove(key);
        }
        Some(ms) => {
            keys.set_deadline(key, Some(ms));
        }
        None if expiry == Expiry::Persist
            && keys.facts(key).is_some_and(|facts| facts.deadline.is_some()) =>
        {
            keys.set_deadline(key, None);
        }
        None => {}
    }
    Ok(())
}

/// `MGET key [key ...]`: each key's string, null where there is none or another type.
fn mget(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.array(args.len() - 1);
    for key in args.from(1) {
        write_text(keys.read_string(key).unwrap_or(None), reply);
    }
    Ok(())
}

/// `MSET key value [key value ...]`: OK. Runs once per owner, with that owner's pairs.
fn mset(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    if args.len().is_multiple_of(2) {
        return Err(CommandError::Text("ERR wrong number of arguments for 'mset' command"));
    }
    for at in (1..args.len()).step_by(2) {
        keys.set_string(args.at(at), args.at(at + 1), Deadline::None);
    }
    reply.ok();
    Ok(())
}

/// `MSETNX key value [key value ...]`: 1 when all were stored, 0 when one was there and none is.
fn msetnx(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    if args.len().is_multiple_of(2) {
        return Err(CommandError::Text("ERR wrong number of arguments for 'msetnx' command"));
    }
    let pairs = (1..args.len()).step_by(2);
    match hop.stage {
        0 => {
            let look = |key| Part { key, db: hop.db, run: look_part, carry: Carry::Nothing };
            return Ok(Next::Hop(pairs.map(look).collect()));
        }
        1 if hop.carries.iter().all(|carry| matches!(carry, Carry::Flag(false))) => {
            let value = |key| Carry::Bytes(Some(args.at(key + 1).to_vec()));
            let store = |key| Part { key, db: hop.db, run: store_part, carry: value(key) };
            return Ok(Next::Hop(pairs.map(store).collect()));
        }
        stage => reply.integer(i64::from(stage > 1)),
    }
    Ok(Next::Done)
}

fn look_part(keys: &mut Keyspace<'_>, key: &[u8], _: Carry) -> Carry {
    Carry::Flag(keys.holds(key))
}

fn store_part(keys: &mut Keyspace<'_>, key: &[u8], value: Carry) -> Carry {
    if let Carry::Bytes(Some(bytes)) = value {
        keys.set_string(key, &bytes, Deadline::None);
    }
    Carry::Nothing
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn set_and_get_are_binary_safe() {
        check(
            r#"
        > set k "a\x00b\r\n"                      OK
        > get k                                   "a\x00b\r\n"
        > set "k\x00ey" v                         OK
        > get "k\x00ey"                           "v"
        > get k2                                  (nil)
        > set "" empty                            OK
        > get ""                                  "empty"
        > set k ""                                OK
        > get k                                   ""
        > set k                                   (error) ERR wrong number of arguments for 'set' command
        > get                                     (error) ERR wrong number of arguments for 'get' command
        > get a b                                 (error) ERR wrong number of arguments for 'get' command
            "#,
        );
    }

    #[test]
    fn set_conditions_answer_null_when_they_do_not_hold() {
        check(
            r#"
        > set k v xx                              (nil)
        > set k v nx                              OK
        > set k w nx                              (nil)
        > set k w xx                              OK
        > get k                                   "w"
        > set k v nx xx                           (error) ERR syntax error
        > set k v nx nx                           (nil)
        > set k v foo                             (error) ERR syntax error
            "#,
        );
    }

    #[test]
    fn set_get_answers_what_was_there_whether_it_stores_or_not() {
        check(
            r#"
        > set k v get                             (nil)
        > set k w get                             "v"
        > set k x nx get                          "w"
        > get k                                   "w"
        > set k2 v nx get                         (nil)
        > get k2                                  "v"
        > set k3 v xx get                         (nil)
        > get k3                                  (nil)
        > set k "" get ex 0                       (error) ERR invalid expire time in 'set' command
        > get k                                   "w"
            "#,
        );
    }

    #[test]
    fn set_takes_one_expiry_of_five() {
        check(
            r#"
        > set k v ex 100                          OK
        > ttl k                                   (integer) 100
        > set k v keepttl                         OK
        > ttl k                                   (integer) 100
        > set k v                                 OK
        > ttl k                                   (integer) -1
        > set k v px 100400                       OK
        > ttl k                                   (integer) 100
        > set k v exat 9999999999                 OK
        > expiretime k                            (integer) 9999999999
        > set k v pxat 9999999999499              OK
        > pexpiretime k                           (integer) 9999999999499
        > set k v pxat 9223372036854775807        OK
        > pexpiretime k                           (integer) 9223372036854775807
        > set k v ex 10 ex 20                     OK
        > ttl k                                   (integer) 20
        > set k v ex 10 px 20                     (error) ERR syntax error
        > set k v ex 10 keepttl                   (error) ERR syntax error
        > set k v keepttl exat 10                 (error) ERR syntax error
        > set k v ex                              (error) ERR syntax error
        > set k v persist                         (error) ERR syntax error
        > set k v ex x                            (error) ERR value is not an integer or out of range
        > set k v ex 0                            (error) ERR invalid expire time in 'set' command
        > set k v px -1                           (error) ERR invalid expire time in 'set' command
        > set k v ex 9223372036854775807          (error) ERR invalid expire time in 'set' command
        > set k v ex 9223372036854775             (error) ERR invalid expire time in 'set' command
        > set k v px 9223372036854775807          (error) ERR invalid expire time in 'set' command
        > set k v exat 9223372036854775           OK
        > set k v exat 9223372036854776           (error) ERR invalid expire time in 'set' command
            "#,
        );
    }

    #[test]
    fn a_key_set_into_the_past_is_not_seen() {
        check(
            r#"
        > set k v exat 1                          OK
        > get k                                   (nil)
        > exists k                                (integer) 0
        > set k v pxat 1                          OK
        > set k w xx                              (nil)
        > set k w nx                              OK
        > get k                                   "w"
            "#,
        );
    }

    #[test]
    fn keys_disappear_when_their_time_is_up() {
        check(
            r#"
        > set k v px 200                          OK
        > get k                                   "v"
        ! 100 ms
        > get k                                   "v"
        ! 150 ms
        > get k                                   (nil)
        > set k v nx                              OK
        > setex k 1 v                             OK
        ! 1100 ms
        > mget k k
            1) (nil)
            2) (nil)
            "#,
        );
    }

    #[test]
    fn setnx_setex_psetex_are_short_for_set() {
        check(
            r#"
        > setnx k v                               (integer) 1
        > setnx k w                               (integer) 0
        > get k                                   "v"
        > setex k 100 v                           OK
        > ttl k                                   (integer) 100
        > setex k 0 v                             (error) ERR invalid expire time in 'setex' command
        > setex k x v                             (error) ERR value is not an integer or out of range
        > setex k -1 v                            (error) ERR invalid expire time in 'setex' command
        > psetex k 100000 v                       OK
        > ttl k                                   (integer) 100
        > psetex k 0 v                            (error) ERR invalid expire time in 'psetex' command
        > psetex k 9223372036854775807 v          (error) ERR invalid expire time in 'psetex' command
            "#,
        );
    }

    #[test]
    fn getset_drops_the_deadline_getdel_the_key() {
        check(
            r#"
        > set k v ex 100                          OK
        > getset k w                              "v"
        > ttl k                                   (integer) -1
        > getset k2 v                             (nil)
        > get k2                                  "v"
        > getdel k                                "w"
        > getdel k                                (nil)
        > get k                                   (nil)
            "#,
        );
    }

    #[test]
    fn getex_sets_and_removes_deadlines() {
        check(
            r#"
        > getex k ex foo                          (nil)
        > set k v                                 OK
        > getex k                                 "v"
        > ttl k                                   (integer) -1
        > getex k ex 100                          "v"
        > ttl k                                   (integer) 100
        > getex k                                 "v"
        > ttl k                                   (integer) 100
        > getex k persist                         "v"
        > ttl k                                   (integer) -1
        > getex k px 100000                       "v"
        > ttl k                                   (integer) 100
        > getex k exat 9999999999                 "v"
        > expiretime k                            (integer) 9999999999
        > getex k pxat 9999999999000              "v"
        > pexpiretime k                           (integer) 9999999999000
        > getex k ex 10 persist                   (error) ERR syntax error
        > getex k keepttl                         (error) ERR syntax error
        > getex k nx                              (error) ERR syntax error
        > getex k ex                              (error) ERR syntax error
        > getex k ex 0                            (error) ERR invalid expire time in 'getex' command
        > getex k px x                            (error) ERR value is not an integer or out of range
        > ttl k                                   *
        > getex k exat 1                          "v"
        > exists k                                (integer) 0
        > getex k ex 0                            (nil)
            "#,
        );
    }

    #[test]
    fn mset_stores_all_and_mget_reads_all() {
        check(
            r#"
        > mset a 1 b 2 c 3                        OK
        > mget a b c d a
            1) "1"
            2) "2"
            3) "3"
            4) (nil)
            5) "1"
        > mset a x a y                            OK
        > mget a                                  1) "y"
        > mset a                                  (error) ERR wrong number of arguments for 'mset' command
        > mset a 1 b                              (error) ERR wrong number of arguments for 'mset' command
        > mget                                    (error) ERR wrong number of arguments for 'mget' command
        > mset a 1 b 2 c 3 d                      (error) ERR wrong number of arguments for 'mset' command
            "#,
        );
    }

    #[test]
    fn msetnx_stores_all_or_none() {
        check(
            r#"
        > msetnx a 1 b 2 c 3                      (integer) 1
        > msetnx c 4 d 5 e 6                      (integer) 0
        > mget a b c d e
            1) "1"
            2) "2"
            3) "3"
            4) (nil)
            5) (nil)
        > msetnx x 1 x 2                          (integer) 1
        > get x                                   "2"
        > msetnx a 1 b                            (error) ERR wrong number of arguments for 'msetnx' command
        > msetnx a                                (error) ERR wrong number of arguments for 'msetnx' command
        > set e v ex 100                          OK
        > msetnx f 1 e 2                          (integer) 0
        > ttl e                                   (integer) 100
            "#,
        );
    }
}
