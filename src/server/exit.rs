//! Why Medusa did not start: one sentence with its remedy, and one exit code per cause.
//!
//! A person reads the sentence, a unit file or a script reads the code, so both are promises: a code
//! never changes its meaning. 2 is what clap already uses for a bad flag; the rest are grouped by
//! ten (configuration, kernel, addresses, files, run time) and stay clear of 126 and above, which
//! shells and signals use. Not here: errors a client sees (`command/error.rs`).

use crate::config::raw::{ConfigError, Origin};
use std::fmt;

/// Ended as asked: SIGTERM, SIGINT, `SHUTDOWN`, or a command that did what it should.
pub const EXIT_OK: u8 = 0;
/// `medusa doctor` found something that keeps the server from starting.
pub const EXIT_DOCTOR: u8 = 1;
/// `medusa load` or `medusa bench` could not finish its measurement.
pub const EXIT_LOAD: u8 = 1;
/// A flag is unknown or has a value it cannot have.
pub const EXIT_FLAG: u8 = 2;
/// A configuration file, an environment variable or `--set` is wrong.
pub const EXIT_CONFIG: u8 = 10;
/// `--cores` asks for what this machine cannot give.
pub const EXIT_CORES: u8 = 11;
/// The kernel is older than what the socket ring needs.
pub const EXIT_KERNEL: u8 = 20;
/// `kernel.io_uring_disabled` forbids io_uring.
pub const EXIT_URING_DISABLED: u8 = 21;
/// A sandbox (seccomp) or a missing syscall forbids io_uring.
pub const EXIT_URING_REFUSED: u8 = 22;
/// io_uring is there, but an operation or a feature of it is not.
pub const EXIT_URING_OPERATIONS: u8 = 23;
/// Too little memory may be locked for the rings of this many cores.
pub const EXIT_MEMLOCK: u8 = 24;
/// Too few files may be open to serve even one client.
pub const EXIT_OPEN_FILES: u8 = 25;
/// An address is in use, or not ours to listen on.
pub const EXIT_LISTEN: u8 = 30;
/// The unix socket cannot be made at that path.
pub const EXIT_UNIX_SOCKET: u8 = 31;
/// A file to be written (log, latency report, pid file) cannot be.
pub const EXIT_OUTPUT: u8 = 40;
/// An executor or a thread did not start.
pub const EXIT_EXECUTOR: u8 = 50;

/// Why the start stopped. `Display` is the whole sentence, remedy included, without `error:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootError {
    /// A flag's value is wrong; the sentence names flag, value and what is expected.
    Flag(String),
    /// A configuration value is wrong; the sentence names file and line (or variable), option,
    /// value and what is expected.
    Config(String),
    /// More cores than there are, none at all, or more than one process may use.
    Cores(String),
    /// The running kernel is too old.
    KernelTooOld {
        /// What `uname -r` says.
        release: String,
        /// The oldest that will do, as `6.0`.
        needed: &'static str,
    },
    /// `kernel.io_uring_disabled` is 1 (and we are not in the allowed group) or 2.
    IoUringDisabled {
        /// The value of the sysctl.
        level: u8,
    },
    /// `io_uring_setup` was refused although the sysctl allows it.
    IoUringRefused {
        /// The errno of the refusal.
        errno: i32,
    },
    /// io_uring works but lacks something.
    IoUringOperations {
        /// Names of what is missing.
        missing: Vec<String>,
        /// What `uname -r` says.
        release: String,
    },
    /// The memlock limit cannot hold the rings.
    Memlock {
        /// Bytes all executors together need.
        needed: u64,
        /// The hard limit in bytes.
        hard: u64,
        /// Executors asked for.
        cores: u16,
    },
    /// The open files limit leaves no room for clients.
    OpenFiles {
        /// Files needed for one client and our own.
        needed: u64,
        /// The hard limit.
        hard: u64,
    },
    /// A TCP address cannot be listened on.
    Listen {
        /// `ip:port` as it would be connected to.
        address: String,
        /// The errno of `bind` or `listen`, 0 when there is none.
        errno: i32,
        /// What the kernel or the resolver said.
        reason: String,
    },
    /// The unix socket cannot be made.
    UnixSocket {
        /// The path asked for.
        path: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A file that is to be written cannot be.
    Output {
        /// What it is for: `latency report`, `log file`.
        what: &'static str,
        /// The path asked for.
        path: String,
        /// What the kernel said.
        reason: String,
    },
    /// An executor did not start, or ended with an error.
    Executor {
        /// Its index from 0.
        core: u16,
        /// What glommio or the kernel said.
        reason: String,
    },
}

