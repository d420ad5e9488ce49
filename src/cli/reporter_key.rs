//! `groundswell reporter-key replace`: names the day on which the reporter key of a store
//! is replaced, and says what its nodes need then.

use super::opened;
use crate::config::reporter_key::{KeyAction, ReporterKeyConfig};
use crate::domain::provider::Catalogue;
use crate::domain::reporter::{Replacement, ReporterKey};
use crate::domain::time::Timestamp;
use crate::engine::clock::Clock;
use crate::store::Terms;
use crate::store::embedded::reporter_key::Directory;
use crate::store::embedded::secret;
use crate::store::place::Place;
use crate::store::redis::{Redis, address};
use crate::store::reporter_key::{KeyOnRecord, ReplaceError};
use crate::store::timing::Timing;
use anyhow::{Context, anyhow, bail, ensure};
use std::io::Write;
use std::path::Path;

const DAY_MS: i64 = 24 * crate::domain::time::HOUR_MS;

/// When it is done.
#[derive(Debug, Clone, Copy)]
struct When {
    now: Timestamp,
    day: i64,
    lateness_ms: i64,
}

pub fn run(config: &ReporterKeyConfig) -> anyhow::Result<()> {
    match config.action {
        KeyAction::Replace => replace(config),
    }
}

fn replace(config: &ReporterKeyConfig) -> anyhow::Result<()> {
    let place = Place::parse(&config.store)?;
    let now = Clock::system(Timing::default().probation()).shown();
    let when = When { now, day: day(config, now)?, lateness_ms: config.lateness.ms() };
    let (replacement, is_kept) = match place {
        Place::Directory(dir) => in_directory(config, dir, when)?,
        Place::Redis(url) => (on_redis(config, url, when)?, false),
    };
    Ok(say(config, replacement, when, is_kept)?)
}

/// The day of UTC in the course of which reporters go over.
fn day(config: &ReporterKeyConfig, now: Timestamp) -> anyhow::Result<i64> {
    let today = now.0.div_euclid(DAY_MS);
    match config.from {
        Some(day) => {
            ensure!(
                today < day,
                "--from must be a day after today, which is {} by UTC: whoever has reported on a \
                 day of theirs that has begun would count once more. To replace the key at once \
                 all the same, give --now instead",
                &Timestamp(today * DAY_MS).to_string()[..10]
            );
            Ok(day)
        }
        // By the end of yesterday, all have gone over.
        None => Ok(today - 1),
    }
}

/// Replaces the key of a directory. Gives whether the next secret is kept there.
fn in_directory(
    config: &ReporterKeyConfig,
    dir: &Path,
    when: When,
) -> anyhow::Result<(Replacement, bool)> {
    let mut directory = Directory::take(dir)?;
    let before = directory.on_record();
    let is_kept = !config.key.is_given() && secret::is_kept(dir);
    let given = match opened::given_secret(&config.key)? {
        Some(secret) => opened::keys_of(&secret),
        None => kept_keys(dir, before)?,
    };
    let shown = dir.display().to_string();
    if let Some(next) = opened::given_next(&config.next_key)? {
        let key = replaced(before, &given, &opened::keys_of(&next), when, &shown)?;
        directory.record(key)?;
        return Ok((key.replacement.expect("it was replaced"), false));
    }
    if !is_kept {
        bail!(NO_NEXT);
    }
    // Before a file changes.
    before.in_force(&checks(&given), (when.now, when.lateness_ms), &shown)?;
    let io = || format!("reporter.key.next in {shown}");
    let in_next = secret::read_next(dir).with_context(io)?.map(|next| ReporterKey::new(&next));
    let has_gone_over = before.replacement.is_some_and(|before| {
        before.begins_at() <= when.now
            && in_next.is_some_and(|next| next.check_value() == before.by)
    });
    if has_gone_over {
        secret::go_over_to_next(dir).with_context(io)?;
    }
    let next = ReporterKey::new(&secret::read_or_make_next(dir).with_context(io)?);
    let key = replaced(before, &given, &[next], when, &shown)?;
    directory.record(key)?;
    Ok((key.replacement.expect("it was replaced"), true))
}

