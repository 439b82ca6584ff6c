//! Members, no two equal: integers sorted side by side, a few short strings in a listpack, else a table.
//!
//! ```text
//! integers:  Intset            while all members are integers and not too many; Redis's bytes
//! words:     Packed            up to 16 members of 64 bytes: one allocation, looked through
//! table:     Dict: member -> nothing
//! ```
//!
//! The second form is ours: Redis 7.0 makes a table at once, at some hundred bytes for the first member, so
//! it goes by a table's name. A set leaves a form when a member does not fit it, and never comes back.

use crate::base::number::parse_i64;
use crate::base::prng::Prng;
use crate::ds::Shapes;
use crate::ds::block::{Block, Content, Weigh, size_class};
use crate::ds::dict::{Dict, Remains};
use crate::ds::intset::Intset;
use crate::ds::packed::{Item, Packed};
use crate::ds::sample::Selection;
use std::collections::BTreeSet;

/// Members, no two equal.
#[derive(Clone, Debug, Default)]
pub struct Set {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Ints(Intset),
    Words(Packed),
    Table(Box<Dict<Never>>),
    /// Being freed.
    Freed(Box<Freed>),
}

#[derive(Debug)]
struct Freed {
    remains: Remains<Never>,
}

/// What a member has for a value.
#[derive(Clone, Debug)]
enum Never {}

/// Most members in a listpack: looking through that many takes as long as a table's lookup.
const WORDS_MAX: usize = 16;

/// Longest member in a listpack, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// Blocks freed between two looks at how much that was.
const FREE_BLOCKS: usize = 64;

const _: () = assert!(size_of::<Set>() <= 24);

impl Weigh for Never {
    fn bytes(&self) -> usize {
        match *self {}
    }
}

impl Default for Form {
    fn default() -> Form {
        Form::Ints(Intset::new())
    }
}

impl Clone for Freed {
    /// Nobody reads what is being freed.
    fn clone(&self) -> Freed {
        unreachable!("a set that is being freed has left its key")
    }
}

fn member_of(block: &Block<Never>) -> Item<'_> {
    Item::Bytes(block.key())
}

/// Adds a member to a table; false: it was there.
fn add_to(table: &mut Dict<Never>, member: &[u8]) -> bool {
    let hash = table.hash(member);
    let new = table.get(hash, member).is_none();
    if new {
        table.insert(hash, Block::new(member, Content::Bytes(b""), None));
    }
    new
}

impl Set {
    /// The set of these integers.
    pub fn of_ints(ints: Intset, shapes: &Shapes) -> Set {
        let mut set = Set { form: Form::Ints(ints) };
        set.check_count(shapes);
        set
    }

    /// The integers in Redis's bytes, while they are stored so.
    pub fn as_ints(&self) -> Option<&Intset> {
        match &self.form {
            Form::Ints(ints) => Some(ints),
            Form::Words(_) | Form::Table(_) | Form::Freed(_) => None,
        }
    }

    /// How many members there are. O(1).
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Ints(ints) => ints.len(),
            Form::Words(words) => words.len(),
            Form::Table(table) => table.len(),
            Form::Freed(freed) => freed.remains.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap bytes. O(1).
    pub fn bytes(&self) -> usize {
        match &self.form {
            Form::Ints(ints) => ints.bytes(),
            Form::Words(words) => words.bytes(),
            Form::Table(table) => {
                size_class(size_of::<Dict<Never>>()) + table.content_bytes() + table.table_bytes()
            }
            Form::Freed(freed) => size_class(size_of::<Freed>()) + freed.remains.bytes(),
        }
    }

