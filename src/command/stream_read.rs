//! Reading streams as a client that follows them: XREAD, and XREADGROUP for a consumer of a group.
//!
//! One hop asks every key's owner for what is there behind the client's id, encoded; home puts the pieces
//! together. Where an error of one key must keep another from being changed (XREADGROUP of several), a hop
//! before that only looks.

use crate::base::args::{Args, OwnedArgs};
use crate::base::number::parse_i64;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Carry, Flags, Group, Hop, HopFn, Keys, Next, Part, Spec, Waits};
use crate::command::stream_words::{no_key_or_group, strict_id, write_array, write_entry, write_id};
use crate::ds::stream::{self, Delivery, Id, Log, Pending, Stream};
use crate::resp::Protocol;
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace};

const READ_COST: &str = "For each stream mentioned: O(N) with N being the number of elements being returned, it means that XREAD-ing with a fixed COUNT is O(1). Note that when the BLOCK option is used, XADD will pay O(M) time in order to serve the M clients blocked on the stream getting new data.";
const READ_GROUP_COST: &str = "For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the stream getting new data.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::waits("xread", waits(xread))
        .arity(-4)
        .flags(Flags::READ.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS))
        .categories(&["stream"])
        .keys(Keys::streams(1, Access::READ))
        .usage("[COUNT count] [BLOCK milliseconds] STREAMS <key [key ...] id [id ...]>:streams")
        .doc(Group::Stream, "5.0.0", READ_COST, "Returns the entries of streams behind given ids."),
    Spec::waits("xreadgroup", waits(xreadgroup))
        .arity(-7)
        .flags(Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS))
        .categories(&["stream"])
        .keys(Keys::streams(4, Access::READ))
        .usage(
            "GROUP <group consumer> [COUNT count] [BLOCK milliseconds] [NOACK] \
             STREAMS <key [key ...] id [id ...]>:streams",
        )
        .doc(
            Group::Stream,
            "5.0.0",
            READ_GROUP_COST,
            "Returns entries of streams that no consumer of a group has got yet, or those that one has not acknowledged.",
        ),
];

/// How both wait. In the words of one that waits `$` is an id.
const fn waits(attempt: HopFn) -> Waits {
    Waits {
        attempt,
        until: |args, now| {
            let block_ms = Request::parse(args)?.block_ms.filter(|ms| *ms > 0);
            Ok(block_ms.map(|ms| now.unix_ms().saturating_add(ms)))
        },
        keys: |args| {
            let request = Request::parse(args);
            request.map_or_else(
                |_| Default::default(),
                |request| (request.first..request.first + request.streams).collect(),
            )
        },
        narrow: |args, index| match Request::parse(args) {
            Ok(Request { first, streams, .. }) => {
                let words = (0..first).chain([index, index + streams]);
                OwnedArgs::collect(words.map(|at| args.at(at)))
            }
            Err(_) => OwnedArgs::copy(args),
        },
        timeout: |reply| reply.null_array(),
        denied: |reply| reply.null_array(),
    }
}

/// What a reading command asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// The group and the consumer, for XREADGROUP.
    reader: Option<(&'a [u8], &'a [u8])>,
    /// Entries of each stream at most; 0: all.
    count: usize,
    forget: bool,
    /// How long to wait where nothing is there, in milliseconds; 0: for ever; `None`: not at all.
    pub(crate) block_ms: Option<u64>,
    /// Index of the first key, and how many there are; their ids follow.
    first: usize,
    streams: usize,
}

