//! Picking some of many: different ones, all as likely.

use crate::base::prng::Prng;

/// Walks past a collection once and picks `count` of its `len` elements (Knuth's Algorithm S).
#[derive(Debug)]
pub(super) struct Selection {
    /// Elements to come.
    left: usize,
    /// Elements still to be picked.
    wanted: usize,
}

impl Selection {
    /// Picks `count` of `len`, all if there are no more.
    pub(super) fn new(count: usize, len: usize) -> Selection {
        Selection { left: len, wanted: count.min(len) }
    }

    /// Whether the next element is picked.
    pub(super) fn picks(&mut self, prng: &mut Prng) -> bool {
        let picked = self.wanted > 0 && prng.below(self.left as u64) < self.wanted as u64;
        self.left = self.left.saturating_sub(1);
        self.wanted -= usize::from(picked);
        picked
    }

    /// Whether drawing until `count` different ones have come is cheaper than a walk past all `len`.
    pub(super) fn is_sparse(count: usize, len: usize) -> bool {
        count < len / 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_has_its_size_and_every_element_its_chance() {
        let mut prng = Prng::new(3);
        let mut picks = [0; 10];
        for _ in 0..5_000 {
            let mut selection = Selection::new(3, picks.len());
            let picked: Vec<usize> = (0..picks.len()).filter(|_| selection.picks(&mut prng)).collect();
            assert_eq!(picked.len(), 3);
            picked.iter().for_each(|&index| picks[index] += 1);
        }
        assert!(picks.iter().all(|&count| (1_350..1_650).contains(&count)), "{picks:?}");
        let mut all = Selection::new(20, 10);
        assert!((0..10).all(|_| all.picks(&mut prng)));
    }
}
