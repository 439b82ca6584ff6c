//! Streams: any bytes are a payload and operations on what it holds, or on an empty stream; both equal a model.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| medusa::shard::fuzz::stream(bytes));
