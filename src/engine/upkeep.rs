//! Upkeep in slices: expiry, time-outs, output limits, memory that idle connections do not need.

use crate::base::ids::ConnectionId;
use crate::command::config_cmd;
use crate::command::core::AdminRequest;
use crate::engine::Engine;
use crate::session::{Intent, Pause};

/// The loop calls at least this often, in milliseconds; a lower `hz` is kept here.
const CALLED_MS: u64 = 100;
/// Connections looked at per run: 5,000 idle ones are seen every five seconds.
const SWEEP_MAX: usize = 100;
/// Time one run may take from commands, in nanoseconds, times `active-expire-effort`.
const BUDGET_NS: u64 = 1_000_000;
/// While expired keys or garbage wait, a slice of this length...
const SLICE_NS: u64 = 200_000;
/// ...once in this time: a fifth of a core at most, and no command waits longer than a slice.
const SLICE_PERIOD_NS: u64 = 1_000_000;

/// Where upkeep stands.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    sweep: usize,
    last_ns: u64,
    /// The shard had more to expire or to free than its last slice of time allowed, and when that was.
    behind: bool,
    slice_ns: u64,
    /// When input last came, in monotonic nanoseconds: until all have been swept after it, go on.
    pub(super) input_ns: u64,
    /// What the process was last told of these two options.
    clients_max: u32,
    keepalive_s: u32,
}

impl Engine {
    /// Does what is due; called `hz` times a second while awake, and after long sleeps.
    pub fn on_cron(&mut self) {
        if self.period_ms() > CALLED_MS && !self.cron_due() {
            return;
        }
        let now = self.center.now;
        self.upkeep.last_ns = now.mono_ns;
        self.follow_options();
        self.center.metrics.on_cron(now);
        let budget_ns = BUDGET_NS * u64::from(self.center.options.active_expire_effort);
        self.keep_shard_up(budget_ns);
        self.sweep_connections();
        self.settle();
    }

    fn keep_shard_up(&mut self, budget_ns: u64) {
        let now = self.center.now;
        self.upkeep.slice_ns = now.mono_ns;
        self.upkeep.behind = self.center.shard.on_cron(now, &self.center.clock, budget_ns);
    }

    /// Another slice for the shard if it is behind: what expires or is removed faster than `on_cron` alone
    /// can free would fill the memory.
    pub(super) fn catch_up(&mut self) {
        if self.upkeep.behind
            && self.center.now.mono_ns.saturating_sub(self.upkeep.slice_ns) >= SLICE_PERIOD_NS
        {
            self.keep_shard_up(SLICE_NS);
        }
    }

    /// Whether `on_cron` is due.
    fn cron_due(&self) -> bool {
        self.center.now.mono_ns.saturating_sub(self.upkeep.last_ns) >= self.period_ms() * 1_000_000
    }

    /// How often upkeep wants to run while there is something to keep up, in milliseconds.
    fn period_ms(&self) -> u64 {
        1000 / u64::from(self.center.options.hz)
    }

    /// How long this core may sleep at most, in nanoseconds; `None`: until something arrives.
    pub fn next_wake_ns(&self) -> Option<u64> {
        if !self.ready.is_empty() || !self.mail.is_empty() {
            return Some(0);
        }
        let asks_again_ns = self.center.waiting.asks_again_at_ns();
        let asks_again_ns = asks_again_ns.map(|at| at.saturating_sub(self.center.now.mono_ns));
        let upkeep_ns = self.next_upkeep_ms().map(|ms| ms.saturating_mul(1_000_000));
        asks_again_ns.into_iter().chain(upkeep_ns).min()
    }

