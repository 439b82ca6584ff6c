//! The kernel: rings, executors, links; the only folder that says glommio.
//!
//! Everything above is handed plain values: bytes, descriptors, batches, moments. `unsafe` for system
//! calls and shared memory is here and nowhere else above `ds`.

pub mod cores;
pub mod executor;
pub mod link;
pub mod poller;
pub mod probe;
mod provided;
pub mod ring;
pub mod roster;
pub mod signal;
