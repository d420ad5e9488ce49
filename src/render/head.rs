//! What every heatmap's answer says besides its cells.

use super::privacy::RuleJson;
use super::time::{Window, rfc3339};
use super::{Heatmap, Subject};
use serde::Serialize;
use utoipa::ToSchema;

/// What was asked for, and how fresh the answer is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HeatmapHead<'a> {
    /// Id of the provider. Present unless a network was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, examples("rogers"))]
    pub provider: Option<&'a str>,
    /// Id of the network, whose brands are added up. Present if a network was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, examples("rogers"))]
    pub network: Option<&'a str>,
    /// When the reports were observed.
    pub window: Window,
    /// H3 resolution of the cells: 0 (continents) to 8 (about 0.7 km²).
    #[schema(minimum = 0, maximum = 8, examples(7))]
    pub resolution: u8,
    /// The instant up to which reports are counted.
    #[schema(format = DateTime, examples("2022-07-08T08:44:12Z"))]
    pub as_of: String,
    /// Whether the store cannot be read just now, and this is the last that was known.
    #[schema(examples(false))]
    pub stale: bool,
    /// By which rule reports are shown; null where every report is in its own cell.
    #[schema(required = true)]
    pub privacy: Option<RuleJson>,
    /// All reports: in cells, in coarser ones, and those without a place.
    #[schema(examples(1842))]
    pub total: u64,
    /// Reports in no cell: their senders did not know where they were (0° north, 0° east),
    /// or too few people were heard of even in the coarsest cell around them. With `bbox`
    /// none, as they lie in no box.
    #[schema(examples(3))]
    pub unplaced: u64,
}

impl<'a> HeatmapHead<'a> {
    /// The head of that heatmap.
    #[must_use]
    pub fn of(heatmap: &Heatmap<'a>) -> Self {
        let (provider, network) = match heatmap.subject {
            Subject::Provider(id) => (Some(id), None),
            Subject::Network(id) => (None, Some(id)),
            Subject::All => (None, None),
        };
        Self {
            provider,
            network,
            window: heatmap.window.into(),
            resolution: heatmap.level.resolution().number(),
            as_of: rfc3339(heatmap.as_of),
            stale: heatmap.stale,
            privacy: heatmap.privacy.map(RuleJson::from),
            total: heatmap.level.total(),
            unplaced: heatmap.level.unplaced(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::render::sample::{at, heatmap, level, parsed};
    use crate::render::{Heatmap, HeatmapFormat, Subject};
    use serde_json::json;

    #[test]
    fn a_provider_or_a_network_is_named_never_both() {
        let empty = level(7, &[], &[]);
        for (subject, provider, network) in [
            (Subject::Provider("fido"), json!("fido"), json!(null)),
            (Subject::Network("rogers"), json!(null), json!("rogers")),
        ] {
            let answer = parsed(&Heatmap { subject, ..heatmap(&empty) }, HeatmapFormat::Json);
            assert_eq!((&answer["provider"], &answer["network"]), (&provider, &network));
            assert_eq!(answer.as_object().unwrap().len(), 10, "{answer}");
        }
    }

    #[test]
    fn every_format_carries_the_same_head() {
        let level =
            level(7, &[(at(43.65, -79.38, 7), 12)], &[(at(43.65, -79.38, 3), 5)]).with_unplaced(3);
        // A line has no head.
        let is_lines =
            |format: &HeatmapFormat| matches!(format, HeatmapFormat::Csv | HeatmapFormat::Ndjson);
        for format in HeatmapFormat::ALL.into_iter().filter(|format| !is_lines(format)) {
            let answer = parsed(&Heatmap { stale: true, ..heatmap(&level) }, format);
            let head = if format == HeatmapFormat::H3j { &answer["metadata"] } else { &answer };
            assert_eq!(
                head["window"],
                json!({"from": "2022-07-08T08:30:00Z", "to": "2022-07-08T08:45:00Z"})
            );
            assert_eq!(
                (&head["resolution"], &head["total"], &head["unplaced"]),
                (&json!(7), &json!(20), &json!(3))
            );
            assert_eq!(head["privacy"], json!({"k": 3, "finest": 7}), "{format:?}");
            assert_eq!(
                (&head["as_of"], &head["stale"]),
                (&json!("2022-07-08T08:44:12Z"), &json!(true)),
                "{format:?}"
            );
        }
    }
}
