//! Which clocks the people who report of each provider live by: those of the time zone
//! that most of its reports come from.

use crate::domain::baseline::Baseline;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::local_clock::LocalClock;
use crate::domain::time::Hour;
use crate::gazetteer::nearest;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use std::collections::{BTreeMap, HashMap};

/// Cells of this resolution, some 120 km wide, are of the time zone of the city that is
/// nearest to their middle.
const OF_ZONES: Resolution = Resolution::ALL[3];
const HOUR_S: i64 = 3_600;
const HOURS_OF_DAY: i64 = 24;
/// Changes of clocks are listed between these instants, 1970 and 2100: facts lie between
/// them.
const LISTED_S: (i64, i64) = (0, 4_102_444_800);

/// The time zones that providers go by.
#[derive(Debug, Clone, Default)]
pub struct LocalClocks {
    /// By the provider's place in the catalogue; none where nobody was heard of.
    zones: Vec<Option<&'static str>>,
    of_cells: HashMap<Cell, &'static str>,
}

impl LocalClocks {
    /// Of so many providers, of which none goes by a clock yet.
    #[must_use]
    pub fn new(providers: usize) -> Self {
        Self { zones: vec![None; providers], of_cells: HashMap::new() }
    }

    /// The clock that a provider is to go by from this hour on, where that is another one
    /// than before. Once a day is often enough to ask, and until somebody was heard of.
    pub fn another(
        &mut self,
        provider: usize,
        baseline: &Baseline,
        next: Hour,
    ) -> Option<LocalClock> {
        if self.zones[provider].is_some() && next.0.rem_euclid(HOURS_OF_DAY) != 0 {
            return None;
        }
        let zone = self.zone_of(baseline)?;
        let before = self.zones[provider].replace(zone);
        (before != Some(zone)).then(|| clock_of(zone))
    }

    /// The time zone that most of what was learnt came from; of two with as much, the
    /// first by name.
    fn zone_of(&mut self, baseline: &Baseline) -> Option<&'static str> {
        let mut reports = BTreeMap::<&'static str, f64>::new();
        for cell in baseline.cells(OF_ZONES) {
            let zone =
                self.of_cells.entry(cell).or_insert_with(|| nearest(cell.centre()).city.timezone);
            *reports.entry(zone).or_default() += baseline.learnt_of(cell);
        }
        reports.into_iter().rev().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(zone, _)| zone)
    }
}

/// The clocks of a time zone of the tz database, in whole hours: half an hour ahead
/// counts as none. Of one that it does not have, UTC.
#[must_use]
pub fn clock_of(zone: &str) -> LocalClock {
    let Ok(zone) = TimeZone::get(zone) else { return LocalClock::default() };
    let at = |seconds: i64| Timestamp::from_second(seconds).expect("all of that time can be told");
    let (from, until) = (at(LISTED_S.0), at(LISTED_S.1));
    let ahead = |offset: Offset| i64::from(offset.seconds()).div_euclid(HOUR_S);
    let hour = |instant: Timestamp| Hour(instant.as_second().div_euclid(HOUR_S));
    let changes = zone.following(from).take_while(|change| change.timestamp() < until);
    let listed = changes.map(|change| (hour(change.timestamp()), ahead(change.offset())));
    LocalClock::new(
        std::iter::once((hour(from), ahead(zone.to_offset(from)))).chain(listed).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Position;

    /// An hour of UTC, as in "2022-03-13T07:00Z".
    fn hour(at: &str) -> Hour {
        let instant: Timestamp = at.parse().unwrap();
        Hour(instant.as_second().div_euclid(HOUR_S))
    }

    /// What was learnt in one hour in which so many reported from each of these places.
    fn heard(places: &[((f64, f64), f64)]) -> Baseline {
        let mut baseline = Baseline::default();
        let cell =
            |(lat, lon): (f64, f64)| Cell::at(Position::new(lat, lon).unwrap(), Resolution::HOURLY);
        let reports: Vec<(Cell, f64)> =
            places.iter().map(|(place, count)| (cell(*place), *count)).collect();
        baseline.learn(Hour(0), &reports, 1.0);
        baseline
    }

    const TORONTO: (f64, f64) = (43.6532, -79.3832);
    const OTTAWA: (f64, f64) = (45.4215, -75.6972);
    const VANCOUVER: (f64, f64) = (49.2827, -123.1207);

    #[test]
    fn clocks_are_set_when_their_country_sets_them() {
        let rows = [
            ("America/Toronto", "2022-03-13T06:00Z", -5),
            ("America/Toronto", "2022-03-13T07:00Z", -4),
            ("America/Toronto", "2022-11-06T05:00Z", -4),
            ("America/Toronto", "2022-11-06T06:00Z", -5),
            ("America/Toronto", "2040-07-01T00:00Z", -4),
            ("Europe/London", "2026-03-29T00:00Z", 0),
            ("Europe/London", "2026-03-29T01:00Z", 1),
            ("Australia/Sydney", "2026-01-01T00:00Z", 11),
            ("America/Phoenix", "2026-07-01T00:00Z", -7),
            ("Asia/Kolkata", "2026-07-01T00:00Z", 5),
            ("America/St_Johns", "2026-01-01T00:00Z", -4),
            ("Nowhere/Land", "2026-07-01T00:00Z", 0),
        ];
        for (zone, at, ahead) in rows {
            assert_eq!(clock_of(zone).ahead(hour(at)), ahead, "{zone} at {at}");
        }
    }

    #[test]
    fn a_provider_goes_by_the_clock_of_the_zone_that_most_reports_come_from() {
        let zone_of = |places: &[((f64, f64), f64)]| LocalClocks::new(1).zone_of(&heard(places));
        assert_eq!(
            zone_of(&[(TORONTO, 5.0), (VANCOUVER, 9.0), (OTTAWA, 5.0)]),
            Some("America/Toronto")
        );
        assert_eq!(
            zone_of(&[(TORONTO, 5.0), (VANCOUVER, 11.0), (OTTAWA, 5.0)]),
            Some("America/Vancouver")
        );
        assert_eq!(zone_of(&[(VANCOUVER, 5.0), (TORONTO, 5.0)]), Some("America/Toronto"));
        assert_eq!(zone_of(&[]), None);
    }

    #[test]
    fn it_is_asked_until_somebody_was_heard_of_and_then_once_a_day() {
        let mut clocks = LocalClocks::new(2);
        let [nobody, east, west] =
            [heard(&[]), heard(&[(TORONTO, 1.0)]), heard(&[(VANCOUVER, 1.0)])];
        assert_eq!(clocks.another(0, &nobody, hour("2022-07-08T04:00Z")), None);
        assert_eq!(
            clocks.another(0, &east, hour("2022-07-08T05:00Z")),
            Some(clock_of("America/Toronto"))
        );
        assert_eq!(clocks.another(0, &west, hour("2022-07-08T06:00Z")), None);
        assert_eq!(
            clocks.another(0, &west, hour("2022-07-09T00:00Z")),
            Some(clock_of("America/Vancouver"))
        );
        assert_eq!(clocks.another(0, &west, hour("2022-07-10T00:00Z")), None);
        assert_eq!(
            clocks.another(1, &west, hour("2022-07-10T01:00Z")),
            Some(clock_of("America/Vancouver"))
        );
    }
}
