//! A place as clients see it: in words, and by the cities and areas in it.

use serde::Serialize;
use utoipa::ToSchema;

/// A place by name. The tag `incidents` names the sources.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = Place)]
pub struct PlaceJson {
    /// A name for all of it, in English.
    #[schema(examples("Toronto, Ottawa, Hamilton and 14 more (CA-ON)"))]
    pub text: String,
    /// Its most populous cities, at most three.
    #[schema(example = json!(["Toronto", "Ottawa", "Hamilton"]))]
    pub cities: Vec<String>,
    /// Subdivisions that it reaches (ISO 3166-2), where their borders are known: largest
    /// part first, at most twenty.
    #[schema(example = json!(["CA-ON"]))]
    pub subdivisions: Vec<String>,
    /// Countries that it reaches (ISO 3166-1 alpha-2), largest part first.
    #[schema(example = json!(["CA"]))]
    pub countries: Vec<String>,
}
