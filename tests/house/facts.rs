//! Facts are read for an answer in one place, which shows them to whoever asks as they may
//! see them.

use super::source::{files_below, without_test_modules};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Calls of a store that give facts.
const CALLS: [&str; 4] = ["minutes", "minutes_at_rest", "hours", "shown_hours"];
/// Who may make them, and why.
const READERS: [(&str, &str); 8] = [
    ("src/engine/shown/reader.rs", "shows minutes as somebody may see them"),
    ("src/engine/shown/hours.rs", "shows hours as somebody may see them"),
    ("src/engine/shown/openness.rs", "finds where reports may be shown; reads firsts alone"),
    ("src/engine/shown/spoke.rs", "finds where incidents may be named; reads firsts alone"),
    ("src/engine/detector_pool.rs", "detectors go by exact facts; what they find is named apart"),
    ("src/engine/detection/figures.rs", "counts incidents, of which the public is told rounded"),
    ("src/engine/detection/restatement.rs", "dates incidents anew"),
    ("src/engine/source_series.rs", "an operator looks at what one app sent; needs admin"),
];

/// Files outside the store that read facts and are not on the list; and those that are and
/// do not.
pub fn faults() -> Vec<String> {
    let files = without_test_modules(files_below(&["src/engine", "src/http", "src/render"]));
    let reading: Vec<&String> =
        files.iter().filter(|(_, source)| reads_facts(source)).map(|(file, _)| file).collect();
    let may = |file: &str| READERS.iter().any(|(reader, _)| *reader == file);
    let not_listed = reading.iter().filter(|file| !may(file)).map(|file| {
        format!(
            "{file} reads facts of the store: read by engine::shown::reader::Reader, which shows \
             them as somebody may see them, or say in tests/house/facts.rs why not"
        )
    });
    let unused = READERS.iter().filter(|(reader, _)| !reading.iter().any(|file| file == reader));
    let unused = unused.map(|(reader, _)| format!("{reader} reads no facts: take it off the list"));
    not_listed.chain(unused).collect()
}

/// Whether a call of a store stands in this source: comments and strings say nothing.
pub fn reads_facts(source: &str) -> bool {
    let mut text = String::new();
    write_out(source.parse().expect("the file is Rust"), &mut text);
    let stores = ["store.", "store().", "for_store."];
    let mut calls = stores.iter().flat_map(|store| CALLS.map(|call| format!("{store}{call}(")));
    calls.any(|call| text.contains(&call))
}

/// Names and signs, without what separates them.
fn write_out(tokens: TokenStream, text: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let is_call = group.delimiter() == Delimiter::Parenthesis;
                text.push_str(if is_call { "(" } else { " " });
                write_out(group.stream(), text);
                text.push_str(if is_call { ")" } else { " " });
            }
            TokenTree::Ident(name) => text.push_str(&name.to_string()),
            TokenTree::Punct(sign) => text.push(sign.as_char()),
            TokenTree::Literal(_) => text.push(' '),
        }
    }
}
