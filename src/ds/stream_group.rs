//! Consumer groups: who was given which entry of a stream, and has not said yet that it is done with it.
//!
//! A group knows every entry that was given out and not acknowledged; each consumer knows its own. Both are
//! ordered by id. Consumers are named by small numbers where an entry refers to one.

use crate::ds::block::size_class;
use crate::ds::stream_id::Id;
use std::collections::{BTreeMap, BTreeSet};

/// What an entry takes in the two trees it is in, in bytes.
const PENDING_BYTES: usize = 80;

/// What a consumer or a group takes beside its name and what it was given.
const CONSUMER_BYTES: usize = 160;

/// A consumer within its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerId(u32);

/// An entry that was given to a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Whose it is.
    pub consumer: ConsumerId,
    /// When it was given last, in Unix milliseconds.
    pub delivered_ms: i64,
    /// How often.
    pub deliveries: u64,
}

/// Someone who reads in a group.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name.
    pub name: Box<[u8]>,
    /// When it was heard of last, in Unix milliseconds.
    pub seen_ms: i64,
    pending: BTreeSet<Id>,
}

impl Consumer {
    /// How many entries it has.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The last entry that was given out.
    pub last_id: Id,
    /// How many entries had been added up to there; `None`: nobody can say.
    pub entries_read: Option<u64>,
    pending: BTreeMap<Id, Pending>,
    names: BTreeMap<Box<[u8]>, ConsumerId>,
    /// By number; a number without a consumer is given again.
    consumers: Vec<Option<Consumer>>,
    /// Bytes of the consumers' names.
    name_bytes: usize,
}

impl Group {
    /// A group that goes on behind an entry.
    pub fn new(last_id: Id, entries_read: Option<u64>) -> Group {
        Group {
            last_id,
            entries_read,
            pending: BTreeMap::new(),
            names: BTreeMap::new(),
            consumers: Vec::new(),
            name_bytes: 0,
        }
    }

    /// Heap bytes.
    pub fn bytes(&self) -> usize {
        self.pending.len() * PENDING_BYTES + self.names.len() * CONSUMER_BYTES + self.name_bytes
    }

    /// Entries that are given out.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The entries given out, from an id on.
    pub fn pending_from(&self, start: Id) -> impl DoubleEndedIterator<Item = (Id, Pending)> {
        self.pending.range(start..).map(|(id, pending)| (*id, *pending))
    }

    /// The entries of one consumer, from an id on.
    pub fn pending_of(&self, consumer: ConsumerId, start: Id) -> impl Iterator<Item = (Id, Pending)> {
        let ids =
            self.consumer(consumer).into_iter().flat_map(move |consumer| consumer.pending.range(start..));
        ids.filter_map(|id| Some((*id, *self.pending.get(id)?)))
    }

    /// What is known of an entry that is given out.
    pub fn pending(&self, id: Id) -> Option<Pending> {
        self.pending.get(&id).copied()
    }

    /// The first and the last id given out.
    pub fn pending_bounds(&self) -> Option<(Id, Id)> {
        Some((*self.pending.first_key_value()?.0, *self.pending.last_key_value()?.0))
    }

    /// How many consumers there are.
    pub fn consumers_len(&self) -> usize {
        self.names.len()
    }

    /// All consumers, in the order of their names.
    pub fn consumers(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.names.values().filter_map(|id| Some((*id, self.consumer(*id)?)))
    }

    /// A consumer by its number.
    pub fn consumer(&self, id: ConsumerId) -> Option<&Consumer> {
        self.consumers.get(id.0 as usize)?.as_ref()
    }

    /// A consumer by its name.
    pub fn find(&self, name: &[u8]) -> Option<ConsumerId> {
        self.names.get(name).copied()
    }

    /// A consumer by its name, made if there is none, and heard of now; and whether it was made.
    pub fn find_or_create(&mut self, name: &[u8], now_ms: i64) -> (ConsumerId, bool) {
        if let Some(id) = self.find(name) {
            self.see(id, now_ms);
            return (id, false);
        }
        let consumer = Consumer { name: name.into(), seen_ms: now_ms, pending: BTreeSet::new() };
        let free = self.consumers.iter().position(Option::is_none);
        let at = free.unwrap_or(self.consumers.len());
        if free.is_none() {
            self.consumers.push(None);
        }
        self.consumers[at] = Some(consumer);
        let id = ConsumerId(at as u32);
        self.names.insert(name.into(), id);
        self.name_bytes += 2 * size_class(name.len());
        (id, true)
    }

    /// Notes that a consumer was heard of.
    pub fn see(&mut self, id: ConsumerId, now_ms: i64) {
        if let Some(Some(consumer)) = self.consumers.get_mut(id.0 as usize) {
            consumer.seen_ms = now_ms;
        }
    }

    /// Removes a consumer with all it was given; returns how many entries that was. O(entries log n).
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let id = self.names.remove(name)?;
        self.name_bytes -= 2 * size_class(name.len());
        let consumer = self.consumers.get_mut(id.0 as usize)?.take()?;
        for id in &consumer.pending {
            self.pending.remove(id);
        }
        Some(consumer.pending.len())
    }

    /// Gives an entry to a consumer, whoever had it, as `pending` says.
    pub fn give(&mut self, id: Id, pending: Pending) {
        if let Some(old) = self.pending.insert(id, pending) {
            if old.consumer == pending.consumer {
                return;
            }
            self.forget(old.consumer, id);
        }
        if let Some(Some(consumer)) = self.consumers.get_mut(pending.consumer.0 as usize) {
            consumer.pending.insert(id);
        }
    }

    /// Takes an entry back; false: it was not given out.
    pub fn take(&mut self, id: Id) -> bool {
        let Some(pending) = self.pending.remove(&id) else { return false };
        self.forget(pending.consumer, id);
        true
    }

    fn forget(&mut self, consumer: ConsumerId, id: Id) {
        if let Some(Some(consumer)) = self.consumers.get_mut(consumer.0 as usize) {
            consumer.pending.remove(&id);
        }
    }

    /// Frees about so many bytes; what is left of the budget.
    pub(super) fn free_part(&mut self, mut bytes: usize) -> usize {
        while bytes > 0
            && let Some((id, pending)) = self.pending.pop_last()
        {
            self.forget(pending.consumer, id);
            bytes = bytes.saturating_sub(PENDING_BYTES);
        }
        while bytes > 0
            && let Some((name, id)) = self.names.pop_last()
        {
            self.name_bytes -= 2 * size_class(name.len());
            self.consumers[id.0 as usize] = None;
            bytes = bytes.saturating_sub(CONSUMER_BYTES);
        }
        bytes
    }
}
