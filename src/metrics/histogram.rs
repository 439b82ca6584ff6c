//! Latencies in nanoseconds: an HdrHistogram that costs nothing until its first value.
//!
//! Two significant digits, because Redis has two: bucket edges are part of what `LATENCY HISTOGRAM`
//! answers, so a finer grid would answer differently. Values up to a minute are kept (Redis cuts at
//! one second); longer ones count as a minute. One histogram is 3,840 counters, 30 KB, so a core that
//! has seen every command of a table of 300, locally and remotely, holds 18 MB; a usual workload
//! holds a few hundred KB. Recording costs 5 ns (crate hdrhistogram 7, release build, 2-vCPU EPYC).

use hdrhistogram::Histogram as Hdr;

/// Longest latency told apart from longer ones: one minute.
pub const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// Decimal digits kept of a value.
pub const SIGNIFICANT_DIGITS: u8 = 2;

/// Linear steps in a power of two that two digits need: the power of two above 2 x 10^2.
const SUB_BUCKETS: u32 = 256;

/// A histogram of nanoseconds that allocates when its first value arrives.
#[derive(Clone, Debug, Default)]
pub struct LazyHistogram(Option<Box<Hdr<u64>>>);

impl LazyHistogram {
    /// Counts one value. Zero counts as 1 ns, more than [`LATENCY_NS_MAX`] as that.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        let ns = ns.clamp(1, LATENCY_NS_MAX);
        match &mut self.0 {
            Some(hdr) => hdr.saturating_record(ns),
            empty => empty.insert(new_hdr()).saturating_record(ns),
        }
    }

    /// Counts one value `count` times.
    #[inline]
    pub fn record_many(&mut self, ns: u64, count: u64) {
        self.0.get_or_insert_with(new_hdr).saturating_record_n(ns.clamp(1, LATENCY_NS_MAX), count);
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &LazyHistogram) {
        let Some(theirs) = &other.0 else { return };
        match &mut self.0 {
            // Both have the same bounds, so nothing can be out of range.
            Some(ours) => **ours += theirs.as_ref(),
            empty => *empty = Some(theirs.clone()),
        }
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |hdr| hdr.len())
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Largest value, rounded up to the end of its bucket; 0 when empty.
    pub fn max(&self) -> u64 {
        self.0.as_ref().map_or(0, |hdr| hdr.max())
    }

    /// Smallest value, rounded down to the start of its bucket; 0 when empty.
    pub fn min(&self) -> u64 {
        self.0.as_ref().map_or(0, |hdr| hdr.min())
    }

    /// Mean of the buckets' middles; 0 when empty.
    pub fn mean(&self) -> f64 {
        self.0.as_ref().map_or(0.0, |hdr| hdr.mean())
    }

    /// Standard deviation; 0 when empty.
    pub fn deviation(&self) -> f64 {
        self.0.as_ref().map_or(0.0, |hdr| hdr.stdev())
    }

    /// The value that `percentile` (0 to 100) of all values do not exceed, rounded up to the end of
    /// its bucket; for percentile 0 the start of the first. 0 when empty. Rounds the rank as the C
    /// library does that Redis uses.
    pub fn percentile(&self, percentile: f64) -> u64 {
        if percentile == 0.0 {
            return self.min();
        }
        let rank = ((percentile.min(100.0) / 100.0) * self.count() as f64 + 0.5) as u64;
        let rank = rank.max(1);
        let mut seen = 0;
        for (edge, count) in self.buckets() {
            seen += count;
            if seen >= rank {
                return edge;
            }
        }
        0
    }

    /// The filled buckets in ascending order: the largest value that falls into it, and its count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().flat_map(|hdr| {
            hdr.iter_recorded()
                .map(|step| (hdr.highest_equivalent(step.value_iterated_to()), step.count_at_value()))
        })
    }

    /// `LATENCY HISTOGRAM`'s rows: microseconds and how many values did not exceed them, for every
    /// power of two from 1,024 ns up at which that number grew.
    ///
    /// The edge is the end of the bucket that the power starts, cut to microseconds: 1, 2, 4, 8, 16,
    /// 33, 66, 132, … as Redis answers. Redis shows nothing past its second; here the rows go on.
    pub fn cumulative_us(&self) -> Vec<(u64, u64)> {
        let Some(hdr) = &self.0 else { return Vec::new() };
        let mut rows = Vec::new();
        let mut level: u64 = 1_024;
        let (mut seen, mut shown) = (0, 0);
        for (edge, count) in self.buckets() {
            while edge > hdr.highest_equivalent(level) {
                if seen > shown {
                    rows.push((hdr.highest_equivalent(level) / 1_000, seen));
                    shown = seen;
                }
                level *= 2;
            }
            seen += count;
        }
        if seen > shown {
            rows.push((hdr.highest_equivalent(level) / 1_000, seen));
        }
        rows
    }

    /// The classic percentile distribution that HdrHistogram's plotters read: value, percentile,
    /// total count and 1/(1-percentile), five steps per halving of the distance to 100 %, then mean,
    /// deviation, maximum, total and grid. Values are in microseconds.
    pub fn hgrm_us(&self) -> String {
        let us = |ns: f64| ns / 1_000.0;
        let mut text = format!(
            "{:>12} {:>14} {:>10} {:>14}\n\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        );
        let mut seen = 0;
        for step in self.0.iter().flat_map(|hdr| hdr.iter_quantiles(5)) {
            let value = us(step.value_iterated_to() as f64);
            let quantile = step.quantile_iterated_to();
            seen += step.count_since_last_iteration();
            text.push_str(&format!("{value:12.3} {quantile:2.12} {seen:10}"));
            if quantile < 1.0 {
                text.push_str(&format!(" {:14.2}", 1.0 / (1.0 - quantile)));
            }
            text.push('\n');
        }
        let buckets = self.0.as_ref().map_or(0, |hdr| hdr.buckets());
        text.push_str(&format!(
            "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n\
             #[Max     = {:12.3}, Total count    = {:12}]\n\
             #[Buckets = {buckets:12}, SubBuckets     = {SUB_BUCKETS:12}]\n",
            us(self.mean()),
            us(self.deviation()),
            us(self.max() as f64),
            self.count(),
        ));
        text
    }
}

