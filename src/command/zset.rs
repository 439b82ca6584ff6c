//! Sorted sets by member: ZADD and its kin, scores, ranks, random members, ZSCAN.
//!
//! Also here, for the whole family: how members and scores are answered. With scores, RESP2 has one flat list
//! and RESP3 a list of pairs.

use crate::base::args::Args;
use crate::base::number::parse_f64;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::members::{Filter, cursor, drawn, scanned, scanned_nothing};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::ds::packed::Item;
use crate::ds::zset::{Placed, Zset};
use crate::resp::{Protocol, Reply};
use crate::shard::{Edit, Keyspace};
use smallvec::SmallVec;
use std::collections::BTreeSet;

const WRITES: Flags = Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST);
const READS: Flags = Flags::READ.and(Flags::FAST);
const LOG_COST: &str = "O(log(N)) where N is the number of members.";
const NOT_A_NUMBER: CommandError = CommandError::Text("ERR resulting score is not a number (NaN)");

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("zadd", zadd)
        .arity(-4)
        .flags(WRITES)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage(
            "key [NX|XX]:condition [GT|LT]:comparison [CH]:change [INCR]:increment score:double member \
             [score:double member ...]",
        )
        .doc(
            Group::SortedSet,
            "1.2.0",
            "O(log(N)) for each member, where N is the number of members.",
            "Adds members with their scores, or gives them other scores.",
        ),
    Spec::owner("zincrby", zincrby)
        .arity(4)
        .flags(WRITES)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access(&["RW", "access", "update"])))
        .usage("key increment member")
        .doc(Group::SortedSet, "1.2.0", LOG_COST, "Adds to the score of a member, 0 if it is new."),
    Spec::owner("zrem", zrem)
        .arity(-3)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::DELETE_PART))
        .usage("key member [member ...]")
        .doc(
            Group::SortedSet,
            "1.2.0",
            "O(M*log(N)) where N is the number of members and M how many are to be removed.",
            "Removes members and counts those that were there.",
        ),
    Spec::owner("zcard", zcard)
        .arity(2)
        .flags(READS)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::READ_META))
        .usage("key")
        .doc(Group::SortedSet, "1.2.0", "O(1)", "Counts the members of a sorted set."),
    Spec::owner("zscore", zscore)
        .arity(3)
        .flags(READS)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::READ))
        .usage("key member")
        .doc(Group::SortedSet, "1.2.0", "O(1)", "Returns the score of a member."),
    Spec::owner("zmscore", zmscore)
        .arity(-3)
        .flags(READS)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::READ))
        .usage("key member [member ...]")
        .doc(
            Group::SortedSet,
            "6.2.0",
            "O(N) where N is the number of members asked for.",
            "Returns the scores of several members.",
        ),
    Spec::owner("zrank", zrank)
        .arity(3)
        .flags(READS)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::READ))
        .usage("key member")
        .doc(Group::SortedSet, "2.0.0", LOG_COST, "Returns how many members are below one."),
    Spec::owner("zrevrank", zrevrank)
        .arity(3)
        .flags(READS)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::READ))
        .usage("key member")
        .doc(Group::SortedSet, "2.0.0", LOG_COST, "Returns how many members are above one."),
    Spec::owner("zrandmember", zrandmember)
        .arity(-2)
        .flags(Flags::READ)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::READ))
        .usage("key [count [WITHSCORES]]:options")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::SortedSet,
            "6.2.0",
            "O(M*log(N)) where N is the number of members and M how many are answered.",
            "Returns one or several members, picked at random.",
        ),
    Spec::owner("zscan", zscan)
        .arity(-3)
        .flags(Flags::READ)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::READ))
        .usage("key cursor [MATCH pattern] [COUNT count]")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::SortedSet,
            "2.8.0",
            "O(1) for every call, O(N) for all calls together, where N is the number of members.",
            "Returns some members with their scores, and a cursor to go on with.",
        ),
];

/// Announces `count` members, with their scores or without.
pub(super) fn head(reply: &mut Reply<'_>, count: usize, scores: bool) {
    let flat = scores && reply.protocol() == Protocol::Resp2;
    reply.array(if flat { 2 * count } else { count });
}

/// One of the members that were announced.
#[inline]
pub(super) fn member(reply: &mut Reply<'_>, member: &[u8], score: f64, scores: bool) {
    if scores && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    reply.bulk(member);
    if scores {
        reply.double(score);
    }
}

/// A score, or null.
fn score_or_null(reply: &mut Reply<'_>, score: Option<f64>) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

/// What ZADD's options ask for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    pub(super) only_new: bool,
    pub(super) only_there: bool,
    only_greater: bool,
    only_less: bool,
    pub(super) count_changed: bool,
    increment: bool,
}

