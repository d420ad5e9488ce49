//! Facts as somebody sees them.

use super::Sight;
use super::openness::{Openness, Terms};
use crate::domain::counts::Counts;
use crate::domain::fact::Tally;
use crate::domain::grid::Cell;
use crate::domain::privacy::epoch::Epoch;
use crate::domain::privacy::groups::Groups;
use crate::domain::provider::ProviderIndex;
use crate::domain::symptom::{Symptom, Symptoms};
use crate::domain::time::{Hour, Minute};
use crate::domain::view::Sums;
use crate::store::{Store, StoreError};
use std::ops::Range;
use std::sync::Arc;

/// Reads the facts of a store for somebody.
#[derive(Debug, Clone)]
pub struct Reader {
    store: Arc<Store>,
    openness: Arc<Openness>,
    /// None where everything is seen.
    terms: Option<Arc<Terms>>,
}

/// A minute or an hour as somebody sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    counts: Arc<Counts>,
    /// Where it is shown; none where everything is seen.
    groups: Option<Arc<Groups>>,
}

impl Reader {
    /// For whoever sees that much.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        openness: Arc<Openness>,
        terms: Arc<Terms>,
        sight: Sight,
    ) -> Self {
        let terms = (sight == Sight::Public).then_some(terms);
        Self { store, openness, terms }
    }

    /// The store, for what is of no place.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The minutes of a provider, in order; those without facts are left out.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn minutes(
        &self,
        provider: ProviderIndex,
        minutes: Range<Minute>,
    ) -> Result<Vec<(Minute, Seen)>, StoreError> {
        let found = self.store.minutes(provider, minutes).await?;
        let groups = match (&self.terms, found.first(), found.last()) {
            (Some(terms), Some((first, _)), Some((last, _))) => {
                let epochs = Epoch::within(&(*first..last.plus(1)));
                let start = epochs.start;
                let groups = self.openness.groups(&self.store, terms, provider, epochs).await?;
                Some((start, groups))
            }
            _ => None,
        };
        let seen = |(minute, counts)| {
            let groups = groups.as_ref().map(|(start, groups)| {
                let n = Epoch::of(minute).0 - start.0;
                Arc::clone(&groups[usize::try_from(n).expect("it is of these epochs")])
            });
            (minute, Seen { counts, groups })
        };
        Ok(found.into_iter().map(seen).collect())
    }
}

impl Reader {
    /// The hours of a provider, in order.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn hours(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
    ) -> Result<Vec<(Hour, Seen)>, StoreError> {
        let found = self.store.hours(provider, hours).await?;
        let seen = |(hour, counts)| (hour, Seen { counts, groups: None });
        Ok(found.into_iter().map(seen).collect())
    }
}

impl Seen {
    /// What history says: the cell in which it is shown, the symptom and how many reports.
    /// What is shown without a place has none.
    pub fn rows(&self, symptoms: Symptoms) -> impl Iterator<Item = (Option<Cell>, Symptom, u32)> {
        let mut walk = self.groups.as_deref().map(Groups::walk);
        let asked = self
            .counts
            .rows()
            .filter(move |(key, _)| key.lane().is_history() && symptoms.include(key.symptom()));
        asked.map(move |(key, Tally { count, .. })| {
            let cell = Some(key.cell()).filter(|cell| !cell.is_nowhere());
            let shown = match &mut walk {
                Some(walk) => cell.and_then(|cell| walk.shown(cell)),
                None => cell,
            };
            (shown, key.symptom(), count)
        })
    }

    /// What these say together, by the cells in which it is shown.
    #[must_use]
    pub fn sums(symptoms: Symptoms, all: &[Self]) -> Sums {
        let parts: Vec<Sums> = all
            .chunk_by(|a, b| a.is_shown_as(b))
            .map(|alike| {
                let sums = Sums::of_minutes(symptoms, alike.iter().map(|seen| &*seen.counts));
                match &alike[0].groups {
                    Some(groups) => sums.shown_in(groups),
                    None => sums,
                }
            })
            .collect();
        match <[Sums; 1]>::try_from(parts) {
            Ok([sums]) => sums,
            Err(parts) => Sums::of_parts(&parts),
        }
    }

    /// Whether both are the same facts, shown in the same places.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.counts, &other.counts) && self.is_shown_as(other)
    }

    fn is_shown_as(&self, other: &Self) -> bool {
        match (&self.groups, &other.groups) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}
