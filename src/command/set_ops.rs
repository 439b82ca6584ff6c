//! Sets together: intersections, unions and differences, answered, counted or stored.
//!
//! No member is copied to answer: one of an intersection or a difference is looked up in the other sets, and
//! one of a union is answered unless a set before its own has it. Only a wide union or difference, for which
//! that would take longer than to copy, makes a set of its own.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::CommandError;
use crate::command::gather::{ComputeFn, Gather, Outcome, Sources, Tools};
use crate::command::members::{bulk, counted};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::ds::Shapes;
use crate::ds::packed::Item;
use crate::ds::set::Set;
use crate::resp::Reply;
use crate::shard::{Owned, Source};
use smallvec::SmallVec;

const PRODUCT_COST: &str =
    "O(N*M) worst case with N being the number of members of the smallest set and M the number of sets.";
const SUM_COST: &str = "O(N) with N being the number of members of all sets.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    answered("sinter", sinter).doc(
        Group::Set,
        "1.0.0",
        PRODUCT_COST,
        "Returns the members that all of several sets have.",
    ),
    Spec::gather("sintercard", Gather { plan: plan_counted, compute: sintercard })
        .arity(-3)
        .flags(Flags::READ.and(Flags::MOVABLE_KEYS))
        .categories(&["set"])
        .keys(Keys::counted(1, Access::READ))
        .usage("numkeys:integer key [key ...] [LIMIT limit:integer]")
        .doc(Group::Set, "7.0.0", PRODUCT_COST, "Counts the members that all of several sets have."),
    stored("sinterstore", sinterstore, Access::UPDATE).doc(
        Group::Set,
        "1.0.0",
        PRODUCT_COST,
        "Stores the members that all of several sets have.",
    ),
    answered("sunion", sunion).doc(
        Group::Set,
        "1.0.0",
        SUM_COST,
        "Returns the members that any of several sets has.",
    ),
    stored("sunionstore", sunionstore, Access::OVERWRITE).doc(
        Group::Set,
        "1.0.0",
        SUM_COST,
        "Stores the members that any of several sets has.",
    ),
    answered("sdiff", sdiff).doc(
        Group::Set,
        "1.0.0",
        SUM_COST,
        "Returns the members of a set that none of several others has.",
    ),
    stored("sdiffstore", sdiffstore, Access::OVERWRITE).doc(
        Group::Set,
        "1.0.0",
        SUM_COST,
        "Stores the members of a set that none of several others has.",
    ),
];

const fn answered(name: &'static str, compute: ComputeFn) -> Spec {
    Spec::gather(name, Gather { plan: plan_all, compute })
        .arity(-2)
        .flags(Flags::READ)
        .categories(&["set"])
        .keys(Keys::range(1, -1, 1, Access::READ))
        .usage("key [key ...]")
        .tips(&["nondeterministic_output_order"])
}

const fn stored(name: &'static str, compute: ComputeFn, access: Access) -> Spec {
    Spec::gather(name, Gather { plan: plan_behind_destination, compute })
        .arity(-3)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["set"])
        .keys(Keys::range(1, -1, 1, Access::READ).after(access))
        .usage("destination key [key ...]")
}

fn plan_all(args: Args<'_>) -> Result<Sources, CommandError> {
    Ok(Sources { keys: (1..args.len()).collect(), destination: None })
}

fn plan_behind_destination(args: Args<'_>) -> Result<Sources, CommandError> {
    Ok(Sources { keys: (2..args.len()).collect(), destination: Some(1) })
}

/// The words of SINTERCARD: how many keys, and the limit (0: none).
fn sintercard_words(args: Args<'_>) -> Result<(usize, usize), CommandError> {
    const FEW: CommandError = CommandError::Text("ERR numkeys should be greater than 0");
    let count = integer(args.at(1)).ok().and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|&count| count > 0).ok_or(FEW)?;
    if count > args.len() - 2 {
        return Err(CommandError::Text("ERR Number of keys can't be greater than number of args"));
    }
    let (mut limit, mut at) = (0, 2 + count);
    while at < args.len() {
        let word = args.get(at + 1).filter(|_| args.is(at, "limit")).ok_or(CommandError::Syntax)?;
        let number = integer(word).ok().and_then(|limit| usize::try_from(limit).ok());
        limit = number.ok_or(CommandError::Text("ERR LIMIT can't be negative"))?;
        at += 2;
    }
    Ok((count, limit))
}

