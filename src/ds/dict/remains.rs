//! A table that nobody reads any more: its blocks are handed out and its memory given back in steps.

use super::{Dict, Entry, weight};
use crate::ds::block::{Block, Weigh};
use crate::ds::segment::{Segment, segment_bytes};
use std::mem;

/// A table that nobody reads any more, freed in steps.
#[derive(Debug)]
pub struct Remains<V> {
    root: Vec<Entry<V>>,
    sub: Vec<Entry<V>>,
    segment: Option<Box<Segment<V>>>,
    len: usize,
    bytes: usize,
}

// SAFETY: as for the table it was.
unsafe impl<V: Send> Send for Remains<V> {}

impl<V> Remains<V> {
    /// Blocks not yet freed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether all blocks are freed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The next segment from the end.
    fn next_segment(&mut self) -> Option<Box<Segment<V>>> {
        if self.sub.is_empty() {
            let last = self.root.last()?;
            if last.is_sub() {
                // SAFETY: `of_sub` made it, and its only entry is taken out here.
                self.sub = unsafe { Box::from_raw(last.sub()) }.into_vec();
                self.root.pop();
            }
        }
        let entries = if self.sub.is_empty() { &mut self.root } else { &mut self.sub };
        let segment = entries.last()?.segment();
        while entries.last().is_some_and(|entry| entry.base() == segment.cast()) {
            entries.pop();
        }
        // SAFETY: `of_segment` made it, and a segment's entries lie side by side in one directory, so the
        // last of them is gone.
        Some(unsafe { Box::from_raw(segment) })
    }
}

impl<V: Weigh> Remains<V> {
    /// Heap bytes not yet freed, without the directory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes out up to `count` blocks, of one segment, and hands them to `take`; false: it was the last.
    pub fn free(&mut self, count: usize, mut take: impl FnMut(Block<V>)) -> bool {
        if self.segment.is_none() {
            self.segment = self.next_segment();
        }
        let Some(segment) = &mut self.segment else { return false };
        let (len, bytes) = (&mut self.len, &mut self.bytes);
        segment.drain(count, |block| {
            *len -= 1;
            *bytes -= weight(&block);
            take(block);
        });
        if segment.count == 0 {
            *bytes -= segment_bytes(segment.chunks());
            self.segment = None;
        }
        true
    }
}

impl<V> Drop for Remains<V> {
    fn drop(&mut self) {
        while self.next_segment().is_some() {}
    }
}

impl<V> Dict<V> {
    /// Turns the table into something that can be freed bit by bit.
    pub fn into_remains(mut self) -> Remains<V> {
        self.remains()
    }

    fn remains(&mut self) -> Remains<V> {
        Remains {
            root: mem::take(&mut self.root),
            sub: Vec::new(),
            segment: None,
            len: mem::take(&mut self.len),
            bytes: mem::take(&mut self.content_bytes) + mem::take(&mut self.table_bytes),
        }
    }
}

impl<V> Drop for Dict<V> {
    fn drop(&mut self) {
        self.remains();
    }
}
