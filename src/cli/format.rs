//! Replies as text: for people as redis-cli prints them on a terminal, for pipes as bare bytes.
//!
//! Scripts cut redis-cli's output apart, so both forms are the same to the byte. Where redis-cli 7.0
//! gives up (big numbers, attributes, `!` errors) we print what newer ones print or the obvious.

use crate::base::words::quote;
use crate::resp::Value;

/// How replies are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Types shown, strings quoted, arrays numbered: a terminal.
    Readable,
    /// Bytes as they are, one element a line: a pipe.
    Raw,
}

/// Appends `value` in `form`, line end included.
pub(super) fn write(value: &Value, form: Form, out: &mut Vec<u8>) {
    match form {
        Form::Readable => readable(value, "", out),
        Form::Raw => {
            raw(value, out);
            out.push(b'\n');
        }
    }
}

/// Appends the bytes of a text that was made for people (INFO, CLIENT LIST): no quotes in any form, and
/// no line end beyond its own.
pub(super) fn write_prose(value: &Value, out: &mut Vec<u8>) {
    raw(value, out);
}

/// Appends `value` as redis-cli numbers and quotes it. `indent` stands before every line but the first.
fn readable(value: &Value, indent: &str, out: &mut Vec<u8>) {
    match value {
        Value::Simple(text) => line(&[text], out),
        Value::Error(text) => line(&[b"(error) ", text], out),
        Value::Integer(value) => line(&[b"(integer) ", value.to_string().as_bytes()], out),
        Value::Double(text) => line(&[b"(double) ", text.as_bytes()], out),
        Value::BigNumber(digits) => line(&[b"(big number) ", digits.as_bytes()], out),
        Value::Boolean(true) => line(&[b"(true)"], out),
        Value::Boolean(false) => line(&[b"(false)"], out),
        Value::Null | Value::NullArray => line(&[b"(nil)"], out),
        Value::Bulk(bytes) => {
            quote(bytes, out);
            out.push(b'\n');
        }
        Value::Verbatim(_, text) => line(&[text], out),
        Value::Array(items) => readable_items(items, ')', "(empty array)", indent, out),
        Value::Set(items) => readable_items(items, '~', "(empty set)", indent, out),
        Value::Push(items) => readable_items(items, ')', "(empty push)", indent, out),
        Value::Map(pairs) => readable_pairs(pairs, '#', indent, out),
        Value::Attribute(pairs, about) => {
            readable_pairs(pairs, '|', indent, out);
            out.extend_from_slice(indent.as_bytes());
            readable(about, indent, out);
        }
    }
}

fn line(parts: &[&[u8]], out: &mut Vec<u8>) {
    for part in parts {
        out.extend_from_slice(part);
    }
    out.push(b'\n');
}

fn readable_items(items: &[Value], mark: char, empty: &str, indent: &str, out: &mut Vec<u8>) {
    if items.is_empty() {
        return line(&[empty.as_bytes()], out);
    }
    let width = items.len().to_string().len();
    let inner = format!("{indent}{:1$}", "", width + 2);
    for (index, item) in items.iter().enumerate() {
        number(index, width, mark, indent, out);
        readable(item, &inner, out);
    }
}

fn readable_pairs(pairs: &[(Value, Value)], mark: char, indent: &str, out: &mut Vec<u8>) {
    if pairs.is_empty() {
        return line(&[b"(empty hash)"], out);
    }
    let width = pairs.len().to_string().len();
    let inner = format!("{indent}{:1$}", "", width + 2);
    for (index, (key, value)) in pairs.iter().enumerate() {
        number(index, width, mark, indent, out);
        readable(key, &inner, out);
        out.pop();
        out.extend_from_slice(b" => ");
        if takes_lines(value) {
            out.push(b'\n');
            out.extend_from_slice(inner.as_bytes());
        }
        readable(value, &inner, out);
    }
}

/// `12) `; the parent has put the indent before the first.
fn number(index: usize, width: usize, mark: char, indent: &str, out: &mut Vec<u8>) {
    let indent = if index == 0 { "" } else { indent };
    out.extend_from_slice(format!("{indent}{:width$}{mark} ", index + 1).as_bytes());
}

/// Whether numbering a value needs more than one line.
fn takes_lines(value: &Value) -> bool {
    match value {
        Value::Array(items) | Value::Set(items) | Value::Push(items) => match items.as_slice() {
            [] => false,
            [only] => takes_lines(only),
            _ => true,
        },
        Value::Map(pairs) => match pairs.as_slice() {
            [] => false,
            [(_, only)] => takes_lines(only),
            _ => true,
        },
        Value::Attribute(..) => true,
        _ => false,
    }
}

fn raw(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Simple(bytes) | Value::Bulk(bytes) | Value::Verbatim(_, bytes) => out.extend_from_slice(bytes),
        Value::Error(text) => line(&[text], out),
        Value::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Double(text) | Value::BigNumber(text) => out.extend_from_slice(text.as_bytes()),
        Value::Boolean(true) => out.extend_from_slice(b"(true)"),
        Value::Boolean(false) => out.extend_from_slice(b"(false)"),
        Value::Null | Value::NullArray => {}
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b'\n');
                }
                raw(item, out);
            }
        }
        Value::Map(pairs) => {
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push(b'\n');
                }
                raw(key, out);
                out.push(b' ');
                raw(value, out);
            }
        }
        Value::Attribute(_, about) => raw(about, out),
    }
}

