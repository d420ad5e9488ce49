//! What holds whatever the facts are.

use super::story::Story;
use super::world::{DAY, HOUR, TORONTO, World, cell, town};
use crate::domain::detect::Detector;
use crate::domain::detect::others::Others;
use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::places::STEPS;
use crate::domain::detect::scan::{Place, Scan};
use crate::domain::detect::zone::Zone;
use crate::domain::fact::Lane;
use crate::domain::grid::{Cell, Resolution, Spot};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW: i64 = 3 * DAY;

/// The score of each zone, by its resolution, the cell in its middle and its steps, of
/// all zones around these cells.
type Scores = BTreeMap<Option<(u8, Cell, usize)>, f64>;

fn scores(world: &World, around: &[Cell]) -> Scores {
    // An episode that is over would explain the reports it had, and take them out of all
    // windows.
    let parameters =
        Parameters { opens_untaught_at: f64::MAX, opens_cold_at: f64::MAX, ..Default::default() };
    let mut detector =
        Story::new(world, Detector::new(parameters.clone()), NOW - 8 * HOUR..NOW + 1).detector;
    let scan: &mut Scan = &mut detector.scan;
    let place = |scan: &Scan, cell: &Cell| {
        let cell = cell.rolled_up_to(Resolution::HOURLY);
        scan.levels[7].find(cell).map(|place| (7, place))
    };
    let places: Vec<Place> = around.iter().filter_map(|cell| place(scan, cell)).collect();
    // As if this were another step, in which something came from each of them.
    scan.step += 1;
    let zones = scan.zones(&places, &Others::default(), 0.0, &parameters);
    let named = |zone: &Zone| {
        zone.centre.map(|(level, place)| {
            (level, scan.levels[usize::from(level)].cells[place as usize], zone.steps)
        })
    };
    zones.iter().map(|zone| (named(zone), zone.score)).collect()
}

fn holds(zone: Option<(u8, Cell, usize)>, cell: Cell) -> bool {
    let Some((_, centre, steps)) = zone else { return true };
    let cell = cell.rolled_up_to(centre.resolution());
    centre.disk(steps as u8).iter().any(|(near, _)| *near == cell)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn more_reporters_inside_a_zone_never_lower_its_score(
        seed in any::<u64>(),
        more in prop::collection::vec((0_usize..61, 1..=HOUR, any::<bool>()), 1..12),
    ) {
        let town = town(TORONTO, 4);
        let world = World::new(seed)
            .reports(&town, 4.0, 0..NOW)
            .reports(&town[..7], 10.0, NOW - HOUR..NOW);
        let before = scores(&world, &town);
        // All of them from one cell, so that they are inside of the same zones.
        let at = town[more[0].0];
        let mut with_more = world;
        for (_, ago, late) in &more {
            let lane = if *late { Lane::LateArrived } else { Lane::OnTime };
            with_more.row(NOW - ago, (at, Spot::Middle), lane, 1);
        }
        let after = scores(&with_more, &town);
        prop_assert!(before.len() > STEPS);
        for (zone, score) in before.iter().filter(|(zone, _)| holds(**zone, at)) {
            let now = after.get(zone).copied().unwrap_or(0.0);
            prop_assert!(*score <= now + 1e-6, "{:?}: {} before, {} after", zone, score, now);
        }
    }

    #[test]
    fn the_order_of_arrival_within_a_minute_changes_nothing(
        seed in any::<u64>(),
        order in any::<u64>(),
    ) {
        let towns: Vec<Cell> =
            [TORONTO, (43.0, -81.2)].into_iter().flat_map(|at| town(at, 3)).collect();
        let down = NOW - HOUR..NOW;
        let world = World::new(seed)
            .reports(&towns, 6.0, 0..NOW)
            .reports(&town(TORONTO, 2), 60.0, down.clone());
        let world = world.late_ids(&towns[40..], 30, down.clone(), NOW - 20..NOW);
        let span = NOW - 45..NOW + 10;
        let told = world.watched(span.clone()).told;
        prop_assert!(!told.is_empty());
        prop_assert_eq!(told, world.shuffled(order).watched(span).told);
    }
}

#[test]
fn a_zone_holds_what_is_near() {
    let middle = cell(TORONTO).rolled_up_to(Resolution::HOURLY);
    assert!(holds(Some((7, middle, 0)), cell(TORONTO)) && holds(None, cell(TORONTO)));
    assert!(!holds(Some((7, middle, 1)), cell((43.0, -81.2))));
}
