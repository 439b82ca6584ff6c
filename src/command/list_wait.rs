//! Lists that are waited for: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH.

use crate::base::args::{Args, OwnedArgs};
use crate::command::error::CommandError;
use crate::command::list::End;
use crate::command::list_edit::{Amount, Step, move_element, parse_lmpop, pop_first};
use crate::command::spec::{Access, Flags, Group, Hop, Keys, Next, Spec, Waits};
use crate::command::waits::{only_key, until_seconds};
use crate::resp::Reply;

const FLAGS: Flags = Flags::WRITE.and(Flags::NO_SCRIPT).and(Flags::BLOCKING);
const LIST: &[&str] = &["list"];
const POPPED: Keys = Keys::range(1, -2, 1, Access::ACCESS_DELETE);
const MOVED: Keys = Keys::range(1, 2, 1, Access::ACCESS_DELETE).then(Access::INSERT);

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::waits("blpop", waits_for_one(blpop))
        .arity(-3)
        .flags(FLAGS)
        .categories(LIST)
        .keys(POPPED)
        .usage("key [key ...] timeout:double")
        .doc(
            Group::List,
            "2.0.0",
            "O(N) where N is the number of provided keys.",
            "Takes the first element of the first of several lists that has any, and waits until one has.",
        ),
    Spec::waits("brpop", waits_for_one(brpop))
        .arity(-3)
        .flags(FLAGS)
        .categories(LIST)
        .keys(POPPED)
        .usage("key [key ...] timeout:double")
        .doc(
            Group::List,
            "2.0.0",
            "O(N) where N is the number of provided keys.",
            "Takes the last element of the first of several lists that has any, and waits until one has.",
        ),
    Spec::waits(
        "blmpop",
        Waits {
            attempt: blmpop,
            until: |args, now| {
                // Its other words are looked at before its time-out.
                parse_lmpop(args, 2)?;
                until_seconds(args.at(1), now)
            },
            keys: |args| {
                parse_lmpop(args, 2).map_or_else(|_| Default::default(), |(keys, ..)| keys.collect())
            },
            narrow: narrow_counted,
            timeout: |reply| reply.null_array(),
            denied: |reply| reply.null_array(),
        },
    )
    .arity(-5)
    .flags(Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS))
    .categories(LIST)
    .keys(Keys::counted(2, Access::ACCESS_DELETE))
    .usage("timeout:double numkeys:integer key [key ...] <LEFT|RIGHT>:where [COUNT count]")
    .doc(
        Group::List,
        "7.0.0",
        "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
        "Takes elements off the first of several lists that has any, and waits until one has.",
    ),
    Spec::waits("blmove", waits_for_source(blmove))
        .arity(6)
        .flags(FLAGS.and(Flags::DENY_OOM))
        .categories(LIST)
        .keys(MOVED)
        .usage("source destination <LEFT|RIGHT>:wherefrom <LEFT|RIGHT>:whereto timeout:double")
        .doc(
            Group::List,
            "6.2.0",
            "O(1)",
            "Moves an element from an end of one list to an end of another, and waits until there is one.",
        ),
    Spec::waits("brpoplpush", waits_for_source(brpoplpush))
        .arity(4)
        .flags(FLAGS.and(Flags::DENY_OOM))
        .categories(LIST)
        .keys(MOVED)
        .usage("source destination timeout:double")
        .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
        .doc(
            Group::List,
            "2.2.0",
            "O(1)",
            "Moves the last element of one list before the first of another, and waits until there is one.",
        ),
];

/// A command on any number of keys, its time-out behind them.
pub(super) const fn waits_for_one(
    attempt: fn(Args<'_>, &mut Hop, &mut Reply<'_>) -> Result<Next, CommandError>,
) -> Waits {
    Waits {
        attempt,
        until: |args, now| until_seconds(args.at(args.len() - 1), now),
        keys: |args| (1..args.len() - 1).collect(),
        narrow: |args, index| only_key(args, 1, index, args.len() - 1),
        timeout: |reply| reply.null_array(),
        denied: |reply| reply.null_array(),
    }
}

/// A move, which waits for its source only.
const fn waits_for_source(
    attempt: fn(Args<'_>, &mut Hop, &mut Reply<'_>) -> Result<Next, CommandError>,
) -> Waits {
    Waits {
        attempt,
        until: |args, now| {
            if args.len() == 6 {
                End::parse(args, 3)?;
                End::parse(args, 4)?;
            }
            until_seconds(args.at(args.len() - 1), now)
        },
        keys: |_| std::iter::once(1).collect(),
        narrow: |args, _| OwnedArgs::copy(args),
        timeout: |reply| reply.null_array(),
        denied: |reply| reply.null(),
    }
}

/// A command whose word 2 counts its keys, with one of them.
pub(super) fn narrow_counted(args: Args<'_>, index: usize) -> OwnedArgs {
    let keys = Keys::counted(2, Access::READ).indexes(args).count();
    let words = (0..args.len()).filter(|at| !(3..3 + keys).contains(at) || *at == index);
    OwnedArgs::collect(words.map(|at| if at == 2 { b"1" } else { args.at(at) }))
}

