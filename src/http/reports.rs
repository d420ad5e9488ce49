//! `POST /v1/reports` and `/v1/reports/batch`: taking reports.

use super::app::App;
use super::body::{Body, Limits};
use super::error::{Code, FieldError, Problem};
use super::media_type::Declared;
use super::query::Query;
use super::report_body::{ReportBody, ReportLines};
use crate::domain::fact::Source;
use crate::domain::report::{Report, TimeError};
use crate::domain::time::Timestamp;
use crate::engine::{Acceptance, Engine};
use crate::render::time::rfc3339;
use crate::store::Recorded;
use crate::wire::fault::FaultKind;
use crate::wire::report::{RawReport, Standing};
use crate::wire::text::{parsed, trimmed};
use crate::wire::time::{SENT_INSTANT, sent_instant};
use crate::wire::warning::{Warning, WarningKind};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Items of a batch at most.
pub const MOST_ITEMS: usize = 10_000;
const SINGLE: Limits = Limits { sent: 64 << 10, unpacked: 64 << 10 };
const BATCH: Limits = Limits { sent: 4 << 20, unpacked: 16 << 20 };

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportResult)]
pub struct ReportAnswer {
    /// Whether it counts, or its reporter already did.
    outcome: OutcomeWord,
    /// The H3 cell it counts in; left out where it counts in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "882b9bc293fffff")]
    cell: Option<String>,
    /// The minute it counts in, corrected for the sender's clock; left out where it
    /// counts nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2022-07-08T08:44:00Z", format = DateTime)]
    observed_at: Option<String>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "r-1")]
    id: Option<String>,
    /// What was passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "unknown field \"battery\" is ignored")]
    warning: Option<String>,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportOutcome)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeWord {
    /// It counts, and is on the disk.
    Counted,
    /// This reporter already counts for this provider, claim and period of two hours.
    Duplicate,
    /// It counts nowhere, since its symptom may mean that it works, or that it does not:
    /// `warning` says what to send instead.
    Ignored,
    /// It is at fault and does not count; the others do.
    Rejected,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResult)]
pub struct BatchAnswer {
    /// Items that count.
    #[schema(example = 2)]
    counted: usize,
    /// Items whose reporter already counts.
    #[schema(example = 0)]
    duplicate: usize,
    /// Items that count nowhere, since it is not clear what they say.
    #[schema(example = 0)]
    ignored: usize,
    /// Items at fault.
    #[schema(example = 1)]
    rejected: usize,
    /// What was passed over in items that are not listed, if anything: how many, and the
    /// first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        example = "2 items, the first at 0: unknown field \"battery\" is ignored"
    )]
    warning: Option<String>,
    /// Items that were not counted, in input order; with `results=all` all of them.
    results: Vec<ItemResult>,
}

/// What became of one item.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemResult {
    /// Its place in the batch, from 0; blank lines are not counted.
    #[schema(example = 2)]
    index: usize,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "r-3")]
    id: Option<String>,
    /// What became of it.
    outcome: OutcomeWord,
    /// Why it is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<Code>,
    /// Whether the same item may count later. If not, drop it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retryable: Option<bool>,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "lat")]
    field: Option<String>,
    /// What it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "a number: degrees north, -90..=90")]
    expected: Option<String>,
    /// What was passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    warning: Option<String>,
}

