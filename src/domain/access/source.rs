//! A source: an app that sends reports or reads answers. Its keys come and go, its number
//! stays, and stands in every fact that it sent.

use crate::domain::fact::Source;
use crate::domain::time::Timestamp;

/// Characters of a source's name and contact at most.
pub const MOST_NAME: usize = 100;
/// See [`MOST_NAME`].
pub const MOST_CONTACT: usize = 200;
/// The highest number of a source: 14 bits of a fact.
pub const LAST_SOURCE: Source = Source(16_383);

/// A source that is to be created: what somebody says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSource {
    /// See [`SourceRecord::name`].
    pub name: String,
    /// See [`SourceRecord::contact`].
    pub contact: Option<String>,
    /// See [`SourceRecord::may_open`].
    pub may_open: bool,
}

/// What is to become of a source; what is none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceChange {
    /// Its new name.
    pub name: Option<String>,
    /// Its new contact, or that it has none any more.
    pub contact: Option<Option<String>>,
    /// Whether it may open cells from now on.
    pub may_open: Option<bool>,
}

/// What is known of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    /// Its number: 1 to 16,383, never given again. 0 stands for callers without a key.
    pub number: Source,
    /// What operators call it. No two sources have the same name, whatever the case.
    pub name: String,
    /// Whom to write to when it misbehaves.
    pub contact: Option<String>,
    /// Whether its reporters may open cells of the public map.
    pub may_open: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

impl NewSource {
    /// The source, once it has a number.
    #[must_use]
    pub fn created(self, number: Source, created_at: Timestamp) -> SourceRecord {
        let Self { name, contact, may_open } = self;
        SourceRecord { number, name, contact, may_open, created_at }
    }
}

impl SourceRecord {
    /// The same, changed.
    #[must_use]
    pub fn changed(&self, change: SourceChange) -> Self {
        Self {
            name: change.name.unwrap_or_else(|| self.name.clone()),
            contact: change.contact.unwrap_or_else(|| self.contact.clone()),
            may_open: change.may_open.unwrap_or(self.may_open),
            ..*self
        }
    }
}
