//! What does it cost that a key lives on another core, and how much of that does a batch take away?
//!
//!   cargo bench --bench mesh_hop
//!
//! Two cores in one thread, GETs of keys that the client's core owns and of keys that the other does, by
//! the number of commands in a read: the difference between two lines is the CPU time of a hop (two copies
//! into a batch, two more batches handled), without the wake of a sleeping thread. Then the link between
//! two cores alone. Under `cargo test` it runs a few reads only.

mod support;

use medusa::base::ids::ShardId;
use medusa::runtime::link::link;
use medusa::testing::generate::frame;
use support::Cores;

fn main() {
    let operations = if support::measuring() { 200_000 } else { 400 };
    let mut cores = Cores::new(2);
    let keys_of = |shard: u16| -> Vec<Vec<u8>> {
        let owners = cores.owners;
        let all = (0..).map(|number: u64| format!("key:{number:012}").into_bytes());
        all.filter(|key| owners.locate(key).shard == ShardId(shard)).take(1_000).collect()
    };
    let homes = [("our own keys", keys_of(0)), ("the other core's keys", keys_of(1))];
    for (_, keys) in &homes {
        let mut input = Vec::new();
        for key in keys {
            frame(&[b"SET".to_vec(), key.clone(), vec![b'v'; 32]], &mut input);
        }
        cores.read(&input, 0);
    }
    for depth in [1, 4, 16, 100] {
        for (home, keys) in &homes {
            let inputs: Vec<Vec<u8>> = (0..operations / depth)
                .map(|read| {
                    let mut input = Vec::new();
                    for at in 0..depth {
                        let key = keys[(read * depth + at) * 7 % keys.len()].clone();
                        frame(&[b"GET".to_vec(), key], &mut input);
                    }
                    input
                })
                .collect();
            support::measure(&format!("{home}, {depth} in a read"), inputs.len() * depth, || {
                inputs.iter().fold(0, |checksum, input| cores.read(input, checksum))
            });
        }
    }
    let (sender, receiver) = link::<u64>(256);
    support::measure("one batch through a link", operations, || {
        (0..operations as u64).fold(0, |sum, number| {
            sender.push(Box::new(number)).expect("there is room");
            sum + *receiver.pop().expect("it has arrived")
        })
    });
}
