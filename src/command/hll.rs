//! HyperLogLog: PFADD, PFCOUNT, PFMERGE, on strings that are sketches.
//!
//! A sketch is a string like any other: GET reads it, SET brings it back. A dense one is changed where it
//! lies. PFCOUNT of one key keeps its estimate in the sketch, as the reference does, and so writes although
//! it is a reading command; of several keys it merges copies of their sketches at home.

use crate::base::args::Args;
use crate::command::core::Core;
use crate::command::error::{CommandError, CommandResult, c_text};
use crate::command::spec::{Access, Carry, Flags, Group, Hop, Keys, Next, Part, PartFn, Spec};
use crate::ds::hll::{self, Corrupted, Registers};
use crate::resp::Reply;
use crate::shard::{Deadline, Edit, Keyspace, Text};

const COUNT_COST: &str = "O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger constant times, when called with multiple keys.";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("pfadd", pfadd)
        .arity(-2)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST))
        .categories(&["hyperloglog"])
        .keys(Keys::at(1, Access::INSERT))
        .usage("key [element [element ...]]")
        .doc(Group::Hyperloglog, "2.8.9", "O(1) to add every element.", "Adds elements to a HyperLogLog."),
    Spec::atomic("pfcount", pfcount)
        .arity(-2)
        .flags(Flags::READ)
        .categories(&["hyperloglog"])
        .keys(Keys::range(1, -1, 1, Access(&["RW", "access"])))
        .usage("key [key ...]")
        .doc(
            Group::Hyperloglog,
            "2.8.9",
            COUNT_COST,
            "Estimates how many different elements one or several HyperLogLogs have seen.",
        ),
    Spec::atomic("pfmerge", pfmerge)
        .arity(-2)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["hyperloglog"])
        .keys(Keys::range(1, -1, 1, Access::READ).after(Access(&["RW", "access", "insert"])))
        .usage("destkey:key sourcekey:key [sourcekey:key ...]")
        .doc(
            Group::Hyperloglog,
            "2.8.9",
            "O(N) to merge N HyperLogLogs, but with high constant times.",
            "Adds what several HyperLogLogs have seen to another.",
        ),
    Spec::owner("pfdebug", pfdebug)
        .arity(3)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::ADMIN))
        .categories(&["hyperloglog"])
        .keys(Keys::at(2, Access(&["RW", "access"])))
        .usage("subcommand key")
        .doc(Group::Hyperloglog, "2.8.9", "N/A", "Looks into a HyperLogLog, or makes it dense."),
    Spec::connection("pfselftest", pfselftest).flags(Flags::ADMIN).categories(&["hyperloglog"]).doc(
        Group::Hyperloglog,
        "2.8.9",
        "N/A",
        "Tests the arithmetic of HyperLogLogs.",
    ),
];

const NOT_A_SKETCH: CommandError =
    CommandError::Text("WRONGTYPE Key is not a valid HyperLogLog string value.");

impl From<Corrupted> for CommandError {
    fn from(_: Corrupted) -> Self {
        CommandError::Text("INVALIDOBJ Corrupted HLL object detected")
    }
}

/// The sketch that a string is. Errors: it is none.
fn sketch(text: Text<'_>) -> Result<&[u8], CommandError> {
    match text {
        Text::Bytes(bytes) if hll::is_sketch(bytes) => Ok(bytes),
        _ => Err(NOT_A_SKETCH),
    }
}