/// Submit a report
///
/// Answered once it is on the disk. A repeated report is answered `duplicate` and counts
/// once, as long as it carries `observed_at`. Retry 503 and 429 (after `Retry-After` and
/// some jitter) and lost connections. Drop a report only where it is at fault itself.
#[utoipa::path(
    post, path = "/v1/reports", tag = "reports", operation_id = "submit_report",
    params(super::params::ReportParams, super::params::SentAtHeader),
    request_body(
        content = ReportBody,
        content_type = "application/json",
        description = "One report; may be packed with gzip or zstd, at most 64 KiB. Also taken as \
             `text/plain` (`navigator.sendBeacon`) and without a media type",
    ),
    responses(
        (status = 202, description = "Counted, a duplicate, or ignored", body = ReportAnswer),
        (status = 400, description = "A field is at fault: drop the report. Or a parameter is: \
             leave it out"),
        (status = 408, description = "The body did not arrive in time: send it again"),
        (status = 413, description = "The body is over 64 KiB"),
        (status = 415, description = "Not JSON by its media type, or packed in an unknown way: \
             keep the report, mend the request"),
        (status = 503, description = "Not recorded: retry after `Retry-After`"),
    ),
)]
pub async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["sent_at"])?;
    let (sent_at, warning) = sent_at(&request, &query)?;
    let acceptance = app.engine.accept(Source::OPEN, sent_at)?;
    if Declared::of(&request, "application/json")? == Declared::Lines {
        return Err(Problem::field(
            Code::UnsupportedMediaType,
            "Content-Type",
            "application/json; lines are for /v1/reports/batch",
            "NDJSON",
        ));
    }
    let body = Body::collect(&request, payload, SINGLE).await?;
    let (accepted, id) = read_single(&body, &app.engine, &acceptance)
        .inspect_err(|_| app.engine.metrics().reports("rejected", 1))?;
    drop(body);
    let outcome = match accepted.report {
        Some(report) => app.engine.record(vec![report]).await?[0].into(),
        None => OutcomeWord::Ignored,
    };
    app.engine.warn(warning.as_ref());
    app.engine.metrics().reports("ignored", u64::from(accepted.report.is_none()));
    let warning = joined(warning, accepted.warning);
    Ok(HttpResponse::Accepted().json(ReportAnswer::of(outcome, accepted.report, id, warning)))
}

/// Kept out of the handler, whose state is copied about while it waits: of the parsed
/// body only this much is needed then.
fn read_single(
    body: &Body,
    engine: &Engine,
    acceptance: &Acceptance,
) -> Result<(Accepted, Option<String>), Problem> {
    let (text, mut room) = (body.unpacked()?, Vec::new());
    let raw: RawReport = parsed(trimmed(&text), &mut room).map_err(|error| malformed(&error))?;
    let accepted = accept(&raw, engine, acceptance)?;
    Ok((accepted, raw.id().map(str::to_owned)))
}

/// Submit a batch of reports
///
/// Each item has an outcome of its own: one at fault never spoils the rest. After a 503
/// the outcome of every item is unknown: send the whole batch again, which is harmless.
#[utoipa::path(
    post, path = "/v1/reports/batch", tag = "reports", operation_id = "submit_reports",
    params(super::params::BatchParams, super::params::SentAtHeader),
    request_body(
        description = "At most 10,000 reports, 4 MiB as sent (gzip or zstd, if you like) and 16 \
             MiB unpacked: a JSON array, or one JSON object a line. Also taken as `text/plain` \
             (`navigator.sendBeacon`) and without a media type: what begins with a bracket is an \
             array",
        content((Vec<ReportBody> = "application/json"), (ReportLines = "application/x-ndjson")),
    ),
    responses(
        (status = 200, description = "What became of the items", body = BatchAnswer),
        (status = 400, description = "The batch cannot be read: send its items one by one. Or a \
             parameter is at fault: leave it out"),
        (status = 408, description = "The body did not arrive in time: send it again"),
        (status = 413, description = "Too many items or bytes: split it"),
        (status = 415, description = "Neither JSON nor NDJSON by its media type, or packed in an \
             unknown way: keep the items, mend the request"),
        (status = 503, description = "The outcome of every item is unknown: send the whole batch \
             again after `Retry-After`"),
    ),
)]
pub async fn submit_batch(
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["sent_at", "results"])?;
    let list_all = query.value("results", "all", |text| (text == "all").then_some(()))?.is_some();
    let (sent_at, warning) = sent_at(&request, &query)?;
    let acceptance = app.engine.accept(Source::OPEN, sent_at)?;
    let declared = Declared::of(&request, "application/json or application/x-ndjson")?;
    let body = Body::collect(&request, payload, BATCH).await?;
    let batch = app
        .run_blocking(body.is_large(), move |app| {
            Batch::read(&body, declared, &app.engine, &acceptance)
        })
        .await??;
    let count = |outcome, is_one: fn(&Item) -> bool| {
        app.engine
            .metrics()
            .reports(outcome, batch.items.iter().filter(|item| is_one(item)).count() as u64);
    };
    count("rejected", |item| matches!(item, Item::Faulty(_)));
    let outcomes = app.engine.record(batch.reports).await?;
    count("ignored", |item| matches!(item, Item::Ignored(_)));
    app.engine.warn(warning.as_ref());
    let answer = answer(batch.items, &outcomes, list_all);
    Ok(HttpResponse::Ok().json(BatchAnswer { warning: joined(warning, answer.warning), ..answer }))
}

/// A batch as it was read.
struct Batch {
    reports: Vec<Report>,
    items: Vec<Item>,
}

