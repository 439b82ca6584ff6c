//! Everything that can stop the server, looked at before the first executor starts.
//!
//! The machine is asked once ([`Facts::gather`]), then a pure function judges it: so every refusal can be
//! tested without a machine that refuses. `medusa doctor` prints the whole list, a start stops at the
//! first failure and shows the warnings. Limits are raised here, since only then is known what holds.

use crate::config::resolved::{Listen, Resolved, UnixListen};
use crate::runtime::probe::{self, Limit, Resource, UNLIMITED, Uring, UringRefusal};
use crate::server::exit::BootError;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::fs::OpenOptions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The oldest kernel whose io_uring has everything (multishot receives are from 6.0).
const KERNEL_OLDEST: (u32, u32) = (6, 0);
/// The same, for people.
const KERNEL_OLDEST_TEXT: &str = "6.0";

/// The executor refuses to start when less than this may be locked.
const MEMLOCK_BYTES_MIN: u64 = 512 << 10;

/// Each executor registers its storage buffer of 64 KB with three rings, and each counts.
const MEMLOCK_BYTES_PER_CORE: u64 = 3 * (64 << 10);

/// Files that are open whatever happens: standard streams, log, listeners, a report.
const FILES_OWN: u64 = 32;

/// Rings, event descriptors and links of one executor.
const FILES_PER_CORE: u64 = 16;

/// Open files that are asked for, so that `maxclients` can be raised while running.
const FILES_WANTED: u64 = 1 << 20;

/// `maxclients` may be raised to this many times what it was at the start, since the tables of the rings
/// are made once; and to this many per core in any case.
const CLIENTS_GROWTH: u32 = 4;
/// See [`CLIENTS_GROWTH`].
const CLIENTS_PER_CORE: u32 = 4096;

/// What the check of the pid file is called.
const PID_FILE: &str = "pid file";

/// Longest path of a unix socket, without the zero byte that ends it.
const UNIX_PATH_BYTES_MAX: usize = 107;

/// What was found out about the machine.
#[derive(Clone, Debug)]
pub struct Facts {
    /// `uname -r`.
    pub release: String,
    /// Whether io_uring works.
    pub uring: Result<Uring, UringRefusal>,
    /// `kernel.io_uring_disabled`, where the kernel has it.
    pub uring_disabled: Option<u8>,
    /// Locked memory, after raising.
    pub memlock: Limit,
    /// Open files, after raising.
    pub files: Limit,
    /// `net.core.somaxconn`.
    pub somaxconn: Option<u32>,
    /// `vm.overcommit_memory`.
    pub overcommit: Option<u8>,
    /// Whether transparent huge pages are given to everybody.
    pub huge_pages_always: bool,
}

impl Facts {
    /// Asks the machine, and raises the two limits as far as `resolved` needs and the machine allows.
    pub fn gather(resolved: &Resolved) -> Self {
        let cores = u64::from(resolved.options.cores);
        let clients = u64::from(resolved.options.maxclients);
        Facts {
            release: probe::kernel_release(),
            memlock: probe::raise(Resource::LockedMemory, memlock_wanted(cores)),
            files: probe::raise(Resource::OpenFiles, FILES_WANTED.max(clients + files_own(cores))),
            uring: probe::io_uring(),
            uring_disabled: number("/proc/sys/kernel/io_uring_disabled"),
            somaxconn: number("/proc/sys/net/core/somaxconn"),
            overcommit: number("/proc/sys/vm/overcommit_memory"),
            huge_pages_always: probe::system_value("/sys/kernel/mm/transparent_hugepage/enabled")
                .is_some_and(|modes| modes.contains("[always]")),
        }
    }
}

fn number<N: std::str::FromStr>(path: &str) -> Option<N> {
    probe::system_value(path)?.parse().ok()
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// What was found.
    pub finding: Finding,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// As it should be.
    Fine(String),
    /// Medusa starts, but somebody should look at it; with the remedy.
    Warning(String),
    /// Medusa does not start.
    Failure(BootError),
}

use Finding::{Failure, Fine, Warning};

