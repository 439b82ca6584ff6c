//! The rules that a compiler does not know: who may use whom, and where rare words may stand.
//!
//! Rust has no import order inside a crate, so this is ours: the floor table of ARCHITECTURE.md is read
//! here and every `crate::` path of `src/` is held against it. The lists of files that may say `unsafe`
//! or share memory between cores are read from the same document, so that it cannot grow stale. Sources
//! are split into words first, so that comments and strings may speak of anything.
//! Not here: what rustfmt, clippy and rustdoc check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest file; a longer one is two files.
const FILE_LINES_MAX: usize = 800;

/// Where a rule stops, for words that only the rim may say: `(words, what may say them, why)`.
const PLACES: &[(&[&str], &[&str], &str)] = &[
    (&["glommio"], &["src/runtime/"], "only `runtime` names the executor"),
    (
        &["async", "await"],
        &["src/runtime/", "src/net/", "src/server/", "src/load/"],
        "below the rim everything is a value: bytes and messages in, bytes and messages out",
    ),
];

/// Where time may be read; everywhere else it is an argument.
const CLOCK_READERS: &[&str] =
    &["src/base/clock.rs", "src/runtime/", "src/load/", "src/bench/", "src/cli/", "src/testing/"];

/// Floors where cores may share memory without being on ARCHITECTURE.md's list.
const SHARERS: &[&str] = &["src/runtime/", "src/server/", "src/metrics/", "src/bench/", "src/testing/"];

/// Words that share memory between threads.
const SHARING: &[&str] = &["Arc", "Mutex", "RwLock", "Condvar", "Atomic*"];

/// One source word with what surrounds it.
#[derive(Debug)]
struct Word<'s> {
    text: &'s str,
    line: usize,
    /// Inside an item under `#[cfg(test)]`.
    test: bool,
    /// Inline modules around it.
    depth: usize,
}

