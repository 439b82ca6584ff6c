//! `medusa bench compare`: servers side by side, in one run.
//!
//! A shared machine drifts by the minute and slows down in bursts, so servers take turns (A B C, A B C), each
//! turn in a fresh process, and medians over the rounds are shown. The figure to compare is the server's CPU
//! time per operation in the calmest tenth of the slices; rates say something only where the server was busy
//! all the time, so that share stands beside them. With one core the server has a CPU to itself and the load
//! another; with as many cores as CPUs they share them all.
//! Sections beyond throughput are in `sections`, tables in `table`.

use super::connection::Target;
use super::keys::Distribution;
use super::run::{self as one_run, Measured, Plan};
use super::table::{self, Row};
use super::workload::Workload;
use super::{BenchError, progress};
use crate::base::clock::Clock;
use crate::base::words;
use crate::load::process::{Server, cpus_allowed, find_program, free_port};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;

/// What `medusa bench compare` can be told.
#[derive(Clone, Debug, clap::Args)]
pub struct CompareArgs {
    /// Sections: throughput, client (one alone), half (of redis-server's saturation), memory, idle
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', default_value = "throughput")]
    pub sections: Vec<String>,
    /// Core counts; redis-server has one thread at each of them
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,2")]
    pub cores: Vec<usize>,
    /// Requests in a batch, a measurement for each
    #[arg(short = 'P', long, value_name = "N,…", value_delimiter = ',', default_value = "1,16,100")]
    pub pipeline: Vec<usize>,
    /// How often everything is measured; medians are shown
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub rounds: usize,
    /// How long each measurement lasts
    #[arg(long, value_name = "N", default_value_t = 2.0)]
    pub seconds: f64,
    /// Connections
    #[arg(short, long, value_name = "N", default_value_t = 50)]
    pub clients: usize,
    /// Commands and their weights
    #[arg(long, value_name = "NAME:N,…", default_value = "get:1,set:1")]
    pub mix: String,
    /// Distinct keys, all set beforehand
    #[arg(short = 'r', long, value_name = "N", default_value_t = 100_000)]
    pub keys: u64,
    /// Sizes of values, a measurement for each
    #[arg(short = 'd', long, value_name = "N,…", value_delimiter = ',', default_value = "32")]
    pub value_bytes: Vec<String>,
    /// Keys of the section on memory
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub memory_keys: u64,
    /// Another server, with {port} and {cores} in its command; may be given several times
    #[arg(long, value_name = "NAME=COMMAND")]
    pub server: Vec<String>,
    /// The medusa to measure [default: this one]
    #[arg(long, value_name = "PATH")]
    pub medusa: Option<PathBuf>,
    /// The reference
    #[arg(long, value_name = "PATH", default_value = "redis-server")]
    pub redis: PathBuf,
    /// Folder for results and logs
    #[arg(long, value_name = "DIR", default_value = "target/compare")]
    pub out: PathBuf,
}

/// Name of the reference: what others are divided by.
pub(super) const REFERENCE: &str = "redis-server";

/// Names of the sections.
const SECTIONS: [&str; 5] = ["throughput", "client", "half", "memory", "idle"];

/// A server that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entrant {
    pub name: String,
    /// Program and arguments with their places.
    words: Vec<String>,
}

impl Entrant {
    /// `NAME=COMMAND`.
    fn parse(text: &str) -> Result<Entrant, BenchError> {
        let wrong = || {
            BenchError(format!("--server '{text}': as in NAME='program --port {{port}} --threads {{cores}}'"))
        };
        let (name, line) = text.split_once('=').ok_or_else(wrong)?;
        let words = words::split_owned(line.as_bytes()).map_err(|_| wrong())?;
        let words: Vec<String> =
            words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        if words.is_empty() || name.is_empty() || !words.iter().any(|word| word.contains("{port}")) {
            return Err(wrong());
        }
        Ok(Entrant { name: name.to_owned(), words })
    }

    fn of(name: &str, program: &std::path::Path, rest: &[&str]) -> Entrant {
        let program = program.display().to_string();
        let words = [program.as_str()].iter().chain(rest).map(|word| (*word).to_owned()).collect();
        Entrant { name: name.to_owned(), words }
    }

    fn arguments(&self, port: u16, cores: usize) -> Vec<String> {
        let fill =
            |word: &String| word.replace("{port}", &port.to_string()).replace("{cores}", &cores.to_string());
        self.words[1..].iter().map(fill).collect()
    }
}

