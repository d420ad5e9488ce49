//! Which incidents were told while history was played, and are therefore no news in the
//! stream after it.

use super::Observer;
use crate::domain::detect::episode::{Episode, State};
use crate::domain::incident::Incident;
use crate::engine::detector_pool::Step;
use std::collections::HashSet;

/// Incidents by provider and id.
pub type Told = HashSet<(String, u64)>;

/// Hears what a history tells, and says nothing of it.
pub struct History<'a, F> {
    /// Those that were told.
    pub told: Told,
    /// Hears how much was read.
    pub progress: &'a mut F,
}

impl<F: FnMut(u64)> Observer for History<'_, F> {
    fn revision(&mut self, provider: &str, incident: &Episode) -> std::io::Result<()> {
        note(&mut self.told, provider, incident);
        Ok(())
    }

    fn read(&mut self, bytes: u64) {
        (self.progress)(bytes);
    }
}

/// Passes on what a stream tells, but for incidents that were told before it began.
pub struct Stream<'a, O> {
    /// Those that were told before.
    pub before: Told,
    /// Those that were told since.
    pub told: Told,
    /// To whom.
    pub observer: &'a mut O,
}

impl<O: Observer> Observer for Stream<'_, O> {
    fn step(&mut self, provider: &str, step: &Step<'_>) {
        self.observer.step(provider, step);
    }

    fn revision(&mut self, provider: &str, incident: &Episode) -> std::io::Result<()> {
        if self.before.contains(&(provider.to_owned(), incident.id)) {
            return Ok(());
        }
        note(&mut self.told, provider, incident);
        self.observer.revision(provider, incident)
    }

    fn incident(&mut self, incident: &Incident) -> std::io::Result<()> {
        self.observer.incident(incident)
    }

    fn wants_incidents(&self) -> bool {
        self.observer.wants_incidents()
    }

    fn read(&mut self, bytes: u64) {
        self.observer.read(bytes);
    }
}

fn note(told: &mut Told, provider: &str, incident: &Episode) {
    if incident.state != State::Possible {
        told.insert((provider.to_owned(), incident.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::detect::episode::Evidence;
    use crate::domain::grid::Cell;
    use crate::domain::time::{Minute, Timestamp, Window};

    #[derive(Default)]
    struct Heard(Vec<(String, u64, State)>);

    impl Observer for Heard {
        fn revision(&mut self, provider: &str, incident: &Episode) -> std::io::Result<()> {
            self.0.push((provider.to_owned(), incident.id, incident.state));
            Ok(())
        }
    }

    fn incident(id: u64, state: State) -> Episode {
        let (centre, window) =
            (Cell::parse("872a100d6ffffff").unwrap(), Window { from: Minute(0), to: Minute(1) });
        let evidence = Evidence {
            centre: Some(centre),
            ring: 0,
            window,
            late_only: false,
            observed: 1.0,
            expected: 1.0,
            dispersion: 0.0,
            score: 0.0,
        };
        let at = Timestamp(0);
        Episode {
            id,
            revision: 0,
            state,
            detected_at: at,
            onset: at,
            resolved_at: None,
            cells: vec![centre],
            evidence,
        }
    }

    #[test]
    fn what_the_history_told_is_no_news_but_what_was_only_possible_then_is() {
        let mut history = History { told: Told::new(), progress: &mut |_| {} };
        history.revision("alpha", &incident(1, State::Confirmed)).unwrap();
        history.revision("alpha", &incident(2, State::Possible)).unwrap();
        let mut heard = Heard::default();
        let mut stream = Stream { before: history.told, told: Told::new(), observer: &mut heard };
        for (provider, id, state) in [
            ("alpha", 1, State::Resolved),
            ("alpha", 2, State::Confirmed),
            ("bravo", 1, State::Possible),
        ] {
            stream.revision(provider, &incident(id, state)).unwrap();
        }
        assert_eq!(stream.told, Told::from([("alpha".to_owned(), 2)]));
        assert_eq!(
            heard.0,
            [("alpha".to_owned(), 2, State::Confirmed), ("bravo".to_owned(), 1, State::Possible)]
        );
    }
}
