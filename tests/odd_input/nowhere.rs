//! Reports from nowhere, and ids that many phones share: counted, but no evidence of an
//! incident.

use super::{metrics, on_every_store, taken, total};
use crate::support::past::quiet_past;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, but, cell, ndjson, report, text};
use groundswell::domain::time::MINUTE_MS;
use serde_json::{Value, json};

#[test]
fn ids_that_many_phones_send_count_once_a_minute_and_cell() {
    on_every_store(|server| {
        let ids = [
            "null",
            "(null)",
            "00000000-0000-0000-0000-000000000000",
            "",
            "  ",
            "0",
            "undefined",
            "9774d56d682e549c",
        ];
        for (n, id) in ids.iter().enumerate() {
            let answer = taken(&server.report(&report(id)), id);
            assert_eq!(answer["outcome"], if n == 0 { "counted" } else { "duplicate" }, "{id:?}");
            assert!(
                answer["warning"].as_str().is_some_and(|warning| warning.contains("many phones")),
                "{id:?}: {answer}"
            );
        }
        assert_eq!(total(server, "window=5m"), 1);
        let (lat, lon) = VANCOUVER;
        assert_eq!(
            server.report(&but(report("nil"), json!({"lat": lat, "lon": lon}))).json()["outcome"],
            "counted",
            "another cell"
        );
        assert_eq!(
            server.report(&but(report("nil"), json!({"provider": "bravo"}))).json()["outcome"],
            "counted",
            "another provider"
        );
        server.advance_ms(MINUTE_MS);
        assert_eq!(server.report(&report("none")).json()["outcome"], "counted", "another minute");
        assert_eq!(server.report(&report("of its own")).json()["outcome"], "counted");
        assert_eq!(total(server, "window=5m"), 4);
        // However late, and however its clock is off: what counts is the minute it was
        // observed in.
        let late = json!({"observed_at": text(server.now().plus_ms(-90 * MINUTE_MS))});
        let outcomes = ["null", "nil"]
            .map(|id| server.report(&but(report(id), late.clone())).json()["outcome"].clone());
        assert_eq!(outcomes, [json!("counted"), json!("duplicate")]);
        assert_eq!(total(server, "window=3h"), 5);
        assert_eq!(
            metrics(server, "groundswell_report_warnings_total{kind=\"shared_id\"}")[0]
                .rsplit(' ')
                .next(),
            Some("13")
        );
    });
}

