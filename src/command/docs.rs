//! Rows on the wire: COMMAND INFO's ten fields and COMMAND DOCS's nested maps, read from the table.
//!
//! Their shape is Redis 7.0's in both protocols, so redis-cli's hints and clients that route by key
//! specification work unchanged. Flags, categories, key specifications and tips are the reference's;
//! the sentences are ours. What Redis documents as history and notes is left out.

use super::keys::{Access, Begin, Find, Specification};
use super::spec::{Flags, Spec};
use super::table::Command;
use super::usage::{self, Argument, Kind};
use crate::resp::reply::Reply;

/// Every access control category, in the order Redis prints them.
const CATEGORIES: &[&str] = &[
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// The categories of a row: those it names and those its flags imply.
pub(super) fn categories(spec: &Spec) -> impl Iterator<Item = &'static str> {
    let implied = |category: &str| match category {
        "write" => spec.flags.has(Flags::WRITE),
        "read" => spec.flags.has(Flags::READ) && !spec.categories.contains(&"scripting"),
        "admin" | "dangerous" => spec.flags.has(Flags::ADMIN),
        "pubsub" => spec.flags.has(Flags::PUBSUB),
        "fast" => spec.flags.has(Flags::FAST),
        "slow" => !spec.flags.has(Flags::FAST),
        "blocking" => spec.flags.has(Flags::BLOCKING),
        _ => false,
    };
    CATEGORIES.iter().copied().filter(move |category| spec.categories.contains(category) || implied(category))
}

/// COMMAND INFO of one command, its subcommands included.
pub(super) fn write_info(command: &Command, reply: &mut Reply<'_>) {
    let spec = command.spec;
    reply.array(10);
    reply.text(&command.full_name);
    reply.integer(i64::from(spec.arity));
    let flags: Vec<&str> =
        Flags::NAMES.iter().filter(|(flag, _)| spec.flags.has(*flag)).map(|(_, name)| *name).collect();
    reply.set(flags.len());
    for flag in flags {
        reply.simple(flag);
    }
    for position in [spec.keys.first, spec.keys.last, spec.keys.step] {
        reply.integer(i64::from(position));
    }
    let categories: Vec<&str> = categories(spec).collect();
    reply.set(categories.len());
    for category in categories {
        reply.simple(&format!("@{category}"));
    }
    reply.set(spec.tips.len());
    for tip in spec.tips {
        reply.text(tip);
    }
    let specifications = spec.keys.specifications();
    reply.set(specifications.len());
    for keys in specifications {
        write_keys(keys, reply);
    }
    if command.subcommands.is_empty() {
        reply.set(0);
    } else {
        reply.array(command.subcommands.len());
        for sub in &command.subcommands {
            write_info(sub, reply);
        }
    }
}

/// One key specification: where the search begins, and how keys are found from there.
fn write_keys(keys: Specification, reply: &mut Reply<'_>) {
    reply.map(if keys.notes.is_empty() { 3 } else { 4 });
    if !keys.notes.is_empty() {
        reply.text("notes");
        reply.text(keys.notes);
    }
    reply.text("flags");
    write_access(keys.access, reply);
    match keys.begin {
        Begin::Index(index) => write_rule("begin_search", "index", None, &[("index", index)], reply),
        Begin::Keyword(word, from) => {
            write_rule("begin_search", "keyword", Some(word), &[("startfrom", from)], reply);
        }
        Begin::Unknown => write_rule("begin_search", "unknown", None, &[], reply),
    }
    match keys.find {
        Find::Range(last, step, limit) => {
            let figures = [("lastkey", last), ("keystep", step), ("limit", limit)];
            write_rule("find_keys", "range", None, &figures, reply);
        }
        Find::Count => {
            let figures = [("keynumidx", 0), ("firstkey", 1), ("keystep", 1)];
            write_rule("find_keys", "keynum", None, &figures, reply);
        }
        Find::Unknown => write_rule("find_keys", "unknown", None, &[], reply),
    }
}

