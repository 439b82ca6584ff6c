//! A peer's batch against this shard: commands, and this shard's side of the locks.

use crate::base::ids::ShardId;
use crate::coordinator::center::{Call, Center, HeldWatch, Local, Work};
use crate::coordinator::dispatch::{must_wait, park};
use crate::coordinator::spanning::run_shares;
use crate::mesh::locks::{Admission, Ticket};
use crate::mesh::message::{Batch, Control, Done, Extent, Grant, Job, Lock, Op, Run, Shares};
use crate::session::Remote;
use std::collections::VecDeque;

impl Center {
    /// Asks memory for what the next commands of a batch will look up.
    pub fn prefetch(&self, ops: &[Op]) {
        let keys = || {
            ops.iter().filter_map(|op| match op {
                Op::Run(Run { db, hash: Some(hash), .. }) => Some((*db, *hash)),
                _ => None,
            })
        };
        keys().for_each(|(db, hash)| self.shard.prefetch(db, hash));
        keys().for_each(|(db, hash)| self.shard.prefetch_key(db, hash));
    }

    /// Runs a peer's command and posts the reply, or parks it behind a lock.
    pub fn serve(&mut self, from: ShardId, batch: &Batch, run: &Run) {
        let args = batch.args(run);
        let Run { command, hash, db, protocol, .. } = *run;
        let call = Call { command, args, db, protocol, now: self.now, hash };
        if must_wait(self, &call) {
            park(self, Remote { core: from, connection: run.connection }, run.slot, &call);
            return;
        }
        // The reply is encoded where it travels; the arena is borrowed from the open batch meanwhile.
        let mut bytes = std::mem::take(&mut self.outboxes.open(from).bytes);
        let start = bytes.len();
        let ns = self.run_counted(&call, &mut bytes);
        if let Some(resolved) = self.would_wait.take() {
            bytes.truncate(start);
            self.outboxes.open(from).bytes = bytes;
            let who = Remote { core: from, connection: run.connection };
            return self.wait_here(who, run.slot, &call, resolved);
        }
        let len = (bytes.len() - start) as u32;
        let open = self.outboxes.open(from);
        open.bytes = bytes;
        open.ops.push(Op::Done(Done {
            connection: run.connection,
            slot: run.slot,
            start: start as u32,
            len,
            ns: ns.min(u64::from(u32::MAX)) as u32,
        }));
        self.tell_slow(Remote { core: from, connection: run.connection }, &call, ns);
        self.serve_ready();
    }

