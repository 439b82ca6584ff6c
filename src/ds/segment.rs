//! A few hundred blocks whose positions share a prefix: the unit in which a [`super::dict::Dict`] grows.
//!
//! A position is a 64-bit hash read from its top bit. A segment of depth `d` holds all blocks whose first
//! `d` bits are its own; the next twelve pick a home chunk, in order, so that walking chunks walks
//! positions. A chunk is two cache lines: 14 tags of one byte (0: free), compared at once, a word of
//! notes, and 14 blocks:
//!
//! ```text
//! | tag x 14 | notes | block x 14 |        notes: 14 bits: the block's home is an earlier chunk
//!   14 B       2 B     112 B                    2 bits: how many blocks passed by here, at most 3
//! ```
//!
//! A block whose home is full goes to the next chunk with room, and the chunks it passed count it; a search
//! ends at the first chunk that nobody passed. The count stops at 3 and then stays, until the segment is
//! rebuilt. This is F14's chunk (Bronson and Shi, 2019) in the segments of extendible hashing.
//!
//! Every block's pointer carries 16 bits of its position, from the last multiple of four at or before the
//! segment's depth. They suffice to pick the half and the chunk it goes to, so only every fourth split has
//! to read the keys.

use crate::base::owner::Owners;
use crate::ds::block::{Block, prefetch};
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ptr;

/// Blocks of a chunk.
pub(super) const SLOTS: usize = 14;

/// Deepest segment: 2^27 of them, and with their chunks' 12 bits, positions of 39 bits.
pub(super) const DEPTH_MAX: u32 = 27;

/// Bits that pick a home chunk.
const HOME_BITS: u32 = 12;

/// Sizes of a segment in chunks. With its header of one chunk's size, each is a size class of jemalloc. The
/// steps up to the largest are small, so that a table is never emptier than 7/10.
const CHUNKS: [usize; 9] = [1, 3, 7, 11, 15, 19, 23, 27, 31];

/// Chunks of the largest segment.
pub(super) const CHUNKS_MAX: usize = 31;

const _: () = assert!(CHUNKS[CHUNKS.len() - 1] == CHUNKS_MAX);
const _: () = assert!(size_of::<Chunk<()>>() == 128);
const _: () = assert!(CHUNKS_MAX < 1 << HOME_BITS);

/// Blocks with a common prefix of their positions.
#[derive(Debug)]
#[repr(C, align(128))]
pub(super) struct Segment<V> {
    /// First position that belongs here.
    pub(super) start: u64,
    /// How many leading bits all positions share.
    pub(super) depth: u32,
    /// Blocks here.
    pub(super) count: u32,
    /// No block here expires earlier; `u64::MAX`: none expires. In Unix milliseconds.
    pub(super) soonest: u64,
    /// The table's epoch when a block was last put here or taken away: a snapshot that walks the table
    /// tells by it what it has not seen.
    pub(super) version: u64,
    chunks: [Chunk<V>],
}

#[derive(Debug)]
#[repr(C, align(128))]
struct Chunk<V> {
    /// 14 tags, then the notes, low byte first.
    tags: [u8; 16],
    blocks: [Option<Block<V>>; SLOTS],
}

const ALL_SLOTS: u16 = (1 << SLOTS) - 1;
const PASSED_ONE: u16 = 1 << SLOTS;

impl<V> Chunk<V> {
    /// One bit per slot whose tag is `tag`.
    #[inline]
    fn matching(&self, tag: u8) -> u16 {
        equal_bytes(&self.tags, tag) & ALL_SLOTS
    }

    fn notes(&self) -> u16 {
        u16::from_le_bytes([self.tags[14], self.tags[15]])
    }

    fn set_notes(&mut self, notes: u16) {
        [self.tags[14], self.tags[15]] = notes.to_le_bytes();
    }

    /// One bit per slot whose block has its home elsewhere.
    fn guests(&self) -> u16 {
        self.notes() & ALL_SLOTS
    }

    fn is_passed(&self) -> bool {
        self.notes() >= PASSED_ONE
    }

