//! The only place where time is asked for.

use super::timetable::Timetable;
use crate::domain::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime};

/// Where the engine's time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's.
    System,
    /// One that only moves when told to.
    Manual(Arc<AtomicI64>),
    /// One that follows a timetable.
    Simulated(Arc<Simulated>),
}

/// A clock that follows a timetable from when it was started on.
#[derive(Debug)]
pub struct Simulated {
    timetable: Timetable,
    started: Instant,
}

impl Clock {
    /// A manual clock that shows `now`.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now.0)))
    }

    /// A clock that follows a timetable from now on.
    #[must_use]
    pub fn simulated(timetable: Timetable) -> Self {
        Self::Simulated(Arc::new(Simulated { timetable, started: Instant::now() }))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(ms) => Timestamp(ms.load(Ordering::SeqCst)),
            Self::Simulated(clock) => clock.now().0,
        }
    }

    /// What a simulated clock shows, and how many times as fast as time it runs; none of another.
    #[must_use]
    pub fn simulated_now(&self) -> Option<(Timestamp, u32)> {
        match self {
            Self::Simulated(clock) => Some(clock.now()),
            Self::System | Self::Manual(_) => None,
        }
    }

    /// Sets a manual clock. Others are left alone.
    pub fn set(&self, now: Timestamp) {
        if let Self::Manual(ms) = self {
            ms.store(now.0, Ordering::SeqCst);
        }
    }
}

impl Simulated {
    fn now(&self) -> (Timestamp, u32) {
        self.timetable.after(self.started.elapsed())
    }
}
