//! What no client should send: each line of a table gets the same answer as from Redis, and the server
//! goes on serving everybody else.

use crate::common::{Server, Wire};
use std::time::Duration;

/// What to send, and what for.
#[rustfmt::skip]
const INPUTS: &[(&str, &[u8])] = &[
    ("an array of nothing", b"*0\r\nPING\r\n"),
    ("an array of less than nothing", b"*-1\r\nPING\r\n"),
    ("an array far below nothing", b"*-10\r\nPING\r\n"),
    ("empty lines", b"\r\n\r\n\nPING\r\n"),
    ("a bare newline ends an inline command", b"PING\n"),
    ("spaces only", b"   \r\nPING\r\n"),
    ("an array length that is no number", b"*abc\r\n"),
    ("an array length without digits", b"*\r\nPING\r\n"),
    ("an array length with a plus", b"*+1\r\n$4\r\nPING\r\n"),
    ("an array length with a leading zero", b"*01\r\n$4\r\nPING\r\n"),
    ("an array length with a space", b"* 1\r\n$4\r\nPING\r\n"),
    ("an array of 2^31", b"*2147483648\r\n"),
    ("an array of 2^63", b"*9223372036854775808\r\n"),
    ("an array length that overflows", b"*99999999999999999999999\r\n"),
    ("a bulk length that is no number", b"*1\r\n$abc\r\n"),
    ("a negative bulk length", b"*1\r\n$-1\r\n"),
    ("a bulk length without digits", b"*1\r\n$\r\n"),
    ("a bulk length with a plus", b"*1\r\n$+4\r\nPING\r\n"),
    ("a bulk length with a leading zero", b"*1\r\n$04\r\nPING\r\n"),
    ("a bulk above 512 MB", b"*1\r\n$536870913\r\n"),
    ("a bulk of 2^63", b"*2\r\n$3\r\nGET\r\n$9223372036854775808\r\n"),
    ("something else than a bulk", b"*1\r\n:4\r\nPING\r\n"),
    ("an inline word instead of a bulk", b"*2\r\n$4\r\nECHO\r\nhello\r\n"),
    ("an array instead of a bulk", b"*1\r\n*1\r\n$4\r\nPING\r\n"),
    ("a NUL instead of a bulk", b"*1\r\n\x00\r\n"),
    ("a bulk whose end is missing is taken by its length", b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n"),
    ("quotes that are not closed", b"SET a \"b\r\n"),
    ("quotes closed in the middle of a word", b"SET a \"b\"c\r\n"),
    ("single quotes that are not closed", b"GET 'a\r\n"),
    ("an escape at the end of quotes", b"ECHO \"a\\\"\r\n"),
    ("hexadecimal escapes", b"ECHO \"\\x41\\xzz\\n\\q\"\r\n"),
    ("an empty quoted name", b"\"\" a b\r\n"),
    ("an unknown command with hostile words", b"*3\r\n$4\r\nev\r\n\r\n$2\r\n\r\n\r\n$1\r\n\x00\r\n"),
    ("a name of no bytes", b"*1\r\n$0\r\n\r\n"),
    ("RESP3 where a request is due", b"%1\r\n$1\r\na\r\n$1\r\nb\r\n"),
    ("a reply where a request is due", b"+OK\r\n"),
    ("binary rubbish with a newline", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n"),
    ("good commands before a bad one are answered", b"PING\r\nECHO a\r\n*1\r\n$x\r\nPING\r\n"),
    ("an HTTP request of another site's page", b"POST / HTTP/1.1\r\nHost: localhost:6379\r\n\r\n"),
    ("an HTTP header alone", b"Host: localhost\r\nPING\r\n"),
    ("a command of many words", b"DEL a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k\r\n"),
];

/// What comes back until nothing does, and whether the connection was closed.
fn answer(server: &Server, pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let mut wire: Wire = server.connect_tcp();
    for piece in pieces {
        if wire.try_send(piece).is_err() {
            break;
        }
    }
    // A command that is answered surely, unless what came before it closed the connection or waits.
    let _ = wire.try_send(b"\r\nECHO end-of-test\r\n");
    wire.set_patience(Duration::from_millis(400));
    let mut replies = Vec::new();
    loop {
        match wire.try_reply() {
            Ok(reply) => {
                let last = reply == b"$11\r\nend-of-test\r\n";
                replies.extend_from_slice(&reply);
                if last {
                    return (replies, false);
                }
            }
            Err(error) => {
                let closed = matches!(
                    error.kind(),
                    std::io::ErrorKind::UnexpectedEof
                        | std::io::ErrorKind::ConnectionReset
                        | std::io::ErrorKind::BrokenPipe
                );
                return (replies, closed);
            }
        }
    }
}

#[test]
fn malformed_input_is_answered_as_redis_does() {
    let reference = Server::redis();
    for cores in [1, 2] {
        let mut server = Server::medusa(cores);
        for (what, input) in INPUTS {
            let expected = answer(&reference, &[input]);
            let shown =
                |(bytes, closed): &(Vec<u8>, bool)| format!("{} closed: {closed}", bytes.escape_ascii());
            let whole = answer(&server, &[input]);
            assert_eq!(shown(&whole), shown(&expected), "{what}, at {cores} cores: {}", input.escape_ascii());
            let (left, right) = input.split_at(input.len() / 2);
            let halves = answer(&server, &[left, right]);
            assert_eq!(shown(&halves), shown(&expected), "{what}, in halves: {}", input.escape_ascii());
            assert_eq!(server.connect().ask("PING"), "+PONG\r\n", "after {what}");
        }
        assert!(server.lives());
    }
}

#[test]
fn lines_without_an_end_are_cut_off() {
    let reference = Server::redis();
    let endless_inline = vec![b'a'; 70 << 10];
    let endless_array = [&b"*1"[..], &vec![b'1'; 70 << 10]].concat();
    let endless_bulk = [&b"*1\r\n$"[..], &vec![b'1'; 70 << 10]].concat();
    for cores in [1, 2] {
        let server = Server::medusa(cores);
        for input in [&endless_inline, &endless_array, &endless_bulk] {
            let replies = [&server, &reference].map(|server| {
                let mut wire = server.connect();
                // The server may close while we still write.
                let _ = wire.try_send(input);
                wire.rest()
            });
            assert_eq!(replies[0].escape_ascii().to_string(), replies[1].escape_ascii().to_string());
        }
        assert_eq!(server.connect().ask("PING"), "+PONG\r\n");
    }
}

#[test]
fn random_bytes_never_stop_the_server() {
    let mut prng = medusa::base::prng::Prng::new(99);
    for cores in [1, 2] {
        let mut server = Server::medusa(cores);
        for _ in 0..200 {
            let mut wire = server.connect();
            let len = 1 + prng.below(400) as usize;
            // Bytes that mean something to a parser come often.
            let input: Vec<u8> = (0..len)
                .map(|_| match prng.below(3) {
                    0 => prng.next_u64() as u8,
                    1 => *prng.pick(b"*$-0123456789\r\n"),
                    _ => *prng.pick(b"\r\nGETSDLPING \"'\\x"),
                })
                .collect();
            let _ = wire.try_send(&input);
            if prng.one_in(2) {
                wire.shut_writing();
                wire.rest();
            }
        }
        assert!(server.lives(), "{}", server.log());
        assert_eq!(server.connect().ask("PING"), "+PONG\r\n");
    }
}
