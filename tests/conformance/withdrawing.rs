//! What is withdrawn: nobody reads it, in the minute it was observed nor in the one it
//! came, whatever was forgotten, aged or read by another node meanwhile.

use super::*;
use groundswell::domain::incident::entry::Withdrew;
use groundswell::domain::time::Window;
use groundswell::store::shown_hour::ShownHour;
use groundswell::store::withdrawn::Withdrawn;

const APP: Source = Source(9);

fn of(source: Source, lane: Lane) -> FactKey {
    FactKey::new(here(), Symptom::NoService, lane, source)
}

fn of_app(report: Report) -> Report {
    Report { source: APP, ..report }
}

/// Came at some minute, later than it was observed.
fn came(report: Report, observed: Minute, arrived: Minute) -> Report {
    Report { observed: Observed { minute: observed, arrived, late: true }, ..report }
}

/// What the app observed an hour and a half to an hour ago; said now.
fn withdrawn() -> Withdrawn {
    let now = now().minute();
    Withdrawn {
        source: APP,
        window: Window { from: now.plus(-90), to: now.plus(-60) },
        providers: 0..2,
        arrived_before: now.plus(3),
    }
}

fn withdraw(store: &TestStore, node: &Store, all: &[Withdrawn], now: Timestamp) {
    store.wait(node.withdraw(all.to_vec(), DEFAULT_LATENESS_MS, now.minute())).unwrap();
}

pub fn what_a_source_observed_in_an_interval_goes_from_both_lanes(kind: Kind) {
    let mut store = TestStore::new(kind);
    let (minute, there) = (|ago: i64| now().minute().plus(-ago), cell(VANCOUVER, 8));
    let elsewhere = |lane| FactKey::new(there, Symptom::NoService, lane, APP);
    store.record(&[
        of_app(at(report(1), minute(80))),
        of_app(came(report(2), minute(80), minute(50))),
        of_app(came(report(3), minute(61), minute(0))),
        Report { provider: BRAVO, ..of_app(came(report(4), minute(70), minute(40))) },
        // Not observed in the interval. Elsewhere: of one place their arrivals could be
        // those of others.
        of_app(came(Report { cell: there, ..report(5) }, minute(91), minute(75))),
        of_app(came(Report { cell: there, ..report(6) }, minute(60), minute(45))),
        // Of others.
        at(report(7), minute(80)),
        came(report(8), minute(80), minute(50)),
    ]);
    let left = facts(&[
        (minute(91), elsewhere(Lane::LateObserved), 1, 1),
        (minute(75), elsewhere(Lane::LateArrived), 1, 1),
        (minute(60), elsewhere(Lane::LateObserved), 1, 1),
        (minute(45), elsewhere(Lane::LateArrived), 1, 1),
        (minute(80), key(Lane::OnTime), 1, 1),
        (minute(80), key(Lane::LateObserved), 1, 1),
        (minute(50), key(Lane::LateArrived), 1, 1),
    ]);
    let before = store.wait(store.store().revision(ALPHA)).unwrap();
    assert_eq!(
        store.wait(store.store().count(&withdrawn())).unwrap(),
        Withdrew { reports: 4, late: 3, beyond: 2 }
    );
    withdraw(&store, store.store(), &[withdrawn()], now());
    assert_eq!((store.facts(ALPHA), store.facts(BRAVO)), (left.clone(), BTreeMap::new()));
    assert_ne!(store.wait(store.store().revision(ALPHA)).unwrap(), before, "readers look again");
    assert_eq!(
        store.wait(store.store().count(&withdrawn())).unwrap(),
        Withdrew { reports: 0, late: 0, beyond: 2 },
        "nothing is withdrawn twice"
    );
    // The same on another node, after a restart, and once it has aged.
    if let Some(node) = store.another_node() {
        withdraw(&store, &node, &[withdrawn()], now());
        let range = minute(24 * 60)..minute(-24 * 60);
        assert_eq!(rows(&store.wait(node.minutes(ALPHA, range)).unwrap()), left);
    }
    for later in [now(), now().plus_ms(60 * HOUR_MS)] {
        store.tidy(later);
        for ending in [Ending::Died, Ending::Closed] {
            store.reopen(ending);
            withdraw(&store, store.store(), &[withdrawn()], later);
            assert_eq!((store.facts(ALPHA), store.facts(BRAVO)), (left.clone(), BTreeMap::new()));
        }
    }
}

