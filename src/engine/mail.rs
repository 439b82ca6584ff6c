//! What peers send, run in slices: a peer with much to do does not keep this core from its clients and other peers.

use super::Engine;
use crate::base::ids::{ConnectionId, ShardId};
use crate::base::limits::MAIL_SLICE_NS;
use crate::coordinator::frames::WINDOW;
use crate::coordinator::slice::Slice;
use crate::mesh::message::{Batch, Op};
use std::collections::VecDeque;

/// How long each peer has been served, and what is left to do for it.
#[derive(Debug)]
pub(super) struct Mail {
    slices: Vec<Slice>,
    /// Batches whose slice was over before they were through, at most one of each peer.
    left: VecDeque<(ShardId, Box<Batch>)>,
}

impl Mail {
    pub(super) fn new(shards: u16) -> Self {
        Mail { slices: vec![Slice::default(); usize::from(shards)], left: VecDeque::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
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
        self.center.see_stamp(batch.stamp);
        self.center.now = self.center.now.max(batch.now);
        let serving = self.mail.slices[from.index()].take_up(&mut self.center);
        // Replies to one connection come one after the other: it is looked at after the last of them.
        let mut replied = None;
        let mut ops = std::mem::take(&mut batch.ops);
        let mut rest = ops.drain(..);
        while !rest.as_slice().is_empty() && self.center.ran_ns <= MAIL_SLICE_NS {
            let window = rest.as_slice().len().min(WINDOW);
            self.center.prefetch(&rest.as_slice()[..window]);
            for op in rest.by_ref().take(window) {
                self.on_op(from, &batch, op, serving.began, &mut replied);
                if self.center.ran_ns > MAIL_SLICE_NS {
                    break;
                }
            }
            serving.count_all(&mut self.center);
        }
        self.mail.slices[from.index()] = serving.lay_down(&self.center);
        if let Some(at) = replied {
            self.touch(at);
        }
        if rest.as_slice().is_empty() {
            drop(rest);
            batch.ops = ops;
            self.center.outboxes.recycle(batch);
        } else {
            batch.ops = rest.collect();
            self.mail.left.push_back((from, batch));
        }
        self.settle();
    }

    /// Goes on with batches that were not through when the slice of an earlier turn was over.
    #[inline]
    pub(super) fn resume_mail(&mut self) {
        for _ in 0..self.mail.left.len() {
            let Some((from, batch)) = self.mail.left.pop_front() else { break };
            if self.has_slice_left(from) {
                self.serve_mail(from, batch);
            } else {
                self.mail.left.push_back((from, batch));
            }
        }
    }

    /// Whether the slice of a peer lasts, and nothing of it is left to do: what comes after that waits in the link.
    #[inline]
    pub fn wants_mail(&self, from: ShardId) -> bool {
        self.has_slice_left(from) && self.mail.left.iter().all(|&(peer, _)| peer != from)
    }

    fn has_slice_left(&self, from: ShardId) -> bool {
        self.mail.slices[from.index()].ns(&self.center) <= MAIL_SLICE_NS
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
