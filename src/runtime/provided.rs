//! Buffers lent to the kernel, which picks one for each piece of input that arrives.
//!
//! So input costs memory while it is being looked at and none while a connection is idle, however many
//! connections there are. The kernel takes buffers in the order they were given and would touch every
//! page of a big pool in turn; we give it few and more each time it runs out, so a quiet core keeps
//! using the same warm pages.

use io_uring::{Submitter, types::BufRingEntry};
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicU16, Ordering};

/// Bytes of one buffer: a deep pipeline in one piece, yet a page fault or two when it is small.
pub(super) const BUFFER_BYTES: usize = 16 << 10;

/// Most buffers a core lends; only address space until they are needed. At it input waits in the
/// kernel until buffers come back, within the same turn.
pub(super) const BUFFERS_MAX: u16 = 1024;

const BUFFERS_FIRST: u16 = 32;
const GROUP: u16 = 0;

const _: () = assert!(BUFFERS_MAX.is_power_of_two());

pub(super) struct Provided {
    entries: *mut BufRingEntry,
    slab: *mut u8,
    tail: u16,
    lent: u16,
    scarce: bool,
}

impl Provided {
    /// Maps and registers the buffers.
    pub(super) fn register(submitter: &Submitter<'_>) -> io::Result<Self> {
        let entries: *mut BufRingEntry = map(entries_bytes())?.cast();
        let slab = map(slab_bytes()).inspect_err(|_| {
            // SAFETY: mapped above with this size; nobody uses it yet.
            unsafe { libc::munmap(entries.cast(), entries_bytes()) };
        })?;
        let mut provided = Provided { entries, slab, tail: 0, lent: 0, scarce: false };
        // SAFETY: the mapping is page aligned, holds BUFFERS_MAX entries, and is unmapped only by our
        // `Drop`, which the ring calls after it has drained the kernel's requests.
        unsafe { submitter.register_buf_ring_with_flags(entries as u64, BUFFERS_MAX, GROUP, 0)? };
        provided.lend(BUFFERS_FIRST);
        provided.publish();
        Ok(provided)
    }

    /// The group to name in requests.
    pub(super) fn group(&self) -> u16 {
        GROUP
    }

    /// What the kernel has put into a buffer that is ours again until [`Provided::put_back`].
    pub(super) fn bytes(&self, buffer: u16, len: usize) -> &[u8] {
        assert!(buffer < self.lent && len <= BUFFER_BYTES);
        // SAFETY: the range lies inside the slab (asserted), which is zeroed memory the kernel wrote
        // over; the kernel does not touch the buffer again before it is put back, and that takes `&mut`.
        unsafe { std::slice::from_raw_parts(self.slab.add(usize::from(buffer) * BUFFER_BYTES), len) }
    }

    /// Lends a buffer again, from the next [`Provided::publish`] on.
    pub(super) fn put_back(&mut self, buffer: u16) {
        debug_assert!(buffer < self.lent);
        let index = usize::from(self.tail & (BUFFERS_MAX - 1));
        // SAFETY: `index` is below BUFFERS_MAX, the number of entries mapped; at most BUFFERS_MAX
        // buffers exist, so the entry is not one the kernel has yet to take.
        let entry = unsafe { &mut *self.entries.add(index) };
        entry.set_addr(self.slab as u64 + (usize::from(buffer) * BUFFER_BYTES) as u64);
        entry.set_len(BUFFER_BYTES as u32);
        entry.set_bid(buffer);
        self.tail = self.tail.wrapping_add(1);
    }

    /// The kernel ran out: the next publication lends twice as many, up to the bound.
    pub(super) fn ran_out(&mut self) {
        self.scarce = true;
    }

    /// Shows the kernel what was put back.
    pub(super) fn publish(&mut self) {
        if self.scarce {
            self.scarce = false;
            self.lend(self.lent.min(BUFFERS_MAX - self.lent));
        }
        // SAFETY: `entries` is the base of the mapping that was registered; the tail lies in its first
        // entry, is two-byte aligned, and only we write it.
        unsafe { AtomicU16::from_ptr(BufRingEntry::tail(self.entries).cast_mut()) }
            .store(self.tail, Ordering::Release);
    }

    fn lend(&mut self, more: u16) {
        for _ in 0..more {
            self.lent += 1;
            self.put_back(self.lent - 1);
        }
    }

    /// Gives the memory up without freeing it: the kernel may still write there.
    pub(super) fn leak(&mut self) {
        self.slab = ptr::null_mut();
        self.entries = ptr::null_mut();
    }
}

impl Drop for Provided {
    fn drop(&mut self) {
        if self.slab.is_null() {
            return;
        }
        // SAFETY: both were mapped by `register` with these sizes, and the ring that was told of them
        // has no request left (it leaks us otherwise).
        unsafe {
            libc::munmap(self.slab.cast(), slab_bytes());
            libc::munmap(self.entries.cast(), entries_bytes());
        }
    }
}

fn entries_bytes() -> usize {
    usize::from(BUFFERS_MAX) * size_of::<BufRingEntry>()
}

fn slab_bytes() -> usize {
    usize::from(BUFFERS_MAX) * BUFFER_BYTES
}

// Zeroed pages, each backed by memory only once it is touched: huge pages would back 2 MB at a time.
fn map(bytes: usize) -> io::Result<*mut u8> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping, wherever the kernel likes.
    let address = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: advice about the mapping we have just made; refusal changes nothing.
    unsafe { libc::madvise(address, bytes, libc::MADV_NOHUGEPAGE) };
    Ok(address.cast())
}
