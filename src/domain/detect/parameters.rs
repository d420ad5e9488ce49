//! What the method leaves open: few numbers, fixed once for every provider and place. docs/detection.md says what each does.

/// Numbers of the method. Everything else follows from the facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// False alarms that are wanted of one provider in a week, for each kind of zone. Decides the score that opens an episode.
    pub false_alarms_a_week: f64,
    /// The least and the greatest score that may open an episode, whatever quiet days say.
    pub opens_at: (f64, f64),
    /// The score that opens an episode while too few quiet days are known.
    pub opens_untaught_at: f64,
    /// The score that opens an episode of a provider with less than [`Self::cold_weeks`] of history.
    pub opens_cold_at: f64,
    /// How far below the score that opens one a zone may fall and still belong to an episode.
    pub grows_below: f64,
    /// Minutes for which zones must have been as near as that, before they open an episode without ever scoring higher.
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
    /// Expected reports that "the provider does as usual" weighs as much as, against what the rest of the map shows.
    pub usual_weight: f64,
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
    /// A cell belongs to an episode where it has more than this share of the ratio at which it is as likely inside as outside.
    pub names_at: f64,
    /// Reports that should have come during a silence before it is taken for the end.
    pub silence_reports: f64,
    /// The least length of that silence, in minutes.
    pub silence_minutes: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            false_alarms_a_week: 0.02,
            opens_at: (5.4, 6.8),
            opens_untaught_at: 6.5,
            opens_cold_at: 7.5,
            grows_below: 1.5,
            smoulders_minutes: 90,
            people: 3.0,
            late_reports: 4.0,
            dispersion: 0.05,
            dispersion_cold: 0.3,
            dispersion_weight: 25.0,
            usual_weight: 80.0,
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
