//! `--latency-report PATH`: where the time went, written when the server stops.
//!
//! PATH gets a report for people: a table of the time inside each command, and a table of the time
//! commands waited for another shard; where commands spanned several shards, the same two tables of these calls,
//! which the first two leave out. Beside it, one file per row in HdrHistogram's percentile text,
//! in microseconds, which its plotters read: `PATH.get.hgrm`, `PATH.get.remote.hgrm`, `PATH.mget.spanning.hgrm`,
//! `PATH.mget.spanning-wait.hgrm`, and a dash for
//! the bar of a subcommand, `PATH.config-get.hgrm`. Beside, not in a folder, so that one glob takes the
//! report and its data along. With `-` the tables go to the terminal and no file is made.
//!
//! [`render`] is pure. Files appear whole or not at all: written under another name, then renamed.

use crate::base::number::grouped;
use crate::metrics::Snapshot;
use crate::metrics::histogram::LazyHistogram;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A report, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The tables for people.
    pub text: String,
    /// What is added to PATH, and the percentile text that goes there.
    pub percentiles: Vec<(String, String)>,
}

/// What stands in a report's first line.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Cores that served.
    pub cores: usize,
    /// For how long.
    pub uptime: Duration,
}

/// A file that could not be written: one sentence.
#[derive(Debug)]
pub struct ReportError {
    path: PathBuf,
    cause: io::Error,
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write the latency report to {}: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for ReportError {}

/// The report of a merged snapshot. `names[id]` is the full name of a command: `get`, `config|get`.
pub fn render<N: AsRef<str>>(snapshot: &Snapshot, names: &[N], run: Run) -> Report {
    assert_eq!(snapshot.commands.len(), names.len());
    let (mut local, mut remote) = (Vec::new(), Vec::new());
    let (mut spanning, mut spanning_waits) = (Vec::new(), Vec::new());
    let mut percentiles = Vec::new();
    for (stats, name) in snapshot.commands.iter().zip(names) {
        let name = name.as_ref();
        let file = name.replace('|', "-");
        if !stats.run.is_empty() {
            let elsewhere = stats.spanning.as_ref().map_or((0, 0), |spanning| (spanning.calls, spanning.ns));
            let (calls, ns) = (stats.calls - elsewhere.0, stats.ns - elsewhere.1);
            local.push(Row::new(name, &stats.run, mean_of(&stats.run, calls, ns)));
            percentiles.push((format!(".{file}.hgrm"), stats.run.hgrm_us()));
        }
        if !stats.remote.is_empty() {
            remote.push(Row::new(name, &stats.remote, stats.remote.mean()));
            percentiles.push((format!(".{file}.remote.hgrm"), stats.remote.hgrm_us()));
        }
        let Some(several) = &stats.spanning else { continue };
        if !several.run.is_empty() {
            let mean_ns = mean_of(&several.run, several.calls, several.ns);
            spanning.push(Row::new(name, &several.run, mean_ns));
            percentiles.push((format!(".{file}.spanning.hgrm"), several.run.hgrm_us()));
        }
        if !several.wait.is_empty() {
            spanning_waits.push(Row::new(name, &several.wait, several.wait.mean()));
            percentiles.push((format!(".{file}.spanning-wait.hgrm"), several.wait.hgrm_us()));
        }
    }
    let cores = if run.cores == 1 { "1 core".to_owned() } else { format!("{} cores", run.cores) };
    let mut text = format!(
        "Medusa {} latency report: {cores}, {:.1} s, {} commands, {} error replies.\n\
         Microseconds; percentiles and maximum are exact within 1 %.\n",
        env!("CARGO_PKG_VERSION"),
        run.uptime.as_secs_f64(),
        grouped(snapshot.counters.commands_processed),
        grouped(snapshot.counters.error_replies),
    );
    table(&mut text, "Inside the command, on the core that owns its key", local);
    table(&mut text, "Away at another shard, from being posted until the reply was back", remote);
    if !spanning.is_empty() || !spanning_waits.is_empty() {
        table(&mut text, "Inside commands that spanned shards, all shards together", spanning);
        table(
            &mut text,
            "Spanning shards, from the first request for locks until the answer",
            spanning_waits,
        );
    }
    Report { text, percentiles }
}

/// The sum is exact where the histogram saw every call; its own mean is within 1 %.
fn mean_of(histogram: &LazyHistogram, calls: u64, ns: u64) -> f64 {
    if histogram.count() == calls { ns as f64 / calls as f64 } else { histogram.mean() }
}

/// Writes a report to `path` and its percentile texts beside it; `-` is the terminal, tables only.
/// Stops at the first file that cannot be written.
pub fn write(report: &Report, path: &Path) -> Result<(), ReportError> {
    if path == Path::new("-") {
        let written = io::stdout().lock().write_all(report.text.as_bytes());
        return written.map_err(|cause| ReportError { path: "the terminal".into(), cause });
    }
    write_whole(path, &report.text)?;
    for (ending, text) in &report.percentiles {
        write_whole(&appended(path, ending), text)?;
    }
    Ok(())
}

fn write_whole(path: &Path, text: &str) -> Result<(), ReportError> {
    let unfinished = appended(path, &format!(".{}.tmp", std::process::id()));
    let written = std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, path));
    written.map_err(|cause| {
        // Best effort: the first failure is the one worth telling.
        let _ = std::fs::remove_file(&unfinished);
        ReportError { path: path.into(), cause }
    })
}

