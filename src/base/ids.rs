//! Ids are types, so that a shard cannot be passed where a connection is meant.

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
