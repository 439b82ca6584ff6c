//! The Redis protocol, sans-IO.
