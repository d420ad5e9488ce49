//! A heatmap as columns: an array a property, a quarter of the size of plain JSON and
//! quicker to parse.

use super::Heatmap;
use super::cell::{Hex, rounded};
use super::head::HeatmapHead;
use crate::domain::assessment::{Assessment, Judgement};
use crate::domain::level::Level;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The properties of cells that may be asked for alone.
pub const FIELDS: [&str; 5] = ["hex", "count", "expected", "score", "level"];

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

/// Properties of cells: the n-th entry of every array is about the n-th cell. Those that
/// `fields` does not name are left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct CellColumns<'a> {
    /// Which cells.
    #[serde(serialize_with = "hexes", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Hex>>, nullable = false)]
    pub hex: Option<&'a Level>,
    /// Reports counted in each.
    #[serde(serialize_with = "counts", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<u32>>, nullable = false)]
    pub count: Option<&'a Level>,
    /// Reports to be expected in each; null as a whole where that is not known (see
    /// `/v1/heatmap`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Option<f64>>>, examples(json!(null)))]
    pub expected: Option<Column<f64>>,
    /// How surprising each count is, as −log10 of its probability on an ordinary day;
    /// null as a whole where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Option<f64>>>, examples(json!(null)))]
    pub score: Option<Column<f64>>,
    /// To colour a map by, 0 to 4; null as a whole where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Option<u8>>>, examples(json!(null)))]
    pub level: Option<Column<u8>>,
}

/// Properties of coarser cells: the n-th entry of every array is about the n-th cell. Those
/// that `fields` does not name are left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoarserColumns<'a> {
    /// Which cells; each index tells its resolution.
    #[serde(serialize_with = "coarser_hexes", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Hex>>, nullable = false)]
    pub hex: Option<&'a Level>,
    /// Reports counted in each that are in no finer cell.
    #[serde(serialize_with = "coarser_counts", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<u32>>, nullable = false)]
    pub count: Option<&'a Level>,
    /// As of `columns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Option<f64>>>, examples(json!(null)))]
    pub expected: Option<Column<f64>>,
    /// As of `columns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Option<f64>>>, examples(json!(null)))]
    pub score: Option<Column<f64>>,
    /// As of `columns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Option<u8>>>, examples(json!(null)))]
    pub level: Option<Column<u8>>,
}

/// What is known of cells: of their expected reports, scores and levels.
type Meanings = (Column<f64>, Column<f64>, Column<u8>);

/// A column of what is known of cells; null as a whole where that is not known.
pub type Column<T> = Option<Vec<Option<T>>>;

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
        let is_asked = |name| heatmap.fields.is_none_or(|fields| fields.contains(&name));
        let [hex, count] = ["hex", "count"].map(|name| is_asked(name).then_some(level));
        let asked = |(expected, score, levels): Meanings| {
            (
                is_asked("expected").then_some(expected),
                is_asked("score").then_some(score),
                is_asked("level").then_some(levels),
            )
        };
        let (expected, score, level) = asked(meanings(|assessment| &assessment.cells));
        let columns = CellColumns { hex, count, expected, score, level };
        let (expected, score, level) = asked(meanings(|assessment| &assessment.coarser));
        let coarser = CoarserColumns { hex, count, expected, score, level };
        Self { head: HeatmapHead::of(heatmap), columns, coarser }
    }
}

fn hexes<S: Serializer>(level: &Option<&Level>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(asked(level).rows().map(|(cell, _)| Hex(cell)))
}

fn counts<S: Serializer>(level: &Option<&Level>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(asked(level).rows().map(|(_, count)| count))
}

fn coarser_hexes<S: Serializer>(level: &Option<&Level>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(asked(level).coarser().iter().map(|(cell, _)| Hex(*cell)))
}

fn coarser_counts<S: Serializer>(level: &Option<&Level>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(asked(level).coarser().iter().map(|(_, count)| count))
}

/// A column that is left out is not written.
fn asked<'a>(level: &Option<&'a Level>) -> &'a Level {
    level.expect("who writes a column was asked for it")
}

#[cfg(test)]
mod tests {
    use crate::render::sample::{at, heatmap, level, parsed};
    use crate::render::{Heatmap, HeatmapFormat};
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
    fn columns_that_were_not_asked_for_are_left_out() {
        let level = level(7, &[(at(43.65, -79.38, 7), 12)], &[(at(43.65, -79.38, 3), 5)]);
        let asked = Heatmap { fields: Some(&["count", "level"]), ..heatmap(&level) };
        let answer = parsed(&asked, HeatmapFormat::Columns);
        assert_eq!(answer["columns"], json!({"count": [12], "level": null}));
        assert_eq!(answer["coarser"], json!({"count": [5], "level": null}));
    }

    #[test]
    fn an_empty_level_is_empty_columns() {
        let answer = parsed(&heatmap(&level(7, &[], &[])), HeatmapFormat::Columns);
        assert_eq!(answer["columns"]["hex"], json!([]));
        let none = json!({"hex": [], "count": [], "expected": null, "score": null, "level": null});
        assert_eq!(answer["coarser"], none);
    }
}
