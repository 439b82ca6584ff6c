//! CONFIG GET and CONFIG SET as pure functions over [`Options`].
//!
//! Several options may be set at once: all of them take effect or none. What is checked first, and
//! the words of every refusal, are Redis 7.0's. Nobody is told of a change here; the caller, who may
//! have to tell every core, gets the rows that were set.

use crate::base::glob;
use crate::config::options::{Change, Options, Row, TABLE, row};
use crate::config::value::Reason;
use std::fmt;

/// Why CONFIG SET changed nothing. `Display` is what follows `-ERR ` on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// No option has that name.
    Unknown {
        /// As it was typed.
        name: String,
    },
    /// The option cannot take that value, or cannot change now.
    Refused {
        /// As it was typed, or as the table spells it when the value is to blame.
        name: String,
        /// Redis's words.
        reason: Reason,
    },
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Unknown { name } => {
                write!(f, "Unknown option or number of arguments for CONFIG SET - '{name}'")
            }
            SetError::Refused { name, reason } => {
                write!(f, "CONFIG SET failed (possibly related to argument '{name}') - {reason}")
            }
        }
    }
}

impl std::error::Error for SetError {}

/// Sets every pair or none; returns the rows that were given a value, in the order of `pairs`.
pub fn set_many(options: &mut Options, pairs: &[(&[u8], &[u8])]) -> Result<Vec<&'static Row>, SetError> {
    let mut rows: Vec<&'static Row> = Vec::with_capacity(pairs.len());
    for &(name, _) in pairs {
        let typed = || String::from_utf8_lossy(name).into_owned();
        let row = row(name).ok_or_else(|| SetError::Unknown { name: typed() })?;
        if row.change == Change::Start {
            return Err(SetError::Refused { name: typed(), reason: "can't set immutable config".into() });
        }
        if rows.iter().any(|earlier| earlier.name == row.name) {
            return Err(SetError::Refused { name: typed(), reason: "duplicate parameter".into() });
        }
        rows.push(row);
    }
    let mut changed = options.clone();
    for (row, &(_, value)) in rows.iter().zip(pairs) {
        row.set(&mut changed, value)
            .map_err(|reason| SetError::Refused { name: row.name.to_owned(), reason })?;
        if row.name == "maxclients" && changed.maxclients > changed.clients_possible {
            let reason = format!(
                "The operating system is not able to handle the specified number of clients, try with {}",
                changed.clients_possible
            );
            return Err(SetError::Refused { name: row.name.to_owned(), reason: reason.into() });
        }
    }
    *options = changed;
    Ok(rows)
}

