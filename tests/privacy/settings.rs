//! The rule of a store: agreed on at the start, changed while servers run, on record.

use super::{asking, rule};
use crate::keys::{Keyed, by_keys, get, refused};
use crate::support::binary::{Binary, groundswell, refused as refused_start, refused_by};
use crate::support::redis::{own_prefix, shared_single};
use crate::support::server::TestServer;
use crate::support::{NOW, catalogue, instant};
use groundswell::domain::access::table::Privacy;
use groundswell::domain::privacy::asked::AskedRule;
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::DEFAULT_LATENESS_MS;
use groundswell::engine::access::AccessError;
use groundswell::engine::access::ledger::Ledger;
use groundswell::http::policy::Anonymous;
use groundswell::store::redis::address;
use groundswell::store::{Store, Terms};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn on(store: &Path, arguments: &[&str]) -> Command {
    let mut command = groundswell(arguments);
    command.arg("--store").arg(store);
    command
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

fn shown(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn stopped(server: Binary) {
    server.terminate();
    assert!(server.wait().0.success());
}

#[test]
fn a_new_store_begins_with_three_people_and_nobody_chose_them() {
    let server = TestServer::start();
    let expected = json!({"k": 3, "finest": 7, "since": NOW, "configured": false});
    assert_eq!(server.read("/v1/privacy"), expected);
    let refused = refused(&server.get("/v1/privacy?k=1"), 400, "unknown_parameter");
    assert!(refused.contains('k'), "{refused}");
}

#[test]
fn a_start_chooses_once_and_another_choice_is_refused_with_the_command_that_makes_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("my store");
    stopped(Binary::start(&store, &[]));
    let server = Binary::start(&store, &["--privacy-k", "5"]);
    let now = server.read("/v1/privacy");
    assert_eq!(
        [&now["k"], &now["finest"], &now["configured"]],
        [&json!(5), &json!(7), &json!(true)]
    );
    stopped(server);

    let mut other = on(&store, &["serve", "--listen", "127.0.0.1:0", "--privacy-k", "4"]);
    other.args(["--public-finest", "6"]);
    let sentence = said(&refused_by(&mut other));
    let command = format!("groundswell privacy set --k 4 --finest 6 --store '{}'", store.display());
    for part in ["k = 5 and finest = 7", "k = 4 and finest = 6", &command] {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
    // A start that asks for nothing, or the same, takes what is there.
    for arguments in [&[][..], &["--privacy-k", "5"], &["--public-finest", "7"]] {
        let server = Binary::start(&store, arguments);
        assert_eq!(server.read("/v1/privacy")["k"], json!(5), "{arguments:?}");
        stopped(server);
    }

    // The command as it stands, by a shell.
    let program = Path::new(env!("CARGO_BIN_EXE_groundswell")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let set = done(Command::new("sh").args(["-c", &command]).env("PATH", path));
    assert!(said(&set).contains("told by k = 5 still"), "{set:?}");
    assert!(said(&set).contains("resolution 6 at the finest at once"), "{set:?}");
    let server = Binary::start(&store, &["--privacy-k", "4", "--public-finest", "6"]);
    assert_eq!(server.read("/v1/privacy")["finest"], json!(6));
}

#[test]
fn a_rule_out_of_its_range_is_refused_with_the_range() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store").display().to_string();
    let file = dir.path().join("settings.toml");
    std::fs::write(&file, "privacy_k = 51\n").unwrap();
    let file = file.display().to_string();
    let rows: [(&[&str], [&str; 2]); 5] = [
        (&["--privacy-k", "0"], ["--privacy-k", "1..=50"]),
        (&["--privacy-k", "51"], ["--privacy-k", "1..=50"]),
        (&["--public-finest", "9"], ["--public-finest", "0..=8"]),
        (&["--public-finest=-1"], ["--public-finest", "0..=8"]),
        (&["--config", &file], ["line 1: privacy_k", "1..=50"]),
    ];
    for (arguments, parts) in rows {
        let refused = said(&refused_start(&[&["--store", &store], arguments].concat()));
        assert!(parts.iter().all(|part| refused.contains(part)), "{arguments:?}: {refused}");
    }
    let mut by_variable = groundswell(&["serve", "--store", &store]);
    let refused = said(&refused_by(by_variable.env("GROUNDSWELL_PUBLIC_FINEST", "9")));
    assert!(
        refused.contains("GROUNDSWELL_PUBLIC_FINEST") && refused.contains("0..=8"),
        "{refused}"
    );
    assert!(!Path::new(&store).exists(), "nothing is made");
}

/// A connection of its own to one store.
fn store(prefix: &str) -> Store {
    let key = ReporterKey::new(b"secret of tests");
    let terms = Terms { reporter_key_check: key.check_value(), lateness_ms: DEFAULT_LATENESS_MS };
    let options = address::Options { prefix: prefix.into(), ..address::Options::default() };
    Store::open_redis(&shared_single(), &catalogue(), terms, &options).unwrap()
}

#[test]
fn two_nodes_that_start_at_once_agree_on_the_rule_and_on_the_coin() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let prefix = own_prefix();
    let (stores, ledgers) =
        ([store(&prefix), store(&prefix)], [Ledger::default(), Ledger::default()]);
    let start = |asked: [AskedRule; 2]| {
        let agree = |n: usize| ledgers[n].agree_on_privacy(&stores[n], instant(NOW), asked[n]);
        runtime.block_on(async { tokio::join!(agree(0), agree(1)) })
    };
    let known = || -> [Privacy; 2] {
        [0, 1].map(|n| {
            let table = runtime.block_on(ledgers[n].read(&stores[n])).unwrap();
            table.privacy().unwrap().clone()
        })
    };
    let nothing = AskedRule::default();
    let (first, second) = start([nothing, nothing]);
    assert_eq!(first.unwrap(), second.unwrap());
    let [new, same] = known();
    assert!(new == same && !new.is_chosen);
    // One of them chooses first, and the other is refused.
    let (first, second) = start([asking(4, 7), asking(5, 7)]);
    let refused = match (first, second) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        both => panic!("one is refused: {both:?}"),
    };
    assert!(matches!(refused, AccessError::PrivacyDiffers { .. }), "{refused}");
    let [chosen, same] = known();
    assert!(chosen == same && chosen.is_chosen && chosen.coin == new.coin);
    let length = runtime.block_on(ledgers[0].read(&stores[0])).unwrap().length();
    assert_eq!(length, 2, "each was recorded once");
}

