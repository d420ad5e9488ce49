//! What became of the lines of a replay: how many counted, and what was wrong with the
//! others.

use crate::domain::report::TimeError;
use crate::wire::fault::FaultKind;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What became of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Reports that count.
    pub counted: u64,
    /// Reports whose reporter counted already.
    pub duplicates: u64,
    /// What was wrong with lines and files, by kind.
    pub flaws: BTreeMap<Flaw, Found>,
    /// Incidents that were told.
    pub incidents: u64,
    /// Minutes of simulated time.
    pub minutes: u64,
}

/// What is wrong with a line, or with a file from there on. None ends a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flaw {
    /// Not JSON.
    MalformedJson,
    /// JSON of another shape.
    MalformedBody,
    /// A field that must be there is not.
    MissingField,
    /// A field has a value that it cannot have.
    InvalidValue,
    /// A symptom that may mean that it works, or that it does not: the line counts
    /// nowhere.
    UnclearSymptom,
    /// The catalogue does not know the provider, or it has retired.
    UnknownProvider,
    /// Observed longer before it was received than the lateness.
    TooOld,
    /// Observed more than two minutes after it was received.
    InFuture,
    /// Longer than any report.
    TooLarge,
    /// Received before the line before it, by at most five minutes: taken all the same,
    /// as received now.
    OutOfOrder,
    /// Received more than five minutes before an earlier line; or the first, and long
    /// before those after it.
    TooFarBehind,
    /// Received so long after the line before it, or before those after it, that its date
    /// must be wrong.
    TooFarAhead,
    /// The file ends in the middle of what was packed.
    Truncated,
    /// The file cannot be unpacked from here on.
    Damaged,
}

/// How often a flaw was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How often.
    pub count: u64,
    /// Where first.
    pub first: Place,
}

/// A line of a file, the first being 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Which file.
    pub file: PathBuf,
    /// Which line.
    pub line: u64,
}

impl Statistics {
    /// Notes a flaw; where it is, is asked for only the first time.
    pub(super) fn note(&mut self, flaw: Flaw, place: impl FnOnce() -> Place) {
        self.flaws.entry(flaw).or_insert_with(|| Found { count: 0, first: place() }).count += 1;
    }

    /// Lines that were taken as reports.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.counted + self.duplicates
    }

    /// Whether there were lines, and none of them could be taken.
    #[must_use]
    pub fn is_all_refused(&self) -> bool {
        self.taken() == 0 && !self.flaws.is_empty()
    }

    /// How often a flaw was found.
    #[must_use]
    pub fn count_of(&self, flaw: Flaw) -> u64 {
        self.flaws.get(&flaw).map_or(0, |found| found.count)
    }
}

impl Flaw {
    /// Its name, where there is one that of the HTTP interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::MalformedBody => "malformed_body",
            Self::MissingField => "missing_field",
            Self::InvalidValue => "invalid_value",
            Self::UnclearSymptom => "unclear_symptom",
            Self::UnknownProvider => "unknown_provider",
            Self::TooOld => "too_old",
            Self::InFuture => "in_future",
            Self::TooLarge => "too_large",
            Self::OutOfOrder => "out_of_order",
            Self::TooFarBehind => "too_far_behind",
            Self::TooFarAhead => "too_far_ahead",
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
        }
    }

    /// The flaw of a line that is no report.
    pub(super) fn of_json(error: &serde_json::Error) -> Self {
        if error.is_data() { Self::MalformedBody } else { Self::MalformedJson }
    }
}

impl From<FaultKind> for Flaw {
    fn from(kind: FaultKind) -> Self {
        match kind {
            FaultKind::MalformedJson => Self::MalformedJson,
            FaultKind::MalformedBody => Self::MalformedBody,
            FaultKind::MissingField => Self::MissingField,
            FaultKind::InvalidValue => Self::InvalidValue,
            FaultKind::UnknownProvider => Self::UnknownProvider,
        }
    }
}

impl From<TimeError> for Flaw {
    fn from(error: TimeError) -> Self {
        match error {
            TimeError::TooOld { .. } | TimeError::CannotBeKept => Self::TooOld,
            TimeError::InFuture => Self::InFuture,
        }
    }
}

/// A line of totals, then a line for each flaw.
impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counted, duplicates, flaws, incidents, minutes } = self;
        let (days, hours) = (minutes / 1_440, minutes % 1_440 / 60);
        write!(
            f,
            "{counted} reports counted, {duplicates} duplicates, {incidents} incidents in {days} \
             days and {hours} hours"
        )?;
        for (flaw, Found { count, first }) in flaws {
            let taken = if *flaw == Flaw::OutOfOrder { " (taken as received now)" } else { "" };
            write!(
                f,
                "\n  {count} {}{taken}, first at {}:{}",
                flaw.name(),
                first.file.display(),
                first.line
            )?;
        }
        // One wrong date is one line; where many are refused, the order is wrong.
        if self.taken() < self.count_of(Flaw::TooFarBehind) + self.count_of(Flaw::TooFarAhead) {
            write!(
                f,
                "\n  most lines are not in the order in which they were received: sort them by \
                 received_at"
            )?;
        }
        Ok(())
    }
}
