//! Simulated outages: the files they are written to, what a replay and a server make of
//! them, and servers on a simulated clock.

use crate::support::binary::{Binary, groundswell, refused, within};
use crate::support::{gunzip, instant};
use groundswell::catalogue::builtin;
use groundswell::domain::fact::Source;
use groundswell::domain::report::{Arrival, Report};
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::DEFAULT_LATENESS_MS;
use groundswell::wire::report::RawReport;
use groundswell_lab::simulate::plan::Plan;
use groundswell_lab::simulate::scenario::{ALL, Scenario};
use serde_json::Value;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_mins(1);

#[test]
fn the_same_seed_writes_the_same_bytes_and_says_that_they_are_synthetic() {
    let directory = tempfile::tempdir().unwrap();
    for (name, seed) in [("one", "5"), ("again", "5"), ("other", "6")] {
        simulate(
            &[
                "rogers-2022",
                "--out",
                name,
                "--seed",
                seed,
                "--crowd",
                "0.01",
                "--history-weeks",
                "1",
            ],
            directory.path(),
        );
    }
    for file in ["history.ndjson.gz", "stream.ndjson.gz", "truth.json"] {
        let read = |name: &str| std::fs::read(directory.path().join(name).join(file)).unwrap();
        assert!(read("one") == read("again") && read("one") != read("other"), "{file}");
        if file.ends_with("gz") {
            let plain = gunzip(&read("one"));
            let lines = || plain.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            assert!(
                lines().count() > 100 && lines().all(|line| line.ends_with(b"\"synthetic\":true}")),
                "{file}"
            );
        }
    }
}

#[test]
fn every_report_of_every_scenario_is_taken_without_a_warning() {
    let (catalogue, key) = (builtin(), ReporterKey::new(b"test"));
    for scenario in ALL {
        let plan = Plan::new(scenario, 1, 0.001);
        let mut seen = 0;
        for report in plan.reports(scenario.from()..scenario.until()) {
            let line = report.line();
            let raw: RawReport = serde_json::from_slice(&line).unwrap();
            let read = raw
                .read(&catalogue)
                .unwrap_or_else(|faults| panic!("{}: {faults:?}", String::from_utf8_lossy(&line)));
            assert_eq!(read.warnings, [], "{}", String::from_utf8_lossy(&line));
            let arrival = Arrival {
                at: report.received_at,
                sent_at: None,
                source: Source::OPEN,
                lateness_ms: DEFAULT_LATENESS_MS,
            };
            Report::accept(&read.submission, &arrival, &key.around(report.received_at)).unwrap();
            seen += 1;
        }
        assert!(seen > 50, "{}: {seen}", scenario.name);
    }
}

