//! Bitmaps: the bits of strings, set, read, counted, searched and combined.
//!
//! A bit's offset must lie in the first `proto-max-bulk-len` bytes; what is set there makes a string that
//! long. Fields of several bits are in `bitfield`.

use crate::base::args::Args;
use crate::base::number::parse_i64;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::gather::{Gather, Outcome, Sources, Tools};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::ds::bitmap::{self, Operation};
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace, Owned, Source, Text, WrongType};
use itoa::Buffer;
use smallvec::SmallVec;
use std::ops::Range;

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("setbit", setbit)
        .arity(4)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["bitmap"])
        .keys(Keys::at(1, Access::ACCESS_UPDATE))
        .usage("key offset value:integer")
        .doc(
            Group::Bitmap,
            "2.2.0",
            "O(1)",
            "Sets or clears one bit of the string at a key and returns the old one.",
        ),
    Spec::owner("getbit", getbit)
        .arity(3)
        .flags(Flags::READ.and(Flags::FAST))
        .categories(&["bitmap"])
        .keys(Keys::at(1, Access::READ))
        .usage("key offset")
        .doc(Group::Bitmap, "2.2.0", "O(1)", "Returns one bit of the string at a key."),
    Spec::owner("bitcount", bitcount)
        .arity(-2)
        .flags(Flags::READ)
        .categories(&["bitmap"])
        .keys(Keys::at(1, Access::READ))
        .usage("key [start end [BYTE|BIT]]")
        .doc(
            Group::Bitmap,
            "2.6.0",
            "O(N)",
            "Counts the bits that are set in the string at a key, or in a part of it.",
        ),
    Spec::owner("bitpos", bitpos)
        .arity(-3)
        .flags(Flags::READ)
        .categories(&["bitmap"])
        .keys(Keys::at(1, Access::READ))
        .usage("key bit:integer [start [end [BYTE|BIT]]]")
        .doc(
            Group::Bitmap,
            "2.8.7",
            "O(N)",
            "Finds the first bit of the string at a key that is set, or that is clear.",
        ),
    Spec::gather("bitop", Gather { plan: plan_bitop, compute: bitop })
        .arity(-4)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["bitmap"])
        .keys(Keys::range(2, -1, 1, Access::READ).after(Access::OVERWRITE))
        .usage("operation destkey:key key [key ...]")
        .doc(Group::Bitmap, "2.6.0", "O(N)", "Combines strings bit by bit and stores the result."),
];

/// An offset in bits, of a field of `bits` bits: with a `#` before it, in such fields.
pub(super) fn bit_offset(word: &[u8], bits: Option<u32>, limit_bytes: usize) -> Result<usize, CommandError> {
    const REFUSED: CommandError = CommandError::Text("ERR bit offset is not an integer or out of range");
    let (digits, unit) = match (word, bits) {
        ([b'#', digits @ ..], Some(bits)) => (digits, i64::from(bits)),
        _ => (word, 1),
    };
    // The reference multiplies without a look at overflow, and so some absurd offsets are small ones.
    let offset = parse_i64(digits).ok_or(REFUSED)?.wrapping_mul(unit);
    let offset = usize::try_from(offset).map_err(|_| REFUSED)?;
    if offset / 8 < limit_bytes { Ok(offset) } else { Err(REFUSED) }
}

/// `SETBIT key offset value`: the old bit. Errors: a bad offset or bit, WRONGTYPE.
fn setbit(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let offset = bit_offset(args.at(2), None, keys.settings().bulk_bytes_max)?;
    let on = match parse_i64(args.at(3)) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(CommandError::Text("ERR bit is not an integer or out of range")),
    };
    let old = keys.edit_bytes(args.at(1), offset / 8 + 1, |bytes| {
        let old = bitmap::set(bytes, offset, on);
        (old, Edit::when(old != on))
    })?;
    reply.integer(i64::from(old));
    Ok(())
}

