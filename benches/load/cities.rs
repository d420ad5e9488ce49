//! Where people are: real cities, drawn by their population.

use anyhow::{Context, ensure};
use fastrand::Rng;
use groundswell::domain::grid::Position;
use std::path::PathBuf;

/// What a city's population is spread over. About that of Toronto's built-up area (2,900
/// per km² in 2021).
const PEOPLE_PER_KM2: f64 = 3_000.0;
const KM_PER_DEGREE: f64 = 111.2;

/// Cities, and how often each is drawn.
#[derive(Debug, Clone)]
pub struct Cities {
    cities: Vec<City>,
    /// Of each city: the population of it and of all before it.
    up_to: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct City {
    lat: f64,
    lon: f64,
    population: f64,
}

impl Cities {
    /// The cities of that country, from the shared table.
    ///
    /// # Errors
    /// Where the table is missing or has none.
    pub fn of(country: &str) -> anyhow::Result<Self> {
        Self::of_any(&[country])
    }

    /// The cities of those countries, from the shared table.
    ///
    /// # Errors
    /// Where the table is missing or has none.
    pub fn of_any(countries: &[&str]) -> anyhow::Result<Self> {
        let folder = std::env::var_os("GROUNDSWELL_SHARED")
            .map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
        let path = folder.join("cities.csv");
        let table = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "the load generator needs {}: set GROUNDSWELL_SHARED to the folder that has it",
                path.display()
            )
        })?;
        let cities: Vec<City> =
            table.lines().skip(1).filter_map(|line| city_in(countries, line)).collect();
        ensure!(!cities.is_empty(), "{} has no city in {}", path.display(), countries.join(", "));
        Ok(Self::from(cities))
    }

    /// The `n` most populous of them.
    #[must_use]
    pub fn largest(&self, n: usize) -> Self {
        let mut cities = self.cities.clone();
        cities.sort_by(|a, b| b.population.total_cmp(&a.population));
        cities.truncate(n);
        Self::from(cities)
    }

    /// Where one of their people is: evenly within a disc as large as the city is
    /// populous.
    pub fn somebody(&self, random: &mut Rng) -> Position {
        let radii = random.f64().sqrt();
        self.at_distance(random, radii)
    }

    /// Where one of the people in or around them is: three of ten live outside of the
    /// disc, the fewer the farther, up to twenty times as far.
    pub fn somebody_around(&self, random: &mut Rng) -> Position {
        let radii =
            if random.u8(0..10) < 7 { random.f64().sqrt() } else { 20_f64.powf(random.f64()) };
        self.at_distance(random, radii)
    }

    /// A place in any direction from one of them, so many of its radii from its middle.
    fn at_distance(&self, random: &mut Rng, radii: f64) -> Position {
        let everybody = self.up_to.last().expect("there is a city");
        let drawn = random.f64() * everybody;
        let city = self.cities[self.up_to.partition_point(|up_to| *up_to <= drawn)];
        let radius_km = (city.population / PEOPLE_PER_KM2 / std::f64::consts::PI).sqrt();
        let (distance_km, bearing) = (radius_km * radii, random.f64() * std::f64::consts::TAU);
        let lat = city.lat + distance_km * bearing.cos() / KM_PER_DEGREE;
        let lon =
            city.lon + distance_km * bearing.sin() / (KM_PER_DEGREE * city.lat.to_radians().cos());
        Position::new(lat, lon).expect("no city lies beside a pole or the antimeridian")
    }
}

impl From<Vec<City>> for Cities {
    fn from(cities: Vec<City>) -> Self {
        let up_to = cities.iter().scan(0.0, |sum, city| {
            *sum += city.population;
            Some(*sum)
        });
        let up_to = up_to.collect();
        Self { cities, up_to }
    }
}

/// The city of a line `geonameid,name,country,admin1,lat,lon,population,timezone`, if it
/// is in one of those countries.
fn city_in(countries: &[&str], line: &str) -> Option<City> {
    // From the right, since names may hold commas.
    let mut fields = line.rsplit(',').skip(1);
    let mut number = || fields.next()?.parse::<f64>().ok();
    let (population, lon, lat) = (number()?, number()?, number()?);
    countries.contains(&fields.nth(1)?).then_some(City { lat, lon, population })
}
