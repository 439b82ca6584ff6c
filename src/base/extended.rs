//! The 80-bit floats of the x87, in software: INCRBYFLOAT and HINCRBYFLOAT add `long double`s, and
//! users see it (`0.1 + 0.2` is `0.3`, which doubles would not give).
//!
//! A value is a sign, 64 bits and a power of two. Reading, adding and printing round exactly, to nearest
//! even, as glibc and the processor do. Usual magnitudes go through 128-bit integers, extreme ones
//! through big ones. There are no NaNs: Redis refuses them on the way in and on the way out.

use crate::base::number::{FloatLiteral, Precision, float_literal, round, sign};
use num_bigint::BigUint;

/// Exponent of the smallest step: 2^-16445.
const EXPONENT_MIN: i64 = -16445;

/// Exponent of a full mantissa above which there is only infinity.
const EXPONENT_MAX: i64 = 16383 - 63;

/// Redis copies a number into a buffer of this size before it reads it.
const TEXT_BYTES_MAX: usize = 5 * 1024 - 1;

/// Digits after the point that are printed before trailing zeros go.
const FRACTION_DIGITS: u32 = 17;

/// A finite 80-bit float, or infinity.
#[derive(Clone, Copy, Debug)]
pub struct Extended {
    negative: bool,
    /// Full (its top bit set) unless the value is zero or subnormal.
    mantissa: u64,
    exponent: i64,
    infinite: bool,
}

impl Extended {
    /// The value that `text` spells, if Redis accepts it: what `strtold` uses up, except NaN, a leading
    /// space, and what is too large or too small. `inf` is accepted here and refused by `plus`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (negative, unsigned) = sign(text);
        let magnitude = match float_literal(unsigned)? {
            FloatLiteral::Infinity => Extended { infinite: true, ..Extended::ZERO },
            FloatLiteral::Hexadecimal { digits, exponent } => {
                let whole = BigUint::from_radix_be(&digits, 16).expect("digits of base 16");
                Extended::in_range(whole, false, exponent)?
            }
            FloatLiteral::Decimal { whole, fraction, exponent, .. } => decimal(whole, fraction, exponent)?,
        };
        Some(Extended { negative, ..magnitude })
    }

    /// An integer, exactly.
    pub fn from_i64(value: i64) -> Self {
        Extended::normalized(value < 0, u128::from(value.unsigned_abs()), 0)
    }

    /// Whether it is infinity, of either sign.
    pub fn is_infinite(self) -> bool {
        self.infinite
    }

    /// The sum, if it is a finite number.
    pub fn plus(self, other: Self) -> Option<Self> {
        if self.infinite || other.infinite {
            return None;
        }
        let (big, small) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        // 62 bits below the mantissa keep everything that matters; what is shifted out further can only
        // say "a little more", in the lowest bit.
        let distance = (big.exponent - small.exponent).unsigned_abs().min(127) as u32;
        let wide = u128::from(small.mantissa) << 62;
        let shifted = (wide >> distance) | u128::from(wide.trailing_zeros() < distance && wide != 0);
        let exponent = big.exponent - 62;
        let wide = u128::from(big.mantissa) << 62;
        let sum = if big.negative == small.negative {
            Extended::normalized(big.negative, wide + shifted, exponent)
        } else if wide >= shifted {
            Extended::normalized(big.negative && wide != shifted, wide - shifted, exponent)
        } else {
            Extended::normalized(small.negative, shifted - wide, exponent)
        };
        (!sum.infinite).then_some(sum)
    }

    /// A thousand times the value, rounded up to a whole number: seconds in milliseconds. `None`: it is beyond
    /// 63 bits.
    pub fn thousandfold(self) -> Option<i64> {
        let product = Extended::normalized(self.negative, u128::from(self.mantissa) * 1000, self.exponent);
        // A full mantissa has 64 bits, and what is not full has the least of exponents.
        if self.infinite || product.exponent > 0 {
            return None;
        }
        let point = product.exponent.unsigned_abs();
        let whole = if point < 64 { product.mantissa >> point } else { 0 };
        let more = point >= 64 && product.mantissa != 0 || point < 64 && whole << point != product.mantissa;
        let magnitude = i128::from(whole) + i128::from(more && !product.negative);
        i64::try_from(if product.negative { -magnitude } else { magnitude }).ok()
    }

    /// Appends the value as Redis prints it for people: `%.17Lf` without trailing zeros, and zero
    /// without a sign. Must be finite.
    pub fn write_to(self, out: &mut Vec<u8>) {
        debug_assert!(!self.infinite);
        let start = out.len();
        if self.negative {
            out.push(b'-');
        }
        if self.exponent >= 0 {
            if self.exponent <= 64 {
                out.extend_from_slice((u128::from(self.mantissa) << self.exponent).to_string().as_bytes());
            } else {
                out.extend_from_slice(
                    (BigUint::from(self.mantissa) << self.exponent.unsigned_abs()).to_string().as_bytes(),
                );
            }
            return;
        }
        let (whole, fraction) = self.split();
        out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
        if fraction > 0 {
            let digits = format!("{fraction:0width$}", width = FRACTION_DIGITS as usize);
            out.push(b'.');
            out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
        }
        if &out[start..] == b"-0" {
            out.remove(start);
        }
    }

    /// For a negative exponent: the part before the point and 17 rounded digits of the part behind it.
    fn split(self) -> (u64, u64) {
        const ONE: u128 = 10_u128.pow(FRACTION_DIGITS);
        let point = self.exponent.unsigned_abs();
        // 64 bits and 57 bits: the product is below 2^121, so a shift of more than that leaves nothing,
        // not even a half.
        if point > 122 {
            return (0, 0);
        }
        let whole = if point < 64 { self.mantissa >> point } else { 0 };
        let below = if point < 64 { self.mantissa & ((1 << point) - 1) } else { self.mantissa };
        let product = u128::from(below) * ONE;
        let digits = product >> point;
        let rest = product & ((1 << point) - 1);
        let half = 1_u128 << (point - 1);
        let rounded = digits + u128::from(rest > half || (rest == half && digits & 1 == 1));
        if rounded == ONE { (whole + 1, 0) } else { (whole, rounded as u64) }
    }

    const ZERO: Extended = Extended { negative: false, mantissa: 0, exponent: EXPONENT_MIN, infinite: false };

    /// `value` times 2^`exponent`, rounded.
    fn normalized(negative: bool, value: u128, exponent: i64) -> Self {
        if value == 0 {
            return Extended { negative, ..Extended::ZERO };
        }
        let drop = (64 - i64::from(value.leading_zeros())).max(EXPONENT_MIN - exponent);
        let (mantissa, exponent) = if drop <= 0 {
            ((value << drop.unsigned_abs()) as u64, exponent + drop)
        } else if drop > 127 {
            (0, EXPONENT_MIN)
        } else {
            let kept = (value >> drop) as u64;
            let rest = value & ((1 << drop) - 1);
            let half = 1_u128 << (drop - 1);
            match kept.overflowing_add(u64::from(rest > half || (rest == half && kept & 1 == 1))) {
                (kept, false) => (kept, exponent + drop),
                (_, true) => (1 << 63, exponent + drop + 1),
            }
        };
        Extended { negative, mantissa, exponent, infinite: exponent > EXPONENT_MAX }
    }

    /// The non-negative number `value` times 2^`exponent` (and a little more, if `inexact`), unless it is
    /// too large, or not zero and too small.
    fn in_range(value: BigUint, inexact: bool, exponent: i64) -> Option<Self> {
        if value.bits() == 0 && !inexact {
            return Some(Extended::ZERO);
        }
        if exponent + value.bits() as i64 > EXPONENT_MAX + 64
            || exponent + (value.bits() as i64) < EXPONENT_MIN
        {
            return None;
        }
        let rounded = round(&value, inexact, exponent, Precision { bits: 64, exponent_min: EXPONENT_MIN });
        (rounded.mantissa != 0 && rounded.exponent <= EXPONENT_MAX).then_some(Extended {
            negative: false,
            mantissa: rounded.mantissa,
            exponent: rounded.exponent,
            infinite: false,
        })
    }
}

