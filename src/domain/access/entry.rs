//! What the ledger holds, in order: sources and keys, as they were created and changed. It
//! is the record of who did what as well.

use super::key::{KeyId, KeyRecord};
use super::source::SourceRecord;
use crate::domain::time::Timestamp;

/// An entry of the ledger: what was changed, when and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// What.
    pub change: Change,
}

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody at a command line with access to the store.
    CommandLine,
    /// Somebody on the machine of a server that only this machine reaches.
    ThisMachine,
    /// Whoever holds this key.
    Key(KeyId),
    /// Somebody of a kind that only a newer version knows.
    Other,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A source was created, or changed: all that is known of it from now on.
    Source(SourceRecord),
    /// A key was created.
    KeyCreated(KeyRecord),
    /// A key was replaced by another, which has the same settings.
    KeyRotated {
        /// The one that is replaced.
        old: KeyId,
        /// Until when the old one still works.
        old_expires_at: Timestamp,
        /// The one that takes its place.
        new: KeyRecord,
    },
    /// A key was revoked.
    KeyRevoked(KeyId),
}
