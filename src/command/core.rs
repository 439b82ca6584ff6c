//! What a command that touches no key may see: one core, without its network.

use crate::base::clock::{Clock, Now};
use crate::base::ids::{ConnectionId, ShardId};
use crate::base::prng::Prng;
use crate::command::table::Table;
use crate::config::{LogLevel, Options};
use crate::metrics::Metrics;
use crate::metrics::slowlog::SlowLog;
use crate::session::{Clients, Session};
use crate::shard::Shard;
use std::time::Duration;

/// What is true of the whole process and never changes.
#[derive(Clone, Debug)]
pub struct Identity {
    /// 40 hexadecimal digits, new at every start.
    pub run_id: String,
    /// Process id.
    pub pid: u32,
    /// The moment of the start.
    pub started: Now,
    /// The executable's path.
    pub executable: String,
    /// The configuration file's path; empty without one.
    pub config_file: String,
    /// The port that is really listened on (0 only without TCP).
    pub port: u16,
}

/// What a command asks of the process that holds the engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminRequest {
    /// End the process in good order.
    Shutdown,
    /// Log this and what is more important from now on (CONFIG SET loglevel).
    SetLogLevel(LogLevel),
    /// Do nothing for so long, once what other cores wait for is on its way (DEBUG SLEEP).
    Sleep(Duration),
    /// From now on at most this many clients at once.
    ClientsMax(u32),
    /// For clients to come: seconds of silence before TCP asks whether one is alive; 0: never.
    TcpKeepalive(u32),
}

/// One core as its commands see it.
pub struct Core<'a> {
    /// Which core this is.
    pub id: ShardId,
    /// How many there are.
    pub cores: u16,
    /// The turn's time.
    pub now: Now,
    /// The clock itself, for commands that sleep or time their own work.
    pub clock: &'a Clock,
    /// Keys.
    pub shard: &'a mut Shard,
    /// Sessions of this core.
    pub clients: &'a mut Clients,
    /// Options as this core knows them; all cores are told of a change.
    pub options: &'a mut Options,
    /// Counters and histograms of this core.
    pub metrics: &'a mut Metrics,
    /// Slow commands of this core's clients.
    pub slowlog: &'a mut SlowLog,
    /// Randomness.
    pub prng: &'a mut Prng,
    /// The command table.
    pub table: &'static Table,
    /// The process.
    pub identity: &'a Identity,
    /// Requests to the process.
    pub requests: &'a mut Vec<AdminRequest>,
    /// The core the asking connection lives on, and its place there.
    pub caller_core: ShardId,
    /// The asking connection: a session of this core only where `caller_core == id`.
    pub caller: ConnectionId,
}

impl Core<'_> {
    /// The asking client's session. Only at home: panics in a part that runs elsewhere.
    pub fn me(&mut self) -> &mut Session {
        assert_eq!(self.caller_core, self.id, "a session lives on its own core");
        self.clients.get_mut(self.caller).expect("a connection outlives its running command")
    }
}
