//! Lists in their middle, and elements that move: LSET, LINSERT, LREM, LTRIM, LMOVE, LMPOP.
//!
//! A move looks first and changes then: the first hop reads the element and sees whether the destination
//! may take it, the second takes it off here and adds it there. Both keys are locked from the first look
//! on, so what was read is what is taken, and a refusal has changed nothing. Commands that wait for an
//! element try the same two steps, [`move_element`] and [`pop_first`], each time they wake.

use crate::base::args::Args;
use crate::command::args::{integer, pop_count};
use crate::command::error::{CommandError, CommandResult};
use crate::command::list::{End, index_of, indexes, take};
use crate::command::spec::{Access, Carry, Flags, Group, Hop, Keys, Next, Part, PartFn, Spec};
use crate::ds::Shapes;
use crate::ds::list::List;
use crate::resp::{Protocol, Reply};
use crate::shard::{Edit, Keyspace};
use std::ops::Range;

const LIST: &[&str] = &["list"];
const WRITES_OOM: Flags = Flags::WRITE.and(Flags::DENY_OOM);
const MOVED_KEYS: Keys = Keys::range(1, 2, 1, Access::ACCESS_DELETE).then(Access::INSERT);

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("lset", lset)
        .arity(4)
        .flags(WRITES_OOM)
        .categories(LIST)
        .keys(Keys::at(1, Access::UPDATE))
        .usage("key index element")
        .doc(
            Group::List,
            "1.0.0",
            "O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).",
            "Puts another element in the place of one of a list.",
        ),
    Spec::owner("linsert", linsert)
        .arity(5)
        .flags(WRITES_OOM)
        .categories(LIST)
        .keys(Keys::at(1, Access::INSERT))
        .usage("key <BEFORE|AFTER>:where pivot element")
        .doc(
            Group::List,
            "2.2.0",
            "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).",
            "Adds an element beside the first one that equals another.",
        ),
    Spec::owner("lrem", lrem)
        .arity(4)
        .flags(Flags::WRITE)
        .categories(LIST)
        .keys(Keys::at(1, Access::DELETE_PART))
        .usage("key count element")
        .doc(
            Group::List,
            "1.0.0",
            "O(N+M) where N is the length of the list and M is the number of elements removed.",
            "Removes elements that equal one from a list.",
        ),
    Spec::owner("ltrim", ltrim)
        .arity(4)
        .flags(Flags::WRITE)
        .categories(LIST)
        .keys(Keys::at(1, Access::DELETE_PART))
        .usage("key start stop:integer")
        .doc(
            Group::List,
            "1.0.0",
            "O(N) where N is the number of elements to be removed by the operation.",
            "Removes all elements of a list but those between two indexes.",
        ),
    Spec::atomic("lmove", lmove)
        .arity(5)
        .flags(WRITES_OOM)
        .categories(LIST)
        .keys(MOVED_KEYS)
        .usage("source destination <LEFT|RIGHT>:wherefrom <LEFT|RIGHT>:whereto")
        .doc(Group::List, "6.2.0", "O(1)", "Moves an element from an end of one list to an end of another."),
    Spec::atomic("rpoplpush", rpoplpush)
        .arity(3)
        .flags(WRITES_OOM)
        .categories(LIST)
        .keys(MOVED_KEYS)
        .usage("source destination")
        .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
        .doc(Group::List, "1.2.0", "O(1)", "Moves the last element of one list before the first of another."),
    Spec::atomic("lmpop", lmpop)
        .arity(-4)
        .flags(Flags::WRITE.and(Flags::MOVABLE_KEYS))
        .categories(LIST)
        .keys(Keys::counted(1, Access::ACCESS_DELETE))
        .usage("numkeys:integer key [key ...] <LEFT|RIGHT>:where [COUNT count]")
        .doc(
            Group::List,
            "7.0.0",
            "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
            "Takes elements off the first of several lists that has any.",
        ),
];

/// `LSET key index element`: OK. Errors: no such key, WRONGTYPE, an index outside the list.
fn lset(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let set = keys.edit(args.at(1), |list: &mut List, shapes| {
        let index = match integer(args.at(2)) {
            Ok(index) => index_of(list.len(), index),
            Err(error) => return (Err(error), Edit::Unchanged),
        };
        let set = index.is_some_and(|index| list.set(index, args.at(3), shapes));
        (if set { Ok(()) } else { Err(CommandError::Text("ERR index out of range")) }, Edit::when(set))
    })?;
    set.unwrap_or(Err(CommandError::NoSuchKey))?;
    reply.ok();
    Ok(())
}

