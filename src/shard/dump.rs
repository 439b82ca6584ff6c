//! Whole values as payloads: `DUMP` and `RESTORE`.
//!
//! ```text
//! +------+-----------------+----------+------------------+
//! | type | value           | u16 = 10 | CRC-64 of it all |
//! +------+-----------------+----------+------------------+
//! ```
//!
//! The value is written as Redis 7.0 writes it in a snapshot of version 10, so payloads travel between the
//! two in both directions. Compact forms go as they are, whatever is large goes element by element. Strings
//! are not compressed. Deadlines, of a key or of a hash's field, are not part of a payload.
//! Reading is in `dump_read`; what both are made of in `dump_wire`.

use crate::base::crc64::crc64;
use crate::ds::hash::Hash;
use crate::ds::list::{List, NodeRef};
use crate::ds::packed::{Item, PACKED_BYTES_MAX, Packed};
use crate::ds::set::Set;
use crate::ds::zset::Zset;
use crate::shard::dump_read;
use crate::shard::dump_stream;
use crate::shard::dump_wire::Writer;
use crate::shard::value::{Owned, Source, Value};
use crate::shard::{AccessClock, Keyspace};

/// The version of payloads that is written, and the last one that is read.
const VERSION: u16 = 10;

/// Version and checksum.
const FOOTER: usize = 10;

/// Containers of a list's nodes.
pub(super) const NODE_PLAIN: u64 = 1;
pub(super) const NODE_PACKED: u64 = 2;

/// What the first byte of a payload says about the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    String = 0,
    /// Strings.
    List = 1,
    /// Strings.
    Set = 2,
    /// Strings, each with a score in digits.
    ZsetText = 3,
    /// Strings, two for each field.
    Hash = 4,
    /// Strings, each with a score.
    Zset = 5,
    HashZipmap = 9,
    ListZiplist = 10,
    SetInts = 11,
    ZsetZiplist = 12,
    HashZiplist = 13,
    ListZiplists = 14,
    StreamFirst = 15,
    HashPacked = 16,
    ZsetPacked = 17,
    /// Nodes, each with its container.
    ListNodes = 18,
    Stream = 19,
}

/// Why a payload is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPayload {
    /// Its end does not fit the rest: another version, or damaged on the way.
    Footer,
    /// It is whole, and means nothing.
    Data,
}

/// How recently a restored key was used, if the command says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Seconds since it was used.
    pub idle_seconds: Option<u64>,
    /// Its counter of accesses.
    pub frequency: Option<u8>,
}

impl Keyspace<'_> {
    /// The payload of the value at `key`: `DUMP`. Counts, touches. O(n).
    pub fn dump(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.read_to_show(key).map(|(block, spare)| payload(spare.source(block)))
    }

    /// The value of a payload, without a deadline, accessed just now. O(n), for some kinds O(n log n).
    pub fn value_of_payload(&self, payload: &[u8]) -> Result<Owned, BadPayload> {
        let (body, footer) = payload.split_last_chunk::<FOOTER>().ok_or(BadPayload::Footer)?;
        let (version, sum) = footer.split_at(2);
        if u16::from_le_bytes([version[0], version[1]]) > VERSION
            || crc64(&payload[..body.len() + 2]).to_le_bytes() != sum
        {
            return Err(BadPayload::Footer);
        }
        let settings = self.settings();
        let body =
            dump_read::value(body, &settings.shapes, settings.bulk_bytes_max).ok_or(BadPayload::Data)?;
        Ok(Owned { body, deadline: None, stamp: self.stamp(Use::default()), raw: false })
    }

    /// Stores what was restored, in place of whatever is at `key`. Changes.
    pub fn restore(&mut self, key: &[u8], mut value: Owned, deadline: Option<u64>, used: Use) {
        value.deadline = deadline;
        value.stamp = self.stamp(used);
        self.put(key, value);
    }

    /// The access clock of a key that was used like this. What the clock cannot say is left out.
    fn stamp(&self, used: Use) -> u32 {
        let now = self.now().unix_s();
        match (self.shard.access, used) {
            (AccessClock::Recency, Use { idle_seconds, .. }) => {
                now.saturating_sub(idle_seconds.unwrap_or(0)) as u32 & 0xff_ffff
            }
            (AccessClock::Frequency { .. }, Use { frequency, .. }) => {
                let minutes = (now / 60) as u32 & 0xffff;
                minutes << 8 | u32::from(frequency.unwrap_or(FREQUENCY_FIRST))
            }
        }
    }
}

