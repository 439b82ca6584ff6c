//! The socket ring: one io_uring per core that accepts, receives and sends for all its connections.
//!
//! Why a ring of our own inside a glommio executor, and not glommio's streams: those poll and then read
//! and write with a system call each; here one `io_uring_enter` per turn submits every send and collects
//! every completion. Receiving and accepting are multishot: armed once, they report until told to stop.
//!
//! What the kernel may touch is owned here until it says it is done: send buffers are moved in and come
//! back with [`Event::Sent`], receive buffers are lent (`provided`), and the number of a closed
//! connection is not used again before its last request has completed. So a socket that dies at any
//! moment leaves nothing dangling, and a completion can never be mistaken for a successor's.
//!
//! A send that the socket takes whole reports nothing: it runs while it is submitted, so silence means success.
//! Only what the socket had no room for reports, and its rest waits in the kernel as an ordinary send.
//!
//! A connection is known by its slot, an index into the ring's table of registered files; the ordinary
//! descriptor is closed once it is in the table. Errors of one socket are events, never a panic.
//! Not here: who the connection belongs to (`net`), when to sleep (`server::driver`).

use crate::runtime::probe::{SILENT_SEND, silent_sends_report_parts};
use crate::runtime::provided::Provided;
use crate::runtime::signal::EventFd;
use io_uring::types::{CancelBuilder, Fd, Fixed, SubmitArgs, TimeoutFlags, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use std::collections::VecDeque;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// Requests one system call may carry; more wait for the next, which follows at once.
const SUBMISSIONS: u32 = 1024;

/// Completions that fit before the kernel has to set some aside.
const COMPLETIONS: u32 = 4096;

/// A table of fewer slots than this is not worth starting with.
const SLOTS_FEWEST: u32 = 32;

/// The largest piece of a send: its length is a signed 32-bit number in the completion.
const SEND_BYTES_MAX: usize = 1 << 30;

/// IORING_ENTER_GETEVENTS.
const GET_EVENTS: u32 = 1;

/// A connection of this ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(pub u32);

/// What the kernel reports.
#[derive(Debug)]
pub enum Event<'a> {
    /// A connection came in at the listener with this number.
    Accepted(usize, OwnedFd),
    /// Accepting failed with this errno and has stopped; [`SocketRing::accept`] tries again.
    AcceptFailed(usize, i32),
    /// Input.
    Received(Slot, &'a [u8]),
    /// The peer has sent its last byte.
    Ended(Slot),
    /// The kernel took this many bytes of what is being sent; with the last of them the buffer comes
    /// back, emptied.
    Sent(Slot, usize, Option<Vec<u8>>),
    /// The connection is broken, with this errno: nothing more will come or go.
    Failed(Slot, i32),
    /// Somebody rang the bell.
    Rung,
}

/// How long [`SocketRing::enter`] waits for something to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// Until there is a completion, or this long.
    AtMost(Duration),
}

/// Whether a multishot request is in the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shot {
    #[default]
    Idle,
    Armed,
    Cancelling,
}

#[derive(Debug, Default)]
struct Connection {
    receiving: Shot,
    wants_input: bool,
    closing: bool,
    // Empty while nothing is being sent.
    sending: Vec<u8>,
    sent: usize,
    // The kernel has reported on a send that would have been silent, had it been taken whole.
    told: bool,
}

#[derive(Debug)]
struct Listener {
    socket: OwnedFd,
    accepting: Shot,
    wanted: bool,
}

// What a completion belongs to: the kind in the top byte of its user data, a slot or number below.
const RECEIVE: u64 = 1 << 56;
const SEND: u64 = 2 << 56;
const CLOSE: u64 = 3 << 56;
const ACCEPT: u64 = 4 << 56;
const BELL: u64 = 5 << 56;
const TIMER: u64 = 6 << 56;
const SILENT: u64 = 7 << 56;
const KIND: u64 = 0xff << 56;

