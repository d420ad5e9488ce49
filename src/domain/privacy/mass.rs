//! Who was heard of in the last day, by cell: what decides which cells are shown.

use super::coin::Chance;
use super::groups::Groups;
use super::people::People;
use super::rule::{LeftOut, Rule};
use crate::domain::fact::{FactKey, Lane, Tally};
use crate::domain::grid::Cell;
use crate::domain::time::Minute;

/// People heard of, by the cell in which they are counted.
#[derive(Debug, Clone, Default)]
pub struct Mass {
    /// Sorted by cell.
    rows: Vec<(Cell, People)>,
    /// Who came and left since these were added up.
    changes: Vec<Change>,
}

/// Changes are added up once they are as many as the rows, and no fewer than these: so many
/// cost little to keep, and a pass over the rows is not spent on a few.
const FEW_CHANGES: usize = 4_096;

/// Some come to a cell, or leave it.
#[derive(Debug, Clone, Copy)]
struct Change {
    cell: Cell,
    leaves: bool,
    people: People,
}

impl Mass {
    /// A minute comes to the day.
    pub fn enter(&mut self, heard: impl IntoIterator<Item = (Cell, impl Into<People>)>) {
        self.change(heard, false);
    }

    /// A minute that came before leaves it.
    pub fn leave(&mut self, heard: impl IntoIterator<Item = (Cell, impl Into<People>)>) {
        self.change(heard, true);
    }

    fn change(&mut self, heard: impl IntoIterator<Item = (Cell, impl Into<People>)>, leaves: bool) {
        let change = |(cell, people): (Cell, _)| Change { cell, leaves, people };
        self.changes.extend(heard.into_iter().map(|(cell, people)| change((cell, people.into()))));
        if self.rows.len().max(FEW_CHANGES) <= self.changes.len() {
            self.add_up();
        }
    }

    /// The groups by a rule, of which something is left out in tests.
    #[must_use]
    pub fn groups(&mut self, rule: Rule, left_out: LeftOut) -> Groups {
        if rule.is_off() {
            return Groups::all(rule.finest);
        }
        self.add_up();
        // Rolling up keeps the order: a cell stands after all that lie in it.
        let rows = self.rows.iter();
        let rows = rows.map(|(cell, people)| (cell.rolled_up_to(rule.finest), people));
        Groups::but(rows, rule.least(), left_out)
    }

    /// How many cells somebody was heard of in.
    pub fn cells(&mut self) -> usize {
        self.add_up();
        self.rows.len()
    }

    fn add_up(&mut self) {
        if self.changes.is_empty() {
            return;
        }
        let mut changes = std::mem::take(&mut self.changes);
        changes.sort_unstable_by_key(|change| (change.cell, change.leaves));
        let before = std::mem::take(&mut self.rows);
        let mut rows = Vec::with_capacity(before.len() + changes.len());
        let mut kept = before.iter().copied().peekable();
        for of_cell in changes.chunk_by(|a, b| a.cell == b.cell) {
            let cell = of_cell[0].cell;
            while let Some(row) = kept.next_if(|(other, _)| *other < cell) {
                rows.push(row);
            }
            let row = kept.next_if(|(other, _)| *other == cell);
            let mut people = row.map(|(_, people)| people).unwrap_or_default();
            for Change { leaves, people: changed, .. } in of_cell {
                if *leaves {
                    people.subtract(changed);
                } else {
                    people.add(changed);
                }
            }
            if !people.is_none() {
                rows.push((cell, people));
            }
        }
        rows.extend(kept);
        rows.shrink_to_fit();
        self.rows = rows;
    }
}

/// People who were heard of in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Where they reported.
    pub reported: Cell,
    /// Where they are counted and shown: the same cell, or a coarser one around it.
    pub counted: Cell,
    /// How many.
    pub people: People,
}

