//! Parts of strings: APPEND, STRLEN, GETRANGE, SETRANGE.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::resp::Reply;
use crate::shard::{Keyspace, Text};

const RANGE_COST: &str = "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("append", append)
        .arity(3)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST))
        .categories(&["string"])
        .keys(Keys::at(1, Access(&["RW", "insert"])))
        .usage("key value")
        .doc(
            Group::String,
            "2.0.0",
            "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of any size, since the dynamic string library used by Redis will double the free space available on every reallocation.",
            "Adds bytes to the end of the string at a key, which is empty if it was missing.",
        ),
    Spec::owner("strlen", strlen)
        .arity(2)
        .flags(Flags::READ.and(Flags::FAST))
        .categories(&["string"])
        .keys(Keys::at(1, Access::READ_META))
        .usage("key")
        .doc(Group::String, "2.2.0", "O(1)", "Returns the length in bytes of the string at a key."),
    Spec::owner("setrange", setrange)
        .arity(4)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["string"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage("key offset value")
        .doc(
            Group::String,
            "2.2.0",
            "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.",
            "Overwrites bytes of the string at a key from an offset on, with zero bytes before it where the string was shorter.",
        ),
    Spec::owner("getrange", getrange)
        .arity(4)
        .flags(Flags::READ)
        .categories(&["string"])
        .keys(Keys::at(1, Access::READ))
        .usage("key start end")
        .doc(Group::String, "2.4.0", RANGE_COST, "Returns the bytes of the string at a key between two offsets."),
    Spec::owner("substr", getrange)
        .arity(4)
        .flags(Flags::READ)
        .categories(&["string"])
        .keys(Keys::at(1, Access::READ))
        .usage("key start end")
        .deprecated("2.0.0", "`GETRANGE`")
        .doc(Group::String, "1.0.0", RANGE_COST, "Is the old name of GETRANGE."),
];

/// Refuses a string of `length + more` bytes if it would be too long.
fn allow(keys: &Keyspace<'_>, length: usize, more: usize) -> CommandResult {
    let total = length.checked_add(more).ok_or(CommandError::StringTooLong)?;
    if total <= keys.settings().bulk_bytes_max { Ok(()) } else { Err(CommandError::StringTooLong) }
}

/// `APPEND key value`: the new length. Errors: WRONGTYPE, too long.
fn append(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (key, more) = (args.at(1), args.at(2));
    if let Some(length) = keys.write_string(key)?.map(Text::len) {
        allow(keys, length, more.len())?;
    }
    reply.integer(keys.append(key, more)? as i64);
    Ok(())
}

/// `STRLEN key`: bytes at `key`, 0 when missing. Errors: WRONGTYPE.
fn strlen(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let length = keys.read_string(args.at(1))?.map_or(0, Text::len);
    reply.integer(length as i64);
    Ok(())
}

/// `SETRANGE key offset value`: the new length. An empty value changes nothing and creates nothing.
/// Errors: a negative offset, WRONGTYPE, too long.
fn setrange(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (key, bytes) = (args.at(1), args.at(3));
    let offset = integer(args.at(2))?;
    let offset = usize::try_from(offset).map_err(|_| CommandError::Text("ERR offset is out of range"))?;
    let mut length = keys.write_string(key)?.map_or(0, Text::len);
    if !bytes.is_empty() {
        allow(keys, offset, bytes.len())?;
        length = keys.write_range(key, offset, bytes)?;
    }
    reply.integer(length as i64);
    Ok(())
}

/// `GETRANGE key start end`: the bytes from `start` to `end`, both included; negative offsets count
/// from the end. Empty when missing. Errors: WRONGTYPE.
fn getrange(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let start = integer(args.at(2))?;
    let end = integer(args.at(3))?;
    let text = keys.read_string(args.at(1))?.unwrap_or(Text::Bytes(b""));
    let mut digits = itoa::Buffer::new();
    let bytes = text.bytes(&mut digits);
    reply.bulk(slice(bytes, start, end));
    Ok(())
}

