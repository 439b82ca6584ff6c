//! Medusa, as a library: the floors are described in ARCHITECTURE.md.

pub mod base;
pub mod bench;
pub mod cli;
pub mod command;
pub mod config;
pub mod coordinator;
pub mod ds;
pub mod engine;
pub mod load;
pub mod mesh;
pub mod metrics;
pub mod net;
pub mod resp;
pub mod runtime;
pub mod server;
pub mod session;
pub mod shard;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
