//! All that one core owns, as a value: bytes and batches in, bytes and batches out, time handed in.
//!
//! The driver (`server::driver`) moves the bytes; the simulator (`testing::sim`) runs several engines in
//! one thread. Neither is known here. No IO, no clock but the one given, nothing async.

use crate::base::clock::{Clock, Now};
use crate::base::ids::{ClientId, ConnectionId, NumberMap, ShardId};
use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::command::core::{AdminRequest, Identity};
use crate::command::table::Table;
use crate::config::Options;
use crate::coordinator::frames::Frames;
use crate::coordinator::preview::Preview;
use crate::coordinator::waiting::Waiting;
use crate::coordinator::{Center, Connection, Group, Hold, Local};
use crate::mesh::locks::Locks;
use crate::mesh::message::{Batch, Control, End};
use crate::mesh::outbox::Outboxes;
use crate::metrics::Metrics;
use crate::metrics::slowlog::SlowLog;
use crate::session::{Address, Clients, Intent, Pause, Remote, Session, Unblock};
use crate::shard::Shard;
use std::collections::VecDeque;

mod cork;
mod mail;
mod upkeep;

/// What an engine is made from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Which core.
    pub id: ShardId,
    /// Who owns a key: the same on every core.
    pub owners: Owners,
    /// Options at the start.
    pub options: Options,
    /// The process.
    pub identity: Identity,
    /// Time.
    pub clock: Clock,
    /// Seed of this core's randomness.
    pub seed: u64,
}

/// One core.
#[derive(Debug)]
pub struct Engine {
    center: Center,
    connections: Vec<Option<Box<Connection>>>,
    /// Connections with input that may run.
    ready: VecDeque<ConnectionId>,
    /// Connections with output or a changed state.
    dirty: VecDeque<ConnectionId>,
    cork: cork::Cork,
    mail: mail::Mail,
    /// Connections that CLIENT PAUSE holds.
    paused: Vec<ConnectionId>,
    /// The pause when it was last looked at.
    pause: Pause,
    upkeep: upkeep::Upkeep,
}

impl Engine {
    /// An engine without keys or clients.
    pub fn new(setup: Setup) -> Self {
        let table = Table::get();
        let prng = Prng::new(setup.seed);
        let shards = setup.owners.shards();
        let mut shard = Shard::new(setup.owners);
        shard.set_stopwatch(setup.clock.stopwatch());
        let center = Center {
            id: setup.id,
            owners: setup.owners,
            now: setup.clock.now(),
            clock: setup.clock,
            shard,
            locks: Locks::default(),
            clients: Clients::default(),
            metrics: Metrics::new(table.commands().len()),
            slowlog: SlowLog::new(setup.id, usize::from(shards)),
            options: setup.options,
            prng,
            table,
            identity: setup.identity,
            requests: Vec::new(),
            outboxes: Outboxes::new(shards),
            own_mail: VecDeque::new(),
            local: VecDeque::new(),
            spanning: NumberMap::default(),
            group: Group::default(),
            execs: NumberMap::default(),
            watchings: NumberMap::default(),
            held_watches: Vec::new(),
            waiting: Waiting::default(),
            would_wait: None,
            questions: NumberMap::default(),
            next_number: 0,
            turn: 0,
            ran_ns: 0,
            frames: Frames::default(),
            preview: Preview::default(),
            scratch: Vec::new(),
            stamp: 0,
        };
        let mut engine = Engine {
            center,
            connections: Vec::new(),
            ready: VecDeque::new(),
            dirty: VecDeque::new(),
            cork: cork::Cork::default(),
            mail: mail::Mail::new(shards),
            paused: Vec::new(),
            pause: Pause::default(),
            upkeep: upkeep::Upkeep::default(),
        };
        engine.follow_options();
        engine.center.requests.clear();
        engine
    }

