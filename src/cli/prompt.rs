//! Lines: from a person, with editing, history, hints and completion, or from a pipe.

use super::client::{Client, Status, is};
use super::connect::Address;
use super::docs::{self, Doc};
use crate::base::number::parse_i64;
use crate::base::words;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Context, Editor, Helper, Validator};
use std::borrow::Cow;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

/// Lines kept in the history file, which lies in the home directory.
const HISTORY_FILE: &str = ".medusa_history";
const HISTORY_LINES_MAX: usize = 1000;

/// What `help` prints.
const HELP: &str = "\
A line is one command of the server, for example: SET greeting \"hello\\n\"
  help NAME        what the server says about a command
  NUMBER COMMAND   runs a command that many times
  connect HOST PORT
  clear, quit
The Tab key completes the name of a command.
";

/// Reads commands until the input ends; returns the exit code.
pub(super) fn run(client: &mut Client) -> i32 {
    client.keeps_going = true;
    let connected = client.connect();
    if std::io::stdin().is_terminal() {
        return edit(client);
    }
    if !connected {
        return 1;
    }
    pipe(client)
}

/// What a line asked for.
enum Flow {
    Next(Status),
    End,
}

fn pipe(client: &mut Client) -> i32 {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    let mut failed = false;
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => return i32::from(failed),
            Ok(_) => {}
            Err(error) => {
                eprintln!("medusa cli: the standard input cannot be read: {error}");
                return 1;
            }
        }
        match one_line(client, &line, &[]) {
            Flow::End => return i32::from(failed),
            // What was to come was written for a server that has had everything before it.
            Flow::Next(Status::Lost) => return 1,
            Flow::Next(Status::Refused) => failed |= client.errors_fail,
            Flow::Next(Status::Answered) => {}
        }
    }
}

fn edit(client: &mut Client) -> i32 {
    let mut config = Config::builder().completion_type(CompletionType::List).auto_add_history(false);
    // Both fail on sizes and terminals we do not ask for; the defaults would do.
    if let Ok(bounded) = Config::builder().max_history_size(HISTORY_LINES_MAX) {
        config = bounded.completion_type(CompletionType::List).auto_add_history(false);
    }
    let mut editor: Editor<Assistant, FileHistory> = match Editor::with_config(config.build()) {
        Ok(editor) => editor,
        Err(error) => {
            eprintln!("medusa cli: the terminal cannot be used for editing: {error}");
            return 1;
        }
    };
    // Without a home there is no history beyond this run, and nothing to complain about.
    let history = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(HISTORY_FILE));
    if let Some(path) = &history {
        let _ = editor.load_history(path);
    }
    editor.set_helper(Some(Assistant { docs: fetch(client) }));
    loop {
        if client.is_connected() && editor.helper().is_some_and(|helper| helper.docs.is_empty()) {
            // The server may have refused before AUTH.
            editor.set_helper(Some(Assistant { docs: fetch(client) }));
        }
        let line = match editor.readline(client.prompt().as_str()) {
            Ok(line) => line,
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => return 0,
            Err(error) => {
                eprintln!("medusa cli: the terminal cannot be read: {error}");
                return 1;
            }
        };
        if !line.trim().is_empty()
            && !is_secret(&line)
            && editor.add_history_entry(line.as_str()).unwrap_or(false)
            && let Some(path) = &history
        {
            // Written at once: Ctrl-C in a subscription ends the process.
            let _ = editor.append_history(path);
        }
        let docs = editor.helper().map_or(&[][..], |helper| &helper.docs);
        if let Flow::End = one_line(client, line.as_bytes(), docs) {
            return 0;
        }
    }
}

/// Asks for the documentation; nothing when the server will not say.
fn fetch(client: &mut Client) -> Vec<Doc> {
    if !client.is_connected() {
        return Vec::new();
    }
    match client.ask(&[b"COMMAND".to_vec(), b"DOCS".to_vec()]) {
        Ok(reply) => docs::read(&reply),
        Err(_) => Vec::new(),
    }
}

