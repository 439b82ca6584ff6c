//! The section on freeing: what others wait while many keys go, or one big one.
//!
//! It is looked at through an open loop: requests leave at their moments whether or not the server answers, so
//! that a stall of 50 ms is seen by all the hundred requests that it holds up. An event is measured over at
//! least as long a time as the quiet before it, so that a percentile means the same in both.

use super::BenchError;
use super::compare::{Running, Session};
use super::connection::{exchange, push_command};
use super::keys::Distribution;
use super::measure::{measure_clean, measure_while};
use super::run::Plan;
use super::sheet::{Texts, figure, texts};
use super::workload::Workload;
use crate::base::clock::Clock;
use crate::base::number::grouped;
use crate::load::client::Client;
use crate::metrics::histogram::LazyHistogram;
use std::io;
use std::thread;
use std::time::Duration;

/// Requests per second of the client that watches.
pub(super) const WATCH_RATE: f64 = 2_000.0;

/// Its connections; on several cores they are spread over them.
pub(super) const WATCH_CLIENTS: usize = 10;

/// What it asks: none of the keys that are freed, so that only the event frees them.
const WATCH_COMMAND: &str = "GET other:__rand_int__";

/// Keys of one DEL.
const DEL_KEYS: u64 = 1_000;

/// DELs in one batch.
const DEL_PIPELINE: u64 = 10;

/// How long before the keys expire the measured time begins.
const EXPIRY_LEAD_MS: u64 = 300;

/// Between two looks whether all have expired.
const EXPIRY_LOOK: Duration = Duration::from_millis(20);

/// How long that may take after their time.
const EXPIRY_MS_MAX: u64 = 60_000;

/// What frees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    FlushAll,
    Delete,
    Expiry,
    DeleteBig,
}

const EVENTS: [Event; 4] = [Event::FlushAll, Event::Delete, Event::Expiry, Event::DeleteBig];

/// p99.9 and maximum, in milliseconds: each without and with what others wait for.
pub(super) fn tails_ms(quiet: &LazyHistogram, stalled: &LazyHistogram) -> [[f64; 2]; 2] {
    [99.9, 100.0]
        .map(|percentile| [quiet, stalled].map(|latency| latency.percentile(percentile) as f64 / 1e6))
}

impl Session<'_> {
    /// What others wait while all keys go by FLUSHALL, by DEL or by expiry, and while one big value goes.
    pub fn freeing(&self) -> Result<Texts, BenchError> {
        let args = self.args;
        let big = format!("DEL of one value of {} MB", args.big_bytes.div_ceil(1 << 20));
        let labels = ["FLUSHALL", "DEL of 1000 at once", "expiry of all", &big];
        let all = self.in_turns(&labels, |running, cores, setting| {
            let event = EVENTS[setting];
            let watch = watch(self, running, cores)?;
            let keys = self.workload("set", args.memory_keys, "8")?;
            let begin_ms = self.clock.now().unix_ms();
            if event == Event::DeleteBig {
                ask(running, &["SETRANGE", "big", &(args.big_bytes - 1).to_string(), "x"])?;
            } else {
                running.target.fill(&keys, None, |_| ())?;
            }
            let fill_ms = self.clock.now().unix_ms() - begin_ms;
            let quiet = measure_clean(&watch)?.outcome.latency;
            let (stalled, took_ms) = match event {
                Event::FlushAll => asked(running, &watch, &["FLUSHALL"])?,
                Event::Delete => deleted(running, &watch, args.memory_keys)?,
                Event::Expiry => {
                    // Setting the times takes about as long as setting the keys did.
                    let due_ms = self.clock.now().unix_ms() + 2 * fill_ms + 1_000;
                    running.target.for_each_key(&keys, &format!("PEXPIREAT __key__ {due_ms}"), |_| ())?;
                    expired(running, &watch, due_ms, self.clock.now().unix_ms())?
                }
                Event::DeleteBig => asked(running, &watch, &["DEL", "big"])?,
            };
            let mut figures = vec![took_ms];
            for [quiet, stalled] in tails_ms(&quiet, &stalled) {
                figures.extend([quiet, stalled, stalled - quiet]);
            }
            Ok(figures)
        })?;
        let head = format!(
            "Freeing {} keys, seen by others: {} requests/s over {WATCH_CLIENTS} connections, open loop; medians of \
             {} rounds",
            grouped(args.memory_keys),
            grouped(WATCH_RATE as u64),
            args.rounds
        );
        let figures = [
            figure("took ms", 1),
            figure("p99.9 quiet ms", 2),
            figure("p99.9 ms", 2),
            figure("above quiet", 2),
            figure("max quiet ms", 2),
            figure("max ms", 2),
            figure("max above quiet", 2),
        ];
        Ok(texts(&head, &["cores", "freeing", "server"], &figures, &all))
    }
}

/// The client that watches.
pub(super) fn watch(session: &Session<'_>, running: &Running, cores: usize) -> Result<Plan, BenchError> {
    let watched = [WATCH_COMMAND.to_owned()];
    let watched = Workload::new("", &watched, 1_000, Distribution::Uniform, "8", 1)?;
    let mut watch = session.plan(running, cores, watched);
    (watch.clients, watch.threads, watch.rate) = (WATCH_CLIENTS, 1, Some(WATCH_RATE));
    watch.server_pid = None;
    Ok(watch)
}

