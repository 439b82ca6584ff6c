//! Medusa against redis-server 7.0: the same seeded commands to both, and the same bytes back.
//!
//! Commands come from the command table, so a new row is compared the day it lands; sessions change
//! protocol, database and the thresholds of encodings, batches are of many sizes. Replies are compared byte for byte but for the
//! rules of `testing::differences`, each with its reason. A difference is replayed and shrunk, and
//! printed with its seed as something one can type:
//!
//!   MEDUSA_DIFF_SEED=7 MEDUSA_DIFF_COMMANDS=2000 cargo test --test differential
//!
//! MEDUSA_DIFF_COMMANDS (50000) is per core count. MEDUSA_DIFF_ONLY=hset,hget,del draws these commands
//! alone. MEDUSA_DIFF_AGAINST=redis runs the reference against itself, which tests this test.
//! MEDUSA_DIFF_COVERAGE=1 prints how often each command was drawn, and how often it found something.
//! MEDUSA_DIFF_REFERENCE names a newer redis-server: then the commands that 7.0 has not are drawn as well,
//! so give MEDUSA_DIFF_ONLY those that mean the same in both.

mod common;
#[path = "differential/edges.rs"]
mod edges;
#[path = "differential/shapes.rs"]
mod shapes;

use common::{Server, Wire};
use medusa::base::prng::Prng;
use medusa::command::table::Table;
use medusa::resp::{Decoder, Value};
use medusa::testing::differences::{
    Compare, NEWER, compare_of, elements, is_changed_since, is_sorted_freely, length,
};
use medusa::testing::generate::{Generated, Generator, NEAR_MS, frame, shown};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Differences to look for before giving up: enough to see a pattern.
const DIFFERENCES_MAX: usize = 8;
/// Commands of one connection before the next one opens.
const SESSION_COMMANDS: u64 = 200;
/// Commands sent before a reply is read, at most.
const BATCH_COMMANDS: usize = 48;
/// Commands between MULTI and its end, at most.
const TRANSACTION_COMMANDS: u64 = 8;
/// Bytes sent before a reply is read, at most: less than socket buffers hold.
const BATCH_BYTES: usize = 64 << 10;
/// Time spent on making one difference smaller.
const SHRINK_TIME: Duration = Duration::from_secs(6);
/// Longest wait for both servers to have removed what is expired, by their own cycles.
const EXPIRY_TIME: Duration = Duration::from_secs(5);

/// How long a field outlives its deadline in a newer reference, at most: until a cycle of its own has come by.
/// Till then HLEN counts it there, and HEXPIRE brings it back.
const FIELD_CYCLE: Duration = Duration::from_millis(20);

/// One thing to do on both sides.
#[derive(Clone, Debug)]
enum Step {
    /// A new connection.
    Connect,
    /// Thresholds of encodings, set on both sides.
    Set(Vec<shapes::Setting>),
    /// A look at how values are stored.
    Look,
    /// A command.
    Command {
        words: Vec<Vec<u8>>,
        /// Whether replies are read before the next command is sent.
        flush: bool,
        /// A deadline must pass before the next command.
        near_deadline: bool,
    },
}

/// Two replies that should have been one.
#[derive(Debug)]
struct Difference {
    step: usize,
    reference: Vec<u8>,
    medusa: Vec<u8>,
}

struct Pair {
    servers: [Server; 2],
    wires: [Wire; 2],
    commands: u64,
    /// What EXEC will answer for, in a transaction.
    queued: Option<Vec<Vec<Vec<u8>>>>,
    /// The reference is one that `MEDUSA_DIFF_REFERENCE` names.
    newer: bool,
    against_itself: bool,
    /// By command: drawn, refused, queued, nothing found, something found.
    coverage: BTreeMap<String, [u64; 5]>,
}

