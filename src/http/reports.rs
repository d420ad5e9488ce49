//! `POST /v1/reports` and `/v1/reports/batch`: taking reports.

use super::app::App;
use super::body::{Body, Limits};
use super::caller::{Charged, Reporting};
use super::error::{Code, Problem};
use super::media_type::Declared;
use super::policy::MOST_ITEMS_WITHOUT_A_KEY;
use super::query::Query;
use super::report_answers::{BatchAnswer, Item, Labels, OutcomeWord, ReportAnswer};
use super::report_body::{ReportBody, ReportLines};
use crate::domain::report::{Report, TimeError};
use crate::domain::time::Timestamp;
use crate::engine::Acceptance;
use crate::render::time::rfc3339;
use crate::store::{Recorded, StoreError};
use crate::wire::fault::FaultKind;
use crate::wire::form;
use crate::wire::report::{RawReport, Standing};
use crate::wire::text::{parsed, trimmed};
use crate::wire::time::{SENT_INSTANT, sent_instant};
use crate::wire::warning::{Warning, WarningKind};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use std::fmt;
use std::sync::Arc;

/// Items of a batch at most.
pub const MOST_ITEMS: usize = 10_000;
const MINUTES_OF_A_DAY: i64 = 24 * 60;
const SINGLE: Limits = Limits { sent: 64 << 10, unpacked: 64 << 10 };
const BATCH: Limits = Limits { sent: 4 << 20, unpacked: 16 << 20 };

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
             `text/plain` (`navigator.sendBeacon`), without a media type, and as a form \
             (`application/x-www-form-urlencoded`) of the same fields, of which those that are \
             not filled in are as if left out",
    ),
    responses(
        (status = 202, description = "Counted, a duplicate, or ignored", body = ReportAnswer),
        (status = 400, description = "A field is at fault: drop the report. Or a parameter is: \
             leave it out"),
        (status = 408, description = "The body did not arrive in time: send it again"),
        (status = 413, description = "The body is over 64 KiB"),
        (status = 415, description = "Neither JSON nor a form by its media type, or packed in an \
             unknown way: keep the report, mend the request"),
        (status = 503, description = "Not recorded: retry after `Retry-After`"),
    ),
)]
pub async fn submit(
    caller: Reporting,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["sent_at"])?;
    let (sent_at, warning) = sent_at(&request, &query)?;
    let acceptance = app.engine.accept(caller.source(), sent_at)?;
    let declared = Declared::of(&request, "application/json or a form")?;
    if declared == Declared::Lines {
        return Err(Problem::field(
            Code::UnsupportedMediaType,
            "Content-Type",
            "application/json; lines are for /v1/reports/batch",
            "NDJSON",
        ));
    }
    let body = Body::collect(&request, payload, SINGLE).await?;
    let judge = Judge::of(&app, &caller, &acceptance);
    let (accepted, id) = read_single(&body, declared, judge)
        .inspect_err(|_| app.engine.metrics().reports("rejected", 1))?;
    drop(body);
    let charged = caller.charge(1)?;
    let reports = accepted.report.into_iter().collect();
    let outcomes = record(&app, charged, &caller, reports).await?;
    let outcome = outcomes.first().map_or(OutcomeWord::Ignored, |recorded| (*recorded).into());
    app.engine.warn(warning.as_ref());
    app.engine.metrics().reports("ignored", u64::from(accepted.report.is_none()));
    let answer = ReportAnswer::of(outcome, accepted.report, id, accepted.warning);
    Ok(HttpResponse::Accepted().json(answer.with(warning, caller.is_test())))
}

/// Records reports that were counted, unless their key is for tests: then they would count.
/// What is not recorded is given back.
async fn record(
    app: &App,
    charged: Charged<'_>,
    caller: &Reporting,
    reports: Vec<Report>,
) -> Result<Vec<Recorded>, Problem> {
    let outcome = if caller.is_test() {
        record_none(app, reports.len())
    } else {
        let may_open = caller.may_open();
        let proven = |report| proven(app, caller, may_open, report);
        let reports = reports.into_iter().map(proven).collect();
        app.engine.record(reports).await.map_err(Problem::from)
    };
    match &outcome {
        Ok(_) => charged.recorded(),
        Err(_) => charged.give_back(),
    }
    outcome
}

