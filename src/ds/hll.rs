//! HyperLogLog: how many different elements were seen, within about 0.81 %, in at most 12 KB.
//!
//! ```text
//!  4 B      1 B        3 B      8 B                 the rest
//! +------+----------+--------+---------------------+-----------------------------+
//! | HYLL | encoding | unused | cardinality, or old | registers                   |
//! +------+----------+--------+---------------------+-----------------------------+
//! ```
//!
//! A sketch is a byte string that users may read, store and send elsewhere, so every byte is the one
//! Redis writes. An element's hash chooses one of 16,384 registers, which keeps the longest run of zero
//! bits seen there. Dense: six bits per register, lowest bits first. Sparse: runs of equal registers, in
//! codes of one or two bytes:
//!
//! ```text
//! 00nnnnnn            n + 1 registers that are 0
//! 01nnnnnn nnnnnnnn   the same, n up to 16,383
//! 1vvvvvnn            n + 1 registers that are v + 1
//! ```
//!
//! A sparse sketch becomes dense when a register passes 32 or its string a given length. The highest bit
//! of the last byte of the cardinality says that it is old. The estimate is Otmar Ertl's ("New cardinality
//! estimation algorithms for HyperLogLog sketches", 2017).

/// Bits of the hash that choose a register.
const INDEX_BITS: u32 = 14;

/// Registers of a sketch.
pub const REGISTERS: usize = 1 << INDEX_BITS;

/// Bits of the hash in which zeros are counted.
const RUN_BITS: u32 = u64::BITS - INDEX_BITS;

const HEADER_BYTES: usize = 16;
const REGISTER_BITS: usize = 6;

/// Bytes of a dense sketch.
pub const DENSE_BYTES: usize = HEADER_BYTES + REGISTERS * REGISTER_BITS / 8;

const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;

/// Longest run of a one-byte code of zeros, of a two-byte one, of a value; largest value.
const ZERO_RUN_MAX: usize = 64;
const VALUE_RUN_MAX: usize = 4;
const SPARSE_VALUE_MAX: u8 = 32;

/// Codes looked at for neighbours that became equal.
const MERGE_CODES: usize = 5;

const HASH_SEED: u64 = 0xadc8_3b19;

/// A sketch whose registers do not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

/// Whether a string may be taken for a sketch: its header is one, and a dense one has its length.
pub fn is_sketch(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_BYTES
        && bytes.starts_with(MAGIC)
        && match bytes[ENCODING_AT] {
            DENSE => bytes.len() == DENSE_BYTES,
            encoding => encoding == SPARSE,
        }
}

/// Whether a sketch is dense.
pub fn is_dense(sketch: &[u8]) -> bool {
    sketch[ENCODING_AT] == DENSE
}

/// An empty sketch.
pub fn empty() -> Vec<u8> {
    let mut sketch = vec![0; HEADER_BYTES];
    sketch[..MAGIC.len()].copy_from_slice(MAGIC);
    sketch[ENCODING_AT] = SPARSE;
    push_zeros(&mut sketch, REGISTERS);
    sketch
}

/// The cardinality kept in the header, unless it is old.
pub fn cached(sketch: &[u8]) -> Option<u64> {
    let (words, _) = sketch[8..HEADER_BYTES].as_chunks::<8>();
    let cardinality = u64::from_le_bytes(words[0]);
    (cardinality >> 63 == 0).then_some(cardinality)
}

/// Keeps a cardinality in the header.
pub fn cache(sketch: &mut [u8], cardinality: u64) {
    sketch[8..HEADER_BYTES].copy_from_slice(&cardinality.to_le_bytes());
}

/// Marks the cardinality in the header as old.
pub fn forget(sketch: &mut [u8]) {
    sketch[HEADER_BYTES - 1] |= 0x80;
}

/// Where an element goes: its register, and the value that the register must have at least.
fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur64a(element, HASH_SEED);
    let index = hash as usize & (REGISTERS - 1);
    let run = (hash >> INDEX_BITS | 1 << RUN_BITS).trailing_zeros() + 1;
    (index, run as u8)
}

/// Whether adding an element would change a sketch. O(1) if it is dense, else O(length).
pub fn would_change(sketch: &[u8], element: &[u8]) -> Result<bool, Corrupted> {
    let (index, value) = place(element);
    Ok(register(sketch, index)? < value)
}

