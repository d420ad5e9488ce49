//! Where everybody is told that an incident is: in cells in which enough people spoke of
//! it, found as the groups of the map are, among those who spoke since it began.

use super::groups::Groups;
use super::mass::Heard;
use super::people::People;
use super::rule::{LeftOut, Rule};
use crate::domain::cell_set::CellSet;
use crate::domain::grid::{Cell, Resolution};
use std::collections::{BTreeMap, BTreeSet};

/// Who was heard of since an incident began, of one of its brands.
#[derive(Debug, Clone, Default)]
pub struct Spoke {
    /// People who reported in the cells of the incident, and in the zone.
    pub heard: Vec<Heard>,
    /// The cells of the zone that decided, of one resolution; none where it is everywhere.
    pub zone: Vec<Cell>,
}

/// The cells that are named of an incident in these cells, sorted, none in another; none
/// where too few people spoke anywhere.
///
/// For each brand the groups of those who spoke are named, and the whole zone that decided
/// where enough spoke in it outside what is named in it, and more than in that. A place with
/// others in it is named in their place where more people of one brand spoke in the rest of
/// it, and enough, than in all of them together; else they are, and it is not. What was named
/// before counts as one of them, with as many people as it needed.
///
/// So whoever knows a place in another, and sees which of them is named, learns that enough
/// people of one brand spoke in what is left of the larger one, or nothing.
#[must_use]
pub fn named(cells: &[Cell], brands: &[Spoke], before: &[Cell], rule: Rule) -> Vec<Cell> {
    named_but(cells, brands, before, (rule, LeftOut::default()))
}

/// The same with something left out of the rule.
#[must_use]
pub fn named_but(
    cells: &[Cell],
    brands: &[Spoke],
    before: &[Cell],
    (rule, left_out): (Rule, LeftOut),
) -> Vec<Cell> {
    if rule.is_off() {
        let all = cells.iter().map(|cell| cell.rolled_up_to(rule.finest));
        return outermost(&all.collect());
    }
    let within: CellSet = cells.iter().copied().collect();
    let brands: Vec<Brand> = brands.iter().map(|brand| Brand::of(&within, brand, rule)).collect();
    let mut before = before.to_vec();
    // A place of before that gives way no longer keeps its people from a larger one: named
    // anew until nothing changes, or the next revision would change it with nobody new.
    for _ in 0..MOST_TIMES {
        let named = named_once(&brands, &before, (rule, left_out));
        if named == before {
            break;
        }
        before = named;
    }
    before
}

/// A place of before gives way once, and there are a handful at most in each other.
const MOST_TIMES: usize = 2 * Resolution::ALL.len();

/// Who spoke of a brand, in cells no finer than those that are shown.
struct Brand {
    /// In the cells of the incident and of the zone, by where they are counted.
    heard: BTreeMap<Cell, People>,
    /// Those of them who reported in the zone.
    in_zone: BTreeMap<Cell, People>,
    /// The groups of those in the cells of the incident.
    groups: Groups,
    zone: BTreeSet<Cell>,
}

impl Brand {
    fn of(within: &CellSet, brand: &Spoke, rule: Rule) -> Self {
        // Whether they are of the place follows from where they reported: who is counted in a
        // coarser cell is no less of it.
        let sums = |is_of: &dyn Fn(Cell) -> bool| {
            let mut sums: BTreeMap<Cell, People> = BTreeMap::new();
            for heard in brand.heard.iter().filter(|heard| is_of(heard.reported)) {
                let counted = heard.counted.rolled_up_to(rule.finest);
                sums.entry(counted).or_default().add(&heard.people);
            }
            sums
        };
        let zone = brand.zone.iter().map(|cell| cell.rolled_up_to(rule.finest)).collect();
        let here = sums(&|reported| within.holds(reported));
        Self {
            heard: sums(&|_| true),
            in_zone: sums(&|reported| is_in(&zone, reported.rolled_up_to(rule.finest))),
            groups: Groups::of(here.iter().map(|(cell, people)| (*cell, people)), rule.least()),
            zone,
        }
    }

