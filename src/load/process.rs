//! The processes a run starts: servers and load generators, found on the path, bound to CPUs,
//! stopped by their id, and how much CPU time they used.

use super::client::Client;
use crate::base::clock::Clock;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a server may take to answer its first PING, and to end when asked to.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server of this run. Dropping it stops it.
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts `program` with `arguments`, what it says going to `log`, and waits until it answers PING
    /// on `port` of 127.0.0.1. The error is one sentence.
    pub fn start(
        program: &Path,
        arguments: &[String],
        cpus: &[usize],
        port: u16,
        log: &Path,
        clock: &Clock,
    ) -> Result<Server, String> {
        let output = File::create(log).map_err(|cause| format!("cannot write {}: {cause}", log.display()))?;
        let errors =
            output.try_clone().map_err(|cause| format!("cannot write {}: {cause}", log.display()))?;
        let child = command(program, cpus)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|cause| format!("cannot start {}: {cause}", program.display()))?;
        let mut server = Server { child };
        let start = clock.raw();
        loop {
            if let Ok(Some(status)) = server.child.try_wait() {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
                return Err(format!("{} ended at once ({status}); it said: {last}", program.display()));
            }
            if Client::connect(port).and_then(|mut client| client.ask(&["PING"])).is_ok() {
                return Ok(server);
            }
            if clock.elapsed_ns(start, clock.raw()) > PATIENCE.as_nanos() as u64 {
                let secs = PATIENCE.as_secs();
                return Err(format!(
                    "{} did not answer within {secs} s, see {}",
                    program.display(),
                    log.display()
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of all its threads so far.
    pub fn cpu(&self) -> io::Result<Duration> {
        cpu_of(self.child.id())
    }

    /// SIGTERM, and waits; SIGKILL when that takes too long. Says so when it did not end well.
    pub fn stop(mut self, clock: &Clock) -> Result<(), String> {
        self.terminate();
        let start = clock.raw();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("the server ended with {status} at SIGTERM")),
                Ok(None) => {}
                Err(cause) => return Err(format!("cannot wait for the server: {cause}")),
            }
            if clock.elapsed_ns(start, clock.raw()) > PATIENCE.as_nanos() as u64 {
                // Dropping it kills it.
                return Err(format!("the server did not end within {} s of SIGTERM", PATIENCE.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn terminate(&self) {
        // The shell has `kill` built in; the standard library can only send SIGKILL.
        let pid = self.child.id().to_string();
        let _ = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure here, and a process that has ended needs neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command, bound to `cpus` when some are given and taskset is here.
pub fn command(program: &Path, cpus: &[usize]) -> Command {
    match find_program("taskset") {
        Some(taskset) if !cpus.is_empty() => {
            let list: Vec<String> = cpus.iter().map(usize::to_string).collect();
            let mut command = Command::new(taskset);
            command.arg("--cpu-list").arg(list.join(",")).arg(program);
            command
        }
        _ => Command::new(program),
    }
}

/// Runs a load generator to its end and gives back what it printed. `on_wait` is called ten times
/// a second.
pub fn run_to_end(mut command: Command, mut on_wait: impl FnMut()) -> io::Result<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // Both pipes are emptied while it runs: a full one would stop it.
    let out = child.stdout.take().map(reader);
    let err = child.stderr.take().map(reader);
    while child.try_wait()?.is_none() {
        on_wait();
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut said = String::new();
    for pipe in [err, out].into_iter().flatten() {
        said.push_str(&pipe.join().unwrap_or_default());
    }
    Ok(said)
}

fn reader(mut pipe: impl io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends the text; the parser then misses the summary and says so.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// CPU time of a process: the scheduler's nanoseconds where the kernel shows them, else ticks.
fn cpu_of(pid: u32) -> io::Result<Duration> {
    let mut total_ns = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        match std::fs::read_to_string(task?.path().join("schedstat")) {
            Ok(text) => {
                total_ns += text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0)
            }
            Err(_) => return cpu_ticks_of(pid),
        }
    }
    Ok(Duration::from_nanos(total_ns))
}

fn cpu_ticks_of(pid: u32) -> io::Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before the bracket may hold spaces. User and system time are fields 14 and 15 of all.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    // Linux shows 100 ticks a second to programs, whatever its own timer does.
    Ok(Duration::from_millis(ticks * 10))
}

/// What a reader of figures must know of this machine: `2 CPUs (AMD EPYC), Linux 6.18.44`.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown CPU", |(_, name)| name.trim());
    let kernel = read("/proc/sys/kernel/osrelease");
    let release = kernel.trim().split('-').next().unwrap_or_default();
    format!("{} CPUs ({model}), Linux {release}", cpus_allowed().len())
}

/// The CPUs this process may use, in order.
pub fn cpus_allowed() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.map(|list| cpu_list(list.trim())).unwrap_or_default()
}

fn cpu_list(text: &str) -> Vec<usize> {
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) {
            cpus.extend(first..=last);
        }
    }
    cpus
}

/// A port nobody listens on right now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Where a program of this name is on the path.
pub fn find_program(name: &str) -> Option<PathBuf> {
    find_in(std::env::var_os("PATH")?.as_os_str(), name)
}

fn find_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_ranges_and_numbers() {
        assert_eq!(cpu_list("0-1"), [0, 1]);
        assert_eq!(cpu_list("0,2-4,7"), [0, 2, 3, 4, 7]);
        assert_eq!(cpu_list(""), Vec::<usize>::new());
        assert!(!cpus_allowed().is_empty());
    }

    #[test]
    fn this_process_has_used_some_cpu_time() {
        let pid = std::process::id();
        assert!(cpu_of(pid).unwrap() < Duration::from_secs(3_600));
        assert!(cpu_ticks_of(pid).unwrap() < Duration::from_secs(3_600));
        assert!(cpu_of(u32::MAX).is_err());
    }

    #[test]
    fn a_program_is_found_on_the_path_or_not() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no-program-has-this-name").is_none());
    }

    #[test]
    fn what_a_program_prints_comes_back_however_much() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "head -c 300000 /dev/zero | tr '\\0' x; echo oops >&2"]);
        let said = run_to_end(shell, || {}).unwrap();
        assert_eq!(said.len(), 300_005);
        assert!(said.starts_with("oops\n"));
    }
}
