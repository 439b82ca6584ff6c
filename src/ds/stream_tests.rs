//! Streams against naive models: a map of entries, a map of what was given out.

use super::*;
use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::ds::Shapes;
use crate::ds::packed::Packed;
use std::collections::BTreeMap;

type Model = BTreeMap<Id, Vec<Vec<u8>>>;

fn words_of(entry: Entry<'_>) -> Vec<Vec<u8>> {
    let words: Vec<Vec<u8>> = entry.words().map(|word| word.to_vec()).collect();
    assert_eq!(words.len(), entry.len() * 2);
    words
}

fn listed(log: &Log, range: std::ops::RangeInclusive<Id>, backwards: bool) -> Vec<(Id, Vec<Vec<u8>>)> {
    log.entries(range, backwards).map(|entry| (entry.id, words_of(entry))).collect()
}

fn random_words(prng: &mut Prng) -> Vec<Vec<u8>> {
    let fields: &[&[&str]] = &[&["a"], &["temperature", "humidity"], &["12", "b", ""], &["a"], &["a"]];
    let mut words = Vec::new();
    for field in *prng.pick(fields) {
        words.push(field.as_bytes().to_vec());
        words.push(match prng.below(6) {
            0 => prng.next_u64().to_string().into_bytes(),
            1 => (prng.below(10_000) as i64 - 5000).to_string().into_bytes(),
            2 => vec![b'x'; prng.below(300) as usize],
            3 => b"007".to_vec(),
            _ => (0..prng.below(20)).map(|_| prng.next_u64() as u8).collect(),
        });
    }
    words
}

/// What the heap bytes should be, counted anew.
fn weighed(log: &Log) -> usize {
    log.nodes().map(|(_, packed)| packed.bytes() + 64).sum()
}

fn shapes(prng: &mut Prng) -> Shapes {
    let mut shapes = Shapes::new(Owners::new(1, 7));
    shapes.stream_node_max_entries = *prng.pick(&[0, 1, 3, 10, 100]);
    shapes.stream_node_max_bytes = *prng.pick(&[0, 64, 500, 4096]);
    shapes
}

