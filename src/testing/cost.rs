//! What spanning shards costs is counted, and what does not span costs none of it: the counters in INFO's section
//! `medusa`, and the histograms of the same command on one shard and on several.

use crate::base::prng::Prng;
use crate::resp::value::Value;
use crate::testing::sim::{Client, Sim, encode};
use std::collections::BTreeMap;
use std::time::Duration;

/// What only commands that span shards, or that meet one, may move.
const COUNTERS: [&str; 11] = [
    "spanning_commands",
    "spanning_transactions",
    "spanning_hops",
    "spanning_parked",
    "lock_requests",
    "lock_refusals",
    "lock_waits",
    "lock_wait_usec",
    "commands_parked",
    "offers",
    "offers_passed",
];

/// Cores, a client of the first, and keys by the number of their shard.
struct World {
    sim: Sim,
    client: Client,
    keys: Vec<Vec<String>>,
}

impl World {
    fn new(shards: u16, seed: u64) -> World {
        let mut sim = Sim::new(shards, seed);
        let client = sim.connect();
        let owners = sim.engines()[0].center().owners;
        let mut keys = vec![Vec::new(); usize::from(shards)];
        for number in 0..64 * u32::from(shards) {
            let key = format!("key:{number}");
            keys[usize::from(owners.locate(key.as_bytes()).shard.0)].push(key);
        }
        World { sim, client, keys }
    }

    /// A line of words; `SHARD.NUMBER` in braces stands for a key: `{0.1}` is the second key of the first shard.
    fn words(&self, line: &str) -> Vec<Vec<u8>> {
        let word = |word: &str| match word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(place) => {
                let (shard, number) = place.split_once('.').expect("a shard and a number");
                self.keys[shard.parse::<usize>().unwrap()][number.parse::<usize>().unwrap()].clone()
            }
            None => word.to_owned(),
        };
        line.split(' ').map(|text| word(text).into_bytes()).collect()
    }

    fn send(&mut self, client: Client, line: &str) {
        let words = self.words(line);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.sim.send_words(client, &words);
    }

    /// To its core at once, before anything else happens.
    fn deliver(&mut self, client: Client, line: &str) {
        let words = self.words(line);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.sim.deliver(client, &encode(&words));
    }

    fn ask(&mut self, line: &str) -> Value {
        self.send(self.client, line);
        self.sim.settle();
        self.sim.take_reply(self.client).expect("a command has a reply")
    }

    fn section(&mut self, section: &str) -> BTreeMap<String, String> {
        let Value::Bulk(text) = self.ask(&format!("INFO {section}")) else { panic!("INFO is a text") };
        let text = String::from_utf8(text).unwrap();
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The counters that are not zero.
    fn cost(&mut self) -> BTreeMap<&'static str, u64> {
        let section = self.section("medusa");
        let figures = COUNTERS.iter().map(|name| (*name, section[*name].parse().unwrap()));
        figures.filter(|(_, count)| *count > 0).collect()
    }

    /// What a line, or several of one client, costs on servers that have counted nothing before.
    fn cost_of(&mut self, lines: &[&str]) -> BTreeMap<&'static str, u64> {
        self.ask("CONFIG RESETSTAT");
        for line in lines {
            self.ask(line);
        }
        self.cost()
    }
}