/// What would be answered if so many reports were recorded.
fn record_none(app: &App, reports: usize) -> Result<Vec<Recorded>, Problem> {
    if !app.engine.can_record() {
        return Err(StoreError::Unavailable("the last try to record failed".into()).into());
    }
    app.engine.metrics().reports("test", reports as u64);
    Ok(vec![Recorded::Counted; reports])
}

/// The report as nobody's first, where nobody vouches for its sender.
fn proven(app: &App, caller: &Reporting, may_open: bool, report: Report) -> Report {
    let is_let_in = || {
        let brake = app.fresh_ids.as_ref().zip(caller.address_without_key());
        let day = report.observed.arrived.0.div_euclid(MINUTES_OF_A_DAY);
        brake.is_none_or(|(brake, address)| brake.lets_in(address, report.reporter.hash, day))
    };
    if may_open && is_let_in() { report } else { report.unproven() }
}

/// Kept out of the handler, whose state is copied about while it waits: of the parsed
/// body only this much is needed then.
fn read_single(
    body: &Body,
    declared: Declared,
    judge: Judge<'_>,
) -> Result<(Accepted, Option<String>), Problem> {
    let (text, mut room) = (body.unpacked()?, Vec::new());
    let raw: RawReport = if declared == Declared::Form {
        // What programs send that say nothing of the type: `curl -d`. The report is not at
        // fault, and must not be dropped for that.
        if matches!(trimmed(&text).first(), Some(b'{' | b'[')) {
            return Err(Problem::field(
                Code::UnsupportedMediaType,
                "Content-Type",
                "application/json",
                "application/x-www-form-urlencoded",
            ));
        }
        let malformed = |error: form::NoText| Problem::new(Code::MalformedBody, error.to_string());
        form::report(trimmed(&text)).map_err(malformed)?
    } else {
        parsed(trimmed(&text), &mut room).map_err(|error| malformed(&error))?
    };
    let accepted = judge.accept(&raw)?;
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
    caller: Reporting,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["sent_at", "results"])?;
    let list_all = query.value("results", "all", |text| (text == "all").then_some(()))?.is_some();
    let (sent_at, warning) = sent_at(&request, &query)?;
    let acceptance = app.engine.accept(caller.source(), sent_at)?;
    let expected = "application/json or application/x-ndjson";
    let declared = Declared::of(&request, expected)?;
    if declared == Declared::Form {
        let expected = format!("{expected}; a form is for /v1/reports");
        return Err(Problem::field(
            Code::UnsupportedMediaType,
            "Content-Type",
            expected,
            "application/x-www-form-urlencoded",
        ));
    }
    let body = Body::collect(&request, payload, BATCH).await?;
    let caller = Arc::new(caller);
    let for_batch = Arc::clone(&caller);
    let batch = app
        .run_blocking(body.is_large(), move |app| {
            let judge = Judge::of(app, &for_batch, &acceptance);
            Batch::read(&body, declared, judge)
        })
        .await??;
    let charged = caller.charge(batch.items.len())?;
    let count = |outcome, is_one: fn(&Item) -> bool| {
        app.engine
            .metrics()
            .reports(outcome, batch.items.iter().filter(|item| is_one(item)).count() as u64);
    };
    count("rejected", |item| matches!(item, Item::Faulty(_)));
    let outcomes = record(&app, charged, &caller, batch.reports).await?;
    count("ignored", |item| matches!(item, Item::Ignored(_)));
    app.engine.warn(warning.as_ref());
    let answer = BatchAnswer::of(batch.items, &outcomes, list_all);
    Ok(HttpResponse::Ok().json(answer.with(warning, caller.is_test())))
}

/// A batch as it was read.
struct Batch {
    reports: Vec<Report>,
    items: Vec<Item>,
}

/// What a report becomes.
struct Accepted {
    /// None where it counts nowhere.
    report: Option<Report>,
    warning: Option<String>,
}

