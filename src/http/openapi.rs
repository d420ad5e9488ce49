//! The OpenAPI document, put together from the handlers.

mod security;

use super::error::{Problem, ProblemDetails};
use super::open_words::OpenWords;
use super::{
    area_borders, areas, audit, cells, coverage, frames, heatmap, here, incidents, keys, map,
    notes, pages, privacy, providers, reports, series, source_series, sources, spikes, style,
    tiles, voids,
};
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, PathItem, Ref, RefOr};
use utoipa::{Modify, OpenApi, ToSchema};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Groundswell",
        description = "Crowd reports of lost service in, one trustworthy answer out: which \
             provider is down, where, since when.\n\nTimes are RFC 3339 UTC, cells H3 indexes in \
             hexadecimal, intervals half-open. Every error is a problem (RFC 9457) with a stable \
             `code`; retry what is `retryable`, with jitter; what else to do with a report \
             depends on whose fault it is (docs/api.md). A key goes into `Authorization: \
             Bearer`; what may be done without one is the operator's setting. Calls under \
             `/v1` refuse unknown query parameters, except those that trackers, caches and \
             monitors add (`v`, `key`, `_`, `cachebuster`, `utm_*`, `mc_*`, `fbclid`, `gclid` and \
             other click ids); pages, probes and `/metrics` ignore them. Reads and reports may be \
             called from pages of any origin, with any request headers. What is no HTTP/1.1 is \
             answered by a problem too: 400 `malformed_request`, 431 `headers_too_large`, 408 \
             `request_timeout`. Unknown fields of bodies are ignored with a warning. \
             Answers grow: a later version may add fields, and words to those that are listed as \
             `x-extensible-enum`. Clients ignore fields that they do not know; the description of \
             each word says what to do with another one.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "reports", description = "Submitting reports"),
        (name = "heatmap", description = "Counts by cell"),
        (name = "tiles", description = "The map for front ends that draw vector tiles"),
        (name = "series", description = "Counts over time"),
        (name = "incidents", description = "What is down, where, since when. Cities: GeoNames \
             (geonames.org), CC BY 4.0. Borders: © OpenStreetMap contributors, ODbL."),
        (name = "providers", description = "Who can be reported about, and how they are doing"),
        (name = "access", description = "Keys, the apps that they belong to, and who changed \
             them: for those who run it"),
        (name = "operations", description = "For those who run it"),
    ),
    paths(
        reports::submit,
        reports::submit_batch,
        heatmap::json,
        heatmap::columns,
        heatmap::geojson,
        heatmap::h3j,
        heatmap::csv,
        heatmap::ndjson,
        frames::frames,
        tiles::tile,
        tiles::tilejson,
        style::style,
        coverage::tile,
        coverage::tilejson,
        map::svg,
        series::series,
        areas::list,
        area_borders::geojson,
        series::csv,
        series::ndjson,
        incidents::list,
        incidents::geojson,
        incidents::csv,
        incidents::ndjson,
        incidents::one,
        notes::add,
        voids::add,
        voids::list,
        sources::create,
        sources::list,
        sources::change,
        source_series::series,
        keys::create,
        keys::list,
        keys::rotate,
        keys::revoke,
        audit::list,
        privacy::show,
        privacy::set,
        cells::explain,
        here::here,
        here::cells,
        spikes::list,
        spikes::geojson,
        spikes::csv,
        spikes::ndjson,
        providers::list,
        providers::one,
        pages::healthz,
        pages::readyz,
        pages::metrics,
        pages::openapi,
    ),
    components(schemas(ProblemDetails)),
    security(()),
    modifiers(&Common, &OpenWords),
)]
struct Document;

/// The document that `openapi/openapi.json` holds.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Adds what answers of one kind have in common: headers, and the problem that every error
/// is, with an example.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        security::describe(document);
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            security::add_to(operation);
            add_headers(operation);
            add_problems(operation);
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete]
        .into_iter()
        .flatten()
}

fn add_headers(operation: &mut Operation) {
    let answers = |status| operation.responses.responses.contains_key(status);
    let (can_be_unchanged, rests_on_detection) = (answers("304"), answers("304") && answers("503"));
    if can_be_unchanged {
        let known = ParameterBuilder::new()
            .name("If-None-Match")
            .parameter_in(ParameterIn::Header)
            .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String))))
            .description(Some("`ETag` of the answer that the caller has"));
        operation.parameters.get_or_insert_default().push(RefOr::T(known.build()));
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let mut add = |name: &str, header| response.headers.insert(name.to_owned(), header);
        add(
            "X-Request-Id",
            header(Type::String, "Of this request, to be named when asking about it"),
        );
        add(
            "Simulated-Clock",
            header(
                Type::String,
                "Only where the server runs on a simulated clock: its time and speed, \
                 `2022-07-08T08:44:03Z@60x`",
            ),
        );
        if can_be_unchanged && matches!(status.as_str(), "200" | "304") {
            add("ETag", header(Type::String, "Of the content without `as_of`"));
        }
        if rests_on_detection && matches!(status.as_str(), "200" | "304") {
            add(
                "Cache-Control",
                header(Type::String, "10 s while reports can change it, for ever once they cannot"),
            );
        }
        if rests_on_detection && matches!(status.as_str(), "200" | "304" | "503") {
            let said = "`current`, or how far detection has come, as in \
                 `catching_up;up-to=\"2022-07-08T08:44:00Z\";share=0.420`";
            add("Detection", header(Type::String, said));
        }
        if matches!(status.as_str(), "429" | "503") {
            add("Retry-After", header(Type::Integer, "Seconds to wait, before jitter"));
        }
        if status == "429" {
            let said = "What ran out, as in `\"key\";q=300;w=60`: 300 in 60 s. Experimental";
            add("RateLimit-Policy", header(Type::String, said));
            let said = "How much is left, and when there is more: `\"key\";r=0;t=34`. Experimental";
            add("RateLimit", header(Type::String, said));
        }
        if status == "401" {
            add("WWW-Authenticate", header(Type::String, "`Bearer`"));
        }
    }
}

fn add_problems(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if !status.starts_with(['4', '5']) {
            continue;
        }
        let problem = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(ProblemDetails::name())))
            .example(example(status))
            .build();
        response.content.insert("application/problem+json".to_owned(), problem.into());
    }
}

/// A problem of this status.
fn example(status: &str) -> Option<serde_json::Value> {
    let (_, problem) = Problem::examples().into_iter().find(|(of, _)| of.as_str() == status)?;
    Some(serde_json::to_value(problem).expect("a problem is plain data"))
}

fn header(kind: Type, description: &str) -> RefOr<Header> {
    let schema = ObjectBuilder::new().schema_type(SchemaType::new(kind));
    RefOr::T(HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build())
}
