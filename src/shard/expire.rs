//! Active expiry: removes keys whose deadline has passed and that nobody asks for.

use crate::base::clock::Now;
use crate::shard::Shard;
use crate::shard::keyspace::expire_block;

/// Keys looked for between two looks at the clock.
const SLICE_KEYS: usize = 64;

/// Where the cycle stands.
#[derive(Debug, Default)]
pub(super) struct Cycle {
    db: usize,
}

impl Shard {
    /// Removes expired keys until there are none or `stop` says so; true: there may be more.
    pub(super) fn expire_some(&mut self, now: Now, stop: &mut dyn FnMut() -> bool) -> bool {
        for _ in 0..self.databases.len() {
            let db = self.expire.db;
            loop {
                let due = self.databases[db].due(now.unix_ms(), SLICE_KEYS);
                for key in &due {
                    let hash = self.owners.hash(key);
                    if let Some(found) = self.databases[db].find(hash, key) {
                        expire_block(found.remove(), &mut self.graveyard, &mut self.stats);
                    }
                }
                if due.is_empty() {
                    break;
                }
                if stop() {
                    return true;
                }
            }
            self.expire.db = (db + 1) % self.databases.len();
        }
        false
    }
}
