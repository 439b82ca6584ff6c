//! What a person sees first: version, cores, addresses, limits, and what was adjusted or ignored.
//!
//! On a terminal with a drawing; otherwise (a unit, a container, a log file) the same facts as lines of
//! the log. `listening on ADDRESS` stands on a line of its own in both, so that scripts which start on
//! port 0 can wait for it.

use crate::config::LogLevel;
use crate::config::resolved::Resolved;
use crate::config::value::print_bytes;
use crate::server::log;
use std::io::{IsTerminal, Write};

/// A jellyfish, which some languages call medusa. Facts stand to its right.
const ART: [&str; 8] = [
    "      .-~~~~-.      ",
    "    .'  o  o  '.    ",
    "   /            \\   ",
    "   '-.__.--.__.-'   ",
    "     ) ) || ( (     ",
    "    ( (  ))  ) )    ",
    "     ) ) ((  ( (    ",
    "      '   '   '     ",
];

/// What an address's line begins with.
const LISTENING: &str = "listening on ";

/// Shows it. `addresses`: what is really listened on, with the ports the kernel chose.
pub fn show(resolved: &Resolved, addresses: &[String]) {
    let facts = facts(resolved, addresses);
    if resolved.options.logfile.is_empty() && std::io::stderr().is_terminal() {
        // A terminal that is gone by now must not stop the server.
        let _ = std::io::stderr().write_all(drawing(&facts, log::has_colour()).as_bytes());
    } else {
        let hidden = resolved.options.port == 0 && resolved.options.loglevel == LogLevel::Warning;
        for fact in &facts {
            // A port that the kernel chose is known from nowhere else: no level hides it.
            match hidden && fact.starts_with(LISTENING) {
                true => tracing::warn!("{fact}"),
                false => tracing::info!("{fact}"),
            }
        }
    }
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
}

/// The facts, one per line.
fn facts(resolved: &Resolved, addresses: &[String]) -> Vec<String> {
    let options = &resolved.options;
    let cores = usize::from(options.cores);
    let place = match resolved.cpus.as_slice() {
        [] => "floating".to_owned(),
        [cpu] => format!("on CPU {cpu}"),
        cpus => format!("on CPUs {}", ranges(cpus)),
    };
    let mut facts = vec![
        format!("Medusa {}, process {}", env!("CARGO_PKG_VERSION"), std::process::id()),
        format!("{cores} core{} {place}, {cores} shard{}", plural(cores), plural(cores)),
    ];
    facts.extend(addresses.iter().map(|address| format!("{LISTENING}{address}")));
    facts.push(format!(
        "limits: {} clients, {} databases, values up to {}",
        options.maxclients,
        options.databases,
        print_bytes(options.proto_max_bulk_len as i64),
    ));
    facts.push("data is in memory only: nothing outlives this process".to_owned());
    facts
}

/// Facts beside the drawing.
fn drawing(facts: &[String], colour: bool) -> String {
    let (on, off) = if colour { ("\x1b[36m", "\x1b[0m") } else { ("", "") };
    let mut text = String::from("\n");
    for line in 0..ART.len().max(facts.len() + 1) {
        let art = ART.get(line).copied().unwrap_or("                    ");
        let fact = line.checked_sub(1).and_then(|index| facts.get(index)).map_or("", String::as_str);
        text.push_str(format!("{on}{art}{off}{fact}").trim_end());
        text.push('\n');
    }
    text.push('\n');
    text
}

/// Rising numbers with runs as `0-3`.
fn ranges(numbers: &[usize]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for run in numbers.chunk_by(|left, right| left + 1 == *right) {
        parts.push(match run {
            [first, .., last] => format!("{first}-{last}"),
            _ => run[0].to_string(),
        });
    }
    parts.join(",")
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::Raw;
    use crate::config::resolved::{Machine, resolve};

    #[test]
    fn every_address_has_a_line_of_its_own() {
        let resolved = resolve(Raw::default(), &Machine { cpus: vec![0, 1, 3], paid: 3 }).expect("valid");
        let facts = facts(&resolved, &["127.0.0.1:7000".into(), "/tmp/m.sock".into()]);
        assert!(facts.contains(&"listening on 127.0.0.1:7000".to_owned()));
        assert!(facts.contains(&"listening on /tmp/m.sock".to_owned()));
        assert!(facts.contains(&"3 cores on CPUs 0-1,3, 3 shards".to_owned()), "{facts:?}");
        let drawn = drawing(&facts, false);
        assert!(facts.iter().all(|fact| drawn.contains(fact.as_str())) && !drawn.contains('\x1b'));
    }
}
