//! `medusa`: arguments to configuration to server; the only place that ends the process.
//!
//! Flags are made from the table of options, so every option of a configuration file is also a flag
//! (`--hz 20`); the help shows the ones people need and `medusa options` all of them.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use medusa::bench::compare::{self, CompareArgs};
use medusa::bench::{self, BenchArgs};
use medusa::cli::{self, CliArgs};
use medusa::config::file;
use medusa::config::raw::{CONFIG_VARIABLE, Given, Origin, Raw, variable_of};
use medusa::config::resolved::{Machine, Resolved, resolve};
use medusa::config::value::Kind;
use medusa::config::{Change, Options, Row, TABLE, row};
use medusa::load::{self, LoadArgs};
use medusa::runtime::cores;
use medusa::server::exit::{BootError, EXIT_FLAG, EXIT_LOAD, EXIT_OK};
use medusa::server::{self, doctor, log};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

/// Per-core arenas, memory given back in the background, and figures for INFO.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Options that the help shows, under their headings.
const SHOWN: &[(&str, &[&str])] = &[
    ("Cores", &["cores"]),
    (
        "Network",
        &[
            "bind",
            "port",
            "unixsocket",
            "unixsocketperm",
            "maxclients",
            "timeout",
            "tcp-keepalive",
            "tcp-backlog",
        ],
    ),
    ("Access", &["protected-mode", "requirepass"]),
    ("Output", &["loglevel", "logfile", "latency-report"]),
];

fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return ExitCode::from(explain(&error)),
    };
    let code = match matches.subcommand() {
        None => serve(&matches),
        Some(("serve", matches)) => serve(matches),
        Some(("doctor", matches)) => {
            let (list, code) = doctor::examine(configure(matches), log::has_colour());
            say(&list);
            code
        }
        Some(("cli", matches)) => match CliArgs::from_arg_matches(matches) {
            Ok(args) => cli::run(args) as u8,
            Err(error) => explain(&error),
        },
        Some(("options", matches)) => describe_options(matches.get_one::<String>("NAME")),
        Some(("bench", matches)) => bench(matches),
        Some(("load", matches)) => drive(matches),
        Some((other, _)) => unreachable!("clap knows no subcommand {other}"),
    };
    ExitCode::from(code)
}

fn serve(matches: &ArgMatches) -> u8 {
    match configure(matches).and_then(server::run) {
        Ok(()) => EXIT_OK,
        Err(error) => {
            complain(&error.to_string());
            error.exit_code()
        }
    }
}

/// `medusa bench` and, below it, `medusa bench compare`, which scripts/compare.sh calls.
fn bench(matches: &ArgMatches) -> u8 {
    let done = match matches.subcommand() {
        Some((_, matches)) => CompareArgs::from_arg_matches(matches).map(|args| compare::run(&args)),
        None => BenchArgs::from_arg_matches(matches).map(|args| bench::run(&args)),
    };
    let done = match done {
        Ok(done) => done,
        Err(error) => return explain(&error),
    };
    match done {
        Ok(()) => EXIT_OK,
        Err(error) => {
            complain(&error.to_string());
            EXIT_LOAD
        }
    }
}

/// `medusa load`: what scripts/load.sh calls.
fn drive(matches: &ArgMatches) -> u8 {
    let args = match LoadArgs::from_arg_matches(matches) {
        Ok(args) => args,
        Err(error) => return explain(&error),
    };
    match load::run(&args) {
        Ok(()) => EXIT_OK,
        Err(error) => {
            complain(&error.to_string());
            EXIT_LOAD
        }
    }
}

/// What the flags, the environment and the file together mean here.
fn configure(matches: &ArgMatches) -> Result<Resolved, BootError> {
    let mut raw = Raw::default();
    let named = matches.get_one::<OsString>("config").cloned().or_else(|| std::env::var_os(CONFIG_VARIABLE));
    if let Some(path) = named {
        file::load(Path::new(&path), &mut raw)?;
    }
    raw.add_environment(std::env::vars_os());
    add_flags(matches, &mut raw)?;
    let cpus = cores::usable_cpus();
    let paid = std::thread::available_parallelism().map_or(1, usize::from).min(cpus.len());
    Ok(resolve(raw, &Machine { cpus, paid })?)
}

fn add_flags(matches: &ArgMatches, raw: &mut Raw) -> Result<(), BootError> {
    for row in TABLE {
        let values: Vec<&[u8]> = matches
            .get_many::<OsString>(row.name)
            .into_iter()
            .flatten()
            .map(|value| value.as_bytes())
            .collect();
        if !values.is_empty() {
            raw.given.push(Given {
                origin: Origin::Flag(format!("--{}", row.name)),
                row,
                value: values.join(&b' '),
            });
        }
    }
    if matches.get_flag("no-pin") {
        let row = row(b"pin").expect("it is in the table");
        raw.given.push(Given { origin: Origin::Flag("--no-pin".into()), row, value: b"no".to_vec() });
    }
    for pair in matches.get_many::<OsString>("set").into_iter().flatten() {
        raw.given.push(set_flag(pair.as_bytes())?);
    }
    Ok(())
}

