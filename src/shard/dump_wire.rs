//! What payloads are made of: lengths, strings and doubles, as Redis writes them in its snapshots.
//!
//! ```text
//! length   00nnnnnn | 01nnnnnn n | 0x80 nnnn | 0x81 nnnnnnnn       big-endian
//! string   length bytes | 0xc0 i | 0xc1 ii | 0xc2 iiii | 0xc3 length length LZF
//! ```
//!
//! A reader gives `None` for anything that is cut off or has no meaning, and never asks for more memory
//! than the bytes in front of it can fill.

use crate::base::lzf;
use crate::base::number::parse_i64;
use std::borrow::Cow;

/// Longest text that is stored as a number if it is one.
const NUMBER_TEXT_MAX: usize = 11;

/// A payload that is being written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) out: Vec<u8>,
}

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// Bytes whose number is known.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(super) fn length(&mut self, len: u64) {
        match len {
            0..0x40 => self.out.push(len as u8),
            0x40..0x4000 => self.out.extend_from_slice(&(0x4000 | len as u16).to_be_bytes()),
            0x4000..=0xffff_ffff => {
                self.out.push(0x80);
                self.out.extend_from_slice(&(len as u32).to_be_bytes());
            }
            _ => {
                self.out.push(0x81);
                self.out.extend_from_slice(&len.to_be_bytes());
            }
        }
    }

    /// Bytes as they are.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// A string, as a number if it is a short one.
    pub(super) fn string(&mut self, text: &[u8]) {
        match (text.len() <= NUMBER_TEXT_MAX).then(|| parse_i64(text)).flatten() {
            Some(int) if i32::try_from(int).is_ok() => self.integer(int),
            _ => self.bytes(text),
        }
    }

    /// A string of an integer's digits.
    pub(super) fn integer(&mut self, int: i64) {
        let (code, bytes) = match int {
            -0x80..=0x7f => (0xc0, 1),
            -0x8000..=0x7fff => (0xc1, 2),
            -0x8000_0000..=0x7fff_ffff => (0xc2, 4),
            _ => return self.bytes(itoa::Buffer::new().format(int).as_bytes()),
        };
        self.out.push(code);
        self.out.extend_from_slice(&int.to_le_bytes()[..bytes]);
    }

    pub(super) fn double(&mut self, value: f64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }
}

