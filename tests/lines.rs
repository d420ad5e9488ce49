//! Answers of a line a row, CSV and NDJSON: they say what lists say.

use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, ndjson, text};
use groundswell::http::policy::Policy;
use groundswell::http::publisher::Publisher;
use serde_json::{Value, json};

/// A server on which two providers fail, each in a city of its own.
fn failing(publisher: Publisher) -> TestServer {
    let policy = Policy { publisher, ..Policy::default() };
    let server = TestServer::start_by_after_quiet_past(policy);
    server.catch_up();
    for (provider, city) in [("alpha", TORONTO), ("charlie", VANCOUVER)] {
        for some in outage(provider, city, 60, 60).chunks(12) {
            assert_eq!(server.batch(&ndjson(some)).status, 200);
            server.watch_minutes(1);
        }
    }
    server
}

/// Whether two texts say the same: of numbers, this reader of JSON may miss the last digit.
fn is_same(one: &str, other: &str) -> bool {
    let near = |one: f64, other: f64| (one - other).abs() <= 1e-12 * other.abs();
    one == other || one.parse().is_ok_and(|one| other.parse().is_ok_and(|other| near(one, other)))
}

/// The lines of a CSV file, the header first. None of these has a quote or a line break in it.
fn csv(server: &TestServer, path: &str) -> Vec<Vec<String>> {
    let answer = server.get(path);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let text = answer.text();
    assert!(text.ends_with("\r\n"), "{text}");
    text.trim_end().split("\r\n").map(fields).collect()
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut is_quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            letter => fields.last_mut().unwrap().push(letter),
        }
    }
    assert!(!is_quoted, "{line}");
    fields
}

/// What a line says in a column.
fn of<'a>(lines: &'a [Vec<String>], line: usize, column: &str) -> &'a str {
    let n = lines[0].iter().position(|name| name == column).unwrap();
    &lines[line + 1][n]
}

