//! An incident as it is known, now or at a moment before: its revisions and what was said
//! of it up to then.

use super::entry::Note;
use super::register::Case;
use super::{Form, Incident};
use crate::domain::time::Timestamp;
use std::sync::Arc;

/// What is known of an incident: at least one revision.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    revisions: &'a [Arc<Incident>],
    notes: Vec<&'a Note>,
}

impl<'a> Known<'a> {
    /// What was known at an instant, or is now where there is none, in one of its forms;
    /// None where nothing was.
    #[must_use]
    pub fn of(case: &'a Case, at: Option<Timestamp>, form: Form) -> Option<Self> {
        let was_known = |known_at: Timestamp| at.is_none_or(|at| known_at <= at);
        let revisions = case.revisions_in(form);
        let revisions =
            &revisions[..revisions.partition_point(|revision| was_known(revision.known_at))];
        let notes = case.notes().iter().filter(|note| was_known(note.known_at)).collect();
        (!revisions.is_empty()).then_some(Self { revisions, notes })
    }

    /// The newest revision.
    #[must_use]
    pub fn incident(&self) -> &'a Arc<Incident> {
        self.revisions.last().expect("what is known has a revision")
    }

    /// When it was last published, or last something was noted of it.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        let noted = self.notes.iter().map(|note| note.known_at);
        noted.fold(self.incident().known_at, Timestamp::max)
    }

    /// All revisions, oldest first.
    #[must_use]
    pub const fn revisions(&self) -> &'a [Arc<Incident>] {
        self.revisions
    }

    /// What was said, in the order it was noted.
    #[must_use]
    pub fn notes(&self) -> &[&'a Note] {
        &self.notes
    }

    /// How much earlier the crowd was than the first official word, in milliseconds;
    /// negative where the word came first. None without a word.
    #[must_use]
    pub fn lead_ms(&self) -> Option<i64> {
        let first =
            self.notes.iter().filter(|note| note.official).map(|note| note.said_at).min()?;
        Some(first.ms_since(self.incident().detected_at))
    }
}