/// `LINSERT key BEFORE|AFTER pivot element`: the new length; -1 without the pivot, 0 when missing.
/// Errors: WRONGTYPE.
fn linsert(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let after = match () {
        () if args.is(2, "before") => 0,
        () if args.is(2, "after") => 1,
        () => return Err(CommandError::Syntax),
    };
    let len = keys.edit(args.at(1), |list: &mut List, shapes| match list.find(args.at(3)) {
        Some(index) => {
            list.insert(index + after, args.at(4), shapes);
            (list.len() as i64, Edit::Changed)
        }
        None => (-1, Edit::Unchanged),
    })?;
    reply.integer(len.unwrap_or(0));
    Ok(())
}

/// `LREM key count element`: how many were removed: the first `count`, the last if it is negative, all if
/// it is 0. Errors: WRONGTYPE.
fn lrem(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let count = integer(args.at(2))?;
    let most =
        if count == 0 { usize::MAX } else { usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) };
    let removed = keys.edit(args.at(1), |list: &mut List, shapes| {
        let removed = list.remove_equal(args.at(3), most, count < 0, shapes);
        (removed, Edit::when(removed > 0))
    })?;
    reply.integer(removed.unwrap_or(0) as i64);
    Ok(())
}

/// `LTRIM key start stop`: OK. Errors: WRONGTYPE.
fn ltrim(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (start, stop) = (integer(args.at(2))?, integer(args.at(3))?);
    keys.edit(args.at(1), |list: &mut List, shapes| {
        let kept = indexes(list.len(), start, stop);
        list.remove_range(kept.end, usize::MAX, shapes);
        list.remove_range(0, kept.start, shapes);
        ((), Edit::Changed)
    })?;
    reply.ok();
    Ok(())
}

/// What a command in steps wants next, or what came of it.
#[derive(Debug)]
pub(crate) enum Step<T> {
    /// These parts; then ask again.
    Hop(Vec<Part>),
    /// It is done.
    Done(T),
}

/// Asks one key of the command to do one thing.
fn part(hop: &Hop, key: usize, run: PartFn, carry: Carry) -> Part {
    Part { key, db: hop.db, run, carry }
}

/// Carries which end is meant.
fn end_of(carry: &Carry) -> End {
    End::back_if(matches!(carry, Carry::Flag(true)))
}

fn of_end(end: End) -> Carry {
    Carry::Flag(end.is_back())
}

/// The element at an end; `None` without a list.
fn look_part(keys: &mut Keyspace<'_>, key: &[u8], end: Carry) -> Carry {
    match keys.peek_value::<List>(key) {
        Ok(list) => Carry::Bytes(list.and_then(|list| end_of(&end).of(list)).map(|item| item.to_vec())),
        Err(wrong) => Carry::Error(wrong.into()),
    }
}

/// How many elements there are.
fn count_part(keys: &mut Keyspace<'_>, key: &[u8], _: Carry) -> Carry {
    match keys.peek_value::<List>(key) {
        Ok(list) => Carry::Number(list.map_or(0, List::len) as i64),
        Err(wrong) => Carry::Error(wrong.into()),
    }
}

/// Takes the element at an end off.
fn drop_part(keys: &mut Keyspace<'_>, key: &[u8], end: Carry) -> Carry {
    let dropped = keys.edit(key, |list: &mut List, _| {
        match end_of(&end) {
            End::Front => list.pop_front(),
            End::Back => list.pop_back(),
        }
        ((), Edit::Changed)
    });
    dropped.map_or_else(|wrong| Carry::Error(wrong.into()), |_| Carry::Nothing)
}

/// Adds what is carried at an end, and carries it back.
fn add(keys: &mut Keyspace<'_>, key: &[u8], text: Carry, end: End) -> Carry {
    let Carry::Bytes(Some(bytes)) = &text else { return Carry::Nothing };
    let added = keys.edit_or_create(key, |list: &mut List, shapes| {
        match end {
            End::Front => list.push_front(bytes, shapes),
            End::Back => list.push_back(bytes, shapes),
        }
        ((), Edit::Changed)
    });
    added.map_or_else(|wrong| Carry::Error(wrong.into()), |()| text)
}

fn add_front_part(keys: &mut Keyspace<'_>, key: &[u8], text: Carry) -> Carry {
    add(keys, key, text, End::Front)
}

fn add_back_part(keys: &mut Keyspace<'_>, key: &[u8], text: Carry) -> Carry {
    add(keys, key, text, End::Back)
}

