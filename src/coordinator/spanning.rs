//! Commands that span shards, seen from home, and questions to every core.
//!
//! A spanning command asks all its shards for locks at once (`mesh::locks` has the rule). Once all
//! have granted:
//!
//! - a read has its replies already, because each shard ran its share when it granted; the shared locks
//!   were kept until now, so the replies are one moment's. They are released without waiting.
//! - a write is committed: each shard runs its share and releases. Nobody can see one share without
//!   the other, since every key was locked before the first was written. A write that can only answer OK
//!   (MSET) answers now: one round.
//! - a command in hops sends its parts, hop after hop, and releases at the end. Where values name keys that the
//!   words do not (SORT's patterns), nobody knows beforehand which: it locks every shard as a whole, shared if it
//!   only reads, and asks each for many of them at once (`looks`).
//!
//! - several commands of one pipeline that come one after the other go as a group, as if they were one (`group`).
//!
//! It lives apart from its connection: a client that hangs up in the middle changes nothing for others.

mod group;
mod looks;

pub use group::{Group, Pending};

use crate::base::args::{Args, OwnedArgs};
use crate::base::ids::{ConnectionId, ShardId};
use crate::base::limits::{LOCK_RETRY_DOUBLINGS_MAX, LOCK_RETRY_NS};
use crate::command::gather::Tools;
use crate::command::spec::{CorePart, CoresFn, Flags, Fold, Hop, Next, Part, Place, Waits};
use crate::command::table::Command;
use crate::coordinator::center::{Call, Center, Local, call_of};
use crate::coordinator::connection::{Connection, Hold};
use crate::coordinator::dispatch::{Dispatched, feed_monitors};
use crate::coordinator::transaction::ahead_of;
use crate::coordinator::waiting::Offered;
use crate::mesh::message::{Ask, BlockReplies, Control, Extent, Grant, Job, Lock, Ran, Share};
use crate::resp::Protocol;
use crate::resp::reply::Reply;
use crate::session::Remote;
use smallvec::{SmallVec, smallvec};

/// The transaction that a command is a part of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    /// Its number at home.
    pub(super) exec: u64,
    /// The stamp of its locks.
    pub(super) stamp: u64,
}

/// A command that spans shards, at home.
#[derive(Debug)]
pub struct Spanning {
    connection: ConnectionId,
    within: Option<Within>,
    /// It was a wait, and is offered one of its keys.
    offered: Option<Offered>,
    share: Share,
    /// Commands behind it that go with it.
    followers: group::Followers,
    exclusive: bool,
    stamp: u64,
    attempts: u64,
    legs: Vec<Leg>,
    /// Answers still out in this round.
    awaited: usize,
    hop: Hop,
    /// Where the carries of the hop under way belong: per leg, indexes into `hop.carries`.
    orders: Vec<Vec<usize>>,
    /// Of the looks under way: per look, the shard of each name.
    routes: Vec<Vec<u16>>,
    began: u64,
    /// Time spent in each of the commands, on all shards together.
    ns: SmallVec<[u64; 1]>,
    /// The client has its answer; what is left is to count.
    answered: bool,
}

/// One shard's part in it.
#[derive(Debug)]
struct Leg {
    shard: ShardId,
    /// Its keys, in the order of the commands and of their words; empty: the whole shard.
    keys: Vec<KeyAt>,
    /// Their hashes.
    hashes: Vec<u64>,
    /// What it answered: the replies of its shares of the commands, one after the other.
    reply: Vec<u8>,
    ran: SmallVec<[Ran; 1]>,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeyAt {
    /// Which of the commands.
    command: u32,
    /// Which of its words.
    word: u32,
}

impl Leg {
    fn new(shard: ShardId) -> Leg {
        Leg { shard, keys: Vec::new(), hashes: Vec::new(), reply: Vec::new(), ran: SmallVec::new() }
    }
}

/// A question to every core, at home.
pub struct Question {
    connection: ConnectionId,
    within: Option<Within>,
    command: &'static Command,
    args: OwnedArgs,
    protocol: Protocol,
    asks: CoresFn,
    parts: Vec<Option<CorePart>>,
    began: u64,
    unix_us: u64,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Question").field("command", &self.command).finish_non_exhaustive()
    }
}

