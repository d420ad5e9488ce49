//! What the ledger holds, in order: sources and keys, as they were created and changed, and
//! what else operators did. It is the record of who did what.

use super::key::{KeyId, KeyRecord};
use super::source::SourceRecord;
use crate::domain::fact::Source;
use crate::domain::privacy::coin::Coin;
use crate::domain::privacy::rule::Rule;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// Reports of a source are withdrawn. Recorded before they are, so that none are
    /// withdrawn by nobody.
    ReportsVoided {
        /// Whose.
        source: Source,
        /// Observed from then on.
        from: Timestamp,
        /// And before then.
        to: Timestamp,
        /// Only those about this provider, by its id; all where there is none.
        provider: Option<String>,
    },
    /// A note is added to an incident. Recorded before it is.
    NoteAdded {
        /// The id of the incident.
        incident: String,
    },
    /// It was set what readers may see.
    PrivacySet(PrivacySetting),
    /// Somebody read exact figures: once a day each.
    ExactRead,
}

/// What readers may see from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivacySetting {
    /// By which rule reports are shown.
    pub rule: Rule,
    /// Whether somebody asked for it; else it is what a new store begins with.
    pub is_chosen: bool,
    /// The coin of the store. That of the first setting holds for ever: with another the
    /// past would be shown in other places.
    pub coin: Coin,
}