pub fn of_hours_that_an_interval_cuts_all_of_the_source_goes(kind: Kind) {
    let mut store = TestStore::new(kind);
    let there = cell(VANCOUVER, 8);
    let hour = now().minute().hour().plus(-2);
    let minute = |of_hour: i64| hour.first_minute().plus(of_hour);
    store.record(&[
        of_app(at(report(1), minute(10))),
        of_app(came(report(2), minute(15), minute(30))),
        of_app(came(report(3), minute(40), minute(70))),
        // Elsewhere: of one place an earlier arrival could be anybody's.
        of_app(came(Report { cell: there, ..report(4) }, minute(-10), minute(20))),
        of_app(at(report(5), minute(65))),
        at(report(6), minute(10)),
    ]);
    let cut = Withdrawn { window: Window { from: minute(35), to: minute(50) }, ..withdrawn() };
    assert_eq!(
        store.wait(store.store().count(&cut)).unwrap(),
        Withdrew { reports: 1, late: 1, beyond: 2 }
    );
    withdraw(&store, store.store(), std::slice::from_ref(&cut), now());
    let coarse = |source, lane| of(source, lane).rolled_up_to(Resolution::HOURLY);
    let elsewhere =
        |lane| FactKey::new(there, Symptom::NoService, lane, APP).rolled_up_to(Resolution::HOURLY);
    let one = Tally { count: 1, first: 1 };
    let expected = BTreeMap::from([
        ((hour.plus(-1), elsewhere(Lane::LateObserved)), one),
        // Observed before the hour that is cut: its arrival stays.
        ((hour, elsewhere(Lane::LateArrived)), one),
        ((hour, coarse(Source(0), Lane::OnTime)), one),
        ((hour.plus(1), coarse(APP, Lane::OnTime)), one),
    ]);
    let read = |store: &TestStore| rows_by_hour(&store.hours(ALPHA, hour.plus(-2)..hour.plus(3)));
    assert_eq!(read(&store), expected);
    for later in [now(), now().plus_ms(60 * HOUR_MS), now().plus_ms(20 * 24 * HOUR_MS)] {
        store.tidy(later);
        store.reopen(Ending::Died);
        withdraw(&store, store.store(), std::slice::from_ref(&cut), later);
        assert_eq!(read(&store), expected, "minutes are kept no longer in the end");
    }
}

pub fn what_comes_after_it_was_withdrawn_is_counted_and_seen_by_nobody(kind: Kind) {
    let mut store = TestStore::new(kind);
    let minute = |ago: i64| now().minute().plus(-ago);
    let key = |lane| of(APP, lane);
    store.record(&[of_app(came(report(1), minute(80), minute(0)))]);
    withdraw(&store, store.store(), &[withdrawn()], now());
    assert_eq!(store.facts(ALPHA), BTreeMap::new());
    let hidden = store.store().hidden();
    assert!(hidden.withdraws(APP, ALPHA, minute(90)) && hidden.withdraws(APP, BRAVO, minute(61)));
    assert!(!hidden.withdraws(APP, ALPHA, minute(60)) && !hidden.withdraws(APP, ALPHA, minute(91)));
    assert!(!hidden.withdraws(Source(0), ALPHA, minute(80)));
    // A node that did not know it yet: its arrival is taken as soon as all are known.
    store.record(&[of_app(came(report(2), minute(70), minute(-1)))]);
    let arrived = facts(&[(minute(-1), key(Lane::LateArrived), 1, 1)]);
    assert_eq!(store.facts(ALPHA), arrived);
    let late = of_app(came(report(3), minute(70), minute(-2))).withdrawn();
    assert_eq!(store.record(&[late, late]), [Recorded::Counted, Recorded::Duplicate]);
    // Others come late, of minutes that nobody withdrew, and stay.
    let other = of_app(came(report(4), minute(20), minute(-10)));
    store.record(&[other]);
    let left = facts(&[
        (minute(20), key(Lane::LateObserved), 1, 1),
        (minute(-10), key(Lane::LateArrived), 1, 1),
    ]);
    for later in [minute(-4), minute(-60)] {
        withdraw(&store, store.store(), &[withdrawn()], later.start());
        assert_eq!(store.facts(ALPHA), left, "{later:?}");
    }
    store.reopen(Ending::Died);
    withdraw(&store, store.store(), &[withdrawn()], minute(-60).start());
    assert_eq!(store.facts(ALPHA), left, "as before the restart");
    assert_eq!(store.record(&[late]), [Recorded::Duplicate]);
}

pub fn intervals_that_overlap_withdraw_each_report_once(kind: Kind) {
    let store = TestStore::new(kind);
    let minute = |ago: i64| now().minute().plus(-ago);
    let observed = [85, 75, 65, 55, 45];
    let reports: Vec<Report> = (1..)
        .zip(observed)
        .map(|(n, ago)| of_app(came(report(n), minute(ago), minute(0))))
        .collect();
    store.record(&reports);
    let void = |from, to, known: i64| Withdrawn {
        window: Window { from: minute(from), to: minute(to) },
        arrived_before: minute(-3 - known),
        ..withdrawn()
    };
    let all = [void(80, 60, 0), void(90, 70, 1), void(70, 50, 2)];
    let arrived = |store: &TestStore| {
        let facts = store.facts(ALPHA);
        let arrived = facts.get(&(minute(0), of(APP, Lane::LateArrived)));
        (facts.len(), arrived.map(|tally| tally.count))
    };
    for (n, left) in [(0, (6, Some(5))), (1, (4, Some(3))), (2, (3, Some(2))), (3, (2, Some(1)))] {
        withdraw(&store, store.store(), &all[..n], now());
        assert_eq!(arrived(&store), left, "{n} of them");
    }
    let only_bravo = Withdrawn { providers: 1..2, ..void(90, 40, 3) };
    withdraw(&store, store.store(), &[only_bravo], now());
    assert_eq!(arrived(&store), (6, Some(5)), "those of another provider stay");
}

