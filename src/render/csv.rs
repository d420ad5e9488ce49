//! A heatmap as lines: CSV (RFC 4180) for spreadsheets and kepler.gl, which opens a first
//! column `hex_id` as H3 by itself; and NDJSON, an object a line.

use super::Heatmap;
use super::cell::{CellFigures, Hex};
use super::table::{write_header, write_text};
use crate::domain::grid::Cell;
use serde::Serialize;
use std::io::Write;
use utoipa::ToSchema;

/// The columns of CSV, in their order. Those of whose counts it is follow them.
pub const COLUMNS: [&str; 6] = ["hex_id", "resolution", "count", "expected", "score", "level"];
/// The properties of NDJSON: those of [`LineJson`], in their order.
pub const PROPERTIES: [&str; 6] = ["hex", "resolution", "count", "expected", "score", "level"];

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

/// What may be said of a cell.
#[derive(Debug, Clone, Copy)]
enum Of {
    Hex,
    Resolution,
    Count,
    Expected,
    Score,
    Level,
}

impl Of {
    /// What a column or a property says; none where it says nothing of a cell.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "hex" | "hex_id" => Self::Hex,
            "resolution" => Self::Resolution,
            "count" => Self::Count,
            "expected" => Self::Expected,
            "score" => Self::Score,
            "level" => Self::Level,
            _ => return None,
        })
    }

    /// Writes it; what is not known is `unknown`.
    fn write(self, body: &mut Vec<u8>, cell: Cell, figures: &CellFigures, unknown: &str) {
        let number = match self {
            Self::Hex => return body.extend_from_slice(&Hex(cell).digits()),
            Self::Resolution => Some(f64::from(cell.resolution().number())),
            Self::Count => Some(f64::from(figures.count)),
            Self::Expected => figures.expected,
            Self::Score => figures.score,
            Self::Level => figures.level.map(f64::from),
        };
        match number {
            Some(number) => write!(body, "{number}").expect("memory takes every byte"),
            None => body.extend_from_slice(unknown.as_bytes()),
        }
    }
}

/// Writes a header, and a line a cell: those of the resolution asked for, then the coarser
/// ones. What is not known is empty. Whose counts they are stands in the first line.
pub fn write_csv(body: &mut Vec<u8>, heatmap: &Heatmap<'_>) {
    let all = || [&COLUMNS[..], &heatmap.credit.columns()].concat();
    let columns = heatmap.fields.map_or_else(all, <[&str]>::to_vec);
    write_header(body, &columns);
    let columns: Vec<(Option<Of>, &str)> =
        columns.into_iter().map(|name| (Of::named(name), name)).collect();
    for (n, (cell, figures)) in lines(heatmap).enumerate() {
        for (column, (of, name)) in columns.iter().enumerate() {
            if column > 0 {
                body.push(b',');
            }
            match of {
                Some(of) => of.write(body, cell, &figures, ""),
                None if n == 0 => {
                    write_text(body, heatmap.credit.of_column(name).unwrap_or_default());
                }
                None => {}
            }
        }
        body.extend_from_slice(b"\r\n");
    }
}

/// Writes an object a line, as [`write_csv`] does.
pub fn write_ndjson(body: &mut Vec<u8>, heatmap: &Heatmap<'_>) {
    let fields = heatmap.fields.map(|fields| {
        fields.iter().filter_map(|name| Some((*name, Of::named(name)?))).collect::<Vec<_>>()
    });
    for (cell, figures) in lines(heatmap) {
        if let Some(fields) = &fields {
            write_chosen(body, fields, (cell, figures));
        } else {
            let resolution = cell.resolution().number();
            super::write(body, &LineJson { hex: Hex(cell), resolution, figures });
        }
        body.push(b'\n');
    }
}

fn write_chosen(body: &mut Vec<u8>, fields: &[(&str, Of)], (cell, figures): (Cell, CellFigures)) {
    for (n, (name, of)) in fields.iter().enumerate() {
        body.push(if n == 0 { b'{' } else { b',' });
        let quote = if matches!(of, Of::Hex) { "\"" } else { "" };
        write!(body, "\"{name}\":{quote}").expect("memory takes every byte");
        of.write(body, cell, &figures, "null");
        body.extend_from_slice(quote.as_bytes());
    }
    body.push(b'}');
}

fn lines<'a>(heatmap: &Heatmap<'a>) -> impl Iterator<Item = (Cell, CellFigures)> + 'a {
    heatmap.rows().figures().chain(heatmap.rows().coarser())
}

#[cfg(test)]
mod tests {
    use crate::render::sample::{at, heatmap, level};
    use crate::render::table::Credit;
    use crate::render::{self, Heatmap, HeatmapFormat};

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

    #[test]
    fn lines_say_what_was_asked_for_in_that_order_and_whose_counts_they_are() {
        let (toronto, around) = (at(43.65, -79.38, 7), at(43.65, -79.38, 3));
        let level = level(7, &[(toronto, 12)], &[(around, 5)]);
        let credit = Credit { attribution: None, licence: Some("CC-BY-4.0, of 2024".into()) };
        let written = |fields, format| {
            let asked = Heatmap { fields, credit: &credit, ..heatmap(&level) };
            String::from_utf8(render::heatmap(&asked, format)).unwrap()
        };
        assert_eq!(
            written(None, HeatmapFormat::Csv),
            format!(
                "hex_id,resolution,count,expected,score,level,licence\r\n\
                 {toronto},7,12,,,,\"CC-BY-4.0, of 2024\"\r\n{around},3,5,,,,\r\n"
            )
        );
        assert_eq!(
            written(Some(&["count", "hex_id"]), HeatmapFormat::Csv),
            format!("count,hex_id\r\n12,{toronto}\r\n5,{around}\r\n")
        );
        assert_eq!(
            written(Some(&["level", "hex", "count"]), HeatmapFormat::Ndjson),
            format!(
                "{{\"level\":null,\"hex\":\"{toronto}\",\"count\":12}}\n\
                 {{\"level\":null,\"hex\":\"{around}\",\"count\":5}}\n"
            )
        );
    }
}