/// The ring of one core. Stays on the thread that made it.
pub struct SocketRing {
    ring: IoUring,
    provided: Provided,
    connections: Vec<Connection>,
    free: Vec<u32>,
    slots_max: u32,
    listeners: Vec<Listener>,
    bell: Arc<EventFd>,
    bell_poll: Shot,
    heeds_bell: bool,
    timer: Box<Timespec>,
    timer_number: u64,
    timer_armed: bool,
    // Requests that did not fit the submission queue, in order.
    backlog: VecDeque<squeue::Entry>,
    // Requests that will still report; for `Drop`.
    under_way: usize,
    completions: Vec<(u64, i32, u32)>,
    next: usize,
    // Whether the kernel can be relied on to speak up about a silent send that it took a part of.
    silence: bool,
    // Silent sends that are on their way to the kernel, and those that it has taken whole since.
    silent: Vec<Slot>,
    taken: Vec<Slot>,
    lent: Option<u16>,
    stays: PhantomData<*const ()>,
}

impl std::fmt::Debug for SocketRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SocketRing")
            .field("slots", &self.connections.len())
            .field("free", &self.free.len())
            .field("under_way", &self.under_way)
            .finish_non_exhaustive()
    }
}

impl SocketRing {
    /// A ring for at most `slots_max` connections, which `bell` wakes. The kernel refuses a table larger
    /// than the limit of open files: then it is as large as the limit allows, to a factor of two.
    pub fn new(mut slots_max: u32, bell: Arc<EventFd>) -> io::Result<Self> {
        let ring = build()?;
        while let Err(error) = ring.submitter().register_files_sparse(slots_max) {
            if error.raw_os_error() != Some(libc::EMFILE) || slots_max <= SLOTS_FEWEST {
                return Err(error);
            }
            slots_max /= 2;
        }
        let provided = Provided::register(&ring.submitter())?;
        let mut ring = SocketRing {
            ring,
            provided,
            connections: Vec::new(),
            free: Vec::new(),
            slots_max,
            listeners: Vec::new(),
            bell,
            bell_poll: Shot::Idle,
            heeds_bell: false,
            timer: Box::new(Timespec::new()),
            timer_number: 0,
            timer_armed: false,
            backlog: VecDeque::new(),
            under_way: 0,
            completions: Vec::with_capacity(256),
            next: 0,
            silence: silent_sends_report_parts(),
            silent: Vec::new(),
            taken: Vec::new(),
            lent: None,
            stays: PhantomData,
        };
        ring.heed_bell(true);
        Ok(ring)
    }

    /// Starts accepting at a listening socket, which the ring keeps; its number in events is the count of those before it.
    pub fn listen(&mut self, socket: OwnedFd) -> usize {
        self.listeners.push(Listener { socket, accepting: Shot::Idle, wanted: false });
        let number = self.listeners.len() - 1;
        self.accept(number);
        number
    }

    /// Accepts (again) at a listener.
    pub fn accept(&mut self, number: usize) {
        let listener = &mut self.listeners[number];
        listener.wanted = true;
        if listener.accepting != Shot::Idle {
            return;
        }
        listener.accepting = Shot::Armed;
        let accept = opcode::AcceptMulti::new(Fd(listener.socket.as_raw_fd())).flags(libc::SOCK_CLOEXEC);
        self.push(accept.build().user_data(ACCEPT | number as u64));
    }

    /// Stops accepting everywhere. What the kernel has accepted already is still reported.
    pub fn stop_accepting(&mut self) {
        for number in 0..self.listeners.len() {
            let listener = &mut self.listeners[number];
            listener.wanted = false;
            if listener.accepting == Shot::Armed {
                listener.accepting = Shot::Cancelling;
                self.cancel(ACCEPT | number as u64);
            }
        }
    }

    /// Takes a connected socket in. It is not read before [`SocketRing::set_wants_input`] says so. The
    /// descriptor is closed: from now on the socket lives in the ring's table alone.
    pub fn adopt(&mut self, socket: &OwnedFd) -> io::Result<Slot> {
        let slot = match self.free.last() {
            Some(&slot) => slot,
            None if (self.connections.len() as u32) < self.slots_max => self.connections.len() as u32,
            None => return Err(io::Error::from_raw_os_error(libc::ENFILE)),
        };
        self.ring.submitter().register_files_update(slot, &[socket.as_raw_fd()])?;
        if self.free.pop().is_none() {
            self.connections.push(Connection::default());
        }
        Ok(Slot(slot))
    }

