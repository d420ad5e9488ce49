//! Places: where exactly each revision of an incident was, apart from the journal, which is
//! kept for ever. What a place says is for who reads it.

use super::{HOURS_KEPT_DAYS, Kind, Store, StoreError};
use crate::domain::incident::IncidentId;
use crate::domain::time::{DAY_MS, Timestamp};

/// How long places are kept: for as long as hours, of which what incidents explain is
/// never learnt, and a day.
pub const PLACES_KEPT_DAYS: i64 = HOURS_KEPT_DAYS + 1;
/// Places that are read or written at once at most: a reply has to come within its time.
pub(super) const MOST_AT_ONCE: usize = 64;

/// Of which revision. The instant tells apart two of one number, of which one was never
/// appended to the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceKey {
    /// When it was made known.
    pub known_at: Timestamp,
    /// Of which incident.
    pub incident: IncidentId,
    /// Its number.
    pub revision: u32,
}

/// A place, and of which revision.
pub type Place = (PlaceKey, Vec<u8>);

impl PlaceKey {
    /// The day (of UTC since 1970) in which it was made known.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.known_at.day()
    }

    /// The first place of a day.
    pub(super) const fn first_of(day: i64) -> Self {
        Self {
            known_at: Timestamp(day.saturating_mul(DAY_MS)),
            incident: IncidentId(0),
            revision: 0,
        }
    }
}

/// The first day of which places are kept.
pub(super) const fn kept_since(now: Timestamp) -> i64 {
    now.day() - PLACES_KEPT_DAYS
}

impl Store {
    /// Keeps places, durably, in place of those that are there. They are forgotten by
    /// [`Store::tidy`] after [`PLACES_KEPT_DAYS`].
    ///
    /// # Errors
    /// Where it is not known whether all were kept. Keep them again: it is harmless.
    pub async fn keep_places(&self, places: &[Place]) -> Result<(), StoreError> {
        for some in places.chunks(MOST_AT_ONCE) {
            match &self.kind {
                Kind::Embedded(store) => store.keep_places(some.to_vec()).await?,
                Kind::Redis(store) => store.keep_places(some.to_vec()).await?,
            }
        }
        Ok(())
    }

    /// The places of these revisions, each in its turn; none where it was forgotten or
    /// never kept.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn places(&self, keys: &[PlaceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for some in keys.chunks(MOST_AT_ONCE) {
            found.extend(match &self.kind {
                Kind::Embedded(store) => store.places(some.to_vec()).await?,
                Kind::Redis(store) => store.places(some.to_vec()).await?,
            });
        }
        Ok(found)
    }

    /// The revisions that were made known in this day (of UTC since 1970) or later, and whose
    /// places are kept, oldest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn places_since(&self, day: i64) -> Result<Vec<PlaceKey>, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.places_since(day).await,
            Kind::Redis(store) => store.places_since(day).await,
        }
    }
}
