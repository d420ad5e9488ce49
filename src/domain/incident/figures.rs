//! How grave an incident is, by the yardsticks that regulators use: how long, how large,
//! how many.

use crate::domain::symptom::Symptom;
use crate::domain::time::Timestamp;

/// Counts and sizes of an incident. Of reports, those observed in its cells between its
/// onset and its end, of all its brands, the late ones included; some of them would have
/// come without it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Reports of problems.
    pub reports: u64,
    /// Reports that were to be expected without it; none where that is not known.
    pub expected: Option<f64>,
    /// What was reported, most first.
    pub symptoms: Vec<(Symptom, u64)>,
    /// When the first failed emergency call was observed; none where nobody reported one, or
    /// where that is not told.
    pub emergency_since: Option<Timestamp>,
    /// When most was reported in a minute.
    pub peak: Option<Peak>,
    /// Square kilometres of its cells. Cells of coarse reports are large: an upper bound.
    pub area_km2: f64,
    /// Users that are touched at most: subscribers of its brands times the share of
    /// reports that its cells bring on any day. None where no brand's subscribers are
    /// known.
    pub users: Option<f64>,
}

/// The minute with the most reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Its beginning.
    pub at: Timestamp,
    /// Reports in it.
    pub reports: u64,
}

/// Reports of emergency calls that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emergency {
    /// How many. At least one.
    pub reports: u64,
    /// When the first was observed; none where that is not told.
    pub since: Option<Timestamp>,
}

impl Figures {
    /// What was reported of emergency calls; none where nothing was.
    #[must_use]
    pub fn emergency(&self) -> Option<Emergency> {
        let is_it = |(symptom, _): &&(Symptom, u64)| *symptom == Symptom::NoEmergencyCalls;
        let (_, reports) = self.symptoms.iter().find(is_it)?;
        (*reports > 0).then_some(Emergency { reports: *reports, since: self.emergency_since })
    }

    /// Users times minutes, as the FCC counts an outage (47 CFR 4.7: mean users affected
    /// times its duration), at most.
    #[must_use]
    pub fn user_minutes(&self, duration_ms: i64) -> Option<f64> {
        self.users.map(|users| users * duration_ms as f64 / 60_000.0)
    }
}
