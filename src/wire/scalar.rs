//! A JSON value where a field should be: whatever it is, so that a wrong one is named
//! rather than the whole line refused.

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The largest number up to which a double holds every whole one.
const EXACT: u64 = 1 << 53;

/// A JSON value where a field should be.
#[derive(Debug, Default, Clone)]
pub enum Scalar<'a> {
    /// Nothing is there, or null.
    #[default]
    Missing,
    /// A string.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// A whole number that a double would not hold exactly.
    Large(u64),
    /// True or false.
    Boolean(bool),
    /// Something else, by its name.
    Other(&'static str),
}

impl Scalar<'_> {
    /// The number it is or spells; none where that is no finite one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Number(number) => *number,
            Self::Large(number) => *number as f64,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Missing | Self::Boolean(_) | Self::Other(_) => return None,
        };
        number.is_finite().then_some(number)
    }

    /// Whether it spells a number that is not finite: `NaN`, `Infinity`, `1e999`.
    #[must_use]
    pub(super) fn is_not_finite(&self) -> bool {
        let Self::Text(text) = self else { return false };
        let is_infinite = || matches!(text.trim(), "∞" | "-∞");
        is_infinite() || text.trim().parse::<f64>().is_ok_and(|number| !number.is_finite())
    }

    /// Whether nothing is there, or a blank.
    #[must_use]
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Missing) || matches!(self, Self::Text(text) if text.trim().is_empty())
    }

    /// Whether no digit of it was lost: a number beyond 64 bits is held as a double, and
    /// others are held as the same.
    #[must_use]
    pub(super) fn is_exact(&self) -> bool {
        !matches!(self, Self::Number(number) if EXACT as f64 <= number.abs())
    }

    /// The same as a string, where it is a number: for fields whose digits are a name.
    #[must_use]
    pub fn spelt_out(self) -> Self {
        match self {
            Self::Number(_) | Self::Large(_) => Self::Text(self.got().into()),
            other => other,
        }
    }

    /// Whether both say the same, written as a string or as a number.
    #[must_use]
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        let text = |scalar: &Self| match scalar {
            Self::Text(text) => Some(text.trim().to_owned()),
            Self::Number(_) | Self::Large(_) => Some(scalar.got()),
            Self::Boolean(value) => Some(value.to_string()),
            Self::Missing | Self::Other(_) => None,
        };
        text(self).is_some_and(|text_of_self| text(other) == Some(text_of_self))
    }

    /// What it is, as a message tells it.
    #[must_use]
    pub fn got(&self) -> String {
        match self {
            Self::Missing => "nothing".into(),
            Self::Text(text) => format!("{text:?}"),
            Self::Number(number) => number.to_string(),
            Self::Large(number) => number.to_string(),
            Self::Boolean(_) => "a boolean".into(),
            Self::Other(name) => (*name).into(),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(if number <= EXACT { Scalar::Number(number as f64) } else { Scalar::Large(number) })
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Boolean(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        drain(seq)?;
        Ok(Scalar::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("an object"))
    }
}

/// A string, borrowed where it has no escapes.
pub(super) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Text(text) => Ok(text),
            _ => Err(de::Error::custom("a name of a field must be a string")),
        }
    }
}

/// Reads a list to its end.
pub(super) fn drain<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}
