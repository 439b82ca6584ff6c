//! One glommio executor on a thread of its own, and the way it sleeps when it has been idle for long.
//!
//! glommio's own `spawn` panics inside the new thread when the executor cannot be made; here the
//! executor is made by us, so that a refusal comes back as a value. Its storage buffers are kept to
//! the minimum: sockets do not use them, and they count against the memlock limit.

use crate::runtime::cores::Seat;
use crate::runtime::signal::EventFd;
use glommio::LocalExecutorBuilder;
use glommio::io::PollableFd;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes of glommio's registered storage buffer per executor; glommio raises less to this.
pub const IO_MEMORY_BYTES: usize = 64 << 10;

/// Entries of each of glommio's three rings: they carry files and timers, not clients.
const RING_DEPTH: usize = 64;

/// How long one task queue of glommio runs before its other queues and its own rings are looked at: for ever,
/// there is but one, with one task. It must be long: a timer that runs out between its arming and the first task,
/// because the machine has stopped the thread just there, lets glommio believe that no task was ready
/// (`run_task_queues` says that none ran), and it sleeps beside one until something else comes. With 10 ms that
/// hung a core once in some twenty minutes of a busy machine; with 5 us a task that yields hangs at once.
const PREEMPT: Duration = Duration::from_secs(24 * 3600);

/// Starts a thread with an executor in `seat` and runs `main` on it. `refused` is called on that thread
/// with glommio's words when the executor cannot be made; `main` then never runs and the thread returns
/// `None`. An error is the operating system's, when there is no thread at all.
pub fn start<T, M, F>(
    name: String,
    seat: Seat,
    refused: impl FnOnce(String) + Send + 'static,
    main: M,
) -> std::io::Result<JoinHandle<Option<T>>>
where
    T: Send + 'static,
    M: FnOnce() -> F + Send + 'static,
    F: Future<Output = T> + 'static,
{
    std::thread::Builder::new().name(name.clone()).spawn(move || {
        let made = LocalExecutorBuilder::new(seat.placement())
            .name(&name)
            .io_memory(IO_MEMORY_BYTES)
            .ring_depth(RING_DEPTH)
            .preempt_timer(PREEMPT)
            .make();
        match made {
            Ok(executor) => Some(executor.run(async move { main().await })),
            Err(error) => {
                refused(error.to_string());
                None
            }
        }
    })
}

/// A descriptor on which the whole executor can sleep, through glommio: the thread is then parked in
/// the kernel and costs nothing until something is written to `bell`.
pub struct Bed(PollableFd<Shared>);

struct Shared(Arc<EventFd>);

impl AsRawFd for Shared {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Bed {
    /// Only on an executor's thread.
    pub fn new(bell: Arc<EventFd>) -> Result<Self, String> {
        PollableFd::new(Shared(bell)).map(Bed).map_err(|error| error.to_string())
    }

    /// Returns when `bell` has been rung since it was last cleared, at once if it has been already; and
    /// after `most` in any case.
    pub async fn sleep(&self, most: Duration) -> Result<(), String> {
        let rung = async { self.0.readable().await.map_err(|error| error.to_string()) };
        let over = async {
            glommio::timer::sleep(most).await;
            Ok(())
        };
        futures_lite::future::or(rung, over).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executor_runs_its_main_and_hands_back_the_result() {
        let thread = start("test".into(), Seat::Floating, |_| (), || async { 7 }).unwrap();
        assert_eq!(thread.join().unwrap(), Some(7));
    }

    #[test]
    fn no_timer_of_glommio_interrupts_a_task() {
        let busy = || async {
            // Rings and timers were looked at just before: what is due within this time would show.
            let began = std::time::Instant::now();
            while began.elapsed() < Duration::from_millis(50) {
                if glommio::executor().need_preempt() {
                    return Some(began.elapsed());
                }
            }
            None
        };
        let thread = start("test".into(), Seat::Floating, |_| (), busy).unwrap();
        assert_eq!(thread.join().unwrap(), Some(None));
    }

    #[test]
    fn an_executor_for_a_cpu_that_does_not_exist_is_refused_with_words() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let refused = move |text: String| sender.send(text).unwrap();
        let thread = start("test".into(), Seat::Pinned(100_000), refused, || async {}).unwrap();
        assert_eq!(thread.join().unwrap(), None);
        assert!(!receiver.recv().unwrap().is_empty());
    }

    #[test]
    fn a_sleeping_executor_wakes_when_its_bell_is_rung() {
        let bell = Arc::new(EventFd::new().unwrap());
        let ringer = bell.clone();
        let thread = start(
            "test".into(),
            Seat::Floating,
            |_| (),
            || async move {
                let bed = Bed::new(bell.clone()).unwrap();
                bed.sleep(Duration::from_secs(60)).await.unwrap();
                bell.clear()
            },
        )
        .unwrap();
        std::thread::sleep(Duration::from_millis(20));
        ringer.ring();
        assert_eq!(thread.join().unwrap(), Some(true));
    }
}
