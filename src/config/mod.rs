//! Options: one table, redis.conf syntax, what was typed and what it means.
//!
//! `options` holds the table and the values, `value` how values are spelled, `set` CONFIG GET and SET, `file`
//! and `raw` what was typed, `resolved` what it means on this machine, `rewrite` CONFIG REWRITE.

pub mod file;
mod foreign;
pub mod options;
pub mod raw;
pub mod resolved;
pub mod rewrite;
pub mod set;
pub mod value;

pub use options::{Change, DebugCommand, LogLevel, MaxmemoryPolicy, Options, PipelineOrder, Row, TABLE, row};
pub use set::{SetError, get_many, set_many};
pub use value::{Mode, OutputLimit, OutputLimits};
