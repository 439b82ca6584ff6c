//! DUMP and RESTORE between Medusa and redis-server, in both directions: values of every kind in every
//! encoding, under settings that differ on the two sides.

#[path = "payloads/damage.rs"]
mod damage;
#[path = "payloads/options.rs"]
mod options;
#[path = "payloads/values.rs"]
mod values;

use crate::common::{Server, Wire};
use medusa::base::prng::Prng;
use values::{KINDS, Kind, Words, build, decode, next, read};

/// Settings that decide how values are stored: each with what it is set to.
const SETTINGS: &[(&str, &[&str])] = &[
    ("list-max-listpack-size", &["-2", "-1", "3", "100", "-5", "1"]),
    ("hash-max-listpack-entries", &["128", "0", "5", "512", "1000"]),
    ("hash-max-listpack-value", &["64", "0", "5", "5000"]),
    ("zset-max-listpack-entries", &["128", "0", "5", "1000"]),
    ("zset-max-listpack-value", &["64", "0", "5", "5000"]),
    ("set-max-intset-entries", &["512", "0", "5", "1000"]),
    ("stream-node-max-entries", &["100", "1", "7", "0"]),
    ("stream-node-max-bytes", &["4096", "40", "1000", "0"]),
    ("hll-sparse-max-bytes", &["3000", "0", "100", "16000"]),
];

/// Settings that only the reference has.
const SETTINGS_OF_REDIS: &[(&str, &[&str])] =
    &[("list-compress-depth", &["0", "1", "3"]), ("rdbcompression", &["yes", "no"])];

/// Rounds with the same settings.
const ROUNDS: usize = 12;

/// From which size on the reference gives an element of a list a node of its own; 0 is its default, 1 GB.
const PLAIN_FROM: &[&str] = &["0", "40B", "300B", "9000B"];

/// The seed of a test, or another that one wants to see: `MEDUSA_PAYLOADS_SEED`.
fn seed(usual: u64) -> u64 {
    std::env::var("MEDUSA_PAYLOADS_SEED").map_or(usual, |seed| seed.parse().expect("a number"))
}

fn one_of<'a>(choices: &[&'a str], prng: &mut Prng) -> &'a str {
    prng.pick::<&str>(choices)
}

fn set(wire: &mut Wire, name: &str, value: &str) {
    assert_eq!(wire.call(&["CONFIG", "SET", name, value]), b"+OK\r\n", "{name} {value}");
}

/// New settings on both sides, the same if `alike`.
fn settle(ours: &mut Wire, theirs: &mut Wire, alike: bool, prng: &mut Prng) {
    for (name, choices) in SETTINGS {
        let value = one_of(choices, prng);
        set(theirs, name, value);
        set(ours, name, if alike { value } else { one_of(choices, prng) });
    }
    for (name, choices) in SETTINGS_OF_REDIS {
        set(theirs, name, one_of(choices, prng));
    }
    let from = prng.pick(PLAIN_FROM);
    assert_eq!(theirs.call(&["DEBUG", "QUICKLIST-PACKED-THRESHOLD", from]), b"+OK\r\n");
}

fn payload(wire: &mut Wire, why: &str) -> Vec<u8> {
    let reply = wire.call(&["DUMP", "k"]);
    decode(&reply).as_bytes().unwrap_or_else(|| panic!("no payload, {why}")).to_vec()
}

