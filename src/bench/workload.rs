//! What is asked: a mix of commands, built into a ring of ready batches before the first byte is sent.
//!
//! Building a request costs as much as sending one of a batch, so it is done once: each thread owns a ring
//! of batches of pipelined requests, and every connection takes the next batch from it. The ring grows with
//! the number of keys, up to two million requests or 128 MB; then it repeats, so that more keys than that
//! are drawn from a sample of them.

use super::keys::{Distribution, Keys};
use crate::base::prng::Prng;
use crate::base::words;
use std::ops::Range;

/// Fewest requests in a ring, unless their bytes come first.
const RING_REQUESTS_MIN: usize = 1 << 17;

/// Most requests in a ring: many keys need many, or a server would keep those few in its caches.
const RING_REQUESTS_MAX: usize = 1 << 21;

/// Bytes of a ring, unless [`RING_BATCHES_MIN`] need more.
const RING_BYTES: usize = 128 << 20;

/// Batches in the smallest ring.
const RING_BATCHES_MIN: usize = 8;

/// Fewest bytes that values are cut from.
const VALUE_SOURCE_BYTES: usize = 1 << 12;

/// One word of a command, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    /// `key:` and twelve digits.
    Key,
    /// Twelve digits.
    Number,
    /// A value.
    Value,
}

/// A command with places for keys and values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    words: Vec<Vec<Piece>>,
}

impl Template {
    /// Reads a line such as `SET __key__ __data__`; quotes as in redis-cli. The error is one sentence.
    pub fn parse(line: &str) -> Result<Template, String> {
        let words = words::split_owned(line.as_bytes())
            .map_err(|_| format!("--command '{line}': a quote is not closed"))?;
        if words.is_empty() {
            return Err("--command needs a command, as in --command 'SET __key__ __data__'".to_owned());
        }
        Ok(Template { words: words.iter().map(|word| pieces(word)).collect() })
    }

    /// A command of the mix by name; `keys` is how many MGET and MSET take.
    fn named(name: &str, keys: usize) -> Option<Template> {
        let line = match name {
            "get" => "GET __key__".to_owned(),
            "set" => "SET __key__ __data__".to_owned(),
            "incr" => "INCR counter:__rand_int__".to_owned(),
            "ping" => "PING".to_owned(),
            "del" => "DEL __key__".to_owned(),
            "exists" => "EXISTS __key__".to_owned(),
            "setex" => "SET __key__ __data__ EX 86400".to_owned(),
            "append" => "APPEND __key__ __data__".to_owned(),
            "mget" => format!("MGET{}", " __key__".repeat(keys)),
            "mset" => format!("MSET{}", " __key__ __data__".repeat(keys)),
            _ => return None,
        };
        Template::parse(&line).ok()
    }

