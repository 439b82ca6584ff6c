//! The client's side of the wire: replies as values that own their bytes, and how to find where one
//! reply ends without building anything.
//!
//! The decoder takes whatever arrives, in any pieces, RESP2 and RESP3 mixed, and remembers how far it
//! came. It is for clients, tests and links, not for the path of a command: it allocates per value.

use crate::base::number::parse_i64;
use crate::resp::{Protocol, Reply};
use std::fmt;

/// Arrays inside arrays: more is an attack, not an answer.
const DEPTH_MAX: usize = 512;

/// Elements made room for before any arrived: a length line is only a promise.
const ELEMENTS_RESERVED_MAX: usize = 1024;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `+`: a status.
    Simple(Vec<u8>),
    /// `-` or `!`: an error, its code word first.
    Error(Vec<u8>),
    /// `:`.
    Integer(i64),
    /// `$`: a binary-safe string.
    Bulk(Vec<u8>),
    /// `$-1` and `_`.
    Null,
    /// `*-1`.
    NullArray,
    /// `*`.
    Array(Vec<Value>),
    /// `%`: pairs in the order they came.
    Map(Vec<(Value, Value)>),
    /// `~`.
    Set(Vec<Value>),
    /// `>`: answers no request.
    Push(Vec<Value>),
    /// `,`: the number as it was printed.
    Double(String),
    /// `#`.
    Boolean(bool),
    /// `(`: decimal digits.
    BigNumber(String),
    /// `=`: a text for people and its format, three letters.
    Verbatim(String, Vec<u8>),
    /// `|`: pairs about the reply that came behind them.
    Attribute(Vec<(Value, Value)>, Box<Value>),
}

impl Value {
    /// Appends the value in `protocol`; decoding it in RESP3 gives it back.
    pub fn write_to(&self, out: &mut Vec<u8>, protocol: Protocol) {
        let mut reply = Reply::new(out, protocol);
        match self {
            Value::Simple(text) => {
                out.push(b'+');
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            Value::Error(text) => reply.error_bytes(text),
            Value::Integer(value) => reply.integer(*value),
            Value::Bulk(bytes) => reply.bulk(bytes),
            Value::Null => reply.null(),
            Value::NullArray => reply.null_array(),
            Value::Array(items) => {
                reply.array(items.len());
                write_all(items, out, protocol);
            }
            Value::Map(pairs) => {
                reply.map(pairs.len());
                write_pairs(pairs, out, protocol);
            }
            Value::Set(items) => {
                reply.set(items.len());
                write_all(items, out, protocol);
            }
            Value::Push(items) => {
                reply.push(items.len());
                write_all(items, out, protocol);
            }
            Value::Double(text) if protocol == Protocol::Resp2 => reply.text(text),
            Value::Double(text) => out.extend_from_slice(format!(",{text}\r\n").as_bytes()),
            Value::Boolean(value) => reply.boolean(*value),
            Value::BigNumber(digits) => reply.big_number(digits),
            Value::Verbatim(format, bytes) => reply.verbatim(format, bytes),
            Value::Attribute(pairs, value) => {
                if protocol == Protocol::Resp3 {
                    reply.attribute(pairs.len());
                    write_pairs(pairs, out, protocol);
                }
                value.write_to(out, protocol);
            }
        }
    }

    /// The bytes of a string, status or verbatim text.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Simple(bytes) | Value::Bulk(bytes) | Value::Verbatim(_, bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The elements of an array, set or push.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => Some(items),
            _ => None,
        }
    }
}

fn write_all(items: &[Value], out: &mut Vec<u8>, protocol: Protocol) {
    for item in items {
        item.write_to(out, protocol);
    }
}

fn write_pairs(pairs: &[(Value, Value)], out: &mut Vec<u8>, protocol: Protocol) {
    for (key, value) in pairs {
        key.write_to(out, protocol);
        value.write_to(out, protocol);
    }
}