impl PartialEq for LazyHistogram {
    fn eq(&self, other: &Self) -> bool {
        self.buckets().eq(other.buckets())
    }
}

#[cold]
fn new_hdr() -> Box<Hdr<u64>> {
    let hdr = Hdr::new_with_bounds(1, LATENCY_NS_MAX, SIGNIFICANT_DIGITS);
    Box::new(hdr.expect("constant bounds are valid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> LazyHistogram {
        let mut histogram = LazyHistogram::default();
        values.iter().for_each(|&ns| histogram.record(ns));
        histogram
    }

    /// What redis-server 7.0.15 answered for these values, which its microsecond clock had measured.
    #[test]
    fn edges_and_percentiles_are_those_of_redis() {
        assert_eq!(of(&[3_000, 3_000]).cumulative_us(), [(4, 2)]);
        assert_eq!(of(&[27_000]).cumulative_us(), [(33, 1)]);
        assert_eq!(of(&[22_000]).cumulative_us(), [(33, 1)]);
        assert_eq!(of(&[16_000, 68_000, 100_000, 127_000]).cumulative_us(), [(16, 1), (132, 4)]);
        assert_eq!(of(&[100_173_000]).cumulative_us(), [(135_266, 1)]);
        for (ns, edge) in [(3_000, 3_007), (27_000, 27_007), (22_000, 22_015), (21_000, 21_119)] {
            assert_eq!(of(&[ns]).percentile(50.0), edge);
        }
        let info = of(&[68_000, 68_000, 127_000]);
        assert_eq!(info.percentile(50.0), 68_095);
        assert_eq!(info.percentile(99.0), 127_487);
        assert_eq!(of(&[703_757_000]).percentile(99.9), 704_643_071);
        assert_eq!(of(&[35_900]).percentile(0.0), 35_840);
    }

    #[test]
    fn a_value_on_a_power_of_two_belongs_to_that_row() {
        assert_eq!(of(&[1]).cumulative_us(), [(1, 1)]);
        assert_eq!(of(&[1_024, 1_031]).cumulative_us(), [(1, 2)]);
        assert_eq!(of(&[1_032]).cumulative_us(), [(2, 1)]);
        assert_eq!(of(&[32_768]).cumulative_us(), [(33, 1)]);
        assert_eq!(of(&[33_024]).cumulative_us(), [(66, 1)]);
        assert_eq!(of(&[]).cumulative_us(), []);
    }

    #[test]
    fn values_out_of_range_are_kept_at_the_ends() {
        let histogram = of(&[0, u64::MAX]);
        assert_eq!(histogram.count(), 2);
        assert_eq!(histogram.min(), 1);
        assert!((LATENCY_NS_MAX..LATENCY_NS_MAX / 100 * 101).contains(&histogram.max()));
    }

    #[test]
    fn merging_equals_recording_everything_in_one() {
        let (left, right) = (of(&[5, 700, 1_000_000]), of(&[6, 700, 59_000_000_000]));
        let mut both = left.clone();
        both.merge(&right);
        assert_eq!(both, of(&[5, 700, 1_000_000, 6, 700, 59_000_000_000]));
        let mut empty = LazyHistogram::default();
        empty.merge(&left);
        assert_eq!(empty, left);
        empty.merge(&LazyHistogram::default());
        assert_eq!(empty, left);
    }

    #[test]
    fn percentile_text_says_the_same_when_read_back() {
        let values: Vec<u64> = (1..=10_000).map(|n| n * 1_000).collect();
        let histogram = of(&values);
        let text = histogram.hgrm_us();
        let mut lines = text.lines();
        let titles: Vec<_> = lines.next().unwrap().split_whitespace().collect();
        assert_eq!(titles, ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]);
        assert_eq!(lines.next(), Some(""));
        let mut last = (0.0, 0.0, 0);
        for line in lines.by_ref().take_while(|line| !line.starts_with('#')) {
            let fields: Vec<f64> = line.split_whitespace().map(|field| field.parse().unwrap()).collect();
            let (value, quantile, seen) = (fields[0], fields[1], fields[2] as u64);
            assert!(value >= last.0 && quantile >= last.1 && seen >= last.2, "{line}");
            assert!((value - quantile * 10_000.0).abs() <= value / 64.0 + 16.0, "{line}");
            assert_eq!(fields.len(), if quantile < 1.0 { 4 } else { 3 }, "{line}");
            last = (value, quantile, seen);
        }
        assert_eq!((last.1, last.2), (1.0, 10_000));
        let footer = text.split_once("#[").unwrap().1;
        assert!(footer.starts_with("Mean    =     "), "{footer}");
        assert!(
            footer.contains("Total count    =        10000]\n#[Buckets =           29, SubBuckets"),
            "{footer}"
        );
    }

    #[test]
    fn percentile_text_of_nothing_has_its_header_and_footer() {
        let text = of(&[]).hgrm_us();
        assert_eq!(text.lines().count(), 5);
        assert!(text.contains("Total count    =            0]"));
    }
}
