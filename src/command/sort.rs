//! SORT and SORT_RO: the elements of a list, a set or a sorted set in an order of their own or of other keys.
//!
//! BY and GET name those other keys by a pattern, whose `*` stands for an element: they may live on any shard, and
//! nobody knows them before the elements are read. So the command runs in hops: the owner loads the elements, and
//! sorts them itself if no pattern decides; all weights are looked up at once; home sorts; the values that GET
//! asks for are looked up at once, for the elements that LIMIT has left; the destination's owner stores.
//!
//! The order is Redis's: numbers that are equal go on by the elements' bytes; texts that are equal stay in the
//! order of their source. ALPHA compares bytes, as the C locale collates them: up to a NUL, unless the result is
//! stored. O(n + m log m) for n elements of which m are in the limit, whatever they are.

use crate::base::args::{Args, OwnedArgs};
use crate::base::number::parse_strtod;
use crate::base::texts::Texts;
use crate::command::args::integer;
use crate::command::error::{CommandError, c_text};
use crate::command::members::check_count;
use crate::command::spec::{Carry, Flags, Group, Hop, Keys, Look, Next, Part, PartFn, Spec};
use crate::ds::list::List;
use crate::ds::set::Set;
use crate::ds::zset::Zset;
use crate::resp::reply::Reply;
use crate::shard::{Edit, Keyspace};
use std::cmp::Ordering;
use std::ops::Range;

const COST: &str = "O(N+M*log(M)) where N is the number of elements and M of those that are returned.";
const SORT_USAGE: &str = "key [BY pattern] [LIMIT <offset count>] [GET pattern [GET pattern ...]] [ASC|DESC]:order \
    [ALPHA]:sorting [STORE destination]";
const SORT_RO_USAGE: &str = "key [BY pattern] [LIMIT <offset count>] [GET pattern [GET pattern ...]] [ASC|DESC]:order [ALPHA]:sorting";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::atomic("sort", sort)
        .arity(-2)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS))
        .categories(CATEGORIES)
        .keys(Keys::sort())
        .usage(SORT_USAGE)
        .doc(
            Group::Generic,
            "1.0.0",
            COST,
            "Sorts the elements of a list, set or sorted set, and may store them.",
        ),
    Spec::atomic("sort_ro", sort_ro)
        .arity(-2)
        .flags(Flags::READ.and(Flags::MOVABLE_KEYS))
        .categories(CATEGORIES)
        .keys(Keys::sort_read())
        .usage(SORT_RO_USAGE)
        .doc(Group::Generic, "7.0.0", COST, "Sorts the elements of a list, set or sorted set."),
];

const CATEGORIES: &[&str] = &["set", "sortedset", "list", "dangerous"];

const NO_SCORES: CommandError = CommandError::Text("ERR One or more scores can't be converted into double");

/// What the options ask for.
#[derive(Debug)]
struct Query<'a> {
    /// The pattern of the weights; `None`: elements weigh themselves.
    by: Option<Pattern<'a>>,
    /// Elements stay in the order of their source.
    unsorted: bool,
    offset: i64,
    count: i64,
    gets: Vec<Get<'a>>,
    descending: bool,
    alpha: bool,
    /// Index of the destination.
    store: Option<usize>,
}

/// What is answered for an element.
#[derive(Clone, Copy, Debug)]
enum Get<'a> {
    /// `#`: the element.
    Element,
    /// The value at the key that this makes of the element.
    Value(Pattern<'a>),
    /// A pattern without a place for the element: nil.
    Nothing,
}

/// A word that makes a key of an element, and may say a field of the hash there: `weight_*`, `object_*->name`.
#[derive(Clone, Copy, Debug)]
struct Pattern<'a> {
    before: &'a [u8],
    behind: &'a [u8],
    field: Option<&'a [u8]>,
}

