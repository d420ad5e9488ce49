//! Reads all that names an incident or a spike, over HTTP, as a page of a stranger would;
//! and finds that every form of it tells the same.

use super::world::World;
use crate::support::{instant, text};
use groundswell::domain::grid::{Cell, Resolution};
use groundswell::domain::time::Minute;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// A caller whom a proxy passes on: nobody's neighbour.
const STRANGER: (&str, &str) = ("X-Forwarded-For", "203.0.113.9");
const DAY_MINUTES: i64 = 24 * 60;

/// What was told of some minutes: in which cells enough people spoke.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The brands of which it is.
    pub brands: Vec<String>,
    pub minutes: Range<Minute>,
    /// Named before, of the same.
    pub before: Vec<Cell>,
    pub cells: Vec<Cell>,
}

/// Who reads.
pub struct Reader<'a> {
    world: &'a World,
}

impl<'a> Reader<'a> {
    pub const fn of(world: &'a World) -> Self {
        Self { world }
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.world.server.send("GET", path, &[STRANGER], b"");
        assert_eq!(answer.status, 200, "{path}: {answer}");
        answer.json()
    }

    fn text(&self, path: &str) -> String {
        let answer = self.world.server.send("GET", path, &[STRANGER], b"");
        assert_eq!(answer.status, 200, "{path}: {answer}");
        answer.text().to_owned()
    }

