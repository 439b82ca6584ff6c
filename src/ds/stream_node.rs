//! One node of a stream: entries that lie side by side in a listpack, in Redis's own layout.
//!
//! ```text
//! master:  live  deleted  fields  field …  0
//! entry:   flags  ms  seq  value …                      len      the master's fields
//! entry:   flags  ms  seq  fields  field value …        len      fields of its own
//! ```
//!
//! A node is named by the id of its first entry, and entries store their distance from it. Most entries of a
//! stream have the same fields, which then stand in the master only. `len` counts the items of its entry
//! before it, so that a reader finds its way from the end. A deleted entry keeps its place and gets a flag.

use crate::ds::packed::{Item, Items, Packed};
use crate::ds::stream_id::Id;
use std::num::Wrapping;

/// Set in an entry's flags.
const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// Offset of a listpack's first item.
const LIVE_AT: usize = 6;

/// Items that an entry of the master's fields has beside its values, its length left out.
const SAME_ITEMS: i64 = 3;

/// Entries side by side. Its id is kept by whoever keeps the node.
#[derive(Clone, Debug)]
pub struct Node(Packed);

/// What the master says.
#[derive(Clone, Copy, Debug)]
struct Master {
    id: Id,
    live: i64,
    fields: usize,
    /// Offset of the first field.
    fields_at: usize,
    /// Offset of the first entry, or the end.
    first: usize,
}

/// An entry where it lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    id: Id,
    flags: i64,
    /// Offset of its flags.
    at: usize,
    /// Offset of the item behind its fields' number, or behind its id.
    values_at: usize,
    fields: usize,
    /// Offset of the next entry, or the end.
    end: usize,
}

/// An entry that is read.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its name.
    pub id: Id,
    packed: &'a Packed,
    fields: usize,
    /// Where the fields stand, if not between the values.
    fields_at: Option<usize>,
    values_at: usize,
}

impl<'a> Entry<'a> {
    /// How many fields it has.
    #[expect(clippy::len_without_is_empty, reason = "an entry always has a field")]
    pub fn len(&self) -> usize {
        self.fields
    }

    /// Fields and values in turn, in the order they were given in.
    pub fn words(&self) -> Words<'a> {
        Words {
            fields: self.fields_at.map(|at| self.packed.iter_from(at)),
            values: self.packed.iter_from(self.values_at),
            left: self.fields * 2,
        }
    }
}

/// Fields and values of an entry, in turn.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    fields: Option<Items<'a>>,
    values: Items<'a>,
    left: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        self.left = self.left.checked_sub(1)?;
        let items = match &mut self.fields {
            Some(fields) if self.left % 2 == 1 => fields,
            _ => &mut self.values,
        };
        items.next().map(|(_, item)| item)
    }
}

/// An item that is a number.
fn int(item: Item<'_>) -> Option<i64> {
    match item {
        Item::Int(int) => Some(int),
        Item::Bytes(bytes) => crate::base::number::parse_i64(bytes),
    }
}