/// The value of a register.
pub fn register(sketch: &[u8], index: usize) -> Result<u8, Corrupted> {
    if is_dense(sketch) {
        return Ok(dense_get(&sketch[HEADER_BYTES..], index));
    }
    Ok(find(sketch, index)?.run.value)
}

/// Adds an element; true if a register changed. A sparse sketch longer than `sparse_max` bytes becomes
/// dense.
pub fn add(sketch: &mut Vec<u8>, element: &[u8], sparse_max: usize) -> Result<bool, Corrupted> {
    let (index, value) = place(element);
    raise(sketch, index, value, sparse_max)
}

/// Adds an element to a dense sketch in place; true if a register changed.
pub fn add_dense(sketch: &mut [u8], element: &[u8]) -> bool {
    let (index, value) = place(element);
    let raised = dense_raise(&mut sketch[HEADER_BYTES..], index, value);
    if raised {
        forget(sketch);
    }
    raised
}

/// Makes a register at least `value`; true if it was less. The cardinality becomes old then.
fn raise(sketch: &mut Vec<u8>, index: usize, value: u8, sparse_max: usize) -> Result<bool, Corrupted> {
    let raised = if is_dense(sketch) {
        dense_raise(&mut sketch[HEADER_BYTES..], index, value)
    } else {
        sparse_raise(sketch, index, value, sparse_max)?
    };
    if raised {
        forget(sketch);
    }
    Ok(raised)
}

/// Makes a sketch dense. A corrupted one stays as it is.
pub fn make_dense(sketch: &mut Vec<u8>) -> Result<(), Corrupted> {
    if is_dense(sketch) {
        return Ok(());
    }
    let mut dense = vec![0; DENSE_BYTES];
    dense[..HEADER_BYTES].copy_from_slice(&sketch[..HEADER_BYTES]);
    dense[ENCODING_AT] = DENSE;
    sparse_each(sketch, |index, value| {
        dense_raise(&mut dense[HEADER_BYTES..], index, value);
    })?;
    *sketch = dense;
    Ok(())
}

/// The estimated number of different elements. O(registers).
pub fn count(sketch: &[u8]) -> Result<u64, Corrupted> {
    let mut histogram = [0_u32; 64];
    if is_dense(sketch) {
        for group in sketch[HEADER_BYTES..].as_chunks::<3>().0 {
            for value in dense_group(*group) {
                histogram[usize::from(value)] += 1;
            }
        }
    } else {
        let (mut at, mut index) = (HEADER_BYTES, 0);
        while at < sketch.len() {
            let run = Run::read(sketch, at);
            histogram[usize::from(run.value)] += run.registers as u32;
            index += run.registers;
            at += run.width();
            if index > REGISTERS {
                return Err(Corrupted);
            }
        }
        if index != REGISTERS {
            return Err(Corrupted);
        }
    }
    Ok(estimate(&histogram))
}

/// All registers, a byte each: what several sketches are merged in.
#[derive(Clone, Debug)]
pub struct Registers(Box<[u8; REGISTERS]>);

impl Default for Registers {
    fn default() -> Self {
        Registers(Box::new([0; REGISTERS]))
    }
}

impl Registers {
    /// Makes every register at least what it is in a sketch.
    pub fn merge(&mut self, sketch: &[u8]) -> Result<(), Corrupted> {
        let registers = &mut *self.0;
        if !is_dense(sketch) {
            return sparse_each(sketch, |index, value| registers[index] = registers[index].max(value));
        }
        let groups = sketch[HEADER_BYTES..].as_chunks::<3>().0;
        for (to, group) in registers.as_chunks_mut::<4>().0.iter_mut().zip(groups) {
            for (to, from) in to.iter_mut().zip(dense_group(*group)) {
                *to = from.max(*to);
            }
        }
        Ok(())
    }

    /// The estimated number of different elements.
    pub fn count(&self) -> u64 {
        let mut histogram = [0_u32; 64];
        for value in self.0.iter() {
            histogram[usize::from(*value)] += 1;
        }
        estimate(&histogram)
    }

    /// The registers, a byte each.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..]
    }
}

