//! Commands of one pipeline that span shards and come one after the other: they go together, as one command would.
//!
//! A pipeline of MGETs would otherwise wait a round for each of them. Together they lock the keys of all at once and
//! need one round, and one message to a shard in place of one for each: what stands in one pipeline may run in one
//! moment, since nothing has to come in between. Each is still counted, timed and answered for itself.
//!
//! Only what is split over its keys' owners goes together (MGET, MSET, DEL, ...), and only commands that take the same
//! course: reads; writes whose answer is certain; other writes.

use super::{KeyAt, Leg, Outcome, Spanning};
use crate::base::args::Args;
use crate::base::ids::ConnectionId;
use crate::base::limits::{GROUP_BYTES_MAX, GROUP_KEYS_MAX, GROUP_WRITE_KEYS_MAX};
use crate::base::owner::{KeyHash, Owners};
use crate::command::spec::{Flags, Fold, Place};
use crate::command::table::Lookup;
use crate::coordinator::center::{Call, Center, call_of};
use crate::coordinator::connection::Connection;
use crate::coordinator::dispatch::{feed_monitors, fits_step};
use crate::mesh::message::Share;
use crate::resp::reply::Reply;
use crate::resp::value::skip;
use crate::session::{Intent, ReplyMode};

/// Which course a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// Under shared locks, one round.
    Read,
    /// Under exclusive locks, answered when the commits are on their way.
    CertainWrite,
    /// Under exclusive locks, two rounds.
    Write,
}

fn course(call: &Call<'_>) -> Option<Course> {
    let Place::Split(_, fold) = call.command.spec.place else { return None };
    let keys = call.command.spec.keys;
    if !keys.are_all_named(call.args) {
        return None;
    }
    let writes = call.command.spec.flags.has(Flags::WRITE) && keys.may_change(call.args);
    Some(match fold {
        _ if !writes => Course::Read,
        Fold::Ok => Course::CertainWrite,
        _ => Course::Write,
    })
}

/// Whether a command may begin a group.
pub(super) fn may_be_grouped(call: &Call<'_>) -> bool {
    course(call).is_some()
}

/// The number of a command's keys, if they live on several shards.
fn spread(owners: &Owners, call: &Call<'_>) -> Option<usize> {
    let mut keys = call.command.spec.keys.indexes(call.args);
    let count = keys.clone().count();
    let first = owners.locate(call.args.at(keys.next()?)).shard;
    keys.any(|key| owners.locate(call.args.at(key)).shard != first).then_some(count)
}

impl Connection {
    /// Lets a command go with those of this connection that are about to leave, if it may.
    pub(in crate::coordinator) fn join_group(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        args: Args<'_>,
        lookup: Lookup,
    ) -> bool {
        let (Some(first), Lookup::Found(command)) = (center.group.shares.first(), lookup) else {
            return false;
        };
        let Some(session) = center.clients.get(at) else { return false };
        if session.reply_mode != ReplyMode::On
            || session.intent != Intent::Open
            || self.transaction.is_some()
            || center.clients.pause.until_ms != 0
            || !command.arity_fits(args.len())
        {
            return false;
        }
        let (db, protocol) = (session.db, session.protocol);
        let call = Call { command, args, db, protocol, now: center.now, hash: None };
        if !fits_step(&call) {
            return false;
        }
        let course = course(&call);
        if course.is_none() || course != self::course(&call_of(first)) {
            return false;
        }
        let Some(keys) = spread(&center.owners, &call) else { return false };
        let keys_max = if course == Some(Course::Read) { GROUP_KEYS_MAX } else { GROUP_WRITE_KEYS_MAX };
        let group = &mut center.group;
        if group.keys + keys > keys_max
            || group.bytes + args.bytes_len() > GROUP_BYTES_MAX
            || self.would_overflow(group.shares.len() + 1)
        {
            return false;
        }
        group.take_on(&call, keys);
        feed_monitors(at, center, &call);
        self.after_command(at, center, command, false);
        true
    }
}

/// Commands of the connection that runs which are about to leave together.
#[derive(Debug, Default)]
pub struct Group {
    /// In the order of the pipeline.
    pub shares: Vec<Share>,
    /// Keys of all of them.
    keys: usize,
    /// Bytes of all their words.
    bytes: usize,
}

impl Group {
    fn take_on(&mut self, call: &Call<'_>, keys: usize) {
        self.keys += keys;
        self.bytes += call.args.bytes_len();
        self.shares.push(call.to_share());
    }
}

impl Center {
    /// Begins a group with its first command.
    pub(super) fn open_group(&mut self, call: &Call<'_>) {
        let keys = call.command.spec.keys.indexes(call.args).count();
        self.group.take_on(call, keys);
    }

