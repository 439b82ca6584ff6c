//! What clients and exporters read about the server has Redis's shape: field names, rows, defaults.

use crate::at_each_core_count;
use crate::common::{Server, Wire};
use medusa::command::table::Table;
use medusa::resp::{Decoder, Value};
use medusa::testing::differences::NEWER;
use std::collections::{BTreeMap, BTreeSet};

fn value_of(wire: &mut Wire, words: &[&str]) -> Value {
    let reply = wire.call(words);
    Decoder::new().next(&reply).unwrap().unwrap().0
}

/// Sections of INFO with the names of their fields.
fn info_names(server: &Server, section: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut wire = server.connect_tcp();
    // Something for the sections that are empty otherwise.
    wire.ask("SET a 1");
    wire.ask("SET b 1 EX 1000");
    wire.ask("GET a");
    wire.ask("GET");
    let reply = wire.ask(&format!("INFO {section}"));
    let mut sections: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in reply.lines().skip(1) {
        if let Some(name) = line.strip_prefix("# ") {
            current = name.to_string();
            sections.entry(current.clone()).or_default();
        } else if let Some((name, _)) = line.split_once(':') {
            sections.entry(current.clone()).or_default().insert(name.to_string());
        }
    }
    sections
}

#[test]
fn info_has_the_sections_and_fields_of_redis() {
    // What would have to be invented: modules, forks, Redis's build, its Lua VM and its own buffers.
    const ABSENT: &[&str] = &[
        "Modules",
        "used_memory_vm_*",
        "aof_rewrites_*",
        "current_*",
        "module_fork_*",
        "atomicvar_api",
        "gcc_version",
        "monotonic_clock",
        "redis_build_id",
        "redis_git_*",
        "expired_stale_perc",
        "reply_buffer_*",
    ];
    let absent = |name: &str| {
        ABSENT
            .iter()
            .any(|known| known.strip_suffix('*').map_or(*known == name, |start| name.starts_with(start)))
    };
    let reference = info_names(&Server::redis(), "everything");
    for cores in crate::CORES {
        let ours = info_names(&Server::medusa(cores), "everything");
        let mut missing = Vec::new();
        for (section, names) in reference.iter().filter(|(section, _)| !absent(section)) {
            match ours.get(section) {
                None => missing.push(format!("section {section}")),
                Some(own) => {
                    let lacking = names.difference(own).filter(|name| !absent(name));
                    missing.extend(lacking.map(|name| format!("{section}: {name}")));
                }
            }
        }
        assert!(missing.is_empty(), "INFO lacks {missing:#?}");
    }
}

#[test]
fn info_counts_what_happened() {
    at_each_core_count(|server| {
        let mut wires: Vec<Wire> = (0..4).map(|_| server.connect_tcp()).collect();
        for (at, wire) in wires.iter_mut().enumerate() {
            for number in 0..25 {
                assert_eq!(wire.ask(&format!("SET key:{at}:{number} x")), "+OK\r\n");
                assert_eq!(wire.ask(&format!("GET key:{at}:{number}")), "$1\r\nx\r\n");
                assert_eq!(wire.ask(&format!("GET missing:{number}")), "$-1\r\n");
            }
        }
        let info = wires[0].ask("INFO everything");
        let says =
            |line: &str| assert!(info.lines().any(|own| own.starts_with(line)), "no line {line} in\n{info}");
        says("keyspace_hits:100");
        says("keyspace_misses:100");
        says("db0:keys=100,expires=0");
        says("cmdstat_set:calls=100,");
        says("cmdstat_get:calls=200,");
        says("redis_version:7.0.15");
        assert_eq!(wires[1].ask("CONFIG RESETSTAT"), "+OK\r\n");
        let info = wires[2].ask("INFO stats");
        assert!(info.contains("keyspace_hits:0\r\n"), "{info}");
    });
}

