//! No dependency may bind its users to the GPL, the AGPL or the LGPL: each must offer
//! another licence.

use serde_json::Value;
use std::iter::Peekable;
use std::process::Command;

#[test]
fn every_dependency_can_be_had_without_a_gpl() {
    let packages = packages();
    assert!(
        packages.len() > 50,
        "only {} packages were found: is `cargo metadata` complete?",
        packages.len()
    );
    let offenders: Vec<String> = packages.iter().filter_map(offence).collect();
    assert!(
        offenders.is_empty(),
        "\n{}\nReplace them: Groundswell is MIT OR Apache-2.0.\n",
        offenders.join("\n")
    );
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let rows = [
        ("MIT", true),
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("MIT OR GPL-3.0-or-later", true),
        ("GPL-2.0 / BSD-3-Clause", true),
        ("GPL-3.0-or-later", false),
        ("AGPL-3.0", false),
        ("LGPL-2.1-or-later", false),
        ("MIT AND GPL-2.0-only", false),
        ("(MIT OR Apache-2.0) AND (LGPL-3.0 OR AGPL-3.0)", false),
        ("MIT OR Apache-2.0 AND GPL-3.0", true),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
        ("", false),
    ];
    for (expression, expected) in rows {
        assert_eq!(can_be_had_without_a_gpl(expression), expected, "{expression:?}");
    }
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = [
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--manifest-path",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
    ];
    let output = Command::new(cargo)
        .args(arguments)
        .output()
        .expect("cargo runs the tests, so it can be run");
    assert!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut metadata: Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    match metadata["packages"].take() {
        Value::Array(packages) => packages,
        other => panic!("cargo metadata has a list of packages, got {other}"),
    }
}

fn offence(package: &Value) -> Option<String> {
    let (name, version) = (&package["name"], &package["version"]);
    match package["license"].as_str() {
        None => Some(format!("{name} {version} states no licence")),
        Some(licence) => {
            (!can_be_had_without_a_gpl(licence)).then(|| format!("{name} {version} is {licence}"))
        }
    }
}

fn can_be_had_without_a_gpl(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    any_of(&mut spaced.split_whitespace().peekable())
}

/// `a OR b`, which binds weaker than `AND`.
fn any_of<'a>(words: &mut Peekable<impl Iterator<Item = &'a str>>) -> bool {
    let mut free = all_of(words);
    while words.next_if_eq(&"OR").is_some() {
        free |= all_of(words);
    }
    free
}

/// `a AND b`.
fn all_of<'a>(words: &mut Peekable<impl Iterator<Item = &'a str>>) -> bool {
    let mut free = one(words);
    while words.next_if_eq(&"AND").is_some() {
        free &= one(words);
    }
    free
}

/// A licence, with its exception, or an expression in parentheses.
fn one<'a>(words: &mut Peekable<impl Iterator<Item = &'a str>>) -> bool {
    match words.next() {
        None => false,
        Some("(") => {
            let free = any_of(words);
            words.next_if_eq(&")");
            free
        }
        Some(licence) => {
            if words.next_if_eq(&"WITH").is_some() {
                words.next();
            }
            !["GPL", "AGPL", "LGPL"].iter().any(|family| licence.starts_with(family))
        }
    }
}
