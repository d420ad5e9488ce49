//! A heatmap as `GeoJSON` (RFC 7946): a polygon a cell, for any map.
//!
//! Written by hand-made types, since those of the geojson crate hold a map on the heap
//! for every feature; tests read it back with that crate.

use super::Heatmap;
use super::cell::{CellFigures, Hex, Rows};
use super::head::HeatmapHead;
use crate::domain::grid::Cell;
use crate::domain::outline;
use geo::Polygon;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// Counts per cell in one window as polygons. The head's members are foreign members as
/// RFC 7946 allows them (section 6.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct HeatmapGeoJson<'a> {
    /// Always `FeatureCollection`.
    #[serde(rename = "type")]
    pub kind: FeatureCollectionType,
    /// What was asked for, and how fresh the answer is.
    #[serde(flatten)]
    pub head: HeatmapHead<'a>,
    /// First what is known only more coarsely than asked for, so that maps draw it below;
    /// then the cells of exactly this resolution.
    #[serde(serialize_with = "features")]
    #[schema(value_type = Vec<CellFeature>)]
    pub features: Rows<'a>,
}

/// Always `FeatureCollection`.
#[derive(Debug, Serialize, ToSchema)]
pub enum FeatureCollectionType {
    /// The only one.
    FeatureCollection,
}

/// One cell.
#[derive(Debug, Serialize, ToSchema)]
pub struct CellFeature {
    /// Always `Feature`.
    #[serde(rename = "type")]
    pub kind: FeatureType,
    /// Which cell, so that a map can keep its state from answer to answer.
    pub id: Hex,
    /// Its outline.
    pub geometry: CellGeometry,
    /// What is known of it.
    pub properties: CellProperties,
}

/// Always `Feature`.
#[derive(Debug, Serialize, ToSchema)]
pub enum FeatureType {
    /// The only one.
    Feature,
}

/// A cell's outline in degrees, longitude first, rounded to six decimals (about 0.1 m),
/// counter-clockwise.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type")]
pub enum CellGeometry {
    /// A cell in one piece.
    Polygon {
        /// One closed ring.
        coordinates: Vec<Vec<[f64; 2]>>,
    },
    /// A cell cut by the antimeridian.
    MultiPolygon {
        /// One closed ring a piece.
        coordinates: Vec<Vec<Vec<[f64; 2]>>>,
    },
}

/// What is known of a cell.
#[derive(Debug, Serialize, ToSchema)]
pub struct CellProperties {
    /// Which cell, for maps that do not pass on ids.
    pub hex: Hex,
    /// What is known of it.
    #[serde(flatten)]
    pub figures: CellFigures,
    /// Its H3 resolution.
    #[schema(minimum = 0, maximum = 8, examples(7))]
    pub resolution: u8,
    /// Whether it is coarser than asked for: its reports were no more accurate, or too few
    /// people were heard of in a smaller place.
    #[schema(examples(false))]
    pub coarser: bool,
}

impl<'a> HeatmapGeoJson<'a> {
    /// The answer of that heatmap.
    #[must_use]
    pub fn of(heatmap: &Heatmap<'a>) -> Self {
        Self {
            kind: FeatureCollectionType::FeatureCollection,
            head: HeatmapHead::of(heatmap),
            features: heatmap.rows(),
        }
    }
}

fn features<S: Serializer>(rows: &Rows<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let coarser = rows.coarser().map(|(cell, figures)| feature(cell, figures, true));
    serializer.collect_seq(
        coarser.chain(rows.figures().map(|(cell, figures)| feature(cell, figures, false))),
    )
}

fn feature(cell: Cell, figures: CellFigures, coarser: bool) -> CellFeature {
    let resolution = cell.resolution().number();
    let properties = CellProperties { hex: Hex(cell), figures, resolution, coarser };
    CellFeature { kind: FeatureType::Feature, id: Hex(cell), geometry: geometry(cell), properties }
}

fn geometry(cell: Cell) -> CellGeometry {
    match outline::of_cell(cell).0.as_slice() {
        [whole] => CellGeometry::Polygon { coordinates: rings(whole) },
        pieces => CellGeometry::MultiPolygon { coordinates: pieces.iter().map(rings).collect() },
    }
}

fn rings(piece: &Polygon) -> Vec<Vec<[f64; 2]>> {
    vec![piece.exterior().coords().map(|corner| [corner.x, corner.y]).collect()]
}

