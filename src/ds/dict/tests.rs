//! The table against a model, and its promises to a scan.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

impl Weigh for u64 {
    fn bytes(&self) -> usize {
        8
    }
}

const SHRINK: usize = if cfg!(miri) { 50 } else { 1 };

fn owners() -> Owners {
    Owners::new(0xd1c7, 1)
}

fn key(number: u64) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

fn add(dict: &mut Dict<u64>, number: u64, deadline: Option<u64>) {
    let key = key(number);
    dict.insert(dict.owners.hash(&key), Block::new(&key, Content::Int(number as i64), deadline));
}

fn find(dict: &mut Dict<u64>, number: u64) -> Option<Found<'_, u64>> {
    let key = key(number);
    dict.find(dict.owners.hash(&key), &key)
}

/// Recounts everything the table keeps count of, and checks what each segment believes.
fn check(dict: &Dict<u64>) {
    let (mut len, mut bytes, mut expires, mut sum, mut table, mut segments) = (0, 0, 0, 0u128, 0, 0);
    let mut at = Some(0);
    while let Some(start) = at {
        let segment = dict.segment(start);
        assert_eq!(segment.start, start);
        let mut count = 0;
        segment.blocks().for_each(|block| {
            let home = position(dict.owners.hash(block.key()));
            assert_eq!(leading(home, segment.depth), leading(segment.start, segment.depth));
            assert_eq!(block.hint(), hint(home, segment.depth));
            if let Some(deadline) = block.deadline() {
                assert!(deadline >= segment.soonest);
                assert!(deadline >= dict.soonest[leading(home, dict.root_bits())]);
                expires += 1;
                sum += u128::from(deadline);
            }
            count += 1;
            bytes += weight(block);
        });
        assert_eq!(segment.count, count);
        len += count as usize;
        segments += 1;
        table += segment_bytes(segment.chunks());
        at = segment.end();
    }
    let subs = dict.root.iter().filter(|entry| entry.is_sub()).map(|entry| 8 << entry.size());
    table += subs.sum::<usize>();
    assert_eq!((dict.len, dict.content_bytes, dict.expires), (len, bytes, expires));
    assert_eq!((dict.deadline_sum, dict.table_bytes, dict.segments), (sum, table, segments));
}

#[test]
fn random_operations_equal_a_model() {
    for seed in 0..2 {
        let mut prng = Prng::new(seed);
        let mut dict = Dict::new(owners());
        let mut model: BTreeMap<Vec<u8>, (i64, Option<u64>)> = BTreeMap::new();
        for step in 0..45_000 / SHRINK {
            // The range breathes, so that the table grows and shrinks.
            let range = [30_000, 300, 8_000][step / 15_000 % 3];
            let number = prng.below(range);
            let key = key(number);
            let found = find(&mut dict, number);
            let expected = model.get(&key);
            let place = format!("seed {seed} step {step}");
            assert_eq!(found.is_some(), expected.is_some(), "{place}");
            let deadline = prng.one_in(3).then(|| prng.below(1_000));
            match (found, prng.below(if range == 300 { 6 } else { 4 })) {
                (None, 0..4) => {
                    add(&mut dict, number, deadline);
                    model.insert(key, (number as i64, deadline));
                }
                (None, _) => {}
                (Some(mut found), 0) => {
                    found.replace(Content::Int(step as i64));
                    found.set_deadline(deadline);
                    model.insert(key, (step as i64, deadline));
                }
                (Some(found), 1) => {
                    let expected = expected.map(|&(int, deadline)| (View::Int(int), deadline));
                    assert_eq!(Some((found.block().view(), found.block().deadline())), expected, "{place}");
                }
                (Some(found), _) => {
                    assert_eq!(found.remove().key(), key, "{place}");
                    model.remove(&key);
                    if range == 300 {
                        // Empties what the wider range has left.
                        for other in 0..20 {
                            let number = number * 100 + other;
                            if let Some(found) = find(&mut dict, number) {
                                found.remove();
                                model.remove(&self::key(number));
                            }
                        }
                    }
                }
            }
            if step % (5_000 / SHRINK) == 0 {
                check(&dict);
            }
        }
        check(&dict);
        let mut all = BTreeSet::new();
        dict.for_each(&mut |block| assert!(all.insert(block.key().to_vec())));
        assert!(all.iter().eq(model.keys()), "seed {seed}");
    }
}

