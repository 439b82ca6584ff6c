//! Listeners and the byte loop.
