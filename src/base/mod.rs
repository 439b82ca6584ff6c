//! Floor 0: words every other floor speaks. Uses only the standard library and small crates.

pub mod args;
pub mod clock;
pub mod crc64;
pub mod extended;
pub mod glob;
pub mod ids;
pub mod limits;
pub mod lzf;
pub mod number;
pub mod owner;
pub mod prng;
pub mod texts;
pub mod words;
