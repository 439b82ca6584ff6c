//! Every way in which a start can fail, against the real binary: one sentence that says what to do, the
//! promised exit code, and never a panic.
//!
//! The refusals are real: a seccomp filter that forbids io_uring, resource limits set in the child, ports
//! and paths that are taken. Only `kernel.io_uring_disabled` is not, since it belongs to the whole
//! machine: `server/preflight.rs` tests what is made of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The syscall that makes a ring; the same number on every architecture.
const IO_URING_SETUP: u32 = 425;

/// A directory of one test, gone at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("medusa-startup-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a scratch directory");
        Scratch(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.0.join(name), text).expect("a scratch file");
        self.path(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn medusa(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medusa"));
    command.args(arguments).env_clear();
    command
}

/// A start on a free port that is expected to fail for another reason.
fn start(arguments: &[&str]) -> Command {
    let mut command = medusa(&["--bind", "127.0.0.1", "--port", "0"]);
    command.args(arguments);
    command
}

/// Runs it to its end; it must fail with `code` and one sentence, which is returned.
fn failure(command: &mut Command, code: i32) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the binary runs");
    let sentence = String::from_utf8(stderr).expect("text");
    assert_eq!(status.code(), Some(code), "{command:?}: {sentence}");
    assert!(stdout.is_empty(), "{command:?}");
    assert!(!sentence.contains("panicked"), "{sentence}");
    assert_eq!(sentence.lines().count(), 1, "one sentence: {sentence}");
    assert!(sentence.starts_with("medusa: "), "{sentence}");
    sentence
}

#[track_caller]
fn assert_says(sentence: &str, words: &[&str]) {
    for word in words {
        assert!(sentence.contains(word), "'{word}' is missing in: {sentence}");
    }
}

/// Makes `io_uring_setup` of the child fail with `errno`, as a container's profile does.
fn forbid_io_uring(command: &mut Command, errno: i32) {
    const LOAD_NUMBER: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const JUMP_IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let program = [
        step(LOAD_NUMBER, 0, 0, 0),
        step(JUMP_IF_EQUAL, 0, 1, IO_URING_SETUP),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let install = move || {
        let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
        // SAFETY: `filter` points to a program that lives in this closure, and both calls only read their
        // arguments.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter) == 0
        };
        if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(install) };
}

/// Sets both the soft and the hard limit of the child.
fn set_limit(command: &mut Command, resource: libc::__rlimit_resource_t, soft: u64, hard: u64) {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    let install = move || {
        // SAFETY: `limit` is a valid rlimit, which the call only reads.
        let done = unsafe { libc::setrlimit(resource, &limit) } == 0;
        if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(install) };
}

#[test]
fn io_uring_forbidden_by_a_sandbox() {
    for (errno, name) in [(libc::EPERM, "EPERM"), (libc::ENOSYS, "ENOSYS")] {
        let mut command = start(&[]);
        forbid_io_uring(&mut command, errno);
        assert_says(&failure(&mut command, 22), &[name, "seccomp", "docker", "podman", "systemd"]);
    }
}

#[test]
fn too_little_memory_may_be_locked() {
    let mut command = start(&["--cores", "4", "--no-pin"]);
    set_limit(&mut command, libc::RLIMIT_MEMLOCK, 64 << 10, 64 << 10);
    assert_says(&failure(&mut command, 24), &["4 executors", "768 KB", "64 KB", "ulimit -l", "LimitMEMLOCK"]);
}

