//! Holds the house to its plan: arrows between rooms point down only, and what belongs in
//! one place stands in no other.
//!
//! Reads tokens, not text, so comments and strings say nothing. Code under `#[cfg(test)]`
//! may use whatever it likes.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::path::{Path, PathBuf};

/// Each room (a module of the crate's root), and the rooms that it may use.
const ROOMS: [(&str, &[&str]); 12] = [
    ("main", &["cli"]),
    (
        "cli",
        &[
            "config",
            "catalogue",
            "http",
            "render",
            "notify",
            "engine",
            "gazetteer",
            "wire",
            "store",
            "domain",
        ],
    ),
    ("config", &["domain"]),
    ("catalogue", &["domain"]),
    ("http", &["render", "notify", "engine", "gazetteer", "wire", "store", "domain"]),
    ("notify", &["engine", "store", "domain"]),
    ("engine", &["gazetteer", "wire", "store", "domain"]),
    ("gazetteer", &["domain"]),
    ("wire", &["domain"]),
    ("store", &["domain"]),
    ("render", &["domain"]),
    ("domain", &[]),
];

/// A name that stands in some files only.
struct Absence {
    /// The name, as consecutive segments of a path.
    name: &'static [&'static str],
    /// Where it must not stand.
    absent_from: fn(&str) -> bool,
    /// What to do instead.
    instead: &'static str,
}

const ABSENCES: [Absence; 15] = [
    Absence {
        name: &["h3o"],
        absent_from: |file| file != "src/domain/grid.rs",
        instead: "h3o is named in src/domain/grid.rs only: give Cell or Resolution the method \
             that is missing",
    },
    Absence {
        name: &["StatusCode"],
        absent_from: |file| file != "src/http/error.rs",
        instead: "statuses of failures stand in the table of src/http/error.rs only: return its \
             error, or build a success by HttpResponse::Ok()",
    },
    Absence {
        name: &["SystemTime"],
        absent_from: |file| !file.starts_with("src/engine/"),
        instead: "only the engine holds a clock: take `now` as an argument",
    },
    in_domain(&["async"], "the domain is arithmetic: wait in the engine or the store"),
    in_domain(&["tokio"], "the domain is arithmetic: wait in the engine or the store"),
    in_domain(&["actix_web"], "the domain knows no HTTP: translate in src/http"),
    in_domain(
        &["serde"],
        "wire and disk formats stay at the border: put a DTO into src/http, or a codec into \
         src/store",
    ),
    in_domain(
        &["Serialize"],
        "wire and disk formats stay at the border: put a DTO into src/http, or a codec into \
         src/store",
    ),
    in_domain(
        &["Deserialize"],
        "wire and disk formats stay at the border: put a DTO into src/http, or a codec into \
         src/store",
    ),
    in_domain(&["ToSchema"], "the documented types are the DTOs of src/http"),
    in_domain(
        &["tracing"],
        "the domain does not log: return what happened, and log it where it is handled",
    ),
    in_domain(
        &["std", "fs"],
        "the domain does no I/O: read in src/cli or src/store, and pass the bytes in",
    ),
    in_domain(&["std", "net"], "the domain does no I/O: it has no use for addresses"),
    in_domain(
        &["std", "io"],
        "the domain does no I/O: return values, and write them in src/render or src/store",
    ),
    in_domain(&["Instant"], "the domain asks no clock: take `now` as an argument"),
];

const fn in_domain(name: &'static [&'static str], instead: &'static str) -> Absence {
    Absence { name, absent_from: |file| file.starts_with("src/domain/"), instead }
}

