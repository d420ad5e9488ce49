//! Where everybody is told that an incident is: in cells in which enough people spoke of
//! it, found as the groups of the map are, among those who spoke since it began.

use super::groups::Groups;
use super::rule::Rule;
use crate::domain::cell_set::CellSet;
use crate::domain::grid::{Cell, Resolution};
use std::collections::{BTreeMap, BTreeSet};

/// Who was heard of since an incident began, of one of its brands.
#[derive(Debug, Clone, Default)]
pub struct Spoke {
    /// People by the cell that they reported: in the cells of the incident, and in the zone.
    pub heard: Vec<(Cell, u32)>,
    /// The cells of the zone that decided, of one resolution; none where it is everywhere.
    pub zone: Vec<Cell>,
}

/// The cells that are named of an incident in these cells, sorted, none in another; none
/// where too few people spoke anywhere.
///
/// For each brand the groups of those who spoke are named, and the whole zone that decided
/// where enough spoke in it. A group with others in it is named in their place where more
/// people spoke in the rest of it than in all of them together; else they are, and it is
/// not. What was named before counts as one of them, with as many people as it needed.
#[must_use]
pub fn named(cells: &[Cell], brands: &[Spoke], before: &[Cell], rule: Rule) -> Vec<Cell> {
    if rule.is_off() {
        let all = cells.iter().map(|cell| cell.rolled_up_to(rule.finest));
        return outermost(&all.collect());
    }
    let within: CellSet = cells.iter().copied().collect();
    let mut before = before.to_vec();
    // A place of before that gives way no longer keeps its people from a larger one: named
    // anew until nothing changes, or the next revision would change it with nobody new.
    for _ in 0..MOST_TIMES {
        let named = named_once(&within, brands, &before, rule);
        if named == before {
            break;
        }
        before = named;
    }
    before
}

/// A place of before gives way once, and there are a handful at most in each other.
const MOST_TIMES: usize = 2 * Resolution::ALL.len();

fn named_once(within: &CellSet, brands: &[Spoke], before: &[Cell], rule: Rule) -> Vec<Cell> {
    let mut spoke: BTreeMap<Cell, u64> = BTreeMap::new();
    for brand in brands {
        for (cell, people) in of_brand(within, brand, before, rule) {
            *spoke.entry(cell).or_default() += people;
        }
    }
    for cell in before {
        // What was named before is worth as many as it needed then, or those of now.
        let people = spoke.entry(*cell).or_default();
        *people = (*people).max(u64::from(rule.least()));
    }
    disjoint(&spoke)
}

/// How many people of a brand spoke in what may be named of it, each counted in the finest
/// of those around it.
fn of_brand(within: &CellSet, brand: &Spoke, before: &[Cell], rule: Rule) -> Vec<(Cell, u64)> {
    let rolled_up = |rows: &mut dyn Iterator<Item = &(Cell, u32)>| {
        let mut sums: BTreeMap<Cell, u32> = BTreeMap::new();
        for (cell, people) in rows {
            let sum = sums.entry(cell.rolled_up_to(rule.finest)).or_default();
            *sum = sum.saturating_add(*people);
        }
        sums.into_iter().collect::<Vec<_>>()
    };
    let here = rolled_up(&mut brand.heard.iter().filter(|(cell, _)| within.holds(*cell)));
    let groups = Groups::of(&here, rule.least());
    let zone: BTreeSet<Cell> =
        brand.zone.iter().map(|cell| cell.rolled_up_to(rule.finest)).collect();
    let in_zone = |cell: Cell| cell.with_ancestors().any(|around| zone.contains(&around));
    let heard = rolled_up(&mut brand.heard.iter());
    let (mut all, mut in_groups) = (0, 0);
    for (cell, people) in heard.iter().filter(|(cell, _)| in_zone(*cell)) {
        all += u64::from(*people);
        let has_group = groups.shown(*cell).is_some_and(in_zone);
        in_groups += if has_group { u64::from(*people) } else { 0 };
    }
    let names_zone = u64::from(rule.least()) <= all && in_groups < all - in_groups;
    let mut places: BTreeSet<Cell> = groups.cells().chain(before.iter().copied()).collect();
    if names_zone {
        places.retain(|cell| !in_zone(*cell));
        places.extend(&zone);
    }
    let mut spoke: BTreeMap<Cell, u64> = groups.cells().map(|cell| (cell, 0)).collect();
    spoke.retain(|cell, _| places.contains(cell));
    spoke.extend(zone.iter().filter(|_| names_zone).map(|cell| (*cell, 0)));
    for (cell, people) in heard.iter().filter(|(cell, _)| within.holds(*cell) || in_zone(*cell)) {
        let around = cell.with_ancestors().filter(|around| places.contains(around));
        if let Some(place) = around.max_by_key(|around| around.resolution()) {
            *spoke.entry(place).or_default() += u64::from(*people);
        }
    }
    spoke.into_iter().collect()
}

