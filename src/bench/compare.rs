//! `medusa bench compare`: servers side by side, in one run.
//!
//! A shared machine drifts by the minute and slows down in bursts, so servers take turns (A B C, A B C), each
//! turn in a fresh process, and medians over the rounds are shown. The figure to compare is the server's CPU
//! time per operation in the calmest tenth of the slices; rates say something only where the server was busy
//! all the time, so that share stands beside them. With one core the server has a CPU to itself and the load
//! another; with as many cores as CPUs they share them all.
//! Each section is a method of `Session` in a file of its kind (`throughput`, `sections`), tables are in
//! `table` and `sheet`, the drawing in `plot`, the report's head in `setting`.

use super::connection::Target;
use super::entrant::Entrant;
use super::keys::Distribution;
use super::run::{self as one_run, Plan};
use super::setting::{Setting, version};
use super::sheet::{Series, Texts};
use super::workload::Workload;
use super::{BenchError, progress};
use crate::base::clock::Clock;
use crate::load::client::Client;
use crate::load::process::{Server, cpus_allowed, find_program, free_port};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What `medusa bench compare` can be told.
#[derive(Clone, Debug, clap::Args)]
pub struct CompareArgs {
    /// Sections, or all: throughput, depth (1 and 10), mixes (of commands), types (of data), client (one alone),
    /// spanning (MGET over cores), half (of redis-server's saturation), fairness (to one beside a deep pipeline),
    /// growth (of the table), freeing (of many keys), stalls (by commands on big collections), start, memory,
    /// collections (their memory), idle
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
    /// Keys or members of the sections on memory, freeing and stalls, what pops find, and those that growth
    /// begins with
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub memory_keys: u64,
    /// Keys that growth ends with
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub growth_keys: u64,
    /// Size of the one big value in the section on freeing
    #[arg(long, value_name = "N", default_value_t = 512 << 20)]
    pub big_bytes: u64,
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

/// Between two looks whether a server answers already.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// Longest warm-up, in seconds; one that measures shorter also warms up shorter.
const WARM_UP_MAX: f64 = 0.5;

/// Name of the reference: what others are divided by.
pub(super) const REFERENCE: &str = "redis-server";

/// A section: its name, and what finds out its figures.
type Section = (&'static str, fn(&Session<'_>) -> Result<Texts, BenchError>);

/// All sections, in the order that `all` means.
const SECTIONS: [Section; 15] = [
    ("throughput", |session| session.throughput()),
    ("depth", |session| session.depth()),
    ("mixes", |session| session.mixes()),
    ("types", |session| session.types()),
    ("client", |session| session.one_client()),
    ("spanning", |session| session.spanning()),
    ("half", |session| session.half_of_saturation()),
    ("fairness", |session| session.fairness()),
    ("growth", |session| session.growth()),
    ("freeing", |session| session.freeing()),
    ("stalls", |session| session.stalls()),
    ("start", |session| session.start_time()),
    ("memory", |session| session.memory()),
    ("collections", |session| session.collections()),
    ("idle", |session| session.idle()),
];

/// A started server.
pub(super) struct Running {
    pub server: Server,
    pub target: Target,
    pub pid: u32,
    /// From the start of its process to the first PONG, in milliseconds.
    pub first_answer_ms: f64,
}

/// One comparison.
pub(super) struct Session<'a> {
    pub args: &'a CompareArgs,
    pub entrants: Vec<Entrant>,
    cpus: Vec<usize>,
    pub clock: Clock,
    pub setting: Setting,
}

/// Runs everything `args` ask for; tables go to stdout, progress to stderr, and all of it to files.
pub fn run(args: &CompareArgs) -> Result<(), BenchError> {
    let session = Session::new(args)?;
    let mut report = session.setting.head();
    for (name, measure) in sections(&args.sections)? {
        let Texts { table, csv, svg } = measure(&session)?;
        progress("");
        // A reader that left early (`| head`) has what it wanted.
        let _ = io::stdout().write_all(table.as_bytes());
        session.leave(&format!("{name}.md"), &table)?;
        session.leave(&format!("{name}.csv"), &csv)?;
        if let Some(svg) = svg {
            session.leave(&format!("{name}.svg"), &svg)?;
        }
        report.push_str(&format!("\n## {name}\n\n{}\n", table.trim_end()));
        // After each section: a run that is stopped leaves what it has found.
        session.leave("report.md", &report)?;
    }
    Ok(())
}

/// The sections of these names, each once.
fn sections(names: &[String]) -> Result<Vec<Section>, BenchError> {
    let mut chosen: Vec<Section> = Vec::new();
    for name in names {
        let found: Vec<Section> =
            SECTIONS.into_iter().filter(|(known, _)| name == known || name == "all").collect();
        if found.is_empty() {
            let known = SECTIONS.map(|(known, _)| known).join(", ");
            return Err(BenchError(format!("--sections has no {name}; there are all, {known}")));
        }
        for section in found {
            if !chosen.iter().any(|(known, _)| *known == section.0) {
                chosen.push(section);
            }
        }
    }
    Ok(chosen)
}