/// `PFADD key [element ...]`: 1 if the estimate may have changed or the key was created. Errors: WRONGTYPE,
/// also of a string that is no sketch; a corrupted sketch.
fn pfadd(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (key, sparse_max) = (args.at(1), keys.settings().shapes.hll_sparse_max_bytes);
    let add_all = |sketch: &mut Vec<u8>| -> (bool, Result<(), Corrupted>) {
        let mut changed = false;
        for element in args.from(2) {
            match hll::add(sketch, element, sparse_max) {
                Ok(raised) => changed |= raised,
                Err(corrupted) => return (changed, Err(corrupted)),
            }
        }
        (changed, Ok(()))
    };
    let Some(text) = keys.write_string(key)? else {
        let mut sketch = hll::empty();
        hll::forget(&mut sketch);
        add_all(&mut sketch).1?;
        keys.set_raw(key, sketch, Deadline::None);
        reply.integer(1);
        return Ok(());
    };
    sketch(text)?;
    // What the bytes where they lie can tell: changed in place, or a copy to be changed.
    let (changed, copy) = keys.edit_bytes(key, 0, |bytes| {
        if hll::is_dense(bytes) {
            let changed = args.from(2).filter(|element| hll::add_dense(bytes, element)).count() > 0;
            return ((changed, None), Edit::when(changed));
        }
        let dull = args.from(2).all(|element| hll::would_change(bytes, element) == Ok(false));
        ((false, (!dull).then(|| bytes.to_vec())), Edit::Unchanged)
    })?;
    let Some(mut sketch) = copy else {
        reply.integer(i64::from(changed));
        return Ok(());
    };
    let (changed, added) = add_all(&mut sketch);
    if changed {
        keys.replace_bytes(key, sketch);
    }
    added?;
    reply.integer(i64::from(changed));
    Ok(())
}

/// `PFCOUNT key [key ...]`: the estimate, of all keys together. Errors: as PFADD, of the first key that has
/// one.
fn pfcount(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    if hop.stage == 0 {
        let run: PartFn = if args.len() == 2 { count_part } else { copy_part };
        return Ok(Next::Hop(parts(args, hop, run)));
    }
    let mut registers = Registers::default();
    for carry in hop.carries.drain(..) {
        match carry {
            Carry::Number(count) => {
                reply.integer(count);
                return Ok(Next::Done);
            }
            Carry::Bytes(Some(sketch)) => registers.merge(&sketch)?,
            Carry::Error(error) => return Err(error),
            _ => {}
        }
    }
    reply.integer(registers.count() as i64);
    Ok(Next::Done)
}

/// A part for every key.
fn parts(args: Args<'_>, hop: &Hop, run: PartFn) -> Vec<Part> {
    (1..args.len()).map(|key| Part { key, db: hop.db, run, carry: Carry::Nothing }).collect()
}

/// Counts one sketch, and keeps the estimate in it.
fn count_part(keys: &mut Keyspace<'_>, key: &[u8], _: Carry) -> Carry {
    count_one(keys, key).map_or_else(Carry::Error, |count| Carry::Number(count as i64))
}

fn count_one(keys: &mut Keyspace<'_>, key: &[u8]) -> Result<u64, CommandError> {
    let Some(text) = keys.read_string(key)? else { return Ok(0) };
    let bytes = sketch(text)?;
    if let Some(count) = hll::cached(bytes) {
        return Ok(count);
    }
    let count = hll::count(bytes)?;
    keys.edit_bytes(key, 0, |bytes| (hll::cache(bytes, count), Edit::Changed))?;
    Ok(count)
}

/// Brings a copy of one sketch.
fn copy_part(keys: &mut Keyspace<'_>, key: &[u8], _: Carry) -> Carry {
    let copy = match keys.read_string(key) {
        Ok(text) => text.map(|text| sketch(text).map(<[u8]>::to_vec)).transpose(),
        Err(wrong) => Err(wrong.into()),
    };
    copy.map_or_else(Carry::Error, Carry::Bytes)
}

/// `PFMERGE destkey [sourcekey ...]`: OK. The destination keeps what it has seen and its deadline, and is
/// dense if one of them is. Errors: as PFADD, of the first key that has one.
fn pfmerge(args: Args<'_>, hop: &mut Hop, reply: &mut Reply<'_>) -> Result<Next, CommandError> {
    match hop.stage {
        0 => return Ok(Next::Hop(parts(args, hop, copy_part))),
        1 => {
            let (mut registers, mut dense) = (Registers::default(), false);
            for carry in hop.carries.drain(..) {
                match carry {
                    Carry::Bytes(Some(sketch)) => {
                        dense |= hll::is_dense(&sketch);
                        registers.merge(&sketch)?;
                    }
                    Carry::Error(error) => return Err(error),
                    _ => {}
                }
            }
            // Behind the registers, whether the result is to be dense.
            let mut bytes = registers.as_bytes().to_vec();
            bytes.push(u8::from(dense));
            let carry = Carry::Bytes(Some(bytes));
            return Ok(Next::Hop(vec![Part { key: 1, db: hop.db, run: merge_part, carry }]));
        }
        _ => {}
    }
    if let Some(Carry::Error(error)) = hop.carries.pop() {
        return Err(error);
    }
    reply.ok();
    Ok(Next::Done)
}

