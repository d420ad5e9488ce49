//! What a detector saw and expected while a stream went by, thinned to a point every ten
//! minutes, so that it can be drawn.

use super::cells::Cells;
use super::set::{Set, Stream};
use super::truth::EVERY_PROVIDER;
use groundswell::domain::counts::Counts;
use groundswell::domain::detect::{Band, Detector};
use groundswell::domain::fact::{FactKey, Lane};
use groundswell::domain::grid::Cell;
use groundswell::domain::symptom::Symptoms;
use groundswell::domain::time::{Minute, Window};
use std::collections::BTreeMap;

/// How many minutes a point stands for.
pub const POINT_MINUTES: i64 = 10;

/// One provider's reports in one place, over the whole stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Whose.
    pub provider: String,
    /// Where; none where everything is watched, since nothing is known to happen in a
    /// certain place.
    pub cells: Option<Cells>,
    /// Score that opens an incident.
    pub threshold: f64,
    /// In order of time; a point that is missing was not looked at.
    pub points: Vec<Point>,
}

/// Ten minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The first of them.
    pub from: Minute,
    /// Reports that detection counts.
    pub count: u32,
    /// How many were to be expected, as judged at the end of the ten minutes; none while
    /// they last.
    pub expected: Option<Band>,
    /// The highest score of any zone of the provider, wherever it lies.
    pub score: f64,
}

/// Makes the traces of one stream, while its minutes go by.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// Places where something happens, and to whom.
    places: Vec<(String, Cells)>,
    threshold: f64,
    tracks: Vec<Track>,
}

/// A trace that is being made, its points by number: the minute of their start divided by
/// ten.
#[derive(Debug, Clone)]
struct Track {
    provider: String,
    cells: Option<Cells>,
    points: BTreeMap<i64, Point>,
}

impl Recorder {
    /// A recorder that knows in which places to look, and the score at which incidents
    /// open.
    #[must_use]
    pub fn new(set: &Set, stream: &Stream, threshold: f64) -> Self {
        let truths = || set.truths_of(stream).filter(|truth| truth.provider != EVERY_PROVIDER);
        let with_cells = truths().filter(|truth| truth.grain != Cells::default());
        let places =
            with_cells.map(|truth| (truth.provider.clone(), truth.grain.clone())).collect();
        let mut recorder = Self { places, threshold, tracks: Vec::new() };
        for provider in stream.providers.iter().chain(truths().map(|truth| &truth.provider)) {
            recorder.follow(provider);
        }
        recorder
    }

    /// Notes what a provider's detector says after its step at `now`, and the facts of a
    /// minute to which no more will come on time.
    ///
    /// The facts of a minute are given once; a minute without facts need not be given.
    pub fn see(
        &mut self,
        provider: &str,
        now: Minute,
        detector: &Detector,
        facts: Option<(Minute, &Counts)>,
    ) {
        self.follow(provider);
        for track in self.tracks.iter_mut().filter(|track| track.provider == provider) {
            if let Some((minute, counts)) = facts {
                let seen =
                    counts.rows().filter(|(key, _)| is_evidence(*key) && track.watches(key.cell()));
                let count = seen.map(|(_, tally)| tally.count).fold(0, u32::saturating_add);
                let point = track.point(minute);
                point.count = point.count.saturating_add(count);
            }
            // The step at the start of a minute judges those before it.
            let judged = now.plus(-1);
            let point = track.point(judged);
            point.score = point.score.max(detector.highest_score());
            let window = Window { from: point.from, to: point.from.plus(POINT_MINUTES) };
            if window.to == now {
                let expected = Some(detector.expected(&track.watched_cells(), window));
                track.point(judged).expected = expected;
            }
        }
    }

    /// The traces, in the order of the providers.
    #[must_use]
    pub fn traces(self) -> Vec<Trace> {
        let threshold = self.threshold;
        let trace = |track: Track| {
            let points = track.points.into_values().collect();
            Trace { provider: track.provider, cells: track.cells, threshold, points }
        };
        self.tracks.into_iter().map(trace).collect()
    }

    /// A track for each place where something happens to the provider, or one for
    /// everywhere.
    fn follow(&mut self, provider: &str) {
        if self.tracks.iter().any(|track| track.provider == provider) {
            return;
        }
        let mut cells: Vec<Option<Cells>> = Vec::new();
        for (_, place) in self.places.iter().filter(|(whose, _)| whose == provider) {
            // What happens twice in one place is one trace.
            if !cells.iter().flatten().any(|other| other == place) {
                cells.push(Some(place.clone()));
            }
        }
        if cells.is_empty() {
            cells.push(None);
        }
        let track = |cells| Track { provider: provider.to_owned(), cells, points: BTreeMap::new() };
        self.tracks.extend(cells.into_iter().map(track));
    }
}

