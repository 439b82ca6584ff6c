//! Where Medusa means to differ from Redis 7.0, and what no two servers could answer alike.
//!
//! The differential test compares every reply byte for byte, except by the rules here; the README prints
//! [`DELIBERATE`] (a test holds it to that). So a difference is on one of two short lists, or a failure.

use crate::resp::value::Value;

/// A difference we chose.
#[derive(Debug)]
pub struct Difference {
    /// The command, or what it is about.
    pub subject: &'static str,
    /// What differs and why, one sentence.
    pub sentence: &'static str,
}

/// Every difference we chose.
pub const DELIBERATE: &[Difference] = &[
    Difference {
        subject: "Pipelines",
        sentence: "between two keys of different cores, another client may see the later of two pipelined writes \
                   first; `--pipeline-order strict` takes that away.",
    },
    Difference {
        subject: "CLIENT SETINFO",
        sentence: "is there, as in Redis 7.2, because client libraries send it when they connect.",
    },
    Difference {
        subject: "HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT, HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME, HPERSIST, \
                  HGETDEL, HGETEX, HSETEX",
        sentence: "are there, as in Redis 8.2; a hash with fields that expire is a `hashtable`, counts among the keys \
                   that expire in INFO, and DUMP leaves the fields' deadlines out; a field is gone when its time has \
                   come, where Redis, until a cycle removes it, counts it in HLEN and lets HEXPIRE bring it back.",
    },
    Difference {
        subject: "HRANDFIELD, SRANDMEMBER, SORT",
        sentence: "refuse a negative count, or several GETs, that would make a reply beyond 512 MB.",
    },
    Difference {
        subject: "SORT, SORT_RO",
        sentence: "compare texts by bytes, as Redis does in the C locale; elements whose texts are equal stay in the \
                   order of their source, with BY and LIMIT too, where Redis moves them; a number out of range in an earlier command, which Redis may \
                   take for one of theirs, does not make them fail.",
    },
    Difference {
        subject: "COMMAND",
        sentence: "lists what the table below lists; summaries and help texts are in our own words.",
    },
    Difference {
        subject: "INFO, LATENCY HISTOGRAM",
        sentence: "leave out what would have to be invented (forks, modules, Redis's build and Lua VM), and add a \
                   section `medusa` and, behind Redis's fields, the calls whose keys lay on several cores.",
    },
    Difference {
        subject: "MEMORY, OBJECT IDLETIME, DEBUG OBJECT, LOLWUT",
        sentence: "answer about this engine: other representations, other figures, no small integers that share one \
                   idle time.",
    },
    Difference {
        subject: "RESTORE",
        sentence: "checks all of a payload before it stores anything, as Redis does only where \
                   `sanitize-dump-payload` says so, and more: scores must be numbers in their order, a stream's ids \
                   must rise and its counts agree, and no value runs on into the checksum.",
    },
    Difference { subject: "REPLICAOF, SLAVEOF", sentence: "know NO ONE only: Medusa does not replicate." },
    Difference {
        subject: "MONITOR",
        sentence: "shows a command when it is taken up, which for the monitor's own is before its reply.",
    },
];

/// Commands of ours that Redis 7.0 has not: nothing to compare them with.
pub const NEWER: &[&str] = &[
    "client|setinfo",
    "hexpire",
    "hexpireat",
    "hexpiretime",
    "hgetdel",
    "hgetex",
    "hpersist",
    "hpexpire",
    "hpexpireat",
    "hpexpiretime",
    "hpttl",
    "hsetex",
    "httl",
];

/// Whether Redis 8 answers these words otherwise than 7.0 does, whose answers are ours: it refuses an empty or a
/// negative cursor.
pub fn is_changed_since(words: &[Vec<u8>]) -> bool {
    let cursor = match words[0].to_ascii_lowercase().as_slice() {
        b"scan" => 1,
        b"hscan" | b"sscan" | b"zscan" => 2,
        _ => return false,
    };
    words.get(cursor).is_some_and(|word| word.is_empty() || word[0] == b'-')
}

/// How two replies to one command are compared when both are no error and bytes are too strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Not at all: the command is left out of random sessions.
    LeaveOut,
    /// As sets of elements.
    Unordered,
    /// As sets of pairs: two elements, or an entry of a map.
    UnorderedPairs,
    /// By the whole iteration that starts with this call, as sets of keys or of members.
    WholeScan,
    /// Only that both have the same type of reply, and as many elements.
    Length,
    /// Byte for byte, where [`is_sorted_freely`] is false; else as a multiset, or with LIMIT by their number.
    Sorted,
    /// Both nil, or each a key that the other server has as well.
    SomeKey,
    /// After both have dropped what is expired but not yet removed.
    AfterExpiry,
    /// As numbers at most this far apart.
    Near(i64),
    /// As trees whose numbers are at most this far apart.
    Within(i64),
    /// Only that both have the same type of reply.
    Type,
    /// Without the values of these fields.
    Fields(&'static [&'static str]),
}

