//! Commands that wait: BLPOP and its kin, XREAD BLOCK, WAIT.
//!
//! A command that found nothing is filed with the owners of its keys, in the line of each key. A write of such a
//! key is noted by the shard; once the command that wrote is through, and no transaction holds the key, those in
//! line are tried in the order they came, each with a command that names this key only. That is before the next in the
//! line of locks begins, or those who come all the time would take everything from those who wait.
//!
//! - All keys on one shard: that shard decides everything, when to serve and when to give up, so an
//!   element that was taken is never taken for nobody.
//! - Keys on several shards: home decides. A shard that could serve *offers*, and meanwhile keeps the key from
//!   everybody else; home takes the first offer and passes on the others. A key is kept for one message there
//!   and one back. Commands on one shard that want it wait in line behind it; one that spans shards is refused
//!   and comes again, so nobody waits for a kept key while holding another.
//! - A move whose destination lives elsewhere (BLMOVE) runs as the spanning command it is, allowed by its own
//!   kept key. If another key stands in its way for long it gives the offer back and is offered again.

use crate::base::args::OwnedArgs;
use crate::base::clock::Now;
use crate::base::ids::{ConnectionId, NumberMap, ShardId};
use crate::command::spec::{Place, Waits};
use crate::coordinator::center::{Call, Center, Local, Parked, Work, call_of};
use crate::coordinator::dispatch::{must_wait, park};
use crate::mesh::message::{Control, End, Share};
use crate::resp::reply::Reply;
use crate::session::Remote;
use crate::shard::DbKey;
use indexmap::IndexSet;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// A client in the lines of this shard.
#[derive(Debug)]
struct Waiter {
    who: Who,
    /// The whole command.
    share: Share,
    /// The keys it waits for here, and which of its words they are.
    keys: HashMap<DbKey, usize>,
    /// When this shard gives up, in Unix milliseconds.
    until_ms: Option<u64>,
}

/// Who decides about a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// This shard; the reply goes to a slot.
    Here { from: Remote, slot: u32 },
    /// The client's home, by a number there.
    Home { core: ShardId, token: u64 },
}

/// A key that is kept for a waiter while its home is asked.
#[derive(Debug)]
struct Kept {
    waiter: u64,
    key: DbKey,
    /// The last in line that could not be served with what is there; 0: nobody was tried.
    tried: u64,
    /// Commands that want the key.
    parked: VecDeque<Parked>,
}

/// A command that will ask again for its locks, once its shards have let go of what it had.
#[derive(Clone, Copy, Debug)]
struct GivingUp {
    /// When at the earliest, on the monotonic clock.
    at_ns: u64,
    /// Shards that have not said so yet.
    awaited: usize,
}

/// The lines of one shard.
#[derive(Debug, Default)]
pub struct Waiting {
    waiters: NumberMap<Waiter>,
    /// In the order they came, which is that of their numbers.
    lines: HashMap<DbKey, VecDeque<u64>>,
    by_home: HashMap<(ShardId, u64), u64>,
    by_client: HashMap<(ShardId, ConnectionId), u64>,
    deadlines: BTreeSet<(u64, u64)>,
    kept: HashMap<u64, Kept>,
    /// Keys whose line met a lock, and how many locks had been released by then: nothing has changed for them before
    /// another is.
    held: IndexSet<DbKey>,
    held_at: u64,
    /// Commands of this core that were refused, by their number.
    giving_up: NumberMap<GivingUp>,
    /// When they ask again, on the monotonic clock.
    put_off: BTreeSet<(u64, u64)>,
    /// Keys whose offer was given back: others get a turn before they are offered again.
    later: Vec<DbKey>,
    /// Those of them whose turn it is now.
    due: Vec<DbKey>,
    /// Waits of this core's clients over several shards.
    pending: BTreeMap<u64, Pending>,
    next: u64,
}

/// An offer that was taken by a command that spans shards.
#[derive(Clone, Copy, Debug)]
pub struct Offered {
    /// The wait.
    pub token: u64,
    /// The kept key.
    pub hash: u64,
    /// Who keeps it.
    pub shard: ShardId,
}