/// What came is not a reply. The connection is of no more use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// A reply begins with a byte that announces nothing.
    UnknownType(u8),
    /// A line that should be a number, a boolean or a null is not.
    BadLine(Vec<u8>),
    /// Arrays inside arrays without end.
    TooDeep,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::UnknownType(byte) => {
                write!(to, "a reply cannot begin with '{}'", byte.escape_ascii())
            }
            DecodeError::BadLine(line) => write!(to, "'{}' is not a line of a reply", line.escape_ascii()),
            DecodeError::TooDeep => write!(to, "a reply nests more than {DEPTH_MAX} arrays"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Replies out of a connection's bytes.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Offset of the first byte not understood yet.
    at: usize,
    /// Bytes from `at` on that hold no line end.
    searched: usize,
    /// Aggregates under way, the outermost first.
    open: Vec<Open>,
}

/// An aggregate whose elements are still arriving.
#[derive(Debug)]
struct Open {
    kind: u8,
    left: usize,
    items: Vec<Value>,
}

impl Decoder {
    /// A decoder at the start of a reply.
    pub fn new() -> Self {
        Decoder::default()
    }

    /// Decodes the reply that begins at the first byte of `input`. `Ok(None)`: more is needed; the next
    /// call must pass the same bytes again with more behind them. `Ok(Some((value, consumed)))`: the
    /// next reply begins `consumed` bytes later.
    pub fn next(&mut self, input: &[u8]) -> Result<Option<(Value, usize)>, DecodeError> {
        loop {
            let Some(head) = self.head(input)? else { return Ok(None) };
            let mut value = match head {
                Head::Value(value) => value,
                Head::Aggregate(kind, count) => {
                    if self.open.len() == DEPTH_MAX {
                        return Err(DecodeError::TooDeep);
                    }
                    let left = elements(kind, count)?;
                    self.open.push(Open {
                        kind,
                        left,
                        items: Vec::with_capacity(left.min(ELEMENTS_RESERVED_MAX)),
                    });
                    if left > 0 {
                        continue;
                    }
                    self.open.pop().expect("just pushed").close()
                }
            };
            // Each finished value may be the last of what it stands in.
            loop {
                let Some(inner) = self.open.last_mut() else {
                    return Ok(Some((value, std::mem::take(&mut self.at))));
                };
                inner.items.push(value);
                inner.left -= 1;
                if inner.left > 0 {
                    break;
                }
                value = self.open.pop().expect("looked at").close();
            }
        }
    }

    /// Reads one scalar, or the line that opens an aggregate.
    fn head(&mut self, input: &[u8]) -> Result<Option<Head>, DecodeError> {
        let rest = &input[self.at.min(input.len())..];
        let Some(&kind) = rest.first() else { return Ok(None) };
        if !is_type(kind) {
            return Err(DecodeError::UnknownType(kind));
        }
        let Some(end) = find_line_end(rest, self.searched) else {
            self.searched = rest.len().saturating_sub(1);
            return Ok(None);
        };
        self.searched = end;
        let line = &rest[1..end];
        let bad = || DecodeError::BadLine(rest[..end].to_vec());
        let mut taken = end + 2;
        let head = match kind {
            b'+' => Head::Value(Value::Simple(line.to_vec())),
            b'-' => Head::Value(Value::Error(line.to_vec())),
            b':' => Head::Value(Value::Integer(parse_i64(line).ok_or_else(bad)?)),
            b',' => Head::Value(Value::Double(text(line).ok_or_else(bad)?)),
            b'(' => Head::Value(Value::BigNumber(text(line).ok_or_else(bad)?)),
            b'_' if line.is_empty() => Head::Value(Value::Null),
            b'#' if line == b"t" || line == b"f" => Head::Value(Value::Boolean(line == b"t")),
            b'$' | b'=' | b'!' => {
                let len =
                    parse_i64(line).filter(|len| (-1..=i64::from(u32::MAX)).contains(len)).ok_or_else(bad)?;
                match usize::try_from(len) {
                    Err(_) => Head::Value(Value::Null),
                    Ok(len) => {
                        taken += len + 2;
                        let Some(body) = rest.get(end + 2..end + 2 + len).filter(|_| taken <= rest.len())
                        else {
                            return Ok(None);
                        };
                        Head::Value(body_value(kind, body).ok_or_else(bad)?)
                    }
                }
            }
            b'*' | b'%' | b'~' | b'>' | b'|' => match parse_i64(line).ok_or_else(bad)? {
                -1 => Head::Value(Value::NullArray),
                count => Head::Aggregate(kind, usize::try_from(count).map_err(|_| bad())?),
            },
            _ => return Err(bad()),
        };
        self.at += taken;
        self.searched = 0;
        Ok(Some(head))
    }
}

