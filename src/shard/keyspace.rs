//! The one door to keys: one database as one command sees it, at one moment.
//!
//! Every method removes the key first if its deadline has passed, so an expired key is never visible.
//! Three things differ between methods and follow Redis's commands; each method says which apply:
//! - *counts*: adds to `keyspace_hits` or `keyspace_misses`. Redis counts reads (`lookupKeyRead`) only.
//! - *touches*: moves the access clock, as an access through a command does.
//! - *changes*: every write ends in [`Keyspace::changed`]: the one place to listen to.
//!
//! Not here: argument checks and error texts (commands), locks between shards (mesh).

use crate::base::clock::Now;
use crate::base::number::parse_i64;
use crate::base::prng::Prng;
use crate::ds::block::{Block, Content, INLINE_MAX, View, Weigh};
use crate::ds::dict::{Dict, Found};
use crate::shard::graveyard::Graveyard;
use crate::shard::listeners::Listeners;
use crate::shard::small::{self, Spare};
use crate::shard::timed;
use crate::shard::value::{self, OwnedBody};
use crate::shard::{
    AccessClock, Deadline, KeyFacts, Owned, Settings, Shard, ShardStats, Text, Value, WrongType,
};

/// One database of a shard at one moment.
#[derive(Debug)]
pub struct Keyspace<'a> {
    pub(super) shard: &'a mut Shard,
    db: u8,
    now: Now,
    known: Known,
}

/// A key whose hash somebody has computed already: where it lies, and the hash.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    address: usize,
    len: usize,
    hash: u64,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It holds another value.
    Write,
    /// Its value is the same but for what stands beside the elements: who waits hears of it, who watches not.
    Aside,
    /// Its deadline was set or cleared.
    Deadline,
    /// It was removed by a command.
    Remove,
    /// It was removed because its deadline had passed.
    Expire,
}

/// A grown string up to this length lies in its block; a longer one gets room to grow.
pub(super) const GROWN_INLINE_MAX: usize = 64;

/// A growing string doubles its room up to this size, and takes a quarter more above it.
const DOUBLING_BYTES_MAX: usize = 64 << 20;

impl<'a> Keyspace<'a> {
    pub(super) fn new(shard: &'a mut Shard, db: u8, now: Now) -> Self {
        Keyspace { shard, db, now, known: Known::default() }
    }

    /// Tells the hash of a key of this command, so that it is not computed again when the same slice is
    /// looked up. The slice must not change while the keyspace lives.
    pub fn know(&mut self, key: &[u8], hash: u64) {
        debug_assert_eq!(hash, self.shard.owners.hash(key));
        self.known = Known { address: key.as_ptr().addr(), len: key.len(), hash };
    }

    /// The moment of the command.
    pub fn now(&self) -> Now {
        self.now
    }

    /// The database's number.
    pub fn db(&self) -> u8 {
        self.db
    }

    /// What the operator has set.
    pub fn settings(&self) -> Settings {
        self.shard.settings
    }

    /// Whether accesses are counted (`OBJECT FREQ`) and not timed (`OBJECT IDLETIME`).
    pub fn counts_accesses(&self) -> bool {
        matches!(self.shard.access, AccessClock::Frequency { .. })
    }

    /// A generator of its own, seeded by the shard's: for commands that pick at random.
    pub fn prng(&mut self) -> Prng {
        Prng::new(self.shard.prng.next_u64())
    }

