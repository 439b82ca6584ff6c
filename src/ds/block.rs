//! One key with its value and its deadline, in one allocation.
//!
//! ```text
//!          8 B              8 B        8 B           8 B
//! +-------------------+-----------+-----------+----------------+-----+-------+
//! | stamp flags lens  | deadline? | key len?  | int or pointer | key | bytes |
//! +-------------------+-----------+-----------+----------------+-----+-------+
//!  always               if it has   if above    unless the value       if the value
//!                       one         65,535      is short bytes         is short bytes
//! ```
//!
//! A key of 16 bytes with a value of 8 takes 32 bytes, 48 with a deadline: what a general-purpose
//! allocator hands out anyway. Blocks never move when the table grows; only their pointers do.
//! The pointer itself says whether there is a deadline (bit 0), so that expiry can skip most blocks
//! without touching them, and lends its 16 unused upper bits to the table, which keeps hash bits there.
//! Sizes are rounded up as jemalloc does, so the counts are what a block really takes, and a value that
//! grows within the rounding is written in place.
//! Not here: what the values mean; values out of line free themselves (`V`).

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::slice;

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
    /// The same for bytes that are no string: the owner knows what they spell.
    Packed(&'a [u8]),
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
    /// Bytes inside the block that are no string.
    Packed(&'a [u8]),
    /// A value out of line.
    Boxed(&'a V),
}

/// Longest byte string that lies in its block. Above it the copy, not the second allocation, is the cost.
pub const INLINE_MAX: usize = 4096;

/// A key, its value, its deadline, and 24 bits for the access clock.
pub struct Block<V> {
    /// Address, aligned to 8, with [`HAS_DEADLINE`] below and the table's hint above.
    tagged: NonNull<u8>,
    value: PhantomData<Box<V>>,
}

// SAFETY: a block owns its allocation and its value alone, as a Box does.
unsafe impl<V: Send> Send for Block<V> {}

/// Where a block lies: its key can be read without the table. Made by [`Block::anchor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor(NonNull<u8>);

// SAFETY: an anchor only reads a key, which never changes while its block lives; that the block lives, the
// maker of the anchor has promised, wherever the anchor is.
unsafe impl Send for Anchor {}

impl Anchor {
    /// The block's key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        // A key lies at the same place whatever the value's type is.
        let block = ManuallyDrop::new(Block::<Infallible> { tagged: self.0, value: PhantomData });
        let key: *const [u8] = block.key();
        // SAFETY: whoever called `Block::anchor` keeps the block alive and in place while the anchor is used.
        unsafe { &*key }
    }
}

/// Bit 0 of a block's pointer.
const HAS_DEADLINE: usize = 1;

/// The bits of a pointer that address memory: user space ends below 2^47 on x86-64 and, unless a
/// process asks for more, below 2^48 on aarch64.
const ADDRESS_BITS: u32 = 48;
const ADDRESS_MASK: usize = ((1 << ADDRESS_BITS) - 1) & !7;

const KEY_LONG: u8 = 1 << 2;
const MARK: u8 = 1 << 3;
const KIND_MASK: u8 = 3;
const KIND_BYTES: u8 = 0;
const KIND_INT: u8 = 1;
const KIND_BOXED: u8 = 2;
const KIND_PACKED: u8 = 3;

const _: () = assert!(INLINE_MAX <= u16::MAX as usize);
const _: () = assert!(usize::BITS == 64);

/// The first word of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
struct Header {
    /// Low 24 bits: the access clock; above: kind and flags.
    stamp_and_flags: u32,
    /// Length of the key, unless [`KEY_LONG`].
    key_len: u16,
    /// Length of the value, if it is bytes in the block.
    value_len: u16,
}

/// What `bytes` takes of the heap: jemalloc's size classes, four to a doubling.
pub fn size_class(bytes: usize) -> usize {
    if bytes <= 128 {
        return bytes.max(1).next_multiple_of(16);
    }
    let spacing = 1 << ((bytes - 1).ilog2() - 2);
    bytes.next_multiple_of(spacing)
}

impl Header {
    fn flags(self) -> u8 {
        (self.stamp_and_flags >> 24) as u8
    }

    fn set_flag(&mut self, flag: u8, on: bool) {
        let bit = u32::from(flag) << 24;
        self.stamp_and_flags = self.stamp_and_flags & !bit | if on { bit } else { 0 };
    }

    fn set_kind(&mut self, kind: u8) {
        self.stamp_and_flags = self.stamp_and_flags & !(u32::from(KIND_MASK) << 24) | u32::from(kind) << 24;
    }

    fn kind(self) -> u8 {
        self.flags() & KIND_MASK
    }

    /// Where the words after the header end: the key starts there.
    fn key_offset(self, deadline: bool) -> usize {
        let long = self.flags() & KEY_LONG != 0;
        let word = matches!(self.kind(), KIND_INT | KIND_BOXED);
        8 * (1 + usize::from(deadline) + usize::from(long) + usize::from(word))
    }
}

impl<V> Content<'_, V> {
    fn kind(&self) -> u8 {
        match self {
            Content::Int(_) => KIND_INT,
            Content::Bytes(_) => KIND_BYTES,
            Content::Packed(_) => KIND_PACKED,
            Content::Boxed(_) => KIND_BOXED,
        }
    }

    fn inline_len(&self) -> usize {
        match self {
            Content::Bytes(bytes) | Content::Packed(bytes) => {
                assert!(bytes.len() <= INLINE_MAX);
                bytes.len()
            }
            Content::Int(_) | Content::Boxed(_) => 0,
        }
    }
}

