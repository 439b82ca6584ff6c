//! From a parsed frame to the place where it runs: lookup, then the gate, then the row's place.
//!
//! The gate is a ladder read from top to bottom, in the reference's order: does it exist, has it the
//! right number of words, may this client call it, is it paused. Commands never check these.

use crate::base::args::Args;
use crate::base::ids::{ConnectionId, ShardId};
use crate::base::number::parse_cursor;
use crate::base::owner::KeyHash;
use crate::command::debug;
use crate::command::error::CommandError;
use crate::command::spec::{Flags, Place, Step, Waits};
use crate::command::table::{Command, Lookup};
use crate::config::PipelineOrder;
use crate::coordinator::center::{Call, Center, Parked, Work};
use crate::coordinator::connection::{Connection, Hold, Slot, SlotState};
use crate::mesh::message::{Control, Run};
use crate::resp::Protocol;
use crate::resp::reply::Reply;
use crate::session::{Intent, Remote, ReplyMode};

/// A reply larger than this does not leave its buffer behind for the next.
const SCRATCH_BYTES_KEPT: usize = 64 << 10;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dispatched {
    /// It ran, was refused, or is on its way.
    Taken,
    /// It has to wait; it comes again.
    Held(Hold),
}

impl Connection {
    pub(super) fn dispatch(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        args: Args<'_>,
        lookup: Lookup,
        key: Option<KeyHash>,
    ) -> Dispatched {
        let Some(session) = center.clients.get_mut(at) else { return Dispatched::Taken };
        let muted = session.reply_mode != ReplyMode::On;
        let (db, protocol, authenticated) = (session.db, session.protocol, session.authenticated);
        let command = match lookup {
            Lookup::Found(command) if command.arity_fits(args.len()) => command,
            found => {
                self.refuse_unknown(at, center, args, found, muted);
                return Dispatched::Taken;
            }
        };
        if command.spec.flags.has(Flags::PROTECTED)
            && !debug::is_allowed(
                center.options.enable_debug_command,
                center.clients.get(at).is_some_and(|session| session.address.loopback),
            )
        {
            self.refuse(at, center, command, debug::REFUSED, muted);
            return Dispatched::Taken;
        }
        if !authenticated && !command.spec.flags.has(Flags::NO_AUTH) {
            self.refuse(at, center, command, "NOAUTH Authentication required.", muted);
            return Dispatched::Taken;
        }
        let call = Call { command, args, db, protocol, now: center.now, hash: key.map(|key| key.hash) };
        if center.clients.pause.until_ms != 0
            && center
                .clients
                .pause
                .holds(call.writes() || command.spec.flags.has(Flags::MAY_REPLICATE), center.now.unix_ms())
        {
            return Dispatched::Held(Hold::Pause);
        }
        if self.transaction.is_some() && self.queues(command) {
            self.queue(at, center, command, args, muted);
            self.after_command(at, center, command, muted);
            return Dispatched::Taken;
        }
        if !self.groups.is_empty() && self.follows_a_group(center, &call) {
            return Dispatched::Held(Hold::Drain);
        }
        let taken = match command.spec.place {
            Place::Connection(run) => {
                self.run_on_connection(at, center, &call, run, muted);
                return Dispatched::Taken;
            }
            Place::Owner(_) | Place::Split(..) | Place::Atomic(_) | Place::Gather(_) => {
                self.place_keys(at, center, &call, key, muted)
            }
            Place::Wait(waits) => self.place_waiting(at, center, &call, waits, key, muted),
            Place::Scan(_) => {
                let shards = u64::from(center.owners.shards());
                let shard =
                    parse_cursor(args.at(1)).map_or(center.id, |cursor| ShardId((cursor % shards) as u16));
                self.place_on(at, center, &call, shard, muted)
            }
            Place::Every(..) if center.owners.shards() == 1 => {
                self.place_on(at, center, &call, center.id, muted)
            }
            Place::Every(..) => self.span(at, center, &call, muted),
            Place::Transaction(step) => self.step(at, center, &call, step, muted),
            Place::Cores(asks) => self.ask(at, center, &call, asks, muted),
            Place::Container => unreachable!("a lookup returns the subcommand"),
        };
        if taken == Dispatched::Taken {
            if &*command.full_name == "reset" {
                self.leave_transaction(at, center);
            }
            self.after_command(at, center, command, muted);
        }
        taken
    }