/// Raises the destination's registers.
fn merge_part(keys: &mut Keyspace<'_>, key: &[u8], carry: Carry) -> Carry {
    let Carry::Bytes(Some(bytes)) = carry else { return Carry::Nothing };
    merge_into(keys, key, &bytes).map_or_else(Carry::Error, |()| Carry::Nothing)
}

fn merge_into(keys: &mut Keyspace<'_>, key: &[u8], bytes: &[u8]) -> CommandResult {
    let sparse_max = keys.settings().shapes.hll_sparse_max_bytes;
    let mut merged = match keys.write_string(key)? {
        Some(text) => sketch(text)?.to_vec(),
        None => hll::empty(),
    };
    if bytes[hll::REGISTERS] == 1 {
        hll::make_dense(&mut merged)?;
    }
    hll::raise_all(&mut merged, &bytes[..hll::REGISTERS], sparse_max)?;
    keys.replace_bytes(key, merged);
    Ok(())
}

/// `PFDEBUG GETREG|DECODE|ENCODING|TODENSE key`. Errors: no such key, as PFADD, an unknown word.
fn pfdebug(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let key = args.at(2);
    let text = keys.write_string(key)?.ok_or(CommandError::Text("ERR The specified key does not exist"))?;
    let bytes = sketch(text)?;
    let dense = hll::is_dense(bytes);
    if args.is(1, "encoding") {
        reply.simple(if dense { "dense" } else { "sparse" });
    } else if args.is(1, "decode") {
        if dense {
            return Err(CommandError::Text("ERR HLL encoding is not sparse"));
        }
        reply.text(&hll::describe(bytes));
    } else if args.is(1, "todense") || args.is(1, "getreg") {
        let mut copy = bytes.to_vec();
        hll::make_dense(&mut copy)?;
        if args.is(1, "todense") {
            reply.integer(i64::from(!dense));
        } else {
            let mut registers = Registers::default();
            registers.merge(&copy)?;
            reply.array(hll::REGISTERS);
            registers.as_bytes().iter().for_each(|&value| reply.integer(i64::from(value)));
        }
        if !dense {
            keys.replace_bytes(key, copy);
        }
    } else {
        let word = c_text(args.at(1));
        reply.error_bytes(&[b"ERR Unknown PFDEBUG subcommand '", word, b"'"].concat());
        return Err(CommandError::Replied);
    }
    Ok(())
}

/// `PFSELFTEST`: OK, or what is wrong. Takes some milliseconds.
fn pfselftest(_: &mut Core<'_>, _: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (mut sparse, mut dense) = (hll::empty(), hll::empty());
    hll::make_dense(&mut dense)?;
    for number in 1..=SELF_TEST_ELEMENTS {
        let element = number.to_string();
        hll::add(&mut sparse, element.as_bytes(), usize::MAX)?;
        hll::add_dense(&mut dense, element.as_bytes());
        if number.is_power_of_two() {
            let (one, other) = (hll::count(&sparse)?, hll::count(&dense)?);
            if one != other {
                return Err(CommandError::say(reply, "ERR TESTFAILED dense/sparse disagree"));
            }
            // Six times the standard error, and some for small numbers.
            if one.abs_diff(number) > number / 20 + 4 {
                return Err(CommandError::say(reply, "ERR TESTFAILED Too big error"));
            }
        }
    }
    reply.ok();
    Ok(())
}

