//! The table of one database: blocks by key, in the order of their hashes.
//!
//! Extendible hashing: a directory maps the leading bits of a position (a rotated hash) to a segment of a
//! few hundred blocks. A full segment takes the next size, and the largest splits in two, so growth comes
//! in steps of at most 380 blocks and no lookup ever asks two tables. Walking positions walks the table,
//! whatever splits and merges meanwhile: that is what makes a cursor a plain number.
//!
//! ```text
//! position 0110101... -> root[0110] -+-> segment                     up to 2^12 entries, doubled whole
//!                                    +-> sub[101] -> segment         from there on, each doubled alone
//! ```
//!
//! A directory entry carries the segment's size and depth beside its address, so a lookup reads: entry,
//! tags, block. The root doubles while it is small (32 KiB at most); a larger table gives single root
//! entries a directory of their own, so that no doubling copies more than a few KiB even at 10^8 keys.
//!
//! Deadlines need no second entry per key: each segment and each root entry know a lower bound of theirs,
//! and expiry visits only segments that are due.
//! Measured by benches/dict.rs. Not here: what values mean, when to expire.

use crate::base::clock::Stopwatch;
use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::ds::block::{Block, Content, View, Weigh};
use crate::ds::directory::Entry;
use crate::ds::segment::{
    CHUNKS_MAX, DEPTH_MAX, SLOTS, Segment, chunks_after, chunks_for, count_max, hint, home, position,
    segment_bytes, tag,
};

mod remains;
pub use remains::Remains;

/// Bits of a position that a cursor keeps; a cursor is below `1 << CURSOR_BITS`.
pub const CURSOR_BITS: u32 = 39;

/// The root stops doubling here.
const ROOT_BITS_MAX: u32 = if cfg!(test) { 5 } else { 12 };

/// Two halves are merged when they hold at most this together: far below what splits one.
const MERGE_COUNT_MAX: u32 = 150;

/// Segments that one step of [`Dict::expire`] looks at, at most, to find one that is due.
const EXPIRE_SKIPS_MAX: usize = 64;

/// Tries of [`Dict::random`] to find a segment that is not empty, and in it a slot that is not, before it
/// takes what comes next.
const RANDOM_TRIES: u32 = 200;

const _: () = assert!(DEPTH_MAX + 12 <= CURSOR_BITS);

/// Blocks by key.
#[derive(Debug)]
pub struct Dict<V> {
    owners: Owners,
    root: Vec<Entry<V>>,
    /// Per root entry: no block at a position there expires earlier.
    soonest: Vec<u64>,
    len: usize,
    expires: usize,
    deadline_sum: u128,
    content_bytes: usize,
    table_bytes: usize,
    segments: usize,
    /// Stamped on each segment that gains or loses a block.
    epoch: u64,
    /// Times the steps of growth.
    stopwatch: Stopwatch,
    /// How long the longest step took since somebody asked, if there was one.
    step_ns: Option<u64>,
}

/// A block that was found, and may be changed or removed.
#[derive(Debug)]
pub struct Found<'a, V> {
    dict: &'a mut Dict<V>,
    position: u64,
    segment: *mut Segment<V>,
    place: (usize, usize),
}

// SAFETY: a table owns its segments and directories alone; the raw pointers are not shared with anyone.
unsafe impl<V: Send> Send for Dict<V> {}

/// The first `bits` bits of a position.
#[inline]
fn leading(position: u64, bits: u32) -> usize {
    (position >> 1 >> (63 - bits)) as usize
}

fn weight<V: Weigh>(block: &Block<V>) -> usize {
    let boxed = match block.view() {
        View::Boxed(value) => value.bytes(),
        View::Int(_) | View::Bytes(_) | View::Packed(_) => 0,
    };
    block.bytes() + boxed
}

