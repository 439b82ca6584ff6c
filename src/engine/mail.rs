//! What peers send, run in slices: a peer with much to do does not keep this core from its clients and other peers.

use super::Engine;
use crate::base::ids::{ConnectionId, ShardId};
use crate::base::limits::MAIL_SLICE_NS;
use crate::coordinator::frames::WINDOW;
use crate::mesh::message::{Batch, Op};

/// Batches whose slice was over before they were through, at most one of each peer.
#[derive(Debug, Default)]
pub(super) struct Mail {
    left: Vec<(ShardId, Box<Batch>)>,
    /// The peer served last in this turn, and for how long.
    served: Option<(ShardId, u64)>,
}

impl Mail {
    pub(super) fn begin_turn(&mut self) {
        self.served = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// How long a peer has been served in this turn, in nanoseconds: its batches come one after the other.
    fn served_ns(&self, from: ShardId) -> u64 {
        self.served.filter(|&(peer, _)| peer == from).map_or(0, |(_, ns)| ns)
    }
}

impl Engine {
    /// A peer's batch: runs what the peer's slice of this turn allows and keeps the rest. Only if
    /// [`Engine::wants_mail`] of that peer.
    pub fn on_mail(&mut self, from: ShardId, batch: Box<Batch>) {
        debug_assert!(self.wants_mail(from), "the order of a link is kept");
        self.serve_mail(from, batch);
    }

    fn serve_mail(&mut self, from: ShardId, mut batch: Box<Batch>) {
        let raw_now = self.center.clock.raw();
        self.center.see_stamp(batch.stamp);
        self.center.now = self.center.now.max(batch.now);
        let served_ns = self.mail.served_ns(from);
        self.center.ran_ns = served_ns;
        // Replies to one connection come one after the other: it is looked at after the last of them.
        let mut replied = None;
        let mut ops = std::mem::take(&mut batch.ops);
        let mut rest = ops.drain(..);
        while !rest.as_slice().is_empty() && self.center.ran_ns <= MAIL_SLICE_NS {
            let window = rest.as_slice().len().min(WINDOW);
            self.center.prefetch(&rest.as_slice()[..window]);
            for op in rest.by_ref().take(window) {
                self.on_op(from, &batch, op, raw_now, &mut replied);
                if self.center.ran_ns > MAIL_SLICE_NS {
                    break;
                }
            }
            // What is no command takes time as well.
            let passed_ns = self.center.clock.elapsed_ns(raw_now, self.center.clock.raw());
            self.center.ran_ns = self.center.ran_ns.max(served_ns + passed_ns);
        }
        self.mail.served = Some((from, self.center.ran_ns));
        if let Some(at) = replied {
            self.touch(at);
        }
        if rest.as_slice().is_empty() {
            drop(rest);
            batch.ops = ops;
            self.center.outboxes.recycle(batch);
        } else {
            batch.ops = rest.collect();
            self.mail.left.push((from, batch));
        }
        self.settle();
    }

    /// Goes on with the batch of a peer that was not through when its slice of an earlier turn was over.
    #[inline]
    pub fn resume_mail(&mut self, from: ShardId) {
        if let Some(at) = self.mail.left.iter().position(|&(peer, _)| peer == from) {
            let (_, batch) = self.mail.left.swap_remove(at);
            self.serve_mail(from, batch);
        }
    }

    /// Whether the slice of a peer lasts: what comes after it waits in the link.
    #[inline]
    pub fn wants_mail(&self, from: ShardId) -> bool {
        self.mail.served_ns(from) <= MAIL_SLICE_NS && self.mail.left.iter().all(|&(peer, _)| peer != from)
    }

    fn on_op(
        &mut self,
        from: ShardId,
        batch: &Batch,
        op: Op,
        raw_now: u64,
        replied: &mut Option<ConnectionId>,
    ) {
        match op {
            Op::Run(run) => self.center.serve(from, batch, &run),
            Op::Done(done) => {
                self.center.outboxes.on_reply(from);
                let start = done.start as usize;
                let reply = &batch.bytes[start..start + done.len as usize];
                if let Some(before) = replied.filter(|&before| before != done.connection) {
                    self.touch(before);
                }
                *replied = self.deliver(done.connection, (done.slot, done.ns.into()), reply, raw_now);
            }
            Op::Control(control) => self.center.on_control(from, *control),
        }
    }
}