enum Head {
    Value(Value),
    Aggregate(u8, usize),
}

impl Open {
    fn close(self) -> Value {
        match self.kind {
            b'*' => Value::Array(self.items),
            b'~' => Value::Set(self.items),
            b'>' => Value::Push(self.items),
            b'%' => Value::Map(pairs(self.items)),
            _ => {
                let mut items = self.items;
                let about = items.pop().expect("an attribute has the reply behind it as its last element");
                Value::Attribute(pairs(items), Box::new(about))
            }
        }
    }
}

fn pairs(items: Vec<Value>) -> Vec<(Value, Value)> {
    let mut items = items.into_iter();
    std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()
}

fn body_value(kind: u8, body: &[u8]) -> Option<Value> {
    match kind {
        b'$' => Some(Value::Bulk(body.to_vec())),
        b'!' => Some(Value::Error(body.to_vec())),
        _ => {
            let (format, colon) = body.split_at_checked(3)?;
            Some(Value::Verbatim(text(format)?, colon.strip_prefix(b":")?.to_vec()))
        }
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn is_type(kind: u8) -> bool {
    matches!(
        kind,
        b'+' | b'-'
            | b':'
            | b'$'
            | b'*'
            | b'_'
            | b','
            | b'#'
            | b'!'
            | b'='
            | b'('
            | b'%'
            | b'~'
            | b'>'
            | b'|'
    )
}

/// How many replies belong to an aggregate that announced `count`: an attribute's last is the reply it
/// is about.
fn elements(kind: u8, count: usize) -> Result<usize, DecodeError> {
    let elements = match kind {
        b'%' => count.checked_mul(2),
        b'|' => count.checked_mul(2).and_then(|count| count.checked_add(1)),
        _ => Some(count),
    };
    elements.ok_or_else(|| DecodeError::BadLine(format!("{}{count}", char::from(kind)).into_bytes()))
}

/// Offset of the `\r\n` that ends the line, searching from `from`.
fn find_line_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr(b'\r', bytes.get(at..)?)?;
        if *bytes.get(at + 1)? == b'\n' {
            return Some(at);
        }
        at += 1;
    }
}

/// Length in bytes of the first complete reply in `bytes`; `None` when it is incomplete or malformed.
/// Allocates nothing: what one shard answered is cut apart for another by this.
pub fn skip(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut left: usize = 1;
    while left > 0 {
        let rest = bytes.get(at..)?;
        let end = find_line_end(rest, 0)?;
        let kind = rest[0];
        at += end + 2;
        left -= 1;
        match kind {
            b'+' | b'-' | b':' | b',' | b'(' | b'#' | b'_' => {}
            b'$' | b'=' | b'!' => {
                if let Ok(len) = usize::try_from(parse_i64(&rest[1..end])?) {
                    at = at.checked_add(len)?.checked_add(2)?;
                }
            }
            b'*' | b'%' | b'~' | b'>' | b'|' => {
                if let Ok(count) = usize::try_from(parse_i64(&rest[1..end])?) {
                    left = left.checked_add(elements(kind, count).ok()?)?;
                }
            }
            _ => return None,
        }
    }
    (at <= bytes.len()).then_some(at)
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
