//! The names of places: cities, subdivisions, countries, and what to call the place of
//! some cells. All of it is compiled in.
//!
//! Cities are facts of `GeoNames`; borders come with the crate `country-boundaries`. Both
//! want their source named ([`ATTRIBUTION`]). Codes of subdivisions are of Unicode CLDR
//! (`LICENSE-UNICODE`), names of countries are, too.

mod area;
mod area_name;
mod city;
mod place_name;
mod subdivision;

pub use area::{AreaCode, AreaCodeError, areas_at, is_in};
pub use city::{City, Nearest, cities, nearest};
pub use place_name::{MOST_AREAS, MOST_CITIES, PlaceName, name_of};

/// What must stand where names of places are shown.
pub const ATTRIBUTION: &str =
    "Cities: GeoNames (geonames.org), CC BY 4.0. Borders: © OpenStreetMap contributors, ODbL.";
