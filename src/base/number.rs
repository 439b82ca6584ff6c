//! Numbers as Redis reads and prints them, to the byte.
//!
//! A client sees these texts, compares them and parses them again, so "a correct float" is not enough:
//! the digits must be the ones C's `%.17g` prints and the accepted inputs the ones `strtod` accepts
//! (hexadecimal floats included) without what Redis refuses (spaces, NaN, overflow).
//! INCRBYFLOAT's 80-bit arithmetic is in `extended`; it shares the reading of texts with this file.

use num_bigint::BigUint;
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

/// A SCAN cursor, read as C's `strtoul` does: a sign (minus wraps around) and leading zeros are fine,
/// an empty text is 0, a NUL ends it; anything else behind the digits, a space before them or an overflow is
/// not fine.
pub fn parse_cursor(text: &[u8]) -> Option<u64> {
    let end = memchr::memchr(0, text).unwrap_or(text.len());
    let (negative, digits) = match &text[..end] {
        [] => return Some(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = std::str::from_utf8(digits).ok()?.parse::<u64>().ok()?;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// The double that `text` spells, if Redis accepts it: what `strtod` reads in the C locale and uses up,
/// except NaN, a leading space, and what is too large or too small for a double.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let (negative, unsigned) = sign(text);
    let magnitude = match float_literal(unsigned)? {
        FloatLiteral::Infinity => f64::INFINITY,
        // Rust's own parser rounds exactly too, and its grammar contains what is left of ours.
        FloatLiteral::Decimal { zero, .. } => {
            let value: f64 = std::str::from_utf8(unsigned).ok()?.parse().ok()?;
            (value.is_finite() && (value > 0.0 || zero)).then_some(value)?
        }
        FloatLiteral::Hexadecimal { digits, exponent } => hexadecimal_f64(&digits, exponent)?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// The double that `text` spells for C's `strtod`, where that uses all of it up to a NUL and reports no error:
/// white space before it is fine, nothing is 0, NaN is no number. What is below the normal doubles must be
/// exact, which a decimal text of a sane length never is.
pub fn parse_strtod(text: &[u8]) -> Option<f64> {
    let text = &text[..memchr::memchr(0, text).unwrap_or(text.len())];
    if let Some(int) = parse_i64(text) {
        return Some(int as f64);
    }
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().position(|byte| !is_space(byte))?..];
    let value = parse_f64(text)?;
    (!value.is_subnormal() || is_exact_subnormal(sign(text).1)).then_some(value)
}

/// Whether a literal that is below the normal doubles has no bit below the smallest.
fn is_exact_subnormal(unsigned: &[u8]) -> bool {
    let Some(FloatLiteral::Hexadecimal { digits, exponent }) = float_literal(unsigned) else { return false };
    let zeros = digits.iter().rev().take_while(|&&digit| digit == 0).count();
    let last = digits.iter().rev().nth(zeros).map_or(0, |digit| digit.trailing_zeros());
    exponent + 4 * zeros as i64 + i64::from(last) >= -1074
}

/// A float's text without its sign.
pub(crate) enum FloatLiteral<'t> {
    Infinity,
    /// The digits before and after the point, and the power of ten they are multiplied by.
    Decimal {
        whole: &'t [u8],
        fraction: &'t [u8],
        exponent: i64,
        zero: bool,
    },
    /// Digit values without the point, and the power of two they are multiplied by.
    Hexadecimal {
        digits: Vec<u8>,
        exponent: i64,
    },
}

/// Whether `text` begins with a minus sign, and what comes behind a sign.
pub(crate) fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

/// Reads what `strtod` would read, all of it or nothing; NaN is nothing.
pub(crate) fn float_literal(text: &[u8]) -> Option<FloatLiteral<'_>> {
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return Some(FloatLiteral::Infinity);
    }
    if let [b'0', b'x' | b'X', rest @ ..] = text {
        let (whole, fraction, rest) = digits_and_point(rest, u8::is_ascii_hexdigit)?;
        let exponent = exponent(rest, b'p')? - 4 * fraction.len() as i64;
        let digits = whole
            .iter()
            .chain(fraction)
            .map(|&digit| char::from(digit).to_digit(16).expect("hexadecimal") as u8);
        return Some(FloatLiteral::Hexadecimal { digits: digits.collect(), exponent });
    }
    let (whole, fraction, rest) = digits_and_point(text, u8::is_ascii_digit)?;
    let zero = whole.iter().chain(fraction).all(|&digit| digit == b'0');
    Some(FloatLiteral::Decimal { whole, fraction, exponent: exponent(rest, b'e')?, zero })
}

