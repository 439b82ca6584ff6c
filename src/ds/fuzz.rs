//! What must hold for any sequence of operations: collections and streams beside naive models. The bodies of
//! fuzz targets, run on seeded bytes by the tests here, so that no nightly compiler is needed to run them.

use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::ds::Shapes;
use crate::ds::hash::Hash;
use crate::ds::intset::Intset;
use crate::ds::list::List;
use crate::ds::set::Set;
use crate::ds::stream::{Delivery, Group, Id, Pending, Stream, Trim, Wanted};
use crate::ds::zset::{Placed, Zset};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes that are taken for decisions, one after the other.
#[derive(Debug)]
pub struct Decisions<'a>(pub &'a [u8]);

impl Decisions<'_> {
    fn next(&mut self) -> Option<u8> {
        self.0.split_off_first().copied()
    }

    /// Below `bound`; 0 when there are no more bytes.
    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.next().unwrap_or(0)) % bound.max(1)
    }

    /// A word: few short ones, so that they meet, integers of every width, and long ones.
    fn word(&mut self) -> Vec<u8> {
        let shape = self.next().unwrap_or(0);
        match shape {
            0..100 => vec![b'a' + shape % 12],
            100..160 => (i64::from(shape) - 130).to_string().into_bytes(),
            160..190 => self.int().to_string().into_bytes(),
            190..200 => Vec::new(),
            200..230 => vec![shape; usize::from(shape - 190)],
            230..250 => vec![b'0'; usize::from(shape - 220) * 30],
            _ => vec![b'x'; usize::from(shape - 249) * 1500],
        }
    }

    /// An integer near a power of two, or zero.
    fn int(&mut self) -> i64 {
        let shape = self.next().unwrap_or(0);
        let power = 1_i64.wrapping_shl(u32::from(shape % 64));
        let near = power.wrapping_add(i64::from(self.next().unwrap_or(0) % 5) - 2);
        if shape >= 128 { near.wrapping_neg() } else { near }
    }

    /// Shapes whose compact forms end early, at various places.
    fn shapes(&mut self) -> Shapes {
        let mut shapes = Shapes::new(Owners::new(1, 7));
        shapes.list_max_listpack_size = [-2, -1, 1, 2, 5, 128][self.below(6)];
        shapes.hash_max_listpack_entries = [512, 0, 1, 4][self.below(4)];
        shapes.hash_max_listpack_value = [64, 0, 1, 5000][self.below(4)];
        shapes.set_max_intset_entries = [512, 0, 1, 4][self.below(4)];
        shapes.zset_max_listpack_entries = [128, 0, 1, 4][self.below(4)];
        shapes.zset_max_listpack_value = [64, 0, 1, 5000][self.below(4)];
        shapes.stream_node_max_bytes = [4096, 0, 1, 300][self.below(4)];
        shapes.stream_node_max_entries = [100, 0, 1, 3][self.below(4)];
        shapes
    }
}

/// Any bytes are operations on a list, a set, an intset, a hash or a sorted set that equals its model.
pub fn collections(bytes: &[u8]) {
    let mut decisions = Decisions(bytes);
    let kind = decisions.below(5);
    let shapes = decisions.shapes();
    match kind {
        0 => list(&mut decisions, &shapes),
        1 => set(&mut decisions, &shapes),
        2 => intset(&mut decisions),
        3 => hash(&mut decisions, &shapes),
        _ => zset(&mut decisions, &shapes),
    }
}

fn list(decisions: &mut Decisions<'_>, shapes: &Shapes) {
    let (mut list, mut model) = (List::default(), Vec::<Vec<u8>>::new());
    while let Some(step) = decisions.next() {
        let word = decisions.word();
        let at = decisions.below(model.len() + 1);
        match step % 8 {
            0 | 1 => {
                list.push_back(&word, shapes);
                model.push(word.clone());
            }
            2 => {
                list.push_front(&word, shapes);
                model.insert(0, word.clone());
            }
            3 if !model.is_empty() && step < 128 => {
                list.pop_front();
                model.remove(0);
            }
            3 if !model.is_empty() => {
                list.pop_back();
                model.pop();
            }
            4 => {
                let there = at < model.len();
                assert_eq!(there && list.set(at, &word, shapes), there);
                if there {
                    model[at].clone_from(&word);
                }
            }
            5 => {
                list.insert(at, &word, shapes);
                model.insert(at, word.clone());
            }
            6 => {
                let count = decisions.below(5).min(model.len() - at);
                list.remove_range(at, count, shapes);
                model.drain(at..at + count);
            }
            _ => {
                let due: Vec<usize> = (0..model.len()).filter(|&at| model[at] == word).collect();
                let count = decisions.below(3);
                let few = if count == 0 { due.len() } else { due.len().min(count) };
                let from_back = step >= 128;
                let gone = if from_back { &due[due.len() - few..] } else { &due[..few] };
                assert_eq!(list.remove_equal(&word, few.max(1), from_back, shapes), gone.len());
                gone.iter().rev().for_each(|&at| drop(model.remove(at)));
            }
        }
        assert!(list.iter().map(|item| item.to_vec()).eq(model.iter().cloned()));
        assert!(list.iter().rev().map(|item| item.to_vec()).eq(model.iter().rev().cloned()));
        assert_eq!(list.len(), model.len());
        assert_eq!(list.get(at).map(|item| item.to_vec()).as_ref(), model.get(at));
        assert_eq!(list.find(&word), model.iter().position(|other| *other == word));
    }
    while list.free_part(100) {}
}

