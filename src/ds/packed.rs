//! A listpack: short byte strings and integers, one after another in one allocation.
//!
//! ```text
//!      4 B          2 B                                          1 B
//! +-------------+-----------+-------+-------+- - -+-------+-------+
//! | total bytes | how many  | entry | entry |     | entry | 0xff  |
//! +-------------+-----------+-------+-------+- - -+-------+-------+
//!                            |
//!                            encoding and length, data, back length
//! ```
//!
//! The format is the one that Redis writes in its payloads, so a node of a list, a small hash or a small
//! sorted set goes into `DUMP` and comes out of `RESTORE` as a copy. A string that is exactly what an
//! integer prints as is stored as that integer. The back length, read from its end, lets a reader walk
//! towards the front.
//!
//! An entry is named by its offset, which stays good until something before it changes. All editing moves
//! the bytes behind it, so callers keep a listpack small (some kilobytes), or short and edited rarely.
//! Not here: when a collection outgrows this form.

use crate::base::number::parse_i64;
use crate::ds::block::size_class;
use std::fmt;
use std::iter::FusedIterator;

/// Bytes before the first entry.
const HEADER: usize = 6;

/// What ends a listpack.
const END: u8 = 0xff;

/// No entries.
const EMPTY: [u8; HEADER + 1] = [HEADER as u8 + 1, 0, 0, 0, 0, 0, END];

/// In the header: too many to say.
const COUNT_UNKNOWN: u16 = u16::MAX;

/// A listpack is not to grow beyond this: its header has 32 bits for the total.
pub const PACKED_BYTES_MAX: usize = 1 << 30;

/// Longest code in front of an entry's data: one byte, and a 64-bit integer.
const CODE_MAX: usize = 9;

/// What an entry holds, as it is stored. Entries that [`Packed`] writes are [`Item::Int`] whenever they
/// can be; one that came by [`Packed::from_bytes`] may spell an integer as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// The decimal digits of this integer.
    Int(i64),
    /// Any bytes.
    Bytes(&'a [u8]),
}

impl<'a> Item<'a> {
    /// Length of the string in bytes.
    pub fn len(self) -> usize {
        match self {
            Item::Int(int) => itoa::Buffer::new().format(int).len(),
            Item::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether it is the empty string.
    pub fn is_empty(self) -> bool {
        matches!(self, Item::Bytes([]))
    }

    /// The string; `digits` holds it if it is an integer.
    pub fn bytes<'b>(self, digits: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Item::Int(int) => digits.format(int).as_bytes(),
            Item::Bytes(bytes) => bytes,
        }
    }

    /// The string, copied.
    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut itoa::Buffer::new()).to_vec()
    }
}

/// A string to look for in many entries: its integer is read once, and most entries are ruled out by
/// one comparison.
#[derive(Clone, Copy, Debug)]
pub struct Needle<'a> {
    bytes: &'a [u8],
    int: Option<i64>,
}

impl<'a> Needle<'a> {
    /// Looks for `bytes`.
    pub fn new(bytes: &'a [u8]) -> Needle<'a> {
        Needle { bytes, int: parse_i64(bytes) }
    }

    /// Whether `item` is this string.
    pub fn is(&self, item: Item<'_>) -> bool {
        match item {
            Item::Int(int) => self.int == Some(int),
            Item::Bytes(bytes) => self.bytes == bytes,
        }
    }
}

/// A listpack.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed {
    /// Always a valid listpack; its capacity is a size class of the allocator.
    bytes: Vec<u8>,
}

/// An entry on its way in: code, data and back length are written one behind the other.
struct Entry<'a> {
    code: [u8; CODE_MAX],
    code_len: usize,
    data: &'a [u8],
    back: [u8; 5],
    back_len: usize,
}