fn layout(bytes: usize) -> Layout {
    match Layout::from_size_align(size_class(bytes), 8) {
        Ok(layout) => layout,
        Err(_) => unreachable!("a key and an inline value are far below isize::MAX"),
    }
}

impl<V> Block<V> {
    /// A block without a mark, its access clock at 0. A key may have any length.
    pub fn new(key: &[u8], content: Content<'_, V>, deadline: Option<u64>) -> Self {
        let mut header = Header {
            stamp_and_flags: 0,
            key_len: key.len().min(usize::from(u16::MAX)) as u16,
            value_len: content.inline_len() as u16,
        };
        header.set_flag(KEY_LONG, key.len() > usize::from(u16::MAX));
        header.set_kind(content.kind());
        Self::build(header, key, content, deadline)
    }

    /// Allocates and fills a block; `header` agrees with the rest.
    fn build(header: Header, key: &[u8], content: Content<'_, V>, deadline: Option<u64>) -> Self {
        let key_offset = header.key_offset(deadline.is_some());
        let layout = layout(key_offset + key.len() + content.inline_len());
        // SAFETY: the layout's size is at least 16.
        let base = unsafe { alloc(layout) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(layout) };
        if base.as_ptr().addr() & !ADDRESS_MASK != 0 {
            // Memory that our pointers cannot name is as good as none.
            handle_alloc_error(layout);
        }
        let mut offset = 8;
        // SAFETY: `key_offset` and the layout count every word written here, in this order; the
        // allocation is aligned to 8, and nobody else has its address yet.
        unsafe {
            base.cast::<Header>().write(header);
            if let Some(deadline) = deadline {
                base.byte_add(offset).cast::<u64>().write(deadline);
                offset += 8;
            }
            if header.flags() & KEY_LONG != 0 {
                base.byte_add(offset).cast::<u64>().write(key.len() as u64);
                offset += 8;
            }
            match content {
                Content::Int(int) => base.byte_add(offset).cast::<i64>().write(int),
                Content::Boxed(value) => base.byte_add(offset).cast::<*mut V>().write(Box::into_raw(value)),
                Content::Bytes(bytes) | Content::Packed(bytes) => {
                    let to = base.byte_add(key_offset + key.len());
                    ptr::copy_nonoverlapping(bytes.as_ptr(), to.as_ptr(), bytes.len());
                }
            }
            ptr::copy_nonoverlapping(key.as_ptr(), base.byte_add(key_offset).as_ptr(), key.len());
        }
        let flag = if deadline.is_some() { HAS_DEADLINE } else { 0 };
        Block { tagged: base.map_addr(|address| address | flag), value: PhantomData }
    }

