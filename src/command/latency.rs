//! LATENCY: how long commands take, from the histograms of every core.
//!
//! There is no event monitor (Redis's `latency-monitor-threshold`), so what reads its samples is not
//! here, and RESET, which forgets them, has none to forget.
//!
//! A command that has spanned shards adds fields behind Redis's own, which stay those of all its calls: the same
//! two for its calls on one shard and on several, and how long the latter took until they were answered.

use super::config_cmd::OPERATOR;
use super::core::Core;
use super::error::CommandResult;
use super::help;
use super::introspect::named;
use super::spec::{CorePart, CoresFn, Group, Spec, UNCHECKED};
use super::table::{Command, Table};
use crate::base::args::Args;
use crate::metrics::histogram::LazyHistogram;
use crate::metrics::{Detail, Snapshot};
use crate::resp::reply::Reply;

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[Spec::container("latency", SUBCOMMANDS).arity(-2).doc(
    Group::Server,
    "2.8.13",
    "Depends on subcommand.",
    "Commands about latencies.",
)];

const SUBCOMMANDS: &[Spec] = &[
    Spec::cores("histogram", HISTOGRAM)
        .arity(-2)
        .flags(OPERATOR)
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .usage("[command ...]")
        .doc(
            Group::Server,
            "7.0.0",
            "O(N) in the number of commands",
            "Answers how many calls took how many microseconds at most, per command.",
        ),
    Spec::connection("reset", reset)
        .arity(-2)
        .flags(OPERATOR)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .usage("[event ...]")
        .doc(Group::Server, "2.8.13", "O(1)", "Forgets samples of events; answers of how many events."),
    help::row(Group::Server, "2.8.13", &[]),
];

/// `LATENCY RESET [event ...]`.
fn reset(_core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.integer(0);
    Ok(())
}

/// `LATENCY HISTOGRAM [command ...]`: a container stands for its subcommands.
const HISTOGRAM: CoresFn = CoresFn {
    check: UNCHECKED,
    part: |core, _args| Box::new(core.metrics.snapshot(core.now, Detail::Full)),
    fold: |core: &mut Core<'_>, args, parts: Vec<CorePart>, reply: &mut Reply<'_>| {
        let table = core.table;
        let mut total = Snapshot::empty(table.commands().len());
        for part in parts {
            if let Ok(part) = part.downcast::<Snapshot>() {
                total.merge(&part);
            }
        }
        let stats = |command: &Command| &total.commands[usize::from(command.id)];
        let used = |command: &&'static Command| !stats(command).run_anywhere().is_empty();
        let shown: Vec<&'static Command> = asked(table, args).into_iter().filter(used).collect();
        reply.map(shown.len());
        for command in shown {
            let stats = stats(command);
            reply.text(&command.full_name);
            let spanning = stats.spanning.as_deref();
            reply.map(if spanning.is_some() { 7 } else { 2 });
            calls_and_times(reply, "", &stats.run_anywhere());
            if let Some(spanning) = spanning {
                calls_and_times(reply, "single_shard_", &stats.run);
                calls_and_times(reply, "spanning_", &spanning.run);
                times(reply, "spanning_wait_", &spanning.wait);
            }
        }
        Ok(())
    },
};

fn calls_and_times(reply: &mut Reply<'_>, of: &str, histogram: &LazyHistogram) {
    reply.text(&format!("{of}calls"));
    reply.integer(histogram.count() as i64);
    times(reply, of, histogram);
}

fn times(reply: &mut Reply<'_>, of: &str, histogram: &LazyHistogram) {
    reply.text(&format!("{of}histogram_usec"));
    let rows = histogram.cumulative_us();
    reply.map(rows.len());
    for (us, calls) in rows {
        reply.integer(us as i64);
        reply.integer(calls as i64);
    }
}

fn asked(table: &'static Table, args: Args<'_>) -> Vec<&'static Command> {
    if args.len() == 2 {
        return table.commands().to_vec();
    }
    let commands = args.from(2).filter_map(|name| named(table, name));
    commands.flat_map(|command| std::iter::once(command).chain(command.subcommands.iter().copied())).collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn only_commands_that_ran_have_a_histogram() {
        check(
            r#"
            > LATENCY  (error) ERR wrong number of arguments for 'latency' command
            > LATENCY RESET  (integer) 0
            > LATENCY RESET x y  (integer) 0
            > LATENCY HISTOGRAM nosuch  (empty array)
            > LATENCY HISTOGRAM set  (empty array)
            > SET a 1  OK
            2> SET b 1  OK
            > LATENCY HISTOGRAM set nosuch
                1) "set"
                2) 1) "calls"
                   2) (integer) 2
                   3) "histogram_usec"
                   4) 1) (integer) 1
                      2) (integer) 2
            > CONFIG GET port
                1) "port"
                2) *
            > LATENCY HISTOGRAM config
                1) "config|get"
                2) 1) "calls"
                   2) (integer) 1
                   3) "histogram_usec"
                   4) 1) (integer) 1
                      2) (integer) 1
            > CONFIG RESETSTAT  OK
            > LATENCY HISTOGRAM set  (empty array)
            "#,
        );
    }
}