    /// Whether the whole zone is named, beside these places.
    fn names_zone(&self, places: &BTreeSet<Cell>, least: u32, left_out: LeftOut) -> bool {
        let (mut in_places, mut beside) = (0_u64, 0_u64);
        for (cell, people) in &self.in_zone {
            let place = finest_around(*cell, places);
            let sum = if place.is_some_and(|of| is_in(&self.zone, of)) {
                &mut in_places
            } else {
                &mut beside
            };
            *sum += u64::from(people.in_zone());
        }
        if left_out.rests {
            return 0 < beside && u64::from(least) <= beside + in_places;
        }
        u64::from(least) <= beside && in_places < beside
    }
}

/// Whether a cell is one of these, or lies in one.
fn is_in(cells: &BTreeSet<Cell>, cell: Cell) -> bool {
    cell.with_ancestors().any(|around| cells.contains(&around))
}

/// The finest of some places around a cell.
fn finest_around(cell: Cell, places: &BTreeSet<Cell>) -> Option<Cell> {
    let around = cell.with_ancestors().filter(|around| places.contains(around));
    around.max_by_key(|around| around.resolution())
}

/// A place that may be named.
#[derive(Debug, Clone, Default)]
struct Place {
    /// Whether it may be named by itself: else it is a part of a zone.
    is_whole: bool,
    was_named: bool,
    /// People of each brand in it, outside the places in it.
    people: Vec<u64>,
}

fn named_once(brands: &[Brand], before: &[Cell], (rule, left_out): (Rule, LeftOut)) -> Vec<Cell> {
    let least = rule.least();
    let groups = brands.iter().flat_map(|brand| brand.groups.cells());
    let whole: BTreeSet<Cell> = groups.chain(before.iter().copied()).collect();
    let zones = brands.iter().filter(|brand| brand.names_zone(&whole, least, left_out));
    let mut all: BTreeSet<Cell> = whole.clone();
    zones.for_each(|brand| all.extend(&brand.zone));
    let mut places: BTreeMap<Cell, Place> = BTreeMap::new();
    for cell in &all {
        let place = Place {
            is_whole: whole.contains(cell),
            was_named: before.contains(cell),
            people: vec![0; brands.len()],
        };
        places.insert(*cell, place);
    }
    for (n, brand) in brands.iter().enumerate() {
        for (cell, people) in &brand.heard {
            if let Some(place) = finest_around(*cell, &all) {
                let place_in = places.get_mut(&place).expect("it is one of them");
                place_in.people[n] += u64::from(people.at(place.resolution()));
            }
        }
    }
    disjoint(&places, u64::from(least), left_out)
}

/// What lies in a place, as what is larger is compared with it.
#[derive(Debug, Clone, Default)]
struct Inside {
    /// People in what may be named by itself.
    of_whole: u64,
    /// People of each brand in parts of zones.
    of_parts: Vec<u64>,
}

impl Inside {
    fn none(brands: usize) -> Self {
        Self { of_whole: 0, of_parts: vec![0; brands] }
    }

    fn add(&mut self, other: &Self) {
        self.of_whole += other.of_whole;
        self.of_parts.iter_mut().zip(&other.of_parts).for_each(|(sum, people)| *sum += people);
    }

    fn people(&self) -> u64 {
        self.of_whole + self.of_parts.iter().max().unwrap_or(&0)
    }
}

