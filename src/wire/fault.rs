//! What is wrong with what was sent, field by field.

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
    /// No JSON.
    MalformedJson,
    /// JSON of another shape.
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

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} must be {}, got {}", self.field, self.expected, self.got)
    }
}
