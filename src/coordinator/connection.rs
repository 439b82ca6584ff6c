//! One client's input, reply slots and output.
//!
//! A pipelined client may ask several shards at once and the answers race. A slot is reserved per
//! command and the longest ready prefix moves to the output. While no slot is open, replies of local
//! commands are written straight into the output.
//!
//! What cannot run yet waits as *input*: behind a command that spans shards, in front of a peer that
//! has no room, while CLIENT PAUSE holds, or while the output is above its hold (then the requests
//! wait, not the replies). Not here: sockets (`net`), which command goes where (`dispatch`).

use crate::base::ids::{ConnectionId, ShardId};
use crate::base::limits::{CORK_BYTES_MAX, INPUT_HOLD_BYTES, OUTPUT_HOLD_BYTES, TURN_SLICE_NS};
use crate::coordinator::center::Center;
use crate::coordinator::dispatch::Dispatched;
use crate::coordinator::frames::{End, Frames, WINDOW};
use crate::coordinator::slice::Slice;
use crate::coordinator::spanning::Pending;
use crate::coordinator::transaction::{Transaction, Watching};
use crate::coordinator::window::Window;
use crate::mesh::message::End as WaitEnd;
use crate::resp::request::{ParseLimits, Parser};
use crate::session::Intent;
use std::collections::VecDeque;

/// Room made for an argument that has only been announced.
const ROOM_BYTES_FREE: usize = 64 << 10;

/// A command whose reply has not moved to the output yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// When it was posted, in the clock's raw unit.
    pub(super) posted: u64,
    /// Which command, for the histogram.
    pub(super) command: u16,
    pub(super) state: SlotState,
    /// CLIENT REPLY says: throw the reply away.
    pub(super) muted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotState {
    /// Another shard, or a lock, has it.
    Awaited,
    /// The reply lies in the arena.
    Ready { start: usize, len: usize },
}

/// Why the frame at the front of the input cannot run yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// Nothing holds it.
    #[default]
    None,
    /// It comes after everything in front of it has been answered.
    Drain,
    /// The peer it goes to has no room; the engine says when to try again.
    Room,
    /// CLIENT PAUSE; the engine says when to try again.
    Pause,
}

/// One client as its core's coordinator knows it.
#[derive(Debug, Default)]
pub struct Connection {
    /// Input that waits; frames before `head` are done.
    input: Vec<u8>,
    head: usize,
    parser: Parser,
    /// Encoded replies for the kernel, in order.
    pub(super) output: Vec<u8>,
    /// Length of the output when it was last looked at: less than that now means it was taken.
    accounted: usize,
    /// Bytes of output handed to the kernel and not yet taken by it.
    in_kernel: usize,
    pub(super) slots: VecDeque<Slot>,
    /// The number of the first slot.
    pub(super) first_slot: u32,
    /// Replies that are ready behind one that is not.
    pub(super) arena: Vec<u8>,
    /// A command that spans shards or asks every core is under way; its reply is muted or not.
    pub(super) spanning: Option<bool>,
    /// Groups of its commands that are under way.
    pub(super) groups: Vec<Pending>,
    /// The shard that its command waits at, or may.
    pub(super) waits_at: Option<ShardId>,
    /// What is queued since MULTI.
    pub(super) transaction: Option<Box<Transaction>>,
    /// The keys it watches.
    pub(super) watching: Watching,
    window: Window,
    /// The input ended in an incomplete frame: only more input helps.
    starved_of_input: bool,
    hold: Hold,
    /// How long its commands have run.
    slice: Slice,
    /// In the engine's list of connections with something to do.
    pub queued: bool,
    /// In the engine's list of connections with output or a changed state.
    pub dirty: bool,
    /// Since when its output waits for more.
    pub corked_ns: Option<u64>,
}

