//! What commands that wait have in common: their time-out, and the same command with one key.

use crate::base::args::{Args, OwnedArgs};
use crate::base::clock::Now;
use crate::base::extended::Extended;
use crate::base::number::parse_i64;
use crate::command::error::CommandError;

/// A time-out in seconds, perhaps with a fraction: when it is over, in Unix milliseconds; 0 seconds: never.
/// Rounded up to whole milliseconds. Errors: no number, negative or beyond 63 bits.
pub(super) fn until_seconds(word: &[u8], now: Now) -> Result<Option<u64>, CommandError> {
    let seconds =
        Extended::parse(word).ok_or(CommandError::Text("ERR timeout is not a float or out of range"))?;
    // As in the reference, what does not fit has wrapped below zero, and a little below zero is zero.
    let ms = seconds.thousandfold().and_then(|ms| u64::try_from(ms).ok());
    Ok(until(ms.ok_or(CommandError::Text("ERR timeout is negative"))?, now))
}

/// A time-out in whole milliseconds.
pub(super) fn until_ms(word: &[u8], now: Now) -> Result<Option<u64>, CommandError> {
    let ms = parse_i64(word).ok_or(CommandError::Text("ERR timeout is not an integer or out of range"))?;
    let ms = u64::try_from(ms).map_err(|_| CommandError::Text("ERR timeout is negative"))?;
    Ok(until(ms, now))
}

// Counted from the microsecond and rounded up: a wait that is over never was shorter than asked.
fn until(ms: u64, now: Now) -> Option<u64> {
    (ms > 0).then(|| now.unix_us.div_ceil(1_000).saturating_add(ms))
}

/// The same words but some: those before `from`, the one at `index`, and those from `to` on.
pub(super) fn only_key(args: Args<'_>, from: usize, index: usize, to: usize) -> OwnedArgs {
    let words = (0..from).chain([index]).chain(to..args.len());
    OwnedArgs::collect(words.map(|at| args.at(at)))
}