/// A wait over several shards, at home.
#[derive(Debug)]
pub struct Pending {
    connection: ConnectionId,
    share: Share,
    shards: Vec<ShardId>,
    /// Owners of the keys that it does not wait for: where a move goes.
    others: Vec<ShardId>,
    until_ms: Option<u64>,
    /// An offer has been taken; the shard and key index it came from.
    taking: Option<ShardId>,
    /// It has ended otherwise; what to answer once the offer that was taken has come to nothing.
    ended: Option<End>,
}

impl Waiter {
    /// The command with that key only.
    fn narrowed(&self, key: &DbKey, now: Now) -> Share {
        let Share { command, db, protocol, .. } = self.share;
        let waits = waits_of(&call_of(&self.share)).expect("only commands that wait are filed");
        let args = (waits.narrow)(self.share.args.view(), self.keys[key]);
        Share { command, args, db, protocol, now }
    }
}

impl Waiting {
    /// Whether no key is kept for anybody.
    #[inline]
    pub fn keeps_none(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether any of these keys is kept.
    pub fn keeps(&self, mut hashes: impl Iterator<Item = u64>) -> bool {
        hashes.any(|hash| self.kept.contains_key(&hash))
    }

    /// Whether any of these keys is kept for somebody else than the wait with this number at this home.
    pub fn keeps_from(&self, mut hashes: impl Iterator<Item = u64>, home: ShardId, token: u64) -> bool {
        hashes.any(|hash| {
            self.kept
                .get(&hash)
                .is_some_and(|kept| self.waiters[&kept.waiter].who != Who::Home { core: home, token })
        })
    }

    /// How many clients wait here, or are decided about here.
    pub fn count(&self) -> usize {
        self.waiters.values().filter(|waiter| matches!(waiter.who, Who::Here { .. })).count()
            + self.pending.len()
    }

    /// Whether keys are to be offered again, or commands to ask again for their locks.
    pub fn has_later(&self) -> bool {
        !self.later.is_empty() || !self.put_off.is_empty()
    }

    /// When the first of them is due, in nanoseconds of the monotonic clock; 0: at once.
    pub fn asks_again_at_ns(&self) -> Option<u64> {
        if !self.later.is_empty() {
            return Some(0);
        }
        self.put_off.first().map(|(at_ns, _)| *at_ns)
    }

    /// A command of this core will ask again for its locks, once so many shards have let go.
    pub(super) fn put_off(&mut self, number: u64, at_ns: u64, awaited: usize) {
        self.giving_up.insert(number, GivingUp { at_ns, awaited });
    }

    /// A shard has let go of what a command had of it.
    pub(super) fn on_given_up(&mut self, number: u64) {
        let giving_up = self.giving_up.get_mut(&number).expect("each shard lets go once");
        giving_up.awaited -= 1;
        if giving_up.awaited == 0 {
            self.put_off.insert((giving_up.at_ns, number));
            self.giving_up.remove(&number);
        }
    }

    /// Whether a turn at this moment has anything to do for those who wait.
    #[inline]
    pub fn is_due(&self, now_ms: u64) -> bool {
        self.has_later() || self.deadlines.first().is_some_and(|(at, _)| *at <= now_ms)
    }

    /// When the next time is up, in Unix milliseconds.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    fn remove(&mut self, id: u64) -> Option<Waiter> {
        let waiter = self.waiters.remove(&id)?;
        for key in waiter.keys.keys() {
            if let Some(line) = self.lines.get_mut(key) {
                if let Ok(at) = line.binary_search(&id) {
                    line.remove(at);
                }
                if line.is_empty() {
                    self.lines.remove(key);
                }
            }
        }
        match waiter.who {
            Who::Here { from, .. } => self.by_client.remove(&(from.core, from.connection)),
            Who::Home { core, token } => self.by_home.remove(&(core, token)),
        };
        if let Some(at) = waiter.until_ms {
            self.deadlines.remove(&(at, id));
        }
        Some(waiter)
    }

    /// Puts a command in the queue behind the first of its keys that is kept.
    pub fn queue(&mut self, mut hashes: impl Iterator<Item = u64>, parked: Parked) {
        let hash = hashes.find(|hash| self.kept.contains_key(hash));
        let kept = hash.and_then(|hash| self.kept.get_mut(&hash)).expect("only what meets a kept key");
        kept.parked.push_back(parked);
    }
}

