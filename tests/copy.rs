//! Migration: what a directory holds is on Redis afterwards, exactly, however often
//! the copy was cut off.

use crate::support::binary::{Binary, groundswell};
use crate::support::redis::{own_prefix, shared_cluster, shared_single, start_shared};
use crate::support::{NOW, TORONTO, catalogue, cell, instant};
use groundswell::domain::access::key::KeyId;
use groundswell::domain::counts::Counts;
use groundswell::domain::fact::{FactKey, Lane, Source, Tally};
use groundswell::domain::grid::{Resolution, Spot};
use groundswell::domain::incident::IncidentId;
use groundswell::domain::provider::{Catalogue, ProviderIndex};
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::reporter::{Identity, Reporter};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, HOUR_MS, Hour, Timestamp};
use groundswell::store::copy::{Totals, catalogue_of, copy};
use groundswell::store::embedded::{self, Embedded};
use groundswell::store::journal::{Appended, JournalName, NodeId, Position, Tail};
use groundswell::store::places::PlaceKey;
use groundswell::store::redis::{Redis, address::Options};
use groundswell::store::shown_hour::ShownHour;
use groundswell::store::upgrade::Carry;
use groundswell::store::usage::Batch;
use groundswell::store::{OpenError, Recorded, SHARDS, Store, Terms};
use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml");
const TERMS: Terms = Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS };
const REPORTERS: u64 = 1_500;
const DAYS: i64 = 20;
/// Entries of the journal: more than are read at once.
const ENTRIES: u64 = 2_200;
const LEDGER_ENTRIES: u64 = 1_100;
/// Public twins of each provider: more than are copied at once.
const TWINS: u64 = 60;
/// Places of incidents: more than are copied at once.
const PLACES: u64 = 150;

#[test]
fn a_copy_has_every_fact_claim_and_live_minute_however_often_it_was_cut_off() {
    start_shared();
    let directory = filled_directory();
    let expected = facts_of(&open(directory.path()));
    let expected_journals = journals_of(&open(directory.path()));
    let expected_twins = twins_of(&open(directory.path()));
    let expected_places = places_of(&open(directory.path()));
    let hours = Embedded::open(
        directory.path(),
        &Catalogue::default(),
        TERMS,
        embedded::Options::default(),
    )
    .unwrap()
    .kept_hours()
    .len();
    let journal = hours + SHARDS as usize;
    for (url, cuts) in [
        (
            shared_single(),
            &[3, 9, 30, journal, journal + 1, journal + 2, journal + 3, journal + 5][..],
        ),
        (shared_cluster(), &[5]),
    ] {
        let options = Options { prefix: own_prefix(), ..Options::default() };
        for cut in cuts {
            assert_eq!(copy_until(directory.path(), &url, &options, *cut), None);
            let error = Store::open_redis(&url, &catalogue(), TERMS, &options).unwrap_err();
            assert!(
                matches!(error, OpenError::Copying { .. })
                    && error.to_string().contains("groundswell copy"),
                "{error}"
            );
        }
        let totals = copy_until(directory.path(), &url, &options, usize::MAX).unwrap();
        assert!(
            totals.in_minutes.count > 0 && totals.in_hours.count > 0 && totals.reporters > 0,
            "{totals:?}"
        );
        for (entries, expected) in [(totals.journal, ENTRIES), (totals.ledger, LEDGER_ENTRIES)] {
            assert_eq!((entries.count, entries.bytes), (expected, expected * 2_000), "{totals:?}");
        }
        assert_eq!(totals.shown_hours.count, 2 * TWINS, "{totals:?}");
        assert_eq!(
            (totals.places.count, totals.places.bytes),
            (PLACES, PLACES * 300),
            "{totals:?}"
        );
        let store = Store::open_redis(&url, &catalogue(), TERMS, &options).unwrap();
        assert_eq!(twins_of(&store), expected_twins, "{url}");
        assert_eq!(places_of(&store), expected_places, "{url}");
        assert_eq!(
            store.catalogue_before(),
            Some(catalogue().fingerprint()),
            "which catalogue it had is copied, too"
        );
        assert_eq!(facts_of(&store), expected, "{url}");
        wait(store.tidy(later(0))).unwrap();
        assert_eq!(facts_of(&store), expected, "after maintenance, {url}");
        let again = wait(store.record(&reports(DAYS - 1, 0..REPORTERS)));
        assert!(
            again.iter().all(|outcome| matches!(outcome, Ok(Recorded::Duplicate))),
            "who counted there counts here, {url}"
        );
        let live = later(0).minute()..later(0).minute().plus(1);
        assert!(wait(store.liveness()).unwrap().covers(live));
        assert_eq!(journals_of(&store), expected_journals, "{url}");
        let usage = wait(store.usage_by_key(later(0).day())).unwrap();
        assert_eq!(usage.last_used_day, [(key_id(), later(0).day())].into());
        assert_eq!(usage.today, [].into(), "quotas begin anew");
    }
}

