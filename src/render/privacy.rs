//! What readers may see, as answers tell it.

use super::time::rfc3339;
use crate::domain::access::table::Privacy;
use crate::domain::privacy::rule::Rule;
use serde::Serialize;
use utoipa::ToSchema;

/// By which rule an answer shows reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Privacy)]
pub struct RuleJson {
    /// Each number is about at least so many people; 1 hides nothing.
    #[schema(minimum = 1, maximum = 50, examples(3))]
    pub k: u8,
    /// No cell is finer than this H3 resolution.
    #[schema(minimum = 0, maximum = 8, examples(7))]
    pub finest: u8,
}

/// What readers may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PrivacySetting)]
pub struct PrivacyJson {
    /// The rule in force.
    #[serde(flatten)]
    pub rule: RuleJson,
    /// From when on.
    #[schema(format = DateTime, examples("2022-07-08T08:44:10Z"))]
    pub since: String,
    /// Whether an operator chose it; else it is what a new store begins with.
    #[schema(examples(true))]
    pub configured: bool,
}

/// What readers may see from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PrivacyChanged)]
pub struct PrivacyChangedJson {
    /// What is set now.
    #[serde(flatten)]
    pub now: PrivacyJson,
    /// What that means for what was recorded before, in sentences; none where nothing
    /// changed.
    #[schema(example = json!(["what was recorded until now is told by k = 5 still"]))]
    pub effects: Vec<String>,
}

impl From<Rule> for RuleJson {
    fn from(rule: Rule) -> Self {
        Self { k: rule.k, finest: rule.finest.number() }
    }
}

impl From<&Privacy> for PrivacyJson {
    fn from(privacy: &Privacy) -> Self {
        Self {
            rule: privacy.rules.latest().into(),
            since: rfc3339(privacy.since),
            configured: privacy.is_chosen,
        }
    }
}

impl PrivacyChangedJson {
    /// The answer of a change, before which this rule was in force, if any.
    #[must_use]
    pub fn of(before: Option<Rule>, now: &Privacy) -> Self {
        let rule = now.rules.latest();
        Self { now: now.into(), effects: effects(before.unwrap_or(rule), rule) }
    }
}

/// What a change of the rule means for what was recorded before.
fn effects(before: Rule, now: Rule) -> Vec<String> {
    let (k_before, k) = (before.k, now.k);
    let (finest_before, finest) = (before.finest.number(), now.finest.number());
    let sentences = [
        (k < k_before, format!("what was recorded until now is told by k = {k_before} still")),
        (
            k_before < k,
            format!(
                "what was recorded until now is told by k = {k} at once, and never finer again"
            ),
        ),
        (
            finest_before < finest,
            format!(
                "what was recorded until now is told in cells of resolution {finest_before} at the \
                 finest still"
            ),
        ),
        (
            finest < finest_before,
            format!(
                "what was recorded until now is told in cells of resolution {finest} at the finest \
                 at once, and never finer again"
            ),
        ),
        (
            before != now && now.is_off(),
            "k = 1 hides nothing: readers see where single people reported".to_owned(),
        ),
    ];
    sentences.into_iter().filter_map(|(holds, sentence)| holds.then_some(sentence)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Resolution;

    #[test]
    fn what_hides_less_speaks_for_the_future_and_what_hides_more_at_once() {
        let rule = |k, finest| Rule { k, finest: Resolution::ALL[finest] };
        let rows: [(Rule, Rule, &[&str]); 6] = [
            (rule(3, 7), rule(3, 7), &[]),
            (rule(5, 7), rule(3, 7), &["k = 5 still"]),
            (rule(3, 7), rule(5, 7), &["k = 5 at once"]),
            (rule(3, 7), rule(5, 8), &["k = 5 at once", "resolution 7 at the finest still"]),
            (rule(3, 7), rule(3, 6), &["resolution 6 at the finest at once"]),
            (rule(3, 7), rule(1, 7), &["k = 3 still", "hides nothing"]),
        ];
        for (before, now, expected) in rows {
            let told = effects(before, now);
            let are_told = told.iter().zip(expected).all(|(told, part)| told.contains(part));
            assert!(told.len() == expected.len() && are_told, "{before} -> {now}: {told:?}");
        }
    }
}
