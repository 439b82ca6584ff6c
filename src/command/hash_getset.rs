//! Fields read and changed in one: HGETDEL, HGETEX, HSETEX. All are Redis 8.0's.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult, c_text};
use crate::command::hash_expiry::{COUNT_REFUSED, Timing, fields};
use crate::command::members::bulk;
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::ds::hash::Hash;
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace};
use std::convert::Infallible;

const COST: &str = "O(N) with N being the number of fields.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("hgetdel", hgetdel)
        .arity(-5)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["hash"])
        .keys(Keys::at(1, Access::ACCESS_DELETE))
        .usage("key FIELDS <numfields:integer field [field ...]>:fields")
        .doc(Group::Hash, "8.0.0", COST, "Removes fields of a hash and returns their values."),
    Spec::owner("hgetex", hgetex)
        .arity(-5)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["hash"])
        .keys(Keys::at(1, Access::ACCESS_UPDATE))
        .usage(
            "key [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST]:expiration \
             FIELDS <numfields:integer field [field ...]>:fields",
        )
        .doc(Group::Hash, "8.0.0", COST, "Returns the values of fields of a hash and changes their deadlines."),
    Spec::owner("hsetex", hsetex)
        .arity(-6)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST))
        .categories(&["hash"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage(
            "key [FNX|FXX]:condition \
             [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]:expiration \
             FIELDS <numfields:integer field value [field value ...]>:fields",
        )
        .doc(Group::Hash, "8.0.0", COST, "Sets fields of a hash and their deadlines."),
];

/// The way of saying when that an option's word begins.
fn timing(args: Args<'_>, at: usize, name: &'static str) -> Option<Timing> {
    let known = [("ex", true, true), ("px", false, true), ("exat", true, false), ("pxat", false, false)];
    let found = known.into_iter().find(|(word, ..)| args.is(at, word));
    found.map(|(_, seconds, relative)| Timing { name, seconds, relative })
}

/// `HGETDEL key FIELDS numfields field [field ...]`: a value or null for each. Errors: WRONGTYPE, bad fields.
fn hgetdel(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let key = args.at(1);
    keys.peek_value::<Hash>(key)?;
    let names = args.from(fields(args, 2, COUNT_REFUSED)?);
    reply.array(names.len());
    let found = keys.edit(key, |hash: &mut Hash, _| {
        let mut changed = false;
        for field in names.clone() {
            match hash.get(field) {
                Some(value) => bulk(reply, value),
                None => reply.null(),
            }
            changed |= hash.remove(field);
        }
        ((), Edit::when(changed))
    })?;
    if found.is_none() {
        names.for_each(|_| reply.null());
    }
    Ok(())
}

/// `HGETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST] FIELDS numfields field [field ...]`: a value or null for
/// each. Errors: WRONGTYPE, a bad time, bad fields.
fn hgetex(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (key, now_ms) = (args.at(1), keys.now().unix_ms());
    keys.peek_value::<Hash>(key)?;
    // None: deadlines stay.
    let mut wanted: Option<Option<u64>> = None;
    let mut at = 2;
    if let Some(timing) = timing(args, at, "hgetex") {
        wanted = Some(Some(timing.deadline(args.at(at + 1), now_ms, reply)?));
        at += 2;
    } else if args.is(at, "persist") {
        wanted = Some(None);
        at += 1;
    }
    if at + 1 >= args.len() {
        return Err(CommandError::say(reply, &CommandError::arity_text("hgetex")));
    }
    let names = args.from(fields(args, at, COUNT_REFUSED)?);
    reply.array(names.len());
    let found = keys.edit(key, |hash: &mut Hash, shapes| {
        let mut changed = false;
        for field in names.clone() {
            let Some(value) = hash.get(field) else {
                reply.null();
                continue;
            };
            bulk(reply, value);
            match wanted {
                None => {}
                Some(Some(deadline)) if deadline <= now_ms => changed |= hash.remove(field),
                Some(deadline) => {
                    // A new deadline is a change though it be the old one; PERSIST is one if there was any.
                    changed |= deadline.is_some() || hash.deadline(field) != Some(None);
                    hash.set_deadline(field, deadline, shapes);
                }
            }
        }
        ((), Edit::when(changed))
    })?;
    if found.is_none() {
        names.for_each(|_| reply.null());
    }
    Ok(())
}

/// What becomes of the deadlines that fields have.
#[derive(Clone, Copy, PartialEq)]
enum Deadlines {
    Clear,
    Keep,
    At(u64),
}

/// The options of HSETEX.
struct Options {
    /// All fields must be there, or none.
    there: Option<bool>,
    deadlines: Deadlines,
    /// Index of the first field.
    first: usize,
}

impl Options {
    fn parse(args: Args<'_>, now_ms: u64, reply: &mut Reply<'_>) -> Result<Options, CommandError> {
        let mut options = Options { there: None, deadlines: Deadlines::Clear, first: 0 };
        let mut at = 2;
        while at < args.len() && !args.is(at, "fields") {
            if let Some(timing) = timing(args, at, "hsetex") {
                options.check_deadlines()?;
                let word = args.get(at + 1).ok_or(CommandError::Text("ERR missing expire time"))?;
                options.deadlines = Deadlines::At(timing.deadline(word, now_ms, reply)?);
                at += 1;
            } else if args.is(at, "keepttl") {
                options.check_deadlines()?;
                options.deadlines = Deadlines::Keep;
            } else if args.is(at, "fxx") || args.is(at, "fnx") {
                if options.there.is_some() {
                    return Err(CommandError::Text("ERR Only one of FXX or FNX arguments can be specified"));
                }
                options.there = Some(args.is(at, "fxx"));
            } else {
                reply.error_bytes(&[b"ERR unknown argument: ", c_text(args.at(at))].concat());
                return Err(CommandError::Replied);
            }
            at += 1;
        }
        // A count, a field and a value stand behind the word FIELDS.
        let arity = |reply: &mut Reply<'_>| CommandError::say(reply, &CommandError::arity_text("hsetex"));
        if at + 3 >= args.len() {
            return Err(arity(reply));
        }
        let count = integer(args.at(at + 1)).ok().filter(|count| (1..=i64::from(i32::MAX)).contains(count));
        let count = count.ok_or(CommandError::Text("ERR invalid number of fields"))? as usize;
        options.first = at + 2;
        if args.len() - options.first != count * 2 {
            return Err(arity(reply));
        }
        Ok(options)
    }

    fn check_deadlines(&self) -> CommandResult {
        const TWO: &str = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
        if self.deadlines == Deadlines::Clear { Ok(()) } else { Err(CommandError::Text(TWO)) }
    }
}

/// `HSETEX key [FNX|FXX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] FIELDS numfields field value [field value ...]`: 1,
/// or 0 where the condition forbids it. Errors: bad options, WRONGTYPE.
fn hsetex(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let now_ms = keys.now().unix_ms();
    let options = Options::parse(args, now_ms, reply)?;
    let set = keys.edit_or_create(args.at(1), |hash: &mut Hash, shapes| {
        let names = args.from(options.first).step_by(2);
        if options.there.is_some_and(|there| names.clone().any(|field| hash.contains(field) != there)) {
            return (false, Edit::Unchanged);
        }
        for (field, value) in names.zip(args.from(options.first + 1).step_by(2)) {
            match options.deadlines {
                Deadlines::Clear => {
                    hash.set(field, value, shapes);
                }
                Deadlines::Keep => {
                    let kept: Result<&[u8], Infallible> = hash.update(field, shapes, |_| Ok(value));
                    debug_assert!(kept.is_ok());
                }
                Deadlines::At(deadline) if deadline <= now_ms => {
                    hash.remove(field);
                }
                Deadlines::At(deadline) => {
                    hash.set(field, value, shapes);
                    hash.set_deadline(field, Some(deadline), shapes);
                }
            }
        }
        (true, Edit::Changed)
    })?;
    reply.integer(i64::from(set));
    Ok(())
}

#[cfg(test)]
#[path = "hash_fields_tests.rs"]
mod recorded;

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn fields_are_read_and_removed() {
        check(
            r#"
        > hset h a 1 b 2 c 3                        (integer) 3
        > hgetdel h fields 2 a x
            1) "1"
            2) (nil)
        > hgetdel h fields 2 b b
            1) "2"
            2) (nil)
        > hgetall h
            1) "c"
            2) "3"
        > hgetdel h fields 1 c                      1) "3"
        > exists h                                  (integer) 0
        > hgetdel missing fields 2 a b
            1) (nil)
            2) (nil)
        > hgetdel missing foo 2 a b                 (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetdel h                                 (error) ERR wrong number of arguments for 'hgetdel' command
        > hgetdel h fields 1                        (error) ERR wrong number of arguments for 'hgetdel' command
        > hset h a 1                                (integer) 1
        > hgetdel h foo 1 a                         (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetdel h fields 0 a                      (error) ERR Number of fields must be a positive integer
        > hgetdel h fields -1 a                     (error) ERR Number of fields must be a positive integer
        > hgetdel h fields x a                      (error) ERR Number of fields must be a positive integer
        > hgetdel h fields 2 a                      (error) ERR The `numfields` parameter must match the number of arguments
        > hgetdel h fields 1 a b                    (error) ERR The `numfields` parameter must match the number of arguments
        > set s v                                   OK
        > hgetdel s fields 1 a                      (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetdel s foo 1 a                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn fields_are_read_and_their_deadlines_changed() {
        check(
            r#"
        > hset h a 1 b 2                            (integer) 2
        > hgetex h fields 2 a x
            1) "1"
            2) (nil)
        > httl h fields 1 a                         1) (integer) -1
        > hgetex h ex 100 fields 2 a x
            1) "1"
            2) (nil)
        > httl h fields 1 a                         1) (integer) 100
        > hgetex h persist fields 1 a               1) "1"
        > httl h fields 1 a                         1) (integer) -1
        > hgetex h px 100000 fields 1 a             1) "1"
        > hgetex h exat 33177117420 fields 1 a      1) "1"
        > hexpiretime h fields 1 a                  1) (integer) 33177117420
        > hgetex h pxat 33177117420123 fields 1 a   1) "1"
        > hpexpiretime h fields 1 a                 1) (integer) 33177117420123
        > hgetex h FIELDS 1 b EX 10                 (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h fields 1 b persist               (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h ex 0 fields 1 a                  1) "1"
        > hgetex h ex -1 fields 1 a                 (error) ERR invalid expire time, must be >= 0
        > hgetex h ex x fields 1 a                  (error) ERR value is not an integer or out of range
        > hgetex h ex 9223372036854775807 fields 1 a  (error) ERR invalid expire time in 'hgetex' command
        > hgetex h px 9223372036854775807 fields 1 a  (error) ERR invalid expire time in 'hgetex' command
        > hgetex h pxat 70368744177664 fields 1 a   (error) ERR invalid expire time in 'hgetex' command
        > hgetex h ex 10 px 10 fields 1 a           (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h ex 10 persist fields 1 a         (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h foo fields 1 a                   (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h ex fields 1 a                    (error) ERR value is not an integer or out of range
        > hgetex h ex 10                            (error) ERR wrong number of arguments for 'hgetex' command
        > hgetex h ex 10 fields                     (error) ERR wrong number of arguments for 'hgetex' command
        > hgetex h fields 0 a                       (error) ERR Number of fields must be a positive integer
        > hgetex h fields x a                       (error) ERR Number of fields must be a positive integer
        > hgetex h fields 2 a                       (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h fields 1 a b                     (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h fields 1 a fields 1 b            (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h                                  (error) ERR wrong number of arguments for 'hgetex' command
        > hgetex h fields 1                         (error) ERR wrong number of arguments for 'hgetex' command
        > hgetex missing fields 2 a b
            1) (nil)
            2) (nil)
        > hgetex missing ex 10 foo fields 1 a       (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > set s v                                   OK
        > hgetex s fields 1 a                       (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetex s foo 1 a                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetex h exat 1 fields 1 b                1) "2"
        > hgetall h                                 (empty array)
        > hgetex h pxat 1 fields 2 a b
            1) (nil)
            2) (nil)
        > exists h                                  (integer) 0
            "#,
        );
    }

    #[test]
    fn hgetex_has_its_options_in_order() {
        check(
            r#"
        > hset h a 1                                (integer) 1
        > hgetex h persist fields 1                 (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h ex 10 foo                        (error) ERR wrong number of arguments for 'hgetex' command
        > hgetex h ex 10 fields 1                   (error) ERR The `numfields` parameter must match the number of arguments
        > hsetex h ex fields 1 a 1                  (error) ERR value is not an integer or out of range
        > hsetex h px 0 fields 1 q 1                (integer) 1
        > hget h q                                  (nil)
        > hgetex h persist foo 1                    (error) ERR Mandatory argument FIELDS is missing or not at the right position
            "#,
        );
    }

    #[test]
    fn fields_are_set_with_deadlines() {
        check(
            r#"
        > hsetex h fields 2 a 1 b 2                 (integer) 1
        > httl h fields 2 a b
            1) (integer) -1
            2) (integer) -1
        > hsetex h ex 100 fields 1 a 2              (integer) 1
        > httl h fields 2 a b
            1) (integer) 100
            2) (integer) -1
        > hsetex h keepttl fields 2 a 3 c 4         (integer) 1
        > httl h fields 3 a b c
            1) (integer) 100
            2) (integer) -1
            3) (integer) -1
        > hsetex h fields 1 a 4                     (integer) 1
        > httl h fields 1 a                         1) (integer) -1
        > hsetex h fnx fields 2 a 5 d 5             (integer) 0
        > hmget h a b c d
            1) "4"
            2) "2"
            3) "4"
            4) (nil)
        > hsetex h fnx fields 1 d 5                 (integer) 1
        > hsetex h fxx fields 2 a 6 e 6             (integer) 0
        > hsetex h FXX px 100000 fields 2 a 6 d 6   (integer) 1
        > hmget h a b c d e
            1) "6"
            2) "2"
            3) "4"
            4) "6"
            5) (nil)
        > hsetex n fxx fields 1 a 1                 (integer) 0
        > exists n                                  (integer) 0
        > hsetex n fnx ex 10 fields 1 a 1           (integer) 1
        > httl n fields 1 a                         1) (integer) 10
        > hsetex h pxat 33177117420123 fields 1 a 1  (integer) 1
        > hpexpiretime h fields 1 a                 1) (integer) 33177117420123
        > hsetex h exat 33177117420 fields 1 a 1    (integer) 1
        > hexpiretime h fields 1 a                  1) (integer) 33177117420
        > hsetex h exat 1 fields 1 a 1              (integer) 1
        > hget h a                                  (nil)
        > hsetex m exat 1 fields 1 a 1              (integer) 1
        > exists m                                  (integer) 0
        > hsetex h ex 0 fields 1 a 1                (integer) 1
        > hsetex h ex -1 fields 1 a 1               (error) ERR invalid expire time, must be >= 0
        > hsetex h ex x fields 1 a 1                (error) ERR value is not an integer or out of range
        > hsetex h ex 9223372036854775807 fields 1 a 1  (error) ERR invalid expire time in 'hsetex' command
        > hsetex h pxat 70368744177664 fields 1 a 1  (error) ERR invalid expire time in 'hsetex' command
        > hsetex h ex 10 px 10 fields 1 a 1         (error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > hsetex h ex 10 keepttl fields 1 a 1       (error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > hsetex h fnx fxx fields 1 a 1             (error) ERR Only one of FXX or FNX arguments can be specified
        > hsetex h fnx fnx fields 1 a 1             (error) ERR Only one of FXX or FNX arguments can be specified
        > hsetex h foo fields 1 a 1                 (error) ERR unknown argument: foo
        > hsetex h fields 0 a 1                     (error) ERR invalid number of fields
        > hsetex h fields -1 a 1                    (error) ERR invalid number of fields
        > hsetex h fields x a 1                     (error) ERR invalid number of fields
        > hsetex h fields 2 a 1                     (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a                       (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a 1 b                   (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a 1 b 2                 (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a 1 ex 10               (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a 7 fnx                 (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a 1 fields 1 b 2        (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h ex 10                            (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h                                  (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h ex 10 fields                     (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h persist fields 1 a 1             (error) ERR unknown argument: persist
        > set s v                                   OK
        > hsetex s fields 1 a 1                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hsetex s foo 1 a 1                        (error) ERR unknown argument: foo
        > hsetex h fields 2 z 1 z 2                 (integer) 1
        > hget h z                                  "2"
            "#,
        );
    }
}
