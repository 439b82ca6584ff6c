//! What every user does first.

use crate::at_each_core_count;
use crate::common::Server;
use medusa::base::prng::Prng;
use redis::Commands;

#[test]
fn the_readmes_first_example_works_in_redis_cli() {
    at_each_core_count(|server| {
        assert_eq!(server.redis_cli(&["SET", "greeting", "hello"]), "OK\n");
        assert_eq!(server.redis_cli(&["GET", "greeting"]), "hello\n");
        assert_eq!(server.redis_cli(&["EXISTS", "greeting"]), "1\n");
        assert_eq!(server.redis_cli(&["DEL", "greeting"]), "1\n");
        assert_eq!(server.redis_cli(&["GET", "greeting"]), "\n");
        assert_eq!(server.redis_cli(&["-3", "GET", "greeting"]), "\n");
        assert_eq!(
            server.redis_cli(&["NOSUCH"]).lines().next(),
            Some("ERR unknown command 'NOSUCH', with args beginning with: ")
        );
    });
}

#[test]
fn a_client_library_sets_and_gets_on_every_core() {
    at_each_core_count(|server| {
        let mut client = server.client();
        for number in 0..200 {
            let _: () = client.set(format!("key:{number}"), number).unwrap();
        }
        for number in 0..200 {
            let value: i64 = client.get(format!("key:{number}")).unwrap();
            assert_eq!(value, number);
        }
        let keys: Vec<String> = (0..200).map(|number| format!("key:{number}")).collect();
        let values: Vec<i64> = client.mget(&keys).unwrap();
        assert_eq!(values, (0..200).collect::<Vec<_>>());
        let removed: i64 = client.del(&keys).unwrap();
        assert_eq!(removed, 200);
        let size: i64 = redis::cmd("DBSIZE").query(&mut client).unwrap();
        assert_eq!(size, 0);
    });
}

#[test]
fn replies_of_a_pipeline_come_in_the_order_of_its_commands() {
    at_each_core_count(|server| {
        let mut wire = server.connect_tcp();
        let mut prng = Prng::new(11);
        let mut expected = Vec::new();
        let mut counters = [0i64; 100];
        let mut frames = Vec::new();
        for number in 0..20_000u64 {
            let at = prng.below(100) as usize;
            let words: Vec<Vec<u8>> = match prng.below(4) {
                // Reads its own writes: every counter stands where this connection left it.
                0 | 1 => {
                    counters[at] += 1;
                    expected.push(format!(":{}\r\n", counters[at]));
                    vec![b"INCR".to_vec(), format!("counter:{at}").into_bytes()]
                }
                2 => {
                    expected.push(format!("${}\r\n{number}\r\n", number.to_string().len()));
                    vec![b"ECHO".to_vec(), number.to_string().into_bytes()]
                }
                _ => {
                    let other = prng.below(100) as usize;
                    let shown = |count: i64| match count {
                        0 => "$-1\r\n".to_string(),
                        count => format!("${}\r\n{count}\r\n", count.to_string().len()),
                    };
                    expected.push(format!("*2\r\n{}{}", shown(counters[at]), shown(counters[other])));
                    let keys = [at, other].map(|at| format!("counter:{at}").into_bytes());
                    std::iter::once(b"MGET".to_vec()).chain(keys).collect()
                }
            };
            medusa::testing::generate::frame(&words, &mut frames);
        }
        let mut writer = wire.writer();
        let sending = std::thread::spawn(move || writer.send(&frames));
        for (number, expected) in expected.iter().enumerate() {
            let reply = wire.reply();
            assert_eq!(reply, expected.as_bytes(), "reply {number}: {}", reply.escape_ascii());
        }
        sending.join().unwrap();
    });
}

#[test]
fn inline_commands_work_as_by_telnet() {
    at_each_core_count(|server| {
        let mut wire = server.connect_tcp();
        wire.send(b"PING\r\n\r\nset  greeting \"hello \\x41\\n\"\nGET greeting\r\nECHO 'it''s'\r\n");
        assert_eq!(wire.reply(), b"+PONG\r\n");
        assert_eq!(wire.reply(), b"+OK\r\n");
        assert_eq!(wire.reply(), b"$8\r\nhello A\n\r\n");
        assert_eq!(wire.reply(), b"-ERR Protocol error: unbalanced quotes in request\r\n");
        assert_eq!(wire.rest(), b"");
    });
}

