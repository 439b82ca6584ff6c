//! What the README promises of transactions whose keys live on several cores, under a seed: nobody sees half of
//! one, a watched key that has changed in any way makes EXEC do nothing, and an error within undoes nothing.

use crate::base::limits::{LOCK_RETRY_DOUBLINGS_MAX, LOCK_RETRY_NS};
use crate::base::prng::Prng;
use crate::resp::value::Value;
use crate::testing::sim::{Client, Sim, encode};
use crate::testing::twins::Twins;
use std::time::Duration;

const KEYS: [&str; 6] = ["t1", "t2", "t3", "t4", "t5", "t6"];
const SHARDS: [u16; 4] = [1, 2, 3, 4];

fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

fn call(sim: &mut Sim, client: Client, line: &str) -> Value {
    sim.call(client, &words(line))
}

fn send(sim: &mut Sim, client: Client, line: &str) {
    sim.send_words(client, &words(line));
}

fn bulk(text: &str) -> Value {
    Value::Bulk(text.as_bytes().to_vec())
}

/// Writers set all keys in one transaction, in an order of their own; readers read them in another, or by MGET.
#[test]
fn nobody_sees_half_of_a_transaction() {
    for seed in 0..200 {
        let mut prng = Prng::new(seed);
        let mut sim = Sim::new(*prng.pick(&SHARDS), prng.next_u64());
        sim.slow_some();
        let clients: Vec<Client> = (0..6).map(|_| sim.connect()).collect();
        for number in 0..40 {
            let at = prng.below(6) as usize;
            let first = prng.below(6) as usize;
            let keys = (0..KEYS.len()).map(|step| KEYS[(first + step) % KEYS.len()]);
            match at {
                0 | 1 => {
                    send(&mut sim, clients[at], "multi");
                    keys.for_each(|key| send(&mut sim, clients[at], &format!("set {key} {number}")));
                    send(&mut sim, clients[at], "exec");
                }
                2 | 3 => {
                    send(&mut sim, clients[at], "multi");
                    keys.for_each(|key| send(&mut sim, clients[at], &format!("get {key}")));
                    send(&mut sim, clients[at], "exec");
                }
                _ => send(&mut sim, clients[at], &format!("mget {}", keys.collect::<Vec<_>>().join(" "))),
            }
            for _ in 0..prng.below(20) {
                sim.step();
            }
        }
        sim.settle();
        for client in &clients[2..] {
            for reply in sim.take_replies(*client) {
                if let Value::Array(values) = reply {
                    assert_eq!(values.len(), KEYS.len());
                    assert!(values.iter().all(|value| *value == values[0]), "seed {seed}: {values:?}");
                }
            }
        }
    }
}

/// What its shards run at the same time is answered in the order of the queue, as where there is one shard.
#[test]
fn a_transaction_is_answered_as_on_one_shard() {
    for seed in 0..300 {
        let mut prng = Prng::new(seed);
        let mut twins = Twins::new(seed, &mut prng);
        for _ in 0..4 {
            // Now and then all on one shard, and in vain.
            let keys = if prng.one_in(3) { ["{t}1", "{t}2", "{t}3", "{t}4", "{t}5", "{t}6"] } else { KEYS };
            let mut lines = Vec::new();
            if prng.one_in(3) {
                lines.push(format!("watch {}", prng.pick(&keys)));
                lines.push(format!("append {} x", prng.pick(&keys)));
            }
            lines.push("multi".to_owned());
            for _ in 0..prng.below(30) {
                let (key, other) = (*prng.pick(&keys), *prng.pick(&keys));
                lines.push(match prng.below(16) {
                    0..3 => format!("get {key}"),
                    3..6 => format!("incr {key}"),
                    6 | 7 => format!("append {key} {}", prng.below(10)),
                    8 | 9 => format!("rpush {key} x"),
                    10 => format!("lrange {key} 0 -1"),
                    11 => format!("mget {key} {other}"),
                    12 => format!("rename {key} {other}"),
                    13 => format!("del {key} {other}"),
                    14 => (*prng.pick(&["ping", "select 1", "select 0", "dbsize", "client reply on"]))
                        .to_owned(),
                    _ => (*prng.pick(&[
                        "client reply off",
                        "blpop t1 t2 t3 0",
                        "get",
                        "lmove t1 t2 left left",
                    ]))
                    .to_owned(),
                });
            }
            lines.extend(["exec".to_owned(), "client reply on".to_owned()]);
            twins.ask(&lines.iter().flat_map(|line| encode(&words(line))).collect::<Vec<u8>>(), seed);
        }
    }
}