impl Connection {
    /// Starts a command that spans shards.
    pub(super) fn span(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        call: &Call<'_>,
        muted: bool,
    ) -> Dispatched {
        if !muted && self.open_group(center, call) {
            feed_monitors(at, center, call);
            return Dispatched::Taken;
        }
        if !self.is_drained() {
            return Dispatched::Held(Hold::Drain);
        }
        feed_monitors(at, center, call);
        self.spanning = Some(muted);
        center.begin_spanning(at, call.to_share(), None, None);
        Dispatched::Taken
    }

    /// Asks every core; with one core the answer is there at once.
    pub(super) fn ask(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        call: &Call<'_>,
        asks: CoresFn,
        muted: bool,
    ) -> Dispatched {
        if !self.is_drained() {
            return Dispatched::Held(Hold::Drain);
        }
        feed_monitors(at, center, call);
        self.note_sizes(at, center);
        if let Some(session) = center.clients.get_mut(at) {
            session.last_command = &call.command.full_name;
        }
        self.spanning = Some(muted);
        center.put_question(at, call, asks, None);
        Dispatched::Taken
    }
}

impl Center {
    /// Asks every core, this one at once. An answer that is known already is on its way when this returns.
    pub(super) fn put_question(
        &mut self,
        at: ConnectionId,
        call: &Call<'_>,
        asks: CoresFn,
        within: Option<Within>,
    ) {
        let began = self.clock.raw();
        let me = Remote { core: self.id, connection: at };
        if self.clients.get(at).is_none() {
            return self.answer(at, within, Vec::new());
        }
        let mut encoded = Vec::new();
        let mut reply = Reply::new(&mut encoded, call.protocol);
        let checked = (asks.check)(&mut self.core(me), call.args, &mut reply);
        let failed = checked.is_err();
        match checked {
            Ok(false) => {}
            Ok(true) | Err(_) => {
                if let Err(error) = checked {
                    error.write(&mut reply);
                }
                let ns = self.clock.elapsed_ns(began, self.clock.raw());
                self.count(call.command, ns, failed.then_some(&encoded));
                if self.slowlog.wants(ns) && !call.command.spec.flags.has(Flags::SKIP_SLOWLOG) {
                    self.note_slow(at, call.now.unix_us, ns, call.args);
                }
                return self.answer(at, within, encoded);
            }
        }
        self.next_number += 1;
        let number = self.next_number;
        let cores = self.owners.shards();
        let question = Question {
            connection: at,
            within,
            command: call.command,
            args: OwnedArgs::copy(call.args),
            protocol: call.protocol,
            asks,
            parts: (0..cores).map(|_| None).collect(),
            began,
            unix_us: call.now.unix_us,
        };
        for core in (0..cores).map(ShardId).filter(|&core| core != self.id) {
            let args = question.args.clone();
            let ask = Ask { ask: number, caller: me, command: call.command, args };
            self.outboxes.post_control(core, Control::Ask(ask));
        }
        self.questions.insert(number, question);
        let part = (asks.part)(&mut self.core(me), call.args);
        self.on_core_part(number, self.id, part);
    }

    /// Hands a reply to the client, or to the transaction that it is a part of.
    fn answer(&mut self, connection: ConnectionId, within: Option<Within>, reply: Vec<u8>) {
        match within {
            None => self.local.push_back(Local::Answer { connection, reply }),
            // By mail, so that thousands of commands in one transaction do not call each other.
            Some(within) => {
                let replies = BlockReplies { ends: vec![reply.len()], bytes: reply };
                self.own_mail.push_back(Control::BlockDone { txn: within.exec, shard: self.id, replies });
            }
        }
    }

