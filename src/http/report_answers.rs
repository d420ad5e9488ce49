//! What became of reports, as their senders are told.

use super::error::{Code, FieldError, Problem};
use crate::domain::report::Report;
use crate::render::time::rfc3339;
use crate::store::Recorded;
use crate::wire::warning::Warning;
use serde::Serialize;
use utoipa::ToSchema;

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportResult)]
pub struct ReportAnswer {
    /// Whether it counts, or its reporter already did.
    outcome: OutcomeWord,
    /// The H3 cell it counts in; left out where it counts in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "882b9bc293fffff")]
    cell: Option<String>,
    /// The minute it counts in, corrected for the sender's clock; left out where it
    /// counts nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2022-07-08T08:44:00Z", format = DateTime)]
    observed_at: Option<String>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "r-1")]
    id: Option<String>,
    /// What was passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "unknown field \"battery\" is ignored")]
    warning: Option<String>,
    /// True where the key is for tests: the report was judged as any other, and counts
    /// nowhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    test: bool,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportOutcome)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeWord {
    /// It counts, and is on the disk.
    Counted,
    /// This reporter already counts for this provider, claim and period of two hours.
    Duplicate,
    /// It counts nowhere, since its symptom may mean that it works, or that it does not:
    /// `warning` says what to send instead.
    Ignored,
    /// It is at fault and does not count; the others do.
    Rejected,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResult)]
pub struct BatchAnswer {
    /// Items that count.
    #[schema(example = 2)]
    counted: usize,
    /// Items whose reporter already counts.
    #[schema(example = 0)]
    duplicate: usize,
    /// Items that count nowhere, since it is not clear what they say.
    #[schema(example = 0)]
    ignored: usize,
    /// Items at fault.
    #[schema(example = 1)]
    rejected: usize,
    /// What was passed over in items that are not listed, if anything: how many, and the
    /// first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        example = "2 items, the first at 0: unknown field \"battery\" is ignored"
    )]
    warning: Option<String>,
    /// True where the key is for tests: the items were judged as any others, and count
    /// nowhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    test: bool,
    /// Items that were not counted, in input order; with `results=all` all of them.
    results: Vec<ItemResult>,
}

/// What became of one item.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemResult {
    /// Its place in the batch, from 0; blank lines are not counted.
    #[schema(example = 2)]
    index: usize,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "r-3")]
    id: Option<String>,
    /// What became of it.
    outcome: OutcomeWord,
    /// Why it is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<Code>,
    /// Whether the same item may count later. If not, drop it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retryable: Option<bool>,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "lat")]
    field: Option<String>,
    /// What it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "a number: degrees north, -90..=90")]
    expected: Option<String>,
    /// What was passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    warning: Option<String>,
}

/// What the answer must say of an item. Two words for the common one, which is sound and
/// carries nothing.
pub enum Item {
    /// It is recorded.
    Sound(Option<Box<Labels>>),
    /// It counts nowhere.
    Ignored(Box<Labels>),
    /// It is at fault.
    Faulty(Box<Fault>),
}

/// What an item carries.
pub struct Labels {
    /// The caller's own id.
    pub id: Option<String>,
    /// What its sender should know.
    pub warning: Option<String>,
}

/// Why an item is at fault.
pub struct Fault {
    id: Option<String>,
    code: Code,
    error: Option<FieldError>,
}

impl Item {
    /// One that is at fault.
    #[must_use]
    pub fn faulty(id: Option<String>, problem: &Problem) -> Self {
        Self::Faulty(Box::new(Fault {
            id,
            code: problem.code(),
            error: problem.errors().first().cloned(),
        }))
    }
}

impl BatchAnswer {
    /// The answer about these items, of which the sound ones have these outcomes.
    #[must_use]
    pub fn of(items: Vec<Item>, outcomes: &[Recorded], list_all: bool) -> Self {
        let mut answer = Self {
            counted: 0,
            duplicate: 0,
            ignored: 0,
            rejected: 0,
            warning: None,
            test: false,
            results: Vec::new(),
        };
        let (mut outcomes, mut unlisted, mut first_warning) = (outcomes.iter(), 0, None);
        for (index, item) in items.into_iter().enumerate() {
            let result = match item {
                Item::Faulty(fault) => ItemResult::rejected(index, *fault),
                Item::Ignored(labels) => {
                    ItemResult::recorded(index, OutcomeWord::Ignored, Some(labels))
                }
                Item::Sound(labels) => {
                    let outcome =
                        outcomes.next().copied().map_or(OutcomeWord::Rejected, OutcomeWord::from);
                    ItemResult::recorded(index, outcome, labels)
                }
            };
            match result.outcome {
                OutcomeWord::Counted => answer.counted += 1,
                OutcomeWord::Duplicate => answer.duplicate += 1,
                OutcomeWord::Ignored => answer.ignored += 1,
                OutcomeWord::Rejected => answer.rejected += 1,
            }
            if list_all || result.outcome != OutcomeWord::Counted {
                answer.results.push(result);
            } else if let Some(warning) = result.warning {
                unlisted += 1;
                first_warning.get_or_insert((index, warning));
            }
        }
        answer.warning = first_warning
            .map(|(index, warning)| format!("{unlisted} items, the first at {index}: {warning}"));
        answer
    }

    /// The same with what is said of the request, and whether it counts at all.
    #[must_use]
    pub fn with(self, of_request: Option<Warning>, is_test: bool) -> Self {
        Self { warning: joined(of_request, self.warning), test: is_test, ..self }
    }
}

impl ReportAnswer {
    /// The answer about a report; none where it counts nowhere.
    #[must_use]
    pub fn of(
        outcome: OutcomeWord,
        report: Option<Report>,
        id: Option<String>,
        warning: Option<String>,
    ) -> Self {
        let cell = report.map(|report| report.cell).filter(|cell| !cell.is_nowhere());
        let observed_at = report.map(|report| rfc3339(report.observed.minute.start()));
        Self {
            outcome,
            cell: cell.map(|cell| cell.to_string()),
            observed_at,
            id,
            warning,
            test: false,
        }
    }

    /// The same with what is said of the request, and whether it counts at all.
    #[must_use]
    pub fn with(self, of_request: Option<Warning>, is_test: bool) -> Self {
        Self { warning: joined(of_request, self.warning), test: is_test, ..self }
    }
}

impl ItemResult {
    fn rejected(index: usize, fault: Fault) -> Self {
        let Fault { id, code, error } = fault;
        let (field, expected) = error.map(|error| (error.field, error.expected)).unzip();
        let retryable = Some(code.is_retryable());
        Self {
            index,
            id,
            outcome: OutcomeWord::Rejected,
            code: Some(code),
            retryable,
            field,
            expected,
            warning: None,
        }
    }

    fn recorded(index: usize, outcome: OutcomeWord, labels: Option<Box<Labels>>) -> Self {
        let (id, warning) = labels.map_or((None, None), |labels| (labels.id, labels.warning));
        Self {
            index,
            id,
            outcome,
            code: None,
            retryable: None,
            field: None,
            expected: None,
            warning,
        }
    }
}

impl From<Recorded> for OutcomeWord {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Counted => Self::Counted,
            Recorded::Duplicate => Self::Duplicate,
        }
    }
}

/// What is said of the request, then of what is in it.
fn joined(of_request: Option<Warning>, of_reports: Option<String>) -> Option<String> {
    let texts: Vec<String> =
        of_request.map(|warning| warning.text).into_iter().chain(of_reports).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
