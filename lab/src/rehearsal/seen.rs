//! What was seen of a rehearsal: every revision of every incident, and the reports of
//! each provider.

use groundswell::domain::detect::REREAD_MINUTES;
use groundswell::domain::incident::{Incident, IncidentId};
use groundswell::domain::symptom::Symptoms;
use groundswell::domain::time::{Minute, Window};
use groundswell::engine::detector_pool::Step;
use groundswell::engine::replay::Observer;
use std::collections::BTreeMap;

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Revisions in the order they were told.
    pub revisions: Vec<Incident>,
    /// By provider: reports of each minute that were on time, and how many were expected.
    pub minutes: BTreeMap<String, Vec<(Minute, u64, f64)>>,
}

impl Observer for Seen {
    fn step(&mut self, provider: &str, step: &Step<'_>) {
        // Of a minute that is read again for the last time no more is to come.
        let last = step.minute.plus(-REREAD_MINUTES);
        let of_last = step.facts.first().filter(|(minute, _)| *minute == last);
        let history = of_last.iter().flat_map(|(_, counts)| counts.rows());
        let counted = history.filter(|(key, _)| {
            key.lane().is_history() && Symptoms::AllProblems.include(key.symptom())
        });
        let reports = counted.map(|(_, tally)| u64::from(tally.count)).sum();
        let expected = step
            .detector
            .expectation()
            .window(Window { from: last, to: last.plus(1) })
            .everywhere();
        self.minutes.entry(provider.to_owned()).or_default().push((last, reports, expected));
    }

    fn incident(&mut self, incident: &Incident) -> std::io::Result<()> {
        self.revisions.push(incident.clone());
        Ok(())
    }

    fn wants_incidents(&self) -> bool {
        true
    }
}

impl Seen {
    /// The revisions of one incident, oldest first.
    pub fn of(&self, id: IncidentId) -> impl Iterator<Item = &Incident> {
        self.revisions.iter().filter(move |revision| revision.id == id)
    }

    /// Incidents in the order they were first told.
    #[must_use]
    pub fn incidents(&self) -> Vec<IncidentId> {
        self.revisions
            .iter()
            .filter(|revision| revision.revision == 0)
            .map(|revision| revision.id)
            .collect()
    }
}
