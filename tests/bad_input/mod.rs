//! What clients must not send is answered by a problem with a stable code that names the
//! field: never by a 500, never by silence.

mod bodies;
mod fields;
mod parameters;

use crate::support::client::Answer;
use serde_json::json;

const JSON: (&str, &str) = ("Content-Type", "application/json");
const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");

/// Checks that an answer is a problem of that status and code, about that field; an empty
/// name stands for no field.
#[track_caller]
fn check(answer: &Answer, status: u16, code: &str, field: &str, request: &str) {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, Some("application/problem+json")),
        "{request}: {answer}"
    );
    let problem = answer.json();
    let first = problem["errors"][0]["field"].as_str().unwrap_or_default();
    assert_eq!((problem["code"].as_str(), first), (Some(code), field), "{request}: {answer}");
    assert_eq!(
        (&problem["status"], &problem["retryable"]),
        (&json!(status), &json!(status == 503)),
        "{request}: {answer}"
    );
    assert!(
        ["type", "title", "detail"]
            .iter()
            .all(|member| problem[member].as_str().is_some_and(|text| !text.is_empty())),
        "{answer}"
    );
    assert!(
        answer.header("x-request-id").is_some(),
        "{request}: a request that failed has an id too"
    );
}