pub fn what_is_withdrawn_stays_in_minutes_at_rest(kind: Kind) {
    let mut store = TestStore::new(kind);
    let minute = |ago: i64| now().minute().plus(-ago);
    let range = minute(24 * 60)..minute(-24 * 60);
    store.record(&[
        of_app(at(report(1), minute(80))),
        of_app(came(report(2), minute(75), minute(50))),
        at(report(3), minute(80)),
    ]);
    let mut all = store.facts(ALPHA);
    assert_eq!(store.minutes_at_rest(ALPHA, range.clone()), all, "where nothing is withdrawn");
    let left = facts(&[(minute(80), key(Lane::OnTime), 1, 1)]);
    withdraw(&store, store.store(), &[withdrawn()], now());
    assert_eq!(store.facts(ALPHA), left);
    assert_eq!(store.minutes_at_rest(ALPHA, range.clone()), all);
    // What comes afterwards is there, too, but nobody's first: the firsts of a minute stay
    // what they were.
    store.record(&[of_app(came(report(4), minute(80), minute(-1))).withdrawn()]);
    let tally = all.get_mut(&(minute(80), of(APP, Lane::OnTime))).unwrap();
    *tally = tally.plus(Tally { count: 1, first: 0 });
    let at_rest = |store: &TestStore| store.minutes_at_rest(ALPHA, range.clone());
    assert_eq!((store.facts(ALPHA), at_rest(&store)), (left.clone(), all.clone()));
    let last = minute(80).start().plus_ms(MINUTES_AT_REST_DAYS * 24 * HOUR_MS);
    for later in [now(), now().plus_ms(60 * HOUR_MS), last] {
        store.tidy(later);
        for ending in [Ending::Died, Ending::Closed] {
            store.reopen(ending);
            withdraw(&store, store.store(), &[withdrawn()], later);
            assert_eq!((store.facts(ALPHA), at_rest(&store)), (left.clone(), all.clone()));
        }
    }
}

pub fn a_source_that_is_withdrawn_goes_from_the_shown_hours_that_the_interval_touches(kind: Kind) {
    let mut store = TestStore::new(kind);
    let hour = now().minute().hour().plus(-2);
    let coarse = |source, lane| of(source, lane).rolled_up_to(Resolution::new(5).unwrap());
    let twin = |rows: &[(Source, Lane, u32)]| {
        let row = |(source, lane, count): &(_, _, u32)| {
            (coarse(*source, *lane), Tally { count: *count, first: 0 })
        };
        let counts = Arc::new(Counts::from_rows(rows.iter().map(row).collect()));
        ShownHour { k: 3, finest: Resolution::HOURLY, counts }
    };
    let open = Source(0);
    let (mixed, of_app) = (
        [(open, Lane::OnTime, 5), (APP, Lane::OnTime, 4), (APP, Lane::LateObserved, 3)],
        [(APP, Lane::OnTime, 7)],
    );
    let keep = |provider, hour, rows: &[_]| {
        store.wait(store.store().keep_shown_hour(provider, hour, &twin(rows))).unwrap();
    };
    for hour in [hour.plus(-1), hour, hour.plus(1)] {
        keep(ALPHA, hour, &mixed);
        keep(BRAVO, hour, &of_app);
    }
    let minute = |of_hour: i64| hour.first_minute().plus(of_hour);
    let cut = Withdrawn {
        window: Window { from: minute(35), to: minute(61) },
        providers: 0..1,
        ..withdrawn()
    };
    let read = |store: &TestStore, provider| -> Vec<BTreeMap<FactKey, u32>> {
        let hours = hour.plus(-1)..hour.plus(2);
        let found = store.wait(store.store().shown_hours(provider, hours)).unwrap();
        let counts =
            |twin: &ShownHour| twin.counts.rows().map(|(k, tally)| (k, tally.count)).collect();
        found.iter().map(|(_, twin)| counts(twin)).collect()
    };
    let rows = |rows: &[(Source, Lane, u32)]| -> BTreeMap<FactKey, u32> {
        rows.iter().map(|(source, lane, count)| (coarse(*source, *lane), *count)).collect()
    };
    withdraw(&store, store.store(), std::slice::from_ref(&cut), now());
    for ending in [Ending::Died, Ending::Closed] {
        let expected = [rows(&mixed), rows(&mixed[..1]), rows(&mixed[..1])];
        assert_eq!(read(&store, ALPHA), expected);
        assert_eq!(read(&store, BRAVO), vec![rows(&of_app); 3], "it is about Alpha");
        // Where nothing is left the twin is there all the same.
        let both = Withdrawn { providers: 0..2, ..cut.clone() };
        withdraw(&store, store.store(), &[both], now());
        assert_eq!(read(&store, BRAVO), [rows(&of_app), rows(&[]), rows(&[])]);
        store.reopen(ending);
        assert_eq!(read(&store, ALPHA), vec![rows(&mixed); 3], "as it was kept");
        withdraw(&store, store.store(), std::slice::from_ref(&cut), now());
    }
}
