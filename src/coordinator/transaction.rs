//! Transactions: what a connection queues between MULTI and EXEC, and how EXEC runs it as one.
//!
//! On one shard EXEC runs the queue at once: nothing can come between two commands of one turn. Where there
//! are several, EXEC takes locks on the keys of all its commands and of everything it watches, on all shards
//! together, as any spanning command does (`spanning`, `mesh::locks`). Once all have granted it runs the commands
//! under these locks, in stages: up to the first command that spans shards or needs none, each shard gets its own in
//! one message and runs them in the order of the queue; all shards at the same time, for no command of a stage can
//! see what those on other shards do. A command that spans shards goes on as it would alone, without locks of its own.
//! Then the locks are released and the client is answered, in the order of the queue. Where all of a transaction has
//! its keys on one shard, it goes there with the request for locks.
//!
//! WATCH registers the client with the owners of its keys, which mark it when one changes. The mark is read
//! when the locks are granted: from then on nobody can change a watched key before the transaction is through.

use crate::base::args::{Args, OwnedArgs};
use crate::base::clock::Now;
use crate::base::ids::{ConnectionId, ShardId};
use crate::base::limits::TRANSACTION_BYTES_MAX;
use crate::base::number::parse_cursor;
use crate::command::spec::{Flags, Place, Step};
use crate::command::table::Command;
use crate::coordinator::center::{Call, Center, HeldWatch, Local, call_of};
use crate::coordinator::connection::{Connection, Hold};
use crate::coordinator::dispatch::{Dispatched, feed_monitors};
use crate::coordinator::spanning::{Within, needs_all_shards};
use crate::coordinator::waiting::waits_of;
use crate::mesh::locks::Ticket;
use crate::mesh::message::{BlockReplies, Control, Extent, Grant, Job, Lock, Share};
use crate::resp::Protocol;
use crate::resp::reply::Reply;
use crate::session::{Remote, ReplyMode};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Hashes of the keys that a client watches, by shard.
pub(super) type Watching = BTreeMap<ShardId, BTreeSet<u64>>;

/// What a connection has queued since MULTI.
#[derive(Debug, Default)]
pub struct Transaction {
    queue: VecDeque<Queued>,
    bytes: usize,
    /// A command was refused: EXEC will be.
    aborted: bool,
}

#[derive(Debug)]
struct Queued {
    command: &'static Command,
    args: OwnedArgs,
}

/// A transaction that runs on several shards, at home.
#[derive(Debug)]
pub struct Exec {
    connection: ConnectionId,
    command: &'static Command,
    queue: VecDeque<Queued>,
    reply: Vec<u8>,
    db: u8,
    protocol: Protocol,
    now: Now,
    watching: Watching,
    /// The shards that hold locks for it; `None` as keys: the whole shard.
    legs: BTreeMap<ShardId, Option<Vec<u64>>>,
    exclusive: bool,
    stamp: u64,
    attempts: u64,
    /// Answers of shards that are still to come: to the request for locks, or of a stage.
    awaited: usize,
    /// Where each command of the stage that is under way runs.
    stage: Vec<ShardId>,
    /// What the stage has been answered so far.
    answers: BTreeMap<ShardId, BlockReplies>,
    /// A watched key has changed.
    changed: bool,
    began: u64,
    /// Where replies begin that its client does not want, since CLIENT REPLY OFF.
    silent_from: Option<usize>,
}

impl Connection {
    /// Whether a command is to be queued and not run.
    pub(super) fn queues(&self, command: &Command) -> bool {
        self.transaction.is_some()
            && !matches!(
                command.spec.place,
                Place::Transaction(Step::Multi | Step::Exec | Step::Discard | Step::Watch)
            )
            && !matches!(command.full_name.as_str(), "quit" | "reset")
    }

    /// Queues a command of a transaction.
    pub(super) fn queue(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        command: &'static Command,
        args: Args<'_>,
        muted: bool,
    ) {
        let refusal = if command.spec.flags.has(Flags::NO_MULTI) {
            Some("ERR Command not allowed inside a transaction")
        } else if self.transaction.as_ref().is_some_and(|open| open.bytes > TRANSACTION_BYTES_MAX) {
            Some("ERR the transaction is too large")
        } else {
            None
        };
        if let Some(text) = refusal {
            self.refuse(at, center, command, text, muted);
            return;
        }
        if let Some(open) = &mut self.transaction {
            open.bytes += args.bytes_len() + size_of::<Queued>();
            open.queue.push_back(Queued { command, args: OwnedArgs::copy(args) });
            if let Some(session) = center.clients.get_mut(at) {
                session.queued = open.queue.len() as i64;
            }
        }
        self.reply_with(muted, |reply| reply.simple("QUEUED"));
    }

