//! Everything that may cross from one core to another, owned and moved.
//!
//! A [`Batch`] is one arena: commands are copied into it as spans (no second parse at the owner) and
//! replies as bytes (one copy into the output at home). A batch that has been served is kept by its
//! reader for its own next sending, so the steady path allocates nothing.

use crate::base::args::{Args, OwnedArgs, Span};
use crate::base::clock::Now;
use crate::base::ids::{ConnectionId, ShardId};
use crate::command::spec::{Carry, CorePart, Look, Part};
use crate::command::table::Command;
use crate::resp::Protocol;
use crate::session::Remote;
use smallvec::SmallVec;

/// What one core sends another in one turn.
#[derive(Debug, Default)]
pub struct Batch {
    /// The sender's logical clock.
    pub stamp: u64,
    /// The time of the sender's turn.
    pub now: Now,
    /// In the order they were posted.
    pub ops: Vec<Op>,
    /// Words of the commands, over `bytes`.
    pub spans: Vec<Span>,
    /// Words and replies.
    pub bytes: Vec<u8>,
}

/// One thing in a batch.
#[derive(Debug)]
pub enum Op {
    /// Run this command on your shard.
    Run(Run),
    /// The reply to a command of yours.
    Done(Done),
    /// Anything rarer.
    Control(Box<Control>),
}

const _: () = assert!(size_of::<Op>() <= 56, "an op is copied for every remote command");

/// A command for one shard.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What to run.
    pub command: &'static Command,
    /// Hash of its first key, if it has one.
    pub hash: Option<u64>,
    /// Who asks, on the sender's core.
    pub connection: ConnectionId,
    /// Where the reply goes in that connection's order.
    pub slot: u32,
    /// Its words in the batch's spans.
    pub span_start: u32,
    /// How many.
    pub span_count: u32,
    /// The session's database.
    pub db: u8,
    /// The session's protocol.
    pub protocol: Protocol,
}

/// A reply.
#[derive(Debug)]
pub struct Done {
    /// For whom.
    pub connection: ConnectionId,
    /// Which of its commands.
    pub slot: u32,
    /// Where the reply lies in the batch's bytes.
    pub start: u32,
    /// Its length in bytes.
    pub len: u32,
    /// How long its command ran, in nanoseconds; 0 where it had to wait before it ran.
    pub ns: u32,
}

