//! One run: connections and rings made ready, threads started, warm-up, the measured time in slices.

use super::closed::ClosedLoop;
use super::connection::Target;
use super::cpu::{CpuClock, CpuCost, SLICE, Slice};
use super::open::{Arrivals, OpenLoop};
use super::tally::{Outcome, Phase, Shared};
use super::workload::Workload;
use super::{BenchError, progress};
use crate::base::clock::Clock;
use crate::base::number::grouped;
use crate::base::prng::Prng;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Everything a run needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server.
    pub target: Target,
    /// What it is asked.
    pub workload: Workload,
    /// Connections, spread over the threads.
    pub clients: usize,
    /// Threads.
    pub threads: usize,
    /// Requests in a batch.
    pub pipeline: usize,
    /// Measured time, unless `requests` end it.
    pub seconds: f64,
    /// So many requests, however long they take.
    pub requests: Option<u64>,
    /// Seconds before the measured time.
    pub warm_up: f64,
    /// Requests a second, for the open loop.
    pub rate: Option<f64>,
    /// CPUs for the threads, in turn.
    pub cpus: Vec<usize>,
    /// Whose CPU clock to read.
    pub server_pid: Option<u32>,
    /// Whether the CPU clock is read in slices of the measured time, or over the whole of it: reading takes the
    /// CPU from the load for a moment, which shows in its highest percentiles.
    pub in_slices: bool,
    /// Makes keys, values and arrivals the same again.
    pub seed: u64,
}

/// What a run found out.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Of all threads.
    pub outcome: Outcome,
    /// Length of the measured time.
    pub seconds: f64,
    /// What an operation costs the server.
    pub server: Option<CpuCost>,
    /// What it costs this process.
    pub own: Option<CpuCost>,
}

impl Measured {
    /// Replies in the measured time.
    pub fn operations(&self) -> u64 {
        self.outcome.by_connection.iter().sum()
    }

    /// Replies a second.
    pub fn rate(&self) -> f64 {
        self.operations() as f64 / self.seconds
    }
}

/// Holds a run that goes on while something else is done: beyond its `seconds`, until it is let go. Such a run
/// says nothing of its progress.
#[derive(Debug, Default)]
pub struct Leash {
    begun: AtomicBool,
    let_go: AtomicBool,
}

impl Leash {
    /// Whether the measured time has begun, or the run has failed.
    pub fn begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// The run may end when its `seconds` are over.
    pub fn let_go(&self) {
        self.let_go.store(true, Ordering::Release);
    }
}

/// Runs `plan` to its end.
pub fn run(plan: &Plan) -> Result<Measured, BenchError> {
    drive(plan, None)
}

/// Runs `plan` for as long as `leash` holds it, its `seconds` at least.
pub fn run_held(plan: &Plan, leash: &Leash) -> Result<Measured, BenchError> {
    let measured = drive(plan, Some(leash));
    leash.begun.store(true, Ordering::Release);
    measured
}