/// Of places that lie in each other, with the people of each outside those in it: the outer
/// one where it has more than all in it together, else those in it.
fn disjoint(spoke: &BTreeMap<Cell, u64>) -> Vec<Cell> {
    let mut named: Vec<Cell> = Vec::new();
    // Places that lie in no other so far: with the people in each, and how many were named
    // before it.
    let mut outer: Vec<(Cell, u64, usize)> = Vec::new();
    for (cell, people) in spoke {
        let (mut inside, mut begin, mut has_inner) = (0, named.len(), false);
        while let Some((inner, of_inner, from)) = outer.pop_if(|(other, ..)| cell.contains(*other))
        {
            debug_assert!(inner < *cell, "what lies in a cell sorts before it");
            (inside, begin, has_inner) = (inside + of_inner, from, true);
        }
        if !has_inner || inside < *people {
            named.truncate(begin);
            named.push(*cell);
        }
        outer.push((*cell, inside + people, begin));
    }
    named
}

/// Sorted, without those that lie in another one.
fn outermost(cells: &BTreeSet<Cell>) -> Vec<Cell> {
    let is_inner = |cell: &Cell| cell.ancestors().any(|around| cells.contains(&around));
    cells.iter().filter(|cell| !is_inner(cell)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Position;
    use proptest::prelude::*;

    const RULE: Rule = Rule { k: 3, finest: Resolution::HOURLY };
    const OFF: Rule = Rule { k: 1, finest: Resolution::HOURLY };

    /// A cell of resolution 7, its parent and grandparent, and other cells in those.
    fn village() -> (Cell, Cell, Cell) {
        let cell = Cell::at(Position::new(44.31, -78.32).unwrap(), Resolution::HOURLY);
        let up = |n: usize| cell.rolled_up_to(Resolution::ALL[n]);
        (cell, up(6), up(5))
    }

    fn others_in(around: Cell, n: usize) -> Vec<Cell> {
        let village = village().0;
        let all = around.descendants(Resolution::HOURLY).filter(|cell| *cell != village);
        all.take(n).collect()
    }

    fn spoke(heard: &[(Cell, u32)]) -> Vec<Spoke> {
        vec![Spoke { heard: heard.to_vec(), zone: Vec::new() }]
    }

    #[test]
    fn a_village_is_named_once_five_were_heard_of_and_not_before() {
        let (cell, ..) = village();
        let rows = [(0, vec![]), (1, vec![]), (4, vec![]), (5, vec![cell]), (900, vec![cell])];
        for (people, expected) in rows {
            assert_eq!(named(&[cell], &spoke(&[(cell, people)]), &[], RULE), expected, "{people}");
        }
        assert_eq!(named(&[], &[], &[], RULE), [], "nobody spoke");
        assert_eq!(named(&[cell], &spoke(&[]), &[], RULE), []);
    }

    #[test]
    fn what_lies_outside_the_incident_names_nothing() {
        let (cell, parent, _) = village();
        let beside = others_in(parent, 1)[0];
        assert_eq!(named(&[cell], &spoke(&[(cell, 3), (beside, 9)]), &[], RULE), []);
    }

    #[test]
    fn a_group_is_named_in_place_of_those_in_it_where_more_spoke_in_the_rest_of_it() {
        let (cell, parent, _) = village();
        let others = others_in(parent, 3);
        let heard = |in_cell: u32, in_rest: u32| {
            let rest = others.iter().map(|other| (*other, in_rest));
            spoke(&rest.chain([(cell, in_cell)]).collect::<Vec<_>>())
        };
        for (in_cell, in_rest, expected) in [
            // Nine in the rest, in no other group, and five.
            (5, 3, parent),
            (9, 3, cell),
            (10, 3, cell),
            (4, 3, parent),
            // Two in each are six: a group, but no more than those in the village.
            (6, 2, cell),
            (5, 2, parent),
        ] {
            let named = named(&[parent], &heard(in_cell, in_rest), &[], RULE);
            assert_eq!(named, [expected], "{in_cell} {in_rest}");
        }
    }

    #[test]
    fn what_was_named_stays_until_finer_or_larger_ones_have_more() {
        let (cell, parent, grandparent) = village();
        // Nobody was heard of in the last day: it stays.
        assert_eq!(named(&[cell], &spoke(&[]), &[cell], RULE), [cell]);
        assert_eq!(named(&[cell], &spoke(&[(cell, 2)]), &[cell], RULE), [cell]);
        // A larger one takes its place by more people than it needed.
        let around = |people: u32| {
            let others = others_in(parent, 6).into_iter().map(|other| (other, people));
            spoke(&others.collect::<Vec<_>>())
        };
        assert_eq!(named(&[parent], &around(1), &[cell], RULE), [parent]);
        // Six spoke there, but no more than in the village.
        let busy = [around(1), spoke(&[(cell, 7)])].concat();
        assert_eq!(named(&[parent], &busy, &[cell], RULE), [cell]);
        // It gives way to finer ones where no more spoke in the rest of it.
        let fine = spoke(&[(cell, 9)]);
        assert_eq!(named(&[grandparent], &fine, &[grandparent], RULE), [cell]);
        assert_eq!(
            named(&[grandparent], &spoke(&[(cell, 4)]), &[grandparent], RULE),
            [grandparent]
        );
    }

    #[test]
    fn the_whole_zone_is_named_where_enough_spoke_in_it_and_not_in_one_place() {
        let (cell, ..) = village();
        let mut zone: Vec<Cell> = cell.disk(1).into_iter().map(|(cell, _)| cell).collect();
        zone.sort_unstable();
        let in_zone = |people: u32| {
            let heard = zone.iter().take(5).map(|cell| (*cell, people)).collect();
            vec![Spoke { heard, zone: zone.clone() }]
        };
        let cells = zone[..5].to_vec();
        assert_eq!(named(&cells, &in_zone(1), &[], RULE), zone);
        // With five in each of five places those are named.
        assert_eq!(named(&cells, &in_zone(5), &[], RULE), cells);
        let four = vec![Spoke { heard: vec![(zone[0], 4)], zone: zone.clone() }];
        assert_eq!(named(&cells, &four, &[], RULE), []);
        // A zone that is finer than what is shown is named by what is.
        let finest = Rule { finest: Resolution::ALL[5], ..RULE };
        for named in named(&cells, &in_zone(1), &[], finest) {
            assert_eq!(named.resolution(), finest.finest);
        }
    }

    #[test]
    fn places_of_two_brands_are_named_together() {
        let (cell, parent, _) = village();
        let other = others_in(parent, 1)[0];
        let both = [spoke(&[(cell, 5)]), spoke(&[(other, 6)])].concat();
        let mut expected = vec![cell, other];
        expected.sort_unstable();
        assert_eq!(named(&[parent], &both, &[], RULE), expected);
        // Three of each are six, but of neither brand enough.
        let few = [spoke(&[(cell, 3)]), spoke(&[(cell, 3)])].concat();
        assert_eq!(named(&[parent], &few, &[], RULE), []);
    }

    #[test]
    fn where_nothing_is_hidden_all_cells_are_named_no_finer_than_is_shown() {
        let (cell, parent, grandparent) = village();
        assert_eq!(named(&[cell], &[], &[], OFF), [cell]);
        assert_eq!(named(&[cell, parent], &[], &[grandparent], OFF), [parent]);
        let coarse = Rule { finest: Resolution::ALL[5], ..OFF };
        assert_eq!(named(&[cell], &[], &[], coarse), [grandparent]);
    }

    /// Some people in cells of a few resolutions near the village.
    fn crowds() -> impl Strategy<Value = Vec<(Cell, u32)>> {
        let all: Vec<Cell> = village().2.disk(1).into_iter().map(|(cell, _)| cell).collect();
        let cell = (0..all.len(), 5_usize..=7, 0_usize..49).prop_map(move |(n, level, within)| {
            let resolution = Resolution::ALL[level];
            let inside: Vec<Cell> = all[n].descendants(resolution).collect();
            inside[within % inside.len()]
        });
        prop::collection::vec((cell, 1_u32..8), 0..30)
    }

    proptest! {
        #[test]
        fn in_every_named_cell_enough_people_spoke(crowd in crowds(), k in 2_u8..5) {
            let rule = Rule { k, ..RULE };
            let cells: Vec<Cell> = crowd.iter().map(|(cell, _)| *cell).collect();
            let named = named(&cells, &spoke(&crowd), &[], rule);
            prop_assert!(named.is_sorted());
            for (n, cell) in named.iter().enumerate() {
                let inside = crowd.iter().filter(|(of, _)| cell.contains(*of));
                let people: u32 = inside.map(|(_, people)| people).sum();
                prop_assert!(rule.least() <= people, "{people} in {cell}");
                prop_assert!(!named[n + 1..].iter().any(|around| around.contains(*cell)));
            }
        }

        #[test]
        fn what_was_named_is_covered_or_has_finer_ones_in_it_afterwards(
            crowd in crowds(), of_another in crowds(), more in crowds(),
        ) {
            let all = [crowd.clone(), more].concat();
            let cells: Vec<Cell> = all.iter().chain(&of_another).map(|(cell, _)| *cell).collect();
            let before = named(&cells, &spoke(&crowd), &[], RULE);
            let brands = [spoke(&all), spoke(&of_another)].concat();
            let after = named(&cells, &brands, &before, RULE);
            for cell in &before {
                let is_kept = after.iter().any(|of| of.contains(*cell) || cell.contains(*of));
                prop_assert!(is_kept, "{cell} of {before:?} in {after:?}");
            }
            let again = named(&cells, &brands, &after, RULE);
            prop_assert_eq!(again, after, "the same people name the same");
        }
    }
}
