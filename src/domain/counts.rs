//! The facts of one provider in one minute (or hour), in columns.

use super::cell_set::CellSet;
use super::fact::{FactKey, Tally};
use super::grid::{Cell, Resolution};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;
use std::sync::LazyLock;

/// Facts in columns: a row a key. Cheap to add to while it is young; [`Counts::settle`]
/// sorts it and gives the spare memory back.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    keys: Vec<FactKey>,
    tallies: Vec<Tally>,
    /// Row numbers by key; absent while the rows are sorted and found by bisection.
    index: Option<HashTable<u32>>,
}

/// Seeded, since callers choose the cells that are hashed here.
static HASHER: LazyLock<hashbrown::DefaultHashBuilder> =
    LazyLock::new(hashbrown::DefaultHashBuilder::default);

fn hash(key: FactKey) -> u64 {
    HASHER.hash_one(key.number())
}

impl Counts {
    /// Counts from rows in any order; rows of one key are added up.
    #[must_use]
    pub fn from_rows(mut rows: Vec<(FactKey, Tally)>) -> Self {
        rows.sort_unstable_by_key(|(key, _)| *key);
        rows.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = kept.1.plus(later.1);
            }
            same
        });
        let (keys, tallies) = rows.into_iter().unzip();
        Self { keys, tallies, index: None }
    }

    /// Adds to the row of `key`.
    pub fn add(&mut self, key: FactKey, tally: Tally) {
        let Self { keys, tallies, index } = self;
        let index = index.get_or_insert_with(|| index_of(keys));
        match index.entry(
            hash(key),
            |row| keys[*row as usize] == key,
            |row| hash(keys[*row as usize]),
        ) {
            Entry::Occupied(row) => {
                let tally_there = &mut tallies[*row.get() as usize];
                *tally_there = tally_there.plus(tally);
            }
            Entry::Vacant(slot) => {
                slot.insert(
                    u32::try_from(keys.len()).expect("a minute holds fewer than 2^32 facts"),
                );
                keys.push(key);
                tallies.push(tally);
            }
        }
    }

    /// Sorts the rows and drops what only adding needs. A later addition is welcome, but
    /// costs one pass over the rows.
    pub fn settle(&mut self) {
        if self.index.take().is_some() {
            *self = Self::from_rows(self.rows().collect());
            self.keys.shrink_to_fit();
            self.tallies.shrink_to_fit();
        }
    }

    /// Whether nothing was added since it last settled.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.index.is_none()
    }

    /// The rows, in no order unless settled.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (FactKey, Tally)> + '_ {
        self.keys.iter().copied().zip(self.tallies.iter().copied())
    }

    /// Gives every row that lies in one of these cells, which do not lie in each other,
    /// in no order. Quick where the rows are settled.
    pub fn each_within(&self, cells: &[Cell], mut each: impl FnMut(FactKey, Tally)) {
        if self.is_settled() {
            for cell in cells {
                let packed = cell.packed_within();
                let first = self.keys.partition_point(|key| key.cell().packed() < *packed.start());
                let rows = self.keys[first..].iter().zip(&self.tallies[first..]);
                rows.take_while(|(key, _)| packed.contains(&key.cell().packed()))
                    .for_each(|(key, tally)| each(*key, *tally));
            }
            return;
        }
        let cells: CellSet = cells.iter().copied().collect();
        self.rows()
            .filter(|(key, _)| cells.holds(key.cell()))
            .for_each(|(key, tally)| each(key, tally));
    }

    /// How many rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds every row of `other`, with cells no finer than `resolution`.
    pub fn add_rolled_up(&mut self, other: &Self, resolution: Resolution) {
        for (key, tally) in other.rows() {
            self.add(key.rolled_up_to(resolution), tally);
        }
    }

    /// Bytes of memory it takes, beside the struct itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let index = self.index.as_ref().map_or(0, HashTable::allocation_size);
        self.keys.capacity() * size_of::<FactKey>()
            + self.tallies.capacity() * size_of::<Tally>()
            + index
    }
}

