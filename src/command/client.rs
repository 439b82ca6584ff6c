//! CLIENT: what a connection tells about itself, and what operators do to others.
//!
//! A connection lives on one core, so LIST, KILL and PAUSE ask all of them; the rest stays at home.
//! CLIENT TRACKING is not here, so GETREDIR and TRACKINGINFO say that it is off.

use super::client_kill::{KILL, kill_row};
use super::client_list::{LIST, info, list_row};
use super::client_unblock::unblock_row;
use super::config_cmd::ok;
use super::connection::{bad_subcommand, printable, quoting, set_name};
use super::core::Core;
use super::error::{CommandError, CommandResult};
use super::help;
use super::spec::{CoresFn, Flags, Group, Spec, UNCHECKED};
use crate::base::args::Args;
use crate::base::number::parse_i64;
use crate::resp::reply::Reply;
use crate::session::{Pause, ReplyMode};

/// Flags of every subcommand.
const PLAIN: Flags = Flags::NO_SCRIPT.and(Flags::LOADING).and(Flags::STALE);
/// Flags of those for operators.
pub(super) const ADMIN: Flags = PLAIN.and(Flags::ADMIN);
/// Category of every subcommand.
pub(super) const CATEGORIES: &[&str] = &["connection"];

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[Spec::container("client", SUBCOMMANDS).arity(-2).doc(
    Group::Connection,
    "2.4.0",
    "Depends on subcommand.",
    "Commands about client connections.",
)];

const SUBCOMMANDS: &[Spec] = &[
    plain("getname", get_name, 2, "2.6.9", "Answers the connection's name."),
    plain("getredir", get_redirection, 2, "6.0.0", "Answers to whom invalidations go: nobody, -1."),
    plain("id", id, 2, "5.0.0", "Answers the connection's id."),
    plain("info", info, 2, "6.2.0", "Describes the connection.").tips(&["nondeterministic_output"]),
    kill_row(KILL),
    list_row(LIST),
    plain("no-evict", no_evict, 3, "7.0.0", "Exempts the connection from eviction.")
        .flags(ADMIN)
        .usage("<ON|OFF>"),
    operator("pause", PAUSE, -3, "2.9.50", "Makes clients wait, all or those that write.")
        .usage("timeout [WRITE|ALL]"),
    plain("reply", reply_mode, 3, "3.2.0", "Says which replies the connection wants.").usage("<ON|OFF|SKIP>"),
    plain("setinfo", set_info, 4, "7.2.0", "Notes the client library's name or version.")
        .usage("<LIB-NAME libname|LIB-VER libver>"),
    plain("setname", name, 3, "2.6.9", "Names the connection.").usage("connection-name"),
    plain("trackinginfo", tracking_info, 2, "6.2.0", "Tells whether keys are tracked: they are not."),
    unblock_row(),
    operator("unpause", UNPAUSE, 2, "6.2.0", "Ends a pause."),
    help::row(Group::Connection, "5.0.0", CATEGORIES),
];

const fn plain(
    name: &'static str,
    run: super::spec::ConnectionFn,
    arity: i16,
    since: &'static str,
    summary: &'static str,
) -> Spec {
    let row = Spec::connection(name, run).arity(arity).flags(PLAIN).categories(CATEGORIES);
    row.doc(Group::Connection, since, "O(1)", summary)
}

const fn operator(
    name: &'static str,
    run: CoresFn,
    arity: i16,
    since: &'static str,
    summary: &'static str,
) -> Spec {
    let row = Spec::cores(name, run).arity(arity).flags(ADMIN).categories(CATEGORIES);
    row.doc(Group::Connection, since, "O(1)", summary)
}

/// `CLIENT ID`.
fn id(core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.integer(core.me().id.0 as i64);
    Ok(())
}

/// `CLIENT GETNAME`: null without a name.
fn get_name(core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    match core.me().name.as_str() {
        "" => reply.null(),
        name => reply.text(name),
    }
    Ok(())
}

/// `CLIENT SETNAME name`; an empty one takes the name away.
fn name(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    set_name(core, args.at(2))?;
    reply.ok();
    Ok(())
}

/// `CLIENT SETINFO LIB-NAME|LIB-VER text`.
fn set_info(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let session = core.me();
    let noted = if args.is(2, "lib-name") {
        &mut session.library_name
    } else if args.is(2, "lib-ver") {
        &mut session.library_version
    } else {
        return Err(quoting(reply, "ERR Unrecognized option '", args.at(2), "'"));
    };
    let Some(text) = printable(args.at(3)) else {
        let after = " cannot contain spaces, newlines or special characters.";
        return Err(quoting(reply, "ERR ", args.at(2), after));
    };
    *noted = text.to_owned();
    reply.ok();
    Ok(())
}

