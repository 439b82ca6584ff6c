//! The pid file: there while the server runs, gone afterwards.

use std::path::PathBuf;

/// Removes the file when it goes out of scope.
pub struct PidFile(Option<PathBuf>);

impl PidFile {
    /// Writes the process id to `path`; an empty path for no file. As in Redis, a file that cannot be
    /// written is no reason not to serve: preflight has warned of it.
    pub fn hold(path: &str) -> Self {
        let written = !path.is_empty() && std::fs::write(path, format!("{}\n", std::process::id())).is_ok();
        PidFile(written.then(|| path.into()))
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
