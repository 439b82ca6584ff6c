//! What the README promises of commands that wait, under a seed: nothing is lost, nothing is given twice, those
//! who wait for a key are served in the order they came, and time-outs come when they should.

use crate::base::ids::ShardId;
use crate::base::prng::Prng;
use crate::resp::value::Value;
use crate::testing::sim::{Client, Sim, encode};
use std::collections::BTreeMap;
use std::time::Duration;

const KEYS: [&str; 8] = ["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"];

fn element(reply: &Value) -> Option<u64> {
    let text = match reply {
        Value::Array(items) => items.last()?,
        other => other,
    };
    if let Value::Bulk(digits) = text { String::from_utf8_lossy(digits).parse().ok() } else { None }
}

/// Waiters, pushers, poppers and movers; every element is seen once in the end, by somebody or in a list.
fn play(seed: u64) -> Result<(), String> {
    let mut prng = Prng::new(seed);
    let shards = *prng.pick(&[1, 2, 3, 4]);
    let mut sim = Sim::new(shards, prng.next_u64());
    sim.slow_some();
    let clients: Vec<Client> = (0..10).map(|_| sim.connect()).collect();
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    let mut pushed = 0_u64;
    for _ in 0..80 {
        let at = prng.below(clients.len() as u64) as usize;
        let client = clients[at];
        let key = |prng: &mut Prng| prng.pick(&KEYS).as_bytes();
        match at {
            0..3 => {
                pushed += 1;
                let digits = pushed.to_string();
                let words: [&[u8]; 3] = [b"rpush", key(&mut prng), digits.as_bytes()];
                if prng.one_in(3) {
                    sim.send_words(client, &[b"multi"]);
                    sim.send_words(client, &words);
                    sim.send_words(client, &[b"exec"]);
                } else {
                    sim.send_words(client, &words);
                }
            }
            3 => sim.send_words(client, &[b"lpop", key(&mut prng)]),
            4 | 5 => {
                let (from, to) = (key(&mut prng), key(&mut prng));
                sim.send_words(client, &[b"blmove", from, to, b"left", b"right", b"0.5"]);
            }
            6 => {
                let keys = [key(&mut prng), key(&mut prng), key(&mut prng)];
                sim.send_words(client, &[b"mget", keys[0], keys[1], keys[2]]);
            }
            _ => {
                let mut words: Vec<&[u8]> = vec![b"blpop"];
                words.extend((0..=prng.below(3)).map(|_| key(&mut prng)));
                words.push(*prng.pick(&[&b"0"[..], b"0.2", b"3"]));
                sim.send_words(client, &words);
            }
        }
        for _ in 0..prng.below(20) {
            sim.step();
        }
        if prng.one_in(20) {
            sim.advance(Duration::from_millis(prng.below(400)));
        }
    }
    // Whoever still waits gives up, or is served by what comes now.
    for round in 0..400 {
        sim.settle();
        if round > 200 {
            pushed += 1;
            let digits = pushed.to_string();
            let key = KEYS[round % KEYS.len()].as_bytes();
            sim.send_words(clients[0], &[b"rpush", key, digits.as_bytes()]);
        }
        sim.advance(Duration::from_millis(100));
    }
    sim.settle();
    for (at, client) in clients.iter().enumerate() {
        for reply in sim.take_replies(*client) {
            if matches!(at, 3 | 7..)
                && let Some(element) = element(&reply)
            {
                *seen.entry(element).or_default() += 1;
            }
        }
    }
    let reader = sim.connect();
    for key in KEYS {
        let Value::Array(items) = sim.call(reader, &[b"lrange", key.as_bytes(), b"0", b"-1"]) else {
            return Err("LRANGE answers an array".into());
        };
        for item in &items {
            *seen.entry(element(item).ok_or("an element that nobody pushed")?).or_default() += 1;
        }
    }
    for number in 1..=pushed {
        match seen.get(&number) {
            Some(1) => {}
            other => return Err(format!("element {number} of {pushed} was seen {other:?} times")),
        }
    }
    for engine in sim.engines() {
        let center = engine.center();
        if !center.locks.is_empty() || !center.waiting.keeps_none() || center.waiting.count() > 0 {
            return Err(format!("core {} is not at rest", center.id.0));
        }
    }
    Ok(())
}

