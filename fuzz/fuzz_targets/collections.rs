//! Lists, sets, intsets, hashes and sorted sets: any bytes are operations that do what a model does.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| medusa::ds::fuzz::collections(bytes));
