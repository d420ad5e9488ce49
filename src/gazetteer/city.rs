//! Cities: where they are, how many live there, what time they keep. `cities.csv` holds
//! all of 15,000 inhabitants or more in Canada, the USA, the UK, Ireland, Australia and
//! New Zealand, and all of 300,000 or more elsewhere; but no quarters and suburbs, which
//! are what lies within 10 km of a place of ten times as many inhabitants: people would
//! not know them, and they are counted with their city.

use crate::domain::grid::{Cell, Position, Resolution};
use std::sync::OnceLock;

const CSV: &str = include_str!("cities.csv");

const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A city.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct City {
    /// As its country writes it, in Latin letters.
    pub name: &'static str,
    /// ISO 3166-1, two letters.
    pub country: &'static str,
    /// What `GeoNames` calls the first division of its country: not ISO 3166-2. Empty
    /// where there is none.
    pub admin1: &'static str,
    /// Its middle.
    pub position: Position,
    /// Inhabitants.
    pub population: u32,
    /// A name of the tz database.
    pub timezone: &'static str,
}

/// A city, and how far away it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Which.
    pub city: &'static City,
    /// Along a great circle, in metres.
    pub distance_m: f64,
}

/// All of them, the most populous first.
#[must_use]
pub fn cities() -> &'static [City] {
    &map().cities
}

/// The nearest of them, however far.
#[must_use]
pub fn nearest(position: Position) -> Nearest {
    let map = map();
    let from = direction(position);
    // All are looked at: some microseconds, and neither the poles nor the antimeridian
    // are anything special.
    let chords = map.directions.iter().map(|to| chord_squared(from, *to)).enumerate();
    let (n, chord) = chords.min_by(|a, b| a.1.total_cmp(&b.1)).expect("there are cities");
    Nearest { city: &map.cities[n], distance_m: metres(chord) }
}

/// The numbers in [`cities`] of those up to so many metres away.
pub(super) fn within(position: Position, distance_m: f64) -> impl Iterator<Item = usize> {
    let map = map();
    let from = direction(position);
    let degrees = (distance_m / EARTH_RADIUS_M).to_degrees();
    let latitude = |n: &u16| map.cities[usize::from(*n)].position.lat();
    let first = map.northward.partition_point(|n| latitude(n) < position.lat() - degrees);
    let band =
        map.northward[first..].iter().take_while(move |n| latitude(n) <= position.lat() + degrees);
    band.map(|n| usize::from(*n))
        .filter(move |n| metres(chord_squared(from, map.directions[*n])) <= distance_m)
}

/// The finest cells of [`cities`], each with the number of its city, in the order of
/// cells.
pub(super) fn by_cell() -> &'static [(Cell, usize)] {
    &map().by_cell
}

/// The cities, and ways to find them.
struct Map {
    cities: Vec<City>,
    directions: Vec<[f64; 3]>,
    northward: Vec<u16>,
    by_cell: Vec<(Cell, usize)>,
}

fn map() -> &'static Map {
    static MAP: OnceLock<Map> = OnceLock::new();
    MAP.get_or_init(|| {
        let mut cities: Vec<City> =
            CSV.lines().skip(1).map(|line| city(line).expect("a test reads every line")).collect();
        cities.sort_by_key(|city| std::cmp::Reverse(city.population));
        let mut northward: Vec<u16> = (0..cities.len() as u16).collect();
        northward.sort_by(|a, b| {
            cities[usize::from(*a)]
                .position
                .lat()
                .total_cmp(&cities[usize::from(*b)].position.lat())
        });
        let cells = cities.iter().map(|city| Cell::at(city.position, Resolution::FINEST));
        let mut by_cell: Vec<(Cell, usize)> = cells.zip(0..).collect();
        by_cell.sort_unstable();
        Map {
            directions: cities.iter().map(|city| direction(city.position)).collect(),
            cities,
            northward,
            by_cell,
        }
    })
}

