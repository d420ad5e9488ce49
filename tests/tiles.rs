//! Vector tiles, `TileJSON` and styles, as front ends ask for them.

use crate::keys::{Keyed, by_keys};
use crate::support::server::TestServer;
use crate::support::{ndjson, report, text};
use groundswell::domain::time::MINUTE_MS;
use groundswell::http::policy::{Anonymous, Policy};
use groundswell::http::publisher::Publisher;
use serde_json::{Value, json};

/// The tile of zoom 9 around Toronto.
const TILE: &str = "/v1/tiles/9/143/186.mvt";

const MVT: &str = "application/vnd.mapbox-vector-tile";

#[test]
fn a_tile_holds_what_was_reported_in_it_and_an_empty_one_says_so_at_once() {
    let server = TestServer::start();
    assert_eq!(server.batch(&ndjson(&[report("a"), report("b")])).status, 200);
    server.next_tick();
    let tile = server.get(TILE);
    assert_eq!((tile.status, tile.header("content-type")), (200, Some(MVT)));
    assert!(tile.body.windows(5).any(|part| part == b"cells"));
    let known = server.send("GET", TILE, &[("If-None-Match", tile.header("etag").unwrap())], b"");
    assert_eq!(known.status, 304);
    let empty = server.get("/v1/tiles/9/0/0.mvt");
    assert_eq!((empty.status, empty.body.len()), (204, 0));
    for answer in [&tile, &empty] {
        // Whoever draws it asks again by this; what is older must not come first.
        assert_eq!(answer.header("cache-control"), Some("private, max-age=10"));
        assert!(answer.header("etag").is_some());
    }
    for (query, status) in [
        ("?provider=alpha", 200),
        ("?provider=alfa", 200),
        ("?network=north", 200),
        ("?provider=charlie", 204),
        ("?symptom=no_service", 200),
        ("?symptom=no_tv", 204),
        ("?layers=cells", 200),
        ("?layers=incidents", 204),
        ("?layers=incidents,cells,cells", 200),
    ] {
        assert_eq!(server.get(&format!("{TILE}{query}")).status, status, "{query}");
    }
}

#[test]
fn a_tile_of_a_window_that_is_over_is_kept_for_a_day() {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    let to = text(server.now().plus_ms(-3 * 24 * 60 * MINUTE_MS));
    let answer = server.get(&format!("/v1/tiles/3/2/2.mvt?window=24h&to={to}"));
    assert_eq!(answer.header("cache-control"), Some("private, max-age=86400"));
}

#[test]
fn what_is_no_tile_is_refused_by_field() {
    let server = TestServer::start();
    let rows = [
        ("11/0/0.mvt", "z", "0 to 10: overzoom from 10"),
        ("300/0/0.mvt", "z", "0 to 10: overzoom from 10"),
        ("-1/0/0.mvt", "z", "a whole number"),
        ("z/0/0.mvt", "z", "a whole number"),
        ("3/8/0.mvt", "x", "0 to 7 at this zoom"),
        ("3/99999999999/0.mvt", "x", "0 to 7 at this zoom"),
        ("0/0/1.mvt", "y", "0 to 0 at this zoom"),
        ("3/0/1.5.mvt", "y", "a whole number"),
        (
            "3/0/0.mvt?layers=roads",
            "layers",
            "some of coarser, cells, incidents, emergency, joined by commas",
        ),
        (
            "3/0/0.mvt?layers=",
            "layers",
            "some of coarser, cells, incidents, emergency, joined by commas",
        ),
        ("3/0/0.mvt?window=25h", "window", "1m to 24h, like 15m or 6h"),
        ("3/0/0.mvt?exact=yes", "exact", "true or false"),
    ];
    for (path, field, expected) in rows {
        let answer = server.get(&format!("/v1/tiles/{path}"));
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (answer.status, &error["field"], &error["expected"]),
            (400, &json!(field), &json!(expected)),
            "{path}"
        );
    }
    let both = server.get("/v1/tiles/3/0/0.mvt?provider=alpha&network=north");
    assert_eq!((both.status, &both.json()["errors"][0]["field"]), (400, &json!("network")));
    let unknown = server.get("/v1/tiles/3/0/0.mvt?zoom=3");
    assert_eq!(unknown.json()["code"], "unknown_parameter");
    for path in ["3/0/0", "3/0/0.png", "3/0.mvt", "3/0/0/0.mvt"] {
        assert_eq!(server.get(&format!("/v1/tiles/{path}")).status, 404, "{path}");
    }
}

