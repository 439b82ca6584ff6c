//! The families joined, looked up by name in any case, with a dense number per command.
//!
//! The hot lookup hashes the length and the first eight bytes, case folded, into a table that is
//! at most an eighth full: one probe and one comparison for nearly every name.

use crate::base::args::Args;
use crate::command::spec::{Place, Spec};
use std::sync::OnceLock;

/// A row in the joined table.
pub struct Command {
    /// Its number: an index into per-command metrics.
    pub id: u16,
    /// Its row.
    pub spec: &'static Spec,
    /// `get`, or `client|list` for a subcommand.
    pub full_name: String,
    /// Subcommands of a container.
    pub subcommands: Vec<&'static Command>,
    /// Words that name it: 1, or 2 for a subcommand.
    pub words: usize,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.full_name)
    }
}

impl Command {
    /// Whether a command of `words` words has the right number of them.
    pub fn arity_fits(&self, words: usize) -> bool {
        let arity = self.spec.arity;
        if arity >= 0 { words == arity as usize } else { words >= arity.unsigned_abs() as usize }
    }
}

/// What a lookup finds.
#[derive(Clone, Copy, Debug)]
pub enum Lookup {
    /// A command that can run.
    Found(&'static Command),
    /// No such command.
    Unknown,
    /// A container with a word that is none of its subcommands.
    UnknownSubcommand(&'static Command),
    /// A container without a subcommand: its arity error.
    Bare(&'static Command),
}

const BUCKETS: usize = 2048;

/// The joined table.
pub struct Table {
    commands: Vec<&'static Command>,
    tops: Vec<&'static Command>,
    buckets: Vec<Bucket>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Table").field("commands", &self.commands.len()).finish()
    }
}

/// A place of the hash table: the name beside the command, so that finding one reads one cache line.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    name: u128,
    len: u8,
    command: Option<&'static Command>,
}

/// Longest name that the hash table holds; longer ones are searched for one by one.
const NAME_MAX: usize = 16;

/// A name of at most [`NAME_MAX`] bytes as a number, upper case letters as lower case ones.
#[inline]
fn folded(name: &[u8]) -> u128 {
    let word = |at: usize| u64::from_le_bytes(name[at..at + 8].try_into().expect("eight bytes"));
    let half = |at: usize| u32::from_le_bytes(name[at..at + 4].try_into().expect("four bytes"));
    // The two reads overlap where the name is shorter than both: the same bits are set twice.
    let packed = match name.len() {
        len @ 8.. => u128::from(word(0)) | u128::from(word(len - 8)) << (8 * (len - 8)),
        len @ 4.. => u128::from(half(0)) | u128::from(half(len - 4)) << (8 * (len - 4)),
        _ => name.iter().rev().fold(0, |packed, &byte| packed << 8 | u128::from(byte)),
    };
    const EACH: u128 = u128::MAX / 255;
    let low = packed & (0x7f * EACH);
    // The top bit of a byte is set in the sum when it is at least the letter; no sum carries over.
    let from_a = low + (0x80 - u128::from(b'A')) * EACH;
    let above_z = low + (0x7f - u128::from(b'Z')) * EACH;
    let upper = from_a & !above_z & !packed & (0x80 * EACH);
    packed | upper >> 2
}

#[inline]
fn bucket_of(name: u128, len: usize) -> usize {
    let halves = name as u64 ^ (name >> 64) as u64 ^ (len as u64) << 56;
    (halves.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 53) as usize
}

impl Table {
    fn build() -> Table {
        let mut table =
            Table { commands: Vec::new(), tops: Vec::new(), buckets: vec![Bucket::default(); BUCKETS] };
        for family in super::FAMILIES {
            for spec in family.iter() {
                let command = table.join(spec, None);
                table.tops.push(command);
                let len = spec.name.len();
                if len > NAME_MAX {
                    continue;
                }
                let name = folded(spec.name.as_bytes());
                let mut at = bucket_of(name, len);
                while table.buckets[at].command.is_some() {
                    at = (at + 1) % BUCKETS;
                }
                table.buckets[at] = Bucket { name, len: len as u8, command: Some(command) };
            }
        }
        table
    }

