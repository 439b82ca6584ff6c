//! A sorted set: members, each with a score, in the order of scores and among equal scores of members.
//!
//! ```text
//! few, short members:  Packed: member, score, member, score, ...   in order, one allocation
//! more:                Large:  a dictionary and a counted tree     see zset_large
//! ```
//!
//! Everything between two members is said in ranks, counted from 0 at the lowest: a range of scores or of names
//! is turned into ranks first ([`Zset::scores_below`], [`Zset::names_between`]) and then walked, counted or
//! removed. A score is never NaN: whoever makes scores sees to that. A small set becomes a large one when it
//! passes the limits of [`Shapes`], never the other way.

use crate::base::number::{F64Text, parse_f64};
use crate::ds::Shapes;
use crate::ds::block::{Anchor, size_class};
use crate::ds::dict::Remains;
use crate::ds::packed::{Item, Items, Needle, Packed};
use crate::ds::ranked::Ranked;
use crate::ds::zset_large::{Large, Nothing};
use std::cmp::Ordering;

pub use crate::ds::zset_large::Tally;

/// Members with scores.
#[derive(Clone, Debug, Default)]
pub struct Zset(Form);

#[derive(Clone, Debug)]
enum Form {
    Small(Packed),
    Large(Box<Large>),
    /// Being freed; empty to everybody.
    Freed(Box<Freed>),
}

#[derive(Debug)]
struct Freed {
    tree: Ranked<Anchor>,
    dict: Remains<Nothing>,
}

const _: () = assert!(size_of::<Zset>() <= 24);

/// Blocks freed between two looks at how much that was.
const FREE_BLOCKS: usize = 64;

impl Default for Form {
    fn default() -> Form {
        Form::Small(Packed::new())
    }
}

impl Clone for Freed {
    fn clone(&self) -> Freed {
        unreachable!("a sorted set that is being freed has left its key")
    }
}

/// What came of [`Zset::update`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// The member is new.
    Added,
    /// It has another score.
    Moved,
    /// Nothing changed.
    Kept,
}

/// A member, its score, and where its entries are: the member's, then the score's.
#[derive(Clone, Copy)]
struct Pair<'a> {
    offset: usize,
    member: Item<'a>,
    score: Item<'a>,
}

impl Pair<'_> {
    fn score(self) -> f64 {
        score_of(self.score)
    }

    fn order(self, score: f64, member: &[u8]) -> Ordering {
        match self.score().partial_cmp(&score) {
            Some(Ordering::Equal) | None => self.member.bytes(&mut itoa::Buffer::new()).cmp(member),
            Some(order) => order,
        }
    }
}

fn score_of(item: Item<'_>) -> f64 {
    match item {
        Item::Int(int) => int as f64,
        // What we write is a number, and what others wrote was checked by `from_packed`.
        Item::Bytes(text) => parse_f64(text).unwrap_or(0.0),
    }
}

/// Members and scores of a listpack, from both ends.
struct Pairs<'a>(Items<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        let (offset, member) = self.0.next()?;
        let (_, score) = self.0.next()?;
        Some(Pair { offset, member, score })
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let (_, score) = self.0.next_back()?;
        let (offset, member) = self.0.next_back()?;
        Some(Pair { offset, member, score })
    }
}

fn pairs(packed: &Packed) -> Pairs<'_> {
    Pairs(packed.iter())
}

fn find<'p>(packed: &'p Packed, member: &[u8]) -> Option<Pair<'p>> {
    let needle = Needle::new(member);
    pairs(packed).find(|pair| needle.is(pair.member))
}

/// Whole numbers up to here are stored as integers, and so without the sign of zero.
const WHOLE_MAX: f64 = (i64::MAX / 2) as f64;

/// Adds an entry for a score.
fn insert_score(packed: &mut Packed, offset: usize, score: f64) {
    if score.abs() <= WHOLE_MAX && score == score.trunc() {
        packed.insert_before(offset, itoa::Buffer::new().format(score as i64).as_bytes());
    } else {
        packed.insert_before(offset, F64Text::new(score).as_bytes());
    }
}