    /// A client has connected. Its first output may be a refusal.
    pub fn connect(&mut self, id: ClientId, address: Address) -> ConnectionId {
        let center = &mut self.center;
        let open = center.options.requirepass.is_empty();
        let refused = center.options.protected_mode && open && !address.loopback;
        let counters = &mut center.metrics.counters;
        *(if refused { &mut counters.connections_rejected } else { &mut counters.connections_received }) += 1;
        let at = center.clients.insert(Session::new(id, address, open, center.now));
        let index = at.index as usize;
        if self.connections.len() <= index {
            self.connections.resize_with(index + 1, || None);
        }
        self.connections[index] = Some(Box::default());
        if refused {
            self.refuse(at, PROTECTED);
        }
        at
    }

    /// A client has connected that is one too many.
    pub fn refuse(&mut self, at: ConnectionId, error: &str) {
        if let Some(connection) = self.connection_mut(at) {
            connection.on_push(error.as_bytes());
        }
        self.center.clients.close(at, Intent::CloseAfterOutput);
        self.settle();
    }

    /// A turn begins at `now`.
    pub fn begin_turn(&mut self, now: Now) {
        self.center.now = now;
        self.center.turn = self.center.turn.wrapping_add(1);
        while let Some(at) = self.cork.next_overdue(now.mono_ns) {
            if self.connection(at).is_some() {
                self.touch(at);
            }
        }
        self.look_at_pause();
        if self.center.waiting.is_due(now.unix_ms()) {
            self.center.recall_offers();
            self.center.end_overdue_waits();
            self.settle();
        }
    }

    /// Bytes that will come from a client in this turn: what they need may be asked of memory.
    #[inline]
    pub fn preview(&mut self, at: ConnectionId, bytes: &[u8]) {
        if let Some(session) = self.center.clients.get(at) {
            self.center.preview(session.db, bytes);
        }
    }

    /// All that will come has been shown.
    #[inline]
    pub fn preview_ends(&mut self) {
        self.center.preview_ends();
    }

    /// Bytes from a client: parses and runs what can run, keeps the rest.
    pub fn on_bytes(&mut self, at: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(at.index as usize).and_then(Option::as_deref_mut)
        else {
            return;
        };
        let now = self.center.now;
        let Some(session) = self.center.clients.get_mut(at) else { return };
        session.active_s = now.unix_s();
        self.upkeep.input_ns = now.mono_ns;
        connection.on_bytes(at, &mut self.center, bytes);
        self.touch(at);
        self.settle();
    }

    /// The kernel took this many bytes of the output handed out.
    pub fn on_sent(&mut self, at: ConnectionId, bytes: usize) {
        self.center.metrics.counters.net_output_bytes += bytes as u64;
        self.center.metrics.counters.writes_processed += 1;
        if let Some(connection) = self.connection_mut(at) {
            connection.on_sent(bytes);
            self.touch(at);
        }
    }

    /// The client is gone: forget it. What it asked others runs on; answers find nobody.
    pub fn on_hangup(&mut self, at: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(at.index as usize).and_then(Option::as_deref_mut)
            && self.center.clients.get(at).is_some()
        {
            connection.leave_transaction(at, &mut self.center);
            connection.end_wait(at, &mut self.center, End::Gone);
        }
        let Some(session) = self.center.clients.remove(at) else { return };
        self.connections[at.index as usize] = None;
        if session.monitor {
            let gone = Remote { core: self.center.id, connection: at };
            self.center.clients.monitors.retain(|monitor| monitor.at != gone);
            for peer in (0..self.center.owners.shards()).map(ShardId).filter(|&peer| peer != self.center.id) {
                self.center.outboxes.post_control(peer, Control::Unwatch(gone));
            }
        }
    }

    /// Goes on with peers' batches and with connections whose input waits, each for what is left of its slice; true:
    /// some are not through.
    pub fn run_ready(&mut self) -> bool {
        self.catch_up();
        self.resume_mail();
        for _ in 0..self.ready.len() {
            let Some(at) = self.ready.pop_front() else { break };
            let Some(connection) = self.connections.get_mut(at.index as usize).and_then(Option::as_deref_mut)
            else {
                continue;
            };
            connection.queued = false;
            if self.center.clients.get(at).is_none() {
                continue;
            }
            if connection.has_had_its_turn(&self.center) {
                connection.queued = true;
                self.ready.push_back(at);
                continue;
            }
            connection.run_input(at, &mut self.center);
            self.touch(at);
            self.settle();
        }
        !self.ready.is_empty() || !self.mail.is_empty()
    }