/// Digits, perhaps with a point among, before or behind them; at least one digit.
fn digits_and_point(text: &[u8], is_digit: fn(&u8) -> bool) -> Option<(&[u8], &[u8], &[u8])> {
    let run = |text: &[u8]| text.iter().position(|byte| !is_digit(byte)).unwrap_or(text.len());
    let (whole, rest) = text.split_at(run(text));
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => rest.split_at(run(rest)),
        rest => rest.split_at(0),
    };
    (!whole.is_empty() || !fraction.is_empty()).then_some((whole, fraction, rest))
}

/// An exponent after its `mark`, or 0 when nothing is left. Absurd ones saturate far beyond any float.
fn exponent(text: &[u8], mark: u8) -> Option<i64> {
    let [first, rest @ ..] = text else { return Some(0) };
    let (negative, digits) = sign(rest);
    if !first.eq_ignore_ascii_case(&mark) || digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1 << 40));
    Some(if negative { -value } else { value })
}

/// `digits` (base 16) times 2^`exponent`, rounded to nearest even; `None` out of range.
fn hexadecimal_f64(digits: &[u8], exponent: i64) -> Option<f64> {
    if digits.iter().all(|&digit| digit == 0) {
        return Some(0.0);
    }
    let whole = BigUint::from_radix_be(digits, 16).expect("digits of base 16");
    let rounded = round(&whole, false, exponent, Precision { bits: 53, exponent_min: -1074 });
    // Above 2^971 times 53 bits there is only infinity; below the smallest step only zero.
    (rounded.mantissa != 0 && rounded.exponent <= 971).then(|| {
        // Both factors are exact, and so is the product, since the mantissa was rounded to fit. Two
        // steps, because the power of a subnormal is not itself a normal double.
        let power = |exponent: i64| f64::from_bits(((1023 + exponent) as u64) << 52);
        let half = rounded.exponent / 2;
        rounded.mantissa as f64 * power(half) * power(rounded.exponent - half)
    })
}

/// How many bits a float's mantissa has, and the exponent of its smallest step.
pub(crate) struct Precision {
    pub(crate) bits: u64,
    pub(crate) exponent_min: i64,
}

/// `mantissa` times 2^`exponent`.
pub(crate) struct Rounded {
    pub(crate) mantissa: u64,
    pub(crate) exponent: i64,
}

