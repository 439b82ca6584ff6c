//! How many commands of one connection may be on their way to other shards at once.
//!
//! Few at first; more as replies come that were small and quick. Large replies would fill the output beyond its
//! hold, and slow commands would make everybody wait who asks the same core for something afterwards: batches
//! between two cores keep their order, so what is on its way cannot be overtaken.

use crate::base::limits::{MAIL_SLICE_NS, OUTPUT_HOLD_BYTES, WINDOW_KEPT, WINDOW_MAX, WINDOW_START};

/// The window of one connection.
#[derive(Debug)]
pub(super) struct Window {
    /// How many commands may be under way.
    width: usize,
    /// Size of recent replies, the largest, decaying.
    reply_bytes: usize,
    /// How long recent commands ran at their owners, in nanoseconds: an average, decaying.
    run_ns: u64,
}

impl Default for Window {
    fn default() -> Self {
        Window { width: WINDOW_START, reply_bytes: 0, run_ns: 0 }
    }
}

impl Window {
    /// How many commands may be under way.
    #[inline]
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// How many bytes `count` replies will have.
    #[inline]
    pub(super) fn expected_bytes(&self, count: usize) -> usize {
        count * self.reply_bytes
    }

    /// A reply of so many bytes has come, to a command that ran for so long, in nanoseconds.
    #[inline]
    pub(super) fn on_reply(&mut self, bytes: usize, ns: u64) {
        self.reply_bytes = bytes.max(self.reply_bytes - self.reply_bytes / 16);
        self.run_ns = (self.run_ns * 7 + ns) / 8;
        let small = self.width * self.reply_bytes < OUTPUT_HOLD_BYTES;
        self.width = (self.width + 1).min(if small { WINDOW_MAX } else { WINDOW_START });
        if self.width as u64 * self.run_ns > MAIL_SLICE_NS {
            self.width = ((MAIL_SLICE_NS / self.run_ns) as usize).max(1);
        }
    }

    /// Everything has been answered: a wide window is narrowed, for what comes next may be larger.
    #[inline]
    pub(super) fn on_drained(&mut self) {
        self.width = self.width.min(WINDOW_KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_quick_replies_widen_it_and_large_ones_do_not() {
        let mut window = Window::default();
        assert_eq!(window.width(), WINDOW_START);
        (0..2 * WINDOW_MAX).for_each(|_| window.on_reply(5, 200));
        assert_eq!(window.width(), WINDOW_MAX);
        window.on_reply(OUTPUT_HOLD_BYTES / WINDOW_MAX, 200);
        assert_eq!(window.width(), WINDOW_START);
        (0..2 * WINDOW_MAX).for_each(|_| window.on_reply(5, 200));
        window.on_drained();
        assert_eq!(window.width(), WINDOW_KEPT);
    }

    #[test]
    fn slow_commands_narrow_it_until_they_are_quick_again() {
        let mut window = Window::default();
        (0..100).for_each(|_| window.on_reply(5, MAIL_SLICE_NS / 4));
        assert_eq!(window.width(), 4);
        (0..100).for_each(|_| window.on_reply(5, u64::from(u32::MAX)));
        assert_eq!(window.width(), 1);
        // One that was interrupted is soon forgotten.
        (0..200).for_each(|_| window.on_reply(5, 200));
        assert!(window.width() > WINDOW_START);
        window.on_reply(5, 3_000_000);
        (0..50).for_each(|_| window.on_reply(5, 200));
        assert!(window.width() > WINDOW_START);
    }
}
