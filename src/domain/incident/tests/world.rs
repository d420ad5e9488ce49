//! A world of a few providers, whose episodes and counts are set by hand.

use crate::domain::detect::episode::{Episode, Evidence, State as EpisodeState};
use crate::domain::grid::{Cell, Position, Resolution};
use crate::domain::incident::attribution::Count;
use crate::domain::incident::desk::{Seen, drafts};
use crate::domain::incident::entry::Entry;
use crate::domain::incident::register::Register;
use crate::domain::incident::{Incident, Method};
use crate::domain::provider::{Category, Provider};
use crate::domain::time::{MINUTE_MS, Minute, Timestamp, Window};
use std::sync::Arc;

/// Toronto, Ottawa and Vancouver.
pub const TORONTO: (f64, f64) = (43.70, -79.42);
pub const OTTAWA: (f64, f64) = (45.42, -75.69);
pub const VANCOUVER: (f64, f64) = (49.25, -123.12);
/// A minute from which stories count.
pub const START: Minute = Minute(27_621_284);

/// What can be set of a provider.
#[derive(Debug, Clone)]
pub struct Carrier {
    pub provider: Provider,
    pub episodes: Vec<Episode>,
    pub is_cold: bool,
    /// Reports an hour in any place: observed, expected.
    pub hourly: (f64, f64),
    /// The same in one city.
    pub hourly_in: Option<((f64, f64), (f64, f64))>,
}

/// Providers and what is known of their incidents.
#[derive(Debug, Default)]
pub struct World {
    pub carriers: Vec<Carrier>,
    pub register: Register,
    pub now: i64,
}

/// A cell of resolution 6, so many steps of a disk away from a city.
pub fn cells(city: (f64, f64), steps: u8) -> Vec<Cell> {
    let centre = Cell::at(Position::new(city.0, city.1).unwrap(), Resolution::new(6).unwrap());
    let mut cells: Vec<Cell> = centre.disk(steps).into_iter().map(|(cell, _)| cell).collect();
    cells.sort_unstable();
    cells
}

pub fn at(minute: i64) -> Timestamp {
    START.plus(minute).start()
}

/// An episode that is seen from that minute on, strong as this many reports.
pub fn episode(id: u64, city: (f64, f64), minute: i64, observed: f64) -> Episode {
    let cells = cells(city, 1);
    let window = Window { from: START.plus(minute - 10), to: START.plus(minute) };
    let evidence = Evidence {
        centre: Some(cells[0]),
        ring: 1,
        window,
        late_only: false,
        observed,
        expected: 1.0,
        dispersion: 0.05,
        score: observed,
    };
    Episode {
        id,
        revision: 0,
        state: EpisodeState::Confirmed,
        detected_at: at(minute),
        onset: at(minute - 8),
        resolved_at: None,
        cells,
        evidence,
    }
}

impl World {
    pub fn of(carriers: &[(&str, &str)]) -> Self {
        let carriers = carriers.iter().map(|(id, network)| {
            let provider = Provider {
                network: (*network).into(),
                category: Category::Mobile,
                ..Provider::of_id((*id).into())
            };
            Carrier {
                provider,
                episodes: Vec::new(),
                is_cold: false,
                hourly: (60.0, 60.0),
                hourly_in: None,
            }
        });
        Self { carriers: carriers.collect(), ..Self::default() }
    }

    pub fn carrier(&mut self, id: &str) -> &mut Carrier {
        self.carriers.iter_mut().find(|carrier| carrier.provider.id == id).unwrap()
    }

    /// An episode begins at that provider.
    pub fn begins(&mut self, id: &str, episode: Episode) {
        self.carrier(id).episodes.push(episode);
    }

    /// All episodes of a provider are over.
    pub fn ends(&mut self, id: &str) {
        let now = at(self.now);
        for episode in self
            .carrier(id)
            .episodes
            .iter_mut()
            .filter(|episode| episode.state != EpisodeState::Resolved)
        {
            (episode.state, episode.resolved_at) = (EpisodeState::Resolved, Some(now));
        }
    }

    /// What the desk tells so many minutes later, recorded.
    pub fn after(&mut self, minutes: i64) -> Vec<Incident> {
        self.now += minutes;
        let told = self.told();
        for incident in &told {
            self.register.take(Some(Entry::Revision(Arc::new(incident.clone()))));
        }
        told
    }

    /// What the desk would tell now.
    pub fn told(&self) -> Vec<Incident> {
        let seen: Vec<Seen<'_>> = self.carriers.iter().map(seen).collect();
        let method = Method { version: "test".into(), parameters: 1, catalogue: 2 };
        drafts(&self.register, &seen, &method, at(self.now))
    }

    pub fn open(&self) -> Vec<Incident> {
        self.register.open().map(|incident| (**incident).clone()).collect()
    }
}

fn seen(carrier: &Carrier) -> Seen<'_> {
    let hourly = |place: &[Cell]| {
        let in_city = |(city, _): &((f64, f64), _)| {
            place.iter().any(|cell| cell.contains(cells(*city, 0)[0]))
        };
        carrier.hourly_in.filter(in_city).map_or(carrier.hourly, |(_, hourly)| hourly)
    };
    let count = |minutes: i64, (observed, expected): (f64, f64)| {
        let part = minutes as f64 / 60.0;
        Count { minutes, observed: observed * part, late: 0.0, expected: expected * part }
    };
    Seen {
        provider: &carrier.provider,
        episodes: carrier.episodes.clone(),
        is_cold: carrier.is_cold,
        opens_at: 5.4,
        coin: None,
        counts: Box::new(move |place| {
            [10, 60, 120, 480].map(|minutes| count(minutes, hourly(place))).to_vec()
        }),
    }
}

/// Minutes as milliseconds.
pub const fn minutes(n: i64) -> i64 {
    n * MINUTE_MS
}
