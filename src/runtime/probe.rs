//! What this machine allows: asked before the first executor starts.
//!
//! io_uring is tried, not guessed: a ring is made, its operations are listed, and the registrations and
//! flags that our own ring needs are used once. A version number would be wrong both ways, since
//! distributions backport and sandboxes forbid. Everything returns what was found; the sentences for
//! people are in `server/preflight.rs`. Uses `unsafe` for three system calls, one registration
//! and a trial send.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ffi::CString;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use io_uring::types::{CancelBuilder, Fd};
use io_uring::{IoUring, Probe, opcode, squeue};

/// Why io_uring cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UringRefusal {
    /// The ring could not be made at all; the errno.
    Setup(i32),
    /// The ring is there, these operations or features of it are not.
    Missing(Vec<&'static str>),
}

/// Operations that the executor submits, and those our own socket ring adds.
const OPERATIONS: &[(&str, u8)] = &[
    ("NOP", opcode::Nop::CODE),
    ("READV", opcode::Readv::CODE),
    ("WRITEV", opcode::Writev::CODE),
    ("FSYNC", opcode::Fsync::CODE),
    ("READ_FIXED", opcode::ReadFixed::CODE),
    ("WRITE_FIXED", opcode::WriteFixed::CODE),
    ("POLL_ADD", opcode::PollAdd::CODE),
    ("POLL_REMOVE", opcode::PollRemove::CODE),
    ("SENDMSG", opcode::SendMsg::CODE),
    ("RECVMSG", opcode::RecvMsg::CODE),
    ("TIMEOUT", opcode::Timeout::CODE),
    ("TIMEOUT_REMOVE", opcode::TimeoutRemove::CODE),
    ("ACCEPT", opcode::Accept::CODE),
    ("LINK_TIMEOUT", opcode::LinkTimeout::CODE),
    ("CONNECT", opcode::Connect::CODE),
    ("FALLOCATE", opcode::Fallocate::CODE),
    ("OPENAT", opcode::OpenAt::CODE),
    ("CLOSE", opcode::Close::CODE),
    ("STATX", opcode::Statx::CODE),
    ("READ", opcode::Read::CODE),
    ("WRITE", opcode::Write::CODE),
    ("SEND", opcode::Send::CODE),
    ("RECV", opcode::Recv::CODE),
    ("ASYNC_CANCEL", opcode::AsyncCancel::CODE),
    ("SHUTDOWN", opcode::Shutdown::CODE),
];

/// How many operations [`io_uring()`] looks for.
pub fn operations_count() -> usize {
    OPERATIONS.len()
}

/// An io_uring that will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uring {
    /// Whether completions can wait until they are asked for (IORING_SETUP_DEFER_TASKRUN, Linux 6.1):
    /// without it each one interrupts the thread.
    pub deferred: bool,
}

/// Whether io_uring may be used and has all that Medusa needs. Leaves nothing behind.
pub fn io_uring() -> Result<Uring, UringRefusal> {
    let ring = IoUring::new(2).map_err(|error| UringRefusal::Setup(error.raw_os_error().unwrap_or(0)))?;
    let mut missing: Vec<&'static str> = Vec::new();
    let mut probe = Probe::new();
    match ring.submitter().register_probe(&mut probe) {
        Ok(()) => missing
            .extend(OPERATIONS.iter().filter(|(_, code)| !probe.is_supported(*code)).map(|(name, _)| *name)),
        Err(_) => missing.push("IORING_REGISTER_PROBE"),
    }
    if !has_buffer_rings(&ring) {
        missing.push("IORING_REGISTER_PBUF_RING");
    }
    // Multishot receives cannot be asked for; this came with them in 6.0, and is needed too. There is
    // nothing to cancel, and only a kernel that knows the request says so.
    let cancelled = ring.submitter().register_sync_cancel(None, CancelBuilder::any());
    if cancelled.is_err_and(|error| error.raw_os_error() == Some(libc::EINVAL)) {
        missing.push("IORING_REGISTER_SYNC_CANCEL");
    }
    if !missing.is_empty() {
        return Err(UringRefusal::Missing(missing));
    }
    Ok(Uring { deferred: <IoUring>::builder().setup_single_issuer().setup_defer_taskrun().build(2).is_ok() })
}

/// Registers a ring of provided buffers, the source of multishot receives, and takes it back.
fn has_buffer_rings(ring: &IoUring) -> bool {
    const ENTRIES: u16 = 8;
    let layout = Layout::from_size_align(4096, 4096).expect("a page is a valid layout");
    // SAFETY: the layout has a size of one page, not zero.
    let page = unsafe { alloc_zeroed(layout) };
    if page.is_null() {
        return false;
    }
    // SAFETY: the page holds 8 entries of 16 bytes, is page-aligned and zeroed (an empty ring), and lives
    // until after it is unregistered below; nothing is submitted that could make the kernel use it.
    let registered =
        unsafe { ring.submitter().register_buf_ring_with_flags(page as u64, ENTRIES, 0, 0).is_ok() };
    if registered {
        let _ = ring.submitter().unregister_buf_ring(0);
    }
    // SAFETY: the page came from `alloc_zeroed` with this layout, and the kernel has let go of it.
    unsafe { dealloc(page, layout) };
    registered
}

