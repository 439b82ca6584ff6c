//! redis-benchmark: which of its tests we use, and what its report says.
//!
//! We read the report for people rather than its CSV: only that one has the distribution of
//! latencies, which we draw and keep as percentile text.

use std::fmt;

/// A test of redis-benchmark that measures one command, and the command the server counts it under.
/// Tests that measure several in one go are left out: their CPU time could not be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// As given to `redis-benchmark -t`.
    pub name: &'static str,
    /// As the server's statistics call it.
    pub command: &'static str,
}

/// Every test we can use.
pub const TESTS: &[Test] = &[
    Test { name: "ping_inline", command: "ping" },
    Test { name: "ping_mbulk", command: "ping" },
    Test { name: "set", command: "set" },
    Test { name: "get", command: "get" },
    Test { name: "incr", command: "incr" },
    Test { name: "mset", command: "mset" },
    Test { name: "lpush", command: "lpush" },
    Test { name: "rpush", command: "rpush" },
    Test { name: "lpop", command: "lpop" },
    Test { name: "rpop", command: "rpop" },
    Test { name: "sadd", command: "sadd" },
    Test { name: "hset", command: "hset" },
    Test { name: "spop", command: "spop" },
    Test { name: "zadd", command: "zadd" },
    Test { name: "zpopmin", command: "zpopmin" },
];

impl Test {
    /// The test of this name; `ping` is short for `ping_mbulk`.
    pub fn named(name: &str) -> Option<Test> {
        let name = if name == "ping" { "ping_mbulk" } else { name };
        TESTS.iter().copied().find(|test| test.name == name)
    }
}

/// What one run of redis-benchmark measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Requests it completed.
    pub requests: u64,
    /// Requests per second.
    pub rate: f64,
    /// Mean latency in milliseconds.
    pub mean_ms: f64,
    /// Smallest latency in milliseconds.
    pub min_ms: f64,
    /// Median latency in milliseconds.
    pub p50_ms: f64,
    /// Latency in milliseconds that 99 % did not exceed.
    pub p99_ms: f64,
    /// Largest latency in milliseconds.
    pub max_ms: f64,
    /// Latency at growing percentiles, ending with 100.
    pub distribution: Vec<Step>,
}

/// One line of the distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// 0 to 100.
    pub percentile: f64,
    /// Not exceeded by that many percent.
    pub ms: f64,
    /// Requests up to here.
    pub seen: u64,
}

/// A report that does not say what we need, with its last line that says something.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis-benchmark gave no result; its last words: {}", self.0)
    }
}

impl Measured {
    /// Latency in milliseconds that `percentile` (0 to 100) of the requests did not exceed. The steps of
    /// the distribution halve the distance to 100; this is the next one's, so never too small.
    pub fn percentile_ms(&self, percentile: f64) -> f64 {
        let reached = self.distribution.iter().find(|step| step.percentile >= percentile);
        reached.or(self.distribution.last()).map_or(0.0, |step| step.ms)
    }

    /// The distribution as HdrHistogram's percentile text, in microseconds.
    pub fn hgrm_us(&self) -> String {
        let mut text = format!(
            "{:>12} {:>14} {:>10} {:>14}\n\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        );
        for step in &self.distribution {
            let quantile = step.percentile / 100.0;
            text.push_str(&format!("{:12.3} {quantile:2.12} {:10}", step.ms * 1e3, step.seen));
            if quantile < 1.0 {
                text.push_str(&format!(" {:14.2}", 1.0 / (1.0 - quantile)));
            }
            text.push('\n');
        }
        text.push_str(&format!("#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n", self.mean_ms * 1e3, 0.0));
        text.push_str(&format!(
            "#[Max     = {:12.3}, Total count    = {:12}]\n",
            self.max_ms * 1e3,
            self.requests
        ));
        text
    }
}

/// Reads the report of one test, run with `--precision 3`.
pub fn parse(report: &str) -> Result<Measured, Unreadable> {
    let mut measured = Measured::default();
    let mut in_distribution = false;
    let mut summary_next = false;
    let mut complete = false;
    // Progress is drawn over itself with carriage returns.
    for line in report.split(['\n', '\r']).map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [count, "requests", "completed", ..] = words[..] {
            measured.requests = count.parse().unwrap_or(0);
        } else if line.starts_with("Latency by percentile distribution") {
            in_distribution = true;
        } else if line.is_empty() {
            in_distribution = false;
        } else if in_distribution {
            measured.distribution.extend(step(&words));
        } else if let ["throughput", "summary:", rate, ..] = words[..] {
            measured.rate = rate.parse().unwrap_or(0.0);
        } else if words == ["avg", "min", "p50", "p95", "p99", "max"] {
            summary_next = true;
        } else if summary_next {
            summary_next = false;
            let numbers: Vec<f64> = words.iter().filter_map(|word| word.parse().ok()).collect();
            if let [mean, min, p50, _, p99, max] = numbers[..] {
                (measured.mean_ms, measured.min_ms, measured.max_ms) = (mean, min, max);
                (measured.p50_ms, measured.p99_ms) = (p50, p99);
                complete = true;
            }
        }
    }
    if complete && measured.rate > 0.0 && measured.requests > 0 && !measured.distribution.is_empty() {
        return Ok(measured);
    }
    let last = report.split(['\n', '\r']).map(str::trim).rfind(|line| !line.is_empty());
    Err(Unreadable(last.unwrap_or("nothing at all").to_owned()))
}

