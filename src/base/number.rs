//! Numbers as Redis reads and prints them, to the byte.
//!
//! A client sees these texts, compares them and parses them again, so "a correct float" is not enough:
//! the digits must be the ones C's `%.17g` prints and the accepted inputs the ones Redis accepts.

use std::fmt::Write;

/// Longest text of any `f64` by `write_f64`: sign, 17 digits, point, leading zeros, exponent.
const F64_TEXT_MAX: usize = 32;

/// The integer that `text` spells, if it is the one spelling Redis accepts: decimal digits, perhaps a
/// minus sign; no plus, no space, no leading zero, no `-0`, nothing outside `i64`.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => (!negative).then_some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {
            let mut value: u64 = 0;
            for &byte in digits {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    return None;
                }
                // Nineteen digits always fit u64.
                value = value * 10 + u64::from(digit);
            }
            match (negative, value) {
                (false, 0..=0x7fff_ffff_ffff_ffff) => Some(value as i64),
                (true, 0..=0x8000_0000_0000_0000) => Some((value as i64).wrapping_neg()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The text of a double in 17 significant digits, as C's `%.17g`: what Redis 7.0 sends for scores and
/// RESP3 doubles. Infinity is `inf` or `-inf`, not-a-number `nan` or `-nan`.
pub struct F64Text {
    bytes: [u8; F64_TEXT_MAX],
    len: usize,
}

impl F64Text {
    /// Prints `value`.
    pub fn new(value: f64) -> Self {
        let mut text = F64Text { bytes: [0; F64_TEXT_MAX], len: 0 };
        text.print(value);
        text
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn print(&mut self, value: f64) {
        // Whole numbers are most scores, and below 2^53 their digits are the integer's. Minus zero
        // is not among them: C prints its sign.
        if value.abs() < 9e15 && value == value.trunc() && (value != 0.0 || value.is_sign_positive()) {
            return self.push(itoa::Buffer::new().format(value as i64).as_bytes());
        }
        if value.is_sign_negative() {
            self.push(b"-");
        }
        if value.is_nan() {
            return self.push(b"nan");
        }
        if value.is_infinite() {
            return self.push(b"inf");
        }
        // Rust prints exactly rounded digits, as glibc does: 17 of them, then the exponent.
        let mut scientific = F64Text { bytes: [0; F64_TEXT_MAX], len: 0 };
        write!(scientific, "{:.16e}", value.abs()).expect("24 bytes fit");
        let text = scientific.as_bytes();
        let mark = text.iter().position(|&byte| byte == b'e').expect("printed in scientific notation");
        let exponent: i32 = std::str::from_utf8(&text[mark + 1..])
            .ok()
            .and_then(|text| text.parse().ok())
            .expect("an exponent");
        let mut digits = [0; 17];
        digits[0] = text[0];
        digits[1..].copy_from_slice(&text[2..mark]);
        let kept = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
        self.lay_out(&digits, kept, exponent);
    }

    /// `digits[..kept]` are what remains without trailing zeros; the point stands after the first digit
    /// moved by `exponent`.
    fn lay_out(&mut self, digits: &[u8; 17], kept: usize, exponent: i32) {
        match exponent {
            0..=16 => {
                let whole = exponent as usize + 1;
                self.push(&digits[..whole]);
                if kept > whole {
                    self.push(b".");
                    self.push(&digits[whole..kept]);
                }
            }
            -4..=-1 => {
                self.push(&b"0.000"[..1 + exponent.unsigned_abs() as usize]);
                self.push(&digits[..kept]);
            }
            _ => {
                self.push(&digits[..1]);
                if kept > 1 {
                    self.push(b".");
                    self.push(&digits[1..kept]);
                }
                write!(self, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
                    .expect("5 bytes fit");
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

impl Write for F64Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_of_an_integer_counts() {
        for value in [0, 1, -1, 9, 10, -10, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1] {
            assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
        }
        for text in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "01",
            "-0",
            "-01",
            "1a",
            "a",
            "0x1",
            "1.0",
            "--1",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn doubles_print_as_c_prints_17_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-3.0, "-3"),
            (3.1, "3.1000000000000001"),
            (0.1, "0.10000000000000001"),
            (0.5, "0.5"),
            (1e15, "1000000000000000"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (1e20, "1e+20"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (9007199254740993.0, "9007199254740992"),
            (0.0001, "0.0001"),
            (0.00001, "1.0000000000000001e-05"),
            (-0.00012, "-0.00012"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(F64Text::new(value).as_bytes(), text.as_bytes(), "{value:e}");
        }
    }
}
