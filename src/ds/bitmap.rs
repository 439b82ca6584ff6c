//! A byte string as a row of bits: counted, searched, combined, and cut into integers.
//!
//! Bit 0 is the highest bit of byte 0, so that a string of bits reads from left to right. Whole words
//! do the work: edges are masked, what lies between is taken eight bytes at a time. Behind the end of a
//! string there are zeros, as far as anybody looks.
//! Not here: how a string grows, and which arguments are allowed.

use std::ops::Range;

/// Bytes combined at a time: small enough that a piece of every source stays in the cache.
const PIECE_BYTES: usize = 8 << 10;

/// The bit at `at`, false behind the end.
pub fn get(bytes: &[u8], at: usize) -> bool {
    bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
}

/// Sets the bit at `at`, which must lie inside, and returns what it was.
pub fn set(bytes: &mut [u8], at: usize, on: bool) -> bool {
    let (byte, mask) = (&mut bytes[at / 8], 0x80_u8 >> (at % 8));
    let old = *byte & mask != 0;
    *byte = if on { *byte | mask } else { *byte & !mask };
    old
}

/// How many bits of a range are set; the range ends within the string. O(bytes).
pub fn count(bytes: &[u8], range: Range<usize>) -> u64 {
    if range.is_empty() {
        return 0;
    }
    let (first, last) = (range.start / 8, (range.end - 1) / 8);
    let head_mask = 0xff_u8 >> (range.start % 8);
    let tail_mask = 0xff_u8 << (7 - (range.end - 1) % 8);
    if first == last {
        return u64::from((bytes[first] & head_mask & tail_mask).count_ones());
    }
    let edges = (bytes[first] & head_mask).count_ones() + (bytes[last] & tail_mask).count_ones();
    let (words, rest) = bytes[first + 1..last].as_chunks::<8>();
    let whole: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    let rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
    u64::from(edges + rest) + whole
}

/// The first bit of a range that is set, or that is clear; the range ends within the string. O(bytes).
pub fn find(bytes: &[u8], range: Range<usize>, set: bool) -> Option<usize> {
    if range.is_empty() {
        return None;
    }
    // Whatever is looked for becomes ones.
    let flip = if set { 0 } else { 0xff_u8 };
    let (first, last) = (range.start / 8, (range.end - 1) / 8);
    let within = |at: usize, byte: u8| {
        let head = if at == first { 0xff_u8 >> (range.start % 8) } else { 0xff };
        let tail = if at == last { 0xff_u8 << (7 - (range.end - 1) % 8) } else { 0xff };
        let ones = (byte ^ flip) & head & tail;
        (ones != 0).then(|| at * 8 + ones.leading_zeros() as usize)
    };
    if let Some(found) = within(first, bytes[first]) {
        return Some(found);
    }
    if first == last {
        return None;
    }
    let middle = &bytes[first + 1..last];
    let (words, _) = middle.as_chunks::<8>();
    let dull = words.iter().take_while(|word| **word == [flip; 8]).count() * 8;
    (first + 1 + dull..=last).find_map(|at| within(at, bytes[at]))
}

/// How strings are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Bits that all have.
    And,
    /// Bits that any has.
    Or,
    /// Bits that an odd number has.
    Xor,
    /// Bits that the only string has not.
    Not,
}

/// Combines strings, as long as the longest of them; the others are continued by zeros. O(all bytes).
pub fn combine(operation: Operation, sources: &[&[u8]]) -> Vec<u8> {
    let length = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    let Some((first, others)) = sources.split_first() else { return Vec::new() };
    let mut result = Vec::with_capacity(length);
    result.extend_from_slice(first);
    if operation == Operation::Not {
        result.iter_mut().for_each(|byte| *byte = !*byte);
        return result;
    }
    result.resize(length, 0);
    for start in (0..length).step_by(PIECE_BYTES) {
        let end = length.min(start + PIECE_BYTES);
        for source in others {
            let source = &source[start.min(source.len())..end.min(source.len())];
            let (shared, behind) = result[start..end].split_at_mut(source.len());
            match operation {
                Operation::And => {
                    shared.iter_mut().zip(source).for_each(|(to, from)| *to &= from);
                    behind.fill(0);
                }
                Operation::Or => shared.iter_mut().zip(source).for_each(|(to, from)| *to |= from),
                Operation::Xor | Operation::Not => {
                    shared.iter_mut().zip(source).for_each(|(to, from)| *to ^= from);
                }
            }
        }
    }
    result
}

