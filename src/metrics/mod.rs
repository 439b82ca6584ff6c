//! What a core knows about its own work: counters, a histogram per command, errors, the slow log.
//!
//! One [`Metrics`] per core, plain fields, no atomics: recording a call costs about six nanoseconds
//! and touches memory of that core only. Whoever wants totals asks each core for a [`Snapshot`] (an
//! owned copy that may cross cores) and merges them. Nothing here reads a clock, opens a file or
//! knows a command by name: ids are dense numbers of the command table, names come in with the
//! question.
//!
//! Two durations are kept apart for every command. *Run* is the time inside the command, on the core
//! that owns the key: Redis's meaning of `usec`. *Remote* is what only a server of many cores has:
//! from posting a command to another shard until its reply is back. And a command whose keys lay on
//! several shards has both once more, apart from those of its calls on one: what spanning costs shows.

pub mod command;
pub mod format;
pub mod histogram;
pub mod process;
pub mod rate;
pub mod registry;
pub mod slowlog;
pub mod snapshot;

use crate::base::clock::Now;
use command::{CommandStats, ErrorStats};
use histogram::LazyHistogram;
use process::MemoryMarks;
use rate::Rates;
pub use registry::Counters;
pub use snapshot::{Detail, Snapshot};

/// Everything one core counts. Lives as long as its engine; `reset` is `CONFIG RESETSTAT`.
#[derive(Debug)]
pub struct Metrics {
    /// Plain counters: written in place by whoever does the work, `metrics.counters.x += 1`.
    pub counters: Counters,
    commands: Box<[CommandStats]>,
    errors: ErrorStats,
    rates: Rates,
    memory: MemoryMarks,
    growth: LazyHistogram,
    lock_waits: LazyHistogram,
    histograms: bool,
}

impl Metrics {
    /// Metrics for a command table of `commands` rows, subcommands included. Histograms are on.
    pub fn new(commands: usize) -> Self {
        Metrics {
            counters: Counters::default(),
            commands: (0..commands).map(|_| CommandStats::default()).collect(),
            errors: ErrorStats::default(),
            rates: Rates::default(),
            memory: MemoryMarks::new(),
            growth: LazyHistogram::default(),
            lock_waits: LazyHistogram::default(),
            histograms: true,
        }
    }

    /// A command ran here for `ns` nanoseconds, whatever it answered.
    #[inline]
    pub fn record_call(&mut self, id: u16, ns: u64) {
        let stats = &mut self.commands[usize::from(id)];
        stats.calls += 1;
        stats.ns += ns;
        if self.histograms {
            stats.run.record(ns);
        }
    }

    /// A command of a connection of this core was away at another shard for `ns` nanoseconds, from
    /// being posted until its reply was back.
    #[inline]
    pub fn record_remote_wait(&mut self, id: u16, ns: u64) {
        if self.histograms {
            self.commands[usize::from(id)].remote.record(ns);
        }
    }

    /// A command that spanned several shards ran for `ns` nanoseconds on all of them together.
    pub fn record_spanning_call(&mut self, id: u16, ns: u64) {
        let stats = &mut self.commands[usize::from(id)];
        stats.calls += 1;
        stats.ns += ns;
        let spanning = stats.spanning_mut();
        spanning.calls += 1;
        spanning.ns += ns;
        if self.histograms {
            spanning.run.record(ns);
        }
    }

    /// A command that spanned several shards was answered `ns` nanoseconds after it first asked for locks.
    pub fn record_spanning_wait(&mut self, id: u16, ns: u64) {
        if self.histograms {
            self.commands[usize::from(id)].spanning_mut().wait.record(ns);
        }
    }

    /// A request for locks had waited in this shard's line for `ns` nanoseconds when they were granted.
    pub fn record_lock_wait(&mut self, ns: u64) {
        self.counters.lock_wait_ns += ns;
        if self.histograms {
            self.lock_waits.record(ns);
        }
    }

    /// A table grew by a step that took `ns` nanoseconds of CPU time.
    pub fn record_growth(&mut self, ns: u64) {
        if self.histograms {
            self.growth.record(ns);
        }
    }

    /// A command was refused before it ran: arity, permission, memory.
    pub fn record_rejected(&mut self, id: u16) {
        self.commands[usize::from(id)].rejected += 1;
    }

    /// A command ran and answered an error.
    pub fn record_failed(&mut self, id: u16) {
        self.commands[usize::from(id)].failed += 1;
    }

    /// An error reply was sent; `code` is its first word, see [`command::error_code`]. The total of
    /// all codes is `counters.error_replies`, counted where the reply is.
    pub fn record_error(&mut self, code: &str) {
        self.errors.record(code);
    }

    /// `latency-tracking`: whether histograms are fed. Turning it off keeps what was recorded.
    pub fn set_histograms(&mut self, on: bool) {
        self.histograms = on;
    }

    /// Takes a sample for the instantaneous rates when 100 ms have passed since the last; else free.
    /// Call it about that often while awake: after a sleep the whole gap is accounted for at once.
    pub fn on_cron(&mut self, now: Now) {
        self.rates.sample(now.mono_ns, &self.counters);
        self.memory.sample(now.mono_ns);
    }

