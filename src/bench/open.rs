//! The open loop: requests leave at moments drawn beforehand, whether or not earlier ones are answered.
//!
//! Arrivals are a Poisson process, as those of many independent users are. A latency counts from the moment
//! the request *should* have left: when server or generator fall behind, the wait is part of the latency,
//! where a closed loop would kindly wait too and record one slow reply in place of hundreds ("coordinated
//! omission", Gil Tene). Arrivals go to the connections in turn; each may have many requests under way.

use super::BenchError;
use super::connection::{malformed, read_some, send_some};
use super::keys::unit;
use super::tally::{Counting, Outcome, Phase, Shared, Tally};
use super::workload::Ring;
use crate::base::clock::Clock;
use crate::base::prng::Prng;
use crate::runtime::poller::{Interest, Poller, wake_on_time};
use socket2::Socket;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;

/// Requests under way on one connection; more arrivals wait, and their latency with them.
const UNDER_WAY_MAX: usize = 4096;

/// Below this the kernel is not trusted to wake us in time, and on a CPU of our own we look again and again.
const SPIN_NS: u64 = 80_000;

/// Longest wait, so that the phase is seen.
const WAIT_NS_MAX: u64 = 10_000_000;

/// How long answers may take to come in at the end.
const DRAIN_NS: u64 = 2_000_000_000;

struct Connection {
    socket: Socket,
    tally: Tally,
    /// When each request under way should have left.
    due: VecDeque<u64>,
    unsent: Vec<u8>,
    stuck: bool,
}

/// When a thread's requests leave.
pub struct Arrivals {
    /// Requests a second.
    pub rate: f64,
    /// Draws the gaps between them.
    pub prng: Prng,
    /// The thread has a CPU to itself, so that it need not sleep for short; elsewhere it would take the CPU
    /// from the server.
    pub own_cpu: bool,
}

/// One thread's part of an open loop.
pub struct OpenLoop<'a> {
    connections: Vec<Connection>,
    ring: Ring,
    next_request: usize,
    next_connection: usize,
    /// Mean time between arrivals.
    gap_ns: f64,
    /// When the next request should leave; fractions of nanoseconds add up at high rates.
    next_ns: f64,
    prng: Prng,
    poller: Poller,
    clock: Clock,
    start: u64,
    /// Waits shorter than this are spent looking; 0 where others need the CPU.
    spin_ns: u64,
    quota: u64,
    counting: Counting<'a>,
}