#[test]
fn truth_says_who_failed_where_and_when_and_who_must_not_be_blamed() {
    let truth = |name: &str| {
        let plan = Plan::new(Scenario::by_name(name).unwrap(), 1, 0.1);
        serde_json::to_value(plan.truth(plan.scenario.from(), plan.scenario.until())).unwrap()
    };
    let rogers = truth("rogers-2022");
    let of = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| one["provider"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(
        ["rogers", "fido", "chatr", "interac"]
            .iter()
            .all(|id| of(&rogers["failed"]).contains(&(*id).to_owned()))
    );
    assert_eq!(of(&rogers["collateral"]), ["bell", "telus"]);
    assert_eq!(
        (&rogers["failed"][0]["from"], &rogers["first_word"]["at"]),
        (&"2022-07-08T08:44:00Z".into(), &"2022-07-08T13:00:00Z".into())
    );
    assert_eq!(rogers["failed"][0]["areas"][0]["cities"][0]["name"], "Toronto");
    let verizon = truth("verizon-2024");
    let areas = |failed: &Value| failed["areas"].as_array().unwrap().len();
    assert_eq!(
        verizon["failed"].as_array().unwrap().iter().map(areas).sum::<usize>(),
        9,
        "nine regions, each by itself"
    );
}

#[test]
fn a_simulated_outage_fills_a_store_on_which_a_server_goes_on_by_a_simulated_clock() {
    let directory = tempfile::tempdir().unwrap();
    let (from, until) = ("2022-07-08T08:30:00Z", "2022-07-08T10:30:00Z");
    simulate(
        &[
            "rogers-2022",
            "--out",
            "r1",
            "--crowd",
            "0.02",
            "--history-weeks",
            "1",
            "--from",
            from,
            "--until",
            until,
        ],
        directory.path(),
    );
    let replay = [
        "replay",
        "r1/stream.ndjson.gz",
        "--history",
        "r1/history.ndjson.gz",
        "--store",
        "store",
        "--out",
        "incidents.ndjson",
    ];
    let said = ran(&replay, directory.path());
    assert_eq!(
        said.lines().count(),
        2,
        "a line each for history and stream, and none for flaws: {said}"
    );
    let store = directory.path().join("store");

    let early = Binary::start_with_all(&store, &["--clock", "2022-07-08T09:00:00Z@1x"]);
    let unfit = early.get("/readyz?for=ingest");
    assert_eq!(unfit.status, 503, "{unfit}");
    assert!(
        ["2022-07-08T09:0", "2022-07-08T10:2", "--trust-clock"]
            .iter()
            .all(|said| unfit.text().contains(said)),
        "{unfit}"
    );
    drop(early);

    let server = Binary::start_with_all(&store, &["--clock", &format!("{until}@1x")]);
    assert!(server.log().contains("simulated"), "{}", server.log());
    let answer = server.get("/v1/heatmap?network=rogers&window=1h&bbox=-80.5,43,-78.5,44.5");
    let clock = answer.header("Simulated-Clock").unwrap().to_owned();
    assert!(clock.starts_with("2022-07-08T10:3") && clock.ends_with("@1x"), "{clock}");
    let (total, quiet) = (
        answer.json()["total"].as_u64().unwrap(),
        server.read("/v1/heatmap?network=bell&window=1h")["total"].clone(),
    );
    assert!(
        total > 100 && quiet.as_u64().unwrap() < total / 4,
        "{total} around Toronto, and {quiet} of Bell in all of Canada"
    );
}

#[test]
fn a_server_on_a_fast_clock_is_followed_and_leaves_no_gap() {
    let directory = tempfile::tempdir().unwrap();
    let server = Binary::start_with_all(
        directory.path(),
        &["--clock", "2022-07-08T10:00:00Z@600x,2022-07-08T10:20:00Z@1200x"],
    );
    let to = format!("http://{}", server.address());
    let arguments = [
        "rogers-2022",
        "--to",
        &to,
        "--crowd",
        "0.02",
        "--from",
        "2022-07-08T10:00:00Z",
        "--until",
        "2022-07-08T11:00:00Z",
    ];
    let said = simulate(&arguments, directory.path());
    assert!(said.contains(" 0 rejected"), "{said}");
    let plan = Plan::new(ALL[0], 1, 0.02);
    let sent = plan
        .reports(instant("2022-07-08T10:00:00Z")..instant("2022-07-08T11:00:00Z"))
        .count() as u64;
    let number = |word: &str| {
        said.split_whitespace()
            .zip(said.split_whitespace().skip(1))
            .find(|(_, after)| after.starts_with(word))
            .unwrap()
            .0
    };
    assert_eq!(
        number("reports").parse::<u64>().unwrap() + number("duplicates").parse::<u64>().unwrap(),
        sent,
        "{said}"
    );

    let hour =
        "/v1/series?provider=rogers&step=1m&from=2022-07-08T10:05:00Z&to=2022-07-08T10:55:00Z";
    let is_whole = || {
        server.read(hour)["points"]
            .as_array()
            .unwrap()
            .iter()
            .all(|point| point.get("gap").is_none())
    };
    assert!(
        within(DEADLINE, is_whole),
        "a minute is a gap though the server ran: {}",
        server.read(hour)
    );
    let counted: u64 = server.read(hour)["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["count"].as_u64().unwrap())
        .sum();
    assert!(counted > 300, "{counted}");
}

#[test]
fn to_a_server_on_real_time_the_scenario_is_played_as_if_it_began_now() {
    let directory = tempfile::tempdir().unwrap();
    let server = Binary::start_with_all(directory.path(), &[]);
    assert_eq!(server.get("/healthz").header("Simulated-Clock"), None);
    let to = format!("http://{}", server.address());
    let from = ["--from", "2022-07-08T10:30:00Z", "--until", "2022-07-08T11:00:00Z"];
    let said = simulate(
        &[&["rogers-2022", "--to", &to, "--crowd", "0.02", "--speed", "1800"], &from[..]].concat(),
        directory.path(),
    );
    assert!(said.contains(" 0 rejected"), "{said}");
    let now = server.read("/v1/providers/rogers")["now"]["count"].as_u64().unwrap();
    assert!(now > 300, "{now}");
}

#[test]
fn what_cannot_be_simulated_is_refused_with_the_way_out() {
    let rows: [(&[&str], &str); 22] = [
        (&["rogers", "--out", "x"], "there are rogers-2022, att-2024,"),
        (&["rogers-2022"], "--out <DIR>|--to <URL>"),
        (&["--out", "x"], "<SCENARIO>"),
        (&["rogers-2022", "--out", "x", "--crowd", "0"], "above 0 and up to 1"),
        (&["rogers-2022", "--out", "x", "--crowd", "1.5"], "above 0 and up to 1"),
        (
            &["rogers-2022", "--out", "x", "--from", "2022-07-11T00:00:00Z"],
            "rogers-2022 ends at 2022-07-10T04:00:00Z",
        ),
        (&["rogers-2022", "--out", "x", "--from", "noon"], "a time like"),
        (
            &["rogers-2022", "--out", "x", "--from", "1900-01-01T00:00:00Z"],
            "has quiet weeks from 2022-05-13T04:00:00Z on",
        ),
        (&["rogers-2022", "--out", "x", "--from=-000044-03-15T00:00:00Z"], "has quiet weeks from"),
        (&["rogers-2022", "--out", "x", "--from", "2022-05-13T03:59:59Z"], "has quiet weeks from"),
        (
            &["rogers-2022", "--out", "x", "--from", "9999-12-30T00:00:00Z"],
            "rogers-2022 ends at 2022-07-10T04:00:00Z",
        ),
        (&["rogers-2022", "--out", "x", "--from", "99999-01-01T00:00:00Z"], "a time like"),
        (
            &["rogers-2022", "--out", "x", "--until", "2022-07-10T04:00:01Z"],
            "it has long been over: rogers-2022 ends at",
        ),
        (&["rogers-2022", "--out", "x", "--until", "1900-01-01T00:00:00Z"], "when it is over"),
        (
            &[
                "rogers-2022",
                "--out",
                "x",
                "--from",
                "2022-07-09T00:00:00Z",
                "--until",
                "2022-07-08T23:00:00Z",
            ],
            "when it is over",
        ),
        (
            &["rogers-2022", "--to", "http://127.0.0.1:9", "--from", "1900-01-01T00:00:00Z"],
            "has quiet weeks from",
        ),
        (
            &["rogers-2022", "--to", "http://127.0.0.1:9", "--until", "2023-01-01T00:00:00Z"],
            "it has long been over",
        ),
        (&["rogers-2022", "--out", "x", "--crowd", "NaN"], "above 0 and up to 1"),
        (&["rogers-2022", "--out", "x", "--crowd=-0.1"], "above 0 and up to 1"),
        (&["rogers-2022", "--out", "x", "--crowd", "inf"], "above 0 and up to 1"),
        (&["rogers-2022", "--to", "127.0.0.1:9"], "an address like http://127.0.0.1:8080"),
        (&["rogers-2022", "--to", "http://127.0.0.1:9"], "no server answers at http://127.0.0.1:9"),
    ];
    let directory = tempfile::tempdir().unwrap();
    for (arguments, expected) in rows {
        let output = groundswell(&[&["simulate"], arguments].concat())
            .current_dir(directory.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(expected), "{arguments:?}: {said}");
    }
    assert!(!directory.path().join("x").exists());
}

#[test]
fn a_server_that_takes_none_of_the_reports_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let server = Binary::start(directory.path(), &[]);
    let to = format!("http://{}", server.address());
    let span = ["--from", "2022-07-08T10:00:00Z", "--until", "2022-07-08T10:30:00Z"];
    let arguments = [
        &["simulate", "rogers-2022", "--to", &to, "--crowd", "0.02", "--speed", "1800"],
        &span[..],
    ]
    .concat();
    let output = groundswell(&arguments).current_dir(directory.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && said.contains("the server took none of the reports"),
        "{said}"
    );
}

#[test]
fn a_clock_that_cannot_be_is_refused_with_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().to_str().unwrap();
    let rows = [
        ("tomorrow@60x", "expected a time like 2022-07-08T08:30:00Z"),
        ("2022-07-08T08:30:00Z@60000x", "expected a speed of 1x to 10000x"),
    ];
    for (clock, expected) in rows {
        let said = refused(&["--listen", "127.0.0.1:0", "--store", store, "--clock", clock]);
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn the_list_names_every_scenario() {
    let output = groundswell(&["simulate", "--list"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && ALL.iter().all(|scenario| said.contains(scenario.name)),
        "{said}"
    );
}

/// What `groundswell simulate` says.
fn simulate(arguments: &[&str], directory: &Path) -> String {
    ran(&[&["simulate"], arguments].concat(), directory)
}

/// What a command says that must succeed.
fn ran(arguments: &[&str], directory: &Path) -> String {
    let Output { status, stderr, .. } =
        groundswell(arguments).current_dir(directory).output().unwrap();
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert!(status.success(), "{arguments:?}: {said}");
    said
}
