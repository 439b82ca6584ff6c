//! An owned copy of one core's metrics that may cross cores, and the sum of several.

use super::command::{CommandStats, ErrorStats};
use super::histogram::LazyHistogram;
use super::process::MemoryMarks;
use super::rate::PerSecond;
use super::registry::Counters;

/// How much a snapshot carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Numbers only: for everything but latency questions.
    Counts,
    /// Histograms as well, 30 KB for each that is in use.
    Full,
}

/// Metrics at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Plain counters.
    pub counters: Counters,
    /// What happens per second.
    pub rates: PerSecond,
    /// What the allocator held at the start and at its highest.
    pub memory: MemoryMarks,
    /// Error replies by code.
    pub errors: ErrorStats,
    /// Time of commands in which a table grew by a step.
    pub growth: LazyHistogram,
    /// How long requests for locks waited in line before they were granted.
    pub lock_waits: LazyHistogram,
    /// Per command, indexed by its id in the command table.
    pub commands: Vec<CommandStats>,
}

impl Snapshot {
    /// Nothing counted yet, for a command table of `commands` rows.
    pub fn empty(commands: usize) -> Self {
        Snapshot {
            counters: Counters::default(),
            rates: PerSecond::default(),
            memory: MemoryMarks::NONE,
            errors: ErrorStats::default(),
            growth: LazyHistogram::default(),
            lock_waits: LazyHistogram::default(),
            commands: vec![CommandStats::default(); commands],
        }
    }

    /// Adds another core's. Both come from one command table.
    pub fn merge(&mut self, other: &Snapshot) {
        assert_eq!(self.commands.len(), other.commands.len());
        self.counters.merge(&other.counters);
        self.rates.merge(&other.rates);
        self.memory.merge(&other.memory);
        self.errors.merge(&other.errors);
        self.growth.merge(&other.growth);
        self.lock_waits.merge(&other.lock_waits);
        for (ours, theirs) in self.commands.iter_mut().zip(&other.commands) {
            ours.merge(theirs);
        }
    }
}

const fn must_be_send<T: Send>() {}
const _: () = must_be_send::<Snapshot>();
