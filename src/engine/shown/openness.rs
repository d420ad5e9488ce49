//! Which cells are shown, epoch by epoch: computed from the facts when it is needed, and
//! kept for a while.
//!
//! Facts do not change once an epoch begins that they decide about, and those that were
//! withdrawn decide still. So every node, and each after every start, computes the same.

use crate::domain::counts::Counts;
use crate::domain::privacy::coin::{Chance, Coin};
use crate::domain::privacy::epoch::{EPOCH_MINUTES, Epoch, HEARD_MINUTES};
use crate::domain::privacy::groups::Groups;
use crate::domain::privacy::mass::{Heard, Mass, heard};
use crate::domain::privacy::rule::{LeftOut, Rule, Rules};
use crate::domain::provider::ProviderIndex;
use crate::domain::time::Minute;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Memory for the groups of a provider, about: a day of one that is heard of in 50,000 cells.
const MOST_BYTES: usize = 32 << 20;
/// Minutes that are read at once, beside the day that a first epoch takes.
const MINUTES_AT_ONCE: i64 = 360;

/// By what the cells of a store are shown.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Its rules.
    pub rules: Rules,
    /// Its coin.
    pub coin: Coin,
    /// What a test leaves out.
    pub left_out: LeftOut,
}

impl Terms {
    /// What chance decides, but for what a test leaves out.
    #[must_use]
    pub fn chance(&self) -> Chance<'_> {
        let of = |is_left_out: bool| Some(&self.coin).filter(|_| !is_left_out);
        Chance { coins: of(self.left_out.coin), coarsening: of(self.left_out.coarsening) }
    }
}

/// What is known of all providers.
#[derive(Debug)]
pub struct Openness {
    providers: Vec<OfProvider>,
}

/// What is known of one provider.
#[derive(Debug)]
struct OfProvider {
    id: Arc<str>,
    /// One computes at a time; held across it.
    known: tokio::sync::Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    epochs: BTreeMap<Epoch, (Rule, Arc<Groups>)>,
    /// Who was heard of before an epoch: the next one needs ten minutes more.
    rolling: Option<(Epoch, Mass)>,
    /// By which coin.
    coin: Option<Coin>,
}

/// Minutes of a provider.
type Minutes = Vec<(Minute, Arc<Counts>)>;

impl Openness {
    /// Nothing is known of these providers yet.
    pub fn new<'a>(providers: impl IntoIterator<Item = &'a str>) -> Self {
        let of = |id: &str| OfProvider { id: id.into(), known: tokio::sync::Mutex::default() };
        Self { providers: providers.into_iter().map(of).collect() }
    }

    /// The name of a provider.
    #[must_use]
    pub fn id(&self, provider: ProviderIndex) -> &str {
        &self.providers[usize::from(provider.0)].id
    }

    /// The groups of these epochs of a provider, one after the other.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn groups(
        &self,
        store: &Store,
        terms: &Terms,
        provider: ProviderIndex,
        epochs: Range<Epoch>,
    ) -> Result<Vec<Arc<Groups>>, StoreError> {
        let of = &self.providers[usize::from(provider.0)];
        let mut known = of.known.lock().await;
        if known.coin.as_ref() != Some(&terms.coin) {
            *known = Known { coin: Some(terms.coin.clone()), ..Known::default() };
        }
        let (mut found, mut next) = (Vec::new(), epochs.start);
        while next < epochs.end {
            let rule = terms.rules.at(next.start());
            match known.epochs.get(&next) {
                Some((by, groups)) if *by == rule => {
                    found.push(Arc::clone(groups));
                    next = next.next();
                }
                _ => {
                    let missing = known.missing(terms, next..epochs.end);
                    known.compute(store, terms, (provider, &of.id), missing).await?;
                }
            }
        }
        known.let_go(&epochs);
        Ok(found)
    }
}

impl Known {
    /// The epochs from the first of these on that are not known, until one is, at most so
    /// many as are read at once.
    fn missing(&self, terms: &Terms, epochs: Range<Epoch>) -> Range<Epoch> {
        let most = Epoch(epochs.start.0 + MINUTES_AT_ONCE / EPOCH_MINUTES).min(epochs.end);
        let is_known = |epoch: &Epoch| {
            let rule = terms.rules.at(epoch.start());
            self.epochs.get(epoch).is_some_and(|(by, _)| *by == rule)
        };
        let end = (epochs.start.0..most.0).map(Epoch).find(is_known).unwrap_or(most);
        epochs.start..end
    }