/// `GETBIT key offset`: the bit, 0 behind the end. Errors: a bad offset, WRONGTYPE.
fn getbit(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let offset = bit_offset(args.at(2), None, keys.settings().bulk_bytes_max)?;
    let text = keys.read_string(args.at(1))?.unwrap_or(Text::Bytes(b""));
    reply.integer(i64::from(bitmap::get(text.bytes(&mut Buffer::new()), offset)));
    Ok(())
}

/// Whether the word at `at` says that offsets are in bits and not in bytes. Without it they are in bytes.
fn in_bits(args: Args<'_>, at: usize) -> Result<bool, CommandError> {
    match () {
        () if args.len() <= at || args.is(at, "byte") => Ok(false),
        () if args.is(at, "bit") => Ok(true),
        () => Err(CommandError::Syntax),
    }
}

/// The bits from `start` to `end`, both included, in units of `unit` bits; negative ones count from the end
/// of a string of `length` bytes.
fn bit_range(start: i64, end: i64, unit: usize, length: usize) -> Range<usize> {
    let total = (length * 8 / unit) as i64;
    let from_start = |offset: i64| if offset < 0 { offset.saturating_add(total).max(0) } else { offset };
    let (start, end) = (from_start(start), from_start(end).min(total - 1));
    if start > end { 0..0 } else { start as usize * unit..(end as usize + 1) * unit }
}

/// `BITCOUNT key [start end [BYTE|BIT]]`: how many bits are set; 0 when missing, whatever else was said.
/// Errors: WRONGTYPE, then a bad range.
fn bitcount(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let Some(text) = keys.read_string(args.at(1))? else {
        reply.integer(0);
        return Ok(());
    };
    let mut digits = Buffer::new();
    let bytes = text.bytes(&mut digits);
    let range = match args.len() {
        2 => 0..bytes.len() * 8,
        4 | 5 => {
            let (start, end) = (integer(args.at(2))?, integer(args.at(3))?);
            // Looks redundant and is not: of two offsets before the first byte, clamping makes both 0.
            if start < 0 && end < 0 && start > end {
                reply.integer(0);
                return Ok(());
            }
            let unit = if in_bits(args, 4)? { 1 } else { 8 };
            bit_range(start, end, unit, bytes.len())
        }
        _ => return Err(CommandError::Syntax),
    };
    reply.integer(bitmap::count(bytes, range) as i64);
    Ok(())
}

/// `BITPOS key bit [start [end [BYTE|BIT]]]`: the offset of the first such bit, or -1. Where no end is said,
/// zeros follow the string. Errors: a bad bit, WRONGTYPE, a bad range.
fn bitpos(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let set = match integer(args.at(2))? {
        0 => false,
        1 => true,
        _ => return Err(CommandError::Text("ERR The bit argument must be 1 or 0.")),
    };
    let Some(text) = keys.read_string(args.at(1))? else {
        reply.integer(if set { -1 } else { 0 });
        return Ok(());
    };
    let mut digits = Buffer::new();
    let bytes = text.bytes(&mut digits);
    let (start, end, unit) = match args.len() {
        3 => (0, -1, 8),
        4 => (integer(args.at(3))?, -1, 8),
        5 | 6 => {
            let start = integer(args.at(3))?;
            let unit = if in_bits(args, 5)? { 1 } else { 8 };
            (start, integer(args.at(4))?, unit)
        }
        _ => return Err(CommandError::Syntax),
    };
    let range = bit_range(start, end, unit, bytes.len());
    let position = match bitmap::find(bytes, range.clone(), set) {
        Some(at) => at as i64,
        None if set || range.is_empty() || args.len() >= 5 => -1,
        None => range.end as i64,
    };
    reply.integer(position);
    Ok(())
}

/// The sources of BITOP. Errors: an unknown operation, several sources of NOT.
fn plan_bitop(args: Args<'_>) -> Result<Sources, CommandError> {
    if operation(args)? == Operation::Not && args.len() != 4 {
        return Err(CommandError::Text("ERR BITOP NOT must be called with a single source key."));
    }
    Ok(Sources { keys: (3..args.len()).collect(), destination: Some(2) })
}

