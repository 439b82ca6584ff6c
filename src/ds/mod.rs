//! Data structures that know no Redis.

pub mod block;
pub mod dict;
pub mod packed;
pub mod intset;

mod directory;
mod segment;
