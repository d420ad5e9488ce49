//! The committed OpenAPI document is the one the code describes, in the names of
//! docs/names.md, with open words in answers.

use serde_json::Value;
use std::collections::BTreeSet;

const NAMES: &str = include_str!("../docs/names.md");

#[test]
fn the_committed_document_is_the_one_the_code_describes() {
    let emitted = groundswell::http::openapi::document().to_pretty_json().unwrap();
    let committed = include_str!("../openapi/openapi.json");
    assert!(
        committed.trim_end() == emitted,
        "the HTTP interface changed: run `make openapi` and commit openapi/openapi.json with the \
         change"
    );
}

#[test]
fn no_old_name_is_left() {
    let (old, now) = (old_names(), names_of(&document()));
    assert!(old.len() > 80 && now.len() > 200, "{} old names, {} now", old.len(), now.len());
    let left: Vec<&String> = old.intersection(&now).collect();
    assert_eq!(left, Vec::<&String>::new(), "docs/names.md says what these are called now");
}

#[test]
fn no_description_uses_an_old_name_as_one() {
    let (old, mut texts) = (old_names(), Vec::new());
    collect_descriptions(&document(), &mut texts);
    let left = texts.iter().flat_map(|text| {
        let is_left = |old: &&String| text.contains(&format!("`{old}`"));
        old.iter().filter(is_left).map(move |old| (old, text))
    });
    assert_eq!(left.collect::<Vec<_>>(), Vec::new());
}

#[test]
fn words_in_answers_are_open() {
    let document = document();
    let mut closed = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let mut seen = BTreeSet::new();
            let mut found = Vec::new();
            collect_closed(&document, &operation["responses"], &mut seen, &mut found);
            closed.extend(found.into_iter().map(|words| format!("{method} {path}: {words}")));
        }
    }
    assert_eq!(closed, Vec::<String>::new(), "list these schemas in src/http/open_words.rs");
}

#[test]
fn a_report_is_one_flat_object() {
    let document = document();
    let body = &document["components"]["schemas"]["ReportBody"];
    let keywords: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keywords, ["description", "example", "properties", "required", "type"]);
    for (name, property) in body["properties"].as_object().unwrap() {
        let is_plain = property["type"].is_string() || property["type"].is_array();
        assert!(is_plain && property.get("$ref").is_none(), "{name}: {property}");
    }
}

fn document() -> Value {
    serde_json::from_str(include_str!("../openapi/openapi.json")).unwrap()
}

/// Names in the first column of the tables, where they are old everywhere.
/// Old names that something else has now: `base` is what a style draws the map on, `usual`
/// how many reports an ordinary day brings where an outage would be noticed.
const USED_ANEW: [&str; 2] = ["base", "usual"];

fn old_names() -> BTreeSet<String> {
    let first = |line: &str| Some(line.strip_prefix("| `")?.split_once(" |")?.0.to_owned());
    let is_whole = |cell: &String| cell.ends_with('`') && !cell.contains(' ');
    let names = NAMES.lines().filter_map(first).filter(is_whole);
    let names = names.map(|cell| cell.trim_end_matches('`').to_owned());
    names.filter(|name| !USED_ANEW.contains(&&**name)).collect()
}

/// Names of schemas, properties and parameters, and words.
fn names_of(document: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect_names(document, &mut names);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    names.extend(schemas.keys().cloned());
    names
}

fn collect_names(value: &Value, names: &mut BTreeSet<String>) {
    let texts = |list: &Value| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    for (key, inner) in value.as_object().into_iter().flatten() {
        match key.as_str() {
            "properties" => names.extend(inner.as_object().unwrap().keys().cloned()),
            "enum" | "x-extensible-enum" => names.extend(texts(inner)),
            "name" if value["in"].is_string() => names.extend(inner.as_str().map(str::to_owned)),
            _ => {}
        }
        collect_names(inner, names);
    }
    for inner in value.as_array().into_iter().flatten() {
        collect_names(inner, names);
    }
}

fn collect_descriptions(value: &Value, texts: &mut Vec<String>) {
    for (key, inner) in value.as_object().into_iter().flatten() {
        if matches!(key.as_str(), "description" | "summary") {
            texts.extend(inner.as_str().map(str::to_owned));
        }
        collect_descriptions(inner, texts);
    }
    for inner in value.as_array().into_iter().flatten() {
        collect_descriptions(inner, texts);
    }
}

/// Enumerations of several words that an answer can reach.
fn collect_closed(
    document: &Value,
    value: &Value,
    seen: &mut BTreeSet<String>,
    closed: &mut Vec<String>,
) {
    if let Some(reference) = value["$ref"].as_str() {
        if seen.insert(reference.to_owned()) {
            let target = document.pointer(reference.trim_start_matches('#'));
            collect_closed(document, target.expect("a schema of the document"), seen, closed);
        }
        return;
    }
    if value["enum"].as_array().is_some_and(|words| words.len() > 1) {
        closed.push(value["enum"].to_string());
    }
    let inner = value.as_object().into_iter().flatten().filter(|(key, _)| *key != "example");
    for inner in inner.map(|(_, inner)| inner).chain(value.as_array().into_iter().flatten()) {
        collect_closed(document, inner, seen, closed);
    }
}
