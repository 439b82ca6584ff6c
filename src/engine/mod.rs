//! All that one core owns, as a value.