/// One of the two rules of a key specification: its kind, then its particulars.
fn write_rule(name: &str, kind: &str, word: Option<&str>, figures: &[(&str, i16)], reply: &mut Reply<'_>) {
    reply.text(name);
    reply.map(2);
    reply.text("type");
    reply.text(kind);
    reply.text("spec");
    reply.map(figures.len() + usize::from(word.is_some()));
    if let Some(word) = word {
        reply.text("keyword");
        reply.text(word);
    }
    for (name, figure) in figures {
        reply.text(name);
        reply.integer(i64::from(*figure));
    }
}

/// What is done to keys, as a set of flags.
pub(super) fn write_access(access: Access, reply: &mut Reply<'_>) {
    reply.set(access.0.len());
    for flag in access.0 {
        reply.simple(flag);
    }
}

/// COMMAND DOCS of one command: its name, then what is known of it.
pub(super) fn write_docs(command: &Command, reply: &mut Reply<'_>) {
    let spec = command.spec;
    let arguments = usage::parse(spec.usage).unwrap_or_default();
    reply.text(&command.full_name);
    let flag = doc_flag(spec);
    let pairs = 4
        + usize::from(flag.is_some())
        + if spec.deprecated.is_some() { 2 } else { 0 }
        + usize::from(!arguments.is_empty())
        + usize::from(!command.subcommands.is_empty());
    reply.map(pairs);
    let facts = [
        ("summary", spec.summary),
        ("since", spec.since),
        ("group", spec.group.name()),
        ("complexity", spec.complexity),
    ];
    for (name, value) in facts {
        reply.text(name);
        reply.text(value);
    }
    if let Some(flag) = flag {
        reply.text("doc_flags");
        reply.set(1);
        reply.simple(flag);
    }
    if let Some((since, instead)) = spec.deprecated {
        reply.text("deprecated_since");
        reply.text(since);
        reply.text("replaced_by");
        reply.text(instead);
    }
    if !arguments.is_empty() {
        let mut keys_seen = 0;
        reply.text("arguments");
        write_arguments(&arguments, &spec.keys.specifications(), &mut keys_seen, reply);
    }
    if !command.subcommands.is_empty() {
        reply.text("subcommands");
        reply.map(command.subcommands.len());
        for sub in &command.subcommands {
            write_docs(sub, reply);
        }
    }
}

fn doc_flag(spec: &Spec) -> Option<&'static str> {
    match spec.deprecated {
        Some(_) => Some("deprecated"),
        None => (spec.name == "debug").then_some("syscmd"),
    }
}