#[test]
fn who_runs_it_changes_the_rule_and_is_told_what_that_means() {
    let server = Keyed::of(TestServer::start_by_asking(by_keys(Anonymous::Read), asking(3, 7)));
    let set = |body: Value| server.must("PUT", "/v1/privacy", &body);
    server.advance_minutes(1);
    let raised = set(json!({"k": 5}));
    assert_eq!([&raised["k"], &raised["finest"]], [&json!(5), &json!(7)]);
    let effects = |answer: &Value| answer["effects"].to_string();
    assert!(effects(&raised).contains("k = 5 at once"), "{raised}");
    let lowered = set(json!({"k": 2, "finest": 8}));
    let told = effects(&lowered);
    assert!(told.contains("k = 5 still") && told.contains("resolution 7"), "{lowered}");
    assert_eq!(effects(&set(json!({"k": 2}))), "[]", "it is so already");
    let now = server.read("/v1/privacy");
    assert_eq!(
        now,
        json!({"k": 2, "finest": 8, "since": "2022-07-08T08:45:10Z", "configured": true})
    );

    let audit = server.must("GET", "/v1/audit", &json!({}));
    let items = audit["items"].as_array().unwrap();
    let told: Vec<[&Value; 4]> = items
        .iter()
        .filter(|entry| entry["change"] == "privacy_set")
        .map(|entry| ["by", "by_key", "k", "finest"].map(|field| &entry[field]))
        .collect();
    let (key, admin) = (json!("key"), json!(server.admin[4..12]));
    let (line, null) = (json!("command_line"), json!(null));
    let [two, three, five, seven, eight] = [2, 3, 5, 7, 8].map(|n| json!(n));
    let expected = [
        [&key, &admin, &two, &eight],
        [&key, &admin, &five, &seven],
        [&line, &null, &three, &seven],
    ];
    assert_eq!(told, expected);
    assert!(!audit.to_string().contains("coin"), "{audit}");
}

