//! The section on collections' memory: big ones of each type, and a great many small ones.

use super::BenchError;
use super::compare::{Running, Session};
use super::filling::{fill, fill_one, scattered};
use super::sections::{SETTLE_TIME, resident_bytes};
use super::sheet::{Texts, against, texts};
use crate::base::number::grouped;
use std::thread;

/// Fields of a small hash.
const SMALL_FIELDS: u64 = 5;

/// Items of a small list.
const SMALL_ITEMS: u64 = 10;

/// What is stored.
const CASES: [(&str, Filling); 6] = [
    ("a set of integers", Filling::Integers),
    ("a set of strings", Filling::Strings),
    ("a hash", Filling::Hash),
    ("a sorted set", Filling::SortedSet),
    ("hashes of 5 fields", Filling::SmallHashes),
    ("lists of 10 items", Filling::SmallLists),
];

#[derive(Clone, Copy, Debug)]
enum Filling {
    Integers,
    Strings,
    Hash,
    SortedSet,
    SmallHashes,
    SmallLists,
}

/// Stores a collection of so many members, or so many small ones.
fn store(running: &Running, filling: Filling, count: u64) -> Result<(), BenchError> {
    let name = |number: u64| format!("element:{number:012}");
    match filling {
        Filling::Integers => fill_one(running, &["SADD", "set"], count, |n| vec![n.to_string()]),
        Filling::Strings => fill_one(running, &["SADD", "set"], count, |n| vec![name(n)]),
        Filling::Hash => {
            fill_one(running, &["HSET", "hash"], count, |n| vec![name(n), format!("value:{n:06}")])
        }
        Filling::SortedSet => fill_one(running, &["ZADD", "zset"], count, |n| {
            vec![(scattered(n) % 1_000_000_000).to_string(), name(n)]
        }),
        Filling::SmallHashes => fill(running, count, |n| {
            let fields =
                (0..SMALL_FIELDS).flat_map(|field| [format!("field{field}"), format!("value:{n:06}")]);
            ["HSET".to_owned(), format!("hash:{n:012}")].into_iter().chain(fields).collect()
        }),
        Filling::SmallLists => fill(running, count, |n| {
            let items = (0..SMALL_ITEMS).map(|item| format!("item:{item:04}"));
            ["RPUSH".to_owned(), format!("list:{n:012}")].into_iter().chain(items).collect()
        }),
    }
}

impl Session<'_> {
    /// Resident memory per member of a big collection, and per small collection.
    pub fn collections(&self) -> Result<Texts, BenchError> {
        let count = self.args.memory_keys;
        let all = self.in_turns(&CASES.map(|(label, _)| label), |running, _, setting| {
            thread::sleep(SETTLE_TIME);
            let before = resident_bytes(running.pid);
            store(running, CASES[setting].1, count)?;
            thread::sleep(SETTLE_TIME);
            Ok(vec![(resident_bytes(running.pid) - before) / count as f64])
        })?;
        let head = format!(
            "Resident memory of collections: one with {0} members, or {0} small ones; medians of {1} rounds",
            grouped(count),
            self.args.rounds
        );
        let figures = [against("B per member or small one", 1)];
        Ok(texts(&head, &["cores", "collection", "server"], &figures, &all))
    }
}
