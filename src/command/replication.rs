//! What is asked of a server that may have replicas and a master: Medusa has neither.

use super::core::Core;
use super::error::CommandError;
use super::spec::{Flags, Group, Spec};
use crate::base::args::Args;
use crate::command::args::integer;
use crate::resp::reply::Reply;

const OPERATOR: Flags = Flags::ADMIN.and(Flags::NO_SCRIPT).and(Flags::STALE);

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[
    Spec::connection("role", role)
        .arity(1)
        .flags(Flags::NO_SCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST))
        .categories(&["admin", "dangerous"])
        .doc(Group::Server, "2.8.12", "O(1)", "Says that the server is a master, and has no replicas."),
    Spec::connection("failover", failover)
        .arity(-1)
        .flags(OPERATOR)
        .usage("[TO <host:string port:integer [FORCE]>] [ABORT] [TIMEOUT milliseconds:integer]")
        .doc(Group::Server, "6.2.0", "O(1)", "Would make a replica the master; there are none."),
    Spec::connection("replicaof", replica_of)
        .arity(3)
        .flags(OPERATOR.and(Flags::NO_ASYNC_LOADING))
        .usage("<host:string port:integer|NO ONE>")
        .doc(Group::Server, "5.0.0", "O(1)", "NO ONE leaves the server a master; it cannot follow one."),
    Spec::connection("slaveof", replica_of)
        .arity(3)
        .flags(OPERATOR.and(Flags::NO_ASYNC_LOADING))
        .usage("<host:string port:integer|NO ONE>")
        .deprecated("5.0.0", "`REPLICAOF`")
        .doc(Group::Server, "1.0.0", "O(1)", "The former name of REPLICAOF."),
];

/// `ROLE`.
fn role(_core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Result<(), CommandError> {
    reply.array(3);
    reply.text("master");
    // How much the replicas would have been sent.
    reply.integer(0);
    reply.array(0);
    Ok(())
}

/// `FAILOVER [TO host port [FORCE]] [TIMEOUT milliseconds] | FAILOVER ABORT`.
fn failover(_core: &mut Core<'_>, args: Args<'_>, _reply: &mut Reply<'_>) -> Result<(), CommandError> {
    if args.len() == 2 && args.is(1, "abort") {
        return Err(CommandError::Text("ERR No failover in progress."));
    }
    let (mut at, mut timed, mut aimed, mut forced) = (1, false, false, false);
    while at < args.len() {
        let following = args.len() - at - 1;
        if args.is(at, "timeout") && following >= 1 && !timed {
            if integer(args.at(at + 1))? <= 0 {
                return Err(CommandError::Text("ERR FAILOVER timeout must be greater than 0"));
            }
            timed = true;
            at += 2;
        } else if args.is(at, "to") && following >= 2 && !aimed {
            integer(args.at(at + 2))?;
            aimed = true;
            at += 3;
        } else if args.is(at, "force") && !forced {
            forced = true;
            at += 1;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    Err(CommandError::Text("ERR FAILOVER requires connected replicas."))
}

/// `REPLICAOF NO ONE | REPLICAOF host port`.
fn replica_of(_core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Result<(), CommandError> {
    if args.is(1, "no") && args.is(2, "one") {
        reply.ok();
        return Ok(());
    }
    match integer(args.at(2)) {
        Ok(0..=65_535) => Err(CommandError::Text("ERR Medusa cannot follow a master: it does not replicate")),
        _ => Err(CommandError::Text("ERR Invalid master port")),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_server_without_replicas_is_a_master() {
        check(
            r#"
            > ROLE
            1) "master"
            2) (integer) 0
            3) (empty array)
            > REPLICAOF no ONE  OK
            > SLAVEOF NO one  OK
            > REPLICAOF NO TWO  (error) ERR Invalid master port
            > REPLICAOF host 65536  (error) ERR Invalid master port
            > REPLICAOF host 6379  (error) ERR Medusa cannot follow a master: it does not replicate
            "#,
        );
    }

    #[test]
    fn a_failover_needs_replicas() {
        check(
            r#"
            > FAILOVER  (error) ERR FAILOVER requires connected replicas.
            > FAILOVER TO host 1 FORCE TIMEOUT 5  (error) ERR FAILOVER requires connected replicas.
            > FAILOVER FORCE  (error) ERR FAILOVER requires connected replicas.
            > FAILOVER ABORT  (error) ERR No failover in progress.
            > FAILOVER ABORT x  (error) ERR syntax error
            > FAILOVER TO host 1 TO host 1  (error) ERR syntax error
            > FAILOVER TO host x  (error) ERR value is not an integer or out of range
            > FAILOVER TIMEOUT 0  (error) ERR FAILOVER timeout must be greater than 0
            > FAILOVER TIMEOUT 5 TIMEOUT 5  (error) ERR syntax error
            "#,
        );
    }
}
