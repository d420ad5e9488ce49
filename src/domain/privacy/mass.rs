//! Who was heard of in the last day, by cell: what decides which cells are shown.

use super::coin::Coin;
use super::groups::Groups;
use super::people::People;
use super::rule::{LeftOut, Rule};
use crate::domain::fact::{FactKey, Lane, Tally};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::time::Minute;
use hashbrown::HashMap;

/// People heard of, by the cell that they reported.
#[derive(Debug, Clone, Default)]
pub struct Mass {
    cells: HashMap<Cell, People>,
}

impl Mass {
    /// A minute comes to the day.
    pub fn enter(&mut self, heard: impl IntoIterator<Item = (Cell, impl Into<People>)>) {
        for (cell, people) in heard {
            self.cells.entry(cell).or_default().add(&people.into());
        }
    }

    /// A minute that came before leaves it.
    pub fn leave(&mut self, heard: impl IntoIterator<Item = (Cell, impl Into<People>)>) {
        for (cell, people) in heard {
            if let hashbrown::hash_map::Entry::Occupied(mut entry) = self.cells.entry(cell) {
                entry.get_mut().subtract(&people.into());
                if entry.get().is_none() {
                    entry.remove();
                }
            }
        }
    }

    /// The groups by a rule, of which something is left out in tests.
    #[must_use]
    pub fn groups(&self, rule: Rule, left_out: LeftOut) -> Groups {
        if rule.is_off() {
            return Groups::all(rule.finest);
        }
        Groups::but(self.rolled_up_to(rule.finest), rule.least(), left_out)
    }

    /// How many cells somebody was heard of in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nobody was heard of.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn rolled_up_to(&self, finest: Resolution) -> Vec<(Cell, &People)> {
        let mut rows: Vec<(Cell, &People)> =
            self.cells.iter().map(|(cell, people)| (cell.rolled_up_to(finest), people)).collect();
        rows.sort_unstable_by_key(|(cell, _)| *cell);
        rows
    }
}

/// Who was heard of in a minute of a provider: whose first report of the day came in time.
/// Whatever is said of them counts, that it works, too, and what was withdrawn. Those for
/// whom nobody vouches are nobody's first.
///
/// Without a coin all of them count.
pub fn heard<'a>(
    facts: impl IntoIterator<Item = (FactKey, Tally)> + 'a,
    coin: Option<&'a Coin>,
    provider: &'a str,
    minute: Minute,
) -> impl Iterator<Item = (Cell, People)> + 'a {
    facts
        .into_iter()
        .filter(|(key, tally)| key.lane() == Lane::OnTime && tally.first > 0)
        .map(|(key, tally)| (key.cell(), tally.first))
        .filter(|(cell, _)| !cell.is_nowhere())
        .map(move |(cell, first)| {
            let counted = coin.map(|coin| coin.counted(provider, cell, minute, first));
            (cell, counted.unwrap_or_else(|| first.into()))
        })
        .filter(|(_, people)| !people.is_none())
}
