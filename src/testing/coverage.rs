//! The parts of the README that are made from the sources: its coverage table from the command table, its
//! list of differences from `differences.rs`. A stale README fails here; to write it anew:
//!
//!   MEDUSA_WRITE_README=1 cargo test --lib readme

use crate::command::spec::Group;
use crate::command::table::{Command, Table};
use crate::testing::differences::DELIBERATE;
use std::fmt::Write;
use std::path::Path;

/// Families of the table, in the order of the README.
const GROUPS: &[(Group, &str)] = &[
    (Group::String, "strings"),
    (Group::List, "lists"),
    (Group::Hash, "hashes"),
    (Group::Set, "sets"),
    (Group::SortedSet, "sorted sets"),
    (Group::Stream, "streams"),
    (Group::Bitmap, "bits of strings"),
    (Group::Hyperloglog, "HyperLogLogs"),
    (Group::Geo, "places on the globe"),
    (Group::Transactions, "transactions"),
    (Group::Generic, "keys"),
    (Group::Connection, "connections"),
    (Group::Server, "the server"),
];

/// `GET`, or `CLIENT (ID, LIST)`.
fn shown(command: &Command) -> String {
    let name = command.spec.name.to_uppercase();
    if command.subcommands.is_empty() {
        return name;
    }
    let mut subcommands: Vec<String> =
        command.subcommands.iter().map(|sub| sub.spec.name.to_uppercase()).collect();
    subcommands.sort();
    format!("{name} ({})", subcommands.join(", "))
}

/// The coverage table: every command of the table, by family.
fn coverage() -> String {
    let tops = Table::get().tops();
    let mut text = String::from("| commands about | |\n|---|---|\n");
    let mut written = 0;
    for (group, name) in GROUPS {
        let mut commands: Vec<String> = tops
            .iter()
            .filter(|command| command.spec.group == *group)
            .map(|command| shown(command))
            .collect();
        commands.sort();
        written += commands.len();
        let _ = writeln!(text, "| {name} | {} |", commands.join(", "));
    }
    assert_eq!(written, tops.len(), "a group is missing in GROUPS");
    text
}

/// The list of deliberate differences.
fn differences() -> String {
    let line = |difference: &crate::testing::differences::Difference| {
        format!("- **{}**: {}\n", difference.subject, difference.sentence)
    };
    DELIBERATE.iter().map(line).collect()
}

/// The document with what stands between `<!-- name -->` and `<!-- /name -->` replaced.
fn with_part(document: &str, name: &str, part: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = document.find(&open).unwrap_or_else(|| panic!("README.md has no {open}")) + open.len();
    let end = start + document[start..].find(&close).unwrap_or_else(|| panic!("README.md has no {close}"));
    format!("{}{part}{}", &document[..start], &document[end..])
}

#[test]
fn the_readme_says_what_the_sources_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let document = std::fs::read_to_string(&path).expect("a README.md");
    let document_due = with_part(&document, "coverage", &coverage());
    let document_due = with_part(&document_due, "differences", &differences());
    if std::env::var_os("MEDUSA_WRITE_README").is_some() {
        std::fs::write(&path, document_due).expect("a writable README.md");
    } else {
        assert!(
            document == document_due,
            "README.md is stale; write it anew with: MEDUSA_WRITE_README=1 cargo test --lib readme"
        );
    }
}

#[test]
fn the_readme_names_every_exit_code() {
    let document = include_str!("../../README.md");
    let source = include_str!("../server/exit.rs");
    for line in source.lines().filter_map(|line| line.strip_prefix("pub const EXIT_")) {
        let code = line.split(['=', ';']).nth(1).expect("a value").trim();
        let row = format!("| {code} |");
        assert!(document.contains(&row), "README.md's exit codes lack {code}, of EXIT_{line}");
    }
}
