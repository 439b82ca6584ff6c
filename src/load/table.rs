//! Results as rows: for the terminal, for a README, for other programs.

use super::benchmark::{Measured, Step, Test};
use super::{LoadArgs, Series};
use crate::base::number::grouped;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

/// What one run measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Index into the servers of this comparison.
    pub series: usize,
    pub test: Test,
    pub pipeline: u32,
    pub round: u32,
    pub requests: u64,
    /// Operations per second.
    pub rate: f64,
    /// Latency as the client saw it: p50, p99, p99.9, maximum.
    pub client_ms: [f64; 4],
    /// Time inside the command as the server says: p50, p99, p99.9.
    pub server_us: [f64; 3],
    /// CPU time of the server per operation, kernel included.
    pub cpu_us: f64,
    /// Share of its CPUs that the server used.
    pub busy: f64,
    pub distribution: Vec<Step>,
}

impl Row {
    #[expect(clippy::too_many_arguments, reason = "one call, where a run is put together")]
    pub(super) fn new(
        series: usize,
        test: Test,
        pipeline: u32,
        round: u32,
        measured: &Measured,
        cpu: Duration,
        cores: usize,
        latency_stats: &BTreeMap<String, String>,
    ) -> Row {
        let seconds = measured.requests as f64 / measured.rate;
        let stats = latency_stats.get(&format!("latency_percentiles_usec_{}", test.command));
        let at = |name: &str| {
            let parts = stats.map_or("", |line| line).split(',');
            let value = parts.filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name);
            value.and_then(|(_, value)| value.parse().ok()).unwrap_or(f64::NAN)
        };
        Row {
            series,
            test,
            pipeline,
            round,
            requests: measured.requests,
            rate: measured.rate,
            client_ms: [measured.p50_ms, measured.p99_ms, measured.percentile_ms(99.9), measured.max_ms],
            server_us: ["p50", "p99", "p99.9"].map(at),
            cpu_us: cpu.as_secs_f64() * 1e6 / measured.requests as f64,
            busy: cpu.as_secs_f64() / seconds / cores as f64,
            distribution: measured.distribution.clone(),
        }
    }

    /// What is the same in every round of one measurement, in the order of the table.
    fn key(&self) -> (u32, &'static str, usize) {
        (self.pipeline, self.test.name, self.series)
    }
}

/// Where and how a comparison was made.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// `2 CPUs (AMD EPYC), Linux 6.18`
    pub machine: String,
    /// Versions of the programs.
    pub versions: String,
    /// What the load was.
    pub load: String,
}

impl Setting {
    pub(super) fn of_this_machine(args: &LoadArgs, series: &[Series]) -> Setting {
        let mut versions = vec![format!("medusa {}", env!("CARGO_PKG_VERSION"))];
        versions.extend(series.iter().filter(|one| one.redis).map(|one| redis_version(&one.program)));
        let plural = |number: u64, noun: &str| {
            let ending = if number == 1 { "" } else { "s" };
            format!("{number} {noun}{ending}")
        };
        let load = format!(
            "redis-benchmark, {}, {}, {} keys, values of {} bytes, {} s each, {}",
            plural(args.clients.into(), "client"),
            plural(args.threads.into(), "thread"),
            args.keyspace,
            args.value_bytes,
            args.seconds,
            plural(args.rounds.into(), "round"),
        );
        Setting { machine: super::process::machine(), versions: versions.join(", "), load }
    }
}

fn redis_version(program: &std::path::Path) -> String {
    let said =
        Command::new(program).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let version = said.split_whitespace().find_map(|word| word.strip_prefix("v="));
    format!("redis-server {}", version.unwrap_or("of unknown version"))
}

/// One row per measurement: each number is the median of its rounds, the distribution that of the
/// round whose rate was the median one.
pub(super) fn medians(rows: &[Row]) -> Vec<Row> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| group[0].key() == row.key()) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    let of = |mut group: Vec<&Row>| {
        let median = |number: &dyn Fn(&Row) -> f64| {
            let mut numbers: Vec<f64> = group.iter().map(|row| number(row)).collect();
            numbers.sort_by(f64::total_cmp);
            let middle = numbers.len() / 2;
            if numbers.len() % 2 == 1 {
                numbers[middle]
            } else {
                (numbers[middle - 1] + numbers[middle]) / 2.0
            }
        };
        let numbers = Row {
            rate: median(&|row| row.rate),
            client_ms: std::array::from_fn(|at| median(&|row| row.client_ms[at])),
            server_us: std::array::from_fn(|at| median(&|row| row.server_us[at])),
            cpu_us: median(&|row| row.cpu_us),
            busy: median(&|row| row.busy),
            ..group[0].clone()
        };
        group.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        Row { distribution: group[group.len() / 2].distribution.clone(), ..numbers }
    };
    let mut medians: Vec<Row> = groups.into_iter().map(of).collect();
    // Within a pipeline depth, tests stay in the order they were asked for.
    let order: Vec<&str> = medians.iter().map(|row| row.test.name).collect();
    medians.sort_by_key(|row| {
        let (pipeline, test, series) = row.key();
        (pipeline, order.iter().position(|name| *name == test), series)
    });
    medians
}

