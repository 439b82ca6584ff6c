//! Lists at their ends and by index: pushes, pops, lengths, ranges, positions.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::ds::Shapes;
use crate::ds::list::List;
use crate::ds::packed::{Item, Needle};
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace};
use std::ops::Range;

const LIST: &[&str] = &["list"];
const PUSH_COST: &str = "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    pushes("lpush", lpush, "1.0.0", "Adds elements before the first one of a list, which is made if it is missing."),
    pushes("rpush", rpush, "1.0.0", "Adds elements behind the last one of a list, which is made if it is missing."),
    pushes("lpushx", lpushx, "2.2.0", "Adds elements before the first one of a list that exists."),
    pushes("rpushx", rpushx, "2.2.0", "Adds elements behind the last one of a list that exists."),
    pops("lpop", lpop, "Takes the first elements off a list."),
    pops("rpop", rpop, "Takes the last elements off a list."),
    Spec::owner("llen", llen)
        .arity(2)
        .flags(Flags::READ.and(Flags::FAST))
        .categories(LIST)
        .keys(Keys::at(1, Access::READ_META))
        .usage("key")
        .doc(Group::List, "1.0.0", "O(1)", "Counts the elements of a list."),
    Spec::owner("lrange", lrange)
        .arity(4)
        .flags(Flags::READ)
        .categories(LIST)
        .keys(Keys::at(1, Access::READ))
        .usage("key start stop:integer")
        .doc(
            Group::List,
            "1.0.0",
            "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the specified range.",
            "Returns the elements of a list between two indexes.",
        ),
    Spec::owner("lindex", lindex)
        .arity(3)
        .flags(Flags::READ)
        .categories(LIST)
        .keys(Keys::at(1, Access::READ))
        .usage("key index")
        .doc(
            Group::List,
            "1.0.0",
            "O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the first or the last element of the list O(1).",
            "Returns one element of a list.",
        ),
    Spec::owner("lpos", lpos)
        .arity(-3)
        .flags(Flags::READ)
        .categories(LIST)
        .keys(Keys::at(1, Access::READ))
        .usage("key element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len]")
        .doc(
            Group::List,
            "6.0.6",
            "O(N) where N is the number of elements in the list, for the average case. When searching for elements near the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant time.",
            "Finds where an element stands in a list.",
        ),
];

const fn pushes(name: &'static str, run: ShardFn, since: &'static str, summary: &'static str) -> Spec {
    Spec::owner(name, run)
        .arity(-3)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST))
        .categories(LIST)
        .keys(Keys::at(1, Access::INSERT))
        .usage("key element [element ...]")
        .doc(Group::List, since, PUSH_COST, summary)
}

const fn pops(name: &'static str, run: ShardFn, summary: &'static str) -> Spec {
    Spec::owner(name, run)
        .arity(-2)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(LIST)
        .keys(Keys::at(1, Access::ACCESS_DELETE))
        .usage("key [count]")
        .doc(Group::List, "1.0.0", "O(N) where N is the number of elements returned", summary)
}

/// One of a list's ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The first element: LEFT.
    Front,
    /// The last element: RIGHT.
    Back,
}

impl End {
    /// `LEFT` or `RIGHT`. Errors: any other word.
    pub(crate) fn parse(args: Args<'_>, at: usize) -> Result<End, CommandError> {
        match () {
            () if args.is(at, "left") => Ok(End::Front),
            () if args.is(at, "right") => Ok(End::Back),
            () => Err(CommandError::Syntax),
        }
    }

    /// Whether this is the last element's end.
    pub(crate) fn is_back(self) -> bool {
        self == End::Back
    }

    /// The last element's end if so.
    pub(crate) fn back_if(back: bool) -> End {
        if back { End::Back } else { End::Front }
    }

    /// The element there.
    pub(crate) fn of(self, list: &List) -> Option<Item<'_>> {
        match self {
            End::Front => list.front(),
            End::Back => list.back(),
        }
    }
}

