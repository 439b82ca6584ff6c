//! Boot, driver, shutdown.

pub mod exit;
