//! The place of lists; its structure lands next.

/// Holds nothing yet.
#[derive(Clone, Debug, Default)]
pub struct List(());

impl List {
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
        "quicklist"
    }

    /// Gives back about so many bytes of a value that is being freed; true: there is more.
    pub fn free_part(&mut self, _bytes: usize) -> bool {
        false
    }
}
