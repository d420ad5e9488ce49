//! Where people stand: in a city, between it and its neighbours, or in the country
//! around; never nearer to a city of another country.
//!
//! The coast is not known. Between two neighbouring cities there is mostly land, which
//! keeps most people dry.

use super::draw::normal;
use fastrand::Rng;
use groundswell::domain::grid::Position;
use groundswell::gazetteer::cities;
use std::cell::OnceCell;

/// One in so many reports comes from outside of cities. About as many people live there
/// in the countries of the catalogue. Fitted.
pub const RURAL: f64 = 0.12;

/// Cities this near count as neighbours, with people between.
const NEIGHBOURS_WITHIN_KM: f64 = 25.0;
/// The furthest that anybody stands from a city, and how far on average in the country.
const FURTHEST_KM: f64 = 60.0;
const RURAL_KM: f64 = 14.0;
/// A city of 100,000 reaches about so far (one sigma): at the density of a North American
/// suburb.
const SPREAD_KM: f64 = 1.6;
const MOST_SPREAD_KM: f64 = 5.0;
const SHARE_BETWEEN: f64 = 0.6;
/// No position is blurred further, however rough it says it is: it would leave its city.
const MOST_BLUR_KM: f64 = 3.0;
/// After so many tries beyond the border somebody stands in the middle of the city.
const TRIES: usize = 16;
const EARTH_KM: f64 = 6_371.0;

/// What is near each city, looked up when first needed.
#[derive(Debug)]
pub struct Homes {
    /// By the city's place in the gazetteer.
    near: Vec<OnceCell<Near>>,
    /// Places in the gazetteer by latitude.
    by_latitude: Vec<usize>,
}

#[derive(Debug, Default)]
struct Near {
    own: Vec<Position>,
    foreign: Vec<Position>,
}

impl Homes {
    /// Knows nothing yet.
    pub fn new() -> Self {
        let mut by_latitude: Vec<usize> = (0..cities().len()).collect();
        by_latitude
            .sort_by(|a, b| cities()[*a].position.lat().total_cmp(&cities()[*b].position.lat()));
        Self { near: by_latitude.iter().map(|_| OnceCell::new()).collect(), by_latitude }
    }

    /// Where somebody of a city stands, as a phone of that accuracy says.
    pub fn stand(
        &self,
        city: usize,
        is_rural: bool,
        accuracy_m: Option<f64>,
        rng: &mut Rng,
    ) -> Position {
        let near = self.near[city].get_or_init(|| self.look_around(city));
        let home = &cities()[city];
        let spread =
            (SPREAD_KM * (f64::from(home.population) / 100_000.0).sqrt()).min(MOST_SPREAD_KM);
        let blur = (accuracy_m.unwrap_or_default() / 1_500.0).min(MOST_BLUR_KM);
        for _ in 0..TRIES {
            let (from, sigma) = if is_rural {
                let (km, bearing) = (
                    (RURAL_KM * (1.0 + normal(rng).abs())).min(FURTHEST_KM),
                    std::f64::consts::TAU * rng.f64(),
                );
                (moved(home.position, km * bearing.sin(), km * bearing.cos()), 0.0)
            } else if !near.own.is_empty() && rng.f64() < SHARE_BETWEEN {
                // More of them nearer to the city that they were drawn for.
                let (neighbour, share) =
                    (near.own[rng.usize(..near.own.len())], rng.f64() * rng.f64());
                (between(home.position, neighbour, share), 0.6 * SPREAD_KM)
            } else {
                (home.position, spread)
            };
            let sigma = sigma.hypot(blur);
            let stands = moved(from, sigma * normal(rng), sigma * normal(rng));
            let to = |city: &Position| km_between(stands, *city);
            let own = near.own.iter().map(to).fold(to(&home.position), f64::min);
            if near.foreign.iter().map(to).all(|foreign| own < foreign) {
                return stands;
            }
        }
        home.position
    }

    /// Looks so far that the nearest foreign city of whoever stands around is among those
    /// found.
    fn look_around(&self, city: usize) -> Near {
        let (home, reach) = (&cities()[city], 2.0 * (FURTHEST_KM + 3.0 * MOST_BLUR_KM));
        let band = (reach / EARTH_KM).to_degrees();
        let after = |latitude: f64| {
            self.by_latitude.partition_point(|n| cities()[*n].position.lat() < latitude)
        };
        let mut near = Near::default();
        for n in
            &self.by_latitude[after(home.position.lat() - band)..after(home.position.lat() + band)]
        {
            let (other, km) = (&cities()[*n], km_between(home.position, cities()[*n].position));
            if other.country != home.country && km <= reach {
                near.foreign.push(other.position);
            } else if other.country == home.country && *n != city && km <= NEIGHBOURS_WITHIN_KM {
                near.own.push(other.position);
            }
        }
        near
    }
}

/// Along a great circle (the haversine formula).
pub fn km_between(a: Position, b: Position) -> f64 {
    let half_sine = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let h = a.lat().to_radians().cos() * b.lat().to_radians().cos() * half_sine(a.lon(), b.lon())
        + half_sine(a.lat(), b.lat());
    2.0 * EARTH_KM * h.min(1.0).sqrt().asin()
}

/// A position some kilometres east and north, on the plane: right to a percent where
/// people live.
fn moved(from: Position, east_km: f64, north_km: f64) -> Position {
    let lat = (from.lat() + (north_km / EARTH_KM).to_degrees()).clamp(-89.0, 89.0);
    let lon = from.lon() + (east_km / (EARTH_KM * lat.to_radians().cos())).to_degrees();
    Position::new(lat, around(lon)).expect("a latitude was clamped and a longitude wrapped")
}

fn between(a: Position, b: Position, share: f64) -> Position {
    let (lat, lon) =
        (a.lat() + share * (b.lat() - a.lat()), a.lon() + share * around(b.lon() - a.lon()));
    Position::new(lat, around(lon))
        .expect("between two latitudes lies one, and a longitude was wrapped")
}

/// A longitude within the once-around.
fn around(lon: f64) -> f64 {
    (lon + 180.0).rem_euclid(360.0) - 180.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::draw::chance;

    #[test]
    fn distances_are_those_of_the_globe() {
        let position = |lat, lon| Position::new(lat, lon).unwrap();
        let rows = [
            ((43.6532, -79.3832), (45.5019, -73.5674), 504.0),
            ((0.0, 179.5), (0.0, -179.5), 111.2),
            ((10.0, 20.0), (10.0, 20.0), 0.0),
        ];
        for ((a, b), (c, d), expected) in rows {
            let got = km_between(position(a, b), position(c, d));
            assert!((got - expected).abs() < 1.0, "{got}");
        }
    }

    #[test]
    fn who_is_of_a_city_at_the_border_stands_on_its_side() {
        let homes = Homes::new();
        for (name, country) in [
            ("Windsor", "CA"),
            ("Detroit", "US"),
            ("Niagara Falls", "CA"),
            ("Singapore", "SG"),
            ("El Paso", "US"),
        ] {
            let city = cities()
                .iter()
                .position(|city| city.name == name && city.country == country)
                .unwrap();
            for n in 0..600 {
                let stands = homes.stand(city, n % 3 == 0, Some(2_000.0), &mut chance(5, n));
                let nearest = cities().iter().min_by(|a, b| {
                    let km =
                        |city: &groundswell::gazetteer::City| km_between(stands, city.position);
                    km(a).total_cmp(&km(b))
                });
                assert_eq!(nearest.unwrap().country, country, "{stands:?} is of {name}");
            }
        }
    }
}
