//! One core's loop: what arrived, what it leads to, what goes out, and how to sleep.
//!
//! A turn collects completions and mail, feeds the service, lets ready connections run for a time slice,
//! and then flushes: at most one send per connection, one batch and one wake per peer. All of it goes to
//! the kernel with the next turn's single `io_uring_enter`, which also brings the next completions.
//!
//! With nothing to do a core that has peers first looks out for more for some microseconds, if that has been
//! worth it lately (`lookout`), and offers its CPU to others meanwhile. Then it sleeps inside its own ring, a
//! millisecond at most, because that is one system call to go and none to come back. After a few milliseconds
//! of silence it sleeps through glommio instead, which takes about six but needs no time limit: an idle server
//! costs nothing. Before either it raises its sleeping flag and looks at its mail once more (see `runtime::link`).
//!
//! Not here: what bytes mean (`engine`), how a request reaches the kernel (`runtime::ring`).

use crate::base::clock::{Clock, Now};
use crate::base::ids::{ClientId, ShardId};
use crate::net::connection::{Connections, Verdict};
use crate::net::listener::{Listener, address_of};
use crate::net::service::{Address, Request, Service};
use crate::runtime::executor::Bed;
use crate::runtime::link::Mesh;
use crate::runtime::ring::{Event, Slot, SocketRing, Wait};
use crate::runtime::roster::Roster;
use crate::runtime::signal::EventFd;
use crate::server::lookout::{DISPLACED_NS, Lookout, Outcome};
use socket2::SockRef;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// What one core hands to another, or the supervisor to all.
#[derive(Debug)]
pub enum Post {
    /// A connection that was accepted elsewhere and is yours.
    Arrival {
        /// The connected socket.
        socket: OwnedFd,
        /// Its client's number.
        id: ClientId,
        /// Both its ends.
        address: Address,
    },
    /// Keepalive of connections to come, for whoever accepts them.
    TcpKeepalive(u32),
    /// Stop accepting and reading, send what is to be sent, and end.
    Shutdown {
        /// When it was asked for, on the monotonic clock: a core that was busy then has less time left.
        asked_ns: u64,
    },
}

/// What a core tells the supervisor.
pub trait Supervisor {
    /// A service has asked for something that is not its own core's business.
    fn request(&self, request: Request);
}

/// After this long without work the core sleeps through glommio. Short of it, a millisecond at a time in
/// its own ring: a client that pauses for less than this is answered one system call sooner.
const SETTLE_NS: u64 = 4_000_000;

/// Longest sleep inside the ring.
const DOZE: Duration = Duration::from_millis(1);

/// Sleep while a link is full, for the peer does not wake us when it has room again; and while output is corked.
const DOZE_SHORT: Duration = Duration::from_micros(100);

/// How long a core looks out for more work before it sleeps. A wake costs tens of microseconds in a virtual
/// machine, whose idle CPUs are halted; and a core that one client asks for every other of its keys sees
/// nothing for two of that client's round trips, or four.
const SPIN_NS: u64 = 100_000;

/// Looks at shared memory between two offers of the CPU to others.
const LOOKS: usize = 32;

/// Longest sleep in bed before a core looks around by itself. A wake passes through the ring, an eventfd
/// and glommio's own rings. Two ways for it to be lost were found and closed (a bell that the ring still polls,
/// see `sleep`; glommio's preemption timer, see `runtime::executor`): should there be a third, it is a pause and
/// not a hang. Each look costs 160 us, on a busy machine up to 300: one a second is 0.02 to 0.03 % of a CPU.
const NAP: Duration = Duration::from_secs(1);

/// Spinning is for cores in full flight: only within this long of the last work.
const SPIN_RECENT_NS: u64 = 1_000_000;

/// Upkeep while awake.
const CRON_NS: u64 = 100_000_000;

/// How long accepting rests after it failed for want of files or memory.
const ACCEPT_REST_NS: u64 = 100_000_000;

/// Time between two lines of the same complaint in the log.
const COMPLAIN_NS: u64 = 1_000_000_000;

/// How long connections may take to be told everything at the end.
const FLUSH_NS: u64 = 1_000_000_000;