/// A command whose replies are not compared byte for byte.
#[derive(Debug)]
pub struct Rule {
    /// `get`, or `client|list`.
    pub command: &'static str,
    /// How it is compared.
    pub compare: Compare,
    /// Why bytes cannot be.
    pub reason: &'static str,
}

const fn rule(command: &'static str, compare: Compare, reason: &'static str) -> Rule {
    Rule { command, compare, reason }
}

/// Every command that is not compared byte for byte, with the reason.
pub const RULES: &[Rule] = &[
    rule("keys", Compare::Unordered, "the order of a hash table"),
    rule("scan", Compare::WholeScan, "cursors mean what each table wants; the keys found must agree"),
    rule("hscan", Compare::WholeScan, "as SCAN"),
    rule("sscan", Compare::WholeScan, "as SCAN"),
    rule("zscan", Compare::WholeScan, "as SCAN"),
    rule("randomkey", Compare::SomeKey, "random"),
    rule("hgetall", Compare::UnorderedPairs, "the order of a hash table"),
    rule("hkeys", Compare::Unordered, "the order of a hash table"),
    rule("hvals", Compare::Unordered, "the order of a hash table"),
    rule("hrandfield", Compare::Length, "random"),
    rule("smembers", Compare::Unordered, "the order of a hash table"),
    rule("sinter", Compare::Unordered, "the order of a hash table"),
    rule("sunion", Compare::Unordered, "the order of a hash table"),
    rule("sdiff", Compare::Unordered, "the order of a hash table"),
    rule("sort", Compare::Sorted, "the order of a table, unsorted or where texts are equal"),
    rule("sort_ro", Compare::Sorted, "as SORT"),
    rule("zrandmember", Compare::Length, "random"),
    rule("srandmember", Compare::Length, "random"),
    rule("spop", Compare::LeaveOut, "random, and the two servers' sets differ from then on"),
    rule(
        "dbsize",
        Compare::AfterExpiry,
        "counts expired keys until they are removed, at a time of one's own",
    ),
    rule("ttl", Compare::Near(2), "two clocks read at two moments; seconds"),
    rule("pttl", Compare::Near(2_000), "two clocks read at two moments; milliseconds"),
    rule("expiretime", Compare::Near(2), "a deadline set relative to one's own clock; seconds"),
    rule("pexpiretime", Compare::Near(2_000), "a deadline set relative to one's own clock; milliseconds"),
    rule("httl", Compare::Within(2), "as TTL, of each field"),
    rule("hpttl", Compare::Within(2_000), "as PTTL, of each field"),
    rule("hexpiretime", Compare::Within(2), "as EXPIRETIME, of each field"),
    rule("hpexpiretime", Compare::Within(2_000), "as PEXPIRETIME, of each field"),
    rule(
        "object|idletime",
        Compare::Type,
        "seconds of one's own clock; the reference's small integers share theirs",
    ),
    rule(
        "pfselftest",
        Compare::LeaveOut,
        "takes seconds, and fails in the reference where `hll-sparse-max-bytes` is set low",
    ),
    rule("xpending", Compare::Within(5_000), "times since deliveries"),
    rule("xinfo|consumers", Compare::Within(5_000), "times since consumers were heard of"),
    rule("xinfo|stream", Compare::Within(5_000), "with FULL, times of deliveries"),
    rule("xinfo|help", Compare::Type, "prose"),
    rule("xgroup|help", Compare::Type, "prose"),
    rule("time", Compare::Type, "the time"),
    rule(
        "hello",
        Compare::Fields(&["id", "version", "modules"]),
        "a connection's number, a server's version, its modules",
    ),
    rule("client|id", Compare::Type, "a connection's number"),
    rule(
        "client|info",
        Compare::Type,
        "addresses, ages and sizes of buffers; tests/blackbox compares the fields",
    ),
    rule("client|list", Compare::Type, "as CLIENT INFO"),
    rule(
        "dump",
        Compare::Type,
        "compressed or not, in the order of a table; tests/blackbox carries payloads",
    ),
    rule("memory|usage", Compare::LeaveOut, "bytes of another representation, and it sees expired keys"),
    rule("lastsave", Compare::Type, "a time"),
    rule("lolwut", Compare::LeaveOut, "art"),
    rule("info", Compare::LeaveOut, "figures of one server; tests/blackbox compares the fields"),
    rule("memory|stats", Compare::LeaveOut, "figures of one allocator"),
    rule("memory|doctor", Compare::LeaveOut, "prose about one server"),
    rule("memory|malloc-stats", Compare::LeaveOut, "prose of one allocator"),
    rule("latency|histogram", Compare::LeaveOut, "times of one server"),
    rule("slowlog|get", Compare::LeaveOut, "times of one server"),
    rule("slowlog|len", Compare::LeaveOut, "which command was slow is a matter of one server's day"),
    rule("config|get", Compare::LeaveOut, "values of one server; tests/blackbox compares the defaults"),
    rule(
        "config|set",
        Compare::LeaveOut,
        "would change what the other commands answer; tests/blackbox has it",
    ),
    rule("command", Compare::LeaveOut, "lists every command; tests/blackbox compares each row"),
    rule("command|info", Compare::LeaveOut, "may list every command; tests/blackbox compares each row"),
    rule("command|count", Compare::LeaveOut, "one server has more commands"),
    rule("command|list", Compare::LeaveOut, "one server has more commands"),
    rule("command|docs", Compare::LeaveOut, "prose; tests/blackbox compares all but the summaries"),
    rule("client|setinfo", Compare::LeaveOut, "deliberate: Redis 7.2 has it, 7.0 has not"),
    rule("client|help", Compare::Type, "prose"),
    rule("command|help", Compare::Type, "prose"),
    rule("config|help", Compare::Type, "prose"),
    rule("object|help", Compare::Type, "prose"),
    rule("memory|help", Compare::Type, "prose"),
    rule("latency|help", Compare::Type, "prose"),
    rule("slowlog|help", Compare::Type, "prose"),
    rule("debug|help", Compare::LeaveOut, "prose, and refused by default"),
    rule("client|kill", Compare::LeaveOut, "ends connections, perhaps this one; tests/blackbox has it"),
    rule("client|pause", Compare::LeaveOut, "stops the world; tests/blackbox has it"),
    rule("client|reply", Compare::LeaveOut, "leaves nothing to compare; tests/blackbox has it"),
    rule("monitor", Compare::LeaveOut, "turns a connection into a stream; tests/blackbox has it"),
    rule("quit", Compare::LeaveOut, "ends the connection; tests/blackbox has it"),
    rule("replicaof", Compare::LeaveOut, "makes the reference a replica"),
    rule("slaveof", Compare::LeaveOut, "makes the reference a replica"),
    rule("shutdown", Compare::LeaveOut, "ends the server; tests/blackbox has it"),
];