/// Answers with one element.
fn write_item(item: Item<'_>, reply: &mut Reply<'_>) {
    reply.bulk(item.bytes(&mut itoa::Buffer::new()));
}

/// Takes up to `count` elements off one end, that end's own element first, and answers with each as a
/// bulk string; the caller has announced them.
pub(crate) fn take(list: &mut List, end: End, count: usize, shapes: &Shapes, reply: &mut Reply<'_>) {
    match (end, count) {
        (_, 0) => {}
        (End::Front, 1) => {
            list.front().into_iter().for_each(|item| write_item(item, reply));
            list.pop_front();
        }
        (End::Back, 1) => {
            list.back().into_iter().for_each(|item| write_item(item, reply));
            list.pop_back();
        }
        (End::Front, _) => {
            list.iter().take(count).for_each(|item| write_item(item, reply));
            list.remove_range(0, count, shapes);
        }
        (End::Back, _) => {
            list.iter().rev().take(count).for_each(|item| write_item(item, reply));
            list.remove_range(list.len().saturating_sub(count), count, shapes);
        }
    }
}

/// The indexes from `start` to `stop`, both included, negative ones from the end; `0..0` if there are none.
pub(crate) fn indexes(len: usize, start: i64, stop: i64) -> Range<usize> {
    let len = len as i64;
    let from_start = |index: i64| if index < 0 { len + index } else { index };
    let start = from_start(start).max(0);
    let end = from_start(stop).min(len - 1) + 1;
    if start < end { start as usize..end as usize } else { 0..0 }
}

/// `index` counted from the first element; `None` before it.
pub(crate) fn index_of(len: usize, index: i64) -> Option<usize> {
    usize::try_from(if index < 0 { len as i64 + index } else { index }).ok()
}

fn push_all(list: &mut List, args: Args<'_>, end: End, shapes: &Shapes) -> (usize, Edit) {
    for text in args.from(2) {
        match end {
            End::Front => list.push_front(text, shapes),
            End::Back => list.push_back(text, shapes),
        }
    }
    (list.len(), Edit::Changed)
}

fn push(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>, end: End) -> CommandResult {
    let len = keys.edit_or_create(args.at(1), |list, shapes| push_all(list, args, end, shapes))?;
    reply.integer(len as i64);
    Ok(())
}

fn push_existing(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>, end: End) -> CommandResult {
    let len = keys.edit(args.at(1), |list, shapes| push_all(list, args, end, shapes))?;
    reply.integer(len.unwrap_or(0) as i64);
    Ok(())
}

/// `LPUSH key element [element ...]`: the new length. Errors: WRONGTYPE.
fn lpush(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    push(keys, args, reply, End::Front)
}

/// `RPUSH key element [element ...]`: the new length. Errors: WRONGTYPE.
fn rpush(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    push(keys, args, reply, End::Back)
}

/// `LPUSHX key element [element ...]`: the new length, 0 when missing. Errors: WRONGTYPE.
fn lpushx(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    push_existing(keys, args, reply, End::Front)
}

/// `RPUSHX key element [element ...]`: the new length, 0 when missing. Errors: WRONGTYPE.
fn rpushx(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    push_existing(keys, args, reply, End::Back)
}

/// A count that may be 0, with one error for all that it may not be.
fn positive(word: &[u8]) -> Result<usize, CommandError> {
    let count = integer(word).ok().and_then(|count| usize::try_from(count).ok());
    count.ok_or(CommandError::Text("ERR value is out of range, must be positive"))
}

