//! Facts as somebody sees them.

use super::Sight;
use super::openness::{Openness, Terms};
use crate::domain::counted::Counted;
use crate::domain::counts::Counts;
use crate::domain::fact::{FactKey, Tally};
use crate::domain::grid::Cell;
use crate::domain::privacy::coarsening::{Coarsening, Shown};
use crate::domain::privacy::epoch::Epoch;
use crate::domain::privacy::groups::Groups;
use crate::domain::provider::ProviderIndex;
use crate::domain::region::Region;
use crate::domain::symptom::{Symptom, Symptoms};
use crate::domain::time::Minute;
use crate::domain::view::Sums;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Weak};

/// Minutes that are read at once where the first of something is looked for.
const MINUTES_AT_ONCE: i64 = 360;

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
    /// Which reports are shown in coarser cells.
    coarsening: Option<Coarsening>,
}

/// By which a minute is known again without being held: an address is not used for another
/// one while it is known.
#[derive(Debug, Clone)]
pub struct Mark {
    counts: Weak<Counts>,
    groups: Option<Weak<Groups>>,
}

impl Mark {
    /// Whether it is of these facts, shown in these places.
    #[must_use]
    pub fn is_of(&self, seen: &Seen) -> bool {
        let are_shown_so = match (&self.groups, &seen.groups) {
            (None, None) => true,
            (Some(marked), Some(groups)) => marked.ptr_eq(&Arc::downgrade(groups)),
            _ => false,
        };
        are_shown_so && self.counts.ptr_eq(&Arc::downgrade(&seen.counts))
    }
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

    /// By what is shown what somebody sees; none where that is everything.
    #[must_use]
    pub fn terms(&self) -> Option<&Arc<Terms>> {
        self.terms.as_ref()
    }

    /// Differs where cells are shown by other rules.
    #[must_use]
    pub fn rules_digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.terms.as_ref().map(|terms| &terms.rules).hash(&mut hasher);
        hasher.finish()
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
        self.seen(provider, found).await
    }

    /// Reports of problems of a provider in these minutes, by symptom: all of them, which
    /// everybody may know, whatever cells are shown.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn totals(
        &self,
        provider: ProviderIndex,
        minutes: Range<Minute>,
    ) -> Result<BTreeMap<Symptom, u64>, StoreError> {
        let mut totals = BTreeMap::new();
        for (_, counts) in self.store.minutes(provider, minutes).await? {
            for (_, symptom, count) in Seen::all(counts).rows(Symptoms::AllProblems) {
                *totals.entry(symptom).or_default() += u64::from(count);
            }
        }
        Ok(totals)
    }

    /// The first of these minutes in which a report of a symptom is shown in a region.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn first_shown(
        &self,
        provider: ProviderIndex,
        minutes: Range<Minute>,
        (symptom, region): (Symptom, &Region),
    ) -> Result<Option<Minute>, StoreError> {
        let mut next = minutes.start;
        while next < minutes.end {
            let until = minutes.end.min(next.plus(MINUTES_AT_ONCE));
            for (minute, counts) in self.store.minutes(provider, next..until).await? {
                // Most minutes have none: what is shown in them need not be known.
                let has_it = |key: FactKey| {
                    let is_it = key.lane().is_history() && key.symptom() == symptom;
                    is_it && region.contains(key.cell())
                };
                if !counts.rows().any(|(key, _)| has_it(key)) {
                    continue;
                }
                let seen = self.seen(provider, vec![(minute, counts)]).await?;
                let mut rows = seen.iter().flat_map(|(_, seen)| seen.rows(Symptoms::Only(symptom)));
                if rows.any(|(cell, ..)| region.contains(cell)) {
                    return Ok(Some(minute));
                }
            }
            next = until;
        }
        Ok(None)
    }

    /// The minutes of a provider with what was withdrawn.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(super) async fn minutes_at_rest(
        &self,
        provider: ProviderIndex,
        minutes: Range<Minute>,
    ) -> Result<Vec<(Minute, Seen)>, StoreError> {
        let found = self.store.minutes_at_rest(provider, minutes).await?;
        self.seen(provider, found).await
    }

    /// Whether a cell of a provider is hidden, so that its reports stand in a coarser one,
    /// in any epoch of each of these steps, which follow each other.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn is_hidden(
        &self,
        provider: ProviderIndex,
        cell: Cell,
        steps: &[Range<Minute>],
    ) -> Result<Vec<bool>, StoreError> {
        let Some(terms) = &self.terms else { return Ok(vec![false; steps.len()]) };
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
            return Ok(Vec::new());
        };
        let epochs = Epoch::within(&(first.start..last.end));
        let start = epochs.start;
        let groups = self.openness.groups(&self.store, terms, provider, epochs).await?;
        let is_hidden = |step: &Range<Minute>| {
            let epochs = Epoch::within(step);
            let of_step = (epochs.start.0 - start.0) as usize..(epochs.end.0 - start.0) as usize;
            !groups[of_step].iter().all(|groups| groups.are_within(cell))
        };
        Ok(steps.iter().map(is_hidden).collect())
    }

    async fn seen(
        &self,
        provider: ProviderIndex,
        found: Vec<(Minute, Arc<Counts>)>,
    ) -> Result<Vec<(Minute, Seen)>, StoreError> {
        let groups = match (&self.terms, found.first(), found.last()) {
            (Some(terms), Some((first, _)), Some((last, _))) => {
                let epochs = Epoch::within(&(*first..last.plus(1)));
                let start = epochs.start;
                let groups = self.openness.groups(&self.store, terms, provider, epochs).await?;
                Some((start, groups))
            }
            _ => None,
        };
        let id = self.openness.id(provider);
        let secret = self.terms.as_ref().and_then(|terms| terms.chance().coarsening);
        let seen = |(minute, counts)| {
            let groups = groups.as_ref().map(|(start, groups)| {
                let n = Epoch::of(minute).0 - start.0;
                Arc::clone(&groups[usize::try_from(n).expect("it is of these epochs")])
            });
            // Where nothing is hidden no report is moved.
            let is_hiding = groups.as_ref().is_some_and(|groups| groups.are_listed());
            let secret = secret.filter(|_| is_hiding);
            let coarsening = secret.map(|coin| coin.coarsening(id, minute));
            (minute, Seen { counts, groups, coarsening })
        };
        Ok(found.into_iter().map(seen).collect())
    }
}

