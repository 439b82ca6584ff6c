//! Which words of a command are keys, and what is done to them.
//!
//! Most rows say it by numbers: a first word, a last, a step. Some commands say it themselves, by a count of
//! keys, behind a word, or in an option: these have a `Rule`. Whoever looks for keys asks
//! [`Keys::indexes`], and COMMAND INFO prints [`Keys::specifications`].

use crate::base::args::Args;
use crate::base::number::parse_i64;
use smallvec::SmallVec;

/// Which arguments are keys: COMMAND's first, last (negative: from the end) and step, and the rule where
/// these do not say all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Index of the first key; 0: none, or the rule says.
    pub first: i16,
    /// Index of the last key; negative counts from the end.
    pub last: i16,
    /// Distance between keys.
    pub step: i16,
    /// What is done to them.
    pub access: Access,
    /// What is done to one of them, where that is something else.
    other: Other,
    rule: Rule,
}

/// The one key that is used otherwise than the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    None,
    First(Access),
    Last(Access),
}

/// How a command says which of its words are keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// By the numbers of its row.
    Range,
    /// The word at this index counts the keys behind it; a destination may stand before it, at `first`.
    Counted(i16),
    /// The first half of the words behind STREAMS, which stands at this index at the earliest.
    Streams(i16),
    /// The key at `first`, and the word behind the last STORE: SORT. Its patterns name others.
    Sort,
    /// The key at `first`; patterns name others: SORT_RO.
    SortRead,
    /// The key at `first`, and the word behind the last STORE or STOREDIST from this index on: GEORADIUS.
    Geo(i16),
}

/// What a command does to its keys: the flags of COMMAND INFO's key specifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(pub &'static [&'static str]);

impl Access {
    /// Reads the value.
    pub const READ: Access = Access(&["RO", "access"]);
    /// Reads the key's metadata only.
    pub const READ_META: Access = Access(&["RO"]);
    /// Overwrites the value.
    pub const OVERWRITE: Access = Access(&["OW", "update"]);
    /// Reads and changes the value.
    pub const UPDATE: Access = Access(&["RW", "update"]);
    /// Reads, answers and changes the value.
    pub const ACCESS_UPDATE: Access = Access(&["RW", "access", "update"]);
    /// Adds to the value.
    pub const INSERT: Access = Access(&["RW", "insert"]);
    /// Removes the key.
    pub const DELETE: Access = Access(&["RM", "delete"]);
    /// Removes from the value.
    pub const DELETE_PART: Access = Access(&["RW", "delete"]);
    /// Takes the value, or a part of it, away.
    pub const ACCESS_DELETE: Access = Access(&["RW", "access", "delete"]);
}

/// One key specification of COMMAND INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Specification {
    /// What is done to these keys.
    pub access: Access,
    /// Where the search for them begins.
    pub begin: Begin,
    /// How they are found from there.
    pub find: Find,
    /// What else there is to say; empty: nothing.
    pub notes: &'static str,
}

/// Where a key specification begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At this word.
    Index(i16),
    /// Behind this word, looked for from an index on.
    Keyword(&'static str, i16),
    /// Nobody can say without knowing the command.
    Unknown,
}

/// How a key specification goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// To a last key (counted from the first, or from the end where negative), every so many words; a limit
    /// of n takes one nth of them.
    Range(i16, i16, i16),
    /// The first word counts the keys behind it.
    Count,
    /// Nobody can say without knowing the command.
    Unknown,
}

/// Indexes of keys among the words of one command.
#[derive(Clone, Debug)]
pub struct Indexes {
    before: Option<usize>,
    next: usize,
    end: usize,
    step: usize,
    after: Option<usize>,
}

impl Iterator for Indexes {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if let Some(index) = self.before.take() {
            return Some(index);
        }
        if self.next < self.end {
            let index = self.next;
            self.next += self.step;
            return Some(index);
        }
        self.after.take()
    }
}

impl Keys {
    /// No key.
    pub const NONE: Keys = Keys::range(0, 0, 0, Access(&[]));

    /// One key at `index`.
    pub const fn at(index: i16, access: Access) -> Keys {
        Keys::range(index, index, 1, access)
    }

