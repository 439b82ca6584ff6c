//! Where we listen: TCP addresses as redis.conf's `bind` writes them, and a unix socket.
//!
//! An address may be `*` (any IPv4), `::*` (any IPv6), an address or a name; a leading `-` says that it
//! may be missing on this machine. What an accepted connection needs (no delay, keepalive) is set on the
//! listening socket, from which the kernel copies it: no system call per connection.

use crate::net::service::Address;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};
use std::fs::{File, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often port 0 is tried again when the port chosen for the first address is taken on another.
const PORT_TRIES: usize = 16;

/// Where to listen.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// As redis.conf's `bind`: `*`, `::*`, addresses or names, each with an optional leading `-`.
    pub bind: Vec<String>,
    /// TCP port for all of them; 0 takes a free one. `None`: no TCP.
    pub port: Option<u16>,
    /// Connections the kernel holds for us before we accept them.
    pub backlog: u32,
    /// Seconds of silence before TCP asks whether the peer is alive; 0: never.
    pub keepalive_s: u32,
    /// A unix socket, too.
    pub unix: Option<UnixConfig>,
}

/// A unix socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixConfig {
    /// Its path.
    pub path: PathBuf,
    /// Its permissions, as `0o770`; `None`: what the umask leaves.
    pub mode: Option<u32>,
}

/// Why we cannot listen.
#[derive(Debug)]
pub enum ListenError {
    /// A TCP address cannot be listened on.
    Tcp {
        /// `ip:port` as it would be connected to.
        address: String,
        /// What the kernel or the resolver said.
        error: io::Error,
    },
    /// The unix socket cannot be made.
    Unix {
        /// The path asked for.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// No address is left, and there is no unix socket.
    Nowhere {
        /// The addresses as they were written.
        bind: String,
    },
}

/// One listening socket.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub socket: OwnedFd,
    /// What it listens on.
    pub at: Endpoint,
}

/// What a listener listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A path.
    Unix(PathBuf),
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Tcp(address) => address.fmt(formatter),
            Endpoint::Unix(path) => path.display().fmt(formatter),
        }
    }
}

/// All listening sockets of the process. Removes the unix socket's file when it is dropped.
#[derive(Debug)]
pub struct Listeners {
    /// TCP first, in the order of `bind`.
    pub all: Vec<Listener>,
    unix: Option<UnixFile>,
}

// The file we made, so that we never remove one that somebody has put there since.
#[derive(Debug)]
struct UnixFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Listeners {
    /// Listens everywhere, or says where and why not.
    pub fn open(config: &ListenConfig) -> Result<Self, ListenError> {
        let mut all = match config.port {
            Some(port) => open_tcp(config, port)?,
            None => Vec::new(),
        };
        let mut unix = None;
        if let Some(socket) = &config.unix {
            let (listener, file) = open_unix(socket, config.backlog)?;
            all.push(listener);
            unix = Some(file);
        }
        if all.is_empty() {
            return Err(ListenError::Nowhere { bind: config.bind.join(" ") });
        }
        Ok(Listeners { all, unix })
    }

    /// The TCP port, the chosen one where 0 was asked for; `None` without TCP.
    pub fn port(&self) -> Option<u16> {
        self.all.iter().find_map(|listener| match listener.at {
            Endpoint::Tcp(address) => Some(address.port()),
            Endpoint::Unix(_) => None,
        })
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        let Some(file) = &self.unix else { return };
        if let Ok(found) = std::fs::symlink_metadata(&file.path)
            && (found.dev(), found.ino()) == (file.device, file.inode)
        {
            let _ = std::fs::remove_file(&file.path);
        }
    }
}

fn open_tcp(config: &ListenConfig, port: u16) -> Result<Vec<Listener>, ListenError> {
    let mut last = None;
    for _ in 0..PORT_TRIES {
        match open_tcp_once(config, port) {
            Err(ListenError::Tcp { address, error })
                if port == 0 && error.kind() == io::ErrorKind::AddrInUse =>
            {
                last = Some(ListenError::Tcp { address, error });
            }
            outcome => return outcome,
        }
    }
    Err(last.expect("every try failed"))
}

fn open_tcp_once(config: &ListenConfig, port: u16) -> Result<Vec<Listener>, ListenError> {
    let mut port = port;
    let mut opened = Vec::new();
    for written in &config.bind {
        let (optional, text) = match written.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, written.as_str()),
        };
        match resolve(text, port).and_then(|address| listen_tcp(address, config).map(|fd| (fd, address))) {
            Ok((socket, address)) => {
                let chosen = socket.local_addr().ok().and_then(|local| local.as_socket()).unwrap_or(address);
                port = chosen.port();
                opened.push(Listener { socket: OwnedFd::from(socket), at: Endpoint::Tcp(chosen) });
            }
            Err(error) if may_be_missing(&error, optional) => {
                tracing::info!("not listening on {text}: {}", error);
            }
            Err(error) => return Err(ListenError::Tcp { address: shown(text, port), error }),
        }
    }
    Ok(opened)
}

