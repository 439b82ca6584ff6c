//! Who may come in, and how many.

use crate::common::{PATIENCE, Server, until};
use std::io::Read;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

#[test]
fn a_password_is_asked_for_and_checked() {
    for cores in crate::CORES {
        let flags = ["--requirepass", "sesame"];
        let (server, reference) = (Server::medusa_with(cores, &flags), Server::redis_with(&flags));
        let mut wires = [server.connect_tcp(), reference.connect_tcp()];
        let mut both = |line: &str| {
            let [left, right] = wires.each_mut().map(|wire| wire.ask(line));
            assert_eq!(left, right, "{line}");
            left
        };
        assert_eq!(both("GET a"), "-NOAUTH Authentication required.\r\n");
        both("PING");
        both("NOSUCH");
        both("GET");
        both("HELLO 3");
        both("AUTH wrong");
        both("AUTH default wrong");
        both("AUTH nobody sesame");
        both("AUTH a b c");
        assert_eq!(both("AUTH sesame"), "+OK\r\n");
        both("SET a 1");
        assert_eq!(both("GET a"), "$1\r\n1\r\n");
        both("AUTH wrong");
        both("GET a");
        both("RESET");
        both("GET a");
        assert_eq!(both("AUTH default sesame"), "+OK\r\n");
        both("GET a");
        let mut wire = server.connect();
        assert!(wire.ask("HELLO 3 AUTH default sesame SETNAME me").starts_with("%7\r\n"));
        assert_eq!(wire.ask("CLIENT GETNAME"), "$2\r\nme\r\n");
        assert_eq!(server.redis_cli(&["-a", "sesame", "--no-auth-warning", "GET", "a"]), "1\n");
    }
}

#[test]
fn strangers_may_not_send_much() {
    let flags = ["--requirepass", "sesame"];
    let (server, reference) = (Server::medusa_with(2, &flags), Server::redis_with(&flags));
    for input in ["*11\r\n", "*2\r\n$16385\r\n", "*1\r\n$16384\r\n", "*10\r\n$4\r\nPING\r\n"] {
        let replies = [&server, &reference].map(|server| {
            let mut wire = server.connect_tcp();
            wire.send(input.as_bytes());
            let silent = wire.is_silent(Duration::from_millis(200));
            if silent { b"(waits)".to_vec() } else { wire.rest() }
        });
        assert_eq!(replies[0], replies[1], "{input:?}");
    }
}

/// An address of this machine that is not loopback, if it has one. Nothing is sent to find it.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn protected_mode_turns_away_who_comes_from_elsewhere() {
    let Some(address) = own_address() else {
        println!("this machine has loopback only: nobody can come from elsewhere");
        return;
    };
    let first_words = |server: &Server| {
        let mut stream = TcpStream::connect((address, server.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    for cores in [1, 2] {
        let server = Server::medusa_with(cores, &["--bind", "0.0.0.0"]);
        let text = first_words(&server);
        assert!(text.starts_with("-DENIED ") && text.ends_with("\r\n"), "{text}");
        assert_eq!(server.connect_tcp().ask("PING"), "+PONG\r\n");
        let stats = server.connect_tcp().ask("INFO stats");
        assert!(stats.contains("\r\nrejected_connections:1\r\n"), "{stats}");
        let open = Server::medusa_with(cores, &["--bind", "0.0.0.0", "--protected-mode", "no"]);
        let mut client = redis::Client::open(format!("redis://{address}:{}/", open.port))
            .unwrap()
            .get_connection()
            .unwrap();
        assert_eq!(redis::cmd("PING").query::<String>(&mut client).unwrap(), "PONG");
    }
}

#[test]
fn one_client_too_many_is_told_so() {
    for cores in crate::CORES {
        let server = Server::medusa_with(cores, &["--maxclients", "10"]);
        // The connections with which the start was awaited may linger for a moment.
        let mut wires = Vec::new();
        until("ten clients fit", || {
            wires.clear();
            (0..10).all(|_| {
                let mut wire = server.connect_tcp();
                let answers = wire.try_send(b"PING\r\n").is_ok()
                    && wire.try_reply().is_ok_and(|reply| reply == b"+PONG\r\n");
                wires.push(wire);
                answers
            })
        });
        let mut eleventh = server.connect_tcp();
        assert_eq!(eleventh.rest(), b"-ERR max number of clients reached\r\n");
        let stats = wires[0].ask("INFO stats");
        let refused = stats.lines().find_map(|line| line.strip_prefix("rejected_connections:"));
        assert!(refused.is_some_and(|count| count.parse::<u64>().unwrap() >= 1), "{stats}");
        wires.pop();
        until("a place is free again", || {
            let mut wire = server.connect_tcp();
            wire.try_send(b"PING\r\n").is_ok() && wire.try_reply().is_ok_and(|reply| reply == b"+PONG\r\n")
        });
        assert_eq!(wires[0].ask("CONFIG SET maxclients 20"), "+OK\r\n");
        // Each core learns of it by its own upkeep.
        until("five more fit", || {
            (0..5).map(|_| server.connect_tcp()).collect::<Vec<_>>().iter_mut().all(|wire| {
                wire.try_send(b"PING\r\n").is_ok()
                    && wire.try_reply().is_ok_and(|reply| reply == b"+PONG\r\n")
            })
        });
    }
}

#[test]
fn an_idle_client_is_closed_after_its_timeout() {
    for cores in [1, 2] {
        let server = Server::medusa_with(cores, &["--timeout", "1"]);
        let mut wires: Vec<_> = (0..4).map(|_| server.connect_tcp()).collect();
        let mut busy = server.connect_tcp();
        let started = Instant::now();
        assert!(wires.iter_mut().all(|wire| wire.ask("PING") == "+PONG\r\n"));
        let closed = std::thread::spawn(move || wires.iter_mut().all(|wire| wire.rest().is_empty()));
        while !closed.is_finished() {
            assert_eq!(busy.ask("PING"), "+PONG\r\n");
            assert!(started.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(closed.join().unwrap());
        assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    }
}

#[test]
fn the_unix_socket_has_the_permissions_asked_for() {
    let server = Server::medusa_with(2, &["--unixsocketperm", "700"]);
    let mode = std::fs::metadata(&server.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(server.connect().ask("PING"), "+PONG\r\n");
}

#[test]
fn ipv6_and_several_addresses_are_listened_on() {
    if TcpStream::connect(("::1", 9)).is_err_and(|error| error.kind() == std::io::ErrorKind::AddrNotAvailable)
    {
        println!("this machine has no IPv6 loopback");
        return;
    }
    let port = crate::common::free_port().to_string();
    let server = Server::medusa_with(2, &["--bind", "127.0.0.1 ::1", "--port", &port]);
    for host in ["127.0.0.1", "::1"] {
        let client = redis::Client::open(format!(
            "redis://{}:{}/",
            if host == "::1" { "[::1]" } else { host },
            server.port
        ));
        let mut client = client.unwrap().get_connection().unwrap();
        assert_eq!(redis::cmd("PING").query::<String>(&mut client).unwrap(), "PONG", "{host}");
    }
}
