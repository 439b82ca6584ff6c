//! All sessions of one core, by slot, and what concerns several of them.

use crate::base::ids::ConnectionId;
use crate::session::{Intent, Remote, Session};

/// CLIENT PAUSE as one core knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    /// Unix milliseconds; 0: not paused.
    pub until_ms: u64,
    /// Holds every command, not only those that write.
    pub all: bool,
}

impl Pause {
    /// Whether a command that writes (or not) has to wait at `now_ms`.
    pub fn holds(self, writes: bool, now_ms: u64) -> bool {
        self.until_ms > now_ms && (self.all || writes)
    }
}

/// A client that watches commands (MONITOR), wherever it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// Its connection.
    pub at: Remote,
}

/// The sessions of one core.
#[derive(Debug, Default)]
pub struct Clients {
    slots: Vec<Slot>,
    free: Vec<u32>,
    len: usize,
    /// Sessions whose intent a command has changed: the engine looks at them after each command.
    pub changed: Vec<ConnectionId>,
    /// Who watches commands, on every core.
    pub monitors: Vec<Monitor>,
    /// CLIENT PAUSE.
    pub pause: Pause,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    session: Option<Box<Session>>,
}

impl Clients {
    /// Adds a session; its id is good until [`Clients::remove`].
    pub fn insert(&mut self, session: Session) -> ConnectionId {
        self.len += 1;
        let session = Some(Box::new(session));
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.session = session;
            return ConnectionId { index, generation: slot.generation };
        }
        self.slots.push(Slot { generation: 0, session });
        ConnectionId { index: (self.slots.len() - 1) as u32, generation: 0 }
    }

    /// Forgets a session; later answers for it find nothing.
    pub fn remove(&mut self, at: ConnectionId) -> Option<Box<Session>> {
        let slot = self.slots.get_mut(at.index as usize).filter(|slot| slot.generation == at.generation)?;
        let session = slot.session.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(at.index);
        self.len -= 1;
        Some(session)
    }

    /// The session, if it still lives.
    pub fn get(&self, at: ConnectionId) -> Option<&Session> {
        self.slots.get(at.index as usize).filter(|slot| slot.generation == at.generation)?.session.as_deref()
    }

    /// The session, to change.
    pub fn get_mut(&mut self, at: ConnectionId) -> Option<&mut Session> {
        self.slots
            .get_mut(at.index as usize)
            .filter(|slot| slot.generation == at.generation)?
            .session
            .as_deref_mut()
    }

    /// How many sessions live here.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All sessions, in slot order.
    pub fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Session)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let at = ConnectionId { index: index as u32, generation: slot.generation };
            slot.session.as_deref().map(|session| (at, session))
        })
    }

    /// The sessions in a range of slots.
    pub fn ids_in(&self, slots: std::ops::Range<usize>) -> Vec<ConnectionId> {
        let live = |index: usize| {
            let slot = self.slots.get(index).filter(|slot| slot.session.is_some())?;
            Some(ConnectionId { index: index as u32, generation: slot.generation })
        };
        slots.filter_map(live).collect()
    }

    /// Asks that a connection be closed; the engine does it before anything else of it runs.
    pub fn close(&mut self, at: ConnectionId, intent: Intent) {
        if let Some(session) = self.get_mut(at)
            && session.intent != Intent::CloseNow
        {
            session.intent = intent;
            self.changed.push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Now;
    use crate::base::ids::ClientId;
    use crate::session::Address;

    fn session(id: u64) -> Session {
        Session::new(ClientId(id), Address::default(), true, Now::default())
    }

    #[test]
    fn a_slot_used_again_does_not_answer_to_its_old_id() {
        let mut clients = Clients::default();
        let first = clients.insert(session(1));
        assert!(clients.remove(first).is_some());
        let second = clients.insert(session(2));
        assert_eq!(first.index, second.index);
        assert!(clients.get(first).is_none());
        assert_eq!(clients.get(second).unwrap().id, ClientId(2));
        assert_eq!(clients.len(), 1);
    }

    #[test]
    fn a_pause_for_writes_lets_reads_through_until_it_ends() {
        let pause = Pause { until_ms: 100, all: false };
        assert!(pause.holds(true, 99));
        assert!(!pause.holds(false, 99));
        assert!(!pause.holds(true, 100));
    }
}