/// Names and values of all options that match one of the patterns, each once. A plain name is
/// answered as it was typed, a glob's matches as the table spells them.
pub fn get_many(options: &Options, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found: Vec<(Vec<u8>, &'static Row)> = Vec::new();
    for &pattern in patterns {
        let is_glob = pattern.iter().any(|byte| b"[*?".contains(byte));
        for row in TABLE {
            let name = row.name.as_bytes();
            let matches = if is_glob {
                glob::matches_any_case(pattern, name)
            } else {
                name.eq_ignore_ascii_case(pattern)
            };
            if matches && !found.iter().any(|(_, earlier)| earlier.name == row.name) {
                found.push((if is_glob { name.to_vec() } else { pattern.to_vec() }, row));
            }
        }
    }
    found.into_iter().map(|(name, row)| (name, row.get(options))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pairs: &[(&str, &str)]) -> String {
        let mut options = Options::default();
        let before = options.clone();
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let Err(error) = set_many(&mut options, &pairs) else { panic!("{pairs:?} was accepted") };
        assert_eq!(options, before, "a refused CONFIG SET changes nothing");
        error.to_string()
    }

    fn names(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        get_many(&Options::default(), &patterns)
            .into_iter()
            .map(|(name, _)| String::from_utf8(name).expect("ascii"))
            .collect()
    }

    // Every text below is what redis-server 7.0.15 answered to the same CONFIG SET.
    #[test]
    fn refusals_are_redis_s_words() {
        let about = |name: &str, reason: &str| {
            format!("CONFIG SET failed (possibly related to argument '{name}') - {reason}")
        };
        let unknown = |name: &str| format!("Unknown option or number of arguments for CONFIG SET - '{name}'");
        assert_eq!(refused(&[("nosuch", "1")]), unknown("nosuch"));
        assert_eq!(refused(&[("time*", "4")]), unknown("time*"));
        assert_eq!(refused(&[("timeout", "5"), ("nosuch", "3")]), unknown("nosuch"));
        assert_eq!(refused(&[("timeout", "5"), ("timeout", "6")]), about("timeout", "duplicate parameter"));
        assert_eq!(refused(&[("DATABASES", "5")]), about("DATABASES", "can't set immutable config"));
        assert_eq!(
            refused(&[("databases", "5"), ("nosuch", "6")]),
            about("databases", "can't set immutable config")
        );
        let no_integer = "argument couldn't be parsed into an integer";
        assert_eq!(refused(&[("TIMEOUT", "abc")]), about("timeout", no_integer));
        assert_eq!(refused(&[("timeout", "")]), about("timeout", no_integer));
        assert_eq!(
            refused(&[("timeout", "-1")]),
            about("timeout", "argument must be between 0 and 2147483647 inclusive")
        );
        assert_eq!(
            refused(&[("timeout", "3"), ("maxclients", "0")]),
            about("maxclients", "argument must be between 1 and 4294967295 inclusive")
        );
        assert_eq!(
            refused(&[("proto-max-bulk-len", "1mx")]),
            about("proto-max-bulk-len", "argument must be a memory value")
        );
        assert_eq!(
            refused(&[("loglevel", "nothing")]),
            about("loglevel", "argument(s) must be one of the following: debug, verbose, notice, warning")
        );
        assert_eq!(
            refused(&[("appendonly", "maybe")]),
            about("appendonly", "argument must be 'yes' or 'no'")
        );
        assert_eq!(
            refused(&[("slowlog-max-len", "-1")]),
            about("slowlog-max-len", "argument must be between 0 and 9223372036854775807 inclusive")
        );
    }

    #[test]
    fn several_options_are_set_together_and_returned() {
        let mut options = Options::default();
        let rows = set_many(&mut options, &[(b"TimeOut", b"7"), (b"hz", b"0"), (b"requirepass", b"\xff\0")])
            .expect("all valid");
        assert_eq!(rows.iter().map(|row| row.name).collect::<Vec<_>>(), ["timeout", "hz", "requirepass"]);
        assert_eq!((options.timeout, options.hz), (7, 1));
        assert_eq!(options.requirepass, b"\xff\0");
    }

    #[test]
    fn maxclients_is_held_to_what_the_system_allows() {
        let mut options = Options { clients_possible: 19_968, ..Options::default() };
        let error = set_many(&mut options, &[(b"timeout", b"5"), (b"maxclients", b"19969")]).map(|_| ());
        assert_eq!(
            error.expect_err("too many").to_string(),
            "CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to \
             handle the specified number of clients, try with 19968"
        );
        assert_eq!(options.timeout, 0);
        set_many(&mut options, &[(b"maxclients", b"19968")]).expect("just possible");
    }

    #[test]
    fn each_option_is_found_once_however_many_patterns_match_it() {
        assert_eq!(names(&["p?rt", "por[t]", "port"]), ["port"]);
        assert_eq!(names(&["PORT", "port"]), ["PORT"]);
        assert_eq!(names(&["TimeOut", "timeout", "time*"]), ["TimeOut"]);
        assert_eq!(names(&["P*T"]), ["port"]);
        assert_eq!(names(&["nosuch"]), [""; 0]);
        assert_eq!(names(&["time\\*"]), [""; 0]);
        assert_eq!(names(&["*"]).len(), TABLE.len());
        assert_eq!(names(&["save", "appendonly"]), ["save", "appendonly"]);
    }
}