impl<V: Weigh> Dict<V> {
    /// An empty table, of about 300 bytes. Keys are hashed by `owners`.
    pub fn new(owners: Owners) -> Self {
        Dict {
            owners,
            root: vec![Entry::of_segment(Segment::new(0, 0, 1))],
            soonest: vec![u64::MAX],
            len: 0,
            expires: 0,
            deadline_sum: 0,
            content_bytes: 0,
            table_bytes: segment_bytes(1),
            segments: 1,
            epoch: 0,
            stopwatch: || 0,
            step_ns: None,
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many keys have a deadline.
    pub fn expires(&self) -> usize {
        self.expires
    }

    /// Sum of all deadlines: their mean is this over [`Dict::expires`].
    pub fn deadline_sum(&self) -> u128 {
        self.deadline_sum
    }

    /// Heap bytes of keys and values.
    pub fn content_bytes(&self) -> usize {
        self.content_bytes
    }

    /// Heap bytes of the table itself.
    pub fn table_bytes(&self) -> usize {
        self.table_bytes + self.root.capacity() * 8 + self.soonest.capacity() * 8
    }

    /// How many segments there are: a table of `n` keys has about `n / 300`.
    pub fn segments(&self) -> usize {
        self.segments
    }

    /// What times the steps of growth from now on.
    pub fn set_stopwatch(&mut self, stopwatch: Stopwatch) {
        self.stopwatch = stopwatch;
    }

    /// Nanoseconds of the longest step of growth since this was last asked; None: there was none.
    #[inline]
    pub fn take_step(&mut self) -> Option<u64> {
        self.step_ns.take()
    }

    #[inline]
    fn root_bits(&self) -> u32 {
        self.root.len().trailing_zeros()
    }

    /// The entry of the segment that holds a position.
    #[inline]
    fn entry(&self, position: u64) -> Entry<V> {
        let bits = self.root_bits();
        let entry = self.root[leading(position, bits)];
        if !entry.is_sub() {
            return entry;
        }
        // SAFETY: the table owns the directory, and `leading` stays below its length.
        unsafe { (*entry.sub())[leading(position << bits, entry.size() as u32)] }
    }

    /// The segment that holds a position.
    fn segment(&self, position: u64) -> &Segment<V> {
        // SAFETY: the table owns its segments; `&self` keeps others from changing them.
        unsafe { &*self.entry(position).segment() }
    }

    fn segment_mut(&mut self, position: u64) -> &mut Segment<V> {
        // SAFETY: the table owns its segments; `&mut self` makes us the only user.
        unsafe { &mut *self.entry(position).segment() }
    }

    /// Asks the processor to load the part of the table where a key with this hash lies. Worth it from a
    /// few keys on, asked for some time before each is looked up.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        let position = position(hash);
        let entry = self.entry(position);
        // SAFETY: as in `segment`. Only addresses are computed: nothing of the segment is read.
        let segment = unsafe { &*entry.segment() };
        segment.prefetch(home(position, entry.depth(), entry.size()));
    }

    /// Asks for the block itself: after [`Dict::prefetch`] has had its time.
    #[inline]
    pub fn prefetch_block(&self, hash: u64) {
        let position = position(hash);
        let entry = self.entry(position);
        let home = home(position, entry.depth(), entry.size());
        self.segment(position).prefetch_blocks(home, tag(hash));
    }

    /// The hash of a key, as the other methods want it.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.owners.hash(key)
    }

    /// Reads the block of a key whose hash is `hash`.
    #[inline]
    pub fn get(&self, hash: u64, key: &[u8]) -> Option<&Block<V>> {
        let position = position(hash);
        let entry = self.entry(position);
        let home = home(position, entry.depth(), entry.size());
        // SAFETY: as in `segment`.
        let segment = unsafe { &*entry.segment() };
        segment.block(segment.find(home, tag(hash), key)?)
    }

