//! What the counts of readers mean, by what the detectors know: the brands' expectations,
//! and the incidents of a window.

use super::Engine;
use super::shown::Sight;
use crate::domain::assessment::{AffectedCells, Assessment, assess};
use crate::domain::detect::expectation::{Expectation, InWindow};
use crate::domain::grid::Resolution;
use crate::domain::incident::register::Case;
use crate::domain::incident::{Form, Incident, State};
use crate::domain::level::Level;
use crate::domain::provider::Subject;
use crate::domain::time::Window;
use std::collections::HashSet;
use std::sync::Arc;

/// Incidents that are looked through for those of a window, the newest.
const MOST_LOOKED_THROUGH: usize = 10_000;

impl Engine {
    /// What the counts of all problems of a subject mean. None while detection is
    /// catching up; no scores and levels while it is late, or where too little is known.
    #[must_use]
    pub fn judge(
        &self,
        sight: Sight,
        subject: Subject,
        window: Window,
        level: &Level,
    ) -> Option<Assessment> {
        let snapshot = self.detection_snapshot();
        let brands = self.expected_by(sight, &snapshot, self.catalogue.brands(subject));
        if brands.is_empty() {
            return None;
        }
        // Of most brands of the whole catalogue nothing is expected anywhere.
        let expected: Vec<InWindow<'_>> = brands
            .iter()
            .map(|(expectation, _)| expectation.window(window))
            .filter(|brand| subject != Subject::All || brand.everywhere() > 0.0)
            .collect();
        if expected.is_empty() {
            return None;
        }
        let is_known = snapshot.is_fresh(self.now()) && brands.iter().any(|(_, is_cold)| !is_cold);
        Some(assess(
            level,
            &expected,
            &self.affected(sight, subject, window, level.resolution()),
            is_known,
            sight == Sight::Exact,
        ))
    }

    /// What is to be expected of the brands of a subject. None of any while detection is
    /// catching up, or where too little is known.
    pub(super) fn expectations(&self, sight: Sight, subject: Subject) -> Vec<Expectation> {
        let snapshot = self.detection_snapshot();
        let brands = self.expected_by(sight, &snapshot, self.catalogue.brands(subject));
        let is_known = brands.iter().any(|(_, is_cold)| !is_cold);
        brands.into_iter().filter(|_| is_known).map(|(expectation, _)| expectation).collect()
    }

    /// The incidents of a subject that went on in a window, as far as people were told of
    /// them without reserve, and as they are known now.
    #[must_use]
    pub fn incidents_of(
        &self,
        sight: Sight,
        subject: Subject,
        window: Window,
    ) -> Vec<Arc<Incident>> {
        let ids: HashSet<&str> = self
            .catalogue
            .brands(subject)
            .iter()
            .map(|brand| &*self.catalogue.get(*brand).id)
            .collect();
        let register = self.register();
        let cases = register
            .newest_first(None)
            .take(MOST_LOOKED_THROUGH)
            .filter(|case| went_on(case, &ids, window));
        let form = if sight == Sight::Exact { Form::Exact } else { Form::Public };
        cases.map(|case| Arc::clone(case.latest_in(form))).collect()
    }

    /// Where people were told of an incident of the subject that went on in the window.
    fn affected(
        &self,
        sight: Sight,
        subject: Subject,
        window: Window,
        resolution: Resolution,
    ) -> AffectedCells {
        let incidents = self.incidents_of(sight, subject, window);
        if incidents.iter().any(|incident| incident.everywhere) {
            return AffectedCells::everywhere();
        }
        AffectedCells::new(
            incidents.iter().flat_map(|incident| incident.cells.iter().copied()),
            resolution,
        )
    }
}

/// Whether one of these providers failed in the window, as far as people were told
/// without reserve and it was not taken back.
fn went_on(case: &Case, providers: &HashSet<&str>, window: Window) -> bool {
    let mut brands =
        case.latest().brands.iter().filter(|brand| providers.contains(&*brand.provider));
    let in_window = brands.any(|brand| {
        brand.onset < window.to.start()
            && brand.resolved_at.is_none_or(|resolved| window.from.start() < resolved)
    });
    in_window && case.latest().state != State::Withdrawn && case.was_confirmed()
}
