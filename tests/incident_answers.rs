//! Answers of incidents, closer: every revision as it was known, every filter, pages,
//! maps over the antimeridian, tags; and who may say a word.

use crate::support::client::Client;
use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{CATALOGUE, TORONTO, VANCOUVER, cell, ndjson};
use geo::{Area, MultiPolygon, Validation};
use serde_json::{Value, json};

/// Longer than any incident of these tests is held open after its end.
const MOST_MINUTES: i64 = 180;

/// A server with a quiet past whose detectors have come to the present.
fn start() -> TestServer {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    server
}

/// So many people of a city report a provider, a fifth of them a minute.
fn outage_in(server: &TestServer, provider: &str, city: (f64, f64), people: usize) {
    for some in outage(provider, city, people, people as u64).chunks(people / 5) {
        assert_eq!(server.batch(&ndjson(some)).json()["counted"], json!(some.len()));
        server.watch_minutes(1);
    }
}

fn items(server: &Client, path: &str) -> Vec<Value> {
    server.read(path)["items"].as_array().unwrap().clone()
}

/// The ids of a list.
fn ids(server: &Client, path: &str) -> Vec<String> {
    items(server, path).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// The one incident that there is.
fn only(server: &Client) -> Value {
    let items = items(server, "/v1/incidents");
    assert_eq!(items.len(), 1, "{items:?}");
    items[0].clone()
}

fn live_until(server: &TestServer, state: &str) {
    for _ in 0..MOST_MINUTES {
        if only(server)["state"] == state {
            return;
        }
        server.watch_minutes(1);
    }
    panic!("the incident should become {state}: {}", only(server));
}

fn detail(server: &Client, incident: &Value) -> Value {
    server.read(&format!("/v1/incidents/{}", incident["id"].as_str().unwrap()))
}

/// Two incidents: of Alpha in Toronto, and five minutes later of Charlie in Vancouver.
/// Gives their ids.
fn two_incidents() -> (TestServer, String, String) {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    outage_in(&server, "charlie", VANCOUVER, 60);
    let found = ids(&server, "/v1/incidents");
    assert_eq!(found.len(), 2, "{}", server.read("/v1/incidents"));
    (server, found[1].clone(), found[0].clone())
}

#[test]
fn an_incident_can_be_read_as_it_was_known_at_every_revision() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    live_until(&server, "resolved");
    let whole = detail(&server, &only(&server));
    let revisions = whole["revisions"].as_array().unwrap();
    assert!(revisions.len() >= 3 && whole["revision_count"] == json!(revisions.len()), "{whole}");
    let id = whole["id"].as_str().unwrap();
    for revision in revisions {
        let at = revision["known_at"].as_str().unwrap();
        let then = server.read(&format!("/v1/incidents/{id}?known_at={at}"));
        for (name, value) in [
            ("revision", &then["revision"]),
            ("state", &then["state"]),
            ("reports", &then["severity"]["reports"]),
        ] {
            assert_eq!(value, &revision[name], "{name} at {at}");
        }
        assert_eq!(
            then["revisions"].as_array().unwrap().last(),
            Some(revision),
            "what came later is not told"
        );
        let listed = items(&server, &format!("/v1/incidents?known_at={at}"));
        assert_eq!((listed.len(), &listed[0]["revision"]), (1, &revision["revision"]));
    }
    let before = "2022-07-08T08:44:30Z";
    assert_eq!(ids(&server, &format!("/v1/incidents?known_at={before}")), [""; 0], "not yet known");
    let answer = server.get(&format!("/v1/incidents/{id}?known_at={before}"));
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (404, Some("not_found")),
        "{answer}"
    );
    assert!(answer.text().contains("first told of at 2022-07-08T08:45:10Z"), "{answer}");
}

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
fn maps_are_valid_and_say_the_same_as_lists() {
    // Taveuni lies on the antimeridian.
    let server = start();
    outage_in(&server, "alpha", (-16.85, 179.999), 60);
    let list = only(&server);
    let text = server.get("/v1/incidents.geojson");
    assert_eq!(text.header("content-type"), Some("application/geo+json"));
    let map: geojson::FeatureCollection =
        text.text().parse::<geojson::GeoJson>().unwrap().try_into().unwrap();
    let feature = &map.features[0];
    let outline: MultiPolygon =
        geo::Geometry::try_from(feature.geometry.clone().unwrap()).unwrap().try_into().unwrap();
    assert!(
        outline.is_valid()
            && outline.iter().all(|part| part.signed_area() > 0.0)
            && outline.0.len() >= 2,
        "{outline:?}"
    );
    let bbox = feature.bbox.clone().unwrap();
    assert!(
        bbox[0] > 179.0 && bbox[2] < -179.0 && bbox[1] < bbox[3],
        "west is greater than east over the antimeridian: {bbox:?}"
    );
    assert_eq!(map.bbox, feature.bbox);
    let property = |name: &str| feature.property(name).unwrap().clone();
    assert!(
        feature
            .properties
            .as_ref()
            .unwrap()
            .values()
            .all(|value| !value.is_object() && !value.is_array()),
        "properties are flat"
    );
    for name in [
        "id",
        "revision",
        "state",
        "network",
        "onset",
        "detected_at",
        "resolved_at",
        "lead_seconds",
    ] {
        assert_eq!(property(name), list[name], "{name}");
    }
    for name in ["reports", "area_km2", "expected", "duration_seconds"] {
        assert_eq!(property(name), list["severity"][name], "{name}");
    }
    assert_eq!(
        (property("providers"), property("countries")),
        (json!("alpha"), list["place"]["countries"][0].clone())
    );
    let spikes: geojson::FeatureCollection = server
        .get("/v1/spikes.geojson")
        .text()
        .parse::<geojson::GeoJson>()
        .unwrap()
        .try_into()
        .unwrap();
    for spike in spikes.features.iter().filter(|spike| !spike.property("centre").unwrap().is_null())
    {
        let outline: MultiPolygon =
            geo::Geometry::try_from(spike.geometry.clone().unwrap()).unwrap().try_into().unwrap();
        assert!(outline.is_valid(), "{outline:?}");
    }
    assert!(spikes.features.len() >= 2);
}

