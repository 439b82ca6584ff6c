//! Payloads: any bytes are a value that can be used, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| medusa::shard::fuzz::restore(bytes));
