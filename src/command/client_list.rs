//! CLIENT LIST and CLIENT INFO: one line per connection, in Redis 7.0's fields and order, plus the
//! library's name and version as 7.2 has them.
//!
//! Fields of things that do not exist here say so: no channel is subscribed, no transaction is open.
//! `tot-mem` counts the session and its buffers.

use super::client::{ADMIN, CATEGORIES};
use super::connection::quoting;
use super::core::Core;
use super::error::{CommandError, CommandResult};
use super::spec::{CoresFn, Group, Spec};
use crate::base::args::Args;
use crate::base::ids::ClientId;
use crate::base::number::parse_i64;
use crate::resp::Protocol;
use crate::resp::reply::Reply;
use crate::session::{Intent, Session};
use std::fmt::Write;

pub(super) const fn list_row(run: CoresFn) -> Spec {
    Spec::cores("list", run)
        .arity(-2)
        .flags(ADMIN)
        .categories(CATEGORIES)
        .tips(&["nondeterministic_output"])
        .usage("[TYPE <NORMAL|MASTER|REPLICA|PUBSUB>] [ID client-id [client-id ...]]")
        .doc(Group::Connection, "2.4.0", "O(N) in the number of connections", "Describes open connections.")
}

/// Classes of clients, by the names that commands and limits use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Everybody; who watches commands too.
    Normal,
    /// Connections to a primary: none.
    Master,
    /// Connections of replicas: none.
    Replica,
    /// Subscribers: none.
    PubSub,
}

impl Class {
    /// The class of that name, in any case.
    pub(super) fn named(name: &[u8]) -> Option<Class> {
        let classes = [
            ("normal", Class::Normal),
            ("master", Class::Master),
            ("replica", Class::Replica),
            ("slave", Class::Replica),
            ("pubsub", Class::PubSub),
        ];
        let found = classes.iter().find(|(class, _)| name.eq_ignore_ascii_case(class.as_bytes()));
        found.map(|(_, class)| *class)
    }

    /// Parses, or answers Redis's error.
    pub(super) fn parse(name: &[u8], reply: &mut Reply<'_>) -> Result<Class, CommandError> {
        Class::named(name).ok_or_else(|| quoting(reply, "ERR Unknown client type '", name, "'"))
    }
}

/// `CLIENT INFO`.
pub(super) fn info(core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let now_s = core.now.unix_s();
    let line = line(core.me(), now_s);
    reply.verbatim("txt", line.as_bytes());
    Ok(())
}

/// `CLIENT LIST [TYPE class | ID id ...]`: by id, or in the order of the ids asked for.
pub(super) const LIST: CoresFn = CoresFn {
    check: |_core, args, reply| {
        match (args.len(), args.is(2, "type"), args.is(2, "id")) {
            (2, ..) => {}
            (4, true, _) => {
                Class::parse(args.at(3), reply)?;
            }
            (4.., _, true) => {
                ids(args)?;
            }
            _ => return Err(CommandError::Syntax),
        }
        Ok(false)
    },
    part: |core, args| {
        // Sorted, so that many ids against many connections stay cheap.
        let wanted = if args.is(2, "id") { ids(args).ok() } else { None };
        let wanted = wanted.map(|mut ids| {
            ids.sort_unstable();
            ids
        });
        let class = if args.is(2, "type") { Class::named(args.at(3)) } else { None };
        let now_s = core.now.unix_s();
        let lines: Vec<(ClientId, String)> = core
            .clients
            .iter()
            .map(|(_, session)| session)
            .filter(|session| {
                wanted.as_ref().is_none_or(|ids| ids.binary_search(&(session.id.0 as i64)).is_ok())
            })
            .filter(|_| class.is_none_or(|class| class == Class::Normal))
            .map(|session| (session.id, line(session, now_s)))
            .collect();
        Box::new(lines)
    },
    fold: |_core, args, parts, reply| {
        let mut lines: Vec<(ClientId, String)> = parts
            .into_iter()
            .filter_map(|part| part.downcast::<Vec<(ClientId, String)>>().ok())
            .flat_map(|lines| *lines)
            .collect();
        lines.sort_by_key(|(id, _)| *id);
        let mut text = String::new();
        if args.is(2, "id") {
            for id in ids(args)? {
                let found = lines.binary_search_by_key(&id, |(id, _)| id.0 as i64);
                text.push_str(found.map_or("", |at| &lines[at].1));
            }
        } else {
            text.extend(lines.into_iter().map(|(_, line)| line));
        }
        reply.verbatim("txt", text.as_bytes());
        Ok(())
    },
};