    /// A command was refused: the transaction it belongs to will not run.
    pub(super) fn abort_transaction(&mut self) {
        if let Some(open) = &mut self.transaction {
            open.aborted = true;
        }
    }

    /// MULTI, EXEC, DISCARD, WATCH, UNWATCH.
    pub(super) fn step(
        &mut self,
        at: ConnectionId,
        center: &mut Center,
        call: &Call<'_>,
        step: Step,
        muted: bool,
    ) -> Dispatched {
        if !self.is_drained() {
            return Dispatched::Held(Hold::Drain);
        }
        let began = center.clock.raw();
        feed_monitors(at, center, call);
        let error = match step {
            Step::Multi if self.transaction.is_some() => Some("ERR MULTI calls can not be nested"),
            Step::Exec if self.transaction.is_none() => Some("ERR EXEC without MULTI"),
            Step::Discard if self.transaction.is_none() => Some("ERR DISCARD without MULTI"),
            Step::Watch if self.transaction.is_some() => Some("ERR WATCH inside MULTI is not allowed"),
            Step::Exec if self.transaction.as_ref().is_some_and(|open| open.aborted) => {
                self.leave_transaction(at, center);
                Some("EXECABORT Transaction discarded because of previous errors.")
            }
            Step::Exec => {
                self.exec(at, center, call, muted);
                return Dispatched::Taken;
            }
            Step::Watch => {
                self.watch(at, center, call, muted);
                return Dispatched::Taken;
            }
            Step::Multi => {
                self.transaction = Some(Box::default());
                if let Some(session) = center.clients.get_mut(at) {
                    session.queued = 0;
                }
                None
            }
            Step::Discard | Step::Unwatch => {
                self.leave_transaction(at, center);
                None
            }
        };
        let mut encoded = Vec::new();
        let mut reply = Reply::new(&mut encoded, call.protocol);
        match error {
            Some(text) => reply.error(text),
            None => reply.ok(),
        }
        let ns = center.clock.elapsed_ns(began, center.clock.raw());
        center.count(call.command, ns, error.map(|_| &*encoded));
        self.reply_with(muted, |reply| reply.raw(&encoded));
        Dispatched::Taken
    }

    /// Forgets what is queued and what is watched.
    pub fn leave_transaction(&mut self, at: ConnectionId, center: &mut Center) {
        self.transaction = None;
        if let Some(session) = center.clients.get_mut(at) {
            session.queued = -1;
        }
        center.forget_watches(at, std::mem::take(&mut self.watching));
    }

    fn watch(&mut self, at: ConnectionId, center: &mut Center, call: &Call<'_>, muted: bool) {
        let mut by_shard: BTreeMap<ShardId, Vec<Vec<u8>>> = BTreeMap::new();
        for index in call.command.spec.keys.indexes(call.args) {
            let key = call.args.at(index);
            by_shard.entry(center.owners.locate(key).shard).or_default().push(key.to_vec());
        }
        let me = Remote { core: center.id, connection: at };
        center.next_number += 1;
        let number = center.next_number;
        let mut awaited = 0;
        for (shard, keys) in by_shard {
            let hashes = keys.iter().map(|key| center.owners.hash(key));
            self.watching.entry(shard).or_default().extend(hashes);
            let (db, txn) = (call.db, number);
            if shard == center.id && center.locks.is_empty() {
                center.register_watches(me, call.db, keys);
                continue;
            }
            awaited += 1;
            if shard == center.id {
                center.begin_watch(HeldWatch { behind: Vec::new(), who: me, txn, db, keys });
            } else {
                center.outboxes.post_control(shard, Control::Watch { txn, who: me, db, keys });
            }
        }
        center.count(call.command, 0, None);
        if awaited == 0 {
            self.reply_with(muted, |reply| reply.ok());
        } else {
            self.spanning = Some(muted);
            center.watchings.insert(number, (at, awaited));
        }
    }

