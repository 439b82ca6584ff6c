//! What a run found out, for people (text) and programs (CSV, JSON, percentile text).

use super::cpu::CpuCost;
use super::run::{Measured, Plan};
use crate::base::number::grouped;

/// Percentiles that are shown.
const PERCENTILES: [f64; 5] = [50.0, 90.0, 99.0, 99.9, 99.99];

/// Names of the fields that [`fields`] gives, and of CSV's columns.
const CSV_HEAD: &str = "clients,threads,pipeline,rate_wanted,requests,seconds,rate,mean_us,p50_us,p90_us,p99_us,\
    p99_9_us,p99_99_us,max_us,connection_min,connection_median,connection_max,errors,nulls,unanswered,\
    server_cpu_calm_us,server_cpu_mean_us,server_busy,own_cpu_us,own_busy";

/// Fewest, median and most requests of a connection: how evenly a server treats its clients.
pub fn fairness(measured: &Measured) -> (u64, u64, u64) {
    let mut counts = measured.outcome.by_connection.clone();
    counts.sort_unstable();
    match counts.as_slice() {
        [] => (0, 0, 0),
        [first, ..] => (*first, counts[counts.len() / 2], counts[counts.len() - 1]),
    }
}

/// The report for people.
pub fn text(plan: &Plan, measured: &Measured) -> String {
    let outcome = &measured.outcome;
    let us = |ns: u64| ns as f64 / 1e3;
    let loop_kind = match plan.rate {
        Some(rate) => format!("{} requests/s wanted (open loop)", grouped(rate as u64)),
        None => format!("pipeline {}", plan.pipeline),
    };
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let mut text = format!(
        "{}: {} connection{}, {} thread{}, {loop_kind}\n\n",
        plan.target,
        plan.clients,
        plural(plan.clients),
        plan.threads,
        plural(plan.threads),
    );
    let mut row = |name: &str, value: String| text.push_str(&format!("  {name:<12} {value}\n"));
    row("rate", format!("{} requests/s", grouped(measured.rate() as u64)));
    row("requests", format!("{} in {:.2} s", grouped(measured.operations()), measured.seconds));
    row(
        "latency",
        "µs, from the ".to_owned() + if plan.rate.is_some() { "intended send" } else { "send of the batch" },
    );
    for percentile in PERCENTILES {
        let name = format!("  p{percentile}");
        row(&name, format!("{:>12.1}", us(outcome.latency.percentile(percentile))));
    }
    row("  max", format!("{:>12.1}", us(outcome.latency.max())));
    row("  mean", format!("{:>12.1}", outcome.latency.mean() / 1e3));
    let (least, median, most) = fairness(measured);
    row(
        "fairness",
        format!(
            "requests of a connection: fewest {}, median {}, most {}",
            grouped(least),
            grouped(median),
            grouped(most)
        ),
    );
    if outcome.nulls > 0 {
        row("nulls", grouped(outcome.nulls));
    }
    if outcome.unanswered > 0 {
        row("unanswered", grouped(outcome.unanswered));
    }
    if let Some(first) = &outcome.first_error {
        row("errors", format!("{}; the first: {first}", grouped(outcome.errors)));
    }
    if let Some(CpuCost { calm_us, mean_us, busy }) = measured.server {
        row(
            "server CPU",
            format!("{calm_us:.3} µs per operation (calmest tenth), {mean_us:.3} mean; {busy:.2} CPUs busy"),
        );
    }
    if let Some(CpuCost { mean_us, busy, .. }) = measured.own {
        row("own CPU", format!("{mean_us:.3} µs per operation; {busy:.2} CPUs busy"));
    }
    text
}

