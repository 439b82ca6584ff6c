//! What does it cost to record a call? Two counters and a histogram, for one command and for many.
//!
//!   cargo bench --bench latency_record
//!
//! The price is paid by every command, so it has to stay far below the cheapest of them (about 100 ns).
//! Under `cargo test` it runs a few calls only, to show that it still works.

use medusa::base::prng::Prng;
use medusa::metrics::{Detail, Metrics};
use std::time::Instant;

const ROUNDS: usize = 7;

fn main() {
    // Cargo says `--bench` only when it means it.
    let full = std::env::args().any(|argument| argument == "--bench");
    let calls = if full { 20_000_000 } else { 2_000 };
    for (name, commands) in [("one command", 1), ("8 commands", 8), ("200 commands", 200)] {
        let mut metrics = Metrics::new(commands);
        let mut prng = Prng::new(7);
        // Typical latencies: most between 128 ns and 1 us, one in eight up to 64 us.
        let values: Vec<(u16, u64)> = (0..4_096)
            .map(|_| {
                let bits = if prng.below(8) == 0 { 16 } else { 10 };
                (prng.below(commands as u64) as u16, 128 + prng.below(1 << bits))
            })
            .collect();
        let mut rounds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                for &(id, ns) in values.iter().cycle().take(calls) {
                    metrics.record_call(id, ns);
                }
                start.elapsed().as_nanos() as f64 / calls as f64
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        let snapshot = metrics.snapshot(Default::default(), Detail::Full);
        let checksum: u64 = snapshot.commands.iter().map(|stats| stats.ns ^ stats.run.max()).sum();
        let (fastest, median, slowest) = (rounds[0], rounds[ROUNDS / 2], rounds[ROUNDS - 1]);
        println!("{name:>14}: {median:.1} ns a call ({fastest:.1} to {slowest:.1}), checksum {checksum}");
    }
}
