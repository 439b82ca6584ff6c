//! Who has how many connections, and what one core hands to another outside the links.
//!
//! Whoever accepts a connection deals it to the core that has the fewest: with few, long-lived,
//! pipelined connections the luck of `SO_REUSEPORT` can leave a core idle. The counts are shared, but
//! they move only when a connection comes or goes. Handed-over things wait in an unbounded queue; what
//! bounds it is the number of clients.

use crate::runtime::link::Doorbell;
use crossbeam_queue::SegQueue;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

#[derive(Debug)]
struct Desk<T> {
    connections: AtomicUsize,
    posted: SegQueue<T>,
}

/// Shared by all cores and the supervisor; `T` is what is handed over.
#[derive(Debug)]
pub struct Roster<T> {
    desks: Box<[Desk<T>]>,
    doorbells: Arc<[Doorbell]>,
    clients_total: AtomicUsize,
    clients_max: AtomicU32,
    last_client: AtomicU64,
    rejected: AtomicU64,
    quiet: AtomicUsize,
}

impl<T: Send> Roster<T> {
    /// A roster of as many cores as there are doorbells.
    pub fn new(doorbells: Arc<[Doorbell]>, clients_max: u32) -> Self {
        let desk = || Desk { connections: AtomicUsize::new(0), posted: SegQueue::new() };
        Roster {
            desks: doorbells.iter().map(|_| desk()).collect(),
            doorbells,
            clients_total: AtomicUsize::new(0),
            clients_max: AtomicU32::new(clients_max),
            last_client: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            quiet: AtomicUsize::new(0),
        }
    }

    /// How many cores there are.
    pub fn cores(&self) -> usize {
        self.desks.len()
    }

    /// Chooses the core for a new connection and counts it there: the one with the fewest, of equals
    /// the next after the one that got the last. `None` when there are as many as there may be.
    pub fn deal(&self) -> Option<usize> {
        let max = self.clients_max.load(Ordering::Relaxed) as usize;
        if self.clients_total.fetch_add(1, Ordering::Relaxed) >= max {
            self.clients_total.fetch_sub(1, Ordering::Relaxed);
            self.rejected.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let cores = self.desks.len();
        let first = self.last_client.load(Ordering::Relaxed) as usize % cores;
        let fewest = (0..cores)
            .map(|step| (first + step) % cores)
            .min_by_key(|&core| self.connections(core))
            .expect("there is a core");
        self.desks[fewest].connections.fetch_add(1, Ordering::Relaxed);
        Some(fewest)
    }

    /// A connection of `core` is gone.
    pub fn leave(&self, core: usize) {
        self.desks[core].connections.fetch_sub(1, Ordering::Relaxed);
        self.clients_total.fetch_sub(1, Ordering::Relaxed);
    }

    /// Connections of one core.
    pub fn connections(&self, core: usize) -> usize {
        self.desks[core].connections.load(Ordering::Relaxed)
    }

    /// Connections of all cores.
    pub fn connections_total(&self) -> usize {
        self.clients_total.load(Ordering::Relaxed)
    }

    /// The number of the next client: from 1 up, never twice.
    pub fn next_client(&self) -> u64 {
        self.last_client.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Connections accepted since the start.
    pub fn accepted_total(&self) -> u64 {
        self.last_client.load(Ordering::Relaxed)
    }

    /// Connections turned away since the start because there were too many.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Most connections at once.
    pub fn clients_max(&self) -> u32 {
        self.clients_max.load(Ordering::Relaxed)
    }

    /// Changes the most connections at once; those that are there stay.
    pub fn set_clients_max(&self, clients_max: u32) {
        self.clients_max.store(clients_max, Ordering::Relaxed);
    }

    /// Hands something to a core and wakes it if it sleeps.
    pub fn post(&self, core: usize, what: T) {
        self.desks[core].posted.push(what);
        self.doorbells[core].wake();
    }

    /// The oldest thing handed to `core`.
    pub fn take(&self, core: usize) -> Option<T> {
        self.desks[core].posted.pop()
    }

    /// Whether something waits for `core`.
    pub fn has_posted(&self, core: usize) -> bool {
        !self.desks[core].posted.is_empty()
    }

    /// A core that is ending has nothing left to do: said once by each.
    pub fn fall_quiet(&self) {
        if self.quiet.fetch_add(1, Ordering::SeqCst) + 1 == self.desks.len() {
            for doorbell in &*self.doorbells {
                doorbell.wake();
            }
        }
    }

    /// Whether every core has nothing left to do.
    pub fn all_quiet(&self) -> bool {
        self.quiet.load(Ordering::SeqCst) >= self.desks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(cores: usize, clients_max: u32) -> Roster<u32> {
        Roster::new((0..cores).map(|_| Doorbell::new().unwrap()).collect(), clients_max)
    }

    #[test]
    fn connections_are_dealt_to_the_core_with_the_fewest() {
        let roster = roster(3, 100);
        for _ in 0..64 {
            roster.deal().unwrap();
            roster.next_client();
        }
        let counts: Vec<usize> = (0..3).map(|core| roster.connections(core)).collect();
        assert_eq!(counts.iter().sum::<usize>(), 64);
        assert!(counts.iter().all(|count| (21..=22).contains(count)), "{counts:?}");
        for _ in 0..10 {
            roster.leave(1);
        }
        for _ in 0..5 {
            assert_eq!(roster.deal(), Some(1));
        }
    }

    #[test]
    fn the_client_above_the_maximum_is_turned_away_and_counted() {
        let roster = roster(2, 2);
        assert!(roster.deal().is_some());
        let second = roster.deal().unwrap();
        assert_eq!(roster.deal(), None);
        assert_eq!(roster.rejected_total(), 1);
        roster.leave(second);
        assert_eq!(roster.deal(), Some(second));
    }
}
