//! Places of incidents: read as they were kept, by every node, for 57 days.

use super::*;
use groundswell::domain::incident::IncidentId;
use groundswell::domain::time::DAY_MS;
use groundswell::store::places::{PLACES_KEPT_DAYS, PlaceKey};

fn key(days: i64, incident: u64, revision: u32) -> PlaceKey {
    PlaceKey { known_at: now().plus_ms(days * DAY_MS), incident: IncidentId(incident), revision }
}

fn read(store: &TestStore, node: &Store, keys: &[PlaceKey]) -> Vec<Option<Vec<u8>>> {
    store.wait(node.places(keys)).unwrap()
}

pub fn places_are_read_as_they_were_kept_on_every_node(kind: Kind) {
    let mut store = TestStore::new(kind);
    assert_eq!(read(&store, store.store(), &[]), []);
    assert_eq!(read(&store, store.store(), &[key(0, 1, 0)]), [None]);
    assert_eq!(store.wait(store.store().places_since(0)).unwrap(), []);
    // More than are written at once, of two days; bytes of any kind.
    let all: Vec<(PlaceKey, Vec<u8>)> = (0..150)
        .map(|n| (key(-i64::from(n % 2), u64::MAX - u64::from(n / 5), n), vec![n as u8; 700]))
        .collect();
    store.wait(store.store().keep_places(&all)).unwrap();
    let mut keys: Vec<PlaceKey> = all.iter().map(|(key, _)| *key).collect();
    let expected: Vec<_> = all.iter().map(|(_, place)| Some(place.clone())).collect();
    for ending in [Ending::Died, Ending::Closed] {
        assert_eq!(read(&store, store.store(), &keys), expected, "before {ending:?}");
        if let Some(node) = store.another_node() {
            assert_eq!(read(&store, &node, &keys), expected);
        }
        store.reopen(ending);
    }
    let unknown = [key(0, 1, 0), PlaceKey { known_at: now().plus_ms(1), ..keys[0] }, keys[0]];
    assert_eq!(read(&store, store.store(), &unknown), [None, None, expected[0].clone()]);
    // Kept again, the last one counts.
    let again = [(keys[3], b"other".to_vec())];
    for _ in 0..2 {
        store.wait(store.store().keep_places(&again)).unwrap();
        assert_eq!(read(&store, store.store(), &keys[3..4]), [Some(b"other".to_vec())]);
    }
    keys.sort_unstable();
    let since = |day| store.wait(store.store().places_since(day)).unwrap();
    assert_eq!(since(0), keys);
    assert_eq!(since(now().day()), keys[75..], "those of today");
    assert_eq!(since(now().day() + 1), []);
    assert_eq!(store.size().journal_entries, 0, "none of them is an entry of the journal");
}

pub fn places_are_forgotten_a_day_after_hours(kind: Kind) {
    let mut store = TestStore::new(kind);
    let all = [key(-1, 7, 0), key(0, 7, 1), key(1, 7, 2)];
    let kept: Vec<_> = all.iter().map(|key| (*key, b"place".to_vec())).collect();
    store.wait(store.store().keep_places(&kept)).unwrap();
    for (later, left) in [
        (HOURS_KEPT_DAYS, 3),
        (PLACES_KEPT_DAYS - 1, 3),
        (PLACES_KEPT_DAYS, 2),
        (PLACES_KEPT_DAYS + 1, 1),
        (PLACES_KEPT_DAYS + 2, 0),
    ] {
        store.tidy(now().plus_ms(later * DAY_MS));
        for ending in [Ending::Died, Ending::Closed] {
            let found = store.wait(store.store().places_since(0)).unwrap();
            assert_eq!(found, all[3 - left..], "after {later} days, before {ending:?}");
            let read = read(&store, store.store(), &all);
            assert_eq!(read.iter().flatten().count(), left);
            store.reopen(ending);
        }
    }
}
