//! What collections hold before they are measured: commands of any shape, many of them in a batch.

use super::BenchError;
use super::compare::Running;
use super::connection::{exchange, push_command};

/// Commands in one write.
const BATCH_COMMANDS: u64 = 64;

/// Members that one command adds to a big collection.
pub(super) const MEMBERS_PER_COMMAND: u64 = 50;

/// Sends `commands` commands and waits until all have succeeded; `words` gives those of one, by its number.
pub(super) fn fill(
    running: &Running,
    commands: u64,
    words: impl Fn(u64) -> Vec<String>,
) -> Result<(), BenchError> {
    let mut socket = running.target.connect()?;
    let mut out = Vec::new();
    let mut from = 0;
    while from < commands {
        let to = commands.min(from + BATCH_COMMANDS);
        out.clear();
        for number in from..to {
            let words = words(number);
            push_command(&mut out, &words.iter().map(String::as_str).collect::<Vec<_>>());
        }
        exchange(&mut socket, &out, to - from)
            .map_err(|cause| BenchError(format!("{}: filling: {cause}", running.target)))?;
        from = to;
    }
    Ok(())
}

/// Adds the numbers below `members` to one collection by `command`, which begins with the collection's key;
/// `member` gives the words for each of them.
pub(super) fn fill_one(
    running: &Running,
    command: &[&str],
    members: u64,
    member: impl Fn(u64) -> Vec<String>,
) -> Result<(), BenchError> {
    fill(running, members.div_ceil(MEMBERS_PER_COMMAND), |number| {
        let from = number * MEMBERS_PER_COMMAND;
        let to = members.min(from + MEMBERS_PER_COMMAND);
        command.iter().map(|word| (*word).to_owned()).chain((from..to).flat_map(&member)).collect()
    })
}

/// A number that looks like any other, but is the same for the same `number` in every run.
pub(super) fn scattered(number: u64) -> u64 {
    crate::base::prng::Prng::new(number).next_u64()
}
