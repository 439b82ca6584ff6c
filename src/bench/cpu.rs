//! The CPU clock of a process, read from outside: what a server spends on an operation.
//!
//! Rates say little on a shared machine, and nothing about a server that was not busy; the nanoseconds that
//! the scheduler charged to it, over the operations done in the same time, say what an operation costs. They
//! are read in slices of 50 ms, because a machine's bad moments are short: the calmest tenth of the slices
//! is repeatable to a percent where the mean is to ten.
//!
//! The clock of a running task moves at the scheduler's tick (1 to 4 ms) and when it sleeps, so a slice ends
//! where the clock has just moved: otherwise a slice of 50 ms would be wrong by up to 8 %, and the calmest
//! would be those that were cheated.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// Length of a slice.
pub const SLICE: Duration = Duration::from_millis(50);

/// How long the clock of a running process may stand still.
const TICK_MAX: Duration = Duration::from_millis(5);

/// Between two looks at a clock that stands still.
const LOOK_EVERY: Duration = Duration::from_micros(250);

/// Reads the CPU clock of a process with all its threads.
pub struct CpuClock {
    pid: u32,
    /// By thread: its open `schedstat` and what it said last, so that a thread that ends is not forgotten.
    threads: BTreeMap<u32, (File, u64)>,
}

impl CpuClock {
    /// The clock of a process; an error when there is none or the kernel keeps no such figure.
    pub fn of(pid: u32) -> io::Result<CpuClock> {
        let mut clock = CpuClock { pid, threads: BTreeMap::new() };
        clock.find_threads()?;
        clock.read_ns()?;
        Ok(clock)
    }

    /// Takes up threads that have been started since.
    pub fn find_threads(&mut self) -> io::Result<()> {
        for task in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let task = task?;
            let id = task.file_name().to_str().and_then(|name| name.parse().ok()).unwrap_or(0);
            if !self.threads.contains_key(&id)
                && let Ok(file) = File::open(task.path().join("schedstat"))
            {
                self.threads.insert(id, (file, 0));
            }
        }
        if self.threads.is_empty() { Err(io::ErrorKind::Unsupported.into()) } else { Ok(()) }
    }

    /// Nanoseconds on a CPU so far, of all threads seen.
    pub fn read_ns(&mut self) -> io::Result<u64> {
        let mut total = 0;
        for (file, last) in self.threads.values_mut() {
            let mut text = [0; 64];
            // A thread that has ended keeps what it had.
            if let Ok(len) = file.read_at(&mut text, 0) {
                let digits = text[..len].iter().take_while(|byte| byte.is_ascii_digit());
                *last = digits.fold(0, |number: u64, digit| number * 10 + u64::from(digit - b'0')).max(*last);
            }
            total += *last;
        }
        Ok(total)
    }

    /// Waits until the clock moves, a tick at most, and reads it.
    pub fn read_moved_ns(&mut self) -> io::Result<u64> {
        let before = self.read_ns()?;
        let mut waited = Duration::ZERO;
        loop {
            std::thread::sleep(LOOK_EVERY);
            waited += LOOK_EVERY;
            let now = self.read_ns()?;
            if now > before || waited >= TICK_MAX {
                return Ok(now);
            }
        }
    }
}

/// One slice: CPU time and operations of the same stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Nanoseconds on a CPU.
    pub cpu_ns: u64,
    /// Operations done.
    pub operations: u64,
    /// How long it was.
    pub wall_ns: u64,
}

/// What an operation costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuCost {
    /// Microseconds per operation in the calmest tenth of the slices.
    pub calm_us: f64,
    /// Microseconds per operation over all slices.
    pub mean_us: f64,
    /// CPUs kept busy: 1.0 is one whole CPU.
    pub busy: f64,
}

impl CpuCost {
    /// Reads it from slices; `None` when nothing was done in any.
    pub fn of(slices: &[Slice]) -> Option<CpuCost> {
        let mut used: Vec<Slice> = slices.iter().copied().filter(|slice| slice.operations > 0).collect();
        let per_operation = |slice: &Slice| slice.cpu_ns as f64 / slice.operations as f64;
        used.sort_by(|one, other| per_operation(one).total_cmp(&per_operation(other)));
        let calmest = &used[..used.len().div_ceil(10)];
        let us = |slices: &[Slice]| {
            let cpu_ns: u64 = slices.iter().map(|slice| slice.cpu_ns).sum();
            let operations: u64 = slices.iter().map(|slice| slice.operations).sum();
            cpu_ns as f64 / 1e3 / operations as f64
        };
        if used.is_empty() {
            return None;
        }
        let wall_ns: u64 = slices.iter().map(|slice| slice.wall_ns).sum();
        let cpu_ns: u64 = slices.iter().map(|slice| slice.cpu_ns).sum();
        Some(CpuCost { calm_us: us(calmest), mean_us: us(slices), busy: cpu_ns as f64 / wall_ns as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_is_the_calmest_tenth() {
        let slice = |cpu_ns, operations| Slice { cpu_ns, operations, wall_ns: 50_000_000 };
        let mut slices = vec![slice(40_000_000, 40_000); 18];
        slices.extend([slice(30_000_000, 40_000); 2]);
        let cost = CpuCost::of(&slices).unwrap();
        assert_eq!((cost.calm_us, cost.mean_us), (0.75, 0.975));
        assert_eq!(cost.busy, 0.78);
        assert_eq!(CpuCost::of(&[slice(5, 0)]), None);
        assert_eq!(CpuCost::of(&[]), None);
    }

    #[test]
    fn the_clock_of_a_busy_process_moves() {
        let mut clock = CpuClock::of(std::process::id()).unwrap();
        let before = clock.read_ns().unwrap();
        let mut sum = 0u64;
        while clock.read_ns().unwrap() == before {
            sum = (0..100_000u64).fold(sum, |sum, x| sum.wrapping_mul(31).wrapping_add(x));
        }
        assert_ne!(sum, 1);
        assert!(CpuClock::of(u32::MAX).is_err());
    }
}
