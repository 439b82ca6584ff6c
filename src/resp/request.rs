//! Commands out of a connection's bytes: where each argument lies, never a copy of it.
//!
//! The parser remembers how far it came inside an unfinished frame, so a big argument that arrives in
//! ten thousand reads is looked at once, not ten thousand times. The steady path allocates nothing: the
//! list of spans is reused, and only an inline command with quotes, which a person typed, is unescaped
//! into a buffer of the parser's own.
//!
//! Limits and leniencies are Redis 7.0's: a byte is expected after each `\r` but need not be `\n`, the
//! two bytes after an argument are not looked at, a zero byte hides the rest of a line.

use crate::base::args::{Args, Span};
use crate::base::limits;
use crate::base::words;
use crate::resp::ProtocolError;

/// Most arguments of a connection that has not said its password yet.
const UNAUTHENTICATED_MULTIBULK_MAX: usize = 10;

/// Longest argument of a connection that has not said its password yet.
const UNAUTHENTICATED_BULK_BYTES_MAX: usize = 16384;

/// Spans kept for the next frame: a frame of a million arguments must not cost its connection that
/// memory for ever.
const SPANS_KEPT: usize = 256;

/// Bytes kept of the buffer for quoted inline commands, likewise.
const UNQUOTED_BYTES_KEPT: usize = 1024;

/// What a connection may send.
#[derive(Clone, Copy, Debug)]
pub struct ParseLimits {
    /// Longest argument, `proto-max-bulk-len`.
    pub bulk_bytes_max: usize,
    /// Whether the connection may run commands: one that must authenticate first gets tighter limits.
    pub authenticated: bool,
}

impl Default for ParseLimits {
    fn default() -> Self {
        ParseLimits { bulk_bytes_max: limits::BULK_BYTES_MAX, authenticated: true }
    }
}

/// Cuts one connection's input into commands. After an error it is of no more use: close.
#[derive(Debug, Default)]
pub struct Parser {
    /// Offset in the frame of the first byte not understood yet.
    at: usize,
    /// Bytes from `at` on that are known to hold no line end.
    searched: usize,
    /// Arguments still to come; 0 before the frame's first line was read.
    left: usize,
    /// Length of the argument whose first line was read and whose bytes are not all here.
    bulk: Option<usize>,
    /// How many bytes the argument under way lacked at the last look.
    missing: usize,
    spans: Vec<Span>,
    /// What the words of a quoted inline command mean.
    unquoted: Vec<u8>,
    /// Whether the spans are over `unquoted` rather than the input.
    quoted: bool,
}

impl Parser {
    /// A parser at the start of a frame.
    pub fn new() -> Self {
        Parser::default()
    }

    /// Looks for the end of the frame that begins at the first byte of `input`. Until it is found, each
    /// call must pass the same bytes again with more behind them. `Ok(None)`: more is needed.
    /// `Ok(Some(consumed))`: the frame has that many bytes, and its arguments are `args(input)` until the
    /// next call. There may be none (`*0`, an empty line): nothing was asked, nothing is answered.
    #[inline]
    pub fn next(&mut self, input: &[u8], limits: &ParseLimits) -> Result<Option<usize>, ProtocolError> {
        if self.left == 0 {
            self.spans.clear();
            match input.first() {
                None => return Ok(None),
                Some(b'*') => {}
                Some(_) => return self.inline(input),
            }
            self.quoted = false;
            let Some((count, at)) = self.count(input)? else { return Ok(None) };
            if count > UNAUTHENTICATED_MULTIBULK_MAX && !limits.authenticated {
                return Err(ProtocolError::UnauthenticatedMultibulkLength);
            }
            self.searched = 0;
            if count == 0 {
                self.at = 0;
                return Ok(Some(at));
            }
            self.at = at;
            self.left = count;
            if self.spans.capacity() > SPANS_KEPT {
                self.spans.shrink_to(SPANS_KEPT);
            }
        }
        self.arguments(input, limits)
    }

    /// The arguments of the frame `next` just returned; `input` as it was given there.
    #[inline]
    pub fn args<'a>(&'a self, input: &'a [u8]) -> Args<'a> {
        Args::new(if self.quoted { &self.unquoted } else { input }, &self.spans)
    }

    /// Whether the words of the frame `next` just returned are kept here, because quotes were taken off:
    /// they are lost with the next call.
    #[inline]
    pub fn is_quoted(&self) -> bool {
        self.quoted && self.left == 0
    }

    /// Forgets an unfinished frame: the next call begins at the start of one again.
    pub fn restart(&mut self) {
        self.left = 0;
        self.bulk = None;
        self.searched = 0;
        self.at = 0;
    }

    /// After `Ok(None)`: how many bytes are missing at least, 0 when unknown. Worth a bigger read.
    pub fn bytes_wanted(&self) -> usize {
        if self.bulk.is_some() { self.missing } else { 0 }
    }

