//! HyperLogLog sketches against what Redis wrote and against plain registers.

use super::*;
use crate::base::prng::Prng;
use std::collections::HashMap;

/// As `hll-sparse-max-bytes` is by default.
const SPARSE_MAX: usize = 3000;

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

fn sketch_of(elements: impl IntoIterator<Item = String>) -> Vec<u8> {
    let mut sketch = empty();
    forget(&mut sketch);
    for element in elements {
        add(&mut sketch, element.as_bytes(), SPARSE_MAX).unwrap();
    }
    sketch
}

#[test]
fn the_bytes_and_the_estimates_are_those_of_redis() {
    // `PFADD h e0 e1 …`, `GET h`, `PFCOUNT h` of redis-server 7.0.15: length, FNV-1a of the bytes, estimate.
    for (elements, len, hash, estimate) in [
        (0, 18, 0x524b_c36d_036c_0579, 0),
        (1, 21, 0xfffb_6fae_ff77_f7cd, 1),
        (2, 24, 0x4f94_c027_5f89_7b7d, 2),
        (10, 48, 0x4afc_b65d_27f7_d346, 10),
        (100, 285, 0xb8de_76da_b4a4_065e, 100),
        (1000, 1906, 0x5935_de02_3280_6824, 1008),
        (1500, 2719, 0xd67e_e50b_81f2_a28c, 1509),
        (2000, 12304, 0x1b55_76fa_1f6b_8092, 2000),
        (3000, 12304, 0x1b31_e02e_e1b5_6bce, 2979),
        (10_000, 12304, 0x7378_cbab_5ab5_c44b, 9973),
        (30_000, 12304, 0x415f_2de9_97fa_fac3, 29797),
    ] {
        let sketch = sketch_of((0..elements).map(|number| format!("e{number}")));
        assert!(is_sketch(&sketch));
        assert_eq!((sketch.len(), fnv1a(&sketch)), (len, hash), "{elements} elements");
        assert_eq!(count(&sketch), Ok(estimate), "{elements} elements");
        let mut registers = Registers::default();
        registers.merge(&sketch).unwrap();
        assert_eq!(registers.count(), estimate);
    }
    let sketch = sketch_of(["a", "b", "c"].map(String::from));
    assert_eq!(sketch, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80`\xf3\x80P\xb1\x84K\xfb\x80BZ");
    let letters = (1..=26).map(|times| char::from(b'`' + times as u8).to_string().repeat(times));
    let mut sketch = sketch_of(letters.chain(["b", "c"].map(String::from)));
    assert_eq!(count(&sketch), Ok(28));
    cache(&mut sketch, 28);
    assert_eq!(fnv1a(&sketch), 0x7b4beae6bfaefbc5);
}

#[test]
fn a_sparse_sketch_and_a_dense_one_hold_the_same_registers() {
    let seed = 0x411;
    let mut prng = Prng::new(seed);
    for round in 0..20 {
        let (mut sparse, mut model) = (empty(), HashMap::new());
        for step in 0..400 {
            let (index, value) = match prng.below(3) {
                // Neighbours, so that runs form and break.
                0 => (prng.below(40) as usize, 1 + prng.below(3) as u8),
                1 => (REGISTERS - 1 - prng.below(70) as usize, 1 + prng.below(2) as u8),
                _ => (prng.below(REGISTERS as u64) as usize, 1 + prng.below(32) as u8),
            };
            let old = model.get(&index).copied().unwrap_or(0);
            let raised = raise(&mut sparse, index, value, usize::MAX).unwrap();
            assert_eq!(raised, value > old, "seed {seed} round {round} step {step}");
            model.insert(index, value.max(old));
        }
        assert!(!is_dense(&sparse));
        let mut dense = sparse.clone();
        make_dense(&mut dense).unwrap();
        assert!(is_sketch(&dense) && is_dense(&dense));
        for index in 0..REGISTERS {
            let expected = model.get(&index).copied().unwrap_or(0);
            assert_eq!(register(&sparse, index), Ok(expected), "seed {seed} round {round} register {index}");
            assert_eq!(register(&dense, index), Ok(expected), "seed {seed} round {round} register {index}");
        }
        assert_eq!(count(&sparse), count(&dense));
    }
}

#[test]
fn a_long_run_or_a_long_string_makes_a_sketch_dense() {
    let mut sketch = empty();
    raise(&mut sketch, 5, 32, SPARSE_MAX).unwrap();
    assert!(!is_dense(&sketch));
    raise(&mut sketch, 5, 33, SPARSE_MAX).unwrap();
    assert!(is_dense(&sketch));
    assert_eq!(register(&sketch, 5), Ok(33));
    let mut sketch = empty();
    raise(&mut sketch, 5, 1, 0).unwrap();
    assert!(is_dense(&sketch));
}

#[test]
fn a_cardinality_is_kept_until_a_register_changes() {
    let mut sketch = empty();
    assert_eq!(cached(&sketch), Some(0));
    assert_eq!(add(&mut sketch, b"a", SPARSE_MAX), Ok(true));
    assert_eq!(cached(&sketch), None);
    cache(&mut sketch, 1);
    assert_eq!(would_change(&sketch, b"a"), Ok(false));
    assert_eq!(add(&mut sketch, b"a", SPARSE_MAX), Ok(false));
    assert_eq!(cached(&sketch), Some(1));
    make_dense(&mut sketch).unwrap();
    assert_eq!(cached(&sketch), Some(1));
    assert!(!add_dense(&mut sketch, b"a"));
    assert!(add_dense(&mut sketch, b"b"));
    assert_eq!(cached(&sketch), None);
}

#[test]
fn a_string_that_lies_about_its_registers_is_found_out() {
    let seed = 0xbad;
    let mut prng = Prng::new(seed);
    let good = sketch_of((0..300).map(|number| number.to_string()));
    for _ in 0..2000 {
        let mut bad = good.clone();
        for _ in 0..1 + prng.below(4) {
            let at = HEADER_BYTES + prng.below((bad.len() - HEADER_BYTES) as u64) as usize;
            match prng.below(3) {
                0 => bad[at] = prng.next_u64() as u8,
                1 => bad.truncate(at.max(HEADER_BYTES + 1)),
                _ => bad.insert(at, prng.next_u64() as u8),
            }
        }
        // Whatever they answer, none of them panics.
        let counted = count(&bad);
        let mut registers = Registers::default();
        assert_eq!(registers.merge(&bad).is_err(), counted.is_err());
        let mut dense = bad.clone();
        assert_eq!(make_dense(&mut dense).is_err(), counted.is_err());
        for number in 0..10 {
            let _ = add(&mut bad, format!("x{number}").as_bytes(), SPARSE_MAX);
        }
    }
    assert!(!is_sketch(b"") && !is_sketch(b"HYLL") && !is_sketch(&[b'x'; 16]));
    let mut short = empty();
    short[ENCODING_AT] = DENSE;
    assert!(!is_sketch(&short));
    short[ENCODING_AT] = 2;
    assert!(!is_sketch(&short));
    assert_eq!(count(&good[..HEADER_BYTES]), Err(Corrupted));
}
