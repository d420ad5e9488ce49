//! One submitted report as JSON: read leniently, judged field by field, so that every
//! fault is named.
//!
//! What does not change the meaning of a report is no fault: a number as a string, an
//! older name beside the newer one that says the same.

use super::fault::{Fault, FaultKind};
pub use super::raw::RawReport;
use super::raw::{
    ACCURACY_M, CELL, FIELDS, ID, LAT, LON, OBSERVED_AT, PLMN, PROVIDER, REPORTER_ID, SYMPTOM,
};
use super::scalar::Scalar;
use super::time::{SENT_INSTANT, epoch, sent_instant};
use super::warning::{Warning, WarningKind};
use super::{index, plmn};
use crate::domain::grid::{Cell, Position};
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::report::{Place, Sender, Submission};
use crate::domain::symptom::Symptom;
use crate::domain::symptom_word::{Meaning, meaning};
use crate::domain::time::Timestamp;
use std::ops::RangeInclusive;

/// Longest id of a reporter, in characters, as JSON Schema counts them.
pub const LONGEST_REPORTER_ID: usize = 128;
/// Longest id that is echoed, in characters.
pub const LONGEST_ID: usize = 128;

const PLACEHOLDER_EXPECTED: &str = "an id listed at /v1/providers: this plmn is what phones send \
     that do not know the network, or may not tell it";
/// What iOS calls an invalid position (`kCLLocationCoordinate2DInvalid`), in both
/// coordinates.
const NO_DEGREES: f64 = -180.0;

/// A report that is sound in itself, and what its sender should know.
#[derive(Debug)]
pub struct Read<'a> {
    /// What was said.
    pub submission: Submission<'a>,
    /// Whether it counts at all.
    pub standing: Standing,
    /// What was passed over.
    pub warnings: Vec<Warning>,
}

/// Whether a report counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As what it says.
    Counts,
    /// Nowhere: its symptom may mean that it works, or that it does not. The submission
    /// says `other`.
    Ignored,
}

/// Faults of one report, of which the first one's kind speaks for all; and warnings.
#[derive(Debug, Default)]
struct Notes {
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
}

impl Notes {
    fn fault(
        &mut self,
        kind: FaultKind,
        field: usize,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) {
        self.faults.push(Fault::new(kind, FIELDS[field], expected, got));
    }

    fn warn(&mut self, kind: WarningKind, text: impl Into<String>) {
        self.warnings.push(Warning::new(kind, text));
    }
}

