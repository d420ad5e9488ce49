//! What the OpenAPI document says of reads that have no new content to give.
//!
//! `openapi.rs` adds the body, which is the same for every error.

use utoipa::IntoResponses;

/// Of answers that are read from the store.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "documents what the handlers answer")]
pub enum ReadErrors {
    /// The reader has the content already.
    #[response(status = 304, description = "Unchanged since the ETag in `If-None-Match`")]
    Unchanged,
    /// A parameter is at fault
    #[response(status = 400)]
    Parameter,
    /// The store is away and nothing recent is left: retry after `Retry-After`
    #[response(status = 503)]
    Unavailable,
}

/// Of answers that need the detectors.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "documents what the handlers answer")]
pub enum DetectionErrors {
    /// The reader has the content already.
    #[response(status = 304, description = "Unchanged since the ETag in `If-None-Match`")]
    Unchanged,
    /// A parameter is at fault
    #[response(status = 400)]
    Parameter,
    /// Detection is catching up with the past: retry after `Retry-After`
    #[response(status = 503)]
    CatchingUp,
}

/// Of answers that need the journal of incidents.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "documents what the handlers answer")]
pub enum IncidentErrors {
    /// The reader has the content already.
    #[response(status = 304, description = "Unchanged since the ETag in `If-None-Match`")]
    Unchanged,
    /// A parameter is at fault
    #[response(status = 400)]
    Parameter,
    #[response(
        status = 503,
        description = "Detection is catching up with the past, and the journal holds no incident \
             yet: retry after `Retry-After`"
    )]
    CatchingUp,
}
