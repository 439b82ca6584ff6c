//! Fields that expire: HEXPIRE and its kin set deadlines, HTTL and its kin tell them, HPERSIST clears them.
//! All are Redis 7.4's.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::ds::hash::Hash;
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace};

const COST: &str = "O(N) with N being the number of fields.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    setter("hexpire", |keys, args, reply| expire(keys, args, reply, &RELATIVE_S))
        .usage("key seconds [NX|XX|GT|LT]:condition FIELDS <numfields:integer field [field ...]>:fields")
        .doc(Group::Hash, "7.4.0", COST, "Makes fields of a hash expire after some seconds."),
    setter("hpexpire", |keys, args, reply| expire(keys, args, reply, &RELATIVE_MS))
        .usage("key milliseconds [NX|XX|GT|LT]:condition FIELDS <numfields:integer field [field ...]>:fields")
        .doc(Group::Hash, "7.4.0", COST, "Makes fields of a hash expire after some milliseconds."),
    setter("hexpireat", |keys, args, reply| expire(keys, args, reply, &MOMENT_S))
        .usage(
            "key unix-time-seconds [NX|XX|GT|LT]:condition FIELDS <numfields:integer field [field ...]>:fields",
        )
        .doc(Group::Hash, "7.4.0", COST, "Makes fields of a hash expire at a Unix time in seconds."),
    setter("hpexpireat", |keys, args, reply| expire(keys, args, reply, &MOMENT_MS))
        .usage(
            "key unix-time-milliseconds [NX|XX|GT|LT]:condition \
             FIELDS <numfields:integer field [field ...]>:fields",
        )
        .doc(Group::Hash, "7.4.0", COST, "Makes fields of a hash expire at a Unix time in milliseconds."),
    teller("httl", |keys, args, reply| tell(keys, args, reply, |at, now| (at - now + 999) / 1_000))
        .tips(&["nondeterministic_output"])
        .doc(Group::Hash, "7.4.0", COST, "Tells in how many seconds fields of a hash expire."),
    teller("hpttl", |keys, args, reply| tell(keys, args, reply, |at, now| at - now))
        .tips(&["nondeterministic_output"])
        .doc(Group::Hash, "7.4.0", COST, "Tells in how many milliseconds fields of a hash expire."),
    teller("hexpiretime", |keys, args, reply| tell(keys, args, reply, |at, _| (at + 999) / 1_000)).doc(
        Group::Hash,
        "7.4.0",
        COST,
        "Tells at which Unix time in seconds fields of a hash expire.",
    ),
    teller("hpexpiretime", |keys, args, reply| tell(keys, args, reply, |at, _| at)).doc(
        Group::Hash,
        "7.4.0",
        COST,
        "Tells at which Unix time in milliseconds fields of a hash expire.",
    ),
    Spec::owner("hpersist", hpersist)
        .arity(-5)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["hash"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage("key FIELDS <numfields:integer field [field ...]>:fields")
        .doc(Group::Hash, "7.4.0", COST, "Lets fields of a hash stay."),
];

const fn setter(name: &'static str, run: ShardFn) -> Spec {
    Spec::owner(name, run)
        .arity(-6)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["hash"])
        .keys(Keys::at(1, Access::UPDATE))
}

const fn teller(name: &'static str, run: ShardFn) -> Spec {
    Spec::owner(name, run)
        .arity(-5)
        .flags(Flags::READ.and(Flags::FAST))
        .categories(&["hash"])
        .keys(Keys::at(1, Access::READ))
        .usage("key FIELDS <numfields:integer field [field ...]>:fields")
}

/// How a command says when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// What errors call it; the command's name unless it has several ways.
    pub(super) name: &'static str,
    pub(super) seconds: bool,
    pub(super) relative: bool,
}

const RELATIVE_S: Timing = Timing { name: "hexpire", seconds: true, relative: true };
const RELATIVE_MS: Timing = Timing { name: "hpexpire", seconds: false, relative: true };
const MOMENT_S: Timing = Timing { name: "hexpireat", seconds: true, relative: false };
const MOMENT_MS: Timing = Timing { name: "hpexpireat", seconds: false, relative: false };