    #[inline]
    fn arguments(&mut self, input: &[u8], limits: &ParseLimits) -> Result<Option<usize>, ProtocolError> {
        while self.left > 0 {
            let len = match self.bulk {
                Some(len) => len,
                None => {
                    let Some((len, body)) = self.bulk_len(input)? else { return Ok(None) };
                    if len > limits.bulk_bytes_max {
                        return Err(ProtocolError::BulkLength);
                    }
                    if len > UNAUTHENTICATED_BULK_BYTES_MAX && !limits.authenticated {
                        return Err(ProtocolError::UnauthenticatedBulkLength);
                    }
                    // Spans count in 32 bits; a connection's input is bounded far below that.
                    if body as u64 + len as u64 + 2 > u64::from(u32::MAX) {
                        return Err(ProtocolError::BulkLength);
                    }
                    self.at = body;
                    self.searched = 0;
                    len
                }
            };
            let end = self.at + len + 2;
            if end > input.len() {
                self.bulk = Some(len);
                self.missing = end - input.len();
                return Ok(None);
            }
            self.bulk = None;
            self.spans.push(Span { start: self.at as u32, len: len as u32 });
            self.at = end;
            self.left -= 1;
        }
        Ok(Some(std::mem::take(&mut self.at)))
    }

    /// The number in the frame's first line and the offset behind the line; negative counts as none.
    #[inline]
    fn count(&mut self, input: &[u8]) -> Result<Option<(usize, usize)>, ProtocolError> {
        if let Some(found) = short_length(input, 0) {
            return Ok(Some(found));
        }
        let Some(end) = self.line_end(input, b'\r', ProtocolError::MultibulkLineTooLong)? else {
            return Ok(None);
        };
        match crate::base::number::parse_i64(&input[1..end]) {
            Some(count) if count <= limits::MULTIBULK_MAX as i64 => {
                Ok(Some((count.max(0) as usize, end + 2)))
            }
            _ => Err(ProtocolError::MultibulkLength),
        }
    }

    /// The number in the argument's first line and the offset of the argument.
    #[inline]
    fn bulk_len(&mut self, input: &[u8]) -> Result<Option<(usize, usize)>, ProtocolError> {
        if input.get(self.at) == Some(&b'$')
            && let Some(found) = short_length(input, self.at)
        {
            return Ok(Some(found));
        }
        self.bulk_len_uncommon(input)
    }

    #[cold]
    fn bulk_len_uncommon(&mut self, input: &[u8]) -> Result<Option<(usize, usize)>, ProtocolError> {
        let Some(end) = self.line_end(input, b'\r', ProtocolError::BulkLineTooLong)? else { return Ok(None) };
        if input[self.at] != b'$' {
            return Err(ProtocolError::ExpectedDollar(input[self.at]));
        }
        // The line may be empty of digits and even of its marker, when `\r` stands where `$` should.
        match crate::base::number::parse_i64(&input[self.at + 1..end]).map(usize::try_from) {
            Some(Ok(len)) => Ok(Some((len, end + 2))),
            _ => Err(ProtocolError::BulkLength),
        }
    }

    #[cold]
    fn inline(&mut self, input: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let Some(newline) = self.line_end(input, b'\n', ProtocolError::InlineTooLong)? else {
            return Ok(None);
        };
        self.searched = 0;
        let line = input[..newline].strip_suffix(b"\r").unwrap_or(&input[..newline]);
        self.quoted = memchr::memchr2(b'"', b'\'', line).is_some();
        if self.quoted {
            self.unquoted.clear();
            self.unquoted.shrink_to(UNQUOTED_BYTES_KEPT);
            words::split(line, &mut self.unquoted, &mut self.spans)
                .map_err(|words::Unbalanced| ProtocolError::UnbalancedQuotes)?;
        } else {
            words::spans(line, &mut self.spans);
        }
        Ok(Some(newline + 1))
    }

    /// Where the line that begins at `self.at` ends: the offset of its first `end` byte. After `\r` one
    /// more byte must be there. A zero byte before it hides the end, and a line that is too long is
    /// `too_long`.
    fn line_end(
        &mut self,
        input: &[u8],
        end: u8,
        too_long: ProtocolError,
    ) -> Result<Option<usize>, ProtocolError> {
        let line = &input[self.at..];
        let found = memchr::memchr2(end, 0, &line[self.searched..]).map(|offset| self.searched + offset);
        match found {
            // The bound is on where the end may be, not on how much has been read, so that one big read
            // and many small ones are answered alike.
            Some(offset) if line[offset] == end && offset <= limits::INLINE_BYTES_MAX => {
                self.searched = offset;
                let complete = end == b'\n' || offset + 1 < line.len();
                Ok(complete.then_some(self.at + offset))
            }
            _ if line.len() > limits::INLINE_BYTES_MAX => Err(too_long),
            _ => {
                self.searched = found.unwrap_or(line.len());
                Ok(None)
            }
        }
    }
}

/// The plain case of a length line: a marker, up to nine digits without a leading zero, `\r`, a byte.
/// Everything else is left to the slow path.
#[inline(always)]
fn short_length(input: &[u8], marker: usize) -> Option<(usize, usize)> {
    let line = input.get(marker + 1..)?;
    let first = line.first()?.wrapping_sub(b'0');
    if first > 9 {
        return None;
    }
    let mut value = usize::from(first);
    for (offset, &byte) in line.iter().enumerate().skip(1).take(9) {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            if value == 0 {
                return None;
            }
            value = value * 10 + usize::from(digit);
        } else {
            return (byte == b'\r' && offset + 1 < line.len()).then_some((value, marker + 1 + offset + 2));
        }
    }
    None
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
