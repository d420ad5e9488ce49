//! Replays: what counts, what is said of lines that do not, and that neither the kind of
//! store nor a shared history changes anything.

use crate::support::binary::groundswell;
use crate::support::redis::{own_prefix, shared_single, start_shared};
use crate::support::{NOW, TORONTO, but, gzip, instant, ndjson, text};
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::fact::Tally;
use groundswell::domain::provider::{Catalogue, Provider};
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, MINUTE_MS, Timestamp};
use groundswell::engine::replay::account::{Account, Flaw};
use groundswell::engine::replay::past::Past;
use groundswell::engine::replay::simulation::Simulation;
use groundswell::engine::replay::source::Source;
use groundswell::engine::replay::{Observer, ReplayError, Setting, providers};
use groundswell::engine::watch::Step;
use groundswell::store::redis::{Redis, address};
use groundswell::store::{Store, embedded};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const HOURS: i64 = 60 * MINUTE_MS;

/// Sums up all that the detectors were shown: of each provider, minute and fact, how many
/// in the last step that saw it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    facts: BTreeMap<(String, i64, u64), Tally>,
    steps: BTreeMap<String, BTreeSet<i64>>,
    steps_twice: u64,
    bytes: u64,
}

#[test]
fn reports_are_counted_once_in_the_minute_they_were_observed() {
    let lines = [
        at(0, json!({})),
        at(10_000, json!({"observed_at": NOW, "device_id": "d0"})),
        at(20_000, json!({"provider": "bravo"})),
        at(50 * MINUTE_MS, json!({"device_id": "late", "observed_at": NOW})),
    ];
    let (account, shown) = replay(&setting(), &[], &[&ndjson(&lines)]);
    assert_eq!((account.counted, account.duplicates, account.minutes), (3, 1, 51));
    assert_eq!(account.flaws, BTreeMap::new());
    let of = |provider: &str, minute: i64| {
        let facts = shown
            .facts
            .iter()
            .filter(|((id, of, _), _)| id == provider && *of == instant(NOW).minute().0 + minute);
        facts.map(|(_, tally)| tally.count).sum::<u32>()
    };
    // The late one stands, for detectors, in the minute it came.
    assert_eq!((of("alpha", 0), of("alpha", 50), of("bravo", 0)), (1, 1, 1));
}

#[test]
fn every_provider_is_stepped_through_every_minute_also_those_without_reports() {
    let (account, shown) =
        replay(&setting(), &[], &[&ndjson(&[at(0, json!({})), at(3 * 24 * HOURS, json!({}))])]);
    let minutes: BTreeSet<i64> =
        (0..=3 * 24 * 60 + 1).map(|minute| instant(NOW).minute().0 + minute).collect();
    assert_eq!(account.minutes, 3 * 24 * 60 + 1);
    for id in ["alpha", "bravo", "echo"] {
        assert!(shown.steps[id] == minutes, "{id}");
    }
    assert_eq!(shown.steps_twice, 0);
}

#[test]
fn lines_may_have_our_own_names_or_those_of_the_test_streams() {
    let own = json!({"received_at": NOW, "observed_at": NOW, "provider": "alpha", "symptom": "no_data", "reporter_id": "a", "cell": "872a100d6ffffff"});
    let (account, _) = replay(&setting(), &[], &[&ndjson(&[own, at(0, json!({}))])]);
    assert_eq!((account.counted, account.flaws.len()), (2, 0));
}

