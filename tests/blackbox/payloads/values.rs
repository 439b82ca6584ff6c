//! Values for payloads: commands that make one of each kind, in every encoding and at its edges, how it is
//! read back, and what may be done to it next.

use super::one_of;
use crate::common::Wire;
use medusa::base::prng::Prng;
use medusa::resp::{Decoder, Value};

pub(super) type Words = Vec<Vec<u8>>;

/// What a value can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    List,
    Set,
    Hash,
    Zset,
    Stream,
    Sketch,
}

pub(super) const KINDS: [Kind; 7] =
    [Kind::String, Kind::List, Kind::Set, Kind::Hash, Kind::Zset, Kind::Stream, Kind::Sketch];

pub(super) fn words(line: &str) -> Words {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

pub(super) fn decode(raw: &[u8]) -> Value {
    let decoded = Decoder::new().next(raw).expect("a reply");
    decoded.expect("a whole reply").0
}

/// Everything of the value at `k`, in an order of its own if it has none.
pub(super) fn read(wire: &mut Wire, kind: Kind) -> Vec<Vec<u8>> {
    let command = match kind {
        Kind::String | Kind::Sketch => "GET k",
        Kind::List => "LRANGE k 0 -1",
        Kind::Set => "SMEMBERS k",
        Kind::Hash => "HGETALL k",
        Kind::Zset => "ZRANGE k 0 -1 WITHSCORES",
        Kind::Stream => "XINFO STREAM k FULL COUNT 0",
    };
    let raw = wire.call(&words(command));
    let Value::Array(items) = decode(&raw) else { return vec![raw] };
    if kind == Kind::Stream {
        return vec![raw];
    }
    let mut items: Vec<Vec<u8>> = items.iter().map(|item| item.as_bytes().unwrap_or(b"?").to_vec()).collect();
    if kind == Kind::Hash {
        items = items.chunks(2).map(|pair| pair.join(&b"="[..])).collect();
    }
    if matches!(kind, Kind::Hash | Kind::Set) {
        items.sort();
    }
    items
}

/// Texts at the edges of what is a number, of what is compressed, and of how lengths are written.
pub(super) fn text(prng: &mut Prng) -> Vec<u8> {
    match prng.below(12) {
        0 => Vec::new(),
        1 | 2 => prng.below(200).to_string().into_bytes(),
        3 => (prng.next_u64() as i64 >> (8 * prng.below(8))).to_string().into_bytes(),
        4 => vec![b'a' + prng.below(3) as u8; prng.below(300) as usize],
        5 if prng.one_in(10) => vec![b'z'; 10_000 + prng.below(10_000) as usize],
        6 => compressible(prng),
        7 => {
            let around = *prng.pick(&[20, 44, 63, 64, 127, 255, 4096, 16_383]);
            vec![b'n'; around - 1 + prng.below(3) as usize]
        }
        8 => {
            let edges = [i8::MAX.into(), i16::MAX.into(), i32::MAX.into(), 1 << 12, 1 << 23, i64::MAX];
            let edge = prng.pick(&edges).wrapping_add(prng.below(3) as i64 - 1);
            (if prng.one_in(2) { edge } else { edge.wrapping_neg() }).to_string().into_bytes()
        }
        _ => (0..prng.below(30)).map(|_| prng.next_u64() as u8).collect(),
    }
}

/// Bytes with repetitions near and far, which LZF writes as literals, short and long references.
fn compressible(prng: &mut Prng) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let len = *prng.pick(&[21, 100, 1_000, 9_000]);
    while out.len() < len {
        if out.is_empty() || prng.one_in(3) {
            out.extend((0..=prng.below(40)).map(|_| prng.next_u64() as u8));
        } else {
            let from = prng.below(out.len() as u64) as usize;
            let run = (3 + prng.below(300) as usize).min(out.len() - from);
            out.extend_from_within(from..from + run);
        }
    }
    out
}

fn number(prng: &mut Prng) -> Vec<u8> {
    let bits = prng.below(64);
    (prng.next_u64() as i64 >> bits).to_string().into_bytes()
}

fn score(prng: &mut Prng) -> Vec<u8> {
    let edges = ["inf", "-inf", "-0", "0", "1.7976931348623157e308", "-1.7976931348623157e308", "5e-324"];
    match prng.below(6) {
        0 | 1 => (*prng.pick(&edges)).to_string(),
        2 => prng.below(100).to_string(),
        3 => (prng.next_u64() as i64).to_string(),
        _ => format!("{:?}", prng.next_u64() as i64 as f64 / 1e12),
    }
    .into_bytes()
}

