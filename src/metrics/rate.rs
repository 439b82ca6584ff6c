//! Instantaneous rates, as `INFO stats` shows them: the mean of the last sixteen samples of 100 ms.
//!
//! Redis samples in a timer that always runs. Our cores sleep when idle, so a sample may cover many
//! periods; it then fills as many of the sixteen places, and a core that slept for two seconds shows
//! the quiet it had rather than the busy time before.

use super::registry::Counters;

/// Samples in the mean.
const SAMPLES: usize = 16;

/// Nanoseconds between two samples.
const PERIOD_NS: u64 = 100_000_000;

/// What happens per second right now, on one core or summed over all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PerSecond {
    /// Commands.
    pub commands: f64,
    /// Bytes read from clients.
    pub input_bytes: f64,
    /// Bytes written to clients.
    pub output_bytes: f64,
}

impl PerSecond {
    fn plus(self, other: PerSecond) -> PerSecond {
        PerSecond {
            commands: self.commands + other.commands,
            input_bytes: self.input_bytes + other.input_bytes,
            output_bytes: self.output_bytes + other.output_bytes,
        }
    }

    fn times(self, factor: f64) -> PerSecond {
        PerSecond {
            commands: self.commands * factor,
            input_bytes: self.input_bytes * factor,
            output_bytes: self.output_bytes * factor,
        }
    }

    /// Adds the rates of another core.
    pub fn merge(&mut self, other: &PerSecond) {
        *self = self.plus(*other);
    }
}

/// The last samples of one core.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    samples: [PerSecond; SAMPLES],
    next: usize,
    last: Option<(u64, [u64; 3])>,
}

impl Rates {
    /// Takes a sample if a period has passed; `now_ns` is the monotonic clock.
    pub(super) fn sample(&mut self, now_ns: u64, counters: &Counters) {
        let reading = [counters.commands_processed, counters.net_input_bytes, counters.net_output_bytes];
        let Some((last_ns, before)) = self.last else {
            self.last = Some((now_ns, reading));
            return;
        };
        let elapsed = now_ns.saturating_sub(last_ns);
        if elapsed < PERIOD_NS {
            return;
        }
        let grown = |at: usize| reading[at].saturating_sub(before[at]) as f64;
        let sample = PerSecond { commands: grown(0), input_bytes: grown(1), output_bytes: grown(2) }
            .times(1e9 / elapsed as f64);
        let periods = (elapsed / PERIOD_NS).min(SAMPLES as u64) as usize;
        for _ in 0..periods {
            self.samples[self.next] = sample;
            self.next = (self.next + 1) % SAMPLES;
        }
        self.last = Some((now_ns, reading));
    }

    /// The mean of the samples.
    pub(super) fn current(&self) -> PerSecond {
        let sum = self.samples.iter().fold(PerSecond::default(), |sum, sample| sum.plus(*sample));
        sum.times(1.0 / SAMPLES as f64)
    }

    /// Forgets the samples and, as the counters were reset too, the last reading.
    pub(super) fn reset(&mut self) {
        *self = Rates::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn counted(commands: u64) -> Counters {
        Counters { commands_processed: commands, net_input_bytes: commands * 10, ..Counters::default() }
    }

    #[test]
    fn a_steady_rate_is_shown_after_sixteen_periods() {
        let mut rates = Rates::default();
        for step in 0..=16 {
            rates.sample(step * 100 * MS, &counted(step * 50));
        }
        assert_eq!(rates.current(), PerSecond { commands: 500.0, input_bytes: 5_000.0, output_bytes: 0.0 });
    }

    #[test]
    fn samples_closer_than_a_period_are_left_out() {
        let mut rates = Rates::default();
        rates.sample(0, &counted(0));
        rates.sample(99 * MS, &counted(1_000));
        assert_eq!(rates.current(), PerSecond::default());
        rates.sample(100 * MS, &counted(1_000));
        assert_eq!(rates.current().commands, 10_000.0 / 16.0);
    }

    #[test]
    fn a_long_sleep_replaces_all_samples() {
        let mut rates = Rates::default();
        for step in 0..=16 {
            rates.sample(step * 100 * MS, &counted(step * 50));
        }
        rates.sample(61_600 * MS, &counted(800));
        assert_eq!(rates.current(), PerSecond::default());
    }
}
