//! Who is told which form, and what a stricter rule makes of what was told.

use super::{VILLAGE, cells, only, public, speak};
use crate::keys::{Keyed, by_keys, get};
use crate::support::server::TestServer;
use groundswell::domain::grid::Resolution;
use groundswell::domain::privacy::asked::AskedRule;
use groundswell::http::policy::Anonymous;
use serde_json::{Value, json};

/// A server with a quiet past and this k, on which some people of the village spoke.
fn start(k: u8, people: usize) -> Keyed {
    let asked = AskedRule { k: Some(k), finest: Some(Resolution::DEFAULT) };
    let server = TestServer::start_by_asking_after_quiet_past(by_keys(Anonymous::All), asked);
    let server = Keyed::of(server);
    server.catch_up();
    speak(&server, VILLAGE, 0..people);
    server
}

fn told(server: &Keyed, key: &str, path: &str) -> Value {
    let answer = get(server, key, path);
    assert_eq!(answer.status, 200, "{path}: {answer}");
    answer.json()
}

#[test]
fn the_exact_form_is_for_who_asks_for_it_with_a_key_and_not_for_caches() {
    let server = start(3, 5);
    let keys = [&["read"][..], &["exact"]]
        .map(|scopes| server.key(&json!({"name": "a", "scopes": scopes})).1);
    let [read, exact] = &keys;
    let list = "/v1/incidents?limit=2";
    let everybody = only(&public(&server, list));
    assert_eq!(everybody["cells"], json!([]), "too few spoke: {everybody}");
    assert_eq!((&everybody["place"], &everybody["evidence"]["zone"]), (&json!(null), &json!(null)));
    for key in [read, exact] {
        assert_eq!(only(&told(&server, key, list)), everybody);
    }
    let asked = format!("{list}&exact=true");
    let all = only(&told(&server, exact, &asked));
    assert_eq!((cells(&all).is_empty(), &all["severity"]["reports"]), (false, &json!(5)), "{all}");
    let answer = get(&server, exact, &asked);
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    assert_eq!(get(&server, read, &asked).status, 403);
    let drawn = public(&server, "/v1/incidents.geojson?limit=2");
    assert_eq!(drawn["features"][0]["geometry"], json!(null), "{drawn}");
}

#[test]
fn where_nothing_is_hidden_all_is_told_until_a_rule_hides_more() {
    let server = start(1, 5);
    let exact = server.key(&json!({"name": "a", "scopes": ["exact"]})).1;
    let list = "/v1/incidents?limit=2";
    let everybody = only(&public(&server, list));
    let all = only(&told(&server, &exact, &format!("{list}&exact=true")));
    assert_eq!(everybody, all, "nothing is hidden");
    server.must("PUT", "/v1/privacy", &json!({"k": 4}));
    server.advance_ms(2_000);
    server.step_detection();
    let hidden = only(&public(&server, list));
    assert_eq!(hidden["evidence"]["zone"], json!(null), "{hidden}");
    let resolutions: Vec<u8> =
        cells(&hidden).iter().map(|cell| cell.resolution().number()).collect();
    assert!(!resolutions.is_empty() && resolutions.iter().all(|n| *n <= 5), "{hidden}");
    assert_eq!(hidden["revision"], all["revision"]);
    assert_eq!(only(&told(&server, &exact, &format!("{list}&exact=true"))), all);
}