impl Track {
    fn point(&mut self, minute: Minute) -> &mut Point {
        let number = minute.0.div_euclid(POINT_MINUTES);
        let empty =
            Point { from: Minute(number * POINT_MINUTES), count: 0, expected: None, score: 0.0 };
        self.points.entry(number).or_insert(empty)
    }

    fn watches(&self, cell: Cell) -> bool {
        self.cells.as_ref().is_none_or(|cells| cells.contains(cell))
    }

    fn watched_cells(&self) -> Vec<Cell> {
        self.cells
            .as_ref()
            .map_or_else(|| Cell::of_the_earth().collect(), |cells| cells.covering().to_vec())
    }
}

/// Whether detection counts it: a problem, in the minute in which it could first be
/// known.
fn is_evidence(key: FactKey) -> bool {
    matches!(key.lane(), Lane::OnTime | Lane::LateArrived)
        && Symptoms::AllProblems.include(key.symptom())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::Seconds;
    use crate::backtest::truth::{Expect, Truth};
    use groundswell::domain::detect::parameters::Parameters;
    use groundswell::domain::fact::{Source, Tally};
    use groundswell::domain::symptom::Symptom;

    const CELL: &str = "872a100d6ffffff";

    fn cell(text: &str) -> Cell {
        Cell::parse(text).unwrap()
    }

    fn set() -> (Set, Stream) {
        let (start, stop) = (Seconds(0.0), Seconds(7_200.0));
        let stream = Stream {
            scenario: "x-local-00".into(),
            family: "local".into(),
            start,
            stop,
            reports: None,
            history: None,
            providers: vec!["alpha".into(), "bravo".into()],
        };
        let truth = Truth {
            scenario: stream.scenario.clone(),
            family: "local".into(),
            provider: "alpha".into(),
            expect: Expect::Detect,
            onset: start,
            end: stop,
            last_report: stop,
            cells: vec![cell(CELL)],
            grain: [cell(CELL)].into_iter().collect(),
            received_s: vec![],
            reports_by_cell: vec![],
        };
        (Set { streams: vec![stream.clone()], truths: vec![truth], rises: vec![] }, stream)
    }

    fn facts(rows: &[(Cell, Symptom, Lane)]) -> Counts {
        let tally = Tally { count: 1, first: 1 };
        Counts::from_rows(
            rows.iter()
                .map(|(cell, symptom, lane)| {
                    (FactKey::new(*cell, *symptom, *lane, Source(0)), tally)
                })
                .collect(),
        )
    }

    #[test]
    fn a_trace_counts_the_evidence_in_the_cells_of_the_truth() {
        let (set, stream) = set();
        let mut recorder = Recorder::new(&set, &stream, 6.0);
        let detector = Detector::new(Parameters::default());
        let (inside, around) = (
            cell(CELL).descendants(groundswell::domain::grid::Resolution::FINEST).next().unwrap(),
            cell("862a100d7ffffff"),
        );
        let counts = facts(&[
            (inside, Symptom::NoService, Lane::OnTime),
            (inside, Symptom::NoData, Lane::LateArrived),
            (inside, Symptom::NoData, Lane::LateObserved),
            (inside, Symptom::Working, Lane::OnTime),
            (around, Symptom::NoService, Lane::OnTime),
            (cell("872a100d8ffffff"), Symptom::NoService, Lane::OnTime),
        ]);
        for now in 1..=20 {
            for provider in ["alpha", "bravo", "new"] {
                recorder.see(
                    provider,
                    Minute(now),
                    &detector,
                    (now % 5 == 0).then_some((Minute(now - 1), &counts)),
                );
            }
        }
        let traces = recorder.traces();
        let shown: Vec<_> = traces
            .iter()
            .map(|trace| {
                (
                    trace.provider.as_str(),
                    trace.cells.is_some(),
                    trace.points.iter().map(|p| p.count).collect::<Vec<_>>(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [("alpha", true, vec![4, 4]), ("bravo", false, vec![8, 8]), ("new", false, vec![8, 8])]
        );
        assert!(
            traces[0].points.iter().all(|point| point.expected.is_some()),
            "both windows ended"
        );
    }
}
