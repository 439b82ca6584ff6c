//! What is counted: by the connections of a thread, by the thread, by all threads of a run together.

use super::replies::ReplyCounter;
use crate::metrics::histogram::LazyHistogram;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing counts yet.
    WarmUp,
    /// Everything counts.
    Measure,
    /// No more requests.
    Over,
}

/// What the threads of a run share: the phase, and how much each has done.
pub struct Shared {
    phase: AtomicU8,
    operations: Vec<Padded>,
}

/// A counter on a cache line of its own.
#[repr(align(128))]
#[derive(Default)]
struct Padded(AtomicU64);

impl Shared {
    /// For so many threads.
    pub fn new(threads: usize, phase: Phase) -> Shared {
        let operations = (0..threads).map(|_| Padded::default()).collect();
        Shared { phase: AtomicU8::new(phase as u8), operations }
    }

    /// Where the run is.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            phase if phase == Phase::WarmUp as u8 => Phase::WarmUp,
            phase if phase == Phase::Measure as u8 => Phase::Measure,
            _ => Phase::Over,
        }
    }

    /// Says where it is now.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// A thread has seen `count` more replies.
    fn add_operations(&self, thread: usize, count: u64) {
        // Nobody else writes this one, so no bus lock is needed.
        let counter = &self.operations[thread].0;
        counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }

    /// Replies so far, those of the warm-up included.
    pub fn operations(&self) -> u64 {
        self.operations.iter().map(|counter| counter.0.load(Ordering::Relaxed)).sum()
    }
}

/// What a thread, or all of them, saw in the measured time.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Of every reply.
    pub latency: LazyHistogram,
    /// Replies of each connection.
    pub by_connection: Vec<u64>,
    /// Error replies.
    pub errors: u64,
    /// Null replies.
    pub nulls: u64,
    /// The first error's text.
    pub first_error: Option<String>,
    /// Open loop: requests without a reply at the end.
    pub unanswered: u64,
}

impl Outcome {
    /// Adds what a connection counted.
    pub fn add(&mut self, tally: &Tally) {
        let replies = &tally.replies;
        self.by_connection.push(tally.operations);
        self.errors += replies.errors;
        self.nulls += replies.nulls;
        if self.first_error.is_none() {
            self.first_error.clone_from(&replies.first_error);
        }
    }

    /// Adds what another thread saw.
    pub fn merge(&mut self, other: Outcome) {
        self.latency.merge(&other.latency);
        self.by_connection.extend(other.by_connection);
        self.errors += other.errors;
        self.nulls += other.nulls;
        self.unanswered += other.unanswered;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// What one connection has counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Its replies, in pieces.
    pub replies: ReplyCounter,
    /// Replies in the measured time.
    pub operations: u64,
}

/// What one thread counts while it follows the phase.
pub struct Counting<'a> {
    shared: &'a Shared,
    share: usize,
    /// Whether the measured time has begun.
    pub measuring: bool,
    /// Latencies, and at the end what the connections counted.
    pub outcome: Outcome,
}

impl<'a> Counting<'a> {
    /// That of the thread with number `share`.
    pub fn new(shared: &'a Shared, share: usize) -> Counting<'a> {
        Counting { shared, share, measuring: false, outcome: Outcome::default() }
    }

    /// Looks which phase it is; what was counted before the measured time is forgotten at its start.
    pub fn on_phase<'t>(&mut self, tallies: impl Iterator<Item = &'t mut Tally>) -> Phase {
        let phase = self.shared.phase();
        if phase == Phase::Measure && !self.measuring {
            self.measuring = true;
            self.outcome = Outcome::default();
            for tally in tallies {
                tally.operations = 0;
                tally.replies.forget();
            }
        }
        phase
    }

    /// A connection has seen `done` more replies.
    pub fn answered(&self, tally: &mut Tally, done: u64) {
        tally.operations += done;
        self.shared.add_operations(self.share, done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_the_measured_time_is_forgotten() {
        let shared = Shared::new(1, Phase::WarmUp);
        let mut counting = Counting::new(&shared, 0);
        let mut tally = Tally::default();
        assert_eq!(counting.on_phase([&mut tally].into_iter()), Phase::WarmUp);
        let done = tally.replies.feed(b"$-1\r\n+OK\r\n").unwrap();
        counting.answered(&mut tally, done);
        shared.enter(Phase::Measure);
        assert_eq!(counting.on_phase([&mut tally].into_iter()), Phase::Measure);
        assert_eq!((tally.operations, tally.replies.nulls, shared.operations()), (0, 0, 2));
        // Once alone: the measured time has one start.
        counting.answered(&mut tally, 3);
        counting.on_phase([&mut tally].into_iter());
        counting.outcome.add(&tally);
        assert_eq!(counting.outcome.by_connection, [3]);
    }
}
