//! A line of text cut into words, with quotes: what an inline command, a line of the configuration
//! file and a line typed at the prompt have in common.
//!
//! Words are parted by white space. In double quotes `\n \r \t \b \a` and `\xHH` mean what they mean in
//! C, and any other escaped byte means itself; in single quotes only `\'` is special. A quote may open
//! inside a word (`a"b c"` is one word), but after a closing quote the word must end. A zero byte ends
//! the line, as Redis's.

use crate::base::args::Span;

/// A quote was opened and never closed, or closed and directly followed by more text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbalanced;

/// Cuts `line` into words: their bytes are appended to `bytes`, where each lies to `spans`. On an error
/// what was appended is meaningless. O(length of the line).
pub fn split(line: &[u8], bytes: &mut Vec<u8>, spans: &mut Vec<Span>) -> Result<(), Unbalanced> {
    let line = &line[..memchr::memchr(0, line).unwrap_or(line.len())];
    let mut at = 0;
    loop {
        while line.get(at).is_some_and(|&byte| is_space(byte)) {
            at += 1;
        }
        if at == line.len() {
            return Ok(());
        }
        let start = bytes.len();
        at = word(line, at, bytes)?;
        spans.push(Span { start: start as u32, len: (bytes.len() - start) as u32 });
    }
}

/// Where the words of a `line` without quotes lie in it, appended to `spans`.
pub fn spans(line: &[u8], spans: &mut Vec<Span>) {
    let mut at = 0;
    while at < line.len() {
        if is_space(line[at]) {
            at += 1;
            continue;
        }
        let rest = &line[at..];
        let len = rest.iter().position(|&byte| ends_word(byte)).unwrap_or(rest.len());
        spans.push(Span { start: at as u32, len: len as u32 });
        at += len;
    }
}

/// The words of `line`, each owned: for places where speed does not matter.
pub fn split_owned(line: &[u8]) -> Result<Vec<Vec<u8>>, Unbalanced> {
    let (mut bytes, mut spans) = (Vec::new(), Vec::new());
    split(line, &mut bytes, &mut spans)?;
    Ok(spans.iter().map(|span| bytes[span.start as usize..][..span.len as usize].to_vec()).collect())
}

/// Appends a word in double quotes, with escapes for what cannot be printed: [`split`] reads it back.
pub fn quote(word: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}

/// Reads the word that begins at `at`; returns where it ended.
fn word(line: &[u8], mut at: usize, bytes: &mut Vec<u8>) -> Result<usize, Unbalanced> {
    while let Some(&byte) = line.get(at) {
        match byte {
            byte if ends_word(byte) => return Ok(at),
            b'"' => return double_quoted(line, at + 1, bytes),
            b'\'' => return single_quoted(line, at + 1, bytes),
            _ => bytes.push(byte),
        }
        at += 1;
    }
    Ok(at)
}

fn double_quoted(line: &[u8], mut at: usize, bytes: &mut Vec<u8>) -> Result<usize, Unbalanced> {
    loop {
        match (line.get(at).copied().ok_or(Unbalanced)?, line.get(at + 1).copied()) {
            (b'\\', Some(b'x')) if hex_pair(line, at + 2).is_some() => {
                bytes.extend(hex_pair(line, at + 2));
                at += 4;
            }
            (b'\\', Some(escaped)) => {
                bytes.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => other,
                });
                at += 2;
            }
            (b'"', after) => return closed(at, after),
            (byte, _) => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
}

fn single_quoted(line: &[u8], mut at: usize, bytes: &mut Vec<u8>) -> Result<usize, Unbalanced> {
    loop {
        match (line.get(at).copied().ok_or(Unbalanced)?, line.get(at + 1).copied()) {
            (b'\\', Some(b'\'')) => {
                bytes.push(b'\'');
                at += 2;
            }
            (b'\'', after) => return closed(at, after),
            (byte, _) => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
}

/// A quote closed at `at`; the word ends behind it or the line is wrong.
fn closed(at: usize, after: Option<u8>) -> Result<usize, Unbalanced> {
    if after.is_none_or(is_space) { Ok(at + 1) } else { Err(Unbalanced) }
}

fn hex_pair(line: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*line.get(at)?).to_digit(16);
    Some((digit(at)? * 16 + digit(at + 1)?) as u8)
}

/// Vertical tab and form feed are white space before a word but do not end one: Redis's rule.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// C's `isspace` in the C locale: one more byte than Rust's idea of ASCII white space.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_read_back() {
        let all: Vec<u8> = (0..=255).collect();
        let mut line = Vec::new();
        quote(&all, &mut line);
        assert_eq!(split_owned(&line), Ok(vec![all]));
    }

    fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
        split_owned(line).ok()
    }

    fn some(words: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
        Some(words.iter().map(|word| word.to_vec()).collect())
    }

    #[test]
    fn words_are_parted_by_any_white_space() {
        assert_eq!(words(b"  set\tkey \x0b value  "), some(&[b"set", b"key", b"value"]));
        assert_eq!(words(b""), some(&[]));
        assert_eq!(words(b" \r "), some(&[]));
        assert_eq!(words(b"a\x0bb"), some(&[b"a\x0bb"]));
    }

    #[test]
    fn double_quotes_know_escapes_and_single_quotes_only_their_own() {
        assert_eq!(words(br#""a\x41\n\r\t\b\a\q\xzz\\\"""#), some(&[b"aA\n\r\t\x08\x07qxzz\\\""]));
        assert_eq!(words(br"'a\'b\n'"), some(&[br"a'b\n"]));
        assert_eq!(words(br#""" ''"#), some(&[b"", b""]));
        assert_eq!(words(br#"a"b c""#), some(&[b"ab c"]));
        assert_eq!(words(br"a\n"), some(&[br"a\n"]));
    }

    #[test]
    fn a_zero_byte_ends_the_line() {
        assert_eq!(words(b"a b\0c d"), some(&[b"a", b"b"]));
        assert_eq!(words(b"a \0"), some(&[b"a"]));
    }

    #[test]
    fn a_quote_must_close_and_end_its_word() {
        for line in [br#""foo"#.as_slice(), br"'foo", br#""a"b"#, br"'a'b", br#""\""#, br#""a\"#] {
            assert_eq!(words(line), None, "{}", line.escape_ascii());
        }
        assert_eq!(words(b"\"a\"\x0bb"), some(&[b"a", b"b"]));
    }
}
