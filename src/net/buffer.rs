//! Output buffers of one core, for connections that are talking.
//!
//! A connection in full flight keeps two buffers: replies grow in one while the kernel sends the other.
//! An idle one keeps none: after a moment of silence they come back here and go to whoever speaks next,
//! so ten thousand idle connections cost no buffer at all.

/// Bytes a fresh buffer holds: a few dozen small replies.
const FRESH_BYTES: usize = 1 << 10;

/// A buffer that has grown larger than this is freed rather than pooled.
const POOLED_BYTES_MAX: usize = 16 << 10;

/// Buffers in a pool; more are freed. With the bound above a pool holds 1 MB at most.
const POOLED_MAX: usize = 64;

/// A buffer that has grown larger than this is not even kept by the connection it grew for.
pub const KEPT_BYTES_MAX: usize = 512 << 10;

/// Empty buffers that have capacity.
#[derive(Debug, Default)]
pub struct BufferPool(Vec<Vec<u8>>);

impl BufferPool {
    /// An empty buffer with capacity.
    pub fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_else(|| Vec::with_capacity(FRESH_BYTES))
    }

    /// Keeps an empty buffer for another connection, or frees it.
    pub fn put(&mut self, buffer: Vec<u8>) {
        debug_assert!(buffer.is_empty());
        if buffer.capacity() > 0 && buffer.capacity() <= POOLED_BYTES_MAX && self.0.len() < POOLED_MAX {
            self.0.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_keeps_ordinary_buffers_and_frees_big_ones() {
        let mut pool = BufferPool::default();
        let mut buffer = pool.take();
        buffer.extend_from_slice(&[0; 5000]);
        buffer.clear();
        let capacity = buffer.capacity();
        pool.put(buffer);
        pool.put(Vec::with_capacity(POOLED_BYTES_MAX + 1));
        pool.put(Vec::new());
        assert_eq!(pool.take().capacity(), capacity);
        assert_eq!(pool.take().capacity(), FRESH_BYTES);
    }

    #[test]
    fn pool_is_bounded() {
        let mut pool = BufferPool::default();
        for _ in 0..2 * POOLED_MAX {
            pool.put(Vec::with_capacity(10));
        }
        assert_eq!(pool.0.len(), POOLED_MAX);
    }
}
