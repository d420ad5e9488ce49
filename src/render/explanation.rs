//! Why a cell is flagged or not, as clients see it: every number that the score is made
//! of (docs/detection.md).

use super::cell::Hex;
use super::evidence::EvidenceJson;
use super::time::rfc3339;
use crate::domain::detect::explain::{Explanation, ExposedHour, Late, Origin, Threshold, Usual};
use crate::domain::detect::others::Heard;
use crate::domain::detect::{Bursting, Corrected, Flood, Scatter};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a cell is flagged or not: the zone that decides about it now, and every number of
/// its score.
///
/// `score` is -log10 of the probability that a negative binomial variable of mean
/// `expected` and variance `expected + dispersion * expected^2` is `observed` or more.
/// Let `ratio` be `control_series.ratio * rest_of_map.ratio` (1 for each that is null)
/// and `all` be `ratio * uncorrected + offset`. Then `uncorrected` is the sum over parts
/// of the day of share times `expected_by_day_part`. `expected` is `all`; for late
/// reports alone it is `all * late_reports.share + late_reports.offset`. `dispersion` is
/// `dispersion_estimate.clamped + dispersion_estimate.mean_dispersion +
/// rest_of_map.dispersion + clumping.extra_per_report / all`; for late reports alone it
/// is at least `late_reports.min_dispersion`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Explanation)]
pub struct ExplanationJson {
    /// The zone that decides.
    pub evidence: EvidenceJson,
    /// How the observed count was capped, so that one point source cannot open an
    /// incident.
    pub point_source_cap: PointSourceCapJson,
    /// What the expected count is made of.
    pub expectation: ExpectationJson,
    /// What the dispersion is made of, apart from `expectation.rest_of_map.dispersion`
    /// and `clumping`.
    pub dispersion_estimate: DispersionEstimateJson,
    /// How the provider's reports clump: several reports of one event.
    pub clumping: ClumpingJson,
    /// A zone with fewer reporters or reports than this, or a lower ratio, is not scored.
    pub minimum_evidence: MinimumEvidenceJson,
    /// The score that opens an incident.
    pub threshold: ThresholdJson,
    /// An incident that is over explains the reports of the cell before this minute: no
    /// window counts them. Null where there is none.
    #[schema(required = true, format = DateTime)]
    pub explained_until: Option<String>,
    /// Whether the provider's history is too short: only a plain outage opens an
    /// incident.
    pub cold_start: bool,
    /// Length of the provider's known history in weeks.
    #[schema(examples(3.0))]
    pub history_weeks: f64,
}

/// How a count is capped: `observed = reports - max(0, point_source - cap)`, with `cap =
/// cap_base + cap_per_excess * excess_elsewhere`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PointSourceCap)]
pub struct PointSourceCapJson {
    /// Reports before the cap.
    pub reports: f64,
    /// Reporters whose first report of their day is among them.
    pub distinct_reporters: u32,
    /// Reports of the strongest point source in the zone.
    pub point_source: f64,
    /// Reports outside the point source beyond the expected count.
    pub excess_elsewhere: f64,
    /// The point source counts for at most this.
    pub cap: f64,
    /// Reports that count.
    pub observed: f64,
    /// The cap where nothing is in excess elsewhere.
    pub cap_base: f64,
    /// Increase of the cap for each report in excess elsewhere.
    pub cap_per_excess: f64,
}

/// What was expected.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Expectation)]
pub struct ExpectationJson {
    /// Cells of the zone with reports of the provider in its history. Each has its share
    /// of the provider's reports in each of the six parts of the day (four hours each,
    /// UTC). Empty where the zone is global: its share is one.
    pub cells: Vec<CellShares>,
    /// Cells of the zone without any report in the provider's history.
    pub unobserved_cells: UnobservedCellsJson,
    /// The hours of the window, newest first.
    pub hours: Vec<ExpectedHourJson>,
    /// Expected reports of the provider in all cells in the window, by part of the day:
    /// the sum of `hours`.
    pub expected_by_day_part: Vec<f64>,
    /// Sum over parts of the day of share times `expected_by_day_part`.
    pub uncorrected: f64,
    /// Correction by the provider's reports outside the zone; null where the zone is
    /// global.
    #[schema(required = true)]
    pub rest_of_map: Option<RestOfMapJson>,
    /// Correction by other providers in the same zone. Null where there are no control
    /// series: in windows above 90 minutes, in zones of cells coarser than resolution 5,
    /// and where no other provider has enough history.
    #[schema(required = true)]
    pub control_series: Option<ControlSeriesJson>,
    /// Constant that is added to the expected count.
    pub offset: f64,
    /// Where only late reports were counted; else null.
    #[schema(required = true)]
    pub late_reports: Option<LateReportsJson>,
}

