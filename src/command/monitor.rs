//! What MONITOR shows: one line per command, as it arrives at its client's core.

use crate::base::args::Args;
use crate::base::clock::Now;
use crate::session::Session;
use std::io::Write;

/// The line for a command of `session`, encoded as a simple string.
pub fn monitor_line(now: Now, session: &Session, args: Args<'_>) -> Vec<u8> {
    let mut line = Vec::with_capacity(64 + args.bytes_len());
    let (seconds, micros) = (now.unix_s(), now.unix_us % 1_000_000);
    let unix = if session.address.unix { "unix:" } else { "" };
    let peer = session.address.peer.strip_suffix(":0").filter(|_| session.address.unix);
    let peer = peer.unwrap_or(&session.address.peer);
    let _ = write!(line, "+{seconds}.{micros:06} [{} {unix}{peer}]", session.db);
    for word in args.from(0) {
        line.push(b' ');
        quote(word, &mut line);
    }
    line.extend_from_slice(b"\r\n");
    line
}

/// A word in double quotes, with escapes for what cannot be printed.
fn quote(word: &[u8], out: &mut Vec<u8>) {
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
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::args::OwnedArgs;
    use crate::base::ids::ClientId;
    use crate::session::Address;

    #[test]
    fn a_line_has_the_time_the_database_the_address_and_the_quoted_words() {
        let now = Now { unix_us: 1_700_000_000_000_042, mono_ns: 0 };
        let address = Address { peer: "127.0.0.1:5000".into(), ..Address::default() };
        let mut session = Session::new(ClientId(1), address, true, now);
        session.db = 3;
        let args = OwnedArgs::collect([&b"set"[..], b"a\"b", b"\x00\n\xff"]);
        let line = monitor_line(now, &session, args.view());
        let expected = "+1700000000.000042 [3 127.0.0.1:5000] \"set\" \"a\\\"b\" \"\\x00\\n\\xff\"\r\n";
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
