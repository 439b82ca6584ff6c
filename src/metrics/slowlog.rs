//! The slow log: the last commands that took longer than a limit.
//!
//! Each core keeps a ring of its own and numbers its entries `n * cores + core`, so ids are unique
//! in the process without asking anybody; a reader merges the rings by time. With one core this is
//! Redis's numbering. Arguments are cut as Redis cuts them, so an entry stays under 5 KB.

use crate::base::args::Args;
use crate::base::ids::ShardId;
use std::collections::VecDeque;

/// Arguments kept of a command; when it has more, the last one says how many.
const ARGS_MAX: usize = 32;

/// Bytes kept of an argument; when it has more, a note says how many.
const ARG_BYTES_MAX: usize = 128;

/// One command that took long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowEntry {
    /// Unique in the life of the process.
    pub id: u64,
    /// When it was recorded, microseconds since 1970; Redis shows seconds.
    pub unix_us: u64,
    /// How long it ran, in microseconds.
    pub duration_us: u64,
    /// The command and its arguments, cut.
    pub args: Vec<Box<[u8]>>,
    /// The client's address, as `CLIENT LIST` shows it.
    pub address: Box<str>,
    /// The client's name, empty when it has none.
    pub name: Box<[u8]>,
}

/// The slow log of one core.
#[derive(Debug)]
pub struct SlowLog {
    entries: VecDeque<SlowEntry>,
    next_id: u64,
    cores: u64,
    slower_than_us: i64,
    len_max: usize,
}

impl SlowLog {
    /// An empty log of core `core` among `cores`, with Redis's defaults: 10 ms, 128 entries.
    pub fn new(core: ShardId, cores: usize) -> Self {
        assert!(core.index() < cores);
        SlowLog {
            entries: VecDeque::new(),
            next_id: u64::from(core.0),
            cores: cores as u64,
            slower_than_us: 10_000,
            len_max: 128,
        }
    }

    /// `slowlog-log-slower-than` in microseconds: 0 logs every command, a negative number none.
    pub fn set_slower_than_us(&mut self, us: i64) {
        self.slower_than_us = us;
    }

    /// `slowlog-max-len`: entries kept. A lower number drops the oldest now.
    pub fn set_len_max(&mut self, len_max: usize) {
        self.len_max = len_max;
        self.entries.truncate(len_max);
    }

    /// Whether a command that ran this long belongs into the log. Cheap: ask before gathering what
    /// [`SlowLog::record`] needs.
    #[inline]
    pub fn wants(&self, duration_ns: u64) -> bool {
        self.slower_than_us >= 0 && duration_ns / 1_000 >= self.slower_than_us as u64
    }

    /// Adds a command, and drops the oldest entry when there are too many.
    pub fn record(&mut self, unix_us: u64, duration_ns: u64, args: Args<'_>, address: &str, name: &[u8]) {
        let id = self.next_id;
        self.next_id += self.cores;
        if self.len_max == 0 {
            return;
        }
        self.entries.truncate(self.len_max - 1);
        self.entries.push_front(SlowEntry {
            id,
            unix_us,
            duration_us: duration_ns / 1_000,
            args: cut(args),
            address: address.into(),
            name: name.into(),
        });
    }

    /// Copies of the newest `count` entries, newest first.
    pub fn newest(&self, count: usize) -> Vec<SlowEntry> {
        self.entries.iter().take(count).cloned().collect()
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// `SLOWLOG RESET`. Ids go on.
    pub fn reset(&mut self) {
        self.entries.clear();
    }
}

/// The newest `count` of several cores' entries, newest first. Pass `slowlog-max-len` at most: the
/// limit is one for the process, though each core keeps as many. So `SLOWLOG LEN` is the sum of the
/// cores' lengths, cut at that limit.
pub fn merge(cores: impl IntoIterator<Item = Vec<SlowEntry>>, count: usize) -> Vec<SlowEntry> {
    let mut entries: Vec<_> = cores.into_iter().flatten().collect();
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.unix_us, entry.id)));
    entries.truncate(count);
    entries
}