impl<'a> OpenLoop<'a> {
    /// A loop over `sockets`, from a ring of single requests.
    pub fn new(
        sockets: Vec<Socket>,
        ring: Ring,
        arrivals: Arrivals,
        quota: u64,
        shared: &'a Shared,
        share: usize,
    ) -> Result<OpenLoop<'a>, BenchError> {
        let poller = Poller::new().map_err(failed)?;
        wake_on_time();
        let mut connections = Vec::new();
        for (at, socket) in sockets.into_iter().enumerate() {
            socket.set_nonblocking(true).map_err(failed)?;
            poller.add(&socket, at as u64, Interest::Read).map_err(failed)?;
            connections.push(Connection {
                socket,
                tally: Tally::default(),
                due: VecDeque::new(),
                unsent: Vec::new(),
                stuck: false,
            });
        }
        let clock = Clock::real();
        Ok(OpenLoop {
            connections,
            ring,
            next_request: 0,
            next_connection: 0,
            gap_ns: 1e9 / arrivals.rate,
            next_ns: 0.0,
            prng: arrivals.prng,
            poller,
            start: clock.raw(),
            clock,
            spin_ns: if arrivals.own_cpu { SPIN_NS } else { 0 },
            quota,
            counting: Counting::new(shared, share),
        })
    }

    /// Runs until told to stop, then waits for the answers that are still to come.
    pub fn run(mut self) -> Result<Outcome, BenchError> {
        self.drive().map_err(failed)?;
        let now = self.now_ns();
        for connection in &mut self.connections {
            self.counting.outcome.unanswered += connection.due.len() as u64;
            connection
                .due
                .drain(..)
                .for_each(|due| self.counting.outcome.latency.record(now.saturating_sub(due)));
            self.counting.outcome.add(&connection.tally);
        }
        Ok(self.counting.outcome)
    }

    fn drive(&mut self) -> io::Result<()> {
        let mut input = vec![0; READ_BYTES];
        self.start = self.clock.raw();
        let mut give_up_ns = None;
        loop {
            let mut over = self.on_phase() == Phase::Over || self.quota == 0;
            let now = self.now_ns();
            if !over {
                self.send_due(now)?;
                over = self.quota == 0;
            }
            let mut wait_ns = (self.next_ns as u64).saturating_sub(now);
            if over {
                let give_up_ns = *give_up_ns.get_or_insert(now + DRAIN_NS);
                if now > give_up_ns || self.connections.iter().all(|connection| connection.due.is_empty()) {
                    return Ok(());
                }
                wait_ns = WAIT_NS_MAX;
            }
            let wait_ns = wait_ns.saturating_sub(self.spin_ns).min(WAIT_NS_MAX);
            let count = self.poller.wait(Duration::from_nanos(wait_ns))?;
            for index in 0..count {
                let ready = self.poller.ready(index);
                let at = ready.token as usize;
                if ready.writable {
                    self.flush(at)?;
                }
                if ready.readable {
                    self.receive(at, &mut input)?;
                }
            }
        }
    }

    fn now_ns(&self) -> u64 {
        self.clock.elapsed_ns(self.start, self.clock.raw())
    }

    fn on_phase(&mut self) -> Phase {
        self.counting.on_phase(self.connections.iter_mut().map(|connection| &mut connection.tally))
    }

    /// Sends what should have left by now.
    fn send_due(&mut self, now: u64) -> io::Result<()> {
        while self.next_ns as u64 <= now && self.quota > 0 {
            let count = self.connections.len();
            let free = (0..count)
                .map(|step| (self.next_connection + step) % count)
                .find(|&at| self.connections[at].due.len() < UNDER_WAY_MAX);
            let Some(at) = free else { return Ok(()) };
            self.next_connection = (at + 1) % count;
            let connection = &mut self.connections[at];
            connection.due.push_back(self.next_ns as u64);
            let request = self.ring.batch(self.next_request, 1);
            connection.unsent.extend_from_slice(&self.ring.bytes()[request]);
            self.next_request = (self.next_request + 1) % self.ring.batches();
            // Never the logarithm of zero: `unit` stays below one.
            self.next_ns -= (1.0 - unit(&mut self.prng)).ln() * self.gap_ns;
            if self.counting.measuring {
                self.quota -= 1;
            }
            self.flush(at)?;
        }
        Ok(())
    }

    fn flush(&mut self, at: usize) -> io::Result<()> {
        let connection = &mut self.connections[at];
        if !connection.unsent.is_empty() {
            let sent = send_some(&connection.socket, &connection.unsent)?;
            connection.unsent.drain(..sent);
        }
        let stuck = !connection.unsent.is_empty();
        if stuck != connection.stuck {
            connection.stuck = stuck;
            let interest = if stuck { Interest::ReadWrite } else { Interest::Read };
            self.poller.modify(&connection.socket, at as u64, interest)?;
        }
        Ok(())
    }

    fn receive(&mut self, at: usize, input: &mut [u8]) -> io::Result<()> {
        let connection = &mut self.connections[at];
        let Some(read) = read_some(&connection.socket, input)? else { return Ok(()) };
        let done = connection.tally.replies.feed(&input[..read]).map_err(malformed)?;
        let now = self.clock.elapsed_ns(self.start, self.clock.raw());
        for _ in 0..done {
            let due = connection.due.pop_front();
            let due = due.ok_or_else(|| io::Error::other("a reply came that nobody asked for"))?;
            self.counting.outcome.latency.record(now.saturating_sub(due));
        }
        self.counting.answered(&mut connection.tally, done);
        Ok(())
    }
}

fn failed(cause: io::Error) -> BenchError {
    BenchError(cause.to_string())
}