impl Rules {
    /// Reads the options from word 2 on; also returns the index of the first score.
    fn parse(args: Args<'_>) -> Result<(Rules, usize), CommandError> {
        let (mut rules, mut at) = (Rules::default(), 2);
        while at < args.len() {
            match () {
                () if args.is(at, "nx") => rules.only_new = true,
                () if args.is(at, "xx") => rules.only_there = true,
                () if args.is(at, "gt") => rules.only_greater = true,
                () if args.is(at, "lt") => rules.only_less = true,
                () if args.is(at, "ch") => rules.count_changed = true,
                () if args.is(at, "incr") => rules.increment = true,
                () => break,
            }
            at += 1;
        }
        let words = args.len() - at;
        if words == 0 || !words.is_multiple_of(2) {
            return Err(CommandError::Syntax);
        }
        if rules.only_new && rules.only_there {
            return Err(CommandError::Text("ERR XX and NX options at the same time are not compatible"));
        }
        if (rules.only_new && (rules.only_greater || rules.only_less))
            || (rules.only_greater && rules.only_less)
        {
            return Err(CommandError::Text(
                "ERR GT, LT, and/or NX options at the same time are not compatible",
            ));
        }
        if rules.increment && words > 2 {
            return Err(CommandError::Text("ERR INCR option supports a single increment-element pair"));
        }
        Ok((rules, at))
    }

    /// The new score of a member that has `old`; `Ok(None)`: it is to stay as it is. Error: NaN.
    fn decide(self, old: Option<f64>, score: f64) -> Result<Option<f64>, CommandError> {
        let Some(old) = old else { return Ok((!self.only_there).then_some(score)) };
        if self.only_new {
            return Ok(None);
        }
        let new = if self.increment { old + score } else { score };
        if new.is_nan() {
            return Err(NOT_A_NUMBER);
        }
        let refused = (self.only_greater && new <= old) || (self.only_less && new >= old);
        Ok((!refused).then_some(new))
    }
}

/// `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]`: how many are new (with CH: or have
/// another score); with INCR the new score, or null if it was refused. Errors: options that do not go
/// together, no float, WRONGTYPE, an increment that makes NaN; none of them changes anything.
fn zadd(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (rules, first) = Rules::parse(args)?;
    if rules.increment {
        return add_to(keys, args.at(1), args.at(first), args.at(first + 1), rules, reply);
    }
    let mut scores: SmallVec<[f64; 8]> = SmallVec::new();
    for word in args.from(first).step_by(2) {
        scores.push(parse_f64(word).ok_or(CommandError::NotFloat)?);
    }
    let members = args.from(first + 1).step_by(2);
    put(keys, args.at(1), rules, scores.iter().copied().zip(members), reply)
}

/// Gives members their scores and answers how many are new, or have changed.
pub(super) fn put<'m>(
    keys: &mut Keyspace<'_>,
    key: &[u8],
    rules: Rules,
    members: impl Iterator<Item = (f64, &'m [u8])>,
    reply: &mut Reply<'_>,
) -> CommandResult {
    let (added, moved) = keys.edit_or_create(key, |zset: &mut Zset, shapes| {
        let (mut added, mut moved) = (0, 0);
        for (score, member) in members {
            match zset.update(shapes, member, |old| rules.decide(old, score).ok().flatten()) {
                Placed::Added => added += 1,
                Placed::Moved => moved += 1,
                Placed::Kept => {}
            }
        }
        ((added, moved), Edit::when(added + moved > 0))
    })?;
    reply.integer(if rules.count_changed { added + moved } else { added });
    Ok(())
}

/// `ZINCRBY key increment member`: the new score. Errors: no float, WRONGTYPE, NaN.
fn zincrby(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    // As in the reference, a word of ZADD's in the increment's place is an option, with too little behind it.
    let (rules, first) = Rules::parse(args)?;
    let rules = Rules { increment: true, ..rules };
    add_to(keys, args.at(1), args.at(first), args.at(first + 1), rules, reply)
}

fn add_to(
    keys: &mut Keyspace<'_>,
    key: &[u8],
    increment: &[u8],
    member: &[u8],
    rules: Rules,
    reply: &mut Reply<'_>,
) -> CommandResult {
    let increment = parse_f64(increment).ok_or(CommandError::NotFloat)?;
    let decided = keys.edit_or_create(key, |zset: &mut Zset, shapes| {
        let mut decided = Ok(None);
        let placed = zset.update(shapes, member, |old| {
            decided = rules.decide(old, increment);
            decided.ok().flatten()
        });
        (decided, Edit::when(placed != Placed::Kept))
    })?;
    score_or_null(reply, decided?);
    Ok(())
}

/// `ZREM key member [member ...]`: how many were there. Errors: WRONGTYPE.
fn zrem(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let removed = keys.edit(args.at(1), |zset: &mut Zset, _| {
        let removed = args.from(2).filter(|member| zset.remove(member).is_some()).count();
        (removed, Edit::when(removed > 0))
    })?;
    reply.integer(removed.unwrap_or(0) as i64);
    Ok(())
}