/// `--set name=value`.
fn set_flag(pair: &[u8]) -> Result<Given, BootError> {
    let shown = String::from_utf8_lossy(pair);
    let Some(equals) = pair.iter().position(|byte| *byte == b'=') else {
        return Err(BootError::Flag(format!(
            "--set cannot be '{shown}': it must be NAME=VALUE, as in --set hz=20"
        )));
    };
    let (name, value) = (&pair[..equals], &pair[equals + 1..]);
    match row(name) {
        Some(row) => {
            Ok(Given { origin: Origin::Flag(format!("--set {}", row.name)), row, value: value.to_vec() })
        }
        None => {
            let name = String::from_utf8_lossy(name);
            let near = file::nearest(&name).map_or(String::new(), |near| format!("did you mean '{near}'? "));
            Err(BootError::Flag(format!(
                "--set: there is no option '{name}'; {near}`medusa options` lists them"
            )))
        }
    }
}

fn command() -> Command {
    let about = "An in-memory key-value server that speaks the Redis protocol, on every core";
    with_flags(Command::new("medusa"))
        .version(env!("CARGO_PKG_VERSION"))
        .about(about)
        .after_help(
            "Every option of a configuration file is also a flag and a variable: --hz 20, MEDUSA_HZ=20; flags win\n\
             over variables, variables over the file. `medusa options` lists them with their defaults.\n\n\
             Exit codes: 0 as asked, 1 doctor found a failure, 2 flag, 10 configuration, 11 cores, 20 kernel,\n\
             21-23 io_uring (off, refused, incomplete), 24 locked memory, 25 open files, 30 address,\n\
             31 unix socket, 40 file to be written, 50 executor.",
        )
        .disable_help_subcommand(true)
        .args_conflicts_with_subcommands(true)
        .subcommand_help_heading("Commands (none: serve)")
        .subcommand(with_flags(Command::new("serve")).about("Start the server; the same as no command"))
        .subcommand(
            with_flags(Command::new("doctor"))
                .about("Look at everything that could keep the server from starting")
                .long_about("Look at everything that could keep the server from starting; takes the server's flags"),
        )
        .subcommand(CliArgs::augment_args(Command::new("cli")))
        .subcommand(
            BenchArgs::augment_args(Command::new("bench"))
                .about("Measure any server that speaks the Redis protocol")
                .args_conflicts_with_subcommands(true)
                .disable_help_subcommand(true)
                .subcommand(
                    CompareArgs::augment_args(Command::new("compare"))
                        .about("Measure Medusa, redis-server and others side by side"),
                ),
        )
        .subcommand(
            Command::new("options")
                .about("List every option with its default and what it does")
                .arg(Arg::new("NAME").help("Only options whose name contains this")),
        )
        .subcommand(
            LoadArgs::augment_args(Command::new("load"))
                .about("Drive servers with redis-benchmark and compare them")
                .hide(true),
        )
}

/// The flags of a start.
fn with_flags(mut command: Command) -> Command {
    for row in TABLE {
        let heading = SHOWN.iter().find(|(_, names)| names.contains(&row.name)).map(|(heading, _)| *heading);
        let takes_many = matches!(row.kind, Kind::Words | Kind::Percentiles | Kind::OutputLimits);
        let mut flag = Arg::new(row.name)
            .long(row.name)
            .value_name(value_name(row))
            .value_parser(clap::value_parser!(OsString))
            .allow_hyphen_values(true)
            .help(help_of(row))
            .action(if takes_many { ArgAction::Append } else { ArgAction::Set })
            .hide(heading.is_none());
        if !takes_many {
            flag = flag.overrides_with(row.name);
        }
        command = command.arg(match heading {
            Some(heading) => flag.help_heading(heading),
            None => flag,
        });
        if row.name == "cores" {
            command = command.arg(
                Arg::new("no-pin")
                    .long("no-pin")
                    .action(ArgAction::SetTrue)
                    .help("Let executors share CPUs: for tests with more cores than CPUs")
                    .help_heading("Cores"),
            );
        }
    }
    command
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(clap::value_parser!(OsString))
                .help("Read options from a file in redis.conf syntax"),
        )
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("NAME=VALUE")
                .value_parser(clap::value_parser!(OsString))
                .action(ArgAction::Append)
                .help("Give any option a value"),
        )
}

/// An option's sentence without its full stop, and its default where there is one to show.
fn help_of(row: &Row) -> String {
    let sentence = row.doc.trim().trim_end_matches('.');
    let default = row.get(&Options::default());
    match String::from_utf8_lossy(&default).as_ref() {
        "" => sentence.to_owned(),
        _ if row.name == "cores" => sentence.to_owned(),
        default => format!("{sentence} [default: {default}]"),
    }
}

