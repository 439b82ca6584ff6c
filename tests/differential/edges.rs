//! Numbers at their edges: every value of every command, one at a time, becomes each of a list of words on
//! which readers of numbers disagree, against small keys of every type; replies and resulting values must be
//! Redis's.
//!
//! Where values stand is read from the command table's usages, so a new row is tried the day it lands. A
//! usage has many forms: the plain one, one with each optional part, and one with each two of them. Each form
//! gets a plausible word for every value, and then one of them an edge. What blocks runs inside MULTI, where
//! it answers at once. Batches of tries run on keys of their own between two FLUSHALLs.
//!
//!   MEDUSA_EDGES_ONLY=zadd,incrby cargo test --test differential edges

use super::{Pair, now_ms};
use medusa::command::spec::Flags;
use medusa::command::table::{Command, Table};
use medusa::command::usage::{self, Argument, Kind};
use medusa::testing::differences::NEWER;
use medusa::testing::generate::{frame, is_endless, shown};
use std::collections::BTreeMap;

/// Bytes sent before a reply is read, at most: less than socket buffers hold.
const BATCH_BYTES: usize = 48 << 10;
/// Keys on which two optional parts are tried together.
const PAIR_KEYS_MAX: usize = 2;
/// Differences that are printed for each value of each command.
const SHOWN_MAX: usize = 3;

/// What stands where a number is read.
#[rustfmt::skip]
const EDGES: &[&str] = &[
    "0", "-0", "1", "-1", "2", "7", "-9223372036854775808", "9223372036854775807", "-9223372036854775809",
    "9223372036854775808", "-9223372036854775807", "9223372036854775806", "18446744073709551615",
    "18446744073709551616", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295",
    "4294967296", "9223372036854775", "9223372036854776", "-9223372036854776", "9007199254740993", "1e308",
    "1e309", "-1e309", "4.9e-324", "1e-400", "1.7976931348623157e308", "inf", "-inf", "+inf", "Infinity",
    "nan", "-nan", "NaN(1)", "0.0", "-0.0", "0.1", "1.0", "1.5", "-1.5", ".5", "5.", "1e3", "1E3", "1e", " 1",
    "1 ", "1\n", "\t1", "1\0", "0x10", "0x", "0x1p3", "", "+", "-", "+1", "--1", "+-1", "01", "007", "-01", "00",
    "\u{663}", "1,5", "1_000", "$", "*", "#1", "(1", "(-1", "(inf", "(nan", "(", "[", "[1", "1-1", "0-0", "1-", "-1-1",
    "1-*", "1-1-1", "1--1", "18446744073709551615-18446744073709551615", "18446744073709551616-0",
    "1-18446744073709551616", "(18446744073709551615-18446744073709551615", "(0-0",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999",
    "00000000000000000000000000000000000000000000000000000000000000000000000000000001",
    "0.00000000000000000000000000000000000000000000000000000000000000000000000000001",
];

/// Enough to see in which order type and arguments are checked.
const FEW_EDGES: &[&str] = &["1", "0", "-1", "9223372036854775808", "nan", ""];

/// Small keys, each by the commands that make it; `{}` stands for the key.
#[rustfmt::skip]
const KEYS: &[&[&str]] = &[
    &[],
    &["SET {} 10"],
    &["SET {} hello"],
    &["SET {} 9223372036854775807"],
    &["SET {} -9223372036854775808"],
    &["SET {} 1.7e308"],
    &["SET {} inf"],
    &["SET {} -0.0"],
    &["RPUSH {} 1 m 3 x 5"],
    &["HSET {} f 10 g text"],
    &["HSET {} f 9223372036854775807 g 1"],
    &["HSET {} f 1.7e308 g inf"],
    &["SADD {} 1 2 3"],
    &["SADD {} m"],
    &["ZADD {} 1 m 2 n 3 o"],
    &["ZADD {} -inf n 0 m inf o 1.7e308 p"],
    &["ZADD {} -1 m 18446744073709551615 n -9223372036854775809 o 4503599627370496 p"],
    &["GEOADD {} 13.361389 38.115556 m 15.087269 37.502669 n"],
    &["PFADD {} a b c"],
    &["XADD {} 1-1 f v", "XADD {} 2-0 f v", "XADD {} 3-7 f v", "XGROUP CREATE {} g 0", "XREADGROUP GROUP g c COUNT 2 STREAMS {} >"],
    &["XADD {} 18446744073709551615-18446744073709551615 f v", "XGROUP CREATE {} g 0"],
];

