//! Configuration files in redis.conf syntax.
//!
//! One directive a line, words parted by blanks, quotes as in Redis (`base::words`), `#` comments at the
//! start of a line, `include FILE` (relative to the file that says it; `*` and `?` in the last part take
//! every match in alphabetical order). The last of several equal directives wins. People paste the
//! redis.conf they have, so a directive we lack is a warning with its line, never an error; a value that
//! is broken is an error, because guessing what somebody meant by `maxclients 1OOO` helps nobody.

use crate::base::{glob, words};
use crate::config::foreign;
use crate::config::options::{Row, TABLE, row};
use crate::config::raw::{ConfigError, Given, Origin, Raw};
use crate::config::value::Kind;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Files that include files that include files: deeper than this is a circle.
const INCLUDE_DEPTH_MAX: usize = 16;

/// Reads `path` and what it includes into `raw`, which keeps its name for CONFIG REWRITE.
pub fn load(path: &Path, raw: &mut Raw) -> Result<(), ConfigError> {
    let bytes = std::fs::read(path).map_err(|error| {
        failed(None, format!("cannot read the configuration file {}: {error}", path.display()))
    })?;
    raw.file = Some(path.to_owned());
    read(path, &bytes, 0, raw)
}

fn read(path: &Path, bytes: &[u8], depth: usize, raw: &mut Raw) -> Result<(), ConfigError> {
    let mut redis_only: Vec<String> = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let origin = || Origin::File { path: path.to_owned(), line: index + 1 };
        let line = line.trim_ascii();
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        let parts = words::split_owned(line).map_err(|_| {
            failed(Some(origin()), "quotes do not match; close each quote and put a blank after it".into())
        })?;
        let Some((name, values)) = parts.split_first() else { continue };
        if name.eq_ignore_ascii_case(b"include") {
            let [target] = values else {
                return Err(failed(Some(origin()), "include takes one file name".into()));
            };
            include(path, target, origin(), depth, raw)?;
            continue;
        }
        match row(name) {
            Some(row) => raw.given.push(Given { origin: origin(), row, value: join(row, values, origin())? }),
            None => {
                let name = String::from_utf8_lossy(name);
                match foreign::is_redis(&name) {
                    true => redis_only.push(format!("{name} (line {})", index + 1)),
                    false => raw.warnings.push(stranger(&origin(), &name)),
                }
            }
        }
    }
    // A whole redis.conf has fifty of these: one warning for all of them, or nobody reads the others.
    if !redis_only.is_empty() {
        raw.warnings.push(format!(
            "{}: ignored, options of Redis that Medusa does not have: {}",
            path.display(),
            redis_only.join(", ")
        ));
    }
    Ok(())
}

fn include(
    from: &Path,
    target: &[u8],
    origin: Origin,
    depth: usize,
    raw: &mut Raw,
) -> Result<(), ConfigError> {
    if depth == INCLUDE_DEPTH_MAX {
        return Err(failed(
            Some(origin),
            "files include each other in a circle; remove one of the includes".into(),
        ));
    }
    let target = from.parent().unwrap_or(Path::new("")).join(OsStr::from_bytes(target));
    for path in matches(&target) {
        let bytes = std::fs::read(&path).map_err(|error| {
            failed(Some(origin.clone()), format!("cannot read {}: {error}", path.display()))
        })?;
        read(&path, &bytes, depth + 1, raw)?;
    }
    Ok(())
}

/// The files a pattern names; a name without `*` and `?` is itself, there or not.
fn matches(target: &Path) -> Vec<PathBuf> {
    let Some(pattern) = target.file_name().map(OsStr::as_bytes) else { return vec![target.to_owned()] };
    if !pattern.iter().any(|byte| b"*?[".contains(byte)) {
        return vec![target.to_owned()];
    }
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| glob::matches(pattern, entry.file_name().as_bytes()))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

/// The words of a directive as one value.
fn join(row: &'static Row, values: &[Vec<u8>], origin: Origin) -> Result<Vec<u8>, ConfigError> {
    let takes_many =
        matches!(row.kind, Kind::Words | Kind::Percentiles | Kind::OutputLimits) || row.name == "save";
    if values.is_empty() || (values.len() > 1 && !takes_many) {
        return Err(ConfigError {
            origin: Some(origin),
            option: Some(row.name),
            sentence: format!(
                "{} takes one value, {}; put quotes around blanks",
                row.name,
                row.kind.expects()
            ),
        });
    }
    Ok(values.join(&b' '))
}

