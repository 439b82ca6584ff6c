//! The order of commands whose keys live on several shards, as one shard keeps it.
//!
//! Each such command has a stamp from its home core's logical clock, unique among all cores. It asks
//! every shard concerned for locks at once. A shard lets it hold or wait in line, unless something
//! *later* already holds or awaits one of its keys: then it is refused, gives up everywhere and comes
//! again with a later stamp. So a wait always points from a later stamp to an earlier one, no circle
//! of waits can close, and no core ever needs to know what another holds.
//!
//! A single-shard command that meets a lock waits in the same line, with the latest stamp it meets:
//! it delays nobody who comes later more than that one would, and nobody earlier can slip in behind it.
//!
//! While no such command is active the table is empty and a single-key command pays one branch.
//! Compared with a global sequencer (as in VLL) nothing is shared; compared with locking shard after
//! shard in order, it takes one round instead of one per shard.

use crate::base::ids::NumberMap;
use crate::mesh::line::{Line, Place};
use crate::mesh::message::Extent;
use std::collections::BTreeMap;
use std::collections::hash_map::Entry as Slot;

/// A request's place in the line of this shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It holds its locks.
    Granted(Ticket),
    /// It waits for them.
    Waits(Ticket),
    /// It must come again with a stamp above this one.
    Refused(u64),
}

#[derive(Debug)]
struct Entry<W> {
    stamp: u64,
    extent: Extent,
    exclusive: bool,
    granted: bool,
    // It has been told, and may have run something.
    begun: bool,
    work: W,
}

/// The lock table of one shard; `W` is what a request wants done.
#[derive(Debug)]
pub struct Locks<W> {
    entries: BTreeMap<Ticket, Entry<W>>,
    lines: NumberMap<Line>,
    wholes: Vec<Place>,
    by_stamp: NumberMap<Ticket>,
    next_ticket: u64,
    seen: u64,
    releases: u64,
    // Only the simulator's canary sets it: releases then forget who else still holds the key.
    broken: bool,
}

impl<W> Default for Locks<W> {
    fn default() -> Self {
        Locks {
            entries: BTreeMap::new(),
            lines: NumberMap::default(),
            wholes: Vec::new(),
            by_stamp: NumberMap::default(),
            next_ticket: 0,
            seen: 0,
            releases: 0,
            broken: false,
        }
    }
}

impl<W> Locks<W> {
    /// Whether nothing is locked: the one question every single-key command asks.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many have left: what was in somebody's way may be gone once this has changed.
    #[inline]
    pub fn releases(&self) -> u64 {
        self.releases
    }

    /// How many requests hold or wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether a command on these keys has to wait in line now.
    pub fn conflicts(&self, keys: impl IntoIterator<Item = u64>, exclusive: bool) -> bool {
        if self.wholes.iter().any(|place| place.exclusive || exclusive) {
            return true;
        }
        keys.into_iter().any(|key| self.lines.get(&key).is_some_and(|line| line.stops(exclusive)))
    }

    /// A request of a command that spans shards.
    pub fn request(&mut self, stamp: u64, mut extent: Extent, exclusive: bool, work: W) -> Admission {
        self.seen = self.seen.max(stamp);
        if let Extent::Keys(keys) = &mut extent {
            keys.sort_unstable();
            keys.dedup();
        }
        let latest = self.latest_conflict(&extent, exclusive);
        if latest.is_some_and(|latest| latest > stamp) {
            return Admission::Refused(self.seen);
        }
        let ticket = self.enter(stamp, extent, exclusive, latest.is_none(), work);
        self.by_stamp.insert(stamp, ticket);
        if latest.is_none() { Admission::Granted(ticket) } else { Admission::Waits(ticket) }
    }

    /// Parks a single-shard command that met a lock ([`Locks::conflicts`] was true).
    pub fn park(&mut self, mut keys: Vec<u64>, exclusive: bool, work: W) -> Ticket {
        keys.sort_unstable();
        keys.dedup();
        let extent = Extent::Keys(keys);
        let stamp = self.latest_conflict(&extent, exclusive).expect("only what meets a lock is parked");
        self.enter(stamp, extent, exclusive, false, work)
    }

    /// Who holds any of these keys exclusively at this moment.
    pub fn holders(&self, keys: impl IntoIterator<Item = u64>) -> Vec<Ticket> {
        let lines = keys.into_iter().filter_map(|key| self.lines.get(&key));
        let mut holders: Vec<Ticket> = lines
            .flat_map(Line::front)
            .chain(&self.wholes)
            .filter(|place| place.exclusive && self.entries[&place.ticket].granted)
            .map(|place| place.ticket)
            .collect();
        holders.sort_unstable();
        holders.dedup();
        holders
    }

