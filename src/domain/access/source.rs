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
