//! Sorted sets together: unions, intersections and differences, answered, counted or stored. Plain sets take
//! part too, each member with score 1.
//!
//! Scores are summed in the reference's order, the smallest source first, because sums of floats depend on it.
//! Results come together in a [`Tally`] and are put in order once.

use crate::base::args::Args;
use crate::base::number::parse_f64;
use crate::command::args::integer;
use crate::command::error::CommandError;
use crate::command::gather::{ComputeFn, Gather, Outcome, Sources, Tools};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::command::zset::{head, member};
use crate::ds::set::Set;
use crate::ds::zset::{Tally, Zset};
use crate::resp::Reply;
use crate::shard::{Owned, Source};
use smallvec::SmallVec;

const UNION_COST: &str =
    "O(N)+O(M*log(M)) where N is the number of members of all sources and M of the result.";
const INTER_COST: &str = "O(N*K)+O(M*log(M)) where N is the number of members of the smallest source, K the \
                          number of sources and M the number of members of the result.";
const DIFF_COST: &str =
    "O(L)+O(M*log(M)) where L is the number of members of all sources and M of the result.";
const ANSWER_USAGE: &str = "numkeys:integer key [key ...] [WEIGHTS weight:integer [weight:integer ...]] [AGGREGATE <SUM|MIN|MAX>:aggregate] [WITHSCORES]";
const STORE_USAGE: &str = "destination numkeys:integer key [key ...] [WEIGHTS weight:integer [weight:integer ...]] [AGGREGATE <SUM|MIN|MAX>:aggregate]";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    answered("zunion", zunion, plan_zunion).usage(ANSWER_USAGE).doc(
        Group::SortedSet,
        "6.2.0",
        UNION_COST,
        "Returns the members that any of several sorted sets has.",
    ),
    answered("zinter", zinter, plan_zinter).usage(ANSWER_USAGE).doc(
        Group::SortedSet,
        "6.2.0",
        INTER_COST,
        "Returns the members that all of several sorted sets have.",
    ),
    answered("zdiff", zdiff, plan_zdiff).usage("numkeys:integer key [key ...] [WITHSCORES]").doc(
        Group::SortedSet,
        "6.2.0",
        DIFF_COST,
        "Returns the members of a sorted set that none of several others has.",
    ),
    answered("zintercard", zintercard, plan_zintercard)
        .usage("numkeys:integer key [key ...] [LIMIT limit:integer]")
        .doc(
            Group::SortedSet,
            "7.0.0",
            "O(N*K) where N is the number of members of the smallest source and K the number of sources.",
            "Counts the members that all of several sorted sets have.",
        ),
    stored("zunionstore", zunion, plan_zunionstore).usage(STORE_USAGE).doc(
        Group::SortedSet,
        "2.0.0",
        UNION_COST,
        "Stores the members that any of several sorted sets has.",
    ),
    stored("zinterstore", zinter, plan_zinterstore).usage(STORE_USAGE).doc(
        Group::SortedSet,
        "2.0.0",
        INTER_COST,
        "Stores the members that all of several sorted sets have.",
    ),
    stored("zdiffstore", zdiff, plan_zdiffstore).usage("destination numkeys:integer key [key ...]").doc(
        Group::SortedSet,
        "6.2.0",
        DIFF_COST,
        "Stores the members of a sorted set that none of several others has.",
    ),
];

type PlanFn = fn(Args<'_>) -> Result<Sources, CommandError>;

const fn answered(name: &'static str, compute: ComputeFn, plan: PlanFn) -> Spec {
    Spec::gather(name, Gather { plan, compute })
        .arity(-3)
        .flags(Flags::READ.and(Flags::MOVABLE_KEYS))
        .categories(&["sortedset"])
        .keys(Keys::counted(1, Access::READ))
}

const fn stored(name: &'static str, compute: ComputeFn, plan: PlanFn) -> Spec {
    Spec::gather(name, Gather { plan, compute })
        .arity(-4)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS))
        .categories(&["sortedset"])
        .keys(Keys::counted(2, Access::READ).and_first(Access::OVERWRITE))
}

/// The keys behind `numkeys` at word `at`; what stands behind them is read once their types are known.
fn plan(args: Args<'_>, at: usize, few: &'static str) -> Result<Sources, CommandError> {
    let numkeys = integer(args.at(at))?;
    if numkeys < 1 {
        return Err(CommandError::Text(few));
    }
    let numkeys = usize::try_from(numkeys).ok().filter(|&numkeys| numkeys < args.len() - at);
    let keys = at + 1..at + 1 + numkeys.ok_or(CommandError::Syntax)?;
    Ok(Sources { keys: keys.collect(), destination: (at == 2).then_some(1) })
}

fn plan_zunion(args: Args<'_>) -> Result<Sources, CommandError> {
    plan(args, 1, "ERR at least 1 input key is needed for 'zunion' command")
}

