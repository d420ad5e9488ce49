//! Countries and their subdivisions: ranked, as regions of maps and series, and drawn.

use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, but, ndjson, report};
use geo::Validation;
use groundswell::domain::population::{Populated, Population};
use groundswell::http::policy::Policy;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MONTREAL: (f64, f64) = (45.5, -73.57);
const NEW_YORK: (f64, f64) = (40.71, -74.0);
const BERLIN: (f64, f64) = (52.52, 13.4);
const AT_SEA: (f64, f64) = (45.0, -40.0);
const SAN_JUAN: (f64, f64) = (18.46, -66.1);

/// Many people in each of some places, and some who do not know where they are.
fn of_many_places(server: &TestServer) {
    let places = [
        (TORONTO, 8),
        (VANCOUVER, 6),
        (MONTREAL, 7),
        (NEW_YORK, 9),
        (BERLIN, 5),
        (AT_SEA, 6),
        (SAN_JUAN, 7),
    ];
    let mut reports: Vec<Value> = Vec::new();
    for (n, ((lat, lon), people)) in places.into_iter().enumerate() {
        // Some know only roughly where they are.
        reports.extend((0..people).map(|person| {
            let accuracy_m = [35, 35, 2_000, 20_000][person % 4];
            let fields = json!({"lat": lat, "lon": lon, "accuracy_m": accuracy_m});
            but(report(&format!("person {n} {person}")), fields)
        }));
    }
    reports.extend((0..4).map(|person| {
        but(report(&format!("lost {person}")), json!({"lat": 0.0, "lon": 0.0, "accuracy_m": 35}))
    }));
    assert_eq!(server.batch(&ndjson(&reports)).status, 200);
    server.next_tick();
}

fn reports(ranking: &Value) -> BTreeMap<String, u64> {
    let items = ranking["items"].as_array().unwrap().iter();
    items
        .map(|item| (item["area"].as_str().unwrap().to_owned(), item["reports"].as_u64().unwrap()))
        .collect()
}

fn sum(figures: &BTreeMap<String, u64>) -> u64 {
    figures.values().sum()
}

#[test]
fn areas_sum_up_to_their_parts_and_to_the_map() {
    let server = TestServer::start();
    of_many_places(&server);
    for asked in ["provider=alpha", "network=north", "window=1h"] {
        let read = |query: &str| server.read(&format!("/v1/areas?{asked}{query}"));
        let all = server.read(&format!(
            "/v1/heatmap?{}&resolution=8",
            if asked == "window=1h" { "provider=alpha&window=1h" } else { asked }
        ));
        let countries = read("");
        let of = reports(&countries);
        let number = |value: &Value| value.as_u64().unwrap();
        let twice = of.get("PR").copied().unwrap_or_default();
        assert!(twice > 0, "{countries}");
        assert_eq!(
            sum(&of) - twice + number(&countries["outside"]) + number(&countries["unplaced"]),
            number(&all["total"]),
            "{asked}: {countries}"
        );
        assert!(number(&countries["outside"]) > 0 && number(&countries["unplaced"]) >= 4);
        let mut within_countries = 0;
        for country in ["CA", "US"] {
            let inner = read(&format!("&within={country}"));
            let parts = reports(&inner);
            assert!(parts.keys().all(|code| code.starts_with(&format!("{country}-"))));
            assert_eq!(sum(&parts) + number(&inner["outside"]), of[country], "{inner}");
            assert_eq!(number(&inner["unplaced"]), 0);
            within_countries += sum(&parts);
        }
        let subdivisions = read("&kind=subdivision");
        assert_eq!(sum(&reports(&subdivisions)), within_countries);
        let outside = number(&subdivisions["outside"]) + number(&subdivisions["unplaced"]);
        assert_eq!(within_countries + outside, number(&all["total"]));
    }
}