const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";

/// What a core's loop is made of.
pub struct Parts<S: Service> {
    /// Which core this is.
    pub me: ShardId,
    /// Its engine.
    pub service: S,
    /// Its ring, which its doorbell wakes.
    pub ring: SocketRing,
    /// Its links.
    pub mesh: Mesh<S::Batch>,
    /// Everybody's connections.
    pub roster: Arc<Roster<Post>>,
    /// Where this core accepts.
    pub listeners: Vec<Listener>,
    /// Whom to ask what no core decides.
    pub supervisor: Arc<dyn Supervisor + Send + Sync>,
}

/// One core's loop.
pub struct Driver<S: Service> {
    parts: Parts<S>,
    connections: Connections,
    clock: Clock,
    now: Now,
    bed: Bed,
    bed_bell: Arc<EventFd>,
    last_work_ns: u64,
    last_cron_ns: u64,
    // When the service wants to be woken, and when the ring's timer is over.
    wake_at_ns: Option<u64>,
    timer_at_ns: u64,
    accept_again: Vec<(usize, u64)>,
    last_complaint_ns: Option<u64>,
    link_is_full: bool,
    lookout: Lookout,
    ending: Option<Ending>,
}

#[derive(Clone, Copy, Debug)]
struct Ending {
    until_ns: u64,
    quiet: bool,
}

impl<S: Service> Driver<S> {
    /// On the core's own executor. The error is glommio's or the kernel's, in words.
    pub fn new(mut parts: Parts<S>) -> Result<Self, String> {
        let bed_bell = parts.mesh.doorbell().bed_bell().clone();
        let bed = Bed::new(bed_bell.clone())?;
        for listener in &parts.listeners {
            let socket = listener.try_clone().map_err(|error| error.to_string())?.socket;
            parts.ring.listen(socket);
        }
        let clock = Clock::real();
        let now = clock.now();
        Ok(Driver {
            parts,
            connections: Connections::default(),
            clock,
            now,
            bed,
            bed_bell,
            last_work_ns: now.mono_ns,
            last_cron_ns: now.mono_ns,
            wake_at_ns: None,
            timer_at_ns: 0,
            accept_again: Vec::new(),
            last_complaint_ns: None,
            link_is_full: false,
            lookout: Lookout::default(),
            ending: None,
        })
    }

    /// Serves until the end, and says what is left.
    pub async fn run(mut self) -> S::Report {
        let mut more = false;
        loop {
            if self.parts.ring.has_work() {
                self.enter(Wait::No);
            } else if !more {
                self.rest().await;
            }
            more = self.turn();
            if self.ending.is_some() && self.is_over() {
                break;
            }
        }
        self.hang_up_all();
        self.parts.service.into_report()
    }

    fn enter(&mut self, wait: Wait) {
        if let Err(error) = self.parts.ring.enter(wait) {
            self.complain(&format!("io_uring_enter: {error}"));
        }
    }

    // Everything between two visits to the kernel. True: there is more to do at once.
    fn turn(&mut self) -> bool {
        self.now = self.clock.now();
        self.parts.service.begin_turn(self.now);
        let mut worked = self.take_events();
        worked |= self.take_mail();
        worked |= self.take_posts();
        self.accept_again_if_due();
        let more = self.parts.service.run_ready();
        if self.cron_is_due() {
            self.last_cron_ns = self.now.mono_ns;
            self.wake_at_ns = None;
            self.parts.service.on_cron();
            self.connections.cool_down(&mut self.parts.service, &self.parts.ring, false);
        }
        self.flush();
        if worked || more {
            self.last_work_ns = self.now.mono_ns;
        }
        more
    }

