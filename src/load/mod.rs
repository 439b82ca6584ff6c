//! `medusa load`: starts servers, drives them with redis-benchmark, and says what came of it.
//!
//! A black-box client: it knows a server by its command line, the Redis protocol and /proc, so
//! redis-server runs through the same code and stands beside us in the same table. `scripts/load.sh`
//! builds and calls it.
//!
//! Speeds of a small machine drift by the minute, so servers take turns (A B C, A B C), each turn in a
//! fresh process, and medians are reported. A server is bound to as many CPUs as it has cores and the
//! load to the others when some are left. CPU time per operation is the figure to compare: rates say
//! something about a server only where it was busy all the time, so that share stands beside them.
//!
//! Not here: an open-loop generator. redis-benchmark waits for each reply before it asks again, so its
//! latencies leave out what a stall would have cost others.

pub mod benchmark;
pub mod client;
pub mod drawing;
mod plot;
pub mod process;
mod table;

use crate::base::clock::Clock;
use benchmark::{Measured, TESTS, Test};
use client::Client;
use process::Server;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::{Row, Setting};

/// What `medusa load` can be told.
#[derive(Clone, Debug, clap::Args)]
pub struct LoadArgs {
    /// Core counts to serve with, a server for each [default: 1 and all CPUs]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    pub cores: Vec<usize>,
    /// Requests each client sends before it reads a reply, a run for each
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,16")]
    pub pipeline: Vec<u32>,
    /// Tests of redis-benchmark
    #[arg(long, value_name = "TEST,…", value_delimiter = ',', default_value = "set,get")]
    pub tests: Vec<String>,
    /// How long each run measures
    #[arg(long, value_name = "N", default_value_t = 5.0)]
    pub seconds: f64,
    /// How often everything is run; medians are shown
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub rounds: u32,
    /// Threads of redis-benchmark
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: u32,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub clients: u32,
    /// Distinct keys, all set beforehand
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub keyspace: u64,
    /// Size of a value
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub value_bytes: usize,
    /// Run redis-server too, in turns with Medusa
    #[arg(long)]
    pub redis: bool,
    /// Folder for results: table, CSV, plot, percentile texts, logs
    #[arg(long, value_name = "DIR", default_value = "target/load")]
    pub out: PathBuf,
    /// The medusa to run [default: this one]
    #[arg(long, value_name = "PATH", hide = true)]
    pub server: Option<PathBuf>,
}

/// Why there is no result: one sentence.
#[derive(Debug)]
pub struct LoadError(String);

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

impl From<String> for LoadError {
    fn from(sentence: String) -> Self {
        LoadError(sentence)
    }
}

/// One server in the comparison.
#[derive(Clone, Debug, PartialEq)]
struct Series {
    /// As shown: `Medusa, 2 cores`.
    label: String,
    /// As part of file names: `medusa-2c`.
    file: String,
    program: PathBuf,
    /// CPUs it may use; redis-server has one thread for commands.
    cores: usize,
    redis: bool,
}

