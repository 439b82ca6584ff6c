//! Random commands made from the command table: a command is fuzzed the day its row lands.
//!
//! A row's usage is a tree of arguments; we walk it with a seed, take or leave what is optional, and
//! fill values from small hot sets, so that commands meet on the same keys and every encoding, edge
//! and error text comes up. About one command in eight is then damaged: a word too many or too few, a
//! wrong type, an unknown option. Time is an argument: deadlines lie far from `now`, in the past, or so
//! near that the caller must let them pass ([`Generated::near_deadline`]) before it looks again.
//! Not here: running the commands, and which of them a test wants.

use crate::base::number::parse_f64;
use crate::base::number::parse_i64;
use crate::base::prng::Prng;
use crate::command::spec::Group;
use crate::command::table::{Command, Table};
use crate::command::usage::{self, Argument, Kind};

/// How a command is to be drawn.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The words that name it.
    pub name: Vec<String>,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// How often it is drawn, relative to the others.
    pub weight: u64,
    /// The hot keys that it mostly uses, so that it finds values of its own type; none: any key.
    pub home: Option<usize>,
    /// Keys that hold its type more often than the others do.
    pub own_keys: &'static [&'static str],
}

impl Shape {
    /// The shape of a row of the table. Commands about keys come far more often than those about the
    /// server, and those that empty a database seldom.
    pub fn of(command: &Command) -> Shape {
        let name: Vec<String> = command.full_name.split('|').map(str::to_string).collect();
        let weight = match name[0].as_str() {
            "flushall" | "flushdb" => 1,
            "swapdb" | "lcs" | "keys" => 10,
            "multi" => 120,
            "sort" | "sort_ro" => 120,
            _ if name.len() > 1 => 8,
            _ if command.spec.keys.first > 0 => 60,
            _ => 12,
        };
        let home = match command.spec.group {
            Group::String | Group::Bitmap => Some(0),
            Group::List => Some(1),
            Group::Hash => Some(2),
            Group::Set => Some(3),
            Group::SortedSet => Some(4),
            Group::Stream => Some(5),
            Group::Geo => Some(6),
            Group::Hyperloglog => Some(7),
            _ => None,
        };
        let own_keys: &[&str] = match command.spec.group {
            Group::List => &LISTS_SETS_ZSETS[0..2],
            Group::Set => &LISTS_SETS_ZSETS[2..4],
            Group::SortedSet => &LISTS_SETS_ZSETS[4..6],
            Group::String => &["key:0", "key:1", "key:2", "key:3", "key:5", "key:7", "key:11"],
            Group::Hash => &["hash:0", "hash:1", "hash:2", "hash:3"],
            _ if command.spec.name.starts_with("sort") => LISTS_SETS_ZSETS,
            _ => &[],
        };
        Shape { home, own_keys, ..Shape::new(name, command.spec.usage, weight) }
    }

    /// A shape from its words; panics when the usage is malformed.
    pub fn new(name: Vec<String>, usage: &str, weight: u64) -> Shape {
        let arguments = usage::parse(usage).unwrap_or_else(|fault| panic!("{name:?}: {}", fault.0));
        Shape { name, arguments, weight, home: None, own_keys: &[] }
    }
}

/// One random command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Its words, the name first.
    pub words: Vec<Vec<u8>>,
    /// It sets a deadline at most [`NEAR_MS`] milliseconds away.
    pub near_deadline: bool,
}

/// How far a near deadline may be.
pub const NEAR_MS: u64 = 2;

/// Keys that nearly every command uses: plain, tagged so that they share a shard, and hostile.
#[rustfmt::skip]
pub const HOT_KEYS: &[&[u8]] = &[
    b"a", b"b", b"c", b"d", b"key:1", b"key:2", b"key:3", b"key:4", b"counter", b"{t}1", b"{t}2", b"{t}3",
    b"x{t}", b"{}odd", b"{u}1", b"", b"\x00", b"bin\xff\r\n\x00key", b"sp ace", b"gl*b[a-c]?\\",
    b"a key that is longer than any small-string optimisation would dare to keep inline, at seventy-nine",
];

/// Keys for commands of one type each, and for SORT.
const LISTS_SETS_ZSETS: &[&str] = &["list:1", "{t}list", "set:1", "{t}set", "zset:1", "{t}zset"];