    fn base(&self) -> *mut u8 {
        self.tagged.as_ptr().map_addr(|address| address & ADDRESS_MASK)
    }

    fn header(&self) -> Header {
        // SAFETY: every block begins with a header, written by `build`.
        unsafe { self.base().cast::<Header>().read() }
    }

    fn set_header(&mut self, header: Header) {
        // SAFETY: as above, and `&mut self` makes us the only user.
        unsafe { self.base().cast::<Header>().write(header) }
    }

    fn key_len(&self, header: Header) -> usize {
        if header.flags() & KEY_LONG == 0 {
            return usize::from(header.key_len);
        }
        let offset = 8 * (1 + usize::from(self.has_deadline()));
        // SAFETY: `build` wrote the length there because of KEY_LONG.
        unsafe { self.base().byte_add(offset).cast::<u64>().read() as usize }
    }

    /// Bytes in use, before rounding.
    fn used(&self, header: Header) -> usize {
        header.key_offset(self.has_deadline()) + self.key_len(header) + usize::from(header.value_len)
    }

    /// The word before the key: an integer, or a pointer to the value.
    fn word(&self, header: Header) -> *mut u8 {
        debug_assert!(matches!(header.kind(), KIND_INT | KIND_BOXED));
        self.base().wrapping_byte_add(header.key_offset(self.has_deadline()) - 8)
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        let header = self.header();
        let start = self.base().wrapping_byte_add(header.key_offset(self.has_deadline()));
        // SAFETY: `build` wrote the key there, and it lives as long as the block is borrowed.
        unsafe { slice::from_raw_parts(start, self.key_len(header)) }
    }

    /// Whether this is the block of `key`.
    #[inline]
    pub fn is(&self, key: &[u8]) -> bool {
        self.key() == key
    }

