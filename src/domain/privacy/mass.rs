//! Who was heard of in the last day, by cell: what decides which cells are shown.

use super::coin::Chance;
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
