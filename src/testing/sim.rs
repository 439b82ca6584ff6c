//! N engines in one thread under one seed: every batch may be delayed, every read may be cut, every
//! send may be partial, and the order in which links deliver is chance. Only what the real links
//! promise is kept: between one pair of cores, first in, first out.
//!
//! A failing seed replays exactly: time, randomness and the order of events come from it alone.

use crate::base::clock::{Clock, Now};
use crate::base::ids::{ClientId, ConnectionId, ShardId};
use crate::base::limits::{CORK_NS, TURN_SLICE_NS};
use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::command::core::Identity;
use crate::config::Options;
use crate::engine::{Engine, Setup};
use crate::mesh::message::Batch;
use crate::resp::value::{Decoder, Value};
use crate::session::{Address, Intent};
use std::collections::VecDeque;
use std::time::Duration;

/// Unix microseconds at which every simulation starts.
const START_US: u64 = 1_700_000_000_000_000;

/// A client of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Client(usize);

struct Peer {
    core: usize,
    connection: ConnectionId,
    /// On its way to the server.
    input: VecDeque<u8>,
    /// Arrived at the client.
    output: Vec<u8>,
    decoder: Decoder,
    closed: bool,
}

/// Simulated cores, links and clients.
pub struct Sim {
    engines: Vec<Engine>,
    // `links[from * n + to]`
    links: Vec<VecDeque<Box<Batch>>>,
    peers: Vec<Peer>,
    clock: Clock,
    prng: Prng,
    next_id: u64,
}

impl Sim {
    /// `shards` cores with default options.
    pub fn new(shards: u16, seed: u64) -> Self {
        Self::with(shards, seed, Options::default())
    }

    /// `shards` cores with these options.
    pub fn with(shards: u16, seed: u64, options: Options) -> Self {
        let mut prng = Prng::new(seed);
        let clock = Clock::manual(Now { unix_us: START_US, mono_ns: 1_000_000_000 });
        let owners = Owners::new(prng.next_u64(), shards);
        let identity = Identity {
            run_id: "0123456789abcdef0123456789abcdef01234567".into(),
            pid: 1,
            started: clock.now(),
            executable: "/simulated/medusa".into(),
            config_file: String::new(),
            port: 6379,
        };
        let engines = (0..shards)
            .map(|id| {
                Engine::new(Setup {
                    id: ShardId(id),
                    owners,
                    options: options.clone(),
                    identity: identity.clone(),
                    clock: clock.clone(),
                    seed: prng.next_u64(),
                })
            })
            .collect();
        let links = (0..usize::from(shards).pow(2)).map(|_| VecDeque::new()).collect();
        Sim { engines, links, peers: Vec::new(), clock, prng, next_id: 1 }
    }

    /// Under one seed of three lets everything take so much time, on the clock of all cores, that slices end in the
    /// middle of their work.
    pub fn slow_some(&mut self) {
        if self.prng.one_in(3) {
            let ns = 1 + self.prng.below(2 * TURN_SLICE_NS);
            self.clock.set_reading(Duration::from_nanos(ns));
        }
    }

    /// A new client from this machine, on the next core in turn.
    pub fn connect(&mut self) -> Client {
        let core = self.peers.len() % self.engines.len();
        let port = 40_000 + self.peers.len();
        let address = Address {
            peer: format!("127.0.0.1:{port}"),
            local: "127.0.0.1:6379".into(),
            fd: 8 + self.peers.len() as i32,
            unix: false,
            loopback: true,
        };
        let id = ClientId(self.next_id);
        self.next_id += 1;
        let now = self.clock.now();
        self.engines[core].begin_turn(now);
        let connection = self.engines[core].connect(id, address);
        self.peers.push(Peer {
            core,
            connection,
            input: VecDeque::new(),
            output: Vec::new(),
            decoder: Decoder::new(),
            closed: false,
        });
        self.collect(core);
        Client(self.peers.len() - 1)
    }

