//! Countries and their subdivisions: which one a position lies in. Borders follow the
//! coast loosely: the sea before it belongs to a country in most places, in others (the
//! Arctic) a village on the shore to none.
//!
//! Some countries have all of their first subdivisions (US, CA, AU, GB, IN, CN, ES, BE),
//! some only the autonomous ones, most have none.

use super::area_name::area_name;
use super::subdivision::is_subdivision_code;
use crate::domain::bbox;
use crate::domain::grid::{Cell, Position, Resolution};
use crate::domain::region::{Area, Lies, Region};
use country_boundaries::{BOUNDARIES_ODBL_360X180, BoundingBox, CountryBoundaries, LatLon};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The code of a country (ISO 3166-1, two letters: `CA`) or of a subdivision (ISO 3166-2:
/// `CA-ON`) whose borders are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AreaCode(&'static str);

/// Why a text is no [`AreaCode`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AreaCodeError {
    /// It is the code of a subdivision of this country, and the borders of the country
    /// alone are known.
    #[error("no borders of subdivisions of {0} are known here: ask for {0}")]
    NoBordersInside(&'static str),
    /// It is the code of a subdivision of this country, and only the borders of these
    /// others are known.
    #[error(
        "the borders of this subdivision are not known here: ask for {country}, or for one of {}",
        known.join(", "),
    )]
    NoBordersOfThis {
        /// The country.
        country: &'static str,
        /// Its subdivisions whose borders are known.
        known: Vec<&'static str>,
    },
    /// It is the code of a country whose borders are not known.
    #[error("the borders of this country are not known here")]
    NoBordersOfCountry,
    /// No area has that code.
    #[error("a country or subdivision such as CA or CA-ON (ISO 3166, capital letters)")]
    Unknown,
}

/// Countries of ISO 3166-1 without borders here. Antarctica has none.
const WITHOUT_BORDERS: [&str; 1] = ["AQ"];

impl AreaCode {
    /// The area of that code, if its borders are known. Letters are large.
    ///
    /// # Errors
    /// Where no area has that code, or its borders are not known.
    pub fn parse(text: &str) -> Result<Self, AreaCodeError> {
        Self::known(text).ok_or_else(|| Self::why_not(text))
    }

    fn known(text: &str) -> Option<Self> {
        codes().binary_search(&text).ok().map(|n| Self(codes()[n]))
    }

    fn why_not(text: &str) -> AreaCodeError {
        if WITHOUT_BORDERS.contains(&text) {
            return AreaCodeError::NoBordersOfCountry;
        }
        let country = text
            .split_once('-')
            .and_then(|(country, _)| Self::known(country))
            .filter(|_| is_subdivision_code(text));
        let Some(Self(country)) = country else { return AreaCodeError::Unknown };
        let is_inside =
            |code: &&str| code.split_once('-').is_some_and(|(outer, _)| outer == country);
        let known: Vec<&'static str> = codes().iter().copied().filter(is_inside).collect();
        if known.is_empty() {
            AreaCodeError::NoBordersInside(country)
        } else {
            AreaCodeError::NoBordersOfThis { country, known }
        }
    }

    /// As text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// All that are known, in order.
    #[must_use]
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        codes().iter().map(|code| Self(code))
    }

    /// What it is called: a country in English, a subdivision as ISO 3166-2 writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        area_name(self.0).unwrap_or(self.0)
    }

    /// The country whose code a subdivision's begins with; none of a country.
    #[must_use]
    pub fn country(self) -> Option<Self> {
        self.0.split_once('-').and_then(|(country, _)| Self::known(country))
    }

    /// Whether it is a part of a country.
    #[must_use]
    pub fn is_subdivision(self) -> bool {
        self.0.contains('-')
    }
}

impl From<AreaCode> for Region {
    fn from(code: AreaCode) -> Self {
        let contains = |code: &str, position| borders().is_in(lat_lon(position), code);
        Self::Area(Area { code: code.0, contains, lies })
    }
}

impl std::fmt::Display for AreaCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// The areas that the position lies in, the smallest first; none at high sea.
#[must_use]
pub fn areas_at(position: Position) -> Vec<AreaCode> {
    borders().ids(lat_lon(position)).into_iter().map(AreaCode).collect()
}

/// Whether the position lies in the area.
#[must_use]
pub fn is_in(position: Position, area: AreaCode) -> bool {
    borders().is_in(lat_lon(position), area.0)
}

/// The areas that a box meets, and those that hold all of it.
#[derive(Debug)]
struct Met {
    some: HashSet<&'static str>,
    all: HashSet<&'static str>,
}

