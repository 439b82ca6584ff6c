//! Sockets: where we listen, what a connection is to its core, and what it asks of the floor below.
//!
//! `service` is the seam: the driver in `server` knows a core only by that trait, so the byte loop is
//! tested with a toy and the engine without a socket.

pub mod buffer;
pub mod connection;
pub mod listener;
pub mod service;