    /// Redis's name for how it is stored.
    pub fn encoding(&self) -> &'static str {
        match &self.form {
            Form::Ints(_) => "intset",
            Form::Words(_) | Form::Table(_) | Form::Freed(_) => "hashtable",
        }
    }

    /// Whether there is such a member.
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.form {
            Form::Ints(ints) => parse_i64(member).is_some_and(|int| ints.contains(int)),
            Form::Words(words) => words.find(member, 0).is_some(),
            Form::Table(table) => table.get(table.hash(member), member).is_some(),
            Form::Freed(_) => false,
        }
    }

    /// The same of another set's member.
    pub fn contains_item(&self, member: Item<'_>) -> bool {
        match (&self.form, member) {
            (Form::Ints(ints), Item::Int(int)) => ints.contains(int),
            _ => self.contains(member.bytes(&mut itoa::Buffer::new())),
        }
    }

    /// Every member: integers ascending, few strings in the order of insertion, those of a table in any.
    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        let (ints, words, table) = match &self.form {
            Form::Ints(ints) => (Some(ints), None, None),
            Form::Words(words) => (None, Some(words), None),
            Form::Table(table) => (None, None, Some(table)),
            Form::Freed(_) => (None, None, None),
        };
        let ints = ints.into_iter().flat_map(Intset::iter).map(Item::Int);
        let words = words.into_iter().flat_map(Packed::iter).map(|(_, item)| item);
        ints.chain(words).chain(table.into_iter().flat_map(|table| table.iter()).map(member_of))
    }

    /// Visits members from `cursor` (0: the start), about `count` of them, and returns the cursor to go on
    /// with, 0 at the end. All but a table is visited as a whole. A member that is there from the first call
    /// to the last is seen at least once.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Item<'_>)) -> u64 {
        let Form::Table(table) = &self.form else {
            self.iter().for_each(visit);
            return 0;
        };
        table.scan(cursor, count, &mut |block| visit(member_of(block)))
    }

    /// Adds a member; false: it was there.
    pub fn add(&mut self, member: &[u8], shapes: &Shapes) -> bool {
        if let Form::Ints(ints) = &mut self.form {
            if let Some(int) = parse_i64(member) {
                return self.add_int(int, shapes);
            }
            let fits = ints.len() < WORDS_MAX && member.len() <= WORD_BYTES_MAX;
            self.leave_ints(shapes, fits);
        }
        if let Form::Words(words) = &mut self.form {
            if words.find(member, 0).is_some() {
                return false;
            }
            if words.len() < WORDS_MAX && member.len() <= WORD_BYTES_MAX {
                words.push_back(member);
                return true;
            }
        }
        add_to(self.table(shapes), member)
    }

    /// Adds a member of another set; false: it was there.
    pub fn add_item(&mut self, member: Item<'_>, shapes: &Shapes) -> bool {
        match (&self.form, member) {
            (Form::Ints(_), Item::Int(int)) => self.add_int(int, shapes),
            _ => self.add(member.bytes(&mut itoa::Buffer::new()), shapes),
        }
    }

    fn add_int(&mut self, int: i64, shapes: &Shapes) -> bool {
        let Form::Ints(ints) = &mut self.form else { return false };
        let new = ints.insert(int);
        self.check_count(shapes);
        new
    }

    /// Removes a member; false: there was none.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.form {
            Form::Ints(ints) => parse_i64(member).is_some_and(|int| ints.remove(int)),
            Form::Words(words) => match words.find(member, 0) {
                Some(at) => words.remove(at, 1) > 0,
                None => false,
            },
            Form::Table(table) => {
                let hash = table.hash(member);
                table.find(hash, member).map(|found| found.remove()).is_some()
            }
            Form::Freed(_) => false,
        }
    }

    /// The same of another set's member.
    pub fn remove_item(&mut self, member: Item<'_>) -> bool {
        match (&mut self.form, member) {
            (Form::Ints(ints), Item::Int(int)) => ints.remove(int),
            _ => self.remove(member.bytes(&mut itoa::Buffer::new())),
        }
    }

    /// Takes a member picked at random out and shows it to `take`; false: there are none. O(1) from a table.
    pub fn pop(&mut self, prng: &mut Prng, take: &mut dyn FnMut(Item<'_>)) -> bool {
        let len = self.len() as u64;
        if len == 0 {
            return false;
        }
        match &mut self.form {
            Form::Ints(ints) => {
                let index = prng.below(len) as usize;
                take(Item::Int(ints.get(index)));
                ints.remove_at(index);
            }
            Form::Words(words) => {
                let Some(at) = words.at(prng.below(len) as i64) else { return false };
                take(words.get(at));
                words.remove(at, 1);
            }
            Form::Table(table) => {
                let Some(block) = table.take_random(prng) else { return false };
                take(member_of(&block));
            }
            Form::Freed(_) => return false,
        }
        true
    }

    /// A member picked at random; all are about as likely. O(1) from a table or of integers.
    pub fn random(&self, prng: &mut Prng) -> Option<Item<'_>> {
        let len = self.len() as u64;
        if len == 0 {
            return None;
        }
        match &self.form {
            Form::Ints(ints) => Some(Item::Int(ints.get(prng.below(len) as usize))),
            Form::Words(words) => words.at(prng.below(len) as i64).map(|at| words.get(at)),
            Form::Table(table) => table.random(prng).map(member_of),
            Form::Freed(_) => None,
        }
    }

    /// Members picked at random one after another, without end; the same may come again. Empty if there are
    /// none.
    pub fn draws<'a>(&'a self, prng: &'a mut Prng) -> impl Iterator<Item = Item<'a>> {
        std::iter::from_fn(move || self.random(prng))
    }

    /// Visits `count` different members picked at random, all if there are no more. O(n), and O(count log
    /// count) for few of a large table.
    pub fn sample(&self, count: usize, prng: &mut Prng, visit: &mut dyn FnMut(Item<'_>)) {
        let len = self.len();
        match &self.form {
            Form::Table(table) if Selection::is_sparse(count, len) => {
                let mut seen = BTreeSet::new();
                while seen.len() < count
                    && let Some(block) = table.random(prng)
                {
                    if seen.insert(block.key().as_ptr().addr()) {
                        visit(member_of(block));
                    }
                }
            }
            _ => {
                let mut selection = Selection::new(count, len);
                self.iter().filter(|_| selection.picks(prng)).for_each(visit);
            }
        }
    }

    /// Gives back about `bytes` of a set that nobody reads any more; true: there is more.
    pub fn free_part(&mut self, bytes: usize) -> bool {
        if let Form::Table(_) = &self.form {
            let Form::Table(table) = std::mem::take(&mut self.form) else { return false };
            self.form = Form::Freed(Box::new(Freed { remains: table.into_remains() }));
        }
        if let Form::Freed(freed) = &mut self.form {
            let remains = &mut freed.remains;
            let before = remains.bytes();
            while before - remains.bytes() < bytes {
                if !remains.free(FREE_BLOCKS, drop) {
                    self.form = Form::default();
                    return false;
                }
            }
            return true;
        }
        self.form = Form::default();
        false
    }

    /// Gives integers up if they are too many.
    fn check_count(&mut self, shapes: &Shapes) {
        if let Form::Ints(ints) = &self.form
            && ints.len() > shapes.set_max_intset_entries
        {
            let fits = ints.len() <= WORDS_MAX;
            self.leave_ints(shapes, fits);
        }
    }

    /// Turns integers into words if they fit, else into a table.
    fn leave_ints(&mut self, shapes: &Shapes, fits: bool) {
        let Form::Ints(ints) = &self.form else { return };
        if !fits {
            self.table(shapes);
            return;
        }
        let mut words = Packed::new();
        ints.iter().for_each(|int| words.push_item(Item::Int(int)));
        self.form = Form::Words(words);
    }

    /// The table, made of what there is if there is none yet.
    fn table(&mut self, shapes: &Shapes) -> &mut Dict<Never> {
        if !matches!(self.form, Form::Table(_)) {
            let mut table = Dict::new(shapes.owners);
            let mut digits = itoa::Buffer::new();
            for member in self.iter() {
                add_to(&mut table, member.bytes(&mut digits));
            }
            self.form = Form::Table(Box::new(table));
        }
        match &mut self.form {
            Form::Table(table) => table,
            Form::Ints(_) | Form::Words(_) | Form::Freed(_) => unreachable!("made above"),
        }
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