impl Batch {
    fn read(body: &Body, declared: Declared, judge: Judge<'_>) -> Result<Self, Problem> {
        let most = judge.caller.most_items().unwrap_or(MOST_ITEMS);
        let unpacked = body.unpacked()?;
        let (text, mut room) = (trimmed(&unpacked), Vec::new());
        let mut batch = Self { reports: Vec::new(), items: Vec::new() };
        match declared.or_by_look(text) {
            Declared::Json => {
                let raws = if most <= MOST_ITEMS_WITHOUT_A_KEY {
                    parsed(text, &mut room).map(|Items::<MOST_ITEMS_WITHOUT_A_KEY>(raws)| raws)
                } else {
                    parsed(text, &mut room).map(|Items::<MOST_ITEMS>(raws)| raws)
                };
                let raws = raws.map_err(|error| malformed(&error))?;
                if raws.len() > most {
                    return Err(too_many_items(most));
                }
                for raw in &raws {
                    batch.add(raw, judge);
                }
            }
            Declared::Lines | Declared::Form | Declared::Nothing => {
                for line in
                    text.split(|byte| *byte == b'\n').map(trimmed).filter(|line| !line.is_empty())
                {
                    if batch.items.len() == most {
                        return Err(too_many_items(most));
                    }
                    let mut room = Vec::new();
                    match parsed::<RawReport>(line, &mut room) {
                        Ok(raw) => batch.add(&raw, judge),
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

    fn add(&mut self, raw: &RawReport<'_>, judge: Judge<'_>) {
        let id = raw.id().map(str::to_owned);
        self.items.push(match judge.accept(raw) {
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

/// What a report is judged by.
#[derive(Clone, Copy)]
struct Judge<'a> {
    app: &'a App,
    caller: &'a Reporting,
    acceptance: &'a Acceptance,
}

impl<'a> Judge<'a> {
    fn of(app: &'a App, caller: &'a Reporting, acceptance: &'a Acceptance) -> Self {
        Self { app, caller, acceptance }
    }

    /// The report of one item, and what its sender should know.
    fn accept(self, raw: &RawReport<'_>) -> Result<Accepted, Problem> {
        let engine = &self.app.engine;
        let read = raw.read(engine.catalogue()).inspect_err(|faults| {
            for fault in faults.iter().filter(|fault| fault.kind == FaultKind::UnknownProvider) {
                engine.metrics().unknown_providers.note(fault.field, &fault.got);
            }
        })?;
        let provider = &engine.catalogue().get(read.submission.provider).id;
        if !self.caller.speaks_for(provider) {
            let expected = "a provider that this key may report about";
            return Err(Problem::field(Code::Forbidden, "provider", expected, provider));
        }
        let report = self
            .acceptance
            .report(&read.submission)
            .map_err(|error| time_problem(error, read.submission.observed_at))?;
        engine.warn(&read.warnings);
        Ok(Accepted {
            report: (read.standing == Standing::Counts).then_some(report),
            warning: Warning::joined(&read.warnings),
        })
    }
}

fn time_problem(error: TimeError, observed_at: Option<Timestamp>) -> Problem {
    let observed_at = observed_at.map_or_else(String::new, rfc3339);
    let (code, expected) = match error {
        TimeError::TooOld { lateness_ms } => {
            (Code::TooOld, format!("at most {} h ago", lateness_ms / 3_600_000))
        }
        TimeError::InFuture => (Code::InFuture, "not in the future".to_owned()),
        TimeError::CannotBeKept => (Code::TooOld, "of 1970 or later".to_owned()),
    };
    Problem::field(code, "observed_at", expected, observed_at)
}

/// The items of a JSON array, at most so many. It stops one past them, so that a body of
/// many small ones takes no memory.
struct Items<'a, const MOST: usize>(Vec<RawReport<'a>>);

impl<'de: 'a, 'a, const MOST: usize> Deserialize<'de> for Items<'a, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor::<MOST>)
    }
}

struct ItemsVisitor<const MOST: usize>;

impl<'de, const MOST: usize> Visitor<'de> for ItemsVisitor<MOST> {
    type Value = Items<'de, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an array of reports")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() <= MOST {
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

fn malformed(error: &serde_json::Error) -> Problem {
    let code = if error.is_data() { Code::MalformedBody } else { Code::MalformedJson };
    Problem::new(code, format!("the body cannot be read: {error}"))
}

fn too_many_items(most: usize) -> Problem {
    let whose = if most < MOST_ITEMS { " without a key" } else { "" };
    Problem::field(Code::TooManyItems, "body", format!("at most {most} reports{whose}"), "more")
}
