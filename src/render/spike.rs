//! A spike as clients see it: what is too surprising now.

use super::cell::Hex;
use super::evidence::EvidenceJson;
use super::place::PlaceJson;
use serde::Serialize;
use utoipa::ToSchema;

/// Cells in which a provider has more reports now than chance explains. Not every spike
/// becomes an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Spike)]
pub struct SpikeJson {
    /// Id of the provider.
    #[schema(examples("rogers"))]
    pub provider: String,
    /// The network that it uses.
    #[schema(examples("rogers"))]
    pub network: String,
    /// Where it is.
    pub place: PlaceJson,
    /// The cells of the zone with reports of the provider in its history; for everybody,
    /// those from which enough people reported it in the window.
    pub cells: Vec<Hex>,
    /// Every number of its score.
    pub evidence: EvidenceJson,
    /// The score from which it opens an incident. It differs: who is tested more often
    /// needs a higher one.
    #[schema(examples(6.3))]
    pub score_threshold: f64,
    /// Id of the open incident of that provider that it belongs to; null where there is
    /// none.
    #[schema(required = true, pattern = "^[0-9a-f]{16}$", examples(json!(null)))]
    pub incident: Option<String>,
    /// Id of the open incident of another network that explains it; null where there is
    /// none.
    #[schema(required = true, pattern = "^[0-9a-f]{16}$", examples(json!(null)))]
    pub collateral_of: Option<String>,
}