impl Connection {
    /// Bytes from the client: runs what can run, keeps the rest. All of it, where the slice of this turn is used up:
    /// one turn may bring many pieces of what one client has sent.
    pub fn on_bytes(&mut self, at: ConnectionId, center: &mut Center, bytes: &[u8]) {
        center.metrics.counters.reads_processed += 1;
        center.metrics.counters.net_input_bytes += bytes.len() as u64;
        self.starved_of_input = false;
        self.settle_output();
        if self.has_had_its_turn(center) {
            self.keep(bytes, 0);
        } else if self.input.is_empty() {
            let used = self.run(at, center, bytes);
            self.keep(&bytes[used..], self.parser.bytes_wanted());
        } else {
            self.keep(bytes, self.parser.bytes_wanted().saturating_sub(bytes.len()));
            self.run_input(at, center);
        }
    }

    /// Adds to the input that waits. Where its last argument is known to be `missing` bytes longer, room is made
    /// for them at once; but what a client has only announced gets no more room than what it has sent, beyond
    /// [`ROOM_BYTES_FREE`].
    fn keep(&mut self, bytes: &[u8], missing: usize) {
        let sent = self.input.len() + bytes.len();
        self.input.reserve(bytes.len() + missing.min(sent.max(ROOM_BYTES_FREE)));
        self.input.extend_from_slice(bytes);
    }

    /// Whether there is nothing left of its slice of this turn.
    pub fn has_had_its_turn(&self, center: &Center) -> bool {
        self.slice.ns(center) > TURN_SLICE_NS
    }

    /// Goes on with input that waits.
    pub fn run_input(&mut self, at: ConnectionId, center: &mut Center) {
        if self.input.is_empty() || self.starved_of_input {
            return;
        }
        self.settle_output();
        // Both, so that a command that asks for the size of the waiting input finds them in agreement.
        let (input, head) = (std::mem::take(&mut self.input), std::mem::take(&mut self.head));
        let used = self.run(at, center, &input[head..]);
        self.input = input;
        self.head = head + used;
        if self.head == self.input.len() {
            self.head = 0;
            // A large buffer is given back: an idle connection keeps next to nothing.
            if self.input.capacity() > 16 << 10 {
                self.input = Vec::new();
            } else {
                self.input.clear();
            }
        } else if self.head >= 64 << 10 && self.head >= self.input.len() / 2 {
            self.input.drain(..self.head);
            self.head = 0;
        }
    }

    /// Whether there is input that could run now.
    pub fn is_ready(&self, center: &Center, at: ConnectionId) -> bool {
        !self.input.is_empty() && !self.starved_of_input && !self.is_held(at, center)
    }

    /// Whether input that is here will be answered without the client doing anything more.
    pub fn is_busy(&self) -> bool {
        !self.is_drained() || (!self.input.is_empty() && !self.starved_of_input)
    }

    /// Why the frame at the front of the input waits.
    pub fn hold(&self) -> Hold {
        self.hold
    }

    /// It is worth trying again.
    pub fn lift_hold(&mut self) {
        self.hold = Hold::None;
    }

    /// Bytes of input that wait.
    pub fn input_bytes(&self) -> usize {
        self.input.len() - self.head
    }

    /// Whether the socket should be read on: see [`INPUT_HOLD_BYTES`].
    pub fn wants_input(&self, at: ConnectionId, center: &Center) -> bool {
        let bytes = self.input_bytes();
        bytes < center.options.client_query_buffer_limit
            && (bytes < INPUT_HOLD_BYTES
                || self.starved_of_input
                || center.clients.get(at).is_some_and(|session| session.blocked))
    }

    /// Bytes of replies that the kernel has not taken yet.
    pub fn unsent_bytes(&self) -> usize {
        self.output.len() + self.in_kernel
    }

    /// The output, for the driver: it takes the whole vector whenever it sends.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Notices that the driver has taken the output since this was last called. Comes before anything is
    /// added to the output, and after.
    pub fn settle_output(&mut self) {
        if self.output.len() < self.accounted {
            self.in_kernel += self.accounted;
        }
        self.accounted = self.output.len();
    }

    /// Whether there is output to take.
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// The kernel took `bytes` bytes.
    pub fn on_sent(&mut self, bytes: usize) {
        self.settle_output();
        self.in_kernel = self.in_kernel.saturating_sub(bytes);
    }

