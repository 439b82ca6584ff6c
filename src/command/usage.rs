//! The language of a row's `usage`: how a command's arguments are documented, as a tree.
//!
//! A row says `key value [NX|XX] [EX seconds|PX milliseconds]`, as manuals have always written it, and
//! COMMAND DOCS wants the same as nested names, types and flags. The grammar:
//!
//! ```text
//! usage    = sequence
//! choice   = sequence { "|" sequence }
//! sequence = { item }
//! item     = "[" choice "]" [ ":" name ]     may be left out; the name is the whole group's
//!          | "<" choice ">" [ ":" name ]     a group, to be given
//!          | TOKEN [ name | "<" choice ">" ] a word to type literally, perhaps with its value
//!          | name                            a value
//!          | "..."                           only last in brackets: may be given again
//! TOKEN    = a word without a lower-case letter
//! name     = any other word; `:integer`, `:double`, `:string`, `:key`, … at its end gives its type
//! ```
//!
//! `key [key ...]` is one argument that may be repeated; `key value [key value ...]` is a block of two
//! that may; `[GET pattern [GET pattern ...]]` repeats its token, `[ID id [id ...]]` does not.
//! Types that a name gives away (`key`, `pattern`, `seconds`, `unix-time-…`) need not be written.
//! Usages are constants of the table, so a mistake in one is found by a test of the table.

/// What kind of thing an argument is, by the wire's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key.
    Key,
    /// Any bytes.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Double,
    /// A glob.
    Pattern,
    /// Seconds or milliseconds since 1970.
    UnixTime,
    /// A word to type literally.
    PureToken,
    /// One of its arguments.
    OneOf,
    /// All of its arguments.
    Block,
}

/// Every type with its name on the wire.
const KINDS: &[(Kind, &str)] = &[
    (Kind::Key, "key"),
    (Kind::String, "string"),
    (Kind::Integer, "integer"),
    (Kind::Double, "double"),
    (Kind::Pattern, "pattern"),
    (Kind::UnixTime, "unix-time"),
    (Kind::PureToken, "pure-token"),
    (Kind::OneOf, "oneof"),
    (Kind::Block, "block"),
];

/// Names that are whole numbers wherever they are used.
const INTEGERS: &[&str] = &[
    "client-id",
    "count",
    "cursor",
    "db",
    "decrement",
    "destination-db",
    "end",
    "increment",
    "index",
    "index1",
    "index2",
    "len",
    "milliseconds",
    "min-match-len",
    "offset",
    "protover",
    "seconds",
    "start",
    "timeout",
];

impl Kind {
    /// The type's name on the wire.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("string", |(_, name)| name)
    }

    fn of_name(name: &str) -> Kind {
        let numbered = name.trim_end_matches(|digit: char| digit.is_ascii_digit());
        match numbered {
            "key" | "newkey" | "source" | "destination" => Kind::Key,
            "pattern" => Kind::Pattern,
            _ if name.starts_with("unix-time") => Kind::UnixTime,
            _ if INTEGERS.contains(&name) => Kind::Integer,
            _ => Kind::String,
        }
    }
}

/// One documented argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name; made from its parts' names where the usage gives none.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// The literal word before its value, or all of it for [`Kind::PureToken`].
    pub token: Option<String>,
    /// May be left out.
    pub optional: bool,
    /// May be given again.
    pub multiple: bool,
    /// Its token is typed again with every value.
    pub multiple_token: bool,
    /// Its parts, for [`Kind::OneOf`] and [`Kind::Block`].
    pub arguments: Vec<Argument>,
}

impl Argument {
    fn new(name: &str, kind: Kind) -> Argument {
        Argument {
            name: name.to_owned(),
            kind,
            token: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            arguments: Vec::new(),
        }
    }

    fn value(word: &str) -> Argument {
        if let Some((name, typed)) = word.rsplit_once(':')
            && let Some((kind, _)) = KINDS.iter().find(|(_, wire)| *wire == typed)
        {
            return Argument::new(name, *kind);
        }
        Argument::new(word, Kind::of_name(word))
    }

    fn token(word: &str) -> Argument {
        let mut argument = Argument::new(&word.to_lowercase(), Kind::PureToken);
        argument.token = Some(word.to_owned());
        argument
    }

    fn group(kind: Kind, parts: Vec<Argument>) -> Argument {
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        let mut argument = Argument::new(&names.join("_"), kind);
        argument.arguments = parts;
        argument
    }

