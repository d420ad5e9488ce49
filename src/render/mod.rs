//! What was found, as bytes: a domain view in, an answer's body out, one file a format.
//! No I/O, no clock, no HTTP.
//!
//! The types that are serialised here are the wire types of the API; their field docs are
//! its documentation.

#![expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option_ref,
    reason = "serde hands every field to its writer by reference, references too"
)]

pub mod audit;
pub mod cell;
pub mod columns;
pub mod coverage;
pub mod csv;
mod digest;
pub mod evidence;
pub mod explained_line;
pub mod explanation;
pub mod frames;
pub mod geojson;
pub mod h3j;
pub mod head;
pub mod incident;
pub mod incident_detail;
pub mod incident_geojson;
pub mod incident_line;
pub mod incident_row;
pub mod json;
pub mod key;
pub mod map;
pub mod mvt;
pub mod note;
pub mod outline;
pub mod place;
pub mod privacy;
#[cfg(test)]
mod sample;
pub mod severity;
pub mod source;
pub mod spike;
pub mod spike_geojson;
pub mod spike_line;
pub mod style;
pub mod svg;
pub mod table;
pub mod tilejson;
pub mod time;
pub mod timeline;
pub mod void;

pub use digest::{digest, digest_of};

use crate::domain::assessment::Assessment;
use crate::domain::level::Level;
use crate::domain::privacy::rule::Rule;
use crate::domain::time::{Timestamp, Window};
use cell::Rows;
use serde::Serialize;
use table::{Credit, LineFormat};

/// All that a heatmap's answer says.
#[derive(Debug, Clone, Copy)]
pub struct Heatmap<'a> {
    /// Whose reports.
    pub subject: Subject<'a>,
    /// Observed when.
    pub window: Window,
    /// The instant up to which reports are in it.
    pub as_of: Timestamp,
    /// Whether the store is away, and this is the last that was known.
    pub stale: bool,
    /// By which rule reports are shown; none where all are.
    pub privacy: Option<Rule>,
    /// Cells and counts.
    pub level: &'a Level,
    /// What they mean, where that is known.
    pub assessment: Option<&'a Assessment>,
    /// What is said of cells, in this order, in columns and lines; all where there is none.
    pub fields: Option<&'a [&'static str]>,
    /// Of whose counts it is, for CSV.
    pub credit: &'a Credit,
}

impl<'a> Heatmap<'a> {
    /// Its cells, with what their counts mean.
    #[must_use]
    pub const fn rows(&self) -> Rows<'a> {
        Rows { level: self.level, assessment: self.assessment }
    }
}

/// Whom a heatmap is about, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// One provider.
    Provider(&'a str),
    /// All brands of one network together.
    Network(&'a str),
    /// All brands together.
    All,
}

/// How a heatmap is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeatmapFormat {
    /// An object a cell: easy to read.
    Json,
    /// An array a property: small and quick to parse.
    Columns,
    /// Cells as polygons (RFC 7946), for any map.
    GeoJson,
    /// Cells without their geometry, for maps that know H3.
    H3j,
    /// A line a cell, for spreadsheets.
    Csv,
    /// An object a line, for programs that read streams.
    Ndjson,
}

impl HeatmapFormat {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Json, Self::Columns, Self::GeoJson, Self::H3j, Self::Csv, Self::Ndjson];

    /// Its media type. Columns and H3J have none of their own.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::Columns | Self::H3j => "application/json",
            Self::GeoJson => "application/geo+json",
            Self::Csv => LineFormat::Csv.content_type(),
            Self::Ndjson => LineFormat::Ndjson.content_type(),
        }
    }

    /// What a path that asks for it ends with.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Json => "",
            Self::Columns => ".columns.json",
            Self::GeoJson => ".geojson",
            Self::H3j => ".h3j",
            Self::Csv => ".csv",
            Self::Ndjson => ".ndjson",
        }
    }

    /// What may be chosen of what it says of cells; nothing where there is no choice.
    #[must_use]
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Json | Self::GeoJson | Self::H3j => &[],
            Self::Columns => &columns::FIELDS,
            Self::Csv => &csv::COLUMNS,
            Self::Ndjson => &csv::PROPERTIES,
        }
    }

    /// About how long a cell is, so that the body is allocated once.
    const fn bytes_per_cell(self) -> usize {
        match self {
            Self::Json => 84,
            Self::Columns => 24,
            Self::GeoJson => 400,
            Self::H3j => 116,
            Self::Csv => 40,
            Self::Ndjson => 96,
        }
    }
}

