//! Public twins of hours: read as they were kept last, for as long as their hours.

use super::*;
use groundswell::store::shown_hour::{KeptShownHour, ShownHour};

const APP: Source = Source(9);

/// Counts of some reporters in Toronto, through one source each.
fn twin(k: u8, finest: i64, rows: &[(Source, Lane, u32)]) -> ShownHour {
    let finest = Resolution::new(finest).unwrap();
    let mut counts = Counts::default();
    for (source, lane, count) in rows {
        let key = FactKey::new(here(), Symptom::NoService, *lane, *source).rolled_up_to(finest);
        counts.add(key, Tally { count: *count, first: 0 });
    }
    ShownHour { k, finest, counts: Arc::new(counts) }
}

fn keep(store: &TestStore, node: &Store, provider: ProviderIndex, hour: Hour, twin: &ShownHour) {
    store.wait(node.keep_shown_hour(provider, hour, twin)).unwrap();
}

/// Twins of hours, each with its rule and its rows.
type Read = Vec<(Hour, u8, Resolution, BTreeMap<FactKey, Tally>)>;

fn read(store: &TestStore, node: &Store, provider: ProviderIndex, hours: Range<Hour>) -> Read {
    let found = store.wait(node.shown_hours(provider, hours.clone())).unwrap();
    let kept = store.wait(node.shown_hours_kept(provider, hours)).unwrap();
    let rules = found.iter().map(|(hour, twin)| KeptShownHour {
        hour: *hour,
        k: twin.k,
        finest: twin.finest,
    });
    assert_eq!(kept, rules.collect::<Vec<_>>(), "what is kept is what is read");
    found.iter().map(as_read).collect()
}

fn as_read((hour, twin): &(Hour, ShownHour)) -> (Hour, u8, Resolution, BTreeMap<FactKey, Tally>) {
    (*hour, twin.k, twin.finest, twin.counts.rows().collect())
}

pub fn a_shown_hour_is_read_as_it_was_kept_last(kind: Kind) {
    let mut store = TestStore::new(kind);
    let hour = now().minute().hour().plus(-60);
    let all = hour.plus(-9)..hour.plus(9);
    assert_eq!(read(&store, store.store(), ALPHA, all.clone()), [], "none at first");
    let open = Source(0);
    let of_alpha = [
        (hour.plus(-1), twin(3, 7, &[(open, Lane::OnTime, 70_000), (APP, Lane::LateObserved, 2)])),
        // Nobody is shown, but the hour has its twin.
        (hour, twin(3, 7, &[])),
        (hour.plus(2), twin(5, 5, &[(open, Lane::OnTime, 9)])),
    ];
    for (hour, twin) in &of_alpha {
        keep(&store, store.store(), ALPHA, *hour, twin);
    }
    let of_bravo = [(hour, twin(2, 6, &[(APP, Lane::OnTime, 3)]))];
    keep(&store, store.store(), BRAVO, hour, &of_bravo[0].1);
    let expected = of_alpha.each_ref().map(as_read).to_vec();
    let revision = store.wait(store.store().revision(ALPHA)).unwrap();
    for ending in [Ending::Died, Ending::Closed] {
        assert_eq!(read(&store, store.store(), ALPHA, all.clone()), expected, "before {ending:?}");
        assert_eq!(
            read(&store, store.store(), BRAVO, all.clone()),
            of_bravo.each_ref().map(as_read),
            "nothing leaks into another provider"
        );
        store.reopen(ending);
    }
    let part = |hours| read(&store, store.store(), ALPHA, hours);
    assert_eq!(part(hour..hour.plus(2)), expected[1..2], "half-open");
    assert_eq!((part(hour..hour), part(hour.plus(1)..hour)), (vec![], vec![]));
    // The last one stays, whoever keeps it, and however often.
    let again = (hour.plus(-1), twin(5, 6, &[(open, Lane::OnTime, 1)]));
    let node = store.another_node();
    let node = node.as_ref().unwrap_or(store.store());
    for _ in 0..2 {
        keep(&store, node, ALPHA, again.0, &again.1);
        let mut expected = expected.clone();
        expected[0] = as_read(&again);
        assert_eq!(read(&store, store.store(), ALPHA, all.clone()), expected);
        assert_eq!(read(&store, node, ALPHA, all.clone()), expected);
    }
    assert_eq!(store.wait(store.store().revision(ALPHA)).unwrap(), revision, "no fact has changed");
    assert!(store.minutes(ALPHA, hour.first_minute()..now().minute()).is_empty());
}

pub fn a_shown_hour_is_forgotten_with_its_hour(kind: Kind) {
    let mut store = TestStore::new(kind);
    let hour = now().minute().hour();
    store.record(&[report(1), Report { provider: BRAVO, ..report(2) }]);
    let kept = twin(3, 7, &[(Source(0), Lane::OnTime, 1)]);
    for provider in [ALPHA, BRAVO] {
        for hour in [hour, hour.plus(1)] {
            keep(&store, store.store(), provider, hour, &kept);
        }
    }
    let days = |n: i64| now().plus_ms(n * 24 * HOUR_MS);
    for (later, of_facts, left) in [
        (days(MINUTES_AT_REST_DAYS + 1), 1, vec![hour, hour.plus(1)]),
        (days(HOURS_KEPT_DAYS), 1, vec![hour, hour.plus(1)]),
        (days(HOURS_KEPT_DAYS).plus_ms(HOUR_MS), 0, vec![hour.plus(1)]),
        (days(HOURS_KEPT_DAYS).plus_ms(2 * HOUR_MS), 0, vec![]),
    ] {
        store.tidy(later);
        for ending in [Ending::Died, Ending::Closed] {
            for provider in [ALPHA, BRAVO] {
                assert_eq!(store.hours(provider, hour..hour.plus(1)).len(), of_facts, "{later:?}");
                let twins = read(&store, store.store(), provider, hour.plus(-2)..hour.plus(3));
                let hours: Vec<Hour> = twins.iter().map(|twin| twin.0).collect();
                assert_eq!(hours, left, "{later:?}, before {ending:?}");
            }
            store.reopen(ending);
        }
    }
}
