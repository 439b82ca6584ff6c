//! Damaged payloads whose checksum fits: what Redis refuses is refused with the same words, and what both accept
//! they read alike.

use super::values::{KINDS, Kind, build, read, words};
use super::{make, payload, seed, settle};
use crate::common::{Server, Wire};
use medusa::base::crc64::crc64;
use medusa::base::prng::Prng;

/// The version of payloads that both write.
const VERSION: u16 = 10;

/// Version and checksum.
const FOOTER: usize = 10;

/// Bytes behind a damaged body, and those that it lacks: Redis reads on into the footer where a body is too short,
/// so that what it reads depends on the checksum. With these there, both read the same.
const FILLER: usize = 300;

/// Damaged bodies made of each whole one.
const DAMAGES: usize = 40;

/// Bodies that servers of older versions wrote: of every kind that 7.0 reads and does not write.
#[rustfmt::skip]
const OLD: &[&[u8]] = &[
    b"\x01\x02\x01a\xc0\x05",
    b"\x03\x02\x01a\x032.5\x01b\xfe",
    b"\x09\x09\x01\x01a\x02\x0112?\xff",
    b"\x09\x0c\x02\x01a\x01\x001\x01b\x01\x002\xff",
    b"\x0a\x12\x12\0\0\0\x0d\0\0\0\x02\0\0\x01a\x03\x02bc\xff",
    b"\x0c\x12\x12\0\0\0\x0d\0\0\0\x02\0\0\x01a\x03\x0212\xff",
    b"\x0d\x12\x12\0\0\0\x0d\0\0\0\x02\0\0\x01a\x03\x02bc\xff",
    b"\x0e\x02\x0e\x0e\0\0\0\x0a\0\0\0\x01\0\0\x01a\xff\x13\x13\0\0\0\x0d\0\0\0\x02\0\0\xfe\x80\x03\xf0\0\0\x80\xff",
    b"\x0f\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x1c\x1c\0\0\0\x0a\0\x01\x01\0\x01\x01\x01\x81a\x02\0\x01\x02\x01\0\x01\0\x01\x01\x01\x04\x01\xff\x01\x01\x01\0",
];

