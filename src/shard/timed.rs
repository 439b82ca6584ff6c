//! Hashes with fields that expire.
//!
//! Such a hash is due when its key is or when its first field is, whichever comes first, and that moment is
//! the deadline of the key's block: lookups and the expiry cycle come upon it as on any other, and keys without
//! such fields pay nothing. The key's own deadline waits in the hash meanwhile ([`Hash::parked`]).
//!
//! [`Hash::parked`]: crate::ds::hash::Hash::parked

use crate::ds::block::{Block, View};
use crate::ds::dict::{Dict, Found};
use crate::shard::keyspace::{Aside, Change, changed};
use crate::shard::value::Value;

/// Fields that one lookup removes, about; those left over cannot be seen any more.
const FIELDS_MAX: usize = 300;

/// The key's own deadline, in the hash: `None` unless the block has the fields'.
fn parked(block: &Block<Value>) -> Option<Option<u64>> {
    if !block.has_deadline() {
        return None;
    }
    if let View::Boxed(Value::Hash(hash)) = block.view() { hash.parked() } else { None }
}

/// When the key itself expires, in Unix milliseconds.
pub(super) fn own_deadline(block: &Block<Value>) -> Option<u64> {
    parked(block).unwrap_or(block.deadline())
}

/// Sets or clears it.
pub(super) fn set_own_deadline(found: &mut Found<'_, Value>, deadline: Option<u64>) {
    if parked(found.block()).is_none() {
        return found.set_deadline(deadline);
    }
    found.change_boxed(|value| park(value, Some(deadline)));
    settle(found);
}

/// Gives the block its key's own deadline back, before the hash goes.
pub(super) fn unpark(found: &mut Found<'_, Value>) {
    if let Some(own) = parked(found.block()) {
        found.change_boxed(|value| park(value, None));
        found.set_deadline(own);
    }
}

/// Notes the key's own deadline in a hash, or that its block has it.
pub(super) fn park(value: &mut Value, own: Option<Option<u64>>) {
    if let Value::Hash(hash) = value {
        hash.park(own);
    }
}

/// Where the key's own deadline belongs and what the block's is, if this is, or was, a hash with fields that
/// expire.
fn division(block: &Block<Value>) -> Option<(Option<Option<u64>>, Option<u64>)> {
    let View::Boxed(Value::Hash(hash)) = block.view() else { return None };
    let (soonest, parked) = (hash.soonest(), hash.parked());
    if soonest.is_none() && parked.is_none() {
        return None;
    }
    let own = parked.unwrap_or(block.deadline());
    let Some(soonest) = soonest else { return Some((None, own)) };
    Some((Some(own), Some(own.map_or(soonest, |own| own.min(soonest)))))
}

/// Makes a block's deadline right after its value has changed.
pub(super) fn settle(found: &mut Found<'_, Value>) {
    if let Some((own, deadline)) = division(found.block()) {
        found.change_boxed(|value| park(value, own));
        found.set_deadline(deadline);
    }
}

/// The same for a block that is in no table.
pub(super) fn settle_block(block: &mut Block<Value>) {
    if let Some((own, deadline)) = division(block) {
        block.boxed_mut().into_iter().for_each(|value| park(value, own));
        block.set_deadline(deadline);
    }
}

fn expire_fields(value: &mut Value, now_ms: u64) -> usize {
    if let Value::Hash(hash) = value { hash.expire(now_ms, FIELDS_MAX) } else { 0 }
}

fn is_empty(block: &Block<Value>) -> bool {
    matches!(block.view(), View::Boxed(Value::Hash(hash)) if hash.is_empty())
}

/// Removes fields that are due from a hash that was looked up; `None`: these were the last, and the key is gone.
pub(super) fn expire_found<'d>(
    mut found: Found<'d, Value>,
    aside: Aside<'_>,
    now_ms: u64,
) -> Option<Found<'d, Value>> {
    let removed = found.change_boxed(|value| expire_fields(value, now_ms));
    if removed > Some(0) {
        changed(aside.stats, aside.listeners, aside.db, found.block().key(), Change::Expire);
    }
    if is_empty(found.block()) {
        found.remove();
        return None;
    }
    settle(&mut found);
    Some(found)
}

/// Removes fields that are due from a hash that the expiry cycle has taken out, until `stop` says so, and puts
/// the rest back.
pub(super) fn expire_taken(
    dict: &mut Dict<Value>,
    mut block: Block<Value>,
    aside: Aside<'_>,
    now_ms: u64,
    stop: &mut dyn FnMut() -> bool,
) {
    while block.boxed_mut().is_some_and(|value| expire_fields(value, now_ms) > 0) && !stop() {}
    changed(aside.stats, aside.listeners, aside.db, block.key(), Change::Expire);
    if !is_empty(&block) {
        settle_block(&mut block);
        dict.insert(dict.hash(block.key()), block);
    }
}