/// What the answer must say of an item. Two words for the common one, which is sound and
/// carries nothing.
enum Item {
    Sound(Option<Box<Labels>>),
    Ignored(Box<Labels>),
    Faulty(Box<Fault>),
}

/// What a report becomes.
struct Accepted {
    /// None where it counts nowhere.
    report: Option<Report>,
    warning: Option<String>,
}

struct Labels {
    id: Option<String>,
    warning: Option<String>,
}

struct Fault {
    id: Option<String>,
    code: Code,
    error: Option<FieldError>,
}

impl Batch {
    fn read(
        body: &Body,
        declared: Declared,
        engine: &Engine,
        acceptance: &Acceptance,
    ) -> Result<Self, Problem> {
        let unpacked = body.unpacked()?;
        let (text, mut room) = (trimmed(&unpacked), Vec::new());
        let mut batch = Self { reports: Vec::new(), items: Vec::new() };
        match declared.or_by_look(text) {
            Declared::Json => {
                let Items(raws) = parsed(text, &mut room).map_err(|error| malformed(&error))?;
                if raws.len() > MOST_ITEMS {
                    return Err(too_many_items());
                }
                for raw in &raws {
                    batch.add(raw, engine, acceptance);
                }
            }
            Declared::Lines | Declared::Nothing => {
                for line in
                    text.split(|byte| *byte == b'\n').map(trimmed).filter(|line| !line.is_empty())
                {
                    if batch.items.len() == MOST_ITEMS {
                        return Err(too_many_items());
                    }
                    let mut room = Vec::new();
                    match parsed::<RawReport>(line, &mut room) {
                        Ok(raw) => batch.add(&raw, engine, acceptance),
                        Err(error) => batch.items.push(Item::faulty(None, &malformed(&error))),
                    }
                }
            }
        }
        if batch.items.is_empty() && declared != Declared::Json {
            return Err(Problem::new(
                Code::MalformedBody,
                "the body must hold at least one report",
            ));
        }
        Ok(batch)
    }

    fn add(&mut self, raw: &RawReport<'_>, engine: &Engine, acceptance: &Acceptance) {
        let id = raw.id().map(str::to_owned);
        self.items.push(match accept(raw, engine, acceptance) {
            Ok(Accepted { report: Some(report), warning }) => {
                self.reports.push(report);
                Item::Sound(
                    (id.is_some() || warning.is_some()).then(|| Box::new(Labels { id, warning })),
                )
            }
            Ok(Accepted { report: None, warning }) => {
                Item::Ignored(Box::new(Labels { id, warning }))
            }
            Err(problem) => Item::faulty(id, &problem),
        });
    }
}

impl Item {
    fn faulty(id: Option<String>, problem: &Problem) -> Self {
        Self::Faulty(Box::new(Fault {
            id,
            code: problem.code(),
            error: problem.errors().first().cloned(),
        }))
    }
}

/// The report of one item, and what its sender should know.
fn accept(
    raw: &RawReport<'_>,
    engine: &Engine,
    acceptance: &Acceptance,
) -> Result<Accepted, Problem> {
    let read = raw.read(engine.catalogue()).inspect_err(|faults| {
        for fault in faults.iter().filter(|fault| fault.kind == FaultKind::UnknownProvider) {
            engine.metrics().unknown_providers.note(fault.field, &fault.got);
        }
    })?;
    let report = acceptance.report(&read.submission).map_err(|error| {
        let observed_at = read.submission.observed_at.map_or_else(String::new, rfc3339);
        match error {
            TimeError::TooOld { lateness_ms } => Problem::field(
                Code::TooOld,
                "observed_at",
                format!("at most {} h ago", lateness_ms / 3_600_000),
                observed_at,
            ),
            TimeError::InFuture => {
                Problem::field(Code::InFuture, "observed_at", "not in the future", observed_at)
            }
            TimeError::CannotBeKept => {
                Problem::field(Code::TooOld, "observed_at", "of 1970 or later", observed_at)
            }
        }
    })?;
    engine.warn(&read.warnings);
    Ok(Accepted {
        report: (read.standing == Standing::Counts).then_some(report),
        warning: Warning::joined(&read.warnings),
    })
}

