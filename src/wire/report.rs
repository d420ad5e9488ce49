//! One submitted report as JSON: read leniently, judged field by field, so that every fault is named.

use super::fault::{Fault, FaultKind};
use super::scalar::{Scalar, Text, drain};
use super::time::{INSTANT, instant};
use crate::domain::fact::Source;
use crate::domain::grid::{Cell, Position};
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::report::{Place, Submission};
use crate::domain::symptom::Symptom;
use crate::domain::time::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Longest id of a reporter, in characters, as JSON Schema counts them.
pub const LONGEST_REPORTER_ID: usize = 128;
/// Longest id that is echoed, in characters.
pub const LONGEST_ID: usize = 128;

/// A report as it was sent: every field whatever it is.
#[derive(Debug, Default)]
pub struct RawReport<'a> {
    fields: [Scalar<'a>; FIELDS.len()],
    /// A field that stands here twice.
    twice: Option<&'static str>,
    /// The first field that nobody knows.
    unknown: Option<Cow<'a, str>>,
    /// Set where this is no object.
    not_an_object: Option<&'static str>,
}

/// A report that is sound in itself, and what its sender should know.
#[derive(Debug)]
pub struct Read<'a> {
    /// What was said.
    pub submission: Submission<'a>,
    /// What was passed over.
    pub warning: Option<String>,
}

/// Names of fields by their place in [`RawReport`].
const FIELDS: [&str; 10] = ["provider", "plmn", "symptom", "lat", "lon", "accuracy_m", "cell", "observed_at", "reporter_id", "id"];
const PROVIDER: usize = 0;
const PLMN: usize = 1;
const SYMPTOM: usize = 2;
const LAT: usize = 3;
const LON: usize = 4;
const ACCURACY_M: usize = 5;
const CELL: usize = 6;
const OBSERVED_AT: usize = 7;
const REPORTER_ID: usize = 8;
const ID: usize = 9;

/// The field of that name, newer or older. Spelt out, since it is asked for every field of every report.
fn field_of(name: &str) -> Option<usize> {
    Some(match name {
        "provider" => PROVIDER,
        "plmn" => PLMN,
        "symptom" | "kind" => SYMPTOM,
        "lat" => LAT,
        "lon" => LON,
        "accuracy_m" => ACCURACY_M,
        "cell" => CELL,
        "observed_at" => OBSERVED_AT,
        "reporter_id" | "device_id" => REPORTER_ID,
        "id" => ID,
        _ => return None,
    })
}

/// Faults of one report; the first one's kind speaks for all.
type Faults = Vec<Fault>;

