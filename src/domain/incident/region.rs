//! The regions of incidents: cells of mixed resolutions as one place.

pub use crate::domain::region::Region;

use crate::domain::grid::Cell;
use hashbrown::HashSet;

/// The cells of several places, sorted, without those that lie in another one.
#[must_use]
pub fn joined(cells: impl IntoIterator<Item = Cell>) -> Vec<Cell> {
    let all: HashSet<Cell> = cells.into_iter().collect();
    let in_another = |cell: &Cell| cell.ancestors().any(|coarser| all.contains(&coarser));
    let mut cells: Vec<Cell> = all.iter().filter(|cell| !in_another(cell)).copied().collect();
    cells.sort_unstable();
    cells
}