/// The digits of `whole`, a point, the digits of `fraction`, times 10^`exponent`.
fn decimal(whole: &[u8], fraction: &[u8], exponent: i64) -> Option<Extended> {
    let exponent = exponent - fraction.len() as i64;
    let significant = |digits: &[u8]| digits.iter().position(|&digit| digit != b'0').unwrap_or(digits.len());
    let digits_count = match significant(whole) {
        skipped if skipped < whole.len() => whole.len() - skipped + fraction.len(),
        _ => fraction.len() - significant(fraction),
    };
    if digits_count == 0 {
        return Some(Extended::ZERO);
    }
    if digits_count <= 19 && (-18..=19).contains(&exponent) {
        let digits = whole
            .iter()
            .chain(fraction)
            .fold(0_u64, |value, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
        return Some(usual(digits, exponent));
    }
    // Magnitudes that are out of reach whatever the digits: no need to raise ten to their power.
    if !(-5000..=5000).contains(&(exponent + digits_count as i64)) {
        return None;
    }
    let digits = BigUint::parse_bytes(&[whole, fraction].concat(), 10).expect("decimal digits");
    let power = BigUint::from(10_u8).pow(exponent.unsigned_abs() as u32);
    if exponent >= 0 {
        return Extended::in_range(digits * power, false, 0);
    }
    // Enough bits that the quotient has more than a mantissa; the remainder says "a little more".
    let shift = (power.bits() + 66).saturating_sub(digits.bits());
    let dividend = digits << shift;
    let quotient = &dividend / &power;
    let inexact = &quotient * &power != dividend;
    Extended::in_range(quotient, inexact, -(shift as i64))
}

/// A non-zero number below 2^64 times a power of ten between 10^-18 and 10^19.
fn usual(digits: u64, exponent: i64) -> Extended {
    let power = 10_u128.pow(exponent.unsigned_abs() as u32);
    if exponent >= 0 {
        return Extended::normalized(false, u128::from(digits) * power, 0);
    }
    // The dividend has 127 bits and the divisor at most 60: the quotient has more than a mantissa and a
    // bit to round by, and the remainder goes into its lowest bit.
    let shift = u128::from(digits).leading_zeros() - 1;
    let dividend = u128::from(digits) << shift;
    let quotient = dividend / power;
    let inexact = u128::from(!dividend.is_multiple_of(power));
    Extended::normalized(false, quotient | inexact, -i64::from(shift))
}

#[cfg(test)]
#[path = "extended_tests.rs"]
mod tests;