    /// Whether the connection is read. Input that the kernel has handed over already still comes after
    /// `false`: at most what fits the lent buffers.
    pub fn set_wants_input(&mut self, slot: Slot, wants: bool) {
        let connection = &mut self.connections[slot.0 as usize];
        connection.wants_input = wants && !connection.closing;
        match (connection.wants_input, connection.receiving) {
            (true, Shot::Idle) => self.receive(slot),
            (false, Shot::Armed) => {
                connection.receiving = Shot::Cancelling;
                self.cancel(RECEIVE | u64::from(slot.0));
            }
            _ => {}
        }
    }

    /// Whether a send is under way.
    pub fn is_sending(&self, slot: Slot) -> bool {
        !self.connections[slot.0 as usize].sending.is_empty()
    }

    /// Sends all of `bytes`, which may not be empty. One send at a time and connection.
    pub fn send(&mut self, slot: Slot, bytes: Vec<u8>) {
        let connection = &mut self.connections[slot.0 as usize];
        assert!(!bytes.is_empty());
        assert!(connection.sending.is_empty());
        assert!(!connection.closing);
        connection.sending = bytes;
        connection.sent = 0;
        connection.told = false;
        if self.silence {
            let send = self.send_entry(slot, SILENT_SEND).flags(squeue::Flags::SKIP_SUCCESS);
            self.silent.push(slot);
            self.push(send);
        } else {
            self.send_rest(slot);
        }
    }

    /// Forgets the connection: no event of it follows, what was being sent is dropped, and the socket
    /// is closed as soon as the kernel lets go of it.
    pub fn close(&mut self, slot: Slot) {
        let connection = &mut self.connections[slot.0 as usize];
        assert!(!connection.closing);
        connection.closing = true;
        connection.wants_input = false;
        let sending = !connection.sending.is_empty();
        if connection.receiving == Shot::Armed {
            connection.receiving = Shot::Cancelling;
            self.cancel(RECEIVE | u64::from(slot.0));
        }
        if sending {
            self.cancel(SEND | u64::from(slot.0));
        }
        self.close_if_let_go(slot);
    }

    /// Connections in the table, those included that are being closed.
    pub fn len(&self) -> usize {
        self.connections.len() - self.free.len()
    }

    /// Whether there is no connection.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reports nothing, but ends a wait (and rings the bed's bell) after `after` at the latest. A later
    /// call replaces an earlier one.
    pub fn set_timer(&mut self, after: Duration) {
        if self.timer_armed {
            self.push(opcode::TimeoutRemove::new(TIMER | self.timer_number).build().user_data(SILENT));
        }
        self.timer_number = (self.timer_number + 1) & !KIND;
        self.timer_armed = true;
        *self.timer = Timespec::from(after);
        let timeout = opcode::Timeout::new(&*self.timer).flags(TimeoutFlags::empty()).build();
        self.push(timeout.user_data(TIMER | self.timer_number));
    }

    /// Whether the timer has been set and is not over yet.
    pub fn timer_is_set(&self) -> bool {
        self.timer_armed
    }

    /// Whether the bell ends a wait, as it does at first. To be turned off, and [`Self::watches_bell`] to be
    /// false, before [`Self::tell`]: the kernel does not signal one eventfd from inside the wake of another
    /// but puts that off, for seconds under load, and until then no completion is told at all.
    pub fn heed_bell(&mut self, heeds: bool) {
        self.heeds_bell = heeds;
        match (heeds, self.bell_poll) {
            (true, Shot::Idle) => self.poll_bell(),
            (false, Shot::Armed) => {
                self.bell_poll = Shot::Cancelling;
                self.cancel(BELL);
            }
            _ => {}
        }
    }

    /// Whether the kernel still watches the bell.
    pub fn watches_bell(&self) -> bool {
        self.bell_poll != Shot::Idle
    }

    /// From now on every completion also rings `bell`: for sleeping anywhere but in [`Self::enter`].
    pub fn tell(&mut self, bell: &EventFd) -> io::Result<()> {
        self.ring.submitter().register_eventfd(bell.as_raw_fd())
    }

    /// Ends what [`Self::tell`] began.
    pub fn tell_nobody(&mut self) -> io::Result<()> {
        self.ring.submitter().unregister_eventfd()
    }

