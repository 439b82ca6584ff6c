//! Data structures that know no Redis.

pub mod block;
pub mod dict;

mod segment;
