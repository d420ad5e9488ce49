//! Who sees what: the setting that a store has, exact figures by key, and what a cache may
//! give to whom.

mod exact;
mod old_hours;
mod settings;
mod trial;

use groundswell::domain::grid::Resolution;
use groundswell::domain::privacy::asked::AskedRule;
use serde_json::{Value, json};

/// Answers that `exact` may be asked of; whether each says by which rule it was made.
const READS: [(&str, bool); 15] = [
    ("/v1/heatmap?provider=alpha", true),
    ("/v1/heatmap.columns.json?provider=alpha", true),
    ("/v1/heatmap.geojson?provider=alpha", true),
    ("/v1/heatmap.h3j?provider=alpha", true),
    ("/v1/heatmap.frames.json?provider=alpha", true),
    ("/v1/here?lat=43.65&lon=-79.38&provider=alpha", false),
    ("/v1/series?provider=alpha", true),
    ("/v1/providers?limit=2", true),
    ("/v1/providers/alpha?", true),
    ("/v1/incidents?limit=2", false),
    ("/v1/incidents.geojson?limit=2", false),
    ("/v1/spikes?limit=2", false),
    ("/v1/spikes.geojson?limit=2", false),
    ("/v1/cells/872b9bc5effffff?provider=alpha", false),
    ("/v1/incidents/0000000000000000?", false),
];

/// What is asked for: k, and the finest resolution.
fn asking(k: u8, finest: usize) -> AskedRule {
    AskedRule { k: Some(k), finest: Some(Resolution::ALL[finest]) }
}

/// The rule that an answer says it was made by.
fn rule_of(answer: &Value) -> Value {
    let head = if answer["metadata"].is_object() { &answer["metadata"] } else { answer };
    assert!(head.as_object().unwrap().contains_key("privacy"), "{answer}");
    head["privacy"].clone()
}

fn rule(k: u8, finest: u8) -> Value {
    json!({"k": k, "finest": finest})
}
