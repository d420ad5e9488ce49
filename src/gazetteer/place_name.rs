//! What to call the place of some cells: by its largest cities, or by the nearest one,
//! and by the areas it lies in.

use super::{AreaCode, City, Nearest, areas_at, cities, city, nearest};
use crate::domain::grid::{Cell, Position, Resolution};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Cities that are named.
pub const MOST_CITIES: usize = 3;
/// Subdivisions that are named, and countries.
pub const MOST_AREAS: usize = 20;

// Reports of a city come from around its middle, which need not lie in a cell of its own.
const CITY_REACH_M: f64 = 10_000.0;
// Farther than that a city is no neighbour.
const NEAR_M: f64 = 100_000.0;
// A text names so many areas, subdivisions if they are as few; and none that is so small
// beside the largest.
const MOST_AREAS_IN_TEXT: usize = 3;
const LEAST_OF_LARGEST: f64 = 0.1;
// Cells coarser than this (5: 250 km²) may lie in several areas, and are looked up at
// more places than their centre.
const ONE_AREA: Resolution = Resolution::ALL[5];
// Places that are looked up for the sake of coarse cells.
const MOST_SAMPLES: u64 = 20_000;

/// What to call a place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlaceName {
    /// The most populous cities in it, at most [`MOST_CITIES`].
    pub cities: Vec<&'static City>,
    /// How many more there are.
    pub more_cities: usize,
    /// Where no city is in it: the one nearest to its middle.
    pub nearest: Option<Nearest>,
    /// Subdivisions that it reaches into, at most [`MOST_AREAS`], those of most cells
    /// first.
    pub subdivisions: Vec<AreaCode>,
    /// Countries likewise.
    pub countries: Vec<AreaCode>,
    /// All of it in words.
    pub text: String,
}

/// What to call the place of these cells. No cells mean everywhere, as with the zones of
/// the detector.
#[must_use]
pub fn name_of(cells: &[Cell]) -> PlaceName {
    if cells.is_empty() {
        return PlaceName { text: "everywhere".to_owned(), ..PlaceName::default() };
    }
    let within = cities_within(cells);
    let shares = Shares::of(cells);
    let mut name = PlaceName {
        cities: within.iter().take(MOST_CITIES).map(|n| &cities()[*n]).collect(),
        more_cities: within.len().saturating_sub(MOST_CITIES),
        nearest: if within.is_empty() { Some(nearest(middle(cells))) } else { None },
        subdivisions: shares.subdivisions(),
        countries: shares.countries(),
        text: String::new(),
    };
    name.text = text(&name, &shares.in_text());
    name
}

/// The numbers of the cities in one of the cells or close to its centre. The most
/// populous have the lowest.
fn cities_within(cells: &[Cell]) -> BTreeSet<usize> {
    let by_cell = city::by_cell();
    let inside = cells.iter().flat_map(|cell| {
        // Descendants are the cells before their ancestor that it contains: one range.
        let end = by_cell.partition_point(|(finest, _)| finest <= cell);
        by_cell[..end]
            .iter()
            .rev()
            .take_while(|(finest, _)| cell.contains(*finest))
            .map(|(_, n)| *n)
    });
    let around = cells.iter().flat_map(|cell| city::within(cell.centre(), CITY_REACH_M));
    inside.chain(around).collect()
}

/// Which share of the cells lies where, as far as they lie in areas.
struct Shares {
    /// By the whole list of the areas of a position, smallest first.
    of: BTreeMap<Vec<AreaCode>, f64>,
}

impl Shares {
    fn of(cells: &[Cell]) -> Self {
        let samples_of = |cell: &Cell| {
            if cell.resolution() < ONE_AREA { finer(*cell) } else { cell.resolution() }
        };
        let samples: u64 = cells.iter().map(|cell| cell.descendant_count(samples_of(cell))).sum();
        let enough = samples <= MOST_SAMPLES.max(cells.len() as u64);
        let mut of: BTreeMap<Vec<AreaCode>, f64> = BTreeMap::new();
        for cell in cells {
            let resolution = if enough { samples_of(cell) } else { cell.resolution() };
            let share = 1.0 / (cells.len() as f64 * cell.descendant_count(resolution) as f64);
            for sample in cell.descendants(resolution) {
                *of.entry(areas_at(sample.centre())).or_default() += share;
            }
        }
        // What is said is said of those that lie somewhere: of a coast, half the cells
        // may be in no area.
        of.remove(&vec![]);
        let somewhere: f64 = of.values().sum();
        for share in of.values_mut() {
            *share /= somewhere;
        }
        Self { of }
    }

