//! What must hold for any bytes that come as a payload: the bodies of fuzz targets, run on damaged payloads
//! by the tests here, so that no nightly compiler is needed to run them.

use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::ds::Shapes;
use crate::ds::fuzz::Decisions;
use crate::ds::packed::Packed;
use crate::ds::stream::Stream;
use crate::shard::dump;
use crate::shard::dump_read;
use crate::shard::value::{Owned, OwnedBody, Value};

/// Longest string that a fuzzed payload may unpack to.
const STRING_MAX: usize = 1 << 20;

fn read(bytes: &[u8], shapes: &Shapes) -> Option<Owned> {
    let body = dump_read::value(bytes, shapes, STRING_MAX)?;
    Some(Owned { body, deadline: None, stamp: 0, raw: false })
}

/// Any bytes are a value or refused. A value is written as a payload that is read back to the same, and
/// can be walked through, copied, weighed and freed.
pub fn restore(bytes: &[u8]) {
    let shapes = Shapes::new(Owners::new(1, 1));
    let Some(value) = read(bytes, &shapes) else { return };
    let payload = dump::payload(value.as_source());
    let Some(inside) = payload.len().checked_sub(10) else { panic!("a payload has a footer") };
    let again = read(&payload[..inside], &shapes);
    let again = again.unwrap_or_else(|| panic!("refused its own payload: {}", payload.escape_ascii()));
    assert_eq!(again.kind(), value.kind());
    // A table's order is the order of insertion, so only the size of what it is written as must agree.
    assert_eq!(dump::payload(again.as_source()).len(), payload.len(), "{}", payload.escape_ascii());
    if let OwnedBody::Boxed(mut value) = value.body {
        while value.free_part(100) {}
    }
}

/// Any bytes are a stream's payload, or refused and then an empty stream, and operations on it: the first byte
/// says how many bytes of operations come before the payload.
pub fn stream(bytes: &[u8]) {
    let Some((&[len], rest)) = bytes.split_first_chunk() else { return };
    let (operations, payload) = rest.split_at(rest.len().min(usize::from(len)));
    let payload = [&[dump::Kind::Stream as u8][..], payload].concat();
    let stream = match read(&payload, &Shapes::new(Owners::new(1, 1))).map(|value| value.body) {
        Some(OwnedBody::Boxed(value)) => match *value {
            Value::Stream(stream) => stream,
            other => panic!("a {} in a stream's payload", other.kind()),
        },
        _ => Stream::default(),
    };
    crate::ds::fuzz::stream(stream, &mut Decisions(operations));
}