impl Heard {
    /// So many who are counted where they reported.
    #[must_use]
    pub fn at(cell: Cell, people: impl Into<People>) -> Self {
        Self { reported: cell, counted: cell, people: people.into() }
    }

    /// Where they are counted, and how many.
    #[must_use]
    pub const fn row(self) -> (Cell, People) {
        (self.counted, self.people)
    }
}

/// Who was heard of in a minute of a provider: whose first report of the day came in time.
/// Whatever is said of them counts, that it works, too, and what was withdrawn. Those for
/// whom nobody vouches are nobody's first.
pub fn heard<'a>(
    facts: impl IntoIterator<Item = (FactKey, Tally)> + 'a,
    chance: Chance<'a>,
    provider: &'a str,
    minute: Minute,
) -> impl Iterator<Item = Heard> + 'a {
    let coarsening = chance.coarsening.map(|coin| coin.coarsening(provider, minute));
    facts
        .into_iter()
        .filter(|(key, tally)| key.lane() == Lane::OnTime && tally.first > 0)
        .filter(|(key, _)| !key.cell().is_nowhere())
        .flat_map(move |(key, tally)| {
            let parts = coarsening.map(|coarsening| coarsening.parts(key, tally.first));
            let whole = parts.is_none().then_some((key, tally.first));
            let all = parts.into_iter().flatten().chain(whole);
            all.map(move |(part, first)| {
                let counted = part.cell();
                let coin = chance.coins;
                let people = coin.map(|coin| coin.counted(provider, counted, minute, first));
                let people = people.unwrap_or_else(|| first.into());
                Heard { reported: key.cell(), counted, people }
            })
        })
        .filter(|heard| !heard.people.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::{Position, Resolution};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Cells of a few places, in each other.
    fn cell(place: u8, resolution: usize) -> Cell {
        let at = Position::new(44.0 + f64::from(place) / 40.0, -79.0).unwrap();
        Cell::at(at, Resolution::ALL[resolution])
    }

    proptest! {
        #[test]
        fn whoever_came_and_did_not_leave_opens_cells_as_in_a_plain_table(
            minutes in prop::collection::vec(
                prop::collection::vec((0_u8..20, 5_usize..=8, 1_u32..4), 0..20), 1..40,
            ),
            stays in 1_usize..20, asked_every in 1_usize..9, few in 1_usize..200,
        ) {
            let rows = |minute: &Vec<(u8, usize, u32)>| {
                minute.iter().map(|(place, of, people)| (cell(*place, *of), *people)).collect()
            };
            let minutes: Vec<Vec<(Cell, u32)>> = minutes.iter().map(rows).collect();
            let (mut mass, mut plain) = (Mass::default(), BTreeMap::<Cell, People>::new());
            for n in 0..minutes.len() {
                mass.enter(minutes[n].iter().copied());
                // Added up now and then, as a large table is.
                if few < mass.changes.len() {
                    mass.add_up();
                }
                minutes[n].iter().for_each(|(cell, people)| {
                    plain.entry(*cell).or_default().add(&(*people).into());
                });
                if let Some(left) = n.checked_sub(stays) {
                    mass.leave(minutes[left].iter().copied());
                    minutes[left].iter().for_each(|(cell, people)| {
                        plain.entry(*cell).or_default().subtract(&(*people).into());
                    });
                }
                if n % asked_every == 0 {
                    plain.retain(|_, people| !people.is_none());
                    prop_assert_eq!(mass.cells(), plain.len());
                    let rule = Rule { k: 3, finest: Resolution::DEFAULT };
                    let mut rolled_up: Vec<(Cell, &People)> = plain
                        .iter()
                        .map(|(cell, people)| (cell.rolled_up_to(rule.finest), people))
                        .collect();
                    rolled_up.sort_by_key(|(cell, _)| *cell);
                    let expected = Groups::of(rolled_up, rule.least());
                    prop_assert_eq!(mass.groups(rule, LeftOut::default()), expected);
                }
            }
        }
    }
}