fn appended(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

struct Row {
    calls: u64,
    cells: [String; 8],
}

impl Row {
    fn new(name: &str, histogram: &LazyHistogram, mean_ns: f64) -> Row {
        let at = |percentile| microseconds(histogram.percentile(percentile) as f64);
        let calls = histogram.count();
        let cells = [
            name.to_owned(),
            grouped(calls),
            microseconds(mean_ns),
            at(50.0),
            at(90.0),
            at(99.0),
            at(99.9),
            microseconds(histogram.max() as f64),
        ];
        Row { calls, cells }
    }
}

fn table(text: &mut String, title: &str, mut rows: Vec<Row>) {
    text.push_str(&format!("\n{title}\n"));
    if rows.is_empty() {
        text.push_str("  (none)\n");
        return;
    }
    rows.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.cells[0].cmp(&b.cells[0])));
    let head = ["command", "calls", "mean", "p50", "p90", "p99", "p99.9", "max"].map(str::to_owned);
    let mut widths = head.each_ref().map(String::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = cell.len().max(*width);
        }
    }
    for cells in std::iter::once(&head).chain(rows.iter().map(|row| &row.cells)) {
        text.push_str(&format!("  {:<1$}", cells[0], widths[0]));
        for (cell, width) in cells.iter().zip(widths).skip(1) {
            text.push_str(&format!("  {cell:>width$}"));
        }
        text.push('\n');
    }
}

