//! The store's contract (`src/store/mod.rs`), one function a line, run on every store
//! there is.

mod ageing;
mod journal;
use crate::support::binary::within;
use crate::support::redis::{
    own_prefix, shared_cluster, shared_single, shared_single_as_least_user, start_shared,
};
use crate::support::{NOW, TORONTO, VANCOUVER, cell, instant};
use ageing::*;
use groundswell::domain::counts::Counts;
use groundswell::domain::fact::{FactKey, Lane, Source, Tally};
use groundswell::domain::grid::{Cell, Resolution, Spot};
use groundswell::domain::provider::{Catalogue, ProviderIndex};
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::reporter::{Identity, Reporter};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, HOUR_MS, Hour, Minute, Timestamp};
use groundswell::store::journal::{
    Appended, Lease, MOST_BYTES_READ, MOST_ENTRIES_APPENDED, MOST_ENTRIES_READ, MOST_ENTRY_BYTES,
    NodeId, Piece, Position, Tail, Token,
};
use groundswell::store::redis::address;
use groundswell::store::{
    HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS, OpenError, Recorded, Store, StoreSize, Terms,
    embedded::Options,
};
use journal::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// A store to be tested. Those behind a network join here, and in [`every_store`].
#[derive(Debug, Clone, Copy)]
enum Kind {
    Embedded,
    Redis,
    /// As a user who may do what the documents say that it takes, on keys of one prefix.
    LeastUser,
    Cluster,
}

/// How a process leaves its store.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Died,
    Closed,
}

