//! From a configuration to a serving process: sockets, executors, and one loop on each.
//!
//! Listening comes first, so that a port in use stops the start before anything else exists; clients
//! that connect early wait in the kernel's backlog. Then every core makes its ring and its service on
//! its own thread (what a core owns never leaves it), and reports. Only when all are ready does anyone
//! accept. One core that cannot start stops all others: half a keyspace is worse than none.

use crate::base::ids::ShardId;
use crate::base::limits::{CORES_MAX, LINK_BATCHES_MAX};
use crate::net::listener::{ListenConfig, ListenError, Listener, Listeners};
use crate::net::service::Service;
use crate::runtime::cores::{Seat, usable_cpus};
use crate::runtime::executor;
use crate::runtime::link::{Doorbell, Mesh};
use crate::runtime::ring::SocketRing;
use crate::runtime::roster::Roster;
use crate::runtime::signal::{EventFd, Signals};
use crate::server::driver::{Driver, Parts};
use crate::server::exit::{BootError, plain};
use crate::server::shutdown::{Control, tell_all, wait_for_a_reason, wait_for_cores};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

/// What the process needs to know to serve.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Cores, from 1 to `limits::CORES_MAX`.
    pub cores: usize,
    /// One CPU each; otherwise the kernel places the executors, and there may be more than CPUs.
    pub pin: bool,
    /// Where to listen.
    pub listen: ListenConfig,
    /// Most connections at once.
    pub clients_max: u32,
    /// Whether SIGTERM and SIGINT end the server, and SIGPIPE and SIGHUP are ignored.
    pub signals: bool,
}

/// Of which core the service is to be made, and what is known by then.
#[derive(Clone, Debug)]
pub struct CoreStart {
    /// Which core this is.
    pub id: ShardId,
    /// How many there are.
    pub cores: u16,
    /// The whole server: its port, its counts, its end.
    pub control: Control,
}

/// Listens, serves until told to end, and returns what is left of each core, in order; a core that did
/// not end in time is missing. `make_service` is called once on each core's own thread, `on_ready` once
/// on this one, when all are up. The unix socket's file is gone when this returns.
pub fn serve<S, M>(
    config: ServeConfig,
    make_service: M,
    on_ready: impl FnOnce(&Control),
) -> Result<Vec<S::Report>, BootError>
where
    S: Service + 'static,
    M: Fn(CoreStart) -> S + Send + Sync + 'static,
{
    let seats = take_seats(&config)?;
    let listeners = Listeners::open(&config.listen)?;
    let bell = Arc::new(EventFd::new().map_err(|error| no_core(0, plain(&error)))?);
    let signals = match config.signals {
        true => Some(Signals::install(&bell).map_err(|error| no_core(0, plain(&error)))?),
        false => None,
    };
    let doorbells: Arc<[Doorbell]> = (0..config.cores)
        .map(|core| Doorbell::new().map_err(|error| no_core(core, plain(&error))))
        .collect::<Result<_, _>>()?;
    let control = Control {
        roster: Arc::new(Roster::new(doorbells.clone(), config.clients_max)),
        bell,
        ending: Arc::new(AtomicBool::new(false)),
        endpoints: listeners.all.iter().map(|listener| listener.at.clone()).collect(),
    };
    let mut cores = Cores { threads: Vec::new(), gates: Vec::new(), ended: Arc::default() };
    let (ready, readiness) = mpsc::channel();
    let make_service = Arc::new(make_service);
    for (core, mesh) in Mesh::between(&doorbells, LINK_BATCHES_MAX).into_iter().enumerate() {
        let (gate, opened) = mpsc::channel();
        cores.gates.push(gate);
        let start =
            CoreStart { id: ShardId(core as u16), cores: config.cores as u16, control: control.clone() };
        let (make_service, ready, refused) = (make_service.clone(), ready.clone(), ready.clone());
        let ended = Ended { cores: cores.ended.clone(), bell: control.bell.clone() };
        let slots_max = slots_max(&config);
        let main = move || async move {
            let _ended = ended;
            let mine = Mine { start, mesh, slots_max };
            let driver = match mine.driver(&*make_service, opened) {
                Ok(pending) => {
                    let _ = ready.send((core, Ok(())));
                    pending.open()?
                }
                Err(error) => {
                    let _ = ready.send((core, Err(error)));
                    return None;
                }
            };
            match driver {
                Ok(driver) => Some(driver.run().await),
                Err(reason) => {
                    tracing::error!("core {core}: {reason}");
                    None
                }
            }
        };
        let refused = move |reason: String| {
            let _ = refused.send((core, Err(no_core(core, reason))));
        };
        match executor::start(format!("medusa-{core}"), seats[core], refused, main) {
            Ok(thread) => cores.threads.push(thread),
            Err(error) => {
                cores.abandon(&control);
                return Err(no_core(core, plain(&error)));
            }
        }
    }
    drop(ready);
    for _ in 0..config.cores {
        let failed = match readiness.recv() {
            Ok((_, Ok(()))) => continue,
            Ok((_, Err(error))) => error,
            Err(_) => no_core(0, "it ended before it was ready".into()),
        };
        cores.abandon(&control);
        return Err(failed);
    }
    if let Err(error) = cores.open(&listeners) {
        cores.abandon(&control);
        return Err(no_core(0, plain(&error)));
    }
    on_ready(&control);
    let count = config.cores;
    wait_for_a_reason(&control, signals.as_ref(), || cores.ended_count() > 0);
    let all_ended = wait_for_cores(&control, signals.as_ref(), || cores.ended_count() == count);
    cores.join(all_ended)
}