impl<'a> Request<'a> {
    /// Reads the options up to STREAMS. Errors: a bad option or number, keys and ids that are not as many.
    pub(crate) fn parse(args: Args<'a>) -> Result<Request<'a>, CommandError> {
        let grouped = args.is(0, "xreadgroup");
        let mut request =
            Request { reader: None, count: 0, forget: false, block_ms: None, first: 0, streams: 0 };
        let mut at = 1;
        while at < args.len() {
            let more = args.len() - at - 1;
            if args.is(at, "block") && more > 0 {
                at += 1;
                request.block_ms = Some(timeout(args.at(at))?);
            } else if args.is(at, "count") && more > 0 {
                at += 1;
                request.count = integer(args.at(at))?.max(0) as usize;
            } else if args.is(at, "streams") && more > 0 {
                if !more.is_multiple_of(2) {
                    // XREADGROUP says the same.
                    return Err(CommandError::Text(
                        "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
                    ));
                }
                (request.first, request.streams) = (at + 1, more / 2);
                break;
            } else if args.is(at, "group") && more > 1 {
                if !grouped {
                    return Err(CommandError::Text(
                        "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
                    ));
                }
                request.reader = Some((args.at(at + 1), args.at(at + 2)));
                at += 2;
            } else if args.is(at, "noack") {
                if !grouped {
                    return Err(CommandError::Text(
                        "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
                    ));
                }
                request.forget = true;
            } else {
                return Err(CommandError::Syntax);
            }
            at += 1;
        }
        if request.streams == 0 {
            return Err(CommandError::Syntax);
        }
        if grouped && request.reader.is_none() {
            return Err(CommandError::Text("ERR Missing GROUP option for XREADGROUP"));
        }
        Ok(request)
    }

    /// Behind which id a stream is to be read. Errors: no id, or one that makes no sense here.
    fn start(&self, args: Args<'_>, stream: usize) -> Result<Start, CommandError> {
        match (args.at(self.first + self.streams + stream), self.reader) {
            (b"$", None) => Ok(Start::Last),
            (b"$", Some(_)) => Err(CommandError::Text(
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this \
                 consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just \
                 return an empty result set.",
            )),
            (b">", None) => Err(CommandError::Text(
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> \
                 option.",
            )),
            (b">", Some(_)) => Ok(Start::New),
            (id, reader) => match strict_id(id, 0)? {
                // The reference keeps the last id for `>`, and so it means the same.
                Id::MAX if reader.is_some() => Ok(Start::New),
                id => Ok(Start::Behind(id)),
            },
        }
    }

    /// What the owner of one stream has to know.
    fn encoded(&self, start: Start, protocol: Protocol) -> Vec<u8> {
        let (kind, id) = match start {
            Start::Last => (0_u8, Id::MIN),
            Start::New => (1, Id::MIN),
            Start::Behind(id) => (2, id),
        };
        let flags = [self.forget, self.reader.is_some(), protocol == Protocol::Resp3].map(u8::from);
        let mut bytes = vec![kind, flags[0], flags[1], flags[2]];
        for number in [id.ms, id.seq, self.count as u64] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        if let Some((group, consumer)) = self.reader {
            bytes.extend_from_slice(&(group.len() as u64).to_le_bytes());
            bytes.extend_from_slice(group);
            bytes.extend_from_slice(consumer);
        }
        bytes
    }
}

/// Behind which id a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// The last there is: `$`.
    Last,
    /// The last that the group has got: `>`.
    New,
    /// This one.
    Behind(Id),
}

/// A request as one stream's owner reads it.
struct Piece<'a> {
    start: Start,
    forget: bool,
    count: usize,
    reader: Option<(&'a [u8], &'a [u8])>,
    protocol: Protocol,
}