    fn join(&mut self, spec: &'static Spec, parent: Option<&str>) -> &'static Command {
        let full_name =
            parent.map_or_else(|| spec.name.to_string(), |parent| format!("{parent}|{}", spec.name));
        let subcommands = spec.subcommands.iter().map(|sub| self.join(sub, Some(spec.name))).collect();
        // Built once per process and wanted until its end.
        let command: &'static Command = Box::leak(Box::new(Command {
            id: self.commands.len() as u16,
            spec,
            full_name,
            subcommands,
            words: 1 + usize::from(parent.is_some()),
        }));
        self.commands.push(command);
        command
    }

    /// The table, built on first use.
    pub fn get() -> &'static Table {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(Table::build)
    }

    /// Every command and subcommand, by number.
    pub fn commands(&self) -> &[&'static Command] {
        &self.commands
    }

    /// Commands without their subcommands, in the order of the families.
    pub fn tops(&self) -> &[&'static Command] {
        &self.tops
    }

    /// The command of that name (one word, any case), container or not.
    pub fn top(&self, name: &[u8]) -> Option<&'static Command> {
        if name.len() > NAME_MAX {
            return self.top_by_long_name(name);
        }
        let wanted = folded(name);
        let mut at = bucket_of(wanted, name.len());
        loop {
            let bucket = &self.buckets[at];
            let command = bucket.command?;
            if bucket.name == wanted && usize::from(bucket.len) == name.len() {
                return Some(command);
            }
            at = (at + 1) % BUCKETS;
        }
    }

    #[cold]
    fn top_by_long_name(&self, name: &[u8]) -> Option<&'static Command> {
        self.tops.iter().copied().find(|command| command.spec.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// What these words call.
    pub fn lookup(&self, args: Args<'_>) -> Lookup {
        let Some(command) = self.top(args.at(0)) else { return Lookup::Unknown };
        if command.subcommands.is_empty() {
            return Lookup::Found(command);
        }
        let Some(word) = args.get(1) else {
            let runs_bare = !matches!(command.spec.place, Place::Container);
            return if runs_bare { Lookup::Found(command) } else { Lookup::Bare(command) };
        };
        for sub in &command.subcommands {
            if sub.spec.name.as_bytes().eq_ignore_ascii_case(word) {
                return Lookup::Found(sub);
            }
        }
        Lookup::UnknownSubcommand(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::args::OwnedArgs;
    use crate::base::prng::Prng;
    use crate::command::spec::Flags;

    #[test]
    fn names_are_folded_as_letters_and_nothing_else() {
        let mut prng = Prng::new(11);
        for _ in 0..20_000 {
            let name: Vec<u8> = (0..prng.below(17)).map(|_| prng.next_u64() as u8).collect();
            let lower = name.to_ascii_lowercase();
            let bytes: Vec<u8> = folded(&name).to_le_bytes()[..name.len()].to_vec();
            assert_eq!(bytes, lower);
            assert!(folded(&name).to_le_bytes()[name.len()..].iter().all(|&byte| byte == 0));
        }
        let table = Table::get();
        for wrong in [&b"get\0"[..], b"ge\x14", b"", b"GET ", b"\xc7et", b"a name of seventeen"] {
            assert!(table.top(wrong).is_none());
        }
    }

    #[test]
    fn names_are_unique_lower_case_and_found_in_any_case() {
        let table = Table::get();
        let mut names: Vec<&str> =
            table.commands().iter().map(|command| command.full_name.as_str()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for command in table.tops() {
            assert_eq!(command.spec.name, command.spec.name.to_lowercase());
            let upper = command.spec.name.to_uppercase();
            assert_eq!(table.top(upper.as_bytes()).unwrap().id, command.id);
        }
        assert!(table.top(b"nosuchcommand").is_none());
        let words = OwnedArgs::collect([&b"nosuch"[..]]);
        assert!(matches!(table.lookup(words.view()), Lookup::Unknown));
    }

    #[test]
    fn rows_are_consistent() {
        for command in Table::get().commands() {
            let spec = command.spec;
            let name = &command.full_name;
            assert!(spec.summary.ends_with('.'), "{name}: a summary is a sentence");
            assert!(!spec.since.is_empty() && !spec.complexity.is_empty(), "{name}");
            assert!(spec.arity.unsigned_abs() as usize >= command.words, "{name}: arity counts the name");
            assert!(!matches!(spec.place, Place::Container) || !spec.subcommands.is_empty(), "{name}");
            assert!(!(spec.flags.has(Flags::WRITE) && spec.flags.has(Flags::READ)), "{name}");
            let keyed = matches!(
                spec.place,
                Place::Owner(_)
                    | Place::Split(..)
                    | Place::Atomic(_)
                    | Place::Gather(_)
                    | Place::Transaction(crate::command::spec::Step::Watch)
            );
            let keyed = keyed || (matches!(spec.place, Place::Wait(_)) && spec.keys.is_some());
            assert_eq!(keyed, spec.keys.is_some(), "{name}: keys and place agree");
            if spec.keys.first > 0 {
                assert!(
                    (spec.keys.first as usize) < spec.arity.unsigned_abs() as usize,
                    "{name}: arity reaches the key"
                );
                assert!(!spec.keys.access.0.is_empty(), "{name}: says what it does to its keys");
            }
            if let Place::Split(..) = spec.place {
                assert_eq!(spec.keys.first, 1, "{name}: a split command is its name, then its keys");
            }
        }
    }
}