fn set(decisions: &mut Decisions<'_>, shapes: &Shapes) {
    let (mut set, mut model) = (Set::default(), BTreeSet::<Vec<u8>>::new());
    let mut prng = Prng::new(1);
    while let Some(step) = decisions.next() {
        let word = decisions.word();
        match step % 8 {
            0..5 => assert_eq!(set.add(&word, shapes), model.insert(word.clone())),
            5 | 6 => assert_eq!(set.remove(&word), model.remove(&word)),
            _ => {
                let mut popped = None;
                assert_eq!(set.pop(&mut prng, &mut |item| popped = Some(item.to_vec())), !model.is_empty());
                popped.inspect(|word| assert!(model.remove(word)));
            }
        }
        let listed: BTreeSet<Vec<u8>> = set.iter().map(|item| item.to_vec()).collect();
        assert_eq!((listed, set.len()), (model.clone(), model.len()));
        assert_eq!(set.contains(&word), model.contains(&word));
    }
    while set.free_part(100) {}
}

fn intset(decisions: &mut Decisions<'_>) {
    let (mut ints, mut model) = (Intset::new(), BTreeSet::new());
    while let Some(step) = decisions.next() {
        let int = decisions.int();
        match step % 3 {
            0 | 1 => assert_eq!(ints.insert(int), model.insert(int)),
            _ => assert_eq!(ints.remove(int), model.remove(&int)),
        }
        assert!(ints.iter().eq(model.iter().copied()));
        assert_eq!(ints.contains(int), model.contains(&int));
        let again = Intset::from_bytes(ints.as_bytes());
        assert!(ints.is_empty() || again.is_some_and(|again| again.iter().eq(ints.iter())));
    }
}

fn hash(decisions: &mut Decisions<'_>, shapes: &Shapes) {
    let (mut hash, mut model) = (Hash::default(), BTreeMap::<Vec<u8>, Vec<u8>>::new());
    while let Some(step) = decisions.next() {
        let (field, value) = (decisions.word(), decisions.word());
        match step % 4 {
            0 | 1 => {
                let is_new = model.insert(field.clone(), value.clone()).is_none();
                assert_eq!(hash.set(&field, &value, shapes), is_new);
            }
            2 => {
                let is_new = !model.contains_key(&field);
                assert_eq!(hash.set_new(&field, &value, shapes), is_new);
                model.entry(field.clone()).or_insert(value);
            }
            _ => assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
        }
        let listed: BTreeMap<_, _> =
            hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
        assert_eq!((listed, hash.len()), (model.clone(), model.len()));
        assert_eq!(hash.get(&field).map(|item| item.to_vec()).as_ref(), model.get(&field));
    }
    while hash.free_part(100) {}
}