#[test]
fn a_store_that_holds_something_is_not_copied_into() {
    let directory = filled_directory();
    let options = Options { prefix: own_prefix(), ..Options::default() };
    drop(Store::open_redis(&shared_single(), &catalogue(), TERMS, &options).unwrap());
    let from = Embedded::open(
        directory.path(),
        &Catalogue::default(),
        TERMS,
        embedded::Options::default(),
    )
    .unwrap();
    let names = catalogue_of(&from).unwrap();
    let error =
        Redis::open_to_copy(&shared_single(), &names, TERMS, &options, "elsewhere").unwrap_err();
    assert!(
        matches!(error, OpenError::Occupied(_)) && error.to_string().contains("--redis-prefix"),
        "{error}"
    );
}

#[test]
fn the_command_copies_compares_and_says_what() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = own_prefix();
    let arguments = [
        "copy",
        "--to",
        &shared_single(),
        "--redis-prefix",
        &prefix,
        "--reporter-key",
        "secret",
        "--from",
    ];
    let run = || groundswell(&arguments).arg(directory.path()).output().unwrap();
    let refused = run();
    assert!(
        !refused.status.success()
            && String::from_utf8_lossy(&refused.stderr)
                .contains("no directory of an embedded store")
    );
    let key = groundswell::domain::reporter::ReporterKey::new(b"secret").check_value();
    let terms = Terms { reporter_key_check: key, ..TERMS };
    let store =
        Store::open_embedded(directory.path(), &catalogue(), terms, embedded::Options::default())
            .unwrap();
    wait(store.record(&reports(DAYS - 1, 0..10)));
    drop(store);
    let copied = run();
    let said = String::from_utf8_lossy(&copied.stdout);
    assert!(
        copied.status.success()
            && said.starts_with(
                "copied and compared: 14 counts in minutes, 0 in older hours, 10 \
                 reporters of 5 providers, 0 entries of incidents, 0 of the ledger, 0 public \
                 hours, 0 places of incidents"
            ),
        "{said} {copied:?}"
    );
}

#[test]
fn the_command_leaves_what_it_copies_as_it_is_to_the_byte() {
    let directory = filled_directory();
    let prefix = own_prefix();
    let url = shared_single();
    let run = |key: &[&str]| {
        groundswell(&["copy", "--to", &url, "--redis-prefix", &prefix, "--from"])
            .arg(directory.path())
            .args(key)
            .output()
            .unwrap()
    };
    let before = bytes_in(directory.path());
    let refused = run(&[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("give the key that it was written with"),
        "{refused:?}"
    );
    assert_eq!(bytes_in(directory.path()), before, "no key is written into a source that has none");
    let other = run(&["--reporter-key", "another"]);
    assert!(
        !other.status.success()
            && String::from_utf8_lossy(&other.stderr).contains("another reporter key"),
        "{other:?}"
    );
    assert_eq!(bytes_in(directory.path()), before);
}

#[test]
fn a_store_that_was_killed_is_copied_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let server = Binary::start(directory.path(), &[]);
    assert_eq!(server.report(&crate::support::report("a")).status, 202);
    let busy =
        groundswell(&["copy", "--to", &shared_single(), "--redis-prefix", &own_prefix(), "--from"])
            .arg(directory.path())
            .output()
            .unwrap();
    assert!(
        !busy.status.success()
            && String::from_utf8_lossy(&busy.stderr).contains("in use by another groundswell"),
        "{busy:?}"
    );
    server.kill();
    let before = bytes_in(directory.path());
    let away = groundswell(&["copy", "--to", "redis://127.0.0.1:1", "--from"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert!(
        !away.status.success() && String::from_utf8_lossy(&away.stderr).contains("127.0.0.1:1"),
        "{away:?}"
    );
    assert_eq!(bytes_in(directory.path()), before);
    let key = directory.path().join("reporter.key");
    let key = ["--reporter-key-file", key.to_str().unwrap()];
    for given in [&[][..], &key] {
        let prefix = own_prefix();
        let mut command =
            groundswell(&["copy", "--to", &shared_single(), "--redis-prefix", &prefix, "--from"]);
        let copied = command.arg(directory.path()).args(given).output().unwrap();
        let said = String::from_utf8_lossy(&copied.stdout);
        assert!(
            copied.status.success() && said.starts_with("copied and compared: 1 counts in minutes"),
            "{said} {copied:?}"
        );
        let mut node = groundswell(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--catalogue",
            CATALOGUE,
            "--store",
            &shared_single(),
        ]);
        let node = Binary::of(node.args(["--redis-prefix", &prefix]).args(key));
        assert_eq!(
            node.report(&crate::support::report("b")).status,
            202,
            "the content of reporter.key is the key of the copy, too"
        );
    }
    assert_eq!(bytes_in(directory.path()), before);
}

#[test]
fn nothing_is_made_where_nothing_is_there_to_be_copied() {
    let directory = tempfile::tempdir().unwrap();
    for from in [directory.path().to_owned(), directory.path().join("missing")] {
        let refused =
            groundswell(&["copy", "--to", &shared_single(), "--from"]).arg(from).output().unwrap();
        assert!(
            !refused.status.success()
                && String::from_utf8_lossy(&refused.stderr)
                    .contains("no directory of an embedded store")
        );
    }
    assert_eq!(bytes_in(directory.path()), BTreeMap::new());
    let to = groundswell(&["copy", "--to", "", "--from"]).arg(directory.path()).output().unwrap();
    assert!(
        !to.status.success()
            && String::from_utf8_lossy(&to.stderr)
                .contains("it must be a directory, or the address of a Redis")
    );
}

/// Every file of a directory, by name.
fn bytes_in(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap());
    files
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()))
        .collect()
}