/// A line of the file: number, name, country, first division, latitude, longitude,
/// inhabitants, time zone. No field has a comma.
fn city(line: &'static str) -> Option<City> {
    let fields: Vec<&str> = line.split(',').collect();
    let [_, name, country, admin1, lat, lon, population, timezone] = fields[..] else {
        return None;
    };
    let position = Position::new(lat.parse().ok()?, lon.parse().ok()?).ok()?;
    Some(City { name, country, admin1, position, population: population.parse().ok()?, timezone })
}

/// The point of the unit sphere.
pub(super) fn direction(position: Position) -> [f64; 3] {
    let (lat, lon) = (position.lat().to_radians(), position.lon().to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

fn chord_squared(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum()
}

fn metres(chord_squared: f64) -> f64 {
    EARTH_RADIUS_M * 2.0 * (chord_squared.sqrt() / 2.0).min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(lat: f64, lon: f64) -> (&'static str, i64) {
        let Nearest { city, distance_m } = nearest(Position::new(lat, lon).unwrap());
        (city.name, (distance_m / 1000.0).round() as i64)
    }

    #[test]
    fn every_line_of_the_file_is_a_city() {
        assert!(CSV.lines().skip(1).all(|line| city(line).is_some()));
        assert_eq!(cities().len(), CSV.lines().count() - 1);
        assert!(cities().is_sorted_by(|a, b| a.population >= b.population));
        let toronto = cities().iter().find(|city| city.name == "Toronto").unwrap();
        assert_eq!(
            (toronto.country, toronto.timezone, toronto.population),
            ("CA", "America/Toronto", 2_794_356)
        );
        assert!(cities().iter().all(|city| city.country.len() == 2
            && city.timezone.contains('/')
            && !city.name.is_empty()));
    }

    #[test]
    fn a_line_that_is_no_city_is_seen() {
        assert!(
            city("1,Ghost Town,CA,08,43.7,-79.4,America/Toronto").is_none(),
            "a field is missing"
        );
        assert!(
            city("1,Ghost Town,CA,08,143.7,-79.4,1,America/Toronto").is_none(),
            "no such latitude"
        );
    }

    #[test]
    fn the_nearest_city_is_found_over_the_antimeridian_and_at_the_poles_too() {
        let rows = [
            (43.65, -79.38, ("Toronto", 6)),
            (44.5, -79.67, ("Barrie", 11)),
            // Taveuni of Fiji on both sides of the antimeridian, and the Aleutians.
            (-17.0, 179.99, ("Whangarei", 2157)),
            (-17.0, -179.99, ("Whangarei", 2157)),
            (52.0, 180.0, ("Anchorage", 2081)),
            (90.0, 0.0, ("Fairbanks", 2798)),
            (-90.0, 77.0, ("Invercargill", 4848)),
        ];
        for (lat, lon, expected) in rows {
            assert_eq!(near(lat, lon), expected, "{lat} {lon}");
        }
    }

    #[test]
    fn a_quarter_is_no_city() {
        let nearest_larger =
            |n: usize| within(cities()[n].position, 10_000.0).map(|m| cities()[m].population).max();
        let quarters: Vec<&str> = (0..cities().len())
            .filter(|n| nearest_larger(*n).is_some_and(|most| most >= 10 * cities()[*n].population))
            .map(|n| cities()[n].name)
            .collect();
        assert!(quarters.is_empty(), "{quarters:?}");
    }

    #[test]
    fn those_within_a_distance_are_those_that_a_look_at_all_finds() {
        for (lat, lon) in [(43.65, -79.38), (51.5, -0.12), (-17.0, 180.0), (90.0, 0.0), (0.0, 0.0)]
        {
            for distance_m in [0.0, 10_000.0, 3_000_000.0] {
                let position = Position::new(lat, lon).unwrap();
                let mut found: Vec<usize> = within(position, distance_m).collect();
                found.sort_unstable();
                let away = |n: &usize| {
                    metres(chord_squared(direction(position), direction(cities()[*n].position)))
                };
                let expected: Vec<usize> =
                    (0..cities().len()).filter(|n| away(n) <= distance_m).collect();
                assert_eq!(found, expected, "{lat} {lon} {distance_m}");
            }
        }
    }
}
