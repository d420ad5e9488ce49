//! The files that a backtest reads and writes.

use super::{Folder, MINUTE_MS, OLD, done, names_in, refused, reports, said};
use crate::support::{NOW, instant, text};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;

#[test]
fn a_backtest_writes_over_nothing_that_it_reads_and_nothing_by_half() {
    let folder = Folder::new();
    let (start, stop) = (NOW, text(instant(NOW).plus_ms(24 * 60 * MINUTE_MS)));
    let stream = |name: &str, file: &str| {
        json!({
            "scenario": name, "family": "null", "stream": file, "warmup": "history.ndjson",
            "start": start, "stop": stop, "providers": ["alpha"]
        })
    };
    let nothing = |name: &str| {
        json!({
            "scenario": name, "family": "null", "provider": "*", "expect": "silent",
            "onset": start, "end": stop, "last_report": stop, "cells": []
        })
    };
    let index =
        json!([stream("x-null-00", "x-null-00.ndjson"), stream("x-null-01", "x-null-01.html")])
            .to_string();
    folder.write("set/index.json", index.as_bytes());
    folder.write(
        "set/truth.json",
        json!([nothing("x-null-00"), nothing("x-null-01")]).to_string().as_bytes(),
    );
    folder.write("set/history.ndjson", &reports(0..30));
    folder.write("set/x-null-00.ndjson", &reports(30..60));
    folder.write("set/x-null-01.html", &reports(30..50));
    symlink("set", folder.path("linked")).unwrap();
    let all = || {
        names_in(&folder.path("set"))
            .into_iter()
            .map(|name| (folder.read(&format!("set/{name}")), name))
            .collect::<Vec<_>>()
    };
    let before = all();
    let rows: [&[&str]; 8] = [
        &["--out", "set"],
        &["--out", "linked/"],
        &["--report", "set"],
        &["--report", "linked"],
        &["--json", "set/index.json"],
        &["--json", "linked/truth.json"],
        &["--json", "set/history.ndjson"],
        &["--alarms", "set", "--json", "set/x-null-00.ndjson"],
    ];
    for arguments in rows {
        refused(
            &folder.run(&[&["backtest", "--set", "set"], arguments].concat()),
            "is the file that is read as",
        );
        assert!(all() == before, "{arguments:?}");
    }
    let within = folder.run(&[
        "backtest",
        "--set",
        "set",
        "--report",
        "report",
        "--json",
        "report/index.html",
    ]);
    refused(&within, "are one file");
    done(&folder.run(&[
        "backtest",
        "--set",
        "set",
        "--report",
        "set/report",
        "--out",
        "found",
        "--json",
        "figures.json",
    ]));
    assert_eq!(
        names_in(&folder.path("set/report")),
        ["index.html", "x-null-00.html", "x-null-01.html"]
    );
    assert_eq!(names_in(&folder.path("found")), ["x-null-00.ndjson", "x-null-01.ndjson"]);
    assert!(serde_json::from_slice::<Value>(&folder.read("figures.json")).is_ok());

    refused(
        &folder.run(&["backtest", "--set", "set", "--alarms", "missing"]),
        "nothing could be read",
    );
    refused(&folder.run(&["backtest", "--set", "missing"]), "No such file");
    folder.write("set/x-null-01.html", b"nonsense\n");
    folder.write("figures.json", OLD);
    let output = folder.run(&["backtest", "--set", "set", "--json", "figures.json"]);
    refused(&output, "nothing could be read");
    assert!(
        said(&output).contains("1 malformed_json, first at set/x-null-01.html:1"),
        "{}",
        said(&output)
    );
    assert_eq!(folder.read("figures.json"), OLD);
    std::fs::remove_file(folder.path("set/x-null-01.html")).unwrap();
    refused(
        &folder.run(&["backtest", "--set", "set", "--json", "figures.json"]),
        "set/x-null-01.html: No such file",
    );
}

#[test]
fn a_backtest_reads_pipes_once_too() {
    let folder = Folder::new();
    let (start, stop) = (NOW, text(instant(NOW).plus_ms(24 * 60 * MINUTE_MS)));
    let stream = json!({
        "scenario": "x-null-00", "family": "null", "stream": "pipe",
        "start": start, "stop": stop, "providers": ["alpha"]
    });
    folder.write("set/index.json", json!([stream]).to_string().as_bytes());
    folder.write("set/truth.json", b"[]");
    let output = folder.shell(
        "mkfifo set/pipe; cat a.ndjson >set/pipe & timeout 60 $L backtest --set set --out found",
    );
    done(&output);
    assert!(folder.path("found/x-null-00.ndjson").is_file(), "{}", said(&output));
}
