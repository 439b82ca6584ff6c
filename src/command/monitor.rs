//! MONITOR: a client that is shown every command, and what of a command may be shown.
//!
//! Every core has the list of watchers, so that whoever runs a command can send the line without
//! asking. Passwords are shown nowhere: neither here nor in the slow log.

use super::core::Core;
use super::spec::{CoresFn, Flags, Group, Spec};
use crate::base::args::{Args, OwnedArgs};
use crate::base::clock::Now;
use crate::base::words::quote;
use crate::session::{Monitor, Remote, Session};
use std::io::Write;

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[Spec::cores("monitor", MONITOR)
    .arity(1)
    .flags(Flags::ADMIN.and(Flags::NO_SCRIPT).and(Flags::LOADING).and(Flags::STALE))
    .doc(Group::Server, "1.0.0", "O(1)", "Shows every command that is run, from now on.")];

/// `MONITOR`.
const MONITOR: CoresFn = CoresFn {
    check: |core, _args, _reply| {
        let session = core.me();
        // Asked again, Redis answers nothing.
        Ok(std::mem::replace(&mut session.monitor, true))
    },
    part: |core, _args| {
        forget(core);
        let at = Remote { core: core.caller_core, connection: core.caller };
        core.clients.monitors.push(Monitor { at });
        Box::new(())
    },
    fold: |_core, _args, _parts, reply| {
        reply.ok();
        Ok(())
    },
};

/// Takes the caller off this core's list of watchers.
pub(super) fn forget(core: &mut Core<'_>) {
    let caller = Remote { core: core.caller_core, connection: core.caller };
    core.clients.monitors.retain(|monitor| monitor.at != caller);
}

/// What a watcher is sent for a command of `session`, encoded as a status: time, database, client, quoted
/// words. Secrets are hidden.
pub fn monitor_line(now: Now, session: &Session, args: Args<'_>) -> Vec<u8> {
    let mut line = Vec::with_capacity(64 + args.bytes_len());
    let address = &session.address;
    let (seconds, micros) = (now.unix_s(), now.unix_us % 1_000_000);
    let client = match address.peer.strip_suffix(":0") {
        Some(path) if address.unix => format!("unix:{path}"),
        _ => address.peer.clone(),
    };
    // Writing to a Vec cannot fail.
    let _ = write!(line, "+{seconds}.{micros:06} [{} {client}]", session.db);
    let shown = redacted(args);
    for word in shown.as_ref().map_or(args, OwnedArgs::view).from(0) {
        line.push(b' ');
        quote(word, &mut line);
    }
    line.extend_from_slice(b"\r\n");
    line
}

/// The command with its secrets hidden; `None` when it has none. For MONITOR and the slow log.
pub fn redacted(args: Args<'_>) -> Option<OwnedArgs> {
    let secret: Box<dyn Fn(usize) -> bool> = if args.is(0, "auth") {
        Box::new(|at| at > 0)
    } else if args.is(0, "hello") {
        let auth = (2..args.len()).find(|at| args.is(*at, "auth"))?;
        Box::new(move |at| at == auth + 1 || at == auth + 2)
    } else if args.is(0, "config") && args.is(1, "set") {
        let is_secret = |at: usize| crate::config::row(args.at(at)).is_some_and(|row| row.is_secret());
        Box::new(move |at| at > 2 && at % 2 == 1 && is_secret(at - 1))
    } else {
        return None;
    };
    if !(0..args.len()).any(&secret) {
        return None;
    }
    let words = args.from(0).enumerate();
    Some(OwnedArgs::collect(words.map(|(at, word)| if secret(at) { b"(redacted)".as_slice() } else { word })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::ClientId;
    use crate::session::Address;
    use crate::testing::check;

    fn line(address: Address, words: &[&[u8]]) -> String {
        let now = Now { unix_us: 1_795_407_257_002_715, mono_ns: 0 };
        let args = OwnedArgs::collect(words.iter().copied());
        let mut session = Session::new(ClientId(1), address, true, now);
        session.db = 3;
        String::from_utf8(monitor_line(now, &session, args.view())).unwrap()
    }

    fn shown(words: &[&[u8]]) -> String {
        line(Address { peer: "127.0.0.1:59430".into(), ..Address::default() }, words)
    }

    /// Frozen from redis-server 7.0.15.
    #[test]
    fn lines_are_those_of_redis() {
        assert_eq!(
            shown(&[b"SET", b"a", b"b\x00\xff\"\\\n\t\x07"]),
            "+1795407257.002715 [3 127.0.0.1:59430] \"SET\" \"a\" \"b\\x00\\xff\\\"\\\\\\n\\t\\a\"\r\n"
        );
        assert_eq!(shown(&[b"ECHO", b""]), "+1795407257.002715 [3 127.0.0.1:59430] \"ECHO\" \"\"\r\n");
    }

    #[test]
    fn secrets_are_hidden() {
        let words = |words: &[&[u8]]| shown(words).split_once("] ").unwrap().1.trim_end().to_owned();
        assert_eq!(words(&[b"AUTH", b"x"]), r#""AUTH" "(redacted)""#);
        assert_eq!(
            words(&[b"HELLO", b"3", b"AUTH", b"default", b"pp", b"SETNAME", b"x"]),
            r#""HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "x""#
        );
        assert_eq!(
            words(&[b"CONFIG", b"SET", b"requirepass", b"x", b"timeout", b"0"]),
            r#""CONFIG" "SET" "requirepass" "(redacted)" "timeout" "0""#
        );
        assert_eq!(words(&[b"HELLO", b"3"]), r#""HELLO" "3""#);
    }

    #[test]
    fn a_client_of_the_unix_socket_says_so() {
        let address = Address { peer: "/tmp/medusa.sock:0".into(), unix: true, ..Address::default() };
        assert_eq!(line(address, &[b"PING"]), "+1795407257.002715 [3 unix:/tmp/medusa.sock] \"PING\"\r\n");
    }

    #[test]
    fn a_watcher_sees_commands_of_every_core_but_not_those_of_operators() {
        check(
            r#"
            > MONITOR  OK
            2> SET a 1  OK
            2> CLIENT LIST ID 0  ""
            > MONITOR
                17*
            "#,
        );
    }
}
