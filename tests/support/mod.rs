//! What the tests of the whole share: a small catalogue, a moment, reports, and servers
//! to send them to.

#![allow(
    dead_code,
    reason = "every test binary compiles this and uses its own part of it; what is unused differs"
)]

pub mod binary;
pub mod client;
pub mod fake_time;
pub mod older;
pub mod past;
pub mod proxy;
pub mod redis;
pub mod server;
pub mod stored;
pub mod tiny_disk;

use groundswell::catalogue;
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::provider::Catalogue;
use groundswell::domain::time::Timestamp;
use serde_json::{Value, json};

/// Alpha (alias alfa, plmn 00101) and Bravo on the network north, Charlie on its own;
/// Delta has retired, Echo is Australian.
pub const CATALOGUE: &str = concat!(
    include_str!("../catalogue.toml"),
    "[[provider]]\nid = \"delta\"\nname = \"Delta\"\ncategory = \"internet\"\ncountries = \
     [\"US\"]\nretired = true\n",
    "[[provider]]\nid = \"echo\"\nname = \"Echo\"\ncategory = \"service\"\ncountries = \
     [\"AU\"]\ndepends_on = [\"alpha\"]\n",
);

/// Where a manual clock begins.
pub const NOW: &str = "2022-07-08T08:44:10Z";
/// A place in Toronto.
pub const TORONTO: (f64, f64) = (43.6532, -79.3832);
/// A place in Vancouver.
pub const VANCOUVER: (f64, f64) = (49.2827, -123.1207);

/// The providers of [`CATALOGUE`].
pub fn catalogue() -> Catalogue {
    catalogue::parse(CATALOGUE).unwrap()
}

/// The instant of an RFC 3339 text.
pub fn instant(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// The RFC 3339 text of an instant.
pub fn text(instant: Timestamp) -> String {
    groundswell::render::time::rfc3339(instant)
}

/// The cell of that resolution around a place.
pub fn cell((lat, lon): (f64, f64), resolution: i64) -> Cell {
    Cell::at(Position::new(lat, lon).unwrap(), Resolution::new(resolution).unwrap())
}

/// An exact report of Alpha from Toronto.
pub fn report(reporter_id: &str) -> Value {
    let (lat, lon) = TORONTO;
    json!({"provider": "alpha", "symptom": "no_service", "lat": lat, "lon": lon,
        "accuracy_m": 35, "reporter_id": reporter_id})
}

/// The same report with other fields; null takes a field out.
pub fn but(mut report: Value, fields: Value) -> Value {
    let (Value::Object(report_fields), Value::Object(fields)) = (&mut report, fields) else {
        panic!("both are objects")
    };
    for (name, value) in fields {
        match value {
            Value::Null => drop(report_fields.remove(&name)),
            value => drop(report_fields.insert(name, value)),
        }
    }
    report
}

/// A report of so many from different reporters, a line each.
pub fn ndjson(reports: &[Value]) -> Vec<u8> {
    reports.iter().flat_map(|report| format!("{report}\n").into_bytes()).collect()
}

/// The bytes packed by gzip.
pub fn gzip(plain: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// What gzip packed.
pub fn gunzip(packed: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut plain).unwrap();
    plain
}