/// `specifications` are the row's; keys beyond the last belong to the last.
fn write_arguments(
    arguments: &[Argument],
    specifications: &[Specification],
    keys_seen: &mut usize,
    reply: &mut Reply<'_>,
) {
    reply.array(arguments.len());
    for argument in arguments {
        let index = match argument.kind {
            Kind::Key if !specifications.is_empty() => {
                *keys_seen += 1;
                Some((*keys_seen).min(specifications.len()) - 1)
            }
            // A pattern stands for keys where these have a specification: SORT's.
            Kind::Pattern => {
                let index = specifications.iter().position(|specification| {
                    specification.begin == Begin::Unknown && specification.access == Access::READ
                });
                *keys_seen = (*keys_seen).max(index.map_or(0, |index| index + 1));
                index
            }
            _ => None,
        };
        let flags: Vec<&str> = argument.flags().collect();
        let pairs = 2
            + usize::from(index.is_some())
            + usize::from(argument.token.is_some())
            + usize::from(!flags.is_empty())
            + usize::from(!argument.arguments.is_empty());
        reply.map(pairs);
        reply.text("name");
        reply.text(&argument.name);
        reply.text("type");
        reply.text(argument.kind.name());
        if let Some(index) = index {
            reply.text("key_spec_index");
            reply.integer(index as i64);
        }
        if let Some(token) = &argument.token {
            reply.text("token");
            reply.text(token);
        }
        if !flags.is_empty() {
            reply.text("flags");
            reply.set(flags.len());
            for flag in flags {
                reply.simple(flag);
            }
        }
        if !argument.arguments.is_empty() {
            reply.text("arguments");
            write_arguments(&argument.arguments, specifications, keys_seen, reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table::Table;
    use crate::command::usage::Malformed;
    use crate::resp::Protocol;
    use crate::testing::differences::NEWER;

    #[test]
    fn every_usage_is_well_formed_and_names_the_keys_of_its_row() {
        for command in Table::get().commands() {
            let spec = command.spec;
            let arguments = usage::parse(spec.usage);
            let arguments = arguments.unwrap_or_else(|Malformed(why)| panic!("{}: {why}", command.full_name));
            let keys = count_keys(&arguments);
            assert_eq!(keys > 0, spec.keys.is_some(), "{}: keys in usage and row", command.full_name);
        }
    }

    fn count_keys(arguments: &[Argument]) -> usize {
        let one =
            |argument: &Argument| usize::from(argument.kind == Kind::Key) + count_keys(&argument.arguments);
        arguments.iter().map(one).sum()
    }

    #[test]
    fn every_category_of_a_row_exists() {
        for command in Table::get().commands() {
            for category in command.spec.categories {
                assert!(CATEGORIES.contains(category), "{}: {category}", command.full_name);
            }
        }
    }

    #[test]
    fn documents_are_whole_replies_in_both_protocols() {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            for command in Table::get().tops() {
                let mut out = Vec::new();
                let mut reply = Reply::new(&mut out, protocol);
                reply.map(1);
                write_docs(command, &mut reply);
                write_info(command, &mut reply);
                let docs = crate::resp::value::skip(&out).expect("a whole reply");
                let info = crate::resp::value::skip(&out[docs..]).expect("another");
                assert_eq!(docs + info, out.len(), "{}", command.full_name);
            }
        }
    }

    /// A row as `reference.txt` writes it.
    fn reference_line(command: &Command) -> String {
        let words = |words: Vec<&str>| if words.is_empty() { "-".to_owned() } else { words.join(" ") };
        let spec = command.spec;
        let flags = Flags::NAMES.iter().filter(|(flag, _)| spec.flags.has(*flag)).map(|(_, name)| *name);
        let keys = spec.keys;
        let one = |keys: Specification| {
            let begin = match keys.begin {
                Begin::Index(index) => format!("index:{index}"),
                Begin::Keyword(word, from) => format!("keyword:{word}:{from}"),
                Begin::Unknown => "unknown".to_string(),
            };
            let find = match keys.find {
                Find::Range(last, step, limit) => format!("range:{last}:{step}:{limit}"),
                Find::Count => "keynum:0:1:1".to_string(),
                Find::Unknown => "unknown".to_string(),
            };
            format!("{}@{begin}/{find}", keys.access.0.join(","))
        };
        let specifications: Vec<String> = keys.specifications().into_iter().map(one).collect();
        format!(
            "{}; {}; {}; {} {} {}; {}; {}; {}",
            command.full_name,
            spec.arity,
            words(flags.collect()),
            keys.first,
            keys.last,
            keys.step,
            words(categories(spec).collect()),
            words(spec.tips.to_vec()),
            words(specifications.iter().map(String::as_str).collect()),
        )
    }

    #[test]
    fn rows_are_those_of_the_reference() {
        let reference: Vec<&str> = include_str!("reference.txt").lines().collect();
        for command in Table::get().commands().iter().filter(|command| !NEWER.contains(&&*command.full_name))
        {
            let prefix = format!("{};", command.full_name);
            let found = reference.iter().find(|line| line.starts_with(&prefix));
            let expected = found.unwrap_or_else(|| panic!("{}: no such command", command.full_name));
            assert_eq!(reference_line(command), **expected);
        }
    }
}