    /// Keys from `first` to `last` (negative: from the end), every `step` words.
    pub const fn range(first: i16, last: i16, step: i16, access: Access) -> Keys {
        Keys { first, last, step, access, other: Other::None, rule: Rule::Range }
    }

    /// As many keys behind word `at` as it says: ZUNION, LMPOP.
    pub const fn counted(at: i16, access: Access) -> Keys {
        Keys { first: 0, last: 0, step: 0, access, other: Other::None, rule: Rule::Counted(at) }
    }

    /// A destination at 1 before counted keys: ZUNIONSTORE.
    pub const fn and_first(mut self, access: Access) -> Keys {
        (self.first, self.last, self.step) = (1, 1, 1);
        self.other = Other::First(access);
        self
    }

    /// The first half of what stands behind STREAMS, the word itself not before index `earliest`: XREAD,
    /// XREADGROUP.
    pub const fn streams(earliest: i16, access: Access) -> Keys {
        Keys { first: 0, last: 0, step: 0, access, other: Other::None, rule: Rule::Streams(earliest) }
    }

    /// One key at 1, and the one in the option STORE: SORT.
    pub const fn sort() -> Keys {
        Keys { rule: Rule::Sort, ..Keys::at(1, Access::READ) }
    }

    /// One key at 1, and patterns: SORT_RO.
    pub const fn sort_read() -> Keys {
        Keys { rule: Rule::SortRead, ..Keys::at(1, Access::READ) }
    }

    /// One key at 1, and the one in the options STORE or STOREDIST, which begin at `options`: GEORADIUS.
    pub const fn geo_store(options: i16) -> Keys {
        Keys { rule: Rule::Geo(options), ..Keys::at(1, Access::READ) }
    }

    /// Several keys of which the last is used otherwise: RENAME, COPY, LMOVE.
    pub const fn then(mut self, access: Access) -> Keys {
        self.other = Other::Last(access);
        self
    }

    /// Several keys of which the first is used otherwise: SINTERSTORE, BITOP.
    pub const fn after(mut self, access: Access) -> Keys {
        self.other = Other::First(access);
        self
    }

    /// Whether there are any.
    pub const fn is_some(self) -> bool {
        self.first > 0 || !matches!(self.rule, Rule::Range)
    }

    /// Whether there is one key at most, in a place that does not depend on the words.
    #[inline]
    pub fn is_one(self) -> bool {
        self.first == self.last && self.rule == Rule::Range
    }

    /// Whether the words name every key that the command may look up. Where they do not, values do: it runs in
    /// hops with every shard locked as a whole.
    #[inline]
    pub fn are_all_named(self, args: Args<'_>) -> bool {
        !matches!(self.rule, Rule::Sort | Rule::SortRead) || !sort_options(args).reach
    }

    /// Whether a command whose row says that it writes does so with these words.
    pub fn may_change(self, args: Args<'_>) -> bool {
        match self.rule {
            Rule::Sort | Rule::Geo(_) => self.indexes(args).nth(1).is_some(),
            _ => true,
        }
    }

    /// Index of the first key in a command, if it has one and the words reach it.
    #[inline]
    pub fn first_index(self, args: Args<'_>) -> Option<usize> {
        if self.first > 0 {
            let first = self.first as usize;
            return (first < args.len()).then_some(first);
        }
        if self.rule == Rule::Range { None } else { self.indexes(args).next() }
    }

    /// The indexes of the keys in a command; none behind a count that is none or that the words do not reach.
    pub fn indexes(self, args: Args<'_>) -> Indexes {
        let len = args.len();
        let first = (self.first > 0 && (self.first as usize) < len).then_some(self.first as usize);
        let run = |before, next: usize, count: usize| Indexes {
            before,
            next,
            end: next + count,
            step: 1,
            after: None,
        };
        match self.rule {
            Rule::Range => {
                let last = if self.last < 0 { len as isize + self.last as isize } else { self.last as isize };
                let end = if self.first == 0 { 0 } else { (last + 1).clamp(0, len as isize) as usize };
                let next = if self.first == 0 { 1 } else { self.first as usize };
                Indexes { before: None, next, end, step: self.step.max(1) as usize, after: None }
            }
            Rule::Counted(at) => {
                let at = at as usize;
                let count = args.get(at).and_then(parse_i64).and_then(|count| usize::try_from(count).ok());
                let count = count.filter(|count| *count < len - at).unwrap_or(0);
                run(first, at + 1, count)
            }
            Rule::Streams(_) => match streams_word(args) {
                Some(word) => run(None, word + 1, (len - word - 1) / 2),
                None => run(None, 1, 0),
            },
            Rule::Sort => Indexes { after: sort_options(args).store, ..run(first, 1, 0) },
            Rule::SortRead => run(first, 1, 0),
            Rule::Geo(options) => Indexes { after: geo_store(args, options as usize), ..run(first, 1, 0) },
        }
    }

