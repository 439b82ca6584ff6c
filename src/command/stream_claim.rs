//! Entries that consumers have got and not acknowledged: listed by XPENDING, given to others by XCLAIM and
//! XAUTOCLAIM.
//!
//! An entry that was deleted from its stream is forgotten when somebody wants to claim it. A consumer that
//! claims is made when it gets its first entry, and is heard of then.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult, c_text};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::command::stream_words::{
    interval, interval_start, no_key_or_group, strict_id, write_array, write_entry, write_id,
};
use crate::ds::stream::{self, ConsumerId, Id, Log, Pending, Stream};
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace};
use std::ops::RangeInclusive;

const PENDING_COST: &str = "O(N) with N being the number of elements returned, so asking for a small fixed number of entries per call is O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. When the command returns just the summary and the list of consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for iterating every consumer.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("xpending", xpending)
        .arity(-3)
        .flags(Flags::READ)
        .categories(&["stream"])
        .keys(Keys::at(1, Access::READ))
        .usage("key group [[IDLE min-idle-time:integer] start:string end:string count [consumer]]:filters")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Stream,
            "5.0.0",
            PENDING_COST,
            "Lists the entries that the consumers of a group have got and not acknowledged.",
        ),
    Spec::owner("xclaim", xclaim)
        .arity(-6)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["stream"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage(
            "key group consumer min-idle-time id [id ...] [IDLE ms:integer] [TIME unix-time-milliseconds] \
             [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]",
        )
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Stream,
            "5.0.0",
            "O(log N) with N being the number of messages in the PEL of the consumer group.",
            "Gives entries that consumers of a group have got to another one.",
        ),
    Spec::owner("xautoclaim", xautoclaim)
        .arity(-6)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["stream"])
        .keys(Keys::at(1, Access::DELETE_PART))
        .usage("key group consumer min-idle-time start:string [COUNT count] [JUSTID]")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Stream,
            "6.2.0",
            "O(1) if COUNT is small.",
            "Gives those entries that consumers of a group have got long ago to another one.",
        ),
];

/// What XPENDING lists: entries in an interval that have been idle for so long, up to so many.
struct Filter<'a> {
    min_idle_ms: i64,
    range: RangeInclusive<Id>,
    count: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// Reads the words from 3 on. Errors: too few, too many, a bad number or id.
    fn parse(args: Args<'a>) -> Result<Option<Filter<'a>>, CommandError> {
        match args.len() {
            3 => return Ok(None),
            6..=9 => {}
            _ => return Err(CommandError::Syntax),
        }
        let (mut at, mut min_idle_ms) = (3, 0);
        if args.is(3, "idle") {
            min_idle_ms = integer(args.at(4))?;
            if args.len() < 8 {
                return Err(CommandError::Syntax);
            }
            at = 5;
        }
        let count = integer(args.at(at + 2))?.max(0) as usize;
        let range = interval(args.at(at), args.at(at + 1))?;
        Ok(Some(Filter { min_idle_ms, range, count, consumer: args.get(at + 3) }))
    }
}

/// `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`: how many entries are out, the first
/// and the last, and how many each consumer has; or with an interval each entry with its consumer, its idle time
/// in milliseconds and how often it was given out. Errors: bad words, WRONGTYPE, no such key or group.
fn xpending(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let filter = Filter::parse(args)?;
    let now_ms = keys.now().unix_ms() as i64;
    let stream = keys.read_value::<Stream>(args.at(1))?;
    let Some(group) = stream.and_then(|stream| stream.group(args.at(2))) else {
        return Err(no_key_or_group(reply, args.at(1), args.at(2), ""));
    };
    match filter {
        None => summarize(group, reply),
        Some(filter) => list(group, &filter, now_ms, reply),
    }
    Ok(())
}

fn summarize(group: &stream::Group, reply: &mut Reply<'_>) {
    reply.array(4);
    reply.integer(group.pending_len() as i64);
    let Some((first, last)) = group.pending_bounds() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    write_id(reply, first);
    write_id(reply, last);
    write_array(reply, |reply| {
        let busy = group.consumers().filter(|(_, consumer)| consumer.pending_len() > 0);
        busy.map(|(_, consumer)| {
            reply.array(2);
            reply.bulk(&consumer.name);
            reply.text(itoa::Buffer::new().format(consumer.pending_len()));
        })
        .count()
    });
}