impl<'a> Pattern<'a> {
    /// `None`: there is no `*`. As in Redis, only what stands before a NUL is searched.
    fn parse(word: &'a [u8]) -> Option<Pattern<'a>> {
        let text = c_text(word);
        let star = memchr::memchr(b'*', text)?;
        let before = &word[..star];
        let arrow = memchr::memmem::find(&text[star + 1..], b"->").map(|at| star + 1 + at);
        Some(match arrow.filter(|&arrow| arrow + 2 < text.len()) {
            Some(arrow) => {
                Pattern { before, behind: &word[star + 1..arrow], field: Some(&word[arrow + 2..]) }
            }
            None => Pattern { before, behind: &word[star + 1..], field: None },
        })
    }

    /// The question for the values of all these elements.
    fn look(&self, elements: &Texts) -> Look {
        let mut names = Texts::default();
        for element in elements.iter().flatten() {
            names.push_parts(&[self.before, element, self.behind]);
        }
        Look { names, field: self.field.map(<[u8]>::to_vec) }
    }
}

impl<'a> Query<'a> {
    /// Errors: syntax, a limit that is no integer.
    fn parse(args: Args<'a>, may_store: bool) -> Result<Query<'a>, CommandError> {
        let mut query = Query {
            by: None,
            unsorted: false,
            offset: 0,
            count: -1,
            gets: Vec::new(),
            descending: false,
            alpha: false,
            store: None,
        };
        let mut at = 2;
        while at < args.len() {
            let behind = args.len() - at - 1;
            match () {
                () if args.is(at, "asc") => query.descending = false,
                () if args.is(at, "desc") => query.descending = true,
                () if args.is(at, "alpha") => query.alpha = true,
                () if behind >= 2 && args.is(at, "limit") => {
                    query.offset = integer(args.at(at + 1))?;
                    query.count = integer(args.at(at + 2))?;
                    at += 2;
                }
                () if behind >= 1 && may_store && args.is(at, "store") => {
                    query.store = Some(at + 1);
                    at += 1;
                }
                () if behind >= 1 && args.is(at, "by") => {
                    // A constant puts no element before another, and no later pattern takes that back.
                    query.by = Pattern::parse(args.at(at + 1));
                    query.unsorted |= query.by.is_none();
                    at += 1;
                }
                () if behind >= 1 && args.is(at, "get") => {
                    let word = args.at(at + 1);
                    query.gets.push(match Pattern::parse(word) {
                        _ if c_text(word) == b"#" => Get::Element,
                        Some(pattern) => Get::Value(pattern),
                        None => Get::Nothing,
                    });
                    at += 1;
                }
                () => return Err(CommandError::Syntax),
            }
            at += 1;
        }
        if query.unsorted {
            query.by = None;
        }
        Ok(query)
    }

    /// Which of `len` elements, in their order, the limit leaves.
    fn window(&self, len: usize) -> Range<usize> {
        let bounded = |number: i64| usize::try_from(number).map_or(0, |number| number.min(len));
        let start = bounded(self.offset);
        let end = if self.count < 0 { len } else { (start + bounded(self.count)).min(len) };
        start..end
    }

    /// The elements to load of `len` that have an order: all to be sorted, or those in the window, which counts from
    /// the end where they are to be turned around.
    fn range(&self, len: usize) -> Range<usize> {
        let window = self.window(len);
        match (self.unsorted, self.descending) {
            (false, _) => 0..len,
            (true, false) => window,
            (true, true) => len - window.end..len - window.start,
        }
    }

    /// The elements that the limit leaves, sorted by their weights, or by themselves. Error: a weight is no number.
    fn sorted(&self, elements: Texts, weights: Option<&Texts>) -> Result<Texts, CommandError> {
        let window = self.window(elements.len());
        let by = weights.unwrap_or(&elements);
        let order = if self.alpha {
            let stores = self.store.is_some();
            let items = by.iter().map(|text| text.map(|text| if stores { text } else { c_text(text) }));
            arranged(items.zip(0..).collect(), self.descending, window, Ord::cmp)
        } else {
            let score = |weight: Option<&[u8]>| weight.map_or(Some(0.0), parse_strtod).ok_or(NO_SCORES);
            let items = by.iter().zip(elements.iter()).zip(0..);
            let items = items.map(|((weight, element), at)| Ok(((score(weight)?, element), at)));
            let order =
                |left: &(f64, _), right: &(f64, _)| left.partial_cmp(right).unwrap_or(Ordering::Equal);
            arranged(items.collect::<Result<_, CommandError>>()?, self.descending, window, order)
        };
        Ok(elements.arranged(&order))
    }

    /// The patterns of GET, in their order.
    fn patterns(&self) -> impl Iterator<Item = &Pattern<'a>> {
        self.gets.iter().filter_map(|get| if let Get::Value(pattern) = get { Some(pattern) } else { None })
    }

