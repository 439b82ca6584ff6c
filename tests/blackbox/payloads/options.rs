//! RESTORE's words: times to live, what it is told about the use of a key, and in which order it complains.

use super::values::{decode, words};
use crate::common::{Server, Wire};
use medusa::resp::Value;

/// The payload of the string `v`, as both servers write it.
const PAYLOAD: &[u8] = b"\0\x01v\x0a\0\x91\x08\xce\xb2\x198\x8a\xce";

/// What may stand for a time to live: from now, and as a moment with ABSTTL. `NOW` is replaced.
#[rustfmt::skip]
const TIMES: &[&str] = &[
    "0", "1000000", "-1", "x", "", "1.5", " 1", "+1", "01", "9223372036854775807", "9223372036854775806",
    "9223372036854775808", "-9223372036854775808", "9223370000000000000", "9223372036854774807", "NOW+1000000",
];

/// Moments that have passed. As times from now they would pass while one looks.
const PAST: &[&str] = &["1", "1000"];

#[rustfmt::skip]
const OPTIONS: &[&str] = &[
    "", "REPLACE", "replace", "ABSTTL", "absttl replace", "IDLETIME 100", "IDLETIME 0", "IDLETIME -1", "IDLETIME x",
    "IDLETIME", "IDLETIME 9223372036854775807", "IDLETIME 16777215", "IDLETIME 16777216", "FREQ 0", "FREQ 1", "FREQ 255",
    "FREQ 256", "FREQ -1", "FREQ x", "FREQ", "FREQ 5 IDLETIME 5", "IDLETIME 5 FREQ 5", "IDLETIME 5 IDLETIME 7",
    "FREQ 5 FREQ 7", "REPLACE REPLACE", "IDLETIME 5 REPLACE ABSTTL", "FREQ 9 ABSTTL REPLACE", "nosuch", "REPLACE nosuch",
    "IDLETIME REPLACE", "FREQ REPLACE", "REPLACE 5",
];

fn restore(time: &str, payload: &[u8], options: &str, now_ms: u64) -> Vec<Vec<u8>> {
    let time = match time.strip_prefix("NOW+") {
        Some(ms) => (now_ms + ms.parse::<u64>().expect("a number")).to_string(),
        None => time.to_string(),
    };
    let mut command = vec![b"RESTORE".to_vec(), b"k".to_vec(), time.into_bytes(), payload.to_vec()];
    command.extend(words(options).into_iter().filter(|word| !word.is_empty()));
    command
}

fn number(wire: &mut Wire, line: &str) -> Option<i64> {
    match decode(&wire.call(&words(line))) {
        Value::Integer(number) => Some(number),
        _ => None,
    }
}

/// Runs every form on both sides, on a key that is there and one that is not; `used` asks for the access clock.
fn compare(flags: &[&str], used: &str) {
    let (server, reference) = (Server::medusa_with(2, flags), Server::redis_with(flags));
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    let now_ms =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let damaged = [PAYLOAD, b"x"].concat();
    for time in TIMES.iter().chain(PAST) {
        for options in OPTIONS {
            if PAST.contains(time) && !options.to_ascii_lowercase().contains("absttl") {
                continue;
            }
            for there in [false, true] {
                for payload in [PAYLOAD, &damaged, b"short"] {
                    let command = restore(time, payload, options, now_ms);
                    let why = format!("a key: {there}; RESTORE k {time} .. {options}");
                    let [left, right] = [&mut theirs, &mut ours].map(|wire| {
                        wire.call(&["DEL", "k"]);
                        if there {
                            wire.call(&["SET", "k", "old"]);
                        }
                        let reply = wire.call(&command);
                        (reply, wire.call(&["GET", "k"]), number(wire, "PEXPIRETIME k"), number(wire, used))
                    });
                    let near = |left: Option<i64>, right: Option<i64>, distance: u64| match (left, right) {
                        (Some(left), Some(right)) if left >= 0 && right >= 0 => {
                            left.abs_diff(right) <= distance
                        }
                        (left, right) => left == right,
                    };
                    assert_eq!(
                        left.0.escape_ascii().to_string(),
                        right.0.escape_ascii().to_string(),
                        "{why}"
                    );
                    assert_eq!(left.1, right.1, "{why}, then GET");
                    assert!(
                        near(left.2, right.2, 2_000),
                        "{why}, then PEXPIRETIME: {:?} {:?}",
                        left.2,
                        right.2
                    );
                    assert!(near(left.3, right.3, 3), "{why}, then {used}: {:?} {:?}", left.3, right.3);
                }
            }
        }
    }
}

#[test]
fn restore_takes_its_words_as_redis_does() {
    compare(&[], "OBJECT IDLETIME k");
}

#[test]
fn restore_takes_its_words_as_redis_does_where_uses_are_counted() {
    compare(&["--maxmemory-policy", "allkeys-lfu"], "OBJECT FREQ k");
}