#[test]
fn an_area_is_a_region_of_maps_and_series_in_every_format() {
    let server = TestServer::start();
    of_many_places(&server);
    let of = reports(&server.read("/v1/areas?provider=alpha&kind=subdivision"));
    assert_eq!(of.len(), 4, "{of:?}");
    for (code, expected) in &of {
        let asked = format!("provider=alpha&area={code}");
        let map = server.read(&format!("/v1/heatmap?{asked}&resolution=8"));
        assert_eq!((&map["total"], &map["unplaced"]), (&json!(expected), &json!(0)), "{code}");
        for format in [".columns.json", ".geojson", ".h3j", ".csv", ".ndjson"] {
            let answer = server.get(&format!("/v1/heatmap{format}?{asked}&resolution=8"));
            assert_eq!(answer.status, 200, "{format}: {answer}");
        }
        for step in ["1m", "5m", "1h"] {
            let series = server.read(&format!("/v1/series?{asked}&step={step}"));
            let points = series["points"].as_array().unwrap();
            let total: u64 = points.iter().map(|point| point["count"].as_u64().unwrap()).sum();
            assert_eq!(total, *expected, "{code} {step}");
        }
        // With a box, what lies in both.
        let both = server.read(&format!("/v1/heatmap?{asked}&bbox=-80,43,-79,44&resolution=8"));
        let is_there = code == "CA-ON";
        assert_eq!(both["total"].as_u64().unwrap() > 0, is_there, "{code}");
    }
}

#[test]
fn an_outage_puts_its_area_first_with_the_level_of_an_incident() {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    for minute in 0..5 {
        assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 20, minute))).status, 200);
        server.watch_minutes(1);
    }
    server.next_tick();
    let ranking = server.read("/v1/areas?provider=charlie&within=CA");
    let first = &ranking["items"][0];
    assert_eq!((&first["area"], &first["name"]), (&json!("CA-ON"), &json!("Ontario")));
    assert_eq!(first["kind"], json!("subdivision"));
    assert!(first["score"].as_f64().unwrap() > 4.0, "{first}");
    assert!(first["level"].as_u64().unwrap() >= 3, "{first}");
    let series = server.read("/v1/series?provider=charlie&area=CA-ON&step=15m");
    assert!(first["expected"].is_number() && series["points"][0]["expected"].is_number());
    let quiet = server.read("/v1/areas?provider=alpha&within=CA");
    for item in quiet["items"].as_array().unwrap() {
        assert!(item["level"].as_u64().is_none_or(|level| level < 3), "{item}");
    }
    let one = server.read("/v1/areas?provider=charlie&symptom=no_data");
    assert!(one["items"].as_array().unwrap().iter().all(|item| item["expected"].is_null()));
    let incidents = server.read("/v1/incidents?area=CA-ON");
    assert_eq!(incidents["items"].as_array().unwrap().len(), 1);
}

