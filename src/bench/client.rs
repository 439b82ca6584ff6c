//! The section on one client alone: a single connection, one request at a time, and what it costs when the
//! key lives on another core.
//!
//! Where a key lives is nobody's business but the server's, so it is found out by the clock: keys of one hash
//! tag live together, a connection stays where it is, so each tag is near or far for all of the connection's
//! life. The tags take turns, so that a slow moment hits all of them.

use super::BenchError;
use super::compare::{Running, Session};
use super::connection::{exchange, push_command};
use super::measure::measure_clean;
use super::sheet::{Texts, against, figure, texts};
use crate::base::clock::Clock;
use crate::metrics::histogram::LazyHistogram;

/// Hash tags; that all of them live on one of two cores is less likely than one in ten thousand.
const TAGS: usize = 16;

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

/// Microseconds that half of the GETs of the fastest and of the slowest hash tag take at most.
fn near_and_far(running: &Running, seconds: f64, clock: &Clock) -> Result<(f64, f64), BenchError> {
    let failed = |cause: std::io::Error| BenchError(format!("{}: {cause}", running.target));
    let mut socket = running.target.connect()?;
    let mut tags = Vec::new();
    for tag in 0..TAGS {
        let (mut set, mut get) = (Vec::new(), Vec::new());
        push_command(&mut set, &["SET", &format!("{{tag{tag}}}:key"), "value"]);
        push_command(&mut get, &["GET", &format!("{{tag{tag}}}:key")]);
        exchange(&mut socket, &set, 1).map_err(failed)?;
        tags.push((get, LazyHistogram::default()));
    }
    let start = clock.raw();
    while (clock.elapsed_ns(start, clock.raw()) as f64) < seconds * 1e9 {
        for (get, latency) in &mut tags {
            let sent_at = clock.raw();
            exchange(&mut socket, get, 1).map_err(failed)?;
            latency.record(clock.elapsed_ns(sent_at, clock.raw()));
        }
    }
    let medians = || tags.iter().map(|(_, latency)| latency.percentile(50.0) as f64 / 1e3);
    Ok((medians().fold(f64::INFINITY, f64::min), medians().fold(0.0, f64::max)))
}
