//! Collections through the door to keys: lists, hashes, sets, sorted sets, streams.
//!
//! One way in for each kind of access, whatever the kind of collection: a key of another type is refused, a
//! collection that was emptied takes its key with it, and what a change weighs is counted.

use crate::base::clock::Now;
use crate::ds::Shapes;
use crate::ds::block::{Content, View};
use crate::shard::keyspace::Change;
use crate::shard::value::{Collection, Owned, Source};
use crate::shard::{Deadline, Keyspace, WrongType, timed};
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
        let Some(block) = self.read(key) else { return Ok(None) };
        Source::of_block(block).get().map(Some)
    }

    /// The collection at `key`, for a look before a write. Touches.
    pub fn peek_value<C: Collection>(&mut self, key: &[u8]) -> Result<Option<&C>, WrongType> {
        let Some(found) = self.find_touched(key) else { return Ok(None) };
        Source::of_block(found.into_block()).get().map(Some)
    }

    /// Changes the collection at `key`; `None`: there is no such key. The deadline stays; an emptied
    /// collection's key is removed (a stream's is not). Touches, changes if the edit says so.
    pub fn edit<C: Collection, R>(
        &mut self,
        key: &[u8],
        edit: impl FnOnce(&mut C, &Shapes) -> (R, Edit),
    ) -> Result<Option<R>, WrongType> {
        let shapes = self.shapes();
        let Some(mut found) = self.find_touched(key) else { return Ok(None) };
        if !matches!(found.block().view(), View::Boxed(value) if C::of(value).is_some()) {
            return Err(WrongType);
        }
        let edited = found.change_boxed(|value| {
            C::of_mut(value).map(|collection| {
                let (result, changed) = edit(collection, &shapes);
                (result, changed, C::VANISHES && collection.has_none())
            })
        });
        let Some((result, changed, vanishes)) = edited.flatten() else { return Err(WrongType) };
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
    /// it is still empty (a stream is stored if the edit says that it changed).
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
        let mut collection = C::default();
        let (result, changed) = edit(&mut collection, &self.shapes());
        if changed != Edit::Unchanged && !(C::VANISHES && collection.has_none()) {
            self.store(key, Content::Boxed(Box::new(collection.into_value())), false, Deadline::None);
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
        self.store(key, Content::Boxed(Box::new(collection.into_value())), false, Deadline::None);
    }

    /// Shows the values of several keys of this shard at once, `None` where there is no such key. Counts,
    /// touches.
    pub fn read_all<R>(&mut self, keys: &[&[u8]], show: impl FnOnce(&[Option<Source<'_>>]) -> R) -> R {
        // Expired ones go first, because that changes the table; then all are only read.
        let there: SmallVec<[bool; 8]> = keys.iter().map(|key| self.read(key).is_some()).collect();
        let dict = self.dict();
        let values: SmallVec<[Option<Source<'_>>; 8]> = keys
            .iter()
            .zip(there)
            .map(
                |(key, there)| if there { dict.get(self.hash(key), key).map(Source::of_block) } else { None },
            )
            .collect();
        show(&values)
    }

    /// A value to be stored, made now.
    pub fn owned<C: Collection>(&self, collection: C) -> Owned {
        let now: Now = self.now();
        Owned::of_collection(collection, now)
    }
}