#[test]
fn reports_per_head_are_told_where_the_operator_says_how_many_live_there() {
    let mut population = Population::default();
    for (code, inhabitants) in [("CA-ON", 16_000), ("CA-QC", 0), ("US", 100)] {
        population.add(Populated::Area(code.to_owned()), inhabitants).unwrap();
    }
    let server =
        TestServer::start_by(Policy { population: population.into(), ..Policy::default() });
    of_many_places(&server);
    let ranking = server.read("/v1/areas?provider=alpha&within=CA&sort=reports_per_100k");
    let items = ranking["items"].as_array().unwrap();
    let per_head = |item: &Value| (item["population"].clone(), item["reports_per_100k"].clone());
    let first = &items[0];
    assert_eq!(first["area"], json!("CA-ON"));
    let reports = first["reports"].as_u64().unwrap() as f64;
    assert_eq!(per_head(first), (json!(16_000), json!(reports * 100_000.0 / 16_000.0)));
    let of = |code: &str| items.iter().find(|item| item["area"] == json!(code)).unwrap();
    assert_eq!(per_head(of("CA-QC")), (json!(0), Value::Null), "nobody lives there");
    assert_eq!(per_head(of("CA-BC")), (Value::Null, Value::Null), "nobody said");
    let of_reports = server.read("/v1/areas?provider=alpha&sort=reports&limit=2");
    let figures: Vec<u64> = of_reports["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["reports"].as_u64().unwrap())
        .collect();
    assert!(figures.len() == 2 && figures[0] >= figures[1], "{of_reports}");
    assert_eq!(of_reports["more"], json!(2), "{of_reports}");
}

#[test]
fn the_borders_of_an_area_are_the_outline_of_its_cells() {
    let server = TestServer::start();
    for (code, parts) in [("CA-PE", 1), ("FJ", 2), ("VA", 0), ("CA", 1)] {
        let answer = server.get(&format!("/v1/areas/{code}.geojson"));
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(answer.header("content-type"), Some("application/geo+json"));
        let borders = answer.json();
        let properties = &borders["properties"];
        assert!(properties["note"].as_str().unwrap().contains("outline of the H3 cells"));
        assert!(properties["cells"].as_u64().unwrap() <= 20_000, "{code}: {properties}");
        let geometry = borders["geometry"]["coordinates"].as_array().unwrap();
        assert!(geometry.len() >= parts, "{code}: {} parts", geometry.len());
        let ring = |ring: &Value| -> geo::LineString {
            let corners = ring.as_array().unwrap().iter();
            corners
                .map(|corner| (corner[0].as_f64().unwrap(), corner[1].as_f64().unwrap()))
                .collect()
        };
        let polygons: Vec<geo::Polygon> = geometry
            .iter()
            .map(|part| {
                let mut rings = part.as_array().unwrap().iter().map(ring);
                geo::Polygon::new(rings.next().unwrap(), rings.collect())
            })
            .collect();
        assert!(geo::MultiPolygon::new(polygons).is_valid(), "{code}");
    }
    let coarse = server.read("/v1/areas/CA.geojson?resolution=3");
    assert_eq!(coarse["properties"]["resolution"], json!(3));
}

#[test]
fn what_is_no_area_is_told_from_one_without_borders() {
    let server = TestServer::start();
    let rows = [
        ("/v1/areas/XX.geojson", 404, "not_found", "id", "capital letters"),
        ("/v1/areas/DE-BY.geojson", 404, "not_found", "id", "ask for DE"),
        ("/v1/areas/CA.geojson?resolution=9", 400, "invalid_value", "resolution", "0..=8"),
        ("/v1/areas/CA.geojson?resolution=8", 400, "too_many_cells", "resolution", "at most"),
        ("/v1/areas/CA.geojson?zoom=1", 400, "unknown_parameter", "zoom", "resolution"),
        ("/v1/areas?provider=nobody", 400, "unknown_provider", "provider", "listed"),
        ("/v1/areas?kind=town", 400, "invalid_value", "kind", "subdivision"),
        ("/v1/areas?sort=name", 400, "invalid_value", "sort", "reports"),
        ("/v1/areas?limit=0", 400, "invalid_value", "limit", "1..=1000"),
        ("/v1/areas?limit=1001", 400, "invalid_value", "limit", "1..=1000"),
        ("/v1/areas?within=XX", 400, "invalid_value", "within", "capital letters"),
        ("/v1/areas?within=CA-ON", 400, "invalid_value", "within", "a country"),
        ("/v1/areas?within=DE", 400, "invalid_value", "within", "CA"),
        ("/v1/areas?within=AQ", 400, "invalid_value", "within", "not known"),
        ("/v1/areas?within=CA&kind=country", 400, "invalid_value", "kind", "within"),
        ("/v1/areas?window=25h", 400, "invalid_value", "window", "24h"),
        ("/v1/areas?area=CA", 400, "unknown_parameter", "area", "within"),
        ("/v1/heatmap?provider=alpha&area=CA-XX", 400, "invalid_value", "area", "capital"),
        ("/v1/heatmap.csv?provider=alpha&area=DE-BY", 400, "invalid_value", "area", "ask for DE"),
        ("/v1/series?provider=alpha&area=GB-EDH", 400, "invalid_value", "area", "GB-SCT"),
        ("/v1/series?provider=alpha&area=", 400, "invalid_value", "area", "capital"),
    ];
    for (path, status, code, field, expected) in rows {
        let answer = server.get(path);
        let problem = answer.json();
        assert_eq!((answer.status, &problem["code"]), (status, &json!(code)), "{path}");
        let error = &problem["errors"][0];
        assert_eq!(error["field"], json!(field), "{path}");
        assert!(error["expected"].as_str().unwrap().contains(expected), "{path}: {problem}");
    }
}
