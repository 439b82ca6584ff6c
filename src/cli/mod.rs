//! `medusa cli`: a client for the terminal and for scripts.
//!
//! It speaks to any server of the Redis protocol and knows no more of Medusa than other clients do: what
//! it can hint and complete comes from COMMAND DOCS. Flags, output and exit codes follow redis-cli 7.0, so
//! that scripts and fingers need not be changed.
//!
//! One thread and blocking sockets: `connect` is the wire, `client` one conversation, `format` what is
//! printed, `prompt` the lines a person or a pipe gives, `docs` what the server says of its commands.

mod client;
mod connect;
mod docs;
mod format;
mod prompt;

use client::{Client, Status};
use connect::Address;
use format::Form;
use std::ffi::OsString;
use std::io::{IsTerminal, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

/// Variable with the password: unlike `-a` it is not seen in the list of processes. redis-cli's name, so
/// that one setting serves both.
const PASSWORD_VARIABLE: &str = "REDISCLI_AUTH";

/// Talk to a server: one command, or a prompt when none is given
#[derive(clap::Args, Clone, Debug)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub struct CliArgs {
    /// Server's host name or address
    #[arg(short = 'h', value_name = "HOST", default_value = "127.0.0.1")]
    host: String,
    /// Server's port
    #[arg(short = 'p', value_name = "PORT", default_value_t = 6379)]
    port: u16,
    /// Server's unix socket, instead of host and port
    #[arg(short = 's', value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Database to select
    #[arg(short = 'n', value_name = "DB", default_value_t = 0)]
    database: i64,
    /// Password; the variable REDISCLI_AUTH keeps it out of the list of processes
    #[arg(short = 'a', long = "pass", value_name = "PASSWORD")]
    password: Option<OsString>,
    /// User the password belongs to
    #[arg(long = "user", value_name = "NAME")]
    user: Option<OsString>,
    /// Do not warn about -a
    #[arg(long = "no-auth-warning")]
    no_auth_warning: bool,
    /// Speak RESP2 (the default)
    #[arg(short = '2', conflicts_with = "resp3")]
    resp2: bool,
    /// Speak RESP3
    #[arg(short = '3')]
    resp3: bool,
    /// Print replies as bare bytes (the default when the output is no terminal)
    #[arg(long = "raw", overrides_with = "no_raw")]
    raw: bool,
    /// Print replies with types, quotes and numbers (the default on a terminal)
    #[arg(long = "no-raw")]
    no_raw: bool,
    /// Run the command this many times, -1 for ever
    #[arg(short = 'r', value_name = "COUNT", default_value_t = 1, allow_negative_numbers = true)]
    repeat: i64,
    /// Seconds between two runs of -r, fractions too
    #[arg(short = 'i', value_name = "SECONDS")]
    interval: Option<f64>,
    /// Read the command's last argument from the standard input
    #[arg(short = 'x')]
    last_from_stdin: bool,
    /// End with code 1 when a reply is an error
    #[arg(short = 'e')]
    errors_fail: bool,
    /// Print this help
    #[arg(long = "help", action = clap::ArgAction::HelpLong)]
    help: Option<bool>,
    /// The command and its arguments; none: a prompt, or one command a line from the standard input
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Runs the client; returns the exit code: 0, or 1 when the server cannot be reached, was lost, or (with
/// `-e`) answered an error, or 2 when the flags make no sense together.
pub fn run(args: CliArgs) -> i32 {
    let interval = match args.interval.map(Duration::try_from_secs_f64) {
        None => Duration::ZERO,
        Some(Ok(interval)) => interval,
        Some(Err(_)) => {
            eprintln!("medusa cli: -i takes a number of seconds, not less than 0");
            return 2;
        }
    };
    let mut command: Vec<Vec<u8>> = args.command.iter().map(|word| word.clone().into_vec()).collect();
    if args.last_from_stdin {
        if command.is_empty() {
            eprintln!("medusa cli: -x reads the last argument of a command, and no command is given");
            return 2;
        }
        let mut last = Vec::new();
        if let Err(error) = std::io::stdin().read_to_end(&mut last) {
            eprintln!("medusa cli: the standard input cannot be read: {error}");
            return 1;
        }
        command.push(last);
    }
    let mut client = client(&args);
    if command.is_empty() {
        return prompt::run(&mut client);
    }
    if !client.connect() {
        return 1;
    }
    repeat(&mut client, &command, args.repeat, interval)
}

fn client(args: &CliArgs) -> Client {
    let password = match &args.password {
        Some(password) => {
            if !args.no_auth_warning {
                eprintln!(
                    "Warning: a password given with -a is visible in the list of processes; {PASSWORD_VARIABLE} is not."
                );
            }
            Some(password.clone())
        }
        None => std::env::var_os(PASSWORD_VARIABLE).filter(|password| !password.is_empty()),
    };
    let mut client = Client::new(match &args.socket {
        Some(path) => Address::Unix(path.clone()),
        None => Address::Tcp { host: args.host.clone(), port: args.port },
    });
    client.user = args.user.clone().map(OsString::into_vec);
    client.password = password.map(OsString::into_vec);
    client.resp3 = args.resp3;
    client.database = args.database;
    client.errors_fail = args.errors_fail;
    client.form = match (args.raw, args.no_raw) {
        (true, _) => Form::Raw,
        (false, true) => Form::Readable,
        (false, false) if client.terminal => Form::Readable,
        (false, false) => Form::Raw,
    };
    client
}

/// Runs `command` `count` times (for ever when negative).
fn repeat(client: &mut Client, command: &[Vec<u8>], count: i64, interval: Duration) -> i32 {
    let mut left = count;
    while left != 0 {
        match client.execute(command) {
            Status::Lost => return 1,
            Status::Refused if client.errors_fail => return 1,
            Status::Refused | Status::Answered => {}
        }
        left -= i64::from(left > 0);
        if left != 0 {
            std::thread::sleep(interval);
        }
    }
    0
}

/// Whether the standard output is a terminal.
fn output_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}
