//! What Groundswell says of itself under `/metrics`, where no other process can see it.

use super::http;
use super::server::Server;
use anyhow::Context;

/// What the committer has done.
#[derive(Debug, Clone, Copy)]
pub struct Commits {
    number: f64,
    reports: f64,
    seconds: f64,
}

impl Commits {
    /// All since the server started; none where it is a yardstick.
    ///
    /// # Errors
    /// Where it does not answer, or without these figures.
    pub fn of(server: &Server) -> anyhow::Result<Option<Self>> {
        if !server.is_groundswell() {
            return Ok(None);
        }
        let [number, reports, seconds] = figures(
            server,
            [
                "groundswell_commit_seconds_count",
                "groundswell_commit_reports_sum",
                "groundswell_commit_seconds_sum",
            ],
        )?;
        Ok(Some(Self { number, reports, seconds }))
    }

    /// Those since `before`, as a sentence.
    #[must_use]
    pub fn since(self, before: Self) -> String {
        let (number, reports, seconds) = (
            self.number - before.number,
            self.reports - before.reports,
            self.seconds - before.seconds,
        );
        format!(
            "a commit held {:.0} reports and took {:.2} ms, the sync included",
            reports / number,
            seconds * 1e3 / number
        )
    }
}

/// Figures by their names.
///
/// # Errors
/// Where the server does not answer, or without one of them.
pub fn figures<const N: usize>(server: &Server, names: [&str; N]) -> anyhow::Result<[f64; N]> {
    let text = String::from_utf8(http::fetch(server.address, "/metrics", "identity")?)?;
    let mut values = [0.0; N];
    for (value, name) in values.iter_mut().zip(names) {
        let figure =
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        *value = figure.with_context(|| format!("/metrics has no {name}"))?;
    }
    Ok(values)
}
