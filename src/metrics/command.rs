//! Counts per command, and error replies per code.

use super::histogram::LazyHistogram;
use super::snapshot::Detail;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Distinct error codes counted apart: as many as Redis 7. Scripts can invent codes; past the bound
/// new ones appear in the total only.
pub const ERROR_CODES_MAX: usize = 128;

/// What one command did on one core, or in a snapshot on all. Its own cache line.
#[derive(Clone, Debug, Default, PartialEq)]
#[repr(align(64))]
pub struct CommandStats {
    /// How often it ran, on one shard or on several.
    pub calls: u64,
    /// Nanoseconds inside the command, summed.
    pub ns: u64,
    /// How often it was refused before it ran.
    pub rejected: u64,
    /// How often it ran and answered an error.
    pub failed: u64,
    /// Time inside the command where one core ran all of it.
    pub run: LazyHistogram,
    /// Time away at one other shard, as the connection's core saw it.
    pub remote: LazyHistogram,
    /// What it did when its keys lay on several shards; nothing is here, and no memory, until they did.
    pub spanning: Option<Box<SpanningStats>>,
}

/// What one command did when it spanned several shards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanningStats {
    /// How often it ran; part of the command's calls.
    pub calls: u64,
    /// Nanoseconds inside the command, all shards together, summed; part of the command's.
    pub ns: u64,
    /// Time inside the command, all shards together.
    pub run: LazyHistogram,
    /// Time from the first request for locks until the answer was known: rounds and waits included.
    pub wait: LazyHistogram,
}

impl SpanningStats {
    fn merge(&mut self, other: &SpanningStats) {
        self.calls += other.calls;
        self.ns += other.ns;
        self.run.merge(&other.run);
        self.wait.merge(&other.wait);
    }

    fn copy(&self, detail: Detail) -> SpanningStats {
        let (run, wait) = match detail {
            Detail::Counts => Default::default(),
            Detail::Full => (self.run.clone(), self.wait.clone()),
        };
        SpanningStats { run, wait, ..*self }
    }
}

impl CommandStats {
    /// Whether the command was ever seen.
    pub fn is_used(&self) -> bool {
        self.calls != 0 || self.rejected != 0 || self.failed != 0 || !self.remote.is_empty()
    }

    /// Time inside the command, wherever its keys lay: what Redis's readers expect to see.
    pub fn run_anywhere(&self) -> Cow<'_, LazyHistogram> {
        let Some(spanning) = &self.spanning else { return Cow::Borrowed(&self.run) };
        let mut both = self.run.clone();
        both.merge(&spanning.run);
        Cow::Owned(both)
    }

    /// Where it is counted that it spans several shards.
    pub(super) fn spanning_mut(&mut self) -> &mut SpanningStats {
        self.spanning.get_or_insert_with(Box::default)
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &CommandStats) {
        self.calls += other.calls;
        self.ns += other.ns;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.run.merge(&other.run);
        self.remote.merge(&other.remote);
        if let Some(spanning) = &other.spanning {
            self.spanning_mut().merge(spanning);
        }
    }

    /// A copy, with or without the histograms.
    pub(super) fn copy(&self, detail: Detail) -> CommandStats {
        let (run, remote) = match detail {
            Detail::Counts => Default::default(),
            Detail::Full => (self.run.clone(), self.remote.clone()),
        };
        let spanning = self.spanning.as_ref().map(|spanning| Box::new(spanning.copy(detail)));
        CommandStats { run, remote, spanning, ..*self }
    }
}

/// Error replies by their first word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorStats(BTreeMap<Box<str>, u64>);

impl ErrorStats {
    /// Counts one reply with this code.
    pub fn record(&mut self, code: &str) {
        self.add(code, 1);
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &ErrorStats) {
        for (code, count) in other.iter() {
            self.add(code, count);
        }
    }

    /// Codes in alphabetical order with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(code, count)| (&**code, *count))
    }

    fn add(&mut self, code: &str, count: u64) {
        if let Some(known) = self.0.get_mut(code) {
            *known += count;
        } else if self.0.len() < ERROR_CODES_MAX {
            self.0.insert(code.into(), count);
        }
    }
}

/// The code under which Redis counts an error reply, given its text without the leading `-`: the
/// first word, or `ERR` when no space follows within 31 bytes.
pub fn error_code(text: &str) -> &str {
    match text.bytes().take(31).position(|byte| byte == b' ') {
        Some(end) => &text[..end],
        None => "ERR",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_are_first_words() {
        assert_eq!(error_code("WRONGTYPE Operation against"), "WRONGTYPE");
        assert_eq!(error_code("ERR no such key"), "ERR");
        assert_eq!(error_code("OneLongWordWithoutAnySpaceInItAtAll really"), "ERR");
        assert_eq!(error_code(""), "ERR");
        assert_eq!(error_code("кий x"), "кий");
    }

    #[test]
    fn distinct_error_codes_are_bounded() {
        let mut errors = ErrorStats::default();
        for code in 0..2 * ERROR_CODES_MAX {
            errors.record(&format!("CODE{code}"));
        }
        errors.record("CODE0");
        errors.record("CODE255");
        assert_eq!(errors.iter().count(), ERROR_CODES_MAX);
        assert_eq!(errors.iter().find(|(code, _)| *code == "CODE0"), Some(("CODE0", 2)));
    }

    #[test]
    fn what_spans_is_part_of_the_whole_and_stands_apart() {
        let mut stats = CommandStats::default();
        stats.run.record(500);
        assert_eq!(*stats.run_anywhere(), stats.run);
        stats.spanning_mut().run.record(9_000);
        assert_eq!((stats.run_anywhere().count(), stats.run.count()), (2, 1));
        let mut total = stats.copy(Detail::Counts);
        total.merge(&stats);
        assert_eq!(total.spanning.unwrap().run.count(), 1);
    }

    #[test]
    fn one_command_fills_one_cache_line() {
        assert_eq!(size_of::<CommandStats>(), 64);
    }
}
