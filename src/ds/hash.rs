//! Fields with their values: few and short ones in a listpack, more in a table of their own.
//!
//! ```text
//! listpack:  | field value field value ... |       one allocation; Redis's bytes, so DUMP is a copy
//! table:     Dict: field -> value, deadline        one allocation per field, value and deadline inside
//! ```
//!
//! A hash leaves the listpack when a field or a value gets too long or the fields too many, or when a field
//! gets a deadline, and never comes back.
//!
//! Fields that expire: [`Hash::expire`] says what time it is and removes what is due, up to a bound; what is
//! due and not removed yet is invisible to every other method. A hash without deadlines pays one comparison
//! for that. Not here: who calls it, and what becomes of a hash whose last field has expired.

use crate::base::prng::Prng;
use crate::ds::Shapes;
use crate::ds::block::{Block, Content, INLINE_MAX, View, Weigh, size_class};
use crate::ds::dict::{Dict, Remains};
use crate::ds::packed::{Item, Packed};
use crate::ds::sample::Selection;
use std::collections::BTreeSet;

/// Fields with their values.
#[derive(Clone, Debug, Default)]
pub struct Hash {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// Field, value, field, value.
    Packed(Packed),
    Table(Box<Table>),
    /// Being freed.
    Freed(Box<Freed>),
}

#[derive(Clone, Debug)]
struct Table {
    fields: Dict<Long>,
    /// Fields whose deadline is not after this are gone, removed or not.
    seen_ms: u64,
    /// No field expires earlier; `u64::MAX`: none expires.
    soonest_ms: u64,
    /// A deadline of the whole that its owner keeps here.
    parked: Option<Option<u64>>,
}

#[derive(Debug)]
struct Freed {
    remains: Remains<Long>,
    /// Values that are too long to be freed at once.
    long: Vec<Long>,
}

/// A value that is too long for its field's block.
#[derive(Clone, Debug)]
struct Long(Vec<u8>);

/// A field and its value.
pub type Pair<'a> = (Item<'a>, Item<'a>);

/// Tries to draw a field that has not expired before all are looked through.
const DRAWS_MAX: u32 = 100;

/// Blocks freed between two looks at how much that was.
const FREE_BLOCKS: usize = 64;

const _: () = assert!(size_of::<Hash>() <= 24);

impl Weigh for Long {
    fn bytes(&self) -> usize {
        size_class(size_of::<Long>()) + size_class(self.0.capacity())
    }
}

impl Default for Form {
    fn default() -> Form {
        Form::Packed(Packed::new())
    }
}

impl Clone for Freed {
    /// Nobody reads what is being freed.
    fn clone(&self) -> Freed {
        unreachable!("a hash that is being freed has left its key")
    }
}

fn content(value: &[u8]) -> Content<'_, Long> {
    if value.len() <= INLINE_MAX {
        Content::Bytes(value)
    } else {
        Content::Boxed(Box::new(Long(value.to_vec())))
    }
}

fn value_of(block: &Block<Long>) -> Item<'_> {
    match block.view() {
        View::Int(int) => Item::Int(int),
        View::Bytes(bytes) | View::Packed(bytes) => Item::Bytes(bytes),
        View::Boxed(long) => Item::Bytes(&long.0),
    }
}

fn pair_of(block: &Block<Long>) -> Pair<'_> {
    (Item::Bytes(block.key()), value_of(block))
}

impl Table {
    fn new(shapes: &Shapes) -> Table {
        Table { fields: Dict::new(shapes.owners), seen_ms: 0, soonest_ms: u64::MAX, parked: None }
    }

    /// Whether a field may be seen.
    #[inline]
    fn is_live(&self, block: &Block<Long>) -> bool {
        !block.has_deadline() || block.deadline().is_some_and(|at| at > self.seen_ms)
    }

    fn get(&self, field: &[u8]) -> Option<&Block<Long>> {
        self.fields.get(self.fields.hash(field), field).filter(|block| self.is_live(block))
    }

    fn live(&self) -> impl Iterator<Item = &Block<Long>> {
        self.fields.iter().filter(|block| self.is_live(block))
    }

    /// O(1) unless fields are due and not removed yet.
    fn len(&self) -> usize {
        if self.soonest_ms > self.seen_ms { self.fields.len() } else { self.live().count() }
    }