    /// Whether entering would submit or collect anything: a look at shared memory, no system call.
    pub fn has_work(&mut self) -> bool {
        if !self.backlog.is_empty() || self.has_collected() {
            return true;
        }
        let submission = self.ring.submission();
        let waits = !submission.is_empty() || submission.taskrun() || submission.cq_overflow();
        drop(submission);
        waits || !self.ring.completion().is_empty()
    }

    /// Shows the input that events still to be taken will bring, in their order.
    #[inline]
    pub fn peek_received(&self, mut show: impl FnMut(Slot, &[u8])) {
        for &(user_data, result, flags) in &self.completions[self.next..] {
            if user_data & KIND == RECEIVE
                && result > 0
                && let Some(buffer) = cqueue::buffer_select(flags)
            {
                let slot = Slot((user_data & !KIND) as u32);
                show(slot, self.provided.bytes(buffer, result as usize));
            }
        }
    }

    /// Whether events wait to be taken.
    pub fn has_collected(&self) -> bool {
        self.next < self.completions.len() || !self.taken.is_empty()
    }

    /// Submits all requests and collects completions, in one system call. All events have to be taken
    /// before. An error is the ring's own, not a connection's, and may pass (no memory, interrupted).
    pub fn enter(&mut self, wait: Wait) -> io::Result<()> {
        assert!(!self.has_collected(), "events are left");
        self.completions.clear();
        self.next = 0;
        self.take_back();
        self.provided.publish();
        while !self.backlog.is_empty() {
            self.fill_submissions();
            if !self.backlog.is_empty() {
                self.ring.submit()?;
            }
        }
        let submitter = self.ring.submitter();
        let entered = match wait {
            Wait::No => {
                // SAFETY: only reads the length of the queue we alone fill.
                let count = unsafe { self.ring.submission_shared() }.len() as u32;
                // SAFETY: no argument is passed; every queued request is valid, see `push`.
                unsafe { submitter.enter::<libc::sigset_t>(count, 0, GET_EVENTS, None) }
            }
            Wait::AtMost(time) => {
                submitter.submit_with_args(1, &SubmitArgs::new().timespec(&Timespec::from(time)))
            }
        };
        for completion in self.ring.completion() {
            if completion.user_data() & KIND == SEND {
                self.connections[(completion.user_data() & !KIND) as usize].told = true;
            }
            self.completions.push((completion.user_data(), completion.result(), completion.flags()));
        }
        self.settle_silent();
        match entered {
            Ok(_) => Ok(()),
            Err(error) => match error.raw_os_error() {
                Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => Ok(()),
                _ => Err(error),
            },
        }
    }

    // The kernel has run every request it was given: sends it said nothing about are through.
    #[inline]
    fn settle_silent(&mut self) {
        if self.silent.is_empty() || !self.ring.submission().is_empty() {
            return;
        }
        let SocketRing { silent, taken, connections, under_way, .. } = self;
        taken.extend(silent.drain(..).filter(|slot| !connections[slot.0 as usize].told));
        *under_way -= taken.len();
    }

