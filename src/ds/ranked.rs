//! Members in the order of their scores, found by score, by name and by number.
//!
//! A B+ tree whose inner nodes know how many entries are below each child: a rank is a sum on the way down,
//! and the entry of a rank is found by the same sums. Equal scores are ordered by the members' names, which
//! the tree does not hold: an entry is a score and whatever `M` can tell its name by, 16 bytes for `M` of 8.
//!
//! ```text
//! inner:  (first entry, count, child) (first entry, count, child) ...     up to 64
//! leaf:   (score, member) (score, member) ...                             up to 64, room in steps of 16
//! ```
//!
//! Each child's first entry is repeated above it, always one that is in the tree: a name is never asked of a
//! member that was removed. An ascending or descending series of insertions fills its leaves to the brim.
//! Walks go leaf by leaf, each found anew by its rank: one descent per some fifty entries, and no links to
//! keep. Not here: which score a member has (`zset_large`), what to do with NaN (never comes here).

use crate::ds::block::size_class;
use std::cmp::Ordering;

/// Entries of a leaf, and children of an inner node, at most.
const NODE_MAX: usize = 64;

/// A node with fewer is put together with a neighbour, if they have [`JOINED_MAX`] at most.
const NODE_MIN: usize = 16;

/// Room for more stays in a node that was put together.
const JOINED_MAX: usize = 48;

/// The room of a leaf grows by this many entries, the room of an inner node by half of it.
const ROOM_STEP: usize = 16;

/// What tells the name of a member: the order among equal scores.
pub trait Named: Copy {
    /// The name.
    fn name(&self) -> &[u8];
}

/// A member and its score, which is not NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<M> {
    /// The score.
    pub score: f64,
    /// The member.
    pub member: M,
}

/// Entries in the order of (score, name).
#[derive(Debug)]
pub struct Ranked<M> {
    root: Node<M>,
    len: usize,
    bytes: usize,
}

#[derive(Debug)]
enum Node<M> {
    Leaf(Vec<Entry<M>>),
    Inner(Vec<Child<M>>),
}

/// A node below an inner one, its first entry, and how many entries it has.
#[derive(Debug)]
struct Child<M> {
    first: Entry<M>,
    count: usize,
    node: Node<M>,
}

/// Which entry is meant.
#[derive(Clone, Copy)]
enum Aim<'k> {
    /// The one with this score and name.
    Key(f64, &'k [u8]),
    /// The one with so many before it.
    Rank(usize),
}

impl<M: Named> Entry<M> {
    /// How it compares with this score and name.
    pub fn order(&self, score: f64, name: &[u8]) -> Ordering {
        match self.score.partial_cmp(&score) {
            Some(Ordering::Equal) | None => self.member.name().cmp(name),
            Some(order) => order,
        }
    }
}

/// How many of `items`, which are in order, come before (`score`, `name`). Asks for names only where scores
/// are equal.
#[inline]
fn position<T, M: Named>(items: &[T], entry: impl Fn(&T) -> &Entry<M>, score: f64, name: &[u8]) -> usize {
    let below = items.partition_point(|item| entry(item).score < score);
    if items.get(below).is_none_or(|item| entry(item).score != score) {
        return below;
    }
    let equal = &items[below..];
    let equal = &equal[..equal.partition_point(|item| entry(item).score == score)];
    below + equal.partition_point(|item| entry(item).member.name() < name)
}

/// The child in which (`score`, `name`) lies, or would.
#[inline]
fn child_of<M: Named>(children: &[Child<M>], score: f64, name: &[u8]) -> usize {
    let at = position(children, |child| &child.first, score, name);
    // Children before `at` begin below the key; the one at `at` may begin with the very key.
    match children.get(at) {
        Some(child) if child.first.order(score, name).is_eq() => at,
        _ => at.saturating_sub(1),
    }
}

/// The child in which the entry at `rank` lies, and the entry's rank in there.
#[inline]
fn child_at<M>(children: &[Child<M>], mut rank: usize) -> Option<(usize, usize)> {
    for (at, child) in children.iter().enumerate() {
        if rank < child.count {
            return Some((at, rank));
        }
        rank -= child.count;
    }
    None
}

fn heap_bytes<T>(room: &Vec<T>) -> usize {
    if room.capacity() == 0 { 0 } else { size_class(room.capacity() * size_of::<T>()) }
}

