//! Connections that act on connections, wherever their cores are.

use crate::at_each_core_count;
use crate::common::{Server, Wire, until};
use std::collections::BTreeSet;
use std::time::Duration;

fn client_id(wire: &mut Wire) -> String {
    wire.ask("CLIENT ID").trim_start_matches(':').trim_end().to_string()
}

/// Value of a field in a line of CLIENT LIST.
fn field<'l>(line: &'l str, name: &str) -> &'l str {
    let words = line.split(' ').filter_map(|word| word.split_once('='));
    words
        .clone()
        .find(|(key, _)| *key == name)
        .map_or_else(|| panic!("no {name} in {line}"), |(_, value)| value)
}

/// Text of a bulk or verbatim reply.
fn text_of(reply: &str) -> &str {
    reply.split_once("\r\n").map_or("", |(_, text)| text.trim_end_matches("\r\n"))
}

#[test]
fn client_list_shows_every_connection_of_every_core() {
    at_each_core_count(|server| {
        let mut wires: Vec<Wire> =
            (0..16).map(|at| if at % 2 == 0 { server.connect_tcp() } else { server.connect() }).collect();
        let mut ids = BTreeSet::new();
        for (at, wire) in wires.iter_mut().enumerate() {
            assert_eq!(wire.ask(&format!("CLIENT SETNAME worker-{at}")), "+OK\r\n");
            ids.insert(client_id(wire));
        }
        assert_eq!(ids.len(), 16, "ids are unique");
        wires[3].ask("SELECT 7");
        wires[4].ask("HELLO 3");
        let list = wires[0].ask("CLIENT LIST");
        let lines: Vec<&str> = text_of(&list).lines().filter(|line| !line.is_empty()).collect();
        for at in 0..16 {
            let name = format!("worker-{at}");
            let line = lines
                .iter()
                .find(|line| field(line, "name") == name)
                .unwrap_or_else(|| panic!("{name}: {list}"));
            assert!(ids.contains(field(line, "id")));
            assert_eq!(field(line, "db"), if at == 3 { "7" } else { "0" });
            assert_eq!(field(line, "resp"), if at == 4 { "3" } else { "2" });
        }
        let two: Vec<&String> = ids.iter().take(2).collect();
        let list = wires[5].ask(&format!("CLIENT LIST ID {} {}", two[0], two[1]));
        assert_eq!(text_of(&list).lines().filter(|line| !line.is_empty()).count(), 2);
    });
}

#[test]
fn client_lines_have_the_fields_of_redis() {
    let names = |server: &Server| {
        let reply = server.connect_tcp().ask("CLIENT INFO");
        let line = text_of(&reply).trim_end().to_string();
        line.split(' ').map(|word| word.split('=').next().unwrap().to_string()).collect::<Vec<_>>()
    };
    let reference = names(&Server::redis());
    for cores in crate::CORES {
        let ours = names(&Server::medusa(cores));
        assert_eq!(ours[..reference.len()], reference[..]);
        // Redis 7.2's, told by CLIENT SETINFO.
        assert_eq!(ours[reference.len()..], ["lib-name", "lib-ver"]);
    }
}

#[test]
fn client_kill_reaches_other_cores() {
    at_each_core_count(|server| {
        let mut killer = server.connect_tcp();
        for _ in 0..8 {
            let mut victim = server.connect_tcp();
            let id = client_id(&mut victim);
            assert_eq!(killer.ask(&format!("CLIENT KILL ID {id}")), ":1\r\n");
            assert_eq!(victim.rest(), b"");
            assert_eq!(killer.ask(&format!("CLIENT KILL ID {id}")), ":0\r\n");
        }
        let mut victims: Vec<Wire> = (0..8).map(|_| server.connect_tcp()).collect();
        victims.iter_mut().for_each(|wire| assert_eq!(wire.ask("PING"), "+PONG\r\n"));
        assert_eq!(killer.ask("CLIENT KILL TYPE normal SKIPME yes"), ":8\r\n");
        victims.iter_mut().for_each(|wire| assert_eq!(wire.rest(), b""));
        assert_eq!(killer.ask("CLIENT KILL 127.0.0.1:1"), "-ERR No such client\r\n");
        let own = client_id(&mut killer);
        assert_eq!(killer.ask(&format!("CLIENT KILL ID {own}")), ":0\r\n", "oneself only with SKIPME no");
        assert_eq!(killer.ask(&format!("CLIENT KILL ID {own} SKIPME no")), ":1\r\n");
        assert_eq!(killer.rest(), b"");
    });
}

