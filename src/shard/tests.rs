//! The keyspace against Redis's rules and against a model.

use super::*;
use std::collections::BTreeMap;

fn at(ms: u64) -> Now {
    Now { unix_us: ms * 1_000, mono_ns: ms * 1_000_000 }
}

fn shard() -> Shard {
    Shard::new(Owners::new(7, 1))
}

fn get(keys: &mut Keyspace<'_>, key: &str) -> Option<String> {
    let text = keys.read_string(key.as_bytes()).ok()??;
    Some(String::from_utf8_lossy(&text.to_vec()).into_owned())
}

#[test]
fn expired_key_is_missing_before_the_cycle_runs() {
    let mut shard = shard();
    shard.keyspace(0, at(1_000)).set_string(b"k", b"v", Deadline::At(2_000));
    assert_eq!(get(&mut shard.keyspace(0, at(1_999)), "k").as_deref(), Some("v"));
    assert_eq!(shard.keyspace(0, at(2_000)).len(), 1);
    assert_eq!(get(&mut shard.keyspace(0, at(2_000)), "k"), None);
    assert_eq!(shard.keyspace(0, at(2_000)).len(), 0);
    assert_eq!((shard.stats.hits, shard.stats.misses, shard.stats.expired_keys), (1, 1, 1));
}

#[test]
fn cron_removes_expired_keys_and_frees_flushed_databases() {
    let clock = Clock::manual(at(1));
    let mut shard = shard();
    for index in 0..5_000u64 {
        let deadline = if index % 2 == 0 { Deadline::At(100 + index) } else { Deadline::None };
        shard.keyspace(3, at(1)).set_string(format!("key{index}").as_bytes(), b"value", deadline);
    }
    let info = shard.database(3, at(1));
    assert_eq!((info.keys, info.expires, info.avg_ttl_ms), (5_000, 2_500, 2_598));
    while shard.on_cron(at(100 + 2_500), &clock, 1_000_000) {}
    let info = shard.database(3, at(2_600));
    assert_eq!((info.keys, info.expires), (5_000 - 1_251, 2_500 - 1_251));
    assert_eq!(shard.stats.expired_keys, 1_251);
    shard.keyspace(3, at(2_600)).clear();
    assert_eq!(shard.keyspace(3, at(2_600)).len(), 0);
    assert_eq!(shard.garbage_len(), 3_749);
    while shard.on_cron(at(2_600), &clock, 1_000_000) {}
    assert_eq!((shard.garbage_len(), shard.memory().garbage, shard.memory().content), (0, 0, 0));
}

#[test]
fn encodings_follow_redis() {
    let mut shard = shard();
    let mut keys = shard.keyspace(0, at(1));
    let encoding = |keys: &mut Keyspace<'_>| keys.facts(b"k").map(|facts| (facts.encoding, facts.refcount));
    let shared = i64::from(i32::MAX);
    for (text, expected) in [
        ("9999", ("int", shared)),
        ("10000", ("int", 1)),
        ("-1", ("int", 1)),
        ("9223372036854775807", ("int", 1)),
        ("9223372036854775808", ("embstr", 1)),
        ("0012", ("embstr", 1)),
        ("", ("embstr", 1)),
        ("12345678901234567890123456789012345678901234", ("embstr", 1)),
        ("123456789012345678901234567890123456789012345", ("raw", 1)),
    ] {
        keys.set_string(b"k", text.as_bytes(), Deadline::None);
        assert_eq!(encoding(&mut keys), Some(expected), "{text}");
    }
    keys.set_string(b"k", b"12", Deadline::None);
    assert_eq!(keys.append(b"k", b"3"), Ok(3));
    assert_eq!((encoding(&mut keys), get(&mut keys, "k")), (Some(("raw", 1)), Some("123".into())));
    keys.set_bytes(b"k", b"12", Deadline::None);
    assert_eq!(encoding(&mut keys), Some(("embstr", 1)));
    keys.remove(b"k");
    assert_eq!(keys.append(b"k", b"7"), Ok(1));
    assert_eq!(encoding(&mut keys), Some(("int", shared)));
    keys.remove(b"k");
    assert_eq!(keys.write_range(b"k", 2, b""), Ok(0));
    assert_eq!(encoding(&mut keys), None);
    assert_eq!(keys.write_range(b"k", 2, b"x"), Ok(3));
    assert_eq!((encoding(&mut keys), get(&mut keys, "k")), (Some(("raw", 1)), Some("\0\0x".into())));
    let copy = keys.copy(b"k");
    keys.put(b"k2", copy.unwrap());
    assert_eq!(keys.facts(b"k2").map(|facts| facts.encoding), Some("raw"));
}

