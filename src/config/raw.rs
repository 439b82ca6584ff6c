//! What was typed: every option that somebody gave a value, with the place where it stands.
//!
//! Flags, variables and files all become [`Given`]s, so that one piece of code decides which wins and
//! every refusal can name its place. Nothing is interpreted here; that is `resolved`.

use crate::config::options::{Row, TABLE};
use crate::config::value::Reason;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of a configuration file, counted from 1.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// A variable of the environment.
    Variable(String),
    /// A flag, with its dashes.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { path, line } => write!(f, "{} line {line}", path.display()),
            Origin::Variable(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// One option with the value somebody gave it.
#[derive(Clone)]
pub struct Given {
    /// Where.
    pub origin: Origin,
    /// Which option.
    pub row: &'static Row,
    /// The value, words joined by one space.
    pub value: Vec<u8>,
}

/// Everything that was typed.
#[derive(Clone, Default)]
pub struct Raw {
    /// The main configuration file.
    pub file: Option<PathBuf>,
    /// In rising order of rank: file, environment, flags.
    pub given: Vec<Given>,
    /// What was ignored, and why.
    pub warnings: Vec<String>,
}

/// A value that cannot be; `Display` is a sentence that names place, option, value and remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where the value was written.
    pub origin: Option<Origin>,
    /// The option, if one is to blame.
    pub option: Option<&'static str>,
    /// The sentence without its place.
    pub sentence: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.sentence),
            None => f.write_str(&self.sentence),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Given {
    /// Why this value was refused.
    pub fn refused(&self, reason: &Reason) -> ConfigError {
        let Row { name, kind, change, .. } = self.row;
        // The words of CONFIG SET are for programs; a person gets what would have been right. Facts keep
        // their own reason, since no value of the right shape would help.
        let remedy = match change {
            crate::config::options::Change::Fixed if !reason.starts_with("argument") => reason.to_string(),
            _ => format!("it must be {}", kind.expects()),
        };
        let value = match self.row.is_secret() {
            true => "that value".into(),
            false => format!("'{}'", String::from_utf8_lossy(&self.value)),
        };
        ConfigError {
            origin: Some(self.origin.clone()),
            option: Some(name),
            sentence: format!("{name} cannot be {value}: {remedy}"),
        }
    }
}

/// The variable that sets an option: `MEDUSA_` and its name in capitals, dashes as underscores.
pub fn variable_of(row: &Row) -> String {
    format!("MEDUSA_{}", row.name.replace('-', "_").to_uppercase())
}

impl Raw {
    /// Takes options from variables named `MEDUSA_…`; others of that prefix are warned about, since a
    /// misspelt one would otherwise be silent.
    pub fn add_environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) {
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with("MEDUSA_")) else { continue };
            match TABLE.iter().find(|row| variable_of(row) == name) {
                Some(row) => self.given.push(Given {
                    origin: Origin::Variable(name.to_owned()),
                    row,
                    value: value.into_vec(),
                }),
                None if name == CONFIG_VARIABLE => {}
                None => self.warnings.push(format!("{name} in the environment names no option; ignored")),
            }
        }
    }
}

/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "MEDUSA_CONFIG";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::row;

    #[test]
    fn variables_name_options_in_capitals_and_strangers_are_reported() {
        let mut raw = Raw::default();
        let pairs = [
            ("MEDUSA_TCP_BACKLOG", "7"),
            ("HOME", "/"),
            ("MEDUSA_TCP_BACKLOGG", "7"),
            (CONFIG_VARIABLE, "x"),
        ];
        raw.add_environment(pairs.iter().map(|(name, value)| (name.into(), value.into())));
        assert_eq!(raw.given.len(), 1);
        assert_eq!(raw.given[0].row.name, "tcp-backlog");
        assert_eq!(raw.warnings.len(), 1);
        assert!(raw.warnings[0].contains("MEDUSA_TCP_BACKLOGG"), "{:?}", raw.warnings);
    }

    #[test]
    fn a_refusal_names_place_option_value_and_what_is_expected() {
        let given = |name: &str, value: &str| Given {
            origin: Origin::File { path: "m.conf".into(), line: 3 },
            row: row(name.as_bytes()).expect("an option"),
            value: value.into(),
        };
        let why = Reason::Borrowed("argument couldn't be parsed into an integer");
        assert_eq!(
            given("timeout", "soon").refused(&why).to_string(),
            "m.conf line 3: timeout cannot be 'soon': it must be a whole number from 0 to 2147483647"
        );
        let secret = given("requirepass", "hunter2").refused(&why).to_string();
        assert!(!secret.contains("hunter2"), "{secret}");
    }
}