/// Splits Rust source into identifiers and single punctuation characters; comments, strings,
/// characters, numbers and lifetimes vanish.
fn words(source: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let bytes = source.as_bytes();
    let (mut at, mut line) = (0, 1);
    let skip_to = |at: &mut usize, line: &mut usize, end: usize| {
        *line += bytes[*at..end].iter().filter(|&&byte| byte == b'\n').count();
        *at = end;
    };
    while at < bytes.len() {
        let rest = &source[at..];
        let end = if rest.starts_with("//") {
            at + rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            at + comment_len(rest)
        } else if let Some(len) = string_len(rest) {
            at + len
        } else if bytes[at].is_ascii_digit() {
            at + rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if bytes[at].is_ascii_alphabetic() || bytes[at] == b'_' {
            let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            words.push(Word { text: &rest[..len], line, test: false, depth: 0 });
            at + len
        } else {
            let len = rest.chars().next().map_or(1, char::len_utf8);
            if !bytes[at].is_ascii_whitespace() {
                words.push(Word { text: &rest[..len], line, test: false, depth: 0 });
            }
            at + len
        };
        skip_to(&mut at, &mut line, end);
    }
    mark(&mut words);
    words
}

/// Length of a block comment, which may hold others.
fn comment_len(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest.as_bytes()[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.as_bytes()[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Length of the string, byte string, character or lifetime that starts here.
fn string_len(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let prefix = match bytes {
        [b'b', b'r', ..] => 2,
        [b'b' | b'c' | b'r', ..] => 1,
        _ => 0,
    };
    let raw = prefix > 0 && bytes[prefix - 1] == b'r';
    let hashes = if raw { bytes[prefix..].iter().take_while(|&&byte| byte == b'#').count() } else { 0 };
    let open = prefix + hashes;
    if bytes.get(open) == Some(&b'"') {
        if raw {
            let close = format!("\"{}", "#".repeat(hashes));
            return Some(rest[open + 1..].find(&close).map_or(rest.len(), |at| open + 1 + at + close.len()));
        }
        return Some(quoted_len(bytes, open, b'"'));
    }
    if bytes.get(prefix) != Some(&b'\'') || raw {
        return None;
    }
    // A quote opens a character if the next one closes it; otherwise it is a lifetime's.
    let mut following = rest[prefix + 1..].chars();
    match (following.next(), following.next()) {
        (Some('\\'), _) => Some(quoted_len(bytes, prefix, b'\'')),
        (Some(c), Some('\'')) => Some(prefix + 2 + c.len_utf8()),
        _ => Some(prefix + 1),
    }
}

/// End of the text quoted from `open` on, backslashes heeded.
fn quoted_len(bytes: &[u8], open: usize, quote: u8) -> usize {
    let mut at = open + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Fills in which words are test code and how many inline modules are around each.
fn mark(words: &mut [Word<'_>]) {
    let text: Vec<&str> = words.iter().map(|word| word.text).collect();
    // For every open brace: (is it an inline module, is it test code).
    let mut open: Vec<(bool, bool)> = Vec::new();
    let mut test_item = false;
    for at in 0..words.len() {
        if text[at..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) {
            test_item = true;
        }
        words[at].test = test_item || open.iter().any(|&(_, test)| test);
        words[at].depth = open.iter().filter(|&&(module, _)| module).count();
        match text[at] {
            "{" => {
                let module = at >= 2 && text[at - 2] == "mod";
                open.push((module, std::mem::take(&mut test_item)));
            }
            "}" => {
                open.pop();
            }
            ";" => test_item = false,
            _ => {}
        }
    }
}

/// A line of the floor table: groups of modules, and what each group may use.
struct Row<'d> {
    /// `None` for a wing, which stands beside the floors.
    floor: Option<u32>,
    modules: Vec<Vec<String>>,
    rights: Vec<&'d str>,
}

/// The floor table: for each module, what it may use.
#[derive(Debug, Default)]
struct Floors {
    may_use: BTreeMap<String, BTreeSet<String>>,
}

impl Floors {
    /// Reads the table under the header `| floor | modules | may use |`. Modules of one floor whose
    /// rights differ are set apart by `·`, in both columns.
    fn parse(document: &str) -> Floors {
        let mut rows: Vec<Row> = Vec::new();
        let lines = document.lines().skip_while(|line| !line.starts_with("| floor |")).skip(2);
        for line in lines.take_while(|line| line.starts_with('|')) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 3, "floor table: {line}");
            rows.push(Row {
                floor: cells[0].parse().ok(),
                modules: cells[1].split('·').map(quoted_names).collect(),
                rights: cells[2].split('·').collect(),
            });
        }
        assert!(
            rows.len() > 5,
            "ARCHITECTURE.md has no table that starts with `| floor | modules | may use |`"
        );
        let mut below: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
        for row in &rows {
            if let Some(floor) = row.floor {
                below.entry(floor).or_default().extend(row.modules.iter().flatten().cloned());
            }
        }
        let wings: Vec<&String> = rows
            .iter()
            .filter(|row| row.floor.is_none())
            .flat_map(|row| row.modules.iter().flatten())
            .collect();
        let mut floors = Floors::default();
        for Row { floor, modules, rights } in &rows {
            assert!(
                modules.len() == rights.len() || rights.len() == 1,
                "floor table: {} groups of modules but {} of rights",
                modules.len(),
                rights.len()
            );
            for (at, group) in modules.iter().enumerate() {
                let words = rights[if rights.len() == 1 { 0 } else { at }];
                // What stands beside the floors may also name another such module.
                let beside: &[&String] = if floor.is_none() { &wings } else { &[] };
                let allowed = rights_of(words, *floor, &below, beside);
                for module in group {
                    let twice = floors.may_use.insert(module.clone(), allowed.clone());
                    assert!(twice.is_none(), "floor table: `{module}` stands twice");
                }
            }
        }
        floors
    }
}

/// The names in backquotes.
fn quoted_names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_string).collect()
}

/// `all below except runtime`, `everything`, `std`, or names.
fn rights_of(
    words: &str,
    floor: Option<u32>,
    below: &BTreeMap<u32, BTreeSet<String>>,
    beside: &[&String],
) -> BTreeSet<String> {
    let names: Vec<&str> =
        words.split(|c: char| !c.is_ascii_lowercase()).filter(|name| !name.is_empty()).collect();
    let lower: BTreeSet<String> = below
        .iter()
        .filter(|&(&other, _)| floor.is_none_or(|floor| other < floor))
        .flat_map(|(_, modules)| modules.iter().cloned())
        .collect();
    match names.as_slice() {
        ["all", "below"] | ["everything"] => lower,
        ["all", "below", "except", except @ ..] => {
            lower.into_iter().filter(|module| !except.contains(&module.as_str())).collect()
        }
        ["std"] => BTreeSet::new(),
        names => {
            for name in names {
                assert!(
                    lower.contains(*name) || beside.iter().any(|module| *module == name),
                    "floor table: `{name}` is on no lower floor than who may use it"
                );
            }
            names.iter().map(|name| (*name).to_string()).collect()
        }
    }
}

/// The files named by the bullets under the first heading that contains `title`:
/// "- `src/a.rs`: reason".
fn listed_files(document: &str, title: &str) -> BTreeSet<String> {
    let mut lines = document.lines();
    let found = lines.any(|line| line.starts_with('#') && line.contains(title));
    assert!(found, "ARCHITECTURE.md has no heading with `{title}`");
    let mut files = BTreeSet::new();
    for line in lines.take_while(|line| !line.starts_with('#')) {
        if let Some((file, reason)) = line.strip_prefix("- `").and_then(|bullet| bullet.split_once('`')) {
            assert!(
                reason.trim_start_matches([':', ' ']).len() > 10,
                "ARCHITECTURE.md: {file} needs a reason"
            );
            files.insert(file.to_string());
        }
    }
    files
}

/// The modules of the crate that a source file names, with their lines and whether in test code.
fn crate_paths<'s>(path: &str, words: &[Word<'s>]) -> Result<Vec<(&'s str, usize, bool)>, String> {
    let mut found = Vec::new();
    let text = |at: usize| words.get(at).map_or("", |word| word.text);
    let parts = Path::new(path.trim_start_matches("src/").trim_end_matches(".rs")).components().count();
    let file_depth = if path.ends_with("/mod.rs") { parts - 1 } else { parts };
    for at in 0..words.len() {
        let word = &words[at];
        let joined = at > 0 && text(at - 1) == ":";
        let root = text(at) == "crate" || (text(at) == "medusa" && path == "src/main.rs");
        if root && !joined && text(at + 1) == ":" && text(at + 2) == ":" {
            if text(at + 3) != "{" {
                found.push((text(at + 3), word.line, word.test));
                continue;
            }
            // `use crate::{a::b, c}`: the names that open each branch of the group.
            let (mut depth, mut next) = (0, at + 3);
            loop {
                match text(next) {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ => {}
                }
                if depth == 1 && matches!(text(next), "{" | ",") && text(next + 1) != "}" {
                    found.push((text(next + 1), words[next + 1].line, word.test));
                }
                next += 1;
                if depth == 0 || next >= words.len() {
                    break;
                }
            }
        }
        if text(at) == "super" && !joined {
            let supers = (at..).step_by(3).take_while(|&next| text(next) == "super").count();
            if supers >= file_depth + word.depth {
                return Err(format!(
                    "{path}:{}: `super` reaches the crate's root; write `crate::` so that floors are seen",
                    word.line
                ));
            }
        }
    }
    Ok(found)
}

