//! What a detector is asked beside its episodes: spikes, counts in windows, what is to be
//! expected.

use super::outage::DOWN;
use super::spam::{SPAM, VILLAGE, village_and_city};
use super::world::{DAY, HOUR, START, TORONTO, VANCOUVER, WEEK, World, cell, town};
use crate::domain::detect::WINDOWS;
use crate::domain::detect::others::Others;
use crate::domain::grid::{Cell, Resolution, Spot};
use crate::domain::time::Window;

/// Two cities, one of which has been down for so many minutes.
fn down_for(minutes: i64) -> super::story::Story {
    let cities: Vec<Cell> = [TORONTO, VANCOUVER].into_iter().flat_map(|at| town(at, 5)).collect();
    let world = World::new(3).reports(&cities, 24.0, 0..9 * DAY).reports(
        &town(TORONTO, 2),
        90.0,
        DOWN..DOWN + 20,
    );
    world.watched(DOWN - 9 * HOUR..DOWN + minutes + 1)
}

#[test]
fn a_spike_is_where_there_is_too_much_and_stays_while_its_window_holds_it() {
    // The last reports of it came two minutes ago.
    for minutes in [20, 22] {
        let mut detector = down_for(minutes).detector;
        let before = format!("{detector:?}");
        let spikes = detector.spikes_now(&Others::default());
        let strongest = &spikes[0];
        assert!(strongest.evidence.score > strongest.opens_at, "{spikes:?}");
        assert!(strongest.cells.iter().any(|named| named.contains(cell(TORONTO))), "{spikes:?}");
        // However large the zone is that scores most, its cells are those that reports
        // came from.
        assert!(
            strongest.cells.is_sorted()
                && strongest.cells.iter().all(|named| named.resolution() == Resolution::HOURLY),
            "{spikes:?}"
        );
        assert!(spikes.is_sorted_by(|a, b| a.evidence.score >= b.evidence.score), "{spikes:?}");
        for (n, spike) in spikes.iter().enumerate() {
            let shares = |other: &Cell| {
                spike.cells.iter().any(|cell| cell.contains(*other) || other.contains(*cell))
            };
            assert!(
                !spikes[..n].iter().any(|stronger| stronger.cells.iter().any(shares)),
                "{spikes:?}"
            );
        }
        assert_eq!(spikes, detector.spikes_now(&Others::default()));
        assert!(before != format!("{detector:?}"), "the places it looked at are noted");
    }
}

#[test]
fn where_nothing_is_too_much_there_is_no_spike() {
    assert_eq!(down_for(-1).detector.spikes_now(&Others::default()), []);
    let flood = village_and_city().ids(&[(cell(VILLAGE), Spot::Middle)], 500, SPAM..SPAM + HOUR);
    assert_eq!(flood.watched(SPAM - HOUR..SPAM + 50).detector.spikes_now(&Others::default()), []);
}

#[test]
fn windows_hold_what_was_reported_and_what_is_expected() {
    let story = down_for(20);
    let (toronto, everywhere) =
        (cell(TORONTO).rolled_up_to(Resolution::ALL[3]), Cell::of_the_earth().collect::<Vec<_>>());
    let [of_toronto, of_parts, of_all] =
        [&[toronto][..], &everywhere, &[]].map(|cells| story.detector.windows(cells));
    for (w, minutes) in WINDOWS.into_iter().enumerate() {
        assert!(
            (of_parts[w].0 - of_all[w].0).abs() < 1e-9 && of_toronto[w].0 <= of_all[w].0,
            "{minutes}"
        );
        let window = Window { from: START.plus(DOWN + 20 - minutes), to: START.plus(DOWN + 20) };
        let expectation = story.detector.expectation();
        let expected = expectation.in_window(&[toronto], window).mean;
        // The level may have been another one for a part of the window.
        assert!(
            (of_toronto[w].1 / expected - 1.0).abs() < 0.1,
            "{minutes}: {} {expected}",
            of_toronto[w].1
        );
        let all = expectation.in_window(&[], window);
        assert!((of_all[w].1 / all.mean - 1.0).abs() < 0.1, "{minutes}");
        assert_eq!(all, story.detector.expected(&everywhere, window));
    }
    // A cell of resolution 8 stands for the place around it.
    let fine = town(TORONTO, 1);
    let places: Vec<Cell> = fine.iter().map(|cell| cell.rolled_up_to(Resolution::HOURLY)).collect();
    assert_eq!(story.detector.windows(&fine), story.detector.windows(&places));
    assert!(of_toronto[3].0 > 5.0 * of_toronto[3].1, "{of_toronto:?}");
}

#[test]
fn coarse_reports_are_expected_in_a_place_that_their_cells_lie_in() {
    // Half of the phones know where they are; of the others only a cell of resolution 6
    // is known.
    let fine = town(TORONTO, 4);
    let coarse: Vec<Cell> =
        fine.iter().map(|cell| cell.rolled_up_to(Resolution::new(6).unwrap())).collect();
    let world = World::new(3)
        .reports(&fine, 6.0, 0..2 * WEEK)
        .reports(&coarse, 6.0, 0..2 * WEEK)
        .reports(&town(VANCOUVER, 4), 12.0, 0..2 * WEEK);
    let expectation = world.watched(2 * WEEK - HOUR..2 * WEEK).detector.expectation();
    let of =
        expectation.window(Window { from: START.plus(2 * WEEK - DAY), to: START.plus(2 * WEEK) });
    let expected =
        |is_inside: &dyn Fn(Cell) -> bool| of.mean_of(&expectation.share_where(is_inside));
    let east = |cell: Cell| cell.centre().lon() > -100.0;
    assert!((of.everywhere() - expected(&|_| true)).abs() < 1e-6 * of.everywhere());
    assert!((288.0 - expected(&east)).abs() < 30.0, "12 an hour: {}", expected(&east));
    assert!(
        (144.0 - expected(&|cell| east(cell) && cell.resolution() == Resolution::HOURLY)).abs()
            < 20.0,
        "6 an hour are fine"
    );
    assert!(expected(&|_| false) < 1e-9);
}

#[test]
fn the_parts_of_a_cell_are_expected_to_have_what_it_has_and_a_band_holds_the_mean() {
    let expectation = down_for(-1).detector.expectation();
    let window = Window { from: START.plus(DOWN - 3 * HOUR), to: START.plus(DOWN) };
    let of = expectation.window(window);
    let whole = cell(TORONTO).rolled_up_to(Resolution::HOURLY);
    let parts: f64 = whole.descendants(Resolution::FINEST).map(|part| of.mean(part)).sum();
    assert!((parts - of.mean(whole)).abs() < 1e-9);
    let band = of.band(of.everywhere());
    assert!(band.low < band.mean && band.mean < band.high, "{band:?}");
    assert!((72.0 - band.mean).abs() < 15.0, "24 an hour: {band:?}");
    let scores = [0.0, band.mean, band.high, 2.0 * band.high]
        .map(|count| expectation.score(count, band.mean));
    assert!(scores.is_sorted() && scores[1] == 0.0 && scores[3] > 5.0, "{scores:?}");
    assert!(!expectation.is_cold() && expectation.weeks() > 1.0);
}
