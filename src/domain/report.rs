//! A report as it is counted: from what a caller said, and when it came, to one row of
//! facts.

use super::fact::{FactKey, Lane, Source, Tally};
use super::grid::{Cell, Position, Resolution, Spot};
use super::provider::ProviderIndex;
use super::reporter::{DayKeys, Identity, Reporter};
use super::shared_id::is_shared;
use super::symptom::Symptom;
use super::time::{CLOCK_TOLERANCE_MS, Minute, ON_TIME_MS, Timestamp};

/// The accuracy that tells the thirds of a cell of the finest resolution apart: about the
/// radius of the circle in one of its children.
const SPOT_ACCURACY_M: f64 = 150.0;

/// What a caller said, every value sound in itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Submission<'a> {
    /// Of whom.
    pub provider: ProviderIndex,
    /// What.
    pub symptom: Symptom,
    /// Where.
    pub place: Place,
    /// When, by the sender's clock; now where not said.
    pub observed_at: Option<Timestamp>,
    /// By whom.
    pub sender: Sender<'a>,
}

/// By whom a report was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender<'a> {
    /// An installation, by its random string.
    Installation(&'a str),
    /// Somebody whose id many phones send.
    Anybody,
}

/// A report that passed every check. It holds no position, no id and no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Of whom.
    pub provider: ProviderIndex,
    /// What.
    pub symptom: Symptom,
    /// Where.
    pub cell: Cell,
    /// Where in that cell, if that is known.
    pub spot: Spot,
    /// By whom, in which period.
    pub reporter: Reporter,
    /// Through whom.
    pub source: Source,
    /// When it was noticed and when it came.
    pub observed: Observed,
}

/// What remains of a report once it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Where, what, through whom; in a lane of history.
    pub key: FactKey,
    /// When it was observed.
    pub observed: Minute,
    /// When it came. The minute it was observed where it is no evidence of something that
    /// happens now.
    pub arrived: Minute,
    /// Whether it was the reporter's first of this provider that day.
    pub first: bool,
}

/// Where a caller says it happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// A position, true to `accuracy_m` metres (68 % radius).
    Position {
        /// Where.
        position: Position,
        /// How exactly.
        accuracy_m: Option<f64>,
    },
    /// A cell; with an accuracy too, the coarser wins.
    Cell {
        /// Where.
        cell: Cell,
        /// How exactly.
        accuracy_m: Option<f64>,
    },
}

/// When a report was noticed, in minutes of our clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// The minute it was observed, corrected for the sender's clock.
    pub minute: Minute,
    /// The minute it came.
    pub arrived: Minute,
    /// Whether it came more than five minutes after it was observed.
    pub late: bool,
}

/// When and through whom a report came, and what its sender's clock said then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Our clock.
    pub at: Timestamp,
    /// The sender's clock on sending, where told.
    pub sent_at: Option<Timestamp>,
    /// Through whom.
    pub source: Source,
    /// How long ago a report may have been observed.
    pub lateness_ms: i64,
}

/// Why a report's time is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Observed longer ago than the lateness.
    #[error("observed_at must be at most {} h ago", .lateness_ms / 3_600_000)]
    TooOld {
        /// The limit.
        lateness_ms: i64,
    },
    /// Observed more than two minutes ahead of our clock.
    #[error("observed_at must not be in the future")]
    InFuture,
    /// Observed before 1970, or so late that no store has room for it: our own clock must
    /// be far off.
    #[error("observed_at must be of 1970 or later, and before the year 10136")]
    CannotBeKept,
}

impl<'a> Sender<'a> {
    /// Whose id this is.
    #[must_use]
    pub fn of(id: &'a str) -> Self {
        if is_shared(id) { Self::Anybody } else { Self::Installation(id) }
    }
}