    /// A lock message, from a peer or from this core itself.
    pub fn on_control(&mut self, from: ShardId, control: Control) {
        match control {
            Control::Lock(lock) => self.on_lock(lock),
            Control::Granted(grant) => self.on_granted(grant),
            Control::Refused { txn, stamp, seen, kept } => self.on_refused(txn, stamp, seen, kept),
            Control::Commit { stamp } => self.on_commit(stamp),
            Control::Applied(grant) => self.on_applied(grant),
            Control::Parts { txn, home, now, parts } => {
                let began = self.clock.raw();
                let mut carries = Vec::with_capacity(parts.len());
                for (part, key) in parts {
                    carries.push((part.run)(&mut self.shard.keyspace(part.db, now), &key, part.carry));
                }
                let ns = self.ran_since(began);
                self.send(home, Control::PartsDone { txn, shard: self.id, ns, carries });
            }
            Control::Look { txn, home, db, now, looks } => self.on_look(txn, home, (db, now), &looks),
            Control::Under { txn, home, stamp, share } => {
                let (reply, ran) = run_shares(self, std::slice::from_ref(&share));
                let grant = Grant { txn, stamp, shard: self.id, reply, ran, changed: false };
                self.send(home, Control::Applied(grant));
            }
            Control::Block { txn, home, shares } => self.on_block(txn, home, &shares),
            Control::BlockDone { txn, shard, replies } => self.on_block_done(txn, shard, replies),
            Control::Watch { txn, who, db, keys } => {
                self.begin_watch(HeldWatch { behind: Vec::new(), who, txn, db, keys });
            }
            Control::Watched { txn } => self.on_watched(txn),
            Control::Wait { token, home, share, indexes } => self.on_wait(home, token, &share, &indexes),
            Control::Offer { token, shard, hash } => self.on_offer(token, shard, hash),
            Control::Take { token, home, hash } => self.on_take(home, token, hash),
            Control::Pass { token, home, hash, tried } => self.on_pass(home, token, hash, tried),
            Control::Taken { token, reply } => self.on_taken(token, reply),
            Control::EndWait { token, home } => self.end_wait(home, token),
            Control::Blocked(at) => {
                // Others need the room, and nobody knows how long it waits.
                self.outboxes.on_reply(from);
                self.note_blocked(at);
            }
            Control::Woken { connection, slot, reply } => {
                self.local.push_back(Local::Done { connection, slot, reply });
            }
            Control::Unblock { who, end } => self.on_unblock(who, end),
            Control::Forget(who) => self.forget_watches_of(who),
            Control::PartsDone { txn, shard, ns, carries } => self.on_parts_done(txn, shard, ns, carries),
            Control::Release { stamp } => self.release(stamp),
            Control::GiveUp { txn, home, stamp } => {
                self.release(stamp);
                self.send(home, Control::GivenUp { txn });
            }
            Control::GivenUp { txn } => self.waiting.on_given_up(txn),
            Control::Ask(ask) => {
                let crate::command::spec::Place::Cores(asks) = ask.command.spec.place else {
                    unreachable!("only such commands ask every core")
                };
                let part = (asks.part)(&mut self.core(ask.caller), ask.args.view());
                let answer = Control::Answer { ask: ask.ask, core: self.id, part };
                self.outboxes.post_control(from, answer);
            }
            Control::Answer { ask, core, part } => self.on_core_part(ask, core, part),
            Control::Push { connection, bytes } => self.local.push_back(Local::Push { connection, bytes }),
            Control::Slow { connection, unix_us, ns, args } => {
                self.note_slow(connection, unix_us, ns, args.view());
            }
            Control::Unwatch(at) => self.clients.monitors.retain(|monitor| monitor.at != at),
        }
    }

    fn on_lock(&mut self, lock: Lock) {
        let Lock { txn, home, stamp, extent, exclusive, token, job } = lock;
        self.see_stamp(stamp);
        if self.meets_kept_key(&extent, home, token) {
            let seen = self.stamp;
            return self.send(home, Control::Refused { txn, stamp, seen, kept: true });
        }
        let work = Work::Spanning { txn, home, stamp, token, job, waits_since: None };
        match self.locks.request(stamp, extent, exclusive, work) {
            Admission::Granted(ticket) => self.grant(ticket),
            Admission::Waits(ticket) => {
                self.metrics.counters.lock_waits += 1;
                if let Work::Spanning { waits_since, .. } = self.locks.work_mut(ticket) {
                    *waits_since = Some(self.clock.raw());
                }
            }
            Admission::Refused(seen) => {
                let seen = seen.max(self.stamp);
                self.send(home, Control::Refused { txn, stamp, seen, kept: false });
            }
        }
    }

    /// Whether a key is kept that a request for locks covers, and not for its own wait. Nobody waits for a kept key while
    /// holding another: who keeps it might wait for that one.
    fn meets_kept_key(&self, extent: &Extent, home: ShardId, token: Option<u64>) -> bool {
        if self.waiting.keeps_none() {
            return false;
        }
        match extent {
            Extent::Whole => true,
            Extent::Keys(hashes) => match token {
                Some(token) => self.waiting.keeps_from(hashes.iter().copied(), home, token),
                None => self.waiting.keeps(hashes.iter().copied()),
            },
        }
    }

