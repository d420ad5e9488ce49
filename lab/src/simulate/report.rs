//! A report of the synthetic crowd, and the line of JSON that it is sent as.

use groundswell::domain::grid::Position;
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::Timestamp;
use serde_json::{Map, Value, json};

/// How the id of every reporter begins, so that nobody takes one for a person, wherever
/// the report ends up.
pub const SYNTHETIC: &str = "synthetic-";

/// One report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// When it comes.
    pub received_at: Timestamp,
    /// When its reporter noticed.
    pub observed_at: Timestamp,
    /// The id of whom it is about.
    pub provider: &'static str,
    /// What is said.
    pub symptom: Symptom,
    /// Where its reporter is, as the phone says.
    pub position: Position,
    /// How exactly, if the phone says so.
    pub accuracy_m: Option<f64>,
    /// By whom.
    pub reporter: u64,
}

impl Report {
    /// Its reporter's id.
    #[must_use]
    pub fn reporter_id(&self) -> String {
        format!("{SYNTHETIC}{:016x}", self.reporter)
    }

    /// The line that `POST /v1/reports/batch` takes, without its end.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        bytes(self.fields())
    }

    /// The line that `groundswell replay` reads, with when it was received, and labelled.
    #[must_use]
    pub fn file_line(&self) -> Vec<u8> {
        let mut fields = Map::new();
        fields.insert("received_at".into(), rfc3339(self.received_at).into());
        fields.append(&mut self.fields());
        fields.insert("synthetic".into(), true.into());
        bytes(fields)
    }

    fn fields(&self) -> Map<String, Value> {
        let degrees = |degrees: f64| (degrees * 1e5).round() / 1e5;
        let fields = json!({
            "observed_at": rfc3339(self.observed_at),
            "provider": self.provider,
            "symptom": self.symptom.name(),
            "lat": degrees(self.position.lat()),
            "lon": degrees(self.position.lon()),
            "reporter_id": self.reporter_id(),
        });
        let Value::Object(mut fields) = fields else { unreachable!("braces make an object") };
        if let Some(metres) = self.accuracy_m {
            fields.insert("accuracy_m".into(), metres.into());
        }
        fields
    }
}

fn bytes(fields: Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(&Value::Object(fields)).expect("plain values can be written")
}

/// As it is written.
pub(super) fn rfc3339(instant: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(instant.0).expect("scenarios lie in our time").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::scenario::instant;

    #[test]
    fn a_line_says_all_that_is_known_and_that_it_is_synthetic() {
        let report = Report {
            received_at: instant("2022-07-08T08:45:01Z"),
            observed_at: instant("2022-07-08T08:44:30.5Z"),
            provider: "rogers",
            symptom: Symptom::NoService,
            position: Position::new(43.653_226, -79.383_184).unwrap(),
            accuracy_m: Some(31.0),
            reporter: 0xabc,
        };
        let file: Value = serde_json::from_slice(&report.file_line()).unwrap();
        let expected = json!({
            "received_at": "2022-07-08T08:45:01Z", "observed_at": "2022-07-08T08:44:30.5Z",
            "provider": "rogers", "symptom": "no_service",
            "lat": 43.65323, "lon": -79.38318, "accuracy_m": 31.0,
            "reporter_id": "synthetic-0000000000000abc", "synthetic": true,
        });
        assert_eq!(file, expected);
        let sent: Value =
            serde_json::from_slice(&Report { accuracy_m: None, ..report }.line()).unwrap();
        let mut expected = expected;
        for name in ["received_at", "synthetic", "accuracy_m"] {
            expected.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(sent, expected);
    }
}
