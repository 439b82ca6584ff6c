//! Requests: any bytes, cut anywhere, are parsed alike.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| medusa::resp::fuzz::request_parse(bytes));
