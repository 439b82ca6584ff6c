//! Waiting that is not for keys: CLIENT UNBLOCK ends another's, WAIT waits for replicas.

use super::client::{ADMIN, CATEGORIES};
use super::core::Core;
use super::error::CommandError;
use super::spec::{CoresFn, Flags, Group, Hop, Next, Spec, Waits};
use crate::base::args::{Args, OwnedArgs};
use crate::base::ids::ClientId;
use crate::command::args::integer;
use crate::command::connection::bad_subcommand;
use crate::command::waits::until_ms;
use crate::resp::reply::Reply;
use crate::session::Unblock;

pub(super) const fn unblock_row() -> Spec {
    Spec::cores("unblock", UNBLOCK)
        .arity(-3)
        .flags(ADMIN)
        .categories(CATEGORIES)
        .usage("client-id:integer [<TIMEOUT|ERROR>]")
        .doc(
            Group::Connection,
            "5.0.0",
            "O(log N) where N is the number of client connections",
            "Ends the wait of another connection.",
        )
}

/// The rows of this family.
pub(super) const ROWS: &[Spec] = &[Spec::waits(
    "wait",
    Waits {
        attempt: wait,
        until: |args, now| {
            integer(args.at(1))?;
            until_ms(args.at(2), now)
        },
        keys: |_| Default::default(),
        narrow: |args, _| OwnedArgs::copy(args),
        timeout: |reply| reply.integer(0),
        denied: |reply| reply.integer(0),
    },
)
.arity(3)
.flags(Flags::NO_SCRIPT)
.categories(&["connection"])
.usage("numreplicas:integer timeout:integer")
.tips(&["request_policy:all_shards", "response_policy:agg_min"])
.doc(
    Group::Generic,
    "3.0.0",
    "O(1)",
    "Waits until so many replicas have what the connection wrote; there are none.",
)];

/// `WAIT numreplicas timeout`: how many replicas have it all, 0, at once if none is asked for and else when time
/// is up.
fn wait(args: Args<'_>, _hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    if integer(args.at(1))? > 0 {
        return Ok(Next::Wait(None));
    }
    reply.integer(0);
    Ok(Next::Done)
}

/// `CLIENT UNBLOCK client-id [TIMEOUT|ERROR]`: 1 if that client waited.
const UNBLOCK: CoresFn = CoresFn {
    check: |_core, args, reply| {
        if args.len() > 4 {
            return Err(bad_subcommand(reply, args, "CLIENT"));
        }
        parse(args).map(|_| false)
    },
    part: |core, args| Box::new(unblock(core, args)),
    fold: |_core, _args, parts, reply| {
        let any = parts.into_iter().filter_map(|part| part.downcast::<bool>().ok()).any(|waited| *waited);
        reply.integer(i64::from(any));
        Ok(())
    },
};

fn parse(args: Args<'_>) -> Result<(i64, Unblock), CommandError> {
    let how = match args.len() {
        3 => Unblock::Timeout,
        4 if args.is(3, "timeout") => Unblock::Timeout,
        4 if args.is(3, "error") => Unblock::Error,
        4 => return Err(CommandError::Text("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
        _ => return Err(CommandError::Syntax),
    };
    Ok((integer(args.at(2))?, how))
}

fn unblock(core: &mut Core<'_>, args: Args<'_>) -> bool {
    let Ok((id, how)) = parse(args) else { return false };
    let Ok(id) = u64::try_from(id) else { return false };
    let found = core.clients.iter().find(|(_, session)| session.id == ClientId(id) && session.blocked);
    let Some(at) = found.map(|(at, _)| at) else { return false };
    if let Some(session) = core.clients.get_mut(at) {
        session.unblock = Some(how);
    }
    core.clients.changed.push(at);
    true
}
