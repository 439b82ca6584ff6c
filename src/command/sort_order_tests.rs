//! How SORT puts elements in order, and that it sees all keys of its patterns at one moment.

use super::arranged;
use crate::base::prng::Prng;
use crate::resp::value::Value;
use crate::testing::sim::{Client, Sim};
use std::collections::VecDeque;

#[test]
fn random_items_are_arranged_as_a_stable_sort_arranges_them() {
    for seed in 0..400 {
        let mut prng = Prng::new(seed);
        let (len, span) = (prng.below(200) as usize, 1 + prng.below(60));
        let items: Vec<(u64, usize)> = (0..len).map(|at| (prng.below(span), at)).collect();
        let descending = prng.one_in(2);
        let start = prng.below(len as u64 + 1) as usize;
        let end = start + prng.below((len - start) as u64 + 1) as usize;
        let mut model = items.clone();
        model.sort_by(|left, right| if descending { right.0.cmp(&left.0) } else { left.0.cmp(&right.0) });
        let model: Vec<usize> = model[start..end].iter().map(|item| item.1).collect();
        assert_eq!(arranged(items, descending, start..end, Ord::cmp), model, "seed {seed}");
    }
}

#[test]
fn no_order_of_the_elements_makes_sorting_quadratic() {
    let len: u64 = 20_000;
    type Shape = fn(u64) -> u64;
    let shapes: [(&str, Shape); 5] = [
        ("rising", |at| at),
        ("falling", |at| 1_000_000 - at),
        ("equal", |_| 7),
        ("organ pipes", |at| at.min(20_000 - at)),
        ("sawtooth", |at| at % 141),
    ];
    for (name, shape) in shapes {
        for window in [0..len as usize, 0..10, 9_000..9_010, 19_990..20_000] {
            let compared = std::cell::Cell::new(0_u64);
            let items = (0..len).map(|at| (shape(at), at as usize)).collect();
            let order = |left: &u64, right: &u64| {
                compared.set(compared.get() + 1);
                left.cmp(right)
            };
            let count = window.len();
            assert_eq!(arranged(items, false, window.clone(), order).len(), count);
            // n log n is 14.3 n here.
            assert!(compared.get() < 30 * len, "{name} {window:?}: {} comparisons", compared.get());
        }
    }
}

#[test]
fn gets_that_would_make_an_endless_reply_are_refused() {
    let mut sim = Sim::new(2, 7);
    let client = sim.connect();
    let push = [&[b"rpush".as_slice(), b"l"][..], &vec![b"7".as_slice(); 30_000]].concat();
    assert_eq!(sim.call(client, &push), Value::Integer(30_000));
    let sort = [&[b"sort".as_slice(), b"l"][..], &[b"get".as_slice(), b"w_*"].repeat(3_000)].concat();
    let Value::Error(text) = sim.call(client, &sort) else { panic!("90 million answers") };
    assert_eq!(String::from_utf8_lossy(&text), "ERR value is out of range, the reply would be too long");
    let limited = [&sort[..], &[b"limit", b"0", b"2"]].concat();
    let Value::Array(answers) = sim.call(client, &limited) else { panic!("an array") };
    assert!(answers.len() == 2 * 3_000 && answers.iter().all(|answer| *answer == Value::Null));
}

/// What a client asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Something with a short answer.
    Other,
    /// A list of weights.
    Weights,
    /// A transaction of two lists of weights and what happens between.
    Both,
}