impl<'a> Entry<'a> {
    /// Stored as an integer if it is one.
    fn of(text: &'a [u8]) -> Entry<'a> {
        match parse_i64(text) {
            Some(int) => Entry::of_item(Item::Int(int)),
            None => Entry::of_item(Item::Bytes(text)),
        }
    }

    fn of_item(item: Item<'a>) -> Entry<'a> {
        let mut code = [0; CODE_MAX];
        let (code_len, data) = match item {
            Item::Int(int) => (write_int(int, &mut code), &[][..]),
            Item::Bytes(bytes) => (write_len(bytes.len(), &mut code), bytes),
        };
        let mut back = [0; 5];
        let back_len = write_back(code_len + data.len(), &mut back);
        Entry { code, code_len, data, back, back_len }
    }

    fn len(&self) -> usize {
        self.code_len + self.data.len() + self.back_len
    }

    /// Writes the entry at the start of `out`, which has room.
    fn write(&self, out: &mut [u8]) {
        let (code, rest) = out.split_at_mut(self.code_len);
        code.copy_from_slice(&self.code[..self.code_len]);
        let (data, rest) = rest.split_at_mut(self.data.len());
        data.copy_from_slice(self.data);
        rest[..self.back_len].copy_from_slice(&self.back[..self.back_len]);
    }
}

/// The code of an integer in the smallest of its forms; its length.
fn write_int(int: i64, code: &mut [u8; CODE_MAX]) -> usize {
    let (first, bytes) = match int {
        0..=127 => {
            code[0] = int as u8;
            return 1;
        }
        -4096..=4095 => {
            let bits = (int as u16) & 0x1fff;
            code[0] = 0xc0 | (bits >> 8) as u8;
            code[1] = bits as u8;
            return 2;
        }
        -0x8000..=0x7fff => (0xf1, 2),
        -0x80_0000..=0x7f_ffff => (0xf2, 3),
        -0x8000_0000..=0x7fff_ffff => (0xf3, 4),
        _ => (0xf4, 8),
    };
    code[0] = first;
    code[1..=bytes].copy_from_slice(&int.to_le_bytes()[..bytes]);
    1 + bytes
}

/// The code of a string of `len` bytes; its length.
fn write_len(len: usize, code: &mut [u8; CODE_MAX]) -> usize {
    match len {
        0..64 => {
            code[0] = 0x80 | len as u8;
            1
        }
        64..4096 => {
            code[0] = 0xe0 | (len >> 8) as u8;
            code[1] = len as u8;
            2
        }
        _ => {
            code[0] = 0xf0;
            code[1..5].copy_from_slice(&(len as u32).to_le_bytes());
            5
        }
    }
}

/// Bytes of the back length of an entry whose code and data take `len`. The largest number of each size
/// is left to the next one: a quirk of the format that every writer must share.
fn back_len(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// Writes a back length: seven bits to a byte, the lowest last; all but the first say "more before me".
fn write_back(len: usize, back: &mut [u8; 5]) -> usize {
    let bytes = back_len(len);
    for (at, byte) in back[..bytes].iter_mut().enumerate() {
        let bits = (len >> (7 * (bytes - 1 - at))) as u8 & 0x7f;
        *byte = if at == 0 { bits } else { bits | 0x80 };
    }
    bytes
}

/// Reads the back length that ends before `end`; `None` if it does not stop after five bytes or runs
/// out of `bytes`.
fn read_back(bytes: &[u8], end: usize) -> Option<usize> {
    let mut len = 0;
    for step in 0..5 {
        let byte = *bytes.get(end.checked_sub(step + 1)?)?;
        len |= usize::from(byte & 0x7f) << (7 * step);
        if byte & 0x80 == 0 {
            return Some(len);
        }
    }
    None
}

/// Lengths of the code and the data of the entry at the start of `bytes`; `None` if this is no entry or
/// its code is cut off. The data may reach beyond `bytes`.
#[inline]
fn parts(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [0x00..=0x7f, ..] => Some((1, 0)),
        [first @ 0x80..=0xbf, ..] => Some((1, usize::from(first & 0x3f))),
        [0xc0..=0xdf, _, ..] => Some((2, 0)),
        [first @ 0xe0..=0xef, low, ..] => Some((2, usize::from(first & 0x0f) << 8 | usize::from(low))),
        [0xf0, a, b, c, d, ..] => Some((5, u32::from_le_bytes([a, b, c, d]) as usize)),
        [0xf1, ..] => Some((1, 2)),
        [0xf2, ..] => Some((1, 3)),
        [0xf3, ..] => Some((1, 4)),
        [0xf4, ..] => Some((1, 8)),
        _ => None,
    }
}

/// The whole length of the entry at `offset`, of a listpack that is valid.
#[inline]
fn entry_len(bytes: &[u8], offset: usize) -> usize {
    let (code, data) = parts(&bytes[offset..]).unwrap_or((0, 0));
    code + data + back_len(code + data)
}

/// The entry at `offset` and its whole length, of a listpack that is valid.
#[inline]
fn read(bytes: &[u8], offset: usize) -> (Item<'_>, usize) {
    let entry = &bytes[offset..];
    let (code, data) = parts(entry).unwrap_or((0, 0));
    let len = code + data + back_len(code + data);
    let bytes = &entry[code..code + data];
    let item = match entry[0] {
        small @ 0x00..=0x7f => Item::Int(i64::from(small)),
        // Thirteen bits with a sign: shifted to the top of sixteen and back.
        high @ 0xc0..=0xdf => {
            let bits = u16::from(high & 0x1f) << 8 | u16::from(entry[1]);
            Item::Int(i64::from((bits << 3) as i16 >> 3))
        }
        0xf1..=0xf4 => {
            // Moved to the top of the word and back, the sign comes along.
            let mut word = [0; 8];
            word[8 - data..].copy_from_slice(bytes);
            Item::Int(i64::from_le_bytes(word) >> (64 - 8 * data))
        }
        _ => Item::Bytes(bytes),
    };
    (item, len)
}

impl Default for Packed {
    fn default() -> Packed {
        Packed::new()
    }
}

impl Packed {
    /// No entries.
    pub fn new() -> Packed {
        Packed::with_room(0)
    }

    /// No entries, with room for some of `entry_bytes` together: what [`Packed::would_grow_by`] says.
    pub fn with_room(entry_bytes: usize) -> Packed {
        let mut bytes = Vec::with_capacity(size_class(HEADER + entry_bytes + 1));
        bytes.extend_from_slice(&EMPTY);
        Packed { bytes }
    }

    /// Loses all entries; its room stays.
    pub fn clear(&mut self) {
        self.copy_from(&EMPTY);
    }

    /// Takes a listpack that somebody else wrote, after checking all of it. O(bytes).
    pub fn from_bytes(mut bytes: Vec<u8>) -> Option<Packed> {
        let (&[a, b, c, d, e, f], [.., END]) = (bytes.first_chunk::<HEADER>()?, &bytes[HEADER..]) else {
            return None;
        };
        if u32::from_le_bytes([a, b, c, d]) as usize != bytes.len() {
            return None;
        }
        let end = bytes.len() - 1;
        let (mut offset, mut count) = (HEADER, 0_usize);
        while offset < end {
            let (code, data) = parts(&bytes[offset..end])?;
            let inside = code + data;
            let next = offset + inside + back_len(inside);
            if next > end || read_back(&bytes, next) != Some(inside) {
                return None;
            }
            // One that says "more before me" without need may read the same, until what is before it changes.
            let mut back = [0; 5];
            let back_len = write_back(inside, &mut back);
            bytes[next - back_len..next].copy_from_slice(&back[..back_len]);
            offset = next;
            count += 1;
        }
        let said = u16::from_le_bytes([e, f]);
        if said != COUNT_UNKNOWN && usize::from(said) != count {
            return None;
        }
        bytes[4..HEADER].copy_from_slice(&count_word(count).to_le_bytes());
        let mut packed = Packed { bytes };
        packed.settle_room();
        Some(packed)
    }

    /// Becomes a copy of the listpack whose bytes these are ([`Packed::as_bytes`]); its room stays.
    pub fn copy_from(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() > HEADER && bytes[bytes.len() - 1] == END);
        self.bytes.clear();
        self.reserve(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// The listpack's bytes, header and end included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Heap bytes.
    pub fn bytes(&self) -> usize {
        size_class(self.bytes.capacity())
    }

    /// Number of entries. O(1) up to 65,534, else O(n).
    pub fn len(&self) -> usize {
        match self.count_said() {
            COUNT_UNKNOWN => self.iter().count(),
            count => usize::from(count),
        }
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER + 1
    }

    /// By how much an entry for `text` would lengthen [`Packed::as_bytes`].
    pub fn would_grow_by(text: &[u8]) -> usize {
        let inside = match parse_i64(text) {
            Some(int) => write_int(int, &mut [0; CODE_MAX]),
            None => write_len(text.len(), &mut [0; CODE_MAX]) + text.len(),
        };
        inside + back_len(inside)
    }

    /// Whether an entry for `text` still fits below [`PACKED_BYTES_MAX`].
    pub fn has_room_for(&self, text: &[u8]) -> bool {
        // Code and back length take ten bytes at most.
        self.bytes.len().saturating_add(text.len()).saturating_add(10) <= PACKED_BYTES_MAX
    }

    /// Adds an entry behind the last.
    pub fn push_back(&mut self, text: &[u8]) {
        self.splice(self.end(), 0, 0, &Entry::of(text));
    }

    /// Adds an entry before the first.
    pub fn push_front(&mut self, text: &[u8]) {
        self.splice(HEADER, 0, 0, &Entry::of(text));
    }

    /// Adds what another listpack holds behind the last entry.
    pub fn push_item(&mut self, item: Item<'_>) {
        self.splice(self.end(), 0, 0, &Entry::of_item(item));
    }

    /// Adds an entry before the one at `offset`, or behind the last if that is [`Packed::end`]. It has
    /// this offset then.
    pub fn insert_before(&mut self, offset: usize, text: &[u8]) -> usize {
        self.splice(offset, 0, 0, &Entry::of(text));
        offset
    }

    /// Adds an entry behind the one at `offset`; returns its offset.
    pub fn insert_after(&mut self, offset: usize, text: &[u8]) -> usize {
        self.insert_before(offset + entry_len(&self.bytes, offset), text)
    }

    /// Puts another string in the place of the entry at `offset`, which stays its offset.
    pub fn replace(&mut self, offset: usize, text: &[u8]) {
        self.splice(offset, entry_len(&self.bytes, offset), 1, &Entry::of(text));
    }

    /// Puts another item in the place of the entry at `offset`, which stays its offset.
    pub fn replace_item(&mut self, offset: usize, item: Item<'_>) {
        self.splice(offset, entry_len(&self.bytes, offset), 1, &Entry::of_item(item));
    }

    /// Adds what `write` writes behind the last entry, with one change of the header.
    pub fn extend(&mut self, write: impl FnOnce(&mut Writer<'_>)) {
        let before = self.count_said();
        self.bytes.pop();
        let mut writer = Writer { packed: self, count: 0 };
        write(&mut writer);
        let count = writer.count;
        self.reserve(1);
        self.bytes.push(END);
        match before {
            COUNT_UNKNOWN => self.set_total(),
            before => self.set_header(usize::from(before) + count),
        }
    }

    /// Removes the entry at `offset` and those behind it, `count` together or as many as there are.
    /// Returns how many. What followed them has this offset then.
    pub fn remove(&mut self, offset: usize, count: usize) -> usize {
        let (mut to, mut removed) = (offset, 0);
        while removed < count && to < self.end() {
            to += entry_len(&self.bytes, to);
            removed += 1;
        }
        self.cut(offset, to, removed);
        removed
    }

    /// Removes all entries that `keep` says no to; returns how many. One pass.
    pub fn retain(&mut self, mut keep: impl FnMut(Item<'_>) -> bool) -> usize {
        let (end, mut from, mut to, mut removed) = (self.end(), HEADER, HEADER, 0);
        while from < end {
            let (item, len) = read(&self.bytes, from);
            if keep(item) {
                if to < from {
                    self.bytes.copy_within(from..from + len, to);
                }
                to += len;
            } else {
                removed += 1;
            }
            from += len;
        }
        if removed > 0 {
            self.cut(to, end, removed);
        }
        removed
    }

    /// Takes the entry at `offset` and all behind it off; they become a listpack of their own.
    pub fn split_off(&mut self, offset: usize) -> Packed {
        let end = self.end();
        let mut tail = Packed::with_room(end - offset);
        tail.bytes.truncate(HEADER);
        tail.bytes.extend_from_slice(&self.bytes[offset..]);
        let moved = Items { bytes: &self.bytes, front: offset, back: end }.count();
        tail.set_header(moved);
        self.cut(offset, end, moved);
        tail
    }

    /// Adds all entries of another listpack behind the last.
    pub fn append(&mut self, other: &Packed) {
        let count = self.len() + other.len();
        self.reserve(other.bytes.len() - HEADER - 1);
        self.bytes.pop();
        self.bytes.extend_from_slice(&other.bytes[HEADER..]);
        self.set_header(count);
    }

    /// What the entry at `offset` holds.
    #[inline]
    pub fn get(&self, offset: usize) -> Item<'_> {
        read(&self.bytes, offset).0
    }

    /// The offset behind the last entry; no entry is there.
    #[inline]
    pub fn end(&self) -> usize {
        self.bytes.len() - 1
    }

    /// The first entry's offset.
    pub fn first(&self) -> Option<usize> {
        (!self.is_empty()).then_some(HEADER)
    }

    /// The last entry's offset.
    pub fn last(&self) -> Option<usize> {
        self.prev(self.end())
    }

    /// The offset of the entry behind the one at `offset`.
    #[inline]
    pub fn next(&self, offset: usize) -> Option<usize> {
        let next = offset + entry_len(&self.bytes, offset);
        (next < self.end()).then_some(next)
    }

    /// The offset of the entry before the one at `offset`, which may be [`Packed::end`].
    #[inline]
    pub fn prev(&self, offset: usize) -> Option<usize> {
        if offset <= HEADER {
            return None;
        }
        let inside = read_back(&self.bytes, offset)?;
        offset.checked_sub(inside + back_len(inside))
    }

    /// The offset of an entry by its index, from 0; -1 is the last. Walks from the nearer end.
    pub fn at(&self, index: i64) -> Option<usize> {
        let steps = usize::try_from(if index < 0 { !index } else { index }).ok()?;
        let (mut from_end, mut steps) = (index < 0, steps);
        if self.count_said() != COUNT_UNKNOWN {
            let len = self.len();
            if steps >= len {
                return None;
            }
            if steps > len / 2 {
                (from_end, steps) = (!from_end, len - 1 - steps);
            }
        }
        let mut offsets = self.iter().map(|(offset, _)| offset);
        if from_end { offsets.nth_back(steps) } else { offsets.nth(steps) }
    }

    /// All entries with their offsets, from both ends.
    pub fn iter(&self) -> Items<'_> {
        Items { bytes: &self.bytes, front: HEADER, back: self.end() }
    }

    /// The entry at `offset` and those behind it. [`Packed::end`] gives none.
    pub fn iter_from(&self, offset: usize) -> Items<'_> {
        Items { bytes: &self.bytes, front: offset, back: self.end() }
    }

    /// The first entry that is `text`, looking at one entry and leaving out the next `skip`: 1 looks at
    /// the fields of fields and values.
    pub fn find(&self, text: &[u8], skip: usize) -> Option<usize> {
        let (needle, end) = (Needle::new(text), self.end());
        let mut offset = HEADER;
        while offset < end {
            let (item, len) = read(&self.bytes, offset);
            if needle.is(item) {
                return Some(offset);
            }
            offset += len;
            for _ in 0..skip {
                if offset < end {
                    offset += entry_len(&self.bytes, offset);
                }
            }
        }
        None
    }

    fn count_said(&self) -> u16 {
        u16::from_le_bytes([self.bytes[4], self.bytes[5]])
    }

    /// Puts `entry` in the place of `old` bytes at `offset`, which are `removed` entries (0 or 1).
    fn splice(&mut self, offset: usize, old: usize, removed: usize, entry: &Entry<'_>) {
        let (len, new) = (self.bytes.len(), entry.len());
        if new > old {
            self.reserve(new - old);
            self.bytes.resize(len + new - old, END);
            self.bytes.copy_within(offset + old..len, offset + new);
        } else if new < old {
            self.bytes.copy_within(offset + old..len, offset + new);
            self.bytes.truncate(len - (old - new));
            self.settle_room();
        }
        entry.write(&mut self.bytes[offset..offset + new]);
        self.count_changed(1 - removed as isize);
    }

    /// Takes `removed` entries from `from` to `to` out.
    fn cut(&mut self, from: usize, to: usize, removed: usize) {
        self.bytes.copy_within(to.., from);
        self.bytes.truncate(self.bytes.len() - (to - from));
        self.settle_room();
        self.count_changed(-(removed as isize));
    }

    /// Writes the header after a change of the bytes and of the number of entries.
    fn count_changed(&mut self, by: isize) {
        match self.count_said() {
            // Counted anew only when that is cheap to know: a reader would count as well.
            COUNT_UNKNOWN if !self.is_empty() => self.set_total(),
            COUNT_UNKNOWN => self.set_header(0),
            count => self.set_header(usize::from(count).saturating_add_signed(by)),
        }
    }

    fn set_header(&mut self, count: usize) {
        self.set_total();
        self.bytes[4..HEADER].copy_from_slice(&count_word(count).to_le_bytes());
    }

    fn set_total(&mut self) {
        let total = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&total.to_le_bytes());
    }

    /// Makes room for `more` bytes, up to the next size class: the allocator would give it anyway, and
    /// above 128 bytes the steps grow with the size, so that many small ones cost little.
    fn reserve(&mut self, more: usize) {
        let len = self.bytes.len() + more;
        if len > self.bytes.capacity() {
            self.bytes.reserve_exact(size_class(len) - self.bytes.len());
        }
    }

    /// Gives memory back once half of it is unused.
    fn settle_room(&mut self) {
        let wanted = size_class(self.bytes.len());
        if self.bytes.capacity() >= 2 * wanted {
            self.bytes.shrink_to(wanted);
        }
    }
}

/// Entries on their way to the end of a listpack: see [`Packed::extend`].
#[derive(Debug)]
pub struct Writer<'a> {
    packed: &'a mut Packed,
    count: usize,
}

