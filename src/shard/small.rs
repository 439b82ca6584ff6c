//! Hashes so small that they lie in their key's block: their listpack follows the key, and one allocation is
//! all they take.
//!
//! A command works on a hash, so such a one is copied into a spare hash of the shard first, and back if it has
//! changed: two copies of some hundred bytes, against a visit to two more places in memory. One that has
//! outgrown the block moves out of it; one that shrinks again stays out.

use crate::ds::block::{Block, Content, View};
use crate::ds::dict::Found;
use crate::ds::hash::Hash;
use crate::shard::WrongType;
use crate::shard::value::{Collection, Source, Value};

/// Longest listpack that lies in its key's block: above it the copies cost more than the visits.
const BYTES_MAX: usize = 512;

/// A shard's spare hash.
#[derive(Debug)]
pub(super) struct Spare(Value);

impl Default for Spare {
    fn default() -> Spare {
        Spare(Value::Hash(Hash::default()))
    }
}

/// The hash whose listpack a block has.
pub(super) fn unpack(bytes: &[u8]) -> Value {
    let mut hash = Hash::default();
    hash.copy_packed(bytes);
    Value::Hash(hash)
}

/// What lies in the block of a value: a short listpack of a hash.
pub(super) fn inline(value: &Value) -> Option<&[u8]> {
    let Value::Hash(hash) = value else { return None };
    hash.as_packed().map(|packed| packed.as_bytes()).filter(|bytes| bytes.len() <= BYTES_MAX)
}

impl Spare {
    /// Becomes the hash whose listpack a block has.
    pub(super) fn load(&mut self, bytes: &[u8]) -> &mut Value {
        match &mut self.0 {
            Value::Hash(hash) => hash.copy_packed(bytes),
            other => *other = unpack(bytes),
        }
        &mut self.0
    }

    /// An empty collection to be filled; it is the spare one if it is a hash.
    pub(super) fn take<C: Collection>(&mut self) -> Value {
        if C::of(&self.0).is_none() {
            return C::default().into_value();
        }
        if let Value::Hash(hash) = &mut self.0 {
            hash.clear_packed();
        }
        std::mem::replace(&mut self.0, Value::Bytes(Vec::new()))
    }

    /// Keeps a value that was copied into its block for the next time.
    pub(super) fn give_back(&mut self, value: Value) {
        self.0 = value;
    }

    /// What a block holds, as a computation sees it.
    pub(super) fn source<'a>(&'a mut self, block: &'a Block<Value>) -> Source<'a> {
        Source::of_block(block, |bytes| self.load(bytes))
    }

