//! What does a key cost, in time and memory, and how long is the longest step while the table grows?
//!
//! Compares the keyspace's table with `std`'s map of owned keys and values (which hashes with the same
//! function): inserting into a growing table, finding present and missing keys in random order, finding them
//! with a prefetch a few keys ahead, replacing, removing. Then the longest single step while a table grows
//! and while it empties: each of the same steps is timed in several rounds and its shortest time taken,
//! which leaves out what the machine did meanwhile; the longest of those is the figure. For `std` it holds the
//! whole rehash. Keys of 16 bytes, values of 8. Times are CPU time of the thread, the best round of each
//! line counts; memory is what jemalloc has handed out.
//!
//!     cargo bench --bench dict -- 1000000
//!
//! Prints a checksum, so that no work can be optimised away. Under `cargo test` it runs with few keys.

use medusa::base::owner::Owners;
use medusa::base::prng::Prng;
use medusa::ds::block::{Block, Content, View, Weigh};
use medusa::ds::dict::Dict;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Keys looked up between a prefetch and its use.
const AHEAD: usize = 16;

struct NoValue;

impl Weigh for NoValue {
    fn bytes(&self) -> usize {
        0
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = arguments.iter().find_map(|argument| argument.parse().ok());
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    let count: usize = asked.unwrap_or(if measuring { 1_000_000 } else { 2_000 });
    println!("{count} keys of 16 bytes, values of 8");
    let mut checksum = 0;
    for round in 0..if measuring { 3 } else { 1 } {
        println!("round {round}                ns per operation");
        checksum ^= bench_dict(count);
        checksum ^= bench_std(count);
    }
    println!("checksum {checksum:016x}");
    memory(count);
    longest_steps(count, if measuring { 5 } else { 1 });
}

fn key(number: usize) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// Every number below `count` once, in random order.
fn shuffled(count: usize) -> Vec<usize> {
    let mut prng = Prng::new(17);
    let mut numbers: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        numbers.swap(at, prng.below(at as u64 + 1) as usize);
    }
    numbers
}

fn allocated() -> usize {
    // The figure is refreshed by advancing the epoch.
    let _ = tikv_jemalloc_ctl::epoch::advance();
    tikv_jemalloc_ctl::stats::allocated::read().unwrap_or(0)
}

fn report(name: &str, what: &str, elapsed: Duration, count: usize) {
    println!("  {name} {what:<32} {:8.1}", elapsed.as_nanos() as f64 / count as f64);
}

/// CPU time of this thread.
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec, which is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What a key takes beyond its own bytes and its value's.
fn memory(count: usize) {
    let owners = Owners::new(42, 1);
    for (value_len, deadline) in [(8, None), (8, Some(1)), (64, None)] {
        let before = allocated();
        let mut dict = Dict::<NoValue>::new(owners);
        for number in 0..count {
            let key = key(number);
            dict.insert(
                owners.hash(&key),
                Block::new(&key, Content::Bytes(&[b'v'; 64][..value_len]), deadline),
            );
        }
        let beyond = |bytes: usize| bytes as f64 / count as f64 - 16.0 - value_len as f64;
        println!(
            "dict bytes per key beyond 16 + {value_len}{}: {:.1} allocated, {:.1} by own count",
            if deadline.is_some() { ", with a deadline" } else { "" },
            beyond(allocated().saturating_sub(before)),
            beyond(dict.content_bytes() + dict.table_bytes()),
        );
    }
}

/// The shortest time of each step over some rounds; its maximum is the longest step.
struct Steps {
    shortest_ns: Vec<u32>,
    at: usize,
}

impl Steps {
    fn new(count: usize) -> Self {
        Steps { shortest_ns: vec![u32::MAX; count], at: 0 }
    }

    fn time(&mut self, step: impl FnOnce()) {
        let start = Instant::now();
        step();
        let shortest = &mut self.shortest_ns[self.at];
        *shortest = (*shortest).min(start.elapsed().as_nanos() as u32);
        self.at = (self.at + 1) % self.shortest_ns.len();
    }

    fn report(mut self, name: &str, what: &str) {
        self.shortest_ns.sort_unstable();
        let count = self.shortest_ns.len();
        let at = |permille: usize| f64::from(self.shortest_ns[(count - 1) * permille / 1000]) / 1e3;
        println!(
            "{name} {what:<10} median {:.2} us, p99 {:.2}, p99.9 {:.2}, longest {:.1}",
            at(500),
            at(990),
            at(999),
            at(1000)
        );
    }
}

fn longest_steps(count: usize, rounds: usize) {
    let owners = Owners::new(42, 1);
    let order = shuffled(count);
    let (mut growing, mut emptying) = (Steps::new(count), Steps::new(count));
    for _ in 0..rounds {
        let mut dict = Dict::<NoValue>::new(owners);
        for number in 0..count {
            growing.time(|| insert(&mut dict, owners, number));
        }
        for &number in &order {
            let key = key(number);
            emptying.time(|| drop(dict.find(owners.hash(&key), &key).map(|found| found.remove())));
        }
    }
    growing.report("dict", "insertion");
    emptying.report("dict", "removal");
    let mut growing = Steps::new(count);
    for _ in 0..rounds {
        let mut map: HashMap<Vec<u8>, Vec<u8>, SameHash> = HashMap::with_hasher(SameHash(owners));
        for number in 0..count {
            growing.time(|| drop(map.insert(key(number).to_vec(), number.to_le_bytes().to_vec())));
        }
    }
    growing.report("std ", "insertion");
}

