//! Streams: entries added, counted, listed, deleted and trimmed.
//!
//! Reading as a client that follows several streams is in `stream_read`; groups are in `stream_group` and
//! `stream_claim`.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::command::stream_words::{interval, strict_id, wanted_id, write_array, write_entry, write_id};
use crate::ds::Shapes;
use crate::ds::stream::{Id, Log, NoId, Stream, Trim, Wanted};
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace};
use smallvec::SmallVec;

const RANGE_COST: &str = "O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).";
const TRIM_COST: &str = "O(N), with N being the number of evicted entries. Constant times are very small however, since entries are organized in macro nodes containing multiple entries that can be released with a single deallocation.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("xadd", xadd)
        .arity(-5)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST))
        .categories(&["stream"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage(
            "key [NOMKSTREAM] [<MAXLEN|MINID>:strategy [<=>:equal|<~>:approximately]:operator threshold \
             [LIMIT count]]:trim <<*>:auto_id|id>:id_or_auto field value [field value ...]",
        )
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Stream,
            "5.0.0",
            "O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.",
            "Adds an entry to the end of a stream, and may trim its front.",
        ),
    Spec::owner("xlen", xlen)
        .arity(2)
        .flags(Flags::READ.and(Flags::FAST))
        .categories(&["stream"])
        .keys(Keys::at(1, Access::READ_META))
        .usage("key")
        .doc(Group::Stream, "5.0.0", "O(1)", "Returns the number of entries of a stream."),
    Spec::owner("xrange", xrange)
        .arity(-4)
        .flags(Flags::READ)
        .categories(&["stream"])
        .keys(Keys::at(1, Access::READ))
        .usage("key start:string end:string [COUNT count]")
        .doc(Group::Stream, "5.0.0", RANGE_COST, "Returns the entries of a stream between two ids."),
    Spec::owner("xrevrange", xrevrange)
        .arity(-4)
        .flags(Flags::READ)
        .categories(&["stream"])
        .keys(Keys::at(1, Access::READ))
        .usage("key end:string start:string [COUNT count]")
        .doc(Group::Stream, "5.0.0", RANGE_COST, "Returns the entries of a stream between two ids, the last first."),
    Spec::owner("xdel", xdel)
        .arity(-3)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["stream"])
        .keys(Keys::at(1, Access::DELETE_PART))
        .usage("key id [id ...]")
        .doc(
            Group::Stream,
            "5.0.0",
            "O(1) for each single item to delete in the stream, regardless of the stream size.",
            "Deletes entries of a stream by their ids.",
        ),
    Spec::owner("xtrim", xtrim)
        .arity(-4)
        .flags(Flags::WRITE)
        .categories(&["stream"])
        .keys(Keys::at(1, Access::DELETE_PART))
        .usage(
            "key <<MAXLEN|MINID>:strategy [<=>:equal|<~>:approximately]:operator threshold [LIMIT count]>:trim",
        )
        .tips(&["nondeterministic_output"])
        .doc(Group::Stream, "5.0.0", TRIM_COST, "Deletes entries from the front of a stream."),
    Spec::owner("xsetid", xsetid)
        .arity(-3)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST))
        .categories(&["stream"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage("key last-id [ENTRIESADDED entries_added:integer] [MAXDELETEDID max_deleted_entry_id]")
        .doc(Group::Stream, "5.0.0", "O(1)", "Sets the last id of a stream, and what it counts."),
];

/// Bytes of one entry's words that are still stored.
const ENTRY_BYTES_MAX: usize = 1 << 30;

const TOO_LARGE: CommandError = CommandError::Text("ERR Elements are too large to be stored");

/// Entries that an approximate trim takes at most where nodes have no bound, and whatever their bound.
const LIMIT_UNBOUND: u64 = 10_000;
const LIMIT_MAX: u64 = 1_000_000;

/// What XADD and XTRIM have in common.
#[derive(Clone, Copy, Default)]
struct Options {
    trim: Option<Trim>,
    approximate: bool,
    limit: i64,
    limit_given: bool,
    no_make: bool,
    /// XADD's id, and where it stands.
    id: Option<(Wanted, usize)>,
}

impl Options {
    /// Reads the words from 2 on; `adding` ends them by an id. Errors: a bad option, number or id.
    fn parse(args: Args<'_>, adding: bool) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut at = 2;
        while at < args.len() {
            let more = args.len() - at - 1;
            let min_id = args.is(at, "minid");
            if adding && args.at(at) == b"*" {
                options.id = Some((Wanted::Auto, at));
                break;
            } else if (min_id || args.is(at, "maxlen")) && more > 0 {
                at = options.parse_trim(args, at, min_id)?;
            } else if args.is(at, "limit") && more > 0 {
                at += 1;
                options.limit = integer(args.at(at))?;
                options.limit_given = true;
                if options.limit < 0 {
                    return Err(CommandError::Text("ERR The LIMIT argument must be >= 0."));
                }
            } else if adding && args.is(at, "nomkstream") {
                options.no_make = true;
            } else if adding {
                options.id = Some((wanted_id(args.at(at))?, at));
                break;
            } else {
                return Err(CommandError::Syntax);
            }
            at += 1;
        }
        options.check(adding)?;
        Ok(options)
    }

    /// Reads the threshold of the strategy at `at`; returns the index of its last word.
    fn parse_trim(&mut self, args: Args<'_>, mut at: usize, min_id: bool) -> Result<usize, CommandError> {
        if self.trim.is_some() {
            return Err(CommandError::Text(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        self.approximate = false;
        if args.len() - at > 2 && matches!(args.at(at + 1), b"~" | b"=") {
            at += 1;
            self.approximate = args.at(at) == b"~";
        }
        let threshold = args.at(at + 1);
        self.trim = Some(if min_id {
            Trim::MinId(strict_id(threshold, 0)?)
        } else {
            let len = integer(threshold)?;
            Trim::MaxLen(
                u64::try_from(len)
                    .map_err(|_| CommandError::Text("ERR The MAXLEN argument must be >= 0."))?,
            )
        });
        Ok(at + 1)
    }

    fn check(&self, adding: bool) -> Result<(), CommandError> {
        if self.trim.is_none() && self.limit > 0 {
            return Err(CommandError::Text(
                "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            ));
        }
        if self.trim.is_none() && !adding {
            return Err(CommandError::Text(
                "ERR syntax error, XTRIM must be called with a trimming strategy",
            ));
        }
        if self.limit_given && !self.approximate {
            return Err(CommandError::Text(
                "ERR syntax error, LIMIT cannot be used without the special ~ option",
            ));
        }
        Ok(())
    }

    /// Trims as the options say; returns how many entries went.
    fn run(&self, log: &mut Log, shapes: &Shapes) -> u64 {
        let Some(trim) = self.trim else { return 0 };
        let limit = match shapes.stream_node_max_entries {
            _ if self.limit_given => self.limit as u64,
            _ if !self.approximate => 0,
            0 => LIMIT_UNBOUND,
            entries => (entries as u64).saturating_mul(100).min(LIMIT_MAX),
        };
        log.trim(trim, self.approximate, limit)
    }
}

/// `XADD key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [field value ...]`:
/// the entry's id; null if the stream was missing and is not to be made. Errors: a bad option or id, an id that
/// is not above the last, WRONGTYPE.
fn xadd(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let options = Options::parse(args, true)?;
    let (wanted, at) = options.id.unwrap_or((Wanted::Auto, args.len()));
    let fields_at = at + 1;
    if args.len() < fields_at + 2 || !(args.len() - fields_at).is_multiple_of(2) {
        return Err(CommandError::Text("ERR wrong number of arguments for 'xadd' command"));
    }
    if wanted == Wanted::Exactly(Id::MIN) {
        return Err(CommandError::Text("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let words = args.from(fields_at);
    if args.bytes_len() > ENTRY_BYTES_MAX && words.clone().map(<[u8]>::len).sum::<usize>() > ENTRY_BYTES_MAX {
        return Err(TOO_LARGE);
    }
    let now_ms = keys.now().unix_ms();
    let add = |stream: &mut Stream, shapes: &Shapes| {
        let log = stream.log_mut();
        match log.next_id(wanted, now_ms) {
            Ok(id) => {
                log.push(id, words, shapes);
                options.run(log, shapes);
                (Ok(id), Edit::Changed)
            }
            Err(why) => (Err(why), Edit::Unchanged),
        }
    };
    let added = if options.no_make {
        keys.edit(args.at(1), add)?
    } else {
        Some(keys.edit_or_create(args.at(1), add)?)
    };
    match added {
        None => reply.null(),
        Some(Ok(id)) => write_id(reply, id),
        Some(Err(NoId::NotAbove)) => {
            return Err(CommandError::Text(
                "ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ));
        }
        // Not what is wrong, but what the reference says.
        Some(Err(NoId::Full)) => return Err(TOO_LARGE),
        Some(Err(NoId::Exhausted)) => {
            return Err(CommandError::Text(
                "ERR The stream has exhausted the last possible ID, unable to add more items",
            ));
        }
    }
    Ok(())
}

/// `XLEN key`: how many entries there are. Errors: WRONGTYPE.
fn xlen(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let len = keys.read_value::<Stream>(args.at(1))?.map_or(0, Stream::len);
    reply.integer(len as i64);
    Ok(())
}

/// `XRANGE key start end [COUNT count]`: entries, the first first. Errors: a bad id or option, WRONGTYPE.
fn xrange(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    range(keys, args, false, reply)
}

/// `XREVRANGE key end start [COUNT count]`: entries, the last first. Errors: as XRANGE.
fn xrevrange(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    range(keys, args, true, reply)
}

fn range(keys: &mut Keyspace<'_>, args: Args<'_>, backwards: bool, reply: &mut Reply<'_>) -> CommandResult {
    let (start, end) = if backwards { (3, 2) } else { (2, 3) };
    let range = interval(args.at(start), args.at(end))?;
    let (mut at, mut count) = (4, None);
    while at < args.len() {
        if !args.is(at, "count") || at + 1 >= args.len() {
            return Err(CommandError::Syntax);
        }
        count = Some(integer(args.at(at + 1))?.max(0) as usize);
        at += 2;
    }
    let Some(stream) = keys.read_value::<Stream>(args.at(1))? else {
        reply.array(0);
        return Ok(());
    };
    if count == Some(0) {
        reply.null_array();
        return Ok(());
    }
    let entries = stream.log().entries(range, backwards).take(count.unwrap_or(usize::MAX));
    write_array(reply, |reply| entries.map(|entry| write_entry(reply, &entry)).count());
    Ok(())
}

/// Ids from word `first` on. Errors: one that is none.
pub(super) fn ids(args: Args<'_>, first: usize) -> Result<SmallVec<[Id; 8]>, CommandError> {
    args.from(first).map(|word| strict_id(word, 0)).collect()
}

/// `XDEL key id [id ...]`: how many entries there were. Errors: WRONGTYPE, a bad id.
fn xdel(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let deleted = keys.edit(args.at(1), |stream: &mut Stream, _| match ids(args, 2) {
        Ok(ids) => {
            let deleted = stream.log_mut().delete(ids.into_iter());
            (Ok(deleted), Edit::when(deleted > 0))
        }
        Err(error) => (Err(error), Edit::Unchanged),
    })?;
    reply.integer(deleted.transpose()?.unwrap_or(0) as i64);
    Ok(())
}

/// `XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count]`: how many entries went. Errors: a bad option or
/// threshold, WRONGTYPE.
fn xtrim(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let options = Options::parse(args, false)?;
    let trimmed = keys.edit(args.at(1), |stream: &mut Stream, shapes| {
        let trimmed = options.run(stream.log_mut(), shapes);
        (trimmed, Edit::when(trimmed > 0))
    })?;
    reply.integer(trimmed.unwrap_or(0) as i64);
    Ok(())
}

/// `XSETID key last-id [ENTRIESADDED n] [MAXDELETEDID id]`: OK. Errors: a bad id or option, no such key,
/// WRONGTYPE, an id or a number that the entries contradict.
fn xsetid(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let last_id = strict_id(args.at(2), 0)?;
    let (mut at, mut added, mut max_deleted) = (3, None, None);
    while at < args.len() {
        if at + 1 < args.len() && args.is(at, "entriesadded") {
            let number = integer(args.at(at + 1))?;
            let positive = CommandError::Text("ERR entries_added must be positive");
            added = Some(u64::try_from(number).map_err(|_| positive)?);
        } else if at + 1 < args.len() && args.is(at, "maxdeletedid") {
            let id = strict_id(args.at(at + 1), 0)?;
            if last_id < id {
                return Err(CommandError::Text(
                    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                ));
            }
            max_deleted = Some(id).filter(|id| !id.is_zero());
        } else {
            return Err(CommandError::Syntax);
        }
        at += 2;
    }
    let set = keys.edit(args.at(1), |stream: &mut Stream, _| {
        let allowed = allow_ids(stream.log(), last_id, added);
        if allowed.is_ok() {
            stream.log_mut().set_ids(last_id, added, max_deleted);
        }
        (allowed, Edit::aside_when(allowed.is_ok()))
    })?;
    set.ok_or(CommandError::NoSuchKey)??;
    reply.ok();
    Ok(())
}

fn allow_ids(log: &Log, last_id: Id, added: Option<u64>) -> CommandResult {
    if log.last_entry_id().is_some_and(|last| last_id < last) {
        return Err(CommandError::Text(
            "ERR The ID specified in XSETID is smaller than the target stream top item",
        ));
    }
    if !log.is_empty() && added.is_some_and(|added| log.len() > added) {
        return Err(CommandError::Text(
            "ERR The entries_added specified in XSETID is smaller than the target stream length",
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
