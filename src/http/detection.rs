//! How far detection has come with the past, as JSON and as a header.

use crate::engine::detection::progress::Detection;
use crate::render::time::rfc3339;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

/// What every answer says of detection: `current`, or how far it has come, as in
/// `catching_up;up-to="2022-07-08T08:44:00Z";share=0.42`.
pub const DETECTION: HeaderName = HeaderName::from_static("detection");

/// How far detection has come with the past.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = DetectionProgress)]
pub struct ProgressJson {
    /// State of detection: `current`, `late`, `catching_up`, or another word: treat that
    /// as not current.
    #[schema(example = "catching_up")]
    pub detection: &'static str,
    /// Reports up to this instant are in its answers; null before the first step.
    #[schema(required = true, format = DateTime, example = "2022-07-08T08:44:00Z")]
    pub up_to: Option<String>,
    /// The share of the past that it has come through.
    #[schema(example = 0.42, minimum = 0, maximum = 1)]
    pub share: f64,
}

impl From<&Detection> for ProgressJson {
    fn from(detection: &Detection) -> Self {
        // Rounded down: only what is done is said to be.
        let share = (detection.share() * 1_000.0).floor() / 1_000.0;
        Self { detection: detection.name(), up_to: detection.up_to().map(rfc3339), share }
    }
}

/// The value of [`DETECTION`], an item with parameters (RFC 9651).
pub fn header_value(detection: &Detection) -> HeaderValue {
    let ProgressJson { detection: name, up_to, share } = detection.into();
    let up_to = up_to
        .filter(|_| !detection.is_current())
        .map_or_else(String::new, |up_to| format!(";up-to=\"{up_to}\""));
    let share = if detection.is_current() { String::new() } else { format!(";share={share:.3}") };
    HeaderValue::try_from(format!("{name}{up_to}{share}"))
        .expect("letters, digits and signs make a header")
}