#[test]
fn a_change_that_cannot_be_is_refused_by_its_field_and_only_admins_make_one() {
    let server = Keyed::of(TestServer::start_by_asking(by_keys(Anonymous::Read), asking(3, 7)));
    let rows = [
        (json!({"k": 0}), "k must be a whole number 1..=50"),
        (json!({"k": 51}), "k must be a whole number 1..=50"),
        (json!({"k": 2.5}), "k must be a whole number 1..=50"),
        (json!({"k": "3"}), "k must be a whole number 1..=50"),
        (json!({"finest": 9}), "finest must be a whole number 0..=8"),
        (json!({"finest": -1}), "finest must be a whole number 0..=8"),
        (json!({"colour": 1, "k": 3}), "colour"),
        (json!({}), "at least one field"),
        (json!([3]), "an object of k, finest"),
    ];
    for (body, expected) in rows {
        let answer = server.operate("PUT", "/v1/privacy", &body);
        assert_eq!(answer.status, 400, "{body}: {answer}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(expected), "{body}: {answer}");
    }
    let body = br#"{"k": 1}"#;
    let json = [("Content-Type", "application/json")];
    refused(&server.send("PUT", "/v1/privacy", &json, body), 401, "unauthenticated");
    let exact = server.key(&json!({"name": "a", "scopes": ["exact"]})).1;
    let bearer = format!("Bearer {exact}");
    let headers = [json[0], ("Authorization", bearer.as_str())];
    let answer = server.send("PUT", "/v1/privacy", &headers, body);
    refused(&answer, 403, "forbidden");
    assert_eq!(answer.json()["required_scope"], json!("admin"));
    assert_eq!(get(&server, &exact, "/v1/privacy").json()["k"], json!(3));
}

#[test]
fn the_command_shows_and_sets_it_in_a_store_and_at_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let refused = refused_by(&mut on(&store, &["privacy", "show"]));
    assert!(said(&refused).contains("is no directory of a store"), "{refused:?}");
    let refused = refused_by(&mut on(&store, &["privacy", "set"]));
    assert!(said(&refused).contains("--k or --finest"), "{refused:?}");
    assert!(!store.exists(), "nothing is made");
    // Before the first start, as the first key.
    let first = done(&mut on(&store, &["privacy", "set", "--k", "4"]));
    assert!(said(&first).contains("k = 4 and finest = 7"), "{first:?}");
    assert!(!said(&first).contains("warning"), "nothing was recorded before: {first:?}");
    let by_store = shown(&done(&mut on(&store, &["privacy", "show"])));
    let server = Binary::start(&store, &[]);
    let url = format!("http://{}", server.address());
    let asked = |arguments: &[&str]| done(groundswell(arguments).args(["--server", &url]));
    assert_eq!(shown(&asked(&["privacy", "show"])), by_store);
    let set = asked(&["privacy", "set", "--k", "1", "--finest", "8"]);
    let told = said(&set);
    assert!(told.contains("k = 4 still") && told.contains("k = 1 hides nothing"), "{told}");
    let now = server.read("/v1/privacy");
    assert_eq!((&now["k"], &now["finest"]), (&json!(1), &json!(8)));
    stopped(server);
    let by_store = shown(&done(&mut on(&store, &["privacy", "show"])));
    assert_eq!(rule(1, 8), json!({"k": by_store["k"], "finest": by_store["finest"]}));
}
