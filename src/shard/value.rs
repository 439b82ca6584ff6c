//! What a key holds, and the words in which the keyspace answers about it.

use crate::ds::block::{Block, INLINE_MAX, View, Weigh, size_class};
use crate::resp::reply::Reply;

/// A value that does not fit into its key's block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string longer than `ds::block::INLINE_MAX`, or one that grows.
    Bytes(Vec<u8>),
}

impl Value {
    /// The name `TYPE` answers.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Bytes(_) => "string",
        }
    }
}

impl Value {
    /// Gives back up to about `bytes` of a value that is being freed; true: there is more.
    pub(super) fn free_part(&mut self, bytes: usize) -> bool {
        match self {
            // Large allocations shrink in place, from the end, under jemalloc and glibc alike.
            Value::Bytes(string) => {
                let rest = string.capacity().saturating_sub(bytes);
                string.clear();
                if rest > bytes {
                    string.shrink_to(rest);
                    return true;
                }
                *string = Vec::new();
                false
            }
        }
    }
}

impl Weigh for Value {
    fn bytes(&self) -> usize {
        let heap = match self {
            Value::Bytes(bytes) => size_class(bytes.capacity()),
        };
        size_class(size_of::<Value>()) + heap
    }
}

/// The key holds a value of another type than the command works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongType;

/// A string value as it is stored. `SET k 0012` is `Bytes`, `SET k 12` is `Int`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// A string that is exactly what this integer prints as.
    Int(i64),
    /// Any bytes; they may look like an integer too (`INCRBYFLOAT`, `APPEND`).
    Bytes(&'a [u8]),
}

impl<'a> Text<'a> {
    /// Length in bytes.
    pub fn len(self) -> usize {
        match self {
            Text::Int(int) => itoa::Buffer::new().format(int).len(),
            Text::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether it is the empty string.
    pub fn is_empty(self) -> bool {
        matches!(self, Text::Bytes([]))
    }

    /// The bytes; `buffer` holds them if they are an integer's digits.
    pub fn bytes<'b>(self, buffer: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Text::Int(int) => buffer.format(int).as_bytes(),
            Text::Bytes(bytes) => bytes,
        }
    }

    /// Answers with the value as a bulk string.
    pub fn write_bulk(self, reply: &mut Reply<'_>) {
        reply.bulk(self.bytes(&mut itoa::Buffer::new()));
    }

    /// The bytes, copied.
    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut itoa::Buffer::new()).to_vec()
    }
}

/// What a write does to the key's deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// Leaves it as it is: `KEEPTTL`, `INCR`, `APPEND`.
    Keep,
    /// Removes it: `SET`.
    None,
    /// Sets it, in Unix milliseconds.
    At(u64),
}

/// A whole value off its key: what `RENAME`, `COPY` and `MOVE` carry. It may cross cores.
#[derive(Clone, Debug)]
pub struct Owned {
    pub(super) body: OwnedBody,
    /// When it expires, in Unix milliseconds.
    pub deadline: Option<u64>,
    pub(super) stamp: u32,
    pub(super) raw: bool,
}

#[derive(Clone, Debug)]
pub(super) enum OwnedBody {
    Int(i64),
    Bytes(Vec<u8>),
    Boxed(Box<Value>),
}

