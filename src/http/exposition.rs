//! The metrics as text: in the format of OpenMetrics, or in the older one of Prometheus,
//! as the scraper prefers.

use actix_web::http::header::{self, HeaderMap};
use prometheus_client::registry::Registry;
use std::fmt::Write;

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus 0.0.4.
    Prometheus,
}

impl Exposition {
    /// The one that a scraper prefers; OpenMetrics where it does not care, or wants what
    /// there is not.
    #[must_use]
    pub fn accepted(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
        let ranges: Vec<(Self, f32)> =
            lines.flat_map(|line| line.split(',')).filter_map(range).collect();
        let weight = |format| {
            ranges
                .iter()
                .filter(|(there, _)| *there == format)
                .map(|(_, weight)| *weight)
                .fold(0.0, f32::max)
        };
        if weight(Self::OpenMetrics) < weight(Self::Prometheus) {
            Self::Prometheus
        } else {
            Self::OpenMetrics
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// What the registry knows.
    #[must_use]
    pub fn text(self, registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry)
            .expect("writing to a string cannot fail");
        match self {
            Self::OpenMetrics => text,
            Self::Prometheus => as_prometheus(&text),
        }
    }
}

/// Which format a part of `Accept` names, and its weight. A version that we do not speak
/// names none.
fn range(part: &str) -> Option<(Exposition, f32)> {
    let mut parameters = part.split(';').map(str::trim);
    let media_type = parameters.next()?;
    let mut weight = 1.0;
    let mut version = None;
    for (name, value) in parameters.filter_map(|parameter| parameter.split_once('=')) {
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => weight = value.trim().parse().ok()?,
            "version" => version = Some(value.trim().trim_matches('"')),
            _ => {}
        }
    }
    match (media_type.to_ascii_lowercase().as_str(), version) {
        ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => {
            Some((Exposition::OpenMetrics, weight))
        }
        ("text/plain", None | Some("0.0.4")) | ("text/*", _) => {
            Some((Exposition::Prometheus, weight))
        }
        _ => None,
    }
}

/// The older format has no units and no end, and names a family of counters as its
/// samples.
fn as_prometheus(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut help = "";
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), _, Some(words)) => help = words,
            (Some("#"), Some("TYPE"), Some(family), Some(kind)) => {
                let (suffix, kind) = older_kind(kind);
                let written = writeln!(
                    lines,
                    "# HELP {family}{suffix} {help}\n# TYPE {family}{suffix} {kind}"
                );
                written.expect("writing to a string cannot fail");
            }
            (Some("#"), ..) => {}
            _ => lines.extend([line, "\n"]),
        }
    }
    lines
}

/// What a kind of metrics is in the older format, and what then ends the family's name.
fn older_kind(kind: &str) -> (&'static str, &str) {
    match kind {
        "counter" => ("_total", kind),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        _ => ("", kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
    use prometheus_client::registry::Unit;

    #[test]
    fn the_format_is_the_one_that_the_scraper_weighs_most() {
        use Exposition::{OpenMetrics, Prometheus};
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let rows: [(&[&str], Exposition); 15] = [
            (&[], OpenMetrics),
            (&["*/*"], OpenMetrics),
            (&[prometheus_3], OpenMetrics),
            (&["application/openmetrics-text; version=1.0.0"], OpenMetrics),
            (&["application/openmetrics-text; version=\"1.0.0\", text/plain;q=0.5"], OpenMetrics),
            (&["text/plain"], Prometheus),
            (&["text/plain; version=0.0.4"], Prometheus),
            (&["Text/Plain;Version=0.0.4;Q=0.7,*/*;q=0.1"], Prometheus),
            (&["text/plain;version=0.0.4;q=1,*/*;q=0.1"], Prometheus),
            (
                &["application/openmetrics-text;version=1.0.0;q=0.3,\
                     text/plain;version=0.0.4;q=0.5"],
                Prometheus,
            ),
            (&["application/openmetrics-text; version=2.0.0,text/plain;q=0.1"], Prometheus),
            (&["application/openmetrics-text;q=0,text/plain"], Prometheus),
            (&["text/plain;q=0"], OpenMetrics),
            (&["application/openmetrics-text;q=0.2", "text/plain;q=0.4"], Prometheus),
            (&["application/json"], OpenMetrics),
        ];
        for (lines, expected) in rows {
            let request = lines.iter().fold(TestRequest::get(), |request, line| {
                request.append_header((header::ACCEPT, *line))
            });
            assert_eq!(
                Exposition::accepted(request.to_http_request().headers()),
                expected,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn the_older_format_names_counters_as_their_samples() {
        let mut registry = Registry::with_prefix("a");
        let counter = Counter::<u64>::default();
        counter.inc();
        registry.register("reports", "Reports # of all", counter);
        registry.register_with_unit("log", "Log", Unit::Bytes, Gauge::<i64>::default());
        let expected = "# HELP a_reports_total Reports # of all.\n# TYPE a_reports_total \
             counter\na_reports_total 1\n\
                        # HELP a_log_bytes Log.\n# TYPE a_log_bytes gauge\na_log_bytes 0\n";
        assert_eq!(Exposition::Prometheus.text(&registry), expected);
    }
}
