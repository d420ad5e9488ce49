//! How many reports each app sends.

use crate::domain::access::source::LAST_SOURCE;
use crate::domain::fact::Source;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sources that are shown, the busiest ones.
const SHOWN: usize = 50;

/// Reports by source. A copy counts the same.
#[derive(Debug, Clone)]
pub struct SourceMetrics(Arc<[AtomicU64]>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabel {
    source: String,
}

impl Default for SourceMetrics {
    fn default() -> Self {
        Self((0..=LAST_SOURCE.0).map(|_| AtomicU64::new(0)).collect())
    }
}

impl SourceMetrics {
    /// Counts reports that a source sent, whatever became of them.
    pub fn count(&self, source: Source, reports: u64) {
        if let Some(counter) = self.0.get(usize::from(source.0)) {
            counter.fetch_add(reports, Ordering::Relaxed);
        }
    }

    /// The busiest, most first; then all others together.
    fn busiest(&self) -> Vec<(String, u64)> {
        let counts = self.0.iter().map(|counter| counter.load(Ordering::Relaxed)).enumerate();
        let mut all: Vec<(usize, u64)> = counts.filter(|(_, count)| *count > 0).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let rest = all.split_off(all.len().min(SHOWN));
        let named = all.into_iter().map(|(source, count)| (source.to_string(), count));
        let other = rest.iter().map(|(_, count)| count).sum();
        named.chain((!rest.is_empty()).then(|| ("other".to_owned(), other))).collect()
    }
}

impl Collector for SourceMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let help = "Reports of the 50 busiest sources, and of all others.";
        let mut family =
            encoder.encode_descriptor("source_reports", help, None, MetricType::Counter)?;
        for (source, count) in self.busiest() {
            ConstCounter::new(count).encode(family.encode_family(&SourceLabel { source })?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_sources_are_named_and_the_others_are_one() {
        let metrics = SourceMetrics::default();
        for source in 0..60 {
            metrics.count(Source(source), u64::from(source) + 1);
        }
        metrics.count(LAST_SOURCE, 1_000);
        let busiest = metrics.busiest();
        assert_eq!(busiest.len(), SHOWN + 1);
        assert_eq!(busiest[0], ("16383".to_owned(), 1_000));
        assert_eq!(busiest[1], ("59".to_owned(), 60));
        assert_eq!(busiest[SHOWN], ("other".to_owned(), (1..=11).sum()));
        assert_eq!(SourceMetrics::default().busiest(), []);
    }
}
