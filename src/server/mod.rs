//! Boot, driver, shutdown.
