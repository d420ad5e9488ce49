//! Where everybody is told that incidents are, and how many reported them.

use super::{VILLAGE, both, cells, only, public, speak, start};
use crate::support::past::outage;
use crate::support::{TORONTO, cell, ndjson};
use groundswell::domain::grid::Resolution;
use serde_json::{Value, json};

#[test]
fn a_village_is_named_once_enough_people_spoke_and_is_told_without_a_fine_place_before() {
    let server = start();
    speak(&server, VILLAGE, 0..5);
    let (told, exact) = both(&server);
    let fine = |incident: &Value| {
        cells(incident).iter().filter(|cell| Resolution::ALL[5] <= cell.resolution()).count()
    };
    assert!(fine(&exact) > 0, "{exact}");
    assert_eq!(fine(&told), 0, "too few in one place: {told}");
    assert_eq!((&told["id"], &told["state"]), (&exact["id"], &exact["state"]));
    assert_eq!(told["evidence"]["zone"], json!(null), "{told}");
    assert_ne!(exact["evidence"]["zone"]["centre"], json!(null), "{exact}");
    speak(&server, VILLAGE, 5..14);
    server.watch_minutes(2);
    let (told, exact) = both(&server);
    assert!(fine(&told) > 0, "fourteen are enough: {told}");
    for cell in cells(&told) {
        assert!(cells(&exact).iter().any(|of| cell.contains(*of)), "{cell} of {told} in {exact}");
    }
    assert!(told["place"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{told}");
}

#[test]
fn what_is_named_stays_covered_from_revision_to_revision() {
    let server = start();
    for (n, at) in [VILLAGE, (VILLAGE.0 + 0.02, VILLAGE.1), VILLAGE].into_iter().enumerate() {
        speak(&server, at, 10 * n..10 * n + 10);
        server.watch_minutes(11);
    }
    let id = only(&public(&server, "/v1/incidents"))["id"].as_str().unwrap().to_owned();
    let detail = public(&server, &format!("/v1/incidents/{id}"));
    let revisions = detail["revisions"].as_array().unwrap();
    assert!(revisions.len() > 3, "{detail}");
    let of = |revision: &Value| {
        let at = revision["known_at"].as_str().unwrap();
        let path = format!("/v1/incidents/{id}?known_at={at}");
        public(&server, &path)
    };
    let all: Vec<Vec<_>> = revisions.iter().map(|revision| cells(&of(revision))).collect();
    for pair in all.windows(2) {
        for cell in &pair[0] {
            let is_kept = pair[1].iter().any(|of| of.contains(*cell) || cell.contains(*of));
            assert!(is_kept, "{cell} is gone: {pair:?}");
        }
    }
}

#[test]
fn figures_are_rounded_down_and_say_nothing_of_what_is_exact() {
    let server = start();
    let reports = outage("charlie", TORONTO, 137, 3);
    assert_eq!(server.batch(&ndjson(&reports)).status, 200);
    let others = outage("alpha", TORONTO, 7, 4);
    assert_eq!(server.batch(&ndjson(&others)).status, 200);
    server.watch_minutes(1);
    let of = |list: &Value| {
        let items = list["items"].as_array().unwrap();
        items.iter().find(|incident| incident["network"] == "charlie").unwrap().clone()
    };
    let (told, exact) = (of(&public(&server, "/v1/incidents")), of(&server.read("/v1/incidents")));
    let reports = |incident: &Value| incident["severity"]["reports"].as_u64().unwrap();
    assert!((130..=140).contains(&reports(&exact)), "{exact}");
    assert!(reports(&told) % 10 == 0 && (100..=reports(&exact)).contains(&reports(&told)));
    let symptom = &told["severity"]["symptoms"][0];
    assert_eq!(symptom["count"].as_u64().unwrap() % 10, 0, "{told}");
    let observed = told["evidence"]["observed"].as_f64().unwrap();
    assert!(observed <= exact["evidence"]["observed"].as_f64().unwrap() && observed % 10.0 == 0.0);
    for other in told["attribution"].as_array().unwrap() {
        assert_eq!((&other["expected"], &other["share"]), (&json!(null), &json!(null)), "{other}");
    }
    // Its name and those of its clusters say nothing of where it began.
    let detail = |incident: &Value, is_public: bool| {
        let path = format!("/v1/incidents/{}", incident["id"].as_str().unwrap());
        if is_public { public(&server, &path) } else { server.read(&path) }
    };
    let clusters = |detail: &Value| detail["brands"][0]["clusters"].clone();
    let (of_told, of_exact) = (clusters(&detail(&told, true)), clusters(&detail(&exact, false)));
    assert_ne!(of_told, of_exact);
    assert_eq!(of_told.as_array().unwrap().len(), of_exact.as_array().unwrap().len());
}

#[test]
fn spikes_of_too_few_people_are_told_to_nobody_and_others_where_enough_spoke() {
    let server = start();
    speak(&server, VILLAGE, 0..4);
    assert!(!server.read("/v1/spikes")["items"].as_array().unwrap().is_empty());
    assert_eq!(public(&server, "/v1/spikes")["items"], json!([]));
    assert_eq!(public(&server, "/v1/spikes.geojson")["features"], json!([]));
    speak(&server, VILLAGE, 4..20);
    let (told, exact) = (public(&server, "/v1/spikes"), server.read("/v1/spikes"));
    let is_here = |spike: &&Value| !cells(spike).is_empty();
    let here = told["items"].as_array().unwrap().iter().find(is_here).unwrap();
    assert!([10.0, 20.0].contains(&here["evidence"]["observed"].as_f64().unwrap()), "{here}");
    assert_eq!(here["incident"], exact["items"][0]["incident"]);
    let drawn = public(&server, "/v1/spikes.geojson");
    let features = drawn["features"].as_array().unwrap();
    assert!(features.iter().any(|spike| !spike["geometry"].is_null()), "{drawn}");
}

#[test]
fn an_explanation_for_everybody_says_what_the_map_shows_and_no_zone() {
    let server = start();
    speak(&server, VILLAGE, 0..14);
    server.watch_minutes(14);
    let path = |at| format!("/v1/cells/{}?provider=charlie", cell(at, 8));
    let told = public(&server, &path(VILLAGE));
    let around = groundswell::domain::grid::Cell::parse(told["shown_in"].as_str().unwrap());
    assert!(around.unwrap().contains(cell(VILLAGE, 8)), "{told}");
    for field in ["evidence", "expectation", "point_source_cap", "dispersion_estimate"] {
        assert_eq!(told.get(field), None, "{told}");
    }
    let incident = only(&public(&server, "/v1/incidents"));
    assert_eq!(told["incident"], incident["id"]);
    // Of everything that stands in one cell of the map the same is told.
    let beside = public(&server, &path((VILLAGE.0 + 0.001, VILLAGE.1)));
    if beside["shown_in"] == told["shown_in"] {
        assert_eq!(beside["count"], told["count"]);
    }
    let exact = server.read(&path(VILLAGE));
    assert_ne!(exact["evidence"]["zone"]["centre"], json!(null), "{exact}");
    // Far from everybody the map shows nothing of a provider.
    let nobody = public(&server, &path((-75.0, 100.0)));
    for field in ["shown_in", "count", "expected", "score", "incident"] {
        assert_eq!(nobody[field], json!(null), "{nobody}");
    }
}
