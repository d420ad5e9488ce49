//! Places of incidents, beside their journal in one database.

use super::Embedded;
use super::journal::{Journal, PLACES, run_blocking};
use crate::domain::incident::IncidentId;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::places::{Place, PlaceKey};
use redb::ReadableDatabase;
use std::sync::Arc;

impl Journal {
    fn keep_places(&self, places: &[Place]) -> Result<(), StoreError> {
        self.database.with(|database| {
            let mut txn = database.begin_write()?;
            // As an append has it: the database is theirs, too.
            txn.set_two_phase_commit(true);
            {
                let mut table = txn.open_table(PLACES)?;
                for (key, place) in places {
                    table.insert(stored(*key), &**place)?;
                }
            }
            txn.commit()?;
            Ok(())
        })
    }

    pub(super) fn places(&self, keys: &[PlaceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.database.with(|database| {
            let table = database.begin_read()?.open_table(PLACES)?;
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                found.push(table.get(stored(*key))?.map(|place| place.value().to_vec()));
            }
            Ok(found)
        })
    }

    pub(super) fn places_since(&self, day: i64) -> Result<Vec<PlaceKey>, StoreError> {
        self.database.with(|database| {
            let table = database.begin_read()?.open_table(PLACES)?;
            let mut found = Vec::new();
            for row in table.range(stored(PlaceKey::first_of(day))..)? {
                let (known_at, incident, revision) = row?.0.value();
                let (known_at, incident) = (Timestamp(known_at), IncidentId(incident));
                found.push(PlaceKey { known_at, incident, revision });
            }
            Ok(found)
        })
    }

    /// Forgets places of days before one.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn forget_places(&self, before: i64) -> Result<(), StoreError> {
        let end = stored(PlaceKey::first_of(before));
        self.database.with(|database| {
            let is_none = {
                let table = database.begin_read()?.open_table(PLACES)?;
                table.range(..end)?.next().is_none()
            };
            if is_none {
                return Ok(());
            }
            let mut txn = database.begin_write()?;
            txn.set_two_phase_commit(true);
            txn.open_table(PLACES)?.retain_in(..end, |_, _| false)?;
            txn.commit()?;
            Ok(())
        })
    }
}

pub(super) const fn stored(key: PlaceKey) -> (i64, u64, u32) {
    (key.known_at.0, key.incident.0, key.revision)
}

impl Embedded {
    pub(in crate::store) async fn keep_places(&self, places: Vec<Place>) -> Result<(), StoreError> {
        let journal = Arc::clone(&self.incidents);
        run_blocking(move || journal.keep_places(&places)).await
    }

    /// The places of these revisions, each in its turn.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn places(&self, keys: Vec<PlaceKey>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let journal = Arc::clone(&self.incidents);
        run_blocking(move || journal.places(&keys)).await
    }

    /// The revisions of these days whose places are kept, oldest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn places_since(&self, day: i64) -> Result<Vec<PlaceKey>, StoreError> {
        let journal = Arc::clone(&self.incidents);
        run_blocking(move || journal.places_since(day)).await
    }
}