#[test]
fn odd_lines_mean_what_they_mean_over_http() {
    let lines = [
        at(
            0,
            json!({"received_at": instant(NOW).0 / 1_000, "observed_at": instant(NOW).0, "device_id": 7}),
        ),
        at(1_000, json!({"device_id": "7", "observed_at": NOW})),
        at(2_000, json!({"device_id": "null"})),
        at(3_000, json!({"device_id": "00000000-0000-0000-0000-000000000000"})),
        at(4_000, json!({"device_id": "nowhere", "lat": 0, "lon": 0})),
        at(5_000, json!({"device_id": "works", "kind": "WORKS"})),
        at(6_000, json!({"device_id": "unclear", "kind": "workng"})),
        at(7_000, json!({"device_id": "coarse", "accuracy_m": -1})),
    ];
    let raw = format!(
        "{}{}",
        String::from_utf8(ndjson(&lines)).unwrap(),
        at(8_000, json!({"device_id": "nan", "accuracy_m": null}))
    )
    .replace("\"device_id\":\"nan\"", "\"device_id\":\"nan-1\",\"accuracy_m\":NaN");
    let (account, shown) = replay(&setting(), &[], &[raw.as_bytes()]);
    assert_eq!((account.counted, account.duplicates), (6, 2), "{account}");
    assert_eq!(
        account.flaws.iter().map(|(flaw, found)| (*flaw, found.count)).collect::<Vec<_>>(),
        [(Flaw::UnclearSymptom, 1)]
    );
    let of_alpha = || shown.facts.iter().filter(|((id, ..), _)| id == "alpha");
    assert_eq!(of_alpha().map(|(_, tally)| tally.count).sum::<u32>(), 6);
    assert_eq!(
        of_alpha().map(|(_, tally)| tally.first).sum::<u32>(),
        5,
        "an id of many phones is never the first"
    );
}

#[test]
fn every_broken_line_is_counted_by_kind_with_the_first_of_each() {
    let sound = at(0, json!({})).to_string();
    let lines: Vec<String> = vec![
        sound.clone(),
        "{\"received_at\":".into(),
        String::new(),
        "not json".into(),
        "[1, 2]".into(),
        "\"alpha\"".into(),
        at(0, json!({"provider": null})).to_string(),
        at(0, json!({"received_at": null})).to_string(),
        at(0, json!({"lat": 91})).to_string(),
        at(0, json!({"received_at": "yesterday"})).to_string(),
        at(0, json!({"received_at": true})).to_string(),
        at(0, json!({"received_at": "1969-12-31T23:59:59Z"})).to_string(),
        at(0, json!({"provider": "nobody"})).to_string(),
        at(0, json!({"provider": "delta"})).to_string(),
        at(0, json!({"observed_at": text(instant(NOW).plus_ms(-DEFAULT_LATENESS_MS - 1))}))
            .to_string(),
        at(0, json!({"observed_at": text(instant(NOW).plus_ms(2 * MINUTE_MS + 1))})).to_string(),
        at(0, json!({"id": "x".repeat(70_000)})).to_string(),
        at(0, json!({"received_at": "2099-01-01T00:00:00Z"})).to_string(),
        at(1_000, json!({"device_id": "last"})).to_string(),
    ];
    let (account, _) = replay(&setting(), &[], &[lines.join("\n").as_bytes()]);
    assert_eq!((account.counted, account.duplicates, account.minutes), (2, 0, 1));
    let expected = [
        (Flaw::MalformedJson, 2, 2),
        (Flaw::MalformedBody, 2, 5),
        (Flaw::MissingField, 2, 7),
        (Flaw::InvalidValue, 4, 9),
        (Flaw::UnknownProvider, 2, 13),
        (Flaw::TooOld, 1, 15),
        (Flaw::InFuture, 1, 16),
        (Flaw::TooLarge, 1, 17),
        (Flaw::TooFarAhead, 1, 18),
    ];
    let found: Vec<_> =
        account.flaws.iter().map(|(flaw, found)| (*flaw, found.count, found.first.line)).collect();
    assert_eq!(found, expected);
    assert!(
        account.to_string().contains("2 malformed_json, first at ")
            && account.to_string().contains("0.ndjson:2"),
        "{account}"
    );
}

#[test]
fn a_line_out_of_order_is_taken_as_received_now_unless_it_is_far_behind() {
    let lines = [
        at(10 * MINUTE_MS, json!({"device_id": "a"})),
        at(
            5 * MINUTE_MS,
            json!({"device_id": "b", "observed_at": text(instant(NOW).plus_ms(5 * MINUTE_MS))}),
        ),
        at(5 * MINUTE_MS - 1, json!({"device_id": "c"})),
        at(10 * MINUTE_MS, json!({"device_id": "d"})),
    ];
    let (account, shown) = replay(&setting(), &[], &[&ndjson(&lines)]);
    let flaws: Vec<_> =
        account.flaws.iter().map(|(flaw, found)| (*flaw, found.count, found.first.line)).collect();
    assert_eq!(
        (account.counted, flaws),
        (3, vec![(Flaw::OutOfOrder, 1, 2), (Flaw::TooFarBehind, 1, 3)])
    );
    let minutes = [10, 11].map(|minute| instant(NOW).minute().0 + minute);
    assert_eq!(shown.steps["alpha"], BTreeSet::from(minutes), "the time never runs back");
}