/// The rule by which a command waits, if it is of the kind that does.
pub(super) fn waits_of(call: &Call<'_>) -> Option<Waits> {
    if let Place::Wait(waits) = call.command.spec.place { Some(waits) } else { None }
}

impl Center {
    /// Files a command that found nothing, all of whose keys are on this shard. `from` gets the reply in `slot`.
    pub(super) fn wait_here(
        &mut self,
        from: Remote,
        slot: u32,
        call: &Call<'_>,
        resolved: Option<OwnedArgs>,
    ) {
        let share = call.to_share();
        let share = Share { args: resolved.unwrap_or(share.args), ..share };
        let waits = waits_of(call).expect("only commands that wait are filed");
        let indexes = (waits.keys)(share.args.view());
        let until_ms = (waits.until)(share.args.view(), call.now).ok().flatten();
        self.file(Who::Here { from, slot }, &share, &indexes, until_ms);
        if from.core == self.id {
            self.note_blocked(from.connection);
        } else {
            self.outboxes.post_control(from.core, Control::Blocked(from.connection));
        }
    }

    /// A client of this core is known to wait.
    pub(super) fn note_blocked(&mut self, at: ConnectionId) {
        if let Some(session) = self.clients.get_mut(at) {
            session.blocked = true;
        }
    }

    fn file(&mut self, who: Who, share: &Share, indexes: &[usize], until_ms: Option<u64>) {
        self.waiting.next += 1;
        let id = self.waiting.next;
        let mut keys: HashMap<DbKey, usize> = HashMap::with_capacity(indexes.len());
        for &index in indexes {
            let key = (share.db, share.args.view().at(index).to_vec());
            // A key that is named twice counts where it stands first.
            let Entry::Vacant(place) = keys.entry(key) else { continue };
            self.waiting.lines.entry(place.key().clone()).or_default().push_back(id);
            self.shard.listeners.wait_for(place.key().clone());
            place.insert(index);
        }
        match who {
            Who::Here { from, .. } => self.waiting.by_client.insert((from.core, from.connection), id),
            Who::Home { core, token } => self.waiting.by_home.insert((core, token), id),
        };
        if let Some(at) = until_ms {
            self.waiting.deadlines.insert((at, id));
        }
        self.waiting.waiters.insert(id, Waiter { who, share: share.clone(), keys, until_ms });
    }

    fn unfile(&mut self, id: u64) -> Option<Waiter> {
        let waiter = self.waiting.remove(id)?;
        for key in waiter.keys.keys() {
            if !self.waiting.lines.contains_key(key) {
                self.shard.listeners.forget(key);
            }
        }
        Some(waiter)
    }

    /// Serves those who wait for keys that have been written. Comes after every command, transaction or
    /// release of locks on this shard; free while there is nothing to serve.
    #[inline]
    pub fn serve_ready(&mut self) {
        let waiting = &self.waiting;
        let freed = !waiting.held.is_empty() && waiting.held_at != self.locks.releases();
        if freed || !waiting.due.is_empty() || self.shard.listeners.has_ready() {
            self.serve_lines();
        }
    }

    fn serve_lines(&mut self) {
        // What is served may write other keys that somebody waits for: a chain of moves.
        let mut keys = std::mem::take(&mut self.waiting.due);
        if self.waiting.held_at != self.locks.releases() {
            self.waiting.held_at = self.locks.releases();
            keys.extend(std::mem::take(&mut self.waiting.held));
        }
        loop {
            keys.extend(self.shard.listeners.take_ready());
            if keys.is_empty() {
                return;
            }
            for key in std::mem::take(&mut keys) {
                self.serve_line(key, 0);
            }
            if !self.shard.listeners.has_ready() {
                return;
            }
        }
    }