/// What to say about a directive nobody has.
fn stranger(origin: &Origin, name: &str) -> String {
    match nearest(name) {
        Some(near) => format!("{origin}: unknown option '{name}', did you mean '{near}'? ignored"),
        None => format!("{origin}: unknown option '{name}'; ignored"),
    }
}

/// The option whose name is nearest to a misspelt one, if any is near.
pub fn nearest(name: &str) -> Option<&'static str> {
    TABLE
        .iter()
        .map(|row| (strsim::damerau_levenshtein(&name.to_lowercase(), row.name), row.name))
        .filter(|(distance, option)| *distance <= 1 + option.len() / 4)
        .min()
        .map(|(_, option)| option)
}

fn failed(origin: Option<Origin>, sentence: String) -> ConfigError {
    ConfigError { origin, option: None, sentence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::ConfigError;
    use std::fs;

    /// A directory that is gone at the end of the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("medusa-config-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a scratch directory");
            Scratch(path)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).expect("a scratch file");
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn parse(text: &str) -> Result<Raw, ConfigError> {
        let mut raw = Raw::default();
        read(Path::new("m.conf"), text.as_bytes(), 0, &mut raw).map(|()| raw)
    }

    fn given(raw: &Raw) -> Vec<(&str, String)> {
        raw.given
            .iter()
            .map(|given| (given.row.name, String::from_utf8_lossy(&given.value).into_owned()))
            .collect()
    }

    #[test]
    fn directives_are_words_with_redis_s_quotes() {
        let raw =
            parse("# a comment\n\n  port 7000\r\nREQUIREPASS \"a\\x20b\"\nsave ''\nbind 127.0.0.1 ::1\n")
                .expect("valid");
        assert_eq!(
            given(&raw),
            [
                ("port", "7000".into()),
                ("requirepass", "a b".into()),
                ("save", String::new()),
                ("bind", "127.0.0.1 ::1".into())
            ]
        );
        assert_eq!(raw.given[1].origin.to_string(), "m.conf line 4");
    }

    #[test]
    fn an_unknown_directive_is_a_warning_with_its_line_and_the_nearest_name() {
        let raw = parse("tiemout 5\nappendfsync always\nxyzzy 1\ndaemonize yes\n").expect("only warnings");
        assert_eq!(
            raw.warnings,
            [
                "m.conf line 1: unknown option 'tiemout', did you mean 'timeout'? ignored",
                "m.conf line 3: unknown option 'xyzzy'; ignored",
                "m.conf: ignored, options of Redis that Medusa does not have: appendfsync (line 2), daemonize (line 4)",
            ]
        );
    }

    #[test]
    fn a_directive_of_the_wrong_shape_is_an_error_with_its_line() {
        let refused = |text: &str| parse(text).map(|_| ()).expect_err(text).to_string();
        assert_eq!(
            refused("timeout 5\nport\n"),
            "m.conf line 2: port takes one value, a whole number from 0 to 65535; put quotes around blanks"
        );
        assert!(refused("port 1 2").contains("port takes one value"));
        assert!(refused("requirepass \"a").starts_with("m.conf line 1: quotes do not match"));
        assert!(refused("include a b").contains("one file name"));
    }

    #[test]
    fn includes_are_relative_to_the_file_that_says_so() {
        let scratch = Scratch::new("include");
        fs::create_dir_all(scratch.0.join("parts")).expect("a directory");
        scratch.write("parts/b.conf", "timeout 2\n");
        scratch.write("parts/a.conf", "timeout 1\ninclude ../more.conf\n");
        scratch.write("more.conf", "hz 20\n");
        let main = scratch.write("main.conf", "include parts/*.conf\nport 1\ninclude none/*.conf\n");
        let mut raw = Raw::default();
        load(&main, &mut raw).expect("all there");
        assert_eq!(
            given(&raw),
            [("timeout", "1".into()), ("hz", "20".into()), ("timeout", "2".into()), ("port", "1".into())]
        );
        assert_eq!(raw.file.as_deref(), Some(main.as_path()));
    }

    #[test]
    fn a_circle_of_includes_and_a_missing_file_are_errors() {
        let scratch = Scratch::new("circle");
        let circle = scratch.write("circle.conf", "include circle.conf\n");
        let error = load(&circle, &mut Raw::default()).expect_err("endless").to_string();
        assert!(error.contains("circle.conf line 1: files include each other"), "{error}");
        let lost = scratch.write("lost.conf", "port 1\ninclude gone.conf\n");
        let error = load(&lost, &mut Raw::default()).expect_err("missing").to_string();
        assert!(error.contains("lost.conf line 2: cannot read") && error.contains("gone.conf"), "{error}");
    }
}
