//! Replies, encoded straight into a connection's output: the only home of what differs between RESP2
//! and RESP3.
//!
//! A command names what it answers (a map, a null, a double) and this file decides how that looks to
//! the client. Nothing is checked against what was announced: after `array(3)` write three replies.

use crate::base::number::F64Text;
use crate::resp::Protocol;

/// Writes replies of one protocol to one output.
pub struct Reply<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
}

impl<'a> Reply<'a> {
    /// Replies in `protocol`, appended to `out`.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Self {
        Reply { out, protocol }
    }

    /// The protocol the client speaks.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The output itself: for what has been encoded already, and to measure or cut what was written.
    #[inline]
    pub fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A status of the server's own words, without a line end in it.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']));
        self.line(b'+', text.as_bytes());
    }

    /// An error, its code word first (`ERR no such key`). Line ends become spaces, trailing ones go.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// An error that quotes a client's bytes, which need not be text.
    pub fn error_bytes(&mut self, text: &[u8]) {
        let end = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        self.out.push(b'-');
        self.out
            .extend(text[..end].iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        self.out.extend_from_slice(b"\r\n");
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        if (0..10).contains(&value) {
            self.out.extend_from_slice(&[b':', b'0' + value as u8, b'\r', b'\n']);
        } else {
            self.line(b':', itoa::Buffer::new().format(value).as_bytes());
        }
    }

    /// A binary-safe string.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        // One reservation for the three writes: a read of one key is this call and little else.
        self.out.reserve(bytes.len() + HEADER_BYTES_MAX + 2);
        self.header(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// `bulk` of a text.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    /// No value, where a string could have been.
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// No value, where an array could have been.
    #[inline]
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// Announces `count` replies.
    #[inline]
    pub fn array(&mut self, count: usize) {
        self.header(b'*', count);
    }

    /// Announces `pairs` pairs of replies, key before value.
    pub fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', pairs * 2),
            Protocol::Resp3 => self.header(b'%', pairs),
        }
    }

    /// Announces `count` replies, no two equal, in no order.
    pub fn set(&mut self, count: usize) {
        self.header(if self.protocol == Protocol::Resp3 { b'~' } else { b'*' }, count);
    }

    /// Announces `count` replies that answer no request: a message, an invalidation.
    pub fn push(&mut self, count: usize) {
        self.header(if self.protocol == Protocol::Resp3 { b'>' } else { b'*' }, count);
    }

    /// Announces `pairs` pairs about the reply that follows them. RESP2 has no such thing: ask
    /// `protocol` first and leave the pairs out.
    pub fn attribute(&mut self, pairs: usize) {
        debug_assert_eq!(self.protocol, Protocol::Resp3);
        self.header(b'|', pairs);
    }

    /// A floating point number in 17 significant digits.
    pub fn double(&mut self, value: f64) {
        let text = F64Text::new(value);
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => self.line(b',', text.as_bytes()),
        }
    }

    /// Yes or no; 1 or 0 in RESP2.
    pub fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(match (self.protocol, value) {
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
        });
    }

    /// A whole number of any size, in decimal digits.
    pub fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.text(digits),
            Protocol::Resp3 => self.line(b'(', digits.as_bytes()),
        }
    }

    /// A text meant for people; `format` is its three letters, `txt` or `mkd`.
    pub fn verbatim(&mut self, format: &str, bytes: &[u8]) {
        debug_assert_eq!(format.len(), 3);
        match self.protocol {
            Protocol::Resp2 => self.bulk(bytes),
            Protocol::Resp3 => {
                self.header(b'=', bytes.len() + 4);
                self.out.extend_from_slice(format.as_bytes());
                self.out.push(b':');
                self.out.extend_from_slice(bytes);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Appends replies that are encoded already, in this protocol.
    #[inline]
    pub fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    /// `marker`, a length, a line end.
    #[inline]
    fn header(&mut self, marker: u8, len: usize) {
        // Lengths of one and two digits are nearly all there are.
        match len {
            0..10 => self.out.extend_from_slice(&[marker, b'0' + len as u8, b'\r', b'\n']),
            10..100 => self.out.extend_from_slice(&[
                marker,
                b'0' + (len / 10) as u8,
                b'0' + (len % 10) as u8,
                b'\r',
                b'\n',
            ]),
            _ => self.line(marker, itoa::Buffer::new().format(len).as_bytes()),
        }
    }

    #[inline]
    fn line(&mut self, marker: u8, text: &[u8]) {
        self.out.reserve(text.len() + 3);
        self.out.push(marker);
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }
}

/// Marker, 20 digits, line end.
const HEADER_BYTES_MAX: usize = 23;

#[cfg(test)]
mod tests {
    use super::*;

    /// What `write` writes in both protocols.
    fn both(write: impl Fn(&mut Reply<'_>)) -> [String; 2] {
        [Protocol::Resp2, Protocol::Resp3].map(|protocol| {
            let mut out = Vec::new();
            write(&mut Reply::new(&mut out, protocol));
            String::from_utf8(out).expect("text")
        })
    }

    #[track_caller]
    fn check(write: impl Fn(&mut Reply<'_>), resp2: &str, resp3: &str) {
        assert_eq!(both(write), [resp2, resp3]);
    }

    #[test]
    fn every_type_has_its_form_in_both_protocols() {
        check(|reply| reply.ok(), "+OK\r\n", "+OK\r\n");
        check(|reply| reply.simple("PONG"), "+PONG\r\n", "+PONG\r\n");
        check(|reply| reply.bulk(b"a"), "$1\r\na\r\n", "$1\r\na\r\n");
        check(|reply| reply.text(""), "$0\r\n\r\n", "$0\r\n\r\n");
        check(|reply| reply.null(), "$-1\r\n", "_\r\n");
        check(|reply| reply.null_array(), "*-1\r\n", "_\r\n");
        check(|reply| reply.array(3), "*3\r\n", "*3\r\n");
        check(|reply| reply.map(3), "*6\r\n", "%3\r\n");
        check(|reply| reply.set(2), "*2\r\n", "~2\r\n");
        check(|reply| reply.push(2), "*2\r\n", ">2\r\n");
        check(|reply| reply.double(0.1), "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n");
        check(|reply| reply.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
        check(|reply| reply.boolean(true), ":1\r\n", "#t\r\n");
        check(|reply| reply.boolean(false), ":0\r\n", "#f\r\n");
        check(|reply| reply.big_number("12345"), "$5\r\n12345\r\n", "(12345\r\n");
        check(|reply| reply.verbatim("txt", b"hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
        check(|reply| reply.raw(b":1\r\n"), ":1\r\n", ":1\r\n");
    }

    #[test]
    fn an_error_is_one_line_whatever_it_quotes() {
        check(|reply| reply.error("ERR bad"), "-ERR bad\r\n", "-ERR bad\r\n");
        check(|reply| reply.error("ERR 'a\r\nb'\r\n"), "-ERR 'a  b'\r\n", "-ERR 'a  b'\r\n");
    }

    #[test]
    fn lengths_and_integers_of_every_width_print_right() {
        let mut widths = vec![i64::MIN, i64::MIN + 1, -1, 0, i64::MAX];
        widths.extend(
            (0..19).flat_map(|power| [10_i64.pow(power) - 1, 10_i64.pow(power), -(10_i64.pow(power))]),
        );
        for value in widths {
            check(|reply| reply.integer(value), &format!(":{value}\r\n"), &format!(":{value}\r\n"));
            if let Ok(len) = usize::try_from(value) {
                check(|reply| reply.array(len), &format!("*{len}\r\n"), &format!("*{len}\r\n"));
            }
        }
        for len in [0, 9, 10, 99, 100, 101, 16384] {
            let payload = "x".repeat(len);
            let encoded = format!("${len}\r\n{payload}\r\n");
            check(|reply| reply.text(&payload), &encoded, &encoded);
        }
    }
}