impl Place {
    /// The finest cell that the accuracy supports; [`Cell::NOWHERE`] where the sender
    /// does not know.
    #[must_use]
    pub fn cell(self) -> Cell {
        match self {
            Self::Position { position, .. } if position.is_nowhere() => Cell::NOWHERE,
            Self::Cell { cell, .. } if cell.means_nowhere() => Cell::NOWHERE,
            Self::Position { position, accuracy_m } => {
                Cell::at(position, Resolution::supported_by(accuracy_m))
            }
            Self::Cell { cell, accuracy_m: None } => cell,
            Self::Cell { cell, accuracy_m } => {
                cell.rolled_up_to(Resolution::supported_by(accuracy_m))
            }
        }
    }

    /// Which third of that cell, where the position is known as well as that.
    #[must_use]
    pub fn spot(self) -> Spot {
        match self {
            Self::Position { position, .. } if position.is_nowhere() => Spot::Unknown,
            Self::Position { position, accuracy_m: Some(accuracy_m) }
                if accuracy_m <= SPOT_ACCURACY_M =>
            {
                Cell::spot_at(position)
            }
            _ => Spot::Unknown,
        }
    }
}

impl Arrival {
    /// When something the sender dates to `observed_at` happened on our clock; without a
    /// date, now.
    ///
    /// A sender's clock that differs from ours by more than two minutes shifts the
    /// observation by the difference. What then lies up to two minutes ahead is taken as
    /// now.
    ///
    /// # Errors
    /// Where it lies further ahead, or longer ago than the lateness.
    pub fn observed(&self, observed_at: Option<Timestamp>) -> Result<Observed, TimeError> {
        let ahead_by = self.sent_at.map_or(0, |sent_at| sent_at.ms_since(self.at));
        let skew = if ahead_by.saturating_abs() > CLOCK_TOLERANCE_MS { ahead_by } else { 0 };
        let corrected =
            observed_at.map_or(self.at, |observed| observed.plus_ms(skew.saturating_neg()));
        let age_ms = self.at.ms_since(corrected);
        if age_ms < -CLOCK_TOLERANCE_MS {
            return Err(TimeError::InFuture);
        }
        if age_ms > self.lateness_ms {
            return Err(TimeError::TooOld { lateness_ms: self.lateness_ms });
        }
        let (minute, arrived) = (corrected.min(self.at).minute(), self.at.minute());
        if !minute.can_be_kept() || !arrived.can_be_kept() {
            return Err(TimeError::CannotBeKept);
        }
        Ok(Observed { minute, arrived, late: age_ms > ON_TIME_MS })
    }
}

impl Report {
    /// The report of a submission that arrived just now.
    ///
    /// # Errors
    /// Where it was observed too long ago, or in the future.
    pub fn accept(
        submission: &Submission<'_>,
        arrival: &Arrival,
        keys: &DayKeys,
    ) -> Result<Self, TimeError> {
        let (observed, cell) = (arrival.observed(submission.observed_at)?, submission.place.cell());
        let reporter = match submission.sender {
            Sender::Installation(id) => {
                keys.reporter(id, submission.observed_at.unwrap_or(arrival.at))
            }
            Sender::Anybody => keys.anybody(cell, observed.minute),
        };
        Ok(Self {
            provider: submission.provider,
            symptom: submission.symptom,
            cell,
            spot: submission.place.spot(),
            reporter,
            source: arrival.source,
            observed,
        })
    }

    /// The same report under an id for which nobody vouches.
    #[must_use]
    pub const fn unproven(mut self) -> Self {
        if matches!(self.reporter.identity, Identity::Own) {
            self.reporter.identity = Identity::Unproven;
        }
        self
    }

    /// Whether detection may count it: somebody of their own reports from a place.
    #[must_use]
    pub const fn is_evidence(&self) -> bool {
        !matches!(self.reporter.identity, Identity::Shared) && !self.cell.is_nowhere()
    }