/// Commands that make a value of `kind` at `k`.
pub(super) fn build(kind: Kind, prng: &mut Prng) -> Vec<Words> {
    let verb = |name: &str| vec![name.as_bytes().to_vec(), b"k".to_vec()];
    // Around the thresholds of encodings, as far as the settings of a round have them.
    let count = *prng.pick(&[1, 2, 3, 4, 10, 100, 127, 128, 129, 511, 512, 513, 700]);
    let mut command = match kind {
        Kind::String => {
            let mut command = verb(if prng.one_in(3) { "APPEND" } else { "SET" });
            command.push(text(prng));
            return vec![command];
        }
        Kind::Stream => return stream(prng),
        Kind::Sketch => return sketch(prng),
        Kind::List => verb("RPUSH"),
        Kind::Set => verb("SADD"),
        Kind::Hash => verb("HSET"),
        Kind::Zset => verb("ZADD"),
    };
    // Half of them with short elements alone, so that only their number decides on the encoding.
    let short = prng.one_in(2);
    let only_numbers = kind == Kind::Set && prng.one_in(2);
    for at in 0..count {
        let element = |prng: &mut Prng| match () {
            () if only_numbers => number(prng),
            () if short => format!("{}{at}", prng.pick(&["", "e"])).into_bytes(),
            () => text(prng),
        };
        if kind == Kind::Zset {
            command.push(score(prng));
        }
        command.push(element(prng));
        if kind == Kind::Hash {
            command.push(element(prng));
        }
    }
    vec![command]
}

/// A HyperLogLog: sparse, dense, or grown from one to the other.
fn sketch(prng: &mut Prng) -> Vec<Words> {
    let count = *prng.pick(&[0, 1, 5, 300, 2_000, 20_000]);
    let mut commands = vec![words("PFADD k")];
    for from in (0..count).step_by(1_000) {
        let mut command = words("PFADD k");
        command.extend((from..count.min(from + 1_000)).map(|_| number(prng)));
        commands.push(command);
    }
    if prng.one_in(2) {
        // Leaves a count in its cache.
        commands.push(words("PFCOUNT k"));
    }
    commands
}

/// A stream with entries, removed and trimmed ones, groups, consumers, and entries that wait for an
/// acknowledgement, some of which are gone from the stream.
fn stream(prng: &mut Prng) -> Vec<Words> {
    let mut commands = Vec::new();
    let count = *prng.pick(&[1, 3, 99, 100, 101, 150, 400]);
    let id = |at: u64| format!("{}-{at}", at / 3 + 1);
    for at in 1..=count {
        let mut command = words(&format!("XADD k {}", id(at)));
        for _ in 0..if prng.one_in(5) { 2 } else { 1 } {
            let field = if prng.one_in(4) { text(prng) } else { b"field".to_vec() };
            command.push(field);
            command.push(text(prng));
        }
        commands.push(command);
        if prng.one_in(10) {
            commands.push(words(&format!("XDEL k {}", id(1 + prng.below(at)))));
        }
    }
    for group in 0..prng.below(4) {
        let start = *prng.pick(&["0", "$", "2", "9-3"]);
        commands.push(words(&format!("XGROUP CREATE k g{group} {start}")));
        for consumer in 0..prng.below(4) {
            let who = format!("GROUP g{group} c{consumer}");
            let count = 1 + prng.below(20);
            commands.push(words(&match prng.below(6) {
                0 => format!("XREADGROUP {who} COUNT {count} NOACK STREAMS k >"),
                1 => format!("XGROUP CREATECONSUMER k g{group} c{consumer}"),
                _ => format!("XREADGROUP {who} COUNT {count} STREAMS k >"),
            }));
            let some = id(1 + prng.below(count));
            match prng.below(8) {
                0 => commands.push(words(&format!("XACK k g{group} {some}"))),
                1 => commands
                    .push(words(&format!("XCLAIM k g{group} c{consumer} 0 {some} FORCE RETRYCOUNT 300"))),
                2 => commands
                    .push(words(&format!("XAUTOCLAIM k g{group} c{consumer} 0 {some} COUNT 3 JUSTID"))),
                3 => commands.push(words(&format!("XGROUP DELCONSUMER k g{group} c{consumer}"))),
                4 => commands.push(words(&format!("XGROUP SETID k g{group} {some} ENTRIESREAD 7"))),
                _ => {}
            }
        }
    }
    let (some, half, last) = (id(1 + prng.below(count)), count / 2, count + 5);
    commands.extend(match prng.below(9) {
        // All that is pending is gone from the stream, or some of it.
        0 => vec![words("XTRIM k MAXLEN 0")],
        1 => vec![words(&format!("XTRIM k MAXLEN = {half}"))],
        2 => vec![words(&format!("XTRIM k MINID = {some}"))],
        3 => vec![words(&format!("XTRIM k MAXLEN ~ {half}"))],
        4 => (1..=count).map(|at| words(&format!("XDEL k {}", id(at)))).collect(),
        5 => {
            vec![words(&format!("XSETID k {last}-{last} ENTRIESADDED {} MAXDELETEDID {some}", last * 10))]
        }
        // The first entries of a node, the last, or those in between.
        6 => (1..count.min(60)).map(|at| words(&format!("XDEL k {}", id(at)))).collect(),
        7 => (half..count).map(|at| words(&format!("XDEL k {}", id(at)))).collect(),
        _ => Vec::new(),
    });
    commands
}

