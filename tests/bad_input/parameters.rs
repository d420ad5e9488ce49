//! Methods, paths and query parameters that the API does not have.

use super::{JSON, check};
use crate::support::server::TestServer;
use crate::support::{but, ndjson, report};
use serde_json::{Value, json};

#[test]
fn a_method_that_a_path_does_not_take_is_answered_by_those_it_does() {
    let server = TestServer::start();
    let reads = [
        "/",
        "/v1/heatmap",
        "/v1/heatmap.geojson",
        "/v1/series",
        "/v1/providers",
        "/v1/providers/alpha",
        "/healthz",
        "/readyz",
        "/metrics",
    ];
    let rows = reads
        .iter()
        .flat_map(|path| ["POST", "DELETE"].map(|method| (method, *path, "GET, HEAD, OPTIONS")));
    let writes = ["/v1/reports", "/v1/reports/batch"]
        .into_iter()
        .flat_map(|path| ["GET", "PUT", "BREW"].map(|method| (method, path, "OPTIONS, POST")));
    for (method, path, allow) in rows.chain(writes) {
        let answer = server.send(method, path, &[], b"");
        check(&answer, 405, "method_not_allowed", "", &format!("{method} {path}"));
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

#[test]
fn a_path_where_nothing_is_says_so() {
    let server = TestServer::start();
    let rows = [
        ("/v1", ""),
        ("/v1/nothing", ""),
        ("/v1/reports/", ""),
        ("/v2/heatmap?provider=alpha", ""),
        ("/%2e%2e/etc/passwd", ""),
        ("/v1/providers/nobody", "id"),
        ("/v1/heatmap.png?provider=alpha", "path"),
        ("/v1/heatmap.geojson.gz", "path"),
    ];
    for (path, field) in rows {
        check(&server.get(path), 404, "not_found", field, path);
        assert_eq!(server.send("HEAD", path, &[], b"").status, 404, "HEAD {path}");
    }
}

#[test]
fn a_query_with_a_bad_parameter_is_refused_by_its_name() {
    let server = TestServer::start();
    let heatmap = [
        ("", "missing_field", "provider"),
        ("provider=nobody", "unknown_provider", "provider"),
        ("network=alpha", "unknown_provider", "network"),
        ("provider=alpha&network=north", "invalid_value", "network"),
        ("provider=alpha&colour=red", "unknown_parameter", "colour"),
        ("provider=alpha&provider=alpha", "repeated_parameter", "provider"),
        ("provider=alpha&window=5m&window=5m", "repeated_parameter", "window"),
        ("provider=alpha&window=0", "invalid_value", "window"),
        ("provider=alpha&window=0m", "invalid_value", "window"),
        ("provider=alpha&window=48h", "invalid_value", "window"),
        ("provider=alpha&window=x", "invalid_value", "window"),
        ("provider=alpha&window=", "invalid_value", "window"),
        ("provider=alpha&bbox=1,2,3", "invalid_value", "bbox"),
        ("provider=alpha&bbox=1,2,3,4,5", "invalid_value", "bbox"),
        ("provider=alpha&bbox=1,44,3,43", "invalid_value", "bbox"),
        ("provider=alpha&bbox=-36001,1,3,4", "invalid_value", "bbox"),
        ("provider=alpha&bbox=-20,176,-15,182", "invalid_value", "bbox"),
        ("provider=alpha&bbox=nan,1,3,4", "invalid_value", "bbox"),
        ("provider=alpha&bbox=1,1,inf,4", "invalid_value", "bbox"),
        ("provider=alpha&bbox=1,1,3,1e999", "invalid_value", "bbox"),
        ("provider=alpha&bbox=a,b,c,d", "invalid_value", "bbox"),
        ("provider=alpha&resolution=16", "invalid_value", "resolution"),
        ("provider=alpha&resolution=9", "invalid_value", "resolution"),
        ("provider=alpha&resolution=-1", "invalid_value", "resolution"),
        ("provider=alpha&resolution=7.0", "invalid_value", "resolution"),
        ("provider=alpha&zoom=25", "invalid_value", "zoom"),
        ("provider=alpha&zoom=inf", "invalid_value", "zoom"),
        ("provider=alpha&symptom=hunger", "invalid_value", "symptom"),
        ("provider=alpha&to=noon", "invalid_value", "to"),
        ("provider=alpha&to=2022-07-08T08:46:11Z", "in_future", "to"),
        ("provider=alpha&to=9999-12-30T00:00:00Z", "in_future", "to"),
        ("provider=alpha&to=2022-06-24T08:44:10Z", "out_of_retention", "to"),
        ("provider=alpha&to=0001-01-01T00:00:00Z", "out_of_retention", "to"),
    ];
    let series = [
        ("", "missing_field", "provider"),
        ("provider=alpha&window=5m", "unknown_parameter", "window"),
        ("provider=alpha&step=0m", "invalid_value", "step"),
        ("provider=alpha&step=2d", "invalid_value", "step"),
        ("provider=alpha&step=1m&from=2022-07-01T00:00:00Z", "invalid_value", "step"),
        ("provider=alpha&cell=zz", "invalid_value", "cell"),
        ("provider=alpha&cell=882b9bc293fffff&bbox=1,2,3,4", "invalid_value", "bbox"),
        ("provider=alpha&from=2022-07-08T09:00:00Z", "invalid_value", "from"),
        ("provider=alpha&from=yesterday", "invalid_value", "from"),
        ("provider=alpha&to=2023-01-01T00:00:00Z", "in_future", "to"),
        ("provider=alpha&step=1d&from=2022-05-01T00:00:00Z", "out_of_retention", "from"),
        ("provider=alpha&step=1d&from=0001-01-01T00:00:00Z", "out_of_retention", "from"),
    ];
    let providers = [
        ("limit=0", "invalid_value", "limit"),
        ("limit=1001", "invalid_value", "limit"),
        ("limit=ten", "invalid_value", "limit"),
        ("country=ca", "invalid_value", "country"),
        ("category=postal", "invalid_value", "category"),
        ("cursor=7", "invalid_value", "cursor"),
        ("page=2", "unknown_parameter", "page"),
    ];
    let others = [
        ("/v1/providers/alpha?country=US", "unknown_parameter", "country"),
        ("/readyz?for=lunch", "invalid_value", "for"),
        ("/readyz?for=ingest&for=ingest", "repeated_parameter", "for"),
    ];
    let formats = ["", ".geojson", ".h3j", ".columns.json", ".csv", ".ndjson"]
        .map(|suffix| format!("/v1/heatmap{suffix}"));
    let heatmap = heatmap
        .iter()
        .flat_map(|row| formats.each_ref().map(|path| (format!("{path}?{}", row.0), row.1, row.2)));
    let series = series.iter().map(|row| (format!("/v1/series?{}", row.0), row.1, row.2));
    let providers = providers.iter().map(|row| (format!("/v1/providers?{}", row.0), row.1, row.2));
    let others = others.iter().map(|row| (row.0.to_owned(), row.1, row.2));
    for (path, code, field) in heatmap.chain(series).chain(providers).chain(others) {
        check(&server.get(&path), 400, code, field, &path);
    }
}

#[test]
fn a_sender_with_a_bad_clock_or_parameter_is_told_so() {
    let server = TestServer::start();
    let body = report("r").to_string();
    let rows = [
        ("/v1/reports?sent_at=now", JSON, "invalid_value", "sent_at"),
        ("/v1/reports?results=all", JSON, "unknown_parameter", "results"),
        ("/v1/reports/batch?results=some", JSON, "invalid_value", "results"),
        (
            "/v1/reports/batch?sent_at=2022-07-08T08:44:00Z&sent_at=2022-07-08T08:44:00Z",
            JSON,
            "repeated_parameter",
            "sent_at",
        ),
    ];
    for (path, header, code, field) in rows {
        check(&server.send("POST", path, &[header], body.as_bytes()), 400, code, field, path);
    }
}

#[test]
fn parameters_of_caches_and_campaigns_are_passed_over() {
    let server = TestServer::start();
    assert_eq!(
        server
            .get("/v1/heatmap?provider=alpha&v=3&v=4&key=abc&utm_source=news&utm_source=radio")
            .status,
        200
    );
}

#[test]
fn too_many_cells_are_refused_by_the_finest_resolution_that_fits() {
    let server = TestServer::start();
    // 250 x 201 places, 0.02 degrees (about 2 km) apart: far enough for a cell of
    // resolution 8 each, too near for one of resolution 6 each.
    let places = (0..250_u32).flat_map(|row| {
        (0..201_u32)
            .map(move |column| (1.0 + f64::from(row) * 0.02, 1.0 + f64::from(column) * 0.02))
    });
    let reports: Vec<Value> = places
        .enumerate()
        .map(|(n, (lat, lon))| but(report(&format!("r{n}")), json!({"lat": lat, "lon": lon})))
        .collect();
    for batch in reports.chunks(10_000) {
        assert_eq!(server.batch(&ndjson(batch)).json()["counted"], json!(batch.len()));
    }
    server.next_tick();
    for format in ["", ".geojson", ".h3j", ".columns.json", ".csv", ".ndjson"] {
        let answer = server.get(&format!("/v1/heatmap{format}?provider=alpha&resolution=8"));
        check(&answer, 400, "too_many_cells", "resolution", format);
        let error = answer.json()["errors"][0].clone();
        assert_eq!(error["got"], json!("50250 cells"));
        let fits = error["expected"]
            .as_str()
            .unwrap()
            .strip_prefix("at most ")
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .to_owned();
        let fitting = server.read(&format!("/v1/heatmap?provider=alpha&resolution={fits}"));
        assert_eq!(
            (&fitting["total"], fitting["cells"].as_array().unwrap().len() <= 50_000),
            (&json!(50_250), true)
        );
        let finer: u8 = fits.parse::<u8>().unwrap() + 1;
        assert_eq!(
            server.get(&format!("/v1/heatmap?provider=alpha&resolution={finer}")).status,
            400,
            "{fits} is the finest that fits"
        );
    }
    assert_eq!(
        server.get("/v1/heatmap?provider=alpha&resolution=8&bbox=1,1,2,2").status,
        200,
        "a smaller box fits too"
    );
}
