//! What an upgrade makes of a journal, on every store there is.

use super::{KEPT, anew, entries, holds, in_any_order, now, revisions, told, traces};
use crate::support::older::{EVERYWHERE, OlderStore, On, append, entry, exact, journal};
use crate::support::stored::wait;
use groundswell::domain::incident::Incident;
use groundswell::domain::incident::entry::Entry;
use groundswell::domain::time::DAY_MS;
use groundswell::store::journal::{JournalName, Piece, Tail};
use groundswell::store::places::PlaceKey;
use groundswell::store::upgrade::Older;
use groundswell::store::{OpenError, Store};
use groundswell::wire::journal::from_bytes;

/// Those of the revisions whose places are kept.
fn kept(revisions: &[Incident]) -> Vec<&Incident> {
    let is_kept = |revision: &&Incident| {
        KEPT.iter().any(|days| revision.known_at == now().plus_ms(-days * DAY_MS))
    };
    revisions.iter().filter(is_kept).collect()
}

fn places(store: &Store) -> Vec<(PlaceKey, Vec<u8>)> {
    let keys = wait(store.places_since(0)).unwrap();
    let found = wait(store.places(&keys)).unwrap();
    keys.into_iter().zip(found.into_iter().map(Option::unwrap)).collect()
}

#[test]
fn revisions_become_what_everybody_was_told_and_exact_ones_are_kept_57_days() {
    for on in EVERYWHERE {
        let revisions = revisions(now());
        let before = entries(&revisions);
        let older = OlderStore::holding(on, &before);
        let store = older.open_at(now(), true).unwrap();
        assert!(journal(&store).0 == anew(&before), "{on:?}");
        let mut expected: Vec<(PlaceKey, Vec<u8>)> = kept(&revisions)
            .into_iter()
            .map(|of| {
                let key =
                    PlaceKey { known_at: of.known_at, incident: of.id, revision: of.revision };
                (key, entry(of))
            })
            .collect();
        expected.sort_unstable();
        assert!(places(&store) == expected, "{on:?}");
        drop(store);
        // From now on it is like any other of this format.
        let store = older.open(Older::Refused).unwrap();
        assert!(journal(&store).0 == anew(&before), "{on:?}");
        append(&store, &[b"more".to_vec()]);
        assert_eq!(journal(&store).0.len(), before.len() + 1);
    }
}

#[test]
fn nothing_of_what_was_exact_is_left_at_rest_outside_places() {
    for on in EVERYWHERE {
        let revisions = revisions(now());
        let older = OlderStore::holding(on, &entries(&revisions));
        let found_in = |traces: &[Vec<u8>]| {
            let is_elsewhere = |(name, bytes): &(String, Vec<u8>)| {
                !name.contains(":places") && traces.iter().any(|trace| holds(bytes, trace))
            };
            let names = older.raw().into_iter().filter(is_elsewhere).map(|(name, _)| name);
            names.collect::<Vec<String>>()
        };
        let all = traces(&revisions);
        assert_eq!(found_in(&all).len(), 1, "{on:?}: the journal has them");
        drop(older.open_at(now(), true).unwrap());
        let forgotten: Vec<Incident> = {
            let kept = kept(&revisions);
            revisions.iter().filter(|of| !kept.contains(of)).cloned().collect()
        };
        assert_eq!(forgotten.len(), 2 * 4);
        // In a directory, places are in the file of the journal.
        let gone = if on == On::Directory { traces(&forgotten) } else { all };
        assert_eq!(found_in(&gone), [""; 0], "{on:?}");
    }
}

#[test]
fn what_nobody_can_read_may_name_a_place_and_becomes_an_entry_that_says_nothing() {
    for on in EVERYWHERE {
        let damaged = entry(&exact(now(), 9, 1, 0..1))[..200].to_vec();
        let of_later = br#"{"kind":"of_a_later_version","x":1}"#.to_vec();
        let older = OlderStore::holding(on, &[damaged.clone(), of_later.clone()]);
        let (after, _) = journal(&older.open_at(now(), true).unwrap());
        assert_eq!((after.len(), &after[1]), (2, &of_later), "{on:?}");
        assert_eq!(from_bytes(&after[0]).unwrap(), None);
        assert!(after[0] != damaged);
        assert_eq!(wait(older.open(Older::Refused).unwrap().places_since(0)).unwrap(), []);
    }
}

