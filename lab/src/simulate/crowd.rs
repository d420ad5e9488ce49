//! Who could report from an area: its cities by population, those of one time zone
//! together, since they wake together.

use super::draw::{place, running};
use super::homes::km_between;
use super::scenario::Within;
use super::week::awake;
use fastrand::Rng;
use groundswell::domain::time::Timestamp;
use groundswell::gazetteer::{City, cities};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// The people of an area.
#[derive(Debug, Clone)]
pub struct Crowd {
    blocks: Vec<Block>,
    people: f64,
}

/// Cities of one time zone.
#[derive(Debug, Clone)]
struct Block {
    zone: TimeZone,
    /// Their places in the gazetteer.
    cities: Vec<usize>,
    /// Running sums of their people.
    running: Vec<f64>,
}

/// A crowd at an instant: how many of it would report, and from where.
#[derive(Debug, Clone, Default)]
pub struct Awake {
    /// Against the mean of the week.
    pub level: f64,
    /// Running sums over the time zones.
    running: Vec<f64>,
}

impl Crowd {
    /// The crowd of these cities.
    #[must_use]
    pub fn of(within: &Within) -> Self {
        let mut by_zone: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for city in cities_in(within) {
            by_zone.entry(cities()[city].timezone).or_default().push(city);
        }
        let block = |(name, cities_of_zone): (&str, Vec<usize>)| Block {
            // The list of zones is compiled in, as the cities are. A zone that it does
            // not know would only shift the day.
            zone: TimeZone::get(name).unwrap_or(TimeZone::UTC),
            running: running(
                cities_of_zone.iter().map(|city| f64::from(cities()[*city].population)),
            ),
            cities: cities_of_zone,
        };
        let blocks: Vec<Block> = by_zone.into_iter().map(block).collect();
        Self { people: blocks.iter().map(Block::people).sum(), blocks }
    }

    /// Who of them is awake.
    #[must_use]
    pub fn awake(&self, at: Timestamp) -> Awake {
        let running =
            running(self.blocks.iter().map(|block| block.people() * awake(at, &block.zone)));
        Awake { level: running.last().copied().unwrap_or_default() / self.people, running }
    }

    /// A city's place in the gazetteer, drawn by how many of it are awake.
    pub(super) fn city(&self, awake: &Awake, rng: &mut Rng) -> usize {
        let block = &self.blocks[place(rng, &awake.running)];
        block.cities[place(rng, &block.running)]
    }

    /// A city drawn by lot: where few live, it counts as much as where many do.
    pub(super) fn any_city(&self, awake: &Awake, rng: &mut Rng) -> usize {
        let block = &self.blocks[place(rng, &awake.running)];
        block.cities[rng.usize(..block.cities.len())]
    }
}

impl Block {
    fn people(&self) -> f64 {
        self.running.last().copied().unwrap_or_default()
    }
}

/// The places in the gazetteer of the cities of an area.
#[must_use]
pub fn cities_in(within: &Within) -> Vec<usize> {
    match within {
        Within::Country(country) => those(|city| city.country == *country),
        Within::Subdivisions(country, codes) => {
            those(|city| city.country == *country && codes.contains(&city.admin1))
        }
        Within::WorldWithout(countries) => those(|city| !countries.contains(&city.country)),
        Within::Metro { country, admin1, city: name, km } => {
            let is_centre = |city: &&City| {
                city.country == *country && city.admin1 == *admin1 && city.name == *name
            };
            let Some(centre) = cities().iter().find(is_centre) else { return Vec::new() };
            those(|city| {
                city.country == *country && km_between(city.position, centre.position) <= *km
            })
        }
    }
}

fn those(which: impl Fn(&City) -> bool) -> Vec<usize> {
    cities().iter().enumerate().filter(|(_, city)| which(city)).map(|(n, _)| n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::draw::chance;
    use crate::simulate::scenario::instant;

    #[test]
    fn every_time_zone_of_the_cities_is_known() {
        for city in cities() {
            assert!(TimeZone::get(city.timezone).is_ok(), "{}: {}", city.name, city.timezone);
        }
    }

    #[test]
    fn those_who_are_awake_report_and_larger_cities_more() {
        let crowd = Crowd::of(&Within::Country("CA"));
        let night_in_the_west = crowd.awake(instant("2022-07-08T08:00:00-04:00"));
        let evening = crowd.awake(instant("2022-07-08T21:00:00-04:00"));
        assert!(night_in_the_west.level < evening.level);
        let share = |awake: &Awake, zone: &str| {
            let draws = (0..4_000).map(|n| crowd.city(awake, &mut chance(3, n)));
            draws.filter(|city| cities()[*city].timezone == zone).count()
        };
        assert!(
            2 * share(&night_in_the_west, "America/Vancouver")
                < share(&evening, "America/Vancouver")
        );
        let toronto = (0..4_000)
            .filter(|n| cities()[crowd.city(&evening, &mut chance(3, *n))].name == "Toronto")
            .count();
        assert!(
            (200..500).contains(&toronto),
            "{toronto} of 4,000: about one Canadian city dweller in thirteen lives there"
        );
    }

    #[test]
    fn a_metropolis_reaches_across_subdivisions_but_not_across_the_border() {
        let detroit = Within::Metro { country: "US", admin1: "MI", city: "Detroit", km: 40.0 };
        let names: Vec<&str> =
            cities_in(&detroit).into_iter().map(|city| cities()[city].name).collect();
        assert!(names.contains(&"Dearborn") && !names.contains(&"Windsor"), "{names:?}");
    }
}