#[test]
fn deadlines_follow_the_value_that_is_moved() {
    let mut shard = shard();
    let mut keys = shard.keyspace(0, at(1));
    keys.set_string(b"a", b"x", Deadline::At(50));
    keys.set_string(b"a", b"y", Deadline::Keep);
    assert_eq!(keys.deadline(b"a"), Some(Some(50)));
    let owned = keys.take(b"a").unwrap();
    keys.put(b"b", owned);
    assert_eq!((keys.deadline(b"a"), keys.deadline(b"b")), (None, Some(Some(50))));
    keys.set_string(b"b", b"z", Deadline::None);
    assert_eq!(keys.deadline(b"b"), Some(None));
    assert!(keys.set_deadline(b"b", Some(70)) && !keys.set_deadline(b"a", Some(70)));
    assert_eq!(keys.expires_len(), 1);
}

#[test]
fn a_big_value_is_freed_by_the_cron() {
    let clock = Clock::manual(at(1));
    let mut shard = shard();
    let mut keys = shard.keyspace(0, at(1));
    keys.set_string(b"k", &vec![b'x'; 1 << 20], Deadline::None);
    assert_eq!(keys.append(b"k", b"y"), Ok((1 << 20) + 1));
    assert!(keys.facts(b"k").unwrap().memory_bytes > 1 << 20);
    assert!(keys.unlink(b"k") && !keys.unlink(b"k"));
    assert!(shard.memory().garbage > 1 << 20);
    while shard.on_cron(at(1), &clock, 1_000_000) {}
    assert_eq!(shard.memory().garbage + shard.memory().content, 0);
}

#[test]
fn random_strings_equal_a_model() {
    let seed = 0x5eed;
    let mut prng = Prng::new(seed);
    let mut shard = shard();
    let mut model: BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)> = BTreeMap::new();
    let mut now_ms = 1_000;
    for step in 0..20_000 {
        let key = format!("key:{}", prng.below(40)).into_bytes();
        let bytes: Vec<u8> = match prng.below(4) {
            0 => prng.below(200).to_string().into_bytes(),
            1 => vec![b'x'; prng.below(3_000) as usize],
            _ => (0..prng.below(70)).map(|_| prng.next_u64() as u8).collect(),
        };
        now_ms += prng.below(3);
        model.retain(|_, (_, deadline)| deadline.is_none_or(|at| at > now_ms));
        let mut keys = shard.keyspace(0, at(now_ms));
        let old = model.get(&key).cloned();
        match prng.below(9) {
            0 => {
                keys.set_string(&key, &bytes, Deadline::None);
                model.insert(key, (bytes, None));
            }
            1 => {
                let deadline = now_ms + 1 + prng.below(100);
                keys.set_string(&key, &bytes, Deadline::At(deadline));
                model.insert(key, (bytes, Some(deadline)));
            }
            2 => {
                keys.set_string(&key, &bytes, Deadline::Keep);
                model.insert(key, (bytes, old.and_then(|(_, deadline)| deadline)));
            }
            3 => {
                let (mut value, deadline) = old.unwrap_or_default();
                value.extend_from_slice(&bytes);
                assert_eq!(keys.append(&key, &bytes), Ok(value.len()), "seed {seed} step {step}");
                model.insert(key, (value, deadline));
            }
            4 => {
                let offset = prng.below(300) as usize;
                let present = old.is_some();
                let (mut value, deadline) = old.unwrap_or_default();
                if !bytes.is_empty() {
                    value.resize(value.len().max(offset + bytes.len()), 0);
                    value[offset..offset + bytes.len()].copy_from_slice(&bytes);
                }
                assert_eq!(
                    keys.write_range(&key, offset, &bytes),
                    Ok(value.len()),
                    "seed {seed} step {step}"
                );
                if present || !bytes.is_empty() {
                    model.insert(key, (value, deadline));
                }
            }
            5 => assert_eq!(keys.remove(&key), model.remove(&key).is_some(), "seed {seed} step {step}"),
            6 => {
                let to = format!("key:{}", prng.below(40)).into_bytes();
                let owned = keys.take(&key);
                assert_eq!(owned.is_some(), old.is_some(), "seed {seed} step {step}");
                if let (Some(owned), Some(value)) = (owned, model.remove(&key)) {
                    keys.put(&to, owned);
                    model.insert(to, value);
                }
            }
            7 => {
                let deadline = prng.one_in(2).then(|| now_ms + 1 + prng.below(50));
                assert_eq!(keys.set_deadline(&key, deadline), old.is_some(), "seed {seed} step {step}");
                if let Some(value) = model.get_mut(&key) {
                    value.1 = deadline;
                }
            }
            _ => {
                let text = keys.read_string(&key).unwrap().map(Text::to_vec);
                assert_eq!(text, old.clone().map(|(value, _)| value), "seed {seed} step {step}");
                assert_eq!(keys.deadline(&key), old.map(|(_, deadline)| deadline), "seed {seed} step {step}");
            }
        }
        if step % 500 == 0 {
            let mut all = Vec::new();
            keys.keys(&mut |key| all.push(key.to_vec()));
            all.sort();
            assert!(all.iter().eq(model.keys()), "seed {seed} step {step}");
        }
    }
}

