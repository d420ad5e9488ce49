//! What the journal holds, in order: revisions of incidents, notes of operators, voids,
//! and what quiet days taught.

use super::{Incident, IncidentId};
use crate::domain::detect::QuietDay;
use crate::domain::fact::Source;
use crate::domain::time::{MINUTE_MS, Minute, Timestamp, Window};
use std::sync::Arc;

/// Every node has read of a void after so many minutes: nodes read the journal each
/// second, and their clocks differ by less than two minutes.
const KNOWN_AFTER_MINUTES: i64 = 3;

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
    /// Observed in these minutes, whenever they came.
    pub window: Window,
    /// Only those about this provider, by its id; all where it is none.
    pub provider: Option<String>,
    /// Why, for everybody to read.
    pub reason: String,
    /// When it was decided.
    pub known_at: Timestamp,
    /// How many reports that were; none where a version before this one wrote it.
    pub withdrew: Option<Withdrew>,
}

/// How many reports a void withdrew, as of when it was decided. Those that came later and
/// were observed in its interval are withdrawn too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Withdrew {
    /// Observed in the interval.
    pub reports: u64,
    /// Those of them that came late.
    pub late: u64,
    /// Further ones, of the hours that the interval cuts: they go with the rest where only
    /// whole hours are told apart.
    pub beyond: u64,
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

    /// Before which minute late reports that it withdraws have a fact of their arrival: by
    /// then every node has read of it, and records none of those that come later.
    #[must_use]
    pub const fn arrived_before(&self) -> Minute {
        self.known_at.minute().plus(KNOWN_AFTER_MINUTES)
    }

    /// The first minute in which no report that it withdraws was observed or came.
    #[must_use]
    pub fn reaches_until(&self, lateness_ms: i64) -> Minute {
        if self.withdrew.is_some_and(|withdrew| withdrew.late == 0) {
            return self.window.to;
        }
        let latest = self.window.to.plus(lateness_ms / MINUTE_MS);
        latest.min(self.arrived_before()).max(self.window.to)
    }
}
