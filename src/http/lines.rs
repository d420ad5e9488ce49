//! Answers of a line a row, CSV and NDJSON: which columns they have, and of whose counts
//! they are.

use super::app::App;
use super::error::{Code, Problem};
use super::query::Query;
use crate::render::table::{Credit, LineFormat, write_csv, write_ndjson};
use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use serde::Serialize;

/// How lines are asked for.
#[derive(Debug, Clone)]
pub struct Lines {
    /// Which columns, in their order; all where none are named.
    fields: Option<Vec<&'static str>>,
}

impl Lines {
    /// What `fields` asks for of a table that has these columns as CSV, and these properties
    /// as NDJSON.
    ///
    /// # Errors
    /// Where it names one that the table does not have, or one twice.
    pub fn parse(
        app: &App,
        query: &Query<'_>,
        format: LineFormat,
        (columns, properties): (&[&'static str], &[&'static str]),
    ) -> Result<Self, Problem> {
        let fields = match format {
            LineFormat::Csv => fields(query, &[columns, &credit(app).columns()].concat())?,
            LineFormat::Ndjson => fields(query, properties)?,
        };
        Ok(Self { fields })
    }

    /// The body: a header of `columns` where nothing else was asked for, and a line a row.
    #[must_use]
    pub fn csv(
        &self,
        app: &App,
        columns: &[&'static str],
        rows: impl IntoIterator<Item = impl Serialize>,
    ) -> Vec<u8> {
        let (mut body, credit) = (Vec::new(), credit(app));
        let all = || [columns, &credit.columns()].concat();
        write_csv(&mut body, &self.fields.clone().unwrap_or_else(all), &credit, rows);
        body
    }

    /// The body: an object a row.
    #[must_use]
    pub fn ndjson(&self, rows: impl IntoIterator<Item = impl Serialize>) -> Vec<u8> {
        let mut body = Vec::new();
        write_ndjson(&mut body, self.fields.as_deref(), rows);
        body
    }
}

/// Of whose counts files are.
#[must_use]
pub fn credit(app: &App) -> Credit {
    let publisher = &app.policy.publisher;
    Credit {
        attribution: publisher.attribution.as_ref().map(|_| publisher.attribution()),
        licence: publisher.licence.clone(),
    }
}

/// `fields` of a query: some of those that there are, in the order asked for. `hex` names the
/// column `hex_id`, too.
///
/// # Errors
/// Where one is none of those, or stands there twice.
pub fn fields(
    query: &Query<'_>,
    there: &[&'static str],
) -> Result<Option<Vec<&'static str>>, Problem> {
    let Some(text) = query.text("fields") else { return Ok(None) };
    let mut asked: Vec<&'static str> = Vec::new();
    for name in text.split(',') {
        let is_it = |one: &&&'static str| **one == name || (**one, name) == ("hex_id", "hex");
        let refused =
            |expected: String| Problem::field(Code::InvalidValue, "fields", expected, name);
        let Some(one) = there.iter().find(is_it) else {
            return Err(refused(format!("some of {}, joined by commas", there.join(", "))));
        };
        if asked.contains(one) {
            return Err(refused("names that each stand there once".to_owned()));
        }
        asked.push(one);
    }
    Ok(Some(asked))
}

/// Names the licence of a file in its head (RFC 8288), where that is an address: a file that
/// is saved says it in its columns.
#[must_use]
pub fn licensed(app: &App, mut answer: HttpResponse) -> HttpResponse {
    let licence = app.policy.publisher.licence.as_deref();
    let address = licence.filter(|licence| {
        let is_web = licence.starts_with("https://") || licence.starts_with("http://");
        is_web && !licence.contains(['<', '>', ' ', '"'])
    });
    let link = address.map(|address| format!("<{address}>; rel=\"license\""));
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        answer.headers_mut().append(header::LINK, link);
    }
    answer
}