    /// The runs of keys that are used alike, as COMMAND INFO lists them; none without keys.
    pub fn specifications(self) -> SmallVec<[Specification; 3]> {
        let mut list: SmallVec<[Specification; 3]> = SmallVec::new();
        let mut add = |access, begin, find| list.push(Specification { access, begin, find, notes: "" });
        // The last key as a distance from the first, unless it counts from the end.
        let distance = |last: i16, first: i16| if last < 0 { last } else { last - first };
        match (self.rule, self.other) {
            (Rule::Range, _) if self.first == 0 => {}
            (Rule::Range, Other::None) => {
                let find = Find::Range(distance(self.last, self.first), self.step, 0);
                add(self.access, Begin::Index(self.first), find);
            }
            (Rule::Range, Other::First(access)) => {
                add(access, Begin::Index(self.first), Find::Range(0, 1, 0));
                let next = self.first + self.step;
                add(self.access, Begin::Index(next), Find::Range(distance(self.last, next), self.step, 0));
            }
            (Rule::Range, Other::Last(access)) => {
                let before = self.last - self.step;
                add(self.access, Begin::Index(self.first), Find::Range(before - self.first, self.step, 0));
                add(access, Begin::Index(self.last), Find::Range(0, self.step, 0));
            }
            (Rule::Counted(at), other) => {
                if let Other::First(access) = other {
                    add(access, Begin::Index(self.first), Find::Range(0, 1, 0));
                }
                add(self.access, Begin::Index(at), Find::Count);
            }
            (Rule::Streams(earliest), _) => {
                add(self.access, Begin::Keyword("STREAMS", earliest), Find::Range(-1, 1, 2));
            }
            (Rule::Sort | Rule::SortRead, _) => {
                add(self.access, Begin::Index(1), Find::Range(0, 1, 0));
                add(Access::READ, Begin::Unknown, Find::Unknown);
                if self.rule == Rule::Sort {
                    add(Access::OVERWRITE, Begin::Unknown, Find::Unknown);
                    list[2].notes = "For the optional STORE keyword. It is marked 'unknown' because the keyword can \
                                     appear anywhere in the argument array";
                }
                list[1].notes = "For the optional BY/GET keyword. It is marked 'unknown' because the key names \
                                 derive from the content of the key we sort";
            }
            (Rule::Geo(options), _) => {
                add(self.access, Begin::Index(1), Find::Range(0, 1, 0));
                add(Access::OVERWRITE, Begin::Keyword("STORE", options), Find::Range(0, 1, 0));
                add(Access::OVERWRITE, Begin::Keyword("STOREDIST", options), Find::Range(0, 1, 0));
            }
        }
        list
    }

    /// What is done to each key of a command, beside its index.
    pub fn accesses(self, args: Args<'_>) -> Vec<(usize, Access)> {
        let indexes: Vec<usize> = self.indexes(args).collect();
        let (count, stores) = (indexes.len(), matches!(self.rule, Rule::Sort | Rule::Geo(_)));
        let access = |at: usize| match self.other {
            Other::First(access) if at == 0 => access,
            Other::Last(access) if at + 1 == count => access,
            _ if stores && at > 0 => Access::OVERWRITE,
            _ => self.access,
        };
        indexes.iter().enumerate().map(|(at, &index)| (index, access(at))).collect()
    }
}

