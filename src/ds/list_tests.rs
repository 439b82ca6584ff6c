//! A list against a vector of byte strings, under several limits of a node.

use super::*;
use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::ds::block::size_class;

fn shapes(list_max_listpack_size: i64) -> Shapes {
    Shapes { list_max_listpack_size, ..Shapes::new(Owners::new(7, 1)) }
}

/// Mostly short texts, now and then one that is large for some limit.
fn text(prng: &mut Prng) -> Vec<u8> {
    match prng.below(60) {
        0 => vec![b'L'; 4000 + prng.below(6000) as usize],
        1..4 => vec![b'm'; prng.below(1500) as usize],
        4..20 => prng.below(10).to_string().into_bytes(),
        20..30 => (prng.next_u64() as i64).to_string().into_bytes(),
        _ => vec![b's'; prng.below(40) as usize],
    }
}

/// Heap bytes, added up anew.
fn weigh(list: &List) -> usize {
    match &list.form {
        Form::Small(packed) => packed.bytes(),
        Form::Large(nodes) => {
            assert!(!nodes.nodes.is_empty(), "a large list has a node");
            assert_eq!(nodes.len, nodes.nodes.iter().map(|node| node.count).sum::<usize>());
            for node in &nodes.nodes {
                assert!(node.count > 0, "a node without elements");
                assert_eq!(node.count, node.items().count());
            }
            size_class(size_of::<Nodes>())
                + size_class(nodes.nodes.capacity() * size_of::<Node>())
                + nodes.nodes.iter().map(Node::bytes).sum::<usize>()
        }
    }
}

#[track_caller]
fn assert_is(list: &List, model: &[Vec<u8>], why: &str) {
    assert!(list.iter().map(Item::to_vec).eq(model.iter().cloned()), "{why}");
    assert!(list.iter().rev().map(Item::to_vec).eq(model.iter().rev().cloned()), "backwards, {why}");
    assert_eq!((list.len(), list.is_empty()), (model.len(), model.is_empty()), "{why}");
    assert_eq!(list.bytes(), weigh(list), "{why}");
}

#[test]
fn random_edits_equal_a_vector() {
    let seed = 0x115d;
    let mut prng = Prng::new(seed);
    for round in 0..if cfg!(miri) { 2 } else { 40 } {
        let limit = *prng.pick(&[-2, -2, -1, -5, -9, 1, 0, 3, 100, i64::MAX, i64::MIN]);
        let shapes = shapes(limit);
        let (mut list, mut model) = (List::default(), Vec::<Vec<u8>>::new());
        // Some lists shrink most of the time, so that small ones are seen as well.
        let growth = prng.below(3);
        for step in 0..300 {
            let why = format!("seed {seed:#x} round {round} step {step} limit {limit}");
            let text = text(&mut prng);
            let at = prng.below(model.len() as u64 + 1) as usize;
            match prng.below(9 + 3 * growth) {
                0 => {
                    assert_eq!(list.front().map(Item::to_vec).as_ref(), model.first(), "{why}");
                    list.pop_front();
                    model.drain(..1.min(model.len()));
                }
                1 => {
                    assert_eq!(list.back().map(Item::to_vec).as_ref(), model.last(), "{why}");
                    list.pop_back();
                    model.pop();
                }
                2 => {
                    assert_eq!(list.set(at, &text, &shapes), at < model.len(), "{why}");
                    if at < model.len() {
                        model[at] = text;
                    }
                }
                3 => {
                    let share = 1 + prng.below(8);
                    let count = prng.below(1 + model.len() as u64 / share) as usize;
                    list.remove_range(at, count, &shapes);
                    model.drain(at..(at + count).min(model.len()));
                }
                4 => {
                    let wanted = model.get(at).cloned().unwrap_or(text);
                    let count = *prng.pick(&[1, 2, 5, usize::MAX]);
                    let from_back = prng.one_in(2);
                    let mut equal: Vec<usize> = (0..model.len()).filter(|&at| model[at] == wanted).collect();
                    if from_back {
                        equal.reverse();
                    }
                    equal.truncate(count);
                    let removed = list.remove_equal(&wanted, count, from_back, &shapes);
                    assert_eq!(removed, equal.len(), "{why}");
                    let mut index = 0;
                    model.retain(|_| {
                        index += 1;
                        !equal.contains(&(index - 1))
                    });
                }
                5 => {
                    assert_eq!(list.get(at).map(Item::to_vec).as_ref(), model.get(at), "{why}");
                    let tail: Vec<Vec<u8>> = list.iter_from(at).map(Item::to_vec).collect();
                    assert_eq!(tail, model[at..], "{why}");
                    let found = model.iter().position(|other| *other == text);
                    assert_eq!(list.find(&text), found, "{why}");
                }
                6 => {
                    // By way of its nodes, as a payload carries it.
                    let mut copy = List::default();
                    for node in list.nodes() {
                        match node {
                            NodeRef::Packed(packed) => copy.push_packed(packed.clone(), &shapes),
                            NodeRef::Plain(text) => copy.push_back(text, &shapes),
                        }
                    }
                    list = copy;
                }
                7 | 8 => {
                    list.insert(at, &text, &shapes);
                    model.insert(at, text);
                }
                9 | 12 => {
                    list.push_front(&text, &shapes);
                    model.insert(0, text);
                }
                10 | 11 | 13 => {
                    for _ in 0..prng.below(30) {
                        list.push_back(&text, &shapes);
                        model.push(text.clone());
                    }
                }
                _ => {
                    list.push_back(&text, &shapes);
                    model.push(text);
                }
            }
            assert_is(&list, &model, &why);
        }
    }
}

