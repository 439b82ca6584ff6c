//! What the byte loop asks of a core's engine: bytes and batches in, bytes and batches out.

use crate::base::clock::Now;
use crate::base::ids::{ClientId, ConnectionId, ShardId};
pub use crate::session::{Address, Intent};

/// What a service asks of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// End in good order, all cores.
    Shutdown,
    /// Most connections at once, from now on.
    ClientsMax(u32),
    /// Seconds of silence before TCP asks whether a peer is alive, for connections to come; 0: never.
    TcpKeepalive(u32),
}

/// One core's engine. Every call is short: nothing here waits.
///
/// A turn of the loop is: `begin_turn`; then any number of `connect`, `on_bytes`, `on_sent`, `on_hangup` and, of peers
/// that `wants_mail` names, `on_mail`; `run_ready`, and `on_cron` when it is due; then `next_dirty` until it is empty,
/// and `take_mail` once per peer that has room.
pub trait Service {
    /// What cores send each other.
    type Batch: Send + 'static;
    /// What is left of a core after the end.
    type Report: Send + 'static;

    /// A connection came. Its id is good until `on_hangup`.
    fn connect(&mut self, id: ClientId, address: Address) -> ConnectionId;
    /// A connection came that was one too many, and was told so.
    fn on_refused(&mut self);
    /// A turn begins at this moment.
    fn begin_turn(&mut self, now: Now);
    /// Input that `on_bytes` will bring later in this turn, together with that of other connections.
    fn preview(&mut self, connection: ConnectionId, bytes: &[u8]);
    /// All such input has been shown.
    fn preview_ends(&mut self);
    /// Input: runs what it can and keeps the rest.
    fn on_bytes(&mut self, connection: ConnectionId, bytes: &[u8]);
    /// The kernel took this many more of the bytes handed out.
    fn on_sent(&mut self, connection: ConnectionId, bytes: usize);
    /// The connection is gone, whoever ended it: called exactly once for each.
    fn on_hangup(&mut self, connection: ConnectionId);
    /// A peer's batch, of which as much runs as the peer's time slice of this turn allows. Only if `wants_mail`.
    fn on_mail(&mut self, from: ShardId, batch: Box<Self::Batch>);
    /// Whether the peer's time slice of this turn lasts: if not, what it has sent stays in the link.
    fn wants_mail(&self, from: ShardId) -> bool;
    /// Goes on with connections that have input waiting and with peers' batches, each within its time slice. True: there
    /// is more.
    fn run_ready(&mut self) -> bool;
    /// A connection whose output, intent, busyness or wish for input changed since it was last named.
    fn next_dirty(&mut self) -> Option<ConnectionId>;
    /// Whether a connection may be named by `next_dirty` soon though nothing happens to it meanwhile: the core is not
    /// to sleep for long then.
    fn has_corked(&self) -> bool;
    /// Replies not yet handed to the kernel: the loop takes the whole vector and leaves an empty one.
    /// It may exchange an empty vector at any time, for one with capacity or to save memory.
    fn output(&mut self, connection: ConnectionId) -> Option<&mut Vec<u8>>;
    /// What should become of the connection.
    fn intent(&self, connection: ConnectionId) -> Intent;
    /// Whether the connection is to be read.
    fn wants_input(&self, connection: ConnectionId) -> bool;
    /// Whether input that was read is still to be answered without the client doing anything more. A
    /// peer that has sent its last byte gets these answers before it is hung up on.
    fn is_busy(&self, connection: ConnectionId) -> bool;
    /// What is to go to `peer`. Not called while the link to it is full: what is there goes on growing.
    fn take_mail(&mut self, peer: ShardId) -> Option<Box<Self::Batch>>;
    /// Upkeep: about every 100 ms while the core is awake, and when `next_wake_ns` is over.
    fn on_cron(&mut self);
    /// How long the core may sleep at most if nothing comes, in nanoseconds; `None`: for ever.
    fn next_wake_ns(&self) -> Option<u64>;
    /// What the service asks of the process.
    fn take_request(&mut self) -> Option<Request>;
    /// The end.
    fn into_report(self) -> Self::Report;
}
