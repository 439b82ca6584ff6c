//! The byte loop against real sockets of this machine, with the toy service behind it.

use crate::base::clock::Clock;
use crate::net::listener::{ListenConfig, UnixConfig};
use crate::server::boot::{ServeConfig, serve};
use crate::server::exit::{BootError, EXIT_CORES, EXIT_LISTEN};
use crate::server::shutdown::Control;
use crate::server::toy::{Toy, ToyReport};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

struct Server {
    control: Control,
    thread: Option<JoinHandle<Result<Vec<ToyReport>, BootError>>>,
}

fn config(cores: usize) -> ServeConfig {
    let bind = vec!["127.0.0.1".to_string()];
    let listen = ListenConfig { bind, port: Some(0), backlog: 1024, keepalive_s: 300, unix: None };
    ServeConfig { cores, pin: false, listen, clients_max: 10_000, signals: false }
}

fn start(config: ServeConfig) -> Server {
    start_with(config, |_| ())
}

fn start_with(config: ServeConfig, adjust: impl Fn(&mut Toy) + Send + Sync + 'static) -> Server {
    let (sender, receiver) = mpsc::channel();
    let make = move |start| {
        let mut toy = Toy::new(start);
        adjust(&mut toy);
        toy
    };
    let thread =
        std::thread::spawn(move || serve(config, make, |control| sender.send(control.clone()).unwrap()));
    let control = receiver.recv().expect("the server starts");
    Server { control, thread: Some(thread) }
}

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.control.port().unwrap())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn stop(mut self) -> Vec<ToyReport> {
        let clock = Clock::real();
        let began = clock.raw();
        self.control.shutdown();
        let reports = self.thread.take().unwrap().join().unwrap().unwrap();
        let took_ms = clock.elapsed_ns(began, clock.raw()) / 1_000_000;
        assert!(took_ms < 3000, "{took_ms} ms");
        reports
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control.shutdown();
    }
}

fn ask(stream: &mut (impl Read + Write), request: &str, len: usize) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = vec![0; len];
    stream.read_exact(&mut reply).unwrap();
    String::from_utf8(reply).unwrap()
}

fn line(stream: &TcpStream, request: &str) -> String {
    (&*stream).write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::with_capacity(1, stream).read_line(&mut line).unwrap();
    line.trim_end().to_string()
}

