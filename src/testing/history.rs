//! Histories of concurrent clients, checked for strict serialisability.
//!
//! A history is what clients did: commands (or a whole MULTI block as one operation), when each was sent, when its
//! reply came, and the reply. It is strictly serialisable when some order of the operations, in which nothing stands
//! before what was answered before it was sent, and each client's are in the order it sent them, makes a naive
//! single-threaded model give the same replies. The search
//! is Wing and Gong's, with Lowe's memory of (operations done, state) pairs already tried in vain.

use crate::base::prng::Prng;
use crate::resp::value::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// One operation of one client; times are any numbers that grow.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Who sent it: a watch is a client's.
    pub client: usize,
    /// When it was sent.
    pub sent: u64,
    /// When its reply came.
    pub answered: u64,
    /// One command, or those of a MULTI block.
    pub commands: Vec<Vec<String>>,
    /// Whether the commands came as MULTI ... EXEC, so that the reply is EXEC's.
    pub block: bool,
    /// What was answered.
    pub reply: Value,
}

/// What is there before the operations that [`draw`] draws.
pub const SETUP: [&str; 6] =
    ["set r0 x", "rpush l0 a", "rpush l0 b", "rpush l1 c", "sadd s0 m0", "sadd s1 m1"];

/// What a client does next: one command, or those of a MULTI block (true), separated by semicolons.
pub fn draw(prng: &mut Prng) -> (bool, String) {
    let pair = |prng: &mut Prng, name: &str| {
        let at = prng.below(3);
        (format!("{name}{at}"), format!("{name}{}", (at + 1 + prng.below(2)) % 3))
    };
    match prng.below(15) {
        0 => (false, format!("mset c0 {0} c1 {0} c2 {0}", prng.below(100))),
        1 | 2 => (false, "mget c0 c1 c2".into()),
        3 => (true, "incr c0;incr c1;incr c2".into()),
        4 => {
            let (from, to) = pair(prng, "r");
            (false, format!("rename {from} {to}"))
        }
        5 => (false, "exists r0 r1 r2 c0".into()),
        6 | 7 => {
            let (from, to) = pair(prng, "s");
            (false, format!("smove {from} {to} m{}", prng.below(2)))
        }
        8 => (true, "smismember s0 m0 m1;smismember s1 m0 m1;smismember s2 m0 m1".into()),
        9 => (false, "sinterstore s3 s0 s1".into()),
        10 => (false, format!("sadd s{} m{}", prng.below(3), prng.below(2))),
        11 => {
            let (from, to) = pair(prng, "l");
            (false, format!("lmove {from} {to} left right"))
        }
        12 => (true, "lrange l0 0 -1;lrange l1 0 -1;lrange l2 0 -1".into()),
        13 => (false, format!("watch c{} c{}", prng.below(3), prng.below(3))),
        _ => (true, format!("get c0;set c1 {};get c2", prng.below(100))),
    }
}

/// What a client sends next, in one piece: one operation as [`draw`] draws it, or several commands that all have one
/// key in common, for only where two commands share a key is their order the pipeline's.
pub fn draw_pipeline(prng: &mut Prng) -> Vec<(bool, String)> {
    if !prng.one_in(6) {
        return vec![draw(prng)];
    }
    let command = |prng: &mut Prng| match prng.below(11) {
        8 => format!("set c0 {}", prng.below(100)),
        9 => "get c0".to_owned(),
        10 => "incr c0".to_owned(),
        0..3 => format!("mset c0 {0} c1 {0} c2 {0}", prng.below(100)),
        3..5 => "mget c0 c1 c2".to_owned(),
        5 => "exists r0 r1 r2 c0".to_owned(),
        6 => "del c2 c0".to_owned(),
        _ => "mget c2 c0".to_owned(),
    };
    (0..2 + prng.below(2)).map(|_| (false, command(prng))).collect()
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Held {
    Text(String),
    List(Vec<String>),
    Set(BTreeSet<String>),
}

/// A naive Redis: what a handful of commands do to a handful of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Model {
    keys: BTreeMap<String, Held>,
    // Of each client: what it watches, and whether that has been written to.
    watches: BTreeMap<usize, (BTreeSet<String>, bool)>,
}

fn bulk(text: &str) -> Value {
    Value::Bulk(text.as_bytes().to_vec())
}

impl Model {
    fn put(&mut self, key: &str, held: Option<Held>) {
        for (keys, dirty) in self.watches.values_mut() {
            *dirty |= keys.contains(key);
        }
        match held {
            Some(Held::List(items)) if items.is_empty() => self.keys.remove(key),
            Some(Held::Set(items)) if items.is_empty() => self.keys.remove(key),
            Some(held) => self.keys.insert(key.into(), held),
            None => self.keys.remove(key),
        };
    }

    fn text(&self, key: &str) -> Value {
        match self.keys.get(key) {
            Some(Held::Text(text)) => bulk(text),
            _ => Value::Null,
        }
    }

    fn list(&self, key: &str) -> Vec<String> {
        if let Some(Held::List(items)) = self.keys.get(key) { items.clone() } else { Vec::new() }
    }

    fn set(&self, key: &str) -> BTreeSet<String> {
        if let Some(Held::Set(items)) = self.keys.get(key) { items.clone() } else { BTreeSet::new() }
    }

    /// What an operation does, and whether its reply is the one that was seen.
    fn apply(&mut self, operation: &Operation) -> bool {
        if !operation.block {
            return self.run(operation.client, &operation.commands[0]) == operation.reply;
        }
        let dirty = self.watches.remove(&operation.client).is_some_and(|(_, dirty)| dirty);
        let replies = match &operation.reply {
            Value::NullArray | Value::Null => return dirty,
            Value::Array(replies) if !dirty && replies.len() == operation.commands.len() => replies,
            _ => return false,
        };
        operation.commands.iter().zip(replies).all(|(words, seen)| self.run(operation.client, words) == *seen)
    }