/// Runs everything `args` ask for, prints the table on stdout and progress on stderr.
pub fn run(args: &LoadArgs) -> Result<(), LoadError> {
    let tests = checked_tests(args)?;
    let cpus = process::cpus_allowed();
    let generator = process::find_program("redis-benchmark").ok_or_else(|| {
        "redis-benchmark is not here: it is in the package redis-tools (apt-get install redis-tools)"
            .to_owned()
    })?;
    let series = all_series(args, cpus.len())?;
    let runs = args.out.join("runs");
    fs::create_dir_all(&runs).map_err(|cause| format!("cannot make {}: {cause}", runs.display()))?;
    let mut session =
        Session { args, cpus, generator, clock: Clock::real(), rows: Vec::new(), done: 0, total: 0 };
    session.total = args.rounds as usize * args.pipeline.len() * series.len() * tests.len();
    for round in 1..=args.rounds {
        for &pipeline in &args.pipeline {
            for (at, one) in series.iter().enumerate() {
                session.serve(at, one, pipeline, round, &tests)?;
            }
        }
    }
    let rows = session.rows;
    let setting = Setting::of_this_machine(args, &series);
    let medians = table::medians(&rows);
    let files = [
        ("results.csv", table::csv(&rows, &series)),
        ("results.md", table::markdown(&medians, &series, &setting)),
        ("load.svg", plot::svg(&medians, &series, &setting)),
    ];
    for (name, text) in &files {
        write_file(&args.out.join(name), text)?;
    }
    let text = table::text(&medians, &series, &setting);
    let place = args.out.display();
    let shown = format!(
        "\n{text}\nIn {place}: results.csv, results.md, load.svg; in runs/ of each server its log, its own\n\
         latency report and percentile texts (.hgrm), and those of the client (.client.hgrm).\n"
    );
    io::stdout().write_all(shown.as_bytes()).map_err(|cause| format!("cannot print the table: {cause}"))?;
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<(), LoadError> {
    fs::write(path, text).map_err(|cause| LoadError(format!("cannot write {}: {cause}", path.display())))
}

fn checked_tests(args: &LoadArgs) -> Result<Vec<Test>, LoadError> {
    let mut tests: Vec<Test> = Vec::new();
    for name in &args.tests {
        let known = || TESTS.iter().map(|test| test.name).collect::<Vec<_>>().join(", ");
        let test =
            Test::named(name).ok_or_else(|| format!("--tests has no {name}; there are {}", known()))?;
        if let Some(other) = tests.iter().find(|other| other.command == test.command) {
            let (one, two) = (other.name, test.name);
            return Err(format!("--tests {one},{two} run the same command: measure them apart").into());
        }
        tests.push(test);
    }
    let positive = args.seconds > 0.0 && args.rounds > 0 && args.clients > 0 && args.threads > 0;
    let asked =
        !args.pipeline.is_empty() && !args.pipeline.contains(&0) && args.keyspace > 0 && args.value_bytes > 0;
    if !positive || !asked || tests.is_empty() {
        return Err("every number must be above zero".to_owned().into());
    }
    Ok(tests)
}

fn all_series(args: &LoadArgs, cpus: usize) -> Result<Vec<Series>, LoadError> {
    let medusa = match &args.server {
        Some(path) => path.clone(),
        None => std::env::current_exe().map_err(|cause| format!("cannot find medusa itself: {cause}"))?,
    };
    let mut counts = args.cores.clone();
    if counts.is_empty() {
        counts = if cpus > 1 { vec![1, cpus] } else { vec![1] };
    }
    let mut series = Vec::new();
    for cores in counts {
        if cores == 0 || cores > cpus {
            return Err(format!("--cores {cores}: this machine gives 1 to {cpus}").into());
        }
        let label = if cores == 1 { "Medusa, 1 core".to_owned() } else { format!("Medusa, {cores} cores") };
        series.push(Series {
            label,
            file: format!("medusa-{cores}c"),
            program: medusa.clone(),
            cores,
            redis: false,
        });
    }
    if args.redis {
        let program = process::find_program("redis-server").ok_or_else(|| {
            "redis-server is not here: it is in the package redis-server (apt-get install redis-server)"
                .to_owned()
        })?;
        series.push(Series {
            label: "redis-server".into(),
            file: "redis".into(),
            program,
            cores: 1,
            redis: true,
        });
    }
    Ok(series)
}

struct Session<'a> {
    args: &'a LoadArgs,
    cpus: Vec<usize>,
    generator: PathBuf,
    clock: Clock,
    rows: Vec<Row>,
    done: usize,
    total: usize,
}