// What one core starts with, on its own thread.
struct Mine<B> {
    start: CoreStart,
    mesh: Mesh<B>,
    slots_max: u32,
}

// A core that is ready and waits for its listeners, which it gets when all are.
struct Pending<S: Service> {
    parts: Parts<S>,
    opened: mpsc::Receiver<Vec<Listener>>,
}

impl<B: Send + 'static> Mine<B> {
    fn driver<S: Service<Batch = B>>(
        self,
        make_service: &(impl Fn(CoreStart) -> S + ?Sized),
        opened: mpsc::Receiver<Vec<Listener>>,
    ) -> Result<Pending<S>, BootError> {
        let core = self.start.id.index();
        let bell = self.mesh.doorbell().bell().clone();
        let ring = SocketRing::new(self.slots_max, bell).map_err(|error| no_ring(core, &error))?;
        let (roster, control) = (self.start.control.roster.clone(), self.start.control.clone());
        let me = self.start.id;
        let service = make_service(self.start);
        let supervisor = Arc::new(control);
        let parts = Parts { me, service, ring, mesh: self.mesh, roster, listeners: Vec::new(), supervisor };
        Ok(Pending { parts, opened })
    }
}

impl<S: Service> Pending<S> {
    // `None` when the start was given up.
    fn open(mut self) -> Option<Result<Driver<S>, String>> {
        self.parts.listeners = self.opened.recv().ok()?;
        Some(Driver::new(self.parts))
    }
}

// Rings the supervisor's bell when a core ends, however it does.
struct Ended {
    cores: Arc<AtomicUsize>,
    bell: Arc<EventFd>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.cores.fetch_add(1, Ordering::SeqCst);
        self.bell.ring();
    }
}

struct Cores<R> {
    threads: Vec<JoinHandle<Option<Option<R>>>>,
    gates: Vec<mpsc::Sender<Vec<Listener>>>,
    ended: Arc<AtomicUsize>,
}

impl<R> Cores<R> {
    fn ended_count(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }

    // Deals the listeners to the cores and lets all of them begin. Where a connection is accepted says
    // nothing about where it is served.
    fn open(&mut self, listeners: &Listeners) -> io::Result<()> {
        let cores = self.gates.len();
        for (core, gate) in self.gates.drain(..).enumerate() {
            let dealt = listeners.all.iter().enumerate();
            let dealt = dealt.filter(|(number, _)| (cores - 1 + number) % cores == core);
            let _ = gate.send(dealt.map(|(_, listener)| listener.try_clone()).collect::<io::Result<_>>()?);
        }
        Ok(())
    }

    fn abandon(mut self, control: &Control) {
        self.gates.clear();
        tell_all(control);
        for thread in self.threads {
            let _ = thread.join();
        }
    }

    fn join(self, all_ended: bool) -> Result<Vec<R>, BootError> {
        let mut reports = Vec::new();
        for (core, thread) in self.threads.into_iter().enumerate() {
            if !all_ended && !thread.is_finished() {
                tracing::warn!("core {core} did not end in time and is left behind");
                continue;
            }
            match thread.join() {
                Ok(Some(Some(report))) => reports.push(report),
                Ok(_) => return Err(no_core(core, "its loop could not begin".into())),
                Err(_) => return Err(no_core(core, "it panicked".into())),
            }
        }
        Ok(reports)
    }
}

fn take_seats(config: &ServeConfig) -> Result<Vec<Seat>, BootError> {
    let cpus = usable_cpus();
    if config.cores == 0 || config.cores > CORES_MAX {
        return Err(BootError::Cores(format!(
            "--cores {}: give a number from 1 to {CORES_MAX}",
            config.cores
        )));
    }
    Seat::assign(config.cores, &cpus, config.pin).ok_or_else(|| {
        BootError::Cores(format!(
            "--cores {} is more than the {} CPU{} this process may use: give fewer, or --no-pin to let executors \
             share them",
            config.cores,
            cpus.len(),
            if cpus.len() == 1 { "" } else { "s" }
        ))
    })
}

// Connections are dealt to whoever has the fewest, so a core never has more than its share when it gets
// another; room for four times that lets `maxclients` be raised later. A slot costs the kernel 8 bytes.
fn slots_max(config: &ServeConfig) -> u32 {
    let share = u64::from(config.clients_max).div_ceil(config.cores as u64);
    (share * 4).clamp(4096, 1 << 20) as u32
}

fn no_core(core: usize, reason: String) -> BootError {
    BootError::Executor { core: core as u16, reason }
}

fn no_ring(core: usize, error: &io::Error) -> BootError {
    match error.raw_os_error() {
        Some(errno @ (libc::EPERM | libc::EACCES | libc::ENOSYS)) => BootError::IoUringRefused { errno },
        _ => no_core(core, format!("its socket ring: {}", plain(error))),
    }
}

impl From<ListenError> for BootError {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::Tcp { address, error } => BootError::listen(address, &error),
            ListenError::Unix { path, reason } => {
                BootError::UnixSocket { path: path.display().to_string(), reason }
            }
            ListenError::Nowhere { bind } => BootError::Listen {
                address: if bind.is_empty() { "anything".into() } else { bind },
                errno: 0,
                reason: "there is no address and no unix socket left to listen on".into(),
            },
        }
    }
}