#[test]
fn shared_ids_and_reports_from_nowhere_open_no_incident() {
    for server in [TestServer::start_after_quiet_past(), TestServer::start_on_redis(quiet_past)] {
        server.catch_up();
        let ((lat, lon), mut counted) = (TORONTO, 0);
        // 500 senders of shared ids in one cell over ten minutes, others all over the
        // city; some tell it late; and 500 phones without a position.
        for minute in 0..10 {
            let ago = text(server.now().plus_ms(-30 * MINUTE_MS));
            let shared = (0..50).map(|n| {
                but(report(["null", "", "0", "nil"][n % 4]), json!({"provider": "charlie"}))
            });
            let around = (0..50).map(|n| {
                let (lat, lon) = (lat + f64::from(n) / 1_000.0, lon - f64::from(n) / 1_000.0);
                but(report("null"), json!({"provider": "charlie", "lat": lat, "lon": lon}))
            });
            let late = (0..50).map(|n| {
                let lat = lat + f64::from(n) / 1_000.0;
                but(report("null"), json!({"provider": "charlie", "lat": lat, "observed_at": ago}))
            });
            let nowhere = (0..50).map(|n| {
                but(
                    report(&format!("nowhere-{minute}-{n}")),
                    json!({"provider": "charlie", "lat": 0, "lon": 0}),
                )
            });
            let all: Vec<Value> = shared.chain(around).chain(late).chain(nowhere).collect();
            let answer = server.batch(&ndjson(&all)).json();
            assert_eq!(answer["rejected"], json!(0), "{answer}");
            counted += answer["counted"].as_u64().unwrap();
            server.watch_minutes(1);
            assert_eq!(server.read("/v1/incidents")["items"], json!([]));
            assert_eq!(server.read("/v1/spikes")["items"], json!([]));
        }
        let map = server.read("/v1/heatmap?provider=charlie&window=1h");
        assert_eq!((&map["unplaced"], counted > 600), (&json!(500), true), "{counted}");
        assert!(map["total"].as_u64().unwrap() >= counted, "{map}");
        // The same number of phones of their own is an outage.
        let own: Vec<Value> = (0..100)
            .map(|n| {
                let (lat, lon) = (lat + f64::from(n) / 2_000.0, lon - f64::from(n) / 2_000.0);
                but(
                    report(&format!("own-{n}")),
                    json!({"provider": "charlie", "lat": lat, "lon": lon}),
                )
            })
            .collect();
        server.batch(&ndjson(&own));
        server.watch_minutes(1);
        assert_eq!(server.read("/v1/incidents")["items"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_report_from_nowhere_counts_in_the_total_and_in_no_cell() {
    on_every_store(|server| {
        let nowhere = [
            json!({"lat": 0, "lon": 0}),
            json!({"lat": "0.0", "lon": "-0.0"}),
            json!({"lat": 0.0001, "lon": 0, "accuracy_m": null}),
            json!({"lat": 0, "lon": 0, "accuracy_m": 1e7}),
            json!({"lat": -180, "lon": -180}),
            json!({"lat": null, "lon": null, "cell": cell((0.0, 0.0), 8).to_string()}),
            json!({"lat": null, "lon": null, "cell": cell((0.0, 0.0), 6).h3()}),
        ];
        for (n, fields) in nowhere.iter().enumerate() {
            let sent = but(report(&format!("r{n}")), fields.clone());
            let answer = taken(&server.report(&sent), &sent.to_string());
            assert_eq!(
                (&answer["outcome"], answer.get("cell")),
                (&json!("counted"), None),
                "{sent}"
            );
            assert!(
                answer["warning"]
                    .as_str()
                    .is_some_and(|warning| warning.contains("lies in no cell")),
                "{sent}: {answer}"
            );
        }
        assert_eq!(server.report(&report("placed")).json()["outcome"], "counted");
        let again = but(report("r0"), json!({"observed_at": text(server.now())}));
        assert_eq!(server.report(&again).json()["outcome"], "duplicate");
        server.next_tick();
        let check = |path: &str, total: u64, unplaced: u64, cells: usize| {
            let answer = server.read(path);
            let head = if path.contains("h3j") { &answer["metadata"] } else { &answer };
            assert_eq!(
                (&head["total"], &head["unplaced"]),
                (&json!(total), &json!(unplaced)),
                "{path}"
            );
            let listed = ["cells", "features"]
                .iter()
                .find_map(|name| answer[*name].as_array())
                .map(Vec::len);
            assert_eq!(
                listed.or_else(|| answer["columns"]["hex"].as_array().map(Vec::len)),
                Some(cells),
                "{path}: {answer}"
            );
        };
        for resolution in 0..=8 {
            check(&format!("/v1/heatmap?provider=alpha&resolution={resolution}"), 8, 7, 1);
        }
        for format in [".geojson", ".h3j", ".columns.json"] {
            check(&format!("/v1/heatmap{format}?provider=alpha"), 8, 7, 1);
        }
        check("/v1/heatmap?network=north", 8, 7, 1);
        check("/v1/heatmap?provider=alpha&bbox=-1,-1,1,1", 0, 0, 0);
        let span = "from=2022-07-08T08:00:00Z&to=2022-07-08T08:45:00Z&step=1h";
        let series = |filter: &str| {
            server.read(&format!("/v1/series?provider=alpha&{span}{filter}"))["points"][0]["count"]
                .clone()
        };
        let around = cell((0.0, 0.0), 7).to_string();
        assert_eq!(
            [series(""), series("&bbox=-1,-1,1,1"), series(&format!("&cell={around}"))],
            [json!(8), json!(0), json!(0)]
        );
        assert_eq!(server.read("/v1/providers/alpha")["now"]["count"], json!(8));
    });
}

#[test]
fn reports_without_a_place_stay_so_in_hours_and_after_a_restart() {
    let mut server = TestServer::start();
    for n in 0..3 {
        taken(
            &server.report(&but(report(&format!("r{n}")), json!({"lat": 0, "lon": 0}))),
            "nowhere",
        );
        taken(&server.report(&report(["null", "0", "nil"][n])), "shared");
    }
    let whole = |server: &TestServer| {
        let answer = server.read("/v1/heatmap?provider=alpha&to=2022-07-08T09:00:00Z&window=1h");
        [&answer["total"], &answer["unplaced"], &answer["cells"][0]["count"]]
            .map(|number| number.as_u64().unwrap())
    };
    server.advance_ms(60 * MINUTE_MS);
    assert_eq!(whole(&server), [4, 3, 1]);
    server = server.restarted_with(crate::support::CATALOGUE);
    assert_eq!(whole(&server), [4, 3, 1], "from the log or a snapshot");
    server.advance_ms(4 * 24 * 60 * MINUTE_MS);
    server.maintain();
    assert_eq!(whole(&server), [4, 3, 1], "aged");
    server.advance_ms(20 * 24 * 60 * MINUTE_MS);
    server.maintain();
    let hours = server.read(
        "/v1/series?provider=alpha&from=2022-07-08T08:00:00Z&to=2022-07-08T09:00:00Z&step=1h",
    );
    assert_eq!(hours["points"][0]["count"], json!(4), "of hours");
}