    /// The next of the events that [`Self::enter`] collected.
    #[inline]
    pub fn next_event(&mut self) -> Option<Event<'_>> {
        self.take_back();
        while let Some(slot) = self.taken.pop() {
            let rest = self.connections[slot.0 as usize].sending.len().min(SEND_BYTES_MAX);
            if let Some(event) = self.on_send(slot, rest as i32) {
                return Some(event);
            }
        }
        loop {
            let &(user_data, result, flags) = self.completions.get(self.next)?;
            self.next += 1;
            if !cqueue::more(flags) {
                self.under_way -= 1;
            }
            let low = (user_data & !KIND) as usize;
            let slot = Slot(low as u32);
            match user_data & KIND {
                RECEIVE => {
                    let Some(result) = self.on_receive(slot, result, flags) else { continue };
                    return Some(match result {
                        Ok((buffer, len)) => Event::Received(slot, self.provided.bytes(buffer, len)),
                        Err(0) => Event::Ended(slot),
                        Err(errno) => Event::Failed(slot, errno),
                    });
                }
                SEND => match self.on_send(slot, result) {
                    Some(event) => return Some(event),
                    None => continue,
                },
                CLOSE => self.on_closed(slot),
                ACCEPT => match self.on_accept(low, result, flags) {
                    Some(event) => return Some(event),
                    None => continue,
                },
                BELL => {
                    if !cqueue::more(flags) {
                        self.bell_poll = Shot::Idle;
                        self.heed_bell(self.heeds_bell);
                    }
                    if result >= 0 {
                        return Some(Event::Rung);
                    }
                }
                TIMER => self.timer_armed &= low as u64 != self.timer_number,
                _ => {}
            }
        }
    }

    // `Ok`: a buffer and how much is in it; `Err(0)`: the end; `Err`: an errno. None: nothing to tell.
    #[inline]
    fn on_receive(&mut self, slot: Slot, result: i32, flags: u32) -> Option<Result<(u16, usize), i32>> {
        let buffer = cqueue::buffer_select(flags);
        self.lent = buffer;
        let connection = &mut self.connections[slot.0 as usize];
        let closing = connection.closing;
        if !cqueue::more(flags) {
            connection.receiving = Shot::Idle;
        }
        let outcome = match (result, buffer) {
            (1.., Some(buffer)) => Some(Ok((buffer, result as usize))),
            (0.., _) => Some(Err(0)),
            _ => match -result {
                libc::ENOBUFS => {
                    self.provided.ran_out();
                    None
                }
                libc::ECANCELED | libc::EINTR | libc::EAGAIN => None,
                errno => Some(Err(errno)),
            },
        };
        let connection = &mut self.connections[slot.0 as usize];
        if let Some(Err(_)) = outcome {
            connection.wants_input = false;
        }
        if connection.receiving == Shot::Idle {
            if closing {
                self.close_if_let_go(slot);
            } else if connection.wants_input {
                self.receive(slot);
            }
        }
        if closing { None } else { outcome }
    }

    fn on_send(&mut self, slot: Slot, result: i32) -> Option<Event<'static>> {
        let connection = &mut self.connections[slot.0 as usize];
        if connection.closing {
            connection.sending = Vec::new();
            self.close_if_let_go(slot);
            return None;
        }
        match result {
            1.. => {
                connection.sent += result as usize;
                if connection.sent < connection.sending.len() {
                    self.send_rest(slot);
                    return Some(Event::Sent(slot, result as usize, None));
                }
                let mut buffer = std::mem::take(&mut connection.sending);
                buffer.clear();
                Some(Event::Sent(slot, result as usize, Some(buffer)))
            }
            _ if result == -libc::EINTR || result == -libc::EAGAIN => {
                self.send_rest(slot);
                None
            }
            _ => {
                connection.sending = Vec::new();
                Some(Event::Failed(slot, if result == 0 { libc::EPIPE } else { -result }))
            }
        }
    }

    fn on_accept(&mut self, number: usize, result: i32, flags: u32) -> Option<Event<'static>> {
        let listener = &mut self.listeners[number];
        if !cqueue::more(flags) {
            listener.accepting = Shot::Idle;
        }
        if result >= 0 {
            if listener.wanted {
                self.accept(number);
            }
            // SAFETY: the kernel has just made this descriptor for us; nobody else knows of it.
            return Some(Event::Accepted(number, unsafe { OwnedFd::from_raw_fd(result) }));
        }
        match -result {
            _ if !listener.wanted => None,
            libc::ECANCELED | libc::EINTR | libc::EAGAIN | libc::ECONNABORTED | libc::EPROTO => {
                self.accept(number);
                None
            }
            errno => {
                listener.wanted = false;
                Some(Event::AcceptFailed(number, errno))
            }
        }
    }

    fn on_closed(&mut self, slot: Slot) {
        self.connections[slot.0 as usize] = Connection::default();
        self.free.push(slot.0);
    }

    fn receive(&mut self, slot: Slot) {
        self.connections[slot.0 as usize].receiving = Shot::Armed;
        let receive = opcode::RecvMulti::new(Fixed(slot.0), self.provided.group());
        self.push(receive.build().user_data(RECEIVE | u64::from(slot.0)));
    }

    fn send_rest(&mut self, slot: Slot) {
        let send = self.send_entry(slot, libc::MSG_NOSIGNAL);
        self.push(send);
    }

    #[inline]
    fn send_entry(&self, slot: Slot, flags: i32) -> squeue::Entry {
        let connection = &self.connections[slot.0 as usize];
        let rest = &connection.sending[connection.sent..];
        let len = rest.len().min(SEND_BYTES_MAX) as u32;
        let send = opcode::Send::new(Fixed(slot.0), rest.as_ptr(), len).flags(flags);
        send.build().user_data(SEND | u64::from(slot.0))
    }

    fn close_if_let_go(&mut self, slot: Slot) {
        let connection = &self.connections[slot.0 as usize];
        if connection.receiving == Shot::Idle && connection.sending.is_empty() {
            self.push(opcode::Close::new(Fixed(slot.0)).build().user_data(CLOSE | u64::from(slot.0)));
        }
    }

    fn cancel(&mut self, user_data: u64) {
        let cancel = opcode::AsyncCancel2::new(CancelBuilder::user_data(user_data));
        self.push(cancel.build().user_data(SILENT));
    }

    fn poll_bell(&mut self) {
        self.bell_poll = Shot::Armed;
        // Not read, so that a ring costs no system call here: a multishot poll reports every write.
        let poll = opcode::PollAdd::new(Fd(self.bell.as_raw_fd()), libc::POLLIN as u32).multi(true);
        self.push(poll.build().user_data(BELL));
    }

    #[inline]
    fn push(&mut self, entry: squeue::Entry) {
        self.under_way += 1;
        // SAFETY: what an entry points to outlives its request: send buffers stay in `connections`, the
        // timer in its box and lent buffers in `provided` until the request has reported, and `Drop`
        // waits for all of them (or leaks the memory).
        if !self.backlog.is_empty() || unsafe { self.ring.submission().push(&entry) }.is_err() {
            self.backlog.push_back(entry);
        }
    }

    fn fill_submissions(&mut self) {
        let mut submission = self.ring.submission();
        while let Some(entry) = self.backlog.front() {
            // SAFETY: as in `push`.
            if unsafe { submission.push(entry) }.is_err() {
                break;
            }
            self.backlog.pop_front();
        }
    }

    // The buffer of the event handed out last.
    #[inline]
    fn take_back(&mut self) {
        if let Some(buffer) = self.lent.take() {
            self.provided.put_back(buffer);
        }
    }
}