fn insert(dict: &mut Dict<NoValue>, owners: Owners, number: usize) {
    let key = key(number);
    let hash = owners.hash(&key);
    if dict.find(hash, &key).is_none() {
        dict.insert(hash, Block::new(&key, Content::Bytes(&number.to_le_bytes()), None));
    }
}

fn bench_dict(count: usize) -> u64 {
    let owners = Owners::new(42, 1);
    let order = shuffled(count);
    let before = allocated();
    let mut sum = 0u64;
    let mut dict = Dict::<NoValue>::new(owners);
    let start = thread_time();
    (0..count).for_each(|number| insert(&mut dict, owners, number));
    report("dict", "insert, growing", thread_time() - start, count);
    let per_key = (allocated() - before) as f64 / count as f64;
    println!(
        "  dict bytes per key beyond 24: {:.1} allocated, {:.1} by own count; {} segments",
        per_key - 24.0,
        (dict.content_bytes() + dict.table_bytes()) as f64 / count as f64 - 24.0,
        dict.segments()
    );

    let start = thread_time();
    for &number in &order {
        let key = key(number);
        if let Some(found) = dict.find(owners.hash(&key), &key)
            && let View::Bytes(bytes) = found.block().view()
        {
            sum = sum.wrapping_add(u64::from(bytes[0]));
        }
    }
    report("dict", "find, present", thread_time() - start, count);

    let start = thread_time();
    let mut hashes = [0; AHEAD];
    for batch in order.chunks(AHEAD) {
        for (hash, &number) in hashes.iter_mut().zip(batch) {
            *hash = owners.hash(&key(number));
            dict.prefetch(*hash);
        }
        hashes[..batch.len()].iter().for_each(|&hash| dict.prefetch_block(hash));
        for (&hash, &number) in hashes.iter().zip(batch) {
            if let Some(found) = dict.find(hash, &key(number))
                && let View::Bytes(bytes) = found.block().view()
            {
                sum = sum.wrapping_add(u64::from(bytes[0]));
            }
        }
    }
    report("dict", "find, present, batches of 16", thread_time() - start, count);

    let start = thread_time();
    for &number in &order {
        let key = key(number + count);
        sum += u64::from(dict.find(owners.hash(&key), &key).is_some());
    }
    report("dict", "find, missing", thread_time() - start, count);

    let start = thread_time();
    for &number in &order {
        let key = key(number);
        if let Some(mut found) = dict.find(owners.hash(&key), &key) {
            found.replace(Content::Bytes(&(number + 1).to_le_bytes()));
        }
    }
    report("dict", "replace", thread_time() - start, count);

    let start = thread_time();
    for &number in &order {
        let key = key(number);
        if let Some(found) = dict.find(owners.hash(&key), &key) {
            black_box(found.remove());
        }
    }
    report("dict", "remove, shrinking", thread_time() - start, count);
    assert!(dict.is_empty());
    sum
}

/// The same hash function for `std`, so that only the tables differ.
#[derive(Clone)]
struct SameHash(Owners);

struct SameHasher(Owners, u64);

impl BuildHasher for SameHash {
    type Hasher = SameHasher;

    fn build_hasher(&self) -> SameHasher {
        SameHasher(self.0, 0)
    }
}

impl Hasher for SameHasher {
    fn finish(&self) -> u64 {
        self.1
    }

    fn write(&mut self, bytes: &[u8]) {
        self.1 ^= self.0.hash(bytes);
    }

    fn write_usize(&mut self, _: usize) {}
}

fn bench_std(count: usize) -> u64 {
    let owners = Owners::new(42, 1);
    let order = shuffled(count);
    let before = allocated();
    let mut sum = 0u64;
    let mut map: HashMap<Vec<u8>, Vec<u8>, SameHash> = HashMap::with_hasher(SameHash(owners));
    let start = thread_time();
    for number in 0..count {
        map.insert(key(number).to_vec(), number.to_le_bytes().to_vec());
    }
    report("std ", "insert, growing", thread_time() - start, count);
    println!(
        "  std  bytes per key beyond 24: {:.1} allocated",
        (allocated() - before) as f64 / count as f64 - 24.0
    );

    let start = thread_time();
    for &number in &order {
        if let Some(bytes) = map.get(key(number).as_slice()) {
            sum = sum.wrapping_add(u64::from(bytes[0]));
        }
    }
    report("std ", "find, present", thread_time() - start, count);

    let start = thread_time();
    for &number in &order {
        sum += u64::from(map.contains_key(key(number + count).as_slice()));
    }
    report("std ", "find, missing", thread_time() - start, count);

    let start = thread_time();
    for &number in &order {
        black_box(map.remove(key(number).as_slice()));
    }
    report("std ", "remove", thread_time() - start, count);
    sum
}
