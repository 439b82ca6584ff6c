//! Transcripts: commands and what they must answer, proven on one shard and on simulated meshes.
//!
//! ```text
//! > SET k "a\x00b" EX 10        OK
//! > GET k                       "a\x00b"
//! > MGET k missing
//!     1) "a\x00b"
//!     2) (nil)
//! ! 11 s
//! > GET k                       (nil)
//! ```
//!
//! A line that starts with `>` is a command in the quoting of redis-cli. Its reply stands behind it,
//! after two spaces or more, or on the lines below it, in the form redis-cli prints. `2>` is the same
//! from a second client, `!` lets time pass (`ms` or `s`). A blank line or a line of `//` is nothing.
//! An expected `*` matches any reply, and a `*` at the end of an expected line any rest of that line.

use crate::base::prng::Prng;
use crate::base::words::{quote, split_owned};
use crate::resp::value::Value;
use crate::testing::sim::{Client, Sim};
use std::fmt::Write;
use std::time::Duration;

/// Runs a transcript on one shard, and on meshes of two and four under several seeds.
#[track_caller]
pub fn check(transcript: &str) {
    let seed = 0x5eed ^ transcript.len() as u64;
    run(transcript, 1, seed);
    let mut prng = Prng::new(seed);
    for shards in [2, 4] {
        for _ in 0..3 {
            run(transcript, shards, prng.next_u64());
        }
    }
}

/// Runs a transcript on `shards` shards; panics with the seed and the line.
#[track_caller]
pub fn run(transcript: &str, shards: u16, seed: u64) {
    let mut sim = Sim::new(shards, seed);
    let mut clients: Vec<Client> = vec![sim.connect()];
    for exchange in parse(transcript) {
        match exchange {
            Line::Wait(duration) => sim.advance(duration),
            Line::Command { client, text, words, expected } => {
                while clients.len() < client {
                    clients.push(sim.connect());
                }
                let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                sim.send_words(clients[client - 1], &words);
                sim.settle();
                let replies = sim.take_replies(clients[client - 1]);
                let shown = replies.iter().map(show).collect::<Vec<_>>().join("\n");
                assert!(
                    matches(&expected, &shown),
                    "\n{shards} shards, seed {seed:#x}\n> {text}\nexpected:\n{expected}\nanswered:\n{shown}\n"
                );
            }
        }
    }
}

enum Line {
    Wait(Duration),
    Command { client: usize, text: String, words: Vec<Vec<u8>>, expected: String },
}

fn parse(transcript: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for line in transcript.lines() {
        let text = line.trim();
        if text.is_empty() || text.starts_with("//") {
            continue;
        }
        if let Some(wait) = text.strip_prefix('!') {
            lines.push(Line::Wait(duration(wait.trim())));
            continue;
        }
        let command = text.strip_prefix('>').map(|rest| (1, rest)).or_else(|| {
            let (digit, rest) = text.split_once('>')?;
            Some((digit.parse().ok()?, rest))
        });
        match (command, lines.last_mut()) {
            (Some((client, rest)), _) => {
                let (command, expected) = cut(rest.trim());
                let words =
                    split_owned(command.as_bytes()).unwrap_or_else(|_| panic!("quotes in: {command}"));
                lines.push(Line::Command { client, text: command.into(), words, expected: expected.into() });
            }
            (None, Some(Line::Command { expected, .. })) => {
                if !expected.is_empty() {
                    expected.push('\n');
                }
                expected.push_str(text);
            }
            (None, _) => panic!("a reply without a command: {text}"),
        }
    }
    lines
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_once(' ').expect("a number and a unit");
    let number: u64 = number.parse().expect("a whole number");
    match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        _ => panic!("ms or s: {text}"),
    }
}

