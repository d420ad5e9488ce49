//! What follows for certain from all names that were told. The reader knows everything of
//! all others, and how names are found, and asks of each report of fewer than `k` people:
//! where can it lie, for all that was told to be told?

use super::K;
use super::reading::Told;
use super::world::{Group, World};
use groundswell::domain::grid::{Cell, Resolution};
use groundswell::domain::privacy::mass::Heard;
use groundswell::domain::privacy::naming::{Spoke, named_but};
use groundswell::domain::privacy::people::{COINS, People};
use groundswell::domain::privacy::rule::{LeftOut, Rule};
use groundswell::domain::time::Minute;
use std::collections::BTreeMap;

/// What a reader knows of the rule.
#[derive(Debug, Clone, Copy)]
pub struct Attacker {
    /// What it lacks.
    pub left_out: LeftOut,
    /// Whether one coin decides for all resolutions.
    pub one_coin: bool,
}

/// Where the asked report may lie: in a child, or far away.
type Place = Option<usize>;

/// Coins of resolutions 5, 6 and 7, and of zones, are tossed; coarser ones tell nothing here.
const TOSSED: [usize; 4] = [5, 6, 7, COINS - 1];

impl Attacker {
    /// Reports that lie for certain where fewer than `K` people reported.
    pub fn found(self, world: &World, told: &[Told]) -> Vec<String> {
        let zones = zones(world);
        let told: Vec<&Told> = told.iter().filter(|told| is_here(world, told)).collect();
        assert!(!told.is_empty(), "nothing was named");
        let few = (0..world.sent.len()).filter(|n| (world.sent[*n].1.people as usize) < K);
        let mut found = Vec::new();
        for asked in few {
            let truth = Some(world.sent[asked].1.child);
            // A detector may have left out what the reader takes to be in its cells.
            let right: Vec<&Told> = told
                .iter()
                .copied()
                .filter(|told| self.is_told(world, asked, (truth, [true; 4]), told, &zones))
                .collect();
            assert!(!right.is_empty(), "{told:?}");
            let can_be = |place: Place| {
                let mut coins = self.coins();
                coins.any(|coins| {
                    let told =
                        |told: &&Told| self.is_told(world, asked, (place, coins), told, &zones);
                    right.iter().all(told)
                })
            };
            let places: Vec<Place> = (0..world.children.len())
                .map(Some)
                .chain([None])
                .filter(|at| can_be(*at))
                .collect();
            assert!(places.contains(&truth), "the truth is one");
            let is_in =
                |cell: Cell| places.iter().flatten().any(|child| world.children[*child] == cell);
            let people = world.people_in(&is_in);
            if !places.contains(&None) && people < K {
                found.push(format!("report {asked} is one of {people} people in {places:?}"));
            }
        }
        found
    }

    /// How the coins of the asked report may have fallen.
    fn coins(self) -> impl Iterator<Item = [bool; 4]> + use<> {
        let Self { left_out, one_coin } = self;
        let all = (0..16_u8).map(|bits| std::array::from_fn(|n| bits >> n & 1 == 1));
        all.filter(move |coins: &[bool; 4]| {
            let is_one = coins.iter().all(|coin| *coin == coins[0]);
            (!left_out.coin || *coins == [true; 4]) && (!one_coin || is_one)
        })
    }

    /// Whether this would have been told, had the asked report lain there.
    fn is_told(
        self,
        world: &World,
        asked: usize,
        (place, coins): (Place, [bool; 4]),
        told: &Told,
        zones: &[Vec<Cell>],
    ) -> bool {
        let within = [world.parent.rolled_up_to(Resolution::ALL[5])];
        let rule = Rule { k: K as u8, finest: Resolution::DEFAULT };
        let heard = |brand: &String| {
            let mut heard: BTreeMap<Cell, People> = BTreeMap::new();
            for (n, (minute, group)) in world.sent.iter().enumerate() {
                if group.brand != brand || !told.minutes.contains(minute) {
                    continue;
                }
                let (child, people) = match (n == asked, place) {
                    (false, _) => (group.child, group.people.into()),
                    (true, Some(child)) => (child, counted(group.people, coins)),
                    (true, None) => continue,
                };
                heard.entry(world.children[child]).or_default().add(&people);
            }
            heard.into_iter().map(|(cell, people)| Heard::at(cell, people)).collect::<Vec<_>>()
        };
        let heard: Vec<_> = told.brands.iter().map(heard).collect();
        zones.iter().any(|zone| {
            let spoke = |heard: &Vec<Heard>| Spoke { heard: heard.clone(), zone: zone.clone() };
            let brands: Vec<Spoke> = heard.iter().map(spoke).collect();
            named_but(&within, &brands, &told.before, (rule, self.left_out)) == told.cells
        })
    }
}

/// People of one cell and minute, by how their coins fell.
fn counted(people: u32, coins: [bool; 4]) -> People {
    let count = |coin: usize| match TOSSED.iter().position(|of| *of == coin) {
        Some(n) if !coins[n] => 0,
        _ => people,
    };
    People::by(std::array::from_fn(count))
}

/// Zones that may have decided.
fn zones(world: &World) -> Vec<Vec<Cell>> {
    let cells = world.children.iter().chain([&world.parent]);
    let disk = |cell: &Cell, ring: u8| cell.disk(ring).into_iter().map(|(cell, _)| cell).collect();
    let all = cells.flat_map(|cell| [0, 1].map(|ring| disk(cell, ring)));
    all.chain([Vec::new()]).collect()
}

/// Whether names are told of these people: what is named nowhere, or coarsely as the map
/// shows it, says no more than the map.
fn is_here(world: &World, told: &Told) -> bool {
    let of_village = |cell: &Cell| world.parent.rolled_up_to(Resolution::ALL[5]).contains(*cell);
    let minutes = |(minute, _): &(Minute, Group)| told.minutes.contains(minute);
    !told.cells.is_empty() && told.cells.iter().all(of_village) && world.sent.iter().any(minutes)
}