/// Takes the payload of `k` from one server and makes it `k` on the other.
#[track_caller]
fn carry(from: &mut Wire, to: &mut Wire, why: &str) {
    let payload = payload(from, why);
    let restored = to.call(&[&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE"]);
    let shown = payload.escape_ascii().to_string();
    assert_eq!(restored, b"+OK\r\n", "{why}: {}", &shown[..shown.len().min(2000)]);
}

fn make(wire: &mut Wire, commands: &[Words]) {
    wire.call(&["DEL", "k"]);
    for command in commands {
        wire.call(command);
    }
}

/// Takes the sign from zeros among scores: a listpack has none, so it is lost between servers that are not set alike.
fn unsign(kind: Kind, alike: bool, commands: &mut [Words]) {
    if kind == Kind::Zset && !alike {
        commands.iter_mut().flatten().filter(|word| *word == b"-0").for_each(|word| *word = b"0".to_vec());
    }
}

#[track_caller]
fn same(left: &[Vec<u8>], right: &[Vec<u8>], why: &str) {
    if left != right {
        let at = left.iter().zip(right).position(|(left, right)| left != right);
        let (left, right) = (left.get(at.unwrap_or(0)), right.get(at.unwrap_or(0)));
        let shown = |item: Option<&Vec<u8>>| item.map(|item| item.escape_ascii().to_string());
        panic!("{why}, at {at:?}:\n{:?}\n{:?}", shown(left), shown(right));
    }
}

/// Whether two payloads, neither compressed nor in the order of a table, must be one.
fn is_one_form(kind: Kind, encoding: &[u8]) -> bool {
    match kind {
        Kind::String | Kind::Sketch | Kind::Stream => true,
        Kind::List => false,
        Kind::Set => encoding.ends_with(b"intset\r\n"),
        Kind::Hash | Kind::Zset => encoding.ends_with(b"listpack\r\n"),
    }
}

#[test]
fn values_of_every_kind_travel_to_redis_and_back() {
    let flags = ["--sanitize-dump-payload", "yes", "--enable-debug-command", "local"];
    let (server, reference) = (Server::medusa(2), Server::redis_with(&flags));
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    let seed = seed(0xd00d);
    let mut prng = Prng::new(seed);
    let mut alike = false;
    for round in 0..KINDS.len() * ROUNDS * 8 {
        let kind = KINDS[round % KINDS.len()];
        if round % (KINDS.len() * ROUNDS) == 0 {
            alike = prng.one_in(2);
            settle(&mut ours, &mut theirs, alike, &mut prng);
        }
        let mut commands = build(kind, &mut prng);
        unsign(kind, alike, &mut commands);
        let why = format!("seed {seed:#x}, round {round}, a {kind:?}");
        // From Redis to Medusa and back.
        make(&mut theirs, &commands);
        let original = read(&mut theirs, kind);
        carry(&mut theirs, &mut ours, &why);
        same(&read(&mut ours, kind), &original, &format!("{why}, read by Medusa"));
        theirs.call(&["DEL", "k"]);
        carry(&mut ours, &mut theirs, &why);
        same(&read(&mut theirs, kind), &original, &format!("{why}, back at Redis"));
        if alike {
            let encodings = [&mut theirs, &mut ours].map(|wire| wire.ask("OBJECT ENCODING k"));
            assert_eq!(encodings[0], encodings[1], "{why}, encodings");
        }
        // The same, made by Medusa, to Redis and back.
        make(&mut ours, &commands);
        if alike {
            // Once more at Redis, so that neither was restored. A stream's consumers have times of their own.
            make(&mut theirs, &commands);
            let [left, right] = [&mut ours, &mut theirs].map(|wire| match kind {
                Kind::Stream => {
                    vec![wire.call(&["XINFO", "STREAM", "k"]), wire.call(&["XRANGE", "k", "-", "+"])]
                }
                _ => read(wire, kind),
            });
            same(&left, &right, &format!("{why}, made by each"));
        }
        let original = read(&mut ours, kind);
        let sent = payload(&mut ours, &why);
        carry(&mut ours, &mut theirs, &why);
        same(&read(&mut theirs, kind), &original, &format!("{why}, made by Medusa"));
        ours.call(&["DEL", "k"]);
        carry(&mut theirs, &mut ours, &why);
        same(&read(&mut ours, kind), &original, &format!("{why}, back at Medusa"));
        if alike && is_one_form(kind, &ours.call(&["OBJECT", "ENCODING", "k"])) {
            same(&[payload(&mut ours, &why)], &[sent], &format!("{why}, the payload after the journey"));
        }
        // What both do with it next.
        let mut done = String::new();
        for _ in 0..12 {
            let mut command = next(kind, &commands, &mut prng);
            unsign(kind, alike, std::slice::from_mut(&mut command));
            let replies = [theirs.call(&command), ours.call(&command)].map(|reply| vec![reply]);
            let shown = medusa::testing::generate::shown(&command);
            done += &format!("\n  {shown}");
            same(&replies[1], &replies[0], &format!("{why}, then{done}"));
        }
        // When something became of a stream is another matter on each side, and so is when a sketch becomes dense.
        if alike && kind != Kind::Stream {
            let [left, right] = [&mut ours, &mut theirs].map(|wire| read(wire, kind));
            same(&left, &right, &format!("{why}, in the end"));
        }
    }
}