/// Adds a member that is not there, at its place.
fn place(packed: &mut Packed, member: &[u8], score: f64) {
    // A series of rising scores is placed without a walk.
    let is_last = pairs(packed).next_back().is_none_or(|last| last.order(score, member).is_lt());
    let next = if is_last { None } else { pairs(packed).find(|pair| pair.order(score, member).is_gt()) };
    let offset = next.map_or(packed.end(), |next| next.offset);
    insert_score(packed, offset, score);
    packed.insert_before(offset, member);
}

impl Zset {
    /// How many members there are. O(1).
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Small(packed) => packed.len() / 2,
            Form::Large(large) => large.len(),
            Form::Freed(_) => 0,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap bytes. O(1).
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Form::Small(packed) => packed.bytes(),
            Form::Large(large) => size_class(size_of::<Large>()) + large.bytes(),
            Form::Freed(freed) => size_class(size_of::<Freed>()) + freed.tree.bytes() + freed.dict.bytes(),
        }
    }

    /// `OBJECT ENCODING`.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Form::Small(_) => "listpack",
            Form::Large(_) | Form::Freed(_) => "skiplist",
        }
    }

    /// The bytes of the small form: member, score, member, score, in order.
    pub fn as_packed(&self) -> Option<&Packed> {
        if let Form::Small(packed) = &self.0 { Some(packed) } else { None }
    }

    /// A sorted set from a listpack that somebody else wrote; `None`: it is none, because scores are not
    /// numbers, or it is not in order, or a member is there twice. Too many members make it large, too long ones
    /// do not: so Redis takes it. O(n log n).
    pub fn from_packed(packed: Packed, shapes: &Shapes) -> Option<Zset> {
        if !packed.len().is_multiple_of(2) {
            return None;
        }
        let mut members = Vec::with_capacity(packed.len() / 2);
        let mut last: Option<(f64, Vec<u8>)> = None;
        for pair in pairs(&packed) {
            let score = match pair.score {
                Item::Int(int) => int as f64,
                Item::Bytes(text) => parse_f64(text)?,
            };
            let member = pair.member.to_vec();
            if last.is_some_and(|(below, name)| below > score || below == score && name >= member) {
                return None;
            }
            members.push(member.clone());
            last = Some((score, member));
        }
        members.sort_unstable();
        if members.windows(2).any(|two| two[0] == two[1]) {
            return None;
        }
        let fits = members.len() <= shapes.zset_max_listpack_entries;
        let mut zset = Zset(Form::Small(packed));
        if !fits {
            zset.enlarge(shapes);
        }
        Some(zset)
    }

    /// A sorted set of what was summed up, as small as it may be. O(n log n).
    pub fn from_tally(tally: Tally, shapes: &Shapes) -> Zset {
        if tally.len() > shapes.zset_max_listpack_entries || tally.longest() > shapes.zset_max_listpack_value
        {
            return Zset(Form::Large(Box::new(tally.into_large())));
        }
        let mut packed = Packed::new();
        tally.for_each(|member, score| {
            packed.push_back(member);
            let end = packed.end();
            insert_score(&mut packed, end, score);
        });
        Zset(Form::Small(packed))
    }

    /// The score of a member. O(1); small: O(n).
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.0 {
            Form::Small(packed) => find(packed, member).map(Pair::score),
            Form::Large(large) => large.score(member),
            Form::Freed(_) => None,
        }
    }

    /// How many members are before this one. O(log n); small: O(n).
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        match &self.0 {
            Form::Small(packed) => {
                let needle = Needle::new(member);
                pairs(packed).position(|pair| needle.is(pair.member))
            }
            Form::Large(large) => Some(large.tree().rank(large.score(member)?, member)),
            Form::Freed(_) => None,
        }
    }

    /// Gives a member the score that `decide` makes of the one it has, if any; `None`: leaves it as it is.
    /// The score is not NaN. One lookup. O(log n); small: O(n).
    pub fn update(
        &mut self,
        shapes: &Shapes,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Placed {
        let packed = match &mut self.0 {
            Form::Small(packed) => packed,
            Form::Large(large) => return large.update(member, decide),
            Form::Freed(_) => return Placed::Kept,
        };
        if let Some(pair) = find(packed, member) {
            let (offset, old) = (pair.offset, pair.score());
            return match decide(Some(old)) {
                Some(new) if new != old => {
                    packed.remove(offset, 2);
                    place(packed, member, new);
                    Placed::Moved
                }
                _ => Placed::Kept,
            };
        }
        let Some(score) = decide(None) else { return Placed::Kept };
        if packed.len() / 2 < shapes.zset_max_listpack_entries
            && member.len() <= shapes.zset_max_listpack_value
            && packed.has_room_for(member)
        {
            place(packed, member, score);
            return Placed::Added;
        }
        self.enlarge(shapes).update(member, |_| Some(score))
    }

    /// Gives it its large form, however small it is.
    pub fn make_large(&mut self, shapes: &Shapes) {
        self.enlarge(shapes);
    }

    /// Makes the large form of what is small.
    fn enlarge(&mut self, shapes: &Shapes) -> &mut Large {
        if let Form::Small(packed) = &self.0 {
            let mut large = Box::new(Large::new(shapes.owners));
            let mut digits = itoa::Buffer::new();
            for pair in pairs(packed) {
                large.update(pair.member.bytes(&mut digits), |_| Some(pair.score()));
            }
            self.0 = Form::Large(large);
        }
        match &mut self.0 {
            Form::Large(large) => large,
            Form::Small(_) | Form::Freed(_) => {
                unreachable!("a sorted set that is changed is not being freed")
            }
        }
    }

    /// Removes a member; its score. O(log n); small: O(n).
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.0 {
            Form::Small(packed) => {
                let pair = find(packed, member)?;
                let (offset, score) = (pair.offset, pair.score());
                packed.remove(offset, 2);
                Some(score)
            }
            Form::Large(large) => large.remove(member),
            Form::Freed(_) => None,
        }
    }

    /// How many members have a score for which `below` holds: for a first part of them, and no other.
    /// O(log n); small: O(n).
    pub fn scores_below(&self, below: impl Fn(f64) -> bool) -> usize {
        match &self.0 {
            Form::Small(packed) => pairs(packed).take_while(|pair| below(pair.score())).count(),
            Form::Large(large) => large.tree().count_while(|entry| below(entry.score)),
            Form::Freed(_) => 0,
        }
    }

    /// The members that come behind the lower bound (`above` holds) and before the upper (`below` holds), of a
    /// set whose scores are all equal: the lowest one's rank, and how many. Of other sets it is what a walk from
    /// the lowest (or, `downwards`, from the highest) finds in one piece, if the set is small; of large ones
    /// nothing that means anything. O(log n); small: O(n).
    pub fn names_between(
        &self,
        downwards: bool,
        above: impl Fn(&[u8]) -> bool,
        below: impl Fn(&[u8]) -> bool,
    ) -> (usize, usize) {
        match &self.0 {
            Form::Small(packed) => {
                let holds = |pair: &Pair<'_>, test: &dyn Fn(&[u8]) -> bool| {
                    test(pair.member.bytes(&mut itoa::Buffer::new()))
                };
                let (Some(first), Some(last)) = (pairs(packed).next(), pairs(packed).next_back()) else {
                    return (0, 0);
                };
                if !holds(&last, &above) || !holds(&first, &below) {
                    return (0, 0);
                }
                let count_while = |count: &mut usize, ok: bool| {
                    *count += usize::from(ok);
                    ok
                };
                let (mut skipped, mut count) = (0, 0);
                if downwards {
                    let inside = pairs(packed)
                        .rev()
                        .skip_while(|pair| count_while(&mut skipped, !holds(pair, &below)));
                    count = inside.take_while(|pair| holds(pair, &above)).count();
                    return (self.len() - skipped - count, count);
                }
                let inside = pairs(packed).skip_while(|pair| count_while(&mut skipped, !holds(pair, &above)));
                count += inside.take_while(|pair| holds(pair, &below)).count();
                (skipped, count)
            }
            Form::Large(large) => {
                let from = large.tree().count_while(|entry| !above(entry.member.key()));
                let to = large.tree().count_while(|entry| below(entry.member.key()));
                (from, to.saturating_sub(from))
            }
            Form::Freed(_) => (0, 0),
        }
    }

    /// Shows up to `count` members from `rank` on, upwards or downwards. O(log n + count); small: O(n).
    pub fn walk(&self, rank: usize, count: usize, downwards: bool, mut show: impl FnMut(&[u8], f64)) {
        match &self.0 {
            Form::Small(packed) => {
                let mut digits = itoa::Buffer::new();
                let mut show = |pair: Pair<'_>| show(pair.member.bytes(&mut digits), pair.score());
                if downwards {
                    if let Some(skip) = (packed.len() / 2).checked_sub(rank.saturating_add(1)) {
                        pairs(packed).rev().skip(skip).take(count).for_each(&mut show);
                    }
                } else {
                    pairs(packed).skip(rank).take(count).for_each(&mut show);
                }
            }
            Form::Large(large) if downwards => {
                large.tree().downwards(rank, count).for_each(|entry| show(entry.member.key(), entry.score));
            }
            Form::Large(large) => {
                large.tree().upwards(rank, count).for_each(|entry| show(entry.member.key(), entry.score));
            }
            Form::Freed(_) => {}
        }
    }

    /// Removes up to `count` members from `rank` on, and returns how many. O(count * log n); small: O(n).
    pub fn remove_range(&mut self, rank: usize, count: usize) -> usize {
        let count = count.min(self.len().saturating_sub(rank));
        match &mut self.0 {
            Form::Small(packed) => {
                if let Some(offset) = packed.at(2 * rank as i64) {
                    packed.remove(offset, 2 * count);
                }
            }
            Form::Large(large) => (0..count).for_each(|_| large.remove_at(rank, &mut |_, _| {})),
            Form::Freed(_) => {}
        }
        count
    }

    /// Removes up to `count` members from the lowest on, or from the highest on, and shows each.
    /// O(count * log n); small: O(n).
    pub fn pop(&mut self, count: usize, highest: bool, mut show: impl FnMut(&[u8], f64)) {
        let len = self.len();
        let count = count.min(len);
        match &mut self.0 {
            Form::Large(large) => {
                for popped in 0..count {
                    large.remove_at(if highest { len - 1 - popped } else { 0 }, &mut show);
                }
            }
            Form::Small(_) if highest => {
                self.walk(len.saturating_sub(1), count, true, show);
                self.remove_range(len - count, count);
            }
            Form::Small(_) => {
                self.walk(0, count, false, show);
                self.remove_range(0, count);
            }
            Form::Freed(_) => {}
        }
    }

    /// Shows members from a cursor on, at least about `count`, each with its score as it prints, and returns the
    /// cursor to go on with, 0 at the end: `ZSCAN`. A small set is shown whole, its scores as they are stored.
    pub fn scan(&self, cursor: u64, count: usize, mut show: impl FnMut(&[u8], &[u8])) -> u64 {
        match &self.0 {
            Form::Large(large) => large.scan(cursor, count, &mut |member, score| {
                show(member, F64Text::new(score).as_bytes());
            }),
            Form::Small(packed) => {
                let (mut name, mut digits) = (itoa::Buffer::new(), itoa::Buffer::new());
                for pair in pairs(packed) {
                    show(pair.member.bytes(&mut name), pair.score.bytes(&mut digits));
                }
                0
            }
            Form::Freed(_) => 0,
        }
    }

    /// Gives back about `bytes` bytes of a set that nobody reads any more; true: there is more.
    pub fn free_part(&mut self, bytes: usize) -> bool {
        if let Form::Large(_) = &self.0
            && let Form::Large(large) = std::mem::take(&mut self.0)
        {
            let (tree, dict) = large.into_parts();
            self.0 = Form::Freed(Box::new(Freed { tree, dict }));
        }
        let Form::Freed(freed) = &mut self.0 else {
            self.0 = Form::default();
            return false;
        };
        let left = |freed: &Freed| freed.tree.bytes() + freed.dict.bytes();
        let target = left(freed).saturating_sub(bytes);
        while left(freed) > target {
            if !freed.tree.free_part(bytes) && !freed.dict.free(FREE_BLOCKS, drop) {
                break;
            }
        }
        let more = left(freed) > 0 && !freed.dict.is_empty();
        if !more {
            self.0 = Form::default();
        }
        more
    }
}

#[cfg(test)]
#[path = "zset_tests.rs"]
mod tests;