/// A cell and its share of the provider's reports in each part of the day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CellShares {
    /// The cell.
    pub cell: Hex,
    /// Its share in each of the six parts of the day.
    pub shares: Vec<f64>,
}

/// Cells without any report in the provider's history.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = UnobservedCells)]
pub struct UnobservedCellsJson {
    /// Number of such cells in the zone.
    pub count: usize,
    /// The share of each one, in every part of the day.
    pub share: f64,
}

/// Minutes of one hour in the window: `expected = daily_factor * baseline`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ExpectedHour)]
pub struct ExpectedHourJson {
    /// Its beginning.
    #[schema(format = DateTime)]
    pub hour: String,
    /// Its part of the day, 0 to 5.
    pub day_part: usize,
    /// Minutes of it in the window.
    pub minutes: u32,
    /// Those of them in which this service ran.
    pub uptime_minutes: u32,
    /// Reports in those minutes by the weekly baseline.
    pub baseline: f64,
    /// Ratio of the last day's reports to their baseline.
    pub daily_factor: f64,
    /// Expected reports.
    pub expected: f64,
}

/// Correction by the provider's reports outside the zone: `ratio = clamp((observed +
/// prior_weight) / (expected + prior_weight), range)`, `dispersion = 1 / (expected +
/// prior_weight)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RestOfMap)]
pub struct RestOfMapJson {
    /// Reports outside the zone.
    pub observed: f64,
    /// Expected reports outside the zone.
    pub expected: f64,
    /// Weight of the prior that the ratio is one, in reports.
    pub prior_weight: f64,
    /// Lower and upper bound of the ratio.
    #[schema(value_type = Vec<f64>, min_items = 2, max_items = 2)]
    pub range: (f64, f64),
    /// The expected count is multiplied by this.
    pub ratio: f64,
    /// Dispersion from not knowing the ratio better.
    pub dispersion: f64,
}

/// Correction by other providers in the same zone over the last hour, without those that
/// fail together with this one: `ratio = clamp((observed + prior_weight) / (expected +
/// prior_weight), range)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ControlSeries)]
pub struct ControlSeriesJson {
    /// Reports of the control series in the zone.
    pub observed: f64,
    /// Their expected reports, each corrected by the rest of its own map.
    pub expected: f64,
    /// Weight of the prior that the ratio is one, in reports.
    pub prior_weight: f64,
    /// Lower and upper bound of the ratio.
    #[schema(value_type = Vec<f64>, min_items = 2, max_items = 2)]
    pub range: (f64, f64),
    /// The expected count is multiplied by this.
    pub ratio: f64,
}

/// Late reports alone: the expected count becomes `expected * share + offset`, the
/// dispersion at least `min_dispersion`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LateReports)]
pub struct LateReportsJson {
    /// The share of reports that arrive late.
    pub share: f64,
    /// Constant that is added to the expected count.
    pub offset: f64,
    /// Lower bound of the dispersion.
    pub min_dispersion: f64,
}

/// Dispersion as it was learnt: `clamped = clamp((excess_variance + prior_weight * prior)
/// / (squared_mean + prior_weight), range)`, `mean_dispersion = 1 / (mean_reports +
/// mean_prior)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DispersionEstimate)]
pub struct DispersionEstimateJson {
    /// Sum over learnt hours of `(count - mean)^2` less the variance of chance.
    pub excess_variance: f64,
    /// Sum over learnt hours of `mean^2`.
    pub squared_mean: f64,
    /// Dispersion before anything is learnt.
    pub prior: f64,
    /// Weight of that prior, as a sum of squared means.
    pub prior_weight: f64,
    /// Lower and upper bound of the estimate.
    #[schema(value_type = Vec<f64>, min_items = 2, max_items = 2)]
    pub range: (f64, f64),
    /// The estimate, clamped to the range.
    pub clamped: f64,
    /// Reports that the zone's share was learnt from; null where the zone is global.
    #[schema(required = true)]
    pub mean_reports: Option<f64>,
    /// Reports that are added to them.
    pub mean_prior: f64,
    /// Dispersion from not knowing the zone's share better.
    pub mean_dispersion: f64,
}

