//! One conversation with a server: what to say on connecting, what the conversation's state is (database,
//! transaction), and which commands answer otherwise than once.

use super::connect::{Address, ConnectError, Connection, ReceiveError};
use super::format::{self, Form};
use crate::resp::Value;
use std::io::Write;
use std::time::{Duration, Instant};

/// A command slower than this shows its time at the prompt.
const SLOW: Duration = Duration::from_millis(500);

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// There was a reply, or none was due.
    Answered,
    /// The reply was an error.
    Refused,
    /// There is no connection, or nobody reads our output. What was to say has been said.
    Lost,
}

/// Whether the server answers; CLIENT REPLY changes it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replies {
    On,
    Off,
    SkipOne,
}

/// A conversation.
pub(super) struct Client {
    pub(super) address: Address,
    pub(super) user: Option<Vec<u8>>,
    pub(super) password: Option<Vec<u8>>,
    pub(super) resp3: bool,
    /// The database now, and after a reconnect.
    pub(super) database: i64,
    pub(super) form: Form,
    pub(super) errors_fail: bool,
    /// Whether the output is a terminal: only there are pushes shown, which no script expects.
    pub(super) terminal: bool,
    /// Whether a person or a pipe goes on after a lost connection.
    pub(super) keeps_going: bool,
    connection: Option<Connection>,
    replies: Replies,
    /// Inside MULTI.
    transaction: bool,
    /// The database to return to when the transaction is not executed.
    database_before: i64,
}

impl Client {
    /// A client that is not connected yet.
    pub(super) fn new(address: Address) -> Self {
        let terminal = super::output_is_terminal();
        Client {
            address,
            user: None,
            password: None,
            resp3: false,
            database: 0,
            form: Form::Readable,
            errors_fail: false,
            terminal,
            keeps_going: false,
            connection: None,
            replies: Replies::On,
            transaction: false,
            database_before: 0,
        }
    }

    /// Connects, authenticates, selects; says on the standard error what failed. A refused password is
    /// reported and the connection kept (the server may let some commands through), a refused database is
    /// not: the commands meant for it must not run in another.
    pub(super) fn connect(&mut self) -> bool {
        self.disconnect();
        match Connection::open(&self.address) {
            Ok(connection) => self.connection = Some(connection),
            Err(error) => {
                let error: ConnectError = error;
                eprintln!("{error}");
                return false;
            }
        }
        if let Some(password) = self.password.clone() {
            let mut words = vec![b"AUTH".to_vec()];
            words.extend(self.user.clone());
            words.push(password);
            if !self.greet(&words, "AUTH", true) {
                return false;
            }
        }
        if self.resp3 && !self.greet(&[b"HELLO".to_vec(), b"3".to_vec()], "HELLO 3", true) {
            return false;
        }
        let database = self.database;
        database == 0
            || self.greet(
                &[b"SELECT".to_vec(), database.to_string().into_bytes()],
                &format!("SELECT {database}"),
                false,
            )
    }

    /// Sends one command of the greeting; whether the connection may be used.
    fn greet(&mut self, words: &[Vec<u8>], name: &str, optional: bool) -> bool {
        let failed = match self.ask(words) {
            Ok(Value::Error(text)) => {
                eprintln!("{name} failed: {}", String::from_utf8_lossy(&text));
                !optional
            }
            Ok(_) => false,
            Err(error) => {
                eprintln!("{name} failed: {error}");
                true
            }
        };
        if failed {
            self.disconnect();
        }
        !failed
    }

    /// Asks something whose answer is not printed.
    pub(super) fn ask(&mut self, words: &[Vec<u8>]) -> Result<Value, ReceiveError> {
        let Some(connection) = &mut self.connection else {
            return Err(ReceiveError::Lost(std::io::ErrorKind::NotConnected.into()));
        };
        connection.send(words).map_err(ReceiveError::Lost)?;
        loop {
            match connection.receive()? {
                Value::Push(_) => {}
                value => return Ok(value),
            }
        }
    }

    /// Whether there is a connection, as far as we know.
    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Forgets the connection and what belonged to it.
    fn disconnect(&mut self) {
        self.connection = None;
        self.replies = Replies::On;
        self.transaction = false;
    }

    /// `127.0.0.1:6379[1](TX)> `.
    pub(super) fn prompt(&self) -> String {
        if !self.is_connected() {
            return "not connected> ".to_string();
        }
        let database = if self.database == 0 { String::new() } else { format!("[{}]", self.database) };
        let transaction = if self.transaction { "(TX)" } else { "" };
        format!("{}{database}{transaction}> ", self.address)
    }