    /// Starts a command that spans shards; within a transaction it needs no locks of its own.
    pub(super) fn begin_spanning(
        &mut self,
        connection: ConnectionId,
        share: Share,
        within: Option<Within>,
        offered: Option<Offered>,
    ) {
        let args = share.args.view();
        let legs: Vec<Leg> = if needs_all_shards(share.command, args) {
            let shards = (0..self.owners.shards()).map(ShardId);
            shards.map(Leg::new).collect()
        } else {
            let locate = |word| (KeyAt { command: 0, word: word as u32 }, self.owners.locate(args.at(word)));
            group::legs_of(share.command.spec.keys.indexes(args).map(locate))
        };
        self.begin(connection, share, group::Followers::default(), legs, within, offered);
    }

    fn begin(
        &mut self,
        connection: ConnectionId,
        share: Share,
        followers: group::Followers,
        legs: Vec<Leg>,
        within: Option<Within>,
        offered: Option<Offered>,
    ) {
        self.next_number += 1;
        let number = self.next_number;
        let spanning = Spanning {
            connection,
            within,
            offered,
            exclusive: share.command.spec.flags.has(Flags::WRITE)
                && share.command.spec.keys.may_change(share.args.view()),
            stamp: within.map_or(0, |within| within.stamp),
            attempts: 0,
            legs,
            awaited: 0,
            hop: Hop::new(share.db, share.now),
            ns: smallvec![0; 1 + followers.shares.len()],
            share,
            followers,
            orders: Vec::new(),
            routes: Vec::new(),
            began: self.clock.raw(),
            answered: false,
        };
        if within.is_none() {
            self.spanning.insert(number, spanning);
            self.request_locks(number);
        } else {
            self.run_within(number, spanning);
        }
    }

    /// A command of a transaction, whose keys are locked already.
    fn run_within(&mut self, number: u64, mut spanning: Spanning) {
        if runs_in_hops(spanning.share.command.spec.place) {
            self.spanning.insert(number, spanning);
            return self.run_hop(number);
        }
        spanning.awaited = spanning.legs.len();
        self.metrics.counters.spanning_hops += 1;
        let shares: Vec<(ShardId, Share)> =
            spanning.legs.iter().map(|leg| (leg.shard, spanning.share_of(leg, &leg.keys))).collect();
        let (home, stamp) = (self.id, spanning.stamp);
        self.spanning.insert(number, spanning);
        for (shard, share) in shares {
            self.send(shard, Control::Under { txn: number, home, stamp, share });
        }
    }

    pub(super) fn request_locks(&mut self, number: u64) {
        let Some(mut spanning) = self.spanning.remove(&number) else { return };
        spanning.stamp = self.next_stamp(ahead_of(spanning.attempts));
        spanning.attempts += 1;
        spanning.awaited = spanning.legs.len();
        spanning.ns.fill(0);
        self.metrics.counters.lock_requests += spanning.legs.len() as u64;
        self.metrics.counters.spanning_hops += 1;
        for leg in &spanning.legs {
            let whole = leg.keys.is_empty();
            let extent = if whole { Extent::Whole } else { Extent::Keys(leg.hashes.clone()) };
            let lock = Lock {
                txn: number,
                home: self.id,
                stamp: spanning.stamp,
                extent,
                exclusive: spanning.exclusive,
                token: spanning.offered.map(|offered| offered.token),
                job: spanning.job_of(leg),
            };
            self.send(leg.shard, Control::Lock(lock));
        }
        self.spanning.insert(number, spanning);
    }

    pub(super) fn on_granted(&mut self, grant: Grant) {
        if self.exec_granted(&grant) {
            return;
        }
        let Some(spanning) = self.spanning.get_mut(&grant.txn) else { return };
        if spanning.stamp != grant.stamp {
            return;
        }
        let number = grant.txn;
        spanning.take_reply(grant);
        if spanning.awaited > 0 {
            return;
        }
        if runs_in_hops(spanning.share.command.spec.place) {
            self.run_hop(number);
        } else if spanning.exclusive {
            spanning.awaited = spanning.legs.len();
            let certain = matches!(spanning.share.command.spec.place, Place::Split(_, Fold::Ok));
            self.tell_legs(number, |stamp| Control::Commit { stamp });
            if certain {
                self.answer_early(number);
            } else {
                self.metrics.counters.spanning_hops += 1;
            }
        } else {
            self.tell_legs(number, |stamp| Control::Release { stamp });
            self.finish_folded(number);
        }
    }

