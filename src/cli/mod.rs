//! Medusa cli: a client.
