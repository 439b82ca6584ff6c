//! Names of a stream's entries: a time in milliseconds and a number within it, ordered by both.

/// The name of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Unix milliseconds, if the server chose them.
    pub ms: u64,
    /// Number among the entries of the same millisecond.
    pub seq: u64,
}

/// Longest text of an id: two numbers of 20 digits and a hyphen.
const TEXT_BYTES_MAX: usize = 41;

impl Id {
    /// `0-0`, which no entry has.
    pub const MIN: Id = Id { ms: 0, seq: 0 };
    /// The last there can be.
    pub const MAX: Id = Id { ms: u64::MAX, seq: u64::MAX };

    /// `ms-seq`.
    pub const fn new(ms: u64, seq: u64) -> Id {
        Id { ms, seq }
    }

    /// The next id, unless this is the last.
    pub fn next(self) -> Option<Id> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The id before, unless this is the first.
    pub fn prev(self) -> Option<Id> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// Whether it is `0-0`.
    pub fn is_zero(self) -> bool {
        self == Id::MIN
    }

    /// Both numbers as one that is ordered alike.
    pub(super) fn as_u128(self) -> u128 {
        u128::from(self.ms) << 64 | u128::from(self.seq)
    }

    pub(super) fn of_u128(both: u128) -> Id {
        Id { ms: (both >> 64) as u64, seq: both as u64 }
    }

    /// `ms-seq` in decimal digits.
    pub fn text(self) -> IdText {
        let mut text = IdText { bytes: [0; TEXT_BYTES_MAX], len: 0 };
        text.push(itoa::Buffer::new().format(self.ms).as_bytes());
        text.push(b"-");
        text.push(itoa::Buffer::new().format(self.seq).as_bytes());
        text
    }
}

/// An id in decimal digits.
#[derive(Clone, Copy, Debug)]
pub struct IdText {
    bytes: [u8; TEXT_BYTES_MAX],
    len: usize,
}

impl IdText {
    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes[self.len..][..text.len()].copy_from_slice(text);
        self.len += text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_neighbours_but_for_the_ends() {
        assert_eq!(Id::new(5, 7).next(), Some(Id::new(5, 8)));
        assert_eq!(Id::new(5, u64::MAX).next(), Some(Id::new(6, 0)));
        assert_eq!(Id::MAX.next(), None);
        assert_eq!(Id::new(5, 0).prev(), Some(Id::new(4, u64::MAX)));
        assert_eq!(Id::new(5, 7).prev(), Some(Id::new(5, 6)));
        assert_eq!(Id::MIN.prev(), None);
        assert!(Id::new(1, 0) > Id::new(0, u64::MAX));
        assert_eq!(Id::of_u128(Id::new(3, 9).as_u128()), Id::new(3, 9));
    }

    #[test]
    fn an_id_prints_both_numbers() {
        assert_eq!(Id::new(12, 0).text().as_bytes(), b"12-0");
        assert_eq!(Id::MAX.text().as_bytes(), b"18446744073709551615-18446744073709551615");
    }
}