impl Writer<'_> {
    /// Adds a string, as an integer if it is one.
    #[inline]
    pub fn text(&mut self, text: &[u8]) {
        self.entry(&Entry::of(text));
    }

    /// Adds an integer.
    #[inline]
    pub fn int(&mut self, int: i64) {
        self.entry(&Entry::of_item(Item::Int(int)));
    }

    #[inline]
    fn entry(&mut self, entry: &Entry<'_>) {
        self.packed.reserve(entry.len() + 1);
        let bytes = &mut self.packed.bytes;
        bytes.extend_from_slice(&entry.code[..entry.code_len]);
        bytes.extend_from_slice(entry.data);
        bytes.extend_from_slice(&entry.back[..entry.back_len]);
        self.count += 1;
    }
}

/// How the header says that there are `count` entries.
fn count_word(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(COUNT_UNKNOWN)
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(_, item)| item)).finish()
    }
}

/// Entries of a listpack with their offsets.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = (usize, Item<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let offset = self.front;
        let (item, len) = read(self.bytes, offset);
        self.front += len;
        Some((offset, item))
    }
}

impl DoubleEndedIterator for Items<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let inside = read_back(self.bytes, self.back)?;
        self.back -= inside + back_len(inside);
        Some((self.back, read(self.bytes, self.back).0))
    }
}

impl FusedIterator for Items<'_> {}

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;