    /// Tries those in line for a key who come after `tried`.
    fn serve_line(&mut self, key: DbKey, mut tried: u64) {
        let hash = self.owners.hash(&key.1);
        if self.waiting.kept.contains_key(&hash) {
            return;
        }
        loop {
            let Some(line) = self.waiting.lines.get(&key) else { return };
            let Some(&id) = line.get(line.partition_point(|id| *id <= tried)) else { return };
            let waiter = &self.waiting.waiters[&id];
            let share = waiter.narrowed(&key, self.now);
            let call = call_of(&share);
            let hashes =
                call.command.spec.keys.indexes(call.args).map(|at| self.owners.hash(call.args.at(at)));
            let writes = call.writes();
            if !self.locks.is_empty() && self.locks.are_in_use(hashes.clone().chain([hash]), writes) {
                self.waiting.held.insert(key);
                return;
            }
            match waiter.who {
                Who::Here { from, slot } => {
                    let mut reply = Vec::new();
                    self.run(&call, &mut reply);
                    if self.would_wait.take().is_some() {
                        tried = id;
                        continue;
                    }
                    self.unfile(id);
                    self.answer_waiter(from, slot, reply);
                }
                Who::Home { core, token } => {
                    let kept = Kept { waiter: id, key, tried, parked: VecDeque::new() };
                    self.waiting.kept.insert(hash, kept);
                    self.metrics.counters.offers += 1;
                    self.send(core, Control::Offer { token, shard: self.id, hash });
                    return;
                }
            }
        }
    }

    /// Home takes an offer: what the waiter gets there, if it is still to be had.
    pub(super) fn on_take(&mut self, core: ShardId, token: u64, hash: u64) {
        let kept = self.waiting.kept.get(&hash);
        let share = kept.map(|kept| self.waiting.waiters[&kept.waiter].narrowed(&kept.key, self.now));
        let mut reply = None;
        if let Some(share) = share {
            let mut encoded = Vec::new();
            self.run(&call_of(&share), &mut encoded);
            reply = self.would_wait.take().is_none().then_some(encoded);
        }
        if reply.is_some() {
            self.end_wait(core, token);
        } else {
            self.give_up_kept(hash, true);
        }
        self.send(core, Control::Taken { token, reply });
        self.serve_ready();
    }

    /// The key goes to the next in line; `tried`: its waiter could not be served. Otherwise something was in its
    /// way, and whoever that is gets a turn first.
    pub(super) fn give_up_kept(&mut self, hash: u64, tried: bool) {
        let Some(kept) = self.waiting.kept.remove(&hash) else { return };
        if tried {
            self.serve_line(kept.key, kept.waiter);
        } else {
            self.waiting.later.push(kept.key);
        }
        self.go_on_parked(kept.parked);
    }

    /// A home passes on an offer.
    pub(super) fn on_pass(&mut self, home: ShardId, token: u64, hash: u64, tried: bool) {
        let theirs =
            self.waiting.kept.get(&hash).is_some_and(|kept| {
                self.waiting.waiters[&kept.waiter].who == Who::Home { core: home, token }
            });
        if theirs {
            self.metrics.counters.offers_passed += 1;
            self.give_up_kept(hash, tried);
        }
    }

    /// A turn begins: keys whose offer was given back in an earlier one are offered again when it ends.
    #[inline]
    pub fn recall_offers(&mut self) {
        let Waiting { later, due, .. } = &mut self.waiting;
        due.append(later);
        while let Some(&(at_ns, number)) = self.waiting.put_off.first()
            && at_ns <= self.now.mono_ns
        {
            self.waiting.put_off.pop_first();
            if self.execs.contains_key(&number) {
                self.request_exec_locks(number);
            } else {
                self.request_locks(number);
            }
        }
    }

    /// A wait over several shards has ended: its waiter here, and what was kept for it.
    pub(super) fn end_wait(&mut self, core: ShardId, token: u64) {
        let Some(&id) = self.waiting.by_home.get(&(core, token)) else { return };
        let hashes: Vec<u64> =
            self.waiting.kept.iter().filter(|(_, kept)| kept.waiter == id).map(|(hash, _)| *hash).collect();
        let kept: Vec<Kept> = hashes.iter().filter_map(|hash| self.waiting.kept.remove(hash)).collect();
        self.unfile(id);
        for Kept { key, tried, parked, .. } in kept {
            self.serve_line(key, tried);
            self.go_on_parked(parked);
        }
    }

    /// Puts a command behind the first of its keys that is kept.
    pub(super) fn queue_behind_kept(&mut self, parked: Parked) {
        let (owners, call) = (self.owners, call_of(&parked.share));
        let keys = call.command.spec.keys.indexes(call.args);
        let hashes: Vec<u64> = keys.map(|at| owners.hash(call.args.at(at))).collect();
        self.waiting.queue(hashes.into_iter(), parked);
    }

