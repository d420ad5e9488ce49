//! A view at one resolution: what a heatmap shows.

use super::grid::{Cell, Resolution};

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
        Self { resolution, cells, counts, coarser, unplaced: 0 }
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
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (Cell, u32)> + Clone + '_ {
        self.cells.iter().copied().zip(self.counts.iter().copied())
    }

    /// The same, and then the coarser ones.
    pub fn all_rows(&self) -> impl Iterator<Item = (Cell, u32)> + '_ {
        self.rows().chain(self.coarser.iter().copied())
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

    /// Bytes of memory it takes, beside the struct itself.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>()
            + self.counts.capacity() * size_of::<u32>()
            + self.coarser.capacity() * size_of::<(Cell, u32)>()
    }
}
