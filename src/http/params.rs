//! Query parameters as the OpenAPI document describes them. `query.rs` reads them.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// Parameters of a report.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct ReportParams {
    /// The sender's clock on sending: corrects a clock that is over 2 min off. RFC 3339,
    /// or seconds or milliseconds since 1970.
    #[param(format = DateTime)]
    sent_at: Option<String>,
}

/// Parameters of a batch of reports.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct BatchParams {
    /// The sender's clock on sending: corrects a clock that is over 2 min off. RFC 3339,
    /// or seconds or milliseconds since 1970.
    #[param(format = DateTime)]
    sent_at: Option<String>,
    /// `all`: list every item, not only those of which there is something to say.
    #[param(inline)]
    results: Option<ResultsWord>,
}

/// Headers of a report or a batch.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "documents what the handlers read")]
pub struct SentAtHeader {
    /// The same as `sent_at`, which goes before it. One that cannot be read is ignored,
    /// with a warning.
    #[param(rename = "Sent-At", required = false, example = "2022-07-08T08:44:12Z")]
    sent_at: String,
}

/// Parameters of a heatmap.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct HeatmapParams {
    /// Id or alias of a provider: that brand alone. Either this or `network`.
    #[param(inline, example = "rogers")]
    provider: Option<IdWord>,
    /// A network: the sum of its brands.
    #[param(inline)]
    network: Option<IdWord>,
    /// How long, 1m to 24h; 15m where left out. The running minute is included.
    #[param(inline, example = "15m")]
    window: Option<LengthWord>,
    /// When the window ends, RFC 3339; now where left out. Aligned up to the whole
    /// minute.
    #[param(format = DateTime)]
    to: Option<String>,
    /// `west,south,east,north` in degrees. 176 to 182 and 176 to -178 both cross the
    /// antimeridian; 360 degrees or more are all longitudes; latitudes end at the poles.
    /// A cell belongs to it by its centre.
    #[param(inline, style = Form, explode = false, example = json!([-80, 43, -79, 44]))]
    bbox: Option<BboxWord>,
    /// A country or subdivision (ISO 3166): cells whose centre lies in it. Of most countries
    /// only the outer borders are known. With `bbox`, what lies in both.
    #[param(example = "CA-ON", pattern = "^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
    area: Option<String>,
    /// One symptom; all but `working` where left out.
    #[param(inline)]
    symptom: Option<super::words::SymptomWord>,
    /// H3 resolution of the cells, 0 to 8; 7 where neither this nor `zoom` is given.
    #[param(minimum = 0, maximum = 8)]
    resolution: Option<u8>,
    /// Zoom of a web map, 0 to 24, from which a resolution is chosen where none is given.
    #[param(minimum = 0, maximum = 24)]
    zoom: Option<f64>,
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

/// Parameters of what is written in columns or lines.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what the handlers read")]
pub struct FieldsParams {
    /// Names of columns or properties, joined by commas, in this order; all where left out.
    #[param(pattern = "^[a-z_]+(,[a-z_]+)*$")]
    fields: Option<String>,
}

/// Parameters of a place.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct PlaceParams {
    /// Degrees north.
    #[param(minimum = -90, maximum = 90, example = 43.65)]
    lat: f64,
    /// Degrees east.
    #[param(minimum = -180, maximum = 180, example = -79.38)]
    lon: f64,
}

/// Parameters of frames.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct FramesParams {
    /// Id or alias of a provider: that brand alone. All together where neither this nor
    /// `network` is given.
    #[param(inline)]
    provider: Option<IdWord>,
    /// A network: the sum of its brands.
    #[param(inline, example = "rogers")]
    network: Option<IdWord>,
    /// How long each frame counts, 1m to 24h; 1h where left out.
    #[param(inline, example = "1h")]
    window: Option<LengthWord>,
    /// The first frame ends then or after, RFC 3339; where left out a day before the last, or
    /// 96 steps where those are less.
    #[param(format = DateTime)]
    from: Option<String>,
    /// The last frame ends then or before, RFC 3339; now where left out.
    #[param(format = DateTime)]
    to: Option<String>,
    /// From one frame to the next, 1m to 1d; 15m where left out. At most 97 frames.
    #[param(inline, example = "15m")]
    step: Option<LengthWord>,
    /// One symptom; all but `working` where left out.
    #[param(inline)]
    symptom: Option<super::words::SymptomWord>,
    /// A tile, `z/x/y`, that the cells meet; everywhere where left out.
    #[param(pattern = "^(10|[0-9])/[0-9]{1,4}/[0-9]{1,4}$", example = "6/17/23")]
    region: Option<String>,
    /// H3 resolution of the cells, 0 to 8; 7 where neither this nor `zoom` is given. At most
    /// 5,000 cells.
    #[param(minimum = 0, maximum = 8)]
    resolution: Option<u8>,
    /// Zoom of a web map, 0 to 24, from which a resolution is chosen where none is given.
    #[param(minimum = 0, maximum = 24)]
    zoom: Option<f64>,
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