/// A report in each of so many minutes, and before the one of a minute those of these
/// dates, in minutes.
fn with_wrong_dates(minutes: i64, wrong: &[(i64, i64)]) -> Vec<Value> {
    let of_minute = |minute: i64| {
        let wrong = wrong.iter().enumerate().filter(move |(_, (before, _))| *before == minute);
        let wrong = wrong
            .map(|(n, (_, date))| at(date * MINUTE_MS, json!({"device_id": format!("wrong{n}")})));
        wrong.chain([at(minute * MINUTE_MS, json!({}))]).collect::<Vec<_>>()
    };
    (0..minutes).flat_map(of_minute).collect()
}

#[test]
fn a_line_whose_date_is_wrong_is_refused_alone_wherever_it_stands() {
    const YEAR: i64 = 366 * 24 * 60;
    let rows: [(&str, &[(i64, i64)], Flaw); 9] = [
        ("the first is of 2999", &[(0, 977 * YEAR)], Flaw::TooFarAhead),
        ("the first is a day ahead", &[(0, 24 * 60)], Flaw::TooFarAhead),
        ("the first is an hour ahead, as of another time zone", &[(0, 60)], Flaw::TooFarAhead),
        ("the first is of 1972", &[(0, -50 * YEAR)], Flaw::TooFarBehind),
        ("one is an hour ahead", &[(20, 80)], Flaw::TooFarAhead),
        ("one is twenty days ahead", &[(20, 20 * 24 * 60)], Flaw::TooFarAhead),
        ("one is of 2999", &[(20, 977 * YEAR)], Flaw::TooFarAhead),
        ("the last but one is a day ahead", &[(59, 24 * 60)], Flaw::TooFarAhead),
        ("one is of the day before", &[(20, -24 * 60)], Flaw::TooFarBehind),
    ];
    for (name, wrong, flaw) in rows {
        let (account, _) = replay(&setting(), &[], &[&ndjson(&with_wrong_dates(60, wrong))]);
        let flaws: Vec<_> = account
            .flaws
            .iter()
            .map(|(flaw, found)| (*flaw, found.count, found.first.line))
            .collect();
        let line = 1 + wrong[0].0 as u64;
        assert_eq!(
            (account.counted, account.minutes, flaws),
            (60, 60, vec![(flaw, 1, line)]),
            "{name}"
        );
    }
    let some: Vec<(i64, i64)> =
        (0..20).map(|n| (0, n * YEAR + YEAR)).chain((0..10).map(|n| (30, 2_000 + n))).collect();
    let (account, _) = replay(&setting(), &[], &[&ndjson(&with_wrong_dates(300, &some))]);
    assert_eq!(
        (account.counted, account.count_of(Flaw::TooFarAhead)),
        (300, 30),
        "many of them: {account}"
    );
}

#[test]
fn a_wrong_date_at_the_end_of_a_file_does_not_cost_the_next_file() {
    let first = [
        ndjson(&with_wrong_dates(30, &[])),
        ndjson(&[at(20 * 24 * HOURS, json!({"device_id": "wrong"}))]),
    ]
    .concat();
    let second =
        ndjson(&(30..60).map(|minute| at(minute * MINUTE_MS, json!({}))).collect::<Vec<_>>());
    let (account, _) = replay(&setting(), &[], &[&first, &second]);
    let flaws: Vec<_> =
        account.flaws.iter().map(|(flaw, found)| (*flaw, found.count, found.first.line)).collect();
    assert_eq!((account.counted, flaws), (60, vec![(Flaw::TooFarAhead, 1, 31)]), "{account}");
    assert!(
        account.to_string().contains("first at ") && account.to_string().contains("0.ndjson:31"),
        "{account}"
    );
}

