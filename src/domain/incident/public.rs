//! The public form of a revision: what everybody is told, and what the journal keeps for
//! ever. Where it was exactly is kept apart from it, and forgotten.

use super::attribution::Attribution;
use super::evidence::PublishedEvidence;
use super::figures::{Figures, Peak};
use super::region::joined;
use super::{Brand, Incident};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::privacy::coin::Coin;
use crate::domain::privacy::rounding::rounded_down;
use crate::domain::privacy::rule::{MOST_K, Rule};
use crate::domain::time::Timestamp;
use std::sync::Arc;

/// Where everybody is told of what was recorded before there were public forms.
const BEFORE: Resolution = Resolution::ALL[5];

/// How the cells of a public form were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Naming {
    /// Whether they are those in which enough people spoke of it. Else it is the one that the
    /// map shows around it, or none: too few spoke yet.
    pub is_named: bool,
    /// By which rule.
    pub rule: Rule,
}

/// What is told in the place of what is exact.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its cells.
    pub cells: Vec<Cell>,
    /// How they were found.
    pub naming: Naming,
    /// The evidence of its brands, in their order.
    pub evidence: Vec<PublishedEvidence>,
    /// Reports that were to be expected in its cells without it.
    pub expected: Option<f64>,
    /// Users that are touched at most.
    pub users: Option<f64>,
    /// When the map first shows a failed emergency call in its cells.
    pub emergency_since: Option<Timestamp>,
    /// The other carriers that enough people reported there.
    pub attributions: Vec<Attribution>,
}

impl Incident {
    /// The public form of an exact revision. The coin takes the place of what names of
    /// clusters say of where they began.
    #[must_use]
    pub fn public(&self, shown: Shown, coin: &Coin) -> Self {
        let Shown { cells, naming, evidence, expected, users, emergency_since, attributions } =
            shown;
        let brand = |(brand, evidence): (&Brand, PublishedEvidence)| {
            let blinded = |episode: &u64| coin.blinded(&brand.provider, *episode);
            Brand {
                episodes: brand.episodes.iter().map(blinded).collect(),
                evidence,
                ..brand.clone()
            }
        };
        Self {
            naming: Some(naming),
            brands: self.brands.iter().zip(evidence).map(brand).collect(),
            figures: Figures { expected, emergency_since, users, ..self.figures.rounded(&cells) },
            cells: Arc::from(cells),
            attributions: attributions.iter().map(Attribution::rounded).collect(),
            ..self.clone()
        }
    }

    /// The public form of an exact revision where nothing is hidden but what is finer than
    /// these cells.
    #[must_use]
    pub fn public_where_nothing_is_hidden(
        &self,
        cells: Vec<Cell>,
        rule: Rule,
        coin: &Coin,
    ) -> Self {
        let evidence = self.brands.iter().map(|brand| brand.evidence).collect();
        let Figures { expected, emergency_since, users, .. } = self.figures;
        let naming = Naming { is_named: true, rule };
        let attributions = self.attributions.clone();
        let shown =
            Shown { cells, naming, evidence, expected, users, emergency_since, attributions };
        let public = self.public(shown, coin);
        let figures = Figures { area_km2: public.figures.area_km2, ..self.figures.clone() };
        Self { figures, attributions: self.attributions.clone(), ..public }
    }

    /// The public form of a revision that was recorded before there were any, or by a rule
    /// that hid less than one of now does.
    #[must_use]
    pub fn public_of_before(&self) -> Self {
        self.coarse(Rule { k: MOST_K, finest: BEFORE })
    }

    /// The same of a public form, where a rule hides more than the one by which it was made.
    #[must_use]
    pub fn hidden_by(&self, rule: Rule) -> Option<Self> {
        let made_by = self.naming?.rule;
        let stricter = rule.stricter(made_by);
        (stricter != made_by)
            .then(|| self.coarse(stricter.stricter(Rule { finest: BEFORE, ..rule })))
    }

    fn coarse(&self, rule: Rule) -> Self {
        let cells = joined(self.cells.iter().map(|cell| cell.rolled_up_to(rule.finest)));
        let brand = |brand: &Brand| Brand {
            episodes: Vec::new(),
            evidence: brand.evidence.rounded(),
            ..brand.clone()
        };
        Self {
            naming: Some(Naming { is_named: true, rule }),
            brands: self.brands.iter().map(brand).collect(),
            figures: self.figures.rounded(&cells),
            cells: cells.into(),
            attributions: self.attributions.iter().map(Attribution::rounded).collect(),
            ..self.clone()
        }
    }
}

impl Figures {
    /// Counts rounded down, and the size of these cells; nothing that follows from what is
    /// expected in others.
    fn rounded(&self, cells: &[Cell]) -> Self {
        let peak = |peak: Peak| Peak { reports: rounded_down(peak.reports), ..peak };
        Self {
            reports: rounded_down(self.reports),
            expected: None,
            symptoms: self.symptoms.iter().map(|(of, n)| (*of, rounded_down(*n))).collect(),
            emergency_since: None,
            peak: self.peak.map(peak),
            area_km2: cells.iter().map(|cell| cell.area_km2()).sum(),
            users: None,
        }
    }
}

impl Attribution {
    /// What everybody may be told of it: who it is and what it means, and how many reports
    /// there were, rounded down.
    fn rounded(&self) -> Self {
        Self {
            observed: rounded_down(self.observed.max(0.0) as u64) as f64,
            expected: None,
            expected_beside: None,
            share: None,
            score: None,
            ..self.clone()
        }
    }
}