/// Looks at everything, adjusts `resolved` to what the machine allows (fewer clients, addresses that may be
/// missing) and adds the warnings to it. The first failure is returned.
pub fn run(resolved: &mut Resolved) -> Result<(), BootError> {
    let facts = Facts::gather(resolved);
    for check in checklist(resolved, &facts) {
        match check.finding {
            Fine(_) => {}
            Warning(sentence) => resolved.warnings.push(sentence),
            Failure(error) => return Err(error),
        }
    }
    let options = &mut resolved.options;
    let room = clients_room(options.cores, &facts);
    options.maxclients = options.maxclients.min(room);
    options.clients_possible = room.min(
        options.maxclients.saturating_mul(CLIENTS_GROWTH).max(CLIENTS_PER_CORE * u32::from(options.cores)),
    );
    resolved.listen.retain(|listen| !is_missing(listen));
    Ok(())
}

/// Every check, in the order in which failures matter.
pub fn checklist(resolved: &Resolved, facts: &Facts) -> Vec<Check> {
    let mut checks = vec![
        Check { name: "kernel", finding: kernel(facts) },
        Check { name: "io_uring", finding: uring(facts) },
        Check { name: "locked memory", finding: memlock(resolved, facts) },
        Check { name: "open files", finding: open_files(resolved, facts) },
    ];
    for listen in &resolved.listen {
        checks.push(Check { name: "address", finding: address(listen) });
    }
    if let Some(unix) = &resolved.unix {
        checks.push(Check { name: "unix socket", finding: unix_socket(unix) });
    }
    let options = &resolved.options;
    for (name, path) in [
        ("latency report", &options.latency_report),
        ("log file", &options.logfile),
        (PID_FILE, &options.pidfile),
    ] {
        if !path.is_empty() && path != "-" {
            checks.push(Check { name, finding: output(name, path) });
        }
    }
    checks.extend([
        Check { name: "backlog", finding: backlog(resolved, facts) },
        Check { name: "overcommit", finding: overcommit(facts) },
        Check { name: "huge pages", finding: huge_pages(facts) },
        Check { name: "password", finding: password(resolved) },
    ]);
    checks
}

fn kernel(facts: &Facts) -> Finding {
    // A version alone proves nothing, since distributions backport: it is to blame only when the ring
    // lacks something.
    let lacks = match &facts.uring {
        Err(UringRefusal::Missing(_)) => true,
        Err(UringRefusal::Setup(errno)) => *errno == libc::ENOSYS || *errno == libc::EINVAL,
        Ok(_) => false,
    };
    match version(&facts.release) {
        Some(version) if lacks && version < KERNEL_OLDEST => {
            Failure(BootError::KernelTooOld { release: facts.release.clone(), needed: KERNEL_OLDEST_TEXT })
        }
        _ => Fine(format!("Linux {}", facts.release)),
    }
}

/// Major and minor of `uname -r`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|byte: char| !byte.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn uring(facts: &Facts) -> Finding {
    match &facts.uring {
        Ok(Uring { deferred: true }) => {
            Fine(format!("allowed, with all {} operations", probe::operations_count()))
        }
        Ok(Uring { deferred: false }) => Warning(format!(
            "io_uring of Linux {} interrupts the server for every completion: a kernel of 6.1 or newer makes it faster",
            facts.release
        )),
        Err(UringRefusal::Missing(missing)) => Failure(BootError::IoUringOperations {
            missing: missing.iter().map(|name| (*name).to_owned()).collect(),
            release: facts.release.clone(),
        }),
        Err(UringRefusal::Setup(errno)) => match facts.uring_disabled {
            Some(level @ 1..) if *errno == libc::EPERM => Failure(BootError::IoUringDisabled { level }),
            _ => Failure(BootError::IoUringRefused { errno: *errno }),
        },
    }
}

fn memlock_wanted(cores: u64) -> u64 {
    MEMLOCK_BYTES_MIN.max(cores * MEMLOCK_BYTES_PER_CORE)
}

fn memlock(resolved: &Resolved, facts: &Facts) -> Finding {
    let cores = resolved.options.cores;
    let wanted = memlock_wanted(u64::from(cores));
    if facts.memlock.soft < wanted {
        return Failure(BootError::Memlock { needed: wanted, hard: facts.memlock.soft, cores });
    }
    Fine(format!("{} allowed, {} KB needed", amount(facts.memlock.soft), wanted / 1024))
}

fn amount(bytes: u64) -> String {
    if bytes == UNLIMITED { "unlimited".into() } else { format!("{} KB", bytes / 1024) }
}