/// Of places that lie in each other the outer one where enough people spoke in the rest of
/// it, and more than in all in it together; else those in it.
fn disjoint(places: &BTreeMap<Cell, Place>, least: u64, left_out: LeftOut) -> Vec<Cell> {
    let mut named: Vec<Cell> = Vec::new();
    // Places that lie in no other so far: with what is in each, and how many were named
    // before it.
    let mut outer: Vec<(Cell, Inside, usize)> = Vec::new();
    for (cell, place) in places {
        let brands = place.people.len();
        let (mut inside, mut begin, mut has_inner) = (Inside::none(brands), named.len(), false);
        while let Some((inner, of_inner, from)) = outer.pop_if(|(other, ..)| cell.contains(*other))
        {
            debug_assert!(inner < *cell, "what lies in a cell sorts before it");
            inside.add(&of_inner);
            (begin, has_inner) = (from, true);
        }
        // What was named before is worth as many as it needed then, or those of now.
        let most = place.people.iter().copied().max().unwrap_or(0);
        let people = if place.was_named { most.max(least) } else { most };
        let has_enough = least <= people && inside.people() < people;
        if !has_inner || has_enough || (left_out.rests && 0 < people) {
            named.truncate(begin);
            named.push(*cell);
        }
        if place.is_whole {
            inside.of_whole += people;
        } else {
            inside.add(&Inside { of_whole: 0, of_parts: place.people.clone() });
        }
        outer.push((*cell, inside, begin));
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
        vec![with_zone(heard, &[])]
    }

    fn with_zone(heard: &[(Cell, u32)], zone: &[Cell]) -> Spoke {
        let heard = heard.iter().map(|(cell, people)| Heard::at(*cell, *people)).collect();
        Spoke { heard, zone: zone.to_vec() }
    }

    fn sorted(cells: &[Cell]) -> Vec<Cell> {
        let all: BTreeSet<Cell> = cells.iter().copied().collect();
        all.into_iter().collect()
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
            let heard: Vec<_> = zone.iter().take(5).map(|cell| (*cell, people)).collect();
            vec![with_zone(&heard, &zone)]
        };
        let cells = zone[..5].to_vec();
        assert_eq!(named(&cells, &in_zone(1), &[], RULE), zone);
        // With five in each of five places those are named.
        assert_eq!(named(&cells, &in_zone(5), &[], RULE), cells);
        let four = vec![with_zone(&[(zone[0], 4)], &zone)];
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

    /// A place that was known, and a larger one that is named in its place, say together
    /// that somebody spoke in the rest of it: enough people of one brand must have.
    #[test]
    fn what_is_left_of_a_larger_place_holds_enough_people_of_one_brand() {
        let (cell, parent, _) = village();
        let others = others_in(parent, 2);
        // Four of one brand in the village, five of another; two more beside it.
        let mixed =
            |beside: u32| [spoke(&[(cell, 4), (others[0], beside)]), spoke(&[(cell, 5)])].concat();
        for before in [&[][..], &[cell]] {
            assert_eq!(named(&[parent], &mixed(2), before, RULE), [cell], "{before:?}");
            assert_eq!(named(&[parent], &mixed(12), before, RULE), sorted(&[others[0], cell]));
        }
        // Two brands have six together in the rest, neither of them enough.
        let both = [spoke(&[(cell, 5), (others[0], 3)]), spoke(&[(others[1], 4)])].concat();
        assert_eq!(named(&[parent], &both, &[cell], RULE), [cell]);
    }

    #[test]
    fn a_zone_is_named_for_who_spoke_in_it_outside_of_what_is_named_in_it() {
        let (cell, parent, _) = village();
        let mut zone: Vec<Cell> = cell.disk(1).into_iter().map(|(cell, _)| cell).collect();
        zone.sort_unstable();
        let beside = *zone.iter().find(|other| **other != cell).unwrap();
        let in_zone =
            |here: u32, beside_it: u32| with_zone(&[(cell, here), (beside, beside_it)], &zone);
        // Four of the five that the zone needs lie in what is known.
        for before in [&[cell][..], &[]] {
            let brands = [in_zone(4, 1), with_zone(&[(cell, 5)], &[])];
            assert_eq!(named(&zone, &brands, before, RULE), [cell], "{before:?}");
        }
        assert_eq!(named(&zone, &[in_zone(4, 1)], &[], RULE), zone);
        assert_eq!(named(&zone, &[in_zone(0, 3), in_zone(0, 3)], &[], RULE), []);
        // A larger part of a zone does not take the place of what is known in it for one more.
        let mut coarse: Vec<Cell> = parent.disk(1).into_iter().map(|(cell, _)| cell).collect();
        coarse.sort_unstable();
        let far = coarse.iter().filter(|other| **other != parent);
        let heard: Vec<_> =
            far.clone().map(|other| (*other, 2)).chain([(cell, 5), (beside, 1)]).collect();
        let told = named(&coarse, &[with_zone(&heard, &coarse)], &[cell], RULE);
        assert!(told.contains(&cell) && !told.contains(&parent), "{told:?}");
        // A group that has part of a zone in it is named in its place if enough spoke in the
        // rest.
        let aside: Vec<Cell> =
            parent.descendants(Resolution::HOURLY).filter(|other| !zone.contains(other)).collect();
        if let Some(aside) = aside.first() {
            let mut heard = vec![(cell, 2), (*aside, 4)];
            let out = zone.iter().find(|other| !parent.contains(**other)).unwrap();
            heard.push((*out, 3));
            let cells = [zone.clone(), vec![parent]].concat();
            let told = named(&cells, &[with_zone(&heard, &zone)], &[], RULE);
            assert_eq!(told, zone, "four are too few");
        }
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
