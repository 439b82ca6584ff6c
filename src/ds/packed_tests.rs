//! A listpack against a vector of byte strings, and against bytes that are no listpack.

use super::*;
use crate::base::prng::Prng;

/// A string of a kind that has an encoding of its own.
fn text(prng: &mut Prng) -> Vec<u8> {
    match prng.below(12) {
        0 => Vec::new(),
        1 => prng.below(300).to_string().into_bytes(),
        2 => (prng.below(20_000) as i64 - 10_000).to_string().into_bytes(),
        3 => {
            let bits = 8 * prng.below(8) as u32;
            (prng.next_u64() as i64 >> bits).to_string().into_bytes()
        }
        4 => prng.pick(&[&b"-0"[..], b"007", b"9223372036854775808", b"1.5", b"-"]).to_vec(),
        5 => vec![b'x'; prng.below(5000) as usize],
        _ => (0..prng.below(80)).map(|_| prng.next_u64() as u8).collect(),
    }
}

fn contents(packed: &Packed) -> Vec<Vec<u8>> {
    packed.iter().map(|(_, item)| item.to_vec()).collect()
}

/// Everything a reader can ask, against the model.
#[track_caller]
fn assert_is(packed: &Packed, model: &[Vec<u8>], why: &str) {
    assert_eq!(contents(packed), model, "{why}");
    let mut backwards: Vec<Vec<u8>> = packed.iter().rev().map(|(_, item)| item.to_vec()).collect();
    backwards.reverse();
    assert_eq!(backwards, model, "backwards, {why}");
    assert_eq!(packed.len(), model.len(), "{why}");
    assert_eq!(packed.is_empty(), model.is_empty(), "{why}");
    let again = Packed::from_bytes(packed.as_bytes().to_vec());
    assert_eq!(again.as_ref(), Some(packed), "its own bytes, {why}");
    let (first, last) = (packed.first(), packed.last());
    assert_eq!(first.map(|at| packed.get(at).to_vec()).as_ref(), model.first(), "{why}");
    assert_eq!(last.map(|at| packed.get(at).to_vec()).as_ref(), model.last(), "{why}");
    assert!(packed.bytes() >= packed.as_bytes().len(), "{why}");
    assert!(packed.bytes() < 4 * packed.as_bytes().len().max(16), "{why}");
}

#[test]
fn random_edits_equal_a_vector() {
    let seed = 0x11_57;
    let mut prng = Prng::new(seed);
    for round in 0..if cfg!(miri) { 2 } else { 60 } {
        let (mut packed, mut model) = (Packed::new(), Vec::<Vec<u8>>::new());
        for step in 0..150 {
            let text = text(&mut prng);
            let at = prng.below(model.len() as u64 + 1) as usize;
            let offset = packed.at(at as i64).unwrap_or(packed.end());
            let before = packed.as_bytes().len();
            let mut grown = Some(Packed::would_grow_by(&text));
            match prng.below(12) {
                0 | 1 => {
                    packed.push_back(&text);
                    model.push(text);
                }
                2 | 3 => {
                    packed.push_front(&text);
                    model.insert(0, text);
                }
                4 | 5 => {
                    assert_eq!(packed.insert_before(offset, &text), offset);
                    model.insert(at, text);
                }
                6 if at < model.len() => {
                    let new = packed.insert_after(offset, &text);
                    assert_eq!(packed.get(new).to_vec(), text);
                    model.insert(at + 1, text);
                }
                7 | 8 if at < model.len() => {
                    packed.replace(offset, &text);
                    model[at] = text;
                    grown = None;
                }
                9 => {
                    let count = prng.below(4) as usize;
                    let expected = count.min(model.len() - at);
                    assert_eq!(packed.remove(offset, count), expected, "seed {seed:#x}");
                    model.drain(at..at + expected);
                    grown = None;
                }
                10 => {
                    let tail = packed.split_off(offset);
                    let model_tail = model.split_off(at);
                    let why = format!("seed {seed:#x} round {round} step {step}, the tail");
                    assert_is(&tail, &model_tail, &why);
                    if prng.one_in(2) {
                        packed.append(&tail);
                        model.extend(model_tail);
                    }
                    grown = None;
                }
                11 if prng.one_in(4) => {
                    let short = |text: &[u8]| text.len() < 30;
                    let before = model.len();
                    model.retain(|text| short(text));
                    let removed = packed.retain(|item| short(&item.to_vec()));
                    assert_eq!(removed, before - model.len(), "seed {seed:#x} step {step}");
                    grown = None;
                }
                _ => grown = None,
            }
            if let Some(grown) = grown {
                assert_eq!(packed.as_bytes().len(), before + grown, "seed {seed:#x} step {step}");
            }
            assert_is(&packed, &model, &format!("seed {seed:#x} round {round} step {step}"));
        }
    }
}

