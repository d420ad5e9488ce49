//! Whether a wall clock can be believed: compared, reading by reading, with a steady
//! clock that nobody sets, with the newest fact, and with the store's own clock. Pure: it
//! is given readings and asks no clock.
//!
//! A wall clock that is *stepped* (set by more than [`STEP_MS`] at once) is in doubt, and
//! time goes on by the steady clock: a *holdover*. It ends once the wall clock returns,
//! or has run evenly at its new place for [`Probation::dates_after_ms`].

use super::time::{CLOCK_TOLERANCE_MS, HOUR_MS, MINUTE_MS, Minute, Timestamp};
use std::fmt;

/// A wall clock that moved against the steady one by more than this was set. Network time
/// moves a clock in small steps, and corrects slowly what is below 128 ms (RFC 5905); ten
/// seconds are far above both.
pub const STEP_MS: i64 = 10_000;
/// A wall clock further from the store's own is in doubt: nodes of one store must agree
/// on the minute.
pub const APART_MS: i64 = 2_000;
/// The offset follows the wall clock by at most one part in ten of the time that passed:
/// chrony slews by up to a twelfth.
const SLEW_PART: i64 = 10;

/// What both clocks showed at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock.
    pub wall: Timestamp,
    /// The steady clock: milliseconds since some moment, in which the machine may have
    /// slept.
    pub steady_ms: i64,
}

/// How long a clock must run evenly, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probation {
    /// From a step on, before reports are dated by it again: a minute.
    pub dates_after_ms: i64,
    /// From a start or a step on, before anything is forgotten by it: an hour.
    pub forgets_after_ms: i64,
}

impl Default for Probation {
    fn default() -> Self {
        Self { dates_after_ms: MINUTE_MS, forgets_after_ms: HOUR_MS }
    }
}

/// How far a clock is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Reports are dated by it, and what is old by it is forgotten.
    Confirmed,
    /// Reports are dated by it. Nothing is forgotten before it has run evenly for so much
    /// longer.
    Probation {
        /// Milliseconds.
        left_ms: i64,
    },
    /// Neither.
    Doubted(Doubt),
}

/// What speaks against a clock. Each message says both times and the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It was set while we ran.
    Stepped {
        /// Milliseconds forward, or back where negative.
        by_ms: i64,
    },
    /// It lies before the newest fact.
    BeforeNewest {
        /// What it shows.
        clock: Timestamp,
        /// The newest fact's minute.
        newest: Minute,
    },
    /// It shows a time of which no store keeps facts.
    CannotBeKept {
        /// What it shows.
        clock: Timestamp,
    },
    /// The store's own clock shows another time.
    ApartFromStore {
        /// Milliseconds by which the wall clock is ahead of the store's; behind where
        /// negative.
        by_ms: i64,
    },
}

/// What a reading showed that was not known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The wall clock was set. Time goes on by the steady one.
    Stepped {
        /// Milliseconds forward, or back where negative.
        by_ms: i64,
    },
    /// It shows again what the steady clock says.
    Returned,
    /// It ran evenly at its new place, and is believed from now on: time itself was set.
    Adopted {
        /// Milliseconds forward, or back where negative.
        by_ms: i64,
    },
}

/// What is known of the store's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreClock {
    /// It has none but ours.
    None,
    /// It was not asked yet, or did not answer.
    Unknown,
    /// The wall clock is so many milliseconds ahead of it; behind where negative.
    Ahead(i64),
}

/// The state of one clock.
#[derive(Debug, Clone)]
pub struct ClockGuard {
    probation: Probation,
    /// What the wall clock is believed to be ahead of the steady one, in milliseconds.
    offset_ms: i64,
    /// The last reading, on the steady clock.
    looked_at_ms: i64,
    /// Since when nothing spoke against it, on the steady clock.
    even_since_ms: i64,
    /// Whether the operator says that it is right.
    vouched: bool,
    step: Option<Step>,
    /// The newest fact, of before the start or dated since.
    newest: Option<Minute>,
    store: StoreClock,
    steps: u64,
    adoptions: u64,
}

/// A wall clock that was set, and where it has been since.
#[derive(Debug, Clone, Copy)]
struct Step {
    offset_ms: i64,
    since_ms: i64,
}

