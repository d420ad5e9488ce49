//! Frames of an animation, beside the heatmaps that they stand for.

use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, ndjson, text};
use groundswell::domain::time::{MINUTE_MS, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A server on which Charlie fails in Toronto for half an hour, and a little in Vancouver.
fn server() -> TestServer {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    for minute in 0..30 {
        assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 8, minute))).status, 200);
        assert_eq!(
            server.batch(&ndjson(&outage("charlie", VANCOUVER, 1, 500 + minute))).status,
            200
        );
        server.watch_minutes(1);
    }
    server
}

/// The cells of a heatmap or a frame: count and level by index.
type Cells = BTreeMap<String, (u64, Value)>;

fn of_heatmap(heatmap: &Value) -> Cells {
    let all = ["cells", "coarser"].into_iter().flat_map(|of| heatmap[of].as_array().unwrap());
    let one = |cell: &Value| {
        let hex = cell["hex"].as_str().unwrap().to_owned();
        (hex, (cell["count"].as_u64().unwrap(), cell["level"].clone()))
    };
    all.map(one).collect()
}

fn of_frame(frames: &Value, frame: &Value) -> Cells {
    let places = frame["cell"].as_array().unwrap();
    let one = |n: usize| {
        let hex = &frames["hex"][places[n].as_u64().unwrap() as usize];
        let level = frame["level"].get(n).cloned().unwrap_or_default();
        (hex.as_str().unwrap().to_owned(), (frame["count"][n].as_u64().unwrap(), level))
    };
    (0..places.len()).map(one).collect()
}

fn minutes_ago(server: &TestServer, minutes: i64) -> String {
    text(Timestamp(server.now().0 - minutes * MINUTE_MS))
}

#[test]
fn frames_are_the_heatmaps_that_they_stand_for() {
    let server = server();
    for (query, resolution) in [
        ("window=15m&step=5m", 7),
        ("window=1h&step=15m", 5),
        ("window=7m&step=3m", 8),
        // Windows that lie apart.
        ("window=5m&step=20m", 7),
        ("window=1h&step=1h&region=5/8/11", 6),
    ] {
        let from = minutes_ago(&server, 90);
        let frames = server.read(&format!(
            "/v1/heatmap.frames.json?provider=charlie&from={from}&resolution={resolution}&{query}"
        ));
        let (mut compared, mut most) = (0, 0);
        for frame in frames["frames"].as_array().unwrap() {
            let to = frame["to"].as_str().unwrap();
            let window = query.split('&').next().unwrap();
            let heatmap = server.read(&format!(
                "/v1/heatmap?provider=charlie&to={to}&resolution={resolution}&{window}"
            ));
            let shown = of_frame(&frames, frame);
            let mut expected = of_heatmap(&heatmap);
            if query.contains("region") {
                expected.retain(|hex, _| shown.contains_key(hex));
            } else {
                assert_eq!(
                    (&frame["total"], &frame["unplaced"]),
                    (&heatmap["total"], &heatmap["unplaced"])
                );
            }
            assert_eq!(shown, expected, "{query} {to}");
            compared += 1;
            most = most.max(shown.len());
        }
        assert!(compared > 1 && most > 0, "{query}: {compared} frames of {most} cells at most");
    }
}

#[test]
fn frames_end_on_the_grid_of_their_step_and_list_each_cell_once() {
    let server = server();
    let to = "2022-07-08T08:58:41Z";
    let from = "2022-07-08T08:01:00Z";
    let frames = server
        .read(&format!("/v1/heatmap.frames.json?network=charlie&step=15m&from={from}&to={to}"));
    let ends: Vec<&str> =
        frames["frames"].as_array().unwrap().iter().map(|f| f["to"].as_str().unwrap()).collect();
    assert_eq!(ends, ["08:15", "08:30", "08:45"].map(|at| format!("2022-07-08T{at}:00Z")));
    let hex: Vec<&str> =
        frames["hex"].as_array().unwrap().iter().map(|hex| hex.as_str().unwrap()).collect();
    let mut once = hex.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), hex.len());
    assert_eq!((&frames["network"], &frames["provider"]), (&json!("charlie"), &Value::Null));
}

#[test]
fn what_are_no_frames_is_refused_by_field() {
    let server = TestServer::start();
    let rows = [
        ("step=0m", "step", "1m to 1d, like 15m"),
        ("step=2d", "step", "1m to 1d, like 15m"),
        (
            "step=14m&from=2022-07-07T08:00:00Z&to=2022-07-08T08:30:00Z",
            "step",
            "such that there are at most 97 frames",
        ),
        ("window=25h", "window", "1m to 24h, like 15m or 6h"),
        ("region=toronto", "region", "the address of a tile, z/x/y, like 6/17/23"),
        ("region=3/9/0", "region", "the address of a tile, z/x/y, like 6/17/23"),
        ("region=3/1", "region", "the address of a tile, z/x/y, like 6/17/23"),
        ("from=2022-07-08T08:00:00Z&to=2022-07-08T07:00:00Z", "from", "a step before to, at least"),
    ];
    for (query, field, expected) in rows {
        let answer = server.get(&format!("/v1/heatmap.frames.json?{query}"));
        let error = answer.json()["errors"][0].clone();
        assert_eq!(answer.status, 400, "{query}: {answer}");
        assert_eq!(
            (&error["field"], &error["expected"]),
            (&json!(field), &json!(expected)),
            "{query}"
        );
    }
    let early = "from=2022-06-01T00:00:00Z&to=2022-06-01T03:00:00Z";
    let answer = server.get(&format!("/v1/heatmap.frames.json?{early}"));
    assert_eq!(answer.json()["code"], "out_of_retention");
}