fn plan_counted(args: Args<'_>) -> Result<Sources, CommandError> {
    let (count, _) = sintercard_words(args)?;
    Ok(Sources { keys: (2..2 + count).collect(), destination: None })
}

/// The sets of a command, `None` where there is no such key. Error: one is no set.
type Sets<'a> = SmallVec<[Option<&'a Set>; 8]>;

fn sets<'a>(sources: &[Option<Source<'a>>]) -> Result<Sets<'a>, CommandError> {
    sources.iter().map(|source| Ok(source.map(Source::get).transpose()?)).collect()
}

/// What is done with a member.
type Visit<'v> = &'v mut dyn FnMut(Item<'_>);

/// Visits members that all sets have, `limit` at most, in the order of the smallest.
fn intersect(sets: &Sets<'_>, limit: usize, visit: Visit<'_>) {
    let Some(mut sets) = sets.iter().copied().collect::<Option<SmallVec<[&Set; 8]>>>() else { return };
    sets.sort_by_key(|set| set.len());
    let Some((smallest, others)) = sets.split_first() else { return };
    let common = |member: &Item<'_>| {
        // A key may be named twice.
        others.iter().all(|other| std::ptr::eq(*other, *smallest) || other.contains_item(*member))
    };
    smallest.iter().filter(common).take(limit).for_each(visit);
}

/// Up to so many sets a member of a union is looked for in those before its own.
const UNION_LOOKUPS_MAX: usize = 3;

/// Visits the members that any set has.
fn unite(sets: &Sets<'_>, shapes: &Shapes, visit: Visit<'_>) {
    let sets: SmallVec<[&Set; 8]> = sets.iter().flatten().copied().collect();
    if sets.len() <= UNION_LOOKUPS_MAX {
        for (index, set) in sets.iter().enumerate() {
            let fresh = |member: &Item<'_>| !sets[..index].iter().any(|before| before.contains_item(*member));
            set.iter().filter(fresh).for_each(&mut *visit);
        }
        return;
    }
    let mut seen = Set::default();
    for set in &sets {
        set.iter().filter(|member| seen.add_item(*member, shapes)).for_each(&mut *visit);
    }
}

/// Visits the members of the first set that no other has.
fn subtract(sets: &Sets<'_>, shapes: &Shapes, visit: Visit<'_>) {
    let Some((Some(first), others)) = sets.split_first() else { return };
    let mut others: SmallVec<[&Set; 8]> = others.iter().flatten().copied().collect();
    if others.iter().any(|other| std::ptr::eq(*other, *first)) {
        return;
    }
    // Either each member of the first is looked for in the others, the largest first, or the others' are
    // taken out of a copy. The first way ends early for members that one of the others has: hence the half.
    let lookups = first.len() * (others.len() + 1) / 2;
    let copies = first.len() + others.iter().map(|other| other.len()).sum::<usize>();
    if lookups <= copies {
        others.sort_by_key(|other| std::cmp::Reverse(other.len()));
        let kept = |member: &Item<'_>| !others.iter().any(|other| other.contains_item(*member));
        first.iter().filter(kept).for_each(visit);
        return;
    }
    let mut left = Set::default();
    first.iter().for_each(|member| _ = left.add_item(member, shapes));
    for other in others {
        if left.is_empty() {
            return;
        }
        other.iter().for_each(|member| _ = left.remove_item(member));
    }
    left.iter().for_each(visit);
}

/// Answers with the members that `each` visits.
fn answer(reply: &mut Reply<'_>, each: impl FnOnce(Visit<'_>)) -> Result<Outcome, CommandError> {
    counted(
        reply,
        |reply, count| reply.set(count),
        |reply| {
            let mut count = 0;
            each(&mut |member| {
                bulk(reply, member);
                count += 1;
            });
            count
        },
    );
    Ok(Outcome::Replied)
}