    /// The next connection whose output or state has changed.
    pub fn next_dirty(&mut self) -> Option<ConnectionId> {
        while let Some(at) = self.dirty.pop_front() {
            if self.center.clients.get(at).is_none() {
                continue;
            }
            let Some(connection) = self.connections[at.index as usize].as_deref_mut() else { continue };
            connection.dirty = false;
            if !self.cork.holds(at, connection, &self.center) {
                return Some(at);
            }
        }
        None
    }

    /// Whether output waits that nothing but time may set free: not for longer than
    /// [`CORK_NS`](crate::base::limits::CORK_NS).
    pub fn has_corked(&self) -> bool {
        !self.cork.is_empty()
    }

    /// Whether a connection has output to take.
    pub fn has_output(&self, at: ConnectionId) -> bool {
        self.connection(at).is_some_and(Connection::has_output)
    }

    /// A connection's output that has not been handed to the kernel: the driver takes the whole vector
    /// when it sends, and may exchange an empty one at any time.
    pub fn output(&mut self, at: ConnectionId) -> Option<&mut Vec<u8>> {
        self.connection_mut(at).map(Connection::output)
    }

    /// Whether something of a connection's input will still be answered without it doing anything. Not so where it waits
    /// for a key: a client that has hung up would be given the next element.
    pub fn is_busy(&self, at: ConnectionId) -> bool {
        let blocked = self.center.clients.get(at).is_some_and(|session| session.blocked);
        !blocked && self.connection(at).is_some_and(Connection::is_busy)
    }

    /// What should become of a connection; one that asks to close is open until it is answered.
    pub fn intent(&self, at: ConnectionId) -> Intent {
        let Some(session) = self.center.clients.get(at) else { return Intent::CloseNow };
        match session.intent {
            Intent::CloseAfterOutput if !self.connection(at).is_some_and(Connection::is_drained) => {
                Intent::Open
            }
            intent => intent,
        }
    }

    /// Whether a connection's socket should be read on.
    pub fn wants_input(&self, at: ConnectionId) -> bool {
        self.connection(at).is_some_and(|connection| connection.wants_input(at, &self.center))
    }

    /// What to put on the link to a peer.
    pub fn take_mail(&mut self, peer: ShardId) -> Option<Box<Batch>> {
        let (stamp, now) = (self.center.stamp, self.center.now);
        let batch = self.center.outboxes.take(peer, stamp, now)?;
        self.center.metrics.counters.mesh_batches_sent += 1;
        self.center.metrics.counters.mesh_requests_sent += batch.ops.len() as u64;
        Some(batch)
    }

    /// What a command asked of the process.
    pub fn take_request(&mut self) -> Option<AdminRequest> {
        self.center.requests.pop()
    }

    /// Which core this is.
    pub fn id(&self) -> ShardId {
        self.center.id
    }

    /// All that its commands share: for reports and tests.
    pub fn center(&self) -> &Center {
        &self.center
    }

    /// The same, to change.
    pub fn center_mut(&mut self) -> &mut Center {
        &mut self.center
    }

    fn connection(&self, at: ConnectionId) -> Option<&Connection> {
        self.center.clients.get(at)?;
        self.connections.get(at.index as usize)?.as_deref()
    }

    fn connection_mut(&mut self, at: ConnectionId) -> Option<&mut Connection> {
        self.center.clients.get(at)?;
        self.connections.get_mut(at.index as usize)?.as_deref_mut()
    }

    /// Gives a reply to its connection, which is returned if it is still there: to be touched.
    fn deliver(
        &mut self,
        at: ConnectionId,
        done: (u32, u64),
        reply: &[u8],
        raw_now: u64,
    ) -> Option<ConnectionId> {
        self.center.clients.get(at)?;
        let connection = self.connections[at.index as usize].as_deref_mut()?;
        connection.on_done(at, &mut self.center, done, reply, raw_now);
        Some(at)
    }

