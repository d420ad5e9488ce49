//! What is wrong with a report that was sent, field by field.

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Of which kind.
    pub kind: FaultKind,
    /// Which field.
    pub field: &'static str,
    /// What it must be.
    pub expected: String,
    /// What it is, however long.
    pub got: String,
}

/// Kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// JSON of another shape than a report's.
    MalformedBody,
    /// A field that must be there is not.
    MissingField,
    /// A field has a value that it cannot have.
    InvalidValue,
    /// No provider of that name takes reports here.
    UnknownProvider,
}

impl Fault {
    /// What is wrong with a field.
    pub fn new(
        kind: FaultKind,
        field: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self { kind, field, expected: expected.into(), got: got.into() }
    }
}
