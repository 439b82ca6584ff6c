//! Collections through the door to keys: lists, hashes, sets, sorted sets, streams.
//!
//! One way in for each kind of access, whatever the kind of collection: a key of another type is refused, a
//! collection that was emptied takes its key with it, and what a change weighs is counted.

use crate::base::clock::Now;
use crate::ds::Shapes;
use crate::ds::block::{Block, Content};
use crate::shard::keyspace::Change;
use crate::shard::value::{Collection, Owned, Source, Value};
use crate::shard::{Deadline, Keyspace, WrongType, small, timed};
use smallvec::SmallVec;

/// What became of a collection under a command's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It is as it was.
    Unchanged,
    /// It has changed.
    Changed,
    /// What stands beside its elements has changed, as a stream's groups: a change, but none that ends a
    /// transaction of somebody who watches the key.
    Aside,
}

impl Edit {
    /// Changed if so.
    pub fn when(changed: bool) -> Edit {
        if changed { Edit::Changed } else { Edit::Unchanged }
    }

    /// Changed beside the elements if so.
    pub fn aside_when(changed: bool) -> Edit {
        if changed { Edit::Aside } else { Edit::Unchanged }
    }
}

impl Keyspace<'_> {
    /// What decides the shape of collections.
    pub fn shapes(&self) -> Shapes {
        self.shard.settings.shapes
    }

    /// The collection at `key`, for a reading command. Counts, touches.
    pub fn read_value<C: Collection>(&mut self, key: &[u8]) -> Result<Option<&C>, WrongType> {
        let Some((block, spare)) = self.read_to_show(key) else { return Ok(None) };
        spare.source(block).get().map(Some)
    }

    /// The collection at `key`, for a look before a write. Touches.
    pub fn peek_value<C: Collection>(&mut self, key: &[u8]) -> Result<Option<&C>, WrongType> {
        let Some((found, spare)) = self.find_to_edit(key) else { return Ok(None) };
        spare.source(found.into_block()).get().map(Some)
    }

    /// Changes the collection at `key`; `None`: there is no such key. The deadline stays; an emptied
    /// collection's key is removed (a stream's is not). Touches, changes if the edit says so.
    pub fn edit<C: Collection, R>(
        &mut self,
        key: &[u8],
        edit: impl FnOnce(&mut C, &Shapes) -> (R, Edit),
    ) -> Result<Option<R>, WrongType> {
        let shapes = self.shapes();
        let Some((mut found, spare)) = self.find_to_edit(key) else { return Ok(None) };
        let (result, changed, vanishes) = spare.edit(&mut found, |collection: &mut C| {
            let (result, changed) = edit(collection, &shapes);
            ((result, changed, C::VANISHES && collection.has_none()), changed != Edit::Unchanged)
        })?;
        if vanishes {
            // There is nothing left in it to be freed slowly.
            found.remove();
            self.changed(key, Change::Remove);
            return Ok(Some(result));
        }
        timed::settle(&mut found);
        match changed {
            Edit::Unchanged => {}
            Edit::Changed => self.changed(key, Change::Write),
            Edit::Aside => self.changed(key, Change::Aside),
        }
        Ok(Some(result))
    }

    /// The same; where there is no such key the edit begins with an empty collection, which is stored unless
    /// it is still empty (a stream is stored if the edit says that it changed). One that was filled and emptied
    /// again is a change all the same.
    pub fn edit_or_create<C: Collection, R>(
        &mut self,
        key: &[u8],
        edit: impl FnOnce(&mut C, &Shapes) -> (R, Edit),
    ) -> Result<R, WrongType> {
        // One of the two branches runs the edit; an Option tells the compiler so.
        let mut edit = Some(edit);
        let edited = self.edit(key, |collection: &mut C, shapes| {
            let edit = edit.take().expect("an edit runs once");
            edit(collection, shapes)
        })?;
        if let Some(result) = edited {
            return Ok(result);
        }
        let edit = edit.take().expect("an edit runs once");
        let mut value = self.shard.spare.take::<C>();
        let collection = C::of_mut(&mut value).ok_or(WrongType)?;
        let (result, changed) = edit(collection, &self.shapes());
        let vanishes = C::VANISHES && collection.has_none();
        match changed {
            Edit::Unchanged => {}
            _ if vanishes => self.changed(key, Change::Remove),
            Edit::Changed | Edit::Aside => self.store_value(key, value),
        }
        Ok(result)
    }

    /// Stores a collection in place of whatever is at `key`, without a deadline; an empty one removes the key.
    /// Changes.
    pub fn put_value<C: Collection>(&mut self, key: &[u8], collection: C) {
        if C::VANISHES && collection.has_none() {
            self.remove(key);
            return;
        }
        self.store_value(key, collection.into_value());
    }

    /// Stores a collection, in the key's block if it is small.
    fn store_value(&mut self, key: &[u8], value: Value) {
        match small::inline(&value) {
            Some(bytes) => {
                self.store(key, Content::Packed(bytes), false, Deadline::None);
                self.shard.spare.give_back(value);
            }
            None => self.store(key, Content::Boxed(Box::new(value)), false, Deadline::None),
        }
    }

    /// Shows the values of several keys of this shard at once, `None` where there is no such key. Counts,
    /// touches.
    pub fn read_all<R>(&mut self, keys: &[&[u8]], show: impl FnOnce(&[Option<Source<'_>>]) -> R) -> R {
        // Expired ones go first, because that changes the table; then all are only read.
        let there: SmallVec<[bool; 8]> = keys.iter().map(|key| self.read(key).is_some()).collect();
        let dict = self.dict();
        let blocks =
            keys.iter().zip(there).map(|(key, there)| there.then(|| dict.get(self.hash(key), key))?);
        let blocks: SmallVec<[Option<&Block<Value>>; 8]> = blocks.collect();
        let mut unpacked: SmallVec<[Option<Value>; 8]> = blocks.iter().map(|_| None).collect();
        let room = unpacked.iter_mut();
        let values = blocks.into_iter().zip(room).map(|(block, room)| {
            block.map(|block| Source::of_block(block, |bytes| room.insert(small::unpack(bytes))))
        });
        show(&values.collect::<SmallVec<[Option<Source<'_>>; 8]>>())
    }

    /// A value to be stored, made now.
    pub fn owned<C: Collection>(&self, collection: C) -> Owned {
        let now: Now = self.now();
        Owned::of_collection(collection, now)
    }
}
