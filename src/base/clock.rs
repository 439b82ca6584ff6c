//! Time as a value. Nothing above the runtime reads a clock of its own: it is handed a [`Now`], or
//! reads the [`Clock`] it was given, which in a simulation stands still until it is moved.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One moment on both clocks, taken once per turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, microseconds since 1970. May step.
    pub unix_us: u64,
    /// Monotonic clock, nanoseconds since an arbitrary start.
    pub mono_ns: u64,
}

impl Now {
    /// Wall clock in milliseconds: the unit of every deadline of a key.
    pub fn unix_ms(self) -> u64 {
        self.unix_us / 1_000
    }

    /// The later of the two, on each clock by itself. A command that another core sent was read at that core's time:
    /// where a long turn began before, it must not count from the beginning of that turn.
    pub fn max(self, other: Now) -> Now {
        Now { unix_us: self.unix_us.max(other.unix_us), mono_ns: self.mono_ns.max(other.mono_ns) }
    }

    /// Wall clock in whole seconds.
    pub fn unix_s(self) -> u64 {
        self.unix_us / 1_000_000
    }
}

/// Reads nanoseconds since an arbitrary start: see [`Clock::stopwatch`].
pub type Stopwatch = fn() -> u64;

/// Where time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clocks; the monotonic one reads the time stamp counter where that is sound.
    Real(quanta::Clock),
    /// A clock that only moves when a test moves it, or by as much at every reading as a test has said.
    Manual(Rc<Manual>),
}

/// A clock of tests.
#[derive(Debug)]
pub struct Manual {
    now: Cell<Now>,
    reading: Cell<Duration>,
}

impl Clock {
    /// The machine's clocks.
    pub fn real() -> Self {
        Clock::Real(quanta::Clock::new())
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it. Copies share the time.
    pub fn manual(start: Now) -> Self {
        Clock::Manual(Rc::new(Manual { now: Cell::new(start), reading: Cell::default() }))
    }

    /// Lets a manual clock move by so much at every reading of [`Clock::raw`]: everything then takes time.
    pub fn set_reading(&self, by: Duration) {
        if let Clock::Manual(manual) = self {
            manual.reading.set(by);
        }
    }

    /// Both clocks: about 50 ns. Once per turn.
    pub fn now(&self) -> Now {
        match self {
            Clock::Real(clock) => {
                let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                Now { unix_us: wall.as_micros() as u64, mono_ns: clock.delta_as_nanos(0, clock.raw()) }
            }
            Clock::Manual(manual) => manual.now.get(),
        }
    }

    /// The monotonic clock in its own raw unit: about 10 ns. For stage and command timings.
    pub fn raw(&self) -> u64 {
        match self {
            Clock::Real(clock) => clock.raw(),
            Clock::Manual(manual) => {
                self.advance(manual.reading.get());
                manual.now.get().mono_ns
            }
        }
    }

    /// What times short pieces of one thread's work: the CPU time of the calling thread in nanoseconds, so
    /// that what the machine does meanwhile is not counted. About 0.3 us a reading. A manual clock's says 0.
    pub fn stopwatch(&self) -> Stopwatch {
        match self {
            Clock::Real(_) => || {
                let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
                time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
            },
            Clock::Manual(_) => || 0,
        }
    }

    /// Nanoseconds between two readings of [`Clock::raw`]; 0 when they are out of order.
    pub fn elapsed_ns(&self, start: u64, end: u64) -> u64 {
        match self {
            Clock::Real(clock) => clock.delta_as_nanos(start, end),
            Clock::Manual(_) => end.saturating_sub(start),
        }
    }

    /// Moves a manual clock forward; a real one is slept on (only `DEBUG SLEEP` does that).
    pub fn advance(&self, by: Duration) {
        match self {
            Clock::Real(_) => std::thread::sleep(by),
            Clock::Manual(manual) => {
                let at = manual.now.get();
                manual.now.set(Now {
                    unix_us: at.unix_us + by.as_micros() as u64,
                    mono_ns: at.mono_ns + by.as_nanos() as u64,
                });
            }
        }
    }
}