    fn count_passing(&mut self) {
        let notes = self.notes();
        if notes < 3 * PASSED_ONE {
            self.set_notes(notes + PASSED_ONE);
        }
    }

    fn uncount_passing(&mut self) {
        let notes = self.notes();
        // At 3 the true number is not known.
        if (PASSED_ONE..3 * PASSED_ONE).contains(&notes) {
            self.set_notes(notes - PASSED_ONE);
        }
    }
}

/// One bit per byte that equals `byte`.
#[inline]
fn equal_bytes(bytes: &[u8; 16], byte: u8) -> u16 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
        // SAFETY: SSE2 is part of x86-64, and 16 bytes are read of an array of 16.
        unsafe {
            let all = _mm_loadu_si128(bytes.as_ptr().cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(all, _mm_set1_epi8(byte as i8))) as u16
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    equal_bytes_portable(bytes, byte)
}

/// The same, anywhere.
#[cfg(any(test, not(all(target_arch = "x86_64", not(miri)))))]
fn equal_bytes_portable(bytes: &[u8; 16], byte: u8) -> u16 {
    let bit = |(index, &each): (usize, &u8)| u16::from(each == byte) << index;
    bytes.iter().enumerate().map(bit).sum()
}

/// The slots of a mask, lowest first.
fn slots(mut mask: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let slot = (mask != 0).then_some(mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(slot)
    })
}

/// A key's position: its hash `u` without the bits that pick a shard, which come last, bent to
/// `u * (2 + u) / 3` (both read as fractions of 1).
///
/// So keys lie twice as dense at the beginning as at the end. Were they spread evenly, all segments of a
/// table would fill, take the next size and split at the same time: a storm of steps with each doubling,
/// and memory of the size they have just left that nobody takes up. Bent, at any time as many segments are
/// nearly full as have just been split, each size is left by some while others enter it, and a key takes the same
/// memory in a table of any size.
#[inline]
pub(super) fn position(hash: u64) -> u64 {
    let even = hash.rotate_left(14);
    let third = high_half(even, u64::MAX / 3);
    2 * third + high_half(third, even)
}

/// The upper half of a product.
#[inline]
fn high_half(one: u64, other: u64) -> u64 {
    ((u128::from(one) * u128::from(other)) >> 64) as u64
}

/// A key's tag: bits of its hash that its position uses last. 0 means a free slot.
#[inline]
pub(super) fn tag(hash: u64) -> u8 {
    (hash as u8).max(1)
}

/// The bits of a position that a block of a segment of that depth carries.
#[inline]
pub(super) fn hint(position: u64, depth: u32) -> u16 {
    (position << (depth & !3) >> 48) as u16
}

/// A position with only the bits that a hint holds.
fn hinted(hint: u16, depth: u32) -> u64 {
    u64::from(hint) << 48 >> (depth & !3)
}

/// The home chunk of a position, in a segment of `chunks` chunks.
#[inline]
pub(super) fn home(position: u64, depth: u32, chunks: usize) -> usize {
    ((position << depth >> (64 - HOME_BITS)) as usize * chunks) >> HOME_BITS
}

/// Most blocks a segment of `chunks` chunks holds before it grows: above 7/8 too many lie off their homes.
pub(super) fn count_max(chunks: usize) -> usize {
    if chunks == 1 { SLOTS } else { chunks * SLOTS * 7 / 8 }
}

/// The size, in chunks, of a segment for `count` blocks and some more.
pub(super) fn chunks_for(count: usize) -> usize {
    let fits = |&&chunks: &&usize| count <= chunks * SLOTS * 13 / 16;
    *CHUNKS.iter().find(fits).unwrap_or(&CHUNKS_MAX)
}

/// The next larger size; None: it is the largest.
pub(super) fn chunks_after(chunks: usize) -> Option<usize> {
    CHUNKS.into_iter().find(|&larger| larger > chunks)
}

/// Heap bytes of a segment.
pub(super) fn segment_bytes(chunks: usize) -> usize {
    (chunks + 1) * size_of::<Chunk<()>>()
}

