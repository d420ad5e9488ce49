//! Groups against what a reader would write down from the rule, and what follows from it.

use super::groups::Groups;
use super::people::{COINS, People};
use crate::domain::grid::{Cell, Position, Resolution};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A cell near a spot, of one of the resolutions: spots of one place share ancestors.
fn cell(place: u8, spot: u8, resolution: u8) -> Cell {
    let lat = 43.0 + f64::from(place % 3) * 20.0 + f64::from(spot) * 0.011;
    let lon = -79.0 + f64::from(place) * 17.0 + f64::from(spot % 4) * 0.013;
    Cell::at(Position::new(lat, lon).unwrap(), Resolution::ALL[usize::from(resolution)])
}

fn sorted(mass: &[(Cell, u32)]) -> Vec<(Cell, u32)> {
    let mut sums: BTreeMap<Cell, u32> = BTreeMap::new();
    for (cell, count) in mass {
        *sums.entry(*cell).or_default() += count;
    }
    sums.into_iter().collect()
}

fn groups_of(mass: &[(Cell, u32)], least: u32) -> Groups {
    let people: Vec<_> = mass.iter().map(|(cell, count)| (*cell, (*count).into())).collect();
    Groups::of(people.iter().map(|(cell, people)| (*cell, people)), least)
}

/// The rule as it is written down: what a cell holds itself, and what is passed to it by
/// its children.
fn naive(mass: &[(Cell, u32)], least: u32) -> BTreeSet<Cell> {
    let (mut groups, mut rest) = (BTreeSet::new(), BTreeMap::<Cell, u32>::new());
    for resolution in Resolution::ALL.into_iter().rev() {
        let mut here: BTreeMap<Cell, u32> = std::mem::take(&mut rest);
        for (cell, count) in mass.iter().filter(|(cell, _)| cell.resolution() == resolution) {
            *here.entry(*cell).or_default() += count;
        }
        for (cell, count) in here {
            if least <= count {
                groups.insert(cell);
            } else if let Some(parent) = cell.ancestors().last() {
                *rest.entry(parent).or_default() += count;
            }
        }
    }
    groups
}

fn worlds() -> impl Strategy<Value = Vec<(Cell, u32)>> {
    let row = (0_u8..5, 0_u8..12, 0_u8..9, 1_u32..5).prop_map(|(p, s, r, n)| (cell(p, s, r), n));
    prop::collection::vec(row, 0..120).prop_map(|rows| sorted(&rows))
}

proptest! {
    #[test]
    fn groups_are_those_of_the_rule_as_it_is_written_down(mass in worlds(), k in 1_u32..6) {
        let least = 2 * k - 1;
        let groups = groups_of(&mass, least);
        prop_assert!(groups.cells().is_sorted());
        prop_assert_eq!(
            groups.cells().collect::<BTreeSet<_>>(),
            naive(&mass, least)
        );
    }

    #[test]
    fn what_is_left_of_each_group_holds_enough_and_nothing_is_lost(
        mass in worlds(),
        least in 1_u32..9
    ) {
        let groups = groups_of(&mass, least);
        let (mut shown, mut nowhere) = (BTreeMap::<Cell, u32>::new(), 0);
        for (cell, count) in &mass {
            let finest = groups.cells().filter(|group| group.contains(*cell));
            let finest = finest.max_by_key(|group| group.resolution());
            prop_assert_eq!(groups.shown(*cell), finest);
            match finest {
                Some(group) => *shown.entry(group).or_default() += count,
                None => nowhere += count,
            }
        }
        prop_assert!(shown.values().all(|count| least <= *count), "{:?}", shown);
        prop_assert_eq!(shown.len(), groups.cells().count(), "no group is of nobody");
        // Without a place is what is less than enough below each cell of the coarsest
        // resolution.
        let sum: u32 = mass.iter().map(|(_, count)| count).sum();
        prop_assert_eq!(shown.values().sum::<u32>() + nowhere, sum);
    }

    #[test]
    fn a_walk_finds_in_any_order_what_each_cell_finds(
        mass in worlds(),
        asked in prop::collection::vec((0_u8..6, 0_u8..14, 0_u8..9), 0..60)
    ) {
        let groups = groups_of(&mass, 4);
        let mut walk = groups.walk();
        for (place, spot, resolution) in asked {
            let cell = cell(place, spot, resolution);
            prop_assert_eq!(walk.shown(cell), groups.shown(cell));
        }
    }
}

#[test]
fn the_rest_of_a_cell_has_a_threshold_of_its_own() {
    let (parent, children) = {
        let parent = cell(0, 0, 6);
        let children: Vec<Cell> = parent.descendants(Resolution::ALL[7]).collect();
        (parent, children)
    };
    // Six of seven children are groups. A lone report in the seventh must not be what is
    // left of the parent.
    let mut mass: Vec<(Cell, u32)> = children[..6].iter().map(|child| (*child, 5)).collect();
    mass.push((children[6], 1));
    let groups = groups_of(&sorted(&mass), 5);
    assert!(!groups.holds(parent));
    assert_eq!((groups.cells().count(), groups.shown(children[6])), (6, None));
    mass.push((children[6], 3));
    mass.push((parent, 1));
    let groups = groups_of(&sorted(&mass), 5);
    assert_eq!(groups.shown(children[6]), Some(parent));
}

#[test]
fn each_resolution_counts_by_coins_of_its_own() {
    let parent = cell(0, 0, 6);
    let children: Vec<Cell> = parent.descendants(Resolution::ALL[7]).collect();
    // A fifth report of the first child that counts for its parent only, or for it only.
    let but = |passed_over: usize| {
        People::by(std::array::from_fn::<_, COINS, _>(|n| if n == passed_over { 4 } else { 5 }))
    };
    for (passed_over, expected) in [(7, parent), (6, children[0]), (0, children[0])] {
        let people = but(passed_over);
        let groups = Groups::of([(children[0], &people)], 5);
        assert_eq!(groups.cells().collect::<Vec<_>>(), [expected], "{passed_over}");
    }
}

#[test]
fn a_group_of_any_cell_of_the_earth_is_shown_as_itself() {
    for coarsest in Cell::of_the_earth() {
        let mut cells = vec![coarsest];
        for resolution in Resolution::ALL.into_iter().skip(1) {
            let around = cells[cells.len() - 1];
            cells.extend(around.descendants(resolution).last());
        }
        for cell in cells {
            let groups = groups_of(&[(cell, 5)], 5);
            assert_eq!(groups.cells().collect::<Vec<_>>(), [cell]);
            assert_eq!(groups.shown(cell), Some(cell));
        }
    }
}
