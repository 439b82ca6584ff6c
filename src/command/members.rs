//! What the families of collections share: writing members, lists whose length shows at the end, and the
//! options of HSCAN, SSCAN and ZSCAN.

use crate::base::args::Args;
use crate::base::glob;
use crate::base::number::parse_cursor;
use crate::command::args::integer;
use crate::command::error::CommandError;
use crate::ds::packed::Item;
use crate::resp::Reply;

/// Longest reply that a command asks for which no collection bounds: SRANDMEMBER with a negative count, SORT with
/// many GETs. The reference would go on until its memory is full.
const DRAWN_BYTES_MAX: usize = 512 << 20;

/// Shortest bulk string on the wire.
const BULK_BYTES_MIN: usize = 6;

/// The answer to more than that.
const TOO_LONG: CommandError = CommandError::Text("ERR value is out of range, the reply would be too long");

/// Answers with a member as a bulk string.
#[inline]
pub(super) fn bulk(reply: &mut Reply<'_>, item: Item<'_>) {
    match item {
        Item::Bytes(bytes) => reply.bulk(bytes),
        Item::Int(int) => reply.text(itoa::Buffer::new().format(int)),
    }
}

/// Writes replies, as many as `write` says it wrote, and puts the header that announces them before them.
pub(super) fn counted(
    reply: &mut Reply<'_>,
    header: fn(&mut Reply<'_>, usize),
    write: impl FnOnce(&mut Reply<'_>) -> usize,
) {
    let start = reply.out().len();
    let count = write(reply);
    let end = reply.out().len();
    header(reply, count);
    let out = reply.out();
    let header_len = out.len() - end;
    out[start..].rotate_right(header_len);
}

/// Error: so many bulk strings make a reply beyond all bounds.
pub(super) fn check_count(count: u64) -> Result<usize, CommandError> {
    let count = usize::try_from(count).ok().filter(|&count| count <= DRAWN_BYTES_MAX / BULK_BYTES_MIN);
    count.ok_or(TOO_LONG)
}

/// Answers with what `draws` gives, `count` times, each written by `write`. Error: a reply beyond all bounds.
pub(super) fn drawn<T>(
    reply: &mut Reply<'_>,
    count: u64,
    draws: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Reply<'_>, T),
) -> Result<(), CommandError> {
    let start = reply.out().len();
    for item in draws.take(check_count(count)?) {
        write(reply, item);
        if reply.out().len() - start > DRAWN_BYTES_MAX {
            reply.out().truncate(start);
            return Err(TOO_LONG);
        }
    }
    Ok(())
}

/// The cursor of HSCAN and its kin: the second word behind the name.
pub(super) fn cursor(args: Args<'_>) -> Result<u64, CommandError> {
    parse_cursor(args.at(2)).ok_or(CommandError::Text("ERR invalid cursor"))
}

/// What HSCAN and its kin answer of the members they pass.
pub(super) struct Filter<'a> {
    /// About how many are passed.
    pub(super) count: usize,
    pattern: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// Reads `[MATCH pattern] [COUNT count]` behind the cursor.
    pub(super) fn parse(args: Args<'a>) -> Result<Self, CommandError> {
        let mut filter = Filter { count: 10, pattern: None };
        let mut at = 3;
        while at < args.len() {
            let word = args.get(at + 1).ok_or(CommandError::Syntax)?;
            if args.is(at, "count") {
                let count = integer(word)?;
                let count = usize::try_from(count).ok().filter(|&count| count > 0);
                filter.count = count.ok_or(CommandError::Syntax)?;
            } else if args.is(at, "match") {
                filter.pattern = Some(word).filter(|&pattern| pattern != b"*");
            } else {
                return Err(CommandError::Syntax);
            }
            at += 2;
        }
        Ok(filter)
    }

    /// Whether a member is to be answered.
    pub(super) fn wants(&self, member: Item<'_>) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, member.bytes(&mut itoa::Buffer::new())))
    }
}

/// Answers with the next cursor and a list of what `scan` writes; `scan` returns the cursor and how many
/// replies it wrote.
pub(super) fn scanned(reply: &mut Reply<'_>, scan: impl FnOnce(&mut Reply<'_>) -> (u64, usize)) {
    reply.array(2);
    let start = reply.out().len();
    let (next, count) = scan(reply);
    let end = reply.out().len();
    reply.text(itoa::Buffer::new().format(next));
    reply.array(count);
    let out = reply.out();
    let header_len = out.len() - end;
    out[start..].rotate_right(header_len);
}

/// Answers with the end of a scan of a key that is not there.
pub(super) fn scanned_nothing(reply: &mut Reply<'_>) {
    scanned(reply, |_| (0, 0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Protocol;

    #[test]
    fn a_header_comes_before_what_was_written() {
        let mut out = b"+before\r\n".to_vec();
        let mut reply = Reply::new(&mut out, Protocol::Resp3);
        counted(
            &mut reply,
            |reply, count| reply.set(count),
            |reply| {
                (0..12).for_each(|number| reply.integer(number));
                12
            },
        );
        scanned(&mut reply, |reply| {
            bulk(reply, Item::Int(-5));
            bulk(reply, Item::Bytes(b"x"));
            (17, 2)
        });
        let numbers: String = (0..12).map(|number| format!(":{number}\r\n")).collect();
        let scan = "*2\r\n$2\r\n17\r\n*2\r\n$2\r\n-5\r\n$1\r\nx\r\n";
        assert_eq!(String::from_utf8_lossy(&out), format!("+before\r\n~12\r\n{numbers}{scan}"));
    }

    #[test]
    fn a_reply_beyond_all_bounds_is_refused_and_leaves_nothing() {
        let mut out = b"+before\r\n".to_vec();
        let mut reply = Reply::new(&mut out, Protocol::Resp2);
        let one = || std::iter::repeat(&b"x"[..]);
        assert_eq!(drawn(&mut reply, u64::MAX, one(), |reply, item| reply.bulk(item)), Err(TOO_LONG));
        let large = vec![0; 100 << 20];
        let draws = std::iter::repeat(&large);
        assert_eq!(drawn(&mut reply, 100, draws, |reply, item| reply.bulk(item)), Err(TOO_LONG));
        assert_eq!(drawn(&mut reply, 2, one(), |reply, item| reply.bulk(item)), Ok(()));
        assert_eq!(String::from_utf8_lossy(&out), "+before\r\n$1\r\nx\r\n$1\r\nx\r\n");
    }
}
