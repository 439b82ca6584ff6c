//! Very many clients and very many keys. Nothing is timed here, but whoever looked at all of them for each of them
//! would be at this for hours.

use crate::resp::value::Value;
use crate::testing::sim::{Client, Sim, encode};
use std::time::Duration;

#[test]
fn very_many_may_wait_for_what_does_not_come() {
    const MANY: usize = 4_000;
    for keys in [&[&b"s"[..]][..], &[b"s", b"other1", b"other2"]] {
        let mut sim = Sim::new(2, 11);
        let pusher = sim.connect();
        let mut words: Vec<&[u8]> = vec![b"xread", b"block", b"0", b"streams"];
        words.extend(keys);
        words.extend(keys.iter().map(|_| &b"5-0"[..]));
        let readers: Vec<Client> = (0..MANY).map(|_| sim.connect()).collect();
        for reader in &readers {
            sim.send_words(*reader, &words);
        }
        sim.settle();
        sim.call(pusher, &[b"xadd", b"s", b"5-0", b"not", b"yet"]);
        assert!(readers.iter().all(|reader| sim.take_reply(*reader).is_none()));
        sim.call(pusher, &[b"xadd", b"s", b"6-0", b"field", b"value"]);
        sim.settle();
        assert!(readers.iter().all(|reader| sim.take_reply(*reader).is_some()));
    }
}

#[test]
fn very_many_keys_may_be_named_at_once() {
    const MANY: usize = 20_000;
    let names: Vec<String> = (0..MANY).map(|number| format!("k{number}")).collect();
    let keys: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
    let count = MANY.to_string();
    let with = |before: &[&'static [u8]], after: &[&'static [u8]]| -> Vec<&[u8]> {
        before.iter().copied().chain(keys.iter().copied()).chain(after.iter().copied()).collect()
    };
    for shards in [1, 2] {
        let mut sim = Sim::new(shards, 3);
        let (client, waiter) = (sim.connect(), sim.connect());
        // Nothing is there.
        assert_eq!(sim.call(client, &with(&[b"watch"], &[])), Value::Simple(b"OK".to_vec()));
        assert_eq!(sim.call(client, &[b"unwatch"]), Value::Simple(b"OK".to_vec()));
        assert_eq!(sim.call(client, &with(&[b"sunion"], &[])), Value::Array(Vec::new()));
        let mut counted: Vec<&[u8]> = vec![b"bzmpop", b"0.01", count.as_bytes()];
        counted.extend(with(&[], &[b"min"]));
        let mut streams = with(&[b"xread", b"block", b"10", b"streams"], &[]);
        streams.extend(keys.iter().map(|_| &b"$"[..]));
        for words in [with(&[b"blpop"], &[b"0.01"]), counted, streams] {
            sim.send_words(client, &words);
            sim.settle();
            sim.advance(Duration::from_millis(20));
            assert_eq!(sim.take_reply(client), Some(Value::NullArray));
        }
        // The last of them has something.
        let last = keys[MANY - 1];
        assert_eq!(sim.call(client, &[b"rpush", last, b"x"]), Value::Integer(1));
        let found = Value::Array(vec![Value::Bulk(last.to_vec()), Value::Bulk(b"x".to_vec())]);
        assert_eq!(sim.call(client, &with(&[b"brpop"], &[b"0"])), found);
        // All of them are written at once while somebody waits for all.
        sim.send_words(waiter, &with(&[b"blpop"], &[b"0"]));
        sim.settle();
        let mut block = encode(&[b"multi"]);
        keys.iter().for_each(|key| block.extend(encode(&[b"rpush", key, b"x"])));
        block.extend(encode(&[b"exec"]));
        sim.send(client, &block);
        sim.settle();
        let replies = sim.take_bytes(client);
        assert!(replies.ends_with(format!("*{MANY}\r\n{}", ":1\r\n".repeat(MANY)).as_bytes()));
        assert!(matches!(sim.take_reply(waiter), Some(Value::Array(taken)) if taken.len() == 2));
        assert_eq!(sim.call(client, &with(&[b"del"], &[])), Value::Integer(MANY as i64 - 1));
    }
}