#[cfg(test)]
mod tests {
    use crate::base::clock::{Clock, Now};
    use crate::base::owner::Owners;
    use crate::ds::hash::Hash;
    use crate::shard::{Deadline, Edit, Shard};

    fn at(ms: u64) -> Now {
        Now { unix_us: ms * 1_000, mono_ns: ms * 1_000_000 }
    }

    /// A shard with a hash of `count` fields of which every second is due at 2,000.
    fn shard(count: usize) -> Shard {
        let mut shard = Shard::new(Owners::new(0x71, 1));
        let mut keys = shard.keyspace(0, at(1_000));
        let fill = |hash: &mut Hash, shapes: &_| {
            for number in 0..count {
                let field = number.to_string();
                hash.set(field.as_bytes(), b"v", shapes);
                if number % 2 == 0 {
                    hash.set_deadline(field.as_bytes(), Some(2_000), shapes);
                }
            }
            ((), Edit::Changed)
        };
        keys.edit_or_create(b"h", fill).expect("a hash");
        shard
    }

    #[test]
    fn a_lookup_removes_some_due_fields_and_sees_none() {
        let count = if cfg!(miri) { 40 } else { 6_000 };
        let mut shard = shard(count);
        let now = at(2_000);
        for _ in 0..count {
            let mut keys = shard.keyspace(0, now);
            let hash = keys.read_value::<Hash>(b"h").expect("a hash").expect("not empty");
            assert_eq!((hash.len(), hash.iter().count()), (count / 2, count / 2));
            assert!(!hash.contains(b"0") && hash.contains(b"1"));
            if hash.soonest().is_none() {
                break;
            }
        }
        let mut keys = shard.keyspace(0, now);
        let hash = keys.read_value::<Hash>(b"h").expect("a hash").expect("not empty");
        assert_eq!((hash.soonest(), hash.parked()), (None, None));
        assert_eq!((keys.expires_len(), keys.deadline(b"h")), (0, Some(None)));
    }

    #[test]
    fn the_cycle_removes_due_fields_and_keys_without_any_left() {
        let count = if cfg!(miri) { 40 } else { 6_000 };
        let mut shard = shard(count);
        let mut keys = shard.keyspace(0, at(1_000));
        keys.edit_or_create(b"short", |hash: &mut Hash, shapes| {
            hash.set(b"f", b"v", shapes);
            hash.set_deadline(b"f", Some(1_500), shapes);
            ((), Edit::Changed)
        })
        .expect("a hash");
        assert!(keys.set_deadline(b"h", Some(9_000)));
        assert_eq!((keys.len(), keys.expires_len(), keys.deadline(b"h")), (2, 2, Some(Some(9_000))));
        let clock = Clock::manual(at(2_000));
        while shard.on_cron(at(2_000), &clock, u64::MAX) {}
        let mut keys = shard.keyspace(0, at(2_000));
        assert_eq!((keys.len(), keys.expires_len(), keys.deadline(b"h")), (1, 1, Some(Some(9_000))));
        let hash = keys.read_value::<Hash>(b"h").expect("a hash").expect("not empty");
        assert_eq!((hash.len(), hash.soonest()), (count / 2, None));
        assert_eq!(shard.keyspace(0, at(9_000)).len(), 1);
        assert!(!shard.keyspace(0, at(9_000)).holds(b"h"));
    }

    #[test]
    fn what_replaces_such_a_hash_gets_the_keys_own_deadline() {
        let mut shard = shard(4);
        let mut keys = shard.keyspace(0, at(1_000));
        assert!(keys.set_deadline(b"h", Some(9_000)));
        let copy = keys.copy(b"h").expect("a value");
        assert_eq!(copy.deadline, Some(9_000));
        keys.put(b"twin", copy);
        assert_eq!((keys.deadline(b"twin"), keys.expires_len()), (Some(Some(9_000)), 2));
        keys.set_bytes(b"h", b"v", Deadline::Keep);
        assert_eq!(keys.deadline(b"h"), Some(Some(9_000)));
        assert!(keys.set_deadline(b"twin", None));
        assert_eq!((keys.deadline(b"twin"), keys.expires_len()), (Some(None), 2));
        let mut keys = shard.keyspace(0, at(3_000));
        let hash = keys.read_value::<Hash>(b"twin").expect("a hash").expect("not empty");
        assert_eq!(hash.len(), 2);
        let facts = keys.facts(b"twin").expect("a key");
        assert_eq!((facts.deadline, keys.expires_len()), (None, 1));
    }
}
