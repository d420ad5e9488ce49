//! Lines: what counts, and what is said of those that do not.

use super::{Files, HOURS, Shown, at, busy, replay, setting};
use crate::support::{NOW, gzip, instant, ndjson, text};
use groundswell::domain::provider::Catalogue;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, MINUTE_MS};
use groundswell::engine::replay::statistics::{Flaw, Statistics};
use groundswell::engine::replay::{Setting, providers};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn reports_are_counted_once_in_the_minute_they_were_observed() {
    let lines = [
        at(0, json!({})),
        at(10_000, json!({"observed_at": NOW, "device_id": "d0"})),
        at(20_000, json!({"provider": "bravo"})),
        at(50 * MINUTE_MS, json!({"device_id": "late", "observed_at": NOW})),
    ];
    let (statistics, shown) = replay(&setting(), &[], &[&ndjson(&lines)]);
    assert_eq!((statistics.counted, statistics.duplicates, statistics.minutes), (3, 1, 51));
    assert_eq!(statistics.flaws, BTreeMap::new());
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
    let (statistics, shown) =
        replay(&setting(), &[], &[&ndjson(&[at(0, json!({})), at(3 * 24 * HOURS, json!({}))])]);
    let minutes: BTreeSet<i64> =
        (0..=3 * 24 * 60 + 1).map(|minute| instant(NOW).minute().0 + minute).collect();
    assert_eq!(statistics.minutes, 3 * 24 * 60 + 1);
    for id in ["alpha", "bravo", "echo"] {
        assert!(shown.steps[id] == minutes, "{id}");
    }
    assert_eq!(shown.steps_twice, 0);
}

#[test]
fn lines_may_have_our_own_names_or_those_of_the_test_streams() {
    let own = json!({
        "received_at": NOW, "observed_at": NOW, "provider": "alpha", "symptom": "no_data",
        "reporter_id": "a", "cell": "872a100d6ffffff"
    });
    let (statistics, _) = replay(&setting(), &[], &[&ndjson(&[own, at(0, json!({}))])]);
    assert_eq!((statistics.counted, statistics.flaws.len()), (2, 0));
}

#[test]
fn odd_lines_mean_what_they_mean_over_http() {
    let lines = [
        at(
            0,
            json!({
                "received_at": instant(NOW).0 / 1_000, "observed_at": instant(NOW).0,
                "device_id": 7
            }),
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
    let (statistics, shown) = replay(&setting(), &[], &[raw.as_bytes()]);
    assert_eq!((statistics.counted, statistics.duplicates), (6, 2), "{statistics}");
    assert_eq!(
        statistics.flaws.iter().map(|(flaw, found)| (*flaw, found.count)).collect::<Vec<_>>(),
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
    let (statistics, _) = replay(&setting(), &[], &[lines.join("\n").as_bytes()]);
    assert_eq!((statistics.counted, statistics.duplicates, statistics.minutes), (2, 0, 1));
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
    let found: Vec<_> = statistics
        .flaws
        .iter()
        .map(|(flaw, found)| (*flaw, found.count, found.first.line))
        .collect();
    assert_eq!(found, expected);
    assert!(
        statistics.to_string().contains("2 malformed_json, first at ")
            && statistics.to_string().contains("0.ndjson:2"),
        "{statistics}"
    );
}

#[test]
fn a_truncated_file_ends_there_and_the_next_goes_on() {
    let (first, second) = (busy(0..2_000, "a"), busy(2_000..2_100, "b"));
    let mut packed = gzip(&first);
    packed.truncate(packed.len() / 2);
    let (statistics, _) = replay(&setting(), &[], &[&packed, &second]);
    assert_eq!(statistics.count_of(Flaw::Truncated), 1);
    assert!((500..2_000).contains(&statistics.counted), "{statistics}");
    let whole = replay(&setting(), &[], &[&gzip(&first), &gzip(&second)]).0;
    assert_eq!((whole.counted + whole.duplicates, whole.flaws.len()), (2_100, 0));
}

#[test]
fn an_empty_file_gives_an_empty_account() {
    let (statistics, shown) = replay(&setting(), &[], &[b""]);
    assert_eq!((statistics, shown), (Statistics::default(), Shown::default()));
    let nobody = Setting { catalogue: Catalogue::default(), ..setting() };
    assert_eq!(replay(&nobody, &[b"\n"], &[&gzip(b"")]).0, Statistics::default());
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
