//! Commands that read the values of several keys and answer or store one: SINTER, ZUNIONSTORE, BITOP.
//!
//! Such a command says which keys it reads and what it makes of their values, once. Where all its keys are on
//! one shard the values are borrowed from it; where they are not, each owner sends a copy under the command's
//! locks, the same function runs at home, and the result travels to the destination's owner in a second hop.

use crate::base::args::Args;
use crate::base::clock::Now;
use crate::base::prng::Prng;
use crate::command::error::CommandError;
use crate::command::spec::{Carry, Hop, Next, Part};
use crate::resp::reply::Reply;
use crate::shard::{Keyspace, Owned, Settings, Source};
use smallvec::SmallVec;

/// A command that reads several keys whole.
#[derive(Clone, Copy)]
pub struct Gather {
    /// Which keys are read and which is written. An error is the reply, and nothing is looked up.
    pub plan: fn(Args<'_>) -> Result<Sources, CommandError>,
    /// What is made of their values; runs once, and sees all of one moment.
    pub compute: ComputeFn,
}

/// Makes a reply, and perhaps a value to store, of the sources in the order of the plan; `None`: no such key.
pub type ComputeFn =
    fn(&mut Tools<'_>, Args<'_>, &[Option<Source<'_>>], &mut Reply<'_>) -> Result<Outcome, CommandError>;

/// The keys of one command.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Indexes of the keys that are read.
    pub keys: SmallVec<[usize; 8]>,
    /// Index of the key that the result is stored at.
    pub destination: Option<usize>,
}

/// What a computation may use beside its sources.
#[derive(Debug)]
pub struct Tools<'a> {
    /// What the operator has set, the shapes of collections among it.
    pub settings: Settings,
    /// The moment of the command.
    pub now: Now,
    /// Randomness.
    pub prng: &'a mut Prng,
}

/// What came of a computation.
#[derive(Debug)]
pub enum Outcome {
    /// The reply; nothing is stored.
    Replied,
    /// The reply, and the value to put at the destination, without a deadline; `None` deletes what is there.
    Store(Option<Owned>),
}

impl Gather {
    /// Runs where all keys are on this shard.
    pub fn run_here(
        &self,
        keys: &mut Keyspace<'_>,
        args: Args<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<(), CommandError> {
        let sources = (self.plan)(args)?;
        let (settings, now, mut prng) = (keys.settings(), keys.now(), keys.prng());
        let mut tools = Tools { settings, now, prng: &mut prng };
        let names: SmallVec<[&[u8]; 8]> = sources.keys.iter().map(|&index| args.at(index)).collect();
        let outcome = keys.read_all(&names, |values| (self.compute)(&mut tools, args, values, reply))?;
        if let (Outcome::Store(value), Some(destination)) = (outcome, sources.destination) {
            store(keys, args.at(destination), value);
        }
        Ok(())
    }

    /// Runs in hops: copies come home, the result goes out.
    pub fn run_hop(
        &self,
        args: Args<'_>,
        hop: &mut Hop,
        tools: &mut Tools<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<Next, CommandError> {
        let sources = (self.plan)(args)?;
        let part = |key, run, carry| Part { key, db: hop.db, run, carry };
        if hop.stage == 0 && !sources.keys.is_empty() {
            return Ok(Next::Hop(
                sources.keys.iter().map(|&key| part(key, send_copy, Carry::Nothing)).collect(),
            ));
        }
        if hop.stage <= 1 && hop.held.is_empty() {
            let carried: Vec<Option<&Owned>> = hop
                .carries
                .iter()
                .map(|carry| if let Carry::Value(owned) = carry { Some(&**owned) } else { None })
                .collect();
            let values: SmallVec<[Option<Source<'_>>; 8]> =
                carried.iter().map(|owned| owned.map(Owned::as_source)).collect();
            let protocol = reply.protocol();
            let mut held = Vec::new();
            let outcome = (self.compute)(tools, args, &values, &mut Reply::new(&mut held, protocol));
            let outcome = outcome.inspect_err(|_| reply.raw(&held))?;
            if let (Outcome::Store(value), Some(destination)) = (outcome, sources.destination) {
                let carry = value.map_or(Carry::Nothing, |owned| Carry::Value(Box::new(owned)));
                let parts = vec![part(destination, put, carry)];
                hop.held = held;
                return Ok(Next::Hop(parts));
            }
            reply.raw(&held);
            return Ok(Next::Done);
        }
        reply.raw(&hop.held);
        Ok(Next::Done)
    }
}

/// Sends a copy of a value home.
fn send_copy(keys: &mut Keyspace<'_>, key: &[u8], _carry: Carry) -> Carry {
    keys.copy(key).map_or(Carry::Nothing, |owned| Carry::Value(Box::new(owned)))
}

/// Puts the result where it belongs.
fn put(keys: &mut Keyspace<'_>, key: &[u8], carry: Carry) -> Carry {
    let value = if let Carry::Value(owned) = carry { Some(*owned) } else { None };
    store(keys, key, value);
    Carry::Nothing
}

fn store(keys: &mut Keyspace<'_>, key: &[u8], value: Option<Owned>) {
    match value {
        Some(owned) => keys.put(key, owned),
        None => {
            keys.remove(key);
        }
    }
}