/// Values: every integer edge, floats in all spellings, the string encodings' edges, hostile bytes.
#[rustfmt::skip]
const VALUES: &[&[u8]] = &[
    b"0", b"1", b"-1", b"7", b"42", b"9999", b"10000", b"2147483647", b"2147483648", b"-2147483649",
    b"9223372036854775807", b"9223372036854775806", b"-9223372036854775808", b"9223372036854775808",
    b"-9223372036854775809", b"18446744073709551615", b"007", b"+1", b" 1", b"1 ", b"-0", b"0x10", b"1e3",
    b"3.14", b"-2.5", b"3.0e2", b"1e400", b"1e-400", b"0.1", b"nan", b"inf", b"-inf", b".5", b"5.", b"1.0",
    b"10000000000000000000000.5", b"", b"value", b"hello world", b"OK", b"h\xc3\xa9llo", b"\x00\x01\xff",
    b"line\r\nbreak", b"ohmytext", b"mynewtext", b"aaaaaaaa", b"abcabcabc",
];

/// Lengths of filled values: around the embedded-string edge, a page, and above.
const VALUE_LENS: &[usize] = &[20, 43, 44, 45, 63, 64, 65, 100, 1000, 3000];

#[rustfmt::skip]
const INTEGERS: &[&str] = &[
    "0", "1", "-1", "2", "3", "5", "10", "-10", "100", "1000", "2147483647", "-2147483648", "2147483648",
    "4294967296", "9223372036854775807", "-9223372036854775808", "9223372036854775806",
    "-9223372036854775807",
];

/// Deadlines at the edges. None is so near that it would pass between one server's turn and the other's.
#[rustfmt::skip]
const DEADLINES: &[&str] = &[
    "0", "-1", "-100", "1000000", "2147483647", "2147483648", "9223372036854775", "9223372036854776",
    "9223372036854775807", "9223372036854775806", "-9223372036854775808", "9222372036854775807",
    "-9223372036854776",
];

#[rustfmt::skip]
const NOT_INTEGERS: &[&str] = &[
    "", "abc", "1.5", "1e3", " 1", "1 ", "+1", "01", "-0", "9223372036854775808", "-9223372036854775809",
    "99999999999999999999999", "0x1f", "nan",
];

#[rustfmt::skip]
const FLOATS: &[&str] = &[
    "0", "1", "-1", "0.1", "0.2", "1.5", "-2.25", "3.0e2", "1e-5", "1e10", "1e17", "1e18",
    "123456789.123456789", "0.000000000000000001", "1e308", "-1e308", "1e400", "5.0", "100", "nan", "inf",
    "-inf", "abc", "", " 1", "1 ", "0x1p3", "1e", "9007199254740993", "3.3333333333333333333",
];

#[rustfmt::skip]
const PATTERNS: &[&str] = &[
    "*", "a*", "*a*", "key:*", "?", "??", "[a-c]", "[^a-c]", "[c-a]", "key:[12]", "{t}*", "*t*", "", "**",
    "a\\*", "gl\\*b*", "[", "[a", "\\", "*\r\n*", "bin*", "nosuch*",
];

/// What BY and GET name keys by: with elements that are small numbers, hot keys and fields of their hashes.
#[rustfmt::skip]
const SORT_PATTERNS: &[&str] = &[
    "key:*", "key:*", "key:*", "{t}*", "hash:*->1", "hash:*->2", "hash:*->7", "hash:*->value", "{t}*->0", "*",
    "*->7", "#", "#", "nosort", "nosuch*", "hash:*->", "x*->42", "{u}*", "**", "",
];