    /// Whether somebody who has begun holds any of these keys, against a reader or (`exclusive`) a writer. Those who
    /// hold their locks and do not know it yet, and those in line, are in nobody's way.
    pub fn are_in_use(&self, keys: impl IntoIterator<Item = u64>, exclusive: bool) -> bool {
        let in_use = |place: &Place| (place.exclusive || exclusive) && self.entries[&place.ticket].begun;
        self.wholes.iter().any(in_use)
            || keys.into_iter().any(|key| self.lines.get(&key).is_some_and(|line| line.front().any(in_use)))
    }

    /// Notes that a request which holds its locks uses them from now on.
    pub fn begin(&mut self, ticket: Ticket) {
        self.entries.get_mut(&ticket).expect("a ticket of this table").begun = true;
    }

    /// What a request covers.
    pub fn extent(&self, ticket: Ticket) -> &Extent {
        &self.entries[&ticket].extent
    }

    /// The request with that stamp, if it is still here.
    pub fn find(&self, stamp: u64) -> Option<Ticket> {
        self.by_stamp.get(&stamp).copied()
    }

    /// What a request wants done.
    pub fn work(&self, ticket: Ticket) -> &W {
        &self.entries[&ticket].work
    }

    /// What a request wants done, to be changed.
    pub fn work_mut(&mut self, ticket: Ticket) -> &mut W {
        &mut self.entries.get_mut(&ticket).expect("a ticket of this table").work
    }

    /// What all requests want done, to be changed.
    pub fn works_mut(&mut self) -> impl Iterator<Item = &mut W> {
        self.entries.values_mut().map(|entry| &mut entry.work)
    }

    /// Whether a request holds its locks.
    pub fn is_granted(&self, ticket: Ticket) -> bool {
        self.entries[&ticket].granted
    }

