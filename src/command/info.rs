//! INFO: what the process is and does, in sections, with Redis's field names and true values.
//!
//! Every core gives its share ([`Facts`]) and home writes the text, so the figures of one answer belong
//! together as well as messages allow. Fields of things that do not exist here (replicas, scripts,
//! snapshots) are there with the value that says so, because dashboards look for them; fields that
//! would have to be invented (fork times, git hashes) are not. Ours are in section `medusa`.

use super::core::Core;
use super::error::CommandResult;
use super::facts::Facts;
use super::info_sections as sections;
use super::spec::{CorePart, CoresFn, Flags, Group, Spec};
use crate::base::args::Args;
use crate::metrics::Detail;
use crate::resp::reply::Reply;
use std::fmt::{Display, Write};

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[Spec::cores("info", INFO)
    .arity(-1)
    .flags(Flags::LOADING.and(Flags::STALE))
    .categories(&["dangerous"])
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
    .usage("[section ...]")
    .doc(Group::Server, "1.0.0", "O(1)", "Tells what the server is and does.")];

/// A section writes its lines.
type Writer = fn(&mut Text, &View<'_>);

/// A section: its name, whether plain `INFO` shows it, whether it needs histograms, and its lines.
struct Section {
    name: &'static str,
    by_default: bool,
    detail: Detail,
    write: Writer,
}

const fn section(name: &'static str, by_default: bool, detail: Detail, write: Writer) -> Section {
    Section { name, by_default, detail, write }
}

/// All sections in the order they are shown.
const SECTIONS: &[Section] = &[
    section("Server", true, Detail::Counts, sections::server),
    section("Clients", true, Detail::Counts, sections::clients),
    section("Memory", true, Detail::Counts, sections::memory),
    section("Persistence", true, Detail::Counts, sections::persistence),
    section("Stats", true, Detail::Counts, sections::stats),
    section("Replication", true, Detail::Counts, sections::replication),
    section("CPU", true, Detail::Counts, sections::cpu),
    section("Modules", true, Detail::Counts, |_, _| {}),
    section("Commandstats", false, Detail::Counts, sections::command_stats),
    section("Errorstats", true, Detail::Counts, sections::error_stats),
    section("Latencystats", false, Detail::Full, sections::latency_stats),
    section("Medusa", true, Detail::Full, sections::medusa),
    section("Cluster", true, Detail::Counts, sections::cluster),
    section("Keyspace", true, Detail::Counts, sections::keyspace),
];

/// What sections read.
pub(super) struct View<'v> {
    /// Every core, in order.
    pub cores: &'v [Facts],
    /// Their sum.
    pub total: Facts,
    /// Home.
    pub core: &'v Core<'v>,
}

/// `INFO [section ...]`.
const INFO: CoresFn = CoresFn {
    check: |_core, args, reply| {
        let none = asked(args).next().is_none();
        if none {
            reply.verbatim("txt", b"");
        }
        Ok(none)
    },
    part: |core, args| {
        let full = asked(args).any(|section| section.detail == Detail::Full);
        Box::new(Facts::gather(core, if full { Detail::Full } else { Detail::Counts }))
    },
    fold: |core: &mut Core<'_>,
           args: Args<'_>,
           parts: Vec<CorePart>,
           reply: &mut Reply<'_>|
     -> CommandResult {
        let cores = Facts::of_parts(parts);
        let view = View { cores: &cores, total: Facts::sum(&cores), core };
        let mut text = Text::default();
        for section in asked(args) {
            text.begin(section.name);
            (section.write)(&mut text, &view);
        }
        reply.verbatim("txt", text.0.as_bytes());
        Ok(())
    },
};

/// The sections that are asked for, each once, in their order.
fn asked(args: Args<'_>) -> impl Iterator<Item = &'static Section> {
    let named = move |name: &str| args.from(1).any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    let all = named("all") || named("everything");
    let default = args.len() == 1 || named("default");
    SECTIONS.iter().filter(move |section| all || (default && section.by_default) || named(section.name))
}

/// INFO's text while it grows.
#[derive(Debug, Default)]
pub(super) struct Text(pub String);

impl Text {
    fn begin(&mut self, section: &str) {
        let gap = if self.0.is_empty() { "" } else { "\r\n" };
        // Writing to a String cannot fail, here and below.
        let _ = write!(self.0, "{gap}# {section}\r\n");
    }

    /// A line.
    pub(super) fn line(&mut self, name: &str, value: impl Display) {
        let _ = write!(self.0, "{name}:{value}\r\n");
    }

    /// Two lines: a size in bytes, and the same for people.
    pub(super) fn size(&mut self, name: &str, bytes: u64) {
        self.line(name, bytes);
        let _ = write!(self.0, "{name}_human:{}\r\n", human(bytes));
    }
}

/// Bytes in the largest unit that leaves a whole part, with two decimals: `1.11M`.
fn human(bytes: u64) -> String {
    let units = [("", 0), ("K", 10), ("M", 20), ("G", 30), ("T", 40), ("P", 50), ("E", 60)];
    let unit = units.iter().rev().find(|(_, shift)| bytes >> shift > 0);
    match unit {
        None | Some((_, 0)) => format!("{bytes}B"),
        Some((letter, shift)) => format!("{:.2}{letter}", bytes as f64 / (1_u64 << shift) as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    #[test]
    fn sizes_are_shown_as_redis_shows_them() {
        let shown = [0, 200, 1023, 1024, 32_768, 1_163_416, 25_276_502_016].map(human);
        assert_eq!(shown, ["0B", "200B", "1023B", "1.00K", "32.00K", "1.11M", "23.54G"]);
    }

    #[test]
    fn only_the_sections_asked_for_are_shown_in_their_own_order() {
        check(
            r##"
            > INFO nosuch  ""
            > INFO cluster  "# Cluster\r\ncluster_enabled:0\r\n"
            > INFO keyspace CLUSTER nosuch  "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n"
            > SET a 1  OK
            2> SET b 1 EX 100  OK
            2> SELECT 3  OK
            2> SET c 1  OK
            > INFO keyspace  "# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=100000\r\ndb3:keys=1,expires=0,avg_ttl=0\r\n"
            > INFO modules  "# Modules\r\n"
            > NOSUCH  (error) ERR unknown command 'NOSUCH', with args beginning with: 
            > GET  (error) ERR wrong number of arguments for 'get' command
            > INFO errorstats  "# Errorstats\r\nerrorstat_ERR:count=2\r\n"
            > INFO  "# Server\r\n*
            > INFO everything  "# Server\r\n*
            "##,
        );
    }
}