#[test]
fn hello_3_changes_the_types_of_replies() {
    at_each_core_count(|server| {
        let mut wire = server.connect_tcp();
        assert_eq!(wire.ask("GET missing"), "$-1\r\n");
        assert!(wire.ask("HELLO 3").starts_with("%7\r\n$6\r\nserver\r\n"));
        assert_eq!(wire.ask("GET missing"), "_\r\n");
        assert_eq!(wire.ask("MGET missing also"), "*2\r\n_\r\n_\r\n");
        assert!(wire.ask("CONFIG GET maxclients").starts_with("%1\r\n"));
        assert!(wire.ask("HELLO 2").starts_with("*14\r\n"));
        assert_eq!(wire.ask("GET missing"), "$-1\r\n");
        assert_eq!(wire.ask("HELLO 4"), "-NOPROTO unsupported protocol version\r\n");
    });
}

#[test]
fn a_value_of_64_megabytes_comes_back_whole() {
    for cores in [1, 2] {
        let server = Server::medusa(cores);
        let mut wire = server.connect();
        let mut prng = Prng::new(5);
        let block: Vec<u8> = (0..1 << 16).map(|_| prng.next_u64() as u8).collect();
        let value = block.repeat((64 << 20) / block.len());
        for key in ["big:1", "big:2", "big:3"] {
            assert_eq!(wire.call(&[b"SET", key.as_bytes(), &value]), b"+OK\r\n");
            assert_eq!(wire.call(&["STRLEN", key]), format!(":{}\r\n", value.len()).into_bytes());
            let reply = wire.call(&["GET", key]);
            let header = format!("${}\r\n", value.len());
            assert!(
                reply.starts_with(header.as_bytes()) && reply[header.len()..reply.len() - 2] == value,
                "{key}"
            );
            assert_eq!(wire.call(&["DEL", key]), b":1\r\n");
        }
    }
}

#[test]
fn a_value_above_512_megabytes_is_refused_before_it_is_sent() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        wire.send(b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$536870913\r\n");
        assert_eq!(wire.reply(), b"-ERR Protocol error: invalid bulk length\r\n");
        assert_eq!(wire.rest(), b"");
        let mut wire = server.connect();
        let expected = b"-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
        assert_eq!(wire.call(&["SETRANGE", "big", "536870912", "x"]), expected);
        assert_eq!(wire.ask("EXISTS big"), ":0\r\n");
    });
}

#[test]
fn keys_and_values_are_any_bytes() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        let all: Vec<u8> = (0..=255).collect();
        for first in 0..=255u8 {
            let key = [&[first], &all[..]].concat();
            assert_eq!(wire.call(&[b"SET", &key[..], &all]), b"+OK\r\n");
        }
        let mut expected = b"$256\r\n".to_vec();
        expected.extend_from_slice(&all);
        expected.extend_from_slice(b"\r\n");
        for first in 0..=255u8 {
            assert_eq!(wire.call(&[b"GET", &[&[first], &all[..]].concat()[..]]), expected);
        }
    });
}

#[test]
fn quit_answers_what_came_before_it_and_closes() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        wire.send(b"SET a 1\r\nGET a\r\nQUIT\r\nGET a\r\n");
        assert_eq!(wire.rest(), b"+OK\r\n$1\r\n1\r\n+OK\r\n");
    });
}

#[test]
fn a_closed_writing_side_still_gets_its_replies() {
    at_each_core_count(|server| {
        let mut wire = server.connect_tcp();
        wire.send(b"PING\r\nGET a\r\nGET b\r\nGET c\r\n");
        let first = wire.reply();
        assert_eq!(first, b"+PONG\r\n");
        wire.shut_writing();
        // Redis closes at once; whatever comes must be whole replies in order, then the end.
        let rest = wire.rest();
        assert!(b"$-1\r\n$-1\r\n$-1\r\n".starts_with(&rest[..]), "{}", rest.escape_ascii());
    });
}

#[test]
fn expired_keys_vanish_by_themselves() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        for number in 0..400 {
            wire.command(&["SET", &format!("key:{number}"), "x", "PX", "50"]);
        }
        for _ in 0..400 {
            assert_eq!(wire.reply(), b"+OK\r\n");
        }
        // Nobody reads them: the active cycle must.
        crate::common::until("400 keys expire unread", || wire.ask("DBSIZE") == ":0\r\n");
    });
}