/// A command on `k` that two servers with the same value answer alike; elements are often its own.
pub(super) fn next(kind: Kind, made_by: &[Words], prng: &mut Prng) -> Words {
    let all: Vec<&Vec<u8>> = made_by.iter().flat_map(|words| words.iter().skip(2)).collect();
    let own = |prng: &mut Prng| {
        if all.is_empty() || prng.one_in(4) { text(prng) } else { prng.pick(&all).to_vec() }
    };
    let index = (prng.below(40) as i64 - 20).to_string();
    let line = match kind {
        Kind::String => *prng.pick(&["INCR k", "APPEND k x", "STRLEN k", "GETRANGE k 1 -2", "SETBIT k 77 1"]),
        Kind::List => match prng.below(7) {
            0 => "LPOP k 2",
            1 => "RPOP k",
            2 => &format!("LINDEX k {index}"),
            3 => return [words(&format!("LSET k {index}")), vec![own(prng)]].concat(),
            4 => return [words("LINSERT k BEFORE"), vec![own(prng), text(prng)]].concat(),
            5 => return [words(&format!("LREM k {index}")), vec![own(prng)]].concat(),
            _ => return [words("LPUSH k"), vec![text(prng)]].concat(),
        },
        Kind::Set => {
            return [words(one_of(&["SADD k", "SREM k", "SISMEMBER k"], prng)), vec![own(prng)]].concat();
        }
        Kind::Hash => {
            let line = *prng.pick(&["HDEL k", "HGET k", "HSTRLEN k", "HSET k"]);
            let mut command = [words(line), vec![own(prng)]].concat();
            if line == "HSET k" {
                command.push(text(prng));
            }
            return command;
        }
        Kind::Zset => match prng.below(6) {
            0 => return [words("ZADD k"), vec![score(prng), own(prng)]].concat(),
            1 => "ZRANGEBYSCORE k -inf (0 LIMIT 0 5",
            2 => "ZPOPMAX k 2",
            3 => &format!("ZRANGE k {index} 20 WITHSCORES"),
            _ => return [words(one_of(&["ZRANK k", "ZREM k", "ZSCORE k"], prng)), vec![own(prng)]].concat(),
        },
        Kind::Stream => {
            let (at, group) = (prng.below(300), prng.below(3));
            match prng.below(10) {
                0 => &format!("XADD k {}-{at} field value", 900 + at),
                1 => &format!("XDEL k {}-{at}", at / 3 + 1),
                2 => &format!("XTRIM k MAXLEN {at}"),
                3 => &format!("XACK k g{group} {}-{at}", at / 3 + 1),
                4 => &format!("XREADGROUP GROUP g{group} c0 COUNT 3 STREAMS k >"),
                5 => &format!("XREADGROUP GROUP g{group} c1 COUNT 30 STREAMS k 0"),
                6 => &format!("XAUTOCLAIM k g{group} c0 0 {} COUNT 5", at / 3),
                7 => &format!("XPENDING k g{group}"),
                8 => "XINFO GROUPS k",
                _ => "XREVRANGE k + - COUNT 4",
            }
        }
        Kind::Sketch => match prng.below(3) {
            0 => "PFCOUNT k",
            _ => return [words("PFADD k"), vec![number(prng)]].concat(),
        },
    };
    words(line)
}