/// A body with a footer of its own.
fn seal(body: &[u8], version: u16) -> Vec<u8> {
    let mut out = [body, &version.to_le_bytes()].concat();
    let sum = crc64(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// Changes a few bytes, or leaves some out; mostly near the front and the end, where counts and lengths are.
fn damage(body: &mut Vec<u8>, prng: &mut Prng) {
    for _ in 0..=prng.below(2) {
        let len = body.len() as u64;
        let near = len.min(40);
        let at = match prng.below(3) {
            0 => prng.below(near),
            1 => len - 1 - prng.below(near),
            _ => prng.below(len),
        } as usize;
        match prng.below(6) {
            0 => body[at] = prng.next_u64() as u8,
            1 => body[at] ^= 1 << prng.below(8),
            2 => body[at] = *prng.pick(&[0, 0x7f, 0x80, 0x81, 0xc0, 0xc3, 0xf0, 0xfe, 0xff]),
            3 => body.insert(at, prng.next_u64() as u8),
            4 if len > 1 => _ = body.remove(at),
            _ => body.truncate(at.max(1)),
        }
    }
}

/// Whether Medusa looks closer than Redis does, even where `sanitize-dump-payload` says so: at scores that are
/// texts, and at all of a stream.
fn is_looked_at_closer(body: &[u8]) -> bool {
    matches!(body[0], 3 | 12 | 15 | 17 | 19)
}

/// Whether the reference would make a table for some billion elements, because a count says so, and walk through it.
fn is_for_a_large_machine(body: &[u8]) -> bool {
    matches!(body, [2..=5, 0x80..=0xbf, ..])
}

/// The value at `k`, whatever a damaged payload has made of it.
fn whatever(wire: &mut Wire) -> Vec<Vec<u8>> {
    let kind = match wire.ask("TYPE k").trim_end() {
        "+string" => Kind::String,
        "+list" => Kind::List,
        "+set" => Kind::Set,
        "+hash" => Kind::Hash,
        "+zset" => Kind::Zset,
        // Redis believes what a payload says about the first entry, and XINFO shows it.
        "+stream" => return vec![wire.call(&words("XRANGE k - +")), wire.call(&words("XLEN k"))],
        other => panic!("{other}"),
    };
    read(wire, kind)
}

#[test]
fn damaged_payloads_are_refused_as_redis_refuses_them() {
    let flags = ["--sanitize-dump-payload", "yes", "--enable-debug-command", "local"];
    let (server, reference) = (Server::medusa(2), Server::redis_with(&flags));
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    let seed = seed(0xda06);
    let mut prng = Prng::new(seed);
    let (mut refused, mut accepted) = (0, 0);
    for round in 0..KINDS.len() * 40 + OLD.len() * 10 {
        if round % 50 == 0 {
            settle(&mut ours, &mut theirs, true, &mut prng);
        }
        let why = format!("seed {seed:#x}, round {round}");
        let whole = match round.checked_sub(KINDS.len() * 40) {
            Some(old) => OLD[old % OLD.len()].to_vec(),
            None => {
                let commands = build(KINDS[round % KINDS.len()], &mut prng);
                let maker = if prng.one_in(2) { &mut ours } else { &mut theirs };
                make(maker, &commands);
                let mut whole = payload(maker, &why);
                whole.truncate(whole.len() - FOOTER);
                whole
            }
        };
        for at in 0..DAMAGES {
            let mut body = whole.clone();
            if at > 0 {
                damage(&mut body, &mut prng);
            }
            if is_for_a_large_machine(&body) {
                continue;
            }
            let shown = body[..body.len().min(2_000)].escape_ascii().to_string();
            let lacking = whole.len().saturating_sub(body.len());
            let filler = (0..FILLER + lacking).map(|_| prng.next_u64() as u8);
            let bytes = seal(&body.iter().copied().chain(filler).collect::<Vec<_>>(), VERSION);
            let [left, right] = [&mut theirs, &mut ours]
                .map(|wire| wire.ask_words(&[&b"RESTORE"[..], b"k", b"0", &bytes, b"REPLACE"]));
            let closer = left == "+OK\r\n"
                && right == "-ERR Bad data format\r\n"
                && at > 0
                && is_looked_at_closer(&body);
            assert!(at > 0 || left == "+OK\r\n", "{why}: what is whole is refused: {shown}");
            assert!(left == right || closer, "{why}, {at}: Redis {left}, Medusa {right}: {shown}");
            if left == right && left == "+OK\r\n" {
                accepted += 1;
                let [left, right] = [&mut theirs, &mut ours].map(whatever);
                super::same(&right, &left, &format!("{why}, {at}: {shown}"));
            } else {
                refused += 1;
            }
        }
    }
    assert!(refused > 1_000 && accepted > 1_000, "{refused} refused, {accepted} accepted");
}

#[test]
fn payloads_of_other_versions_and_broken_checksums_are_refused_as_redis_refuses_them() {
    let (server, reference) = (Server::medusa(1), Server::redis());
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    let body = b"\0\x05hello";
    let mut payloads: Vec<Vec<u8>> =
        [0, 1, 6, 9, 10, 11, 12, 256, u16::MAX].map(|version| seal(body, version)).into();
    let whole = seal(body, VERSION);
    payloads.extend((0..whole.len()).map(|len| whole[..len].to_vec()));
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            payloads.push(bytes);
        }
    }
    for bytes in payloads {
        let [left, right] = [&mut theirs, &mut ours]
            .map(|wire| wire.ask_words(&[&b"RESTORE"[..], b"k", b"0", &bytes, b"REPLACE"]));
        assert_eq!(left, right, "{}", bytes.escape_ascii());
    }
}
