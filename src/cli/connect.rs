//! The client's end of a connection: blocking sockets, and errors that say what to do.

use crate::resp::value::DecodeError;
use crate::resp::{Decoder, Value};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// Bytes asked of the kernel at once.
const READ_BYTES: usize = 64 << 10;

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { host, port } if host.contains(':') => write!(to, "[{host}]:{port}"),
            Address::Tcp { host, port } => write!(to, "{host}:{port}"),
            Address::Unix(path) => write!(to, "{}", path.display()),
        }
    }
}

/// Why there is no connection.
pub(super) struct ConnectError {
    address: Address,
    cause: Cause,
}

enum Cause {
    UnknownHost(io::Error),
    Socket(io::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, cause) = (&self.address, &self.cause);
        write!(to, "Could not connect to Medusa at {address}: ")?;
        match (cause, address) {
            (Cause::UnknownHost(_), Address::Tcp { host, .. }) => {
                write!(to, "the name {host} has no address; is -h spelled right?")
            }
            (Cause::UnknownHost(error) | Cause::Socket(error), _) => match (error.kind(), address) {
                (io::ErrorKind::ConnectionRefused, Address::Tcp { port, .. }) => write!(
                    to,
                    "nothing listens there. Start a server with `medusa --port {port}`, or say with -h and -p where one is."
                ),
                (io::ErrorKind::ConnectionRefused, Address::Unix(path)) => write!(
                    to,
                    "the socket is left over from a server that has ended. Start one with `medusa --unixsocket {}`.",
                    path.display()
                ),
                (io::ErrorKind::NotFound, Address::Unix(path)) => write!(
                    to,
                    "there is no such socket. Start a server with `medusa --unixsocket {}`, or correct -s.",
                    path.display()
                ),
                (io::ErrorKind::PermissionDenied, Address::Unix(_)) => {
                    write!(
                        to,
                        "its permissions forbid it. The server's --unixsocketperm decides who may connect."
                    )
                }
                (
                    io::ErrorKind::TimedOut
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable,
                    _,
                ) => {
                    write!(
                        to,
                        "{}. Is the machine up, and does a firewall let the port through?",
                        describe(error)
                    )
                }
                _ => write!(to, "{}.", describe(error)),
            },
        }
    }
}

/// What the system calls an error, without its number.
pub(super) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// Why no reply came.
pub(super) enum ReceiveError {
    /// The server closed the connection, or the kernel did.
    Lost(io::Error),
    /// What came is not the protocol.
    Garbled(DecodeError),
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Which of these it is depends on what was under way, and says nothing more.
            ReceiveError::Lost(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
                ) =>
            {
                write!(to, "Server closed the connection")
            }
            ReceiveError::Lost(error) => write!(to, "{}", describe(error)),
            ReceiveError::Garbled(error) => write!(to, "{error}. Is there really a Redis-like server?"),
        }
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// An open connection.
pub(super) struct Connection {
    stream: Stream,
    decoder: Decoder,
    /// Received bytes; what lies before `read` has been decoded.
    input: Vec<u8>,
    read: usize,
}

impl Connection {
    /// Connects, trying every address the host has.
    pub(super) fn open(address: &Address) -> Result<Self, ConnectError> {
        let failed = |cause| ConnectError { address: address.clone(), cause };
        let stream = match address {
            Address::Unix(path) => {
                Stream::Unix(UnixStream::connect(path).map_err(|error| failed(Cause::Socket(error)))?)
            }
            Address::Tcp { host, port } => {
                let addresses = (host.as_str(), *port)
                    .to_socket_addrs()
                    .map_err(|error| failed(Cause::UnknownHost(error)))?;
                let stream = TcpStream::connect(addresses.collect::<Vec<_>>().as_slice())
                    .map_err(|error| failed(Cause::Socket(error)))?;
                // A command is one write, and its sender waits for the answer.
                stream.set_nodelay(true).map_err(|error| failed(Cause::Socket(error)))?;
                Stream::Tcp(stream)
            }
        };
        Ok(Connection { stream, decoder: Decoder::new(), input: Vec::new(), read: 0 })
    }

    /// Sends one command.
    pub(super) fn send(&mut self, words: &[Vec<u8>]) -> io::Result<()> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(&request),
            Stream::Unix(stream) => stream.write_all(&request),
        }
    }

    /// Waits for the next reply or push.
    pub(super) fn receive(&mut self) -> Result<Value, ReceiveError> {
        loop {
            match self.decoder.next(&self.input[self.read..]).map_err(ReceiveError::Garbled)? {
                Some((value, consumed)) => {
                    self.read += consumed;
                    if self.read == self.input.len() {
                        self.input.clear();
                        self.read = 0;
                    }
                    return Ok(value);
                }
                None => self.read_more().map_err(ReceiveError::Lost)?,
            }
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        self.input.drain(..self.read);
        self.read = 0;
        let filled = self.input.len();
        // A big reply doubles its buffer, so its bytes are copied a bounded number of times.
        self.input.resize(filled + READ_BYTES.max(filled), 0);
        let got = loop {
            let room = &mut self.input[filled..];
            let result = match &mut self.stream {
                Stream::Tcp(stream) => stream.read(room),
                Stream::Unix(stream) => stream.read(room),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.input.truncate(filled + *got.as_ref().unwrap_or(&0));
        match got? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The socket closes anyway; that the other end may be gone already is no news.
        let _ = match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}
