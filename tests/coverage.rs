//! Coverage: where it would be noticed if a provider failed, where nobody listens, and where
//! we did not run ourselves.

use crate::support::client::Client;
use crate::support::past::recorded;
use crate::support::server::TestServer;
use crate::support::{NOW, TORONTO, VANCOUVER, cell, instant, text};
use fast_mvt::{MvtReaderRef, MvtValueRef};
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::report::Report;
use groundswell::domain::time::{HOUR_MS, MINUTE_MS};
use groundswell::store::Store;
use serde_json::{Value, json};

/// A village of one house, whose resident reports Charlie twice a day.
const HOUSE: (f64, f64) = (49.78, -85.42);
const CHARLIE: u16 = 2;
const STRANGER: (&str, &str) = ("X-Forwarded-For", "203.0.113.9");
const DAYS: i64 = 21;

fn resident(store: &Store) {
    let now = instant(NOW).minute();
    let at = Position::new(HOUSE.0, HOUSE.1).unwrap();
    let report = |n: i64| {
        let minute = now.plus(-30 - n * 12 * 60);
        recorded(1_000_000 + n as u64, CHARLIE, minute, at)
    };
    let reports: Vec<Report> = (0..2 * DAYS).map(report).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert!(store.record(&reports).await.iter().all(Result::is_ok));
        store.tidy(now.start()).await.unwrap();
    });
}

/// A server with three quiet weeks, in which the resident spoke, too.
fn server() -> TestServer {
    let server = TestServer::start_after_quiet_past_and(resident);
    server.catch_up();
    // What is usual of what everybody sees is learnt a week at a step.
    (0..5).for_each(|_| server.step_detection());
    server
}

fn ask(server: &Client, headers: &[(&str, &str)], path: &str) -> Value {
    let answer = server.send("GET", path, headers, b"");
    assert_eq!(answer.status, 200, "{path}: {answer}");
    answer.json()
}

fn coverage_of(server: &Client, headers: &[(&str, &str)], place: (f64, f64), of: &str) -> Value {
    let path = format!("/v1/cells/{}?provider={of}", cell(place, 8));
    ask(server, headers, &path)["coverage"].clone()
}

/// The covered cells of a tile with the reports of a day.
fn covered(server: &Client, headers: &[(&str, &str)], path: &str) -> Vec<(Cell, f64)> {
    let answer = server.send("GET", path, headers, b"");
    assert!([200, 204].contains(&answer.status), "{path}: {answer}");
    let tile = MvtReaderRef::new(&answer.body).unwrap();
    let mut cells = Vec::new();
    for layer in tile.layers() {
        assert_eq!(layer.name(), "coverage");
        for feature in layer.features() {
            let (mut hex, mut usual, mut resolution) = (None, 0.0, 99);
            for property in feature.properties() {
                match property.unwrap() {
                    ("hex", MvtValueRef::String(text)) => hex = Some(Cell::parse(text).unwrap()),
                    ("usual", MvtValueRef::Float(number)) => usual = f64::from(number),
                    ("resolution", MvtValueRef::UInt(number)) => resolution = number,
                    other => panic!("{other:?}"),
                }
            }
            let hex = hex.unwrap();
            assert_eq!(u64::from(hex.resolution().number()), resolution);
            cells.push((hex, usual));
        }
    }
    cells
}

#[test]
fn cities_are_covered_a_lone_resident_is_not_and_nobody_is_told_of_them() {
    let server = server();
    for headers in [&[][..], &[STRANGER]] {
        let city = coverage_of(&server, headers, TORONTO, "charlie");
        assert_eq!(city["state"], "covered", "{city}");
        let around = Cell::parse(city["cell"].as_str().unwrap()).unwrap();
        assert!(around.contains(cell(TORONTO, 8)) && city["usual"].as_f64().unwrap() >= 0.9);
        let nobody = coverage_of(&server, headers, (-45.0, 100.0), "charlie");
        assert_eq!(nobody, json!({"state": "too_few", "cell": null, "usual": null}));
        // Nobody ever reported Echo.
        assert_eq!(coverage_of(&server, headers, TORONTO, "echo")["state"], "too_few");
    }
    let house = coverage_of(&server, &[], HOUSE, "charlie");
    assert_eq!(house["state"], "covered", "all reports say so: {house}");
    let told = coverage_of(&server, &[STRANGER], HOUSE, "charlie");
    assert_eq!(told, json!({"state": "too_few", "cell": null, "usual": null}));
}