    /// Writes a reply where it belongs in the order: into the output, or behind the open slots.
    /// What is written is the same in both protocols: errors, or bytes encoded already.
    pub(super) fn reply_with(&mut self, muted: bool, write: impl FnOnce(&mut Reply<'_>)) {
        let out = if self.slots.is_empty() { &mut self.output } else { &mut self.arena };
        let start = out.len();
        write(&mut Reply::new(out, Protocol::Resp2));
        if muted {
            out.truncate(start);
        }
        let len = out.len() - start;
        if !self.slots.is_empty() && len > 0 {
            self.slots.push_back(Slot {
                posted: 0,
                command: 0,
                state: SlotState::Ready { start, len },
                muted: false,
            });
        }
    }

    /// Notes the command for CLIENT LIST and lets CLIENT REPLY SKIP end, unless a transaction has just asked for it.
    pub(super) fn after_command(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        command: &'static Command,
        muted: bool,
    ) {
        if let Some(session) = center.clients.get_mut(at) {
            session.last_command = &command.full_name;
            if muted && session.reply_mode == ReplyMode::SkipNext {
                session.reply_mode = ReplyMode::On;
            }
        }
    }

    fn run_on_connection(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        call: &Call<'_>,
        run: crate::command::spec::ConnectionFn,
        muted: bool,
    ) {
        feed_monitors(at, center, call);
        let before = center.clients.get(at).map_or(ReplyMode::On, |session| session.reply_mode);
        let began = center.clock.raw();
        if let Some(session) = center.clients.get_mut(at) {
            session.last_command = &call.command.full_name;
        }
        self.note_sizes(at, center);
        let mut encoded = std::mem::take(&mut center.scratch);
        let mut reply = Reply::new(&mut encoded, call.protocol);
        let me = Remote { core: center.id, connection: at };
        let failed = match run(&mut center.core(me), call.args, &mut reply) {
            Ok(()) => false,
            Err(error) => {
                error.write(&mut reply);
                true
            }
        };
        let ns = center.ran_since(began);
        center.count(call.command, ns, failed.then_some(&encoded));
        if center.slowlog.wants(ns) && !call.command.spec.flags.has(Flags::SKIP_SLOWLOG) {
            center.note_slow(at, call.now.unix_us, ns, call.args);
        }
        let mut muted = muted;
        if let Some(session) = center.clients.get_mut(at) {
            // CLIENT REPLY ON is answered; a skipped command ends the skipping, unless it asked for it.
            match (before, session.reply_mode) {
                (ReplyMode::Off, ReplyMode::On) => muted = false,
                (ReplyMode::SkipNext, ReplyMode::SkipNext) => session.reply_mode = ReplyMode::On,
                _ => {}
            }
        }
        self.reply_with(muted, |reply| reply.raw(&encoded));
        if encoded.capacity() <= SCRATCH_BYTES_KEPT {
            encoded.clear();
            center.scratch = encoded;
        }
    }

    fn place_keys(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        call: &Call<'_>,
        key: Option<KeyHash>,
        muted: bool,
    ) -> Dispatched {
        // Without a key there are not enough words for one: the command's own error, wherever it runs.
        let Some(first) = key.filter(|_| center.owners.shards() > 1) else {
            return self.place_on(at, center, call, center.id, muted);
        };
        let keys = call.command.spec.keys;
        let mut others = keys.indexes(call.args).skip(1);
        if keys.is_one()
            || (keys.are_all_named(call.args)
                && others.all(|index| center.owners.locate(call.args.at(index)).shard == first.shard))
        {
            self.place_on(at, center, call, first.shard, muted)
        } else if !fits_step(call) {
            // A shape that no part of it could run in is refused by the command itself, here.
            self.place_on(at, center, call, center.id, muted)
        } else {
            self.span(at, center, call, muted)
        }
    }

    /// Runs a command whose keys live on one shard: here and now, or by the next batch to its owner.
    fn place_on(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        call: &Call<'_>,
        shard: ShardId,
        muted: bool,
    ) -> Dispatched {
        if center.options.pipeline_order == PipelineOrder::Strict && !self.slots.is_empty() {
            return Dispatched::Held(Hold::Drain);
        }
        if shard != center.id {
            if !center.outboxes.has_room(shard, call.args.bytes_len(), at) {
                return Dispatched::Held(Hold::Room);
            }
            feed_monitors(at, center, call);
            let slot = self.open_slot(center, call, muted);
            let (command, hash, db, protocol) = (call.command, call.hash, call.db, call.protocol);
            let run = Run { command, hash, connection: at, slot, span_start: 0, span_count: 0, db, protocol };
            center.outboxes.post(shard, run, call.args);
            center.metrics.counters.commands_remote += 1;
            return Dispatched::Taken;
        }
        feed_monitors(at, center, call);
        if must_wait(center, call) {
            let slot = self.open_slot(center, call, muted);
            park(center, Remote { core: center.id, connection: at }, slot, call);
            return Dispatched::Taken;
        }
        let mut out = std::mem::take(if self.slots.is_empty() { &mut self.output } else { &mut self.arena });
        let start = out.len();
        let ns = center.run_counted(call, &mut out);
        if let Some(resolved) = center.would_wait.take() {
            out.truncate(start);
            *(if self.slots.is_empty() { &mut self.output } else { &mut self.arena }) = out;
            let slot = self.open_slot(center, call, muted);
            center.wait_here(Remote { core: center.id, connection: at }, slot, call, resolved);
            return Dispatched::Taken;
        }
        if muted {
            out.truncate(start);
        }
        let len = out.len() - start;
        if self.slots.is_empty() {
            self.output = out;
        } else {
            self.arena = out;
            let state = SlotState::Ready { start, len };
            self.slots.push_back(Slot { posted: 0, command: 0, state, muted: false });
        }
        if center.slowlog.wants(ns) && !call.command.spec.flags.has(Flags::SKIP_SLOWLOG) {
            center.note_slow(at, call.now.unix_us, ns, call.args);
        }
        center.serve_ready();
        Dispatched::Taken
    }

    /// A command that may wait: alone on its connection until it is answered.
    fn place_waiting(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        call: &Call<'_>,
        waits: Waits,
        key: Option<KeyHash>,
        muted: bool,
    ) -> Dispatched {
        if !self.is_drained() {
            return Dispatched::Held(Hold::Drain);
        }
        if let Err(error) = (waits.until)(call.args, call.now) {
            let mut encoded = Vec::new();
            error.write(&mut Reply::new(&mut encoded, call.protocol));
            center.count(call.command, 0, Some(&encoded));
            self.reply_with(muted, |reply| reply.raw(&encoded));
            return Dispatched::Taken;
        }
        let taken = self.place_keys(at, center, call, key, muted);
        if !self.slots.is_empty() {
            self.waits_at = Some(key.map_or(center.id, |key| key.shard));
        }
        taken
    }

    pub(super) fn open_slot(&mut self, center: &Center, call: &Call<'_>, muted: bool) -> u32 {
        let slot = self.first_slot.wrapping_add(self.slots.len() as u32);
        self.slots.push_back(Slot {
            posted: center.clock.raw(),
            command: call.command.id,
            state: SlotState::Awaited,
            muted,
        });
        slot
    }

    pub(super) fn refuse(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        command: &Command,
        text: &str,
        muted: bool,
    ) {
        center.metrics.record_rejected(command.id);
        if matches!(command.spec.place, Place::Transaction(Step::Exec)) {
            // Whatever is wrong with EXEC ends the transaction, and what was watched for it.
            self.leave_transaction(at, center);
            let reason = text.strip_prefix("ERR ").unwrap_or(text);
            let text = format!("EXECABORT Transaction discarded because of: {reason}");
            return self.refuse_text(at, center, text.as_bytes(), muted);
        }
        self.refuse_text(at, center, text.as_bytes(), muted);
    }

    fn refuse_text(&mut self, at: ConnectionId, center: &mut Center, text: &[u8], muted: bool) {
        self.abort_transaction();
        center.count_error(text);
        self.reply_with(muted, |reply| reply.error_bytes(text));
        if let Some(session) = center.clients.get_mut(at)
            && session.reply_mode == ReplyMode::SkipNext
        {
            session.reply_mode = ReplyMode::On;
        }
    }

    fn refuse_unknown(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        args: Args<'_>,
        found: Lookup,
        muted: bool,
    ) {
        match found {
            Lookup::Found(command) | Lookup::Bare(command) => {
                let text = CommandError::arity_text(&command.full_name);
                self.refuse(at, center, command, &text, muted);
            }
            Lookup::Unknown if is_http(args) => {
                // A browser was made to talk to us: what follows may be its user's headers, not commands.
                center.clients.close(at, Intent::CloseNow);
            }
            Lookup::Unknown => {
                let text = CommandError::unknown_text(args);
                self.refuse_text(at, center, &text, muted);
            }
            Lookup::UnknownSubcommand(command) => {
                let text = CommandError::unknown_subcommand_text(command.spec.name, args.at(1));
                self.refuse_text(at, center, &text, muted);
            }
        }
    }
}

/// Whether a command on this shard has to wait for a lock.
fn meets_lock(center: &Center, call: &Call<'_>) -> bool {
    let keys = call.command.spec.keys;
    let owners = center.owners;
    let args = call.args;
    center.locks.conflicts(keys.indexes(args).map(|index| owners.hash(args.at(index))), call.writes())
}

/// Whether a command on this shard has to wait, for a lock or for a key that is kept for somebody.
#[inline]
pub(super) fn must_wait(center: &Center, call: &Call<'_>) -> bool {
    (!center.locks.is_empty() && meets_lock(center, call))
        || (!center.waiting.keeps_none() && meets_kept(center, call))
}

fn meets_kept(center: &Center, call: &Call<'_>) -> bool {
    let hashes = call.command.spec.keys.indexes(call.args).map(|at| center.owners.hash(call.args.at(at)));
    center.waiting.keeps(hashes)
}

/// Puts a command into this shard's line of locks, or behind a kept key.
pub(super) fn park(center: &mut Center, from: Remote, slot: u32, call: &Call<'_>) {
    center.metrics.counters.commands_parked += 1;
    let parked = Parked { from, slot, share: call.to_share(), gone: false };
    if !center.waiting.keeps_none() && meets_kept(center, call) {
        return center.queue_behind_kept(parked);
    }
    let keys = call.command.spec.keys;
    let hashes = keys.indexes(call.args).map(|index| center.owners.hash(call.args.at(index))).collect();
    center.locks.park(hashes, call.writes(), Work::Parked(parked));
}

/// Shows a command to every client that watches.
pub(super) fn feed_monitors(at: ConnectionId, center: &mut Center, call: &Call<'_>) {
    if center.clients.monitors.is_empty()
        || call.command.spec.flags.has(Flags::SKIP_MONITOR)
        || call.command.spec.flags.has(Flags::ADMIN)
    {
        return;
    }
    let Some(session) = center.clients.get(at) else { return };
    let line = crate::command::monitor::monitor_line(call.now, session, call.args);
    for index in 0..center.clients.monitors.len() {
        let to = center.clients.monitors[index].at;
        let (connection, bytes) = (to.connection, line.clone());
        if to.core == center.id {
            center.local.push_back(crate::coordinator::center::Local::Push { connection, bytes });
        } else {
            center.outboxes.post_control(to.core, Control::Push { connection, bytes });
        }
    }
}

/// Whether a split command has whole steps only (MSET with an odd number of words has not).
pub(super) fn fits_step(call: &Call<'_>) -> bool {
    !matches!(call.command.spec.place, Place::Split(..))
        || (call.args.len() - 1).is_multiple_of(call.command.spec.keys.step.max(1) as usize)
}

/// The words a browser sends first; Redis hangs up on these two as well.
fn is_http(args: Args<'_>) -> bool {
    args.is(0, "post") || args.is(0, "host:")
}
