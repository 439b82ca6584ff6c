//! Sections on what is asked: commands and sizes of values at one depth, and what a deeper pipeline gives.

use super::BenchError;
use super::compare::Session;
use super::measure::measure_clean;
use super::sheet::{Texts, against, figure, texts};

/// Depth of the mixes.
const PIPELINE: usize = 16;

/// Kinds of commands: name, mix, and the sizes of values that make a difference to them.
const KINDS: [(&str, &str, &[&str]); 5] = [
    ("GET", "get", &["8", "64", "1024", "65536"]),
    ("SET", "set", &["8", "64", "1024", "65536"]),
    ("INCR", "incr", &["8"]),
    ("MGET of 10", "mget", &["8", "64", "1024"]),
    ("GET/SET 90/10", "get:9,set:1", &["8", "64", "1024", "65536"]),
];

/// Values from this size on get fewer keys and no pipeline: they are about copying, not about commands.
const BIG_VALUE: usize = 65_536;

/// Keys of big values, so that all of them take no more than a few hundred megabytes.
const BIG_KEYS: u64 = 2_000;

/// One setting of the mixes.
struct Mix {
    label: String,
    mix: &'static str,
    value_bytes: &'static str,
    keys: u64,
    pipeline: usize,
}

/// All settings, of at most so many keys.
fn mixes(keys: u64) -> Vec<Mix> {
    let mut all = Vec::new();
    for (name, mix, sizes) in KINDS {
        for value_bytes in sizes {
            let big = value_bytes.parse::<usize>().is_ok_and(|bytes| bytes >= BIG_VALUE);
            let (keys, pipeline) = if big { (keys.min(BIG_KEYS), 1) } else { (keys, PIPELINE) };
            // A counter's value is as long as its number.
            let of = if mix == "incr" { String::new() } else { format!(" {value_bytes} B") };
            let depth = if big { ", P=1" } else { "" };
            all.push(Mix { label: format!("{name}{of}{depth}"), mix, value_bytes, keys, pipeline });
        }
    }
    all
}

impl Session<'_> {
    /// CPU time of single commands and of a mix, at several sizes of values.
    pub fn mixes(&self) -> Result<Texts, BenchError> {
        let mixes = mixes(self.args.keys);
        let labels: Vec<&str> = mixes.iter().map(|mix| mix.label.as_str()).collect();
        let all = self.in_turns(&labels, |running, cores, setting| {
            let Mix { mix, value_bytes, keys, pipeline, .. } = &mixes[setting];
            let workload = self.workload(mix, *keys, value_bytes)?;
            running.target.fill(&workload, None, |_| ())?;
            let mut plan = self.plan(running, cores, workload);
            plan.pipeline = *pipeline;
            let measured = measure_clean(&plan)?;
            let cost = measured.server.unwrap_or_default();
            Ok(vec![cost.calm_us, cost.mean_us, measured.rate(), cost.busy])
        })?;
        let head = format!(
            "Commands and sizes of values, {} connections, P={PIPELINE}, {} keys; medians of {} rounds",
            self.args.clients, self.args.keys, self.args.rounds
        );
        let figures =
            [against("CPU µs/op", 3), figure("mean", 3), against("requests/s", 0), figure("CPUs busy", 2)];
        Ok(texts(&head, &["cores", "commands", "server"], &figures, &all))
    }

    /// What ten requests in a batch give over one.
    pub fn depth(&self) -> Result<Texts, BenchError> {
        let args = self.args;
        let all = self.in_turns(&[""], |running, cores, _| {
            let workload = self.workload(&args.mix, args.keys, &args.value_bytes[0])?;
            running.target.fill(&workload, None, |_| ())?;
            let mut plan = self.plan(running, cores, workload);
            let single = measure_clean(&plan)?.rate();
            plan.pipeline = 10;
            let ten = measure_clean(&plan)?.rate();
            Ok(vec![single, ten, ten / single])
        })?;
        let head = format!(
            "One request in a batch and ten, {} connections, {}; medians of {} rounds",
            args.clients, args.mix, args.rounds
        );
        let figures =
            [figure("requests/s, P=1", 0), figure("requests/s, P=10", 0), figure("P=10 over P=1", 2)];
        Ok(texts(&head, &["cores", "server"], &figures, &all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_values_stay_below_a_gigabyte() {
        for Mix { label, value_bytes, keys, pipeline, .. } in mixes(100_000) {
            let bytes = value_bytes.parse::<u64>().unwrap() * keys;
            assert!(bytes < 500 << 20, "{label}: {bytes}");
            assert_eq!(pipeline == 1, label.ends_with(" 65536 B, P=1"), "{label}");
        }
    }

    #[test]
    fn every_mix_is_known_and_named_apart() {
        let all = mixes(10);
        for (at, Mix { label, mix, value_bytes, .. }) in all.iter().enumerate() {
            let parsed = super::super::workload::Workload::new(
                mix,
                &[],
                10,
                super::super::keys::Distribution::Uniform,
                value_bytes,
                10,
            );
            assert!(parsed.is_ok(), "{label}");
            assert!(all[..at].iter().all(|other| other.label != *label), "{label}");
        }
    }
}
