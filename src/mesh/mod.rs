//! What crosses cores: batches of commands, replies and lock messages, and the order of commands
//! whose keys live on several shards. Values only; the links themselves are the runtime's.

mod line;
pub mod locks;
pub mod message;
pub mod outbox;