    fn exec(&mut self, at: ConnectionId, center: &mut Center, call: &Call<'_>, muted: bool) {
        let Some(open) = self.transaction.take() else { return };
        if let Some(session) = center.clients.get_mut(at) {
            session.queued = -1;
        }
        let queue = open.queue;
        let watching = std::mem::take(&mut self.watching);
        let exec = Exec {
            connection: at,
            command: call.command,
            exclusive: !watching.is_empty()
                || queue.iter().any(|queued| queued.command.spec.flags.has(Flags::WRITE)),
            legs: BTreeMap::new(),
            queue,
            reply: Vec::new(),
            db: call.db,
            protocol: call.protocol,
            now: call.now,
            watching,
            stamp: 0,
            attempts: 0,
            awaited: 0,
            stage: Vec::new(),
            answers: BTreeMap::new(),
            changed: false,
            began: center.clock.raw(),
            silent_from: muted.then_some(0),
        };
        self.spanning = Some(false);
        center.begin_exec(exec);
    }
}

impl Center {
    pub(super) fn register_watches(&mut self, who: Remote, db: u8, keys: Vec<Vec<u8>>) {
        for key in keys {
            self.shard.watch((db, key), (who.core, who.connection), self.now);
        }
    }

    /// Registers watches of this shard and tells home, once nobody holds the keys exclusively: a write that has been
    /// answered already (MSET's is before it is done everywhere) comes before a watch that was asked for later.
    pub(super) fn begin_watch(&mut self, mut watch: HeldWatch) {
        watch.behind = self.locks.holders(watch.keys.iter().map(|key| self.owners.hash(key)));
        self.settle_watch(watch);
    }

    /// Registers a watch that stands behind nobody any more; another goes on waiting.
    fn settle_watch(&mut self, watch: HeldWatch) {
        if watch.behind.is_empty() {
            self.register_watches(watch.who, watch.db, watch.keys);
            self.send(watch.who.core, Control::Watched { txn: watch.txn });
        } else {
            self.held_watches.push(watch);
        }
    }

    /// Somebody has released keys, and what was written under the lock is written.
    pub(super) fn go_on_watches(&mut self, ticket: Ticket) {
        if self.held_watches.is_empty() {
            return;
        }
        for mut watch in std::mem::take(&mut self.held_watches) {
            watch.behind.retain(|&other| other != ticket);
            self.settle_watch(watch);
        }
    }

    /// A client has forgotten what it watches here, or is gone.
    pub(super) fn forget_watches_of(&mut self, who: Remote) {
        self.shard.listeners.unwatch((who.core, who.connection));
        for watch in std::mem::take(&mut self.held_watches) {
            if watch.who == who {
                self.send(who.core, Control::Watched { txn: watch.txn });
            } else {
                self.held_watches.push(watch);
            }
        }
    }

    /// A shard has registered a client's watches.
    pub(super) fn on_watched(&mut self, number: u64) {
        let Some((connection, awaited)) = self.watchings.get_mut(&number) else { return };
        *awaited -= 1;
        if *awaited == 0 {
            let connection = *connection;
            self.watchings.remove(&number);
            self.local.push_back(Local::Answer { connection, reply: b"+OK\r\n".to_vec() });
        }
    }

    /// A client watches nothing any more.
    pub(super) fn forget_watches(&mut self, at: ConnectionId, watching: Watching) {
        let who = Remote { core: self.id, connection: at };
        for shard in watching.into_keys() {
            if shard == self.id {
                self.forget_watches_of(who);
            } else {
                self.outboxes.post_control(shard, Control::Forget(who));
            }
        }
    }

    fn begin_exec(&mut self, mut exec: Exec) {
        let count = exec.queue.len();
        Reply::new(&mut exec.reply, exec.protocol).array(count);
        // What is watched is locked too: a write of it that has been answered may still be on its way to its shard.
        for (&shard, hashes) in &exec.watching {
            exec.legs.insert(shard, Some(hashes.iter().copied().collect()));
        }
        let mut whole = false;
        for queued in &exec.queue {
            let args = queued.args.view();
            whole |= needs_all_shards(queued.command, args);
            for index in queued.command.spec.keys.indexes(args) {
                let key = self.owners.locate(args.at(index));
                if let Some(hashes) = exec.legs.entry(key.shard).or_insert(Some(Vec::new())) {
                    hashes.push(key.hash);
                }
            }
        }
        if whole {
            exec.legs = (0..self.owners.shards()).map(|shard| (ShardId(shard), None)).collect();
        }
        self.next_number += 1;
        let number = self.next_number;
        let here = self.owners.shards() == 1 && self.locks.is_empty();
        if here || exec.legs.is_empty() {
            // Nothing can come between two commands of one turn, and nobody else has to be asked.
            let who = (self.id, exec.connection);
            exec.changed = !exec.watching.is_empty() && self.shard.watched_changed(who, self.now);
            exec.legs.clear();
            self.execs.insert(number, exec);
            self.on_exec_granted(number);
        } else {
            self.execs.insert(number, exec);
            self.request_exec_locks(number);
        }
    }

