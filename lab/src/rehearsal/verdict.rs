//! What a rehearsal is worth: who was flagged and when, who was blamed, what was missed,
//! whether an end was told too soon.

use super::seen::Seen;
use crate::simulate::crowd::cities_in;
use crate::simulate::plan::Plan;
use crate::simulate::scenario::{Area, Cause, Surge, instant};
use groundswell::domain::grid::{Cell, Resolution};
use groundswell::domain::incident::attribution::Verdict as Blame;
use groundswell::domain::incident::{Ending, Incident, IncidentId, State};
use groundswell::domain::time::{HOUR_MS, MINUTE_MS, Timestamp};
use groundswell::gazetteer::cities;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// An area is found where one of so many of its largest cities lies in a cell of the
/// incident.
const CITIES_OF_AREA: usize = 5;
/// An end that is told so long after the true one, or later, is no end told too soon.
const FINAL_WITHIN_MS: i64 = HOUR_MS;

/// What a rehearsal is worth.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Of which scenario.
    pub scenario: &'static str,
    /// Each brand, in the order of the scenario.
    pub brands: Vec<BrandVerdict>,
    /// Areas of failing brands that no incident ever reached: `brand: area`.
    pub areas_missed: Vec<String>,
    /// Incidents that were told of failing networks, without those that went on as a part
    /// of another.
    pub incidents: usize,
    /// Those of them that said "everywhere" when they were largest.
    pub everywhere: usize,
    /// Times that an incident of the first failing network was told to recover, and to be
    /// confirmed again.
    pub flaps: usize,
    /// Times that it was told to be over before its last area was back.
    pub false_ends: usize,
    /// Minutes from when the incident was told to the first official word; none where no
    /// word is on record.
    pub lead_minutes: Option<f64>,
}

/// What became of one brand.
#[derive(Debug, Serialize)]
pub struct BrandVerdict {
    /// Its id.
    pub provider: &'static str,
    /// What it really did.
    pub role: Role,
    /// Minutes from the true onset until it was first told of; none where it never was.
    pub delay_minutes: Option<f64>,
    /// Minutes that the told onset lies after the true one, as it was told last of the
    /// incident that lasted longest.
    pub onset_error_minutes: Option<f64>,
    /// Minutes that the end told of that incident lies after the last area was back; none
    /// where it was not told, or is not on record.
    pub end_error_minutes: Option<f64>,
    /// Incidents of it that began before anything happened, or were told before.
    pub before: usize,
    /// Whether any incident said that it is blamed for another.
    pub blamed: bool,
    /// Whether its incident pointed at a cause, or was that of the network it depends on.
    pub has_cause: bool,
}

/// What a brand really did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It failed.
    Failed,
    /// It failed because another did.
    Dependent,
    /// It was healthy, and blamed.
    Collateral,
    /// It was healthy, and nobody minded it.
    Quiet,
}

impl Verdict {
    /// Whether everybody who failed was flagged, nobody else was, and no area was missed.
    #[must_use]
    pub fn is_right(&self) -> bool {
        let right = |brand: &BrandVerdict| {
            brand.delay_minutes.is_some() == matches!(brand.role, Role::Failed | Role::Dependent)
        };
        self.brands.iter().all(right) && self.areas_missed.is_empty() && self.false_ends == 0
    }
}

/// Judges what was seen of a plan's stream.
#[must_use]
pub fn verdict(plan: &Plan, seen: &Seen) -> Verdict {
    let scenario = plan.scenario;
    let brands = scenario.brands.iter().map(|brand| of_brand(plan, brand.id, seen)).collect();
    let outages: Vec<&Surge> = scenario.surges.iter().filter(|surge| surge.is_outage()).collect();
    let missed = outages.iter().flat_map(|surge| {
        surge
            .areas
            .iter()
            .filter(|area| !is_reached(seen, surge, area))
            .map(|area| format!("{}: {}", surge.provider, area.name))
    });
    let failing: BTreeSet<&str> = outages.iter().map(|surge| surge.provider).collect();
    let last = |id: &IncidentId| seen.of(*id).last().expect("an incident has a revision");
    let of_failing: Vec<&Incident> =
        seen.incidents().iter().map(last).filter(|incident| is_of(incident, &failing)).collect();
    let told: Vec<&&Incident> = of_failing
        .iter()
        .filter(|incident| !matches!(incident.ending, Some(Ending::Merged(_))))
        .collect();
    let main = outages.first().and_then(|surge| main_incident(seen, surge.provider));
    let states: Vec<State> =
        main.iter().flat_map(|id| seen.of(*id)).map(|revision| revision.state).collect();
    let back = outages.first().and_then(|surge| back_of(surge));
    Verdict {
        scenario: scenario.name,
        brands,
        areas_missed: missed.collect(),
        incidents: told.len(),
        everywhere: told.iter().filter(|incident| incident.everywhere).count(),
        flaps: states
            .windows(2)
            .filter(|pair| pair == &[State::Recovering, State::Confirmed])
            .count(),
        false_ends: main.map_or(0, |id| false_ends(seen, id, back)),
        lead_minutes: scenario.words.first().zip(main).map(|(word, id)| {
            let told = seen.of(id).next().expect("an incident has a revision").detected_at;
            minutes(instant(word.at).ms_since(told))
        }),
    }
}

