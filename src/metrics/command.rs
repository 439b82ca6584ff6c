//! Counts per command, and error replies per code.

use super::histogram::LazyHistogram;
use super::snapshot::Detail;
use std::collections::BTreeMap;

/// Distinct error codes counted apart: as many as Redis 7. Scripts can invent codes; past the bound
/// new ones appear in the total only.
pub const ERROR_CODES_MAX: usize = 128;

/// What one command did on one core, or in a snapshot on all. Its own cache line.
#[derive(Clone, Debug, Default, PartialEq)]
#[repr(align(64))]
pub struct CommandStats {
    /// How often it ran.
    pub calls: u64,
    /// Nanoseconds inside the command, summed.
    pub ns: u64,
    /// How often it was refused before it ran.
    pub rejected: u64,
    /// How often it ran and answered an error.
    pub failed: u64,
    /// Time inside the command, on the core that ran it.
    pub run: LazyHistogram,
    /// Time away at another shard, as the connection's core saw it.
    pub remote: LazyHistogram,
}

impl CommandStats {
    /// Whether the command was ever seen.
    pub fn is_used(&self) -> bool {
        self.calls != 0 || self.rejected != 0 || self.failed != 0 || !self.remote.is_empty()
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &CommandStats) {
        self.calls += other.calls;
        self.ns += other.ns;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.run.merge(&other.run);
        self.remote.merge(&other.remote);
    }

    /// A copy, with or without the histograms.
    pub(super) fn copy(&self, detail: Detail) -> CommandStats {
        let (run, remote) = match detail {
            Detail::Counts => Default::default(),
            Detail::Full => (self.run.clone(), self.remote.clone()),
        };
        CommandStats { run, remote, ..*self }
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
    fn one_command_fills_one_cache_line() {
        assert_eq!(size_of::<CommandStats>(), 64);
    }
}
