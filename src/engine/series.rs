//! Series for readers: counts over time of a subject in a region.

mod bands;

use super::cache::Weight;
use super::shown::Sight;
use super::shown::reader::{Reader, Seen};
use super::slices::{Slices, Whose, longest_within};
use crate::domain::counted::Counted;
use crate::domain::cover::Cover;
use crate::domain::detect::Band;
use crate::domain::detect::expectation::Expectation;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::provider::{ProviderIndex, Subject};
use crate::domain::region::Region;
use crate::domain::series::{Point, Step, series};
use crate::domain::symptom::Symptoms;
use crate::domain::time::{Minute, Timestamp, Window};
use crate::domain::view::Sums;
use crate::store::StoreError;
use bands::bands;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Which series.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeriesKey {
    /// For whose eyes.
    pub sight: Sight,
    /// Of whom.
    pub subject: Subject,
    /// Where.
    pub region: Region,
    /// Of what.
    pub counted: Counted,
    /// When.
    pub interval: Window,
    /// How finely.
    pub step: Step,
    /// Whether hours are read instead of minutes: for days that only hours are left of.
    pub from_hours: bool,
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
    /// Whether the cell that was asked about was hidden in part of each: its reports then
    /// stand in a coarser one. Of other regions, none.
    pub hidden: Vec<bool>,
}

impl Weight for Series {
    fn bytes(&self) -> usize {
        self.points.capacity() * size_of::<Point>()
            + self.bands.capacity() * size_of::<Option<Band>>()
            + self.hidden.capacity()
    }
}

/// Builds a series of these brands, of which so much is to be expected.
///
/// # Errors
/// Where the store cannot be read.
pub async fn build(
    (reader, slices): (Reader, Arc<Slices>),
    brands: Vec<ProviderIndex>,
    expected: Vec<Expectation>,
    key: SeriesKey,
    now: Timestamp,
) -> Result<Series, StoreError> {
    let liveness = reader.store().liveness().await?;
    let mut found: Vec<(ProviderIndex, Vec<(Minute, Seen)>)> = Vec::with_capacity(brands.len());
    let mut hidden = vec![false; key.step.points_in(key.interval) as usize];
    for brand in brands {
        if let (Some(cell), false) = (key.region.cell(), key.from_hours) {
            let steps: Vec<_> = steps(&key).collect();
            let of_brand = reader.is_hidden(brand, cell, &steps).await?;
            hidden.iter_mut().zip(of_brand).for_each(|(all, one)| *all |= one);
        }
        if key.from_hours {
            let hours = key.interval.from.hour()..key.interval.to.plus(59).hour();
            let hours = reader.hours(brand, hours, now).await?;
            let hours = hours.into_iter().map(|(hour, seen)| (hour.first_minute(), seen));
            found.push((brand, hours.collect()));
        } else {
            let minutes = key.interval.from..key.interval.to;
            found.push((brand, reader.minutes(brand, minutes).await?));
        }
    }
    let count = move || {
        let mut places = Places::new(&key.region);
        let mut counts: Vec<(Minute, u64)> = Vec::new();
        for (provider, minutes) in &found {
            match slice_minutes(&key) {
                1 => counts.extend(
                    minutes.iter().map(|(minute, seen)| (*minute, places.count(seen, &key))),
                ),
                longest => {
                    let whose =
                        Whose { sight: key.sight, provider: *provider, counted: key.counted };
                    let slices = slices.of(whose, key.interval, minutes, longest);
                    counts.extend(slices.iter().map(|(begin, sums)| (*begin, places.sum(sums))));
                }
            }
        }
        let points = series(key.interval, key.step, counts, &liveness);
        let mut usual = bands(&expected, &key, &points);
        let hidden = if key.from_hours { hidden_hours(&key, &found) } else { hidden };
        usual.iter_mut().zip(&hidden).filter(|(_, hidden)| **hidden).for_each(|(band, _)| {
            *band = None;
        });
        (points, usual, hidden)
    };
    let (points, usual, hidden) = tokio::task::spawn_blocking(count)
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Series { as_of: now, points, bands: usual, hidden })
}

/// The minutes of each point.
fn steps(key: &SeriesKey) -> impl Iterator<Item = Range<Minute>> {
    let (step, interval) = (key.step.as_minutes(), key.interval);
    (0..key.step.points_in(interval)).map(move |n| {
        let start = interval.from.plus(n * step);
        start..start.plus(step).min(interval.to)
    })
}

/// Of each point of hours, whether something is shown around the cell that was asked about
/// and nothing in it: it was hidden then, or nobody reported from it.
fn hidden_hours(key: &SeriesKey, found: &[(ProviderIndex, Vec<(Minute, Seen)>)]) -> Vec<bool> {
    let Some(cell) = key.region.cell() else {
        return vec![false; key.step.points_in(key.interval) as usize];
    };
    let is_hidden = |step: Range<Minute>| {
        let (mut within, mut around) = (false, false);
        let hours = found.iter().flat_map(|(_, hours)| hours);
        for (_, seen) in hours.filter(|(minute, _)| step.contains(minute)) {
            let asked = Counted { symptoms: Symptoms::AllProblems, ..key.counted };
            for (shown, ..) in seen.rows(asked) {
                within |= cell.contains(shown);
                around |= shown != cell && shown.contains(cell);
            }
        }
        key.sight == Sight::Public && around && !within
    };
    steps(key).map(is_hidden).collect()
}

/// How long the slices may be that a series is summed from: within its steps. Minutes are
/// counted as they are, since nothing else would use so many slices again.
fn slice_minutes(key: &SeriesKey) -> i64 {
    if key.from_hours { 1 } else { longest_within(&[key.interval.from.0, key.step.as_minutes()]) }
}

/// Remembers which cells lie in a region: centres are expensive, and the same cells come
/// minute after minute.
struct Places<'a> {
    region: &'a Region,
    cover: Cover,
    known: HashMap<Cell, bool>,
}

impl<'a> Places<'a> {
    fn new(region: &'a Region) -> Self {
        Self { region, cover: Cover::of(region, Resolution::FINEST), known: HashMap::new() }
    }

    fn count(&mut self, seen: &Seen, key: &SeriesKey) -> u64 {
        seen.rows(key.counted)
            .filter(|(cell, ..)| self.include(*cell))
            .map(|(.., count)| u64::from(count))
            .sum()
    }

    fn sum(&mut self, sums: &Sums) -> u64 {
        if *self.region == Region::Everywhere {
            return sums.total();
        }
        let Self { region, cover, known } = self;
        sums.count(cover, |cell| *known.entry(cell).or_insert_with(|| region.contains(cell)))
    }

    fn include(&mut self, cell: Cell) -> bool {
        match self.region {
            Region::Everywhere | Region::Cell(_) => self.region.contains(cell),
            region => *self.known.entry(cell).or_insert_with(|| region.contains(cell)),
        }
    }
}
