//! Members of sets: added, removed, looked for, picked at random, moved to another set.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::hash_read::integer_but_least;
use crate::command::members::{Filter, bulk, cursor, drawn, scanned, scanned_nothing};
use crate::command::spec::{Access, Carry, Flags, Group, Hop, Keys, Next, Part, ShardFn, Spec};
use crate::ds::set::Set;
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace};

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("sadd", sadd)
        .arity(-3)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST))
        .categories(&["set"])
        .keys(Keys::at(1, Access::INSERT))
        .usage("key member [member ...]")
        .doc(Group::Set, "1.0.0", "O(N) with N being the number of members.", "Adds members to a set."),
    Spec::owner("srem", srem)
        .arity(-3)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["set"])
        .keys(Keys::at(1, Access::DELETE_PART))
        .usage("key member [member ...]")
        .doc(Group::Set, "1.0.0", "O(N) with N being the number of members.", "Removes members of a set."),
    Spec::owner("smembers", smembers)
        .arity(2)
        .flags(Flags::READ)
        .categories(&["set"])
        .keys(Keys::at(1, Access::READ))
        .usage("key")
        .tips(&["nondeterministic_output_order"])
        .doc(
            Group::Set,
            "1.0.0",
            "O(N) with N being the number of members.",
            "Returns all members of a set.",
        ),
    fast("sismember", sismember).arity(3).keys(Keys::at(1, Access::READ_META)).usage("key member").doc(
        Group::Set,
        "1.0.0",
        "O(1)",
        "Says whether a set has a member.",
    ),
    fast("smismember", smismember)
        .arity(-3)
        .keys(Keys::at(1, Access::READ))
        .usage("key member [member ...]")
        .doc(
            Group::Set,
            "6.2.0",
            "O(N) with N being the number of members asked for.",
            "Says which members a set has.",
        ),
    fast("scard", scard).arity(2).keys(Keys::at(1, Access::READ_META)).usage("key").doc(
        Group::Set,
        "1.0.0",
        "O(1)",
        "Returns the number of members of a set.",
    ),
    Spec::owner("spop", spop)
        .arity(-2)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["set"])
        .keys(Keys::at(1, Access::ACCESS_DELETE))
        .usage("key [count]")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Set,
            "1.0.0",
            "O(1), with a count O(N) with N being the count.",
            "Removes members of a set picked at random, and returns them.",
        ),
    Spec::owner("srandmember", srandmember)
        .arity(-2)
        .flags(Flags::READ)
        .categories(&["set"])
        .keys(Keys::at(1, Access::READ))
        .usage("key [count]")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Set,
            "1.0.0",
            "O(1), with a count O(N) with N being the count without its sign.",
            "Returns members of a set, picked at random.",
        ),
    Spec::atomic("smove", smove)
        .arity(4)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["set"])
        .keys(Keys::range(1, 2, 1, Access::ACCESS_DELETE).then(Access::INSERT))
        .usage("source destination member")
        .doc(Group::Set, "1.0.0", "O(1)", "Moves a member of one set to another."),
    Spec::owner("sscan", sscan)
        .arity(-3)
        .flags(Flags::READ)
        .categories(&["set"])
        .keys(Keys::at(1, Access::READ))
        .usage("key cursor [MATCH pattern] [COUNT count]")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Set,
            "2.8.0",
            "O(1) for every call, O(N) for all of N members.",
            "Returns some members of a set, and a cursor to go on with.",
        ),
];

const fn fast(name: &'static str, run: ShardFn) -> Spec {
    Spec::owner(name, run).flags(Flags::READ.and(Flags::FAST)).categories(&["set"])
}

/// `SADD key member [member ...]`: how many were not there. Errors: WRONGTYPE.
fn sadd(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let added = keys.edit_or_create(args.at(1), |set: &mut Set, shapes| {
        let added = args.from(2).filter(|member| set.add(member, shapes)).count();
        (added, Edit::when(added > 0))
    })?;
    reply.integer(added as i64);
    Ok(())
}

/// `SREM key member [member ...]`: how many there were. Errors: WRONGTYPE.
fn srem(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let removed = keys.edit(args.at(1), |set: &mut Set, _| {
        let removed = args.from(2).filter(|member| set.remove(member)).count();
        (removed, Edit::when(removed > 0))
    })?;
    reply.integer(removed.unwrap_or(0) as i64);
    Ok(())
}

