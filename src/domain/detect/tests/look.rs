//! Looks at the minute that still runs: they tell sooner, and change nothing else.

use super::gap::six_hours_away;
use super::outage::DOWN;
use super::story::{Story, minute_of};
use super::world::{DAY, HOUR, MIAMI, START, TORONTO, VANCOUVER, World, country, town};
use crate::domain::detect::Detector;
use crate::domain::detect::episode::{Episode, Evidence};
use crate::domain::detect::others::Others;
use crate::domain::detect::parameters::Parameters;
use crate::domain::grid::Cell;
use crate::domain::time::{MINUTE_MS, Window};
use std::ops::Range;

const NOTHING: Evidence = Evidence {
    centre: None,
    ring: 0,
    window: Window { from: START, to: START },
    late_only: false,
    observed: 0.0,
    expected: 0.0,
    dispersion: 0.0,
    score: 0.0,
};

/// Worlds of all kinds, and when they are watched.
fn worlds() -> Vec<(&'static str, World, Range<i64>)> {
    let (town5, town2) = (town(TORONTO, 5), town(TORONTO, 2));
    let quiet = |seed| World::new(seed).reports(&town5, 12.0, 0..9 * DAY);
    let cities: Vec<Cell> = [TORONTO, VANCOUVER].into_iter().flat_map(|at| town(at, 5)).collect();
    let two =
        World::new(0).reports(&cities, 20.0, 0..9 * DAY).reports(&town2, 90.0, DOWN..DOWN + 70);
    let flaps = (0..4)
        .map(|n| DOWN + n * 55)
        .fold(quiet(4), |world, from| world.reports(&town2, 120.0, from..from + 30));
    let country = country(6, 10);
    let everywhere = World::new(2).reports(&country, 60.0, 0..9 * DAY).reports(
        &country,
        1_200.0,
        DOWN..DOWN + 60,
    );
    let end = 7 * DAY + 16 * HOUR;
    vec![
        ("plain", quiet(1).reports(&town2, 90.0, DOWN..DOWN + HOUR), DOWN - 30..DOWN + 2 * HOUR),
        (
            "two",
            two.reports(&town(VANCOUVER, 2), 90.0, DOWN + 40..DOWN + 70),
            DOWN - 10..DOWN + 2 * HOUR,
        ),
        ("flaps", flaps, DOWN - 30..DOWN + 5 * HOUR),
        (
            "late",
            quiet(5).late_ids(&town2, 40, DOWN..DOWN + HOUR, DOWN + HOUR..DOWN + HOUR + 20),
            DOWN..DOWN + 2 * HOUR,
        ),
        ("everywhere", everywhere, DOWN - HOUR..DOWN + 40),
        (
            "gap",
            six_hours_away(1).reports(&town2, 120.0, end + HOUR..end + 2 * HOUR),
            7 * DAY + 15 * HOUR..end + 3 * HOUR,
        ),
        ("one after the other", one_after_the_other(), DOWN - 10..DOWN + HOUR),
        ("quiet", quiet(7), 8 * DAY..9 * DAY),
    ]
}

/// Three cities far from each other in which next to nothing is expected fail one after
/// the other, with two reports a second each.
fn one_after_the_other() -> World {
    let cities = [TORONTO, VANCOUVER, MIAMI].map(|at| town(at, 3));
    let quiet = World::new(8).reports(&cities.concat(), 8.0, 0..9 * DAY);
    (0..)
        .zip(&cities)
        .fold(quiet, |world, (n, city)| world.reports(city, 7_200.0, DOWN + n..DOWN + 10))
}

/// An episode without what an earlier look may change: when it was told first, and by
/// what.
fn but_for_when(episode: &Episode) -> Episode {
    let known = Episode { revision: 0, ..episode.clone() };
    Episode { id: 0, detected_at: START.start(), evidence: NOTHING, ..known }
}

#[test]
fn looks_tell_the_same_up_to_a_minute_sooner() {
    for (name, world, span) in worlds() {
        let (stepped, looked) = (world.watched(span.clone()), world.looked_at(span));
        let pairs = || stepped.episodes().into_iter().zip(looked.episodes());
        assert_eq!(
            stepped.episodes().len(),
            looked.episodes().len(),
            "{name}:\n{stepped}\n{looked}"
        );
        for (stepped, looked) in pairs() {
            let sooner = stepped.detected_at.ms_since(looked.detected_at);
            assert!((0..=MINUTE_MS).contains(&sooner), "{name}: sooner by {sooner} ms");
            assert_eq!(but_for_when(stepped), but_for_when(looked), "{name}");
        }
        assert_eq!(pairs().next().is_none(), name == "quiet", "{name}");
        assert!(
            name == "quiet"
                || pairs().any(|(stepped, looked)| looked.detected_at < stepped.detected_at),
            "{name}"
        );
    }
}

#[test]
fn a_look_that_is_repeated_or_at_another_minute_tells_and_changes_nothing() {
    let (_, world, _) = worlds().swap_remove(0);
    let mut again = 0;
    let looked = Story::with_looks(
        &world,
        Detector::new(Parameters::default()),
        DOWN - 30..DOWN + 2 * HOUR,
        |detector, running, at, facts| {
            let told = detector.look(running.plus(1), at, facts, &Others::default());
            let before = detector.episodes().cloned().collect::<Vec<_>>();
            for other in [running, running.plus(1), running.plus(2), running.plus(600)] {
                assert_eq!(detector.look(other, at, facts, &Others::default()), []);
            }
            assert!(detector.episodes().eq(&before));
            again += 1;
            told
        },
    );
    assert!(again > 50);
    assert_eq!(looked.told, world.looked_at(DOWN - 30..DOWN + 2 * HOUR).told);
    let mut new = Detector::new(Parameters::default());
    assert_eq!(new.look(START, START.start(), &[], &Others::default()), []);
    assert_eq!(new.now(), None);
}

#[test]
fn an_outage_is_told_by_the_look_at_the_report_that_decides() {
    let (_, world, span) = worlds().swap_remove(0);
    let mut first = None;
    Story::with_looks(
        &world,
        Detector::new(Parameters::default()),
        span,
        |detector, running, at, facts| {
            let told = detector.look(running.plus(1), at, facts, &Others::default());
            if first.is_none() && !told.is_empty() {
                first = Some((at, told[0].detected_at));
            }
            told
        },
    );
    let (at, detected_at) = first.unwrap();
    assert!(
        (0..1_000).contains(&at.ms_since(detected_at)) && detected_at.0 % 1_000 == 0,
        "{at:?} {detected_at:?}"
    );
}

#[test]
fn the_first_word_says_since_when_not_since_the_window_began() {
    let told = one_after_the_other().looked_at(DOWN - 10..DOWN + 5).told;
    let first: Vec<i64> = told
        .iter()
        .filter(|episode| episode.revision == 0)
        .map(|episode| minute_of(episode.onset))
        .collect();
    assert!(
        first.iter().all(|onset| (DOWN..DOWN + 3).contains(onset)) && !first.is_empty(),
        "{first:?}"
    );
}
