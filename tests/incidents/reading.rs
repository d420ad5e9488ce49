//! What clients read of incidents: filters, outlines, spikes, cells and series.

use super::{id, only, outage_in_toronto, server};
use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, cell, ndjson};
use serde_json::{Value, json};
use std::str::FromStr;

#[test]
fn incidents_are_found_by_place_time_state_and_score() {
    let server = server();
    let toronto = outage_in_toronto(&server);
    server.batch(&ndjson(&outage("alpha", VANCOUVER, 30, 2)));
    server.watch_minutes(1);
    let count = |query: &str| {
        server.read(&format!("/v1/incidents?{query}"))["items"].as_array().unwrap().len()
    };
    assert_eq!(count(""), 2);
    let rows = [
        ("area=CA-ON", 1),
        ("area=CA", 2),
        ("area=US", 0),
        ("bbox=-80,43,-79,44", 1),
        ("bbox=0,0,1,1", 0),
        ("provider=alpha", 1),
        ("network=north", 1),
        ("provider=bravo", 0),
        ("state=confirmed,possible", 2),
        ("state=resolved", 0),
        ("min_score=5", 2),
        ("min_score=500", 0),
        ("to=2022-07-08T08:00:00Z", 0),
        ("from=2022-07-08T08:44:00Z", 2),
    ];
    for (query, expected) in rows {
        assert_eq!(count(query), expected, "{query}");
    }
    let first = server.read("/v1/incidents?limit=1");
    assert_eq!(only(&first)["network"], "north", "the newest comes first");
    let second = server
        .read(&format!("/v1/incidents?limit=1&cursor={}", first["next_cursor"].as_str().unwrap()));
    assert_eq!((&only(&second)["id"], second.get("next_cursor")), (&toronto["id"], None));
}

#[test]
fn outlines_are_geojson_that_others_read() {
    let server = server();
    let incident = outage_in_toronto(&server);
    let answer = server.get("/v1/incidents.geojson");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/geo+json")));
    let collection =
        geojson::FeatureCollection::from_str(&String::from_utf8(answer.body).unwrap()).unwrap();
    let feature = &collection.features[0];
    assert_eq!(feature.id, Some(geojson::feature::Id::String(id(&incident).into())));
    let shape: geo::MultiPolygon = feature.geometry.clone().unwrap().try_into().unwrap();
    let toronto = geo::Point::new(TORONTO.1, TORONTO.0);
    assert!(geo::Validation::is_valid(&shape));
    assert!(geo::Intersects::intersects(&shape, &toronto));
    assert!(
        feature
            .properties
            .as_ref()
            .unwrap()
            .values()
            .all(|value| !value.is_array() && !value.is_object()),
        "properties are flat"
    );
    let spikes = server.get("/v1/spikes.geojson");
    let spikes =
        geojson::FeatureCollection::from_str(&String::from_utf8(spikes.body).unwrap()).unwrap();
    assert!(!spikes.features.is_empty());
}

#[test]
fn a_spike_says_to_which_incident_it_belongs() {
    let server = server();
    assert_eq!(server.read("/v1/spikes?min_score=5")["items"], json!([]));
    let incident = outage_in_toronto(&server);
    let spikes = server.read("/v1/spikes?provider=charlie");
    let strongest = &spikes["items"][0];
    assert_eq!((&strongest["incident"], &spikes["stale"]), (&incident["id"], &json!(false)));
    assert!(
        strongest["evidence"]["score"].as_f64() >= strongest["score_threshold"].as_f64(),
        "{strongest}"
    );
    assert_eq!(server.read("/v1/spikes?area=US")["items"], json!([]));
    server.advance_minutes(5);
    assert_eq!(
        server.read("/v1/spikes?provider=charlie")["stale"],
        true,
        "nobody has looked for five minutes"
    );
}

