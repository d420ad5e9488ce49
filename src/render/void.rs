//! Reports that were withdrawn, as clients see it.

use super::time::{Window, rfc3339};
use crate::domain::incident::entry::Void;
use serde::Serialize;
use utoipa::ToSchema;

/// Withdrawn reports: those of one source over an interval. Detection ignores them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = VoidedReports)]
pub struct VoidJson {
    /// Number of the source; 0 where the service is open to everybody.
    #[schema(examples(0))]
    pub source: u16,
    /// The minutes in which they were observed or, where late, arrived.
    pub window: Window,
    /// Only reports of this provider; null for all.
    #[schema(required = true, examples("rogers"))]
    pub provider: Option<String>,
    /// The public reason. Plain text.
    #[schema(examples("an app sent its test reports here"))]
    pub reason: String,
    /// When they were withdrawn.
    #[schema(format = DateTime, examples("2022-07-08T13:02:11Z"))]
    pub known_at: String,
}

impl From<&Void> for VoidJson {
    fn from(void: &Void) -> Self {
        Self {
            source: void.source.0,
            window: void.window.into(),
            provider: void.provider.clone(),
            reason: void.reason.clone(),
            known_at: rfc3339(void.known_at),
        }
    }
}