/// Nanoseconds as microseconds, with as many decimals as two significant digits can use.
fn microseconds(ns: f64) -> String {
    let us = ns / 1_000.0;
    let decimals = match us {
        us if us < 10.0 => 2,
        us if us < 100.0 => 1,
        _ => 0,
    };
    format!("{us:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Now;
    use crate::metrics::{Detail, Metrics};

    const NAMES: [&str; 4] = ["config|get", "get", "set", "unused"];
    const RUN: Run = Run { cores: 2, uptime: Duration::from_millis(1_250) };

    fn busy() -> Snapshot {
        let mut metrics = Metrics::new(NAMES.len());
        for _ in 0..1_234 {
            metrics.record_call(1, 250);
            metrics.record_remote_wait(1, 12_000);
        }
        metrics.record_call(0, 1_500_000);
        metrics.record_call(2, 900);
        metrics.record_call(2, 1_100);
        metrics.counters.commands_processed = 1_237;
        metrics.snapshot(Now::default(), Detail::Full)
    }

    fn folder(test: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("medusa-report-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn the_busiest_command_stands_first_and_remote_waits_stand_apart() {
        let report = render(&busy(), &NAMES, RUN);
        let version = env!("CARGO_PKG_VERSION");
        let want = format!(
            "Medusa {version} latency report: 2 cores, 1.2 s, 1,237 commands, 0 error replies.\n\
             Microseconds; percentiles and maximum are exact within 1 %.\n\
             \n\
             Inside the command, on the core that owns its key\n\
             \x20 command     calls  mean   p50   p90   p99  p99.9   max\n\
             \x20 get         1,234  0.25  0.25  0.25  0.25   0.25  0.25\n\
             \x20 set             2  1.00  0.90  1.10  1.10   1.10  1.10\n\
             \x20 config|get      1  1500  1507  1507  1507   1507  1507\n\
             \n\
             Away at another shard, from being posted until the reply was back\n\
             \x20 command  calls  mean   p50   p90   p99  p99.9   max\n\
             \x20 get      1,234  12.0  12.0  12.0  12.0   12.0  12.0\n"
        );
        assert_eq!(report.text, want);
        let endings: Vec<&str> = report.percentiles.iter().map(|(ending, _)| &**ending).collect();
        assert_eq!(endings, [".config-get.hgrm", ".get.hgrm", ".get.remote.hgrm", ".set.hgrm"]);
    }

    #[test]
    fn calls_that_spanned_shards_have_tables_of_their_own() {
        let mut metrics = Metrics::new(NAMES.len());
        metrics.record_call(1, 1_000);
        metrics.record_spanning_call(1, 3_000);
        metrics.record_spanning_wait(1, 12_000);
        let report = render(&metrics.snapshot(Now::default(), Detail::Full), &NAMES, RUN);
        let (_, tables) = report.text.split_once("\n\n").unwrap();
        let want = "Inside the command, on the core that owns its key\n\
             \x20 command  calls  mean   p50   p90   p99  p99.9   max\n\
             \x20 get          1  1.00  1.00  1.00  1.00   1.00  1.00\n\
             \n\
             Away at another shard, from being posted until the reply was back\n\
             \x20 (none)\n\
             \n\
             Inside commands that spanned shards, all shards together\n\
             \x20 command  calls  mean   p50   p90   p99  p99.9   max\n\
             \x20 get          1  3.00  3.01  3.01  3.01   3.01  3.01\n\
             \n\
             Spanning shards, from the first request for locks until the answer\n\
             \x20 command  calls  mean   p50   p90   p99  p99.9   max\n\
             \x20 get          1  12.0  12.0  12.0  12.0   12.0  12.0\n";
        assert_eq!(tables, want);
        let endings: Vec<&str> = report.percentiles.iter().map(|(ending, _)| &**ending).collect();
        assert_eq!(endings, [".get.hgrm", ".get.spanning.hgrm", ".get.spanning-wait.hgrm"]);
    }

    #[test]
    fn a_server_that_did_nothing_says_so() {
        let report = render(&Snapshot::empty(1), &["get"], Run { cores: 1, ..RUN });
        assert!(report.text.contains(": 1 core, "), "{}", report.text);
        assert_eq!(report.text.matches("  (none)\n").count(), 2);
        assert!(report.percentiles.is_empty());
    }

    #[test]
    fn files_stand_beside_the_report_and_nothing_else_is_left() {
        let folder = folder("beside");
        let path = folder.join("out.txt");
        std::fs::write(&path, "an older report").unwrap();
        let report = render(&busy(), &NAMES, RUN);
        write(&report, &path).unwrap();
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let want = [
            "out.txt",
            "out.txt.config-get.hgrm",
            "out.txt.get.hgrm",
            "out.txt.get.remote.hgrm",
            "out.txt.set.hgrm",
        ];
        assert_eq!(names, want);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), report.text);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_path_that_cannot_be_written_is_one_sentence() {
        let folder = folder("unwritable");
        let report = render(&busy(), &NAMES, RUN);
        let path = folder.join("missing/out.txt");
        let error = write(&report, &path).unwrap_err().to_string();
        let want = format!("cannot write the latency report to {}: ", path.display());
        assert!(error.starts_with(&want), "{error}");
        assert!(!error.contains('\n'));
        // A folder of that name: the unfinished file is taken away again.
        let error = write(&report, &folder).unwrap_err().to_string();
        assert!(error.starts_with("cannot write"), "{error}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        assert!(!appended(&folder, &format!(".{}.tmp", std::process::id())).exists());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
