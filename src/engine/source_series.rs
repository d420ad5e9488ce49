//! What one source sent over time, of all providers together: where an operator looks for
//! a broken app, and for the minutes to void. Each is read anew: only operators ask.

use super::Engine;
use crate::domain::counts::Counts;
use crate::domain::fact::{Lane, Source};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::liveness::Liveness;
use crate::domain::provider::ProviderIndex;
use crate::domain::series::Step;
use crate::domain::symptom::Symptom;
use crate::domain::time::{Hour, Minute, Window};
use crate::store::{Store, StoreError};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Minutes that are read at once, of one provider: a series may have eight weeks.
const MINUTES_AT_ONCE: i64 = 24 * 60;

/// Which series of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSeriesKey {
    /// Of which source.
    pub source: Source,
    /// About this provider only; about all where it is none.
    pub provider: Option<ProviderIndex>,
    /// Of this symptom only; of all, `working` among them, where it is none.
    pub symptom: Option<Symptom>,
    /// When.
    pub interval: Window,
    /// How finely.
    pub step: Step,
    /// Whether hours are read instead of minutes: for days that only hours are left of.
    pub from_hours: bool,
}

/// What a source sent in `[start, start + step)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourcePoint {
    /// The first minute of it.
    pub start: Minute,
    /// Reports that were observed in it.
    pub count: u64,
    /// Those of them that came late, or are no evidence: without a place, or of an id that
    /// many phones send.
    pub late: u64,
    /// Late reports that came in it, whenever they were observed.
    pub late_arrived: u64,
    /// Cells of resolution 7 (or coarser, where nothing finer was said) that were reported
    /// from.
    pub cells: u64,
    /// The cell with the most reports, and how many of `count` are from it; the lower cell
    /// of two that have as many.
    pub top_cell: Option<(Cell, u64)>,
    /// Whether the service did not run in all of its minutes, so that the count may be too
    /// low.
    pub gap: bool,
}

impl Engine {
    /// What a source sent over time. One is read at a time: whoever asks meanwhile waits.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn source_series(
        &self,
        key: &SourceSeriesKey,
    ) -> Result<Vec<SourcePoint>, StoreError> {
        let _turn = self.source_series_turn.lock().await;
        let providers = match key.provider {
            Some(provider) => provider.0..provider.0 + 1,
            None => 0..self.catalogue.len() as u16,
        };
        build(&self.store, providers, key).await
    }
}

/// Reads it, so many points at once that their reports are those of a day.
async fn build(
    store: &Store,
    providers: Range<u16>,
    key: &SourceSeriesKey,
) -> Result<Vec<SourcePoint>, StoreError> {
    let liveness = store.liveness().await?;
    let at_once = (MINUTES_AT_ONCE / key.step.as_minutes()).max(1) * key.step.as_minutes();
    let (mut points, mut from) = (Vec::new(), key.interval.from);
    while from < key.interval.to {
        let window = Window { from, to: from.plus(at_once).min(key.interval.to) };
        let mut sums = Sums::of(key, window);
        for provider in providers.clone().map(ProviderIndex) {
            let found = read(store, provider, window, key.from_hours).await?;
            // Millions of facts in the middle of an outage.
            let add = move || {
                for (minute, counts) in found {
                    sums.add(minute, &counts);
                }
                sums
            };
            sums = tokio::task::spawn_blocking(add)
                .await
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        }
        points.extend(sums.points(&liveness));
        from = window.to;
    }
    Ok(points)
}

async fn read(
    store: &Store,
    provider: ProviderIndex,
    window: Window,
    from_hours: bool,
) -> Result<Vec<(Minute, Arc<Counts>)>, StoreError> {
    if !from_hours {
        return store.minutes(provider, window.from..window.to).await;
    }
    let hours = store.hours(provider, window.from.hour()..window.to.plus(59).hour()).await?;
    let first_minute = |(hour, counts): (Hour, _)| (hour.first_minute(), counts);
    Ok(hours.into_iter().map(first_minute).collect())
}

/// What is summed up of some points.
#[derive(Debug)]
struct Sums {
    source: Source,
    symptom: Option<Symptom>,
    step: Step,
    window: Window,
    points: Vec<Sum>,
}

#[derive(Debug, Clone, Default)]
struct Sum {
    late: u64,
    late_arrived: u64,
    by_cell: HashMap<Cell, u64>,
}

impl Sums {
    fn of(key: &SourceSeriesKey, window: Window) -> Self {
        let SourceSeriesKey { source, symptom, step, .. } = *key;
        let points = vec![Sum::default(); step.points_in(window) as usize];
        Self { source, symptom, step, window, points }
    }

