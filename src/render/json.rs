//! A heatmap as plain JSON: an object a cell.

use super::Heatmap;
use super::cell::{CellFigures, Hex, Rows};
use super::head::HeatmapHead;
use crate::domain::grid::Cell;
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
    #[schema(value_type = Vec<CoarserCell>)]
    pub coarser: &'a [(Cell, u32)],
}

/// One cell of the asked resolution.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeatmapCell {
    /// Which cell.
    pub hex: Hex,
    /// What is known of it.
    #[serde(flatten)]
    pub figures: CellFigures,
}

/// One cell coarser than asked for, because the reports in it were no more accurate.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoarserCell {
    /// Which cell; the index tells its resolution.
    pub hex: Hex,
    /// Reports counted in it that are in no finer cell.
    #[schema(examples(3))]
    pub count: u32,
}

impl<'a> HeatmapJson<'a> {
    /// The answer of that heatmap.
    #[must_use]
    pub fn of(heatmap: &Heatmap<'a>) -> Self {
        Self {
            head: HeatmapHead::of(heatmap),
            cells: heatmap.rows(),
            coarser: heatmap.level.coarser(),
        }
    }
}

fn cells<S: Serializer>(rows: &Rows<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer
        .collect_seq(rows.figures().map(|(cell, figures)| HeatmapCell { hex: Hex(cell), figures }))
}

fn coarser<S: Serializer>(rows: &&[(Cell, u32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        rows.iter().map(|(cell, count)| CoarserCell { hex: Hex(*cell), count: *count }),
    )
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
            "coarser": [{"hex": around.to_string(), "count": 5}],
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
