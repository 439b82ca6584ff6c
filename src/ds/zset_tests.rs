//! Sorted sets of all forms against a map and a sorted list, under seeds.

use super::*;
use crate::base::owner::Owners;
use crate::base::prng::Prng;
use std::collections::BTreeMap;

fn shapes(entries: usize) -> Shapes {
    let mut shapes = Shapes::new(Owners::new(0x25e7, 1));
    shapes.zset_max_listpack_entries = entries;
    shapes
}

type Model = BTreeMap<Vec<u8>, f64>;

fn ordered(model: &Model) -> Vec<(Vec<u8>, f64)> {
    let mut all: Vec<(Vec<u8>, f64)> = model.iter().map(|(member, &score)| (member.clone(), score)).collect();
    all.sort_by(|left, right| left.1.partial_cmp(&right.1).unwrap().then_with(|| left.0.cmp(&right.0)));
    all
}

fn walked(zset: &Zset, rank: usize, count: usize, downwards: bool) -> Vec<(Vec<u8>, f64)> {
    let mut all = Vec::new();
    zset.walk(rank, count, downwards, |member, score| all.push((member.to_vec(), score)));
    all
}

/// Members of all kinds: integers, words, long ones, the empty one.
fn member(prng: &mut Prng, of: u64) -> Vec<u8> {
    let number = prng.below(of);
    match number % 5 {
        0 => (number as i64 - 20).to_string().into_bytes(),
        1 => format!("member:{number}").into_bytes(),
        2 => vec![b'a' + (number % 26) as u8; (number % 40) as usize],
        3 => [b"\x00\xff".as_slice(), &number.to_be_bytes()].concat(),
        _ => format!("{number:016}").into_bytes(),
    }
}

fn score(prng: &mut Prng) -> f64 {
    match prng.below(12) {
        0 => f64::INFINITY,
        1 => f64::NEG_INFINITY,
        2..5 => prng.below(5) as f64,
        5..8 => (prng.below(2000) as f64 - 1000.0) / 8.0,
        8 => -0.0,
        9 => prng.next_u64() as f64 * 1e100,
        _ => prng.below(1_000_000) as f64 / 7.0,
    }
}

