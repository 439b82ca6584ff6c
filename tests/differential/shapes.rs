//! How values are stored: thresholds that a session sets on both servers, and a look at what came of them.

use super::{Difference, Pair, reply};
use crate::common::Wire;
use medusa::base::prng::Prng;
use medusa::testing::generate::{HOT_KEYS, shown};

/// What decides the encodings of values: each with its default first, and with thresholds that small values pass.
const THRESHOLDS: &[(&str, &[&str])] = &[
    ("hash-max-listpack-entries", &["512", "0", "1", "3", "8"]),
    ("hash-max-listpack-value", &["64", "0", "1", "5", "3000"]),
    ("zset-max-listpack-entries", &["128", "0", "1", "3", "8"]),
    ("zset-max-listpack-value", &["64", "0", "1", "5", "3000"]),
    ("set-max-intset-entries", &["512", "0", "1", "3", "8"]),
    ("list-max-listpack-size", &["-2", "-1", "-5", "0", "1", "2", "5"]),
    ("stream-node-max-entries", &["100", "0", "1", "2", "7"]),
    ("stream-node-max-bytes", &["4096", "0", "1", "60"]),
    ("hll-sparse-max-bytes", &["3000", "0", "18", "40", "16000"]),
    (COMPRESSION, &["0", "1", "2"]),
];

/// What only the reference has: its lists must answer the same, compressed or not.
const COMPRESSION: &str = "list-compress-depth";

/// A threshold and its value.
pub(super) type Setting = (&'static str, &'static str);

/// Some thresholds, or all of them as they are by default.
pub(super) fn draw(prng: &mut Prng) -> Vec<Setting> {
    if prng.one_in(4) {
        return defaults();
    }
    let mut settings = Vec::new();
    for (name, values) in THRESHOLDS {
        if prng.one_in(2) {
            settings.push((*name, *prng.pick::<&str>(values)));
        }
    }
    settings
}

/// Every threshold as it is by default.
pub(super) fn defaults() -> Vec<Setting> {
    THRESHOLDS.iter().map(|(name, values)| (*name, values[0])).collect()
}

/// As one would type it.
pub(super) fn printed(settings: &[Setting]) -> String {
    settings.iter().map(|(name, value)| format!(" {name} {value}")).collect()
}

impl Pair {
    /// Sets thresholds on both sides.
    pub(super) fn set(&mut self, settings: &[Setting]) {
        for side in [0, 1] {
            // Transactions of this side's connection must not swallow it.
            let mut wire = self.servers[side].connect();
            for (name, value) in settings {
                if *name != COMPRESSION || side == 0 || self.against_itself {
                    assert_eq!(wire.call(&["CONFIG", "SET", name, value]), b"+OK\r\n", "{name} {value}");
                }
            }
        }
    }

    /// Looks at the keys that commands meet on: both must store them alike, and show the elements of what is in
    /// one piece in one order.
    pub(super) fn look(&mut self, step: usize) -> Option<Difference> {
        let mut wires = [self.servers[0].connect(), self.servers[1].connect()];
        for key in HOT_KEYS {
            let [reference, medusa] = ask(&mut wires, &[b"OBJECT", b"ENCODING", key]);
            let order: &[&[u8]] = match reference.as_slice() {
                _ if reference != medusa => {
                    return Some(difference(step, &[b"OBJECT", b"ENCODING", key], &reference, &medusa));
                }
                // Sorted sets are shown in order however they are stored.
                b"$8\r\nlistpack\r\n" => &[b"HGETALL", key],
                b"$6\r\nintset\r\n" => &[b"SMEMBERS", key],
                _ => continue,
            };
            let [reference, medusa] = ask(&mut wires, order);
            if reference != medusa {
                return Some(difference(step, order, &reference, &medusa));
            }
        }
        None
    }
}

fn ask(wires: &mut [Wire; 2], words: &[&[u8]]) -> [Vec<u8>; 2] {
    wires.iter_mut().for_each(|wire| wire.command(words));
    [reply(&mut wires[0]), reply(&mut wires[1])]
}

fn difference(step: usize, words: &[&[u8]], reference: &[u8], medusa: &[u8]) -> Difference {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.to_vec()).collect();
    let named = |reply: &[u8]| [format!("{}: ", shown(&words)).as_bytes(), reply].concat();
    Difference { step, reference: named(reference), medusa: named(medusa) }
}
