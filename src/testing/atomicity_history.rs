//! Strict serialisability under a seed: concurrent clients on simulated cores, their history checked against a model
//! (`testing::history`). `MEDUSA_SEEDS` plays more seeds than the ordinary test does.

use crate::base::prng::Prng;
use crate::resp::value::Value;
use crate::testing::history::{Operation, check};
use crate::testing::sim::{Client, Sim};

const CLIENTS: usize = 6;
const OPERATIONS: usize = 120;

/// What a client does next: one command, or a MULTI block (true).
fn draw(prng: &mut Prng) -> (bool, String) {
    let pair = |prng: &mut Prng, name: &str| {
        let at = prng.below(3);
        (format!("{name}{at}"), format!("{name}{}", (at + 1 + prng.below(2)) % 3))
    };
    match prng.below(15) {
        0 => (false, format!("mset c0 {0} c1 {0} c2 {0}", prng.below(100))),
        1 | 2 => (false, "mget c0 c1 c2".into()),
        3 => (true, "incr c0;incr c1;incr c2".into()),
        4 => {
            let (from, to) = pair(prng, "r");
            (false, format!("rename {from} {to}"))
        }
        5 => (false, "exists r0 r1 r2 c0".into()),
        6 | 7 => {
            let (from, to) = pair(prng, "s");
            (false, format!("smove {from} {to} m{}", prng.below(2)))
        }
        8 => (true, "smismember s0 m0 m1;smismember s1 m0 m1;smismember s2 m0 m1".into()),
        9 => (false, "sinterstore s3 s0 s1".into()),
        10 => (false, format!("sadd s{} m{}", prng.below(3), prng.below(2))),
        11 => {
            let (from, to) = pair(prng, "l");
            (false, format!("lmove {from} {to} left right"))
        }
        12 => (true, "lrange l0 0 -1;lrange l1 0 -1;lrange l2 0 -1".into()),
        13 => (false, format!("watch c{} c{}", prng.below(3), prng.below(3))),
        _ => (true, format!("get c0;set c1 {};get c2", prng.below(100))),
    }
}

struct Pending {
    operation: Operation,
    /// Replies to come before the one that counts: MULTI's and those of what is queued.
    skip: usize,
}

fn ask(sim: &mut Sim, client: Client, at: usize, time: u64, block: bool, text: &str) -> Pending {
    let commands: Vec<Vec<String>> =
        text.split(';').map(|line| line.split(' ').map(str::to_owned).collect()).collect();
    if block {
        sim.send_words(client, &[b"multi"]);
    }
    for words in &commands {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        sim.send_words(client, &words);
    }
    if block {
        sim.send_words(client, &[b"exec"]);
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
    if broken {
        sim.engines().iter_mut().for_each(|engine| engine.center_mut().locks.break_release());
    }
    let clients: Vec<Client> = (0..CLIENTS).map(|_| sim.connect()).collect();
    let mut pending: Vec<Option<Pending>> = (0..CLIENTS).map(|_| None).collect();
    let mut history = Vec::new();
    let (mut time, mut sent) = (0, 0);
    let setup = ["set r0 x", "rpush l0 a", "rpush l0 b", "rpush l1 c", "sadd s0 m0", "sadd s1 m1"];
    let mut setup = setup.iter();
    loop {
        time += 1;
        let moved = sim.step();
        for at in 0..CLIENTS {
            while let Some(waiting) = &mut pending[at]
                && let Some(reply) = sim.take_reply(clients[at])
            {
                if waiting.skip > 0 {
                    waiting.skip -= 1;
                } else if let Some(mut finished) = pending[at].take() {
                    (finished.operation.answered, finished.operation.reply) = (time, reply);
                    history.push(finished.operation);
                }
            }
        }
        let idle: Vec<usize> = (0..CLIENTS).filter(|&at| pending[at].is_none()).collect();
        if sent < OPERATIONS && !idle.is_empty() && (!moved || prng.one_in(3)) {
            time += 1;
            let at = *prng.pick(&idle);
            let (block, text) =
                setup.next().map_or_else(|| draw(&mut prng), |text| (false, (*text).to_owned()));
            pending[at] = Some(ask(&mut sim, clients[at], at, time, block, &text));
            sent += 1;
        } else if !moved {
            break;
        }
    }
    if history.len() != OPERATIONS {
        return Err(format!("{} of {OPERATIONS} operations answered", history.len()));
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
