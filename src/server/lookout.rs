//! Whether looking out for more work before going to sleep is worth it.
//!
//! A core that has run out of work may spin for some microseconds: what comes then is served one sleep and one
//! wake sooner. Where little comes, each look-out in vain burns time for nothing. So a look-out has to earn its
//! keep: most of the recent ones must have seen something. A core with a request every 90 microseconds or less
//! is so kept awake, one with fewer sleeps, and one with none costs nothing.
//!
//! A spinning core offers its CPU to others. If somebody takes it for long, that was no client but a program
//! busy with something else. A core that sleeps gets the CPU back at once when something comes; one that is
//! merely in line does not. So then it sleeps, and tries no look-out for a while.

/// What came of a look-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is work.
    Seen,
    /// There was none.
    Vain,
    /// Somebody else had the CPU for long meanwhile.
    Displaced,
}

/// The CPU was away for long: a client's turn takes less, a busy program's slice more. In nanoseconds.
pub const DISPLACED_NS: u64 = 2_000_000;

/// No look-out for so long after that, in nanoseconds.
const DISPLACED_REST_NS: u64 = 500_000_000;

/// Look-outs in a row, at most, that a run of luck pays for.
const WORTH_MAX: u8 = 16;

/// What one in vain costs, in lucky ones.
const VAIN: u8 = 2;

/// Of those left out, every so many-th is tried: times may have changed.
const TRY_EVERY: u8 = 128;

/// The record of recent look-outs.
#[derive(Debug)]
pub struct Lookout {
    worth: u8,
    left_out: u8,
    not_before_ns: u64,
}

impl Default for Lookout {
    fn default() -> Self {
        Lookout { worth: WORTH_MAX, left_out: 0, not_before_ns: 0 }
    }
}

impl Lookout {
    /// Whether to look out now.
    pub fn is_worth_it(&mut self, now_ns: u64) -> bool {
        if now_ns < self.not_before_ns {
            return false;
        }
        if self.worth > 0 {
            return true;
        }
        self.left_out += 1;
        if self.left_out < TRY_EVERY {
            return false;
        }
        self.left_out = 0;
        true
    }

    /// What came of the one that began at `now_ns`.
    pub fn note(&mut self, outcome: Outcome, now_ns: u64) {
        match outcome {
            Outcome::Seen => self.worth = (self.worth + 1).min(WORTH_MAX),
            Outcome::Vain => self.worth = self.worth.saturating_sub(VAIN),
            Outcome::Displaced => self.not_before_ns = now_ns + DISPLACED_REST_NS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `rounds` look-outs are made when every `luck`-th sees something (0: none does).
    fn made(lookout: &mut Lookout, rounds: usize, luck: usize) -> usize {
        let mut made = 0;
        for _ in 0..rounds {
            if lookout.is_worth_it(0) {
                made += 1;
                lookout.note(if luck > 0 && made % luck == 0 { Outcome::Seen } else { Outcome::Vain }, 0);
            }
        }
        made
    }

    #[test]
    fn those_in_vain_end_soon_and_luck_brings_them_back() {
        let mut lookout = Lookout::default();
        assert_eq!(made(&mut lookout, 1_000, 1), 1_000);
        // Every other one in vain: too many.
        assert!(made(&mut lookout, 10_000, 2) < 200);
        assert!(made(&mut lookout, 10_000, 0) < 100);
        assert!(made(&mut lookout, 1_000, 1) > 800);
    }

    #[test]
    fn a_core_that_was_displaced_looks_out_again_after_a_while() {
        let mut lookout = Lookout::default();
        lookout.note(Outcome::Displaced, 5);
        assert!(!lookout.is_worth_it(5 + DISPLACED_REST_NS - 1));
        assert!(lookout.is_worth_it(5 + DISPLACED_REST_NS));
    }
}
