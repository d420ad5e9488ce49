//! `groundswell backtest` as a person uses it: on a small set, on one that is broken,
//! with a report to look at.
//!
//! That its figures are the scorer's, to the digit, is held by `tests/backtest.py`.
use crate::support::binary::groundswell;
use groundswell::domain::detect::Band;
use groundswell::domain::time::Minute;
use groundswell_lab::backtest::alarms::{self, Alarm};
use groundswell_lab::backtest::trace::{Point, Trace};
use groundswell_lab::backtest::verdict::Fate;
use groundswell_lab::backtest::{Figure, Seconds, draw};
use serde_json::{Value, json};
use std::path::Path;

const INDEX: &str = "index.json";
const TRUTH: &str = "truth.json";
const CELL: &str = "872a100d6ffffff";

/// Two streams, an outage of Alpha in the first, nothing in the second.
fn small_set() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (start, stop) = ("2014-04-22T04:00:00Z", "2014-04-29T04:00:00Z");
    let stream = |scenario: &str, family: &str| {
        json!({"scenario": scenario, "family": family,
        "start": start, "stop": stop, "providers": ["alpha", "bravo"]})
    };
    let outage = json!({"scenario": "x-local-00", "family": "local", "provider": "alpha",
        "expect": "detect", "onset": "2014-04-25T10:00:00Z",
        "end": "2014-04-25T12:00:00Z", "last_report": "2014-04-25T12:05:00Z", "cells": [CELL],
        "reports_by_cell": {CELL: 3},
        "injected_received_s": [60, 120.5, 600]});
    let nothing = json!({"scenario": "x-null-01", "family": "null", "provider": "*",
        "expect": "silent", "onset": start, "end": stop,
        "last_report": stop, "cells": []});
    write(
        directory.path(),
        INDEX,
        &json!([stream("x-local-00", "local"), stream("x-null-01", "null")]),
    );
    write(directory.path(), TRUTH, &json!([outage, nothing]));
    std::fs::write(directory.path().join("x-local-00.ndjson"), revisions()).unwrap();
    std::fs::write(directory.path().join("x-null-01.ndjson"), false_alarm()).unwrap();
    directory
}

/// Found twelve minutes after the onset, over half an hour after the end.
fn revisions() -> String {
    let first = json!({"detected_at": "2014-04-25T10:12:00Z", "provider": "alpha",
        "cells": ["862a100d7ffffff"], "incident_id": "7",
        "onset_estimate": "2014-04-25T09:55:30Z"});
    let last = json!({"detected_at": "2014-04-25T11:00:00Z", "provider": "alpha",
        "cells": [CELL], "incident_id": "7",
        "resolved_at": "2014-04-25T12:30:00Z"});
    format!("{first}\n\n{last}\n")
}

fn false_alarm() -> String {
    json!({"detected_at": "2014-04-24T10:00:00Z", "provider": "bravo", "cells": [CELL]}).to_string()
}

fn write(directory: &Path, file: &str, value: &Value) {
    std::fs::write(directory.join(file), value.to_string()).unwrap();
}