    pub(super) fn request_exec_locks(&mut self, number: u64) {
        let Some(mut exec) = self.execs.remove(&number) else { return };
        exec.stamp = self.next_stamp(ahead_of(exec.attempts));
        exec.attempts += 1;
        exec.awaited = exec.legs.len();
        exec.changed = false;
        self.metrics.counters.lock_requests += exec.legs.len() as u64;
        self.metrics.counters.spanning_hops += 1;
        let who = Remote { core: self.id, connection: exec.connection };
        for (&shard, hashes) in &exec.legs {
            let extent = hashes.as_ref().map_or(Extent::Whole, |hashes| Extent::Keys(hashes.clone()));
            let watcher = exec.watching.contains_key(&shard).then_some(who);
            // Not again for one that has been refused: it may be long.
            let alone = exec.legs.len() == 1 && exec.attempts == 1;
            let shares = if alone { self.all_on(&exec, shard) } else { Vec::new() };
            let lock = Lock {
                txn: number,
                home: self.id,
                stamp: exec.stamp,
                extent,
                exclusive: exec.exclusive,
                token: None,
                job: Job::Exec { watcher, shares },
            };
            self.send(shard, Control::Lock(lock));
        }
        self.execs.insert(number, exec);
    }

    /// A shard has granted a transaction's locks; false: it is none.
    pub(super) fn exec_granted(&mut self, grant: &Grant) -> bool {
        let Some(exec) = self.execs.get_mut(&grant.txn) else { return false };
        if exec.stamp == grant.stamp {
            exec.changed |= grant.changed;
            exec.awaited -= 1;
            if !grant.reply.is_empty() {
                // All commands went with the request for locks and have run.
                exec.queue.clear();
                exec.reply.extend_from_slice(&grant.reply);
            }
            if exec.awaited == 0 {
                self.on_exec_granted(grant.txn);
            }
        }
        true
    }

    /// A shard has refused a transaction's locks; false: it is none.
    pub(super) fn exec_refused(&mut self, number: u64, stamp: u64, kept: bool) -> bool {
        let Some(exec) = self.execs.get(&number) else { return false };
        if exec.stamp == stamp {
            self.metrics.counters.lock_refusals += 1;
            let attempts = exec.attempts;
            let legs = exec.legs.keys().copied().collect::<Vec<_>>();
            match self.again_at(attempts, kept) {
                None => {
                    self.release_exec(number);
                    self.request_exec_locks(number);
                }
                Some(at_ns) => {
                    self.put_off(number, at_ns, stamp, &legs);
                    self.execs.entry(number).and_modify(|exec| exec.stamp = 0);
                }
            }
        }
        true
    }

    fn release_exec(&mut self, number: u64) {
        let Some(exec) = self.execs.get(&number) else { return };
        let (stamp, shards) = (exec.stamp, exec.legs.keys().copied().collect::<Vec<_>>());
        for shard in shards {
            self.send(shard, Control::Release { stamp });
        }
    }

    fn on_exec_granted(&mut self, number: u64) {
        let Some(exec) = self.execs.get_mut(&number) else { return };
        let (at, watching) = (exec.connection, std::mem::take(&mut exec.watching));
        if exec.changed {
            exec.queue.clear();
            exec.reply.clear();
            Reply::new(&mut exec.reply, exec.protocol).null_array();
        }
        self.forget_watches(at, watching);
        self.go_on(number);
    }

    /// The next commands of a transaction, until some have to wait for another shard.
    pub(super) fn go_on(&mut self, number: u64) {
        while let Some(mut exec) = self.execs.remove(&number) {
            let mut blocks = self.next_stage(&mut exec);
            if blocks.is_empty() {
                let Some(queued) = exec.queue.pop_front() else {
                    self.execs.insert(number, exec);
                    self.end_exec(number);
                    return;
                };
                if self.run_outside_stages(number, exec, queued) {
                    continue;
                }
                return;
            }
            let own = blocks.remove(&self.id);
            self.metrics.counters.spanning_hops += u64::from(!blocks.is_empty());
            exec.awaited = blocks.len();
            for (shard, shares) in blocks {
                self.send(shard, Control::Block { txn: number, home: self.id, shares });
            }
            if let Some(shares) = own {
                exec.answers.insert(self.id, self.run_block(&shares));
            }
            let waits = exec.awaited > 0;
            if !waits {
                exec.end_stage();
            }
            self.execs.insert(number, exec);
            if waits {
                return;
            }
        }
    }

