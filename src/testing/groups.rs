//! Commands of one pipeline that span shards and go together (`coordinator::spanning::group`): fewer rounds, the
//! same answers.

use crate::base::limits::{GROUP_BYTES_MAX, GROUP_WRITE_KEYS_MAX, GROUPS_MAX};
use crate::base::prng::Prng;
use crate::resp::value::Value;
use crate::testing::sim::{Sim, encode};
use crate::testing::twins::Twins;

const KEYS: [&[u8]; 6] = [b"k1", b"k2", b"k3", b"k4", b"k5", b"k6"];

/// A command over all keys, each with `value` behind it if there is one.
fn over_all(name: &[u8], value: Option<&[u8]>) -> Vec<u8> {
    let words = KEYS.iter().flat_map(|key| std::iter::once(*key).chain(value));
    encode(&std::iter::once(name).chain(words).collect::<Vec<_>>())
}

/// What it takes to answer a pipeline that comes in one piece: its replies, and lock requests to each shard.
fn ask(sim: &mut Sim, pipeline: &[u8]) -> (Vec<Value>, u64) {
    let requests = |sim: &mut Sim| -> u64 {
        sim.engines().iter().map(|engine| engine.center().metrics.counters.lock_requests).sum()
    };
    let client = sim.connect();
    let before = requests(sim);
    sim.deliver(client, pipeline);
    sim.settle();
    let owners = sim.engines()[0].center().owners;
    let shards: std::collections::BTreeSet<_> = KEYS.iter().map(|key| owners.locate(key).shard).collect();
    assert!(shards.len() > 1, "the keys live on several shards");
    let asked = requests(sim) - before;
    assert_eq!(asked % shards.len() as u64, 0);
    (sim.take_replies(client), asked / shards.len() as u64)
}

#[test]
fn a_pipeline_of_reads_asks_each_shard_once() {
    let mut sim = Sim::new(3, 5);
    let (replies, rounds) = ask(&mut sim, &over_all(b"mset", Some(b"x")));
    assert_eq!((replies, rounds), (vec![Value::Simple(b"OK".to_vec())], 1));
    let pipeline = [over_all(b"mget", None), over_all(b"exists", None), over_all(b"mget", None)].concat();
    let (replies, rounds) = ask(&mut sim, &pipeline.repeat(5));
    let values = Value::Array(vec![Value::Bulk(b"x".to_vec()); 6]);
    assert_eq!(replies, vec![[values.clone(), Value::Integer(6), values]; 5].concat());
    assert_eq!(rounds, 1);
    let client = sim.connect();
    let Value::Bulk(stats) = sim.call(client, &[b"info", b"commandstats"]) else { panic!("INFO is text") };
    let stats = String::from_utf8_lossy(&stats);
    assert!(stats.contains("cmdstat_mget:calls=10,"), "each is counted: {stats}");
}

#[test]
fn what_writes_goes_together_within_bounds() {
    let mut sim = Sim::new(3, 5);
    let each = GROUP_WRITE_KEYS_MAX / KEYS.len();
    let (replies, rounds) = ask(&mut sim, &over_all(b"mset", Some(b"x")).repeat(2 * each + 1));
    assert_eq!(replies, vec![Value::Simple(b"OK".to_vec()); 2 * each + 1]);
    assert_eq!(rounds, 3);
    let (_, rounds) = ask(&mut sim, &over_all(b"mset", Some(&vec![b'x'; GROUP_BYTES_MAX / 8])).repeat(4));
    assert_eq!(rounds, 4, "two of them are too large to go together");
}

#[test]
fn reads_and_writes_do_not_go_together() {
    let mut sim = Sim::new(3, 5);
    let parts = [over_all(b"mset", Some(b"x")), over_all(b"del", None), over_all(b"exists", None)];
    let (replies, rounds) = ask(&mut sim, &parts.concat());
    assert_eq!(replies, [Value::Simple(b"OK".to_vec()), Value::Integer(6), Value::Integer(0)]);
    assert_eq!(rounds, 3);
}