#[test]
fn everybody_is_told_only_of_cells_that_the_map_showed_and_of_no_more_than_it_showed() {
    let server = server();
    let now = server.now();
    let begin = text(now.plus_ms(-DAYS * 24 * HOUR_MS).minute().hour().first_minute().start());
    let end = text(now.minute().hour().first_minute().start());
    let all = covered(&server, &[STRANGER], "/v1/coverage/0/0/0.mvt?provider=charlie");
    assert!(all.len() >= 5, "five cities: {all:?}");
    let zoomed = covered(&server, &[STRANGER], "/v1/coverage/9/143/186.mvt?provider=charlie");
    assert!(!zoomed.is_empty());
    for (hex, usual) in all.iter().chain(&zoomed) {
        let path = format!("/v1/series?provider=charlie&cell={hex}&from={begin}&to={end}&step=1h");
        let series = ask(&server, &[STRANGER], &path);
        let points = series["points"].as_array().unwrap().iter();
        let shown: u64 = points.map(|point| point["count"].as_u64().unwrap()).sum();
        // What is rare is believed to be a little more than it was.
        let a_day = shown as f64 / DAYS as f64;
        assert!(shown > 0 && 0.9 <= *usual && *usual <= 1.6 * a_day + 0.5, "{hex} {usual} {a_day}");
    }
    // A coarser map is the sum of a finer one.
    let exact = covered(&server, &[], "/v1/coverage/0/0/0.mvt?provider=charlie");
    let sum = |cells: &[(Cell, f64)]| cells.iter().map(|(_, usual)| usual).sum::<f64>();
    assert!((90.0..150.0).contains(&sum(&exact)), "122 reports a day: {exact:?}");
    assert!(sum(&all) <= sum(&exact) + 1.0);
    let finest = exact.iter().map(|(cell, _)| cell.resolution()).max();
    assert_eq!(finest, Some(Resolution::ALL[3]), "zoom 0 is drawn of counties");
    let of_city = covered(&server, &[], "/v1/coverage/10/286/373.mvt?provider=charlie");
    assert!(of_city.iter().all(|(cell, _)| cell.resolution() <= Resolution::ALL[7]));
    let network = covered(&server, &[], "/v1/coverage/0/0/0.mvt?network=north");
    assert!(sum(&network) > 1.5 * sum(&exact), "two brands: {network:?}");
    let everybody = covered(&server, &[], "/v1/coverage/0/0/0.mvt");
    assert!(sum(&everybody) > sum(&network));
}

#[test]
fn a_tile_of_coverage_is_kept_for_a_day_and_an_empty_one_as_well() {
    let server = server();
    let here = server.get("/v1/coverage/5/8/11.mvt?provider=charlie");
    assert_eq!((here.status, here.header("cache-control")), (200, Some("private, max-age=86400")));
    let tag = [("If-None-Match", here.header("etag").unwrap())];
    assert_eq!(
        server.send("GET", "/v1/coverage/5/8/11.mvt?provider=charlie", &tag, b"").status,
        304
    );
    let sea = server.get("/v1/coverage/5/0/20.mvt");
    assert_eq!((sea.status, sea.header("cache-control")), (204, Some("private, max-age=86400")));
}

