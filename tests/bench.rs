//! `medusa bench` against real servers: what it counts is what the server saw, and what it says when it
//! cannot run.

mod common;

use common::{Folder, Server};
use std::process::{Command, Output};

fn bench(port: u16, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medusa"));
    command.args(["bench", "--port", &port.to_string()]).args(words.split_whitespace());
    command.output().expect("the binary runs")
}

/// A figure of `--json`'s object.
fn figure(json: &str, name: &str) -> f64 {
    let line = json.lines().find(|line| line.trim().starts_with(&format!("\"{name}\":")));
    let line = line.unwrap_or_else(|| panic!("{name} in\n{json}"));
    let value = line.rsplit(": ").next().unwrap().trim_end_matches(',');
    value.parse().unwrap_or_else(|_| panic!("{name} is {value}"))
}

fn json(port: u16, words: &str) -> String {
    let Output { status, stdout, stderr } = bench(port, &format!("{words} --json"));
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[test]
fn as_many_requests_arrive_as_are_counted() {
    let server = Server::medusa(2);
    for (round, words) in ["-c 5 -P 16", "-c 4 --threads 2 -P 3", "-c 3 --rate 20000"].iter().enumerate() {
        let found = json(server.port, &format!("{words} -n 1003 -r 1 --mix incr"));
        assert_eq!((figure(&found, "requests"), figure(&found, "errors")), (1003.0, 0.0), "{words}");
        // With one key and INCR, the server itself has counted.
        let count = server.connect_tcp().ask("GET counter:000000000000");
        assert!(count.ends_with(&format!("\r\n{}\r\n", 1003 * (round + 1))), "{words}: {count}");
    }
}

#[test]
fn values_larger_than_the_buffers_go_both_ways() {
    let server = Server::medusa(1);
    let found =
        json(server.port, "-c 3 -P 4 -n 60 -r 5 -d 600000 --prefill --mix get,set,mget --keys-per-command 3");
    assert_eq!((figure(&found, "requests"), figure(&found, "nulls")), (60.0, 0.0));
}

#[test]
fn a_short_run_reports_latency_fairness_and_cpu() {
    let server = Server::redis();
    let words = format!(
        "-c 4 -P 8 --seconds 0.4 --warm-up 0.1 --prefill -r 1000 --mix get:9,set:1 --server-pid {}",
        server.pid()
    );
    let Output { status, stdout, stderr } = bench(server.port, &words);
    let text = String::from_utf8_lossy(&stdout);
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    for part in
        ["4 connections, 1 thread, pipeline 8", "requests/s", "p99.99", "fewest", "calmest tenth", "own CPU"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("nulls") && !text.contains("errors"), "{text}");
}

/// Runs a small comparison that leaves its files in `folder`; what it printed.
fn compare(folder: &Folder, words: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medusa"));
    command.args(["bench", "compare", "-c", "4", "-r", "500"]);
    let output = command.args(words.split_whitespace()).arg("--out").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The figures of a CSV file, a line for each server and setting.
fn figures(folder: &Folder, name: &str) -> Vec<(String, Vec<f64>)> {
    let csv = std::fs::read_to_string(folder.file(name)).unwrap();
    let columns = csv.lines().next().unwrap().split(',').collect::<Vec<_>>();
    let labels = columns.iter().position(|column| *column == "server").unwrap() + 1;
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), columns.len(), "{csv}");
        // An empty cell is a figure that this server does not have.
        let figures = cells[labels..].iter().map(|cell| cell.parse().unwrap_or(f64::NAN));
        (cells[..labels].join(" "), figures.collect())
    };
    csv.lines().skip(1).map(line).collect()
}

