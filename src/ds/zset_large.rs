//! The large form of a sorted set: a dictionary that knows each member's score, and a tree that knows the order.
//!
//! A member is stored once, in its block of the dictionary, with the bits of its score beside it: 32 bytes for
//! a member of 16. The tree's entries name their members by the blocks' addresses, which stay what they are
//! while the dictionary grows and shrinks. Together some 70 bytes per such member.
//!
//! The one rule that keeps the addresses good: an entry leaves the tree before its block leaves the
//! dictionary, and a block's value is replaced only by another integer, which is done in place.

use crate::base::owner::Owners;
use crate::ds::block::{Anchor, Block, Content, View, Weigh};
use crate::ds::dict::{Dict, Remains};
use crate::ds::ranked::{Entry, Named, Ranked};
use crate::ds::zset::Placed;

/// Values out of line, of which a dictionary of scores has none.
#[derive(Clone, Debug)]
pub(super) enum Nothing {}

impl Weigh for Nothing {
    fn bytes(&self) -> usize {
        match *self {}
    }
}

impl Named for Anchor {
    fn name(&self) -> &[u8] {
        self.key()
    }
}

/// Members with their scores, by name and in order.
#[derive(Debug)]
pub(super) struct Large {
    dict: Dict<Nothing>,
    tree: Ranked<Anchor>,
}

fn score_of(block: &Block<Nothing>) -> f64 {
    match block.view() {
        View::Int(bits) => f64::from_bits(bits as u64),
        View::Bytes(_) | View::Packed(_) | View::Boxed(_) => {
            unreachable!("a block of a sorted set holds a score")
        }
    }
}

fn content(score: f64) -> Content<'static, Nothing> {
    Content::Int(score.to_bits() as i64)
}

/// The address of a block that is going into the dictionary, or is there.
fn anchor(block: &Block<Nothing>) -> Anchor {
    // SAFETY: blocks of a dictionary stay where they are, and this one is freed only by `remove` and
    // `remove_at` of `Large`, both of which take its entry out of the tree before, or together with the
    // tree (`into_parts`, which leaves a tree that nobody reads). It never has a deadline, and its value
    // is only replaced by another integer.
    unsafe { block.anchor() }
}

impl Large {
    pub(super) fn new(owners: Owners) -> Large {
        Large { dict: Dict::new(owners), tree: Ranked::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    /// Heap bytes without the box that we are in. O(1).
    pub(super) fn bytes(&self) -> usize {
        self.dict.content_bytes() + self.dict.table_bytes() + self.tree.bytes()
    }

    /// O(1).
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.dict.get(self.dict.hash(member), member).map(score_of)
    }

    /// The order of members. Ranks are its business.
    pub(super) fn tree(&self) -> &Ranked<Anchor> {
        &self.tree
    }

    /// See [`super::zset::Zset::update`]. O(log n).
    pub(super) fn update(
        &mut self,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Placed {
        let hash = self.dict.hash(member);
        let Some(mut found) = self.dict.find(hash, member) else {
            let Some(score) = decide(None) else { return Placed::Kept };
            let block = Block::new(member, content(score), None);
            self.tree.insert(score, anchor(&block));
            self.dict.insert(hash, block);
            return Placed::Added;
        };
        let old = score_of(found.block());
        match decide(Some(old)) {
            Some(new) if new != old => {
                found.replace(content(new));
                self.tree.rescore(old, member, new);
                Placed::Moved
            }
            _ => Placed::Kept,
        }
    }

    /// Removes a member; its score. O(log n).
    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let found = self.dict.find(self.dict.hash(member), member)?;
        let score = score_of(found.block());
        self.tree.remove(score, member);
        found.remove();
        Some(score)
    }

    /// Removes the member at a rank and shows it. O(log n).
    pub(super) fn remove_at(&mut self, rank: usize, show: &mut impl FnMut(&[u8], f64)) {
        let Some(Entry { score, member }) = self.tree.remove_at(rank) else { return };
        let name = member.key();
        show(name, score);
        if let Some(found) = self.dict.find(self.dict.hash(name), name) {
            found.remove();
        }
    }

    /// Members from a cursor on, as [`Dict::scan`] has it.
    pub(super) fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(&[u8], f64)) -> u64 {
        self.dict.scan(cursor, count, &mut |block| visit(block.key(), score_of(block)))
    }

    /// What is left to be freed: nobody reads the tree's names any more.
    pub(super) fn into_parts(self) -> (Ranked<Anchor>, Remains<Nothing>) {
        (self.tree, self.dict.into_remains())
    }
}

impl Clone for Large {
    /// O(n log n): blocks of its own, and the tree built in order.
    fn clone(&self) -> Large {
        Tally { dict: self.dict.clone() }.into_large()
    }
}

/// Members with scores that are not in order yet: what unions are summed up in.
#[derive(Debug)]
pub struct Tally {
    dict: Dict<Nothing>,
}

impl Tally {
    /// No members; they are hashed by `owners`.
    pub fn new(owners: Owners) -> Tally {
        Tally { dict: Dict::new(owners) }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.dict.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.dict.is_empty()
    }

    /// Gives a member the score that `decide` makes of the one it has. O(1).
    pub fn update(&mut self, member: &[u8], decide: impl FnOnce(Option<f64>) -> f64) {
        let hash = self.dict.hash(member);
        match self.dict.find(hash, member) {
            Some(mut found) => {
                let score = decide(Some(score_of(found.block())));
                found.replace(content(score));
            }
            None => self.dict.insert(hash, Block::new(member, content(decide(None)), None)),
        }
    }

    /// Removes a member. O(1).
    pub fn remove(&mut self, member: &[u8]) {
        if let Some(found) = self.dict.find(self.dict.hash(member), member) {
            found.remove();
        }
    }

    /// All members in order. O(n log n).
    fn sorted(&self) -> Vec<Entry<Anchor>> {
        let entry = |block| Entry { score: score_of(block), member: anchor(block) };
        let mut entries: Vec<Entry<Anchor>> = self.dict.iter().map(entry).collect();
        entries.sort_unstable_by(|left, right| left.order(right.score, right.member.name()));
        entries
    }

    /// Visits all members in order. O(n log n).
    pub fn for_each(&self, mut visit: impl FnMut(&[u8], f64)) {
        for entry in self.sorted() {
            visit(entry.member.key(), entry.score);
        }
    }

    /// Length of the longest member, in bytes. O(n).
    pub(super) fn longest(&self) -> usize {
        self.dict.iter().map(|block| block.key().len()).max().unwrap_or(0)
    }

    /// O(n log n).
    pub(super) fn into_large(self) -> Large {
        let mut tree = Ranked::default();
        for entry in self.sorted() {
            tree.insert(entry.score, entry.member);
        }
        Large { dict: self.dict, tree }
    }
}
