//! Counts over time of all areas and providers: hours, or the days of people who live
//! there. Summed part by part, so that it takes the memory of a day however long it is.

use super::{AreaIndexes, AreaKind, all};
use crate::domain::provider::{ProviderIndex, Subject};
use crate::domain::symptom::Symptoms;
use crate::domain::time::{Minute, Timestamp, Window};
use crate::engine::Engine;
use crate::engine::shown::Sight;
use crate::engine::shown::reader::{Reader, Seen};
use crate::engine::views::revision;
use crate::gazetteer::AreaCode;
use crate::store::StoreError;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableKey {
    /// For whose eyes.
    pub sight: Sight,
    /// Of whom.
    pub subject: Subject,
    /// Of what.
    pub symptoms: Symptoms,
    /// Which areas are told apart; none where none are.
    pub areas: Option<AreaKind>,
    /// Whether providers are told apart.
    pub by_provider: bool,
}

/// What was reported in one period, of one area and provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableRow {
    /// When.
    pub period: Window,
    /// In which area; none outside all of them, and where none are told apart.
    pub area: Option<AreaCode>,
    /// Of whom; none where they are not told apart.
    pub provider: Option<ProviderIndex>,
    /// How many.
    pub reports: u64,
    /// Whether this service did not run in all of the period, so that reports may be
    /// missing.
    pub gap: bool,
}

/// Reports by the number of the period, area and provider.
type Sums = BTreeMap<(usize, Option<u16>, Option<u16>), u64>;

/// The hours from one to the other that an interval meets, the last one cut short.
#[must_use]
pub fn hours_of(interval: Window) -> Vec<Window> {
    let (mut found, mut from) = (Vec::new(), interval.from.hour().first_minute());
    while from < interval.to {
        found.push(Window { from, to: from.plus(60).min(interval.to) });
        from = from.plus(60);
    }
    found
}

/// The days that an interval meets, as clocks of a time zone count them, the first one whole
/// and the last one cut short. None where a day is not within the calendar.
#[must_use]
pub fn days_of(interval: Window, zone: &TimeZone) -> Option<Vec<Window>> {
    let at = jiff::Timestamp::from_millisecond(interval.from.start().0).ok()?;
    let midnight = |date: Date| {
        let start = zone.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        Some(Timestamp(start.as_millisecond()).minute())
    };
    let mut date = zone.to_datetime(at).date();
    let (mut found, mut from) = (Vec::new(), midnight(date)?);
    while from < interval.to {
        date = date.checked_add(1.day()).ok()?;
        let next = midnight(date)?;
        // A day that a zone left out is none.
        if from < next {
            found.push(Window { from, to: next.min(interval.to) });
        }
        from = next;
    }
    Some(found)
}

/// Whether a minute begins an hour.
#[must_use]
pub const fn is_on_the_hour(minute: Minute) -> bool {
    minute.0 % 60 == 0
}

impl Engine {
    /// Differs wherever such a table may differ.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn table_version(&self, key: &TableKey) -> Result<(u64, u64), StoreError> {
        let brands = self.catalogue.brands(key.subject);
        let digest = self.reader(key.sight).rules_digest();
        Ok((self.read(revision(&self.store, brands).await)?, digest))
    }

    /// The rows of some periods, which follow each other: by period, area and provider. A
    /// period of which nothing is to be told has one row. One part is summed at a time:
    /// whoever asks meanwhile waits.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn table_rows(
        &self,
        key: &TableKey,
        periods: &[Window],
    ) -> Result<Vec<TableRow>, StoreError> {
        let _turn = self.area_table_turn.lock().await;
        let (Some(first), Some(last)) = (periods.first(), periods.last()) else {
            return Ok(Vec::new());
        };
        let whole = Window { from: first.from, to: last.to };
        let (reader, now) = (self.reader(key.sight), self.now());
        let liveness = self.read(reader.store().liveness().await)?;
        let mut sums = Sums::new();
        for brand in self.catalogue.brands(key.subject) {
            let found = self.read(read(&reader, *brand, periods, whole, now).await)?;
            if found.is_empty() {
                continue;
            }
            let (areas, key, periods) = (Arc::clone(&self.areas), key.clone(), periods.to_vec());
            let brand = key.by_provider.then_some(brand.0);
            let add = move || {
                for (minute, seen) in found {
                    let n = periods.partition_point(|period| period.to <= minute);
                    if n < periods.len() {
                        add(&mut sums, &seen, (n, brand), &key, &areas);
                    }
                }
                sums
            };
            sums = tokio::task::spawn_blocking(add)
                .await
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        }
        for n in 0..periods.len() {
            if sums.range((n, None, None)..(n + 1, None, None)).next().is_none() {
                sums.insert((n, None, None), 0);
            }
        }
        let row = |((n, area, provider), reports): ((usize, Option<u16>, Option<u16>), u64)| {
            let period = periods[n];
            TableRow {
                period,
                area: area.map(|number| all()[usize::from(number)]),
                provider: provider.map(ProviderIndex),
                reports,
                gap: !liveness.covers(period.from..period.to),
            }
        };
        Ok(sums.into_iter().map(row).collect())
    }
}

