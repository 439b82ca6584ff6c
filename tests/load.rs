//! `medusa load` against the real binary: the table, the files, and what it says when it cannot run.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A directory of one test, gone at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("medusa-load-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a scratch directory");
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn load(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medusa"));
    command.arg("load").args(arguments);
    command
}

#[test]
fn a_short_run_prints_its_table_and_leaves_its_files() {
    let out = Scratch::new("short");
    let folder = out.0.display().to_string();
    let words =
        "--cores 1 --pipeline 4 --tests set,get --seconds 0.05 --clients 4 --keyspace 600 --redis --out";
    let arguments: Vec<&str> = words.split(' ').chain([folder.as_str()]).collect();
    let Output { status, stdout, stderr } = load(&arguments).output().expect("the binary runs");
    let (table, progress) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{progress}");
    for row in ["4  SET   Medusa, 1 core", "4  SET   redis-server", "4  GET   Medusa, 1 core"] {
        assert!(table.contains(row), "{table}");
    }
    assert!(progress.contains("[4/4] redis-p4 get: "), "{progress}");

    let read =
        |name: &str| fs::read_to_string(out.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let csv = read("results.csv");
    assert_eq!(csv.lines().count(), 5, "{csv}");
    // The server's own percentiles are there for both servers.
    assert!(!csv.contains(",,"), "{csv}");
    assert!(read("results.md").contains("| 4 | GET | redis-server | "));
    assert!(read("load.svg").ends_with("</svg>\n"));
    assert!(read("runs/medusa-1c-p4.txt").contains("  set "));
    for text in ["medusa-1c-p4.txt.get.hgrm", "medusa-1c-p4.get.client.hgrm", "redis-p4.set.client.hgrm"] {
        assert!(read(&format!("runs/{text}")).contains("#[Max "), "{text}");
    }
}

#[test]
fn a_missing_redis_benchmark_is_named_with_its_package() {
    let output = load(&[]).env("PATH", "/nonexistent").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "medusa: redis-benchmark is not here: it is in the package redis-tools (apt-get install redis-tools)\n"
    );
}

#[test]
fn a_server_that_does_not_start_is_told_with_its_own_words() {
    let out = Scratch::new("broken");
    let folder = out.0.display().to_string();
    let output = load(&["--cores", "1", "--server", "/bin/false", "--out", &folder])
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("/bin/false ended at once (exit status: 1); it said: nothing"), "{said}");
}