/// Cuts a line at the first run of two spaces or more that is outside quotes.
fn cut(line: &str) -> (&str, &str) {
    let bytes = line.as_bytes();
    let (mut quote, mut at) = (None, 0);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(open), byte) if open == byte => quote = None,
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, b' ') if bytes.get(at + 1) == Some(&b' ') => return (&line[..at], line[at..].trim()),
            _ => {}
        }
        at += 1;
    }
    (line, "")
}

/// Compares line by line without the indentation of nested replies.
fn matches(expected: &str, shown: &str) -> bool {
    if expected == "*" {
        return true;
    }
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let (expected, shown): (Vec<_>, Vec<_>) =
        (expected.lines().map(squeeze).collect(), shown.lines().map(squeeze).collect());
    expected.len() == shown.len()
        && expected.iter().zip(&shown).all(|(expected, shown)| match expected.strip_suffix('*') {
            Some(head) => shown.starts_with(head),
            None => expected == shown,
        })
}

/// A reply in the form redis-cli prints.
pub fn show(value: &Value) -> String {
    let mut out = String::new();
    show_into(value, 0, &mut out);
    out
}

fn show_into(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Simple(text) => out.push_str(&String::from_utf8_lossy(text)),
        Value::Error(text) => {
            let _ = write!(out, "(error) {}", String::from_utf8_lossy(text));
        }
        Value::Integer(number) => {
            let _ = write!(out, "(integer) {number}");
        }
        Value::Bulk(bytes) => {
            let mut quoted = Vec::new();
            quote(bytes, &mut quoted);
            out.push_str(&String::from_utf8_lossy(&quoted));
        }
        Value::Null | Value::NullArray => out.push_str("(nil)"),
        Value::Array(items) => list(items, ')', "(empty array)", indent, out),
        Value::Push(items) => list(items, ')', "(empty push)", indent, out),
        Value::Set(items) => list(items, '~', "(empty set)", indent, out),
        Value::Map(pairs) | Value::Attribute(pairs, _) => map(pairs, indent, out),
        Value::Double(text) => {
            let _ = write!(out, "(double) {text}");
        }
        Value::Boolean(flag) => out.push_str(if *flag { "(true)" } else { "(false)" }),
        Value::BigNumber(digits) => out.push_str(digits),
        Value::Verbatim(_, bytes) => out.push_str(&String::from_utf8_lossy(bytes)),
    }
}

fn list(items: &[Value], mark: char, empty: &str, indent: usize, out: &mut String) {
    if items.is_empty() {
        out.push_str(empty);
    }
    let width = items.len().to_string().len();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            let _ = write!(out, "\n{:indent$}", "");
        }
        let _ = write!(out, "{:>width$}{mark} ", at + 1);
        show_into(item, indent + width + 2, out);
    }
}

fn map(pairs: &[(Value, Value)], indent: usize, out: &mut String) {
    if pairs.is_empty() {
        out.push_str("(empty hash)");
    }
    let width = pairs.len().to_string().len();
    for (at, (key, value)) in pairs.iter().enumerate() {
        if at > 0 {
            let _ = write!(out, "\n{:indent$}", "");
        }
        let _ = write!(out, "{:>width$}# ", at + 1);
        show_into(key, indent + width + 2, out);
        out.push_str(" => ");
        show_into(value, indent + width + 2, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_compared_without_indentation_and_with_open_ends() {
        assert!(matches("1) \"a\"\n2) 1) (integer) 1", "1) \"a\"\n2)   1) (integer) 1"));
        assert!(matches("(error) ERR *", "(error) ERR anything"));
        assert!(!matches("(nil)", "(nil)\nOK"));
    }

    #[test]
    fn a_reply_may_stand_behind_its_command() {
        assert_eq!(cut("GET k      (nil)"), ("GET k", "(nil)"));
        assert_eq!(cut("SET k \"a  b\"   OK"), ("SET k \"a  b\"", "OK"));
        assert_eq!(cut("MGET a b"), ("MGET a b", ""));
    }
}
