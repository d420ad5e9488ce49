//! How much may be asked for in a while: the generic cell rate algorithm (GCRA, ITU-T
//! I.371, "virtual scheduling"). All that is kept of a caller is one number.

use std::sync::atomic::{AtomicU64, Ordering};

/// So many units in so long. As many may come at once, if none came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What one unit takes of the time, in nanoseconds.
    per_unit_ns: u64,
    /// In which time all units come back.
    period_ns: u64,
}

/// What is kept of a caller: the instant at which all of its units are back, in
/// nanoseconds of a clock that never runs backwards. 0 before the first.
pub type Schedule = u64;

/// The schedule of a caller whom many threads serve.
#[derive(Debug, Default)]
pub struct Meter(AtomicU64);

/// A caller must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// So many nanoseconds, until as much as was asked for would be granted.
    pub for_ns: u64,
}

impl Rate {
    /// `units` in each `period_ns`. No rate is slower than one unit.
    #[must_use]
    pub const fn new(units: u64, period_ns: u64) -> Self {
        let units = if units == 0 { 1 } else { units };
        let per_unit_ns = if period_ns < units { 1 } else { period_ns / units };
        Self { per_unit_ns, period_ns }
    }

    /// What each of so many nodes may grant, of what all may grant together. No share is
    /// smaller than one unit.
    #[must_use]
    pub fn shared_by(self, nodes: u32) -> Self {
        let per_unit_ns = self.per_unit_ns.saturating_mul(u64::from(nodes.max(1)));
        Self { per_unit_ns: per_unit_ns.min(self.period_ns), ..self }
    }

    /// The share of one among many who ask for a whole together: this rate, but at most half
    /// of the whole, in a while and at once.
    #[must_use]
    pub fn within_half_of(self, whole: Self) -> Self {
        let per_unit_ns = self.per_unit_ns.max(whole.per_unit_ns.saturating_mul(2));
        let at_once = self.capacity().min(whole.capacity() / 2).max(1);
        Self { per_unit_ns, period_ns: per_unit_ns.saturating_mul(at_once) }
    }

    /// In which time all units come back, in nanoseconds.
    #[must_use]
    pub const fn period_ns(self) -> u64 {
        self.period_ns
    }

    /// Units that may come at once.
    #[must_use]
    pub const fn capacity(self) -> u64 {
        self.period_ns / self.per_unit_ns
    }

    /// The schedule after so many units are granted now.
    ///
    /// More than the whole capacity is granted where all of it is there: the caller then
    /// owes the rest, and waits longer for the next.
    ///
    /// # Errors
    /// Where fewer are left.
    pub fn take(self, schedule: Schedule, now_ns: u64, units: u64) -> Result<Schedule, Wait> {
        let must_fit = units.min(self.capacity()) * self.per_unit_ns;
        let ends = schedule.max(now_ns).saturating_add(must_fit);
        match ends.checked_sub(now_ns + self.period_ns) {
            None | Some(0) => Ok(self.owe(schedule, now_ns, units)),
            Some(for_ns) => Err(Wait { for_ns }),
        }
    }

    /// The schedule after so many units are counted, whether they are left or not.
    #[must_use]
    pub fn owe(self, schedule: Schedule, now_ns: u64, units: u64) -> Schedule {
        schedule.max(now_ns).saturating_add(units.saturating_mul(self.per_unit_ns))
    }

    /// The schedule after so many units that were counted are given back.
    #[must_use]
    pub const fn give_back(self, schedule: Schedule, units: u64) -> Schedule {
        schedule.saturating_sub(units.saturating_mul(self.per_unit_ns))
    }

    /// Units that are left now.
    #[must_use]
    pub fn left(self, schedule: Schedule, now_ns: u64) -> u64 {
        (now_ns + self.period_ns).saturating_sub(schedule.max(now_ns)) / self.per_unit_ns
    }
}

impl Meter {
    /// Takes so many units, where they are left. Gives the schedule from then on.
    ///
    /// # Errors
    /// As [`Rate::take`].
    pub fn take(&self, rate: Rate, now_ns: u64, units: u64) -> Result<Schedule, Wait> {
        self.change(|schedule| rate.take(schedule, now_ns, units))
    }

    /// Counts so many units, whether they are left or not. Gives the schedule from then on.
    pub fn owe(&self, rate: Rate, now_ns: u64, units: u64) -> Schedule {
        self.change(|schedule| Ok(rate.owe(schedule, now_ns, units)))
            .unwrap_or_else(|Wait { .. }| self.schedule())
    }

    /// Gives so many units back that were counted.
    pub fn give_back(&self, rate: Rate, units: u64) {
        self.change(|schedule| Ok(rate.give_back(schedule, units))).unwrap_or_default();
    }