    pub(super) fn on_refused(&mut self, number: u64, stamp: u64, seen: u64, kept: bool) {
        self.see_stamp(seen);
        if self.exec_refused(number, stamp, kept) {
            return;
        }
        if self.spanning.get(&number).is_none_or(|spanning| spanning.stamp != stamp) {
            return;
        }
        self.metrics.counters.lock_refusals += 1;
        // Two waits may each be offered what the other needs: after a while, longer on later cores, one gives in.
        let patience = OFFER_ATTEMPTS_MIN + u64::from(self.id.0);
        let spanning = &self.spanning[&number];
        if let Some(offered) = spanning.offered.filter(|_| spanning.attempts > patience) {
            self.tell_legs(number, |stamp| Control::Release { stamp });
            self.spanning.remove(&number);
            return self.give_back_offer(offered, false);
        }
        let Some(at_ns) = self.again_at(spanning.attempts, kept) else {
            self.tell_legs(number, |stamp| Control::Release { stamp });
            return self.request_locks(number);
        };
        let shards: Vec<ShardId> = self.spanning[&number].legs.iter().map(|leg| leg.shard).collect();
        self.put_off(number, at_ns, stamp, &shards);
        if let Some(spanning) = self.spanning.get_mut(&number) {
            // Answers to the request that was given up are out of date.
            spanning.stamp = 0;
        }
    }

    /// Gives up a request on all its shards and asks again later, but not before all of them have let go: requests that
    /// come faster than a shard can refuse them would fill its queue.
    pub(super) fn put_off(&mut self, number: u64, at_ns: u64, stamp: u64, shards: &[ShardId]) {
        self.waiting.put_off(number, at_ns, shards.len());
        for &shard in shards {
            self.send(shard, Control::GiveUp { txn: number, home: self.id, stamp });
        }
    }

    /// When a refused request comes again; `None`: at once. One that met a kept key waits, for what frees the key may be
    /// on its way here; so does one that was refused for the third time, for several that come again at once, each
    /// with a stamp above all others, can overtake each other for ever. They part by chance, and further each time:
    /// by time and not by turns, because many that come again in every turn are more than their shards can
    /// refuse, and what would free the key is behind them in the queue.
    pub(super) fn again_at(&mut self, attempts: u64, kept: bool) -> Option<u64> {
        if !kept && attempts < 3 {
            return None;
        }
        let most_ns = LOCK_RETRY_NS << attempts.min(LOCK_RETRY_DOUBLINGS_MAX);
        Some(self.now.mono_ns + most_ns / 2 + self.prng.below(most_ns / 2))
    }

    pub(super) fn on_applied(&mut self, grant: Grant) {
        let Some(spanning) = self.spanning.get_mut(&grant.txn) else { return };
        let number = grant.txn;
        spanning.take_reply(grant);
        if spanning.awaited == 0 {
            self.finish_folded(number);
        }
    }

    pub(super) fn on_parts_done(
        &mut self,
        number: u64,
        shard: ShardId,
        ns: u64,
        carries: Vec<crate::command::spec::Carry>,
    ) {
        let Some(spanning) = self.spanning.get_mut(&number) else { return };
        let leg = spanning.leg_of_shard(shard);
        for (&index, carry) in spanning.orders[leg].iter().zip(carries) {
            spanning.hop.carries[index] = carry;
        }
        spanning.ns[0] += ns;
        spanning.awaited -= 1;
        if spanning.awaited == 0 {
            spanning.weave_looks();
            spanning.hop.stage += 1;
            self.run_hop(number);
        }
    }

