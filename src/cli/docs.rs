//! What the server says about its commands (COMMAND DOCS), as hints and help.

use crate::resp::Value;

/// One command or subcommand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Doc {
    /// In capitals; a subcommand's is two words.
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) since: String,
    pub(super) group: String,
    /// Arguments in order, each as it is written in a synopsis.
    pub(super) arguments: Vec<Argument>,
}

/// One argument of a synopsis.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) text: String,
    /// Whether it is exactly one word, always there.
    pub(super) one_word: bool,
}

impl Doc {
    /// The arguments still to type after `typed` words.
    pub(super) fn rest(&self, typed: usize) -> String {
        let passed = self.arguments.iter().take(typed).take_while(|argument| argument.one_word).count();
        let rest: Vec<&str> =
            self.arguments[passed..].iter().map(|argument| argument.text.as_str()).collect();
        // Behind the first argument of variable length nobody knows where the words belong.
        if passed < typed
            && passed < self.arguments.len()
            && !rest[0].starts_with('[')
            && !rest[0].contains(" [")
        {
            return String::new();
        }
        rest.join(" ")
    }

    /// What `help NAME` prints.
    pub(super) fn help(&self) -> String {
        format!(
            "\n  {} {}\n  summary: {}\n  since: {}\n  group: {}\n\n",
            self.name,
            self.rest(0),
            self.summary,
            self.since,
            self.group
        )
    }
}

/// Reads the reply of COMMAND DOCS, of either protocol; sorted by name. What is not understood is left out.
pub(super) fn read(reply: &Value) -> Vec<Doc> {
    let mut docs = Vec::new();
    for (name, facts) in pairs(reply) {
        read_one(text(name).to_uppercase(), facts, &mut docs);
    }
    docs.sort_by(|left, right| left.name.cmp(&right.name));
    docs
}

fn read_one(name: String, facts: &Value, docs: &mut Vec<Doc>) {
    let mut doc = Doc { name, ..Doc::default() };
    for (fact, value) in pairs(facts) {
        match text(fact).as_str() {
            "summary" => doc.summary = text(value),
            "since" => doc.since = text(value),
            "group" => doc.group = text(value),
            "arguments" => {
                doc.arguments = value.as_items().unwrap_or_default().iter().map(argument).collect();
            }
            "subcommands" => {
                for (name, facts) in pairs(value) {
                    read_one(text(name).to_uppercase().replace('|', " "), facts, docs);
                }
            }
            _ => {}
        }
    }
    docs.push(doc);
}

/// One argument in the notation of the Redis manual: `[NX | XX]`, `key [key ...]`, `EX seconds`.
fn argument(spec: &Value) -> Argument {
    let (mut name, mut kind, mut token) = (String::new(), String::new(), None);
    let (mut optional, mut multiple, mut multiple_token) = (false, false, false);
    let mut parts = Vec::new();
    for (fact, value) in pairs(spec) {
        match text(fact).as_str() {
            "name" if name.is_empty() => name = text(value),
            "display_text" => name = text(value),
            "type" => kind = text(value),
            "token" => token = Some(text(value)),
            "flags" => {
                let flags: Vec<String> = value.as_items().unwrap_or_default().iter().map(text).collect();
                let has = |flag: &str| flags.iter().any(|have| have == flag);
                (optional, multiple, multiple_token) =
                    (has("optional"), has("multiple"), has("multiple_token"));
            }
            "arguments" => parts = value.as_items().unwrap_or_default().iter().map(argument).collect(),
            _ => {}
        }
    }
    let parts: Vec<String> = parts.into_iter().map(|part| part.text).collect();
    let body = match kind.as_str() {
        "pure-token" => String::new(),
        "oneof" if optional && token.is_none() && !multiple => parts.join(" | "),
        "oneof" => format!("<{}>", parts.join(" | ")),
        "block" => parts.join(" "),
        _ => name,
    };
    let plain = token.is_none() && !matches!(kind.as_str(), "oneof" | "block" | "pure-token");
    let token = token.map(|token| if token.is_empty() { "\"\"".to_string() } else { token });
    let with_token = |body: &str| match &token {
        Some(token) if body.is_empty() => token.clone(),
        Some(token) => format!("{token} {body}"),
        None => body.to_string(),
    };
    let written = match (multiple, multiple_token) {
        (false, _) => with_token(&body),
        (true, false) => with_token(&format!("{body} [{body} ...]")),
        (true, true) => format!("{0} [{0} ...]", with_token(&body)),
    };
    Argument {
        text: if optional { format!("[{written}]") } else { written },
        one_word: !optional
            && !multiple
            && (plain
                || kind == "pure-token"
                || kind == "oneof" && !parts.iter().any(|part| part.contains(' '))),
    }
}