impl ClockGuard {
    /// A guard of a clock that shows this at a start.
    #[must_use]
    pub const fn new(reading: Reading, probation: Probation) -> Self {
        Self {
            probation,
            offset_ms: reading.wall.0.saturating_sub(reading.steady_ms),
            looked_at_ms: reading.steady_ms,
            even_since_ms: reading.steady_ms,
            vouched: false,
            step: None,
            newest: None,
            store: StoreClock::None,
            steps: 0,
            adoptions: 0,
        }
    }

    /// The time at a reading: what the wall clock shows, or in a holdover what it would
    /// show had nobody set it.
    #[must_use]
    pub const fn now(&self, reading: Reading) -> Timestamp {
        match self.step {
            None => reading.wall,
            Some(_) => Timestamp(self.offset_ms.saturating_add(reading.steady_ms)),
        }
    }

    /// Takes a reading, and says what is new. The more readings, the smaller the steps
    /// that show.
    pub fn look(&mut self, reading: Reading) -> Option<Event> {
        let most_ms = reading.steady_ms.saturating_sub(self.looked_at_ms).max(0) / SLEW_PART;
        // What is too little to follow counts with the next look.
        self.looked_at_ms = self.looked_at_ms.saturating_add(most_ms * SLEW_PART);
        let by_ms = ahead_ms(reading, self.offset_ms);
        if by_ms.saturating_abs() <= STEP_MS {
            self.offset_ms += by_ms.clamp(-most_ms, most_ms);
            let returned = self.step.take().map(|_| Event::Returned);
            if returned.is_some() {
                self.begin_probation(reading.steady_ms);
            }
            return returned;
        }
        let Some(step) =
            self.step.filter(|step| ahead_ms(reading, step.offset_ms).saturating_abs() <= STEP_MS)
        else {
            let was_even = self.step.is_none();
            self.step = Some(Step {
                offset_ms: self.offset_ms.saturating_add(by_ms),
                since_ms: reading.steady_ms,
            });
            self.steps += 1;
            // One that is set again and again is told of once.
            return was_even.then_some(Event::Stepped { by_ms });
        };
        let has_settled =
            self.probation.dates_after_ms <= reading.steady_ms.saturating_sub(step.since_ms);
        if !has_settled || !self.agrees_with_store() {
            return None;
        }
        (self.offset_ms, self.step) = (reading.wall.0.saturating_sub(reading.steady_ms), None);
        self.adoptions += 1;
        self.begin_probation(reading.steady_ms);
        Some(Event::Adopted { by_ms })
    }

    /// How far the clock is believed at a reading that was looked at.
    #[must_use]
    pub fn trust(&self, reading: Reading) -> Trust {
        if let Some(step) = self.step {
            return Trust::Doubted(Doubt::Stepped {
                by_ms: step.offset_ms.saturating_sub(self.offset_ms),
            });
        }
        if let StoreClock::Ahead(by_ms) = self.store
            && APART_MS < by_ms.saturating_abs()
        {
            return Trust::Doubted(Doubt::ApartFromStore { by_ms });
        }
        let clock = self.now(reading);
        if !clock.minute().can_be_kept() {
            return Trust::Doubted(Doubt::CannotBeKept { clock });
        }
        if let Some(newest) =
            self.newest.filter(|newest| clock.plus_ms(CLOCK_TOLERANCE_MS) < newest.start())
        {
            return Trust::Doubted(Doubt::BeforeNewest { clock, newest });
        }
        let left_ms =
            self.probation.forgets_after_ms - reading.steady_ms.saturating_sub(self.even_since_ms);
        if self.store == StoreClock::Unknown {
            return Trust::Probation { left_ms: left_ms.max(1) };
        }
        if self.vouched || left_ms <= 0 { Trust::Confirmed } else { Trust::Probation { left_ms } }
    }

    /// The operator says that the clock is right: it is confirmed at once, until it is
    /// set.
    pub const fn vouch(&mut self) {
        self.vouched = true;
    }

    /// There is a fact of this minute.
    pub fn knows_fact(&mut self, minute: Minute) {
        self.newest = self.newest.max(Some(minute));
    }

    /// Facts after this moment were dated by a clock that was wrong: none of them is the
    /// newest.
    pub fn forget_future(&mut self, now: Timestamp) {
        self.newest =
            self.newest.filter(|newest| newest.start() <= now.plus_ms(CLOCK_TOLERANCE_MS));
    }