#[test]
fn random_changes_of_a_log_equal_a_map() {
    for seed in 0..if cfg!(miri) { 2 } else { 40 } {
        let mut prng = Prng::new(seed);
        let shapes = shapes(&mut prng);
        let (mut stream, mut model) = (Stream::default(), Model::new());
        let (mut max_deleted, mut added, mut now_ms) = (Id::MIN, 0, 1000);
        for step in 0..300 {
            let context = format!("seed {seed} step {step}");
            let log = stream.log_mut();
            let some_id = |prng: &mut Prng, model: &Model| match prng.below(4) {
                0 => Id::new(1000 + prng.below(400), prng.below(4)),
                _ if model.is_empty() => Id::new(1, 1),
                _ => *model.keys().nth(prng.below(model.len() as u64) as usize).unwrap(),
            };
            match prng.below(20) {
                0..12 => {
                    now_ms += prng.below(3);
                    let last = log.last_id();
                    let wanted = match prng.below(6) {
                        0 => Wanted::In(last.ms),
                        1 => Wanted::Exactly(Id::new(last.ms + prng.below(2), last.seq + prng.below(300))),
                        _ => Wanted::Auto,
                    };
                    if let Ok(id) = log.next_id(wanted, now_ms) {
                        assert!(id > last, "{context}");
                        let words = random_words(&mut prng);
                        log.push(id, words.iter().map(Vec::as_slice), &shapes);
                        model.insert(id, words);
                        added += 1;
                    }
                }
                12..17 => {
                    let ids: Vec<Id> = (0..prng.below(6)).map(|_| some_id(&mut prng, &model)).collect();
                    let gone = ids.iter().filter(|id| {
                        let there = model.remove(id).is_some();
                        max_deleted = if there { max_deleted.max(**id) } else { max_deleted };
                        there
                    });
                    let gone = gone.count() as u64;
                    assert_eq!(log.delete(ids.into_iter()), gone, "{context}");
                }
                17 => {
                    let len = prng.below(model.len() as u64 + 2);
                    let exact = prng.one_in(2);
                    let trimmed = log.trim(Trim::MaxLen(len), !exact, 0);
                    if exact {
                        assert_eq!(log.len(), len.min(model.len() as u64), "{context}");
                    }
                    (0..trimmed).for_each(|_| drop(model.pop_first()));
                }
                18 => {
                    let id = some_id(&mut prng, &model);
                    let trimmed = log.trim(Trim::MinId(id), false, 0);
                    let due = model.range(..id).count() as u64;
                    assert_eq!(trimmed, due, "{context}");
                    model = model.split_off(&id);
                }
                _ => {
                    let len = log.trim(Trim::MaxLen(0), true, 1 + prng.below(20));
                    (0..len).for_each(|_| drop(model.pop_first()));
                }
            }
            let log = stream.log();
            let (one, other) = (some_id(&mut prng, &model), some_id(&mut prng, &model));
            let range = one.min(other)..=one.max(other);
            let mut due: Vec<_> =
                model.range(range.clone()).map(|(id, words)| (*id, words.clone())).collect();
            assert_eq!(listed(log, range.clone(), false), due, "{context}");
            due.reverse();
            assert_eq!(listed(log, range, true), due, "{context}");
            assert_eq!(log.contains(one), model.contains_key(&one), "{context}");
            assert_eq!(log.len(), model.len() as u64, "{context}");
            assert_eq!(log.first_id(), model.keys().next().copied().unwrap_or(Id::MIN), "{context}");
            assert_eq!(log.last_entry_id(), model.keys().next_back().copied(), "{context}");
            assert_eq!((log.added(), log.max_deleted()), (added, max_deleted), "{context}");
            assert_eq!(log.bytes(), weighed(log), "{context}");
        }
        let mut copy = Stream::default();
        for (id, packed) in stream.log().nodes() {
            let packed = Packed::from_bytes(packed.as_bytes().to_vec()).unwrap();
            assert!(copy.log_mut().restore_node(id, packed), "seed {seed}");
        }
        let (log, copy) = (stream.log(), copy.log());
        assert_eq!(listed(copy, Id::MIN..=Id::MAX, false), listed(log, Id::MIN..=Id::MAX, false));
        assert_eq!((copy.len(), copy.tree_nodes()), (log.len(), log.tree_nodes()), "seed {seed}");
    }
}

#[test]
fn nodes_are_written_as_redis_writes_them() {
    // DUMP of redis-server 7.0.15 after `XADD s 5-1 a 1 bb xyz`, `XADD s 5-2 a 300 bb ""`, `XADD s 6-0 c 1`,
    // `XDEL s 5-1`.
    let mut stream = Stream::default();
    let shapes = Shapes::new(Owners::new(1, 7));
    for (id, words) in [
        (Id::new(5, 1), &["a", "1", "bb", "xyz"][..]),
        (Id::new(5, 2), &["a", "300", "bb", ""]),
        (Id::new(6, 0), &["c", "1"]),
    ] {
        stream.log_mut().push(id, words.iter().map(|word| word.as_bytes()), &shapes);
    }
    assert_eq!(stream.log_mut().delete([Id::new(5, 1)].into_iter()), 1);
    let nodes: Vec<(Id, String)> =
        stream.log().nodes().map(|(id, node)| (id, node.as_bytes().escape_ascii().to_string())).collect();
    assert_eq!(nodes, [(Id::new(5, 1), NODE.to_string())]);
}

