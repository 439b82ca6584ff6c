//! Replies: any bytes, cut anywhere, are decoded alike, and survive the way back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| medusa::resp::fuzz::value_decode(bytes));
