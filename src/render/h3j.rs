//! A heatmap as H3J (github.com/INSPIDE/h3j-h3t): the features of its `GeoJSON` without
//! their geometry, a third of the size.

use super::Heatmap;
use super::cell::{CellFigures, Hex, Rows};
use super::head::HeatmapHead;
use crate::domain::grid::Cell;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// Counts per cell in one window, for maps that draw H3 cells themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeatmapH3j<'a> {
    /// What was asked for, and how fresh the answer is.
    pub metadata: HeatmapHead<'a>,
    /// First what is known only more coarsely than asked for, so that maps draw it below;
    /// then the cells of exactly this resolution.
    #[serde(serialize_with = "cells")]
    #[schema(value_type = Vec<H3jCell>)]
    pub cells: Rows<'a>,
}

/// One cell.
#[derive(Debug, Serialize, ToSchema)]
pub struct H3jCell {
    /// Which cell.
    pub h3id: Hex,
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

impl<'a> HeatmapH3j<'a> {
    /// The answer of that heatmap.
    #[must_use]
    pub fn of(heatmap: &Heatmap<'a>) -> Self {
        Self { metadata: HeatmapHead::of(heatmap), cells: heatmap.rows() }
    }
}

fn cells<S: Serializer>(rows: &Rows<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let coarser = rows.coarser().map(|(cell, figures)| h3j_cell(cell, figures, true));
    serializer.collect_seq(
        coarser.chain(rows.figures().map(|(cell, figures)| h3j_cell(cell, figures, false))),
    )
}

fn h3j_cell(cell: Cell, figures: CellFigures, coarser: bool) -> H3jCell {
    H3jCell { h3id: Hex(cell), figures, resolution: cell.resolution().number(), coarser }
}

#[cfg(test)]
mod tests {
    use crate::render::HeatmapFormat;
    use crate::render::sample::{at, heatmap, level, parsed};
    use serde_json::json;

    #[test]
    fn cells_of_the_asked_resolution_and_coarser_ones_are_told_apart() {
        let (here, around) = (at(43.65, -79.38, 7), at(43.65, -79.38, 3));
        let answer = parsed(&heatmap(&level(7, &[(here, 12)], &[(around, 5)])), HeatmapFormat::H3j);
        let cell = |hex: String, count, resolution, coarser| {
            json!({
                "h3id": hex, "count": count, "expected": null, "score": null, "level": null,
                "resolution": resolution, "coarser": coarser,
            })
        };
        assert_eq!(
            answer["cells"],
            json!([cell(around.to_string(), 5, 3, true), cell(here.to_string(), 12, 7, false)])
        );
    }

    #[test]
    fn it_has_no_members_but_those_of_the_format() {
        let answer = parsed(&heatmap(&level(7, &[], &[])), HeatmapFormat::H3j);
        assert_eq!(answer["cells"], json!([]));
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["cells", "metadata"]);
    }
}
