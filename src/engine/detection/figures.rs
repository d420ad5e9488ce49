//! How grave an incident is: its reports counted, from the facts.

use crate::domain::grid::Cell;
use crate::domain::incident::Incident;
use crate::domain::incident::figures::{Figures, Peak};
use crate::domain::provider::Catalogue;
use crate::domain::symptom::{Symptom, Symptoms};
use crate::domain::time::{Minute, Timestamp, Window};
use crate::engine::detector_pool::DetectorPool;
use crate::store::{MINUTES_KEPT_DAYS, Store, StoreError};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Minutes that are read at once.
const MINUTES_AT_ONCE: i64 = 360;

/// Counts what was observed in an incident's cells from its onset to its end, or to
/// `now`.
///
/// # Errors
/// Where the store cannot be read.
pub async fn figures(
    store: &Store,
    catalogue: &Catalogue,
    pool: &DetectorPool,
    incident: &Incident,
    now: Timestamp,
) -> Result<Figures, StoreError> {
    let end = incident.resolved_at.unwrap_or(now).minute().plus(1);
    let from = incident.onset.minute().max(now.minute().plus(-MINUTES_KEPT_DAYS * 24 * 60));
    let region = incident.region();
    let mut known: HashMap<Cell, bool> = HashMap::new();
    let (mut symptoms, mut minutes) =
        (BTreeMap::<Symptom, u64>::new(), BTreeMap::<Minute, u64>::new());
    let mut emergency_since: Option<Minute> = None;
    for brand in &incident.brands {
        let Some(provider) = catalogue.find(&brand.provider) else { continue };
        let mut next = from;
        while next < end {
            let until = end.min(next.plus(MINUTES_AT_ONCE));
            for (minute, counts) in store.minutes(provider, next..until).await? {
                let history = counts.rows().filter(|(key, _)| {
                    key.lane().is_history() && Symptoms::AllProblems.include(key.symptom())
                });
                for (key, tally) in history {
                    if *known
                        .entry(key.cell())
                        .or_insert_with(|| !key.cell().is_nowhere() && region.contains(key.cell()))
                    {
                        *symptoms.entry(key.symptom()).or_default() += u64::from(tally.count);
                        if key.symptom() == Symptom::NoEmergencyCalls {
                            let before = emergency_since.unwrap_or(minute);
                            emergency_since = Some(before.min(minute));
                        }
                        *minutes.entry(minute).or_default() += u64::from(tally.count);
                    }
                }
            }
            next = until;
        }
    }
    let peak =
        minutes.iter().max_by_key(|(minute, reports)| (**reports, std::cmp::Reverse(**minute)));
    let mut symptoms: Vec<_> = symptoms.into_iter().collect();
    symptoms.sort_by_key(|(symptom, n)| (std::cmp::Reverse(*n), *symptom));
    let (expected, users) = expected(catalogue, pool, incident, Window { from, to: end });
    Ok(Figures {
        reports: minutes.values().sum(),
        expected,
        symptoms,
        emergency_since: emergency_since.map(Minute::start),
        peak: peak.map(|(minute, reports)| Peak { at: minute.start(), reports: *reports }),
        area_km2: incident.cells.iter().map(|cell| cell.area_km2()).sum(),
        users,
    })
}

/// Whether a failed emergency call was observed in an incident's cells in these minutes.
///
/// # Errors
/// Where the store cannot be read.
pub async fn has_emergency(
    store: &Store,
    catalogue: &Catalogue,
    incident: &Incident,
    minutes: Range<Minute>,
) -> Result<bool, StoreError> {
    let region = incident.region();
    for brand in &incident.brands {
        let Some(provider) = catalogue.find(&brand.provider) else { continue };
        for (_, counts) in store.minutes(provider, minutes.clone()).await? {
            let mut rows = counts.rows().filter(|(key, _)| {
                key.lane().is_history() && key.symptom() == Symptom::NoEmergencyCalls
            });
            if rows.any(|(key, _)| !key.cell().is_nowhere() && region.contains(key.cell())) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Reports that were to be expected, and users that are touched at most.
fn expected(
    catalogue: &Catalogue,
    pool: &DetectorPool,
    incident: &Incident,
    window: Window,
) -> (Option<f64>, Option<f64>) {
    let (mut sum, mut users) = (0.0, None::<f64>);
    for brand in &incident.brands {
        let Some(provider) = catalogue.find(&brand.provider) else { return (None, None) };
        let Some(detector) = pool.detectors().get(usize::from(provider.0)) else {
            return (None, None);
        };
        let expectation = detector.expectation();
        let of = expectation.window(window);
        let whole = of.everywhere();
        let here = if incident.everywhere {
            whole
        } else {
            incident.cells.iter().map(|cell| of.mean(*cell)).sum::<f64>().min(whole)
        };
        sum += here;
        let share = if whole > 0.0 { here / whole } else { 0.0 };
        // A brand of which no number is known is taken to be among those of its network's
        // own brand.
        if let Some(subscribers) = catalogue.get(provider).subscribers {
            users = Some(users.unwrap_or(0.0) + subscribers as f64 * share);
        }
    }
    (Some(sum), users)
}