fn files_own(cores: u64) -> u64 {
    FILES_OWN + cores * FILES_PER_CORE
}

/// Clients that the limit of open files has room for.
fn clients_room(cores: u16, facts: &Facts) -> u32 {
    let room = facts.files.soft.saturating_sub(files_own(u64::from(cores)));
    u32::try_from(room).unwrap_or(u32::MAX)
}

fn open_files(resolved: &Resolved, facts: &Facts) -> Finding {
    let wanted = resolved.options.maxclients;
    let own = files_own(u64::from(resolved.options.cores));
    let room = clients_room(resolved.options.cores, facts);
    if room == 0 {
        return Failure(BootError::OpenFiles { needed: own + 1, hard: facts.files.soft });
    }
    if room < wanted {
        return Warning(format!(
            "only {room} clients are possible instead of {wanted}, because {} files may be open: raise the limit to {} \
             (`ulimit -Hn`, `LimitNOFILE=`) or lower maxclients",
            facts.files.soft,
            u64::from(wanted) + own
        ));
    }
    Fine(format!("{} allowed, {} needed for {wanted} clients", facts.files.soft, u64::from(wanted) + own))
}

/// Binds and lets go again: the real listeners follow in a moment.
fn address(listen: &Listen) -> Finding {
    match try_bind(listen.address) {
        Ok(()) if listen.address.port() == 0 => Fine(format!("{} with a free port", listen.address.ip())),
        Ok(()) => Fine(format!("{} is free", listen.address)),
        Err(error) if listen.optional && is_no_such_address(&error) => {
            Fine(format!("{} is not of this machine, skipped", listen.address.ip()))
        }
        Err(error) => Failure(BootError::listen(listen.address, &error)),
    }
}

fn try_bind(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier server that linger in TIME_WAIT are no obstacle.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&SockAddr::from(address))
}

/// Whether an address that may be missing is missing.
fn is_missing(listen: &Listen) -> bool {
    listen.optional && try_bind(listen.address).is_err_and(|error| is_no_such_address(&error))
}

fn is_no_such_address(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT))
}

fn unix_socket(unix: &UnixListen) -> Finding {
    match unix_obstacle(&unix.path) {
        Some(reason) => Failure(BootError::UnixSocket { path: unix.path.display().to_string(), reason }),
        None => Fine(format!("{} can be made", unix.path.display())),
    }
}

/// What keeps a unix socket from being made at `path`, with the remedy.
fn unix_obstacle(path: &Path) -> Option<String> {
    let length = path.as_os_str().len();
    if length > UNIX_PATH_BYTES_MAX {
        return Some(format!(
            "the path has {length} bytes and the kernel takes {UNIX_PATH_BYTES_MAX}; choose a shorter one"
        ));
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Some(format!("there is no directory {}; make it first", directory.display()));
    }
    if !probe::may_write(directory) {
        return Some(format!(
            "Medusa's user may not write to {}; choose another directory",
            directory.display()
        ));
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            Some("something that is not a socket has that name; remove it or choose another path".into())
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            Some("another server is listening there; stop it or choose another path".into())
        }
        _ => None,
    }
}

/// Opens a file that will be written later; one that was not there is not left behind.
fn output(name: &'static str, path: &str) -> Finding {
    let existed = Path::new(path).exists();
    match OpenOptions::new().append(true).create(true).open(path) {
        Ok(_) => {
            if !existed {
                let _ = std::fs::remove_file(path);
            }
            Fine(format!("{path} can be written"))
        }
        Err(error) => {
            let error = BootError::output(name, path, &error);
            // Nobody loses anything without it, and a pasted redis.conf often names a place that is not there.
            if name == PID_FILE { Warning(error.to_string()) } else { Failure(error) }
        }
    }
}

fn backlog(resolved: &Resolved, facts: &Facts) -> Finding {
    let wanted = resolved.options.tcp_backlog;
    match facts.somaxconn {
        Some(most) if most < wanted => Warning(format!(
            "the kernel holds at most {most} connections before they are accepted, not the {wanted} of tcp-backlog: run \
             `sysctl net.core.somaxconn={wanted}`"
        )),
        _ => Fine(format!("{wanted} connections may wait to be accepted")),
    }
}