    /// Finds a key whose hash is `hash`.
    #[inline]
    pub fn find(&mut self, hash: u64, key: &[u8]) -> Option<Found<'_, V>> {
        let position = position(hash);
        let entry = self.entry(position);
        let segment = entry.segment();
        let home = home(position, entry.depth(), entry.size());
        // SAFETY: as in `segment_mut`.
        let place = unsafe { &*segment }.find(home, tag(hash), key)?;
        Some(Found { dict: self, position, segment, place })
    }

    /// Adds a block whose key is not in the table. Makes room first: at most one resize and, hardly ever
    /// more than once, a split.
    pub fn insert(&mut self, hash: u64, mut block: Block<V>) {
        debug_assert_eq!(hash, self.owners.hash(block.key()));
        let position = position(hash);
        self.len += 1;
        self.content_bytes += weight(&block);
        self.note_deadline(position, None, block.deadline());
        let epoch = self.epoch;
        let mut segment = self.segment_mut(position);
        while segment.count as usize >= count_max(segment.chunks()) {
            let began = (self.stopwatch)();
            self.grow(position);
            self.step_ns = self.step_ns.max(Some((self.stopwatch)() - began));
            segment = self.segment_mut(position);
        }
        if let Some(deadline) = block.deadline() {
            segment.soonest = segment.soonest.min(deadline);
        }
        segment.version = epoch;
        block.set_hint(hint(position, segment.depth));
        segment.insert(tag(hash), block);
    }

    /// Keeps count of deadlines. The segment's own bound is the caller's to lower.
    fn note_deadline(&mut self, position: u64, old: Option<u64>, new: Option<u64>) {
        if let Some(old) = old {
            self.expires -= 1;
            self.deadline_sum -= u128::from(old);
        }
        if let Some(new) = new {
            self.expires += 1;
            self.deadline_sum += u128::from(new);
            let bits = self.root_bits();
            let soonest = &mut self.soonest[leading(position, bits)];
            *soonest = new.min(*soonest);
        }
    }

    /// Takes the segment at a position out of the directory, to be replaced at once.
    fn claim(&mut self, position: u64) -> Box<Segment<V>> {
        let segment = self.entry(position).segment();
        // SAFETY: the table owns the segment, made by `of_segment`. Every caller overwrites all its
        // entries by `set_range` before it returns.
        let segment = unsafe { Box::from_raw(segment) };
        self.table_bytes -= segment_bytes(segment.chunks());
        self.segments -= 1;
        segment
    }

    /// Makes room in the segment at a position: the next size, or two halves.
    fn grow(&mut self, position: u64) {
        let owners = self.owners;
        let mut segment = self.claim(position);
        let (chunks, depth) = (segment.chunks(), segment.depth);
        if let Some(larger) = chunks_after(chunks) {
            return self.set_range(segment.resize(larger, owners));
        }
        if depth == DEPTH_MAX {
            // 2^27 segments: not in any memory of today, but not an error either.
            return self.set_range(segment.resize(chunks + CHUNKS_MAX, owners));
        }
        let halves = segment.split(owners);
        self.deepen(position, depth + 1);
        for half in halves {
            self.set_range(half);
        }
    }

    /// Grows the directory until it tells apart positions by their first `depth` bits. New entries repeat
    /// the old ones.
    fn deepen(&mut self, position: u64, depth: u32) {
        while depth > self.root_bits() && self.root_bits() < ROOT_BITS_MAX {
            self.root = self.root.iter().flat_map(|&entry| [entry, entry]).collect();
            self.soonest = self.soonest.iter().flat_map(|&soonest| [soonest, soonest]).collect();
        }
        let bits = self.root_bits();
        if depth <= bits {
            return;
        }
        let index = leading(position, bits);
        let entry = self.root[index];
        let mut entries = if entry.is_sub() { self.claim_sub(entry) } else { vec![entry] };
        while entries.len() < 1 << (depth - bits) {
            entries = entries.iter().flat_map(|&entry| [entry, entry]).collect();
        }
        self.table_bytes += entries.len() * 8;
        self.root[index] = Entry::of_sub(entries);
    }

    /// Takes a directory out of the root, to be replaced at once.
    fn claim_sub(&mut self, entry: Entry<V>) -> Vec<Entry<V>> {
        // SAFETY: the table owns the directory, made by `of_sub`; both callers overwrite its only entry.
        let entries = unsafe { Box::from_raw(entry.sub()) };
        self.table_bytes -= entries.len() * 8;
        entries.into_vec()
    }

    /// Makes all entries of a segment's positions lead to it. The directory is deep enough.
    fn set_range(&mut self, segment: Box<Segment<V>>) {
        let (start, depth) = (segment.start, segment.depth);
        self.table_bytes += segment_bytes(segment.chunks());
        self.segments += 1;
        let entry = Entry::of_segment(segment);
        let bits = self.root_bits();
        let first = leading(start, bits);
        if depth > bits {
            let sub = self.root[first];
            let inner = sub.size() as u32;
            let first = leading(start << bits, inner);
            // SAFETY: as in `entry`, and `&mut self` makes us the only user.
            unsafe { (&mut *sub.sub())[first..first + (1 << (inner + bits - depth))].fill(entry) };
            return;
        }
        if self.root[first].is_sub() {
            // A merge has come up to the root: the directory below is done with.
            drop(self.claim_sub(self.root[first]));
        }
        self.root[first..first + (1 << (bits - depth))].fill(entry);
    }

    /// Gives memory back after a removal at a position, if the segment there is mostly empty: a smaller
    /// size, or one segment with its other half. `many` were removed, or one.
    fn shrink(&mut self, position: u64, many: bool) {
        let segment = self.segment(position);
        let (count, chunks, depth) = (segment.count, segment.chunks(), segment.depth);
        if count as usize * 4 >= chunks * SLOTS {
            return;
        }
        if depth > 0 && (many || count.is_multiple_of(16)) {
            let other = position ^ 1 << (64 - depth);
            let entry = self.entry(other);
            if entry.depth() == depth && self.segment(other).count + count <= MERGE_COUNT_MAX {
                let mut other = self.claim(other);
                let merged = self.claim(position).merge(&mut other, self.owners);
                return self.set_range(merged);
            }
        }
        let smaller = chunks_for(count as usize * 3 / 2);
        if smaller < chunks {
            let resized = self.claim(position).resize(smaller, self.owners);
            self.set_range(resized);
        }
    }

    /// Visits keys from `cursor` (0: the start) until at least `count` were seen; returns the cursor
    /// to go on with, 0 at the end. A key present from the first call to the last is seen at least
    /// once, whatever is inserted or removed in between; one may be seen twice. A nearly empty table is
    /// walked for ten chunks per key asked for, as Redis does.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(&Block<V>)) -> u64 {
        let shift = 64 - CURSOR_BITS;
        if cursor >> CURSOR_BITS != 0 {
            return 0;
        }
        let (mut seen, mut steps) = (0, 0);
        let mut position = cursor << shift;
        loop {
            let segment = self.segment(position);
            let home = home(position, segment.depth, segment.chunks());
            let next = segment.visit_home(home, &mut |block| {
                seen += 1;
                visit(block);
            });
            let Some(next) = next.or_else(|| segment.end()) else { return 0 };
            steps += 1;
            position = next;
            if seen >= count || steps >= count.saturating_mul(10) {
                return position >> shift;
            }
        }
    }

    /// Every block, in the order of positions.
    pub fn iter(&self) -> impl Iterator<Item = &Block<V>> {
        let mut position = Some(0);
        let segments = std::iter::from_fn(move || {
            let segment = self.segment(position?);
            position = segment.end();
            Some(segment)
        });
        segments.flat_map(Segment::iter)
    }

    /// Visits every block.
    pub fn for_each(&self, visit: &mut dyn FnMut(&Block<V>)) {
        self.iter().for_each(visit);
    }

    /// A block picked at random, every one with nearly the same chance.
    pub fn random(&self, prng: &mut Prng) -> Option<&Block<V>> {
        let (position, place) = self.random_place(prng)?;
        self.segment(position).block(place)
    }

    /// Takes a block picked at random out of the table.
    pub fn take_random(&mut self, prng: &mut Prng) -> Option<Block<V>> {
        let (position, place) = self.random_place(prng)?;
        let segment = self.entry(position).segment();
        // A removal wants no more of a position than that it lies in the segment.
        Some(Found { dict: self, position, segment, place }.remove())
    }

    /// Where a block picked at random lies: a position in its segment, and its place there.
    fn random_place(&self, prng: &mut Prng) -> Option<(u64, (usize, usize))> {
        if self.len == 0 {
            return None;
        }
        // A hash drawn at random picks a segment with the chance of its share of hashes, and so of keys; a
        // slot drawn among its own picks one of its blocks: all blocks are as likely, to within the luck by
        // which a segment has more keys than its share.
        for _ in 0..RANDOM_TRIES {
            let position = position(prng.next_u64());
            let segment = self.segment(position);
            for _ in 0..if segment.count == 0 { 0 } else { RANDOM_TRIES } {
                let place = (prng.below(segment.chunks() as u64) as usize, prng.below(SLOTS as u64) as usize);
                if segment.block(place).is_some() {
                    return Some((position, place));
                }
            }
        }
        let mut position = prng.next_u64();
        loop {
            let segment = self.segment(position);
            let mut places =
                (0..segment.chunks()).flat_map(|chunk| (0..SLOTS).map(move |slot| (chunk, slot)));
            if let Some(place) = places.find(|&place| segment.block(place).is_some()) {
                return Some((position, place));
            }
            position = segment.end().unwrap_or(0);
        }
    }

    /// No block expires earlier; None: none expires. In Unix milliseconds; O(1) up to some hundred blocks,
    /// at most 4,096 steps.
    pub fn soonest(&self) -> Option<u64> {
        self.soonest.iter().copied().min().filter(|&soonest| self.expires > 0 && soonest != u64::MAX)
    }

    /// Removes what expired from the next segment, from position `from` on, that is due by more than
    /// `slack_ms`, and hands the blocks to `take`. Returns the position to go on from; None: the end was
    /// reached. Cheap where nothing is due: skips a root entry by reading eight bytes.
    pub fn expire(
        &mut self,
        now_ms: u64,
        slack_ms: u64,
        from: u64,
        mut take: impl FnMut(Block<V>),
    ) -> Option<u64> {
        let due_ms = now_ms.saturating_sub(slack_ms);
        let mut from = from;
        for _ in 0..EXPIRE_SKIPS_MAX {
            let bits = self.root_bits();
            let index = leading(from, bits);
            let skipped = self.soonest[index..].iter().position(|&soonest| soonest <= due_ms)?;
            if skipped > 0 {
                from = ((index + skipped) as u64) << (64 - bits);
            }
            let index = index + skipped;
            let segment = self.segment(from);
            let end = segment.end();
            let due = segment.soonest <= due_ms;
            if due {
                self.expire_segment(from, now_ms, &mut take);
            }
            if end.is_none_or(|end| leading(end, bits) > index) {
                self.soonest[index] = self.soonest_below(index);
            }
            from = end?;
            if due {
                break;
            }
        }
        Some(from)
    }

    fn expire_segment(&mut self, position: u64, now_ms: u64, take: &mut impl FnMut(Block<V>)) {
        let epoch = self.epoch;
        let segment = self.segment_mut(position);
        let mut soonest = u64::MAX;
        let mut gone = Vec::new();
        for place in segment.mortal() {
            let deadline = segment.block(place).and_then(Block::deadline).unwrap_or(u64::MAX);
            if deadline > now_ms {
                soonest = soonest.min(deadline);
            } else if let Some(block) = segment.remove(place) {
                gone.push(block);
            }
        }
        segment.soonest = soonest;
        if gone.is_empty() {
            return;
        }
        segment.version = epoch;
        for block in gone {
            self.forget(position, &block);
            take(block);
        }
        self.shrink(position, true);
    }

    /// The lower bound of all deadlines below a root entry.
    fn soonest_below(&self, index: usize) -> u64 {
        let bits = self.root_bits();
        let mut position = if bits == 0 { 0 } else { (index as u64) << (64 - bits) };
        let mut soonest = u64::MAX;
        loop {
            let segment = self.segment(position);
            soonest = soonest.min(segment.soonest);
            match segment.end() {
                Some(end) if leading(end, bits) == index => position = end,
                _ => return soonest,
            }
        }
    }

    /// Takes a block that has left its segment off the books.
    fn forget(&mut self, position: u64, block: &Block<V>) {
        self.len -= 1;
        self.content_bytes -= weight(block);
        self.note_deadline(position, block.deadline(), None);
    }

    /// Begins an epoch and returns its number. From then on a segment whose version is lower has not
    /// changed in it.
    pub fn begin_epoch(&mut self) -> u64 {
        self.epoch += 1;
        self.epoch
    }
}