    /// Flags in the wire's words.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        [(self.optional, "optional"), (self.multiple, "multiple"), (self.multiple_token, "multiple_token")]
            .into_iter()
            .filter_map(|(set, name)| set.then_some(name))
    }
}

/// What is wrong with a usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

/// The arguments a usage documents, in order.
pub fn parse(usage: &str) -> Result<Vec<Argument>, Malformed> {
    let words = words_of(usage);
    let mut parser = Parser { words: &words, at: 0 };
    let (arguments, repeats) = parser.sequence()?;
    if repeats || parser.at != words.len() {
        return Err(Malformed(format!("`{usage}`: unexpected {:?}", words.get(parser.at))));
    }
    Ok(arguments)
}

/// Words and single marks.
fn words_of(usage: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for chunk in usage.split_whitespace() {
        let mut start = 0;
        for (at, mark) in chunk.match_indices(['[', ']', '<', '>', '|']) {
            if start < at {
                words.push(&chunk[start..at]);
            }
            words.push(mark);
            start = at + mark.len();
        }
        if start < chunk.len() {
            words.push(&chunk[start..]);
        }
    }
    words
}

struct Parser<'w> {
    words: &'w [&'w str],
    at: usize,
}

impl<'w> Parser<'w> {
    fn peek(&self) -> Option<&'w str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self) -> Option<&'w str> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    fn expect(&mut self, mark: &str) -> Result<(), Malformed> {
        match self.take() {
            Some(word) if word == mark => Ok(()),
            other => Err(Malformed(format!("expected `{mark}`, found {other:?}"))),
        }
    }

    /// Items up to a closing mark, a bar or the end; and whether `...` stood last.
    fn sequence(&mut self) -> Result<(Vec<Argument>, bool), Malformed> {
        let mut items: Vec<Argument> = Vec::new();
        while let Some(word) = self.peek() {
            match word {
                "]" | ">" | "|" => break,
                "..." => {
                    self.at += 1;
                    return Ok((items, true));
                }
                "[" => self.optional(&mut items)?,
                "<" => {
                    let group = self.group()?;
                    items.push(group);
                }
                word => {
                    self.at += 1;
                    let item = self.word(word)?;
                    items.push(item);
                }
            }
        }
        Ok((items, false))
    }

    fn word(&mut self, word: &str) -> Result<Argument, Malformed> {
        if !is_token(word) {
            return Ok(Argument::value(word));
        }
        let mut argument = match self.peek() {
            Some("<") => self.group()?,
            Some(value) if !is_token(value) && !matches!(value, "[" | "]" | ">" | "|" | "...") => {
                self.at += 1;
                Argument::value(value)
            }
            _ => return Ok(Argument::token(word)),
        };
        argument.token = Some(word.to_owned());
        Ok(argument)
    }

    fn group(&mut self) -> Result<Argument, Malformed> {
        self.expect("<")?;
        let (choices, repeats) = self.choices(">")?;
        let mut group = joined(choices);
        group.multiple |= repeats;
        self.name(&mut group);
        Ok(group)
    }

    /// A bracket: something that may be left out, or the repetition of what stands before it.
    fn optional(&mut self, before: &mut Vec<Argument>) -> Result<(), Malformed> {
        self.expect("[")?;
        let (mut choices, repeats) = self.choices("]")?;
        if repeats && choices.len() == 1 && ends_with(before, &choices[0]) {
            let parts = before.split_off(before.len() - choices[0].len());
            let again = choices.remove(0);
            let multiple_token = again[0].token.is_some();
            let mut repeated = joined(vec![parts]);
            repeated.multiple = true;
            repeated.multiple_token = multiple_token;
            before.push(repeated);
            return Ok(());
        }
        let mut argument = joined(choices);
        argument.optional = true;
        argument.multiple |= repeats;
        self.name(&mut argument);
        before.push(argument);
        Ok(())
    }

    /// The name behind a closed group, if there is one.
    fn name(&mut self, group: &mut Argument) {
        if let Some(name) = self.peek().and_then(|word| word.strip_prefix(':')) {
            self.at += 1;
            group.name = name.to_owned();
        }
    }

    fn choices(&mut self, close: &str) -> Result<(Vec<Vec<Argument>>, bool), Malformed> {
        let mut choices = Vec::new();
        loop {
            let (sequence, repeats) = self.sequence()?;
            if sequence.is_empty() {
                return Err(Malformed(format!("nothing before `{close}`")));
            }
            choices.push(sequence);
            if self.peek() == Some("|") && !repeats {
                self.at += 1;
                continue;
            }
            self.expect(close)?;
            return Ok((choices, repeats));
        }
    }
}

