//! What was asked, in which order: bytes of a connection in, commands run here or posted to their
//! owners, replies out in the order of the requests.
//!
//! - `center`: all a core's commands share, and how one runs on this shard
//! - `connection`: one client's input, reply slots and output
//! - `frames`: a window of parsed commands, so that their waits for memory overlap
//! - `dispatch`: gate, place
//! - `spanning`: commands that span shards or ask every core; `looks`: values of keys that others name
//! - `window`: how much of one connection may be on its way to other shards
//! - `serve`: a peer's batch against this shard

pub mod center;
pub mod connection;
mod dispatch;
pub mod frames;
pub mod preview;
mod serve;
pub mod slice;
mod spanning;
mod transaction;
pub mod waiting;
mod window;

pub use center::{Center, Local};
pub use connection::{Connection, Hold};
pub use spanning::Group;
