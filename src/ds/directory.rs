//! An entry of a table's directory: one word that leads to a segment or to a directory below it.
//!
//! Not here: who owns what an entry leads to ([`super::dict::Dict`]), and when it is freed.

use crate::ds::segment::Segment;
use std::ptr;

/// What a directory entry leads to: 48 bits of address, and above them eight bits of size (chunks of a
/// segment, or log2 of a directory's length), six of depth, and one that says which of the two it is.
pub(super) struct Entry<V>(*mut u8, std::marker::PhantomData<V>);

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Entry<V> {}

impl<V> std::fmt::Debug for Entry<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("size", &self.size()).field("depth", &self.depth()).finish()
    }
}

const ADDRESS_MASK: usize = (1 << 48) - 1;
const SUB: usize = 1 << 63;

impl<V> Entry<V> {
    fn new(base: *mut u8, upper: usize) -> Self {
        assert!(base.addr() & !ADDRESS_MASK == 0, "an address beyond 48 bits");
        Entry(base.map_addr(|address| address | upper), std::marker::PhantomData)
    }

    /// Takes the segment over.
    pub(super) fn of_segment(segment: Box<Segment<V>>) -> Self {
        let upper = segment.chunks() << 48 | (segment.depth as usize) << 56;
        Entry::new(Box::into_raw(segment).cast(), upper)
    }

    /// Takes over a directory, whose length is a power of two.
    pub(super) fn of_sub(entries: Vec<Entry<V>>) -> Self {
        let upper = (entries.len().trailing_zeros() as usize) << 48 | SUB;
        Entry::new(Box::into_raw(entries.into_boxed_slice()).cast(), upper)
    }

    #[inline]
    pub(super) fn is_sub(self) -> bool {
        self.0.addr() & SUB != 0
    }

    #[inline]
    pub(super) fn size(self) -> usize {
        self.0.addr() >> 48 & 0xff
    }

    #[inline]
    pub(super) fn depth(self) -> u32 {
        (self.0.addr() >> 56 & 0x3f) as u32
    }

    #[inline]
    pub(super) fn base(self) -> *mut u8 {
        self.0.map_addr(|address| address & ADDRESS_MASK)
    }

    /// The segment it leads to, which lives as long as the table has an entry for it.
    #[inline]
    pub(super) fn segment(self) -> *mut Segment<V> {
        debug_assert!(!self.is_sub());
        ptr::slice_from_raw_parts_mut(self.base(), self.size()) as *mut Segment<V>
    }

    /// The directory it leads to, which lives as long as the table has this entry.
    #[inline]
    pub(super) fn sub(self) -> *mut [Entry<V>] {
        debug_assert!(self.is_sub());
        ptr::slice_from_raw_parts_mut(self.base().cast(), 1 << self.size())
    }
}
