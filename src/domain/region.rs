//! Regions: the one type for where something is asked about or happens.

use super::bbox::BoundingBox;
use super::cell_set::CellSet;
use super::grid::{Cell, Position};
use super::tile::Tile;
use std::hash::{Hash, Hasher};

/// A place on the earth. A cell belongs to a cell or a set of cells where it is one of
/// them or lies in one, and to a box or an area by its centre.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Region {
    /// Everywhere, reports without a place included.
    Everywhere,
    /// A cell and its descendants.
    Cell(Cell),
    /// A box of longitude and latitude.
    Box(BoundingBox),
    /// A tile of a web map. A cell belongs to each tile in which part of it lies.
    Tile(Tile),
    /// Cells of mixed resolutions.
    Cells(CellSet),
    /// An administrative area.
    Area(Area),
    /// What lies in both of them.
    Both(Box<(Self, Self)>),
}

/// An area that somebody else knows the borders of.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    /// Its code, by which areas are told apart.
    pub code: &'static str,
    /// Whether a position lies in the area of a code.
    pub contains: fn(code: &str, Position) -> bool,
    /// How a cell and all cells within, whose centres this box holds, lie to the area.
    pub lies: fn(code: &str, Cell, &BoundingBox) -> Lies,
}

/// What is known of a cell and all cells within, whatever their resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// None of them lies in the region.
    Outside,
    /// All of them do.
    Inside,
    /// Some may.
    Maybe,
}

impl Region {
    /// The region of these cells; or everywhere, whatever they are.
    #[must_use]
    pub fn new(cells: &[Cell], is_everywhere: bool) -> Self {
        if is_everywhere { Self::Everywhere } else { Self::Cells(cells.iter().copied().collect()) }
    }

    /// The cell in which all of it lies, where one was asked for.
    #[must_use]
    pub fn cell(&self) -> Option<Cell> {
        match self {
            Self::Cell(cell) => Some(*cell),
            Self::Both(both) => both.0.cell().or_else(|| both.1.cell()),
            _ => None,
        }
    }

    /// What lies in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everywhere, region) | (region, Self::Everywhere) => region,
            both => Self::Both(Box::new(both)),
        }
    }

    /// Whether a cell lies in it. A cell without a place lies everywhere, and in no box,
    /// area or single cell.
    #[must_use]
    pub fn contains(&self, cell: Cell) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Cells(cells) => cells.holds(cell),
            Self::Both(both) => both.0.contains(cell) && both.1.contains(cell),
            _ if cell.is_nowhere() => false,
            Self::Cell(around) => around.contains(cell),
            Self::Box(bbox) => bbox.contains(cell.centre()),
            Self::Tile(tile) => tile.meets(cell),
            Self::Area(area) => area.contains(cell.centre()),
        }
    }

    /// Whether one of these cells lies in it. Everywhere lies also what has no cells.
    #[must_use]
    pub fn contains_any(&self, cells: &[Cell]) -> bool {
        *self == Self::Everywhere || cells.iter().any(|cell| self.contains(*cell))
    }

    /// Whether they share a place. Two that are no cells (boxes, areas) are taken to,
    /// unless they are boxes apart.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everywhere, _) | (_, Self::Everywhere) => true,
            (Self::Both(both), region) | (region, Self::Both(both)) => {
                both.0.intersects(region) && both.1.intersects(region)
            }
            (Self::Cells(a), Self::Cells(b)) => a.overlaps(b),
            (Self::Box(a), Self::Box(b)) => a.intersects(b),
            (Self::Cell(cell), region) | (region, Self::Cell(cell)) => {
                region.contains(*cell) || region.cells().any(|inner| cell.contains(inner))
            }
            (Self::Cells(cells), region) | (region, Self::Cells(cells)) => {
                cells.iter().any(|cell| region.contains(cell))
            }
            (Self::Box(_) | Self::Tile(_) | Self::Area(_), _) => true,
        }
    }

    /// Whether they share a place, or cells of theirs lie next to each other.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cells(a), Self::Cells(b)) => a.meets(b),
            _ => self.intersects(other),
        }
    }

    /// Whether all of the other lies in it. False where that cannot be told: of areas, and
    /// of boxes in cells.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everywhere, _) => true,
            (Self::Both(both), _) => both.0.covers(other) && both.1.covers(other),
            (_, Self::Both(both)) => self.covers(&both.0) || self.covers(&both.1),
            (_, Self::Cell(cell)) => self.contains(*cell),
            (_, Self::Cells(cells)) => cells.iter().all(|cell| self.contains(cell)),
            (Self::Box(a), Self::Box(b)) => a.covers(b),
            (Self::Area(a), Self::Area(b)) => a == b,
            _ => false,
        }
    }

    /// The cells that it is made of; none where it is made of none.
    fn cells(&self) -> impl Iterator<Item = Cell> {
        let (one, many) = match self {
            Self::Cell(cell) => (Some(*cell), None),
            Self::Cells(cells) => (None, Some(cells)),
            _ => (None, None),
        };
        one.into_iter().chain(many.into_iter().flat_map(CellSet::iter))
    }
}

impl Area {
    fn contains(&self, position: Position) -> bool {
        (self.contains)(self.code, position)
    }

    /// How a cell and all cells within lie to it, of which this box holds the centres.
    #[must_use]
    pub fn lies(&self, cell: Cell, around: &BoundingBox) -> Lies {
        (self.lies)(self.code, cell, around)
    }
}

impl PartialEq for Area {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Area {}

impl Hash for Area {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.code.hash(state);
    }
}

#[cfg(test)]
mod tests;
