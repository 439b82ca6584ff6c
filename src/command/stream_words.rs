//! What the commands on streams have in common: ids as clients write them, entries as they are answered.

use crate::base::number::parse_i64;
use crate::command::error::{CommandError, c_text};
use crate::ds::stream::{Entry, Id, Wanted};
use crate::resp::Reply;
use std::ops::RangeInclusive;

/// The error for what is no id.
const INVALID_ID: CommandError =
    CommandError::Text("ERR Invalid stream ID specified as stream command argument");

/// Longest text that may be an id.
const ID_TEXT_MAX: usize = 127;

/// Half of an id, as the reference reads it: an integer that is not negative, or what C's `strtoull` makes of
/// the whole text, which may begin with spaces and a sign.
fn half(text: &[u8]) -> Option<u64> {
    if let Some(int) = parse_i64(text) {
        return u64::try_from(int).ok();
    }
    let space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().position(|byte| !space(byte)).unwrap_or(text.len())..];
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .try_fold(0_u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')))?;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// The time of an id, and what stands behind its hyphen.
fn halves(word: &[u8]) -> Option<(u64, Option<&[u8]>)> {
    if word.len() > ID_TEXT_MAX {
        return None;
    }
    let text = c_text(word);
    match memchr::memchr(b'-', text) {
        Some(at) => Some((half(&text[..at])?, Some(&text[at + 1..]))),
        None => Some((half(text)?, None)),
    }
}

/// An id: `ms-seq`, or `ms` with `seq` behind it. Errors: anything else.
pub(super) fn strict_id(word: &[u8], seq: u64) -> Result<Id, CommandError> {
    let (ms, behind) = halves(word).ok_or(INVALID_ID)?;
    let seq = behind.map_or(Some(seq), half).ok_or(INVALID_ID)?;
    Ok(Id::new(ms, seq))
}

/// The same, and `-` and `+` for the first and the last there can be.
pub(super) fn loose_id(word: &[u8], seq: u64) -> Result<Id, CommandError> {
    match c_text(word) {
        b"-" if word.len() <= ID_TEXT_MAX => Ok(Id::MIN),
        b"+" if word.len() <= ID_TEXT_MAX => Ok(Id::MAX),
        _ => strict_id(word, seq),
    }
}

/// The id that XADD is to give: `*`, `ms-*`, or an id.
pub(super) fn wanted_id(word: &[u8]) -> Result<Wanted, CommandError> {
    if word.first() == Some(&b'*') && c_text(word) == b"*" {
        return Ok(Wanted::Auto);
    }
    let (ms, behind) = halves(word).ok_or(INVALID_ID)?;
    match behind {
        Some(b"*") => Ok(Wanted::In(ms)),
        Some(seq) => Ok(Wanted::Exactly(Id::new(ms, half(seq).ok_or(INVALID_ID)?))),
        None => Ok(Wanted::Exactly(Id::new(ms, 0))),
    }
}

/// The first id of an interval; with `(` before it, the next one.
pub(super) fn interval_start(word: &[u8]) -> Result<Id, CommandError> {
    match word {
        [b'(', id @ ..] if !id.is_empty() => {
            let next = strict_id(id, 0)?.next();
            next.ok_or(CommandError::Text("ERR invalid start ID for the interval"))
        }
        id => loose_id(id, 0),
    }
}

/// The last id of an interval; with `(` before it, the one before.
fn interval_end(word: &[u8]) -> Result<Id, CommandError> {
    match word {
        [b'(', id @ ..] if !id.is_empty() => {
            let before = strict_id(id, u64::MAX)?.prev();
            before.ok_or(CommandError::Text("ERR invalid end ID for the interval"))
        }
        id => loose_id(id, u64::MAX),
    }
}

/// An interval of ids. Errors: the start's before the end's.
pub(super) fn interval(start: &[u8], end: &[u8]) -> Result<RangeInclusive<Id>, CommandError> {
    Ok(interval_start(start)?..=interval_end(end)?)
}

/// Answers with an id.
pub(super) fn write_id(reply: &mut Reply<'_>, id: Id) {
    reply.bulk(id.text().as_bytes());
}

/// Answers with an entry: its id, and its fields and values in turn.
pub(super) fn write_entry(reply: &mut Reply<'_>, entry: &Entry<'_>) {
    reply.array(2);
    write_id(reply, entry.id);
    reply.array(entry.len() * 2);
    let mut digits = itoa::Buffer::new();
    for word in entry.words() {
        reply.bulk(word.bytes(&mut digits));
    }
}

/// Answers with an array of as many replies as `write` says it wrote.
pub(super) fn write_array(reply: &mut Reply<'_>, write: impl FnOnce(&mut Reply<'_>) -> usize) {
    let start = reply.out().len();
    let count = write(reply);
    // The header comes behind what it announces, and is turned to the front.
    let end = reply.out().len();
    reply.array(count);
    let header = reply.out().len() - end;
    reply.out()[start..].rotate_right(header);
}

/// The error for a group that is not there, or whose key is not.
pub(super) fn no_key_or_group(reply: &mut Reply<'_>, key: &[u8], group: &[u8], rest: &str) -> CommandError {
    let (key, group) = (c_text(key), c_text(group));
    let parts: [&[u8]; 6] =
        [b"NOGROUP No such key '", key, b"' or consumer group '", group, b"'", rest.as_bytes()];
    reply.error_bytes(&parts.concat());
    CommandError::Replied
}

/// The error for a group that is not there.
pub(super) fn no_group(reply: &mut Reply<'_>, key: &[u8], group: &[u8]) -> CommandError {
    let (key, group) = (c_text(key), c_text(group));
    let parts: [&[u8]; 5] = [b"NOGROUP No such consumer group '", group, b"' for key name '", key, b"'"];
    reply.error_bytes(&parts.concat());
    CommandError::Replied
}

/// The error for a subcommand whose words make no sense; `word` as the client wrote it.
pub(super) fn bad_subcommand(reply: &mut Reply<'_>, container: &str, word: &[u8]) -> CommandError {
    let word = c_text(word);
    let word = &word[..word.len().min(128)];
    let start: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
    reply.error_bytes(&[start, word, b"'. Try ", container.as_bytes(), b" HELP."].concat());
    CommandError::Replied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_c_reads_numbers() {
        for (text, id) in [
            ("5", Some(Id::new(5, 9))),
            ("5-3", Some(Id::new(5, 3))),
            ("01-007", Some(Id::new(1, 7))),
            (" 2-\t3", Some(Id::new(2, 3))),
            ("+3-+3", Some(Id::new(3, 3))),
            ("3--05", Some(Id::new(3, 18_446_744_073_709_551_611))),
            ("5-1\0x", Some(Id::new(5, 1))),
            ("18446744073709551615-18446744073709551615", Some(Id::MAX)),
            ("18446744073709551616-0", None),
            ("3--5", None),
            ("-5", None),
            ("5-", None),
            ("", None),
            ("-", None),
            ("+", None),
            ("5-3 ", None),
            ("5-3-1", None),
            ("x", None),
        ] {
            assert_eq!(strict_id(text.as_bytes(), 9).ok(), id, "{text:?}");
        }
        assert!(strict_id(&[b'0'; 127], 0).is_ok());
        assert!(strict_id(&[b'0'; 128], 0).is_err());
        assert_eq!(wanted_id(b"5-*"), Ok(Wanted::In(5)));
        assert!(wanted_id(b"5-**").is_err());
    }
}
