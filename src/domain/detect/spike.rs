//! Spikes: where a provider has more reports now than chance explains, whether or not
//! that is enough for an episode.

use super::episode::Evidence;
use super::others::Others;
use super::places::{Places, W, WINDOWS};
use super::scan::{LEVELS, Place};
use super::zone::Zone;
use super::{Detector, LEAST_SCORE};
use crate::domain::cell_set::CellSet;
use crate::domain::grid::Cell;
use hashbrown::HashSet;

/// Spikes that are given.
pub const MOST_SPIKES: usize = 100;
/// Zones whose floods are bounded in search of them: of more, many are of one flood.
const MOST_BOUNDED: usize = 300;
/// Around places with reports in this window, of a quarter of an hour.
const RECENT: usize = 2;
const _: () = assert!(WINDOWS[RECENT] == 15);

/// A zone with too many reports in its most surprising window.
#[derive(Debug, Clone, PartialEq)]
pub struct Spike {
    /// The zone, its flood bounded.
    pub evidence: Evidence,
    /// The cells in it that reports of its window came from, as finely as they are known,
    /// sorted; none where it is everywhere.
    pub cells: Vec<Cell>,
    /// The score at which it would open an episode.
    pub opens_at: f64,
}

impl Detector {
    /// Every zone near what was reported in the last quarter of an hour that scores at
    /// least 3.5, the strongest first, at most [`MOST_SPIKES`]. A zone that shares a cell
    /// with a stronger one is left out; everywhere, which shares all, hides none.
    ///
    /// Scores all these zones anew, whether or not anything came since: as dear as a look
    /// at a minute in which all of them reported.
    pub fn spikes_now(&mut self, others: &Others<'_>) -> Vec<Spike> {
        let Some(now) = self.scan.now() else { return Vec::new() };
        let mut recent: Vec<Place> = Vec::new();
        for level in 0..LEVELS {
            let counts = self.scan.levels[level].counts.iter().zip(0..);
            recent.extend(
                counts
                    .filter(|(counts, _)| counts[RECENT] > 0)
                    .map(|(_, place)| (level as u8, place)),
            );
        }
        self.scan.step += 1;
        let zones = if recent.is_empty() {
            Vec::new()
        } else {
            self.scan.zones(&recent, others, LEAST_SCORE, &self.parameters)
        };
        let (mut spikes, mut taken, mut bounded) = (Vec::new(), Taken::default(), 0);
        let mut sources = Sources::default();
        for zone in &zones {
            let cells = self.scan.cells_of(zone);
            if spikes.len() == MOST_SPIKES || bounded == MOST_BOUNDED {
                break;
            }
            if cells.iter().any(|cell| taken.shares(*cell)) {
                continue;
            }
            bounded += 1;
            let zone = self
                .scan
                .bounded(*zone, now, &self.parameters)
                .filter(|zone| zone.score >= LEAST_SCORE);
            if let Some(zone) = zone {
                taken.take(&cells);
                let cells = sources.within(&cells, self.scan.levels.as_slice(), zone.window);
                spikes.push(self.spike(&zone, cells));
            }
        }
        spikes.sort_by(|a, b| b.evidence.score.total_cmp(&a.evidence.score));
        spikes
    }

    fn spike(&self, zone: &Zone, cells: Vec<Cell>) -> Spike {
        let now = self.scan.now().expect("zones are of a scan that has begun");
        Spike { evidence: self.scan.evidence(zone, now), cells, opens_at: self.opens_at(zone) }
    }
}

/// Where the reports of each window came from: a large zone often scores most, and says
/// little of where.
#[derive(Debug, Default)]
struct Sources {
    /// Sorted: places with reports in which no finer place has any.
    by_window: [Option<Vec<Cell>>; W],
}

impl Sources {
    /// Those within cells of one resolution, sorted.
    fn within(&mut self, cells: &[Cell], levels: &[Places], window: usize) -> Vec<Cell> {
        let sources = self.by_window[window].get_or_insert_with(|| sources(levels, window));
        let of_cell = |cell: &Cell| {
            // Descendants sort just before their ancestor.
            let end = sources.partition_point(|source| source <= cell);
            let begin =
                sources[..end].iter().rev().take_while(|source| cell.contains(**source)).count();
            &sources[end - begin..end]
        };
        let mut found: Vec<Cell> = cells.iter().flat_map(of_cell).copied().collect();
        found.sort_unstable();
        found
    }
}

fn sources(levels: &[Places], window: usize) -> Vec<Cell> {
    let mut found: Vec<Cell> = Vec::new();
    // Of the next finer resolution: which of their parents have a source within.
    let mut parents: HashSet<u32> = HashSet::new();
    for places in levels.iter().rev() {
        let mut grandparents = HashSet::new();
        for (n, place) in (0..places.len()).zip(0_u32..) {
            let has_finer = parents.contains(&place);
            if has_finer || places.counts[n][window] > 0 {
                grandparents.insert(places.parents[n]);
            }
            if !has_finer && places.counts[n][window] > 0 {
                found.push(places.cells[n]);
            }
        }
        parents = grandparents;
    }
    found.sort_unstable();
    found
}

/// Cells of spikes.
#[derive(Debug, Default)]
struct Taken {
    cells: CellSet,
    /// They and all their ancestors.
    around: HashSet<Cell>,
}

impl Taken {
    fn take(&mut self, cells: &[Cell]) {
        self.cells.extend(cells.iter().copied());
        self.around.extend(cells.iter().copied().flat_map(Cell::with_ancestors));
    }

    /// Whether a cell is one of them, or lies in one, or one lies in it.
    fn shares(&self, cell: Cell) -> bool {
        self.around.contains(&cell) || self.cells.holds(cell)
    }
}
