//! Compact forms of payloads older than listpacks, read into listpacks: ziplists and zipmaps.
//!
//! ```text
//! ziplist  u32 bytes, u32 offset of the last, u16 count | [previous length][code][data] ... | 0xff
//! zipmap   u8 count | [length]key [length][unused]value unused ... | 0xff
//! ```
//!
//! Redis before 7.0 writes ziplists, before 2.6 zipmaps. Everything is checked on the way.

use crate::ds::packed::{Item, PACKED_BYTES_MAX, Packed};

const HEADER: usize = 10;
const END: u8 = 0xff;

/// Marks a length of four bytes.
const LONG: u8 = 0xfe;

/// Takes `N` bytes off the front.
fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*taken)
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(taken)
}

/// A length of one byte, or of four behind a mark.
fn length(rest: &mut &[u8]) -> Option<usize> {
    match array::<1>(rest)? {
        [END] => None,
        [LONG] => Some(u32::from_le_bytes(array(rest)?) as usize),
        [short] => Some(usize::from(short)),
    }
}

/// Puts a string behind the rest, unless there is no more room.
fn push(packed: &mut Packed, text: &[u8]) -> Option<()> {
    packed.has_room_for(text).then(|| packed.push_back(text))
}

/// The entries of a ziplist; `None` if these bytes are none.
pub(super) fn of_ziplist(bytes: &[u8]) -> Option<Packed> {
    let mut header = bytes;
    let total = u32::from_le_bytes(array(&mut header)?) as usize;
    let last = u32::from_le_bytes(array(&mut header)?) as usize;
    let said = u16::from_le_bytes(array(&mut header)?);
    let (mut rest, end) = match bytes.get(HEADER..)? {
        [inside @ .., END] if total == bytes.len() => (inside, bytes.len() - 1),
        _ => return None,
    };
    let mut packed = Packed::new();
    let (mut start, mut before, mut count) = (HEADER, 0, 0_usize);
    while !rest.is_empty() {
        (start, count) = (end - rest.len(), count + 1);
        if length(&mut rest)? != before {
            return None;
        }
        match entry(&mut rest)? {
            Item::Int(int) if packed.has_room_for(b"") => packed.push_item(Item::Int(int)),
            Item::Int(_) => return None,
            Item::Bytes(text) => push(&mut packed, text)?,
        }
        before = end - rest.len() - start;
    }
    // 65,535 says "count them".
    let counted = said == u16::MAX || usize::from(said) == count;
    (counted && last == start).then_some(packed)
}

/// The code and the data of one entry.
fn entry<'a>(rest: &mut &'a [u8]) -> Option<Item<'a>> {
    let [code] = array(rest)?;
    let len = match code {
        0x00..=0x3f => usize::from(code),
        0x40..=0x7f => usize::from(code & 0x3f) << 8 | usize::from(array::<1>(rest)?[0]),
        0x80 => u32::from_be_bytes(array(rest)?) as usize,
        0xc0 => return Some(Item::Int(i64::from(i16::from_le_bytes(array(rest)?)))),
        0xd0 => return Some(Item::Int(i64::from(i32::from_le_bytes(array(rest)?)))),
        0xe0 => return Some(Item::Int(i64::from_le_bytes(array(rest)?))),
        0xf0 => {
            let [a, b, c] = array(rest)?;
            return Some(Item::Int(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8)));
        }
        0xfe => return Some(Item::Int(i64::from(i8::from_le_bytes(array(rest)?)))),
        0xf1..=0xfd => return Some(Item::Int(i64::from(code & 0x0f) - 1)),
        _ => return None,
    };
    take(rest, len).map(Item::Bytes)
}

/// The keys and values of a zipmap up to its first end; `None` if these bytes are none.
pub(super) fn of_zipmap(bytes: &[u8]) -> Option<Packed> {
    let [said, inside @ .., END] = bytes else { return None };
    let (mut rest, mut packed, mut count) = (inside, Packed::new(), 0_usize);
    while rest.first().is_some_and(|&first| first != END) {
        let len = length(&mut rest)?;
        push(&mut packed, take(&mut rest, len)?)?;
        let len = length(&mut rest)?;
        let [unused] = array(&mut rest)?;
        push(&mut packed, take(&mut rest, len)?)?;
        take(&mut rest, usize::from(unused))?;
        count += 1;
    }
    // 254 says "count them".
    (*said == LONG || usize::from(*said) == count).then_some(packed)
}