#[test]
fn tilejson_names_the_tiles_as_who_asks_reaches_them() {
    let server = TestServer::start();
    let document = server.read("/v1/tiles.json?network=north&window=1h&symptom=no_data");
    let tiles = document["tiles"][0].as_str().unwrap();
    let host = server.address();
    assert_eq!(
        tiles,
        format!(
            "http://{host}/v1/tiles/{{z}}/{{x}}/{{y}}.mvt?network=north&window=1h&symptom=no_data"
        )
    );
    assert_eq!(
        (&document["tilejson"], &document["minzoom"], &document["maxzoom"]),
        (&json!("3.0.0"), &json!(0), &json!(10))
    );
    let layers: Vec<&str> = document["vector_layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["id"].as_str().unwrap())
        .collect();
    assert_eq!(layers, ["coarser", "cells", "incidents", "emergency"]);
    let some = server.read("/v1/tiles.json?layers=cells,emergency");
    assert!(some["tiles"][0].as_str().unwrap().ends_with("?layers=cells%2Cemergency"), "{some}");
    assert_eq!(some["vector_layers"].as_array().unwrap().len(), 2);
    // What tiles would refuse is refused here.
    for (query, field) in
        [("window=2d", "window"), ("symptom=cough", "symptom"), ("layers=roads", "layers")]
    {
        let answer = server.get(&format!("/v1/tiles.json?{query}"));
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (400, &json!(field)));
    }
    assert_eq!(server.get("/v1/tiles.json?provider=nobody").json()["code"], "unknown_provider");
}

#[test]
fn an_operator_says_where_the_tiles_are_whom_to_name_and_under_which_licence() {
    let publisher = Publisher {
        public_url: Some("https://outages.example".into()),
        attribution: Some("Town of Example".into()),
        licence: Some("CC-BY-4.0".into()),
    };
    let server = TestServer::start_by(Policy { publisher, ..Policy::default() });
    let document = server.read("/v1/tiles.json");
    assert_eq!(document["tiles"], json!(["https://outages.example/v1/tiles/{z}/{x}/{y}.mvt"]));
    assert_eq!(
        (&document["attribution"], &document["licence"]),
        (&json!("Town of Example · Groundswell"), &json!("CC-BY-4.0"))
    );
    let style = server.read("/v1/style.json");
    let source = &style["sources"]["groundswell"];
    assert_eq!(
        (&source["tiles"], &source["attribution"]),
        (&document["tiles"], &document["attribution"])
    );
}

#[test]
fn a_style_is_whole_or_the_overlay_alone() {
    let server = TestServer::start();
    let ids = |style: &Value| -> Vec<String> {
        let layers = style["layers"].as_array().unwrap().iter();
        layers.map(|layer| layer["id"].as_str().unwrap().to_owned()).collect()
    };
    let whole = server.read("/v1/style.json?network=north");
    assert_eq!((&whole["version"], ids(&whole)[0].as_str()), (&json!(8), "ground"));
    let overlay = server.read("/v1/style.json?network=north&base=none");
    assert_eq!(ids(&overlay), ids(&whole)[1..]);
    assert!(
        overlay["layers"]
            .as_array()
            .unwrap()
            .iter()
            .all(|layer| layer["source"].is_string() && layer["source-layer"].is_string())
    );
    assert_eq!(whole["metadata"]["groundswell:legend"].as_array().unwrap().len(), 9);
    let glyphs = "https://fonts.example/{fontstack}/{range}.pbf";
    let with_glyphs = server.read(&format!("/v1/style.json?glyphs={glyphs}"));
    assert_eq!((&whole["glyphs"], &with_glyphs["glyphs"]), (&Value::Null, &json!(glyphs)));
    for (query, field) in [("base=streets", "base"), ("glyphs=fonts", "glyphs")] {
        let answer = server.get(&format!("/v1/style.json?{query}"));
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (400, &json!(field)));
    }
}

#[test]
fn a_key_in_the_address_is_carried_on_to_the_tiles() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    assert_eq!(server.get("/v1/tiles.json").status, 401);
    let key = server.key_of(server.source("a map"), &["read"]);
    for path in ["/v1/tiles.json", "/v1/style.json"] {
        let document = server.get(&format!("{path}?network=north&key={key}"));
        assert_eq!(document.status, 200, "{path}");
        let json = document.json();
        let tiles = json["tiles"].as_array().or(json["sources"]["groundswell"]["tiles"].as_array());
        let address = tiles.unwrap()[0].as_str().unwrap();
        let (_, path_of_tile) = address.split_once(&server.address().to_string()).unwrap();
        let tile = path_of_tile.replace("{z}", "0").replace("{x}", "0").replace("{y}", "0");
        assert_eq!(server.get(&tile).status, 204, "{tile}");
        assert!(document.header("cache-control").unwrap().starts_with("private"));
    }
    // One in a header is nobody else's to see.
    let document = crate::keys::get(&server, &key, "/v1/tiles.json");
    assert!(!document.json()["tiles"][0].as_str().unwrap().contains(&*key));
}