    fn run_hop(&mut self, number: u64) {
        let Some(mut spanning) = self.spanning.remove(&number) else { return };
        let mut encoded = Vec::new();
        let mut reply = Reply::new(&mut encoded, spanning.share.protocol);
        let args = spanning.share.args.view();
        let next = match spanning.share.command.spec.place {
            Place::Atomic(run) | Place::Wait(Waits { attempt: run, .. }) => {
                run(args, &mut spanning.hop, &mut reply)
            }
            Place::Gather(gather) => {
                let (settings, now) = (self.shard.settings, spanning.hop.now);
                let mut tools = Tools { settings, now, prng: &mut self.prng };
                gather.run_hop(args, &mut spanning.hop, &mut tools, &mut reply)
            }
            _ => unreachable!("only commands in hops come here"),
        };
        let parts = match next {
            Ok(Next::Hop(parts)) => parts,
            Ok(Next::Look(looks)) => return self.send_looks(number, spanning, &looks),
            Ok(Next::Wait(resolved)) if spanning.within.is_none() => {
                self.spanning.insert(number, spanning);
                return self.begin_waiting(number, resolved);
            }
            Ok(Next::Done | Next::Wait(_)) | Err(_) => {
                let failed = next.is_err();
                match (&next, spanning.share.command.spec.place) {
                    (Err(error), _) => error.write(&mut reply),
                    (Ok(Next::Wait(_)), Place::Wait(waits)) => (waits.denied)(&mut reply),
                    _ => {}
                }
                let alone = spanning.within.is_none();
                self.spanning.insert(number, spanning);
                if alone {
                    self.tell_legs(number, |stamp| Control::Release { stamp });
                }
                let end = encoded.len();
                self.finish(number, encoded, &[Outcome { end, failed }]);
                return;
            }
        };
        spanning.hop.carries = parts.iter().map(|_| Default::default()).collect();
        spanning.orders = spanning.legs.iter().map(|_| Vec::new()).collect();
        let mut by_leg: Vec<Vec<(Part, Vec<u8>)>> = spanning.legs.iter().map(|_| Vec::new()).collect();
        for (index, part) in parts.into_iter().enumerate() {
            let key = spanning.share.args.view().at(part.key).to_vec();
            let owner = self.owners.locate(&key).shard;
            let leg = spanning.legs.iter().position(|leg| leg.shard == owner);
            let leg = leg.expect("a part names a key of the command");
            spanning.orders[leg].push(index);
            by_leg[leg].push((part, key));
        }
        spanning.awaited = by_leg.iter().filter(|parts| !parts.is_empty()).count();
        assert!(spanning.awaited > 0, "a hop asks somebody");
        self.metrics.counters.spanning_hops += 1;
        let (home, now) = (self.id, spanning.hop.now);
        for (leg, parts) in spanning.legs.iter().zip(by_leg) {
            if !parts.is_empty() {
                self.send(leg.shard, Control::Parts { txn: number, home, now, parts });
            }
        }
        self.spanning.insert(number, spanning);
    }

    /// A command found nothing and waits: its shards hear of it before they give up their locks.
    fn begin_waiting(&mut self, number: u64, resolved: Option<OwnedArgs>) {
        let spanning = &self.spanning[&number];
        let (connection, offered, share) = (spanning.connection, spanning.offered, spanning.share.clone());
        let (command, ns, began) = (share.command, spanning.ns[0], spanning.began);
        if let Some(offered) = offered {
            self.tell_legs(number, |stamp| Control::Release { stamp });
            self.spanning.remove(&number);
            return self.give_back_offer(offered, true);
        }
        if self.clients.get(connection).is_some() {
            self.wait_at_home(number, connection, &share, resolved);
        }
        self.tell_legs(number, |stamp| Control::Release { stamp });
        self.spanning.remove(&number);
        self.metrics.counters.spanning_commands += 1;
        self.count_spanning(command, ns, None);
        let waited = self.clock.elapsed_ns(began, self.clock.raw());
        self.metrics.record_spanning_wait(command.id, waited);
    }

    fn tell_legs(&mut self, number: u64, message: impl Fn(u64) -> Control) {
        let spanning = &self.spanning[&number];
        let stamp = spanning.stamp;
        let shards: Vec<ShardId> = spanning.legs.iter().map(|leg| leg.shard).collect();
        for shard in shards {
            self.send(shard, message(stamp));
        }
    }

