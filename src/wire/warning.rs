//! What the sender of a report should know though the report is taken: what was passed
//! over, and why it counts less.

use crate::domain::word_enum::word_enum;

/// Of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Of which kind.
    pub kind: WarningKind,
    /// A sentence for the app's developer.
    pub text: String,
}

/// Kinds of warnings, as operators count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningKind {
    /// A symptom that nobody knows counts as `other`.
    UnknownSymptom,
    /// A symptom that may mean `working`, or not: the report counts nowhere.
    UnclearSymptom,
    /// A field that nobody knows is ignored.
    UnknownField,
    /// A reporter id that many phones send.
    SharedId,
    /// A position that says that there is none.
    NoPosition,
    /// An accuracy that says that there is none.
    NoAccuracy,
    /// A network code, or a provider, that says that there is none.
    Placeholder,
    /// A `Sent-At` that cannot be read.
    UnreadableSentAt,
}

word_enum! {
    WarningKind:
    UnknownSymptom = "unknown_symptom",
    UnclearSymptom = "unclear_symptom",
    UnknownField = "unknown_field",
    SharedId = "shared_id",
    NoPosition = "no_position",
    NoAccuracy = "no_accuracy",
    Placeholder = "placeholder",
    UnreadableSentAt = "unreadable_sent_at",
}

impl Warning {
    /// A warning of that kind.
    pub fn new(kind: WarningKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// All of them as one text; none where there are none.
    #[must_use]
    pub fn joined(warnings: &[Self]) -> Option<String> {
        let texts: Vec<&str> = warnings.iter().map(|warning| &*warning.text).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}