#[test]
fn a_known_hash_is_used_for_that_key_only() {
    let mut shard = shard();
    let hash = shard.owners.hash(b"one");
    let mut keys = shard.keyspace(0, at(1));
    let (one, two) = (b"one".as_slice(), b"two".as_slice());
    keys.know(one, hash);
    keys.set_string(one, b"1", Deadline::None);
    keys.set_string(two, b"2", Deadline::None);
    assert_eq!((get(&mut keys, "one"), get(&mut keys, "two")), (Some("1".into()), Some("2".into())));
    shard.prefetch(0, hash);
    shard.prefetch_key(0, hash);
}

#[test]
fn accesses_are_timed_or_counted() {
    let mut shard = shard();
    let seconds = |seconds: u64| at(seconds * 1_000);
    shard.keyspace(0, seconds(100)).set_string(b"k", b"v", Deadline::None);
    let facts =
        |shard: &mut Shard, now| shard.keyspace(0, now).facts(b"k").map(|it| (it.idle_seconds, it.frequency));
    assert_eq!(facts(&mut shard, seconds(107)), Some((7, 0)));
    assert!(
        shard.keyspace(0, seconds(107)).contains(b"k")
            && shard.keyspace(0, seconds(107)).kind(b"k").is_some()
    );
    assert_eq!(facts(&mut shard, seconds(109)), Some((9, 0)));
    assert!(shard.keyspace(0, seconds(109)).touch(b"k"));
    assert_eq!(facts(&mut shard, seconds(110)), Some((1, 0)));

    shard.access = AccessClock::Frequency { log_factor: 10, decay_minutes: 1 };
    shard.keyspace(0, seconds(120)).remove(b"k");
    shard.keyspace(0, seconds(120)).set_string(b"k", b"v", Deadline::None);
    assert_eq!(facts(&mut shard, seconds(120)).map(|it| it.1), Some(5));
    for _ in 0..10_000 {
        shard.keyspace(0, seconds(120)).touch(b"k");
    }
    let counted = facts(&mut shard, seconds(120)).map_or(0, |it| it.1);
    assert!((20..80).contains(&counted), "{counted}: the counter is logarithmic");
    assert_eq!(facts(&mut shard, seconds(120 + 180)).map(|it| it.1), Some(counted - 3));
    shard.access = AccessClock::Frequency { log_factor: 0, decay_minutes: 0 };
    for _ in 0..300 {
        shard.keyspace(0, seconds(120)).touch(b"k");
    }
    assert_eq!(facts(&mut shard, seconds(9_000)).map(|it| it.1), Some(255));
}

#[test]
fn a_string_that_grows_in_steps_is_moved_a_few_times_only() {
    let mut shard = shard();
    let mut keys = shard.keyspace(0, at(1));
    let chunk = [b'x'; 1_000];
    let (mut rooms, mut room) = (0, 0);
    for step in 1..=4_000 {
        assert_eq!(keys.append(b"k", &chunk), Ok(step * 1_000));
        let now = keys.facts(b"k").map_or(0, |facts| facts.memory_bytes);
        rooms += u32::from(now != room);
        room = now;
    }
    assert!(rooms < 20, "{rooms}");
    assert_eq!(keys.string_len(b"k"), Ok(4_000_000));
}

#[test]
fn memory_is_counted_and_given_back() {
    let clock = Clock::manual(at(1));
    let mut shard = shard();
    let empty = shard.memory();
    let mut sum = 0;
    for size in [0, 8, 100, 4_096, 4_097, 100_000, 3 << 20] {
        for index in 0..200u64.min(200_000 / (size + 1) + 2) {
            let mut keys = shard.keyspace(0, at(1));
            let key = format!("{size}:{index}").into_bytes();
            keys.set_string(&key, &vec![b'v'; size as usize], Deadline::None);
            keys.set_deadline(&key, (index % 2 == 0).then_some(500));
        }
    }
    let mut all = Vec::new();
    shard.keyspace(0, at(1)).keys(&mut |key| all.push(key.to_vec()));
    for key in &all {
        sum += shard.keyspace(0, at(1)).facts(key).map_or(0, |facts| facts.memory_bytes);
    }
    let used = shard.memory().content + shard.memory().tables - empty.tables;
    assert!(sum.abs_diff(used) * 100 < used * 5, "{sum} for {used}");
    for key in &all {
        shard.keyspace(0, at(1)).remove(key);
    }
    assert!(shard.memory().garbage > 3 << 20);
    while shard.on_cron(at(1), &clock, 1_000_000) {}
    assert_eq!((shard.memory().content, shard.memory().garbage), (0, 0));
}