#[test]
fn entries_are_found_by_index_from_both_ends() {
    let mut packed = Packed::new();
    let model: Vec<Vec<u8>> = (0..100_i64).map(|n| (n * n * n).to_string().into_bytes()).collect();
    model.iter().for_each(|text| packed.push_back(text));
    for index in -102..102_i64 {
        let at = if index < 0 { index + 100 } else { index };
        let expected = usize::try_from(at).ok().and_then(|at| model.get(at));
        assert_eq!(packed.at(index).map(|at| packed.get(at).to_vec()).as_ref(), expected, "{index}");
    }
    assert_eq!((packed.at(i64::MIN), packed.at(i64::MAX)), (None, None));
    let mut offset = packed.first().expect("an entry");
    for expected in &model[1..] {
        let next = packed.next(offset).expect("another");
        assert_eq!(packed.get(next).to_vec(), *expected);
        assert_eq!(packed.prev(next), Some(offset));
        offset = next;
    }
    assert_eq!((packed.next(offset), packed.last()), (None, Some(offset)));
    assert_eq!(packed.first().and_then(|first| packed.prev(first)), None);
}

#[test]
fn encodings_are_those_of_the_format() {
    let cases: &[(&[u8], &[u8])] = &[
        (b"0", &[0, 1]),
        (b"127", &[127, 1]),
        (b"128", &[0xc0, 128, 2]),
        (b"-1", &[0xdf, 0xff, 2]),
        (b"4095", &[0xcf, 0xff, 2]),
        (b"-4096", &[0xd0, 0, 2]),
        (b"4096", &[0xf1, 0, 0x10, 3]),
        (b"-32768", &[0xf1, 0, 0x80, 3]),
        (b"32768", &[0xf2, 0, 0x80, 0, 4]),
        (b"-8388608", &[0xf2, 0, 0, 0x80, 4]),
        (b"8388608", &[0xf3, 0, 0, 0x80, 0, 5]),
        (b"2147483648", &[0xf4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]),
        (b"-9223372036854775808", &[0xf4, 0, 0, 0, 0, 0, 0, 0, 0x80, 9]),
        (b"", &[0x80, 1]),
        (b"ab", &[0x82, b'a', b'b', 3]),
        (b"01", &[0x82, b'0', b'1', 3]),
    ];
    for (text, entry) in cases {
        let mut packed = Packed::new();
        packed.push_back(text);
        assert_eq!(&packed.as_bytes()[HEADER..packed.end()], *entry, "{}", text.escape_ascii());
        assert_eq!(packed.first().map(|at| packed.get(at).to_vec()).as_deref(), Some(*text));
    }
    for (len, code, back) in [
        (63, &[0x80 | 63][..], &[64][..]),
        (64, &[0xe0, 64], &[66]),
        (4095, &[0xef, 0xff], &[4097_u16.div_euclid(128) as u8, 0x80 | 1]),
        (4096, &[0xf0, 0, 0x10, 0, 0], &[32, 0x80 | 5]),
        (16_377, &[0xf0, 0xf9, 0x3f, 0, 0], &[0x7f, 0x80 | 126]),
        // 16,383 would fit two bytes of seven bits, and takes three.
        (16_378, &[0xf0, 0xfa, 0x3f, 0, 0], &[0, 0xff, 0xff]),
    ] {
        let mut packed = Packed::new();
        packed.push_back(&vec![b'x'; len]);
        let bytes = packed.as_bytes();
        assert_eq!(&bytes[HEADER..HEADER + code.len()], code, "{len}");
        assert_eq!(&bytes[HEADER + code.len() + len..packed.end()], back, "{len}");
    }
}

#[test]
fn a_text_is_found_by_its_bytes_or_its_number() {
    let mut packed = Packed::new();
    for text in [&b"a"[..], b"1", b"12", b"a", b"b", b"-0", b"300000", b"x"] {
        packed.push_back(text);
    }
    let index_of = |text: &[u8], skip| {
        let found = packed.find(text, skip)?;
        packed.iter().position(|(offset, _)| offset == found)
    };
    assert_eq!((index_of(b"a", 0), index_of(b"1", 0), index_of(b"1", 1)), (Some(0), Some(1), None));
    assert_eq!((index_of(b"b", 1), index_of(b"-0", 0), index_of(b"0", 0)), (Some(4), Some(5), None));
    assert_eq!((index_of(b"300000", 1), index_of(b"0300000", 0), index_of(b"", 0)), (Some(6), None, None));
}

#[test]
fn more_entries_than_the_header_can_say_are_counted() {
    let mut packed = Packed::new();
    for n in 0..65_534 {
        packed.push_back(if n % 2 == 0 { b"0" } else { b"1" });
    }
    assert_eq!((packed.len(), packed.count_said()), (65_534, 65_534));
    packed.push_front(b"2");
    packed.push_back(b"3");
    assert_eq!((packed.len(), packed.count_said()), (65_536, COUNT_UNKNOWN));
    let shown = |index| packed.at(index).map(|at| packed.get(at));
    assert_eq!(
        (shown(0), shown(1), shown(65_535)),
        (Some(Item::Int(2)), Some(Item::Int(0)), Some(Item::Int(3)))
    );
    assert_eq!((shown(-1), shown(-65_536), shown(65_536)), (Some(Item::Int(3)), Some(Item::Int(2)), None));
    assert!(Packed::from_bytes(packed.as_bytes().to_vec()).is_some());
    assert_eq!(packed.remove(HEADER, 65_000), 65_000);
    assert_eq!(packed.len(), 536);
    packed.remove(HEADER, usize::MAX);
    assert_eq!((packed.is_empty(), packed.count_said()), (true, 0));
}

