//! What a key holds, and the words in which the keyspace answers about it.

use crate::base::clock::Now;
use crate::ds::block::{Block, INLINE_MAX, View, Weigh, size_class};
use crate::ds::hash::Hash;
use crate::ds::list::List;
use crate::ds::set::Set;
use crate::ds::stream::Stream;
use crate::ds::zset::Zset;
use crate::resp::reply::Reply;
use crate::shard::{small, timed};

/// A value that does not fit into its key's block.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string longer than `ds::block::INLINE_MAX`, or one that grows.
    Bytes(Vec<u8>),
    /// A list.
    List(List),
    /// A hash.
    Hash(Hash),
    /// A set.
    Set(Set),
    /// A sorted set.
    Zset(Zset),
    /// A stream.
    Stream(Stream),
}

const _: () = assert!(size_of::<Value>() <= 32, "every boxed value pays for the largest");

impl Value {
    /// The name `TYPE` answers.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Bytes(_) => "string",
            Value::List(_) => "list",
            Value::Hash(_) => "hash",
            Value::Set(_) => "set",
            Value::Zset(_) => "zset",
            Value::Stream(_) => "stream",
        }
    }

    /// `OBJECT ENCODING`.
    fn encoding(&self) -> &'static str {
        match self {
            Value::Bytes(_) => "raw",
            Value::List(list) => list.encoding(),
            Value::Hash(hash) => hash.encoding(),
            Value::Set(set) => set.encoding(),
            Value::Zset(zset) => zset.encoding(),
            Value::Stream(stream) => stream.encoding(),
        }
    }

    /// The value, if it is a string.
    fn text(&self) -> Result<Text<'_>, WrongType> {
        match self {
            Value::Bytes(bytes) => Ok(Text::Bytes(bytes)),
            _ => Err(WrongType),
        }
    }

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
            Value::List(list) => list.free_part(bytes),
            Value::Hash(hash) => hash.free_part(bytes),
            Value::Set(set) => set.free_part(bytes),
            Value::Zset(zset) => zset.free_part(bytes),
            Value::Stream(stream) => stream.free_part(bytes),
        }
    }
}

impl Weigh for Value {
    fn bytes(&self) -> usize {
        let heap = match self {
            Value::Bytes(bytes) => size_class(bytes.capacity()),
            Value::List(list) => list.bytes(),
            Value::Hash(hash) => hash.bytes(),
            Value::Set(set) => set.bytes(),
            Value::Zset(zset) => zset.bytes(),
            Value::Stream(stream) => stream.bytes(),
        };
        size_class(size_of::<Value>()) + heap
    }
}

/// A value borrowed from its key, or from a copy that came from another shard.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A string that is an integer's digits.
    Int(i64),
    /// A string.
    Bytes(&'a [u8]),
    /// Anything out of line.
    Boxed(&'a Value),
}

impl<'a> Source<'a> {
    /// What a block holds; `unpack` shows a hash that lies in it.
    pub(super) fn of_block(
        block: &'a Block<Value>,
        unpack: impl FnOnce(&'a [u8]) -> &'a mut Value,
    ) -> Source<'a> {
        match block.view() {
            View::Int(int) => Source::Int(int),
            View::Bytes(bytes) => Source::Bytes(bytes),
            View::Packed(bytes) => Source::Boxed(unpack(bytes)),
            View::Boxed(value) => Source::Boxed(value),
        }
    }

    /// The name `TYPE` answers.
    pub fn kind(self) -> &'static str {
        match self {
            Source::Int(_) | Source::Bytes(_) => "string",
            Source::Boxed(value) => value.kind(),
        }
    }

    /// The value, if it is a string.
    pub fn text(self) -> Result<Text<'a>, WrongType> {
        match self {
            Source::Int(int) => Ok(Text::Int(int)),
            Source::Bytes(bytes) => Ok(Text::Bytes(bytes)),
            Source::Boxed(value) => value.text(),
        }
    }

    /// The value, if it is a collection of this kind.
    pub fn get<C: Collection>(self) -> Result<&'a C, WrongType> {
        match self {
            Source::Boxed(value) => C::of(value).ok_or(WrongType),
            Source::Int(_) | Source::Bytes(_) => Err(WrongType),
        }
    }
}

/// A kind of value with elements.
pub trait Collection: Clone + Default {
    /// Whether a key without elements is no key: all kinds but streams.
    const VANISHES: bool;
    /// The collection in a value, if it is of this kind.
    fn of(value: &Value) -> Option<&Self>;
    /// The same, to be changed.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    /// A value that holds it.
    fn into_value(self) -> Value;
    /// Whether it has no elements.
    fn has_none(&self) -> bool;
}

