//! Every error a command may answer, in one screen. The connection lives on.

use crate::base::args::Args;
use crate::resp::reply::Reply;
use crate::shard::WrongType;

/// What a command returns: its reply is written, or this error is the reply.
pub type CommandResult = Result<(), CommandError>;

/// An error for the client. `Copy`, so that raising one allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The key holds another type.
    WrongType,
    /// An argument is no 64-bit integer.
    NotInteger,
    /// An argument is no float.
    NotFloat,
    /// Options that do not go together, or an unknown one.
    Syntax,
    /// A required key is missing.
    NoSuchKey,
    /// A database number that is none.
    DatabaseRange,
    /// Source and destination are one.
    SameObject,
    /// A string would pass `proto-max-bulk-len`.
    StringTooLong,
    /// A number would overflow.
    Overflow,
    /// Any other fixed text, its code word first.
    Text(&'static str),
    /// The command wrote its own error reply (one with the caller's words in it).
    Replied,
}

impl CommandError {
    /// The text after the `-`; empty for [`CommandError::Replied`].
    pub const fn text(self) -> &'static str {
        match self {
            CommandError::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            CommandError::NotInteger => "ERR value is not an integer or out of range",
            CommandError::NotFloat => "ERR value is not a valid float",
            CommandError::Syntax => "ERR syntax error",
            CommandError::NoSuchKey => "ERR no such key",
            CommandError::DatabaseRange => "ERR DB index is out of range",
            CommandError::SameObject => "ERR source and destination objects are the same",
            CommandError::StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            CommandError::Overflow => "ERR increment or decrement would overflow",
            CommandError::Text(text) => text,
            CommandError::Replied => "",
        }
    }

    /// The error for a wrong number of words; `name` as `container|sub`.
    pub fn arity_text(name: &str) -> String {
        format!("ERR wrong number of arguments for '{name}' command")
    }

    /// The error for a name that is no command's: it shows the first words, up to 128 bytes of each kind.
    pub fn unknown_text(args: Args<'_>) -> Vec<u8> {
        let mut shown = Vec::new();
        for word in args.from(1) {
            if shown.len() >= 128 {
                break;
            }
            let word = c_text(word);
            shown.push(b'\'');
            shown.extend_from_slice(&word[..word.len().min(128 + 1 - shown.len())]);
            shown.extend_from_slice(b"' ");
        }
        let name = c_text(args.at(0));
        let name = &name[..name.len().min(128)];
        [b"ERR unknown command '", name, b"', with args beginning with: ", &shown].concat()
    }

    /// The error for a word that is none of a container's subcommands.
    pub fn unknown_subcommand_text(container: &str, word: &[u8]) -> Vec<u8> {
        let word = c_text(word);
        let word = &word[..word.len().min(128)];
        [b"ERR unknown subcommand '", word, b"'. Try ", container.to_uppercase().as_bytes(), b" HELP."]
            .concat()
    }

    /// Writes the error, unless the command has.
    pub fn write(self, reply: &mut Reply<'_>) {
        if self != CommandError::Replied {
            reply.error(self.text());
        }
    }

    /// Writes an error with words of the caller's and returns the mark that it is written.
    pub fn say(reply: &mut Reply<'_>, text: &str) -> CommandError {
        reply.error(text);
        CommandError::Replied
    }
}

impl From<WrongType> for CommandError {
    fn from(_: WrongType) -> Self {
        CommandError::WrongType
    }
}

/// A word as the reference quotes it in an error: up to the first NUL, where its strings end.
pub fn c_text(word: &[u8]) -> &[u8] {
    &word[..memchr::memchr(0, word).unwrap_or(word.len())]
}