#[test]
fn too_few_files_may_be_open() {
    let mut command = start(&["--cores", "1"]);
    set_limit(&mut command, libc::RLIMIT_NOFILE, 32, 32);
    assert_says(&failure(&mut command, 25), &["open files", "32", "ulimit -Hn", "LimitNOFILE"]);
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound");
    let mut command = medusa(&["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
    assert_says(&failure(&mut command, 30), &[&address.to_string(), "in use", "--port"]);
}

#[test]
fn an_address_of_another_machine() {
    let mut command = medusa(&["--bind", "192.0.2.1", "--port", "0"]);
    assert_says(&failure(&mut command, 30), &["192.0.2.1", "--bind", "ip address"]);
}

#[test]
fn a_unix_socket_that_cannot_be_made() {
    let scratch = Scratch::new("unix");
    let file = scratch.write("file", "precious");
    assert_says(&failure(&mut start(&["--unixsocket", &file]), 31), &[&file, "not a socket"]);
    assert_eq!(fs::read_to_string(&file).expect("still there"), "precious");
    let lost = scratch.path("none/s");
    assert_says(&failure(&mut start(&["--unixsocket", &lost]), 31), &[&lost, "no directory"]);
    let long = scratch.path(&"x".repeat(120));
    assert_says(&failure(&mut start(&["--unixsocket", &long]), 31), &["107", "shorter"]);
    let busy = scratch.path("busy");
    let _other = UnixListener::bind(&busy).expect("a socket");
    assert_says(&failure(&mut start(&["--unixsocket", &busy]), 31), &[&busy, "another server"]);
}

#[test]
fn cores_that_are_not_there() {
    assert_says(&failure(&mut start(&["--cores", "99"]), 11), &["--cores", "99", "--no-pin"]);
    assert_says(&failure(&mut start(&["--cores", "0"]), 11), &["--cores", "'0'", "from 1 to 128"]);
    assert_says(&failure(&mut start(&["--cores", "129", "--no-pin"]), 11), &["'129'", "from 1 to 128"]);
}

#[test]
fn a_flag_that_is_wrong() {
    assert_says(&failure(&mut start(&["--tiemout", "5"]), 2), &["'--tiemout'", "'--timeout'"]);
    assert_says(
        &failure(&mut start(&["--timeout", "soon"]), 2),
        &["--timeout", "'soon'", "from 0 to 2147483647"],
    );
    assert_says(&failure(&mut start(&["--maxclients"]), 2), &["--maxclients", "value"]);
    assert_says(&failure(&mut start(&["--set", "timeout:5"]), 2), &["--set", "NAME=VALUE"]);
    assert_says(&failure(&mut start(&["--set", "tiemout=5"]), 2), &["'tiemout'", "'timeout'"]);
    assert_says(&failure(&mut start(&["--save", "60 1"]), 2), &["--save", "memory only"]);
    assert_says(&failure(&mut start(&["--bind", "no/where"]), 2), &["--bind", "'no/where'", "address"]);
    assert_says(&failure(&mut medusa(&["srve"]), 2), &["'srve'", "'serve'"]);
}

#[test]
fn a_secret_is_not_shown_when_it_is_refused() {
    let scratch = Scratch::new("secret");
    let file = scratch.write("m.conf", "requirepass hunter2 hunter3\n");
    let sentence = failure(&mut start(&["--config", &file]), 10);
    assert!(!sentence.contains("hunter"), "{sentence}");
}

#[test]
fn a_configuration_that_is_wrong() {
    let scratch = Scratch::new("config");
    let file = scratch.write("m.conf", "# mine\ntcp-keepalive 60\n\nmaxclients 1OOO\n");
    assert_says(
        &failure(&mut start(&["--config", &file]), 10),
        &[&format!("{file} line 4"), "maxclients", "'1OOO'", "from 1 to 4294967295"],
    );
    let quotes = scratch.write("quotes.conf", "requirepass \"open\n");
    assert_says(&failure(&mut start(&["--config", &quotes]), 10), &["line 1", "quotes"]);
    let journal = scratch.write("journal.conf", "appendonly yes\n");
    assert_says(&failure(&mut start(&["--config", &journal]), 10), &["line 1", "appendonly", "memory only"]);
    let includes = scratch.write("includes.conf", "include m.conf\n");
    assert_says(&failure(&mut start(&["--config", &includes]), 10), &["m.conf line 4"]);
    assert_says(
        &failure(&mut start(&["--config", &scratch.path("none.conf")]), 10),
        &["none.conf", "cannot read"],
    );
    let mut command = start(&[]);
    command.env("MEDUSA_HZ", "often");
    assert_says(&failure(&mut command, 10), &["MEDUSA_HZ", "'often'"]);
}

#[test]
fn a_file_that_cannot_be_written() {
    let scratch = Scratch::new("output");
    let lost = scratch.path("none/report");
    assert_says(&failure(&mut start(&["--latency-report", &lost]), 40), &["latency report", &lost]);
    assert_says(&failure(&mut start(&["--logfile", &scratch.path("none/log")]), 40), &["log file"]);
    let (list, code) = doctor(&mut medusa(&["doctor", "--port", "0", "--pidfile", &scratch.path("")]));
    assert_says(&list, &["warn", "pid file"]);
    assert_eq!(code, Some(0), "a server can do without: {list}");
}

/// What `medusa doctor` prints, and its exit code.
fn doctor(command: &mut Command) -> (String, Option<i32>) {
    let output = command.output().expect("the binary runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).expect("text"), output.status.code())
}

#[test]
fn doctor_lists_everything_and_fails_when_a_start_would() {
    let (list, code) =
        doctor(&mut medusa(&["doctor", "--port", "0", "--maxclients", "100", "--tcp-backlog", "100"]));
    assert_eq!(code, Some(0), "{list}");
    for name in
        ["configuration", "cores", "kernel", "io_uring", "locked memory", "open files", "address", "backlog"]
    {
        assert!(list.lines().any(|line| line.starts_with("ok") && line.contains(name)), "{name} in {list}");
    }
    let mut command = medusa(&["doctor", "--port", "0", "--unixsocket", "/no/such/place/s"]);
    forbid_io_uring(&mut command, libc::EPERM);
    let (list, code) = doctor(&mut command);
    assert_eq!(code, Some(1), "{list}");
    assert_eq!(list.lines().filter(|line| line.starts_with("fail")).count(), 2, "both are listed: {list}");
    let (list, code) = doctor(&mut medusa(&["doctor", "--timeout", "soon"]));
    assert_eq!((list.starts_with("fail  configuration  --timeout"), code), (true, Some(1)), "{list}");
}

#[test]
fn a_soft_limit_is_raised_and_a_hard_one_means_fewer_clients() {
    let mut command = medusa(&["doctor", "--port", "0", "--maxclients", "500", "--cores", "1"]);
    set_limit(&mut command, libc::RLIMIT_NOFILE, 64, 1024);
    let (list, _) = doctor(&mut command);
    assert!(list.contains("for 500 clients"), "{list}");
    let mut command = medusa(&["doctor", "--port", "0", "--maxclients", "5000", "--cores", "1"]);
    set_limit(&mut command, libc::RLIMIT_NOFILE, 64, 1024);
    let (list, code) = doctor(&mut command);
    assert!(list.contains("clients are possible instead of 5000"), "{list}");
    assert_eq!(code, Some(0));
}

#[test]
fn flags_win_over_variables_and_these_over_the_file() {
    let scratch = Scratch::new("rank");
    let file = scratch.write("m.conf", "bind 127.0.0.9\ntcp-backlog 11\nmaxclients 33\ntcp-backlog 12\n");
    let line = |command: &mut Command, name: &str| {
        let (list, _) = doctor(command);
        list.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name} in {list}")).to_owned()
    };
    let mut command = medusa(&["doctor", "--config", &file, "--port", "0"]);
    assert!(line(&mut command, "address").contains("127.0.0.9"));
    assert!(line(&mut command, "backlog").contains("12 connections"), "the last line of a file counts");
    command.env("MEDUSA_TCP_BACKLOG", "13").env("MEDUSA_MAXCLIENTS", "34");
    assert!(line(&mut command, "backlog").contains("13 connections"));
    command.args(["--tcp-backlog", "14"]);
    assert!(line(&mut command, "backlog").contains("14 connections"));
    assert!(line(&mut command, "open files").contains("34 clients"));
    let mut by_variable = medusa(&["doctor", "--port", "0"]);
    by_variable.env("MEDUSA_CONFIG", &file);
    assert!(line(&mut by_variable, "configuration").contains(&file));
}

#[test]
fn a_directive_medusa_does_not_have_is_a_warning_with_its_line() {
    let scratch = Scratch::new("warning");
    let file = scratch.write("m.conf", "port 0\ntiemout 5\nappendfsync always\nsave \"\"\n");
    let (list, code) = doctor(&mut medusa(&["doctor", "--config", &file]));
    assert_eq!(code, Some(0), "{list}");
    assert_says(&list, &[&format!("{file} line 2"), "'tiemout'", "'timeout'", "appendfsync (line 3)"]);
    let debian = Path::new("/etc/redis/redis.conf");
    if debian.exists() {
        let (list, code) =
            doctor(&mut medusa(&["doctor", "--port", "0", "--config", &debian.display().to_string()]));
        assert!(!list.contains("unknown option"), "every directive of Redis's own file is known: {list}");
        assert!(code.is_some());
    }
}

#[test]
fn options_are_listed_with_what_they_do() {
    let output = medusa(&["options", "hz"]).output().expect("the binary runs");
    let list = String::from_utf8(output.stdout).expect("text");
    assert_says(&list, &["hz\n", "MEDUSA_HZ", "CONFIG SET"]);
    failure(&mut medusa(&["options", "xyzzy"]), 2);
}

/// A server that was started; killed if the test ends early.
struct Server {
    child: Child,
    log: String,
    port: u16,
}

impl Server {
    /// Starts with a log file in `scratch` and waits for the line that names the port.
    fn start(scratch: &Scratch, arguments: &[&str]) -> Self {
        let log = scratch.path("log");
        let mut command = start(&["--logfile", &log]);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut server = Server { child: command.spawn().expect("the binary runs"), log, port: 0 };
        for _ in 0..600 {
            if let Some(port) = server.line("listening on 127.0.0.1:") {
                server.port = port.parse().expect("a port");
                return server;
            }
            if let Some(status) = server.child.try_wait().expect("a child") {
                let mut sentence = String::new();
                let _ = server.child.stderr.take().expect("piped").read_to_string(&mut sentence);
                panic!("it ended with {status}: {sentence}");
            }
            sleep(Duration::from_millis(50));
        }
        panic!("it does not listen after 30 s: {}", server.text());
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What follows `start` on the first line of the log that has it.
    fn line(&self, start: &str) -> Option<String> {
        self.text().lines().find_map(|line| Some(line.split_once(start)?.1.to_owned()))
    }

    /// Sends an inline command; the first line of the reply.
    fn ask(&self, command: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        socket.write_all(format!("{command}\r\n").as_bytes()).expect("sent");
        let mut reply = String::new();
        BufReader::new(socket).read_line(&mut reply).expect("a reply");
        reply.trim_end().to_owned()
    }

    /// Ends it with SIGTERM; its exit code and how long it took.
    fn terminate(&mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        // SAFETY: the pid is of our own child, which has not been waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        (self.child.wait().expect("a child").code(), began.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_start_says_where_it_listens_and_what_it_ignored_and_an_end_leaves_nothing() {
    let scratch = Scratch::new("start");
    let file = scratch.write("m.conf", "# mine\ntiemout 5\nport 1\ntimeout 300\n");
    let (pid, unix) = (scratch.path("pid"), scratch.path("s"));
    let mut server = Server::start(
        &scratch,
        &[
            "--cores",
            "2",
            "--no-pin",
            "--config",
            &file,
            "--pidfile",
            &pid,
            "--unixsocket",
            &unix,
            "--maxclients",
            "99",
        ],
    );
    assert_says(
        &server.text(),
        &[
            "Medusa ",
            "2 cores",
            "2 shards",
            &format!("listening on {unix}"),
            "99 clients",
            &format!("{file} line 2"),
        ],
    );
    assert_eq!(fs::read_to_string(&pid).expect("a pid file"), format!("{}\n", server.child.id()));
    assert_eq!(server.ask("PING"), "+PONG");
    assert_eq!(server.ask("CONFIG SET timeout 301 loglevel warning"), "+OK");
    assert_eq!(server.ask("CONFIG REWRITE"), "+OK");
    let rewritten = fs::read_to_string(&file).expect("the file");
    assert!(
        rewritten.starts_with("# mine\ntiemout 5\n") && rewritten.contains("timeout 301\n"),
        "{rewritten}"
    );
    assert!(!rewritten.contains("cores-by"), "{rewritten}");
    let (code, took) = server.terminate();
    assert_eq!(code, Some(0), "{}", server.text());
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(!Path::new(&pid).exists() && !Path::new(&unix).exists());
}

#[test]
fn an_address_that_may_be_missing_is_skipped_and_a_chosen_port_always_told() {
    let scratch = Scratch::new("skip");
    let mut server =
        Server::start(&scratch, &["--bind", "-192.0.2.1", "--cores", "1", "--loglevel", "warning"]);
    assert_eq!(server.ask("PING"), "+PONG");
    assert_eq!(server.terminate().0, Some(0));
}

/// As in Redis, CONFIG says what was configured, which is what REWRITE writes; INFO says what is.
#[test]
fn a_port_of_zero_stays_configured_and_info_tells_the_one_taken() {
    let scratch = Scratch::new("zero");
    let server = Server::start(&scratch, &["--cores", "1"]);
    let all = |commands: &str| {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        socket.write_all(format!("{commands}\r\nQUIT\r\n").as_bytes()).expect("sent");
        let mut reply = String::new();
        socket.read_to_string(&mut reply).expect("a reply");
        reply
    };
    assert_eq!(all("CONFIG GET port"), "*2\r\n$4\r\nport\r\n$1\r\n0\r\n+OK\r\n");
    let info = all("INFO server");
    assert!(info.contains(&format!("\r\ntcp_port:{}\r\n", server.port)), "{info}");
}

#[test]
fn a_second_server_on_the_same_port_is_refused_and_the_first_lives() {
    let scratch = Scratch::new("second");
    let server = Server::start(&scratch, &["--cores", "1"]);
    let port = server.port.to_string();
    let mut second = medusa(&["--bind", "127.0.0.1", "--port", &port, "--cores", "1"]);
    assert_says(&failure(&mut second, 30), &[&port, "in use"]);
    assert_eq!(server.ask("PING"), "+PONG");
}