#[test]
fn a_cell_is_explained_and_a_map_shows_what_is_usual() {
    let server = server();
    let incident = outage_in_toronto(&server);
    let hex = incident["cells"][0].as_str().unwrap();
    let why = server.read(&format!("/v1/cells/{hex}?provider=charlie"));
    assert_eq!((&why["incident"], &why["cold_start"]), (&incident["id"], &json!(false)));
    assert!(
        why["evidence"]["score"].as_f64() >= why["threshold"]["score_threshold"].as_f64(),
        "{why}"
    );
    let cells = server.read("/v1/heatmap?provider=charlie")["cells"].clone();
    let hit = cells.as_array().unwrap().iter().find(|cell| cell["hex"] == hex).unwrap().clone();
    assert!(
        hit["level"].as_u64() >= Some(3) && hit["expected"].as_f64() < hit["count"].as_f64(),
        "{hit}"
    );
    let quiet = server.read("/v1/heatmap?provider=alpha&window=24h")["cells"].clone();
    let levels: Vec<u64> =
        quiet.as_array().unwrap().iter().map(|cell| cell["level"].as_u64().unwrap()).collect();
    assert!(
        levels.len() > 20 && levels.iter().filter(|level| **level > 1).count() <= 1,
        "{levels:?}"
    );
    let one = server.read("/v1/heatmap?provider=charlie&symptom=no_service")["cells"][0].clone();
    assert_eq!(
        (&one["expected"], &one["score"], &one["level"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let columns = server.read("/v1/heatmap.columns.json?provider=charlie")["columns"].clone();
    assert_eq!(
        columns["level"].as_array().unwrap().len(),
        columns["hex"].as_array().unwrap().len()
    );
}

#[test]
fn quiet_counts_lie_in_the_band_of_a_series() {
    let server = server();
    let series = server.read("/v1/series?provider=charlie&step=1h&from=2022-07-05T00:00:00Z");
    let points = series["points"].as_array().unwrap();
    let number = |point: &Value, field: &str| {
        point[field].as_f64().unwrap_or_else(|| panic!("{field} of {point}"))
    };
    let inside = points.iter().filter(|point| {
        number(point, "expected_low") <= number(point, "count")
            && number(point, "count") <= number(point, "expected_high")
    });
    let (inside, all) = (inside.count() as f64, points.len() as f64);
    assert!(inside >= 0.85 * all, "{inside} of {all}");
    let network =
        server.read("/v1/series?network=north&step=1h")["points"][3]["expected"].as_f64().unwrap();
    let brands: f64 = ["alpha", "bravo"]
        .map(|id| {
            server.read(&format!("/v1/series?provider={id}&step=1h"))["points"][3]["expected"]
                .as_f64()
                .unwrap()
        })
        .iter()
        .sum();
    assert!((network - brands).abs() < 0.01, "{network} of the network, {brands} of its brands");
    let toronto = cell(TORONTO, 4);
    let series = server.read(&format!("/v1/series?provider=charlie&step=1h&cell={toronto}"));
    let part = series["points"][3]["expected"].as_f64().unwrap();
    assert!((0.05..0.5).contains(&(part / number(&points[0], "expected"))), "{part}");
}

#[test]
fn bad_questions_are_refused_by_their_parameter() {
    let server = TestServer::start();
    let rows = [
        ("/v1/incidents?state=gone", "invalid_value", "state"),
        ("/v1/incidents?area=CA-XX", "invalid_value", "area"),
        ("/v1/incidents?area=ontario", "invalid_value", "area"),
        ("/v1/incidents?cursor=1", "invalid_value", "cursor"),
        ("/v1/incidents?cursor=before:1:xyz", "invalid_value", "cursor"),
        ("/v1/incidents?limit=0", "invalid_value", "limit"),
        ("/v1/incidents?min_score=-1", "invalid_value", "min_score"),
        ("/v1/incidents?known_at=2099-01-01T00:00:00Z", "in_future", "known_at"),
        ("/v1/incidents?known_at=now", "invalid_value", "known_at"),
        ("/v1/incidents?provider=nobody", "unknown_provider", "provider"),
        ("/v1/incidents?bbox=1,2,3", "invalid_value", "bbox"),
        ("/v1/incidents?from=2022-07-08T08:00:00Z&to=2022-07-08T08:00:00Z", "invalid_value", "to"),
        ("/v1/incidents/xyz", "invalid_value", "id"),
        ("/v1/incidents.geojson?sort=1", "unknown_parameter", "sort"),
        ("/v1/spikes?state=confirmed", "unknown_parameter", "state"),
        ("/v1/spikes?cursor=before", "invalid_value", "cursor"),
        ("/v1/cells/xyz?provider=alpha", "invalid_value", "cell"),
        ("/v1/cells/872b9bc29ffffff", "missing_field", "provider"),
        ("/v1/cells/872b9bc29ffffff?provider=nobody", "unknown_provider", "provider"),
    ];
    for (path, code, field) in rows {
        let answer = server.get(path).json();
        assert_eq!(
            (&answer["code"], &answer["errors"][0]["field"]),
            (&json!(code), &json!(field)),
            "{path}: {answer}"
        );
    }
    let behind = server.get("/v1/cells/872b9bc29ffffff?provider=alpha");
    assert_eq!(
        (behind.status, behind.json()["retryable"].clone()),
        (503, json!(true)),
        "nobody has looked yet"
    );
}