    /// The store's clock was asked. As long as it is apart, the hour does not begin; one
    /// that was apart stays so until the store says otherwise.
    pub const fn compare(&mut self, reading: Reading, store: StoreClock) {
        if !(self.is_apart() && matches!(store, StoreClock::Unknown)) {
            self.store = store;
        }
        if self.is_apart() {
            self.even_since_ms = reading.steady_ms;
        }
    }

    /// How often the wall clock was set.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// How often time itself was set: whoever counts on it going on must begin anew with
    /// each.
    #[must_use]
    pub const fn adoptions(&self) -> u64 {
        self.adoptions
    }

    /// Whether time goes on by the steady clock.
    #[must_use]
    pub const fn is_in_holdover(&self) -> bool {
        self.step.is_some()
    }

    /// What the wall clock is believed to be ahead of the steady one, in milliseconds.
    #[must_use]
    pub const fn offset_ms(&self) -> i64 {
        self.offset_ms
    }

    const fn agrees_with_store(&self) -> bool {
        !matches!(self.store, StoreClock::Unknown) && !self.is_apart()
    }

    const fn is_apart(&self) -> bool {
        matches!(self.store, StoreClock::Ahead(by_ms) if APART_MS < by_ms.saturating_abs())
    }

    const fn begin_probation(&mut self, steady_ms: i64) {
        (self.even_since_ms, self.vouched) = (steady_ms, false);
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stepped { by_ms } => {
                let (s, way) =
                    (by_ms.unsigned_abs() / 1_000, if *by_ms < 0 { "back" } else { "forward" });
                write!(
                    f,
                    "the clock was set {way} by {s} s: it is believed once it is back, or has run \
                     evenly for a minute"
                )
            }
            Self::BeforeNewest { clock, newest } => {
                let newest = newest.start();
                write!(
                    f,
                    "the clock shows {clock}, but the newest report is of {newest}: set the \
                     clock, or start with --trust-clock if it is right"
                )
            }
            Self::CannotBeKept { clock } => {
                write!(f, "the clock shows {clock}, and facts are kept from 1970 on: set the clock")
            }
            Self::ApartFromStore { by_ms } => {
                let ms = by_ms.unsigned_abs();
                write!(
                    f,
                    "this node's clock and Redis' are {ms} ms apart, more than {APART_MS}: let \
                     NTP set both"
                )
            }
        }
    }
}

impl Trust {
    /// Whether reports may be dated by the clock.
    #[must_use]
    pub const fn dates(self) -> bool {
        !matches!(self, Self::Doubted(_))
    }

    /// Whether what is old by the clock may be forgotten.
    #[must_use]
    pub const fn forgets(self) -> bool {
        matches!(self, Self::Confirmed)
    }
}