/// A started server.
pub(super) struct Running {
    pub server: Server,
    pub target: Target,
    pub pid: u32,
}

/// One comparison.
pub(super) struct Session<'a> {
    pub args: &'a CompareArgs,
    pub entrants: Vec<Entrant>,
    cpus: Vec<usize>,
    pub clock: Clock,
}

/// Runs everything `args` ask for; tables go to stdout, progress to stderr.
pub fn run(args: &CompareArgs) -> Result<(), BenchError> {
    let session = Session::new(args)?;
    for section in &args.sections {
        let (text, csv) = match section.as_str() {
            "throughput" => session.throughput()?,
            "client" => session.one_client()?,
            "half" => session.half_of_saturation()?,
            "memory" => session.memory()?,
            _ => session.idle()?,
        };
        progress("");
        // A reader that left early (`| head`) has what it wanted.
        let _ = io::stdout().write_all(text.as_bytes());
        for (ending, text) in [("md", &text), ("csv", &csv)] {
            let path = args.out.join(format!("{section}.{ending}"));
            fs::write(&path, text)
                .map_err(|cause| BenchError(format!("cannot write {}: {cause}", path.display())))?;
        }
    }
    Ok(())
}

impl<'a> Session<'a> {
    fn new(args: &'a CompareArgs) -> Result<Session<'a>, BenchError> {
        if let Some(other) = args.sections.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
            return Err(BenchError(format!("--sections has no {other}; there are {}", SECTIONS.join(", "))));
        }
        let cpus = cpus_allowed();
        if let Some(cores) = args.cores.iter().find(|&&cores| cores == 0 || cores > cpus.len()) {
            return Err(BenchError(format!("--cores {cores}: this machine gives 1 to {}", cpus.len())));
        }
        let asked = args.rounds > 0
            && args.seconds > 0.0
            && args.clients > 0
            && args.keys > 0
            && args.memory_keys > 0;
        if !asked || args.pipeline.contains(&0) {
            return Err(BenchError("every number must be above zero".to_owned()));
        }
        let medusa = match &args.medusa {
            Some(path) => path.clone(),
            None => std::env::current_exe()
                .map_err(|cause| BenchError(format!("cannot find medusa itself: {cause}")))?,
        };
        let redis = if args.redis.components().count() > 1 {
            Some(args.redis.clone())
        } else {
            find_program(&args.redis.to_string_lossy())
        };
        let redis = redis.ok_or_else(|| {
            BenchError(format!(
                "{} is not here: it is in the package redis-server (apt-get install redis-server)",
                args.redis.display()
            ))
        })?;
        let quiet = [
            "--port",
            "{port}",
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no",
        ];
        let mut entrants = vec![
            Entrant::of(REFERENCE, &redis, &quiet),
            Entrant::of(
                "Medusa",
                &medusa,
                &["--port", "{port}", "--bind", "127.0.0.1", "--cores", "{cores}"],
            ),
        ];
        for text in &args.server {
            let mut entrant = Entrant::parse(text)?;
            if !entrant.words[0].contains('/') {
                let found = find_program(&entrant.words[0]);
                let found =
                    found.ok_or_else(|| BenchError(format!("{} is not on the path", entrant.words[0])))?;
                entrant.words[0] = found.display().to_string();
            }
            entrants.push(entrant);
        }
        fs::create_dir_all(&args.out)
            .map_err(|cause| BenchError(format!("cannot make {}: {cause}", args.out.display())))?;
        Ok(Session { args, entrants, cpus, clock: Clock::real() })
    }

    /// CPUs of a server with `cores`.
    fn server_cpus(&self, cores: usize) -> &[usize] {
        // The reference has one thread, but where CPUs are shared it may choose, as the others' load may.
        &self.cpus[..cores]
    }

    /// CPUs of the load beside such a server; empty when it shares all of them.
    fn load_cpus(&self, cores: usize) -> &[usize] {
        &self.cpus[cores..]
    }

    /// Starts a server and waits until it answers.
    pub fn start(&self, entrant: &Entrant, cores: usize) -> Result<Running, BenchError> {
        let port = free_port().map_err(|cause| BenchError(format!("no port is free: {cause}")))?;
        let log = self.args.out.join(format!("{}-{cores}.log", entrant.name.replace([' ', '/'], "-")));
        let program = PathBuf::from(&entrant.words[0]);
        let server = Server::start(
            &program,
            &entrant.arguments(port, cores),
            self.server_cpus(cores),
            port,
            &log,
            &self.clock,
        )
        .map_err(BenchError)?;
        let pid = server.pid();
        Ok(Running { server, target: Target::local(port), pid })
    }

