//! The section on stalls: what GETs wait while another client has a command look at a whole big collection.
//!
//! Looked at through an open loop, as in the section on freeing; with one core everything is on one shard.

use super::BenchError;
use super::compare::{Running, Session};
use super::filling::{fill_one, scattered};
use super::freeing::{WATCH_CLIENTS, WATCH_RATE, asked, tails_ms, watch};
use super::measure::measure_clean;
use super::sheet::{Texts, figure, texts};
use crate::base::number::grouped;
use crate::load::client::Client;

/// What stalls: commands over all of a collection.
const COMMANDS: [&[&str]; 5] = [
    &["HGETALL", "hash"],
    &["SMEMBERS", "set"],
    &["SORT", "set"],
    &["ZUNIONSTORE", "stored", "2", "zset", "zset"],
    &["KEYS", "*"],
];

/// Stores what `command` will look at.
fn store(session: &Session<'_>, running: &Running, command: &str) -> Result<(), BenchError> {
    let count = session.args.memory_keys;
    let name = |number: u64| format!("element:{number:012}");
    match command {
        "HGETALL" => fill_one(running, &["HSET", "hash"], count, |n| vec![name(n), n.to_string()]),
        "SMEMBERS" => fill_one(running, &["SADD", "set"], count, |n| vec![name(n)]),
        "SORT" => fill_one(running, &["SADD", "set"], count, |n| vec![(scattered(n) >> 20).to_string()]),
        "ZUNIONSTORE" => fill_one(running, &["ZADD", "zset"], count, |n| {
            vec![(scattered(n) % 1_000_000_000).to_string(), name(n)]
        }),
        _ => running.target.fill(&session.workload("set", count, "8")?, None, |_| ()),
    }
}

/// Whether a server has a command, by its own word.
fn has(running: &Running, command: &str) -> Result<bool, BenchError> {
    Client::connect(running.target.port)
        .and_then(|mut client| client.has(command))
        .map_err(|cause| BenchError(format!("COMMAND INFO: {cause}")))
}

impl Session<'_> {
    /// What others wait while a command looks at a whole big collection.
    pub fn stalls(&self) -> Result<Texts, BenchError> {
        let args = self.args;
        let all = self.in_turns(&COMMANDS.map(|words| words[0]), |running, cores, setting| {
            let words = COMMANDS[setting];
            if !has(running, words[0])? {
                // A dash in the table is the word for it.
                return Ok(vec![f64::NAN; 5]);
            }
            store(self, running, words[0])?;
            let watch = watch(self, running, cores)?;
            let quiet = measure_clean(&watch)?.outcome.latency;
            let (stalled, took_ms) = asked(running, &watch, words)?;
            let figures = tails_ms(&quiet, &stalled).into_iter().flatten();
            Ok(std::iter::once(took_ms).chain(figures).collect())
        })?;
        let head = format!(
            "GETs while another client looks at a collection of {}: {} requests/s over {WATCH_CLIENTS} connections, \
             open loop; a dash where a server lacks the command; medians of {} rounds",
            grouped(args.memory_keys),
            grouped(WATCH_RATE as u64),
            args.rounds
        );
        let figures = [
            figure("took ms", 1),
            figure("p99.9 quiet ms", 2),
            figure("p99.9 ms", 2),
            figure("max quiet ms", 2),
            figure("max ms", 2),
        ];
        Ok(texts(&head, &["cores", "command", "server"], &figures, &all))
    }
}