impl<'a> RawReport<'a> {
    /// What it says, every value sound in itself.
    ///
    /// # Errors
    /// With every field at fault.
    pub fn read(&'a self, catalogue: &Catalogue) -> Result<Read<'a>, Vec<Fault>> {
        if let Some(kind) = self.not_an_object {
            return Err(vec![Fault::new(
                FaultKind::MalformedBody,
                "report",
                "a JSON object",
                kind,
            )]);
        }
        if let Some(field) = self.twice {
            return Err(vec![Fault::new(FaultKind::MalformedBody, field, "given once", "twice")]);
        }
        let mut notes = Notes::default();
        let provider = self.provider(catalogue, &mut notes);
        let symptom = self.symptom(&mut notes);
        let place = self.place(&mut notes);
        let observed_at = self.observed_at(&mut notes);
        let sender = self.sender(&mut notes);
        self.text(ID, 0..=LONGEST_ID, false, &mut notes);
        self.warn_of_unknown_fields(&mut notes);
        match (provider, symptom, place, sender) {
            (Some(provider), Some((symptom, standing)), Some(place), Some(sender))
                if notes.faults.is_empty() =>
            {
                Ok(Read {
                    submission: Submission { provider, symptom, place, observed_at, sender },
                    standing,
                    warnings: notes.warnings,
                })
            }
            _ => Err(notes.faults),
        }
    }

    /// The caller's own id, to be echoed.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match &self.fields[ID] {
            Scalar::Text(id) if id.chars().count() <= LONGEST_ID => Some(id),
            _ => None,
        }
    }

    fn provider(&self, catalogue: &Catalogue, notes: &mut Notes) -> Option<ProviderIndex> {
        let code = match &self.fields[PLMN] {
            Scalar::Missing => return self.by_name(catalogue, notes),
            Scalar::Text(code) if is_no_code(code, catalogue) => {
                if matches!(self.fields[PROVIDER], Scalar::Missing) {
                    notes.fault(
                        FaultKind::MissingField,
                        PROVIDER,
                        PLACEHOLDER_EXPECTED,
                        self.fields[PLMN].got(),
                    );
                    return None;
                }
                let text = format!(
                    "plmn {:?} is what phones send that do not know it, and is ignored",
                    excerpt(code)
                );
                notes.warn(WarningKind::Placeholder, text);
                return self.by_name(catalogue, notes);
            }
            _ => self.text(PLMN, 1..=64, true, notes)?,
        };
        let found = catalogue.find_plmn(&plmn::digits(code));
        match &self.fields[PROVIDER] {
            Scalar::Missing => {}
            Scalar::Text(name) if plmn::is_nothing(name) => {
                notes.warn(
                    WarningKind::Placeholder,
                    format!("provider {:?} names nobody, and is ignored", excerpt(name)),
                );
            }
            Scalar::Text(name) if found.is_some() && find(name, catalogue) == found => {}
            _ => {
                notes.fault(
                    FaultKind::InvalidValue,
                    PLMN,
                    "left out where provider is given",
                    self.fields[PLMN].got(),
                );
                return None;
            }
        }
        open(
            found,
            catalogue,
            PLMN,
            "a mobile network code of a provider listed at /v1/providers",
            code,
            notes,
        )
    }

    fn by_name(&self, catalogue: &Catalogue, notes: &mut Notes) -> Option<ProviderIndex> {
        let name = self.text(PROVIDER, 1..=64, true, notes)?;
        open(
            find(name, catalogue),
            catalogue,
            PROVIDER,
            "an id listed at /v1/providers",
            name,
            notes,
        )
    }

    fn symptom(&self, notes: &mut Notes) -> Option<(Symptom, Standing)> {
        let word = self.text(SYMPTOM, 1..=64, true, notes)?;
        if let Some(symptom) = Symptom::from_name(word) {
            return Some((symptom, Standing::Counts));
        }
        match meaning(word) {
            Meaning::Known(symptom) => Some((symptom, Standing::Counts)),
            Meaning::Unknown => {
                notes.warn(
                    WarningKind::UnknownSymptom,
                    format!("unknown symptom {word:?} counts as other"),
                );
                Some((Symptom::Other, Standing::Counts))
            }
            Meaning::Unclear => {
                let text = format!(
                    "symptom {word:?} may mean working or not, and counts nowhere: send working, \
                     or a problem's name"
                );
                notes.warn(WarningKind::UnclearSymptom, text);
                Some((Symptom::Other, Standing::Ignored))
            }
        }
    }

    fn place(&self, notes: &mut Notes) -> Option<Place> {
        let is_there = |field: usize| self.is_there(field);
        let accuracy_m = self.accuracy_m(notes);
        let place = match (self.has_cell(), is_there(LAT) || is_there(LON)) {
            (true, false) => Place::Cell { cell: self.cell(notes)?, accuracy_m },
            (true, true) => {
                let cell = self.cell(notes)?;
                let whole =
                    if is_there(LAT) && is_there(LON) { Some(self.position(notes)?) } else { None };
                if whole.is_some_and(|position| !is_around(cell, position) && position.is_nowhere())
                {
                    notes.warn(
                        WarningKind::NoPosition,
                        "a position of 0, 0 is what phones send \
                         that do not know theirs: the cell counts",
                    );
                } else if !whole.is_some_and(|position| is_around(cell, position)) {
                    let field = if is_there(LAT) { LAT } else { LON };
                    notes.fault(
                        FaultKind::InvalidValue,
                        field,
                        "left out where cell is given",
                        self.fields[field].got(),
                    );
                    return None;
                }
                Place::Cell { cell, accuracy_m }
            }
            (false, _) => Place::Position { position: self.position(notes)?, accuracy_m },
        };
        if place.cell().is_nowhere() {
            let text = "a position of 0, 0 is what phones send that do not know theirs: it lies \
                 in no cell, and counts in totals only";
            notes.warn(WarningKind::NoPosition, text);
        }
        Some(place)
    }

    /// Whether a part of a place is given: not by a blank.
    fn is_there(&self, field: usize) -> bool {
        !self.fields[field].is_blank()
    }

    /// Whether a cell is given: not by a zero, or a word for nothing.
    fn has_cell(&self) -> bool {
        let is_none = |text: &str| plmn::is_nothing(text) || text.trim().chars().all(|c| c == '0');
        self.is_there(CELL) && !matches!(&self.fields[CELL], Scalar::Text(text) if is_none(text))
    }

    fn cell(&self, notes: &mut Notes) -> Option<Cell> {
        let text = self.text(CELL, 1..=32, true, notes)?;
        let cell = index::cell(text);
        if cell.is_none() {
            notes.fault(FaultKind::InvalidValue, CELL, "an H3 cell index in hexadecimal", text);
        }
        cell
    }

    fn position(&self, notes: &mut Notes) -> Option<Position> {
        let missing = match (self.is_there(LAT), self.is_there(LON)) {
            (false, false) => Some((LAT, "given with lon, or cell instead")),
            (false, true) => Some((LAT, "given where lon is")),
            (true, false) => Some((LON, "given where lat is")),
            (true, true) => None,
        };
        if let Some((field, expected)) = missing {
            notes.fault(FaultKind::MissingField, field, expected, "nothing");
        }
        if [LAT, LON].iter().all(|field| self.fields[*field].number() == Some(NO_DEGREES)) {
            return Position::new(0.0, 0.0).ok();
        }
        let lat =
            self.number(LAT, "degrees north, -90..=90", |lat| (-90.0..=90.0).contains(&lat), notes);
        let lon = self.number(
            LON,
            "degrees east, -180..=180",
            |lon| (-180.0..=180.0).contains(&lon),
            notes,
        );
        Position::new(lat?, lon?).ok()
    }

    /// None where the sender does not know it: phones then say 0, a negative number, or
    /// none that is finite.
    fn accuracy_m(&self, notes: &mut Notes) -> Option<f64> {
        let given = &self.fields[ACCURACY_M];
        let is_none = match given {
            Scalar::Missing => return None,
            Scalar::Text(text) if plmn::is_nothing(text) => true,
            given => given.is_not_finite() || given.number().is_some_and(|metres| metres <= 0.0),
        };
        if !is_none {
            return self.number(ACCURACY_M, "metres from 0 up", |_| true, notes);
        }
        let text = format!(
            "accuracy_m {} is what phones send that know none: it counts as unknown",
            given.got()
        );
        notes.warn(WarningKind::NoAccuracy, text);
        None
    }

    fn observed_at(&self, notes: &mut Notes) -> Option<Timestamp> {
        let given = &self.fields[OBSERVED_AT];
        let (observed_at, got) = match given {
            Scalar::Number(_) | Scalar::Large(_) => (given.number().and_then(epoch), given.got()),
            _ if !self.is_there(OBSERVED_AT) => return None,
            _ => {
                let text = self.text(OBSERVED_AT, 0..=64, false, notes)?;
                (sent_instant(text), text.to_owned())
            }
        };
        if observed_at.is_none() {
            notes.fault(FaultKind::InvalidValue, OBSERVED_AT, SENT_INSTANT, got);
        }
        observed_at
    }

    fn sender(&self, notes: &mut Notes) -> Option<Sender<'_>> {
        let id = self.text(REPORTER_ID, 0..=LONGEST_REPORTER_ID, true, notes)?;
        let sender = Sender::of(id);
        if sender == Sender::Anybody {
            let text = format!(
                "reporter_id {:?} is sent by many phones: it counts once a minute and cell, and \
                 is no evidence",
                excerpt(id)
            );
            notes.warn(WarningKind::SharedId, text);
        }
        Some(sender)
    }

    fn text(
        &self,
        field: usize,
        characters: RangeInclusive<usize>,
        required: bool,
        notes: &mut Notes,
    ) -> Option<&str> {
        match &self.fields[field] {
            Scalar::Missing if required => {
                notes.fault(FaultKind::MissingField, field, "given", "nothing");
            }
            Scalar::Missing => {}
            Scalar::Text(text) => {
                let count = text.chars().count();
                if characters.contains(&count) {
                    return Some(text);
                }
                let expected = format!(
                    "a string of {} to {} characters",
                    characters.start(),
                    characters.end()
                );
                notes.fault(
                    FaultKind::InvalidValue,
                    field,
                    expected,
                    format!("{count} characters"),
                );
            }
            other => notes.fault(FaultKind::InvalidValue, field, "a string", other.got()),
        }
        None
    }

    fn number(
        &self,
        field: usize,
        expected: &str,
        sound: impl Fn(f64) -> bool,
        notes: &mut Notes,
    ) -> Option<f64> {
        let given = &self.fields[field];
        if !self.is_there(field) {
            return None;
        }
        let number = given.number().filter(|number| sound(*number));
        if number.is_none() {
            notes.fault(
                FaultKind::InvalidValue,
                field,
                format!("a number: {expected}"),
                given.got(),
            );
        }
        number
    }

    fn warn_of_unknown_fields(&self, notes: &mut Notes) {
        if let Some(name) = &self.unknown {
            notes.warn(
                WarningKind::UnknownField,
                format!("unknown field {:?} is ignored", excerpt(name)),
            );
        }
    }
}

