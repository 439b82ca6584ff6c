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
    command.args(["bench", "compare", "--seconds", "0.2", "-c", "4", "-r", "500"]);
    let output = command.args(words.split_whitespace()).arg("--out").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_comparison_prints_a_table_and_leaves_every_round() {
    let folder = Folder::new();
    let text = compare(&folder, "--cores 1 -P 4 --rounds 2 --sections throughput,client");
    for part in ["| 4 | redis-server | ", "| 4 | Medusa | ", "One client"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let read = |name: &str| std::fs::read_to_string(folder.file(name)).unwrap();
    assert_eq!(read("throughput.csv").lines().count(), 5);
    assert_eq!(read("client.csv").lines().count(), 5);
    let svg = read("throughput.svg");
    assert!(svg.contains(">redis-server<") && svg.contains(">P=4<") && svg.ends_with("</svg>\n"), "{svg}");
    let report = read("report.md");
    for part in ["Linux ", "; medusa 0.", ", redis-server 7.", "medusa bench compare --seconds 0.2 "] {
        assert!(report.contains(part), "{part} in\n{report}");
    }
    let order =
        ["## throughput\n", "| 4 | Medusa | ", "## client\n", "One client"].map(|part| report.find(part));
    assert!(order.is_sorted() && order[0].is_some(), "{report}");
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
