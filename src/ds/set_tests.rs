//! Every form of a set against a model.

use super::*;
use crate::base::owner::Owners;

const STEPS: usize = if cfg!(miri) { 100 } else { 1_200 };

fn shapes(ints: usize) -> Shapes {
    Shapes { set_max_intset_entries: ints, ..Shapes::new(Owners::new(0x5e7, 1)) }
}

fn listed(set: &Set) -> BTreeSet<Vec<u8>> {
    let members: Vec<_> = set.iter().map(Item::to_vec).collect();
    let sorted: BTreeSet<_> = members.iter().cloned().collect();
    assert_eq!(sorted.len(), members.len());
    sorted
}

/// Checks everything that reads.
fn compare(set: &Set, model: &BTreeSet<Vec<u8>>, prng: &mut Prng, what: &str) {
    assert_eq!(&listed(set), model, "{what}");
    let count = 1 + prng.below(8) as usize;
    let (mut scanned, mut cursor) = (BTreeSet::new(), 0);
    loop {
        cursor = set.scan(cursor, count, &mut |member| _ = scanned.insert(member.to_vec()));
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&scanned, model, "{what}");
    let mut sampled = BTreeSet::new();
    set.sample(count, prng, &mut |member| assert!(sampled.insert(member.to_vec()), "{what}"));
    assert_eq!(sampled.len(), count.min(model.len()), "{what}");
    let drawn: Vec<_> = set.draws(prng).take(3).map(Item::to_vec).collect();
    assert_eq!(drawn.len(), if model.is_empty() { 0 } else { 3 }, "{what}");
    assert!(sampled.iter().chain(&drawn).all(|member| model.contains(member)), "{what}");
    assert!(model.iter().all(|member| set.contains(member)), "{what}");
    assert!(set.iter().all(|member| set.contains_item(member)), "{what}");
    let twin = set.clone();
    assert_eq!((&listed(&twin), twin.encoding()), (model, set.encoding()), "{what}");
    let mut union = Set::default();
    let all = shapes(usize::MAX);
    assert!(set.iter().all(|member| union.add_item(member, &all)), "{what}");
    assert!(!set.iter().any(|member| union.add_item(member, &all)), "{what}");
    assert_eq!(&listed(&union), model, "{what}");
    assert!(set.iter().all(|member| union.remove_item(member)), "{what}");
    assert!(union.is_empty(), "{what}");
}

#[test]
fn random_changes_equal_a_model() {
    for seed in 0..40 {
        let mut prng = Prng::new(seed);
        let shapes = shapes(prng.below(60) as usize);
        let (mut set, mut model) = (Set::default(), BTreeSet::new());
        let span = 1 + prng.below(100);
        let words = 1 + prng.below(400);
        let mut ints = true;
        for step in 0..STEPS {
            let number = prng.below(span) as i64 - 5;
            let member = if prng.one_in(words) { format!("word {number}") } else { number.to_string() };
            let mut member = member.into_bytes();
            if prng.one_in(words * 4) {
                member.resize(65, b'-');
            }
            let what = format!("seed {seed} step {step} member {}", member.escape_ascii());
            match prng.below(8) {
                0..4 => {
                    assert_eq!(set.add(&member, &shapes), model.insert(member.clone()), "{what}");
                    ints &= model.len() <= shapes.set_max_intset_entries && parse_i64(&member).is_some();
                }
                4 => {
                    let mut popped = None;
                    assert_eq!(
                        set.pop(&mut prng, &mut |member| popped = Some(member.to_vec())),
                        !model.is_empty()
                    );
                    assert!(popped.is_none_or(|member| model.remove(&member)), "{what}");
                }
                _ => assert_eq!(set.remove(&member), model.remove(&member), "{what}"),
            }
            assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()), "{what}");
            assert_eq!(set.encoding(), if ints { "intset" } else { "hashtable" }, "{what}");
            if step % 40 == 0 {
                compare(&set, &model, &mut prng, &what);
            }
        }
        while set.free_part(500) {}
        assert!(set.is_empty(), "seed {seed}");
    }
}

#[test]
fn a_few_words_take_one_allocation_and_many_a_table() {
    let shapes = shapes(512);
    let mut set = Set::default();
    assert_eq!(set.bytes(), 0);
    for number in 0..WORDS_MAX {
        assert!(set.add(format!("w{number}").as_bytes(), &shapes));
    }
    assert!(set.bytes() <= 96, "{}", set.bytes());
    assert!(set.add(b"one more", &shapes) && !set.add(b"w3", &shapes));
    assert!(set.bytes() < 1_200, "{}", set.bytes());
    let count = if cfg!(miri) { 100 } else { 5_000 };
    (0..count).for_each(|number| _ = set.add(format!("w{number}").as_bytes(), &shapes));
    assert!(set.bytes() < 40 * count + 1_200, "{} for {count}", set.bytes());
    let (mut steps, mut before) = (0, set.bytes());
    while set.free_part(10_000) {
        assert!(set.bytes() < before);
        before = set.bytes();
        steps += 1;
    }
    assert!(cfg!(miri) || (8..30).contains(&steps), "{steps}");
}

#[test]
fn picks_from_every_form_are_fair_enough() {
    let shapes = shapes(512);
    for words in [false, true] {
        for count in [10_u32, 200] {
            let mut set = Set::default();
            let name = |number: u32| if words { format!("w{number}") } else { number.to_string() };
            (0..count).for_each(|number| _ = set.add(name(number).as_bytes(), &shapes));
            let mut prng = Prng::new(7);
            let mut picks = std::collections::BTreeMap::<Vec<u8>, u32>::new();
            let each = if cfg!(miri) { 0 } else { 200 };
            for member in set.draws(&mut prng).take((count * each) as usize) {
                *picks.entry(member.to_vec()).or_default() += 1;
            }
            let fair = |&picks: &u32| (each / 2..each * 2).contains(&picks);
            assert!(each == 0 || picks.len() == count as usize && picks.values().all(fair), "{picks:?}");
        }
    }
}
