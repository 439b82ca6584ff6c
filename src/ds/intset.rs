//! Sorted integers side by side, in Redis's own bytes, so that DUMP is a copy and RESTORE a check.
//!
//! ```text
//! | width: 2, 4 or 8 | count | integers of that width, ascending |     all little-endian
//!   4 B                4 B
//! ```
//!
//! The width grows with the first integer that needs it and never shrinks. The allocation may be larger than
//! what is used: room is taken in the allocator's own steps, so most insertions only move bytes.

use crate::ds::block::size_class;

/// A set of integers; an empty one has no allocation.
#[derive(Clone, Debug, Default)]
pub struct Intset {
    bytes: Box<[u8]>,
}

const HEADER: usize = 8;

/// An allocation of at least this size gives memory back when half of it is free.
const SHRINK_BYTES_MIN: usize = 128;

/// Bytes that an integer needs.
fn width_of(value: i64) -> usize {
    if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    }
}

fn read<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// The integer at `index` among integers of `width` bytes.
#[inline]
fn value_at(bytes: &[u8], width: usize, index: usize) -> i64 {
    let at = HEADER + index * width;
    match width {
        2 => i64::from(i16::from_le_bytes(read(bytes, at))),
        4 => i64::from(i32::from_le_bytes(read(bytes, at))),
        _ => i64::from_le_bytes(read(bytes, at)),
    }
}

impl Intset {
    /// An empty set.
    pub fn new() -> Intset {
        Intset::default()
    }

    /// The set with these bytes; None unless they are one as [`Intset::as_bytes`] gives it, of one integer at
    /// least. O(n).
    pub fn from_bytes(bytes: &[u8]) -> Option<Intset> {
        if bytes.len() < HEADER {
            return None;
        }
        let set = Intset { bytes: bytes.into() };
        let (width, len) = (set.width(), set.len());
        let whole = matches!(width, 2 | 4 | 8) && len > 0 && set.used() == bytes.len();
        (whole && set.iter().is_sorted_by(|one, next| one < next)).then_some(set)
    }

