//! Strings that are numbers: counters, and sums of 80-bit floats as the reference computes them.

use crate::base::args::Args;
use crate::base::extended::Extended;
use crate::base::number::parse_i64;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::resp::Reply;
use crate::shard::{Deadline, Keyspace, Text};

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    counter("incr", incr, 2, "key", "1.0.0", "Adds one to the integer at a key."),
    counter("decr", decr, 2, "key", "1.0.0", "Takes one from the integer at a key."),
    counter("incrby", incrby, 3, "key increment", "1.0.0", "Adds a number to the integer at a key."),
    counter("decrby", decrby, 3, "key decrement", "1.0.0", "Takes a number from the integer at a key."),
    counter("incrbyfloat", incrbyfloat, 3, "key increment", "2.6.0", "Adds a number to the float at a key."),
];

const fn counter(
    name: &'static str,
    run: ShardFn,
    arity: i16,
    usage: &'static str,
    since: &'static str,
    summary: &'static str,
) -> Spec {
    Spec::owner(name, run)
        .arity(arity)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST))
        .categories(&["string"])
        .keys(Keys::at(1, Access::ACCESS_UPDATE))
        .usage(usage)
        .doc(Group::String, since, "O(1)", summary)
}

/// `INCR key`.
fn incr(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    add(keys, args.at(1), 1, reply)
}

/// `DECR key`.
fn decr(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    add(keys, args.at(1), -1, reply)
}

/// `INCRBY key increment`.
fn incrby(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    add(keys, args.at(1), integer(args.at(2))?, reply)
}

/// `DECRBY key decrement`.
fn decrby(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let decrement = integer(args.at(2))?;
    let increment = decrement.checked_neg().ok_or(CommandError::Text("ERR decrement would overflow"))?;
    add(keys, args.at(1), increment, reply)
}

/// Adds to the integer at `key`, 0 when missing, and answers the sum; the deadline stays. Errors:
/// WRONGTYPE, no integer, overflow; none of them changes anything.
fn add(keys: &mut Keyspace<'_>, key: &[u8], increment: i64, reply: &mut Reply<'_>) -> CommandResult {
    let old = match keys.write_string(key)? {
        None => 0,
        Some(Text::Int(int)) => int,
        // Grown or summed strings are stored as bytes even where they spell an integer.
        Some(Text::Bytes(bytes)) => parse_i64(bytes).ok_or(CommandError::NotInteger)?,
    };
    let sum = old.checked_add(increment).ok_or(CommandError::Overflow)?;
    keys.set_integer(key, sum, Deadline::Keep);
    reply.integer(sum);
    Ok(())
}

/// `INCRBYFLOAT key increment`: the sum. Errors: WRONGTYPE, no float, a sum that is not finite; none of
/// them changes anything.
fn incrbyfloat(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let key = args.at(1);
    let old = match keys.write_string(key)? {
        None => Extended::from_i64(0),
        Some(Text::Int(int)) => Extended::from_i64(int),
        Some(Text::Bytes(bytes)) => Extended::parse(bytes).ok_or(CommandError::NotFloat)?,
    };
    let increment = Extended::parse(args.at(2)).ok_or(CommandError::NotFloat)?;
    let sum = old.plus(increment).ok_or(CommandError::Text("ERR increment would produce NaN or Infinity"))?;
    let mut digits = Vec::new();
    sum.write_to(&mut digits);
    keys.set_bytes(key, &digits, Deadline::Keep);
    reply.bulk(&digits);
    Ok(())
}