/// How the replies of a command are compared; `None`: byte for byte.
pub fn compare_of(full_name: &str) -> Option<Compare> {
    RULES.iter().find(|rule| rule.command == full_name).map(|rule| rule.compare)
}

/// Whether elements that SORT with these words has put in `reply` may stand in an order of the server's own:
/// where nothing is sorted, where weights may be missing or equal texts, and where texts are equal up to a NUL.
pub fn is_sorted_freely(words: &[Vec<u8>], reply: &[u8]) -> bool {
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let by = words.windows(2).skip(2).filter(|pair| is(&pair[0], "by"));
    let is_constant =
        |pair: &[Vec<u8>]| !pair[1].split(|&byte| byte == 0).next().is_some_and(|text| text.contains(&b'*'));
    let (mut weighed, mut unsorted) = (false, false);
    for pair in by {
        weighed = true;
        unsorted |= is_constant(pair);
    }
    unsorted || words.iter().any(|word| is(word, "alpha")) && (weighed || reply.contains(&0))
}

/// The elements of a list, a set or a map (whose entries are pairs), or of RESP2's lists of pairs, sorted;
/// whatever else it is, by itself.
pub fn elements(value: &Value, pairs: bool) -> Vec<String> {
    let mut elements: Vec<String> = match value {
        Value::Array(items) if pairs => items.chunks(2).map(|pair| format!("{pair:?}")).collect(),
        Value::Array(items) | Value::Set(items) => items.iter().map(|item| format!("{item:?}")).collect(),
        Value::Map(entries) => entries.iter().map(|entry| format!("{entry:?}")).collect(),
        other => vec![format!("{other:?}")],
    };
    elements.sort();
    elements
}

/// The type of a reply and how many elements it has.
pub fn length(value: &Value) -> (std::mem::Discriminant<Value>, usize) {
    (std::mem::discriminant(value), elements(value, false).len())
}
