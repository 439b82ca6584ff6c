//! The pid file: there while the server runs, gone afterwards.

use crate::server::exit::BootError;
use std::path::PathBuf;

/// Removes the file when it goes out of scope.
pub struct PidFile(Option<PathBuf>);

impl PidFile {
    /// Writes the process id to `path`; an empty path for no file.
    pub fn hold(path: &str) -> Result<Self, BootError> {
        if path.is_empty() {
            return Ok(PidFile(None));
        }
        std::fs::write(path, format!("{}\n", std::process::id()))
            .map_err(|error| BootError::output("pid file", path, &error))?;
        Ok(PidFile(Some(path.into())))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Somebody else may have removed it already, which is what we want.
            let _ = std::fs::remove_file(path);
        }
    }
}
