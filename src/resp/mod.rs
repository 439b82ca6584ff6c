//! The Redis protocol, sans-IO: bytes in, values out, and back. It knows no command.
//!
//! `request` cuts a client's bytes into commands without copying them, `reply` encodes answers and is
//! the only home of the differences between RESP2 and RESP3, `value` is the client's side of the wire.

pub mod error;
#[cfg(any(test, feature = "testing"))]
pub mod fuzz;
pub mod reply;
pub mod request;
pub mod value;

pub use error::ProtocolError;
pub use reply::Reply;
pub use request::{ParseLimits, Parser};
pub use value::{Decoder, Value};

/// Which version of the protocol a connection speaks; `HELLO` changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// What every connection speaks at first.
    #[default]
    Resp2,
    /// After `HELLO 3`: maps, sets, doubles, booleans, nulls and pushes have their own types.
    Resp3,
}
