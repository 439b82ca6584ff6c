//! A connection without its socket: who is asking, in which database, in which protocol.
//!
//! Commands see sessions and nothing else of a connection. The coordinator keeps the input, the reply
//! slots and the output; it leaves their sizes here for CLIENT LIST.

mod clients;

pub use clients::{Clients, Monitor, Pause};

use crate::base::clock::Now;
use crate::base::ids::{ClientId, ConnectionId};
use crate::resp::Protocol;

/// Which replies a client wants (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    /// All.
    #[default]
    On,
    /// None until it is switched on again.
    Off,
    /// Not the next command's.
    SkipNext,
}

/// How CLIENT UNBLOCK ends a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unblock {
    /// As if its time were up.
    Timeout,
    /// With an error.
    Error,
}

/// What should become of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Intent {
    /// Serve on.
    #[default]
    Open,
    /// Run nothing more; close when the output has been sent.
    CloseAfterOutput,
    /// Close at once.
    CloseNow,
}

/// Where a connection comes from and where it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// `ip:port`, or the socket's path with `:0`.
    pub peer: String,
    /// The local end, in the same form.
    pub local: String,
    /// The file descriptor CLIENT LIST shows.
    pub fd: i32,
    /// A unix socket.
    pub unix: bool,
    /// From this machine: a unix socket or a loopback address.
    pub loopback: bool,
}

/// One client's state.
#[derive(Clone, Debug)]
pub struct Session {
    /// CLIENT ID.
    pub id: ClientId,
    /// Both ends.
    pub address: Address,
    /// CLIENT SETNAME.
    pub name: String,
    /// CLIENT SETINFO lib-name.
    pub library_name: String,
    /// CLIENT SETINFO lib-ver.
    pub library_version: String,
    /// SELECT.
    pub db: u8,
    /// HELLO.
    pub protocol: Protocol,
    /// Whether the password was given, or none is needed.
    pub authenticated: bool,
    /// CLIENT REPLY.
    pub reply_mode: ReplyMode,
    /// Commands queued since MULTI; -1: there was none.
    pub queued: i64,
    /// Its command waits for a key.
    pub blocked: bool,
    /// CLIENT UNBLOCK has been called on it.
    pub unblock: Option<Unblock>,
    /// MONITOR.
    pub monitor: bool,
    /// CLIENT NO-EVICT.
    pub no_evict: bool,
    /// What should become of it.
    pub intent: Intent,
    /// Waits for CLIENT UNPAUSE, and is in the engine's list of those who do.
    pub paused: bool,
    /// Unix second of its start.
    pub created_s: u64,
    /// Unix second of its last input.
    pub active_s: u64,
    /// Full name of its last command, `container|sub` for subcommands.
    pub last_command: &'static str,
    /// Bytes of input that wait, for CLIENT LIST.
    pub input_bytes: usize,
    /// Bytes of capacity beyond them.
    pub input_free: usize,
    /// Bytes of arguments of the command that waits, for CLIENT LIST.
    pub argument_bytes: usize,
    /// Bytes of replies not yet sent.
    pub output_bytes: usize,
    /// Unix second since when the output is above its soft limit; 0: it is not.
    pub over_soft_limit_s: u64,
}

impl Session {
    /// A new client's session.
    pub fn new(id: ClientId, address: Address, authenticated: bool, now: Now) -> Self {
        Session {
            id,
            address,
            name: String::new(),
            library_name: String::new(),
            library_version: String::new(),
            db: 0,
            protocol: Protocol::Resp2,
            authenticated,
            reply_mode: ReplyMode::On,
            queued: -1,
            blocked: false,
            unblock: None,
            monitor: false,
            no_evict: false,
            intent: Intent::Open,
            paused: false,
            created_s: now.unix_s(),
            active_s: now.unix_s(),
            last_command: "NULL",
            input_bytes: 0,
            input_free: 0,
            argument_bytes: 0,
            output_bytes: 0,
            over_soft_limit_s: 0,
        }
    }
}

/// A connection of some core, as other cores name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its core.
    pub core: crate::base::ids::ShardId,
    /// Its place there.
    pub connection: ConnectionId,
}
