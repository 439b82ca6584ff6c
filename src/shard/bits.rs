//! Strings edited where they lie: bitmaps and sketches, which change a few bytes of many.

use crate::ds::block::{Content, View};
use crate::shard::collections::Edit;
use crate::shard::keyspace::{Change, GROWN_INLINE_MAX, make_room};
use crate::shard::{Deadline, Keyspace, Value, WrongType, value};

impl Keyspace<'_> {
    /// Lets `edit` change the bytes of the string at `key`, which is made `len_min` long first, with zero
    /// bytes, and becomes raw. A missing key is created, whatever the edit says. The deadline stays. Touches;
    /// changes if the string grew or the edit says so. O(1) and no copy but where the string grows: then
    /// amortised.
    pub fn edit_bytes<R>(
        &mut self,
        key: &[u8],
        len_min: usize,
        edit: impl FnOnce(&mut [u8]) -> (R, Edit),
    ) -> Result<R, WrongType> {
        let Some(mut found) = self.find_touched(key) else {
            let mut bytes = vec![0; len_min];
            let (result, _) = edit(&mut bytes);
            self.set_raw(key, bytes, Deadline::None);
            return Ok(result);
        };
        let old = value::text(found.block())?;
        let grown = old.len() < len_min;
        let (result, edited) = match found.block().view() {
            View::Boxed(_) => {
                let edited = found.change_boxed(|value| {
                    let Value::Bytes(bytes) = value else { return None };
                    make_room(bytes, len_min);
                    Some(edit(bytes))
                });
                edited.flatten().ok_or(WrongType)?
            }
            View::Bytes(_) if !grown => {
                found.set_mark(true);
                edit(found.bytes_mut().ok_or(WrongType)?)
            }
            View::Packed(_) => return Err(WrongType),
            View::Int(_) | View::Bytes(_) => {
                let mut bytes = old.to_vec();
                make_room(&mut bytes, len_min);
                let edited = edit(&mut bytes);
                if bytes.len() <= GROWN_INLINE_MAX {
                    found.replace(Content::Bytes(&bytes));
                } else {
                    found.replace(Content::Boxed(Box::new(Value::Bytes(bytes))));
                }
                found.set_mark(true);
                edited
            }
        };
        if grown || edited == Edit::Changed {
            self.changed(key, Change::Write);
        }
        Ok(result)
    }

    /// Puts `bytes` in the place of the string at `key`, which becomes raw; the deadline stays. Changes.
    pub fn replace_bytes(&mut self, key: &[u8], bytes: Vec<u8>) {
        self.set_raw(key, bytes, Deadline::Keep);
    }
}
