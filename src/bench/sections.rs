//! Sections of the comparison beside throughput: half of saturation, memory, idling, starting.

use super::BenchError;
use super::compare::{REFERENCE, Session};
use super::cpu::CpuClock;
use super::measure::measure;
use super::sheet::{Texts, against, figure, texts};
use crate::base::number::grouped;
use std::thread;
use std::time::Duration;

/// Connections that do nothing, for the section on idling.
const IDLE_CLIENTS: usize = 1_000;

/// How long a server is watched while it has nothing to do.
const IDLE_TIME: Duration = Duration::from_secs(5);

/// What settles first: new connections, freed memory, timers of the start.
pub(super) const SETTLE_TIME: Duration = Duration::from_millis(1_500);

/// Bytes of `key:` and twelve digits.
const KEY_BYTES: f64 = 16.0;

/// Memory of a process that is in RAM; 0 when it is gone.
pub(super) fn resident_bytes(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kb.unwrap_or(0.0) * 1024.0
}

impl Session<'_> {
    /// Open loop at half of what the reference does at most with one request at a time.
    pub fn half_of_saturation(&self) -> Result<Texts, BenchError> {
        let args = self.args;
        let mut half = 0.0;
        let reference = self.entrants.iter().find(|entrant| entrant.name == REFERENCE);
        if let Some(entrant) = reference {
            let running = self.start(entrant, args.cores[0])?;
            let workload = self.workload(&args.mix, args.keys, &args.value_bytes[0])?;
            running.target.fill(&workload, None, |_| ())?;
            half = measure(&self.plan(&running, args.cores[0], workload))?.rate() / 2.0;
            self.stop(running)?;
        }
        let all = self.in_turns(&[""], |running, cores, _| {
            let workload = self.workload(&args.mix, args.keys, &args.value_bytes[0])?;
            running.target.fill(&workload, None, |_| ())?;
            let mut plan = self.plan(running, cores, workload);
            (plan.rate, plan.threads, plan.in_slices) = (Some(half), 1, false);
            let measured = measure(&plan)?;
            let us = |percentile| measured.outcome.latency.percentile(percentile) as f64 / 1e3;
            let cost = measured.server.unwrap_or_default();
            Ok(vec![us(50.0), us(99.0), us(99.9), us(100.0), cost.mean_us, measured.rate()])
        })?;
        let head = format!(
            "Half of {REFERENCE}'s saturation ({} requests/s, open loop, {} connections); medians of {} rounds",
            grouped(half as u64),
            args.clients,
            args.rounds
        );
        let figures = [
            figure("p50 µs", 1),
            figure("p99 µs", 1),
            figure("p99.9 µs", 1),
            figure("max µs", 1),
            against("CPU µs/op", 1),
            figure("requests/s", 0),
        ];
        Ok(texts(&head, &["cores", "server"], &figures, &all))
    }

    /// Resident memory per key beyond key and value.
    pub fn memory(&self) -> Result<Texts, BenchError> {
        let cases =
            [("8 B", 8.0, None), ("8 B and a time to live", 8.0, Some(864_000)), ("64 B", 64.0, None)];
        let keys = self.args.memory_keys;
        let all = self.in_turns(&cases.map(|(label, _, _)| label), |running, _, setting| {
            let (_, value_bytes, seconds) = cases[setting];
            let workload = self.workload("set", keys, &value_bytes.to_string())?;
            thread::sleep(SETTLE_TIME);
            let before = resident_bytes(running.pid);
            running.target.fill(&workload, seconds, |_| ())?;
            thread::sleep(SETTLE_TIME);
            let grown = (resident_bytes(running.pid) - before) / keys as f64;
            Ok(vec![grown, grown - KEY_BYTES - value_bytes])
        })?;
        let head = format!(
            "Resident memory of {} keys of 16 B; medians of {} rounds",
            grouped(keys),
            self.args.rounds
        );
        let figures = [against("B per key", 1), figure("beyond key and value", 1)];
        Ok(texts(&head, &["cores", "values", "server"], &figures, &all))
    }

    /// CPU time and memory of a server that nobody asks anything.
    pub fn idle(&self) -> Result<Texts, BenchError> {
        let all = self.in_turns(&[""], |running, _, _| {
            let failed = |cause: std::io::Error| BenchError(format!("reading the CPU clock: {cause}"));
            let mut clock = CpuClock::of(running.pid).map_err(failed)?;
            thread::sleep(SETTLE_TIME);
            let mut watch = || -> Result<f64, BenchError> {
                clock.find_threads().map_err(failed)?;
                let before = clock.read_ns().map_err(failed)?;
                thread::sleep(IDLE_TIME);
                let used = clock.read_ns().map_err(failed)? - before;
                Ok(used as f64 / IDLE_TIME.as_nanos() as f64 * 100.0)
            };
            let alone = watch()?;
            let before = resident_bytes(running.pid);
            let clients =
                (0..IDLE_CLIENTS).map(|_| running.target.connect()).collect::<Result<Vec<_>, _>>()?;
            thread::sleep(SETTLE_TIME);
            let bytes = (resident_bytes(running.pid) - before) / clients.len() as f64;
            Ok(vec![alone, watch()?, bytes])
        })?;
        let head = format!(
            "Idle; CPU in percent of one core over {} s; medians of {} rounds",
            IDLE_TIME.as_secs(),
            self.args.rounds
        );
        let figures = ["% CPU, no client", "% CPU, 1,000 clients", "B per client"];
        Ok(texts(&head, &["cores", "server"], &figures.map(|name| figure(name, 3)), &all))
    }

    /// From the start of the process to its first answer.
    pub fn start_time(&self) -> Result<Texts, BenchError> {
        let all = self.in_turns(&[""], |running, _, _| Ok(vec![running.first_answer_ms]))?;
        let head =
            format!("From starting the process to its first PONG; medians of {} rounds", self.args.rounds);
        Ok(texts(&head, &["cores", "server"], &[figure("ms", 1)], &all))
    }
}
