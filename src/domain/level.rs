//! A view at one resolution: what a heatmap shows.

use super::bbox::BoundingBox;
use super::grid::{Cell, Position, Resolution};
use super::region::{Region, part_within};
use std::sync::OnceLock;

/// Disjoint cells of one resolution with their counts, and what is known only more
/// coarsely.
#[derive(Debug, Clone)]
pub struct Level {
    resolution: Resolution,
    cells: Vec<Cell>,
    counts: Vec<u32>,
    coarser: Vec<(Cell, u32)>,
    /// Reports without a place.
    unplaced: u64,
    /// Centres of `cells`, made when a box is first asked for: they cost more than
    /// everything else here.
    centres: OnceLock<Vec<Position>>,
}

impl Level {
    /// A level of sorted cells, a count each, and sorted coarser rows.
    #[must_use]
    pub const fn new(
        resolution: Resolution,
        cells: Vec<Cell>,
        counts: Vec<u32>,
        coarser: Vec<(Cell, u32)>,
    ) -> Self {
        Self { resolution, cells, counts, coarser, unplaced: 0, centres: OnceLock::new() }
    }

    /// The same with so many reports that have no place.
    #[must_use]
    pub fn with_unplaced(self, unplaced: u64) -> Self {
        Self { unplaced, ..self }
    }

    /// Reports whose senders did not know where they were: in the total, and in no cell.
    #[must_use]
    pub const fn unplaced(&self) -> u64 {
        self.unplaced
    }

    /// Which resolution.
    #[must_use]
    pub const fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// How many cells, the coarser ones left out.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether it has no cell of its resolution.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Cells and counts, sorted.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (Cell, u32)> + Clone + '_ {
        self.cells.iter().copied().zip(self.counts.iter().copied())
    }

    /// What is known only more coarsely, sorted.
    #[must_use]
    pub fn coarser(&self) -> &[(Cell, u32)] {
        &self.coarser
    }

    /// All reports in it, the coarser ones and those without a place included.
    #[must_use]
    pub fn total(&self) -> u64 {
        let coarser = self.coarser.iter().map(|(_, count)| count);
        self.counts.iter().chain(coarser).map(|count| u64::from(*count)).sum::<u64>()
            + self.unplaced
    }

    /// The part that lies in a region. What has no place lies everywhere only.
    #[must_use]
    pub fn within(&self, region: &Region) -> Self {
        let (cells, counts) = match region {
            Region::Everywhere => return self.clone(),
            Region::Box(bbox) => self.rows_in_box(bbox),
            Region::Cell(around) => {
                let part = part_within(*around, &self.cells, |cell| *cell);
                (self.cells[part.clone()].to_vec(), self.counts[part].to_vec())
            }
            _ => self.rows().filter(|(cell, _)| region.contains(*cell)).unzip(),
        };
        let coarser = region.rows(&self.coarser).copied().collect();
        Self::new(self.resolution, cells, counts, coarser)
    }

    fn rows_in_box(&self, bbox: &BoundingBox) -> (Vec<Cell>, Vec<u32>) {
        let centres =
            self.centres.get_or_init(|| self.cells.iter().map(|cell| cell.centre()).collect());
        let inside = self.rows().zip(centres).filter(|(_, centre)| bbox.contains(**centre));
        inside.map(|(row, _)| row).unzip()
    }

    /// Bytes of memory it takes, beside the struct itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>()
            + self.counts.capacity() * size_of::<u32>()
            + self.coarser.capacity() * size_of::<(Cell, u32)>()
            + self.centres.get().map_or(0, |centres| centres.capacity() * size_of::<Position>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_takes_the_cells_and_the_coarser_ones_whose_centres_lie_in_it() {
        let at =
            |lat, lon, r| Cell::at(Position::new(lat, lon).unwrap(), Resolution::new(r).unwrap());
        let (toronto, fiji, ontario) =
            (at(43.65, -79.38, 7), at(-17.7, 178.0, 7), at(43.65, -79.38, 4));
        let mut rows = vec![(toronto, 3), (fiji, 5)];
        rows.sort_unstable();
        let (cells, counts) = rows.into_iter().unzip();
        let level = Level::new(Resolution::DEFAULT, cells, counts, vec![(ontario, 7)]);
        let canada = Region::Box(BoundingBox::new(-141.0, 41.0, -52.0, 84.0).unwrap());
        let part = level.within(&canada);
        assert_eq!(part.rows().collect::<Vec<_>>(), [(toronto, 3)]);
        assert_eq!((part.coarser(), part.total()), (&[(ontario, 7)][..], 10));
        assert_eq!(level.total(), 15);
        let of_cell = level.within(&Region::Cell(ontario));
        assert_eq!((of_cell.rows().collect::<Vec<_>>(), of_cell.total()), (vec![(toronto, 3)], 10));
        let with_unplaced = level.with_unplaced(100);
        assert_eq!((with_unplaced.total(), with_unplaced.within(&canada).total()), (115, 10));
    }
}
