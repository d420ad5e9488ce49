//! What a store still holds when it is opened again, and who may open it.

use super::*;

pub fn a_reopened_store_has_every_fact_claim_and_live_minute(kind: Kind) {
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

pub fn providers_keep_their_facts_when_the_catalogue_changes(kind: Kind) {
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

pub fn another_reporter_key_is_refused_with_the_way_out(kind: Kind) {
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