impl Seen {
    /// Facts of which everything is seen.
    #[must_use]
    pub const fn all(counts: Arc<Counts>) -> Self {
        Self { counts, groups: None, coarsening: None }
    }

    /// Facts that are seen in these cells, some of them in coarser ones.
    #[must_use]
    pub const fn new(
        counts: Arc<Counts>,
        groups: Arc<Groups>,
        coarsening: Option<Coarsening>,
    ) -> Self {
        Self { counts, groups: Some(groups), coarsening }
    }

    /// What history says: facts in the cells in which they are shown, or without a place,
    /// and how many reports.
    pub fn history(&self) -> impl Iterator<Item = (FactKey, u32)> {
        let mut walk = self.groups.as_deref().map(Groups::walk);
        let history = self.counts.rows().filter(|(key, _)| key.lane().is_history());
        let parts = history.flat_map(|(key, Tally { count, .. })| {
            let parts = self.coarsening.map(|coarsening| coarsening.parts(key, count));
            let whole = parts.is_none().then_some((key, count));
            parts.into_iter().flatten().chain(whole)
        });
        parts.map(move |(key, count)| {
            let key = match &mut walk {
                Some(walk) if !key.cell().is_nowhere() => {
                    key.in_cell(walk.shown(key.cell()).unwrap_or(Cell::NOWHERE))
                }
                _ => key,
            };
            (key, count)
        })
    }

    /// The cell in which it is shown, the symptom and how many reports, of those asked for.
    pub fn rows(&self, counted: impl Into<Counted>) -> impl Iterator<Item = (Cell, Symptom, u32)> {
        let counted = counted.into();
        self.history()
            .filter(move |(key, _)| counted.include(*key))
            .map(|(key, count)| (key.cell(), key.symptom(), count))
    }

    /// What these say together, by the cells in which it is shown.
    #[must_use]
    pub fn sums(counted: impl Into<Counted>, all: &[Self]) -> Sums {
        let counted = counted.into();
        if all.iter().all(|seen| seen.groups.is_none()) {
            return Sums::of_minutes(counted, all.iter().map(|seen| &*seen.counts));
        }
        let shown: Vec<_> = all.iter().map(|seen| (&*seen.counts, seen.shown())).collect();
        Sums::of_shown(counted, &shown)
    }

    fn shown(&self) -> Option<Shown<'_>> {
        let groups = self.groups.as_deref()?;
        Some(Shown { groups, coarsening: self.coarsening })
    }

    /// By which it is known again.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            counts: Arc::downgrade(&self.counts),
            groups: self.groups.as_ref().map(Arc::downgrade),
        }
    }
}