impl Owned {
    /// The name `TYPE` answers.
    pub fn kind(&self) -> &'static str {
        match &self.body {
            OwnedBody::Int(_) | OwnedBody::Bytes(_) => "string",
            OwnedBody::Boxed(value) => value.kind(),
        }
    }

    /// The value, if it is a string.
    pub fn text(&self) -> Result<Text<'_>, WrongType> {
        match &self.body {
            OwnedBody::Int(int) => Ok(Text::Int(*int)),
            OwnedBody::Bytes(bytes) => Ok(Text::Bytes(bytes)),
            OwnedBody::Boxed(value) => match &**value {
                Value::Bytes(bytes) => Ok(Text::Bytes(bytes)),
            },
        }
    }

    /// A copy of a block's value. Of an integer Redis makes a new object, which is not one of those it shares.
    pub(super) fn copy(block: &Block<Value>) -> Owned {
        let body = match block.view() {
            View::Int(int) => OwnedBody::Int(int),
            View::Bytes(bytes) => OwnedBody::Bytes(bytes.to_vec()),
            View::Boxed(value) => OwnedBody::Boxed(Box::new(value.clone())),
        };
        let raw = block.mark() || matches!(body, OwnedBody::Int(_));
        Owned { body, deadline: block.deadline(), stamp: block.stamp(), raw }
    }

    /// A block's value without a copy of what lies out of line.
    pub(super) fn take(block: Block<Value>) -> Owned {
        let (deadline, stamp, raw) = (block.deadline(), block.stamp(), block.mark());
        let inline = match block.view() {
            View::Int(int) => Some(OwnedBody::Int(int)),
            View::Bytes(bytes) => Some(OwnedBody::Bytes(bytes.to_vec())),
            View::Boxed(_) => None,
        };
        let boxed = block.into_boxed().map(OwnedBody::Boxed);
        let body = inline.or(boxed).unwrap_or(OwnedBody::Bytes(Vec::new()));
        Owned { body, deadline, stamp, raw }
    }
}

/// What `OBJECT` and `MEMORY USAGE` tell about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// `TYPE`.
    pub kind: &'static str,
    /// `OBJECT ENCODING`.
    pub encoding: &'static str,
    /// `OBJECT REFCOUNT`: `i32::MAX` for the integers that Redis shares.
    pub refcount: i64,
    /// `OBJECT IDLETIME`; meaningless while the access clock counts frequency.
    pub idle_seconds: u64,
    /// `OBJECT FREQ`, decayed to now; meaningless while the access clock tells time.
    pub frequency: u8,
    /// The access clock as stored, 24 bits: `DEBUG OBJECT`'s `lru`.
    pub clock: u32,
    /// `MEMORY USAGE`: allocated bytes of key, value, and the key's share of the table.
    pub memory_bytes: usize,
    /// When it expires, in Unix milliseconds.
    pub deadline: Option<u64>,
}

/// Integers that Redis keeps one shared object of each.
const SHARED_INTEGERS: std::ops::Range<i64> = 0..10_000;

/// Longest string that Redis keeps together with its object.
const EMBSTR_MAX: usize = 44;

/// The string in a block.
pub(super) fn text(block: &Block<Value>) -> Result<Text<'_>, WrongType> {
    match block.view() {
        View::Int(int) => Ok(Text::Int(int)),
        View::Bytes(bytes) => Ok(Text::Bytes(bytes)),
        View::Boxed(value) => match value {
            Value::Bytes(bytes) => Ok(Text::Bytes(bytes)),
        },
    }
}

/// `TYPE` of a block.
pub(super) fn kind(block: &Block<Value>) -> &'static str {
    match block.view() {
        View::Int(_) | View::Bytes(_) => "string",
        View::Boxed(value) => value.kind(),
    }
}

/// `OBJECT ENCODING` of a block. The mark says that Redis would hold a short string in two pieces.
pub(super) fn encoding(block: &Block<Value>) -> &'static str {
    match block.view() {
        View::Int(_) => "int",
        View::Bytes(bytes) if bytes.len() <= EMBSTR_MAX && !block.mark() => "embstr",
        View::Bytes(_) => "raw",
        View::Boxed(value) => match value {
            Value::Bytes(_) => "raw",
        },
    }
}

/// `OBJECT REFCOUNT` of a block. The mark says that Redis would hold an integer by itself.
pub(super) fn refcount(block: &Block<Value>) -> i64 {
    match block.view() {
        View::Int(int) if SHARED_INTEGERS.contains(&int) && !block.mark() => i64::from(i32::MAX),
        _ => 1,
    }
}

const _: () = assert!(INLINE_MAX > EMBSTR_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_values_may_cross_cores() {
        fn sendable<T: Send>() {}
        sendable::<Owned>();
    }
}
