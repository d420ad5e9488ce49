//! What is worth a line: what a revision of an incident tells that those before it did
//! not.

use groundswell::domain::incident::attribution::{Attribution, Verdict};
use groundswell::domain::incident::{Ending, Incident, State};
use groundswell::domain::time::MINUTE_MS;
use groundswell::gazetteer::name_of;
use std::sync::Arc;

/// Brands that are said to be blamed once they have so many reports: at first it is one
/// or two.
const WORTH_SAYING: f64 = 8.0;

/// What a revision tells that the earlier ones, oldest first, did not.
#[must_use]
pub fn events(earlier: &[Arc<Incident>], now: &Incident) -> Vec<String> {
    let Some(before) = earlier.last() else { return vec![opening(now)] };
    let mut said = Vec::new();
    for brand in now.brands.iter().filter(|brand| before.brand(&brand.provider).is_none()) {
        let why = if brand.episodes.is_empty() {
            "more reports than usual where its network fails"
        } else {
            "its own reports are too many"
        };
        said.push(format!(
            "{} joins: {why} ({:.0} against {:.1})",
            brand.provider,
            brand.evidence.observed,
            brand.evidence.expected.unwrap_or_default()
        ));
    }
    if now.everywhere && !before.everywhere {
        said.push("no region stands out any more: it is everywhere".into());
    }
    if now.onset.minute() != before.onset.minute() {
        let by = now.onset.ms_since(before.onset) / MINUTE_MS;
        let way = if by < 0 { "earlier" } else { "later" };
        said.push(format!("its beginning is now dated {} min {way}", by.abs()));
    }
    if let (Some(cause), true) = (&now.cause, now.cause != before.cause) {
        said.push(format!("it depends on {}, whose failure took it along", cause.provider));
    }
    said.extend(blame(earlier, now));
    if now.state != before.state {
        said.push(became(now));
    }
    said
}

/// How often it seemed to end, and did not.
#[must_use]
pub fn flaps(revisions: &[Arc<Incident>]) -> usize {
    revisions
        .windows(2)
        .filter(|pair| (pair[0].state, pair[1].state) == (State::Recovering, State::Confirmed))
        .count()
}

fn opening(now: &Incident) -> String {
    let place = name_of(&now.cells).text;
    let since = now.known_at.ms_since(now.onset) / MINUTE_MS;
    let Some((provider, evidence)) = now.evidence() else {
        return format!("INCIDENT of {} in {place}", now.network);
    };
    let minutes = evidence.window.to.0 - evidence.window.from.0;
    let cause = now
        .cause
        .as_ref()
        .map_or_else(String::new, |cause| format!("; it depends on {}", cause.provider));
    format!(
        "INCIDENT ({}) of {}, {place}: {:.0} reports of {provider} in {minutes} min where {:.1} \
         are usual, score {:.1}; began {since} min ago{cause}",
        now.state.name(),
        now.network,
        evidence.observed,
        evidence.expected.unwrap_or_default(),
        evidence.strength(),
    )
}

/// Healthy carriers that are blamed, the first time that they have reports enough. All
/// earlier revisions are asked: at night the reports are few, and with the last one alone
/// a carrier would be news again each morning.
fn blame(earlier: &[Arc<Incident>], now: &Incident) -> Vec<String> {
    let is_worth_saying = |other: &&Attribution| {
        other.verdict == Verdict::Collateral && other.observed >= WORTH_SAYING
    };
    let was_said = |provider: &str| {
        earlier.iter().any(|before| {
            before
                .attributions
                .iter()
                .filter(is_worth_saying)
                .any(|other| other.provider == provider)
        })
    };
    let new =
        now.attributions.iter().filter(is_worth_saying).filter(|other| !was_said(&other.provider));
    new.map(|other| {
        format!(
            "{} is blamed, and healthy: {:.0} reports in {} min, {:.1} % of the excess; beside \
             this incident up to {:.0} are usual",
            other.provider,
            other.observed,
            other.minutes,
            100.0 * other.share.unwrap_or_default(),
            other.expected_beside.unwrap_or_default(),
        )
    })
    .collect()
}