const NODE: &str = r#"B\x00\x00\x00\x19\x00\x02\x01\x01\x01\x02\x01\x81a\x02\x82bb\x03\x00\x01\x03\x01\x00\x01\x00\x01\x01\x01\x83xyz\x04\x05\x01\x02\x01\x00\x01\x01\x01\xc1,\x02\x80\x01\x05\x01\x00\x01\x01\x01\xdf\xff\x02\x01\x01\x81c\x02\x01\x01\x06\x01\xff"#;

#[test]
fn a_node_that_lies_is_refused() {
    let seed = 0x57;
    let mut prng = Prng::new(seed);
    let mut stream = Stream::default();
    let shapes = Shapes::new(Owners::new(1, 7));
    for number in 1..30 {
        let words = random_words(&mut prng);
        stream.log_mut().push(Id::new(number, 0), words.iter().map(Vec::as_slice), &shapes);
    }
    stream.log_mut().delete([Id::new(3, 0), Id::new(9, 0)].into_iter());
    let (id, node) = stream.log().nodes().next().unwrap();
    for round in 0..3000 {
        let mut bytes = node.as_bytes().to_vec();
        for _ in 0..1 + prng.below(3) {
            let at = 6 + prng.below(bytes.len() as u64 - 6) as usize;
            bytes[at] = if prng.one_in(2) { bytes[at].wrapping_add(1) } else { prng.next_u64() as u8 };
        }
        let Some(packed) = Packed::from_bytes(bytes) else { continue };
        let mut other = Stream::default();
        if other.log_mut().restore_node(id, packed) {
            // What is taken can be used.
            let log = other.log_mut();
            assert_eq!(log.entries(Id::MIN..=Id::MAX, true).count() as u64, log.len(), "round {round}");
            log.trim(Trim::MaxLen(3), false, 0);
            log.push(Id::MAX, [&b"a"[..], b"b"].into_iter(), &shapes);
        }
    }
}

#[test]
fn ids_go_up_whatever_the_clock_does() {
    let mut stream = Stream::default();
    let log = stream.log_mut();
    assert_eq!(log.next_id(Wanted::Auto, 0), Ok(Id::new(0, 1)));
    assert_eq!(log.next_id(Wanted::In(0), 9), Ok(Id::new(0, 1)));
    assert_eq!(log.next_id(Wanted::Exactly(Id::MIN), 9), Err(NoId::NotAbove));
    log.set_ids(Id::new(5, u64::MAX), None, None);
    assert_eq!(log.next_id(Wanted::Auto, 4), Ok(Id::new(6, 0)));
    assert_eq!(log.next_id(Wanted::In(5), 4), Err(NoId::Full));
    assert_eq!(log.next_id(Wanted::In(6), 4), Ok(Id::new(6, 0)));
    log.set_ids(Id::MAX, None, None);
    assert_eq!(log.next_id(Wanted::Auto, 4), Err(NoId::Exhausted));
}

/// What a group should know: id to (consumer, time, deliveries).
type Given = BTreeMap<Id, (usize, i64, u64)>;