impl<'a> Session<'a> {
    fn new(args: &'a CompareArgs) -> Result<Session<'a>, BenchError> {
        let sections = sections(&args.sections)?;
        if sections.iter().any(|(name, _)| *name == "growth") && args.growth_keys <= args.memory_keys {
            return Err(BenchError(format!(
                "--growth-keys {}: it must be above --memory-keys, which is {}",
                args.growth_keys, args.memory_keys
            )));
        }
        let cpus = cpus_allowed();
        if let Some(cores) = args.cores.iter().find(|&&cores| cores == 0 || cores > cpus.len()) {
            return Err(BenchError(format!("--cores {cores}: this machine gives 1 to {}", cpus.len())));
        }
        let asked = args.rounds > 0
            && args.seconds > 0.0
            && args.clients > 0
            && args.keys > 0
            && args.memory_keys > 0
            && args.big_bytes > 0;
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
        let versions = [version("medusa", &medusa)?, version(REFERENCE, &redis)?];
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
        let clock = Clock::real();
        let setting = Setting::of_this_machine(&versions, clock.now().unix_s());
        Ok(Session { args, entrants, cpus, clock, setting })
    }

    /// Writes a file into the folder for results.
    fn leave(&self, name: &str, text: &str) -> Result<(), BenchError> {
        let path = self.args.out.join(name);
        fs::write(&path, text)
            .map_err(|cause| BenchError(format!("cannot write {}: {cause}", path.display())))
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
        let begin = self.clock.raw();
        let load_cpu = self.load_cpus(cores).first().copied();
        let over = AtomicBool::new(false);
        let (server, first) = thread::scope(|scope| {
            let watch = scope.spawn(|| first_answer(port, load_cpu, &over));
            let server = Server::start(
                &program,
                &entrant.arguments(port, cores),
                self.server_cpus(cores),
                port,
                &log,
                &self.clock,
            );
            over.store(true, Ordering::Relaxed);
            (server, watch.join().ok().flatten())
        });
        let server = server.map_err(BenchError)?;
        let first = first.unwrap_or_else(|| self.clock.raw());
        let first_answer_ms = self.clock.elapsed_ns(begin, first) as f64 / 1e6;
        let pid = server.pid();
        Ok(Running { server, target: Target::local(port), pid, first_answer_ms })
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
            warm_up: self.args.seconds.min(WARM_UP_MAX),
            rate: None,
            cpus,
            server_pid: Some(running.pid),
            in_slices: true,
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

    /// Every server at every core count, in turns: `one` gives the figures of a fresh process.
    pub fn in_turns(
        &self,
        settings: &[&str],
        mut one: impl FnMut(&Running, usize, usize) -> Result<Vec<f64>, BenchError>,
    ) -> Result<Vec<Series>, BenchError> {
        let mut all: Vec<Series> = Vec::new();
        for round in 1..=self.args.rounds {
            let mut place = 0;
            for &cores in &self.args.cores {
                for (setting, &name) in settings.iter().enumerate() {
                    for entrant in &self.entrants {
                        let running = self.start(entrant, cores)?;
                        let figures = one(&running, cores, setting)?;
                        self.stop(running)?;
                        let label = if name.is_empty() { String::new() } else { format!(", {name}") };
                        say(&format!("round {round}: {}, cores {cores}{label}: {figures:.3?}", entrant.name));
                        if round == 1 {
                            let mut labels = vec![cores.to_string(), name.to_owned(), entrant.name.clone()];
                            labels.retain(|label| !label.is_empty());
                            all.push(Series { labels, rounds: Vec::new() });
                        }
                        all[place].rounds.push(figures);
                        place += 1;
                    }
                }
            }
        }
        Ok(all)
    }

    pub fn stop(&self, running: Running) -> Result<(), BenchError> {
        running.server.stop(&self.clock).map_err(BenchError)
    }
}

/// When a server answers its first PING, in the clock's raw unit; `None` when all is over before.
fn first_answer(port: u16, cpu: Option<usize>, over: &AtomicBool) -> Option<u64> {
    if let Some(cpu) = cpu {
        one_run::pin(cpu);
    }
    while !over.load(Ordering::Relaxed) {
        if Client::connect(port).and_then(|mut client| client.ask(&["PING"])).is_ok() {
            return Some(Clock::real().raw());
        }
        thread::sleep(LOOK_EVERY);
    }
    None
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
    fn sections_are_named_or_all_and_run_once() {
        let chosen = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Ok(sections(&names)?.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        assert_eq!(chosen(&["idle", "half", "idle"]), Ok(vec!["idle", "half"]));
        assert_eq!(chosen(&["all"]), Ok(SECTIONS.map(|(name, _)| name).to_vec()));
        let refused: Result<_, BenchError> = chosen(&["speed"]);
        assert!(
            refused.unwrap_err().to_string().starts_with("--sections has no speed; there are all, through")
        );
    }
}