    /// The first key of an endless list that lives on `shard`.
    pub fn key_on(&self, shard: ShardId) -> String {
        let owners = self.engines[0].center().owners;
        let mut names = (0..).map(|number| format!("k{number}"));
        names.find(|name| owners.locate(name.as_bytes()).shard == shard).expect("endless")
    }

    /// The client's connection, on its core.
    pub fn connection(&self, client: Client) -> ConnectionId {
        self.peers[client.0].connection
    }

    /// Hands the client's core bytes in one piece, before anything else happens.
    pub fn deliver(&mut self, client: Client, bytes: &[u8]) {
        let (core, at) = (self.peers[client.0].core, self.peers[client.0].connection);
        self.engines[core].begin_turn(self.clock.now());
        self.engines[core].on_bytes(at, bytes);
        self.collect(core);
    }

    /// Puts bytes on their way to the server.
    pub fn send(&mut self, client: Client, bytes: &[u8]) {
        self.peers[client.0].input.extend(bytes);
    }

    /// Puts a command on its way, as a client library encodes it.
    pub fn send_words(&mut self, client: Client, words: &[&[u8]]) {
        let bytes = encode(words);
        self.send(client, &bytes);
    }

    /// Replies that have arrived and not been taken, decoded.
    pub fn take_replies(&mut self, client: Client) -> Vec<Value> {
        let mut replies = Vec::new();
        while let Some(reply) = self.take_reply(client) {
            replies.push(reply);
        }
        replies
    }

    /// The next reply, if a whole one has arrived.
    pub fn take_reply(&mut self, client: Client) -> Option<Value> {
        let peer = &mut self.peers[client.0];
        let (value, used) = peer.decoder.next(&peer.output).expect("the server's replies are well formed")?;
        peer.output.drain(..used);
        Some(value)
    }

    /// Bytes that have arrived and not been taken.
    pub fn take_bytes(&mut self, client: Client) -> Vec<u8> {
        std::mem::take(&mut self.peers[client.0].output)
    }

    /// Whether the server has closed this client's connection.
    pub fn is_closed(&self, client: Client) -> bool {
        self.peers[client.0].closed
    }

    /// The client hangs up.
    pub fn hang_up(&mut self, client: Client) {
        let peer = &mut self.peers[client.0];
        if !peer.closed {
            peer.closed = true;
            peer.input.clear();
            let (core, connection) = (peer.core, peer.connection);
            self.engines[core].on_hangup(connection);
            self.collect(core);
        }
    }

    /// Lets time pass, with upkeep every 100 ms and everything delivered in between.
    pub fn advance(&mut self, by: Duration) {
        let mut left = by;
        while !left.is_zero() {
            let step = left.min(Duration::from_millis(100));
            left -= step;
            self.clock.advance(step);
            let now = self.clock.now();
            for core in 0..self.engines.len() {
                self.engines[core].begin_turn(now);
                self.engines[core].on_cron();
                self.collect(core);
            }
            self.settle();
        }
    }

    /// One event, by chance; false: nothing is left to happen.
    pub fn step(&mut self) -> bool {
        let inputs: Vec<usize> = (0..self.peers.len())
            .filter(|&at| !self.peers[at].input.is_empty() && !self.peers[at].closed)
            .collect();
        let mails: Vec<usize> = (0..self.links.len()).filter(|&at| !self.links[at].is_empty()).collect();
        let is_busy =
            |engine: &Engine| engine.next_wake_ns() == Some(0) || engine.center().waiting.has_later();
        let busy: Vec<usize> = (0..self.engines.len()).filter(|&at| is_busy(&self.engines[at])).collect();
        let count = inputs.len() + mails.len() + busy.len();
        if count == 0 {
            return self.uncork();
        }
        self.clock.advance(Duration::from_nanos(1 + self.prng.below(2_000)));
        let pick = self.prng.below(count as u64) as usize;
        let core = if pick < inputs.len() {
            self.deliver_input(inputs[pick])
        } else if pick < inputs.len() + mails.len() {
            self.deliver_mail(mails[pick - inputs.len()])
        } else {
            let core = busy[pick - inputs.len() - mails.len()];
            self.engines[core].begin_turn(self.clock.now());
            core
        };
        self.engines[core].run_ready();
        self.collect(core);
        true
    }

