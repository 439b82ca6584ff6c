//! The entries of a stream, in the order of their ids, in nodes.
//!
//! Nodes are found by a B-tree of their ids: adding at the end, finding where a range starts, deleting and
//! trimming take O(log n) and the walk through one node. A node whose entries are all deleted is freed.

use crate::ds::Shapes;
use crate::ds::packed::Packed;
use crate::ds::stream_id::Id;
use crate::ds::stream_node::{Cursor, Entry, Node};
use crate::ds::stream_tree;
use std::collections::{BTreeMap, btree_map};
use std::ops::RangeInclusive;

/// A node's share of the tree, in bytes.
const NODE_BYTES: usize = 64;

/// A node that is said to have no bound may take this much.
const NODE_BYTES_MAX: usize = 1 << 30;

/// The entries of a stream, and what is remembered of those that are gone.
#[derive(Clone, Debug)]
pub struct Log {
    nodes: BTreeMap<Id, Node>,
    /// Heap bytes of the nodes.
    node_bytes: usize,
    /// Nodes that a radix tree of them would have.
    tree_nodes: usize,
    len: u64,
    last_id: Id,
    first_id: Id,
    max_deleted: Id,
    added: u64,
}

/// The id that an entry is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The time, or the next one if the time has not moved on.
    Auto,
    /// This time, and the next number in it.
    In(u64),
    /// This one.
    Exactly(Id),
}

/// Why there is no id for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoId {
    /// It is not above the last one.
    NotAbove,
    /// The last one is the last there can be.
    Exhausted,
    /// The last one is the last there can be in its millisecond.
    Full,
}

/// Which entries to trim away, from the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trim {
    /// All but so many.
    MaxLen(u64),
    /// Those below an id.
    MinId(Id),
}

impl Default for Log {
    fn default() -> Log {
        Log {
            nodes: BTreeMap::new(),
            node_bytes: 0,
            tree_nodes: stream_tree::EMPTY,
            len: 0,
            last_id: Id::MIN,
            first_id: Id::MIN,
            max_deleted: Id::MIN,
            added: 0,
        }
    }
}

impl Log {
    /// Entries.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The last id that was given, also if its entry is gone.
    pub fn last_id(&self) -> Id {
        self.last_id
    }

    /// The id of the first entry; `0-0` if there is none.
    pub fn first_id(&self) -> Id {
        self.first_id
    }

    /// The highest id among deleted entries; trimming does not count.
    pub fn max_deleted(&self) -> Id {
        self.max_deleted
    }

    /// Entries ever added.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// Nodes.
    pub fn nodes_len(&self) -> usize {
        self.nodes.len()
    }

    /// Nodes that a radix tree of the nodes would have.
    pub fn tree_nodes(&self) -> usize {
        self.tree_nodes
    }

