//! Who listens to the writes of a shard: clients that watch keys for their transaction, and keys that somebody
//! waits for.
//!
//! Every write passes [`Listeners::hear`]; while nobody listens that is one branch. A watcher is marked when one
//! of its keys changes, and asked for its mark under the locks of its transaction, so nothing is sent when
//! a key changes. A key that somebody waits for is noted when it is written; who is served is decided upstairs.

use crate::base::ids::{ConnectionId, ShardId};
use indexmap::IndexSet;
use std::collections::{HashMap, HashSet};

/// A client that watches keys, wherever it lives.
pub type Watcher = (ShardId, ConnectionId);

/// A key of one of the databases.
pub type DbKey = (u8, Vec<u8>);

/// Who listens.
#[derive(Debug, Default)]
pub struct Listeners {
    by_key: HashMap<DbKey, HashSet<Watcher>>,
    watchers: HashMap<Watcher, Watched>,
    awaited: HashSet<DbKey>,
    ready: IndexSet<DbKey>,
    listening: bool,
}

#[derive(Debug, Default)]
struct Watched {
    changed: bool,
    keys: Vec<DbKey>,
}

impl Listeners {
    /// A key was written, removed or has expired.
    #[inline]
    pub(super) fn hear(&mut self, db: u8, key: &[u8]) {
        if self.listening {
            self.tell(db, key);
        }
    }

    fn tell(&mut self, db: u8, key: &[u8]) {
        let key = (db, key.to_vec());
        for watcher in self.by_key.get(&key).into_iter().flatten() {
            if let Some(watched) = self.watchers.get_mut(watcher) {
                watched.changed = true;
            }
        }
        self.note(key);
    }

    /// A key has changed in a way that concerns only those who wait for it.
    pub(super) fn hear_aside(&mut self, db: u8, key: &[u8]) {
        if self.listening {
            self.note((db, key.to_vec()));
        }
    }

    fn note(&mut self, key: DbKey) {
        if self.awaited.contains(&key) {
            self.ready.insert(key);
        }
    }

    /// Marks the watchers of every key that a change of whole databases concerns.
    pub(super) fn tell_all(&mut self, concerns: impl Fn(&DbKey) -> bool) {
        for (key, watchers) in &self.by_key {
            if concerns(key) {
                for watcher in watchers {
                    if let Some(watched) = self.watchers.get_mut(watcher) {
                        watched.changed = true;
                    }
                }
            }
        }
        self.ready.extend(self.awaited.iter().filter(|key| concerns(key)).cloned());
    }

    /// Begins to watch a key, once for each watcher.
    pub(super) fn watch(&mut self, key: DbKey, watcher: Watcher) {
        let watched = self.watchers.entry(watcher).or_default();
        if self.by_key.entry(key.clone()).or_default().insert(watcher) {
            watched.keys.push(key);
        }
        self.listening = true;
    }

    /// The keys of a watcher.
    pub(super) fn watched_by(&self, watcher: Watcher) -> Vec<DbKey> {
        self.watchers.get(&watcher).map(|watched| watched.keys.clone()).unwrap_or_default()
    }

    /// Whether one of a watcher's keys has changed.
    pub(super) fn has_changed(&self, watcher: Watcher) -> bool {
        self.watchers.get(&watcher).is_some_and(|watched| watched.changed)
    }

    /// Ends all watching of a client.
    pub fn unwatch(&mut self, watcher: Watcher) {
        let Some(watched) = self.watchers.remove(&watcher) else { return };
        for key in watched.keys {
            if let Some(watchers) = self.by_key.get_mut(&key) {
                watchers.remove(&watcher);
                if watchers.is_empty() {
                    self.by_key.remove(&key);
                }
            }
        }
        self.settle();
    }

    /// Somebody waits for a key from now on.
    pub fn wait_for(&mut self, key: DbKey) {
        self.awaited.insert(key);
        self.listening = true;
    }

    /// Nobody waits for a key any more.
    pub fn forget(&mut self, key: &DbKey) {
        self.awaited.remove(key);
        self.settle();
    }

    /// Whether a key that somebody waits for was written.
    #[inline]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The keys that were written, in that order.
    pub fn take_ready(&mut self) -> IndexSet<DbKey> {
        std::mem::take(&mut self.ready)
    }

    fn settle(&mut self) {
        self.listening = !self.watchers.is_empty() || !self.awaited.is_empty();
    }
}