/// Makes every register of a sketch at least what it is among `registers`, a byte each.
pub fn raise_all(sketch: &mut Vec<u8>, registers: &[u8], sparse_max: usize) -> Result<(), Corrupted> {
    for (index, &value) in registers.iter().enumerate().take(REGISTERS).filter(|(_, value)| **value > 0) {
        raise(sketch, index, value, sparse_max)?;
    }
    forget(sketch);
    Ok(())
}

/// What a sparse sketch says, code by code: `z:` or `Z:` and how many registers are 0, `v:` with a value and
/// how many have it.
pub fn describe(sketch: &[u8]) -> String {
    let (mut at, mut words) = (HEADER_BYTES, Vec::new());
    while at < sketch.len() {
        let run = Run::read(sketch, at);
        words.push(match run.value {
            0 => format!("{}:{}", if run.wide { 'Z' } else { 'z' }, run.registers),
            value => format!("v:{value},{}", run.registers),
        });
        at += run.width();
    }
    words.join(" ")
}

/// Four registers of three bytes.
fn dense_group([a, b, c]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_le_bytes([a, b, c, 0]);
    [bits & 63, bits >> 6 & 63, bits >> 12 & 63, bits >> 18].map(|value| value as u8)
}

/// The two bytes that a register lies in (the second is 0 behind the end), and how far up.
fn dense_at(registers: &[u8], index: usize) -> (usize, u16, u32) {
    let (at, up) = (index * REGISTER_BITS / 8, (index * REGISTER_BITS % 8) as u32);
    let word = u16::from_le_bytes([registers[at], registers.get(at + 1).copied().unwrap_or(0)]);
    (at, word, up)
}

fn dense_get(registers: &[u8], index: usize) -> u8 {
    let (_, word, up) = dense_at(registers, index);
    (word >> up & 63) as u8
}

fn dense_raise(registers: &mut [u8], index: usize, value: u8) -> bool {
    let (at, word, up) = dense_at(registers, index);
    if (word >> up & 63) as u8 >= value {
        return false;
    }
    let word = word & !(63 << up) | u16::from(value) << up;
    let [low, high] = word.to_le_bytes();
    registers[at] = low;
    if let Some(next) = registers.get_mut(at + 1) {
        *next = high;
    }
    true
}

/// Registers side by side that have one value: what a sparse code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    value: u8,
    registers: usize,
    /// The code has two bytes.
    wide: bool,
}

impl Run {
    /// The code at `at`, which is inside; a code that is cut off counts as if zeros followed.
    fn read(sketch: &[u8], at: usize) -> Run {
        let code = sketch[at];
        let low = usize::from(code & 63);
        match code >> 6 {
            0 => Run { value: 0, registers: low + 1, wide: false },
            1 => {
                let next = sketch.get(at + 1).copied().unwrap_or(0);
                Run { value: 0, registers: (low << 8 | usize::from(next)) + 1, wide: true }
            }
            _ => Run { value: (code >> 2 & 31) + 1, registers: usize::from(code & 3) + 1, wide: false },
        }
    }

    fn width(self) -> usize {
        1 + usize::from(self.wide)
    }
}

fn value_code(value: u8, registers: usize) -> u8 {
    debug_assert!((1..=SPARSE_VALUE_MAX).contains(&value) && (1..=VALUE_RUN_MAX).contains(&registers));
    0x80 | (value - 1) << 2 | (registers - 1) as u8
}

fn push_zeros(out: &mut impl Extend<u8>, registers: usize) {
    let code = registers - 1;
    if registers <= ZERO_RUN_MAX {
        out.extend([code as u8]);
    } else {
        out.extend([0x40 | (code >> 8) as u8, code as u8]);
    }
}

/// A code that covers some register.
struct Place {
    at: usize,
    run: Run,
    /// First register of the run.
    first: usize,
    /// Where the code before it starts, if there is one.
    before: Option<usize>,
}

/// Looks for the code that covers a register. O(length).
fn find(sketch: &[u8], index: usize) -> Result<Place, Corrupted> {
    let (mut at, mut first, mut before) = (HEADER_BYTES, 0, None);
    while at < sketch.len() {
        let run = Run::read(sketch, at);
        if index < first + run.registers {
            return if at + run.width() <= sketch.len() {
                Ok(Place { at, run, first, before })
            } else {
                Err(Corrupted)
            };
        }
        before = Some(at);
        first += run.registers;
        at += run.width();
    }
    Err(Corrupted)
}