impl Drop for SocketRing {
    fn drop(&mut self) {
        let _ = self.enter_quietly(Wait::No);
        let _ = self
            .ring
            .submitter()
            .register_sync_cancel(Some(Timespec::from(DRAIN_STEP)), CancelBuilder::any());
        for _ in 0..DRAIN_STEPS {
            if self.under_way == 0 {
                break;
            }
            let _ = self.enter_quietly(Wait::AtMost(DRAIN_STEP));
        }
        if self.under_way > 0 {
            // The kernel still holds pointers into this memory: better lost than written to.
            self.provided.leak();
            std::mem::forget(std::mem::take(&mut self.connections));
            Box::leak(std::mem::replace(&mut self.timer, Box::new(Timespec::new())));
        }
    }
}

const DRAIN_STEP: Duration = Duration::from_millis(5);
const DRAIN_STEPS: usize = 50;

impl SocketRing {
    // Counts completions and does nothing else about them, except closing what was accepted.
    fn enter_quietly(&mut self, wait: Wait) -> io::Result<()> {
        loop {
            for &(user_data, result, flags) in &self.completions[self.next..] {
                if !cqueue::more(flags) {
                    self.under_way -= 1;
                }
                if user_data & KIND == ACCEPT && result >= 0 {
                    // SAFETY: the kernel made this descriptor for us and nobody else knows of it.
                    drop(unsafe { OwnedFd::from_raw_fd(result) });
                }
            }
            self.next = self.completions.len();
            self.taken.clear();
            if self.under_way == 0 {
                return Ok(());
            }
            self.enter(wait)?;
            if self.next == self.completions.len() {
                return Ok(());
            }
        }
    }
}

fn build() -> io::Result<IoUring> {
    let mut builder = IoUring::builder();
    builder
        .setup_clamp()
        .setup_submit_all()
        .setup_cqsize(COMPLETIONS)
        .setup_coop_taskrun()
        .setup_taskrun_flag();
    let mut deferring = builder.clone();
    deferring.setup_single_issuer().setup_defer_taskrun();
    match deferring.build(SUBMISSIONS) {
        // Linux before 6.1 does not know deferred task runs; everything else works without them.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => builder.build(SUBMISSIONS),
        built => built,
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