/// Messages that are rare enough for a box.
#[derive(Debug)]
pub enum Control {
    /// Lock keys for a command that spans shards, and hold its work ready.
    Lock(Lock),
    /// The locks are held; a read's reply is here.
    Granted(Grant),
    /// Somebody later holds or awaits one of the keys: give up and come again after `seen`.
    Refused {
        /// The command at home.
        txn: u64,
        /// The stamp that was refused.
        stamp: u64,
        /// The latest stamp the shard has seen.
        seen: u64,
        /// A key is kept for somebody who waits: come again in a later turn.
        kept: bool,
    },
    /// Run the work held ready, answer with [`Control::Applied`], release.
    Commit {
        /// Whose.
        stamp: u64,
    },
    /// The reply of the committed work.
    Applied(Grant),
    /// Run this share of a transaction's command under the transaction's locks; answer with
    /// [`Control::Applied`].
    Under {
        /// The command at home.
        txn: u64,
        /// Its home.
        home: ShardId,
        /// The transaction's stamp.
        stamp: u64,
        /// What to run.
        share: Share,
    },
    /// Run these commands of a transaction under its locks, one after the other.
    Block {
        /// The transaction at home.
        txn: u64,
        /// Its home.
        home: ShardId,
        /// In order.
        shares: Vec<Share>,
    },
    /// What they have answered.
    BlockDone {
        /// The transaction at home.
        txn: u64,
        /// Who ran them.
        shard: ShardId,
        /// Their replies.
        replies: BlockReplies,
    },
    /// Watch keys for a client's transaction; answer with [`Control::Watched`].
    Watch {
        /// The question at home.
        txn: u64,
        /// The client.
        who: Remote,
        /// The database.
        db: u8,
        /// The keys, all of this shard.
        keys: Vec<Vec<u8>>,
    },
    /// The keys are watched.
    Watched {
        /// The question at home.
        txn: u64,
    },
    /// A client waits for keys of yours, among others.
    Wait {
        /// The wait at home.
        token: u64,
        /// Its home.
        home: ShardId,
        /// The command.
        share: Share,
        /// Indexes of your keys.
        indexes: Vec<usize>,
    },
    /// Something has come for a wait; the key is kept meanwhile.
    Offer {
        /// The wait.
        token: u64,
        /// Who offers.
        shard: ShardId,
        /// The key's hash.
        hash: u64,
    },
    /// Serve the wait what you offer; answer with [`Control::Taken`].
    Take {
        /// The wait.
        token: u64,
        /// Its home.
        home: ShardId,
        /// The key's hash.
        hash: u64,
    },
    /// The offer is not taken.
    Pass {
        /// The wait.
        token: u64,
        /// Its home.
        home: ShardId,
        /// The key's hash.
        hash: u64,
        /// It was of no use.
        tried: bool,
    },
    /// What came of a taken offer.
    Taken {
        /// The wait.
        token: u64,
        /// The encoded reply, if it was served.
        reply: Option<Vec<u8>>,
    },
    /// A wait has ended.
    EndWait {
        /// The wait.
        token: u64,
        /// Its home.
        home: ShardId,
    },
    /// A client of yours waits here from now on.
    Blocked(ConnectionId),
    /// What a client of yours waited for here.
    Woken {
        /// Whose.
        connection: ConnectionId,
        /// Which of its commands.
        slot: u32,
        /// The encoded reply.
        reply: Vec<u8>,
    },
    /// End the wait of a client.
    Unblock {
        /// Whose.
        who: Remote,
        /// Why.
        end: End,
    },
    /// A client watches no key any more.
    Forget(Remote),
    /// Run these parts under the locks.
    Parts {
        /// The command at home.
        txn: u64,
        /// Its home.
        home: ShardId,
        /// The time they run at.
        now: Now,
        /// Each with its key, in the order home asked.
        parts: Vec<(Part, Vec<u8>)>,
    },
    /// Look these values up under the locks; answer with [`Control::PartsDone`].
    Look {
        /// The command at home.
        txn: u64,
        /// Its home.
        home: ShardId,
        /// The database.
        db: u8,
        /// The time of the command.
        now: Now,
        /// Your share of every look.
        looks: Vec<Look>,
    },
    /// What the parts or looks answered, in order.
    PartsDone {
        /// The command at home.
        txn: u64,
        /// The answering shard.
        shard: ShardId,
        /// Time spent in them.
        ns: u64,
        /// One per part or look.
        carries: Vec<Carry>,
    },
    /// A request was refused elsewhere: let go of what it holds or awaits, and say so.
    GiveUp {
        /// The command's number at home.
        txn: u64,
        /// Where the command lives.
        home: ShardId,
        /// The request's.
        stamp: u64,
    },
    /// A shard has let go of what was given up.
    GivenUp {
        /// The command's number at home.
        txn: u64,
    },
    /// Give the locks up, granted or not.
    Release {
        /// Whose.
        stamp: u64,
    },
    /// Answer a command that asks every core.
    Ask(Ask),
    /// One core's answer.
    Answer {
        /// The question's number at home.
        ask: u64,
        /// Who answers.
        core: ShardId,
        /// What.
        part: CorePart,
    },
    /// Bytes for a connection outside the order of its replies (MONITOR).
    Push {
        /// For whom.
        connection: ConnectionId,
        /// An encoded reply.
        bytes: Vec<u8>,
    },
    /// A command of yours was slow here.
    Slow {
        /// Whose it was.
        connection: ConnectionId,
        /// When it ran, in Unix microseconds.
        unix_us: u64,
        /// How long, in nanoseconds.
        ns: u64,
        /// Its words.
        args: OwnedArgs,
    },
    /// A client that watched commands has gone.
    Unwatch(Remote),
}

/// What ends a wait that was not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its time is up.
    Timeout,
    /// CLIENT UNBLOCK with ERROR.
    Error,
    /// The client has gone: nobody is answered.
    Gone,
}