/// Calls `visit` with every register that is not 0.
fn sparse_each(sketch: &[u8], mut visit: impl FnMut(usize, u8)) -> Result<(), Corrupted> {
    let (mut at, mut index) = (HEADER_BYTES, 0);
    while at < sketch.len() {
        let run = Run::read(sketch, at);
        if run.registers > REGISTERS - index {
            return Err(Corrupted);
        }
        if run.value > 0 {
            (index..index + run.registers).for_each(|index| visit(index, run.value));
        }
        index += run.registers;
        at += run.width();
    }
    if index == REGISTERS { Ok(()) } else { Err(Corrupted) }
}

fn sparse_raise(sketch: &mut Vec<u8>, index: usize, value: u8, max: usize) -> Result<bool, Corrupted> {
    let promote = |sketch: &mut Vec<u8>| {
        make_dense(sketch)?;
        Ok(dense_raise(&mut sketch[HEADER_BYTES..], index, value))
    };
    if value > SPARSE_VALUE_MAX {
        return promote(sketch);
    }
    let Place { at, run, first, before } = find(sketch, index)?;
    if run.value >= value {
        return Ok(false);
    }
    if run.registers == 1 && !run.wide {
        sketch[at] = value_code(value, 1);
    } else {
        // The run falls into what is before the register, the register, and what is behind it.
        let mut codes: smallvec::SmallVec<[u8; 5]> = smallvec::SmallVec::new();
        let (head, tail) = (index - first, first + run.registers - 1 - index);
        let part = |codes: &mut smallvec::SmallVec<[u8; 5]>, registers: usize| match run.value {
            _ if registers == 0 => {}
            0 => push_zeros(codes, registers),
            old => codes.push(value_code(old, registers)),
        };
        part(&mut codes, head);
        codes.push(value_code(value, 1));
        part(&mut codes, tail);
        let longer = codes.len().saturating_sub(run.width());
        if longer > 0 && sketch.len() + longer > max {
            return promote(sketch);
        }
        sketch.splice(at..at + run.width(), codes);
    }
    merge_runs(sketch, before.unwrap_or(HEADER_BYTES));
    Ok(true)
}

/// Joins neighbours of one value, in the few codes from `at` on.
fn merge_runs(sketch: &mut Vec<u8>, mut at: usize) {
    for _ in 0..MERGE_CODES {
        if at >= sketch.len() {
            return;
        }
        let run = Run::read(sketch, at);
        if run.value > 0 && at + 1 < sketch.len() {
            let next = Run::read(sketch, at + 1);
            let registers = run.registers + next.registers;
            if next.value == run.value && registers <= VALUE_RUN_MAX {
                sketch[at + 1] = value_code(run.value, registers);
                sketch.remove(at);
                continue;
            }
        }
        at += run.width();
    }
}

/// The number of elements that explains how many registers have which value best.
fn estimate(histogram: &[u32; 64]) -> u64 {
    /// 1 / (2 ln 2).
    const ALPHA: f64 = 0.721_347_520_444_481_7;
    let registers = REGISTERS as f64;
    let mut sum = registers * tau((registers - f64::from(histogram[RUN_BITS as usize + 1])) / registers);
    for count in histogram[1..=RUN_BITS as usize].iter().rev() {
        sum += f64::from(*count);
        sum *= 0.5;
    }
    sum += registers * sigma(f64::from(histogram[0]) / registers);
    (ALPHA * registers * registers / sum).round() as u64
}

/// The paper's sigma: what registers that are 0 add.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * y;
        y += y;
        if sum == before {
            return sum;
        }
    }
}

/// The paper's tau: what registers that are full add.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        y *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * y;
        if sum == before {
            return sum / 3.0;
        }
    }
}

/// Austin Appleby's MurmurHash64A, read as little endian on every machine.
fn murmur64a(bytes: &[u8], seed: u64) -> u64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        word ^= word >> SHIFT;
        hash = (hash ^ word.wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> SHIFT;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}

#[cfg(test)]
#[path = "hll_tests.rs"]
mod tests;