/// A directory filled over twenty days: minutes that are live, minutes and hours that
/// have aged, hours whose minutes are gone.
fn filled_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for day in 0..DAYS {
        wait(store.record(&reports(day, 0..REPORTERS)));
        wait(store.tidy(later(day - DAYS + 1))).unwrap();
    }
    wait(store.mark_live(later(0).minute()..later(0).minute().plus(1))).unwrap();
    for (name, count) in JournalName::ALL.into_iter().zip([ENTRIES, LEDGER_ENTRIES]) {
        let entries: Vec<Vec<u8>> = (0..count).map(|n| vec![n as u8; 2_000]).collect();
        let mut end = Position::START;
        for group in entries.chunks(200) {
            let Ok(Appended::Yes { end: next }) = wait(store.append(name, None, end, group)) else {
                panic!("nobody else appends")
            };
            end = next;
        }
    }
    for provider in [0, 1].map(ProviderIndex) {
        for (n, hour) in twin_hours().enumerate() {
            wait(store.keep_shown_hour(provider, hour, &twin(n as u32, provider))).unwrap();
        }
    }
    let place = |n: u64| (place_key(n), vec![n as u8; 300]);
    wait(store.keep_places(&(0..PLACES).map(place).collect::<Vec<_>>())).unwrap();
    let used = &[(key_id(), 7)];
    let batch = Batch { node: NodeId(1), number: 1, day: later(0).day(), used };
    assert_eq!(wait(store.add_usage(batch)).unwrap().today, [7]);
    store.close().unwrap();
    directory
}

/// Ten revisions of each incident, one a day.
fn place_key(n: u64) -> PlaceKey {
    let (incident, revision) = (IncidentId(n / 10 + 1), (n % 10) as u32);
    PlaceKey { known_at: later(-24 * i64::from(revision)), incident, revision }
}

/// All places of incidents.
fn places_of(store: &Store) -> Vec<(PlaceKey, Option<Vec<u8>>)> {
    let keys = wait(store.places_since(0)).unwrap();
    let places = wait(store.places(&keys)).unwrap();
    keys.into_iter().zip(places).collect()
}

/// The hours that have a public twin: every second one, and one without any fact.
fn twin_hours() -> impl Iterator<Item = Hour> {
    let last = later(-2).minute().hour();
    (0..TWINS as i64 - 1).map(move |n| last.plus(-2 * n)).chain([last.plus(-24 * 40)])
}

fn twin(n: u32, provider: ProviderIndex) -> ShownHour {
    let row = |n: u32| {
        let cell = cell((TORONTO.0 + f64::from(n) * 0.1, TORONTO.1), 6);
        let key = FactKey::new(cell, Symptom::NoData, Lane::OnTime, Source(provider.0));
        (key, Tally { count: n + 1, first: 0 })
    };
    // The first has no facts.
    let counts = Arc::new(Counts::from_rows((0..n).map(row).collect()));
    ShownHour { k: 3 + (n % 2) as u8, finest: Resolution::HOURLY, counts }
}

