//! The place of zsets; its structure lands next.

/// Holds nothing yet.
#[derive(Clone, Debug, Default)]
pub struct Zset(());

impl Zset {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Heap bytes.
    pub fn bytes(&self) -> usize {
        0
    }

    /// `OBJECT ENCODING`.
    pub fn encoding(&self) -> &'static str {
        "skiplist"
    }

    /// Gives back about so many bytes of a value that is being freed; true: there is more.
    pub fn free_part(&mut self, _bytes: usize) -> bool {
        false
    }
}
