//! Values of keys that no word of a command names, because other values do: SORT's patterns.
//!
//! A command that wants such values has every shard locked as a whole. It says all names at once; each owner is
//! asked for its share in one message, and the values come back in the order of the names.

use crate::base::texts::Texts;
use crate::ds::hash::Hash;
use crate::shard::Keyspace;

/// A question for many values of the database.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Keys; none is absent.
    pub names: Texts,
    /// The field of the hash at each key; `None`: the string there.
    pub field: Option<Vec<u8>>,
}

impl Look {
    /// The same question without a name.
    pub fn without_names(&self) -> Look {
        Look { names: Texts::default(), field: self.field.clone() }
    }

    /// The value at each name, absent where there is none or one of another type. Counts, touches.
    pub fn run(&self, keys: &mut Keyspace<'_>) -> Texts {
        let mut values = Texts::default();
        let mut digits = itoa::Buffer::new();
        for name in self.names.iter().flatten() {
            let value = match &self.field {
                None => keys.read_string(name).ok().flatten().map(|text| text.bytes(&mut digits)),
                Some(field) => {
                    let hash = keys.read_value::<Hash>(name).ok().flatten();
                    hash.and_then(|hash| hash.get(field)).map(|value| value.bytes(&mut digits))
                }
            };
            match value {
                Some(value) => values.push(value),
                None => values.push_absent(),
            }
        }
        values
    }
}
