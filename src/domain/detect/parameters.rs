//! What the method leaves open: few numbers, fixed once for every provider and place.
//! docs/detection.md says what each does.

use sha2::{Digest, Sha256};

/// Numbers of the method. Everything else follows from the facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// False alarms that are wanted of one provider in a week, for each kind of zone.
    /// Decides the score that opens an episode.
    pub false_alarms_a_week: f64,
    /// The least and the greatest score that may open an episode, whatever quiet days
    /// say.
    pub opens_at: (f64, f64),
    /// The least where other providers were asked of the zone: what they would have heard
    /// too is not taken for an outage.
    pub opens_asked_at: f64,
    /// Reports a day up to which the greatest of these, and the next, are enough; with
    /// ten times as many they are one higher.
    pub bounds_reports_a_day: f64,
    /// The score that opens an episode while too few quiet days are known.
    pub opens_untaught_at: f64,
    /// The score that opens an episode of a provider with less than [`Self::cold_weeks`]
    /// of history.
    pub opens_cold_at: f64,
    /// How far below the score that opens one a zone may fall and still belong to an
    /// episode.
    pub grows_below: f64,
    /// The score that what it holds beyond the episode must have, for the episode to grow
    /// over it.
    pub grows_at: f64,
    /// A region is one outage unless what is left in it is likelier as usual than failing
    /// by this (log10 of the likelihood ratio).
    pub as_usual_at: f64,
    /// Minutes for which zones must have been as near as that, before they open an
    /// episode without ever scoring higher.
    pub smoulders_minutes: i64,
    /// Distinct people, and reports, without whom there is no episode.
    pub people: f64,
    /// Late reports without which a zone is not judged by them alone.
    pub late_reports: f64,
    /// Dispersion of a zone of which nothing is known.
    pub dispersion: f64,
    /// The same, where the provider is cold.
    pub dispersion_cold: f64,
    /// What these weigh against what was learnt, as a sum of squared means.
    pub dispersion_weight: f64,
    /// Reports that each one brings in any map's quiet hours, as if events brought
    /// several: what is above it are bursts.
    pub bursts_usual: f64,
    /// So many reports at most are counted of what a place brings in an hour: more are an
    /// outage, or a corner that is bounded anyway.
    pub bursts_held: f64,
    /// Which part of them is believed: the bound of the fullest corner takes the rest.
    pub bursts_believed: f64,
    /// Expected reports that "the provider does as usual" weighs as much as, against what
    /// the rest of the map shows.
    pub usual_weight: f64,
    /// Expected reports that "the place is as usual" weighs as much as, against what
    /// other providers hear of it.
    pub others_weight: f64,
    /// How many times as many as else they may say at most that are to be expected.
    pub others_at_most: f64,
    /// Reports that no zone and window is expected to stay below.
    pub least_expected: f64,
    /// The same for late reports alone.
    pub least_expected_late: f64,
    /// The least dispersion of late reports: they come in bursts.
    pub dispersion_late: f64,
    /// What one spot may add beyond what lies elsewhere in the zone.
    pub spot_bound: f64,
    /// Weeks of history below which a provider is cold.
    pub cold_weeks: f64,
    /// Hours of history below which nothing is told of it at all.
    pub silent_hours: f64,
    /// A cell belongs to an episode where it has more than this share of the ratio at
    /// which it is as likely inside as outside.
    pub names_at: f64,
    /// Reports that should have come during a silence before it is taken for the end.
    pub silence_reports: f64,
    /// The least length of that silence, in minutes.
    pub silence_minutes: f64,
}

impl Parameters {
    /// A number that is the same wherever all of these are, and another one wherever any
    /// differs.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        // Every field by its name: one that is added must be added here.
        let Self {
            false_alarms_a_week,
            opens_at,
            opens_asked_at,
            bounds_reports_a_day,
            opens_untaught_at,
            opens_cold_at,
            grows_below,
            grows_at,
            as_usual_at,
            smoulders_minutes,
            people,
            late_reports,
            dispersion,
            dispersion_cold,
            dispersion_weight,
            bursts_usual,
            bursts_held,
            bursts_believed,
            usual_weight,
            others_weight,
            others_at_most,
            least_expected,
            least_expected_late,
            dispersion_late,
            spot_bound,
            cold_weeks,
            silent_hours,
            names_at,
            silence_reports,
            silence_minutes,
        } = *self;
        let numbers = [
            false_alarms_a_week,
            opens_at.0,
            opens_at.1,
            opens_asked_at,
            bounds_reports_a_day,
            opens_untaught_at,
            opens_cold_at,
            grows_below,
            grows_at,
            as_usual_at,
            smoulders_minutes as f64,
            people,
            late_reports,
            dispersion,
            dispersion_cold,
            dispersion_weight,
            bursts_usual,
            bursts_held,
            bursts_believed,
            usual_weight,
            others_weight,
            others_at_most,
            least_expected,
            least_expected_late,
            dispersion_late,
            spot_bound,
            cold_weeks,
            silent_hours,
            names_at,
            silence_reports,
            silence_minutes,
        ];
        let mut hash = Sha256::new();
        for number in numbers {
            hash.update(number.to_be_bytes());
        }
        let digest = <[u8; 32]>::from(hash.finalize());
        u64::from_be_bytes(*digest.first_chunk().expect("a digest has 32 bytes"))
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            false_alarms_a_week: 0.02,
            opens_at: (5.4, 6.8),
            opens_asked_at: 5.2,
            bounds_reports_a_day: 1_000.0,
            opens_untaught_at: 6.5,
            opens_cold_at: 7.5,
            grows_below: 1.5,
            grows_at: 1.5,
            as_usual_at: 0.5,
            smoulders_minutes: 90,
            people: 3.0,
            late_reports: 4.0,
            dispersion: 0.05,
            dispersion_cold: 0.3,
            dispersion_weight: 25.0,
            bursts_usual: 0.08,
            bursts_held: 4.0,
            bursts_believed: 0.5,
            usual_weight: 80.0,
            others_weight: 8.0,
            others_at_most: 1.5,
            least_expected: 0.02,
            least_expected_late: 0.01,
            dispersion_late: 0.3,
            spot_bound: 2.0,
            cold_weeks: 0.7,
            silent_hours: 3.0,
            names_at: 0.5,
            silence_reports: 4.0,
            silence_minutes: 15.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_stays_and_is_another_one_where_a_number_differs() {
        let usual = Parameters::default();
        assert_eq!(usual.fingerprint(), 0x179d_4052_2620_326d);
        let others = [
            Parameters { false_alarms_a_week: 0.021, ..usual.clone() },
            Parameters { opens_at: (5.4, 6.9), ..usual.clone() },
            Parameters { smoulders_minutes: 91, ..usual.clone() },
            Parameters { silence_minutes: 16.0, ..usual.clone() },
        ];
        assert!(others.iter().all(|other| other.fingerprint() != usual.fingerprint()));
    }
}