/// What a lock request covers.
#[derive(Clone, Debug)]
pub enum Extent {
    /// These keys, by hash.
    Keys(Vec<u64>),
    /// The whole shard.
    Whole,
}

/// A lock request.
#[derive(Debug)]
pub struct Lock {
    /// The command at home.
    pub txn: u64,
    /// Who asks.
    pub home: ShardId,
    /// Its place in the order of all such commands.
    pub stamp: u64,
    /// What to lock.
    pub extent: Extent,
    /// Against readers, too.
    pub exclusive: bool,
    /// The wait whose kept key does not stand in its way.
    pub token: Option<u64>,
    /// What to do once it is locked.
    pub job: Job,
}

/// A shard's share of a command.
#[derive(Clone, Debug)]
pub struct Share {
    /// What to run.
    pub command: &'static Command,
    /// Its words: only this shard's keys.
    pub args: OwnedArgs,
    /// The session's database.
    pub db: u8,
    /// The session's protocol.
    pub protocol: Protocol,
    /// When it runs.
    pub now: Now,
}

/// A shard's shares of one command, or of several that go together, in their order.
pub type Shares = SmallVec<[Share; 1]>;

/// Replies to commands of a transaction.
#[derive(Clone, Debug, Default)]
pub struct BlockReplies {
    /// Encoded, one after the other.
    pub bytes: Vec<u8>,
    /// Where each of them ends.
    pub ends: Vec<usize>,
}

impl BlockReplies {
    /// Each reply.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }
}

/// What came of one share.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// Time spent running it, in nanoseconds.
    pub ns: u64,
    /// Length of its encoded reply in bytes.
    pub len: usize,
}

/// What a shard does for a command it has locked keys for.
#[derive(Debug)]
pub enum Job {
    /// Run as soon as the locks are held, answer, keep the locks.
    Read(Shares),
    /// Wait for the commit.
    Write(Shares),
    /// Parts will come.
    Hops,
    /// A transaction: says whether a key has changed that its client watches. Where it has all its keys here, its
    /// commands run as soon as the locks are held, unless one has; elsewhere they will come.
    Exec {
        /// The client, if it watches keys of this shard.
        watcher: Option<Remote>,
        /// All commands, if they have no keys elsewhere.
        shares: Vec<Share>,
    },
}

/// A shard's word that its locks are held, or that its work is done.
#[derive(Debug)]
pub struct Grant {
    /// The command at home.
    pub txn: u64,
    /// The stamp it was granted under.
    pub stamp: u64,
    /// Which shard.
    pub shard: ShardId,
    /// The encoded replies of its shares, one after the other; empty where nothing has run.
    pub reply: Vec<u8>,
    /// Of each share that has run.
    pub ran: SmallVec<[Ran; 1]>,
    /// A key has changed that the client watches.
    pub changed: bool,
}

/// A question to every core.
#[derive(Debug)]
pub struct Ask {
    /// Its number at home.
    pub ask: u64,
    /// Who asks.
    pub caller: Remote,
    /// What.
    pub command: &'static Command,
    /// Its words.
    pub args: OwnedArgs,
}

impl Batch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Empties it and keeps its capacity, up to a bound.
    pub fn clear(&mut self) {
        const KEEP_BYTES: usize = 1 << 20;
        const KEEP_OPS: usize = 16 << 10;
        self.ops.clear();
        self.spans.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEEP_BYTES {
            self.bytes = Vec::new();
        }
        if self.ops.capacity() > KEEP_OPS {
            self.ops = Vec::new();
            self.spans = Vec::new();
        }
    }

    /// Copies a command's words in; returns its first span and their number.
    pub fn copy_args(&mut self, args: Args<'_>) -> (u32, u32) {
        let start = self.spans.len() as u32;
        for word in args.from(0) {
            self.spans.push(Span { start: self.bytes.len() as u32, len: word.len() as u32 });
            self.bytes.extend_from_slice(word);
        }
        (start, args.len() as u32)
    }

    /// The words of a command in it.
    pub fn args(&self, run: &Run) -> Args<'_> {
        let start = run.span_start as usize;
        Args::new(&self.bytes, &self.spans[start..start + run.span_count as usize])
    }
}