fn value_name(row: &Row) -> &'static str {
    match row.kind {
        Kind::YesNo => "yes|no",
        Kind::Integer { .. } => "N",
        Kind::Memory { .. } => "BYTES",
        Kind::Octal { .. } => "OCTAL",
        Kind::Word(_) => "WORD",
        Kind::Text if row.is_secret() => "PASSWORD",
        Kind::Text => "PATH",
        Kind::Words => "ADDRESS",
        Kind::Percentiles => "PERCENTILES",
        Kind::OutputLimits => "CLASS HARD SOFT SECONDS",
    }
}

/// `medusa options [NAME]`: the table, for people.
fn describe_options(filter: Option<&String>) -> u8 {
    let mut text = String::new();
    for row in TABLE.iter().filter(|row| filter.is_none_or(|part| row.name.contains(part.as_str()))) {
        let when = match row.change {
            Change::Start => "at start",
            Change::Live => "at start and by CONFIG SET",
            Change::Fixed => "never",
        };
        let default = match row.name {
            "cores" => "one per CPU".into(),
            _ => format!("'{}'", String::from_utf8_lossy(&row.get(&Options::default()))),
        };
        text.push_str(&format!(
            "{}\n    {}\n    default {default}; {}; changes {when}; variable {}\n",
            row.name,
            row.doc.trim(),
            row.kind.expects(),
            variable_of(row)
        ));
    }
    if text.is_empty() {
        complain("no option has that in its name; `medusa options` lists them all");
        return EXIT_FLAG;
    }
    say(&text);
    EXIT_OK
}

/// Help and version as clap prints them; anything else in one sentence.
fn explain(error: &clap::Error) -> u8 {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // Nobody is there to read it: nothing to be done.
        let _ = error.print();
        return EXIT_OK;
    }
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let typed = context(ContextKind::InvalidArg).or_else(|| context(ContextKind::InvalidSubcommand));
    let sentence = match (error.kind(), typed) {
        (ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand, Some(typed)) => {
            let near = context(ContextKind::SuggestedArg)
                .or_else(|| context(ContextKind::SuggestedSubcommand))
                .or_else(|| file::nearest(typed.trim_start_matches('-')).map(|near| format!("--{near}")));
            if let Some(near) = near {
                format!("there is no '{typed}'; did you mean '{near}'?")
            } else if Path::new(&typed).is_file() {
                format!("to read options from a file, say `medusa --config {typed}`")
            } else {
                format!("there is no '{typed}'; `medusa --help` lists what there is")
            }
        }
        (ErrorKind::InvalidValue, Some(typed)) => {
            format!("{typed} needs a value; `medusa --help` shows which")
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            format!("{}; `medusa --help` lists what there is", first.trim_start_matches("error: "))
        }
    };
    complain(&sentence);
    EXIT_FLAG
}

fn complain(sentence: &str) {
    // Standard error that is gone takes the sentence with it; the exit code still tells.
    let _ = writeln!(std::io::stderr(), "medusa: {sentence}");
}

fn say(text: &str) {
    // A reader that left early (`| head`) has what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(arguments: &[&str]) -> Vec<(&'static str, String)> {
        let matches = command().try_get_matches_from(arguments).expect("valid flags");
        let mut raw = Raw::default();
        add_flags(&matches, &mut raw).expect("valid options");
        raw.given
            .iter()
            .map(|given| (given.row.name, String::from_utf8_lossy(&given.value).into_owned()))
            .collect()
    }

    #[test]
    fn the_commands_are_well_formed_and_the_help_fits_a_page() {
        command().debug_assert();
        let help = command().render_help().to_string();
        assert!(help.lines().count() <= 60, "{} lines:\n{help}", help.lines().count());
        for (_, names) in SHOWN {
            assert!(names.iter().all(|name| row(name.as_bytes()).is_some()));
        }
    }

    #[test]
    fn every_option_is_a_flag_and_the_last_one_counts() {
        assert_eq!(
            given(&["medusa", "--port", "7000", "--hz", "20"]),
            [("port", "7000".into()), ("hz", "20".into())]
        );
        assert_eq!(given(&["medusa", "--port", "1", "--port", "2"]), [("port", "2".into())]);
        assert_eq!(
            given(&["medusa", "--slowlog-log-slower-than", "-1"]),
            [("slowlog-log-slower-than", "-1".into())]
        );
        assert_eq!(
            given(&["medusa", "--bind", "127.0.0.1", "--bind", "-::1"]),
            [("bind", "127.0.0.1 -::1".into())]
        );
        assert_eq!(
            given(&["medusa", "--no-pin", "--set", "timeout=5"]),
            [("pin", "no".into()), ("timeout", "5".into())]
        );
    }

    #[test]
    fn a_strange_setting_names_the_nearest_option() {
        let refused = |pair: &[u8]| set_flag(pair).map(|_| ()).expect_err("refused").to_string();
        assert!(refused(b"tiemout=5").contains("did you mean 'timeout'"));
        assert!(refused(b"timeout").contains("NAME=VALUE"));
    }
}