impl BootError {
    /// The code the process ends with; the constants above name them.
    pub fn exit_code(&self) -> u8 {
        match self {
            BootError::Flag(_) => EXIT_FLAG,
            BootError::Config(_) => EXIT_CONFIG,
            BootError::Cores(_) => EXIT_CORES,
            BootError::KernelTooOld { .. } => EXIT_KERNEL,
            BootError::IoUringDisabled { .. } => EXIT_URING_DISABLED,
            BootError::IoUringRefused { .. } => EXIT_URING_REFUSED,
            BootError::IoUringOperations { .. } => EXIT_URING_OPERATIONS,
            BootError::Memlock { .. } => EXIT_MEMLOCK,
            BootError::OpenFiles { .. } => EXIT_OPEN_FILES,
            BootError::Listen { .. } => EXIT_LISTEN,
            BootError::UnixSocket { .. } => EXIT_UNIX_SOCKET,
            BootError::Output { .. } => EXIT_OUTPUT,
            BootError::Executor { .. } => EXIT_EXECUTOR,
        }
    }

    /// A `Listen` error from what `bind` or `listen` returned.
    pub fn listen(address: impl fmt::Display, error: &std::io::Error) -> Self {
        BootError::Listen {
            address: address.to_string(),
            errno: error.raw_os_error().unwrap_or(0),
            reason: plain(error),
        }
    }

    /// An `Output` error from what opening the file returned.
    pub fn output(what: &'static str, path: impl fmt::Display, error: &std::io::Error) -> Self {
        BootError::Output { what, path: path.to_string(), reason: plain(error) }
    }
}

/// What the kernel said, without Rust's `(os error N)`.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootError::Flag(sentence) | BootError::Config(sentence) | BootError::Cores(sentence) => {
                f.write_str(sentence)
            }
            BootError::KernelTooOld { release, needed } => {
                write!(
                    f,
                    "Linux {release} is too old for Medusa's socket rings: run it on Linux {needed} or newer"
                )
            }
            BootError::IoUringDisabled { level: 1 } => f.write_str(
                "io_uring is reserved to a group on this machine (kernel.io_uring_disabled = 1): run \
                 `sysctl kernel.io_uring_disabled=0`, or add Medusa's user to the group named by \
                 kernel.io_uring_group",
            ),
            BootError::IoUringDisabled { level } => write!(
                f,
                "io_uring is switched off on this machine (kernel.io_uring_disabled = {level}): run \
                 `sysctl kernel.io_uring_disabled=0`"
            ),
            BootError::IoUringRefused { errno } => write!(
                f,
                "io_uring_setup was refused ({}), most likely by a seccomp filter: under docker or podman add \
                 `--security-opt seccomp=unconfined` (or a profile that allows the three io_uring_* calls), under \
                 systemd add `SystemCallFilter=@system-service @io-event io_uring_setup io_uring_enter \
                 io_uring_register` to the unit",
                errno_name(*errno)
            ),
            BootError::IoUringOperations { missing, release } => write!(
                f,
                "io_uring of Linux {release} lacks {}: run Medusa on a newer kernel",
                missing.join(", ")
            ),
            BootError::Memlock { needed, hard, cores } => write!(
                f,
                "{cores} executor{} need {} KB of locked memory but the limit is {} KB: raise it (`ulimit -l \
                 unlimited`, `--ulimit memlock=-1` under docker, `LimitMEMLOCK=infinity` in a systemd unit) or use \
                 fewer --cores",
                if *cores == 1 { "" } else { "s" },
                needed.div_ceil(1024),
                hard / 1024
            ),
            BootError::OpenFiles { needed, hard } => write!(
                f,
                "Medusa needs {needed} open files to serve even one client but the hard limit is {hard}: raise it \
                 (`ulimit -Hn 65536`, `--ulimit nofile=65536` under docker, `LimitNOFILE=262144` in a systemd unit)"
            ),
            BootError::Listen { address, errno, reason } => {
                let remedy = match *errno {
                    libc::EADDRINUSE => {
                        "stop the other server (`ss -ltnp` names it) or choose another --port (0 takes a free one)"
                    }
                    libc::EADDRNOTAVAIL => "give --bind an address of this machine (`ip address` lists them)",
                    libc::EACCES => {
                        "choose a --port of 1024 or above, or give the binary CAP_NET_BIND_SERVICE"
                    }
                    _ => "check --bind and --port",
                };
                write!(f, "cannot listen on {address}: {reason}; {remedy}")
            }
            BootError::UnixSocket { path, reason } => {
                write!(f, "cannot make the unix socket {path}: {reason}")
            }
            BootError::Output { what, path, reason } => {
                write!(f, "cannot write the {what} {path}: {reason}; choose a path Medusa's user may write")
            }
            BootError::Executor { core, reason } => write!(
                f,
                "the executor of core {core} did not start: {reason}; `medusa doctor` lists what it needs"
            ),
        }
    }
}