/// How a cell and all cells within lie to an area.
fn lies(code: &str, cell: Cell, around: &bbox::BoundingBox) -> Lies {
    /// Cells up to this resolution meet hundreds of squares of the crate's raster. There
    /// are 6,846 of them, which are remembered.
    const REMEMBERED: Resolution = Resolution::ALL[2];
    static KNOWN: OnceLock<Mutex<HashMap<Cell, Arc<Met>>>> = OnceLock::new();
    if REMEMBERED < cell.resolution() {
        return Met::by(around).lies(code);
    }
    let known = KNOWN.get_or_init(Mutex::default);
    let before = known.lock().unwrap_or_else(PoisonError::into_inner).get(&cell).map(Arc::clone);
    if let Some(met) = before {
        return met.lies(code);
    }
    let met = Arc::new(Met::by(around));
    known.lock().unwrap_or_else(PoisonError::into_inner).insert(cell, Arc::clone(&met));
    met.lies(code)
}

impl Met {
    fn by(around: &bbox::BoundingBox) -> Self {
        let [west, south, east, north] = around.sides();
        // Not up to 180, which is read as -180.
        let (west, east) = (west.min(LAST_LONGITUDE), east.min(LAST_LONGITUDE));
        let bounds = BoundingBox::new(south, west, north, east).expect("a box lies on the earth");
        Self { some: borders().intersecting_ids(bounds), all: borders().containing_ids(bounds) }
    }

    fn lies(&self, code: &str) -> Lies {
        if self.all.contains(code) {
            Lies::Inside
        } else if self.some.contains(code) {
            Lies::Maybe
        } else {
            Lies::Outside
        }
    }
}

/// Within the last column of the crate's raster.
const LAST_LONGITUDE: f64 = 179.999;

fn borders() -> &'static CountryBoundaries {
    static BORDERS: OnceLock<CountryBoundaries> = OnceLock::new();
    BORDERS.get_or_init(|| {
        CountryBoundaries::from_reader(BOUNDARIES_ODBL_360X180)
            .expect("the crate reads its own data")
    })
}

/// All there are, in order.
fn codes() -> &'static [&'static str] {
    static CODES: OnceLock<Vec<&'static str>> = OnceLock::new();
    CODES.get_or_init(|| {
        // Not up to 180, which is read as -180: the box would be one column wide.
        let earth =
            BoundingBox::new(-90.0, -180.0, 90.0, LAST_LONGITUDE).expect("these are degrees");
        let mut codes: Vec<&str> = borders().intersecting_ids(earth).into_iter().collect();
        codes.sort_unstable();
        codes
    })
}

