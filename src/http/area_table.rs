//! `GET /v1/series.csv?by=`: hours or days of all areas and providers, as one long table.

use super::app::App;
use super::areas::kind;
use super::caching::{Lifetime, matches_etag, with_caching};
use super::caller::Reading;
use super::error::{Code, Problem};
use super::lines::licensed;
use super::query::Query;
use crate::domain::counted::LateReports;
use crate::domain::time::{HOUR_MS, Timestamp, Window};
use crate::engine::areas::table::{TableKey, TableRow, days_of, hours_of, is_on_the_hour};
use crate::render::digest_of;
use crate::store::HOURS_KEPT_DAYS;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use jiff::tz::TimeZone;
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;

const PARAMETERS: [&str; 11] =
    ["by", "provider", "network", "symptom", "from", "to", "step", "tz", "kind", "within", "exact"];
/// Periods that are summed at once: a day of hours.
const AT_ONCE_HOURS: usize = 24;
const DEFAULT_INTERVAL_MS: i64 = 7 * 24 * HOUR_MS;
const BY: &str = "area, provider or area,provider";
const STEP: &str = "1h or 1d";
const ZONE: &str = "a time zone of the IANA database, like America/Toronto";

/// What is asked, and how it is written.
#[derive(Debug, Clone)]
struct Question {
    key: TableKey,
    zone: Option<TimeZone>,
    interval: Window,
    /// By which the table is summed: all of them follow each other.
    periods: Vec<Window>,
    at_once: usize,
}

/// The table, sent as it is summed, however long it is.
///
/// # Errors
/// Where the question is none, and where the store is away. One that fails later ends the
/// table in its middle.
pub async fn table(
    reader: &Reading,
    app: &web::Data<App>,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let question = Question::parse(app, request, reader)?;
    let version = app.engine.table_version(&question.key).await?;
    let asked = format!("{:?} {:?} {version:?}", question.key, question.periods);
    let zone = question.zone.as_ref().and_then(TimeZone::iana_name);
    let etag = format!("W/\"{:016x}\"", digest_of(format!("{asked} {zone:?}").as_bytes()));
    let is_closed = app.engine.is_closed(question.interval, LateReports::Counted);
    let lifetime = if is_closed { Lifetime::Settled } else { Lifetime::Live };
    let with_caching = |head| with_caching(head, &etag, lifetime, reader.audience());
    if matches_etag(request, &etag) {
        return Ok(with_caching(HttpResponse::NotModified()).finish());
    }
    reader.is_made(true);
    let mut left: VecDeque<Vec<Window>> =
        question.periods.chunks(question.at_once).map(<[Window]>::to_vec).collect();
    // The first part before the head, so that a store that is away is told by the status.
    let mut first = question.header();
    let periods = left.pop_front().unwrap_or_default();
    first.push_str(&question.part(app, &periods).await?);
    let (request_app, app) = (app, Arc::clone(app));
    let rest = stream::unfold((app, question, left), async |(app, question, mut left)| {
        let periods = left.pop_front()?;
        // Who reads sees that it ends in the middle.
        let part = question.part(&app, &periods).await.map(Bytes::from);
        let part = part.map_err(|problem| std::io::Error::other(problem.to_string()));
        Some((part, (app, question, left)))
    });
    let first = stream::iter([Ok(Bytes::from(first))]);
    let body = futures_util::StreamExt::chain(first, rest);
    let mut head = with_caching(HttpResponse::Ok());
    let answer = head.content_type("text/csv").streaming(Box::pin(body));
    Ok(licensed(request_app, answer))
}