fn of_brand(plan: &Plan, id: &'static str, seen: &Seen) -> BrandVerdict {
    let surge = plan.scenario.surges.iter().find(|surge| surge.provider == id);
    let role = match surge.map(|surge| surge.cause) {
        Some(Cause::Outage) => Role::Failed,
        Some(Cause::Dependence(_)) => Role::Dependent,
        Some(Cause::Collateral(_)) => Role::Collateral,
        None => Role::Quiet,
    };
    let began = surge
        .and_then(|surge| surge.curve.first())
        .map_or_else(|| plan.scenario.from(), |point| instant(point.at));
    let starts = plan
        .scenario
        .surges
        .iter()
        .filter_map(|surge| surge.curve.first())
        .map(|point| instant(point.at))
        .min();
    let before = |one: &Incident| starts.is_some_and(|start| one.known_at < start);
    let is_told = |one: &&Incident| {
        one.brand(id).is_some_and(|brand| brand.state.is_open()) && one.state.is_open()
    };
    let chance: BTreeSet<IncidentId> =
        seen.revisions.iter().filter(is_told).filter(|one| before(one)).map(|one| one.id).collect();
    let with_brand =
        |one: &&Incident| one.brand(id).is_some() && one.state != State::Withdrawn && !before(one);
    // Also where an incident that chance had brought before is told to go on.
    let first = seen.revisions.iter().filter(with_brand).find(is_told);
    // One that chance brings when all is over says nothing of when it began or ended.
    let main = main_incident(seen, id);
    let last = seen
        .revisions
        .iter()
        .filter(with_brand)
        .rfind(|one| main == Some(one.id))
        .and_then(|revision| revision.brand(id));
    let back = surge.and_then(back_of);
    BrandVerdict {
        provider: id,
        role,
        before: chance
            .iter()
            .filter(|one| seen.of(**one).any(|revision| revision.brand(id).is_some()))
            .count(),
        delay_minutes: first.map(|revision| minutes(revision.known_at.ms_since(began))),
        onset_error_minutes: last.map(|brand| minutes(brand.onset.ms_since(began))),
        end_error_minutes: last
            .and_then(|brand| brand.resolved_at)
            .zip(back)
            .map(|(told, back)| minutes(told.ms_since(back))),
        blamed: seen.revisions.iter().any(|revision| {
            revision
                .attributions
                .iter()
                .any(|other| other.provider == id && other.verdict == Blame::Collateral)
        }),
        has_cause: seen.revisions.iter().filter(with_brand).any(|revision| {
            let depends_on = |surge: &Surge| {
                if let Cause::Dependence(on) = surge.cause { Some(on) } else { None }
            };
            revision.cause.is_some()
                || surge.and_then(depends_on).is_some_and(|on| revision.brand(on).is_some())
        }),
    }
}

fn minutes(ms: i64) -> f64 {
    ms as f64 / MINUTE_MS as f64
}

fn is_of(incident: &Incident, providers: &BTreeSet<&str>) -> bool {
    incident.brands.iter().any(|brand| providers.contains(&*brand.provider))
}

/// The incident of a provider that lasted longest.
fn main_incident(seen: &Seen, provider: &str) -> Option<IncidentId> {
    let with =
        |id: &IncidentId| seen.of(*id).last().filter(|incident| incident.brand(provider).is_some());
    let lasted = |id: &IncidentId| {
        with(id).map(|incident| (incident.duration_ms(), Reverse(incident.detected_at)))
    };
    seen.incidents().into_iter().filter(|id| with(id).is_some()).max_by_key(lasted)
}

/// When the last area was back.
fn back_of(surge: &Surge) -> Option<Timestamp> {
    surge.areas.iter().filter_map(|area| area.back.map(instant)).max()
}

fn false_ends(seen: &Seen, id: IncidentId, back: Option<Timestamp>) -> usize {
    let Some(back) = back else { return 0 };
    let ended = |revision: &&Incident| {
        revision.state == State::Resolved && revision.ending == Some(Ending::Ebbed)
    };
    let early = |revision: &&Incident| {
        revision.resolved_at.is_some_and(|end| end.ms_since(back) < -FINAL_WITHIN_MS)
    };
    let ends: BTreeSet<Timestamp> = seen
        .of(id)
        .filter(ended)
        .filter(early)
        .filter_map(|revision| revision.resolved_at)
        .collect();
    ends.len()
}

/// Whether an incident of the brand ever held one of the area's largest cities.
fn is_reached(seen: &Seen, surge: &Surge, area: &Area) -> bool {
    let mut largest = cities_in(&area.within);
    largest.sort_by_key(|city| Reverse(cities()[*city].population));
    let cells: Vec<Cell> = largest
        .into_iter()
        .take(CITIES_OF_AREA)
        .map(|city| Cell::at(cities()[city].position, Resolution::HOURLY))
        .collect();
    seen.revisions.iter().filter(|revision| revision.brand(surge.provider).is_some()).any(
        |revision| {
            let region = revision.region();
            cells.iter().any(|cell| region.contains(*cell))
        },
    )
}
