//! A report as it was sent: every field whatever it is.

use super::scalar::{Scalar, Text, drain};
use crate::domain::symptom_word;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A report as it was sent: every field whatever it is.
#[derive(Debug, Default)]
pub struct RawReport<'a> {
    pub(super) fields: [Scalar<'a>; FIELDS.len()],
    /// A field that stands here twice and says two things.
    pub(super) twice: Option<&'static str>,
    /// The first field that nobody knows.
    pub(super) unknown: Option<Cow<'a, str>>,
    /// Set where this is no object.
    pub(super) not_an_object: Option<&'static str>,
}

/// Names of fields by their place in [`RawReport`].
pub(super) const FIELDS: [&str; 10] = [
    "provider",
    "plmn",
    "symptom",
    "lat",
    "lon",
    "accuracy_m",
    "cell",
    "observed_at",
    "reporter_id",
    "id",
];
pub(super) const PROVIDER: usize = 0;
pub(super) const PLMN: usize = 1;
pub(super) const SYMPTOM: usize = 2;
pub(super) const LAT: usize = 3;
pub(super) const LON: usize = 4;
pub(super) const ACCURACY_M: usize = 5;
pub(super) const CELL: usize = 6;
pub(super) const OBSERVED_AT: usize = 7;
pub(super) const REPORTER_ID: usize = 8;
pub(super) const ID: usize = 9;

/// The field of that name, newer or older. Spelt out, since it is asked for every field
/// of every report.
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

impl<'a> RawReport<'a> {
    /// Whether a field of that name is one.
    pub(super) fn knows(name: &str) -> bool {
        field_of(name).is_some()
    }

    /// Takes the value of the field of a name, or notes that nobody knows it.
    pub(super) fn take_named(&mut self, name: Cow<'a, str>, value: Scalar<'a>) {
        match field_of(&name) {
            Some(field) => self.take(field, value),
            None => drop(self.unknown.get_or_insert(name)),
        }
    }

    /// Takes the value of a field. One that is there already must say the same.
    fn take(&mut self, field: usize, value: Scalar<'a>) {
        // Digits that are a name may be sent as a number.
        let value = if matches!(field, PLMN | CELL)
            || matches!(field, REPORTER_ID | ID) && value.is_exact()
        {
            value.spelt_out()
        } else {
            value
        };
        match (&self.fields[field], &value) {
            (there, _) if there.is_blank() => self.fields[field] = value,
            (_, more) if more.is_blank() => {}
            (there, more)
                if there.says_the_same_as(more)
                    || field == SYMPTOM && are_one_symptom(there, more) => {}
            _ => self.twice = Some(FIELDS[field]),
        }
    }
}

fn are_one_symptom(one: &Scalar<'_>, other: &Scalar<'_>) -> bool {
    let (Scalar::Text(one), Scalar::Text(other)) = (one, other) else { return false };
    let known = |word: &str| match symptom_word::meaning(word) {
        symptom_word::Meaning::Known(symptom) => Some(symptom),
        _ => None,
    };
    known(one).is_some_and(|symptom| known(other) == Some(symptom))
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
            if let Some(field) = field_of(&name) {
                report.take(field, map.next_value::<Scalar<'de>>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
                report.unknown.get_or_insert(name);
            }
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
