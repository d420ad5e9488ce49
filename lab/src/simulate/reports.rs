//! The reports of a plan, one after the other as they come.
//!
//! Chance begins anew each minute from the seed and the minute: what comes in a minute
//! does not depend on where one began to look.

use super::crowd::Awake;
use super::draw::{chance, normal, poisson, wait};
use super::homes::{Homes, RURAL};
use super::mix::{Mood, accuracy_m, symptom};
use super::plan::{Part, Plan, PlannedSurge};
use super::report::Report;
use super::week;
use fastrand::Rng;
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{HOUR_MS, MINUTE_MS, Minute, Timestamp};
use std::collections::BTreeMap;
use std::ops::Range;

/// Nobody reports later than this: within what a server with the default lateness takes.
/// It bounds how many reports wait to come.
pub const MOST_DELAY_MS: i64 = 40 * HOUR_MS;
/// So many of the reporters report again, most within minutes and some after hours.
/// Fitted, as is all that follows.
const AGAIN: f64 = 0.06;
const AGAIN_SOON: f64 = 0.7;
const AGAIN_SOON_MS: f64 = 8.0 * MINUTE_MS as f64;
const AGAIN_LATER_MS: Range<i64> = 2 * HOUR_MS..5 * HOUR_MS;
/// From noticing to a report that comes in time.
const NOTICED_MS: f64 = 25_000.0;
const MOST_NOTICED_MS: f64 = 4.0 * MINUTE_MS as f64;
/// Of quiet reports, how many come late, and how late.
const LATE_QUIET: f64 = 0.03;
const LATE_QUIET_MS: Range<i64> = 6 * MINUTE_MS..HOUR_MS;
/// Of those who cannot report, half find a network of another kind, about so long after;
/// the others wait for the service.
const FINDS_ANOTHER: f64 = 0.5;
const FOUND_AFTER_MS: f64 = 40.0 * MINUTE_MS as f64;
const FOUND_SPREAD: f64 = 0.9;
/// A short return of service reaches so many of those who wait; and once it is there a
/// phone reports after some time.
const REACHED_BY_RETURN: f64 = 0.3;
const SENT_AFTER_MS: f64 = 45.0 * MINUTE_MS as f64;

/// The reports of a plan received within an interval, in that order.
#[derive(Debug)]
pub struct Reports<'a> {
    plan: &'a Plan,
    received: Range<Timestamp>,
    homes: Homes,
    /// The next minute whose reporters are to be drawn.
    minute: Minute,
    /// Drawn, not come yet. A number keeps those of one instant apart.
    waiting: BTreeMap<(Timestamp, u64), Report>,
    drawn: u64,
    /// Who is awake, by brand and part, then by surge and part; for one step of the
    /// week's shape.
    awake: Vec<Vec<Awake>>,
    awake_at: Option<i64>,
}

/// What the reports of one draw have in common.
#[derive(Clone, Copy)]
struct Source<'a> {
    provider: &'static str,
    trade: super::scenario::Trade,
    mood: Mood,
    part: &'a Part,
    awake: &'a Awake,
}

impl Plan {
    /// Its reports received within an interval, in that order.
    #[must_use]
    pub fn reports(&self, received: Range<Timestamp>) -> Reports<'_> {
        Reports {
            minute: received.start.plus_ms(-MOST_DELAY_MS).minute(),
            plan: self,
            received,
            homes: Homes::new(),
            waiting: BTreeMap::new(),
            drawn: 0,
            awake: Vec::new(),
            awake_at: None,
        }
    }
}

impl Iterator for Reports<'_> {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        loop {
            let next =
                self.waiting.first_entry().filter(|entry| entry.key().0 < self.minute.start());
            match next.map(std::collections::btree_map::OccupiedEntry::remove) {
                Some(report) if report.received_at >= self.received.end => return None,
                Some(report) if report.received_at >= self.received.start => return Some(report),
                Some(_) => {}
                None if self.minute.start() >= self.received.end => return None,
                None => self.draw_minute(),
            }
        }
    }
}

