//! Active expiry: removes keys whose deadline has passed and that nobody asks for.
//!
//! The table knows lower bounds of its segments' deadlines, so the cycle visits only segments in which
//! something is due. Visiting one costs a few microseconds whether one key has expired or fifty, so a
//! large table's segments are left to ripen: the slack grows with the table, and bounds the cycle's cost
//! to a few per cent of a core. Lazy expiry hides what waits.

use crate::base::clock::Now;
use crate::shard::Shard;
use crate::shard::keyspace::{Aside, expire_block, expired};
use crate::shard::timed::expire_taken;

/// Segments that may be visited per millisecond in the long run: at about 4 us each, 3 % of a core.
const VISITS_PER_MS: usize = 8;

/// Longest time an expired key may wait for the cycle while there is no shortage of time.
const SLACK_MS_MAX: usize = 4_000;

/// Where the cycle stands.
#[derive(Debug, Default)]
pub(super) struct Cycle {
    db: usize,
    position: u64,
}

impl Shard {
    /// Removes expired keys until there are none that are due or `stop` says so; true: there may be more.
    pub(super) fn expire_some(&mut self, now: Now, stop: &mut dyn FnMut() -> bool) -> bool {
        let Shard { databases, graveyard, stats, listeners, expire, .. } = self;
        let mut rounds = databases.len();
        while rounds > 0 {
            let dict = &mut databases[expire.db];
            let slack_ms = (dict.segments() / VISITS_PER_MS).min(SLACK_MS_MAX) as u64;
            let db = expire.db as u8;
            // Of a hash with fields that expire, fields are due and not the key.
            let mut timed = Vec::new();
            let take = |block| {
                if !expired(&block, now.unix_ms()) {
                    return timed.push(block);
                }
                let (graveyard, stats, listeners) = (&mut *graveyard, &mut *stats, &mut *listeners);
                expire_block(block, Aside { graveyard, stats, listeners, db });
            };
            let next = dict.expire(now.unix_ms(), slack_ms, expire.position, take);
            for block in timed {
                let (graveyard, stats, listeners) = (&mut *graveyard, &mut *stats, &mut *listeners);
                let aside = Aside { graveyard, stats, listeners, db };
                expire_taken(dict, block, aside, now.unix_ms(), stop);
            }
            match next {
                Some(position) => {
                    expire.position = position;
                    if stop() {
                        return true;
                    }
                }
                None => {
                    expire.position = 0;
                    expire.db = (expire.db + 1) % databases.len();
                    rounds -= 1;
                }
            }
        }
        false
    }
}
