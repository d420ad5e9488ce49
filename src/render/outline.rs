//! The outline of many cells as a geometry of `GeoJSON` (RFC 7946), of a bounded number
//! of corners.

use crate::domain::grid::{Cell, Resolution};
use crate::domain::outline::of_cells;
use geo::{CoordsIter, LineString, MultiPolygon};
use serde::{Serialize, Serializer};
use std::sync::Arc;
use utoipa::ToSchema;

/// The outline of some cells.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Its parts.
    pub shape: MultiPolygon,
    /// To which resolution finer cells were rolled up so that it has not too many
    /// corners; none where they were not.
    pub rolled_up_to: Option<Resolution>,
}

/// An outline in degrees, longitude first: a part for each piece, its outer ring
/// counter-clockwise, its holes clockwise. Pieces that the antimeridian would cut are
/// two.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutlineGeometry {
    /// Always `MultiPolygon`, so that readers need not tell kinds apart.
    #[serde(rename = "type")]
    kind: MultiPolygonType,
    /// Rings by part.
    #[serde(serialize_with = "write_coordinates")]
    #[schema(value_type = Vec<Vec<Vec<Vec<f64>>>>)]
    coordinates: Arc<Outline>,
}

/// The kind of an outline's geometry.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub enum MultiPolygonType {
    /// Many polygons.
    MultiPolygon,
}

impl OutlineGeometry {
    /// The geometry of an outline.
    #[must_use]
    pub const fn of(outline: Arc<Outline>) -> Self {
        Self { kind: MultiPolygonType::MultiPolygon, coordinates: outline }
    }
}

impl Outline {
    /// The joined outline of these cells, with at most so many corners as far as rolling
    /// them up can bring that about.
    #[must_use]
    pub fn of(cells: &[Cell], most_corners: usize) -> Self {
        let (mut shape, mut rolled_up_to) = (of_cells(cells), None);
        let finest = cells.iter().map(|cell| cell.resolution().number()).max().unwrap_or_default();
        for coarser in Resolution::ALL.into_iter().rev().filter(|coarser| coarser.number() < finest)
        {
            if shape.coords_count() <= most_corners {
                break;
            }
            let rolled_up: Vec<Cell> =
                cells.iter().map(|cell| cell.rolled_up_to(coarser)).collect();
            (shape, rolled_up_to) = (of_cells(&rolled_up), Some(coarser));
        }
        Self { shape, rolled_up_to }
    }
}

fn write_coordinates<S: Serializer>(
    outline: &Arc<Outline>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let ring = |ring: &LineString| -> Vec<[f64; 2]> {
        ring.coords().map(|corner| [corner.x, corner.y]).collect()
    };
    serializer.collect_seq(outline.shape.iter().map(|part| {
        std::iter::once(part.exterior()).chain(part.interiors()).map(ring).collect::<Vec<_>>()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample::at;
    use geo::Validation;

    #[test]
    fn an_outline_of_too_many_corners_is_drawn_more_coarsely_and_says_so() {
        let ragged: Vec<Cell> =
            at(43.65, -79.38, 7).disk(6).into_iter().map(|(cell, _)| cell).step_by(2).collect();
        let whole = Outline::of(&ragged, 10_000);
        let bounded = Outline::of(&ragged, 100);
        assert_eq!((whole.rolled_up_to, bounded.rolled_up_to.is_some()), (None, true));
        assert!(whole.shape.coords_count() > 100 && bounded.shape.coords_count() <= 100);
        assert!(whole.shape.is_valid() && bounded.shape.is_valid());
    }

    #[test]
    fn an_outline_of_nothing_has_no_parts() {
        let geometry = OutlineGeometry::of(Arc::new(Outline::of(&[], 10)));
        assert_eq!(
            serde_json::to_string(&geometry).unwrap(),
            r#"{"type":"MultiPolygon","coordinates":[]}"#
        );
    }
}