    /// The same as one of those that were withdrawn before it came. It stands on time in
    /// the minute it was observed, where no reader sees it, so nothing of it is evidence
    /// now; and late facts of that minute stay what they were when the others were
    /// withdrawn. It is nobody's first: the firsts of a minute are complete once reports
    /// of it cannot come on time any more.
    #[must_use]
    pub const fn withdrawn(self) -> Self {
        let observed = Observed { late: false, ..self.observed };
        let reporter = Reporter { identity: Identity::Unproven, ..self.reporter };
        Self { reporter, observed, ..self }
    }

    /// The row of facts it becomes once it counts; `first` where it took its reporter's
    /// first claim of the day.
    ///
    /// What is no evidence stands in history only, as a late report does in the minute it
    /// was observed; and of nobody it is the first. Nobody's first is either what is sent
    /// under an id for which nobody vouches.
    #[must_use]
    pub const fn counted(&self, first: bool) -> Counted {
        let Observed { minute, arrived, late } = self.observed;
        let is_evidence = self.is_evidence();
        let lane = if late || !is_evidence { Lane::LateObserved } else { Lane::OnTime };
        Counted {
            key: FactKey::new(self.cell, self.symptom, lane, self.source).at_spot(self.spot),
            observed: minute,
            arrived: if is_evidence { arrived } else { minute },
            first: first && matches!(self.reporter.identity, Identity::Own),
        }
    }
}