#[test]
fn a_small_list_costs_its_listpack() {
    let shapes = shapes(-2);
    let mut list = List::default();
    for n in 0..10 {
        list.push_back(format!("item-{n}").as_bytes(), &shapes);
    }
    // Seven bytes around it, and two with each text of six.
    assert_eq!(list.bytes(), size_class(7 + 10 * 8));
    assert!(size_of::<List>() <= 24, "{}", size_of::<List>());
}

#[test]
fn nodes_stay_within_the_limit_and_well_filled() {
    for (limit, bytes, count) in [(-1, 4 << 10, usize::MAX), (-5, 64 << 10, usize::MAX), (10, 8 << 10, 10)] {
        let shapes = shapes(limit);
        let mut list = List::default();
        let mut prng = Prng::new(7);
        for n in 0..5000 {
            list.insert(prng.below(n + 1) as usize, &[b'x'; 30], &shapes);
        }
        for node in list.nodes() {
            let NodeRef::Packed(packed) = node else { panic!("nothing is large") };
            assert!(packed.as_bytes().len() <= bytes && packed.len() <= count, "limit {limit}");
        }
        let full = (5000 * 32_usize).div_ceil(bytes).max(5000_usize.div_ceil(count));
        assert!(list.nodes().len() <= 3 * full + 1, "limit {limit}: {} nodes", list.nodes().len());
    }
}

#[test]
fn a_large_element_is_alone_and_leaves_with_its_node() {
    let shapes = shapes(-2);
    let mut list = List::default();
    for n in 0..100 {
        list.push_back(n.to_string().as_bytes(), &shapes);
    }
    let large = vec![b'L'; 1 << 20];
    list.insert(50, &large, &shapes);
    let kinds = |list: &List| list.nodes().map(|node| matches!(node, NodeRef::Plain(_))).collect::<Vec<_>>();
    assert_eq!(kinds(&list), [false, true, false]);
    list.set(0, &large, &shapes);
    assert_eq!(kinds(&list), [true, false, true, false]);
    list.set(0, b"0", &shapes);
    list.remove_equal(&large, 1, false, &shapes);
    assert_eq!((kinds(&list), list.len()), (vec![false], 100));
    assert!(list.bytes() < 1000);
    let mut alone = List::default();
    alone.push_front(&large, &shapes);
    assert_eq!(kinds(&alone), [true]);
    alone.pop_back();
    assert!(alone.is_empty() && alone.bytes() <= 16);
}

#[test]
fn a_foreign_listpack_beyond_the_limit_is_cut_up() {
    let mut packed = Packed::new();
    for n in 0..5000 {
        packed.push_back(n.to_string().as_bytes());
    }
    let mut list = List::default();
    list.push_packed(packed.clone(), &shapes(-2));
    assert!(list.nodes().len() > 1);
    assert!(list.iter().eq(packed.iter().map(|(_, item)| item)));
    list.push_packed(Packed::new(), &shapes(-2));
    assert_eq!(list.len(), 5000);
}

#[test]
fn a_list_is_freed_in_parts() {
    let shapes = shapes(-2);
    let mut list = List::default();
    for _ in 0..20_000 {
        list.push_back(&[b'x'; 100], &shapes);
    }
    let mut parts = 0;
    let mut before = list.bytes();
    while list.free_part(64 << 10) {
        parts += 1;
        assert!(list.bytes() < before && before - list.bytes() < 100 << 10);
        assert_eq!(list.bytes(), weigh(&list));
        before = list.bytes();
    }
    assert!(parts > 20, "{parts}");
    assert!(list.is_empty());
}