    pub fn workload(&self, mix: &str, keys: u64, value_bytes: &str) -> Result<Workload, BenchError> {
        Ok(Workload::new(mix, &[], keys, Distribution::Uniform, value_bytes, 10)?)
    }

    /// A plan for a server with `cores`; what differs is changed by the caller.
    pub fn plan(&self, running: &Running, cores: usize, workload: Workload) -> Plan {
        let cpus = self.load_cpus(cores).to_vec();
        Plan {
            target: running.target.clone(),
            workload,
            clients: self.args.clients,
            // Sharing the CPUs, the load has a thread for each.
            threads: if cpus.is_empty() { cores } else { 1 },
            pipeline: 1,
            seconds: self.args.seconds,
            requests: None,
            warm_up: 0.5,
            rate: None,
            cpus,
            server_pid: Some(running.pid),
            seed: 1,
        }
    }

    /// Where server and load run, for a table's head.
    pub fn placement(&self, cores: usize) -> String {
        let plural = if cores == 1 { "" } else { "s" };
        match self.load_cpus(cores) {
            [] => format!("{cores} core{plural}, load on the same CPUs"),
            _ => format!("{cores} core{plural}, load on another CPU"),
        }
    }

    fn throughput(&self) -> Result<(String, String), BenchError> {
        let mut rows = Vec::new();
        let args = self.args;
        let turns = args.cores.len() * args.value_bytes.len() * args.pipeline.len();
        let total = args.rounds * turns * self.entrants.len();
        for round in 1..=args.rounds {
            for &cores in &args.cores {
                for value_bytes in &args.value_bytes {
                    for &pipeline in &args.pipeline {
                        for entrant in &self.entrants {
                            let running = self.start(entrant, cores)?;
                            let workload = self.workload(&args.mix, args.keys, value_bytes)?;
                            running.target.fill(&workload, None, |_| ())?;
                            let mut plan = self.plan(&running, cores, workload);
                            plan.pipeline = pipeline;
                            let measured = measure(&plan)?;
                            self.stop(running)?;
                            let row = Row::new(&entrant.name, cores, pipeline, value_bytes, round, &measured);
                            say(&format!("[{}/{total}] {}", rows.len() + 1, row.line()));
                            rows.push(row);
                        }
                    }
                }
            }
        }
        let medians = table::medians(&rows);
        let mut text = String::new();
        for &cores in &args.cores {
            for value_bytes in &args.value_bytes {
                let head = format!(
                    "{}; {} connections, {}, {} keys, values of {value_bytes} bytes; medians of {} rounds",
                    self.placement(cores),
                    args.clients,
                    args.mix,
                    args.keys,
                    args.rounds
                );
                let part = medians.iter().filter(|row| row.cores == cores && row.value_bytes == *value_bytes);
                text.push_str(&table::markdown(&head, &part.cloned().collect::<Vec<_>>()));
            }
        }
        Ok((text, table::csv(&rows)))
    }

    pub fn stop(&self, running: Running) -> Result<(), BenchError> {
        running.server.stop(&self.clock).map_err(BenchError)
    }
}

/// A run in a thread of its own, so that it can be bound to a CPU and nothing else is.
pub(super) fn measure(plan: &Plan) -> Result<Measured, BenchError> {
    thread::scope(|scope| scope.spawn(|| one_run::run(plan)).join())
        .unwrap_or_else(|_| Err(BenchError("the load generator panicked".to_owned())))
}

/// A line of progress that stays.
pub(super) fn say(line: &str) {
    progress("");
    // Nobody reads progress when stderr is gone.
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_ones_own_has_places_for_port_and_cores() {
        let entrant = Entrant::parse("Other='other server' -p {port} -t {cores} --name 'a b'").unwrap();
        assert_eq!(entrant.arguments(7000, 2), ["-p", "7000", "-t", "2", "--name", "a b"]);
        for wrong in ["other -p {port}", "Other=", "Other=other", "=x {port}", "O='x {port}"] {
            assert!(Entrant::parse(wrong).unwrap_err().to_string().contains("as in NAME="), "{wrong}");
        }
    }
}
