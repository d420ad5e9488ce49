//! Reports as the OpenAPI document describes them. `wire/raw.rs` reads them.

use serde::Deserialize;
use utoipa::ToSchema;

/// A report that a provider's service does not work, or does again: `provider` or `plmn`
/// says whose service, `lat` and `lon` or `cell` say where. Fields that are not listed
/// here are ignored, with a warning.
///
/// What does not change the meaning of a report is taken, too: numbers as strings, `id`,
/// `reporter_id` and `plmn` as numbers, a byte order mark, a field and its older name
/// that say the same, `plmn` with the `provider` that it belongs to, `lat` and `lon` with
/// a `cell` that holds them.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "documents what RawReport reads")]
#[schema(example = json!({
    "provider": "rogers", "symptom": "no_service", "lat": 43.6532, "lon": -79.3832,
    "accuracy_m": 35.0, "reporter_id": "b7e2c1d0-6c1f-4f7a-9d0e-3f1a2b4c5d6e", "id": "r-1",
}))]
pub struct ReportBody {
    /// Id or alias of a provider listed at `/v1/providers`. Needed where `plmn` is left
    /// out.
    #[schema(example = "rogers", pattern = "^[a-z0-9][a-z0-9-]{0,63}$")]
    provider: Option<String>,
    /// Mobile country and network code of the provider. Needed where `provider` is left
    /// out. `302-720` and the number 302720 are taken, too. What phones send that do not
    /// know it (`65535…`, `--`, zeros) is ignored where `provider` is given; alone it is
    /// `missing_field`.
    #[schema(example = json!(null), pattern = "^[0-9]{5,6}$")]
    plmn: Option<String>,
    /// What does not work, one of the words of `symptom` at `/v1/heatmap`; or `working`.
    /// Case, blanks, `-` and `_` do not matter. `works`, `ok` and `fine` are `working`. A
    /// word that may mean `working` (within two letters of it, or `works again`) counts
    /// nowhere: its outcome is `ignored`. Any other word counts as `other`, so does one
    /// that holds `work` and a negation. Older name: `kind`.
    #[schema(example = "no_service", min_length = 1, max_length = 64)]
    symptom: String,
    /// Degrees north (WGS 84), together with `lon`. Needed where `cell` is left out. The
    /// position is kept only as the H3 cell that its accuracy supports. 0, 0 is what
    /// phones send that do not know theirs: it counts in the provider's total and in no
    /// cell.
    #[schema(example = 43.6532, minimum = -90, maximum = 90)]
    lat: Option<f64>,
    /// Degrees east, together with `lat`.
    #[schema(example = -79.3832, minimum = -180, maximum = 180)]
    lon: Option<f64>,
    /// Radius in metres in which the phone is with a probability of 68 %: the coarser,
    /// the larger the cell. 0, a negative number or none that is finite is what phones
    /// say that know none: it counts as unknown (a cell of resolution 6), with a warning.
    #[schema(example = 35.0)]
    accuracy_m: Option<f64>,
    /// H3 index of a cell, instead of `lat` and `lon`. One finer than resolution 8 is
    /// rolled up; with `accuracy_m`, too, the coarser of both counts. `0x` before it and
    /// decimal digits are taken, too. Send a string: a number loses its last digits in
    /// JavaScript.
    #[schema(example = json!(null), pattern = "^0?8[0-9a-fA-F]{14}$")]
    cell: Option<String>,
    /// When it was noticed, by the phone's clock; now where left out. At most 48 h ago.
    /// Clients that retry send it, so that a retry is harmless. A number is seconds since
    /// 1970 below 100,000,000,000, else milliseconds (or, each a thousand times that,
    /// microseconds or nanoseconds).
    #[schema(example = json!(null), format = DateTime)]
    observed_at: Option<String>,
    /// Random string per installation, which the app may rotate. Kept only as a keyed
    /// hash that changes daily. Older name: `device_id`. An id that many phones send
    /// (blank, `null`, zeros) counts once a minute and cell, and is no evidence of an
    /// outage.
    #[schema(example = "b7e2c1d0-6c1f-4f7a-9d0e-3f1a2b4c5d6e", max_length = 128)]
    reporter_id: String,
    /// The caller's own id of this report: only echoed.
    #[schema(example = "r-1", max_length = 128)]
    id: Option<String>,
}

/// Reports, each a JSON object on a line of its own. Blank lines are passed over.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    pattern = "\\S",
    example = "{\"provider\":\"rogers\",\"symptom\":\"no_service\",\"lat\":43.6532,\
               \"lon\":-79.3832,\"reporter_id\":\"b7e2c1d0\"}\n\
               {\"provider\":\"fido\",\"symptom\":\"no_data\",\"cell\":\"882b9bc293fffff\",\
               \"reporter_id\":\"0d4f1a7c\"}\n"
)]
#[expect(dead_code, reason = "documents what a batch may be")]
pub struct ReportLines(String);