    /// Takes the commands of the next stage from the queue, by shard; none: the first belongs to no stage.
    fn next_stage(&self, exec: &mut Exec) -> BTreeMap<ShardId, Vec<Share>> {
        let mut blocks: BTreeMap<ShardId, Vec<Share>> = BTreeMap::new();
        while let Some(Queued { command, args }) = exec.queue.pop_front() {
            let share = exec.share(command, args);
            let Some(shard) = self.stage_shard(&share) else {
                exec.queue.push_front(Queued { command, args: share.args });
                break;
            };
            exec.stage.push(shard);
            blocks.entry(shard).or_default().push(share);
        }
        blocks
    }

    /// All commands of a transaction, if they can run on that shard in one stage; else none.
    fn all_on(&self, exec: &Exec, shard: ShardId) -> Vec<Share> {
        let shares = exec.queue.iter().map(|queued| exec.share(queued.command, queued.args.clone()));
        let here = shares.map(|share| (self.stage_shard(&share) == Some(shard)).then_some(share));
        here.collect::<Option<Vec<Share>>>().unwrap_or_default()
    }

    /// Where a command runs that may be part of a stage.
    fn stage_shard(&self, share: &Share) -> Option<ShardId> {
        match share.command.spec.place {
            Place::Connection(_) | Place::Transaction(_) | Place::Container | Place::Cores(_) => None,
            _ => self.only_shard(share),
        }
    }

    /// A command that spans shards or needs none; false: the transaction waits for it.
    fn run_outside_stages(&mut self, number: u64, mut exec: Exec, queued: Queued) -> bool {
        let share = exec.share(queued.command, queued.args);
        let runs_at_once = matches!(
            share.command.spec.place,
            Place::Connection(_) | Place::Transaction(_) | Place::Container
        );
        if runs_at_once {
            self.run_queued_at_home(&mut exec, &share);
            self.execs.insert(number, exec);
            return true;
        }
        let within = Within { exec: number, stamp: exec.stamp };
        let at = exec.connection;
        exec.stage.push(self.id);
        exec.awaited = 1;
        self.execs.insert(number, exec);
        if let Place::Cores(asks) = share.command.spec.place {
            self.put_question(at, &call_of(&share), asks, Some(within));
        } else {
            self.begin_spanning(at, share, Some(within), None);
        }
        false
    }

    /// Runs a queued command that needs no key, as its connection would.
    fn run_queued_at_home(&mut self, exec: &mut Exec, share: &Share) {
        let call = call_of(share);
        let at = exec.connection;
        let mut reply = Reply::new(&mut exec.reply, exec.protocol);
        let Place::Connection(run) = share.command.spec.place else {
            // UNWATCH: the watches are gone already.
            reply.ok();
            return;
        };
        if self.clients.get(at).is_none() {
            return;
        }
        let began = self.clock.raw();
        let mut encoded = Vec::new();
        let me = Remote { core: self.id, connection: at };
        let result = run(&mut self.core(me), call.args, &mut Reply::new(&mut encoded, exec.protocol));
        if let Err(error) = result {
            error.write(&mut Reply::new(&mut encoded, exec.protocol));
        }
        let ns = self.clock.elapsed_ns(began, self.clock.raw());
        self.count(share.command, ns, result.is_err().then_some(&*encoded));
        if let Some(session) = self.clients.get(at) {
            (exec.db, exec.protocol) = (session.db, session.protocol);
            match session.reply_mode {
                ReplyMode::Off => exec.silent_from = exec.silent_from.or(Some(exec.reply.len())),
                ReplyMode::On => exec.speak(),
                ReplyMode::SkipNext => {}
            }
        }
        exec.reply.extend_from_slice(&encoded);
    }

