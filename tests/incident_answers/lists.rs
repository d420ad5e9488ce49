//! Lists of incidents and spikes: filters, pages, and requests that are refused.

use super::{ids, items, only, outage_in, start, two_incidents};
use crate::support::server::TestServer;
use crate::support::{CATALOGUE, TORONTO, cell};
use serde_json::json;

#[test]
fn incidents_are_found_by_provider_network_state_time_score_box_and_area() {
    let (server, toronto, vancouver) = two_incidents();
    let (toronto, vancouver) = (toronto.as_str(), vancouver.as_str());
    let rows: [(&str, &[&str]); 28] = [
        ("", &[vancouver, toronto]),
        ("provider=alpha", &[toronto]),
        ("provider=alfa", &[toronto]),
        ("provider=bravo", &[]),
        ("network=north", &[toronto]),
        ("network=charlie&provider=charlie", &[vancouver]),
        ("network=north&provider=charlie", &[]),
        ("state=confirmed", &[vancouver, toronto]),
        ("state=resolved,withdrawn", &[]),
        ("state=resolved,confirmed", &[vancouver, toronto]),
        ("from=2022-07-08T08:44:00Z&to=2022-07-08T08:46:00Z", &[toronto]),
        ("to=2022-07-08T08:44:00Z", &[]),
        ("from=2022-07-09T08:44:00Z", &[vancouver, toronto]),
        ("min_score=0", &[vancouver, toronto]),
        ("min_score=1000", &[]),
        ("bbox=-80,43,-79,44", &[toronto]),
        ("bbox=-124,43,-79,50", &[vancouver, toronto]),
        ("bbox=170,49,-123,50", &[vancouver]),
        ("bbox=170,49,237,50", &[vancouver]),
        ("bbox=-440,43,-439,44", &[toronto]),
        ("bbox=-500,-100,500,100", &[vancouver, toronto]),
        ("area=CA", &[vancouver, toronto]),
        ("area=CA-ON", &[toronto]),
        ("area=CA-BC", &[vancouver]),
        ("area=US-NY", &[]),
        ("area=CA-ON&state=confirmed&provider=alpha&min_score=5", &[toronto]),
        ("known_at=2022-07-08T08:46:00Z", &[toronto]),
        ("utm_source=x&v=1", &[vancouver, toronto]),
    ];
    for (query, expected) in rows {
        assert_eq!(ids(&server, &format!("/v1/incidents?{query}")), expected, "{query}");
        let map = server.read(&format!("/v1/incidents.geojson?{query}"));
        let on_map: Vec<_> = map["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feature| feature["id"].as_str().unwrap())
            .collect();
        assert_eq!(on_map, expected, "{query}");
    }
}

#[test]
fn pages_follow_each_other_even_where_a_new_incident_comes_in_between() {
    let (server, toronto, vancouver) = two_incidents();
    let first = server.read("/v1/incidents?limit=1");
    assert_eq!(first["items"][0]["id"], json!(vancouver));
    let cursor = first["next_cursor"].as_str().unwrap();
    outage_in(&server, "bravo", (51.0501, -114.0853), 60);
    assert_eq!(ids(&server, "/v1/incidents").len(), 3, "{}", server.read("/v1/incidents"));
    let second = server.read(&format!("/v1/incidents?limit=1&cursor={cursor}"));
    assert_eq!(
        (&second["items"][0]["id"], &second["next_cursor"]),
        (&json!(toronto), &json!(null))
    );
    let map = server.read(&format!("/v1/incidents.geojson?limit=1&cursor={cursor}"));
    assert_eq!(map["features"][0]["id"], json!(toronto));
}

#[test]
fn pages_of_spikes_are_together_the_whole_list() {
    let (server, ..) = two_incidents();
    let whole = server.read("/v1/spikes")["items"].clone();
    let mut page = server.read("/v1/spikes?limit=1");
    let mut items = vec![page["items"][0].clone()];
    while let Some(cursor) = page["next_cursor"].as_str() {
        page = server.read(&format!("/v1/spikes?limit=1&cursor={cursor}"));
        items.push(page["items"][0].clone());
    }
    assert!(items.len() >= 2, "{whole}");
    assert_eq!(json!(items), whole);
}

#[test]
fn questions_that_cannot_be_answered_are_refused_by_the_name_of_what_is_wrong() {
    let server = TestServer::start();
    server.catch_up();
    let home = cell(TORONTO, 7);
    let rows = [
        ("/v1/incidents?network=nobody", 400, "unknown_provider", "network"),
        ("/v1/incidents?state=", 400, "invalid_value", "state"),
        ("/v1/incidents?state=open", 400, "invalid_value", "state"),
        ("/v1/incidents?state=possible,,resolved", 400, "invalid_value", "state"),
        ("/v1/incidents?state=possible&state=resolved", 400, "repeated_parameter", "state"),
        ("/v1/incidents?from=yesterday", 400, "invalid_value", "from"),
        ("/v1/incidents?to=1657269840", 400, "invalid_value", "to"),
        (
            "/v1/incidents?from=2022-07-08T09:00:00Z&to=2022-07-08T08:00:00Z",
            400,
            "invalid_value",
            "to",
        ),
        ("/v1/incidents?bbox=0,2,1,1", 400, "invalid_value", "bbox"),
        ("/v1/incidents?area=XX", 400, "invalid_value", "area"),
        ("/v1/incidents?area=Ontario", 400, "invalid_value", "area"),
        ("/v1/incidents?min_score=high", 400, "invalid_value", "min_score"),
        ("/v1/incidents?min_score=inf", 400, "invalid_value", "min_score"),
        ("/v1/incidents?known_at=2022-07-08T09:44:10Z", 400, "in_future", "known_at"),
        ("/v1/incidents?limit=1001", 400, "invalid_value", "limit"),
        ("/v1/incidents?cursor=before:x:00000000000000ff", 400, "invalid_value", "cursor"),
        ("/v1/incidents?cursor=before:1:ff", 400, "invalid_value", "cursor"),
        ("/v1/incidents?window=15m", 400, "unknown_parameter", "window"),
        ("/v1/incidents.geojson?known_at=2022-07-08T09:44:10Z", 400, "in_future", "known_at"),
        ("/v1/incidents.geojson?area=CA-XX", 400, "invalid_value", "area"),
        ("/v1/incidents.xml", 404, "not_found", ""),
        ("/v1/incidents/00000000000000ff", 404, "not_found", "id"),
        ("/v1/incidents/ff", 400, "invalid_value", "id"),
        ("/v1/incidents/00000000000000FF", 400, "invalid_value", "id"),
        ("/v1/incidents/00000000000000zz", 400, "invalid_value", "id"),
        (
            "/v1/incidents/00000000000000ff?known_at=2022-07-08T09:44:10Z",
            400,
            "in_future",
            "known_at",
        ),
        ("/v1/incidents/00000000000000ff?limit=1", 400, "unknown_parameter", "limit"),
        ("/v1/incidents?updated_since=2022-07-08T09:44:10Z", 400, "in_future", "updated_since"),
        ("/v1/incidents?updated_since=yesterday", 400, "invalid_value", "updated_since"),
        (
            "/v1/incidents?updated_since=2022-07-08T08:44:00Z&known_at=2022-07-08T08:43:00Z",
            400,
            "invalid_value",
            "updated_since",
        ),
        ("/v1/spikes?known_at=2022-07-08T08:43:10Z", 400, "out_of_retention", "known_at"),
        ("/v1/spikes?known_at=2022-07-08T09:44:10Z", 400, "in_future", "known_at"),
        ("/v1/spikes?known_at=now", 400, "invalid_value", "known_at"),
        ("/v1/spikes?from=2022-07-08T08:43:10Z", 400, "out_of_retention", "from"),
        ("/v1/spikes?from=2022-07-08T09:44:10Z", 400, "in_future", "from"),
        ("/v1/spikes?from=1657269840", 400, "invalid_value", "from"),
        ("/v1/spikes?to=2022-07-08T08:43:10Z", 400, "out_of_retention", "to"),
        (
            "/v1/spikes?from=2022-07-08T08:44:10Z&to=2022-07-08T08:44:10Z",
            400,
            "invalid_value",
            "to",
        ),
        (
            "/v1/spikes.geojson?from=2022-07-08T08:44:10Z&known_at=2022-07-08T08:44:00Z",
            400,
            "invalid_value",
            "from",
        ),
        ("/v1/spikes?provider=nobody", 400, "unknown_provider", "provider"),
        ("/v1/spikes?area=ca", 400, "invalid_value", "area"),
        ("/v1/spikes?cursor=next", 400, "invalid_value", "cursor"),
        ("/v1/spikes?cursor=NaN:alpha:global", 400, "invalid_value", "cursor"),
        ("/v1/spikes?cursor=7.5:alpha:872b9bc46fffffe", 400, "invalid_value", "cursor"),
        ("/v1/spikes.geojson?bbox=a", 400, "invalid_value", "bbox"),
        (
            &format!("/v1/cells/{home}?provider=alpha&window=15m"),
            400,
            "unknown_parameter",
            "window",
        ),
        ("/v1/cells/ffffffffffffffff?provider=alpha", 400, "invalid_value", "cell"),
    ];
    for (path, status, code, field) in rows {
        let answer = server.get(path);
        let problem = answer.json();
        let first = problem["errors"][0]["field"].as_str().unwrap_or_default();
        assert_eq!(
            (answer.status, problem["code"].as_str(), first),
            (status, Some(code), field),
            "{path}: {answer}"
        );
    }
    let over = server.send("POST", "/v1/incidents", &[], b"");
    assert_eq!((over.status, over.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn who_left_the_catalogue_is_still_found_with_what_it_had() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    let told = only(&server);
    let server = server.restarted_with(
        &CATALOGUE.replace("\"alpha\"", "\"omega\"").replace("\"alfa\"", "\"omegga\""),
    );
    server.catch_up();
    server.watch_minutes(2);
    let over = items(&server, "/v1/incidents?provider=alpha");
    assert_eq!((&over[0]["id"], &over[0]["state"]), (&told["id"], &json!("resolved")), "{over:?}");
    assert_eq!(over[0]["ending"]["type"], json!("retired"));
    assert_eq!(server.get("/v1/incidents?provider=alfa").json()["code"], json!("unknown_provider"));
}

/// What is said of an area that cannot be asked for.
#[test]
fn an_area_without_known_borders_is_told_from_a_wrong_code() {
    let server = TestServer::start();
    server.step_detection();
    let rows = [
        ("DE-BY", "DE-BY: no borders of subdivisions of DE are known here: ask for DE"),
        ("JP-13", "JP-13: no borders of subdivisions of JP are known here: ask for JP"),
        (
            "GB-EDH",
            "GB-EDH: the borders of this subdivision are not known here: ask for GB, or for one \
             of GB-",
        ),
        ("AQ", "AQ: the borders of this country are not known here"),
        (
            "DE-XX",
            "area must be a country or subdivision such as CA or CA-ON (ISO 3166, capital \
             letters), got DE-XX",
        ),
        (
            "XX",
            "area must be a country or subdivision such as CA or CA-ON (ISO 3166, capital \
             letters), got XX",
        ),
    ];
    for (code, detail) in rows {
        for path in ["/v1/incidents", "/v1/incidents.geojson", "/v1/spikes", "/v1/spikes.geojson"] {
            let answer = server.get(&format!("{path}?area={code}"));
            let problem = answer.json();
            let named =
                (&problem["code"], &problem["errors"][0]["field"], &problem["errors"][0]["got"]);
            assert_eq!(
                (answer.status, named),
                (400, (&json!("invalid_value"), &json!("area"), &json!(code))),
                "{path}: {answer}"
            );
            assert!(problem["detail"].as_str().unwrap().starts_with(detail), "{path}: {answer}");
        }
    }
}
