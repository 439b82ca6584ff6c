//! Commands that wait, under real threads: nothing that was pushed is lost or given twice, and queues keep their order.
//!
//! `src/testing/blocking.rs` proves this under simulated schedules; here the schedule is the machine's.
//! `MEDUSA_BLOCKING_PUSHES` asks for more than the 8,000 elements of an ordinary run.

use crate::at_each_core_count;
use crate::common::{Server, Wire, until};
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

const KEYS: usize = 8;
const WAITERS: usize = 64;
const PUSHERS: usize = 4;

/// Elements that a pusher sends before it looks at the replies.
const BATCH: usize = 16;

fn pushes() -> usize {
    let asked = std::env::var("MEDUSA_BLOCKING_PUSHES").ok();
    asked.map_or(8_000, |text| text.parse().expect("MEDUSA_BLOCKING_PUSHES is a number"))
}

fn key(number: usize) -> String {
    format!("queue:{number}")
}

/// The words of a reply that is a list of strings; empty: nil.
fn words(reply: &[u8]) -> Vec<String> {
    let text = String::from_utf8(reply.to_vec()).expect("text");
    text.split("\r\n")
        .filter(|line| !line.is_empty() && !line.starts_with(['*', '$']))
        .map(str::to_owned)
        .collect()
}

/// Waits until so many clients wait.
fn until_blocked(wire: &mut Wire, count: usize) {
    let line = format!("blocked_clients:{count}\r\n");
    until("clients wait", || String::from_utf8_lossy(&wire.call(&["INFO", "clients"])).contains(&line));
}

/// Takes elements until it is told to stop: what came from which key, in that order.
fn take(server: &Server, number: usize) -> Vec<(String, usize)> {
    let mut wire = server.connect();
    wire.set_patience(Duration::from_secs(120));
    // Every other one waits for all keys, beginning somewhere; the rest for a few. The first key is everybody's.
    let count = if number.is_multiple_of(2) { KEYS } else { 3 };
    let mut command = vec!["BLPOP".to_owned()];
    command.extend((0..count).map(|step| key((number + step) % KEYS)));
    command.extend([key(0), "0".to_owned()]);
    let mut taken = Vec::new();
    loop {
        let reply = words(&wire.call(&command));
        let [from, element] = &reply[..] else { panic!("a key and its element: {reply:?}") };
        if element == "stop" {
            return taken;
        }
        taken.push((from.clone(), element.parse().expect("a number")));
    }
}

/// Pushes numbers to each of its keys, in order, a batch at a time; some within a transaction.
fn push(server: &Server, number: usize, per_key: usize) {
    let mut wire = server.connect();
    let keys: Vec<String> = (0..KEYS).filter(|at| at % PUSHERS == number).map(key).collect();
    let mut next = 0;
    while next < per_key {
        let batch = next..(next + BATCH).min(per_key);
        next = batch.end;
        let block = batch.start.is_multiple_of(5 * BATCH);
        let mut replies = 0;
        if block {
            wire.command(&["MULTI"]);
        }
        for element in batch {
            for key in &keys {
                wire.command(&["RPUSH", key, &element.to_string()]);
                replies += 1;
            }
        }
        if block {
            wire.command(&["EXEC"]);
            replies += 2;
        }
        for _ in 0..replies {
            let reply = wire.reply();
            assert!(!reply.starts_with(b"-"), "{}", String::from_utf8_lossy(&reply));
        }
    }
}

#[test]
fn what_is_pushed_is_taken_once_and_in_order() {
    at_each_core_count(|server| {
        let server = &*server;
        let per_key = pushes() / KEYS;
        let began = Instant::now();
        let taken: Vec<Vec<(String, usize)>> = thread::scope(|scope| {
            let waiters: Vec<_> =
                (0..WAITERS).map(|number| scope.spawn(move || take(server, number))).collect();
            let pushers: Vec<_> =
                (0..PUSHERS).map(|number| scope.spawn(move || push(server, number, per_key))).collect();
            pushers.into_iter().for_each(|pusher| pusher.join().expect("a pusher that ends well"));
            let mut wire = server.connect();
            (0..WAITERS).for_each(|_| drop(wire.call(&["RPUSH", &key(0), "stop"])));
            waiters.into_iter().map(|waiter| waiter.join().expect("a waiter that ends well")).collect()
        });
        let mut by_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for taken in &taken {
            let mut last: BTreeMap<&str, usize> = BTreeMap::new();
            for (key, element) in taken {
                let before = last.insert(key, *element);
                assert!(before.is_none_or(|before| before < *element), "{key}: {element} after {before:?}");
                by_key.entry(key).or_default().push(*element);
            }
        }
        assert_eq!(by_key.len(), KEYS);
        for (key, mut elements) in by_key {
            elements.sort_unstable();
            assert!(
                elements.iter().copied().eq(0..per_key),
                "{key}: {} elements of {per_key}",
                elements.len()
            );
        }
        println!("{} elements through {WAITERS} waiters in {:?}", per_key * KEYS, began.elapsed());
    });
}