/// `SMEMBERS key`: all members; empty when missing. Errors: WRONGTYPE.
fn smembers(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let set = keys.read_value::<Set>(args.at(1))?;
    reply.set(set.map_or(0, Set::len));
    set.into_iter().flat_map(Set::iter).for_each(|member| bulk(reply, member));
    Ok(())
}

/// `SISMEMBER key member`: 1 or 0. Errors: WRONGTYPE.
fn sismember(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let found = keys.read_value::<Set>(args.at(1))?.is_some_and(|set| set.contains(args.at(2)));
    reply.integer(i64::from(found));
    Ok(())
}

/// `SMISMEMBER key member [member ...]`: 1 or 0 for each. Errors: WRONGTYPE.
fn smismember(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let set = keys.read_value::<Set>(args.at(1))?;
    let members = args.from(2);
    reply.array(members.len());
    for member in members {
        reply.integer(i64::from(set.is_some_and(|set| set.contains(member))));
    }
    Ok(())
}

/// `SCARD key`: how many members, 0 when missing. Errors: WRONGTYPE.
fn scard(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let len = keys.read_value(args.at(1))?.map_or(0, Set::len);
    reply.integer(len as i64);
    Ok(())
}

/// `SPOP key [count]`: a member or null; with a count, so many or all. Errors: a bad count, WRONGTYPE.
fn spop(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let key = args.at(1);
    if args.len() > 3 {
        return Err(CommandError::Syntax);
    }
    let mut prng = keys.prng();
    let Some(count) = args.get(2) else {
        let popped = keys.edit(key, |set: &mut Set, _| {
            let popped = set.pop(&mut prng, &mut |member| bulk(reply, member));
            (popped, Edit::when(popped))
        })?;
        if popped != Some(true) {
            reply.null();
        }
        return Ok(());
    };
    let count = integer(count)
        .ok()
        .and_then(|count| usize::try_from(count).ok())
        .ok_or(CommandError::Text("ERR value is out of range, must be positive"))?;
    let Some(set) = keys.peek_value::<Set>(key)? else {
        reply.set(0);
        return Ok(());
    };
    if count >= set.len() {
        reply.set(set.len());
        set.iter().for_each(|member| bulk(reply, member));
        keys.remove(key);
        return Ok(());
    }
    reply.set(count);
    keys.edit(key, |set: &mut Set, _| {
        for _ in 0..count {
            set.pop(&mut prng, &mut |member| bulk(reply, member));
        }
        ((), Edit::when(count > 0))
    })?;
    Ok(())
}

/// `SRANDMEMBER key [count]`: a member or null; with a count a list of different members, of any members if it
/// is negative. Errors: a bad count, WRONGTYPE.
fn srandmember(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    if args.len() > 3 {
        return Err(CommandError::Syntax);
    }
    let mut prng = keys.prng();
    let Some(count) = args.get(2) else {
        match keys.read_value::<Set>(args.at(1))?.and_then(|set| set.random(&mut prng)) {
            Some(member) => bulk(reply, member),
            None => reply.null(),
        }
        return Ok(());
    };
    let count = integer_but_least(count)?;
    let Some(set) = keys.read_value::<Set>(args.at(1))? else {
        reply.array(0);
        return Ok(());
    };
    if count >= 0 {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(set.len());
        reply.array(count);
        set.sample(count, &mut prng, &mut |member| bulk(reply, member));
        return Ok(());
    }
    let start = reply.out().len();
    reply.array(count.unsigned_abs() as usize);
    let written = drawn(reply, count.unsigned_abs(), set.draws(&mut prng), bulk);
    if written.is_err() {
        reply.out().truncate(start);
    }
    written
}

/// What SMOVE finds at a key.
fn look_part(keys: &mut Keyspace<'_>, key: &[u8], member: Carry) -> Carry {
    let Carry::Bytes(Some(member)) = member else { return Carry::Nothing };
    match keys.peek_value::<Set>(key) {
        Ok(Some(set)) => Carry::Flag(set.contains(&member)),
        Ok(None) => Carry::Nothing,
        Err(wrong) => Carry::Error(wrong.into()),
    }
}

fn remove_part(keys: &mut Keyspace<'_>, key: &[u8], member: Carry) -> Carry {
    let Carry::Bytes(Some(member)) = member else { return Carry::Nothing };
    let removed = keys.edit(key, |set: &mut Set, _| ((), Edit::when(set.remove(&member))));
    removed.map_or_else(|wrong| Carry::Error(wrong.into()), |_| Carry::Nothing)
}