/// What is shown of a provider in periods: hours where they are made of such, else minutes.
async fn read(
    reader: &Reader,
    provider: ProviderIndex,
    periods: &[Window],
    whole: Window,
    now: Timestamp,
) -> Result<Vec<(Minute, Seen)>, StoreError> {
    if periods.iter().any(|period| !is_on_the_hour(period.from)) {
        return reader.minutes(provider, whole.from..whole.to).await;
    }
    let hours = reader.hours(provider, whole.from.hour()..whole.to.plus(59).hour(), now).await?;
    Ok(hours.into_iter().map(|(hour, seen)| (hour.first_minute(), seen)).collect())
}

/// Adds what is shown in a part of a period.
fn add(
    sums: &mut Sums,
    seen: &Seen,
    (n, provider): (usize, Option<u16>),
    key: &TableKey,
    areas: &AreaIndexes,
) {
    for (cell, _, count) in seen.rows(key.symptoms) {
        let mut count_in = |area| {
            *sums.entry((n, area, provider)).or_default() += u64::from(count);
        };
        match key.areas {
            Some(kind) => areas.each_of(kind, cell, count_in),
            None => count_in(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(text: &str) -> Minute {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp(at.as_millisecond()).minute()
    }

    #[test]
    fn days_are_those_of_the_clock_on_the_wall() {
        let interval =
            Window { from: minute("2022-03-12T12:00:00Z"), to: minute("2022-03-14T05:00:00Z") };
        let rows: [(&str, &[&str]); 3] = [
            ("UTC", &["2022-03-12T00:00:00Z", "2022-03-13T00:00:00Z", "2022-03-14T00:00:00Z"]),
            (
                "America/Toronto",
                &["2022-03-12T05:00:00Z", "2022-03-13T05:00:00Z", "2022-03-14T04:00:00Z"],
            ),
            (
                "Asia/Kolkata",
                &["2022-03-11T18:30:00Z", "2022-03-12T18:30:00Z", "2022-03-13T18:30:00Z"],
            ),
        ];
        for (zone, expected) in rows {
            let days = days_of(interval, &TimeZone::get(zone).unwrap()).unwrap();
            let begins: Vec<Minute> = days.iter().map(|day| day.from).collect();
            let expected: Vec<Minute> = expected.iter().map(|text| minute(text)).collect();
            assert_eq!(begins, expected, "{zone}");
            assert!(days.windows(2).all(|pair| pair[0].to == pair[1].from));
            assert_eq!(days.last().map(|day| day.to), Some(interval.to));
        }
        // Samoa left a day out.
        let samoa = TimeZone::get("Pacific/Apia").unwrap();
        let over =
            Window { from: minute("2011-12-29T12:00:00Z"), to: minute("2012-01-01T00:00:00Z") };
        let days = days_of(over, &samoa).unwrap();
        assert!(days.windows(2).all(|pair| pair[0].to == pair[1].from), "{days:?}");
        assert!(days.iter().all(|day| day.from < day.to));
    }

    #[test]
    fn hours_begin_on_the_hour_and_the_last_one_ends_with_the_interval() {
        let interval = Window { from: Minute(30), to: Minute(150) };
        let found = hours_of(interval);
        assert_eq!(
            found.iter().map(|hour| (hour.from.0, hour.to.0)).collect::<Vec<_>>(),
            [(0, 60), (60, 120), (120, 150)]
        );
    }
}
