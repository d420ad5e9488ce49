//! Series for readers: counts over time of a subject, a cell or a box.

mod bands;

use super::cache::Weight;
use crate::domain::bbox::BoundingBox;
use crate::domain::counts::Counts;
use crate::domain::detect::Band;
use crate::domain::detect::expectation::Expectation;
use crate::domain::grid::Cell;
use crate::domain::provider::{ProviderIndex, Subject};
use crate::domain::series::{Point, Step, series};
use crate::domain::symptom::Symptoms;
use crate::domain::time::{Minute, Timestamp, Window};
use crate::store::{Store, StoreError};
use bands::bands;
use std::collections::HashMap;
use std::sync::Arc;

/// Which series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesKey {
    /// Of whom.
    pub subject: Subject,
    /// Where.
    pub place: Within,
    /// Of what.
    pub symptoms: Symptoms,
    /// When.
    pub interval: Window,
    /// How finely.
    pub step: Step,
    /// Whether hours are read instead of minutes: for days that only hours are left of.
    pub from_hours: bool,
}

/// Where reports are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Within {
    /// Everywhere.
    Anywhere,
    /// In a cell and its descendants.
    Cell(Cell),
    /// In cells whose centres lie in a box.
    Box(BoundingBox),
}

/// A series as it was built in one tick.
#[derive(Debug)]
pub struct Series {
    /// When it was built.
    pub as_of: Timestamp,
    /// Its points.
    pub points: Vec<Point>,
    /// What was to be expected in each, where that is known.
    pub bands: Vec<Option<Band>>,
}

// The sides of a box are finite, so that equality is total; they hash by their bits, and
// zero is written one way.
impl Eq for SeriesKey {}

impl std::hash::Hash for SeriesKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.subject, self.symptoms, self.interval, self.step, self.from_hours).hash(state);
        match self.place {
            Within::Anywhere => {}
            Within::Cell(cell) => cell.hash(state),
            Within::Box(bbox) => bbox.sides().map(|side| (side + 0.0).to_bits()).hash(state),
        }
    }
}

impl Weight for Series {
    fn bytes(&self) -> usize {
        self.points.capacity() * size_of::<Point>()
            + self.bands.capacity() * size_of::<Option<Band>>()
    }
}

/// Builds a series of these brands, of which so much is to be expected.
///
/// # Errors
/// Where the store cannot be read.
pub async fn build(
    store: Arc<Store>,
    brands: Vec<ProviderIndex>,
    expected: Vec<Expectation>,
    key: SeriesKey,
    now: Timestamp,
) -> Result<Series, StoreError> {
    let liveness = store.liveness().await?;
    let mut found: Vec<(Minute, Arc<Counts>)> = Vec::new();
    for brand in brands {
        if key.from_hours {
            let hours = store
                .hours(brand, key.interval.from.hour()..key.interval.to.plus(59).hour())
                .await?;
            found.extend(hours.into_iter().map(|(hour, counts)| (hour.first_minute(), counts)));
        } else {
            found.extend(store.minutes(brand, key.interval.from..key.interval.to).await?);
        }
    }
    let count = move || {
        let mut places = Places { within: key.place, known: HashMap::new() };
        let counts =
            found.iter().map(|(minute, counts)| (*minute, places.count(counts, key.symptoms)));
        let points = series(key.interval, key.step, counts, &liveness);
        let usual = bands(&expected, &key, &points);
        (points, usual)
    };
    let (points, usual) = tokio::task::spawn_blocking(count)
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Series { as_of: now, points, bands: usual })
}

/// Remembers which cells lie within: centres are dear, and the same cells come minute
/// after minute.
struct Places {
    within: Within,
    known: HashMap<Cell, bool>,
}

impl Places {
    fn count(&mut self, counts: &Counts, symptoms: Symptoms) -> u64 {
        let asked = counts
            .rows()
            .filter(|(key, _)| key.lane().is_history() && symptoms.include(key.symptom()));
        asked
            .filter(|(key, _)| self.include(key.cell()))
            .map(|(_, tally)| u64::from(tally.count))
            .sum()
    }

    fn include(&mut self, cell: Cell) -> bool {
        match self.within {
            Within::Anywhere => true,
            // What has no place lies in no cell and no box.
            _ if cell.is_nowhere() => false,
            Within::Cell(asked) => asked.contains(cell),
            Within::Box(bbox) => {
                *self.known.entry(cell).or_insert_with(|| bbox.contains(cell.centre()))
            }
        }
    }
}