fn slice(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    // Looks redundant and is not: of two offsets before the first byte, the clamps below make both 0,
    // which would be one byte and not none.
    if start < 0 && end < 0 && start > end {
        return b"";
    }
    let length = bytes.len() as i64;
    let from_start = |offset: i64| if offset < 0 { (length + offset).max(0) } else { offset };
    let (start, end) = (from_start(start), from_start(end).min(length - 1));
    if start > end { b"" } else { &bytes[start as usize..=end as usize] }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn append_grows_a_string_and_makes_it_raw() {
        check(
            r#"
        > append k 12                             (integer) 2
        > object encoding k                       "int"
        > append k 3                              (integer) 3
        > get k                                   "123"
        > object encoding k                       "raw"
        > append k ""                             (integer) 3
        > append k2 ""                            (integer) 0
        > exists k2                               (integer) 1
        > expire k 100                            (integer) 1
        > append k "\x00\xff"                     (integer) 5
        > ttl k                                   (integer) 100
        > get k                                   "123\x00\xff"
            "#,
        );
    }

    #[test]
    fn strlen_counts_bytes_not_characters() {
        check(
            r#"
        > set k "h\xc3\xa9"                       OK
        > strlen k                                (integer) 3
        > strlen missing                          (integer) 0
        > set n 12345                             OK
        > strlen n                                (integer) 5
            "#,
        );
    }

    #[test]
    fn setrange_fills_with_zero_bytes() {
        check(
            r#"
        > setrange k 3 abc                        (integer) 6
        > get k                                   "\x00\x00\x00abc"
        > setrange k 1 xy                         (integer) 6
        > get k                                   "\x00xyabc"
        > setrange k 4 z                          (integer) 6
        > get k                                   "\x00xyazc"
        > setrange k 0 ""                         (integer) 6
        > setrange k2 5 ""                        (integer) 0
        > exists k2                               (integer) 0
        > set n 12345                             OK
        > setrange n 1 99                         (integer) 5
        > get n                                   "19945"
        > object encoding n                       "raw"
        > setrange k -1 x                         (error) ERR offset is out of range
        > setrange k x x                          (error) ERR value is not an integer or out of range
        > setrange k 1                            (error) ERR wrong number of arguments for 'setrange' command
            "#,
        );
    }

    #[test]
    fn a_string_may_not_pass_the_longest_bulk() {
        check(
            r#"
        > setrange k 536870912 x                  (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > setrange k 9223372036854775807 xx       (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > setrange k 536870911 xy                 (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > exists k                                (integer) 0
        > set k abc                               OK
        > setrange k 536870912 ""                 (integer) 3
        > setrange k 536870912 x                  (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
            "#,
        );
    }

    #[test]
    fn getrange_takes_offsets_from_both_ends() {
        check(
            r#"
        > set k "Hello World"                     OK
        > getrange k 0 4                          "Hello"
        > getrange k -5 -1                        "World"
        > getrange k 0 -1                         "Hello World"
        > getrange k 4 2                          ""
        > getrange k -1 -5                        ""
        > getrange k -100 3                       "Hell"
        > getrange k -100 -100                    "H"
        > getrange k -100 -101                    ""
        > getrange k -101 -100                    "H"
        > getrange k 5 100                        " World"
        > getrange k 11 12                        ""
        > getrange k 10 9223372036854775807       "d"
        > getrange k -9223372036854775808 0       "H"
        > getrange k 0 9223372036854775808        (error) ERR value is not an integer or out of range
        > getrange k x 1                          (error) ERR value is not an integer or out of range
        > getrange k 1 x                          (error) ERR value is not an integer or out of range
        > getrange missing 0 -1                   ""
        > substr k 6 8                            "Wor"
        > set n 12345                             OK
        > getrange n 1 3                          "234"
        > set e ""                                OK
        > getrange e 0 0                          ""
        > getrange e -1 -1                        ""
            "#,
        );
    }
}