fn plan_zinter(args: Args<'_>) -> Result<Sources, CommandError> {
    plan(args, 1, "ERR at least 1 input key is needed for 'zinter' command")
}

fn plan_zdiff(args: Args<'_>) -> Result<Sources, CommandError> {
    plan(args, 1, "ERR at least 1 input key is needed for 'zdiff' command")
}

fn plan_zintercard(args: Args<'_>) -> Result<Sources, CommandError> {
    plan(args, 1, "ERR at least 1 input key is needed for 'zintercard' command")
}

fn plan_zunionstore(args: Args<'_>) -> Result<Sources, CommandError> {
    plan(args, 2, "ERR at least 1 input key is needed for 'zunionstore' command")
}

fn plan_zinterstore(args: Args<'_>) -> Result<Sources, CommandError> {
    plan(args, 2, "ERR at least 1 input key is needed for 'zinterstore' command")
}

fn plan_zdiffstore(args: Args<'_>) -> Result<Sources, CommandError> {
    plan(args, 2, "ERR at least 1 input key is needed for 'zdiffstore' command")
}

/// What a member's scores become together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    /// Infinities that cancel out make 0.
    fn of(self, left: f64, right: f64) -> f64 {
        match self {
            Aggregate::Sum => or_zero(left + right),
            Aggregate::Min => {
                if right < left {
                    right
                } else {
                    left
                }
            }
            Aggregate::Max => {
                if right > left {
                    right
                } else {
                    left
                }
            }
        }
    }
}

fn or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// The members of one source.
#[derive(Clone, Copy, Debug)]
enum Members<'a> {
    Sorted(&'a Zset),
    Plain(&'a Set),
    None,
}

impl<'a> Members<'a> {
    fn of(source: Option<Source<'a>>) -> Result<Members<'a>, CommandError> {
        let Some(source) = source else { return Ok(Members::None) };
        match source.get::<Zset>() {
            Ok(zset) => Ok(Members::Sorted(zset)),
            Err(_) => Ok(Members::Plain(source.get::<Set>()?)),
        }
    }

    fn len(self) -> usize {
        match self {
            Members::Sorted(zset) => zset.len(),
            Members::Plain(set) => set.len(),
            Members::None => 0,
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Members::Sorted(zset) => zset.score(member),
            Members::Plain(set) => set.contains(member).then_some(1.0),
            Members::None => None,
        }
    }

    /// Shows the members one after another for as long as `show` says true.
    fn for_each(self, mut show: impl FnMut(&[u8], f64) -> bool) {
        match self {
            Members::Sorted(zset) => {
                let (mut rank, mut more) = (0, true);
                while more && rank < zset.len() {
                    zset.walk(rank, WALK, false, |name, score| more = more && show(name, score));
                    rank += WALK;
                }
            }
            Members::Plain(set) => {
                let mut digits = itoa::Buffer::new();
                set.iter().all(|item| show(item.bytes(&mut digits), 1.0));
            }
            Members::None => {}
        }
    }
}

/// Members shown between two looks whether that is enough.
const WALK: usize = 128;

/// A source with its weight.
type Weighted<'a> = (Members<'a>, f64);

/// What a command is asked beside its keys.
struct Question<'a> {
    sources: SmallVec<[Weighted<'a>; 8]>,
    aggregate: Aggregate,
    scores: bool,
    stores: bool,
}

/// Which options a command has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Options {
    All,
    OnlyScores,
}

impl<'a> Question<'a> {
    fn parse(
        args: Args<'_>,
        sources: &[Option<Source<'a>>],
        options: Options,
    ) -> Result<Question<'a>, CommandError> {
        let stores = is_store(args);
        let mut question = Question {
            sources: sources
                .iter()
                .map(|&source| Ok((Members::of(source)?, 1.0)))
                .collect::<Result<_, CommandError>>()?,
            aggregate: Aggregate::Sum,
            scores: false,
            stores,
        };
        let mut at = 2 + usize::from(stores) + sources.len();
        while at < args.len() {
            let left = args.len() - at;
            match () {
                () if options == Options::All && left > sources.len() && args.is(at, "weights") => {
                    for source in &mut question.sources {
                        at += 1;
                        let weight = parse_f64(args.at(at));
                        source.1 = weight.ok_or(CommandError::Text("ERR weight value is not a float"))?;
                    }
                }
                () if options == Options::All && left >= 2 && args.is(at, "aggregate") => {
                    at += 1;
                    question.aggregate = match () {
                        () if args.is(at, "sum") => Aggregate::Sum,
                        () if args.is(at, "min") => Aggregate::Min,
                        () if args.is(at, "max") => Aggregate::Max,
                        () => return Err(CommandError::Syntax),
                    };
                }
                () if !stores && args.is(at, "withscores") => question.scores = true,
                () => return Err(CommandError::Syntax),
            }
            at += 1;
        }
        Ok(question)
    }

