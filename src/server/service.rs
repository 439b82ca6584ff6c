//! The engine as the driver's service: the same calls under the names the driver knows.

use crate::base::clock::Now;
use crate::base::ids::{ClientId, ConnectionId, ShardId};
use crate::command::core::AdminRequest;
use crate::engine::Engine;
use crate::mesh::message::Batch;
use crate::metrics::snapshot::{Detail, Snapshot};
use crate::net::service::{Request, Service};
use crate::server::log;
use crate::session::{Address, Intent};

impl Service for Engine {
    type Batch = Batch;
    type Report = Snapshot;

    #[inline]
    fn connect(&mut self, id: ClientId, address: Address) -> ConnectionId {
        Engine::connect(self, id, address)
    }

    fn on_refused(&mut self) {
        self.center_mut().metrics.counters.connections_rejected += 1;
    }

    #[inline]
    fn begin_turn(&mut self, now: Now) {
        Engine::begin_turn(self, now);
    }

    #[inline]
    fn on_bytes(&mut self, connection: ConnectionId, bytes: &[u8]) {
        Engine::on_bytes(self, connection, bytes);
    }

    #[inline]
    fn on_sent(&mut self, connection: ConnectionId, bytes: usize) {
        Engine::on_sent(self, connection, bytes);
    }

    #[inline]
    fn preview(&mut self, connection: ConnectionId, bytes: &[u8]) {
        Engine::preview(self, connection, bytes);
    }

    #[inline]
    fn preview_ends(&mut self) {
        Engine::preview_ends(self);
    }

    fn on_hangup(&mut self, connection: ConnectionId) {
        Engine::on_hangup(self, connection);
    }

    #[inline]
    fn on_mail(&mut self, from: ShardId, batch: Box<Batch>) {
        Engine::on_mail(self, from, batch);
    }

    #[inline]
    fn wants_mail(&self, from: ShardId) -> bool {
        Engine::wants_mail(self, from)
    }

    #[inline]
    fn run_ready(&mut self) -> bool {
        Engine::run_ready(self)
    }

    #[inline]
    fn next_dirty(&mut self) -> Option<ConnectionId> {
        Engine::next_dirty(self)
    }

    #[inline]
    fn has_corked(&self) -> bool {
        Engine::has_corked(self)
    }

    #[inline]
    fn output(&mut self, connection: ConnectionId) -> Option<&mut Vec<u8>> {
        Engine::output(self, connection)
    }

    #[inline]
    fn intent(&self, connection: ConnectionId) -> Intent {
        Engine::intent(self, connection)
    }

    #[inline]
    fn wants_input(&self, connection: ConnectionId) -> bool {
        Engine::wants_input(self, connection)
    }

    fn is_busy(&self, connection: ConnectionId) -> bool {
        Engine::is_busy(self, connection)
    }

    #[inline]
    fn take_mail(&mut self, peer: ShardId) -> Option<Box<Batch>> {
        Engine::take_mail(self, peer)
    }

    fn on_cron(&mut self) {
        Engine::on_cron(self);
    }

    fn next_wake_ns(&self) -> Option<u64> {
        Engine::next_wake_ns(self)
    }

    fn take_request(&mut self) -> Option<Request> {
        loop {
            return Some(match Engine::take_request(self)? {
                AdminRequest::Shutdown => Request::Shutdown,
                AdminRequest::ClientsMax(most) => Request::ClientsMax(most),
                AdminRequest::TcpKeepalive(seconds) => Request::TcpKeepalive(seconds),
                AdminRequest::Sleep(time) => {
                    self.center().clock.advance(time);
                    continue;
                }
                AdminRequest::SetLogLevel(level) => {
                    log::set_level(level);
                    continue;
                }
            });
        }
    }

    fn into_report(mut self) -> Snapshot {
        let center = self.center_mut();
        let now = center.now;
        center.metrics.snapshot(now, Detail::Full)
    }
}