/// What `groundswell backtest` prints on the set, its own files being the incidents; or
/// what it complains of.
fn backtest(set: &Path, more: &[&str]) -> Result<String, String> {
    let path = set.to_str().unwrap();
    let output = groundswell(&[&["backtest", "--set", path, "--alarms", path], more].concat())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn the_table_says_what_was_found_and_what_was_false() {
    let set = small_set();
    // One line of the table takes more columns than a line of code may.
    let expected = "\
family         hit/n  rate    med    p90 reports   FA/wk rise/wk  prec  recA  recW  resolve open\
\x20 onset±  note
local            1/1  1.00   12.0   12.0     3.0    0.00    0.00  1.00  1.00  1.00     30.0    0\
\x20    4.5  
null             0/0   nan    nan    nan     nan    1.00    0.00   nan   nan   nan      nan    0\
\x20    nan  
ALL              1/1  1.00   12.0   12.0     3.0    0.50    0.00  1.00  1.00  1.00     30.0    0\
\x20         mean capped delay 12.0 min; SCORE 13.0 (lower is better); spam quiet 0/0
";
    assert_eq!(backtest(set.path(), &[]).unwrap(), expected);
}

#[test]
fn streams_are_chosen_by_how_their_names_begin() {
    let set = small_set();
    let families = |pattern: &str| {
        let table = backtest(set.path(), &["--streams", pattern]).unwrap();
        table.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (pattern, expected) in [
        ("x-l", vec!["local"]),
        ("*-01", vec!["null"]),
        ("x-*-0", vec!["local", "null"]),
        ("x", vec!["local", "null"]),
    ] {
        assert_eq!(families(pattern)[1..families(pattern).len() - 1], expected, "{pattern}");
    }
    let error = backtest(set.path(), &["--streams", "local"]).unwrap_err();
    assert!(error.contains("no stream of that name"), "{error}");
}

/// Two copies of the small set in folders of these names, each with its incidents.
fn two_sets(names: [&str; 2]) -> tempfile::TempDir {
    let (directory, one) = (tempfile::tempdir().unwrap(), small_set());
    for name in names {
        let folder = directory.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for file in std::fs::read_dir(one.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
    }
    directory
}

#[test]
fn several_sets_are_told_apart_by_the_names_of_their_folders() {
    let sets = two_sets(["east", "west"]);
    let path = |name: &str| sets.path().join(name).to_str().unwrap().to_owned();
    let (east, west, all) = (path("east"), path("west"), path(""));
    let (json, report) = (path("figures.json"), path("report"));
    let output = groundswell(&[
        "backtest", "--set", &east, "--set", &west, "--alarms", &all, "--json", &json, "--report",
        &report,
    ])
    .output()
    .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let alone = backtest(&sets.path().join("east"), &[]).unwrap();
    assert_eq!(printed, format!("east\n{alone}\nwest\n{alone}"), "and no curve of alarms given");
    let figures: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    for name in ["east", "west"] {
        assert_eq!(figures[name]["figures"]["ALL"]["hit"], 1, "{figures}");
        for page in ["index.html", "x-local-00.html"] {
            assert!(sets.path().join("report").join(name).join(page).exists(), "{name} {page}");
        }
    }
}

#[test]
fn two_sets_of_one_name_are_refused() {
    let sets = two_sets(["a/x", "b/x"]);
    let path = |name: &str| sets.path().join(name).to_str().unwrap().to_owned();
    let output =
        groundswell(&["backtest", "--set", &path("a/x"), "--set", &path("b/x")]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("two sets are called x"), "{error}");
}

#[test]
fn halves_follow_the_whole() {
    let set = small_set();
    let printed = backtest(set.path(), &["--halves"]).unwrap();
    let tables: Vec<&str> = printed.split("\n\n").collect();
    assert_eq!(tables.len(), 3);
    assert!(
        tables[1].starts_with("even numbers\n")
            && tables[1].contains("\nlocal ")
            && !tables[1].contains("\nnull "),
        "{printed}"
    );
    assert!(
        tables[2].starts_with("odd numbers\n")
            && tables[2].contains("\nnull ")
            && !tables[2].contains("\nlocal "),
        "{printed}"
    );
}

#[test]
fn a_fault_names_the_file_the_entry_and_the_field() {
    let cases: [(&str, &str, &str); 9] = [
        (INDEX, "[{\"family\": \"local\"}]", "index.json, entry 1: field \"scenario\" is missing"),
        (INDEX, "{}", "index.json: expected a JSON array of objects"),
        (
            INDEX,
            "[{\"scenario\": \"../x\", \"family\": \"\", \"start\": \"2014-01-01T00:00:00Z\", \
             \"stop\": \"2014-01-02T00:00:00Z\"}]",
            "field \"scenario\" must be",
        ),
        (
            INDEX,
            "[{\"scenario\": \"x\", \"family\": \"\", \"start\": \"yesterday\"}]",
            "field \"start\" cannot be used: expected an instant of RFC 3339, got \"yesterday\"",
        ),
        (
            TRUTH,
            "[{\"cells\": [\"8z\"]}]",
            "truth.json, entry 1: field \"cells\" cannot be used: cell must be an H3 cell index \
             in hexadecimal, got \"8z\"",
        ),
        (
            TRUTH,
            "[{\"scenario\": 5}]",
            "truth.json, entry 1: field \"scenario\" cannot be used: invalid type: integer `5`",
        ),
        (
            "real_rises.json",
            "[{\"cell\": \"872a100d6ffffff\"}]",
            "real_rises.json, entry 1: field \"block\" is missing",
        ),
        (
            "x-local-00.ndjson",
            "\n{\"cells\": []}",
            "x-local-00.ndjson, line 2: field \"cells\" must name a cell",
        ),
        ("x-local-00.ndjson", "{\"cells\"", "x-local-00.ndjson, line 1: expected a JSON object"),
    ];
    for (file, content, expected) in cases {
        let set = small_set();
        std::fs::write(set.path().join(file), content).unwrap();
        let error = backtest(set.path(), &[]).unwrap_err();
        assert!(error.contains(expected), "{file} {content}\n{error}");
    }
}

#[test]
fn an_outage_without_its_reports_is_refused_unless_nobody_added_it() {
    let set = small_set();
    let truth = |family: &str| {
        json!([{"scenario": "x-local-00", "family": family, "provider": "alpha",
            "expect": "detect", "onset": "2014-04-25T10:00:00Z",
            "end": "2014-04-25T12:00:00Z", "last_report": "2014-04-25T12:05:00Z", "cells": [CELL]}])
    };
    write(set.path(), TRUTH, &truth("local"));
    let error = backtest(set.path(), &[]).unwrap_err();
    assert!(error.contains("field \"injected_received_s\" is missing"), "{error}");
    write(set.path(), TRUTH, &truth("natural"));
    assert!(backtest(set.path(), &[]).unwrap().contains("local            1/1"));
}

#[test]
fn a_report_has_a_page_for_each_stream_and_asks_nobody_for_anything() {
    let set = small_set();
    let report = set.path().join("made/report");
    backtest(set.path(), &["--report", report.to_str().unwrap()]).unwrap();
    let page = |name: &str| std::fs::read_to_string(report.join(name)).unwrap();
    let (index, found, nothing) =
        (page("index.html"), page("x-local-00.html"), page("x-null-01.html"));
    assert!(index.contains("href=\"x-local-00.html\"") && index.contains("SCORE 13.0"), "{index}");
    assert!(found.contains("x-local-00 · alpha · found after 12.0 min"), "{found}");
    assert_eq!(found.matches("<svg").count(), 2, "the whole stream, and a close-up of the outage");
    assert!(
        nothing.contains("x-null-01 · bravo") && !nothing.contains("x-null-01 · alpha"),
        "only whom something was raised about: {nothing}"
    );
    for text in [index, found, nothing] {
        let text = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !["<script", "http", "url(", "@import", "src="].iter().any(|word| text.contains(word)),
            "{text}"
        );
    }
}

#[test]
fn a_plot_is_one_sound_document_whatever_it_is_given() {
    let trace = |points| Trace { provider: "<i>&\"".into(), cells: None, threshold: 6.0, points };
    let point = |n: i64, count, expected| Point {
        from: Minute(n * 10),
        count,
        expected,
        score: f64::from(count),
    };
    let band = Band { mean: 1.0, low: 0.0, high: 3.5 };
    let full = vec![
        point(0, 0, None),
        point(1, 4, Some(band)),
        point(2, u32::MAX, Some(band)),
        point(9, 1, Some(band)),
    ];
    for points in [vec![], full] {
        let trace = trace(points);
        let incidents: Vec<Alarm> = alarms::parse("a file", &revisions()).unwrap();
        let figure = Figure {
            title: "<b> & \"c\"".into(),
            subtitle: "a\u{1}b".into(),
            from: Seconds(0.0),
            to: Seconds(9_000.0),
            trace: &trace,
            truths: vec![],
            incidents: incidents.iter().map(|alarm| (alarm, Fate::False)).collect(),
        };
        let svg = draw(&figure);
        assert_eq!(svg, draw(&figure), "the same figure is the same text");
        assert!(
            svg.starts_with("<svg ")
                && svg.ends_with("</svg>\n")
                && svg.contains("&lt;b&gt; &amp; &quot;c&quot;"),
            "{svg}"
        );
        assert!(!["NaN", "inf", "\u{1}"].iter().any(|word| svg.contains(word)), "{svg}");
        assert_well_formed(&svg);
    }
}

/// Every element that is opened is closed, in the right order.
fn assert_well_formed(markup: &str) {
    let mut open = Vec::new();
    for tag in markup.split('<').skip(1) {
        let (inside, _) = tag.split_once('>').unwrap_or_else(|| panic!("an open bracket: {tag}"));
        let name = inside.trim_matches('/').split_whitespace().next().unwrap();
        match (inside.starts_with('/'), inside.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name)),
            (false, false) => open.push(name),
            (false, true) => (),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