fn pop(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>, end: End) -> CommandResult {
    let name = if end.is_back() { "rpop" } else { "lpop" };
    let count = match args.len() {
        2 => None,
        3 => Some(positive(args.at(2))?),
        _ => return Err(CommandError::say(reply, &CommandError::arity_text(name))),
    };
    let taken = keys.edit(args.at(1), |list: &mut List, shapes| {
        let wanted = count.unwrap_or(1).min(list.len());
        if count.is_some() {
            reply.array(wanted);
        }
        take(list, end, wanted, shapes, reply);
        ((), Edit::when(wanted > 0))
    })?;
    match (taken, count) {
        (Some(()), _) => {}
        (None, None) => reply.null(),
        (None, Some(_)) => reply.null_array(),
    }
    Ok(())
}

/// `LPOP key [count]`: the first element, or an array of up to `count`; null when missing. Errors:
/// WRONGTYPE, a negative count.
fn lpop(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    pop(keys, args, reply, End::Front)
}

/// `RPOP key [count]`: the last element, or an array of up to `count`, the last one first; null when
/// missing. Errors: WRONGTYPE, a negative count.
fn rpop(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    pop(keys, args, reply, End::Back)
}

/// `LLEN key`: the length, 0 when missing. Errors: WRONGTYPE.
fn llen(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let len = keys.read_value(args.at(1))?.map_or(0, List::len);
    reply.integer(len as i64);
    Ok(())
}

/// `LRANGE key start stop`: the elements from `start` to `stop`, both included; negative indexes count
/// from the end. Empty when missing. Errors: WRONGTYPE.
fn lrange(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (start, stop) = (integer(args.at(2))?, integer(args.at(3))?);
    let Some(list) = keys.read_value::<List>(args.at(1))? else {
        reply.array(0);
        return Ok(());
    };
    let range = indexes(list.len(), start, stop);
    reply.array(range.len());
    list.iter_from(range.start).take(range.len()).for_each(|item| write_item(item, reply));
    Ok(())
}

/// `LINDEX key index`: the element, or null. Errors: WRONGTYPE.
fn lindex(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let Some(list) = keys.read_value::<List>(args.at(1))? else {
        reply.null();
        return Ok(());
    };
    let index = integer(args.at(2))?;
    match index_of(list.len(), index).and_then(|index| list.get(index)) {
        Some(item) => write_item(item, reply),
        None => reply.null(),
    }
    Ok(())
}

/// What LPOS is to find.
struct Search {
    /// Which match is the first to count; a negative one is the first as well.
    rank: i64,
    end: End,
    /// Stop after so many; `None`: the first one is the reply, and not an array.
    count: Option<usize>,
    /// Elements to look at.
    reach: usize,
}

impl Search {
    fn parse(args: Args<'_>) -> Result<Search, CommandError> {
        let mut search = Search { rank: 1, end: End::Front, count: None, reach: usize::MAX };
        // 0 means all, for both options.
        let amount = |at: usize, negative| match positive(args.at(at)) {
            Ok(0) => Ok(usize::MAX),
            Ok(amount) => Ok(amount),
            Err(_) => Err(CommandError::Text(negative)),
        };
        for at in (3..args.len()).step_by(2) {
            if at + 1 == args.len() {
                return Err(CommandError::Syntax);
            }
            match () {
                () if args.is(at, "rank") => {
                    search.rank = integer(args.at(at + 1))?;
                    if search.rank == 0 {
                        return Err(CommandError::Text(
                            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
                             or use negative to start from the end of the list",
                        ));
                    }
                }
                () if args.is(at, "count") => {
                    search.count = Some(amount(at + 1, "ERR COUNT can't be negative")?);
                }
                () if args.is(at, "maxlen") => {
                    search.reach = amount(at + 1, "ERR MAXLEN can't be negative")?;
                }
                () => return Err(CommandError::Syntax),
            }
        }
        if search.rank == i64::MIN {
            // It has no positive counterpart and stays what it is, in Redis as well, where it leaves a count
            // without effect.
            search.count = search.count.map(|_| usize::MAX);
        }
        if search.rank < 0 {
            search.rank = search.rank.wrapping_neg();
            search.end = End::Back;
        }
        Ok(search)
    }

