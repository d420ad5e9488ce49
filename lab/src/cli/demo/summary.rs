//! What came of it all: each incident against what really happened, which only a
//! simulation knows.

use super::local_time::local;
use super::story::flaps;
use crate::simulate::scenario::{Scenario, instant};
use groundswell::domain::incident::register::{Case, Register};
use groundswell::domain::incident::{Ending, Incident};
use groundswell::domain::time::{MINUTE_MS, Timestamp};
use std::io::Write;
use std::net::SocketAddr;

/// Writes it, the incident that was told first first.
pub fn summary(
    register: &Register,
    scenario: &Scenario,
    address: SocketAddr,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nWhat came of it:")?;
    let mut cases: Vec<_> = register
        .newest_first(None)
        .filter(|case| !matches!(case.latest().ending, Some(Ending::Merged(_))))
        .collect();
    cases.reverse();
    cases.into_iter().try_for_each(|case| incident(&mut out, case, scenario, address))
}

fn incident(
    out: &mut impl Write,
    case: &Case,
    scenario: &Scenario,
    address: SocketAddr,
) -> std::io::Result<()> {
    let last = case.latest();
    let (brands, figures) = (
        last.brands.iter().map(|brand| &*brand.provider).collect::<Vec<_>>().join(", "),
        &last.figures,
    );
    writeln!(
        out,
        "  {} of {}: {brands}",
        if last.everywhere { "everywhere" } else { "an incident" },
        last.network
    )?;
    if let Some(cause) = &last.cause {
        writeln!(out, "    cause    {}, on which it depends", cause.provider)?;
    }
    writeln!(
        out,
        "    began    {}{}",
        local(last.onset),
        began(scenario, last).map_or_else(String::new, |truth| against(truth, last))
    )?;
    let revisions = case.revisions();
    writeln!(
        out,
        "    told     {}, then {} revisions, {} flaps",
        local(last.detected_at),
        revisions.len() - 1,
        flaps(revisions)
    )?;
    writeln!(out, "    over     {}", last.resolved_at.map_or_else(|| "not yet".into(), local))?;
    let usual = figures.expected.unwrap_or_default();
    writeln!(
        out,
        "    reports  {} where {usual:.0} are usual, over {:.0} km2 at most",
        figures.reports, figures.area_km2
    )?;
    if let Some(lead) = case.lead_ms() {
        writeln!(
            out,
            "    lead     {} h {:02} min before the first official word",
            lead / MINUTE_MS / 60,
            lead / MINUTE_MS % 60
        )?;
    }
    writeln!(out, "    look     http://{address}/v1/incidents/{}", last.id)
}

/// When the first of its brands really failed; None where none did, and the incident is a
/// false alarm.
fn began(scenario: &Scenario, told: &Incident) -> Option<Timestamp> {
    let failed = scenario
        .surges
        .iter()
        .filter(|surge| surge.is_outage() && told.brand(surge.provider).is_some());
    failed.filter_map(|surge| surge.curve.first()).map(|point| instant(point.at)).min()
}

fn against(truth: Timestamp, told: &Incident) -> String {
    format!(
        "; really {}, and told {} min after that",
        local(truth),
        told.detected_at.ms_since(truth) / MINUTE_MS
    )
}