/// The keys whose secrets a directory holds.
fn kept_keys(dir: &Path, on_record: KeyOnRecord) -> anyhow::Result<Vec<ReporterKey>> {
    let io = || format!("reporter.key in {}", dir.display());
    let mut secrets = vec![secret::read(dir).with_context(io)?];
    if on_record.replacement.is_some() {
        secrets.extend(secret::read_next(dir).with_context(io)?);
    }
    Ok(secrets.iter().map(|secret| ReporterKey::new(secret)).collect())
}

fn on_redis(config: &ReporterKeyConfig, url: &str, when: When) -> anyhow::Result<Replacement> {
    let key = opened::reporter_key(&config.key, Place::Redis(url))?;
    let next = opened::given_next(&config.next_key)?.ok_or_else(|| anyhow!(NO_NEXT))?;
    let options =
        address::Options { must_exist: true, ..opened::redis_options(&config.redis, url)? };
    let terms = |key: &ReporterKey| Terms {
        reporter_key_check: key.check_value(),
        lateness_ms: when.lateness_ms,
    };
    let open =
        |key: &ReporterKey| Ok(Redis::open(url, &Catalogue::default(), terms(key), &options)?);
    let (key, store) = opened::under_key(&config.key, key, open)?;
    let before = store.key_on_record().expect("a store that is open has said it");
    let next = opened::keys_of(&next);
    let key = replaced(before, &[key], &next, when, store.shown())?;
    tokio::runtime::Builder::new_current_thread().build()?.block_on(store.record_key(key))?;
    Ok(key.replacement.expect("it was replaced"))
}

const NO_NEXT: &str = "no next reporter key was given: give it by GROUNDSWELL_NEXT_REPORTER_KEY or \
    --next-reporter-key-file, for example made by: openssl rand -hex 32";

/// What is on record once the key is replaced by the first of `next`, which is what the
/// next secret may stand for.
fn replaced(
    before: KeyOnRecord,
    given: &[ReporterKey],
    next: &[ReporterKey],
    when: When,
    shown: &str,
) -> anyhow::Result<KeyOnRecord> {
    let (given, at) = (checks(given), (when.now, when.lateness_ms));
    let replaced = |next: &ReporterKey| {
        let replacement = Replacement { by: next.check_value(), day: when.day };
        before.replaced(&given, replacement, at, shown)
    };
    let all: Vec<KeyOnRecord> = next.iter().map(replaced).collect::<Result<_, ReplaceError>>()?;
    Ok(all[0])
}

fn checks(keys: &[ReporterKey]) -> Vec<u64> {
    keys.iter().map(ReporterKey::check_value).collect()
}

/// Says what nodes need, and until when.
fn say(
    config: &ReporterKeyConfig,
    replacement: Replacement,
    when: When,
    is_kept: bool,
) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    let until = replacement.is_over_at(when.lateness_ms);
    if config.now {
        writeln!(out, "the reporter key is replaced: restart every node now, with both keys")?;
    } else {
        writeln!(
            out,
            "the reporter key is replaced from {} on: reporters go over in the course of that day, \
             by UTC. Restart every node with both keys before then",
            &replacement.begins_at().to_string()[..10]
        )?;
    }
    if is_kept {
        writeln!(
            out,
            "the next key is in reporter.key.next beside reporter.key: a server reads it by \
             itself, and both belong into the backup"
        )?;
    } else {
        writeln!(
            out,
            "both keys: the one before as until now, the next one by GROUNDSWELL_NEXT_REPORTER_KEY \
             or --next-reporter-key-file"
        )?;
    }
    if !is_kept {
        writeln!(out, "from {until} on the next one alone is enough, given as the one before was")?;
    }
    Ok(())
}