    /// Changes the collection that was found; `edit` says also whether it has changed.
    pub(super) fn edit<C: Collection, R>(
        &mut self,
        found: &mut Found<'_, Value>,
        edit: impl FnOnce(&mut C) -> (R, bool),
    ) -> Result<R, WrongType> {
        let View::Packed(bytes) = found.block().view() else {
            if !matches!(found.block().view(), View::Boxed(value) if C::of(value).is_some()) {
                return Err(WrongType);
            }
            let edited = found.change_boxed(|value| C::of_mut(value).map(|collection| edit(collection).0));
            return edited.flatten().ok_or(WrongType);
        };
        let collection = C::of_mut(self.load(bytes)).ok_or(WrongType)?;
        let (result, changed) = edit(collection);
        match inline(&self.0) {
            Some(bytes) if changed => _ = found.replace(Content::Packed(bytes)),
            Some(_) => {}
            None => _ = found.replace(Content::Boxed(Box::new(std::mem::take(self).0))),
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use crate::base::clock::Now;
    use crate::base::owner::Owners;
    use crate::base::prng::Prng;
    use crate::ds::hash::Hash;
    use crate::ds::set::Set;
    use crate::shard::{Edit, Keyspace, Shard, WrongType};
    use std::collections::BTreeMap;

    const NOW: Now = Now { unix_us: 1_000_000, mono_ns: 0 };

    fn set(keys: &mut Keyspace<'_>, key: &[u8], field: &[u8], value: &[u8]) {
        let set = |hash: &mut Hash, shapes: &_| (hash.set(field, value, shapes), Edit::Changed);
        keys.edit_or_create(key, set).expect("a hash");
    }

    fn bytes(keys: &mut Keyspace<'_>, key: &[u8]) -> usize {
        keys.facts(key).expect("a key").memory_bytes - keys.dict().table_bytes() / keys.len()
    }

    #[test]
    fn a_small_hash_takes_one_allocation() {
        let mut shard = Shard::new(Owners::new(7, 1));
        let mut keys = shard.keyspace(0, NOW);
        for field in 0..5 {
            set(&mut keys, b"hash:000000000001", format!("field{field}").as_bytes(), b"value:000001");
        }
        // A header of 8 bytes, a key of 17, a listpack of 117.
        assert_eq!(bytes(&mut keys, b"hash:000000000001"), 160);
        assert_eq!(keys.kind(b"hash:000000000001"), Some("hash"));
        assert_eq!(keys.facts(b"hash:000000000001").map(|facts| facts.encoding), Some("listpack"));
    }

    #[test]
    fn a_small_hash_is_nothing_else() {
        let mut shard = Shard::new(Owners::new(7, 1));
        let mut keys = shard.keyspace(0, NOW);
        set(&mut keys, b"h", b"f", b"v");
        assert_eq!(keys.read_string(b"h"), Err(WrongType));
        assert_eq!(keys.append(b"h", b"x"), Err(WrongType));
        assert_eq!(keys.write_range(b"h", 0, b"x"), Err(WrongType));
        assert!(matches!(keys.read_value::<Set>(b"h"), Err(WrongType)));
        let add = |set: &mut Set, shapes: &_| (set.add(b"m", shapes), Edit::Changed);
        assert_eq!(keys.edit(b"h", add), Err(WrongType));
        assert_eq!(keys.edit_or_create(b"h", add), Err(WrongType));
        let one = keys.read_value::<Hash>(b"h").expect("a hash").and_then(|hash| hash.get(b"f"));
        assert_eq!(one.map(|value| value.to_vec()), Some(b"v".to_vec()));
    }

    #[test]
    fn hashes_within_and_out_of_their_blocks_equal_a_model() {
        let seed = 0x5a11;
        let mut prng = Prng::new(seed);
        let mut shard = Shard::new(Owners::new(7, 1));
        let mut keys = shard.keyspace(0, NOW);
        let mut model: BTreeMap<u64, BTreeMap<u64, Vec<u8>>> = BTreeMap::new();
        let name = |number: u64| format!("key {number}").into_bytes();
        let (mut within, mut out) = (0, 0);
        for step in 0..if cfg!(miri) { 300 } else { 20_000 } {
            let (number, field) = (prng.below(5), prng.below(24));
            let key = name(number);
            match prng.below(12) {
                0..6 => {
                    let value = vec![b'a' + (step % 26) as u8; prng.below(50) as usize];
                    set(&mut keys, &key, &name(field), &value);
                    model.entry(number).or_default().insert(field, value);
                }
                6..9 => {
                    let remove = |hash: &mut Hash, _: &_| {
                        let removed = hash.remove(&name(field));
                        (removed, Edit::when(removed))
                    };
                    let removed = keys.edit(&key, remove).expect("a hash").unwrap_or(false);
                    let there = model.get_mut(&number).is_some_and(|hash| hash.remove(&field).is_some());
                    assert_eq!(removed, there, "seed {seed} step {step}");
                    model.retain(|_, hash| !hash.is_empty());
                }
                9 => {
                    let to = prng.below(5);
                    if let Some(owned) = keys.take(&key) {
                        keys.put(&name(to), owned);
                        let moved = model.remove(&number).expect("the model has it too");
                        model.insert(to, moved);
                    }
                }
                10 => {
                    let to = prng.below(5);
                    if let Some(owned) = keys.copy(&key) {
                        keys.put(&name(to), owned);
                        model.insert(to, model[&number].clone());
                    }
                }
                _ => {
                    keys.remove(&key);
                    model.remove(&number);
                }
            }
            assert_eq!(keys.len(), model.len(), "seed {seed} step {step}");
            for (number, fields) in &model {
                let hash = keys.read_value::<Hash>(&name(*number)).expect("a hash").expect("not empty");
                let mut pairs: Vec<_> = hash.iter().map(|(f, v)| (f.to_vec(), v.to_vec())).collect();
                pairs.sort();
                let mut expected: Vec<_> = fields.iter().map(|(f, v)| (name(*f), v.clone())).collect();
                expected.sort();
                assert_eq!(pairs, expected, "seed {seed} step {step}");
                let packed = hash.as_packed().map_or(usize::MAX, |packed| packed.as_bytes().len());
                if packed <= super::BYTES_MAX { within += 1 } else { out += 1 }
            }
        }
        assert!(within > 0 && out > 0, "{within} {out}");
        // What is counted is what is there.
        let counted = keys.dict().content_bytes();
        let facts: Vec<usize> = model.keys().map(|number| bytes(&mut keys, &name(*number))).collect();
        assert_eq!(counted, facts.iter().sum::<usize>());
    }
}