const HEAD: [&str; 10] = [
    "pipeline",
    "test",
    "server",
    "ops/s",
    "client p50 ms",
    "p99 ms",
    "server p50 µs",
    "p99 µs",
    "CPU µs/op",
    "busy",
];

fn cells(row: &Row, series: &[Series]) -> [String; 10] {
    [
        row.pipeline.to_string(),
        row.test.name.to_uppercase(),
        series[row.series].label.clone(),
        grouped(row.rate.round() as u64),
        format!("{:.3}", row.client_ms[0]),
        format!("{:.3}", row.client_ms[1]),
        shown_us(row.server_us[0]),
        shown_us(row.server_us[1]),
        format!("{:.2}", row.cpu_us),
        format!("{:.0} %", row.busy * 100.0),
    ]
}

/// The table for a terminal.
pub(super) fn text(rows: &[Row], series: &[Series], setting: &Setting) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| cells(row, series)));
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = format!("{}\n{}; {}\n", setting.machine, setting.versions, setting.load);
    for (at, line) in lines.iter().enumerate() {
        let group = |at: usize| rows.get(at).map(|row| (row.pipeline, row.test.name));
        if at == 1 || at > 1 && group(at - 1) != group(at - 2) {
            text.push('\n');
        }
        let mut shown = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let padded =
                if matches!(column, 1 | 2) { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
            shown.push_str(gap);
            shown.push_str(&padded);
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

/// The table for a README: the best of each group in bold, whoever it is.
pub(super) fn markdown(rows: &[Row], series: &[Series], setting: &Setting) -> String {
    let mut text =
        format!("{}; {}; {}.\n\n| {} |\n", setting.machine, setting.versions, setting.load, HEAD.join(" | "));
    text.push_str("|---:|---|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for row in rows {
        let rivals: Vec<&Row> =
            rows.iter().filter(|other| (other.pipeline, other.test) == (row.pipeline, row.test)).collect();
        let best = |number: &dyn Fn(&Row) -> f64| {
            rivals.len() > 1
                && rivals.iter().all(|other| number(row) <= number(other) || number(other).is_nan())
        };
        let bold = [
            best(&|row| -row.rate),
            best(&|row| row.client_ms[0]),
            best(&|row| row.client_ms[1]),
            best(&|row| row.server_us[0]),
            best(&|row| row.server_us[1]),
            best(&|row| row.cpu_us),
        ];
        let mut cells = cells(row, series);
        for (cell, bold) in cells[3..].iter_mut().zip(bold) {
            if bold {
                *cell = format!("**{cell}**");
            }
        }
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// Every round of every run.
pub(super) fn csv(rows: &[Row], series: &[Series]) -> String {
    let mut text = "server,cores,pipeline,test,round,requests,ops_per_second,client_p50_ms,client_p99_ms,\
                    client_p99_9_ms,client_max_ms,server_p50_us,server_p99_us,server_p99_9_us,\
                    cpu_us_per_op,busy_share\n"
        .to_owned();
    for row in rows {
        let one = &series[row.series];
        let name = if one.redis { "redis-server" } else { "medusa" };
        let numbers = row.client_ms.iter().chain(&row.server_us).chain([&row.cpu_us, &row.busy]);
        let numbers: Vec<String> = numbers
            .map(|number| if number.is_nan() { String::new() } else { format!("{number:.4}") })
            .collect();
        text.push_str(&format!(
            "{name},{},{},{},{},{},{:.2},{}\n",
            one.cores,
            row.pipeline,
            row.test.name,
            row.round,
            row.requests,
            row.rate,
            numbers.join(",")
        ));
    }
    text
}

fn shown_us(us: f64) -> String {
    if us.is_nan() { "-".to_owned() } else { format!("{us:.2}") }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn two_series() -> Vec<Series> {
        let one = |label: &str, file: &str, redis| Series {
            label: label.into(),
            file: file.into(),
            program: file.into(),
            cores: 1,
            redis,
        };
        vec![one("Medusa, 1 core", "medusa-1c", false), one("redis-server", "redis", true)]
    }

    pub fn setting() -> Setting {
        Setting { machine: "2 CPUs".into(), versions: "medusa 0".into(), load: "50 clients".into() }
    }

    pub fn row(series: usize, test: &str, pipeline: u32, round: u32, rate: f64) -> Row {
        let measured = Measured {
            requests: 1_000,
            rate,
            p50_ms: 0.5,
            p99_ms: 1.0 + series as f64,
            max_ms: 3.0,
            distribution: vec![
                Step { percentile: 0.0, ms: 0.1, seen: 1 },
                Step { percentile: 50.0, ms: 0.5, seen: 500 },
                Step { percentile: 99.9, ms: 2.0, seen: 999 },
                Step { percentile: 100.0, ms: 3.0, seen: 1_000 },
            ],
            ..Measured::default()
        };
        let stats = BTreeMap::from([(
            "latency_percentiles_usec_set".into(),
            "p50=0.511,p99=1.003,p99.9=9.023".into(),
        )]);
        let cpu = Duration::from_micros(3_000);
        Row::new(series, Test::named(test).unwrap(), pipeline, round, &measured, cpu, 1, &stats)
    }

    #[test]
    fn a_row_reads_the_servers_percentiles_and_its_cpu_time() {
        let set = row(0, "set", 1, 1, 250_000.0);
        assert_eq!(set.server_us, [0.511, 1.003, 9.023]);
        assert_eq!(set.client_ms, [0.5, 1.0, 2.0, 3.0]);
        assert_eq!(set.cpu_us, 3.0);
        assert!((set.busy - 0.75).abs() < 1e-9);
        assert!(row(0, "get", 1, 1, 1.0).server_us[0].is_nan());
    }

    #[test]
    fn rounds_become_one_row_with_their_median() {
        let rows = [
            row(0, "set", 16, 1, 30.0),
            row(0, "get", 1, 1, 7.0),
            row(0, "set", 16, 2, 10.0),
            row(0, "set", 16, 3, 20.0),
            row(1, "get", 1, 1, 8.0),
        ];
        let medians = medians(&rows);
        let shown: Vec<_> = medians.iter().map(|row| (row.pipeline, row.series, row.rate)).collect();
        assert_eq!(shown, [(1, 0, 7.0), (1, 1, 8.0), (16, 0, 20.0)]);
    }

    #[test]
    fn tables_line_up_and_say_who_was_better() {
        let rows = [row(0, "set", 1, 1, 123_456.7), row(1, "set", 1, 1, 99_000.0), row(0, "get", 1, 1, 5.0)];
        let want = "2 CPUs\nmedusa 0; 50 clients\n\
pipeline  test  server            ops/s  client p50 ms  p99 ms  server p50 µs  p99 µs  CPU µs/op  busy\n\n       \
1  SET   Medusa, 1 core  123,457          0.500   1.000           0.51    1.00       3.00  37 %\n       \
1  SET   redis-server     99,000          0.500   2.000           0.51    1.00       3.00  30 %\n\n       \
1  GET   Medusa, 1 core        5          0.500   1.000              -       -       3.00   0 %\n";
        assert_eq!(text(&rows, &two_series(), &setting()), want);
        let markdown = markdown(&rows, &two_series(), &setting());
        assert!(
            markdown.contains("| 1 | SET | Medusa, 1 core | **123,457** | **0.500** | **1.000** |"),
            "{markdown}"
        );
        assert!(markdown.contains("| 1 | SET | redis-server | 99,000 | **0.500** | 2.000 |"), "{markdown}");
        assert!(markdown.contains("| 1 | GET | Medusa, 1 core | 5 | 0.500 |"), "{markdown}");
    }

    #[test]
    fn every_csv_line_has_as_many_fields_as_the_first() {
        let rows = [row(0, "set", 1, 1, 123.456), row(1, "get", 1, 1, 9.0)];
        let csv = csv(&rows, &two_series());
        let widths: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(widths, [16, 16, 16]);
        assert!(csv.contains("\nmedusa,1,1,set,1,1000,123.46,0.5000,1.0000,2.0000,3.0000,0.5110,"), "{csv}");
        assert!(csv.contains(",3.0000,,,,3.0000,"), "{csv}");
    }
}
