//! Coverage as clients see it: a tile, and a word for a cell.

use super::cell::{Hex, rounded};
use super::mvt::hexagons;
use crate::domain::coverage::Covered;
use crate::domain::grid::Cell;
use crate::domain::tile::Tile;
use fast_mvt::{MvtTileBuilder, MvtValueRef};
use serde::Serialize;
use utoipa::ToSchema;

/// The layer of tiles of coverage.
pub const LAYER: &str = "coverage";
/// Its properties, each with what it says.
pub const FIELDS: [(&str, &str); 3] = [
    ("hex", "String. H3 index of the cell: the id to promote."),
    ("usual", "Number. Reports of an ordinary day, from it and from no finer cell of the tile."),
    ("resolution", "Number. H3 resolution of the cell."),
];

/// How a cell is covered: whether it would be noticed if a provider failed there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Coverage)]
pub struct CoverageJson {
    /// Whether it is.
    pub state: CoverageWord,
    /// The cell in which enough reports come on ordinary days: it, or one around it; null
    /// where too few come.
    #[schema(required = true, example = "842b9bdffffffff")]
    pub cell: Option<Hex>,
    /// Reports of an ordinary day from there; null where too few come.
    #[schema(required = true, example = 12.4)]
    pub usual: Option<f64>,
}

/// Whether it would be noticed if a provider failed somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CoverageState)]
#[serde(rename_all = "snake_case")]
pub enum CoverageWord {
    /// It would: reports come from there on ordinary days.
    Covered,
    /// It would not: too few people ever reported from there. No report is no news.
    TooFew,
    /// Groundswell itself did not run in part of the window. No report is no news.
    NotRunning,
}

impl CoverageJson {
    /// How a cell is covered, where the service ran or did not.
    #[must_use]
    pub fn of(covered: Option<Covered>, is_running: bool) -> Self {
        let state = match covered {
            _ if !is_running => CoverageWord::NotRunning,
            Some(_) => CoverageWord::Covered,
            None => CoverageWord::TooFew,
        };
        Self {
            state,
            cell: covered.map(|covered| Hex(covered.cell)),
            usual: covered.map(|covered| rounded(covered.usual)),
        }
    }
}

/// The bytes of a tile of covered cells; none where nothing is on it.
#[must_use]
pub fn tile(tile: Tile, rows: &[(Cell, f64)]) -> Vec<u8> {
    let mut bytes = MvtTileBuilder::new();
    if !rows.is_empty() {
        let layer = bytes.layer(LAYER).expect("it has a name");
        let cells = rows.iter().copied();
        bytes = hexagons(layer, tile, cells, |cell, usual, tag| {
            tag("usual", MvtValueRef::Float(rounded(*usual) as f32));
            tag("resolution", MvtValueRef::UInt(cell.resolution().number().into()));
        })
        .end();
    }
    bytes.encode()
}