impl Node {
    /// A node for an entry with these words, fields and values in turn; the entry is not in it yet.
    pub(super) fn new<'w>(words: impl Iterator<Item = &'w [u8]> + Clone) -> Node {
        let mut packed = Packed::new();
        packed.extend(|writer| {
            writer.int(0);
            writer.int(0);
            writer.int(words.clone().count() as i64 / 2);
            words.step_by(2).for_each(|field| writer.text(field));
            writer.int(0);
        });
        Node(packed)
    }

    /// Takes a node that somebody else wrote, named `id`, after checking all of it; `None`: it is none.
    pub(super) fn from_packed(id: Id, packed: Packed) -> Option<Node> {
        let node = Node(packed);
        let master = node.master(id)?;
        // Behind the fields' names stands a zero, so that one can go back from the first entry.
        if int(node.0.get(node.0.prev(master.first)?))? != 0 {
            return None;
        }
        let (mut at, mut live, mut deleted) = (master.first, 0, 0);
        let mut last: Option<Id> = None;
        while at < node.0.end() {
            let place = node.place(&master, at)?;
            let len = int(node.0.get(node.0.prev(place.end)?))?;
            let items = SAME_ITEMS + if place.flags & SAME_FIELDS != 0 { 0 } else { 1 + place.fields as i64 };
            if place.fields == 0
                || len != items + place.fields as i64
                || last.is_some_and(|last| last >= place.id)
                || place.id < id
            {
                return None;
            }
            last = Some(place.id);
            if place.flags & DELETED == 0 {
                live += 1
            } else {
                deleted += 1
            }
            at = place.end;
        }
        let said = int(node.0.get(node.0.next(LIVE_AT)?))?;
        (live == master.live && deleted == said).then_some(node)
    }

    /// The listpack.
    pub fn packed(&self) -> &Packed {
        &self.0
    }

    /// Entries that are not deleted.
    pub(super) fn live(&self) -> i64 {
        int(self.0.get(LIVE_AT)).unwrap_or(0)
    }

    /// Entries that are deleted and still take room.
    pub(super) fn deleted(&self) -> i64 {
        self.0.next(LIVE_AT).and_then(|at| int(self.0.get(at))).unwrap_or(0)
    }

    fn master(&self, id: Id) -> Option<Master> {
        let mut items = self.0.iter();
        let live = int(items.next()?.1)?;
        items.next()?;
        let fields = usize::try_from(int(items.next()?.1)?).ok()?;
        let (fields_at, _) = items.next()?;
        // The last field, or the number before them, and the zero behind it.
        let end_at = match fields {
            0 => fields_at,
            _ => items.nth(fields - 1)?.0,
        };
        let first = self.0.next(end_at).unwrap_or(self.0.end());
        Some(Master { id, live, fields, fields_at, first })
    }

    /// The entry whose flags are at `at`.
    fn place(&self, master: &Master, at: usize) -> Option<Place> {
        let mut items = self.0.iter_from(at);
        let flags = int(items.next()?.1)?;
        let ms = Wrapping(master.id.ms) + Wrapping(int(items.next()?.1)? as u64);
        let seq = Wrapping(master.id.seq) + Wrapping(int(items.next()?.1)? as u64);
        let same = flags & SAME_FIELDS != 0;
        let fields = if same { master.fields } else { usize::try_from(int(items.next()?.1)?).ok()? };
        let values = if same { fields } else { fields.checked_mul(2)? };
        let (values_at, _) = items.next()?;
        let last_at = if values == 0 { values_at } else { items.nth(values - 1)?.0 };
        let end = self.0.next(last_at).unwrap_or(self.0.end());
        Some(Place { id: Id::new(ms.0, seq.0), flags, at, values_at, fields, end })
    }

    /// Offset of the entry that ends at `end`.
    fn start_of(&self, end: usize) -> Option<usize> {
        let len_at = self.0.prev(end)?;
        let len = usize::try_from(int(self.0.get(len_at))?).ok()?;
        (0..len).try_fold(len_at, |at, _| self.0.prev(at))
    }

    /// Adds an entry behind the last; `id` is above all others, `master` the node's name.
    pub(super) fn push<'w>(&mut self, master: Id, id: Id, words: impl Iterator<Item = &'w [u8]> + Clone) {
        let fields = words.clone().count() / 2;
        let same = self.has_fields(words.clone().step_by(2), fields);
        self.0.extend(|writer| {
            writer.int(if same { SAME_FIELDS } else { 0 });
            writer.int(id.ms.wrapping_sub(master.ms) as i64);
            writer.int(id.seq.wrapping_sub(master.seq) as i64);
            if same {
                words.skip(1).step_by(2).for_each(|value| writer.text(value));
                writer.int(SAME_ITEMS + fields as i64);
            } else {
                writer.int(fields as i64);
                words.for_each(|word| writer.text(word));
                writer.int(SAME_ITEMS + 1 + 2 * fields as i64);
            }
        });
        self.0.replace_item(LIVE_AT, Item::Int(self.live() + 1));
    }

    /// Whether these are the master's fields.
    fn has_fields<'w>(&self, mut fields: impl Iterator<Item = &'w [u8]>, count: usize) -> bool {
        let mut items = self.0.iter().skip(2).map(|(_, item)| item);
        if items.next().and_then(int) != Some(count as i64) {
            return false;
        }
        let mut digits = itoa::Buffer::new();
        items.take(count).all(|item| fields.next() == Some(item.bytes(&mut digits)))
    }

    /// Marks the entry `id` as deleted; false: there is none that is not.
    pub(super) fn delete(&mut self, master: Id, id: Id) -> bool {
        let mut cursor = Cursor::new(master, self, false);
        while let Some(place) = cursor.next_place() {
            if place.id == id && place.flags & DELETED == 0 {
                let (at, flags) = (place.at, place.flags);
                self.mark(at, flags);
                self.count_deleted(1);
                return true;
            }
            if place.id > id {
                break;
            }
        }
        false
    }

    /// Marks entries from the front on, as long as `delete` says so of an entry (that is not deleted yet
    /// where the flag is true); returns how many.
    pub(super) fn delete_front(&mut self, master: Id, mut delete: impl FnMut(Id, i64) -> bool) -> i64 {
        let Some(head) = self.master(master) else { return 0 };
        let (mut at, mut count) = (head.first, 0);
        while at < self.0.end() {
            let Some(place) = self.place(&head, at) else { break };
            if !delete(place.id, count) {
                break;
            }
            if place.flags & DELETED == 0 {
                self.mark(at, place.flags);
                count += 1;
            }
            at = place.end;
        }
        if count > 0 {
            self.count_deleted(count);
        }
        count
    }

    /// Flags are small numbers, so nothing moves.
    fn mark(&mut self, at: usize, flags: i64) {
        self.0.replace_item(at, Item::Int(flags | DELETED));
    }

    fn count_deleted(&mut self, count: i64) {
        let (live, deleted) = (self.live(), self.deleted());
        self.0.replace_item(LIVE_AT, Item::Int(live - count));
        if let Some(at) = self.0.next(LIVE_AT) {
            self.0.replace_item(at, Item::Int(deleted + count));
        }
    }

    /// The id of the last entry, deleted or not.
    pub(super) fn last_id(&self, master: Id) -> Id {
        let head = self.master(master);
        let place = head.and_then(|head| self.place(&head, self.start_of(self.0.end())?));
        place.map_or(master, |place| place.id)
    }
}

