//! The tree against a sorted vector, under seeds, and its shape checked after each step.

use super::*;
use crate::base::prng::Prng;

/// A member by a number, its name the digits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Name([u8; 6]);

impl Name {
    fn of(number: u64) -> Name {
        let mut name = [0; 6];
        name.copy_from_slice(format!("{number:06}").as_bytes());
        Name(name)
    }
}

impl Named for Name {
    fn name(&self) -> &[u8] {
        &self.0
    }
}

/// Checks counts, firsts, sizes and bytes below a node; returns its entries.
fn entries_of(node: &Node<Name>, depth: usize, leaf_depth: &mut Option<usize>) -> (Vec<Entry<Name>>, usize) {
    match node {
        Node::Leaf(leaf) => {
            assert_eq!(*leaf_depth.get_or_insert(depth), depth, "leaves of one level");
            assert!(leaf.len() <= NODE_MAX && leaf.capacity() <= NODE_MAX);
            (leaf.clone(), heap_bytes(leaf))
        }
        Node::Inner(children) => {
            assert!(!children.is_empty() && children.len() <= NODE_MAX);
            let (mut all, mut bytes) = (Vec::new(), heap_bytes(children));
            for child in children {
                let (entries, below) = entries_of(&child.node, depth + 1, leaf_depth);
                assert_eq!(child.count, entries.len(), "a count");
                assert_eq!(Some(&child.first), entries.first(), "a first entry");
                all.extend(entries);
                bytes += below;
            }
            (all, bytes)
        }
    }
}

fn entries(tree: &Ranked<Name>) -> Vec<Entry<Name>> {
    let (all, bytes) = entries_of(&tree.root, 0, &mut None);
    assert_eq!((tree.len(), tree.bytes()), (all.len(), bytes), "length and bytes");
    all
}

fn sorted(model: &mut [Entry<Name>]) {
    model.sort_by(|left, right| left.order(right.score, right.member.name()));
}

#[test]
fn it_holds_what_a_sorted_vector_holds() {
    for seed in 0..24_u64 {
        let mut prng = Prng::new(seed);
        let mut tree = Ranked::default();
        let mut model: Vec<Entry<Name>> = Vec::new();
        let scores = [3, 40, 100_000][seed as usize % 3];
        let (steps, most) = if seed % 4 == 0 { (12_000, 9_000) } else { (3_000, 900) };
        for step in 0..steps {
            let grows = model.len() < 30 || (step / 1500 % 2 == 0) == (prng.below(4) != 0);
            let score = prng.below(scores) as f64 - 1.0;
            match prng.below(8) {
                _ if grows && model.len() < most => {
                    let member = Name::of(prng.below(1_000_000));
                    if model.iter().all(|entry| entry.member != member) {
                        tree.insert(score, member);
                        model.push(Entry { score, member });
                    }
                }
                0 => {
                    let at = prng.below(model.len() as u64) as usize;
                    sorted(&mut model);
                    assert_eq!(tree.remove_at(at), Some(model.remove(at)), "seed {seed} step {step}");
                }
                1 | 2 => {
                    let at = prng.below(model.len() as u64) as usize;
                    let old = model[at];
                    let new = if prng.one_in(2) { old.score + 1.0 } else { score };
                    tree.rescore(old.score, old.member.name(), new);
                    model[at].score = new;
                }
                3 => {
                    sorted(&mut model);
                    let at = if prng.one_in(2) { 0 } else { model.len() - 1 };
                    assert_eq!(tree.remove_at(at), Some(model.remove(at)), "seed {seed} step {step}");
                }
                _ => {
                    let entry = model.swap_remove(prng.below(model.len() as u64) as usize);
                    let removed = tree.remove(entry.score, entry.member.name());
                    assert_eq!(removed, Some(entry), "seed {seed} step {step}");
                    assert_eq!(tree.remove(entry.score, entry.member.name()), None, "seed {seed}");
                }
            }
            if step % 100 == 0 {
                sorted(&mut model);
                assert_eq!(entries(&tree), model, "seed {seed} step {step}");
                let at = prng.below(model.len() as u64 + 1) as usize;
                let count = prng.below(200) as usize;
                let up: Vec<_> = tree.upwards(at, count).copied().collect();
                assert_eq!(up, model[at..(at + count).min(model.len())], "seed {seed} step {step}");
                let down: Vec<_> = tree.downwards(at, count).copied().collect();
                let expected: Vec<_> =
                    model.iter().take(at + 1).rev().take(if at < model.len() { count } else { 0 }).collect();
                assert!(down.iter().eq(expected), "seed {seed} step {step}");
                if let Some(entry) = model.get(at) {
                    assert_eq!(tree.rank(entry.score, entry.member.name()), at, "seed {seed} step {step}");
                    let below = model.iter().filter(|other| other.score < score).count();
                    assert_eq!(tree.count_while(|entry| entry.score < score), below, "seed {seed}");
                }
                assert_eq!(tree.get(at).copied(), model.get(at).copied());
            }
        }
        while !tree.is_empty() {
            tree.remove_at(prng.below(tree.len() as u64) as usize);
        }
        assert!(tree.bytes() <= 2 * ROOM_STEP * 16, "seed {seed}: an empty tree has {} bytes", tree.bytes());
    }
}

#[test]
fn a_series_at_either_end_fills_its_leaves() {
    for descending in [false, true] {
        let mut tree = Ranked::default();
        for number in 0..64 * 300_u64 {
            let score = number as f64 * if descending { -1.0 } else { 1.0 };
            tree.insert(score, Name::of(number));
        }
        entries(&tree);
        let entry = size_of::<Entry<Name>>();
        assert!(tree.bytes() < tree.len() * entry * 11 / 10, "{} of {}", tree.bytes(), tree.len() * entry);
    }
}

#[test]
fn random_leaves_have_little_empty_room() {
    let mut tree = Ranked::default();
    let mut prng = Prng::new(7);
    for number in 0..100_000 {
        tree.insert(prng.next_u64() as f64, Name::of(number));
    }
    let entry = size_of::<Entry<Name>>();
    assert!(tree.bytes() < tree.len() * entry * 13 / 10, "{} of {}", tree.bytes(), tree.len() * entry);
}

#[test]
fn it_is_freed_in_parts() {
    let mut tree = Ranked::default();
    for number in 0..50_000 {
        tree.insert(number as f64, Name::of(number));
    }
    let mut before = tree.bytes();
    let mut parts = 1;
    while tree.free_part(10_000) {
        assert!(before - tree.bytes() < 20_000, "{before} to {}", tree.bytes());
        before = tree.bytes();
        parts += 1;
    }
    assert_eq!(tree.bytes(), 0);
    assert!(parts > 50, "{parts}");
}
