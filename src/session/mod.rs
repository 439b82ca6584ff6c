//! A connection without its socket.