#[test]
fn without_being_asked_nothing_is_upgraded_that_would_be_lost_and_nothing_changes() {
    for on in EVERYWHERE {
        let older = OlderStore::holding(on, &entries(&revisions(now())));
        let before = in_any_order(older.raw());
        for refused in [older.open(Older::Refused), older.open_at(now(), false)] {
            let error = refused.unwrap_err();
            assert!(matches!(error, OpenError::Older { found: 1, writes: 2, .. }), "{error}");
            let said = error.to_string();
            for part in
                ["--upgrade", "cannot be undone", "groundswell copy", "older versions refuse"]
            {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
        assert!(in_any_order(older.raw()) == before, "{on:?}");
    }
}

#[test]
fn a_store_without_exact_revisions_is_upgraded_unasked() {
    for on in EVERYWHERE {
        for entries in [vec![], vec![super::note(1), told(&exact(now(), 3, 1, 0..5))]] {
            let older = OlderStore::holding(on, &entries);
            assert!(journal(&older.open_at(now(), false).unwrap()).0 == entries, "{on:?}");
            assert!(journal(&older.open(Older::Refused).unwrap()).0 == entries, "{on:?}");
        }
    }
}

#[test]
fn a_store_of_a_later_version_is_refused_by_name() {
    for on in EVERYWHERE {
        let store = OlderStore::holding(on, &[]);
        drop(store.open_at(now(), false).unwrap());
        store.say_format(3);
        for older in [Older::Refused, Older::AsItIs] {
            let error = store.open(older).unwrap_err();
            assert!(matches!(error, OpenError::Newer { found: 3, reads: 2, .. }), "{error}");
            let said = "was written by a newer version of Groundswell (format 3); this one reads \
                        formats up to 2";
            assert!(error.to_string().contains(said), "{error}");
        }
        store.open_at(now(), true).unwrap_err();
    }
}

#[test]
fn who_has_read_the_journal_of_before_reads_on_in_that_of_this_format() {
    for on in [On::Redis, On::Cluster] {
        let older = OlderStore::holding(on, &[]);
        let store = older.open_at(now(), false).unwrap();
        let before = entries(&revisions(now()));
        append(&store, &before);
        let (_, end) = journal(&store);
        drop(store);
        older.make_older();
        let store = older.open_at(now(), true).unwrap();
        let nothing_more = Piece { entries: Vec::new(), end, more: false };
        let tail = wait(store.journal(JournalName::Incidents, end)).unwrap();
        assert_eq!(tail, Tail::Since(nothing_more), "numbers and ids stay");
    }
}

/// Entries of a journal as bytes in hexadecimal, a line each: what version 0.1.0 of commit
/// 8d57259 wrote, the last before there were public forms. A server of it on a quiet past
/// (`tests/support/past.rs`) was sent 40 reports about Charlie from one village, and ran until
/// the incident was over.
const WRITTEN_BEFORE: &str = include_str!("format1.hex");

#[test]
fn what_the_version_before_wrote_is_carried_over() {
    let bytes = |line: &str| {
        let digits = line.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect::<Vec<u8>>()
    };
    let before: Vec<Vec<u8>> = WRITTEN_BEFORE.lines().map(bytes).collect();
    let revisions: Vec<Incident> = before
        .iter()
        .map(|entry| match from_bytes(entry) {
            Ok(Some(Entry::Revision(exact))) => (*exact).clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(revisions.len(), 6);
    assert!(revisions.iter().all(|exact| exact.naming.is_none() && !exact.cells.is_empty()));
    for on in EVERYWHERE {
        let older = OlderStore::holding(on, &before);
        let store = older.open_at(now().plus_ms(DAY_MS), true).unwrap();
        assert!(journal(&store).0 == anew(&before), "{on:?}");
        let exact = places(&store).into_iter().map(|(_, place)| place);
        assert!(exact.collect::<Vec<_>>() == before, "{on:?}");
    }
    let told = anew(&before).into_iter().map(|entry| match from_bytes(&entry) {
        Ok(Some(Entry::Revision(told))) => told,
        other => panic!("{other:?}"),
    });
    for (exact, told) in revisions.iter().zip(told) {
        assert_eq!((told.id, told.revision), (exact.id, exact.revision));
        assert_eq!((told.known_at, told.onset), (exact.known_at, exact.onset));
        assert!(told.cells.iter().all(|cell| cell.resolution().number() == 5), "{told:?}");
    }
}
