//! What commands on several shards rest on: stamps that no two have, clocks that never go back, and homes that
//! finish what they began. And what the README says of the order of one pipeline's commands.

use crate::base::ids::ShardId;
use crate::base::prng::Prng;
use crate::config::Options;
use crate::config::options::PipelineOrder;
use crate::resp::value::Value;
use crate::testing::sim::{Client, Sim};
use std::collections::BTreeSet;

const KEYS: [&[u8]; 6] = [b"k1", b"k2", b"k3", b"k4", b"k5", b"k6"];

#[test]
fn no_two_commands_have_one_stamp_whatever_clocks_have_seen() {
    let mut prng = Prng::new(1);
    let mut sim = Sim::new(8, 1);
    let mut stamps = BTreeSet::new();
    for _ in 0..10_000 {
        let at = prng.below(8) as usize;
        let center = sim.engines()[at].center_mut();
        let before = center.stamp;
        let stamp = center.next_stamp(prng.below(3) * prng.below(100));
        assert!(stamp > before, "core {at}: {stamp} after {before}");
        assert!(stamps.insert(stamp), "core {at}: {stamp} twice");
        // A message carries it to somebody else, who may be ahead or behind.
        sim.engines()[prng.below(8) as usize].center_mut().see_stamp(stamp);
    }
}

/// Writers and readers of the same keys on all cores, while links deliver in any order.
fn contend(sim: &mut Sim, clients: &[Client], prng: &mut Prng) {
    let client = *prng.pick(clients);
    let mut words: Vec<&[u8]> = Vec::new();
    match prng.below(4) {
        0 => {
            words.push(b"mset");
            KEYS.iter().for_each(|key| words.extend([*key, b"x"]));
        }
        1 => {
            words.push(b"mget");
            words.extend(KEYS);
        }
        2 => {
            words.push(b"del");
            words.extend(KEYS);
        }
        _ => words.extend([&b"rename"[..], *prng.pick(&KEYS), *prng.pick(&KEYS)]),
    }
    sim.send_words(client, &words);
}

#[test]
fn a_logical_clock_never_goes_back_and_a_batch_carries_it_along() {
    for seed in 0..50 {
        let mut prng = Prng::new(seed);
        let mut sim = Sim::new(4, seed);
        let clients: Vec<Client> = (0..8).map(|_| sim.connect()).collect();
        let mut last = [0; 4];
        for _ in 0..40 {
            contend(&mut sim, &clients, &mut prng);
            for _ in 0..prng.below(8) {
                sim.step();
                for (engine, last) in sim.engines().iter().zip(&mut last) {
                    let stamp = engine.center().stamp;
                    assert!(stamp >= *last, "seed {seed}: {stamp} after {last}");
                    *last = stamp;
                }
            }
        }
        sim.settle();
        // A core that is behind catches up with the next batch that somebody ahead sends it.
        let [first, second, ..] = sim.engines() else { panic!("four cores") };
        let (ahead, behind) =
            if first.center().stamp > second.center().stamp { (first, second) } else { (second, first) };
        let (from, to) = (ahead.id(), behind.id());
        ahead.center_mut().next_stamp(1_000);
        ahead.center_mut().outboxes.open(to).ops.push(crate::mesh::message::Op::Control(Box::new(
            crate::mesh::message::Control::Release { stamp: 0 },
        )));
        let batch = ahead.take_mail(to).expect("something for it");
        let stamp = ahead.center().stamp;
        behind.on_mail(from, batch);
        assert_eq!(behind.center().stamp, stamp, "seed {seed}");
    }
}

/// Clients leave at any moment, also in the middle of a command over several shards, a transaction, a wait.
#[test]
fn a_client_that_hangs_up_in_the_middle_leaves_nothing_half_done() {
    for seed in 0..300 {
        let mut prng = Prng::new(seed);
        let mut sim = Sim::new(2 + prng.below(3) as u16, seed);
        let reader = sim.connect();
        for number in 0..12 {
            let client = sim.connect();
            let digits = format!("{number}");
            match prng.below(4) {
                0 | 1 => {
                    let mut words: Vec<&[u8]> = vec![b"mset"];
                    KEYS.iter().for_each(|key| words.extend([*key, digits.as_bytes()]));
                    sim.send_words(client, &words);
                }
                2 => {
                    sim.send_words(client, &[b"watch", KEYS[0], KEYS[1], KEYS[2]]);
                    sim.send_words(client, &[b"multi"]);
                    KEYS.iter().for_each(|key| sim.send_words(client, &[b"set", *key, digits.as_bytes()]));
                    sim.send_words(client, &[b"exec"]);
                }
                // Its keys may be locked or kept by somebody else when it comes.
                _ => {
                    sim.send_words(reader, &[b"del", b"w1", b"w2", b"w3", b"w4"]);
                    if prng.one_in(2) {
                        sim.send_words(client, &[b"blpop", b"w1", b"w2", b"w3", b"w4", b"0"]);
                    } else {
                        sim.send_words(
                            client,
                            &[b"blpop", *prng.pick(&[&b"w1"[..], b"w2", b"w3", b"w4"]), b"0"],
                        );
                    }
                }
            }
            let mut words: Vec<&[u8]> = vec![b"mget"];
            words.extend(KEYS);
            sim.send_words(reader, &words);
            for _ in 0..prng.below(40) {
                sim.step();
            }
            sim.hang_up(client);
        }
        sim.settle();
        let replies = sim.take_replies(reader);
        let snapshots: Vec<_> = replies.iter().filter_map(Value::as_items).collect();
        assert_eq!(snapshots.len(), 12, "seed {seed}");
        for values in snapshots {
            assert!(values.iter().all(|value| *value == values[0]), "seed {seed}: {values:?}");
        }
        for key in [&b"w1"[..], b"w2", b"w3", b"w4"] {
            sim.call(reader, &[b"rpush", key, b"x"]);
            assert_eq!(
                sim.call(reader, &[b"llen", key]),
                Value::Integer(1),
                "seed {seed}: taken for the dead"
            );
        }
        for engine in sim.engines() {
            let center = engine.center();
            let idle = center.locks.is_empty()
                && center.spanning.is_empty()
                && center.execs.is_empty()
                && center.watchings.is_empty()
                && center.waiting.keeps_none()
                && center.waiting.count() == 0
                && center.outboxes.under_way() == 0;
            assert!(idle, "seed {seed}: core {} is not at rest", center.id.0);
        }
    }
}

