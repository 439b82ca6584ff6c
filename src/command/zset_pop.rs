//! Taking members off an end of a sorted set: ZPOPMIN, ZPOPMAX, ZMPOP, and what the waiting commands share
//! with them.

use crate::base::args::Args;
use crate::command::args::{integer, pop_count};
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Carry, Flags, Group, Hop, Keys, Next, Part, Spec};
use crate::command::zset::{head, member};
use crate::ds::zset::Zset;
use crate::resp::{Protocol, Reply};
use crate::shard::{Edit, Keyspace};
use std::ops::Range;

const POP_COST: &str = "O(log(N)*M) where N is the number of members and M how many are taken.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    popping("zpopmin", zpopmin).doc(
        Group::SortedSet,
        "5.0.0",
        POP_COST,
        "Takes the members with the lowest scores away and returns them.",
    ),
    popping("zpopmax", zpopmax).doc(
        Group::SortedSet,
        "5.0.0",
        POP_COST,
        "Takes the members with the highest scores away and returns them.",
    ),
    Spec::atomic("zmpop", zmpop)
        .arity(-4)
        .flags(Flags::WRITE.and(Flags::MOVABLE_KEYS))
        .categories(&["sortedset"])
        .keys(Keys::counted(1, Access::ACCESS_DELETE))
        .usage("numkeys:integer key [key ...] <MIN|MAX>:where [COUNT count]")
        .doc(
            Group::SortedSet,
            "7.0.0",
            "O(K) + O(log(N)*M) where K is the number of keys, N the number of members and M how many are taken.",
            "Takes members off an end of the first sorted set that has any.",
        ),
];

const fn popping(name: &'static str, run: crate::command::spec::ShardFn) -> Spec {
    Spec::owner(name, run)
        .arity(-2)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::ACCESS_DELETE))
        .usage("key [count]")
}

/// From which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The lowest scores first.
    Min,
    /// The highest first.
    Max,
}

impl End {
    /// `MIN` or `MAX` at a word.
    fn parse(args: Args<'_>, at: usize) -> Result<End, CommandError> {
        match () {
            () if args.is(at, "min") => Ok(End::Min),
            () if args.is(at, "max") => Ok(End::Max),
            () => Err(CommandError::Syntax),
        }
    }
}

/// How members that were taken are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// Members and scores in one list.
    Flat,
    /// A pair for each in RESP3, one list in RESP2.
    Versed,
    /// A pair for each.
    Pairs,
}

/// Takes up to `count` members off an end of the sorted set at `key` and writes them; false: there is no such
/// key, and nothing is written. Errors: WRONGTYPE.
pub(crate) fn pop(
    keys: &mut Keyspace<'_>,
    key: &[u8],
    end: End,
    count: usize,
    listing: Listing,
    reply: &mut Reply<'_>,
) -> Result<bool, CommandError> {
    let popped = keys.edit(key, |zset: &mut Zset, _| {
        let count = count.min(zset.len());
        match listing {
            Listing::Flat => reply.array(2 * count),
            Listing::Versed => head(reply, count, true),
            Listing::Pairs => reply.array(count),
        }
        zset.pop(count, end == End::Max, |name, score| match listing {
            Listing::Versed => member(reply, name, score, true),
            Listing::Flat | Listing::Pairs => {
                if listing == Listing::Pairs {
                    reply.array(2);
                }
                reply.bulk(name);
                reply.double(score);
            }
        });
        ((), Edit::when(count > 0))
    })?;
    Ok(popped.is_some())
}

/// `ZPOPMIN key [count]`: the members with the lowest scores, lowest first. Errors: a count that is negative
/// or no number, WRONGTYPE.
fn zpopmin(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    pop_counted(keys, args, End::Min, reply)
}

/// `ZPOPMAX key [count]`: the members with the highest scores, highest first. Errors: as ZPOPMIN's.
fn zpopmax(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    pop_counted(keys, args, End::Max, reply)
}

fn pop_counted(keys: &mut Keyspace<'_>, args: Args<'_>, end: End, reply: &mut Reply<'_>) -> CommandResult {
    let (count, listing) = match args.len() {
        2 => (1, Listing::Flat),
        3 => {
            let count = integer(args.at(2)).ok().and_then(|count| usize::try_from(count).ok());
            let refused = CommandError::Text("ERR value is out of range, must be positive");
            (count.ok_or(refused)?, Listing::Versed)
        }
        _ => return Err(CommandError::Syntax),
    };
    if !pop(keys, args.at(1), end, count, listing, reply)? {
        reply.array(0);
    }
    Ok(())
}