impl<V> Segment<V> {
    /// An empty segment.
    pub(super) fn new(start: u64, depth: u32, chunks: usize) -> Box<Segment<V>> {
        let layout = match Layout::from_size_align(segment_bytes(chunks), 128) {
            Ok(layout) => layout,
            Err(_) => unreachable!("a few thousand bytes"),
        };
        // SAFETY: the layout's size is not 0.
        let base = unsafe { alloc_zeroed(layout) };
        if base.is_null() {
            handle_alloc_error(layout);
        }
        let segment = ptr::slice_from_raw_parts_mut(base, chunks) as *mut Segment<V>;
        // SAFETY: the layout is the one of `Segment<V>` with that many chunks: a header below 128 bytes,
        // alignment 128, chunks of 128 (asserted by `debug_assert` below and the constants above). All
        // zero is a valid value of every field: numbers, and `None` of an option of a `NonNull`.
        let mut segment = unsafe { Box::from_raw(segment) };
        debug_assert_eq!(Layout::for_value(&*segment), layout);
        segment.start = start;
        segment.depth = depth;
        segment.soonest = u64::MAX;
        segment
    }

    /// How many chunks it has.
    #[inline]
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// Asks the processor to load a chunk.
    #[inline]
    pub(super) fn prefetch(&self, chunk: usize) {
        let Some(chunk) = self.chunks.get(chunk) else { return };
        prefetch(&chunk.tags);
        prefetch(&chunk.blocks[SLOTS - 1]);
    }

    /// Asks the processor to load the blocks that `tag` may mean in its home chunk.
    pub(super) fn prefetch_blocks(&self, home: usize, tag: u8) {
        let chunk = &self.chunks[home];
        for slot in slots(chunk.matching(tag)) {
            if let Some(block) = &chunk.blocks[slot] {
                block.prefetch();
            }
        }
    }

    /// Where a key lies: chunk and slot.
    #[inline]
    pub(super) fn find(&self, home: usize, tag: u8, key: &[u8]) -> Option<(usize, usize)> {
        let mut at = home;
        for _ in 0..self.chunks.len() {
            let chunk = &self.chunks[at];
            for slot in slots(chunk.matching(tag)) {
                if chunk.blocks[slot].as_ref().is_some_and(|block| block.is(key)) {
                    return Some((at, slot));
                }
            }
            if !chunk.is_passed() {
                return None;
            }
            at = if at + 1 == self.chunks.len() { 0 } else { at + 1 };
        }
        None
    }

    /// The block in a slot.
    #[inline]
    pub(super) fn block(&self, (chunk, slot): (usize, usize)) -> Option<&Block<V>> {
        self.chunks[chunk].blocks[slot].as_ref()
    }

    /// The block in a slot, to be changed; its key stays.
    #[inline]
    pub(super) fn block_mut(&mut self, (chunk, slot): (usize, usize)) -> Option<&mut Block<V>> {
        self.chunks[chunk].blocks[slot].as_mut()
    }

    /// Adds a block that carries its hint and is not here. There must be a free slot.
    #[inline]
    pub(super) fn insert(&mut self, tag: u8, block: Block<V>) {
        let home = home(hinted(block.hint(), self.depth), self.depth, self.chunks.len());
        let mut at = home;
        loop {
            let chunk = &mut self.chunks[at];
            let free = chunk.matching(0);
            if free != 0 {
                let slot = free.trailing_zeros() as usize;
                chunk.tags[slot] = tag;
                chunk.blocks[slot] = Some(block);
                if at != home {
                    chunk.set_notes(chunk.notes() | 1 << slot);
                }
                self.count += 1;
                return;
            }
            chunk.count_passing();
            at = if at + 1 == self.chunks.len() { 0 } else { at + 1 };
            debug_assert_ne!(at, home, "a full segment");
        }
    }