/// Makes each function a test of each store.
macro_rules! every_store {
    ($($line:ident,)*) => {
        mod embedded {
            $(#[test] fn $line() { super::$line(super::Kind::Embedded); })*
        }
        mod redis {
            $(#[test] fn $line() { super::$line(super::Kind::Redis); })*
        }
        mod least_user {
            $(#[test] fn $line() { super::$line(super::Kind::LeastUser); })*
        }
        mod cluster {
            $(#[test] fn $line() { super::$line(super::Kind::Cluster); })*
        }
    };
}

every_store! {
    a_counted_report_is_in_the_next_read,
    a_reporter_counts_once_a_period_and_claim,
    another_reporter_provider_period_or_claim_counts_again,
    first_is_counted_once_a_reporters_day_and_provider,
    nobody_is_never_a_first_and_stands_in_history_only,
    what_has_no_place_stays_where_it_is_in_minutes_and_hours,
    a_late_report_stands_in_the_minute_it_was_observed_and_in_the_minute_it_came,
    nothing_leaks_into_another_provider_or_minute,
    an_empty_group_and_an_empty_range_are_nothing,
    concurrent_recordings_add_up_and_count_nobody_twice,
    the_order_of_arrival_never_changes_a_total,
    a_reopened_store_has_every_fact_claim_and_live_minute,
    providers_keep_their_facts_when_the_catalogue_changes,
    minutes_read_the_same_before_while_and_after_they_age,
    hours_read_the_same_before_and_after_they_age,
    what_is_added_to_an_aged_hour_adds_up,
    minutes_are_forgotten_after_fourteen_days_and_hours_after_eight_weeks,
    claims_are_known_for_the_lateness_and_forgotten_afterwards,
    a_revision_changes_with_its_providers_facts_only,
    live_minutes_are_remembered_for_as_long_as_hours,
    probing_changes_nothing,
    another_reporter_key_is_refused_with_the_way_out,
    an_appended_entry_is_in_the_next_read_in_order_on_every_node,
    an_append_elsewhere_than_at_the_end_changes_nothing,
    an_append_under_a_token_that_is_not_the_newest_changes_nothing,
    a_lease_is_one_nodes_until_it_ends_or_is_given_back,
    a_journal_outlives_every_ending_and_is_never_tidied_away,
    a_long_journal_is_read_in_bounded_pieces,
    concurrent_appends_lose_and_double_nothing,
    an_append_beyond_its_bounds_is_refused_whole,
}

const ALPHA: ProviderIndex = ProviderIndex(0);
const BRAVO: ProviderIndex = ProviderIndex(1);
const TERMS: Terms = Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS };

fn now() -> Timestamp {
    instant(NOW)
}

fn a_counted_report_is_in_the_next_read(kind: Kind) {
    let store = TestStore::new(kind);
    assert_eq!(store.record(&[report(1)]), [Recorded::Counted]);
    assert_eq!(store.facts(ALPHA), facts(&[(now().minute(), key(Lane::OnTime), 1, 1)]));
    store.record(&[report(2), report(3)]);
    assert_eq!(store.facts(ALPHA), facts(&[(now().minute(), key(Lane::OnTime), 3, 3)]));
}

fn a_reporter_counts_once_a_period_and_claim(kind: Kind) {
    let store = TestStore::new(kind);
    let again = [
        report(1),
        Report { symptom: Symptom::NoTv, ..report(1) },
        Report { cell: cell(VANCOUVER, 8), ..report(1) },
        at(report(1), now().minute().plus(1)),
        Report { source: Source(9), ..report(1) },
    ];
    assert_eq!(
        store.record(&[report(1), report(1)]),
        [Recorded::Counted, Recorded::Duplicate],
        "within one group"
    );
    assert_eq!(store.record(&again), [Recorded::Duplicate; 5], "in the next group");
    assert_eq!(store.total(ALPHA), Tally { count: 1, first: 1 });
}

fn another_reporter_provider_period_or_claim_counts_again(kind: Kind) {
    let store = TestStore::new(kind);
    let others = [
        report(1),
        report(2),
        Report { provider: BRAVO, ..report(1) },
        Report { reporter: Reporter { slot: 5, ..report(1).reporter }, ..report(1) },
        Report { symptom: Symptom::NoEmergencyCalls, ..report(1) },
        Report { symptom: Symptom::Working, ..report(1) },
    ];
    assert_eq!(store.record(&others), [Recorded::Counted; 6]);
    assert_eq!((store.total(ALPHA).count, store.total(BRAVO).count), (5, 1));
}

fn first_is_counted_once_a_reporters_day_and_provider(kind: Kind) {
    let mut store = TestStore::new(kind);
    for slot in 0..12 {
        for symptom in [Symptom::Working, Symptom::NoEmergencyCalls, Symptom::NoData] {
            let reporter = Reporter { slot, ..report(1).reporter };
            store.record(&[ALPHA, BRAVO].map(|provider| Report {
                provider,
                reporter,
                symptom,
                ..report(1)
            }));
        }
        store.reopen(Ending::Died);
    }
    assert_eq!(
        (store.total(ALPHA), store.total(BRAVO)),
        (Tally { count: 36, first: 1 }, Tally { count: 36, first: 1 })
    );
}

fn nobody_is_never_a_first_and_stands_in_history_only(kind: Kind) {
    let mut store = TestStore::new(kind);
    let nobody = |n| {
        let report = report(n);
        Report { reporter: Reporter { identity: Identity::Shared, ..report.reporter }, ..report }
    };
    let (came, observed) = (now().minute(), now().minute().plus(-600));
    let group = [nobody(1), report(2), nobody(1), late(nobody(3), observed)];
    let outcomes = [Recorded::Counted, Recorded::Counted, Recorded::Duplicate, Recorded::Counted];
    assert_eq!(store.record(&group), outcomes);
    assert_eq!(store.record(&group), [Recorded::Duplicate; 4]);
    let again = Report { symptom: Symptom::Working, ..nobody(1) };
    assert_eq!(store.record(&[again]), [Recorded::Counted], "another claim");
    let working = FactKey::new(here(), Symptom::Working, Lane::LateObserved, Source(0));
    let expected = facts(&[
        (observed, key(Lane::LateObserved), 1, 0),
        (came, key(Lane::LateObserved), 1, 0),
        (came, key(Lane::OnTime), 1, 1),
        (came, working, 1, 0),
    ]);
    for ending in [Ending::Died, Ending::Closed] {
        assert_eq!(store.facts(ALPHA), expected);
        store.reopen(ending);
        assert_eq!(store.record(&group), [Recorded::Duplicate; 4]);
    }
    assert_eq!(store.facts(ALPHA), expected);
}

fn what_has_no_place_stays_where_it_is_in_minutes_and_hours(kind: Kind) {
    let mut store = TestStore::new(kind);
    let nowhere = |n| Report { cell: Cell::NOWHERE, ..report(n) };
    let (came, observed) = (now().minute(), now().minute().plus(-600));
    store.record(&[nowhere(1), nowhere(2), late(nowhere(3), observed), report(4)]);
    let of_nowhere = FactKey::new(Cell::NOWHERE, Symptom::NoService, Lane::LateObserved, Source(0));
    let expected = facts(&[
        (came, of_nowhere, 2, 2),
        (observed, of_nowhere, 1, 1),
        (came, key(Lane::OnTime), 1, 1),
    ]);
    assert_eq!(store.facts(ALPHA), expected);
    let hour = came.hour();
    let by_hour = BTreeMap::from([
        ((observed.hour(), of_nowhere), Tally { count: 1, first: 1 }),
        ((hour, of_nowhere), Tally { count: 2, first: 2 }),
        ((hour, key(Lane::OnTime).rolled_up_to(Resolution::HOURLY)), Tally { count: 1, first: 1 }),
    ]);
    let read = |store: &TestStore| rows_by_hour(&store.hours(ALPHA, hour.plus(-24)..hour.plus(1)));
    assert_eq!(read(&store), by_hour);
    store.reopen(Ending::Died);
    store.tidy(now().plus_ms(60 * HOUR_MS));
    assert_eq!((store.facts(ALPHA), read(&store)), (expected, by_hour), "aged");
}

fn a_late_report_stands_in_the_minute_it_was_observed_and_in_the_minute_it_came(kind: Kind) {
    let mut store = TestStore::new(kind);
    let (came, observed) = (now().minute(), now().minute().plus(-600));
    store.record(&[late(report(1), observed)]);
    let expected =
        facts(&[(observed, key(Lane::LateObserved), 1, 1), (came, key(Lane::LateArrived), 1, 1)]);
    assert_eq!(store.facts(ALPHA), expected);
    assert_eq!(
        store.record(&[report(1)]),
        [Recorded::Duplicate],
        "late or not, a reporter counts once"
    );
    store.reopen(Ending::Died);
    assert_eq!(store.facts(ALPHA), expected);
}

fn nothing_leaks_into_another_provider_or_minute(kind: Kind) {
    let store = TestStore::new(kind);
    let minute = now().minute();
    store.record(&[
        at(report(1), minute.plus(-1)),
        report(2),
        at(report(3), minute.plus(1)),
        Report { provider: BRAVO, ..report(4) },
    ]);
    let read = |provider, range: Range<Minute>| rows(&store.minutes(provider, range));
    assert_eq!(
        read(ALPHA, minute..minute.plus(1)),
        facts(&[(minute, key(Lane::OnTime), 1, 1)]),
        "half-open"
    );
    assert_eq!(
        read(BRAVO, minute.plus(-9)..minute.plus(9)),
        facts(&[(minute, key(Lane::OnTime), 1, 1)])
    );
    assert_eq!(read(ALPHA, minute.plus(2)..minute.plus(9)), BTreeMap::new());
    assert_eq!(
        store
            .minutes(ALPHA, minute.plus(-1)..minute.plus(2))
            .iter()
            .map(|(m, _)| m.0 - minute.0)
            .collect::<Vec<_>>(),
        [-1, 0, 1]
    );
}

fn an_empty_group_and_an_empty_range_are_nothing(kind: Kind) {
    let store = TestStore::new(kind);
    assert_eq!(store.record(&[]), []);
    store.record(&[report(1)]);
    let minute = now().minute();
    assert!(store.minutes(ALPHA, minute..minute).is_empty());
    assert!(store.minutes(ALPHA, Minute(minute.0 + 5)..minute).is_empty(), "upside down");
    assert!(store.hours(ALPHA, minute.hour()..minute.hour()).is_empty());
}

fn concurrent_recordings_add_up_and_count_nobody_twice(kind: Kind) {
    const REPORTERS: u64 = 120;
    let store = TestStore::new(kind);
    let record_all = |start: u64| {
        let order = (0..REPORTERS).map(move |n| report((start * 37 + n) % REPORTERS));
        let outcomes = order.map(|report| store.record(&[report])[0]);
        outcomes.filter(|recorded| *recorded == Recorded::Counted).count()
    };
    let counted: usize = std::thread::scope(|scope| {
        let recording: Vec<_> =
            (0..8).map(|start| scope.spawn(move || record_all(start))).collect();
        recording.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(counted as u64, REPORTERS);
    assert_eq!(store.total(ALPHA), Tally { count: REPORTERS as u32, first: REPORTERS as u32 });
}

fn the_order_of_arrival_never_changes_a_total(kind: Kind) {
    let any_report =
        (0_u16..2, 0_u64..6, 0_u8..3, 0_usize..3).prop_map(|(provider, who, slot, what)| {
            let symptom = [Symptom::NoData, Symptom::NoEmergencyCalls, Symptom::Working][what];
            // Late is what came more than five minutes after it was observed.
            let observed = now().minute().plus(-i64::from(slot) * 120 - 6 - who as i64);
            let report = Report { provider: ProviderIndex(provider), symptom, ..report(who) };
            late(Report { reporter: Reporter { slot, ..report.reporter }, ..report }, observed)
        });
    let orders = prop::collection::vec(any_report, 1..40)
        .prop_flat_map(|reports| (Just(reports.clone()), Just(reports).prop_shuffle()));
    proptest!(ProptestConfig::with_cases(12), |((one, other) in orders, group in 1_usize..9)| {
        let totals = [one, other].map(|order| {
            let store = TestStore::new(kind);
            order.chunks(group).for_each(|group| drop(store.record(group)));
            let counts = |provider| store.facts(provider).into_iter().map(|(fact, tally)| (fact, tally.count)).collect::<Vec<_>>();
            ([ALPHA, BRAVO].map(counts), [ALPHA, BRAVO].map(|provider| store.total(provider)))
        });
        prop_assert_eq!(&totals[0], &totals[1]);
    });
}

fn a_reopened_store_has_every_fact_claim_and_live_minute(kind: Kind) {
    let endings: [&[Ending]; 4] = [
        &[Ending::Died],
        &[Ending::Closed],
        &[Ending::Closed, Ending::Died, Ending::Died],
        &[Ending::Died, Ending::Closed, Ending::Closed],
    ];
    for endings in endings {
        let mut store = TestStore::new(kind);
        let live = now().minute()..now().minute().plus(3);
        store.wait(store.store().mark_live(live.clone())).unwrap();
        for (n, ending) in (1..).zip(endings) {
            store.record(&[report(n), late(report(100 + n), now().minute().plus(-90))]);
            let before = store.facts(ALPHA);
            store.reopen(*ending);
            assert_eq!(store.facts(ALPHA), before, "{endings:?}");
            let again: Vec<Report> = (1..=n).flat_map(|n| [report(n), report(100 + n)]).collect();
            assert!(
                store.record(&again).iter().all(|recorded| *recorded == Recorded::Duplicate),
                "{endings:?}"
            );
            assert!(
                store.wait(store.store().liveness()).unwrap().covers(live.clone()),
                "{endings:?}"
            );
        }
        let n = endings.len() as u32;
        assert_eq!(
            store.total(ALPHA),
            Tally { count: 3 * n, first: 3 * n },
            "on time once, late twice: {endings:?}"
        );
    }
}

fn providers_keep_their_facts_when_the_catalogue_changes(kind: Kind) {
    for ending in [Ending::Died, Ending::Closed] {
        let mut store = TestStore::new(kind);
        store.record(&[report(1), report(2), Report { provider: BRAVO, ..report(3) }]);
        store.catalogue = catalogue(&["new", "bravo", "alpha"]);
        store.reopen(ending);
        let total =
            |store: &TestStore, id: &str| store.total(store.catalogue.find(id).unwrap()).count;
        assert_eq!(["new", "bravo", "alpha"].map(|id| total(&store, id)), [0, 1, 2], "{ending:?}");
        store.record(&[Report { provider: ProviderIndex(0), ..report(4) }]);
        store.catalogue = catalogue(&["bravo"]);
        store.reopen(ending);
        store.catalogue = catalogue(&["alpha", "new"]);
        store.reopen(ending);
        assert_eq!(
            ["alpha", "new"].map(|id| total(&store, id)),
            [2, 1],
            "{ending:?}: who was taken out comes back with all"
        );
    }
}

fn a_revision_changes_with_its_providers_facts_only(kind: Kind) {
    let store = TestStore::new(kind);
    let revision = |provider| store.wait(store.store().revision(provider)).unwrap();
    let mut seen = vec![revision(ALPHA)];
    let of_bravo = revision(BRAVO);
    for n in 1..=3 {
        store.record(&[report(n)]);
        seen.push(revision(ALPHA));
    }
    store.record(&[report(1)]);
    store.wait(store.store().probe()).unwrap();
    store.tidy(now());
    assert_eq!(revision(ALPHA), seen[3], "a duplicate, a probe and housekeeping change no fact");
    seen.dedup();
    assert_eq!((seen.len(), revision(BRAVO)), (4, of_bravo));
}

fn probing_changes_nothing(kind: Kind) {
    let mut store = TestStore::new(kind);
    store.record(&[report(1)]);
    let (before, live) = (store.facts(ALPHA), store.wait(store.store().liveness()).unwrap());
    store.wait(store.store().probe()).unwrap();
    store.reopen(Ending::Died);
    assert_eq!((store.facts(ALPHA), store.wait(store.store().liveness()).unwrap()), (before, live));
}

fn another_reporter_key_is_refused_with_the_way_out(kind: Kind) {
    let mut store = TestStore::new(kind);
    store.record(&[report(1)]);
    store.leave(Ending::Died);
    let error = store.open(Terms { reporter_key_check: 8, ..TERMS }).unwrap_err();
    assert!(
        matches!(error, OpenError::ReporterKey(_))
            && error.to_string().contains("GROUNDSWELL_REPORTER_KEY"),
        "{error}"
    );
    store.open(TERMS).expect("the refusal changed nothing");
}

/// A store of some kind, with nothing in it at first.
struct TestStore {
    kind: Kind,
    catalogue: Catalogue,
    store: Option<Store>,
    runtime: Runtime,
    directory: tempfile::TempDir,
    redis: address::Options,
}

impl TestStore {
    fn new(kind: Kind) -> Self {
        // A process that is being started holds our files, locks included, for a moment:
        // all are started before any store is opened.
        start_shared();
        let runtime = Builder::new_current_thread().build().unwrap();
        let catalogue = catalogue(&["alpha", "bravo"]);
        let redis = address::Options { prefix: own_prefix(), ..address::Options::default() };
        let mut new = Self {
            kind,
            catalogue,
            store: None,
            runtime,
            directory: tempfile::tempdir().unwrap(),
            redis,
        };
        new.store = Some(new.open(TERMS).unwrap());
        new
    }

    fn open(&self, terms: Terms) -> Result<Store, OpenError> {
        match self.kind {
            Kind::Embedded => Store::open_embedded(
                self.directory.path(),
                &self.catalogue,
                terms,
                Options::default(),
            ),
            Kind::Redis => Store::open_redis(&shared_single(), &self.catalogue, terms, &self.redis),
            Kind::LeastUser => Store::open_redis(
                &shared_single_as_least_user(&self.redis.prefix),
                &self.catalogue,
                terms,
                &self.redis,
            ),
            Kind::Cluster => {
                Store::open_redis(&shared_cluster(), &self.catalogue, terms, &self.redis)
            }
        }
    }

    fn leave(&mut self, ending: Ending) {
        if matches!(ending, Ending::Closed) {
            self.store().close().unwrap();
        }
        self.store = None;
    }

    fn reopen(&mut self, ending: Ending) {
        self.leave(ending);
        self.store = Some(self.open(TERMS).unwrap());
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn record(&self, group: &[Report]) -> Vec<Recorded> {
        self.wait(self.store().record(group)).into_iter().collect::<Result<_, _>>().unwrap()
    }

    /// The same store, as another node has it. One directory has one node.
    fn another_node(&self) -> Option<Store> {
        (!matches!(self.kind, Kind::Embedded)).then(|| self.open(TERMS).unwrap())
    }

    fn append(
        &self,
        node: &Store,
        token: Option<Token>,
        expected: Position,
        entries: &[&str],
    ) -> Appended {
        let entries: Vec<Vec<u8>> = entries.iter().map(|entry| entry.as_bytes().to_vec()).collect();
        self.wait(node.append(token, expected, &entries)).unwrap()
    }

    fn tail(&self, node: &Store, from: Position) -> Tail {
        self.wait(node.journal(from)).unwrap()
    }

    fn lease(&self, node: &Store, asking: NodeId, for_ms: i64) -> Lease {
        self.wait(node.lease(asking, for_ms)).unwrap()
    }

    fn tidy(&self, now: Timestamp) {
        self.wait(self.store().tidy(now)).unwrap();
    }

    fn size(&self) -> StoreSize {
        self.wait(self.store().size())
    }

    fn minutes(&self, provider: ProviderIndex, range: Range<Minute>) -> Vec<(Minute, Arc<Counts>)> {
        self.wait(self.store().minutes(provider, range)).unwrap()
    }

    fn hours(&self, provider: ProviderIndex, range: Range<Hour>) -> Vec<(Hour, Arc<Counts>)> {
        self.wait(self.store().hours(provider, range)).unwrap()
    }

    /// All facts of the two days around now.
    fn facts(&self, provider: ProviderIndex) -> BTreeMap<(Minute, FactKey), Tally> {
        rows(&self.minutes(provider, now().minute().plus(-24 * 60)..now().minute().plus(24 * 60)))
    }

    fn total(&self, provider: ProviderIndex) -> Tally {
        self.facts(provider).into_values().fold(Tally::default(), Tally::plus)
    }
}

fn piece(entries: &[&str], end: Position) -> Tail {
    Tail::Since(Piece {
        entries: entries.iter().map(|entry| entry.as_bytes().to_vec()).collect(),
        end,
        more: false,
    })
}

fn catalogue(ids: &[&str]) -> Catalogue {
    let row = |id: &&str| {
        format!("[[provider]]\nid = \"{id}\"\nname = \"{id}\"\ncategory = \"mobile\"\n")
    };
    groundswell::catalogue::parse(&ids.iter().map(row).collect::<String>()).unwrap()
}

/// An exact report of Alpha from Toronto, observed and come now, by one of many
/// reporters.
fn report(reporter: u64) -> Report {
    let minute = now().minute();
    Report {
        provider: ALPHA,
        symptom: Symptom::NoService,
        cell: here(),
        spot: Spot::Unknown,
        reporter: Reporter {
            hash: reporter.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            slot: 4,
            identity: Identity::Own,
        },
        source: Source(0),
        observed: Observed { minute, arrived: minute, late: false },
    }
}

fn here() -> Cell {
    cell(TORONTO, 8)
}

fn at(report: Report, minute: Minute) -> Report {
    Report { observed: Observed { minute, arrived: minute, late: false }, ..report }
}

fn late(report: Report, observed: Minute) -> Report {
    Report {
        observed: Observed { minute: observed, arrived: now().minute(), late: true },
        ..report
    }
}

/// Reports of two cells, observed in each of the last six hours, some of them late.
fn over_six_hours() -> Vec<Report> {
    let one = |n: u64| {
        let report = Report { cell: cell([TORONTO, VANCOUVER][n as usize % 2], 8), ..report(n) };
        let minute = now().minute().plus(-7 * n as i64);
        if n.is_multiple_of(3) { late(report, minute) } else { at(report, minute) }
    };
    (0..50).map(one).collect()
}

fn key(lane: Lane) -> FactKey {
    FactKey::new(here(), Symptom::NoService, lane, Source(0))
}

fn facts(rows: &[(Minute, FactKey, u32, u32)]) -> BTreeMap<(Minute, FactKey), Tally> {
    rows.iter()
        .map(|(minute, key, count, first)| {
            ((*minute, *key), Tally { count: *count, first: *first })
        })
        .collect()
}

fn rows(minutes: &[(Minute, Arc<Counts>)]) -> BTreeMap<(Minute, FactKey), Tally> {
    assert!(minutes.windows(2).all(|pair| pair[0].0 < pair[1].0), "oldest first, and each once");
    minutes
        .iter()
        .flat_map(|(minute, counts)| counts.rows().map(|(key, tally)| ((*minute, key), tally)))
        .collect()
}

fn rows_by_hour(hours: &[(Hour, Arc<Counts>)]) -> BTreeMap<(Hour, FactKey), Tally> {
    assert!(hours.windows(2).all(|pair| pair[0].0 < pair[1].0), "oldest first, and each once");
    hours
        .iter()
        .flat_map(|(hour, counts)| counts.rows().map(|(key, tally)| ((*hour, key), tally)))
        .collect()
}

fn total(counts: &Counts) -> Tally {
    counts.rows().map(|(_, tally)| tally).fold(Tally::default(), Tally::plus)
}