/// `99.219% <= 1.479 milliseconds (cumulative count 198464)`
fn step(words: &[&str]) -> Option<Step> {
    let [percentile, "<=", ms, "milliseconds", "(cumulative", "count", seen] = words else { return None };
    Some(Step {
        percentile: percentile.strip_suffix('%')?.parse().ok()?,
        ms: ms.parse().ok()?,
        seen: seen.strip_suffix(')')?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What redis-benchmark 7.0.15 printed, with some of its lines taken out.
    const REPORT: &str =
        "\r                                \rSET: rps=0.0 (overall: 0.0) avg_msec=-nan (overall: -nan)\r\
        \r       \r====== SET ======
  200000 requests completed in 0.25 seconds
  50 parallel clients
  3 bytes payload
  keep alive: 1
  host configuration \"save\": 
  host configuration \"appendonly\": no
  multi-thread: no

Latency by percentile distribution:
0.000% <= 0.167 milliseconds (cumulative count 16)
50.000% <= 0.559 milliseconds (cumulative count 100112)
99.219% <= 1.479 milliseconds (cumulative count 198464)
99.902% <= 3.831 milliseconds (cumulative count 199808)
100.000% <= 4.207 milliseconds (cumulative count 200000)

Cumulative distribution of latencies:
0.000% <= 0.103 milliseconds (cumulative count 0)
100.000% <= 5.103 milliseconds (cumulative count 200000)

Summary:
  throughput summary: 784313.75 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        0.664     0.160     0.559     1.159     1.415     4.207


";

    #[test]
    fn a_report_is_read_to_the_end() {
        let measured = parse(REPORT).unwrap();
        assert_eq!((measured.requests, measured.rate), (200_000, 784_313.75));
        assert_eq!((measured.mean_ms, measured.min_ms, measured.max_ms), (0.664, 0.160, 4.207));
        assert_eq!(measured.distribution.len(), 5);
        assert_eq!((measured.p50_ms, measured.p99_ms), (0.559, 1.415));
        assert_eq!(measured.percentile_ms(99.9), 3.831);
        assert_eq!(measured.percentile_ms(100.0), 4.207);
    }

    #[test]
    fn a_report_without_a_result_repeats_its_last_words() {
        let cut = "\r\nError from server: NOAUTH Authentication required.\r\n\r\n";
        assert_eq!(parse(cut), Err(Unreadable("Error from server: NOAUTH Authentication required.".into())));
        assert_eq!(parse(""), Err(Unreadable("nothing at all".into())));
        let half = &REPORT[..REPORT.find("Summary").unwrap()];
        assert!(parse(half).is_err());
    }

    #[test]
    fn the_distribution_becomes_percentile_text() {
        let text = parse(REPORT).unwrap().hgrm_us();
        assert!(text.contains("     559.000 0.500000000000     100112           2.00\n"), "{text}");
        assert!(text.contains("    4207.000 1.000000000000     200000\n#[Mean    =      664.000"), "{text}");
    }

    #[test]
    fn tests_are_found_by_name() {
        assert_eq!(Test::named("ping").unwrap().name, "ping_mbulk");
        assert_eq!(Test::named("incr").unwrap().command, "incr");
        assert_eq!(Test::named("lrange"), None);
    }
}
