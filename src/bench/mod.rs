//! `medusa bench`: a load generator for any server that speaks the Redis protocol.
//!
//! It exists because the usual client costs more than a fast server: redis-benchmark builds, parses and
//! allocates per request, so that it measures itself. Here requests are built beforehand, a batch leaves in
//! one `send`, replies are counted and not built. Two loops: closed (as fast as the server can) and open (at
//! a fixed rate, latencies from the intended send time). With `--server-pid` the server's CPU clock is read
//! beside the operations, which says what an operation costs even where the machine is noisy or the server
//! was not busy.
//!
//! Black box: it uses the wire, `/proc` and nothing of the server. `compare` starts servers and measures
//! them in turns. Not here: TLS, cluster redirects, several servers at once.

mod client;
mod closed;
mod collections;
pub mod compare;
pub mod connection;
pub mod cpu;
mod entrant;
mod fairness;
mod filling;
mod freeing;
mod growth;
pub mod keys;
mod measure;
mod mixes;
mod open;
mod plot;
pub mod replies;
pub mod report;
pub mod run;
mod sections;
mod setting;
mod sheet;
mod stalls;
mod table;
pub mod tally;
mod throughput;
mod types;
pub mod workload;

use crate::base::number::grouped;
use connection::Target;
use keys::Distribution;
use run::Plan;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use workload::Workload;

/// Most connections; more need more ports than a machine has.
const CLIENTS_MAX: usize = 30_000;

/// Most requests in a batch.
const PIPELINE_MAX: usize = 100_000;

/// What `medusa bench` can be told.
#[derive(Clone, Debug, clap::Args)]
pub struct BenchArgs {
    /// The server's name or address
    #[arg(long, value_name = "NAME", default_value = "127.0.0.1")]
    pub host: String,
    /// The server's port
    #[arg(short, long, value_name = "N", default_value_t = 6379)]
    pub port: u16,
    /// The server's unix socket, instead of host and port
    #[arg(long, value_name = "PATH")]
    pub unixsocket: Option<PathBuf>,
    /// Password for AUTH
    #[arg(long, value_name = "PASSWORD")]
    pub auth: Option<String>,
    /// User for AUTH
    #[arg(long, value_name = "NAME", requires = "auth")]
    pub user: Option<String>,
    /// Database to SELECT
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub database: u32,
    /// Connections
    #[arg(short, long, value_name = "N", default_value_t = 50)]
    pub clients: usize,
    /// Threads; the connections are spread over them
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
    /// CPUs to bind the threads to, in turn
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    pub cpus: Vec<usize>,
    /// Requests that a connection sends before it waits for their replies
    #[arg(short = 'P', long, value_name = "N", default_value_t = 1)]
    pub pipeline: usize,
    /// How long to measure
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    pub seconds: f64,
    /// Measure so many requests instead
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "seconds")]
    pub requests: Option<u64>,
    /// Seconds of load before anything counts [default: 0.5; 0 with --requests]
    #[arg(long, value_name = "N")]
    pub warm_up: Option<f64>,
    /// Open loop: so many requests a second at random moments, latencies from the intended send time
    #[arg(long, value_name = "N", conflicts_with = "pipeline")]
    pub rate: Option<f64>,
    /// Commands and their weights: get, set, setex, del, exists, incr, append, mget, mset, ping
    #[arg(long, value_name = "NAME:N,…", default_value = "get:1,set:1")]
    pub mix: String,
    /// Any command, with __key__, __rand_int__ and __data__ in it; may be given several times
    #[arg(long, value_name = "LINE", conflicts_with = "mix")]
    pub command: Vec<String>,
    /// Distinct keys
    #[arg(short = 'r', long, value_name = "N", default_value_t = 100_000)]
    pub keys: u64,
    /// How keys are drawn: uniform, zipf, zipf:SKEW, sequential
    #[arg(long, value_name = "HOW", default_value = "uniform")]
    pub distribution: String,
    /// Size of values, or the least and the most
    #[arg(short = 'd', long, value_name = "N or N-N", default_value = "32")]
    pub value_bytes: String,
    /// Keys of one MGET or MSET
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub keys_per_command: usize,
    /// Set every key before the load, so that reads find them
    #[arg(long)]
    pub prefill: bool,
    /// The server's process: its CPU time per operation is measured too
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,
    /// Makes keys, values and arrivals the same as in another run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print a head line and a line of figures
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Leave the latencies as HdrHistogram's percentile text
    #[arg(long, value_name = "PATH")]
    pub hgrm: Option<PathBuf>,
}

/// Why there is no result: one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchError(pub String);