/// What RESTORE gets for a payload: one of every type, older forms, and three that must be refused.
#[rustfmt::skip]
const PAYLOADS: &[&[u8]] = &[
    b"\0\x01v\x0a\0\x91\x08\xce\xb2\x198\x8a\xce",
    b"\0\xc1,\x01\x0a\0\x95Ba\xf2e\x82\\\x10",
    b"\0\xc3\x09<\x01aa\xe0/\0\x01aa\x0a\0\xa6~\x08\xb2\x17\xd0\x97\x80",
    b"\x12\x01\x02\x0f\x0f\0\0\0\x03\0\x81a\x02\x81b\x02\x03\x01\xff\x0a\0\xdc\xa1\xe6}P\x05PH",
    b"\x0e\x02\x0e\x0e\0\0\0\x0a\0\0\0\x01\0\0\x01a\xff\x13\x13\0\0\0\x0d\0\0\0\x02\0\0\xfe\x80\x03\xf0\0\0\x80\xff\x0a\0r\x83\xe0\xf8\xe9&J~",
    b"\x0b\x14\x04\0\0\0\x03\0\0\0\x01\0\0\0\x02\0\0\0p\x11\x01\0\x0a\0\x85\xd5\xc1\x06[\x1d\xd0U",
    b"\x02\x03\x01x\xc0\x01\xc0\x02\x0a\0\xca)\xa8\x16\x0a\xb70\x19",
    b"\x10\x12\x12\0\0\0\x04\0\x81a\x02\x01\x01\x81b\x02\x81c\x02\xff\x0a\0\x9c\x7f\xd3\x11\x06\xc1\xd3\xee",
    b"\x11\x14\x14\0\0\0\x04\0\x81a\x02\x01\x01\x81b\x02\x832.5\x04\xff\x0a\0\xd4Ln\xa4\xf6D\xd9\xd7",
    b"\x13\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x1c\x1c\0\0\0\x0a\0\x01\x01\0\x01\x01\x01\x81a\x02\0\x01\x02\x01\0\x01\0\x01\x01\x01\x04\x01\xff\x01\x01\x01\x01\x01\0\0\x01\x01\x01g\0\0\x81\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x0a\0;\xb9+`h5#\x19",
    b"\x02\0\x0a\0:\xce9\0\x9b\x899\xe8",
    b"\x08\x0a\0\xbc\xa6\xbb\xb9\xf9\x05\xbf\xaa",
    b"\0\x01v\x0b\0\xf8\xd7s\xc1\xe4\xa7cG",
];

#[rustfmt::skip]
const STREAM_IDS: &[&str] = &[
    "-", "+", "-", "+", "0", "0-0", "0-1", "1", "$", ">", ">", ">", "x", "", "(", "(-", "01-007", "1-x", "18446744073709551616",
    "18446744073709551615-18446744073709551614",
];

/// Words no command knows.
const UNKNOWN: &[&[u8]] = &[
    b"nosuch",
    b"get ",
    b"GETT",
    b"",
    b"g\r\nt",
    b"g\x00t",
    b"caf\xc3\xa9",
    b"a-command-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-\
      beyond-128-bytes-of-it",
];

/// Words to put where something else was expected.
const ODD_WORDS: &[&[u8]] = &[
    b"",
    b"abc",
    b"-1",
    b"1.5",
    b"9223372036854775808",
    b"NX",
    b"xx",
    b"GET",
    b"EX",
    b"limit",
    b"\r\n",
    b"*",
];

/// An endless, repeatable sequence of commands.
#[derive(Clone, Debug)]
pub struct Generator {
    prng: Prng,
    shapes: Vec<Shape>,
    weights: u64,
    near_deadline: bool,
    /// Where the command that is being drawn mostly looks.
    home: Option<usize>,
    own_keys: &'static [&'static str],
    /// The time of the last stream entry.
    stream_ms: u64,
}

/// Lets a command that waits give up soon: nobody else is there to serve it.
fn hasten(words: &mut [Vec<u8>]) {
    let name = words[0].to_ascii_lowercase();
    let (at, longest) = match name.as_slice() {
        b"blpop" | b"brpop" | b"bzpopmin" | b"bzpopmax" | b"blmove" | b"brpoplpush" => {
            (words.len() - 1, 0.005)
        }
        b"blmpop" | b"bzmpop" => (1, 0.005),
        b"wait" => (2, 5.0),
        b"xread" | b"xreadgroup" => {
            // Behind every BLOCK: a later one may be the one that counts.
            for at in 1..words.len() {
                let is_long = |word: &[u8]| parse_f64(word).is_some_and(|ms| ms == 0.0 || ms > 5.0);
                if words[at - 1].eq_ignore_ascii_case(b"block") && is_long(&words[at]) {
                    words[at] = b"5".to_vec();
                }
            }
            return;
        }
        _ => return,
    };
    let is_long = |word: &Vec<u8>| parse_f64(word).is_some_and(|time| time == 0.0 || time > longest);
    if words.get(at).is_some_and(is_long) {
        words[at] = longest.to_string().into_bytes();
    }
}

