//! The table of one database: keys by hash, in hash order.

use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::ds::block::{Block, Content, View, Weigh};
use std::collections::BTreeMap;

/// Bits of a position that a cursor keeps; a cursor is below `1 << CURSOR_BITS`.
pub const CURSOR_BITS: u32 = 39;

/// Blocks by key.
#[derive(Debug)]
pub struct Dict<V> {
    owners: Owners,
    /// By position: the hash, rotated so that the bits that pick a shard come last.
    blocks: BTreeMap<u64, Vec<Block<V>>>,
    len: usize,
    expires: usize,
    deadline_sum: u128,
    bytes: usize,
}

/// A block that was found, and may be changed or removed.
#[derive(Debug)]
pub struct Found<'a, V> {
    dict: &'a mut Dict<V>,
    position: u64,
    index: usize,
}

fn position(hash: u64) -> u64 {
    hash.rotate_left(14)
}

fn weight<V: Weigh>(block: &Block<V>) -> usize {
    let boxed = match block.view() {
        View::Boxed(value) => value.bytes(),
        _ => 0,
    };
    block.bytes() + boxed
}

impl<V: Weigh> Dict<V> {
    /// An empty table. Keys are hashed by `owners`.
    pub fn new(owners: Owners) -> Self {
        Dict { owners, blocks: BTreeMap::new(), len: 0, expires: 0, deadline_sum: 0, bytes: 0 }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many keys have a deadline.
    pub fn expires(&self) -> usize {
        self.expires
    }

    /// Sum of all deadlines: their mean is this over [`Dict::expires`].
    pub fn deadline_sum(&self) -> u128 {
        self.deadline_sum
    }

    /// Heap bytes of keys and values.
    pub fn content_bytes(&self) -> usize {
        self.bytes
    }

    /// Heap bytes of the table itself.
    pub fn table_bytes(&self) -> usize {
        self.len * 48
    }

    /// Finds a key whose hash is `hash`.
    pub fn find(&mut self, hash: u64, key: &[u8]) -> Option<Found<'_, V>> {
        let position = position(hash);
        let index = self.blocks.get(&position)?.iter().position(|block| block.key() == key)?;
        Some(Found { dict: self, position, index })
    }

    /// Adds a block whose key is not in the table.
    pub fn insert(&mut self, hash: u64, block: Block<V>) {
        debug_assert_eq!(hash, self.owners.hash(block.key()));
        self.len += 1;
        self.bytes += weight(&block);
        self.count_deadline(None, block.deadline());
        self.blocks.entry(position(hash)).or_default().push(block);
    }

    fn count_deadline(&mut self, old: Option<u64>, new: Option<u64>) {
        if let Some(old) = old {
            self.expires -= 1;
            self.deadline_sum -= u128::from(old);
        }
        if let Some(new) = new {
            self.expires += 1;
            self.deadline_sum += u128::from(new);
        }
    }

    /// Visits keys from `cursor` (0: the start) until at least `count` were seen; returns the cursor
    /// to go on with, 0 at the end. A key present from the first call to the last is seen at least
    /// once, whatever is inserted or removed in between; one may be seen twice.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(&Block<V>)) -> u64 {
        let shift = 64 - CURSOR_BITS;
        if cursor >> CURSOR_BITS != 0 {
            return 0;
        }
        let mut seen = 0;
        let mut last = cursor;
        for (&position, blocks) in self.blocks.range(cursor << shift..) {
            if seen >= count && position >> shift != last {
                return position >> shift;
            }
            last = position >> shift;
            blocks.iter().for_each(&mut *visit);
            seen += blocks.len();
        }
        0
    }

    /// Visits every block.
    pub fn for_each(&self, visit: &mut dyn FnMut(&Block<V>)) {
        self.blocks.values().flatten().for_each(visit);
    }

    /// A block picked at random.
    pub fn random(&self, prng: &mut Prng) -> Option<&Block<V>> {
        let from = prng.next_u64();
        let (_, blocks) = self.blocks.range(from..).next().or_else(|| self.blocks.iter().next())?;
        blocks.first()
    }

    /// Up to `count` blocks in the order of a scan, removed: for freeing a table in slices.
    pub fn drain(&mut self, count: usize) -> Vec<Block<V>> {
        let mut drained = Vec::new();
        while drained.len() < count {
            let Some((_, blocks)) = self.blocks.pop_first() else { break };
            for block in blocks {
                self.len -= 1;
                self.bytes -= weight(&block);
                self.count_deadline(block.deadline(), None);
                drained.push(block);
            }
        }
        drained
    }

    /// Hashes of some keys whose deadline is before `now_ms`.
    pub fn due(&self, now_ms: u64, count: usize) -> Vec<Box<[u8]>> {
        if self.expires == 0 {
            return Vec::new();
        }
        let due = |block: &&Block<V>| block.deadline().is_some_and(|at| at <= now_ms);
        self.blocks.values().flatten().filter(due).take(count).map(|block| block.key().into()).collect()
    }
}

impl<'a, V: Weigh> Found<'a, V> {
    /// The block.
    pub fn block(&self) -> &Block<V> {
        &self.dict.blocks[&self.position][self.index]
    }

    /// The block, for as long as the table is borrowed.
    pub fn into_block(self) -> &'a Block<V> {
        &self.dict.blocks[&self.position][self.index]
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut Block<V>) -> R) -> R {
        let Some(block) = self.dict.blocks.get_mut(&self.position).and_then(|it| it.get_mut(self.index))
        else {
            unreachable!("a found block stays where it is");
        };
        let before = weight(block);
        let result = change(block);
        self.dict.bytes = self.dict.bytes - before + weight(block);
        result
    }

    /// Stores another value; returns the old one if it was out of line.
    pub fn replace(&mut self, content: Content<'_, V>) -> Option<Box<V>> {
        self.change(|block| block.replace(content))
    }

    /// Changes the value if it is out of line.
    pub fn change_boxed<R>(&mut self, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        self.change(|block| block.boxed_mut().map(change))
    }

    /// The value, when it is bytes inside the block.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        self.dict.blocks.get_mut(&self.position)?.get_mut(self.index)?.bytes_mut()
    }

    /// Sets or clears the deadline.
    pub fn set_deadline(&mut self, deadline: Option<u64>) {
        let old = self.block().deadline();
        self.dict.count_deadline(old, deadline);
        self.change(|block| block.set_deadline(deadline));
    }

    /// Sets the access clock.
    pub fn set_stamp(&mut self, stamp: u32) {
        self.change(|block| block.set_stamp(stamp));
    }

    /// Sets the owner's bit.
    pub fn set_mark(&mut self, mark: bool) {
        self.change(|block| block.set_mark(mark));
    }

    /// Takes the block out of the table.
    pub fn remove(self) -> Block<V> {
        let Some(blocks) = self.dict.blocks.get_mut(&self.position) else {
            unreachable!("a found block stays where it is");
        };
        let block = blocks.swap_remove(self.index);
        if blocks.is_empty() {
            self.dict.blocks.remove(&self.position);
        }
        self.dict.len -= 1;
        self.dict.bytes -= weight(&block);
        self.dict.count_deadline(block.deadline(), None);
        block
    }
}
