//! Commands of one pipeline that span shards and come one after the other: they go together, as one command would.
//!
//! A pipeline of MGETs would otherwise wait a round for each of them. Together they lock the keys of all at once and
//! need one round, and one message to a shard in place of one for each: what stands in one pipeline may run in one
//! moment, since nothing has to come in between. Each is still counted, timed and answered for itself.
//!
//! Only what is split over its keys' owners goes together (MGET, MSET, DEL, ...), and only commands that take the same
//! course: reads; writes whose answer is certain; other writes. Commands on one key may stand between them. Those run
//! at once, before a group that has not left or after one that has, unless it has their key: then they wait until it
//! is through, and so does any other command that might meet its keys. For each key the order is the pipeline's.

use super::{KeyAt, Leg, Outcome, Spanning};
use crate::base::args::Args;
use crate::base::ids::ConnectionId;
use crate::base::limits::{GROUP_BYTES_MAX, GROUP_KEYS_MAX, GROUP_WRITE_KEYS_MAX, GROUPS_MAX};
use crate::base::owner::{KeyHash, Owners};
use crate::command::spec::{Flags, Fold, Place};
use crate::command::table::Lookup;
use crate::config::PipelineOrder;
use crate::coordinator::center::{Call, Center, call_of};
use crate::coordinator::connection::Connection;
use crate::coordinator::dispatch::{feed_monitors, fits_step};
use crate::mesh::message::Share;
use crate::resp::reply::Reply;
use crate::resp::value::skip;
use crate::session::{Intent, ReplyMode};
use smallvec::SmallVec;

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

impl Connection {
    /// Begins a group with its first command, if it may; those behind it may join until the connection has looked at
    /// what has come.
    pub(super) fn open_group(&mut self, center: &mut Center, call: &Call<'_>) -> bool {
        let strict = center.options.pipeline_order == PipelineOrder::Strict;
        if course(call).is_none()
            || self.spanning.is_some()
            || self.groups.len() >= GROUPS_MAX
            || (strict && !self.is_drained())
        {
            return false;
        }
        let slot = self.open_slot(center, call, false);
        let keys = keys_of(&center.owners, call).collect::<Keys>();
        center.group.take_on(call, slot, &keys);
        true
    }

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
        let keys = keys_of(&center.owners, &call).collect::<Keys>();
        let keys_max = if course == Some(Course::Read) { GROUP_KEYS_MAX } else { GROUP_WRITE_KEYS_MAX };
        if keys.iter().all(|(_, key)| key.shard == keys[0].1.shard)
            || center.group.keys.len() + keys.len() > keys_max
            || center.group.bytes + args.bytes_len() > GROUP_BYTES_MAX
            || self.follows_a_group(center, &call)
        {
            return false;
        }
        let slot = self.open_slot(center, &call, false);
        center.group.take_on(&call, slot, &keys);
        feed_monitors(at, center, &call);
        self.after_command(at, center, command, false);
        true
    }

    /// Sends the group that is open on its way, if there is one.
    pub(in crate::coordinator) fn close_group(&mut self, at: ConnectionId, center: &mut Center) {
        if center.group.is_empty() {
            return;
        }
        let Group { shares, slots, keys, .. } = std::mem::take(&mut center.group);
        let hashes = keys.iter().map(|(_, key)| key.hash).collect();
        self.groups.push(Pending { slot: slots[0], hashes });
        let mut shares = shares.into_iter();
        let first = shares.next().expect("it is not empty");
        let followers = Followers { shares: shares.collect(), slots };
        center.begin(at, first, followers, legs_of(keys.into_iter()), None, None);
    }

    /// Whether a command has to come after a group of this connection that is under way.
    pub(in crate::coordinator) fn follows_a_group(&self, center: &Center, call: &Call<'_>) -> bool {
        match call.command.spec.place {
            Place::Owner(_) | Place::Split(..) | Place::Atomic(_) | Place::Gather(_) => {
                let keys = call.command.spec.keys;
                let meets = |word| {
                    let hash = center.owners.hash(call.args.at(word));
                    self.groups.iter().any(|group| group.hashes.contains(&hash))
                };
                !keys.are_all_named(call.args) || keys.indexes(call.args).any(meets)
            }
            // It may look at any key.
            Place::Scan(_) => true,
            // They have no key, or wait for all that is in front of them anyway.
            _ => false,
        }
    }
}

/// A group under way, as its connection knows it.
#[derive(Debug)]
pub struct Pending {
    /// The slot of its first command.
    pub slot: u32,
    hashes: Vec<u64>,
}

/// The commands of a group behind the first.
#[derive(Debug, Default)]
pub(super) struct Followers {
    /// In the order of the pipeline.
    pub(super) shares: Vec<Share>,
    /// Where the replies go, the first command's too; empty for what is no group.
    pub(super) slots: Vec<u32>,
}

type Keys = SmallVec<[(u32, KeyHash); 16]>;

fn keys_of(owners: &Owners, call: &Call<'_>) -> impl Iterator<Item = (u32, KeyHash)> {
    call.command.spec.keys.indexes(call.args).map(|word| (word as u32, owners.locate(call.args.at(word))))
}

/// Commands of the connection that runs which are about to leave together.
#[derive(Debug, Default)]
pub struct Group {
    /// In the order of the pipeline.
    shares: Vec<Share>,
    slots: Vec<u32>,
    /// Keys of all of them.
    keys: Vec<(KeyAt, KeyHash)>,
    /// Bytes of all their words.
    bytes: usize,
}

impl Group {
    /// Whether no command has begun one.
    pub(in crate::coordinator) fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    /// Whether a command that does not join may run before the group leaves: it has one key, and not one of these.
    pub(in crate::coordinator) fn lets_pass(
        &self,
        args: Args<'_>,
        lookup: Lookup,
        key: Option<KeyHash>,
    ) -> bool {
        let (Lookup::Found(command), Some(key)) = (lookup, key) else { return false };
        matches!(command.spec.place, Place::Owner(_))
            && command.spec.keys.is_one()
            && command.arity_fits(args.len())
            && !self.keys.iter().any(|(_, other)| other.hash == key.hash)
    }

    fn take_on(&mut self, call: &Call<'_>, slot: u32, keys: &[(u32, KeyHash)]) {
        let command = self.shares.len() as u32;
        self.keys.extend(keys.iter().map(|&(word, key)| (KeyAt { command, word }, key)));
        self.bytes += call.args.bytes_len();
        self.slots.push(slot);
        self.shares.push(call.to_share());
    }
}

/// One leg for each shard that owns some of these keys, in the order of the shards.
pub(super) fn legs_of(keys: impl Iterator<Item = (KeyAt, KeyHash)>) -> Vec<Leg> {
    let mut legs: Vec<Leg> = Vec::new();
    for (key, KeyHash { shard, hash }) in keys {
        let at = legs.iter().position(|leg| leg.shard == shard).unwrap_or_else(|| {
            legs.push(Leg::new(shard));
            legs.len() - 1
        });
        legs[at].keys.push(key);
        legs[at].hashes.push(hash);
    }
    legs.sort_unstable_by_key(|leg| leg.shard);
    legs
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
