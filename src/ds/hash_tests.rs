//! Every form of a hash against a model.

use super::*;
use crate::base::owner::Owners;
use std::collections::BTreeMap;

const STEPS: usize = if cfg!(miri) { 100 } else { 1_200 };

fn shapes(entries: usize, value: usize) -> Shapes {
    Shapes {
        hash_max_listpack_entries: entries,
        hash_max_listpack_value: value,
        ..Shapes::new(Owners::new(0xfe1d, 1))
    }
}

/// Value and deadline by field.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

fn listed(hash: &Hash) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs: Vec<_> = hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
    pairs.sort();
    pairs
}

fn expected(model: &Model) -> Vec<(Vec<u8>, Vec<u8>)> {
    model.iter().map(|(field, (value, _))| (field.clone(), value.clone())).collect()
}

/// A word, now and then a long one, often an integer.
fn word(prng: &mut Prng, span: u64) -> Vec<u8> {
    let number = prng.below(span);
    match prng.below(6) {
        0 => format!("-{number}"),
        1 | 2 => number.to_string(),
        3 => format!("0{number}"),
        _ => format!("word {number}"),
    }
    .into_bytes()
}

/// Checks everything that reads.
fn compare(hash: &Hash, model: &Model, prng: &mut Prng, what: &str) {
    assert_eq!(listed(hash), expected(model), "{what}");
    assert_eq!(hash.len(), model.len(), "{what}");
    let count = 1 + prng.below(8) as usize;
    let (mut scanned, mut cursor) = (BTreeMap::new(), 0);
    loop {
        cursor = hash.scan(cursor, count, &mut |field, value| {
            scanned.insert(field.to_vec(), value.to_vec());
        });
        if cursor == 0 {
            break;
        }
    }
    assert!(scanned.into_iter().eq(expected(model)), "{what}");
    let mut sampled = Vec::new();
    hash.sample(count, prng, &mut |field, value| sampled.push((field.to_vec(), value.to_vec())));
    assert_eq!(sampled.len(), count.min(model.len()), "{what}");
    sampled.sort();
    sampled.dedup();
    assert_eq!(sampled.len(), count.min(model.len()), "{what}");
    let drawn: Vec<_> =
        hash.draws(prng).take(3).map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
    assert_eq!(drawn.len(), if model.is_empty() { 0 } else { 3 }, "{what}");
    for (field, value) in sampled.into_iter().chain(drawn) {
        assert_eq!(model.get(&field).map(|(value, _)| value), Some(&value), "{what}");
    }
    let picked = hash.random(prng).map(|(field, _)| field.to_vec());
    assert_eq!(picked.is_some(), !model.is_empty(), "{what}");
    assert!(picked.is_none_or(|field| model.contains_key(&field)), "{what}");
    for (field, (value, deadline)) in model {
        assert_eq!(hash.get(field).map(Item::to_vec).as_ref(), Some(value), "{what}");
        assert_eq!(hash.deadline(field), Some(*deadline), "{what}");
    }
    let twin = hash.clone();
    assert_eq!((listed(&twin), twin.encoding()), (expected(model), hash.encoding()), "{what}");
    if let Some(packed) = hash.as_packed() {
        let copy = Packed::from_bytes(packed.as_bytes().to_vec());
        let copy = copy.and_then(|copy| Hash::of_packed(copy, &shapes(usize::MAX, usize::MAX)));
        assert_eq!(copy.as_ref().map(listed), Some(expected(model)), "{what}");
    }
}

#[test]
fn random_changes_equal_a_model() {
    for seed in 0..40 {
        let mut prng = Prng::new(seed);
        let shapes = shapes(prng.below(40) as usize, 5 + prng.below(70) as usize);
        let (mut hash, mut model) = (Hash::default(), Model::new());
        let span = 1 + prng.below(120);
        let timed = prng.one_in(2);
        let mut now_ms = 1_000;
        let mut table = false;
        for step in 0..STEPS {
            let field = word(&mut prng, span);
            let what = format!("seed {seed} step {step} field {}", field.escape_ascii());
            let mut value = word(&mut prng, 100_000);
            if prng.one_in(300) {
                value.resize(prng.below(10_000) as usize, b'x');
            }
            match prng.below(9) {
                0..3 => {
                    let new = model.insert(field.clone(), (value.clone(), None)).is_none();
                    assert_eq!(hash.set(&field, &value, &shapes), new, "{what}");
                }
                3 => {
                    let new = !model.contains_key(&field);
                    assert_eq!(hash.set_new(&field, &value, &shapes), new, "{what}");
                    model.entry(field).or_insert((value, None));
                }
                4 => {
                    let result = hash.update(&field, &shapes, |old| {
                        assert_eq!(old.map(Item::to_vec), model.get(&field).map(|(value, _)| value.clone()));
                        if value.len().is_multiple_of(2) { Ok(value.clone()) } else { Err(()) }
                    });
                    assert_eq!(result.is_ok(), value.len().is_multiple_of(2), "{what}");
                    if result.is_ok() {
                        model.entry(field).or_default().0 = value;
                    }
                }
                5 if timed => {
                    let deadline = (!prng.one_in(4)).then(|| now_ms + prng.below(400));
                    assert_eq!(
                        hash.set_deadline(&field, deadline, &shapes),
                        model.contains_key(&field),
                        "{what}"
                    );
                    model.entry(field).and_modify(|(_, at)| *at = deadline);
                }
                6 if timed => {
                    now_ms += prng.below(20);
                    let stored = hash.len();
                    // At most a segment's fields too many are removed.
                    let limit = 1 + prng.below(5) as usize;
                    let removed = hash.expire(now_ms, limit);
                    model.retain(|_, (_, at)| at.is_none_or(|at| at > now_ms));
                    assert!(removed <= stored - model.len(), "{what}");
                    let soonest = model.values().filter_map(|&(_, at)| at).min();
                    assert!(hash.soonest() <= soonest || soonest.is_none(), "{what}");
                }
                _ => assert_eq!(hash.remove(&field), model.remove(&field).is_some(), "{what}"),
            }
            // The second step lets fields that fell due with the first go.
            if hash.soonest().is_some_and(|at| at <= now_ms) {
                hash.expire(now_ms, usize::MAX);
                model.retain(|_, (_, at)| at.is_none_or(|at| at > now_ms));
            }
            assert_eq!(hash.is_empty(), model.is_empty(), "{what}");
            assert_eq!(hash.len(), model.len(), "{what}");
            let longest = model.iter().map(|(field, (value, _))| field.len().max(value.len())).max();
            table |= model.len() > shapes.hash_max_listpack_entries
                || longest > Some(shapes.hash_max_listpack_value)
                || model.values().any(|(_, at)| at.is_some());
            if table {
                assert_eq!(hash.encoding(), "hashtable", "{what}");
            }
            if step % 40 == 0 {
                compare(&hash, &model, &mut prng, &what);
            }
        }
        assert!(table || hash.encoding() == "listpack", "seed {seed}");
        assert!(hash.bytes() > 0);
        while hash.free_part(500) {}
        assert!(hash.is_empty(), "seed {seed}");
    }
}