#[test]
fn after_a_pause_of_a_year_the_rest_counts() {
    let year = 365 * 24 * HOURS;
    let before = (0..30).map(|minute| at(minute * MINUTE_MS, json!({})));
    let lines: Vec<Value> =
        before.chain((0..30).map(|minute| at(year + minute * MINUTE_MS, json!({})))).collect();
    // Alone, since every provider is stepped through eight weeks of it.
    let alone = Catalogue::new(vec![Provider::of_id("alpha".into())]).unwrap();
    let (account, _) = replay(&Setting { catalogue: alone, ..setting() }, &[], &[&ndjson(&lines)]);
    assert_eq!((account.counted, account.flaws.len()), (60, 0), "{account}");
}

#[test]
fn lines_in_no_order_are_refused_by_name_with_the_way_out() {
    let newest_first: Vec<Value> =
        (0..600).rev().map(|n| at(n * 10 * MINUTE_MS, json!({}))).collect();
    let (account, _) = replay(&setting(), &[], &[&ndjson(&newest_first)]);
    let refused = account.count_of(Flaw::TooFarAhead) + account.count_of(Flaw::TooFarBehind);
    assert!(
        refused == 600 - account.counted
            && account.to_string().contains("sort them by received_at"),
        "{account}"
    );
    let (account, _) =
        replay(&setting(), &[], &[&ndjson(&with_wrong_dates(60, &[(0, 60 * 24 * 365)]))]);
    assert!(!account.to_string().contains("sort"), "{account}");
}

#[test]
fn a_truncated_file_ends_there_and_the_next_goes_on() {
    let (first, second) = (busy(0..2_000, "a"), busy(2_000..2_100, "b"));
    let mut packed = gzip(&first);
    packed.truncate(packed.len() / 2);
    let (account, _) = replay(&setting(), &[], &[&packed, &second]);
    assert_eq!(account.count_of(Flaw::Truncated), 1);
    assert!((500..2_000).contains(&account.counted), "{account}");
    let whole = replay(&setting(), &[], &[&gzip(&first), &gzip(&second)]).0;
    assert_eq!((whole.counted + whole.duplicates, whole.flaws.len()), (2_100, 0));
}

#[test]
fn an_empty_file_gives_an_empty_account() {
    let (account, shown) = replay(&setting(), &[], &[b""]);
    assert_eq!((account, shown), (Account::default(), Shown::default()));
    let nobody = Setting { catalogue: Catalogue::default(), ..setting() };
    assert_eq!(replay(&nobody, &[b"\n"], &[&gzip(b"")]).0, Account::default());
}

