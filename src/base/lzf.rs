//! Reading LZF, the compression of long strings in payloads. Writing it is left to others: every reader
//! takes strings as they are.
//!
//! ```text
//! 000nnnnn                    n + 1 bytes follow as they are
//! nnnooooo oooooooo           n + 2 bytes again, from o + 1 back; n is 1 to 6
//! 111ooooo nnnnnnnn oooooooo  n + 9 bytes again
//! ```

/// The bytes that were compressed to `packed`, which must be `len` exactly; `None` if they are not, or if
/// `packed` is cut off or points before the start. Takes no more memory than the output needs.
pub fn decompress(packed: &[u8], len: usize) -> Option<Vec<u8>> {
    // Three bytes become 264 at most, so a wrong length cannot ask for much.
    let mut out = Vec::with_capacity(len.min(packed.len().saturating_mul(88)));
    let mut rest = packed;
    while let [control, tail @ ..] = rest {
        rest = tail;
        let (high, low) = (usize::from(control >> 5), usize::from(control & 0x1f));
        if high == 0 {
            let (run, tail) = rest.split_at_checked(low + 1)?;
            rest = tail;
            out.extend_from_slice(run);
        } else {
            let mut count = high + 2;
            if high == 7 {
                let (more, tail) = rest.split_first()?;
                rest = tail;
                count += usize::from(*more);
            }
            let (offset, tail) = rest.split_first()?;
            rest = tail;
            let start = out.len().checked_sub((low << 8 | usize::from(*offset)) + 1)?;
            if out.len() + count > len {
                return None;
            }
            // What is copied may overlap what it makes: a run of one byte is copied from itself.
            let mut from = start;
            let end = out.len() + count;
            while out.len() < end {
                let upto = out.len().min(from + end - out.len());
                out.extend_from_within(from..upto);
                from = upto;
            }
        }
        if out.len() > len {
            return None;
        }
    }
    (out.len() == len).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::decompress;

    #[test]
    fn runs_and_references_are_read() {
        assert_eq!(decompress(b"\x02abc", 3).as_deref(), Some(&b"abc"[..]));
        assert_eq!(decompress(b"", 0).as_deref(), Some(&b""[..]));
        // One byte, and the last byte 40 times again.
        assert_eq!(decompress(&[0, b'a', 0xe0, 31, 0], 41), Some(vec![b'a'; 41]));
        // Three bytes, and three of them from three back, then five from two back.
        let packed = [&[2][..], b"abc", &[1 << 5, 2, 3 << 5, 1]].concat();
        assert_eq!(decompress(&packed, 11).as_deref(), Some(&b"abcabcbcbcb"[..]));
    }

    #[test]
    fn what_is_no_compressed_string_is_refused() {
        assert_eq!(decompress(b"\x02ab", 3), None, "cut off");
        assert_eq!(decompress(b"\x02abc", 2), None, "too long");
        assert_eq!(decompress(b"\x02abc", 4), None, "too short");
        assert_eq!(decompress(&[0, b'a', 1 << 5, 1], 4), None, "before the start");
        assert_eq!(decompress(&[0, b'a', 0xe0], 40), None, "no length");
        assert_eq!(decompress(&[0, b'a', 1 << 5], 4), None, "no offset");
        assert_eq!(decompress(&[0xe0, 0, 0], 9), None, "nothing to repeat");
        assert_eq!(decompress(&[0, b'a', 0xe0, 255, 0], 100), None, "longer than it says");
        assert_eq!(decompress(&[0, b'a'], usize::MAX), None);
    }
}