    /// The door to another database of the same shard, at the same moment: `MOVE`.
    pub fn other_db(&mut self, db: u8) -> Keyspace<'_> {
        Keyspace { shard: self.shard, db, now: self.now, known: self.known }
    }

    /// Keys in the database; those that expired and were not removed yet count, as in Redis.
    pub fn len(&self) -> usize {
        self.dict().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.dict().is_empty()
    }

    /// Keys with a deadline.
    pub fn expires_len(&self) -> usize {
        self.dict().expires()
    }

    /// The string at `key`, for a reading command (`GET`, `GETRANGE`, `STRLEN`, `GETDEL`, `GETEX`).
    /// Counts, touches.
    pub fn read_string(&mut self, key: &[u8]) -> Result<Option<Text<'_>>, WrongType> {
        self.read(key).map(value::text).transpose()
    }

    /// The string at `key`, for a command that is about to write it (`INCR`, `SETBIT`). Touches.
    pub fn write_string(&mut self, key: &[u8]) -> Result<Option<Text<'_>>, WrongType> {
        self.find_touched(key).map(|found| value::text(found.into_block())).transpose()
    }

    /// Length in bytes of the string at `key`, 0 if there is none. Counts, touches.
    pub fn string_len(&mut self, key: &[u8]) -> Result<usize, WrongType> {
        Ok(self.read_string(key)?.map_or(0, Text::len))
    }

    /// `EXISTS`. Counts.
    pub fn contains(&mut self, key: &[u8]) -> bool {
        let found = self.find(key).is_some();
        self.count(found)
    }

    /// Whether a command that is about to write would find `key` (`SET NX`, `MSETNX`, `RENAMENX`). Touches.
    pub fn holds(&mut self, key: &[u8]) -> bool {
        self.find_touched(key).is_some()
    }

    /// Removes `key` if its deadline has passed. Neither counts nor touches.
    pub(super) fn look(&mut self, key: &[u8]) {
        self.find(key);
    }

    /// `TOUCH`. Counts, touches.
    pub fn touch(&mut self, key: &[u8]) -> bool {
        self.read(key).is_some()
    }

    /// The name of the type at `key`: `TYPE`. Counts.
    pub fn kind(&mut self, key: &[u8]) -> Option<&'static str> {
        let kind = self.find(key).map(|found| value::kind(found.block()));
        self.count(kind.is_some());
        kind
    }

    /// When `key` expires, in Unix milliseconds: `TTL` and its kin. None: no such key; Some(None): never.
    /// Counts.
    pub fn deadline(&mut self, key: &[u8]) -> Option<Option<u64>> {
        let deadline = self.find(key).map(|found| timed::own_deadline(found.block()));
        self.count(deadline.is_some());
        deadline
    }

    /// Sets or clears a deadline; false if there is no such key. Touches; changes, also if the deadline
    /// is what it was. A deadline in the past makes the key invisible at once; commands that mean
    /// `DEL` by that call [`Keyspace::remove`] instead.
    pub fn set_deadline(&mut self, key: &[u8], deadline: Option<u64>) -> bool {
        let Some(mut found) = self.find_touched(key) else { return false };
        timed::set_own_deadline(&mut found, deadline);
        self.changed(key, Change::Deadline);
        true
    }

    /// Stores a string, as an integer if it is exactly what an integer prints as: `SET`. Replaces a value
    /// of any type. Changes.
    pub fn set_string(&mut self, key: &[u8], bytes: &[u8], deadline: Deadline) {
        match parse_i64(bytes) {
            Some(int) => self.set_integer(key, int, deadline),
            None => self.set_bytes(key, bytes, deadline),
        }
    }

    /// Stores an integer: `INCR`. Replaces a value of any type. Changes.
    pub fn set_integer(&mut self, key: &[u8], int: i64, deadline: Deadline) {
        self.store(key, Content::Int(int), false, deadline);
    }

    /// Puts the integer that `next` makes of the string at `key` in its place and returns it: `INCR`, with one
    /// look at the table. The deadline stays. An error of `next` changes nothing. Touches, changes.
    pub fn update_integer<E: From<WrongType>>(
        &mut self,
        key: &[u8],
        next: impl FnOnce(Option<Text<'_>>) -> Result<i64, E>,
    ) -> Result<i64, E> {
        let Some(mut found) = self.find_touched(key) else {
            let int = next(None)?;
            self.set_integer(key, int, Deadline::None);
            return Ok(int);
        };
        let int = next(Some(value::text(found.block())?))?;
        let old = found.replace(Content::Int(int));
        found.set_mark(false);
        if let Some(old) = old {
            self.shard.graveyard.bury(old);
        }
        self.changed(key, Change::Write);
        Ok(int)
    }

    /// Stores a string as it is, even if it looks like an integer: `INCRBYFLOAT`. Changes.
    pub fn set_bytes(&mut self, key: &[u8], bytes: &[u8], deadline: Deadline) {
        self.store(key, content_of(bytes), false, deadline);
    }

    /// Stores a string that was built for this key, without a copy if it is long: `BITOP`. Its encoding is
    /// `raw` whatever its length. Changes.
    pub fn set_raw(&mut self, key: &[u8], bytes: Vec<u8>, deadline: Deadline) {
        if bytes.len() <= INLINE_MAX {
            self.store(key, Content::Bytes(&bytes), true, deadline);
        } else {
            self.store(key, Content::Boxed(Box::new(Value::Bytes(bytes))), true, deadline);
        }
    }

    /// Adds `bytes` to the end of the string at `key` and returns the new length: `APPEND`. A missing key is
    /// set as by `SET`. Touches, changes. The caller has checked that the length stays in bounds.
    /// Amortised O(bytes).
    pub fn append(&mut self, key: &[u8], bytes: &[u8]) -> Result<usize, WrongType> {
        let Some(mut found) = self.find_touched(key) else {
            self.set_string(key, bytes, Deadline::None);
            return Ok(bytes.len());
        };
        let length = value::text(found.block())?.len() + bytes.len();
        grow(&mut found, length - bytes.len(), bytes)?;
        self.changed(key, Change::Write);
        Ok(length)
    }

    /// Writes `bytes` at `offset` into the string at `key`, with zero bytes up to there if it is shorter,
    /// and returns its length: `SETRANGE`. Without `bytes` nothing happens, not even to a missing key.
    /// Touches, changes. The caller has checked that `offset + bytes.len()` stays in bounds.
    pub fn write_range(&mut self, key: &[u8], offset: usize, bytes: &[u8]) -> Result<usize, WrongType> {
        let Some(mut found) = self.find_touched(key) else {
            if !bytes.is_empty() {
                let mut padded = vec![0; offset + bytes.len()];
                padded[offset..].copy_from_slice(bytes);
                self.set_raw(key, padded, Deadline::None);
                return Ok(offset + bytes.len());
            }
            return Ok(0);
        };
        let old_len = value::text(found.block())?.len();
        if bytes.is_empty() {
            return Ok(old_len);
        }
        grow(&mut found, offset, bytes)?;
        self.changed(key, Change::Write);
        Ok(old_len.max(offset + bytes.len()))
    }

    /// Removes a key: `DEL`; false if there was none. A big value is freed later. Changes.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let Some(found) = self.find(key) else { return false };
        if let Some(value) = found.remove().into_boxed() {
            self.shard.graveyard.bury(value);
        }
        self.changed(key, Change::Remove);
        true
    }

    /// `UNLINK`: the same as [`Keyspace::remove`], which never frees a big value on the command's path.
    pub fn unlink(&mut self, key: &[u8]) -> bool {
        self.remove(key)
    }

    /// Takes a key with its value and deadline out: `RENAME`, `MOVE`. Changes.
    pub fn take(&mut self, key: &[u8]) -> Option<Owned> {
        let found = self.find_touched(key)?;
        let owned = Owned::take(found.remove());
        self.changed(key, Change::Remove);
        Some(owned)
    }

    /// Copies a value and its deadline: `COPY`. Counts, touches.
    pub fn copy(&mut self, key: &[u8]) -> Option<Owned> {
        self.read(key).map(Owned::copy)
    }

    /// Stores a value with its own deadline, in place of whatever is at `key`. Changes.
    pub fn put(&mut self, key: &[u8], owned: Owned) {
        let deadline = owned.deadline.map_or(Deadline::None, Deadline::At);
        match owned.body {
            OwnedBody::Int(int) => self.store(key, Content::Int(int), owned.raw, deadline),
            OwnedBody::Bytes(bytes) => self.store(key, Content::Bytes(&bytes), owned.raw, deadline),
            OwnedBody::Boxed(value) => match small::inline(&value) {
                Some(bytes) => self.store(key, Content::Packed(bytes), owned.raw, deadline),
                None => self.store(key, Content::Boxed(value), owned.raw, deadline),
            },
        }
        if let Some(mut found) = self.find(key) {
            found.set_stamp(owned.stamp);
        }
    }

    /// What `OBJECT` and `MEMORY USAGE` answer about a key. Neither counts nor touches: `OBJECT`, which Redis
    /// counts as a read, asks [`Keyspace::contains`] first.
    pub fn facts(&mut self, key: &[u8]) -> Option<KeyFacts> {
        let dict = self.dict();
        let table_share = dict.table_bytes().checked_div(dict.len()).unwrap_or(0);
        let (access, now) = (self.shard.access, self.now);
        let found = self.find(key)?;
        let block = found.block();
        let boxed_bytes = match block.view() {
            View::Boxed(value) => value.bytes(),
            View::Int(_) | View::Bytes(_) | View::Packed(_) => 0,
        };
        Some(KeyFacts {
            kind: value::kind(block),
            encoding: value::encoding(block),
            refcount: value::refcount(block),
            idle_seconds: u64::from(lru_clock(now).wrapping_sub(block.stamp()) & STAMP_MASK),
            frequency: access.frequency(block.stamp(), now),
            clock: block.stamp(),
            memory_bytes: block.bytes() + boxed_bytes + table_share,
            deadline: timed::own_deadline(block),
        })
    }

    /// A key picked at random among those that have not expired: `RANDOMKEY`.
    pub fn random_key(&mut self, prng: &mut Prng) -> Option<Vec<u8>> {
        loop {
            let key = self.dict().random(prng)?.key().to_vec();
            if self.find(&key).is_some() {
                return Some(key);
            }
            // It had expired and is gone now, so this ends.
        }
    }

    /// Visits keys from `cursor` (0: the start) with the names of their types, about `count` of them, and
    /// returns the cursor to go on with, 0 at the end: `SCAN`. A key that is there from the first call to
    /// the last is seen at least once, whatever is written meanwhile; it may be seen twice. Cursors are
    /// below 2^40; one that this never returned is taken as a place in the order of hashes. Expired keys
    /// are left out, and not removed.
    pub fn scan(&mut self, cursor: u64, count: usize, visit: &mut dyn FnMut(&[u8], &'static str)) -> u64 {
        let now_ms = self.now.unix_ms();
        self.dict().scan(cursor, count, &mut |block| {
            if !expired(block, now_ms) {
                visit(block.key(), value::kind(block));
            }
        })
    }

    /// Visits every key that has not expired: `KEYS`.
    pub fn keys(&mut self, visit: &mut dyn FnMut(&[u8])) {
        let now_ms = self.now.unix_ms();
        self.dict().for_each(&mut |block| {
            if !expired(block, now_ms) {
                visit(block.key());
            }
        });
    }

    /// Empties the database: `FLUSHDB`. O(1): the memory is given back by later cron runs.
    pub fn clear(&mut self) {
        self.shard.clear(usize::from(self.db));
    }

    /// Empties all databases: `FLUSHALL`.
    pub fn clear_all(&mut self) {
        self.shard.clear_all();
    }

    /// Exchanges two databases: `SWAPDB`.
    pub fn swap(&mut self, a: u8, b: u8) {
        self.shard.swap(a, b);
    }

    /// Every write of a key comes through here, once, after it was made.
    pub fn changed(&mut self, key: &[u8], change: Change) {
        changed(&mut self.shard.stats, &mut self.shard.listeners, self.db, key, change);
    }

    pub(super) fn dict(&self) -> &Dict<Value> {
        &self.shard.databases[usize::from(self.db)]
    }

    fn count(&mut self, hit: bool) -> bool {
        match hit {
            true => self.shard.stats.hits += 1,
            false => self.shard.stats.misses += 1,
        }
        hit
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        let known = self.known;
        if key.as_ptr().addr() == known.address && key.len() == known.len {
            debug_assert_eq!(known.hash, self.shard.owners.hash(key));
            return known.hash;
        }
        self.shard.owners.hash(key)
    }

    /// The key's block, if it is there and has not expired. Neither counts nor touches.
    fn find(&mut self, key: &[u8]) -> Option<Found<'_, Value>> {
        let hash = self.hash(key);
        let Shard { databases, graveyard, stats, listeners, .. } = &mut *self.shard;
        let dict = &mut databases[usize::from(self.db)];
        find_live(dict, Aside { graveyard, stats, listeners, db: self.db }, hash, key, self.now.unix_ms())
    }

    /// The same. Touches.
    pub(super) fn find_touched(&mut self, key: &[u8]) -> Option<Found<'_, Value>> {
        self.find_to_edit(key).map(|(found, _)| found)
    }

    /// The same, with what a collection in a block is edited with. Touches.
    pub(super) fn find_to_edit(&mut self, key: &[u8]) -> Option<(Found<'_, Value>, &mut Spare)> {
        let hash = self.hash(key);
        let Shard { databases, graveyard, stats, listeners, access, prng, spare, .. } = &mut *self.shard;
        let dict = &mut databases[usize::from(self.db)];
        let mut found = find_live(
            dict,
            Aside { graveyard, stats, listeners, db: self.db },
            hash,
            key,
            self.now.unix_ms(),
        )?;
        touch(&mut found, *access, self.now, prng);
        Some((found, spare))
    }

    /// The same for a read. Counts, touches.
    pub(super) fn read(&mut self, key: &[u8]) -> Option<&Block<Value>> {
        self.read_to_show(key).map(|(block, _)| block)
    }

    /// The same, with what a collection in a block is shown with. Counts, touches.
    pub(super) fn read_to_show(&mut self, key: &[u8]) -> Option<(&Block<Value>, &mut Spare)> {
        let hash = self.hash(key);
        let Shard { databases, graveyard, stats, listeners, access, prng, spare, .. } = &mut *self.shard;
        let dict = &mut databases[usize::from(self.db)];
        match find_live(
            dict,
            Aside { graveyard, stats, listeners, db: self.db },
            hash,
            key,
            self.now.unix_ms(),
        ) {
            None => {
                stats.misses += 1;
                None
            }
            Some(mut found) => {
                stats.hits += 1;
                touch(&mut found, *access, self.now, prng);
                Some((found.into_block(), spare))
            }
        }
    }

    pub(super) fn store(&mut self, key: &[u8], content: Content<'_, Value>, raw: bool, deadline: Deadline) {
        let hash = self.hash(key);
        let Shard { databases, graveyard, stats, listeners, access, prng, .. } = &mut *self.shard;
        let dict = &mut databases[usize::from(self.db)];
        match find_live(
            dict,
            Aside { graveyard, stats, listeners, db: self.db },
            hash,
            key,
            self.now.unix_ms(),
        ) {
            Some(mut found) => {
                touch(&mut found, *access, self.now, prng);
                timed::unpark(&mut found);
                if let Some(old) = found.replace(content) {
                    graveyard.bury(old);
                }
                found.set_mark(raw);
                match deadline {
                    Deadline::Keep => {}
                    Deadline::None => found.set_deadline(None),
                    Deadline::At(at) => found.set_deadline(Some(at)),
                }
                timed::settle(&mut found);
            }
            None => {
                let at = match deadline {
                    Deadline::Keep | Deadline::None => None,
                    Deadline::At(at) => Some(at),
                };
                let mut block = Block::new(key, content, at);
                block.set_mark(raw);
                block.set_stamp(access.first(self.now));
                timed::settle_block(&mut block);
                dict.insert(hash, block);
            }
        }
        changed(stats, listeners, self.db, key, Change::Write);
    }
}

