//! Who owns the keys: the databases of one core. One thread, no clock and no network of its own.
//!
//! Commands come in through [`Shard::keyspace`], which is the one door to keys: lazy expiry, the access
//! clock, hits and misses, and the record of every write happen behind it. What takes long is put off:
//! big values and whole databases go to the graveyard and are freed in slices by [`Shard::on_cron`],
//! which also removes keys that have expired and that nobody asks for.
//!
//! Not here: which shard owns a key (`base::owner`), reply formats, locks between shards.

pub mod collections;
#[cfg(any(test, feature = "testing"))]
pub mod fuzz;
pub mod keyspace;
pub mod value;

mod bits;
mod dump;
mod dump_old;
mod dump_read;
mod dump_stream;
mod dump_wire;
mod expire;
mod graveyard;
mod listeners;
mod small;
mod timed;

pub use collections::Edit;
pub use dump::{BadPayload, Use};
pub use keyspace::{Change, Keyspace};
pub use listeners::{DbKey, Listeners, Watcher};
pub use value::{Collection, Deadline, KeyFacts, Owned, Source, Text, Value, WrongType};

use crate::base::clock::{Clock, Now, Stopwatch};
use crate::base::limits;
use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::ds::Shapes;
use crate::ds::dict::Dict;
use graveyard::Graveyard;
use small::Spare;

/// All databases of one core.
#[derive(Debug)]
pub struct Shard {
    owners: Owners,
    stopwatch: Stopwatch,
    databases: Vec<Dict<Value>>,
    graveyard: Graveyard,
    spare: Spare,
    prng: Prng,
    expire: expire::Cycle,
    /// Who listens to writes.
    pub listeners: Listeners,
    /// How accesses are remembered; follows `maxmemory-policy`.
    pub access: AccessClock,
    /// Counters for `INFO`.
    pub stats: ShardStats,
    /// What the operator has set; follows the options.
    pub settings: Settings,
}

/// The options that commands on keys obey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Longest string (`proto-max-bulk-len`), in bytes.
    pub bulk_bytes_max: usize,
    /// Whether expired keys are looked for (`DEBUG SET-ACTIVE-EXPIRE`); if not, they go when asked for.
    pub active_expire: bool,
    /// How collections are held.
    pub shapes: Shapes,
}

impl Settings {
    fn new(owners: Owners) -> Settings {
        Settings { bulk_bytes_max: limits::BULK_BYTES_MAX, active_expire: true, shapes: Shapes::new(owners) }
    }
}

/// What the 24 bits beside each key mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessClock {
    /// Seconds of the last access, modulo 2^24: every policy but the two below.
    Recency,
    /// Minutes of the last decay and a logarithmic counter: `allkeys-lfu`, `volatile-lfu`.
    Frequency {
        /// `lfu-log-factor`: how many more accesses the next step of the counter takes.
        log_factor: u32,
        /// `lfu-decay-time`: minutes after which the counter loses one; 0: never.
        decay_minutes: u32,
    },
}

/// Counters of one shard since it started. All only grow, and may be set to 0 (`CONFIG RESETSTAT`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardStats {
    /// Reads that found their key: `keyspace_hits`.
    pub hits: u64,
    /// Reads that did not: `keyspace_misses`.
    pub misses: u64,
    /// Keys removed because their deadline had passed: `expired_keys`.
    pub expired_keys: u64,
    /// Active expiry cycles that ran out of time: `expired_time_cap_reached_count`.
    pub expire_cap_reached: u64,
    /// Time in active expiry cycles, in nanoseconds: `expire_cycle_cpu_milliseconds`.
    pub expire_cycle_ns: u64,
    /// Values freed in the background: `lazyfreed_objects`.
    pub lazyfreed: u64,
    /// Writes to keys: `rdb_changes_since_last_save`.
    pub dirty: u64,
}

/// One database, for `INFO keyspace`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// Keys, among them those that have expired and are not removed yet.
    pub keys: usize,
    /// Keys with a deadline.
    pub expires: usize,
    /// Mean time until those expire, in milliseconds.
    pub avg_ttl_ms: u64,
}

/// Where the memory of a shard is, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardMemory {
    /// Keys and values, with what the allocator rounds up.
    pub content: usize,
    /// Tables.
    pub tables: usize,
    /// Removed, and not freed yet.
    pub garbage: usize,
}

impl Shard {
    /// Empty databases; keys are hashed by `owners`.
    pub fn new(owners: Owners) -> Shard {
        Shard {
            owners,
            stopwatch: || 0,
            databases: (0..limits::DATABASES).map(|_| Dict::new(owners)).collect(),
            graveyard: Graveyard::default(),
            spare: Spare::default(),
            prng: Prng::new(owners.seed()),
            expire: expire::Cycle::default(),
            listeners: Listeners::default(),
            access: AccessClock::Recency,
            stats: ShardStats::default(),
            settings: Settings::new(owners),
        }
    }

