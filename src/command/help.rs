//! HELP of every container, made from its rows: a subcommand with its arguments, then its summary.
//!
//! The shape is Redis's (an array of statuses, a first line that names the container, HELP last), so
//! that tools which print it look the same. The words are the table's.

use super::core::Core;
use super::error::CommandResult;
use super::spec::{Flags, Group, Spec};
use crate::base::args::Args;
use crate::resp::reply::Reply;

/// The row of a container's HELP; `categories` are the container's own.
pub(super) const fn row(group: Group, since: &'static str, categories: &'static [&'static str]) -> Spec {
    Spec::connection("help", help)
        .arity(2)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(categories)
        .doc(group, since, "O(1)", "Prints this help.")
}

/// `CONTAINER HELP`.
fn help(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let mut lines = Vec::new();
    if let Some(container) = core.table.top(args.at(0)) {
        let mut rows: Vec<&Spec> = container.subcommands.iter().map(|command| command.spec).collect();
        rows.sort_by_key(|row| (row.name == "help", row.name));
        for row in rows {
            lines.push(format!("{} {}", row.name.to_uppercase(), row.usage).trim_end().to_owned());
            lines.push(format!("    {}", row.summary));
        }
    }
    write(reply, args.at(0), &lines);
    Ok(())
}

/// Writes help lines under the line that names the container.
pub(super) fn write(reply: &mut Reply<'_>, container: &[u8], lines: &[String]) {
    let name = String::from_utf8_lossy(container).to_uppercase();
    reply.array(lines.len() + 1);
    reply.simple(&format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for line in lines {
        reply.simple(line);
    }
}