/// One word of a form.
#[derive(Clone, Debug)]
enum Slot {
    Token(String),
    Key,
    Value(Argument),
}

type Form = Vec<Slot>;

/// Every way of giving one argument; nothing at all is the first, if it may be left out.
fn forms_of(argument: &Argument) -> Vec<Form> {
    let token = argument.token.iter().map(|token| Slot::Token(token.clone()));
    let given: Vec<Form> = match argument.kind {
        Kind::PureToken => vec![Vec::new()],
        Kind::Key => vec![vec![Slot::Key]],
        Kind::OneOf => argument.arguments.iter().flat_map(forms_of).filter(|form| !form.is_empty()).collect(),
        Kind::Block => argument.arguments.iter().fold(vec![Vec::new()], |forms, part| {
            let parts = forms_of(part);
            forms.iter().flat_map(|form| parts.iter().map(|part| [&form[..], &part[..]].concat())).collect()
        }),
        _ => vec![vec![Slot::Value(argument.clone())]],
    };
    let left_out = argument.optional.then(Vec::new);
    let given = given.into_iter().map(|form| token.clone().chain(form).collect());
    left_out.into_iter().chain(given).collect()
}

/// The forms of a command, each with the first and the last slot that are new in it.
fn forms(command: &Command) -> Vec<(Form, std::ops::Range<usize>)> {
    let arguments = usage::parse(command.spec.usage).expect("the table's usages are well-formed");
    let parts: Vec<Vec<Form>> = arguments.iter().map(forms_of).collect();
    let mut forms = Vec::new();
    let mut add = |choice: &[usize]| {
        let changed: Vec<usize> = (0..choice.len()).filter(|&at| choice[at] > 0).collect();
        let mut form = Vec::new();
        let mut starts = Vec::new();
        for (part, &choice) in parts.iter().zip(choice) {
            starts.push(form.len());
            form.extend_from_slice(&part[choice]);
        }
        starts.push(form.len());
        // Of the form with two optional parts, all that is new is how they meet.
        let new = match changed.as_slice() {
            [first, .., last] => starts[*first]..starts[last + 1],
            _ => 0..form.len(),
        };
        forms.push((form, new));
    };
    let plain = vec![0; parts.len()];
    add(&plain);
    for first in 0..parts.len() {
        for choice in 1..parts[first].len() {
            let mut one = plain.clone();
            one[first] = choice;
            add(&one);
            for second in first + 1..parts.len() {
                for choice in 1..parts[second].len() {
                    let mut two = one.clone();
                    two[second] = choice;
                    add(&two);
                }
            }
        }
    }
    forms
}

/// A word that makes sense where an argument of this name stands, so that the others' edges are reached.
fn plausible(command: &str, argument: &Argument) -> Vec<u8> {
    let stream = command.starts_with('x');
    let word = match argument.name.as_str() {
        "start" | "min" if argument.kind == Kind::String => {
            if stream {
                "-"
            } else {
                "0"
            }
        }
        "end" | "max" if argument.kind == Kind::String => "+",
        "min" if command.contains("lex") => "-",
        "max" if command.contains("lex") => "+",
        "min" | "start" | "cursor" | "index" | "index1" | "min-idle-time" | "ms" => "0",
        "max" => "1000",
        "end" | "stop" => "-1",
        "numkeys" | "numfields" | "rank" | "threshold" | "db" | "destination-db" | "index2" => "1",
        "offset" => "3",
        "seconds" | "milliseconds" | "ttl" => "100000",
        "unix-time-seconds" => "5000000000",
        "unix-time-milliseconds" => "5000000000000",
        "id" | "last-id" if matches!(command, "xadd" | "xsetid") => "5-5",
        "id" | "start-id" | "lastid" | "last-id" => "1-1",
        "max_deleted_entry_id" => "1-1",
        "entries_added" | "entries_read" => "5",
        "field" => "f",
        "member" | "member1" | "pivot" | "element" => "m",
        "member2" => "n",
        "group" | "groupname" => "g",
        "consumer" | "consumername" => "c",
        "longitude" => "13.4",
        "latitude" => "38.1",
        "radius" | "width" | "height" => "200",
        "encoding" => "i8",
        "operation" => "and",
        "client-id" => "1000000",
        "yes/no" => "yes",
        "pattern" => "*",
        "protover" => "2",
        "serialized-value" => return b"\0\x01v\x0a\0\x91\x08\xce\xb2\x198\x8a\xce".to_vec(),
        "timeout" => "0.01",
        "bit" if command == "setbit" || command == "bitpos" => "1",
        _ => "2",
    };
    word.as_bytes().to_vec()
}