    /// A copy of everything that may cross cores. `Detail::Counts` leaves the histograms out, which
    /// are 30 KB each. Takes a rate sample first, so that a core that slept reports its idleness.
    pub fn snapshot(&mut self, now: Now, detail: Detail) -> Snapshot {
        self.on_cron(now);
        Snapshot {
            counters: self.counters.clone(),
            rates: self.rates.current(),
            memory: self.memory,
            errors: self.errors.clone(),
            growth: if detail == Detail::Full { self.growth.clone() } else { LazyHistogram::default() },
            lock_waits: if detail == Detail::Full {
                self.lock_waits.clone()
            } else {
                LazyHistogram::default()
            },
            commands: self.commands.iter().map(|stats| stats.copy(detail)).collect(),
        }
    }

    /// `CONFIG RESETSTAT`: back to zero, histograms freed.
    pub fn reset(&mut self) {
        self.counters = Counters::default();
        self.commands.fill_with(CommandStats::default);
        self.errors = ErrorStats::default();
        self.growth = LazyHistogram::default();
        self.lock_waits = LazyHistogram::default();
        self.rates.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_of_two_cores_add_up() {
        let now = Now::default();
        let mut cores = [Metrics::new(3), Metrics::new(3)];
        cores[0].record_call(1, 1_000);
        cores[1].record_call(1, 3_000);
        cores[1].record_call(2, 9);
        cores[0].record_remote_wait(1, 20_000);
        cores[1].record_rejected(1);
        cores[0].record_failed(1);
        cores[0].record_error("ERR");
        cores[1].record_error("ERR");
        cores[1].record_error("OOM");
        let [mut first, mut second] = cores;
        let mut total = first.snapshot(now, Detail::Full);
        total.merge(&second.snapshot(now, Detail::Full));
        let get = &total.commands[1];
        assert_eq!((get.calls, get.ns, get.rejected, get.failed), (2, 4_000, 1, 1));
        assert_eq!(get.run.count(), 2);
        assert_eq!(get.run.max(), 3_007);
        assert_eq!(get.remote.count(), 1);
        assert_eq!(total.errors.iter().collect::<Vec<_>>(), [("ERR", 2), ("OOM", 1)]);
        assert_eq!(total.commands[0].calls, 0);
    }

    #[test]
    fn counts_alone_carry_no_histogram() {
        let mut metrics = Metrics::new(1);
        metrics.record_call(0, 5);
        let copy = metrics.snapshot(Now::default(), Detail::Counts);
        assert_eq!(copy.commands[0].calls, 1);
        assert!(copy.commands[0].run.is_empty());
    }

    #[test]
    fn reset_forgets_everything() {
        let mut metrics = Metrics::new(1);
        metrics.record_call(0, 5);
        metrics.record_error("ERR");
        metrics.counters.connections_received = 4;
        metrics.record_spanning_call(0, 5);
        metrics.record_lock_wait(5);
        metrics.reset();
        let memory = metrics.memory;
        let nothing = Snapshot { memory, ..Snapshot::empty(1) };
        assert_eq!(metrics.snapshot(Now::default(), Detail::Full), nothing);
    }

    #[test]
    fn calls_on_one_shard_and_on_several_stand_apart() {
        let now = Now::default();
        let mut cores = [Metrics::new(1), Metrics::new(1)];
        cores[0].record_call(0, 1_000);
        cores[0].record_spanning_call(0, 3_000);
        cores[1].record_spanning_call(0, 4_000);
        cores[1].record_spanning_wait(0, 90_000);
        cores[1].record_lock_wait(700);
        let [mut first, mut second] = cores;
        let mut total = first.snapshot(now, Detail::Full);
        total.merge(&second.snapshot(now, Detail::Full));
        let mget = &total.commands[0];
        assert_eq!((mget.calls, mget.ns, mget.run.count()), (3, 8_000, 1));
        let spanning = mget.spanning.as_ref().unwrap();
        assert_eq!((spanning.calls, spanning.ns), (2, 7_000));
        assert_eq!((spanning.run.count(), spanning.wait.count()), (2, 1));
        assert_eq!(mget.run_anywhere().count(), 3);
        assert_eq!((total.lock_waits.count(), total.counters.lock_wait_ns), (1, 700));
    }

    #[test]
    fn histograms_can_be_switched_off() {
        let mut metrics = Metrics::new(1);
        metrics.set_histograms(false);
        metrics.record_call(0, 5);
        metrics.record_remote_wait(0, 5);
        metrics.record_lock_wait(5);
        let copy = metrics.snapshot(Now::default(), Detail::Full);
        assert_eq!(copy.commands[0].calls, 1);
        assert!(copy.lock_waits.is_empty());
        assert_eq!(copy.counters.lock_wait_ns, 5);
        assert!(copy.commands[0].run.is_empty());
        assert!(copy.commands[0].remote.is_empty());
    }
}
