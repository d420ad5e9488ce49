//! What keys were used for.

use super::*;
use groundswell::domain::access::key::KeyId;
use groundswell::store::usage::{Batch, DAYS_KEPT, MOST_KEYS_AT_ONCE, Told};

fn id(n: usize) -> KeyId {
    KeyId::parse(&format!("{n:08}")).unwrap()
}

fn tell(
    store: &TestStore,
    node: &Store,
    (who, number): (u64, u64),
    day: i64,
    used: &[(KeyId, u64)],
) -> Told {
    store.wait(node.add_usage(Batch { node: NodeId(who), number, day, used })).unwrap()
}

pub fn what_keys_were_used_for_adds_up_over_all_nodes_by_day(kind: Kind) {
    let store = TestStore::new(kind);
    let other = store.another_node();
    let (here, there) = (store.store(), other.as_ref().unwrap_or(store.store()));
    let told = |node, who, day, used: &[_]| tell(&store, node, who, day, used).today;
    assert_eq!(told(here, (1, 1), 20_422, &[(id(1), 3), (id(2), 0)]), [3, 0]);
    assert_eq!(told(there, (2, 1), 20_422, &[(id(2), 5), (id(1), 4)]), [5, 7], "in its order");
    assert_eq!(told(here, (1, 2), 20_423, &[(id(1), 1)]), [1], "of another day");
    assert_eq!(told(there, (2, 2), 20_422, &[(id(1), 0)]), [7], "a look changes nothing");
    let largest = u64::from(u32::MAX);
    assert_eq!(told(there, (2, 3), 20_422, &[(id(1), largest)]), [7 + largest]);
    for node in [here, there] {
        let usage = store.wait(node.usage_by_key(20_423)).unwrap();
        assert_eq!(usage.today.get(&id(1)), Some(&1));
        assert_eq!(usage.today.get(&id(2)), None);
        let last: BTreeMap<KeyId, i64> = usage.last_used_day.into_iter().collect();
        // The last that was said: days follow each other but where a clock is set back.
        assert_eq!(last, [(id(1), 20_422), (id(2), 20_422)].into());
    }
    let many: Vec<(KeyId, u64)> = (10..10 + MOST_KEYS_AT_ONCE).map(|n| (id(n), 2)).collect();
    let told = told(here, (1, 3), 20_422, &many);
    assert_eq!(told, vec![2; MOST_KEYS_AT_ONCE]);
}

pub fn a_batch_that_is_told_again_counts_once(kind: Kind) {
    let store = TestStore::new(kind);
    let node = store.store();
    // One directory has one node, whose answers are not lost.
    let again = if matches!(kind, Kind::Embedded) { 1 } else { 3 };
    for _ in 0..again {
        assert_eq!(tell(&store, node, (1, 1), 9, &[(id(1), 3)]).today, [3]);
    }
    assert_eq!(tell(&store, node, (1, 2), 9, &[(id(1), 3)]).today, [6], "the next one counts");
    assert_eq!(tell(&store, node, (2, 2), 9, &[(id(1), 1)]).today, [7], "another node's, too");
    assert_eq!(tell(&store, node, (1, 3), 9, &[]).today, [0; 0]);
    assert_eq!(tell(&store, node, (1, 4), 9, &[(id(1), 1)]).today, [8]);
}

pub fn usage_outlives_every_ending_that_is_none_of_a_kill_and_old_days_are_forgotten(kind: Kind) {
    let mut store = TestStore::new(kind);
    let today = now().day();
    tell(&store, store.store(), (1, 1), today, &[(id(1), 3)]);
    store.reopen(Ending::Closed);
    tell(&store, store.store(), (2, 1), today + 1, &[(id(2), 1)]);
    store.tidy(now());
    // A minute later it is written, however the process ends.
    store.tidy(now().plus_ms(61_000));
    store.reopen(Ending::Died);
    let usage = |store: &TestStore, day| store.wait(store.store().usage_by_key(day)).unwrap();
    assert_eq!(usage(&store, today).today, [(id(1), 3)].into());
    assert_eq!(usage(&store, today + 1).today, [(id(2), 1)].into());
    assert_eq!(tell(&store, store.store(), (3, 1), today, &[(id(1), 1)]).today, [4]);
    store.tidy(now().plus_ms((DAYS_KEPT + 1) * 24 * HOUR_MS));
    tell(&store, store.store(), (3, 2), today + DAYS_KEPT + 1, &[(id(3), 1)]);
    assert_eq!(usage(&store, today).today, [].into());
    assert_eq!(usage(&store, today + 1).today, [(id(2), 1)].into());
    assert_eq!(usage(&store, today).last_used_day[&id(1)], today, "the last day is kept");
}

pub fn nodes_that_told_something_are_counted(kind: Kind) {
    let store = TestStore::new(kind);
    let node = store.store();
    let expected = if matches!(kind, Kind::Embedded) { [1, 1, 1] } else { [1, 2, 2] };
    let seen = [(1, 1), (u64::MAX, 1), (1, 2)].map(|who| tell(&store, node, who, 9, &[]).nodes);
    assert_eq!(seen, expected);
}
