//! Connections of the load generator: opened, logged in, then driven without blocking.

use super::BenchError;
use super::replies::ReplyCounter;
use super::workload::{Template, Workload};
use crate::base::prng::Prng;
use socket2::Socket;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// Requests in one write while keys are being set beforehand.
const FILL_BATCH: u64 = 256;

/// How long a server may take to answer one batch of the preparations.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the server is and how to get in.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Instead of both.
    pub unixsocket: Option<PathBuf>,
    /// For AUTH.
    pub user: Option<String>,
    /// For AUTH.
    pub password: Option<String>,
    /// For SELECT.
    pub database: u32,
}

impl std::fmt::Display for Target {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.unixsocket {
            Some(path) => write!(to, "{}", path.display()),
            None => write!(to, "{}:{}", self.host, self.port),
        }
    }
}

impl Target {
    /// A server on this machine.
    pub fn local(port: u16) -> Target {
        let host = "127.0.0.1".to_owned();
        Target { host, port, unixsocket: None, user: None, password: None, database: 0 }
    }

    /// A connection that has logged in; it still blocks.
    pub fn connect(&self) -> Result<Socket, BenchError> {
        let refused = |cause: io::Error| BenchError(format!("cannot connect to {self}: {cause}"));
        let mut socket = match &self.unixsocket {
            Some(path) => Socket::from(UnixStream::connect(path).map_err(refused)?),
            None => {
                let stream = TcpStream::connect((self.host.as_str(), self.port)).map_err(refused)?;
                stream.set_nodelay(true).map_err(refused)?;
                Socket::from(stream)
            }
        };
        socket.set_read_timeout(Some(PATIENCE)).map_err(refused)?;
        let mut greeting = Vec::new();
        if let Some(password) = &self.password {
            let user = self.user.iter().map(String::as_str);
            push_command(
                &mut greeting,
                &["AUTH"].into_iter().chain(user).chain([password.as_str()]).collect::<Vec<_>>(),
            );
        }
        if self.database > 0 {
            push_command(&mut greeting, &["SELECT", &self.database.to_string()]);
        }
        let wanted = u64::from(self.password.is_some()) + u64::from(self.database > 0);
        exchange(&mut socket, &greeting, wanted).map_err(|cause| BenchError(format!("{self}: {cause}")))?;
        Ok(socket)
    }

    /// Sets every key of `workload`, so that reads find them, with so many `seconds` to live; `on_progress`
    /// hears how many are there.
    pub fn fill(
        &self,
        workload: &Workload,
        seconds: Option<u64>,
        on_progress: impl FnMut(u64),
    ) -> Result<(), BenchError> {
        let life = seconds.map_or(String::new(), |seconds| format!(" EX {seconds}"));
        self.for_each_key(workload, &format!("SET __key__ __data__{life}"), on_progress)
    }

    /// Sends `line`, a command with places, once for each key of `workload`, in order.
    pub fn for_each_key(
        &self,
        workload: &Workload,
        line: &str,
        mut on_progress: impl FnMut(u64),
    ) -> Result<(), BenchError> {
        let template = Template::parse(line)?;
        let mut socket = self.connect()?;
        let mut prng = Prng::new(0xf111);
        let mut out = Vec::new();
        let mut from = 0;
        // Big values in small batches: what is not read yet must fit into the sockets' buffers.
        let batch = (1 << 20) / (workload.value_bytes.end as u64).max(64);
        while from < workload.keys {
            let to = workload.keys.min(from + batch.clamp(1, FILL_BATCH));
            out.clear();
            workload.write_each(&template, from..to, &mut prng, &mut out);
            exchange(&mut socket, &out, to - from)
                .map_err(|cause| BenchError(format!("{self}: preparing keys: {cause}")))?;
            from = to;
            on_progress(from);
        }
        Ok(())
    }
}

/// Sends `out` and waits for `replies`, none of which may be an error.
pub(super) fn exchange(socket: &mut Socket, out: &[u8], replies: u64) -> io::Result<()> {
    socket.write_all(out)?;
    let mut counter = ReplyCounter::default();
    let mut done = 0;
    let mut input = [0; 16 << 10];
    while done < replies {
        match socket.read(&mut input)? {
            0 => return Err(closed()),
            read => done += counter.feed(&input[..read]).map_err(malformed)?,
        }
    }
    match counter.first_error {
        Some(text) => Err(io::Error::other(text)),
        None => Ok(()),
    }
}

/// Appends a command.
pub(super) fn push_command(out: &mut Vec<u8>, words: &[&str]) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}

/// The server ended the connection.
pub(super) fn closed() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")
}

/// What came was no reply.
pub(super) fn malformed(line: super::replies::Malformed) -> io::Error {
    let line = &line.0[..line.0.len().min(80)];
    io::Error::new(ErrorKind::InvalidData, format!("'{}' is no reply", line.escape_ascii()))
}

/// Sends as much as the kernel takes; how much that was, 0 when it takes nothing now.
pub(super) fn send_some(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match socket.send(bytes) {
            Ok(sent) => return Ok(sent),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads what has arrived; `None` when nothing has.
pub(super) fn read_some(socket: &Socket, into: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match (&*socket).read(into) {
            Ok(0) => return Err(closed()),
            Ok(read) => return Ok(Some(read)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