    /// Takes a block out.
    pub(super) fn remove(&mut self, (at, slot): (usize, usize)) -> Option<Block<V>> {
        let (depth, chunks) = (self.depth, self.chunks.len());
        let chunk = &mut self.chunks[at];
        let block = chunk.blocks[slot].take()?;
        chunk.tags[slot] = 0;
        if chunk.guests() & 1 << slot != 0 {
            chunk.set_notes(chunk.notes() & !(1 << slot));
            let mut passed = home(hinted(block.hint(), depth), depth, chunks);
            while passed != at {
                self.chunks[passed].uncount_passing();
                passed = if passed + 1 == chunks { 0 } else { passed + 1 };
            }
        }
        self.count -= 1;
        Some(block)
    }

    /// The blocks whose home is `home`, and the first position of the next home; None: of the next
    /// segment.
    pub(super) fn visit_home(&self, home: usize, visit: &mut dyn FnMut(&Block<V>)) -> Option<u64> {
        let chunks = self.chunks.len();
        let chunk = &self.chunks[home];
        for slot in slots(!chunk.matching(0) & !chunk.guests() & ALL_SLOTS) {
            chunk.blocks[slot].iter().for_each(&mut *visit);
        }
        let mut at = home;
        for _ in 1..chunks {
            if !self.chunks[at].is_passed() {
                break;
            }
            at = if at + 1 == chunks { 0 } else { at + 1 };
            for slot in slots(self.chunks[at].guests()) {
                let block = self.chunks[at].blocks[slot].as_ref();
                let is_ours = |block: &&Block<V>| {
                    self::home(hinted(block.hint(), self.depth), self.depth, chunks) == home
                };
                block.filter(is_ours).into_iter().for_each(&mut *visit);
            }
        }
        if home + 1 == chunks {
            return None;
        }
        // The smallest 12 bits that `home` maps to the next chunk.
        let next = ((home + 1) << HOME_BITS).div_ceil(chunks) as u64;
        Some(self.start + (next << (64 - HOME_BITS) >> self.depth))
    }

    /// First position after this segment; None: there is none.
    pub(super) fn end(&self) -> Option<u64> {
        if self.depth == 0 { None } else { self.start.checked_add(1 << (64 - self.depth)) }
    }

