//! A heatmap as columns: an array a property, a quarter of the size of plain JSON and
//! quicker to parse.

use super::Heatmap;
use super::cell::{Hex, rounded};
use super::head::HeatmapHead;
use crate::domain::assessment::{Assessment, Judgement};
use crate::domain::level::Level;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// Counts per cell in one window, in columns.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeatmapColumns<'a> {
    /// What was asked for, and how fresh the answer is.
    #[serde(flatten)]
    pub head: HeatmapHead<'a>,
    /// Cells of exactly this resolution in which something was reported, sorted by index.
    /// At most 50,000.
    pub columns: CellColumns<'a>,
    /// What is known only more coarsely than asked for, sorted by index.
    pub coarser: CoarserColumns<'a>,
}

/// Properties of cells: the n-th entry of every array is about the n-th cell.
#[derive(Debug, Serialize, ToSchema)]
pub struct CellColumns<'a> {
    /// Which cells.
    #[serde(serialize_with = "hexes")]
    #[schema(value_type = Vec<Hex>)]
    pub hex: &'a Level,
    /// Reports counted in each.
    #[serde(serialize_with = "counts")]
    #[schema(value_type = Vec<u32>)]
    pub count: &'a Level,
    /// Reports to be expected in each; null as a whole where that is not known (see
    /// `/v1/heatmap`).
    #[schema(required = true, examples(json!(null)))]
    pub expected: Option<Vec<Option<f64>>>,
    /// How surprising each count is, as −log10 of its probability on an ordinary day;
    /// null as a whole where that is not known.
    #[schema(required = true, examples(json!(null)))]
    pub score: Option<Vec<Option<f64>>>,
    /// To colour a map by, 0 to 4; null as a whole where that is not known.
    #[schema(required = true, examples(json!(null)))]
    pub level: Option<Vec<Option<u8>>>,
}

/// Properties of coarser cells: the n-th entry of every array is about the n-th cell.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoarserColumns<'a> {
    /// Which cells; each index tells its resolution.
    #[serde(serialize_with = "coarser_hexes")]
    #[schema(value_type = Vec<Hex>)]
    pub hex: &'a Level,
    /// Reports counted in each that are in no finer cell.
    #[serde(serialize_with = "coarser_counts")]
    #[schema(value_type = Vec<u32>)]
    pub count: &'a Level,
    /// As of `columns`.
    #[schema(required = true, examples(json!(null)))]
    pub expected: Option<Vec<Option<f64>>>,
    /// As of `columns`.
    #[schema(required = true, examples(json!(null)))]
    pub score: Option<Vec<Option<f64>>>,
    /// As of `columns`.
    #[schema(required = true, examples(json!(null)))]
    pub level: Option<Vec<Option<u8>>>,
}

/// What is known of cells: of their expected reports, scores and levels.
type Meanings = (Option<Vec<Option<f64>>>, Option<Vec<Option<f64>>>, Option<Vec<Option<u8>>>);

impl<'a> HeatmapColumns<'a> {
    /// The answer of that heatmap.
    #[must_use]
    pub fn of(heatmap: &Heatmap<'a>) -> Self {
        let (level, assessment) = (heatmap.level, heatmap.assessment);
        let meanings = |judged: fn(&Assessment) -> &[Judgement]| -> Meanings {
            let Some(assessment) = assessment else { return (None, None, None) };
            let column = |of: fn(&Judgement) -> Option<f64>| {
                judged(assessment).iter().map(|one| of(one).map(rounded)).collect()
            };
            let levels = || judged(assessment).iter().map(|one| one.level).collect();
            let is_known = assessment.is_known;
            (
                Some(column(|one| one.expected)),
                is_known.then(|| column(|one| one.score)),
                is_known.then(levels),
            )
        };
        let (expected, score, levels) = meanings(|assessment| &assessment.cells);
        let columns = CellColumns { hex: level, count: level, expected, score, level: levels };
        let (expected, score, levels) = meanings(|assessment| &assessment.coarser);
        let coarser = CoarserColumns { hex: level, count: level, expected, score, level: levels };
        Self { head: HeatmapHead::of(heatmap), columns, coarser }
    }
}

fn hexes<S: Serializer>(level: &&Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(level.rows().map(|(cell, _)| Hex(cell)))
}

fn counts<S: Serializer>(level: &&Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(level.rows().map(|(_, count)| count))
}

fn coarser_hexes<S: Serializer>(level: &&Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(level.coarser().iter().map(|(cell, _)| Hex(*cell)))
}

fn coarser_counts<S: Serializer>(level: &&Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(level.coarser().iter().map(|(_, count)| count))
}

#[cfg(test)]
mod tests {
    use crate::render::HeatmapFormat;
    use crate::render::sample::{at, heatmap, level, parsed};
    use serde_json::json;

    #[test]
    fn the_nth_entries_of_all_columns_are_about_the_nth_cell() {
        let (toronto, fiji, around) =
            (at(43.65, -79.38, 7), at(-17.7, 178.0, 7), at(43.65, -79.38, 3));
        let level = level(7, &[(toronto, 12), (fiji, 2)], &[(around, 5)]);
        let answer = parsed(&heatmap(&level), HeatmapFormat::Columns);
        let hex = [toronto.to_string(), fiji.to_string()];
        assert_eq!(
            answer["columns"],
            json!({"hex": hex, "count": [12, 2], "expected": null, "score": null, "level": null})
        );
        assert_eq!(
            answer["coarser"],
            json!({
                "hex": [around.to_string()], "count": [5],
                "expected": null, "score": null, "level": null,
            })
        );
    }

    #[test]
    fn an_empty_level_is_empty_columns() {
        let answer = parsed(&heatmap(&level(7, &[], &[])), HeatmapFormat::Columns);
        assert_eq!(answer["columns"]["hex"], json!([]));
        let none = json!({"hex": [], "count": [], "expected": null, "score": null, "level": null});
        assert_eq!(answer["coarser"], none);
    }
}