impl Generator {
    /// Commands of these shapes; equal seeds give equal sequences.
    pub fn new(seed: u64, shapes: Vec<Shape>) -> Generator {
        let weights = shapes.iter().map(|shape| shape.weight).sum();
        assert!(weights > 0);
        Generator {
            prng: Prng::new(seed),
            shapes,
            weights,
            near_deadline: false,
            home: None,
            own_keys: &[],
            stream_ms: 1,
        }
    }

    /// Commands of the rows that `wanted` picks; containers themselves have nothing to run.
    pub fn from_table(seed: u64, wanted: impl Fn(&Command) -> bool) -> Generator {
        let commands = Table::get().commands().iter();
        let shapes = commands
            .filter(|command| command.subcommands.is_empty() && wanted(command))
            .map(|command| Shape::of(command))
            .collect();
        Generator::new(seed, shapes)
    }

    /// The next command, its deadlines relative to `now_ms` (Unix milliseconds).
    pub fn next(&mut self, now_ms: u64) -> Generated {
        loop {
            let mut drawn = self.draw(now_ms);
            hasten(&mut drawn.words);
            if !is_endless(&drawn.words) {
                self.settle_time(&mut drawn.words);
                settle_order(&mut drawn.words);
                return drawn;
            }
        }
    }

    fn draw(&mut self, now_ms: u64) -> Generated {
        self.near_deadline = false;
        let mut ticket = self.prng.below(self.weights);
        let drawn = self.shapes.iter().position(|shape| {
            let found = ticket < shape.weight;
            ticket = ticket.saturating_sub(shape.weight);
            found
        });
        let shape = self.shapes[drawn.expect("a ticket below the sum")].clone();
        self.home = shape.home;
        self.own_keys = shape.own_keys;
        let mut words: Vec<Vec<u8>> = shape.name.iter().map(|word| self.spelled(word)).collect();
        let mut pieces: Vec<Vec<Vec<u8>>> = Vec::new();
        for (at, argument) in shape.arguments.iter().enumerate() {
            let mut piece = Vec::new();
            self.argument(argument, now_ms, &mut piece);
            if argument.optional && self.prng.one_in(25) {
                self.argument(argument, now_ms, &mut piece);
            }
            if at > 0 && is_count(&shape.arguments[at - 1]) && !self.prng.one_in(12) {
                pieces[at - 1] = vec![counted(argument, piece.len())];
            }
            pieces.push(piece);
        }
        let options =
            shape.arguments.iter().rposition(|argument| !argument.optional).map_or(0, |last| last + 1);
        if pieces.len() > options + 1 && self.prng.one_in(3) {
            let other = options + self.prng.below((pieces.len() - options) as u64) as usize;
            pieces.swap(options, other);
        }
        words.extend(pieces.into_iter().flatten());
        if self.prng.one_in(8) {
            // A value in the place of a deadline might be a near one.
            let timed = shape.arguments.iter().any(has_deadline);
            self.damage(&mut words, shape.name.len(), !timed);
        }
        Generated { words, near_deadline: self.near_deadline }
    }

    /// Appends one argument of a usage, or nothing if it may be left out.
    fn argument(&mut self, argument: &Argument, now_ms: u64, out: &mut Vec<Vec<u8>>) {
        if argument.optional && !self.prng.one_in(3) {
            return;
        }
        let mut times = 1;
        while argument.multiple && times < 6 && self.prng.one_in(2) {
            times += 1;
        }
        for time in 0..times {
            if let Some(token) = &argument.token
                && (time == 0 || argument.multiple_token)
            {
                let word = self.spelled(token);
                out.push(word);
            }
            match argument.kind {
                Kind::PureToken => {}
                Kind::OneOf => {
                    let choice = self.prng.pick(&argument.arguments).clone();
                    self.argument(&Argument { optional: false, ..choice }, now_ms, out);
                }
                Kind::Block => {
                    let mut count = None;
                    for part in &argument.arguments {
                        let start = out.len();
                        self.argument(part, now_ms, out);
                        if let Some(count) = count.filter(|_| !self.prng.one_in(12)) {
                            out[count] = counted(part, out.len() - start);
                        }
                        count = is_count(part).then_some(start);
                    }
                }
                _ => {
                    let value = self.value(argument, now_ms);
                    out.push(value);
                }
            }
        }
    }