/// Latest deadline of a field, in Unix milliseconds: the reference keeps 46 bits.
const DEADLINE_MAX: i64 = (1 << 46) - 1;

impl Timing {
    /// The deadline that a word means, in Unix milliseconds. Errors: no integer, negative, too late.
    pub(super) fn deadline(
        &self,
        word: &[u8],
        now_ms: u64,
        reply: &mut Reply<'_>,
    ) -> Result<u64, CommandError> {
        let number = integer(word)?;
        if number < 0 {
            return Err(CommandError::Text("ERR invalid expire time, must be >= 0"));
        }
        let ms = if self.seconds { number.checked_mul(1_000) } else { Some(number) };
        let base = if self.relative { now_ms as i64 } else { 0 };
        match ms.and_then(|ms| ms.checked_add(base)).filter(|&at| at <= DEADLINE_MAX) {
            Some(at) => Ok(at as u64),
            None => {
                let text = format!("ERR invalid expire time in '{}' command", self.name);
                Err(CommandError::say(reply, &text))
            }
        }
    }
}

const NO_FIELDS: CommandError =
    CommandError::Text("ERR Mandatory argument FIELDS is missing or not at the right position");
const MISMATCH: CommandError =
    CommandError::Text("ERR The `numfields` parameter must match the number of arguments");

/// Checks `FIELDS numfields field ...` from word `at` to the end; returns the index of the first field.
/// `refused` is the error of a count that is none.
pub(super) fn fields(args: Args<'_>, at: usize, refused: &'static str) -> Result<usize, CommandError> {
    if !args.is(at, "fields") {
        return Err(NO_FIELDS);
    }
    let count = args.get(at + 1).map(integer).and_then(Result::ok).filter(|&count| count > 0);
    let count = count.ok_or(CommandError::Text(refused))?;
    if usize::try_from(count) == Ok(args.len() - (at + 2)) { Ok(at + 2) } else { Err(MISMATCH) }
}

/// The error of most commands for a count of fields that is none.
pub(super) const COUNT_REFUSED: &str = "ERR Number of fields must be a positive integer";

/// When HEXPIRE sets a deadline.
#[derive(Clone, Copy)]
enum Condition {
    Always,
    Nx,
    Xx,
    Gt,
    Lt,
}

impl Condition {
    fn of(args: Args<'_>, index: usize) -> Condition {
        let known =
            [("nx", Condition::Nx), ("xx", Condition::Xx), ("gt", Condition::Gt), ("lt", Condition::Lt)];
        known.into_iter().find(|(word, _)| args.is(index, word)).map_or(Condition::Always, |(_, found)| found)
    }

    /// Whether `new` replaces `old`; a field without a deadline expires later than any.
    fn allows(self, old: Option<u64>, new: u64) -> bool {
        match self {
            Condition::Always => true,
            Condition::Nx => old.is_none(),
            Condition::Xx => old.is_some(),
            Condition::Gt => old.is_some_and(|old| new > old),
            Condition::Lt => old.is_none_or(|old| new < old),
        }
    }
}

/// `HEXPIRE key seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]` and its kin: for each field 1, or 0
/// where the condition forbids it, 2 where it is removed at once, -2 where there is none. Errors: WRONGTYPE, a
/// bad time, bad fields.
fn expire(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>, timing: &Timing) -> CommandResult {
    let (key, now_ms) = (args.at(1), keys.now().unix_ms());
    keys.peek_value::<Hash>(key)?;
    let deadline = timing.deadline(args.at(2), now_ms, reply)?;
    let condition = Condition::of(args, 3);
    let at = if matches!(condition, Condition::Always) { 3 } else { 4 };
    let first = fields(args, at, "ERR Parameter `numFields` should be greater than 0")?;
    let names = args.from(first);
    reply.array(names.len());
    let found = keys.edit(key, |hash: &mut Hash, shapes| {
        let mut changed = false;
        for field in names.clone() {
            let code = match hash.deadline(field) {
                None => -2,
                Some(old) if !condition.allows(old, deadline) => 0,
                Some(_) if deadline <= now_ms => {
                    hash.remove(field);
                    2
                }
                Some(_) => {
                    hash.set_deadline(field, Some(deadline), shapes);
                    1
                }
            };
            changed |= code > 0;
            reply.integer(code);
        }
        ((), Edit::when(changed))
    })?;
    if found.is_none() {
        names.for_each(|_| reply.integer(-2));
    }
    Ok(())
}