fn pop(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>, end: End) -> Result<Next, CommandError> {
    match pop_first(hop, 1..args.len() - 1, end, Amount::One)? {
        Step::Hop(parts) => return Ok(Next::Hop(parts)),
        Step::Done(Some(popped)) => {
            reply.array(2);
            reply.raw(&popped);
        }
        Step::Done(None) => return Ok(Next::Wait(None)),
    }
    Ok(Next::Done)
}

/// `BLPOP key [key ...] timeout`: the key and its element; null when time is up. Errors: WRONGTYPE.
fn blpop(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    pop(args, hop, reply, End::Front)
}

/// `BRPOP key [key ...] timeout`, likewise.
fn brpop(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    pop(args, hop, reply, End::Back)
}

/// `BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]`: the key and its elements.
fn blmpop(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    let (keys, end, amount) = parse_lmpop(args, 2)?;
    match pop_first(hop, keys, end, amount)? {
        Step::Hop(parts) => return Ok(Next::Hop(parts)),
        Step::Done(Some(popped)) => {
            reply.array(2);
            reply.raw(&popped);
        }
        Step::Done(None) => return Ok(Next::Wait(None)),
    }
    Ok(Next::Done)
}

fn moved(step: Step<Option<Vec<u8>>>, reply: &mut Reply<'_>) -> Next {
    match step {
        Step::Hop(parts) => return Next::Hop(parts),
        Step::Done(Some(element)) => reply.bulk(&element),
        Step::Done(None) => return Next::Wait(None),
    }
    Next::Done
}

/// `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout`: the element. Errors: WRONGTYPE.
fn blmove(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    let (from, to) = (End::parse(args, 3)?, End::parse(args, 4)?);
    Ok(moved(move_element(args, hop, (1, from), (2, to))?, reply))
}

/// `BRPOPLPUSH source destination timeout`: the element. Errors: WRONGTYPE.
fn brpoplpush(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    Ok(moved(move_element(args, hop, (1, End::Back), (2, End::Front))?, reply))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_is_there_is_taken_at_once() {
        check(
            r#"
            > RPUSH b 1 2 3 4  (integer) 4
            > BLPOP a b c 0
                1) "b"
                2) "1"
            > BRPOP a b c 1.5
                1) "b"
                2) "4"
            > BLMPOP 0 2 a b LEFT COUNT 5
                1) "b"
                2) 1) "2"
                   2) "3"
            > RPUSH a x  (integer) 1
            > BLMOVE a b LEFT RIGHT 0  "x"
            > BRPOPLPUSH b a 0  "x"
            > LRANGE a 0 -1
                1) "x"
            > EXISTS b  (integer) 0
            "#,
        );
    }

    #[test]
    fn bad_words_are_refused_before_anybody_waits() {
        check(
            r#"
            > BLPOP x -1  (error) ERR timeout is negative
            > BLPOP x abc  (error) ERR timeout is not a float or out of range
            > BLPOP x nan  (error) ERR timeout is not a float or out of range
            > BLPOP x 1e300  (error) ERR timeout is negative
            > BLMPOP -1 0 x LEFT  (error) ERR numkeys should be greater than 0
            > BLMPOP -1 1 x LEFT  (error) ERR timeout is negative
            > BLMOVE x y LEFT up 0  (error) ERR syntax error
            > SET s v  OK
            > BLPOP x s 0  (error) WRONGTYPE Operation against a key holding the wrong kind of value
            > BLMOVE s y LEFT LEFT 0  (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn nothing_waits_in_a_transaction() {
        check(
            r#"
            > MULTI  OK
            > BLPOP a b 0  QUEUED
            > BLMOVE a b LEFT LEFT 0  QUEUED
            > BRPOPLPUSH a b 0  QUEUED
            > BLMPOP 0 2 a b LEFT  QUEUED
            > RPUSH a 1  QUEUED
            > BLPOP a b 0  QUEUED
            > EXEC
                1) (nil)
                2) (nil)
                3) (nil)
                4) (nil)
                5) (integer) 1
                6) 1) "a"
                   2) "1"
            "#,
        );
    }

    #[test]
    fn a_bad_timeout_is_refused_in_a_transaction_too() {
        check(
            r#"
            > MULTI  OK
            > BLPOP a -1  QUEUED
            > BLPOP a b 9223372036854775807  QUEUED
            > BLMOVE a b LEFT LEFT nan  QUEUED
            > BZPOPMIN a b -0.1  QUEUED
            > BZMPOP -1 2 a b MIN  QUEUED
            > WAIT 2 0.01  QUEUED
            > WAIT 2 -1  QUEUED
            > BLPOP a -0.0001  QUEUED
            > BLPOP a 9223372036854775  QUEUED
            > BLPOP a 9223372036854776  QUEUED
            > BLPOP a 1e309  QUEUED
            > BLPOP a 1e5000  QUEUED
            > EXEC
                1) (error) ERR timeout is negative
                2) (error) ERR timeout is negative
                3) (error) ERR timeout is not a float or out of range
                4) (error) ERR timeout is negative
                5) (error) ERR timeout is negative
                6) (error) ERR timeout is not an integer or out of range
                7) (error) ERR timeout is negative
                8) (nil)
                9) (nil)
                10) (error) ERR timeout is negative
                11) (error) ERR timeout is negative
                12) (error) ERR timeout is not a float or out of range
            "#,
        );
    }
}
