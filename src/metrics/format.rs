//! Lines of `INFO` in Redis's exact shapes, from numbers. Each ends in CR LF, as `INFO` sends them.

use super::command::{CommandStats, ErrorStats};
use super::histogram::LazyHistogram;
use std::fmt::Write;

/// Appends `cmdstat_NAME:…`, the line of `INFO commandstats`. `name` is the full one: `config|get`.
///
/// The fields are Redis's and count every call. A command that has spanned shards says at the end how many of
/// them did: readers take fields by name or by place, and Redis itself has added some at the end before.
pub fn command_stats(out: &mut String, name: &str, stats: &CommandStats) {
    let usec_per_call = if stats.calls == 0 { 0.0 } else { stats.ns as f64 / 1e3 / stats.calls as f64 };
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        out,
        "cmdstat_{name}:calls={},usec={},usec_per_call={usec_per_call:.2},rejected_calls={},failed_calls={}",
        stats.calls,
        stats.ns / 1_000,
        stats.rejected,
        stats.failed,
    );
    if let Some(spanning) = &stats.spanning {
        let _ = write!(out, ",spanning_calls={},spanning_usec={}", spanning.calls, spanning.ns / 1_000);
    }
    out.push_str("\r\n");
}

/// Appends `latency_percentiles_usec_NAME:…`, the line of `INFO latencystats`; nothing when the
/// command never ran. `percentiles` is `latency-tracking-info-percentiles`.
///
/// That line is of every call. A command that has spanned shards has three more, of its calls on one shard, of
/// those on several, and of how long these took until they were answered. Their names begin otherwise, because
/// readers of the first take each of its fields for a percentile, and what follows its prefix for a command.
pub fn latency_stats(out: &mut String, name: &str, stats: &CommandStats, percentiles: &[f64]) {
    percentile_line(out, "", name, &stats.run_anywhere(), percentiles);
    if let Some(spanning) = &stats.spanning {
        percentile_line(out, "single_shard_", name, &stats.run, percentiles);
        percentile_line(out, "spanning_", name, &spanning.run, percentiles);
        percentile_line(out, "spanning_wait_", name, &spanning.wait, percentiles);
    }
}

fn percentile_line(out: &mut String, of: &str, name: &str, histogram: &LazyHistogram, percentiles: &[f64]) {
    if histogram.is_empty() {
        return;
    }
    let _ = write!(out, "latency_percentiles_{of}usec_{name}:");
    for (at, &percentile) in percentiles.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let usec = histogram.percentile(percentile) as f64 / 1e3;
        let _ = write!(out, "{comma}p{}={usec:.3}", trimmed(percentile));
    }
    out.push_str("\r\n");
}

/// Appends `errorstat_CODE:count=…` for every code: `INFO errorstats`.
pub fn error_stats(out: &mut String, errors: &ErrorStats) {
    for (code, count) in errors.iter() {
        let _ = write!(out, "errorstat_{code}:count={count}\r\n");
    }
}

/// A number with at most six decimals and no zero at its end: `50`, `99.9`. This is also how
/// `CONFIG GET latency-tracking-info-percentiles` shows each.
pub fn trimmed(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::command::SpanningStats;

    /// Frozen from redis-server 7.0.15.
    #[test]
    fn lines_are_those_of_redis() {
        let mut get = CommandStats { calls: 2, ns: 6_000, rejected: 1, ..CommandStats::default() };
        get.run.record(3_000);
        get.run.record(3_000);
        let mut out = String::new();
        command_stats(&mut out, "get", &get);
        latency_stats(&mut out, "get", &get, &[50.0, 99.0, 99.9]);
        assert_eq!(
            out,
            "cmdstat_get:calls=2,usec=6,usec_per_call=3.00,rejected_calls=1,failed_calls=0\r\n\
             latency_percentiles_usec_get:p50=3.007,p99=3.007,p99.9=3.007\r\n"
        );
    }

    #[test]
    fn a_command_that_was_only_refused_has_no_latency() {
        let refused = CommandStats { rejected: 3, ..CommandStats::default() };
        let mut out = String::new();
        latency_stats(&mut out, "get", &refused, &[50.0]);
        command_stats(&mut out, "get", &refused);
        assert_eq!(out, "cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=3,failed_calls=0\r\n");
    }

    /// What exporters take apart keeps its shape: `calls` first, percentiles only, and one line per command.
    #[test]
    fn what_spans_is_added_behind_what_redis_says() {
        let mut mget = CommandStats { calls: 3, ns: 12_000, ..CommandStats::default() };
        mget.run.record(3_000);
        let spanning = SpanningStats { calls: 2, ns: 9_000, ..SpanningStats::default() };
        let spanning = mget.spanning.insert(Box::new(spanning));
        spanning.run.record_many(4_500, 2);
        spanning.wait.record_many(68_000, 2);
        let mut out = String::new();
        command_stats(&mut out, "mget", &mget);
        latency_stats(&mut out, "mget", &mget, &[50.0, 100.0]);
        assert_eq!(
            out,
            "cmdstat_mget:calls=3,usec=12,usec_per_call=4.00,rejected_calls=0,failed_calls=0,\
             spanning_calls=2,spanning_usec=9\r\n\
             latency_percentiles_usec_mget:p50=4.511,p100=4.511\r\n\
             latency_percentiles_single_shard_usec_mget:p50=3.007,p100=3.007\r\n\
             latency_percentiles_spanning_usec_mget:p50=4.511,p100=4.511\r\n\
             latency_percentiles_spanning_wait_usec_mget:p50=68.095,p100=68.095\r\n"
        );
    }

    #[test]
    fn errors_are_listed_by_code() {
        let mut errors = ErrorStats::default();
        for code in ["WRONGTYPE", "ERR", "ERR"] {
            errors.record(code);
        }
        let mut out = String::new();
        error_stats(&mut out, &errors);
        assert_eq!(out, "errorstat_ERR:count=2\r\nerrorstat_WRONGTYPE:count=1\r\n");
    }

    #[test]
    fn percentiles_are_written_without_zeros_at_the_end() {
        assert_eq!([50.0, 99.9, 100.0, 0.0, 99.999].map(trimmed), ["50", "99.9", "100", "0", "99.999"]);
    }
}
