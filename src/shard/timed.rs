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