    fn run(&mut self, client: usize, words: &[String]) -> Value {
        let word = |at: usize| words[at].as_str();
        match word(0) {
            "get" => self.text(word(1)),
            "mget" => Value::Array(words[1..].iter().map(|key| self.text(key)).collect()),
            "set" | "mset" => {
                words[1..].chunks(2).for_each(|pair| self.put(&pair[0], Some(Held::Text(pair[1].clone()))));
                Value::Simple(b"OK".to_vec())
            }
            "incr" => {
                let old =
                    if let Some(Held::Text(text)) = self.keys.get(word(1)) { text.as_str() } else { "0" };
                let new = old.parse::<i64>().expect("counters hold numbers") + 1;
                self.put(word(1), Some(Held::Text(new.to_string())));
                Value::Integer(new)
            }
            "exists" => {
                Value::Integer(words[1..].iter().filter(|key| self.keys.contains_key(*key)).count() as i64)
            }
            "del" => {
                let gone: Vec<&String> =
                    words[1..].iter().filter(|key| self.keys.contains_key(*key)).collect();
                gone.iter().for_each(|key| self.put(key, None));
                Value::Integer(gone.len() as i64)
            }
            "rename" => match self.keys.get(word(1)).cloned() {
                None => Value::Error(b"ERR no such key".to_vec()),
                held => {
                    self.put(word(1), None);
                    self.put(word(2), held);
                    Value::Simple(b"OK".to_vec())
                }
            },
            "smove" => {
                let (mut from, mut to) = (self.set(word(1)), self.set(word(2)));
                let moved = from.remove(word(3));
                if moved {
                    to.insert(word(3).into());
                    self.put(word(1), Some(Held::Set(from)));
                    self.put(word(2), Some(Held::Set(to)));
                }
                Value::Integer(i64::from(moved))
            }
            "sadd" => {
                let mut set = self.set(word(1));
                let new = set.insert(word(2).into());
                if new {
                    self.put(word(1), Some(Held::Set(set)));
                }
                Value::Integer(i64::from(new))
            }
            "smismember" => {
                let set = self.set(word(1));
                Value::Array(
                    words[2..].iter().map(|item| Value::Integer(i64::from(set.contains(item)))).collect(),
                )
            }
            "sinterstore" => {
                let both: BTreeSet<String> =
                    self.set(word(2)).intersection(&self.set(word(3))).cloned().collect();
                let count = both.len() as i64;
                if count > 0 || self.keys.contains_key(word(1)) {
                    self.put(word(1), Some(Held::Set(both)));
                }
                Value::Integer(count)
            }
            "rpush" => {
                let mut list = self.list(word(1));
                list.push(word(2).into());
                let count = list.len() as i64;
                self.put(word(1), Some(Held::List(list)));
                Value::Integer(count)
            }
            "lrange" => Value::Array(self.list(word(1)).iter().map(|item| bulk(item)).collect()),
            "lmove" => {
                let mut from = self.list(word(1));
                if from.is_empty() {
                    return Value::Null;
                }
                let item = from.remove(0);
                self.put(word(1), Some(Held::List(from)));
                let mut to = self.list(word(2));
                to.push(item.clone());
                self.put(word(2), Some(Held::List(to)));
                bulk(&item)
            }
            "watch" => {
                let watch = self.watches.entry(client).or_default();
                watch.0.extend(words[1..].iter().cloned());
                Value::Simple(b"OK".to_vec())
            }
            other => panic!("the model does not know {other}"),
        }
    }
}

/// Whether some order explains the history, in which every operation has been answered. The error has the longest
/// prefix's end: the operations of which none could come next. Costs at worst the number of orders of what overlaps.
pub fn check(mut history: Vec<Operation>) -> Result<(), String> {
    // Those that were answered first are tried first: that is how it mostly was. One client's stay in their order.
    history.sort_by_key(|operation| operation.answered);
    let mut done = vec![false; history.len()];
    let mut tried: HashSet<(Vec<bool>, Model)> = HashSet::new();
    // Depth first: the choices made, and the state before each.
    let mut path: Vec<(usize, Model)> = Vec::new();
    let (mut state, mut from) = (Model::default(), 0);
    let (mut longest, mut stuck) = (0, String::new());
    loop {
        if path.len() == history.len() {
            return Ok(());
        }
        let first = done.iter().position(|done| !done).expect("some are left");
        // What is sent after another has been answered cannot come before that one.
        let limit = history[first].answered;
        let is_open = |&at: &usize| !done[at] && history[at].sent <= limit;
        let mut open: Vec<usize> = (first..history.len()).filter(is_open).collect();
        // Of one client's, only the next.
        let mut clients = BTreeSet::new();
        open.retain(|&at| clients.insert(history[at].client));
        let next = open.iter().copied().filter(|&at| at >= from).find_map(|at| {
            let mut after = state.clone();
            if !after.apply(&history[at]) {
                return None;
            }
            done[at] = true;
            let new = tried.insert((done.clone(), after.clone()));
            done[at] = new;
            new.then_some((at, after))
        });
        if let Some((at, after)) = next {
            path.push((at, std::mem::replace(&mut state, after)));
            from = 0;
            continue;
        }
        if path.len() >= longest {
            longest = path.len() + 1;
            stuck = open.iter().map(|&at| format!("\n{:?}", history[at])).collect();
        }
        let Some((at, before)) = path.pop() else {
            return Err(format!(
                "no order explains more than {} of {} operations; next would be one of{stuck}",
                longest - 1,
                history.len()
            ));
        };
        done[at] = false;
        (state, from) = (before, at + 1);
    }
}