#[test]
fn client_pause_holds_writers_on_every_core_and_lets_readers_read() {
    at_each_core_count(|server| {
        let mut wires: Vec<Wire> = (0..8).map(|_| server.connect_tcp()).collect();
        for (at, wire) in wires.iter_mut().enumerate() {
            assert_eq!(wire.ask(&format!("SET key:{at} 0")), "+OK\r\n");
        }
        let mut operator = server.connect_tcp();
        assert_eq!(operator.ask("CLIENT PAUSE 60000 WRITE"), "+OK\r\n");
        for (at, wire) in wires.iter_mut().enumerate() {
            assert_eq!(wire.ask(&format!("GET key:{at}")), "$1\r\n0\r\n");
            wire.command(&["SET", &format!("key:{at}"), "1"]);
        }
        assert!(wires[0].is_silent(Duration::from_millis(100)));
        for at in 0..8 {
            assert_eq!(operator.ask(&format!("GET key:{at}")), "$1\r\n0\r\n", "written while paused");
        }
        assert_eq!(operator.ask("CLIENT UNPAUSE"), "+OK\r\n");
        wires.iter_mut().for_each(|wire| assert_eq!(wire.reply(), b"+OK\r\n"));
        for at in 0..8 {
            assert_eq!(operator.ask(&format!("GET key:{at}")), "$1\r\n1\r\n");
        }
        assert_eq!(operator.ask("CLIENT PAUSE 300 ALL"), "+OK\r\n");
        wires.iter_mut().for_each(|wire| wire.send(b"GET key:0\r\n"));
        // It ends by itself.
        wires.iter_mut().for_each(|wire| assert_eq!(wire.reply(), b"$1\r\n1\r\n"));
    });
}

#[test]
fn client_reply_off_and_skip_leave_out_exactly_what_they_say() {
    at_each_core_count(|server| {
        let mut wire = server.connect_tcp();
        let mut frames = b"CLIENT REPLY OFF\r\n".to_vec();
        for number in 0..100 {
            frames.extend_from_slice(
                format!("SET key:{number} {number}\r\nGET key:{number}\r\nNOSUCH\r\n").as_bytes(),
            );
        }
        frames.extend_from_slice(b"CLIENT REPLY ON\r\nGET key:42\r\n");
        wire.send(&frames);
        assert_eq!(wire.reply(), b"+OK\r\n");
        assert_eq!(wire.reply(), b"$2\r\n42\r\n");
        wire.send(b"CLIENT REPLY SKIP\r\nGET key:1\r\nGET key:2\r\nCLIENT REPLY SKIP\r\nMGET key:1 key:2 key:3\r\nGET key:4\r\n");
        assert_eq!(wire.reply(), b"$1\r\n2\r\n");
        assert_eq!(wire.reply(), b"$1\r\n4\r\n");
        assert_eq!(wire.ask("PING"), "+PONG\r\n");
    });
}

#[test]
fn monitor_shows_the_commands_of_every_core() {
    at_each_core_count(|server| {
        let mut monitor = server.connect_tcp();
        assert_eq!(monitor.ask("MONITOR"), "+OK\r\n");
        let mut expected = BTreeSet::new();
        for at in 0..8 {
            let mut wire = server.connect_tcp();
            assert_eq!(wire.ask(&format!("SET monitored:{at} x")), "+OK\r\n");
            expected.insert(format!("\"SET\" \"monitored:{at}\" \"x\""));
        }
        while !expected.is_empty() {
            let line = String::from_utf8(monitor.reply()).unwrap();
            // +1700000000.123456 [0 127.0.0.1:50000] "SET" ...
            let (time, rest) = line.trim_start_matches('+').split_once(' ').unwrap();
            assert!(time.parse::<f64>().is_ok_and(|time| time > 1.6e9), "{line}");
            assert!(rest.starts_with("[0 127.0.0.1:"), "{line}");
            let (_, command) = rest.trim_end().split_once("] ").unwrap();
            assert!(expected.remove(command), "{line}");
        }
        // It sees its own commands too.
        monitor.send(b"RESET\r\n");
        while monitor.reply() != b"+RESET\r\n" {}
        assert_eq!(monitor.ask("PING"), "+PONG\r\n");
    });
}

#[test]
fn connections_are_spread_over_the_cores() {
    for cores in [2, 4] {
        let server = Server::medusa(cores);
        let mut wires: Vec<Wire> = (0..64).map(|_| server.connect_tcp()).collect();
        wires.iter_mut().for_each(|wire| assert_eq!(wire.ask("PING"), "+PONG\r\n"));
        let mut counts: Vec<u64> = Vec::new();
        // The connections with which the start was awaited may linger for a moment.
        until("64 connections are counted", || {
            let info = wires[0].ask("INFO medusa");
            let shards = info.lines().filter_map(|line| line.strip_prefix("shard")?.split_once(":keys="));
            let clients = |line: &str| line.split("clients=").nth(1)?.split(',').next()?.parse().ok();
            counts = shards.map(|(_, line)| clients(line).expect("a count")).collect();
            counts.iter().sum::<u64>() == 64
        });
        assert_eq!(counts.len(), cores);
        let most = *counts.iter().max().unwrap() as f64;
        assert!(most <= 64.0 / cores as f64 * 1.1, "{counts:?}");
    }
}