fn cut(args: Args<'_>) -> Vec<Box<[u8]>> {
    let total = args.len();
    let kept = if total > ARGS_MAX { ARGS_MAX - 1 } else { total };
    let mut words: Vec<Box<[u8]>> = args.from(0).take(kept).map(cut_word).collect();
    if kept < total {
        words.push(format!("... ({} more arguments)", total - kept).into_bytes().into());
    }
    words
}

fn cut_word(word: &[u8]) -> Box<[u8]> {
    if word.len() <= ARG_BYTES_MAX {
        return word.into();
    }
    let mut text = word[..ARG_BYTES_MAX].to_vec();
    text.extend_from_slice(format!("... ({} more bytes)", word.len() - ARG_BYTES_MAX).as_bytes());
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::args::OwnedArgs;

    fn log(log: &mut SlowLog, unix_us: u64, word: &str) {
        let args = OwnedArgs::collect([word.as_bytes()]);
        log.record(unix_us, 20_000_000, args.view(), "127.0.0.1:1", b"");
    }

    fn words(entries: &[SlowEntry]) -> Vec<&str> {
        entries.iter().map(|entry| std::str::from_utf8(&entry.args[0]).unwrap()).collect()
    }

    /// Frozen from redis-server 7.0.15: MSET with 64 arguments, SET with a value of 300 bytes.
    #[test]
    fn long_commands_are_cut_as_redis_cuts_them() {
        let numbers: Vec<String> = (1..=64).map(|number| number.to_string()).collect();
        let mset =
            OwnedArgs::collect(["mset"].into_iter().chain(numbers.iter().map(|n| &**n)).map(str::as_bytes));
        let kept = cut(mset.view());
        assert_eq!(kept.len(), 32);
        assert_eq!((&*kept[30], &*kept[31]), (b"30".as_slice(), b"... (34 more arguments)".as_slice()));

        let value = vec![b'x'; 300];
        let kept = cut(OwnedArgs::collect([b"set".as_slice(), b"k", &value]).view());
        assert_eq!(kept.len(), 3);
        assert_eq!(&*kept[2], format!("{}... (172 more bytes)", "x".repeat(128)).as_bytes());

        let exact = OwnedArgs::collect(std::iter::repeat_n(&value[..128], 32));
        assert!(cut(exact.view()).iter().all(|word| **word == value[..128]));
    }

    #[test]
    fn the_limit_in_microseconds_counts_itself() {
        let mut slow = SlowLog::new(ShardId(0), 1);
        assert!(slow.wants(10_000_000));
        assert!(!slow.wants(9_999_999));
        slow.set_slower_than_us(0);
        assert!(slow.wants(0));
        slow.set_slower_than_us(-1);
        assert!(!slow.wants(u64::MAX));
    }

    #[test]
    fn the_oldest_entries_make_room() {
        let mut slow = SlowLog::new(ShardId(0), 1);
        slow.set_len_max(2);
        for (at, word) in ["a", "b", "c"].into_iter().enumerate() {
            log(&mut slow, at as u64, word);
        }
        assert_eq!(words(&slow.newest(9)), ["c", "b"]);
        assert_eq!(slow.newest(1)[0].id, 2);
        slow.set_len_max(0);
        log(&mut slow, 9, "d");
        assert!(slow.is_empty());
        slow.set_len_max(1);
        log(&mut slow, 10, "e");
        assert_eq!(slow.newest(1)[0].id, 4);
    }

    #[test]
    fn cores_merge_by_time_and_never_share_an_id() {
        let mut cores = [SlowLog::new(ShardId(0), 2), SlowLog::new(ShardId(1), 2)];
        log(&mut cores[0], 10, "a");
        log(&mut cores[1], 20, "b");
        log(&mut cores[1], 30, "c");
        log(&mut cores[0], 40, "d");
        let merged = merge(cores.iter().map(|core| core.newest(3)), 3);
        assert_eq!(words(&merged), ["d", "c", "b"]);
        let mut ids: Vec<u64> =
            merge(cores.iter().map(|core| core.newest(9)), 9).iter().map(|e| e.id).collect();
        ids.sort();
        assert_eq!(ids, [0, 1, 2, 3]);
        cores[1].reset();
        log(&mut cores[1], 50, "e");
        assert_eq!(cores[1].newest(1)[0].id, 5);
    }
}