    /// Redis's bytes of a set that is not empty.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.used().min(self.bytes.len())]
    }

    /// Heap bytes.
    pub fn bytes(&self) -> usize {
        if self.bytes.is_empty() { 0 } else { size_class(self.bytes.len()) }
    }

    #[inline]
    fn width(&self) -> usize {
        if self.bytes.is_empty() { 2 } else { u32::from_le_bytes(read(&self.bytes, 0)) as usize }
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        if self.bytes.is_empty() { 0 } else { u32::from_le_bytes(read(&self.bytes, 4)) as usize }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn used(&self) -> usize {
        self.len().saturating_mul(self.width()).saturating_add(HEADER)
    }

    fn set_len(&mut self, len: usize) {
        self.bytes[4..8].copy_from_slice(&(len as u32).to_le_bytes());
    }

    /// The integer at `index` in ascending order; below [`Intset::len`].
    pub fn get(&self, index: usize) -> i64 {
        value_at(&self.bytes, self.width(), index)
    }

    /// All integers, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = i64> + DoubleEndedIterator {
        let width = self.width();
        (0..self.len()).map(move |index| value_at(&self.bytes, width, index))
    }

    /// Where a value is, or where it would go. O(log n), O(1) beyond either end.
    fn search(&self, value: i64) -> Result<usize, usize> {
        let (width, len) = (self.width(), self.len());
        if len == 0 || width_of(value) > width {
            return Err(if value < 0 { 0 } else { len });
        }
        if value > value_at(&self.bytes, width, len - 1) {
            return Err(len);
        }
        let (mut low, mut high) = (0, len);
        while low < high {
            let middle = low.midpoint(high);
            match value_at(&self.bytes, width, middle) {
                found if found < value => low = middle + 1,
                found if found > value => high = middle,
                _ => return Ok(middle),
            }
        }
        Err(low)
    }

    /// Whether a value is in the set.
    pub fn contains(&self, value: i64) -> bool {
        self.search(value).is_ok()
    }

    /// Adds a value; false: it was there. Moves what is larger; with a width that grows, everything.
    pub fn insert(&mut self, value: i64) -> bool {
        let Err(index) = self.search(value) else { return false };
        if width_of(value) > self.width() || self.bytes.is_empty() {
            self.widen(width_of(value).max(self.width()));
        }
        let (width, used, len) = (self.width(), self.used(), self.len());
        if used + width > self.bytes.len() {
            self.resize(size_class(used + width));
        }
        let at = HEADER + index * width;
        self.bytes.copy_within(at..used, at + width);
        self.write(index, width, value);
        self.set_len(len + 1);
        true
    }

    /// Removes a value; false: it was not there. Moves what is larger.
    pub fn remove(&mut self, value: i64) -> bool {
        let Ok(index) = self.search(value) else { return false };
        self.remove_at(index);
        true
    }

    /// Removes the integer at `index`.
    pub fn remove_at(&mut self, index: usize) {
        let (width, used, len) = (self.width(), self.used(), self.len());
        let at = HEADER + index * width;
        self.bytes.copy_within(at + width..used, at);
        self.set_len(len - 1);
        if self.bytes.len() >= SHRINK_BYTES_MIN && used * 2 <= self.bytes.len() {
            self.resize(size_class(used - width));
        }
    }

    fn write(&mut self, index: usize, width: usize, value: i64) {
        let at = HEADER + index * width;
        // Of a number that fits, the lower bytes are the number.
        self.bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
    }

    /// Changes the allocation to `size` bytes, not below what is used.
    fn resize(&mut self, size: usize) {
        let mut bytes = Vec::from(std::mem::take(&mut self.bytes));
        bytes.reserve_exact(size.saturating_sub(bytes.len()));
        bytes.resize(size, 0);
        self.bytes = bytes.into_boxed_slice();
    }

    /// Gives every integer `width` bytes, and room for one more.
    fn widen(&mut self, width: usize) {
        let mut wide = Intset { bytes: vec![0; size_class(HEADER + (self.len() + 1) * width)].into() };
        wide.bytes[..4].copy_from_slice(&(width as u32).to_le_bytes());
        for (index, value) in self.iter().enumerate() {
            wide.write(index, width, value);
        }
        wide.set_len(self.len());
        *self = wide;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::prng::Prng;
    use std::collections::BTreeSet;

    #[test]
    fn the_bytes_are_redis_s() {
        let mut set = Intset::new();
        assert_eq!((set.len(), set.bytes()), (0, 0));
        assert!(set.insert(5) && set.insert(-1) && !set.insert(5));
        assert_eq!(set.as_bytes(), b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0");
        assert!(set.insert(70_000));
        assert_eq!(set.as_bytes(), b"\x04\0\0\0\x03\0\0\0\xff\xff\xff\xff\x05\0\0\0\x70\x11\x01\0");
        assert!(set.insert(i64::MIN) && set.insert(i64::MAX));
        assert_eq!(set.iter().collect::<Vec<_>>(), [i64::MIN, -1, 5, 70_000, i64::MAX]);
        assert_eq!(set.as_bytes().len(), 8 + 5 * 8);
    }

    #[test]
    fn bytes_that_are_no_set_are_refused() {
        let good = b"\x02\0\0\0\x02\0\0\0\x01\0\x05\0";
        assert_eq!(Intset::from_bytes(good).map(|set| set.iter().collect()), Some(vec![1, 5]));
        let bad: [&[u8]; 8] = [
            b"",
            b"\x02\0\0\0\x02\0\0",
            b"\x02\0\0\0\0\0\0\0",
            b"\x03\0\0\0\x02\0\0\0\x01\0\x05\0",
            b"\x02\0\0\0\x03\0\0\0\x01\0\x05\0",
            b"\x02\0\0\0\xff\xff\xff\xff\x01\0\x05\0",
            b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0",
            b"\x02\0\0\0\x02\0\0\0\x05\0\x01\0",
        ];
        for bytes in bad {
            assert!(Intset::from_bytes(bytes).is_none(), "{bytes:?}");
        }
        for cut in 0..good.len() {
            assert!(Intset::from_bytes(&good[..cut]).is_none(), "{cut}");
        }
    }

    #[test]
    fn random_changes_equal_a_model() {
        for seed in 0..30 {
            let mut prng = Prng::new(seed);
            let (mut set, mut model) = (Intset::new(), BTreeSet::new());
            let wide = prng.below(40) as u32;
            for step in 0..if cfg!(miri) { 100 } else { 1_500 } {
                let span = 60 << if prng.one_in(50) { wide } else { 0 };
                let value = prng.below(span) as i64 - (span / 2) as i64;
                let what = format!("seed {seed} step {step} value {value}");
                if prng.one_in(3) {
                    assert_eq!(set.remove(value), model.remove(&value), "{what}");
                } else {
                    assert_eq!(set.insert(value), model.insert(value), "{what}");
                }
                assert_eq!(set.contains(value), model.contains(&value), "{what}");
                assert_eq!(set.len(), model.len(), "{what}");
                assert!(set.bytes() <= 64 + 2 * set.used() && set.bytes() >= set.as_bytes().len(), "{what}");
                if step % 50 == 0 {
                    assert!(set.iter().eq(model.iter().copied()), "{what}");
                    assert!(model.iter().enumerate().all(|(at, &value)| set.get(at) == value), "{what}");
                    let copy = Intset::from_bytes(set.as_bytes());
                    let equal = copy.is_some_and(|copy| copy.iter().eq(set.iter()));
                    assert!(equal || set.is_empty(), "{what}");
                }
            }
        }
    }
}
