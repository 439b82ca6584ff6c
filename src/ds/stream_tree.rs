//! How many nodes a radix tree of a stream's nodes would have, which `XINFO STREAM` tells.
//!
//! Redis keeps a stream's nodes in a radix tree of 16-byte keys, in which every run of bytes without a
//! branch is one node, every branch is one and every end is one. We keep a B-tree, and count along: a key
//! that comes or goes changes the tree only where its path leaves the others', and the neighbours in key
//! order tell where that is. O(log n) per key.

use crate::ds::stream_id::Id;
use std::collections::BTreeMap;

/// Bytes of a key.
const DEPTH: u32 = 16;

/// Nodes of a tree without keys.
pub(super) const EMPTY: usize = 1;

/// Bytes that two keys begin with alike.
fn shared(a: Id, b: Id) -> u32 {
    (a.as_u128() ^ b.as_u128()).leading_zeros() / 8
}

/// By how many nodes `key` enlarges the tree of `others`, which it is not among.
pub(super) fn growth<V>(others: &BTreeMap<Id, V>, key: Id) -> usize {
    let before = |id: Id| others.range(..id).next_back().map(|(id, _)| *id);
    let behind = |id: Id| others.range(id..).find(|(other, _)| **other != id).map(|(id, _)| *id);
    // Where the key's path leaves the path of the nearest other.
    let Some(depth) = before(key).into_iter().chain(behind(key)).map(|other| shared(other, key)).max() else {
        return 1;
    };
    let own = 1 + usize::from(depth + 1 < DEPTH);
    // The others that begin like the key up to there.
    let low = match depth {
        0 => 0,
        _ => key.as_u128() >> (8 * (DEPTH - depth)) << (8 * (DEPTH - depth)),
    };
    let high = low | (u128::MAX >> (8 * depth));
    let mut alike = others.range(Id::of_u128(low)..=Id::of_u128(high)).map(|(id, _)| *id);
    let Some(first) = alike.next() else { return own };
    let last = alike.next_back().unwrap_or(first);
    let next_branch = shared(first, last);
    if next_branch == depth {
        // They branch here already.
        return own;
    }
    // A run of bytes is cut in two by a new branch; it began behind the branch above.
    let above = before(first).map(|id| shared(id, first)).max(behind(last).map(|id| shared(last, id)));
    let start = above.map_or(0, |above| above + 1);
    let run = |from: u32, to: u32| usize::from(from < to);
    own + 1 + run(start, depth) + run(depth + 1, next_branch) - run(start, next_branch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::prng::Prng;
    use std::collections::BTreeSet;

    /// Nodes of the tree of these keys from `depth` on, where they are all alike before.
    fn count(keys: &[[u8; 16]], depth: usize) -> usize {
        let Some(first) = keys.first() else { return 1 };
        let branch = (depth..16).find(|&at| keys.iter().any(|key| key[at] != first[at]));
        let Some(branch) = branch else { return 1 + usize::from(depth < 16) };
        let bytes: BTreeSet<u8> = keys.iter().map(|key| key[branch]).collect();
        let below = bytes.iter().map(|byte| {
            let those: Vec<[u8; 16]> = keys.iter().filter(|key| key[branch] == *byte).copied().collect();
            count(&those, branch + 1)
        });
        usize::from(branch > depth) + 1 + below.sum::<usize>()
    }

    #[test]
    fn the_count_equals_that_of_a_tree_built_anew() {
        for seed in 0..30 {
            let mut prng = Prng::new(seed);
            let mut keys: BTreeMap<Id, ()> = BTreeMap::new();
            let mut nodes = EMPTY;
            for step in 0..300 {
                let few = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1_0000, 1 << 56, u64::MAX];
                let mut number = || match prng.below(4) {
                    0 => *prng.pick(&few),
                    1 => prng.below(300),
                    2 => prng.next_u64(),
                    _ => *prng.pick(&few) ^ prng.below(3),
                };
                let id = Id::new(number(), number());
                if prng.below(5) < 3 && !keys.contains_key(&id) {
                    nodes += growth(&keys, id);
                    keys.insert(id, ());
                } else if let Some((&id, ())) = keys.range(id..).next().or(keys.range(..id).next_back()) {
                    keys.remove(&id);
                    nodes -= growth(&keys, id);
                }
                let encoded: Vec<[u8; 16]> = keys.keys().map(|id| id.as_u128().to_be_bytes()).collect();
                assert_eq!(nodes, count(&encoded, 0), "seed {seed} step {step}");
            }
        }
    }
}
