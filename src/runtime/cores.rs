//! Which CPUs this process may run on.
//!
//! The affinity mask is the truth: `taskset`, cgroup cpusets and container limits all end up in it,
//! while counting the machine's CPUs would pin executors to ones we are not allowed on.

use glommio::Placement;

/// CPUs of the process's affinity mask, in ascending order; never empty.
pub fn usable_cpus() -> Vec<usize> {
    let mut cpus: Vec<usize> =
        core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect();
    cpus.sort_unstable();
    if cpus.is_empty() { vec![0] } else { cpus }
}

/// Where an executor runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// On this CPU and no other.
    Pinned(usize),
    /// Wherever the kernel puts it (`--no-pin`).
    Floating,
}

impl Seat {
    /// Seats for `cores` executors: one CPU of `cpus` each, or floating. `None` when they are to be
    /// pinned and there are not enough CPUs.
    pub fn assign(cores: usize, cpus: &[usize], pin: bool) -> Option<Vec<Seat>> {
        match pin {
            false => Some(vec![Seat::Floating; cores]),
            true if cores <= cpus.len() => Some(cpus[..cores].iter().copied().map(Seat::Pinned).collect()),
            true => None,
        }
    }

    pub(super) fn placement(self) -> Placement {
        match self {
            Seat::Pinned(cpu) => Placement::Fixed(cpu),
            Seat::Floating => Placement::Unbound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_executors_get_one_cpu_each_of_those_we_may_use() {
        assert_eq!(Seat::assign(2, &[3, 5, 7], true), Some(vec![Seat::Pinned(3), Seat::Pinned(5)]));
        assert_eq!(Seat::assign(4, &[3, 5, 7], true), None);
    }

    #[test]
    fn floating_executors_may_outnumber_the_cpus() {
        assert_eq!(Seat::assign(4, &[0], false), Some(vec![Seat::Floating; 4]));
    }

    #[test]
    fn there_is_at_least_one_usable_cpu() {
        let cpus = usable_cpus();
        assert!(!cpus.is_empty());
        assert!(cpus.is_sorted());
    }
}