    fn take_events(&mut self) -> bool {
        let mut worked = false;
        let Parts { service, ring, .. } = &mut self.parts;
        ring.peek_received(|slot, bytes| {
            if let Some(connection) = self.connections.get_mut(slot) {
                service.preview(connection.id, bytes);
            }
        });
        service.preview_ends();
        loop {
            let Parts { service, ring, .. } = &mut self.parts;
            let Some(event) = ring.next_event() else { return worked };
            worked = true;
            match event {
                Event::Received(slot, bytes) => {
                    self.connections.warm_up(slot, service);
                    if let Some(connection) = self.connections.get_mut(slot) {
                        service.on_bytes(connection.id, bytes);
                    }
                }
                Event::Sent(slot, bytes, buffer) => {
                    if let Some(connection) = self.connections.get_mut(slot) {
                        service.on_sent(connection.id, bytes);
                    }
                    if let Some(buffer) = buffer {
                        self.connections.sent_all(slot, buffer, service);
                        self.attend(slot);
                    }
                }
                Event::Ended(slot) => {
                    if let Some(connection) = self.connections.get_mut(slot) {
                        connection.ended = true;
                    }
                    self.attend(slot);
                }
                Event::Failed(slot, _) => self.hang_up(slot),
                Event::Accepted(listener, socket) => self.on_accepted(listener, socket),
                Event::AcceptFailed(listener, errno) => {
                    self.accept_again.push((listener, self.now.mono_ns + ACCEPT_REST_NS));
                    let error = std::io::Error::from_raw_os_error(errno);
                    self.complain(&format!("cannot accept connections for now: {error}"));
                }
                Event::Rung => {}
            }
        }
    }

    fn take_mail(&mut self) -> bool {
        let mut worked = false;
        let Parts { service, mesh, .. } = &mut self.parts;
        for (peer, receiver) in mesh.receivers.iter().enumerate() {
            let Some(receiver) = receiver else { continue };
            let peer = ShardId(peer as u16);
            while service.wants_mail(peer)
                && let Some(batch) = receiver.pop()
            {
                worked = true;
                service.on_mail(peer, batch);
            }
        }
        worked
    }

    fn take_posts(&mut self) -> bool {
        let me = self.parts.me.index();
        let mut worked = false;
        while self.parts.roster.has_posted(me) {
            let Some(post) = self.parts.roster.take(me) else { break };
            worked = true;
            match post {
                Post::Arrival { socket, id, address } => self.adopt(socket, id, address),
                Post::TcpKeepalive(seconds) => {
                    for listener in &self.parts.listeners {
                        listener.set_keepalive(seconds);
                    }
                }
                Post::Shutdown { asked_ns } => self.begin_ending(asked_ns),
            }
        }
        worked
    }

    fn on_accepted(&mut self, listener: usize, socket: OwnedFd) {
        if self.ending.is_some() {
            return;
        }
        // A peer that is gone already has no name any more.
        let Ok(address) = address_of(&socket, &self.parts.listeners[listener].at) else { return };
        if address.loopback && !address.unix {
            // No path, no congestion: what is there to control costs time for nothing, where it is BBR with its pacing
            // most of all. Reno is in every kernel; where it may not be chosen, nothing is lost.
            let _ = SockRef::from(&socket).set_tcp_congestion(b"reno");
        }
        let Some(core) = self.parts.roster.deal() else {
            // Best effort, as in Redis: the line fits any socket's buffer, unless the peer is gone.
            let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            let _ = SockRef::from(&socket).send_with_flags(TOO_MANY, flags);
            self.parts.service.on_refused();
            return;
        };
        let id = ClientId(self.parts.roster.next_client());
        if core == self.parts.me.index() {
            self.adopt(socket, id, address);
        } else {
            self.parts.roster.post(core, Post::Arrival { socket, id, address });
        }
    }

    fn adopt(&mut self, socket: OwnedFd, id: ClientId, address: Address) {
        let me = self.parts.me.index();
        if self.ending.is_some() {
            self.parts.roster.leave(me);
            return;
        }
        match self.parts.ring.adopt(&socket) {
            Ok(slot) => {
                let connection = self.parts.service.connect(id, address);
                self.connections.insert(slot, connection);
                self.attend(slot);
            }
            Err(error) => {
                self.parts.roster.leave(me);
                self.complain(&format!("cannot take a connection in: {error}"));
            }
        }
    }

    fn accept_again_if_due(&mut self) {
        let now_ns = self.now.mono_ns;
        let Parts { ring, .. } = &mut self.parts;
        self.accept_again.retain(|&(listener, at_ns)| {
            let due = now_ns >= at_ns;
            if due {
                ring.accept(listener);
            }
            !due
        });
    }

