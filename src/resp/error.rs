//! What a client did wrong on the wire. Such a connection is answered once and closed: after a bad
//! length nobody knows where the next command begins.

use std::fmt;

/// A request that is not the Redis protocol. The texts are Redis 7.0's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// `*` is not followed by an integer that fits.
    MultibulkLength,
    /// More arguments than one may send before AUTH.
    UnauthenticatedMultibulkLength,
    /// `$` is not followed by an integer between 0 and the limit.
    BulkLength,
    /// A longer argument than one may send before AUTH.
    UnauthenticatedBulkLength,
    /// An argument does not begin with `$` but with this byte.
    ExpectedDollar(u8),
    /// A `*` line without end.
    MultibulkLineTooLong,
    /// A `$` line without end.
    BulkLineTooLong,
    /// An inline command without end.
    InlineTooLong,
    /// An inline command with a quote that is not closed, or closed inside a word.
    UnbalancedQuotes,
}

impl ProtocolError {
    /// The whole error line without CRLF: `-ERR Protocol error: …`. A byte outside ASCII in it becomes
    /// U+FFFD; `write_to` is exact.
    pub fn wire(&self) -> String {
        format!("-ERR Protocol error: {self}")
    }

    /// Appends the error as it goes over the wire, line end included.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"-ERR Protocol error: ");
        match *self {
            ProtocolError::ExpectedDollar(byte) => {
                out.extend_from_slice(b"expected '$', got '");
                // A line end inside an error would be the end of the error.
                out.push(if matches!(byte, b'\r' | b'\n') { b' ' } else { byte });
                out.push(b'\'');
            }
            _ => out.extend_from_slice(self.text().as_bytes()),
        }
        out.extend_from_slice(b"\r\n");
    }

    fn text(&self) -> &'static str {
        match self {
            ProtocolError::MultibulkLength => "invalid multibulk length",
            ProtocolError::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            ProtocolError::BulkLength => "invalid bulk length",
            ProtocolError::UnauthenticatedBulkLength => "unauthenticated bulk length",
            ProtocolError::ExpectedDollar(_) => "expected '$'",
            ProtocolError::MultibulkLineTooLong => "too big mbulk count string",
            ProtocolError::BulkLineTooLong => "too big bulk count string",
            ProtocolError::InlineTooLong => "too big inline request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ProtocolError::ExpectedDollar(byte) => {
                let shown = match byte {
                    b'\r' | b'\n' => ' ',
                    byte if byte.is_ascii() => char::from(byte),
                    _ => char::REPLACEMENT_CHARACTER,
                };
                write!(to, "expected '$', got '{shown}'")
            }
            _ => to.write_str(self.text()),
        }
    }
}

impl std::error::Error for ProtocolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unexpected_byte_goes_back_as_it_came_except_line_ends() {
        for (byte, shown) in [(b'x', b'x'), (0xff, 0xff), (b'\r', b' '), (b'\n', b' ')] {
            let mut out = Vec::new();
            ProtocolError::ExpectedDollar(byte).write_to(&mut out);
            assert_eq!(
                out,
                [b"-ERR Protocol error: expected '$', got '".as_slice(), &[shown], b"'\r\n"].concat()
            );
        }
    }

    #[test]
    fn wire_is_the_line_without_its_end() {
        assert_eq!(ProtocolError::BulkLength.wire(), "-ERR Protocol error: invalid bulk length");
    }
}
