//! Query parameters of areas as the OpenAPI document describes them. `areas.rs`,
//! `area_table.rs` and `area_borders.rs` read them.

use super::params::{IdWord, LengthWord};
use super::words::{AreaKindWord, AreaSortWord, SymptomWord};
use utoipa::IntoParams;

/// Parameters of the ranking of areas.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct AreasParams {
    /// Id or alias of a provider: that brand alone. All together where neither this nor
    /// `network` is given.
    #[param(inline, example = "rogers")]
    provider: Option<IdWord>,
    /// A network: the sum of its brands.
    #[param(inline)]
    network: Option<IdWord>,
    /// How long, 1m to 24h; 15m where left out. The running minute is included.
    #[param(inline, example = "1h")]
    window: Option<LengthWord>,
    /// When the window ends, RFC 3339; now where left out. Aligned up to the whole
    /// minute.
    #[param(format = DateTime)]
    to: Option<String>,
    /// One symptom; all but `working` where left out.
    #[param(inline)]
    symptom: Option<SymptomWord>,
    /// Countries, or subdivisions; countries where neither this nor `within` is given.
    #[param(inline)]
    kind: Option<AreaKindWord>,
    /// The subdivisions of this country (ISO 3166-1), where their borders are known here.
    #[param(example = "CA", pattern = "^[A-Z]{2}$")]
    within: Option<String>,
    /// By what, the most first; `score` where left out. What is not known comes last, by its
    /// reports.
    #[param(inline)]
    sort: Option<AreaSortWord>,
    /// How many at most, 1 to 1,000; 100 where left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// True for every report where it was made: takes a key with the scope `exact`. No
    /// cache may keep such an answer.
    #[param(example = false)]
    exact: Option<bool>,
}

/// Further parameters of a series as a table of all areas and providers.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct AreaTableParams {
    /// What is told apart: areas, providers, or both. Without it the table is one series.
    #[param(pattern = "^(area|provider|area,provider|provider,area)$")]
    by: Option<String>,
    /// With `by`: time zone (IANA) by whose clocks days begin, and times are written; UTC
    /// where left out.
    tz: Option<String>,
    /// With `by` that names areas: countries, or subdivisions; countries where neither this
    /// nor `within` is given.
    #[param(inline)]
    kind: Option<AreaKindWord>,
    /// With `by` that names areas: the subdivisions of this country (ISO 3166-1), where their
    /// borders are known here.
    #[param(pattern = "^[A-Z]{2}$")]
    within: Option<String>,
}

/// Parameters of the borders of an area.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct BordersParams {
    /// H3 resolution of the cells, 0 to 8; where left out, the finest of which the area has at
    /// most 20,000.
    #[param(minimum = 0, maximum = 8)]
    resolution: Option<u8>,
}