    /// The value.
    pub fn view(&self) -> View<'_, V> {
        let header = self.header();
        // SAFETY: the kind says what `build` or `replace` wrote, and where; a boxed value is owned by
        // this block and lives as long as it.
        unsafe {
            match header.kind() {
                KIND_INT => View::Int(self.word(header).cast::<i64>().read()),
                KIND_BOXED => View::Boxed(&*self.word(header).cast::<*mut V>().read()),
                KIND_PACKED => View::Packed(self.inline(header)),
                _ => View::Bytes(self.inline(header)),
            }
        }
    }

    /// The bytes inside the block.
    fn inline(&self, header: Header) -> &[u8] {
        // SAFETY: `build` or `replace` wrote as many there, none if the value is a word, and they live as
        // long as the block is borrowed.
        unsafe { slice::from_raw_parts(self.value_start(header), usize::from(header.value_len)) }
    }

    fn value_start(&self, header: Header) -> *mut u8 {
        self.base().wrapping_byte_add(self.used(header) - usize::from(header.value_len))
    }

    /// The value, when it is a string inside the block.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        let header = self.header();
        if header.kind() != KIND_BYTES {
            return None;
        }
        // SAFETY: as in `view`, and `&mut self` makes us the only user.
        Some(unsafe { slice::from_raw_parts_mut(self.value_start(header), usize::from(header.value_len)) })
    }

    /// The value, when it is out of line.
    pub fn boxed_mut(&mut self) -> Option<&mut V> {
        let header = self.header();
        // SAFETY: as in `view`, and `&mut self` makes us the only user.
        (header.kind() == KIND_BOXED).then(|| unsafe { &mut *self.word(header).cast::<*mut V>().read() })
    }

    /// Stores another value, in place if it takes the same room; returns the old one if it was out of
    /// line. Access clock, mark, deadline and hint stay.
    pub fn replace(&mut self, content: Content<'_, V>) -> Option<Box<V>> {
        let old = self.header();
        let mut header = old;
        header.value_len = content.inline_len() as u16;
        header.set_kind(content.kind());
        let key_offset = header.key_offset(self.has_deadline());
        let in_place = key_offset == old.key_offset(self.has_deadline())
            && size_class(key_offset + self.key_len(header) + content.inline_len())
                == size_class(self.used(old));
        if !in_place {
            let mut fresh = Self::build(header, self.key(), content, self.deadline());
            fresh.set_hint(self.hint());
            return std::mem::replace(self, fresh).into_boxed();
        }
        // SAFETY: the pointer came from `Box::into_raw`, and is overwritten below: one owner again.
        let value = (old.kind() == KIND_BOXED)
            .then(|| unsafe { Box::from_raw(self.word(old).cast::<*mut V>().read()) });
        self.set_header(header);
        // SAFETY: the key keeps its place and the rounded size stays, so what is written lies inside the
        // allocation; `&mut self` makes us the only user.
        unsafe {
            match content {
                Content::Int(int) => self.word(header).cast::<i64>().write(int),
                Content::Boxed(value) => self.word(header).cast::<*mut V>().write(Box::into_raw(value)),
                Content::Bytes(bytes) | Content::Packed(bytes) => {
                    ptr::copy_nonoverlapping(bytes.as_ptr(), self.value_start(header), bytes.len());
                }
            }
        }
        value
    }

    /// Frees the allocation and nothing it points to.
    fn free(self) {
        let layout = layout(self.used(self.header()));
        let base = self.base();
        std::mem::forget(self);
        // SAFETY: `build` allocated with the same layout: `replace` changes what is used only within the
        // rounded size. The block is forgotten, so nobody frees it again.
        unsafe { dealloc(base, layout) }
    }

    /// Whether the key has a deadline. Reads nothing but the pointer.
    #[inline]
    pub fn has_deadline(&self) -> bool {
        self.tagged.as_ptr().addr() & HAS_DEADLINE != 0
    }

    /// When the key expires, in Unix milliseconds.
    #[inline]
    pub fn deadline(&self) -> Option<u64> {
        // SAFETY: with the flag set, `build` wrote the deadline after the header.
        self.has_deadline().then(|| unsafe { self.base().byte_add(8).cast::<u64>().read() })
    }

    /// Sets or clears the deadline. O(1) if there is one before and after, else the block is copied.
    pub fn set_deadline(&mut self, deadline: Option<u64>) {
        match (self.has_deadline(), deadline) {
            (false, None) => {}
            (true, Some(deadline)) => {
                // SAFETY: as in `deadline`, and `&mut self` makes us the only user.
                unsafe { self.base().byte_add(8).cast::<u64>().write(deadline) }
            }
            _ => {
                let header = self.header();
                // SAFETY: as in `replace`: the old block is freed without its value, the new one has it.
                let content = unsafe {
                    match header.kind() {
                        KIND_INT => Content::Int(self.word(header).cast::<i64>().read()),
                        KIND_BOXED => {
                            Content::Boxed(Box::from_raw(self.word(header).cast::<*mut V>().read()))
                        }
                        KIND_PACKED => Content::Packed(self.inline(header)),
                        _ => Content::Bytes(self.inline(header)),
                    }
                };
                let mut fresh = Self::build(header, self.key(), content, deadline);
                fresh.set_hint(self.hint());
                let stale = std::mem::replace(self, fresh);
                stale.free();
            }
        }
    }

    /// Where the block lies.
    ///
    /// # Safety
    ///
    /// The anchor's key must not be read after the block was freed, or built anew: by a deadline set where
    /// there was none or cleared, or by a `replace` with a value of another kind or size.
    #[inline]
    pub unsafe fn anchor(&self) -> Anchor {
        let tagged = self.tagged.as_ptr().map_addr(|at| at & ((1 << ADDRESS_BITS) - 1));
        // The address below the hint is not 0, so the whole is not.
        Anchor(NonNull::new(tagged).unwrap_or(self.tagged))
    }

    /// The access clock: 24 bits that mean what the owner wants.
    pub fn stamp(&self) -> u32 {
        self.header().stamp_and_flags & 0xff_ffff
    }

    /// Sets the access clock; the upper eight bits are dropped.
    pub fn set_stamp(&mut self, stamp: u32) {
        let mut header = self.header();
        header.stamp_and_flags = header.stamp_and_flags & !0xff_ffff | stamp & 0xff_ffff;
        self.set_header(header);
    }

    /// One bit for the owner's use.
    pub fn mark(&self) -> bool {
        self.header().flags() & MARK != 0
    }

    /// Sets that bit.
    pub fn set_mark(&mut self, mark: bool) {
        let mut header = self.header();
        header.set_flag(MARK, mark);
        self.set_header(header);
    }

    /// 16 bits for the table's use, kept in the pointer; 0 in a new block.
    #[inline]
    pub fn hint(&self) -> u16 {
        (self.tagged.as_ptr().addr() >> ADDRESS_BITS) as u16
    }

    /// Sets those bits.
    #[inline]
    pub fn set_hint(&mut self, hint: u16) {
        let upper = usize::from(hint) << ADDRESS_BITS;
        let tagged = self.tagged.as_ptr().map_addr(|at| (at & ((1 << ADDRESS_BITS) - 1)) | upper);
        // The address below the hint is not 0, so the whole is not.
        self.tagged = NonNull::new(tagged).unwrap_or(self.tagged);
    }

    /// Asks the processor to load the start of the block.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(self.base());
    }

    /// Heap bytes of the block itself, without a value out of line.
    pub fn bytes(&self) -> usize {
        size_class(self.used(self.header()))
    }

    /// Frees the block and gives away its value out of line, if it has one.
    pub fn into_boxed(self) -> Option<Box<V>> {
        let header = self.header();
        if header.kind() != KIND_BOXED {
            return None;
        }
        // SAFETY: as in `replace`; `free` forgets the block.
        let value = unsafe { Box::from_raw(self.word(header).cast::<*mut V>().read()) };
        self.free();
        Some(value)
    }
}

