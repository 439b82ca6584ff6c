//! Who owns a key: the only place that decides.
//!
//! xxh3-64 with a random seed per process (so nobody can aim keys at one shard), over the key or its
//! `{hash tag}`; the top 14 bits are the virtual slot, and a slot belongs to a shard. The hash of
//! the whole key also indexes the shard's table, so an untagged key is hashed once.

use crate::base::ids::ShardId;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Virtual slots: the unit in which keys are dealt to shards.
pub const SLOTS: usize = 1 << 14;

/// The rule that maps keys to shards; equal on every core of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owners {
    seed: u64,
    shards: u16,
}

/// A key's two hashes: which shard owns it, and where it lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash {
    /// The shard that owns the key.
    pub shard: ShardId,
    /// Hash of the whole key: its place in the shard's table, its name in the lock table.
    pub hash: u64,
}

impl Owners {
    /// `shards` from 1 to `limits::CORES_MAX`.
    pub fn new(seed: u64, shards: u16) -> Self {
        assert!(shards > 0);
        Owners { seed, shards }
    }

    /// How many shards there are.
    pub fn shards(self) -> u16 {
        self.shards
    }

    /// The seed of every key hash of this process.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// Hash of a whole key.
    pub fn hash(self, key: &[u8]) -> u64 {
        xxh3_64_with_seed(key, self.seed)
    }

    /// Both hashes of a key.
    pub fn locate(self, key: &[u8]) -> KeyHash {
        let hash = self.hash(key);
        if self.shards == 1 {
            return KeyHash { shard: ShardId(0), hash };
        }
        let tag = hash_tag(key);
        let routing = if tag.len() == key.len() { hash } else { self.hash(tag) };
        KeyHash { shard: self.shard_of_slot((routing >> 50) as usize), hash }
    }

    /// The shard a virtual slot belongs to: slots are dealt in equal contiguous runs.
    pub fn shard_of_slot(self, slot: usize) -> ShardId {
        debug_assert!(slot < SLOTS);
        ShardId((slot * usize::from(self.shards) / SLOTS) as u16)
    }
}

/// The part of a key that decides its shard: what stands between the first `{` and the first `}`
/// after it, unless that is empty; otherwise the whole key.
pub fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = memchr::memchr(b'{', key) else { return key };
    match memchr::memchr(b'}', &key[open + 1..]) {
        None | Some(0) => key,
        Some(len) => &key[open + 1..open + 1 + len],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_tag_is_the_first_non_empty_braces() {
        assert_eq!(hash_tag(b"plain"), b"plain");
        assert_eq!(hash_tag(b"{user1}.name"), b"user1");
        assert_eq!(hash_tag(b"{}x{y}"), b"{}x{y}");
        assert_eq!(hash_tag(b"a{b{c}d}"), b"b{c");
        assert_eq!(hash_tag(b"a{b"), b"a{b");
    }

    #[test]
    fn keys_with_one_tag_share_a_shard_and_slots_are_dealt_evenly() {
        let owners = Owners::new(7, 3);
        assert_eq!(owners.locate(b"{t}a").shard, owners.locate(b"{t}b").shard);
        let mut counts = [0; 3];
        for slot in 0..SLOTS {
            counts[owners.shard_of_slot(slot).index()] += 1;
        }
        assert!(counts.iter().all(|&count| (5461..=5462).contains(&count)), "{counts:?}");
    }
}
