//! Sources as those see them who run the server.

use super::time::rfc3339;
use crate::domain::access::source::SourceRecord;
use serde::Serialize;
use utoipa::ToSchema;

/// An app that sends reports or reads answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Source)]
pub struct SourceJson {
    /// Its number, which stands in every report that it sent: 1 to 16,383, never given
    /// again.
    #[schema(examples(1))]
    pub number: u16,
    /// What operators call it.
    #[schema(examples("Outage app"))]
    pub name: String,
    /// Whom to write to when it misbehaves.
    #[schema(required = true, examples("ops@app.example"))]
    pub contact: Option<String>,
    /// Whether its reporters may open cells and incidents. Where not, its reports count,
    /// and are nobody's first of the day.
    #[schema(examples(true))]
    pub may_open: bool,
    /// When it was created.
    #[schema(format = DateTime, examples("2022-07-08T08:44:10Z"))]
    pub created_at: String,
}

impl From<&SourceRecord> for SourceJson {
    fn from(source: &SourceRecord) -> Self {
        Self {
            number: source.number.0,
            name: source.name.clone(),
            contact: source.contact.clone(),
            may_open: source.may_open,
            created_at: rfc3339(source.created_at),
        }
    }
}