/// A message that came unasked, over RESP3: keys a client-side cache must forget have a line of their own.
pub(super) fn write_push(value: &Value, form: Form, out: &mut Vec<u8>) {
    if let (Form::Readable, Value::Push(items)) = (form, value)
        && let [Value::Bulk(kind), Value::Array(keys)] = items.as_slice()
        && kind == b"invalidate"
    {
        out.extend_from_slice(b"-> invalidate: ");
        for (index, key) in keys.iter().enumerate() {
            let separator: &[u8] = if index == 0 { b"'" } else { b", '" };
            out.extend_from_slice(separator);
            out.extend_from_slice(key.as_bytes().unwrap_or_default());
            out.push(b'\'');
        }
        out.push(b'\n');
        return;
    }
    write(value, form, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::fuzz::decode;

    /// What redis-cli 7.0.15 printed for `encoded`, with `--no-raw` and with `--raw`.
    #[track_caller]
    fn check(encoded: &str, readable: &str, raw: &str) {
        let values = decode(encoded.as_bytes(), || usize::MAX).0;
        for (form, expected) in [(Form::Readable, readable), (Form::Raw, raw)] {
            let mut out = Vec::new();
            write(&values[0], form, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected, "{encoded:?} {form:?}");
        }
    }

    #[test]
    fn scalars_print_as_redis_cli_prints_them() {
        check("+OK\r\n", "OK\n", "OK\n");
        check("-ERR no\r\n", "(error) ERR no\n", "ERR no\n\n");
        check(":-5\r\n", "(integer) -5\n", "-5\n");
        check("$2\r\na\"\r\n", "\"a\\\"\"\n", "a\"\n");
        check("$-1\r\n", "(nil)\n", "\n");
        check("*-1\r\n", "(nil)\n", "\n");
        check("_\r\n", "(nil)\n", "\n");
        check(",3.25\r\n", "(double) 3.25\n", "3.25\n");
        check("#t\r\n", "(true)\n", "(true)\n");
        check("#f\r\n", "(false)\n", "(false)\n");
        check("=8\r\ntxt:a\nb\n\r\n", "a\nb\n\n", "a\nb\n\n");
    }

    #[test]
    fn what_redis_cli_cannot_print_prints_too() {
        check("(12\r\n", "(big number) 12\n", "12\n");
        check("!6\r\nERR no\r\n", "(error) ERR no\n", "ERR no\n\n");
        check("|1\r\n+ttl\r\n:5\r\n+OK\r\n", "1| ttl => (integer) 5\nOK\n", "OK\n");
    }

    #[test]
    fn quotes_hide_what_does_not_print() {
        let mut out = Vec::new();
        quote(b"\xff\x01\"\\\x07\x08\t\r\n\x7f~\xc3\xa9", &mut out);
        assert_eq!(out, br#""\xff\x01\"\\\a\b\t\r\n\x7f~\xc3\xa9""#);
    }

    #[test]
    fn arrays_are_numbered_and_indented() {
        check("*0\r\n", "(empty array)\n", "\n");
        check("*2\r\n:1\r\n*2\r\n+a\r\n*0\r\n", "1) (integer) 1\n2) 1) a\n   2) (empty array)\n", "1\na\n\n");
        let eleven = format!("*11\r\n{}", "*2\r\n:1\r\n$-1\r\n".repeat(11));
        let lines: String =
            (1..12).map(|index| format!("{index:2}) 1) (integer) 1\n    2) (nil)\n")).collect();
        check(&eleven, &lines, &"1\n\n".repeat(11));
    }

    #[test]
    fn maps_and_sets_have_marks_of_their_own() {
        check("~0\r\n", "(empty set)\n", "\n");
        check("%0\r\n", "(empty hash)\n", "\n");
        check(">0\r\n", "(empty push)\n", "\n");
        check("~2\r\n:1\r\n:2\r\n", "1~ (integer) 1\n2~ (integer) 2\n", "1\n2\n");
        check("%1\r\n+a\r\n:2\r\n", "1# a => (integer) 2\n", "a 2\n");
        check("%1\r\n$-1\r\n-ERR x\r\n", "1# (nil) => (error) ERR x\n", " ERR x\n\n");
        check("%1\r\n+a\r\n*1\r\n:1\r\n", "1# a => 1) (integer) 1\n", "a 1\n");
        check(
            "%1\r\n+a\r\n*2\r\n:1\r\n:2\r\n",
            "1# a => \n   1) (integer) 1\n   2) (integer) 2\n",
            "a 1\n2\n",
        );
        check(
            "%1\r\n+a\r\n*1\r\n*2\r\n:1\r\n:2\r\n",
            "1# a => \n   1) 1) (integer) 1\n      2) (integer) 2\n",
            "a 1\n2\n",
        );
        check("%1\r\n+a\r\n%1\r\n:1\r\n:2\r\n", "1# a => 1# (integer) 1 => (integer) 2\n", "a 1 2\n");
        check(
            "*1\r\n%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n",
            "1) 1# a => \n      1~ (integer) 1\n      2~ (integer) 2\n",
            "a 1\n2\n",
        );
        check(
            "%1\r\n*2\r\n:1\r\n:2\r\n*2\r\n:3\r\n:4\r\n",
            "1# 1) (integer) 1\n   2) (integer) 2 => \n   1) (integer) 3\n   2) (integer) 4\n",
            "1\n2 3\n4\n",
        );
        check(
            "%1\r\n+a\r\n~1\r\n%2\r\n+b\r\n:1\r\n+c\r\n:1\r\n",
            "1# a => \n   1~ 1# b => (integer) 1\n      2# c => (integer) 1\n",
            "a b 1\nc 1\n",
        );
    }

    #[test]
    fn invalidations_are_one_line() {
        let value =
            decode(b">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n", || usize::MAX).0.remove(0);
        let mut out = Vec::new();
        write_push(&value, Form::Readable, &mut out);
        assert_eq!(out, b"-> invalidate: 'a', 'b'\n");
    }
}
