//! Who may do what, on several nodes at once: numbers that are given once, keys that die
//! everywhere, quotas that add up, and a ledger that other versions write, too.

use crate::support::redis::{RedisServer, own_prefix, shared_cluster, shared_single, start_shared};
use crate::support::stored::wait;
use crate::support::{NOW, catalogue, instant};
use groundswell::domain::access::entry::{Actor, Change};
use groundswell::domain::access::key::{KeyId, KeyLimits, NewKey, Refusal};
use groundswell::domain::access::rate::Rate;
use groundswell::domain::access::scope::Scope;
use groundswell::domain::access::source::{LAST_SOURCE, NewSource, SourceChange, SourceRecord};
use groundswell::domain::access::table::Conflict;
use groundswell::domain::fact::Source;
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::{DAY_MS, DEFAULT_LATENESS_MS, HOUR_MS, Timestamp};
use groundswell::engine::Engine;
use groundswell::engine::access::AccessError;
use groundswell::engine::access::ledger::{Ledger, MOST_AUDITED};
use groundswell::engine::access::usage::QuotaSpent;
use groundswell::engine::clock::Clock;
use groundswell::store::embedded;
use groundswell::store::journal::{Appended, JournalName, Position, Tail};
use groundswell::store::redis::address::Options;
use groundswell::store::timing::Timing;
use groundswell::store::{Store, Terms};
use groundswell::wire::ledger::to_bytes;
use std::collections::BTreeSet;
use std::path::Path;

const BY: Actor = Actor::CommandLine;

