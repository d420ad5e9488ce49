//! Hours and days of all areas and providers, as one table.

use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, but, ndjson, report};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const BERLIN: (f64, f64) = (52.52, 13.4);
const AT_SEA: (f64, f64) = (45.0, -40.0);

fn of_two_providers(server: &TestServer) {
    let places = [TORONTO, VANCOUVER, BERLIN, AT_SEA];
    let mut reports: Vec<Value> = Vec::new();
    for (n, (lat, lon)) in places.into_iter().enumerate() {
        for provider in ["alpha", "charlie"] {
            reports.extend((0..5 + n).map(|person| {
                let fields =
                    json!({"provider": provider, "lat": lat, "lon": lon, "accuracy_m": 35});
                but(report(&format!("{provider} {n} {person}")), fields)
            }));
        }
    }
    let answer = server.batch(&ndjson(&reports));
    assert_eq!(answer.status, 200, "{answer}");
    server.next_tick();
}

/// The lines of a table, each as its columns.
fn table(server: &TestServer, query: &str) -> (String, Vec<Vec<String>>) {
    let answer = server.get(&format!("/v1/series.csv?{query}"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/csv")), "{answer}");
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let mut lines = text.split("\r\n");
    let header = lines.next().unwrap().to_owned();
    let columns = |line: &str| line.split(',').map(str::to_owned).collect();
    (header, lines.filter(|line| !line.is_empty()).map(columns).collect())
}

/// Reports by what stands in some columns.
fn sums(lines: &[Vec<String>], columns: &[usize], reports: usize) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for line in lines {
        let key: Vec<&str> = columns.iter().map(|column| &*line[*column]).collect();
        *sums.entry(key.join(" ")).or_default() += line[reports].parse::<u64>().unwrap();
    }
    sums.retain(|_, sum| *sum > 0);
    sums
}

#[test]
fn a_table_adds_up_to_the_ranking_and_to_the_maps() {
    let server = TestServer::start();
    of_two_providers(&server);
    let (header, lines) = table(&server, "by=area,provider");
    assert_eq!(header, "from,to,area,provider,reports,gap");
    let of_areas = sums(&lines, &[2], 4);
    let ranking = server.read("/v1/areas");
    for item in ranking["items"].as_array().unwrap() {
        let code = item["area"].as_str().unwrap();
        assert_eq!(json!(of_areas[code]), item["reports"], "{code}");
    }
    assert_eq!(of_areas.len(), ranking["items"].as_array().unwrap().len() + 1);
    let outside = ranking["outside"].as_u64().unwrap() + ranking["unplaced"].as_u64().unwrap();
    assert_eq!(of_areas[""], outside);
    let of_providers = sums(&lines, &[3], 4);
    for provider in ["alpha", "charlie"] {
        let map = server.read(&format!("/v1/heatmap?provider={provider}"));
        assert_eq!(json!(of_providers[provider]), map["total"], "{provider}");
    }
    let (header, of_area) = table(&server, "by=area&kind=country");
    assert_eq!(header, "from,to,area,reports,gap");
    assert_eq!(sums(&of_area, &[2], 3), of_areas);
    let (header, of_provider) = table(&server, "by=provider");
    assert_eq!(header, "from,to,provider,reports,gap");
    assert_eq!(sums(&of_provider, &[2], 3), of_providers);
    let (_, within) = table(&server, "by=area&within=CA&provider=alpha");
    let inner = sums(&within, &[2], 3);
    let of_alpha = sums(&table(&server, "by=area&provider=alpha").1, &[2], 3);
    assert_eq!(inner.values().sum::<u64>(), of_alpha["CA"], "{inner:?}");
    assert!(inner.keys().all(|code| code.is_empty() || code.starts_with("CA-")), "{inner:?}");
}

#[test]
fn each_hour_has_a_line_and_days_are_those_of_the_time_zone() {
    let server = TestServer::start();
    of_two_providers(&server);
    let (_, hours) = table(&server, "by=area&from=2022-07-07T00:30:00Z");
    let begins: Vec<&String> = hours.iter().map(|line| &line[0]).collect();
    assert_eq!(*begins[0], "2022-07-07T00:00:00Z");
    let mut different = begins.clone();
    different.dedup();
    assert_eq!(different.len(), 33, "24 hours of the 7th and 9 of the 8th: {different:?}");
    assert_eq!(hours[0][2..], ["", "0", "true"], "nobody was there to count");
    let all = sums(&hours, &[2], 3);
    for (zone, begin) in [
        ("America/Toronto", "2022-07-08T00:00:00-04:00"),
        ("Asia/Kolkata", "2022-07-08T00:00:00+05:30"),
        ("UTC", "2022-07-08T00:00:00+00:00"),
    ] {
        let (_, days) =
            table(&server, &format!("by=area&step=1d&tz={zone}&from=2022-07-06T00:00:00Z"));
        assert_eq!(sums(&days, &[2], 3), all, "{zone}");
        let with_reports = days.iter().filter(|line| line[3] != "0");
        assert!(with_reports.clone().count() > 0);
        assert!(with_reports.into_iter().all(|line| line[0] == begin), "{zone}: {days:?}");
    }
}

#[test]
fn who_has_a_table_already_is_told_so_until_somebody_reports() {
    let server = TestServer::start();
    of_two_providers(&server);
    let path = "/v1/series.csv?by=area&to=2022-07-08T08:44:00Z";
    let first = server.get(path);
    let tag = first.header("etag").unwrap().to_owned();
    let again = server.send("GET", path, &[("If-None-Match", &tag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(server.report(&report("somebody new")).status, 202);
    let after = server.send("GET", path, &[("If-None-Match", &tag)], b"");
    assert_eq!(after.status, 200);
}

#[test]
fn a_table_that_cannot_be_is_refused_by_field() {
    let server = TestServer::start();
    let rows = [
        ("by=cell", "invalid_value", "by"),
        ("by=area&by=area", "repeated_parameter", "by"),
        ("by=area&step=5m", "invalid_value", "step"),
        ("by=area&tz=Mars/Olympus", "invalid_value", "tz"),
        ("by=area&tz=", "invalid_value", "tz"),
        ("by=area&tz=../../etc/passwd", "invalid_value", "tz"),
        ("by=area&provider=nobody", "unknown_provider", "provider"),
        ("by=area&provider=alpha&network=north", "invalid_value", "network"),
        ("by=area&from=yesterday", "invalid_value", "from"),
        ("by=area&from=2022-07-08T09:00:00Z", "invalid_value", "from"),
        ("by=area&from=2022-04-01T00:00:00Z", "out_of_retention", "from"),
        ("by=area&from=0001-01-01T00:00:00Z", "out_of_retention", "from"),
        ("by=area&step=1d&tz=Asia/Kolkata&from=2022-06-20T00:00:00Z", "out_of_retention", "from"),
        ("by=area&to=2023-01-01T00:00:00Z", "in_future", "to"),
        ("by=area&within=DE", "invalid_value", "within"),
        ("by=provider&within=CA", "invalid_value", "within"),
        ("by=provider&kind=country", "invalid_value", "kind"),
        ("by=area&symptom=hunger", "invalid_value", "symptom"),
        ("by=area&window=1h", "unknown_parameter", "window"),
    ];
    for (query, code, field) in rows {
        let answer = server.get(&format!("/v1/series.csv?{query}"));
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["code"], &problem["errors"][0]["field"]),
            (400, &json!(code), &json!(field)),
            "{query}"
        );
    }
    let (_, eight_weeks) = table(&server, "by=area,provider&from=2022-05-14T00:00:00Z");
    assert_eq!(eight_weeks.len(), 24 * 55 + 9, "an hour each, and no bound on points");
}