/// A word to be typed as it is: has letters or marks, none of them lower case.
fn is_token(word: &str) -> bool {
    !word.chars().any(char::is_lowercase) && !matches!(word, "[" | "]" | "<" | ">" | "|" | "...")
}

/// One argument from alternatives of one or more items each.
fn joined(mut choices: Vec<Vec<Argument>>) -> Argument {
    if choices.len() > 1 {
        let parts = choices.into_iter().map(|choice| joined(vec![choice])).collect();
        return Argument::group(Kind::OneOf, parts);
    }
    let mut items = choices.remove(0);
    // A token before one thing that may be left out is a group of its own: `FULL <[COUNT count]>`.
    let single = items.len() == 1 && !items[0].optional;
    if single { items.remove(0) } else { Argument::group(Kind::Block, items) }
}

/// Whether the last of `before` are `again`, the first one's token aside if `again` omits it.
fn ends_with(before: &[Argument], again: &[Argument]) -> bool {
    let Some(start) = before.len().checked_sub(again.len()) else { return false };
    let last = &before[start..];
    let tokenless = Argument { token: again[0].token.clone(), ..last[0].clone() };
    (last[0].token == again[0].token || again[0].token.is_none())
        && tokenless == again[0]
        && last[1..] == again[1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A compact picture: `name:type`, `?` optional, `*` multiple, `TOKEN=` before, parts in braces.
    fn picture(arguments: &[Argument]) -> String {
        let one = |argument: &Argument| {
            let token = argument.token.as_ref().map_or(String::new(), |token| format!("{token}="));
            let optional = if argument.optional { "?" } else { "" };
            let multiple = match (argument.multiple, argument.multiple_token) {
                (true, true) => "**",
                (true, false) => "*",
                _ => "",
            };
            let parts = match argument.arguments.len() {
                0 => String::new(),
                _ => format!("{{{}}}", picture(&argument.arguments)),
            };
            format!("{token}{}:{}{optional}{multiple}{parts}", argument.name, argument.kind.name())
        };
        arguments.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(usage: &str, expected: &str) {
        assert_eq!(picture(&parse(usage).unwrap()), expected);
    }

    #[test]
    fn names_give_their_types_away() {
        check("", "");
        check("key value", "key:key value:string");
        check("key1 key2 newkey source", "key1:key key2:key newkey:key source:key");
        check(
            "cursor pattern increment:double ip:port",
            "cursor:integer pattern:pattern increment:double ip:port:string",
        );
    }

    #[test]
    fn alternatives_are_one_of() {
        check("[NX|XX]", "nx_xx:oneof?{NX=nx:pure-token XX=xx:pure-token}");
        check(
            "[EX seconds|EXAT unix-time-seconds|KEEPTTL] [GET]",
            "seconds_unix-time-seconds_keepttl:oneof?{EX=seconds:integer EXAT=unix-time-seconds:unix-time \
             KEEPTTL=keepttl:pure-token} GET=get:pure-token?",
        );
        check("[ASYNC|SYNC]:mode", "mode:oneof?{ASYNC=async:pure-token SYNC=sync:pure-token}");
        check("<0|1>", "0_1:oneof{0=0:pure-token 1=1:pure-token}");
        check("SKIPME yes/no", "SKIPME=yes/no:string");
    }

    #[test]
    fn a_token_takes_the_group_after_it() {
        check(
            "[FILTERBY <MODULE name|PATTERN pattern>]",
            "FILTERBY=name_pattern:oneof?{MODULE=name:string PATTERN=pattern:pattern}",
        );
    }

    #[test]
    fn what_is_written_again_may_be_given_again() {
        check("key [key ...]", "key:key*");
        check("key value [key value ...]", "key_value:block*{key:key value:string}");
        check("[section ...]", "section:string?*");
        check("[ID client-id [client-id ...]]", "ID=client-id:integer?*");
        check("[GET pattern [GET pattern ...]]", "GET=pattern:pattern?**");
        check("[HELLO name [other ...]]", "name_other:block?{HELLO=name:string other:string?*}");
    }

    #[test]
    fn nested_groups_keep_their_shape() {
        check(
            "[protover [AUTH username password] [SETNAME name]]",
            "protover_username_password_name:block?{protover:integer username_password:block?{AUTH=username:string \
             password:string} SETNAME=name:string?}",
        );
    }

    #[test]
    fn mistakes_are_found() {
        for usage in ["[key", "key]", "<a|>", "[]", "a | b", "key ...", "[a b>"] {
            assert!(parse(usage).is_err(), "{usage}");
        }
    }
}