#[test]
fn two_nodes_that_create_sources_at_once_give_each_another_number() {
    const EACH: usize = 10;
    start_shared();
    let directory = tempfile::tempdir().unwrap();
    let single = on(&shared_single(), 2);
    let cluster = on(&shared_cluster(), 2);
    for stores in [vec![in_directory(directory.path())], single, cluster] {
        let create = |who: usize| {
            let (store, ledger) = (&stores[who % stores.len()], Ledger::default());
            let one = |n| create_source(&ledger, store, &format!("{who} {n}")).unwrap().number.0;
            (0..EACH).map(one).collect::<Vec<u16>>()
        };
        let numbers: Vec<Vec<u16>> = std::thread::scope(|scope| {
            let creating: Vec<_> = (0..4).map(|who| scope.spawn(move || create(who))).collect();
            creating.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(numbers.iter().all(|own| own.is_sorted()), "{numbers:?}");
        let all: BTreeSet<u16> = numbers.concat().into_iter().collect();
        assert_eq!(all, (1..=4 * EACH as u16).collect(), "each once, none left out");
        for store in &stores {
            let table = wait(Ledger::default().read(store)).unwrap();
            assert_eq!((table.sources().count(), table.length()), (4 * EACH, 4 * EACH as u64));
        }
    }
}

#[test]
fn of_two_who_take_a_name_at_once_one_has_it() {
    let stores = on(&shared_single(), 2);
    let take = |store| create_source(&Ledger::default(), store, "The App").is_ok();
    for _ in 0..10 {
        let taken: Vec<bool> = std::thread::scope(|scope| {
            let taking: Vec<_> =
                stores.iter().map(|store| scope.spawn(move || take(store))).collect();
            taking.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(taken.iter().filter(|taken| **taken).count() <= 1, "{taken:?}");
    }
    let table = wait(Ledger::default().read(&stores[0])).unwrap();
    assert_eq!(table.sources().count(), 1);
}

#[test]
fn a_source_keeps_its_number_and_a_name_belongs_to_one() {
    let directory = tempfile::tempdir().unwrap();
    let (store, ledger) = (in_directory(directory.path()), Ledger::default());
    let [one, other] = ["One", "Other"].map(|name| create_source(&ledger, &store, name).unwrap());
    let taken = create_source(&ledger, &store, "oNE").unwrap_err();
    assert!(matches!(taken, AccessError::Conflict(Conflict::NameTaken(Source(1)))), "{taken}");
    let change =
        |number, change| wait(ledger.change_source(&store, instant(NOW), BY, number, change));
    let renamed = SourceChange { name: Some("One".into()), ..SourceChange::default() };
    let taken = change(other.number, renamed.clone()).unwrap_err();
    assert!(matches!(taken, AccessError::Conflict(Conflict::NameTaken(Source(1)))), "{taken}");
    let contact = SourceChange { contact: Some(Some("a@b".into())), ..renamed };
    let changed = change(one.number, contact.clone()).unwrap();
    assert_eq!(changed, SourceRecord { contact: Some("a@b".into()), ..one.clone() });
    let length = || wait(ledger.read(&store)).unwrap().length();
    let before = length();
    assert_eq!((change(one.number, contact).unwrap(), length()), (changed, before), "no news");
    let closed = SourceChange { contact: Some(None), may_open: Some(false), name: None };
    let closed = change(one.number, closed).unwrap();
    assert_eq!(closed, SourceRecord { may_open: false, ..one });
    let unknown = change(Source(9), SourceChange::default()).unwrap_err();
    assert!(matches!(unknown, AccessError::UnknownSource(Source(9))), "{unknown}");
}

#[test]
fn the_last_number_is_given_and_none_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, ledger) = (in_directory(directory.path()), Ledger::default());
    let last = NewSource { name: "nearly last".into(), contact: None, may_open: true }
        .created(Source(LAST_SOURCE.0 - 1), instant(NOW));
    append(&store, &to_bytes(&entry(Change::Source(last))));
    assert_eq!(create_source(&ledger, &store, "last").unwrap().number, LAST_SOURCE);
    let full = create_source(&ledger, &store, "one more").unwrap_err();
    assert!(matches!(full, AccessError::Conflict(Conflict::NoNumberLeft)), "{full}");
}

#[test]
fn a_key_that_is_revoked_on_one_node_is_refused_on_the_other_after_its_next_step() {
    start_shared();
    for url in [shared_single(), shared_cluster()] {
        let [here, there] = nodes(&url);
        let source = wait(here.create_source(BY, new_source("App"))).unwrap();
        let (record, text) = wait(here.create_key(BY, new_key(source.number))).unwrap();
        assert_eq!(here.admit(&text).unwrap().key.record, record, "at once where it was created");
        assert!(matches!(there.admit(&text), Err(Refusal::Unknown)));
        wait(there.step_access());
        assert_eq!(there.admit(&text).unwrap().key.record, record);
        let revoked = wait(here.revoke_key(Actor::ThisMachine, record.id)).unwrap();
        assert_eq!(revoked.revoked_at, Some(instant(NOW)));
        assert!(matches!(here.admit(&text), Err(Refusal::Revoked)), "at once where it was revoked");
        wait(there.step_access());
        assert!(matches!(there.admit(&text), Err(Refusal::Revoked)));
        let length = there.access().length();
        wait(there.revoke_key(BY, record.id)).unwrap();
        assert_eq!(there.access().length(), length, "to revoke it again changes nothing");
        let other = KeyId::parse("00000000").unwrap();
        let unknown = wait(there.revoke_key(BY, other)).unwrap_err();
        assert!(matches!(unknown, AccessError::UnknownKey(id) if id == other), "{unknown}");
        for engine in [here, there] {
            engine.stop();
        }
    }
}

#[test]
fn a_rotated_key_works_beside_the_new_one_until_its_grace_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(instant(NOW));
    let engine = engine(in_directory(directory.path()), &clock);
    let source = wait(engine.create_source(BY, new_source("App"))).unwrap();
    let expires_at = Some(instant(NOW).plus_ms(30 * DAY_MS));
    let new = NewKey { expires_at, ..new_key(source.number) };
    let (old, old_text) = wait(engine.create_key(BY, new)).unwrap();
    clock.set(instant(NOW).plus_ms(20 * DAY_MS));
    let (new, new_text) = wait(engine.rotate_key(BY, old.id, HOUR_MS)).unwrap();
    assert_eq!(new.expires_at, Some(instant(NOW).plus_ms(50 * DAY_MS)), "for as long");
    assert_eq!((new.source, &new.name, new.scopes), (old.source, &old.name, old.scopes));
    let admitted = || [&old_text, &new_text].map(|text| engine.admit(text).map(drop));
    assert_eq!(admitted(), [Ok(()), Ok(())]);
    clock.set(engine.now().plus_ms(HOUR_MS - 1));
    assert_eq!(admitted(), [Ok(()), Ok(())]);
    clock.set(engine.now().plus_ms(1));
    assert_eq!(admitted(), [Err(Refusal::Expired), Ok(())]);
    let again = wait(engine.rotate_key(BY, old.id, HOUR_MS)).unwrap_err();
    assert!(matches!(again, AccessError::Replaced { by, .. } if by == new.id), "{again}");
    wait(engine.revoke_key(BY, new.id)).unwrap();
    let revoked = wait(engine.rotate_key(BY, new.id, HOUR_MS)).unwrap_err();
    assert!(matches!(revoked, AccessError::Revoked(id) if id == new.id), "{revoked}");
    // A grace that is longer than the key's life does not prolong it.
    let end = engine.now().plus_ms(HOUR_MS);
    let short = NewKey { expires_at: Some(end), ..new_key(source.number) };
    let (short, _) = wait(engine.create_key(BY, short)).unwrap();
    wait(engine.rotate_key(BY, short.id, 365 * DAY_MS)).unwrap();
    assert_eq!(engine.access().key(short.id).unwrap().record.expires_at, Some(end));
    engine.stop();
}

#[test]
fn a_key_that_reports_belongs_to_a_source_and_an_operators_needs_none() {
    let directory = tempfile::tempdir().unwrap();
    let (store, ledger) = (in_directory(directory.path()), Ledger::default());
    let create = |source, scope: Scope| {
        let new = NewKey { scopes: [scope].into_iter().collect(), ..new_key(source) };
        wait(ledger.create_key(&store, instant(NOW), BY, new))
    };
    for (source, scope) in [(Source(0), Scope::Report), (Source(1), Scope::Admin)] {
        let refused = create(source, scope).unwrap_err();
        assert!(matches!(refused, AccessError::UnknownSource(named) if named == source));
    }
    create(Source(0), Scope::Admin).unwrap();
    create_source(&ledger, &store, "App").unwrap();
    create(Source(1), Scope::Report).unwrap();
}

#[test]
fn what_a_newer_version_wrote_is_skipped_and_what_nobody_can_read_hides_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (store, ledger) = (in_directory(directory.path()), Ledger::default());
    create_source(&ledger, &store, "before").unwrap();
    append(&store, br#"{"kind":"subscription","at":1,"by":"command_line","url":"x"}"#);
    append(&store, b"\x28\xb5 damaged");
    create_source(&ledger, &store, "after").unwrap();
    let table = wait(Ledger::default().read(&store)).unwrap();
    let names: Vec<&str> = table.sources().map(|source| &*source.name).collect();
    assert_eq!((names, table.length()), (vec!["before", "after"], 4));
}

#[test]
fn an_audit_has_who_did_what_the_newest_first() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(instant(NOW));
    let engine = engine(in_directory(directory.path()), &clock);
    let source = wait(engine.create_source(BY, new_source("App"))).unwrap();
    let (key, text) = wait(engine.create_key(Actor::ThisMachine, new_key(source.number))).unwrap();
    clock.set(instant(NOW).plus_ms(5));
    wait(engine.revoke_key(Actor::Key(key.id), key.id)).unwrap();
    let all = wait(engine.audit(Timestamp(0))).unwrap();
    let expected = [
        (instant(NOW).plus_ms(5), Actor::Key(key.id), Change::KeyRevoked(key.id)),
        (instant(NOW), Actor::ThisMachine, Change::KeyCreated(key)),
        (instant(NOW), BY, Change::Source(source)),
    ];
    let found: Vec<_> = all.into_iter().map(|entry| (entry.at, entry.by, entry.change)).collect();
    assert_eq!(found, expected);
    assert_eq!(wait(engine.audit(instant(NOW).plus_ms(1))).unwrap().len(), 1);
    assert!(!format!("{found:?}").contains(&text.reveal()[13..]), "no secret is in it");
    engine.stop();
}