    /// Sends a command and prints what comes.
    pub(super) fn execute(&mut self, words: &[Vec<u8>]) -> Status {
        if !self.is_connected() && !self.connect() {
            return Status::Lost;
        }
        let started = Instant::now();
        let mut outcome = self.exchange(words);
        // A server that was restarted since the last command should not cost a person this one. Within a
        // transaction it must: the command was meant to run with others, which are gone.
        if let Err(Lost::Server(ReceiveError::Lost(_), Progress::Nothing)) = &outcome
            && self.keeps_going
            && !self.transaction
            && !is(words, 0, "shutdown")
        {
            if !self.connect() {
                return Status::Lost;
            }
            outcome = self.exchange(words);
        }
        match outcome {
            Ok(status) => {
                if self.keeps_going
                    && self.terminal
                    && self.form == Form::Readable
                    && started.elapsed() >= SLOW
                {
                    self.print(format!("({:.2}s)\n", started.elapsed().as_secs_f64()).as_bytes());
                }
                status
            }
            Err(Lost::Output) => {
                self.disconnect();
                Status::Lost
            }
            Err(Lost::Server(error, _)) => {
                let in_transaction = self.transaction;
                self.disconnect();
                if is(words, 0, "shutdown") && matches!(error, ReceiveError::Lost(_)) {
                    // It did what it was told.
                    return Status::Answered;
                }
                eprintln!("Error: {error}");
                if in_transaction {
                    eprintln!("The transaction is lost; nothing of it was executed.");
                }
                Status::Lost
            }
        }
    }

    fn exchange(&mut self, words: &[Vec<u8>]) -> Result<Status, Lost> {
        let nothing = |error| Lost::Server(error, Progress::Nothing);
        let connection = self.connection.as_mut().expect("execute connected");
        connection.send(words).map_err(|error| nothing(ReceiveError::Lost(error)))?;
        if !self.reply_is_due(words) {
            return Ok(Status::Answered);
        }
        let reply = loop {
            let value = self.connection.as_mut().expect("not lost").receive().map_err(nothing)?;
            if matches!(value, Value::Push(_)) && !subscribes(words) {
                self.print_push(&value)?;
                continue;
            }
            break value;
        };
        let refused = matches!(reply, Value::Error(_));
        let queued = matches!(&reply, Value::Simple(text) if text == b"QUEUED");
        let streams = !refused && !queued && (subscribes(words) || is(words, 0, "monitor"));
        if streams && subscribes(words) && self.form == Form::Readable {
            self.print_or_lose(b"Reading messages... (press Ctrl-C to quit)\n")?;
        }
        self.print_reply(words, &reply)?;
        if streams {
            return self.stream();
        }
        self.learn(words, &reply);
        Ok(if refused { Status::Refused } else { Status::Answered })
    }

    /// Prints what comes until the connection or the process ends.
    fn stream(&mut self) -> Result<Status, Lost> {
        loop {
            let connection = self.connection.as_mut().expect("not lost");
            let value = connection.receive().map_err(|error| Lost::Server(error, Progress::Some))?;
            let mut out = Vec::new();
            format::write(&value, self.form, &mut out);
            self.print_or_lose(&out)?;
        }
    }

    /// Follows CLIENT REPLY: whether this command will be answered.
    fn reply_is_due(&mut self, words: &[Vec<u8>]) -> bool {
        if words.len() == 3 && is(words, 0, "client") && is(words, 1, "reply") {
            if is(words, 2, "off") {
                self.replies = Replies::Off;
                return false;
            }
            if is(words, 2, "skip") {
                if self.replies == Replies::On {
                    self.replies = Replies::SkipOne;
                }
                return false;
            }
            if is(words, 2, "on") {
                self.replies = Replies::On;
                return true;
            }
        }
        match self.replies {
            Replies::On => true,
            Replies::Off => false,
            Replies::SkipOne => {
                self.replies = Replies::On;
                false
            }
        }
    }

    /// Follows the commands that change the conversation's state.
    fn learn(&mut self, words: &[Vec<u8>], reply: &Value) {
        let refused = matches!(reply, Value::Error(_));
        if words.len() == 1 && (is(words, 0, "exec") || is(words, 0, "discard")) {
            let executed =
                is(words, 0, "exec") && !matches!(reply, Value::Error(_) | Value::Null | Value::NullArray);
            if self.transaction && !executed {
                self.database = self.database_before;
            }
            // EXEC without MULTI is refused, but then we were not in one either.
            self.transaction = false;
        }
        if refused {
            return;
        }
        match words {
            _ if is(words, 0, "multi") => {
                self.transaction = true;
                self.database_before = self.database;
            }
            [_, database] if is(words, 0, "select") => {
                self.database =
                    std::str::from_utf8(database).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
            }
            [_, rest @ ..] if is(words, 0, "auth") => {
                self.user = (rest.len() == 2).then(|| rest[0].clone());
                self.password = rest.last().cloned();
            }
            [_, version, ..] if is(words, 0, "hello") => self.resp3 = version == b"3",
            _ if is(words, 0, "reset") => {
                self.transaction = false;
                self.database = 0;
                self.resp3 = false;
                self.replies = Replies::On;
            }
            _ if is(words, 0, "quit") => self.disconnect(),
            _ => {}
        }
    }