    fn lines(&self, path: &str) -> Vec<Value> {
        self.text(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All that is told of incidents and spikes.
    pub fn told(&self) -> Vec<Told> {
        self.explanations_say_what_the_map_shows();
        let mut told = self.incidents();
        told.extend(self.spikes());
        told
    }

    /// All that is told of incidents: each revision.
    pub fn incidents(&self) -> Vec<Told> {
        let mut told = Vec::new();
        for incident in self.get("/v1/incidents?limit=50")["items"].as_array().unwrap() {
            let incident = incident.clone();
            let id = incident["id"].as_str().unwrap();
            let detail = self.get(&format!("/v1/incidents/{id}"));
            let mut before = Vec::new();
            for revision in detail["revisions"].as_array().unwrap() {
                let at = revision["known_at"].as_str().unwrap();
                let since = self.get(&format!("/v1/incidents?limit=50&updated_since={at}"));
                let mut since = since["items"].as_array().unwrap().iter();
                assert!(since.any(|item| *item == incident), "{at} {incident}");
                let of = self.get(&format!("/v1/incidents/{id}?known_at={at}"));
                let cells = self.same_in_every_form(&of, at);
                assert_eq!(revision["cells"], cells.len(), "{of}");
                let end = instant(at).minute().plus(1);
                let onset = instant(of["onset"].as_str().unwrap()).minute();
                let brands = of["providers"].as_array().unwrap().iter();
                told.push(Told {
                    brands: brands.map(|brand| brand.as_str().unwrap().to_owned()).collect(),
                    minutes: onset.max(end.plus(-DAY_MINUTES))..end,
                    before: std::mem::replace(&mut before, cells.clone()),
                    cells,
                });
            }
        }
        told
    }

    /// The cells of an incident as it was known at an instant; a list, a map, and what lies
    /// in a box say the same of it.
    fn same_in_every_form(&self, of: &Value, at: &str) -> Vec<Cell> {
        let is_it = |item: &&Value| item["id"] == of["id"];
        let list = self.get(&format!("/v1/incidents?limit=50&known_at={at}"));
        let listed = list["items"].as_array().unwrap().iter().find(is_it).unwrap();
        for field in
            ["cells", "place", "severity", "emergency", "evidence", "attribution", "revision"]
        {
            assert_eq!(listed[field], of[field], "{field}");
        }
        let lines = self.lines(&format!("/v1/incidents.ndjson?limit=50&known_at={at}"));
        assert!(lines.contains(listed));
        let csv = self.text(&format!("/v1/incidents.csv?limit=50&fields=id,cells&known_at={at}"));
        let named: Vec<String> = cells(of).iter().map(ToString::to_string).collect();
        let row = format!("{},{}", of["id"].as_str().unwrap(), named.join(","));
        assert!(csv.replace('"', "").lines().any(|line| line == row), "{row} {csv}");
        let map = self.get(&format!("/v1/incidents.geojson?limit=50&known_at={at}"));
        let features = map["features"].as_array().unwrap().iter();
        let drawn = features.clone().find(|feature| feature["id"] == of["id"]).unwrap();
        assert_eq!(drawn["geometry"].is_null(), of["cells"] == Value::Array(Vec::new()));
        // Boxes around the middles of cells find what is named, and nothing else.
        let cells = cells(of);
        for cell in self.world.children.iter().chain([&self.world.parent]) {
            let (middle, size) = (cell.centre(), 0.001);
            let found = self.get(&format!(
                "/v1/incidents?limit=50&known_at={at}&bbox={},{},{},{}",
                middle.lon() - size,
                middle.lat() - size,
                middle.lon() + size,
                middle.lat() + size
            ));
            let is_found = found["items"].as_array().unwrap().iter().any(|item| is_it(&item));
            let is_named = cells.iter().any(|named| {
                let at = named.centre();
                (at.lat() - middle.lat()).abs() < size && (at.lon() - middle.lon()).abs() < size
            });
            assert!(is_named || !is_found || of["global"] == true, "{cell} finds {cells:?}");
        }
        if self.world.k == 1 {
            return cells;
        }
        // Figures are of 1, 2 or 5 times a power of ten.
        let reports = of["severity"]["reports"].as_u64().unwrap();
        assert!([0, 1, 2, 5, 10, 20, 50].contains(&reports), "{of}");
        for other in of["attribution"].as_array().unwrap() {
            assert!(other["observed"].as_f64().unwrap() >= 5.0, "{other}");
        }
        self.emergency_is_what_the_map_shows(of, &cells);
        cells
    }

    /// Of emergency calls an incident tells no more than its symptoms and the maps of single
    /// minutes do: since when one stands in its cells.
    fn emergency_is_what_the_map_shows(&self, of: &Value, cells: &[Cell]) {
        let told = &of["emergency"];
        let symptoms = of["severity"]["symptoms"].as_array().unwrap().iter();
        let mut of_symptom = symptoms.filter(|one| one["symptom"] == "no_emergency_calls");
        let reports = of_symptom.next().map_or(&Value::Null, |one| &one["count"]);
        assert_eq!(&told["reports"], reports, "{of}");
        let begin = |text: &Value| instant(text.as_str().unwrap()).minute();
        let (onset, known_at) = (begin(&of["onset"]), begin(&of["known_at"]));
        let is_shown = |minute: &i64| {
            of["providers"].as_array().unwrap().iter().any(|brand| {
                let to = text(Minute(*minute).plus(1).start());
                let map = self.get(&format!(
                    "/v1/heatmap?provider={}&window=1m&to={to}&resolution=8\
                     &symptom=no_emergency_calls",
                    brand.as_str().unwrap()
                ));
                let rows = ["cells", "coarser"].map(|part| map[part].as_array().unwrap().clone());
                of["global"] == true && map["total"] != 0
                    || rows.concat().iter().any(|row| {
                        let shown = Cell::parse(row["hex"].as_str().unwrap()).unwrap();
                        cells.iter().any(|cell| cell.contains(shown))
                    })
            })
        };
        let first = if told.is_null() { None } else { (onset.0..=known_at.0).find(is_shown) };
        let since = told["since"].as_str().map(|text| instant(text).minute().0);
        // Revisions of before say what was there before it was taken back.
        let was_voided = since.is_some_and(|since| self.world.voided.contains(&Minute(since)));
        assert!(since == first || was_voided, "{of}: {first:?}");
    }

    fn spikes(&self) -> Vec<Told> {
        let (list, map) =
            (self.get("/v1/spikes?limit=50"), self.get("/v1/spikes.geojson?limit=50"));
        let spikes = list["items"].as_array().unwrap();
        assert_eq!(map["features"].as_array().unwrap().len(), spikes.len());
        assert_eq!(self.lines("/v1/spikes.ndjson?limit=50"), *spikes);
        let csv = self.text("/v1/spikes.csv?limit=50&fields=cells");
        let told = |spike: &Value| {
            let cells: Vec<String> = cells(spike).iter().map(ToString::to_string).collect();
            cells.join(",")
        };
        let told: Vec<String> = spikes.iter().map(told).collect();
        let listed: Vec<String> = csv.replace('"', "").lines().skip(1).map(str::to_owned).collect();
        assert_eq!(listed, told);
        let of = |spike: &Value| {
            let window = &spike["evidence"]["window"];
            let at = |name: &str| instant(window[name].as_str().unwrap()).minute();
            Told {
                brands: vec![spike["provider"].as_str().unwrap().to_owned()],
                minutes: at("from")..at("to"),
                before: Vec::new(),
                cells: cells(spike),
            }
        };
        // All that was listed since it is kept is read again.
        let to = crate::support::text(self.world.server.now().plus_ms(1));
        let before = self.get(&format!("/v1/spikes?limit=1000&to={to}"));
        spikes.iter().chain(before["items"].as_array().unwrap()).map(of).collect()
    }

    /// Nobody ever reported from the village before: no place in it is covered, whoever
    /// speaks now.
    fn coverage_is_of_ordinary_days(&self, told: &Value, cell: Cell) {
        let covered = told["coverage"]["cell"].as_str().map(|hex| Cell::parse(hex).unwrap());
        if let Some(covered) = covered {
            assert!(covered.contains(cell) && !self.world.parent.contains(covered), "{told}");
        }
    }

    /// What is explained of any cell around is what the map shows of the group that it lies
    /// in, the same for all cells of one.
    fn explanations_say_what_the_map_shows(&self) {
        let brands: Vec<&str> = self.world.sent.iter().map(|(_, group)| group.brand).collect();
        let around = (0..7).map(|n| self.world.parent.rolled_up_to(Resolution::ALL[n]));
        let asked: Vec<Cell> = around.chain(self.world.children.iter().copied()).collect();
        let mut counts: BTreeMap<(&str, String), Value> = BTreeMap::new();
        for brand in brands {
            let map = self.get(&format!("/v1/heatmap?provider={brand}&resolution=8"));
            let rows = ["cells", "coarser"].map(|part| map[part].as_array().unwrap().clone());
            let shown: Vec<Value> = rows.concat();
            for cell in &asked {
                let told = self.get(&format!("/v1/cells/{cell}?provider={brand}"));
                self.coverage_is_of_ordinary_days(&told, *cell);
                let Some(group) = told["shown_in"].as_str() else {
                    assert_eq!(told["count"], Value::Null, "{told}");
                    continue;
                };
                assert!(Cell::parse(group).unwrap().contains(*cell), "{told}");
                let same = counts.entry((brand, group.to_owned())).or_insert(told["count"].clone());
                assert_eq!(*same, told["count"], "{told}");
                let here = shown.iter().filter(|row| {
                    Cell::parse(group)
                        .unwrap()
                        .contains(Cell::parse(row["hex"].as_str().unwrap()).unwrap())
                });
                let sum: u64 = here.map(|row| row["count"].as_u64().unwrap()).sum();
                assert!(told["count"].as_u64().unwrap() <= sum, "{told} {map}");
            }
        }
    }
}

fn cells(of: &Value) -> Vec<Cell> {
    let cells = of["cells"].as_array().unwrap().iter();
    cells.map(|cell| Cell::parse(cell.as_str().unwrap()).unwrap()).collect()
}
