//! Holds the house to its plan: arrows between rooms point down only, none lead in a
//! circle, what belongs in one place stands in no other, and every file can be read.
//!
//! Reads tokens, not text, so comments and strings say nothing. Code under `#[cfg(test)]`
//! may use whatever it likes, but is not longer either.

mod absences;
mod callers;
mod circles;
mod facts;
mod rooms;
mod sizes;
mod source;

use circles::Modules;
use source::{files_below, paths_in, without_test_modules};

#[test]
fn the_house_stands_as_planned() {
    let files = without_test_modules(files_below(&["src", "lab/src"]));
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
fn no_names_lead_in_a_circle() {
    let mut found = Vec::new();
    for package in ["src", "lab/src"] {
        found.extend(circles_of(&without_test_modules(files_below(&[package]))));
    }
    let faults: Vec<String> = found.into_iter().map(|circle| circle.join("\n  ")).collect();
    assert!(
        faults.is_empty(),
        "these modules name each other in a circle; move what both need into a file of its own, \
         or one into the other:\n{}\n",
        faults.join("\n")
    );
}

#[test]
fn every_file_can_be_read() {
    let files = files_below(&["src", "lab/src", "tests", "benches"]);
    let faults: Vec<String> =
        files.iter().flat_map(|(file, source)| sizes::faults(file, source)).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_route_asks_who_calls() {
    let faults = callers::faults();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn facts_are_shown_to_everybody_by_one_reader() {
    let faults = facts::faults();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    let rows = [
        ("fn f(store: &Store) { store.minutes(provider, range) }", true),
        ("fn f(&self) { self\n.store\n.shown_hours(provider, range) }", true),
        ("fn f(reader: &Reader) { reader.store().hours(provider, range) }", true),
        ("fn f(reader: &Reader) { reader.minutes(provider, range) }", false),
        ("/// store.minutes(x)\nfn f() { \"store.minutes(x)\"; }", false),
        ("/// See store.minutes(x).\nfn f() { hour.minutes() }", false),
    ];
    for (source, expected) in rows {
        assert_eq!(facts::reads_facts(source), expected, "{source}");
    }
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
        ("src/engine/replay/input_line.rs", "use crate::wire::report::RawReport;", false),
        ("src/wire/report.rs", "use crate::http::error::Code;", true),
        ("src/engine/detector_pool.rs", "use crate::gazetteer::name_of;", false),
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
        ("src/domain/view.rs", "use super::counts::Counts;", false),
        ("src/domain/counts.rs", "use super::view::View;", true),
        ("src/domain/detect/scan.rs", "use crate::domain::incident::Incident;", true),
        ("src/domain/detect/scan.rs", "use super::super::incident::Incident;", true),
        ("src/domain/incident/region.rs", "use super::super::detect::Detector;", false),
        ("src/domain/time.rs", "fn f(at: &super::grid::Cell) {}", true),
        ("src/domain/wine.rs", "struct Wine;", true),
        ("lab/src/rehearsal/mod.rs", "use crate::backtest::score;", false),
        ("lab/src/backtest/mod.rs", "use crate::rehearsal::Rehearsal;", true),
        ("lab/src/simulate/mod.rs", "use super::backtest::set::Set;", true),
        ("lab/src/backtest/mod.rs", "use groundswell::cli::settings; use std::fs;", false),
        ("lab/src/main.rs", "fn main() { groundswell_lab::cli::run() }", false),
        ("lab/src/main.rs", "fn main() { groundswell_lab::simulate::run() }", true),
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
        ("src/cli/mod.rs", "fn f() { groundswell_lab::cli::run() }", true),
        ("lab/src/main.rs", "fn f() { groundswell_lab::cli::run() }", false),
        ("lab/src/cli/mod.rs", "fn f() { std::time::SystemTime::now() }", true),
    ];
    check(&rows);
}

#[test]
fn a_circle_is_seen() {
    let rows: [(&[(&str, &str)], &[&str]); 12] = [
        (&[("src/a.rs", "use crate::b::B;"), ("src/b.rs", "struct B;")], &[]),
        (&[("src/a.rs", "use crate::b::B;"), ("src/b.rs", "use super::a::A;")], &["a", "b"]),
        // Through a third, and by a path that no `use` brings in.
        (
            &[
                ("src/a.rs", "use super::b; fn f() { b::g() }"),
                ("src/b.rs", "fn g() { crate::c::h() }"),
                ("src/c.rs", "fn h() { super::a::f() }"),
                ("src/d.rs", "use crate::a;"),
            ],
            &["a", "b", "c"],
        ),
        // A child is a part of its parent.
        (
            &[
                ("src/a/mod.rs", "pub mod b; use b::B; pub struct A;"),
                ("src/a/b.rs", "use super::A; pub struct B;"),
            ],
            &[],
        ),
        (&[("src/a.rs", "mod b; use b::B; pub struct A;"), ("src/a/b.rs", "use super::A;")], &[]),
        // What a child needs, its parent needs: the two together stand in the circle.
        (
            &[
                ("src/a/mod.rs", "pub mod b;"),
                ("src/a/b.rs", "use crate::c::C;"),
                ("src/c.rs", "use crate::a::A;"),
            ],
            &["a", "c"],
        ),
        // Children of two rooms, of which none names its own way back.
        (
            &[
                ("src/a/mod.rs", "mod one; mod two;"),
                ("src/a/one.rs", "use crate::b::one::B;"),
                ("src/a/two.rs", "pub struct A;"),
                ("src/b/mod.rs", "mod one; mod two;"),
                ("src/b/one.rs", "pub struct B;"),
                ("src/b/two.rs", "use crate::a::two::A;"),
            ],
            &["a", "b"],
        ),
        // What a parent shows of a child is the child's.
        (
            &[
                ("src/a/mod.rs", "pub mod b; pub mod c; pub use b::B;"),
                ("src/a/b.rs", "use super::c::C; pub struct B;"),
                ("src/a/c.rs", "use super::B;"),
            ],
            &["a::b", "a::c"],
        ),
        (
            &[
                ("src/a/mod.rs", "pub mod b; pub mod c; pub use b::{self as d, B as E};"),
                ("src/a/b.rs", "use super::c::C;"),
                ("src/a/c.rs", "fn f() -> super::E {}"),
            ],
            &["a::b", "a::c"],
        ),
        // Tests may name what they test.
        (
            &[
                ("src/a.rs", "#[cfg(test)] mod tests { use crate::b::B; }"),
                ("src/b.rs", "use crate::a::A;"),
            ],
            &[],
        ),
        // Another crate may have a module's name.
        (
            &[
                ("src/redis/mod.rs", "mod link; use ::redis::Value;"),
                ("src/redis/link.rs", "use redis::Value; use super::Node;"),
                ("src/b.rs", "use std::{b, a::b as c};"),
            ],
            &[],
        ),
        (
            &[
                ("src/a.rs", "use super::{b::{self, B}, c as d};"),
                ("src/b.rs", "fn f() -> impl Iterator + use<'_> { 1 }"),
                ("src/c.rs", "pub(crate) use super::a::{A};"),
            ],
            &["a", "c"],
        ),
    ];
    for (files, expected) in rows {
        let files: Vec<(String, String)> =
            files.iter().map(|(file, source)| ((*file).into(), (*source).into())).collect();
        let circles = Modules::of(&files).circles();
        let names: Vec<&String> = circles.iter().flatten().map(|arrow| &arrow.from).collect();
        let mut names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        names.dedup();
        assert_eq!(names, expected, "{files:?}");
    }
}

#[test]
fn what_is_too_long_is_seen() {
    let wide = "a".repeat(101);
    let rows = [
        ("//! A.\n".repeat(600), 0),
        ("//! A.\n".repeat(601), 1),
        (format!("// {}\n", &wide[4..]), 0),
        (format!("// {wide}\n"), 1),
        (format!("const A: &str = \"{wide}\";\n"), 1),
        (format!("const A: &str = r#\"{wide}\n{wide}\"#;\n// {wide}\n"), 1),
        (format!("// https://example.org/{wide}\n"), 0),
    ];
    for (source, expected) in rows {
        let faults = sizes::faults("src/a.rs", &source);
        assert_eq!(faults.len(), expected, "{faults:?}");
    }
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
    let files = [("src/a.rs", "\nuse crate::b::B;"), ("src/b.rs", "use super::a::A;")];
    let circles = circles_of(&files.map(|(file, source)| (file.to_owned(), source.to_owned())));
    assert_eq!(
        circles,
        [["a -> b: src/a.rs:2 names crate::b::B", "b -> a: src/b.rs:1 names super::a::A"]]
    );
}

#[track_caller]
fn check(rows: &[(&str, &str, bool)]) {
    for (file, source, faulty) in rows {
        let faults = faults_in(file, source);
        assert_eq!(!faults.is_empty(), *faulty, "{file}: {source}\n{faults:?}");
    }
}

/// What is wrong with a file and the names in it, one sentence each.
fn faults_in(file: &str, source: &str) -> Vec<String> {
    let paths = paths_in(file, source);
    let of_paths = paths.iter().flat_map(|path| {
        rooms::arrow_fault(file, path).into_iter().chain(absences::faults(file, path))
    });
    rooms::place_fault(file).into_iter().chain(of_paths).collect()
}

/// The circles between the files of a package, each as the sentences of its arrows.
fn circles_of(files: &[(String, String)]) -> Vec<Vec<String>> {
    let circles = Modules::of(files).circles();
    circles.iter().map(|circle| circle.iter().map(ToString::to_string).collect()).collect()
}
