//! The one thread that serves nobody: it waits for a reason to end, and sees to it that all cores do.
//!
//! Reasons are a signal, `SHUTDOWN`, somebody who holds the [`Control`], and a core that ended by itself.
//! Whatever it was, every core is told once; each stops accepting and reading, answers what it has read,
//! sends what it has, and ends. What is not sent after a second is lost, and a core that is stuck in a
//! command is not waited for beyond [`JOIN`]: a supervisor's `kill` has to work.

use crate::base::clock::Clock;
use crate::net::listener::Endpoint;
use crate::net::service::Request;
use crate::runtime::roster::Roster;
use crate::runtime::signal::{EventFd, Signals};
use crate::server::driver::{Post, Supervisor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest time from the reason to the end.
pub const JOIN: Duration = Duration::from_millis(1_800);

/// Steers a running server from any thread.
#[derive(Clone, Debug)]
pub struct Control {
    pub(super) roster: Arc<Roster<Post>>,
    pub(super) bell: Arc<EventFd>,
    pub(super) ending: Arc<AtomicBool>,
    pub(super) endpoints: Arc<[Endpoint]>,
}

impl Control {
    /// Ends the server in good order; returns at once.
    pub fn shutdown(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    /// What the server listens on.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The TCP port, the chosen one where 0 was asked for; `None` without TCP.
    pub fn port(&self) -> Option<u16> {
        self.endpoints.iter().find_map(|endpoint| match endpoint {
            Endpoint::Tcp(address) => Some(address.port()),
            Endpoint::Unix(_) => None,
        })
    }

    /// Connections of each core.
    pub fn connections(&self) -> Vec<usize> {
        (0..self.roster.cores()).map(|core| self.roster.connections(core)).collect()
    }

    /// Connections of all cores.
    pub fn connections_total(&self) -> usize {
        self.roster.connections_total()
    }

    /// Connections accepted since the start.
    pub fn accepted_total(&self) -> u64 {
        self.roster.accepted_total()
    }

    /// Connections turned away since the start because there were too many.
    pub fn rejected_total(&self) -> u64 {
        self.roster.rejected_total()
    }

    /// Most connections at once, from now on; those that are there stay.
    pub fn set_clients_max(&self, clients_max: u32) {
        self.roster.set_clients_max(clients_max);
    }

    /// Seconds of silence before TCP asks whether a peer is alive, for connections to come; 0: never.
    pub fn set_tcp_keepalive(&self, seconds: u32) {
        for core in 0..self.roster.cores() {
            self.roster.post(core, Post::TcpKeepalive(seconds));
        }
    }
}

impl Supervisor for Control {
    fn request(&self, request: Request) {
        match request {
            Request::Shutdown => self.shutdown(),
            Request::ClientsMax(clients_max) => self.set_clients_max(clients_max),
            Request::TcpKeepalive(seconds) => self.set_tcp_keepalive(seconds),
        }
    }
}

/// Blocks until there is a reason to end or `has_ended` says that a core did, and tells all cores.
/// `has_ended` is asked each time the bell rings.
pub(super) fn wait_for_a_reason(control: &Control, signals: Option<&Signals>, has_ended: impl Fn() -> bool) {
    loop {
        if let Some(signal) = signals.and_then(Signals::take) {
            let name = if signal == libc::SIGINT { "SIGINT" } else { "SIGTERM" };
            tracing::info!("{name} received, ending");
            break;
        }
        if control.ending.load(Ordering::SeqCst) || has_ended() {
            break;
        }
        control.bell.wait(None);
    }
    tell_all(control);
}

/// Tells all cores to end.
pub(super) fn tell_all(control: &Control) {
    control.ending.store(true, Ordering::SeqCst);
    let asked_ns = Clock::real().now().mono_ns;
    for core in 0..control.roster.cores() {
        control.roster.post(core, Post::Shutdown { asked_ns });
    }
}

/// Waits until `all_ended`, but not longer than [`JOIN`], nor beyond a second signal; whether they have.
pub(super) fn wait_for_cores(
    control: &Control,
    signals: Option<&Signals>,
    all_ended: impl Fn() -> bool,
) -> bool {
    let clock = Clock::real();
    let began = clock.raw();
    loop {
        if all_ended() {
            return true;
        }
        let left = JOIN.saturating_sub(Duration::from_nanos(clock.elapsed_ns(began, clock.raw())));
        if left.is_zero() || signals.and_then(Signals::take).is_some() {
            return all_ended();
        }
        control.bell.wait(Some(left));
    }
}