impl<V: Weigh + Clone> Clone for Dict<V> {
    /// Every block anew, with its deadline, access clock and mark. O(n).
    fn clone(&self) -> Self {
        let mut copy = Dict::new(self.owners);
        for block in self.iter() {
            let content = match block.view() {
                View::Int(int) => Content::Int(int),
                View::Bytes(bytes) => Content::Bytes(bytes),
                View::Packed(bytes) => Content::Packed(bytes),
                View::Boxed(value) => Content::Boxed(Box::new(value.clone())),
            };
            let mut twin = Block::new(block.key(), content, block.deadline());
            twin.set_stamp(block.stamp());
            twin.set_mark(block.mark());
            copy.insert(self.owners.hash(block.key()), twin);
        }
        copy
    }
}

impl<'a, V: Weigh> Found<'a, V> {
    fn segment(&self) -> &Segment<V> {
        // SAFETY: `find` took it from the table's directory, and the table is borrowed by us since.
        unsafe { &*self.segment }
    }

    fn segment_mut(&mut self) -> &mut Segment<V> {
        // SAFETY: as above; `&mut self` makes us the only user.
        unsafe { &mut *self.segment }
    }

    /// The block.
    #[inline]
    pub fn block(&self) -> &Block<V> {
        match self.segment().block(self.place) {
            Some(block) => block,
            None => unreachable!("a found block stays where it is"),
        }
    }

