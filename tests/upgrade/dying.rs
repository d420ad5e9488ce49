//! The real binary dies at each point of an upgrade. The next start ends it, and the journal
//! is whole: the one of before until the new one is, and no other then.

use super::{anew, entries};
use crate::support::binary::{Binary, groundswell, refused_by};
use crate::support::older::{OlderStore, On, exact, journal};
use groundswell::domain::incident::Incident;
use groundswell::domain::time::Timestamp;
use groundswell::store::fail_point::{ARE_COMPILED_IN, FailPoint, VARIABLE};
use groundswell::store::upgrade::Older;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml");
const SIGABRT: i32 = 6;
/// Each point; whether anything says by then that an upgrade was begun; and in how many
/// pieces of the journal it is reached.
const POINTS: [(FailPoint, On, bool, u32); 7] = [
    (FailPoint::UpgradeHalfWritten, On::Directory, true, 2),
    (FailPoint::UpgradeWritten, On::Directory, true, 1),
    (FailPoint::UpgradeSwapped, On::Directory, true, 1),
    (FailPoint::RedisUpgradePlaced, On::Redis, false, 2),
    (FailPoint::RedisUpgradeHalfWritten, On::Redis, true, 2),
    (FailPoint::RedisUpgradeWritten, On::Redis, true, 1),
    (FailPoint::RedisUpgradeSwapped, On::Redis, true, 1),
];

fn serve(store: &OlderStore, arguments: &[&str]) -> Command {
    let mut command = groundswell(&["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--catalogue", CATALOGUE]).args(store.arguments()).args(arguments);
    command
}

/// Revisions of a store by the clock of this machine, some of them too old to be kept.
fn revisions() -> Vec<Incident> {
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    let of_day = |days: i64| exact(now, days, days.unsigned_abs(), 0..50);
    [90, 70, 50, 30, 10, 9, 8, 7].into_iter().map(of_day).collect()
}

#[test]
fn wherever_an_upgrade_dies_the_next_start_ends_it() {
    for (point, on, has_begun, pieces) in POINTS.into_iter().filter(|_| ARE_COMPILED_IN) {
        for nth in 1..=pieces {
            let before = entries(&revisions());
            let store = OlderStore::holding(on, &before);
            let mut dying = serve(&store, &["--upgrade"]);
            let ended = refused_by(dying.env(VARIABLE, format!("{point}@{nth}")));
            assert_eq!(ended.status.signal(), Some(SIGABRT), "{point}@{nth}: {ended:?}");
            if let Ok(of_before) = store.open(Older::AsItIs) {
                let (whole, _) = journal(&of_before);
                let is_whole = [&before, &anew(&before)].contains(&&whole);
                assert!(is_whole || on == On::Redis, "{point}@{nth}: {}", whole.len());
            }
            // Who has been asked once need not be asked again.
            let is_known = has_begun || nth > 1;
            let arguments: &[&str] = if is_known { &[] } else { &["--upgrade"] };
            let server = Binary::of(&mut serve(&store, arguments));
            assert_eq!(server.get("/healthz").status, 200);
            server.terminate();
            assert!(server.wait().0.success());
            let after = store.open(Older::Refused).unwrap();
            assert!(journal(&after).0 == anew(&before), "{point}@{nth}");
            let keys = crate::support::stored::wait(after.places_since(0)).unwrap();
            assert_eq!(keys.len(), 6, "{point}@{nth}");
            let left = store.raw().into_keys().filter(|name| name.contains("next"));
            assert_eq!(left.collect::<Vec<_>>(), [""; 0]);
        }
    }
}

#[test]
fn an_upgrade_that_fails_ends_the_start_and_the_next_one_goes_on() {
    for point in
        [FailPoint::UpgradeHalfWritten, FailPoint::UpgradeWritten, FailPoint::UpgradeSwapped]
    {
        if !ARE_COMPILED_IN {
            continue;
        }
        let before = entries(&revisions());
        let store = OlderStore::holding(On::Directory, &before);
        let mut failing = serve(&store, &["--upgrade"]);
        let ended = refused_by(failing.env(VARIABLE, format!("{point}:error")));
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.contains(point.name()), "{said}");
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(Binary::of(&mut serve(&store, &[])).get("/healthz").status, 200);
        assert!(journal(&store.open(Older::Refused).unwrap()).0 == anew(&before), "{point}");
    }
}
