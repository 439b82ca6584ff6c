//! When keys end: setting, asking and removing deadlines.
//!
//! A deadline is a moment in Unix milliseconds. Seconds, spans and moments are four ways to name it and
//! four to ask for it; all of them meet in two functions here.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult, c_text};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::resp::Reply;
use crate::shard::Keyspace;

const WRITES: Flags = Flags::WRITE.and(Flags::FAST);
const READS: Flags = Flags::READ.and(Flags::FAST);

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    setter(
        "expire",
        expire,
        "key seconds [NX|XX|GT|LT]:condition",
        "1.0.0",
        "Lets a key expire after some seconds.",
    ),
    setter(
        "pexpire",
        pexpire,
        "key milliseconds [NX|XX|GT|LT]:condition",
        "2.6.0",
        "Lets a key expire after some milliseconds.",
    ),
    setter(
        "expireat",
        expireat,
        "key unix-time-seconds [NX|XX|GT|LT]:condition",
        "1.2.0",
        "Lets a key expire at a moment given as a Unix time in seconds.",
    ),
    setter(
        "pexpireat",
        pexpireat,
        "key unix-time-milliseconds [NX|XX|GT|LT]:condition",
        "2.6.0",
        "Lets a key expire at a moment given as a Unix time in milliseconds.",
    ),
    getter("expiretime", expiretime, "7.0.0", "Returns the Unix time in seconds at which a key expires."),
    getter(
        "pexpiretime",
        pexpiretime,
        "7.0.0",
        "Returns the Unix time in milliseconds at which a key expires.",
    ),
    getter("ttl", ttl, "1.0.0", "Returns after how many seconds a key expires.")
        .tips(&["nondeterministic_output"]),
    getter("pttl", pttl, "2.6.0", "Returns after how many milliseconds a key expires.")
        .tips(&["nondeterministic_output"]),
    Spec::owner("persist", persist)
        .arity(2)
        .flags(WRITES)
        .categories(&["keyspace"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage("key")
        .doc(Group::Generic, "2.2.0", "O(1)", "Removes the expiry of a key."),
];

const fn setter(
    name: &'static str,
    run: crate::command::spec::ShardFn,
    usage: &'static str,
    since: &'static str,
    summary: &'static str,
) -> Spec {
    Spec::owner(name, run)
        .arity(-3)
        .flags(WRITES)
        .categories(&["keyspace"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage(usage)
        .doc(Group::Generic, since, "O(1)", summary)
}

const fn getter(
    name: &'static str,
    run: crate::command::spec::ShardFn,
    since: &'static str,
    summary: &'static str,
) -> Spec {
    Spec::owner(name, run)
        .arity(2)
        .flags(READS)
        .categories(&["keyspace"])
        .keys(Keys::at(1, Access::READ))
        .usage("key")
        .doc(Group::Generic, since, "O(1)", summary)
}

/// When EXPIRE and its kin leave an existing deadline alone.
#[derive(Clone, Copy, Default)]
struct Conditions {
    none_yet: bool,
    has_one: bool,
    later: bool,
    earlier: bool,
}

impl Conditions {
    /// Reads the words from the third on.
    fn parse(args: Args<'_>, reply: &mut Reply<'_>) -> Result<Conditions, CommandError> {
        let mut conditions = Conditions::default();
        for at in 3..args.len() {
            match () {
                () if args.is(at, "nx") => conditions.none_yet = true,
                () if args.is(at, "xx") => conditions.has_one = true,
                () if args.is(at, "gt") => conditions.later = true,
                () if args.is(at, "lt") => conditions.earlier = true,
                () => {
                    reply.error_bytes(&[b"ERR Unsupported option ", c_text(args.at(at))].concat());
                    return Err(CommandError::Replied);
                }
            }
        }
        let Conditions { none_yet, has_one, later, earlier } = conditions;
        match () {
            () if none_yet && (has_one || later || earlier) => {
                Err(CommandError::Text("ERR NX and XX, GT or LT options at the same time are not compatible"))
            }
            () if later && earlier => {
                Err(CommandError::Text("ERR GT and LT options at the same time are not compatible"))
            }
            () => Ok(conditions),
        }
    }

    fn any(self) -> bool {
        self.none_yet || self.has_one || self.later || self.earlier
    }

    /// Whether a key that expires at `old` may from now on expire at `new`. A key that never expires
    /// counts as one that expires after all others.
    fn hold(self, old: Option<u64>, new: i64) -> bool {
        let old = old.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        !(self.none_yet && old.is_some()
            || self.has_one && old.is_none()
            || self.later && old.is_none_or(|old| new <= old)
            || self.earlier && old.is_some_and(|old| new >= old))
    }
}

/// `EXPIRE key seconds [NX|XX|GT|LT]`.
fn expire(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let refused = CommandError::Text("ERR invalid expire time in 'expire' command");
    let now_ms = keys.now().unix_ms();
    set_deadline(keys, args, reply, now_ms, 1000, refused)
}

/// `PEXPIRE key milliseconds [NX|XX|GT|LT]`.
fn pexpire(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let refused = CommandError::Text("ERR invalid expire time in 'pexpire' command");
    let now_ms = keys.now().unix_ms();
    set_deadline(keys, args, reply, now_ms, 1, refused)
}

/// `EXPIREAT key unix-time-seconds [NX|XX|GT|LT]`.
fn expireat(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let refused = CommandError::Text("ERR invalid expire time in 'expireat' command");
    set_deadline(keys, args, reply, 0, 1000, refused)
}

/// `PEXPIREAT key unix-time-milliseconds [NX|XX|GT|LT]`.
fn pexpireat(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let refused = CommandError::Text("ERR invalid expire time in 'pexpireat' command");
    set_deadline(keys, args, reply, 0, 1, refused)
}

/// Sets a deadline `from_ms` plus the second argument in units of `unit_ms`: 1, or 0 without such a key
/// or when a condition does not hold. A moment that has passed removes the key. Errors: a bad option, a
/// bad number, a moment that cannot be counted (`refused`), in this order.
fn set_deadline(
    keys: &mut Keyspace<'_>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
    from_ms: u64,
    unit_ms: i64,
    refused: CommandError,
) -> CommandResult {
    let conditions = Conditions::parse(args, reply)?;
    let amount = integer(args.at(2))?;
    let deadline =
        amount.checked_mul(unit_ms).and_then(|ms| ms.checked_add(from_ms as i64)).ok_or(refused)?;
    let key = args.at(1);
    let now_ms = keys.now().unix_ms();
    let done = keys.holds(key)
        && (!conditions.any() || conditions.hold(keys.facts(key).and_then(|facts| facts.deadline), deadline))
        && match u64::try_from(deadline) {
            Ok(ms) if ms > now_ms => keys.set_deadline(key, Some(ms)),
            _ => keys.remove(key),
        };
    reply.integer(i64::from(done));
    Ok(())
}

/// `TTL key`.
fn ttl(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let now_ms = keys.now().unix_ms();
    get_deadline(keys, args, reply, |ms| round_to_seconds(ms.saturating_sub(now_ms)))
}

/// `PTTL key`.
fn pttl(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let now_ms = keys.now().unix_ms();
    get_deadline(keys, args, reply, |ms| ms.saturating_sub(now_ms))
}

/// `EXPIRETIME key`.
fn expiretime(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    get_deadline(keys, args, reply, round_to_seconds)
}

/// `PEXPIRETIME key`.
fn pexpiretime(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    get_deadline(keys, args, reply, |ms| ms)
}

/// Half a second counts as one more.
fn round_to_seconds(ms: u64) -> u64 {
    (ms + 500) / 1000
}

/// Answers a deadline in the form that `told` gives it: -2 without such a key, -1 if it never expires.
fn get_deadline(
    keys: &mut Keyspace<'_>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
    told: impl Fn(u64) -> u64,
) -> CommandResult {
    reply.integer(match keys.deadline(args.at(1)) {
        None => -2,
        Some(None) => -1,
        Some(Some(ms)) => told(ms) as i64,
    });
    Ok(())
}

/// `PERSIST key`: 1 if the key had a deadline.
fn persist(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let key = args.at(1);
    let expires = keys.facts(key).is_some_and(|facts| facts.deadline.is_some());
    reply.integer(i64::from(expires && keys.set_deadline(key, None)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn deadlines_are_set_and_told_in_four_ways() {
        check(
            r#"
        > set k v                                 OK
        > ttl k                                   (integer) -1
        > pttl k                                  (integer) -1
        > expiretime k                            (integer) -1
        > pexpiretime k                           (integer) -1
        > ttl missing                             (integer) -2
        > pttl missing                            (integer) -2
        > expiretime missing                      (integer) -2
        > pexpiretime missing                     (integer) -2
        > expire k 100                            (integer) 1
        > ttl k                                   (integer) 100
        > pexpire k 100600                        (integer) 1
        > ttl k                                   (integer) 101
        > expireat k 9999999999                   (integer) 1
        > expiretime k                            (integer) 9999999999
        > pexpiretime k                           (integer) 9999999999000
        > pexpireat k 9999999999499               (integer) 1
        > expiretime k                            (integer) 9999999999
        > pexpireat k 9999999999500               (integer) 1
        > expiretime k                            (integer) 10000000000
        > pexpiretime k                           (integer) 9999999999500
        > expire missing 100                      (integer) 0
        > persist k                               (integer) 1
        > persist k                               (integer) 0
        > persist missing                         (integer) 0
        > ttl k                                   (integer) -1
            "#,
        );
    }

    #[test]
    fn a_deadline_in_the_past_removes_the_key() {
        check(
            r#"
        > mset a 1 b 2 c 3 d 4                    OK
        > expire a 0                              (integer) 1
        > expire b -1                             (integer) 1
        > expireat c 1                            (integer) 1
        > pexpireat d -9223372036854775808        (integer) 1
        > exists a b c d                          (integer) 0
        > set k v                                 OK
        > pexpire k 100                           (integer) 1
        ! 150 ms
        > get k                                   (nil)
        > expire k 100                            (integer) 0
            "#,
        );
    }

    #[test]
    fn conditions_compare_with_the_deadline_that_is_there() {
        check(
            r#"
        > set k v                                 OK
        > expire k 100 xx                         (integer) 0
        > expire k 100 gt                         (integer) 0
        > ttl k                                   (integer) -1
        > expire k 200 lt                         (integer) 1
        > ttl k                                   (integer) 200
        > expire k 100 nx                         (integer) 0
        > expire k 100 gt                         (integer) 0
        > expire k 300 lt                         (integer) 0
        > expire k 300 gt                         (integer) 1
        > ttl k                                   (integer) 300
        > expire k 100 lt                         (integer) 1
        > ttl k                                   (integer) 100
        > expire k 400 xx gt                      (integer) 1
        > ttl k                                   (integer) 400
        > expire k 100 xx lt                      (integer) 1
        > expire k 400 xx                         (integer) 1
        > expire k 500 nx                         (integer) 0
        > ttl k                                   (integer) 400
        > expire k -1 gt                          (integer) 0
        > exists k                                (integer) 1
        > expire k -1 lt                          (integer) 1
        > exists k                                (integer) 0
            "#,
        );
    }

    #[test]
    fn expire_refuses_bad_options_before_bad_numbers() {
        check(
            r#"
        > set k v                                 OK
        > expire k x foo                          (error) ERR Unsupported option foo
        > expire k x                              (error) ERR value is not an integer or out of range
        > expire k 1.5                            (error) ERR value is not an integer or out of range
        > expire k 100 nx xx                      (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > expire k 100 nx gt                      (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > expire k 100 lt nx                      (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > expire k 100 gt lt                      (error) ERR GT and LT options at the same time are not compatible
        > expire k 100 xx xx                      (integer) 0
        > expire k 100 "a\r\nb"                   (error) ERR Unsupported option a  b
        > expire k 9223372036854775807            (error) ERR invalid expire time in 'expire' command
        > expire k -9223372036854775808           (error) ERR invalid expire time in 'expire' command
        > expire k 9223372036854775               (error) ERR invalid expire time in 'expire' command
        > expireat k 9223372036854775             (integer) 1
        > pexpire k 9223372036854775807           (error) ERR invalid expire time in 'pexpire' command
        > pexpireat k 9223372036854775807         (integer) 1
        > pttl k                                  *
        > pexpiretime k                           (integer) 9223372036854775807
        > expireat k 9223372036854776             (error) ERR invalid expire time in 'expireat' command
        > pexpireat k 9223372036854775808         (error) ERR value is not an integer or out of range
        > expire k                                (error) ERR wrong number of arguments for 'expire' command
            "#,
        );
    }
}