impl<'a> Piece<'a> {
    fn decode(bytes: &'a [u8]) -> Option<Piece<'a>> {
        let (&[kind, forget, grouped, resp3], rest) = bytes.split_first_chunk::<4>()?;
        let (ms, rest) = rest.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let reader = match grouped {
            0 => None,
            _ => {
                let (len, rest) = rest.split_first_chunk()?;
                Some(rest.split_at_checked(u64::from_le_bytes(*len) as usize)?)
            }
        };
        let id = Id::new(u64::from_le_bytes(*ms), u64::from_le_bytes(*seq));
        let start = match kind {
            0 => Start::Last,
            1 => Start::New,
            _ => Start::Behind(id),
        };
        let protocol = if resp3 != 0 { Protocol::Resp3 } else { Protocol::Resp2 };
        let count = u64::from_le_bytes(*count) as usize;
        Some(Piece { start, forget: forget != 0, count, reader, protocol })
    }
}

/// A time to wait, in milliseconds. Errors: no integer, a negative one.
fn timeout(word: &[u8]) -> Result<u64, CommandError> {
    let ms = parse_i64(word).ok_or(CommandError::Text("ERR timeout is not an integer or out of range"))?;
    u64::try_from(ms).map_err(|_| CommandError::Text("ERR timeout is negative"))
}

/// How far a reading command is.
#[derive(Debug)]
pub(crate) enum Progress {
    /// These parts are to run; then [`read_now`] is called again.
    Hop(Vec<Part>),
    /// The reply is written.
    Served,
    /// No stream has anything to give, and nothing is written.
    Nothing,
}

/// `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`: each stream that has entries
/// behind its id, with them; null if none has. Errors: a bad option or id, WRONGTYPE.
fn xread(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    answer(args, hop, reply)
}

/// `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]`:
/// as XREAD, of entries that the group has not got yet (`>`), or that this consumer has and has not acknowledged.
/// Errors: as XREAD, no such key or group.
fn xreadgroup(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    answer(args, hop, reply)
}

/// Answers with what is there now.
fn answer(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    match read_now(args, hop, reply)? {
        Progress::Hop(parts) => return Ok(Next::Hop(parts)),
        Progress::Served => {}
        Progress::Nothing => {
            let request = Request::parse(args)?;
            if request.block_ms.is_none() {
                reply.null_array();
                return Ok(Next::Done);
            }
            let ids = request.first + request.streams;
            let words = args.from(0).enumerate().map(|(at, word)| {
                match at.checked_sub(ids).and_then(|stream| hop.carries.get(stream)) {
                    Some(Carry::Id(ms, seq)) => format!("{ms}-{seq}").into_bytes(),
                    _ => word.to_vec(),
                }
            });
            let words: Vec<Vec<u8>> = words.collect();
            return Ok(Next::Wait(Some(OwnedArgs::collect(words.iter().map(Vec::as_slice)))));
        }
    }
    Ok(Next::Done)
}

/// Reads what is there, whatever BLOCK says. Called with a new hop first.
pub(crate) fn read_now(
    args: Args<'_>,
    hop: &mut Hop,
    reply: &mut Reply<'_>,
) -> Result<Progress, CommandError> {
    let request = Request::parse(args)?;
    let (first, count) = (request.first, request.streams);
    let starts: Vec<Result<Start, CommandError>> =
        (0..count).map(|stream| request.start(args, stream)).collect();
    let careful = starts.iter().any(Result::is_err) || (request.reader.is_some() && count > 1);
    let protocol = reply.protocol();
    let part = |stream: usize, run, start| Part {
        key: first + stream,
        db: hop.db,
        run,
        carry: Carry::Bytes(Some(request.encoded(start, protocol))),
    };
    if hop.stage == 0 && careful {
        return Ok(Progress::Hop((0..count).map(|stream| part(stream, look_part, Start::Last)).collect()));
    }
    if hop.stage == usize::from(careful) {
        // Errors in the order of the keys; of one key its type, its group, its id.
        for (stream, start) in starts.iter().enumerate() {
            refuse(args, &request, stream, hop.carries.get(stream), reply)?;
            (*start)?;
        }
        let parts = starts.iter().enumerate();
        return Ok(Progress::Hop(
            parts.map(|(stream, start)| part(stream, read_part, start.unwrap_or(Start::Last))).collect(),
        ));
    }
    for stream in 0..count {
        refuse(args, &request, stream, hop.carries.get(stream), reply)?;
    }
    let served = hop.carries.iter().filter(|carry| matches!(carry, Carry::Bytes(Some(_)))).count();
    if served == 0 {
        return Ok(Progress::Nothing);
    }
    let pairs = protocol == Protocol::Resp3;
    if pairs {
        reply.map(served)
    } else {
        reply.array(served)
    }
    for (stream, carry) in hop.carries.iter().enumerate() {
        if let Carry::Bytes(Some(entries)) = carry {
            if !pairs {
                reply.array(2);
            }
            reply.bulk(args.at(first + stream));
            reply.raw(entries);
        }
    }
    Ok(Progress::Served)
}

/// The error that a part found.
fn refuse(
    args: Args<'_>,
    request: &Request<'_>,
    stream: usize,
    carry: Option<&Carry>,
    reply: &mut Reply<'_>,
) -> CommandResult {
    match (carry, request.reader) {
        (Some(Carry::Error(error)), _) => Err(*error),
        (Some(Carry::Flag(false)), Some((group, _))) => {
            let key = args.at(request.first + stream);
            Err(no_key_or_group(reply, key, group, " in XREADGROUP with GROUP option"))
        }
        _ => Ok(()),
    }
}

/// Looks whether a stream can be read: an error, false if its group is missing.
fn look_part(keys: &mut Keyspace<'_>, key: &[u8], carry: Carry) -> Carry {
    let Carry::Bytes(Some(bytes)) = carry else { return Carry::Nothing };
    let reader = Piece::decode(&bytes).and_then(|piece| piece.reader);
    match keys.peek_value::<Stream>(key) {
        Err(wrong) => Carry::Error(wrong.into()),
        Ok(stream) => match reader {
            Some((group, _)) => Carry::Flag(stream.is_some_and(|stream| stream.group(group).is_some())),
            None => Carry::Nothing,
        },
    }
}

/// Reads a stream: its entries, encoded; nothing if it has none for this reader.
fn read_part(keys: &mut Keyspace<'_>, key: &[u8], carry: Carry) -> Carry {
    let Carry::Bytes(Some(bytes)) = carry else { return Carry::Nothing };
    let Some(piece) = Piece::decode(&bytes) else { return Carry::Nothing };
    let mut encoded = Vec::new();
    let read = match piece.reader {
        None => read_plain(keys, key, &piece, &mut encoded),
        Some(_) => read_grouped(keys, key, &piece, &mut encoded),
    };
    match read {
        Ok(Read::Entries) => Carry::Bytes(Some(encoded)),
        Ok(Read::Nothing) => Carry::Nothing,
        Ok(Read::Last(id)) => Carry::Id(id.ms, id.seq),
        Ok(Read::NoGroup) => Carry::Flag(false),
        Err(error) => Carry::Error(error),
    }
}

/// What came of reading one stream.
enum Read {
    Entries,
    Nothing,
    /// Nothing is behind the last entry, which is this one.
    Last(Id),
    NoGroup,
}

fn read_plain(
    keys: &mut Keyspace<'_>,
    key: &[u8],
    piece: &Piece<'_>,
    out: &mut Vec<u8>,
) -> Result<Read, CommandError> {
    let Some(stream) = keys.read_value::<Stream>(key)? else {
        return Ok(if piece.start == Start::Last { Read::Last(Id::MIN) } else { Read::Nothing });
    };
    let log = stream.log();
    let Start::Behind(id) = piece.start else { return Ok(Read::Last(log.last_id())) };
    // Cheaper than a look at the entries, and true of nearly every client that is up to date.
    let Some(start) = id.next().filter(|start| *start <= log.last_id()) else { return Ok(Read::Nothing) };
    let mut entries = log.entries(start..=Id::MAX, false).peekable();
    if entries.peek().is_none() {
        return Ok(Read::Nothing);
    }
    let count = if piece.count == 0 { usize::MAX } else { piece.count };
    write_array(&mut Reply::new(out, piece.protocol), |reply| {
        entries.take(count).map(|entry| write_entry(reply, &entry)).count()
    });
    Ok(Read::Entries)
}

fn read_grouped(
    keys: &mut Keyspace<'_>,
    key: &[u8],
    piece: &Piece<'_>,
    out: &mut Vec<u8>,
) -> Result<Read, CommandError> {
    let Some((name, consumer)) = piece.reader else { return Ok(Read::NoGroup) };
    // Counts as a read before it is an edit.
    if keys.read_value::<Stream>(key)?.is_none_or(|stream| stream.group(name).is_none()) {
        return Ok(Read::NoGroup);
    }
    let now_ms = keys.now().unix_ms() as i64;
    let read = keys.edit(key, |stream: &mut Stream, _| {
        let read = stream.edit_group(name, |group, log| {
            // Who asks in vain for what is new has not been heard of.
            let mut reply = Reply::new(out, piece.protocol);
            match piece.start {
                Start::Behind(id) => {
                    let (consumer, _) = group.find_or_create(consumer, now_ms);
                    read_history(group, log, consumer, id, piece.count, now_ms, &mut reply);
                    (Read::Entries, Edit::Aside)
                }
                _ if log.last_entry_id().is_some_and(|last| last > group.last_id) => {
                    let (consumer, _) = group.find_or_create(consumer, now_ms);
                    let delivery = Delivery { consumer, count: piece.count, forget: piece.forget, now_ms };
                    write_array(&mut reply, |reply| {
                        group.deliver(log, delivery, |entry| write_entry(reply, &entry))
                    });
                    (Read::Entries, Edit::Aside)
                }
                _ => (Read::Nothing, Edit::Unchanged),
            }
        });
        read.unwrap_or((Read::NoGroup, Edit::Unchanged))
    })?;
    Ok(read.unwrap_or(Read::NoGroup))
}

/// Shows what a consumer has got behind an id and not acknowledged; it counts as another delivery.
fn read_history(
    group: &mut stream::Group,
    log: &Log,
    consumer: stream::ConsumerId,
    behind: Id,
    count: usize,
    now_ms: i64,
    reply: &mut Reply<'_>,
) {
    let start = behind.next().unwrap_or(Id::MIN);
    let count = if count == 0 { usize::MAX } else { count };
    let given: Vec<(Id, Pending)> = group.pending_of(consumer, start).take(count).collect();
    reply.array(given.len());
    for (id, pending) in given {
        match log.entries(id..=id, false).next() {
            Some(entry) => {
                write_entry(reply, &entry);
                let deliveries = pending.deliveries.wrapping_add(1);
                group.give(id, Pending { delivered_ms: now_ms, deliveries, ..pending });
            }
            None => {
                reply.array(2);
                write_id(reply, id);
                reply.null_array();
            }
        }
    }
}

#[cfg(test)]
#[path = "stream_read_tests.rs"]
mod tests;