impl<V> Drop for Block<V> {
    fn drop(&mut self) {
        let header = self.header();
        let layout = layout(self.used(header));
        // SAFETY: the value is owned by this block, and the layout is the one `build` used; nobody can
        // use either after a drop.
        unsafe {
            if header.kind() == KIND_BOXED {
                drop(Box::from_raw(self.word(header).cast::<*mut V>().read()));
            }
            dealloc(self.base(), layout);
        }
    }
}

impl<V: fmt::Debug> fmt::Debug for Block<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("key", &self.key().escape_ascii().to_string())
            .field("value", &self.view())
            .field("deadline", &self.deadline())
            .finish()
    }
}

/// Asks the processor to load the cache line at `address`, which may be anything.
#[inline]
pub(super) fn prefetch<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::prng::Prng;

    #[test]
    fn a_block_of_a_short_key_and_value_fits_its_size_class() {
        let bytes = |value: usize, deadline| {
            Block::<String>::new(&[7; 16], Content::Bytes(&vec![1; value]), deadline).bytes()
        };
        assert_eq!((bytes(8, None), bytes(8, Some(1)), bytes(64, None)), (32, 48, 96));
        assert_eq!(Block::<String>::new(&[7; 16], Content::Int(5), None).bytes(), 32);
    }

    #[test]
    fn size_classes_are_jemallocs() {
        let classes = [(0, 16), (1, 16), (16, 16), (17, 32), (128, 128), (129, 160), (256, 256), (257, 320)];
        for (bytes, class) in classes {
            assert_eq!(size_class(bytes), class, "{bytes}");
        }
        assert_eq!(
            (size_class(4097), size_class(20_000), size_class((8 << 20) + 1)),
            (5120, 20_480, 10 << 20)
        );
    }

    #[test]
    fn an_anchor_reads_the_key_after_the_value_was_replaced_in_place() {
        for key in [&b""[..], b"member", &[7; 70_000]] {
            let mut block = Block::<String>::new(key, Content::Int(1), None);
            block.set_hint(77);
            // SAFETY: the block lives to the end of the loop, and an integer replaces an integer.
            let anchor = unsafe { block.anchor() };
            block.replace(Content::Int(2));
            block.set_stamp(5);
            assert_eq!(anchor.key(), key);
            assert_eq!(block.view(), View::Int(2));
        }
    }

    /// What a block should hold.
    #[derive(Clone, Debug)]
    enum Model {
        Int(i64),
        Bytes(Vec<u8>),
        Packed(Vec<u8>),
        Boxed(Vec<u8>),
    }

    impl Model {
        fn content(&self) -> Content<'_, Vec<u8>> {
            match self {
                Model::Int(int) => Content::Int(*int),
                Model::Bytes(bytes) => Content::Bytes(bytes),
                Model::Packed(bytes) => Content::Packed(bytes),
                Model::Boxed(bytes) => Content::Boxed(Box::new(bytes.clone())),
            }
        }

        fn view(&self) -> View<'_, Vec<u8>> {
            match self {
                Model::Int(int) => View::Int(*int),
                Model::Bytes(bytes) => View::Bytes(bytes),
                Model::Packed(bytes) => View::Packed(bytes),
                Model::Boxed(bytes) => View::Boxed(bytes),
            }
        }
    }

    #[test]
    fn random_changes_of_a_block_equal_a_model() {
        let seed = 0xb10c;
        let mut prng = Prng::new(seed);
        for round in 0..if cfg!(miri) { 4 } else { 40 } {
            let key: Vec<u8> = match round {
                0 => vec![3; 70_000],
                1 => Vec::new(),
                _ => (0..prng.below(40)).map(|_| prng.next_u64() as u8).collect(),
            };
            let mut model = Model::Int(1);
            let mut block: Block<Vec<u8>> = Block::new(&key, model.content(), None);
            block.set_hint(0xfedc);
            let (mut deadline, mut stamp, mut mark) = (None, 0, false);
            for step in 0..200 {
                let bytes = vec![step as u8; prng.below(if step % 10 == 0 { 4097 } else { 90 }) as usize];
                let action = prng.below(8);
                let old_boxed = match &model {
                    Model::Boxed(bytes) => Some(Box::new(bytes.clone())),
                    _ => None,
                };
                match action {
                    0 => model = Model::Int(prng.next_u64() as i64),
                    1 => model = Model::Boxed(bytes),
                    2 => model = Model::Bytes(bytes),
                    3 => model = Model::Packed(bytes),
                    4 => deadline = prng.one_in(2).then(|| prng.next_u64()),
                    5 => stamp = prng.next_u64() as u32,
                    6 => mark = !mark,
                    _ => {
                        if let Model::Bytes(bytes) | Model::Boxed(bytes) = &mut model {
                            bytes.fill(7);
                        }
                        if let Some(bytes) = block.bytes_mut() {
                            bytes.fill(7);
                        }
                        if let Some(bytes) = block.boxed_mut() {
                            bytes.fill(7);
                        }
                    }
                }
                if action < 4 {
                    assert_eq!(block.replace(model.content()), old_boxed, "seed {seed} step {step}");
                }
                block.set_deadline(deadline);
                block.set_stamp(stamp);
                block.set_mark(mark);
                assert_eq!(block.view(), model.view(), "seed {seed} step {step}");
                let rest = (block.key(), block.deadline(), block.stamp(), block.mark(), block.hint());
                let expected = (key.as_slice(), deadline, stamp & 0xff_ffff, mark, 0xfedc);
                assert_eq!(rest, expected, "seed {seed} step {step}");
            }
            let boxed = match model {
                Model::Boxed(bytes) => Some(Box::new(bytes)),
                _ => None,
            };
            assert_eq!(block.into_boxed(), boxed);
        }
    }
}