/// A payload that is being read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    string_max: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`; strings longer than `string_max` are refused.
    pub(super) fn new(bytes: &'a [u8], string_max: usize) -> Reader<'a> {
        Reader { rest: bytes, string_max }
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    /// Bytes that are not read yet.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// A number. The code of an encoding is one too where it cannot be one: so Redis takes it.
    pub(super) fn number(&mut self) -> Option<u64> {
        self.number_or_code()?.map_or_else(|code| Some(u64::from(code)), Some)
    }

    /// How many of something follow; each takes a byte at least, so more than there are bytes is wrong.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.left()).then_some(count)
    }

    /// A number, or as an error the code of an encoding.
    fn number_or_code(&mut self) -> Option<Result<u64, u8>> {
        let first = self.byte()?;
        let low = u64::from(first & 0x3f);
        Some(Ok(match (first >> 6, first) {
            (0, _) => low,
            (1, _) => low << 8 | u64::from(self.byte()?),
            (3, _) => return Some(Err(first & 0x3f)),
            (_, 0x80) => u64::from(u32::from_be_bytes(self.array()?)),
            (_, 0x81) => u64::from_be_bytes(self.array()?),
            _ => return None,
        }))
    }

    /// A string, copied only if it was not stored as it is.
    pub(super) fn string(&mut self) -> Option<Cow<'a, [u8]>> {
        let number = match self.number_or_code()? {
            Ok(len) => {
                let len = usize::try_from(len).ok().filter(|&len| len <= self.string_max)?;
                return self.take(len).map(Cow::Borrowed);
            }
            Err(0) => i64::from(i8::from_le_bytes(self.array()?)),
            Err(1) => i64::from(i16::from_le_bytes(self.array()?)),
            Err(2) => i64::from(i32::from_le_bytes(self.array()?)),
            Err(3) => {
                let packed = usize::try_from(self.number()?).ok()?;
                let len = usize::try_from(self.number()?).ok().filter(|&len| len <= self.string_max)?;
                let packed = self.take(packed)?;
                // Redis asks whether as many bytes came out, and none is what comes out of an error.
                return if len == 0 {
                    Some(Cow::Borrowed(b""))
                } else {
                    lzf::decompress(packed, len).map(Cow::Owned)
                };
            }
            Err(_) => return None,
        };
        Some(Cow::Owned(itoa::Buffer::new().format(number).as_bytes().to_vec()))
    }

    pub(super) fn double(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes)
    }

    /// A double in the digits that old payloads have.
    pub(super) fn double_text(&mut self) -> Option<f64> {
        match self.byte()? {
            253 => Some(f64::NAN),
            254 => Some(f64::INFINITY),
            255 => Some(f64::NEG_INFINITY),
            len => std::str::from_utf8(self.take(usize::from(len))?).ok()?.parse().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_room_they_need() {
        for (len, bytes) in [(0, 1), (63, 1), (64, 2), (16_383, 2), (16_384, 5), (1 << 32, 9), (u64::MAX, 9)]
        {
            let mut writer = Writer::default();
            writer.length(len);
            assert_eq!(writer.out.len(), bytes, "{len}");
            assert_eq!(Reader::new(&writer.out, 0).number(), Some(len));
            for cut in 0..bytes {
                assert_eq!(Reader::new(&writer.out[..cut], 0).number(), None);
            }
        }
        assert_eq!(Reader::new(&[0x82, 0, 0, 0, 0, 0, 0, 0, 0], 9).number(), None);
        assert_eq!(Reader::new(&[5, 1, 1, 1, 1], 9).count(), None, "five in four bytes");
    }

    #[test]
    fn strings_survive_and_short_numbers_are_numbers() {
        let long = vec![b'x'; 20_000];
        for (text, bytes) in [
            (&b""[..], 1),
            (b"0", 2),
            (b"-129", 3),
            (b"32768", 5),
            (b"2147483647", 5),
            (b"2147483648", 11),
            (b"-2147483648", 5),
            (b"007", 4),
            (&long, 20_005),
        ] {
            let mut writer = Writer::default();
            writer.string(text);
            assert_eq!(writer.out.len(), bytes, "{}", text.escape_ascii());
            assert_eq!(Reader::new(&writer.out, 20_000).string().as_deref(), Some(text));
            assert_eq!(Reader::new(&writer.out[..bytes - 1], 20_000).string(), None);
        }
        let mut writer = Writer::default();
        writer.integer(i64::MIN);
        assert_eq!(Reader::new(&writer.out, 20).string().as_deref(), Some(&b"-9223372036854775808"[..]));
        assert_eq!(Reader::new(&writer.out, 19).string(), None, "longer than a string may be");
    }

    #[test]
    fn compressed_strings_are_read() {
        let packed = [0xc3, 5, 41, 0, b'a', 0xe0, 31, 0];
        assert_eq!(Reader::new(&packed, 100).string().as_deref(), Some(&[b'a'; 41][..]));
        assert_eq!(Reader::new(&packed, 40).string(), None);
        assert_eq!(Reader::new(&[0xc4, 0], 40).string(), None);
    }

    #[test]
    fn old_doubles_are_texts() {
        let read = |bytes: &[u8]| Reader::new(bytes, 0).double_text();
        assert_eq!(read(b"\x032.5"), Some(2.5));
        assert_eq!((read(&[254]), read(&[255])), (Some(f64::INFINITY), Some(f64::NEG_INFINITY)));
        assert!(read(&[253]).is_some_and(f64::is_nan));
        assert_eq!((read(b"\x032.x"), read(b"\x032.")), (None, None));
    }
}
