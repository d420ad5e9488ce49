//! Whether a carrier fails, or is blamed for its neighbour: those who cannot reach
//! anybody report whom they tried to reach.
//!
//! On record (docs/incidents.md): a healthy carrier is reported with 3.3 to 7.6 % of what
//! the failing one is. So many more reports than usual are expected of it while its
//! neighbour fails; it is flagged where it has too many even so. The same score, against
//! another expectation.

use crate::domain::detect::score::score;
use crate::domain::word_enum::word_enum;

/// What a healthy carrier is blamed for at most, as a share of its neighbour's excess:
/// one and a half times the most on record, 7.6 %.
pub const MOST_SHARE: f64 = 0.12;
/// The least that a small carrier is taken to be blamed for, as a part of what one as
/// large as the failing one is: Boost, a twentieth of AT&T's size, had 1 % of its reports
/// on 22 February 2024.
const LEAST_PART: f64 = 0.1;
/// Dispersion of what it is blamed for.
const DISPERSION: f64 = 0.1;
/// Reports beyond the expected without which a neighbour explains nothing.
const LEAST_EXCESS: f64 = 3.0;
/// Excess of a neighbour below this multiple of the carrier's own explains nothing: two
/// that fail alike are two that fail.
const LEAST_MULTIPLE: f64 = 3.0;

/// What is counted of one provider in some place and time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Count {
    /// Length of the window that ends now, in minutes.
    pub minutes: i64,
    /// Reports.
    pub observed: f64,
    /// Those of them that came late, in windows up to two hours.
    pub late: f64,
    /// Reports that were to be expected.
    pub expected: f64,
}

/// What the reports of another provider mean at the place and time of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// Id of the other provider.
    pub provider: String,
    /// What they mean.
    pub verdict: Verdict,
    /// Over which window before this was known.
    pub minutes: i64,
    /// Its reports.
    pub observed: f64,
    /// What was to be expected on a quiet day; none in the public form, as all that follows.
    pub expected: Option<f64>,
    /// What was to be expected of a healthy carrier beside this incident.
    pub expected_beside: Option<f64>,
    /// Its excess as a share of the excess of the failing network.
    pub share: Option<f64>,
    /// How surprising its reports are, even beside this incident.
    pub score: Option<f64>,
}

/// What the reports of another provider mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is blamed for the failing network.
    Collateral,
    /// It fails too, by itself: this incident does not explain its reports.
    Own,
    /// It depends on the failing network, and fails with it.
    Dependent,
}

word_enum! {
    Verdict:
    Collateral = "collateral",
    Own = "own",
    Dependent = "dependent",
}

/// The neighbour that may explain reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Victim {
    /// What is counted of it, in the same place and window.
    pub count: Count,
    /// Its size beside that of the other provider: how many reports of it are expected
    /// everywhere, for each of the other's.
    pub size: f64,
}

/// What reports are beside a neighbour that fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// What is to be expected of a healthy carrier.
    pub expected: f64,
    /// Its excess as a share of the neighbour's.
    pub share: f64,
    /// How surprising its reports are even so.
    pub score: f64,
}

/// What so many reports, scattered so much, are beside a neighbour that fails. None where
/// the neighbour's excess is too small to explain any.
#[must_use]
pub fn beside(own: Count, dispersion: f64, victim: &Victim) -> Option<Beside> {
    let (excess, of_victim) =
        (own.observed - own.expected, victim.count.observed - victim.count.expected);
    if of_victim < LEAST_EXCESS || of_victim < LEAST_MULTIPLE * excess {
        return None;
    }
    let part = (1.0 / victim.size.max(1e-9)).clamp(LEAST_PART, 1.0);
    let expected = own.expected + MOST_SHARE * part * of_victim;
    Some(Beside {
        expected,
        share: excess / of_victim,
        score: score(own.observed, expected, dispersion.max(DISPERSION)),
    })
}