fn overcommit(facts: &Facts) -> Finding {
    match facts.overcommit {
        Some(2) => Warning(
            "vm.overcommit_memory = 2 can refuse memory long before it is used up: run `sysctl vm.overcommit_memory=1`"
                .into(),
        ),
        _ => Fine("memory is granted when it is touched".into()),
    }
}

fn huge_pages(facts: &Facts) -> Finding {
    if facts.huge_pages_always {
        return Warning(
            "transparent huge pages are given to everybody, which costs memory and pauses: run `echo madvise > \
             /sys/kernel/mm/transparent_hugepage/enabled`"
                .into(),
        );
    }
    Fine("given only where asked for".into())
}

fn password(resolved: &Resolved) -> Finding {
    let options = &resolved.options;
    if !options.requirepass.is_empty() {
        return Fine("set".into());
    }
    let outside = resolved.listen.iter().any(|listen| !listen.address.ip().is_loopback());
    match (outside, options.protected_mode) {
        (true, false) => Warning(
            "anybody who reaches this machine can read and delete everything: set requirepass, or bind to 127.0.0.1, \
             or turn protected-mode on"
                .into(),
        ),
        (true, true) => Fine("none; protected-mode keeps other machines out".into()),
        (false, _) => Fine("none; only this machine can connect".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::Raw;
    use crate::config::resolved::{Machine, resolve};
    use crate::server::exit::{
        EXIT_KERNEL, EXIT_LISTEN, EXIT_MEMLOCK, EXIT_OPEN_FILES, EXIT_UNIX_SOCKET, EXIT_URING_DISABLED,
        EXIT_URING_OPERATIONS, EXIT_URING_REFUSED,
    };
    use std::net::TcpListener;

    fn resolved() -> Resolved {
        let mut resolved = resolve(Raw::default(), &Machine { cpus: vec![0, 1], paid: 2 }).expect("valid");
        resolved.listen.clear();
        resolved
    }

    fn healthy() -> Facts {
        Facts {
            release: "6.12.1-amd64".into(),
            uring: Ok(Uring { deferred: true }),
            uring_disabled: Some(0),
            memlock: Limit { soft: 8 << 20, hard: 8 << 20 },
            files: Limit { soft: 20_000, hard: 20_000 },
            somaxconn: Some(4096),
            overcommit: Some(0),
            huge_pages_always: false,
        }
    }

    /// The exit code and the sentence of the first failure.
    fn failure(resolved: &Resolved, facts: &Facts) -> (u8, String) {
        let found = checklist(resolved, facts).into_iter().find_map(|check| match check.finding {
            Failure(error) => Some((error.exit_code(), error.to_string())),
            _ => None,
        });
        found.expect("something fails")
    }

    fn warnings(resolved: &Resolved, facts: &Facts) -> Vec<&'static str> {
        checklist(resolved, facts)
            .into_iter()
            .filter(|check| matches!(check.finding, Warning(_)))
            .map(|check| check.name)
            .collect()
    }

    #[test]
    fn a_healthy_machine_has_nothing_to_complain_about() {
        let checks = checklist(&resolved(), &healthy());
        assert!(checks.iter().all(|check| matches!(check.finding, Fine(_))), "{checks:?}");
    }

    #[test]
    fn io_uring_switched_off_names_the_sysctl_and_its_level() {
        for (level, code) in [(1, EXIT_URING_DISABLED), (2, EXIT_URING_DISABLED), (0, EXIT_URING_REFUSED)] {
            let facts = Facts {
                uring: Err(UringRefusal::Setup(libc::EPERM)),
                uring_disabled: Some(level),
                ..healthy()
            };
            let (found, sentence) = failure(&resolved(), &facts);
            assert_eq!(found, code);
            assert_eq!(sentence.contains("kernel.io_uring_disabled"), level > 0, "{sentence}");
            assert_eq!(sentence.contains("--security-opt"), level == 0, "{sentence}");
        }
    }

    #[test]
    fn an_old_kernel_is_to_blame_only_when_something_is_lacking() {
        let facts = |release: &str, uring| Facts { release: release.into(), uring, ..healthy() };
        let missing = || Err(UringRefusal::Missing(vec!["IORING_REGISTER_PBUF_RING"]));
        assert_eq!(failure(&resolved(), &facts("5.15.0-91-generic", missing())).0, EXIT_KERNEL);
        assert_eq!(
            failure(&resolved(), &facts("4.4.0", Err(UringRefusal::Setup(libc::ENOSYS)))).0,
            EXIT_KERNEL
        );
        assert_eq!(failure(&resolved(), &facts("6.12.0", missing())).0, EXIT_URING_OPERATIONS);
        assert_eq!(
            failure(&resolved(), &facts("6.12.0", Err(UringRefusal::Setup(libc::ENOSYS)))).0,
            EXIT_URING_REFUSED
        );
        let backported = checklist(&resolved(), &facts("5.14.0-503.el9", Ok(Uring { deferred: true })));
        assert!(backported.iter().all(|check| !matches!(check.finding, Failure(_))));
    }

    #[test]
    fn too_little_locked_memory_says_how_much_is_needed() {
        let facts = Facts { memlock: Limit { soft: 64 << 10, hard: 64 << 10 }, ..healthy() };
        let (code, sentence) = failure(&resolved(), &facts);
        assert_eq!(code, EXIT_MEMLOCK);
        assert!(sentence.contains("2 executors need 512 KB") && sentence.contains("64 KB"), "{sentence}");
    }

    #[test]
    fn few_open_files_mean_fewer_clients_and_very_few_mean_no_start() {
        let own = files_own(2);
        let facts = |soft| Facts { files: Limit { soft, hard: soft }, ..healthy() };
        assert_eq!(clients_room(2, &facts(1024)), 1024 - own as u32);
        assert_eq!(warnings(&resolved(), &facts(1024)), ["open files"]);
        assert_eq!(failure(&resolved(), &facts(own)).0, EXIT_OPEN_FILES);
        assert_eq!(warnings(&resolved(), &facts(10_000 + own)), [""; 0]);
    }

    #[test]
    fn settings_that_cost_speed_or_safety_are_warnings() {
        let facts = Facts {
            uring: Ok(Uring { deferred: false }),
            somaxconn: Some(128),
            overcommit: Some(2),
            huge_pages_always: true,
            ..healthy()
        };
        assert_eq!(warnings(&resolved(), &facts), ["io_uring", "backlog", "overcommit", "huge pages"]);
        let mut open = resolved();
        open.options.protected_mode = false;
        open.listen = vec![Listen { address: ([0, 0, 0, 0], 0).into(), optional: false }];
        assert_eq!(warnings(&open, &healthy()), ["password"]);
    }

    #[test]
    fn a_port_in_use_is_named_with_the_way_to_find_its_owner() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = taken.local_addr().expect("bound");
        let mut resolved = resolved();
        resolved.listen = vec![Listen { address, optional: true }];
        let (code, sentence) = failure(&resolved, &healthy());
        assert_eq!(code, EXIT_LISTEN);
        assert!(sentence.contains(&address.to_string()) && sentence.contains("--port"), "{sentence}");
        let nowhere = Listen { address: "192.0.2.1:0".parse().expect("an address"), optional: true };
        assert!(matches!(super::address(&nowhere), Fine(_)), "an address that may be missing");
        assert!(is_missing(&nowhere));
    }

    #[test]
    fn a_unix_socket_needs_a_short_path_in_a_directory_of_ours_that_is_free() {
        let directory = std::env::temp_dir().join(format!("medusa-preflight-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a scratch directory");
        let obstacle = |name: &str| unix_obstacle(&directory.join(name)).unwrap_or_default();
        assert_eq!(obstacle("free"), "");
        assert!(obstacle(&"x".repeat(200)).contains("bytes"));
        assert!(obstacle("none/s").contains("no directory"));
        std::fs::write(directory.join("file"), "").expect("a scratch file");
        assert!(obstacle("file").contains("not a socket"));
        let live = std::os::unix::net::UnixListener::bind(directory.join("s")).expect("a socket");
        assert!(obstacle("s").contains("another server"));
        drop(live);
        assert_eq!(obstacle("s"), "", "a socket nobody listens on is replaced");
        let mut resolved = resolved();
        resolved.unix = Some(UnixListen { path: directory.join("file"), mode: None });
        assert_eq!(failure(&resolved, &healthy()).0, EXIT_UNIX_SOCKET);
        std::fs::remove_dir_all(&directory).expect("ours");
    }
}