fn became(now: &Incident) -> String {
    let reports = now.figures.reports;
    match (now.state, &now.ending) {
        (State::Recovering, _) => format!("RECOVERING: its reports ebb away ({reports} so far)"),
        // Rates decide, so it may be said again without one more report: nothing is
        // claimed of their number.
        (State::Confirmed, _) => {
            format!("CONFIRMED again: its reports ebb no more ({reports} so far)")
        }
        (State::Resolved, Some(Ending::Merged(into))) => format!("goes on as a part of {into}"),
        (State::Resolved, _) => {
            let minutes = now.duration_ms() / MINUTE_MS;
            format!("OVER: it lasted {} h {:02} min, {reports} reports", minutes / 60, minutes % 60)
        }
        (state, _) => state.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundswell::domain::detect::episode::Evidence;
    use groundswell::domain::grid::{Cell, Position, Resolution};
    use groundswell::domain::incident::evidence::PublishedEvidence;
    use groundswell::domain::incident::figures::Figures;
    use groundswell::domain::incident::{Brand, IncidentId, Method};
    use groundswell::domain::time::{Minute, Timestamp, Window};

    fn incident() -> Incident {
        let cell = Cell::at(Position::new(43.7, -79.4).unwrap(), Resolution::HOURLY);
        let (at, window) = (
            Timestamp(1_657_270_200_000),
            Window { from: Minute(27_621_160), to: Minute(27_621_170) },
        );
        let evidence = Evidence {
            centre: Some(cell),
            ring: 1,
            window,
            late_only: false,
            observed: 7.0,
            expected: 0.2,
            dispersion: 0.05,
            score: 8.5,
        };
        Incident {
            id: IncidentId(1),
            revision: 0,
            known_at: at,
            network: "rogers".into(),
            state: State::Confirmed,
            detected_at: at,
            onset: at.plus_ms(-6 * MINUTE_MS),
            resolved_at: None,
            ending: None,
            everywhere: false,
            cells: vec![cell].into(),
            brands: vec![brand("rogers", evidence.into())],
            figures: Figures { reports: 7, ..Figures::default() },
            attributions: Vec::new(),
            cause: None,
            method: Method { version: "1".into(), parameters: 0, catalogue: 0 },
            naming: None,
        }
    }

    fn brand(provider: &str, evidence: PublishedEvidence) -> Brand {
        Brand {
            provider: provider.into(),
            episodes: vec![1],
            state: State::Confirmed,
            detected_at: Timestamp(0),
            onset: Timestamp(0),
            resolved_at: None,
            evidence,
        }
    }

    #[test]
    fn an_opening_says_who_where_since_when_and_how_sure() {
        let said = events(&[], &incident()).remove(0);
        for part in [
            "rogers",
            "Toronto",
            "7 reports",
            "in 10 min",
            "0.2 are usual",
            "score 8.5",
            "6 min ago",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn what_has_changed_is_said_and_what_has_not_is_not() {
        let before = Arc::new(incident());
        assert!(events(std::slice::from_ref(&before), &before).is_empty());
        let mut now = Incident::clone(&before);
        now.brands.push(brand("fido", before.brands[0].evidence));
        now.state = State::Recovering;
        now.onset = before.onset.plus_ms(-2 * MINUTE_MS);
        now.attributions = vec![blamed(12.0)];
        let said = events(&[before], &now).join("\n");
        for part in
            ["fido joins", "2 min earlier", "bell is blamed, and healthy", "4.0 %", "RECOVERING"]
        {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn who_is_blamed_is_said_once_even_where_the_blame_pauses() {
        let with =
            |observed| Arc::new(Incident { attributions: vec![blamed(observed)], ..incident() });
        assert!(events(&[with(12.0), with(2.0)], &with(30.0)).is_empty());
        assert_eq!(events(&[with(2.0)], &with(30.0)).len(), 1);
    }

    #[test]
    fn a_flap_is_a_return_from_recovering() {
        use State::{Confirmed, Possible, Recovering, Resolved};
        let in_state = |state| Arc::new(Incident { state, ..incident() });
        let revisions = [
            Possible, Confirmed, Recovering, Confirmed, Confirmed, Recovering, Confirmed,
            Recovering, Resolved,
        ]
        .map(in_state);
        assert_eq!(flaps(&revisions), 2);
        assert_eq!(flaps(&revisions[..3]), 0);
    }

    fn blamed(observed: f64) -> Attribution {
        Attribution {
            provider: "bell".into(),
            verdict: Verdict::Collateral,
            minutes: 30,
            observed,
            expected: Some(1.0),
            expected_beside: Some(40.0),
            share: Some(0.04),
            score: Some(0.0),
        }
    }
}
