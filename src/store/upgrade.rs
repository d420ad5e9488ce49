//! What an older version wrote, carried over to this one.
//!
//! Format 1 may hold revisions of incidents as they were exactly. Format 2 keeps them in the
//! form that everybody is told, and what was exact among the [`places`](super::places). A
//! store does not know what entries say: who opens it says how each is written anew.

use super::places::{Place, PlaceKey, kept_since};
use crate::domain::time::Timestamp;

/// The earliest format that can be upgraded.
pub const OLDEST: u32 = 1;

/// What becomes of a store of an older format that is opened.
#[derive(Debug, Clone, Copy)]
pub enum Older {
    /// It is refused.
    Refused,
    /// It is opened as it is: by who reads the ledger alone, or copies it.
    AsItIs,
    /// It is upgraded where that is asked for, where it was begun before, or where no entry
    /// is to be written anew.
    Upgraded {
        /// How.
        carry: Carry,
        /// Whether somebody said that it may be.
        is_asked_for: bool,
    },
}

/// How entries of the journal of incidents are carried over.
#[derive(Debug, Clone, Copy)]
pub struct Carry {
    /// What this format has in the place of an entry.
    pub rewrite: Rewrite,
    /// Decides which places are kept.
    pub now: Timestamp,
}

/// What this format has in the place of an entry; None where that is the same. It follows
/// from the entry alone: whoever does it, does the same.
pub type Rewrite = fn(&[u8]) -> Option<Rewritten>;

/// What this format has in the place of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The entry.
    pub entry: Vec<u8>,
    /// Among the places, the entry of before goes by this; none where it is not kept.
    pub place: Option<PlaceKey>,
}

impl Carry {
    /// For entries that are of this format: all stay.
    #[must_use]
    pub const fn of_this_format() -> Self {
        Self { rewrite: |_| None, now: Timestamp(0) }
    }

    /// Whether any of these entries is to be written anew.
    #[must_use]
    pub fn changes(&self, entries: &[Vec<u8>]) -> bool {
        entries.iter().any(|entry| (self.rewrite)(entry).is_some())
    }

    /// These entries in this format, and the places that are kept of them.
    #[must_use]
    pub fn carried(&self, entries: Vec<Vec<u8>>) -> (Vec<Vec<u8>>, Vec<Place>) {
        let (since, mut places) = (kept_since(self.now), Vec::new());
        let carry = |before: Vec<u8>| match (self.rewrite)(&before) {
            None => before,
            Some(Rewritten { entry, place }) => {
                places.extend(place.filter(|key| since <= key.day()).map(|key| (key, before)));
                entry
            }
        };
        let entries = entries.into_iter().map(carry).collect();
        (entries, places)
    }
}