impl Pair {
    /// The reference, and Medusa with this many cores or what else the environment names.
    fn new(cores: usize) -> Pair {
        let against_itself = std::env::var("MEDUSA_DIFF_AGAINST").is_ok_and(|name| name == "redis");
        let newer = std::env::var("MEDUSA_DIFF_REFERENCE").ok();
        let reference = newer.as_ref().map_or_else(Server::redis, |program| Server::newer_redis(program));
        let other = if against_itself { Server::redis() } else { Server::medusa(cores) };
        let wires = [reference.connect(), other.connect()];
        let (servers, newer, coverage) = ([reference, other], newer.is_some(), BTreeMap::new());
        Pair { servers, wires, commands: 0, queued: None, newer, against_itself, coverage }
    }

    fn reconnect(&mut self) {
        self.wires = [self.servers[0].connect(), self.servers[1].connect()];
        self.queued = None;
    }

    /// Empty databases, new connections, and thresholds as they are by default.
    fn reset(&mut self) {
        self.reconnect();
        self.set(&shapes::defaults());
        let replies = self.both(&[b"FLUSHALL".to_vec()]);
        assert_eq!(replies[0], b"+OK\r\n");
        assert_eq!(replies[1], b"+OK\r\n", "{:?}", self.servers[1].log());
    }

    /// One command to both, alone.
    fn both(&mut self, words: &[Vec<u8>]) -> [Vec<u8>; 2] {
        self.wires.iter_mut().for_each(|wire| wire.command(words));
        [reply(&mut self.wires[0]), reply(&mut self.wires[1])]
    }