#[test]
fn a_scan_meets_every_key_that_stays() {
    for seed in 0..12 / SHRINK.min(6) as u64 {
        let mut prng = Prng::new(seed);
        let mut dict = Dict::new(owners());
        let stay = [0, 1, 300, 3_000, 10_000][prng.below(5) as usize] / SHRINK as u64;
        let passing = 100_000..100_000 + [10, 5_000, 20_000][prng.below(3) as usize] / SHRINK as u64;
        for number in 0..stay {
            add(&mut dict, number, None);
        }
        let full = prng.one_in(2);
        if full {
            passing.clone().for_each(|number| add(&mut dict, number, None));
        }
        let mut inside: BTreeSet<u64> = if full { passing.clone().collect() } else { BTreeSet::new() };
        let mut seen = BTreeSet::new();
        let (mut cursor, mut calls) = (0, 0);
        loop {
            cursor = dict.scan(cursor, 1 + prng.below(40) as usize, &mut |block| {
                seen.insert(block.key().to_vec());
            });
            assert!(cursor < 1 << CURSOR_BITS);
            calls += 1;
            assert!(calls < 200_000, "seed {seed}: no end");
            if cursor == 0 {
                break;
            }
            // Waves of inserts and removals: segments split, merge and change size under the scan.
            for _ in 0..prng.below(60) {
                let number = passing.start + prng.below(passing.end - passing.start);
                if (calls / 50) % 2 == u64::from(full) {
                    if inside.insert(number) {
                        add(&mut dict, number, None);
                    }
                } else if inside.remove(&number) {
                    find(&mut dict, number).map(Found::remove);
                }
            }
        }
        for number in 0..stay {
            assert!(seen.contains(&key(number)), "seed {seed}: {number} was missed");
        }
        check(&dict);
    }
}

#[test]
fn a_scan_of_a_table_at_rest_meets_every_key_once() {
    let mut dict = Dict::new(owners());
    let count = 20_000 / SHRINK as u64;
    (0..count).for_each(|number| add(&mut dict, number, None));
    let (mut cursor, mut seen, mut calls) = (0, 0, 0);
    loop {
        cursor = dict.scan(cursor, 10, &mut |_| seen += 1);
        calls += 1;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen, count);
    assert!(calls > count / 30, "{calls} calls: a step gives far more than it was asked for");
    assert_eq!(dict.scan(u64::MAX, 10, &mut |_| {}), 0);
    assert_eq!(dict.scan(1 << CURSOR_BITS, 10, &mut |_| {}), 0);
}

#[test]
fn expiry_removes_exactly_what_is_due() {
    let mut dict = Dict::new(owners());
    let count = 20_000 / SHRINK as u64;
    for number in 0..count {
        add(&mut dict, number, (number % 4 != 0).then_some(number));
    }
    for now_ms in [0, 17, count / 2, count / 2 + 1, count] {
        let mut gone = 0;
        let mut from = 0;
        while let Some(next) = dict.expire(now_ms, 0, from, |block| {
            assert!(block.deadline().is_some_and(|at| at <= now_ms));
            gone += 1;
        }) {
            assert!(next > from);
            from = next;
        }
        let live = (0..count).filter(|number| number % 4 == 0 || *number > now_ms).count();
        assert_eq!(dict.len(), live, "at {now_ms}, {gone} gone");
        check(&dict);
    }
    assert_eq!(dict.expires(), 0);
    assert!(dict.soonest.iter().all(|&soonest| soonest == u64::MAX));
}

#[test]
fn slack_puts_expiry_off_and_a_changed_deadline_is_heeded() {
    let mut dict = Dict::new(owners());
    add(&mut dict, 1, Some(100));
    add(&mut dict, 2, Some(200));
    assert_eq!(dict.expire(150, 60, 0, |_| ()), None);
    assert_eq!(dict.len(), 2);
    if let Some(mut found) = find(&mut dict, 1) {
        found.set_deadline(Some(300));
    }
    assert_eq!(dict.expire(250, 0, 0, |_| ()), None);
    assert_eq!((dict.len(), dict.expires(), dict.deadline_sum()), (1, 1, 300));
    if let Some(mut found) = find(&mut dict, 1) {
        found.set_deadline(None);
    }
    assert_eq!(dict.expire(400, 0, 0, |_| ()), None);
    assert_eq!((dict.len(), dict.expires()), (1, 0));
}

#[test]
fn random_picks_are_fair_enough() {
    let mut dict = Dict::new(owners());
    let count = 2_000;
    (0..count).for_each(|number| add(&mut dict, number, None));
    let mut prng = Prng::new(9);
    let mut picks: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    let each = if cfg!(miri) { 1 } else { 50 };
    for _ in 0..count * each {
        let block = dict.random(&mut prng).map(|block| block.key().to_vec());
        *picks.entry(block.unwrap_or_default()).or_default() += 1;
    }
    if !cfg!(miri) {
        assert_eq!(picks.len(), count as usize);
        let (least, most) = (picks.values().min(), picks.values().max());
        assert!(least > Some(&10) && most < Some(&150), "{least:?} {most:?}");
    }
}