fn answer(items: Vec<Item>, outcomes: &[Recorded], list_all: bool) -> BatchAnswer {
    let mut answer = BatchAnswer {
        counted: 0,
        duplicate: 0,
        ignored: 0,
        rejected: 0,
        warning: None,
        results: Vec::new(),
    };
    let (mut outcomes, mut unlisted, mut first_warning) = (outcomes.iter(), 0, None);
    for (index, item) in items.into_iter().enumerate() {
        let result = match item {
            Item::Faulty(fault) => ItemResult::rejected(index, *fault),
            Item::Ignored(labels) => {
                ItemResult::recorded(index, OutcomeWord::Ignored, Some(labels))
            }
            Item::Sound(labels) => {
                let outcome =
                    outcomes.next().copied().map_or(OutcomeWord::Rejected, OutcomeWord::from);
                ItemResult::recorded(index, outcome, labels)
            }
        };
        match result.outcome {
            OutcomeWord::Counted => answer.counted += 1,
            OutcomeWord::Duplicate => answer.duplicate += 1,
            OutcomeWord::Ignored => answer.ignored += 1,
            OutcomeWord::Rejected => answer.rejected += 1,
        }
        if list_all || result.outcome != OutcomeWord::Counted {
            answer.results.push(result);
        } else if let Some(warning) = result.warning {
            unlisted += 1;
            first_warning.get_or_insert((index, warning));
        }
    }
    answer.warning = first_warning
        .map(|(index, warning)| format!("{unlisted} items, the first at {index}: {warning}"));
    answer
}

impl ReportAnswer {
    fn of(
        outcome: OutcomeWord,
        report: Option<Report>,
        id: Option<String>,
        warning: Option<String>,
    ) -> Self {
        let cell = report.map(|report| report.cell).filter(|cell| !cell.is_nowhere());
        let observed_at = report.map(|report| rfc3339(report.observed.minute.start()));
        Self { outcome, cell: cell.map(|cell| cell.to_string()), observed_at, id, warning }
    }
}

impl ItemResult {
    fn rejected(index: usize, fault: Fault) -> Self {
        let Fault { id, code, error } = fault;
        let (field, expected) = error.map(|error| (error.field, error.expected)).unzip();
        let retryable = Some(code.is_retryable());
        Self {
            index,
            id,
            outcome: OutcomeWord::Rejected,
            code: Some(code),
            retryable,
            field,
            expected,
            warning: None,
        }
    }

    fn recorded(index: usize, outcome: OutcomeWord, labels: Option<Box<Labels>>) -> Self {
        let (id, warning) = labels.map_or((None, None), |labels| (labels.id, labels.warning));
        Self {
            index,
            id,
            outcome,
            code: None,
            retryable: None,
            field: None,
            expected: None,
            warning,
        }
    }
}

impl From<Recorded> for OutcomeWord {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Counted => Self::Counted,
            Recorded::Duplicate => Self::Duplicate,
        }
    }
}

/// The items of a JSON array. It stops one past the most that are taken, so that a body
/// of many small ones takes no memory.
struct Items<'a>(Vec<RawReport<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an array of reports")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() <= MOST_ITEMS {
            let Some(item) = seq.next_element()? else { return Ok(Items(items)) };
            items.push(item);
        }
        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Items(items))
    }
}

/// The sender's clock on sending: the parameter, which must be sound, else the header.
/// One that cannot be read is passed over.
fn sent_at(
    request: &HttpRequest,
    query: &Query<'_>,
) -> Result<(Option<Timestamp>, Option<Warning>), Problem> {
    let parameter = query.value("sent_at", SENT_INSTANT, sent_instant)?;
    let Some(header) = request.headers().get("Sent-At") else { return Ok((parameter, None)) };
    let header = String::from_utf8_lossy(header.as_bytes());
    let read = sent_instant(&header);
    let unreadable = || {
        format!(
            "Sent-At {:?} is no time, and is ignored",
            header.chars().take(64).collect::<String>()
        )
    };
    let warning = read.is_none().then(|| Warning::new(WarningKind::UnreadableSentAt, unreadable()));
    Ok((parameter.or(read), warning))
}

/// What is said of the request, then of what is in it.
fn joined(of_request: Option<Warning>, of_reports: Option<String>) -> Option<String> {
    let texts: Vec<String> =
        of_request.map(|warning| warning.text).into_iter().chain(of_reports).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

fn malformed(error: &serde_json::Error) -> Problem {
    let code = if error.is_data() { Code::MalformedBody } else { Code::MalformedJson };
    Problem::new(code, format!("the body cannot be read: {error}"))
}

fn too_many_items() -> Problem {
    Problem::field(Code::TooManyItems, "body", format!("at most {MOST_ITEMS} reports"), "more")
}
