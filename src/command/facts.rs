//! What one core knows for INFO and MEMORY, owned so that it may cross cores, and the sum of several.

use super::core::Core;
use super::spec::CorePart;
use crate::base::limits::DATABASES;
use crate::metrics::process::{self, Allocator};
use crate::metrics::{Detail, Snapshot};
use crate::session::Session;
use crate::shard::{DatabaseInfo, ShardMemory, ShardStats};

/// One core's figures; in a sum, the process's.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Counters and histograms.
    pub metrics: Snapshot,
    /// Counters of keys.
    pub keys: ShardStats,
    /// Databases by number.
    pub databases: [DatabaseInfo; DATABASES],
    /// Bytes of each database's table.
    pub tables: [usize; DATABASES],
    /// Where the memory of keys is.
    pub memory: ShardMemory,
    /// Values that are removed and not freed yet.
    pub garbage: usize,
    /// Connections.
    pub clients: usize,
    /// Bytes of their sessions and buffers.
    pub client_bytes: usize,
    /// Largest input of one of them that waits.
    pub input_max: usize,
    /// Largest output of one of them that waits.
    pub output_max: usize,
    /// Connections that CLIENT PAUSE holds.
    pub paused: usize,
    /// Connections that watch commands.
    pub watchers: usize,
}

impl Facts {
    /// What this core knows.
    pub(super) fn gather(core: &mut Core<'_>, detail: Detail) -> Facts {
        let metrics = core.metrics.snapshot(core.now, detail);
        let databases = std::array::from_fn(|db| core.shard.database(db as u8, core.now));
        let mut facts = Facts {
            metrics,
            keys: core.shard.stats,
            databases,
            tables: std::array::from_fn(|db| core.shard.table_bytes(db as u8)),
            memory: core.shard.memory(),
            garbage: core.shard.garbage_len(),
            clients: core.clients.len(),
            client_bytes: 0,
            input_max: 0,
            output_max: 0,
            paused: 0,
            watchers: 0,
        };
        for (_, session) in core.clients.iter() {
            facts.client_bytes +=
                size_of::<Session>() + session.input_bytes + session.input_free + session.output_bytes;
            facts.input_max = facts.input_max.max(session.input_bytes);
            facts.output_max = facts.output_max.max(session.output_bytes);
            facts.paused += usize::from(session.paused || session.blocked);
            facts.watchers += usize::from(session.monitor);
        }
        facts
    }

    /// The cores' figures from their parts, in core order.
    pub(super) fn of_parts(parts: Vec<CorePart>) -> Vec<Facts> {
        parts.into_iter().filter_map(|part| part.downcast::<Facts>().ok()).map(|facts| *facts).collect()
    }

    /// The process's figures; `cores` are not none.
    pub(super) fn sum(cores: &[Facts]) -> Facts {
        let mut total = cores[0].clone();
        for core in &cores[1..] {
            total.add(core);
        }
        total
    }

    fn add(&mut self, other: &Facts) {
        self.metrics.merge(&other.metrics);
        self.keys.hits += other.keys.hits;
        self.keys.misses += other.keys.misses;
        self.keys.expired_keys += other.keys.expired_keys;
        self.keys.expire_cap_reached += other.keys.expire_cap_reached;
        self.keys.expire_cycle_ns += other.keys.expire_cycle_ns;
        self.keys.lazyfreed += other.keys.lazyfreed;
        self.keys.dirty += other.keys.dirty;
        for (ours, theirs) in self.databases.iter_mut().zip(&other.databases) {
            *ours = joined(*ours, *theirs);
        }
        for (ours, theirs) in self.tables.iter_mut().zip(&other.tables) {
            *ours += theirs;
        }
        self.memory.content += other.memory.content;
        self.memory.tables += other.memory.tables;
        self.memory.garbage += other.memory.garbage;
        self.garbage += other.garbage;
        self.clients += other.clients;
        self.client_bytes += other.client_bytes;
        self.input_max = self.input_max.max(other.input_max);
        self.output_max = self.output_max.max(other.output_max);
        self.paused += other.paused;
        self.watchers += other.watchers;
    }

    /// Keys of all databases.
    pub(super) fn keys_len(&self) -> usize {
        self.databases.iter().map(|database| database.keys).sum()
    }
}

/// Two shards' share of one database; the mean time to live weighs by keys that have one.
fn joined(a: DatabaseInfo, b: DatabaseInfo) -> DatabaseInfo {
    let expires = a.expires + b.expires;
    let ttl_sum = a.avg_ttl_ms * a.expires as u64 + b.avg_ttl_ms * b.expires as u64;
    DatabaseInfo {
        keys: a.keys + b.keys,
        expires,
        avg_ttl_ms: ttl_sum.checked_div(expires as u64).unwrap_or(0),
    }
}

/// The process's memory, derived as Redis derives it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// What the allocator says.
    pub allocator: Allocator,
    /// What the kernel says.
    pub rss: u64,
    /// The most that was allocated.
    pub peak: u64,
    /// What was allocated at the start.
    pub startup: u64,
    /// All but keys and values: start, tables, clients.
    pub overhead: u64,
    /// Keys and values: the rest.
    pub dataset: u64,
}

impl Memory {
    /// Now.
    pub(super) fn read(facts: &Facts) -> Memory {
        let allocator = process::allocator();
        let startup = facts.metrics.memory.startup_bytes;
        let overhead = startup + (facts.memory.tables + facts.client_bytes) as u64;
        Memory {
            allocator,
            rss: process::resident_bytes(),
            peak: facts.metrics.memory.peak_bytes.max(allocator.allocated),
            startup,
            overhead,
            dataset: allocator.allocated.saturating_sub(overhead),
        }
    }

    /// Share of the dataset in what was allocated since the start, in percent.
    pub(super) fn dataset_percent(&self) -> f64 {
        percent(self.dataset, self.allocator.allocated.saturating_sub(self.startup))
    }

    /// Share of what is allocated in the peak, in percent.
    pub(super) fn peak_percent(&self) -> f64 {
        percent(self.allocator.allocated, self.peak)
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// How many times `part` goes into `whole`; 0 of nothing.
pub(super) fn ratio(whole: u64, part: u64) -> f64 {
    if part == 0 { 0.0 } else { whole as f64 / part as f64 }
}

/// How much more `whole` is.
pub(super) fn excess(whole: u64, part: u64) -> i64 {
    whole as i64 - part as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_time_to_live_weighs_by_keys_that_have_one() {
        let a = DatabaseInfo { keys: 10, expires: 1, avg_ttl_ms: 400 };
        let b = DatabaseInfo { keys: 5, expires: 3, avg_ttl_ms: 800 };
        assert_eq!(joined(a, b), DatabaseInfo { keys: 15, expires: 4, avg_ttl_ms: 700 });
        assert_eq!(joined(DatabaseInfo::default(), DatabaseInfo::default()), DatabaseInfo::default());
    }
}