#[test]
fn before_ordinary_days_are_known_nothing_is_said_and_nobody_keeps_that() {
    let server = TestServer::start();
    let behind = server.get("/v1/coverage/3/2/2.mvt");
    assert_eq!((behind.status, &behind.json()["code"]), (503, &json!("catching_up")));
    server.catch_up();
    server.step_detection();
    let young = server.get("/v1/coverage/3/2/2.mvt");
    assert_eq!((young.status, young.header("cache-control")), (204, Some("private, max-age=10")));
    assert_eq!(coverage_of(&server, &[], TORONTO, "alpha"), json!(null));
}

#[test]
fn minutes_in_which_we_did_not_run_ourselves_are_not_taken_for_quiet() {
    let server = server();
    assert_eq!(coverage_of(&server, &[], VANCOUVER, "alpha")["state"], "covered");
    // Nobody says for ten minutes that the service runs.
    server.advance_ms(10 * MINUTE_MS);
    server.catch_up();
    server.next_tick();
    server.step_detection();
    let away = coverage_of(&server, &[], VANCOUVER, "alpha");
    assert_eq!(away["state"], "not_running", "{away}");
    assert!(away["usual"].as_f64().unwrap() > 0.9, "people would be heard of otherwise");
    server.watch_minutes(18);
    assert_eq!(coverage_of(&server, &[], VANCOUVER, "alpha")["state"], "covered");
}

#[test]
fn coverage_is_described_and_the_style_draws_it_below_everything_else() {
    let server = TestServer::start();
    let document = server.read("/v1/coverage.json?network=north");
    let (host, tiles) = (server.address(), &document["tiles"][0]);
    let expected = format!("http://{host}/v1/coverage/{{z}}/{{x}}/{{y}}.mvt?network=north");
    assert_eq!(tiles, &json!(expected));
    let layers = document["vector_layers"].as_array().unwrap();
    assert_eq!((layers.len(), &layers[0]["id"]), (1, &json!("coverage")));
    assert!(layers[0]["fields"]["usual"].is_string());
    // What a style asks of the map is no business of coverage, which is of ordinary days.
    let style = server.read("/v1/style.json?network=north&window=1h&symptom=no_data");
    assert_eq!(style["sources"]["groundswell-coverage"]["tiles"][0], json!(expected));
    let drawn = style["layers"].as_array().unwrap();
    assert_eq!(
        (&drawn[0]["id"], &drawn[1]["source-layer"]),
        (&json!("ground"), &json!("coverage"))
    );
    assert_ne!(drawn[0]["paint"]["background-color"], drawn[1]["paint"]["fill-color"]);
    // On a ground of somebody else's it is there to be switched on.
    let overlay = server.read("/v1/style.json?network=north&base=none");
    assert_eq!(overlay["layers"][0]["layout"]["visibility"], "none");
}

#[test]
fn what_is_no_coverage_is_refused_by_field() {
    let server = TestServer::start();
    for (path, field, expected) in [
        ("11/0/0.mvt", "z", "0 to 10: overzoom from 10"),
        ("3/8/0.mvt", "x", "0 to 7 at this zoom"),
        ("0/0/1.mvt", "y", "0 to 0 at this zoom"),
        ("3/0/1.5.mvt", "y", "a whole number"),
        ("3/0/0.mvt?exact=yes", "exact", "true or false"),
    ] {
        let answer = server.get(&format!("/v1/coverage/{path}"));
        let error = &answer.json()["errors"][0];
        let told = (answer.status, &error["field"], &error["expected"]);
        assert_eq!(told, (400, &json!(field), &json!(expected)), "{path}");
    }
    for path in ["/v1/coverage/3/0/0.mvt", "/v1/coverage.json"] {
        let both = server.get(&format!("{path}?provider=alpha&network=north"));
        assert_eq!((both.status, &both.json()["errors"][0]["field"]), (400, &json!("network")));
        for (query, code) in
            [("provider=nobody", "unknown_provider"), ("window=1h", "unknown_parameter")]
        {
            assert_eq!(server.get(&format!("{path}?{query}")).json()["code"], code, "{path}");
        }
    }
    assert_eq!(server.get("/v1/coverage/3/0/0").status, 404);
}
