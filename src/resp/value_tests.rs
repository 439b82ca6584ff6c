//! Tests of the reply tree and its decoder, whole and cut at every byte.

use super::*;
use crate::base::prng::Prng;
use crate::resp::fuzz::decode;

fn one(input: &[u8]) -> Value {
    let (mut values, error, consumed) = decode(input, || 1);
    assert_eq!((values.len(), error, consumed), (1, None, input.len()), "{}", input.escape_ascii());
    values.remove(0)
}

fn bulk(text: &str) -> Value {
    Value::Bulk(text.as_bytes().to_vec())
}

#[test]
fn every_type_of_both_protocols_decodes() {
    assert_eq!(one(b"+OK\r\n"), Value::Simple(b"OK".to_vec()));
    assert_eq!(one(b"-ERR no\r\n"), Value::Error(b"ERR no".to_vec()));
    assert_eq!(one(b"!6\r\nERR no\r\n"), Value::Error(b"ERR no".to_vec()));
    assert_eq!(one(b":-7\r\n"), Value::Integer(-7));
    assert_eq!(one(b"$2\r\n\r\n\r\n"), bulk("\r\n"));
    assert_eq!(one(b"$-1\r\n"), Value::Null);
    assert_eq!(one(b"_\r\n"), Value::Null);
    assert_eq!(one(b"*-1\r\n"), Value::NullArray);
    assert_eq!(one(b"*0\r\n"), Value::Array(vec![]));
    assert_eq!(one(b"*2\r\n*0\r\n:1\r\n"), Value::Array(vec![Value::Array(vec![]), Value::Integer(1)]));
    assert_eq!(
        one(b"%1\r\n+a\r\n:1\r\n"),
        Value::Map(vec![(Value::Simple(b"a".to_vec()), Value::Integer(1))])
    );
    assert_eq!(one(b"~1\r\n:1\r\n"), Value::Set(vec![Value::Integer(1)]));
    assert_eq!(one(b">1\r\n:1\r\n"), Value::Push(vec![Value::Integer(1)]));
    assert_eq!(one(b",-inf\r\n"), Value::Double("-inf".to_string()));
    assert_eq!(one(b"#f\r\n"), Value::Boolean(false));
    assert_eq!(one(b"(123\r\n"), Value::BigNumber("123".to_string()));
    assert_eq!(one(b"=6\r\ntxt:hi\r\n"), Value::Verbatim("txt".to_string(), b"hi".to_vec()));
    assert_eq!(
        one(b"|1\r\n+ttl\r\n:5\r\n$1\r\nv\r\n"),
        Value::Attribute(vec![(Value::Simple(b"ttl".to_vec()), Value::Integer(5))], Box::new(bulk("v")))
    );
}

#[test]
fn what_is_no_reply_is_an_error() {
    for input in
        ["x\r\n", ":\r\n", ":1a\r\n", "$x\r\n", "*-2\r\n", "#x\r\n", "_x\r\n", "=1\r\na\r\n", "$-2\r\n"]
    {
        assert!(decode(input.as_bytes(), || usize::MAX).1.is_some(), "{input:?}");
    }
    let deep = b"*1\r\n".repeat(DEPTH_MAX + 1);
    assert_eq!(decode(&deep, || usize::MAX).1, Some(DecodeError::TooDeep));
}

#[test]
fn skip_finds_the_end_of_the_first_reply_only() {
    assert_eq!(skip(b"*2\r\n$1\r\na\r\n%1\r\n:1\r\n_\r\n:5\r\n"), Some(22));
    assert_eq!(skip(b"|1\r\n:1\r\n:2\r\n+OK\r\n+NO\r\n"), Some(17));
    for partial in
        [b"".as_slice(), b"$", b"$3\r\nab", b"$3\r\nabc\r", b"*1\r\n", b"*99999999999999\r\n", b"x\r\n"]
    {
        assert_eq!(skip(partial), None, "{}", partial.escape_ascii());
    }
}

fn random(prng: &mut Prng, depth: u64) -> Value {
    let bytes = |prng: &mut Prng| (0..prng.below(20)).map(|_| prng.next_u64() as u8).collect::<Vec<u8>>();
    let many =
        |prng: &mut Prng| -> Vec<Value> { (0..prng.below(4)).map(|_| random(prng, depth - 1)).collect() };
    match prng.below(if depth == 0 { 9 } else { 14 }) {
        0 => Value::Simple(b"QUEUED".to_vec()),
        1 => Value::Error(b"ERR what".to_vec()),
        2 => Value::Integer(prng.next_u64() as i64),
        3 => Value::Bulk(bytes(prng)),
        4 => Value::Null,
        5 => Value::Double(f64::from_bits(prng.next_u64()).to_string()),
        6 => Value::Boolean(prng.one_in(2)),
        7 => Value::BigNumber("340282366920938463463374607431768211456".to_string()),
        8 => Value::Verbatim("mkd".to_string(), bytes(prng)),
        9 => Value::Array(many(prng)),
        10 => Value::Set(many(prng)),
        11 => Value::Push(many(prng)),
        12 => Value::Map(many(prng).into_iter().map(|key| (key, Value::Null)).collect()),
        _ => Value::Attribute(vec![(Value::Integer(1), bulk("x"))], Box::new(random(prng, depth - 1))),
    }
}

#[test]
fn what_was_encoded_decodes_to_itself() {
    for seed in 0..2_000 {
        let mut prng = Prng::new(seed);
        let value = random(&mut prng, 4);
        let mut encoded = Vec::new();
        value.write_to(&mut encoded, Protocol::Resp3);
        assert_eq!(skip(&encoded), Some(encoded.len()), "seed {seed}");
        assert_eq!(
            decode(&encoded, || usize::MAX),
            (vec![value.clone()], None, encoded.len()),
            "seed {seed}"
        );
        let got = decode(&encoded, || 1 + prng.below(5) as usize);
        assert_eq!(got, (vec![value.clone()], None, encoded.len()), "seed {seed}");
        let mut resp2 = Vec::new();
        value.write_to(&mut resp2, Protocol::Resp2);
        assert_eq!(decode(&resp2, || usize::MAX).1, None, "seed {seed}");
        assert_eq!(skip(&resp2), Some(resp2.len()), "seed {seed}");
    }
}