    /// Ends a request, granted or not; returns its work, and appends those that hold their locks now,
    /// in the order they came.
    pub fn release(&mut self, ticket: Ticket, now_granted: &mut Vec<Ticket>) -> W {
        let entry = self.entries.remove(&ticket).expect("a ticket is released once");
        self.releases += 1;
        if self.by_stamp.get(&entry.stamp) == Some(&ticket) {
            self.by_stamp.remove(&entry.stamp);
        }
        let mut candidates: Vec<Ticket> = Vec::new();
        match &entry.extent {
            Extent::Whole => {
                self.wholes.retain(|place| place.ticket != ticket);
                candidates.extend(self.entries.keys().copied());
            }
            Extent::Keys(keys) => {
                for key in keys {
                    let Slot::Occupied(mut line) = self.lines.entry(*key) else {
                        unreachable!("a held key has a line")
                    };
                    if self.broken {
                        candidates.extend(line.get().iter().map(|place| place.ticket));
                        candidates.retain(|candidate| *candidate != ticket);
                    }
                    if line.get_mut().remove(ticket, &mut candidates) {
                        line.remove();
                    }
                }
                candidates.extend(self.wholes.iter().map(|place| place.ticket));
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        for candidate in candidates {
            if !self.entries[&candidate].granted && (self.broken || !self.is_blocked(candidate)) {
                self.entries.get_mut(&candidate).expect("listed above").granted = true;
                now_granted.push(candidate);
            }
        }
        entry.work
    }

    /// Breaks the rule of release on purpose, so that the simulator can show that it would notice.
    #[cfg(any(test, feature = "testing"))]
    pub fn break_release(&mut self) {
        self.broken = true;
    }

    fn enter(&mut self, stamp: u64, extent: Extent, exclusive: bool, granted: bool, work: W) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        let place = Place { ticket, stamp, exclusive };
        match &extent {
            Extent::Whole => self.wholes.push(place),
            Extent::Keys(keys) => {
                for key in keys {
                    match self.lines.entry(*key) {
                        Slot::Occupied(mut line) => line.get_mut().push(place),
                        Slot::Vacant(empty) => drop(empty.insert(Line::new(place))),
                    }
                }
            }
        }
        self.entries.insert(ticket, Entry { stamp, extent, exclusive, granted, begun: false, work });
        ticket
    }

    /// A stamp that none of those is later than whom a new request would have to wait for; `None`: there are none.
    fn latest_conflict(&self, extent: &Extent, exclusive: bool) -> Option<u64> {
        let wholes = self.wholes.iter().filter(|place| place.exclusive || exclusive).map(|place| place.stamp);
        let others = match extent {
            Extent::Whole => self
                .entries
                .values()
                .filter(|entry| entry.exclusive || exclusive)
                .map(|entry| entry.stamp)
                .max(),
            Extent::Keys(keys) => keys.iter().filter_map(|key| self.lines.get(key)?.latest(exclusive)).max(),
        };
        wholes.max().max(others)
    }

    fn is_blocked(&self, ticket: Ticket) -> bool {
        let entry = &self.entries[&ticket];
        let earlier = |place: &Place| place.ticket < ticket && (place.exclusive || entry.exclusive);
        if self.wholes.iter().any(earlier) {
            return true;
        }
        match &entry.extent {
            Extent::Whole => {
                self.entries.range(..ticket).any(|(_, other)| other.exclusive || entry.exclusive)
            }
            Extent::Keys(keys) => {
                keys.iter().any(|key| self.lines[key].is_in_front_of(ticket, entry.exclusive))
            }
        }
    }
}

#[cfg(test)]
#[path = "locks_tests.rs"]
mod random;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[u64]) -> Extent {
        Extent::Keys(keys.to_vec())
    }

    fn granted(admission: Admission) -> Ticket {
        match admission {
            Admission::Granted(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_later_request_waits_and_an_earlier_one_is_refused() {
        let mut locks = Locks::default();
        let holder = granted(locks.request(10, keys(&[1, 2]), true, "holder"));
        let Admission::Waits(waiter) = locks.request(11, keys(&[2, 3]), true, "waiter") else { panic!() };
        assert_eq!(locks.request(5, keys(&[3]), true, "early"), Admission::Refused(11));
        assert!(locks.conflicts([1], false));
        assert!(!locks.conflicts([4], true));
        let mut now = Vec::new();
        assert_eq!(locks.release(holder, &mut now), "holder");
        assert_eq!(now, [waiter]);
        locks.release(waiter, &mut now);
        assert!(locks.is_empty() && locks.lines.is_empty() && locks.by_stamp.is_empty());
    }

    #[test]
    fn keys_are_in_use_from_when_their_holder_has_begun() {
        let mut locks = Locks::default();
        let holder = granted(locks.request(10, keys(&[1]), false, ()));
        let Admission::Waits(next) = locks.request(11, keys(&[1]), true, ()) else { panic!() };
        assert!(!locks.are_in_use([1], true));
        locks.begin(holder);
        assert!(locks.are_in_use([2, 1], true));
        assert!(!locks.are_in_use([1], false), "readers share");
        locks.release(holder, &mut Vec::new());
        assert!(locks.is_granted(next) && !locks.are_in_use([1], false));
        locks.begin(next);
        assert!(locks.are_in_use([1], false));
    }

    #[test]
    fn readers_share_and_a_writer_waits_for_all_of_them() {
        let mut locks = Locks::default();
        let first = granted(locks.request(1, keys(&[7]), false, 1));
        let second = granted(locks.request(2, keys(&[7, 7]), false, 2));
        let Admission::Waits(writer) = locks.request(3, keys(&[7]), true, 3) else { panic!() };
        let parked = locks.park(vec![7], false, 4);
        let mut now = Vec::new();
        locks.release(first, &mut now);
        assert!(now.is_empty());
        locks.release(second, &mut now);
        assert_eq!(now, [writer]);
        locks.release(writer, &mut now);
        assert_eq!(now, [writer, parked]);
    }

    #[test]
    fn a_parked_command_refuses_earlier_requests_as_its_holder_would() {
        let mut locks = Locks::default();
        let holder = granted(locks.request(9, keys(&[1]), true, 0));
        let parked = locks.park(vec![1, 2], true, 1);
        assert_eq!(locks.request(3, keys(&[2]), true, 2), Admission::Refused(9));
        let Admission::Waits(later) = locks.request(12, keys(&[2]), true, 3) else { panic!() };
        let mut now = Vec::new();
        locks.release(holder, &mut now);
        assert_eq!(now, [parked]);
        locks.release(parked, &mut now);
        assert_eq!(now, [parked, later]);
    }

    #[test]
    fn a_whole_shard_excludes_every_key() {
        let mut locks = Locks::default();
        let key = granted(locks.request(1, keys(&[1]), true, 0));
        let Admission::Waits(whole) = locks.request(2, Extent::Whole, true, 1) else { panic!() };
        assert!(locks.conflicts([99], false));
        let Admission::Waits(other) = locks.request(3, keys(&[99]), false, 2) else { panic!() };
        let mut now = Vec::new();
        locks.release(key, &mut now);
        assert_eq!(now, [whole]);
        locks.release(whole, &mut now);
        assert_eq!(now, [whole, other]);
    }
}
