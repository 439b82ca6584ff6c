//! Kinds of option values: how each is read from text and printed back.
//!
//! Reading and printing follow Redis 7.0 to the byte, error texts included, because clients, tools
//! and people's scripts match on them. A value that does not fit its type fails with the range of its
//! row, so a field can never hold what its row forbids.

use crate::base::number;
use std::borrow::Cow;

/// Why a value was refused; the words Redis uses where Redis has the case.
pub type Reason = Cow<'static, str>;

/// What a value looks like in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`.
    YesNo,
    /// A decimal number within bounds, both inclusive.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Bytes within bounds: a number with an optional unit (`b k kb m mb g gb`; `kb` is 1024, `k` 1000).
    Memory {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// File permissions in octal.
    Octal {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// One of these words, in any case.
    Word(&'static [&'static str]),
    /// Any bytes.
    Text,
    /// Words separated by single spaces.
    Words,
    /// Percentiles from 0 to 100, separated by single spaces.
    Percentiles,
    /// `class hard soft seconds`, repeated; a class that is not named keeps its limits.
    OutputLimits,
}

impl Kind {
    /// What is expected, to finish a sentence such as `timeout must be …`.
    pub fn expects(self) -> String {
        match self {
            Kind::YesNo => "yes or no".into(),
            Kind::Integer { min, max } if min == max => format!("{min}, as it always is"),
            Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Memory { min, max } => {
                format!("bytes from {} to {}, as in 64mb", print_bytes(min), print_bytes(max))
            }
            Kind::Octal { min, max } => format!("octal permissions from {min:o} to {max:o}"),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Text => "text".into(),
            Kind::Words => "words separated by spaces".into(),
            Kind::Percentiles => "percentiles from 0 to 100 separated by spaces".into(),
            Kind::OutputLimits => {
                "a class (normal, replica or pubsub), a hard limit, a soft limit and seconds".into()
            }
        }
    }
}

/// A field of [`super::Options`].
pub trait Value {
    /// Appends the value as CONFIG GET shows it.
    fn print(&self, out: &mut Vec<u8>);
    /// Takes the value from `text`; on an error the old value stands.
    fn assign(&mut self, kind: Kind, text: &[u8]) -> Result<(), Reason>;
}

impl Value for bool {
    fn print(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"yes" } else { b"no" });
    }

    fn assign(&mut self, _kind: Kind, text: &[u8]) -> Result<(), Reason> {
        *self = if text.eq_ignore_ascii_case(b"yes") {
            true
        } else if text.eq_ignore_ascii_case(b"no") {
            false
        } else {
            return Err("argument must be 'yes' or 'no'".into());
        };
        Ok(())
    }
}

macro_rules! integer_values {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn print(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
            }

            fn assign(&mut self, kind: Kind, text: &[u8]) -> Result<(), Reason> {
                let number = parse_number(kind, text)?;
                *self = <$type>::try_from(number).map_err(|_| out_of_range(kind))?;
                Ok(())
            }
        }
    )*};
}
integer_values!(u8, u16, u32, u64, usize, i64);

/// File permissions, printed in octal as they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Value for Mode {
    fn print(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{:o}", self.0).as_bytes());
    }

    fn assign(&mut self, kind: Kind, text: &[u8]) -> Result<(), Reason> {
        self.0 = u32::try_from(parse_number(kind, text)?).map_err(|_| out_of_range(kind))?;
        Ok(())
    }
}

impl Value for String {
    fn print(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }

    fn assign(&mut self, _kind: Kind, text: &[u8]) -> Result<(), Reason> {
        *self = utf8(text)?.to_owned();
        Ok(())
    }
}

/// A password: any bytes.
impl Value for Vec<u8> {
    fn print(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn assign(&mut self, _kind: Kind, text: &[u8]) -> Result<(), Reason> {
        *self = text.to_vec();
        Ok(())
    }
}

/// Words, such as addresses.
impl Value for Vec<String> {
    fn print(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.join(" ").as_bytes());
    }

    fn assign(&mut self, _kind: Kind, text: &[u8]) -> Result<(), Reason> {
        *self = utf8(text)?.split_ascii_whitespace().map(str::to_owned).collect();
        Ok(())
    }
}

/// Percentiles that INFO latencystats reports.
impl Value for Vec<f64> {
    fn print(&self, out: &mut Vec<u8>) {
        let words: Vec<String> = self.iter().map(|value| print_percentile(*value)).collect();
        out.extend_from_slice(words.join(" ").as_bytes());
    }

    fn assign(&mut self, _kind: Kind, text: &[u8]) -> Result<(), Reason> {
        const UNREADABLE: Reason = Cow::Borrowed("Invalid latency-tracking-info-percentiles parameters");
        let mut values = Vec::new();
        for word in fields(text) {
            let value = number::parse_f64(word).ok_or(UNREADABLE)?;
            if !(0.0..=100.0).contains(&value) {
                return Err(
                    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into()
                );
            }
            values.push(value);
        }
        *self = values;
        Ok(())
    }
}

