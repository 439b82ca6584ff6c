//! Data structures that know no Redis.

pub mod bitmap;
pub mod block;
pub mod dict;
#[cfg(any(test, feature = "testing"))]
pub mod fuzz;
pub mod geohash;
pub mod hash;
pub mod hll;
pub mod intset;
pub mod list;
pub mod packed;
pub mod ranked;
pub mod set;
pub mod stream;
pub mod zset;

mod directory;
mod list_nodes;
mod sample;
mod segment;
mod stream_group;
mod stream_id;
mod stream_log;
mod stream_node;
mod stream_tree;
mod zset_large;

use crate::base::owner::Owners;

/// What decides the shape of a collection: the hash of its members, and where its compact form ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shapes {
    /// Hashes members, as keys are hashed.
    pub owners: Owners,
    /// `list-max-listpack-size`: elements of one node, or -1 to -5 for 4 to 64 KB.
    pub list_max_listpack_size: i64,
    /// `hash-max-listpack-entries`.
    pub hash_max_listpack_entries: usize,
    /// `hash-max-listpack-value`, in bytes.
    pub hash_max_listpack_value: usize,
    /// `set-max-intset-entries`.
    pub set_max_intset_entries: usize,
    /// `zset-max-listpack-entries`.
    pub zset_max_listpack_entries: usize,
    /// `zset-max-listpack-value`, in bytes.
    pub zset_max_listpack_value: usize,
    /// `stream-node-max-bytes`; 0: no bound.
    pub stream_node_max_bytes: usize,
    /// `stream-node-max-entries`; 0: no bound.
    pub stream_node_max_entries: usize,
    /// `hll-sparse-max-bytes`.
    pub hll_sparse_max_bytes: usize,
}

impl Shapes {
    /// Redis's defaults.
    pub const fn new(owners: Owners) -> Shapes {
        Shapes {
            owners,
            list_max_listpack_size: -2,
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            set_max_intset_entries: 512,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
            hll_sparse_max_bytes: 3000,
        }
    }
}