/// The provider of an id or alias: without regard to case, and to blanks and underscores
/// where ids have hyphens.
fn find(name: &str, catalogue: &Catalogue) -> Option<ProviderIndex> {
    let as_id = || name.trim().to_lowercase().replace(['_', ' '], "-");
    catalogue.find(name).or_else(|| catalogue.find(&as_id()))
}

/// Whether a code is none. One that the catalogue knows is one, whatever it looks like.
fn is_no_code(code: &str, catalogue: &Catalogue) -> bool {
    plmn::is_placeholder(code) && catalogue.find_plmn(&plmn::digits(code)).is_none()
}

/// The provider that was found, where it takes reports.
fn open(
    found: Option<ProviderIndex>,
    catalogue: &Catalogue,
    field: usize,
    expected: &str,
    got: &str,
    notes: &mut Notes,
) -> Option<ProviderIndex> {
    let open = found.filter(|index| !catalogue.get(*index).retired);
    if open.is_none() {
        let expected = if found.is_some() { "a provider that is not retired" } else { expected };
        notes.fault(FaultKind::UnknownProvider, field, expected, got);
    }
    open
}

/// Whether a position lies in a cell, or so near that rounding may have moved it there.
fn is_around(cell: Cell, position: Position) -> bool {
    let there = Cell::at(position, cell.resolution());
    cell.disk(1).iter().any(|(near, _)| *near == there)
}

/// So much of a text as a message may hold.
fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}
