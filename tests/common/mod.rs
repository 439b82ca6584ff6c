//! Real servers and raw connections for tests of the binary.
//!
//! Every server gets a folder and a port of its own, is known by its pid, and dies with the value that
//! holds it. Nothing sleeps in the hope of a state: [`until`] polls, with a deadline and a name for what
//! it waits for. Replies are taken as raw bytes, so that a test can compare them with those of another
//! server; `redis` the crate is for what its users would do.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use medusa::resp::value::skip;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for anything that should be quick; generous, for a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Polls until `state` is true; panics with `what` when it never is.
#[track_caller]
pub fn until(what: &str, mut state: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !state() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A folder that goes away with its value; short, because a unix socket's path must be.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("medusa-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover folder harms nobody; a panic while panicking would.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// The port of the first `listening on ADDRESS:PORT` in a log.
fn port_in(log: &str) -> Option<u16> {
    log.lines()
        .filter_map(|line| line.split_once("listening on "))
        .find_map(|(_, address)| address.trim().rsplit(':').next()?.parse().ok())
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub port: u16,
    pub socket: PathBuf,
    pub folder: Folder,
    name: String,
}

impl Server {
    /// Medusa with this many cores, which need not exist.
    pub fn medusa(cores: usize) -> Server {
        Server::medusa_with(cores, &[])
    }

    /// Medusa with more flags: the binary that cargo built, or what `MEDUSA_BINARY` names.
    pub fn medusa_with(cores: usize, flags: &[&str]) -> Server {
        let built = || env!("CARGO_BIN_EXE_medusa").to_string();
        let mut command = Command::new(std::env::var("MEDUSA_BINARY").unwrap_or_else(|_| built()));
        command.args(["--cores", &cores.to_string(), "--no-pin", "--port", "0"]);
        Server::start(format!("medusa at {cores} cores"), command, flags, 0)
    }

    /// The reference: redis-server 7.0, or what `MEDUSA_REFERENCE` names.
    pub fn redis() -> Server {
        Server::redis_with(&[])
    }

    /// The reference with more flags.
    pub fn redis_with(flags: &[&str]) -> Server {
        let program = std::env::var("MEDUSA_REFERENCE").unwrap_or_else(|_| "redis-server".into());
        let version = Command::new(&program).arg("--version").output().unwrap_or_else(|error| {
            panic!("{program}: {error}; scripts/check.sh installs it, or set MEDUSA_REFERENCE to its path")
        });
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        assert!(
            version.contains("v=7.0."),
            "replies are compared with Redis 7.0's but {program} is {version}; set MEDUSA_REFERENCE to one"
        );
        let port = free_port();
        let mut command = Command::new(&program);
        command.args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--port", &port.to_string()]);
        Server::start("redis-server".into(), command, flags, port)
    }

    /// A redis-server of any version, which removes expired fields every 2 ms.
    pub fn newer_redis(program: &str) -> Server {
        let port = free_port();
        let mut command = Command::new(program);
        command.args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--port", &port.to_string()]);
        Server::start("newer redis-server".into(), command, &["--hz", "500"], port)
    }

    /// `port` 0: the log will say.
    fn start(name: String, mut command: Command, flags: &[&str], port: u16) -> Server {
        let folder = Folder::new();
        let socket = folder.file("socket");
        let log = fs::File::create(folder.file("log")).unwrap();
        command
            .args(["--unixsocket", socket.to_str().unwrap()])
            .args(flags)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut server = Server { child, port, socket, folder, name };
        server.wait_until_it_answers();
        server
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended with {status}:\n{}", self.name, self.log());
            }
            if self.port == 0 {
                self.port = port_in(&self.log()).unwrap_or(0);
            }
            let answers = self.port != 0
                && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
                && UnixStream::connect(&self.socket).is_ok();
            if answers {
                return;
            }
            assert!(Instant::now() < deadline, "{} does not answer:\n{}", self.name, self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.file("log")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A raw connection by unix socket.
    pub fn connect(&self) -> Wire {
        let stream = UnixStream::connect(&self.socket).unwrap_or_else(|error| {
            panic!("{}: {error}; its log:\n{}", self.name, self.log());
        });
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Wire::new(Stream::Unix(stream))
    }

    /// A raw connection by TCP.
    pub fn connect_tcp(&self) -> Wire {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap_or_else(|error| {
            panic!("{}: {error}; its log:\n{}", self.name, self.log());
        });
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Wire::new(Stream::Tcp(stream))
    }

    /// The address for the client library.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// A connection of the client library.
    pub fn client(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Runs redis-cli against it and returns what it printed.
    pub fn redis_cli(&self, args: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        let output = command.args(["-p", &self.port.to_string()]).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Resident memory in KB.
    pub fn resident_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a running process");
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Whether it still runs.
    pub fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + at_most;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection that sees bytes.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    input: Vec<u8>,
    taken: usize,
    chunk: Vec<u8>,
}

impl Wire {
    fn new(stream: Stream) -> Wire {
        Wire { stream, input: Vec::new(), taken: 0, chunk: vec![0; 256 << 10] }
    }

    /// A second handle, for a thread that only writes.
    pub fn writer(&self) -> Wire {
        let stream = match &self.stream {
            Stream::Tcp(stream) => Stream::Tcp(stream.try_clone().unwrap()),
            Stream::Unix(stream) => Stream::Unix(stream.try_clone().unwrap()),
        };
        Wire::new(stream)
    }

    pub fn set_patience(&self, time: Duration) {
        match &self.stream {
            Stream::Tcp(stream) => stream.set_read_timeout(Some(time)).unwrap(),
            Stream::Unix(stream) => stream.set_read_timeout(Some(time)).unwrap(),
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).unwrap_or_else(|error| panic!("send: {error}"));
    }

    /// Sends bytes; an error when the server has closed.
    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(bytes),
            Stream::Unix(stream) => stream.write_all(bytes),
        }
    }

    /// Ends our direction.
    pub fn shut_writing(&self) {
        let how = std::net::Shutdown::Write;
        match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(how).unwrap(),
            Stream::Unix(stream) => stream.shutdown(how).unwrap(),
        }
    }

    /// Sends one command.
    pub fn command<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_ref().to_vec()).collect();
        let mut frame = Vec::new();
        medusa::testing::generate::frame(&words, &mut frame);
        self.send(&frame);
    }

    /// Sends one command and returns its reply, raw.
    #[track_caller]
    pub fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Vec<u8> {
        self.command(words);
        self.reply()
    }

    /// The next reply as text: for short answers.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let reply = self.call(&words);
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// The reply to words of any bytes as text: for short answers.
    #[track_caller]
    pub fn ask_words(&mut self, words: &[&[u8]]) -> String {
        String::from_utf8_lossy(&self.call(words)).into_owned()
    }

    /// The next complete reply, raw.
    #[track_caller]
    pub fn reply(&mut self) -> Vec<u8> {
        self.try_reply().unwrap_or_else(|error| {
            let rest = &self.input[self.taken..];
            panic!("no reply: {error}; unread: {:?}", rest[..rest.len().min(200)].escape_ascii().to_string())
        })
    }

    /// The next complete reply, or why there is none: `UnexpectedEof` when the server has closed.
    pub fn try_reply(&mut self) -> std::io::Result<Vec<u8>> {
        loop {
            if let Some(len) = skip(&self.input[self.taken..]) {
                let reply = self.input[self.taken..self.taken + len].to_vec();
                self.taken += len;
                if self.taken > 1 << 20 || self.taken == self.input.len() {
                    self.input.drain(..self.taken);
                    self.taken = 0;
                }
                return Ok(reply);
            }
            self.fill()?;
        }
    }

    /// Reads whatever comes next into the buffer.
    fn fill(&mut self) -> std::io::Result<()> {
        let read = match &mut self.stream {
            Stream::Tcp(stream) => stream.read(&mut self.chunk),
            Stream::Unix(stream) => stream.read(&mut self.chunk),
        };
        match read {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => {
                self.input.extend_from_slice(&self.chunk[..len]);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        loop {
            match self.fill() {
                Ok(()) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) =>
                {
                    return self.input.split_off(std::mem::take(&mut self.taken));
                }
                Err(error) => panic!("the connection is not closed: {error}"),
            }
        }
    }

    /// Whether nothing comes for this long.
    pub fn is_silent(&mut self, time: Duration) -> bool {
        if self.taken < self.input.len() {
            return false;
        }
        self.set_patience(time);
        let result = self.fill();
        self.set_patience(PATIENCE);
        matches!(result, Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }
}
