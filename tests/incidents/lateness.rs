//! Detection that is behind the present, and says so.

use super::server;
use crate::support::server::TestServer;

fn detection_lag_seconds(server: &TestServer) -> f64 {
    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    metrics
        .lines()
        .find_map(|line| line.strip_prefix("groundswell_detection_lag_seconds "))
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn detection_that_has_not_come_to_the_present_is_late_since_it_began() {
    let server = TestServer::start_after_quiet_past();
    server.advance_minutes(10);
    assert!(detection_lag_seconds(&server) >= 600.0, "nobody has looked yet");
    server.step_detection();
    assert!(
        server.engine.detection_snapshot().is_behind && detection_lag_seconds(&server) >= 600.0,
        "one look is one piece of the past"
    );
    server.catch_up();
    assert!(detection_lag_seconds(&server) < 1.0);
}

#[test]
fn detection_that_is_late_is_not_taken_for_quiet() {
    let server = server();
    assert_eq!(server.read("/v1/providers/alpha")["now"]["status"], "no_problems");
    server.advance_minutes(3);
    assert_eq!(server.read("/v1/providers/alpha")["now"]["status"], "unknown");
    assert!(detection_lag_seconds(&server) >= 180.0);
    server.step_detection();
    assert_eq!(server.read("/v1/providers/alpha")["now"]["status"], "no_problems");
}
