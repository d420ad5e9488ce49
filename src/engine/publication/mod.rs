//! What everybody is told of an incident: the public form of each revision, made once by
//! the node that records it.

mod cells;
mod spikes;

use crate::domain::cell_set::CellSet;
use crate::domain::detect::expectation::Expectation;
use crate::domain::grid::Cell;
use crate::domain::incident::evidence::{PublishedEvidence, Zone};
use crate::domain::incident::public::{Naming, Shown};
use crate::domain::incident::register::Register;
use crate::domain::incident::{Brand, Form, Incident};
use crate::domain::privacy::epoch::{Epoch, HEARD_MINUTES};
use crate::domain::privacy::naming::{Spoke, named_but};
use crate::domain::provider::ProviderIndex;
use crate::domain::region::Region;
use crate::domain::symptom::Symptom;
use crate::domain::time::{Minute, Timestamp, Window};
use crate::engine::Engine;
use crate::engine::detector_pool::DetectorPool;
use crate::engine::shown::Sight;
use crate::engine::shown::openness::Terms;
use crate::engine::shown::spoke::{are_heard_in, heard_in, spoke};
use crate::store::{MINUTES_KEPT_DAYS, StoreError};
use std::ops::Range;
use std::sync::{Arc, PoisonError};

impl Engine {
    /// The public form of a revision that is to be recorded.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(in crate::engine) async fn public_form(
        &self,
        pool: &DetectorPool,
        register: &Register,
        exact: &Incident,
    ) -> Result<Incident, StoreError> {
        let terms = self.shown_by();
        let rule = terms.rules.at(exact.known_at);
        let cells = self.named(&terms, register, exact).await?;
        if rule.is_off() {
            return Ok(exact.public_where_nothing_is_hidden(cells, rule, &terms.coin));
        }
        let (cells, naming) = if cells.is_empty() {
            let around = self.shown_around(&terms, exact).await?;
            (around.into_iter().collect(), Naming { is_named: false, rule })
        } else {
            (cells, Naming { is_named: true, rule })
        };
        let mut brands = Vec::new();
        for brand in &exact.brands {
            let provider = self.catalogue.find(&brand.provider);
            brands.push(provider.map(|provider| self.public_provider(pool, provider)));
        }
        let mut evidence = Vec::new();
        for (brand, of) in exact.brands.iter().zip(&brands) {
            let mut told = brand.evidence.rounded();
            let provider = self.catalogue.find(&brand.provider);
            if let Some(provider) = provider
                && self.shows_zone(&terms, exact.known_at, provider, brand.evidence.zone).await?
            {
                told.zone = brand.evidence.zone;
            }
            evidence.push(match of {
                Some(of) => of.scored(told, &cells, exact.everywhere),
                None => told,
            });
        }
        let (expected, users) = figures(exact, &brands, &cells);
        let mut attributions = Vec::new();
        for of in &exact.attributions {
            if self.enough_spoke(&terms, exact, &of.provider).await? {
                attributions.push(of.clone());
            }
        }
        let emergency_since = self.emergency_shown_since(exact, &cells).await?;
        let shown =
            Shown { cells, naming, evidence, expected, users, emergency_since, attributions };
        Ok(exact.public(shown, &terms.coin))
    }

    /// When the map first shows a failed emergency call in these cells of an incident, while
    /// it went on. None where it shows none there.
    ///
    /// # Errors
    /// Where the store cannot be read.
    async fn emergency_shown_since(
        &self,
        exact: &Incident,
        cells: &[Cell],
    ) -> Result<Option<Timestamp>, StoreError> {
        if exact.figures.emergency().is_none() {
            return Ok(None);
        }
        let (reader, region) = (self.reader(Sight::Public), Region::new(cells, exact.everywhere));
        let Window { from, to } = counted_in(exact);
        let mut first: Option<Minute> = None;
        for brand in &exact.brands {
            let Some(provider) = self.catalogue.find(&brand.provider) else { continue };
            let minutes = from..first.unwrap_or(to);
            let found =
                reader.first_shown(provider, minutes, (Symptom::NoEmergencyCalls, &region)).await?;
            first = found.or(first);
        }
        Ok(first.map(Minute::start))
    }

    /// Whether enough people spoke of another carrier in the cells of an incident for it to
    /// be told that they did.
    ///
    /// # Errors
    /// Where the store cannot be read.
    async fn enough_spoke(
        &self,
        terms: &Terms,
        exact: &Incident,
        other: &str,
    ) -> Result<bool, StoreError> {
        let Some(provider) = self.catalogue.find(other) else { return Ok(false) };
        let of = (provider, &*self.catalogue.get(provider).id);
        let cells: CellSet = exact.cells.iter().copied().collect();
        let least = terms.rules.at(exact.known_at).least();
        are_heard_in(&self.store, terms, of, spoken_in(exact), (&cells, least)).await
    }

    /// The cells in which enough people spoke of an incident; none where too few did
    /// anywhere.
    ///
    /// # Errors
    /// Where the store cannot be read.
    async fn named(
        &self,
        terms: &Terms,
        register: &Register,
        exact: &Incident,
    ) -> Result<Vec<Cell>, StoreError> {
        let rule = terms.rules.at(exact.known_at);
        let before = register.get(exact.id).map(|case| case.latest_in(Form::Public));
        let before = before.filter(|before| before.naming.is_some_and(|naming| naming.is_named));
        let before = before.map_or(&[][..], |before| &before.cells);
        let minutes = spoken_in(exact);
        let mut brands: Vec<Spoke> = Vec::new();
        for brand in exact.brands.iter().filter(|_| !rule.is_off()) {
            let Some(provider) = self.catalogue.find(&brand.provider) else { continue };
            let zone = brand.evidence.zone.map(|zone| zone.cells()).unwrap_or_default();
            let of = (provider, &*self.catalogue.get(provider).id);
            let heard = heard_in(&self.store, terms, of, minutes.clone()).await?;
            brands.push(spoke(&heard, &exact.cells, zone, rule));
        }
        Ok(named_but(&exact.cells, &brands, before, (rule, terms.left_out)))
    }

    /// The cell in which the map shows reports from the middle of the zone that decided.
    async fn shown_around(
        &self,
        terms: &Terms,
        exact: &Incident,
    ) -> Result<Option<Cell>, StoreError> {
        let zone_of = |brand: &Brand| {
            let centre = brand.evidence.zone.and_then(|zone| zone.centre)?;
            Some((self.catalogue.find(&brand.provider)?, centre, brand.evidence.strength()))
        };
        let strongest = exact.brands.iter().filter_map(zone_of).max_by(|a, b| a.2.total_cmp(&b.2));
        let Some((provider, centre, _)) = strongest else { return Ok(None) };
        let epoch = Epoch::of(exact.known_at.minute());
        let epochs = epoch..epoch.next();
        let groups = self.openness.groups(&self.store, terms, provider, epochs).await?;
        Ok(groups.first().and_then(|groups| groups.shown(centre)))
    }

    /// Whether every cell of a zone of a provider is one that the map shows at some instant.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(super) async fn shows_zone(
        &self,
        terms: &Terms,
        at: Timestamp,
        provider: ProviderIndex,
        zone: Option<Zone>,
    ) -> Result<bool, StoreError> {
        let Some(zone) = zone else { return Ok(false) };
        let epoch = Epoch::of(at.minute());
        let epochs = epoch..epoch.next();
        let groups = self.openness.groups(&self.store, terms, provider, epochs).await?;
        let is_shown = |cell: &Cell| groups.iter().all(|groups| groups.holds(*cell));
        Ok(zone.cells().iter().all(is_shown))
    }

    /// What is known for everybody of a provider.
    pub(super) fn public_provider(
        &self,
        pool: &DetectorPool,
        provider: ProviderIndex,
    ) -> PublicProvider {
        let place = usize::from(provider.0);
        let baselines = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        let shown = baselines.as_deref().and_then(|baselines| baselines.get(place));
        let detector = pool.detectors().get(place);
        let expectation = detector.zip(shown);
        let expectation = expectation.map(|(detector, of)| detector.expectation().of_shown(of));
        PublicProvider { expectation, subscribers: self.catalogue.get(provider).subscribers }
    }

    /// Incidents that go on and were told without a name, in which enough people have
    /// spoken since: as they are to be told now.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(in crate::engine) async fn newly_named(
        &self,
        register: &Register,
        now: Timestamp,
    ) -> Result<Vec<Incident>, StoreError> {
        let (terms, mut found) = (self.shown_by(), Vec::new());
        let is_unnamed = |public: &&Arc<Incident>| {
            public.naming.is_some_and(|naming| !naming.is_named)
                && public.known_at.minute() < now.minute()
        };
        for public in register.open_in(Form::Public).filter(is_unnamed) {
            let Some(case) = register.get(public.id) else { continue };
            let mut told = (**case.latest()).clone();
            (told.revision, told.known_at, told.naming) = (told.revision + 1, now, None);
            if !self.named(&terms, register, &told).await?.is_empty() {
                found.push(told);
            }
        }
        Ok(found)
    }
}

