//! What people say is wrong, and how exactly their phones know where they are. All shares
//! are fitted.

use super::draw::{normal, place, running};
use super::scenario::Trade;
use fastrand::Rng;
use groundswell::domain::symptom::Symptom;

/// Why somebody reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As on any day.
    Quiet,
    /// The service is gone.
    Outage,
    /// Somebody else's is.
    Collateral,
}

/// Of quiet reports, how many say that it works.
const WORKING_QUIET: f64 = 0.04;

/// A symptom, drawn.
pub fn symptom(trade: Trade, mood: Mood, rng: &mut Rng) -> Symptom {
    if mood == Mood::Quiet && rng.f64() < WORKING_QUIET {
        return Symptom::Working;
    }
    let table = table(trade, mood);
    table[place(rng, &running(table.iter().map(|(_, share)| *share)))].0
}

fn table(trade: Trade, mood: Mood) -> &'static [(Symptom, f64)] {
    use Symptom::{
        LoginFailed, NoCalls, NoData, NoEmergencyCalls, NoInternet, NoMessages, NoService, NoTv,
        Other, PaymentFailed, SlowData,
    };
    match (trade, mood) {
        (Trade::Mobile, Mood::Outage) => &[
            (NoService, 0.56),
            (NoData, 0.17),
            (NoCalls, 0.15),
            (NoMessages, 0.04),
            (NoEmergencyCalls, 0.03),
            (Other, 0.05),
        ],
        (Trade::Mobile, Mood::Collateral) => {
            &[(NoCalls, 0.55), (NoMessages, 0.15), (NoService, 0.2), (Other, 0.1)]
        }
        (Trade::Mobile, Mood::Quiet) => &[
            (NoService, 0.3),
            (NoData, 0.25),
            (SlowData, 0.2),
            (NoCalls, 0.12),
            (NoMessages, 0.05),
            (Other, 0.08),
        ],
        (Trade::Internet, Mood::Outage) => &[(NoInternet, 0.82), (NoTv, 0.12), (Other, 0.06)],
        (Trade::Internet, _) => &[(NoInternet, 0.6), (SlowData, 0.2), (NoTv, 0.1), (Other, 0.1)],
        (Trade::Payments, _) => &[(PaymentFailed, 0.9), (LoginFailed, 0.04), (Other, 0.06)],
        (Trade::App, _) => &[(LoginFailed, 0.3), (NoMessages, 0.3), (NoData, 0.15), (Other, 0.25)],
    }
}

/// A radius in metres, drawn: most phones know by satellite, some by cell or network
/// only, and a few do not say.
pub fn accuracy_m(rng: &mut Rng) -> Option<f64> {
    let (median, spread, most) = match rng.f64() {
        ..0.62 => (22.0, 0.6, 150.0),
        0.62..0.82 => (90.0, 0.6, 300.0),
        0.82..0.93 => (700.0, 0.5, 3_000.0),
        0.93..0.97 => (3_000.0, 0.5, 8_000.0),
        _ => return None,
    };
    Some((median * f64::exp(spread * normal(rng))).clamp(4.0, most).round())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::draw::chance;

    #[test]
    fn every_table_sums_to_one() {
        for trade in [Trade::Mobile, Trade::Internet, Trade::Payments, Trade::App] {
            for mood in [Mood::Quiet, Mood::Outage, Mood::Collateral] {
                let sum: f64 = table(trade, mood).iter().map(|(_, share)| share).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{trade:?} {mood:?}: {sum}");
            }
        }
    }

    #[test]
    fn in_an_outage_nobody_says_that_it_works() {
        let drawn = |mood| (0..3_000).map(move |n| symptom(Trade::Mobile, mood, &mut chance(2, n)));
        assert!(drawn(Mood::Outage).all(|symptom| symptom != Symptom::Working));
        assert!(drawn(Mood::Quiet).any(|symptom| symptom == Symptom::Working));
    }

    #[test]
    fn a_radius_is_that_of_a_street_mostly_and_of_a_town_sometimes() {
        let drawn: Vec<Option<f64>> = (0..4_000).map(|n| accuracy_m(&mut chance(9, n))).collect();
        let fine = drawn.iter().flatten().filter(|radius| **radius <= 300.0).count();
        assert!((3_000..3_500).contains(&fine), "{fine}");
        assert!(drawn.iter().any(Option::is_none));
    }
}
