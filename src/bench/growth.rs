//! The section on growth: what a load sees while the table of keys becomes ten times as large.
//!
//! The load is a closed loop, so that a long step is seen by each connection once and not by those who would
//! have come meanwhile: the maximum stands beside the percentile, and what the server itself says about the
//! steps of its table.

use super::BenchError;
use super::compare::{Running, Session};
use super::keys::Distribution;
use super::measure::measure_clean;
use super::sheet::{Texts, figure, texts};
use crate::base::number::grouped;
use crate::load::client::Client;
use crate::metrics::histogram::LazyHistogram;

/// Depth of the load.
const PIPELINE: usize = 16;

/// Size of values: small, because the table is what grows.
const VALUE_BYTES: &str = "8";

/// New keys of one run: fewer than a ring has requests, so that none comes twice.
const RUN_KEYS: u64 = 1_000_000;

/// The server's own word on the longest step of its table, in microseconds.
const STEP_FIELD: &str = "table_step_usec_max";

impl Session<'_> {
    /// Latencies of overwriting, and of writing new keys until there are `--growth-keys`.
    pub fn growth(&self) -> Result<Texts, BenchError> {
        let args = self.args;
        let all = self.in_turns(&[""], |running, cores, _| {
            let workload = self.workload("set", args.memory_keys, VALUE_BYTES)?;
            running.target.fill(&workload, None, |_| ())?;
            let mut plan = self.plan(running, cores, workload);
            plan.pipeline = PIPELINE;
            let before = measure_clean(&plan)?.outcome.latency;
            let mut during = LazyHistogram::default();
            let (mut keys, mut seconds) = (args.memory_keys, 0.0);
            while keys < args.growth_keys {
                let count = RUN_KEYS.min(args.growth_keys - keys);
                plan.workload.distribution = Distribution::Sequential;
                (plan.workload.first_key, plan.workload.keys) = (keys, count);
                (plan.requests, plan.warm_up) = (Some(count), 0.0);
                let measured = measure_clean(&plan)?;
                during.merge(&measured.outcome.latency);
                seconds += measured.seconds;
                keys += count;
            }
            let us = |latency: &LazyHistogram| latency.percentile(99.9) as f64 / 1e3;
            let ms = |latency: &LazyHistogram| latency.max() as f64 / 1e6;
            Ok(vec![
                us(&before),
                us(&during),
                us(&during) / us(&before),
                ms(&before),
                ms(&during),
                longest_step_us(running)?,
                (keys - args.memory_keys) as f64 / seconds,
            ])
        })?;
        let head = format!(
            "From {} keys to {}, {} connections, P={PIPELINE}; before: overwrites, during: new keys; medians of {} \
             rounds",
            grouped(args.memory_keys),
            grouped(args.growth_keys),
            args.clients,
            args.rounds
        );
        let figures = [
            figure("p99.9 before µs", 0),
            figure("p99.9 during µs", 0),
            figure("ratio", 2),
            figure("max before ms", 1),
            figure("max during ms", 1),
            figure("longest table step µs", 0),
            figure("new keys/s", 0),
        ];
        Ok(texts(&head, &["cores", "server"], &figures, &all))
    }
}

/// What the server says; NaN when it says nothing of the kind.
fn longest_step_us(running: &Running) -> Result<f64, BenchError> {
    let info = Client::connect(running.target.port).and_then(|mut client| client.info("medusa"));
    let info = info.map_err(|cause| BenchError(format!("{}: INFO: {cause}", running.target)))?;
    Ok(info.get(STEP_FIELD).and_then(|text| text.parse().ok()).unwrap_or(f64::NAN))
}