/// `value` times 2^`exponent` (and a little more, if `inexact`) rounded to nearest, ties to even. The
/// mantissa has all its bits unless the exponent is the smallest.
pub(crate) fn round(value: &BigUint, inexact: bool, exponent: i64, precision: Precision) -> Rounded {
    let drop = (value.bits() as i64 - precision.bits as i64).max(precision.exponent_min - exponent);
    if drop <= 0 {
        // Fits with room to spare: move up so that the mantissa is full, as far as exponents go.
        let mantissa = (value << drop.unsigned_abs()).iter_u64_digits().next().unwrap_or(0);
        return Rounded { mantissa, exponent: exponent + drop };
    }
    let drop_bits = drop.unsigned_abs();
    let mantissa = (value >> drop_bits).iter_u64_digits().next().unwrap_or(0);
    let half = value.bit(drop_bits - 1);
    let below_half = inexact || value.trailing_zeros().is_some_and(|zeros| zeros < drop_bits - 1);
    let up = half && (below_half || mantissa & 1 == 1);
    match mantissa.checked_add(u64::from(up)) {
        Some(mantissa) if mantissa >> (precision.bits - 1) <= 1 => {
            Rounded { mantissa, exponent: exponent + drop }
        }
        _ => Rounded { mantissa: 1 << (precision.bits - 1), exponent: exponent + drop + 1 },
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

/// A number for people: a comma between groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strtod_reads_white_space_nothing_and_up_to_a_nul() {
        let read: [(&[u8], f64); 15] = [
            (b"", 0.0),
            (b"\0junk", 0.0),
            (b"5\0junk", 5.0),
            (b" \t\n\x0b\x0c\r7", 7.0),
            (b"+4", 4.0),
            (b"007", 7.0),
            (b"-0", -0.0),
            (b".5", 0.5),
            (b"1e3", 1000.0),
            (b"0x.8", 0.5),
            (b"-INF", f64::NEG_INFINITY),
            (b"infinity", f64::INFINITY),
            (b"9007199254740993", 9_007_199_254_740_992.0),
            (b"2.2250738585072014e-308", f64::MIN_POSITIVE),
            (b"0x10p-1078", 5e-324),
        ];
        for (text, value) in read {
            assert_eq!(parse_strtod(text), Some(value), "{}", text.escape_ascii());
        }
        for text in [
            " ",
            "3 ",
            "x",
            "nan",
            "1e",
            "0x",
            "1e400",
            "1e-400",
            "1e-310",
            "4.9406564584124654e-324",
            "0x1.8p-1074",
            "0x1p-1075",
            "1_0",
        ] {
            assert_eq!(parse_strtod(text.as_bytes()), None, "{text}");
        }
    }

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
    fn a_cursor_is_what_strtoul_reads() {
        for (text, value) in [
            ("", Some(0)),
            ("+0", Some(0)),
            ("-0", Some(0)),
            ("007", Some(7)),
            ("-1", Some(u64::MAX)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("0x0", None),
            (" 0", None),
            ("0 ", None),
            ("+", None),
            ("abc", None),
        ] {
            assert_eq!(parse_cursor(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn doubles_are_read_as_strtod_reads_them() {
        // As ZADD of redis-server 7.0.15 answered.
        for (text, value) in [
            ("inf", f64::INFINITY),
            ("+inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("0x1p3", 8.0),
            ("0X.8", 0.5),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.fffffffffffff7p0", 2.0 - f64::EPSILON),
            ("0x1p-1074", 5e-324),
            ("0x1.8p-1074", 1e-323),
            ("0x0.8000000000001p-1074", 5e-324),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("-0x0p99999999999", -0.0),
            ("1e-310", 1e-310),
            ("5e-324", 5e-324),
            ("3e-324", 5e-324),
            (".5", 0.5),
            ("5.", 5.0),
            ("+1", 1.0),
            ("-0", -0.0),
            ("0e99999", 0.0),
            ("1E5", 1e5),
            ("00012", 12.0),
            ("1.5e+3", 1500.0),
            ("9007199254740993", 9007199254740992.0),
        ] {
            let read = parse_f64(text.as_bytes()).unwrap_or_else(|| panic!("{text} is a float"));
            assert_eq!(read.to_bits(), value.to_bits(), "{text}");
        }
        for text in [
            "",
            "nan",
            "NaN",
            "nan(1)",
            "-nan",
            "infinit",
            "0x",
            "0x1p",
            "0x.p1",
            "1e400",
            "-1e400",
            "1e-400",
            "2e-324",
            "0x1p1024",
            "0x0.8p-1074",
            "1e",
            "1e+",
            ".",
            " 1",
            "1 ",
            "1_0",
            "1d",
            "1f",
            "--1",
            "+-1",
            "\0",
            "1\0",
            "1e5.5",
        ] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
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
