//! Sorted sets by order: ranges of ranks, scores and names, answered, counted, stored or removed.
//!
//! ZRANGE and its seven older kin are one query with some of its options fixed. Whatever the order it is asked
//! in, a query becomes a rank and a number of members ([`Query::select`]); what is done with these is the
//! only difference between the commands.

use crate::base::args::Args;
use crate::base::number::{FloatLiteral, float_literal, parse_f64, sign};
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::gather::{Gather, Outcome, Sources, Tools};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::command::zset::{head, member};
use crate::ds::zset::Zset;
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace, Owned, Source};

const COUNT_COST: &str = "O(log(N)) where N is the number of members.";
const RANGE_COST: &str =
    "O(log(N)+M) where N is the number of members and M how many are answered or passed over.";
const REMOVE_COST: &str = "O(log(N)*M) where N is the number of members and M how many are removed.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    reading("zrange", zrange)
        .usage(
            "key start:string stop:string [BYSCORE|BYLEX]:sortby [REV] [LIMIT <offset count>] [WITHSCORES]",
        )
        .doc(Group::SortedSet, "1.2.0", RANGE_COST, "Returns members in order, by rank, score or name."),
    reading("zrevrange", zrevrange)
        .usage("key start:integer stop:integer [WITHSCORES]")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
        .doc(Group::SortedSet, "1.2.0", RANGE_COST, "Returns members by rank, the highest score first."),
    reading("zrangebyscore", zrangebyscore)
        .usage("key min:double max:double [WITHSCORES] [LIMIT <offset count>]")
        .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument")
        .doc(Group::SortedSet, "1.0.5", RANGE_COST, "Returns the members between two scores."),
    reading("zrevrangebyscore", zrevrangebyscore)
        .usage("key max:double min:double [WITHSCORES] [LIMIT <offset count>]")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")
        .doc(Group::SortedSet, "2.2.0", RANGE_COST, "Returns the members between two scores, highest first."),
    reading("zrangebylex", zrangebylex)
        .usage("key min:string max:string [LIMIT <offset count>]")
        .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
        .doc(
            Group::SortedSet,
            "2.8.9",
            RANGE_COST,
            "Returns the members between two names, of equal scores.",
        ),
    reading("zrevrangebylex", zrevrangebylex)
        .usage("key max:string min:string [LIMIT <offset count>]")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
        .doc(
            Group::SortedSet,
            "2.8.9",
            RANGE_COST,
            "Returns the members between two names, of equal scores, the last one first.",
        ),
    Spec::gather("zrangestore", Gather { plan: plan_store, compute: zrangestore })
        .arity(-5)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["sortedset"])
        .keys(Keys::range(1, 2, 1, Access::READ).after(Access::OVERWRITE))
        .usage("dst:key src:key min:string max:string [BYSCORE|BYLEX]:sortby [REV] [LIMIT <offset count>]")
        .doc(
            Group::SortedSet,
            "6.2.0",
            "O(log(N)+M) where N is the number of members and M how many are stored.",
            "Stores members of a sorted set at another key, by rank, score or name.",
        ),
    reading("zcount", zcount)
        .arity(4)
        .flags(Flags::READ.and(Flags::FAST))
        .usage("key min:double max:double")
        .doc(Group::SortedSet, "2.0.0", COUNT_COST, "Counts the members between two scores."),
    reading("zlexcount", zlexcount)
        .arity(4)
        .flags(Flags::READ.and(Flags::FAST))
        .usage("key min:string max:string")
        .doc(Group::SortedSet, "2.8.9", COUNT_COST, "Counts the members between two names, of equal scores."),
    removing("zremrangebyrank", zremrangebyrank).usage("key start:integer stop:integer").doc(
        Group::SortedSet,
        "2.0.0",
        REMOVE_COST,
        "Removes the members between two ranks.",
    ),
    removing("zremrangebyscore", zremrangebyscore).usage("key min:double max:double").doc(
        Group::SortedSet,
        "1.2.0",
        REMOVE_COST,
        "Removes the members between two scores.",
    ),
    removing("zremrangebylex", zremrangebylex).usage("key min:string max:string").doc(
        Group::SortedSet,
        "2.8.9",
        REMOVE_COST,
        "Removes the members between two names, of equal scores.",
    ),
];

const fn reading(name: &'static str, run: crate::command::spec::ShardFn) -> Spec {
    Spec::owner(name, run)
        .arity(-4)
        .flags(Flags::READ)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::READ))
}