/// One moves its key away, or lets it go, in every way there is.
#[test]
fn every_way_for_a_watched_key_to_change_makes_exec_do_nothing() {
    let ways: &[(&str, bool)] = &[
        ("set t3 x", true),
        ("mset t1 x t2 x t3 x t4 x", true),
        ("del t3 t1", true),
        ("rename t3 t9", true),
        ("expire t3 100", true),
        ("flushall", true),
        ("flushdb", true),
        ("swapdb 0 1", true),
        ("move t3 5", true),
        ("rename t8 t3", true),
        // These change nothing that is watched.
        ("get t3", false),
        ("set t7 x", false),
        ("setnx t3 x", false),
        ("swapdb 2 3", false),
        ("del t9", false),
    ];
    for shards in SHARDS {
        for (way, changes) in ways {
            // On one shard alone, and on all of them.
            for watch in ["watch t3", "watch t1 t2 t3 t4 t5"] {
                let mut sim = Sim::new(shards, 11);
                let (watcher, other) = (sim.connect(), sim.connect());
                call(&mut sim, other, "set t3 old");
                call(&mut sim, other, "set t8 old");
                assert_eq!(call(&mut sim, watcher, watch), Value::Simple(b"OK".to_vec()));
                call(&mut sim, other, way);
                call(&mut sim, watcher, "multi");
                call(&mut sim, watcher, "set t6 done");
                let done = call(&mut sim, watcher, "exec");
                assert_eq!(done == Value::NullArray, *changes, "{shards} shards, {watch}, {way}: {done:?}");
                let want = if *changes { Value::Integer(0) } else { Value::Integer(1) };
                assert_eq!(call(&mut sim, other, "del t6"), want, "{shards} shards, {watch}, {way}");
            }
        }
    }
}

/// Nobody touches the key, and upkeep may or may not have come by.
#[test]
fn a_watched_key_that_expires_makes_exec_do_nothing() {
    for shards in SHARDS {
        for upkeep in [false, true] {
            let mut sim = Sim::new(shards, 13);
            let client = sim.connect();
            for key in KEYS {
                call(&mut sim, client, &format!("set {key} x px 50"));
            }
            call(&mut sim, client, "watch t1 t2 t3 t4 t5 t6");
            call(&mut sim, client, "multi");
            call(&mut sim, client, "set done 1");
            sim.advance(Duration::from_millis(if upkeep { 500 } else { 51 }));
            assert_eq!(call(&mut sim, client, "exec"), Value::NullArray, "{shards} shards");
            assert_eq!(call(&mut sim, client, "exists done"), Value::Integer(0));
            // It was gone before it was watched: that is no change.
            call(&mut sim, client, "watch t1 t2 t3");
            call(&mut sim, client, "multi");
            call(&mut sim, client, "get t1");
            assert_eq!(call(&mut sim, client, "exec"), Value::Array(vec![Value::Null]), "{shards} shards");
        }
    }
}

