//! The real binary at 1, 2 and 4 cores, seen as its users see it: with a client library, with redis-cli,
//! and with bytes that no library would send.

mod common;

#[path = "blackbox/access.rs"]
mod access;
#[path = "blackbox/atomicity.rs"]
mod atomicity;
#[path = "blackbox/basics.rs"]
mod basics;
#[path = "blackbox/blocking.rs"]
mod blocking;
#[path = "blackbox/clients.rs"]
mod clients;
#[path = "blackbox/history.rs"]
mod history;
#[path = "blackbox/introspection.rs"]
mod introspection;
#[path = "blackbox/malformed.rs"]
mod malformed;
#[path = "blackbox/payloads.rs"]
mod payloads;
#[path = "blackbox/pressure.rs"]
mod pressure;

use common::Server;

/// The core counts at which everything must be the same.
const CORES: [usize; 3] = [1, 2, 4];

/// Runs a test once per core count, each on a server of its own.
fn at_each_core_count(test: impl Fn(&mut Server)) {
    for cores in CORES {
        test(&mut Server::medusa(cores));
    }
}