fn lat_lon(position: Position) -> LatLon {
    LatLon::new(position.lat(), position.lon()).expect("a position lies on the earth")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cover::{Cover, cells_in};

    fn at(lat: f64, lon: f64) -> Vec<&'static str> {
        areas_at(Position::new(lat, lon).unwrap()).into_iter().map(AreaCode::as_str).collect()
    }

    #[test]
    fn a_position_lies_in_its_subdivision_and_its_country() {
        let rows: [(&str, f64, f64, &[&str]); 13] = [
            ("Toronto", 43.65, -79.38, &["CA-ON", "CA"]),
            ("Montreal", 45.5, -73.57, &["CA-QC", "CA"]),
            ("New York", 40.71, -74.0, &["US-NY", "US"]),
            ("Iqaluit", 63.75, -68.52, &["CA-NU", "CA"]),
            ("London", 51.5, -0.12, &["GB-ENG", "GB"]),
            ("Sydney", -33.87, 151.2, &["AU-NSW", "AU"]),
            ("Mumbai", 19.07, 72.87, &["IN-MH", "IN"]),
            ("San Juan", 18.46, -66.1, &["PR", "US"]),
            ("Berlin", 52.52, 13.4, &["DE"]),
            ("Taveuni, west of the antimeridian", -16.85, 179.97, &["FJ"]),
            ("Taveuni, east of it", -16.83, -179.98, &["FJ"]),
            ("the south of the Pacific", -40.0, -130.0, &[]),
            ("the north pole", 90.0, 180.0, &[]),
        ];
        for (name, lat, lon, expected) in rows {
            assert_eq!(at(lat, lon), expected, "{name}");
        }
    }

    #[test]
    fn only_areas_that_are_known_have_a_code() {
        for text in ["CA", "CA-ON", "US-NY", "GB-ENG", "DE", "FJ", "NZ", "RU"] {
            assert_eq!(AreaCode::parse(text).map(AreaCode::as_str), Ok(text));
        }
        for text in [
            "", "CA-XX", "ca", "CA-", "-ON", "XX", "Ontario", " CA", "DE-XX", "DE-be", "DE_BE",
            "XX-BE", "CA-ON\0", "FR-75",
        ] {
            assert_eq!(AreaCode::parse(text), Err(AreaCodeError::Unknown), "{text:?}");
        }
    }

    #[test]
    fn a_code_without_known_borders_is_told_from_a_wrong_one() {
        let codes = ["DE-BY", "DE-BE", "JP-13", "BR-SP", "MX-CMX", "SE-AB", "PL-14", "NG-LA"];
        for code in codes {
            let (country, _) = code.split_once('-').unwrap();
            assert_eq!(
                AreaCode::parse(code),
                Err(AreaCodeError::NoBordersInside(AreaCode::parse(country).unwrap().as_str())),
                "{code}"
            );
        }
        let partly = AreaCode::parse("GB-EDH").unwrap_err();
        assert!(
            matches!(
                &partly,
                AreaCodeError::NoBordersOfThis { country: "GB", known } if known.contains(&"GB-SCT")
            ),
            "{partly:?}"
        );
        assert_eq!(AreaCode::parse("AQ"), Err(AreaCodeError::NoBordersOfCountry));
    }

    #[test]
    fn every_subdivision_of_every_country_is_an_area_or_known_to_have_no_borders() {
        let all: Vec<String> = super::super::subdivision::all().collect();
        assert!(all.len() > 5_000, "{}", all.len());
        let wrong: Vec<&String> = all
            .iter()
            .filter(|code| AreaCode::parse(code) == Err(AreaCodeError::Unknown))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn every_subdivision_is_one_of_a_known_country() {
        let subdivisions: Vec<AreaCode> = codes()
            .iter()
            .map(|code| AreaCode(code))
            .filter(|code| code.is_subdivision())
            .collect();
        assert!(subdivisions.len() > 200);
        for code in subdivisions {
            let (country, _) = code.as_str().split_once('-').expect("a subdivision has a hyphen");
            assert!(
                AreaCode::parse(country).is_ok_and(|country| !country.is_subdivision()),
                "{code}"
            );
        }
    }

    #[test]
    fn a_position_is_in_the_areas_it_lies_in_and_in_no_other() {
        let toronto = Position::new(43.65, -79.38).unwrap();
        for (code, inside) in [("CA-ON", true), ("CA", true), ("CA-QC", false), ("US", false)] {
            assert_eq!(is_in(toronto, AreaCode::parse(code).unwrap()), inside, "{code}");
        }
    }

    /// Cells of all resolutions on a grid of positions about so many degrees apart.
    fn cells_of_the_earth(apart: f64) -> Vec<Cell> {
        let steps = |from: f64, to: f64| {
            (0..((to - from) / apart) as usize).map(move |n| from + n as f64 * apart)
        };
        let mut cells: Vec<Cell> = steps(-89.9, 90.0)
            .flat_map(|lat| steps(-179.95, 180.0).map(move |lon| Position::new(lat, lon).unwrap()))
            .zip(Resolution::ALL.into_iter().cycle())
            .map(|(position, resolution)| Cell::at(position, resolution))
            .collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    #[test]
    fn a_cover_of_an_area_finds_what_asking_each_cell_finds() {
        let cells = cells_of_the_earth(1.3);
        for code in ["CA", "CA-ON", "US-HI", "FJ", "RU", "VA", "NO", "NZ", "CL"] {
            let region = Region::from(AreaCode::parse(code).unwrap());
            for resolution in [Resolution::ALL[3], Resolution::DEFAULT, Resolution::FINEST] {
                let cover = Cover::of(&region, resolution);
                let lies = |cell: &&Cell| region.contains(cell.rolled_up_to(resolution));
                let found: Vec<Cell> = cover
                    .ranges(&cells)
                    .flat_map(|(range, is_whole)| {
                        cells[range].iter().filter(move |cell| is_whole || lies(cell))
                    })
                    .copied()
                    .collect();
                let asked: Vec<Cell> = cells.iter().filter(lies).copied().collect();
                assert_eq!(found, asked, "{code} {resolution:?}");
            }
        }
    }

    #[test]
    fn a_subdivision_lies_in_its_country() {
        for cell in cells_of_the_earth(0.9) {
            let areas = areas_at(cell.centre());
            for area in &areas {
                // Borders are drawn by who is in control: of one, that is another country.
                let is_elsewhere = area.as_str() == "UA-43";
                let is_in = area.country().is_none_or(|country| areas.contains(&country));
                assert!(is_in != is_elsewhere, "{areas:?}");
            }
        }
    }

    #[test]
    fn the_cells_of_an_area_are_those_whose_centre_lies_in_it() {
        for (code, most) in [("MT", 1_000), ("FJ", 2_000), ("CA-PE", 500), ("VA", 10)] {
            let region = Region::from(AreaCode::parse(code).unwrap());
            let (resolution, found) = cells_in(&region, Resolution::FINEST, most);
            assert!(found.len() <= most && found.iter().all(|cell| region.contains(*cell)));
            let around = |cell: &Cell| cell.disk(1).into_iter().map(|(cell, _)| cell);
            let beside: HashSet<Cell> = found.iter().flat_map(around).collect();
            let inside = beside.iter().filter(|cell| region.contains(**cell)).count();
            assert_eq!(inside, found.len(), "{code}: none beside them is missing");
            let finer = cells_in(&region, Resolution::FINEST, usize::MAX >> 1);
            assert!(resolution <= finer.0, "{code}");
        }
    }

    #[test]
    fn every_city_lies_in_an_area() {
        let lost: Vec<&str> = super::super::cities()
            .iter()
            .filter(|city| areas_at(city.position).is_empty())
            .map(|city| city.name)
            .collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