/// The body of an answer.
#[must_use]
pub fn heatmap(heatmap: &Heatmap<'_>, format: HeatmapFormat) -> Vec<u8> {
    const HEAD_BYTES: usize = 512;
    let cells = heatmap.level.len() + heatmap.level.coarser().len();
    let mut body = Vec::with_capacity(HEAD_BYTES + cells * format.bytes_per_cell());
    match format {
        HeatmapFormat::Json => write(&mut body, &json::HeatmapJson::of(heatmap)),
        HeatmapFormat::Columns => write(&mut body, &columns::HeatmapColumns::of(heatmap)),
        HeatmapFormat::GeoJson => write(&mut body, &geojson::HeatmapGeoJson::of(heatmap)),
        HeatmapFormat::H3j => write(&mut body, &h3j::HeatmapH3j::of(heatmap)),
        HeatmapFormat::Csv => csv::write_csv(&mut body, heatmap),
        HeatmapFormat::Ndjson => csv::write_ndjson(&mut body, heatmap),
    }
    body
}

fn write(body: &mut Vec<u8>, answer: &impl Serialize) {
    serde_json::to_writer(body, answer)
        .expect("wire types have text keys, and memory takes every byte");
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::OpenApi;

    #[derive(OpenApi)]
    #[openapi(components(schemas(
        json::HeatmapJson,
        columns::HeatmapColumns,
        geojson::HeatmapGeoJson,
        h3j::HeatmapH3j,
        csv::LineJson,
        frames::FramesJson,
        tilejson::TileJson,
        incident_detail::IncidentDetail,
        incident_geojson::IncidentsGeoJson,
        spike::SpikeJson,
        spike_geojson::SpikesGeoJson,
        explanation::ExplanationJson,
        void::VoidJson,
    )))]
    struct Answers;

    /// Names of the properties in a schema, however deep, that have no description. The
    /// tag of a geometry needs none.
    fn undocumented(schema: &serde_json::Value) -> Vec<String> {
        let properties: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
        // That of what may be null stands beside its reference.
        let is_described = |property: &serde_json::Value| {
            let mut either = property["oneOf"].as_array().into_iter().flatten();
            property["description"].is_string()
                || either.any(|part| part["description"].is_string())
        };
        let bare =
            properties.iter().filter(|(name, property)| *name != "type" && !is_described(property));
        let bare: Vec<String> = bare.map(|(name, _)| (*name).clone()).collect();
        let parts = ["allOf", "oneOf"]
            .into_iter()
            .flat_map(|of| schema[of].as_array().into_iter().flatten());
        let inner = properties
            .iter()
            .map(|(_, property)| *property)
            .chain(parts)
            .chain(schema.get("items"));
        bare.into_iter().chain(inner.flat_map(undocumented)).collect()
    }

    #[test]
    fn every_property_of_every_answer_is_documented() {
        let schemas = serde_json::to_value(Answers::openapi().components.unwrap().schemas).unwrap();
        for (name, schema) in schemas.as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name}");
            assert_eq!(undocumented(schema), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn formats_differ_by_their_suffix() {
        let mut suffixes = HeatmapFormat::ALL.map(HeatmapFormat::suffix).to_vec();
        suffixes.sort_unstable();
        suffixes.dedup();
        assert_eq!(suffixes.len(), HeatmapFormat::ALL.len());
    }
}
