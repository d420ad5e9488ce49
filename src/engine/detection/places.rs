//! Where incidents were exactly: kept apart from the journal, read along with it, and
//! forgotten.

use crate::domain::incident::Incident;
use crate::domain::incident::entry::Entry;
use crate::domain::incident::register::Register;
use crate::domain::time::DAY_MS;
use crate::engine::Engine;
use crate::store::StoreError;
use crate::store::places::{PLACES_KEPT_DAYS, Place, PlaceKey};
use crate::wire::journal::{from_bytes, to_bytes};
use std::sync::{Arc, PoisonError};

impl Engine {
    /// Takes the next entries of the journal, each revision with where it was exactly, as far
    /// as that is kept.
    ///
    /// # Errors
    /// Where the store cannot be read: nothing was taken then.
    pub(super) async fn take_entries(
        &self,
        register: &mut Register,
        entries: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        let since = self.now().day() - PLACES_KEPT_DAYS;
        let first = register.length();
        let read: Vec<Option<Entry>> =
            (first..).zip(entries).map(|(number, bytes)| entry(bytes, number)).collect();
        let key_of = |entry: &Option<Entry>| match entry {
            Some(Entry::Revision(told)) if told.naming.is_some() => Some(key(told)),
            _ => None,
        };
        let keys: Vec<PlaceKey> =
            read.iter().filter_map(key_of).filter(|key| since <= key.day()).collect();
        let rules = self.shown_by().rules;
        let mut places = keys.iter().zip(self.store.places(&keys).await?).peekable();
        for entry in read {
            let key = key_of(&entry);
            let place = places.next_if(|(of, _)| key == Some(**of)).and_then(|(_, place)| place);
            let entry = entry.map(|entry| match entry {
                Entry::Revision(told) => {
                    let hidden = told.hidden_by(rules.at(told.known_at));
                    Entry::Revision(hidden.map_or(told, Arc::new))
                }
                other => other,
            });
            register.take_with(entry, place.and_then(|bytes| exact(&bytes)));
        }
        Ok(())
    }

    /// Forgets exact places that the store keeps no longer, once a day.
    pub(super) fn forget_places(&self) {
        let (now, known) = (self.now(), self.detection.read());
        if known.forgot == Some(now.day()) || !self.trust().forgets() {
            return;
        }
        let mut register = (*known.register).clone();
        register.forget_exact(now.plus_ms(-PLACES_KEPT_DAYS * DAY_MS));
        let mut shared = self.detection.read.write().unwrap_or_else(PoisonError::into_inner);
        if shared.position == known.position {
            (shared.register, shared.forgot) = (Arc::new(register), Some(now.day()));
        }
    }
}

/// An exact revision as it is kept.
pub(super) fn place(exact: Incident) -> Place {
    (key(&exact), to_bytes(&Entry::Revision(Arc::new(exact))))
}

/// By which its place is kept.
pub(in crate::engine) const fn key(told: &Incident) -> PlaceKey {
    PlaceKey { known_at: told.known_at, incident: told.id, revision: told.revision }
}

/// The exact revision of these bytes; None where nobody can read it: it is told as everybody
/// is told of it then.
fn exact(bytes: &[u8]) -> Option<Arc<Incident>> {
    match from_bytes(bytes) {
        Ok(Some(Entry::Revision(exact))) => Some(exact),
        Ok(_) => None,
        Err(error) => {
            tracing::error!(%error, "a place of an incident cannot be read and is left out");
            None
        }
    }
}

/// The entry of these bytes; None where this version does not know it, or nobody can read
/// it.
fn entry(bytes: &[u8], number: u64) -> Option<Entry> {
    from_bytes(bytes).unwrap_or_else(|error| {
        // What cannot be read must not hide what comes after it.
        tracing::error!(%error, number, "an entry of the journal cannot be read and is left out");
        None
    })
}
