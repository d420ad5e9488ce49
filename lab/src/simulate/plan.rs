//! A scenario made ready to be played: instants parsed, cities gathered, counts scaled to
//! the size of the crowd.

use super::crowd::Crowd;
use super::curve::Curve;
use super::scenario::{Area, Scenario, Surge, Trade, instant};
use groundswell::domain::time::{MINUTE_MS, Timestamp};
use std::ops::Range;

/// Counts on record are of 15 minutes.
const COUNTED_MINUTES: f64 = 15.0;
/// During a short return of service so much of the reports goes on: most find out too
/// late that it works. Fitted.
const FLAP_LEVEL: f64 = 0.4;
/// Where the service is back before it is back elsewhere, reports fade in about this
/// time. Fitted.
const FADES_WITHIN_MS: f64 = 25.0 * MINUTE_MS as f64;
/// Reports that it works again: against those of the outage, during a short return, and
/// right after the lasting one. Fitted.
const WORKING_IN_FLAP: f64 = 0.10;
const WORKING_ONCE_BACK: f64 = 0.06;
/// And how soon they fade. Fitted.
const WORKING_FADES_WITHIN_MS: f64 = 180.0 * MINUTE_MS as f64;

/// A scenario, ready to be played.
#[derive(Debug)]
pub struct Plan {
    /// Which.
    pub scenario: &'static Scenario,
    /// What chance begins with.
    pub seed: u64,
    /// How many of those whom the largest aggregator counted report to us.
    pub crowd: f64,
    pub(super) brands: Vec<PlannedBrand>,
    pub(super) surges: Vec<PlannedSurge>,
}

/// A brand on any day.
#[derive(Debug)]
pub(super) struct PlannedBrand {
    pub id: &'static str,
    pub trade: Trade,
    pub per_minute: f64,
    pub parts: Vec<Part>,
}

/// What an outage adds.
#[derive(Debug)]
pub(super) struct PlannedSurge {
    pub surge: &'static Surge,
    pub trade: Trade,
    pub curve: Curve,
    pub parts: Vec<Part>,
    pub flaps: Vec<Range<Timestamp>>,
    /// When the last area was back.
    last_back: Option<Timestamp>,
    crowd: f64,
}

/// An area's crowd, its share of the whole, and when its service was back.
#[derive(Debug)]
pub(super) struct Part {
    pub share: f64,
    pub crowd: Crowd,
    pub back: Option<Timestamp>,
}

impl Plan {
    /// A plan for a crowd of that size, 1 being all whom the largest aggregator counted.
    #[must_use]
    pub fn new(scenario: &'static Scenario, seed: u64, crowd: f64) -> Self {
        let trade = |id: &str| {
            scenario
                .brands
                .iter()
                .find(|brand| brand.id == id)
                .expect("a test reads every scenario")
                .trade
        };
        let planned = |brand: &super::scenario::Brand| PlannedBrand {
            id: brand.id,
            trade: brand.trade,
            per_minute: brand.quiet * crowd / COUNTED_MINUTES,
            parts: parts(brand.areas),
        };
        let surge = |surge: &'static Surge| PlannedSurge {
            surge,
            trade: trade(surge.provider),
            curve: Curve::through(surge.curve, surge.scale),
            parts: parts(surge.areas),
            flaps: surge.flaps.iter().map(|(from, to)| instant(from)..instant(to)).collect(),
            last_back: surge.areas.iter().filter_map(|area| area.back.map(instant)).max(),
            crowd,
        };
        let brands = scenario.brands.iter().map(planned).collect();
        Self { scenario, seed, crowd, brands, surges: scenario.surges.iter().map(surge).collect() }
    }

    /// Reports of a provider that are expected to come in time, in 15 minutes around an
    /// instant.
    #[must_use]
    pub fn expected(&self, provider: &str, at: Timestamp) -> f64 {
        let quiet = |brand: &PlannedBrand| {
            let levels = brand.parts.iter().map(|part| part.share * part.crowd.awake(at).level);
            brand.per_minute * levels.sum::<f64>()
        };
        let quiet = self.brands.iter().filter(|brand| brand.id == provider).map(quiet).sum::<f64>();
        let of_surge = |surge: &PlannedSurge| {
            surge.parts.iter().map(|part| surge.per_minute(part, at)).sum::<f64>()
        };
        let outage = self
            .surges
            .iter()
            .filter(|surge| surge.surge.provider == provider)
            .map(of_surge)
            .sum::<f64>();
        (quiet + outage) * COUNTED_MINUTES
    }
}

