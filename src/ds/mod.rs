//! Data structures that know no Redis.

pub mod block;
pub mod dict;
pub mod packed;

mod directory;
mod segment;