    /// All nodes with their ids.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (Id, &Packed)> {
        self.nodes.iter().map(|(id, node)| (*id, node.packed()))
    }

    /// Heap bytes.
    pub fn bytes(&self) -> usize {
        self.node_bytes + self.nodes.len() * NODE_BYTES
    }

    /// Sets what `XSETID` sets; the caller has checked that the entries allow it.
    pub fn set_ids(&mut self, last_id: Id, added: Option<u64>, max_deleted: Option<Id>) {
        self.last_id = last_id;
        self.added = added.unwrap_or(self.added);
        self.max_deleted = max_deleted.unwrap_or(self.max_deleted);
    }

    /// Adds a node that somebody else wrote behind the others; false: it is none, or out of order.
    pub fn restore_node(&mut self, id: Id, packed: Packed) -> bool {
        let last = self.nodes.last_key_value().map(|(id, node)| node.last_id(*id));
        let Some(node) = Node::from_packed(id, packed) else { return false };
        if last.is_some_and(|last| last >= id) || node.last_id(id) < id {
            return false;
        }
        self.len += node.live() as u64;
        self.insert_node(id, node);
        self.find_first_id();
        true
    }

    /// The id of the next entry. Errors: there is none that is allowed.
    pub fn next_id(&self, wanted: Wanted, now_ms: u64) -> Result<Id, NoId> {
        if self.last_id == Id::MAX {
            return Err(NoId::Exhausted);
        }
        let id = match wanted {
            Wanted::Auto if now_ms > self.last_id.ms => Id::new(now_ms, 0),
            Wanted::Auto => self.last_id.next().ok_or(NoId::Exhausted)?,
            Wanted::In(ms) if ms == self.last_id.ms => {
                Id::new(ms, self.last_id.seq.checked_add(1).ok_or(NoId::Full)?)
            }
            Wanted::In(ms) => Id::new(ms, 0),
            Wanted::Exactly(id) => id,
        };
        if id > self.last_id { Ok(id) } else { Err(NoId::NotAbove) }
    }

    /// Adds an entry whose words are fields and values in turn; `id` comes from [`Log::next_id`].
    pub fn push<'w>(&mut self, id: Id, words: impl Iterator<Item = &'w [u8]> + Clone, shapes: &Shapes) {
        let more: usize = words.clone().map(<[u8]>::len).sum();
        match self.nodes.last_entry() {
            Some(mut last) if has_room(last.get(), more, shapes) => {
                let master = *last.key();
                let node = last.get_mut();
                let before = node.packed().bytes();
                node.push(master, id, words);
                self.node_bytes += node.packed().bytes() - before;
            }
            _ => {
                let mut node = Node::new(words.clone());
                node.push(id, id, words);
                self.insert_node(id, node);
            }
        }
        self.len += 1;
        self.added += 1;
        self.last_id = id;
        if self.len == 1 {
            self.first_id = id;
        }
    }

    /// Deletes entries by their ids; returns how many there were.
    pub fn delete(&mut self, ids: impl Iterator<Item = Id>) -> u64 {
        let (mut deleted, mut first_gone) = (0, false);
        for id in ids {
            if self.delete_one(id) {
                deleted += 1;
                first_gone |= id == self.first_id;
                self.max_deleted = self.max_deleted.max(id);
            }
        }
        if first_gone || self.len == 0 {
            self.find_first_id();
        }
        deleted
    }

    fn delete_one(&mut self, id: Id) -> bool {
        let Some((&master, node)) = self.nodes.range_mut(..=id).next_back() else { return false };
        let before = node.packed().bytes();
        if !node.delete(master, id) {
            return false;
        }
        let emptied = node.live() == 0;
        // Counters may take a byte more or less.
        self.node_bytes = self.node_bytes + node.packed().bytes() - before;
        if emptied {
            self.remove_node(master);
        }
        self.len -= 1;
        true
    }

    /// Trims entries away; only whole nodes if `approximate`, and about `limit` entries at most unless that
    /// is 0. Returns how many.
    pub fn trim(&mut self, trim: Trim, approximate: bool, limit: u64) -> u64 {
        let mut trimmed = 0;
        while let Some(mut first) = self.nodes.first_entry() {
            let (master, live) = (*first.key(), first.get().live() as u64);
            if matches!(trim, Trim::MaxLen(len) if self.len <= len) || (limit > 0 && trimmed + live > limit) {
                break;
            }
            let whole = match trim {
                Trim::MaxLen(len) => self.len.saturating_sub(live) >= len,
                Trim::MinId(id) => first.get().last_id(master) < id,
            };
            if whole {
                self.remove_node(master);
                self.len -= live;
                trimmed += live;
                continue;
            }
            if approximate {
                break;
            }
            let (len, node) = (self.len, first.get_mut());
            let before = node.packed().bytes();
            let deleted = node.delete_front(master, |id, deleted| match trim {
                Trim::MaxLen(len_max) => len - deleted as u64 > len_max,
                Trim::MinId(id_min) => id < id_min,
            });
            self.node_bytes = self.node_bytes + node.packed().bytes() - before;
            self.len -= deleted as u64;
            trimmed += deleted as u64;
            break;
        }
        if trimmed > 0 {
            self.find_first_id();
        }
        trimmed
    }

    fn insert_node(&mut self, id: Id, node: Node) {
        self.tree_nodes += stream_tree::growth(&self.nodes, id);
        self.node_bytes += node.packed().bytes();
        self.nodes.insert(id, node);
    }

    fn remove_node(&mut self, id: Id) {
        if let Some(node) = self.nodes.remove(&id) {
            self.node_bytes -= node.packed().bytes();
            self.tree_nodes -= stream_tree::growth(&self.nodes, id);
        }
    }

    fn find_first_id(&mut self) {
        self.first_id = self.entries(Id::MIN..=Id::MAX, false).next().map_or(Id::MIN, |entry| entry.id);
    }

    /// Whether there is an entry of this id.
    pub fn contains(&self, id: Id) -> bool {
        self.len > 0 && self.entries(id..=id, false).next().is_some()
    }

    /// The id of the last entry that is there.
    pub fn last_entry_id(&self) -> Option<Id> {
        self.entries(Id::MIN..=Id::MAX, true).next().map(|entry| entry.id)
    }

    /// The entries between two ids, both included, in order or backwards.
    pub fn entries(&self, range: RangeInclusive<Id>, backwards: bool) -> Entries<'_> {
        let (start, end) = range.into_inner();
        let nodes = if start > end {
            self.nodes.range(Id::MAX..=Id::MAX)
        } else {
            let from = self.nodes.range(..=start).next_back().map_or(start, |(id, _)| *id);
            self.nodes.range(from..=end)
        };
        Entries { nodes, cursor: None, start, end, backwards }
    }

    /// Whether a deleted entry may leave a gap among those from `start` on.
    pub fn has_gap_from(&self, start: Id) -> bool {
        self.len > 0
            && !self.max_deleted.is_zero()
            && self.first_id <= self.max_deleted
            && start <= self.max_deleted
    }

    /// How many entries had been added when `id` was, itself included; `None`: nobody can say.
    pub fn number_of(&self, id: Id) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if (self.len == 0 && id <= self.last_id) || id == self.last_id {
            return Some(self.added);
        }
        let whole = self.max_deleted.is_zero() || self.max_deleted < self.first_id;
        match id.cmp(&self.first_id) {
            _ if id > self.last_id || !whole => None,
            std::cmp::Ordering::Less => Some(self.added.saturating_sub(self.len)),
            std::cmp::Ordering::Equal => Some(self.added.saturating_sub(self.len) + 1),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// Frees about so many bytes of nodes; what is left of the budget.
    pub(super) fn free_part(&mut self, mut bytes: usize) -> usize {
        while bytes > 0
            && let Some((_, node)) = self.nodes.pop_first()
        {
            let freed = node.packed().bytes();
            self.node_bytes -= freed;
            bytes = bytes.saturating_sub(freed + NODE_BYTES);
        }
        bytes
    }
}

