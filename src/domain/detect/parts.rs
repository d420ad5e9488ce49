//! Parts of an episode: which of the cells that it names are joined to its core by
//! others, and which lie far from it.

use super::places::STEPS;
use super::scan::Scan;
use super::zone::REGION_LEVEL;
use crate::domain::cell_set::CellSet;
use crate::domain::grid::Cell;
use hashbrown::{HashMap, HashSet};

/// A part: its number among those of its episode.
pub type Part = usize;

/// The part that holds the core.
const CORE: Part = 0;

/// The named cells of an episode, in parts with more than [`STEPS`] steps between them.
#[derive(Debug)]
pub struct Parts {
    /// The cells of each, the core's first.
    cells: Vec<Vec<Cell>>,
    /// Parts by their cells, and by the cells of zones no larger than regions that these
    /// lie in.
    of: HashMap<Cell, Vec<Part>>,
    /// The parts that lie in a region, of each region that is one outage; none until it
    /// is asked for.
    in_regions: Option<HashSet<Vec<Part>>>,
}

impl Parts {
    /// The parts of these cells, some of which lie in the core.
    pub fn new(named: &[Cell], core: &[Cell], scan: &Scan) -> Self {
        let mut left: HashSet<Cell> = named.iter().copied().collect();
        let core: CellSet = core.iter().copied().collect();
        let in_core = left.extract_if(|cell| core.holds(*cell)).collect();
        let mut cells = vec![joined_to(in_core, &mut left, scan)];
        for cell in named {
            if left.remove(cell) {
                cells.push(joined_to(vec![*cell], &mut left, scan));
            }
        }
        let mut of: HashMap<Cell, Vec<Part>> = HashMap::new();
        for (part, cells) in cells.iter().enumerate() {
            for cell in
                cells.iter().flat_map(|cell| cell.with_ancestors().skip(usize::from(REGION_LEVEL)))
            {
                let parts = of.entry(cell).or_default();
                if parts.last() != Some(&part) {
                    parts.push(part);
                }
            }
        }
        Self { cells, of, in_regions: None }
    }

    /// The parts around a fine zone, where they lie far from the core and are not all
    /// that is named: an outage of its own. Else none.
    pub fn far(&self, zone: &[Cell]) -> Vec<Part> {
        // Most zones lie in the core, and hold no cell outside it.
        if self.cells.len() == 1
            || zone
                .iter()
                .find_map(|cell| self.of.get(cell))
                .is_some_and(|parts| parts.contains(&CORE))
        {
            return Vec::new();
        }
        let far = self.within(zone);
        let is_all = far.len() == self.cells.iter().filter(|cells| !cells.is_empty()).count();
        if is_all || far.first() == Some(&CORE) { Vec::new() } else { far }
    }

    /// Whether one of the regions holds some of these parts and others too.
    pub fn are_one_with_others<'a>(
        &mut self,
        parts: &[Part],
        regions: impl IntoIterator<Item = &'a Vec<Cell>>,
    ) -> bool {
        if self.in_regions.is_none() {
            self.in_regions = Some(regions.into_iter().map(|region| self.within(region)).collect());
        }
        let is_ours = |part: &Part| parts.contains(part);
        let mut in_regions = self.in_regions.iter().flatten();
        in_regions.any(|region| region.iter().any(is_ours) && !region.iter().all(is_ours))
    }

    /// The parts that have cells in a zone of these cells, sorted.
    fn within(&self, zone: &[Cell]) -> Vec<Part> {
        let mut within: Vec<Part> =
            zone.iter().filter_map(|cell| self.of.get(cell)).flatten().copied().collect();
        within.sort_unstable();
        within.dedup();
        within
    }

    /// The cells of these parts.
    pub fn cells<'a>(&'a self, parts: &'a [Part]) -> impl Iterator<Item = Cell> + 'a {
        parts.iter().flat_map(|part| self.cells[*part].iter().copied())
    }
}

/// These cells and all others that they are joined to; the others are taken out of those
/// that are left.
fn joined_to(seeds: Vec<Cell>, left: &mut HashSet<Cell>, scan: &Scan) -> Vec<Cell> {
    let mut found = seeds;
    let mut at = 0;
    while at < found.len() && !left.is_empty() {
        let near = scan.near(found[at], STEPS);
        found.extend(near.filter(|near| left.remove(near)));
        at += 1;
    }
    found
}
