//! The store's contract (`src/store/mod.rs`), one function a line, run on every store
//! there is.

mod ageing;
mod journal;
mod places;
mod recording;
mod reopening;
mod shown_hours;
mod usage;
mod withdrawing;

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
    Appended, JournalName, Lease, MOST_BYTES_READ, MOST_ENTRIES_APPENDED, MOST_ENTRIES_READ,
    MOST_ENTRY_BYTES, NodeId, Piece, Position, Tail, Token,
};
use groundswell::store::redis::address;
use groundswell::store::{
    HOURS_KEPT_DAYS, MINUTES_AT_REST_DAYS, MINUTES_KEPT_DAYS, OpenError, Recorded, Store,
    StoreSize, Terms, embedded::Options,
};
use journal::*;
use places::*;
use proptest::prelude::*;
use recording::*;
use reopening::*;
use shown_hours::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use usage::*;
use withdrawing::*;

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

/// Makes each function a test of each journal of each store.
macro_rules! every_journal {
    ($($line:ident,)*) => {
        $(mod $line {
            use super::{JournalName::{Incidents, Ledger}, Kind, journal::$line as holds};

            #[test] fn incidents_embedded() { holds(Kind::Embedded, Incidents); }
            #[test] fn incidents_redis() { holds(Kind::Redis, Incidents); }
            #[test] fn incidents_least_user() { holds(Kind::LeastUser, Incidents); }
            #[test] fn incidents_cluster() { holds(Kind::Cluster, Incidents); }
            #[test] fn ledger_embedded() { holds(Kind::Embedded, Ledger); }
            #[test] fn ledger_redis() { holds(Kind::Redis, Ledger); }
            #[test] fn ledger_least_user() { holds(Kind::LeastUser, Ledger); }
            #[test] fn ledger_cluster() { holds(Kind::Cluster, Ledger); }
        })*
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
    minutes_are_forgotten_a_day_after_readers_lose_them_and_hours_after_eight_weeks,
    claims_are_known_for_the_lateness_and_forgotten_afterwards,
    a_revision_changes_with_its_providers_facts_only,
    live_minutes_are_remembered_for_as_long_as_hours,
    probing_changes_nothing,
    another_reporter_key_is_refused_with_the_way_out,
    what_a_source_observed_in_an_interval_goes_from_both_lanes,
    of_hours_that_an_interval_cuts_all_of_the_source_goes,
    what_comes_after_it_was_withdrawn_is_counted_and_seen_by_nobody,
    intervals_that_overlap_withdraw_each_report_once,
    what_is_withdrawn_stays_in_minutes_at_rest,
    a_source_that_is_withdrawn_goes_from_the_shown_hours_that_the_interval_touches,
    a_shown_hour_is_read_as_it_was_kept_last,
    a_shown_hour_is_forgotten_with_its_hour,
    places_are_read_as_they_were_kept_on_every_node,
    places_are_forgotten_a_day_after_hours,
    an_append_under_a_token_that_is_not_the_newest_changes_nothing,
    a_lease_is_one_nodes_until_it_ends_or_is_given_back,
    no_token_is_good_for_the_ledger,
    what_is_appended_to_one_journal_is_not_in_the_other,
    what_keys_were_used_for_adds_up_over_all_nodes_by_day,
    a_batch_that_is_told_again_counts_once,
    usage_outlives_every_ending_that_is_none_of_a_kill_and_old_days_are_forgotten,
    nodes_that_told_something_are_counted,
}

every_journal! {
    an_appended_entry_is_in_the_next_read_in_order_on_every_node,
    an_append_elsewhere_than_at_the_end_changes_nothing,
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

/// A store of some kind, with nothing in it at first.
struct TestStore {
    kind: Kind,
    /// The journal that is appended to and read.
    journal: JournalName,
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
            journal: JournalName::Incidents,
            catalogue,
            store: None,
            runtime,
            directory: tempfile::tempdir().unwrap(),
            redis,
        };
        new.store = Some(new.open(TERMS).unwrap());
        new
    }

    /// A store whose journal of that name is to be tested.
    fn with_journal(kind: Kind, journal: JournalName) -> Self {
        Self { journal, ..Self::new(kind) }
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
        self.wait(node.append(self.journal, token, expected, &entries)).unwrap()
    }

    fn tail(&self, node: &Store, from: Position) -> Tail {
        self.wait(node.journal(self.journal, from)).unwrap()
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

    fn minutes_at_rest(
        &self,
        provider: ProviderIndex,
        range: Range<Minute>,
    ) -> BTreeMap<(Minute, FactKey), Tally> {
        rows(&self.wait(self.store().minutes_at_rest(provider, range)).unwrap())
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
