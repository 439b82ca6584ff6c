//! Which key comes next: uniform, Zipf or one after the other.
//!
//! Zipf follows Gray et al., "Quickly generating billion-record synthetic databases" (1994), as YCSB does:
//! one pass over the keys at the start, then a few multiplications per draw. Ranks are scattered over the
//! keys, so that the hot ones are not neighbours and do not share a prefix.

use crate::base::prng::Prng;

/// Skew of `zipf` without a number: YCSB's.
pub const ZIPF_THETA: f64 = 0.99;

/// How keys are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Every key as often as every other.
    Uniform,
    /// Few keys very often; the number is the skew, between 0 and 1.
    Zipf(f64),
    /// 0, 1, 2, … and from the start again.
    Sequential,
}

impl Distribution {
    /// `uniform`, `zipf`, `zipf:0.8` or `sequential`; the error is one sentence.
    pub fn parse(text: &str) -> Result<Distribution, String> {
        match text.split_once(':').unwrap_or((text, "")) {
            ("uniform", "") => Ok(Distribution::Uniform),
            ("sequential", "") => Ok(Distribution::Sequential),
            ("zipf", "") => Ok(Distribution::Zipf(ZIPF_THETA)),
            ("zipf", number) => match number.parse::<f64>() {
                Ok(theta) if theta > 0.0 && theta < 1.0 => Ok(Distribution::Zipf(theta)),
                _ => Err(format!("zipf:{number}: the skew must be between 0 and 1, as in zipf:0.99")),
            },
            _ => Err(format!(
                "there is no distribution {text}; there are uniform, zipf, zipf:SKEW and sequential"
            )),
        }
    }
}

impl std::fmt::Display for Distribution {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Distribution::Uniform => to.write_str("uniform"),
            Distribution::Zipf(theta) => write!(to, "zipf:{theta}"),
            Distribution::Sequential => to.write_str("sequential"),
        }
    }
}

/// Draws keys.
#[derive(Clone, Debug)]
pub struct Keys {
    count: u64,
    draw: Draw,
}

#[derive(Clone, Debug)]
enum Draw {
    Uniform,
    Sequential(u64),
    Zipf { alpha: f64, zeta: f64, eta: f64, half: f64 },
}

impl Keys {
    /// Numbers below `count`, which must not be 0. `first` is where `sequential` starts. O(count) for Zipf.
    pub fn new(count: u64, distribution: Distribution, first: u64) -> Keys {
        let draw = match distribution {
            Distribution::Uniform => Draw::Uniform,
            Distribution::Sequential => Draw::Sequential(first % count),
            Distribution::Zipf(theta) => {
                let zeta: f64 = (1..=count).map(|rank| (rank as f64).powf(-theta)).sum();
                let half = 1.0 + 0.5_f64.powf(theta);
                let eta = (1.0 - (2.0 / count as f64).powf(1.0 - theta)) / (1.0 - half / zeta);
                Draw::Zipf { alpha: 1.0 / (1.0 - theta), zeta, eta, half }
            }
        };
        Keys { count, draw }
    }

    /// The next key's number.
    pub fn next(&mut self, prng: &mut Prng) -> u64 {
        match &mut self.draw {
            Draw::Uniform => prng.below(self.count),
            Draw::Sequential(next) => {
                let key = *next;
                *next = if key + 1 == self.count { 0 } else { key + 1 };
                key
            }
            Draw::Zipf { alpha, zeta, eta, half } => {
                let chance = unit(prng);
                let scaled = chance * *zeta;
                let rank = if scaled < 1.0 {
                    0
                } else if scaled < *half {
                    1
                } else {
                    (self.count as f64 * (*eta * chance - *eta + 1.0).powf(*alpha)) as u64
                };
                Prng::new(rank.min(self.count - 1)).next_u64() % self.count
            }
        }
    }
}

/// A number from 0 up to, but not including, 1.
pub(super) fn unit(prng: &mut Prng) -> f64 {
    (prng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u64 = 0x5eed;

    fn shares(distribution: Distribution) -> Vec<u64> {
        let (mut keys, mut prng) = (Keys::new(1_000, distribution, 0), Prng::new(SEED));
        let mut seen = vec![0; 1_000];
        (0..100_000).for_each(|_| seen[keys.next(&mut prng) as usize] += 1);
        seen.sort_unstable();
        seen.reverse();
        seen
    }

    #[test]
    fn uniform_keys_are_alike_and_sequential_ones_equal() {
        let uniform = shares(Distribution::Uniform);
        assert!(uniform[0] < 160 && uniform[999] > 50, "{uniform:?}");
        assert!(shares(Distribution::Sequential).iter().all(|&count| count == 100));
    }

    /// With skew 0.99 over 1,000 keys the most popular one has 1/zeta = 13 % of all draws.
    #[test]
    fn a_zipf_draw_has_its_favourites() {
        let zipf = shares(Distribution::Zipf(0.99));
        assert!((11_000..17_000).contains(&zipf[0]), "{}", zipf[0]);
        assert!((5_000..10_000).contains(&zipf[1]), "{}", zipf[1]);
        assert!(zipf[..100].iter().sum::<u64>() > 60_000);
    }

    #[test]
    fn distributions_are_read_as_they_are_written() {
        for text in ["uniform", "sequential", "zipf:0.8"] {
            assert_eq!(Distribution::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Distribution::parse("zipf"), Ok(Distribution::Zipf(ZIPF_THETA)));
        assert!(Distribution::parse("zipf:2").unwrap_err().contains("between 0 and 1"));
        assert!(Distribution::parse("normal").unwrap_err().contains("there are uniform"));
    }
}