    async fn compute(
        &mut self,
        store: &Store,
        terms: &Terms,
        (provider, id): (ProviderIndex, &Arc<str>),
        epochs: Range<Epoch>,
    ) -> Result<(), StoreError> {
        let first = epochs.start.heard();
        let last = Epoch(epochs.end.0 - 1).heard();
        // From the day of another epoch where that is quicker than a whole one.
        let near = self.rolling.take().filter(|(epoch, _)| {
            epoch.0 <= epochs.start.0
                && (epochs.start.0 - epoch.0) * EPOCH_MINUTES < HEARD_MINUTES / 2
        });
        let (from, mass) =
            near.map_or((None, Mass::default()), |(epoch, mass)| (Some(epoch), mass));
        let (enters_from, leaves_from) = from
            .map_or((first.start, first.start), |epoch| (epoch.heard().end, epoch.heard().start));
        let entering = store.minutes_at_rest(provider, enters_from..last.end).await?;
        let leaving = if leaves_from < last.start {
            store.minutes_at_rest(provider, leaves_from..last.start).await?
        } else {
            Vec::new()
        };
        let (terms, id) = (terms.clone(), Arc::clone(id));
        let work = move || {
            let mut day = Day { mass, entering, leaving, entered: 0, left: 0 };
            let mut found = Vec::new();
            for epoch in (epochs.start.0..epochs.end.0).map(Epoch) {
                day.move_to(epoch, terms.chance(), &id);
                let rule = terms.rules.at(epoch.start());
                found.push((epoch, rule, day.mass.groups(rule, terms.left_out)));
            }
            (found, Epoch(epochs.end.0 - 1), day.mass)
        };
        let (found, at, mass) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        for (epoch, rule, groups) in found {
            // Most epochs are as the one before.
            let before = self.epochs.get(&Epoch(epoch.0 - 1)).map(|(_, groups)| groups);
            let groups = match before {
                Some(before) if **before == groups => Arc::clone(before),
                _ => Arc::new(groups),
            };
            self.epochs.insert(epoch, (rule, groups));
        }
        self.rolling = Some((at, mass));
        Ok(())
    }

    /// Lets go of the oldest epochs that were not asked for just now, where all take too
    /// much memory.
    fn let_go(&mut self, asked: &Range<Epoch>) {
        let mut bytes = 0;
        let mut before: Option<&Arc<Groups>> = None;
        for (_, groups) in self.epochs.values() {
            let is_same = before.is_some_and(|before| Arc::ptr_eq(before, groups));
            bytes += ENTRY_BYTES + if is_same { 0 } else { groups.heap_bytes() };
            before = Some(groups);
        }
        while MOST_BYTES < bytes {
            let Some(oldest) = self.epochs.keys().copied().find(|epoch| !asked.contains(epoch))
            else {
                return;
            };
            let (_, groups) = self.epochs.remove(&oldest).expect("it was found just now");
            bytes -= ENTRY_BYTES;
            if Arc::strong_count(&groups) == 1 {
                bytes = bytes.saturating_sub(groups.heap_bytes());
            }
        }
    }
}

/// What an epoch takes beside its groups.
const ENTRY_BYTES: usize = 64;

/// The day before an epoch, moving on.
struct Day {
    mass: Mass,
    /// In order, as all minutes of a store are.
    entering: Minutes,
    leaving: Minutes,
    entered: usize,
    left: usize,
}

impl Day {
    fn move_to(&mut self, epoch: Epoch, chance: Chance<'_>, provider: &str) {
        let heard_in = epoch.heard();
        while let Some((minute, counts)) =
            self.entering.get(self.entered).filter(|(minute, _)| *minute < heard_in.end)
        {
            self.mass.enter(heard(counts.rows(), chance, provider, *minute).map(Heard::row));
            self.entered += 1;
        }
        while let Some((minute, counts)) =
            self.leaving.get(self.left).filter(|(minute, _)| *minute < heard_in.start)
        {
            self.mass.leave(heard(counts.rows(), chance, provider, *minute).map(Heard::row));
            self.left += 1;
        }
    }
}