/// Clumping, a compound Poisson process: each report brings `extra_per_report` more of
/// the same event. `extra_per_report = shrinkage * max(0, excess_variance / (mean_sum +
/// prior_weight) - ordinary)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Clumping)]
pub struct ClumpingJson {
    /// Sum of `(count - mean)^2 - count` over hours of the provider's cells of resolution
    /// 7 with a small expected count.
    pub excess_variance: f64,
    /// Sum of the means over them.
    pub mean_sum: f64,
    /// Weight of the prior that reports do not clump, in expected reports.
    pub prior_weight: f64,
    /// The part of the quotient that small differences between hours explain.
    pub ordinary: f64,
    /// The remainder is multiplied by this.
    pub shrinkage: f64,
    /// Extra reports for each one.
    pub extra_per_report: f64,
}

/// What a zone needs to be scored.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = MinimumEvidence)]
pub struct MinimumEvidenceJson {
    /// Reporters whose first report of their day is in it.
    pub distinct_reporters: f64,
    /// Reports.
    pub reports: f64,
    /// Observed reports must exceed the expected ones by this factor.
    pub ratio: f64,
}

/// The score that opens an incident in a zone.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Threshold)]
pub struct ThresholdJson {
    /// The score from which a zone opens an incident.
    pub score_threshold: f64,
    /// A zone that belongs to an incident may score lower by this much.
    pub growth_margin: f64,
    /// Expected counts of the kind of zone that the threshold is for, from and up to; the
    /// last kind has no upper end. Null where the kind is late reports alone.
    #[schema(
        required = true, value_type = Option<Vec<Option<f64>>>, min_items = 2, max_items = 2
    )]
    pub expected_range: Option<(f64, Option<f64>)>,
    /// Where it comes from.
    pub origin: OriginWord,
    /// Number of quiet days in the calibration; null where the provider is cold.
    #[schema(required = true)]
    pub quiet_days: Option<usize>,
    /// The calibration, where `origin` is `calibrated`.
    #[schema(required = true)]
    pub calibration: Option<CalibrationJson>,
}

/// Peaks over a level in the highest scores of quiet days. With `mean = (excess_sum +
/// prior_mean * prior_peaks) / (peaks + prior_peaks)` and `rate = (peaks + 0.5) /
/// (quiet_days + 1)`, `score_threshold` is `peak_level + mean * ln(7 * rate /
/// false_alarms_per_week)`, clamped to the range.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Calibration)]
pub struct CalibrationJson {
    /// Scores above it are peaks.
    pub peak_level: f64,
    /// Quiet days with a peak.
    pub peaks: f64,
    /// Sum of the peaks' excesses over the level.
    pub excess_sum: f64,
    /// Mean excess where the model is right.
    pub prior_mean: f64,
    /// Weight of that mean, in peaks.
    pub prior_peaks: f64,
    /// The wanted number of false alarms in a week.
    pub false_alarms_per_week: f64,
    /// Lower and upper bound of the threshold.
    #[schema(value_type = Vec<f64>, min_items = 2, max_items = 2)]
    pub range: (f64, f64),
}

/// Where a threshold comes from.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ThresholdOrigin)]
#[serde(rename_all = "snake_case")]
pub enum OriginWord {
    /// The provider's history is too short: a fixed, high score.
    Cold,
    /// Too few quiet days are known: a fixed score.
    Uncalibrated,
    /// Chosen from the scores of quiet days.
    Calibrated,
}

impl From<&Explanation> for ExplanationJson {
    fn from(of: &Explanation) -> Self {
        Self {
            evidence: (&of.evidence).into(),
            point_source_cap: point_source_cap(&of.flood, of.flood_bound),
            expectation: (&of.usual).into(),
            dispersion_estimate: (&of.scatter).into(),
            clumping: (&of.bursts).into(),
            minimum_evidence: MinimumEvidenceJson {
                distinct_reporters: of.judged_from.people,
                reports: of.judged_from.reports,
                ratio: of.judged_from.ratio,
            },
            threshold: (&of.threshold).into(),
            explained_until: of.explained_until.map(|minute| rfc3339(minute.start())),
            cold_start: of.is_cold,
            history_weeks: of.weeks,
        }
    }
}

