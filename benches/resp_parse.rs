//! What does it cost to find the commands in a read? By command and by depth of the pipeline, as the
//! connection does it: frame after frame where it lies, no copy.
//!
//!   cargo bench --bench resp_parse
//!
//! Under `cargo test` it runs a few reads only.

mod support;

use medusa::base::limits::BULK_BYTES_MAX;
use medusa::resp::{ParseLimits, Parser};
use medusa::testing::generate::frame;

fn main() {
    let reads = if support::measuring() { 200_000 } else { 20 };
    let limits = ParseLimits { bulk_bytes_max: BULK_BYTES_MAX, authenticated: true };
    let key = |number: usize| format!("key:{number:012}").into_bytes();
    let words = |name: &str, rest: Vec<Vec<u8>>| [vec![name.as_bytes().to_vec()], rest].concat();
    let commands = [
        ("PING", words("PING", vec![])),
        ("GET key", words("GET", vec![key(1)])),
        ("SET key 32 bytes", words("SET", vec![key(1), vec![b'v'; 32]])),
        ("SET key 4096 bytes", words("SET", vec![key(1), vec![b'v'; 4096]])),
        ("MGET of 10 keys", words("MGET", (0..10).map(key).collect())),
    ];
    for (name, words) in &commands {
        for depth in [1, 16, 100] {
            let mut input = Vec::new();
            (0..depth).for_each(|_| frame(words, &mut input));
            let rounds = reads / depth;
            support::measure(&format!("{name}, {depth} in a read"), rounds.max(1) * depth, || {
                let mut parser = Parser::new();
                let mut checksum = 0;
                for _ in 0..rounds.max(1) {
                    let mut at = 0;
                    while let Some(len) = parser.next(&input[at..], &limits).expect("well formed") {
                        let args = parser.args(&input[at..]);
                        checksum = support::mix(checksum, args.at(args.len() - 1));
                        at += len;
                    }
                    assert_eq!(at, input.len());
                }
                checksum
            });
        }
    }
}
