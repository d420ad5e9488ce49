//! The only place where time is asked for, and where it is decided whether it can be
//! believed.

use super::timetable::Timetable;
use crate::domain::clock_guard::{ClockGuard, Event, Probation, Reading, StoreClock, Trust};
use crate::domain::time::{Minute, Timestamp};
use crate::store::Anchor;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A wall clock this close to where it should be needs no look of the guard.
const UNNOTICED_MS: i64 = 1_000;

/// Where the engine's time comes from. A copy shows the same.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: TimeSource,
    /// What the guard believes the wall clock to be ahead of the steady one; copied, so
    /// that most readings need no lock.
    offset_ms: AtomicI64,
    in_holdover: AtomicBool,
    /// Held to take a reading or to ask for the state.
    guard: Mutex<ClockGuard>,
}

#[derive(Debug)]
enum TimeSource {
    /// The machine's.
    System,
    /// One that only moves when told to, and is believed whatever it shows.
    Manual(AtomicI64),
    /// One that follows a timetable from a moment of the steady clock on.
    Simulated {
        timetable: Timetable,
        started_ms: i64,
        /// What the store's own clock showed at that moment, where nodes share it.
        anchor: Option<Timestamp>,
    },
}

impl Clock {
    /// The machine's clock, which must run evenly for so long.
    #[must_use]
    pub fn system(probation: Probation) -> Self {
        Self::of(TimeSource::System, probation)
    }

    /// A manual clock that shows `now`.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self::of(TimeSource::Manual(AtomicI64::new(now.0)), Probation::default())
    }

    /// A clock that follows a timetable from now on.
    #[must_use]
    pub fn simulated(timetable: Timetable, probation: Probation) -> Self {
        let started_ms = steady_ms();
        Self::of(TimeSource::Simulated { timetable, started_ms, anchor: None }, probation)
    }

    /// A clock that follows a timetable from a moment on that all nodes of a store share.
    #[must_use]
    pub fn simulated_since(anchor: Anchor, timetable: Timetable, probation: Probation) -> Self {
        let ago_ms = i64::try_from(anchor.ago.as_millis()).unwrap_or(i64::MAX);
        let started_ms = steady_ms().saturating_sub(ago_ms);
        Self::of(
            TimeSource::Simulated { timetable, started_ms, anchor: Some(anchor.at) },
            probation,
        )
    }

    fn of(source: TimeSource, probation: Probation) -> Self {
        let guard = ClockGuard::new(source.reading(), probation);
        let offset_ms = AtomicI64::new(guard.offset_ms());
        Self(Arc::new(Inner {
            source,
            offset_ms,
            in_holdover: AtomicBool::new(false),
            guard: Mutex::new(guard),
        }))
    }

    /// The time: what the clock shows, or in a holdover what it would show had nobody set
    /// it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let (inner, reading) = (&*self.0, self.0.source.reading());
        let expected_ms = inner.offset_ms.load(Ordering::Relaxed).saturating_add(reading.steady_ms);
        let is_even = reading.wall.0.saturating_sub(expected_ms).saturating_abs() <= UNNOTICED_MS;
        if inner.is_manual() || (is_even && !inner.in_holdover.load(Ordering::Acquire)) {
            return reading.wall;
        }
        let (reading, guard) = inner.look();
        guard.now(reading)
    }

    /// What the clock shows, whether it is believed or not.
    #[must_use]
    pub fn shown(&self) -> Timestamp {
        self.0.source.reading().wall
    }

    /// What the store's own clock shows, as far as this one tells: a simulated clock runs
    /// beside it, so many times as fast.
    #[must_use]
    pub fn of_store(&self) -> Timestamp {
        match &self.0.source {
            TimeSource::Simulated { started_ms, anchor: Some(anchor), .. } => {
                let since_ms = since(*started_ms).as_millis();
                anchor.plus_ms(i64::try_from(since_ms).unwrap_or(i64::MAX))
            }
            _ => self.shown(),
        }
    }

    /// How far it is believed.
    #[must_use]
    pub fn trust(&self) -> Trust {
        if self.0.is_manual() {
            return Trust::Confirmed;
        }
        let (reading, guard) = self.0.look();
        guard.trust(reading)
    }

    /// How often it was set, and how often time itself was set with it.
    #[must_use]
    pub fn steps(&self) -> (u64, u64) {
        let guard = self.0.guard();
        (guard.steps(), guard.adoptions())
    }

    /// There is a fact of this minute.
    pub fn knows_fact(&self, minute: Minute) {
        self.0.guard().knows_fact(minute);
    }

    /// The operator says that the clock is right, and that later facts were dated by one
    /// that was wrong.
    pub fn vouch(&self) {
        let now = self.now();
        let mut guard = self.0.guard();
        guard.vouch();
        guard.forget_future(now);
    }

    /// The store's own clock was asked.
    pub fn compare(&self, store: StoreClock) {
        let (reading, mut guard) = self.0.look();
        guard.compare(reading, store);
    }

    /// What a simulated clock shows, and how many times as fast as time it runs; none of
    /// another.
    #[must_use]
    pub fn simulated_now(&self) -> Option<(Timestamp, u32)> {
        match &self.0.source {
            TimeSource::Simulated { timetable, started_ms, .. } => {
                Some(timetable.after(since(*started_ms)))
            }
            TimeSource::System | TimeSource::Manual(_) => None,
        }
    }

    /// Nanoseconds since some moment, by a clock that nobody sets; of a manual clock, what
    /// it shows.
    #[must_use]
    pub fn steady_ns(&self) -> u64 {
        match &self.0.source {
            TimeSource::Manual(ms) => ms.load(Ordering::SeqCst).max(0).unsigned_abs() * 1_000_000,
            TimeSource::System | TimeSource::Simulated { .. } => steady_ns(),
        }
    }

    /// Sets a manual clock. Others are left alone.
    pub fn set(&self, now: Timestamp) {
        if let TimeSource::Manual(ms) = &self.0.source {
            ms.store(now.0, Ordering::SeqCst);
        }
    }
}