#[test]
fn the_house_stands_as_planned() {
    let files = sources();
    assert!(
        files.len() > 10,
        "only {} files were found under src: is the test looking in the wrong place?",
        files.len()
    );
    let faults: Vec<String> =
        files.iter().flat_map(|(file, source)| faults_in(file, source)).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn an_arrow_that_points_up_is_seen() {
    let rows = [
        ("src/domain/view.rs", "use crate::store::Store;", true),
        ("src/domain/view.rs", "fn f() { let x = 1; crate::engine::go(x) }", true),
        ("src/domain/view.rs", "use super::super::store::Store;", true),
        (
            "src/domain/view.rs",
            "use super::fact::Tally; use crate::domain::grid::{self, Cell};",
            false,
        ),
        ("src/store/mod.rs", "use crate::{domain::grid, engine::Engine};", true),
        ("src/store/embedded/log.rs", "use super::super::super::http::error;", true),
        (
            "src/store/embedded/log.rs",
            "use crate::domain::{fact, grid::{Cell, Resolution}}; use super::super::Store;",
            false,
        ),
        ("src/render/json.rs", "use crate::engine::Views;", true),
        (
            "src/engine/mod.rs",
            "/// See [`crate::http`].\nuse crate::store::Store; // crate::cli",
            false,
        ),
        ("src/engine/mod.rs", "const TEXT: &str = \"crate::http\";", false),
        ("src/engine/mod.rs", "use crate::config::Config;", true),
        ("src/engine/replay/sent.rs", "use crate::wire::report::RawReport;", false),
        ("src/wire/report.rs", "use crate::http::error::Code;", true),
        ("src/engine/watch.rs", "use crate::gazetteer::name_of;", false),
        ("src/gazetteer/city.rs", "use crate::engine::Views;", true),
        ("src/domain/view.rs", "use crate::gazetteer::cities;", true),
        (
            "src/http/mod.rs",
            "use crate::{engine, render::geojson, store, domain::time::Minute};",
            false,
        ),
        ("src/http/mod.rs", "use crate::cli::Serve;", true),
        ("src/main.rs", "fn main() { groundswell::cli::main() }", false),
        ("src/main.rs", "use groundswell::store::Store;", true),
        ("src/domain/view.rs", "#[cfg(test)] mod tests { use crate::store::Store; }", false),
        (
            "src/domain/view.rs",
            "#[cfg(test)] #[expect(unused)] use crate::store::Store; use crate::http::error;",
            true,
        ),
        ("src/domain/view.rs", "use crate::cellar::Wine;", true),
        ("src/cellar/mod.rs", "use crate::domain::view::View;", true),
    ];
    check(&rows);
}

#[test]
fn a_name_in_the_wrong_place_is_seen() {
    let rows = [
        ("src/domain/outline.rs", "use h3o::CellIndex;", true),
        ("src/domain/grid.rs", "use h3o::CellIndex;", false),
        ("src/domain/view.rs", "pub async fn build() {}", true),
        ("src/domain/view.rs", "#[derive(Debug, Serialize)] struct View;", true),
        ("src/domain/view.rs", "#[serde(rename_all = \"snake_case\")] struct View;", true),
        ("src/domain/view.rs", "fn f() { tracing::info!(\"built\") }", true),
        ("src/domain/view.rs", "use std::{collections::HashMap, fs};", true),
        ("src/domain/view.rs", "use std::collections::HashMap; struct Fs { fs: u8 }", false),
        ("src/domain/view.rs", "fn f() { let t = std::time::Instant::now(); }", true),
        ("src/domain/view.rs", "/// Not async, no serde.\nstruct View;", false),
        ("src/http/reports.rs", "use actix_web::http::StatusCode;", true),
        (
            "src/http/reports.rs",
            "fn f() -> HttpResponse { HttpResponse::Accepted().finish() }",
            false,
        ),
        ("src/http/error.rs", "use actix_web::http::StatusCode;", false),
        ("src/store/mod.rs", "fn f() { std::time::SystemTime::now() }", true),
        ("src/engine/clock.rs", "fn f() { std::time::SystemTime::now() }", false),
    ];
    check(&rows);
}

#[test]
fn a_fault_says_where_and_what_to_do() {
    let faults = faults_in(
        "src/render/json.rs",
        "use crate::domain::view::View;\nuse crate::engine::Views;\n",
    );
    assert_eq!(
        faults,
        ["src/render/json.rs:2: render uses crate::engine, but may use only domain: move the \
             code to a room above both, or pass in what it needs"]
    );
}

#[track_caller]
fn check(rows: &[(&str, &str, bool)]) {
    for (file, source, faulty) in rows {
        let faults = faults_in(file, source);
        assert_eq!(!faults.is_empty(), *faulty, "{file}: {source}\n{faults:?}");
    }
}

/// What is wrong with a file, one sentence each.
fn faults_in(file: &str, source: &str) -> Vec<String> {
    let tokens = without_tests(parse(file, source));
    let mut paths = Vec::new();
    read_paths(tokens, &[], &mut paths);
    let faults = paths
        .iter()
        .flat_map(|path| arrow_fault(file, path).into_iter().chain(absence_faults(file, path)));
    faults.collect()
}

fn arrow_fault(file: &str, path: &Named) -> Option<String> {
    let modules = modules_of(file);
    let room = *modules.first()?;
    let used = root_module(&modules, path)?;
    if used == room {
        return None;
    }
    let place = format!("{file}:{}", path.line);
    let Some((_, may_use)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return Some(format!(
            "{place}: {room} is a room that no plan knows: give it a line in ROOMS of \
             tests/house.rs, and in ARCHITECTURE.md"
        ));
    };
    let list = if may_use.is_empty() {
        "nothing".to_owned()
    } else {
        format!("only {}", may_use.join(", "))
    };
    let sentence = format!(
        "{place}: {room} uses crate::{used}, but may use {list}: move the code to a room above \
         both, or pass in what it needs"
    );
    (!may_use.contains(&used)).then_some(sentence)
}

fn absence_faults(file: &str, path: &Named) -> Vec<String> {
    let stands = |absence: &&Absence| {
        (absence.absent_from)(file)
            && path
                .segments
                .windows(absence.name.len())
                .any(|part| part.iter().eq(absence.name.iter()))
    };
    let fault = |absence: &Absence| {
        format!("{file}:{}: names {}: {}", path.line, absence.name.join("::"), absence.instead)
    };
    ABSENCES.iter().filter(stands).map(fault).collect()
}

/// The module of the crate's root that a path leads to, if it leads through the root at
/// all.
fn root_module<'a>(modules: &[&'a str], path: &'a Named) -> Option<&'a str> {
    let segments = &path.segments;
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    let after_root = match segments.first()?.as_str() {
        "crate" => 1,
        "groundswell" if modules == ["main"] => 1,
        "super" if ups >= modules.len() => ups,
        _ => return None,
    };
    segments.get(after_root).map(String::as_str)
}