/// The minutes in which people spoke of an incident: since it began, at most the last day.
fn spoken_in(exact: &Incident) -> Range<Minute> {
    let end = exact.known_at.minute().plus(1);
    exact.onset.minute().max(end.plus(-HEARD_MINUTES))..end
}

/// The minutes of an incident that are counted: from its onset, as far as minutes are kept, to
/// its end, or until it was made known.
fn counted_in(exact: &Incident) -> Window {
    let end = exact.resolved_at.unwrap_or(exact.known_at).minute().plus(1);
    let oldest = exact.known_at.minute().plus(-MINUTES_KEPT_DAYS * 24 * 60);
    Window { from: exact.onset.minute().max(oldest).min(end), to: end }
}

/// What is known for everybody of a provider.
pub(super) struct PublicProvider {
    /// None while it is not learnt.
    expectation: Option<Expectation>,
    subscribers: Option<u64>,
}

impl PublicProvider {
    /// Reports that were to be expected in some cells in a window, and everywhere. None
    /// where nothing was learnt of any of them.
    fn expected(&self, cells: &[Cell], everywhere: bool, window: Window) -> Option<(f64, f64)> {
        let expectation = self.expectation.as_ref()?;
        let whole = expectation.window(window).everywhere();
        if everywhere {
            return Some((whole, whole));
        }
        let is_known = cells.iter().any(|cell| expectation.knows(*cell));
        is_known.then(|| (expectation.in_window(cells, window).mean.min(whole), whole))
    }