    fn cron_is_due(&self) -> bool {
        let now_ns = self.now.mono_ns;
        now_ns - self.last_cron_ns >= CRON_NS || self.wake_at_ns.is_some_and(|at_ns| now_ns >= at_ns)
    }

    fn flush(&mut self) {
        while let Some(id) = self.parts.service.next_dirty() {
            if let Some(slot) = self.connections.slot_of(id) {
                self.attend(slot);
            }
        }
        for slot in self.connections.take_watched() {
            self.attend(slot);
        }
        self.link_is_full = false;
        let Parts { service, mesh, .. } = &mut self.parts;
        for (peer, sender) in mesh.senders.iter().enumerate() {
            let Some(sender) = sender else { continue };
            if !sender.has_room() {
                self.link_is_full = true;
                continue;
            }
            if let Some(batch) = service.take_mail(ShardId(peer as u16)) {
                let pushed = sender.push(batch).is_ok();
                debug_assert!(pushed, "only we fill this link, and there was room");
                mesh.wake(peer);
            }
        }
        while let Some(request) = self.parts.service.take_request() {
            self.parts.supervisor.request(request);
        }
    }

    fn attend(&mut self, slot: Slot) {
        let Parts { service, ring, .. } = &mut self.parts;
        if self.connections.attend(slot, service, ring) == Verdict::Goes {
            self.hang_up(slot);
        }
    }

    fn hang_up(&mut self, slot: Slot) {
        if let Some(id) = self.connections.remove(slot) {
            self.parts.ring.close(slot);
            self.parts.service.on_hangup(id);
            self.parts.roster.leave(self.parts.me.index());
        }
    }

    fn hang_up_all(&mut self) {
        let slots: Vec<Slot> = self.connections.slots().collect();
        for slot in slots {
            self.hang_up(slot);
        }
        // What another core dealt to us in the last moment.
        while let Some(post) = self.parts.roster.take(self.parts.me.index()) {
            if let Post::Arrival { .. } = post {
                self.parts.roster.leave(self.parts.me.index());
            }
        }
    }

