//! What somebody said of an incident, as clients see it.

use super::time::rfc3339;
use crate::domain::incident::entry::Note;
use serde::Serialize;
use utoipa::ToSchema;

/// A note on an incident: what somebody said about it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Note)]
pub struct NoteJson {
    /// Whether the provider itself, or an authority, said it.
    pub official: bool,
    /// When it was said.
    #[schema(format = DateTime, examples("2022-07-08T12:59:00Z"))]
    pub said_at: String,
    /// When it was added here.
    #[schema(format = DateTime, examples("2022-07-08T13:02:11Z"))]
    pub known_at: String,
    /// Who said it, or where: a name or an address. Plain text.
    #[schema(examples("twitter.com/RogersHelps"))]
    pub source: String,
    /// What was said. Plain text, whatever it looks like: escape it before it becomes
    /// part of a page.
    #[schema(examples("We are currently experiencing an outage."))]
    pub text: String,
}

impl From<&Note> for NoteJson {
    fn from(note: &Note) -> Self {
        Self {
            official: note.official,
            said_at: rfc3339(note.said_at),
            known_at: rfc3339(note.known_at),
            source: note.source.clone(),
            text: note.text.clone(),
        }
    }
}