    /// Evidence with what was to be expected of these cells, and the score of that.
    pub(super) fn scored(
        &self,
        told: PublishedEvidence,
        cells: &[Cell],
        everywhere: bool,
    ) -> PublishedEvidence {
        let expected = self.expected(cells, everywhere, told.window).map(|(here, _)| here);
        let score = self.expectation.as_ref().zip(expected);
        let score = score.map(|(expectation, mean)| expectation.score(told.observed, mean));
        PublishedEvidence { expected, score, ..told }
    }
}

/// Reports that were to be expected in these cells, and users that are touched at most.
fn figures(
    exact: &Incident,
    brands: &[Option<PublicProvider>],
    cells: &[Cell],
) -> (Option<f64>, Option<f64>) {
    let window = counted_in(exact);
    let (mut sum, mut users) = (0.0, None::<f64>);
    for brand in brands {
        let expected = brand.as_ref().and_then(|brand| {
            Some((brand.subscribers, brand.expected(cells, exact.everywhere, window)?))
        });
        let Some((subscribers, (here, whole))) = expected else { return (None, None) };
        sum += here;
        let share = if whole > 0.0 { here / whole } else { 0.0 };
        if let Some(subscribers) = subscribers {
            users = Some(users.unwrap_or(0.0) + subscribers as f64 * share);
        }
    }
    (Some(sum), users)
}
