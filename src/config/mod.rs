//! Options: one table, redis.conf syntax, what was typed and what it means.