#[inline]
pub(super) fn changed(stats: &mut ShardStats, listeners: &mut Listeners, db: u8, key: &[u8], change: Change) {
    if change != Change::Expire {
        stats.dirty += 1;
    }
    match change {
        Change::Aside => listeners.hear_aside(db, key),
        _ => listeners.hear(db, key),
    }
}

/// What the end of an expired key concerns beside its table.
pub(super) struct Aside<'a> {
    pub(super) graveyard: &'a mut Graveyard,
    pub(super) stats: &'a mut ShardStats,
    pub(super) listeners: &'a mut Listeners,
    pub(super) db: u8,
}

pub(super) fn expired(block: &Block<Value>, now_ms: u64) -> bool {
    is_due(block, now_ms) && timed::own_deadline(block).is_some_and(|at| at <= now_ms)
}

/// Whether the key has expired, or a field of its hash.
fn is_due(block: &Block<Value>, now_ms: u64) -> bool {
    block.deadline().is_some_and(|at| at <= now_ms)
}

/// Looks a key up; one whose deadline has passed is removed first.
fn find_live<'d>(
    dict: &'d mut Dict<Value>,
    aside: Aside<'_>,
    hash: u64,
    key: &[u8],
    now_ms: u64,
) -> Option<Found<'d, Value>> {
    let found = dict.find(hash, key)?;
    if !is_due(found.block(), now_ms) {
        return Some(found);
    }
    if expired(found.block(), now_ms) {
        expire_block(found.remove(), aside);
        return None;
    }
    timed::expire_found(found, aside, now_ms)
}

