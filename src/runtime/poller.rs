//! Readiness of many sockets for blocking-style clients: epoll, level-triggered, waits in nanoseconds.
//!
//! The server does not use it (its ring completes reads instead); the load generator does, because it
//! must run wherever a server can be reached, also where io_uring is refused.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 256;

/// What a socket is watched for. Errors and hang-ups are always reported, as readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Bytes have arrived.
    Read,
    /// Bytes have arrived, or there is room to send.
    ReadWrite,
}

/// A socket that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// As given to [`Poller::add`].
    pub token: u64,
    /// There are bytes, or the end of them.
    pub readable: bool,
    /// There is room to send.
    pub writable: bool,
}

/// Watches sockets for one thread.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
    ready: usize,
}

impl Poller {
    /// A poller that watches nothing.
    pub fn new() -> io::Result<Poller> {
        // SAFETY: no pointer is passed.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just given us this descriptor, and nobody else knows of it.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Poller { epoll, events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS_MAX], ready: 0 })
    }

    /// Watches `socket`; closing it ends that.
    pub fn add(&self, socket: &impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket, token, interest)
    }

    /// Changes what a watched socket is watched for.
    pub fn modify(&self, socket: &impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, socket, token, interest)
    }

    fn control(&self, operation: i32, socket: &impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let events = match interest {
            Interest::Read => libc::EPOLLIN,
            Interest::ReadWrite => libc::EPOLLIN | libc::EPOLLOUT,
        };
        let mut event = libc::epoll_event { events: events as u32, u64: token };
        let fd = socket.as_fd().as_raw_fd();
        // SAFETY: `event` is valid through the call, which copies it.
        match unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, fd, &mut event) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Waits until something is ready or `timeout` is over; how many are ready, for [`Poller::ready`].
    /// A signal ends the wait with none. Needs Linux 5.11.
    pub fn wait(&mut self, timeout: Duration) -> io::Result<usize> {
        let time = libc::timespec {
            tv_sec: timeout.as_secs() as libc::time_t,
            tv_nsec: timeout.subsec_nanos() as libc::c_long,
        };
        // SAFETY: `events` has room for EVENTS_MAX entries and `time` is valid through the call; no
        // signal mask is passed.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.epoll.as_raw_fd(),
                self.events.as_mut_ptr(),
                EVENTS_MAX as libc::c_int,
                &raw const time,
                std::ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
        self.ready = 0;
        if count < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(0) } else { Err(error) };
        }
        self.ready = count as usize;
        Ok(self.ready)
    }

    /// The `index`-th socket found ready by the last wait.
    pub fn ready(&self, index: usize) -> Ready {
        let event = self.events[..self.ready][index];
        let room = libc::EPOLLOUT as u32;
        Ready { token: event.u64, readable: event.events & !room != 0, writable: event.events & room != 0 }
    }
}

/// Asks the kernel not to put this thread's timers off: by default it may, by 50 microseconds.
pub fn wake_on_time() {
    // SAFETY: no pointer is passed. Refusal changes nothing.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1u64) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_socket_is_ready_when_there_is_something_for_it() {
        let (one, mut other) = UnixStream::pair().unwrap();
        let mut poller = Poller::new().unwrap();
        poller.add(&one, 7, Interest::Read).unwrap();
        assert_eq!(poller.wait(Duration::from_micros(100)).unwrap(), 0);
        other.write_all(b"x").unwrap();
        assert_eq!(poller.wait(Duration::from_secs(5)).unwrap(), 1);
        assert_eq!(poller.ready(0), Ready { token: 7, readable: true, writable: false });
        poller.modify(&one, 7, Interest::ReadWrite).unwrap();
        assert_eq!(poller.wait(Duration::from_secs(5)).unwrap(), 1);
        assert_eq!(poller.ready(0), Ready { token: 7, readable: true, writable: true });
    }
}