fn objects(server: &TestServer, path: &str) -> Vec<Value> {
    let answer = server.get(path);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"), "{answer}");
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What CSV writes of a value.
fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[test]
fn lines_say_what_lists_and_maps_say() {
    let server = failing(Publisher::default());
    let incidents = server.read("/v1/incidents")["items"].as_array().unwrap().clone();
    let map = server.read("/v1/incidents.geojson");
    assert_eq!(incidents.len(), 2);
    assert_eq!(objects(&server, "/v1/incidents.ndjson"), incidents);
    let lines = csv(&server, "/v1/incidents.csv");
    assert_eq!(lines.len(), 3);
    for (n, incident) in incidents.iter().enumerate() {
        let properties = map["features"][n]["properties"].as_object().unwrap();
        let told: Vec<&String> =
            properties.keys().filter(|name| *name != "outline_resolution").collect();
        assert_eq!(lines[0].len(), told.len() + 1, "{:?}", lines[0]);
        for name in told {
            assert!(is_same(of(&lines, n, name), &written(&properties[name])), "{name}");
        }
        assert_eq!(of(&lines, n, "cells"), written(&incident["cells"]));
    }

    let spikes = server.read("/v1/spikes")["items"].as_array().unwrap().clone();
    assert!(spikes.len() > 1);
    assert_eq!(objects(&server, "/v1/spikes.ndjson"), spikes);
    let lines = csv(&server, "/v1/spikes.csv");
    assert_eq!((lines.len(), &*lines[0][0]), (spikes.len() + 1, "hex_id"));
    for (n, spike) in spikes.iter().enumerate() {
        let evidence = &spike["evidence"];
        for name in ["provider", "network", "score_threshold", "incident", "collateral_of", "cells"]
        {
            assert!(is_same(of(&lines, n, name), &written(&spike[name])), "{name}");
        }
        for name in ["late_only", "observed", "expected", "dispersion", "score"] {
            assert!(is_same(of(&lines, n, name), &written(&evidence[name])), "{name}");
        }
        assert_eq!(of(&lines, n, "place"), written(&spike["place"]["text"]));
        assert_eq!(of(&lines, n, "hex_id"), written(&evidence["zone"]["centre"]));
        assert_eq!(of(&lines, n, "radius_cells"), written(&evidence["zone"]["radius_cells"]));
        assert_eq!(of(&lines, n, "from"), written(&evidence["window"]["from"]));
    }

    let asked = "provider=alpha&step=5m";
    let points = server.read(&format!("/v1/series?{asked}"))["points"].as_array().unwrap().clone();
    let lines = csv(&server, &format!("/v1/series.csv?{asked}"));
    let of_lines = objects(&server, &format!("/v1/series.ndjson?{asked}"));
    assert_eq!((lines.len(), of_lines.len()), (points.len() + 1, points.len()));
    for (n, point) in points.iter().enumerate() {
        for name in ["t", "count", "expected", "expected_low", "expected_high"] {
            assert_eq!(of_lines[n][name], point[name], "{name}");
            assert!(is_same(of(&lines, n, name), &written(&point[name])), "{name}");
        }
        for name in ["gap", "partial"] {
            assert_eq!(of_lines[n][name], json!(point[name] == json!(true)), "{name}");
            assert_eq!(of(&lines, n, name), of_lines[n][name].to_string(), "{name}");
        }
    }
}

/// Where the next page of an answer is.
fn next(answer: &crate::support::client::Answer) -> Option<String> {
    let link = answer.header("link")?;
    let address = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(address.to_owned())
}

#[test]
fn pages_of_lines_follow_each_other_by_the_head() {
    let server = failing(Publisher::default());
    let to = text(server.now());
    for list in ["/v1/incidents", "/v1/spikes", &format!("/v1/spikes?to={to}")] {
        let (path, query) = list.split_once('?').unwrap_or((list, "from="));
        let query = query.strip_prefix("from=").unwrap_or(query);
        let whole = objects(&server, &format!("{path}.ndjson?limit=1000&{query}"));
        let mut at = Some(format!("{path}.ndjson?limit=1&{query}"));
        let mut found: Vec<Value> = Vec::new();
        while let Some(address) = at {
            let answer = server.get(&address);
            found.extend(answer.text().lines().map(|line| serde_json::from_str(line).unwrap()));
            at = next(&answer);
            // Who has a page is told where the next one is, too.
            let tag = answer.header("etag").unwrap();
            let known = server.send("GET", &address, &[("If-None-Match", tag)], b"");
            assert_eq!((known.status, next(&known)), (304, at.clone()));
        }
        assert!(whole.len() > 1);
        assert_eq!(found, whole, "{list}");
        let first = server.get(&format!("{path}.csv?limit=1&{query}"));
        assert!(next(&first).unwrap().contains("limit=1"), "{first}");
        assert_eq!(first.text().lines().count(), 2);
    }
}

#[test]
fn whoever_asks_for_some_columns_gets_those_in_that_order() {
    let server = failing(Publisher::default());
    let map = server.read("/v1/heatmap.columns.json?provider=alpha&fields=hex,count,level");
    let names: Vec<&String> = map["columns"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["count", "hex", "level"]);
    assert_eq!(map["coarser"].as_object().unwrap().len(), 3);
    let whole = server.read("/v1/heatmap.columns.json?provider=alpha");
    for name in ["hex", "count", "level"] {
        assert_eq!(map["columns"][name], whole["columns"][name], "{name}");
    }
    assert!(!map["columns"]["level"][0].is_null());
    let lines = csv(&server, "/v1/heatmap.csv?provider=alpha&fields=hex,count,level");
    assert_eq!(lines[0], ["hex_id", "count", "level"]);
    for n in 0..map["columns"]["hex"].as_array().unwrap().len() {
        for (column, name) in ["hex", "count", "level"].into_iter().enumerate() {
            assert_eq!(lines[n + 1][column], written(&map["columns"][name][n]));
        }
    }
    let objects_of = |path: &str| objects(&server, path)[0].as_object().unwrap().len();
    assert_eq!(objects_of("/v1/heatmap.ndjson?provider=alpha&fields=count,hex"), 2);
    assert_eq!(objects_of("/v1/series.ndjson?provider=alpha&fields=count,t"), 2);
    assert_eq!(objects_of("/v1/incidents.ndjson?fields=id,severity,cells"), 3);
    assert_eq!(objects_of("/v1/spikes.ndjson?fields=provider,evidence"), 2);
    let first = server.get("/v1/series.ndjson?provider=alpha&fields=count,t");
    assert!(first.text().starts_with("{\"count\":"), "{first}");
    assert_eq!(csv(&server, "/v1/incidents.csv?fields=onset,id")[0], ["onset", "id"]);
    assert_eq!(csv(&server, "/v1/spikes.csv?fields=score,hex_id")[0], ["score", "hex_id"]);
    assert_eq!(csv(&server, "/v1/series.csv?provider=alpha&fields=t")[0], ["t"]);
}

#[test]
fn columns_that_there_are_not_are_named_beside_those_that_there_are() {
    let server = failing(Publisher::default());
    let of_cells = "hex, count, expected, score, level";
    let rows = [
        ("/v1/heatmap.columns.json?provider=alpha", "hex,colour", "colour", of_cells),
        ("/v1/heatmap.columns.json?provider=alpha", "resolution", "resolution", of_cells),
        (
            "/v1/heatmap.csv?provider=alpha",
            "hex,",
            "",
            "hex_id, resolution, count, expected, score, level",
        ),
        (
            "/v1/heatmap.ndjson?provider=alpha",
            "Hex",
            "Hex",
            "hex, resolution, count, expected, score, level",
        ),
        (
            "/v1/series.csv?provider=alpha",
            "licence",
            "licence",
            "t, count, expected, expected_low, expected_high, gap, partial",
        ),
        (
            "/v1/spikes.ndjson",
            "hex_id",
            "hex_id",
            "provider, network, place, cells, evidence, score_threshold, incident, collateral_of",
        ),
    ];
    for (path, fields, got, there) in rows {
        let mark = if path.contains('?') { '&' } else { '?' };
        let answer = server.get(&format!("{path}{mark}fields={fields}"));
        let error = answer.json()["errors"][0].clone();
        assert_eq!((answer.status, &error["field"]), (400, &json!("fields")), "{answer}");
        assert_eq!(error["got"], json!(got), "{path}");
        assert_eq!(error["expected"], json!(format!("some of {there}, joined by commas")));
    }
    for path in ["/v1/incidents.csv?", "/v1/spikes.csv?", "/v1/series.ndjson?provider=alpha&"] {
        for fields in ["", "id%20id", "t,t", "score,score", "*"] {
            let answer = server.get(&format!("{path}fields={fields}"));
            assert_eq!(answer.json()["errors"][0]["field"], json!("fields"), "{path} {fields}");
        }
    }
    for path in ["/v1/heatmap", "/v1/heatmap.geojson", "/v1/heatmap.h3j", "/v1/series"] {
        let answer = server.get(&format!("{path}?provider=alpha&fields=hex"));
        assert_eq!(answer.json()["code"], json!("unknown_parameter"), "{path}");
    }
    for path in ["/v1/incidents", "/v1/incidents.geojson", "/v1/spikes", "/v1/spikes.geojson"] {
        let answer = server.get(&format!("{path}?fields=id"));
        assert_eq!(answer.json()["code"], json!("unknown_parameter"), "{path}");
    }
    // What lists refuse, lines refuse.
    for (path, field) in [
        ("/v1/incidents.csv?limit=1001", "limit"),
        ("/v1/incidents.ndjson?known_at=tomorrow", "known_at"),
        ("/v1/spikes.csv?bbox=1,2,3", "bbox"),
        ("/v1/spikes.ndjson?from=2022-07-01T00:00:00Z", "from"),
        ("/v1/series.csv?provider=alpha&step=0m", "step"),
        ("/v1/series.ndjson?provider=nobody", "provider"),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.json()["errors"][0]["field"], json!(field), "{path}");
    }
}

