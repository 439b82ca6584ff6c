//! Runs of the comparison: in threads of their own, without errors, or while something else is done.

use super::BenchError;
use super::run::{self as one_run, Leash, Measured, Plan};
use std::thread;
use std::time::Duration;

/// How long the threads of a load may take to see that the measured time has begun.
const SEEN_TIME: Duration = Duration::from_millis(20);

/// A run in a thread of its own, so that it can be bound to a CPU and nothing else is.
pub(super) fn measure(plan: &Plan) -> Result<Measured, BenchError> {
    thread::scope(|scope| scope.spawn(|| one_run::run(plan)).join()).unwrap_or_else(|_| Err(panicked()))
}

fn panicked() -> BenchError {
    BenchError("the load generator panicked".to_owned())
}

/// As [`measure`], but error replies end the comparison: figures of refusals would compare nothing.
pub(super) fn measure_clean(plan: &Plan) -> Result<Measured, BenchError> {
    clean(plan, measure(plan)?)
}

fn clean(plan: &Plan, measured: Measured) -> Result<Measured, BenchError> {
    match &measured.outcome.first_error {
        Some(text) => Err(BenchError(format!("{}: {text}", plan.target))),
        None => Ok(measured),
    }
}

/// A run under way while `work` is done, from the start of its measured time until both are over. `work` has a
/// thread on the load's CPUs.
pub(super) fn measure_while<T: Send>(
    plan: &Plan,
    work: impl FnOnce() -> Result<T, BenchError> + Send,
) -> Result<(Measured, T), BenchError> {
    let leash = Leash::default();
    let (measured, done) = thread::scope(|scope| {
        let load = scope.spawn(|| one_run::run_held(plan, &leash));
        let worker = scope.spawn(|| {
            if let Some(&cpu) = plan.cpus.first() {
                one_run::pin(cpu);
            }
            while !leash.begun() {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(SEEN_TIME);
            work()
        });
        let done = worker.join().unwrap_or_else(|_| Err(panicked()));
        leash.let_go();
        (load.join().unwrap_or_else(|_| Err(panicked())), done)
    });
    Ok((clean(plan, measured?)?, done?))
}
