//! What the benches share: rounds with a spread, and cores without sockets.

#![allow(dead_code, reason = "each bench uses its own part of this")]

use medusa::base::clock::Clock;
use medusa::base::ids::{ClientId, ConnectionId, ShardId};
use medusa::base::owner::Owners;
use medusa::command::core::Identity;
use medusa::config::Options;
use medusa::engine::{Engine, Setup};
use medusa::session::Address;
use std::time::Instant;

/// Whether to measure; otherwise (under `cargo test`) a bench only shows that it still works.
pub fn measuring() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Runs `round` a few times and prints the median and the spread, per operation.
pub fn measure(name: &str, operations: usize, mut round: impl FnMut() -> u64) {
    let rounds = if measuring() { 9 } else { 1 };
    let mut checksum = 0;
    let mut each: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            checksum = round();
            start.elapsed().as_nanos() as f64 / operations as f64
        })
        .collect();
    each.sort_by(f64::total_cmp);
    let (fastest, median, slowest) = (each[0], each[rounds / 2], each[rounds - 1]);
    println!("{name:>38}: {median:8.1} ns each ({fastest:.1} to {slowest:.1}), checksum {checksum:016x}");
}

/// Mixes bytes into a checksum, cheaply: their number and a few of them.
pub fn mix(checksum: u64, bytes: &[u8]) -> u64 {
    let sample = bytes
        .iter()
        .step_by(bytes.len() / 16 + 1)
        .fold(bytes.len() as u64, |sum, &byte| sum.rotate_left(7) ^ u64::from(byte));
    (checksum ^ sample).rotate_left(13).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Engines in one thread and one client, on core 0.
pub struct Cores {
    pub engines: Vec<Engine>,
    pub owners: Owners,
    clock: Clock,
    connection: ConnectionId,
}

impl Cores {
    pub fn new(count: u16) -> Cores {
        let owners = Owners::new(0x5eed, count);
        let clock = Clock::real();
        let identity = Identity {
            run_id: "0".repeat(40),
            pid: 1,
            started: clock.now(),
            executable: "/bench".into(),
            config_file: String::new(),
            port: 0,
        };
        let engine = |id| {
            Engine::new(Setup {
                id: ShardId(id),
                owners,
                options: Options::default(),
                identity: identity.clone(),
                clock: clock.clone(),
                seed: u64::from(id),
            })
        };
        let mut engines: Vec<Engine> = (0..count).map(engine).collect();
        engines[0].begin_turn(clock.now());
        let address = Address {
            peer: "127.0.0.1:40000".into(),
            local: "127.0.0.1:6379".into(),
            fd: 8,
            unix: false,
            loopback: true,
        };
        let connection = engines[0].connect(ClientId(1), address);
        Cores { engines, owners, clock, connection }
    }

    /// One read of the client: everything happens that it causes; its replies go into the checksum.
    pub fn read(&mut self, bytes: &[u8], mut checksum: u64) -> u64 {
        self.engines[0].begin_turn(self.clock.now());
        self.engines[0].on_bytes(self.connection, bytes);
        loop {
            let mut quiet = true;
            for to in 0..self.engines.len() {
                self.engines[to].begin_turn(self.clock.now());
                for from in (0..self.engines.len()).filter(|&from| from != to) {
                    let peer = ShardId(from as u16);
                    if self.engines[to].wants_mail(peer)
                        && let Some(batch) = self.engines[from].take_mail(ShardId(to as u16))
                    {
                        quiet = false;
                        self.engines[to].on_mail(peer, batch);
                    }
                }
                quiet &= !self.engines[to].run_ready();
            }
            while let Some(at) = self.engines[0].next_dirty() {
                let len = match self.engines[0].output(at) {
                    Some(output) => {
                        checksum = mix(checksum, output);
                        let len = output.len();
                        output.clear();
                        len
                    }
                    None => 0,
                };
                if len > 0 {
                    quiet = false;
                    self.engines[0].on_sent(at, len);
                }
            }
            if quiet {
                return checksum;
            }
        }
    }
}