#[test]
fn those_who_wait_are_served_in_the_order_they_came() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        let mut waiters: Vec<Wire> = Vec::new();
        for number in 0..WAITERS {
            let mut waiter = server.connect();
            waiter.command(&["BLPOP", "queue", "another", "0"]);
            waiters.push(waiter);
            until_blocked(&mut wire, number + 1);
        }
        let elements: Vec<String> = (0..WAITERS).map(|number| number.to_string()).collect();
        let push: Vec<&str> =
            ["RPUSH", "queue"].into_iter().chain(elements.iter().map(String::as_str)).collect();
        assert_eq!(wire.call(&push), format!(":{WAITERS}\r\n").as_bytes());
        for (number, waiter) in waiters.iter_mut().enumerate() {
            assert_eq!(words(&waiter.reply()), ["queue".to_owned(), number.to_string()]);
        }
    });
}

#[test]
fn an_element_goes_through_a_chain_of_waiting_moves() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        let chain = ["a", "b", "c", "d", "e"];
        let mut movers: Vec<Wire> = Vec::new();
        for round in 0..50 {
            movers.clear();
            for (number, pair) in chain.windows(2).enumerate() {
                let mut mover = server.connect();
                mover.command(&["BLMOVE", pair[0], pair[1], "LEFT", "RIGHT", "0"]);
                movers.push(mover);
                until_blocked(&mut wire, number + 1);
            }
            let mut last = server.connect();
            last.command(&["BLPOP", "e", "0"]);
            until_blocked(&mut wire, chain.len());
            let element = round.to_string();
            wire.call(&["RPUSH", "a", &element]);
            for mover in &mut movers {
                assert_eq!(words(&mover.reply()), [element.as_str()]);
            }
            assert_eq!(words(&last.reply()), ["e", &element]);
        }
        assert_eq!(wire.call(&["EXISTS", "a", "b", "c", "d", "e"]), b":0\r\n");
    });
}

#[test]
fn whoever_hangs_up_while_it_waits_takes_nothing() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        for round in 0..50 {
            let mut leaver = server.connect();
            leaver.command(&["BLPOP", "x", "y", "z", "0"]);
            until_blocked(&mut wire, 1);
            drop(leaver);
            until_blocked(&mut wire, 0);
            let element = round.to_string();
            wire.call(&["RPUSH", "y", &element]);
            assert_eq!(words(&wire.call(&["LPOP", "y"])), [element]);
        }
    });
}

#[test]
fn no_time_out_comes_early() {
    at_each_core_count(|server| {
        let server = &*server;
        let late: Vec<Duration> = thread::scope(|scope| {
            let wait = |number: usize| {
                let mut wire = server.connect();
                let time = Duration::from_millis(50 + 7 * number as u64);
                let seconds = format!("{:.3}", time.as_secs_f64());
                let began = Instant::now();
                let reply = wire.call(&["BLPOP", &key(number % KEYS), &key((number + 1) % KEYS), &seconds]);
                let took = began.elapsed();
                assert_eq!(reply, b"*-1\r\n");
                // The server counts by the wall clock, which may be slewed.
                let early = time.saturating_sub(took);
                assert!(early <= Duration::from_millis(1), "{early:?} before its time");
                took.saturating_sub(time)
            };
            let waiters: Vec<_> = (0..WAITERS).map(|number| scope.spawn(move || wait(number))).collect();
            waiters.into_iter().map(|waiter| waiter.join().expect("a waiter that ends well")).collect()
        });
        let mut late = late;
        late.sort_unstable();
        println!("late by {:?} at the median, {:?} at most", late[WAITERS / 2], late[WAITERS - 1]);
    });
}
