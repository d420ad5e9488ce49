//! What the detectors have learnt, after a restart and from damaged calibration records.

use super::{goes_on, outage_in_toronto, server};
use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{CATALOGUE, NOW, TORONTO, cell, instant, ndjson};
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::detect::{METHOD, QuietDay};
use groundswell::domain::incident::entry::{Entry, Lesson};
use groundswell::store::journal::{Appended, JournalName, Position};
use groundswell::wire::journal::to_bytes;
use serde_json::{Value, json};

/// Where the score that opens an incident of Charlie in Toronto comes from.
fn threshold(server: &TestServer) -> Value {
    server.read(&format!("/v1/cells/{}?provider=charlie", cell(TORONTO, 7)))["threshold"].clone()
}

/// A server with a quiet past and these entries in its journal.
fn server_after(entries: &[Vec<u8>]) -> TestServer {
    let server = TestServer::start_after_quiet_past_and(|store| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(matches!(
            runtime.block_on(store.append(JournalName::Incidents, None, Position::START, entries)),
            Ok(Appended::Yes { .. })
        ));
    });
    server.catch_up();
    server
}

#[test]
fn what_quiet_days_taught_outlives_a_restart() {
    // A version with another method has been here, and its clock was ahead.
    let strange = of_another_method(&lesson(-20));
    let server = server_after(&[strange]);
    for day in 0..9 {
        // Three in a minute are worth a score: that of an incident once a week has taught
        // that it is seldom reached.
        assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 3, day))).status, 200);
        server.watch_minutes(1);
        server.advance_minutes(24 * 60 - 1);
        server.catch_up();
    }
    let before = threshold(&server);
    let server = server.restarted_with(CATALOGUE);
    server.catch_up();
    let after = threshold(&server);
    // The day that the first server began in was not whole, and is told nobody.
    assert_eq!((&before["quiet_days"], &after["quiet_days"]), (&json!(9), &json!(8)));
    assert_eq!((&before["origin"], &after["origin"]), (&json!("calibrated"), &json!("calibrated")));
}

#[test]
fn an_incident_of_before_a_restart_is_not_taken_for_usual() {
    let server = server();
    outage_in_toronto(&server);
    goes_on(&server, 20);
    server.advance_minutes(2 * 24 * 60 - 20);
    server.catch_up();
    let usual = |server: &TestServer| {
        let series =
            server.read(&format!("/v1/series?provider=charlie&cell={}&step=1h", cell(TORONTO, 5)));
        series["points"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point["expected"].as_f64().unwrap())
            .sum::<f64>()
    };
    let before = usual(&server);
    let server = server.restarted_with(CATALOGUE);
    server.catch_up();
    let after = usual(&server);
    assert!((after / before - 1.0).abs() < 0.001, "{before} before, {after} after");
}

/// What a quiet day so many days before [`NOW`] taught of Charlie, as bytes of the
/// journal.
fn lesson(ago: i64) -> Vec<u8> {
    let quiet_day = QuietDay::of(instant(NOW).minute().plus(-ago * 24 * 60));
    let (version, parameters) = (METHOD.to_owned(), Parameters::default().fingerprint());
    to_bytes(&Entry::Lesson(Lesson { provider: "charlie".into(), version, parameters, quiet_day }))
}

/// The same lesson, by a method that no version has.
fn of_another_method(lesson: &[u8]) -> Vec<u8> {
    let ours = format!(r#""version":"{METHOD}""#);
    let text = String::from_utf8(lesson.to_vec()).unwrap();
    assert!(text.contains(&ours), "{text}");
    text.replace(&ours, r#""version":"0""#).into_bytes()
}

#[test]
fn a_damaged_lesson_is_left_out_and_the_others_are_learnt() {
    let day =
        |from: &str, to: &str| String::from_utf8(lesson(5)).unwrap().replace(from, to).into_bytes();
    let rows = [
        (lesson(5), "calibrated", 7),
        (day("0.0,", "-1.0,"), "uncalibrated", 6),
        (day("[0.0,", "["), "uncalibrated", 6),
        (lesson(5)[..40].to_vec(), "uncalibrated", 6),
        // Scores of another method are not these.
        (of_another_method(&lesson(5)), "uncalibrated", 6),
    ];
    for (fifth, origin, quiet_days) in rows {
        let entries: Vec<Vec<u8>> =
            (2..8).rev().map(|ago| if ago == 5 { fifth.clone() } else { lesson(ago) }).collect();
        let threshold = threshold(&server_after(&entries));
        // Seven days are enough: six that are told, and the rest of the one in which the
        // detectors begin.
        assert_eq!(
            (&threshold["origin"], &threshold["quiet_days"]),
            (&json!(origin), &json!(quiet_days)),
            "{}",
            String::from_utf8_lossy(&fifth)
        );
    }
}
