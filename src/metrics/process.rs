//! The process as its allocator and the kernel see it: memory, processor time, the machine.
//!
//! Read when somebody asks, from jemalloc's statistics and `/proc`; a number that cannot be read is 0.
//! Processor times come in the kernel's ticks of 10 ms.

use std::fs;
use std::io;
use tikv_jemalloc_ctl::{Access, AsName, arenas, epoch, stats};

/// Kernel ticks per second in `/proc/*/stat`: fixed by Linux's interface on every machine we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Bytes of a page as `/proc/self/statm` counts them.
const PAGE_BYTES: u64 = 4096;

/// How often the allocator is asked how much is allocated, for the peak: once a second.
const SAMPLE_NS: u64 = 1_000_000_000;

/// Bytes as the allocator counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocator {
    /// Asked for and not given back.
    pub allocated: u64,
    /// In pages that hold something.
    pub active: u64,
    /// In pages that the kernel has given.
    pub resident: u64,
    /// The allocator's own book-keeping.
    pub metadata: u64,
}

/// What the allocator holds now. Adds up all arenas: some tens of microseconds.
pub fn allocator() -> Allocator {
    // Statistics stand still until the epoch moves.
    let _ = epoch::advance();
    let bytes = |read: tikv_jemalloc_ctl::Result<usize>| read.map_or(0, |bytes| bytes as u64);
    Allocator {
        allocated: bytes(stats::allocated::read()),
        active: bytes(stats::active::read()),
        resident: bytes(stats::resident::read()),
        metadata: bytes(stats::metadata::read()),
    }
}

/// Gives unused pages back to the kernel: sets every arena's decay time to nothing, which purges, and back.
pub fn purge() {
    let count = arenas::narenas::read().unwrap_or(0);
    for arena in 0..count {
        for kind in ["dirty", "muzzy"] {
            let name = format!("arena.{arena}.{kind}_decay_ms\0");
            let name = name.as_str().name();
            // An arena that was never used has no such setting: nothing to purge either.
            let before: Result<isize, _> = name.read();
            if let Ok(before) = before {
                let _ = name.write(0_isize);
                let _ = name.write(before);
            }
        }
    }
}

/// The allocator's figures, for people.
pub fn allocator_report() -> String {
    let figures = allocator();
    let bytes = |read: tikv_jemalloc_ctl::Result<usize>| read.unwrap_or(0);
    let rows = [
        ("allocated", figures.allocated as usize),
        ("active", figures.active as usize),
        ("metadata", figures.metadata as usize),
        ("resident", figures.resident as usize),
        ("mapped", bytes(stats::mapped::read())),
        ("retained", bytes(stats::retained::read())),
    ];
    let mut report = format!("{}, {} arenas\n", allocator_name(), arenas::narenas::read().unwrap_or(0));
    for (name, bytes) in rows {
        report.push_str(&format!("{name:<10}{bytes:>15} bytes\n"));
    }
    report
}

/// The allocator with its version, as Redis names it.
pub fn allocator_name() -> String {
    let version: Result<&'static str, _> = "version\0".name().read();
    let number = version.ok().and_then(|text| text.split('-').next());
    format!("jemalloc-{}", number.unwrap_or("unknown"))
}

/// Bytes of memory that are really there for this process.
pub fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok().and_then(|text| nth(&text, 1));
    pages.unwrap_or(0) * PAGE_BYTES
}

/// Bytes of memory of the machine.
pub fn machine_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("MemTotal:"));
    line.and_then(|line| nth(line, 1)).unwrap_or(0) * 1024
}

/// Processor time in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuTime {
    /// In the program.
    pub user: f64,
    /// In the kernel on its behalf.
    pub system: f64,
    /// In programs it has started and waited for.
    pub children_user: f64,
    /// In the kernel on their behalf.
    pub children_system: f64,
}

/// Processor time of all threads.
pub fn cpu_time() -> CpuTime {
    read_cpu("/proc/self/stat")
}

