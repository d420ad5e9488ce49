//! Query parameters of tiles, styles and pictures as the OpenAPI document describes them.
//! `tiles.rs`, `coverage.rs`, `style.rs` and `map.rs` read them.

use super::params::{IdWord, LengthWord};
use utoipa::IntoParams;

/// Parameters of a tile, besides those of all tiles of a map.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct TileParams {
    /// Some of `coarser`, `cells`, `incidents`, `emergency`, joined by commas; all where left
    /// out.
    #[param(
        pattern = "^(coarser|cells|incidents|emergency)\
            (,(coarser|cells|incidents|emergency)){0,9}$",
        example = "coarser,cells"
    )]
    layers: Option<String>,
}

/// Parameters of tiles: what they show.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct TileSetParams {
    /// Id or alias of a provider: that brand alone. All together where neither this nor
    /// `network` is given.
    #[param(inline)]
    provider: Option<IdWord>,
    /// A network: the sum of its brands.
    #[param(inline, example = "rogers")]
    network: Option<IdWord>,
    /// How long, 1m to 24h; 15m where left out. The running minute is included.
    #[param(inline, example = "15m")]
    window: Option<LengthWord>,
    /// When the window ends, RFC 3339; now where left out. Aligned up to the whole
    /// minute.
    #[param(format = DateTime)]
    to: Option<String>,
    /// One symptom; all but `working` where left out.
    #[param(inline)]
    symptom: Option<super::words::SymptomWord>,
    /// `no` leaves out what came more than 5 minutes after it was noticed: figures that
    /// no report changes from 7 minutes after the window on. `expected`, `score` and `level`
    /// are null then.
    #[param(inline)]
    late: Option<super::words::LateWord>,
    /// True for every report where it was made: takes a key with the scope `exact`. No
    /// cache may keep such an answer.
    #[param(example = false)]
    exact: Option<bool>,
}

/// Parameters of coverage.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct CoverageParams {
    /// Id or alias of a provider: that brand alone. All together where neither this nor
    /// `network` is given.
    #[param(inline)]
    provider: Option<IdWord>,
    /// A network: its brands together.
    #[param(inline, example = "rogers")]
    network: Option<IdWord>,
    /// True for what all reports say: takes a key with the scope `exact`. No cache may keep
    /// such an answer.
    #[param(example = false)]
    exact: Option<bool>,
}

/// Parameters of a picture, besides those of its tiles.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct MapParams {
    /// What it shows: the address of a tile, z/x/y. Either this or `incident`; the whole
    /// world where both are left out.
    #[param(pattern = "^([0-9]|10)/[0-9]{1,4}/[0-9]{1,4}$", example = "6/17/23")]
    region: Option<String>,
    /// What it shows: the place of the incident of this id. Of its network, where neither
    /// `provider` nor `network` is given.
    #[param(pattern = "^[0-9a-f]{16}$")]
    incident: Option<String>,
    /// Pixels from side to side, 1,200 where left out.
    #[param(minimum = 320, maximum = 1600)]
    width: Option<u16>,
    /// Pixels from top to bottom, 630 where left out.
    #[param(minimum = 320, maximum = 1600)]
    height: Option<u16>,
}

/// Parameters of a style, besides those of its tiles.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct StyleParams {
    /// `plain` for a plain ground, `none` for the overlay alone; `plain` where left out.
    #[param(inline)]
    base: Option<super::words::StyleBase>,
    /// Address of a server of fonts, with `{fontstack}` and `{range}` in it, for clients
    /// that ask for one.
    #[param(
        pattern = r"^https?://[^ ]*\{fontstack\}[^ ]*\{range\}[^ ]*$",
        example = "https://fonts.example/{fontstack}/{range}.pbf"
    )]
    glyphs: Option<String>,
}