/// Stores the members that `each` visits and answers how many they are; where there are none, what is at the
/// destination is deleted.
fn store(
    tools: &Tools<'_>,
    reply: &mut Reply<'_>,
    each: impl FnOnce(Visit<'_>),
) -> Result<Outcome, CommandError> {
    let mut result = Set::default();
    each(&mut |member| _ = result.add_item(member, &tools.settings.shapes));
    reply.integer(result.len() as i64);
    Ok(Outcome::Store((!result.is_empty()).then(|| Owned::of_collection(result, tools.now))))
}

/// `SINTER key [key ...]`. Errors: WRONGTYPE.
fn sinter(
    _: &mut Tools<'_>,
    _: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let sets = sets(sources)?;
    answer(reply, |visit| intersect(&sets, usize::MAX, visit))
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`: how many members, no more than the limit. Errors: a bad
/// count of keys, a bad limit, WRONGTYPE.
fn sintercard(
    _: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let (_, limit) = sintercard_words(args)?;
    let mut count = 0;
    intersect(&sets(sources)?, if limit == 0 { usize::MAX } else { limit }, &mut |_| count += 1);
    reply.integer(count);
    Ok(Outcome::Replied)
}

/// `SINTERSTORE destination key [key ...]`: how many members. Errors: WRONGTYPE of a source.
fn sinterstore(
    tools: &mut Tools<'_>,
    _: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let sets = sets(sources)?;
    store(tools, reply, |visit| intersect(&sets, usize::MAX, visit))
}

/// `SUNION key [key ...]`. Errors: WRONGTYPE.
fn sunion(
    tools: &mut Tools<'_>,
    _: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let sets = sets(sources)?;
    answer(reply, |visit| unite(&sets, &tools.settings.shapes, visit))
}

/// `SUNIONSTORE destination key [key ...]`: how many members. Errors: WRONGTYPE of a source.
fn sunionstore(
    tools: &mut Tools<'_>,
    _: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let sets = sets(sources)?;
    store(tools, reply, |visit| sets.iter().flatten().flat_map(|set| set.iter()).for_each(visit))
}

/// `SDIFF key [key ...]`. Errors: WRONGTYPE.
fn sdiff(
    tools: &mut Tools<'_>,
    _: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let sets = sets(sources)?;
    answer(reply, |visit| subtract(&sets, &tools.settings.shapes, visit))
}

/// `SDIFFSTORE destination key [key ...]`: how many members. Errors: WRONGTYPE of a source.
fn sdiffstore(
    tools: &mut Tools<'_>,
    _: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let sets = sets(sources)?;
    store(tools, reply, |visit| subtract(&sets, &tools.settings.shapes, visit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::owner::Owners;
    use crate::base::prng::Prng;
    use crate::testing::check;
    use std::collections::BTreeSet;

    type Model = BTreeSet<Vec<u8>>;

    fn visited(each: impl FnOnce(Visit<'_>)) -> Model {
        let mut members = Model::new();
        each(&mut |member| assert!(members.insert(member.to_vec()), "{member:?} twice"));
        members
    }

    #[test]
    fn random_sets_are_combined_as_models_are() {
        let shapes = Shapes { set_max_intset_entries: 40, ..Shapes::new(Owners::new(0x0b5, 1)) };
        for seed in 0..300 {
            let mut prng = Prng::new(seed);
            let count = 1 + prng.below(6) as usize;
            let (mut all, mut models) = (Vec::new(), Vec::new());
            for _ in 0..count {
                let (mut set, mut model) = (Set::default(), Model::new());
                let (len, span, words) = (prng.below(80), 1 + prng.below(100), 1 + prng.below(30));
                for _ in 0..len {
                    let number = prng.below(span);
                    let word = if prng.one_in(words) { format!("w{number}") } else { number.to_string() };
                    assert_eq!(set.add(word.as_bytes(), &shapes), model.insert(word.into_bytes()));
                }
                all.push(set);
                models.push(model);
            }
            let twice = prng.one_in(4);
            let absent = prng.one_in(6).then(|| prng.below(count as u64) as usize);
            let mut sets: Sets<'_> = all.iter().map(Some).collect();
            if let Some(absent) = absent {
                sets[absent] = None;
                models[absent].clear();
            }
            if twice {
                sets.push(sets[0]);
                models.push(models[0].clone());
            }
            let (first, others) = models.split_first().expect("a set");
            let common = first.iter().filter(|member| others.iter().all(|other| other.contains(*member)));
            let common: Model = common.cloned().collect();
            assert_eq!(visited(|visit| intersect(&sets, usize::MAX, visit)), common, "seed {seed}");
            let some = visited(|visit| intersect(&sets, 3, visit));
            assert!(some.len() == common.len().min(3) && some.is_subset(&common), "seed {seed}");
            let union: Model = models.iter().flatten().cloned().collect();
            assert_eq!(visited(|visit| unite(&sets, &shapes, visit)), union, "seed {seed}");
            let left = first.iter().filter(|member| !others.iter().any(|other| other.contains(*member)));
            let left: Model = left.cloned().collect();
            assert_eq!(visited(|visit| subtract(&sets, &shapes, visit)), left, "seed {seed}");
        }
    }

    #[test]
    fn a_key_of_another_type_is_refused() {
        check(
            r#"
        > set k v                                   OK
        > sadd k a                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > srem k a                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > smembers k                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sismember k a                             (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > smismember k a                            (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > scard k                                   (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > spop k                                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > spop k 1                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > spop k 0                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > srandmember k                             (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > srandmember k 1                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sscan k 0                                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sinter k                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sinter missing k                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sinter k missing                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sunion missing k                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sdiff missing k                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sintercard 2 missing k                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sadd a 1                                  (integer) 1
        > sinter a k                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sunion a k                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sdiff a k                                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sinterstore d a k                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sunionstore d missing k                   (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sdiffstore d a k                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > exists d                                  (integer) 0
        > smove k a 1                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > smove a k 1                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > smove a k missing                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > smove missing k 1                         (integer) 0
        > smove k k 1                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > scard a                                   (integer) 1
        > sinterstore k a a                         (integer) 1
        > smembers k                                1) "1"
        > get a                                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn what_all_sets_have_is_answered_counted_and_stored() {
        check(
            r#"
        > sadd a 1 2 3 4                            (integer) 4
        > sadd b 2 4 6 8                            (integer) 4
        > sadd c 4 x                                (integer) 2
        > sinter a
            1) "1"
            2) "2"
            3) "3"
            4) "4"
        > sinter a b
            1) "2"
            2) "4"
        > sinter a b c                              1) "4"
        > sinter b a a
            1) "2"
            2) "4"
        > sinter a missing                          (empty array)
        > sinter missing                            (empty array)
        > sinter b b
            1) "2"
            2) "4"
            3) "6"
            4) "8"
        > sintercard 2 a b                          (integer) 2
        > sintercard 2 a b limit 1                  (integer) 1
        > sintercard 2 a b LIMIT 0                  (integer) 2
        > sintercard 2 a b limit 10                 (integer) 2
        > sintercard 3 a b c                        (integer) 1
        > sintercard 1 missing                      (integer) 0
        > sintercard 2 a missing                    (integer) 0
        > sintercard 2 a b limit 5 limit 1          (integer) 1
        > sintercard 0 a                            (error) ERR numkeys should be greater than 0
        > sintercard -1 a                           (error) ERR numkeys should be greater than 0
        > sintercard x a                            (error) ERR numkeys should be greater than 0
        > sintercard 3 a b                          (error) ERR Number of keys can't be greater than number of args
        > sintercard 2 a                            (error) ERR Number of keys can't be greater than number of args
        > sintercard 1 a limit                      (error) ERR syntax error
        > sintercard 1 a limit -1                   (error) ERR LIMIT can't be negative
        > sintercard 1 a limit x                    (error) ERR LIMIT can't be negative
        > sintercard 1 a foo 1                      (error) ERR syntax error
        > sintercard 1 a b                          (error) ERR syntax error
        > sintercard 1                              (error) ERR wrong number of arguments for 'sintercard' command
        > sinterstore d a b                         (integer) 2
        > smembers d
            1) "2"
            2) "4"
        > object encoding d                         "intset"
        > sinterstore d b c a                       (integer) 1
        > smembers d                                1) "4"
        > sinterstore d a missing                   (integer) 0
        > exists d                                  (integer) 0
        > sinterstore a a b                         (integer) 2
        > smembers a
            1) "2"
            2) "4"
        > set str v                                 OK
        > sinterstore str b c                       (integer) 1
        > smembers str                              1) "4"
        > expire str 100                            (integer) 1
        > sinterstore str b c                       (integer) 1
        > ttl str                                   (integer) -1
        > set str v                                 OK
        > sinterstore str b missing                 (integer) 0
        > exists str                                (integer) 0
        > sinter                                    (error) ERR wrong number of arguments for 'sinter' command
        > sinterstore d                             (error) ERR wrong number of arguments for 'sinterstore' command
        > hello 3   *
        > sinter b c                                1~ "4"
        > sinter b missing                          (empty set)
        > sunion c missing
            1~ "4"
            2~ "x"
        > sdiff c b                                 1~ "x"
        > hello 2   *
            "#,
        );
    }

    #[test]
    fn what_any_set_has_is_answered_and_stored() {
        check(
            r#"
        > sadd a 1 2                                (integer) 2
        > sadd b 2 3                                (integer) 2
        > sadd c x                                  (integer) 1
        > sunion a
            1) "1"
            2) "2"
        > sunion a b
            1) "1"
            2) "2"
            3) "3"
        > sunion a missing b a
            1) "1"
            2) "2"
            3) "3"
        > sunion missing                            (empty array)
        > sunion missing missing                    (empty array)
        > sunionstore d a b                         (integer) 3
        > smembers d
            1) "1"
            2) "2"
            3) "3"
        > object encoding d                         "intset"
        > sunionstore d a b c                       (integer) 4
        > scard d                                   (integer) 4
        > sismember d x                             (integer) 1
        > object encoding d                         "hashtable"
        > sunionstore d missing                     (integer) 0
        > exists d                                  (integer) 0
        > sunionstore a a b                         (integer) 3
        > smembers a
            1) "1"
            2) "2"
            3) "3"
        > sunion                                    (error) ERR wrong number of arguments for 'sunion' command
        > sunionstore d                             (error) ERR wrong number of arguments for 'sunionstore' command
            "#,
        );
    }

    #[test]
    fn what_no_other_set_has_is_answered_and_stored() {
        check(
            r#"
        > sadd a 1 2 3 4                            (integer) 4
        > sadd b 2                                  (integer) 1
        > sadd c 3 x                                (integer) 2
        > sdiff a
            1) "1"
            2) "2"
            3) "3"
            4) "4"
        > sdiff a b
            1) "1"
            2) "3"
            3) "4"
        > sdiff a b c
            1) "1"
            2) "4"
        > sdiff a missing b
            1) "1"
            2) "3"
            3) "4"
        > sdiff a a                                 (empty array)
        > sdiff a b a                               (empty array)
        > sdiff missing a                           (empty array)
        > sdiff missing                             (empty array)
        > sdiffstore d a b                          (integer) 3
        > smembers d
            1) "1"
            2) "3"
            3) "4"
        > object encoding d                         "intset"
        > sdiffstore d c a                          (integer) 1
        > smembers d                                1) "x"
        > object encoding d                         "hashtable"
        > sdiffstore d b a                          (integer) 0
        > exists d                                  (integer) 0
        > sdiffstore d missing                      (integer) 0
        > sdiffstore a a b c                        (integer) 2
        > smembers a
            1) "1"
            2) "4"
        > sdiff                                     (error) ERR wrong number of arguments for 'sdiff' command
        > sdiffstore d                              (error) ERR wrong number of arguments for 'sdiffstore' command
            "#,
        );
    }
}