/// Makes room for one more, in steps.
fn make_room<T>(items: &mut Vec<T>, step: usize, bytes: &mut usize) {
    if items.len() == items.capacity() {
        *bytes -= heap_bytes(items);
        items.reserve_exact(step);
        *bytes += heap_bytes(items);
    }
}

/// Gives room back where two steps or more are empty.
fn give_room<T>(items: &mut Vec<T>, step: usize, bytes: &mut usize) {
    if items.capacity() - items.len() >= 2 * step {
        *bytes -= heap_bytes(items);
        items.shrink_to((items.len() + 1).next_multiple_of(step));
        *bytes += heap_bytes(items);
    }
}

/// Takes what is from `cut` on into a vector of its own.
fn cut_off<T>(items: &mut Vec<T>, cut: usize, step: usize, bytes: &mut usize) -> Vec<T> {
    if cut == 0 {
        return std::mem::take(items);
    }
    let mut right = Vec::with_capacity((items.len() - cut + 1).next_multiple_of(step));
    right.extend(items.drain(cut..));
    *bytes += heap_bytes(&right);
    give_room(items, step, bytes);
    right
}

fn append<T>(left: &mut Vec<T>, right: Vec<T>, step: usize) {
    left.reserve_exact((left.len() + right.len()).next_multiple_of(step) - left.len());
    left.extend(right);
}

const CHILD_STEP: usize = ROOM_STEP / 2;

impl<M: Named> Node<M> {
    /// Entries of a leaf, children of an inner node.
    fn size(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(children) => children.len(),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Node::Leaf(leaf) => heap_bytes(leaf),
            Node::Inner(children) => heap_bytes(children),
        }
    }

    fn count(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(children) => children.iter().map(|child| child.count).sum(),
        }
    }

    /// The first entry; there is one in every node below the root.
    fn first(&self) -> Option<Entry<M>> {
        match self {
            Node::Leaf(leaf) => leaf.first().copied(),
            Node::Inner(children) => children.first().map(|child| child.first),
        }
    }

    /// Adds an entry; returns the second half where the node had to be split. `ends` says whether the node
    /// is the first and the last of its level: a series that grows there leaves full nodes behind.
    fn insert(&mut self, entry: Entry<M>, ends: (bool, bool), bytes: &mut usize) -> Option<Child<M>> {
        let (score, name) = (entry.score, entry.member.name());
        match self {
            Node::Leaf(leaf) => {
                let at = position(leaf, |entry| entry, score, name);
                if leaf.len() < NODE_MAX {
                    make_room(leaf, ROOM_STEP, bytes);
                    leaf.insert(at, entry);
                    return None;
                }
                let cut = match ends {
                    (_, true) if at == NODE_MAX => NODE_MAX,
                    (true, _) if at == 0 => 0,
                    _ => NODE_MAX / 2,
                };
                let mut right = cut_off(leaf, cut, ROOM_STEP, bytes);
                let (half, at) = if at < cut || at == 0 { (leaf, at) } else { (&mut right, at - cut) };
                make_room(half, ROOM_STEP, bytes);
                half.insert(at, entry);
                Some(Child { first: right[0], count: right.len(), node: Node::Leaf(right) })
            }
            Node::Inner(children) => {
                let at = child_of(children, score, name);
                let ends = (ends.0 && at == 0, ends.1 && at + 1 == children.len());
                let child = &mut children[at];
                child.count += 1;
                if at == 0 && child.first.order(score, name).is_gt() {
                    child.first = entry;
                }
                let split = child.node.insert(entry, ends, bytes)?;
                child.count -= split.count;
                make_room(children, CHILD_STEP, bytes);
                children.insert(at + 1, split);
                if children.len() <= NODE_MAX {
                    return None;
                }
                let cut = match ends {
                    (_, true) => NODE_MAX,
                    (true, _) => 1,
                    _ => NODE_MAX / 2,
                };
                let right = Node::Inner(cut_off(children, cut, CHILD_STEP, bytes));
                right.first().map(|first| Child { first, count: right.count(), node: right })
            }
        }
    }

    /// Takes an entry out, if it is there.
    fn remove(&mut self, aim: Aim<'_>, bytes: &mut usize) -> Option<Entry<M>> {
        match self {
            Node::Leaf(leaf) => {
                let at = match aim {
                    Aim::Rank(rank) => rank,
                    Aim::Key(score, name) => position(leaf, |entry| entry, score, name),
                };
                let there = leaf.get(at)?;
                if let Aim::Key(score, name) = aim
                    && there.order(score, name).is_ne()
                {
                    return None;
                }
                let entry = leaf.remove(at);
                give_room(leaf, ROOM_STEP, bytes);
                Some(entry)
            }
            Node::Inner(children) => {
                let (at, below) = match aim {
                    Aim::Rank(rank) => {
                        let (at, rank) = child_at(children, rank)?;
                        (at, Aim::Rank(rank))
                    }
                    Aim::Key(score, name) => (child_of(children, score, name), aim),
                };
                let child = &mut children[at];
                let entry = child.node.remove(below, bytes)?;
                child.count -= 1;
                if let Some(first) = child.node.first() {
                    child.first = first;
                }
                settle(children, at, bytes);
                give_room(children, CHILD_STEP, bytes);
                Some(entry)
            }
        }
    }

    /// Puts the entries of `right`, which come after ours, at our end. Both are of one level.
    fn join(&mut self, right: Node<M>, bytes: &mut usize) {
        *bytes -= self.heap_bytes() + right.heap_bytes();
        match (&mut *self, right) {
            (Node::Leaf(left), Node::Leaf(right)) => append(left, right, ROOM_STEP),
            (Node::Inner(left), Node::Inner(right)) => append(left, right, CHILD_STEP),
            _ => unreachable!("siblings are of one level"),
        }
        *bytes += self.heap_bytes();
    }

    /// Drops nodes from the end, about `budget` bytes of them.
    fn free_last(&mut self, budget: &mut usize, bytes: &mut usize) {
        let Node::Inner(children) = self else { return };
        while *budget > 0
            && let Some(last) = children.last_mut()
        {
            last.node.free_last(budget, bytes);
            if matches!(&last.node, Node::Inner(below) if !below.is_empty()) {
                return;
            }
            let freed = last.node.heap_bytes();
            *budget = budget.saturating_sub(freed);
            *bytes -= freed;
            children.pop();
        }
    }
}