    fn add(&mut self, minute: Minute, counts: &Counts) {
        if !self.window.contains(minute) {
            return;
        }
        let point = (minute.0 - self.window.from.0) / self.step.as_minutes();
        let sum = &mut self.points[point as usize];
        for (key, tally) in counts.rows() {
            let is_asked = key.source() == self.source
                && self.symptom.is_none_or(|symptom| key.symptom() == symptom);
            if !is_asked {
                continue;
            }
            let count = u64::from(tally.count);
            if key.lane() == Lane::LateArrived {
                sum.late_arrived += count;
                continue;
            }
            sum.late += if key.lane() == Lane::LateObserved { count } else { 0 };
            let cell = key.cell().rolled_up_to(Resolution::HOURLY);
            *sum.by_cell.entry(cell).or_default() += count;
        }
    }

    fn points(self, liveness: &Liveness) -> impl Iterator<Item = SourcePoint> {
        let (step, window) = (self.step.as_minutes(), self.window);
        (0..).zip(self.points).map(move |(n, sum)| {
            let start = window.from.plus(n * step);
            let gap = !liveness.covers(start..start.plus(step).min(window.to));
            sum.point(start, gap)
        })
    }
}

impl Sum {
    fn point(self, start: Minute, gap: bool) -> SourcePoint {
        let Self { late, late_arrived, by_cell } = self;
        // What has no place is in no cell.
        let placed = || by_cell.iter().filter(|(cell, _)| !cell.is_nowhere());
        let top_cell = placed()
            .max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))
            .map(|(cell, count)| (*cell, *count));
        SourcePoint {
            start,
            count: by_cell.values().sum(),
            late,
            late_arrived,
            cells: placed().count() as u64,
            top_cell,
            gap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::{FactKey, Tally};
    use crate::domain::grid::Position;

    fn cell(place: u8) -> Cell {
        Cell::at(Position::new(f64::from(place), 2.0).unwrap(), Resolution::FINEST)
    }

    fn counts(rows: &[(Cell, Symptom, Lane, u16, u32)]) -> Counts {
        let row = |(cell, symptom, lane, source, count): &(Cell, Symptom, Lane, u16, u32)| {
            let key = FactKey::new(*cell, *symptom, *lane, Source(*source));
            (key, Tally { count: *count, first: 0 })
        };
        Counts::from_rows(rows.iter().map(row).collect())
    }

    #[test]
    fn a_point_sums_what_its_source_sent_and_nobody_else() {
        let key = SourceSeriesKey {
            source: Source(7),
            provider: None,
            symptom: None,
            interval: Window { from: Minute(60), to: Minute(200) },
            step: Step::minutes(60).unwrap(),
            from_hours: false,
        };
        let (one, other) = (cell(1), cell(2));
        let some = counts(&[
            (one, Symptom::NoData, Lane::OnTime, 7, 4),
            (other, Symptom::NoTv, Lane::LateObserved, 7, 2),
            (other, Symptom::NoTv, Lane::LateArrived, 7, 9),
            (other, Symptom::Working, Lane::OnTime, 7, 1),
            (Cell::NOWHERE, Symptom::NoTv, Lane::LateObserved, 7, 3),
            (one, Symptom::NoData, Lane::OnTime, 8, 100),
        ]);
        let points = |key: &SourceSeriesKey| {
            let mut sums = Sums::of(key, key.interval);
            sums.add(Minute(59), &some);
            sums.add(Minute(119), &some);
            sums.add(Minute(200), &some);
            let live = Liveness::from_spans([Minute(60)..Minute(180)]);
            sums.points(&live).collect::<Vec<_>>()
        };
        let empty = |start, gap| SourcePoint {
            start: Minute(start),
            count: 0,
            late: 0,
            late_arrived: 0,
            cells: 0,
            top_cell: None,
            gap,
        };
        let all = SourcePoint {
            count: 10,
            late: 5,
            late_arrived: 9,
            cells: 2,
            top_cell: Some((one.rolled_up_to(Resolution::HOURLY), 4)),
            ..empty(60, false)
        };
        assert_eq!(points(&key), [all, empty(120, false), empty(180, true)]);
        let of_tv = SourcePoint {
            count: 5,
            late: 5,
            late_arrived: 9,
            cells: 1,
            top_cell: Some((other.rolled_up_to(Resolution::HOURLY), 2)),
            ..empty(60, false)
        };
        let only_tv = SourceSeriesKey { symptom: Some(Symptom::NoTv), ..key };
        assert_eq!(points(&only_tv)[0], of_tv);
    }
}
