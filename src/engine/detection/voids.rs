//! Voids: reports that were withdrawn are seen no more, detection begins anew without
//! them, and incidents are held against what it finds.

use super::active_clusters::ActiveClusters;
use super::desk::Desk;
use super::{Running, WARM_UP_MINUTES};
use crate::domain::detect::episode::Episode;
use crate::domain::incident::dating::{Dated, onset};
use crate::domain::incident::desk::{region, withdrawn};
use crate::domain::incident::entry::Void;
use crate::domain::incident::region::joined;
use crate::domain::incident::register::Register;
use crate::domain::incident::{Incident, State};
use crate::domain::provider::Catalogue;
use crate::domain::time::{Minute, Timestamp};
use crate::engine::Engine;
use crate::engine::detector_pool::DetectorPool;
use crate::store::withdrawn::Withdrawn;
use crate::store::{MINUTES_KEPT_DAYS, StoreError};

impl Engine {
    /// Begins detection anew where reports were withdrawn since the last step.
    ///
    /// # Errors
    /// Where the store cannot be read: the next step heeds them.
    pub(super) async fn heed_voids(&self, running: &mut Running) -> Result<(), StoreError> {
        let (register, now) = (self.detection.register(), self.now());
        let voids = register.voids();
        let is_unsettled = running.unsettled_until.is_some_and(|until| until < now.minute());
        if voids.len() == running.voids && !is_unsettled {
            return Ok(());
        }
        let withdrawn: Vec<Withdrawn> =
            voids.iter().filter_map(|void| self.reports_of(void)).collect();
        let arriving = withdrawn.iter().map(|one| one.arrived_before);
        let unsettled_until = arriving.filter(|before| now.minute() <= *before).max();
        self.store.withdraw(withdrawn, self.lateness_ms, now.minute()).await?;
        running.unsettled_until = unsettled_until;
        let oldest = now.minute().plus(-MINUTES_KEPT_DAYS * 24 * 60);
        // A restart reads them all again, and what is older than minutes has been judged.
        // A store that has lost entries may have fewer than were heeded: then all are
        // looked at again.
        let new = voids
            .get(running.voids..)
            .unwrap_or(voids)
            .iter()
            .filter(|void| oldest < void.reaches_until(self.lateness_ms));
        if let Some(from) = new.map(|void| begins_at(&register, void, self.lateness_ms)).min() {
            let from =
                from.plus(-WARM_UP_MINUTES).max(oldest).min(now.minute().plus(-WARM_UP_MINUTES));
            self.begin_anew(running, from);
            running.rebuilding = true;
            tracing::info!(
                voids = voids.len(),
                "reports were withdrawn: detection begins anew without them"
            );
        }
        running.voids = voids.len();
        Ok(())
    }

    /// Begins detection anew: from a minute on it is stepped to the present again.
    pub(super) fn begin_anew(&self, running: &mut Running, from: Minute) {
        running.pool =
            DetectorPool::new(&self.catalogue, &self.detection.parameters).beginning_at(from);
        running.desk = Desk::new(&self.catalogue, &self.detection.parameters);
        (running.behind, running.recalled, running.began) =
            (true, false, std::time::Instant::now());
    }

    /// Which reports a void withdraws; none where its provider is not in the catalogue.
    pub(super) fn reports_of(&self, void: &Void) -> Option<Withdrawn> {
        let providers = match &void.provider {
            Some(id) => {
                let provider = self.catalogue.find(id)?.0;
                provider..provider + 1
            }
            None => 0..self.catalogue.len() as u16,
        };
        let (source, window) = (void.source, void.window);
        Some(Withdrawn { source, window, providers, arrived_before: void.arrived_before() })
    }
}

/// From when on what was found must be found anew.
fn begins_at(register: &Register, void: &Void, lateness_ms: i64) -> Minute {
    let touched = register
        .newest_first(None)
        .map(crate::domain::incident::register::Case::latest)
        .filter(|incident| is_touched(incident, void, lateness_ms));
    touched
        .map(|incident| incident.onset.minute())
        .chain([void.window.from])
        .min()
        .expect("the void itself")
}

/// Whether reports that a void withdraws may have spoken for an incident.
fn is_touched(incident: &Incident, void: &Void, lateness_ms: i64) -> bool {
    let ended = incident.resolved_at.is_some_and(|end| end < void.window.from.start());
    incident.state != State::Withdrawn
        && incident.brands.iter().any(|brand| void.is_about(&brand.provider))
        && !ended
        && incident.onset < void.reaches_until(lateness_ms).start()
}

/// Incidents that voids have touched, as they are now: withdrawn, or told anew from what
/// is left.
pub(super) fn without_voided(
    register: &Register,
    active_clusters: &ActiveClusters,
    catalogue: &Catalogue,
    lateness_ms: i64,
    now: Timestamp,
) -> Vec<Incident> {
    let oldest = now.plus_ms(-MINUTES_KEPT_DAYS * 24 * 60 * crate::domain::time::MINUTE_MS);
    let mut told = Vec::new();
    for case in register.newest_first(None) {
        let incident = case.latest();
        let Some(void) = register
            .voids()
            .iter()
            .rev()
            .find(|void| is_touched(incident, void, lateness_ms) && oldest <= incident.onset)
        else {
            continue;
        };
        if void.known_at < incident.known_at && incident.ending.is_some() {
            // Told since: it has been judged.
            continue;
        }
        let found: Vec<(&str, &Episode)> = active_clusters
            .all()
            .map(|(provider, episode)| (catalogue.get(provider), episode))
            .filter(|(provider, episode)| {
                provider.network == incident.network && meets(incident, episode)
            })
            .map(|(provider, episode)| (&*provider.id, episode))
            .collect();
        if found.is_empty() {
            told.push(withdrawn(incident, void, now));
        } else if !incident.state.is_open() {
            told.push(told_anew(incident, &found, now));
        }
    }
    told
}

fn meets(incident: &Incident, episode: &Episode) -> bool {
    let in_time = incident.resolved_at.is_none_or(|end| episode.onset <= end)
        && episode.resolved_at.is_none_or(|end| incident.onset <= end);
    in_time && incident.region().meets(&region(episode))
}

/// An incident that is over, by the episodes that are left of it.
fn told_anew(incident: &Incident, found: &[(&str, &Episode)], now: Timestamp) -> Incident {
    let mut told = incident.clone();
    (told.revision, told.known_at, told.naming) = (told.revision + 1, now, None);
    told.cells = joined(found.iter().flat_map(|(_, episode)| episode.cells.iter().copied())).into();
    for brand in &mut told.brands {
        let own = || {
            found
                .iter()
                .filter(|(provider, _)| *provider == brand.provider)
                .map(|(_, episode)| *episode)
        };
        if let Some(strongest) = own().max_by(|a, b| a.evidence.score.total_cmp(&b.evidence.score))
        {
            (brand.evidence, brand.onset) =
                (strongest.evidence.into(), onset(own().map(Dated::from)).unwrap_or(brand.onset));
        }
    }
    // Not by the brands: of one whose reports were all taken back nothing says when it
    // began.
    told.onset =
        onset(found.iter().map(|(_, episode)| Dated::from(*episode))).unwrap_or(told.onset);
    told
}
