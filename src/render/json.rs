//! A heatmap as plain JSON: an object a cell.

use super::Heatmap;
use super::cell::{CellFigures, Hex, Rows};
use super::head::HeatmapHead;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// Counts per cell in one window.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeatmapJson<'a> {
    /// What was asked for, and how fresh the answer is.
    #[serde(flatten)]
    pub head: HeatmapHead<'a>,
    /// Cells of exactly this resolution in which something was reported, sorted by index.
    /// At most 50,000.
    #[serde(serialize_with = "cells")]
    #[schema(value_type = Vec<HeatmapCell>)]
    pub cells: Rows<'a>,
    /// What is known only more coarsely than asked for, sorted by index. Not contained in
    /// `cells`, though it may lie around some of them.
    #[serde(serialize_with = "coarser")]
    #[schema(value_type = Vec<HeatmapCell>)]
    pub coarser: Rows<'a>,
}

/// One cell. A coarser one than was asked for holds what is in no finer cell: its reports
/// were no more accurate, or too few people were heard of in a smaller place.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeatmapCell {
    /// Which cell.
    pub hex: Hex,
    /// What is known of it.
    #[serde(flatten)]
    pub figures: CellFigures,
}

impl<'a> HeatmapJson<'a> {
    /// The answer of that heatmap.
    #[must_use]
    pub fn of(heatmap: &Heatmap<'a>) -> Self {
        Self { head: HeatmapHead::of(heatmap), cells: heatmap.rows(), coarser: heatmap.rows() }
    }
}

fn cells<S: Serializer>(rows: &Rows<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer
        .collect_seq(rows.figures().map(|(cell, figures)| HeatmapCell { hex: Hex(cell), figures }))
}

fn coarser<S: Serializer>(rows: &Rows<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer
        .collect_seq(rows.coarser().map(|(cell, figures)| HeatmapCell { hex: Hex(cell), figures }))
}

#[cfg(test)]
mod tests {
    use crate::render::HeatmapFormat;
    use crate::render::sample::{at, heatmap, level, parsed};
    use serde_json::json;

    #[test]
    fn an_answer_has_the_shape_that_was_promised() {
        let (here, around) = (at(43.65, -79.38, 7), at(43.65, -79.38, 3));
        let level = level(7, &[(here, 12)], &[(around, 5)]);
        let expected = json!({
            "provider": "rogers",
            "window": {"from": "2022-07-08T08:30:00Z", "to": "2022-07-08T08:45:00Z"},
            "resolution": 7,
            "as_of": "2022-07-08T08:44:12Z",
            "stale": false,
            "privacy": {"k": 3, "finest": 7},
            "total": 17,
            "unplaced": 0,
            "cells": [
                {
                    "hex": here.to_string(), "count": 12,
                    "expected": null, "score": null, "level": null,
                },
            ],
            "coarser": [
                {
                    "hex": around.to_string(), "count": 5,
                    "expected": null, "score": null, "level": null,
                },
            ],
        });
        assert_eq!(parsed(&heatmap(&level), HeatmapFormat::Json), expected);
    }

    #[test]
    fn what_is_coarser_is_never_listed_among_the_cells() {
        let level = level(7, &[], &[(at(43.65, -79.38, 3), 5)]);
        let answer = parsed(&heatmap(&level), HeatmapFormat::Json);
        assert_eq!((&answer["cells"], &answer["total"]), (&json!([]), &json!(5)));
    }

    #[test]
    fn an_empty_level_is_two_empty_arrays() {
        let answer = parsed(&heatmap(&level(7, &[], &[])), HeatmapFormat::Json);
        assert_eq!((&answer["cells"], &answer["coarser"]), (&json!([]), &json!([])));
    }
}