    /// Adds a field that is not there.
    fn insert(&mut self, field: &[u8], value: &[u8]) {
        self.fields.insert(self.fields.hash(field), Block::new(field, content(value), None));
    }

    /// Sets a field, without a deadline; true: it was not there.
    fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        let (hash, seen_ms) = (self.fields.hash(field), self.seen_ms);
        let Some(mut found) = self.fields.find(hash, field) else {
            self.fields.insert(hash, Block::new(field, content(value), None));
            return true;
        };
        let gone = found.block().deadline().is_some_and(|at| at <= seen_ms);
        found.replace(content(value));
        found.set_deadline(None);
        gone
    }

    fn random(&self, prng: &mut Prng) -> Option<&Block<Long>> {
        for _ in 0..DRAWS_MAX {
            let block = self.fields.random(prng)?;
            if self.is_live(block) {
                return Some(block);
            }
        }
        let count = self.live().count() as u64;
        (count > 0).then(|| self.live().nth(prng.below(count) as usize))?
    }
}

impl Hash {
    /// The hash of a listpack of fields and values; None if a value is missing or a field is there twice.
    /// Too many fields make a table, too long ones do not: so Redis takes it. O(n log n).
    pub fn of_packed(packed: Packed, shapes: &Shapes) -> Option<Hash> {
        let fields: BTreeSet<Vec<u8>> = packed.iter().step_by(2).map(|(_, item)| item.to_vec()).collect();
        if fields.len() * 2 != packed.len() {
            return None;
        }
        let mut hash = Hash { form: Form::Packed(packed) };
        hash.outgrow(shapes);
        Some(hash)
    }

