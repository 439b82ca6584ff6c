//! Payloads read back into values: what Redis 7.0 reads, but for values of modules.
//!
//! Nothing is believed. Compact forms are checked as a whole, members and fields that are there twice are an
//! error, and so is a collection without elements. Counts are only a bound for a loop over bytes that are
//! there. What is read takes the form that this server's options give it, whatever form it came in.

use crate::base::number::parse_i64;
use crate::ds::Shapes;
use crate::ds::block::INLINE_MAX;
use crate::ds::hash::Hash;
use crate::ds::intset::Intset;
use crate::ds::list::List;
use crate::ds::packed::Packed;
use crate::ds::set::Set;
use crate::ds::zset::{Placed, Zset};
use crate::shard::dump::{Kind, NODE_PACKED, NODE_PLAIN};
use crate::shard::dump_old::{of_ziplist, of_zipmap};
use crate::shard::dump_stream;
use crate::shard::dump_wire::Reader;
use crate::shard::value::{Collection, OwnedBody, Value};

/// The value of a payload without its footer; strings longer than `string_max` are refused.
pub(super) fn value(bytes: &[u8], shapes: &Shapes, string_max: usize) -> Option<OwnedBody> {
    let mut reader = Reader::new(bytes, string_max);
    let kind = kind_of(reader.byte()?)?;
    let reader = &mut reader;
    Some(match kind {
        Kind::String => text(reader.string()?.into_owned()),
        Kind::List | Kind::ListZiplist | Kind::ListZiplists | Kind::ListNodes => {
            boxed(list(kind, reader, shapes)?)?
        }
        Kind::Set | Kind::SetInts => boxed(set(kind, reader, shapes)?)?,
        Kind::Hash | Kind::HashZipmap | Kind::HashZiplist | Kind::HashPacked => {
            boxed(hash(kind, reader, shapes)?)?
        }
        Kind::ZsetText | Kind::Zset | Kind::ZsetZiplist | Kind::ZsetPacked => {
            boxed(zset(kind, reader, shapes)?)?
        }
        Kind::StreamFirst | Kind::Stream => boxed(dump_stream::read(reader, kind == Kind::StreamFirst)?)?,
    })
}

/// What a payload's first byte says.
fn kind_of(byte: u8) -> Option<Kind> {
    const KINDS: [Kind; 17] = [
        Kind::String,
        Kind::List,
        Kind::Set,
        Kind::ZsetText,
        Kind::Hash,
        Kind::Zset,
        Kind::HashZipmap,
        Kind::ListZiplist,
        Kind::SetInts,
        Kind::ZsetZiplist,
        Kind::HashZiplist,
        Kind::ListZiplists,
        Kind::StreamFirst,
        Kind::HashPacked,
        Kind::ZsetPacked,
        Kind::ListNodes,
        Kind::Stream,
    ];
    KINDS.into_iter().find(|&kind| kind as u8 == byte)
}

/// A string as `SET` would store it.
fn text(text: Vec<u8>) -> OwnedBody {
    match parse_i64(&text) {
        Some(int) => OwnedBody::Int(int),
        None if text.len() <= INLINE_MAX => OwnedBody::Bytes(text),
        None => OwnedBody::Boxed(Box::new(Value::Bytes(text))),
    }
}

/// A collection; without elements it is none.
fn boxed<C: Collection>(collection: C) -> Option<OwnedBody> {
    let vanishes = C::VANISHES && collection.has_none();
    (!vanishes).then(|| OwnedBody::Boxed(Box::new(collection.into_value())))
}

fn packed(reader: &mut Reader<'_>) -> Option<Packed> {
    Packed::from_bytes(reader.string()?.into_owned())
}

fn ziplist(reader: &mut Reader<'_>) -> Option<Packed> {
    of_ziplist(&reader.string()?)
}

fn list(kind: Kind, reader: &mut Reader<'_>, shapes: &Shapes) -> Option<List> {
    let mut list = List::default();
    let count = if kind == Kind::ListZiplist { 1 } else { reader.count()? };
    for _ in 0..count {
        match kind {
            Kind::List => list.push_back(&reader.string()?, shapes),
            Kind::ListNodes => match reader.number()? {
                NODE_PLAIN => list.push_back(&reader.string()?, shapes),
                NODE_PACKED => list.push_packed(packed(reader)?, shapes),
                _ => return None,
            },
            _ => list.push_packed(ziplist(reader)?, shapes),
        }
    }
    Some(list)
}

fn set(kind: Kind, reader: &mut Reader<'_>, shapes: &Shapes) -> Option<Set> {
    if kind == Kind::SetInts {
        return Intset::from_bytes(&reader.string()?).map(|ints| Set::of_ints(ints, shapes));
    }
    let mut set = Set::default();
    for _ in 0..reader.count()? {
        if !set.add(&reader.string()?, shapes) {
            return None;
        }
    }
    Some(set)
}

fn hash(kind: Kind, reader: &mut Reader<'_>, shapes: &Shapes) -> Option<Hash> {
    match kind {
        Kind::HashPacked => return Hash::of_packed(packed(reader)?, shapes),
        Kind::HashZiplist => return Hash::of_packed(ziplist(reader)?, shapes),
        Kind::HashZipmap => {
            let mut hash = Hash::of_packed(of_zipmap(&reader.string()?)?, shapes)?;
            // Of this kind alone Redis looks at the lengths.
            hash.outgrow_lengths(shapes);
            return Some(hash);
        }
        _ => {}
    }
    let mut hash = Hash::default();
    for _ in 0..reader.count()? {
        let field = reader.string()?;
        if !hash.set_new(&field, &reader.string()?, shapes) {
            return None;
        }
    }
    Some(hash)
}

fn zset(kind: Kind, reader: &mut Reader<'_>, shapes: &Shapes) -> Option<Zset> {
    match kind {
        Kind::ZsetPacked => return Zset::from_packed(packed(reader)?, shapes),
        Kind::ZsetZiplist => return Zset::from_packed(ziplist(reader)?, shapes),
        _ => {}
    }
    // What will be large is so from the start: a listpack would take the sign from a zero.
    let mut pairs = Vec::new();
    for _ in 0..reader.count()? {
        let member = reader.string()?;
        let score = if kind == Kind::ZsetText { reader.double_text()? } else { reader.double()? };
        pairs.push((member, score));
    }
    let longest = pairs.iter().map(|(member, _)| member.len()).max().unwrap_or(0);
    let mut zset = Zset::default();
    if pairs.len() > shapes.zset_max_listpack_entries || longest > shapes.zset_max_listpack_value {
        zset.make_large(shapes);
    }
    for (member, score) in pairs {
        if score.is_nan()
            || zset.update(shapes, &member, |old| old.is_none().then_some(score)) != Placed::Added
        {
            return None;
        }
    }
    Some(zset)
}
