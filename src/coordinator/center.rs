//! All that the commands of one core share, and how one of them runs on this core's shard.

use crate::base::args::{Args, OwnedArgs};
use crate::base::clock::{Clock, Now};
use crate::base::ids::{ConnectionId, NumberMap, ShardId};
use crate::base::limits::CORES_MAX;
use crate::base::number::parse_cursor;
use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::command::core::{AdminRequest, Core, Identity};
use crate::command::error::CommandError;
use crate::command::spec::{Carry, Flags, Fold, FoldFn, Hop, HopFn, Next, Place, ShardFn, Waits};
use crate::command::table::{Command, Table};
use crate::config::Options;
use crate::coordinator::frames::Frames;
use crate::coordinator::preview::Preview;
use crate::coordinator::spanning::{Group, Question, Spanning};
use crate::coordinator::transaction::Exec;
use crate::coordinator::waiting::Waiting;
use crate::mesh::locks::{Locks, Ticket};
use crate::mesh::message::{Control, Job, Share};
use crate::mesh::outbox::Outboxes;
use crate::metrics::Metrics;
use crate::metrics::command::error_code;
use crate::metrics::slowlog::SlowLog;
use crate::resp::Protocol;
use crate::resp::reply::Reply;
use crate::resp::value::skip;
use crate::session::{Clients, Remote};
use crate::shard::Shard;
use std::collections::VecDeque;

/// Keys of one command that are asked for beforehand: more would push each other out of the nearest cache.
const PREFETCH_KEYS: usize = 32;

/// What waits in this shard's line of locks.
#[derive(Debug)]
pub enum Work {
    /// A single-shard command that met a lock.
    Parked(Parked),
    /// A shard's share of a command that spans shards.
    Spanning {
        /// Its number at home.
        txn: u64,
        /// Its home.
        home: ShardId,
        /// Its stamp.
        stamp: u64,
        /// The wait whose kept key does not stand in its way.
        token: Option<u64>,
        /// What to do.
        job: Job,
        /// When it began to wait in line, in the clock's raw ticks; it need not have.
        waits_since: Option<u64>,
    },
}

/// A command that waits for a lock.
#[derive(Debug)]
pub struct Parked {
    /// Who asked.
    pub from: Remote,
    /// Where its reply goes.
    pub slot: u32,
    /// What to run.
    pub share: Share,
    /// Its client has gone meanwhile: it still runs in its turn, but does not begin to wait.
    pub gone: bool,
}

/// A watch that begins once those who hold its keys have released them.
#[derive(Debug)]
pub struct HeldWatch {
    /// Who holds them.
    pub behind: Vec<Ticket>,
    /// The client.
    pub who: Remote,
    /// The number of its command at home.
    pub txn: u64,
    /// Its database.
    pub db: u8,
    /// What it watches here.
    pub keys: Vec<Vec<u8>>,
}

/// Something for a connection of this core that did not come in a peer's batch.
#[derive(Debug)]
pub enum Local {
    /// The reply to a parked command.
    Done {
        /// For whom.
        connection: ConnectionId,
        /// Which of its commands.
        slot: u32,
        /// The encoded reply.
        reply: Vec<u8>,
    },
    /// The replies to commands of a group.
    Group {
        /// For whom.
        connection: ConnectionId,
        /// Which of its commands, and where the reply of each ends.
        replies: Vec<(u32, usize)>,
        /// The encoded replies, one after the other.
        reply: Vec<u8>,
    },
    /// The reply to a command that spanned shards or asked every core.
    Answer {
        /// For whom.
        connection: ConnectionId,
        /// The encoded reply.
        reply: Vec<u8>,
    },
    /// Bytes outside the order of replies.
    Push {
        /// For whom.
        connection: ConnectionId,
        /// The encoded reply.
        bytes: Vec<u8>,
    },
}

