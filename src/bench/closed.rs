//! The closed loop: every connection has one batch under way, and sends the next when all its replies are
//! there. It finds out what a server can do at most; latencies are those of a server that is never idle.

use super::BenchError;
use super::connection::{malformed, read_some, send_some};
use super::tally::{Counting, Outcome, Phase, Shared, Tally};
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
    tally: Tally,
    /// Replies of the batch under way that are still to come.
    awaited: u64,
    /// When it was sent, in the clock's raw unit.
    sent_at: u64,
    /// What of it the kernel has not taken yet.
    unsent: std::ops::Range<usize>,
    /// Whether room to send is watched for.
    stuck: bool,
}

/// One thread's part of a closed loop.
pub struct ClosedLoop<'a> {
    connections: Vec<Connection>,
    ring: Ring,
    next_batch: usize,
    pipeline: usize,
    poller: Poller,
    clock: Clock,
    /// Requests that may still be sent.
    quota: u64,
    counting: Counting<'a>,
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
                tally: Tally::default(),
                awaited: 0,
                sent_at: 0,
                unsent: 0..0,
                stuck: false,
            });
        }
        Ok(ClosedLoop {
            connections,
            ring,
            next_batch: 0,
            pipeline,
            poller,
            clock: Clock::real(),
            quota,
            counting: Counting::new(shared, share),
        })
    }

    /// Runs until told to stop, or until the quota is answered.
    pub fn run(mut self) -> Result<Outcome, BenchError> {
        self.drive().map_err(failed)?;
        let mut outcome = self.counting.outcome;
        self.connections.iter().for_each(|connection| outcome.add(&connection.tally));
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

    fn on_phase(&mut self) -> Phase {
        self.counting.on_phase(self.connections.iter_mut().map(|connection| &mut connection.tally))
    }

    /// Sends the next batch; none when the quota is used up.
    fn send_next(&mut self, at: usize) -> io::Result<()> {
        let requests = (self.pipeline as u64).min(self.quota);
        if requests == 0 {
            return Ok(());
        }
        if self.counting.measuring {
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
        let done = connection.tally.replies.feed(&input[..read]).map_err(malformed)?;
        if done == 0 {
            return Ok(false);
        }
        if done > connection.awaited {
            return Err(io::Error::other("a reply came that nobody asked for"));
        }
        connection.awaited -= done;
        let ns = self.clock.elapsed_ns(connection.sent_at, self.clock.raw());
        self.counting.outcome.latency.record_many(ns, done);
        self.counting.answered(&mut connection.tally, done);
        Ok(connection.awaited == 0)
    }
}

fn failed(cause: io::Error) -> BenchError {
    BenchError(cause.to_string())
}