impl<'a> RawReport<'a> {
    /// What it says, every value sound in itself.
    ///
    /// # Errors
    /// With every field at fault.
    pub fn read(&'a self, catalogue: &Catalogue) -> Result<Read<'a>, Vec<Fault>> {
        if let Some(kind) = self.not_an_object {
            return Err(vec![Fault::new(FaultKind::MalformedBody, "report", "a JSON object", kind)]);
        }
        if let Some(field) = self.twice {
            return Err(vec![Fault::new(FaultKind::MalformedBody, field, "given once", "twice")]);
        }
        let mut faults = Faults::new();
        let provider = self.provider(catalogue, &mut faults);
        let (symptom, unknown_symptom) = self.symptom(&mut faults);
        let place = self.place(&mut faults);
        let observed_at = self.observed_at(&mut faults);
        let reporter_id = self.text(REPORTER_ID, 1..=LONGEST_REPORTER_ID, true, &mut faults);
        self.text(ID, 0..=LONGEST_ID, false, &mut faults);
        match (provider, symptom, place, reporter_id) {
            (Some(provider), Some(symptom), Some(place), Some(reporter_id)) if faults.is_empty() => Ok(Read {
                submission: Submission { provider, symptom, place, observed_at, reporter_id, source: Source::default() },
                warning: self.warning(unknown_symptom),
            }),
            _ => Err(faults),
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

    fn provider(&self, catalogue: &Catalogue, faults: &mut Faults) -> Option<ProviderIndex> {
        let by_plmn = !matches!(self.fields[PLMN], Scalar::Missing);
        if by_plmn && !matches!(self.fields[PROVIDER], Scalar::Missing) {
            faults.push(Fault::new(FaultKind::InvalidValue, "plmn", "left out where provider is given", self.fields[PLMN].got()));
            return None;
        }
        let (field, expected) = if by_plmn {
            (PLMN, "a mobile network code of a provider listed at /v1/providers")
        } else {
            (PROVIDER, "an id listed at /v1/providers")
        };
        let name = self.text(field, 1..=64, true, faults)?;
        let found = if by_plmn { catalogue.find_plmn(name) } else { catalogue.find(name) };
        let open = found.filter(|index| !catalogue.get(*index).retired);
        if open.is_none() {
            let expected = if found.is_some() { "a provider that is not retired" } else { expected };
            faults.push(Fault::new(FaultKind::UnknownProvider, FIELDS[field], expected, name));
        }
        open
    }

    /// The symptom; and its name where that is unknown and counts as `other`.
    fn symptom(&self, faults: &mut Faults) -> (Option<Symptom>, Option<&str>) {
        let Some(name) = self.text(SYMPTOM, 1..=64, true, faults) else { return (None, None) };
        Symptom::from_name(name).map_or((Some(Symptom::Other), Some(name)), |symptom| (Some(symptom), None))
    }

    fn place(&self, faults: &mut Faults) -> Option<Place> {
        let is_there = |field: usize| !matches!(self.fields[field], Scalar::Missing);
        let accuracy_m = self.number(ACCURACY_M, "metres from 0 up", |metres| 0.0 <= metres, faults);
        let (lat, lon) = (is_there(LAT), is_there(LON));
        if is_there(CELL) {
            if lat || lon {
                let field = if lat { LAT } else { LON };
                faults.push(Fault::new(FaultKind::InvalidValue, FIELDS[field], "left out where cell is given", self.fields[field].got()));
                return None;
            }
            let text = self.text(CELL, 1..=32, true, faults)?;
            let Ok(cell) = Cell::parse(text) else {
                faults.push(Fault::new(FaultKind::InvalidValue, "cell", "an H3 cell index in hexadecimal", text));
                return None;
            };
            return Some(Place::Cell { cell, accuracy_m });
        }
        if !lat || !lon {
            let (field, expected) = match (lat, lon) {
                (false, false) => ("lat", "given with lon, or cell instead"),
                (false, true) => ("lat", "given where lon is"),
                _ => ("lon", "given where lat is"),
            };
            faults.push(Fault::new(FaultKind::MissingField, field, expected, "nothing"));
        }
        let lat = self.number(LAT, "degrees north, -90..=90", |lat| (-90.0..=90.0).contains(&lat), faults);
        let lon = self.number(LON, "degrees east, -180..=180", |lon| (-180.0..=180.0).contains(&lon), faults);
        let position = Position::new(lat?, lon?).ok()?;
        Some(Place::Position { position, accuracy_m })
    }

    fn observed_at(&self, faults: &mut Faults) -> Option<Timestamp> {
        let text = self.text(OBSERVED_AT, 0..=64, false, faults)?;
        let observed_at = instant(text);
        if observed_at.is_none() {
            faults.push(Fault::new(FaultKind::InvalidValue, "observed_at", INSTANT, text));
        }
        observed_at
    }

    fn text(&self, field: usize, characters: std::ops::RangeInclusive<usize>, required: bool, faults: &mut Faults) -> Option<&str> {
        let name = FIELDS[field];
        match &self.fields[field] {
            Scalar::Missing if required => faults.push(Fault::new(FaultKind::MissingField, name, "given", "nothing")),
            Scalar::Missing => {}
            Scalar::Text(text) => {
                let count = text.chars().count();
                if characters.contains(&count) {
                    return Some(text);
                }
                let expected = format!("a string of {} to {} characters", characters.start(), characters.end());
                faults.push(Fault::new(FaultKind::InvalidValue, name, expected, format!("{count} characters")));
            }
            other => faults.push(Fault::new(FaultKind::InvalidValue, name, "a string", other.got())),
        }
        None
    }

    fn number(&self, field: usize, expected: &str, sound: impl Fn(f64) -> bool, faults: &mut Faults) -> Option<f64> {
        match &self.fields[field] {
            Scalar::Missing => None,
            Scalar::Number(number) if sound(*number) => Some(*number),
            other => {
                faults.push(Fault::new(FaultKind::InvalidValue, FIELDS[field], format!("a number: {expected}"), other.got()));
                None
            }
        }
    }

    fn warning(&self, unknown_symptom: Option<&str>) -> Option<String> {
        let symptom = unknown_symptom.map(|name| format!("unknown symptom {name:?} counts as other"));
        let field = self.unknown.as_ref().map(|name| format!("unknown field {:?} is ignored", name.chars().take(64).collect::<String>()));
        let warnings: Vec<String> = symptom.into_iter().chain(field).collect();
        (!warnings.is_empty()).then(|| warnings.join("; "))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawReport<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawReportVisitor)
    }
}

struct RawReportVisitor;

impl<'de> Visitor<'de> for RawReportVisitor {
    type Value = RawReport<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut report = RawReport::default();
        while let Some(name) = map.next_key_seed(Text)? {
            let Some(field) = field_of(&name) else {
                map.next_value::<IgnoredAny>()?;
                report.unknown.get_or_insert(name);
                continue;
            };
            let value = map.next_value::<Scalar<'de>>()?;
            if !matches!(report.fields[field], Scalar::Missing) {
                report.twice = Some(FIELDS[field]);
            }
            report.fields[field] = value;
        }
        Ok(report)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        drain(seq)?;
        Ok(not_an_object("a list"))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(not_an_object("null"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(not_an_object("a boolean"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(not_an_object("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(not_an_object("a number"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(not_an_object("a number"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(not_an_object("a string"))
    }
}

fn not_an_object<'a>(kind: &'static str) -> RawReport<'a> {
    RawReport { not_an_object: Some(kind), ..RawReport::default() }
}