fn drive(plan: &Plan, leash: Option<&Leash>) -> Result<Measured, BenchError> {
    let first_phase = if plan.warm_up > 0.0 { Phase::WarmUp } else { Phase::Measure };
    let threads = plan.threads.min(plan.clients);
    let shared = Shared::new(threads, first_phase);
    let mut server = match plan.server_pid {
        Some(pid) => Some(CpuClock::of(pid).map_err(|cause| {
            BenchError(format!("--server-pid {pid}: cannot read its CPU clock: {cause}"))
        })?),
        None => None,
    };
    let mut parts = Vec::new();
    for share in 0..threads {
        let of = |count: u64| count / threads as u64 + u64::from((share as u64) < count % threads as u64);
        let sockets =
            (0..of(plan.clients as u64)).map(|_| plan.target.connect()).collect::<Result<Vec<_>, _>>()?;
        let quota = plan.requests.map_or(u64::MAX, of);
        parts.push(Part { share, sockets, quota });
    }
    let clock = Clock::real();
    let mut measured = Measured::default();
    let ready = AtomicU64::new(0);
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for part in parts {
            let (shared, ready) = (&shared, &ready);
            workers.push(scope.spawn(move || part.run(plan, threads, shared, ready)));
        }
        let ended = |workers: &[thread::ScopedJoinHandle<'_, _>]| workers.iter().all(|one| one.is_finished());
        while ready.load(Ordering::Acquire) < threads as u64 {
            thread::sleep(Duration::from_millis(1));
        }
        if let Some(&cpu) = plan.cpus.first() {
            pin(cpu);
        }
        if first_phase == Phase::WarmUp {
            thread::sleep(Duration::from_secs_f64(plan.warm_up));
        }
        let mut own = CpuClock::of(std::process::id()).ok();
        let mut server_slices = Slices::new(&mut server, &shared, &clock);
        let mut own_slices = Slices::new(&mut own, &shared, &clock);
        shared.enter(Phase::Measure);
        if let Some(leash) = leash {
            leash.begun.store(true, Ordering::Release);
        }
        let start = clock.raw();
        let mut shown = 0;
        loop {
            thread::sleep(if plan.in_slices { SLICE } else { Duration::from_secs_f64(plan.seconds) });
            server_slices.take(&shared, &clock);
            let passed_ns = clock.elapsed_ns(start, clock.raw());
            if leash.is_none() && passed_ns / 200_000_000 > shown {
                shown = passed_ns / 200_000_000;
                let rate = shared.operations().saturating_sub(own_slices.operations) as f64
                    / (passed_ns as f64 / 1e9);
                progress(&format!("{:.1} s, {} requests/s", passed_ns as f64 / 1e9, grouped(rate as u64)));
            }
            let held = leash.is_some_and(|leash| !leash.let_go.load(Ordering::Acquire));
            let time_is_up = !held && plan.requests.is_none() && passed_ns as f64 >= plan.seconds * 1e9;
            if time_is_up || ended(&workers) {
                break;
            }
        }
        own_slices.take(&shared, &clock);
        shared.enter(Phase::Over);
        let (mut last, mut failure) = (start, None);
        for worker in workers {
            match worker.join() {
                Ok(Ok((outcome, end))) => {
                    measured.outcome.merge(outcome);
                    last = last.max(end);
                }
                Ok(Err(error)) => failure = Some(error),
                Err(_) => failure = Some(BenchError("a thread of the load generator panicked".to_owned())),
            }
        }
        measured.seconds = (clock.elapsed_ns(start, last) as f64 / 1e9).max(1e-9);
        measured.server = CpuCost::of(&server_slices.slices);
        measured.own = CpuCost::of(&own_slices.slices);
        if leash.is_none() {
            progress("");
        }
        failure.map_or(Ok(()), Err)
    })?;
    Ok(measured)
}

/// A thread's share of a run.
struct Part {
    share: usize,
    sockets: Vec<socket2::Socket>,
    quota: u64,
}

impl Part {
    fn run(
        self,
        plan: &Plan,
        threads: usize,
        shared: &Shared,
        ready: &AtomicU64,
    ) -> Result<(Outcome, u64), BenchError> {
        let Part { share, sockets, quota } = self;
        if !plan.cpus.is_empty() {
            pin(plan.cpus[share % plan.cpus.len()]);
        }
        let ring = plan.workload.ring(
            if plan.rate.is_some() { 1 } else { plan.pipeline },
            plan.seed,
            share,
            threads,
        );
        ready.fetch_add(1, Ordering::Release);
        let outcome = match plan.rate {
            Some(rate) => {
                let arrivals = Arrivals {
                    rate: rate / threads as f64,
                    prng: Prng::new(plan.seed.wrapping_add(1 + share as u64)),
                    own_cpu: !plan.cpus.is_empty(),
                };
                OpenLoop::new(sockets, ring, arrivals, quota, shared, share)?.run()?
            }
            None => ClosedLoop::new(sockets, ring, plan.pipeline, quota, shared, share)?.run()?,
        };
        Ok((outcome, Clock::real().raw()))
    }
}

/// Slices of one process's CPU clock beside the operations done.
struct Slices<'c> {
    cpu: &'c mut Option<CpuClock>,
    slices: Vec<Slice>,
    cpu_ns: u64,
    operations: u64,
    at: u64,
}

impl<'c> Slices<'c> {
    fn new(cpu: &'c mut Option<CpuClock>, shared: &Shared, clock: &Clock) -> Slices<'c> {
        let mut slices = Slices { cpu, slices: Vec::new(), cpu_ns: 0, operations: 0, at: 0 };
        slices.take(shared, clock);
        slices.slices.clear();
        slices
    }

    /// Ends a slice here. A process that has gone away ends no more of them.
    fn take(&mut self, shared: &Shared, clock: &Clock) {
        let read = self.cpu.as_mut().and_then(|cpu| {
            cpu.find_threads().ok()?;
            cpu.read_moved_ns().ok()
        });
        let (operations, at) = (shared.operations(), clock.raw());
        if let Some(cpu_ns) = read {
            self.slices.push(Slice {
                cpu_ns: cpu_ns.saturating_sub(self.cpu_ns),
                operations: operations - self.operations,
                wall_ns: clock.elapsed_ns(self.at, at),
            });
            self.cpu_ns = cpu_ns;
        }
        (self.operations, self.at) = (operations, at);
    }
}

/// Binds this thread to a CPU; where the machine refuses, it floats.
pub(super) fn pin(cpu: usize) {
    core_affinity::set_for_current(core_affinity::CoreId { id: cpu });
}
