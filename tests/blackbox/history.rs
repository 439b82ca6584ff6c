//! Histories of real clients on the real server, checked for strict serialisability (`testing::history`).
//!
//! Each round begins with the same keys, has six clients at work at once, and is checked by itself. An ordinary run
//! has 40 rounds at each core count; `MEDUSA_HISTORY_SECONDS` says how long it goes on instead.

use crate::common::{Server, Wire};
use medusa::base::prng::Prng;
use medusa::resp::{Decoder, Value};
use medusa::testing::history::{Operation, SETUP, check, draw};
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

/// One operation, from its sending to the reply that counts.
fn run(wire: &mut Wire, time: &AtomicU64, client: usize, block: bool, text: &str) -> Operation {
    let commands: Vec<Vec<String>> = text.split(';').map(words).collect();
    let sent = time.fetch_add(1, Ordering::SeqCst);
    if block {
        wire.command(&["MULTI"]);
    }
    commands.iter().for_each(|words| wire.command(words));
    if block {
        wire.command(&["EXEC"]);
        (0..=commands.len()).for_each(|_| drop(wire.reply()));
    }
    let reply = decode(&wire.reply());
    let answered = time.fetch_add(1, Ordering::SeqCst);
    Operation { client, sent, answered, commands, block, reply }
}

/// What one client does in a round that is drawn from `seed`.
fn play(wire: &mut Wire, time: &AtomicU64, client: usize, seed: u64, start: &Barrier) -> Vec<Operation> {
    let mut prng = Prng::new(seed);
    start.wait();
    (0..OPERATIONS)
        .map(|_| {
            let (block, text) = draw(&mut prng);
            run(wire, time, client, block, &text)
        })
        .collect()
}

fn check_histories(cores: usize) {
    let seconds = std::env::var("MEDUSA_HISTORY_SECONDS").ok();
    let seconds = seconds.map(|text| text.parse().expect("MEDUSA_HISTORY_SECONDS is a number"));
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let server = Server::medusa(cores);
    let mut wires: Vec<Wire> = (0..CLIENTS).map(|_| server.connect()).collect();
    let (time, mut round) = (AtomicU64::new(0), 0);
    while until.map_or(round < ROUNDS, |until| Instant::now() < until) {
        let mut history = Vec::new();
        wires.iter_mut().for_each(|wire| assert_eq!(wire.call(&["UNWATCH"]), b"+OK\r\n"));
        assert_eq!(wires[0].call(&["FLUSHALL"]), b"+OK\r\n");
        history.extend(SETUP.iter().map(|line| run(&mut wires[0], &time, 0, false, line)));
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
        if let Err(fault) = check(history) {
            panic!("{cores} cores, round {round}: {fault}");
        }
        round += 1;
    }
    println!(
        "{cores} cores: {} operations in {round} histories",
        round * (CLIENTS * OPERATIONS + SETUP.len())
    );
}

#[test]
fn histories_of_two_cores_are_strictly_serialisable() {
    check_histories(2);
}

#[test]
fn histories_of_four_cores_are_strictly_serialisable() {
    check_histories(4);
}