    /// Becomes a table if anything in it is too long for a listpack.
    pub fn outgrow_lengths(&mut self, shapes: &Shapes) {
        let is_long = |(_, item): (usize, Item<'_>)| item.len() > shapes.hash_max_listpack_value;
        if self.as_packed().is_some_and(|packed| packed.iter().any(is_long)) {
            self.table(shapes);
        }
    }

    /// Becomes a copy of the hash with this listpack, which was one's ([`Hash::as_packed`]).
    pub fn copy_packed(&mut self, bytes: &[u8]) {
        self.packed_mut().copy_from(bytes);
    }

    /// Becomes empty; the room of a listpack stays.
    pub fn clear_packed(&mut self) {
        self.packed_mut().clear();
    }

    fn packed_mut(&mut self) -> &mut Packed {
        if !matches!(self.form, Form::Packed(_)) {
            self.form = Form::default();
        }
        match &mut self.form {
            Form::Packed(packed) => packed,
            Form::Table(_) | Form::Freed(_) => unreachable!("the default form is a listpack"),
        }
    }

    /// The listpack of fields and values, while there is one.
    pub fn as_packed(&self) -> Option<&Packed> {
        match &self.form {
            Form::Packed(packed) => Some(packed),
            Form::Table(_) | Form::Freed(_) => None,
        }
    }

    /// How many fields there are. O(1), and O(n) while fields are due that have not been removed.
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.len() / 2,
            Form::Table(table) => table.len(),
            Form::Freed(freed) => freed.remains.len(),
        }
    }

    /// Whether nothing is stored; fields that are due and not removed yet are something.
    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Packed(packed) => packed.is_empty(),
            Form::Table(table) => table.fields.is_empty(),
            Form::Freed(freed) => freed.remains.is_empty(),
        }
    }

    /// Heap bytes. O(1).
    pub fn bytes(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.bytes(),
            Form::Table(table) => {
                size_class(size_of::<Table>()) + table.fields.content_bytes() + table.fields.table_bytes()
            }
            Form::Freed(freed) => {
                let long = freed.long.iter().map(Weigh::bytes).sum::<usize>();
                size_class(size_of::<Freed>()) + freed.remains.bytes() + long
            }
        }
    }

    /// Redis's name for how it is stored.
    pub fn encoding(&self) -> &'static str {
        match &self.form {
            Form::Packed(_) => "listpack",
            Form::Table(_) | Form::Freed(_) => "hashtable",
        }
    }

    /// A field's value. O(1); in a listpack, one pass.
    pub fn get(&self, field: &[u8]) -> Option<Item<'_>> {
        match &self.form {
            Form::Packed(packed) => Some(packed.get(packed.next(packed.find(field, 1)?)?)),
            Form::Table(table) => table.get(field).map(value_of),
            Form::Freed(_) => None,
        }
    }

    /// Whether there is such a field.
    pub fn contains(&self, field: &[u8]) -> bool {
        match &self.form {
            Form::Packed(packed) => packed.find(field, 1).is_some(),
            Form::Table(table) => table.get(field).is_some(),
            Form::Freed(_) => false,
        }
    }

    /// Every field with its value: in the order of insertion from a listpack, in any from a table.
    pub fn iter(&self) -> impl Iterator<Item = Pair<'_>> {
        let (packed, table) = match &self.form {
            Form::Packed(packed) => (Some(packed), None),
            Form::Table(table) => (None, Some(table)),
            Form::Freed(_) => (None, None),
        };
        let pairs = packed.into_iter().flat_map(|packed| {
            let mut items = packed.iter().map(|(_, item)| item);
            std::iter::from_fn(move || items.next().zip(items.next()))
        });
        pairs.chain(table.into_iter().flat_map(|table| table.live()).map(pair_of))
    }

    /// Visits fields from `cursor` (0: the start), about `count` of them, and returns the cursor to go on
    /// with, 0 at the end. A listpack is visited as a whole. A field that is there from the first call to the
    /// last is seen at least once.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Item<'_>, Item<'_>)) -> u64 {
        let Form::Table(table) = &self.form else {
            self.iter().for_each(|(field, value)| visit(field, value));
            return 0;
        };
        table.fields.scan(cursor, count, &mut |block| {
            if table.is_live(block) {
                visit(Item::Bytes(block.key()), value_of(block));
            }
        })
    }

    /// Sets a field; true: it was not there. A deadline that it had is gone.
    pub fn set(&mut self, field: &[u8], value: &[u8], shapes: &Shapes) -> bool {
        let Some(packed) = self.packed_for(field, value, shapes) else {
            return self.table(shapes).set(field, value);
        };
        match packed.find(field, 1).and_then(|at| packed.next(at)) {
            Some(at) => {
                packed.replace(at, value);
                self.outgrow(shapes);
                false
            }
            None => {
                self.push(field, value, shapes);
                true
            }
        }
    }

    /// Sets a field that is not there; false: it was there, and nothing has happened.
    pub fn set_new(&mut self, field: &[u8], value: &[u8], shapes: &Shapes) -> bool {
        if self.contains(field) {
            return false;
        }
        match self.packed_for(field, value, shapes) {
            Some(_) => self.push(field, value, shapes),
            // A field that is due and still there is overwritten.
            None => _ = self.table(shapes).set(field, value),
        }
        true
    }

    /// Puts what `next` makes of a field's value (None: no such field) in its place, and returns it. The
    /// field's deadline stays. An error of `next` changes nothing.
    pub fn update<T: AsRef<[u8]>, E>(
        &mut self,
        field: &[u8],
        shapes: &Shapes,
        next: impl FnOnce(Option<Item<'_>>) -> Result<T, E>,
    ) -> Result<T, E> {
        let value = match &mut self.form {
            Form::Packed(packed) => {
                let at = packed.find(field, 1).and_then(|at| packed.next(at));
                let value = next(at.map(|at| packed.get(at)))?;
                match (self.packed_for(field, value.as_ref(), shapes), at) {
                    (Some(packed), Some(at)) => {
                        packed.replace(at, value.as_ref());
                        self.outgrow(shapes);
                    }
                    (Some(_), None) => self.push(field, value.as_ref(), shapes),
                    (None, _) => _ = self.table(shapes).set(field, value.as_ref()),
                }
                value
            }
            Form::Table(table) => {
                let (hash, seen_ms) = (table.fields.hash(field), table.seen_ms);
                let found = table.fields.find(hash, field);
                match found.filter(|found| found.block().deadline().is_none_or(|at| at > seen_ms)) {
                    Some(mut found) => {
                        let value = next(Some(value_of(found.block())))?;
                        found.replace(content(value.as_ref()));
                        value
                    }
                    None => {
                        let value = next(None)?;
                        table.set(field, value.as_ref());
                        value
                    }
                }
            }
            Form::Freed(_) => next(None)?,
        };
        Ok(value)
    }

    /// Removes a field; false: there was none.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.form {
            Form::Packed(packed) => match packed.find(field, 1) {
                Some(at) => packed.remove(at, 2) > 0,
                None => false,
            },
            Form::Table(table) => {
                let (hash, seen_ms) = (table.fields.hash(field), table.seen_ms);
                let found = table.fields.find(hash, field);
                // What is due stays for `expire`, which counts it.
                let live = found.filter(|found| found.block().deadline().is_none_or(|at| at > seen_ms));
                live.map(|found| found.remove()).is_some()
            }
            Form::Freed(_) => false,
        }
    }

    /// A field picked at random, with its value; all are about as likely. O(1); in a listpack, one pass.
    pub fn random(&self, prng: &mut Prng) -> Option<Pair<'_>> {
        match &self.form {
            Form::Packed(packed) if packed.is_empty() => None,
            Form::Packed(packed) => {
                let at = packed.at(2 * prng.below(packed.len() as u64 / 2) as i64)?;
                Some((packed.get(at), packed.get(packed.next(at)?)))
            }
            Form::Table(table) => table.random(prng).map(pair_of),
            Form::Freed(_) => None,
        }
    }

    /// Fields picked at random one after another, without end; the same may come again. Empty if there are
    /// none.
    pub fn draws<'a>(&'a self, prng: &'a mut Prng) -> impl Iterator<Item = Pair<'a>> {
        let pairs: Option<Vec<Pair<'a>>> = self.as_packed().map(|_| self.iter().collect());
        std::iter::from_fn(move || match &pairs {
            Some(pairs) if pairs.is_empty() => None,
            Some(pairs) => Some(*prng.pick(pairs)),
            None => self.random(prng),
        })
    }

    /// Visits `count` different fields picked at random, all if there are no more. O(n), and O(count log
    /// count) for few of a large table.
    pub fn sample(&self, count: usize, prng: &mut Prng, visit: &mut dyn FnMut(Item<'_>, Item<'_>)) {
        let len = self.len();
        match &self.form {
            Form::Table(table) if Selection::is_sparse(count, len) => {
                let mut seen = BTreeSet::new();
                while seen.len() < count
                    && let Some(block) = table.random(prng)
                {
                    if seen.insert(block.key().as_ptr().addr()) {
                        visit(Item::Bytes(block.key()), value_of(block));
                    }
                }
            }
            _ => {
                let mut selection = Selection::new(count, len);
                let picked = self.iter().filter(|_| selection.picks(prng));
                picked.for_each(|(field, value)| visit(field, value));
            }
        }
    }

    /// When a field expires, in Unix milliseconds. None: no such field; Some(None): never.
    pub fn deadline(&self, field: &[u8]) -> Option<Option<u64>> {
        match &self.form {
            Form::Packed(packed) => packed.find(field, 1).map(|_| None),
            Form::Table(table) => table.get(field).map(Block::deadline),
            Form::Freed(_) => None,
        }
    }

    /// Sets or clears a field's deadline, in Unix milliseconds; false: no such field.
    pub fn set_deadline(&mut self, field: &[u8], deadline: Option<u64>, shapes: &Shapes) -> bool {
        if let Form::Packed(packed) = &self.form {
            let found = packed.find(field, 1).is_some();
            if !found || deadline.is_none() {
                return found;
            }
        }
        let table = self.table(shapes);
        let (hash, seen_ms) = (table.fields.hash(field), table.seen_ms);
        let found = table.fields.find(hash, field);
        let live = found.filter(|found| found.block().deadline().is_none_or(|at| at > seen_ms));
        let Some(mut found) = live else { return false };
        found.set_deadline(deadline);
        table.soonest_ms = table.soonest_ms.min(deadline.unwrap_or(u64::MAX));
        true
    }

    /// When [`Hash::expire`] wants to be called: no field expires earlier. None: no field has a deadline.
    pub fn soonest(&self) -> Option<u64> {
        match &self.form {
            Form::Table(table) if table.fields.expires() > 0 => Some(table.soonest_ms),
            _ => None,
        }
    }

    /// A note of the owner's, kept by a hash with deadlines: when the whole of it expires.
    pub fn parked(&self) -> Option<Option<u64>> {
        match &self.form {
            Form::Table(table) => table.parked,
            _ => None,
        }
    }

    /// Sets that note; without a table it is lost.
    pub fn park(&mut self, whole: Option<Option<u64>>) {
        if let Form::Table(table) = &mut self.form {
            table.parked = whole;
        }
    }

    /// Says what time it is and removes fields that are due, about `limit` at most (a few hundred more);
    /// returns how many. Those left over can no longer be seen; [`Hash::soonest`] is then in the past.
    pub fn expire(&mut self, now_ms: u64, limit: usize) -> usize {
        let Form::Table(table) = &mut self.form else { return 0 };
        table.seen_ms = now_ms;
        let (mut from, mut removed) = (0, 0);
        while removed < limit
            && let Some(next) = table.fields.expire(now_ms, 0, from, |_| removed += 1)
        {
            from = next;
        }
        table.soonest_ms = table.fields.soonest().unwrap_or(u64::MAX);
        removed
    }

    /// Gives back about `bytes` of a hash that nobody reads any more; true: there is more.
    pub fn free_part(&mut self, bytes: usize) -> bool {
        if let Form::Table(_) = &self.form {
            let Form::Table(table) = std::mem::take(&mut self.form) else { return false };
            let remains = table.fields.into_remains();
            self.form = Form::Freed(Box::new(Freed { remains, long: Vec::new() }));
        }
        if let Form::Freed(freed) = &mut self.form
            && freed.free_part(bytes)
        {
            return true;
        }
        self.form = Form::default();
        false
    }

    /// The listpack, if there is one and a field and its value may go into it.
    fn packed_for(&mut self, field: &[u8], value: &[u8], shapes: &Shapes) -> Option<&mut Packed> {
        let longest = shapes.hash_max_listpack_value;
        match &mut self.form {
            Form::Packed(packed)
                if field.len() <= longest
                    && value.len() <= longest
                    && packed.has_room_for(field)
                    && packed.has_room_for(value) =>
            {
                Some(packed)
            }
            _ => None,
        }
    }

    /// Adds a field that is not there to the listpack; it becomes a table if there are too many then.
    fn push(&mut self, field: &[u8], value: &[u8], shapes: &Shapes) {
        let Form::Packed(packed) = &mut self.form else { return };
        packed.push_back(field);
        packed.push_back(value);
        self.outgrow(shapes);
    }

    /// Becomes a table after a write if there are too many fields for a listpack, be it that fewer are allowed now.
    fn outgrow(&mut self, shapes: &Shapes) {
        let fields = self.as_packed().map_or(0, |packed| packed.len() / 2);
        if fields > shapes.hash_max_listpack_entries {
            self.table(shapes);
        }
    }

    /// The table, made of the listpack if there is none yet.
    fn table(&mut self, shapes: &Shapes) -> &mut Table {
        if !matches!(self.form, Form::Table(_)) {
            let mut table = Table::new(shapes);
            let (mut one, mut other) = (itoa::Buffer::new(), itoa::Buffer::new());
            for (field, value) in self.iter() {
                table.insert(field.bytes(&mut one), value.bytes(&mut other));
            }
            self.form = Form::Table(Box::new(table));
        }
        match &mut self.form {
            Form::Table(table) => table,
            Form::Packed(_) | Form::Freed(_) => unreachable!("made above"),
        }
    }
}

impl Freed {
    fn free_part(&mut self, bytes: usize) -> bool {
        let Freed { remains, long } = self;
        let mut freed = 0;
        while freed < bytes {
            if let Some(Long(value)) = long.last_mut() {
                // Large allocations shrink in place, from the end, under jemalloc and glibc alike.
                let rest = value.capacity().saturating_sub(bytes);
                freed += value.capacity() - rest;
                value.clear();
                value.shrink_to(rest);
                if rest == 0 {
                    long.pop();
                }
                continue;
            }
            let before = remains.bytes();
            let more = remains.free(FREE_BLOCKS, |block| {
                long.extend(block.into_boxed().map(|value| *value).filter(|Long(value)| value.len() > bytes));
            });
            if !more {
                return false;
            }
            freed += before - remains.bytes();
        }
        true
    }
}

#[cfg(test)]
#[path = "hash_tests.rs"]
mod tests;
