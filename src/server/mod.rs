//! Boot, driver, shutdown.

pub mod banner;
pub mod doctor;
pub mod exit;
pub mod log;
pub mod pidfile;
pub mod preflight;
pub mod report;

use crate::config::resolved::Resolved;
use exit::BootError;

/// Serves until it is told to stop. Everything that can be wrong is looked at before the first executor.
pub fn run(mut resolved: Resolved) -> Result<(), BootError> {
    log::start(resolved.options.loglevel, &resolved.options.logfile)?;
    preflight::run(&mut resolved)?;
    let _pid = pidfile::PidFile::hold(&resolved.options.pidfile)?;
    Err(BootError::Executor { core: 0, reason: "this build has no engine yet".into() })
}