    fn finish_folded(&mut self, number: u64) {
        let chance = self.prng.next_u64();
        let spanning = &self.spanning[&number];
        let (encoded, outcomes) = spanning.fold(chance);
        self.finish(number, encoded, &outcomes);
    }

    /// Commands that can only answer OK do so once their commits are on their way: whoever reads one of
    /// their keys now waits behind their locks, so nobody can tell that the writing is still to come. This
    /// saves MSET one of its two rounds.
    fn answer_early(&mut self, number: u64) {
        let Some(spanning) = self.spanning.get_mut(&number) else { return };
        spanning.answered = true;
        let mut encoded = Vec::new();
        let mut reply = Reply::new(&mut encoded, spanning.share.protocol);
        let waited = self.clock.elapsed_ns(spanning.began, self.clock.raw());
        for share in spanning.shares() {
            reply.ok();
            self.metrics.record_spanning_wait(share.command.id, waited);
        }
        let each = encoded.len() / spanning.ns.len();
        let (connection, slots) = (spanning.connection, &spanning.followers.slots);
        if slots.is_empty() {
            self.local.push_back(Local::Answer { connection, reply: encoded });
        } else {
            let replies = slots.iter().zip(1..).map(|(&slot, count)| (slot, count * each)).collect();
            self.local.push_back(Local::Group { connection, replies, reply: encoded });
        }
    }

    /// Counts what has come to its end, and answers with all replies unless it has answered already.
    fn finish(&mut self, number: u64, reply: Vec<u8>, outcomes: &[Outcome]) {
        let Some(spanning) = self.spanning.remove(&number) else { return };
        let waited = self.clock.elapsed_ns(spanning.began, self.clock.raw());
        let mut start = 0;
        for ((share, &ns), outcome) in spanning.shares().zip(&spanning.ns).zip(outcomes) {
            let command = share.command;
            let error = outcome.failed.then_some(&reply[start..outcome.end]);
            start = outcome.end;
            if spanning.offered.is_none() {
                self.metrics.counters.spanning_commands += 1;
                self.count_spanning(command, ns, error);
                if !spanning.answered {
                    self.metrics.record_spanning_wait(command.id, waited);
                }
            } else if let Some(error) = error {
                // Its call was counted when it began to wait.
                self.count_failed(command, error);
            }
            if self.slowlog.wants(ns) {
                self.note_slow(spanning.connection, share.now.unix_us, ns, share.args.view());
            }
        }
        match spanning.offered {
            Some(offered) => self.finish_pending(offered.token, reply),
            None if spanning.answered => {}
            None if spanning.followers.slots.is_empty() => {
                self.answer(spanning.connection, spanning.within, reply);
            }
            None => {
                let ends = outcomes.iter().map(|outcome| outcome.end);
                let replies = spanning.followers.slots.iter().copied().zip(ends).collect();
                self.local.push_back(Local::Group { connection: spanning.connection, replies, reply });
            }
        }
    }

    pub(super) fn on_core_part(&mut self, number: u64, core: ShardId, part: CorePart) {
        let Some(question) = self.questions.get_mut(&number) else { return };
        question.parts[core.index()] = Some(part);
        if question.parts.iter().any(Option::is_none) {
            return;
        }
        let Some(question) = self.questions.remove(&number) else { return };
        let connection = question.connection;
        if self.clients.get(connection).is_none() {
            return self.answer(connection, question.within, Vec::new());
        }
        let parts = question.parts.into_iter().flatten().collect();
        let me = Remote { core: self.id, connection };
        let mut encoded = Vec::new();
        let mut reply = Reply::new(&mut encoded, question.protocol);
        let folded = (question.asks.fold)(&mut self.core(me), question.args.view(), parts, &mut reply);
        let failed = folded.is_err();
        if let Err(error) = folded {
            error.write(&mut reply);
        }
        let ns = self.clock.elapsed_ns(question.began, self.clock.raw());
        self.count(question.command, ns, failed.then_some(&encoded));
        if self.slowlog.wants(ns)
            && !question.command.spec.flags.has(crate::command::spec::Flags::SKIP_SLOWLOG)
        {
            self.note_slow(connection, question.unix_us, ns, question.args.view());
        }
        self.answer(connection, question.within, encoded);
    }
}