/// Each reads two counters on different cores and writes both back, larger by one, if nobody came between.
#[test]
fn watched_increments_of_many_clients_add_up() {
    for seed in 0..40 {
        let mut prng = Prng::new(seed);
        let mut sim = Sim::new(*prng.pick(&SHARDS), prng.next_u64());
        let clients: Vec<Client> = (0..4).map(|_| sim.connect()).collect();
        let (mut done, mut given_up) = (0, 0);
        // What each does next: 0 watch and read, 1 queue and EXEC, 2 hear what came of it.
        let mut stages = vec![0; clients.len()];
        for _ in 0..800 {
            let at = prng.below(clients.len() as u64) as usize;
            let client = clients[at];
            match stages[at] {
                0 => {
                    send(&mut sim, client, "watch t1 t2");
                    send(&mut sim, client, "get t1");
                    stages[at] = 1;
                }
                stage => {
                    // The replies of a stage come together with its last: OK and a value, or what EXEC did.
                    let awaited = if stage == 1 { 2 } else { 4 };
                    let mut replies = Vec::new();
                    while replies.len() < awaited {
                        match sim.take_reply(client) {
                            Some(reply) => replies.push(reply),
                            None if sim.step() => {}
                            None => panic!("seed {seed}: {awaited} replies awaited, {replies:?} came"),
                        }
                    }
                    if stage == 1 {
                        let value = match &replies[1] {
                            Value::Bulk(digits) => String::from_utf8_lossy(digits).parse::<u64>().unwrap(),
                            _ => 0,
                        };
                        send(&mut sim, client, "multi");
                        send(&mut sim, client, &format!("set t1 {}", value + 1));
                        send(&mut sim, client, &format!("set t2 {}", value + 1));
                        send(&mut sim, client, "exec");
                        stages[at] = 2;
                    } else {
                        if replies[3] == Value::NullArray {
                            given_up += 1
                        } else {
                            done += 1
                        }
                        stages[at] = 0;
                    }
                }
            }
            for _ in 0..prng.below(6) {
                sim.step();
            }
        }
        sim.settle();
        // Some stopped behind their EXEC: it has run or not, and says so.
        for (client, stage) in clients.iter().zip(stages) {
            let replies = sim.take_replies(*client);
            if stage == 2 && replies.last() != Some(&Value::NullArray) {
                done += 1;
            }
        }
        let reader = sim.connect();
        let want = bulk(&done.to_string());
        assert_eq!(
            call(&mut sim, reader, "mget t1 t2"),
            Value::Array(vec![want.clone(), want]),
            "seed {seed}"
        );
        assert!(done > 20 && given_up > 20, "seed {seed}: {done} done, {given_up} given up: no race");
    }
}

#[test]
fn an_error_within_a_transaction_leaves_what_the_others_did() {
    for shards in SHARDS {
        let mut sim = Sim::new(shards, 17);
        let client = sim.connect();
        call(&mut sim, client, "rpush t2 x");
        call(&mut sim, client, "multi");
        for line in
            ["set t1 1", "incr t2", "set t3 3", "sinterstore t4 t2 t5", "rename t9 t1", "mset t5 5 t6 6"]
        {
            assert_eq!(call(&mut sim, client, line), Value::Simple(b"QUEUED".to_vec()));
        }
        let Value::Array(replies) = call(&mut sim, client, "exec") else { panic!("an array") };
        let failed: Vec<bool> = replies.iter().map(|reply| matches!(reply, Value::Error(_))).collect();
        assert_eq!(failed, [false, true, false, true, true, false], "{shards} shards: {replies:?}");
        let want = ["1", "3", "5", "6"].map(bulk).to_vec();
        assert_eq!(call(&mut sim, client, "mget t1 t3 t5 t6"), Value::Array(want));
        assert_eq!(call(&mut sim, client, "lrange t2 0 -1"), Value::Array(vec![bulk("x")]));
    }
}

/// SLOWLOG RESET was once taken for RESET, which forgets what is watched.
#[test]
fn only_reset_itself_ends_a_watch() {
    for line in ["slowlog reset", "latency reset", "config resetstat"] {
        let mut sim = Sim::new(2, 3);
        let client = sim.connect();
        ["watch t1 t2", line, "set t1 x", "multi"].iter().for_each(|line| drop(call(&mut sim, client, line)));
        assert_eq!(call(&mut sim, client, "exec"), Value::NullArray, "{line}");
    }
    let mut sim = Sim::new(2, 3);
    let client = sim.connect();
    ["watch t1 t2", "reset", "set t1 x", "multi"].iter().for_each(|line| drop(call(&mut sim, client, line)));
    assert_eq!(call(&mut sim, client, "exec"), Value::Array(Vec::new()));
}

/// Steps until a client's reply has come.
fn await_reply(sim: &mut Sim, client: Client) -> Value {
    loop {
        if let Some(reply) = sim.take_reply(client) {
            return reply;
        }
        assert!(sim.step(), "a command has a reply");
    }
}