impl std::fmt::Display for BenchError {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for BenchError {}

impl From<String> for BenchError {
    fn from(sentence: String) -> Self {
        BenchError(sentence)
    }
}

impl BenchArgs {
    /// What the flags mean together.
    pub fn plan(&self) -> Result<Plan, BenchError> {
        let limits = [
            ("--clients", self.clients, CLIENTS_MAX),
            ("--threads", self.threads, self.clients.max(1)),
            ("--pipeline", self.pipeline, PIPELINE_MAX),
            ("--keys-per-command", self.keys_per_command, PIPELINE_MAX),
        ];
        for (flag, value, most) in limits {
            if value == 0 || value > most {
                return Err(BenchError(format!("{flag} {value}: it must be 1 to {most}")));
            }
        }
        let warm_up = self.warm_up.unwrap_or(if self.requests.is_some() { 0.0 } else { 0.5 });
        let numbers = [("--seconds", self.seconds), ("--rate", self.rate.unwrap_or(1.0))];
        for (flag, value) in numbers {
            if !(value > 0.0 && value.is_finite()) {
                return Err(BenchError(format!("{flag} {value}: it must be above zero")));
            }
        }
        if self.keys == 0 || self.requests == Some(0) || !(0.0..=3600.0).contains(&warm_up) {
            return Err(BenchError(
                "--keys, --requests and --warm-up: every number must be above zero".to_owned(),
            ));
        }
        let workload = Workload::new(
            &self.mix,
            &self.command,
            self.keys,
            Distribution::parse(&self.distribution)?,
            &self.value_bytes,
            self.keys_per_command,
        )?;
        let target = Target {
            host: self.host.clone(),
            port: self.port,
            unixsocket: self.unixsocket.clone(),
            user: self.user.clone(),
            password: self.auth.clone(),
            database: self.database,
        };
        Ok(Plan {
            target,
            workload,
            clients: self.clients,
            threads: self.threads,
            pipeline: self.pipeline,
            seconds: self.seconds,
            requests: self.requests,
            warm_up,
            rate: self.rate,
            cpus: self.cpus.clone(),
            server_pid: self.server_pid,
            in_slices: true,
            seed: self.seed,
        })
    }
}

/// Runs what `args` ask for; the report goes to stdout, progress to stderr.
pub fn run(args: &BenchArgs) -> Result<(), BenchError> {
    let plan = args.plan()?;
    if args.prefill {
        plan.target
            .fill(&plan.workload, None, |keys| progress(&format!("setting keys: {}", grouped(keys))))?;
        progress("");
    }
    let measured = run::run(&plan)?;
    if let Some(path) = &args.hgrm {
        std::fs::write(path, measured.outcome.latency.hgrm_us())
            .map_err(|cause| BenchError(format!("--hgrm {}: {cause}", path.display())))?;
    }
    let text = match (args.csv, args.json) {
        (true, _) => report::csv(&plan, &measured),
        (_, true) => report::json(&plan, &measured),
        _ => report::text(&plan, &measured),
    };
    // A reader that left early (`| head`) has what it wanted.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(())
}

/// Says how far we are, on a terminal alone: a line drawn over the one before. Empty: takes it away.
fn progress(line: &str) {
    let mut err = io::stderr().lock();
    if err.is_terminal() {
        // Nobody reads progress when stderr is gone.
        let _ = write!(err, "\r\x1b[K{line}").and_then(|()| err.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        bench: BenchArgs,
    }

    fn plan(words: &str) -> Result<Plan, String> {
        let args = Cli::try_parse_from(std::iter::once("bench").chain(words.split_whitespace()));
        args.map_err(|error| error.to_string())?.bench.plan().map_err(|error| error.to_string())
    }

    #[test]
    fn a_run_of_so_many_requests_counts_from_the_first() {
        assert_eq!(plan("-n 10").unwrap().warm_up, 0.0);
        assert_eq!(plan("--seconds 1").unwrap().warm_up, 0.5);
    }

    #[test]
    fn what_cannot_be_measured_is_refused_in_a_sentence() {
        let refused = |words: &str| plan(words).unwrap_err();
        assert_eq!(refused("-c 0"), "--clients 0: it must be 1 to 30000");
        assert_eq!(refused("-c 2 --threads 3"), "--threads 3: it must be 1 to 2");
        assert_eq!(refused("--seconds 0"), "--seconds 0: it must be above zero");
        assert_eq!(refused("--rate=-1"), "--rate -1: it must be above zero");
        assert!(refused("--distribution normal").starts_with("there is no distribution normal"));
        assert!(refused("--rate 10 -P 2").contains("cannot be used with"));
    }
}
