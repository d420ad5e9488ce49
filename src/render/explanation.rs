//! Why a cell is judged as it is, as clients see it: every number that the score is made
//! of (docs/detection.md, section 10).

use super::cell::Hex;
use super::evidence::EvidenceJson;
use super::time::rfc3339;
use crate::domain::detect::explain::{Explanation, ExposedHour, Late, Origin, Threshold, Usual};
use crate::domain::detect::others::Heard;
use crate::domain::detect::{Bursting, Corrected, Flood, Scatter};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a cell is judged as it is: the zone that decides about it now, and every number of
/// its score.
///
/// `score` is -log10 of the probability that a negative binomial variable of mean
/// `expected` and variance `expected + dispersion * expected^2` is `observed` or more. Of
/// the others: `raw` is the sum over parts of the day of share times exposure; `expected`
/// is `others.ratio * rest.ratio * raw + least`, and for late reports alone
/// `(others.ratio * rest.ratio * raw + least) * late.share + late.least`; `dispersion` is
/// `scatter.held + scatter.mean_unsure + rest.unsure + bursts.each / (others.ratio *
/// rest.ratio * raw + least)`. Where `rest` or `others` is null, its ratio is 1.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExplanationJson {
    /// The zone that decides.
    pub evidence: EvidenceJson,
    /// From what the observed count was bounded, lest one street corner make an incident.
    pub flood: FloodJson,
    /// What the expected count is made of.
    pub usual: UsualJson,
    /// What the dispersion is made of, but for `usual.rest.unsure` and bursts.
    pub scatter: ScatterJson,
    /// How the provider's reports come in bursts.
    pub bursts: BurstsJson,
    /// Fewer people or reports than this, or a lower ratio, are not judged at all.
    pub judged_from: JudgedFromJson,
    /// Which score is enough.
    pub threshold: ThresholdJson,
    /// Reports of the cell before this minute are explained by an incident that is over,
    /// and are counted in no window; null where none is.
    #[schema(required = true, format = DateTime)]
    pub explained_until: Option<String>,
    /// Whether too little is known of the provider to be sure of anything but the
    /// plainest outage.
    pub is_cold: bool,
    /// How much of the provider's history is known, in weeks.
    #[schema(examples(3.0))]
    pub weeks: f64,
}

/// How a count is bounded: `observed = counted - max(0, corner - most)`, with `most =
/// base + each * elsewhere`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FloodJson {
    /// Reports before they are bounded.
    pub counted: f64,
    /// People whose first report of their day is among them.
    pub people: u32,
    /// Reports at the fullest street corner.
    pub corner: f64,
    /// How many of the others are too many.
    pub elsewhere: f64,
    /// What the corner may add at most.
    pub most: f64,
    /// Reports that count.
    pub observed: f64,
    /// What the corner may add whatever lies elsewhere.
    pub base: f64,
    /// And for each report that is too many elsewhere.
    pub each: f64,
}

/// What was to be expected.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UsualJson {
    /// Cells of the zone in which the provider was heard of, with the share of its
    /// reports that each has in each of the six parts of the day (four hours each, UTC).
    /// None where the zone is everywhere: its share is one.
    pub cells: Vec<CellShares>,
    /// Cells of the zone in which it was never heard of, and the share of each.
    pub unheard: Unheard,
    /// The hours of the window, the newest first.
    pub hours: Vec<HourJson>,
    /// Reports expected of everywhere in the window, by part of the day: the sum of these
    /// hours.
    pub exposure: Vec<f64>,
    /// Sum over parts of the day of share times exposure.
    pub raw: f64,
    /// What the rest of the map says; null where the zone is everywhere.
    #[schema(required = true)]
    pub rest: Option<RestJson>,
    /// What other providers hear of the same zone; null where nobody is asked: in windows
    /// above 90 minutes, of zones of cells coarser than resolution 5, and where no other
    /// provider is known well enough.
    #[schema(required = true)]
    pub others: Option<OthersJson>,
    /// Added to what is expected.
    pub least: f64,
    /// Where late reports alone were counted; else null.
    #[schema(required = true)]
    pub late: Option<LateJson>,
}

/// A cell and its share of the provider's reports in each part of the day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CellShares {
    /// Which.
    pub cell: Hex,
    /// Its shares.
    pub shares: Vec<f64>,
}

/// Cells that nobody was ever heard of in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Unheard {
    /// How many.
    pub cells: usize,
    /// The share of each, in every part of the day.
    pub share: f64,
}