    /// Files a connection where it belongs after anything has happened to it.
    fn touch(&mut self, at: ConnectionId) {
        let Some(connection) = self.connections[at.index as usize].as_deref_mut() else { return };
        connection.settle_output();
        connection.note_sizes(at, &mut self.center);
        if connection.hold() == Hold::Pause {
            if let Some(session) = self.center.clients.get_mut(at)
                && !std::mem::replace(&mut session.paused, true)
            {
                self.paused.push(at);
            }
        } else if !connection.queued && connection.is_ready(&self.center, at) {
            connection.queued = true;
            self.ready.push_back(at);
        }
        let changed = connection.has_output()
            || !connection.wants_input(at, &self.center)
            || self.center.clients.get(at).is_some_and(|session| session.intent != Intent::Open);
        if changed && !connection.dirty {
            connection.dirty = true;
            self.dirty.push_back(at);
        }
        if connection.unsent_bytes() > 0 {
            self.mind_output_limit(at);
        }
    }

    /// What held a connection's input may be gone.
    fn lift_hold(&mut self, at: ConnectionId) {
        if let Some(session) = self.center.clients.get_mut(at) {
            session.paused = false;
        }
        if let Some(connection) = self.connection_mut(at) {
            connection.lift_hold();
            self.touch(at);
        }
    }

    /// Serves this core's mail to itself, hands out what has come for its connections, and looks at
    /// what commands have changed, until nothing is left of either.
    fn settle(&mut self) {
        loop {
            if let Some(control) = self.center.own_mail.pop_front() {
                let own = self.center.id;
                self.center.on_control(own, control);
                continue;
            }
            if let Some(local) = self.center.local.pop_front() {
                self.on_local(local);
                continue;
            }
            if let Some(at) = self.center.clients.changed.pop() {
                let unblock = self.center.clients.get_mut(at).map(|session| session.unblock.take());
                if let Some(reason) = unblock.flatten()
                    && let Some(connection) =
                        self.connections.get_mut(at.index as usize).and_then(Option::as_deref_mut)
                {
                    let end = if reason == Unblock::Error { End::Error } else { End::Timeout };
                    connection.end_wait(at, &mut self.center, end);
                }
                if unblock.is_some() {
                    self.touch(at);
                }
                continue;
            }
            self.center.serve_ready();
            if self.center.own_mail.is_empty() && self.center.local.is_empty() {
                break;
            }
        }
        for at in self.center.outboxes.take_relieved() {
            self.lift_hold(at);
        }
        self.look_at_pause();
    }

    fn on_local(&mut self, local: Local) {
        let at = match local {
            Local::Done { connection, slot, reply } => {
                let raw_now = self.center.clock.raw();
                if let Some(at) = self.deliver(connection, (slot, 0), &reply, raw_now) {
                    self.touch(at);
                }
                return;
            }
            Local::Group { connection, replies, reply } => {
                if self.center.clients.get(connection).is_some()
                    && let Some(open) = self.connections[connection.index as usize].as_deref_mut()
                {
                    open.on_group(connection, &mut self.center, &replies, &reply);
                }
                connection
            }
            Local::Answer { connection, reply } => {
                if let Some(open) = self.connection_mut(connection) {
                    open.on_answer(&reply);
                }
                if let Some(session) = self.center.clients.get_mut(connection) {
                    session.blocked = false;
                }
                connection
            }
            Local::Push { connection, bytes } => {
                if let Some(open) = self.connection_mut(connection) {
                    open.on_push(&bytes);
                }
                connection
            }
        };
        if self.center.clients.get(at).is_some() {
            self.touch(at);
        }
    }
}

/// What a client from elsewhere hears while protected mode is on and no password is set.
const PROTECTED: &str = "-DENIED Medusa runs in protected mode: no password is set and this client does not come \
from the same machine. Either set a password (`requirepass` in the configuration file, or CONFIG SET requirepass \
from the machine itself), or turn the protection off with `--protected-mode no` if every client that can reach \
the port is trusted.\r\n";
