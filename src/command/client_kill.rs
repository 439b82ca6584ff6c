//! CLIENT KILL, in its old form (an address) and its new one (filters that must all fit).

use super::client::{ADMIN, CATEGORIES};
use super::client_list::Class;
use super::connection::quoting;
use super::core::Core;
use super::error::CommandError;
use super::spec::{CoresFn, Group, Spec};
use crate::base::args::Args;
use crate::base::number::parse_i64;
use crate::resp::reply::Reply;
use crate::session::{Intent, Session};

pub(super) const fn kill_row(run: CoresFn) -> Spec {
    Spec::cores("kill", run)
        .arity(-3)
        .flags(ADMIN)
        .categories(CATEGORIES)
        .usage(
            "<ip:port|[ID client-id] [TYPE <NORMAL|MASTER|SLAVE|REPLICA|PUBSUB>] [USER username] [ADDR ip:port] \
             [LADDR ip:port] [SKIPME yes/no]>",
        )
        .doc(Group::Connection, "2.4.0", "O(N) in the number of connections", "Closes other connections.")
}

/// Whom to close: everybody whom all of these fit.
#[derive(Debug, Default, PartialEq, Eq)]
struct Filter<'a> {
    id: Option<i64>,
    class: Option<Class>,
    address: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
    skip_me: bool,
}

/// `CLIENT KILL ip:port`, `CLIENT KILL option value ...`.
pub(super) const KILL: CoresFn = CoresFn {
    check: |_core, args, reply| {
        Filter::parse(args, reply)?;
        Ok(false)
    },
    part: |core, args| Box::new(kill(core, args)),
    fold: |_core, args, parts, reply| {
        let killed: i64 =
            parts.into_iter().filter_map(|part| part.downcast::<i64>().ok()).map(|count| *count).sum();
        match (args.len(), killed) {
            (3, 0) => return Err(CommandError::Text("ERR No such client")),
            (3, _) => reply.ok(),
            _ => reply.integer(killed),
        }
        Ok(())
    },
};

/// Closes whom the words mean on this core; how many those were.
fn kill(core: &mut Core<'_>, args: Args<'_>) -> i64 {
    // Home has checked the words, so they parse here too; nobody reads what this would say.
    let mut unread = Vec::new();
    let Ok(filter) = Filter::parse(args, &mut Reply::new(&mut unread, Default::default())) else { return 0 };
    let me = (core.caller_core == core.id).then_some(core.caller);
    let doomed: Vec<_> = core
        .clients
        .iter()
        .filter(|(at, session)| filter.fits(session) && !(filter.skip_me && me == Some(*at)))
        .map(|(at, _)| at)
        .collect();
    for at in &doomed {
        // Who closes itself still gets the answer.
        let intent = if me == Some(*at) { Intent::CloseAfterOutput } else { Intent::CloseNow };
        core.clients.close(*at, intent);
    }
    doomed.len() as i64
}

impl<'a> Filter<'a> {
    fn parse(args: Args<'a>, reply: &mut Reply<'_>) -> Result<Filter<'a>, CommandError> {
        if args.len() == 3 {
            return Ok(Filter { address: Some(args.at(2)), ..Filter::default() });
        }
        let mut filter = Filter { skip_me: true, ..Filter::default() };
        let mut at = 2;
        while at < args.len() {
            let Some(value) = args.get(at + 1) else { return Err(CommandError::Syntax) };
            if args.is(at, "id") {
                let id = parse_i64(value).filter(|id| *id >= 1);
                let refused = CommandError::Text("ERR client-id should be greater than 0");
                filter.id = Some(id.ok_or(refused)?);
            } else if args.is(at, "type") {
                filter.class = Some(Class::parse(value, reply)?);
            } else if args.is(at, "addr") {
                filter.address = Some(value);
            } else if args.is(at, "laddr") {
                filter.local = Some(value);
            } else if args.is(at, "user") {
                if value != b"default" {
                    return Err(quoting(reply, "ERR No such user '", value, "'"));
                }
            } else if args.is(at, "skipme") {
                filter.skip_me = match (args.is(at + 1, "yes"), args.is(at + 1, "no")) {
                    (true, _) => true,
                    (_, true) => false,
                    _ => return Err(CommandError::Syntax),
                };
            } else {
                return Err(CommandError::Syntax);
            }
            at += 2;
        }
        Ok(filter)
    }

    fn fits(&self, session: &Session) -> bool {
        self.id.is_none_or(|id| id == session.id.0 as i64)
            && self.class.is_none_or(|class| class == Class::Normal)
            && self.address.is_none_or(|address| address == session.address.peer.as_bytes())
            && self.local.is_none_or(|local| local == session.address.local.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::args::OwnedArgs;
    use crate::base::clock::Now;
    use crate::base::ids::ClientId;
    use crate::session::Address;
    use crate::testing::check;

    #[test]
    fn every_filter_has_to_fit() {
        let address =
            Address { peer: "1.2.3.4:5".into(), local: "4.3.2.1:6379".into(), ..Address::default() };
        let session = Session::new(ClientId(7), address, true, Now::default());
        let fits = |words: &[&str]| {
            let args = OwnedArgs::collect(words.iter().map(|word| word.as_bytes()));
            let mut out = Vec::new();
            let filter = Filter::parse(args.view(), &mut Reply::new(&mut out, Default::default()));
            filter.map(|filter| filter.fits(&session))
        };
        assert_eq!(fits(&["client", "kill", "1.2.3.4:5"]), Ok(true));
        assert_eq!(fits(&["client", "kill", "1.2.3.4:6"]), Ok(false));
        assert_eq!(fits(&["client", "kill", "ID", "7", "ADDR", "1.2.3.4:5"]), Ok(true));
        assert_eq!(fits(&["client", "kill", "id", "7", "type", "pubsub"]), Ok(false));
        assert_eq!(fits(&["client", "kill", "laddr", "4.3.2.1:6379"]), Ok(true));
        assert_eq!(fits(&["client", "kill", "id", "7", "skipme"]), Err(CommandError::Syntax));
        assert_eq!(fits(&["client", "kill", "user", "bob"]), Err(CommandError::Replied));
    }

    #[test]
    fn refusals_are_those_of_redis() {
        check(
            r#"
            > CLIENT KILL x  (error) ERR No such client
            > CLIENT KILL ID  (error) ERR No such client
            > CLIENT KILL ID x  (error) ERR client-id should be greater than 0
            > CLIENT KILL ID 0  (error) ERR client-id should be greater than 0
            > CLIENT KILL ID 99999  (integer) 0
            > CLIENT KILL ID 99999 TYPE  (error) ERR syntax error
            > CLIENT KILL TYPE x  (error) ERR Unknown client type 'x'
            > CLIENT KILL TYPE pubsub  (integer) 0
            > CLIENT KILL USER x  (error) ERR No such user 'x'
            > CLIENT KILL ADDR 1.2.3.4:5  (integer) 0
            > CLIENT KILL LADDR 1.2.3.4:5  (integer) 0
            > CLIENT KILL SKIPME x  (error) ERR syntax error
            > CLIENT KILL FOO bar  (error) ERR syntax error
            "#,
        );
    }

    #[test]
    fn the_others_are_closed_and_who_closes_itself_is_answered_first() {
        check(
            r#"
            2> PING  PONG
            3> PING  PONG
            > CLIENT KILL SKIPME YES TYPE normal  (integer) 2
            2> PING
            > CLIENT KILL SKIPME no  (integer) 1
            > PING
            "#,
        );
    }
}