/// After a removal below `children[at]`: drops it if it is empty, or puts it together with a neighbour if
/// both are small.
fn settle<M: Named>(children: &mut Vec<Child<M>>, at: usize, bytes: &mut usize) {
    let size = children[at].node.size();
    if size == 0 {
        *bytes -= children.remove(at).node.heap_bytes();
        return;
    }
    if size >= NODE_MIN {
        return;
    }
    let fits = |other: usize| children.get(other).is_some_and(|other| other.node.size() + size <= JOINED_MAX);
    let left = if fits(at + 1) {
        at
    } else if at > 0 && fits(at - 1) {
        at - 1
    } else {
        return;
    };
    let right = children.remove(left + 1);
    children[left].count += right.count;
    children[left].node.join(right.node, bytes);
}

impl<M: Named> Default for Ranked<M> {
    fn default() -> Self {
        Ranked { root: Node::Leaf(Vec::new()), len: 0, bytes: 0 }
    }
}

impl<M: Named> Ranked<M> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Heap bytes of the nodes. O(1).
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an entry that is not there. O(log n).
    pub fn insert(&mut self, score: f64, member: M) {
        let Some(right) = self.root.insert(Entry { score, member }, (true, true), &mut self.bytes) else {
            self.len += 1;
            return;
        };
        self.len += 1;
        let left = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
        if let Some(first) = left.first() {
            let children = vec![Child { first, count: self.len - right.count, node: left }, right];
            self.bytes += heap_bytes(&children);
            self.root = Node::Inner(children);
        }
    }

    /// Takes the entry with this score and name out; `None`: there is none. O(log n).
    pub fn remove(&mut self, score: f64, name: &[u8]) -> Option<Entry<M>> {
        self.take(Aim::Key(score, name))
    }

    /// Takes the entry at `rank` out. O(log n).
    pub fn remove_at(&mut self, rank: usize) -> Option<Entry<M>> {
        self.take(Aim::Rank(rank))
    }

    fn take(&mut self, aim: Aim<'_>) -> Option<Entry<M>> {
        let entry = self.root.remove(aim, &mut self.bytes)?;
        self.len -= 1;
        while let Node::Inner(children) = &mut self.root
            && children.len() <= 1
        {
            self.bytes -= heap_bytes(children);
            self.root = children.pop().map_or(Node::Leaf(Vec::new()), |only| only.node);
        }
        Some(entry)
    }

    /// Gives the entry with score `old` and this name the score `new`. O(log n); with nothing moved but
    /// entries of one leaf where the entry stays in it.
    pub fn rescore(&mut self, old: f64, name: &[u8], new: f64) {
        let mut node = &mut self.root;
        while let Node::Inner(children) = node {
            let at = child_of(children, old, name);
            node = &mut children[at].node;
        }
        if let Node::Leaf(leaf) = node
            && move_inside(leaf, old, name, new)
        {
            return;
        }
        if let Some(entry) = self.remove(old, name) {
            self.insert(new, entry.member);
        }
    }

    /// The number of entries before the one with this score and name, whether that is there or not. O(log n).
    pub fn rank(&self, score: f64, name: &[u8]) -> usize {
        let (mut node, mut before) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => return before + position(leaf, |entry| entry, score, name),
                Node::Inner(children) => {
                    let at = child_of(children, score, name);
                    before += children[..at].iter().map(|child| child.count).sum::<usize>();
                    node = &children[at].node;
                }
            }
        }
    }

    /// How many entries satisfy `before`, which must hold for a first part of them and for no other. O(log n).
    pub fn count_while(&self, before: impl Fn(&Entry<M>) -> bool) -> usize {
        let (mut node, mut count) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => return count + leaf.partition_point(&before),
                Node::Inner(children) => {
                    let at = children.partition_point(|child| before(&child.first)).saturating_sub(1);
                    count += children[..at].iter().map(|child| child.count).sum::<usize>();
                    node = &children[at].node;
                }
            }
        }
    }

    /// The leaf that holds the entry at `rank`, and where in it.
    fn leaf(&self, rank: usize) -> Option<(&[Entry<M>], usize)> {
        let (mut node, mut rank) = (&self.root, rank);
        loop {
            match node {
                Node::Leaf(leaf) => return (rank < leaf.len()).then_some((leaf, rank)),
                Node::Inner(children) => {
                    let (at, below) = child_at(children, rank)?;
                    (node, rank) = (&children[at].node, below);
                }
            }
        }
    }

    /// The entry at `rank`. O(log n).
    pub fn get(&self, rank: usize) -> Option<&Entry<M>> {
        self.leaf(rank).map(|(leaf, at)| &leaf[at])
    }

    /// Up to `count` entries from `rank` on, upwards. Amortised O(1) each.
    pub fn upwards(&self, rank: usize, count: usize) -> impl Iterator<Item = &Entry<M>> {
        let mut next = rank;
        let end = rank.saturating_add(count).min(self.len);
        let mut leaf = [].iter();
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            if leaf.len() == 0 {
                let (entries, at) = self.leaf(next)?;
                leaf = entries[at..].iter();
            }
            next += 1;
            leaf.next()
        })
    }

    /// Up to `count` entries from `rank` on, downwards. Amortised O(1) each.
    pub fn downwards(&self, rank: usize, count: usize) -> impl Iterator<Item = &Entry<M>> {
        let mut next = if rank < self.len { rank + 1 } else { 0 };
        let end = next.saturating_sub(count);
        let mut leaf = [].iter();
        std::iter::from_fn(move || {
            if next <= end {
                return None;
            }
            next -= 1;
            if leaf.len() == 0 {
                let (entries, at) = self.leaf(next)?;
                leaf = entries[..=at].iter();
            }
            leaf.next_back()
        })
    }

    /// Frees about `bytes` bytes of a tree that nobody reads any more; true: there is more.
    pub fn free_part(&mut self, bytes: usize) -> bool {
        self.len = 0;
        let mut budget = bytes.max(1);
        self.root.free_last(&mut budget, &mut self.bytes);
        if budget > 0 {
            *self = Ranked::default();
        }
        !matches!(&self.root, Node::Leaf(_))
    }
}

/// Moves an entry inside its leaf, if it neither is nor becomes the first there, nor becomes the last: then
/// nothing above changes. False: not so.
fn move_inside<M: Named>(leaf: &mut [Entry<M>], old: f64, name: &[u8], new: f64) -> bool {
    let from = position(leaf, |entry| entry, old, name);
    let to = position(leaf, |entry| entry, new, name);
    if from == 0 || to == 0 || to >= leaf.len() || leaf[from].order(old, name).is_ne() {
        return false;
    }
    leaf[from].score = new;
    if from < to {
        leaf[from..to].rotate_left(1);
    } else {
        leaf[to..=from].rotate_right(1);
    }
    true
}

#[cfg(test)]
#[path = "ranked_tests.rs"]
mod tests;