#[test]
fn what_is_due_cannot_be_seen_before_it_is_removed() {
    let shapes = shapes(128, 64);
    let mut hash = Hash::default();
    let count = if cfg!(miri) { 50 } else { 3_000 };
    for number in 0..count {
        let field = number.to_string();
        hash.set(field.as_bytes(), b"v", &shapes);
        hash.set_deadline(field.as_bytes(), (number % 10 != 0).then_some(500), &shapes);
    }
    assert_eq!((hash.len(), hash.soonest()), (count, Some(500)));
    let removed = hash.expire(499, 1);
    assert_eq!((removed, hash.len()), (0, count));
    let removed = hash.expire(500, 1);
    assert!(removed > 0 && (cfg!(miri) || removed < count / 2), "{removed}");
    assert_eq!(hash.len(), count / 10);
    assert_eq!(hash.iter().count(), count / 10);
    assert_eq!(hash.draws(&mut Prng::new(1)).take(100).count(), 100);
    let mut sampled = 0;
    hash.sample(count, &mut Prng::new(2), &mut |_, _| sampled += 1);
    assert_eq!(sampled, count / 10);
    for number in 0..count {
        let field = number.to_string();
        let live = number % 10 == 0;
        assert_eq!(hash.contains(field.as_bytes()), live);
        assert_eq!(hash.get(field.as_bytes()).is_some(), live);
        assert_eq!(hash.deadline(field.as_bytes()), live.then_some(None));
        assert!(live || !hash.remove(field.as_bytes()));
        assert!(live || !hash.set_deadline(field.as_bytes(), None, &shapes));
    }
    // Written again, a field is new and has no deadline.
    assert!(hash.set(b"1", b"w", &shapes) && hash.set_new(b"2", b"w", &shapes));
    let updated: Result<&[u8], ()> = hash.update(b"3", &shapes, |old| {
        assert_eq!(old, None);
        Ok(&b"w"[..])
    });
    assert_eq!(updated, Ok(&b"w"[..]));
    while hash.expire(500, 1) > 0 {}
    assert_eq!((hash.len(), hash.soonest()), (count / 10 + 3, None));
}

#[test]
fn a_listpack_with_a_field_twice_is_refused() {
    let shapes = shapes(2, 64);
    let packed = |words: &[&str]| {
        let mut packed = Packed::new();
        words.iter().for_each(|word| packed.push_back(word.as_bytes()));
        packed
    };
    assert!(Hash::of_packed(packed(&["a", "1", "a", "2"]), &shapes).is_none());
    assert!(Hash::of_packed(packed(&["a", "1", "b"]), &shapes).is_none());
    let small = Hash::of_packed(packed(&["a", "1", "b", "2"]), &shapes);
    assert_eq!(small.map(|hash| (hash.len(), hash.encoding())), Some((2, "listpack")));
    let large = Hash::of_packed(packed(&["a", "1", "b", "2", "c", "3"]), &shapes);
    assert_eq!(large.map(|hash| (hash.len(), hash.encoding())), Some((3, "hashtable")));
}

#[test]
fn long_values_are_freed_in_slices() {
    let shapes = shapes(128, 64);
    let mut hash = Hash::default();
    for number in 0..20 {
        hash.set(format!("{number}").as_bytes(), &vec![b'x'; 50_000], &shapes);
    }
    let (mut steps, mut before) = (0, hash.bytes());
    assert!(before > 1_000_000);
    while hash.free_part(10_000) {
        assert!(hash.bytes() <= before);
        before = hash.bytes();
        steps += 1;
    }
    assert!((50..400).contains(&steps), "{steps}");
}
