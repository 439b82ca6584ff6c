//! Groups of consumers: XGROUP, which makes and removes them, and XACK.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::help;
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::command::stream::ids;
use crate::command::stream_words::{bad_subcommand, loose_id, no_group, strict_id};
use crate::ds::stream::{self, Id, Stream};
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace};

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::container(
        "xgroup",
        &[
            group("create", create, -5, Flags::WRITE.and(Flags::DENY_OOM), Access::INSERT)
                .usage("key groupname <id|<$>:new_id> [MKSTREAM] [ENTRIESREAD entries_read:integer]")
                .doc(Group::Stream, "5.0.0", "O(1)", "Makes a group of a stream."),
            group("createconsumer", create_consumer, 5, Flags::WRITE.and(Flags::DENY_OOM), Access::INSERT)
                .usage("key groupname consumername")
                .doc(Group::Stream, "6.2.0", "O(1)", "Makes a consumer of a group."),
            group("delconsumer", delete_consumer, 5, Flags::WRITE, Access::DELETE_PART)
                .usage("key groupname consumername")
                .doc(
                    Group::Stream,
                    "5.0.0",
                    "O(1)",
                    "Removes a consumer of a group, and forgets what it had got.",
                ),
            group("destroy", destroy, 4, Flags::WRITE, Access::DELETE_PART).usage("key groupname").doc(
                Group::Stream,
                "5.0.0",
                "O(N) where N is the number of entries in the group's pending entries list (PEL).",
                "Removes a group of a stream.",
            ),
            help::row(Group::Stream, "5.0.0", &["stream"]),
            group("setid", set_id, -5, Flags::WRITE, Access::UPDATE)
                .usage("key groupname <id|<$>:new_id> [ENTRIESREAD entries_read:integer]")
                .doc(Group::Stream, "5.0.0", "O(1)", "Sets the last entry that a group has got."),
        ],
    )
    .arity(-2)
    .doc(Group::Stream, "5.0.0", "Depends on subcommand.", "Holds commands on groups of consumers."),
    Spec::owner("xack", xack)
        .arity(-4)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["stream"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage("key group id [id ...]")
        .doc(
            Group::Stream,
            "5.0.0",
            "O(1) for each message ID processed.",
            "Acknowledges entries that a consumer of a group has got.",
        ),
];

const fn group(name: &'static str, run: ShardFn, arity: i16, flags: Flags, access: Access) -> Spec {
    Spec::owner(name, run).arity(arity).flags(flags).categories(&["stream"]).keys(Keys::at(2, access))
}

/// The options behind word 4.
#[derive(Clone, Copy, Default)]
struct Options {
    make: bool,
    entries_read: Option<u64>,
}

/// Reads them. Errors: an unknown one, a bad number.
fn options(args: Args<'_>, creating: bool, reply: &mut Reply<'_>) -> Result<Options, CommandError> {
    let mut options = Options::default();
    let mut at = 5;
    while at < args.len() {
        if creating && args.is(at, "mkstream") {
            options.make = true;
            at += 1;
        } else if args.is(at, "entriesread") && at + 1 < args.len() {
            let number = integer(args.at(at + 1))?;
            if number < -1 {
                return Err(CommandError::Text("ERR value for ENTRIESREAD must be positive or -1"));
            }
            options.entries_read = u64::try_from(number).ok();
            at += 2;
        } else {
            return Err(bad_subcommand(reply, "XGROUP", args.at(1)));
        }
    }
    Ok(options)
}

const NO_KEY: CommandError = CommandError::Text(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM \
     option to create an empty stream automatically.",
);