/// The path of modules down to a file; none for `lib.rs`, which is the map of all of
/// them.
fn modules_of(file: &str) -> Vec<&str> {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    inside.split('/').filter(|part| !["mod", "lib"].contains(part)).collect()
}

/// A path as it stands in the source, use-trees unfolded. A bare word is a path of one
/// segment.
struct Named {
    line: usize,
    segments: Vec<String>,
}

fn read_paths(tokens: TokenStream, prefix: &[String], paths: &mut Vec<Named>) {
    let mut open = false;
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                colons += 1;
                continue;
            }
            TokenTree::Ident(ident) => {
                let continued = if open && colons == 2 { paths.pop() } else { None };
                let mut segments = continued.map_or_else(|| prefix.to_vec(), |path| path.segments);
                segments.push(ident.to_string());
                paths.push(Named { line: ident.span().start().line, segments });
                open = true;
            }
            TokenTree::Group(group) => {
                let use_tree = open && colons == 2 && group.delimiter() == Delimiter::Brace;
                let stem = if use_tree { paths.pop().map(|path| path.segments) } else { None };
                read_paths(group.stream(), &stem.unwrap_or_default(), paths);
                open = false;
            }
            _ => open = false,
        }
        colons = 0;
    }
}

/// The tokens without the items, and the groups within them, that stand under
/// `#[cfg(test)]`.
fn without_tests(tokens: TokenStream) -> TokenStream {
    let mut kept = Vec::new();
    let mut skipping = false;
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let starts_test = is_punct(&tree, '#') && trees.peek().is_some_and(is_cfg_test);
        skipping |= starts_test;
        if skipping {
            let attribute = is_punct(&tree, '#').then(|| trees.next()).flatten();
            let ends = is_punct(&tree, ';')
                || matches!(&tree, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace);
            skipping = attribute.is_some() || !ends;
            continue;
        }
        kept.push(match tree {
            TokenTree::Group(group) => {
                let mut inner =
                    proc_macro2::Group::new(group.delimiter(), without_tests(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        });
    }
    kept.into_iter().collect()
}

fn is_punct(tree: &TokenTree, c: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == c)
}

fn is_cfg_test(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.to_string().replace(' ', "") == "[cfg(test)]")
}

fn parse(file: &str, source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{file} is not Rust: {error}"))
}

/// Every file under `src` with its text, but for modules declared as `#[cfg(test)] mod
/// name;`.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let name = |path: &PathBuf| {
        path.strip_prefix(root).expect("src lies below the root").display().to_string()
    };
    let sources: Vec<(String, String)> =
        files.iter().map(|path| (name(path), read(path))).collect();
    let only_tests: Vec<String> =
        sources.iter().flat_map(|(file, source)| test_modules(file, source)).collect();
    let in_tests = |file: &str| {
        only_tests
            .iter()
            .any(|module| file == format!("{module}.rs") || file.starts_with(&format!("{module}/")))
    };
    sources.into_iter().filter(|(file, _)| !in_tests(file)).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    for path in entries.map(|entry| entry.expect("a directory can be listed").path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The files (without `.rs`) or directories of the modules that a file declares for tests
/// only.
fn test_modules(file: &str, source: &str) -> Vec<String> {
    let home = file
        .trim_end_matches(".rs")
        .trim_end_matches("/mod")
        .trim_end_matches("/lib")
        .trim_end_matches("/main");
    let trees: Vec<TokenTree> = parse(file, source).into_iter().collect();
    let declared = trees.windows(5).filter_map(|window| match window {
        [hash, attribute, TokenTree::Ident(keyword), TokenTree::Ident(name), end]
            if is_punct(hash, '#')
                && is_cfg_test(attribute)
                && keyword == "mod"
                && is_punct(end, ';') =>
        {
            Some(format!("{home}/{name}"))
        }
        _ => None,
    });
    declared.collect()
}