/// Whether a send that may not wait, and reports nothing when it is taken whole, reports how much was taken when it is
/// not: tried with a socket that has room for a part. Kernels before 6.1 forgot that part.
pub fn silent_sends_report_parts() -> bool {
    const BYTES: usize = 4 << 20;
    let tried = || -> std::io::Result<bool> {
        let mut ring = IoUring::new(2)?;
        let (from, to) = UnixStream::pair()?;
        to.set_nonblocking(true)?;
        let bytes = vec![0_u8; BYTES];
        let mut said = |len: usize| -> std::io::Result<Option<i32>> {
            let send = opcode::Send::new(Fd(from.as_raw_fd()), bytes.as_ptr(), len as u32);
            let entry = send.flags(SILENT_SEND).build().flags(squeue::Flags::SKIP_SUCCESS);
            // SAFETY: `bytes` and `from` outlive the request, which may not wait: it is through when the call
            // below returns.
            unsafe { ring.submission().push(&entry) }.expect("the queue is empty");
            ring.submit()?;
            Ok(ring.completion().next().map(|completion| completion.result()))
        };
        let (whole, part) = (said(1)?, said(BYTES)?);
        let mut arrived = 0;
        let mut room = vec![0; 64 << 10];
        while let Ok(len @ 1..) = (&to).read(&mut room) {
            arrived += len;
        }
        Ok(whole.is_none() && part.is_some_and(|part| part > 0 && part as usize + 1 == arrived))
    };
    tried().unwrap_or(false)
}

/// Flags of a send that does not wait and counts anything short of the whole as a failure, for failures report.
pub const SILENT_SEND: i32 = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT | libc::MSG_WAITALL;

/// A resource limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What holds now.
    pub soft: u64,
    /// What `soft` may be raised to. [`UNLIMITED`] for no limit.
    pub hard: u64,
}

/// No limit.
pub const UNLIMITED: u64 = libc::RLIM_INFINITY;

/// Which resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Files, sockets and rings that may be open.
    OpenFiles,
    /// Bytes that may be locked into memory.
    LockedMemory,
}

impl Resource {
    fn number(self) -> libc::__rlimit_resource_t {
        match self {
            Resource::OpenFiles => libc::RLIMIT_NOFILE,
            Resource::LockedMemory => libc::RLIMIT_MEMLOCK,
        }
    }
}

/// The limit that holds now.
pub fn limit(resource: Resource) -> Limit {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the kernel to write one rlimit to.
    let failed = unsafe { libc::getrlimit(resource.number(), &mut limit) } != 0;
    assert!(!failed, "getrlimit knows both resources");
    Limit { soft: limit.rlim_cur, hard: limit.rlim_max }
}

/// Raises the soft limit to `wanted`, or to the hard limit when that is lower; returns what holds then.
/// Never lowers it.
pub fn raise(resource: Resource, wanted: u64) -> Limit {
    let before = limit(resource);
    let target = wanted.min(before.hard);
    if target > before.soft {
        let raised = libc::rlimit { rlim_cur: target, rlim_max: before.hard };
        // SAFETY: `raised` is a valid rlimit for the kernel to read. A refusal changes nothing, which the
        // reading below reports.
        unsafe { libc::setrlimit(resource.number(), &raised) };
    }
    limit(resource)
}

/// Whether this process may create files in a directory.
pub fn may_write(directory: &Path) -> bool {
    let Ok(path) = CString::new(directory.as_os_str().as_bytes()) else { return false };
    // SAFETY: `path` is a string that ends with a zero byte and outlives the call.
    unsafe { libc::access(path.as_ptr(), libc::W_OK | libc::X_OK) == 0 }
}

/// What `uname -r` says.
pub fn kernel_release() -> String {
    system_value("/proc/sys/kernel/osrelease").unwrap_or_else(|| "of unknown version".into())
}

/// The content of a file under /proc or /sys, without blanks around it.
pub fn system_value(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The wall clock in milliseconds since 1970, for lines of the log.
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_of_today_says_how_much_of_a_silent_send_it_took() {
        assert!(silent_sends_report_parts());
    }

    #[test]
    fn a_soft_limit_is_raised_but_never_lowered() {
        let before = limit(Resource::OpenFiles);
        assert_eq!(raise(Resource::OpenFiles, 1), before);
        assert!(limit(Resource::LockedMemory).soft <= limit(Resource::LockedMemory).hard);
    }

    #[test]
    fn this_machine_is_described() {
        assert!(!kernel_release().is_empty());
        assert!(may_write(&std::env::temp_dir()));
        assert!(!may_write(Path::new("/no/such/place")));
        assert_eq!(io_uring(), Ok(Uring { deferred: true }), "the tests of this project need io_uring");
    }
}