fn ids(args: Args<'_>) -> Result<Vec<i64>, CommandError> {
    let invalid = CommandError::Text("ERR Invalid client ID");
    args.from(3).map(|word| parse_i64(word).ok_or(invalid)).collect()
}

/// One connection's line, its line feed included.
fn line(session: &Session, now_s: u64) -> String {
    let mut text = String::with_capacity(384);
    let memory = size_of::<Session>()
        + session.name.capacity()
        + session.input_bytes
        + session.input_free
        + session.output_bytes;
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 multi={} qbuf={} \
         qbuf-free={} argv-mem={} multi-mem=0 rbs=0 rbp=0 obl={} oll=0 omem={} tot-mem={memory} events={} cmd={} \
         user=default redir=-1 resp={} lib-name={} lib-ver={}",
        session.id.0,
        session.address.peer,
        session.address.local,
        session.address.fd,
        session.name,
        now_s.saturating_sub(session.created_s),
        now_s.saturating_sub(session.active_s),
        flags(session),
        session.db,
        session.queued,
        session.input_bytes,
        session.input_free,
        session.argument_bytes,
        session.output_bytes,
        session.output_bytes,
        if session.output_bytes > 0 { "rw" } else { "r" },
        session.last_command,
        if session.protocol == Protocol::Resp3 { 3 } else { 2 },
        session.library_name,
        session.library_version,
    );
    text.push('\n');
    text
}

/// Redis's letters, in its order.
fn flags(session: &Session) -> String {
    let letters = [
        ('O', session.monitor),
        ('x', session.queued >= 0),
        ('b', session.paused || session.blocked),
        ('c', session.intent == Intent::CloseAfterOutput),
        ('A', session.intent == Intent::CloseNow),
        ('U', session.address.unix),
        ('e', session.no_evict),
    ];
    let set: String = letters.iter().filter(|(_, on)| *on).map(|(letter, _)| *letter).collect();
    if set.is_empty() { "N".to_owned() } else { set }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Now;
    use crate::session::Address;
    use crate::testing::check;

    #[test]
    fn a_line_has_the_fields_of_redis_in_its_order() {
        let address = Address {
            peer: "127.0.0.1:36454".into(),
            local: "127.0.0.1:26000".into(),
            fd: 8,
            ..Address::default()
        };
        let mut session = Session::new(ClientId(8), address, true, Now { unix_us: 5_000_000, mono_ns: 0 });
        session.last_command = "client|info";
        session.library_name = "redis-py".into();
        let line = line(&session, 8);
        let (shown, memory) = line.split_once(" tot-mem=").unwrap();
        assert_eq!(
            shown,
            "id=8 addr=127.0.0.1:36454 laddr=127.0.0.1:26000 fd=8 name= age=3 idle=3 flags=N db=0 sub=0 psub=0 ssub=0 \
             multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0"
        );
        let (_, rest) = memory.split_once(' ').unwrap();
        assert_eq!(
            rest,
            "events=r cmd=client|info user=default redir=-1 resp=2 lib-name=redis-py lib-ver=\n"
        );
    }

    #[test]
    fn flags_are_letters_or_n() {
        let mut session = Session::new(ClientId(1), Address::default(), true, Now::default());
        assert_eq!(flags(&session), "N");
        session.monitor = true;
        session.no_evict = true;
        session.address.unix = true;
        assert_eq!(flags(&session), "OUe");
    }

    #[test]
    fn the_list_can_be_narrowed_to_a_class_or_to_ids() {
        check(
            r#"
            > CLIENT LIST x  (error) ERR syntax error
            > CLIENT LIST TYPE  (error) ERR syntax error
            > CLIENT LIST TYPE x  (error) ERR Unknown client type 'x'
            > CLIENT LIST TYPE normal x  (error) ERR syntax error
            > CLIENT LIST TYPE pubsub  ""
            > CLIENT LIST TYPE replica  ""
            > CLIENT LIST ID  (error) ERR syntax error
            > CLIENT LIST ID x  (error) ERR Invalid client ID
            > CLIENT LIST ID 0 -1  ""
            > CLIENT LIST  "id=*
            > CLIENT INFO  "id=*
            "#,
        );
    }
}