    fn write(&self, out: &mut Vec<u8>, word: &mut Vec<u8>, draw: &mut Draw<'_>) {
        out.extend_from_slice(format!("*{}\r\n", self.words.len()).as_bytes());
        for pieces in &self.words {
            word.clear();
            for piece in pieces {
                match piece {
                    Piece::Text(text) => word.extend_from_slice(text),
                    Piece::Key => word.extend_from_slice(format!("key:{:012}", draw.key()).as_bytes()),
                    Piece::Number => word.extend_from_slice(format!("{:012}", draw.key()).as_bytes()),
                    Piece::Value => word.extend_from_slice(draw.value()),
                }
            }
            out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            out.extend_from_slice(word);
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn pieces(word: &[u8]) -> Vec<Piece> {
    const PLACES: [(&[u8], Piece); 3] =
        [(b"__key__", Piece::Key), (b"__rand_int__", Piece::Number), (b"__data__", Piece::Value)];
    let mut found = Vec::new();
    let mut text = Vec::new();
    let mut at = 0;
    while at < word.len() {
        match PLACES.iter().find(|(name, _)| word[at..].starts_with(name)) {
            Some((name, piece)) => {
                if !text.is_empty() {
                    found.push(Piece::Text(std::mem::take(&mut text)));
                }
                found.push(piece.clone());
                at += name.len();
            }
            None => {
                text.push(word[at]);
                at += 1;
            }
        }
    }
    if !text.is_empty() || found.is_empty() {
        found.push(Piece::Text(text));
    }
    found
}

/// What a run asks.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Commands with their weights.
    templates: Vec<(Template, u64)>,
    /// Distinct keys.
    pub keys: u64,
    /// Number of the first of them.
    pub first_key: u64,
    /// How they are drawn.
    pub distribution: Distribution,
    /// Sizes of values, the last one included.
    pub value_bytes: Range<usize>,
}

impl Workload {
    /// `mix` as in `get:9,set:1` or `get,set`, unless there are `commands`, which weigh the same. `value_bytes`
    /// as in `32` or `8-1024`. The error is one sentence.
    pub fn new(
        mix: &str,
        commands: &[String],
        keys: u64,
        distribution: Distribution,
        value_bytes: &str,
        keys_per_command: usize,
    ) -> Result<Workload, String> {
        let mut templates = Vec::new();
        for line in commands {
            templates.push((Template::parse(line)?, 1));
        }
        let mix = if commands.is_empty() { mix } else { "" };
        for part in mix.split(',').filter(|part| !part.is_empty()) {
            let (name, weight) = part.split_once(':').unwrap_or((part, "1"));
            let template = Template::named(&name.to_lowercase(), keys_per_command).ok_or_else(|| {
                format!(
                    "--mix has no {name}; there are get, set, setex, del, exists, incr, append, mget, mset and ping; \
                     anything else by --command"
                )
            })?;
            let weight = weight.parse::<u64>().ok().filter(|weight| *weight > 0);
            let weight = weight.ok_or_else(|| format!("--mix {part}: a weight is a number above zero"))?;
            templates.push((template, weight));
        }
        if templates.is_empty() {
            return Err("--mix names no command".to_owned());
        }
        let (least, most) = value_bytes.split_once('-').unwrap_or((value_bytes, value_bytes));
        let sizes = least.parse::<usize>().ok().zip(most.parse::<usize>().ok());
        let (least, most) = sizes
            .filter(|(least, most)| least <= most)
            .ok_or_else(|| format!("--value-bytes {value_bytes}: as in 32 or 8-1024"))?;
        Ok(Workload { templates, keys, distribution, value_bytes: least..most + 1, first_key: 0 })
    }

    /// One command per key, in order, with values of this workload's sizes: appends those of `keys` to `out`.
    /// What fills a server beforehand.
    pub fn write_each(&self, template: &Template, keys: Range<u64>, prng: &mut Prng, out: &mut Vec<u8>) {
        let source = value_source(self.value_bytes.end, prng);
        let order = Keys::new(self.keys, Distribution::Sequential, keys.start);
        let mut draw = Draw { keys: order, prng: prng.clone(), workload: self, source: &source };
        let mut word = Vec::new();
        keys.for_each(|_| template.write(out, &mut word, &mut draw));
        *prng = draw.prng;
    }

    /// Batches of `pipeline` requests; `share` of `shares` decides the seed and where `sequential` starts.
    pub fn ring(&self, pipeline: usize, seed: u64, share: usize, shares: usize) -> Ring {
        let mut prng = Prng::new(seed ^ (share as u64) << 32);
        let source = value_source(self.value_bytes.end, &mut prng);
        let first = self.keys / shares as u64 * share as u64;
        let mut draw = Draw {
            keys: Keys::new(self.keys, self.distribution, first),
            prng,
            workload: self,
            source: &source,
        };
        let weights: u64 = self.templates.iter().map(|(_, weight)| weight).sum();
        let mut ring = Ring { bytes: Vec::new(), ends: Vec::new(), pipeline };
        let mut word = Vec::new();
        let requests = usize::try_from(self.keys).unwrap_or(usize::MAX);
        let requests = requests.clamp(RING_REQUESTS_MIN, RING_REQUESTS_MAX) / shares;
        let batches = (requests / pipeline).max(RING_BATCHES_MIN);
        while ring.ends.len() < batches * pipeline {
            if ring.bytes.len() >= RING_BYTES && ring.ends.len() >= RING_BATCHES_MIN * pipeline {
                break;
            }
            for _ in 0..pipeline {
                let mut at = draw.prng.below(weights);
                let chosen = self.templates.iter().find(|(_, weight)| {
                    let found = at < *weight;
                    at = at.wrapping_sub(*weight);
                    found
                });
                let (template, _) = chosen.expect("the draw is below the sum of weights");
                template.write(&mut ring.bytes, &mut word, &mut draw);
                ring.ends.push(ring.bytes.len());
            }
        }
        ring
    }
}

/// Letters that values are cut from.
fn value_source(value_bytes_max: usize, prng: &mut Prng) -> Vec<u8> {
    let len = VALUE_SOURCE_BYTES.max(value_bytes_max * 2);
    (0..len.div_ceil(8)).flat_map(|_| prng.next_u64().to_le_bytes()).map(|byte| b'a' + byte % 26).collect()
}

struct Draw<'w> {
    keys: Keys,
    prng: Prng,
    workload: &'w Workload,
    source: &'w [u8],
}

impl Draw<'_> {
    fn key(&mut self) -> u64 {
        self.workload.first_key + self.keys.next(&mut self.prng)
    }

