//! The places of one resolution: every cell a provider was heard of in, what its windows
//! hold, and which of them are near each other.

use super::spread::Spread;
use crate::domain::baseline::PARTS;
use crate::domain::grid::Cell;
use crate::domain::time::Minute;
use hashbrown::HashMap;

/// The windows that are looked at, in minutes: each about 1.4 times the one before, so
/// that any duration is met within a fifth.
pub const WINDOWS: [i64; 13] = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480];
/// How many they are.
pub const W: usize = WINDOWS.len();
/// The windows in which late reports are looked at alone: the first so many, up to two
/// hours.
pub const LATE_W: usize = 9;
/// How many steps from its centre the largest zone of a resolution reaches: 37 cells,
/// about five of the next coarser resolution.
pub const STEPS: usize = 3;

/// Places of one resolution, in columns.
#[derive(Debug, Clone, Default)]
pub struct Places {
    index: HashMap<Cell, u32>,
    /// The cell of each.
    pub cells: Vec<Cell>,
    /// The place that it lies in, of the next coarser resolution.
    pub parents: Vec<u32>,
    near: Vec<Near>,
    /// Reports in each window that ends now.
    pub counts: Vec<[u32; W]>,
    /// Those of them that came late.
    pub late: Vec<[u32; LATE_W]>,
    /// The share of the provider's reports that falls to it, in each part of the day.
    pub shares: Vec<[f32; PARTS]>,
    /// Reports that the shares rest on.
    pub learnt: Vec<f32>,
    /// How zones around it scatter, by their steps.
    pub spread: Vec<[Spread; STEPS + 1]>,
    /// The step in which zones around it were last looked at.
    pub looked: Vec<u64>,
    /// Reports before this minute were explained by an episode that is over, and are in
    /// no window.
    pub explained: Vec<Minute>,
}

/// The places within [`STEPS`] steps, nearest first, in the order of their cells, itself
/// the first; and how many are within each number of steps.
#[derive(Debug, Clone, Default)]
struct Near {
    places: Vec<u32>,
    within: [u8; STEPS + 1],
}

impl Places {
    /// How many places there are.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// The place of a cell, where the provider was heard of in it.
    pub fn find(&self, cell: Cell) -> Option<u32> {
        self.index.get(&cell).copied()
    }

    /// The places up to so many steps from one.
    pub fn near(&self, place: u32, steps: usize) -> &[u32] {
        let near = &self.near[place as usize];
        &near.places[..usize::from(near.within[steps])]
    }

    /// The places that many steps from one, no more and no fewer.
    pub fn ring(&self, place: u32, steps: usize) -> &[u32] {
        let near = &self.near[place as usize];
        let inner = steps.checked_sub(1).map_or(0, |fewer| near.within[fewer]);
        &near.places[usize::from(inner)..usize::from(near.within[steps])]
    }

    /// How many cells lie within so many steps.
    pub const fn cells_within(steps: usize) -> usize {
        1 + 3 * steps * (steps + 1)
    }

    /// Makes the place of a cell, which has none yet, in a place of the next coarser
    /// resolution.
    pub fn make(&mut self, cell: Cell, parent: u32, (shares, learnt): ([f32; PARTS], f32)) -> u32 {
        let place = u32::try_from(self.cells.len()).expect("no resolution up to 7 has 2^32 cells");
        self.index.insert(cell, place);
        self.cells.push(cell);
        self.parents.push(parent);
        self.counts.push([0; W]);
        self.late.push([0; LATE_W]);
        self.shares.push(shares);
        self.learnt.push(learnt);
        self.spread.push(Default::default());
        self.looked.push(0);
        self.explained.push(Minute(i64::MIN));
        self.near.push(Near::default());
        let mut own = Near::default();
        for (other, away) in cell.disk(STEPS as u8) {
            let Some(other) = self.find(other) else { continue };
            own.insert(other, away, &self.cells);
            if other != place {
                self.near[other as usize].insert(place, away, &self.cells);
            }
        }
        self.near[place as usize] = own;
        place
    }

    /// Bytes of memory it takes, beside the struct itself.
    pub fn heap_bytes(&self) -> usize {
        let near: usize =
            self.near.iter().map(|near| near.places.capacity() * size_of::<u32>()).sum();
        let columns = size_of::<Cell>()
            + size_of::<u32>()
            + size_of::<Near>()
            + size_of::<[u32; W]>()
            + size_of::<[u32; LATE_W]>()
            + size_of::<[f32; PARTS]>()
            + size_of::<f32>()
            + size_of::<[Spread; STEPS + 1]>()
            + size_of::<u64>()
            + size_of::<Minute>();
        near + self.cells.capacity() * columns + self.index.allocation_size()
    }
}

impl Near {
    /// In the order of cells, not of arrival: sums over them must not depend on who was
    /// heard of first.
    fn insert(&mut self, place: u32, away: u8, cells: &[Cell]) {
        let away = usize::from(away);
        let from = if away == 0 { 0 } else { usize::from(self.within[away - 1]) };
        let as_near = &self.places[from..usize::from(self.within[away])];
        let at =
            from + as_near.partition_point(|other| cells[*other as usize] < cells[place as usize]);
        self.places.insert(at, place);
        self.within[away..].iter_mut().for_each(|end| *end += 1);
    }
}
