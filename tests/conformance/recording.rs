//! What is recorded: counted once, in its minute, for its provider, in whatever order it
//! comes.

use super::*;

pub fn a_counted_report_is_in_the_next_read(kind: Kind) {
    let store = TestStore::new(kind);
    assert_eq!(store.record(&[report(1)]), [Recorded::Counted]);
    assert_eq!(store.facts(ALPHA), facts(&[(now().minute(), key(Lane::OnTime), 1, 1)]));
    store.record(&[report(2), report(3)]);
    assert_eq!(store.facts(ALPHA), facts(&[(now().minute(), key(Lane::OnTime), 3, 3)]));
}

pub fn a_reporter_counts_once_a_period_and_claim(kind: Kind) {
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

pub fn another_reporter_provider_period_or_claim_counts_again(kind: Kind) {
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

pub fn first_is_counted_once_a_reporters_day_and_provider(kind: Kind) {
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

pub fn nobody_is_never_a_first_and_stands_in_history_only(kind: Kind) {
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

pub fn what_has_no_place_stays_where_it_is_in_minutes_and_hours(kind: Kind) {
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

pub fn a_late_report_stands_in_the_minute_it_was_observed_and_in_the_minute_it_came(kind: Kind) {
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

pub fn nothing_leaks_into_another_provider_or_minute(kind: Kind) {
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

pub fn an_empty_group_and_an_empty_range_are_nothing(kind: Kind) {
    let store = TestStore::new(kind);
    assert_eq!(store.record(&[]), []);
    store.record(&[report(1)]);
    let minute = now().minute();
    assert!(store.minutes(ALPHA, minute..minute).is_empty());
    assert!(store.minutes(ALPHA, Minute(minute.0 + 5)..minute).is_empty(), "upside down");
    assert!(store.hours(ALPHA, minute.hour()..minute.hour()).is_empty());
}

pub fn concurrent_recordings_add_up_and_count_nobody_twice(kind: Kind) {
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

pub fn the_order_of_arrival_never_changes_a_total(kind: Kind) {
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
            let counts = |provider| {
                let facts = store.facts(provider).into_iter();
                facts.map(|(fact, tally)| (fact, tally.count)).collect::<Vec<_>>()
            };
            ([ALPHA, BRAVO].map(counts), [ALPHA, BRAVO].map(|provider| store.total(provider)))
        });
        prop_assert_eq!(&totals[0], &totals[1]);
    });
}

pub fn a_revision_changes_with_its_providers_facts_only(kind: Kind) {
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
    assert_eq!(revision(ALPHA), seen[3], "a duplicate, a probe and maintenance change no fact");
    seen.dedup();
    assert_eq!((seen.len(), revision(BRAVO)), (4, of_bravo));
}

pub fn probing_changes_nothing(kind: Kind) {
    let mut store = TestStore::new(kind);
    store.record(&[report(1)]);
    let (before, live) = (store.facts(ALPHA), store.wait(store.store().liveness()).unwrap());
    store.wait(store.store().probe()).unwrap();
    store.reopen(Ending::Died);
    assert_eq!((store.facts(ALPHA), store.wait(store.store().liveness()).unwrap()), (before, live));
}