    /// Runs a command of a transaction on this shard; one that would wait finds that there is nothing, but
    /// not before its time-out has been found good.
    fn run_queued(&mut self, share: &Share, out: &mut Vec<u8>) {
        let call = call_of(share);
        if let Some(Err(error)) = waits_of(&call).map(|waits| (waits.until)(call.args, call.now)) {
            let mut encoded = Vec::new();
            error.write(&mut Reply::new(&mut encoded, share.protocol));
            self.count(call.command, 0, Some(&encoded));
            out.extend_from_slice(&encoded);
            return;
        }
        self.run_counted(&call, out);
        if self.would_wait.take().is_some()
            && let Some(waits) = waits_of(&call)
        {
            (waits.denied)(&mut Reply::new(out, share.protocol));
        }
    }

    /// The shard that all keys of a command live on; `None`: it has several.
    fn only_shard(&self, share: &Share) -> Option<ShardId> {
        let args = share.args.view();
        match share.command.spec.place {
            _ if self.owners.shards() == 1 => Some(self.id),
            _ if needs_all_shards(share.command, args) => None,
            Place::Scan(_) => {
                let shards = u64::from(self.owners.shards());
                Some(parse_cursor(args.at(1)).map_or(self.id, |cursor| ShardId((cursor % shards) as u16)))
            }
            _ => {
                let indexes = share.command.spec.keys.indexes(args);
                let mut shards = indexes.map(|index| self.owners.locate(args.at(index)).shard);
                let Some(first) = shards.next() else { return Some(self.id) };
                if shards.all(|shard| shard == first) {
                    return Some(first);
                }
                // A shape that no part of it could run in is refused by the command itself, here.
                let call = call_of(share);
                let fits = super::dispatch::fits_step(&call)
                    && waits_of(&call).is_none_or(|waits| (waits.until)(args, share.now).is_ok());
                (!fits).then_some(self.id)
            }
        }
    }

    /// A peer's transaction: its commands for this shard, which holds the locks.
    pub(super) fn on_block(&mut self, txn: u64, home: ShardId, shares: &[Share]) {
        let replies = self.run_block(shares);
        self.send(home, Control::BlockDone { txn, shard: self.id, replies });
    }

    pub(super) fn run_block(&mut self, shares: &[Share]) -> BlockReplies {
        let mut replies = BlockReplies::default();
        for share in shares {
            self.run_queued(share, &mut replies.bytes);
            replies.ends.push(replies.bytes.len());
        }
        replies
    }

    /// A shard's part of a stage, or a command outside the stages, has been answered.
    pub(super) fn on_block_done(&mut self, number: u64, shard: ShardId, replies: BlockReplies) {
        let Some(exec) = self.execs.get_mut(&number) else { return };
        exec.answers.insert(shard, replies);
        exec.awaited -= 1;
        if exec.awaited == 0 {
            exec.end_stage();
            self.go_on(number);
        }
    }

    fn end_exec(&mut self, number: u64) {
        self.release_exec(number);
        let Some(mut exec) = self.execs.remove(&number) else { return };
        exec.speak();
        self.serve_ready();
        let ns = self.clock.elapsed_ns(exec.began, self.clock.raw());
        if exec.legs.len() > 1 {
            self.metrics.counters.spanning_transactions += 1;
            self.count_spanning(exec.command, ns, None);
            self.metrics.record_spanning_wait(exec.command.id, ns);
        } else {
            self.count(exec.command, ns, None);
        }
        self.local.push_back(Local::Answer { connection: exec.connection, reply: exec.reply });
    }
}

impl Exec {
    fn share(&self, command: &'static Command, args: OwnedArgs) -> Share {
        Share { command, args, db: self.db, protocol: self.protocol, now: self.now }
    }

    /// All shards have answered: puts their replies in the order of the queue.
    fn end_stage(&mut self) {
        let answers = std::mem::take(&mut self.answers);
        let mut parts: BTreeMap<ShardId, _> =
            answers.iter().map(|(&shard, replies)| (shard, replies.iter())).collect();
        for shard in std::mem::take(&mut self.stage) {
            let reply = parts.get_mut(&shard).and_then(Iterator::next);
            self.reply.extend_from_slice(reply.expect("a shard answers every command"));
        }
    }

    /// What comes from here on is wanted: leaves out what came while it was not.
    fn speak(&mut self) {
        if let Some(from) = self.silent_from.take() {
            self.reply.truncate(from);
        }
    }
}

/// How far the stamps of a request run ahead that has been refused so often.
pub(super) fn ahead_of(attempts: u64) -> u64 {
    if attempts < 4 { 0 } else { attempts * 16 }
}
