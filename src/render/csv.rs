//! A heatmap as lines: CSV (RFC 4180) for spreadsheets and kepler.gl, which opens a first
//! column `hex_id` as H3 by itself; and NDJSON, an object a line.

use super::Heatmap;
use super::cell::{CellFigures, Hex};
use crate::domain::grid::Cell;
use serde::Serialize;
use std::io::Write;
use utoipa::ToSchema;

/// The columns, in their order.
const COLUMNS: &str = "hex_id,resolution,count,expected,score,level";

/// A cell of a heatmap, a line each.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HeatmapLine)]
pub struct LineJson {
    /// Which cell.
    pub hex: Hex,
    /// Its H3 resolution: one that is lower than asked for says what is known, or shown,
    /// only more roughly, and in no finer cell.
    #[schema(minimum = 0, maximum = 8, examples(7))]
    pub resolution: u8,
    /// What is known of it.
    #[serde(flatten)]
    pub figures: CellFigures,
}

/// Writes a header, and a line a cell: those of the resolution asked for, then the coarser
/// ones. What is not known is empty.
pub fn write_csv(body: &mut Vec<u8>, heatmap: &Heatmap<'_>) {
    body.extend_from_slice(COLUMNS.as_bytes());
    body.extend_from_slice(b"\r\n");
    for (cell, figures) in lines(heatmap) {
        let CellFigures { count, expected, score, level } = figures;
        body.extend_from_slice(&Hex(cell).digits());
        let resolution = cell.resolution().number();
        write!(body, ",{resolution},{count}").expect("memory takes every byte");
        for number in [expected, score, level.map(f64::from)] {
            body.push(b',');
            if let Some(number) = number {
                write!(body, "{number}").expect("memory takes every byte");
            }
        }
        body.extend_from_slice(b"\r\n");
    }
}

/// Writes an object a line, as [`write_csv`] does.
pub fn write_ndjson(body: &mut Vec<u8>, heatmap: &Heatmap<'_>) {
    for (cell, figures) in lines(heatmap) {
        let line = LineJson { hex: Hex(cell), resolution: cell.resolution().number(), figures };
        super::write(body, &line);
        body.push(b'\n');
    }
}

fn lines<'a>(heatmap: &Heatmap<'a>) -> impl Iterator<Item = (Cell, CellFigures)> + 'a {
    heatmap.rows().figures().chain(heatmap.rows().coarser())
}

#[cfg(test)]
mod tests {
    use crate::render::sample::{at, heatmap, level};
    use crate::render::{self, HeatmapFormat};

    #[test]
    fn a_line_is_a_cell_and_what_is_not_known_is_empty() {
        let (toronto, around) = (at(43.65, -79.38, 7), at(43.65, -79.38, 3));
        let level = level(7, &[(toronto, 12)], &[(around, 5)]);
        let written =
            |format| String::from_utf8(render::heatmap(&heatmap(&level), format)).unwrap();
        assert_eq!(
            written(HeatmapFormat::Csv),
            format!(
                "hex_id,resolution,count,expected,score,level\r\n\
                 {toronto},7,12,,,\r\n{around},3,5,,,\r\n"
            )
        );
        assert_eq!(
            written(HeatmapFormat::Ndjson).lines().next().unwrap(),
            format!(
                "{{\"hex\":\"{toronto}\",\"resolution\":7,\"count\":12,\"expected\":null,\
                 \"score\":null,\"level\":null}}"
            )
        );
        assert_eq!(written(HeatmapFormat::Ndjson).lines().count(), 2);
    }
}