    fn print_reply(&self, words: &[Vec<u8>], reply: &Value) -> Result<(), Lost> {
        let mut out = Vec::new();
        if answers_prose(words) {
            format::write_prose(reply, &mut out);
        } else {
            format::write(reply, self.form, &mut out);
        }
        if self.errors_fail && matches!(reply, Value::Error(_)) {
            // With -e the caller wants to tell errors from answers; redis-cli moves them, too.
            let _ = std::io::stderr().write_all(&out);
            return Ok(());
        }
        self.print_or_lose(&out)
    }

    fn print_push(&self, value: &Value) -> Result<(), Lost> {
        if !self.terminal {
            return Ok(());
        }
        let mut out = Vec::new();
        format::write_push(value, self.form, &mut out);
        self.print_or_lose(&out)
    }

    fn print_or_lose(&self, bytes: &[u8]) -> Result<(), Lost> {
        if self.print(bytes) { Ok(()) } else { Err(Lost::Output) }
    }

    /// Prints; false when nobody reads the output any more.
    pub(super) fn print(&self, bytes: &[u8]) -> bool {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).is_ok()
    }
}

/// What ended a conversation.
enum Lost {
    Server(ReceiveError, Progress),
    Output,
}

/// What had come of a reply when the connection was lost.
enum Progress {
    Nothing,
    Some,
}

/// Whether the word at `index` is `word`, in any case.
pub(super) fn is(words: &[Vec<u8>], index: usize, word: &str) -> bool {
    words.get(index).is_some_and(|have| have.eq_ignore_ascii_case(word.as_bytes()))
}

fn subscribes(words: &[Vec<u8>]) -> bool {
    ["subscribe", "psubscribe", "ssubscribe"].iter().any(|name| is(words, 0, name))
}

/// Commands whose bulk reply is a text for people, printed as it is even on a terminal.
fn answers_prose(words: &[Vec<u8>]) -> bool {
    let sub = |names: &[&str]| names.iter().any(|name| is(words, 1, name));
    is(words, 0, "info")
        || is(words, 0, "lolwut")
        || is(words, 0, "debug") && sub(&["htstats", "htstats-key"])
        || is(words, 0, "memory") && sub(&["malloc-stats", "doctor"])
        || is(words, 0, "cluster") && words.len() == 2 && sub(&["nodes", "info"])
        || is(words, 0, "client") && sub(&["list", "info"])
        || is(words, 0, "latency")
            && (words.len() == 3 && sub(&["graph"]) || words.len() == 2 && sub(&["doctor"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn the_prompt_follows_the_conversation() {
        let mut client = Client::new(Address::Tcp { host: "127.0.0.1".to_string(), port: 6379 });
        let ok = || Value::Simple(b"OK".to_vec());
        let state = |client: &Client| (client.database, client.transaction);
        assert_eq!(client.prompt(), "not connected> ");
        for (line, reply, expected) in [
            ("select 3", ok(), (3, false)),
            ("select 99", Value::Error(b"ERR".to_vec()), (3, false)),
            ("multi", ok(), (3, true)),
            ("select 4", Value::Simple(b"QUEUED".to_vec()), (4, true)),
            ("exec x", Value::Error(b"ERR".to_vec()), (4, true)),
            ("discard", ok(), (3, false)),
            ("multi", ok(), (3, true)),
            ("select 4", Value::Simple(b"QUEUED".to_vec()), (4, true)),
            ("EXEC", Value::Array(vec![ok()]), (4, false)),
            ("multi", ok(), (4, true)),
            ("select 5", Value::Simple(b"QUEUED".to_vec()), (5, true)),
            ("exec", Value::Error(b"EXECABORT".to_vec()), (4, false)),
            ("reset", Value::Simple(b"RESET".to_vec()), (0, false)),
        ] {
            client.learn(&words(line), &reply);
            assert_eq!(state(&client), expected, "{line}");
        }
    }

    #[test]
    fn a_password_that_was_accepted_serves_the_next_connection() {
        let mut client = Client::new(Address::Unix("/s".into()));
        client.learn(&words("auth me secret"), &Value::Simple(b"OK".to_vec()));
        client.learn(&words("auth wrong"), &Value::Error(b"WRONGPASS".to_vec()));
        assert_eq!(
            (client.user.as_deref(), client.password.as_deref()),
            (Some(&b"me"[..]), Some(&b"secret"[..]))
        );
    }
}
