//! The table of paths: which handler answers which, and by which methods.

use super::basis::resting;
use super::cors::{self, Methods};
use super::error::Problem;
use super::{
    area_borders, areas, audit, cells, coverage, frames, heatmap, here, incidents, keys, map,
    notes, pages, privacy, providers, reports, series, source_series, sources, spikes, style,
    tiles, voids,
};
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, web};
use utoipa_swagger_ui::Config as SwaggerConfig;

/// Paths as they are routed, for the metrics.
pub const ROUTES: [&str; 49] = [
    "/",
    "/v1/reports",
    "/v1/reports/batch",
    "/v1/heatmap",
    "/v1/heatmap.columns.json",
    "/v1/heatmap.geojson",
    "/v1/heatmap.h3j",
    "/v1/heatmap.csv",
    "/v1/heatmap.ndjson",
    "/v1/heatmap.frames.json",
    "/v1/tiles/{z}/{x}/{y}.mvt",
    "/v1/tiles.json",
    "/v1/coverage/{z}/{x}/{y}.mvt",
    "/v1/coverage.json",
    "/v1/map.svg",
    "/v1/style.json",
    "/v1/areas",
    "/v1/areas/{id}.geojson",
    "/v1/incidents",
    "/v1/incidents.geojson",
    "/v1/incidents.csv",
    "/v1/incidents.ndjson",
    "/v1/incidents/{id}",
    "/v1/incidents/{id}/notes",
    "/v1/voids",
    "/v1/sources",
    "/v1/sources/{number}",
    "/v1/sources/{number}/series",
    "/v1/keys",
    "/v1/keys/{id}",
    "/v1/keys/{id}/rotate",
    "/v1/audit",
    "/v1/privacy",
    "/v1/cells",
    "/v1/cells/{cell}",
    "/v1/here",
    "/v1/spikes",
    "/v1/spikes.geojson",
    "/v1/spikes.csv",
    "/v1/spikes.ndjson",
    "/v1/series",
    "/v1/series.csv",
    "/v1/series.ndjson",
    "/v1/providers",
    "/v1/providers/{id}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
];