/// An integer inside a string of bits: its highest bit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Whether it is in two's complement.
    pub signed: bool,
    /// Its width: 1 to 64, or to 63 if it is unsigned.
    pub bits: u32,
}

/// What happens to a value that does not fit a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Its upper bits are dropped.
    Wrap,
    /// The nearest value that fits takes its place.
    Saturate,
    /// Nothing is written.
    Fail,
}

impl Field {
    /// The value of the field at bit `at`; what lies behind the end is zero.
    pub fn get(self, bytes: &[u8], at: usize) -> i64 {
        let first = at / 8;
        let mut wide = [0_u8; 16];
        let there = bytes.len().saturating_sub(first).min(9);
        wide[..there].copy_from_slice(&bytes[first.min(bytes.len())..][..there]);
        // The field's highest bit goes to the top, then down to where the integer starts.
        let top = u128::from_be_bytes(wide) << (at % 8);
        let down = 128 - self.bits;
        if self.signed { (top as i128 >> down) as i64 } else { (top >> down) as i64 }
    }

    /// Writes a value that fits into the field at bit `at`, which must lie inside.
    pub fn set(self, bytes: &mut [u8], at: usize, value: i64) {
        let first = at / 8;
        let end = (at + self.bits as usize).div_ceil(8);
        let mut wide = [0_u8; 16];
        wide[..end - first].copy_from_slice(&bytes[first..end]);
        let up = 128 - self.bits - (at % 8) as u32;
        let mask = (u128::MAX >> (128 - self.bits)) << up;
        let merged = u128::from_be_bytes(wide) & !mask | ((value as u128) << up & mask);
        bytes[first..end].copy_from_slice(&merged.to_be_bytes()[..end - first]);
    }

