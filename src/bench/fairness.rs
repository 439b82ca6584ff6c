//! The section on fairness: what one request at a time waits beside a client with a deep pipeline.
//!
//! Both clients share what CPU the load has, the deep one's generator included; that is the same for every
//! server, and the figures alone stand beside.

use super::BenchError;
use super::compare::Session;
use super::measure::{measure_clean, measure_while};
use super::run::Plan;
use super::sheet::{Texts, figure, texts};

/// Requests of the deep pipeline.
const DEEP: usize = 100;

/// Size of its values.
const DEEP_VALUE_BYTES: &str = "1024";

impl Session<'_> {
    /// One request at a time, alone and beside a client with a deep pipeline.
    pub fn fairness(&self) -> Result<Texts, BenchError> {
        let all = self.in_turns(&[""], |running, cores, _| {
            let workload = self.workload("get", self.args.keys, DEEP_VALUE_BYTES)?;
            running.target.fill(&workload, None, |_| ())?;
            let mut single = self.plan(running, cores, workload);
            (single.clients, single.threads, single.in_slices) = (1, 1, false);
            let deep = Plan { pipeline: DEEP, server_pid: None, ..single.clone() };
            let alone = measure_clean(&single)?.outcome.latency;
            let (deep, beside) = measure_while(&deep, || measure_clean(&single))?;
            let beside_us = |percentile| beside.outcome.latency.percentile(percentile) as f64 / 1e3;
            let alone_us = |percentile| alone.percentile(percentile) as f64 / 1e3;
            Ok(vec![
                alone_us(50.0),
                alone_us(99.9),
                beside_us(50.0),
                beside_us(99.0),
                beside_us(99.9),
                beside.rate(),
                deep.rate(),
            ])
        })?;
        let head = format!(
            "One request at a time beside a client with {DEEP} GETs of {DEEP_VALUE_BYTES} B under way; medians of {} \
             rounds",
            self.args.rounds
        );
        let figures = [
            figure("alone p50 µs", 1),
            figure("alone p99.9 µs", 1),
            figure("p50 µs", 1),
            figure("p99 µs", 1),
            figure("p99.9 µs", 1),
            figure("requests/s", 0),
            figure("deep client's requests/s", 0),
        ];
        Ok(texts(&head, &["cores", "server"], &figures, &all))
    }
}
