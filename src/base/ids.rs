//! Ids are types, so that a shard cannot be passed where a connection is meant.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by numbers that nobody outside can choose, as those that this process deals out, and hashes of keys,
/// which have a secret seed: hashing them may be cheap.
pub type NumberMap<V> = HashMap<u64, V, BuildHasherDefault<NumberHasher>>;

/// Spreads the bits of a number that was dealt out in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers are hashed here");
    }
    fn write_u64(&mut self, number: u64) {
        // The golden ratio's fraction; the map looks at the lowest and the highest bits.
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}

/// The number of a shard and of the core that owns it: 0 up to the core count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

/// A connection of one core: an index into that core's slab, and the generation of the slot,
/// so that an answer for a connection that has died is never given to its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    /// Index into the slab of the connection's core.
    pub index: u32,
    /// How often that slot has been used before.
    pub generation: u32,
}

/// What `CLIENT ID` answers: unique in the life of the process, larger for later connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

impl ShardId {
    /// The shard as an index into per-shard arrays.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}