fn one_line(client: &mut Client, line: &[u8], docs: &[Doc]) -> Flow {
    let Ok(mut words) = words::split_owned(line) else {
        client.print(b"Invalid argument(s)\n");
        return Flow::Next(Status::Answered);
    };
    let mut count = 1;
    if words.len() > 1
        && let Some(number) = parse_i64(&words[0])
    {
        if number <= 0 {
            client.print(b"The number before a command says how often to run it: 1 or more.\n");
            return Flow::Next(Status::Answered);
        }
        count = number;
        words.remove(0);
    }
    match words.as_slice() {
        [] => return Flow::Next(Status::Answered),
        [_] if is(&words, 0, "quit") || is(&words, 0, "exit") => return Flow::End,
        [_] if is(&words, 0, "clear") => {
            client.print(b"\x1b[H\x1b[2J");
            return Flow::Next(Status::Answered);
        }
        [_, host, port] if is(&words, 0, "connect") => return Flow::Next(move_to(client, host, port)),
        [_, topic @ ..] if is(&words, 0, "help") || is(&words, 0, "?") => {
            client.print(help(topic, docs).as_bytes());
            return Flow::Next(Status::Answered);
        }
        _ => {}
    }
    for _ in 0..count {
        let status = client.execute(&words);
        if status == Status::Lost {
            return Flow::Next(Status::Lost);
        }
        if status == Status::Refused && client.errors_fail {
            return Flow::Next(status);
        }
    }
    Flow::Next(Status::Answered)
}

fn move_to(client: &mut Client, host: &[u8], port: &[u8]) -> Status {
    let port = std::str::from_utf8(port).ok().and_then(|text| text.parse().ok());
    let (Ok(host), Some(port)) = (std::str::from_utf8(host), port) else {
        client.print(b"connect takes a host and a port\n");
        return Status::Answered;
    };
    client.address = Address::Tcp { host: host.to_string(), port };
    client.database = 0;
    if client.connect() { Status::Answered } else { Status::Lost }
}

fn help(topic: &[Vec<u8>], docs: &[Doc]) -> String {
    let name = String::from_utf8_lossy(&topic.join(&b' ')).to_uppercase();
    if name.is_empty() {
        return HELP.to_string();
    }
    match docs.iter().find(|doc| doc.name == name) {
        Some(doc) => doc.help(),
        None => format!("The server says nothing about {name}.\n"),
    }
}

/// Lines with a password in them stay out of the history.
fn is_secret(line: &str) -> bool {
    let mut words = words::split_owned(line.as_bytes()).unwrap_or_else(|words::Unbalanced| {
        line.split_whitespace().map(|word| word.as_bytes().to_vec()).collect()
    });
    if words.first().is_some_and(|word| parse_i64(word).is_some()) {
        words.remove(0);
    }
    let any = |name: &str| (0..words.len()).any(|index| is(&words, index, name));
    is(&words, 0, "auth")
        || is(&words, 0, "hello") && any("auth")
        || is(&words, 0, "migrate") && (any("auth") || any("auth2"))
        || is(&words, 0, "acl") && is(&words, 1, "setuser")
        || is(&words, 0, "config")
            && is(&words, 1, "set")
            && (any("requirepass") || any("masterauth") || any("masteruser"))
}

/// Hints and completion out of the server's documentation.
#[derive(Helper, Validator)]
struct Assistant {
    docs: Vec<Doc>,
}

/// Grey text behind the cursor; it shows and is never taken over.
struct Synopsis(String);

impl Hint for Synopsis {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Synopsis;

    fn hint(&self, line: &str, pos: usize, _context: &Context<'_>) -> Option<Synopsis> {
        (pos == line.len()).then(|| hint(&self.docs, line)).flatten().map(Synopsis)
    }
}