/// Commands that are not tried, and why.
#[rustfmt::skip]
const LEFT_OUT: &[(&str, &str)] = &[
    ("config|set", "changes what the other commands answer; tests/blackbox has it"),
    ("config|get", "the values of one server; its words are patterns"),
    ("client|reply", "leaves nothing to compare"),
    ("lolwut", "art"),
    ("monitor", "turns a connection into a stream"),
    ("quit", "ends the connection"),
    ("randomkey", "has no arguments"),
    ("replicaof", "makes the reference a replica"),
    ("shutdown", "ends the server"),
    ("slaveof", "makes the reference a replica"),
];

/// Whether a command would take huge memory or time on both servers, or race with a clock or a die.
fn is_left_out(command: &str, argument: &Argument, edge: &str, words: &[Vec<u8>], key: &[&str]) -> bool {
    let name = argument.name.as_str();
    let is_small = matches!(edge, "1" | "2" | "7");
    // A bit up to 2^32 is within bounds, and half a gigabyte away.
    let is_far_bit = matches!(command, "setbit" | "bitfield")
        && matches!(edge, "2147483647" | "2147483648" | "4294967295");
    // A thousand times more than memory has, one random member at a time.
    let is_long = is_endless(words) && !key.is_empty();
    // A time that passes while we look.
    let is_near = matches!(name, "seconds" | "milliseconds" | "ttl" | "min-idle-time") && is_small;
    // Which of several members goes is random.
    let is_random = command == "spop" && key.iter().any(|line| line.ends_with("1 2 3"));
    // Only writes are paused, so that the pause can be ended.
    let is_whole_pause = command == "client|pause" && words.last().is_none_or(|word| word != b"WRITE");
    // The number of a connection that is there.
    let is_client = command == "client|kill" && is_small;
    is_far_bit || is_long || is_near || is_random || is_whole_pause || is_client
}

/// One command on one key.
struct Try {
    setup: Vec<Vec<Vec<u8>>>,
    words: Vec<Vec<u8>>,
    keys: Vec<Vec<u8>>,
    /// Which command, and which of its values has the edge.
    subject: String,
}

struct Edges {
    pair: Pair,
    protocol: &'static str,
    /// Differences by subject.
    found: BTreeMap<String, Vec<String>>,
    tries: u64,
}

fn words_of(line: &str, key: &[u8]) -> Vec<Vec<u8>> {
    line.split(' ').map(|word| if word == "{}" { key.to_vec() } else { word.as_bytes().to_vec() }).collect()
}

/// What shows all of a value of this type.
fn look(kind: &[u8], key: &[u8]) -> Option<Vec<Vec<u8>>> {
    let line = match kind {
        b"+string\r\n" => "GET {}",
        b"+list\r\n" => "LRANGE {} 0 -1",
        b"+hash\r\n" => "HGETALL {}",
        b"+set\r\n" => "SMEMBERS {}",
        b"+zset\r\n" => "ZRANGE {} 0 -1 WITHSCORES",
        b"+stream\r\n" => "XINFO STREAM {} FULL",
        _ => return None,
    };
    Some(words_of(line, key))
}

impl Edges {
    fn connect(&mut self) {
        self.pair.reconnect();
        self.pair.both(&words_of(&format!("HELLO {}", self.protocol), b""));
    }

    /// Sends commands to both and returns both replies to each.
    fn exchange(&mut self, commands: &[Vec<Vec<u8>>]) -> Vec<[Vec<u8>; 2]> {
        let mut frames = Vec::new();
        commands.iter().for_each(|words| frame(words, &mut frames));
        self.pair.wires.iter_mut().for_each(|wire| wire.send(&frames));
        let mut answer = |side: usize, words: &[Vec<u8>]| {
            self.pair.wires[side].try_reply().unwrap_or_else(|error| {
                let server = ["redis-server", "medusa"][side];
                panic!(
                    "{server} does not answer {}: {error}; its log:\n{}",
                    shown(words),
                    self.pair.servers[side].log()
                )
            })
        };
        commands.iter().map(|words| [0, 1].map(|side| answer(side, words))).collect()
    }

