//! A family whose commands land next.

use crate::command::spec::Spec;

/// The rows of this family.
pub const ROWS: &[Spec] = &[];
