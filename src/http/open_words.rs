//! Words in answers are open: a later version may add one, and no client may break at it.

use utoipa::Modify;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{OpenApi, RefOr};

/// Schemas of the words that answers hold, and what a client does with a word that it
/// does not know.
const WORDS: [(&str, &str); 15] = [
    ("AreaKind", "show the area without its kind"),
    ("AttributionVerdict", "show the figures without a verdict"),
    ("AuditActor", "show it as it is"),
    ("AuditChange", "show it as it is"),
    ("CoverageState", "take it for not known"),
    ("EndingType", "the incident is over"),
    ("EventType", "show `text`"),
    ("KeyScope", "show it as it is"),
    ("IncidentState", "the incident is open where `resolved_at` is null, else over"),
    ("ProblemCode", "go by `status` and `retryable`"),
    ("ProviderCategory", "show the provider without a category"),
    ("ProviderStatus", "treat it as `unknown`"),
    ("ReportOutcome", "do not send the report again, unless `retryable` is true"),
    ("Symptom", "treat it as `other`"),
    ("ThresholdOrigin", "go by `score_threshold`"),
];

/// Makes an enumeration of words a string, with the words in `x-extensible-enum`.
///
/// Generators of clients make a plain string of that. An `enum` they make a closed type
/// that fails at a new word; `anyOf` of both becomes a type of its own in several
/// languages.
pub struct OpenWords;

impl Modify for OpenWords {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.as_mut().expect("answers have schemas");
        for (name, advice) in WORDS {
            let schema = components.schemas.get_mut(name);
            let Some(RefOr::T(Schema::Object(word))) = schema else {
                panic!("{name} must be a schema of words")
            };
            open(word, advice);
        }
    }
}

fn open(word: &mut Object, advice: &str) {
    let words = word.enum_values.take().expect("words are an enumeration until here");
    let listed: Vec<String> =
        words.iter().filter_map(|word| word.as_str()).map(|word| format!("`{word}`")).collect();
    let meaning = word.description.take().unwrap_or_default();
    word.description = Some(format!(
        "{meaning} One of {}, or another word of a later version: {advice}.",
        listed.join(", ")
    ));
    word.extensions = Some(ExtensionsBuilder::new().add("x-extensible-enum", words).build());
}
