//! Strict serialisability under a seed: concurrent clients on simulated cores, their history checked against a model
//! (`testing::history`). `MEDUSA_SEEDS` plays more seeds than the ordinary test does.

use crate::base::prng::Prng;
use crate::resp::value::Value;
use crate::testing::history::{Operation, SETUP, check, draw_pipeline};
use crate::testing::sim::{Client, Sim, encode};
use std::collections::VecDeque;

const CLIENTS: usize = 6;
const OPERATIONS: usize = 120;

struct Pending {
    operation: Operation,
    /// Replies to come before the one that counts: MULTI's and those of what is queued.
    skip: usize,
}

/// One operation of a pipeline, whose bytes are added to it.
fn ask(pipeline: &mut Vec<u8>, at: usize, time: u64, block: bool, text: &str) -> Pending {
    let commands: Vec<Vec<String>> =
        text.split(';').map(|line| line.split(' ').map(str::to_owned).collect()).collect();
    if block {
        pipeline.extend(encode(&[b"multi"]));
    }
    for words in &commands {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        pipeline.extend(encode(&words));
    }
    if block {
        pipeline.extend(encode(&[b"exec"]));
    }
    let skip = if block { commands.len() + 1 } else { 0 };
    let operation = Operation { client: at, sent: time, answered: 0, commands, block, reply: Value::Null };
    Pending { operation, skip }
}

/// Plays one seed; the error says which operations cannot be explained.
fn play(seed: u64, broken: bool) -> Result<(), String> {
    let mut prng = Prng::new(seed);
    let shards = if broken { 4 } else { 1 + prng.below(8) as u16 };
    let mut sim = Sim::new(shards, prng.next_u64());
    sim.slow_some();
    if broken {
        sim.engines().iter_mut().for_each(|engine| engine.center_mut().locks.break_release());
    }
    let clients: Vec<Client> = (0..CLIENTS).map(|_| sim.connect()).collect();
    let mut pending: Vec<VecDeque<Pending>> = (0..CLIENTS).map(|_| VecDeque::new()).collect();
    let mut history = Vec::new();
    let (mut time, mut sent) = (0, 0);
    let mut setup = SETUP.iter();
    loop {
        time += 1;
        let moved = sim.step();
        for at in 0..CLIENTS {
            while let Some(waiting) = pending[at].front_mut()
                && let Some(reply) = sim.take_reply(clients[at])
            {
                if waiting.skip > 0 {
                    waiting.skip -= 1;
                } else if let Some(mut finished) = pending[at].pop_front() {
                    (finished.operation.answered, finished.operation.reply) = (time, reply);
                    history.push(finished.operation);
                }
            }
        }
        let idle: Vec<usize> = (0..CLIENTS).filter(|&at| pending[at].is_empty()).collect();
        if sent < OPERATIONS && !idle.is_empty() && (!moved || prng.one_in(3)) {
            time += 1;
            let at = *prng.pick(&idle);
            let drawn = setup
                .next()
                .map_or_else(|| draw_pipeline(&mut prng), |text| vec![(false, (*text).to_owned())]);
            let mut pipeline = Vec::new();
            sent += drawn.len();
            pending[at] =
                drawn.iter().map(|(block, text)| ask(&mut pipeline, at, time, *block, text)).collect();
            if prng.one_in(2) {
                sim.deliver(clients[at], &pipeline);
            } else {
                sim.send(clients[at], &pipeline);
            }
        } else if !moved {
            break;
        }
    }
    if history.len() != sent {
        return Err(format!("{} of {sent} operations answered", history.len()));
    }
    check(history).map_err(|fault| format!("{shards} shards: {fault}"))
}

#[test]
fn every_history_is_strictly_serialisable() {
    let seeds = std::env::var("MEDUSA_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(400);
    for seed in 0..seeds {
        if let Err(fault) = play(seed, false) {
            panic!("seed {seed}: {fault}");
        }
    }
}

#[test]
fn a_broken_lock_release_is_found_in_the_history() {
    let caught = (0..200).find_map(|seed| play(seed, true).err().map(|fault| (seed, fault)));
    let (seed, fault) = caught.expect("a checker that cannot fail proves nothing");
    assert!(fault.contains("no order explains"), "seed {seed}: {fault}");
}