/// Whether somebody saw the second of two writes of one pipeline without the first.
fn sees_the_later_first(seed: u64, order: PipelineOrder) -> bool {
    let mut sim = Sim::with(3, seed, Options { pipeline_order: order, ..Options::default() });
    let (writer, reader) = (sim.connect(), sim.connect());
    let [first, second] = [1, 2].map(|shard| sim.key_on(ShardId(shard)).into_bytes());
    for number in 1..=10 {
        let digits = format!("{number:02}");
        sim.send_words(writer, &[b"set", &first, digits.as_bytes()]);
        sim.send_words(writer, &[b"set", &second, digits.as_bytes()]);
    }
    let mut seen = false;
    loop {
        sim.send_words(reader, &[b"mget", &first, &second]);
        let reply = loop {
            match sim.take_reply(reader) {
                Some(reply) => break reply,
                None => assert!(sim.step(), "seed {seed}: no reply"),
            }
        };
        let values: Vec<Vec<u8>> = reply
            .as_items()
            .unwrap()
            .iter()
            .map(|value| if let Value::Bulk(digits) = value { digits.clone() } else { Vec::new() })
            .collect();
        seen |= values[0] < values[1];
        if values[1] == b"10" && values[0] == b"10" {
            return seen;
        }
    }
}

#[test]
fn a_strict_pipeline_is_seen_in_its_order_and_a_relaxed_one_need_not_be() {
    assert!((0..200).any(|seed| sees_the_later_first(seed, PipelineOrder::Relaxed)), "nothing to take away");
    for seed in 0..200 {
        assert!(!sees_the_later_first(seed, PipelineOrder::Strict), "seed {seed}");
    }
}

#[test]
fn a_spanning_command_that_fails_has_changed_nothing() {
    for shards in [2, 3, 4] {
        let mut sim = Sim::new(shards, 19);
        let client = sim.connect();
        let mut ask = |line: &str| {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            sim.call(client, &words)
        };
        for line in [
            "set s1 x",
            "set s2 y",
            "sadd m1 a b",
            "sadd m2 b c",
            "rpush l1 a b",
            "zadd z1 1 a",
            "zadd z2 1 b",
        ] {
            assert!(!matches!(ask(line), Value::Error(_)), "{line}");
        }
        let keys = ["s1", "s2", "m1", "m2", "l1", "z1", "z2", "new"];
        let all = |ask: &mut dyn FnMut(&str) -> Value| keys.map(|key| ask(&format!("dump {key}")));
        let before = all(&mut ask);
        for line in [
            "rename nosuch s1",
            "renamenx s1 s2",
            "msetnx new 1 s1 2 s2 3",
            "copy s1 s2",
            "smove m1 l1 a",
            "sinterstore new m1 m2 s1",
            "sunionstore m1 m2 l1",
            "zunionstore z2 2 z1 l1",
            "lmove l1 m1 left right",
            "rpoplpush l1 s1",
            "bitop or new s1 s2 m1",
            "pfmerge new s1 s2",
        ] {
            let reply = ask(line);
            assert!(
                matches!(reply, Value::Error(_) | Value::Integer(0)),
                "{shards} shards, {line}: {reply:?}"
            );
            assert_eq!(all(&mut ask), before, "{shards} shards, {line}");
        }
    }
}

/// Others take two of the keys again and again, each time with the stamp of a younger command.
#[test]
fn whoever_is_refused_often_comes_through_all_the_same() {
    let mut refusals = 0;
    for seed in 0..50 {
        let mut prng = Prng::new(seed);
        let mut sim = Sim::new(4, seed);
        let clients: Vec<Client> = (0..6).map(|_| sim.connect()).collect();
        let mut free = vec![true; clients.len()];
        let victim = sim.connect();
        let mut words: Vec<&[u8]> = vec![b"del"];
        words.extend(KEYS);
        sim.send_words(victim, &words);
        let mut steps = 0;
        while sim.take_reply(victim).is_none() {
            for (client, free) in clients.iter().zip(&mut free) {
                *free |= sim.take_reply(*client).is_some();
                if std::mem::take(free) {
                    sim.send_words(*client, &[b"del", *prng.pick(&KEYS), *prng.pick(&KEYS)]);
                }
            }
            assert!(sim.step(), "seed {seed}: nothing is left to happen");
            steps += 1;
            assert!(steps < 20_000, "seed {seed}: it starves");
        }
        refusals +=
            sim.engines().iter().map(|core| core.center().metrics.counters.lock_refusals).sum::<u64>();
    }
    assert!(refusals > 50, "{refusals} refusals: nobody was in anybody's way");
}