#[test]
fn an_integer_may_be_spelled_or_stored_too_wide_by_others() {
    let bytes = |entries: &[u8], count: u8| {
        let mut bytes = vec![HEADER as u8 + 1 + entries.len() as u8, 0, 0, 0, count, 0];
        bytes.extend_from_slice(entries);
        bytes.push(END);
        bytes
    };
    let packed = Packed::from_bytes(bytes(&[0x81, b'5', 2, 0xf1, 5, 0, 3], 2)).expect("valid");
    assert_eq!(contents(&packed), [b"5", b"5"]);
    assert_eq!(packed.find(b"5", 0), Some(HEADER));
    // What says "unknown" is counted.
    let mut unknown = bytes(&[1, 1, 2, 1], 0);
    unknown[4..6].fill(0xff);
    assert_eq!(Packed::from_bytes(unknown).map(|packed| packed.len()), Some(2));
}

#[test]
fn what_is_no_listpack_is_refused() {
    let mut packed = Packed::new();
    for text in [&b"abc"[..], b"5", b"-70000", &[b'y'; 200]] {
        packed.push_back(text);
    }
    let good = packed.as_bytes();
    for len in 0..good.len() {
        assert_eq!(Packed::from_bytes(good[..len].to_vec()), None, "cut to {len}");
        let mut cut = good[..len].to_vec();
        if len > HEADER {
            cut[..4].copy_from_slice(&(len as u32).to_le_bytes());
            cut[len - 1] = END;
        }
        assert!(len == HEADER + 1 || Packed::from_bytes(cut).is_none(), "cut to {len} and mended");
    }
    assert_eq!(Packed::from_bytes([good, &[END]].concat()), None);
    for (at, byte) in [(4, 3), (4, 5), (5, 1), (HEADER, 0xf5), (HEADER + 4, 5), (HEADER, 0xbf)] {
        let mut bad = good.to_vec();
        bad[at] = byte;
        assert_eq!(Packed::from_bytes(bad), None, "{at} {byte}");
    }
}

#[test]
fn whatever_is_accepted_can_be_used() {
    let seed = 0xacce;
    let mut prng = Prng::new(seed);
    let mut accepted = 0;
    for _ in 0..if cfg!(miri) { 50 } else { 4000 } {
        let mut packed = Packed::new();
        for _ in 0..prng.below(6) {
            packed.push_back(&text(&mut prng));
        }
        let mut bytes = packed.as_bytes().to_vec();
        for _ in 0..prng.below(4) {
            let at = prng.below(bytes.len() as u64) as usize;
            bytes[at] = match prng.below(3) {
                0 => prng.next_u64() as u8,
                1 => bytes[at] ^ (1 << prng.below(8)),
                _ => *prng.pick(&[0, 0x80, 0xe0, 0xf0, 0xf4, 0xff]),
            };
        }
        let Some(mut packed) = Packed::from_bytes(bytes) else { continue };
        accepted += 1;
        let mut model = contents(&packed);
        assert_is(&packed, &model, &format!("seed {seed:#x}"));
        if !model.is_empty() {
            let at = prng.below(model.len() as u64) as usize;
            let offset = packed.at(at as i64).expect("an entry");
            packed.replace(offset, b"new");
            model[at] = b"new".to_vec();
        }
        packed.push_front(b"1");
        model.insert(0, b"1".to_vec());
        assert_is(&packed, &model, &format!("seed {seed:#x}, edited"));
    }
    assert!(accepted > 10, "{accepted}");
}

#[test]
fn room_is_given_back() {
    let mut packed = Packed::new();
    for n in 0..1000 {
        packed.push_back(n.to_string().as_bytes());
    }
    let full = packed.bytes();
    assert!(full <= size_class(packed.as_bytes().len()));
    packed.remove(packed.at(10).expect("an entry"), usize::MAX);
    assert!(packed.bytes() <= 64, "{}", packed.bytes());
    let clone = packed.clone();
    assert_eq!(contents(&clone).len(), 10);
}

#[test]
fn a_back_length_that_reads_on_into_its_entry_is_put_right() {
    // The empty string, whose back length goes on over its code and the header.
    let mut packed = Packed::from_bytes(vec![9, 0, 0, 0, 1, 0, 0x80, 0x81, 0xff]).unwrap();
    assert_eq!(packed.as_bytes()[7], 1);
    packed.push_front(b"x");
    let items: Vec<Vec<u8>> = packed.iter().rev().map(|(_, item)| item.to_vec()).collect();
    assert_eq!(items, [b"".to_vec(), b"x".to_vec()]);
}