impl Reports<'_> {
    /// Draws who notices in the next minute.
    fn draw_minute(&mut self) {
        let (plan, at) = (self.plan, self.minute.start());
        self.look_who_is_awake(at);
        let awake = std::mem::take(&mut self.awake);
        let mut rng = chance(plan.seed, at.minute().0 as u64);
        for (brand, awake) in plan.brands.iter().zip(&awake) {
            for (part, awake) in brand.parts.iter().zip(awake) {
                let source = Source {
                    provider: brand.id,
                    trade: brand.trade,
                    mood: Mood::Quiet,
                    part,
                    awake,
                };
                let mean = brand.per_minute * part.share * awake.level;
                self.draw_in_time(source, mean, at, &mut rng);
            }
        }
        for (surge, awake) in plan.surges.iter().zip(&awake[plan.brands.len()..]) {
            for (part, awake) in surge.parts.iter().zip(awake) {
                self.draw_surge(surge, part, awake, &mut rng);
            }
        }
        self.awake = awake;
        self.minute = self.minute.plus(1);
    }

    fn draw_surge(&mut self, surge: &PlannedSurge, part: &Part, awake: &Awake, rng: &mut Rng) {
        let (at, middle) = (self.minute.start(), self.minute.start().plus_ms(MINUTE_MS / 2));
        let mood = if surge.surge.is_outage() { Mood::Outage } else { Mood::Collateral };
        let source =
            Source { provider: surge.surge.provider, trade: surge.trade, mood, part, awake };
        let mean = surge.per_minute(part, middle);
        self.draw_in_time(source, mean, at.max(surge.curve.begins()), rng);
        for _ in 0..poisson(rng, surge.surge.late_share * mean) {
            let noticed = at.plus_ms(rng.i64(0..MINUTE_MS));
            let comes = comes_late(surge, part, noticed, rng);
            if let Some(received) =
                comes.filter(|received| received.ms_since(noticed) < MOST_DELAY_MS)
            {
                let report = self.report(source, noticed, received, rng);
                self.wait(report);
            }
        }
        for _ in 0..poisson(rng, surge.working_per_minute(part, middle)) {
            let received = at.plus_ms(rng.i64(0..MINUTE_MS));
            let report = self.report(source, received, received, rng);
            self.wait(Report { symptom: Symptom::Working, ..report });
        }
    }

    /// Draws those who report at once, and some of them again.
    fn draw_in_time(&mut self, source: Source<'_>, mean: f64, since: Timestamp, rng: &mut Rng) {
        let at = self.minute.start();
        for _ in 0..poisson(rng, mean / (1.0 + AGAIN)) {
            let received = at.plus_ms(rng.i64(0..MINUTE_MS));
            let is_late = source.mood == Mood::Quiet && rng.f64() < LATE_QUIET;
            let delay_ms = if is_late {
                rng.i64(LATE_QUIET_MS)
            } else {
                wait(rng, NOTICED_MS).min(MOST_NOTICED_MS) as i64
            };
            let noticed = received.plus_ms(-delay_ms);
            let noticed =
                if source.mood == Mood::Quiet { noticed } else { noticed.max(since).min(received) };
            let report = self.report(source, noticed, received, rng);
            self.wait(report);
            if rng.f64() < AGAIN {
                let soon = rng.f64() < AGAIN_SOON;
                let after_ms = if soon {
                    wait(rng, AGAIN_SOON_MS).min(HOUR_MS as f64) as i64
                } else {
                    rng.i64(AGAIN_LATER_MS)
                };
                let again = received.plus_ms(after_ms);
                self.wait(Report {
                    received_at: again,
                    observed_at: again.plus_ms(-5_000),
                    ..report
                });
            }
        }
    }

    fn report(
        &self,
        source: Source<'_>,
        observed_at: Timestamp,
        received_at: Timestamp,
        rng: &mut Rng,
    ) -> Report {
        let is_rural = rng.f64() < RURAL;
        let crowd = &source.part.crowd;
        let city = if is_rural {
            crowd.any_city(source.awake, rng)
        } else {
            crowd.city(source.awake, rng)
        };
        let accuracy_m = accuracy_m(rng);
        Report {
            received_at,
            observed_at,
            provider: source.provider,
            symptom: symptom(source.trade, source.mood, rng),
            position: self.homes.stand(city, is_rural, accuracy_m, rng),
            accuracy_m,
            reporter: rng.u64(..),
        }
    }

    fn wait(&mut self, report: Report) {
        self.waiting.insert((report.received_at, self.drawn), report);
        self.drawn += 1;
    }

    fn look_who_is_awake(&mut self, at: Timestamp) {
        let step = at.0.div_euclid(week::STEP_MS);
        if self.awake_at == Some(step) {
            return;
        }
        let middle = Timestamp(step * week::STEP_MS + week::STEP_MS / 2);
        let of_brands = self.plan.brands.iter().map(|brand| (&brand.parts, true));
        // Of a surge only while it lasts: it may begin or end within the step.
        let of_surges = self.plan.surges.iter().map(|surge| {
            (&surge.parts, surge.overlaps(Timestamp(step * week::STEP_MS), week::STEP_MS))
        });
        let awake = |part: &Part, is_on: bool| {
            if is_on { part.crowd.awake(middle) } else { Awake::default() }
        };
        self.awake = of_brands
            .chain(of_surges)
            .map(|(parts, is_on)| parts.iter().map(|part| awake(part, is_on)).collect())
            .collect();
        self.awake_at = Some(step);
    }
}