    /// A word in lower, upper or mixed case.
    fn spelled(&mut self, word: &str) -> Vec<u8> {
        match self.prng.below(8) {
            0..4 => word.to_uppercase().into_bytes(),
            4..7 => word.to_lowercase().into_bytes(),
            _ => {
                let flip = |(at, letter): (usize, char)| {
                    if at % 2 == 0 { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
                };
                word.chars().enumerate().map(flip).collect::<String>().into_bytes()
            }
        }
    }

    fn value(&mut self, argument: &Argument, now_ms: u64) -> Vec<u8> {
        if let Some(words) = words_of_name(&argument.name)
            && !(argument.name == "threshold" && self.prng.one_in(3))
        {
            return self.prng.pick(words).as_bytes().to_vec();
        }
        match argument.kind {
            Kind::Key => self.key(),
            Kind::Pattern if matches!(argument.token.as_deref(), Some("BY" | "GET")) => {
                self.prng.pick(SORT_PATTERNS).as_bytes().to_vec()
            }
            Kind::Pattern => self.prng.pick(PATTERNS).as_bytes().to_vec(),
            Kind::Double => self.prng.pick(FLOATS).as_bytes().to_vec(),
            Kind::UnixTime => self.deadline(&argument.name, now_ms),
            Kind::Integer => match argument.name.as_str() {
                "seconds" | "milliseconds" | "ttl" => self.deadline(&argument.name, now_ms),
                name => self.integer(name),
            },
            _ if matches!(
                argument.name.as_str(),
                "id" | "last-id" | "max_deleted_entry_id" | "start" | "end" | "threshold"
            ) =>
            {
                self.stream_id()
            }
            _ if argument.name == "serialized-value" && !self.prng.one_in(8) => {
                self.prng.pick(PAYLOADS).to_vec()
            }
            // Small numbers are elements that can be sorted, name keys, and meet as fields.
            _ if matches!(argument.name.as_str(), "element" | "member" | "field") && self.prng.one_in(2) => {
                self.prng.below(12).to_string().into_bytes()
            }
            _ => self.string(),
        }
    }

    /// Puts an id of our own where a stream's server would take its clock's.
    fn settle_time(&mut self, words: &mut [Vec<u8>]) {
        if is_named(words, &["xadd"]) {
            for word in words.iter_mut().skip(2).filter(|word| *word == b"*") {
                self.stream_ms += self.prng.below(2);
                *word = format!("{}-*", self.stream_ms).into_bytes();
            }
        }
    }

    /// An id that may be one of an entry, or an end of an interval.
    fn stream_id(&mut self) -> Vec<u8> {
        if self.prng.one_in(8) {
            return self.prng.pick(STREAM_IDS).as_bytes().to_vec();
        }
        let open = if self.prng.one_in(12) { "(" } else { "" };
        let ms = self.stream_ms.saturating_sub(self.prng.below(12));
        format!("{open}{ms}-{}", self.prng.below(4)).into_bytes()
    }

    fn key(&mut self) -> Vec<u8> {
        if !self.own_keys.is_empty() && self.prng.one_in(3) {
            return self.prng.pick(self.own_keys).as_bytes().to_vec();
        }
        if let Some(home) = self.home
            && !self.prng.one_in(4)
        {
            return HOT_KEYS[home * 2 + self.prng.below(3) as usize].to_vec();
        }
        if self.prng.one_in(12) {
            return format!("key:{}", self.prng.below(500)).into_bytes();
        }
        self.prng.pick(HOT_KEYS).to_vec()
    }

    fn string(&mut self) -> Vec<u8> {
        match self.prng.below(40) {
            0..28 => self.prng.pick(VALUES).to_vec(),
            28..33 => self.prng.below(20_000).to_string().into_bytes(),
            33..39 => {
                let len = *self.prng.pick(VALUE_LENS);
                let letter = *self.prng.pick(b"abxy1\x00");
                vec![letter; len]
            }
            _ => {
                let len = 4_000 + self.prng.below(16_000) as usize;
                (0..len).map(|_| self.prng.next_u64() as u8).collect()
            }
        }
    }

    fn integer(&mut self, name: &str) -> Vec<u8> {
        if self.prng.one_in(15) {
            return self.prng.pick(NOT_INTEGERS).as_bytes().to_vec();
        }
        let number = match name {
            "offset" if self.prng.one_in(60) => 100_000,
            // Beyond `proto-max-bulk-len`, which both servers must refuse without allocating it.
            "offset" if self.prng.one_in(12) => {
                *self.prng.pick(&[-1, 536_870_912, 536_870_913, i64::MAX, i64::MIN])
            }
            "offset" => self.prng.below(60) as i64,
            "start" | "end" if !self.prng.one_in(6) => self.prng.below(24) as i64 - 8,
            "len" | "min-match-len" => self.prng.below(8) as i64 - 1,
            "count" if !self.prng.one_in(6) => 1 + self.prng.below(50) as i64,
            "index" | "index1" | "index2" | "db" | "destination-db" => {
                self.prng.below(17) as i64 - i64::from(self.prng.one_in(9))
            }
            _ if self.prng.one_in(2) => self.prng.below(40) as i64 - 10,
            _ => return self.prng.pick(INTEGERS).as_bytes().to_vec(),
        };
        number.to_string().into_bytes()
    }

    /// A time to live or a moment, in the unit and the origin that the argument's name says.
    fn deadline(&mut self, name: &str, now_ms: u64) -> Vec<u8> {
        let milliseconds = name.ends_with("milliseconds") || name == "ttl";
        let absolute = name.starts_with("unix");
        let far_ms = 100_000 + self.prng.below(1_000_000_000) as i64;
        let relative_ms = match self.prng.below(20) {
            0 if milliseconds => {
                self.near_deadline = true;
                1 + self.prng.below(NEAR_MS) as i64
            }
            0..3 => return self.prng.pick(DEADLINES).as_bytes().to_vec(),
            3 => return self.prng.pick(NOT_INTEGERS).as_bytes().to_vec(),
            4 => 0,
            5 | 6 => -far_ms,
            _ => far_ms,
        };
        let at_ms = if absolute { now_ms as i64 + relative_ms } else { relative_ms };
        (if milliseconds { at_ms } else { at_ms / 1000 }).to_string().into_bytes()
    }

    /// Makes a command wrong in one way.
    fn damage(&mut self, words: &mut Vec<Vec<u8>>, name_words: usize, may_swap: bool) {
        let arguments = words.len() - name_words;
        let some_argument = |prng: &mut Prng| name_words + prng.below(arguments as u64) as usize;
        match self.prng.below(9) {
            0 if words.len() > 1 => {
                words.pop();
            }
            1 => {
                let extra = self.string();
                words.push(extra);
            }
            2 => words.truncate(1),
            3 => words[name_words - 1] = self.prng.pick(UNKNOWN).to_vec(),
            4 if arguments > 1 && may_swap => {
                let (left, right) = (some_argument(&mut self.prng), some_argument(&mut self.prng));
                words.swap(left, right);
            }
            5 if arguments > 0 => {
                let again = words[some_argument(&mut self.prng)].clone();
                words.push(again);
            }
            6 if arguments > 0 => {
                words.remove(some_argument(&mut self.prng));
            }
            _ if arguments > 0 => {
                let at = some_argument(&mut self.prng);
                words[at] = self.prng.pick(ODD_WORDS).to_vec();
            }
            _ => words.push(self.prng.pick(ODD_WORDS).to_vec()),
        }
    }
}

/// Whether a command is one of these.
fn is_named(words: &[Vec<u8>], names: &[&str]) -> bool {
    names.iter().any(|name| words[0].eq_ignore_ascii_case(name.as_bytes()))
}

/// Lets SORT not store a list whose order is the server's own: texts of other keys may be equal or missing.
fn settle_order(words: &mut [Vec<u8>]) {
    let has = |name: &str| words.iter().skip(2).any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    if is_named(words, &["sort"]) && has("by") && has("store") {
        for word in words.iter_mut().skip(2).filter(|word| word.eq_ignore_ascii_case(b"alpha")) {
            *word = b"asc".to_vec();
        }
    }
}

/// Whether the reference would write random members until its memory is full: it takes any negative count at
/// its word, but for the least one, which it refuses.
pub fn is_endless(words: &[Vec<u8>]) -> bool {
    is_named(words, &["hrandfield", "srandmember", "zrandmember"])
        && words
            .get(2)
            .and_then(|count| parse_i64(count))
            .is_some_and(|count| (-i64::MAX..-1_000).contains(&count))
}

/// Whether an argument says how many of the next there are.
fn is_count(argument: &Argument) -> bool {
    matches!(argument.name.as_str(), "numkeys" | "numfields")
        && argument.token.is_none()
        && !argument.optional
}

/// How many of an argument these words are: of a field and its value, half as many.
fn counted(argument: &Argument, words: usize) -> Vec<u8> {
    let each = if argument.kind == Kind::Block { argument.arguments.len().max(1) } else { 1 };
    (words / each).to_string().into_bytes()
}

/// Whether a time is among an argument's parts.
fn has_deadline(argument: &Argument) -> bool {
    let named = matches!(argument.name.as_str(), "seconds" | "milliseconds" | "ttl");
    named || argument.kind == Kind::UnixTime || argument.arguments.iter().any(has_deadline)
}

/// What to write where a documented name stands for a word of a known set.
fn words_of_name(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "type" => &["string", "STRING", "list", "hash", "nosuch"],
        "cursor" => &["0", "0", "0", "0", "0", "0", "abc", "", "18446744073709551616", "1.5"],
        "protover" => &["2", "3", "2", "3", "1", "4", "abc", "", "-2"],
        "connection-name" | "clientname" => &["me", "worker-1", "", "with space", "new\nline", "\u{e9}"],
        "section" => &["server", "memory", "all", "everything", "default", "nosuch"],
        "parameter" => &["maxclients", "timeout", "save", "appendonly", "*max*", "nosuch"],
        "yes/no" => &["yes", "no", "maybe"],
        "on/off" => &["on", "off", "maybe"],
        "username" => &["default", "nobody"],
        "group" | "groupname" => &["g", "g", "g", "h", "nosuch"],
        "consumer" | "consumername" => &["c", "c", "d", "e"],
        "threshold" => &["0", "1", "2", "3", "5", "10", "-1", "x"],
        // Idle times are another clock's: all of them pass these, or none.
        "min-idle-time" => &["0", "0", "0", "-5", "1000000", "x"],
        "ms" => &["0", "-1", "1000000", "x"],
        "encoding" => &["u8", "i8", "u1", "i64", "u63", "i5", "U8", "u64", "i65", "u0", ""],
        "operation" => &["and", "OR", "xor", "not", "nor"],
        "command-name" | "command" => &["get", "SET", "mset", "client|list", "nosuch", "config|nosuch"],
        _ => return None,
    })
}

