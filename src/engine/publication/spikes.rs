//! Spikes as everybody is told of them: named as incidents are, by who spoke in their window.

use crate::domain::detect::spike::Spike;
use crate::domain::incident::spike::PublishedSpike;
use crate::domain::privacy::naming::{named, named_but};
use crate::domain::provider::ProviderIndex;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::detector_pool::DetectorPool;
use crate::engine::shown::spoke::{heard_in, spoke};
use crate::store::StoreError;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

impl Engine {
    /// What everybody is told of the spikes of a provider: those in which enough people
    /// spoke somewhere, and those that are everywhere.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(in crate::engine) async fn public_spikes(
        &self,
        pool: &DetectorPool,
        provider: ProviderIndex,
        spikes: &[Spike],
        now: Timestamp,
    ) -> Result<Vec<PublishedSpike>, StoreError> {
        let (terms, id) = (self.shown_by(), &*self.catalogue.get(provider).id);
        let rule = terms.rules.at(now);
        let of_provider = self.public_provider(pool, provider);
        let (mut published, mut heard) = (Vec::new(), HashMap::new());
        for spike in spikes {
            let exact = PublishedSpike::from(spike);
            if rule.is_off() {
                let cells = named(&spike.cells, &[], &[], rule);
                published.push(PublishedSpike { cells, ..exact });
                continue;
            }
            let zone = exact.evidence.zone.map(|zone| zone.cells()).unwrap_or_default();
            // Many are of one window, which is read once.
            let window = spike.evidence.window;
            if let Entry::Vacant(unread) = heard.entry((window.from, window.to)) {
                let minutes = window.from..window.to;
                let of = (provider, id);
                unread.insert(heard_in(&self.store, &terms, of, minutes).await?);
            }
            let spoke = spoke(&heard[&(window.from, window.to)], &spike.cells, zone, rule);
            let cells = named_but(&spike.cells, &[spoke], &[], (rule, terms.left_out));
            if cells.is_empty() && !exact.is_everywhere() {
                continue;
            }
            let mut told = exact.evidence.rounded();
            if self.shows_zone(&terms, now, provider, exact.evidence.zone).await? {
                told.zone = exact.evidence.zone;
            }
            let evidence = of_provider.scored(told, &cells, exact.is_everywhere());
            published.push(PublishedSpike { cells, evidence, ..exact });
        }
        Ok(published)
    }
}
