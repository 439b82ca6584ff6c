//! One row says everything about a command: its shape, its keys, where it runs, how it is documented.
//!
//! Lookup, arity errors, COMMAND and COMMAND DOCS, histograms, random workloads and the README's
//! coverage table are read from these rows. `place` is ours (where does it run, strictly atomic);
//! `tips` are the wire's words for clients that fan out by themselves; they are two columns because
//! one server promises more than its clients must assume.

use crate::base::args::{Args, OwnedArgs};
use crate::base::clock::Now;
use crate::base::texts::Texts;
use crate::command::core::Core;
use crate::command::error::{CommandError, CommandResult};
pub use crate::command::gather::Gather;
pub use crate::command::keys::{Access, Keys};
pub use crate::command::look::Look;
use crate::resp::reply::Reply;
use crate::shard::Keyspace;
use crate::shard::Owned;
use smallvec::SmallVec;
use std::any::Any;

/// A command that runs on the shard that owns its keys.
pub type ShardFn = fn(&mut Keyspace<'_>, Args<'_>, &mut Reply<'_>) -> CommandResult;
/// A command that runs on its connection's core and touches no key.
pub type ConnectionFn = fn(&mut Core<'_>, Args<'_>, &mut Reply<'_>) -> CommandResult;
/// A command whose keys may live on several shards: called with an empty [`Hop`] first, then with
/// the results of the hop it asked for, until it returns [`Next::Done`]. All its keys are locked
/// from before the first hop to after the last.
pub type HopFn = fn(Args<'_>, &mut Hop, &mut Reply<'_>) -> Result<Next, CommandError>;
/// One key's share of a hop; runs on the shard that owns `key`.
pub type PartFn = fn(&mut Keyspace<'_>, key: &[u8], carry: Carry) -> Carry;
/// A rule of its own by which the replies of several shards become one.
pub type FoldFn = fn(&[&[u8]], u64, &mut Reply<'_>);

/// Where a command runs.
#[derive(Clone, Copy)]
pub enum Place {
    /// On the connection's core; touches no key.
    Connection(ConnectionFn),
    /// On the owner of its key.
    Owner(ShardFn),
    /// On every owner of its keys, each with a command that holds only its own keys (the name, then
    /// `keys.step` words per key), the replies folded. Strictly atomic.
    Split(ShardFn, Fold),
    /// On all shards, each locked as a whole, the replies folded. Strictly atomic.
    Every(ShardFn, Fold),
    /// In hops over the owners of its keys, all locked from the first hop to the last; over all shards, each locked
    /// as a whole, where values name more keys than the words do ([`Keys::are_all_named`]).
    Atomic(HopFn),
    /// Reads the values of several keys whole, answers, and may store one. Strictly atomic.
    Gather(Gather),
    /// In hops like [`Place::Atomic`]; where nothing is there it waits until something is.
    Wait(Waits),
    /// On the core that owns its first argument's share of a SCAN cursor.
    Scan(ShardFn),
    /// Asks every core, not only its shard; takes no lock.
    Cores(CoresFn),
    /// Changes what its connection does with commands.
    Transaction(Step),
    /// Nowhere: a container of subcommands.
    Container,
}

/// A command that may wait.
#[derive(Clone, Copy)]
pub struct Waits {
    /// Tries; returns [`Next::Wait`] when there is nothing.
    pub attempt: HopFn,
    /// When it gives up, in Unix milliseconds; `None`: never. An error is the reply, before anything is tried.
    pub until: fn(Args<'_>, Now) -> Result<Option<u64>, CommandError>,
    /// Indexes of the keys it waits for.
    pub keys: fn(Args<'_>) -> SmallVec<[usize; 4]>,
    /// The same command with only one of these keys.
    pub narrow: fn(Args<'_>, usize) -> OwnedArgs,
    /// What it answers when its time is up.
    pub timeout: fn(&mut Reply<'_>),
    /// What it answers in a transaction, where nothing waits.
    pub denied: fn(&mut Reply<'_>),
}

/// A step of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Queue what comes.
    Multi,
    /// Run it.
    Exec,
    /// Forget it.
    Discard,
    /// Mind these keys.
    Watch,
    /// Mind none.
    Unwatch,
}

/// How the replies of several shards become one.
#[derive(Clone, Copy)]
pub enum Fold {
    /// Sum of integers.
    Sum,
    /// `+OK` when all say so.
    Ok,
    /// Arrays with one element per key, put back in the order of the keys.
    InKeyOrder,
    /// Arrays, one after another.
    Concat,
    /// Any other rule: gets every shard's encoded reply, in shard order, and 64 random bits.
    With(FoldFn),
}

/// What one core answers to a [`Place::Cores`] command.
pub type CorePart = Box<dyn Any + Send>;

/// A command that asks every core.
#[derive(Clone, Copy)]
pub struct CoresFn {
    /// Runs at home first. An error is the answer and nobody is asked; `Ok(true)`: it has replied.
    pub check: fn(&mut Core<'_>, Args<'_>, &mut Reply<'_>) -> Result<bool, CommandError>,
    /// Runs once on every core.
    pub part: fn(&mut Core<'_>, Args<'_>) -> CorePart,
    /// Runs at home with every core's part, in core order.
    pub fold: fn(&mut Core<'_>, Args<'_>, Vec<CorePart>, &mut Reply<'_>) -> CommandResult,
}

/// The check of a question whose arguments have nothing wrong with them that arity does not say.
pub const UNCHECKED: fn(&mut Core<'_>, Args<'_>, &mut Reply<'_>) -> Result<bool, CommandError> =
    |_core, _args, _reply| Ok(false);

/// What a hop brings to a key or takes from it: owned, so that it may cross cores.
#[derive(Debug, Default)]
pub enum Carry {
    /// Nothing.
    #[default]
    Nothing,
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(i64),
    /// Two numbers: the id of a stream's entry.
    Id(u64, u64),
    /// Bytes; `None` where there is no value.
    Bytes(Option<Vec<u8>>),
    /// A whole value on its way to another key, shard or database.
    Value(Box<Owned>),
    /// The command's own words.
    Words(OwnedArgs),
    /// Many strings.
    Texts(Texts),
    /// The part failed with this error.
    Error(CommandError),
}

/// One key's share of a hop.
#[derive(Debug)]
pub struct Part {
    /// Index of the key among the command's arguments.
    pub key: usize,
    /// Database it is looked up in.
    pub db: u8,
    /// What to do there.
    pub run: PartFn,
    /// What to bring.
    pub carry: Carry,
}

/// A multi-shard command between two hops.
#[derive(Debug)]
pub struct Hop {
    /// 0 before the first hop, then the number of hops done.
    pub stage: usize,
    /// The session's database.
    pub db: u8,
    /// The command's time: the same for every hop.
    pub now: Now,
    /// What the parts of the last hop answered, in the order they were asked.
    pub carries: Vec<Carry>,
    /// A reply written before the last hop, to be sent after it.
    pub held: Vec<u8>,
    /// What the command keeps from hop to hop.
    pub kept: Texts,
}

impl Hop {
    /// Before the first hop.
    pub fn new(db: u8, now: Now) -> Hop {
        Hop { stage: 0, db, now, carries: Vec::new(), held: Vec::new(), kept: Texts::default() }
    }
}

/// What a multi-shard command wants next.
#[derive(Debug)]
pub enum Next {
    /// These parts, in parallel; then call again.
    Hop(Vec<Part>),
    /// The values of keys that no word names, each look's as [`Carry::Texts`]; then call again. Only of a command
    /// whose [`Keys::are_all_named`] is false: it has all shards locked. There is at least one name.
    Look(Vec<Look>),
    /// Nothing: the reply is written.
    Done,
    /// To wait, for it found nothing; with these words from now on, if they are not the same.
    Wait(Option<OwnedArgs>),
}

/// A set of command flags, by the wire's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

impl std::ops::BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl Flags {
    /// Needs an option to be enabled. COMMAND does not tell.
    pub const PROTECTED: Flags = Flags(1 << 20);
}

macro_rules! flags {
    ($($bit:literal $name:ident $wire:literal $doc:literal;)*) => {
        impl Flags {
            $(#[doc = $doc] pub const $name: Flags = Flags(1 << $bit);)*
            /// Every flag with its name on the wire, in the order COMMAND prints them.
            pub const NAMES: &'static [(Flags, &'static str)] = &[$((Flags::$name, $wire)),*];
        }
    };
}

flags! {
    0 WRITE "write" "Changes keys.";
    1 READ "readonly" "Reads keys and changes none.";
    2 DENY_OOM "denyoom" "Refused when memory is full.";
    4 ADMIN "admin" "For operators.";
    5 PUBSUB "pubsub" "Publishes or subscribes.";
    6 NO_SCRIPT "noscript" "Not from scripts.";
    8 BLOCKING "blocking" "May wait.";
    9 LOADING "loading" "Allowed while loading.";
    10 STALE "stale" "Allowed on a stale replica.";
    11 SKIP_MONITOR "skip_monitor" "Not shown by MONITOR.";
    12 SKIP_SLOWLOG "skip_slowlog" "Not kept in the slow log.";
    14 FAST "fast" "Takes constant or logarithmic time.";
    15 NO_AUTH "no_auth" "Allowed before AUTH.";
    16 MAY_REPLICATE "may_replicate" "May reach replicas without writing.";
    22 NO_ASYNC_LOADING "no_async_loading" "Not during an asynchronous load.";
    23 NO_MULTI "no_multi" "Not inside MULTI.";
    24 MOVABLE_KEYS "movablekeys" "Keys are found by a rule of its own.";
    25 ALLOW_BUSY "allow_busy" "Allowed while a script runs on.";
}

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);

    /// Whether all of `other` are set.
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets; usable in constants.
    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// The family a command is documented under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Commands about connections.
    Connection,
    /// Commands about keys of any type.
    Generic,
    /// Commands about strings.
    String,
    /// Commands about the server.
    Server,
    /// Commands about lists.
    List,
    /// Commands about hashes.
    Hash,
    /// Commands about sets.
    Set,
    /// Commands about sorted sets.
    SortedSet,
    /// Commands about streams.
    Stream,
    /// Commands about the bits of strings.
    Bitmap,
    /// Commands about HyperLogLogs.
    Hyperloglog,
    /// Commands about places on the globe.
    Geo,
    /// Commands about transactions.
    Transactions,
}

impl Group {
    /// The group's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Connection => "connection",
            Group::Generic => "generic",
            Group::String => "string",
            Group::Server => "server",
            Group::List => "list",
            Group::Hash => "hash",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
            Group::Hyperloglog => "hyperloglog",
            Group::Geo => "geo",
            Group::Transactions => "transactions",
        }
    }
}

/// A row of the command table.
pub struct Spec {
    /// Lower case; a subcommand's own word without its container.
    pub name: &'static str,
    /// Where it runs.
    pub place: Place,
    /// Number of words, name(s) included; negative: at least that many.
    pub arity: i16,
    /// Its flags.
    pub flags: Flags,
    /// Access control categories beyond those its flags imply, without `@`.
    pub categories: &'static [&'static str],
    /// Its keys.
    pub keys: Keys,
    /// Its family.
    pub group: Group,
    /// First version of the protocol's reference that had it.
    pub since: &'static str,
    /// Cost, in the field's notation.
    pub complexity: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its arguments, after its name, as COMMAND DOCS and hints show them: see [`super::usage`].
    pub usage: &'static str,
    /// Hints for clients that route by themselves, in the wire's words.
    pub tips: &'static [&'static str],
    /// Subcommands of a container.
    pub subcommands: &'static [Spec],
    /// Since when there is a better one, and which.
    pub deprecated: Option<(&'static str, &'static str)>,
}

impl Spec {
    const fn new(name: &'static str, place: Place) -> Spec {
        Spec {
            name,
            place,
            arity: 1,
            flags: Flags::NONE,
            categories: &[],
            keys: Keys::NONE,
            group: Group::Generic,
            since: "1.0.0",
            complexity: "O(1)",
            summary: "",
            usage: "",
            tips: &[],
            subcommands: &[],
            deprecated: None,
        }
    }

    /// A row for [`Place::Connection`].
    pub const fn connection(name: &'static str, run: ConnectionFn) -> Spec {
        Spec::new(name, Place::Connection(run))
    }

    /// A row for [`Place::Owner`].
    pub const fn owner(name: &'static str, run: ShardFn) -> Spec {
        Spec::new(name, Place::Owner(run))
    }

    /// A row for [`Place::Split`].
    pub const fn split(name: &'static str, run: ShardFn, fold: Fold) -> Spec {
        Spec::new(name, Place::Split(run, fold))
    }

    /// A row for [`Place::Every`].
    pub const fn every(name: &'static str, run: ShardFn, fold: Fold) -> Spec {
        Spec::new(name, Place::Every(run, fold))
    }

    /// A row for [`Place::Atomic`].
    pub const fn atomic(name: &'static str, run: HopFn) -> Spec {
        Spec::new(name, Place::Atomic(run))
    }

    /// A row for [`Place::Gather`].
    pub const fn gather(name: &'static str, gather: Gather) -> Spec {
        Spec::new(name, Place::Gather(gather))
    }

    /// A row for [`Place::Wait`].
    pub const fn waits(name: &'static str, waits: Waits) -> Spec {
        Spec::new(name, Place::Wait(waits))
    }

    /// A row for [`Place::Scan`].
    pub const fn scan(name: &'static str, run: ShardFn) -> Spec {
        Spec::new(name, Place::Scan(run))
    }

    /// A row for [`Place::Cores`].
    pub const fn cores(name: &'static str, run: CoresFn) -> Spec {
        Spec::new(name, Place::Cores(run))
    }

    /// A row for [`Place::Transaction`].
    pub const fn transaction(name: &'static str, step: Step) -> Spec {
        Spec::new(name, Place::Transaction(step))
    }

    /// A row for a container of subcommands.
    pub const fn container(name: &'static str, subcommands: &'static [Spec]) -> Spec {
        let mut spec = Spec::new(name, Place::Container);
        spec.subcommands = subcommands;
        spec
    }

    /// Sets the subcommands of a command that also runs without one: COMMAND.
    pub const fn subcommands(mut self, subcommands: &'static [Spec]) -> Spec {
        self.subcommands = subcommands;
        self
    }

    /// Says since when there is a better command, and which.
    pub const fn deprecated(mut self, since: &'static str, instead: &'static str) -> Spec {
        self.deprecated = Some((since, instead));
        self
    }

    /// Sets the number of words; negative: at least that many.
    pub const fn arity(mut self, arity: i16) -> Spec {
        self.arity = arity;
        self
    }

    /// Sets the flags.
    pub const fn flags(mut self, flags: Flags) -> Spec {
        self.flags = flags;
        self
    }

    /// Sets the categories that the flags do not imply.
    pub const fn categories(mut self, categories: &'static [&'static str]) -> Spec {
        self.categories = categories;
        self
    }

    /// Sets the keys.
    pub const fn keys(mut self, keys: Keys) -> Spec {
        self.keys = keys;
        self
    }

    /// Sets the family, the first version, the cost and the summary.
    pub const fn doc(
        mut self,
        group: Group,
        since: &'static str,
        complexity: &'static str,
        summary: &'static str,
    ) -> Spec {
        self.group = group;
        self.since = since;
        self.complexity = complexity;
        self.summary = summary;
        self
    }

    /// Sets the arguments as they are documented.
    pub const fn usage(mut self, usage: &'static str) -> Spec {
        self.usage = usage;
        self
    }

    /// Sets the tips.
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Spec {
        self.tips = tips;
        self
    }
}
