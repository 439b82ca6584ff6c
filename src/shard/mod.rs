//! Who owns the keys.