fn hint(docs: &[Doc], line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let named = |count: usize| {
        let name = words.get(..count)?.join(" ").to_uppercase();
        docs.iter().find(|doc| doc.name == name)
    };
    let (doc, typed) = match named(2) {
        Some(doc) => (doc, words.len() - 2),
        None => (named(1)?, words.len() - 1),
    };
    let rest = match doc.rest(typed) {
        // A container, or a command that takes nothing: say what it is for.
        rest if rest.is_empty() && typed == 0 => doc.summary.clone(),
        rest => rest,
    };
    let space = if line.ends_with(' ') { "" } else { " " };
    (!rest.is_empty()).then(|| format!("{space}{rest}"))
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(&self.docs, &line[..pos]))
    }
}

/// Where the name begins in `line`, and the names it may become, in the case it was typed in.
fn complete(docs: &[Doc], line: &str) -> (usize, Vec<String>) {
    let typed = line.trim_start();
    let prefix = typed.to_uppercase();
    let lower = typed.chars().any(char::is_lowercase) || typed.is_empty();
    let spaces = prefix.matches(' ').count();
    let names = docs
        .iter()
        .filter(|doc| doc.name.starts_with(&prefix) && doc.name.matches(' ').count() == spaces)
        .map(|doc| if lower { doc.name.to_lowercase() } else { doc.name.clone() })
        .collect();
    (line.len() - typed.len(), names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::docs::Argument;

    fn docs() -> Vec<Doc> {
        let doc = |name: &str, arguments: &[(&str, bool)]| Doc {
            name: name.to_string(),
            summary: format!("About {name}."),
            arguments: arguments
                .iter()
                .map(|&(text, one_word)| Argument { text: text.to_string(), one_word })
                .collect(),
            ..Doc::default()
        };
        vec![
            doc("CONFIG", &[]),
            doc("CONFIG GET", &[("parameter [parameter ...]", false)]),
            doc("CONFIG SET", &[]),
            doc("GET", &[("key", true)]),
            doc("GETEX", &[("key", true), ("[EX seconds]", false)]),
        ]
    }

    #[test]
    fn hints_show_what_is_still_to_type() {
        let docs = docs();
        for (line, expected) in [
            ("", None),
            ("ge", None),
            ("get", Some(" key")),
            ("get ", Some("key")),
            ("get a", None),
            ("getex a", Some(" [EX seconds]")),
            ("getex a EX 5", Some(" [EX seconds]")),
            ("config", Some(" About CONFIG.")),
            ("config get ", Some("parameter [parameter ...]")),
            ("unknown ", None),
        ] {
            assert_eq!(hint(&docs, line).as_deref(), expected, "{line:?}");
        }
    }

    #[test]
    fn names_complete_in_the_case_they_were_typed_in() {
        let docs = docs();
        assert_eq!(complete(&docs, "ge"), (0, vec!["get".to_string(), "getex".to_string()]));
        assert_eq!(complete(&docs, "  GETE"), (2, vec!["GETEX".to_string()]));
        assert_eq!(complete(&docs, "config s"), (0, vec!["config set".to_string()]));
        assert_eq!(complete(&docs, "get a"), (0, vec![]));
    }

    #[test]
    fn passwords_stay_out_of_the_history() {
        for line in [
            "auth x",
            "AUTH u x",
            "hello 3 auth u x",
            "config set requirepass x",
            "acl setuser a >x",
            "auth \"x",
            "2 auth x",
        ] {
            assert!(is_secret(line), "{line}");
        }
        for line in ["get auth", "hello 3", "config get requirepass", "acl list", "echo \"auth"] {
            assert!(!is_secret(line), "{line}");
        }
    }

    #[test]
    fn help_knows_what_the_server_said() {
        assert!(help(&[b"get".to_vec()], &docs()).contains("GET key\n  summary: About GET.\n"));
        assert!(help(&[b"config".to_vec(), b"get".to_vec()], &docs()).contains("CONFIG GET parameter"));
        assert!(help(&[b"nope".to_vec()], &docs()).contains("says nothing about NOPE"));
    }
}
