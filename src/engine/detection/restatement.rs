//! What late reports change of incidents that are over: counted again an hour after the
//! end, and once nothing can come any more.

use super::figures;
use crate::domain::detect::onset::onset;
use crate::domain::incident::dating::onset_of_brands;
use crate::domain::incident::register::Register;
use crate::domain::incident::{Ending, Incident};
use crate::domain::provider::Catalogue;
use crate::domain::time::{HOUR_MS, Timestamp, Window};
use crate::engine::detector_pool::DetectorPool;
use crate::store::{Store, StoreError};

/// Incidents that are looked through for those that are over.
const MOST_LOOKED_THROUGH: usize = 1_000;
/// The onset is dated from so long before an incident was told of until so long after, or
/// until its end.
const BEFORE_MINUTES: i64 = 480;
const AFTER_MINUTES: i64 = 60;

/// Incidents whose figures or onset are others now than when they were last told, of
/// those whose time to be counted again has come.
///
/// # Errors
/// Where the store cannot be read.
pub async fn restated(
    store: &Store,
    catalogue: &Catalogue,
    pool: &DetectorPool,
    register: &Register,
    lateness_ms: i64,
    now: Timestamp,
) -> Result<Vec<Incident>, StoreError> {
    let mut changed = Vec::new();
    let over = register
        .newest_first(None)
        .take(MOST_LOOKED_THROUGH)
        .map(crate::domain::incident::register::Case::latest);
    for incident in over.filter(|incident| {
        incident.ending == Some(Ending::Ebbed) && is_due(incident, lateness_ms, now)
    }) {
        let mut told = (**incident).clone();
        date(store, catalogue, pool, &mut told).await?;
        told.figures = figures::figures(store, catalogue, pool, &told, now).await?;
        (told.revision, told.known_at, told.naming) = (told.revision + 1, now, None);
        changed.push(told);
    }
    Ok(changed)
}

/// Whether one of the two times to count again lies between when it was last told and
/// now.
fn is_due(incident: &Incident, lateness_ms: i64, now: Timestamp) -> bool {
    let Some(ended) = incident.resolved_at else { return false };
    let passed = |after_ms: i64| {
        incident.known_at < ended.plus_ms(after_ms) && ended.plus_ms(after_ms) <= now
    };
    // An incident is held open after its end: the first time counts from when that is
    // over.
    passed(2 * HOUR_MS) || passed(lateness_ms + HOUR_MS)
}

/// Dates the onset of each brand anew, and with them that of the incident.
async fn date(
    store: &Store,
    catalogue: &Catalogue,
    pool: &DetectorPool,
    incident: &mut Incident,
) -> Result<(), StoreError> {
    let region = incident.region();
    for brand in incident.brands.iter_mut().filter(|brand| !brand.episodes.is_empty()) {
        let Some(provider) = catalogue.find(&brand.provider) else { continue };
        let Some(detector) = pool.detectors().get(usize::from(provider.0)) else { continue };
        let told = brand.detected_at.minute();
        let until = brand
            .resolved_at
            .map_or(told.plus(AFTER_MINUTES), |end| end.minute().min(told.plus(AFTER_MINUTES)));
        let window = Window { from: told.plus(-BEFORE_MINUTES), to: until };
        let minutes = store.minutes(provider, window.from..window.to).await?;
        let expectation = detector.expectation();
        let of = expectation.window(window);
        let expected = if incident.everywhere {
            of.everywhere()
        } else {
            incident.cells.iter().map(|cell| of.mean(*cell)).sum()
        };
        let a_minute = expected / (window.to.0 - window.from.0) as f64;
        if let Some(began) = onset(
            minutes.iter().map(|(minute, counts)| (*minute, &**counts)),
            until,
            |cell| region.contains(cell),
            a_minute,
        ) {
            // Late reports can only show that it began earlier; that it grew says nothing
            // of when it began.
            brand.onset = brand.onset.min(began.start());
        }
    }
    incident.onset = onset_of_brands(&incident.brands).unwrap_or(incident.onset);
    Ok(())
}
