//! Boot, driver, shutdown.

pub mod exit;
pub mod report;