impl Counted {
    /// The facts it adds one to: one when on time, or no evidence; two when late, in the
    /// minute it was observed and in the minute it came.
    pub fn facts(self) -> impl Iterator<Item = (Minute, FactKey, Tally)> {
        let tally = Tally { count: 1, first: u32::from(self.first) };
        // A late report came at least five minutes after it was observed.
        let late = self.key.lane() == Lane::LateObserved && self.observed < self.arrived;
        let arrival = late.then(|| (self.arrived, self.key.in_lane(Lane::LateArrived), tally));
        std::iter::once((self.observed, self.key, tally)).chain(arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{DEFAULT_LATENESS_MS, HOUR_MS, MINUTE_MS};

    const NOW: Timestamp = Timestamp(30_000_000 * MINUTE_MS + 30_000);

    fn arrival(sent_at: Option<i64>) -> Arrival {
        Arrival {
            at: NOW,
            sent_at: sent_at.map(|ms| NOW.plus_ms(ms)),
            source: Source(7),
            lateness_ms: DEFAULT_LATENESS_MS,
        }
    }

    #[test]
    fn a_report_counts_in_the_minute_it_was_observed() {
        let rows: [(Option<i64>, Result<(i64, bool), TimeError>); 9] = [
            (None, Ok((0, false))),
            (Some(0), Ok((0, false))),
            (Some(-31_000), Ok((-1, false))),
            (Some(-5 * MINUTE_MS), Ok((-5, false))),
            (Some(-5 * MINUTE_MS - 1), Ok((-5, true))),
            (Some(-DEFAULT_LATENESS_MS), Ok((-48 * 60, true))),
            (
                Some(-DEFAULT_LATENESS_MS - 1),
                Err(TimeError::TooOld { lateness_ms: DEFAULT_LATENESS_MS }),
            ),
            (Some(2 * MINUTE_MS), Ok((0, false))),
            (Some(2 * MINUTE_MS + 1), Err(TimeError::InFuture)),
        ];
        for (observed, expected) in rows {
            let got = arrival(None).observed(observed.map(|ms| NOW.plus_ms(ms)));
            let expected = expected.map(|(minutes, late)| Observed {
                minute: NOW.minute().plus(minutes),
                arrived: NOW.minute(),
                late,
            });
            assert_eq!(got, expected, "{observed:?}");
        }
    }

    #[test]
    fn a_wrong_clock_is_corrected_beyond_two_minutes_only() {
        let rows = [
            (2 * MINUTE_MS, MINUTE_MS, Ok(0)),
            (HOUR_MS, HOUR_MS - 10 * MINUTE_MS, Ok(-10)),
            (-HOUR_MS, -HOUR_MS - 10 * MINUTE_MS, Ok(-10)),
            (-400 * 24 * HOUR_MS, -400 * 24 * HOUR_MS, Ok(0)),
            (-HOUR_MS, 0, Err(TimeError::InFuture)),
        ];
        for (sent, observed, expected) in rows {
            let got = arrival(Some(sent))
                .observed(Some(NOW.plus_ms(observed)))
                .map(|o| o.minute.0 - NOW.minute().0);
            assert_eq!(got, expected, "sent {sent} observed {observed}");
        }
    }

    #[test]
    fn a_late_report_stands_in_the_minute_it_was_observed_and_in_the_minute_it_came() {
        let key = |lane| {
            FactKey::new(
                Cell::at(Position::new(1.0, 2.0).unwrap(), Resolution::FINEST),
                Symptom::NoTv,
                lane,
                Source(4),
            )
        };
        let (observed, arrived) = (Minute(100), Minute(160));
        let tally = Tally { count: 1, first: 1 };
        let on_time = Counted { key: key(Lane::OnTime), observed, arrived, first: true };
        assert!(on_time.facts().eq([(observed, key(Lane::OnTime), tally)]));
        let late = Counted { key: key(Lane::LateObserved), observed, arrived, first: true };
        assert!(late.facts().eq([
            (observed, key(Lane::LateObserved), tally),
            (arrived, key(Lane::LateArrived), tally)
        ]));
    }

    #[test]
    fn what_no_store_has_room_for_is_refused() {
        let rows = [
            (0, Some(0), Ok(0)),
            (HOUR_MS, Some(-1), Err(TimeError::CannotBeKept)),
            (-1, None, Err(TimeError::CannotBeKept)),
            (i64::from(u32::MAX) * MINUTE_MS, None, Ok(i64::from(u32::MAX))),
            ((i64::from(u32::MAX) + 1) * MINUTE_MS, None, Err(TimeError::CannotBeKept)),
        ];
        for (at, observed, expected) in rows {
            let arrival = Arrival { at: Timestamp(at), ..arrival(None) };
            assert_eq!(
                arrival.observed(observed.map(Timestamp)).map(|observed| observed.minute.0),
                expected,
                "at {at}"
            );
        }
    }

    #[test]
    fn what_is_no_evidence_stands_in_history_only() {
        let keys = crate::domain::reporter::ReporterKey::new(b"secret").around(NOW);
        let toronto = Place::Position {
            position: Position::new(43.65, -79.38).unwrap(),
            accuracy_m: Some(10.0),
        };
        let null_island =
            Place::Position { position: Position::new(0.0, 0.0).unwrap(), accuracy_m: Some(10.0) };
        let rows = [
            (Sender::of("a"), toronto, 0, true, true, 1),
            (Sender::of("a"), toronto, 60, true, true, 2),
            (Sender::of("null"), toronto, 0, false, false, 1),
            (Sender::of("null"), toronto, 60, false, false, 1),
            (Sender::of("a"), null_island, 0, false, true, 1),
            (Sender::of("a"), null_island, 60, false, true, 1),
            (Sender::of(" "), null_island, 60, false, false, 1),
        ];
        for (sender, place, ago, is_evidence, first, facts) in rows {
            let observed_at = Some(NOW.plus_ms(-ago * MINUTE_MS));
            let provider = ProviderIndex(0);
            let submission =
                Submission { provider, symptom: Symptom::NoTv, place, observed_at, sender };
            let report = Report::accept(&submission, &arrival(None), &keys).unwrap();
            let counted = report.counted(true);
            assert_eq!((report.source, counted.key.source()), (Source(7), Source(7)));
            assert_eq!(
                (report.is_evidence(), counted.first, counted.facts().count()),
                (is_evidence, first, facts),
                "{submission:?}"
            );
            let history = counted.facts().filter(|(_, key, _)| key.lane().is_history());
            assert!(
                history.map(|(minute, ..)| minute).eq([NOW.minute().plus(-ago)]),
                "{submission:?}"
            );
            let now = counted
                .facts()
                .filter(|(_, key, _)| matches!(key.lane(), Lane::OnTime | Lane::LateArrived));
            assert_eq!(now.count(), usize::from(is_evidence), "{submission:?}");
            assert!(!report.counted(false).first);
            assert_eq!(
                (report.cell.is_nowhere(), report.spot == Spot::Unknown),
                (place == null_island, place == null_island)
            );
        }
    }

    #[test]
    fn an_id_for_which_nobody_vouches_counts_as_before_and_is_never_a_first() {
        let keys = crate::domain::reporter::ReporterKey::new(b"secret").around(NOW);
        let place =
            Place::Position { position: Position::new(43.65, -79.38).unwrap(), accuracy_m: None };
        for (id, is_evidence) in [("a", true), ("null", false)] {
            let submission = Submission {
                provider: ProviderIndex(0),
                symptom: Symptom::NoTv,
                place,
                observed_at: None,
                sender: Sender::of(id),
            };
            let report = Report::accept(&submission, &arrival(None), &keys).unwrap();
            let unproven = report.unproven();
            assert_eq!(
                (report.counted(true).first, unproven.counted(true).first),
                (is_evidence, false)
            );
            assert_eq!(unproven.is_evidence(), is_evidence, "{id}");
            assert_eq!(unproven.counted(true).key, report.counted(true).key, "{id}");
        }
    }

    #[test]
    fn a_report_that_is_withdrawn_stands_on_time_in_its_minute_and_is_nobodys_first() {
        let keys = crate::domain::reporter::ReporterKey::new(b"secret").around(NOW);
        let cell = Cell::at(Position::new(43.65, -79.38).unwrap(), Resolution::FINEST);
        for (id, ago) in [("a", 0), ("a", 60), (" ", 60), (" ", 0)] {
            let submission = Submission {
                provider: ProviderIndex(0),
                symptom: Symptom::NoTv,
                place: Place::Cell { cell, accuracy_m: None },
                observed_at: Some(NOW.plus_ms(-ago * MINUTE_MS)),
                sender: Sender::of(id),
            };
            let report = Report::accept(&submission, &arrival(None), &keys).unwrap();
            let key = FactKey::new(cell, Symptom::NoTv, Lane::OnTime, Source(7));
            let observed = NOW.minute().plus(-ago);
            for first in [false, true] {
                let facts: Vec<_> = report.withdrawn().counted(first).facts().collect();
                assert_eq!(facts, [(observed, key, Tally { count: 1, first: 0 })], "{id:?} {ago}");
            }
            assert_eq!(report.withdrawn().observed.arrived, NOW.minute(), "claims are dated by it");
        }
    }

    #[test]
    fn extreme_times_are_refused_without_overflow() {
        for sent in [None, Some(Timestamp(i64::MIN)), Some(Timestamp(i64::MAX))] {
            let arrival = Arrival { sent_at: sent, ..arrival(None) };
            for observed in [Timestamp(i64::MIN), Timestamp(i64::MAX)] {
                let _no_panic = arrival.observed(Some(observed));
            }
        }
        assert_eq!(arrival(None).observed(Some(Timestamp(i64::MAX))), Err(TimeError::InFuture));
    }

    #[test]
    fn of_a_cell_and_an_accuracy_the_coarser_wins() {
        let fine = Cell::at(Position::new(43.65, -79.38).unwrap(), Resolution::FINEST);
        let rows = [(None, 8), (Some(10.0), 8), (Some(2_000.0), 6), (Some(1e9), 3)];
        for (accuracy_m, expected) in rows {
            assert_eq!(
                Place::Cell { cell: fine, accuracy_m }.cell().resolution().number(),
                expected
            );
        }
        let coarse = fine.rolled_up_to(Resolution::new(2).unwrap());
        assert_eq!(Place::Cell { cell: coarse, accuracy_m: Some(10.0) }.cell(), coarse);
    }
}
