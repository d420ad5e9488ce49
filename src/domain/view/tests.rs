use super::*;
use crate::domain::bbox::BoundingBox;
use crate::domain::fact::{FactKey, Lane, Source};
use crate::domain::grid::Position;
use crate::domain::privacy::coin::Coin;
use crate::domain::privacy::people::People;
use crate::domain::symptom::{Symptom, Symptoms};
use crate::domain::tile::Tile;
use crate::domain::time::Minute;
use proptest::prelude::*;
use std::collections::BTreeMap;

const WINDOW: Window = Window { from: Minute(0), to: Minute(15) };
fn view<'a>(minutes: impl IntoIterator<Item = &'a Counts>) -> View {
    View::new(WINDOW, vec![Arc::new(Sums::of_minutes(Symptoms::AllProblems, minutes))])
}
fn of_parts(parts: &[Sums]) -> View {
    View::new(WINDOW, parts.iter().cloned().map(Arc::new).collect())
}

const ONE: Tally = Tally { count: 1, first: 0 };

fn cell(lat: f64, lon: f64, resolution: i64) -> Cell {
    Cell::at(Position::new(lat, lon).unwrap(), Resolution::new(resolution).unwrap())
}

fn counts(rows: &[(Cell, Symptom, Lane)]) -> Counts {
    Counts::from_rows(
        rows.iter()
            .map(|(cell, symptom, lane)| (FactKey::new(*cell, *symptom, *lane, Source(0)), ONE))
            .collect(),
    )
}

#[test]
fn a_late_report_stands_once_in_history() {
    let here = cell(43.65, -79.38, 8);
    let minutes = [
        counts(&[
            (here, Symptom::NoService, Lane::LateObserved),
            (here, Symptom::NoService, Lane::OnTime),
        ]),
        counts(&[(here, Symptom::NoService, Lane::LateArrived)]),
    ];
    let view = view(&minutes);
    assert_eq!(view.rows().collect::<Vec<_>>(), [(here, 2)]);
}

#[test]
fn what_has_no_place_counts_in_the_total_and_in_no_cell() {
    let (here, lane) = (cell(43.65, -79.38, 8), Lane::LateObserved);
    let within = Cell::NOWHERE.descendants(Resolution::FINEST).next().unwrap();
    let minutes =
        [Cell::NOWHERE, within, here].map(|cell| counts(&[(cell, Symptom::NoService, lane)]));
    let parts = minutes.each_ref().map(|minute| Sums::of_minutes(Symptoms::AllProblems, [minute]));
    for view in [view(&minutes), of_parts(&parts)] {
        assert_eq!((view.total(), view.rows().collect::<Vec<_>>()), (3, vec![(here, 1)]));
        for resolution in Resolution::ALL {
            let level = view.level(&Region::Everywhere, resolution);
            assert_eq!(
                (
                    level.total(),
                    level.unplaced(),
                    level.rows().map(|(_, count)| count).sum::<u32>()
                ),
                (3, 2, 1)
            );
        }
    }
}

#[test]
fn only_the_symptoms_asked_for_are_counted() {
    let here = cell(43.65, -79.38, 8);
    let minute = counts(&[
        (here, Symptom::NoService, Lane::OnTime),
        (here, Symptom::NoTv, Lane::OnTime),
        (here, Symptom::Working, Lane::OnTime),
    ]);
    for (symptoms, expected) in [
        (Symptoms::AllProblems, 2),
        (Symptoms::Only(Symptom::Working), 1),
        (Symptoms::Only(Symptom::NoCalls), 0),
    ] {
        let sums = Sums::of_minutes(symptoms, [&minute]);
        assert_eq!(of_parts(&[sums]).total(), expected);
    }
}

#[test]
fn a_level_rolls_up_what_is_finer_and_keeps_apart_what_is_coarser() {
    let fine = cell(43.65, -79.38, 8);
    let coarse = fine.rolled_up_to(Resolution::new(3).unwrap());
    let view = view([&counts(&[
        (fine, Symptom::NoService, Lane::OnTime),
        (coarse, Symptom::NoService, Lane::OnTime),
    ])]);
    let level = view.level(&Region::Everywhere, Resolution::DEFAULT);
    assert_eq!(level.rows().collect::<Vec<_>>(), [(fine.rolled_up_to(Resolution::DEFAULT), 1)]);
    assert_eq!(level.coarser(), [(coarse, 1)]);
    assert_eq!(level.total(), 2);
    let merged = view.level(&Region::Everywhere, Resolution::new(3).unwrap());
    assert_eq!((merged.rows().collect::<Vec<_>>(), merged.coarser()), (vec![(coarse, 2)], &[][..]));
}