#[test]
fn providers_are_taken_as_they_come() {
    let lines = [
        "not json",
        r#"{"provider":7}"#,
        r#"{"provider":"No Id"}"#,
        r#"{"provider":"zulu"}"#,
        r#"{"a":1,"provider":"zulu"}"#,
    ];
    let files =
        Files::new(&[lines.join("\n").as_bytes(), &gzip(br#"{"provider":"al-pha","x":[]}"#)]);
    let catalogue = providers::named_in(&files.paths, &crate::support::catalogue()).unwrap();
    assert_eq!(
        catalogue.iter().map(|(_, provider)| provider.id.as_str()).collect::<Vec<_>>(),
        ["al-pha", "zulu"]
    );
}

#[test]
fn a_mobile_network_code_means_whom_it_is_known_to_mean_or_a_provider_of_its_own() {
    let lines = [
        r#"{"plmn":"00101"}"#,
        r#"{"provider":"alpha","plmn":"302999"}"#,
        r#"{"plmn":"302-720"}"#,
        r#"{"plmn":302721}"#,
        r#"{"provider":null,"plmn":"302720"}"#,
        // What phones send for "unknown", and what is no code.
        r#"{"plmn":"65535"}"#,
        r#"{"plmn":"00000"}"#,
        r#"{"plmn":"--"}"#,
        r#"{"plmn":"1"}"#,
        r#"{"plmn":["302722"]}"#,
    ];
    let files = Files::new(&[lines.join("\n").as_bytes()]);
    let catalogue = providers::named_in(&files.paths, &crate::support::catalogue()).unwrap();
    let found: Vec<(&str, &[String])> =
        catalogue.iter().map(|(_, provider)| (provider.id.as_str(), &provider.plmn[..])).collect();
    let codes = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
    let expected = [
        ("alpha", codes(&["00101"])),
        ("plmn-302720", codes(&["302720"])),
        ("plmn-302721", codes(&["302721"])),
    ];
    assert_eq!(found, expected.iter().map(|(id, codes)| (*id, &codes[..])).collect::<Vec<_>>());
}

#[test]
fn the_store_and_what_the_detectors_see_are_the_same_alone_and_from_a_shared_past() {
    let history = busy(0..3_000, "h");
    let streams = [busy(3_000..4_000, "s"), busy(3_001..3_500, "t")];
    let setting = setting();
    let past = Files::new(&[&history]);
    let past = Past::play(&setting, &past.paths, &mut |_| {}).unwrap();
    assert_eq!(past.account().counted + past.account().duplicates, 3_000);
    for stream in streams {
        let files = Files::new(&[&history, &stream]);
        let (history, stream) = files.paths.split_at(1);
        let directory = tempfile::tempdir().unwrap();
        let store =
            Store::open_embedded(directory.path(), &setting.catalogue, setting.terms(), unsynced())
                .unwrap();
        let alone = play(Simulation::over(&setting, store).unwrap(), history, stream);
        let shared = play(past.resume().unwrap(), &[], stream);
        assert!(alone.0.counted > 400 && alone.0.duplicates > 0, "{}", alone.0);
        assert!(alone == shared, "{} or {}", alone.0, shared.0);
    }
}

#[test]
fn redis_gives_the_same_account_and_shows_the_detectors_the_same() {
    start_shared();
    let setting = setting();
    let files = Files::new(&[&busy(0..1_000, "h"), &busy(1_000..2_000, "s")]);
    let (history, stream) = files.paths.split_at(1);
    let tenant = || address::Options { prefix: own_prefix(), ..address::Options::default() };
    let open = |options| {
        Redis::open(&shared_single(), &setting.catalogue, setting.terms(), options).unwrap()
    };
    let (own, copied) = (tenant(), tenant());
    let on_redis =
        play(Simulation::over(&setting, Store::on_redis(open(&own))).unwrap(), history, stream);
    let past = Past::play(&setting, history, &mut |_| {}).unwrap();
    let embedded = play(past.resume().unwrap(), &[], stream);
    assert!(on_redis.0.counted > 800 && on_redis.0.duplicates > 0, "{}", on_redis.0);
    assert!(on_redis == embedded, "{} or {}", on_redis.0, embedded.0);
    let from_a_copy = play(past.resume_in(open(&copied)).unwrap(), &[], stream);
    assert!(from_a_copy == embedded, "{} or {}", from_a_copy.0, embedded.0);
    for error in [
        Simulation::over(&setting, Store::on_redis(open(&own))).unwrap_err(),
        past.resume_in(open(&copied)).unwrap_err(),
    ] {
        assert!(
            matches!(error, ReplayError::Occupied(_))
                && error.to_string().contains("--redis-prefix"),
            "{error}"
        );
    }
}

#[test]
fn a_store_that_holds_facts_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::new(&[&ndjson(&[at(0, json!({}))])]);
    let out = directory.path().join("out.ndjson");
    let run = || {
        let mut command = groundswell(&["replay", "--store"]);
        command
            .arg(directory.path().join("store"))
            .arg("--out")
            .arg(&out)
            .arg(files.paths[0].path())
            .output()
            .unwrap()
    };
    let (first, second) = (run(), run());
    assert!(first.status.success(), "{first:?}");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && said.contains("is no empty store"), "{said}");
}

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

/// A report of Alpha received so many milliseconds after [`NOW`], as in the test streams,
/// but for these fields.
fn at(ms: i64, fields: Value) -> Value {
    let (lat, lon) = TORONTO;
    let received_at = text(instant(NOW).plus_ms(ms));
    let device_id = format!("d{ms}");
    let report = json!({"received_at": received_at, "provider": "alpha", "kind": "no_service", "lat": lat, "lon": lon, "accuracy_m": 31, "device_id": device_id});
    but(report, fields)
}

/// Some reports, every fifth minute a few, over days: of several providers and places,
/// some late, some twice.
fn busy(reports: std::ops::Range<i64>, who: &str) -> Vec<u8> {
    let line = |n: i64| {
        let ms = n / 3 * 5 * MINUTE_MS + n % 3 * 7_000;
        let late = if n % 11 == 0 { 40 * MINUTE_MS } else { n % 4 * MINUTE_MS };
        let (provider, accuracy_m) = (
            ["alpha", "bravo", "charlie"][(n % 7 % 3) as usize],
            [20, 500, 2_000][(n % 3) as usize],
        );
        let (lat, observed_at) =
            (TORONTO.0 + (n % 13) as f64 * 0.02, text(instant(NOW).plus_ms(ms - late)));
        let device_id = format!("{who}{}", n / 2 * 2 % 900);
        let fields = json!({"provider": provider, "lat": lat, "accuracy_m": accuracy_m, "observed_at": observed_at, "device_id": device_id});
        at(ms, fields)
    };
    ndjson(&reports.map(line).collect::<Vec<_>>())
}

fn setting() -> Setting {
    let (catalogue, key) = (crate::support::catalogue(), ReporterKey::new(b"test"));
    Setting { catalogue, key, lateness_ms: DEFAULT_LATENESS_MS, parameters: Parameters::default() }
}

fn unsynced() -> embedded::Options {
    embedded::Options { durability: embedded::Durability::Unsynced, ..embedded::Options::default() }
}

/// Replays files of these contents, after a history.
fn replay(setting: &Setting, history: &[&[u8]], stream: &[&[u8]]) -> (Account, Shown) {
    let (history, stream) = (Files::new(history), Files::new(stream));
    let mut shown = Shown::default();
    let past = Past::play(setting, &history.paths, &mut |_| {}).unwrap();
    let account = past.resume().unwrap().replay(&stream.paths, &mut shown).unwrap();
    let bytes: u64 = stream.paths.iter().map(Source::bytes).sum();
    assert_eq!(std::mem::take(&mut shown.bytes), bytes);
    (account, shown)
}

/// Replays; gives the account, what the detectors saw, and what the store holds in the
/// end.
fn play(
    mut simulation: Simulation<'_>,
    history: &[Source],
    stream: &[Source],
) -> (Account, Shown, BTreeMap<(u16, i64, u64), Tally>) {
    simulation.history(history, &mut |_| {}).unwrap();
    let mut shown = Shown::default();
    let account = simulation.replay(stream, &mut shown).unwrap();
    (account, shown, facts_of(simulation.store()))
}

fn facts_of(store: &Store) -> BTreeMap<(u16, i64, u64), Tally> {
    let days = |days: i64| instant(NOW).plus_ms(days * 24 * HOURS);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut facts = BTreeMap::new();
    for (provider, _) in crate::support::catalogue().iter() {
        for (hour, counts) in
            runtime.block_on(store.hours(provider, hour(days(-3))..hour(days(20)))).unwrap()
        {
            facts.extend(
                counts.rows().map(|(key, tally)| ((provider.0, hour.0, key.number()), tally)),
            );
        }
    }
    facts
}

fn hour(instant: Timestamp) -> groundswell::domain::time::Hour {
    instant.minute().hour()
}

impl Observer for Shown {
    fn step(&mut self, provider: &str, step: &Step<'_>) {
        self.steps_twice +=
            u64::from(!self.steps.entry(provider.to_owned()).or_default().insert(step.minute.0));
        for (minute, (key, tally)) in
            step.facts.iter().flat_map(|(minute, counts)| counts.rows().map(|row| (minute.0, row)))
        {
            self.facts.insert((provider.to_owned(), minute, key.number()), tally);
        }
    }

    fn read(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

/// Files of these contents, in a directory that ends with them.
struct Files {
    paths: Vec<Source>,
    _directory: tempfile::TempDir,
}

impl Files {
    fn new(contents: &[&[u8]]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |(n, content): (usize, &&[u8])| {
            let path: PathBuf = Path::new(directory.path()).join(format!("{n}.ndjson"));
            std::fs::write(&path, content).unwrap();
            path.into()
        };
        Self { paths: contents.iter().enumerate().map(write).collect(), _directory: directory }
    }
}