#[test]
fn nothing_is_lost_and_nothing_is_given_twice() {
    let seeds = std::env::var("MEDUSA_SIM_SEEDS").ok().and_then(|count| count.parse().ok());
    for seed in 0..seeds.unwrap_or(300) {
        if let Err(fault) = play(seed) {
            panic!("seed {seed}: {fault}");
        }
    }
}

#[test]
fn those_who_wait_for_a_key_are_served_in_the_order_they_came() {
    for seed in 0..200 {
        let mut prng = Prng::new(seed);
        let mut sim = Sim::new(*prng.pick(&[1, 2, 4]), seed);
        let clients: Vec<Client> = (0..8).map(|_| sim.connect()).collect();
        for client in &clients {
            // Some wait for other keys as well, which may live anywhere.
            let mut words: Vec<&[u8]> = vec![b"blpop"];
            if prng.one_in(2) {
                words.push(b"other1");
            }
            words.push(b"key");
            if prng.one_in(2) {
                words.push(b"other2");
            }
            words.push(b"0");
            sim.send_words(*client, &words);
            sim.settle();
        }
        let pusher = sim.connect();
        if prng.one_in(2) {
            sim.call(pusher, &[b"rpush", b"key", b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7"]);
        } else {
            for number in 0..8 {
                sim.send_words(pusher, &[b"rpush", b"key", number.to_string().as_bytes()]);
            }
        }
        sim.settle();
        for (number, client) in clients.iter().enumerate() {
            let reply = sim.take_reply(*client);
            let got = reply.as_ref().and_then(element);
            assert_eq!(got, Some(number as u64), "seed {seed}: the waiter with this number got {reply:?}");
        }
    }
}

#[test]
fn a_wait_ends_when_its_time_is_up_and_not_before() {
    for (shards, keys) in [(1, &[&b"a"[..], b"b"][..]), (4, &[b"a"]), (4, &[b"a", b"b", b"c", b"d"])] {
        let mut sim = Sim::new(shards, 7);
        let client = sim.connect();
        let mut words: Vec<&[u8]> = vec![b"blpop"];
        words.extend(keys);
        words.push(b"0.35");
        sim.send_words(client, &words);
        sim.settle();
        sim.advance(Duration::from_millis(300));
        assert_eq!(sim.take_reply(client), None);
        sim.advance(Duration::from_millis(100));
        assert_eq!(sim.take_reply(client), Some(Value::NullArray));
        assert_eq!(sim.call(client, &[b"rpush", b"a", b"1"]), Value::Integer(1));
    }
}

#[test]
fn one_move_sets_off_the_next() {
    for shards in [1, 2, 4] {
        let mut sim = Sim::new(shards, 3);
        let movers: Vec<Client> = (0..3).map(|_| sim.connect()).collect();
        for (at, mover) in movers.iter().enumerate() {
            sim.send_words(
                *mover,
                &[b"blmove", KEYS[at].as_bytes(), KEYS[at + 1].as_bytes(), b"left", b"right", b"0"],
            );
            sim.settle();
        }
        let pusher = sim.connect();
        sim.call(pusher, &[b"rpush", b"k1", b"x"]);
        for mover in movers {
            assert_eq!(sim.take_reply(mover), Some(Value::Bulk(b"x".to_vec())), "{shards} shards");
        }
        let end = sim.call(pusher, &[b"lrange", b"k4", b"0", b"-1"]);
        assert_eq!(end, Value::Array(vec![Value::Bulk(b"x".to_vec())]));
    }
}

#[test]
fn a_client_can_be_told_to_wait_no_more() {
    for (shards, key) in [(1, &b"a"[..]), (2, b"a"), (2, b"b")] {
        let mut sim = Sim::new(shards, 5);
        let (waiter, other) = (sim.connect(), sim.connect());
        let Value::Integer(id) = sim.call(waiter, &[b"client", b"id"]) else { panic!("an id") };
        let id = id.to_string();
        for (word, multi) in [("timeout", false), ("error", true), ("error", false), ("timeout", true)] {
            let words: &[&[u8]] =
                if multi { &[b"blpop", b"a", b"b", b"c", b"d", b"0"] } else { &[b"blpop", key, b"0"] };
            sim.send_words(waiter, words);
            sim.settle();
            let unblock: [&[u8]; 4] = [b"client", b"unblock", id.as_bytes(), word.as_bytes()];
            assert_eq!(sim.call(other, &unblock), Value::Integer(1), "{shards} shards, {word}, {multi}");
            let reply = sim.take_reply(waiter);
            if word == "timeout" {
                assert_eq!(reply, Some(Value::NullArray));
            } else {
                let text = b"UNBLOCKED client unblocked via CLIENT UNBLOCK".to_vec();
                assert_eq!(reply, Some(Value::Error(text)));
            }
            assert_eq!(sim.call(other, &unblock), Value::Integer(0));
        }
        sim.send_words(waiter, &[b"blpop", key, b"0"]);
        sim.settle();
        sim.hang_up(waiter);
        sim.settle();
        assert_eq!(sim.call(other, &[b"rpush", key, b"1"]), Value::Integer(1));
        assert_eq!(sim.call(other, &[b"llen", key]), Value::Integer(1), "nobody takes it for the dead");
    }
}

#[test]
fn readers_of_streams_wait_for_what_comes_after() {
    for shards in [1, 2, 4] {
        let mut sim = Sim::new(shards, 9);
        let readers: Vec<Client> = (0..3).map(|_| sim.connect()).collect();
        let writer = sim.connect();
        sim.call(writer, &[b"xadd", b"s", b"1-1", b"f", b"old"]);
        sim.call(writer, &[b"xgroup", b"create", b"s", b"g", b"$"]);
        sim.send_words(readers[0], &[b"xread", b"block", b"0", b"streams", b"s", b"$"]);
        sim.send_words(
            readers[1],
            &[b"xread", b"count", b"1", b"block", b"0", b"streams", b"t", b"s", b"u", b"0", b"$", b"$"],
        );
        sim.send_words(
            readers[2],
            &[b"xreadgroup", b"group", b"g", b"c", b"block", b"0", b"streams", b"s", b">"],
        );
        sim.settle();
        assert!(readers.iter().all(|reader| sim.take_reply(*reader).is_none()));
        sim.call(writer, &[b"xadd", b"s", b"2-1", b"f", b"new"]);
        for reader in readers {
            let reply = sim.take_reply(reader).map(|reply| format!("{reply:?}")).unwrap_or_default();
            assert!(reply.contains("50, 45, 49"), "{shards} shards: the entry 2-1 in {reply}");
            assert!(!reply.contains("49, 45, 49"), "{shards} shards: not the entry 1-1 in {reply}");
        }
        let pending = sim.call(writer, &[b"xpending", b"s", b"g"]);
        assert!(format!("{pending:?}").contains("Integer(1)"), "{pending:?}");
    }
}

/// What is under way to a peer is bounded: were those who wait a part of it, enough of them would shut it off.
#[test]
fn whoever_waits_on_another_core_takes_no_room_from_others() {
    let mut sim = Sim::new(2, 1);
    let clients: Vec<Client> = (0..8).map(|_| sim.connect()).collect();
    let (pusher, leaver) = (clients[7], clients[6]);
    for client in &clients[..7] {
        sim.send_words(*client, &[b"blpop", b"a", b"0"]);
    }
    sim.settle();
    let under_way =
        |sim: &mut Sim| sim.engines().iter().map(|core| core.center().outboxes.under_way()).sum::<usize>();
    assert_eq!(under_way(&mut sim), 0, "they wait");
    sim.hang_up(leaver);
    sim.settle();
    assert_eq!(under_way(&mut sim), 0, "one has gone");
    sim.call(pusher, &[b"rpush", b"a", b"1", b"2", b"3", b"4", b"5", b"6"]);
    for client in &clients[..6] {
        assert!(matches!(sim.take_reply(*client), Some(Value::Array(_))));
    }
    assert_eq!(under_way(&mut sim), 0, "they have been served");
}

#[test]
fn a_line_that_meets_a_lock_rests_until_the_lock_is_gone() {
    // The first in line was once asked for ever, because the second met a lock that only a message could release.
    let mut sim = Sim::new(2, 11);
    let center = sim.engines()[0].center();
    let (id, owners) = (center.id, center.owners);
    let (near, far): (Vec<String>, Vec<String>) =
        (0..40).map(|number| format!("k{number}")).partition(|key| owners.locate(key.as_bytes()).shard == id);
    let clients: Vec<Client> = (0..8).map(|_| sim.connect()).collect();
    // Those of the first core; the others are of the second.
    let [first, second, reader, writer] = [0, 2, 4, 6].map(|at| clients[at]);
    let words = |words: &[&str]| encode(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
    let send = |sim: &mut Sim, client: Client, bytes: Vec<u8>| {
        sim.send(client, &bytes);
        sim.settle();
    };
    send(&mut sim, first, words(&["blpop", &far[0], &near[0], "0"]));
    send(&mut sim, second, words(&["blmove", &near[0], &near[1], "left", "right", "0"]));
    // A command on both cores holds the destination of the second: its messages are not delivered yet.
    let at = sim.connection(reader);
    sim.engines()[0].on_bytes(at, &words(&["mget", &near[1], &far[1]]));
    let block = [&["multi"][..], &["rpush", &near[0], "x"], &["lpop", &near[0]], &["exec"]];
    let at = sim.connection(writer);
    sim.engines()[0].on_bytes(at, &block.map(words).concat());
    sim.settle();
    assert_eq!(sim.take_replies(first).len(), 0);
    send(&mut sim, writer, words(&["rpush", &near[0], "y"]));
    let reply = Value::Array([&near[0], "y"].map(|part| Value::Bulk(part.as_bytes().to_vec())).to_vec());
    assert_eq!(sim.take_replies(first), [reply]);
}

#[test]
fn a_wait_counts_from_when_its_command_was_read_though_its_owner_is_in_an_older_turn() {
    let mut sim = Sim::new(2, 7);
    let client = sim.connect();
    let at = sim.connection(client);
    let far = sim.key_on(ShardId(1));
    let [home, owner] = sim.engines() else { panic!("two cores") };
    assert_eq!(home.center().id, ShardId(0), "the first client is on the first core");
    home.center().clock.advance(Duration::from_micros(20_300));
    let read = home.center().clock.now();
    home.begin_turn(read);
    home.on_bytes(at, &encode(&[b"blpop", far.as_bytes(), b"0.05"]));
    let batch = home.take_mail(ShardId(1)).expect("the key is the other core's");
    assert!(owner.center().now.unix_us < read.unix_us, "its turn began before the command came");
    owner.on_mail(ShardId(0), batch);
    let until_ms = owner.center().waiting.next_deadline_ms().expect("it waits");
    assert_eq!(until_ms, (read.unix_us + 50_000).div_ceil(1_000));
}

/// Whoever waits has the first element that is pushed, however many come meanwhile who would take it.
fn first_is_first(seed: u64) -> Result<(), String> {
    let mut prng = Prng::new(seed);
    let mut sim = Sim::new(2 + prng.below(3) as u16, prng.next_u64());
    sim.slow_some();
    let clients: Vec<Client> = (0..9).map(|_| sim.connect()).collect();
    let [first, pusher, others @ ..] = &clients[..] else { panic!("nine") };
    let command = |prng: &mut Prng| {
        let mut keys = KEYS[..3].to_vec();
        keys.swap(0, prng.below(3) as usize);
        encode(&[b"blpop", keys[0].as_bytes(), keys[1].as_bytes(), keys[2].as_bytes(), b"0"])
    };
    let asked = command(&mut prng);
    sim.send(*first, &asked);
    sim.settle();
    for round in 0..30 {
        let digits = round.to_string();
        for key in &KEYS[..3] {
            sim.send_words(*pusher, &[b"rpush", key.as_bytes(), digits.as_bytes()]);
        }
        for client in others {
            // Each asks again as soon as it is answered.
            if round == 0 || !sim.take_replies(*client).is_empty() {
                let asked = command(&mut prng);
                sim.send(*client, &asked);
            }
        }
        for _ in 0..prng.below(20) {
            sim.step();
        }
    }
    sim.settle();
    match sim.take_replies(*first).first().and_then(element) {
        Some(0) => Ok(()),
        other => Err(format!("who was first has {other:?}")),
    }
}

#[test]
fn whoever_waits_is_served_before_those_who_come_after() {
    for seed in 0..400 {
        if let Err(fault) = first_is_first(seed) {
            panic!("seed {seed}: {fault}");
        }
    }
}
