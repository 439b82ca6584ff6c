//! Options: one table, redis.conf syntax, what was typed and what it means.
//!
//! `options` holds the table and the values, `value` how values are spelled, `set` CONFIG GET and SET.

pub mod options;
pub mod set;
pub mod value;

pub use options::{Change, DebugCommand, LogLevel, MaxmemoryPolicy, Options, PipelineOrder, Row, TABLE, row};
pub use set::{SetError, get_many, set_many};
pub use value::{Mode, OutputLimit, OutputLimits};