impl Question {
    fn parse(app: &App, request: &HttpRequest, reader: &Reading) -> Result<Self, Problem> {
        let query = Query::parse(request.query_string(), &PARAMETERS)?;
        let now = app.engine.now();
        let missing = || Problem::field(Code::MissingField, "by", BY, "nothing");
        let (by_area, by_provider) = query
            .value("by", BY, |text| match text {
                "area" => Some((true, false)),
                "provider" => Some((false, true)),
                "area,provider" | "provider,area" => Some((true, true)),
                _ => None,
            })?
            .ok_or_else(missing)?;
        let areas = kind(&query)?;
        if let Some(name) = ["kind", "within"].into_iter().find(|name| query.text(name).is_some())
            && !by_area
        {
            let got = query.text(name).unwrap_or_default();
            return Err(Problem::field(
                Code::InvalidValue,
                name,
                "left out where by names no area",
                got,
            ));
        }
        let zone = query.value("tz", ZONE, |name| TimeZone::get(name).ok())?;
        let to = query.past("to", now)?.unwrap_or(now);
        let from = query.instant("from")?.unwrap_or(to.plus_ms(-DEFAULT_INTERVAL_MS));
        // The hour in which it ends is counted whole, as far as it has gone by.
        let end = Window::ending_at(to, 1).to.plus(59).hour().first_minute();
        let end = end.min(Window::ending_at(now, 1).to);
        let interval = Window { from: from.minute(), to: end };
        let refused = |code, expected: String| {
            let got = query.text("from").unwrap_or_default();
            Err(Problem::field(code, "from", expected, got))
        };
        if interval.to <= interval.from {
            return refused(Code::InvalidValue, "before to".into());
        }
        if from < now.plus_ms(-HOURS_KEPT_DAYS * 24 * HOUR_MS) {
            let expected = format!("at most {HOURS_KEPT_DAYS} days ago");
            return refused(Code::OutOfRetention, expected);
        }
        let are_days = query
            .value("step", STEP, |text| match text {
                "1h" => Some(false),
                "1d" => Some(true),
                _ => None,
            })?
            .unwrap_or(false);
        let (periods, at_once) = if are_days {
            let zone = zone.clone().unwrap_or(TimeZone::UTC);
            (days_of(interval, &zone).unwrap_or_default(), 1)
        } else {
            (hours_of(interval), AT_ONCE_HOURS)
        };
        let are_hours = periods.iter().all(|period| is_on_the_hour(period.from));
        if !are_hours && from < app.engine.minutes_kept_since().plus_ms(24 * HOUR_MS) {
            let expected = "at most 13 days ago where days of tz begin within an hour of UTC";
            return refused(Code::OutOfRetention, expected.into());
        }
        let key = TableKey {
            sight: reader.sight(&query)?,
            subject: query.subject_or_all(app.engine.catalogue())?,
            symptoms: query.symptoms()?,
            areas: by_area.then_some(areas),
            by_provider,
        };
        Ok(Self { key, zone, interval, periods, at_once })
    }

    fn header(&self) -> String {
        let area = self.key.areas.map_or("", |_| ",area");
        let provider = if self.key.by_provider { ",provider" } else { "" };
        format!("from,to{area}{provider},reports,gap\r\n")
    }

    /// The lines of some periods.
    async fn part(&self, app: &App, periods: &[Window]) -> Result<String, Problem> {
        let rows = app.engine.table_rows(&self.key, periods).await?;
        let mut text = String::with_capacity(rows.len() * 80);
        for row in &rows {
            self.write(app, row, &mut text);
        }
        Ok(text)
    }

    fn write(&self, app: &App, row: &TableRow, text: &mut String) {
        let [from, to] = [row.period.from, row.period.to].map(|at| self.local(at.start()));
        let mut put = |column: &str| text.push_str(column);
        put(&from);
        put(",");
        put(&to);
        if self.key.areas.is_some() {
            put(",");
            put(row.area.map_or("", |area| area.as_str()));
        }
        if self.key.by_provider {
            put(",");
            put(row.provider.map_or("", |provider| &app.engine.catalogue().get(provider).id));
        }
        write!(text, ",{},{}\r\n", row.reports, row.gap).expect("memory takes every byte");
    }

    /// An instant as the clocks of the time zone show it, with how far they are ahead.
    fn local(&self, instant: Timestamp) -> String {
        let utc = || instant.to_string();
        let Some(zone) = &self.zone else { return utc() };
        let Ok(at) = jiff::Timestamp::from_millisecond(instant.0) else { return utc() };
        at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}