fn fields(plan: &Plan, measured: &Measured) -> Vec<String> {
    let outcome = &measured.outcome;
    let us = |ns: f64| format!("{:.1}", ns / 1e3);
    let (least, median, most) = fairness(measured);
    let mut fields = vec![
        plan.clients.to_string(),
        plan.threads.to_string(),
        plan.pipeline.to_string(),
        plan.rate.map_or(String::new(), |rate| format!("{rate:.0}")),
        measured.operations().to_string(),
        format!("{:.3}", measured.seconds),
        format!("{:.0}", measured.rate()),
        us(outcome.latency.mean()),
    ];
    fields.extend(PERCENTILES.map(|percentile| us(outcome.latency.percentile(percentile) as f64)));
    fields.push(us(outcome.latency.max() as f64));
    fields.extend(
        [least, median, most, outcome.errors, outcome.nulls, outcome.unanswered]
            .map(|count| count.to_string()),
    );
    let cost = |cost: Option<CpuCost>, of: fn(CpuCost) -> f64| {
        cost.map_or(String::new(), |cost| format!("{:.4}", of(cost)))
    };
    fields.push(cost(measured.server, |cost| cost.calm_us));
    fields.push(cost(measured.server, |cost| cost.mean_us));
    fields.push(cost(measured.server, |cost| cost.busy));
    fields.push(cost(measured.own, |cost| cost.mean_us));
    fields.push(cost(measured.own, |cost| cost.busy));
    fields
}

/// A head line and a line of figures.
pub fn csv(plan: &Plan, measured: &Measured) -> String {
    format!("{CSV_HEAD}\n{}\n", fields(plan, measured).join(","))
}

/// One object; what was not measured is null.
pub fn json(plan: &Plan, measured: &Measured) -> String {
    let values = fields(plan, measured);
    let pairs: Vec<String> = CSV_HEAD
        .split(',')
        .zip(&values)
        .map(|(name, value)| format!("  \"{name}\": {}", if value.is_empty() { "null" } else { value }))
        .collect();
    format!("{{\n{}\n}}\n", pairs.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::connection::Target;
    use crate::bench::keys::Distribution;
    use crate::bench::workload::Workload;

    fn example() -> (Plan, Measured) {
        let plan = Plan {
            in_slices: true,
            target: Target::local(7000),
            workload: Workload::new("get", &[], 10, Distribution::Uniform, "3", 1).unwrap(),
            clients: 3,
            threads: 1,
            pipeline: 16,
            seconds: 2.0,
            requests: None,
            warm_up: 0.0,
            rate: None,
            cpus: Vec::new(),
            server_pid: Some(1),
            seed: 1,
        };
        let mut measured = Measured { seconds: 2.0, ..Measured::default() };
        measured.outcome.by_connection = vec![1_000_000, 999_000, 1_001_000];
        measured.outcome.latency.record_many(50_000, 3_000_000);
        measured.outcome.errors = 2;
        measured.outcome.first_error = Some("ERR no".to_owned());
        measured.server = Some(CpuCost { calm_us: 0.7, mean_us: 0.75, busy: 0.99 });
        (plan, measured)
    }

    #[test]
    fn the_report_says_what_was_found() {
        let (plan, measured) = example();
        let text = text(&plan, &measured);
        for part in [
            "127.0.0.1:7000: 3 connections, 1 thread, pipeline 16\n",
            "1,500,000 requests/s",
            "3,000,000 in 2.00 s",
            "p99.99 ",
            "fewest 999,000, median 1,000,000, most 1,001,000",
            "2; the first: ERR no",
            "0.700 µs per operation (calmest tenth), 0.750 mean; 0.99 CPUs busy",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn csv_and_json_have_a_value_for_every_name() {
        let (plan, measured) = example();
        let csv = csv(&plan, &measured);
        let counts: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(counts, [25, 25], "{csv}");
        let json = json(&plan, &measured);
        assert!(json.contains("\"rate\": 1500000,") && json.contains("\"own_busy\": null\n}"), "{json}");
        assert!(json.contains("\"server_cpu_calm_us\": 0.7000"), "{json}");
    }
}