impl Inner {
    const fn is_manual(&self) -> bool {
        matches!(self.source, TimeSource::Manual(_))
    }

    /// Lets the guard take a reading, and logs what is new. Read with the lock held: the
    /// guard sees readings in the order in which they were taken.
    fn look(&self) -> (Reading, MutexGuard<'_, ClockGuard>) {
        let mut guard = self.guard();
        let reading = self.source.reading();
        let event = guard.look(reading);
        self.offset_ms.store(guard.offset_ms(), Ordering::Relaxed);
        self.in_holdover.store(guard.is_in_holdover(), Ordering::Release);
        match event {
            None => {}
            Some(Event::Stepped { by_ms }) => tracing::error!(
                by_ms,
                "the clock was set: time goes on without it until it is back, or has run evenly \
                 for a minute; nothing is dated or forgotten"
            ),
            Some(Event::Returned) => tracing::warn!("the clock is back where it was"),
            Some(Event::Adopted { by_ms }) => tracing::warn!(
                by_ms,
                "the clock has run evenly since it was set: time goes on by it; nothing is \
                 forgotten before it has done so for an hour"
            ),
        }
        (reading, guard)
    }

    // What a panic leaves is whole: numbers, set one by one.
    fn guard(&self) -> MutexGuard<'_, ClockGuard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TimeSource {
    fn reading(&self) -> Reading {
        match self {
            Self::System => Reading { wall: system_now(), steady_ms: steady_ms() },
            Self::Manual(ms) => {
                Reading { wall: Timestamp(ms.load(Ordering::SeqCst)), steady_ms: 0 }
            }
            Self::Simulated { timetable, started_ms, .. } => {
                // It never runs unevenly: its hours are its own.
                let (wall, _) = timetable.after(since(*started_ms));
                Reading { wall, steady_ms: wall.ms_since(timetable.start()) }
            }
        }
    }
}

fn system_now() -> Timestamp {
    let ms = |since: std::time::Duration| i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    Timestamp(match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since_1970) => ms(since_1970),
        Err(before_1970) => -ms(before_1970.duration()),
    })
}

/// Milliseconds since some moment, by a clock that nobody sets and that goes on while the
/// machine sleeps.
#[cfg(target_os = "linux")]
fn steady_ms() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
}

/// Milliseconds since some moment, by a clock that nobody sets. It may stand while the
/// machine sleeps, which then looks like a step.
#[cfg(not(target_os = "linux"))]
fn steady_ms() -> i64 {
    static STARTED: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    i64::try_from(STARTED.elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// Nanoseconds by the same clock as [`steady_ms`].
#[cfg(target_os = "linux")]
fn steady_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// Nanoseconds by the same clock as [`steady_ms`].
#[cfg(not(target_os = "linux"))]
fn steady_ns() -> u64 {
    steady_ms().unsigned_abs() * 1_000_000
}

fn since(started_ms: i64) -> std::time::Duration {
    std::time::Duration::from_millis(steady_ms().saturating_sub(started_ms).unsigned_abs())
}
