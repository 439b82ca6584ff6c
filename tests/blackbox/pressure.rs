//! Clients that take more than their share, and the end of a server under load.
//!
//! Sizes are for a test binary on a shared machine; MEDUSA_PRESSURE=full takes those of the promise
//! (1,000,000 GETs unread, 5,000 idle connections) and wants a release binary in MEDUSA_BINARY.

use crate::common::{Server, Wire};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn full() -> bool {
    std::env::var("MEDUSA_PRESSURE").is_ok_and(|size| size == "full")
}

#[test]
fn a_client_that_writes_before_it_reads_gets_every_reply_and_little_memory() {
    let gets: usize = if full() { 1_000_000 } else { 150_000 };
    for cores in [1, 2] {
        let server = Server::medusa(cores);
        let mut wire = server.connect_tcp();
        let value = vec![b'v'; 1024];
        for number in 0..100 {
            assert_eq!(wire.call(&[b"SET", format!("key:{number}").as_bytes(), &value]), b"+OK\r\n");
        }
        let before_kb = server.resident_kb();
        let mut frames = Vec::new();
        for number in 0..gets {
            frames.extend_from_slice(
                format!("*2\r\n$3\r\nGET\r\n$6\r\nkey:{:02}\r\n", number % 100).as_bytes(),
            );
        }
        // Two digits for all of them.
        for number in 0..10 {
            assert_eq!(wire.call(&[b"SET", format!("key:0{number}").as_bytes(), &value]), b"+OK\r\n");
        }
        let mut other = server.connect_tcp();
        // Not a byte is read until all are written: the requests have to wait somewhere.
        wire.send(&frames);
        assert_eq!(other.ask("PING"), "+PONG\r\n", "others are served meanwhile");
        let held_kb = server.resident_kb();
        assert!(held_kb < 200 << 10, "{cores} cores: {held_kb} KB resident, {before_kb} KB before");
        let expected = [&b"$1024\r\n"[..], &value, b"\r\n"].concat();
        for number in 0..gets {
            let reply = wire.reply();
            assert!(reply == expected, "reply {number} of {gets}: {} bytes", reply.len());
            if number % 50_000 == 0 {
                assert!(server.resident_kb() < 200 << 10);
            }
        }
        assert_eq!(wire.ask("PING"), "+PONG\r\n");
    }
}

#[test]
fn idle_connections_cost_little() {
    let connections: u64 = if full() { 5_000 } else { 400 };
    for cores in [1, 2] {
        let server = Server::medusa(cores);
        let mut warm: Vec<Wire> = (0..50).map(|_| server.connect_tcp()).collect();
        warm.iter_mut().for_each(|wire| assert_eq!(wire.ask("PING"), "+PONG\r\n"));
        let before_kb = server.resident_kb();
        let mut wires: Vec<Wire> = (0..connections).map(|_| server.connect_tcp()).collect();
        wires.iter_mut().for_each(|wire| assert_eq!(wire.ask("PING"), "+PONG\r\n"));
        let each = (server.resident_kb().saturating_sub(before_kb) << 10) / connections;
        println!("{cores} cores: {each} bytes for each of {connections} idle connections");
        // Pages come in steps, which few connections do not average out.
        let most = if full() { 4096 } else { 16 << 10 };
        assert!(each <= most, "{cores} cores: {each} bytes for each idle connection");
    }
}

#[test]
fn sigterm_under_load_ends_in_order_and_leaves_the_report() {
    for cores in crate::CORES {
        let folder = crate::common::Folder::new();
        let report = folder.file("report.txt");
        let mut server = Server::medusa_with(cores, &["--latency-report", report.to_str().unwrap()]);
        let (done, sent) = (AtomicBool::new(false), AtomicU64::new(0));
        let status = std::thread::scope(|scope| {
            for thread in 0..4 {
                let (server, done, sent) = (&server, &done, &sent);
                let mut wire = server.connect_tcp();
                scope.spawn(move || {
                    let mut number = thread;
                    while !done.load(Ordering::Relaxed) {
                        let batch =
                            (0..32).map(|at| format!("SET key:{} x\r\nGET key:{at}\r\n", number + at));
                        // The server may go at any byte: that is an end, not a failure.
                        if wire.try_send(batch.collect::<String>().as_bytes()).is_err() {
                            return;
                        }
                        for _ in 0..64 {
                            if wire.try_reply().is_err() {
                                return;
                            }
                            sent.fetch_add(1, Ordering::Relaxed);
                        }
                        number += 32;
                    }
                });
            }
            crate::common::until("load flows", || sent.load(Ordering::Relaxed) > 5_000);
            let pid = server.pid();
            let started = Instant::now();
            assert!(
                std::process::Command::new("kill")
                    .args(["-TERM", &pid.to_string()])
                    .status()
                    .unwrap()
                    .success()
            );
            let deadline = started + Duration::from_secs(10);
            // The server is shared with the threads until they end; the kernel knows whether it runs.
            while fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
                assert!(Instant::now() < deadline, "still running 10 s after SIGTERM");
                std::thread::sleep(Duration::from_millis(2));
            }
            done.store(true, Ordering::Relaxed);
            started.elapsed()
        });
        let exit = server.wait(Duration::from_secs(5)).expect("it has ended");
        assert_eq!(exit.code(), Some(0), "{}", server.log());
        assert!(status < Duration::from_secs(2), "{cores} cores: {status:?} from SIGTERM to the end");
        let report = fs::read_to_string(&report).unwrap();
        for word in ["set", "get", "p99"] {
            assert!(report.to_lowercase().contains(word), "{word} is missing in:\n{report}");
        }
    }
}

#[test]
fn shutdown_ends_with_code_0() {
    for cores in crate::CORES {
        let mut server = Server::medusa(cores);
        let mut wire = server.connect_tcp();
        wire.send(b"SHUTDOWN NOSAVE\r\n");
        assert_eq!(wire.rest(), b"");
        let exit = server.wait(Duration::from_secs(5)).expect("it ends");
        assert_eq!(exit.code(), Some(0), "{}", server.log());
        assert!(!server.socket.exists(), "the unix socket is removed");
    }
}

#[test]
fn a_reader_that_never_reads_does_not_stop_the_others() {
    let server = Server::medusa(2);
    let mut greedy: Vec<Wire> = (0..4).map(|_| server.connect_tcp()).collect();
    let value = vec![b'v'; 64 << 10];
    assert_eq!(greedy[0].call(&[b"SET", b"big".as_slice(), &value]), b"+OK\r\n");
    for wire in &mut greedy {
        wire.send("GET big\r\n".repeat(2_000).as_bytes());
    }
    let mut wire = server.connect_tcp();
    for number in 0..500 {
        assert_eq!(wire.ask(&format!("SET key:{number} x")), "+OK\r\n");
        assert_eq!(wire.ask(&format!("GET key:{number}")), "$1\r\nx\r\n");
    }
    assert!(server.resident_kb() < 200 << 10, "{} KB", server.resident_kb());
}
