//! Facts made up for a test: who reports where, when, how often. Seeded, so that every
//! run has the same.

use super::story::Story;
use crate::domain::counts::Counts;
use crate::domain::detect::Detector;
use crate::domain::detect::others::Others;
use crate::domain::detect::parameters::Parameters;
use crate::domain::fact::{FactKey, Lane, Source, Tally};
use crate::domain::grid::{Cell, Position, Resolution, Spot};
use crate::domain::symptom::Symptom;
use crate::domain::time::Minute;
use std::collections::BTreeMap;
use std::ops::Range;

/// Minutes of an hour, of a day, of a week.
pub const HOUR: i64 = 60;
pub const DAY: i64 = 24 * HOUR;
pub const WEEK: i64 = 7 * DAY;
/// When everything begins: Monday 2022-07-04, midnight in UTC.
pub const START: Minute = Minute(19_177 * DAY);
pub const TORONTO: (f64, f64) = (43.6532, -79.3832);
pub const VANCOUVER: (f64, f64) = (49.2827, -123.1207);
pub const MIAMI: (f64, f64) = (25.7617, -80.1918);

/// Facts of one provider, and when somebody was there to take them. All minutes are
/// counted from [`START`].
#[derive(Debug, Clone)]
pub struct World {
    random: fastrand::Rng,
    rows: BTreeMap<i64, Vec<(FactKey, Tally)>>,
    away: Vec<Range<i64>>,
}

/// Where a report comes from: a cell, and a spot in it where that is known.
pub type Place = (Cell, Spot);

