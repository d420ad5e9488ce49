//! What browsers, hybrid apps, monitors, proxies and map libraries send beyond what a
//! client of the API would, over a real socket.

mod broken_http;
mod cross_origin;
mod reading;

use crate::support::server::TestServer;

const APP: &str = "capacitor://localhost";
const JSON: (&str, &str) = ("Content-Type", "application/json");
/// Paths that are read.
const READS: [&str; 30] = [
    "/",
    "/docs/",
    "/docs/index.html",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/v1/heatmap?provider=alpha",
    "/v1/heatmap.geojson?provider=alpha",
    "/v1/heatmap.h3j?provider=alpha",
    "/v1/heatmap.columns.json?provider=alpha",
    "/v1/heatmap.frames.json?provider=alpha",
    "/v1/heatmap.csv?provider=alpha",
    "/v1/heatmap.ndjson?provider=alpha",
    "/v1/tiles.json?provider=alpha",
    "/v1/style.json?provider=alpha",
    "/v1/here?lat=43.65&lon=-79.38&provider=alpha",
    "/v1/cells?lat=43.65&lon=-79.38",
    "/v1/series?provider=alpha",
    "/v1/series.csv?provider=alpha",
    "/v1/series.ndjson?provider=alpha",
    "/v1/incidents",
    "/v1/incidents.geojson",
    "/v1/incidents.csv",
    "/v1/incidents.ndjson",
    "/v1/spikes",
    "/v1/spikes.csv",
    "/v1/spikes.ndjson",
    "/v1/providers",
    "/v1/voids",
];

fn started() -> TestServer {
    let server = TestServer::start();
    server.catch_up();
    server
}