// As Redis: a machine without IPv6 is no error at all; an address that is not ours only where the
// address says so.
fn may_be_missing(error: &io::Error, optional: bool) -> bool {
    match error.raw_os_error() {
        Some(libc::EADDRNOTAVAIL) => optional,
        Some(
            libc::EAFNOSUPPORT
            | libc::EPFNOSUPPORT
            | libc::EPROTONOSUPPORT
            | libc::ESOCKTNOSUPPORT
            | libc::ENOPROTOOPT,
        ) => true,
        _ => false,
    }
}

fn resolve(text: &str, port: u16) -> io::Result<SocketAddr> {
    let v6 = text.contains(':');
    let any = match text {
        "*" => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        "::*" => Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        _ => text.parse().ok(),
    };
    if let Some(address) = any {
        return Ok(SocketAddr::new(address, port));
    }
    let found = (text, port).to_socket_addrs()?.find(|address| address.is_ipv6() == v6);
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no such address"))
}

fn shown(text: &str, port: u16) -> String {
    match text {
        "*" => format!("0.0.0.0:{port}"),
        "::*" => format!("[::]:{port}"),
        _ if text.contains(':') => format!("[{text}]:{port}"),
        _ => format!("{text}:{port}"),
    }
}

fn listen_tcp(address: SocketAddr, config: &ListenConfig) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    set_keepalive(&socket, config.keepalive_s)?;
    socket.bind(&address.into())?;
    socket.listen(backlog(config.backlog))?;
    Ok(socket)
}

fn backlog(wanted: u32) -> i32 {
    wanted.clamp(1, i32::MAX as u32) as i32
}

/// Sets (or, with 0, switches off) keepalive on a socket or, through its listener, on connections to
/// come: the first probe after `seconds`, then up to three in as many thirds of it, as Redis does.
pub fn set_keepalive(socket: &Socket, seconds: u32) -> io::Result<()> {
    if seconds == 0 {
        return socket.set_keepalive(false);
    }
    let idle = Duration::from_secs(u64::from(seconds.min(i16::MAX as u32)));
    let interval = Duration::from_secs((idle.as_secs() / 3).max(1));
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(3))
}

impl Listener {
    /// Another descriptor of the same socket.
    pub fn try_clone(&self) -> io::Result<Listener> {
        Ok(Listener { socket: self.socket.try_clone()?, at: self.at.clone() })
    }

    /// Sets keepalive for connections to come; a unix socket has none.
    pub fn set_keepalive(&self, seconds: u32) {
        if let Endpoint::Tcp(_) = self.at
            && let Err(error) = set_keepalive(&SockRef::from(&self.socket), seconds)
        {
            tracing::warn!("cannot set tcp-keepalive on {}: {}", self.at, error);
        }
    }
}

fn open_unix(config: &UnixConfig, backlog_wanted: u32) -> Result<(Listener, UnixFile), ListenError> {
    let path = &config.path;
    let refuse = |reason: String| ListenError::Unix { path: path.clone(), reason };
    let failed = |what: &str, error: io::Error| refuse(format!("{what}: {error}"));
    let address = SockAddr::unix(path).map_err(|_| {
        refuse("the path is longer than the 107 bytes a socket's may have; choose a shorter".into())
    })?;
    clear_path(path, &address).map_err(&refuse)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(|error| failed("socket", error))?;
    if let Some(mode) = config.mode {
        // The node gets the socket's own mode less the umask, so nobody can connect who may not, not even
        // between bind and the exact mode below.
        let socket = socket.try_clone().map_err(|error| failed("dup", error))?;
        File::from(OwnedFd::from(socket))
            .set_permissions(Permissions::from_mode(mode))
            .map_err(|error| failed("fchmod", error))?;
    }
    socket.bind(&address).map_err(|error| failed("bind", error))?;
    if let Some(mode) = config.mode {
        std::fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|error| failed("chmod", error))?;
    }
    socket.listen(backlog(backlog_wanted)).map_err(|error| failed("listen", error))?;
    let made = std::fs::symlink_metadata(path).map_err(|error| failed("stat", error))?;
    Ok((
        Listener { socket: OwnedFd::from(socket), at: Endpoint::Unix(path.clone()) },
        UnixFile { path: path.clone(), device: made.dev(), inode: made.ino() },
    ))
}

// Removes what a server that died has left, and nothing else.
fn clear_path(path: &Path, address: &SockAddr) -> Result<(), String> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(_) => return Ok(()),
    };
    if !found.file_type().is_socket() {
        return Err("something that is not a socket is there; remove it or choose another path".into());
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(|error| error.to_string())?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        _ => return Err("another server listens there; stop it or choose another path".into()),
    }
    std::fs::remove_file(path).map_err(|error| format!("the old socket cannot be removed: {}", error))
}