/// `HTTL key FIELDS numfields field [field ...]` and its kin: for each field what `shown` makes of its deadline
/// and the time, -1 where it has none, -2 where there is no such field. Errors: WRONGTYPE, bad fields.
fn tell(
    keys: &mut Keyspace<'_>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
    shown: fn(i64, i64) -> i64,
) -> CommandResult {
    let now_ms = keys.now().unix_ms() as i64;
    let hash = keys.read_value::<Hash>(args.at(1))?;
    let names = args.from(fields(args, 2, COUNT_REFUSED)?);
    reply.array(names.len());
    for field in names {
        reply.integer(match hash.and_then(|hash| hash.deadline(field)) {
            None => -2,
            Some(None) => -1,
            Some(Some(at)) => shown(at as i64, now_ms),
        });
    }
    Ok(())
}

/// `HPERSIST key FIELDS numfields field [field ...]`: for each field 1, -1 where it has no deadline, -2 where
/// there is none. Errors: WRONGTYPE, bad fields.
fn hpersist(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let key = args.at(1);
    keys.peek_value::<Hash>(key)?;
    let names = args.from(fields(args, 2, COUNT_REFUSED)?);
    reply.array(names.len());
    let found = keys.edit(key, |hash: &mut Hash, shapes| {
        let mut changed = false;
        for field in names.clone() {
            let code = match hash.deadline(field) {
                None => -2,
                Some(None) => -1,
                Some(Some(_)) => i64::from(hash.set_deadline(field, None, shapes)),
            };
            changed |= code > 0;
            reply.integer(code);
        }
        ((), Edit::when(changed))
    })?;
    if found.is_none() {
        names.for_each(|_| reply.integer(-2));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn fields_get_deadlines_tell_and_lose_them() {
        check(
            r#"
        > hset h a 1 b 2 c 3                        (integer) 3
        > hexpire h 100 fields 2 a x
            1) (integer) 1
            2) (integer) -2
        > httl h fields 4 a b x a
            1) (integer) 100
            2) (integer) -1
            3) (integer) -2
            4) (integer) 100
        > hpttl h fields 1 b                        1) (integer) -1
        > hexpire h 50 NX fields 2 a b
            1) (integer) 0
            2) (integer) 1
        > hexpire h 200 GT fields 3 a b c
            1) (integer) 1
            2) (integer) 1
            3) (integer) 0
        > hexpire h 10 lt fields 3 a b c
            1) (integer) 1
            2) (integer) 1
            3) (integer) 1
        > hexpire h 10 xx fields 2 a c
            1) (integer) 1
            2) (integer) 1
        > httl h fields 3 a b c
            1) (integer) 10
            2) (integer) 10
            3) (integer) 10
        > hget h a                                  "1"
        > hset h a 2                                (integer) 0
        > httl h fields 1 a                         1) (integer) -1
        > hincrby h b 1                             (integer) 3
        > httl h fields 1 b                         1) (integer) 10
        > hincrbyfloat h b 1.5                      "4.5"
        > httl h fields 1 b                         1) (integer) 10
        > hpersist h fields 3 a b x
            1) (integer) -1
            2) (integer) 1
            3) (integer) -2
        > httl h fields 1 b                         1) (integer) -1
        > hpersist missing fields 1 a               1) (integer) -2
        > httl missing fields 2 a b
            1) (integer) -2
            2) (integer) -2
        > hexpire missing 10 fields 2 a b
            1) (integer) -2
            2) (integer) -2
        > hexpire missing 10 foo 2 a b              (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 0 fields 2 a x
            1) (integer) 2
            2) (integer) -2
        > hget h a                                  (nil)
        > hexpireat h 1 fields 1 b                  1) (integer) 2
        > hpexpireat h 1 fields 1 c                 1) (integer) 2
        > exists h                                  (integer) 0
        > hset h a 1                                (integer) 1
        > hpexpire h 0 fields 1 a                   1) (integer) 2
        > exists h                                  (integer) 0
            "#,
        );
    }

    #[test]
    fn words_that_do_not_fit_are_refused() {
        check(
            r#"
        > set s v                                   OK
        > hexpire s 10 fields 1 a                   (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexpire s x fields 1 a                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > httl s fields 1 a                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hpersist s fields 1 a                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hset h a 1                                (integer) 1
        > hexpire h x fields 1 a                    (error) ERR value is not an integer or out of range
        > hexpire h -1 fields 1 a                   (error) ERR invalid expire time, must be >= 0
        > hexpire h 9223372036854775807 fields 1 a  (error) ERR invalid expire time in 'hexpire' command
        > hexpire h 9223372036854775 fields 1 a     (error) ERR invalid expire time in 'hexpire' command
        > hpexpire h 9223372036854775807 fields 1 a  (error) ERR invalid expire time in 'hpexpire' command
        > hexpireat h 99999999999999 fields 1 a     (error) ERR invalid expire time in 'hexpireat' command
        > hpexpireat h 99999999999999 fields 1 a    (error) ERR invalid expire time in 'hpexpireat' command
        > hpexpireat h 70368744177663 fields 1 a    1) (integer) 1
        > hpexpireat h 70368744177664 fields 1 a    (error) ERR invalid expire time in 'hpexpireat' command
        > hexpire h 10 fields 0 a                   (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 10 fields -1 a                  (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 10 fields x a                   (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 10 fields 2 a                   (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 10 fields 1 a b                 (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 10 foo fields 1 a               (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 10 nx xx fields 1 a             (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 10 nx foo 1 a                   (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 10 nx fields                    (error) ERR wrong number of arguments for 'hexpire' command
        > hexpire h 10 fields 1                     (error) ERR wrong number of arguments for 'hexpire' command
        > hexpire h 10 fields                       (error) ERR wrong number of arguments for 'hexpire' command
        > hexpire h                                 (error) ERR wrong number of arguments for 'hexpire' command
        > httl h                                    (error) ERR wrong number of arguments for 'httl' command
        > httl h fields 1                           (error) ERR wrong number of arguments for 'httl' command
        > httl h foo 1 a                            (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > httl h fields x a                         (error) ERR Number of fields must be a positive integer
        > httl h fields 0 a                         (error) ERR Number of fields must be a positive integer
        > httl h fields 2 a                         (error) ERR The `numfields` parameter must match the number of arguments
        > httl h fields 1 a b                       (error) ERR The `numfields` parameter must match the number of arguments
        > httl missing foo 1 a                      (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hpersist h foo 1 a                        (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hpersist h fields 2 a                     (error) ERR The `numfields` parameter must match the number of arguments
        > hpersist h fields 1                       (error) ERR wrong number of arguments for 'hpersist' command
        > hpersist h fields 0 a                     (error) ERR Number of fields must be a positive integer
        > hpersist h fields 1 a b                   (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 10 fields 1 a nx                (error) ERR The `numfields` parameter must match the number of arguments
        > hexpiretime h fields 1 a                  1) (integer) 70368744178
        > hpexpiretime missing fields 1 a           1) (integer) -2
        > hpexpireat h 33177117420000 fields 1 a    1) (integer) 1
        > hexpiretime h fields 2 a x
            1) (integer) 33177117420
            2) (integer) -2
        > hpexpiretime h fields 2 a x
            1) (integer) 33177117420000
            2) (integer) -2
        > hexpire h 10 nx fields 1                  (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire missing x fields 1 a              (error) ERR value is not an integer or out of range
        > httl s foo 1 a                            (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hpersist s foo 1 a                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn a_key_keeps_its_own_deadline_beside_its_fields() {
        check(
            r#"
        > hset h a 1 b 2                            (integer) 2
        > hexpire h 100 fields 1 a                  1) (integer) 1
        > expire h 1000                             (integer) 1
        > ttl h                                     (integer) 1000
        > httl h fields 2 a b
            1) (integer) 100
            2) (integer) -1
        > rename h h2                               OK
        > ttl h2                                    (integer) 1000
        > httl h2 fields 2 a b
            1) (integer) 100
            2) (integer) -1
        > copy h2 h3                                (integer) 1
        > ttl h3                                    (integer) 1000
        > persist h3                                (integer) 1
        > ttl h3                                    (integer) -1
        > httl h3 fields 1 a                        1) (integer) 100
        > hpersist h3 fields 1 a                    1) (integer) 1
        > ttl h3                                    (integer) -1
        > hpersist h2 fields 1 a                    1) (integer) 1
        > ttl h2                                    (integer) 1000
        > hexpire h2 50 fields 2 a b
            1) (integer) 1
            2) (integer) 1
        > set h2 v keepttl                          OK
        > ttl h2                                    (integer) 1000
        > get h2                                    "v"
        > hset h4 a 1                               (integer) 1
        > expire h4 1000                            (integer) 1
        > hexpire h4 10 fields 1 a                  1) (integer) 1
            "#,
        );
    }

    #[test]
    fn fields_go_when_their_time_has_come() {
        check(
            r#"
        > hset h a 1 b 2 c 3                      (integer) 3
        > hexpire h 10 fields 1 a                 1) (integer) 1
        > hexpire h 20 fields 1 b                 1) (integer) 1
        ! 9 s
        > hget h a                                "1"
        > httl h fields 2 a b
            1) (integer) 1
            2) (integer) 11
        ! 2 s
        > hget h a                                (nil)
        > hlen h                                  (integer) 2
        > hkeys h                                 *
        > httl h fields 3 a b c
            1) (integer) -2
            2) (integer) 9
            3) (integer) -1
        > hset h a 4                              (integer) 1
        > hdel h c                                (integer) 1
        > hexpire h 30 fields 1 a                 1) (integer) 1
        ! 10 s
        > hgetall h
            1) "a"
            2) "4"
        > ttl h                                   (integer) -1
        ! 25 s
        > exists h                                (integer) 0
        > dbsize                                  (integer) 0
        > hsetex h2 ex 5 fields 1 a 1             (integer) 1
        > expire h2 3                             (integer) 1
        ! 4 s
        > exists h2                               (integer) 0
        > hsetex h3 ex 5 fields 2 a 1 b 1         (integer) 1
        > hset h3 c 1                             (integer) 1
        ! 6 s
        > keys *                                  1) "h3"
        > hincrby h3 a 5                          (integer) 5
        > hsetnx h3 b 7                           (integer) 1
        > hlen h3                                 (integer) 3
        > httl h3 fields 3 a b c
            1) (integer) -1
            2) (integer) -1
            3) (integer) -1
            "#,
        );
    }

    #[test]
    fn a_hash_with_deadlines_moves_with_both_kinds() {
        check(
            r#"
        > hset h a 1 b 1                          (integer) 2
        > expire h 1000                           (integer) 1
        > hexpire h 10 fields 1 a                 1) (integer) 1
        > move h 1                                (integer) 1
        > exists h                                (integer) 0
        > select 1                                OK
        > httl h fields 1 a                       1) (integer) 10
        > ttl h                                   (integer) 1000
        ! 11 s
        > hlen h                                  (integer) 1
        > ttl h                                   (integer) 989
        > hexpire h 10 fields 1 b                 1) (integer) 1
        > swapdb 0 1                              OK
        ! 11 s
        > select 0                                OK
        > hget h b                                (nil)
        > exists h                                (integer) 0
            "#,
        );
    }
}