/// The pairs of a map, or of an array that alternates as RESP2 writes maps.
fn pairs(value: &Value) -> Vec<(&Value, &Value)> {
    match value {
        Value::Map(pairs) => pairs.iter().map(|(key, value)| (key, value)).collect(),
        Value::Array(items) => items.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect(),
        _ => Vec::new(),
    }
}

fn text(value: &Value) -> String {
    String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.as_bytes().to_vec())
    }

    fn spec(name: &str, kind: &str, token: Option<&str>, flags: &[&str], parts: Vec<Value>) -> Value {
        let mut facts = vec![(bulk("name"), bulk(name)), (bulk("type"), bulk(kind))];
        facts.extend(token.map(|token| (bulk("token"), bulk(token))));
        facts.push((bulk("flags"), Value::Set(flags.iter().map(|flag| bulk(flag)).collect())));
        facts.push((bulk("arguments"), Value::Array(parts)));
        Value::Map(facts)
    }

    fn set() -> Value {
        let option = |name: &str, token| spec(name, "integer", Some(token), &[], vec![]);
        let flag = |token| spec("flag", "pure-token", Some(token), &[], vec![]);
        Value::Map(vec![
            (bulk("summary"), bulk("Sets.")),
            (bulk("since"), bulk("1.0.0")),
            (bulk("group"), bulk("string")),
            (
                bulk("arguments"),
                Value::Array(vec![
                    spec("key", "key", None, &[], vec![]),
                    spec("value", "string", None, &[], vec![]),
                    spec("condition", "oneof", None, &["optional"], vec![flag("NX"), flag("XX")]),
                    spec(
                        "expiration",
                        "oneof",
                        None,
                        &["optional"],
                        vec![option("seconds", "EX"), flag("KEEPTTL")],
                    ),
                ]),
            ),
        ])
    }

    #[test]
    fn a_synopsis_is_written_as_in_the_manual() {
        let docs = read(&Value::Map(vec![(bulk("set"), set())]));
        assert_eq!(docs[0].rest(0), "key value [NX | XX] [EX seconds | KEEPTTL]");
        assert_eq!(docs[0].rest(1), "value [NX | XX] [EX seconds | KEEPTTL]");
        assert_eq!(docs[0].rest(5), "[NX | XX] [EX seconds | KEEPTTL]");
        assert_eq!(
            docs[0].help(),
            "\n  SET key value [NX | XX] [EX seconds | KEEPTTL]\n  summary: Sets.\n  since: 1.0.0\n  group: string\n\n"
        );
    }

    #[test]
    fn repeated_arguments_show_that_they_repeat() {
        let pair =
            vec![spec("field", "string", None, &[], vec![]), spec("value", "string", None, &[], vec![])];
        for (spec, expected) in [
            (spec("key", "key", None, &["multiple"], vec![]), "key [key ...]"),
            (spec("data", "block", None, &["multiple"], pair), "field value [field value ...]"),
            (
                spec("p", "pattern", Some("GET"), &["optional", "multiple", "multiple_token"], vec![]),
                "[GET p [GET p ...]]",
            ),
            (spec("p", "pattern", Some("STORE"), &["optional"], vec![]), "[STORE p]"),
        ] {
            assert_eq!(argument(&spec).text, expected);
        }
    }

    #[test]
    fn subcommands_and_resp2_are_understood() {
        let get = Value::Array(vec![bulk("summary"), bulk("Gets."), bulk("group"), bulk("server")]);
        let config = Value::Array(vec![bulk("subcommands"), Value::Array(vec![bulk("config|get"), get])]);
        let docs = read(&Value::Array(vec![bulk("config"), config]));
        let names: Vec<&str> = docs.iter().map(|doc| doc.name.as_str()).collect();
        assert_eq!(names, ["CONFIG", "CONFIG GET"]);
        assert_eq!(docs[1].summary, "Gets.");
    }
}