/// What one core's commands share.
pub struct Center {
    /// Which core this is.
    pub id: ShardId,
    /// Who owns a key.
    pub owners: Owners,
    /// Time.
    pub clock: Clock,
    /// The turn's time.
    pub now: Now,
    /// This core's keys.
    pub shard: Shard,
    /// The order of commands that span shards.
    pub locks: Locks<Work>,
    /// This core's sessions.
    pub clients: Clients,
    /// Options as this core knows them.
    pub options: Options,
    /// Counters and histograms.
    pub metrics: Metrics,
    /// Slow commands.
    pub slowlog: SlowLog,
    /// Randomness.
    pub prng: Prng,
    /// The command table.
    pub table: &'static Table,
    /// The process.
    pub identity: Identity,
    /// Requests to the process.
    pub requests: Vec<AdminRequest>,
    /// What goes to peers.
    pub outboxes: Outboxes,
    /// Lock messages of this core to itself.
    pub own_mail: VecDeque<Control>,
    /// What has come for connections of this core.
    pub local: VecDeque<Local>,
    /// Commands of this core's clients that span shards, by number.
    pub spanning: NumberMap<Spanning>,
    /// Commands of the connection that runs which span shards and will leave together.
    pub group: Group,
    /// Transactions of this core's clients that run, by number.
    pub execs: NumberMap<Exec>,
    /// WATCH commands that await other shards: for whom, and how many.
    pub watchings: NumberMap<(ConnectionId, usize)>,
    /// Watches of keys of this shard that somebody holds exclusively.
    pub held_watches: Vec<HeldWatch>,
    /// Commands that wait.
    pub waiting: Waiting,
    /// The command that has just run found nothing and would wait, with these words if they are others.
    pub would_wait: Option<Option<OwnedArgs>>,
    /// Questions to every core, by number.
    pub questions: NumberMap<Question>,
    /// The number of the next of either.
    pub next_number: u64,
    /// Counts turns.
    pub turn: u32,
    /// Nanoseconds of the commands that have run in the [`Slice`](super::slice::Slice) that is under way. Costs no
    /// reading of the clock beyond those of the commands' own statistics.
    pub ran_ns: u64,
    /// The window of commands of the connection that runs; kept for its capacity.
    pub frames: Frames,
    /// What this turn's input will look up.
    pub preview: Preview,
    /// Where replies of commands on connections are built; kept for its capacity.
    pub scratch: Vec<u8>,
    /// The logical clock: above every stamp this core has seen.
    pub stamp: u64,
}

