//! What was removed and is not freed yet.
//!
//! Freeing a value of 512 MB or a database of a million keys takes milliseconds, which no command should
//! pay. Both are put here and freed in slices. A small value is freed at once: putting it off costs more.

use crate::ds::block::Weigh;
use crate::ds::dict::{Dict, Remains};
use crate::shard::ShardStats;
use crate::shard::value::Value;
use std::collections::VecDeque;

/// A value at least this large is freed later.
const LATER_BYTES_MIN: usize = 64 << 10;

/// Garbage above this is freed at once: writers that replace big values faster than the cron frees
/// them shall not fill the memory.
const BYTES_MAX: usize = 1 << 30;

/// Keys freed between two looks at the clock.
const SLICE_KEYS: usize = 128;

/// Bytes of one value freed between two looks at the clock: the kernel takes some 50 us for their pages.
const SLICE_BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Graveyard {
    values: VecDeque<Box<Value>>,
    values_bytes: usize,
    tables: VecDeque<Remains<Value>>,
}

impl Graveyard {
    /// Takes a value that nobody can reach any more.
    pub(super) fn bury(&mut self, value: Box<Value>) {
        let bytes = value.bytes();
        if bytes < LATER_BYTES_MIN {
            return;
        }
        self.values.push_back(value);
        self.values_bytes += bytes;
        while self.values_bytes > BYTES_MAX {
            let Some(oldest) = self.values.pop_front() else { break };
            self.values_bytes -= oldest.bytes();
        }
    }

    /// Takes a whole database.
    pub(super) fn bury_table(&mut self, table: Dict<Value>) {
        if !table.is_empty() {
            self.tables.push_back(table.into_remains());
        }
    }

    /// Frees until `stop` says so; true: there is more.
    pub(super) fn free_some(&mut self, stats: &mut ShardStats, stop: &mut dyn FnMut() -> bool) -> bool {
        while let Some(value) = self.values.front_mut() {
            self.values_bytes -= value.bytes();
            if value.free_part(SLICE_BYTES) {
                self.values_bytes += value.bytes();
            } else {
                self.values.pop_front();
                stats.lazyfreed += 1;
            }
            if stop() {
                return self.len() > 0;
            }
        }
        while let Some(table) = self.tables.front_mut() {
            let (values, values_bytes) = (&mut self.values, &mut self.values_bytes);
            let more = table.free(SLICE_KEYS, |block| {
                stats.lazyfreed += 1;
                if let Some(value) = block.into_boxed() {
                    *values_bytes += value.bytes();
                    values.push_back(value);
                }
            });
            if !more {
                self.tables.pop_front();
            }
            if stop() {
                break;
            }
        }
        self.len() > 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.values_bytes + self.tables.iter().map(Remains::bytes).sum::<usize>()
    }

    pub(super) fn len(&self) -> usize {
        self.values.len() + self.tables.iter().map(Remains::len).sum::<usize>()
    }
}