/// A percentile with up to six decimals and no trailing zeros: `99.9`, `100`.
pub fn print_percentile(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An enumeration whose members are words on the wire. `WORDS[self as usize]` is its spelling.
pub trait Words: Copy + Sized + 'static {
    /// Every member, in the order of their spellings.
    const ALL: &'static [Self];
    /// Spellings.
    const WORDS: &'static [&'static str];
    /// Position in both.
    fn index(self) -> usize;
}

/// Declares an enumeration of words and makes it a [`Value`].
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $member:ident = $word:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $member),* }

        impl $crate::config::value::Words for $name {
            const ALL: &'static [Self] = &[$($name::$member),*];
            const WORDS: &'static [&'static str] = &[$($word),*];
            fn index(self) -> usize {
                self as usize
            }
        }

        impl $crate::config::value::Value for $name {
            fn print(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.word().as_bytes());
            }

            fn assign(
                &mut self,
                _kind: $crate::config::value::Kind,
                text: &[u8],
            ) -> Result<(), $crate::config::value::Reason> {
                *self = $crate::config::value::pick_word(text)?;
                Ok(())
            }
        }

        impl $name {
            /// The member's spelling in configuration files.
            pub fn word(self) -> &'static str {
                <Self as $crate::config::value::Words>::WORDS[self as usize]
            }
        }
    };
}
pub(crate) use words;

/// The member spelled `text`, in any case.
pub fn pick_word<W: Words>(text: &[u8]) -> Result<W, Reason> {
    match W::WORDS.iter().position(|word| word.as_bytes().eq_ignore_ascii_case(text)) {
        Some(index) => Ok(W::ALL[index]),
        None => Err(format!("argument(s) must be one of the following: {}", W::WORDS.join(", ")).into()),
    }
}

/// When one class of clients has too much output waiting. 0 anywhere: no such limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Above this many bytes the client is closed at once.
    pub hard_bytes: u64,
    /// Above this many bytes for `soft_seconds` in a row the client is closed.
    pub soft_bytes: u64,
    /// See `soft_bytes`.
    pub soft_seconds: u32,
}

/// `client-output-buffer-limit`, by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    /// Ordinary clients, MONITOR included.
    pub normal: OutputLimit,
    /// Replicas (`slave` on the wire).
    pub replica: OutputLimit,
    /// Clients subscribed to channels.
    pub pubsub: OutputLimit,
}

impl Default for OutputLimits {
    fn default() -> Self {
        OutputLimits {
            normal: OutputLimit::default(),
            replica: OutputLimit { hard_bytes: 256 << 20, soft_bytes: 64 << 20, soft_seconds: 60 },
            pubsub: OutputLimit { hard_bytes: 32 << 20, soft_bytes: 8 << 20, soft_seconds: 60 },
        }
    }
}

