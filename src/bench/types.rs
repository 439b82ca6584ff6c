//! The section on data types: CPU time of one command on each of them, with the shapes that redis-benchmark
//! made usual.
//!
//! What pops must not run dry, so such a command finds more than it is asked for, and the number of its
//! requests ends the run. The others run for their time.

use super::BenchError;
use super::compare::{Running, Session};
use super::filling::{fill_one, scattered};
use super::keys::Distribution;
use super::measure::measure_clean;
use super::sheet::{Texts, against, figure, texts};
use super::workload::Workload;
use crate::base::number::grouped;

/// Depths; a deeper pipeline would show nothing new.
const PIPELINES: [usize; 2] = [16, 1];

/// Size of what is stored.
const VALUE_BYTES: &str = "3";

/// Elements of the list that LRANGE looks at; it is asked for the first hundred.
const LIST_ITEMS: u64 = 100_000;

/// Requests for each second of the measured time where one command at a time pops: no server does more.
const POPS_PER_SECOND: f64 = 150_000.0;

/// What is there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    Nothing,
    /// A list that LRANGE looks at.
    List,
    /// A list, set or sorted set that pops empty.
    Poppable(&'static [&'static str]),
}

/// Commands: name, template, and what must be there.
const KINDS: [(&str, &str, Filled); 10] = [
    ("LPUSH", "LPUSH mylist __data__", Filled::Nothing),
    ("RPOP", "RPOP mylist", Filled::Poppable(&["LPUSH", "mylist"])),
    ("SADD", "SADD myset element:__rand_int__", Filled::Nothing),
    ("HSET", "HSET myhash element:__rand_int__ __data__", Filled::Nothing),
    ("SPOP", "SPOP myset", Filled::Poppable(&["SADD", "myset"])),
    ("ZADD", "ZADD myzset __rand_int__ element:__rand_int__", Filled::Nothing),
    ("ZPOPMIN", "ZPOPMIN myzset", Filled::Poppable(&["ZADD", "myzset"])),
    ("LRANGE_100", "LRANGE mylist 0 99", Filled::List),
    ("XADD", "XADD mystream * myfield __data__", Filled::Nothing),
    (
        "MSET of 10",
        "MSET __key__ __data__ __key__ __data__ __key__ __data__ __key__ __data__ __key__ __data__ \
         __key__ __data__ __key__ __data__ __key__ __data__ __key__ __data__ __key__ __data__",
        Filled::Nothing,
    ),
];

/// Fills what a command needs; `members` of what it pops.
fn prepare(running: &Running, filled: Filled, members: u64) -> Result<(), BenchError> {
    match filled {
        Filled::Nothing => Ok(()),
        Filled::List => fill_one(running, &["LPUSH", "mylist"], LIST_ITEMS, |_| vec!["xxx".to_owned()]),
        Filled::Poppable(command) => fill_one(running, command, members, |number| {
            let name = format!("element:{number:012}");
            match command[0] {
                "ZADD" => vec![(scattered(number) % members).to_string(), name],
                "LPUSH" => vec!["xxx".to_owned()],
                _ => vec![name],
            }
        }),
    }
}

impl Session<'_> {
    /// CPU time of one command on each data type, in batches and alone.
    pub fn types(&self) -> Result<Texts, BenchError> {
        let args = self.args;
        let settings: Vec<_> = PIPELINES
            .into_iter()
            .flat_map(|depth| KINDS.into_iter().map(move |kind| (depth, kind)))
            .collect();
        let labels: Vec<String> =
            settings.iter().map(|(depth, (name, ..))| format!("{name}, P={depth}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let all = self.in_turns(&labels, |running, cores, setting| {
            let (pipeline, (_, line, filled)) = settings[setting];
            prepare(running, filled, args.memory_keys)?;
            let line = [line.to_owned()];
            let workload = Workload::new("", &line, args.keys, Distribution::Uniform, VALUE_BYTES, 10)?;
            let mut plan = self.plan(running, cores, workload);
            plan.pipeline = pipeline;
            if matches!(filled, Filled::Poppable(_)) {
                let most = if pipeline == 1 { args.seconds * POPS_PER_SECOND } else { f64::INFINITY };
                (plan.warm_up, plan.requests) = (0.0, Some((most as u64).clamp(1, args.memory_keys)));
            }
            let measured = measure_clean(&plan)?;
            let cost = measured.server.unwrap_or_default();
            Ok(vec![cost.calm_us, cost.mean_us, measured.rate(), cost.busy])
        })?;
        let head = format!(
            "Commands on the data types, {} connections, {} names, values of {VALUE_BYTES} B; what pops finds {}; \
             medians of {} rounds",
            args.clients,
            grouped(args.keys),
            grouped(args.memory_keys),
            args.rounds
        );
        let figures =
            [against("CPU µs/op", 3), against("mean", 3), against("requests/s", 0), figure("CPUs busy", 2)];
        Ok(texts(&head, &["cores", "command", "server"], &figures, &all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_a_template_and_named_apart() {
        for (at, (name, line, _)) in KINDS.iter().enumerate() {
            let line = [(*line).to_owned()];
            let parsed = Workload::new("", &line, 10, Distribution::Uniform, VALUE_BYTES, 10);
            assert!(parsed.is_ok(), "{name}");
            assert!(KINDS[..at].iter().all(|(other, ..)| other != name), "{name}");
        }
    }
}