    /// Sends the group of a connection on its way, if there is one; says how many commands are in it.
    pub(in crate::coordinator) fn close_group(&mut self, at: ConnectionId) -> usize {
        let Group { shares, .. } = std::mem::take(&mut self.group);
        let count = shares.len();
        let mut shares = shares.into_iter();
        if let Some(share) = shares.next() {
            self.begin_group(at, share, shares.collect(), None, None);
        }
        count
    }

    /// One leg for each shard that owns keys of these commands, in the order of the shards.
    pub(super) fn legs_of<'a>(&self, shares: impl Iterator<Item = &'a Share>) -> Vec<Leg> {
        let mut legs: Vec<Leg> = Vec::new();
        for (command, share) in (0..).zip(shares) {
            let args = share.args.view();
            for word in share.command.spec.keys.indexes(args) {
                let KeyHash { shard, hash } = self.owners.locate(args.at(word));
                let at = legs.iter().position(|leg| leg.shard == shard).unwrap_or_else(|| {
                    legs.push(Leg::new(shard));
                    legs.len() - 1
                });
                legs[at].keys.push(KeyAt { command, word: word as u32 });
                legs[at].hashes.push(hash);
            }
        }
        legs.sort_unstable_by_key(|leg| leg.shard);
        legs
    }
}

/// One shard's answer to its share of one command.
struct Answer<'a> {
    keys: &'a [KeyAt],
    reply: &'a [u8],
}

impl Spanning {
    /// The replies of all its commands, one after the other, and how each ended.
    pub(super) fn fold(&self, chance: u64) -> (Vec<u8>, Vec<Outcome>) {
        let mut answers: Vec<Vec<Answer<'_>>> =
            self.shares().map(|_| Vec::with_capacity(self.legs.len())).collect();
        for leg in &self.legs {
            let mut rest = leg.reply.as_slice();
            if leg.keys.is_empty() {
                answers[0].push(Answer { keys: &[], reply: rest });
            }
            for (keys, ran) in leg.keys.chunk_by(|one, next| one.command == next.command).zip(&leg.ran) {
                let (reply, behind) = rest.split_at(ran.len);
                answers[keys[0].command as usize].push(Answer { keys, reply });
                rest = behind;
            }
        }
        let mut encoded = Vec::new();
        let fold = |(share, answers): (&Share, Vec<Answer<'_>>)| {
            let failed = fold(share, &answers, chance, &mut Reply::new(&mut encoded, share.protocol));
            Outcome { end: encoded.len(), failed }
        };
        let outcomes = self.shares().zip(answers).map(fold).collect();
        (encoded, outcomes)
    }
}

/// One reply out of all shards' answers to one command; says whether it is an error.
fn fold(share: &Share, answers: &[Answer<'_>], chance: u64, reply: &mut Reply<'_>) -> bool {
    if let Some(answer) = answers.iter().find(|answer| answer.reply.starts_with(b"-")) {
        reply.raw(answer.reply);
        return true;
    }
    let fold = match share.command.spec.place {
        Place::Split(_, fold) | Place::Every(_, fold) => fold,
        _ => unreachable!("only these are folded"),
    };
    match fold {
        Fold::Ok => reply.ok(),
        Fold::Sum => reply.integer(answers.iter().map(|answer| header(answer.reply).0).sum()),
        Fold::Concat => {
            reply.array(answers.iter().map(|answer| header(answer.reply).0 as usize).sum());
            for answer in answers {
                reply.raw(&answer.reply[header(answer.reply).1..]);
            }
        }
        Fold::InKeyOrder => {
            let mut elements: Vec<(u32, &[u8])> = Vec::new();
            for answer in answers {
                let mut rest = &answer.reply[header(answer.reply).1..];
                for key in answer.keys {
                    let len = skip(rest).expect("one element per key");
                    elements.push((key.word, &rest[..len]));
                    rest = &rest[len..];
                }
            }
            elements.sort_unstable_by_key(|element| element.0);
            reply.array(elements.len());
            for (_, element) in elements {
                reply.raw(element);
            }
        }
        Fold::With(fold) => {
            let replies: Vec<&[u8]> = answers.iter().map(|answer| answer.reply).collect();
            fold(&replies, chance, reply);
        }
    }
    false
}

/// The number in a reply's first line (`:12`, `*3`) and the length of that line.
fn header(reply: &[u8]) -> (i64, usize) {
    let end = memchr::memchr(b'\n', reply).expect("a whole reply") + 1;
    let digits = &reply[1..end - 2];
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    (number.expect("our own encoding"), end)
}