#[test]
fn blocks_are_read_listed_and_taken_at_random() {
    let mut dict = Dict::new(owners());
    let count = 5_000 / SHRINK as u64;
    (0..count).for_each(|number| add(&mut dict, number, (number % 3 == 0).then_some(1_000 + number)));
    assert_eq!(dict.soonest(), Some(1_000));
    let mut keys: BTreeSet<Vec<u8>> = (0..count).map(key).collect();
    assert_eq!(dict.iter().map(|block| block.key().to_vec()).collect::<BTreeSet<_>>(), keys);
    let copy = dict.clone();
    check(&copy);
    let mut prng = Prng::new(11);
    while let Some(block) = dict.take_random(&mut prng) {
        assert!(keys.remove(block.key()));
        assert!(dict.get(dict.hash(block.key()), block.key()).is_none());
        if keys.len().is_multiple_of(500) {
            check(&dict);
            for key in &keys {
                let hash = dict.hash(key);
                assert_eq!(dict.get(hash, key).map(Block::key), Some(&key[..]));
            }
        }
    }
    assert!(keys.is_empty() && dict.is_empty());
    assert_eq!(dict.soonest(), None);
    assert_eq!((copy.len(), copy.soonest()), (count as usize, Some(1_000)));
}

#[test]
fn a_table_that_empties_gives_its_memory_back() {
    let mut dict = Dict::new(owners());
    let count = 30_000 / SHRINK as u64;
    let empty = dict.table_bytes;
    (0..count).for_each(|number| add(&mut dict, number, None));
    assert!(dict.table_bytes >= 9 * count as usize);
    assert!(
        cfg!(miri) || dict.root.iter().any(|entry| entry.is_sub()),
        "no directory below the root was tried"
    );
    assert!(dict.table_bytes < 16 * count as usize + 4096, "{} for {count}", dict.table_bytes);
    (0..count).for_each(|number| drop(find(&mut dict, number).map(Found::remove)));
    check(&dict);
    assert!(dict.table_bytes < empty + 20 * 1024, "{}", dict.table_bytes);
    assert_eq!(dict.random(&mut Prng::new(1)).map(Block::deadline), None);
    let mut remains = dict.into_remains();
    while remains.free(100, |_| ()) {}
    assert_eq!((remains.len(), remains.bytes()), (0, 0));
}

#[test]
fn remains_are_freed_in_slices_or_all_at_once() {
    let fill = |count| {
        let mut dict = Dict::new(owners());
        for number in 0..count {
            let key = key(number);
            let content = if number % 2 == 0 { Content::Boxed(Box::new(number)) } else { Content::Int(1) };
            dict.insert(dict.owners.hash(&key), Block::new(&key, content, None));
        }
        dict
    };
    let count = 5_000 / SHRINK as u64;
    drop(fill(count));
    let mut remains = fill(count).into_remains();
    let mut boxed = 0;
    while remains.free(7, |block| boxed += u64::from(block.into_boxed().is_some())) {}
    assert_eq!((boxed, remains.len(), remains.bytes()), (count / 2, 0, 0));
    let mut half = fill(count).into_remains();
    half.free(7, drop);
    drop(half);
}

#[test]
fn a_value_is_weighed_when_it_changes() {
    let mut dict = Dict::new(owners());
    add(&mut dict, 1, None);
    let before = dict.content_bytes();
    if let Some(mut found) = find(&mut dict, 1) {
        assert_eq!(found.replace(Content::Boxed(Box::new(5))), None);
        assert_eq!(found.change_boxed(|value| *value += 1), Some(()));
        assert_eq!(found.block().view(), View::Boxed(&6));
    }
    assert_eq!(dict.content_bytes(), before + 8);
    let epoch = dict.begin_epoch();
    assert!(dict.segment(0).version < epoch);
    find(&mut dict, 1).map(|mut found| found.replace(Content::Int(3)));
    assert_eq!((dict.segment(0).version, dict.content_bytes()), (epoch, before));
}

#[test]
fn a_key_takes_as_much_of_the_table_whatever_its_size() {
    let mut dict = Dict::new(owners());
    let mut seen = BTreeSet::new();
    for number in 0..40_000 / SHRINK as u64 {
        add(&mut dict, number, None);
        if number >= 10_000 && number % 500 == 0 {
            seen.insert(dict.table_bytes() * 10 / dict.len());
        }
    }
    // Tenths of bytes over two doublings. Evenly spread positions give 104 to 143.
    assert!(seen.iter().all(|tenths| (112..=126).contains(tenths)), "{seen:?}");
}
