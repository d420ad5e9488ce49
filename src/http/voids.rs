//! `POST /v1/voids` and `GET /v1/voids`: reports that are withdrawn, and why.

use super::admin::{collected, object, past, text};
use super::app::App;
use super::basis::Basis;
use super::caller::{Administering, Reading};
use super::error::{Code, Problem};
use super::live::{self, Moment};
use super::query::Query;
use super::response::Dated;
use crate::domain::access::source::LAST_SOURCE;
use crate::domain::fact::Source;
use crate::domain::incident::entry::Void;
use crate::domain::time::{MINUTE_MS, Timestamp, Window};
use crate::engine::shown::Sight;
use crate::render::void::VoidJson;
use crate::store::MINUTES_KEPT_DAYS;
use crate::wire::scalar::Scalar;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Characters of a reason at most.
const MOST_REASON: usize = 1_000;
/// Voids that are listed at most, the newest ones.
const MOST_LISTED: usize = 1_000;

/// Reports to withdraw. A field that is not listed here is refused: with a misspelt
/// `provider` the reports of all would be withdrawn.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents what RawVoid reads")]
pub struct VoidBody {
    /// Number of the source whose reports are withdrawn; 0 where the service is open to
    /// everybody.
    #[schema(example = 0, minimum = 0, maximum = 16_383)]
    source: u16,
    /// The first instant of the interval, rounded down to its minute. No longer ago than
    /// minutes are kept.
    #[schema(format = DateTime, example = "2022-07-08T08:00:00Z")]
    from: String,
    /// The first instant after it, rounded up to a minute.
    #[schema(format = DateTime, example = "2022-07-08T09:00:00Z")]
    to: String,
    /// Only reports of this provider; all where it is left out.
    #[schema(example = "rogers", pattern = "^[a-z0-9][a-z0-9-]{0,63}$")]
    provider: Option<String>,
    /// The public reason.
    #[schema(
        example = "an app sent its test reports here",
        min_length = 1,
        max_length = 1_000,
        pattern = "\\S"
    )]
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVoid<'a> {
    #[serde(borrow, default)]
    source: Scalar<'a>,
    #[serde(borrow, default)]
    from: Scalar<'a>,
    #[serde(borrow, default)]
    to: Scalar<'a>,
    #[serde(borrow, default)]
    provider: Scalar<'a>,
    #[serde(borrow, default)]
    reason: Scalar<'a>,
}

/// Reports that were withdrawn.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoidList)]
pub struct VoidsAnswer {
    /// The newest first, at most 1,000.
    items: Vec<VoidJson>,
    /// Detection ignores withdrawn reports up to this instant.
    #[schema(format = DateTime, example = "2022-07-08T13:05:00Z")]
    as_of: String,
}

/// Withdraw the reports of a source over an interval
///
/// Those that the source observed in the interval, whenever they arrive. They stay in the
/// store, and no map, series or detector reads them any more. Detection starts again
/// without them, and withdraws incidents that have no evidence left, with this reason. The
/// answer says how many reports were withdrawn.
#[utoipa::path(
    post, path = "/v1/voids", tag = "incidents", operation_id = "void_reports",
    request_body(content = VoidBody, description = "Which reports, at most 64 KiB"),
    responses(
        (
            status = 202, description = "Recorded on the disk; detection starts again",
            body = VoidJson,
        ),
        (status = 400, description = "A field is at fault"),
        (status = 403, description = "Neither with the scope `admin` nor from this machine"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "Not JSON"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn add(
    caller: Administering,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let body = collected(&request, payload).await?;
    let void = object::<RawVoid<'_>>(&body)?.read(&app)?;
    let void = app.engine.void(caller.actor(), void).await?;
    Ok(HttpResponse::Accepted().json(VoidJson::from(&void)))
}

/// List withdrawn reports
#[utoipa::path(
    get, path = "/v1/voids", tag = "incidents", operation_id = "list_voids",
    responses(
        (status = 200, description = "The withdrawn reports", body = VoidsAnswer),
        (status = 304, description = "Unchanged since the ETag in `If-None-Match`"),
        (status = 400, description = "A parameter is at fault"),
        (status = 503, description = "The journal was not read yet: retry after `Retry-After`"),
    ),
)]
pub async fn list(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let make = |_: &App, moment: &Moment| {
        let items =
            moment.register.voids().iter().rev().take(MOST_LISTED).map(VoidJson::from).collect();
        Ok(VoidsAnswer { items, as_of: String::new() })
    };
    live::answer(
        &app,
        &request,
        &reader,
        &(),
        (Basis::Words, "application/json", Sight::Public),
        make,
    )
    .await
}

impl Dated for VoidsAnswer {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

impl RawVoid<'_> {
    fn read(&self, app: &App) -> Result<Void, Problem> {
        let (engine, now) = (&app.engine, app.engine.dated_now()?);
        let bound = |scalar: &Scalar<'_>, field: &str| {
            past(scalar, field, now)?.ok_or_else(|| {
                Problem::field(Code::MissingField, field, crate::wire::time::INSTANT, "nothing")
            })
        };
        let (from, to) = (bound(&self.from, "from")?, bound(&self.to, "to")?);
        if to <= from {
            return Err(Problem::field(Code::InvalidValue, "to", "after from", self.to.got()));
        }
        if from < engine.minutes_kept_since() {
            let expected = format!(
                "at most {MINUTES_KEPT_DAYS} days ago: older reports are not told apart any more"
            );
            return Err(Problem::field(Code::OutOfRetention, "from", expected, self.from.got()));
        }
        let provider = match &self.provider {
            Scalar::Missing => None,
            Scalar::Text(id) => {
                let unknown = || {
                    Problem::field(
                        Code::UnknownProvider,
                        "provider",
                        "an id listed at /v1/providers",
                        &**id,
                    )
                };
                Some(
                    engine
                        .catalogue()
                        .get(engine.catalogue().find(id).ok_or_else(unknown)?)
                        .id
                        .clone(),
                )
            }
            other => {
                return Err(Problem::field(
                    Code::InvalidValue,
                    "provider",
                    "an id listed at /v1/providers",
                    other.got(),
                ));
            }
        };
        let up = Timestamp(to.0 + MINUTE_MS - 1);
        let window = Window { from: from.minute(), to: up.minute() };
        Ok(Void {
            source: self.source()?,
            window,
            provider,
            reason: text(&self.reason, "reason", MOST_REASON)?,
            known_at: now,
            withdrew: None,
        })
    }

    fn source(&self) -> Result<Source, Problem> {
        let expected = "a whole number 0..=16383";
        match &self.source {
            Scalar::Missing => {
                Err(Problem::field(Code::MissingField, "source", expected, "nothing"))
            }
            Scalar::Number(number)
                if number.fract() == 0.0 && (0.0..=f64::from(LAST_SOURCE.0)).contains(number) =>
            {
                Ok(Source(*number as u16))
            }
            other => Err(Problem::field(Code::InvalidValue, "source", expected, other.got())),
        }
    }
}