/// A command as it goes over the wire.
pub fn frame(words: &[Vec<u8>], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// A command as a person would type it: unsafe bytes escaped, long words shortened.
pub fn shown(words: &[Vec<u8>]) -> String {
    let word = |word: &Vec<u8>| match word.len() {
        0..=120 => format!("\"{}\"", word.escape_ascii()),
        len => format!("\"{}\"... ({len} bytes)", word[..60].escape_ascii()),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const NOW_MS: u64 = 1_700_000_000_000;

    #[test]
    fn equal_seeds_give_equal_commands() {
        let mut left = Generator::from_table(3, |_| true);
        let mut right = Generator::from_table(3, |_| true);
        for _ in 0..500 {
            assert_eq!(left.next(NOW_MS), right.next(NOW_MS));
        }
        let mut other = Generator::from_table(4, |_| true);
        assert!((0..20).any(|_| left.next(NOW_MS) != other.next(NOW_MS)));
    }

    #[test]
    fn every_row_of_the_table_is_drawn_with_the_right_number_of_words() {
        let mut generator = Generator::from_table(1, |_| true);
        let (mut fitting, mut drawn) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..40_000 {
            let words = generator.next(NOW_MS).words;
            let first = words[0].to_ascii_lowercase();
            let Some(top) = Table::get().top(&first) else { continue };
            let second = words.get(1).map(|word| word.to_ascii_lowercase());
            let found =
                top.subcommands.iter().find(|sub| Some(sub.spec.name.as_bytes()) == second.as_deref());
            let command = found.copied().unwrap_or(top);
            drawn.insert(&command.full_name);
            if command.arity_fits(words.len()) {
                fitting.insert(&command.full_name);
            }
        }
        for command in Table::get().commands().iter().filter(|command| command.subcommands.is_empty()) {
            assert!(drawn.contains(&command.full_name), "{command:?} is never drawn");
            assert!(fitting.contains(&command.full_name), "{command:?}: its usage and its arity disagree");
        }
    }
}
