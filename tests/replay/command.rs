//! The command: a file for each stream, and explanations on request.

use super::{HOURS, at, busy};
use crate::support::binary::groundswell;
use crate::support::{NOW, TORONTO, gzip, instant, ndjson, text};
use groundswell::domain::time::{MINUTE_MS, Timestamp};
use serde_json::{Value, json};

#[test]
fn the_command_writes_a_file_for_each_stream_of_a_directory_and_says_what_became_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        std::fs::write(directory.path().join(name), content).unwrap();
    };
    write("past.ndjson", &busy(0..200, "h"));
    write("one.ndjson.gz", &gzip(&busy(200..300, "s")));
    write("two.ndjson", &[busy(200..250, "s"), b"nonsense\n".to_vec()].concat());
    let run = |arguments: &[&str]| {
        groundswell(&[&["replay"], arguments].concat())
            .current_dir(directory.path())
            .output()
            .unwrap()
    };
    let each = run(&[
        "one.ndjson.gz",
        "two.ndjson",
        "--history",
        "past.ndjson",
        "--out",
        "found/",
        "--jobs",
        "2",
    ]);
    let said = String::from_utf8_lossy(&each.stderr);
    assert!(each.status.success(), "{said}");
    assert!(
        ["one.ndjson", "two.ndjson"].iter().all(|name| directory
            .path()
            .join("found")
            .join(name)
            .is_file())
    );
    for part in [
        "history: ",
        "one: ",
        "two: ",
        "1 malformed_json, first at two.ndjson:51",
        "incidents in ",
        " s\n",
    ] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    assert!(!said.contains('\r') && !said.contains('\u{1b}'), "no bar where nobody looks: {said}");
    let together = run(&["one.ndjson.gz", "two.ndjson", "--out", "all.ndjson"]);
    let said = String::from_utf8_lossy(&together.stderr);
    assert!(together.status.success() && directory.path().join("all.ndjson").is_file(), "{said}");
    assert!(said.contains("too_far_behind, first at two.ndjson:1"), "one after the other: {said}");
    let twice = run(&["one.ndjson.gz", "./one.ndjson.gz", "--out", "found/"]);
    assert!(
        !twice.status.success()
            && String::from_utf8_lossy(&twice.stderr).contains("two files are named one"),
        "{twice:?}"
    );
}

#[test]
fn what_incidents_explain_and_is_not_learnt_is_written_where_it_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    // A report every twenty minutes from about the city, and in the tenth hour one every
    // minute from a quarter of it.
    let quiet =
        (0..36).map(|n| at(n * 20 * MINUTE_MS, json!({"lat": TORONTO.0 + (n % 7) as f64 * 0.05})));
    let outage = (0..60).map(|n| {
        at(9 * HOURS + n * MINUTE_MS + 1_000, json!({"lat": TORONTO.0 + (n % 5) as f64 * 0.003}))
    });
    let mut lines: Vec<Value> = quiet.chain(outage).collect();
    lines.sort_by_key(|line| line["received_at"].as_str().unwrap().to_owned());
    std::fs::write(directory.path().join("stream.ndjson"), ndjson(&lines)).unwrap();
    std::fs::write(
        directory.path().join("other.ndjson"),
        ndjson(&[at(0, json!({"provider": "bravo"}))]),
    )
    .unwrap();
    let run = |arguments: &[&str]| {
        groundswell(&[&["replay"], arguments].concat())
            .current_dir(directory.path())
            .output()
            .unwrap()
    };
    let ran = run(&["stream.ndjson", "--out", "found.ndjson", "--explained", "explained.ndjson"]);
    assert!(ran.status.success(), "{ran:?}");
    let explained = std::fs::read_to_string(directory.path().join("explained.ndjson")).unwrap();
    let explained: Vec<Value> =
        explained.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let hours: Vec<&str> = explained.iter().map(|line| line["hour"].as_str().unwrap()).collect();
    let hour_of = |ms: i64| text(Timestamp(instant(NOW).plus_ms(ms).0.div_euclid(HOURS) * HOURS));
    assert!(hours.is_sorted() && hours[0] == hour_of(9 * HOURS), "{explained:?}");
    let place = json!(crate::support::cell(TORONTO, 7).to_string());
    let names_it = |line: &Value| {
        line["provider"] == "alpha"
            && line["global"] == false
            && line["cells"].as_array().unwrap().contains(&place)
    };
    assert!(explained.iter().all(names_it), "{explained:?}");
    let two = run(&[
        "stream.ndjson",
        "other.ndjson",
        "--out",
        "found/",
        "--explained",
        "explained.ndjson",
    ]);
    assert!(
        !two.status.success()
            && String::from_utf8_lossy(&two.stderr).contains("--explained is for one stream"),
        "{two:?}"
    );
}