#[test]
fn commands_on_one_key_may_stand_between_those_of_a_group() {
    let mut sim = Sim::new(3, 5);
    ask(&mut sim, &over_all(b"mset", Some(b"x")));
    let get = |key: &[u8]| encode(&[b"get", key]);
    let value = Value::Bulk(b"x".to_vec());
    let values = Value::Array(vec![value.clone(); 6]);
    let pipeline =
        [over_all(b"mget", None), get(b"other"), get(b"another"), over_all(b"mget", None)].concat();
    let (replies, rounds) = ask(&mut sim, &pipeline);
    assert_eq!((replies, rounds), (vec![values.clone(), Value::Null, Value::Null, values.clone()], 1));
    // One that has a key of the group waits for it, and what is behind waits too.
    let pipeline = [over_all(b"mget", None), get(KEYS[2]), over_all(b"mget", None)].concat();
    let (replies, rounds) = ask(&mut sim, &pipeline);
    assert_eq!((replies, rounds), (vec![values.clone(), value, values], 2));
}

#[test]
fn groups_of_one_connection_are_under_way_together_if_they_share_no_key() {
    let mut sim = Sim::new(3, 5);
    let owners = sim.engines()[0].center().owners;
    let apart = |number: usize| {
        let names = (0..).map(|at| format!("{number}:{at}").into_bytes());
        let mut names = names.into_iter();
        let first = names.next().expect("endless");
        let shard = owners.locate(&first).shard;
        let second = names.find(|name| owners.locate(name).shard != shard).expect("endless");
        [first, second]
    };
    let client = sim.connect();
    // A read, a write, a read, ...: each takes another course than the one in front of it.
    let command = |number: usize| {
        let [one, other] = apart(number);
        if number.is_multiple_of(2) {
            encode(&[b"mget", &one, &other])
        } else {
            encode(&[b"mset", &one, b"x", &other, b"y"])
        }
    };
    let pipeline: Vec<u8> = (0..20).flat_map(command).collect();
    sim.deliver(client, &pipeline);
    let under_way: usize = sim.engines().iter().map(|engine| engine.center().spanning.len()).sum();
    assert_eq!(under_way, GROUPS_MAX);
    sim.settle();
    let nothing = Value::Array(vec![Value::Null; 2]);
    assert_eq!(sim.take_replies(client), vec![[nothing, Value::Simple(b"OK".to_vec())]; 10].concat());
}

fn draw(prng: &mut Prng) -> Vec<u8> {
    let key = |prng: &mut Prng| *prng.pick(&KEYS);
    let digits = prng.below(100).to_string();
    let mut words: Vec<&[u8]> = Vec::new();
    match prng.below(20) {
        0..6 => {
            words.push(*prng.pick(&[&b"mget"[..], b"MGET", b"exists", b"touch"]));
            (0..=prng.below(4)).for_each(|_| words.push(key(prng)));
        }
        6..10 => {
            words.push(b"mset");
            (0..=prng.below(4)).for_each(|_| words.extend([key(prng), digits.as_bytes()]));
            if prng.one_in(10) {
                words.pop();
            }
        }
        10..14 => {
            words.push(*prng.pick(&[&b"del"[..], b"unlink"]));
            (0..=prng.below(4)).for_each(|_| words.push(key(prng)));
        }
        14 => words.extend([&b"set"[..], key(prng), digits.as_bytes()]),
        15 => words.extend([*prng.pick(&[&b"get"[..], b"incr", b"rpush"]), key(prng), b"y"]),
        16 => words.extend([&b"get"[..], key(prng)]),
        17 => words.extend([&b"rpush"[..], key(prng), b"y"]),
        18 => words.extend([&b"client"[..], b"reply", *prng.pick(&[&b"skip"[..], b"off", b"on"])]),
        _ => words.push(*prng.pick(&[&b"multi"[..], b"exec", b"ping", b"discard"])),
    }
    encode(&words)
}

#[test]
fn a_pipeline_is_answered_as_on_one_shard() {
    for seed in 0..400 {
        let mut prng = Prng::new(seed);
        let mut twins = Twins::new(seed, &mut prng);
        for _ in 0..6 {
            let pipeline: Vec<u8> = (0..1 + prng.below(30)).flat_map(|_| draw(&mut prng)).collect();
            twins.ask(&pipeline, seed);
        }
    }
}
