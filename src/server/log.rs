//! The log: one line per event, `2026-11-23T04:14:36.123Z notice listening on …`.
//!
//! tracing carries it. Redis's four levels are what people set (`loglevel`, also while running), so they
//! map onto tracing's: `warning` takes WARN and ERROR, `notice` INFO, `verbose` DEBUG, `debug` TRACE.
//! Nothing on a command's path logs. Colours only on a terminal, and never where `NO_COLOR` is set.

use crate::config::LogLevel;
use crate::runtime::probe;
use crate::server::exit::BootError;
use std::fmt;
use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::sync::{Mutex, OnceLock};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

static FILTER: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// Starts the log: appended to `path`, or to standard error when that is empty. Later calls change
/// nothing.
pub fn start(level: LogLevel, path: &str) -> Result<(), BootError> {
    let (filter, handle) = reload::Layer::new(filter_of(level));
    let registry = tracing_subscriber::registry().with(filter);
    let format = tracing_subscriber::fmt::layer().event_format(Line);
    let started = if path.is_empty() {
        registry.with(format.with_ansi(has_colour()).with_writer(std::io::stderr)).try_init()
    } else {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(|error| BootError::output("log file", path, &error))?;
        registry.with(format.with_ansi(false).with_writer(Mutex::new(file))).try_init()
    };
    if started.is_ok() {
        let _ = FILTER.set(handle);
    }
    Ok(())
}

/// Changes what is logged from now on: `CONFIG SET loglevel`.
pub fn set_level(level: LogLevel) {
    if let Some(handle) = FILTER.get() {
        // The only failure is that the log is gone, and then there is nobody to tell.
        let _ = handle.modify(|filter| *filter = filter_of(level));
    }
}

/// Whether standard error takes colours.
pub fn has_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn filter_of(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::TRACE,
        LogLevel::Verbose => LevelFilter::DEBUG,
        LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
    }
}

/// The word for a level, and its colour.
fn word_of(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::ERROR => ("error  ", "\x1b[31m"),
        Level::WARN => ("warning", "\x1b[33m"),
        Level::INFO => ("notice ", "\x1b[32m"),
        Level::DEBUG => ("verbose", "\x1b[36m"),
        Level::TRACE => ("debug  ", "\x1b[2m"),
    }
}

/// One line: time, level, message, fields.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (word, colour) = word_of(*event.metadata().level());
        let time = timestamp(probe::unix_ms());
        if writer.has_ansi_escapes() {
            write!(writer, "\x1b[2m{time}\x1b[0m {colour}{word}\x1b[0m ")?;
        } else {
            write!(writer, "{time} {word} ")?;
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Milliseconds since 1970 as `2026-11-23T04:14:36.123Z`.
fn timestamp(unix_ms: u64) -> String {
    let (seconds, ms) = (unix_ms / 1000, unix_ms % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years are counted from 1 March so that the leap day comes last, in eras of 400 years (Hinnant).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_know_leap_years() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(timestamp(1_709_251_199_999), "2024-02-29T23:59:59.999Z");
        assert_eq!(timestamp(1_795_407_276_123), "2026-11-23T04:14:36.123Z");
        assert_eq!(timestamp(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn levels_are_redis_s() {
        assert!(filter_of(LogLevel::Warning) < filter_of(LogLevel::Notice));
        assert!(filter_of(LogLevel::Verbose) < filter_of(LogLevel::Debug));
    }
}