#[test]
fn before_the_first_look_nothing_is_said_rather_than_that_nothing_is_wrong() {
    let server = TestServer::start();
    for path in [
        "/v1/incidents",
        "/v1/incidents.geojson",
        "/v1/incidents/00000000000000ff",
        "/v1/spikes",
        "/v1/spikes.geojson",
        "/v1/voids",
    ] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("2")),
            "{path}: {answer}"
        );
    }
    server.catch_up();
    assert_eq!(server.read("/v1/incidents")["items"], json!([]));
}

#[test]
fn an_answer_is_unchanged_from_look_to_look_as_long_as_nothing_happens() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    live_until(&server, "resolved");
    let first = server.get("/v1/incidents");
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(first.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(first.header("access-control-allow-origin"), Some("*"));
    server.watch_minutes(1);
    let again = server.get("/v1/incidents");
    assert_ne!(again.json()["as_of"], first.json()["as_of"]);
    assert_eq!(
        (again.header("etag"), &again.json()["items"]),
        (Some(&*tag), &first.json()["items"])
    );
    assert_eq!(server.send("GET", "/v1/incidents", &[("If-None-Match", &tag)], b"").status, 304);
    outage_in(&server, "charlie", VANCOUVER, 60);
    assert_eq!(server.send("GET", "/v1/incidents", &[("If-None-Match", &tag)], b"").status, 200);
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
        ("/v1/incidents.csv", 404, "not_found", ""),
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
        ("/v1/spikes?known_at=2022-07-08T08:44:10Z", 400, "unknown_parameter", "known_at"),
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

/// A note and a void that would be taken, at their paths.
fn words(incident: &str) -> [(String, Value); 2] {
    let void = json!({"source": 5, "from": "2022-07-08T08:00:00Z", "to": "2022-07-08T08:30:00Z", "reason": "why"});
    [
        (format!("/v1/incidents/{incident}/notes"), json!({"source": "a", "text": "b"})),
        ("/v1/voids".into(), void),
    ]
}

#[test]
fn a_word_is_taken_only_from_this_machine_itself() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    let id = ids(&server, "/v1/incidents").remove(0);
    for (path, body) in words(&id) {
        let sent = |headers: &[(&str, &str)]| {
            let mut lines = vec![format!("POST {path} HTTP/1.1")];
            lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
            lines.push(format!("Content-Length: {}\r\n\r\n{body}", body.to_string().len()));
            let answer = server.raw(lines.join("\r\n").as_bytes());
            (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
        };
        let json = ("Content-Type", "application/json");
        let taken = (if path == "/v1/voids" { 202 } else { 201 }, String::new());
        for (host, origin) in [
            ("127.0.0.1:8080", None),
            ("localhost", None),
            ("[::1]:80", None),
            ("localhost:8080", Some("http://localhost:8080")),
        ] {
            let headers =
                [Some(("Host", host)), Some(json), origin.map(|origin| ("Origin", origin))];
            assert_eq!(
                sent(&headers.into_iter().flatten().collect::<Vec<_>>()),
                taken,
                "{path} {host} {origin:?}"
            );
        }
        let forbidden = (403, "forbidden".to_owned());
        let others: [&[(&str, &str)]; 7] = [
            // A name that its owner let lead here, which a browser then takes for the
            // page's own.
            &[("Host", "evil.example")],
            &[("Host", "127.0.0.1.evil.example:8080")],
            &[("Host", "localhost"), ("Origin", "https://evil.example")],
            &[("Host", "localhost"), ("Origin", "null")],
            &[("Host", "localhost"), ("Origin", "http://localhost:3000")],
            &[("Host", "localhost"), ("Forwarded", "for=203.0.113.9")],
            &[("Host", "localhost"), ("X-Real-IP", "203.0.113.9")],
        ];
        for headers in others {
            assert_eq!(sent(&[headers, &[json]].concat()), forbidden, "{path} {headers:?}");
        }
        assert_eq!(
            sent(&[("Host", "localhost")]),
            (415, "unsupported_media_type".into()),
            "a page may leave it out unasked"
        );
        never_granted(&server, &path);
    }
}

/// No preflight lets a page of another origin send JSON to this path, whichever method it
/// asks about: browsers keep what is granted by header.
fn never_granted(server: &Client, path: &str) {
    for method in [None, Some("GET"), Some("POST"), Some("PUT")] {
        let asked = [
            ("Origin", "https://evil.example"),
            ("Access-Control-Request-Headers", "content-type, x-app"),
        ];
        let headers: Vec<_> = asked
            .into_iter()
            .chain(method.map(|method| ("Access-Control-Request-Method", method)))
            .collect();
        let answer = server.send("OPTIONS", path, &headers, b"");
        let granted =
            answer.header("access-control-allow-headers").unwrap_or_default().to_lowercase();
        assert!(
            !granted.contains("content-type") && !granted.contains('*'),
            "{path} {method:?}: {granted}"
        );
        assert!(answer.header("access-control-allow-credentials").is_none(), "{path} {method:?}");
        if matches!(method, Some("POST" | "PUT")) {
            assert!(matches!(answer.status, 403 | 405), "{path} {method:?}: {answer}");
            assert!(answer.header("access-control-allow-methods").is_none(), "{path} {method:?}");
        }
    }
    let written = server.send(
        "POST",
        path,
        &[("Origin", "https://evil.example"), ("Content-Type", "text/plain")],
        b"{}",
    );
    assert_eq!(
        (written.status, written.header("access-control-allow-origin")),
        (403, None),
        "{path}: {written}"
    );
}

/// What is said of an area that cannot be asked for.
#[test]
fn an_area_without_known_borders_is_told_from_a_wrong_code() {
    let server = TestServer::start();
    server.look_out();
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

#[test]
fn a_server_that_others_reach_takes_no_word() {
    let server = TestServer::start_on("0.0.0.0:0", |_| ());
    server.look_out();
    for (path, body) in words("00000000000000ff") {
        let answer = server.send(
            "POST",
            &path,
            &[("Content-Type", "application/json")],
            body.to_string().as_bytes(),
        );
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (403, Some("forbidden")),
            "{path}: {answer}"
        );
    }
}

#[test]
fn a_word_of_another_shape_is_refused_rather_than_half_understood() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    let id = ids(&server, "/v1/incidents").remove(0);
    let [(note_path, note), (void_path, void)] = words(&id);
    let but = |body: &Value, fields: Value| crate::support::but(body.clone(), fields);
    let rows = [
        (&note_path, json!(["a", "b", null, true]), "malformed_body", ""),
        (&note_path, json!("a"), "malformed_body", ""),
        (&note_path, but(&note, json!({"offical": true})), "malformed_body", ""),
        (&note_path, but(&note, json!({"official": "yes"})), "invalid_value", "official"),
        (&note_path, but(&note, json!({"source": "x".repeat(501)})), "invalid_value", "source"),
        (
            &void_path,
            json!([5, "2022-07-08T08:00:00Z", "2022-07-08T08:30:00Z", null, "why"]),
            "malformed_body",
            "",
        ),
        (&void_path, but(&void, json!({"providr": "alpha"})), "malformed_body", ""),
        (&void_path, but(&void, json!({"provider": ["alpha"]})), "invalid_value", "provider"),
        (&void_path, but(&void, json!({"reason": "x".repeat(1_001)})), "invalid_value", "reason"),
    ];
    for (path, body, code, field) in rows {
        let answer = server.send(
            "POST",
            path,
            &[("Content-Type", "application/json")],
            body.to_string().as_bytes(),
        );
        let problem = answer.json();
        let named = problem["errors"][0]["field"].as_str().unwrap_or_default();
        assert_eq!(
            (answer.status, problem["code"].as_str(), named),
            (400, Some(code), field),
            "{path} {body}: {answer}"
        );
    }
    assert_eq!(
        (
            server.read("/v1/voids")["items"].clone(),
            detail(&server, &json!({"id": id}))["notes"].clone()
        ),
        (json!([]), json!([]))
    );
    assert_eq!(
        server.get(&format!("{void_path}?limit=1")).json()["code"],
        json!("unknown_parameter")
    );
    let sent = but(&note, json!({"text": "x".repeat(10_000), "official": false}));
    let taken = server.send(
        "POST",
        &note_path,
        &[("Content-Type", "application/json")],
        sent.to_string().as_bytes(),
    );
    assert_eq!(
        (taken.status, taken.header("location")),
        (201, Some(&*format!("/v1/incidents/{id}"))),
        "{taken}"
    );
}