    /// The schedule.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        self.0.load(Ordering::Relaxed)
    }

    fn change(
        &self,
        change: impl Fn(Schedule) -> Result<Schedule, Wait>,
    ) -> Result<Schedule, Wait> {
        let mut seen = self.schedule();
        loop {
            let next = change(seen)?;
            match self.0.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(next),
                Err(by_another) => seen = by_another,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE_NS: u64 = 60_000_000_000;

    #[test]
    fn as_many_as_the_rate_come_at_once_and_then_one_by_one() {
        let rate = Rate::new(60, MINUTE_NS);
        let mut schedule = 0;
        for n in 0..60 {
            assert_eq!(rate.left(schedule, 7), 60 - n);
            schedule = rate.take(schedule, 7, 1).unwrap();
        }
        let second = MINUTE_NS / 60;
        assert_eq!(rate.take(schedule, 7, 1), Err(Wait { for_ns: second }));
        assert_eq!(rate.take(schedule, 7, 3), Err(Wait { for_ns: 3 * second }));
        assert!(rate.take(schedule, 7 + second, 1).is_ok());
    }

    #[test]
    fn more_than_the_capacity_is_granted_once_and_paid_for_afterwards() {
        let rate = Rate::new(60, MINUTE_NS);
        let schedule = rate.take(0, 0, 180).unwrap();
        assert_eq!(rate.take(schedule, 0, 1), Err(Wait { for_ns: 2 * MINUTE_NS + MINUTE_NS / 60 }));
        assert_eq!(rate.take(schedule, 0, 500), Err(Wait { for_ns: 3 * MINUTE_NS }));
        assert!(rate.take(schedule, 3 * MINUTE_NS, 60).is_ok());
    }

    #[test]
    fn what_is_owed_is_counted_though_nothing_is_left() {
        let rate = Rate::new(10, MINUTE_NS);
        let owed = rate.owe(rate.take(0, 0, 10).unwrap(), 0, 5);
        assert_eq!(rate.left(owed, 0), 0);
        assert_eq!(rate.take(owed, 0, 1), Err(Wait { for_ns: 6 * MINUTE_NS / 10 }));
    }

    #[test]
    fn nodes_grant_together_what_one_may_grant() {
        let rate = Rate::new(60, MINUTE_NS);
        assert_eq!([1, 2, 6].map(|nodes| rate.shared_by(nodes).capacity()), [60, 30, 10]);
        assert_eq!(rate.shared_by(0), rate, "one that knows of none is one itself");
        assert_eq!(rate.shared_by(1_000).capacity(), 1, "each grants something");
    }

    #[test]
    fn a_share_is_at_most_half_of_the_whole_in_a_while_and_at_once() {
        let second_ns = MINUTE_NS / 60;
        let own = Rate::new(6_000, MINUTE_NS);
        let rows = [(20_000, 6_000, 60_000), (1_000, 500, 5_000), (100, 50, 1_000), (1, 1, 2_000)];
        for (whole, at_once, period_ms) in rows {
            let share = own.within_half_of(Rate::new(whole, second_ns));
            assert_eq!((share.capacity(), share.period_ns() / 1_000_000), (at_once, period_ms));
        }
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_no_more() {
        let rate = Rate::new(10, MINUTE_NS);
        let meter = Meter::default();
        meter.take(rate, 7, 10).unwrap();
        meter.give_back(rate, 4);
        assert_eq!(rate.left(meter.schedule(), 7), 4);
        meter.give_back(rate, 100);
        assert_eq!(rate.left(meter.schedule(), 7), 10);
    }

    #[test]
    fn threads_that_take_at_once_get_no_more_than_there_is() {
        let (rate, meter) = (Rate::new(1_000, MINUTE_NS), Meter::default());
        let granted = || (0..500).filter(|_| meter.take(rate, 7, 1).is_ok()).count();
        let granted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(granted)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(granted, 1_000);
        let owed = meter.owe(rate, 7, 1);
        assert_eq!((owed, rate.left(meter.schedule(), 7)), (meter.schedule(), 0));
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_twice_the_rate_in_a_period_and_who_waits_is_served(
            units in 1_u64..2_000,
            asks in prop::collection::vec((0_u64..MINUTE_NS, 1_u64..50), 1..200),
        ) {
            let rate = Rate::new(units, MINUTE_NS);
            let (mut schedule, mut now, mut granted) = (0, 0, 0);
            for (later, asked) in asks {
                now += later / 100;
                let asked = asked.min(rate.capacity());
                match rate.take(schedule, now, asked) {
                    Ok(next) => (schedule, granted) = (next, granted + asked),
                    Err(wait) => {
                        prop_assert!(rate.take(schedule, now + wait.for_ns, asked).is_ok());
                        prop_assert!(rate.take(schedule, now + wait.for_ns - 1, asked).is_err());
                    }
                }
                let periods = now / MINUTE_NS + 2;
                prop_assert!(granted <= periods * rate.capacity());
            }
        }
    }
}
