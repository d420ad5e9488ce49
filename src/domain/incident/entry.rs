//! What the journal holds, in order: revisions of incidents, notes of operators, voids,
//! and what quiet days taught.

use super::{Incident, IncidentId};
use crate::domain::detect::QuietDay;
use crate::domain::fact::{FactKey, Source};
use crate::domain::time::{Minute, Timestamp, Window};
use std::sync::Arc;

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// What is known of an incident from now on.
    Revision(Arc<Incident>),
    /// What somebody said of it.
    Note(Note),
    /// Reports that are withdrawn.
    Void(Void),
    /// What a quiet day taught, lest a node that starts must wait for a week of them.
    Lesson(Lesson),
}

/// What somebody said of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Of which.
    pub incident: IncidentId,
    /// Whether the provider itself, or an authority, said it.
    pub official: bool,
    /// When it was said.
    pub said_at: Timestamp,
    /// When it was noted here.
    pub known_at: Timestamp,
    /// Where it was said: a name or an address.
    pub source: String,
    /// What was said. Plain text, whatever it looks like.
    pub text: String,
}

/// The reports of one source over an interval, withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Void {
    /// Whose reports.
    pub source: Source,
    /// Observed, or where they came late arrived, in these minutes.
    pub window: Window,
    /// Only those about this provider, by its id; all where it is none.
    pub provider: Option<String>,
    /// Why, for everybody to read.
    pub reason: String,
    /// When it was decided.
    pub known_at: Timestamp,
}

/// What a quiet day taught of one provider's scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// Of which, by its id.
    pub provider: String,
    /// Scores are those of this version of the method, with parameters of this
    /// fingerprint: to another they say nothing.
    pub version: String,
    /// See `version`.
    pub parameters: u64,
    /// The day.
    pub quiet_day: QuietDay,
}

impl Void {
    /// Whether it withdraws facts of that provider at all.
    #[must_use]
    pub fn is_about(&self, provider: &str) -> bool {
        self.provider.as_deref().is_none_or(|about| about == provider)
    }

    /// Whether it withdraws a fact of that minute.
    #[must_use]
    pub fn withdraws(&self, minute: Minute, key: FactKey) -> bool {
        self.window.contains(minute) && key.source() == self.source
    }
}
