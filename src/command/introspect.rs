//! COMMAND: the table as clients see it.

use super::core::Core;
use super::docs::{self, write_access, write_docs, write_info};
use super::error::{CommandError, CommandResult};
use super::help;
use super::spec::{Access, Flags, Group, Spec};
use super::table::{Command, Lookup, Table};
use crate::base::args::Args;
use crate::base::glob;
use crate::resp::reply::Reply;

/// The version of Redis whose commands these are: clients choose what to send by it.
pub const REDIS_VERSION: &str = "7.0.15";

const FLAGS: Flags = Flags::LOADING.and(Flags::STALE);
const CATEGORIES: &[&str] = &["connection"];
const UNORDERED: &[&str] = &["nondeterministic_output_order"];

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[Spec::connection("command", all)
    .subcommands(SUBCOMMANDS)
    .arity(-1)
    .flags(FLAGS)
    .categories(CATEGORIES)
    .tips(UNORDERED)
    .doc(Group::Server, "2.8.13", "O(N) in the number of commands", "Describes every command.")];

const SUBCOMMANDS: &[Spec] = &[
    sub("count", count, 2, "2.8.13", "O(1)", "Answers how many commands there are."),
    sub("docs", documents, -2, "7.0.0", "O(N) in the number of commands", "Documents commands.")
        .tips(UNORDERED)
        .usage("[command-name ...]"),
    sub("getkeys", keys, -4, "2.8.13", "O(N) in the number of arguments", "Finds the keys of a command.")
        .usage("command [arg ...]"),
    sub(
        "getkeysandflags",
        keys_and_flags,
        -4,
        "7.0.0",
        "O(N) in the number of arguments",
        "Finds the keys of a command and what it does to them.",
    )
    .usage("command [arg ...]"),
    sub("info", infos, -2, "2.8.13", "O(N) in the number of commands", "Describes commands.")
        .tips(UNORDERED)
        .usage("[command-name ...]"),
    sub("list", list, -2, "7.0.0", "O(N) in the number of commands", "Names commands.")
        .tips(UNORDERED)
        .usage("[FILTERBY <MODULE module-name|ACLCAT category|PATTERN pattern>]"),
    help::row(Group::Server, "5.0.0", CATEGORIES),
];

const fn sub(
    name: &'static str,
    run: super::spec::ConnectionFn,
    arity: i16,
    since: &'static str,
    complexity: &'static str,
    summary: &'static str,
) -> Spec {
    let row = Spec::connection(name, run).arity(arity).flags(FLAGS).categories(CATEGORIES);
    row.doc(Group::Server, since, complexity, summary)
}

/// `COMMAND`.
fn all(core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let commands = core.table.tops();
    reply.array(commands.len());
    for command in commands {
        write_info(command, reply);
    }
    Ok(())
}

/// `COMMAND COUNT`: without subcommands.
fn count(core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    reply.integer(core.table.tops().len() as i64);
    Ok(())
}

/// `COMMAND INFO [name ...]`: null for what is none.
fn infos(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    if args.len() == 2 {
        return all(core, args, reply);
    }
    reply.array(args.len() - 2);
    for name in args.from(2) {
        match named(core.table, name) {
            Some(command) => write_info(command, reply),
            None => reply.null(),
        }
    }
    Ok(())
}

/// `COMMAND DOCS [name ...]`: what is none is left out.
fn documents(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let commands: Vec<&Command> = if args.len() == 2 {
        core.table.tops().to_vec()
    } else {
        args.from(2).filter_map(|name| named(core.table, name)).collect()
    };
    reply.map(commands.len());
    for command in commands {
        write_docs(command, reply);
    }
    Ok(())
}

/// The command of that name; a subcommand is named `container|sub`.
pub(super) fn named(table: &'static Table, name: &[u8]) -> Option<&'static Command> {
    let mut words = name.splitn(2, |byte| *byte == b'|');
    let command = table.top(words.next()?)?;
    let Some(sub) = words.next() else { return Some(command) };
    command.subcommands.iter().copied().find(|found| found.spec.name.as_bytes().eq_ignore_ascii_case(sub))
}

/// `COMMAND LIST [FILTERBY MODULE name|ACLCAT category|PATTERN glob]`.
fn list(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let keep: Box<dyn Fn(&Command) -> bool + '_> = match args.len() {
        2 => Box::new(|_| true),
        5 if args.is(2, "filterby") => {
            let wanted = args.at(4);
            if args.is(3, "module") {
                Box::new(|_| false)
            } else if args.is(3, "aclcat") {
                let is_wanted = move |category: &str| wanted.eq_ignore_ascii_case(category.as_bytes());
                Box::new(move |command| docs::categories(command.spec).any(is_wanted))
            } else if args.is(3, "pattern") {
                Box::new(move |command| glob::matches_any_case(wanted, command.full_name.as_bytes()))
            } else {
                return Err(CommandError::Syntax);
            }
        }
        _ => return Err(CommandError::Syntax),
    };
    let tops = core.table.tops().iter();
    let names: Vec<&str> = tops
        .flat_map(|top| std::iter::once(top).chain(&top.subcommands))
        .filter(|command| keep(command))
        .map(|command| command.full_name.as_str())
        .collect();
    reply.array(names.len());
    for name in names {
        reply.text(name);
    }
    Ok(())
}