/// Asks something; what its replies will be.
fn ask(sim: &mut Sim, client: Client, prng: &mut Prng, round: u64) -> Vec<Asked> {
    let value = round.to_string();
    let value = value.as_bytes();
    let write: &[&[u8]] = &[b"mset", b"w_a", value, b"w_b", value, b"w_c", value, b"w_d", value];
    let read: &[&[u8]] = &[b"sort", b"l", b"by", b"w_*", b"get", b"w_*"];
    let store: &[&[u8]] = &[b"sort", b"l", b"by", b"w_*", b"get", b"w_*", b"store", b"d"];
    let (asked, requests): (_, &[&[&[u8]]]) = match prng.below(6) {
        0 | 1 => (vec![Asked::Other], &[write]),
        2 => (vec![Asked::Weights], &[read]),
        3 => (vec![Asked::Other], &[store]),
        4 => (vec![Asked::Weights], &[&[if prng.one_in(2) { b"sort" } else { b"sort_ro" }, b"d", b"alpha"]]),
        _ => {
            let asked = [[Asked::Other; 4].as_slice(), &[Asked::Both]].concat();
            (asked, &[&[b"multi"], read, store, &[b"sort", b"d"], &[b"exec"]])
        }
    };
    requests.iter().for_each(|words| sim.send_words(client, words));
    asked
}

/// Whether a reply is made of one moment's weights.
fn is_of_one_moment(asked: Asked, reply: &Value) -> bool {
    match (asked, reply) {
        (Asked::Other, Value::Integer(4) | Value::Simple(_)) => true,
        (Asked::Weights, Value::Array(weights)) => {
            [0, 4].contains(&weights.len()) && weights.iter().all(|weight| *weight == weights[0])
        }
        (Asked::Both, Value::Array(replies)) => {
            let [first, Value::Integer(4), second] = &replies[..] else { return false };
            first == second && is_of_one_moment(Asked::Weights, first)
        }
        _ => false,
    }
}

/// Plays one seed: writers set all weights to one value, sorters must see one. The error says what was seen.
fn play(seed: u64, broken: bool) -> Result<(), String> {
    let mut prng = Prng::new(seed);
    let shards = if broken { 4 } else { *prng.pick(&[1, 2, 4, 5]) };
    let mut sim = Sim::new(shards, prng.next_u64());
    if broken {
        sim.engines().iter_mut().for_each(|engine| engine.center_mut().locks.break_release());
    }
    let clients: Vec<Client> = (0..6).map(|_| sim.connect()).collect();
    let mut asked: Vec<VecDeque<Asked>> = clients.iter().map(|_| VecDeque::new()).collect();
    sim.call(clients[0], &[b"rpush", b"l", b"a", b"b", b"c", b"d"]);
    sim.call(clients[0], &[b"mset", b"w_a", b"0", b"w_b", b"0", b"w_c", b"0", b"w_d", b"0"]);
    const ROUNDS: u64 = 60;
    for round in 1..=ROUNDS {
        let at = prng.below(clients.len() as u64) as usize;
        for _ in 0..=prng.below(3) {
            asked[at].extend(ask(&mut sim, clients[at], &mut prng, round));
        }
        (0..prng.below(12)).for_each(|_| _ = sim.step());
        if round == ROUNDS {
            sim.settle();
        }
        for (client, asked) in clients.iter().zip(&mut asked) {
            for reply in sim.take_replies(*client) {
                let asked = asked.pop_front().ok_or("a reply that nobody asked for")?;
                if !is_of_one_moment(asked, &reply) {
                    return Err(format!("{asked:?}: {reply:?}"));
                }
            }
        }
    }
    let open: usize = asked.iter().map(VecDeque::len).sum();
    let at_rest = sim.engines().iter().all(|engine| engine.center().locks.is_empty());
    if open > 0 || !at_rest {
        Err(format!("{open} requests are open; locks are free: {at_rest}"))
    } else {
        Ok(())
    }
}

#[test]
fn nobody_sees_weights_of_two_moments() {
    for seed in 0..300 {
        if let Err(fault) = play(seed, false) {
            panic!("seed {seed}: {fault}");
        }
    }
}

#[test]
fn a_broken_lock_release_shows_weights_of_two_moments() {
    let caught = (0..200).find_map(|seed| play(seed, true).err().map(|fault| (seed, fault)));
    let (seed, fault) = caught.expect("a simulation that cannot fail proves nothing");
    println!("with the release of locks broken, seed {seed} shows: {fault}");
}