/// Every rule for one source file; one sentence per fault.
fn faults_of_source(
    path: &str,
    source: &str,
    floors: &Floors,
    unsafe_files: &BTreeSet<String>,
    sharing_files: &BTreeSet<String>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut words = words(source);
    if path.ends_with("tests.rs") {
        words.iter_mut().for_each(|word| word.test = true);
    }
    if !source.starts_with("//!") {
        faults.push(format!("{path}:1: a file opens with its design, in `//!` lines"));
    }
    if let Some(module) = module_of(path) {
        match floors.may_use.get(module) {
            None => faults.push(format!("{path}: `{module}` is not in the floor table of ARCHITECTURE.md")),
            Some(may_use) => match crate_paths(path, &words) {
                Err(fault) => faults.push(fault),
                Ok(found) => {
                    for (used, line, test) in found {
                        let known = used == module || floors.may_use.contains_key(used);
                        let allowed = used == module || may_use.contains(used) || (test && used == "testing");
                        // A macro or a constant of the crate's root belongs to no floor.
                        if known && !allowed {
                            faults.push(format!(
                                "{path}:{line}: `{module}` uses `{used}`, but the floor table of ARCHITECTURE.md \
                                 lets it use only: {}",
                                may_use.iter().cloned().collect::<Vec<_>>().join(", ")
                            ));
                        }
                    }
                }
            },
        }
    }
    let starts = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
    for (at, word) in words.iter().enumerate() {
        let line = word.line;
        let text = word.text;
        for (banned, places, why) in PLACES {
            // `r#async` and a struct's field named so would need more care; nobody has one.
            if banned.contains(&text) && !word.test && !starts(places) {
                faults
                    .push(format!("{path}:{line}: `{text}` may stand only in {}: {why}", places.join(", ")));
            }
        }
        let next = |n: usize| words.get(at + n).map_or("", |word| word.text);
        let reads_clock =
            matches!(text, "Instant" | "SystemTime") && [next(1), next(2), next(3)] == [":", ":", "now"];
        if reads_clock && !word.test && !starts(CLOCK_READERS) {
            faults.push(format!(
                "{path}:{line}: `{text}::now` may be called only in {}: elsewhere time is an argument",
                CLOCK_READERS.join(", ")
            ));
        }
        let shares = SHARING.iter().any(|name| match name.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix) && text.len() > prefix.len(),
            None => *name == text,
        });
        if shares && !word.test && !starts(SHARERS) && !sharing_files.contains(path) {
            faults.push(format!(
                "{path}:{line}: `{text}` shares memory between cores; the data path shares none. If it must, list \
                 the file with its reason under ARCHITECTURE.md's heading on shared memory"
            ));
        }
        if text == "unsafe" && next(1) != "_" && !unsafe_files.contains(path) {
            faults.push(format!(
                "{path}:{line}: `unsafe` outside the files that ARCHITECTURE.md lists under its heading on unsafe"
            ));
        }
    }
    faults
}

