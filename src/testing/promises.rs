//! ARCHITECTURE.md's promises: each names the tests that defend it, and each of these is there.
//!
//! A test is written as `FILE::NAME` in backquotes, on a line of its own under its promise.

use std::fs;
use std::path::Path;

/// The numbered promises under the heading, each with the tests that it names.
fn promises(document: &str) -> Vec<(u32, Vec<&str>)> {
    let mut promises: Vec<(u32, Vec<&str>)> = Vec::new();
    let lines = document.lines().skip_while(|line| !line.starts_with("## Promises")).skip(1);
    for line in lines.take_while(|line| !line.starts_with("## ")) {
        let number = line.split_once(". ").and_then(|(digits, _)| digits.parse().ok());
        if let Some(number) = number {
            promises.push((number, Vec::new()));
        }
        let quoted = line.split('`').skip(1).step_by(2).filter(|name| name.contains(".rs::"));
        if let Some((_, tests)) = promises.last_mut() {
            tests.extend(quoted);
        }
    }
    promises
}

/// What is wrong with a test that a promise names; `source` is its file, if there is one.
fn fault(test: &str, source: Option<&str>) -> Option<String> {
    let (file, name) = test.split_once("::")?;
    let Some(source) = source else { return Some(format!("{file} is gone")) };
    let mut lines = source.lines().map(str::trim);
    let head = format!("fn {name}()");
    let mut is_test = false;
    let found = lines.any(|line| {
        let here = line.strip_prefix("pub ").unwrap_or(line).starts_with(&head);
        if !here {
            is_test = line == "#[test]" || is_test && (line.starts_with("#[") || line.starts_with("//"));
        }
        here
    });
    match (found, is_test) {
        (true, true) => None,
        (true, false) => Some(format!("{test} is no test")),
        (false, _) => Some(format!("{file} has no test `{name}`")),
    }
}

#[test]
fn every_promise_names_tests_and_each_of_them_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let promises = promises(&document);
    assert!(
        promises.len() > 10,
        "ARCHITECTURE.md has a heading `## Promises` and numbered promises under it"
    );
    let mut faults = Vec::new();
    for (at, (number, tests)) in promises.iter().enumerate() {
        if *number as usize != at + 1 {
            faults.push(format!("promise {number} stands in place {}", at + 1));
        }
        if tests.is_empty() {
            faults.push(format!("promise {number} names no test"));
        }
        for test in tests {
            let file = test.split_once("::").map_or("", |(file, _)| file);
            let source = fs::read_to_string(root.join(file)).ok();
            faults.extend(fault(test, source.as_deref()).map(|fault| format!("promise {number}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "ARCHITECTURE.md:\n{}", faults.join("\n"));
}

/// Half a keyspace is worse than none: no thread of a release goes on without another.
#[test]
fn a_panic_ends_the_process() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let release = manifest.split("[profile.release]").nth(1).expect("a release profile");
    let release = release.split("\n[").next().unwrap_or(release);
    assert!(release.lines().any(|line| line.trim() == "panic = \"abort\""), "{release}");
}

#[test]
fn a_promise_without_its_test_is_noticed() {
    let document = "## Promises\n1. One.\n   - `a.rs::is_there`\n2. Two (`a.rs`).\n## Else\n`b.rs::not_here`";
    assert_eq!(promises(document), [(1, vec!["a.rs::is_there"]), (2, vec![])]);
    let source = "#[test]\n// Why.\nfn is_there() {\n}\nfn no_test() {\n}\n";
    assert_eq!(fault("a.rs::is_there", Some(source)), None);
    assert!(fault("a.rs::no_test", Some(source)).unwrap().contains("is no test"));
    assert!(fault("a.rs::is_the", Some(source)).unwrap().contains("has no test"));
    assert!(fault("a.rs::is_there", None).unwrap().contains("is gone"));
}
