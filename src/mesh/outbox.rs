//! One open batch per peer, flushed once per turn, and the account of what is under way.
//!
//! A core never waits for a peer: when a link is full, the batch stays open and goes on growing. It
//! cannot grow without bound, because requests under way are counted per peer and replies are bounded
//! by the requests they answer. At the bound the connections that need that peer wait; others go on.

use crate::base::args::Args;
use crate::base::clock::Now;
use crate::base::ids::{ConnectionId, ShardId};
use crate::base::limits::{PEER_REQUEST_BYTES_MAX, PEER_REQUESTS_MAX};
use crate::mesh::message::{Batch, Control, Op, Run};
use std::collections::VecDeque;

const POOL_MAX: usize = 64;

#[derive(Debug, Default)]
struct Peer {
    open: Option<Box<Batch>>,
    under_way: usize,
    // One entry per request under way: what it takes of the byte bound.
    sizes: VecDeque<u32>,
    bytes_under_way: usize,
}

/// What this core has for its peers.
#[derive(Debug)]
pub struct Outboxes {
    peers: Vec<Peer>,
    #[expect(clippy::vec_box, reason = "batches travel boxed: what crosses a link is one pointer")]
    pool: Vec<Box<Batch>>,
    starved: Vec<ConnectionId>,
    relieved: bool,
}

impl Outboxes {
    /// Boxes for `shards` cores (the one to self stays empty).
    pub fn new(shards: u16) -> Self {
        Outboxes {
            peers: (0..shards).map(|_| Peer::default()).collect(),
            pool: Vec::new(),
            starved: Vec::new(),
            relieved: false,
        }
    }

    /// The open batch for `peer`.
    pub fn open(&mut self, peer: ShardId) -> &mut Batch {
        let pool = &mut self.pool;
        self.peers[peer.index()].open.get_or_insert_with(|| pool.pop().unwrap_or_default())
    }

    /// Whether `peer` can be sent another command of `bytes` bytes now; if not, the connection is
    /// noted and handed out by [`Outboxes::take_relieved`] when it is worth trying again.
    pub fn has_room(&mut self, peer: ShardId, bytes: usize, connection: ConnectionId) -> bool {
        let peer = &self.peers[peer.index()];
        let room = peer.under_way == 0
            || (peer.under_way < PEER_REQUESTS_MAX && peer.bytes_under_way + bytes <= PEER_REQUEST_BYTES_MAX);
        if !room {
            self.starved.push(connection);
        }
        room
    }

    /// Posts a command; [`Outboxes::has_room`] was asked.
    pub fn post(&mut self, peer: ShardId, mut run: Run, args: Args<'_>) {
        let bytes = args.bytes_len();
        let batch = self.open(peer);
        (run.span_start, run.span_count) = batch.copy_args(args);
        batch.ops.push(Op::Run(run));
        let peer = &mut self.peers[peer.index()];
        peer.under_way += 1;
        peer.bytes_under_way += bytes;
        peer.sizes.push_back(bytes as u32);
    }

    /// Posts anything else.
    pub fn post_control(&mut self, peer: ShardId, control: Control) {
        self.open(peer).ops.push(Op::Control(Box::new(control)));
    }

    /// A reply has come from `peer`. Replies to parked commands may overtake: the byte account is then
    /// settled in the order of asking, which bounds the same sum.
    pub fn on_reply(&mut self, peer: ShardId) {
        let peer = &mut self.peers[peer.index()];
        debug_assert!(peer.under_way > 0, "a reply nobody asked for");
        peer.under_way -= 1;
        peer.bytes_under_way -= peer.sizes.pop_front().map_or(0, |bytes| bytes as usize);
        self.relieved = true;
    }

    /// Commands under way at all peers.
    pub fn under_way(&self) -> usize {
        self.peers.iter().map(|peer| peer.under_way).sum()
    }

    /// Connections that once found no room, if replies have come since.
    pub fn take_relieved(&mut self) -> Vec<ConnectionId> {
        if self.relieved && !self.starved.is_empty() {
            self.relieved = false;
            std::mem::take(&mut self.starved)
        } else {
            Vec::new()
        }
    }

    /// The batch for `peer`, stamped and dated, if there is anything in it.
    pub fn take(&mut self, peer: ShardId, stamp: u64, now: Now) -> Option<Box<Batch>> {
        let open = &mut self.peers[peer.index()].open;
        if open.as_ref().is_none_or(|batch| batch.is_empty()) {
            return None;
        }
        let mut batch = open.take()?;
        (batch.stamp, batch.now) = (stamp, now);
        Some(batch)
    }

    /// Keeps a served batch for later sending.
    pub fn recycle(&mut self, mut batch: Box<Batch>) {
        if self.pool.len() < POOL_MAX {
            batch.clear();
            self.pool.push(batch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::args::OwnedArgs;
    use crate::command::table::Table;
    use crate::resp::Protocol;

    const PEER: ShardId = ShardId(1);
    const AT: ConnectionId = ConnectionId { index: 3, generation: 1 };

    fn post(outboxes: &mut Outboxes, word: &[u8]) {
        let command = Table::get().commands()[0];
        let (slot, db, protocol) = (0, 0, Protocol::Resp2);
        let run =
            Run { command, hash: None, connection: AT, slot, span_start: 0, span_count: 0, db, protocol };
        outboxes.post(PEER, run, OwnedArgs::collect([word]).view());
    }

    #[test]
    fn at_the_bound_a_connection_waits_and_is_called_when_a_reply_has_come() {
        let mut outboxes = Outboxes::new(3);
        for _ in 0..PEER_REQUESTS_MAX {
            assert!(outboxes.has_room(PEER, 4, AT));
            post(&mut outboxes, b"ping");
        }
        assert!(!outboxes.has_room(PEER, 4, AT), "one more than the bound");
        assert!(outboxes.has_room(ShardId(2), 4, AT), "another peer has room");
        assert!(outboxes.take_relieved().is_empty(), "nothing has come yet");
        outboxes.on_reply(PEER);
        assert_eq!(outboxes.take_relieved(), [AT]);
        assert!(outboxes.has_room(PEER, 4, AT));
    }

    #[test]
    fn bytes_under_way_are_bounded_but_one_request_always_goes() {
        let mut outboxes = Outboxes::new(2);
        assert!(outboxes.has_room(PEER, PEER_REQUEST_BYTES_MAX + 1, AT), "larger than the bound, and alone");
        post(&mut outboxes, &[b'x'; 100]);
        assert!(outboxes.has_room(PEER, PEER_REQUEST_BYTES_MAX - 100, AT));
        assert!(!outboxes.has_room(PEER, PEER_REQUEST_BYTES_MAX - 99, AT));
        outboxes.on_reply(PEER);
        assert!(outboxes.has_room(PEER, PEER_REQUEST_BYTES_MAX, AT));
        assert_eq!(outboxes.under_way(), 0);
    }

    #[test]
    fn a_full_link_leaves_the_batch_open_and_it_grows_on() {
        let mut outboxes = Outboxes::new(2);
        post(&mut outboxes, b"one");
        // The driver takes nothing for a link without room.
        post(&mut outboxes, b"two");
        let batch = outboxes.take(PEER, 9, Now::default()).unwrap();
        assert_eq!((batch.ops.len(), batch.stamp), (2, 9));
        assert!(outboxes.take(PEER, 9, Now::default()).is_none());
    }
}