    /// The door to one database, for one command. `db` below `limits::DATABASES`.
    pub fn keyspace(&mut self, db: u8, now: Now) -> Keyspace<'_> {
        Keyspace::new(self, db, now)
    }

    /// Exchanges two databases: `SWAPDB`. O(1).
    pub fn swap(&mut self, a: u8, b: u8) {
        if a != b {
            // A watched key counts as changed if it is in either database.
            let (owners, databases) = (self.owners, &self.databases);
            let holds = |db: u8, key: &[u8]| databases[usize::from(db)].get(owners.hash(key), key).is_some();
            self.listeners.tell_all(|(db, key)| (*db == a || *db == b) && (holds(a, key) || holds(b, key)));
            self.databases.swap(usize::from(a), usize::from(b));
            self.stats.dirty += 1;
        }
    }

    /// Watches a key for a client's transaction.
    pub fn watch(&mut self, key: DbKey, watcher: Watcher, now: Now) {
        // One that has expired is gone from now on, and no change any more.
        self.keyspace(key.0, now).look(&key.1);
        self.listeners.watch(key, watcher);
    }

    /// Whether a key that the client watches has changed or expired.
    pub fn watched_changed(&mut self, watcher: Watcher, now: Now) -> bool {
        for (db, key) in self.listeners.watched_by(watcher) {
            self.keyspace(db, now).look(&key);
        }
        self.listeners.has_changed(watcher)
    }

    /// Empties all databases: `FLUSHALL`. The memory is given back by later cron runs.
    pub fn clear_all(&mut self) {
        for db in 0..self.databases.len() {
            self.clear(db);
        }
    }

    fn clear(&mut self, db: usize) {
        let (owners, dict) = (self.owners, &self.databases[db]);
        self.listeners
            .tell_all(|(of, key)| usize::from(*of) == db && dict.get(owners.hash(key), key).is_some());
        let mut empty = Dict::new(self.owners);
        empty.set_stopwatch(self.stopwatch);
        let full = std::mem::replace(&mut self.databases[db], empty);
        self.stats.dirty += full.len() as u64;
        self.graveyard.bury_table(full);
    }

    /// Upkeep, about every 100 ms, and sooner again when it returns true (there is more to do): removes
    /// expired keys, frees what was removed. Looks at `clock` every few keys and stops after `budget_ns`.
    pub fn on_cron(&mut self, now: Now, clock: &Clock, budget_ns: u64) -> bool {
        let start = clock.raw();
        let out_of_time = |share: u64| clock.elapsed_ns(start, clock.raw()) >= budget_ns / 2 * share;
        let expiring = self.settings.active_expire && self.expire_some(now, &mut || out_of_time(1));
        self.stats.expire_cycle_ns += clock.elapsed_ns(start, clock.raw());
        self.stats.expire_cap_reached += u64::from(expiring);
        let freeing = self.graveyard.free_some(&mut self.stats, &mut || out_of_time(2));
        expiring || freeing
    }

    /// Asks the processor for the part of the table where a key with this hash lies: for a batch, some
    /// commands ahead of its use.
    pub fn prefetch(&self, db: u8, hash: u64) {
        self.databases[usize::from(db)].prefetch(hash);
    }

    /// Asks for the key itself, once [`Shard::prefetch`] has had its time.
    pub fn prefetch_key(&self, db: u8, hash: u64) {
        self.databases[usize::from(db)].prefetch_block(hash);
    }

    /// Whether upkeep has anything to do: keys with a deadline, or garbage.
    pub fn wants_cron(&self) -> bool {
        self.graveyard.len() > 0 || self.databases.iter().any(|dict| dict.expires() > 0)
    }

    /// `INFO keyspace` for one database.
    pub fn database(&self, db: u8, now: Now) -> DatabaseInfo {
        let dict = &self.databases[usize::from(db)];
        let expires = dict.expires();
        let mean = dict.deadline_sum().checked_div(expires as u128).unwrap_or(0);
        DatabaseInfo { keys: dict.len(), expires, avg_ttl_ms: (mean as u64).saturating_sub(now.unix_ms()) }
    }

    /// Where the memory is.
    pub fn memory(&self) -> ShardMemory {
        ShardMemory {
            content: self.databases.iter().map(Dict::content_bytes).sum(),
            tables: self.databases.iter().map(Dict::table_bytes).sum(),
            garbage: self.graveyard.bytes(),
        }
    }

    /// Sets what times the steps in which tables grow.
    pub fn set_stopwatch(&mut self, stopwatch: Stopwatch) {
        self.stopwatch = stopwatch;
        self.databases.iter_mut().for_each(|dict| dict.set_stopwatch(stopwatch));
    }

    /// Nanoseconds of the longest step of growth of a database's table since this was last asked.
    #[inline]
    pub fn take_step(&mut self, db: u8) -> Option<u64> {
        self.databases[usize::from(db)].take_step()
    }

    /// Bytes of one database's table, without keys and values.
    pub fn table_bytes(&self, db: u8) -> usize {
        self.databases[usize::from(db)].table_bytes()
    }

    /// Values that are removed and not freed yet: `lazyfree_pending_objects`.
    pub fn garbage_len(&self) -> usize {
        self.graveyard.len()
    }
}

#[cfg(test)]
mod tests;
