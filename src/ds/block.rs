//! One key with its value and its deadline.

/// How much memory a value out of line takes. Must be cheap: it is asked before and after each change.
pub trait Weigh {
    /// Heap bytes, the box included.
    fn bytes(&self) -> usize;
}

/// What a block is to hold.
#[derive(Debug, PartialEq, Eq)]
pub enum Content<'a, V> {
    /// An integer, stored as eight bytes whatever its length in decimal.
    Int(i64),
    /// A short byte string, copied into the block: at most [`INLINE_MAX`] bytes.
    Bytes(&'a [u8]),
    /// Anything else.
    Boxed(Box<V>),
}

/// What a block holds.
#[derive(Debug, PartialEq, Eq)]
pub enum View<'a, V> {
    /// An integer.
    Int(i64),
    /// Bytes inside the block.
    Bytes(&'a [u8]),
    /// A value out of line.
    Boxed(&'a V),
}

/// Longest byte string that lies in its block.
pub const INLINE_MAX: usize = 2048;

/// A key, its value, its deadline, and 24 bits for the access clock.
#[derive(Debug)]
pub struct Block<V> {
    key: Box<[u8]>,
    body: Body<V>,
    deadline: Option<u64>,
    stamp: u32,
    mark: bool,
}

#[derive(Debug)]
enum Body<V> {
    Int(i64),
    Bytes(Box<[u8]>),
    Boxed(Box<V>),
}

impl<V> Body<V> {
    fn new(content: Content<'_, V>) -> Self {
        match content {
            Content::Int(int) => Body::Int(int),
            Content::Bytes(bytes) => Body::Bytes(bytes.into()),
            Content::Boxed(value) => Body::Boxed(value),
        }
    }
}

impl<V> Block<V> {
    /// A block without a mark, its access clock at 0.
    pub fn new(key: &[u8], content: Content<'_, V>, deadline: Option<u64>) -> Self {
        Block { key: key.into(), body: Body::new(content), deadline, stamp: 0, mark: false }
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The value.
    pub fn view(&self) -> View<'_, V> {
        match &self.body {
            Body::Int(int) => View::Int(*int),
            Body::Bytes(bytes) => View::Bytes(bytes),
            Body::Boxed(value) => View::Boxed(value),
        }
    }

    /// The value, when it is bytes inside the block.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        match &mut self.body {
            Body::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The value, when it is out of line.
    pub fn boxed_mut(&mut self) -> Option<&mut V> {
        match &mut self.body {
            Body::Boxed(value) => Some(value),
            _ => None,
        }
    }

    /// Stores another value; returns the old one if it was out of line.
    pub fn replace(&mut self, content: Content<'_, V>) -> Option<Box<V>> {
        match std::mem::replace(&mut self.body, Body::new(content)) {
            Body::Boxed(value) => Some(value),
            _ => None,
        }
    }

    /// When the key expires, in Unix milliseconds.
    pub fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// Sets or clears the deadline.
    pub fn set_deadline(&mut self, deadline: Option<u64>) {
        self.deadline = deadline;
    }

    /// The access clock: 24 bits that mean what the owner wants.
    pub fn stamp(&self) -> u32 {
        self.stamp
    }

    /// Sets the access clock; the upper eight bits are dropped.
    pub fn set_stamp(&mut self, stamp: u32) {
        self.stamp = stamp & 0xff_ffff;
    }

    /// One bit for the owner's use.
    pub fn mark(&self) -> bool {
        self.mark
    }

    /// Sets that bit.
    pub fn set_mark(&mut self, mark: bool) {
        self.mark = mark;
    }

    /// Heap bytes of the block itself, without a value out of line.
    pub fn bytes(&self) -> usize {
        let inline = match &self.body {
            Body::Bytes(bytes) => bytes.len(),
            _ => 8,
        };
        16 + self.key.len() + inline
    }

    /// Splits the block: its value out of line, if it has one, may be freed later than the rest.
    pub fn into_boxed(self) -> Option<Box<V>> {
        match self.body {
            Body::Boxed(value) => Some(value),
            _ => None,
        }
    }
}