/// Latencies of `watch`, and the milliseconds that `work` took beside it.
fn watched(
    watch: &Plan,
    work: impl FnOnce() -> Result<f64, BenchError> + Send,
) -> Result<(LazyHistogram, f64), BenchError> {
    let (measured, took_ms) = measure_while(watch, work)?;
    Ok((measured.outcome.latency, took_ms))
}

fn ms_since(begin: u64, clock: &Clock) -> f64 {
    clock.elapsed_ns(begin, clock.raw()) as f64 / 1e6
}

/// One command and its reply, which must be no error.
pub(super) fn ask(running: &Running, words: &[&str]) -> Result<(), BenchError> {
    let mut command = Vec::new();
    push_command(&mut command, words);
    let mut socket = running.target.connect()?;
    exchange(&mut socket, &command, 1).map_err(|cause| failed(words[0], &cause))
}

fn failed(what: &str, cause: &io::Error) -> BenchError {
    BenchError(format!("{what}: {cause}"))
}

/// One command does it all.
pub(super) fn asked(
    running: &Running,
    watch: &Plan,
    words: &[&str],
) -> Result<(LazyHistogram, f64), BenchError> {
    watched(watch, || {
        let clock = Clock::real();
        let begin = clock.raw();
        ask(running, words)?;
        Ok(ms_since(begin, &clock))
    })
}

/// DEL of so many keys at once, several DELs in a batch.
fn deleted(running: &Running, watch: &Plan, keys: u64) -> Result<(LazyHistogram, f64), BenchError> {
    // Built beforehand, for building would take a CPU from those that are measured.
    let batches = deletes(keys);
    let mut socket = running.target.connect()?;
    watched(watch, || {
        let clock = Clock::real();
        let begin = clock.raw();
        for (bytes, commands) in &batches {
            exchange(&mut socket, bytes, *commands).map_err(|cause| failed("DEL", &cause))?;
        }
        Ok(ms_since(begin, &clock))
    })
}

/// Batches of DEL for every key, each with the number of its commands.
fn deletes(keys: u64) -> Vec<(Vec<u8>, u64)> {
    let mut batches: Vec<(Vec<u8>, u64)> = Vec::new();
    let mut from = 0;
    while from < keys {
        let to = keys.min(from + DEL_KEYS);
        let names: Vec<String> = (from..to).map(|key| format!("key:{key:012}")).collect();
        let words: Vec<&str> = ["DEL"].into_iter().chain(names.iter().map(String::as_str)).collect();
        if batches.last().is_none_or(|(_, commands)| *commands == DEL_PIPELINE) {
            batches.push((Vec::new(), 0));
        }
        if let Some((bytes, commands)) = batches.last_mut() {
            push_command(bytes, &words);
            *commands += 1;
        }
        from = to;
    }
    batches
}

/// All keys expire at `due_ms`, in Unix time; how long until the server has none. NaN when it keeps some.
fn expired(
    running: &Running,
    watch: &Plan,
    due_ms: u64,
    now_ms: u64,
) -> Result<(LazyHistogram, f64), BenchError> {
    // The warm-up is the wait for the event.
    let Some(wait_ms) = due_ms.checked_sub(now_ms + EXPIRY_LEAD_MS) else {
        return Err(BenchError(
            "the keys expired before they could be watched: the machine is busy".to_owned(),
        ));
    };
    let watch = Plan { warm_up: wait_ms as f64 / 1e3, ..watch.clone() };
    let port = running.target.port;
    watched(&watch, || {
        let clock = Clock::real();
        let mut client = Client::connect(port).map_err(|cause| failed("INFO", &cause))?;
        thread::sleep(Duration::from_millis(due_ms.saturating_sub(clock.now().unix_ms())));
        while clock.now().unix_ms() < due_ms + EXPIRY_MS_MAX {
            let databases = client.info("keyspace").map_err(|cause| failed("INFO", &cause))?;
            // A database is listed as long as it has keys, expired ones included.
            if !databases.contains_key("db0") {
                return Ok(clock.now().unix_ms().saturating_sub(due_ms) as f64);
            }
            thread::sleep(EXPIRY_LOOK);
        }
        Ok(f64::NAN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_deleted_once_in_batches_of_whole_commands() {
        let batches = deletes(21_005);
        assert_eq!(batches.iter().map(|(_, commands)| *commands).collect::<Vec<_>>(), [10, 10, 2]);
        let (last, _) = &batches[2];
        let text = String::from_utf8_lossy(last);
        assert!(text.starts_with("*1001\r\n$3\r\nDEL\r\n$16\r\nkey:000000020000\r\n"), "{text}");
        assert!(text.contains("*6\r\n$3\r\nDEL\r\n$16\r\nkey:000000021000\r\n"), "{text}");
        assert!(text.ends_with("key:000000021004\r\n"));
    }
}
