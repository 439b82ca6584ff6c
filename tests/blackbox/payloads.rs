//! DUMP and RESTORE between Medusa and redis-server, in both directions, with values of every type.

use crate::common::{Server, Wire};
use medusa::base::prng::Prng;
use medusa::command::table::Table;
use medusa::resp::{Decoder, Value};

type Words = Vec<Vec<u8>>;

/// How a value is read back: its kind, the command, and whether the order of what it returns means nothing.
const READS: &[(&str, &[&str], bool)] = &[
    ("string", &["GET", "k"], false),
    ("list", &["LRANGE", "k", "0", "-1"], false),
    ("set", &["SMEMBERS", "k"], true),
    ("hash", &["HGETALL", "k"], true),
    ("zset", &["ZRANGE", "k", "0", "-1", "WITHSCORES"], false),
    ("stream", &["XINFO", "STREAM", "k", "FULL", "COUNT", "0"], false),
];

fn words(line: &str) -> Words {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// Whether this server has the command.
fn has(command: &str) -> bool {
    let tops = Table::get().tops();
    tops.iter().any(|row| row.spec.name.eq_ignore_ascii_case(command))
}

fn text(prng: &mut Prng) -> Vec<u8> {
    match prng.below(10) {
        0 => Vec::new(),
        1 | 2 => prng.below(200).to_string().into_bytes(),
        3 => (prng.next_u64() as i64 >> (8 * prng.below(8))).to_string().into_bytes(),
        4 => vec![b'a' + prng.below(3) as u8; prng.below(300) as usize],
        5 if prng.one_in(20) => vec![b'z'; 10_000 + prng.below(10_000) as usize],
        _ => (0..prng.below(30)).map(|_| prng.next_u64() as u8).collect(),
    }
}

/// Commands that make a value of `kind` at `k`.
fn build(kind: &str, prng: &mut Prng) -> Vec<Words> {
    let count = *prng.pick(&[1, 2, 10, 100, 700]);
    let verb = |name: &str| vec![name.as_bytes().to_vec(), b"k".to_vec()];
    let number = |prng: &mut Prng| {
        let bits = prng.below(64);
        (prng.next_u64() as i64 >> bits).to_string().into_bytes()
    };
    let mut command = match kind {
        "string" => {
            let mut command = verb(if prng.one_in(3) { "APPEND" } else { "SET" });
            command.push(text(prng));
            return vec![command];
        }
        "list" => verb("RPUSH"),
        "set" => verb("SADD"),
        "hash" => verb("HSET"),
        "zset" => verb("ZADD"),
        _ => return stream(prng),
    };
    let only_numbers = kind == "set" && prng.one_in(2);
    for _ in 0..count {
        match kind {
            "zset" => {
                let score = match prng.below(4) {
                    0 => "inf".to_string(),
                    1 => prng.below(100).to_string(),
                    _ => format!("{:?}", prng.next_u64() as i64 as f64 / 1e12),
                };
                command.push(score.into_bytes());
                command.push(text(prng));
            }
            "hash" => {
                command.push(text(prng));
                command.push(text(prng));
            }
            _ if only_numbers => command.push(number(prng)),
            _ => command.push(text(prng)),
        }
    }
    vec![command]
}

/// A stream with entries, removed entries, groups, consumers, and entries that wait for an acknowledgement.
fn stream(prng: &mut Prng) -> Vec<Words> {
    let mut commands = Vec::new();
    let count = *prng.pick(&[1, 3, 150, 400]);
    for at in 1..=count {
        let mut command = words(&format!("XADD k {}-{}", at / 3 + 1, at));
        for _ in 0..if prng.one_in(5) { 2 } else { 1 } {
            let field = if prng.one_in(4) { text(prng) } else { b"field".to_vec() };
            command.push(field);
            command.push(text(prng));
        }
        commands.push(command);
        if prng.one_in(10) {
            commands.push(words(&format!("XDEL k {}-{}", at / 6 + 1, at / 2)));
        }
    }
    for group in 0..prng.below(3) {
        commands.push(words(&format!("XGROUP CREATE k g{group} {}", prng.below(3))));
        for consumer in 0..prng.below(3) {
            let count = 1 + prng.below(20);
            commands.push(words(&format!("XREADGROUP GROUP g{group} c{consumer} COUNT {count} STREAMS k >")));
        }
    }
    commands
}

fn decode(raw: &[u8]) -> Value {
    let decoded = Decoder::new().next(raw).expect("a reply");
    decoded.expect("a whole reply").0
}

/// The value at `k`, in an order of its own if it has none.
fn read(wire: &mut Wire, kind: &str) -> Vec<Vec<u8>> {
    let (_, command, unordered) = READS.iter().find(|(name, ..)| *name == kind).expect("a kind");
    let raw = wire.call(command);
    let Value::Array(items) = decode(&raw) else { return vec![raw] };
    if kind == "stream" {
        return vec![raw];
    }
    let mut items: Vec<Vec<u8>> = items.iter().map(|item| item.as_bytes().unwrap_or(b"?").to_vec()).collect();
    if kind == "hash" {
        items = items.chunks(2).map(|pair| pair.join(&b"="[..])).collect();
    }
    if *unordered {
        items.sort();
    }
    items
}

/// Takes the payload of `k` from one server and makes it `k` on the other.
#[track_caller]
fn carry(from: &mut Wire, to: &mut Wire, why: &str) {
    let reply = from.call(&["DUMP", "k"]);
    let payload = decode(&reply).as_bytes().unwrap_or_else(|| panic!("no payload, {why}")).to_vec();
    let restored = to.call(&[&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE"]);
    let shown = payload.escape_ascii().to_string();
    assert_eq!(restored, b"+OK\r\n", "{why}: {}", &shown[..shown.len().min(2000)]);
}

#[test]
fn values_of_every_type_travel_to_redis_and_back() {
    let (server, reference) = (Server::medusa(2), Server::redis_with(&["--sanitize-dump-payload", "yes"]));
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    let seed = 0xd0_0d;
    let mut prng = Prng::new(seed);
    for round in 0..240 {
        let (kind, reader, _) = READS[round % READS.len()];
        let commands = build(kind, &mut prng);
        let we_read = has(reader[0]);
        let why = format!("seed {seed:#x}, round {round}, a {kind}");
        if round % 24 == 0 {
            let size = prng.pick(&["-2", "-1", "3", "100", "-5"]);
            let compression = prng.pick(&["yes", "no"]);
            let limit = prng.pick(&["128", "0", "5", "1000"]);
            theirs.call(&["CONFIG", "SET", "list-max-listpack-size", size]);
            theirs.call(&["CONFIG", "SET", "rdbcompression", compression]);
            theirs.call(&["CONFIG", "SET", "hash-max-listpack-entries", limit]);
            theirs.call(&["CONFIG", "SET", "zset-max-listpack-entries", limit]);
        }
        // From Redis to Medusa and back.
        theirs.call(&["DEL", "k"]);
        ours.call(&["DEL", "k"]);
        for command in &commands {
            theirs.call(command);
        }
        let original = read(&mut theirs, kind);
        carry(&mut theirs, &mut ours, &why);
        if we_read {
            assert_eq!(read(&mut ours, kind), original, "{why}, read by Medusa");
        }
        theirs.call(&["DEL", "k"]);
        carry(&mut ours, &mut theirs, &why);
        assert_eq!(read(&mut theirs, kind), original, "{why}, back at Redis");
        // The same, made by Medusa.
        if we_read {
            ours.call(&["DEL", "k"]);
            for command in &commands {
                ours.call(command);
            }
            carry(&mut ours, &mut theirs, &why);
            let (left, right) = (read(&mut ours, kind), read(&mut theirs, kind));
            assert_eq!(left, right, "{why}, made by Medusa");
        }
    }
}