    /// Commands that wanted a kept key: they run, or wait for the next that is in their way.
    fn go_on_parked(&mut self, parked: VecDeque<Parked>) {
        for parked in parked {
            let call = call_of(&parked.share);
            if must_wait(self, &call) {
                park(self, parked.from, parked.slot, &call);
                if parked.gone {
                    self.mark_gone(parked.from);
                }
                continue;
            }
            self.run_parked(&parked);
            self.serve_ready();
        }
    }

    /// Runs a command that has waited for its keys, on behalf of whoever asked.
    pub(super) fn run_parked(&mut self, parked: &Parked) {
        let Parked { from, slot, gone, .. } = *parked;
        let call = call_of(&parked.share);
        let mut reply = Vec::new();
        let ns = self.run_counted(&call, &mut reply);
        self.tell_slow(from, &call, ns);
        if let Some(resolved) = self.would_wait.take()
            && !gone
        {
            return self.wait_here(from, slot, &call, resolved);
        }
        self.answer_parked(from, slot, reply);
    }

    /// A client has gone whose command has not had its turn here.
    fn mark_gone(&mut self, who: Remote) {
        let locked = self.locks.works_mut().filter_map(|work| match work {
            Work::Parked(parked) => Some(parked),
            Work::Spanning { .. } => None,
        });
        let kept = self.waiting.kept.values_mut().flat_map(|kept| &mut kept.parked);
        locked.chain(kept).filter(|parked| parked.from == who).for_each(|parked| parked.gone = true);
    }

    /// Files a wait over several shards with all of them; the locks of its attempt are still held.
    pub(super) fn wait_at_home(
        &mut self,
        token: u64,
        connection: ConnectionId,
        share: &Share,
        resolved: Option<OwnedArgs>,
    ) {
        let Place::Wait(waits) = share.command.spec.place else { return };
        let share = Share { args: resolved.unwrap_or_else(|| share.args.clone()), ..share.clone() };
        let args = share.args.view();
        let until_ms = (waits.until)(args, share.now).ok().flatten();
        let mut by_shard: BTreeMap<ShardId, Vec<usize>> = BTreeMap::new();
        let waited = (waits.keys)(args);
        debug_assert!(waited.is_sorted(), "keys are named from left to right");
        for &index in &waited {
            by_shard.entry(self.owners.locate(args.at(index)).shard).or_default().push(index);
        }
        let keys = share.command.spec.keys.indexes(args);
        let others = keys
            .filter(|index| waited.binary_search(index).is_err())
            .map(|index| self.owners.locate(args.at(index)).shard)
            .collect();
        let shards = by_shard.keys().copied().collect();
        for (shard, indexes) in by_shard {
            let share = share.clone();
            self.send(shard, Control::Wait { token, home: self.id, share, indexes });
        }
        if let Some(at) = until_ms {
            self.waiting.deadlines.insert((at, token | HOME));
        }
        self.metrics.counters.spanning_parked += 1;
        let pending = Pending { connection, share, shards, others, until_ms, taking: None, ended: None };
        self.waiting.pending.insert(token, pending);
        self.note_blocked(connection);
    }

    /// A peer's client waits for keys of this shard.
    pub(super) fn on_wait(&mut self, home: ShardId, token: u64, share: &Share, indexes: &[usize]) {
        self.file(Who::Home { core: home, token }, share, indexes, None);
    }

    /// A shard could serve a wait of this core.
    pub(super) fn on_offer(&mut self, token: u64, shard: ShardId, hash: u64) {
        let Some(pending) = self.waiting.pending.get_mut(&token) else {
            // It has ended: the shard hears, or has heard, of that.
            return;
        };
        if pending.taking.is_some() || pending.ended.is_some() {
            return self.send(shard, Control::Pass { hash, tried: false, token, home: self.id });
        }
        pending.taking = Some(shard);
        if pending.others.iter().all(|owner| *owner == shard) {
            self.send(shard, Control::Take { token, home: self.id, hash });
        } else {
            let (connection, share) = (pending.connection, Share { now: self.now, ..pending.share.clone() });
            self.begin_spanning(connection, share, None, Some(Offered { token, hash, shard }));
        }
    }