#[cfg(test)]
mod tests {
    use crate::domain::level::Level;
    use crate::render::sample::{at, heatmap, level, parsed};
    use crate::render::{HeatmapFormat, heatmap as body};
    use ::geojson::feature::Id;
    use ::geojson::{FeatureCollection, GeometryValue};
    use geo::{Area, MultiPolygon, Validation};

    fn read_back(level: &Level) -> FeatureCollection {
        let text = String::from_utf8(body(&heatmap(level), HeatmapFormat::GeoJson)).unwrap();
        text.parse::<::geojson::GeoJson>().unwrap().try_into().unwrap()
    }

    #[test]
    fn outlines_are_valid_polygons_over_the_antimeridian_the_poles_and_pentagons_too() {
        // Toronto, Fiji where the antimeridian cuts it, both poles, a place inside a
        // pentagon.
        for (lat, lon) in
            [(43.65, -79.38), (-16.8, 179.999), (90.0, 0.0), (-90.0, 0.0), (64.7, 10.536)]
        {
            for resolution in 0..=8 {
                let collection =
                    read_back(&level(resolution, &[(at(lat, lon, resolution), 1)], &[]));
                let geometry = collection.features[0].geometry.clone().unwrap();
                let outline = match geo::Geometry::<f64>::try_from(geometry).unwrap() {
                    geo::Geometry::Polygon(polygon) => MultiPolygon::from(polygon),
                    geo::Geometry::MultiPolygon(pieces) => pieces,
                    other => panic!("{other:?}"),
                };
                assert!(outline.is_valid(), "{lat} {lon} {resolution}: {outline:?}");
                assert!(outline.iter().all(|piece| piece.signed_area() > 0.0), "counter-clockwise");
            }
        }
    }

    #[test]
    fn a_cell_that_the_antimeridian_cuts_is_a_multi_polygon() {
        let collection =
            read_back(&level(4, &[(at(43.65, -79.38, 4), 1), (at(-16.8, 179.999, 4), 1)], &[]));
        let kinds: Vec<_> = collection
            .features
            .iter()
            .map(|f| f.geometry.as_ref().unwrap().value.type_name())
            .collect();
        assert_eq!(kinds, ["Polygon", "MultiPolygon"]);
    }

    #[test]
    fn coordinates_have_six_decimals_at_most() {
        let collection = read_back(&level(7, &[(at(43.65, -79.38, 7), 1)], &[]));
        let GeometryValue::Polygon { coordinates } =
            &collection.features[0].geometry.as_ref().unwrap().value
        else {
            panic!()
        };
        for degrees in coordinates[0].iter().flat_map(::geojson::Position::as_slice) {
            assert!(
                degrees.to_string().split('.').nth(1).is_none_or(|decimals| decimals.len() <= 6),
                "{degrees}"
            );
        }
    }

    #[test]
    fn coarser_cells_are_features_too_marked_and_drawn_first() {
        let (here, around) = (at(43.65, -79.38, 7), at(43.65, -79.38, 3));
        let collection = read_back(&level(7, &[(here, 12)], &[(around, 5)]));
        let plain = |n: usize| {
            let (feature, of) = (&collection.features[n], |name| {
                collection.features[n].property(name).unwrap().clone()
            });
            (
                feature.id.clone().unwrap(),
                of("hex"),
                of("count"),
                of("resolution"),
                of("coarser"),
                of("expected"),
            )
        };
        for (n, cell, count, resolution, coarser) in
            [(0, around, 5, 3, true), (1, here, 12, 7, false)]
        {
            let hex = cell.to_string();
            let expected = (
                Id::String(hex.clone()),
                hex.into(),
                count.into(),
                resolution.into(),
                coarser.into(),
                ().into(),
            );
            assert_eq!(plain(n), expected);
        }
    }

    #[test]
    fn the_head_is_told_in_foreign_members() {
        let members = read_back(&level(7, &[], &[])).foreign_members.unwrap();
        assert_eq!(
            members.keys().collect::<Vec<_>>(),
            ["as_of", "privacy", "provider", "resolution", "stale", "total", "unplaced", "window"]
        );
    }

    #[test]
    fn an_empty_level_is_an_empty_collection() {
        assert_eq!(
            parsed(&heatmap(&level(7, &[], &[])), HeatmapFormat::GeoJson)["features"],
            serde_json::json!([])
        );
    }
}