fn add_part(keys: &mut Keyspace<'_>, key: &[u8], member: Carry) -> Carry {
    let Carry::Bytes(Some(member)) = member else { return Carry::Nothing };
    let added = keys.edit_or_create(key, |set: &mut Set, shapes| ((), Edit::when(set.add(&member, shapes))));
    added.map_or_else(|wrong| Carry::Error(wrong.into()), |()| Carry::Nothing)
}

/// `SMOVE source destination member`: 1, or 0 if the source has no such member. Errors: WRONGTYPE (a missing
/// source excuses the destination).
fn smove(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    let part =
        |key: usize, run| Part { key, db: hop.db, run, carry: Carry::Bytes(Some(args.at(3).to_vec())) };
    let same = args.at(1) == args.at(2);
    match (hop.stage, &hop.carries[..]) {
        (0, _) if same => return Ok(Next::Hop(vec![part(1, look_part)])),
        (0, _) => return Ok(Next::Hop(vec![part(1, look_part), part(2, look_part)])),
        (1, [Carry::Nothing, ..]) => reply.integer(0),
        (1, &[Carry::Error(error), ..] | &[_, Carry::Error(error)]) => return Err(error),
        (1, [Carry::Flag(false), ..]) => reply.integer(0),
        (1, [_, _]) => return Ok(Next::Hop(vec![part(1, remove_part), part(2, add_part)])),
        _ => reply.integer(1),
    }
    Ok(Next::Done)
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`: the next cursor, and members. Errors: a bad cursor,
/// WRONGTYPE, bad options (not looked at without a key).
fn sscan(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let cursor = cursor(args)?;
    let Some(set) = keys.read_value::<Set>(args.at(1))? else {
        scanned_nothing(reply);
        return Ok(());
    };
    let filter = Filter::parse(args)?;
    scanned(reply, |reply| {
        let mut count = 0;
        let next = set.scan(cursor, filter.count, &mut |member| {
            if filter.wants(member) {
                bulk(reply, member);
                count += 1;
            }
        });
        (next, count)
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn members_are_added_found_and_removed() {
        check(
            r#"
        > sadd s 3 1 2 3                            (integer) 3
        > sadd s 1                                  (integer) 0
        > sadd s -5 0012                            (integer) 2
        > smembers missing                          (empty array)
        > object encoding s                         "hashtable"
        > type s                                    set
        > sadd i 10 -3 700 100000 9223372036854775807 -9223372036854775808  (integer) 6
        > smembers i
            1) "-9223372036854775808"
            2) "-3"
            3) "10"
            4) "700"
            5) "100000"
            6) "9223372036854775807"
        > object encoding i                         "intset"
        > sadd i 9223372036854775808                (integer) 1
        > object encoding i                         "hashtable"
        > scard i                                   (integer) 7
        > scard missing                             (integer) 0
        > sismember i 700                           (integer) 1
        > sismember i 0700                          (integer) 0
        > sismember i missing                       (integer) 0
        > sismember i 9223372036854775808           (integer) 1
        > sismember missing a                       (integer) 0
        > smismember i 700 x -3 07
            1) (integer) 1
            2) (integer) 0
            3) (integer) 1
            4) (integer) 0
        > smismember missing a b
            1) (integer) 0
            2) (integer) 0
        > srem i 700 700 x                          (integer) 1
        > srem i nothing                            (integer) 0
        > srem missing a                            (integer) 0
        > scard i                                   (integer) 6
        > srem s 1 2 3 -5 0012                      (integer) 5
        > exists s                                  (integer) 0
        > sadd one ""                               (integer) 1
        > smembers one                              1) ""
        > sadd s                                    (error) ERR wrong number of arguments for 'sadd' command
        > srem s                                    (error) ERR wrong number of arguments for 'srem' command
        > smismember s                              (error) ERR wrong number of arguments for 'smismember' command
        > sismember s                               (error) ERR wrong number of arguments for 'sismember' command
        > scard                                     (error) ERR wrong number of arguments for 'scard' command
            "#,
        );
    }

    #[test]
    fn popped_members_are_gone() {
        check(
            r#"
        > spop missing                              (nil)
        > spop missing 1                            (empty array)
        > spop missing 0                            (empty array)
        > spop missing -1                           (error) ERR value is out of range, must be positive
        > spop missing x                            (error) ERR value is out of range, must be positive
        > spop missing 1 2                          (error) ERR syntax error
        > sadd s a                                  (integer) 1
        > spop s 0                                  (empty array)
        > spop s                                    "a"
        > exists s                                  (integer) 0
        > sadd s 1 2 3                              (integer) 3
        > spop s 3
            1) "1"
            2) "2"
            3) "3"
        > exists s                                  (integer) 0
        > sadd s 1 2 3                              (integer) 3
        > spop s 100
            1) "1"
            2) "2"
            3) "3"
        > exists s                                  (integer) 0
        > sadd s 1 2 3                              (integer) 3
        > spop s 2                                  *
        > scard s                                   (integer) 1
        > spop s -1                                 (error) ERR value is out of range, must be positive
        > spop s x                                  (error) ERR value is out of range, must be positive
        > spop s 9223372036854775808                (error) ERR value is out of range, must be positive
        > spop s 1 2                                (error) ERR syntax error
        > hello 3   *
        > spop missing 1                            (empty set)
        > spop missing                              (nil)
        > spop s 5                                  *
        > sadd s v                                  (integer) 1
        > spop s 1                                  1~ "v"
        > hello 2   *
            "#,
        );
    }

    #[test]
    fn random_members_stay() {
        check(
            r#"
        > srandmember missing                       (nil)
        > srandmember missing 1                     (empty array)
        > srandmember missing -1                    (empty array)
        > srandmember missing x                     (error) ERR value is not an integer or out of range
        > sadd s v                                  (integer) 1
        > srandmember s                             "v"
        > srandmember s 0                           (empty array)
        > srandmember s 5                           1) "v"
        > srandmember s -3
            1) "v"
            2) "v"
            3) "v"
        > srandmember s x                           (error) ERR value is not an integer or out of range
        > srandmember s 1 2                         (error) ERR syntax error
        > srandmember s -9223372036854775808        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > srandmember missing 1 2                   (error) ERR syntax error
        > sadd i 1 2 3                              (integer) 3
        > srandmember i 3
            1) "1"
            2) "2"
            3) "3"
        > srandmember i 3000000000000
            1) "1"
            2) "2"
            3) "3"
        > srandmember i 2                           *
        > hello 3   *
        > srandmember s 2                           1) "v"
        > srandmember missing 1                     (empty array)
        > srandmember missing                       (nil)
        > smembers s                                1~ "v"
        > smembers missing                          (empty set)
        > hello 2   *
            "#,
        );
    }

    #[test]
    fn a_member_moves_between_sets_of_any_core() {
        check(
            r#"
        > sadd {t}a 1 2                             (integer) 2
        > smove {t}a {t}b 1                         (integer) 1
        > smembers {t}a                             1) "2"
        > smembers {t}b                             1) "1"
        > object encoding {t}b                      "intset"
        > smove {t}a {t}b 1                         (integer) 0
        > smove {t}a {t}b 2                         (integer) 1
        > exists {t}a                               (integer) 0
        > smove {t}a {t}b 2                         (integer) 0
        > sadd c x                                  (integer) 1
        > smove c d x                               (integer) 1
        > exists c                                  (integer) 0
        > smembers d                                1) "x"
        > object encoding d                         "hashtable"
        > smove d d x                               (integer) 1
        > smove d d y                               (integer) 0
        > smembers d                                1) "x"
        > sadd e 1 x                                (integer) 2
        > smove d e x                               (integer) 1
        > exists d                                  (integer) 0
        > scard e                                   (integer) 2
        > sadd n 1                                  (integer) 1
        > smove e n x                               (integer) 1
        > object encoding n                         "hashtable"
        > smove e n                                 (error) ERR wrong number of arguments for 'smove' command
            "#,
        );
    }

    #[test]
    fn sscan_reads_its_options_after_its_key() {
        check(
            r#"
        > sscan missing 0
            1) "0"
            2) (empty array)
        > sscan missing 0 foo
            1) "0"
            2) (empty array)
        > sscan missing x                           (error) ERR invalid cursor
        > sadd s 1 2 33                             (integer) 3
        > sscan s 0
            1) "0"
            2) 1) "1"
               2) "2"
               3) "33"
        > sscan s 0 match ?
            1) "0"
            2) 1) "1"
               2) "2"
        > sscan s 0 MATCH 3* COUNT 1
            1) "0"
            2) 1) "33"
        > sscan s 77
            1) "0"
            2) 1) "1"
               2) "2"
               3) "33"
        > sscan s x                                 (error) ERR invalid cursor
        > sscan s 0 count 0                         (error) ERR syntax error
        > sscan s 0 count x                         (error) ERR value is not an integer or out of range
        > sscan s 0 count                           (error) ERR syntax error
        > sscan s 0 type set                        (error) ERR syntax error
        > sscan s 0 foo bar                         (error) ERR syntax error
        > sscan s                                   (error) ERR wrong number of arguments for 'sscan' command
            "#,
        );
    }
}