impl World {
    /// Nobody reports anything.
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), rows: BTreeMap::new(), away: Vec::new() }
    }

    /// People report by chance, so many an hour in the mean, each once, from any of these
    /// cells.
    pub fn reports(mut self, cells: &[Cell], an_hour: f64, span: Range<i64>) -> Self {
        let mut at = span.start as f64;
        loop {
            at -= self.random.f64().max(f64::MIN_POSITIVE).ln() * 60.0 / an_hour;
            if at >= span.end as f64 {
                return self;
            }
            let place = (cells[self.random.usize(..cells.len())], self.any_spot());
            self.row(at as i64, place, Lane::OnTime, 1);
        }
    }

    /// Things happen by chance, so many an hour in the mean, each at some spot of these
    /// cells: of each one to `most` people report within a quarter of an hour.
    pub fn calls(mut self, cells: &[Cell], an_hour: f64, most: usize, span: Range<i64>) -> Self {
        let mut at = span.start as f64;
        loop {
            at -= self.random.f64().max(f64::MIN_POSITIVE).ln() * 60.0 / an_hour;
            if at >= span.end as f64 {
                return self;
            }
            let (place, callers) = (
                (cells[self.random.usize(..cells.len())], self.any_spot()),
                self.random.usize(1..=most),
            );
            self = self.ids(&[place], callers, at as i64..at as i64 + 15);
        }
    }

    /// Exactly so many fresh ids report from these places within the span, at any minute
    /// of it.
    pub fn ids(mut self, places: &[Place], how_many: usize, span: Range<i64>) -> Self {
        for _ in 0..how_many {
            let (minute, place) =
                (self.random.i64(span.clone()), places[self.random.usize(..places.len())]);
            self.row(minute, place, Lane::OnTime, 1);
        }
        self
    }

    /// Exactly so many fresh ids report, each in a minute of the first span that comes to
    /// us in a minute of the second.
    pub fn late_ids(
        mut self,
        cells: &[Cell],
        how_many: usize,
        observed: Range<i64>,
        arrived: Range<i64>,
    ) -> Self {
        for _ in 0..how_many {
            let place = (cells[self.random.usize(..cells.len())], self.any_spot());
            let (observed, arrived) =
                (self.random.i64(observed.clone()), self.random.i64(arrived.clone()));
            self.row(observed, place, Lane::LateObserved, 1);
            self.row(arrived, place, Lane::LateArrived, 1);
        }
        self
    }

    /// One reports in these minutes: a distinct person once a day.
    pub fn one_reporter(mut self, place: Place, minutes: impl IntoIterator<Item = i64>) -> Self {
        let mut day = None;
        for minute in minutes {
            let first = day.replace(minute / DAY) != Some(minute / DAY);
            self.row(minute, place, Lane::OnTime, u32::from(first));
        }
        self
    }

    /// Nobody is there to take reports: those on time are lost.
    pub fn away(mut self, span: Range<i64>) -> Self {
        for rows in self.rows.range_mut(span.clone()).map(|(_, rows)| rows) {
            rows.retain(|(key, _)| key.lane() == Lane::LateObserved);
        }
        self.away.push(span);
        self
    }

    /// Every minute's rows in another order.
    pub fn shuffled(mut self, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        self.rows.values_mut().for_each(|rows| random.shuffle(rows));
        self
    }

    /// A detector that has learnt everything before that minute, and then sees every
    /// minute until the other.
    pub fn watched(&self, span: Range<i64>) -> Story {
        Story::new(self, Detector::new(Parameters::default()), span)
    }

    /// The same, of a detector that looks after every report.
    pub fn looked_at(&self, span: Range<i64>) -> Story {
        self.looked_at_from(span.start, span)
    }

    /// The same, but nobody looks before that minute.
    pub fn looked_at_from(&self, minute: i64, span: Range<i64>) -> Story {
        let look = |detector: &mut Detector, running: Minute, at, facts: &[_]| {
            if START.plus(minute) <= running {
                detector.look(running.plus(1), at, facts, &Others::default())
            } else {
                Vec::new()
            }
        };
        Story::with_looks(self, Detector::new(Parameters::default()), span, look)
    }

    /// The facts of that minute, in the order they came, where there are any. As the
    /// store does, each row of them is unsettled.
    pub fn minute(&self, minute: i64) -> Option<Counts> {
        let rows = self.rows.get(&minute)?;
        let mut counts = Counts::default();
        for (key, tally) in rows {
            counts.add(*key, *tally);
        }
        Some(counts)
    }

    /// The facts of that hour, as coarse as hours are.
    pub fn hour(&self, hour: i64) -> Option<Counts> {
        let mut counts = Counts::default();
        let rows = self.rows.range(hour * HOUR..(hour + 1) * HOUR).flat_map(|(_, rows)| rows);
        rows.for_each(|(key, tally)| counts.add(key.rolled_up_to(Resolution::HOURLY), *tally));
        (!counts.is_empty()).then_some(counts)
    }

    /// Whether somebody was there.
    pub fn is_live(&self, minute: i64) -> bool {
        !self.away.iter().any(|span| span.contains(&minute))
    }

    /// A row of that count of distinct people.
    pub fn row(&mut self, minute: i64, (cell, spot): Place, lane: Lane, first: u32) {
        let key = FactKey::new(cell, Symptom::NoService, lane, Source(0)).at_spot(spot);
        self.rows.entry(minute).or_default().push((key, Tally { count: 1, first }));
    }

    fn any_spot(&mut self) -> Spot {
        Spot::ALL[self.random.usize(1..4)]
    }
}

/// The cell of resolution 8 at a place.
pub fn cell((lat, lon): (f64, f64)) -> Cell {
    Cell::at(Position::new(lat, lon).unwrap(), Resolution::FINEST)
}

/// Cells of resolution 8 up to so many steps from a place.
pub fn town(at: (f64, f64), steps: u8) -> Vec<Cell> {
    cell(at).disk(steps).into_iter().map(|(cell, _)| cell).collect()
}

/// Towns of 19 cells, about 80 km from each other, over a country of so many rows and
/// columns of them.
pub fn country(rows: u32, columns: u32) -> Vec<Cell> {
    let places = (0..rows * columns)
        .map(|n| (40.0 + 0.7 * f64::from(n / columns), -100.0 + f64::from(n % columns)));
    places.flat_map(|place| town(place, 2)).collect()
}