/// The module under `src/` that a path belongs to; `None` for the crate's root.
fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    match inside.split_once('/') {
        Some((module, _)) => Some(module),
        None if matches!(inside, "lib.rs" | "main.rs") => None,
        None => inside.strip_suffix(".rs"),
    }
}

/// Rules for any text of the project, code or prose.
fn faults_of_text(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if path.ends_with(".rs") && lines >= FILE_LINES_MAX {
        faults.push(format!("{path}: {lines} lines; a file stays below {FILE_LINES_MAX}, split it"));
    }
    // Written in halves, so that this file does not find itself.
    let debts = ["TO DO", "FIX ME", "X XX", "to do!", "unimple mented!", "#[ig nore"];
    let homes = ["/ho me/", "/ro ot/", "/Us ers/", "/wo rk/", "/tmp/ wt"];
    let whole_word = |line: &str, at: usize, len: usize| {
        let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = line.as_bytes();
        !(letter(at.checked_sub(1).and_then(|before| bytes.get(before))) || letter(bytes.get(at + len)))
    };
    for (number, line) in text.lines().enumerate() {
        for debt in debts.map(|debt| debt.replace(' ', "")) {
            if line.match_indices(&debt).any(|(at, _)| whole_word(line, at, debt.len())) {
                faults.push(format!("{path}:{}: `{debt}` is a debt; finish it or leave it out", number + 1));
            }
        }
        for home in homes.map(|home| home.replace(' ', "")) {
            if line.match_indices(&home).any(|(at, _)| {
                let before = line[..at].bytes().next_back();
                !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'}'))
            }) {
                faults.push(format!("{path}:{}: `{home}` is a path of one machine", number + 1));
            }
        }
    }
    faults
}

