//! The closed loop: every connection has one batch under way, and sends the next when all its replies are
//! there. It finds out what a server can do at most; latencies are those of a server that is never idle.

use super::BenchError;
use super::connection::{malformed, read_some, send_some};
use super::replies::ReplyCounter;
use super::run::{Outcome, Phase, Shared};
use super::workload::Ring;
use crate::base::clock::Clock;
use crate::runtime::poller::{Interest, Poller};
use socket2::Socket;
use std::io;
use std::time::Duration;

/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;

/// Between two looks at the phase when nothing arrives.
const LOOK_EVERY: Duration = Duration::from_millis(10);

struct Connection {
    socket: Socket,
    replies: ReplyCounter,
    /// Replies of the batch under way that are still to come.
    awaited: u64,
    /// When it was sent, in the clock's raw unit.
    sent_at: u64,
    /// What of it the kernel has not taken yet.
    unsent: std::ops::Range<usize>,
    /// Whether room to send is watched for.
    stuck: bool,
    /// Replies in the measured time.
    operations: u64,
}

/// One thread's part of a closed loop.
pub struct ClosedLoop<'a> {
    connections: Vec<Connection>,
    ring: Ring,
    next_batch: usize,
    pipeline: usize,
    poller: Poller,
    clock: Clock,
    shared: &'a Shared,
    share: usize,
    /// Requests that may still be sent.
    quota: u64,
    measuring: bool,
    outcome: Outcome,
}

impl<'a> ClosedLoop<'a> {
    /// A loop over `sockets`; sends `quota` requests in the measured time at most.
    pub fn new(
        sockets: Vec<Socket>,
        ring: Ring,
        pipeline: usize,
        quota: u64,
        shared: &'a Shared,
        share: usize,
    ) -> Result<ClosedLoop<'a>, BenchError> {
        let poller = Poller::new().map_err(failed)?;
        let mut connections = Vec::new();
        for (at, socket) in sockets.into_iter().enumerate() {
            socket.set_nonblocking(true).map_err(failed)?;
            poller.add(&socket, at as u64, Interest::Read).map_err(failed)?;
            connections.push(Connection {
                socket,
                replies: ReplyCounter::default(),
                awaited: 0,
                sent_at: 0,
                unsent: 0..0,
                stuck: false,
                operations: 0,
            });
        }
        Ok(ClosedLoop {
            connections,
            ring,
            next_batch: 0,
            pipeline,
            poller,
            clock: Clock::real(),
            shared,
            share,
            quota,
            measuring: false,
            outcome: Outcome::default(),
        })
    }

    /// Runs until told to stop, or until the quota is answered.
    pub fn run(mut self) -> Result<Outcome, BenchError> {
        self.drive().map_err(failed)?;
        let mut outcome = self.outcome;
        for connection in &self.connections {
            outcome.by_connection.push(connection.operations);
            outcome.add_replies(&connection.replies);
        }
        Ok(outcome)
    }

    fn drive(&mut self) -> io::Result<()> {
        let mut input = vec![0; READ_BYTES];
        self.on_phase();
        (0..self.connections.len()).try_for_each(|at| self.send_next(at))?;
        let mut open = self.connections.len();
        while open > 0 {
            if self.on_phase() == Phase::Over {
                return Ok(());
            }
            let count = self.poller.wait(LOOK_EVERY)?;
            for index in 0..count {
                let ready = self.poller.ready(index);
                let at = ready.token as usize;
                if ready.writable {
                    self.send_rest(at)?;
                }
                if ready.readable && self.receive(at, &mut input)? {
                    self.send_next(at)?;
                    open -= usize::from(self.connections[at].awaited == 0);
                }
            }
        }
        Ok(())
    }

    /// Looks which phase it is; what was counted before the measured time is forgotten at its start.
    fn on_phase(&mut self) -> Phase {
        let phase = self.shared.phase();
        if phase == Phase::Measure && !self.measuring {
            self.measuring = true;
            self.outcome = Outcome::default();
            for connection in &mut self.connections {
                connection.operations = 0;
                connection.replies.forget();
            }
        }
        phase
    }

    /// Sends the next batch; none when the quota is used up.
    fn send_next(&mut self, at: usize) -> io::Result<()> {
        let requests = (self.pipeline as u64).min(self.quota);
        if requests == 0 {
            return Ok(());
        }
        if self.measuring {
            self.quota -= requests;
        }
        let connection = &mut self.connections[at];
        connection.unsent = self.ring.batch(self.next_batch, requests as usize);
        connection.awaited = requests;
        connection.sent_at = self.clock.raw();
        self.next_batch = if self.next_batch + 1 == self.ring.batches() { 0 } else { self.next_batch + 1 };
        self.send_rest(at)
    }

    fn send_rest(&mut self, at: usize) -> io::Result<()> {
        let connection = &mut self.connections[at];
        if !connection.unsent.is_empty() {
            connection.unsent.start +=
                send_some(&connection.socket, &self.ring.bytes()[connection.unsent.clone()])?;
        }
        let stuck = !connection.unsent.is_empty();
        if stuck != connection.stuck {
            connection.stuck = stuck;
            let interest = if stuck { Interest::ReadWrite } else { Interest::Read };
            self.poller.modify(&connection.socket, at as u64, interest)?;
        }
        Ok(())
    }

    /// Takes what has arrived; whether the batch is answered.
    fn receive(&mut self, at: usize, input: &mut [u8]) -> io::Result<bool> {
        let connection = &mut self.connections[at];
        let Some(read) = read_some(&connection.socket, input)? else { return Ok(false) };
        let done = connection.replies.feed(&input[..read]).map_err(malformed)?;
        if done == 0 {
            return Ok(false);
        }
        if done > connection.awaited {
            return Err(io::Error::other("a reply came that nobody asked for"));
        }
        connection.awaited -= done;
        connection.operations += done;
        let ns = self.clock.elapsed_ns(connection.sent_at, self.clock.raw());
        self.outcome.latency.record_many(ns, done);
        self.shared.add_operations(self.share, done);
        Ok(connection.awaited == 0)
    }
}

fn failed(cause: io::Error) -> BenchError {
    BenchError(cause.to_string())
}