    fn subdivisions(&self) -> Vec<AreaCode> {
        let codes = self.summed(|areas| areas.iter().find(|area| area.is_subdivision()));
        codes.into_iter().map(|(code, _)| code).take(MOST_AREAS).collect()
    }

    fn countries(&self) -> Vec<AreaCode> {
        let codes = self.summed(|areas| areas.iter().find(|area| !area.is_subdivision()));
        codes.into_iter().map(|(code, _)| code).take(MOST_AREAS).collect()
    }

    /// The smallest areas if they are few, else countries.
    fn in_text(&self) -> Vec<AreaCode> {
        let smallest = self.told(<[AreaCode]>::first);
        if smallest.len() <= MOST_AREAS_IN_TEXT {
            smallest
        } else {
            self.told(|areas| areas.iter().find(|area| !area.is_subdivision()))
        }
    }

    fn told(&self, area: impl Fn(&[AreaCode]) -> Option<&AreaCode>) -> Vec<AreaCode> {
        let summed = self.summed(area);
        let largest = summed.first().map_or(0.0, |(_, share)| *share);
        summed
            .into_iter()
            .filter(|(_, share)| *share >= LEAST_OF_LARGEST * largest)
            .map(|(code, _)| code)
            .collect()
    }

    /// The areas picked from each position's, those of the largest shares first.
    fn summed(&self, area: impl Fn(&[AreaCode]) -> Option<&AreaCode>) -> Vec<(AreaCode, f64)> {
        let mut sums: BTreeMap<AreaCode, f64> = BTreeMap::new();
        for (areas, share) in &self.of {
            if let Some(code) = area(areas) {
                *sums.entry(*code).or_default() += share;
            }
        }
        let mut sums: Vec<(AreaCode, f64)> = sums.into_iter().collect();
        sums.sort_by(|a, b| b.1.total_cmp(&a.1));
        sums
    }
}

/// Two resolutions finer: 49 places in a cell.
fn finer(cell: Cell) -> Resolution {
    Resolution::ALL[usize::from(cell.resolution().number()) + 2]
}

/// The middle of the cells' centres on the sphere.
fn middle(cells: &[Cell]) -> Position {
    let sum = cells
        .iter()
        .map(|cell| city::direction(cell.centre()))
        .fold([0.0; 3], |sum, d| [sum[0] + d[0], sum[1] + d[1], sum[2] + d[2]]);
    let (lat, lon) = (sum[2].atan2(sum[0].hypot(sum[1])), sum[1].atan2(sum[0]));
    Position::new(lat.to_degrees(), lon.to_degrees()).expect("an arc tangent of a sum is an angle")
}