/// The counter of a key that says nothing else.
const FREQUENCY_FIRST: u8 = 5;

/// A value with everything around it.
pub(super) fn payload(source: Source<'_>) -> Vec<u8> {
    let mut writer = Writer::default();
    match source {
        Source::Int(int) => {
            writer.byte(Kind::String as u8);
            writer.integer(int);
        }
        Source::Bytes(bytes) => string(bytes, &mut writer),
        Source::Boxed(Value::Bytes(bytes)) => string(bytes, &mut writer),
        Source::Boxed(Value::List(found)) => list(found, &mut writer),
        Source::Boxed(Value::Set(found)) => set(found, &mut writer),
        Source::Boxed(Value::Hash(found)) => hash(found, &mut writer),
        Source::Boxed(Value::Zset(found)) => zset(found, &mut writer),
        Source::Boxed(Value::Stream(found)) => {
            writer.byte(Kind::Stream as u8);
            dump_stream::write(found, &mut writer);
        }
    }
    let mut out = writer.out;
    out.extend_from_slice(&VERSION.to_le_bytes());
    let sum = crc64(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

fn string(bytes: &[u8], writer: &mut Writer) {
    writer.byte(Kind::String as u8);
    writer.string(bytes);
}

fn item(item: Item<'_>, writer: &mut Writer) {
    match item {
        Item::Int(int) => writer.integer(int),
        Item::Bytes(bytes) => writer.string(bytes),
    }
}

fn list(list: &List, writer: &mut Writer) {
    writer.byte(Kind::ListNodes as u8);
    let nodes = list.nodes();
    writer.length(nodes.len() as u64);
    for node in nodes {
        match node {
            NodeRef::Packed(packed) => {
                writer.length(NODE_PACKED);
                writer.bytes(packed.as_bytes());
            }
            // Redis gives an element a node of this kind from here on, and expects no smaller ones.
            NodeRef::Plain(text) if text.len() >= PACKED_BYTES_MAX => {
                writer.length(NODE_PLAIN);
                writer.bytes(text);
            }
            NodeRef::Plain(text) => {
                let mut packed = Packed::with_room(Packed::would_grow_by(text));
                packed.push_back(text);
                writer.length(NODE_PACKED);
                writer.bytes(packed.as_bytes());
            }
        }
    }
}

fn set(set: &Set, writer: &mut Writer) {
    if let Some(ints) = set.as_ints() {
        writer.byte(Kind::SetInts as u8);
        writer.bytes(ints.as_bytes());
        return;
    }
    writer.byte(Kind::Set as u8);
    writer.length(set.len() as u64);
    set.iter().for_each(|member| item(member, writer));
}

fn hash(hash: &Hash, writer: &mut Writer) {
    if let Some(packed) = hash.as_packed() {
        writer.byte(Kind::HashPacked as u8);
        writer.bytes(packed.as_bytes());
        return;
    }
    writer.byte(Kind::Hash as u8);
    writer.length(hash.len() as u64);
    for (field, value) in hash.iter() {
        item(field, writer);
        item(value, writer);
    }
}

fn zset(zset: &Zset, writer: &mut Writer) {
    if let Some(packed) = zset.as_packed() {
        writer.byte(Kind::ZsetPacked as u8);
        writer.bytes(packed.as_bytes());
        return;
    }
    writer.byte(Kind::Zset as u8);
    writer.length(zset.len() as u64);
    // The highest first: Redis puts each before all it has.
    zset.walk(zset.len().saturating_sub(1), zset.len(), true, |member, score| {
        writer.string(member);
        writer.double(score);
    });
}