fn point_source_cap(of: &Flood, (cap_base, cap_per_excess): (f64, f64)) -> PointSourceCapJson {
    let Flood { counted, people, corner, elsewhere, most, observed, fullest: _ } = *of;
    PointSourceCapJson {
        reports: counted,
        distinct_reporters: people,
        point_source: corner,
        excess_elsewhere: elsewhere,
        cap: most,
        observed,
        cap_base,
        cap_per_excess,
    }
}

impl From<&Usual> for ExpectationJson {
    fn from(of: &Usual) -> Self {
        let shares = |(cell, shares): &(_, [f64; _])| CellShares {
            cell: Hex(*cell),
            shares: shares.to_vec(),
        };
        Self {
            cells: of.cells.iter().map(shares).collect(),
            unobserved_cells: UnobservedCellsJson { count: of.unheard.0, share: of.unheard.1 },
            hours: of.hours.iter().map(Into::into).collect(),
            expected_by_day_part: of.exposure.to_vec(),
            uncorrected: of.raw,
            rest_of_map: of.rest.map(|rest| rest_of_map(of, rest)),
            control_series: of.others.map(|heard| control_series(of, heard)),
            offset: of.least,
            late_reports: of.late.map(Into::into),
        }
    }
}

fn rest_of_map(of: &Usual, rest: Corrected) -> RestOfMapJson {
    RestOfMapJson {
        observed: rest.rest.0,
        expected: rest.rest.1,
        prior_weight: of.usual_weight,
        range: of.rest_range,
        ratio: rest.ratio,
        dispersion: rest.unsure,
    }
}

fn control_series(of: &Usual, heard: Heard) -> ControlSeriesJson {
    ControlSeriesJson {
        observed: heard.counted,
        expected: heard.expected,
        prior_weight: of.others_held.0,
        range: (1.0, of.others_held.1),
        ratio: heard.ratio,
    }
}

impl From<Late> for LateReportsJson {
    fn from(of: Late) -> Self {
        Self { share: of.share, offset: of.least, min_dispersion: of.dispersion }
    }
}

impl From<&ExposedHour> for ExpectedHourJson {
    fn from(of: &ExposedHour) -> Self {
        let ExposedHour { hour, part, minutes, live, usual, level, expected } = *of;
        Self {
            hour: rfc3339(hour.first_minute().start()),
            day_part: part,
            minutes,
            uptime_minutes: live,
            baseline: usual,
            daily_factor: level,
            expected,
        }
    }
}

impl From<&Scatter> for DispersionEstimateJson {
    fn from(of: &Scatter) -> Self {
        Self {
            excess_variance: of.excess,
            squared_mean: of.square,
            prior: of.prior,
            prior_weight: of.weight,
            range: of.range,
            clamped: of.held,
            mean_reports: of.learnt.is_finite().then_some(of.learnt),
            mean_prior: of.mean_prior,
            mean_dispersion: of.mean_unsure,
        }
    }
}

impl From<&Bursting> for ClumpingJson {
    fn from(of: &Bursting) -> Self {
        let Bursting { excess, mean, prior, usual, believed, each } = *of;
        Self {
            excess_variance: excess,
            mean_sum: mean,
            prior_weight: prior,
            ordinary: usual,
            shrinkage: believed,
            extra_per_report: each,
        }
    }
}

impl From<&Threshold> for ThresholdJson {
    fn from(of: &Threshold) -> Self {
        let (origin, quiet_days, calibration) = match &of.origin {
            Origin::Cold => (OriginWord::Cold, None, None),
            Origin::Untaught(days) => (OriginWord::Uncalibrated, Some(*days), None),
            Origin::Chosen(choice) => {
                let calibration = CalibrationJson {
                    peak_level: choice.level,
                    peaks: choice.peaks,
                    excess_sum: choice.excess,
                    prior_mean: choice.mean_prior.0,
                    prior_peaks: choice.mean_prior.1,
                    false_alarms_per_week: choice.wanted_a_week,
                    range: choice.range,
                };
                (OriginWord::Calibrated, Some(choice.days), Some(calibration))
            }
        };
        Self {
            score_threshold: of.opens_at,
            growth_margin: of.grows_below,
            expected_range: of.expected.map(|(from, to)| (from, to.is_finite().then_some(to))),
            origin,
            quiet_days,
            calibration,
        }
    }
}