/// Parameters of a series.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct SeriesParams {
    /// Id or alias of a provider: that brand alone. Either this or `network`.
    #[param(inline, example = "rogers")]
    provider: Option<IdWord>,
    /// A network: the sum of its brands.
    #[param(inline)]
    network: Option<IdWord>,
    /// An H3 cell: it and its descendants. Either this or `bbox`; all cells where both
    /// are left out.
    #[param(inline)]
    cell: Option<CellWord>,
    /// `west,south,east,north` in degrees. 176 to 182 and 176 to -178 both cross the
    /// antimeridian; 360 degrees or more are all longitudes; latitudes end at the poles.
    /// A cell belongs to it by its centre.
    #[param(inline, style = Form, explode = false)]
    bbox: Option<BboxWord>,
    /// A country or subdivision (ISO 3166): cells whose centre lies in it. Of most countries
    /// only the outer borders are known. With `cell` or `bbox`, what lies in both.
    #[param(example = "CA-ON", pattern = "^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
    area: Option<String>,
    /// One symptom; all but `working` where left out.
    #[param(inline)]
    symptom: Option<super::words::SymptomWord>,
    /// The first minute, RFC 3339; a day before `to` where left out. Minutes are kept 14
    /// days, whole hours 8 weeks.
    #[param(format = DateTime)]
    from: Option<String>,
    /// The first minute after, RFC 3339; now where left out.
    #[param(format = DateTime)]
    to: Option<String>,
    /// How wide a point is, 1m to 1d; 5m where left out. At most 5,000 points.
    #[param(inline, example = "5m")]
    step: Option<LengthWord>,
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

/// Parameters of the series of a source.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct SourceSeriesParams {
    /// Id or alias of a provider; all together where left out.
    #[param(inline, example = "rogers")]
    provider: Option<IdWord>,
    /// One symptom; all, `working` among them, where left out.
    #[param(inline)]
    symptom: Option<super::words::SymptomWord>,
    /// The first minute, RFC 3339; the whole hour a day before `to` where left out. Minutes
    /// are kept 14 days, whole hours 8 weeks.
    #[param(format = DateTime)]
    from: Option<String>,
    /// The first minute after, RFC 3339; now where left out.
    #[param(format = DateTime)]
    to: Option<String>,
    /// How wide a point is, 1m to 1d; 1h where left out. At most 1,440 points.
    #[param(inline, example = "1h")]
    step: Option<LengthWord>,
}

/// Parameters of the probe.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct ReadyParams {
    /// `ingest`: whether reports can be recorded; `detection`: whether it sees the
    /// present.
    #[param(inline)]
    r#for: Option<ReadyForWord>,
}

/// Parameters of the list of providers.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct ProvidersParams {
    /// Those in this country (ISO 3166-1 alpha-2).
    #[param(example = "CA", pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// Those of this category.
    #[param(inline)]
    category: Option<super::words::CategoryWord>,
    /// Those on this network.
    #[param(inline)]
    network: Option<IdWord>,
    /// How many at most, 1 to 1,000; 100 where left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the last page ended: its `next_cursor`.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// True for every report where it was made: takes a key with the scope `exact`. No
    /// cache may keep such an answer.
    #[param(example = false)]
    exact: Option<bool>,
}

/// Parameters of the list of incidents.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct IncidentsParams {
    /// Those with a brand of this id or alias.
    #[param(inline, example = "fido")]
    provider: Option<IdWord>,
    /// Those of this network.
    #[param(inline)]
    network: Option<IdWord>,
    /// Those in one of these states, joined by commas: `possible`, `confirmed`,
    /// `recovering`, `resolved`, `withdrawn`.
    #[param(pattern = "^(possible|confirmed|recovering|resolved|withdrawn)\
                   (,(possible|confirmed|recovering|resolved|withdrawn))*$")]
    state: Option<String>,
    /// Those that went on at this instant or after it, RFC 3339.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Those that began before this instant, RFC 3339.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Those with a cell in it: `west,south,east,north` in degrees. 176 to 182 and 176 to
    /// -178 both cross the antimeridian; 360 degrees or more are all longitudes;
    /// latitudes end at the poles. A cell belongs to it by its centre.
    #[param(inline, style = Form, explode = false)]
    bbox: Option<BboxWord>,
    /// Those with a cell in this country or subdivision (ISO 3166), by its centre. Of
    /// most countries only the outer borders are known.
    #[param(example = "CA-ON", pattern = "^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
    area: Option<String>,
    /// Those whose strongest evidence scores as much.
    #[param(minimum = 0)]
    min_score: Option<f64>,
    /// As it was known at this instant, RFC 3339; those not known then are left out.
    #[param(format = DateTime)]
    known_at: Option<String>,
    /// Those of which something was published or noted at this instant or after it, RFC
    /// 3339; withdrawn ones, too.
    #[param(format = DateTime)]
    updated_since: Option<String>,
    /// How many at most, 1 to 1,000; 100 where left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the last page ended: its `next_cursor`.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// True for every report where it was made: takes a key with the scope `exact`. No
    /// cache may keep such an answer.
    #[param(example = false)]
    exact: Option<bool>,
}

