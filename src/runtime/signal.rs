//! Signals and bells.
//!
//! A bell is an eventfd: anybody may ring it, from any thread and from a signal handler, and one
//! waiter finds it rung however often it was. SIGTERM and SIGINT do nothing but leave their number and
//! ring the bell of whoever supervises the process; what follows is ordinary code. SIGPIPE and SIGHUP
//! are ignored: a broken connection is an errno, and a server outlives its terminal.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// An eventfd that does not block.
#[derive(Debug)]
pub struct EventFd(File);

impl EventFd {
    /// A bell nobody has rung.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
        Ok(EventFd(unsafe { File::from_raw_fd(fd) }))
    }

    /// Wakes whoever waits, now or later. Cannot fail: a counter that is full is rung already.
    pub fn ring(&self) {
        let _ = (&self.0).write(&1u64.to_ne_bytes());
    }

    /// Forgets that it was rung; whether it was.
    pub fn clear(&self) -> bool {
        (&self.0).read(&mut [0; 8]).is_ok()
    }

    /// Blocks the thread until it is rung or `timeout` is over; clears it and says whether it was rung.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let mut poll = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let timeout_ms =
            timeout.map_or(-1, |time| time.as_micros().div_ceil(1000).min(i32::MAX as u128) as i32);
        // SAFETY: `poll` is one valid entry and lives through the call.
        unsafe { libc::poll(&mut poll, 1, timeout_ms) };
        self.clear()
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

static BELL: AtomicI32 = AtomicI32::new(-1);
static LAST: AtomicI32 = AtomicI32::new(0);

/// While it lives, SIGTERM and SIGINT ring its bell. At most one at a time.
#[derive(Debug)]
pub struct Signals {
    before: Vec<(i32, libc::sigaction)>,
}

impl Signals {
    /// Takes SIGTERM and SIGINT over and ignores SIGPIPE and SIGHUP; `bell` has to outlive it, which
    /// the caller sees to by keeping both in one place and dropping this first.
    pub fn install(bell: &EventFd) -> io::Result<Self> {
        LAST.store(0, Ordering::SeqCst);
        BELL.store(bell.as_raw_fd(), Ordering::SeqCst);
        let mut signals = Signals { before: Vec::new() };
        let handler = on_signal as extern "C" fn(i32) as usize;
        for (signal, action) in [
            (libc::SIGTERM, handler),
            (libc::SIGINT, handler),
            (libc::SIGHUP, libc::SIG_IGN),
            (libc::SIGPIPE, libc::SIG_IGN),
        ] {
            signals.before.push((signal, set_action(signal, action)?));
        }
        Ok(signals)
    }

    /// The signal that came last, if one came since this was last asked.
    pub fn take(&self) -> Option<i32> {
        match LAST.swap(0, Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for (signal, action) in self.before.drain(..) {
            // SAFETY: `action` is what the kernel told us was installed before.
            unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) };
        }
        BELL.store(-1, Ordering::SeqCst);
    }
}

fn set_action(signal: i32, handler: usize) -> io::Result<libc::sigaction> {
    // SAFETY: all zeroes is a valid `sigaction` (no handler, empty mask, no flags).
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: both structures are valid and live through the call; `on_signal` does only what a signal
    // handler may do.
    match unsafe { libc::sigaction(signal, &action, &mut before) } {
        0 => Ok(before),
        _ => Err(io::Error::last_os_error()),
    }
}

// Only atomics and one write(2): both are allowed in a signal handler. errno belongs to the code that
// was interrupted, so it is put back.
extern "C" fn on_signal(signal: i32) {
    LAST.store(signal, Ordering::SeqCst);
    let fd = BELL.load(Ordering::SeqCst);
    if fd < 0 {
        return;
    }
    // SAFETY: errno is this thread's own, and the eight bytes live through the call; `Signals` is
    // dropped, and `BELL` cleared, before the descriptor is closed.
    unsafe {
        let errno = *libc::__errno_location();
        let one = 1u64.to_ne_bytes();
        libc::write(fd, one.as_ptr().cast(), one.len());
        *libc::__errno_location() = errno;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_remembers_that_it_was_rung_until_it_is_cleared() {
        let bell = EventFd::new().unwrap();
        assert!(!bell.clear());
        bell.ring();
        bell.ring();
        assert!(bell.wait(None));
        assert!(!bell.wait(Some(Duration::from_millis(1))));
    }

    #[test]
    fn a_signal_rings_the_bell_and_leaves_its_number() {
        let bell = EventFd::new().unwrap();
        let signals = Signals::install(&bell).unwrap();
        // SAFETY: raising a signal that has a handler has no other effect.
        unsafe { libc::raise(libc::SIGTERM) };
        assert!(bell.wait(Some(Duration::from_secs(5))));
        assert_eq!(signals.take(), Some(libc::SIGTERM));
        assert_eq!(signals.take(), None);
    }
}