/// `COMMAND GETKEYS command [arg ...]`.
fn keys(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let args = args.skip(2);
    let found = find_keys(core.table, args)?;
    reply.array(found.len());
    for (at, _) in found {
        reply.bulk(args.at(at));
    }
    Ok(())
}

/// `COMMAND GETKEYSANDFLAGS command [arg ...]`.
fn keys_and_flags(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let args = args.skip(2);
    let found = find_keys(core.table, args)?;
    reply.array(found.len());
    for (at, access) in found {
        reply.array(2);
        reply.bulk(args.at(at));
        write_access(access, reply);
    }
    Ok(())
}

/// Where the keys of these words are, each with what is done to it.
fn find_keys(table: &'static Table, args: Args<'_>) -> Result<Vec<(usize, Access)>, CommandError> {
    let command = match table.lookup(args) {
        Lookup::Found(command) | Lookup::Bare(command) => command,
        _ => return Err(CommandError::Text("ERR Invalid command specified")),
    };
    if !command.spec.keys.is_some() {
        return Err(CommandError::Text("ERR The command has no key arguments"));
    }
    if !command.arity_fits(args.len()) {
        return Err(CommandError::Text("ERR Invalid number of arguments specified for command"));
    }
    let accesses = command.spec.keys.accesses(args);
    if accesses.is_empty() {
        return Err(CommandError::Text("ERR Invalid arguments specified for command"));
    }
    let gets = (3..args.len()).any(|at| args.is(at, "get"));
    let exact = |access| match (command.spec.name, gets) {
        // SET's row says what it may do; these words say what it does.
        ("set", true) => Access::ACCESS_UPDATE,
        ("set", false) => Access::OVERWRITE,
        _ => access,
    };
    Ok(accesses.into_iter().map(|(at, access)| (at, exact(access))).collect())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn commands_are_described_listed_and_searched() {
        check(
            r#"
            > COMMAND COUNT x  (error) ERR wrong number of arguments for 'command|count' command
            > COMMAND FOO  (error) ERR unknown subcommand 'FOO'. Try COMMAND HELP.
            > COMMAND INFO foo get|x
                1) (nil)
                2) (nil)
            > COMMAND DOCS foo  (empty array)
            > COMMAND LIST FILTERBY  (error) ERR syntax error
            > COMMAND LIST x  (error) ERR syntax error
            > COMMAND LIST FILTERBY x y  (error) ERR syntax error
            > COMMAND LIST FILTERBY MODULE y  (empty array)
            > COMMAND LIST FILTERBY ACLCAT y  (empty array)
            > COMMAND LIST FILTERBY PATTERN *|GETK*
                1) "command|getkeys"
                2) "command|getkeysandflags"
            > COMMAND INFO memory|usage
                1)  1) "memory|usage"
                    2) (integer) -3
                    3) 1) readonly
                    4) (integer) 2
                    5) (integer) 2
                    6) (integer) 1
                    7) 1) @read
                       2) @slow
                    8) (empty array)
                    9) 1) 1) "flags"
                          2) 1) RO
                          3) "begin_search"
                          4) 1) "type"
                             2) "index"
                             3) "spec"
                             4) 1) "index"
                                2) (integer) 2
                          5) "find_keys"
                          6) 1) "type"
                             2) "range"
                             3) "spec"
                             4) 1) "lastkey"
                                2) (integer) 0
                                3) "keystep"
                                4) (integer) 1
                                5) "limit"
                                6) (integer) 0
                   10) (empty array)
            "#,
        );
    }

    #[test]
    fn keys_of_any_command_are_found() {
        check(
            r#"
            > COMMAND GETKEYS  (error) ERR wrong number of arguments for 'command|getkeys' command
            > COMMAND GETKEYS foo  (error) ERR wrong number of arguments for 'command|getkeys' command
            > COMMAND GETKEYS foo bar  (error) ERR Invalid command specified
            > COMMAND GETKEYS get a b  (error) ERR Invalid number of arguments specified for command
            > COMMAND GETKEYS ping a  (error) ERR The command has no key arguments
            > COMMAND GETKEYS mset a b c d
                1) "a"
                2) "c"
            > COMMAND GETKEYS rename a b
                1) "a"
                2) "b"
            > COMMAND GETKEYS object freq a  1) "a"
            > COMMAND GETKEYS object foo a  (error) ERR Invalid command specified
            > COMMAND GETKEYS object freq  (error) ERR Invalid number of arguments specified for command
            > COMMAND GETKEYS memory usage a  1) "a"
            > COMMAND GETKEYS config get a  (error) ERR The command has no key arguments
            > COMMAND GETKEYSANDFLAGS mset a b
                1) 1) "a"
                   2) 1) OW
                      2) update
            > COMMAND GETKEYSANDFLAGS rename a b
                1) 1) "a"
                   2) 1) RW
                      2) access
                      3) delete
                2) 1) "b"
                   2) 1) OW
                      2) update
            > COMMAND GETKEYSANDFLAGS set a b
                1) 1) "a"
                   2) 1) OW
                      2) update
            > COMMAND GETKEYSANDFLAGS set a b get
                1) 1) "a"
                   2) 1) RW
                      2) access
                      3) update
            > COMMAND GETKEYSANDFLAGS foo a b  (error) ERR Invalid command specified
            "#,
        );
    }
}