    /// What is answered: for each element itself or what GET asks for; `values` are those of its patterns.
    fn answers<'t>(
        &'t self,
        elements: &'t Texts,
        values: &'t [&'t Texts],
    ) -> impl Iterator<Item = Option<&'t [u8]>> {
        let gets: &[Get<'_>] = if self.gets.is_empty() { &[Get::Element] } else { &self.gets };
        (0..elements.len()).flat_map(move |at| {
            let mut values = values.iter();
            gets.iter().map(move |get| match get {
                Get::Element => elements.get(at),
                Get::Value(_) => values.next().and_then(|values| values.get(at)),
                Get::Nothing => None,
            })
        })
    }

    /// How many answers there are.
    fn answers_len(&self, elements: &Texts) -> usize {
        elements.len() * self.gets.len().max(1)
    }
}

/// The indexes of items by their keys, equal ones in the order of their indexes; those of them in the window.
/// O(n + m log m) for n items, m of them up to the end of the window.
fn arranged<K>(
    mut items: Vec<(K, usize)>,
    descending: bool,
    window: Range<usize>,
    order: impl Fn(&K, &K) -> Ordering,
) -> Vec<usize> {
    let order = |left: &(K, usize), right: &(K, usize)| {
        let by_key = order(&left.0, &right.0);
        (if descending { by_key.reverse() } else { by_key }).then(left.1.cmp(&right.1))
    };
    // What is left out is parted from the rest first, and never sorted.
    if window.end < items.len() {
        items.select_nth_unstable_by(window.end, order);
        items.truncate(window.end);
    }
    if 0 < window.start && window.start < items.len() {
        items.select_nth_unstable_by(window.start, order);
    }
    let kept = &mut items[window.start..];
    kept.sort_unstable_by(order);
    kept.iter().map(|item| item.1).collect()
}

/// `SORT key [options]`: the sorted elements or what GET makes of them; with STORE, how many. Errors: syntax,
/// WRONGTYPE, weights that are no numbers, GETs that would make a reply beyond all bounds.
fn sort(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    run(args, true, hop, reply)
}

/// `SORT_RO key [options]`: the same without STORE.
fn sort_ro(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    run(args, false, hop, reply)
}

fn run(args: Args<'_>, may_store: bool, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    if !hop.held.is_empty() {
        reply.raw(&hop.held);
        return Ok(Next::Done);
    }
    let query = Query::parse(args, may_store)?;
    let db = hop.db;
    let hop_to = |key, run: PartFn, carry| Ok(Next::Hop(vec![Part { key, db, run, carry }]));
    if hop.stage == 0 {
        return hop_to(1, load, Carry::Words(OwnedArgs::copy(args)));
    }
    let mut carried = std::mem::take(&mut hop.carries);
    // What comes behind the first hop: weights, where a pattern decides and there is something to weigh; then values.
    let mut stage = hop.stage;
    if stage == 1 {
        hop.kept = texts_of(carried.pop())?;
    }
    if let Some(by) = query.by.filter(|_| !hop.kept.is_empty()) {
        if stage == 1 {
            return Ok(Next::Look(vec![by.look(&hop.kept)]));
        }
        stage -= 1;
        if stage == 1 {
            let weights = texts_of(carried.pop())?;
            hop.kept = query.sorted(std::mem::take(&mut hop.kept), Some(&weights))?;
        }
    }
    if query.gets.len() > 1 {
        check_count(query.answers_len(&hop.kept) as u64)?;
    }
    if stage == 1 && !hop.kept.is_empty() && query.patterns().next().is_some() {
        return Ok(Next::Look(query.patterns().map(|pattern| pattern.look(&hop.kept)).collect()));
    }
    let elements = std::mem::take(&mut hop.kept);
    let values = carried.into_iter().map(|carry| texts_of(Some(carry))).collect::<Result<Vec<_>, _>>()?;
    let values: Vec<&Texts> = values.iter().collect();
    let count = query.answers_len(&elements);
    let answers = query.answers(&elements, &values);
    let Some(destination) = query.store else {
        reply.array(count);
        for answer in answers {
            match answer {
                Some(text) => reply.bulk(text),
                None => reply.null(),
            }
        }
        return Ok(Next::Done);
    };
    let mut stored = Texts::default();
    answers.for_each(|answer| stored.push(answer.unwrap_or_default()));
    Reply::new(&mut hop.held, reply.protocol()).integer(count as i64);
    hop_to(destination, store, Carry::Texts(stored))
}

