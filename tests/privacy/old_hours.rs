//! Hours of before there were public twins, whose minutes are gone: shown in cells of
//! resolution 5, and no finer.

use crate::support::client::Client;
use crate::support::server::TestServer;
use crate::support::{TORONTO, cell};
use groundswell::domain::grid::{Cell, Resolution};

const PASSED_ON: (&str, &str) = ("X-Forwarded-For", "203.0.113.7");
/// Days of which hours are left and no minutes, in the quiet past of all tests.
const DAYS: &str = "from=2022-06-18T00:00:00Z&to=2022-06-21T23:59:00Z&step=24h";

/// Reports of Alpha in a cell in those days, as everybody is shown them or exactly, and
/// whether any point says that more were hidden.
fn shown(server: &Client, cell: Cell, headers: &[(&str, &str)]) -> (u64, bool) {
    let path = format!("/v1/series?provider=alpha&cell={cell}&{DAYS}");
    let answer = server.send("GET", &path, headers, b"");
    assert_eq!(answer.status, 200, "{answer}");
    let series = answer.json();
    let points = series["points"].as_array().unwrap();
    let count = |point: &serde_json::Value| point["count"].as_u64().unwrap_or(0);
    let is_partial = points.iter().any(|point| point["partial"] == true);
    (points.iter().map(count).sum(), is_partial)
}

#[test]
fn hours_without_minutes_and_without_a_twin_are_shown_at_resolution_5() {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    let around = cell(TORONTO, 7).disk(2).into_iter().map(|(cell, _)| cell);
    let busy: Vec<Cell> = around.filter(|cell| shown(&server, *cell, &[]).0 > 0).collect();
    assert!(busy.len() > 3, "{busy:?}");
    for exact in busy {
        assert_eq!(shown(&server, exact, &[PASSED_ON]), (0, true), "{exact}");
        let finer = shown(&server, exact.rolled_up_to(Resolution::ALL[6]), &[PASSED_ON]);
        assert_eq!(finer.0, 0, "{exact}");
    }
    for resolution in [5, 4] {
        let coarse = cell(TORONTO, resolution);
        let (all, told) = (shown(&server, coarse, &[]), shown(&server, coarse, &[PASSED_ON]));
        assert!(all.0 > 0);
        assert_eq!(told, all, "{resolution}");
    }
}
