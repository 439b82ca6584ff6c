//! Data structures that know no Redis.