fn zset(decisions: &mut Decisions<'_>, shapes: &Shapes) {
    let (mut zset, mut model) = (Zset::default(), BTreeMap::<Vec<u8>, f64>::new());
    while let Some(step) = decisions.next() {
        let member = decisions.word();
        match step % 6 {
            0..3 => {
                let int = decisions.int();
                let score = match step / 6 % 8 {
                    0 => f64::from_bits(int as u64),
                    1 => [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY][decisions.below(4)],
                    2 => int as f64 / 3.0,
                    _ => (int % 8) as f64,
                };
                if !score.is_nan() {
                    // Zero replaces no zero of the other sign.
                    let due = match model.get(&member) {
                        None => Placed::Added,
                        Some(old) if *old == score => Placed::Kept,
                        Some(_) => Placed::Moved,
                    };
                    assert_eq!(zset.update(shapes, &member, |_| Some(score)), due);
                    if due != Placed::Kept {
                        model.insert(member.clone(), score);
                    }
                }
            }
            3 => assert_eq!(zset.remove(&member), model.remove(&member)),
            4 => {
                let at = decisions.below(model.len() + 1);
                let count = decisions.below(4).min(model.len() - at);
                let due = sorted(&model);
                assert_eq!(zset.remove_range(at, count), count);
                due[at..at + count].iter().for_each(|(member, _)| assert!(model.remove(member).is_some()));
            }
            _ => {
                let (count, highest) = (decisions.below(3).min(model.len()), step >= 128);
                let mut due = sorted(&model);
                if highest {
                    due.reverse();
                }
                let mut popped = Vec::new();
                zset.pop(count, highest, |member, score| popped.push((member.to_vec(), score)));
                assert_eq!(popped, due[..count]);
                popped.iter().for_each(|(member, _)| assert!(model.remove(member).is_some()));
            }
        }
        let mut due = sorted(&model);
        assert_eq!(zset.rank(&member), due.iter().position(|(other, _)| *other == member));
        assert_eq!(zset.score(&member), model.get(&member).copied());
        assert_eq!(
            zset.scores_below(|score| score < 1.0),
            due.iter().filter(|(_, score)| *score < 1.0).count()
        );
        for downwards in [false, true] {
            let mut listed = Vec::new();
            let first = if downwards { due.len().saturating_sub(1) } else { 0 };
            zset.walk(first, due.len(), downwards, |member, score| listed.push((member.to_vec(), score)));
            assert_eq!(listed, due);
            due.reverse();
        }
        assert_eq!(zset.len(), model.len());
    }
    while zset.free_part(100) {}
}

fn sorted(model: &BTreeMap<Vec<u8>, f64>) -> Vec<(Vec<u8>, f64)> {
    let mut sorted: Vec<_> = model.iter().map(|(member, score)| (member.clone(), *score)).collect();
    // By score, zeros of both signs alike, then by name, which is the order they are in.
    sorted.sort_by(|(_, left), (_, right)| left.partial_cmp(right).expect("no score is NaN"));
    sorted
}

type Entries = BTreeMap<Id, Vec<Vec<u8>>>;

/// What a group has given out: by id, to whom and how often.
type Given = BTreeMap<Id, (Vec<u8>, u64)>;

fn listed(stream: &Stream, start: Id, end: Id, backwards: bool) -> Vec<(Id, Vec<Vec<u8>>)> {
    let entries = stream.log().entries(start..=end, backwards);
    entries.map(|entry| (entry.id, entry.words().map(|word| word.to_vec()).collect())).collect()
}

fn given(group: &Group) -> Given {
    let name = |pending: &Pending| group.consumer(pending.consumer).map_or(Vec::new(), |it| it.name.to_vec());
    group.pending_from(Id::MIN).map(|(id, pending)| (id, (name(&pending), pending.deliveries))).collect()
}

/// A stream, whoever made it, equals its model whatever is done to it.
pub fn stream(mut stream: Stream, decisions: &mut Decisions<'_>) {
    let shapes = decisions.shapes();
    let mut model: Entries = listed(&stream, Id::MIN, Id::MAX, false).into_iter().collect();
    let mut groups: BTreeMap<Vec<u8>, Given> =
        stream.groups().map(|(name, group)| (name.to_vec(), given(group))).collect();
    assert_eq!(stream.len(), model.len());
    while let Some(step) = decisions.next() {
        let some_id = |decisions: &mut Decisions<'_>| {
            let at = decisions.below(model.len() + 2);
            let odd = Id::new(decisions.below(4) as u64, decisions.below(4) as u64);
            model.keys().nth(at).copied().unwrap_or(odd)
        };
        let (start, end) = (some_id(decisions), some_id(decisions));
        let (name, now_ms) = (vec![b'g' + decisions.below(2) as u8], decisions.below(200) as u64);
        match step % 12 {
            0..4 => {
                let last = stream.log().last_id();
                let wanted = match step / 12 % 5 {
                    0 => Wanted::In(last.ms.saturating_add(now_ms % 2)),
                    1 => Wanted::Exactly(Id::new(decisions.int() as u64, decisions.int() as u64)),
                    2 => Wanted::Exactly(Id::new(last.ms, last.seq.saturating_add(now_ms))),
                    _ => Wanted::Auto,
                };
                if let Ok(id) = stream.log().next_id(wanted, now_ms) {
                    assert!(id > last);
                    let words: Vec<Vec<u8>> =
                        (0..2 + decisions.below(2) * 2).map(|_| decisions.word()).collect();
                    stream.log_mut().push(id, words.iter().map(Vec::as_slice), &shapes);
                    model.insert(id, words);
                }
            }
            4 => {
                let gone =
                    BTreeSet::from([start, end]).iter().filter(|id| model.remove(id).is_some()).count();
                assert_eq!(stream.log_mut().delete([start, end].into_iter()), gone as u64);
            }
            5 => {
                let len = now_ms % (model.len() as u64 + 2);
                let exact = step >= 128;
                let trimmed = stream.log_mut().trim(Trim::MaxLen(len), !exact, 0);
                assert!(!exact || stream.log().len() == len.min(model.len() as u64));
                (0..trimmed).for_each(|_| drop(model.pop_first()));
            }
            6 => {
                let trimmed = stream.log_mut().trim(Trim::MinId(start), false, 0);
                assert_eq!(trimmed, model.range(..start).count() as u64);
                model = model.split_off(&start);
            }
            7 if step < 200 => {
                let made = stream.create_group(&name, Group::new(start, None));
                assert_eq!(made, !groups.contains_key(&name));
                groups.entry(name).or_default();
            }
            7 => assert_eq!(stream.remove_group(&name), groups.remove(&name).is_some()),
            _ => in_group(&mut stream, &mut groups, decisions, step, (&name, start)),
        }
        let (start, end) = (start.min(end), start.max(end));
        let mut due: Vec<_> = model.range(start..=end).map(|(id, words)| (*id, words.clone())).collect();
        assert_eq!(listed(&stream, start, end, false), due);
        due.reverse();
        assert_eq!(listed(&stream, start, end, true), due);
        assert_eq!(stream.len(), model.len());
        assert_eq!(stream.log().first_id(), model.keys().next().copied().unwrap_or(Id::MIN));
        assert_eq!(stream.log().last_entry_id(), model.keys().next_back().copied());
        for (name, group) in stream.groups() {
            assert_eq!(Some(&given(group)), groups.get(name));
            assert_eq!(group.pending_len(), group.consumers().map(|(_, it)| it.pending_len()).sum::<usize>());
            let _ = stream.lag(group);
        }
        assert_eq!(stream.groups_len(), groups.len());
    }
    while stream.free_part(100) {}
}