const fn removing(name: &'static str, run: crate::command::spec::ShardFn) -> Spec {
    Spec::owner(name, run)
        .arity(4)
        .flags(Flags::WRITE)
        .categories(&["sortedset"])
        .keys(Keys::at(1, Access::DELETE_PART))
}

/// One end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ScoreEnd {
    score: f64,
    /// The score itself is outside.
    open: bool,
}

impl ScoreEnd {
    /// `1.5`, or `(1.5` without itself. Read as C reads numbers: the empty word is 0, spaces may stand before
    /// a number, a zero byte ends it, and one that is too large is infinite.
    fn parse(word: &[u8]) -> Result<ScoreEnd, CommandError> {
        let (open, text) = match word {
            [b'(', text @ ..] => (true, text),
            text => (false, text),
        };
        let score = lenient_f64(text).ok_or(CommandError::Text("ERR min or max is not a float"))?;
        Ok(ScoreEnd { score, open })
    }
}

fn lenient_f64(text: &[u8]) -> Option<f64> {
    let text = &text[..memchr::memchr(0, text).unwrap_or(text.len())];
    if text.is_empty() {
        return Some(0.0);
    }
    let text = &text[text.iter().position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'))?..];
    if let Some(score) = parse_f64(text) {
        return Some(score);
    }
    // What is left is no number, or one out of range.
    let (negative, unsigned) = sign(text);
    let magnitude = match float_literal(unsigned)? {
        FloatLiteral::Infinity => f64::INFINITY,
        FloatLiteral::Decimal { .. } => std::str::from_utf8(unsigned).ok()?.parse().ok()?,
        FloatLiteral::Hexadecimal { digits, exponent } => {
            let leading_zeros = digits.iter().take_while(|&&digit| digit == 0).count();
            let huge = exponent.saturating_add(4 * (digits.len() - leading_zeros) as i64) > 0;
            if huge { f64::INFINITY } else { 0.0 }
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// One end of a range of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameEnd<'a> {
    /// `-`: before every name.
    Lowest,
    /// `+`: behind every name.
    Highest,
    /// `[name`: the name itself is inside.
    Closed(&'a [u8]),
    /// `(name`: it is outside.
    Open(&'a [u8]),
}

impl<'a> NameEnd<'a> {
    fn parse(word: &'a [u8]) -> Result<NameEnd<'a>, CommandError> {
        match word {
            [b'-'] | [b'-', 0, ..] => Ok(NameEnd::Lowest),
            [b'+'] | [b'+', 0, ..] => Ok(NameEnd::Highest),
            [b'[', name @ ..] => Ok(NameEnd::Closed(name)),
            [b'(', name @ ..] => Ok(NameEnd::Open(name)),
            _ => Err(CommandError::Text("ERR min or max not valid string range item")),
        }
    }

    /// Whether a name is behind this end, as the lower one.
    fn is_before(self, name: &[u8]) -> bool {
        match self {
            NameEnd::Lowest => true,
            NameEnd::Highest => false,
            NameEnd::Closed(end) => name >= end,
            NameEnd::Open(end) => name > end,
        }
    }

    /// Whether a name is before this end, as the upper one.
    fn is_behind(self, name: &[u8]) -> bool {
        match self {
            NameEnd::Lowest => false,
            NameEnd::Highest => true,
            NameEnd::Closed(end) => name <= end,
            NameEnd::Open(end) => name < end,
        }
    }

    /// Whether no name can be between the two.
    fn leaves_nothing(self, max: NameEnd<'_>) -> bool {
        match (self, max) {
            (NameEnd::Highest, NameEnd::Highest) | (NameEnd::Lowest, NameEnd::Lowest) => false,
            (NameEnd::Highest, _) | (_, NameEnd::Lowest) => true,
            (NameEnd::Lowest, _) | (_, NameEnd::Highest) => false,
            (NameEnd::Closed(min), NameEnd::Closed(max)) => min > max,
            (NameEnd::Closed(min) | NameEnd::Open(min), NameEnd::Closed(max) | NameEnd::Open(max)) => {
                min >= max
            }
        }
    }
}

/// What a range is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Name,
}

/// Where a range begins and ends, the lower end first but for ranks.
#[derive(Clone, Copy, Debug)]
enum Ends<'a> {
    /// As given: from the front, or from the end where negative.
    Ranks(i64, i64),
    Scores(ScoreEnd, ScoreEnd),
    Names(NameEnd<'a>, NameEnd<'a>),
}

impl<'a> Ends<'a> {
    fn parse(by: By, min: &'a [u8], max: &'a [u8]) -> Result<Ends<'a>, CommandError> {
        Ok(match by {
            By::Rank => Ends::Ranks(integer(min)?, integer(max)?),
            By::Score => Ends::Scores(ScoreEnd::parse(min)?, ScoreEnd::parse(max)?),
            By::Name => Ends::Names(NameEnd::parse(min)?, NameEnd::parse(max)?),
        })
    }

    /// The members inside: the lowest one's rank, and how many. Ranks count in the direction asked for.
    fn select(self, zset: &Zset, downwards: bool) -> (usize, usize) {
        match self {
            Ends::Ranks(start, stop) => {
                let len = zset.len() as i64;
                let from_front = |rank: i64| if rank < 0 { rank.saturating_add(len) } else { rank };
                let (start, stop) = (from_front(start).max(0), from_front(stop).min(len - 1));
                if start > stop {
                    return (0, 0);
                }
                let lowest = if downwards { len - 1 - stop } else { start };
                (lowest as usize, (stop - start + 1) as usize)
            }
            Ends::Scores(min, max) => {
                let from =
                    zset.scores_below(|score| if min.open { score <= min.score } else { score < min.score });
                let to =
                    zset.scores_below(|score| if max.open { score < max.score } else { score <= max.score });
                (from, to.saturating_sub(from))
            }
            Ends::Names(min, max) if min.leaves_nothing(max) => (0, 0),
            Ends::Names(min, max) => {
                zset.names_between(downwards, |name| min.is_before(name), |name| max.is_behind(name))
            }
        }
    }
}

/// A question for a part of a sorted set.
#[derive(Clone, Copy, Debug)]
struct Query<'a> {
    ends: Ends<'a>,
    downwards: bool,
    offset: i64,
    /// Negative: all.
    limit: i64,
    scores: bool,
}

/// What a command of the family has fixed already; `None`: an option says.
#[derive(Clone, Copy, Debug)]
struct Fixed {
    by: Option<By>,
    downwards: Option<bool>,
    /// The result is stored: scores are not asked for.
    stores: bool,
}

impl<'a> Query<'a> {
    /// Reads the two ends at the words `first` and `first + 1`, and the options behind them.
    fn parse(args: Args<'a>, first: usize, fixed: Fixed) -> Result<Query<'a>, CommandError> {
        let (mut by, mut downwards, mut scores) = (fixed.by, fixed.downwards, false);
        let (mut offset, mut limit) = (0, -1);
        let mut at = first + 2;
        while at < args.len() {
            match () {
                () if !fixed.stores && args.is(at, "withscores") => scores = true,
                () if args.is(at, "limit") && at + 2 < args.len() => {
                    offset = integer(args.at(at + 1))?;
                    limit = integer(args.at(at + 2))?;
                    at += 2;
                }
                () if downwards.is_none() && args.is(at, "rev") => downwards = Some(true),
                () if by.is_none() && args.is(at, "byscore") => by = Some(By::Score),
                () if by.is_none() && args.is(at, "bylex") => by = Some(By::Name),
                () => return Err(CommandError::Syntax),
            }
            at += 1;
        }
        let (by, downwards) = (by.unwrap_or(By::Rank), downwards.unwrap_or(false));
        if limit != -1 && by == By::Rank {
            return Err(CommandError::Text(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if scores && by == By::Name {
            return Err(CommandError::Text(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        let (mut min, mut max) = (args.at(first), args.at(first + 1));
        if downwards && by != By::Rank {
            (min, max) = (max, min);
        }
        Ok(Query { ends: Ends::parse(by, min, max)?, downwards, offset, limit, scores })
    }

    /// The rank to begin with, and how many members are walked from there, in the query's direction.
    fn select(&self, zset: &Zset) -> (usize, usize) {
        let (lowest, count) = self.ends.select(zset, self.downwards);
        let skipped = match usize::try_from(self.offset) {
            // Ranks have no offset; LIMIT with any and -1 is let pass, as the reference does.
            _ if matches!(self.ends, Ends::Ranks(..)) => 0,
            Ok(skipped) if skipped < count => skipped,
            _ => return (0, 0),
        };
        let left = count - skipped;
        let wanted = usize::try_from(self.limit).map_or(left, |limit| limit.min(left));
        match (count, self.downwards) {
            (0, _) => (0, 0),
            (_, false) => (lowest + skipped, wanted),
            (_, true) => (lowest + count - 1 - skipped, wanted),
        }
    }
}

const ANY: Fixed = Fixed { by: None, downwards: None, stores: false };

fn answer(keys: &mut Keyspace<'_>, args: Args<'_>, fixed: Fixed, reply: &mut Reply<'_>) -> CommandResult {
    let query = Query::parse(args, 2, fixed)?;
    let Some(zset) = keys.read_value::<Zset>(args.at(1))? else {
        reply.array(0);
        return Ok(());
    };
    let (rank, count) = query.select(zset);
    head(reply, count, query.scores);
    zset.walk(rank, count, query.downwards, |name, score| member(reply, name, score, query.scores));
    Ok(())
}

/// `ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`: members in order.
/// Errors: options that do not go together, an end that is none, WRONGTYPE.
fn zrange(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    answer(keys, args, ANY, reply)
}

/// `ZREVRANGE key start stop [WITHSCORES]`.
fn zrevrange(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    answer(keys, args, Fixed { by: Some(By::Rank), downwards: Some(true), ..ANY }, reply)
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`.
fn zrangebyscore(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    answer(keys, args, Fixed { by: Some(By::Score), downwards: Some(false), ..ANY }, reply)
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`.
fn zrevrangebyscore(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    answer(keys, args, Fixed { by: Some(By::Score), downwards: Some(true), ..ANY }, reply)
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]`.
fn zrangebylex(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    answer(keys, args, Fixed { by: Some(By::Name), downwards: Some(false), ..ANY }, reply)
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`.
fn zrevrangebylex(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    answer(keys, args, Fixed { by: Some(By::Name), downwards: Some(true), ..ANY }, reply)
}

const STORED: Fixed = Fixed { stores: true, ..ANY };

fn plan_store(args: Args<'_>) -> Result<Sources, CommandError> {
    Query::parse(args, 3, STORED)?;
    Ok(Sources { keys: [2].into_iter().collect(), destination: Some(1) })
}

/// `ZRANGESTORE dst src min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]`: how many are stored. Errors: as
/// ZRANGE's.
fn zrangestore(
    tools: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let query = Query::parse(args, 3, STORED)?;
    let shapes = tools.settings.shapes;
    let mut stored = Zset::default();
    if let Some(Some(source)) = sources.first() {
        let zset = source.get::<Zset>()?;
        let (rank, count) = query.select(zset);
        zset.walk(rank, count, query.downwards, |name, score| {
            stored.update(&shapes, name, |_| Some(score));
        });
    }
    reply.integer(stored.len() as i64);
    Ok(Outcome::Store((!stored.is_empty()).then(|| Owned::of_collection(stored, tools.now))))
}

fn count(keys: &mut Keyspace<'_>, args: Args<'_>, by: By, reply: &mut Reply<'_>) -> CommandResult {
    let ends = Ends::parse(by, args.at(2), args.at(3))?;
    let zset = keys.read_value::<Zset>(args.at(1))?;
    reply.integer(zset.map_or(0, |zset| ends.select(zset, false).1) as i64);
    Ok(())
}

/// `ZCOUNT key min max`: members between two scores. Errors: an end that is none, WRONGTYPE.
fn zcount(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    count(keys, args, By::Score, reply)
}

/// `ZLEXCOUNT key min max`: members between two names. Errors: an end that is none, WRONGTYPE.
fn zlexcount(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    count(keys, args, By::Name, reply)
}

fn remove(keys: &mut Keyspace<'_>, args: Args<'_>, by: By, reply: &mut Reply<'_>) -> CommandResult {
    let ends = Ends::parse(by, args.at(2), args.at(3))?;
    let removed = keys.edit(args.at(1), |zset: &mut Zset, _| {
        let (rank, count) = ends.select(zset, false);
        let removed = zset.remove_range(rank, count);
        (removed, Edit::when(removed > 0))
    })?;
    reply.integer(removed.unwrap_or(0) as i64);
    Ok(())
}

/// `ZREMRANGEBYRANK key start stop`: how many were removed. Errors: no integer, WRONGTYPE.
fn zremrangebyrank(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    remove(keys, args, By::Rank, reply)
}

/// `ZREMRANGEBYSCORE key min max`: how many were removed. Errors: an end that is none, WRONGTYPE.
fn zremrangebyscore(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    remove(keys, args, By::Score, reply)
}

/// `ZREMRANGEBYLEX key min max`: how many were removed. Errors: an end that is none, WRONGTYPE.
fn zremrangebylex(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    remove(keys, args, By::Name, reply)
}

#[cfg(test)]
#[path = "zset_range_tests.rs"]
mod tests;