/// Both ends of an accepted socket as clients are told of them; an error when the peer is gone already.
pub fn address_of(socket: &OwnedFd, at: &Endpoint) -> io::Result<Address> {
    let fd = socket.as_raw_fd();
    if let Endpoint::Unix(path) = at {
        let name = format!("{}:0", path.display());
        return Ok(Address { peer: name.clone(), local: name, fd, unix: true, loopback: true });
    }
    let socket = SockRef::from(socket);
    let tcp = |address: SockAddr| address.as_socket().ok_or(io::Error::from(io::ErrorKind::Unsupported));
    let (peer, local) = (tcp(socket.peer_addr()?)?, tcp(socket.local_addr()?)?);
    Ok(Address {
        peer: peer.to_string(),
        local: local.to_string(),
        fd,
        unix: false,
        loopback: peer.ip().is_loopback(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;

    fn config(bind: &[&str], port: u16) -> ListenConfig {
        let bind = bind.iter().map(|text| text.to_string()).collect();
        ListenConfig { bind, port: Some(port), backlog: 511, keepalive_s: 300, unix: None }
    }

    fn unix_config(path: &Path, mode: Option<u32>) -> ListenConfig {
        let unix = Some(UnixConfig { path: path.to_path_buf(), mode });
        ListenConfig { bind: vec![], port: None, backlog: 5, keepalive_s: 0, unix }
    }

    fn temporary(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("medusa-listener-{}-{name}.sock", std::process::id()))
    }

    #[test]
    fn port_zero_is_chosen_once_for_all_addresses() {
        let listeners = Listeners::open(&config(&["127.0.0.1", "-::1"], 0)).unwrap();
        let port = listeners.port().unwrap();
        assert_ne!(port, 0);
        for listener in &listeners.all {
            let Endpoint::Tcp(address) = listener.at else { panic!("{:?}", listener.at) };
            assert_eq!(address.port(), port);
            TcpStream::connect(address).unwrap();
        }
    }

    #[test]
    fn port_in_use_is_a_boot_error_that_names_the_address() {
        let first = Listeners::open(&config(&["127.0.0.1"], 0)).unwrap();
        let port = first.port().unwrap();
        match Listeners::open(&config(&["127.0.0.1"], port)) {
            Err(ListenError::Tcp { address, error }) => {
                assert_eq!(address, format!("127.0.0.1:{port}"));
                assert_eq!(error.raw_os_error(), Some(libc::EADDRINUSE));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn address_of_another_machine_stops_the_start_unless_it_is_marked_optional() {
        let listeners = Listeners::open(&config(&["127.0.0.1", "-192.0.2.1"], 0)).unwrap();
        assert_eq!(listeners.all.len(), 1);
        assert!(Listeners::open(&config(&["127.0.0.1", "192.0.2.1"], 0)).is_err());
        let nothing = Listeners::open(&config(&["-192.0.2.1"], 0));
        assert!(matches!(nothing, Err(ListenError::Nowhere { .. })), "{nothing:?}");
    }

    #[test]
    fn stars_mean_any_address_and_the_two_families_share_a_port() {
        let listeners = Listeners::open(&config(&["*", "-::*"], 0)).unwrap();
        let port = listeners.port().unwrap();
        TcpStream::connect(("127.0.0.1", port)).unwrap();
        if listeners.all.len() == 2 {
            TcpStream::connect(("::1", port)).unwrap();
        }
    }

    #[test]
    fn unix_socket_has_its_permissions_and_goes_with_the_server() {
        let path = temporary("mode");
        let listeners = Listeners::open(&unix_config(&path, Some(0o700))).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        UnixStream::connect(&path).unwrap();
        assert_eq!(listeners.port(), None);
        drop(listeners);
        assert!(!path.exists());
    }

    #[test]
    fn stale_socket_is_replaced_but_a_live_one_and_a_file_are_not() {
        let path = temporary("stale");
        let first = Listeners::open(&unix_config(&path, None)).unwrap();
        assert!(Listeners::open(&unix_config(&path, None)).is_err());
        // As after a crash: the socket is closed, its file stays.
        let mut first = first;
        first.unix = None;
        drop(first);
        assert!(path.exists());
        drop(Listeners::open(&unix_config(&path, None)).unwrap());
        std::fs::write(&path, "precious").unwrap();
        let refused = Listeners::open(&unix_config(&path, None));
        assert!(matches!(refused, Err(ListenError::Unix { .. })), "{refused:?}");
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_path_that_is_too_long_is_a_boot_error() {
        let path = std::env::temp_dir().join("x".repeat(200));
        let refused = Listeners::open(&unix_config(&path, None));
        assert!(matches!(refused, Err(ListenError::Unix { reason, .. }) if reason.contains("107")));
    }
}
