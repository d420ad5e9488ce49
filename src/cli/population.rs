//! The file of `--population`: lines of an area's code, or an H3 cell, and its inhabitants.

use crate::domain::grid::Cell;
use crate::domain::population::{Populated, Population};
use crate::gazetteer::{AreaCode, areas_at};
use anyhow::{Context, anyhow, ensure};
use std::path::Path;

/// Bytes that are read at most: five million cells.
const MOST_BYTES: u64 = 128 << 20;
/// Inhabitants of a line at most: more than there are.
const MOST_INHABITANTS: u64 = 10_000_000_000;
/// What a first line may say instead of an area.
const HEADERS: [&str; 4] = ["area", "cell", "hex_id", "code"];

/// Reads such a file.
///
/// # Errors
/// Where it cannot be read, or a line of it: named by line and column.
pub fn read(path: &Path) -> anyhow::Result<Population> {
    let place = || format!("--population: {}", path.display());
    let bytes = std::fs::metadata(path).with_context(place)?.len();
    ensure!(bytes <= MOST_BYTES, "{}: at most {MOST_BYTES} bytes, got {bytes}", place());
    let text = std::fs::read_to_string(path).with_context(place)?;
    parse(&text).with_context(place)
}

fn parse(text: &str) -> anyhow::Result<Population> {
    let mut population = Population::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (n, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let at = |column: usize, expected: &str, got: &str| {
            let got: String = got.chars().take(40).collect();
            anyhow!("line {}, column {column}: expected {expected}, got {got:?}", n + 1)
        };
        let columns: Vec<&str> = line.split(',').map(unquoted).collect();
        let [what, inhabitants] = columns[..] else {
            let column = if columns.len() < 2 { 2 } else { 3 };
            let got = columns.get(2).copied().unwrap_or_default();
            return Err(at(column, "an area or a cell, and its inhabitants", got));
        };
        if n == 0 && HEADERS.contains(&&*what.to_lowercase()) {
            continue;
        }
        let populated = populated(what).map_err(|expected| at(1, &expected, what))?;
        let number = inhabitants.parse().ok().filter(|number| *number <= MOST_INHABITANTS);
        let expected = "a whole number of inhabitants, 0 to 10000000000";
        let number = number.ok_or_else(|| at(2, expected, inhabitants))?;
        population.add(populated, number).map_err(|repeated| at(1, &repeated.to_string(), what))?;
    }
    if let Some(cell) = population.overlapping() {
        let line = text.lines().position(|line| line.contains(&cell.to_string()));
        let line = line.map_or(0, |line| line + 1);
        let expected = "a cell that lies in none of another line";
        return Err(anyhow!("line {line}, column 1: expected {expected}, got {cell}"));
    }
    Ok(population.with_areas_of_cells(|cell| {
        areas_at(cell.centre()).into_iter().map(|area| area.as_str().to_owned()).collect()
    }))
}

fn unquoted(column: &str) -> &str {
    let column = column.trim();
    column.strip_prefix('"').and_then(|column| column.strip_suffix('"')).unwrap_or(column)
}

/// What a line is about, or what was expected.
fn populated(what: &str) -> Result<Populated, String> {
    if let Ok(cell) = Cell::parse(what) {
        return Ok(Populated::Cell(cell));
    }
    match AreaCode::parse(what) {
        Ok(area) => Ok(Populated::Area(area.as_str().to_owned())),
        Err(error) => Err(format!("an H3 cell, or an area ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_and_cells_have_inhabitants_and_what_is_said_of_an_area_goes_before_its_cells() {
        let text = "\u{feff}area,inhabitants\r\nCA-ON,15000000\r\n\"872b9bc29ffffff\", \"1200\"\n\n\
                    872b9bc2bffffff,800\n";
        let population = parse(text).unwrap();
        let of = ["CA-ON", "CA", "CA-QC"].map(|code| population.of(code));
        assert_eq!(of, [Some(15_000_000), Some(2_000), None]);
        assert!(!population.is_empty() && Population::default().is_empty());
    }

    #[test]
    fn a_bad_line_is_named_by_line_and_column() {
        let rows = [
            ("CA,1\nCA-XX,1", "line 2, column 1", "CA-XX"),
            ("DE-BY,1", "line 1, column 1", "ask for DE"),
            ("CA,many", "line 1, column 2", "many"),
            ("CA,-1", "line 1, column 2", "-1"),
            ("CA,1.5", "line 1, column 2", "1.5"),
            ("CA,99999999999", "line 1, column 2", "whole number"),
            ("CA", "line 1, column 2", "inhabitants"),
            ("CA,1,2", "line 1, column 3", "2"),
            ("CA,1\nUS,2\nCA,1", "line 3, column 1", "no line before"),
            ("area,inhabitants\narea,inhabitants", "line 2, column 1", "area"),
            ("872b9bc29ffffff,1\n862b9bc2fffffff,5", "line 1, column 1", "872b9bc29ffffff"),
        ];
        for (text, place, named) in rows {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(place) && error.contains(named), "{text:?}: {error}");
        }
    }
}
