//! Reports that were withdrawn, as clients see it.

use super::time::{Window, rfc3339};
use crate::domain::incident::entry::{Void, Withdrew};
use serde::Serialize;
use utoipa::ToSchema;

/// Withdrawn reports: those of one source over an interval. Detection ignores them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = VoidedReports)]
pub struct VoidJson {
    /// Number of the source; 0 where the service is open to everybody.
    #[schema(examples(0))]
    pub source: u16,
    /// The minutes in which they were observed, whenever they arrived.
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
    /// How many reports were withdrawn; null where version 0.1 recorded it, which did not
    /// count them.
    #[schema(required = true)]
    pub withdrawn: Option<WithdrawnJson>,
}

/// How many reports were withdrawn, as of `known_at`. Reports that arrive later and were
/// observed in the window are withdrawn too.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = WithdrawnReports)]
pub struct WithdrawnJson {
    /// Observed in the window.
    #[schema(examples(1_204))]
    pub reports: u64,
    /// Those of them that arrived late, or are no evidence: without a place, or of an id
    /// that many phones send. What arrived late counts neither when it was observed nor
    /// when it arrived.
    #[schema(examples(310))]
    pub late: u64,
    /// Further reports of the source, in the hours that the window cuts but outside it:
    /// they are withdrawn where reports are told apart by whole hours only, in what
    /// detection learns and in series beyond 14 days.
    #[schema(examples(17))]
    pub beyond: u64,
}

impl From<&Void> for VoidJson {
    fn from(void: &Void) -> Self {
        Self {
            source: void.source.0,
            window: void.window.into(),
            provider: void.provider.clone(),
            reason: void.reason.clone(),
            known_at: rfc3339(void.known_at),
            withdrawn: void.withdrew.map(WithdrawnJson::from),
        }
    }
}

impl From<Withdrew> for WithdrawnJson {
    fn from(Withdrew { reports, late, beyond }: Withdrew) -> Self {
        Self { reports, late, beyond }
    }
}