/// Walks over the entries of a node, deleted ones too.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    node: &'a Node,
    master: Option<Master>,
    at: usize,
    backwards: bool,
}

impl<'a> Cursor<'a> {
    /// From the first entry on, or from the last one back.
    pub(super) fn new(master: Id, node: &'a Node, backwards: bool) -> Cursor<'a> {
        let master = node.master(master);
        let at = match master {
            Some(master) if !backwards => master.first,
            _ => node.0.end(),
        };
        Cursor { node, master, at, backwards }
    }

    fn next_place(&mut self) -> Option<Place> {
        let master = self.master.as_ref()?;
        if self.backwards {
            if self.at <= master.first {
                return None;
            }
            self.at = self.node.start_of(self.at)?;
            return self.node.place(master, self.at);
        }
        if self.at >= self.node.0.end() {
            return None;
        }
        let place = self.node.place(master, self.at)?;
        self.at = place.end;
        Some(place)
    }

    /// The next entry, and whether it is deleted.
    pub(super) fn next(&mut self) -> Option<(Entry<'a>, bool)> {
        let place = self.next_place()?;
        let same = place.flags & SAME_FIELDS != 0;
        let fields_at = if same { self.master.map(|master| master.fields_at) } else { None };
        let Place { id, fields, values_at, .. } = place;
        let entry = Entry { id, packed: &self.node.0, fields, fields_at, values_at };
        Some((entry, place.flags & DELETED != 0))
    }
}