#[test]
fn every_row_of_the_table_is_described_as_redis_describes_it() {
    let (server, reference) = (Server::medusa(2), Server::redis());
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    let mut differences = Vec::new();
    for command in Table::get().tops() {
        let name = command.spec.name;
        if NEWER.contains(&name) {
            continue;
        }
        let pair = [&mut ours, &mut theirs].map(|wire| value_of(wire, &["COMMAND", "INFO", name]));
        for (left, right) in rows_of(&pair[0]).iter().zip(rows_of(&pair[1])) {
            let left = without_subcommands(left);
            let right = without_subcommands(&right);
            if left != right {
                differences.push(format!("{name}\n  medusa:    {left:?}\n  reference: {right:?}"));
            }
        }
        for sub in &command.subcommands {
            let full = &sub.full_name;
            if NEWER.contains(&full.as_str()) {
                continue;
            }
            let pair = [&mut ours, &mut theirs].map(|wire| wire.call(&["COMMAND", "INFO", full]));
            if pair[0] != pair[1] {
                let [left, right] = pair.map(|reply| reply.escape_ascii().to_string());
                differences.push(format!("{full}\n  medusa:    {left}\n  reference: {right}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} rows differ:\n{}", differences.len(), differences.join("\n"));
}

fn rows_of(reply: &Value) -> Vec<Value> {
    reply.as_items().map(<[Value]>::to_vec).unwrap_or_default()
}

/// A row of COMMAND INFO without its tenth part, which one server has more of.
fn without_subcommands(row: &Value) -> Vec<Value> {
    row.as_items().unwrap_or(&[]).iter().take(9).map(without_notes).collect()
}

/// A value without the prose in it: pairs named `notes`.
fn without_notes(value: &Value) -> Value {
    let Some(items) = value.as_items() else { return value.clone() };
    let mut kept = Vec::new();
    let mut at = 0;
    while at < items.len() {
        if items[at].as_bytes() == Some(b"notes") {
            at += 2;
            continue;
        }
        kept.push(without_notes(&items[at]));
        at += 1;
    }
    Value::Array(kept)
}

#[test]
fn command_docs_have_the_arguments_of_redis() {
    let (server, reference) = (Server::medusa(2), Server::redis());
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    let mut differences = Vec::new();
    for command in Table::get().commands().iter().filter(|command| command.subcommands.is_empty()) {
        let name = &command.full_name;
        if NEWER.contains(&name.as_str()) {
            continue;
        }
        let [left, right] =
            [&mut ours, &mut theirs].map(|wire| docs_of(&value_of(wire, &["COMMAND", "DOCS", name])));
        for part in ["since", "group"] {
            if left.get(part) != right.get(part) {
                differences.push(format!("{name} {part}: {:?}, not {:?}", left.get(part), right.get(part)));
            }
        }
        // The reference does not document the words of its GETKEYS at all, and nests these one level deeper
        // than what they say.
        let nested = ["client|kill", "client|list", "config|get"].contains(&name.as_str());
        if !nested && let Some(right) = right.get("arguments") {
            let (left, right) = (left.get("arguments").map_or(String::new(), picture), picture(right));
            if left != right {
                differences.push(format!("{name} arguments\n  medusa:    {left}\n  reference: {right}"));
            }
        }
        for part in ["summary", "complexity"] {
            let empty = |value: &Value| value.as_bytes().is_none_or(<[u8]>::is_empty);
            if right.contains_key(part) && left.get(part).is_none_or(empty) {
                differences.push(format!("{name} has no {part}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

/// What hints are made from: names of values, types, tokens, flags and nesting; not the names of groups,
/// nor the versions that first had a part.
fn picture(arguments: &Value) -> String {
    let one = |argument: &Value| {
        let pairs: BTreeMap<String, Value> = pairs_of(argument);
        let text = |name: &str| {
            let bytes = pairs.get(name).and_then(Value::as_bytes).unwrap_or(b"");
            String::from_utf8_lossy(bytes).into_owned()
        };
        let flags = pairs.get("flags").and_then(Value::as_items).unwrap_or(&[]);
        let flags: Vec<_> = flags.iter().filter_map(Value::as_bytes).map(String::from_utf8_lossy).collect();
        let parts = pairs.get("arguments").map_or(String::new(), |parts| format!("{{{}}}", picture(parts)));
        let name = if parts.is_empty() { text("name") } else { String::new() };
        format!("{name}:{} {} {}{parts}", text("type"), text("token"), flags.join("+"))
    };
    arguments.as_items().unwrap_or(&[]).iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The documentation of the one command in a reply of COMMAND DOCS.
fn docs_of(reply: &Value) -> BTreeMap<String, Value> {
    let Some([_, docs]) = reply.as_items() else { return BTreeMap::new() };
    pairs_of(docs)
}

/// RESP2's flat pairs as a map.
fn pairs_of(value: &Value) -> BTreeMap<String, Value> {
    let pairs = value.as_items().unwrap_or(&[]).chunks(2);
    let name = |value: &Value| String::from_utf8_lossy(value.as_bytes().unwrap_or(b"?")).into_owned();
    pairs.map(|pair| (name(&pair[0]), pair[1].clone())).collect()
}

#[test]
fn command_getkeys_finds_what_redis_finds() {
    let (server, reference) = (Server::medusa(2), Server::redis());
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    for line in [
        "GET a",
        "MGET a b c",
        "MSET a 1 b 2",
        "RENAME a b",
        "COPY a b DB 1",
        "LCS a b LEN",
        "SET a 1 EX 10",
        "DEL a b",
        "OBJECT ENCODING a",
        "MEMORY USAGE a",
        "PING",
        "GET",
        "NOSUCH a",
        "MSET a",
        "CLIENT LIST",
        "config|nosuch",
    ] {
        for verb in ["GETKEYS", "GETKEYSANDFLAGS"] {
            let line = format!("COMMAND {verb} {line}");
            assert_eq!(ours.ask(&line), theirs.ask(&line), "{line}");
        }
    }
    assert_eq!(ours.ask("COMMAND COUNT"), format!(":{}\r\n", Table::get().tops().len()));
}

#[test]
fn config_get_knows_redis_defaults() {
    let (server, reference) = (Server::medusa(2), Server::redis());
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    for name in [
        "maxclients",
        "timeout",
        "tcp-keepalive",
        "databases",
        "proto-max-bulk-len",
        "client-query-buffer-limit",
        "maxmemory",
        "maxmemory-policy",
        "appendonly",
        "save",
        "slowlog-log-slower-than",
        "slowlog-max-len",
        "protected-mode",
        "requirepass",
        "latency-tracking",
        "latency-tracking-info-percentiles",
        "client-output-buffer-limit",
        "hz",
        "tcp-backlog",
    ] {
        let line = format!("CONFIG GET {name}");
        assert_eq!(ours.ask(&line), theirs.ask(&line), "{line}");
    }
    for line in [
        "CONFIG GET nosuch",
        "CONFIG SET nosuch 1",
        "CONFIG SET maxclients",
        "CONFIG SET timeout abc",
        "CONFIG SET timeout -1",
        "CONFIG SET timeout 5 timeout 6",
        "CONFIG SET timeout 5 nosuch 6",
        "CONFIG SET port 1 bind",
        "CONFIG SET databases 5",
        "CONFIG SET slowlog-log-slower-than 5",
        "CONFIG GET slowlog-log-slower-than",
        "CONFIG REWRITE",
        "CONFIG NOSUCH",
        "CONFIG",
    ] {
        assert_eq!(ours.ask(line), theirs.ask(line), "{line}");
    }
}

#[test]
fn slow_commands_are_logged_and_histograms_count() {
    at_each_core_count(|server| {
        let mut wire = server.connect_tcp();
        assert_eq!(wire.ask("CONFIG SET slowlog-log-slower-than 0"), "+OK\r\n");
        for number in 0..20 {
            wire.ask(&format!("SET key:{number} x"));
        }
        let Value::Array(entries) = value_of(&mut wire, &["SLOWLOG", "GET", "5"]) else { panic!("an array") };
        assert_eq!(entries.len(), 5);
        for entry in &entries {
            let parts = entry.as_items().unwrap();
            assert_eq!(parts.len(), 6, "id, time, microseconds, words, address, name");
            assert!(parts[3].as_items().is_some_and(|words| !words.is_empty()));
        }
        // On a loaded machine anything may take long: nothing is slow from now on.
        assert_eq!(wire.ask("CONFIG SET slowlog-log-slower-than -1"), "+OK\r\n");
        assert_eq!(wire.ask("SLOWLOG RESET"), "+OK\r\n");
        assert_eq!(wire.ask("SLOWLOG LEN"), ":0\r\n");
        let histogram = wire.ask("LATENCY HISTOGRAM set");
        assert!(histogram.contains("$5\r\ncalls\r\n:20\r\n"), "{histogram}");
        assert!(histogram.contains("histogram_usec"), "{histogram}");
    });
}

/// The counters that only commands over several shards move, and the fields that such calls add.
#[test]
fn the_cost_of_spanning_shards_is_shown_and_only_there() {
    at_each_core_count(|server| {
        let mut wire = server.connect_tcp();
        let figure = |wire: &mut Wire, name: &str| {
            let info = wire.ask("INFO medusa");
            let line =
                info.lines().find_map(|line| line.strip_prefix(&format!("{name}:")).map(str::to_owned));
            line.unwrap_or_else(|| panic!("{name} in {info}")).parse::<u64>().unwrap()
        };
        let counters = ["spanning_commands", "spanning_transactions", "spanning_hops", "lock_requests"];
        assert_eq!(wire.ask("MSET {a}1 x {a}2 x"), "+OK\r\n");
        assert_eq!(wire.ask("MGET {a}1 {a}2"), "*2\r\n$1\r\nx\r\n$1\r\nx\r\n");
        assert_eq!(wire.ask("RENAME {a}1 {a}3"), "+OK\r\n");
        assert_eq!(wire.ask("DEL {a}2 {a}3"), ":2\r\n");
        for name in counters {
            assert_eq!(figure(&mut wire, name), 0, "{name}");
        }
        assert!(!wire.ask("INFO commandstats").contains("spanning"));
        // A hundred keys live on every core there is.
        let keys: Vec<String> = (0..100).map(|number| format!("key:{number}")).collect();
        wire.ask(&format!("MGET {}", keys.join(" ")));
        assert_eq!(wire.ask("MULTI"), "+OK\r\n");
        for key in &keys {
            assert_eq!(wire.ask(&format!("GET {key}")), "+QUEUED\r\n");
        }
        wire.ask("EXEC");
        let shards = figure(&mut wire, "shards");
        let several = u64::from(shards > 1);
        assert_eq!(figure(&mut wire, "spanning_commands"), several);
        assert_eq!(figure(&mut wire, "spanning_transactions"), several);
        assert_eq!(figure(&mut wire, "lock_requests"), 2 * several * shards);
        assert_eq!(figure(&mut wire, "lock_refusals"), 0);
        let counts = wire.ask("INFO commandstats");
        let mget = counts.lines().find(|line| line.starts_with("cmdstat_mget:")).unwrap();
        assert!(mget.starts_with("cmdstat_mget:calls=2,usec="), "{mget}");
        assert_eq!(mget.contains(",failed_calls=0,spanning_calls=1,spanning_usec="), several == 1, "{mget}");
        let latencies = wire.ask("INFO latencystats");
        assert!(latencies.contains("latency_percentiles_usec_mget:p50="), "{latencies}");
        assert_eq!(latencies.contains("latency_percentiles_spanning_wait_usec_mget:p50="), several == 1);
        let histogram = wire.ask("LATENCY HISTOGRAM mget");
        assert!(histogram.contains("$5\r\ncalls\r\n:2\r\n$14\r\nhistogram_usec\r\n"), "{histogram}");
        assert_eq!(histogram.contains("spanning_wait_histogram_usec"), several == 1, "{histogram}");
    });
}
