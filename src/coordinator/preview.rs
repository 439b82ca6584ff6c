//! A look at what all connections have sent, before the first of their commands runs.
//!
//! A connection's window of commands (`frames`) lets their waits for memory overlap. With one request in a
//! batch a window holds one command, but a turn brings input of many connections: the first command of each is
//! parsed here once before its time, for its key's sake only. At depth 1 and 50 connections the waits were a
//! tenth of all CPU time, the kernel's included, because the kernel's own path empties the nearest caches.

use crate::coordinator::center::Center;
use crate::coordinator::frames::locate;
use crate::resp::request::{ParseLimits, Parser};

/// Longer input has a window of its own, or a value beside which a wait is nothing.
const PREVIEW_BYTES_MAX: usize = 256;

/// Keys asked for in one turn: more would push each other out of the nearest cache.
const PREVIEW_KEYS_MAX: usize = 64;

/// What has been seen in this turn. Kept for its capacity.
#[derive(Debug, Default)]
pub struct Preview {
    parser: Parser,
    keys: Vec<(u8, u64)>,
}

impl Center {
    /// Asks memory for the part of the table where the key of the command lies with which `bytes` begin. Input
    /// that continues a command begins with anything: then nothing, or the wrong key, is asked for.
    pub fn preview(&mut self, db: u8, bytes: &[u8]) {
        let Preview { parser, keys } = &mut self.preview;
        if bytes.len() > PREVIEW_BYTES_MAX || bytes.first() != Some(&b'*') || keys.len() == PREVIEW_KEYS_MAX {
            return;
        }
        parser.restart();
        let limits = ParseLimits { bulk_bytes_max: PREVIEW_BYTES_MAX, authenticated: true };
        let Ok(Some(_)) = parser.next(bytes, &limits) else { return };
        let args = self.preview.parser.args(bytes);
        if args.len() == 0 {
            return;
        }
        let key = locate(self, args, self.table.lookup(args)).filter(|key| key.shard == self.id);
        if let Some(key) = key {
            self.shard.prefetch(db, key.hash);
            self.preview.keys.push((db, key.hash));
        }
    }

    /// Asks for the keys themselves.
    pub fn preview_ends(&mut self) {
        for (db, hash) in self.preview.keys.drain(..) {
            self.shard.prefetch_key(db, hash);
        }
    }
}
