//! MEMORY: where the bytes are.
//!
//! Totals come from the allocator and the kernel, the share of keys from each shard's own books.

use super::core::Core;
use super::error::{CommandError, CommandResult};
use super::facts::{Facts, Memory, excess, ratio};
use super::help;
use super::spec::{Access, CorePart, CoresFn, Flags, Group, Keys, Spec, UNCHECKED};
use crate::base::args::Args;
use crate::base::number::parse_i64;
use crate::metrics::{Detail, process};
use crate::resp::reply::Reply;
use crate::shard::Keyspace;

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[Spec::container("memory", SUBCOMMANDS).arity(-2).doc(
    Group::Server,
    "4.0.0",
    "Depends on subcommand.",
    "Commands about memory.",
)];

const ASKS_ALL: &[&str] =
    &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

const SUBCOMMANDS: &[Spec] = &[
    Spec::cores("doctor", DOCTOR).arity(2).tips(ASKS_ALL).doc(
        Group::Server,
        "4.0.0",
        "O(1)",
        "Says what is unusual about the memory.",
    ),
    Spec::connection("malloc-stats", malloc_stats).arity(2).tips(ASKS_ALL).doc(
        Group::Server,
        "4.0.0",
        "O(1)",
        "Shows the allocator's figures.",
    ),
    Spec::connection("purge", purge)
        .arity(2)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(Group::Server, "4.0.0", "O(1)", "Gives unused memory back to the system."),
    Spec::cores("stats", STATS).arity(2).tips(ASKS_ALL).doc(
        Group::Server,
        "4.0.0",
        "O(1)",
        "Shows where the memory is.",
    ),
    Spec::owner("usage", usage)
        .arity(-3)
        .flags(Flags::READ)
        .keys(Keys::at(2, Access::READ_META))
        .usage("key [SAMPLES count]")
        .doc(Group::Server, "4.0.0", "O(1)", "Answers how many bytes a key and its value take."),
    help::row(Group::Server, "4.0.0", &[]),
];

/// `MEMORY USAGE key [SAMPLES count]`: exact, so there is nothing to sample.
fn usage(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let mut at = 3;
    while at < args.len() {
        let count = args.get(at + 1).filter(|_| args.is(at, "samples")).ok_or(CommandError::Syntax)?;
        if parse_i64(count).ok_or(CommandError::NotInteger)? < 0 {
            return Err(CommandError::Syntax);
        }
        at += 2;
    }
    match keys.facts(args.at(2)) {
        Some(facts) => reply.integer(facts.memory_bytes as i64),
        None => reply.null(),
    }
    Ok(())
}

/// `MEMORY PURGE`. The allocator is one for all cores, so no other needs to be asked.
fn purge(_core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    process::purge();
    reply.ok();
    Ok(())
}

/// `MEMORY MALLOC-STATS`.
fn malloc_stats(_core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.verbatim("txt", process::allocator_report().as_bytes());
    Ok(())
}

/// `MEMORY STATS`.
const STATS: CoresFn = CoresFn { check: UNCHECKED, part: gather, fold: stats };

/// `MEMORY DOCTOR`.
const DOCTOR: CoresFn = CoresFn {
    check: UNCHECKED,
    part: gather,
    fold: |_core, _args, parts, reply| {
        let facts = Facts::sum(&Facts::of_parts(parts));
        reply.verbatim("txt", diagnosis(&Memory::read(&facts), &facts).as_bytes());
        Ok(())
    },
};

fn gather(core: &mut Core<'_>, _args: Args<'_>) -> CorePart {
    Box::new(Facts::gather(core, Detail::Counts))
}

/// One entry of MEMORY STATS.
enum Figure {
    Bytes(u64),
    Signed(i64),
    Double(f64),
}

fn stats(
    _core: &mut Core<'_>,
    _args: Args<'_>,
    parts: Vec<CorePart>,
    reply: &mut Reply<'_>,
) -> CommandResult {
    use Figure::{Bytes, Double, Signed};
    let facts = Facts::sum(&Facts::of_parts(parts));
    let memory = Memory::read(&facts);
    let allocator = memory.allocator;
    let keys = facts.keys_len() as u64;
    let since_start = allocator.allocated.saturating_sub(memory.startup);
    let before = [
        ("peak.allocated", Bytes(memory.peak)),
        ("total.allocated", Bytes(allocator.allocated)),
        ("startup.allocated", Bytes(memory.startup)),
        ("replication.backlog", Bytes(0)),
        ("clients.slaves", Bytes(0)),
        ("clients.normal", Bytes(facts.client_bytes as u64)),
        ("cluster.links", Bytes(0)),
        ("aof.buffer", Bytes(0)),
        ("lua.caches", Bytes(0)),
        ("functions.caches", Bytes(0)),
    ];
    let after = [
        ("overhead.total", Bytes(memory.overhead)),
        ("keys.count", Bytes(keys)),
        ("keys.bytes-per-key", Bytes(since_start.checked_div(keys).unwrap_or(0))),
        ("dataset.bytes", Bytes(memory.dataset)),
        ("dataset.percentage", Double(memory.dataset_percent())),
        ("peak.percentage", Double(memory.peak_percent())),
        ("allocator.allocated", Bytes(allocator.allocated)),
        ("allocator.active", Bytes(allocator.active)),
        ("allocator.resident", Bytes(allocator.resident)),
        ("allocator-fragmentation.ratio", Double(ratio(allocator.active, allocator.allocated))),
        ("allocator-fragmentation.bytes", Signed(excess(allocator.active, allocator.allocated))),
        ("allocator-rss.ratio", Double(ratio(allocator.resident, allocator.active))),
        ("allocator-rss.bytes", Signed(excess(allocator.resident, allocator.active))),
        ("rss-overhead.ratio", Double(ratio(memory.rss, allocator.resident))),
        ("rss-overhead.bytes", Signed(excess(memory.rss, allocator.resident))),
        ("fragmentation", Double(ratio(memory.rss, allocator.allocated))),
        ("fragmentation.bytes", Signed(excess(memory.rss, allocator.allocated))),
    ];
    let filled: Vec<usize> = (0..facts.databases.len()).filter(|db| facts.databases[*db].keys > 0).collect();
    reply.map(before.len() + filled.len() + after.len());
    write_figures(&before, reply);
    for db in filled {
        reply.text(&format!("db.{db}"));
        reply.map(3);
        reply.text("overhead.hashtable.main");
        reply.integer(facts.tables[db] as i64);
        // A deadline lies beside its key, and keys have no slots.
        reply.text("overhead.hashtable.expires");
        reply.integer(0);
        reply.text("overhead.hashtable.slot-to-keys");
        reply.integer(0);
    }
    write_figures(&after, reply);
    Ok(())
}

