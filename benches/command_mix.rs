//! What does a command cost without the kernel? Parse, look up, run, encode, by command and by depth, on
//! one core and on four whose shards share the keys, all in one thread.
//!
//!   cargo bench --bench command_mix
//!
//! The rest of what a server's CPU does per operation is sockets and rings: `scripts/load.sh` has the sum.
//! Under `cargo test` it runs a few reads only.

mod support;

use medusa::base::prng::Prng;
use medusa::testing::generate::frame;
use support::Cores;

fn main() {
    let full = support::measuring();
    let (keys, operations) = if full { (100_000, 200_000) } else { (200, 400) };
    let key = |number: u64| format!("key:{number:012}").into_bytes();
    let value = vec![b'v'; 32];
    for count in [1, 4] {
        let mut cores = Cores::new(count);
        let mut input = Vec::new();
        for number in 0..keys {
            frame(&[b"SET".to_vec(), key(number), value.clone()], &mut input);
        }
        cores.read(&input, 0);
        for name in ["GET", "SET", "GET and SET", "INCR", "MGET of 10", "MSET of 10"] {
            for depth in [1, 16, 100] {
                let mut prng = Prng::new(7);
                let mut command = |number: usize, input: &mut Vec<u8>| {
                    let mut any = || key(prng.below(keys));
                    let words = match name {
                        "GET" => vec![b"GET".to_vec(), any()],
                        "GET and SET" if number.is_multiple_of(2) => vec![b"GET".to_vec(), any()],
                        "SET" | "GET and SET" => vec![b"SET".to_vec(), any(), value.clone()],
                        "INCR" => vec![b"INCR".to_vec(), [&b"counter:"[..], &any()[4..]].concat()],
                        "MGET of 10" => {
                            std::iter::once(b"MGET".to_vec()).chain((0..10).map(|_| any())).collect()
                        }
                        _ => {
                            let pairs = (0..10).flat_map(|_| [any(), value.clone()]);
                            std::iter::once(b"MSET".to_vec()).chain(pairs).collect()
                        }
                    };
                    frame(&words, input);
                };
                // Built beforehand: we ask what the server pays, not the client.
                let inputs: Vec<Vec<u8>> = (0..operations / depth)
                    .map(|_| {
                        let mut input = Vec::new();
                        (0..depth).for_each(|number| command(number, &mut input));
                        input
                    })
                    .collect();
                let name = format!("{name}, {count} core(s), {depth} in a read");
                support::measure(&name, inputs.len() * depth, || {
                    inputs.iter().fold(0, |checksum, input| cores.read(input, checksum))
                });
            }
        }
    }
}