/// Ends the life of a block whose deadline has passed.
pub(super) fn expire_block(block: Block<Value>, aside: Aside<'_>) {
    aside.stats.expired_keys += 1;
    changed(aside.stats, aside.listeners, aside.db, block.key(), Change::Expire);
    if let Some(value) = block.into_boxed() {
        aside.graveyard.bury(value);
    }
}

fn touch(found: &mut Found<'_, Value>, access: AccessClock, now: Now, prng: &mut Prng) {
    let old = found.block().stamp();
    let new = access.next(old, now, prng);
    // Most accesses fall into the same second: a comparison saves dirtying the cache line.
    if new != old {
        found.set_stamp(new);
    }
}

fn content_of(bytes: &[u8]) -> Content<'_, Value> {
    if bytes.len() <= INLINE_MAX {
        Content::Bytes(bytes)
    } else {
        Content::Boxed(Box::new(Value::Bytes(bytes.to_vec())))
    }
}

/// Writes `bytes` at `offset` of a string, which becomes raw. What lies between its end and `offset`
/// becomes zero.
fn grow(found: &mut Found<'_, Value>, offset: usize, bytes: &[u8]) -> Result<(), WrongType> {
    let end = offset + bytes.len();
    let mut digits = itoa::Buffer::new();
    match found.block().view() {
        View::Boxed(Value::Bytes(_)) => {
            found.change_boxed(|value| {
                if let Value::Bytes(string) = value {
                    make_room(string, end);
                    string[offset..end].copy_from_slice(bytes);
                }
            });
        }
        View::Bytes(old) if end <= old.len() => {
            if let Some(string) = found.bytes_mut() {
                string[offset..end].copy_from_slice(bytes);
            }
            found.set_mark(true);
        }
        View::Int(_) | View::Bytes(_) => {
            let old = value::text(found.block())?.bytes(&mut digits);
            let mut string = Vec::new();
            string.reserve_exact(end.max(old.len()));
            string.extend_from_slice(old);
            make_room(&mut string, end);
            string[offset..end].copy_from_slice(bytes);
            if string.len() <= GROWN_INLINE_MAX {
                found.replace(Content::Bytes(&string));
            } else {
                found.replace(Content::Boxed(Box::new(Value::Bytes(string))));
            }
            found.set_mark(true);
        }
        View::Packed(_) | View::Boxed(_) => return Err(WrongType),
    }
    Ok(())
}

