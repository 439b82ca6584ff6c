//! The kernel: rings, executors, links; the only folder that says glommio.

pub mod probe;