impl Session<'_> {
    /// One turn of one server: a fresh process, filled, warmed up, measured test by test, stopped.
    fn serve(
        &mut self,
        at: usize,
        series: &Series,
        pipeline: u32,
        round: u32,
        tests: &[Test],
    ) -> Result<(), LoadError> {
        let turn = if self.args.rounds > 1 { format!("-r{round}") } else { String::new() };
        let name = format!("{}-p{pipeline}{turn}", series.file);
        let out = self.args.out.join("runs");
        let port = process::free_port().map_err(|cause| format!("no port is free: {cause}"))?;
        let report = out.join(format!("{name}.txt"));
        let arguments = command_line(series, port, &report);
        let cpus = &self.cpus[..series.cores];
        let log = out.join(format!("{name}.log"));
        let server = Server::start(&series.program, &arguments, cpus, port, &log, &self.clock)?;
        let lost = |cause: io::Error| LoadError(format!("{} stopped answering: {cause}", series.label));
        let mut client = Client::connect(port).map_err(lost)?;
        progress(&format!("{name}: setting {} keys, warming up", self.args.keyspace));
        client.fill(self.args.keyspace, &vec![b'x'; self.args.value_bytes]).map_err(lost)?;
        let mut plan = Vec::new();
        for test in tests {
            let warm_up = (20_000.0 * self.args.seconds.min(1.0)) as u64 * u64::from(pipeline.min(32));
            let measured = self.drive(series, port, test, pipeline, warm_up.max(1_000), None)?;
            plan.push((test, (measured.rate * self.args.seconds) as u64));
        }
        // What the server's own statistics say from here on is about the measured runs alone.
        client.ask(&["CONFIG", "RESETSTAT"]).map_err(lost)?;
        for (test, requests) in plan {
            self.done += 1;
            let title = format!("[{}/{}] {name} {}", self.done, self.total, test.name);
            let before = server.cpu().map_err(lost)?;
            let measured = self.drive(series, port, test, pipeline, requests.max(1_000), Some(&title))?;
            let cpu = server.cpu().map_err(lost)?.saturating_sub(before);
            let stats = client.info("latencystats").map_err(lost)?;
            let row = Row::new(at, *test, pipeline, round, &measured, cpu, series.cores, &stats);
            progress(&format!("{title}: {:.0} ops/s, {:.3} µs CPU/op\n", row.rate, row.cpu_us));
            write_file(&out.join(format!("{name}.{}.client.hgrm", test.name)), &measured.hgrm_us())?;
            self.rows.push(row);
        }
        server.stop(&self.clock).map_err(|sentence| LoadError(format!("{}: {sentence}", series.label)))
    }

    fn drive(
        &self,
        series: &Series,
        port: u16,
        test: &Test,
        pipeline: u32,
        requests: u64,
        title: Option<&str>,
    ) -> Result<Measured, LoadError> {
        let args = self.args;
        let others = &self.cpus[series.cores..];
        let mut command = process::command(&self.generator, others);
        command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-t", test.name, "--precision", "3"]);
        let numbers = [
            ("-P", u64::from(pipeline)),
            ("-n", requests),
            ("-c", u64::from(args.clients)),
            ("-r", args.keyspace),
            ("-d", args.value_bytes as u64),
        ];
        for (flag, number) in numbers {
            command.args([flag, &number.to_string()]);
        }
        if args.threads > 1 {
            command.args(["--threads", &args.threads.to_string()]);
        }
        let start = self.clock.raw();
        let report = process::run_to_end(command, || {
            let passed = Duration::from_nanos(self.clock.elapsed_ns(start, self.clock.raw())).as_secs_f64();
            if let Some(title) = title {
                progress(&format!("{title}: {passed:.1} of about {:.0} s", args.seconds));
            }
        })
        .map_err(|cause| format!("cannot run redis-benchmark: {cause}"))?;
        benchmark::parse(&report).map_err(|error| LoadError(error.to_string()))
    }
}

fn command_line(series: &Series, port: u16, report: &Path) -> Vec<String> {
    let port = port.to_string();
    let cores = series.cores.to_string();
    let report = report.display().to_string();
    let words: &[&str] = if series.redis {
        &["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]
    } else {
        &["--port", &port, "--bind", "127.0.0.1", "--cores", &cores, "--latency-report", &report]
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Says how far we are. On a terminal a line is drawn over until it ends in a line feed; elsewhere
/// only ended lines are worth keeping.
fn progress(line: &str) {
    let mut err = io::stderr().lock();
    // Nobody reads progress when stderr is gone.
    let _ = if err.is_terminal() {
        write!(err, "\r\x1b[K{line}").and_then(|()| err.flush())
    } else if line.ends_with('\n') {
        err.write_all(line.as_bytes())
    } else {
        Ok(())
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        load: LoadArgs,
    }

    fn parsed(words: &str) -> LoadArgs {
        Cli::try_parse_from(std::iter::once("load").chain(words.split_whitespace())).unwrap().load
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let args = parsed("--cores 1,2 --pipeline 1,16,100 --tests ping,mset --seconds 0.5");
        assert_eq!(
            (args.cores.as_slice(), args.pipeline.as_slice()),
            ([1, 2].as_slice(), [1, 16, 100].as_slice())
        );
        let names: Vec<_> = checked_tests(&args).unwrap().iter().map(|test| test.name).collect();
        assert_eq!(names, ["ping_mbulk", "mset"]);
    }

    #[test]
    fn what_cannot_be_measured_is_refused_in_a_sentence() {
        let refused = |words: &str| checked_tests(&parsed(words)).unwrap_err().to_string();
        assert!(refused("--tests lrange").starts_with("--tests has no lrange; there are ping_inline, "));
        assert!(refused("--tests ping_inline,ping").contains("run the same command"));
        assert_eq!(refused("--pipeline 0"), "every number must be above zero");
        assert_eq!(refused("--seconds 0"), "every number must be above zero");
        let error = all_series(&parsed("--cores 1,99"), 2).unwrap_err().to_string();
        assert_eq!(error, "--cores 99: this machine gives 1 to 2");
    }

    #[test]
    fn without_core_counts_the_smallest_and_the_largest_are_run() {
        let labels = |cpus| {
            let all = all_series(&parsed(""), cpus).unwrap();
            all.into_iter().map(|series| series.label).collect::<Vec<_>>()
        };
        assert_eq!(labels(1), ["Medusa, 1 core"]);
        assert_eq!(labels(4), ["Medusa, 1 core", "Medusa, 4 cores"]);
    }
}