/// Adds every path to an application.
pub fn routes(config: &mut web::ServiceConfig) {
    let docs = SwaggerConfig::from("/openapi.json").try_it_out_enabled(true).validator_url("none");
    config
        .app_data(web::Data::new(docs))
        .service(read("/", web::to(pages::front)))
        .service(report("/v1/reports", web::to(reports::submit)))
        .service(report("/v1/reports/batch", web::to(reports::submit_batch)))
        .service(resting(read("/v1/heatmap", web::to(heatmap::json))))
        .service(resting(read("/v1/heatmap.columns.json", web::to(heatmap::columns))))
        .service(resting(read("/v1/heatmap.geojson", web::to(heatmap::geojson))))
        .service(resting(read("/v1/heatmap.h3j", web::to(heatmap::h3j))))
        .service(resting(read("/v1/heatmap.csv", web::to(heatmap::csv))))
        .service(resting(read("/v1/heatmap.ndjson", web::to(heatmap::ndjson))))
        .service(resting(read("/v1/heatmap.frames.json", web::to(frames::frames))))
        .service(read("/v1/heatmap.{format:.*}", web::to(heatmap::unknown_format)))
        .service(resting(read("/v1/tiles/{z}/{x}/{y}.mvt", web::to(tiles::tile))))
        .service(read("/v1/tiles.json", web::to(tiles::tilejson)))
        .service(resting(read("/v1/coverage/{z}/{x}/{y}.mvt", web::to(coverage::tile))))
        .service(read("/v1/coverage.json", web::to(coverage::tilejson)))
        .service(resting(read("/v1/map.svg", web::to(map::svg))))
        .service(read("/v1/style.json", web::to(style::style)))
        .service(resting(read("/v1/series", web::to(series::series))))
        .service(resting(read("/v1/areas", web::to(areas::list))))
        .service(read("/v1/areas/{id}.geojson", web::to(area_borders::geojson)))
        .service(resting(read("/v1/series.csv", web::to(series::csv))))
        .service(resting(read("/v1/series.ndjson", web::to(series::ndjson))))
        .service(resting(read("/v1/incidents", web::to(incidents::list))))
        .service(resting(read("/v1/incidents.geojson", web::to(incidents::geojson))))
        .service(resting(read("/v1/incidents.csv", web::to(incidents::csv))))
        .service(resting(read("/v1/incidents.ndjson", web::to(incidents::ndjson))))
        .service(resting(read("/v1/incidents/{id}", web::to(incidents::one))))
        .service(
            resource("/v1/incidents/{id}/notes", Methods::Admin).route(web::post().to(notes::add)),
        )
        .service(resting(
            resource("/v1/voids", Methods::ReadAndAdmin)
                .route(web::post().to(voids::add))
                .route(reading(web::to(voids::list))),
        ))
        .service(
            resource("/v1/sources", Methods::AdminList)
                .route(web::post().to(sources::create))
                .route(reading(web::to(sources::list))),
        )
        .service(
            resource("/v1/sources/{number}", Methods::AdminChange)
                .route(web::patch().to(sources::change)),
        )
        .service(
            resource("/v1/sources/{number}/series", Methods::AdminRead)
                .route(reading(web::to(source_series::series))),
        )
        .service(
            resource("/v1/keys", Methods::AdminList)
                .route(web::post().to(keys::create))
                .route(reading(web::to(keys::list))),
        )
        .service(
            resource("/v1/keys/{id}", Methods::AdminRemove).route(web::delete().to(keys::revoke)),
        )
        .service(
            resource("/v1/keys/{id}/rotate", Methods::Admin).route(web::post().to(keys::rotate)),
        )
        .service(resource("/v1/audit", Methods::AdminRead).route(reading(web::to(audit::list))))
        .service(
            resource("/v1/privacy", Methods::ReadAndAdminSet)
                .route(web::put().to(privacy::set))
                .route(reading(web::to(privacy::show))),
        )
        .service(read("/v1/cells", web::to(here::cells)))
        .service(resting(read("/v1/here", web::to(here::here))))
        .service(resting(read("/v1/cells/{cell}", web::to(cells::explain))))
        .service(resting(read("/v1/spikes", web::to(spikes::list))))
        .service(resting(read("/v1/spikes.geojson", web::to(spikes::geojson))))
        .service(resting(read("/v1/spikes.csv", web::to(spikes::csv))))
        .service(resting(read("/v1/spikes.ndjson", web::to(spikes::ndjson))))
        .service(resting(read("/v1/providers", web::to(providers::list))))
        .service(resting(read("/v1/providers/{id}", web::to(providers::one))))
        .service(read("/healthz", web::to(pages::healthz)))
        .service(resting(read("/readyz", web::to(pages::readyz))))
        .service(read("/metrics", web::to(pages::metrics)))
        .service(read("/openapi.json", web::to(pages::openapi)))
        .service(read("/docs", web::to(pages::docs_moved)))
        .service(read("/docs/{file:.*}", web::to(pages::docs)))
        .default_service(web::to(|request: HttpRequest| async move {
            HttpResponse::from_error(Problem::not_found(request.uri()))
        }));
}

/// Adds the one path of a server that only answers what this process counts.
pub fn metrics_apart(config: &mut web::ServiceConfig) {
    config
        .service(resource("/metrics", Methods::Read).route(reading(web::to(pages::metrics_apart))))
        .default_service(web::to(|request: HttpRequest| async move {
            HttpResponse::from_error(Problem::not_found(request.uri()))
        }));
}

/// A path that is read.
fn read(path: &str, handler: Route) -> Resource {
    resource(path, Methods::Read).route(reading(handler))
}

/// A path that takes reports.
fn report(path: &str, handler: Route) -> Resource {
    resource(path, Methods::Report).route(handler.guard(actix_web::guard::Post()))
}

/// A route for what reads.
fn reading(handler: Route) -> Route {
    handler.guard(actix_web::guard::fn_guard(|context| {
        matches!(context.head().method, Method::GET | Method::HEAD)
    }))
}

/// A path that answers preflights if it takes `OPTIONS`, and every method it does not
/// take by those it does.
fn resource(path: &str, methods: Methods) -> Resource {
    let refuse = move |request: HttpRequest| async move {
        HttpResponse::from_error(Problem::method_not_allowed(&request, methods.allow()))
    };
    let resource = web::resource(path).default_service(web::to(refuse));
    if !methods.are_public() {
        return resource;
    }
    resource.route(
        web::method(Method::OPTIONS)
            .to(move |request: HttpRequest| async move { cors::preflight(&request, methods) }),
    )
}