#[test]
fn a_long_audit_ends_with_the_newest() {
    let directory = tempfile::tempdir().unwrap();
    let store = in_directory(directory.path());
    let revoked = |n: usize| Change::KeyRevoked(KeyId::parse(&format!("{n:08}")).unwrap());
    let entries: Vec<Vec<u8>> =
        (0..MOST_AUDITED + 200).map(|n| to_bytes(&entry(revoked(n)))).collect();
    let mut end = Position::START;
    for group in entries.chunks(200) {
        let appended = wait(store.append(JournalName::Ledger, None, end, group)).unwrap();
        let Appended::Yes { end: next } = appended else { panic!("nobody else appends") };
        end = next;
    }
    let audit = wait(groundswell::engine::access::ledger::audit(&store, Timestamp(0))).unwrap();
    assert_eq!(audit.len(), MOST_AUDITED);
    assert_eq!(audit[0].change, revoked(MOST_AUDITED + 199));
    assert_eq!(audit[MOST_AUDITED - 1].change, revoked(200));
}

#[test]
fn a_quota_is_of_all_nodes_and_begins_anew_with_the_day() {
    const MOST: Option<u64> = Some(100);
    let clock = Clock::manual(instant(NOW));
    let [here, there] = on(&shared_single(), 2)
        .into_iter()
        .map(|store| engine(store, &clock))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let step = || [&here, &there].map(|engine| wait(engine.step_access()));
    let source = wait(here.create_source(BY, new_source("App"))).unwrap();
    let (record, text) = wait(here.create_key(BY, new_key(source.number))).unwrap();
    step();
    step();
    assert_eq!([here.nodes(), there.nodes()], [2, 2]);
    let of_node = |engine: &Engine| engine.admit(&text).unwrap().usage;
    assert_eq!(of_node(&here).count_reports(60, MOST), Ok(()));
    assert_eq!(of_node(&there).count_reports(30, MOST), Ok(()), "it does not know of the others");
    step();
    of_node(&here).mark_used();
    step();
    assert_eq!([&here, &there].map(|engine| of_node(engine).reported_today()), [90, 90]);
    assert_eq!(of_node(&here).count_reports(11, MOST), Err(QuotaSpent { left: 10 }));
    assert_eq!(of_node(&here).count_reports(10, MOST), Ok(()));
    assert_eq!(of_node(&here).count_reports(1, MOST), Err(QuotaSpent { left: 0 }));
    assert_eq!(of_node(&here).count_reports(5, None), Ok(()), "without a quota nothing is spent");
    step();
    let today = instant(NOW).day();
    let usage = wait(there.usage_by_key()).unwrap();
    assert_eq!(usage.today, [(record.id, 105)].into());
    assert_eq!(usage.last_used_day, [(record.id, today)].into());
    clock.set(instant(NOW).plus_ms(here.until_tomorrow().as_millis() as i64));
    assert_eq!(here.now().day(), today + 1);
    step();
    assert_eq!(of_node(&here).reported_today(), 0);
    assert_eq!(of_node(&here).count_reports(100, MOST), Ok(()));
    step();
    assert_eq!(wait(there.usage_by_key()).unwrap().today, [(record.id, 100)].into());
    for engine in [here, there] {
        engine.stop();
    }
}