/// All public twins: provider, hour, rule and facts.
fn twins_of(store: &Store) -> BTreeMap<(u16, Hour), (u8, Resolution, BTreeMap<FactKey, Tally>)> {
    let mut twins = BTreeMap::new();
    for provider in [0, 1].map(ProviderIndex) {
        let all = later(-50).minute().hour()..later(1).minute().hour();
        for (hour, ShownHour { k, finest, counts }) in
            wait(store.shown_hours(provider, all)).unwrap()
        {
            twins.insert((provider.0, hour), (k, finest, counts.rows().collect()));
        }
    }
    twins
}

fn key_id() -> KeyId {
    KeyId::parse("AbCdEf12").unwrap()
}

/// All entries of both journals, each as it is.
fn journals_of(store: &Store) -> [Vec<Vec<u8>>; 2] {
    JournalName::ALL.map(|name| entries_of(store, name))
}

fn entries_of(store: &Store, name: JournalName) -> Vec<Vec<u8>> {
    let (mut entries, mut at, mut more) = (Vec::new(), Position::START, true);
    while more {
        let Tail::Since(piece) = wait(store.journal(name, at)).unwrap() else {
            panic!("nothing was lost")
        };
        entries.extend(piece.entries);
        (at, more) = (piece.end, piece.more);
    }
    entries
}

/// Copies until so many pieces are done. Gives the totals where it was done before that.
fn copy_until(directory: &Path, url: &str, options: &Options, pieces: usize) -> Option<Totals> {
    let from =
        Embedded::open(directory, &Catalogue::default(), TERMS, embedded::Options::default())
            .unwrap();
    let names = catalogue_of(&from).unwrap();
    let to = Redis::open_to_copy(url, &names, TERMS, options, "a directory").unwrap();
    let done = std::cell::Cell::new(0);
    let carry = Carry::of_this_format();
    let mut copying = pin!(copy(&from, &names, &to, &carry, |so_far, _| done.set(so_far)));
    wait(std::future::poll_fn(|context| match copying.as_mut().poll(context) {
        Poll::Ready(totals) => Poll::Ready(Some(totals.unwrap())),
        Poll::Pending if pieces <= done.get() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    }))
}

fn reports(day: i64, reporters: std::ops::Range<u64>) -> Vec<Report> {
    let report = |n: u64| {
        // Late is what came more than five minutes after it was observed.
        let observed = later(day - DAYS + 1).minute().plus(-6 - (n as i64 % 400));
        let late = n.is_multiple_of(3);
        let arrived = if late { later(day - DAYS + 1).minute() } else { observed };
        Report {
            provider: ProviderIndex((n % 2) as u16),
            symptom: Symptom::NoData,
            cell: cell((TORONTO.0 + f64::from((n % 40) as u32) * 0.02, TORONTO.1), 8),
            spot: Spot::Unknown,
            reporter: Reporter {
                hash: (n + 10_000 * day as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
                slot: 4,
                identity: Identity::Own,
            },
            source: Source(0),
            observed: Observed { minute: observed, arrived, late },
        }
    };
    reporters.map(report).collect()
}

/// So many days after the last day of the directory.
fn later(days: i64) -> Timestamp {
    instant(NOW).plus_ms(days * 24 * HOUR_MS)
}

fn open(directory: &Path) -> Store {
    Store::open_embedded(directory, &catalogue(), TERMS, embedded::Options::default()).unwrap()
}

/// All facts: minutes as they are, and hours.
fn facts_of(store: &Store) -> BTreeMap<(u16, bool, i64, u64), Tally> {
    let mut facts: BTreeMap<_, Tally> = BTreeMap::new();
    for provider in [0, 1].map(ProviderIndex) {
        let minutes =
            wait(store.minutes(provider, later(-14).minute()..later(1).minute())).unwrap();
        for (minute, (key, tally)) in
            minutes.iter().flat_map(|(minute, counts)| counts.rows().map(|row| (minute.0, row)))
        {
            facts.insert((provider.0, true, minute, key.number()), tally);
        }
        let hours =
            wait(store.hours(provider, later(-30).minute().hour()..later(1).minute().hour()))
                .unwrap();
        for (hour, (key, tally)) in
            hours.iter().flat_map(|(hour, counts)| counts.rows().map(|row| (hour.0, row)))
        {
            facts.insert((provider.0, false, hour, key.number()), tally);
        }
    }
    facts
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