impl PlannedSurge {
    /// Reports in a minute from an area.
    pub fn per_minute(&self, part: &Part, at: Timestamp) -> f64 {
        let flap = if self.in_flap(at) { FLAP_LEVEL } else { 1.0 };
        let back = part.back.filter(|back| Some(*back) < self.last_back && *back < at);
        let fades = back.map_or(1.0, |back| (-(at.ms_since(back) as f64) / FADES_WITHIN_MS).exp());
        self.base(at) * part.share * flap * fades
    }

    /// Reports in a minute from an area that it works again.
    pub fn working_per_minute(&self, part: &Part, at: Timestamp) -> f64 {
        if !self.surge.is_outage() || !self.is_on(at) {
            return 0.0;
        }
        let back = part.back.filter(|back| *back <= at);
        let once_back = back.map_or(0.0, |back| {
            WORKING_ONCE_BACK
                * self.base(back)
                * (-(at.ms_since(back) as f64) / WORKING_FADES_WITHIN_MS).exp()
        });
        let in_flap = if self.in_flap(at) { WORKING_IN_FLAP * self.base(at) } else { 0.0 };
        part.share * f64::max(once_back, in_flap)
    }

    /// Short returns and the lasting one, as far as they are after an instant.
    pub fn returns_after(&self, part: &Part, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        let flaps = self.flaps.iter().map(|flap| flap.start).collect::<Vec<_>>();
        flaps.into_iter().chain(part.back).filter(move |back| at < *back)
    }

    /// Whether anything comes of it at an instant.
    fn is_on(&self, at: Timestamp) -> bool {
        self.curve.begins() <= at && at < self.curve.ends()
    }

    /// Whether anything comes of it in a step of time.
    pub fn overlaps(&self, start: Timestamp, length_ms: i64) -> bool {
        self.curve.begins() < start.plus_ms(length_ms) && start < self.curve.ends()
    }

    fn base(&self, at: Timestamp) -> f64 {
        self.curve.at(at) * self.crowd / COUNTED_MINUTES
    }

    fn in_flap(&self, at: Timestamp) -> bool {
        self.flaps.iter().any(|flap| flap.contains(&at))
    }
}

fn parts(areas: &'static [Area]) -> Vec<Part> {
    let all: f64 = areas.iter().map(|area| area.share).sum();
    let part = |area: &Area| Part {
        share: area.share / all,
        crowd: Crowd::of(&area.within),
        back: area.back.map(instant),
    };
    areas.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::scenario::ALL;

    #[test]
    fn every_curve_passes_through_the_counts_on_record() {
        for scenario in ALL {
            let plan = Plan::new(scenario, 1, 1.0);
            for count in scenario.counts {
                let minutes = (-7..=7).map(|minute| instant(count.at).plus_ms(minute * MINUTE_MS));
                let expected = minutes.map(|at| plan.expected(count.provider, at)).sum::<f64>()
                    / COUNTED_MINUTES;
                let off = (expected / count.reports - 1.0).abs();
                assert!(
                    off < 0.05,
                    "{}: {} {}: {expected:.0} against {}",
                    scenario.name,
                    count.provider,
                    count.at,
                    count.reports
                );
            }
        }
    }

    #[test]
    fn a_smaller_crowd_reports_less_of_everything() {
        let (all, tenth) = (Plan::new(ALL[0], 1, 1.0), Plan::new(ALL[0], 1, 0.1));
        let at = instant("2022-07-08T12:00:00Z");
        for brand in ALL[0].brands {
            let ratio = tenth.expected(brand.id, at) / all.expected(brand.id, at);
            assert!((ratio - 0.1).abs() < 1e-9, "{}: {ratio}", brand.id);
        }
    }
}