    fn note(&mut self, tried: &Try, words: &[Vec<u8>], replies: &[Vec<u8>; 2]) {
        let [reference, medusa] = [0, 1].map(|side| super::short(&replies[side]));
        let setup: Vec<String> = tried.setup.iter().map(|words| shown(words)).collect();
        let after = if words == tried.words { String::new() } else { format!(", then {}", shown(words)) };
        let text = format!(
            "  {}; {}{after}\n    reference: {reference}\n    medusa:    {medusa}\n",
            setup.join("; "),
            shown(&tried.words)
        );
        self.found.entry(tried.subject.clone()).or_default().push(text);
    }

    /// Runs tries on keys of their own, and looks at what they left behind.
    fn run(&mut self, tries: &[Try], is_write: bool) {
        let mut commands = vec![words_of("FLUSHALL SYNC", b"")];
        let mut owners = vec![None];
        for (at, tried) in tries.iter().enumerate() {
            commands.extend(tried.setup.iter().cloned());
            owners.resize(commands.len(), None);
            let blocks = Table::get().top(&tried.words[0].to_ascii_lowercase()).is_some_and(|command| {
                // Redis does not count WAIT among those.
                command.spec.flags.has(Flags::BLOCKING) || command.full_name == "wait"
            });
            if blocks {
                commands.push(words_of("MULTI", b""));
                commands.push(tried.words.clone());
                commands.push(words_of("EXEC", b""));
                owners.resize(commands.len(), Some(at));
            } else {
                commands.push(tried.words.clone());
                owners.push(Some(at));
            }
            if tried.words.starts_with(&words_of("client pause", b"")) {
                commands.push(words_of("CLIENT UNPAUSE", b""));
                owners.push(None);
            }
        }
        let replies = self.exchange(&commands);
        for ((words, owner), replies) in commands.iter().zip(&owners).zip(&replies) {
            if let Some(at) = *owner
                && !self.pair.agree(words, replies)
            {
                self.note(&tries[at], &tries[at].words, replies);
            }
        }
        self.tries += tries.len() as u64;
        if !is_write {
            return;
        }
        let keys: Vec<(usize, &Vec<u8>)> = tries
            .iter()
            .enumerate()
            .flat_map(|(at, tried)| tried.keys.iter().map(move |key| (at, key)))
            .collect();
        let kinds: Vec<_> = keys.iter().map(|(_, key)| words_of("TYPE {}", key)).collect();
        let kinds = self.exchange(&kinds);
        let mut looks = Vec::new();
        for ((at, key), kind) in keys.iter().zip(&kinds) {
            if kind[0] != kind[1] {
                self.note(&tries[*at], &words_of("TYPE {}", key), kind);
            } else if let Some(look) = look(&kind[0], key) {
                // Redis 8 prints scores shorter, and stores short lists and hashes with deadlines in its own ways.
                if !self.pair.newer {
                    looks.push((*at, look));
                    looks.push((*at, words_of("OBJECT ENCODING {}", key)));
                } else if kind[0] == b"+hash\r\n" {
                    looks.push((*at, look));
                }
                looks.push((*at, words_of("PEXPIRETIME {}", key)));
            }
        }
        for chunk in looks.chunks(200) {
            let commands: Vec<_> = chunk.iter().map(|(_, words)| words.clone()).collect();
            let replies = self.exchange(&commands);
            for ((at, words), replies) in chunk.iter().zip(&replies) {
                if !self.pair.agree(words, replies) {
                    self.note(&tries[*at], words, replies);
                }
            }
        }
    }