/// Index of the word STREAMS, looked for as XREAD and XREADGROUP read their options.
fn streams_word(args: Args<'_>) -> Option<usize> {
    let mut at = 1;
    while at < args.len() {
        if args.is(at, "block") || args.is(at, "count") {
            at += 2;
        } else if args.is(at, "group") {
            at += 3;
        } else if args.is(at, "noack") {
            at += 1;
        } else if args.is(at, "streams") {
            return Some(at);
        } else {
            return None;
        }
    }
    None
}

/// What SORT's options say about keys.
struct SortOptions {
    /// Index of the key in STORE, the last of several.
    store: Option<usize>,
    /// A pattern names others.
    reach: bool,
}

fn sort_options(args: Args<'_>) -> SortOptions {
    let (mut at, mut options) = (2, SortOptions { store: None, reach: false });
    while at < args.len() {
        let words = match () {
            () if args.is(at, "limit") => 2,
            () if args.is(at, "get") || args.is(at, "by") => {
                options.reach |= args.get(at + 1).is_some_and(|pattern| pattern.contains(&b'*'));
                1
            }
            () if args.is(at, "store") && at + 1 < args.len() => {
                options.store = Some(at + 1);
                1
            }
            () => 0,
        };
        at += 1 + words;
    }
    options
}

/// Index of the key in GEORADIUS's options STORE and STOREDIST, the last of several.
fn geo_store(args: Args<'_>, options: usize) -> Option<usize> {
    let (mut at, mut found) = (options, None);
    while at + 1 < args.len() {
        if args.is(at, "store") || args.is(at, "storedist") {
            at += 1;
            found = Some(at);
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::args::OwnedArgs;

    fn keys_of(keys: Keys, words: &str) -> Vec<String> {
        let args = OwnedArgs::collect(words.split(' ').map(str::as_bytes));
        let found = keys.indexes(args.view());
        found.map(|at| String::from_utf8_lossy(args.view().at(at)).into_owned()).collect()
    }

    #[test]
    fn keys_are_found_by_number_count_word_and_option() {
        let counted = Keys::counted(1, Access::READ);
        assert_eq!(keys_of(counted, "zunion 2 a b weights 1 2"), ["a", "b"]);
        assert!(keys_of(counted, "zunion 9 a b").is_empty());
        assert!(keys_of(counted, "zunion -1 a b").is_empty());
        assert!(keys_of(counted, "zunion x a b").is_empty());
        let stored = Keys::counted(2, Access::READ).and_first(Access::OVERWRITE);
        assert_eq!(keys_of(stored, "zunionstore d 2 a b"), ["d", "a", "b"]);
        assert_eq!(keys_of(stored, "zunionstore d 3 a b"), ["d"]);
        let streams = Keys::streams(1, Access::READ);
        assert_eq!(keys_of(streams, "xread count streams streams a b 0 0"), ["a", "b"]);
        assert!(keys_of(streams, "xread count 1").is_empty());
        assert_eq!(keys_of(Keys::sort(), "sort a by store limit 1 2 store b store c"), ["a", "c"]);
        assert_eq!(keys_of(Keys::sort(), "sort a store"), ["a"]);
        assert_eq!(keys_of(Keys::sort_read(), "sort_ro a store b"), ["a"]);
        assert_eq!(keys_of(Keys::geo_store(6), "georadius a 1 1 1 m store b storedist c"), ["a", "c"]);
        assert_eq!(keys_of(Keys::range(2, -1, 1, Access::READ), "bitop and d a b"), ["d", "a", "b"]);
    }

    #[test]
    fn a_pattern_with_a_star_names_keys_that_no_word_names() {
        let all_named = |keys: Keys, words: &str| {
            let args = OwnedArgs::collect(words.split(' ').map(str::as_bytes));
            (keys.are_all_named(args.view()), keys.may_change(args.view()))
        };
        assert_eq!(all_named(Keys::sort(), "sort a"), (true, false));
        assert_eq!(all_named(Keys::sort(), "sort * by nosort get # store *"), (true, true));
        assert_eq!(all_named(Keys::sort(), "sort a by w_*"), (false, false));
        assert_eq!(all_named(Keys::sort(), "sort a limit by 1 get *->f store b"), (false, true));
        assert_eq!(all_named(Keys::sort_read(), "sort_ro a get o_*"), (false, true));
        assert_eq!(all_named(Keys::at(1, Access::UPDATE), "incr by"), (true, true));
    }
}
