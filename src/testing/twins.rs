//! One shard and several, asked the same: what a client hears must not tell it how many there are.

use crate::base::prng::Prng;
use crate::testing::sim::{Client, Sim};

/// A client of one shard, and its twin of two to four.
pub struct Twins {
    sims: [Sim; 2],
    clients: [Client; 2],
}

impl Twins {
    /// Without keys yet.
    pub fn new(seed: u64, prng: &mut Prng) -> Self {
        let mut sims = [Sim::new(1, seed), Sim::new(2 + prng.below(3) as u16, seed)];
        sims[1].slow_some();
        let clients = sims.each_mut().map(Sim::connect);
        Twins { sims, clients }
    }

    /// Fails where the answers to the same bytes differ.
    pub fn ask(&mut self, bytes: &[u8], seed: u64) {
        let answer = |(sim, client): (&mut Sim, Client)| {
            sim.send(client, bytes);
            sim.settle();
            sim.take_bytes(client).escape_ascii().to_string()
        };
        let answers: Vec<String> = self.sims.iter_mut().zip(self.clients).map(answer).collect();
        assert_eq!(answers[0], answers[1], "seed {seed}: {}", bytes.escape_ascii());
    }
}
