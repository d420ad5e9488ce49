//! A spike as clients see it: what is too surprising now.

use super::cell::Hex;
use super::evidence::EvidenceJson;
use super::place::PlaceJson;
use serde::Serialize;
use utoipa::ToSchema;

/// Cells in which one provider has more reports now than chance explains. Not every spike
/// becomes an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SpikeJson {
    /// Id of the provider.
    #[schema(examples("rogers"))]
    pub provider: String,
    /// The network it rides on.
    #[schema(examples("rogers"))]
    pub network: String,
    /// Where, in words.
    pub place: PlaceJson,
    /// Where: the cells of the zone in which the provider was heard of.
    pub cells: Vec<Hex>,
    /// Every number of its score.
    pub evidence: EvidenceJson,
    /// The score from which on it would open an incident. Not the same everywhere: who is
    /// tested more often must be more surprising.
    #[schema(examples(6.3))]
    pub opens_at: f64,
    /// The open incident with that provider that it is part of; null where there is none.
    #[schema(required = true, pattern = "^[0-9a-f]{16}$", examples(json!(null)))]
    pub incident: Option<String>,
    /// The open incident of another network that it is blamed for; null where there is
    /// none.
    #[schema(required = true, pattern = "^[0-9a-f]{16}$", examples(json!(null)))]
    pub collateral_of: Option<String>,
}
