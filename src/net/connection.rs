//! A connection as its core's byte loop sees it: a slot of the ring, and a connection of the service.
//!
//! What was read and not yet run, replies and their order are the service's. Here is only what the
//! socket adds: one send at a time, an output buffer to spare, and whether the peer has finished.

use crate::base::ids::ConnectionId;
use crate::net::buffer::{BufferPool, KEPT_BYTES_MAX};
use crate::net::service::{Intent, Service};
use crate::runtime::ring::{Slot, SocketRing};

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// Its name in the service.
    pub id: ConnectionId,
    /// Nothing more will be read: the peer has sent its last byte, or the server is ending.
    pub ended: bool,
    /// Whether it is in the list of those that are looked at every turn.
    watched: bool,
    /// The upkeep period in which it was last active, while it is in the list of those with buffers.
    warm: Option<u32>,
    spare: Vec<u8>,
}

/// The connections of one core, by slot of its ring.
#[derive(Debug, Default)]
pub struct Connections {
    by_slot: Vec<Option<Connection>>,
    slots: Vec<Option<Slot>>,
    warm: Vec<Slot>,
    watched: Vec<Slot>,
    pool: BufferPool,
    period: u32,
    len: usize,
}

/// What is to become of a connection after its output has been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Stays,
    /// It is to be closed now.
    Goes,
}

impl Connections {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A new one.
    pub fn insert(&mut self, slot: Slot, id: ConnectionId) {
        let (at, index) = (slot.0 as usize, id.index as usize);
        if self.by_slot.len() <= at {
            self.by_slot.resize_with(at + 1, || None);
        }
        if self.slots.len() <= index {
            self.slots.resize(index + 1, None);
        }
        debug_assert!(self.by_slot[at].is_none());
        self.by_slot[at] =
            Some(Connection { id, ended: false, watched: false, warm: None, spare: Vec::new() });
        self.slots[index] = Some(slot);
        self.len += 1;
    }

    /// Forgets one; its buffer goes to others.
    pub fn remove(&mut self, slot: Slot) -> Option<ConnectionId> {
        let connection = self.by_slot.get_mut(slot.0 as usize)?.take()?;
        self.slots[connection.id.index as usize] = None;
        self.pool.put(connection.spare);
        self.len -= 1;
        Some(connection.id)
    }

    /// The connection in a slot.
    #[inline]
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Connection> {
        self.by_slot.get_mut(slot.0 as usize)?.as_mut()
    }

    /// The slot of a connection of the service, while it lives.
    #[inline]
    pub fn slot_of(&self, id: ConnectionId) -> Option<Slot> {
        let slot = (*self.slots.get(id.index as usize)?)?;
        self.by_slot[slot.0 as usize].as_ref().filter(|connection| connection.id == id).map(|_| slot)
    }

    /// All slots in use.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        let used = self.by_slot.iter().enumerate().filter(|(_, connection)| connection.is_some());
        used.map(|(at, _)| Slot(at as u32))
    }

    /// The connection is about to get replies: sees that they have a buffer to grow in.
    #[inline]
    pub fn warm_up<S: Service>(&mut self, slot: Slot, service: &mut S) {
        let Some(connection) = self.by_slot[slot.0 as usize].as_mut() else { return };
        let was_cold = connection.warm.is_none();
        connection.warm = Some(self.period);
        if !was_cold {
            return;
        }
        self.warm.push(slot);
        if let Some(output) = service.output(connection.id)
            && output.capacity() == 0
        {
            *output = self.pool.take();
        }
    }

    /// A send has ended and its buffer is back.
    #[inline]
    pub fn sent_all<S: Service>(&mut self, slot: Slot, buffer: Vec<u8>, service: &mut S) {
        let Some(connection) = self.by_slot[slot.0 as usize].as_mut() else { return };
        if connection.warm.is_none() {
            self.pool.put(buffer);
            return;
        }
        if buffer.capacity() > KEPT_BYTES_MAX {
            return;
        }
        match service.output(connection.id) {
            Some(output) if output.capacity() == 0 => *output = buffer,
            _ => connection.spare = buffer,
        }
    }

    /// Hands output to the kernel, starts or stops reading, and says whether the connection is over.
    #[inline]
    pub fn attend<S: Service>(&mut self, slot: Slot, service: &mut S, ring: &mut SocketRing) -> Verdict {
        let Some(connection) = self.by_slot[slot.0 as usize].as_mut() else { return Verdict::Stays };
        let id = connection.id;
        let intent = service.intent(id);
        if intent == Intent::CloseNow {
            return Verdict::Goes;
        }
        if !ring.is_sending(slot) {
            let output = service.output(id).filter(|output| !output.is_empty());
            if let Some(output) = output {
                let spare = std::mem::take(&mut connection.spare);
                ring.send(slot, std::mem::replace(output, spare));
            } else if intent == Intent::CloseAfterOutput || (connection.ended && !service.is_busy(id)) {
                // Nothing to send and nothing being sent: the moment to go for those who wait for it.
                return Verdict::Goes;
            }
        }
        let wants = intent == Intent::Open && !connection.ended && service.wants_input(id);
        ring.set_wants_input(slot, wants);
        if !wants && !connection.watched {
            connection.watched = true;
            self.watched.push(slot);
        }
        Verdict::Stays
    }

    /// One of the connections that are not being read: what ends that need not show in their output, so
    /// each is to be attended to in every turn. They are few: whoever is not read has filled a limit.
    pub fn take_watched(&mut self) -> Vec<Slot> {
        let mut watched = std::mem::take(&mut self.watched);
        watched.retain(|slot| {
            let connection = self.by_slot[slot.0 as usize].as_mut();
            connection.is_some_and(|connection| std::mem::take(&mut connection.watched))
        });
        watched
    }

    /// Takes the buffers of connections that have been silent for a whole period; with `all`, of every
    /// connection that does not use them this moment.
    pub fn cool_down<S: Service>(&mut self, service: &mut S, ring: &SocketRing, all: bool) {
        self.period = self.period.wrapping_add(1);
        let Connections { by_slot, warm, pool, period, .. } = self;
        warm.retain(|&slot| {
            let Some(connection) = by_slot[slot.0 as usize].as_mut() else { return false };
            // A successor in the same slot that has not spoken yet is not the one that was listed.
            let Some(active) = connection.warm else { return false };
            if ring.is_sending(slot) || !(all || period.wrapping_sub(active) > 1) {
                return true;
            }
            pool.put(std::mem::take(&mut connection.spare));
            if let Some(output) = service.output(connection.id) {
                if !output.is_empty() {
                    return true;
                }
                pool.put(std::mem::take(output));
            }
            connection.warm = None;
            false
        });
    }
}
