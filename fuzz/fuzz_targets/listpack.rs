//! Listpacks: any bytes are one that can be read and changed, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| medusa::shard::fuzz::listpack(bytes));