/// Processor time of the first thread.
pub fn main_thread_cpu_time() -> CpuTime {
    read_cpu(&format!("/proc/self/task/{}/stat", std::process::id()))
}

fn read_cpu(path: &str) -> CpuTime {
    parse_cpu(&fs::read_to_string(path).unwrap_or_default())
}

/// Fields 14 to 17 of a `stat` line; the second is a name in parentheses that may hold anything.
fn parse_cpu(line: &str) -> CpuTime {
    let after_name = line.rsplit_once(')').map_or("", |(_, rest)| rest);
    let seconds = |at: usize| nth(after_name, at).unwrap_or(0) as f64 / TICKS_PER_SECOND;
    CpuTime {
        user: seconds(11),
        system: seconds(12),
        children_user: seconds(13),
        children_system: seconds(14),
    }
}

/// The kernel's name, release and machine: `Linux 6.1.0 x86_64`.
pub fn kernel() -> String {
    let read = |name: &str| -> io::Result<String> { fs::read_to_string(format!("/proc/sys/kernel/{name}")) };
    let word = |name: &str| read(name).map_or("unknown".to_owned(), |text| text.trim().to_owned());
    format!("{} {} {}", word("ostype"), word("osrelease"), std::env::consts::ARCH)
}

fn nth(text: &str, index: usize) -> Option<u64> {
    text.split_whitespace().nth(index)?.parse().ok()
}

/// The allocator's figure at the start and at its highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryMarks {
    /// When the core began.
    pub startup_bytes: u64,
    /// The most that was seen.
    pub peak_bytes: u64,
    sampled_ns: u64,
}

impl MemoryMarks {
    /// The mark of no core: any other joined to it stands.
    pub const NONE: MemoryMarks = MemoryMarks { startup_bytes: 0, peak_bytes: 0, sampled_ns: 0 };

    /// Takes the first mark.
    pub fn new() -> Self {
        let allocated = allocator().allocated;
        MemoryMarks { startup_bytes: allocated, peak_bytes: allocated, sampled_ns: 0 }
    }

    /// Looks again when a second has passed; `now_ns` is the monotonic clock.
    pub fn sample(&mut self, now_ns: u64) {
        if now_ns.saturating_sub(self.sampled_ns) >= SAMPLE_NS {
            self.sampled_ns = now_ns;
            self.peak_bytes = self.peak_bytes.max(allocator().allocated);
        }
    }

    /// Joins another core's: the start of the last core, the highest peak.
    pub fn merge(&mut self, other: &MemoryMarks) {
        self.startup_bytes = self.startup_bytes.max(other.startup_bytes);
        self.peak_bytes = self.peak_bytes.max(other.peak_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_this_process_are_plausible() {
        let allocator = allocator();
        assert!(allocator.allocated <= allocator.active && allocator.active <= allocator.resident);
        assert!(resident_bytes() > 1 << 20);
        assert!(machine_bytes() > resident_bytes());
        assert!(kernel().starts_with("Linux "));
        assert!(allocator_name().starts_with("jemalloc-5"), "{}", allocator_name());
        assert!(allocator_report().contains("\nresident "));
        purge();
    }

    #[test]
    fn processor_times_are_found_behind_any_name() {
        let line = "924 (a) R (b) S 914 914 13132 0 -1 4194304 97 0 0 0 150 25 3 4 20 0 1 0 290144";
        let expected = CpuTime { user: 1.5, system: 0.25, children_user: 0.03, children_system: 0.04 };
        assert_eq!(parse_cpu(line), expected);
        assert_eq!(parse_cpu(""), CpuTime::default());
    }

    #[test]
    fn marks_of_cores_join() {
        let mut marks = MemoryMarks { startup_bytes: 10, peak_bytes: 20, sampled_ns: 0 };
        marks.merge(&MemoryMarks { startup_bytes: 12, peak_bytes: 30, sampled_ns: 5 });
        assert_eq!(marks, MemoryMarks { startup_bytes: 12, peak_bytes: 30, sampled_ns: 0 });
    }
}
