//! Those who hold a key or wait for it, in the order they came.
//!
//! Thousands of commands may wait for one key, and each of them leaves the line once. So nothing that is asked of a
//! line when somebody comes or goes looks at all of it: a line knows its first writer and the latest stamps it has
//! seen, and names those who are free to go when one leaves.

use crate::mesh::locks::Ticket;
use std::collections::VecDeque;
use std::iter::once;

/// A request's place in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) ticket: Ticket,
    pub(super) stamp: u64,
    pub(super) exclusive: bool,
}

/// The line of one key; never empty. Readers share, a writer has it alone; nobody overtakes somebody in his way.
#[derive(Debug)]
pub(super) struct Line {
    // Apart from the rest, so that a line of one allocates nothing.
    first: Place,
    // By ticket.
    rest: VecDeque<Place>,
    first_writer: Option<Ticket>,
    // Of all that ever stood here. Those in line may all be earlier by now: then a request comes again that could
    // have waited, and no more than that.
    latest: u64,
    latest_writer: u64,
}

impl Line {
    pub(super) fn new(first: Place) -> Line {
        let mut line = Line { first, rest: VecDeque::new(), first_writer: None, latest: 0, latest_writer: 0 };
        line.note(first);
        line
    }

    /// Somebody joins at the end.
    pub(super) fn push(&mut self, place: Place) {
        self.rest.push_back(place);
        self.note(place);
    }

    fn note(&mut self, place: Place) {
        self.latest = self.latest.max(place.stamp);
        if place.exclusive {
            self.latest_writer = self.latest_writer.max(place.stamp);
            self.first_writer.get_or_insert(place.ticket);
        }
    }

    /// Whether somebody new would have to wait here.
    pub(super) fn stops(&self, exclusive: bool) -> bool {
        exclusive || self.first_writer.is_some()
    }

    /// A stamp that none of those is later than whom somebody new would have to wait for; `None`: there are none.
    pub(super) fn latest(&self, exclusive: bool) -> Option<u64> {
        self.stops(exclusive).then_some(if exclusive { self.latest } else { self.latest_writer })
    }

    /// Whether anybody is in the way of this one, who stands in line.
    pub(super) fn is_in_front_of(&self, ticket: Ticket, exclusive: bool) -> bool {
        if exclusive { self.first.ticket != ticket } else { self.first_writer.is_some_and(|at| at < ticket) }
    }

    /// Those in line, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Place> {
        once(&self.first).chain(&self.rest)
    }

    /// Those whom nobody in this line is in the way of: its first writer or the readers before that one.
    pub(super) fn front(&self) -> impl Iterator<Item = &Place> {
        let readers = self.iter().take_while(|place| !place.exclusive);
        readers.chain(Some(&self.first).filter(|place| place.exclusive))
    }

    /// Somebody leaves. Appends those whom nobody here is in the way of any more; true: nobody is left, and the line
    /// is to be thrown away.
    pub(super) fn remove(&mut self, ticket: Ticket, freed: &mut Vec<Ticket>) -> bool {
        let (at, gone) = if self.first.ticket == ticket {
            let gone = self.first;
            let Some(next) = self.rest.pop_front() else { return true };
            self.first = next;
            (0, gone)
        } else {
            let at = self.rest.binary_search_by_key(&ticket, |place| place.ticket);
            let at = at.expect("whoever leaves stands in line");
            (at + 1, self.rest.remove(at).expect("found just now"))
        };
        if self.first_writer == Some(ticket) {
            let next = self.iter().skip(at).find(|place| place.exclusive);
            self.first_writer = next.map(|place| place.ticket);
        }
        if gone.exclusive {
            let before_writer = |place: &&Place| self.first_writer.is_none_or(|writer| place.ticket < writer);
            freed.extend(self.iter().skip(at).take_while(before_writer).map(|place| place.ticket));
        }
        if at == 0 && self.first.exclusive {
            freed.push(self.first.ticket);
        }
        false
    }
}