/// Requests for locks after which an offered command may give its offer back.
const OFFER_ATTEMPTS_MIN: u64 = 4;

/// Whether a command locks every shard as a whole: all keys are its own, or values name some of them.
pub(super) fn needs_all_shards(command: &Command, args: Args<'_>) -> bool {
    matches!(command.spec.place, Place::Every(..)) || !command.spec.keys.are_all_named(args)
}

/// Whether a command sends parts of its own under its locks.
fn runs_in_hops(place: Place) -> bool {
    matches!(place, Place::Atomic(_) | Place::Gather(_) | Place::Wait(_))
}

/// How one of the commands ended.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    /// Where its reply ends among those of all.
    end: usize,
    /// Whether the reply is an error.
    failed: bool,
}

impl Spanning {
    /// The commands, in order.
    fn shares(&self) -> impl Iterator<Item = &Share> {
        std::iter::once(&self.share).chain(&self.followers.shares)
    }

    fn job_of(&self, leg: &Leg) -> Job {
        if runs_in_hops(self.share.command.spec.place) {
            return Job::Hops;
        }
        let shares = if leg.keys.is_empty() {
            smallvec![self.share.clone()]
        } else {
            leg.keys
                .chunk_by(|one, next| one.command == next.command)
                .map(|keys| self.share_of(leg, keys))
                .collect()
        };
        if self.exclusive { Job::Write(shares) } else { Job::Read(shares) }
    }

    /// A shard's share of one of the commands: that command with these of its keys only.
    fn share_of(&self, leg: &Leg, keys: &[KeyAt]) -> Share {
        let command_at = keys.first().map_or(0, |key| key.command as usize);
        let whole = command_at.checked_sub(1).map_or(&self.share, |at| &self.followers.shares[at]);
        let Share { command, ref args, db, protocol, now } = *whole;
        if leg.keys.is_empty() {
            return whole.clone();
        }
        let args = args.view();
        let step = command.spec.keys.step as usize;
        let words =
            keys.iter().flat_map(|key| (key.word as usize..key.word as usize + step).map(|at| args.at(at)));
        let words = std::iter::once(args.at(0)).chain(words);
        let mut own = OwnedArgs::with_room(1 + keys.len() * step, words.clone().map(<[u8]>::len).sum());
        words.for_each(|word| own.push(word));
        Share { command, args: own, db, protocol, now }
    }

    fn take_reply(&mut self, grant: Grant) {
        let at = self.leg_of_shard(grant.shard);
        let leg = &mut self.legs[at];
        (leg.reply, leg.ran) = (grant.reply, grant.ran);
        for (keys, ran) in leg.keys.chunk_by(|one, next| one.command == next.command).zip(&leg.ran) {
            self.ns[keys[0].command as usize] += ran.ns;
        }
        if leg.keys.is_empty() {
            self.ns[0] += leg.ran.iter().map(|ran| ran.ns).sum::<u64>();
        }
        self.awaited -= 1;
    }

    fn leg_of_shard(&self, shard: ShardId) -> usize {
        self.legs.iter().position(|leg| leg.shard == shard).expect("only its shards answer")
    }

    /// Whether its legs are all shards in their order, each as a whole.
    fn has_all_shards(&self) -> bool {
        self.legs.iter().any(|leg| leg.keys.is_empty())
    }
}

/// Runs shares one after the other; returns their replies, and the time and length of each.
pub(super) fn run_shares(center: &mut Center, shares: &[Share]) -> (Vec<u8>, SmallVec<[Ran; 1]>) {
    let mut reply = Vec::new();
    let run = |share: &Share| {
        let start = reply.len();
        let (ns, _) = center.run(&call_of(share), &mut reply);
        Ran { ns, len: reply.len() - start }
    };
    let ran = shares.iter().map(run).collect();
    (reply, ran)
}