    /// Whether everything that was asked has been answered.
    pub fn is_drained(&self) -> bool {
        self.slots.is_empty() && self.spanning.is_none()
    }

    /// Whether there is some output, and more of it certain to come soon without the client doing anything.
    #[inline]
    pub fn awaits_more(&self, at: ConnectionId, center: &Center) -> bool {
        !self.is_drained()
            && !self.output.is_empty()
            && self.output.len() < CORK_BYTES_MAX
            && self.waits_at.is_none()
            && self.wants_input(at, center)
            && center.clients.get(at).is_some_and(|session| !session.blocked)
    }

    /// A reply to the command in `slot` has come, which ran for `ns` nanoseconds.
    pub fn on_done(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        (slot, ns): (u32, u64),
        reply: &[u8],
        raw_now: u64,
    ) {
        self.settle_output();
        let Some(open) = self.fill(at, center, (slot, ns), reply) else { return };
        center.metrics.record_remote_wait(open.command, center.clock.elapsed_ns(open.posted, raw_now));
    }

    /// The replies to a group.
    pub fn on_group(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        replies: &[(u32, usize)],
        reply: &[u8],
    ) {
        self.settle_output();
        self.groups.retain(|group| replies.first().is_none_or(|(slot, _)| *slot != group.slot));
        let mut start = 0;
        for &(slot, end) in replies {
            self.fill(at, center, (slot, 0), &reply[start..end]);
            start = end;
        }
    }

    /// Puts a reply in its slot, and what is complete in front into the output; returns the slot as it was.
    fn fill(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        (slot, ns): (u32, u64),
        reply: &[u8],
    ) -> Option<Slot> {
        let index = slot.wrapping_sub(self.first_slot) as usize;
        let Some(open) = self.slots.get_mut(index) else {
            debug_assert!(false, "a reply for a slot that is not open");
            return None;
        };
        let was = *open;
        debug_assert_eq!(open.state, SlotState::Awaited, "filled twice means two owners answered");
        self.window.on_reply(reply.len(), ns);
        let kept: &[u8] = if open.muted { b"" } else { reply };
        if index > 0 {
            open.state = SlotState::Ready { start: self.arena.len(), len: kept.len() };
            self.arena.extend_from_slice(kept);
            return Some(was);
        }
        self.output.extend_from_slice(kept);
        self.slots.pop_front();
        self.first_slot = self.first_slot.wrapping_add(1);
        while let Some(Slot { state: SlotState::Ready { start, len }, .. }) = self.slots.front().copied() {
            self.output.extend_from_slice(&self.arena[start..start + len]);
            self.slots.pop_front();
            self.first_slot = self.first_slot.wrapping_add(1);
        }
        if self.slots.is_empty() {
            if self.waits_at.take().is_some()
                && let Some(session) = center.clients.get_mut(at)
            {
                session.blocked = false;
            }
            self.arena.clear();
            self.window.on_drained();
        }
        Some(was)
    }

    /// The reply to the command that spanned shards or asked every core.
    pub fn on_answer(&mut self, reply: &[u8]) {
        debug_assert!(self.slots.is_empty());
        self.settle_output();
        if self.spanning.take() == Some(false) {
            self.output.extend_from_slice(reply);
        }
    }

    /// The client is gone, or is told to wait no more.
    pub fn end_wait(&mut self, at: ConnectionId, center: &mut Center, end: WaitEnd) {
        if self.waits_at.is_some() || self.spanning.is_some() {
            center.unblock(at, self.waits_at, end);
        }
    }

    /// Bytes outside the order of replies.
    pub fn on_push(&mut self, bytes: &[u8]) {
        self.settle_output();
        // Between two replies, never inside one: the output holds whole replies only.
        self.output.extend_from_slice(bytes);
    }

    /// Gives memory back that an idle connection does not need.
    pub fn trim(&mut self) {
        if self.input.is_empty() {
            self.input = Vec::new();
            self.parser = Parser::new();
        }
        if self.slots.is_empty() {
            self.slots = VecDeque::new();
            self.arena = Vec::new();
        }
        if self.output.is_empty() {
            self.output = Vec::new();
        }
    }