/// Minutes of one hour in the window: `expected = level * usual`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HourJson {
    /// Its beginning.
    #[schema(format = DateTime)]
    pub hour: String,
    /// The part of the day it lies in, 0 to 5.
    pub part: usize,
    /// Minutes of it in the window.
    pub minutes: u32,
    /// Those in which somebody was here to take reports.
    pub live: u32,
    /// Reports usual in those.
    pub usual: f64,
    /// How the days before compared with that.
    pub level: f64,
    /// Reports expected.
    pub expected: f64,
}

/// What the rest of the map says: `ratio = clamp((counted + usual_weight) / (expected +
/// usual_weight), range)`, `unsure = 1 / (expected + usual_weight)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RestJson {
    /// Reports counted outside the zone.
    pub counted: f64,
    /// Reports expected there.
    pub expected: f64,
    /// As how many reports "as usual" weighs.
    pub usual_weight: f64,
    /// The bounds of the ratio.
    pub range: (f64, f64),
    /// By how much the rest says that this is more than usual.
    pub ratio: f64,
    /// The dispersion that comes of not knowing that better.
    pub unsure: f64,
}

/// What other providers hear of the same zone in the last hour, all together but for
/// those that fail with this one (brands of its network, and who depends on whom): `ratio
/// = clamp((counted + weight) / (expected + weight), range)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OthersJson {
    /// Their reports.
    pub counted: f64,
    /// Those that were to be expected, by what each hears of the rest of the map.
    pub expected: f64,
    /// As how many expected reports "the place is as usual" weighs.
    pub weight: f64,
    /// The bounds of the ratio.
    pub range: (f64, f64),
    /// By how much they say that more than usual is to be expected of a provider there.
    pub ratio: f64,
}

/// Late reports alone: `expected = e * share + least`, `dispersion = max(a, dispersion)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LateJson {
    /// The share of reports that come late.
    pub share: f64,
    /// Added to what is expected.
    pub least: f64,
    /// Their dispersion is at least this.
    pub dispersion: f64,
}

/// `held = clamp((excess + weight * prior) / (square + weight), range)`, `mean_unsure = 1
/// / (learnt + mean_prior)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScatterJson {
    /// Sum of `(count - mean)^2 - variance by chance` over what was learnt.
    pub excess: f64,
    /// Sum of `mean^2` over it.
    pub square: f64,
    /// The dispersion that is believed before anything is known.
    pub prior: f64,
    /// What that weighs.
    pub weight: f64,
    /// What is ever believed.
    pub range: (f64, f64),
    /// What is held.
    pub held: f64,
    /// Reports that the zone's share rests on; null where it is everywhere, whose share
    /// is known.
    #[schema(required = true)]
    pub learnt: Option<f64>,
    /// So many reports more.
    pub mean_prior: f64,
    /// The dispersion of not knowing the share better.
    pub mean_unsure: f64,
}

/// How many more reports each one brings, of the same event: `each = believed * max(0,
/// excess / (mean + prior) - usual)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BurstsJson {
    /// Sum of `(count - mean)^2 - mean` over hours of the provider's cells of resolution
    /// 7 in which little is expected.
    pub excess: f64,
    /// Sum of `mean` over them.
    pub mean: f64,
    /// Expected reports more than that, which brought none.
    pub prior: f64,
    /// What is taken for small differences between hours.
    pub usual: f64,
    /// Which part of the rest is believed.
    pub believed: f64,
    /// What is believed.
    pub each: f64,
}

/// What a zone needs to be judged at all.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JudgedFromJson {
    /// People whose first report of their day is in it.
    pub people: f64,
    /// Reports.
    pub reports: f64,
    /// Observed must be above so many times expected.
    pub ratio: f64,
}

/// The score that opens an incident in a zone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThresholdJson {
    /// It.
    pub opens_at: f64,
    /// How much lower a zone may score that belongs to an incident.
    pub grows_below: f64,
    /// Zones of its kind have expected counts in this range; null where it is the kind of
    /// late reports alone. The last range has no upper end.
    #[schema(required = true)]
    pub expected: Option<(f64, Option<f64>)>,
    /// Where it comes from: `cold`, `untaught`, `chosen`.
    pub origin: OriginWord,
    /// Quiet days that are remembered; null where the provider is cold.
    #[schema(required = true)]
    pub quiet_days: Option<usize>,
    /// Those of them with a score above `level`, and by how much, where it was chosen
    /// from them.
    #[schema(required = true)]
    pub chosen_from: Option<PeaksJson>,
}

/// Highest scores of quiet days: `opens_at = level + mean * ln(((peaks + 0.5) / (days +
/// 1)) / (wanted_a_week / 7))`, held in the range, with `mean = (excess + prior_mean *
/// prior_peaks) / (peaks + prior_peaks)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PeaksJson {
    /// Scores above it are counted.
    pub level: f64,
    /// Days with one.
    pub peaks: f64,
    /// By how much they exceed the level, together.
    pub excess: f64,
    /// Mean excess of a right model.
    pub prior_mean: f64,
    /// As how many peaks that weighs.
    pub prior_peaks: f64,
    /// False alarms that are wanted in a week.
    pub wanted_a_week: f64,
    /// The least and the greatest score that may open an incident.
    pub range: (f64, f64),
}