/// Elements that the test of oneself adds.
const SELF_TEST_ELEMENTS: u64 = 4096;

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_sketch_is_the_string_that_redis_writes() {
        check(
            r#"
        > pfadd h                                     (integer) 1
        > get h                                       "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        > pfadd h                                     (integer) 0
        > pfcount h                                   (integer) 0
        > get h                                       "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        > pfadd h a b c                               (integer) 1
        > get h                                       "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > object encoding h                           "raw"
        > pfadd h a b c                               (integer) 0
        > pfcount h                                   (integer) 3
        > get h                                       "HYLL\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > type h                                      string
        > expire h 100                                (integer) 1
        > pfadd h d                                   (integer) 1
        > ttl h                                       (integer) 100
        > pfcount h                                   (integer) 4
        > strlen h                                    (integer) 30
            "#,
        );
    }

    #[test]
    fn estimates_of_several_keys_and_merged_ones() {
        check(
            r#"
        > pfadd a 1 2 3 4 5                           (integer) 1
        > pfadd b 4 5 6 7                             (integer) 1
        > pfcount a b missing                         (integer) 7
        > pfcount missing                             (integer) 0
        > pfcount missing nothing                     (integer) 0
        > pfmerge d a b missing                       OK
        > pfcount d                                   (integer) 7
        > get d
            "HYLL\x01\x00\x00\x00\a\x00\x00\x00\x00\x00\x00\x00A\xee\x84H#\x80SQ\x80Mt\x80O\x18\x80B\x12\x8c@\xcf\x84C\""
        > pfadd d 1                                   (integer) 0
        > pfmerge e                                   OK
        > get e                                       "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        > pfcount e                                   (integer) 0
        > expire e 100                                (integer) 1
        > pfmerge e e a                               OK
        > ttl e                                       (integer) 100
        > pfcount e                                   (integer) 5
        > pfdebug todense a                           (integer) 1
        > pfmerge e a                                 OK
        > pfdebug encoding e                          dense
        > pfmerge f a b                               OK
        > pfdebug encoding f                          dense
        > pfcount f                                   (integer) 7
        > strlen f                                    (integer) 12304
            "#,
        );
    }

    #[test]
    fn what_is_no_sketch_is_refused() {
        check(
            r#"
        > set s abc                                   OK
        > set n 12                                    OK
        > pfadd s a                                   (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > pfadd n a                                   (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > pfcount s                                   (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > pfcount h s                                 (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > pfcount missing s                           (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > pfmerge s                                   (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > pfmerge d s                                 (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > pfmerge d missing s                         (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > exists d                                    (integer) 0
        > set t "HYLL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"  OK
        > pfadd t a                                   (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > set t "HYLL\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"  OK
        > pfadd t a                                   (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > set t "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xfe"  OK
        > pfcount t                                   (error) INVALIDOBJ Corrupted HLL object detected
        > pfcount t missing                           (error) INVALIDOBJ Corrupted HLL object detected
        > pfmerge d t                                 (error) INVALIDOBJ Corrupted HLL object detected
        > exists d                                    (integer) 0
        > set t "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"  OK
        > pfadd t a                                   (error) INVALIDOBJ Corrupted HLL object detected
        > pfdebug encoding missing                    (error) ERR The specified key does not exist
        > pfdebug encoding s                          (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > pfdebug nosuch t                            (error) ERR Unknown PFDEBUG subcommand 'nosuch'
        > pfadd                                       (error) ERR wrong number of arguments for 'pfadd' command
        > pfcount                                     (error) ERR wrong number of arguments for 'pfcount' command
        > pfmerge                                     (error) ERR wrong number of arguments for 'pfmerge' command
            "#,
        );
    }

    #[test]
    fn a_look_into_a_sketch() {
        check(
            r#"
        > pfadd h a b c                               (integer) 1
        > pfdebug decode h                            "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"
        > pfdebug encoding h                          sparse
        > pfdebug todense h                           (integer) 1
        > pfdebug todense h                           (integer) 0
        > pfdebug encoding h                          dense
        > pfdebug decode h                            (error) ERR HLL encoding is not sparse
        > pfcount h                                   (integer) 3
        > strlen h                                    (integer) 12304
        > pfdebug getreg h  *
        > pfadd h a                                   (integer) 0
        > pfadd h x                                   (integer) 1
        > pfcount h                                   (integer) 4
        > pfselftest                                  OK
            "#,
        );
    }
}