    /// The words of a form on the keys of try `at`, an edge in one slot.
    fn words(
        &self,
        command: &Command,
        form: &Form,
        edge: Option<(usize, &str)>,
        at: usize,
    ) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let mut words: Vec<Vec<u8>> =
            command.full_name.split('|').map(|word| word.as_bytes().to_vec()).collect();
        let mut keys = Vec::new();
        for (index, slot) in form.iter().enumerate() {
            words.push(match slot {
                Slot::Token(token) => token.as_bytes().to_vec(),
                Slot::Key => {
                    let name = format!("k{at}{}", ["", "'", "''"].get(keys.len()).unwrap_or(&"'''"));
                    keys.push(name.into_bytes());
                    keys[keys.len() - 1].clone()
                }
                Slot::Value(_) if edge.is_some_and(|(slot, _)| slot == index) => {
                    edge.map_or(Vec::new(), |(_, edge)| edge.as_bytes().to_vec())
                }
                Slot::Value(argument) => plausible(&command.full_name, argument),
            });
        }
        if command.full_name == "xadd" {
            // An id of our own where a stream's server would take its clock's.
            words.iter_mut().filter(|word| *word == b"*").for_each(|word| *word = b"7-*".to_vec());
        }
        (words, keys)
    }

    /// Whether the reference finds a key of this kind wrong for a form.
    fn is_wrong_type(&mut self, command: &Command, form: &Form, key: &[&str]) -> bool {
        let (words, keys) = self.words(command, form, None, 0);
        let Some(first) = keys.first() else { return false };
        let mut commands = vec![words_of("FLUSHALL SYNC", b"")];
        commands.extend(key.iter().map(|line| words_of(line, first)));
        commands.extend([words_of("MULTI", b""), words, words_of("EXEC", b"")]);
        let replies = self.exchange(&commands);
        let [reference, _] = &replies[replies.len() - 1];
        reference.windows(10).any(|part| part == b"-WRONGTYPE")
    }

    fn command(&mut self, command: &Command) {
        let is_write = command.spec.flags.has(Flags::WRITE);
        for (form, new) in forms(command) {
            let values = |slot: &usize| matches!(form[*slot], Slot::Value(_));
            let slots: Vec<usize> = new.clone().filter(values).collect();
            let has_key = form.iter().any(|slot| matches!(slot, Slot::Key));
            if slots.is_empty() {
                continue;
            }
            let mut keys = Vec::new();
            for key in if has_key { KEYS } else { &KEYS[..1] } {
                keys.push((key, self.is_wrong_type(command, &form, key)));
            }
            if new.len() < form.len() {
                // How two options meet is seen on a few keys that have something.
                keys.retain(|(key, wrong)| !*wrong && (!has_key || !key.is_empty()));
                keys.truncate(PAIR_KEYS_MAX);
            }
            let (mut tries, mut bytes) = (Vec::new(), 0);
            for slot in slots {
                let Slot::Value(argument) = &form[slot] else { unreachable!("only values are slots") };
                for (key, wrong) in &keys {
                    for edge in if *wrong { FEW_EDGES } else { EDGES } {
                        let (words, keys) = self.words(command, &form, Some((slot, edge)), tries.len());
                        if is_left_out(&command.full_name, argument, edge, &words, key) {
                            continue;
                        }
                        let made = keys.first().map_or(&[][..], |_| key);
                        let setup: Vec<_> = made.iter().map(|line| words_of(line, &keys[0])).collect();
                        bytes +=
                            setup.iter().chain([&words]).flatten().map(|word| word.len() + 12).sum::<usize>();
                        let subject = format!("{} {}", command.full_name, argument.name);
                        tries.push(Try { setup, words, keys, subject });
                        // What concerns the connection or all keys meets nothing but itself.
                        if bytes > BATCH_BYTES || !has_key {
                            self.run(&tries, is_write);
                            tries.clear();
                            bytes = 0;
                        }
                        if !has_key {
                            self.connect();
                        }
                    }
                }
            }
            if !tries.is_empty() {
                self.run(&tries, is_write);
            }
        }
    }
}

fn compare(cores: usize, protocol: &'static str) {
    let only = std::env::var("MEDUSA_EDGES_ONLY").unwrap_or_default();
    let pair = Pair::new(cores);
    let newer = pair.newer;
    let mut edges = Edges { pair, protocol, found: BTreeMap::new(), tries: 0 };
    edges.connect();
    let started = now_ms();
    for command in Table::get().commands().iter().filter(|command| command.subcommands.is_empty()) {
        let name = command.full_name.as_str();
        let wanted = only.is_empty() || only.split(',').any(|only| only == name);
        let known =
            (newer || !NEWER.contains(&name)) && !LEFT_OUT.iter().any(|(left_out, _)| *left_out == name);
        if wanted && known {
            edges.command(command);
        }
    }
    println!("{cores} cores, RESP{protocol}: {} commands compared in {} ms", edges.tries, now_ms() - started);
    let mut report = String::new();
    for (subject, found) in &edges.found {
        report += &format!("{subject}: {} differences\n", found.len());
        report.extend(found.iter().take(SHOWN_MAX).map(String::as_str));
    }
    assert!(report.is_empty(), "\n{cores} cores, RESP{protocol}\n{report}");
}

#[test]
fn edges_of_numbers_on_one_core_resp2() {
    compare(1, "2");
}

#[test]
fn edges_of_numbers_on_one_core_resp3() {
    compare(1, "3");
}

#[test]
fn edges_of_numbers_on_two_cores_resp2() {
    compare(2, "2");
}

#[test]
fn edges_of_numbers_on_two_cores_resp3() {
    compare(2, "3");
}