    /// Lets time pass and one core have a turn, while nothing arrives anywhere.
    pub fn turn(&mut self, core: usize, after: Duration) {
        self.clock.advance(after);
        let now = self.clock.now();
        self.engines[core].begin_turn(now);
        self.engines[core].run_ready();
        self.collect(core);
    }

    /// Lets everything happen that can.
    pub fn settle(&mut self) {
        while self.step() {}
    }

    /// Lets everything happen that can, and time pass until nobody waits for a key any more whose time is bounded.
    pub fn settle_waits(&mut self) {
        self.settle();
        while self.engines.iter().any(|engine| engine.center().waiting.next_deadline_ms().is_some()) {
            self.advance(Duration::from_millis(5));
        }
    }

    /// One command, settled: its replies (one, unless it pushes more).
    pub fn call(&mut self, client: Client, words: &[&[u8]]) -> Value {
        self.send_words(client, words);
        self.settle();
        self.take_reply(client).expect("a command has a reply")
    }

    /// The cores themselves.
    pub fn engines(&mut self) -> &mut [Engine] {
        &mut self.engines
    }

    /// The simulation's randomness.
    pub fn prng(&mut self) -> &mut Prng {
        &mut self.prng
    }

    /// Lets time pass for replies that wait for others; false: there are none.
    fn uncork(&mut self) -> bool {
        if !self.engines.iter().any(Engine::has_corked) {
            return false;
        }
        self.clock.advance(Duration::from_nanos(CORK_NS));
        let now = self.clock.now();
        for core in 0..self.engines.len() {
            self.engines[core].begin_turn(now);
            self.collect(core);
        }
        true
    }

    fn deliver_input(&mut self, at: usize) -> usize {
        let peer = &mut self.peers[at];
        let most = peer.input.len() as u64;
        // Often all of it, sometimes a cut in the middle of anything.
        let take = if self.prng.one_in(3) { 1 + self.prng.below(most) } else { most };
        let bytes: Vec<u8> = peer.input.drain(..take as usize).collect();
        let now = self.clock.now();
        let engine = &mut self.engines[peer.core];
        engine.begin_turn(now);
        engine.on_bytes(peer.connection, &bytes);
        peer.core
    }

    fn deliver_mail(&mut self, link: usize) -> usize {
        let count = self.engines.len();
        let (from, to) = (ShardId((link / count) as u16), link % count);
        let now = self.clock.now();
        self.engines[to].begin_turn(now);
        if self.engines[to].wants_mail(from) {
            let batch = self.links[link].pop_front().expect("listed as waiting");
            self.engines[to].on_mail(from, batch);
        }
        to
    }

    /// Moves what a core has for its peers and clients.
    fn collect(&mut self, core: usize) {
        let count = self.engines.len();
        let engine = &mut self.engines[core];
        for to in (0..count).filter(|&to| to != core) {
            if let Some(batch) = engine.take_mail(ShardId(to as u16)) {
                self.links[core * count + to].push_back(batch);
            }
        }
        while let Some(at) = engine.next_dirty() {
            let Some(peer) = self.peers.iter_mut().find(|peer| peer.core == core && peer.connection == at)
            else {
                // Its greeting: the client is being connected right now and is collected next time.
                continue;
            };
            while engine.has_output(at) {
                let output = engine.output(at).map(std::mem::take).unwrap_or_default();
                peer.output.extend_from_slice(&output);
                let mut rest = output.len();
                while rest > 0 {
                    let sent = 1 + self.prng.below(rest as u64) as usize;
                    engine.on_sent(at, sent);
                    rest -= sent;
                }
            }
            if engine.intent(at) != Intent::Open && !peer.closed {
                peer.closed = true;
                engine.on_hangup(at);
            }
        }
    }
}

/// A command as client libraries encode it.
pub fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