/// `ZCARD key`: how many members, 0 when missing. Errors: WRONGTYPE.
fn zcard(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.integer(keys.read_value::<Zset>(args.at(1))?.map_or(0, Zset::len) as i64);
    Ok(())
}

/// `ZSCORE key member`: the score, or null. Errors: WRONGTYPE.
fn zscore(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let zset = keys.read_value::<Zset>(args.at(1))?;
    score_or_null(reply, zset.and_then(|zset| zset.score(args.at(2))));
    Ok(())
}

/// `ZMSCORE key member [member ...]`: a score or null for each. Errors: WRONGTYPE.
fn zmscore(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let zset = keys.read_value::<Zset>(args.at(1))?;
    reply.array(args.len() - 2);
    for member in args.from(2) {
        score_or_null(reply, zset.and_then(|zset| zset.score(member)));
    }
    Ok(())
}

/// `ZRANK key member`: how many are below it, or null. Errors: WRONGTYPE.
fn zrank(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    rank(keys, args, false, reply)
}

/// `ZREVRANK key member`: how many are above it, or null. Errors: WRONGTYPE.
fn zrevrank(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    rank(keys, args, true, reply)
}

fn rank(keys: &mut Keyspace<'_>, args: Args<'_>, from_top: bool, reply: &mut Reply<'_>) -> CommandResult {
    let zset = keys.read_value::<Zset>(args.at(1))?;
    match zset.and_then(|zset| zset.rank(args.at(2)).map(|rank| (zset.len(), rank))) {
        Some((len, rank)) => reply.integer(if from_top { len - 1 - rank } else { rank } as i64),
        None => reply.null(),
    }
    Ok(())
}

/// `ZRANDMEMBER key [count [WITHSCORES]]`: one member or null; with a count as many different ones, or, if
/// it is negative, as many as it says, some of them perhaps again. Errors: WRONGTYPE, a count out of range.
fn zrandmember(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let key = args.at(1);
    let mut prng = keys.prng();
    let Some(count) = args.get(2) else {
        match keys.read_value::<Zset>(key)? {
            Some(zset) => {
                let rank = prng.below(zset.len() as u64) as usize;
                zset.walk(rank, 1, false, |member, _| reply.bulk(member));
            }
            None => reply.null(),
        }
        return Ok(());
    };
    let count = integer(count)?;
    if count == i64::MIN {
        return Err(CommandError::Text(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ));
    }
    let scores = match args.len() {
        3 => false,
        4 if args.is(3, "withscores") => true,
        _ => return Err(CommandError::Syntax),
    };
    if scores && !(-(i64::MAX / 2)..=i64::MAX / 2).contains(&count) {
        return Err(CommandError::Text("ERR value is out of range"));
    }
    let Some(zset) = keys.read_value::<Zset>(key)? else {
        reply.array(0);
        return Ok(());
    };
    let len = zset.len();
    if count < 0 {
        let start = reply.out().len();
        head(reply, count.unsigned_abs() as usize, scores);
        let ranks = std::iter::repeat_with(|| prng.below(len as u64) as usize);
        let written = drawn(reply, count.unsigned_abs(), ranks, |reply, rank| {
            zset.walk(rank, 1, false, |name, score| member(reply, name, score, scores));
        });
        if written.is_err() {
            reply.out().truncate(start);
        }
        return written;
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(len);
    head(reply, count, scores);
    if count >= len / 8 {
        // One walk that takes each member with the chance that is left to it.
        let (mut left, mut wanted) = (len as u64, count as u64);
        zset.walk(0, len, false, |name, score| {
            if prng.below(left) < wanted {
                member(reply, name, score, scores);
                wanted -= 1;
            }
            left -= 1;
        });
    } else {
        let mut ranks = BTreeSet::new();
        while ranks.len() < count {
            ranks.insert(prng.below(len as u64) as usize);
        }
        for rank in ranks {
            zset.walk(rank, 1, false, |name, score| member(reply, name, score, scores));
        }
    }
    Ok(())
}

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`: the next cursor, and members with their scores, which
/// are strings in both protocols. Errors: a bad cursor or option, WRONGTYPE.
fn zscan(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let from = cursor(args)?;
    let Some(zset) = keys.read_value::<Zset>(args.at(1))? else {
        scanned_nothing(reply);
        return Ok(());
    };
    let filter = Filter::parse(args)?;
    scanned(reply, |reply| {
        let mut written = 0;
        let next = zset.scan(from, filter.count, |member, score| {
            if filter.wants(Item::Bytes(member)) {
                reply.bulk(member);
                reply.bulk(score);
                written += 2;
            }
        });
        (next, written)
    });
    Ok(())
}

#[cfg(test)]
#[path = "zset_tests.rs"]
mod tests;