    /// The smallest source first; of equal ones the one that was named first.
    fn smallest_first(&mut self) {
        self.sources.sort_by_key(|(members, _)| members.len());
    }

    /// Answers with a result or stores it.
    fn finish(self, tally: Tally, tools: &Tools<'_>, reply: &mut Reply<'_>) -> Outcome {
        if !self.stores {
            head(reply, tally.len(), self.scores);
            tally.for_each(|name, score| member(reply, name, score, self.scores));
            return Outcome::Replied;
        }
        reply.integer(tally.len() as i64);
        if tally.is_empty() {
            return Outcome::Store(None);
        }
        let zset = Zset::from_tally(tally, &tools.settings.shapes);
        Outcome::Store(Some(Owned::of_collection(zset, tools.now)))
    }
}

/// Whether a destination stands before the number of keys: the name says it.
fn is_store(args: Args<'_>) -> bool {
    args.at(0).last_chunk().is_some_and(|end: &[u8; 5]| end.eq_ignore_ascii_case(b"store"))
}

/// Visits the members that all sources have, with their scores together.
fn intersect(question: &Question<'_>, mut visit: impl FnMut(&[u8], f64)) {
    let Some(((smallest, weight), others)) = question.sources.split_first() else { return };
    smallest.for_each(|name, score| {
        let first = or_zero(score * weight);
        let score = others.iter().try_fold(first, |sum, (members, weight)| {
            members.score(name).map(|score| question.aggregate.of(sum, or_zero(score * weight)))
        });
        if let Some(score) = score {
            visit(name, score);
        }
        true
    });
}

/// `ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]`, `ZUNIONSTORE
/// destination numkeys ...`: the members in order, or how many are stored. Errors: WRONGTYPE, an unknown
/// option, a weight that is no float.
fn zunion(
    tools: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let mut question = Question::parse(args, sources, Options::All)?;
    question.smallest_first();
    let mut tally = Tally::new(tools.settings.shapes.owners);
    for (members, weight) in &question.sources {
        members.for_each(|name, score| {
            let score = or_zero(score * weight);
            tally.update(name, |sum| sum.map_or(score, |sum| question.aggregate.of(sum, score)));
            true
        });
    }
    Ok(question.finish(tally, tools, reply))
}

/// `ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]`, `ZINTERSTORE
/// destination numkeys ...`. Errors: as ZUNION's.
fn zinter(
    tools: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let mut question = Question::parse(args, sources, Options::All)?;
    question.smallest_first();
    let mut tally = Tally::new(tools.settings.shapes.owners);
    intersect(&question, |name, score| tally.update(name, |_| score));
    Ok(question.finish(tally, tools, reply))
}

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`, `ZDIFFSTORE destination numkeys key [key ...]`: the first
/// source's members that no other has. Errors: WRONGTYPE, an unknown option.
fn zdiff(
    tools: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let question = Question::parse(args, sources, Options::OnlyScores)?;
    let mut tally = Tally::new(tools.settings.shapes.owners);
    if let Some(((first, _), others)) = question.sources.split_first() {
        // Looking each member up in all others, or removing what all others have: which is less?
        let lookups = first.len().saturating_mul(question.sources.len()) / 2;
        let looks_up = lookups <= question.sources.iter().map(|(members, _)| members.len()).sum();
        first.for_each(|name, score| {
            if !looks_up || others.iter().all(|(members, _)| members.score(name).is_none()) {
                tally.update(name, |_| score);
            }
            true
        });
        for (members, _) in if looks_up { &[] } else { others } {
            members.for_each(|name, _| {
                tally.remove(name);
                !tally.is_empty()
            });
        }
    }
    Ok(question.finish(tally, tools, reply))
}

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`: how many members all have, up to the limit. Errors:
/// WRONGTYPE, an unknown option, a negative limit.
fn zintercard(
    _: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let members: Result<SmallVec<[Members<'_>; 8]>, CommandError> =
        sources.iter().map(|&source| Members::of(source)).collect();
    let mut members = members?;
    let (mut limit, mut at) = (usize::MAX, 2 + sources.len());
    while at < args.len() {
        let word = args.get(at + 1).filter(|_| args.is(at, "limit")).ok_or(CommandError::Syntax)?;
        let number = integer(word).ok().and_then(|limit| usize::try_from(limit).ok());
        limit = number.ok_or(CommandError::Text("ERR LIMIT can't be negative"))?;
        limit = if limit == 0 { usize::MAX } else { limit };
        at += 2;
    }
    members.sort_by_key(|members| members.len());
    let mut count = 0;
    if let Some((smallest, others)) = members.split_first() {
        smallest.for_each(|name, _| {
            count += usize::from(others.iter().all(|members| members.score(name).is_some()));
            count < limit
        });
    }
    reply.integer(count as i64);
    Ok(Outcome::Replied)
}

#[cfg(test)]
#[path = "zset_ops_tests.rs"]
mod tests;
