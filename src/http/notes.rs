//! `POST /v1/incidents/{id}/notes`: what somebody said of an incident.

use super::admin::{collected, flag, object, past, text};
use super::app::App;
use super::caller::Administering;
use super::error::{Code, Problem};
use super::incidents::read_id;
use super::query::Query;
use crate::domain::incident::entry::Note;
use crate::engine::detection::ActionError;
use crate::render::note::NoteJson;
use crate::wire::scalar::Scalar;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

/// Characters of a note's text and source at most.
const MOST_TEXT: usize = 10_000;
const MOST_SOURCE: usize = 500;

/// A note on an incident: what somebody said about it. A field that is not listed here is
/// refused, since a note cannot be changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents what RawNote reads")]
pub struct NoteBody {
    /// Who said it, or where: a name or an address.
    #[schema(
        example = "twitter.com/RogersHelps",
        min_length = 1,
        max_length = 500,
        pattern = "\\S"
    )]
    source: String,
    /// What was said. Stored and shown as plain text, whatever it looks like.
    #[schema(
        example = "We are currently experiencing an outage.",
        min_length = 1,
        max_length = 10_000,
        pattern = "\\S"
    )]
    text: String,
    /// When it was said; now where left out.
    #[schema(format = DateTime, example = "2022-07-08T12:59:00Z")]
    said_at: Option<String>,
    /// Whether the provider itself, or an authority, said it: `lead_seconds` counts up
    /// to the first such note.
    #[schema(example = true)]
    official: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNote<'a> {
    #[serde(borrow, default)]
    source: Scalar<'a>,
    #[serde(borrow, default)]
    text: Scalar<'a>,
    #[serde(borrow, default)]
    said_at: Scalar<'a>,
    #[serde(borrow, default)]
    official: Scalar<'a>,
}

/// Add a note to an incident
#[utoipa::path(
    post, path = "/v1/incidents/{id}/notes", tag = "incidents", operation_id = "add_note",
    params((
        "id" = String, Path, description = "Id of an incident",
        example = "3f9a2c41d07be658", pattern = "^[0-9a-f]{16}$",
    )),
    request_body(content = NoteBody, description = "What was said, at most 64 KiB"),
    responses(
        (status = 201, description = "Recorded on the disk", body = NoteJson),
        (status = 400, description = "A field is at fault"),
        (status = 403, description = "Neither with the scope `admin` nor from this machine"),
        (status = 404, description = "No incident has that id"),
        (status = 413, description = "The body is too large, or the incident has as many notes as \
             it holds"),
        (status = 415, description = "Not JSON"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn add(
    caller: Administering,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let incident = read_id(&id)?;
    let body = collected(&request, payload).await?;
    let raw: RawNote<'_> = object(&body)?;
    let now = app.engine.dated_now()?;
    let note = Note {
        incident,
        official: flag(&raw.official, "official")?.unwrap_or(false),
        said_at: past(&raw.said_at, "said_at", now)?.unwrap_or(now).min(now),
        known_at: now,
        source: text(&raw.source, "source", MOST_SOURCE)?,
        text: text(&raw.text, "text", MOST_TEXT)?,
    };
    let answer = NoteJson::from(&note);
    app.engine.note(caller.actor(), note).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/v1/incidents/{incident}")))
        .json(answer))
}

impl From<ActionError> for Problem {
    fn from(error: ActionError) -> Self {
        match &error {
            ActionError::Unknown(id) => {
                Self::field(Code::NotFound, "id", "an id listed at /v1/incidents", id.to_string())
            }
            ActionError::TooMany => Self::new(Code::TooManyItems, error.to_string()),
            ActionError::Store(_) | ActionError::Append(_) | ActionError::Access(_) => {
                Self::new(Code::Unavailable, error.to_string())
            }
        }
    }
}
