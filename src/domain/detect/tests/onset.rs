//! The minute an excess began.

use super::outage::DOWN;
use super::world::{DAY, HOUR, START, TORONTO, World, cell, town};
use crate::domain::counts::Counts;
use crate::domain::detect::REREAD_MINUTES;
use crate::domain::detect::onset::onset;
use crate::domain::fact::{FactKey, Lane, Source, Tally};
use crate::domain::symptom::Symptom;
use crate::domain::time::Minute;
use std::sync::Arc;

/// The onset before minute 100, of reports `(minute, how many, lane, symptom)` where so
/// many are expected a minute.
fn of(reports: &[(i64, u32, Lane, Symptom)], expected_a_minute: f64) -> Option<i64> {
    let minute = |(minute, count, lane, symptom): &(i64, u32, Lane, Symptom)| {
        let row = (
            FactKey::new(cell(TORONTO), *symptom, *lane, Source(0)),
            Tally { count: *count, first: 0 },
        );
        (START.plus(*minute), Counts::from_rows(vec![row]))
    };
    let minutes: Vec<(Minute, Counts)> = reports.iter().map(minute).collect();
    onset(
        minutes.iter().map(|(minute, counts)| (*minute, counts)),
        START.plus(100),
        |_| true,
        expected_a_minute,
    )
    .map(|minute| minute.0 - START.0)
}

#[test]
fn it_is_where_the_reports_become_too_many() {
    let problem = |(minute, count)| (minute, count, Lane::OnTime, Symptom::NoService);
    let rows: [(&[(i64, u32)], f64, Option<i64>); 8] = [
        (&[], 0.1, None),
        (&[(10, 1)], 0.1, None),
        (&[(70, 3)], 0.0, Some(70)),
        (&[(5, 1), (30, 1), (80, 5), (90, 5), (95, 5)], 0.02, Some(80)),
        (&[(5, 1), (30, 1), (80, 5), (90, 5), (95, 5)], 0.5, Some(90)),
        (&[(99, 4)], 0.1, Some(99)),
        (&[(99, 4), (100, 50), (101, 50)], 0.1, Some(99)),
        // A stray report, in a place that never had any.
        (&[(36, 1), (86, 1), (87, 2), (90, 1), (92, 2)], 1e-6, Some(86)),
    ];
    for (reports, expected_a_minute, expected) in rows {
        let reports: Vec<_> = reports.iter().copied().map(problem).collect();
        assert_eq!(of(&reports, expected_a_minute), expected, "{reports:?}");
    }
}

#[test]
fn a_late_report_counts_when_it_was_observed_not_when_it_came() {
    let problem = Symptom::NoService;
    let reports = [
        (60, 5, Lane::LateObserved, problem),
        (80, 5, Lane::OnTime, problem),
        (95, 5, Lane::LateArrived, problem),
    ];
    assert_eq!(of(&reports, 0.05), Some(60));
    assert_eq!(of(&reports[2..], 0.05), None);
}

#[test]
fn who_says_that_it_works_is_no_evidence() {
    assert_eq!(
        of(
            &[(60, 50, Lane::OnTime, Symptom::Working), (80, 5, Lane::OnTime, Symptom::NoData)],
            0.05
        ),
        Some(80)
    );
}

#[test]
fn history_that_could_not_be_read_is_asked_for_again() {
    let world = World::new(1).reports(&town(TORONTO, 5), 12.0, 0..9 * DAY).reports(
        &town(TORONTO, 2),
        600.0,
        DOWN..DOWN + HOUR,
    );
    let mut detector = world.watched(DOWN - 30..DOWN + 1).detector;
    let mut step = |minute: i64| {
        let facts = (minute - REREAD_MINUTES..minute)
            .filter_map(|of| Some((START.plus(of), Arc::new(world.minute(of)?))));
        detector.step(START.plus(minute), &facts.collect::<Vec<_>>(), true);
        detector.clone()
    };
    let opens =
        (DOWN + 1..DOWN + 30).find(|minute| step(*minute).wants_history().is_some()).unwrap();
    let mut unread = step(opens + 1);
    assert_eq!(unread.wants_history().map(|history| history.end), Some(START.plus(opens + 1)));
    unread.date(&[]);
    assert_eq!(unread.wants_history(), None);
}