/// Milliseconds by which the wall clock is ahead of an offset from the steady one.
const fn ahead_ms(reading: Reading, offset_ms: i64) -> i64 {
    reading.wall.0.saturating_sub(offset_ms.saturating_add(reading.steady_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: i64 = 1_700_000_000_000;
    const DAY_MS: i64 = 24 * HOUR_MS;
    const PROBATION: Probation = Probation { dates_after_ms: MINUTE_MS, forgets_after_ms: HOUR_MS };
    const SETTLED_AFTER_MS: i64 = PROBATION.dates_after_ms;

    /// A wall clock that a test sets, beside a steady one that it cannot.
    struct Bench {
        guard: ClockGuard,
        steady_ms: i64,
        set_by_ms: i64,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                guard: ClockGuard::new(Reading { wall: Timestamp(T0), steady_ms: 0 }, PROBATION),
                steady_ms: 0,
                set_by_ms: 0,
            }
        }

        fn reading(&self) -> Reading {
            Reading {
                wall: Timestamp(T0.saturating_add(self.steady_ms).saturating_add(self.set_by_ms)),
                steady_ms: self.steady_ms,
            }
        }

        /// So much time passes, with a look each second; what the looks showed.
        fn pass(&mut self, ms: i64) -> Vec<Event> {
            let mut events = Vec::new();
            for _ in 0..ms / 1_000 {
                self.steady_ms += 1_000;
                events.extend(self.guard.look(self.reading()));
            }
            events
        }

        fn set_by(&mut self, ms: i64) -> Vec<Event> {
            self.set_by_ms += ms;
            self.guard.look(self.reading()).into_iter().collect()
        }

        fn trust(&self) -> Trust {
            self.guard.trust(self.reading())
        }

        fn now_ms(&self) -> i64 {
            self.guard.now(self.reading()).0 - T0
        }
    }

    #[test]
    fn a_clock_is_confirmed_once_it_has_run_evenly_for_an_hour() {
        let mut bench = Bench::new();
        assert_eq!(bench.trust(), Trust::Probation { left_ms: HOUR_MS });
        assert_eq!(bench.pass(HOUR_MS - 1_000), []);
        assert!(bench.trust().dates() && !bench.trust().forgets());
        assert_eq!(bench.pass(1_000), []);
        assert_eq!(bench.trust(), Trust::Confirmed);
    }

    #[test]
    fn a_clock_that_the_operator_vouches_for_is_confirmed_until_it_is_set() {
        let mut bench = Bench::new();
        bench.guard.vouch();
        assert_eq!(bench.trust(), Trust::Confirmed);
        bench.set_by(DAY_MS);
        assert!(!bench.trust().dates());
        bench.pass(2 * SETTLED_AFTER_MS);
        assert!(bench.trust().dates() && !bench.trust().forgets());
    }

    #[test]
    fn while_a_clock_is_set_elsewhere_time_goes_on_as_if_it_were_not() {
        for by_ms in [
            STEP_MS + 1,
            -STEP_MS - 1,
            15 * DAY_MS,
            -15 * DAY_MS,
            400 * 365 * DAY_MS,
            -T0,
            i64::MAX / 2,
            i64::MIN / 2,
        ] {
            let mut bench = Bench::new();
            bench.pass(2 * HOUR_MS);
            assert_eq!(bench.trust(), Trust::Confirmed);
            assert_eq!(bench.set_by(by_ms), [Event::Stepped { by_ms }]);
            assert_eq!(bench.trust(), Trust::Doubted(Doubt::Stepped { by_ms }));
            assert_eq!(bench.pass(5_000), [], "it is told of once");
            assert_eq!(bench.now_ms(), 2 * HOUR_MS + 5_000);
            assert_eq!(bench.set_by(-by_ms), [Event::Returned]);
            assert_eq!(bench.trust(), Trust::Probation { left_ms: HOUR_MS });
            assert_eq!((bench.now_ms(), bench.guard.adoptions()), (2 * HOUR_MS + 5_000, 0));
        }
    }

    #[test]
    fn a_clock_that_stays_where_it_was_set_is_believed_after_a_minute_and_forgets_after_an_hour() {
        for by_ms in [-600_000, 15 * DAY_MS] {
            let mut bench = Bench::new();
            bench.set_by(by_ms);
            assert_eq!(bench.pass(SETTLED_AFTER_MS - 1_000), []);
            assert!(!bench.trust().dates());
            assert_eq!(bench.pass(1_000), [Event::Adopted { by_ms }]);
            assert_eq!(bench.now_ms(), SETTLED_AFTER_MS + by_ms);
            assert_eq!(bench.trust(), Trust::Probation { left_ms: HOUR_MS });
            bench.pass(HOUR_MS);
            assert_eq!(bench.trust(), Trust::Confirmed);
        }
    }

    #[test]
    fn a_clock_that_is_set_again_and_again_is_told_of_once_and_never_believed() {
        let mut bench = Bench::new();
        let mut events = Vec::new();
        for _ in 0..1_000 {
            events.extend(bench.set_by(HOUR_MS));
            events.extend(bench.pass(SETTLED_AFTER_MS / 2));
        }
        assert_eq!(events, [Event::Stepped { by_ms: HOUR_MS }]);
        assert_eq!((bench.now_ms(), bench.guard.steps()), (1_000 * SETTLED_AFTER_MS / 2, 1_000));
    }

    #[test]
    fn small_steps_and_slewing_are_followed() {
        let mut bench = Bench::new();
        for _ in 0..1_000 {
            assert_eq!(bench.set_by(83), [], "chrony at its fastest");
            assert_eq!(bench.pass(1_000), []);
        }
        assert_eq!(bench.set_by(STEP_MS), []);
        bench.pass(HOUR_MS);
        assert_eq!((bench.trust(), bench.guard.steps()), (Trust::Confirmed, 0));
    }

    #[test]
    fn a_small_step_is_followed_however_often_somebody_looks() {
        let mut bench = Bench::new();
        for set_by_ms in [6_000, 5_000] {
            assert_eq!(bench.set_by(set_by_ms), []);
            for _ in 0..60_000 {
                bench.steady_ms += 1;
                assert_eq!(bench.guard.look(bench.reading()), None);
            }
        }
    }

    #[test]
    fn a_clock_that_runs_at_another_pace_is_not_even() {
        let mut bench = Bench::new();
        let events: Vec<Event> =
            (0..3_600).flat_map(|_| [bench.pass(1_000), bench.set_by(1_000)].concat()).collect();
        assert!(matches!(events[..], [Event::Stepped { .. }]), "{events:?}");
        assert!(!bench.trust().dates());
    }

    #[test]
    fn a_clock_before_the_newest_fact_dates_nothing_until_it_gets_there() {
        let newest = Timestamp(T0 + 10 * MINUTE_MS).minute();
        let ahead_ms = newest.start().0 - T0;
        let mut bench = Bench::new();
        bench.guard.knows_fact(newest);
        assert_eq!(
            bench.trust(),
            Trust::Doubted(Doubt::BeforeNewest { clock: Timestamp(T0), newest })
        );
        bench.pass(ahead_ms - CLOCK_TOLERANCE_MS + 1_000);
        assert!(bench.trust().dates());
        let mut bench = Bench::new();
        bench.guard.knows_fact(newest);
        bench.guard.forget_future(Timestamp(T0));
        assert!(bench.trust().dates());
    }

    #[test]
    fn a_clock_that_shows_what_no_store_has_room_for_dates_nothing() {
        for (clock, dates) in [
            (0, true),
            (-1, false),
            (i64::from(u32::MAX) * MINUTE_MS, true),
            (i64::MAX, false),
            (i64::MIN, false),
        ] {
            let reading = Reading { wall: Timestamp(clock), steady_ms: 0 };
            assert_eq!(
                ClockGuard::new(reading, PROBATION).trust(reading).dates(),
                dates,
                "{clock}"
            );
        }
    }

    #[test]
    fn a_clock_that_is_apart_from_the_stores_dates_and_forgets_nothing() {
        for by_ms in [APART_MS + 1, -APART_MS - 1, i64::MIN] {
            let mut bench = Bench::new();
            bench.pass(2 * HOUR_MS);
            bench.guard.compare(bench.reading(), StoreClock::Ahead(by_ms));
            assert_eq!(bench.trust(), Trust::Doubted(Doubt::ApartFromStore { by_ms }));
            bench.guard.compare(bench.reading(), StoreClock::Unknown);
            assert!(
                !bench.trust().dates(),
                "a store that does not answer has not changed its mind"
            );
            bench.guard.compare(bench.reading(), StoreClock::Ahead(-APART_MS));
            assert_eq!(bench.trust(), Trust::Probation { left_ms: HOUR_MS });
        }
    }

    #[test]
    fn beside_a_store_with_a_clock_only_what_agrees_with_it_is_believed() {
        let mut bench = Bench::new();
        bench.guard.compare(bench.reading(), StoreClock::Ahead(0));
        bench.set_by(15 * DAY_MS);
        bench.guard.compare(bench.reading(), StoreClock::Ahead(15 * DAY_MS));
        assert_eq!(bench.pass(10 * SETTLED_AFTER_MS), []);
        bench.guard.compare(bench.reading(), StoreClock::Unknown);
        assert_eq!(bench.pass(10 * SETTLED_AFTER_MS), [], "nobody vouches for it");
        bench.guard.compare(bench.reading(), StoreClock::Ahead(0));
        assert_eq!(bench.pass(1_000), [Event::Adopted { by_ms: 15 * DAY_MS }]);
    }

    #[test]
    fn while_the_stores_clock_is_not_known_nothing_is_forgotten() {
        let mut bench = Bench::new();
        bench.guard.vouch();
        bench.guard.compare(bench.reading(), StoreClock::Unknown);
        assert!(bench.trust().dates() && !bench.trust().forgets());
    }
}
