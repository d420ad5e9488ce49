//! Lessons: what quiet days teach is recorded in the journal, so that a node that starts
//! need not wait for a week of them. Incidents stand there too, so that it takes none of
//! them for usual.

use super::Running;
use crate::domain::detect::{METHOD, Outage, QuietDay};
use crate::domain::incident::entry::{Entry, Lesson};
use crate::domain::incident::register::{Case, Register};
use crate::domain::incident::{Brand, Incident, State};
use crate::domain::provider::ProviderIndex;
use crate::domain::time::{HOUR_MS, Timestamp};
use crate::engine::Engine;
use crate::engine::detector_pool::DetectorPool;
use crate::store::HOURS_KEPT_DAYS;

impl Engine {
    /// Lets a detector pool that has not begun know what quiet days taught before, and which
    /// outages there were.
    pub(super) fn recall_lessons(&self, running: &mut Running) {
        if std::mem::replace(&mut running.recalled, true) {
            return;
        }
        let register = self.detection.register();
        for (provider, of) in self.catalogue.iter() {
            running.pool.recall(provider, self.quiet_days(&register, &of.id).copied());
        }
        let kept_since = self.now().plus_ms(-HOURS_KEPT_DAYS * 24 * HOUR_MS);
        for (provider, outage) in self.outages_since(kept_since) {
            running.pool.recall_outages(provider, [outage]);
        }
    }

    /// Outages that people were told of, of all providers, that began since then.
    pub(in crate::engine) fn outages_since(
        &self,
        since: Timestamp,
    ) -> Vec<(ProviderIndex, Outage)> {
        let register = self.detection.register();
        let incidents = register
            .newest_first(None)
            .map(Case::latest)
            .filter(|incident| since <= incident.onset);
        let mut outages = Vec::new();
        for incident in incidents {
            let brands = incident
                .brands
                .iter()
                .filter(|brand| !brand.episodes.is_empty() && brand.state != State::Withdrawn);
            outages.extend(brands.filter_map(|brand| {
                Some((self.catalogue.find(&brand.provider)?, outage(incident, brand)))
            }));
        }
        outages
    }

    /// Lessons of quiet days that are over and that the journal does not have.
    pub(super) fn new_lessons(&self, pool: &DetectorPool, register: &Register) -> Vec<Entry> {
        let parameters = self.detection.parameters.fingerprint();
        let mut lessons = Vec::new();
        for (provider, of) in self.catalogue.iter() {
            let last = self.quiet_days(register, &of.id).next_back().map(|known| known.day);
            for quiet_day in
                pool.whole_quiet_days(provider).filter(|quiet_day| last < Some(quiet_day.day))
            {
                let (provider, version) = (of.id.clone(), METHOD.to_owned());
                lessons.push(Entry::Lesson(Lesson {
                    provider,
                    version,
                    parameters,
                    quiet_day: *quiet_day,
                }));
            }
        }
        lessons
    }

    /// Quiet days that the journal has of a provider, oldest first, but for those of
    /// another method or other parameters: these give other scores.
    fn quiet_days<'a>(
        &self,
        register: &'a Register,
        provider: &str,
    ) -> impl DoubleEndedIterator<Item = &'a QuietDay> + use<'a> {
        let parameters = self.detection.parameters.fingerprint();
        let same =
            move |lesson: &&Lesson| lesson.version == METHOD && lesson.parameters == parameters;
        register.lessons(provider).filter(same).map(|lesson| &lesson.quiet_day)
    }
}

/// A brand's part in an incident, as what it explains of the brand's reports.
fn outage(incident: &Incident, brand: &Brand) -> Outage {
    Outage {
        cells: incident.cells.to_vec(),
        everywhere: incident.everywhere,
        began: brand.onset.minute(),
        ended: brand.resolved_at.map(Timestamp::minute),
    }
}