/// What a part or a look has brought. Error: its own.
fn texts_of(carry: Option<Carry>) -> Result<Texts, CommandError> {
    match carry {
        Some(Carry::Texts(texts)) => Ok(texts),
        Some(Carry::Error(error)) => Err(error),
        _ => unreachable!("parts and looks of SORT answer texts"),
    }
}

/// Sends the elements home: sorted and limited, unless a pattern decides.
fn load(keys: &mut Keyspace<'_>, key: &[u8], carry: Carry) -> Carry {
    let Carry::Words(words) = carry else { unreachable!("home sends the words") };
    elements(keys, key, words.view()).map_or_else(Carry::Error, Carry::Texts)
}

fn elements(keys: &mut Keyspace<'_>, key: &[u8], words: Args<'_>) -> Result<Texts, CommandError> {
    let mut query = Query::parse(words, true)?;
    // As in Redis, a sorted set that is sorted has its large form from now on.
    let _ = keys.edit(key, |zset: &mut Zset, shapes| (zset.make_large(shapes), Edit::Unchanged));
    keys.read_all(&[key], |values| {
        let Some(source) = values[0] else { return Ok(Texts::default()) };
        let mut digits = itoa::Buffer::new();
        let mut elements = Texts::default();
        if let Ok(set) = source.get::<Set>() {
            if query.unsorted && query.store.is_some() {
                // What is stored must not depend on the order of a table.
                (query.unsorted, query.alpha) = (false, true);
            }
            let window = if query.unsorted { query.window(set.len()) } else { 0..set.len() };
            let items = set.iter().skip(window.start).take(window.len());
            items.for_each(|item| elements.push(item.bytes(&mut digits)));
        } else if let Ok(list) = source.get::<List>() {
            let range = query.range(list.len());
            let items = list.iter_from(range.start).take(range.len());
            items.for_each(|item| elements.push(item.bytes(&mut digits)));
        } else {
            let zset = source.get::<Zset>()?;
            let range = query.range(zset.len());
            zset.walk(range.start, range.len(), false, |member, _| elements.push(member));
        }
        match (query.unsorted, query.by) {
            (true, _) if query.descending && source.get::<Set>().is_err() => elements.reverse(),
            (false, None) => return query.sorted(elements, None),
            _ => {}
        }
        Ok(elements)
    })
}

/// Puts the list where it belongs; an empty one deletes what is there.
fn store(keys: &mut Keyspace<'_>, key: &[u8], carry: Carry) -> Carry {
    let Carry::Texts(texts) = carry else { unreachable!("home sends the list") };
    let (mut list, shapes) = (List::default(), keys.shapes());
    texts.iter().flatten().for_each(|text| list.push_back(text, &shapes));
    keys.put_value(key, list);
    Carry::Nothing
}

#[cfg(test)]
#[path = "sort_order_tests.rs"]
mod order_tests;
#[cfg(test)]
#[path = "sort_tests.rs"]
mod tests;
