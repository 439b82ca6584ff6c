//! Data structures that know no Redis.

pub mod bitmap;
pub mod block;
pub mod dict;
pub mod hll;
pub mod intset;
pub mod packed;
pub mod ranked;

mod directory;
mod segment;