    /// When upkeep or a wait's end is due, in milliseconds from now.
    fn next_upkeep_ms(&self) -> Option<u64> {
        if self.upkeep.behind {
            return Some(SLICE_PERIOD_NS / 1_000_000);
        }
        let wait_ms = self.center.waiting.next_deadline_ms();
        let wait_ms = wait_ms.map(|at| at.saturating_sub(self.center.now.unix_ms()).max(1));
        let center = &self.center;
        let idle_closing = center.options.timeout > 0 && !center.clients.is_empty();
        let sweep_ms = self.period_ms() * (20 + 2 * (self.connections.len() / SWEEP_MAX) as u64);
        let quiet_ms = center.now.mono_ns.saturating_sub(self.upkeep.input_ns) / 1_000_000;
        let untrimmed = !center.clients.is_empty() && quiet_ms < sweep_ms;
        let busy = center.shard.wants_cron() || idle_closing || !self.paused.is_empty() || untrimmed;
        let busy_ms = busy.then_some(self.period_ms());
        match (busy_ms, wait_ms) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Options that commands do not read from the table on every call.
    pub(super) fn follow_options(&mut self) {
        let center = &mut self.center;
        if self.upkeep.clients_max != center.options.maxclients {
            self.upkeep.clients_max = center.options.maxclients;
            center.requests.push(AdminRequest::ClientsMax(center.options.maxclients));
        }
        if self.upkeep.keepalive_s != center.options.tcp_keepalive {
            self.upkeep.keepalive_s = center.options.tcp_keepalive;
            center.requests.push(AdminRequest::TcpKeepalive(center.options.tcp_keepalive));
        }
        config_cmd::follow(&center.options, &mut center.shard, &mut center.metrics, &mut center.slowlog);
    }

    /// Whoever the pause holds tries again when it has changed or is over.
    pub(super) fn look_at_pause(&mut self) {
        let pause = &mut self.center.clients.pause;
        if pause.until_ms <= self.center.now.unix_ms() {
            *pause = Pause::default();
        }
        if *pause != self.pause {
            self.pause = *pause;
            for at in std::mem::take(&mut self.paused) {
                self.lift_hold(at);
            }
        }
    }

    /// Closes a client whose output has passed its limit.
    pub(super) fn mind_output_limit(&mut self, at: ConnectionId) {
        let now_s = self.center.now.unix_s();
        let unsent = self.connections[at.index as usize].as_deref().map_or(0, |open| open.unsent_bytes());
        let Some(session) = self.center.clients.get_mut(at) else { return };
        // A client that watches is fed whether it reads or not: it has the limit of a subscriber.
        let limits = &self.center.options.client_output_buffer_limit;
        let limit = if session.monitor { limits.pubsub } else { limits.normal };
        let over_hard = limit.hard_bytes > 0 && unsent as u64 >= limit.hard_bytes;
        let over_soft = limit.soft_bytes > 0 && unsent as u64 >= limit.soft_bytes;
        if !over_soft {
            session.over_soft_limit_s = 0;
        } else if session.over_soft_limit_s == 0 {
            session.over_soft_limit_s = now_s;
        }
        let too_long = over_soft && now_s - session.over_soft_limit_s > u64::from(limit.soft_seconds);
        if over_hard || too_long {
            tracing::warn!(
                "client {} at {} closed: {unsent} bytes of output are above client-output-buffer-limit",
                session.id.0,
                session.address.peer
            );
            self.center.metrics.counters.output_limit_closes += 1;
            self.center.clients.close(at, Intent::CloseNow);
        }
    }

    /// Looks at the next connections: time-outs, output limits, memory that can be given back.
    fn sweep_connections(&mut self) {
        let start = self.upkeep.sweep;
        let end = (start + SWEEP_MAX).min(self.connections.len());
        self.upkeep.sweep = if end == self.connections.len() { 0 } else { end };
        let now_s = self.center.now.unix_s();
        let timeout = u64::from(self.center.options.timeout);
        for at in self.center.clients.ids_in(start..end) {
            let Some(connection) = self.connections[at.index as usize].as_deref_mut() else { continue };
            let unsent = connection.unsent_bytes();
            let Some(session) = self.center.clients.get(at) else { continue };
            let idle_s = now_s.saturating_sub(session.active_s);
            if idle_s >= 1 {
                connection.trim();
            }
            if timeout > 0 && idle_s > timeout && !session.monitor {
                self.center.clients.close(at, Intent::CloseNow);
            } else if unsent > 0 {
                self.mind_output_limit(at);
            }
        }
    }
}