#[test]
fn a_comparison_prints_a_table_and_leaves_every_round() {
    let folder = Folder::new();
    let text = compare(&folder, "--cores 1 -P 4 --rounds 2 --seconds 0.2 --sections throughput,client");
    for part in ["| 4 | redis-server | ", "| 4 | Medusa | ", "One client"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let read = |name: &str| std::fs::read_to_string(folder.file(name)).unwrap();
    assert_eq!(read("throughput.csv").lines().count(), 5);
    assert_eq!(read("client.csv").lines().count(), 5);
    let svg = read("throughput.svg");
    assert!(svg.contains(">redis-server<") && svg.contains(">P=4<") && svg.ends_with("</svg>\n"), "{svg}");
    let report = read("report.md");
    for part in ["Linux ", "; medusa 0.", ", redis-server 7.", "medusa bench compare -c 4 "] {
        assert!(report.contains(part), "{part} in\n{report}");
    }
    let order =
        ["## throughput\n", "| 4 | Medusa | ", "## client\n", "One client"].map(|part| report.find(part));
    assert!(order.is_sorted() && order[0].is_some(), "{report}");
}

#[test]
fn a_server_far_away_costs_no_less_than_one_nearby() {
    let folder = Folder::new();
    let text = compare(&folder, "--cores 1,2 --rounds 1 --seconds 0.2 --sections client");
    // One core has nothing far away.
    assert_eq!(text.matches(" | - | - | - |").count(), 2, "{text}");
    let all = figures(&folder, "client.csv");
    let [_, _, (_, redis), (label, medusa)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(label, "2 Medusa");
    for figures in [redis, medusa] {
        let [near, far, difference] = figures[4..] else { panic!("{all:?}") };
        assert!(0.0 < near && near <= far && (far - near - difference).abs() < 0.01, "{all:?}");
    }
}

#[test]
fn starting_and_batching_are_measured_for_every_server() {
    let folder = Folder::new();
    let text = compare(&folder, "--cores 1 --rounds 1 --seconds 0.2 --sections start,depth");
    assert!(text.contains("first PONG") && text.contains("P=10 over P=1"), "{text}");
    for (server, figures) in figures(&folder, "start.csv") {
        assert!((0.1..10_000.0).contains(&figures[0]), "{server}: {figures:?}");
    }
    for (server, figures) in figures(&folder, "depth.csv") {
        let [single, ten, ratio] = figures[..] else { panic!("{server}: {figures:?}") };
        assert!(single == 0.0 || (ten / single - ratio).abs() < 0.01, "{server}: {figures:?}");
    }
}

#[test]
fn every_mix_of_commands_stands_beside_the_reference() {
    let folder = Folder::new();
    let text = compare(&folder, "--cores 1 --rounds 1 --seconds 0.05 --sections mixes");
    assert!(text.contains("| 1 | MGET of 10 1024 B | Medusa | ") && text.contains("| 1 | INCR | "), "{text}");
    let all = figures(&folder, "mixes.csv");
    assert_eq!(all.len(), 32, "{all:?}");
    // On a busy machine the load may not get a turn in so short a time; but surely in most of them.
    assert!(all.iter().filter(|(_, figures)| figures[2] > 0.0).count() > 16, "{all:?}");
}

#[test]
fn one_request_at_a_time_is_measured_beside_a_deep_pipeline() {
    let folder = Folder::new();
    compare(&folder, "--cores 1 --rounds 1 --seconds 0.3 --sections fairness");
    let all = figures(&folder, "fairness.csv");
    assert_eq!(all.len(), 4, "beside quick commands and beside slow ones: {all:?}");
    for (server, figures) in all {
        let [alone, _, p50, p99, p999, single, deep] = figures[..] else { panic!("{figures:?}") };
        assert!(alone > 0.0 && 0.0 < p50 && p50 <= p99 && p99 <= p999, "{server}: {figures:?}");
        assert!(single > 0.0 && deep > 0.0, "{server}: {figures:?}");
    }
}

#[test]
fn a_growing_table_is_measured_and_the_servers_word_stands_beside() {
    let folder = Folder::new();
    let words = "--cores 1 --rounds 1 --seconds 0.2 --memory-keys 2000 --growth-keys 20000 --sections growth";
    let text = compare(&folder, words);
    assert!(text.contains("From 2,000 keys to 20,000"), "{text}");
    let all = figures(&folder, "growth.csv");
    let [(_, redis), (_, medusa)] = all.as_slice() else { panic!("{all:?}") };
    // Redis says nothing of its table.
    assert!(redis[5].is_nan() && medusa[5] > 0.0, "{all:?}");
    assert!(redis[1] > 0.0 && medusa[1] > 0.0, "{all:?}");
}

#[test]
fn freeing_is_measured_in_four_ways_for_every_server() {
    let folder = Folder::new();
    let words =
        "--cores 2 --rounds 1 --seconds 0.2 --memory-keys 3000 --big-bytes 1000000 --sections freeing";
    let text = compare(&folder, words);
    for part in ["| 2 | FLUSHALL | Medusa |", "| 2 | expiry of all | redis-server |", "of 1 MB | Medusa |"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let all = figures(&folder, "freeing.csv");
    assert_eq!(all.len(), 8);
    for (server, figures) in all {
        let [took, quiet, stalled, above, ..] = figures[..] else { panic!("{figures:?}") };
        assert!(took >= 0.0 && quiet > 0.0, "{server}: {figures:?}");
        assert!((stalled - quiet - above).abs() < 0.01, "{server}: {figures:?}");
    }
}

#[test]
fn every_data_type_stands_beside_the_reference_in_two_depths() {
    let folder = Folder::new();
    let text = compare(&folder, "--cores 1 --rounds 1 --seconds 0.05 --memory-keys 3000 --sections types");
    for part in ["| 1 | ZPOPMIN, P=1 | Medusa | ", "| 1 | MSET of 10, P=16 | redis-server | "] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let all = figures(&folder, "types.csv");
    assert_eq!(all.len(), 40, "{all:?}");
    // As with the mixes: on a busy machine the load may not get a turn in so short a time.
    assert!(all.iter().filter(|(_, figures)| figures[2] > 0.0).count() > 20, "{all:?}");
}

#[test]
fn an_mget_over_all_cores_is_measured_beside_one_of_keys_that_live_together() {
    let folder = Folder::new();
    compare(&folder, "--cores 2 --rounds 1 --seconds 0.2 --sections spanning");
    for (server, figures) in figures(&folder, "spanning.csv") {
        let [near, far, anywhere, over_near, over_far] = figures[..] else { panic!("{server}: {figures:?}") };
        assert!(0.0 < near && near <= far, "{server}: {figures:?}");
        assert!((anywhere / near - over_near).abs() < 0.01, "{server}: {figures:?}");
        assert!((anywhere / far - over_far).abs() < 0.01, "{server}: {figures:?}");
    }
}

#[test]
fn collections_are_weighed_big_and_small() {
    let folder = Folder::new();
    let words = "--cores 1 --rounds 1 --memory-keys 20000 --sections collections";
    let text = compare(&folder, words);
    assert!(text.contains("| 1 | lists of 10 items | Medusa | "), "{text}");
    let all = figures(&folder, "collections.csv");
    assert_eq!(all.len(), 12, "{all:?}");
    assert!(all.iter().all(|(_, figures)| figures[0].is_finite()), "{all:?}");
}

#[test]
fn stalls_are_watched_for_every_command_that_a_server_has() {
    let folder = Folder::new();
    let words = "--cores 1 --rounds 1 --seconds 0.2 --memory-keys 3000 --sections stalls";
    let text = compare(&folder, words);
    assert!(text.contains("| 1 | KEYS | Medusa | "), "{text}");
    let all = figures(&folder, "stalls.csv");
    assert_eq!(all.len(), 10, "{all:?}");
    for (server, figures) in all {
        let lacking = figures.iter().all(|figure| figure.is_nan());
        assert!(lacking || figures.iter().all(|figure| *figure > 0.0), "{server}: {figures:?}");
        assert!(!lacking || !server.contains("redis-server"), "{server}");
    }
}

#[test]
fn growth_that_ends_where_it_begins_is_refused() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medusa"));
    command.args(["bench", "compare", "--sections", "growth", "--growth-keys", "1000000"]);
    let Output { status, stderr, .. } = command.output().unwrap();
    assert_eq!(status.code(), Some(1));
    let text = String::from_utf8_lossy(&stderr);
    assert!(text.starts_with("medusa: --growth-keys 1000000: it must be above --memory-keys"), "{text}");
}

#[test]
fn error_replies_are_counted_and_shown() {
    let server = Server::medusa(1);
    let Output { stdout, .. } = bench(server.port, "-n 10 -c 1 --command NONSENSE");
    let text = String::from_utf8_lossy(&stdout);
    assert!(
        text.contains("errors") && text.contains("10; the first: ERR unknown command 'NONSENSE'"),
        "{text}"
    );
}

#[test]
fn what_keeps_it_from_running_is_one_sentence() {
    let Output { status, stderr, .. } = bench(1, "-n 1");
    assert_eq!(status.code(), Some(1));
    let text = String::from_utf8_lossy(&stderr);
    assert!(
        text.starts_with("medusa: cannot connect to 127.0.0.1:1: ") && text.lines().count() == 1,
        "{text}"
    );
}