fn figures(pairs: &[(&'static str, u64)]) -> BTreeMap<&'static str, u64> {
    pairs.iter().copied().collect()
}

#[test]
fn commands_on_one_shard_lock_nothing_and_cost_nothing_of_it() {
    for shard in ["0", "2"] {
        let mut world = World::new(3, 1);
        for line in [
            "SET {#.0} 1",
            "GET {#.0}",
            "INCR {#.0}",
            "MSET {#.0} 1 {#.1} 2",
            "MGET {#.0} {#.1} {#.2}",
            "MSETNX {#.3} 1 {#.4} 2",
            "EXISTS {#.0} {#.1}",
            "RENAME {#.0} {#.2}",
            "DEL {#.1} {#.2} {#.3} {#.4}",
            "SADD {#.0} a b",
            "SADD {#.1} b c",
            "SINTERSTORE {#.2} {#.0} {#.1}",
            "RPUSH {#.3} x",
            "BLPOP {#.4} {#.3} 0",
            "BLPOP {#.4} {#.3} 0.01",
            "PING",
        ] {
            let line = line.replace('#', shard);
            world.send(world.client, &line);
            while world.sim.step() {
                let idle = world.sim.engines().iter().all(|engine| engine.center().locks.is_empty());
                assert!(idle, "{line}: a lock");
            }
            world.sim.settle_waits();
            let reply = world.sim.take_reply(world.client);
            assert!(!matches!(reply, None | Some(Value::Error(_))), "{line}: {reply:?}");
        }
        assert_eq!(world.cost(), figures(&[]), "shard {shard}");
        assert!(!world.section("commandstats").values().any(|line| line.contains("spanning")));
        assert!(!world.section("latencystats").keys().any(|name| name.contains("spanning")));
    }
}

#[test]
fn every_kind_of_spanning_command_has_its_price() {
    let mut world = World::new(3, 2);
    let price = |commands, hops, requests| {
        figures(&[("spanning_commands", commands), ("spanning_hops", hops), ("lock_requests", requests)])
    };
    // The answer is there with the locks.
    assert_eq!(world.cost_of(&["MSET {0.0} 1 {1.0} 1 {2.0} 1"]), price(1, 1, 3));
    assert_eq!(world.cost_of(&["MGET {0.0} {1.0} {0.1}"]), price(1, 1, 2));
    assert_eq!(world.cost_of(&["DBSIZE"]), price(1, 1, 3));
    // A write waits until it is written.
    assert_eq!(world.cost_of(&["DEL {0.0} {1.0} {2.0}"]), price(1, 2, 3));
    // In hops: reads, then writes.
    world.ask("SADD {0.2} a b");
    world.ask("SADD {1.2} b c");
    assert_eq!(world.cost_of(&["SINTERSTORE {2.2} {0.2} {1.2}"]), price(1, 3, 3));
    assert_eq!(world.cost_of(&["RENAME {2.2} {1.2}"]), price(1, 3, 2));
    assert_eq!(world.cost_of(&["RENAME {2.2} {1.2}"]), price(1, 2, 2));
}

#[test]
fn a_transaction_has_its_price_and_so_has_what_spans_within_it() {
    let mut world = World::new(3, 3);
    let begun = world.cost_of(&["MULTI", "SET {1.0} 1", "INCR {1.0}", "EXEC"]);
    // On one shard its commands go with the request for locks.
    assert_eq!(begun, figures(&[("spanning_hops", 1), ("lock_requests", 1)]));
    let apart = world.cost_of(&["MULTI", "SET {0.0} 1", "SET {1.0} 1", "SET {2.0} 1", "EXEC"]);
    // Each shard gets its own at the same time, however they are mixed.
    let price = figures(&[("spanning_transactions", 1), ("spanning_hops", 2), ("lock_requests", 3)]);
    assert_eq!(apart, price);
    let sets =
        ["SET {0.0} 1", "SET {1.0} 1", "INCR {0.0}", "SET {2.0} 1", "INCR {1.0}", "GET {2.0}", "GET {0.0}"];
    let mixed = world.cost_of(&[&["MULTI"], &sets[..], &["EXEC"]].concat());
    assert_eq!(mixed, price);
    let within = world.cost_of(&["MULTI", "DEL {1.0} {2.0}", "EXEC"]);
    let want =
        [("spanning_transactions", 1), ("spanning_commands", 1), ("spanning_hops", 2), ("lock_requests", 2)];
    assert_eq!(within, figures(&want));
    assert!(world.section("commandstats")["cmdstat_exec"].contains(",spanning_calls=1,"));
}

#[test]
fn a_wait_on_several_shards_is_counted_with_its_offers() {
    let mut world = World::new(3, 4);
    let pusher = world.sim.connect();
    world.send(world.client, "BLPOP {1.0} {2.0} 0");
    world.sim.settle();
    world.send(pusher, "RPUSH {2.0} x");
    world.sim.settle();
    assert!(matches!(world.sim.take_reply(world.client), Some(Value::Array(_))));
    let popped = world.cost();
    assert_eq!((popped["spanning_commands"], popped["spanning_parked"], popped["offers"]), (1, 1, 1));
    // A move takes its offer as a command that spans shards, and is still one call.
    world.send(world.client, "BLMOVE {1.0} {2.1} LEFT LEFT 0");
    world.sim.settle();
    world.send(pusher, "RPUSH {1.0} y");
    world.sim.settle();
    assert_eq!(world.sim.take_reply(world.client), Some(Value::Bulk(b"y".to_vec())));
    let moved = world.cost();
    assert_eq!((moved["spanning_commands"], moved["spanning_parked"], moved["offers"]), (2, 2, 2));
    assert!(world.section("commandstats")["cmdstat_blmove"].starts_with("calls=1,"));
    assert!(!moved.contains_key("offers_passed"));
}

#[test]
fn an_offer_that_comes_too_late_is_passed_on() {
    let mut late = 0;
    for seed in 0..20 {
        let mut world = World::new(3, seed);
        let pusher = world.sim.connect();
        world.send(world.client, "BLPOP {1.0} {2.0} 0");
        world.sim.settle();
        for line in ["MULTI", "RPUSH {1.0} x", "RPUSH {2.0} x", "EXEC"] {
            world.send(pusher, line);
        }
        world.sim.settle();
        assert!(matches!(world.sim.take_reply(world.client), Some(Value::Array(_))), "seed {seed}");
        let cost = world.cost();
        let passed = cost.get("offers_passed").copied().unwrap_or(0);
        // One was taken; what was passed on is offered again while the wait has not ended there.
        assert!(passed < cost["offers"], "seed {seed}: {cost:?}");
        late += passed;
    }
    assert!(late > 0, "no seed has two offers under way");
}

/// A shard that is long at work would otherwise get more requests of the same command all the time than it can refuse.
#[test]
fn whoever_is_refused_does_not_ask_again_before_its_shards_have_let_go() {
    for lines in [&["DEL {0.0} {1.0}"][..], &["MULTI", "DEL {0.0}", "DEL {1.0}", "EXEC"]] {
        let mut world = World::new(2, 1);
        let (waiter, pusher) = (world.sim.connect(), world.sim.connect());
        world.send(waiter, "BLPOP {0.0} {1.0} 0");
        world.sim.settle();
        let before = world.cost()["lock_requests"];
        // The first shard keeps the key until the waiter's core answers, which gets no turn for a second.
        world.deliver(pusher, "RPUSH {0.0} x");
        lines.iter().for_each(|line| world.deliver(world.client, line));
        for _ in 0..1_000 {
            world.sim.turn(0, Duration::from_millis(1));
        }
        assert_eq!(world.sim.take_reply(waiter), None);
        world.sim.settle();
        assert!(matches!(world.sim.take_reply(waiter), Some(Value::Array(_))));
        let reply = world.sim.take_replies(world.client).pop();
        assert!(matches!(reply, Some(Value::Integer(0) | Value::Array(_))), "{reply:?}");
        let attempts = (world.cost()["lock_requests"] - before) / 2;
        assert!((2..=4).contains(&attempts), "{lines:?}: {attempts} attempts");
    }
}

/// Many clients at once, some on single keys of what the others lock.
#[test]
fn waits_and_refusals_are_counted_where_commands_meet() {
    let mut total: BTreeMap<&str, u64> = BTreeMap::new();
    let mut longest = 0.0_f64;
    for seed in 0..20 {
        let mut world = World::new(4, seed);
        let mut prng = Prng::new(seed);
        let clients: Vec<Client> = (0..6).map(|_| world.sim.connect()).collect();
        for _ in 0..40 {
            for client in &clients {
                let line = if prng.one_in(4) { "INCR {1.0}" } else { "DEL {0.0} {1.0} {2.0} {3.0}" };
                world.send(*client, line);
            }
            for _ in 0..prng.below(20) {
                world.sim.step();
            }
        }
        world.sim.settle();
        let cost = world.cost();
        // Every attempt asks four shards, and those that were not refused asked them once more. Some of the commands
        // of one client go together.
        let attempts = cost["lock_requests"] / 4;
        let granted = attempts - cost.get("lock_refusals").copied().unwrap_or(0);
        assert_eq!(cost["lock_requests"] % 4, 0, "seed {seed}");
        assert!((1..=cost["spanning_commands"]).contains(&granted), "seed {seed}");
        assert_eq!(cost["spanning_hops"], attempts + granted, "seed {seed}");
        let section = world.section("medusa");
        longest = longest.max(section["lock_wait_usec_max"].parse().unwrap());
        for (name, count) in cost {
            *total.entry(name).or_default() += count;
        }
    }
    for name in ["lock_waits", "lock_wait_usec", "lock_refusals", "commands_parked"] {
        assert!(total.contains_key(name), "{name} never moved: {total:?}");
    }
    assert!(longest > 0.0);
}

#[test]
fn calls_on_one_shard_and_on_several_have_histograms_of_their_own() {
    let mut world = World::new(2, 5);
    for line in ["MSET {0.0} 1 {1.0} 1", "MGET {0.0} {0.1}", "MGET {1.0} {1.1}", "MGET {0.0} {1.0}"] {
        world.ask(line);
    }
    let counts = world.section("commandstats");
    let mget = &counts["cmdstat_mget"];
    assert!(
        mget.starts_with("calls=3,usec=") && mget.contains(",failed_calls=0,spanning_calls=1,"),
        "{mget}"
    );
    let latencies = world.section("latencystats");
    let prefixes = ["", "single_shard_", "spanning_", "spanning_wait_"];
    for prefix in prefixes {
        assert!(latencies.contains_key(&format!("latency_percentiles_{prefix}usec_mget")), "{latencies:?}");
    }
    // MSET ran on several only: no line of calls on one.
    assert!(!latencies.contains_key("latency_percentiles_single_shard_usec_mset"), "{latencies:?}");
    let Value::Array(parts) = world.ask("LATENCY HISTOGRAM mget") else { panic!("an array") };
    let fields = parts[1].as_items().unwrap();
    let calls = |name: &str| {
        let at = fields.iter().position(|field| *field == Value::Bulk(name.as_bytes().to_vec()));
        &fields[at.unwrap_or_else(|| panic!("{name} in {fields:?}")) + 1]
    };
    // Redis's own two come first and count everything.
    assert_eq!(fields[0], Value::Bulk(b"calls".to_vec()));
    assert_eq!(fields[2], Value::Bulk(b"histogram_usec".to_vec()));
    assert_eq!(*calls("calls"), Value::Integer(3));
    assert_eq!(*calls("single_shard_calls"), Value::Integer(2));
    assert_eq!(*calls("spanning_calls"), Value::Integer(1));
    for name in ["single_shard_histogram_usec", "spanning_histogram_usec", "spanning_wait_histogram_usec"] {
        assert!(calls(name).as_items().is_some_and(|rows| rows.len() >= 2), "{name} in {fields:?}");
    }
    world.ask("CONFIG RESETSTAT");
    assert_eq!(world.cost(), figures(&[]));
    assert_eq!(world.ask("LATENCY HISTOGRAM mget"), Value::Array(Vec::new()));
}
