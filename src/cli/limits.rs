//! What the operating system lets this process have, and others have of it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::sync::{Mutex, PoisonError};

/// Enough for a thread that only waits.
const STACK_BYTES: usize = 64 << 10;

/// Raises the number of files that may be open to what the system allows: each thread
/// that answers, each connection and each store takes some, and many systems begin with
/// 1,024. Where it cannot be raised, it stays.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Asks the system for no image of this process' memory, which holds secrets: a crash
/// writes none, and only root may read it while it runs. Systems other than Linux have no
/// such setting; where it cannot be had, it stays as it was.
pub fn forbid_images() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Files that may be open; none where there is no bound.
#[must_use]
pub fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Tries whether so many more threads may run at once, whoever bounds them: a shell, a
/// container, a service manager.
///
/// # Errors
/// Where one of them cannot be had.
pub fn try_threads(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        let spawn = |_| {
            std::thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, || drop(gate.lock()))
        };
        let spawned = (0..count).try_for_each(|n| spawn(n).map(drop));
        drop(closed);
        spawned
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_may_run_end_again() {
        let running = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let before = running();
        try_threads(200).unwrap();
        assert!(running() < before + 200);
    }
}
