//! `late=no`: figures that no late report changes, on every store.

use crate::support::past::outage;
use crate::support::redis::{own_prefix, shared_cluster, shared_single};
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, but, ndjson, text};
use groundswell::domain::time::{MINUTE_MS, Timestamp};
use groundswell::http::policy::Policy;
use serde_json::{Value, json};

const ON_TIME: usize = 60;
const LATE: usize = 25;

/// What is asked of a window of ten minutes that ends at `to`.
fn questions(from: &str, to: &str) -> Vec<String> {
    let mut asked = Vec::new();
    for suffix in ["", ".columns.json", ".geojson", ".h3j", ".csv", ".ndjson"] {
        asked.push(format!("/v1/heatmap{suffix}?provider=charlie&window=10m&to={to}"));
    }
    asked.push(format!(
        "/v1/heatmap.frames.json?provider=charlie&window=5m&step=5m&from={from}&to={to}"
    ));
    asked.push(format!(
        "/v1/tiles/6/17/23.mvt?provider=charlie&window=10m&to={to}&layers=cells,coarser"
    ));
    for suffix in ["", ".csv", ".ndjson"] {
        let series = format!("/v1/series{suffix}?provider=charlie&from={from}&to={to}&step=1m");
        asked.push(format!("{series}&bbox=-80,43,-79,44"));
        asked.push(series);
    }
    asked
}

fn answers(server: &TestServer, asked: &[String], more: &str) -> Vec<Vec<u8>> {
    let one = |path: &String| {
        let answer = server.get(&format!("{path}{more}"));
        assert_eq!(answer.status, 200, "{path}: {answer}");
        answer.body
    };
    asked.iter().map(one).collect()
}

fn total(server: &TestServer, path: &str) -> u64 {
    server.read(path)["total"].as_u64().unwrap()
}

fn late_reports_change_nothing_on(server: &TestServer) {
    let begin = server.now().minute();
    for minute in 0..10 {
        let some = outage("charlie", TORONTO, ON_TIME / 10, minute);
        assert_eq!(server.batch(&ndjson(&some)).json()["counted"], json!(ON_TIME / 10));
        server.advance_minutes(1);
    }
    let (from, to) = (text(begin.start()), text(begin.plus(10).start()));
    let asked = questions(&from, &to);
    let map = &asked[0];
    server.advance_minutes(4);
    let live = server.get(&format!("{map}&late=no"));
    assert!(live.header("cache-control").unwrap().contains("max-age=10"), "{live}");
    server.advance_minutes(4);
    let before = answers(server, &asked, "&late=no");
    let settled = server.get(&format!("{map}&late=no"));
    assert!(settled.header("cache-control").unwrap().contains("max-age=86400"), "{settled}");
    let live = server.get(map);
    assert!(live.header("cache-control").unwrap().contains("max-age=10"), "{live}");

    // They were noticed in the window, some where nobody was heard of.
    for (n, city) in [(0, TORONTO), (1, VANCOUVER)] {
        let late = outage("charlie", city, LATE, 1_000 + n);
        let observed = |(n, report): (usize, &Value)| {
            let at = Timestamp(begin.start().0 + n as i64 % 10 * MINUTE_MS + 30_000);
            but(report.clone(), json!({"observed_at": text(at)}))
        };
        let late: Vec<Value> = late.iter().enumerate().map(observed).collect();
        assert_eq!(server.batch(&ndjson(&late)).json()["counted"], json!(LATE));
    }
    server.next_tick();
    assert_eq!(total(server, map), (ON_TIME + 2 * LATE) as u64);
    assert_eq!(total(server, &format!("{map}&late=yes")), (ON_TIME + 2 * LATE) as u64);
    assert_eq!(total(server, &format!("{map}&late=no")), ON_TIME as u64);
    for minutes in [0, 90] {
        server.advance_minutes(minutes);
        let after = answers(server, &asked, "&late=no");
        for ((path, before), after) in asked.iter().zip(&before).zip(&after) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(text(after), text(before), "{path}");
        }
        // Unless late reports are left out, each answer is another one.
        for (path, (with, without)) in
            asked.iter().zip(answers(server, &asked, "").iter().zip(&before))
        {
            assert_ne!(with, without, "{path}");
        }
    }
    let series = server.read(&format!("{}&late=no", asked.last().unwrap().replace(".ndjson", "")));
    assert_eq!((&series["final"], &series["points"][0]["expected"]), (&json!(true), &Value::Null));
}

#[test]
fn what_came_on_time_stays_as_it_is_on_every_store() {
    late_reports_change_nothing_on(&TestServer::start());
    for url in [shared_single(), shared_cluster()] {
        let prefix = own_prefix();
        let server = TestServer::start_by_on_redis_at(&url, Policy::default(), &prefix);
        late_reports_change_nothing_on(&server);
    }
}

#[test]
fn tiles_of_a_style_leave_out_what_its_address_does_and_other_words_are_refused() {
    let server = TestServer::start();
    let document = server.read("/v1/tiles.json?provider=alpha&late=no");
    let tiles = document["tiles"][0].as_str().unwrap();
    assert!(tiles.ends_with("?provider=alpha&late=no"), "{tiles}");
    for path in [
        "/v1/heatmap?provider=alpha",
        "/v1/heatmap.csv?provider=alpha",
        "/v1/heatmap.frames.json?provider=alpha",
        "/v1/tiles/0/0/0.mvt?provider=alpha",
        "/v1/tiles.json?provider=alpha",
        "/v1/style.json?provider=alpha",
        "/v1/series?provider=alpha",
        "/v1/series.ndjson?provider=alpha",
    ] {
        for word in ["", "No", "false", "maybe"] {
            let answer = server.get(&format!("{path}&late={word}"));
            let error = answer.json()["errors"][0].clone();
            assert_eq!(
                (answer.status, &error["field"], &error["expected"]),
                (400, &json!("late"), &json!("yes or no")),
                "{path} {word}"
            );
        }
    }
    assert_eq!(server.get("/v1/incidents?late=no").json()["code"], json!("unknown_parameter"));
}
