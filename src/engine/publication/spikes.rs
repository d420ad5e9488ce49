//! Spikes as everybody is told of them: named as incidents are, by who spoke in their window.

use crate::domain::detect::spike::Spike;
use crate::domain::incident::spike::PublishedSpike;
use crate::domain::privacy::naming::named;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::detector_pool::DetectorPool;
use crate::engine::shown::spoke::spoke;
use crate::store::StoreError;

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
        let mut published = Vec::new();
        for spike in spikes {
            let exact = PublishedSpike::from(spike);
            let zone = exact.evidence.zone.map(|zone| zone.cells()).unwrap_or_default();
            let (minutes, place) = (spike.evidence.window, (&*spike.cells, zone));
            let heard =
                spoke(&self.store, &terms, (provider, id), minutes.from..minutes.to, place).await?;
            let cells = named(&spike.cells, &[heard], &[], rule);
            if rule.is_off() {
                published.push(PublishedSpike { cells, ..exact });
                continue;
            }
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