impl std::fmt::Debug for Center {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Center").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Center {
    /// One core as a command of `caller` sees it.
    pub fn core(&mut self, caller: Remote) -> Core<'_> {
        Core {
            id: self.id,
            cores: self.owners.shards(),
            now: self.now,
            clock: &self.clock,
            shard: &mut self.shard,
            clients: &mut self.clients,
            options: &mut self.options,
            metrics: &mut self.metrics,
            slowlog: &mut self.slowlog,
            prng: &mut self.prng,
            table: self.table,
            identity: &self.identity,
            requests: &mut self.requests,
            caller_core: caller.core,
            caller: caller.connection,
        }
    }

    /// A stamp above every stamp seen here, unique among all cores; `ahead` leaves room for a request
    /// that has been refused often to get in front of others.
    pub fn next_stamp(&mut self, ahead: u64) -> u64 {
        let cores = CORES_MAX as u64;
        let round = self.stamp / cores + 1 + ahead;
        self.stamp = round * cores + u64::from(self.id.0);
        self.stamp
    }

    /// Moves the logical clock past a stamp that has been seen.
    pub fn see_stamp(&mut self, stamp: u64) {
        self.stamp = self.stamp.max(stamp);
    }

    /// Sends a lock message; one to this very core is served before the turn ends.
    pub fn send(&mut self, to: ShardId, control: Control) {
        if to == self.id {
            self.own_mail.push_back(control);
        } else {
            self.outboxes.post_control(to, control);
        }
    }

    /// Runs a command on this shard; the reply is appended to `out`. Returns nanoseconds and whether it
    /// failed. Counts nothing.
    pub fn run(&mut self, call: &Call<'_>, out: &mut Vec<u8>) -> (u64, bool) {
        let began = self.clock.raw();
        if !call.command.spec.keys.is_one() {
            self.prefetch_all(call);
        }
        let mut reply = Reply::new(out, call.protocol);
        let result = match call.command.spec.place {
            Place::Every(run, Fold::With(fold)) if self.owners.shards() == 1 => {
                self.run_alone(run, fold, call, &mut reply)
            }
            Place::Owner(run) | Place::Split(run, _) | Place::Every(run, _) => {
                let mut keys = self.shard.keyspace(call.db, call.now);
                if let Some(hash) = call.hash
                    && let Some(first) = call.command.spec.keys.first_index(call.args)
                {
                    keys.know(call.args.at(first), hash);
                }
                run(&mut keys, call.args, &mut reply)
            }
            Place::Atomic(run) | Place::Wait(Waits { attempt: run, .. }) => {
                self.run_hops(run, call, &mut reply)
            }
            Place::Gather(gather) => {
                gather.run_here(&mut self.shard.keyspace(call.db, call.now), call.args, &mut reply)
            }
            Place::Scan(run) => self.run_scan(run, call, &mut reply),
            Place::Connection(_) | Place::Cores(_) | Place::Container | Place::Transaction(_) => {
                unreachable!("the dispatcher sends no such command to a shard")
            }
        };
        let failed = if let Err(error) = result {
            error.write(&mut reply);
            true
        } else {
            false
        };
        (self.ran_since(began), failed)
    }

    /// Nanoseconds since a command began; adds them to the slice that is under way.
    #[inline]
    pub fn ran_since(&mut self, began: u64) -> u64 {
        let ns = self.clock.elapsed_ns(began, self.clock.raw());
        self.ran_ns += ns;
        ns
    }

    /// Asks memory for all keys of a command on several, so that it waits for them at the same time.
    fn prefetch_all(&self, call: &Call<'_>) {
        let mut hashes = [0; PREFETCH_KEYS];
        let keys = call.command.spec.keys.indexes(call.args);
        let mut count = 0;
        for (hash, index) in hashes.iter_mut().zip(keys) {
            *hash = self.owners.hash(call.args.at(index));
            self.shard.prefetch(call.db, *hash);
            count += 1;
        }
        hashes[..count].iter().for_each(|&hash| self.shard.prefetch_key(call.db, hash));
    }

    /// Runs and counts a whole command: everything of it happens here.
    pub fn run_counted(&mut self, call: &Call<'_>, out: &mut Vec<u8>) -> u64 {
        let start = out.len();
        let (ns, failed) = self.run(call, out);
        if let Some(step_ns) = self.shard.take_step(call.db) {
            self.metrics.record_growth(step_ns);
        }
        self.count(call.command, ns, failed.then(|| &out[start..]));
        ns
    }

    /// Counts a command that has run; `error` is its encoded error reply.
    pub fn count(&mut self, command: &Command, ns: u64, error: Option<&[u8]>) {
        self.metrics.counters.commands_processed += 1;
        self.metrics.record_call(command.id, ns);
        if let Some(error) = error {
            self.count_failed(command, error);
        }
    }

    /// Counts a command, or a transaction, that has run on several shards, `ns` on all of them together.
    pub fn count_spanning(&mut self, command: &Command, ns: u64, error: Option<&[u8]>) {
        self.metrics.counters.commands_processed += 1;
        self.metrics.record_spanning_call(command.id, ns);
        if let Some(error) = error {
            self.count_failed(command, error);
        }
    }

    /// Counts the error reply of a command that is counted as run.
    pub fn count_failed(&mut self, command: &Command, error: &[u8]) {
        self.metrics.record_failed(command.id);
        self.count_error(error);
    }

    /// Counts an error reply by its code word.
    pub fn count_error(&mut self, encoded: &[u8]) {
        self.metrics.counters.error_replies += 1;
        let text = encoded.strip_prefix(b"-").unwrap_or(encoded);
        let line = &text[..memchr::memchr(b'\r', text).unwrap_or(text.len())];
        self.metrics.record_error(error_code(&String::from_utf8_lossy(line)));
    }

    /// Notes a slow command of a client of this core.
    pub fn note_slow(&mut self, connection: ConnectionId, unix_us: u64, ns: u64, args: Args<'_>) {
        let (address, name) = self
            .clients
            .get(connection)
            .map_or(("?:0", ""), |session| (session.address.peer.as_str(), session.name.as_str()));
        let shown = crate::command::monitor::redacted(args);
        let args = shown.as_ref().map_or(args, OwnedArgs::view);
        self.slowlog.record(unix_us, ns, args, address, name.as_bytes());
    }

    /// Runs and folds a command for all shards where there is only one.
    fn run_alone(
        &mut self,
        run: ShardFn,
        fold: FoldFn,
        call: &Call<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<(), CommandError> {
        let mut share = Vec::new();
        let mut keys = self.shard.keyspace(call.db, call.now);
        run(&mut keys, call.args, &mut Reply::new(&mut share, call.protocol))?;
        fold(&[&share], self.prng.next_u64(), reply);
        Ok(())
    }

    fn run_hops(&mut self, run: HopFn, call: &Call<'_>, reply: &mut Reply<'_>) -> Result<(), CommandError> {
        let mut hop = Hop::new(call.db, call.now);
        loop {
            match run(call.args, &mut hop, reply)? {
                Next::Done => return Ok(()),
                Next::Wait(resolved) => {
                    self.would_wait = Some(resolved);
                    return Ok(());
                }
                Next::Look(looks) => {
                    let mut keys = self.shard.keyspace(call.db, call.now);
                    hop.carries = looks.iter().map(|look| Carry::Texts(look.run(&mut keys))).collect();
                    hop.stage += 1;
                }
                Next::Hop(parts) => {
                    hop.carries.clear();
                    for part in parts {
                        let mut keys = self.shard.keyspace(part.db, call.now);
                        hop.carries.push((part.run)(&mut keys, call.args.at(part.key), part.carry));
                    }
                    hop.stage += 1;
                }
            }
        }
    }

    /// A cursor as clients see it is `cursor within the shard * shards + shard`, which keeps the cursor
    /// of a single shard as it is.
    fn run_scan(&mut self, run: ShardFn, call: &Call<'_>, reply: &mut Reply<'_>) -> Result<(), CommandError> {
        let shards = u64::from(self.owners.shards());
        let mut keys = self.shard.keyspace(call.db, call.now);
        let Some(cursor) = parse_cursor(call.args.at(1)) else {
            return run(&mut keys, call.args, reply);
        };
        let local = (cursor / shards).to_string();
        let words =
            call.args.from(0).enumerate().map(|(at, word)| if at == 1 { local.as_bytes() } else { word });
        let mut encoded = Vec::new();
        run(&mut keys, OwnedArgs::collect(words).view(), &mut Reply::new(&mut encoded, call.protocol))?;
        // The reply is `*2`, the next cursor as a bulk string, the keys.
        let head = b"*2\r\n".len();
        let cursor_len = skip(&encoded[head..]).expect("a scan replies with a cursor first");
        let bulk = &encoded[head..head + cursor_len];
        let digits = &bulk[memchr::memchr(b'\n', bulk).expect("a bulk string") + 1..cursor_len - 2];
        let next = parse_cursor(digits).expect("a scan replies with a number");
        let shard = u64::from(self.id.0);
        let client_cursor = match next {
            0 if shard + 1 == shards => 0,
            0 => shard + 1,
            next => next * shards + shard,
        };
        reply.array(2);
        reply.text(itoa::Buffer::new().format(client_cursor));
        reply.raw(&encoded[head + cursor_len..]);
        Ok(())
    }
}

/// A command ready to run on a shard.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// What.
    pub command: &'static Command,
    /// Its words.
    pub args: Args<'a>,
    /// The session's database.
    pub db: u8,
    /// The session's protocol.
    pub protocol: Protocol,
    /// When.
    pub now: Now,
    /// Hash of its first key, where somebody has computed it.
    pub hash: Option<u64>,
}

impl Call<'_> {
    /// The same, owning its words.
    pub fn to_share(self) -> Share {
        Share {
            command: self.command,
            args: OwnedArgs::copy(self.args),
            db: self.db,
            protocol: self.protocol,
            now: self.now,
        }
    }

    /// Whether it changes keys.
    pub fn writes(&self) -> bool {
        self.command.spec.flags.has(Flags::WRITE)
    }
}

/// The call a share describes.
pub fn call_of(share: &Share) -> Call<'_> {
    Call {
        command: share.command,
        args: share.args.view(),
        db: share.db,
        protocol: share.protocol,
        now: share.now,
        hash: None,
    }
}