    /// What came of an offer that was taken.
    pub(super) fn on_taken(&mut self, token: u64, reply: Option<Vec<u8>>) {
        let Some(pending) = self.waiting.pending.get_mut(&token) else { return };
        pending.taking = None;
        let ended = pending.ended;
        match (reply, ended) {
            (Some(reply), _) => self.finish_pending(token, reply),
            (None, Some(end)) => self.end_pending(token, end),
            (None, None) => {}
        }
    }

    /// An offered command could not have its locks, or (`tried`) found nothing: the offer goes back.
    pub(super) fn give_back_offer(&mut self, offered: Offered, tried: bool) {
        let Offered { token, hash, shard } = offered;
        let home = self.id;
        self.send(shard, Control::Pass { hash, tried, token, home });
        self.on_taken(token, None);
    }

    pub(super) fn finish_pending(&mut self, token: u64, reply: Vec<u8>) {
        let Some(pending) = self.waiting.pending.remove(&token) else { return };
        if let Some(at) = pending.until_ms {
            self.waiting.deadlines.remove(&(at, token | HOME));
        }
        for shard in pending.shards {
            self.send(shard, Control::EndWait { home: self.id, token });
        }
        self.local.push_back(Local::Answer { connection: pending.connection, reply });
    }

    fn end_pending(&mut self, token: u64, end: End) {
        let Some(pending) = self.waiting.pending.get_mut(&token) else { return };
        if pending.taking.is_some() {
            // The shard may have served it already: its word comes first.
            pending.ended.get_or_insert(end);
            return;
        }
        let reply = end_reply(&pending.share, end);
        self.finish_pending(token, reply);
    }

    /// Ends the wait of a client of this core, wherever it is decided; false: it does not wait.
    pub fn unblock(&mut self, at: ConnectionId, slots: Option<ShardId>, end: End) {
        if let Some((&token, _)) = self.waiting.pending.iter().find(|(_, pending)| pending.connection == at) {
            return self.end_pending(token, end);
        }
        let who = Remote { core: self.id, connection: at };
        match slots {
            Some(shard) if shard != self.id => {
                self.outboxes.post_control(shard, Control::Unblock { who, end })
            }
            _ => self.on_unblock(who, end),
        }
    }

    /// Ends a wait that is decided here.
    pub(super) fn on_unblock(&mut self, who: Remote, end: End) {
        if let Some(&id) = self.waiting.by_client.get(&(who.core, who.connection)) {
            self.end_here(id, end);
        } else if end == End::Gone {
            self.mark_gone(who);
        }
    }

    fn end_here(&mut self, id: u64, end: End) {
        let Some(waiter) = self.unfile(id) else { return };
        let Who::Here { from, slot } = waiter.who else { return };
        if end == End::Gone {
            return;
        }
        let reply = end_reply(&waiter.share, end);
        self.answer_waiter(from, slot, reply);
    }

    /// The reply to a command that has waited here. Its home was told that it waits, and counts it no more among
    /// what is under way, so this is no ordinary reply.
    fn answer_waiter(&mut self, from: Remote, slot: u32, reply: Vec<u8>) {
        if from.core == self.id {
            return self.answer_parked(from, slot, reply);
        }
        self.outboxes.post_control(from.core, Control::Woken { connection: from.connection, slot, reply });
    }

    /// Ends the waits whose time is up.
    pub fn end_overdue_waits(&mut self) {
        let now_ms = self.now.unix_ms();
        while let Some(&(at, id)) = self.waiting.deadlines.first() {
            if at > now_ms {
                return;
            }
            self.waiting.deadlines.pop_first();
            if id & HOME == 0 {
                self.end_here(id, End::Timeout);
            } else {
                self.end_pending(id & !HOME, End::Timeout);
            }
        }
    }
}

/// Marks a deadline as one of a wait that is decided at home: its number is a token.
const HOME: u64 = 1 << 63;

fn end_reply(share: &Share, end: End) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut reply = Reply::new(&mut encoded, share.protocol);
    match (end, share.command.spec.place) {
        (End::Timeout, Place::Wait(waits)) => (waits.timeout)(&mut reply),
        (End::Error, _) => reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK"),
        _ => {}
    }
    encoded
}
