//! Counting replies without building them: bytes in any pieces in, how many answers they ended out.
//!
//! A bulk's body is jumped over, not looked at; a line is looked at only as far as its end. So a reply
//! costs a few nanoseconds whatever it holds, and 64 KB values cost the copy out of the kernel alone.

use crate::base::number::parse_i64;
use memchr::memchr;

/// Longest line that is kept when it arrives in pieces; an error text beyond it is cut.
const LINE_BYTES_MAX: usize = 64 << 10;

/// What came is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub Vec<u8>);

/// Answers seen so far on one connection.
#[derive(Clone, Debug, Default)]
pub struct ReplyCounter {
    /// Bytes of a bulk, and its line end, that are still to come.
    body: usize,
    /// Elements of the open reply that are still to come; 0 between replies.
    left: u64,
    /// The open reply answers no request.
    push: bool,
    /// Start of a line whose end has not arrived.
    line: Vec<u8>,
    /// Error replies.
    pub errors: u64,
    /// Replies that were, or began with, a null: keys that do not exist.
    pub nulls: u64,
    /// The first error's text.
    pub first_error: Option<String>,
}

impl ReplyCounter {
    /// Takes the next bytes; how many replies ended in them.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<u64, Malformed> {
        let mut done = 0;
        while !bytes.is_empty() {
            if self.body > 0 {
                let taken = self.body.min(bytes.len());
                self.body -= taken;
                bytes = &bytes[taken..];
                if self.body == 0 {
                    done += self.end_element();
                }
                continue;
            }
            // The two commonest lines, whole: a status, and a bulk's length of up to two digits.
            if self.line.is_empty() && self.left == 0 {
                if let Some(rest) = bytes.strip_prefix(b"+OK\r\n") {
                    bytes = rest;
                    done += 1;
                    continue;
                }
                if let [b'$', tens @ b'0'..=b'9', units @ b'0'..=b'9', b'\r', b'\n', rest @ ..] = bytes {
                    let len = usize::from(tens - b'0') * 10 + usize::from(units - b'0') + 2;
                    if let Some(rest) = rest.get(len..) {
                        bytes = rest;
                        done += 1;
                        continue;
                    }
                }
            }
            let Some(end) = memchr(b'\n', bytes) else {
                if self.line.len() + bytes.len() > LINE_BYTES_MAX {
                    return Err(Malformed(self.line.clone()));
                }
                self.line.extend_from_slice(bytes);
                break;
            };
            let (head, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if self.line.is_empty() {
                done += self.on_line(head)?;
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(head);
                done += self.on_line(&line)?;
            }
        }
        Ok(done)
    }

    /// Starts the counts over, in the middle of a reply too.
    pub fn forget(&mut self) {
        (self.errors, self.nulls, self.first_error) = (0, 0, None);
    }

    /// A whole line, its end included; 1 when it ended a reply.
    fn on_line(&mut self, line: &[u8]) -> Result<u64, Malformed> {
        let malformed = || Malformed(line.to_vec());
        let text = line.strip_suffix(b"\r\n").ok_or_else(malformed)?;
        let (&kind, text) = text.split_first().ok_or_else(malformed)?;
        let outer = self.left == 0;
        if outer {
            self.left = 1;
            self.push = kind == b'>';
        }
        let number = || parse_i64(text).ok_or_else(malformed);
        match kind {
            b'+' | b':' | b',' | b'(' | b'#' => {}
            b'_' => self.nulls += u64::from(outer),
            b'-' => self.on_error(text),
            b'$' | b'=' | b'!' => {
                if kind == b'!' {
                    self.on_error(b"an error of many lines");
                }
                match usize::try_from(number()?) {
                    Ok(len) => {
                        self.body = len + 2;
                        return Ok(0);
                    }
                    Err(_) => self.nulls += u64::from(outer),
                }
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => match u64::try_from(number()?) {
                // An attribute is followed by the reply it is about.
                Ok(count) if kind == b'|' => self.left += count.saturating_mul(2) + 1,
                Ok(count) if kind == b'%' => self.left += count.saturating_mul(2),
                Ok(count) => self.left += count,
                Err(_) => self.nulls += u64::from(outer),
            },
            _ => return Err(malformed()),
        }
        Ok(self.end_element())
    }

    #[inline]
    fn end_element(&mut self) -> u64 {
        debug_assert!(self.left > 0); // a line came first and opened the reply
        self.left -= 1;
        u64::from(self.left == 0 && !std::mem::take(&mut self.push))
    }

    #[cold]
    fn on_error(&mut self, text: &[u8]) {
        self.errors += 1;
        if self.first_error.is_none() {
            self.first_error = Some(String::from_utf8_lossy(text).into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"+OK\r\n$2\r\nhi\r\n$-1\r\n:12\r\n-ERR no\r\n*2\r\n$3\r\na\r\n\r\n:1\r\n*0\r\n*-1\r\n_\r\n\
        >2\r\n+message\r\n$1\r\nx\r\n%1\r\n+a\r\n*1\r\n,1.5\r\n|1\r\n+k\r\n+v\r\n+about\r\n$12\r\nabcdefghijkl\r\n#t\r\n$0\r\n\r\n";

    #[test]
    fn replies_are_counted_however_they_are_cut() {
        for size in 1..=STREAM.len() {
            let mut counter = ReplyCounter::default();
            let done: u64 = STREAM.chunks(size).map(|chunk| counter.feed(chunk).unwrap()).sum();
            assert_eq!((done, counter.errors, counter.nulls), (14, 1, 3), "in pieces of {size}");
            assert_eq!(counter.first_error.as_deref(), Some("ERR no"));
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for text in [&b"hello\r\n"[..], b"$x\r\n", b"+OK\n", b"\r\n"] {
            assert!(ReplyCounter::default().feed(text).is_err(), "{}", text.escape_ascii());
        }
    }
}