macro_rules! collections {
    ($($kind:ident $vanishes:literal;)*) => {
        $(impl Collection for $kind {
            const VANISHES: bool = $vanishes;

            fn of(value: &Value) -> Option<&Self> {
                if let Value::$kind(found) = value { Some(found) } else { None }
            }

            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                if let Value::$kind(found) = value { Some(found) } else { None }
            }

            fn into_value(self) -> Value {
                Value::$kind(self)
            }

            fn has_none(&self) -> bool {
                self.is_empty()
            }
        })*
    };
}

collections! {
    List true;
    Hash true;
    Set true;
    Zset true;
    Stream false;
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

impl OwnedBody {
    /// A value out of line, which no longer knows its key's deadline.
    fn boxed(mut value: Box<Value>) -> OwnedBody {
        timed::park(&mut value, None);
        OwnedBody::Boxed(value)
    }
}

impl Owned {
    /// A collection without a deadline, accessed just now.
    pub fn of_collection<C: Collection>(collection: C, now: Now) -> Owned {
        Owned::fresh(OwnedBody::Boxed(Box::new(collection.into_value())), now)
    }

    /// A string without a deadline, whose encoding is `raw`, accessed just now.
    pub fn of_bytes(bytes: Vec<u8>, now: Now) -> Owned {
        let body = if bytes.len() <= INLINE_MAX {
            OwnedBody::Bytes(bytes)
        } else {
            OwnedBody::Boxed(Box::new(Value::Bytes(bytes)))
        };
        Owned::fresh(body, now)
    }

    fn fresh(body: OwnedBody, now: Now) -> Owned {
        Owned { body, deadline: None, stamp: now.unix_s() as u32 & 0xff_ffff, raw: true }
    }

    /// The value as a computation sees it.
    pub fn as_source(&self) -> Source<'_> {
        match &self.body {
            OwnedBody::Int(int) => Source::Int(*int),
            OwnedBody::Bytes(bytes) => Source::Bytes(bytes),
            OwnedBody::Boxed(value) => Source::Boxed(value),
        }
    }

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
            OwnedBody::Boxed(value) => value.text(),
        }
    }

    /// A copy of a block's value. Of an integer Redis makes a new object, which is not one of those it shares.
    pub(super) fn copy(block: &Block<Value>) -> Owned {
        let body = match block.view() {
            View::Int(int) => OwnedBody::Int(int),
            View::Bytes(bytes) => OwnedBody::Bytes(bytes.to_vec()),
            View::Packed(bytes) => OwnedBody::Boxed(Box::new(small::unpack(bytes))),
            View::Boxed(value) => OwnedBody::boxed(Box::new(value.clone())),
        };
        let raw = block.mark() || matches!(body, OwnedBody::Int(_));
        Owned { body, deadline: timed::own_deadline(block), stamp: block.stamp(), raw }
    }

    /// A block's value without a copy of what lies out of line.
    pub(super) fn take(block: Block<Value>) -> Owned {
        let (deadline, stamp, raw) = (timed::own_deadline(&block), block.stamp(), block.mark());
        let inline = match block.view() {
            View::Int(int) => Some(OwnedBody::Int(int)),
            View::Bytes(bytes) => Some(OwnedBody::Bytes(bytes.to_vec())),
            View::Packed(bytes) => Some(OwnedBody::Boxed(Box::new(small::unpack(bytes)))),
            View::Boxed(_) => None,
        };
        let boxed = block.into_boxed().map(OwnedBody::boxed);
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
        View::Packed(_) => Err(WrongType),
        View::Boxed(value) => value.text(),
    }
}

/// `TYPE` of a block.
pub(super) fn kind(block: &Block<Value>) -> &'static str {
    match block.view() {
        View::Int(_) | View::Bytes(_) => "string",
        View::Packed(_) => "hash",
        View::Boxed(value) => value.kind(),
    }
}

/// `OBJECT ENCODING` of a block. The mark says that Redis would hold a short string in two pieces.
pub(super) fn encoding(block: &Block<Value>) -> &'static str {
    match block.view() {
        View::Int(_) => "int",
        View::Bytes(bytes) if bytes.len() <= EMBSTR_MAX && !block.mark() => "embstr",
        View::Bytes(_) => "raw",
        View::Packed(_) => "listpack",
        View::Boxed(value) => value.encoding(),
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