fn operation(args: Args<'_>) -> Result<Operation, CommandError> {
    match () {
        () if args.is(1, "and") => Ok(Operation::And),
        () if args.is(1, "or") => Ok(Operation::Or),
        () if args.is(1, "xor") => Ok(Operation::Xor),
        () if args.is(1, "not") => Ok(Operation::Not),
        () => Err(CommandError::Syntax),
    }
}

/// `BITOP operation destkey key [key ...]`: the length of the result; an empty one removes the destination.
/// Errors: WRONGTYPE.
fn bitop(
    tools: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let operation = operation(args)?;
    let mut buffers: SmallVec<[Buffer; 8]> = sources.iter().map(|_| Buffer::new()).collect();
    let bytes = sources.iter().zip(&mut buffers).map(|(source, buffer)| match source {
        None => Ok(&b""[..]),
        Some(source) => Ok(source.text()?.bytes(buffer)),
    });
    let bytes: SmallVec<[&[u8]; 8]> = bytes.collect::<Result<_, WrongType>>()?;
    let result = bitmap::combine(operation, &bytes);
    reply.integer(result.len() as i64);
    let stored = (!result.is_empty()).then(|| Owned::of_bytes(result, tools.now));
    Ok(Outcome::Store(stored))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_bit_is_set_and_the_old_one_returned() {
        check(
            r#"
        > setbit k 7 1                                (integer) 0
        > setbit k 7 1                                (integer) 1
        > get k                                       "\x01"
        > object encoding k                           "raw"
        > setbit k 7 0                                (integer) 1
        > strlen k                                    (integer) 1
        > setbit k 100 1                              (integer) 0
        > strlen k                                    (integer) 13
        > getbit k 100                                (integer) 1
        > getbit k 99                                 (integer) 0
        > getbit k 4294967295                         (integer) 0
        > getbit missing 0                            (integer) 0
        > set n 12                                    OK
        > setbit n 6 0                                (integer) 0
        > get n                                       "12"
        > object encoding n                           "raw"
        > set e abc                                   OK
        > setbit e 0 0                                (integer) 0
        > object encoding e                           "raw"
        > expire k 100                                (integer) 1
        > setbit k 1000 1                             (integer) 0
        > ttl k                                       (integer) 100
        > setbit big 80000 1                          (integer) 0
        > setbit big 3 1                              (integer) 0
        > setbit big 90000 1                          (integer) 0
        > strlen big                                  (integer) 11251
        > bitcount big                                (integer) 3
        > setbit k -1 0                               (error) ERR bit offset is not an integer or out of range
        > setbit k x 0                                (error) ERR bit offset is not an integer or out of range
        > setbit k 4294967296 0                       (error) ERR bit offset is not an integer or out of range
        > setbit k 1 2                                (error) ERR bit is not an integer or out of range
        > setbit k 1 -1                               (error) ERR bit is not an integer or out of range
        > setbit k 1 x                                (error) ERR bit is not an integer or out of range
        > setbit k 1                                  (error) ERR wrong number of arguments for 'setbit' command
        > getbit k -1                                 (error) ERR bit offset is not an integer or out of range
        > getbit k x                                  (error) ERR bit offset is not an integer or out of range
        > getbit k 4294967296                         (error) ERR bit offset is not an integer or out of range
            "#,
        );
    }

    #[test]
    fn bits_are_counted_in_a_string_or_a_part_of_it() {
        check(
            r#"
        > set k foobar                                OK
        > bitcount k                                  (integer) 26
        > bitcount k 0 0                              (integer) 4
        > bitcount k 1 1                              (integer) 6
        > bitcount k 1 1 byte                         (integer) 6
        > bitcount k 5 30 BIT                         (integer) 17
        > bitcount k -2 -1                            (integer) 7
        > bitcount k -10 -9 bit                       (integer) 1
        > bitcount k -1 -2                            (integer) 0
        > bitcount k -100 -101                        (integer) 0
        > bitcount k -101 -100                        (integer) 4
        > bitcount k 3 1                              (integer) 0
        > bitcount k 0 9223372036854775807            (integer) 26
        > bitcount k -9223372036854775808 -1          (integer) 26
        > set n 12345                                 OK
        > bitcount n                                  (integer) 17
        > set e ""                                    OK
        > bitcount e                                  (integer) 0
        > bitcount e 0 -1                             (integer) 0
        > bitcount missing                            (integer) 0
        > bitcount missing x y z                      (integer) 0
        > bitcount k 1                                (error) ERR syntax error
        > bitcount k x 1                              (error) ERR value is not an integer or out of range
        > bitcount k 1 x                              (error) ERR value is not an integer or out of range
        > bitcount k 0 -1 nibble                      (error) ERR syntax error
        > bitcount k 0 -1 bit bit                     (error) ERR syntax error
        > bitcount k -1 -2 nibble                     (integer) 0
            "#,
        );
    }

    #[test]
    fn the_first_bit_is_found_as_if_zeros_followed() {
        check(
            r#"
        > set k "\xff\xf0\x00"                        OK
        > bitpos k 0                                  (integer) 12
        > bitpos k 1                                  (integer) 0
        > bitpos k 1 2                                (integer) -1
        > bitpos k 0 0 0                              (integer) -1
        > bitpos k 0 0                                (integer) 12
        > bitpos k 0 0 -1                             (integer) 12
        > bitpos k 1 -1                               (integer) -1
        > bitpos k 1 7 15 bit                         (integer) 7
        > bitpos k 0 7 15 BIT                         (integer) 12
        > bitpos k 0 0 11 bit                         (integer) -1
        > bitpos k 1 -3 -1 byte                       (integer) 0
        > bitpos k 1 3 2                              (integer) -1
        > set f "\xff\xff\xff"                        OK
        > bitpos f 0                                  (integer) 24
        > bitpos f 0 1                                (integer) 24
        > bitpos f 0 0 -1                             (integer) -1
        > bitpos f 0 3                                (integer) -1
        > bitpos f 0 10                               (integer) -1
        > bitpos f 0 0 -1 bit                         (integer) -1
        > set e ""                                    OK
        > bitpos e 0                                  (integer) -1
        > bitpos e 1                                  (integer) -1
        > bitpos e 0 0                                (integer) -1
        > bitpos missing 0                            (integer) 0
        > bitpos missing 1                            (integer) -1
        > bitpos missing 0 x                          (integer) 0
        > bitpos k 2                                  (error) ERR The bit argument must be 1 or 0.
        > bitpos k x                                  (error) ERR value is not an integer or out of range
        > bitpos k 0 x                                (error) ERR value is not an integer or out of range
        > bitpos k 0 0 x                              (error) ERR value is not an integer or out of range
        > bitpos k 0 0 -1 nibble                      (error) ERR syntax error
        > bitpos k 0 0 -1 bit bit                     (error) ERR syntax error
            "#,
        );
    }

    #[test]
    fn strings_are_combined_as_if_zeros_followed_the_shorter_ones() {
        check(
            r#"
        > mset a "\xff\x0f" b "\x0f" n 12             OK
        > bitop and d a b                             (integer) 2
        > get d                                       "\x0f\x00"
        > bitop or d a b                              (integer) 2
        > get d                                       "\xff\x0f"
        > bitop xor d a b n                           (integer) 2
        > get d                                       "\xc1="
        > bitop not d a                               (integer) 2
        > get d                                       "\x00\xf0"
        > object encoding d                           "raw"
        > bitop or d a missing                        (integer) 2
        > get d                                       "\xff\x0f"
        > bitop and d missing nothing                 (integer) 0
        > exists d                                    (integer) 0
        > expire a 100                                (integer) 1
        > bitop or a a b                              (integer) 2
        > ttl a                                       (integer) -1
        > bitop AND a a a a a                         (integer) 2
        > bitop or m n n                              (integer) 2
        > get m                                       "12"
        > object encoding m                           "raw"
        > bitop not d a b                             (error) ERR BITOP NOT must be called with a single source key.
        > bitop nor d a b                             (error) ERR syntax error
        > bitop not d                                 (error) ERR wrong number of arguments for 'bitop' command
        > bitop nor d                                 (error) ERR wrong number of arguments for 'bitop' command
            "#,
        );
    }
}
