//! Histories of real clients on the real server, checked for strict serialisability (`testing::history`).
//!
//! Each round begins with the same keys, has six clients at work at once, and is checked by itself. An ordinary run
//! has 40 rounds at each core count; `MEDUSA_HISTORY_SECONDS` says how long it goes on instead.

use crate::common::{Server, Wire};
use medusa::base::prng::Prng;
use medusa::resp::{Decoder, Value};
use medusa::testing::generate::frame;
use medusa::testing::history::{Operation, SETUP, check, draw_pipeline};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 6;
const OPERATIONS: usize = 20;
const ROUNDS: usize = 40;

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn decode(reply: &[u8]) -> Value {
    Decoder::new().next(reply).expect("a well-formed reply").expect("a whole reply").0
}

/// The operations of one pipeline, from their sending in one piece to the replies that count.
fn run(wire: &mut Wire, time: &AtomicU64, client: usize, pipeline: &[(bool, String)]) -> Vec<Operation> {
    let operations: Vec<(bool, Vec<Vec<String>>)> =
        pipeline.iter().map(|(block, text)| (*block, text.split(';').map(words).collect())).collect();
    let mut bytes = Vec::new();
    for (block, commands) in &operations {
        let (first, last) = if *block { (Some(words("MULTI")), Some(words("EXEC"))) } else { (None, None) };
        for words in first.iter().chain(commands).chain(&last) {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
            frame(&words, &mut bytes);
        }
    }
    let sent = time.fetch_add(1, Ordering::SeqCst);
    wire.send(&bytes);
    let answer = |(block, commands): (bool, Vec<Vec<String>>)| {
        if block {
            (0..=commands.len()).for_each(|_| drop(wire.reply()));
        }
        let reply = decode(&wire.reply());
        let answered = time.fetch_add(1, Ordering::SeqCst);
        Operation { client, sent, answered, commands, block, reply }
    };
    operations.into_iter().map(answer).collect()
}

/// What one client does in a round that is drawn from `seed`.
fn play(wire: &mut Wire, time: &AtomicU64, client: usize, seed: u64, start: &Barrier) -> Vec<Operation> {
    let mut prng = Prng::new(seed);
    start.wait();
    (0..OPERATIONS).flat_map(|_| run(wire, time, client, &draw_pipeline(&mut prng))).collect()
}

fn check_histories(cores: usize) {
    let seconds = std::env::var("MEDUSA_HISTORY_SECONDS").ok();
    let seconds = seconds.map(|text| text.parse().expect("MEDUSA_HISTORY_SECONDS is a number"));
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let server = Server::medusa(cores);
    let mut wires: Vec<Wire> = (0..CLIENTS).map(|_| server.connect()).collect();
    let (time, mut round, mut operations) = (AtomicU64::new(0), 0, 0);
    while until.map_or(round < ROUNDS, |until| Instant::now() < until) {
        let mut history = Vec::new();
        wires.iter_mut().for_each(|wire| assert_eq!(wire.call(&["UNWATCH"]), b"+OK\r\n"));
        assert_eq!(wires[0].call(&["FLUSHALL"]), b"+OK\r\n");
        history.extend(
            SETUP.iter().flat_map(|line| run(&mut wires[0], &time, 0, &[(false, (*line).to_owned())])),
        );
        let start = Barrier::new(CLIENTS);
        let players = wires.iter_mut().enumerate();
        thread::scope(|scope| {
            let players: Vec<_> = players
                .map(|(client, wire)| {
                    let seed = (round * CLIENTS + client) as u64;
                    let (time, start) = (&time, &start);
                    scope.spawn(move || play(wire, time, client, seed, start))
                })
                .collect();
            for player in players {
                history.extend(player.join().expect("a client that ends well"));
            }
        });
        operations += history.len();
        if let Err(fault) = check(history) {
            panic!("{cores} cores, round {round}: {fault}");
        }
        round += 1;
    }
    println!("{cores} cores: {operations} operations in {round} histories");
}

#[test]
fn histories_of_two_cores_are_strictly_serialisable() {
    check_histories(2);
}

#[test]
fn histories_of_four_cores_are_strictly_serialisable() {
    check_histories(4);
}
