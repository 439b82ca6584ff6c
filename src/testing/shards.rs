//! Any number of shards answers as one does: random commands from the table to simulated servers of one
//! and of several cores, reply for reply, with batches delayed and cut as the simulation pleases.
//!
//! The differential test compares with Redis, over real sockets, once; this compares Medusa with itself
//! under many schedules, without a socket, and a failing seed replays exactly.

use crate::base::prng::Prng;
use crate::resp::value::Value;
use crate::testing::differences::{Compare, compare_of, elements, length};
use crate::testing::generate::{Generator, frame, shown};
use crate::testing::sim::Sim;
use crate::testing::transcript::show;

const SEEDS: u64 = 100;
const COMMANDS: usize = 250;
/// When every simulation starts, in Unix milliseconds: deadlines are relative to it.
const NOW_MS: u64 = 1_700_000_000_000;

/// What a command's reply is compared by: the reply itself, or for the commands with a rule its type.
fn essence(rule: Option<Compare>, reply: &Value) -> String {
    match (rule, reply) {
        (None | Some(Compare::Within(_)), reply) | (Some(_), reply @ Value::Error(_)) => show(reply),
        (Some(Compare::Unordered), reply) => elements(reply, false).join("\n"),
        (Some(Compare::UnorderedPairs), reply) => elements(reply, true).join("\n"),
        (Some(Compare::Length), reply) => format!("{:?}", length(reply)),
        (Some(_), reply) => format!("{:?}", std::mem::discriminant(reply)),
    }
}

/// The same of EXEC's reply, one by one by the rules of what was queued.
fn essence_of_all(rule: Option<Compare>, queued: &[Option<Compare>], reply: &Value) -> String {
    match reply {
        Value::Array(items) if !queued.is_empty() && items.len() == queued.len() => {
            let each = items.iter().zip(queued).map(|(item, rule)| essence(*rule, item));
            each.collect::<Vec<_>>().join("\n")
        }
        reply => essence(rule, reply),
    }
}

#[test]
fn several_shards_answer_as_one_does() {
    for seed in 0..SEEDS {
        let mut prng = Prng::new(seed);
        let shards = 2 + prng.below(4) as u16;
        let mut worlds = [Sim::new(1, seed), Sim::new(shards, seed)];
        let clients = worlds.each_mut().map(Sim::connect);
        let mut generator = Generator::from_table(seed, |command| {
            // Figures of the server may differ; deadlines that pass belong to the differential test.
            compare_of(&command.full_name) != Some(Compare::LeaveOut) && command.full_name != "psetex"
        });
        let mut sent: Vec<(Vec<Vec<u8>>, Option<Compare>)> = Vec::new();
        let (mut log, mut queued) = (Vec::new(), Vec::new());
        for number in 0..COMMANDS {
            let command = generator.next(NOW_MS);
            if !command.near_deadline {
                let name = |word: &Vec<u8>| String::from_utf8_lossy(word).to_lowercase();
                let words = &command.words;
                let rule = compare_of(&name(&words[0]))
                    .or_else(|| compare_of(&format!("{}|{}", name(&words[0]), words.get(1).map(name)?)));
                let mut bytes = Vec::new();
                frame(words, &mut bytes);
                for (world, client) in worlds.iter_mut().zip(clients) {
                    world.send(client, &bytes);
                }
                sent.push((command.words, rule));
            }
            // A pipeline of some length, then a look at the replies.
            if !prng.one_in(8) && number + 1 < COMMANDS {
                continue;
            }
            // Whoever waits gives up meanwhile, one after the other.
            worlds.iter_mut().for_each(|world| world.settle_waits());
            for (words, rule) in sent.drain(..) {
                log.push(shown(&words));
                let replies = [0, 1].map(|at| {
                    let reply = worlds[at].take_reply(clients[at]);
                    reply.unwrap_or_else(|| panic!("seed {seed}: no reply to {}", shown(&words)))
                });
                // Of another number of words it is refused, and the transaction stays open.
                let ends = |name: &str| words.len() == 1 && words[0].eq_ignore_ascii_case(name.as_bytes());
                let ran: &[_] = if ends("exec") { &queued } else { &[] };
                let [one, several] = replies.each_ref().map(|reply| essence_of_all(rule, ran, reply));
                if ["exec", "discard", "reset"].into_iter().any(ends) {
                    queued.clear();
                } else if matches!(&replies[0], Value::Simple(text) if text == b"QUEUED") {
                    queued.push(rule);
                }
                assert_eq!(
                    one,
                    several,
                    "seed {seed}: one shard (left) and {shards} shards (right) differ after\n{}",
                    log[log.len().saturating_sub(30)..].join("\n")
                );
            }
        }
    }
}
