//! One JSON object of a file, field by field: a fault names the file, the object and the
//! field.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::Path;

/// Why a set, or incidents for it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// The file cannot be opened or read.
    #[error("{file}: {source}")]
    Unreadable {
        /// Which.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no JSON, or not of the shape that was expected.
    #[error("{place}: {reason}")]
    Shape {
        /// File, and the line or entry within.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A field is missing, or is not what it should be.
    #[error("{place}: field {field:?} {reason}")]
    Field {
        /// File, and the line or entry within.
        place: String,
        /// Which field.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// An object, and where it was found.
#[derive(Debug)]
pub struct Entry {
    place: String,
    fields: Map<String, Value>,
}

impl Entry {
    /// The object of a text, found at `place`.
    pub fn parse(place: String, text: &str) -> Result<Self, SetError> {
        match serde_json::from_str(text) {
            Ok(fields) => Ok(Self { place, fields }),
            Err(error) => {
                Err(SetError::Shape { place, reason: format!("expected a JSON object: {error}") })
            }
        }
    }

    /// The objects of a file that holds an array of them.
    pub fn all_of(path: &Path) -> Result<Vec<Self>, SetError> {
        let file = path.display();
        let text = read(path)?;
        let objects: Vec<Map<String, Value>> =
            serde_json::from_str(&text).map_err(|error| SetError::Shape {
                place: file.to_string(),
                reason: format!("expected a JSON array of objects: {error}"),
            })?;
        let entry = |(n, fields)| Self { place: format!("{file}, entry {n}"), fields };
        Ok((1..).zip(objects).map(entry).collect())
    }

    /// A field that must be there.
    pub fn required<T: DeserializeOwned>(&self, field: &'static str) -> Result<T, SetError> {
        self.optional(field)?.ok_or_else(|| self.fault(field, "is missing"))
    }

    /// A field that may be absent or null.
    pub fn optional<T: DeserializeOwned>(
        &self,
        field: &'static str,
    ) -> Result<Option<T>, SetError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value)
                .map(Some)
                .map_err(|error| self.fault(field, format!("cannot be used: {error}"))),
        }
    }

    /// A fault of a field.
    pub fn fault(&self, field: &'static str, reason: impl Into<String>) -> SetError {
        SetError::Field { place: self.place.clone(), field, reason: reason.into() }
    }
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, SetError> {
    std::fs::read_to_string(path)
        .map_err(|source| SetError::Unreadable { file: path.display().to_string(), source })
}
