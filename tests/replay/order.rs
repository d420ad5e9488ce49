//! Lines out of order, with wrong dates, or after a long pause.

use super::{HOURS, at, replay, setting};
use crate::support::{NOW, instant, ndjson, text};
use groundswell::domain::provider::{Catalogue, Provider};
use groundswell::domain::time::MINUTE_MS;
use groundswell::engine::replay::Setting;
use groundswell::engine::replay::statistics::Flaw;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn a_line_out_of_order_is_taken_as_received_now_unless_it_is_far_behind() {
    let lines = [
        at(10 * MINUTE_MS, json!({"device_id": "a"})),
        at(
            5 * MINUTE_MS,
            json!({"device_id": "b", "observed_at": text(instant(NOW).plus_ms(5 * MINUTE_MS))}),
        ),
        at(5 * MINUTE_MS - 1, json!({"device_id": "c"})),
        at(10 * MINUTE_MS, json!({"device_id": "d"})),
    ];
    let (statistics, shown) = replay(&setting(), &[], &[&ndjson(&lines)]);
    let flaws: Vec<_> = statistics
        .flaws
        .iter()
        .map(|(flaw, found)| (*flaw, found.count, found.first.line))
        .collect();
    assert_eq!(
        (statistics.counted, flaws),
        (3, vec![(Flaw::OutOfOrder, 1, 2), (Flaw::TooFarBehind, 1, 3)])
    );
    let minutes = [10, 11].map(|minute| instant(NOW).minute().0 + minute);
    assert_eq!(shown.steps["alpha"], BTreeSet::from(minutes), "the time never runs back");
}

/// A report in each of so many minutes, and before the one of a minute those of these
/// dates, in minutes.
fn with_wrong_dates(minutes: i64, wrong: &[(i64, i64)]) -> Vec<Value> {
    let of_minute = |minute: i64| {
        let wrong = wrong.iter().enumerate().filter(move |(_, (before, _))| *before == minute);
        let wrong = wrong
            .map(|(n, (_, date))| at(date * MINUTE_MS, json!({"device_id": format!("wrong{n}")})));
        wrong.chain([at(minute * MINUTE_MS, json!({}))]).collect::<Vec<_>>()
    };
    (0..minutes).flat_map(of_minute).collect()
}

#[test]
fn a_line_whose_date_is_wrong_is_refused_alone_wherever_it_stands() {
    const YEAR: i64 = 366 * 24 * 60;
    let rows: [(&str, &[(i64, i64)], Flaw); 9] = [
        ("the first is of 2999", &[(0, 977 * YEAR)], Flaw::TooFarAhead),
        ("the first is a day ahead", &[(0, 24 * 60)], Flaw::TooFarAhead),
        ("the first is an hour ahead, as of another time zone", &[(0, 60)], Flaw::TooFarAhead),
        ("the first is of 1972", &[(0, -50 * YEAR)], Flaw::TooFarBehind),
        ("one is an hour ahead", &[(20, 80)], Flaw::TooFarAhead),
        ("one is twenty days ahead", &[(20, 20 * 24 * 60)], Flaw::TooFarAhead),
        ("one is of 2999", &[(20, 977 * YEAR)], Flaw::TooFarAhead),
        ("the last but one is a day ahead", &[(59, 24 * 60)], Flaw::TooFarAhead),
        ("one is of the day before", &[(20, -24 * 60)], Flaw::TooFarBehind),
    ];
    for (name, wrong, flaw) in rows {
        let (statistics, _) = replay(&setting(), &[], &[&ndjson(&with_wrong_dates(60, wrong))]);
        let flaws: Vec<_> = statistics
            .flaws
            .iter()
            .map(|(flaw, found)| (*flaw, found.count, found.first.line))
            .collect();
        let line = 1 + wrong[0].0 as u64;
        assert_eq!(
            (statistics.counted, statistics.minutes, flaws),
            (60, 60, vec![(flaw, 1, line)]),
            "{name}"
        );
    }
    let some: Vec<(i64, i64)> =
        (0..20).map(|n| (0, n * YEAR + YEAR)).chain((0..10).map(|n| (30, 2_000 + n))).collect();
    let (statistics, _) = replay(&setting(), &[], &[&ndjson(&with_wrong_dates(300, &some))]);
    assert_eq!(
        (statistics.counted, statistics.count_of(Flaw::TooFarAhead)),
        (300, 30),
        "many of them: {statistics}"
    );
}

#[test]
fn a_wrong_date_at_the_end_of_a_file_does_not_cost_the_next_file() {
    let first = [
        ndjson(&with_wrong_dates(30, &[])),
        ndjson(&[at(20 * 24 * HOURS, json!({"device_id": "wrong"}))]),
    ]
    .concat();
    let second =
        ndjson(&(30..60).map(|minute| at(minute * MINUTE_MS, json!({}))).collect::<Vec<_>>());
    let (statistics, _) = replay(&setting(), &[], &[&first, &second]);
    let flaws: Vec<_> = statistics
        .flaws
        .iter()
        .map(|(flaw, found)| (*flaw, found.count, found.first.line))
        .collect();
    assert_eq!((statistics.counted, flaws), (60, vec![(Flaw::TooFarAhead, 1, 31)]), "{statistics}");
    assert!(
        statistics.to_string().contains("first at ")
            && statistics.to_string().contains("0.ndjson:31"),
        "{statistics}"
    );
}

#[test]
fn after_a_pause_of_a_year_the_rest_counts() {
    let year = 365 * 24 * HOURS;
    let before = (0..30).map(|minute| at(minute * MINUTE_MS, json!({})));
    let lines: Vec<Value> =
        before.chain((0..30).map(|minute| at(year + minute * MINUTE_MS, json!({})))).collect();
    // Alone, since every provider is stepped through eight weeks of it.
    let alone = Catalogue::new(vec![Provider::of_id("alpha".into())]).unwrap();
    let (statistics, _) =
        replay(&Setting { catalogue: alone, ..setting() }, &[], &[&ndjson(&lines)]);
    assert_eq!((statistics.counted, statistics.flaws.len()), (60, 0), "{statistics}");
}

#[test]
fn lines_in_no_order_are_refused_by_name_with_the_way_out() {
    let newest_first: Vec<Value> =
        (0..600).rev().map(|n| at(n * 10 * MINUTE_MS, json!({}))).collect();
    let (statistics, _) = replay(&setting(), &[], &[&ndjson(&newest_first)]);
    let refused = statistics.count_of(Flaw::TooFarAhead) + statistics.count_of(Flaw::TooFarBehind);
    assert!(
        refused == 600 - statistics.counted
            && statistics.to_string().contains("sort them by received_at"),
        "{statistics}"
    );
    let (statistics, _) =
        replay(&setting(), &[], &[&ndjson(&with_wrong_dates(60, &[(0, 60 * 24 * 365)]))]);
    assert!(!statistics.to_string().contains("sort"), "{statistics}");
}