impl std::error::Error for BootError {}

impl From<ConfigError> for BootError {
    fn from(error: ConfigError) -> Self {
        let sentence = error.to_string();
        match (error.option, error.origin) {
            (Some("cores"), _) => BootError::Cores(sentence),
            (_, Some(Origin::Flag(_))) => BootError::Flag(sentence),
            _ => BootError::Config(sentence),
        }
    }
}

/// The symbol of the errnos a refusal can have; the number for others.
fn errno_name(errno: i32) -> String {
    match errno {
        libc::EPERM => "EPERM".into(),
        libc::EACCES => "EACCES".into(),
        libc::ENOSYS => "ENOSYS".into(),
        libc::ENOMEM => "ENOMEM".into(),
        libc::EMFILE => "EMFILE".into(),
        libc::EINVAL => "EINVAL".into(),
        other => format!("errno {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<BootError> {
        vec![
            BootError::Flag("flag".into()),
            BootError::Config("config".into()),
            BootError::Cores("cores".into()),
            BootError::KernelTooOld { release: "5.4.0".into(), needed: "6.0" },
            BootError::IoUringDisabled { level: 2 },
            BootError::IoUringRefused { errno: libc::EPERM },
            BootError::IoUringOperations { missing: vec!["SEND".into()], release: "5.6.0".into() },
            BootError::Memlock { needed: 1 << 20, hard: 64 << 10, cores: 2 },
            BootError::OpenFiles { needed: 100, hard: 10 },
            BootError::Listen {
                address: "127.0.0.1:1".into(),
                errno: libc::EADDRINUSE,
                reason: "in use".into(),
            },
            BootError::UnixSocket { path: "/x".into(), reason: "no".into() },
            BootError::Output { what: "log file", path: "/x".into(), reason: "no".into() },
            BootError::Executor { core: 0, reason: "no".into() },
        ]
    }

    #[test]
    fn every_cause_has_its_own_exit_code() {
        let mut codes: Vec<u8> = one_of_each().iter().map(BootError::exit_code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        assert!(codes.iter().all(|&code| code > EXIT_DOCTOR && code < 126));
    }

    #[test]
    fn every_cause_is_one_line_without_a_full_stop() {
        for error in one_of_each() {
            let sentence = error.to_string();
            assert!(!sentence.contains('\n'), "{sentence}");
            assert!(!sentence.ends_with('.'), "{sentence}");
        }
    }
}