fn eventually(what: &str, check: impl Fn() -> bool) {
    let clock = Clock::real();
    let began = clock.raw();
    while !check() {
        assert!(clock.elapsed_ns(began, clock.raw()) < 20_000_000_000, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn pipelines_are_answered_in_order_at_one_two_and_four_cores() {
    for cores in [1, 2, 4] {
        let server = start(config(cores));
        let mut stream = server.connect();
        let mut request = String::new();
        let mut expected = String::new();
        for number in 0..2000 {
            request += &format!("SET key{number} value{number}\r\nPING\r\nGET key{number}\r\n");
            let value = format!("value{number}");
            expected += &format!("+OK\r\n+PONG\r\n${}\r\n{value}\r\n", value.len());
        }
        assert_eq!(ask(&mut stream, &request, expected.len()), expected);
        drop(stream);
        eventually("the connection is counted out", || server.control.connections_total() == 0);
        let reports = server.stop();
        assert_eq!(reports.len(), cores);
        assert_eq!(reports.iter().map(|report| report.hangups).sum::<u64>(), 1);
    }
}

#[test]
fn frames_cut_at_every_byte_are_put_together() {
    let server = start(config(2));
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for byte in b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\nGET k\r\n" {
        stream.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_micros(300));
    }
    assert_eq!(ask(&mut stream, "", 16), "+OK\r\n$5\r\nhello\r\n");
}

#[test]
fn unix_socket_serves_and_its_file_goes_at_the_end() {
    let path =
        PathBuf::from(format!("{}/medusa-loop-{}.sock", std::env::temp_dir().display(), std::process::id()));
    let mut config = config(2);
    config.listen.unix = Some(UnixConfig { path: path.clone(), mode: Some(0o700) });
    let server = start(config);
    let mut stream = UnixStream::connect(&path).unwrap();
    assert_eq!(ask(&mut stream, "PING\r\n", 7), "+PONG\r\n");
    let who = format!("+1 {}:0\r\n", path.display());
    assert_eq!(ask(&mut stream, "WHO\r\n", who.len()), who);
    server.stop();
    assert!(!path.exists());
}

#[test]
fn big_replies_arrive_whole_even_at_a_slow_reader() {
    let server = start(config(2));
    let bytes = 40 << 20;
    let mut stream = server.connect();
    stream.write_all(format!("BIG {bytes}\r\nPING\r\n").as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let mut reply = Vec::new();
    let mut piece = vec![0; 300_000];
    let whole = format!("${bytes}\r\n").len() + bytes + 2 + 7;
    while reply.len() < whole {
        let len = stream.read(&mut piece).unwrap();
        assert!(len > 0);
        reply.extend_from_slice(&piece[..len]);
        if reply.len() < 5 << 20 {
            std::thread::sleep(Duration::from_millis(3));
        }
    }
    assert!(reply.starts_with(format!("${bytes}\r\nabc").as_bytes()));
    assert!(reply.ends_with(b"\r\n+PONG\r\n"));
    let body = &reply[format!("${bytes}\r\n").len()..][..bytes];
    assert!(body.iter().enumerate().all(|(at, &byte)| byte == b'a' + (at % 23) as u8));
}

#[test]
fn a_client_that_never_reads_is_no_longer_read_and_others_are_served() {
    let server = start(config(1));
    let mut greedy = server.connect();
    greedy.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let request = "BIG 10000\r\n".repeat(1000);
    let mut refused = false;
    for _ in 0..2000 {
        // The kernel's buffers fill up once the server stops reading.
        if greedy.write_all(request.as_bytes()).is_err() {
            refused = true;
            break;
        }
    }
    assert!(refused, "the server went on reading");
    let mut other = server.connect();
    for _ in 0..100 {
        assert_eq!(ask(&mut other, "PING\r\n", 7), "+PONG\r\n");
    }
    drop(greedy);
    eventually("the greedy one is gone", || server.control.connections_total() == 1);
    drop(other);
    let reports = server.stop();
    // What was read before the stop took effect: bounded by the lent buffers, not by the client.
    assert!(reports[0].input_max < 20 << 20, "{}", reports[0].input_max);
}

#[test]
fn reading_goes_on_when_the_slow_reader_has_caught_up() {
    let server = start(config(2));
    let stream = server.connect();
    let rounds = 3000;
    let mut writer = stream.try_clone().unwrap();
    let thread = std::thread::spawn(move || {
        for _ in 0..rounds {
            writer.write_all(b"BIG 9990\r\nPING\r\n").unwrap();
        }
    });
    std::thread::sleep(Duration::from_millis(100));
    let one = "$9990\r\n".len() + 9990 + 2 + 7;
    let mut left = rounds * one;
    let mut piece = vec![0; 1 << 16];
    while left > 0 {
        let len = (&stream).read(&mut piece).unwrap();
        assert!(len > 0, "{left} bytes were not sent");
        left -= len;
    }
    thread.join().unwrap();
}

#[test]
fn a_peer_that_has_sent_its_last_byte_still_gets_its_answers() {
    for cores in [1, 4] {
        let server = start(config(cores));
        let mut stream = server.connect();
        let mut request = String::new();
        for number in 0..500 {
            request += &format!("SET key{number} x\r\n");
        }
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert_eq!(reply, "+OK\r\n".repeat(500));
        eventually("it is hung up on", || server.control.connections_total() == 0);
    }
}

#[test]
fn quit_is_answered_before_the_connection_closes_and_kill_is_not() {
    let server = start(config(1));
    let mut stream = server.connect();
    stream.write_all(b"PING\r\nQUIT\r\nPING\r\n").unwrap();
    let mut reply = String::new();
    // Bytes after QUIT are never read, so the kernel may report a reset after the answers.
    let _ = stream.read_to_string(&mut reply);
    assert_eq!(reply, "+PONG\r\n+OK\r\n");
    let mut stream = server.connect();
    stream.write_all(b"KILL\r\n").unwrap();
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    assert!(reply.is_empty());
    eventually("both are gone", || server.control.connections_total() == 0);
}

#[test]
fn connections_reset_at_any_moment_leave_nothing_behind() {
    let server = start(config(2));
    let seed = 0x5eed_u64;
    println!("seed {seed:#x}");
    let mut prng = crate::base::prng::Prng::new(seed);
    for _ in 0..300 {
        let mut stream = server.connect();
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        let request = match prng.next_u64() % 4 {
            0 => "BIG 3000000\r\n".to_string(),
            1 => "SET a b\r\nGET a\r\n".repeat(100),
            2 => "*3\r\n$3\r\nSE".to_string(),
            _ => String::new(),
        };
        if prng.next_u64().is_multiple_of(2) {
            assert_eq!(ask(&mut stream, "PING\r\n", 7), "+PONG\r\n");
        }
        stream.write_all(request.as_bytes()).unwrap();
        if prng.next_u64().is_multiple_of(2) {
            std::thread::sleep(Duration::from_micros(prng.next_u64() % 2000));
        }
    }
    eventually("all are gone", || server.control.connections_total() == 0);
    let mut stream = server.connect();
    assert_eq!(ask(&mut stream, "PING\r\n", 7), "+PONG\r\n");
    // Some were gone before they were accepted.
    let accepted = server.control.accepted_total();
    assert!(accepted > 30, "{accepted}");
    let reports = server.stop();
    assert_eq!(reports.iter().map(|report| report.hangups).sum::<u64>(), accepted);
    assert_eq!(reports.iter().map(|report| report.left).sum::<usize>(), 0);
}

#[test]
fn thousands_of_connections_are_dealt_evenly_and_all_are_answered() {
    let server = start(config(4));
    let mut streams: Vec<TcpStream> = (0..64).map(|_| server.connect()).collect();
    for stream in &mut streams {
        assert_eq!(ask(stream, "PING\r\n", 7), "+PONG\r\n");
    }
    assert_eq!(server.control.connections(), [16; 4]);
    let mut served = [0; 4];
    for stream in &streams {
        served[line(stream, "WHERE\r\n")[1..].parse::<usize>().unwrap()] += 1;
    }
    assert_eq!(served, [16; 4]);
    streams.extend((64..3000).map(|_| server.connect()));
    for stream in &mut streams {
        stream.write_all(b"SET a 1\r\nGET b\r\n").unwrap();
    }
    for stream in &mut streams {
        assert_eq!(ask(stream, "", 10), "+OK\r\n$-1\r\n");
    }
    assert_eq!(server.control.connections(), [750; 4]);
    drop(streams);
    eventually("all are gone", || server.control.connections_total() == 0);
}

#[test]
fn client_above_the_maximum_gets_the_line_and_a_closed_connection() {
    let mut config = config(2);
    config.clients_max = 3;
    let server = start(config);
    let mut streams: Vec<TcpStream> = (0..3).map(|_| server.connect()).collect();
    for stream in &mut streams {
        assert_eq!(ask(stream, "PING\r\n", 7), "+PONG\r\n");
    }
    let mut reply = String::new();
    server.connect().read_to_string(&mut reply).unwrap();
    assert_eq!(reply, "-ERR max number of clients reached\r\n");
    assert_eq!(server.control.rejected_total(), 1);
    streams.pop();
    eventually("one has left", || server.control.connections_total() == 2);
    assert_eq!(ask(&mut server.connect(), "PING\r\n", 7), "+PONG\r\n");
    server.control.set_clients_max(10);
    assert_eq!(ask(&mut server.connect(), "PING\r\n", 7), "+PONG\r\n");
}

#[test]
fn port_in_use_and_too_many_cores_are_boot_errors() {
    let server = start(config(1));
    let mut second = config(1);
    second.listen.port = server.control.port();
    let error = serve(second, Toy::new, |_| panic!("it started")).unwrap_err();
    assert_eq!(error.exit_code(), EXIT_LISTEN);
    let mut pinned = config(100);
    pinned.pin = true;
    let error = serve(pinned, Toy::new, |_| panic!("it started")).unwrap_err();
    assert_eq!(error.exit_code(), EXIT_CORES);
}

#[test]
fn pinned_cores_serve_too() {
    let mut config = config(crate::runtime::cores::usable_cpus().len());
    config.pin = true;
    let server = start(config);
    assert_eq!(ask(&mut server.connect(), "SET a b\r\nGET a\r\n", 12), "+OK\r\n$1\r\nb\r\n");
    server.stop();
}

#[test]
fn shutdown_asked_by_a_client_ends_the_server_after_the_replies_are_sent() {
    let server = start(config(2));
    let mut other = server.connect();
    assert_eq!(ask(&mut other, "PING\r\n", 7), "+PONG\r\n");
    let mut stream = server.connect();
    stream.write_all(b"BIG 2000000\r\nSHUTDOWN\r\n").unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    assert_eq!(reply.len(), "$2000000\r\n".len() + 2_000_000 + 2);
    assert_eq!(other.read(&mut [0; 10]).unwrap(), 0);
    let reports = server.stop();
    assert_eq!(reports.len(), 2);
}

#[test]
fn a_client_that_does_not_read_cannot_hold_the_end_up() {
    let server = start(config(2));
    let mut stuck = server.connect();
    stuck.write_all(b"BIG 50000000\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let reports = server.stop();
    assert_eq!(reports.len(), 2);
    drop(stuck);
}

#[test]
fn a_service_that_wants_to_be_woken_is_and_an_idle_one_sleeps() {
    let waking = start_with(config(1), |toy| toy.wake_ms = Some(30));
    let sleeping = start(config(1));
    let (one, other) = (waking.connect(), sleeping.connect());
    std::thread::sleep(Duration::from_millis(1000));
    let crons = |stream: &TcpStream| line(stream, "CRONS\r\n")[1..].parse::<u64>().unwrap();
    let (woken, slept) = (crons(&one), crons(&other));
    assert!(woken >= 5, "{woken}");
    assert!(slept <= 5, "{slept}");
}

#[test]
fn a_client_that_pauses_just_as_long_as_falling_asleep_takes_is_always_answered() {
    let server = start(config(2));
    let mut stream = server.connect();
    let seed = 0x5eed_u64;
    println!("seed {seed:#x}");
    let mut prng = crate::base::prng::Prng::new(seed);
    for round in 0..300 {
        // The core dozes until 4 ms have passed, then arms its bed: aim at the step from one to the other.
        std::thread::sleep(Duration::from_micros(3_500 + prng.next_u64() % 1_500));
        assert_eq!(ask(&mut stream, &format!("SET key{round} v\r\n"), 5), "+OK\r\n");
    }
}

#[test]
fn a_core_asleep_for_long_is_woken_by_a_peer_and_by_a_client() {
    let server = start(config(4));
    let mut stream = server.connect();
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(30));
        let request: String = (0..64).map(|number| format!("SET key{number} v\r\n")).collect();
        assert_eq!(ask(&mut stream, &request, 64 * 5), "+OK\r\n".repeat(64));
    }
}
