//! The section on fairness: what one request at a time waits beside a client with a deep pipeline.
//!
//! Both clients share what CPU the load has, the deep one's generator included; that is the same for every
//! server, and the figures alone stand beside.

use super::BenchError;
use super::compare::Session;
use super::freeing::ask;
use super::keys::Distribution;
use super::measure::{measure_clean, measure_while};
use super::run::Plan;
use super::sheet::{Texts, figure, texts};
use super::workload::Workload;
use crate::base::number::grouped;

/// Requests of the deep pipeline.
const DEEP: usize = 100;

/// Size of the values of both clients.
const VALUE_BYTES: &str = "1024";

/// What the deep client asks where it asks for something slow: where the first bit of a string is that has one only
/// at its end. A fraction of a millisecond, and a short reply.
const SLOW_COMMAND: &str = "BITPOS slow 1 0";

/// That string's length.
const SLOW_BYTES: usize = 3_000_000;

impl Session<'_> {
    /// One request at a time, alone and beside a client with a deep pipeline.
    pub fn fairness(&self) -> Result<Texts, BenchError> {
        let all = self.in_turns(&["GET", SLOW_COMMAND], |running, cores, setting| {
            let workload = self.workload("get", self.args.keys, VALUE_BYTES)?;
            running.target.fill(&workload, None, |_| ())?;
            let mut deep = self.plan(running, cores, workload.clone());
            if setting == 1 {
                ask(running, &["SETRANGE", "slow", &(SLOW_BYTES - 1).to_string(), "x"])?;
                let asked = [SLOW_COMMAND.to_owned()];
                deep.workload = Workload::new("", &asked, 1, Distribution::Uniform, VALUE_BYTES, 1)?;
            }
            (deep.clients, deep.threads, deep.in_slices) = (1, 1, false);
            (deep.pipeline, deep.server_pid) = (DEEP, None);
            let single = Plan { workload, pipeline: 1, server_pid: Some(running.pid), ..deep.clone() };
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
            "One request at a time beside a client with {DEEP} requests under way: GETs of {VALUE_BYTES} B, or {SLOW_COMMAND} \
             on {} B; medians of {} rounds",
            grouped(SLOW_BYTES as u64),
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
        Ok(texts(&head, &["cores", "deep client", "server"], &figures, &all))
    }
}