/// A list has room for what is left of a gigabyte.
const _: () = assert!(PACKED_BYTES_MAX <= u32::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::prng::Prng;

    fn texts(packed: &Packed) -> Vec<Vec<u8>> {
        packed.iter().map(|(_, item)| item.to_vec()).collect()
    }

    /// Entries of code and data, with everything around them.
    fn ziplist(entries: &[&[u8]]) -> Vec<u8> {
        let (mut inside, mut before, mut last) = (Vec::new(), 0, HEADER);
        for entry in entries {
            last = HEADER + inside.len();
            if before < usize::from(LONG) {
                inside.push(before as u8);
            } else {
                inside.push(LONG);
                inside.extend_from_slice(&(before as u32).to_le_bytes());
            }
            inside.extend_from_slice(entry);
            before = HEADER + inside.len() - last;
        }
        let mut bytes = ((HEADER + inside.len() + 1) as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(&(last as u32).to_le_bytes());
        bytes.extend_from_slice(&(entries.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&inside);
        bytes.push(END);
        bytes
    }

    fn example() -> (Vec<u8>, Vec<Vec<u8>>) {
        let long = vec![b'y'; 300];
        let longer = vec![b'z'; 20_000];
        let bytes = ziplist(&[
            b"\x03abc",
            &[&[0x41, 0x2c][..], &long].concat(),
            &[&[0x80, 0, 0, 0x4e, 0x20][..], &longer].concat(),
            &[0xc0, 0, 0x80],
            &[0xd0, 0, 0, 0, 0x80],
            &[0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80],
            &[0xf0, 0, 0, 0x80],
            &[0xfe, 0x80],
            &[0xf1],
            &[0xfd],
            b"\x0212",
            &[0],
        ]);
        let mut expected: Vec<Vec<u8>> = vec![b"abc".to_vec(), long, longer];
        let numbers =
            ["-32768", "-2147483648", "-9223372036854775808", "-8388608", "-128", "0", "12", "12", ""];
        expected.extend(numbers.map(|text| text.as_bytes().to_vec()));
        (bytes, expected)
    }

    #[test]
    fn a_ziplist_has_nine_encodings() {
        let (bytes, expected) = example();
        assert_eq!(of_ziplist(&bytes).map(|packed| texts(&packed)), Some(expected));
        assert_eq!(of_ziplist(&ziplist(&[])).map(|packed| packed.len()), Some(0));
    }

    #[test]
    fn a_zipmap_has_unused_bytes() {
        let bytes = b"\x02\x01a\x02\x0112?\x01b\x00\x00\xff";
        let expected: [&[u8]; 4] = [b"a", b"12", b"b", b""];
        assert_eq!(of_zipmap(bytes).map(|packed| texts(&packed)).expect("a zipmap"), expected);
        assert_eq!(of_zipmap(b"\x01\x01a\x02\x0112?\x01b\x00\x00\xff"), None, "the count");
        for len in 0..bytes.len() {
            let mut cut = bytes[..len].to_vec();
            assert_eq!(of_zipmap(&cut), None);
            cut.push(END);
            assert!(of_zipmap(&cut).is_none() || len == bytes.len() - 1, "cut to {len}");
        }
    }

    #[test]
    fn damaged_ziplists_are_refused_or_read_within_bounds() {
        let seed = 0x21b;
        let mut prng = Prng::new(seed);
        let (good, _) = example();
        for len in 0..good.len().min(400) {
            assert_eq!(of_ziplist(&good[..len]), None, "cut to {len}");
        }
        for _ in 0..2000 {
            let mut bytes = good.clone();
            for _ in 0..=prng.below(3) {
                let at = prng.below(400.min(bytes.len() as u64)) as usize;
                bytes[at] = prng.next_u64() as u8;
            }
            if let Some(packed) = of_ziplist(&bytes) {
                assert!(packed.as_bytes().len() < 2 * bytes.len() + 100, "seed {seed:#x}");
            }
        }
    }
}