    /// The block, for as long as the table is borrowed.
    #[inline]
    pub fn into_block(self) -> &'a Block<V> {
        // SAFETY: as in `segment`; the table is borrowed for 'a.
        match unsafe { &*self.segment }.block(self.place) {
            Some(block) => block,
            None => unreachable!("a found block stays where it is"),
        }
    }

    #[inline]
    fn block_mut(&mut self) -> &mut Block<V> {
        let (place, epoch) = (self.place, self.dict.epoch);
        let segment = self.segment_mut();
        // Before the first epoch nobody asks, and the segment's header stays out of the cache.
        if epoch != 0 {
            segment.version = epoch;
        }
        match segment.block_mut(place) {
            Some(block) => block,
            None => unreachable!("a found block stays where it is"),
        }
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut Block<V>) -> R) -> R {
        let block = self.block_mut();
        let before = weight(block);
        let result = change(block);
        let after = weight(block);
        self.dict.content_bytes = self.dict.content_bytes - before + after;
        result
    }

    /// Stores another value; returns the old one if it was out of line.
    pub fn replace(&mut self, content: Content<'_, V>) -> Option<Box<V>> {
        self.change(|block| block.replace(content))
    }

    /// Changes the value if it is out of line.
    pub fn change_boxed<R>(&mut self, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        self.change(|block| block.boxed_mut().map(change))
    }

    /// The value, when it is a string inside the block.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        self.block_mut().bytes_mut()
    }

    /// Sets or clears the deadline.
    pub fn set_deadline(&mut self, deadline: Option<u64>) {
        let old = self.block().deadline();
        if old == deadline {
            return;
        }
        self.dict.note_deadline(self.position, old, deadline);
        if let Some(deadline) = deadline {
            let segment = self.segment_mut();
            segment.soonest = segment.soonest.min(deadline);
        }
        self.change(|block| block.set_deadline(deadline));
    }

    /// Sets the access clock. A snapshot does not see it.
    #[inline]
    pub fn set_stamp(&mut self, stamp: u32) {
        let place = self.place;
        if let Some(block) = self.segment_mut().block_mut(place) {
            block.set_stamp(stamp);
        }
    }

    /// Sets the owner's bit.
    pub fn set_mark(&mut self, mark: bool) {
        if self.block().mark() != mark {
            self.block_mut().set_mark(mark);
        }
    }

    /// Takes the block out of the table.
    pub fn remove(mut self) -> Block<V> {
        let (place, epoch) = (self.place, self.dict.epoch);
        let segment = self.segment_mut();
        segment.version = epoch;
        let Some(block) = segment.remove(place) else { unreachable!("a found block stays where it is") };
        self.dict.forget(self.position, &block);
        self.dict.shrink(self.position, false);
        block
    }
}

#[cfg(test)]
mod tests;