    /// The value a field takes when `exact` is to be stored; `None` if it does not fit and may not.
    pub fn fit(self, exact: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = match self.signed {
            true => (-1_i128 << (self.bits - 1), (1_i128 << (self.bits - 1)) - 1),
            false => (0, (1_i128 << self.bits) - 1),
        };
        if (min..=max).contains(&exact) {
            return Some(exact as i64);
        }
        match overflow {
            Overflow::Fail => None,
            Overflow::Saturate => Some(exact.clamp(min, max) as i64),
            Overflow::Wrap => {
                let top = (exact as u128) << (128 - self.bits);
                let down = 128 - self.bits;
                Some(if self.signed { (top as i128 >> down) as i64 } else { (top >> down) as i64 })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::prng::Prng;

    fn random_bytes(prng: &mut Prng, len: usize) -> Vec<u8> {
        let dull = *prng.pick(&[0, 0xff, 1]);
        (0..len)
            .map(|_| if dull != 1 && !prng.one_in(40) { dull as u8 } else { prng.next_u64() as u8 })
            .collect()
    }

    #[test]
    fn counting_and_finding_equal_a_look_at_every_bit() {
        let seed = 0xb17;
        let mut prng = Prng::new(seed);
        for round in 0..3000 {
            let len = prng.below(60) as usize;
            let bytes = random_bytes(&mut prng, len);
            let end = prng.below(bytes.len() as u64 * 8 + 1) as usize;
            let start = prng.below(end as u64 + 1) as usize;
            let ones = (start..end).filter(|&at| get(&bytes, at)).count() as u64;
            assert_eq!(count(&bytes, start..end), ones, "seed {seed} round {round}");
            for set in [false, true] {
                let first = (start..end).find(|&at| get(&bytes, at) == set);
                assert_eq!(find(&bytes, start..end, set), first, "seed {seed} round {round}");
            }
        }
    }

    #[test]
    fn strings_of_different_lengths_are_combined_as_if_zeros_followed() {
        let seed = 0xc0b;
        let mut prng = Prng::new(seed);
        for round in 0..200 {
            let sources: Vec<Vec<u8>> = (0..1 + prng.below(4))
                .map(|_| {
                    let len = if prng.one_in(10) { 20_000 } else { 50 };
                    let len = prng.below(len) as usize;
                    random_bytes(&mut prng, len)
                })
                .collect();
            let views: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
            let length = views.iter().map(|view| view.len()).max().unwrap_or(0);
            let byte = |view: &[u8], at: usize| view.get(at).copied().unwrap_or(0);
            let model = |fold: fn(u8, u8) -> u8| -> Vec<u8> {
                (0..length)
                    .map(|at| {
                        views[1..].iter().fold(byte(views[0], at), |sum, view| fold(sum, byte(view, at)))
                    })
                    .collect()
            };
            let context = format!("seed {seed} round {round}");
            assert_eq!(combine(Operation::And, &views), model(|a, b| a & b), "{context}");
            assert_eq!(combine(Operation::Or, &views), model(|a, b| a | b), "{context}");
            assert_eq!(combine(Operation::Xor, &views), model(|a, b| a ^ b), "{context}");
            let inverse: Vec<u8> = views[0].iter().map(|byte| !byte).collect();
            assert_eq!(combine(Operation::Not, &views[..1]), inverse, "{context}");
        }
    }

    #[test]
    fn a_field_reads_what_was_written_and_touches_nothing_else() {
        let seed = 0xf1e1d;
        let mut prng = Prng::new(seed);
        for round in 0..3000 {
            let signed = prng.one_in(2);
            let bits = 1 + prng.below(if signed { 64 } else { 63 }) as u32;
            let field = Field { signed, bits };
            let mut bytes = random_bytes(&mut prng, 24);
            let at = prng.below(24 * 8 - u64::from(bits) + 1) as usize;
            let before = bytes.clone();
            let value = field.fit(i128::from(prng.next_u64() as i64), Overflow::Wrap).unwrap();
            field.set(&mut bytes, at, value);
            let context = format!("seed {seed} round {round} {field:?} at {at}");
            assert_eq!(field.get(&bytes, at), value, "{context}");
            for bit in (0..24 * 8).filter(|bit| !(at..at + bits as usize).contains(bit)) {
                assert_eq!(get(&bytes, bit), get(&before, bit), "{context}");
            }
        }
        assert_eq!(Field { signed: false, bits: 8 }.get(&[0xab], 4), 0xb0);
        assert_eq!(Field { signed: true, bits: 64 }.get(&[], 1 << 40), 0);
    }

    #[test]
    fn what_does_not_fit_wraps_saturates_or_fails() {
        let (u8, i8) = (Field { signed: false, bits: 8 }, Field { signed: true, bits: 8 });
        let all = |field: Field, value| {
            [Overflow::Wrap, Overflow::Saturate, Overflow::Fail].map(|how| field.fit(value, how))
        };
        assert_eq!(all(u8, 256), [Some(0), Some(255), None]);
        assert_eq!(all(u8, -1), [Some(255), Some(0), None]);
        assert_eq!(all(u8, 255), [Some(255); 3]);
        assert_eq!(all(i8, 128), [Some(-128), Some(127), None]);
        assert_eq!(all(i8, -129), [Some(127), Some(-128), None]);
        let i64 = Field { signed: true, bits: 64 };
        assert_eq!(all(i64, i128::from(i64::MAX) + 1), [Some(i64::MIN), Some(i64::MAX), None]);
        let u63 = Field { signed: false, bits: 63 };
        assert_eq!(all(u63, i128::from(u64::MAX)), [Some(i64::MAX), Some(i64::MAX), None]);
    }

    #[test]
    fn setting_a_bit_returns_the_old_one() {
        let mut bytes = vec![0; 2];
        assert!(!set(&mut bytes, 9, true));
        assert!(set(&mut bytes, 9, true));
        assert_eq!(bytes, [0, 0x40]);
        assert!(set(&mut bytes, 9, false));
        assert!(!get(&bytes, 9) && !get(&bytes, 900));
    }
}
