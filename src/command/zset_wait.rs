//! Sorted sets that are waited for: BZPOPMIN, BZPOPMAX, BZMPOP.

use crate::base::args::Args;
use crate::command::error::CommandError;
use crate::command::list_wait::{narrow_counted, waits_for_one};
use crate::command::spec::{Access, Flags, Group, Hop, Keys, Next, Spec, Waits};
use crate::command::waits::until_seconds;
use crate::command::zset_pop::{End, Step, parse_zmpop, pop_first};
use crate::resp::Reply;

const FLAGS: Flags = Flags::WRITE.and(Flags::NO_SCRIPT).and(Flags::BLOCKING).and(Flags::FAST);
const ZSET: &[&str] = &["sortedset"];
const COST: &str = "O(log(N)) with N being the number of elements in the sorted set.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::waits("bzpopmin", waits_for_one(bzpopmin))
        .arity(-3)
        .flags(FLAGS)
        .categories(ZSET)
        .keys(Keys::range(1, -2, 1, Access::ACCESS_DELETE))
        .usage("key [key ...] timeout:double")
        .doc(
            Group::SortedSet,
            "5.0.0",
            COST,
            "Takes the member with the lowest score of the first of several sorted sets that has any, and waits \
             until one has.",
        ),
    Spec::waits("bzpopmax", waits_for_one(bzpopmax))
        .arity(-3)
        .flags(FLAGS)
        .categories(ZSET)
        .keys(Keys::range(1, -2, 1, Access::ACCESS_DELETE))
        .usage("key [key ...] timeout:double")
        .doc(
            Group::SortedSet,
            "5.0.0",
            COST,
            "Takes the member with the highest score of the first of several sorted sets that has any, and waits \
             until one has.",
        ),
    Spec::waits(
        "bzmpop",
        Waits {
            attempt: bzmpop,
            until: |args, now| {
                parse_zmpop(args, 2)?;
                until_seconds(args.at(1), now)
            },
            keys: |args| parse_zmpop(args, 2).map_or_else(|_| Default::default(), |(keys, ..)| keys.collect()),
            narrow: narrow_counted,
            timeout: |reply| reply.null_array(),
            denied: |reply| reply.null_array(),
        },
    )
    .arity(-5)
    .flags(Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS))
    .categories(ZSET)
    .keys(Keys::counted(2, Access::ACCESS_DELETE))
    .usage("timeout:double numkeys:integer key [key ...] <MIN|MAX>:where [COUNT count]")
    .doc(
        Group::SortedSet,
        "7.0.0",
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
        "Takes members off an end of the first of several sorted sets that has any, and waits until one has.",
    ),
];

fn pop(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>, end: End) -> Result<Next, CommandError> {
    match pop_first(hop, 1..args.len() - 1, end, None, reply.protocol())? {
        Step::Hop(parts) => return Ok(Next::Hop(parts)),
        Step::Done(Some(taken)) => {
            reply.array(3);
            reply.raw(&taken);
        }
        Step::Done(None) => return Ok(Next::Wait(None)),
    }
    Ok(Next::Done)
}

/// `BZPOPMIN key [key ...] timeout`: the key, the member and its score; null when time is up. Errors: WRONGTYPE.
fn bzpopmin(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    pop(args, hop, reply, End::Min)
}

/// `BZPOPMAX key [key ...] timeout`, likewise.
fn bzpopmax(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    pop(args, hop, reply, End::Max)
}

/// `BZMPOP timeout numkeys key [key ...] MIN|MAX [COUNT count]`: the key and its members with their scores.
fn bzmpop(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    let (keys, end, count) = parse_zmpop(args, 2)?;
    match pop_first(hop, keys, end, Some(count), reply.protocol())? {
        Step::Hop(parts) => return Ok(Next::Hop(parts)),
        Step::Done(Some(taken)) => {
            reply.array(2);
            reply.raw(&taken);
        }
        Step::Done(None) => return Ok(Next::Wait(None)),
    }
    Ok(Next::Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_is_there_is_taken_at_once_and_nothing_waits_in_a_transaction() {
        check(
            r#"
            > ZADD b 1 x 2 y 3 z 4 w  (integer) 4
            > BZPOPMIN a b c 0
                1) "b"
                2) "x"
                3) "1"
            > BZPOPMAX a b c 0
                1) "b"
                2) "w"
                3) "4"
            > BZMPOP 0 2 a b MAX COUNT 5
                1) "b"
                2) 1) 1) "z"
                      2) "3"
                   2) 1) "y"
                      2) "2"
            > BZPOPMIN a -1  (error) ERR timeout is negative
            > BZMPOP x 1 a MIN  (error) ERR timeout is not a float or out of range
            > SET s v  OK
            > BZPOPMIN a s 0  (error) WRONGTYPE Operation against a key holding the wrong kind of value
            > MULTI  OK
            > BZPOPMIN a b 0  QUEUED
            > BZMPOP 0 2 a b MIN  QUEUED
            > EXEC
                1) (nil)
                2) (nil)
            "#,
        );
    }
}
