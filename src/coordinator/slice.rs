//! How long somebody has been served in one turn of a core: a client's commands, or what a peer has sent.
//!
//! Whoever has much to do gets a slice per turn, however many pieces it comes in.

use crate::coordinator::center::Center;

/// What somebody has had of the turn in which they were served last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slice {
    turn: u32,
    ns: u64,
}

/// A slice that is under way: [`Center::ran_ns`] is how long it has been so far.
#[derive(Clone, Copy, Debug)]
pub struct Serving {
    /// When it was taken up, in the clock's raw unit.
    pub began: u64,
    before_ns: u64,
}

impl Slice {
    /// How long they have been served in the turn that is under way, in nanoseconds.
    #[inline]
    pub fn ns(self, center: &Center) -> u64 {
        if self.turn == center.turn { self.ns } else { 0 }
    }

    /// They are served from now on. Reads the clock.
    #[inline]
    pub fn take_up(self, center: &mut Center) -> Serving {
        center.ran_ns = self.ns(center);
        Serving { began: center.clock.raw(), before_ns: center.ran_ns }
    }
}

impl Serving {
    /// Counts what was no command as well, such as parsing: all of the time that has passed. Reads the clock.
    #[inline]
    pub fn count_all(self, center: &mut Center) {
        let passed_ns = center.clock.elapsed_ns(self.began, center.clock.raw());
        center.ran_ns = center.ran_ns.max(self.before_ns + passed_ns);
    }

    /// They are served no more for now.
    #[inline]
    pub fn lay_down(self, center: &Center) -> Slice {
        Slice { turn: center.turn, ns: center.ran_ns }
    }
}