fn list(group: &stream::Group, filter: &Filter<'_>, now_ms: i64, reply: &mut Reply<'_>) {
    let (start, end) = (*filter.range.start(), *filter.range.end());
    let mut show = |pending: &mut dyn Iterator<Item = (Id, Pending)>| {
        write_array(reply, |reply| {
            pending
                .take_while(|(id, _)| *id <= end)
                .filter(|(_, pending)| {
                    now_ms.wrapping_sub(pending.delivered_ms) >= filter.min_idle_ms || filter.min_idle_ms == 0
                })
                .take(filter.count)
                .map(|(id, pending)| {
                    reply.array(4);
                    write_id(reply, id);
                    reply.bulk(group.consumer(pending.consumer).map_or(b"", |consumer| &consumer.name));
                    reply.integer(now_ms.wrapping_sub(pending.delivered_ms).max(0));
                    reply.integer(pending.deliveries as i64);
                })
                .count()
        });
    };
    match filter.consumer {
        None => show(&mut group.pending_from(start)),
        Some(name) => match group.find(name) {
            Some(consumer) => show(&mut group.pending_of(consumer, start)),
            None => show(&mut std::iter::empty()),
        },
    }
}

/// How entries are claimed.
struct Claim<'a> {
    consumer: &'a [u8],
    min_idle_ms: i64,
    now_ms: i64,
    /// When they count as given out.
    delivered_ms: i64,
    /// How often they count as given out; `None`: once more, unless only ids are wanted.
    deliveries: Option<u64>,
    ids_only: bool,
    /// The consumer, once it has got one.
    found: Option<ConsumerId>,
}

impl Claim<'_> {
    /// Whether an entry has been with its consumer long enough.
    fn is_due(&self, pending: &Pending) -> bool {
        self.min_idle_ms == 0 || self.now_ms.wrapping_sub(pending.delivered_ms) >= self.min_idle_ms
    }

    /// Gives an entry to the claiming consumer and answers with it. `old`: what was known of it.
    fn take(&mut self, group: &mut stream::Group, log: &Log, id: Id, old: u64, reply: &mut Reply<'_>) {
        let (name, now_ms) = (self.consumer, self.now_ms);
        let consumer = *self.found.get_or_insert_with(|| group.find_or_create(name, now_ms).0);
        let once_more = if self.ids_only { old } else { old.wrapping_add(1) };
        let deliveries = self.deliveries.unwrap_or(once_more);
        group.give(id, Pending { consumer, delivered_ms: self.delivered_ms, deliveries });
        match log.entries(id..=id, false).next() {
            Some(entry) if !self.ids_only => write_entry(reply, &entry),
            _ => write_id(reply, id),
        }
    }
}

/// A number that is not negative, as some commands read it.
fn number(word: &[u8], error: &'static str) -> Result<i64, CommandError> {
    integer(word).map_err(|_| CommandError::Text(error))
}

