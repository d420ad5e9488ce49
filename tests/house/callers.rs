//! Every route looks at who calls: its handler takes a caller as an argument, so that
//! nobody can forget to ask.

use super::source::files_below;
use std::collections::BTreeMap;

/// Types that say who calls, and that they may.
const CALLERS: [&str; 4] = ["Reporting", "Reading", "Administering", "Scraping"];
/// Handlers that answer everybody: the front page, probes, documents, and paths that are
/// none.
const FOR_EVERYBODY: [&str; 8] = [
    "pages::front",
    "pages::healthz",
    "pages::readyz",
    "pages::openapi",
    "pages::docs_moved",
    "pages::docs",
    // On an address of its own, which the operator chose.
    "pages::metrics_apart",
    "heatmap::unknown_format",
];

/// Handlers that the table of routes names, and what is wrong with each.
pub fn faults() -> Vec<String> {
    let files: BTreeMap<String, String> = files_below(&["src/http"]).into_iter().collect();
    let handlers = handlers_in(&files["src/http/routes.rs"]);
    assert!(handlers.len() > 25, "only {handlers:?} were found in src/http/routes.rs");
    handlers.iter().filter_map(|handler| fault_of(handler, &files)).collect()
}

/// The functions that answer routes, as `module::name`.
fn handlers_in(routes: &str) -> Vec<String> {
    let after = |opening: &'static str| {
        routes.split(opening).skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
    };
    let named = after("web::to(").chain(after(".to("));
    named.filter(|handler| handler.contains("::") && !handler.contains(' ')).collect()
}

fn fault_of(handler: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let (module, name) = handler.split_once("::")?;
    let file = format!("src/http/{module}.rs");
    let source = files.get(&file).unwrap_or_else(|| panic!("{handler} stands in {file}"));
    let opening = format!("pub async fn {name}(");
    let (_, rest) = source.split_once(&opening).unwrap_or_else(|| panic!("{handler} in {file}"));
    let arguments = rest.split_once(')').map_or("", |(arguments, _)| arguments);
    let takes_caller = CALLERS.iter().any(|caller| arguments.contains(&format!(": {caller}")));
    match (takes_caller, FOR_EVERYBODY.contains(&handler)) {
        (false, false) => Some(format!(
            "{file}: {name} answers a route and does not ask who calls: take one of {} as an \
             argument (src/http/caller.rs)",
            CALLERS.join(", ")
        )),
        (true, true) => Some(format!("{file}: {name} asks who calls: take it out of the list")),
        _ => None,
    }
}
