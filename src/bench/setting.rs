//! Where and how a comparison was made: the head of its report.

use super::BenchError;
use crate::load::process;
use std::path::Path;
use std::process::Command;

/// What a reader must know before the figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// `2 CPUs (AMD EPYC), Linux 6.18`
    pub machine: String,
    /// Versions of the servers.
    pub versions: String,
    /// `2026-11-23`
    pub date: String,
    /// How to do it again.
    pub command: String,
}

impl Setting {
    /// Of this machine and this process; `versions` as they are shown.
    pub fn of_this_machine(versions: &[String], unix_s: u64) -> Setting {
        let words: Vec<String> =
            std::env::args_os().skip(1).map(|word| in_shell(&word.to_string_lossy())).collect();
        Setting {
            machine: process::machine(),
            versions: versions.join(", "),
            date: date(unix_s),
            command: format!("medusa {}", words.join(" ")),
        }
    }

    /// The first lines of a report.
    pub fn head(&self) -> String {
        format!("{}; {}; {}.\n\n```\n{}\n```\n", self.machine, self.versions, self.date, self.command)
    }
}

/// `name` with the version that a program says it has; the first word that looks like one.
pub(super) fn version(name: &str, program: &Path) -> Result<String, BenchError> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .map_err(|cause| BenchError(format!("cannot run {}: {cause}", program.display())))?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(format!("{name} {}", version_in(&said).unwrap_or("of unknown version")))
}

fn version_in(said: &str) -> Option<&str> {
    let words = said.split_whitespace().map(|word| word.trim_start_matches("v="));
    words.into_iter().find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
}

/// A word as a shell must be told it.
fn in_shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The day in UTC. Years begin in March here, so that a leap day is the last of its year (Howard Hinnant,
/// "chrono-compatible low-level date algorithms").
fn date(unix_s: u64) -> String {
    let days = unix_s / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let days = [0, 951_782_400, 1_709_164_800, 1_735_603_200, 1_735_689_600];
        assert_eq!(days.map(date), ["1970-01-01", "2000-02-29", "2024-02-29", "2024-12-31", "2025-01-01"]);
    }

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        let words = ["--cores", "1,2", "Other=it's {port}", ""].map(in_shell);
        assert_eq!(words, ["--cores", "1,2", r"'Other=it'\''s {port}'", "''"]);
    }

    #[test]
    fn a_version_is_found_in_what_programs_say() {
        assert_eq!(version_in("Redis server v=7.0.15 sha=00000000:0 bits=64"), Some("7.0.15"));
        assert_eq!(version_in("medusa 0.1.0\n"), Some("0.1.0"));
        assert_eq!(version_in("no idea"), None);
    }

    #[test]
    fn the_head_names_machine_versions_day_and_command() {
        let versions = ["medusa 1.0".to_owned(), "redis-server 7.0".to_owned()];
        let head = Setting::of_this_machine(&versions, 0).head();
        let first = format!("{}; medusa 1.0, redis-server 7.0; 1970-01-01.\n", process::machine());
        assert!(head.starts_with(&first), "{head}");
        assert!(head.contains("```\nmedusa "), "{head}");
    }
}