    /// Every block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block<V>> {
        self.chunks.iter().flat_map(|chunk| chunk.blocks.iter().flatten())
    }

    /// The same for a reader of the blocks: a chunk's are asked of memory together.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Block<V>> {
        self.chunks.iter().flat_map(|chunk| {
            chunk.blocks.iter().flatten().for_each(Block::prefetch);
            chunk.blocks.iter().flatten()
        })
    }

    /// Visits every place with a block that has a deadline, after asking for all of them at once.
    pub(super) fn mortal(&self) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        for (index, chunk) in self.chunks.iter().enumerate() {
            for (slot, block) in chunk.blocks.iter().enumerate() {
                if let Some(block) = block.as_ref().filter(|block| block.has_deadline()) {
                    block.prefetch();
                    places.push((index, slot));
                }
            }
        }
        places
    }

    /// Takes up to `count` blocks out, any.
    pub(super) fn drain(&mut self, count: usize, mut take: impl FnMut(Block<V>)) {
        let mut left = count.min(self.count as usize);
        for chunk in &mut self.chunks {
            chunk.blocks.iter().flatten().for_each(Block::prefetch);
            for slot in 0..SLOTS {
                if left == 0 {
                    return;
                }
                if let Some(block) = chunk.blocks[slot].take() {
                    chunk.tags[slot] = 0;
                    self.count -= 1;
                    left -= 1;
                    take(block);
                }
            }
        }
    }

    /// Moves all blocks into `targets`: one segment, or the two halves of this one's positions.
    /// Where a target's blocks carry other bits than ours, keys are read and hashed.
    fn move_into(&mut self, targets: &mut [Box<Segment<V>>], owners: Owners) {
        let depth = self.depth;
        let window = |depth: u32| depth & !3;
        let stale = targets.iter().any(|target| window(target.depth) != window(depth));
        if stale {
            self.blocks().for_each(Block::prefetch);
        }
        for target in &mut *targets {
            target.soonest = target.soonest.min(self.soonest);
            target.version = target.version.max(self.version);
        }
        for chunk in &mut self.chunks {
            for (slot, block) in chunk.blocks.iter_mut().enumerate() {
                let Some(mut block) = block.take() else { continue };
                let half = if targets.len() == 2 {
                    (hinted(block.hint(), depth) << depth >> 63) as usize
                } else {
                    0
                };
                if stale {
                    let position = position(owners.hash(block.key()));
                    block.set_hint(hint(position, targets[half].depth));
                }
                targets[half].insert(chunk.tags[slot], block);
            }
        }
    }

    /// The same blocks in a segment of another size. This one is empty then.
    pub(super) fn resize(&mut self, chunks: usize, owners: Owners) -> Box<Segment<V>> {
        let mut targets = [Segment::new(self.start, self.depth, chunks)];
        self.move_into(&mut targets, owners);
        let [target] = targets;
        target
    }

    /// The two halves, each of the size that fits it. This one is empty then. Not at [`DEPTH_MAX`].
    pub(super) fn split(&mut self, owners: Owners) -> [Box<Segment<V>>; 2] {
        let depth = self.depth;
        let mut counts = [0; 2];
        self.blocks().for_each(|block| {
            counts[(hinted(block.hint(), depth) << depth >> 63) as usize] += 1;
        });
        let half = 1 << (63 - depth);
        let mut targets = [
            Segment::new(self.start, depth + 1, chunks_for(counts[0])),
            Segment::new(self.start + half, depth + 1, chunks_for(counts[1])),
        ];
        self.move_into(&mut targets, owners);
        targets
    }

    /// This segment and the other half of its parent, as one; both are empty then. Their blocks together
    /// must fit.
    pub(super) fn merge(&mut self, other: &mut Segment<V>, owners: Owners) -> Box<Segment<V>> {
        let chunks = chunks_for((self.count + other.count) as usize);
        let mut targets = [Segment::new(self.start.min(other.start), self.depth - 1, chunks)];
        self.move_into(&mut targets, owners);
        other.move_into(&mut targets, owners);
        let [target] = targets;
        target
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::prng::Prng;

    #[test]
    fn both_ways_to_compare_tags_agree() {
        let mut prng = Prng::new(3);
        for _ in 0..1_000 {
            let bytes: [u8; 16] = std::array::from_fn(|_| prng.below(4) as u8);
            let byte = prng.below(4) as u8;
            assert_eq!(equal_bytes(&bytes, byte), equal_bytes_portable(&bytes, byte));
        }
    }

    #[test]
    fn homes_follow_the_order_of_positions_and_a_hint_tells_them() {
        let mut prng = Prng::new(5);
        for _ in 0..2_000 {
            let depth = prng.below(u64::from(DEPTH_MAX) + 1) as u32;
            let position = prng.next_u64();
            let hinted = hinted(hint(position, depth), depth);
            for chunks in CHUNKS {
                let here = home(position, depth, chunks);
                assert!(here < chunks);
                assert_eq!(home(hinted, depth, chunks), here);
                assert_eq!(home(hinted, depth + 1, chunks), home(position, depth + 1, chunks));
                assert_eq!(hinted << depth >> 63, position << depth >> 63);
                let next = position.saturating_add(1 << 20);
                assert!(
                    next >> 1 >> (63 - depth) != position >> 1 >> (63 - depth)
                        || home(next, depth, chunks) >= here
                );
            }
        }
    }

    #[test]
    fn a_chunk_counts_passers_up_to_three_and_keeps_its_guests() {
        let mut segment = Segment::<()>::new(0, 0, 1);
        let chunk = &mut segment.chunks[0];
        chunk.set_notes(0b101);
        for expected in [1, 2, 3, 3, 3] {
            chunk.count_passing();
            assert_eq!((chunk.notes() >> SLOTS, chunk.guests()), (expected, 0b101));
        }
        chunk.uncount_passing();
        assert_eq!((chunk.notes() >> SLOTS, chunk.guests()), (3, 0b101));
        chunk.set_notes((2 * PASSED_ONE) | 1);
        chunk.uncount_passing();
        assert_eq!(chunk.notes(), PASSED_ONE | 1);
        chunk.uncount_passing();
        chunk.uncount_passing();
        assert_eq!(chunk.notes(), 1);
    }
}
