//! Replays into each kind of store, alone and from a shared past.

use super::{Files, HOURS, Shown, at, busy, setting};
use crate::support::binary::groundswell;
use crate::support::redis::{own_prefix, shared_single, start_shared};
use crate::support::{NOW, instant, ndjson};
use groundswell::domain::fact::Tally;
use groundswell::domain::time::Timestamp;
use groundswell::engine::replay::ReplayError;
use groundswell::engine::replay::input::Input;
use groundswell::engine::replay::past::Past;
use groundswell::engine::replay::simulation::Simulation;
use groundswell::engine::replay::statistics::Statistics;
use groundswell::store::redis::{Redis, address};
use groundswell::store::{Store, embedded};
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn the_store_and_what_the_detectors_see_are_the_same_alone_and_from_a_shared_past() {
    let history = busy(0..3_000, "h");
    let streams = [busy(3_000..4_000, "s"), busy(3_001..3_500, "t")];
    let setting = setting();
    let past = Files::new(&[&history]);
    let past = Past::play(&setting, &past.paths, &mut |_| {}).unwrap();
    assert_eq!(past.statistics().counted + past.statistics().duplicates, 3_000);
    for stream in streams {
        let files = Files::new(&[&history, &stream]);
        let (history, stream) = files.paths.split_at(1);
        let directory = tempfile::tempdir().unwrap();
        let store =
            Store::open_embedded(directory.path(), &setting.catalogue, setting.terms(), unsynced())
                .unwrap();
        let alone = play(Simulation::over(&setting, store).unwrap(), history, stream);
        let shared = play(past.resume().unwrap(), &[], stream);
        assert!(alone.0.counted > 400 && alone.0.duplicates > 0, "{}", alone.0);
        assert!(alone == shared, "{} or {}", alone.0, shared.0);
    }
}

#[test]
fn redis_gives_the_same_account_and_shows_the_detectors_the_same() {
    start_shared();
    let setting = setting();
    let files = Files::new(&[&busy(0..1_000, "h"), &busy(1_000..2_000, "s")]);
    let (history, stream) = files.paths.split_at(1);
    let tenant = || address::Options { prefix: own_prefix(), ..address::Options::default() };
    let open = |options| {
        Redis::open(&shared_single(), &setting.catalogue, setting.terms(), options).unwrap()
    };
    let (own, copied) = (tenant(), tenant());
    let on_redis =
        play(Simulation::over(&setting, Store::on_redis(open(&own))).unwrap(), history, stream);
    let past = Past::play(&setting, history, &mut |_| {}).unwrap();
    let embedded = play(past.resume().unwrap(), &[], stream);
    assert!(on_redis.0.counted > 800 && on_redis.0.duplicates > 0, "{}", on_redis.0);
    assert!(on_redis == embedded, "{} or {}", on_redis.0, embedded.0);
    let from_a_copy = play(past.resume_in(open(&copied)).unwrap(), &[], stream);
    assert!(from_a_copy == embedded, "{} or {}", from_a_copy.0, embedded.0);
    for error in [
        Simulation::over(&setting, Store::on_redis(open(&own))).unwrap_err(),
        past.resume_in(open(&copied)).unwrap_err(),
    ] {
        assert!(
            matches!(error, ReplayError::Occupied(_))
                && error.to_string().contains("--redis-prefix"),
            "{error}"
        );
    }
}

#[test]
fn a_store_that_holds_facts_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::new(&[&ndjson(&[at(0, json!({}))])]);
    let out = directory.path().join("out.ndjson");
    let run = || {
        let mut command = groundswell(&["replay", "--store"]);
        command
            .arg(directory.path().join("store"))
            .arg("--out")
            .arg(&out)
            .arg(files.paths[0].path())
            .output()
            .unwrap()
    };
    let (first, second) = (run(), run());
    assert!(first.status.success(), "{first:?}");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && said.contains("is no empty store"), "{said}");
}

fn unsynced() -> embedded::Options {
    embedded::Options { durability: embedded::Durability::Unsynced, ..embedded::Options::default() }
}

/// Replays; gives the statistics, what the detectors saw, and what the store holds in the
/// end.
fn play(
    mut simulation: Simulation<'_>,
    history: &[Input],
    stream: &[Input],
) -> (Statistics, Shown, BTreeMap<(u16, i64, u64), Tally>) {
    simulation.history(history, &mut |_| {}).unwrap();
    let mut shown = Shown::default();
    let statistics = simulation.replay(stream, &mut shown).unwrap();
    (statistics, shown, facts_of(simulation.store()))
}

fn facts_of(store: &Store) -> BTreeMap<(u16, i64, u64), Tally> {
    let days = |days: i64| instant(NOW).plus_ms(days * 24 * HOURS);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut facts = BTreeMap::new();
    for (provider, _) in crate::support::catalogue().iter() {
        for (hour, counts) in
            runtime.block_on(store.hours(provider, hour(days(-3))..hour(days(20)))).unwrap()
        {
            facts.extend(
                counts.rows().map(|(key, tally)| ((provider.0, hour.0, key.number()), tally)),
            );
        }
    }
    facts
}

fn hour(instant: Timestamp) -> groundswell::domain::time::Hour {
    instant.minute().hour()
}