fn text(name: &PlaceName, areas: &[AreaCode]) -> String {
    let codes: Vec<&str> =
        areas.iter().take(MOST_AREAS_IN_TEXT).map(|area| area.as_str()).collect();
    let mut codes = codes.join(", ");
    if areas.len() > MOST_AREAS_IN_TEXT {
        let _ = write!(codes, " and {} more", areas.len() - MOST_AREAS_IN_TEXT);
    }
    let names: Vec<&str> = name.cities.iter().map(|city| city.name).collect();
    let mut text = names.join(", ");
    if name.more_cities > 0 {
        let _ = write!(text, " and {} more", name.more_cities);
    }
    match name.nearest {
        None if codes.is_empty() => text,
        None => format!("{text} ({codes})"),
        Some(Nearest { city, distance_m }) => {
            let km = (distance_m / 1000.0).round();
            let mut text = if distance_m < NEAR_M {
                format!("near {} ({km} km)", city.name)
            } else {
                format!("{km} km from {}", city.name)
            };
            if !codes.is_empty() {
                let _ = write!(text, ", {codes}");
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(lat: f64, lon: f64, r: usize, steps: u8) -> Vec<Cell> {
        let centre = Cell::at(Position::new(lat, lon).unwrap(), Resolution::ALL[r]);
        centre.disk(steps).into_iter().map(|(cell, _)| cell).collect()
    }

    fn codes(areas: &[AreaCode]) -> Vec<&'static str> {
        areas.iter().map(|area| area.as_str()).collect()
    }

    #[test]
    fn a_place_is_called_by_its_cities_and_areas() {
        let rows = [
            ("a district", disk(43.65, -79.38, 8, 2), "Toronto, Birchcliffe-Cliffside (CA-ON)"),
            (
                "a city and what surrounds it",
                disk(43.65, -79.38, 7, 8),
                "Toronto, Mississauga, Etobicoke and 20 more (CA-ON)",
            ),
            (
                "a city, coarsely",
                disk(51.05, -114.08, 4, 0),
                "Calgary, Cranston, Evergreen and 2 more (CA-AB)",
            ),
            ("a village", disk(44.35, -79.95, 7, 1), "near Wasaga Beach (19 km), CA-ON"),
            ("a village, far north", disk(70.47, -70.59, 6, 1), "2077 km from Yellowknife, CA-NU"),
            (
                "a valley on a border",
                disk(45.41, -75.7, 6, 3),
                "Ottawa, Gatineau, Nepean and 8 more (CA-ON, CA-QC)",
            ),
            (
                "a province",
                disk(50.0, -86.0, 3, 4),
                "Thunder Bay, Sault Ste. Marie, Timmins and 1 more (CA-ON, US-MI)",
            ),
            (
                "a country",
                disk(55.0, -100.0, 2, 6),
                "Chicago, Calgary, Edmonton and 713 more (CA, US)",
            ),
            ("islands on the antimeridian", disk(-17.0, 180.0, 5, 3), "2162 km from Whangarei, FJ"),
            ("high sea", disk(-40.0, -130.0, 5, 1), "4406 km from Gisborne"),
            ("the north pole", disk(90.0, 0.0, 4, 1), "2798 km from Fairbanks"),
            (
                "the earth",
                Cell::of_the_earth().collect(),
                "Shanghai, Beijing, Shenzhen and 6206 more (RU, US, AU and 19 more)",
            ),
            ("no cells", vec![], "everywhere"),
        ];
        for (what, cells, expected) in rows {
            assert_eq!(name_of(&cells).text, expected, "{what}");
        }
    }

    #[test]
    fn areas_stand_in_the_order_of_their_cells_and_end_somewhere() {
        let name = name_of(&disk(45.41, -75.7, 6, 3));
        assert_eq!(
            (codes(&name.subdivisions), codes(&name.countries)),
            (vec!["CA-ON", "CA-QC"], vec!["CA"])
        );
        let earth = name_of(&Cell::of_the_earth().collect::<Vec<_>>());
        assert_eq!(
            (earth.cities.len(), earth.subdivisions.len(), earth.countries.len()),
            (MOST_CITIES, MOST_AREAS, MOST_AREAS)
        );
    }

    #[test]
    fn one_coarse_cell_lies_in_all_the_areas_that_it_covers() {
        let detroit = Cell::at(Position::new(42.33, -83.05).unwrap(), Resolution::ALL[3]);
        assert_eq!(codes(&name_of(&[detroit]).countries), ["US", "CA"]);
    }

    #[test]
    fn the_names_of_many_cells_do_not_depend_on_their_order() {
        let cells = disk(44.0, -79.4, 7, 57);
        assert!(cells.len() > 9_900);
        let name = name_of(&cells);
        assert_eq!(name, name_of(&cells.into_iter().rev().collect::<Vec<_>>()));
        assert!(name.nearest.is_none() && name.cities[0].name == "Toronto");
    }
}