    /// A share's locks are held: a read runs now; home hears of it.
    fn grant(&mut self, ticket: Ticket) {
        self.locks.begin(ticket);
        let Work::Spanning { txn, home, stamp, job, waits_since, .. } = self.locks.work_mut(ticket) else {
            unreachable!("a parked command is never granted on arrival")
        };
        let (txn, home, stamp) = (*txn, *home, *stamp);
        // What runs now is over with this; only its locks stay.
        let (mut watcher, mut block, mut shares) = (None, Vec::new(), Shares::new());
        match std::mem::replace(job, Job::Hops) {
            Job::Read(read) => shares = read,
            Job::Exec { watcher: who, shares } => (watcher, block) = (who, shares),
            other => *job = other,
        }
        if let Some(since) = *waits_since {
            self.metrics.record_lock_wait(self.clock.elapsed_ns(since, self.clock.raw()));
        }
        let changed =
            watcher.is_some_and(|who| self.shard.watched_changed((who.core, who.connection), self.now));
        let (mut reply, ran) = run_shares(self, &shares);
        if !changed {
            reply.append(&mut self.run_block(&block).bytes);
        }
        self.send(home, Control::Granted(Grant { txn, stamp, shard: self.id, reply, ran, changed }));
    }

    fn on_commit(&mut self, stamp: u64) {
        let ticket = self.locks.find(stamp).expect("a commit comes under a lock");
        let mut turns = Vec::new();
        let Work::Spanning { txn, home, job: Job::Write(shares), .. } =
            self.locks.release(ticket, &mut turns)
        else {
            unreachable!("a commit comes for a write")
        };
        // Whoever is next has been named but not run: these shares still come first.
        let (reply, ran) = run_shares(self, &shares);
        self.go_on_watches(ticket);
        self.send(home, Control::Applied(Grant { txn, stamp, shard: self.id, reply, ran, changed: false }));
        self.take_turns(turns);
    }

    /// Lets go of what a command holds or awaits here; nothing, if it has been refused.
    fn release(&mut self, stamp: u64) {
        let Some(ticket) = self.locks.find(stamp) else { return };
        let mut turns = Vec::new();
        self.locks.release(ticket, &mut turns);
        self.go_on_watches(ticket);
        self.take_turns(turns);
    }

    /// Those who hold their locks now get their turn, in the order they came. A parked command runs and
    /// is gone at once, which may give others theirs: a loop, since thousands may wait in one line. Whoever waits for
    /// what one of them wrote is served before the next.
    fn take_turns(&mut self, turns: Vec<Ticket>) {
        let mut turns = VecDeque::from(turns);
        let mut more = Vec::new();
        loop {
            self.serve_ready();
            let Some(ticket) = turns.pop_front() else { return };
            let (home, token) = match self.locks.work(ticket) {
                Work::Spanning { home, token, .. } => (*home, *token),
                Work::Parked(parked) => (parked.from.core, None),
            };
            let kept = self.meets_kept_key(self.locks.extent(ticket), home, token);
            if !kept && matches!(self.locks.work(ticket), Work::Spanning { .. }) {
                self.grant(ticket);
                continue;
            }
            match self.locks.release(ticket, &mut more) {
                Work::Parked(parked) if kept => self.queue_behind_kept(parked),
                Work::Parked(parked) => self.run_parked(&parked),
                Work::Spanning { txn, home, stamp, .. } => {
                    let seen = self.stamp;
                    self.send(home, Control::Refused { txn, stamp, seen, kept });
                }
            }
            turns.extend(more.drain(..));
        }
    }

    pub(super) fn answer_parked(&mut self, from: Remote, slot: u32, reply: Vec<u8>) {
        let connection = from.connection;
        if from.core == self.id {
            self.local.push_back(Local::Done { connection, slot, reply });
            return;
        }
        let open = self.outboxes.open(from.core);
        let (start, len) = (open.bytes.len() as u32, reply.len() as u32);
        open.bytes.extend_from_slice(&reply);
        open.ops.push(Op::Done(Done { connection, slot, start, len, ns: 0 }));
    }

    pub(super) fn tell_slow(&mut self, from: Remote, call: &Call<'_>, ns: u64) {
        let skipped = call.command.spec.flags.has(crate::command::spec::Flags::SKIP_SLOWLOG);
        if !self.slowlog.wants(ns) || skipped {
            return;
        }
        let (connection, unix_us) = (from.connection, call.now.unix_us);
        if from.core == self.id {
            self.note_slow(connection, unix_us, ns, call.args);
        } else {
            let args = call.to_share().args;
            self.outboxes.post_control(from.core, Control::Slow { connection, unix_us, ns, args });
        }
    }
}