    fn value(&mut self) -> &[u8] {
        let sizes = &self.workload.value_bytes;
        let len = sizes.start + self.prng.below(sizes.len() as u64) as usize;
        let from = self.prng.below((self.source.len() - len) as u64 + 1) as usize;
        &self.source[from..from + len]
    }
}

/// Batches that are ready to be sent.
pub struct Ring {
    bytes: Vec<u8>,
    /// Where each request ends.
    ends: Vec<usize>,
    pipeline: usize,
}

impl Ring {
    /// How many batches there are before the first comes again.
    pub fn batches(&self) -> usize {
        self.ends.len() / self.pipeline
    }

    /// Where the first `requests` of a batch lie.
    pub fn batch(&self, index: usize, requests: usize) -> Range<usize> {
        debug_assert!(0 < requests && requests <= self.pipeline);
        let first = index * self.pipeline;
        let start = if first == 0 { 0 } else { self.ends[first - 1] };
        start..self.ends[first + requests - 1]
    }

    /// The bytes that [`Ring::batch`] speaks of.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(mix: &str, commands: &[&str]) -> Result<Workload, String> {
        let commands: Vec<String> = commands.iter().map(|line| (*line).to_owned()).collect();
        Workload::new(mix, &commands, 10, Distribution::Sequential, "3", 2)
    }

    fn text(ring: &Ring, index: usize, requests: usize) -> String {
        ring.bytes()[ring.batch(index, requests)].escape_ascii().to_string()
    }

    #[test]
    fn batches_hold_whole_requests_in_the_order_of_their_keys() {
        let ring = workload("get", &[]).unwrap().ring(2, 1, 0, 1);
        let get = |key: u64| format!("*2\\r\\n$3\\r\\nGET\\r\\n$16\\r\\nkey:{key:012}\\r\\n");
        assert_eq!(text(&ring, 0, 2), get(0) + &get(1));
        assert_eq!(text(&ring, 4, 1), get(8));
        assert_eq!(text(&ring, 5, 2), get(0) + &get(1));
        assert_eq!(ring.batches(), RING_REQUESTS_MIN / 2);
    }

    #[test]
    fn threads_start_at_different_keys() {
        let ring = workload("incr", &[]).unwrap().ring(1, 1, 1, 2);
        assert_eq!(text(&ring, 0, 1), "*2\\r\\n$4\\r\\nINCR\\r\\n$20\\r\\ncounter:000000000005\\r\\n");
    }

    #[test]
    fn keys_may_begin_anywhere() {
        let grown = Workload { first_key: 700, ..workload("get", &[]).unwrap() };
        assert!(text(&grown.ring(1, 1, 1, 2), 0, 1).ends_with("key:000000000705\\r\\n"));
    }

    #[test]
    fn templates_have_places_inside_words() {
        let ring = workload("", &["SET a__rand_int__b 'x __data__'"]).unwrap().ring(1, 1, 0, 1);
        let first = text(&ring, 0, 1);
        assert!(
            first.starts_with("*3\\r\\n$3\\r\\nSET\\r\\n$14\\r\\na000000000000b\\r\\n$5\\r\\nx "),
            "{first}"
        );
    }

    #[test]
    fn a_mix_is_drawn_by_its_weights() {
        let ring = workload("get:9,set:1", &[]).unwrap().ring(1, 7, 0, 1);
        let gets =
            (0..ring.batches()).filter(|&at| ring.bytes()[ring.batch(at, 1)].starts_with(b"*2")).count();
        let share = gets as f64 / ring.batches() as f64;
        assert!((0.89..0.91).contains(&share), "seed 7: {share}");
    }

    #[test]
    fn what_cannot_be_asked_is_refused_in_a_sentence() {
        let refused = |mix: &str, commands: &[&str]| workload(mix, commands).unwrap_err();
        assert!(refused("lrange", &[]).starts_with("--mix has no lrange; there are get, set, "));
        assert_eq!(refused("get:0", &[]), "--mix get:0: a weight is a number above zero");
        assert_eq!(refused("", &[]), "--mix names no command");
        assert!(refused("get", &["GET 'x"]).ends_with("a quote is not closed"));
        let sizes = Workload::new("get", &[], 1, Distribution::Uniform, "9-3", 1).unwrap_err();
        assert_eq!(sizes, "--value-bytes 9-3: as in 32 or 8-1024");
    }

    #[test]
    fn big_values_make_a_short_ring() {
        let set = Workload::new("set", &[], 10, Distribution::Uniform, "1000000", 1).unwrap();
        let ring = set.ring(4, 1, 0, 1);
        assert!(ring.batches() < 40 && ring.bytes().len() > RING_BYTES);
    }
}
