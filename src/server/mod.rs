//! Boot, driver, shutdown: from a configuration to engines on cores, and to the report at the end.

pub mod banner;
pub mod boot;
pub mod doctor;
pub mod driver;
pub mod exit;
pub mod log;
mod lookout;
pub mod pidfile;
pub mod preflight;
pub mod report;
mod service;
pub mod shutdown;

#[cfg(test)]
mod loopback;
#[cfg(test)]
mod toy;

use crate::base::clock::Clock;
use crate::base::owner::Owners;
use crate::base::prng::Prng;
use crate::command::core::Identity;
use crate::command::table::Table;
use crate::config::resolved::Resolved;
use crate::engine::{Engine, Setup};
use crate::metrics::Snapshot;
use crate::net::listener::{Endpoint, ListenConfig, UnixConfig};
use boot::{CoreStart, ServeConfig};
use exit::BootError;
use report::Run;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// Serves until it is told to stop. Everything that can be wrong is looked at before the first executor.
pub fn run(mut resolved: Resolved) -> Result<(), BootError> {
    log::start(resolved.options.loglevel, &resolved.options.logfile)?;
    preflight::run(&mut resolved)?;
    let _pid = pidfile::PidFile::hold(&resolved.options.pidfile);
    let clock = Clock::real();
    let began = clock.raw();
    let cores = usize::from(resolved.options.cores);
    let snapshots = boot::serve(serve_config(&resolved), make_engine(&resolved), |control| {
        let addresses: Vec<String> = control.endpoints().iter().map(Endpoint::to_string).collect();
        banner::show(&resolved, &addresses);
    })?;
    let uptime = Duration::from_nanos(clock.elapsed_ns(began, clock.raw()));
    tracing::info!("all connections are closed");
    if !resolved.options.latency_report.is_empty() {
        write_report(&snapshots, cores, uptime, &resolved.options.latency_report);
    }
    Ok(())
}

fn serve_config(resolved: &Resolved) -> ServeConfig {
    let options = &resolved.options;
    ServeConfig {
        cores: usize::from(options.cores),
        pin: options.pin,
        listen: ListenConfig {
            bind: options.bind.clone(),
            port: (!resolved.listen.is_empty()).then_some(options.port),
            backlog: options.tcp_backlog,
            keepalive_s: options.tcp_keepalive,
            unix: resolved.unix.as_ref().map(|unix| UnixConfig { path: unix.path.clone(), mode: unix.mode }),
        },
        clients_max: options.maxclients,
        signals: true,
    }
}

/// What makes the engine of a core, on that core's own thread: all share one rule of ownership.
fn make_engine(resolved: &Resolved) -> impl Fn(CoreStart) -> Engine + Send + Sync + 'static {
    let mut chance = Prng::new(seed());
    let hash_seed = chance.next_u64();
    let run_id: String =
        (0..40).map(|_| char::from(b"0123456789abcdef"[chance.below(16) as usize])).collect();
    let engine_seed = chance.next_u64();
    let options = resolved.options.clone();
    let config_file = resolved.file.as_ref().map_or(String::new(), |file| {
        std::path::absolute(file).unwrap_or_else(|_| file.clone()).display().to_string()
    });
    let executable = std::env::current_exe().map_or(String::new(), |path| path.display().to_string());
    let started = Clock::real().now();
    move |start: CoreStart| {
        let clock = Clock::real();
        let identity = Identity {
            run_id: run_id.clone(),
            pid: std::process::id(),
            started,
            executable: executable.clone(),
            config_file: config_file.clone(),
            port: start.control.port().unwrap_or(0),
        };
        Engine::new(Setup {
            id: start.id,
            owners: Owners::new(hash_seed, start.cores),
            options: options.clone(),
            identity,
            clock,
            seed: engine_seed ^ u64::from(start.id.0),
        })
    }
}

/// Secret randomness, so that nobody can aim keys at one shard or one bucket.
fn seed() -> u64 {
    let mut bytes = [0_u8; 8];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if read.is_err() {
        // No device to ask: the clock and the process are better than a constant.
        let now = Clock::real().now();
        return Prng::new(now.unix_us ^ now.mono_ns ^ u64::from(std::process::id())).next_u64();
    }
    u64::from_le_bytes(bytes)
}

fn write_report(snapshots: &[Snapshot], cores: usize, uptime: Duration, path: &str) {
    let commands = Table::get().commands();
    let names: Vec<&str> = commands.iter().map(|command| command.full_name.as_str()).collect();
    let mut all = Snapshot::empty(commands.len());
    for snapshot in snapshots {
        all.merge(snapshot);
    }
    let report = report::render(&all, &names, Run { cores, uptime });
    if let Err(error) = report::write(&report, Path::new(path)) {
        tracing::error!("{error}");
    }
}
