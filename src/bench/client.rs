//! The sections on one client alone: a single connection, one request at a time, what it costs when the
//! key lives on another core, and when ten of them live anywhere.
//!
//! Where a key lives is nobody's business but the server's, so it is found out by the clock: keys of one hash
//! tag live together, a connection stays where it is, so each tag is near or far for all of the connection's
//! life. The tags take turns, so that a slow moment hits all of them.

use super::BenchError;
use super::compare::{Running, Session};
use super::connection::{exchange, push_command};
use super::freeing::ask;
use super::measure::measure_clean;
use super::sheet::{Texts, against, figure, texts};
use super::table::median;
use crate::base::clock::Clock;
use crate::metrics::histogram::LazyHistogram;

/// Hash tags; that all of them live on one of two cores is less likely than one in ten thousand.
const TAGS: usize = 16;

/// Keys of an MGET.
const MGET_KEYS: usize = 10;

impl Session<'_> {
    /// A single connection, one request at a time.
    pub fn one_client(&self) -> Result<Texts, BenchError> {
        let args = self.args;
        let all = self.in_turns(&[""], |running, cores, _| {
            let workload = self.workload(&args.mix, args.keys, &args.value_bytes[0])?;
            running.target.fill(&workload, None, |_| ())?;
            let mut plan = self.plan(running, cores, workload);
            (plan.clients, plan.threads, plan.in_slices) = (1, 1, false);
            let measured = measure_clean(&plan)?;
            let us = |percentile| measured.outcome.latency.percentile(percentile) as f64 / 1e3;
            let mut figures = vec![us(50.0), us(99.0), us(99.9), measured.server.unwrap_or_default().mean_us];
            // With one core every key is near.
            let (near, far) = if cores > 1 {
                near_and_far(running, args.seconds, &self.clock)?
            } else {
                (f64::NAN, f64::NAN)
            };
            figures.extend([near, far, far - near]);
            Ok(figures)
        })?;
        let head = format!(
            "One client, one request at a time; near and far are p50 of the fastest and the slowest of {TAGS} hash \
             tags on one connection; medians of {} rounds",
            args.rounds
        );
        let figures = [
            figure("p50 µs", 1),
            figure("p99 µs", 1),
            figure("p99.9 µs", 1),
            against("CPU µs/op", 1),
            figure("near µs", 1),
            figure("far µs", 1),
            figure("far - near", 1),
        ];
        Ok(texts(&head, &["cores", "server"], &figures, &all))
    }
}

impl Session<'_> {
    /// MGET of keys anywhere beside MGET of keys that live together.
    pub fn spanning(&self) -> Result<Texts, BenchError> {
        let args = self.args;
        let all = self.in_turns(&[""], |running, _, _| {
            let mut all = Vec::new();
            for tag in 0..TAGS {
                for place in ["{tag}", "tag"] {
                    let prefix = place.replace("tag", &format!("tag{tag}"));
                    let keys: Vec<String> = (0..MGET_KEYS).map(|at| format!("{prefix}:key:{at}")).collect();
                    for key in &keys {
                        ask(running, &["SET", key, "value"])?;
                    }
                    let words = ["MGET"].into_iter().chain(keys.iter().map(String::as_str));
                    all.push(command(&words.collect::<Vec<_>>()));
                }
            }
            let medians = medians_in_turn(running, &all, args.seconds, &self.clock)?;
            let of = |first: usize| medians.iter().copied().skip(first).step_by(2).collect::<Vec<_>>();
            let (near, far) = least_and_most(&of(0));
            let anywhere = median(&mut of(1));
            Ok(vec![near, far, anywhere, anywhere / near, anywhere / far])
        })?;
        let head = format!(
            "MGET of {MGET_KEYS} keys, one client, one request at a time: keys of one hash tag, near and far as above, \
             and keys anywhere; p50; medians of {} rounds",
            args.rounds
        );
        let figures = [
            figure("near µs", 1),
            figure("far µs", 1),
            figure("anywhere µs", 1),
            figure("anywhere over near", 2),
            figure("anywhere over far", 2),
        ];
        Ok(texts(&head, &["cores", "server"], &figures, &all))
    }
}

/// Microseconds that half of the GETs of the fastest and of the slowest hash tag take at most.
fn near_and_far(running: &Running, seconds: f64, clock: &Clock) -> Result<(f64, f64), BenchError> {
    let mut all = Vec::new();
    for tag in 0..TAGS {
        let key = format!("{{tag{tag}}}:key");
        ask(running, &["SET", &key, "value"])?;
        all.push(command(&["GET", &key]));
    }
    Ok(least_and_most(&medians_in_turn(running, &all, seconds, clock)?))
}

fn command(words: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    push_command(&mut out, words);
    out
}

fn least_and_most(medians: &[f64]) -> (f64, f64) {
    (medians.iter().copied().fold(f64::INFINITY, f64::min), medians.iter().copied().fold(0.0, f64::max))
}

/// Microseconds that half of the requests of each of `commands` take at most, when they take turns on one
/// connection.
fn medians_in_turn(
    running: &Running,
    commands: &[Vec<u8>],
    seconds: f64,
    clock: &Clock,
) -> Result<Vec<f64>, BenchError> {
    let failed = |cause: std::io::Error| BenchError(format!("{}: {cause}", running.target));
    let mut socket = running.target.connect()?;
    let mut latencies: Vec<LazyHistogram> = commands.iter().map(|_| LazyHistogram::default()).collect();
    let start = clock.raw();
    while (clock.elapsed_ns(start, clock.raw()) as f64) < seconds * 1e9 {
        for (command, latency) in commands.iter().zip(&mut latencies) {
            let sent_at = clock.raw();
            exchange(&mut socket, command, 1).map_err(failed)?;
            latency.record(clock.elapsed_ns(sent_at, clock.raw()));
        }
    }
    Ok(latencies.iter().map(|latency| latency.percentile(50.0) as f64 / 1e3).collect())
}