/// `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-ms] [RETRYCOUNT n] [FORCE] [JUSTID]
/// [LASTID id]`: the entries that changed hands, or their ids. Errors: WRONGTYPE, no such key or group, a bad
/// number, id or option.
fn xclaim(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let now_ms = keys.now().unix_ms() as i64;
    // Counts as a read before it is an edit.
    let stream = keys.read_value::<Stream>(args.at(1))?;
    if stream.is_none_or(|stream| stream.group(args.at(2)).is_none()) {
        return Err(no_key_or_group(reply, args.at(1), args.at(2), ""));
    }
    let min_idle_ms = number(args.at(4), "ERR Invalid min-idle-time argument for XCLAIM")?.max(0);
    let ids_end = (5..args.len()).find(|&at| strict_id(args.at(at), 0).is_err()).unwrap_or(args.len());
    let mut claim = Claim {
        consumer: args.at(3),
        min_idle_ms,
        now_ms,
        delivered_ms: -1,
        deliveries: None,
        ids_only: false,
        found: None,
    };
    let (mut force, mut last_id, mut at) = (false, Id::MIN, ids_end);
    while at < args.len() {
        let value = args.get(at + 1);
        match value {
            _ if args.is(at, "force") => force = true,
            _ if args.is(at, "justid") => claim.ids_only = true,
            Some(value) => {
                if args.is(at, "idle") {
                    let idle = number(value, "ERR Invalid IDLE option argument for XCLAIM")?;
                    claim.delivered_ms = now_ms.wrapping_sub(idle);
                } else if args.is(at, "time") {
                    claim.delivered_ms = number(value, "ERR Invalid TIME option argument for XCLAIM")?;
                } else if args.is(at, "retrycount") {
                    let count = number(value, "ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
                    claim.deliveries = u64::try_from(count).ok();
                } else if args.is(at, "lastid") {
                    last_id = strict_id(value, 0)?;
                } else {
                    return Err(unknown_option(args.at(at), reply));
                }
                at += 1;
            }
            None => return Err(unknown_option(args.at(at), reply)),
        }
        at += 1;
    }
    if claim.delivered_ms < 0 || claim.delivered_ms > now_ms {
        claim.delivered_ms = now_ms;
    }
    keys.edit(args.at(1), |stream: &mut Stream, _| {
        let changed = stream.edit_group(args.at(2), |group, log| {
            let mut changed = last_id > group.last_id;
            group.last_id = group.last_id.max(last_id);
            write_array(reply, |reply| {
                let mut count = 0;
                for id in (5..ids_end).filter_map(|at| strict_id(args.at(at), 0).ok()) {
                    let pending = group.pending(id);
                    if !log.contains(id) {
                        changed |= group.take(id);
                        continue;
                    }
                    let deliveries = match pending {
                        Some(pending) if claim.is_due(&pending) => pending.deliveries,
                        None if force => 1,
                        _ => continue,
                    };
                    claim.take(group, log, id, deliveries, reply);
                    count += 1;
                }
                changed |= count > 0;
                count
            });
            changed
        });
        ((), Edit::aside_when(changed == Some(true)))
    })?;
    Ok(())
}

fn unknown_option(word: &[u8], reply: &mut Reply<'_>) -> CommandError {
    reply.error_bytes(&[b"ERR Unrecognized XCLAIM option '", c_text(word), b"'"].concat());
    CommandError::Replied
}

/// Entries looked at per entry wanted.
const AUTO_ATTEMPTS: usize = 10;

/// Largest COUNT of XAUTOCLAIM: the reference must be able to count the bytes of so many ids.
const AUTO_COUNT_MAX: i64 = i64::MAX / 16;

/// The reference makes room for the ids of all deleted entries that it may meet, and here that fails anywhere.
const AUTO_COUNT_ROOM: usize = 1 << 43;

/// `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`: the id to go on from (`0-0`: the
/// end was reached), the entries that changed hands or their ids, and the ids of those that were deleted. Errors:
/// bad words, WRONGTYPE, no such key or group.
fn xautoclaim(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let now_ms = keys.now().unix_ms() as i64;
    let min_idle_ms = number(args.at(4), "ERR Invalid min-idle-time argument for XAUTOCLAIM")?.max(0);
    let start = interval_start(args.at(5))?;
    let (mut at, mut count, mut ids_only) = (6, 100_usize, false);
    while at < args.len() {
        if args.is(at, "count") && at + 1 < args.len() {
            at += 1;
            let wanted = number(args.at(at), "ERR COUNT must be > 0")?;
            if !(1..=AUTO_COUNT_MAX).contains(&wanted) {
                return Err(CommandError::Text("ERR COUNT must be > 0"));
            }
            count = wanted as usize;
        } else if args.is(at, "justid") {
            ids_only = true;
        } else {
            return Err(CommandError::Syntax);
        }
        at += 1;
    }
    let stream = keys.read_value::<Stream>(args.at(1))?;
    if stream.is_none_or(|stream| stream.group(args.at(2)).is_none()) {
        return Err(no_key_or_group(reply, args.at(1), args.at(2), ""));
    }
    if count >= AUTO_COUNT_ROOM {
        return Err(CommandError::Text(
            "ERR Insufficient memory, failed allocating transient memory, COUNT too high.",
        ));
    }
    let mut claim = Claim {
        consumer: args.at(3),
        min_idle_ms,
        now_ms,
        delivered_ms: now_ms,
        deliveries: None,
        ids_only,
        found: None,
    };
    keys.edit(args.at(1), |stream: &mut Stream, _| {
        let changed = stream
            .edit_group(args.at(2), |group, log| claim_from(&mut claim, group, log, start, count, reply));
        ((), Edit::aside_when(changed == Some(true)))
    })?;
    Ok(())
}

/// Claims entries from an id on, and answers; true if anything changed.
fn claim_from(
    claim: &mut Claim<'_>,
    group: &mut stream::Group,
    log: &Log,
    start: Id,
    count: usize,
    reply: &mut Reply<'_>,
) -> bool {
    let (mut next, mut claimed, mut deleted) = (Some(start), 0, Vec::new());
    let mut entries = Vec::new();
    let mut entries_reply = Reply::new(&mut entries, reply.protocol());
    for _ in 0..count.saturating_mul(AUTO_ATTEMPTS) {
        if claimed + deleted.len() >= count {
            break;
        }
        let Some((id, pending)) = next.and_then(|from| group.pending_from(from).next()) else {
            next = None;
            break;
        };
        next = id.next();
        if !log.contains(id) {
            group.take(id);
            deleted.push(id);
        } else if claim.is_due(&pending) {
            claim.take(group, log, id, pending.deliveries, &mut entries_reply);
            claimed += 1;
        }
    }
    let go_on = next.and_then(|from| group.pending_from(from).next()).map_or(Id::MIN, |(id, _)| id);
    reply.array(3);
    write_id(reply, go_on);
    reply.array(claimed);
    reply.raw(&entries);
    reply.array(deleted.len());
    deleted.iter().for_each(|id| write_id(reply, *id));
    claimed > 0 || !deleted.is_empty()
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn entries_are_claimed_from_one_consumer_for_another() {
        check(
            r#"
        > xadd s 1-1 a b                              "1-1"
        > xadd s 2-1 c d                              "2-1"
        > xadd s 3-1 e f                              "3-1"
        > xgroup create s g 0                         OK
        > xreadgroup group g c count 2 streams s >
            1) 1) "s"
               2) 1) 1) "1-1"
                     2) 1) "a"
                        2) "b"
                  2) 1) "2-1"
                     2) 1) "c"
                        2) "d"
        > xclaim s g d 0 1-1
            1) 1) "1-1"
               2) 1) "a"
                  2) "b"
        > xclaim s g d 0 1-1 justid                   1) "1-1"
        > xclaim s g d 1000000 1-1                    (empty array)
        > xclaim s g d 0 3-1                          (empty array)
        > xclaim s g d 0 3-1 force
            1) 1) "3-1"
               2) 1) "e"
                  2) "f"
        > xclaim s g new 0 9-9                        (empty array)
        > xclaim s g new 1000000 1-1                  (empty array)
        > xpending s g
            1) (integer) 3
            2) "1-1"
            3) "3-1"
            4) 1) 1) "c"
                  2) "1"
               2) 1) "d"
                  2) "2"
        > xclaim s g e 0 1-1 2-1 retrycount 7 idle 50000 justid
            1) "1-1"
            2) "2-1"
        > xpending s g idle 40000 - + 10 nobody       (empty array)
        > xpending s g idle 400000 - + 10             (empty array)
        > xclaim s g e 0 1-1 retrycount -5 time 99999999999999
            1) 1) "1-1"
               2) 1) "a"
                  2) "b"
        > xinfo groups s
            1)  1) "name"
                2) "g"
                3) "consumers"
                4) (integer) 3
                5) "pending"
                6) (integer) 3
                7) "last-delivered-id"
                8) "2-1"
                9) "entries-read"
               10) (integer) 2
               11) "lag"
               12) (integer) 1
        > xdel s 2-1                                  (integer) 1
        > xclaim s g e 0 2-1 1-1 justid lastid 9-9    1) "1-1"
        > xpending s g
            1) (integer) 2
            2) "1-1"
            3) "3-1"
            4) 1) 1) "d"
                  2) "1"
               2) 1) "e"
                  2) "1"
        > xinfo groups s
            1)  1) "name"
                2) "g"
                3) "consumers"
                4) (integer) 3
                5) "pending"
                6) (integer) 2
                7) "last-delivered-id"
                8) "9-9"
                9) "entries-read"
               10) (integer) 2
               11) "lag"
               12) (integer) 1
        > xclaim s g e 0 1-1 lastid 2-0 justid        1) "1-1"
        > xinfo groups s
            1)  1) "name"
                2) "g"
                3) "consumers"
                4) (integer) 3
                5) "pending"
                6) (integer) 2
                7) "last-delivered-id"
                8) "9-9"
                9) "entries-read"
               10) (integer) 2
               11) "lag"
               12) (integer) 1
        > xclaim s g e x 1-1                          (error) ERR Invalid min-idle-time argument for XCLAIM
        > xclaim s g e -5 1-1 idle x                  (error) ERR Invalid IDLE option argument for XCLAIM
        > xclaim s g e 0 1-1 time x                   (error) ERR Invalid TIME option argument for XCLAIM
        > xclaim s g e 0 1-1 retrycount x             (error) ERR Invalid RETRYCOUNT option argument for XCLAIM
        > xclaim s g e 0 1-1 lastid x                 (error) ERR Invalid stream ID specified as stream command argument
        > xclaim s g e 0 1-1 foo                      (error) ERR Unrecognized XCLAIM option 'foo'
        > xclaim s g e 0 1-1 idle                     (error) ERR Unrecognized XCLAIM option 'idle'
        > xclaim s g e 0 foo                          (error) ERR Unrecognized XCLAIM option 'foo'
        > xclaim s g e 0 force 1-1                    (error) ERR Unrecognized XCLAIM option '1-1'
        > xclaim s nog e x 1-1                        (error) NOGROUP No such key 's' or consumer group 'nog'
        > xclaim missing g e 0 1-1                    (error) NOGROUP No such key 'missing' or consumer group 'g'
        > set k v                                     OK
        > xclaim k g e x 1-1                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn pending_entries_are_listed() {
        check(
            r#"
        > xadd s 1-1 a b                              "1-1"
        > xadd s 2-1 c d                              "2-1"
        > xadd s 3-1 e f                              "3-1"
        > xgroup create s g 0                         OK
        > xpending s g
            1) (integer) 0
            2) (nil)
            3) (nil)
            4) (nil)
        > xpending s g - + 10                         (empty array)
        > xreadgroup group g c count 2 streams s >
            1) 1) "s"
               2) 1) 1) "1-1"
                     2) 1) "a"
                        2) "b"
                  2) 1) "2-1"
                     2) 1) "c"
                        2) "d"
        > xreadgroup group g d streams s >
            1) 1) "s"
               2) 1) 1) "3-1"
                     2) 1) "e"
                        2) "f"
        > xpending s g
            1) (integer) 3
            2) "1-1"
            3) "3-1"
            4) 1) 1) "c"
                  2) "2"
               2) 1) "d"
                  2) "1"
        > xpending s g - + 10 nobody                  (empty array)
        > xpending s g - + 0                          (empty array)
        > xpending s g - + -1                         (empty array)
        > xpending s g (3-1 + 10                      (empty array)
        > xpending s g idle 1000000 - + 10            (empty array)
        > xpending s g - +                            (error) ERR syntax error
        > xpending s g idle 5 - +                     (error) ERR syntax error
        > xpending s g idle 5                         (error) ERR syntax error
        > xpending s g idle x - + 1                   (error) ERR value is not an integer or out of range
        > xpending s g foo 5 - + 1                    (error) ERR value is not an integer or out of range
        > xpending s g - + x                          (error) ERR value is not an integer or out of range
        > xpending s g foo + 1                        (error) ERR Invalid stream ID specified as stream command argument
        > xpending s g ( + 1                          (error) ERR Invalid stream ID specified as stream command argument
        > xpending s g (18446744073709551615-18446744073709551615 + 1
            (error) ERR invalid start ID for the interval
        > xpending s g - (0-0 1                       (error) ERR invalid end ID for the interval
        > xpending s g idle 1 - + 1 c d e             (error) ERR syntax error
        > xpending s nog - + 1                        (error) NOGROUP No such key 's' or consumer group 'nog'
        > xpending s nog - + x                        (error) ERR value is not an integer or out of range
        > xpending s nog                              (error) NOGROUP No such key 's' or consumer group 'nog'
        > xpending missing g                          (error) NOGROUP No such key 'missing' or consumer group 'g'
        > set k v                                     OK
        > xpending k g                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn entries_that_were_forgotten_are_claimed_in_turn() {
        check(
            r#"
        > xadd s 1-1 a b                              "1-1"
        > xadd s 2-1 c d                              "2-1"
        > xadd s 3-1 e f                              "3-1"
        > xadd s 4-1 g h                              "4-1"
        > xgroup create s g 0                         OK
        > xautoclaim s g f 0 0
            1) "0-0"
            2) (empty array)
            3) (empty array)
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
               12) (integer) 4
        > xreadgroup group g c streams s >
            1) 1) "s"
               2) 1) 1) "1-1"
                     2) 1) "a"
                        2) "b"
                  2) 1) "2-1"
                     2) 1) "c"
                        2) "d"
                  3) 1) "3-1"
                     2) 1) "e"
                        2) "f"
                  4) 1) "4-1"
                     2) 1) "g"
                        2) "h"
        > xautoclaim s g f 1000000 0
            1) "0-0"
            2) (empty array)
            3) (empty array)
        > xautoclaim s g f 0 0 count 2
            1) "3-1"
            2) 1) 1) "1-1"
                  2) 1) "a"
                     2) "b"
               2) 1) "2-1"
                  2) 1) "c"
                     2) "d"
            3) (empty array)
        > xautoclaim s g f 0 3-1 justid
            1) "0-0"
            2) 1) "3-1"
               2) "4-1"
            3) (empty array)
        > xautoclaim s g f 0 (3-1 count 1
            1) "0-0"
            2) 1) 1) "4-1"
                  2) 1) "g"
                     2) "h"
            3) (empty array)
        > xautoclaim s g f 0 - count 1 justid count 2
            1) "3-1"
            2) 1) "1-1"
               2) "2-1"
            3) (empty array)
        > xautoclaim s g f 0 +
            1) "0-0"
            2) (empty array)
            3) (empty array)
        > xpending s g
            1) (integer) 4
            2) "1-1"
            3) "4-1"
            4) 1) 1) "f"
                  2) "4"
        > xdel s 1-1 3-1                              (integer) 2
        > xautoclaim s g h 0 - count 1
            1) "2-1"
            2) (empty array)
            3) 1) "1-1"
        > xautoclaim s g h 0 - justid
            1) "0-0"
            2) 1) "2-1"
               2) "4-1"
            3) 1) "3-1"
        > xautoclaim s g h 0 -
            1) "0-0"
            2) 1) 1) "2-1"
                  2) 1) "c"
                     2) "d"
               2) 1) "4-1"
                  2) 1) "g"
                     2) "h"
            3) (empty array)
        > xpending s g
            1) (integer) 2
            2) "2-1"
            3) "4-1"
            4) 1) 1) "h"
                  2) "2"
        > xautoclaim s g f x 0                        (error) ERR Invalid min-idle-time argument for XAUTOCLAIM
        > xautoclaim s g f 0 foo                      (error) ERR Invalid stream ID specified as stream command argument
        > xautoclaim s g f 0 (18446744073709551615-18446744073709551615
            (error) ERR invalid start ID for the interval
        > xautoclaim s g f 0 0 count 0                (error) ERR COUNT must be > 0
        > xautoclaim s g f 0 0 count x                (error) ERR COUNT must be > 0
        > xautoclaim s g f 0 0 count 922337203685477581  (error) ERR COUNT must be > 0
        > xautoclaim s g f 0 0 count                  (error) ERR syntax error
        > xautoclaim s g f 0 0 foo                    (error) ERR syntax error
        > xautoclaim s nog f 0 0                      (error) NOGROUP No such key 's' or consumer group 'nog'
        > xautoclaim missing g f 0 0                  (error) NOGROUP No such key 'missing' or consumer group 'g'
        > set k v                                     OK
        > xautoclaim k g f 0 0                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }
}