/// Any bytes are a listpack or refused. What is accepted can be read from both ends and changed.
pub fn listpack(bytes: &[u8]) {
    let Some((&[seed], bytes)) = bytes.split_first_chunk() else { return };
    let Some(mut packed) = Packed::from_bytes(bytes.to_vec()) else { return };
    let mut model: Vec<Vec<u8>> = packed.iter().map(|(_, item)| item.to_vec()).collect();
    let mut prng = Prng::new(u64::from(seed));
    for _ in 0..8 {
        let at = prng.below(model.len() as u64 + 1) as usize;
        let offset = packed.at(at as i64).unwrap_or(packed.end());
        match prng.below(4) {
            0 if at < model.len() => {
                packed.replace(offset, b"12345");
                model[at] = b"12345".to_vec();
            }
            1 if at < model.len() => {
                packed.remove(offset, 1);
                model.remove(at);
            }
            2 => {
                packed.push_front(b"x");
                model.insert(0, b"x".to_vec());
            }
            _ => {
                packed.insert_before(offset, b"y");
                model.insert(at, b"y".to_vec());
            }
        }
        assert!(packed.iter().rev().map(|(_, item)| item.to_vec()).eq(model.iter().rev().cloned()));
        assert_eq!(packed.len(), model.len());
        assert!(Packed::from_bytes(packed.as_bytes().to_vec()).is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three entries, one of them deleted, and two groups: what Redis wrote.
    const STREAM: &[u8] = b"\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01;;\0\0\0\x18\0\x02\x01\x01\x01\x01\
        \x01\x81a\x02\0\x01\x02\x01\0\x01\0\x01\x01\x01\x04\x01\x03\x01\0\x01\x01\x01\x02\x01\x04\x01\0\x01\x04\x01\
        \xdf\xff\x02\x02\x01\x81b\x02\x02\x01\x81c\x02\x03\x01\x08\x01\xff\x02\x05\0\x01\x01\x01\x02\x03\x02\x01g\x01\
        \x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\xbc\x01\xaf\x0e\xa2\x01\
        \0\0\x01\x01\x01c\xbc\x01\xaf\x0e\xa2\x01\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x01h\x05\0\x81\
        \xff\xff\xff\xff\xff\xff\xff\xff\0\x01\xc0\x0c\xbc\x01\xaf\x0e\xa2\x01\0\0\0";

    /// Payloads without footers, one of every kind that is read.
    fn examples() -> Vec<Vec<u8>> {
        let packed = |texts: &[&[u8]]| {
            let mut packed = Packed::new();
            texts.iter().for_each(|text| packed.push_back(text));
            packed.as_bytes().to_vec()
        };
        let string = |bytes: &[u8]| [&[bytes.len() as u8][..], bytes].concat();
        let with = |kind: u8, rest: &[u8]| [&[kind][..], rest].concat();
        let ziplist = b"\x12\0\0\0\x0d\0\0\0\x02\0\0\x01a\x03\x02bc\xff";
        let ints = b"\x02\0\0\0\x02\0\0\0\x01\0\x07\0";
        let score = 2.5_f64.to_le_bytes();
        vec![
            with(0, b"\x05hello"),
            with(0, &[0xc3, 5, 41, 0, b'a', 0xe0, 31, 0]),
            with(1, b"\x02\x01a\xc0\x05"),
            with(2, b"\x03\x01a\xc0\x05\x02bc"),
            with(3, b"\x02\x01a\x032.5\x01b\xfe"),
            with(4, b"\x02\x01a\xc0\x05\x01b\x01c"),
            with(5, &[&b"\x02\x01a"[..], &score, b"\x01b", &score].concat()),
            with(9, &string(b"\x01\x01a\x02\x0112?\xff")),
            with(10, &string(ziplist)),
            with(11, &string(ints)),
            with(12, &string(b"\x12\0\0\0\x0d\0\0\0\x02\0\0\x01a\x03\x0212\xff")),
            with(13, &string(ziplist)),
            with(14, &[&[2][..], &string(ziplist), &string(ziplist)].concat()),
            with(16, &string(&packed(&[b"a", b"1", b"b", &[b'x'; 40]]))),
            with(17, &string(&packed(&[b"a", b"1", b"b", b"2.5"]))),
            with(19, STREAM),
            with(18, &[&[2, 2][..], &string(&packed(&[b"a", b"-700"])), b"\x01\x03abc"].concat()),
        ]
    }

    #[test]
    fn payloads_are_read_or_refused_however_damaged() {
        let seed = 0xf0_22;
        let mut prng = Prng::new(seed);
        let shapes = Shapes::new(Owners::new(1, 1));
        for example in examples() {
            assert!(read(&example, &shapes).is_some(), "{}", example.escape_ascii());
            restore(&example);
            for len in 0..example.len() {
                restore(&example[..len]);
            }
            for _ in 0..if cfg!(miri) { 20 } else { 1500 } {
                let mut bytes = example.clone();
                for _ in 0..=prng.below(3) {
                    let at = prng.below(bytes.len() as u64) as usize;
                    match prng.below(4) {
                        0 => bytes[at] = prng.next_u64() as u8,
                        1 => bytes[at] ^= 1 << prng.below(8),
                        2 => bytes[at] = *prng.pick(&[0, 0x7f, 0x80, 0x81, 0xc0, 0xc3, 0xf0, 0xfe, 0xff]),
                        _ => bytes.insert(at, prng.next_u64() as u8),
                    }
                }
                restore(&bytes);
            }
        }
    }

    #[test]
    fn streams_of_damaged_payloads_can_be_used() {
        let seed = 0x57_22;
        let mut prng = Prng::new(seed);
        for round in 0..if cfg!(miri) { 5 } else { 3000 } {
            let operations: Vec<u8> = (0..prng.below(120)).map(|_| prng.next_u64() as u8).collect();
            let mut bytes = [&[operations.len() as u8][..], &operations, STREAM].concat();
            let start = bytes.len() - STREAM.len();
            for _ in 0..prng.below(4) {
                let at = start + prng.below(STREAM.len() as u64) as usize;
                bytes[at] =
                    if prng.one_in(2) { bytes[at] ^ 1 << prng.below(8) } else { prng.next_u64() as u8 };
            }
            let outcome = std::panic::catch_unwind(|| stream(&bytes));
            assert!(outcome.is_ok(), "seed {seed} round {round}: {}", bytes.escape_ascii());
        }
    }

    #[test]
    fn listpacks_are_read_or_refused_however_damaged() {
        let seed = 0x11_57;
        let mut prng = Prng::new(seed);
        for _ in 0..if cfg!(miri) { 20 } else { 4000 } {
            let mut packed = Packed::new();
            for _ in 0..prng.below(5) {
                let len = prng.below(100) as usize;
                packed.push_back(&vec![b'0' + prng.below(12) as u8; len]);
            }
            let mut bytes = [&[prng.next_u64() as u8], packed.as_bytes()].concat();
            for _ in 0..prng.below(3) {
                let at = prng.below(bytes.len() as u64) as usize;
                bytes[at] = prng.next_u64() as u8;
            }
            listpack(&bytes);
        }
    }
}