#[test]
fn counts_that_the_store_did_not_take_are_told_once_it_takes_them() {
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let clock = Clock::manual(instant(NOW));
    let [store] = on(&server.url(), 1).try_into().unwrap();
    let engine = engine(store, &clock);
    let source = wait(engine.create_source(BY, new_source("App"))).unwrap();
    let (record, text) = wait(engine.create_key(BY, new_key(source.number))).unwrap();
    let usage = engine.admit(&text).unwrap().usage;
    usage.count_reports(3, None).unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1mb"]);
    for _ in 0..3 {
        wait(engine.step_access());
        usage.count_reports(1, None).unwrap();
    }
    assert_eq!(usage.reported_today(), 6, "counted here");
    assert_eq!(wait(engine.usage_by_key()).unwrap().today, [].into());
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    for _ in 0..2 {
        wait(engine.step_access());
    }
    assert_eq!(wait(engine.usage_by_key()).unwrap().today, [(record.id, 6)].into());
    assert_eq!(usage.reported_today(), 6);
    engine.stop();
}

#[test]
fn a_ledger_that_lost_its_last_entries_is_read_anew_and_nobody_is_refused_meanwhile() {
    let server = RedisServer::start(&[]);
    let options = Options { prefix: own_prefix(), ..Options::default() };
    let open = || Store::open_redis(&server.url(), &catalogue(), terms(), &options).unwrap();
    let (store, ledger) = (open(), Ledger::default());
    create_source(&ledger, &store, "App").unwrap();
    let create =
        || wait(ledger.create_key(&store, instant(NOW), BY, new_key(Source(1)))).unwrap().0.id;
    let [kept, lost] = [create(), create()];
    // As after a failover, with another entry in its place.
    let key = format!("{}:1:{{ledger}}:journal", options.prefix);
    assert_eq!(server.cli(&["HDEL", &key, "2"]).trim(), "1");
    create_source(&Ledger::default(), &open(), "Another").unwrap();
    let table = wait(ledger.read(&store)).unwrap();
    assert!(table.key(kept).is_some() && table.key(lost).is_none());
    assert_eq!(table.source_named("Another").map(|source| source.number), Some(Source(2)));
}