/// The project's text files under the named entries, as paths relative to its root.
fn project_files(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["src", "tests", "benches", "scripts", "fuzz"].map(PathBuf::from).to_vec();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries.map(|entry| entry.expect("a readable folder")) {
            let path = folder.join(entry.file_name());
            let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_string();
            if entry.path().is_dir() {
                if entry.file_name() != "target" {
                    folders.push(path);
                }
            } else if matches!(kind.as_str(), "rs" | "sh" | "toml" | "md" | "txt" | "py" | "html" | "js") {
                files.push(path.to_str().expect("names in UTF-8").to_string());
            }
        }
    }
    files.extend(["README.md", "ARCHITECTURE.md", "Cargo.toml"].map(String::from));
    files.sort();
    files
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = read(root, "ARCHITECTURE.md");
    let floors = Floors::parse(&document);
    let unsafe_files = listed_files(&document, "unsafe");
    let sharing_files = listed_files(&document, "shared memory");
    let mut faults = Vec::new();
    for listed in unsafe_files.iter().chain(&sharing_files) {
        if !root.join(listed).is_file() {
            faults.push(format!("ARCHITECTURE.md lists {listed}, which is gone"));
        }
    }
    for listed in &unsafe_files {
        if root.join(listed).is_file() && !words(&read(root, listed)).iter().any(|word| word.text == "unsafe")
        {
            faults.push(format!("ARCHITECTURE.md lists {listed} for `unsafe`, which has none"));
        }
    }
    for path in project_files(root).iter().filter(|path| root.join(path).is_file()) {
        let text = read(root, path);
        faults.extend(faults_of_text(path, &text));
        if path.starts_with("src/") && path.ends_with(".rs") {
            faults.extend(faults_of_source(path, &text, &floors, &unsafe_files, &sharing_files));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
| floor | modules | may use |
|---|---|---|
| 4 | `net` | all below except runtime |
| 3 | `command` | shard, resp, base |
| 2 | `shard` · `session` | ds, base · resp, base |
| 1 | `resp`, `ds`, `runtime` | base |
| 0 | `base` | std |
| wing | `load` (client) · `testing` | resp, runtime · everything |
";

    fn faults(path: &str, source: &str) -> Vec<String> {
        let source = format!("//! Design.\n{source}");
        faults_of_source(path, &source, &Floors::parse(TABLE), &BTreeSet::new(), &BTreeSet::new())
    }

    #[test]
    fn floor_table_gives_each_module_its_rights() {
        let floors = Floors::parse(TABLE);
        let rights = |module: &str| floors.may_use[module].iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(rights("session"), "base resp");
        assert_eq!(rights("shard"), "base ds");
        assert_eq!(rights("net"), "base command ds resp session shard");
        assert_eq!(rights("load"), "resp runtime");
        assert_eq!(rights("base"), "");
        assert_eq!(rights("testing").split(' ').count(), 8);
    }

    #[test]
    fn a_use_of_a_higher_floor_is_a_fault_with_both_names() {
        let found = faults("src/shard/mod.rs", "use crate::command::Spec;");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("src/shard/mod.rs:2: `shard` uses `command`"), "{found:?}");
        assert_eq!(faults("src/shard/a.rs", "use crate::{ds::{dict, slab}, resp::Reply, base};").len(), 1);
        assert_eq!(faults("src/shard/a.rs", "fn f() { crate::session::g() }").len(), 1);
        assert!(faults("src/shard/a.rs", "use crate::{ds::{dict, slab}, base, shard::b};").is_empty());
        assert_eq!(faults("src/shard/mod.rs", "use super::session::Session;").len(), 1);
        assert!(faults("src/shard/a.rs", "mod inner { use super::super::b; }").is_empty());
    }

    #[test]
    fn comments_strings_and_test_code_may_speak_of_anything() {
        let source = "// crate::command and glommio\n/* a /* async */ unsafe */\n\
                      const A: &str = \"crate::command \\\" async\"; const B: char = '\"'; const C: &[u8] = br#\"unsafe\"#;\n\
                      fn f<'a>(x: &'a str) -> char { 'a' }\n\
                      #[cfg(test)]\nmod tests { use crate::testing::check; fn g() { Instant::now(); } }";
        assert!(faults("src/shard/a.rs", source).is_empty(), "{:?}", faults("src/shard/a.rs", source));
        assert_eq!(faults("src/shard/a.rs", &format!("{source}\nuse crate::testing::check;")).len(), 1);
    }

    #[test]
    fn rare_words_have_their_places() {
        assert_eq!(faults("src/net/a.rs", "use glommio::Task;").len(), 1);
        assert!(faults("src/runtime/a.rs", "use glommio::Task; async fn f() {}").is_empty());
        assert_eq!(faults("src/command/a.rs", "async fn f() {}").len(), 1);
        assert_eq!(faults("src/command/a.rs", "fn f() { std::time::Instant::now(); }").len(), 1);
        assert_eq!(faults("src/command/a.rs", "use std::sync::atomic::AtomicU64;").len(), 1);
        assert_eq!(faults("src/command/a.rs", "enum Place { Atomic(u8) }").len(), 0);
        assert_eq!(faults("src/command/a.rs", "fn f() { unsafe { g() } }").len(), 1);
        assert_eq!(faults("src/attic/a.rs", "").len(), 1);
    }

    #[test]
    fn debts_long_files_and_one_machines_paths_are_faults() {
        let debt = "// TO DO: later".replace("TO DO", &["TO", "DO"].concat());
        assert_eq!(faults_of_text("src/a.rs", &debt).len(), 1);
        assert_eq!(faults_of_text("src/a.rs", "mastodonts todos").len(), 0);
        assert_eq!(faults_of_text("src/a.rs", &"\n".repeat(FILE_LINES_MAX)).len(), 1);
        let home = ["see /ho", "me/me/x"].concat();
        assert_eq!(faults_of_text("README.md", &home).len(), 1);
        let elsewhere = ["https://example.com/wo", "rk/x ./ro", "ot/"].concat();
        assert_eq!(faults_of_text("README.md", &elsewhere).len(), 0);
    }

    #[test]
    fn listed_files_need_reasons() {
        let document =
            "# A\n## Where `unsafe` stands\n- `src/a.rs`: the table's raw memory\n\n## Else\n- `src/b.rs`: x";
        assert_eq!(listed_files(document, "unsafe").into_iter().collect::<Vec<_>>(), ["src/a.rs"]);
    }
}