/// `CLIENT REPLY ON|OFF|SKIP`: only ON answers.
fn reply_mode(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let session = core.me();
    if args.is(2, "on") {
        session.reply_mode = ReplyMode::On;
        reply.ok();
    } else if args.is(2, "off") {
        session.reply_mode = ReplyMode::Off;
    } else if args.is(2, "skip") {
        if session.reply_mode != ReplyMode::Off {
            session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(CommandError::Syntax);
    }
    Ok(())
}

/// `CLIENT NO-EVICT ON|OFF`.
fn no_evict(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    core.me().no_evict = match (args.is(2, "on"), args.is(2, "off")) {
        (true, _) => true,
        (_, true) => false,
        _ => return Err(CommandError::Syntax),
    };
    reply.ok();
    Ok(())
}

/// `CLIENT GETREDIR`.
fn get_redirection(_core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.integer(-1);
    Ok(())
}

/// `CLIENT TRACKINGINFO`.
fn tracking_info(_core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.map(3);
    reply.text("flags");
    reply.set(1);
    reply.text("off");
    reply.text("redirect");
    reply.integer(-1);
    reply.text("prefixes");
    reply.array(0);
    Ok(())
}

/// `CLIENT PAUSE milliseconds [WRITE|ALL]`. A pause never shortens or weakens one that is on.
const PAUSE: CoresFn = CoresFn {
    check: |core, args, reply| {
        pause(core.now.unix_ms(), args, reply)?;
        Ok(false)
    },
    part: |core, args| {
        // Home has checked the words, so they parse here too; nobody reads what this would say.
        let mut unread = Vec::new();
        let asked = pause(core.now.unix_ms(), args, &mut Reply::new(&mut unread, Default::default()));
        if let Ok(asked) = asked {
            let on = if core.clients.pause.holds(true, core.now.unix_ms()) {
                core.clients.pause
            } else {
                Pause::default()
            };
            core.clients.pause =
                Pause { until_ms: on.until_ms.max(asked.until_ms), all: on.all || asked.all };
        }
        Box::new(())
    },
    fold: ok,
};

/// `CLIENT UNPAUSE`.
const UNPAUSE: CoresFn = CoresFn {
    check: UNCHECKED,
    part: |core, _args| {
        core.clients.pause = Pause::default();
        Box::new(())
    },
    fold: ok,
};

fn pause(now_ms: u64, args: Args<'_>, reply: &mut Reply<'_>) -> Result<Pause, CommandError> {
    let all = match args.len() {
        3 => true,
        4 if args.is(3, "all") => true,
        4 if args.is(3, "write") => false,
        4 => return Err(CommandError::Text("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(bad_subcommand(reply, args, "CLIENT")),
    };
    let timeout_ms =
        parse_i64(args.at(2)).ok_or(CommandError::Text("ERR timeout is not an integer or out of range"))?;
    let timeout_ms = u64::try_from(timeout_ms).map_err(|_| CommandError::Text("ERR timeout is negative"))?;
    // Past the end of time Redis's sum wraps and the pause is over at once.
    let until_ms = i64::try_from(now_ms + timeout_ms).map_or(0, |until| until as u64);
    Ok(Pause { until_ms, all })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::args::OwnedArgs;
    use crate::testing::check;

    #[test]
    fn a_pause_past_the_end_of_time_is_none() {
        let words = ["client", "pause", "9223372036854775807"].map(str::as_bytes);
        let args = OwnedArgs::collect(words);
        let mut out = Vec::new();
        let pause = pause(1_000, args.view(), &mut Reply::new(&mut out, Default::default())).unwrap();
        assert_eq!(pause, Pause { until_ms: 0, all: true });
    }

    #[test]
    fn a_client_is_named_and_asks_about_itself() {
        check(
            r#"
            > CLIENT  (error) ERR wrong number of arguments for 'client' command
            > CLIENT FOO  (error) ERR unknown subcommand 'FOO'. Try CLIENT HELP.
            > CLIENT ID x  (error) ERR wrong number of arguments for 'client|id' command
            > CLIENT GETNAME  (nil)
            > CLIENT SETNAME "a b"  (error) ERR Client names cannot contain spaces, newlines or special characters.
            > CLIENT SETNAME worker  OK
            > CLIENT GETNAME  "worker"
            > CLIENT SETNAME ""  OK
            > CLIENT GETNAME  (nil)
            > CLIENT NO-EVICT maybe  (error) ERR syntax error
            > CLIENT NO-EVICT on  OK
            > CLIENT NO-EVICT OFF  OK
            > CLIENT GETREDIR  (integer) -1
            > CLIENT TRACKINGINFO
                1) "flags"
                2) 1) "off"
                3) "redirect"
                4) (integer) -1
                5) "prefixes"
                6) (empty array)
            > CLIENT SETINFO lib-name redis-py  OK
            > CLIENT SETINFO LIB-VER "1 2"  (error) ERR LIB-VER cannot contain spaces, newlines or special characters.
            > CLIENT SETINFO foo bar  (error) ERR Unrecognized option 'foo'
            "#,
        );
    }

    #[test]
    fn replies_can_be_switched_off_and_skipped() {
        check(
            r#"
            > CLIENT REPLY maybe  (error) ERR syntax error
            > CLIENT REPLY ON  OK
            > CLIENT REPLY SKIP
            > PING
            > PING  PONG
            > CLIENT REPLY OFF
            > PING
            > CLIENT REPLY SKIP
            > PING
            > CLIENT REPLY ON  OK
            > PING  PONG
            "#,
        );
    }

    #[test]
    fn a_pause_for_writes_holds_writes_of_every_core_until_it_ends() {
        check(
            r#"
            > CLIENT PAUSE x  (error) ERR timeout is not an integer or out of range
            > CLIENT PAUSE x y  (error) ERR CLIENT PAUSE mode must be WRITE or ALL
            > CLIENT PAUSE -1  (error) ERR timeout is negative
            > CLIENT UNBLOCK 1 ERROR x  (error) ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.
            > CLIENT PAUSE 10 WRITE x  (error) ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.
            > CLIENT PAUSE 9223372036854775807  OK
            > PING  PONG
            > CLIENT PAUSE 60000 WRITE  OK
            > GET a  (nil)
            2> SET a 1
            > GET a  (nil)
            > CLIENT UNPAUSE  OK
            > GET a  "1"
            "#,
        );
    }
}