proptest! {
    #[test]
    fn a_level_agrees_with_a_plain_sum_wherever_the_reports_are(
        places in prop::collection::vec((-90.0..=90.0, -180.0..=180.0, 0_i64..=8), 0..300),
        asked in 0_i64..=8,
    ) {
        let asked = Resolution::new(asked).unwrap();
        let reported: Vec<Cell> =
            places.into_iter().map(|(lat, lon, r)| cell(lat, lon, r)).collect();
        let rows: Vec<_> =
            reported.iter().map(|c| (*c, Symptom::NoData, Lane::OnTime)).collect();
        let view = view([&counts(&rows)]);
        let mut fine: BTreeMap<Cell, u32> = BTreeMap::new();
        let mut coarse: BTreeMap<Cell, u32> = BTreeMap::new();
        for c in &reported {
            let side = if c.resolution() < asked { &mut coarse } else { &mut fine };
            *side.entry(c.rolled_up_to(asked)).or_default() += 1;
        }
        let level = view.level(&Region::Everywhere, asked);
        prop_assert_eq!(level.rows().collect::<Vec<_>>(), fine.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(level.coarser().to_vec(), coarse.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(level.total(), reported.len() as u64);
    }

    #[test]
    fn facts_are_added_up_where_the_groups_of_their_minute_show_them(
        places in prop::collection::vec(
            (0.0..3.0, 0.0..3.0, 0_i64..=8, 0_usize..4, 1_u32..9), 0..200,
        ),
        heard in prop::collection::vec((0.0..3.0, 0.0..3.0, 0_i64..=8, 1_u32..9), 0..200),
        settled in prop::collection::vec(any::<bool>(), 4),
        is_coarsened in any::<bool>(),
    ) {
        let mut mass: BTreeMap<Cell, u32> = BTreeMap::new();
        for (lat, lon, r, people) in heard {
            *mass.entry(cell(lat, lon, r)).or_default() += people;
        }
        let mass: Vec<(Cell, People)> =
            mass.into_iter().map(|(cell, count)| (cell, count.into())).collect();
        let groups = [1, 5, 40]
            .map(|least| Groups::of(mass.iter().map(|(cell, of)| (*cell, of)), least));
        let [all, some, few] = &groups;
        let groups = [all, some, few, &Groups::all(Resolution::DEFAULT)];
        let coarsening = |n: usize| Coin::new([9; 16]).coarsening("one", Minute(n as i64));
        let mut minutes: [Counts; 4] = Default::default();
        let (mut expected, mut unplaced) = (BTreeMap::<Cell, u32>::new(), 0);
        for (lat, lon, r, minute, count) in places {
            let here = cell(lat, lon, r);
            let key = FactKey::new(here, Symptom::NoData, Lane::OnTime, Source(0));
            minutes[minute].add(key, Tally { count, first: 0 });
        }
        for (n, minute) in minutes.iter().enumerate() {
            for (key, Tally { count, .. }) in minute.rows() {
                let parts: Vec<(FactKey, u32)> = if is_coarsened {
                    coarsening(n).parts(key, count).collect()
                } else {
                    vec![(key, count)]
                };
                for (part, count) in parts {
                    let here = part.cell();
                    match groups[n].shown(here).filter(|_| !here.is_nowhere()) {
                        Some(shown) => *expected.entry(shown).or_default() += count,
                        None => unplaced += u64::from(count),
                    }
                }
            }
        }
        for (minute, _) in minutes.iter_mut().zip(settled).filter(|(_, settled)| *settled) {
            minute.settle();
        }
        let shown = groups.iter().enumerate().map(|(n, groups)| {
            Some(Shown { groups, coarsening: is_coarsened.then(|| coarsening(n)) })
        });
        let shown: Vec<_> = minutes.iter().zip(shown).collect();
        let sums = Sums::of_shown(Symptoms::AllProblems, &shown);
        prop_assert_eq!(
            sums.rows().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>()
        );
        prop_assert_eq!(sums.unplaced, unplaced);
    }

    #[test]
    fn neither_the_order_of_minutes_nor_how_they_are_parted_changes_a_view(
        places in prop::collection::vec((-90.0..=90.0, -180.0..=180.0, 0_i64..=8), 0..60),
        part in 1_usize..20,
    ) {
        let minute = |(lat, lon, r): &(f64, f64, i64)| {
            counts(&[(cell(*lat, *lon, *r), Symptom::NoData, Lane::OnTime)])
        };
        let minutes: Vec<Counts> = places.iter().map(minute).collect();
        let whole = view(&minutes);
        let rows = |view: &View| view.rows().collect::<Vec<_>>();
        prop_assert_eq!(rows(&whole), rows(&view(minutes.iter().rev())));
        let sums = |minutes: &[Counts]| Sums::of_minutes(Symptoms::AllProblems, minutes);
        let parts: Vec<Sums> = minutes.chunks(part).map(sums).collect();
        prop_assert_eq!(rows(&whole), rows(&of_parts(&parts)));
    }

    #[test]
    fn a_region_holds_the_cells_of_the_whole_that_lie_in_it(
        places in prop::collection::vec((40.0..50.0, -85.0..-70.0, 0_i64..=8), 0..300),
        (south, west) in (39.0..50.0, -86.0..-70.0), size in 0.1..8.0, part in 1_usize..99,
        zoom in 0_u8..=10, asked in 0_usize..=8,
    ) {
        let asked = Resolution::ALL[asked];
        let minute = |(lat, lon, r): &(f64, f64, i64)| {
            counts(&[(cell(*lat, *lon, *r), Symptom::NoData, Lane::OnTime)])
        };
        let minutes: Vec<Counts> = places.iter().map(minute).collect();
        let sums = |minutes: &[Counts]| Sums::of_minutes(Symptoms::AllProblems, minutes);
        let parts: Vec<Sums> = minutes.chunks(part).map(sums).collect();
        let bbox = BoundingBox::new(west, south, west + size, south + size).unwrap();
        let along = |part: f64| (part * f64::from(1_u32 << zoom)) as u32;
        let tile = Tile::new(zoom, along((west + 180.0) / 360.0), along(0.37)).unwrap();
        for region in [Region::Box(bbox), Region::Tile(tile)] {
            let whole = view(&minutes).level(&Region::Everywhere, asked);
            let rows = whole.rows().filter(|(cell, _)| region.contains(*cell));
            let coarser = whole.coarser().iter().filter(|(cell, _)| region.contains(*cell));
            let level = of_parts(&parts).level(&region, asked);
            prop_assert_eq!(level.rows().collect::<Vec<_>>(), rows.collect::<Vec<_>>());
            let coarser: Vec<_> = coarser.copied().collect();
            prop_assert_eq!(level.coarser().to_vec(), coarser);
            prop_assert_eq!(level.unplaced(), 0);
        }
    }
}

#[test]
fn a_box_takes_the_cells_and_the_coarser_ones_whose_centres_lie_in_it() {
    let (toronto, fiji, ontario) =
        (cell(43.65, -79.38, 7), cell(-17.7, 178.0, 7), cell(43.65, -79.38, 4));
    let rows = [(toronto, Symptom::NoData), (fiji, Symptom::NoData), (ontario, Symptom::NoTv)];
    let view = view([&counts(&rows.map(|(cell, of)| (cell, of, Lane::OnTime)))]);
    let canada = BoundingBox::new(-141.0, 41.0, -52.0, 84.0).unwrap();
    for region in [Region::Box(canada), Region::Cell(ontario)] {
        let part = view.level(&region, Resolution::DEFAULT);
        assert_eq!(part.rows().collect::<Vec<_>>(), [(toronto, 1)]);
        assert_eq!((part.coarser(), part.total()), (&[(ontario, 1)][..], 2));
    }
}

#[test]
fn both_ways_of_sorting_agree() {
    let mut many: Vec<(Cell, u32)> = (0..10_000_u32)
        .map(|n| {
            (
                cell(
                    f64::from(n * 7 % 180) - 90.0,
                    f64::from(n * 13 % 360) - 180.0,
                    i64::from(n % 9),
                ),
                1,
            )
        })
        .collect();
    let mut expected = many.clone();
    expected.sort_by_key(|(cell, _)| *cell);
    sort_by_cell(&mut many);
    assert_eq!(many, expected);
}