    /// What CLIENT LIST shows of it.
    pub fn note_sizes(&self, at: ConnectionId, center: &mut Center) {
        if let Some(session) = center.clients.get_mut(at) {
            session.input_bytes = self.input_bytes();
            session.input_free = self.input.capacity() - self.input.len();
            session.output_bytes = self.output.len() + self.in_kernel + self.arena.len();
        }
    }

    /// Whether nothing of this connection may run now, whatever it is.
    fn is_held(&self, at: ConnectionId, center: &Center) -> bool {
        let in_front = match self.hold {
            Hold::None => false,
            Hold::Drain => !self.slots.is_empty(),
            Hold::Room | Hold::Pause => true,
        };
        in_front
            || self.spanning.is_some()
            || self.waits_at.is_some()
            || self.slots.len() >= self.window.width()
            || self.unsent_bytes() + self.arena.len() + self.window.expected_bytes(self.slots.len())
                >= OUTPUT_HOLD_BYTES
            || center.clients.get(at).is_none_or(|session| session.intent != Intent::Open)
    }

    fn run(&mut self, at: ConnectionId, center: &mut Center, input: &[u8]) -> usize {
        let mut parser = std::mem::take(&mut self.parser);
        let mut frames = std::mem::take(&mut center.frames);
        let serving = self.slice.take_up(center);
        let mut used = 0;
        while used < input.len() && !self.is_held(at, center) {
            let Some(session) = center.clients.get(at) else { break };
            let (db, authenticated) = (session.db, session.authenticated);
            let limits = ParseLimits { bulk_bytes_max: center.options.proto_max_bulk_len, authenticated };
            // AUTH changes what may come behind it.
            let count_max = if authenticated { WINDOW } else { 1 };
            let rest = &input[used..];
            let end = frames.gather(&mut parser, rest, &limits, count_max, center);
            frames.prefetch(center, db);
            let (ran, len) = self.run_frames(at, center, &frames, rest, &parser);
            self.close_group(at, center);
            used += len;
            if ran < frames.len() {
                // The rest of the window is parsed again when its turn comes.
                parser.restart();
                break;
            }
            match end {
                End::Window => {}
                End::Input => {
                    self.starved_of_input = true;
                    if rest.len() - len > center.options.client_query_buffer_limit {
                        center.clients.close(at, Intent::CloseNow);
                    }
                    break;
                }
                End::Error(error) => {
                    if self.is_held(at, center) {
                        parser.restart();
                        break;
                    }
                    let mut encoded = Vec::new();
                    error.write_to(&mut encoded);
                    center.count_error(&encoded);
                    self.reply_with(false, |reply| reply.raw(&encoded));
                    center.clients.close(at, Intent::CloseAfterOutput);
                    used = input.len();
                }
            }
            serving.count_all(center);
            if center.ran_ns > TURN_SLICE_NS {
                break;
            }
        }
        self.slice = serving.lay_down(center);
        self.parser = parser;
        center.frames = frames;
        used
    }

    /// Runs a window of frames until one has to wait or the slice is over; returns how many ran and their length in
    /// bytes. Leaves the group that the last of them opened open.
    fn run_frames(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        frames: &Frames,
        input: &[u8],
        parser: &Parser,
    ) -> (usize, usize) {
        let mut len = 0;
        for index in 0..frames.len() {
            let frame = frames.get(index);
            if let Some(lookup) = frame.lookup {
                if center.ran_ns > TURN_SLICE_NS || self.is_held(at, center) {
                    return (index, len);
                }
                let args = frames.args(frame, input, parser);
                if !center.group.is_empty() {
                    if self.join_group(at, center, args, lookup) {
                        len += frame.len;
                        continue;
                    }
                    if !center.group.lets_pass(args, lookup, frame.key) {
                        self.close_group(at, center);
                    }
                }
                if let Dispatched::Held(hold) = self.dispatch(at, center, args, lookup, frame.key) {
                    self.hold = hold;
                    return (index, len);
                }
                self.hold = Hold::None;
            }
            len += frame.len;
        }
        (frames.len(), len)
    }
}
