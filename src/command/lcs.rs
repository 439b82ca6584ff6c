//! LCS: the longest common subsequence of two strings.
//!
//! The classic table of lengths, computed row by row: two rows of it are kept, and for the way back one
//! bit per cell, which says whether the better neighbour is above. That is a 32nd of the whole table's
//! memory; what is too large for the reference is refused here as well, so that a pair of strings works
//! on both or on neither. The work is O(N*M) on the asking connection's core.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::CommandError;
use crate::command::spec::{Access, Carry, Flags, Group, Hop, Keys, Next, Part, Spec};
use crate::resp::Reply;
use crate::shard::{Keyspace, Text};
use std::ops::RangeInclusive;

/// The rows of this family.
pub const ROWS: &[Spec] = &[Spec::atomic("lcs", lcs)
    .arity(-3)
    .flags(Flags::READ)
    .categories(&["string"])
    .keys(Keys::range(1, 2, 1, Access::READ))
    .usage("key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]")
    .doc(
        Group::String,
        "7.0.0",
        "O(N*M) where N and M are the lengths of s1 and s2, respectively",
        "Finds the longest common subsequence of the strings at two keys.",
    )];

/// What is asked about the subsequence.
#[derive(Clone, Copy, Default)]
struct Options {
    length: bool,
    ranges: bool,
    range_length_min: usize,
    range_lengths: bool,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut at = 3;
        while at < args.len() {
            match () {
                () if args.is(at, "len") => options.length = true,
                () if args.is(at, "idx") => options.ranges = true,
                () if args.is(at, "withmatchlen") => options.range_lengths = true,
                () if args.is(at, "minmatchlen") && at + 1 < args.len() => {
                    at += 1;
                    options.range_length_min = usize::try_from(integer(args.at(at))?).unwrap_or(0);
                }
                () => return Err(CommandError::Syntax),
            }
            at += 1;
        }
        if options.length && options.ranges {
            return Err(CommandError::Text(
                "ERR If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]`: the subsequence, its length, or where
/// its pieces lie in both strings, the last piece first. Errors: another type, then bad options.
fn lcs(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    if hop.stage == 0 {
        let part = |key, run| Part { key, db: hop.db, run, carry: Carry::Nothing };
        return Ok(Next::Hop(vec![part(1, read_part), part(2, read_part), part(1, limit_part)]));
    }
    let (a, b) = (text(&mut hop.carries[0])?, text(&mut hop.carries[1])?);
    let options = Options::parse(args)?;
    let limit = match hop.carries[2] {
        Carry::Number(bytes) => bytes as u64,
        _ => 0,
    };
    refuse_too_large(a.len() as u64, b.len() as u64, limit)?;
    answer(&a, &b, options, reply);
    Ok(Next::Done)
}

/// The string a part has brought; empty if it was missing.
fn text(carry: &mut Carry) -> Result<Vec<u8>, CommandError> {
    match std::mem::take(carry) {
        Carry::Error(error) => Err(error),
        Carry::Bytes(text) => Ok(text.unwrap_or_default()),
        _ => Ok(Vec::new()),
    }
}

fn read_part(keys: &mut Keyspace<'_>, key: &[u8], _: Carry) -> Carry {
    match keys.read_string(key) {
        Ok(text) => Carry::Bytes(text.map(Text::to_vec)),
        Err(_) => Carry::Error(CommandError::Text("ERR The specified keys must contain string values")),
    }
}

fn limit_part(keys: &mut Keyspace<'_>, _: &[u8], _: Carry) -> Carry {
    Carry::Number(keys.settings().bulk_bytes_max as i64)
}

/// Refuses what the reference refuses, whose table has four bytes per cell. `limit` is
/// `proto-max-bulk-len`.
fn refuse_too_large(a_len: u64, b_len: u64, limit: u64) -> Result<(), CommandError> {
    if a_len.max(b_len) >= u64::from(u32::MAX) - 1 {
        return Err(CommandError::Text("ERR String too long for LCS"));
    }
    let table_bytes = u128::from(a_len + 1) * u128::from(b_len + 1) * size_of::<u32>() as u128;
    if table_bytes > u128::from(limit) {
        return Err(CommandError::Text(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ));
    }
    Ok(())
}

fn answer(a: &[u8], b: &[u8], options: Options, reply: &mut Reply<'_>) {
    if options.length {
        return reply.integer(i64::from(fill(a, b, |_, _| {})));
    }
    let way = Way::find(a, b);
    if !options.ranges {
        return reply.bulk(&way.subsequence(a));
    }
    let mut pieces = way.pieces();
    pieces.retain(|piece| piece.len >= options.range_length_min);
    reply.map(2);
    reply.text("matches");
    reply.array(pieces.len());
    for piece in &pieces {
        reply.array(2 + usize::from(options.range_lengths));
        write_range(reply, piece.in_a());
        write_range(reply, piece.in_b());
        if options.range_lengths {
            reply.integer(piece.len as i64);
        }
    }
    reply.text("len");
    reply.integer(way.matches.len() as i64);
}

fn write_range(reply: &mut Reply<'_>, range: RangeInclusive<usize>) {
    reply.array(2);
    reply.integer(*range.start() as i64);
    reply.integer(*range.end() as i64);
}

/// Computes the table of lengths and returns its last cell. Where two bytes differ and the better
/// neighbour is the one above (a byte of `a` fewer), `mark_above` is called with both prefixes' lengths.
fn fill(a: &[u8], b: &[u8], mut mark_above: impl FnMut(usize, usize)) -> u32 {
    let mut above = vec![0u32; b.len() + 1];
    let mut row = above.clone();
    for (i, byte_a) in a.iter().enumerate() {
        for (j, byte_b) in b.iter().enumerate() {
            row[j + 1] = if byte_a == byte_b {
                above[j] + 1
            } else {
                if above[j + 1] > row[j] {
                    mark_above(i + 1, j + 1);
                }
                above[j + 1].max(row[j])
            };
        }
        std::mem::swap(&mut above, &mut row);
    }
    above[b.len()]
}

/// The subsequence as pairs of offsets, the last pair first.
struct Way {
    matches: Vec<(usize, usize)>,
}

/// A stretch that is the same in both strings.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    a: usize,
    b: usize,
    len: usize,
}

impl Piece {
    fn in_a(&self) -> RangeInclusive<usize> {
        self.a..=self.a + self.len - 1
    }

    fn in_b(&self) -> RangeInclusive<usize> {
        self.b..=self.b + self.len - 1
    }
}

impl Way {
    /// Of several longest subsequences this is the one the reference finds: on the way back from both
    /// ends, a tie drops a byte of `b`.
    fn find(a: &[u8], b: &[u8]) -> Way {
        let cells = (a.len() + 1) * (b.len() + 1);
        let mut bits = vec![0u64; cells.div_ceil(64)];
        let cell = |i: usize, j: usize| i * (b.len() + 1) + j;
        let length = fill(a, b, |i, j| bits[cell(i, j) / 64] |= 1 << (cell(i, j) % 64));
        let mut matches = Vec::with_capacity(length as usize);
        let (mut i, mut j) = (a.len(), b.len());
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                i -= 1;
                j -= 1;
                matches.push((i, j));
            } else if bits[cell(i, j) / 64] >> (cell(i, j) % 64) & 1 == 1 {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        Way { matches }
    }

    fn subsequence(&self, a: &[u8]) -> Vec<u8> {
        self.matches.iter().rev().map(|&(i, _)| a[i]).collect()
    }

    /// The stretches without a gap in either string, the last one first.
    fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for &(a, b) in &self.matches {
            match pieces.last_mut() {
                Some(last) if last.a == a + 1 && last.b == b + 1 => {
                    *last = Piece { a, b, len: last.len + 1 };
                }
                _ => pieces.push(Piece { a, b, len: 1 }),
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    #[test]
    fn a_table_is_refused_by_the_size_the_reference_would_allocate() {
        assert!(refuse_too_large(1023, 1023, 4 << 20).is_ok());
        assert!(refuse_too_large(1023, 1024, 4 << 20).is_err());
        assert!(refuse_too_large(u64::from(u32::MAX), 0, u64::MAX).is_err());
    }

    #[test]
    fn pieces_are_found_from_the_end() {
        let way = Way::find(b"ohmytext", b"mynewtext");
        assert_eq!(way.subsequence(b"ohmytext"), b"mytext");
        assert_eq!(way.pieces(), [Piece { a: 4, b: 5, len: 4 }, Piece { a: 2, b: 0, len: 2 }]);
        assert_eq!(fill(b"ohmytext", b"mynewtext", |_, _| {}), 6);
    }

    #[test]
    fn lcs_answers_the_bytes_the_length_or_the_places() {
        check(
            r#"
        > mset a ohmytext b mynewtext n 12345     OK
        > lcs a b                                 "mytext"
        > lcs a b len                             (integer) 6
        > lcs a b idx
            1) "matches"
            2) 1) 1) 1) (integer) 4
                     2) (integer) 7
                  2) 1) (integer) 5
                     2) (integer) 8
               2) 1) 1) (integer) 2
                     2) (integer) 3
                  2) 1) (integer) 0
                     2) (integer) 1
            3) "len"
            4) (integer) 6
        > lcs a b idx minmatchlen 4
            1) "matches"
            2) 1) 1) 1) (integer) 4
                     2) (integer) 7
                  2) 1) (integer) 5
                     2) (integer) 8
            3) "len"
            4) (integer) 6
        > lcs a b idx minmatchlen 4 withmatchlen
            1) "matches"
            2) 1) 1) 1) (integer) 4
                     2) (integer) 7
                  2) 1) (integer) 5
                     2) (integer) 8
                  3) (integer) 4
            3) "len"
            4) (integer) 6
        > lcs a b idx withmatchlen minmatchlen -1
            1) "matches"
            2) 1) 1) 1) (integer) 4
                     2) (integer) 7
                  2) 1) (integer) 5
                     2) (integer) 8
                  3) (integer) 4
               2) 1) 1) (integer) 2
                     2) (integer) 3
                  2) 1) (integer) 0
                     2) (integer) 1
                  3) (integer) 2
            3) "len"
            4) (integer) 6
        > lcs a b idx minmatchlen 100
            1) "matches"
            2) (empty array)
            3) "len"
            4) (integer) 6
        > lcs n n idx
            1) "matches"
            2) 1) 1) 1) (integer) 0
                     2) (integer) 4
                  2) 1) (integer) 0
                     2) (integer) 4
            3) "len"
            4) (integer) 5
        > lcs a missing                           ""
        > lcs missing missing2 len                (integer) 0
        > lcs missing missing2 idx
            1) "matches"
            2) (empty array)
            3) "len"
            4) (integer) 0
        > lcs a a len                             (integer) 8
            "#,
        );
    }

    #[test]
    fn lcs_refuses_options_that_contradict() {
        check(
            r#"
        > mset a ohmytext b mynewtext             OK
        > lcs a b len idx                         (error) ERR If you want both the length and indexes, please just use IDX.
        > lcs a b foo                             (error) ERR syntax error
        > lcs a b minmatchlen                     (error) ERR syntax error
        > lcs a b minmatchlen x                   (error) ERR value is not an integer or out of range
        > lcs a b len withmatchlen minmatchlen 3  (integer) 6
        > lcs a                                   (error) ERR wrong number of arguments for 'lcs' command
            "#,
        );
    }
}