#[test]
fn random_deliveries_equal_a_map() {
    let names = ["alice", "bob", "", "carol"];
    for seed in 0..30 {
        let mut prng = Prng::new(seed);
        let (mut group, mut model) = (Group::new(Id::MIN, Some(0)), Given::new());
        for step in 0..400 {
            let context = format!("seed {seed} step {step}");
            let (id, now) = (Id::new(prng.below(60), prng.below(2)), step as i64);
            let who = prng.below(names.len() as u64) as usize;
            match prng.below(12) {
                0..8 => {
                    let (consumer, _) = group.find_or_create(names[who].as_bytes(), now);
                    let deliveries = prng.below(5);
                    group.give(id, Pending { consumer, delivered_ms: now, deliveries });
                    model.insert(id, (who, now, deliveries));
                }
                8..11 => assert_eq!(group.take(id), model.remove(&id).is_some(), "{context}"),
                _ => {
                    let due = model.values().filter(|given| given.0 == who).count();
                    let there = group.find(names[who].as_bytes()).is_some();
                    assert_eq!(group.remove_consumer(names[who].as_bytes()), there.then_some(due));
                    model.retain(|_, given| given.0 != who);
                }
            }
            let name = |pending: Pending| {
                let name = &group.consumer(pending.consumer).unwrap().name;
                names.iter().position(|known| known.as_bytes() == &**name).unwrap()
            };
            let all: Given = group
                .pending_from(Id::MIN)
                .map(|(id, pending)| (id, (name(pending), pending.delivered_ms, pending.deliveries)))
                .collect();
            assert_eq!(all, model, "{context}");
            let ordered: Vec<_> = group.consumers().map(|(_, consumer)| consumer.name.clone()).collect();
            assert!(ordered.is_sorted(), "{context}");
            for (at, name) in names.iter().enumerate() {
                let Some(consumer) = group.find(name.as_bytes()) else { continue };
                let due: Vec<Id> =
                    model.range(id..).filter(|(_, given)| given.0 == at).map(|(id, _)| *id).collect();
                let own: Vec<Id> = group.pending_of(consumer, id).map(|(id, _)| id).collect();
                assert_eq!(own, due, "{context}");
            }
        }
    }
}

#[test]
fn a_stream_is_freed_in_slices() {
    let mut stream = Stream::default();
    let empty = stream.bytes();
    let shapes = Shapes::new(Owners::new(1, 7));
    for number in 1..3000 {
        let words = [&b"field"[..], b"a value of some bytes"];
        stream.log_mut().push(Id::new(number, 0), words.into_iter(), &shapes);
    }
    for name in [&b"one"[..], b"two"] {
        assert!(stream.create_group(name, Group::new(Id::MIN, None)));
        assert!(!stream.create_group(name, Group::new(Id::MIN, None)));
        let given = stream.edit_group(name, |group, log| {
            let (consumer, _) = group.find_or_create(b"me", 1);
            let delivery = Delivery { consumer, count: 0, forget: false, now_ms: 5 };
            group.deliver(log, delivery, |_| {})
        });
        assert_eq!(given, Some(2999));
    }
    let mut before = stream.bytes();
    let mut slices = 0;
    while stream.free_part(20_000) {
        assert!(stream.bytes() < before, "slice {slices}");
        before = stream.bytes();
        slices += 1;
    }
    assert!(slices > 10, "{slices}");
    assert_eq!(stream.bytes(), empty);
    assert!(size_of::<Stream>() <= 24);
}

#[test]
fn the_lag_is_known_until_a_gap_lies_ahead() {
    let mut stream = Stream::default();
    let shapes = Shapes::new(Owners::new(1, 7));
    for number in 1..=5 {
        stream.log_mut().push(Id::new(number, 0), [&b"a"[..], b"b"].into_iter(), &shapes);
    }
    stream.create_group(b"g", Group::new(Id::MIN, None));
    let lag = |stream: &Stream| stream.lag(stream.group(b"g").unwrap());
    let read = |stream: &mut Stream, count| {
        stream.edit_group(b"g", |group, log| {
            let (consumer, _) = group.find_or_create(b"me", 1);
            group.deliver(log, Delivery { consumer, count, forget: true, now_ms: 1 }, |_| {})
        })
    };
    assert_eq!(lag(&stream), Some(5));
    assert_eq!(read(&mut stream, 1), Some(1));
    assert_eq!(lag(&stream), Some(4));
    stream.log_mut().delete([Id::new(4, 0)].into_iter());
    assert_eq!(lag(&stream), None);
    assert_eq!(read(&mut stream, 2), Some(2));
    assert_eq!(stream.group(b"g").unwrap().last_id, Id::new(3, 0));
    assert_eq!(lag(&stream), None);
    assert_eq!(read(&mut stream, 0), Some(1));
    assert_eq!(lag(&stream), Some(0));
}