impl OutputLimits {
    /// The classes with the names CONFIG GET gives them.
    pub fn classes(&self) -> [(&'static str, OutputLimit); 3] {
        [("normal", self.normal), ("slave", self.replica), ("pubsub", self.pubsub)]
    }
}

impl Value for OutputLimits {
    fn print(&self, out: &mut Vec<u8>) {
        let classes = self.classes().map(|(name, limit)| {
            format!("{name} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
        });
        out.extend_from_slice(classes.join(" ").as_bytes());
    }

    fn assign(&mut self, _kind: Kind, text: &[u8]) -> Result<(), Reason> {
        let words: Vec<&[u8]> = fields(text).collect();
        let mut limits = *self;
        let groups = words.chunks_exact(4);
        if !groups.remainder().is_empty() {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        }
        for group in groups {
            let limit = match group[0].to_ascii_lowercase().as_slice() {
                b"normal" => &mut limits.normal,
                b"slave" | b"replica" => &mut limits.replica,
                b"pubsub" => &mut limits.pubsub,
                _ => return Err("Invalid client class specified in buffer limit configuration.".into()),
            };
            let broken = || {
                Reason::Borrowed("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            };
            limit.hard_bytes = parse_bytes(group[1]).ok_or_else(broken)?;
            limit.soft_bytes = parse_bytes(group[2]).ok_or_else(broken)?;
            limit.soft_seconds = number::parse_i64(group[3])
                .and_then(|seconds| u32::try_from(seconds).ok())
                .ok_or_else(broken)?;
        }
        *self = limits;
        Ok(())
    }
}

/// Splits at single spaces, as Redis splits the value of a CONFIG SET: two spaces in a row make an
/// empty word. No words in an empty text.
fn fields(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b' ').filter(move |_| !text.is_empty())
}

fn utf8(text: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(text).map_err(|_| "argument must be UTF-8 text".into())
}

/// Reads a number as `kind` spells numbers and checks it against the bounds of `kind`.
pub(super) fn parse_number(kind: Kind, text: &[u8]) -> Result<i128, Reason> {
    let (number, min, max) = match kind {
        Kind::Integer { min, max } => {
            let number = number::parse_i64(text).ok_or("argument couldn't be parsed into an integer")?;
            (i128::from(number), min, max)
        }
        Kind::Memory { min, max } => {
            (i128::from(parse_bytes(text).ok_or("argument must be a memory value")?), min, max)
        }
        Kind::Octal { min, max } => {
            let number =
                std::str::from_utf8(text).ok().and_then(|digits| i64::from_str_radix(digits, 8).ok());
            (i128::from(number.ok_or("argument couldn't be parsed as an octal number")?), min, max)
        }
        _ => unreachable!("a numeric field has a numeric kind"),
    };
    if number < i128::from(min) || number > i128::from(max) {
        return Err(out_of_range(kind));
    }
    Ok(number)
}

fn out_of_range(kind: Kind) -> Reason {
    match kind {
        Kind::Integer { min, max } | Kind::Memory { min, max } => {
            format!("argument must be between {min} and {max} inclusive").into()
        }
        Kind::Octal { min, max } => format!("argument must be between {min:o} and {max:o} inclusive").into(),
        _ => unreachable!("a numeric field has a numeric kind"),
    }
}

/// Bytes with an optional unit. No digits at all mean 0, as Redis reads them; more than fits is the
/// largest there is, so that the bounds refuse it. A zero byte ends the text, for Redis reads a C string.
pub(super) fn parse_bytes(text: &[u8]) -> Option<u64> {
    let text = &text[..memchr::memchr(0, text).unwrap_or(text.len())];
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unit: u64 = match text[digits..].to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1_000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    if digits >= 128 {
        return None;
    }
    let number = text[..digits]
        .iter()
        .fold(0u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    Some(number.saturating_mul(unit))
}

/// Bytes in the largest unit that divides them: `1mb`, `1536kb`, `100`.
pub fn print_bytes(bytes: i64) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")] {
        if bytes != 0 && bytes % (1 << shift) == 0 {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_units_are_redis_s() {
        let cases = [
            ("100", 100),
            ("7b", 7),
            ("1k", 1_000),
            ("1kb", 1_024),
            ("2m", 2_000_000),
            ("2MB", 2 << 20),
            ("1g", 1_000_000_000),
            ("3Gb", 3 << 30),
            ("7\0x", 7),
            ("", 0),
            ("kb", 0),
            ("99999999999999999999999", u64::MAX),
            ("99999999999gb", u64::MAX),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text.as_bytes()), Some(bytes), "{text}");
        }
        for text in ["-1", "1 mb", "1mx", "0x10", "1kbb", &"1".repeat(128)] {
            assert_eq!(parse_bytes(text.as_bytes()), None, "{text}");
        }
        assert_eq!(print_bytes(1 << 20), "1mb");
        assert_eq!(print_bytes(1_000), "1000");
        assert_eq!(print_bytes(0), "0");
    }

    #[test]
    fn output_limits_change_only_the_classes_they_name() {
        let print = |limits: &OutputLimits| {
            let mut out = Vec::new();
            limits.print(&mut out);
            String::from_utf8(out).expect("digits")
        };
        let mut limits = OutputLimits::default();
        assert_eq!(print(&limits), "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
        limits.assign(Kind::OutputLimits, b"normal 1kb 1k 5 replica 1mb 2mb 3").expect("valid");
        assert_eq!(print(&limits), "normal 1024 1000 5 slave 1048576 2097152 3 pubsub 33554432 8388608 60");
        limits.assign(Kind::OutputLimits, b"").expect("no class at all is no change");
        for broken in
            ["normal 0 0", "foo 0 0 0", "normal x 0 0", "normal 0 0 -1", "normal 0 0 5x", "  normal 0 0 0 "]
        {
            let before = limits;
            limits.assign(Kind::OutputLimits, broken.as_bytes()).expect_err(broken);
            assert_eq!(limits, before);
        }
    }

    #[test]
    fn percentiles_print_with_six_decimals_at_most() {
        let mut values: Vec<f64> = vec![];
        for (text, shown) in [
            ("50 99 99.9", "50 99 99.9"),
            ("33.333333333333", "33.333333"),
            ("99.99999999", "100"),
            ("1e1", "10"),
            ("", ""),
        ] {
            values.assign(Kind::Percentiles, text.as_bytes()).expect(text);
            let mut out = Vec::new();
            values.print(&mut out);
            assert_eq!(out, shown.as_bytes());
        }
        for broken in ["50 x", "nan", "101", "-1", "50  99"] {
            values.assign(Kind::Percentiles, broken.as_bytes()).expect_err(broken);
        }
    }
}
