//! Several nodes and one store: any of them upgrades it, and one of an older version that
//! still runs writes nothing exact any more.

use super::{anew, entries, now, revisions};
use crate::support::older::{OlderStore, On, journal};
use groundswell::store::upgrade::Older;

/// How nodes of the version before append and read.
const APPEND: &str = include_str!("../../src/store/redis/append.lua");
const TAIL: &str = include_str!("../../src/store/redis/tail.lua");

/// What a node of an older version is told that appends an entry of this id behind so many.
fn append_as_before(
    older: &OlderStore,
    length: usize,
    last: &str,
    id: &str,
    entry: &[u8],
) -> String {
    let key = |name: &str| format!("{}:1:{{incidents}}:{name}", older.prefix);
    let stored = format!("{id}{}", std::str::from_utf8(entry).unwrap());
    let (journal, lease, length) = (key("journal"), key("lease"), length.to_string());
    older.cli(&["EVAL", APPEND, "2", &journal, &lease, "", "", &length, last, &stored])
}

#[test]
fn nodes_that_start_at_once_upgrade_it_together_and_each_entry_is_there_once() {
    for on in [On::Redis, On::Cluster] {
        let before = entries(&revisions(now()));
        let older = OlderStore::holding(on, &before);
        std::thread::scope(|scope| {
            let start = || drop(older.open_at(now(), true).unwrap());
            for node in (0..4).map(|_| scope.spawn(start)).collect::<Vec<_>>() {
                node.join().unwrap();
            }
        });
        assert!(journal(&older.open(Older::Refused).unwrap()).0 == anew(&before), "{on:?}");
    }
}

#[test]
fn a_node_of_an_older_version_that_still_runs_reads_and_appends_nothing_after_the_upgrade() {
    for on in [On::Redis, On::Cluster] {
        let older = OlderStore::holding(on, &[]);
        let appended = |length, last: &str, id: &str| {
            append_as_before(&older, length, last, id, br#"{"kind":"unknown"}"#)
        };
        assert_eq!(appended(0, "", "12345678").trim(), "1");
        assert_eq!(appended(1, "12345678", "23456789").trim(), "1");
        let store = older.open_at(now(), true).unwrap();
        assert_eq!(journal(&store).0.len(), 2, "what it appended before is carried over");
        let said = appended(2, "23456789", "34567890");
        assert!(said.contains("WRONGTYPE"), "{said}");
        let journal_before = format!("{}:1:{{incidents}}:journal", older.prefix);
        let said = older.cli(&["EVAL", TAIL, "1", &journal_before, "2", "23456789", "9", "999"]);
        assert!(said.contains("WRONGTYPE"), "{said}");
        let said = older.cli(&["GET", &journal_before]);
        assert!(said.contains("this store was upgraded"), "{said}");
        assert_eq!(journal(&store).0.len(), 2);
    }
}

#[test]
fn a_new_store_is_closed_to_older_versions_from_the_first() {
    for on in [On::Redis, On::Cluster] {
        let new = OlderStore::holding(on, &[]);
        drop(new.open_at(now(), false).unwrap());
        new.cli(&["DEL", &format!("{}:1:{{incidents}}:journal", new.prefix)]);
        drop(new.open(Older::Refused).unwrap());
        let said = append_as_before(&new, 0, "", "12345678", b"{}");
        assert!(said.contains("WRONGTYPE"), "{said}");
    }
}

#[test]
fn what_a_failover_brings_back_of_the_journal_of_before_is_carried_over_unasked() {
    // On a cluster the number of the format is in another slot than the journal.
    let before = entries(&revisions(now()));
    let older = OlderStore::holding(On::Cluster, &before);
    older.say_format(2);
    let store = older.open_at(now(), false).unwrap();
    assert!(journal(&store).0 == anew(&before));
}

#[test]
fn as_many_other_entries_in_the_journal_of_before_are_not_removed() {
    // A failover lost the last of them after it was carried over, and an old node appended.
    let store = OlderStore::holding(On::Redis, &[]);
    drop(store.open_at(now(), false).unwrap());
    let key = |format: u32| format!("{}:{format}:{{incidents}}:journal", store.prefix);
    store.cli(&["DEL", &key(1)]);
    store.cli(&["HSET", &key(1), "0", "12345678{}"]);
    store.cli(&["HSET", &key(2), "0", "87654321{}"]);
    let refused = store.open_at(now(), true).err().unwrap().to_string();
    assert!(refused.contains("holds other entries"), "{refused}");
    assert!(store.cli(&["HGET", &key(1), "0"]).contains("12345678{}"));
}
