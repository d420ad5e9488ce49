//! Where incidents are: named and outlined once for each revision, since that takes
//! longer than all the rest of an answer.

use crate::domain::grid::Cell;
use crate::domain::incident::public::Naming;
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::time::Timestamp;
use crate::gazetteer::{AreaCode, name_of};
use crate::render::outline::Outline;
use crate::render::place::PlaceJson;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Names kept at most, and outlines.
const MOST_KEPT: usize = 4_096;

/// Names and outlines of revisions that were asked for lately.
#[derive(Debug, Default)]
pub struct PlaceNames {
    names: Kept<RevisionKey, Option<PlaceJson>>,
    outlines: Kept<(RevisionKey, usize), Arc<Outline>>,
}

/// Which revision, in which form. The instant tells apart two of one number, of which the
/// later one counts.
type RevisionKey = (IncidentId, u32, Timestamp, Option<Naming>);

/// The lock is held for look-ups only.
type Kept<K, V> = Mutex<HashMap<K, V>>;

impl PlaceNames {
    /// What the place of an incident is called; nothing where it is told without one.
    pub fn place(&self, incident: &Incident) -> Option<PlaceJson> {
        kept(&self.names, key(incident), || {
            let named = place(&incident.cells);
            // Its cells are those with reports: they say in which countries, and no city
            // stands out.
            let everywhere =
                || PlaceJson { text: "everywhere".into(), cities: Vec::new(), ..named.clone() };
            let has_place = incident.everywhere || !incident.cells.is_empty();
            has_place.then(|| if incident.everywhere { everywhere() } else { named.clone() })
        })
    }

    /// The outline of an incident, of at most so many corners.
    pub fn outline(&self, incident: &Incident, most_corners: usize) -> Arc<Outline> {
        kept(&self.outlines, (key(incident), most_corners), || {
            Arc::new(Outline::of(&incident.cells, most_corners))
        })
    }
}

/// What the place of some cells is called.
#[must_use]
pub fn place(cells: &[Cell]) -> PlaceJson {
    let name = name_of(cells);
    let words =
        |areas: Vec<AreaCode>| areas.into_iter().map(|area| area.as_str().to_owned()).collect();
    PlaceJson {
        text: name.text,
        cities: name.cities.into_iter().map(|city| city.name.to_owned()).collect(),
        subdivisions: words(name.subdivisions),
        countries: words(name.countries),
    }
}

const fn key(incident: &Incident) -> RevisionKey {
    (incident.id, incident.revision, incident.known_at, incident.naming)
}

fn kept<K: Eq + std::hash::Hash, V: Clone>(
    all: &Kept<K, V>,
    key: K,
    make: impl FnOnce() -> V,
) -> V {
    let lock = || all.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = lock().get(&key) {
        return value.clone();
    }
    let value = make();
    let mut all = lock();
    if all.len() >= MOST_KEPT {
        // What is still asked for is made again: once in so many.
        all.clear();
    }
    all.insert(key, value.clone());
    value
}