#[test]
fn a_limit_is_shared_by_the_nodes_that_are_there() {
    let [here, there] = nodes(&shared_single());
    wait(here.step_access());
    assert_eq!(here.nodes(), 1);
    wait(there.step_access());
    wait(here.step_access());
    let source = wait(here.create_source(BY, new_source("App"))).unwrap();
    let (_, text) = wait(here.create_key(BY, new_key(source.number))).unwrap();
    wait(there.step_access());
    let rate = Rate::new(10, 60_000_000_000).shared_by(here.nodes());
    let taken = |engine: &Engine| {
        let take = || {
            let usage = engine.admit(&text).unwrap().usage;
            usage.reports.take(rate, engine.steady_ns(), 1).is_ok()
        };
        (0..20).filter(|_| take()).count()
    };
    assert_eq!([&here, &there].map(taken), [5, 5]);
    for engine in [here, there] {
        engine.stop();
    }
}

/// Engines of two nodes on one Redis, by one clock.
fn nodes(url: &str) -> [Engine; 2] {
    let clock = Clock::manual(instant(NOW));
    let nodes = on(url, 2).into_iter().map(|store| engine(store, &clock));
    nodes.collect::<Vec<_>>().try_into().unwrap()
}

fn engine(store: Store, clock: &Clock) -> Engine {
    let key = ReporterKey::new(b"secret of tests");
    let timing = Timing::default();
    Engine::start(catalogue(), clock.clone(), DEFAULT_LATENESS_MS, &key, store, timing).unwrap()
}

/// So many nodes' stores on one Redis, under a prefix of their own.
fn on(url: &str, nodes: usize) -> Vec<Store> {
    let options = Options { prefix: own_prefix(), ..Options::default() };
    let open = |_| Store::open_redis(url, &catalogue(), terms(), &options).unwrap();
    (0..nodes).map(open).collect()
}

fn in_directory(directory: &Path) -> Store {
    let options = embedded::Options::default();
    Store::open_embedded(directory, &catalogue(), terms(), options).unwrap()
}

fn terms() -> Terms {
    Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS }
}

fn new_source(name: &str) -> NewSource {
    NewSource { name: name.into(), contact: None, may_open: true }
}

fn create_source(ledger: &Ledger, store: &Store, name: &str) -> Result<SourceRecord, AccessError> {
    wait(ledger.create_source(store, instant(NOW), BY, new_source(name)))
}

fn new_key(source: Source) -> NewKey {
    NewKey {
        source,
        name: "release 7".into(),
        scopes: [Scope::Report].into_iter().collect(),
        providers: None,
        origins: [].into(),
        expires_at: None,
        limits: KeyLimits::default(),
        is_test: false,
    }
}

fn entry(change: Change) -> groundswell::domain::access::entry::Entry {
    groundswell::domain::access::entry::Entry { at: instant(NOW), by: BY, change }
}

/// Appends bytes where the ledger ends now.
fn append(store: &Store, bytes: &[u8]) {
    let tail = wait(store.journal(JournalName::Ledger, Position::START)).unwrap();
    let Tail::Since(read) = tail else { panic!("nothing was lost") };
    let appended = wait(store.append(JournalName::Ledger, None, read.end, &[bytes.to_vec()]));
    assert!(matches!(appended, Ok(Appended::Yes { .. })), "{appended:?}");
}
