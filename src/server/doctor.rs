//! `medusa doctor`: the whole list of what a start would look at, with remedies.
//!
//! It takes the flags of a start, so it judges the configuration somebody really uses, and goes on after
//! a failure: one visit, all findings. Starts nothing and leaves nothing behind.

use crate::config::resolved::Resolved;
use crate::server::exit::{BootError, EXIT_DOCTOR, EXIT_OK};
use crate::server::preflight::{self, Check, Facts, Finding};

/// Looks at everything; the list as text, and the exit code: [`EXIT_DOCTOR`] when a start would fail.
pub fn examine(configuration: Result<Resolved, BootError>, colour: bool) -> (String, u8) {
    let mut checks = Vec::new();
    match configuration {
        Ok(resolved) => {
            let file = resolved.file.as_ref().map_or("no file".into(), |file| file.display().to_string());
            checks.push(Check { name: "configuration", finding: Finding::Fine(file) });
            for warning in &resolved.warnings {
                checks.push(Check { name: "configuration", finding: Finding::Warning(warning.clone()) });
            }
            checks.push(Check { name: "cores", finding: cores(&resolved) });
            checks.extend(preflight::checklist(&resolved, &Facts::gather(&resolved)));
        }
        Err(error) => checks.push(Check { name: "configuration", finding: Finding::Failure(error) }),
    }
    let failed = checks.iter().any(|check| matches!(check.finding, Finding::Failure(_)));
    (print(&checks, colour), if failed { EXIT_DOCTOR } else { EXIT_OK })
}

fn cores(resolved: &Resolved) -> Finding {
    let cores = resolved.options.cores;
    if resolved.options.pin {
        return Finding::Fine(format!("{cores}, each on a CPU of its own"));
    }
    Finding::Warning(format!("{cores} that share CPUs, which is for tests: leave out --no-pin for speed"))
}

fn print(checks: &[Check], colour: bool) -> String {
    let mut text = String::new();
    for check in checks {
        let (word, paint, sentence) = match &check.finding {
            Finding::Fine(sentence) => ("ok  ", "\x1b[32m", sentence.clone()),
            Finding::Warning(sentence) => ("warn", "\x1b[33m", sentence.clone()),
            Finding::Failure(error) => ("fail", "\x1b[31m", error.to_string()),
        };
        let (on, off) = if colour { (paint, "\x1b[0m") } else { ("", "") };
        text.push_str(&format!("{on}{word}{off}  {:<14} {sentence}\n", check.name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_configuration_is_a_finding_not_an_end() {
        let (text, code) = examine(Err(BootError::Config("m.conf line 3: no".into())), false);
        assert_eq!((text.as_str(), code), ("fail  configuration  m.conf line 3: no\n", EXIT_DOCTOR));
    }
}