fn index_of(keys: &[FactKey]) -> HashTable<u32> {
    let mut index = HashTable::with_capacity(keys.len() + 1);
    for (row, key) in (0_u32..).zip(keys) {
        index.insert_unique(hash(*key), row, |row| hash(keys[*row as usize]));
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::{Lane, Source};
    use crate::domain::grid::Position;
    use crate::domain::symptom::Symptom;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn key(place: u8, symptom: u8) -> FactKey {
        let position = Position::new(f64::from(place) / 3.0, 179.0).unwrap();
        let symptom = Symptom::from_number(symptom).unwrap();
        FactKey::new(Cell::at(position, Resolution::FINEST), symptom, Lane::OnTime, Source(0))
    }

    fn sorted(counts: &Counts) -> Vec<(FactKey, Tally)> {
        let mut rows: Vec<_> = counts.rows().collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        rows
    }

    proptest! {
        #[test]
        fn adding_in_any_order_and_settling_at_any_moment_gives_the_same_totals(
            additions in
                prop::collection::vec((0_u8..20, 0_u8..12, 1_u32..9, prop::bool::ANY), 0..200)
        ) {
            let mut expected: BTreeMap<FactKey, Tally> = BTreeMap::new();
            let (mut forward, mut backward) = (Counts::default(), Counts::default());
            for (place, symptom, count, settle) in &additions {
                let tally = Tally { count: *count, first: 1 };
                let entry = expected.entry(key(*place, *symptom)).or_default();
                *entry = entry.plus(tally);
                forward.add(key(*place, *symptom), tally);
                if *settle {
                    forward.settle();
                }
            }
            for (place, symptom, count, _) in additions.iter().rev() {
                backward.add(key(*place, *symptom), Tally { count: *count, first: 1 });
            }
            let expected: Vec<_> = expected.into_iter().collect();
            prop_assert_eq!(&sorted(&forward), &expected);
            prop_assert_eq!(&sorted(&backward), &expected);
            forward.settle();
            prop_assert_eq!(forward.rows().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn settled_or_not_the_same_rows_lie_within_cells() {
        let mut counts = Counts::default();
        for place in 0..60 {
            counts.add(key(place, place % 12), Tally { count: u32::from(place) + 1, first: 1 });
            let coarse = key(place, 0).rolled_up_to(Resolution::ALL[usize::from(place % 9)]);
            counts.add(coarse, Tally { count: 1, first: 0 });
        }
        let within = |counts: &Counts, cells: &[Cell]| {
            let mut found = Vec::new();
            counts.each_within(cells, |key, tally| found.push((key, tally)));
            found.sort_unstable_by_key(|(key, _)| *key);
            found
        };
        let settled = Counts::from_rows(counts.rows().collect());
        for resolution in Resolution::ALL {
            let cells = [3, 40].map(|place| key(place, 0).cell().rolled_up_to(resolution));
            let cells = if cells[0] == cells[1] { &cells[..1] } else { &cells };
            let found = within(&counts, cells);
            assert!(found.iter().any(|(_, tally)| tally.count == 4), "{resolution:?}");
            assert_eq!(found, within(&settled, cells), "{resolution:?}");
            let expected = settled
                .rows()
                .filter(|(key, _)| cells.iter().any(|cell| cell.contains(key.cell())));
            assert_eq!(found, expected.collect::<Vec<_>>(), "{resolution:?}");
        }
    }

    #[test]
    fn rolling_up_keeps_the_total() {
        let mut fine = Counts::default();
        for place in 0..20 {
            fine.add(key(place, 0), Tally { count: 2, first: 1 });
        }
        let mut coarse = Counts::default();
        coarse.add_rolled_up(&fine, Resolution::COARSEST);
        assert!(coarse.len() < fine.len());
        assert_eq!(coarse.rows().map(|(_, tally)| tally.count).sum::<u32>(), 40);
    }
}