/// The words of `ZMPOP` from `numkeys` on, at word `first`: which words are keys, from which end to take, and
/// how many at most.
pub(crate) fn parse_zmpop(args: Args<'_>, first: usize) -> Result<(Range<usize>, End, usize), CommandError> {
    let above_zero = |at: usize| {
        integer(args.at(at)).ok().and_then(|number| usize::try_from(number).ok()).filter(|&number| number > 0)
    };
    let numkeys = above_zero(first).ok_or(CommandError::Text("ERR numkeys should be greater than 0"))?;
    if numkeys >= args.len() - first - 1 {
        return Err(CommandError::Syntax);
    }
    let keys = first + 1..first + 1 + numkeys;
    let end = End::parse(args, keys.end)?;
    let count = pop_count(args, keys.end + 1)?;
    Ok((keys, end, count))
}

/// What [`pop_first`] wants next.
#[derive(Debug)]
pub(crate) enum Step {
    /// These parts; then call again.
    Hop(Vec<Part>),
    /// The key and its members, encoded, which are a reply behind the head of an array of two (or of three,
    /// if taken one by one); `None`: there is no sorted set.
    Done(Option<Vec<u8>>),
}

/// What the second hop is asked: up to so many, from the top where negative, in a protocol, for a listing.
fn order(end: End, count: usize, protocol: Protocol, single: bool) -> Carry {
    let count = i64::try_from(count).unwrap_or(i64::MAX).min(i64::MAX >> 3);
    let bits = count << 3
        | i64::from(end == End::Max)
        | i64::from(protocol == Protocol::Resp3) << 1
        | i64::from(single) << 2;
    Carry::Number(bits)
}

fn look_part(keys: &mut Keyspace<'_>, key: &[u8], _: Carry) -> Carry {
    match keys.peek_value::<Zset>(key) {
        Ok(zset) => Carry::Flag(zset.is_some_and(|zset| !zset.is_empty())),
        Err(wrong) => Carry::Error(wrong.into()),
    }
}

fn take_part(keys: &mut Keyspace<'_>, key: &[u8], asked: Carry) -> Carry {
    let Carry::Number(bits) = asked else { return Carry::Nothing };
    let end = if bits & 1 == 0 { End::Min } else { End::Max };
    let protocol = if bits & 2 == 0 { Protocol::Resp2 } else { Protocol::Resp3 };
    let mut encoded = Vec::new();
    let mut reply = Reply::new(&mut encoded, protocol);
    reply.bulk(key);
    if bits & 4 != 0 {
        let taken = keys.edit(key, |zset: &mut Zset, _| {
            zset.pop(1, end == End::Max, |name, score| {
                reply.bulk(name);
                reply.double(score);
            });
            ((), Edit::Changed)
        });
        return match taken {
            Ok(taken) => Carry::Bytes(taken.map(|()| encoded)),
            Err(wrong) => Carry::Error(wrong.into()),
        };
    }
    match pop(keys, key, end, (bits >> 3) as usize, Listing::Pairs, &mut reply) {
        Ok(taken) => Carry::Bytes(taken.then_some(encoded)),
        Err(error) => Carry::Error(error),
    }
}

/// Takes members off an end of the first sorted set among the keys at the words `keys`: call with the hop until
/// it is done. `count` as ZMPOP has it; `None`: one, listed flat behind its key, as BZPOPMIN answers. Errors:
/// WRONGTYPE, if a key before that set has another type; nothing has changed.
pub(crate) fn pop_first(
    hop: &mut Hop,
    keys: Range<usize>,
    end: End,
    count: Option<usize>,
    protocol: Protocol,
) -> Result<Step, CommandError> {
    let db = hop.db;
    let part = |key, run, carry| Part { key, db, run, carry };
    if hop.stage == 0 {
        return Ok(Step::Hop(keys.map(|key| part(key, look_part, Carry::Nothing)).collect()));
    }
    for (at, carry) in hop.carries.iter_mut().enumerate() {
        match carry {
            Carry::Error(error) => return Err(*error),
            Carry::Flag(true) => {
                let asked = order(end, count.unwrap_or(1), protocol, count.is_none());
                return Ok(Step::Hop(vec![part(keys.start + at, take_part, asked)]));
            }
            Carry::Bytes(taken) => return Ok(Step::Done(taken.take())),
            _ => {}
        }
    }
    Ok(Step::Done(None))
}

/// `ZMPOP numkeys key [key ...] MIN|MAX [COUNT count]`: the key, and its members with their scores in pairs; or
/// null. Errors: WRONGTYPE, a count that is not above 0.
fn zmpop(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    let (keys, end, count) = parse_zmpop(args, 1)?;
    match pop_first(hop, keys, end, Some(count), reply.protocol())? {
        Step::Hop(parts) => return Ok(Next::Hop(parts)),
        Step::Done(Some(taken)) => {
            reply.array(2);
            reply.raw(&taken);
        }
        Step::Done(None) => reply.null_array(),
    }
    Ok(Next::Done)
}

#[cfg(test)]
#[path = "zset_pop_tests.rs"]
mod tests;
