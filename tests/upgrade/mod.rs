//! A store of an older version, carried over to this one: what named a lone reporter goes
//! out of the journal, and all that was told stays told.

mod commands;
mod dying;
mod journal;
mod nodes;
mod told;

use crate::support::older::{entry, exact};
use crate::support::{NOW, instant};
use groundswell::domain::incident::entry::{Entry, Note};
use groundswell::domain::incident::{Incident, IncidentId};
use groundswell::domain::time::Timestamp;
use groundswell::wire::journal::{from_bytes, to_bytes};
use std::collections::BTreeMap;

/// Days before now in which revisions were made known.
const DAYS: [i64; 8] = [100, 80, 59, 58, 57, 56, 10, 4];
/// Those of them whose places are kept.
const KEPT: [i64; 4] = [57, 56, 10, 4];

fn now() -> Timestamp {
    instant(NOW)
}

/// Revisions as an older version had them: each day one incident of one house, and one of
/// so many that its entry is packed.
fn revisions(now: Timestamp) -> Vec<Incident> {
    let of_day = |(n, days): (usize, i64)| {
        let first = 100 * n as u32;
        [(1, first..first + 1), (2, first + 1..first + 60)]
            .map(|(which, houses)| exact(now, days, 1_000 * n as u64 + which, houses))
    };
    DAYS.into_iter().enumerate().flat_map(of_day).collect()
}

/// The form of a revision that everybody was told before the upgrade.
fn told(incident: &Incident) -> Vec<u8> {
    entry(&incident.public_of_before())
}

fn note(number: u64) -> Vec<u8> {
    to_bytes(&Entry::Note(Note {
        incident: IncidentId(number),
        official: false,
        said_at: now(),
        known_at: now(),
        source: "a test".into(),
        text: "x".repeat(20),
    }))
}

/// Entries of a journal of format 1: these revisions, among more of other kinds than are
/// read at once.
fn entries(revisions: &[Incident]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..1_100).map(note).collect();
    for (n, revision) in revisions.iter().enumerate() {
        all.insert(130 * n.min(8) + n, entry(revision));
    }
    all
}

/// The same entries as format 2 has them.
fn anew(entries: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let anew = |bytes: &Vec<u8>| match from_bytes(bytes) {
        Ok(Some(Entry::Revision(exact))) if exact.naming.is_none() => told(&exact),
        _ => bytes.clone(),
    };
    entries.iter().map(anew).collect()
}

/// What of these revisions must not be found in any bytes: names of some cells, and a piece
/// of each packed entry.
fn traces(revisions: &[Incident]) -> Vec<Vec<u8>> {
    let of = |revision: &Incident| {
        let bytes = entry(revision);
        let mut found: Vec<Vec<u8>> =
            revision.cells.iter().take(2).map(|cell| cell.to_string().into_bytes()).collect();
        if bytes.first() != Some(&b'{') {
            found.push(bytes[bytes.len() / 2..][..24].to_vec());
        }
        found
    };
    revisions.iter().flat_map(of).collect()
}

fn holds(bytes: &[u8], trace: &[u8]) -> bool {
    bytes.windows(trace.len()).any(|window| window == trace)
}

/// What is at rest, to be compared: Redis tells the fields of a hash in any order.
fn in_any_order(mut raw: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    for bytes in raw.values_mut() {
        bytes.sort_unstable();
    }
    raw
}