/// When somebody who noticed and could not report at once does; never, where no network
/// is found.
fn comes_late(
    surge: &PlannedSurge,
    part: &Part,
    noticed: Timestamp,
    rng: &mut Rng,
) -> Option<Timestamp> {
    let mut returns: Vec<Timestamp> = surge.returns_after(part, noticed).collect();
    let last = returns.pop();
    if rng.f64() < FINDS_ANOTHER || last.is_none() {
        let after_ms = FOUND_AFTER_MS * (FOUND_SPREAD * normal(rng)).exp();
        return Some(noticed.plus_ms(after_ms.max(LATE_QUIET_MS.start as f64) as i64));
    }
    let back = returns.into_iter().find(|_| rng.f64() < REACHED_BY_RETURN).or(last)?;
    Some(back.plus_ms(wait(rng, SENT_AFTER_MS) as i64).max(noticed.plus_ms(LATE_QUIET_MS.start)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::homes::km_between;
    use crate::simulate::scenario::{ALL, Scenario, instant};
    use groundswell::domain::time::{DEFAULT_LATENESS_MS, ON_TIME_MS};
    use groundswell::gazetteer::{City, cities};

    fn rogers(seed: u64) -> Plan {
        Plan::new(ALL[0], seed, 0.01)
    }

    fn morning() -> Range<Timestamp> {
        instant("2022-07-08T08:00:00Z")..instant("2022-07-08T12:00:00Z")
    }

    #[test]
    fn the_same_seed_gives_the_same_reports_and_another_gives_others() {
        let lines = |seed| {
            rogers(seed).reports(morning()).map(|report| report.file_line()).collect::<Vec<_>>()
        };
        let first = lines(1);
        assert!(first.len() > 500 && first == lines(1) && first != lines(2), "{}", first.len());
    }

    #[test]
    fn what_comes_does_not_depend_on_where_one_begins_to_look() {
        let plan = rogers(1);
        let Range { start, end } = morning();
        let later = start.plus_ms(HOUR_MS);
        let whole: Vec<Report> =
            plan.reports(start..end).filter(|report| report.received_at >= later).collect();
        assert!(whole.len() > 500 && plan.reports(later..end).eq(whole.iter().copied()));
    }

    #[test]
    fn they_come_in_order_and_soon_enough_to_be_taken() {
        let plan = rogers(3);
        let whole: Vec<Report> =
            plan.reports(plan.scenario.from()..plan.scenario.until()).collect();
        assert!(whole.is_sorted_by_key(|report| report.received_at));
        let delays: Vec<i64> =
            whole.iter().map(|report| report.received_at.ms_since(report.observed_at)).collect();
        assert!(delays.iter().all(|delay| (0..DEFAULT_LATENESS_MS).contains(delay)));
        let back = instant("2022-07-09T00:05:00Z");
        let late_in_hour = |from: Timestamp| {
            let of_hour = whole
                .iter()
                .zip(&delays)
                .filter(|(report, _)| (0..HOUR_MS).contains(&report.received_at.ms_since(from)));
            of_hour.filter(|(_, delay)| **delay > 2 * HOUR_MS).count()
        };
        let (before, after) = (late_in_hour(back.plus_ms(-5 * HOUR_MS)), late_in_hour(back));
        assert!(
            after > 3 * before && after > 100,
            "phones that are back report what they could not: {before} an hour, then {after}"
        );
        let again = whole
            .iter()
            .filter(|report| report.symptom == Symptom::Working)
            .filter(|report| report.received_at > back)
            .count();
        assert!(again > 20, "{again} say that it works again");
    }

    #[test]
    fn nobody_reports_the_outage_before_it() {
        let plan = Plan::new(ALL[0], 1, 1.0);
        let begins = instant("2022-07-08T08:44:00Z");
        let counted = |from: Timestamp| {
            let range = from..from.plus_ms(10 * MINUTE_MS);
            plan.reports(range)
                .filter(|report| {
                    report.provider == "rogers"
                        && report.received_at.ms_since(report.observed_at) < ON_TIME_MS
                })
                .count()
        };
        let (before, after) = (counted(begins.plus_ms(-10 * MINUTE_MS)), counted(begins));
        assert!(before < 20 && after > 100, "{before}, then {after}");
    }

    #[test]
    fn neighbours_of_r7_are_blamed_as_often_as_on_record() {
        for name in ["tmobile-2020", "vodafone-uk-2020"] {
            let plan = Plan::new(Scenario::by_name(name).unwrap(), 1, 1.0);
            let around =
                |at: &str, minutes: f64| instant(at).plus_ms((minutes * MINUTE_MS as f64) as i64);
            let first =
                plan.scenario.counts.iter().map(|count| around(count.at, -7.5)).min().unwrap();
            let last =
                plan.scenario.counts.iter().map(|count| around(count.at, 7.5)).max().unwrap();
            let in_time =
                |report: &Report| report.received_at.ms_since(report.observed_at) <= ON_TIME_MS;
            let reports: Vec<Report> = plan.reports(first..last).filter(in_time).collect();
            for count in plan.scenario.counts {
                let window = around(count.at, -7.5)..around(count.at, 7.5);
                let counted = |report: &&Report| {
                    report.provider == count.provider && window.contains(&report.received_at)
                };
                let got = reports.iter().filter(counted).count() as f64;
                assert!(
                    (got / count.reports - 1.0).abs() < 0.1,
                    "{name}: {got} of {}, {} on record",
                    count.provider,
                    count.reports
                );
            }
        }
    }

    #[test]
    fn everybody_stands_in_a_country_of_the_scenario() {
        for (name, country) in [
            ("rogers-2022", "CA"),
            ("optus-2023", "AU"),
            ("vodafone-uk-2020", "GB"),
            ("att-2024", "US"),
        ] {
            let plan = Plan::new(Scenario::by_name(name).unwrap(), 1, 0.005);
            let some: Vec<Report> =
                plan.reports(plan.scenario.from()..plan.scenario.until()).step_by(37).collect();
            assert!(some.len() > 5, "{name}: {}", some.len());
            for report in some {
                let km = |city: &&City| km_between(report.position, city.position);
                let nearest = cities().iter().min_by(|a, b| km(a).total_cmp(&km(b))).unwrap();
                assert_eq!(nearest.country, country, "{name}: {report:?}");
            }
        }
    }
}
