//! A place as clients see it: in words, and by the cities and areas in it.

use serde::Serialize;
use utoipa::ToSchema;

/// What to call a place. Who found out is named at the tag `incidents`.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct PlaceJson {
    /// All of it in words.
    #[schema(examples("Toronto, Ottawa, Hamilton and 14 more (CA-ON)"))]
    pub text: String,
    /// The most populous cities in it, at most three.
    #[schema(example = json!(["Toronto", "Ottawa", "Hamilton"]))]
    pub cities: Vec<String>,
    /// Subdivisions that it reaches into (ISO 3166-2), where their borders are known,
    /// those with most of it first, at most twenty.
    #[schema(example = json!(["CA-ON"]))]
    pub subdivisions: Vec<String>,
    /// Countries likewise (ISO 3166-1 alpha-2).
    #[schema(example = json!(["CA"]))]
    pub countries: Vec<String>,
}