    fn begin_ending(&mut self, asked_ns: u64) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(Ending { until_ns: asked_ns + FLUSH_NS, quiet: false });
        self.accept_again.clear();
        self.parts.ring.stop_accepting();
        // From here on every connection is one whose peer has sent its last byte: it gets its answers.
        let slots: Vec<Slot> = self.connections.slots().collect();
        for slot in slots {
            if let Some(connection) = self.connections.get_mut(slot) {
                connection.ended = true;
            }
            self.attend(slot);
        }
    }

    // Quiet cores go on serving their peers until all are quiet: their last answers may need them.
    fn is_over(&mut self) -> bool {
        let Some(ending) = &mut self.ending else { return false };
        if self.connections.is_empty() && !ending.quiet {
            ending.quiet = true;
            self.parts.roster.fall_quiet();
        }
        (ending.quiet && self.parts.roster.all_quiet()) || self.now.mono_ns >= ending.until_ns
    }

    // Nothing to do: looks out a little, then sleeps, in the ring or through glommio.
    async fn rest(&mut self) {
        let now_ns = self.clock.now().mono_ns;
        let idle_ns = now_ns - self.last_work_ns;
        // A core alone waits for clients only, and they cost less CPU time when it sleeps: with redis-benchmark at
        // depth 1 0.9 of redis-server's, and 1.1 to 1.3 when it looks out.
        let has_peers = self.parts.roster.cores() > 1;
        if has_peers && idle_ns < SPIN_RECENT_NS && self.lookout.is_worth_it(now_ns) {
            let outcome = self.spin();
            self.lookout.note(outcome, now_ns);
            if outcome == Outcome::Seen {
                return;
            }
        }
        let until_ns = self.next_deadline_ns(now_ns);
        if idle_ns < SETTLE_NS
            || self.link_is_full
            || self.parts.service.has_corked()
            || self.ending.is_some()
        {
            self.doze(until_ns, now_ns);
        } else if let Err(error) = self.sleep(until_ns, now_ns).await {
            self.complain(&format!("cannot sleep: {error}"));
            self.doze(until_ns, now_ns);
        }
        self.parts.mesh.doorbell().get_up();
    }

    // Whether a peer or an acceptor has something for us; asked after the sleeping flag is up.
    fn is_wanted(&self) -> bool {
        self.parts.mesh.has_mail() || self.parts.roster.has_posted(self.parts.me.index())
    }

    fn doze(&mut self, until_ns: Option<u64>, now_ns: u64) {
        let short = self.link_is_full || self.parts.service.has_corked();
        let most = if short { DOZE_SHORT } else { DOZE };
        let left = until_ns.map_or(most, |at_ns| Duration::from_nanos(at_ns.saturating_sub(now_ns)));
        self.parts.ring.heed_bell(true);
        self.parts.mesh.doorbell().doze();
        if !self.is_wanted() {
            self.enter(Wait::AtMost(left.min(most)));
        }
    }

    // Until something comes or the deadline is over; leaves the events to take.
    async fn sleep(&mut self, until_ns: Option<u64>, now_ns: u64) -> Result<(), String> {
        if self.parts.ring.watches_bell() {
            // A peer that was stopped on its way to that bell may ring it while we sleep: nobody must hear it
            // then. We come back as soon as the kernel has let go of it.
            self.parts.ring.heed_bell(false);
            return Ok(());
        }
        self.connections.cool_down(&mut self.parts.service, &self.parts.ring, true);
        if let Some(until_ns) = until_ns {
            // A timer that is over sooner, or a little later, will do: wishes count in milliseconds.
            if !self.parts.ring.timer_is_set() || self.timer_at_ns > until_ns.saturating_add(1_000_000) {
                self.timer_at_ns = until_ns;
                self.parts.ring.set_timer(Duration::from_nanos(until_ns.saturating_sub(now_ns)));
            }
        }
        self.bed_bell.clear();
        self.parts.ring.tell(&self.bed_bell).map_err(|error| error.to_string())?;
        self.parts.mesh.doorbell().fall_asleep();
        // Runs what the kernel has put off until now; from here on it rings the bed's bell.
        self.enter(Wait::No);
        let awake = self.parts.ring.has_work() || self.is_wanted();
        let slept = if awake { Ok(()) } else { self.bed.sleep(NAP).await };
        self.parts.mesh.doorbell().get_up();
        let untold = self.parts.ring.tell_nobody().map_err(|error| error.to_string());
        if !self.parts.ring.has_collected() {
            self.enter(Wait::No);
        }
        slept.and(untold)
    }

    fn next_deadline_ns(&mut self, now_ns: u64) -> Option<u64> {
        self.wake_at_ns = self.parts.service.next_wake_ns().map(|ns| now_ns.saturating_add(ns));
        let accept = self.accept_again.iter().map(|&(_, at_ns)| at_ns);
        accept.chain(self.wake_at_ns).min()
    }

    // Looks out for more work. Whoever else wants this CPU gets it meanwhile: the load, or a peer whose answer
    // we are looking out for.
    fn spin(&mut self) -> Outcome {
        let start = self.clock.raw();
        loop {
            for _ in 0..LOOKS {
                if self.parts.mesh.has_mail() || self.parts.ring.has_work() {
                    return Outcome::Seen;
                }
                std::hint::spin_loop();
            }
            let offered = self.clock.raw();
            if self.clock.elapsed_ns(start, offered) >= SPIN_NS {
                return Outcome::Vain;
            }
            std::thread::yield_now();
            if self.clock.elapsed_ns(offered, self.clock.raw()) >= DISPLACED_NS {
                return Outcome::Displaced;
            }
        }
    }

    fn complain(&mut self, what: &str) {
        let now_ns = self.now.mono_ns;
        if self.last_complaint_ns.is_none_or(|last| now_ns - last >= COMPLAIN_NS) {
            self.last_complaint_ns = Some(now_ns);
            tracing::warn!("core {}: {what}", self.parts.me.0);
        }
    }
}