/// Takes an element off one end of a list and adds it at the other; `true`: from the last to the first.
fn rotate_part(keys: &mut Keyspace<'_>, key: &[u8], from: Carry) -> Carry {
    let from = end_of(&from);
    let moved = keys.edit(key, |list: &mut List, shapes| {
        let text = from.of(list).map(|item| item.to_vec()).unwrap_or_default();
        // Added before it is taken off, so that the list is never empty.
        match from {
            End::Front => {
                list.push_back(&text, shapes);
                list.pop_front();
            }
            End::Back => {
                list.push_front(&text, shapes);
                list.pop_back();
            }
        }
        (text, Edit::Changed)
    });
    moved.map_or_else(|wrong| Carry::Error(wrong.into()), Carry::Bytes)
}

/// Moves an element from an end of the list at word `source` to an end of the one at word `destination`:
/// call with the hop until it is done. Then the element, `None` without a source. Errors: WRONGTYPE of
/// either; nothing has changed.
pub(crate) fn move_element(
    args: Args<'_>,
    hop: &mut Hop,
    (source, from): (usize, End),
    (destination, to): (usize, End),
) -> Result<Step<Option<Vec<u8>>>, CommandError> {
    let same = args.at(source) == args.at(destination);
    if hop.stage == 0 {
        return Ok(Step::Hop(match (same, from == to) {
            (true, true) => vec![part(hop, source, look_part, of_end(from))],
            (true, false) => vec![part(hop, source, rotate_part, of_end(from))],
            (false, _) => vec![
                part(hop, source, look_part, of_end(from)),
                part(hop, destination, count_part, Carry::Nothing),
            ],
        }));
    }
    match (hop.stage, &mut hop.carries[..]) {
        (_, [Carry::Error(error), ..]) => Err(*error),
        (1, [Carry::Bytes(None), ..]) => Ok(Step::Done(None)),
        (1, [Carry::Bytes(_), Carry::Error(error)]) => Err(*error),
        (1, [text @ Carry::Bytes(_), Carry::Number(_)]) => {
            let text = std::mem::take(text);
            let add = if to.is_back() { add_back_part } else { add_front_part };
            // The added first, because the reply is in what it carries back.
            Ok(Step::Hop(vec![part(hop, destination, add, text), part(hop, source, drop_part, of_end(from))]))
        }
        (_, [Carry::Bytes(text), ..]) => Ok(Step::Done(text.take())),
        _ => Ok(Step::Done(None)),
    }
}

/// Answers a move.
fn write_moved(step: Step<Option<Vec<u8>>>, reply: &mut Reply<'_>) -> Next {
    match step {
        Step::Hop(parts) => return Next::Hop(parts),
        Step::Done(Some(text)) => reply.bulk(&text),
        Step::Done(None) => reply.null(),
    }
    Next::Done
}

/// `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`: the element, or null without a source. Errors:
/// WRONGTYPE.
fn lmove(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    let (from, to) = (End::parse(args, 3)?, End::parse(args, 4)?);
    Ok(write_moved(move_element(args, hop, (1, from), (2, to))?, reply))
}

/// `RPOPLPUSH source destination`: the element, or null without a source. Errors: WRONGTYPE.
fn rpoplpush(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    Ok(write_moved(move_element(args, hop, (1, End::Back), (2, End::Front))?, reply))
}

/// How many elements a pop takes, and how it shows them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Amount {
    /// One, by itself: BLPOP.
    One,
    /// Up to so many, at least one, in an array: LMPOP.
    UpTo(usize),
}

/// Takes elements off: as many as the number says, off the front, or off the back if it is negative.
/// Carries back the key and an array of them, encoded.
fn take_part(keys: &mut Keyspace<'_>, key: &[u8], number: Carry) -> Carry {
    let Carry::Number(number) = number else { return Carry::Nothing };
    let (count, end) = (number.unsigned_abs() as usize, End::back_if(number < 0));
    popped(keys, key, |list, shapes, reply| {
        let count = count.min(list.len());
        reply.array(count);
        take(list, end, count, shapes, reply);
    })
}

/// Takes one element off. Carries back the key and the element, encoded.
fn take_one_part(keys: &mut Keyspace<'_>, key: &[u8], end: Carry) -> Carry {
    popped(keys, key, |list, shapes, reply| take(list, end_of(&end), 1, shapes, reply))
}

