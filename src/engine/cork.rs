//! Replies that wait a little for those behind them, to leave in one send.
//!
//! Of a pipeline's commands some are answered here at once and the rest by other shards, some microseconds later. A
//! send costs as much as the work of a dozen commands, at both ends: half of a pipeline is not worth one of its own. A
//! single Redis does the same, for it answers all it has read before it sends. What may take long holds nothing
//! back: a client that waits for an element has its earlier replies at once, and so has everybody after
//! [`CORK_NS`].

use crate::base::ids::ConnectionId;
use crate::base::limits::CORK_NS;
use crate::coordinator::{Center, Connection};
use std::collections::VecDeque;

/// The connections of one core whose replies wait, the longest waiting first.
#[derive(Debug, Default)]
pub(super) struct Cork {
    waiting: VecDeque<(u64, ConnectionId)>,
}

impl Cork {
    /// Whether this connection's output is to wait, in the turn of the center.
    #[inline]
    pub(super) fn holds(&mut self, at: ConnectionId, connection: &mut Connection, center: &Center) -> bool {
        let now_ns = center.now.mono_ns;
        if !connection.awaits_more(at, center) {
            connection.corked_ns = None;
            return false;
        }
        match connection.corked_ns {
            Some(since) if now_ns - since >= CORK_NS => {
                connection.corked_ns = None;
                false
            }
            Some(_) => true,
            None => {
                connection.corked_ns = Some(now_ns);
                self.waiting.push_back((now_ns, at));
                true
            }
        }
    }

    /// Somebody who has waited long enough; whoever has been sent to since is passed over by the caller.
    #[inline]
    pub(super) fn next_overdue(&mut self, now_ns: u64) -> Option<ConnectionId> {
        let &(since, at) = self.waiting.front()?;
        if now_ns - since < CORK_NS {
            return None;
        }
        self.waiting.pop_front();
        Some(at)
    }

    /// Whether anybody waits, or did a moment ago.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use crate::base::ids::ShardId;
    use crate::base::limits::CORK_NS;
    use crate::testing::sim::{Sim, encode};
    use std::time::Duration;

    /// Two cores, and a key of each, as seen from the first.
    fn two_cores() -> (Sim, [String; 2]) {
        let sim = Sim::new(2, 7);
        let keys = [0, 1].map(|shard| sim.key_on(ShardId(shard)));
        (sim, keys)
    }

    #[test]
    fn a_pipeline_over_two_cores_is_answered_in_one_send() {
        let (mut sim, [near, far]) = two_cores();
        let client = sim.connect();
        let at = sim.connection(client);
        let frames = [&near, &far, &near].map(|key| encode(&[b"get", key.as_bytes()])).concat();
        let engine = &mut sim.engines()[0];
        engine.on_bytes(at, &frames);
        assert!(engine.has_output(at));
        assert_eq!(engine.next_dirty(), None);
        assert!(engine.has_corked());
        let batch = engine.take_mail(ShardId(1)).expect("the far key was asked for");
        let peer = &mut sim.engines()[1];
        peer.on_mail(ShardId(0), batch);
        let reply = peer.take_mail(ShardId(0)).expect("a reply");
        let engine = &mut sim.engines()[0];
        engine.on_mail(ShardId(1), reply);
        assert_eq!(engine.next_dirty(), Some(at));
        assert_eq!(engine.output(at).unwrap(), b"$-1\r\n$-1\r\n$-1\r\n");
    }

    #[test]
    fn what_does_not_come_in_time_holds_nothing_back() {
        let (mut sim, [near, far]) = two_cores();
        let client = sim.connect();
        let at = sim.connection(client);
        let frames = [&near, &far].map(|key| encode(&[b"get", key.as_bytes()])).concat();
        sim.engines()[0].on_bytes(at, &frames);
        assert_eq!(sim.engines()[0].next_dirty(), None);
        let engine = &mut sim.engines()[0];
        engine.center().clock.advance(Duration::from_nanos(CORK_NS));
        let now = engine.center().clock.now();
        engine.begin_turn(now);
        assert_eq!(engine.next_dirty(), Some(at));
        assert!(!engine.has_corked());
    }

    #[test]
    fn a_client_that_waits_for_an_element_has_its_earlier_replies() {
        let (mut sim, [near, far]) = two_cores();
        let client = sim.connect();
        sim.send(
            client,
            &[encode(&[b"get", near.as_bytes()]), encode(&[b"blpop", far.as_bytes(), b"0"])].concat(),
        );
        sim.settle();
        assert_eq!(sim.take_replies(client).len(), 1);
    }
}