#[test]
fn files_say_whom_to_name_and_under_which_licence_they_are() {
    let licence = "https://creativecommons.org/licenses/by/4.0/";
    let publisher = Publisher {
        public_url: None,
        attribution: Some("=Town of Example, \"Hydro\"".into()),
        licence: Some(licence.into()),
    };
    let server = failing(publisher);
    for path in [
        "/v1/heatmap.csv?provider=alpha",
        "/v1/series.csv?provider=alpha",
        "/v1/incidents.csv",
        "/v1/spikes.csv",
    ] {
        let answer = server.get(path);
        let lines: Vec<&str> = answer.text().split("\r\n").collect();
        assert!(lines[0].ends_with(",attribution,licence"), "{path}: {}", lines[0]);
        let credit = format!(",\"'=Town of Example, \"\"Hydro\"\" · Groundswell\",{licence}");
        assert!(lines[1].ends_with(&credit), "{path}: {}", lines[1]);
        assert!(lines[2].ends_with(",,"), "{path}: {}", lines[2]);
        let link = format!("<{licence}>; rel=\"license\"");
        assert_eq!(answer.header("link"), Some(&*link), "{path}");
        let lines = answer.text().lines().count();
        let mark = if path.contains('?') { '&' } else { '?' };
        let without = server.get(&format!("{path}{mark}fields=licence"));
        assert!(without.text().starts_with(&format!("licence\r\n{licence}\r\n\r\n")), "{without}");
        assert_eq!(without.text().lines().count(), lines);
    }
    for path in ["/v1/heatmap.ndjson?provider=alpha", "/v1/spikes.ndjson"] {
        let answer = server.get(path);
        assert!(answer.header("link").unwrap().contains(licence), "{path}");
        assert!(!answer.text().contains("Town of Example"), "{path}");
    }
    assert_eq!(server.get("/v1/heatmap?provider=alpha").header("link"), None);
}