/// Whether an entry with so many bytes of words goes into a node that others are in.
fn has_room(node: &Node, more: usize, shapes: &Shapes) -> bool {
    let bytes_max = match shapes.stream_node_max_bytes {
        0 => NODE_BYTES_MAX,
        bytes => bytes.min(NODE_BYTES_MAX),
    };
    let entries = (node.live() + node.deleted()) as usize;
    node.packed().as_bytes().len() + more < bytes_max
        && (shapes.stream_node_max_entries == 0 || entries < shapes.stream_node_max_entries)
}

/// Entries of a range: see [`Log::entries`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    nodes: btree_map::Range<'a, Id, Node>,
    cursor: Option<Cursor<'a>>,
    start: Id,
    end: Id,
    backwards: bool,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let Some(cursor) = &mut self.cursor else {
                let next = if self.backwards { self.nodes.next_back() } else { self.nodes.next() };
                let (id, node) = next?;
                self.cursor = Some(Cursor::new(*id, node, self.backwards));
                continue;
            };
            let Some((entry, deleted)) = cursor.next() else {
                self.cursor = None;
                continue;
            };
            let beyond = if self.backwards { entry.id < self.start } else { entry.id > self.end };
            if beyond {
                // There is nothing in the other nodes either.
                while self.nodes.next().is_some() {}
                self.cursor = None;
                return None;
            }
            if !deleted && (self.start..=self.end).contains(&entry.id) {
                return Some(entry);
            }
        }
    }
}
