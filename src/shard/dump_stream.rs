//! Streams in payloads: nodes as they are, what is remembered of entries that are gone, groups.
//!
//! ```text
//! nodes { id listpack } length last-id first-id highest-deleted-id added
//! groups { name last-id read, given out { id time deliveries }, consumers { name time, theirs { id } } }
//! ```
//!
//! Ids that name nodes and entries are two big-endian words, other ids two lengths, times are little-endian.
//! Payloads of Redis 6.2 and before lack what is known since: `first-id` to `added`, and `read`.

use crate::ds::packed::Packed;
use crate::ds::stream::{Group, Id, Pending, Stream};
use crate::shard::dump_wire::{Reader, Writer};
use std::collections::BTreeMap;

/// What stands for a number that nobody can say.
const UNKNOWN: u64 = u64::MAX;

fn write_id(id: Id, writer: &mut Writer) {
    writer.length(id.ms);
    writer.length(id.seq);
}

fn name_of(id: Id) -> [u8; 16] {
    (u128::from(id.ms) << 64 | u128::from(id.seq)).to_be_bytes()
}

/// Everything behind the kind.
pub(super) fn write(stream: &Stream, writer: &mut Writer) {
    let log = stream.log();
    let nodes = log.nodes();
    writer.length(nodes.len() as u64);
    for (id, packed) in nodes {
        writer.bytes(&name_of(id));
        writer.bytes(packed.as_bytes());
    }
    writer.length(log.len());
    write_id(log.last_id(), writer);
    write_id(log.first_id(), writer);
    write_id(log.max_deleted(), writer);
    writer.length(log.added());
    let groups = stream.groups();
    writer.length(groups.len() as u64);
    for (name, group) in groups {
        writer.string(name);
        write_group(group, writer);
    }
}

fn write_group(group: &Group, writer: &mut Writer) {
    write_id(group.last_id, writer);
    writer.length(group.entries_read.unwrap_or(UNKNOWN));
    writer.length(group.pending_len() as u64);
    for (id, pending) in group.pending_from(Id::MIN) {
        writer.raw(&name_of(id));
        writer.raw(&pending.delivered_ms.to_le_bytes());
        writer.length(pending.deliveries);
    }
    writer.length(group.consumers_len() as u64);
    for (id, consumer) in group.consumers() {
        writer.string(&consumer.name);
        writer.raw(&consumer.seen_ms.to_le_bytes());
        writer.length(consumer.pending_len() as u64);
        group.pending_of(id, Id::MIN).for_each(|(id, _)| writer.raw(&name_of(id)));
    }
}

fn read_id(reader: &mut Reader<'_>) -> Option<Id> {
    Some(Id::new(reader.number()?, reader.number()?))
}

fn read_name(name: &[u8]) -> Option<Id> {
    let (ms, seq) = name.split_first_chunk()?;
    Some(Id::new(u64::from_be_bytes(*ms), u64::from_be_bytes(seq.try_into().ok()?)))
}

/// A stream; `first` means that the payload lacks what later ones have.
pub(super) fn read(reader: &mut Reader<'_>, first: bool) -> Option<Stream> {
    let mut stream = Stream::default();
    let log = stream.log_mut();
    for _ in 0..reader.count()? {
        let id = read_name(&reader.string()?)?;
        let packed = Packed::from_bytes(reader.string()?.into_owned())?;
        // XTRIM may have left a node whose entries are all deleted.
        if !log.restore_node(id, packed) {
            return None;
        }
    }
    let (len, last_id) = (reader.number()?, read_id(reader)?);
    let (max_deleted, added) = if first {
        (Id::MIN, len)
    } else {
        // The first id is known from the nodes.
        read_id(reader)?;
        (read_id(reader)?, reader.number()?)
    };
    // An entry is added behind the last id, so none that is there may be behind it already.
    if log.len() != len || log.last_entry_id().is_some_and(|last| last > last_id) {
        return None;
    }
    log.set_ids(last_id, Some(added), Some(max_deleted));
    for _ in 0..reader.count()? {
        let name = reader.string()?;
        let last_id = read_id(reader)?;
        let read = if first {
            stream.log().number_of(last_id)
        } else {
            // No length can be this number, which Redis writes like one.
            Some(reader.number()?).filter(|&read| read != UNKNOWN)
        };
        let group = read_group(Group::new(last_id, read), reader)?;
        if !stream.create_group(&name, group) {
            return None;
        }
    }
    Some(stream)
}

fn read_group(mut group: Group, reader: &mut Reader<'_>) -> Option<Group> {
    let mut given = BTreeMap::new();
    for _ in 0..reader.count()? {
        let id = read_name(reader.take(16)?)?;
        let delivered_ms = i64::from_le_bytes(reader.array()?);
        if given.insert(id, (delivered_ms, reader.number()?)).is_some() {
            return None;
        }
    }
    for _ in 0..reader.count()? {
        let name = reader.string()?;
        let (consumer, new) = group.find_or_create(&name, i64::from_le_bytes(reader.array()?));
        if !new {
            return None;
        }
        for _ in 0..reader.count()? {
            // Every entry of a consumer is one that the group has given out, to nobody else.
            let id = read_name(reader.take(16)?)?;
            let (delivered_ms, deliveries) = given.remove(&id)?;
            group.give(id, Pending { consumer, delivered_ms, deliveries });
        }
    }
    given.is_empty().then_some(group)
}
