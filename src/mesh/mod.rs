//! What crosses cores.