fn write_figures(figures: &[(&str, Figure)], reply: &mut Reply<'_>) {
    for (name, figure) in figures {
        reply.text(name);
        match *figure {
            Figure::Bytes(bytes) => reply.integer(bytes as i64),
            Figure::Signed(bytes) => reply.integer(bytes),
            Figure::Double(value) => reply.double(value),
        }
    }
}

/// Least memory about which anything can be said: fixed costs hide in less.
const SAYS_NOTHING_BELOW: u64 = 5 << 20;

/// What is unusual, with what to do about it.
fn diagnosis(memory: &Memory, facts: &Facts) -> String {
    let allocator = &memory.allocator;
    if allocator.allocated < SAYS_NOTHING_BELOW {
        return "This server holds so little that its own fixed costs hide everything else. Ask again when it has \
                more data.\n"
            .to_owned();
    }
    let mut findings: Vec<String> = Vec::new();
    let mut find = |found: bool, text: String| findings.extend(found.then_some(text));
    let peak = ratio(memory.peak, allocator.allocated);
    find(
        peak > 1.5,
        format!(
            "Peak: {peak:.1} times as much was in use once. Memory from then may still be held; MEMORY PURGE gives \
             it back."
        ),
    );
    let fragmentation = ratio(allocator.active, allocator.allocated);
    find(
        fragmentation > 1.1 && excess(allocator.active, allocator.allocated) > 10 << 20,
        format!(
            "Fragmentation: pages in use are {fragmentation:.2} times what is stored in them. Values of many sizes \
             that come and go do this; a restart packs them anew."
        ),
    );
    let held = ratio(allocator.resident, allocator.active);
    find(
        held > 1.1 && excess(allocator.resident, allocator.active) > 10 << 20,
        format!(
            "Held pages: {held:.2} times what is in use. They go back by themselves; MEMORY PURGE is faster."
        ),
    );
    let process = ratio(memory.rss, allocator.resident);
    find(
        process > 1.1 && excess(memory.rss, allocator.resident) > 10 << 20,
        format!(
            "Outside the allocator: the process has {process:.2} times what the allocator holds, for code, stacks \
             and buffers shared with the kernel."
        ),
    );
    let per_client = facts.client_bytes / facts.clients.max(1);
    find(
        per_client > 200 << 10,
        format!(
            "Clients: {per_client} bytes each on average. Some send or fetch much at once; see CLIENT LIST."
        ),
    );
    if findings.is_empty() {
        return "Nothing unusual about this server's memory.\n".to_owned();
    }
    let mut text = "What is unusual about this server's memory:\n\n".to_owned();
    for finding in findings {
        text.push_str(&format!(" * {finding}\n\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn usage_checks_its_words_before_it_looks_for_the_key() {
        check(
            r#"
            > SET k v  OK
            > MEMORY  (error) ERR wrong number of arguments for 'memory' command
            > MEMORY FOO  (error) ERR unknown subcommand 'FOO'. Try MEMORY HELP.
            > MEMORY USAGE  (error) ERR wrong number of arguments for 'memory|usage' command
            > MEMORY USAGE nosuch  (nil)
            > MEMORY USAGE k  (integer) *
            > MEMORY USAGE k SAMPLES  (error) ERR syntax error
            > MEMORY USAGE k SAMPLES x  (error) ERR value is not an integer or out of range
            > MEMORY USAGE k SAMPLES -1  (error) ERR syntax error
            > MEMORY USAGE k SAMPLES 0  (integer) *
            > MEMORY USAGE k FOO 1  (error) ERR syntax error
            > MEMORY USAGE k SAMPLES 1 SAMPLES 3  (integer) *
            > MEMORY USAGE nosuch SAMPLES x  (error) ERR value is not an integer or out of range
            > MEMORY PURGE x  (error) ERR wrong number of arguments for 'memory|purge' command
            > MEMORY DOCTOR x  (error) ERR wrong number of arguments for 'memory|doctor' command
            > MEMORY STATS x  (error) ERR wrong number of arguments for 'memory|stats' command
            > MEMORY STATS  *
            > MEMORY DOCTOR  *
            > MEMORY PURGE  OK
            "#,
        );
    }
}
