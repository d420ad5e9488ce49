//! What the map shows around a cell: all that everybody is told of why it is flagged.

use crate::domain::grid::Cell;
use crate::domain::privacy::epoch::Epoch;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::Window;
use crate::engine::Engine;
use crate::engine::shown::Sight;
use crate::store::StoreError;

impl Engine {
    /// The finest cell around a cell in which the map shows reports of a provider now; none
    /// where it shows them without a place.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn shown_now(
        &self,
        provider: ProviderIndex,
        cell: Cell,
    ) -> Result<Option<Cell>, StoreError> {
        let epoch = Epoch::of(self.now().minute());
        let (terms, epochs) = (self.shown_by(), epoch..epoch.next());
        let groups = self.openness.groups(&self.store, &terms, provider, epochs).await?;
        Ok(groups.first().and_then(|groups| groups.shown(cell)))
    }

    /// What is to be expected of what the public sees of a cell of a provider in a window,
    /// and the score of a count there. None where nothing was learnt of it.
    #[must_use]
    pub fn scored_publicly(
        &self,
        provider: ProviderIndex,
        (cell, window): (Cell, Window),
        count: u64,
    ) -> Option<(f64, f64)> {
        let snapshot = self.detection_snapshot();
        let (expectation, _) =
            self.expected_by(Sight::Public, &snapshot, &[provider]).into_iter().next()?;
        let mean = expectation.knows(cell).then(|| expectation.window(window).mean(cell))?;
        Some((mean, expectation.score(count as f64, mean)))
    }
}
