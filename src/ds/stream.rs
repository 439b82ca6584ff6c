//! Streams: entries that are added at the end under ascending ids, and groups of consumers that share them.
//!
//! The entries are in `stream_log`, in nodes of `stream_node`; the groups are in `stream_group`. Here is what
//! needs both, and what weighs them. A stream without entries is still one: it remembers its last id.

pub use crate::ds::stream_group::{Consumer, ConsumerId, Group, Pending};
pub use crate::ds::stream_id::{Id, IdText};
pub use crate::ds::stream_log::{Entries, Log, NoId, Trim, Wanted};
pub use crate::ds::stream_node::{Entry, Words};

use crate::ds::block::size_class;
use std::collections::BTreeMap;

/// What a group takes beside its name and what is in it, in bytes.
const GROUP_BYTES: usize = 256;

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Stream(Box<Parts>);

#[derive(Clone, Debug, Default)]
struct Parts {
    log: Log,
    groups: BTreeMap<Box<[u8]>, Group>,
    /// Heap bytes of the groups.
    group_bytes: usize,
}

/// Which entries a group's reader gets.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// Who gets them.
    pub consumer: ConsumerId,
    /// How many at most; 0: all.
    pub count: usize,
    /// Whether nobody waits for an acknowledgement.
    pub forget: bool,
    /// The time, in Unix milliseconds.
    pub now_ms: i64,
}

impl Stream {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.log.len() as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.log.is_empty()
    }

    /// Heap bytes. O(1).
    pub fn bytes(&self) -> usize {
        size_class(size_of::<Parts>()) + self.0.log.bytes() + self.0.group_bytes
    }

    /// `OBJECT ENCODING`.
    pub fn encoding(&self) -> &'static str {
        "stream"
    }

    /// Gives back about so many bytes of a value that is being freed; true: there is more.
    pub fn free_part(&mut self, bytes: usize) -> bool {
        let mut left = self.0.log.free_part(bytes);
        while left > 0
            && let Some(mut group) = self.0.groups.first_entry()
        {
            let before = group.get().bytes();
            left = group.get_mut().free_part(left);
            self.0.group_bytes -= before - group.get().bytes();
            if left > 0 {
                let (name, _) = group.remove_entry();
                self.0.group_bytes -= group_bytes(&name);
                left = left.saturating_sub(GROUP_BYTES);
            }
        }
        self.0.log.nodes_len() > 0 || !self.0.groups.is_empty()
    }

    /// The entries.
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// The entries, to be changed.
    pub fn log_mut(&mut self) -> &mut Log {
        &mut self.0.log
    }

    /// How many groups there are.
    pub fn groups_len(&self) -> usize {
        self.0.groups.len()
    }

    /// All groups, in the order of their names.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&[u8], &Group)> {
        self.0.groups.iter().map(|(name, group)| (&**name, group))
    }

    /// A group by its name.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.0.groups.get(name)
    }

    /// Adds a group; false: there is one of that name.
    pub fn create_group(&mut self, name: &[u8], group: Group) -> bool {
        if self.0.groups.contains_key(name) {
            return false;
        }
        self.0.group_bytes += group_bytes(name) + group.bytes();
        self.0.groups.insert(name.into(), group);
        true
    }

    /// Removes a group; false: there is none of that name.
    pub fn remove_group(&mut self, name: &[u8]) -> bool {
        let Some(group) = self.0.groups.remove(name) else { return false };
        self.0.group_bytes -= group_bytes(name) + group.bytes();
        true
    }

    /// Changes a group, beside the entries; `None`: there is none of that name.
    pub fn edit_group<R>(&mut self, name: &[u8], edit: impl FnOnce(&mut Group, &Log) -> R) -> Option<R> {
        let Parts { log, groups, group_bytes } = &mut *self.0;
        let group = groups.get_mut(name)?;
        *group_bytes -= group.bytes();
        let result = edit(group, log);
        *group_bytes += group.bytes();
        Some(result)
    }

    /// How many entries a group has still to be given; `None`: nobody can say.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        let log = &self.0.log;
        if log.added() == 0 {
            return Some(0);
        }
        let read = match group.entries_read {
            Some(read) if !log.has_gap_from(group.last_id) => Some(read),
            _ => log.number_of(group.last_id),
        };
        read.map(|read| (log.added() as i64).wrapping_sub(read as i64))
    }
}

fn group_bytes(name: &[u8]) -> usize {
    GROUP_BYTES + size_class(name.len())
}

impl Group {
    /// Gives a consumer the entries behind the last one given out, shows each, and returns how many. The ids
    /// are above the group's last one, or come from a consumer's own request for it.
    pub fn deliver(&mut self, log: &Log, delivery: Delivery, mut show: impl FnMut(Entry<'_>)) -> usize {
        let Delivery { consumer, count, forget, now_ms } = delivery;
        let Some(start) = self.last_id.next() else { return 0 };
        let mut shown = 0;
        for entry in log.entries(start..=Id::MAX, false) {
            let id = entry.id;
            self.entries_read = match self.entries_read {
                Some(read) if !log.has_gap_from(id) => Some(read.wrapping_add(1)),
                _ if log.added() > 0 => log.number_of(id),
                unknown => unknown,
            };
            self.last_id = id;
            show(entry);
            if !forget {
                self.give(id, Pending { consumer, delivered_ms: now_ms, deliveries: 1 });
            }
            shown += 1;
            if shown == count {
                break;
            }
        }
        shown
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