fn check_all(zset: &Zset, model: &Model, prng: &mut Prng, place: &str) {
    let all = ordered(model);
    assert_eq!(zset.len(), all.len(), "{place}");
    assert_eq!(walked(zset, 0, usize::MAX, false), all, "{place}");
    let at = prng.below(all.len() as u64 + 2) as usize;
    let count = prng.below(20) as usize;
    let up: Vec<_> = all.iter().skip(at).take(count).cloned().collect();
    assert_eq!(walked(zset, at, count, false), up, "{place}: up from {at}");
    let down: Vec<_> = match all.len().checked_sub(at + 1) {
        Some(skip) => all.iter().rev().skip(skip).take(count).cloned().collect(),
        None => Vec::new(),
    };
    assert_eq!(walked(zset, at, count, true), down, "{place}: down from {at}");
    let bound = score(prng);
    let below = all.iter().filter(|(_, score)| *score < bound).count();
    assert_eq!(zset.scores_below(|score| score < bound), below, "{place}");
    if let Some((member, score)) = all.get(at) {
        assert_eq!((zset.score(member), zset.rank(member)), (Some(*score), Some(at)), "{place}");
    }
    let (mut scanned, mut cursor) = (BTreeMap::new(), 0);
    loop {
        cursor = zset.scan(cursor, 10, |member, score| {
            scanned.insert(member.to_vec(), parse_f64(score).expect("a score"));
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&scanned, model, "{place}");
}

#[test]
fn it_holds_what_a_map_and_a_sorted_list_hold() {
    for seed in 0..16_u64 {
        let mut prng = Prng::new(seed);
        let shapes = shapes([128, 0, 20, 1000][seed as usize % 4]);
        let mut zset = Zset::default();
        let mut model = Model::new();
        let names = [60, 400, 3000][seed as usize % 3];
        for step in 0..4000 {
            let place = format!("seed {seed} step {step}");
            let member = member(&mut prng, names);
            let old = model.get(&member).copied();
            match prng.below(10) {
                0..6 => {
                    let new = score(&mut prng);
                    let wanted = (!prng.one_in(6)).then_some(new);
                    let placed = zset.update(&shapes, &member, |had| {
                        assert_eq!(had, old, "{place}");
                        wanted
                    });
                    let expected = match (old, wanted) {
                        (_, None) => Placed::Kept,
                        (None, Some(_)) => Placed::Added,
                        (Some(old), Some(new)) if old == new => Placed::Kept,
                        _ => Placed::Moved,
                    };
                    assert_eq!(placed, expected, "{place}");
                    if placed != Placed::Kept {
                        model.insert(member, new);
                    }
                }
                6..8 => {
                    assert_eq!(zset.remove(&member), model.remove(&member), "{place}");
                }
                8 if prng.one_in(8) => {
                    let (at, count) = (prng.below(80) as usize, prng.below(12) as usize);
                    let gone: Vec<_> = ordered(&model).into_iter().skip(at).take(count).collect();
                    assert_eq!(zset.remove_range(at, count), gone.len(), "{place}");
                    gone.iter().for_each(|(member, _)| {
                        model.remove(member);
                    });
                }
                _ if prng.one_in(4) => {
                    let (count, highest) = (prng.below(4) as usize, prng.one_in(2));
                    let mut gone = ordered(&model);
                    if highest {
                        gone.reverse();
                    }
                    gone.truncate(count);
                    let mut popped = Vec::new();
                    zset.pop(count, highest, |member, score| popped.push((member.to_vec(), score)));
                    assert_eq!(popped, gone, "{place}");
                    gone.iter().for_each(|(member, _)| {
                        model.remove(member);
                    });
                }
                _ => assert_eq!(zset.rank(&member).is_some(), old.is_some(), "{place}"),
            }
            if step % 97 == 0 {
                check_all(&zset, &model, &mut prng, &place);
                let copy = zset.clone();
                check_all(&copy, &model, &mut prng, &place);
                assert_eq!(copy.encoding(), zset.encoding());
                if let Some(packed) = zset.as_packed() {
                    let read = Zset::from_packed(packed.clone(), &shapes).expect("our own bytes");
                    check_all(&read, &model, &mut prng, &place);
                }
            }
        }
        while zset.free_part(5_000) {}
        assert!(zset.is_empty());
    }
}

#[test]
fn names_are_counted_where_scores_are_equal() {
    for entries in [0, 1000] {
        let shapes = shapes(entries);
        let mut zset = Zset::default();
        let mut names: Vec<Vec<u8>> = (0..500).map(|number| format!("{}", number * 7).into_bytes()).collect();
        for name in &names {
            zset.update(&shapes, name, |_| Some(0.0));
        }
        names.sort();
        let mut prng = Prng::new(5);
        for number in 0..900 {
            let bound = (number * 4).to_string().into_bytes();
            let other = prng.below(4000).to_string().into_bytes();
            let inside = |name: &[u8]| name >= bound.as_slice() && name < other.as_slice();
            let first = names.iter().position(|name| inside(name));
            let count = names.iter().filter(|name| inside(name)).count();
            for downwards in [false, true] {
                let (rank, found) = zset.names_between(
                    downwards,
                    |name| name >= bound.as_slice(),
                    |name| name < other.as_slice(),
                );
                assert_eq!(found, count, "{entries} {number}");
                assert!(first.is_none_or(|first| first == rank), "{entries} {number}");
            }
        }
    }
}

#[test]
fn it_grows_large_by_number_and_by_length_and_stays() {
    let shapes = shapes(4);
    let mut zset = Zset::default();
    for number in 0..4 {
        zset.update(&shapes, &[number], |_| Some(1.0));
    }
    zset.update(&shapes, &[0], |_| Some(2.0));
    assert_eq!(zset.encoding(), "listpack");
    zset.update(&shapes, b"fifth", |_| None);
    assert_eq!(zset.encoding(), "listpack");
    zset.update(&shapes, b"fifth", |_| Some(1.0));
    assert_eq!(zset.encoding(), "skiplist");
    zset.remove_range(0, 4);
    assert_eq!((zset.encoding(), zset.len()), ("skiplist", 1));
    let mut zset = Zset::default();
    zset.update(&shapes, &[7; 64], |_| Some(1.0));
    assert_eq!(zset.encoding(), "listpack");
    zset.update(&shapes, &[7; 65], |_| Some(1.0));
    assert_eq!(zset.encoding(), "skiplist");
}

#[test]
fn a_tally_becomes_the_smallest_form_that_holds_it() {
    for (count, encoding) in [(0, "listpack"), (4, "listpack"), (5, "skiplist"), (300, "skiplist")] {
        let shapes = shapes(4);
        let mut tally = Tally::new(shapes.owners);
        let mut model = Model::new();
        let mut prng = Prng::new(count);
        for number in 0..count + 1 {
            let (member, score) = (number.to_string().into_bytes(), score(&mut prng));
            tally.update(&member, |old| old.unwrap_or(score));
            tally.update(&member, |old| old.unwrap_or(1e9));
            model.insert(member, score);
        }
        tally.remove(b"0");
        model.remove(b"0".as_slice());
        let zset = Zset::from_tally(tally, &shapes);
        assert_eq!(zset.encoding(), encoding);
        check_all(&zset, &model, &mut prng, encoding);
    }
}

#[test]
fn foreign_bytes_are_refused_unless_they_are_a_sorted_set() {
    let read = |words: &[&str]| {
        let mut packed = Packed::new();
        words.iter().for_each(|word| packed.push_back(word.as_bytes()));
        Zset::from_packed(packed, &shapes(3)).map(|zset| (zset.len(), zset.encoding()))
    };
    assert_eq!(read(&[]), Some((0, "listpack")));
    assert_eq!(read(&["a", "1", "b", "1", "a1", "inf"]), Some((3, "listpack")));
    assert_eq!(read(&["a", "1", "b", "1", "c", "1.5", "d", "2"]), Some((4, "skiplist")));
    for wrong in [
        &["a"][..],
        &["a", "x"],
        &["a", "nan"],
        &["a", "2", "b", "1"],
        &["b", "1", "a", "1"],
        &["a", "1", "a", "2"],
    ] {
        assert_eq!(read(wrong), None, "{wrong:?}");
    }
}

#[test]
fn a_member_of_16_bytes_takes_less_than_80() {
    let shapes = shapes(128);
    let mut zset = Zset::default();
    let mut prng = Prng::new(1);
    for number in 0..50_000 {
        zset.update(&shapes, format!("{number:016}").as_bytes(), |_| Some(prng.next_u64() as f64));
    }
    let each = zset.bytes() / zset.len();
    assert!(each < 80, "{each} bytes");
    let mut before = zset.bytes();
    let mut parts = 0;
    while zset.free_part(100_000) {
        assert!(before - zset.bytes() < 200_000, "{before} to {}", zset.bytes());
        before = zset.bytes();
        parts += 1;
    }
    assert!(parts > 20, "{parts}");
}