/// Parameters of one incident.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct KnownAtParams {
    /// As it was known at this instant, RFC 3339; now where left out.
    #[param(format = DateTime)]
    known_at: Option<String>,
    /// True for every report where it was made: takes a key with the scope `exact`. No
    /// cache may keep such an answer.
    #[param(example = false)]
    exact: Option<bool>,
}

/// Parameters of the list of spikes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct SpikesParams {
    /// Those of this provider, by id or alias.
    #[param(inline, example = "fido")]
    provider: Option<IdWord>,
    /// Those of this network.
    #[param(inline)]
    network: Option<IdWord>,
    /// Those with a cell in it: `west,south,east,north` in degrees. 176 to 182 and 176 to
    /// -178 both cross the antimeridian; 360 degrees or more are all longitudes;
    /// latitudes end at the poles. A cell belongs to it by its centre.
    #[param(inline, style = Form, explode = false)]
    bbox: Option<BboxWord>,
    /// Those with a cell in this country or subdivision (ISO 3166), by its centre. Of
    /// most countries only the outer borders are known.
    #[param(example = "CA-ON", pattern = "^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
    area: Option<String>,
    /// Those that were listed at this instant or after it, RFC 3339: each provider and place
    /// once, as it scored most. Where only `to` is given, since they are kept.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Those that were listed before this instant, RFC 3339; now where left out.
    #[param(format = DateTime)]
    to: Option<String>,
    /// As they were listed at this instant, RFC 3339; with `from` or `to`, as far as they
    /// were by then.
    #[param(format = DateTime)]
    known_at: Option<String>,
    /// Those that score as much.
    #[param(minimum = 0)]
    min_score: Option<f64>,
    /// How many at most, 1 to 1,000; 100 where left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the last page ended: its `next_cursor`.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// True for every report where it was made: takes a key with the scope `exact`. No
    /// cache may keep such an answer.
    #[param(example = false)]
    exact: Option<bool>,
}

/// Parameters of the explanation of a cell.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct CellParams {
    /// Id or alias of a provider.
    #[param(inline, example = "rogers")]
    provider: IdWord,
    /// True for every report where it was made: takes a key with the scope `exact`. No
    /// cache may keep such an answer.
    #[param(example = false)]
    exact: Option<bool>,
}

/// Parameters of one provider.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct ExactParams {
    /// True for every report where it was made: takes a key with the scope `exact`. No
    /// cache may keep such an answer.
    #[param(example = false)]
    exact: Option<bool>,
}

/// Parameters of the list of keys.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct KeysParams {
    /// Those of this source.
    #[param(minimum = 0, maximum = 16_383)]
    source: Option<u16>,
    /// How many at most, 1 to 1,000; 100 where left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the last page ended: its `next_cursor`.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// Parameters of the list of sources.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct SourcesParams {
    /// How many at most, 1 to 1,000; 100 where left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the last page ended: its `next_cursor`.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// Parameters of the audit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct AuditParams {
    /// Changes from this instant on, RFC 3339; all where it is left out.
    #[param(format = DateTime)]
    since: Option<String>,
    /// How many at most, 1 to 1,000; 100 where left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the last page ended: its `next_cursor`.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// Which items are listed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "documents what Query reads")]
pub enum ResultsWord {
    /// Every one.
    All,
}

/// What it takes to be ready.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "documents what Query reads")]
pub enum ReadyForWord {
    /// Reports can be recorded.
    Ingest,
    /// Detection sees the present.
    Detection,
}

/// An id of the catalogue.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{0,63}$")]
#[expect(dead_code, reason = "documents what the catalogue reads")]
pub struct IdWord(String);

/// A cell.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^0?8[0-9a-fA-F]{14}$")]
#[expect(dead_code, reason = "documents what Cell reads")]
pub struct CellWord(String);

/// 1 to 1440 minutes, in minutes or hours, or a day.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    pattern = "^(([1-9][0-9]{0,2}|1[0-3][0-9]{2}|14[0-3][0-9]|1440)m|([1-9]|1[0-9]|2[0-4])h|1d)$"
)]
#[expect(dead_code, reason = "documents what Query reads")]
pub struct LengthWord(String);

/// A box in degrees: west, south, east, north. Plain numbers without bounds of their own:
/// generators of clients do not know lists of different items.
pub struct BboxWord;

impl ToSchema for BboxWord {}

impl PartialSchema for BboxWord {
    fn schema() -> RefOr<Schema> {
        let side = ObjectBuilder::new().schema_type(SchemaType::new(Type::Number));
        ArrayBuilder::new().items(side).min_items(Some(4)).max_items(Some(4)).into()
    }
}
