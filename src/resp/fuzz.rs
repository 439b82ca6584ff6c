//! What must hold for any bytes at all: the bodies of the fuzz targets, run on seeded bytes by the
//! tests here, so that no nightly compiler is needed to run them.

use crate::base::prng::Prng;
use crate::resp::value::{self, DecodeError};
use crate::resp::{Decoder, ParseLimits, Parser, Protocol, ProtocolError, Value};

/// The frames of a connection that sent some bytes, how it failed, and how many bytes make whole frames.
pub type Parsed = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>, usize);

/// The replies in some bytes, how they ended, and how many bytes make whole replies.
pub type Decoded = (Vec<Value>, Option<DecodeError>, usize);

/// Parses `input` as it would arrive in pieces of the lengths that `piece` gives.
pub fn parse(input: &[u8], limits: &ParseLimits, mut piece: impl FnMut() -> usize) -> Parsed {
    let mut parser = Parser::new();
    let (mut frames, mut start, mut end) = (Vec::new(), 0, 0);
    while end < input.len() {
        end = input.len().min(end.saturating_add(piece().max(1)));
        loop {
            let unread = &input[start..end];
            match parser.next(unread, limits) {
                Err(error) => return (frames, Some(error), start),
                Ok(None) => {
                    assert!(parser.bytes_wanted() <= limits.bulk_bytes_max + 2);
                    break;
                }
                Ok(Some(consumed)) => {
                    assert!(0 < consumed && consumed <= unread.len());
                    frames.push(parser.args(unread).from(0).map(<[u8]>::to_vec).collect());
                    start += consumed;
                }
            }
        }
    }
    (frames, None, start)
}

/// Decodes `input` as it would arrive in pieces of the lengths that `piece` gives.
pub fn decode(input: &[u8], mut piece: impl FnMut() -> usize) -> Decoded {
    let mut decoder = Decoder::new();
    let (mut values, mut start, mut end) = (Vec::new(), 0, 0);
    while end < input.len() {
        end = input.len().min(end.saturating_add(piece().max(1)));
        loop {
            let unread = &input[start..end];
            match decoder.next(unread) {
                Err(error) => return (values, Some(error), start),
                Ok(None) => break,
                Ok(Some((value, consumed))) => {
                    assert_eq!(value::skip(unread), Some(consumed), "skip and decode agree");
                    values.push(value);
                    start += consumed;
                }
            }
        }
    }
    (values, None, start)
}

/// Any bytes are parsed alike however they are cut, and never end the process. The first bytes choose
/// the limits and the cuts.
pub fn request_parse(bytes: &[u8]) {
    let Some((&[flags, seed], input)) = bytes.split_first_chunk() else { return };
    let limits = ParseLimits {
        bulk_bytes_max: if flags & 1 == 0 { 1 << 20 } else { 64 },
        authenticated: flags & 2 == 0,
    };
    let whole = parse(input, &limits, || usize::MAX);
    assert_eq!(whole, parse(input, &limits, || 1));
    let mut prng = Prng::new(u64::from(seed));
    assert_eq!(whole, parse(input, &limits, || prng.below(40) as usize));
}

/// Any bytes are decoded alike however they are cut, and what was decoded survives the way back.
pub fn value_decode(bytes: &[u8]) {
    let Some((&[seed], input)) = bytes.split_first_chunk() else { return };
    let whole = decode(input, || usize::MAX);
    assert_eq!(whole, decode(input, || 1));
    let mut prng = Prng::new(u64::from(seed));
    assert_eq!(whole, decode(input, || prng.below(40) as usize));
    let mut encoded = Vec::new();
    for value in &whole.0 {
        value.write_to(&mut encoded, Protocol::Resp3);
    }
    let again = decode(&encoded, || usize::MAX);
    assert_eq!(again.1, None);
    assert_eq!(again.2, encoded.len());
    let mut twice = Vec::new();
    for value in &again.0 {
        value.write_to(&mut twice, Protocol::Resp3);
    }
    assert_eq!(encoded, twice, "one round makes a reply canonical, the second changes nothing");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces that random bytes would hardly ever form.
    const PIECES: &[&[u8]] = &[
        b"*",
        b"$",
        b"\r\n",
        b"\r",
        b"\n",
        b"0",
        b"1",
        b"2",
        b"3",
        b"-1",
        b"10",
        b"*1\r\n",
        b"*2\r\n",
        b"$3\r\n",
        b"$0\r\n\r\n",
        b"PING",
        b"\"",
        b"'",
        b"\\x4",
        b" ",
        b"\0",
        b"+OK\r\n",
        b"-ERR x\r\n",
        b":5\r\n",
        b"%1\r\n",
        b"~2\r\n",
        b">1\r\n",
        b"|1\r\n",
        b"_\r\n",
        b"#t\r\n",
        b",1.5\r\n",
        b"(12\r\n",
        b"=5\r\ntxt:a\r\n",
        b"!2\r\nab\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"99999999999999999999",
        b"2147483648",
        b"67108864",
        b"\xff",
    ];

    fn bytes(prng: &mut Prng) -> Vec<u8> {
        let mut bytes = vec![prng.next_u64() as u8, prng.next_u64() as u8];
        for _ in 0..prng.below(40) {
            match prng.below(8) {
                0 => bytes.push(prng.next_u64() as u8),
                _ => bytes.extend(*prng.pick(PIECES)),
            }
        }
        bytes
    }

    #[test]
    fn any_request_bytes_parse_alike_however_cut() {
        for seed in 0..20_000 {
            let input = bytes(&mut Prng::new(seed));
            let outcome = std::panic::catch_unwind(|| request_parse(&input));
            assert!(outcome.is_ok(), "seed {seed}: {}", input.escape_ascii());
        }
    }

    #[test]
    fn any_reply_bytes_decode_alike_however_cut() {
        for seed in 0..20_000 {
            let input = bytes(&mut Prng::new(seed));
            let outcome = std::panic::catch_unwind(|| value_decode(&input));
            assert!(outcome.is_ok(), "seed {seed}: {}", input.escape_ascii());
        }
    }
}