/// MSET answers before it is done on every core. A watch that was begun before must see it, one begun after must not.
#[test]
fn a_write_that_was_answered_comes_before_what_is_asked_afterwards() {
    for seed in 0..300 {
        let mut sim = Sim::new(4, seed);
        let clients: Vec<Client> = (0..8).map(|_| sim.connect()).collect();
        let (writer, early, late) = (clients[1], clients[2], clients[3]);
        call(&mut sim, early, "watch t1 t2 t3");
        send(&mut sim, writer, "mset t1 x t2 x t3 x t4 x");
        await_reply(&mut sim, writer);
        // Neither reads what it watches, so nothing else makes it wait for the write.
        ["multi", "get t6", "exec"].iter().for_each(|line| send(&mut sim, early, line));
        send(&mut sim, late, "watch t1 t2 t3");
        await_reply(&mut sim, late);
        ["multi", "get t6", "exec"].iter().for_each(|line| send(&mut sim, late, line));
        sim.settle();
        assert_eq!(sim.take_replies(early).last(), Some(&Value::NullArray), "seed {seed}");
        assert_eq!(sim.take_replies(late).last(), Some(&Value::Array(vec![Value::Null])), "seed {seed}");
    }
}

/// Each of them, refused, once came again at once with a stamp above all others, and none ever got through.
#[test]
fn transactions_that_want_the_same_keys_part_after_some_refusals() {
    let mut sleeps = 0;
    for seed in 0..100 {
        let mut sim = Sim::new(2, seed);
        let clients: Vec<Client> = (0..8).map(|_| sim.connect()).collect();
        for round in 0..10 {
            for client in &clients {
                ["multi", "incr t1", "incr t2", "incr t3", "exec"]
                    .iter()
                    .for_each(|line| send(&mut sim, *client, line));
            }
            let mut steps = 0;
            while sim.step() {
                steps += 1;
                assert!(steps < 1_000_000, "seed {seed}, round {round}: nobody gets through");
                // Whoever only waits to ask again lets its core sleep until then.
                for engine in sim.engines() {
                    let wait_ns = engine.next_wake_ns();
                    if engine.center().waiting.has_later() && wait_ns != Some(0) {
                        let longest_ns = LOCK_RETRY_NS << LOCK_RETRY_DOUBLINGS_MAX;
                        assert!(wait_ns.is_some_and(|ns| ns <= longest_ns), "seed {seed}: {wait_ns:?}");
                        sleeps += 1;
                    }
                }
            }
        }
    }
    assert!(sleeps > 0);
}

/// As redis-server 7.0.15 answered.
#[test]
fn client_reply_within_a_transaction_counts_from_there_on() {
    let cases: [(&[&[&str]], &[u8]); 4] = [
        (
            &[
                &["multi"],
                &["client", "reply", "skip"],
                &["mget", "a", "b"],
                &["exec"],
                &["set", "a", "1"],
                &["get", "a"],
            ],
            b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*2\r\n$-1\r\n$-1\r\n$1\r\n1\r\n",
        ),
        (
            &[&["multi"], &["client", "reply", "off"], &["mget", "a", "b"], &["exec"], &["set", "a", "1"]],
            b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n",
        ),
        (
            &[
                &["multi"],
                &["client", "reply", "off"],
                &["ping"],
                &["client", "reply", "on"],
                &["ping"],
                &["exec"],
            ],
            b"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n+PONG\r\n",
        ),
        (
            &[
                &["multi"],
                &["client", "reply", "on"],
                &["ping"],
                &["client", "reply", "off"],
                &["exec"],
                &["ping"],
                &["client", "reply", "on"],
            ],
            b"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n+PONG\r\n+OK\r\n",
        ),
    ];
    for shards in [1, 2, 4] {
        for (commands, expected) in cases {
            let mut sim = Sim::new(shards, 3);
            let client = sim.connect();
            for words in commands {
                sim.send_words(client, &words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
            }
            sim.settle();
            let answer = sim.take_bytes(client);
            assert_eq!(
                answer.escape_ascii().to_string(),
                expected.escape_ascii().to_string(),
                "{shards} shards"
            );
        }
    }
}