    /// Indexes of the elements that are `text`, in the order of the search.
    fn run(&self, list: &List, text: &[u8]) -> Vec<usize> {
        let (needle, len) = (Needle::new(text), list.len());
        let skip = usize::try_from(self.rank).map_or(0, |rank| rank - 1);
        let count = self.count.unwrap_or(1);
        let is_it = |&(_, item): &(usize, Item<'_>)| needle.is(item);
        let index = |(index, _)| index;
        match self.end {
            End::Front => {
                let all = list.iter().take(self.reach).enumerate();
                all.filter(is_it).skip(skip).take(count).map(index).collect()
            }
            End::Back => {
                let all = list.iter().rev().take(self.reach).enumerate();
                let all = all.filter(is_it).skip(skip).take(count);
                all.map(|found| len - 1 - index(found)).collect()
            }
        }
    }
}

/// `LPOS key element [RANK rank] [COUNT count] [MAXLEN len]`: the index of the first match, or null; with
/// COUNT an array of indexes (0: of all). A negative rank searches from the end. Errors: WRONGTYPE, a
/// rank of 0, a negative count or length.
fn lpos(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let search = Search::parse(args)?;
    let list = keys.read_value::<List>(args.at(1))?;
    let found = list.map_or_else(Vec::new, |list| search.run(list, args.at(2)));
    match (search.count, found.first()) {
        (Some(_), _) => {
            reply.array(found.len());
            found.iter().for_each(|&index| reply.integer(index as i64));
        }
        (None, Some(&index)) => reply.integer(index as i64),
        (None, None) => reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::indexes;
    use crate::testing::check;

    #[test]
    fn pushes_make_lists_and_pops_remove_them() {
        check(
            r#"
        > rpush k a b c                           (integer) 3
        > lpush k 1 2                             (integer) 5
        > lrange k 0 -1
            1) "2"
            2) "1"
            3) "a"
            4) "b"
            5) "c"
        > type k                                  list
        > object encoding k                       "quicklist"
        > lpop k                                  "2"
        > rpop k                                  "c"
        > llen k                                  (integer) 3
        > lpop k 2
            1) "1"
            2) "a"
        > rpop k 9
            1) "b"
        > exists k                                (integer) 0
        > lpop k                                  (nil)
        > rpop k 3                                (nil)
        > llen k                                  (integer) 0
        > lpush k                                 (error) ERR wrong number of arguments for 'lpush' command
            "#,
        );
    }

    #[test]
    fn pushx_needs_a_list() {
        check(
            r#"
        > lpushx k a b                            (integer) 0
        > rpushx k a b                            (integer) 0
        > exists k                                (integer) 0
        > rpush k m                               (integer) 1
        > lpushx k a b                            (integer) 3
        > rpushx k y z                            (integer) 5
        > lrange k 0 -1
            1) "b"
            2) "a"
            3) "m"
            4) "y"
            5) "z"
            "#,
        );
    }

    #[test]
    fn a_pop_takes_a_count_of_zero_or_more() {
        check(
            r#"
        > rpush k a b c                           (integer) 3
        > lpop k 0                                (empty array)
        > lpop k -1                               (error) ERR value is out of range, must be positive
        > rpop k x                                (error) ERR value is out of range, must be positive
        > lpop missing x                          (error) ERR value is out of range, must be positive
        > lpop k 1 2                              (error) ERR wrong number of arguments for 'lpop' command
        > rpop k 1 2                              (error) ERR wrong number of arguments for 'rpop' command
        > lpop missing 0                          (nil)
        > rpop k 2
            1) "c"
            2) "b"
        > rpop k 1
            1) "a"
        > exists k                                (integer) 0
            "#,
        );
    }

    #[test]
    fn list_commands_refuse_other_types_and_keep_the_deadline() {
        check(
            r#"
        > set s v                                 OK
        > lpush s a                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > rpushx s a                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lpop s                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lpop s 0                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lpop s x                                (error) ERR value is out of range, must be positive
        > llen s                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lrange s 0 -1                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lindex s x                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > lpos s x                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > get s                                   "v"
        > rpush k a                               (integer) 1
        > get k                                   (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > append k x                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > expire k 100                            (integer) 1
        > rpush k b                               (integer) 2
        > lpop k                                  "a"
        > ttl k                                   (integer) 100
        > set k now-a-string                      OK
        > get k                                   "now-a-string"
            "#,
        );
    }

    #[test]
    fn ranges_and_indexes_count_from_both_ends() {
        check(
            r#"
        > rpush k 0 1 2 3 4 5 6 7 8 9             (integer) 10
        > lrange k -3 -1
            1) "7"
            2) "8"
            3) "9"
        > lrange k 5 2                            (empty array)
        > lrange k -100 1
            1) "0"
            2) "1"
        > lrange k 8 100
            1) "8"
            2) "9"
        > lrange k 10 11                          (empty array)
        > lrange k -9223372036854775808 0
            1) "0"
        > lrange k 9 9223372036854775807
            1) "9"
        > lrange missing 0 -1                     (empty array)
        > lrange missing x 1                      (error) ERR value is not an integer or out of range
        > lrange k 0 x                            (error) ERR value is not an integer or out of range
        > lindex k 0                              "0"
        > lindex k -1                             "9"
        > lindex k -10                            "0"
        > lindex k -11                            (nil)
        > lindex k 10                             (nil)
        > lindex k x                              (error) ERR value is not an integer or out of range
        > lindex missing x                        (nil)
            "#,
        );
        assert_eq!(indexes(3, i64::MIN, i64::MAX), 0..3);
        assert_eq!(indexes(0, 0, -1), 0..0);
    }

    #[test]
    fn lpos_counts_ranks_and_elements() {
        check(
            r#"
        > rpush k a b c a b c a b c 1 2 3         (integer) 12
        > lpos k a                                (integer) 0
        > lpos k 2                                (integer) 10
        > lpos k a rank 2                         (integer) 3
        > lpos k a rank -1                        (integer) 6
        > lpos k a rank 4                         (nil)
        > lpos k z                                (nil)
        > lpos missing z                          (nil)
        > lpos missing z count 1                  (empty array)
        > lpos k a count 0
            1) (integer) 0
            2) (integer) 3
            3) (integer) 6
        > lpos k a count 2 rank -1
            1) (integer) 6
            2) (integer) 3
        > lpos k a count 0 rank -2
            1) (integer) 3
            2) (integer) 0
        > lpos k z count 1                        (empty array)
        > lpos k a maxlen 0 rank 3                (integer) 6
        > lpos k a maxlen 3 rank 2                (nil)
        > lpos k a maxlen 4 rank 2                (integer) 3
        > lpos k c rank -1 maxlen 3               (nil)
        > lpos k c rank -1 maxlen 4               (integer) 8
        > lpos k a rank -9223372036854775808      (integer) 6
        > lpos k a count 1 rank -9223372036854775808
            1) (integer) 6
            2) (integer) 3
            3) (integer) 0
        > lpos k a rank -9223372036854775807      (nil)
        > lpos k a rank 1 rank 2 count 1 count 0
            1) (integer) 3
            2) (integer) 6
        > lpos k a rank 0                         (error) ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        > lpos k a rank x                         (error) ERR value is not an integer or out of range
        > lpos k a count -1                       (error) ERR COUNT can't be negative
        > lpos k a count x                        (error) ERR COUNT can't be negative
        > lpos k a maxlen -1                      (error) ERR MAXLEN can't be negative
        > lpos k a foo 1                          (error) ERR syntax error
        > lpos k a rank                           (error) ERR syntax error
            "#,
        );
    }
}