fn popped(
    keys: &mut Keyspace<'_>,
    key: &[u8],
    take: impl FnOnce(&mut List, &Shapes, &mut Reply<'_>),
) -> Carry {
    let mut encoded = Vec::new();
    // What is written here looks alike in both protocols.
    let mut reply = Reply::new(&mut encoded, Protocol::Resp2);
    reply.bulk(key);
    let taken = keys.edit(key, |list, shapes| (take(list, shapes, &mut reply), Edit::Changed));
    taken.map_or_else(|wrong| Carry::Error(wrong.into()), |taken| Carry::Bytes(taken.map(|()| encoded)))
}

/// Takes elements off an end of the first list among the keys at the words `keys` that has any: call with
/// the hop until it is done. Then the key and its elements, encoded, which are a reply behind the head of
/// an array of two; `None`: there is no list. Errors: WRONGTYPE, if a key before that list has another
/// type; nothing has changed.
pub(crate) fn pop_first(
    hop: &mut Hop,
    keys: Range<usize>,
    end: End,
    amount: Amount,
) -> Result<Step<Option<Vec<u8>>>, CommandError> {
    if hop.stage == 0 {
        let looks = keys.map(|key| part(hop, key, count_part, Carry::Nothing));
        return Ok(Step::Hop(looks.collect()));
    }
    for (at, carry) in hop.carries.iter_mut().enumerate() {
        match carry {
            Carry::Error(error) => return Err(*error),
            Carry::Number(1..) => {
                let (run, carry): (PartFn, _) = match amount {
                    Amount::One => (take_one_part, of_end(end)),
                    Amount::UpTo(count) => {
                        let count = i64::try_from(count).unwrap_or(i64::MAX);
                        (take_part, Carry::Number(if end.is_back() { -count } else { count }))
                    }
                };
                return Ok(Step::Hop(vec![part(hop, keys.start + at, run, carry)]));
            }
            Carry::Bytes(taken) => return Ok(Step::Done(taken.take())),
            _ => {}
        }
    }
    Ok(Step::Done(None))
}

/// The words of `LMPOP` from `numkeys` on, at word `first`: which words are keys, and what to take.
pub(crate) fn parse_lmpop(args: Args<'_>, first: usize) -> Result<(Range<usize>, End, Amount), CommandError> {
    let above_zero = |at: usize| integer(args.at(at)).ok().filter(|&number| number > 0);
    let numkeys = above_zero(first).ok_or(CommandError::Text("ERR numkeys should be greater than 0"))?;
    let room = args.len() - first - 1;
    let numkeys = usize::try_from(numkeys).ok().filter(|&numkeys| numkeys < room);
    let keys = first + 1..first + 1 + numkeys.ok_or(CommandError::Syntax)?;
    let end = End::parse(args, keys.end)?;
    let count = pop_count(args, keys.end + 1)?;
    Ok((keys, end, Amount::UpTo(count)))
}

/// `LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]`: the key and its elements, or null. Errors:
/// WRONGTYPE, a count that is not above 0.
fn lmpop(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    let (keys, end, amount) = parse_lmpop(args, 1)?;
    match pop_first(hop, keys, end, amount)? {
        Step::Hop(parts) => return Ok(Next::Hop(parts)),
        Step::Done(Some(popped)) => {
            reply.array(2);
            reply.raw(&popped);
        }
        Step::Done(None) => reply.null_array(),
    }
    Ok(Next::Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn lset_replaces_one_element() {
        check(
            r#"
        > rpush k a b c                           (integer) 3
        > lset k 0 x                              OK
        > lset k -1 12                            OK
        > lrange k 0 -1
            1) "x"
            2) "b"
            3) "12"
        > lset k 3 x                              (error) ERR index out of range
        > lset k -4 x                             (error) ERR index out of range
        > lset k x x                              (error) ERR value is not an integer or out of range
        > lset missing x x                        (error) ERR no such key
        > set s v                                 OK
        > lset s x x                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn linsert_stands_beside_the_first_pivot() {
        check(
            r#"
        > rpush k a b a                           (integer) 3
        > linsert k before a x                    (integer) 4
        > linsert k AFTER b y                     (integer) 5
        > linsert k after a z                     (integer) 6
        > lrange k 0 -1
            1) "x"
            2) "a"
            3) "z"
            4) "b"
            5) "y"
            6) "a"
        > linsert k before nosuch x               (integer) -1
        > linsert missing before a x              (integer) 0
        > exists missing                          (integer) 0
        > linsert missing beside a x              (error) ERR syntax error
        > set s v                                 OK
        > linsert s before a x                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn lrem_removes_from_either_end_or_all() {
        check(
            r#"
        > rpush k a b a c a d a                   (integer) 7
        > lrem k 1 a                              (integer) 1
        > lrem k -2 a                             (integer) 2
        > lrange k 0 -1
            1) "b"
            2) "a"
            3) "c"
            4) "d"
        > lrem k 0 nosuch                         (integer) 0
        > lrem k -9223372036854775808 c           (integer) 1
        > lrem k 9223372036854775807 d            (integer) 1
        > lrem k x b                              (error) ERR value is not an integer or out of range
        > lrem k 0 b                              (integer) 1
        > lrem k 0 a                              (integer) 1
        > exists k                                (integer) 0
        > lrem k 0 a                              (integer) 0
        > set s v                                 OK
        > lrem s 0 a                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn ltrim_keeps_a_range_and_an_empty_range_removes_the_key() {
        check(
            r#"
        > rpush k a b c d e                       (integer) 5
        > ltrim k 1 -2                            OK
        > lrange k 0 -1
            1) "b"
            2) "c"
            3) "d"
        > ltrim k -100 100                        OK
        > llen k                                  (integer) 3
        > ltrim k -1 -1                           OK
        > lrange k 0 -1
            1) "d"
        > ltrim k x 0                             (error) ERR value is not an integer or out of range
        > ltrim k 5 1                             OK
        > exists k                                (integer) 0
        > ltrim missing 0 0                       OK
        > set s v                                 OK
        > ltrim s 0 0                             (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn lmove_moves_between_ends_of_lists() {
        check(
            r#"
        > rpush a 1 2 3                           (integer) 3
        > lmove a b left right                    "1"
        > lmove a b RIGHT left                    "3"
        > lrange b 0 -1
            1) "3"
            2) "1"
        > lmove a b left left                     "2"
        > exists a                                (integer) 0
        > lmove a b left left                     (nil)
        > lmove b b left right                    "2"
        > lmove b b right right                   "2"
        > rpoplpush b b                           "2"
        > lrange b 0 -1
            1) "2"
            2) "3"
            3) "1"
        > rpoplpush b a                           "1"
        > lrange a 0 -1
            1) "1"
        > lmove a a left right                    "1"
        > lmove missing missing left right        (nil)
        > lmove a b left middle                   (error) ERR syntax error
        > lmove missing b middle left             (error) ERR syntax error
            "#,
        );
    }

    #[test]
    fn a_move_that_is_refused_changes_nothing() {
        check(
            r#"
        > rpush a 1 2 3                           (integer) 3
        > set s v                                 OK
        > lmove a s left left                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lmove s a left left                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lmove s s left right                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > rpoplpush s b                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > rpoplpush missing s                     (nil)
        > llen a                                  (integer) 3
        > get s                                   "v"
        > exists b                                (integer) 0
            "#,
        );
    }

    #[test]
    fn lmpop_takes_from_the_first_list_that_has_elements() {
        check(
            r#"
        > rpush b 1 2 3 4 5                       (integer) 5
        > lmpop 3 a b c left
            1) "b"
            2) 1) "1"
        > lmpop 2 a b right count 2
            1) "b"
            2) 1) "5"
               2) "4"
        > rpush a x                               (integer) 1
        > lmpop 2 a b left count 10
            1) "a"
            2) 1) "x"
        > exists a                                (integer) 0
        > set s v                                 OK
        > lmpop 2 s b left                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lmpop 2 b s left
            1) "b"
            2) 1) "2"
        > lmpop 3 b b b right count 9223372036854775807
            1) "b"
            2) 1) "3"
        > lmpop 2 a b left                        (nil)
        > exists a b                              (integer) 0
            "#,
        );
    }

    #[test]
    fn lmpop_checks_its_words_first() {
        check(
            r#"
        > set k v                                 OK
        > lmpop 0 k left                          (error) ERR numkeys should be greater than 0
        > lmpop -1 k left                         (error) ERR numkeys should be greater than 0
        > lmpop x k left                          (error) ERR numkeys should be greater than 0
        > lmpop 2 k left                          (error) ERR syntax error
        > lmpop 3 k left                          (error) ERR syntax error
        > lmpop 9223372036854775807 k left        (error) ERR syntax error
        > lmpop 1 k middle                        (error) ERR syntax error
        > lmpop 1 k left count                    (error) ERR syntax error
        > lmpop 1 k left count 0                  (error) ERR count should be greater than 0
        > lmpop 1 k left count x                  (error) ERR count should be greater than 0
        > lmpop 1 k left count 1 count 1          (error) ERR syntax error
        > lmpop 1 k left limit 1                  (error) ERR syntax error
        > lmpop 1 k left count 0 more             (error) ERR count should be greater than 0
        > lmpop 1 k left count 1 more             (error) ERR syntax error
        > lmpop 1 k left                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lmpop 2 k                               (error) ERR wrong number of arguments for 'lmpop' command
            "#,
        );
    }
}
