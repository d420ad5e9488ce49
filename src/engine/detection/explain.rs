//! Why a cell is flagged, or is not: asked of the detector itself, between two looks.

use crate::domain::detect::explain::Explanation;
use crate::domain::detect::parameters::Parameters;
use crate::domain::grid::Cell;
use crate::domain::provider::ProviderIndex;
use crate::engine::Engine;

impl Engine {
    /// Numbers of the detectors.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.detection.parameters
    }

    /// Which zone decides about a cell now, with every number of its score; None before
    /// the first look.
    pub async fn explain(&self, provider: ProviderIndex, cell: Cell) -> Option<Explanation> {
        self.detection.running.lock().await.pool.explain(provider, cell)
    }
}
