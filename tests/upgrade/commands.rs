//! What commands say of a store of an older version, and what they do with it.

use super::{anew, entries, in_any_order, traces};
use crate::support::binary::{Binary, groundswell, refused_by};
use crate::support::older::{EVERYWHERE, KEY, OlderStore, On, exact, files, journal};
use crate::support::redis::{own_prefix, shared_single};
use crate::support::stored::wait;
use groundswell::domain::incident::Incident;
use groundswell::domain::time::Timestamp;
use groundswell::store::upgrade::Older;
use std::process::{Command, Output};

const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml");

/// Revisions by the clock of this machine.
fn revisions() -> Vec<Incident> {
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    [90, 40, 5].into_iter().map(|days| exact(now, days, days.unsigned_abs(), 0..3)).collect()
}

fn serve(store: &OlderStore) -> Command {
    let mut command = groundswell(&["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--catalogue", CATALOGUE]).args(store.arguments());
    command
}

fn run(command: &[&str], store: &OlderStore) -> Output {
    groundswell(command).args(store.arguments()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_server_asks_for_the_upgrade_and_says_what_cannot_be_undone() {
    for on in EVERYWHERE {
        let store = OlderStore::holding(on, &entries(&revisions()));
        let before = in_any_order(store.raw());
        let refused = refused_by(&mut serve(&store));
        let said = said(&refused);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        for part in [
            "written by an older version of Groundswell (format 1)",
            "cells of resolution 5",
            "57 days",
            "cannot be undone",
            "Make a backup or a copy (groundswell copy) first",
            "groundswell serve --upgrade",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(in_any_order(store.raw()) == before, "{on:?}");
    }
}

#[test]
fn the_upgrade_is_asked_for_by_flag_variable_or_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("settings.toml");
    std::fs::write(&file, "upgrade = true\n").unwrap();
    for on in [On::Directory, On::Redis] {
        for by in ["flag", "variable", "file"] {
            let before = entries(&revisions());
            let store = OlderStore::holding(on, &before);
            let mut command = serve(&store);
            let server = Binary::of(match by {
                "flag" => command.arg("--upgrade"),
                "variable" => command.env("GROUNDSWELL_UPGRADE", "true"),
                _ => command.arg("--config").arg(&file),
            });
            let log = server.log();
            assert!(log.contains("the store is of another format now"), "{log}");
            server.kill();
            // Asked for again, it does nothing more; and nobody need ask.
            assert_eq!(Binary::of(serve(&store).arg("--upgrade")).get("/healthz").status, 200);
            assert_eq!(Binary::of(&mut serve(&store)).get("/healthz").status, 200);
            assert!(journal(&store.open(Older::Refused).unwrap()).0 == anew(&before));
        }
    }
}

#[test]
fn commands_that_read_the_ledger_work_and_those_that_write_are_refused() {
    for on in [On::Directory, On::Redis] {
        let store = OlderStore::holding(on, &entries(&revisions()));
        for command in [&["keys", "list"][..], &["sources", "list"]] {
            let listed = run(command, &store);
            assert!(listed.status.success(), "{command:?}: {}", said(&listed));
        }
        for command in [
            &["keys", "create", "--name", "a", "--scopes", "read"][..],
            &["sources", "create", "--name", "a"],
            &["privacy", "set", "--k", "5"],
            &[
                "reporter-key",
                "replace",
                "--now",
                "--next-reporter-key",
                "another secret of this test",
            ],
        ] {
            let refused = run(command, &store);
            let said = said(&refused);
            assert!(!refused.status.success() && said.contains("--upgrade"), "{command:?} {said}");
        }
        assert!(journal(&store.open_at(Timestamp(0), true).unwrap()).0.len() > 1_000);
    }
}

#[test]
fn a_copy_of_a_store_of_before_is_of_this_format_and_the_original_stays() {
    let revisions = revisions();
    let before = entries(&revisions);
    let store = OlderStore::holding(On::Directory, &before);
    let at_rest = files(store.directory.path());
    let prefix = own_prefix();
    let copied = groundswell(&["copy", "--to", &shared_single(), "--redis-prefix", &prefix])
        .args(["--reporter-key", KEY, "--from"])
        .arg(store.directory.path())
        .output()
        .unwrap();
    let (out, told) = (String::from_utf8_lossy(&copied.stdout), said(&copied));
    assert!(copied.status.success(), "{out} {told}");
    assert!(out.contains("1103 entries of incidents") && out.contains("2 places"), "{out}");
    assert!(told.contains("3 revisions of incidents are in cells of resolution 5"), "{told}");
    assert!(files(store.directory.path()) == at_rest, "the original stays as it is");
    let copy = OlderStore { on: On::Redis, directory: tempfile::tempdir().unwrap(), prefix };
    let opened = copy.open(Older::Refused).unwrap();
    assert!(journal(&opened).0 == anew(&before));
    let keys = wait(opened.places_since(0)).unwrap();
    let places = wait(opened.places(&keys)).unwrap();
    let expected = revisions[1..].iter().map(crate::support::older::entry).map(Some);
    assert_eq!(places, expected.collect::<Vec<_>>());
    let has_traces = |(name, bytes): (String, Vec<u8>)| {
        let is_elsewhere = !name.contains(":places");
        is_elsewhere && traces(&revisions).iter().any(|trace| super::holds(&bytes, trace))
    };
    assert!(!copy.raw().into_iter().any(has_traces));
}

#[test]
fn a_backup_of_a_store_of_before_that_is_restored_asks_for_the_upgrade() {
    let before = entries(&revisions());
    let store = OlderStore::holding(On::Directory, &before);
    let backup = files(store.directory.path());
    drop(Binary::of(serve(&store).arg("--upgrade")));
    // Restored over what is there, and into a directory of its own.
    let fresh = OlderStore {
        directory: tempfile::tempdir().unwrap(),
        ..OlderStore::holding(On::Directory, &[])
    };
    for restored in [store, fresh] {
        for (name, bytes) in &backup {
            std::fs::write(restored.directory.path().join(name), bytes).unwrap();
        }
        let refused = refused_by(&mut serve(&restored));
        assert!(said(&refused).contains("--upgrade"), "{refused:?}");
        drop(Binary::of(serve(&restored).arg("--upgrade")));
        assert!(journal(&restored.open(Older::Refused).unwrap()).0 == anew(&before));
    }
}
