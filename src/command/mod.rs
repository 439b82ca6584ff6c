//! What to do: the command table and its families.
//!
//! # How to add a command
//!
//! 1. **One function** in its family's file. If it works on one key, it is a [`spec::ShardFn`]: it gets
//!    the keyspace of the shard that owns the key, the arguments, and the reply to write. It cannot
//!    wait and nothing can come between its steps, which is all the atomicity it needs.
//! 2. **One row** in the family's `ROWS`: name, function, arity, keys, flags, documentation. The row's
//!    constructor says where it runs: `owner` (one key), `split` (many keys, one answer each),
//!    `every` (all keys), `atomic` (several keys that must agree), `gather` (several
//!    keys read whole), `connection` (no key), `cores`
//!    (asks every core).
//! 3. **One test** under it: a transcript of commands and replies. `testing::check` runs it on one
//!    shard and on simulated meshes of two and four.
//!
//! Nothing else: lookup, errors, COMMAND, COMMAND DOCS, histograms, hints in `medusa cli`, the random
//! workloads and the README's coverage table read the row.

mod args;
mod bitfield;
mod bitmap;
mod client;
mod client_kill;
mod client_list;
mod client_unblock;
pub mod config_cmd;
mod connection;
pub mod core;
pub mod debug;
mod docs;
mod dump;
pub mod error;
mod expiry;
mod facts;
pub mod gather;
mod geo;
mod geo_search;
mod hash;
mod hash_expiry;
mod hash_getset;
mod hash_read;
mod help;
mod hll;
mod info;
mod info_sections;
mod introspect;
pub mod keys;
mod keyspace;
mod latency;
mod lcs;
mod list;
mod list_edit;
mod list_wait;
pub mod look;
mod members;
mod memory;
pub mod monitor;
mod number_ops;
mod object;
mod replication;
mod scan;
mod server;
mod set;
mod set_ops;
mod slowlog;
mod sort;
pub mod spec;
mod stream;
mod stream_claim;
mod stream_group;
mod stream_info;
mod stream_read;
mod stream_words;
mod string;
mod string_range;
pub mod table;
mod transaction;
pub mod usage;
mod waits;
mod zset;
mod zset_ops;
mod zset_pop;
mod zset_range;
mod zset_wait;

use spec::Spec;

/// Every family's rows.
pub const FAMILIES: &[&[Spec]] = &[
    connection::ROWS,
    client::ROWS,
    client_unblock::ROWS,
    introspect::ROWS,
    monitor::ROWS,
    config_cmd::ROWS,
    info::ROWS,
    server::ROWS,
    memory::ROWS,
    latency::ROWS,
    slowlog::ROWS,
    debug::ROWS,
    string::ROWS,
    string_range::ROWS,
    number_ops::ROWS,
    lcs::ROWS,
    keyspace::ROWS,
    expiry::ROWS,
    scan::ROWS,
    object::ROWS,
    list::ROWS,
    list_edit::ROWS,
    list_wait::ROWS,
    hash::ROWS,
    hash_read::ROWS,
    hash_expiry::ROWS,
    hash_getset::ROWS,
    set::ROWS,
    set_ops::ROWS,
    zset::ROWS,
    zset_range::ROWS,
    zset_ops::ROWS,
    zset_pop::ROWS,
    zset_wait::ROWS,
    stream::ROWS,
    stream_read::ROWS,
    stream_group::ROWS,
    stream_claim::ROWS,
    stream_info::ROWS,
    bitmap::ROWS,
    bitfield::ROWS,
    hll::ROWS,
    geo::ROWS,
    geo_search::ROWS,
    sort::ROWS,
    dump::ROWS,
    transaction::ROWS,
    replication::ROWS,
];
