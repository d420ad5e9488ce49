//! One revision of an incident as a line of NDJSON: what a replay writes, and what
//! scorers of detectors read.

use super::evidence::EvidenceJson;
use super::time::rfc3339;
use crate::domain::detect::episode::{Episode, State};
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    detected_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_at: Option<String>,
    provider: &'a str,
    cells: Vec<String>,
    incident_id: String,
    onset_estimate: String,
    state: &'static str,
    revision: u32,
    evidence: EvidenceJson,
}

/// The line of an incident of a provider, its end included.
#[must_use]
pub fn incident_line(provider: &str, incident: &Episode) -> Vec<u8> {
    let line = Line {
        detected_at: rfc3339(incident.detected_at),
        resolved_at: incident.resolved_at.map(rfc3339),
        provider,
        cells: incident.cells.iter().map(ToString::to_string).collect(),
        incident_id: format!("{provider}-{:016x}", incident.id),
        onset_estimate: rfc3339(incident.onset),
        state: state(incident.state),
        revision: incident.revision,
        evidence: (&incident.evidence).into(),
    };
    let mut bytes = serde_json::to_vec(&line).expect("an incident is plain data");
    bytes.push(b'\n');
    bytes
}

const fn state(state: State) -> &'static str {
    match state {
        State::Possible => "possible",
        State::Confirmed => "confirmed",
        State::Recovering => "recovering",
        State::Resolved => "resolved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::detect::episode::Evidence;
    use crate::domain::grid::Cell;
    use crate::domain::time::{Minute, Timestamp, Window};

    #[test]
    fn a_line_holds_what_a_scorer_reads_and_every_number_of_the_score() {
        let minute = Minute(27_549_600);
        let cell = Cell::parse("872a100d6ffffff").unwrap();
        let window = Window { from: minute.plus(-30), to: minute };
        let evidence = Evidence {
            centre: Some(cell),
            ring: 1,
            window,
            late_only: false,
            observed: 9.0,
            expected: 0.5,
            dispersion: 0.25,
            score: 7.5,
        };
        let incident = Episode {
            id: 0xab,
            revision: 2,
            state: State::Confirmed,
            detected_at: minute.start(),
            onset: Timestamp(minute.start().0 - 600_000),
            resolved_at: None,
            cells: vec![cell],
            evidence,
        };
        let open = r#"{"detected_at":"2022-05-19T16:00:00Z","provider":"alpha","cells":["872a100d6ffffff"],"incident_id":"alpha-00000000000000ab","onset_estimate":"2022-05-19T15:50:00Z","state":"confirmed","revision":2,"evidence":{"zone":{"centre":"872a100d6ffffff","resolution":7,"radius_cells":1},"window":{"from":"2022-05-19T15:30:00Z","to":"2022-05-19T16:00:00Z"},"late_only":false,"observed":9.0,"expected":0.5,"dispersion":0.25,"score":7.5}}"#;
        assert_eq!(
            String::from_utf8(incident_line("alpha", &incident)).unwrap(),
            format!("{open}\n")
        );
        let everywhere = Evidence { centre: None, ring: 0, ..evidence };
        let over = Episode {
            state: State::Resolved,
            resolved_at: Some(minute.plus(60).start()),
            evidence: everywhere,
            ..incident
        };
        let line = String::from_utf8(incident_line("alpha", &over)).unwrap();
        for part in [
            r#""resolved_at":"2022-05-19T17:00:00Z","#,
            r#""state":"resolved""#,
            r#""centre":null,"resolution":null"#,
        ] {
            assert!(line.contains(part), "{line}");
        }
    }
}