/// A step that concerns what a group has given out.
fn in_group(
    stream: &mut Stream,
    groups: &mut BTreeMap<Vec<u8>, Given>,
    decisions: &mut Decisions<'_>,
    step: u8,
    (name, id): (&[u8], Id),
) {
    let reader = vec![b'c' + decisions.below(3) as u8];
    let Some(given) = groups.get_mut(name) else { return };
    let edited = stream.edit_group(name, |group, log| match step % 12 {
        8 | 9 => {
            let (consumer, _) = group.find_or_create(&reader, 5);
            let (count, forget) = (decisions.below(4), step >= 200);
            let last = group.last_id;
            let due: Vec<Id> =
                log.entries(last.next().unwrap_or(Id::MAX)..=Id::MAX, false).map(|it| it.id).collect();
            let due = if last == Id::MAX { Vec::new() } else { due };
            let few = if count == 0 { due.len() } else { due.len().min(count) };
            let mut shown = Vec::new();
            let delivery = Delivery { consumer, count, forget, now_ms: 5 };
            assert_eq!(group.deliver(log, delivery, |entry| shown.push(entry.id)), few);
            assert_eq!(shown, due[..few]);
            if !forget {
                given.extend(shown.iter().map(|id| (*id, (reader.clone(), 1))));
            }
        }
        10 => {
            let id = given.keys().next_back().copied().filter(|_| step >= 128).unwrap_or(id);
            assert_eq!(group.take(id), given.remove(&id).is_some());
        }
        11 if step >= 128 => {
            let (consumer, _) = group.find_or_create(&reader, 6);
            group.give(id, Pending { consumer, delivered_ms: 6, deliveries: 7 });
            given.insert(id, (reader.clone(), 7));
        }
        _ => {
            let theirs = given.values().filter(|(name, _)| *name == reader).count();
            let there = group.find(&reader).is_some();
            assert_eq!(group.remove_consumer(&reader), there.then_some(theirs));
            given.retain(|_, (name, _)| *name != reader);
        }
    });
    assert!(edited.is_some());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(seed: u64) -> Vec<u8> {
        let mut prng = Prng::new(seed);
        (0..20 + prng.below(600)).map(|_| prng.next_u64() as u8).collect()
    }

    #[test]
    fn any_bytes_are_operations_on_collections_that_equal_their_models() {
        for seed in 0..if cfg!(miri) { 5 } else { 1500 } {
            let input = seeded(seed);
            let outcome = std::panic::catch_unwind(|| collections(&input));
            assert!(outcome.is_ok(), "seed {seed}");
        }
    }

    #[test]
    fn any_bytes_are_operations_on_a_stream_that_equals_its_model() {
        for seed in 0..if cfg!(miri) { 5 } else { 700 } {
            let input = seeded(seed);
            let outcome = std::panic::catch_unwind(|| stream(Stream::default(), &mut Decisions(&input)));
            assert!(outcome.is_ok(), "seed {seed}");
        }
    }
}