/// Where a threshold comes from.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginWord {
    /// Too little is known of the provider.
    Cold,
    /// Too few quiet days are known.
    Untaught,
    /// Chosen from the scores of quiet days.
    Chosen,
}

impl From<&Explanation> for ExplanationJson {
    fn from(of: &Explanation) -> Self {
        Self {
            evidence: (&of.evidence).into(),
            flood: flood(&of.flood, of.flood_bound),
            usual: (&of.usual).into(),
            scatter: (&of.scatter).into(),
            bursts: (&of.bursts).into(),
            judged_from: JudgedFromJson {
                people: of.judged_from.people,
                reports: of.judged_from.reports,
                ratio: of.judged_from.ratio,
            },
            threshold: (&of.threshold).into(),
            explained_until: of.explained_until.map(|minute| rfc3339(minute.start())),
            is_cold: of.is_cold,
            weeks: of.weeks,
        }
    }
}

fn flood(of: &Flood, (base, each): (f64, f64)) -> FloodJson {
    let Flood { counted, people, corner, elsewhere, most, observed, fullest: _ } = *of;
    FloodJson { counted, people, corner, elsewhere, most, observed, base, each }
}

impl From<&Usual> for UsualJson {
    fn from(of: &Usual) -> Self {
        let rest = |rest: Corrected| RestJson {
            counted: rest.rest.0,
            expected: rest.rest.1,
            usual_weight: of.usual_weight,
            range: of.rest_range,
            ratio: rest.ratio,
            unsure: rest.unsure,
        };
        let others = |heard: Heard| OthersJson {
            counted: heard.counted,
            expected: heard.expected,
            weight: of.others_held.0,
            range: (1.0, of.others_held.1),
            ratio: heard.ratio,
        };
        let late = |late: Late| LateJson {
            share: late.share,
            least: late.least,
            dispersion: late.dispersion,
        };
        Self {
            cells: of
                .cells
                .iter()
                .map(|(cell, shares)| CellShares { cell: Hex(*cell), shares: shares.to_vec() })
                .collect(),
            unheard: Unheard { cells: of.unheard.0, share: of.unheard.1 },
            hours: of.hours.iter().map(Into::into).collect(),
            exposure: of.exposure.to_vec(),
            raw: of.raw,
            rest: of.rest.map(rest),
            others: of.others.map(others),
            least: of.least,
            late: of.late.map(late),
        }
    }
}

impl From<&ExposedHour> for HourJson {
    fn from(of: &ExposedHour) -> Self {
        let ExposedHour { hour, part, minutes, live, usual, level, expected } = *of;
        Self {
            hour: rfc3339(hour.first_minute().start()),
            part,
            minutes,
            live,
            usual,
            level,
            expected,
        }
    }
}

impl From<&Scatter> for ScatterJson {
    fn from(of: &Scatter) -> Self {
        let Scatter { excess, square, prior, weight, range, held, learnt, mean_prior, mean_unsure } =
            *of;
        Self {
            excess,
            square,
            prior,
            weight,
            range,
            held,
            learnt: learnt.is_finite().then_some(learnt),
            mean_prior,
            mean_unsure,
        }
    }
}

impl From<&Bursting> for BurstsJson {
    fn from(of: &Bursting) -> Self {
        let Bursting { excess, mean, prior, usual, believed, each } = *of;
        Self { excess, mean, prior, usual, believed, each }
    }
}

impl From<&Threshold> for ThresholdJson {
    fn from(of: &Threshold) -> Self {
        let (origin, quiet_days, chosen_from) = match &of.origin {
            Origin::Cold => (OriginWord::Cold, None, None),
            Origin::Untaught(days) => (OriginWord::Untaught, Some(*days), None),
            Origin::Chosen(choice) => {
                let peaks = PeaksJson {
                    level: choice.level,
                    peaks: choice.peaks,
                    excess: choice.excess,
                    prior_mean: choice.mean_prior.0,
                    prior_peaks: choice.mean_prior.1,
                    wanted_a_week: choice.wanted_a_week,
                    range: choice.range,
                };
                (OriginWord::Chosen, Some(choice.days), Some(peaks))
            }
        };
        let expected = of.expected.map(|(from, to)| (from, to.is_finite().then_some(to)));
        Self {
            opens_at: of.opens_at,
            grows_below: of.grows_below,
            expected,
            origin,
            quiet_days,
            chosen_from,
        }
    }
}