    /// Runs steps until two replies differ.
    fn run(&mut self, steps: &[Step]) -> Option<Difference> {
        let mut sent: Vec<usize> = Vec::new();
        let mut frames = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let Step::Command { words, flush, near_deadline } = step else {
                if let Some(difference) = self.exchange(steps, &mut sent, &mut frames) {
                    return Some(difference);
                }
                match step {
                    Step::Set(settings) => self.set(settings),
                    Step::Look => {
                        if let Some(difference) = self.look(at) {
                            return Some(difference);
                        }
                    }
                    _ => self.reconnect(),
                }
                continue;
            };
            let rule = compare_of(&full_name(words));
            let alone = matches!(rule, Some(Compare::WholeScan | Compare::SomeKey | Compare::AfterExpiry));
            if alone && let Some(difference) = self.exchange(steps, &mut sent, &mut frames) {
                return Some(difference);
            }
            if rule == Some(Compare::AfterExpiry) && self.queued.is_none() {
                // One SCAN over everything removes what has expired; KEYS would only hide it.
                self.both(&["SCAN", "0", "COUNT", "1000000"].map(|word| word.as_bytes().to_vec()));
            }
            if matches!(compare_of(&full_name(words)), Some(Compare::Sorted)) {
                // The reference's SORT fails where an earlier command met a number out of range (it does not clear
                // errno). Any number that ZADD reads clears it; both answer this alike, under the step's number.
                frame(
                    &["ZADD", "never set", "XX", "0", "m"].map(|word| word.as_bytes().to_vec()),
                    &mut frames,
                );
                sent.push(at);
            }
            frame(words, &mut frames);
            sent.push(at);
            let full = sent.len() >= BATCH_COMMANDS || frames.len() >= BATCH_BYTES;
            if (alone || *flush || *near_deadline || full)
                && let Some(difference) = self.exchange(steps, &mut sent, &mut frames)
            {
                return Some(difference);
            }
            if *near_deadline {
                // Not a wait for a state but for time itself: both deadlines must be over.
                std::thread::sleep(Duration::from_millis(2 * NEAR_MS + 2));
                if self.newer {
                    std::thread::sleep(FIELD_CYCLE);
                }
            }
        }
        self.exchange(steps, &mut sent, &mut frames)
    }

    /// Sends what was collected and compares the replies.
    fn exchange(
        &mut self,
        steps: &[Step],
        sent: &mut Vec<usize>,
        frames: &mut Vec<u8>,
    ) -> Option<Difference> {
        self.wires.iter_mut().for_each(|wire| wire.send(frames));
        frames.clear();
        let mut difference = None;
        for step in sent.drain(..) {
            self.commands += 1;
            let Step::Command { words, .. } = &steps[step] else { unreachable!("only commands are sent") };
            let replies = ["the reference", "medusa"].map(|side| {
                let wire = &mut self.wires[usize::from(side == "medusa")];
                wire.try_reply().unwrap_or_else(|error| {
                    panic!("{side} does not answer: {error}; after\n{}", printed(&steps[..=step]))
                })
            });
            self.count(words, &replies[0]);
            let agreed = match self.follow(words, &replies[0]) {
                None => self.agree(words, &replies),
                Some(ran) => self.agree_on_all(words, &replies, Some(&ran)),
            };
            if difference.is_none() && !agreed {
                let [reference, medusa] = replies;
                difference = Some(Difference { step, reference, medusa });
            }
        }
        difference
    }

    /// Adds the reference's reply to the table of what was found.
    fn count(&mut self, words: &[Vec<u8>], reply: &[u8]) {
        let found = match reply {
            [b'-', ..] => 1,
            b"+QUEUED\r\n" => 2,
            b"$-1\r\n" | b"*-1\r\n" | b"_\r\n" | b":0\r\n" | b"$0\r\n\r\n" => 3,
            b"*0\r\n" | b"~0\r\n" | b"%0\r\n" => 3,
            _ => 4,
        };
        let row = self.coverage.entry(full_name(words)).or_default();
        row[0] += 1;
        row[found] += 1;
    }

    /// Keeps what a transaction has queued, and hands it out when EXEC has run it.
    fn follow(&mut self, words: &[Vec<u8>], reply: &[u8]) -> Option<Vec<Vec<Vec<u8>>>> {
        let queued = reply == b"+QUEUED\r\n";
        match full_name(words).as_str() {
            "multi" if reply == b"+OK\r\n" => self.queued = Some(Vec::new()),
            // An error that leaves the transaction open is one of the number of words.
            "exec" if words.len() == 1 => return self.queued.take(),
            "discard" | "reset" if words.len() == 1 => self.queued = None,
            _ if queued => self.queued.as_mut().expect("queued after MULTI").push(words.to_vec()),
            _ => {}
        }
        None
    }

    /// Whether these replies count as the same.
    fn agree(&mut self, words: &[Vec<u8>], replies: &[Vec<u8>; 2]) -> bool {
        self.agree_on_all(words, replies, None)
    }

    /// The same with EXEC's replies one by one.
    fn agree_on_all(
        &mut self,
        words: &[Vec<u8>],
        replies: &[Vec<u8>; 2],
        ran: Option<&[Vec<Vec<u8>>]>,
    ) -> bool {
        if replies[0] == replies[1] {
            return true;
        }
        if replies.iter().any(|reply| reply.starts_with(b"-")) {
            return false;
        }
        let [left, right] = [decode(&replies[0]), decode(&replies[1])];
        if let (Some(ran), Some(left), Some(right)) = (ran, left.as_items(), right.as_items()) {
            let alike =
                |((words, left), right): ((&Vec<Vec<u8>>, &Value), &Value)| agree_alone(words, left, right);
            return left.len() == ran.len()
                && right.len() == ran.len()
                && ran.iter().zip(left).zip(right).all(alike);
        }
        match compare_of(&full_name(words)) {
            Some(Compare::AfterExpiry) => self.agree_in_time(words),
            Some(Compare::SomeKey) => self.is_some_key(&left, &right),
            // Only from 0 on is an iteration one that both can make.
            Some(Compare::WholeScan) if words[cursor_index(words)] == b"0" => {
                let [left, right] = [0, 1].map(|side| self.whole_scan(side, words, &replies[side]));
                left == right
            }
            _ => agree_alone(words, &left, &right),
        }
    }

    /// Whether both answer the same once what is expired has been removed on both sides.
    fn agree_in_time(&mut self, words: &[Vec<u8>]) -> bool {
        let deadline = Instant::now() + EXPIRY_TIME;
        while Instant::now() < deadline {
            let replies = self.both(words);
            if replies[0] == replies[1] {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    fn is_some_key(&mut self, left: &Value, right: &Value) -> bool {
        let (Some(left), Some(right)) = (left.as_bytes(), right.as_bytes()) else { return left == right };
        [left, right].iter().all(|key| {
            let exists = self.both(&[b"EXISTS".to_vec(), key.to_vec()]);
            exists[0] == b":1\r\n" && exists[1] == b":1\r\n"
        })
    }

    /// Every key that an iteration with these options finds on one side.
    fn whole_scan(&mut self, side: usize, words: &[Vec<u8>], first: &[u8]) -> BTreeSet<Vec<u8>> {
        let mut found = BTreeSet::new();
        let mut words = words.to_vec();
        let mut answer = decode(first);
        loop {
            let items = answer.as_items().expect("SCAN answers an array").to_vec();
            let keys = items[1].as_items().expect("SCAN's second part is an array");
            found.extend(keys.iter().map(|key| key.as_bytes().expect("keys are bytes").to_vec()));
            let cursor = items[0].as_bytes().expect("a cursor is bytes").to_vec();
            if cursor == b"0" {
                return found;
            }
            let index = cursor_index(&words);
            words[index] = cursor;
            self.wires[side].command(&words);
            answer = decode(&reply(&mut self.wires[side]));
        }
    }

    /// Looks for a shorter way to the same difference: first by leaving out what touches other keys,
    /// then by halves, then one by one.
    fn shrink(&mut self, steps: &[Step]) -> Option<(Vec<Step>, Difference)> {
        let deadline = Instant::now() + SHRINK_TIME;
        let mut try_run = |steps: &[Step]| {
            self.reset();
            self.run(steps).map(|difference| (steps[..=difference.step].to_vec(), difference))
        };
        let mut best = try_run(steps)?;
        let mut chunk = best.0.len() / 2;
        while chunk > 0 && Instant::now() < deadline {
            let mut at = 0;
            while at < best.0.len() && Instant::now() < deadline {
                let mut shorter = best.0.clone();
                shorter.drain(at..(at + chunk).min(best.0.len()));
                match try_run(&shorter) {
                    Some(found) if found.0.len() < best.0.len() => best = found,
                    _ => at += chunk,
                }
            }
            chunk /= 2;
        }
        Some(best)
    }
}

fn reply(wire: &mut Wire) -> Vec<u8> {
    wire.reply()
}

fn decode(reply: &[u8]) -> Value {
    Decoder::new().next(reply).expect("a well-formed reply").expect("a whole reply").0
}

/// Whether two replies count as the same, by themselves: what would have to ask again passes by its type.
fn agree_alone(words: &[Vec<u8>], left: &Value, right: &Value) -> bool {
    let same_type = std::mem::discriminant(left) == std::mem::discriminant(right);
    left == right
        || same_type
            && !matches!(left, Value::Error(_))
            && match compare_of(&full_name(words)) {
                None => false,
                Some(Compare::Unordered) => elements(left, false) == elements(right, false),
                Some(Compare::UnorderedPairs) => elements(left, true) == elements(right, true),
                Some(Compare::Length) => length(left) == length(right),
                Some(Compare::Sorted) => {
                    let items = left.as_items().unwrap_or_default().iter();
                    let texts = items.filter_map(Value::as_bytes).collect::<Vec<_>>().concat();
                    let limited = words.iter().any(|word| word.eq_ignore_ascii_case(b"limit"));
                    is_sorted_freely(words, &texts)
                        && length(left) == length(right)
                        && (limited || elements(left, false) == elements(right, false))
                }
                Some(Compare::Near(distance)) => match (left, right) {
                    // Negative numbers are codes, not times.
                    (Value::Integer(left), Value::Integer(right)) if *left >= 0 && *right >= 0 => {
                        left.abs_diff(*right) <= distance.unsigned_abs()
                    }
                    _ => false,
                },
                Some(Compare::Within(distance)) => within(left, right, distance.unsigned_abs()),
                Some(Compare::Fields(fields)) => without(left, fields) == without(right, fields),
                Some(
                    Compare::Type
                    | Compare::LeaveOut
                    | Compare::AfterExpiry
                    | Compare::SomeKey
                    | Compare::WholeScan,
                ) => true,
            }
}

/// Where the cursor of SCAN stands, and of HSCAN and its kin: behind their key.
fn cursor_index(words: &[Vec<u8>]) -> usize {
    if words[0].eq_ignore_ascii_case(b"scan") { 1 } else { 2 }
}

/// Whether two replies are alike but for numbers, which are at most so far apart.
fn within(left: &Value, right: &Value, distance: u64) -> bool {
    let all = |left: &[Value], right: &[Value]| {
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| within(left, right, distance))
    };
    match (left, right) {
        // Negative numbers are codes, not times.
        (Value::Integer(left), Value::Integer(right)) if *left >= 0 && *right >= 0 => {
            left.abs_diff(*right) <= distance
        }
        (Value::Array(left), Value::Array(right)) => all(left, right),
        (Value::Map(left), Value::Map(right)) => {
            let flat = |pairs: &[(Value, Value)]| -> Vec<Value> {
                pairs.iter().flat_map(|(name, value)| [name.clone(), value.clone()]).collect()
            };
            all(&flat(left), &flat(right))
        }
        (left, right) => left == right,
    }
}

/// A map (or RESP2's flat array of pairs) without the values of some fields.
fn without(value: &Value, fields: &[&str]) -> Vec<String> {
    let pairs: Vec<(Value, Value)> = match value {
        Value::Map(pairs) => pairs.clone(),
        Value::Array(items) => items.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect(),
        other => return vec![format!("{other:?}")],
    };
    let kept = |(name, value): &(Value, Value)| {
        let known = fields.iter().any(|field| name.as_bytes() == Some(field.as_bytes()));
        if known { format!("{name:?}") } else { format!("{name:?} {value:?}") }
    };
    pairs.iter().map(kept).collect()
}

/// `get`, or `client|list`: as the table names it.
fn full_name(words: &[Vec<u8>]) -> String {
    let first = String::from_utf8_lossy(&words[0]).to_lowercase();
    let container = Table::get().top(first.as_bytes()).is_some_and(|command| !command.subcommands.is_empty());
    match words.get(1) {
        Some(word) if container => format!("{first}|{}", String::from_utf8_lossy(word).to_lowercase()),
        _ => first,
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn env_number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}?")))
}

/// A session's steps: a connection, now and then other thresholds, a protocol, commands in batches, and a look.
fn session(generator: &mut Generator, prng: &mut Prng, commands: u64, newer: bool) -> Vec<Step> {
    let mut steps = vec![Step::Connect];
    if prng.one_in(2) {
        steps.push(Step::Set(shapes::draw(prng)));
    }
    let mut plain = |words: &[&str]| {
        let words = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        steps.push(Step::Command { words, flush: true, near_deadline: false });
    };
    match prng.below(4) * u64::from(Table::get().top(b"hello").is_some()) {
        0 => {}
        1 => plain(&["HELLO", "2"]),
        _ => plain(&["HELLO", "3"]),
    }
    if prng.one_in(3) && Table::get().top(b"hello").is_some() {
        plain(&["SELECT", &prng.below(3).to_string()]);
    }
    let batch = *prng.pick(&[1, 3, 10, 40, 40, 40]);
    // Commands until the transaction ends, and whether one of them sets a near deadline, at its end.
    let mut transaction: Option<(u64, bool)> = None;
    for _ in 0..commands {
        let (words, mut near_deadline) = match transaction {
            Some((0, near)) => {
                let end = if prng.one_in(5) { "DISCARD" } else { "EXEC" };
                transaction = None;
                (vec![end.as_bytes().to_vec()], near)
            }
            _ => {
                let mut command = generator.next(now_ms());
                // HPEXPIREAT tells whether its time was past, which one turn later may be so.
                let races =
                    |command: &Generated| command.near_deadline && full_name(&command.words) == "hpexpireat";
                while newer && (races(&command) || is_changed_since(&command.words)) {
                    command = generator.next(now_ms());
                }
                (command.words, command.near_deadline)
            }
        };
        if let Some((left, near)) = &mut transaction {
            *left -= 1;
            *near |= near_deadline;
            // One that ends it before its turn.
            near_deadline = *near && full_name(&words) == "exec";
        }
        if full_name(&words) == "multi" && transaction.is_none() {
            transaction = Some((prng.below(TRANSACTION_COMMANDS), false));
        }
        steps.push(Step::Command { words, flush: prng.one_in(batch), near_deadline });
    }
    if !newer {
        steps.push(Step::Look);
    }
    steps
}

fn printed(steps: &[Step]) -> String {
    let line = |step: &Step| match step {
        Step::Connect => "  (new connection)\n".to_string(),
        Step::Set(settings) => format!("  CONFIG SET{}\n", shapes::printed(settings)),
        Step::Look => "  (a look at how values are stored)\n".to_string(),
        Step::Command { words, near_deadline, .. } => {
            let wait = if *near_deadline { "   (and wait)" } else { "" };
            format!("  {}{wait}\n", shown(words))
        }
    };
    let skipped = steps.len().saturating_sub(60);
    let start = if skipped > 0 { format!("  ... {skipped} earlier steps\n") } else { String::new() };
    start + &steps[skipped..].iter().map(line).collect::<String>()
}

fn short(reply: &[u8]) -> String {
    let text = reply[..reply.len().min(300)].escape_ascii().to_string();
    if reply.len() > 300 { format!("{text}... ({} bytes)", reply.len()) } else { text }
}

fn compare(cores: usize) {
    let commands = env_number("MEDUSA_DIFF_COMMANDS", 50_000);
    let seed = env_number("MEDUSA_DIFF_SEED", 0x5eed + cores as u64);
    let mut pair = Pair::new(cores);
    let newer = pair.newer;
    let mut prng = Prng::new(seed);
    let only = std::env::var("MEDUSA_DIFF_ONLY").unwrap_or_default();
    let mut generator = Generator::from_table(prng.next_u64(), |command| {
        let wanted = only.is_empty() || only.split(',').any(|name| name == command.full_name);
        wanted
            && compare_of(&command.full_name) != Some(Compare::LeaveOut)
            && (newer || !NEWER.contains(&&*command.full_name))
    });
    let (mut report, mut found, mut drawn) = (String::new(), 0, 0);
    let started = Instant::now();
    // Steps since both were empty: what a difference can have come from.
    let mut history: Vec<Step> = Vec::new();
    while drawn < commands && found < DIFFERENCES_MAX {
        let count = SESSION_COMMANDS.min(commands - drawn);
        let start = history.len();
        history.extend(session(&mut generator, &mut prng, count, newer));
        drawn += count;
        if let Some(mut difference) = pair.run(&history[start..]) {
            found += 1;
            difference.step += start;
            let steps = &history[..=difference.step];
            report += &format!("\ndifference {found}:\n");
            match pair.shrink(steps) {
                Some((steps, difference)) => report += &describe(&steps, &difference),
                None => {
                    report += "(not seen again when replayed on empty servers)\n";
                    report += &describe(&steps[steps.len().saturating_sub(20)..], &difference);
                }
            }
            history.clear();
            pair.reset();
        }
        if history.len() > 4_000 {
            history.clear();
            pair.reset();
        }
    }
    println!("{cores} cores, seed {seed}: {} commands compared in {:?}", pair.commands, started.elapsed());
    if std::env::var("MEDUSA_DIFF_COVERAGE").is_ok() {
        println!(
            "{:>28} {:>7} {:>7} {:>7} {:>7} {:>7}",
            "command", "drawn", "error", "queued", "nothing", "found"
        );
        let known = |name: &str| Table::get().commands().iter().any(|command| command.full_name == name);
        for (name, [drawn, error, queued, nothing, found]) in pair.coverage.iter().filter(|row| known(row.0))
        {
            println!("{name:>28} {drawn:>7} {error:>7} {queued:>7} {nothing:>7} {found:>7}");
        }
    }
    assert!(report.is_empty(), "\nseed {seed}, {cores} cores, {drawn} commands drawn{report}");
}

fn describe(steps: &[Step], difference: &Difference) -> String {
    format!(
        "{}  reference: {}\n  medusa:    {}\n",
        printed(steps),
        short(&difference.reference),
        short(&difference.medusa)
    )
}

#[test]
fn one_core_answers_as_redis_does() {
    compare(1);
}

#[test]
fn two_cores_answer_as_redis_does() {
    compare(2);
}

#[test]
fn four_cores_answer_as_redis_does() {
    compare(4);
}
