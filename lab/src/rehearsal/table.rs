//! The verdicts of rehearsals as a table in Markdown.

use super::verdict::{BrandVerdict, Role, Verdict};
use std::fmt::Write;

/// A row for each scenario, then one for each brand that was flagged or should have been.
#[must_use]
pub fn table(verdicts: &[Verdict]) -> String {
    let mut text = String::from(
        "| scenario | failing brands flagged | first, minutes after onset | healthy brands \
         flagged | labelled collateral | areas missed | \
         incidents (everywhere) | flaps | false ends | by chance before | lead over the first \
         official word |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for verdict in verdicts {
        let failing = |brand: &&BrandVerdict| matches!(brand.role, Role::Failed | Role::Dependent);
        let all = verdict.brands.iter().filter(failing).count();
        let flagged: Vec<f64> =
            verdict.brands.iter().filter(failing).filter_map(|brand| brand.delay_minutes).collect();
        let wrong: Vec<&str> = verdict
            .brands
            .iter()
            .filter(|brand| !failing(brand) && brand.delay_minutes.is_some())
            .map(|brand| brand.provider)
            .collect();
        let blamed: Vec<&str> = verdict
            .brands
            .iter()
            .filter(|brand| brand.role == Role::Collateral && brand.blamed)
            .map(|brand| brand.provider)
            .collect();
        let first = flagged
            .iter()
            .copied()
            .min_by(f64::total_cmp)
            .map_or_else(|| "never".into(), |delay| format!("{delay:.0}"));
        let _ = writeln!(
            text,
            "| {} | {} of {all} | {first} | {} | {} | {} | {} ({}) | {} | {} | {} | {} |",
            verdict.scenario,
            flagged.len(),
            none_or(&wrong),
            none_or(&blamed),
            none_or(&verdict.areas_missed.iter().map(String::as_str).collect::<Vec<_>>()),
            verdict.incidents,
            verdict.everywhere,
            verdict.flaps,
            verdict.false_ends,
            verdict.brands.iter().map(|brand| brand.before).sum::<usize>(),
            verdict.lead_minutes.map_or_else(|| "no time on record".into(), lead),
        );
    }
    text.push_str(
        "\n| scenario | brand | truth | flagged, minutes after onset | onset told, minutes off | \
         end told, minutes off |\n|---|---|---|---|---|---|\n",
    );
    for verdict in verdicts {
        for brand in verdict
            .brands
            .iter()
            .filter(|brand| brand.role != Role::Quiet || brand.delay_minutes.is_some())
        {
            let number = |value: Option<f64>| {
                value.map_or_else(|| "–".into(), |value| format!("{value:.0}"))
            };
            let role = match brand.role {
                Role::Failed => "failed",
                Role::Dependent if brand.has_cause => "failed with another; cause named",
                Role::Dependent => "failed with another; cause not named",
                Role::Collateral => "healthy, blamed",
                Role::Quiet => "healthy",
            };
            let (delay, onset, end) = (
                number(brand.delay_minutes),
                number(brand.onset_error_minutes),
                number(brand.end_error_minutes),
            );
            let _ = writeln!(
                text,
                "| {} | {} | {role} | {delay} | {onset} | {end} |",
                verdict.scenario, brand.provider
            );
        }
    }
    text
}

fn none_or(names: &[&str]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn lead(minutes: f64) -> String {
    let (sign, whole) = (if minutes < 0.0 { "−" } else { "" }, minutes.abs().round() as i64);
    format!("{sign}{} h {:02} min", whole / 60, whole % 60)
}