/// `XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD n]`: OK. Errors: a bad option, WRONGTYPE, no such key, a
/// bad id, a group of that name.
fn create(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let options = options(args, true, reply)?;
    let last_id = keys.peek_value::<Stream>(args.at(2))?.map(|stream| stream.log().last_id());
    if last_id.is_none() && !options.make {
        return Err(NO_KEY);
    }
    if args.len() > 8 {
        return Err(bad_subcommand(reply, "XGROUP", args.at(1)));
    }
    let id = match args.at(4) {
        b"$" => last_id.unwrap_or(Id::MIN),
        word => strict_id(word, 0)?,
    };
    let created = keys.edit_or_create(args.at(2), |stream: &mut Stream, _| {
        let created = stream.create_group(args.at(3), stream::Group::new(id, options.entries_read));
        (created, Edit::aside_when(created))
    })?;
    if !created {
        return Err(CommandError::Text("BUSYGROUP Consumer Group name already exists"));
    }
    reply.ok();
    Ok(())
}

/// The stream's last id. Errors: WRONGTYPE, no such key, no such group.
fn existing(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Result<Id, CommandError> {
    let stream = keys.peek_value::<Stream>(args.at(2))?.ok_or(NO_KEY)?;
    if stream.group(args.at(3)).is_none() {
        return Err(no_group(reply, args.at(2), args.at(3)));
    }
    Ok(stream.log().last_id())
}

/// Changes a group that is there.
fn edit_group<R>(
    keys: &mut Keyspace<'_>,
    args: Args<'_>,
    edit: impl FnOnce(&mut stream::Group) -> (R, Edit),
) -> Result<Option<R>, CommandError> {
    let edited = keys.edit(args.at(2), |stream: &mut Stream, _| {
        match stream.edit_group(args.at(3), |group, _| edit(group)) {
            Some((result, changed)) => (Some(result), changed),
            None => (None, Edit::Unchanged),
        }
    })?;
    Ok(edited.flatten())
}

/// `XGROUP SETID key group id|$ [ENTRIESREAD n]`: OK. Errors: a bad option, WRONGTYPE, no such key or group, a
/// bad id.
fn set_id(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let options = options(args, false, reply)?;
    let last_id = existing(keys, args, reply)?;
    let id = match args.at(4) {
        b"$" => last_id,
        word => loose_id(word, 0)?,
    };
    edit_group(keys, args, |group| {
        (group.last_id, group.entries_read) = (id, options.entries_read);
        ((), Edit::Aside)
    })?;
    reply.ok();
    Ok(())
}

/// `XGROUP DESTROY key group`: 1, or 0 if there was none. Errors: WRONGTYPE, no such key.
fn destroy(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let removed = keys.edit(args.at(2), |stream: &mut Stream, _| {
        let removed = stream.remove_group(args.at(3));
        (removed, Edit::aside_when(removed))
    })?;
    reply.integer(i64::from(removed.ok_or(NO_KEY)?));
    Ok(())
}

/// `XGROUP CREATECONSUMER key group consumer`: 1, or 0 if it was there. Errors: WRONGTYPE, no such key or group.
fn create_consumer(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    existing(keys, args, reply)?;
    let now_ms = keys.now().unix_ms() as i64;
    let created = edit_group(keys, args, |group| {
        let created = group.find(args.at(4)).is_none() && group.find_or_create(args.at(4), now_ms).1;
        (created, Edit::aside_when(created))
    })?;
    reply.integer(i64::from(created == Some(true)));
    Ok(())
}

/// `XGROUP DELCONSUMER key group consumer`: how many entries it had got. Errors: WRONGTYPE, no such key or group.
fn delete_consumer(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    existing(keys, args, reply)?;
    let removed = edit_group(keys, args, |group| {
        let removed = group.remove_consumer(args.at(4));
        (removed, Edit::aside_when(removed.is_some()))
    })?;
    reply.integer(removed.flatten().unwrap_or(0) as i64);
    Ok(())
}

/// `XACK key group id [id ...]`: how many of them were waiting for that. Errors: WRONGTYPE; a bad id, unless
/// there is no such key or group.
fn xack(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let acknowledged = keys.edit(args.at(1), |stream: &mut Stream, _| {
        let acknowledged = stream.edit_group(args.at(2), |group, _| -> Result<usize, CommandError> {
            let ids = ids(args, 3)?;
            Ok(ids.into_iter().filter(|id| group.take(*id)).count())
        });
        match acknowledged.transpose() {
            Ok(count) => (Ok(count.unwrap_or(0)), Edit::aside_when(count.is_some_and(|count| count > 0))),
            Err(error) => (Err(error), Edit::Unchanged),
        }
    })?;
    reply.integer(acknowledged.transpose()?.unwrap_or(0) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn groups_come_and_go() {
        check(
            r#"
        > xgroup create s g $
            (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > xgroup create s g $ mkstream                OK
        > xgroup create s g $ mkstream                (error) BUSYGROUP Consumer Group name already exists
        > xlen s                                      (integer) 0
        > xgroup create s g2 0 mkstream entriesread 5  OK
        > xgroup create s g3 5-0 entriesread -1       OK
        > xgroup create s g4 $ mkstream mkstream      OK
        > xinfo groups s
            1)  1) "name"
                2) "g"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "0-0"
                9) "entries-read"
               10) (nil)
               11) "lag"
               12) (integer) 0
            2)  1) "name"
                2) "g2"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "0-0"
                9) "entries-read"
               10) (integer) 5
               11) "lag"
               12) (integer) 0
            3)  1) "name"
                2) "g3"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "5-0"
                9) "entries-read"
               10) (nil)
               11) "lag"
               12) (integer) 0
            4)  1) "name"
                2) "g4"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "0-0"
                9) "entries-read"
               10) (nil)
               11) "lag"
               12) (integer) 0
        > xgroup setid s g2 7                         OK
        > xgroup setid s g2 - entriesread 3           OK
        > xgroup setid s g3 +                         OK
        > xgroup setid s g4 $ entriesread 3           OK
        > xinfo groups s
            1)  1) "name"
                2) "g"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "0-0"
                9) "entries-read"
               10) (nil)
               11) "lag"
               12) (integer) 0
            2)  1) "name"
                2) "g2"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "0-0"
                9) "entries-read"
               10) (integer) 3
               11) "lag"
               12) (integer) 0
            3)  1) "name"
                2) "g3"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "18446744073709551615-18446744073709551615"
                9) "entries-read"
               10) (nil)
               11) "lag"
               12) (integer) 0
            4)  1) "name"
                2) "g4"
                3) "consumers"
                4) (integer) 0
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "0-0"
                9) "entries-read"
               10) (integer) 3
               11) "lag"
               12) (integer) 0
        > xgroup destroy s g2                         (integer) 1
        > xgroup destroy s g2                         (integer) 0
        > xgroup create s g5 foo                      (error) ERR Invalid stream ID specified as stream command argument
        > xgroup create s g5 -                        (error) ERR Invalid stream ID specified as stream command argument
        > xgroup create s g5 +                        (error) ERR Invalid stream ID specified as stream command argument
        > xgroup create s g5 0 foo
            (error) ERR unknown subcommand or wrong number of arguments for 'create'. Try XGROUP HELP.
        > xgroup create s g5 0 entriesread
            (error) ERR unknown subcommand or wrong number of arguments for 'create'. Try XGROUP HELP.
        > xgroup create s g5 0 entriesread x          (error) ERR value is not an integer or out of range
        > xgroup create s g5 0 entriesread -2         (error) ERR value for ENTRIESREAD must be positive or -1
        > xgroup create s g5 0 entriesread 5 mkstream mkstream entriesread 6
            (error) ERR unknown subcommand or wrong number of arguments for 'create'. Try XGROUP HELP.
        > xgroup create missing g5 0 entriesread 5 mkstream mkstream entriesread 6
            (error) ERR unknown subcommand or wrong number of arguments for 'create'. Try XGROUP HELP.
        > xgroup CREATE missing g foo
            (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > xgroup create missing g foo mkstream
            (error) ERR Invalid stream ID specified as stream command argument
        > xgroup setid s g $ foo
            (error) ERR unknown subcommand or wrong number of arguments for 'setid'. Try XGROUP HELP.
        > xgroup SETID s g $ mkstream
            (error) ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.
        > xgroup setid s nog $                        (error) NOGROUP No such consumer group 'nog' for key name 's'
        > xgroup setid s nog foo                      (error) NOGROUP No such consumer group 'nog' for key name 's'
        > xgroup setid s g foo                        (error) ERR Invalid stream ID specified as stream command argument
        > xgroup setid missing nog $
            (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > xgroup destroy missing g
            (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > exists missing                              (integer) 0
        > set k v                                     OK
        > xgroup create k g 0                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > xgroup destroy k g                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > xgroup setid k g 0                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > xgroup foo                                  (error) ERR unknown subcommand 'foo'. Try XGROUP HELP.
        > xgroup                                      (error) ERR wrong number of arguments for 'xgroup' command
        > xgroup create s g                           (error) ERR wrong number of arguments for 'xgroup|create' command
        > xgroup help  *
            "#,
        );
    }

    #[test]
    fn consumers_come_and_go() {
        check(
            r#"
        > xadd s 1-1 a b                              "1-1"
        > xadd s 2-1 c d                              "2-1"
        > xgroup create s g 0                         OK
        > xgroup createconsumer s g c                 (integer) 1
        > xgroup createconsumer s g c                 (integer) 0
        > xgroup createconsumer s nog c               (error) NOGROUP No such consumer group 'nog' for key name 's'
        > xgroup createconsumer missing g c
            (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > xreadgroup group g c streams s >
            1) 1) "s"
               2) 1) 1) "1-1"
                     2) 1) "a"
                        2) "b"
                  2) 1) "2-1"
                     2) 1) "c"
                        2) "d"
        > xgroup createconsumer s g b                 (integer) 1
        > xinfo groups s
            1)  1) "name"
                2) "g"
                3) "consumers"
                4) (integer) 2
                5) "pending"
                6) (integer) 2
                7) "last-delivered-id"
                8) "2-1"
                9) "entries-read"
               10) (integer) 2
               11) "lag"
               12) (integer) 0
        > xgroup delconsumer s g c                    (integer) 2
        > xgroup delconsumer s g c                    (integer) 0
        > xgroup delconsumer s nog c                  (error) NOGROUP No such consumer group 'nog' for key name 's'
        > xgroup delconsumer missing g c
            (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > xpending s g
            1) (integer) 0
            2) (nil)
            3) (nil)
            4) (nil)
        > xinfo groups s
            1)  1) "name"
                2) "g"
                3) "consumers"
                4) (integer) 1
                5) "pending"
                6) (integer) 0
                7) "last-delivered-id"
                8) "2-1"
                9) "entries-read"
               10) (integer) 2
               11) "lag"
               12) (integer) 0
            "#,
        );
    }

    #[test]
    fn what_is_acknowledged_is_no_longer_pending() {
        check(
            r#"
        > xadd s 1-1 a b                              "1-1"
        > xadd s 2-1 c d                              "2-1"
        > xadd s 3-1 c d                              "3-1"
        > xgroup create s g 0                         OK
        > xreadgroup group g c streams s >
            1) 1) "s"
               2) 1) 1) "1-1"
                     2) 1) "a"
                        2) "b"
                  2) 1) "2-1"
                     2) 1) "c"
                        2) "d"
                  3) 1) "3-1"
                     2) 1) "c"
                        2) "d"
        > xack s g 1-1 1-1 9-9                        (integer) 1
        > xpending s g
            1) (integer) 2
            2) "2-1"
            3) "3-1"
            4) 1) 1) "c"
                  2) "2"
        > xack s g 2-1 3-1                            (integer) 2
        > xpending s g
            1) (integer) 0
            2) (nil)
            3) (nil)
            4) (nil)
        > xack missing g foo                          (integer) 0
        > xack s nog foo                              (integer) 0
        > xack s g foo                                (error) ERR Invalid stream ID specified as stream command argument
        > xack s g 1-1 foo                            (error) ERR Invalid stream ID specified as stream command argument
        > set k v                                     OK
        > xack k g foo                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }
}