/// Makes a string at least `len` long, with zero bytes. Its room grows by factors, so that many small
/// steps copy each byte a bounded number of times.
pub(super) fn make_room(string: &mut Vec<u8>, len: usize) {
    if len > string.capacity() {
        let spare = if len <= DOUBLING_BYTES_MAX { len } else { len / 4 };
        string.reserve_exact(len + spare - string.len());
    }
    if len > string.len() {
        string.resize(len, 0);
    }
}

/// The access clock has 24 bits.
const STAMP_MASK: u32 = (1 << 24) - 1;

/// The counter of a new key under [`AccessClock::Frequency`].
const FREQUENCY_FIRST: u32 = 5;

fn lru_clock(now: Now) -> u32 {
    now.unix_s() as u32 & STAMP_MASK
}

impl AccessClock {
    /// The stamp of a new key.
    fn first(self, now: Now) -> u32 {
        match self {
            AccessClock::Recency => lru_clock(now),
            AccessClock::Frequency { .. } => minutes(now) << 8 | FREQUENCY_FIRST,
        }
    }

    /// The stamp after an access.
    fn next(self, stamp: u32, now: Now, prng: &mut Prng) -> u32 {
        let AccessClock::Frequency { log_factor, .. } = self else { return lru_clock(now) };
        let mut counter = u32::from(self.frequency(stamp, now));
        let above = u64::from(counter.saturating_sub(FREQUENCY_FIRST));
        if counter < 255 && prng.one_in(above * u64::from(log_factor) + 1) {
            counter += 1;
        }
        minutes(now) << 8 | counter
    }

    /// The counter of a stamp, decayed to now; 0 unless accesses are counted.
    fn frequency(self, stamp: u32, now: Now) -> u8 {
        let AccessClock::Frequency { decay_minutes, .. } = self else { return 0 };
        let idle_minutes = minutes(now).wrapping_sub(stamp >> 8) & 0xffff;
        let periods = idle_minutes.checked_div(decay_minutes).unwrap_or(0);
        (stamp & 0xff).saturating_sub(periods) as u8
    }
}

fn minutes(now: Now) -> u32 {
    (now.unix_s() / 60) as u32 & 0xffff
}
