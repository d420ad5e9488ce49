//! `groundswell copy`: moves what a directory holds to a Redis, with a bar that shows how
//! far it is.

use super::opened;
use crate::config::CopyConfig;
use crate::domain::provider::Catalogue;
use crate::domain::reporter::ReporterKey;
use crate::engine::clock::Clock;
use crate::engine::upgrade;
use crate::store::Terms;
use crate::store::copy::{catalogue_of, copy};
use crate::store::embedded::{Durability, Embedded, Options};
use crate::store::place::Place;
use crate::store::places::PLACES_KEPT_DAYS;
use crate::store::redis::{Redis, url};
use crate::store::reporter_key::KeyOnRecord;
use crate::store::timing::Timing;
use crate::store::upgrade::Older;
use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;

pub fn run(config: &CopyConfig) -> anyhow::Result<()> {
    let shown = config.from.display().to_string();
    ensure!(
        matches!(Place::parse(&shown)?, Place::Directory(_)),
        "--from must be a directory: a Redis is copied by its own means"
    );
    ensure!(
        matches!(Place::parse(&config.to)?, Place::Redis(_)),
        "--to must be an address of a Redis: {}",
        url::NOT_TAKEN
    );
    ensure!(
        config.from.join("meta.json").is_file(),
        "{shown} is no directory of an embedded store"
    );
    let key = opened::kept_key(&config.key, &config.from)?;
    let terms = |key: &ReporterKey| Terms {
        reporter_key_check: key.check_value(),
        lateness_ms: config.lateness.ms(),
    };
    // The original stays as it is, so that nothing is lost.
    let only_read =
        Options { durability: Durability::Discarded, older: Older::AsItIs, ..Options::default() };
    let open = |key: &ReporterKey| {
        Ok(Embedded::open(&config.from, &Catalogue::default(), terms(key), only_read)?)
    };
    let (key, from) = opened::under_key(&config.key, key, open)?;
    let catalogue = catalogue_of(&from).with_context(|| format!("{shown} holds nothing"))?;
    let to = Redis::open_to_copy(
        &config.to,
        &catalogue,
        terms(&key),
        &opened::redis_options(&config.redis, &config.to)?,
        &shown,
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let check = key.check_value();
    if let Some(replacement) = from.replacement().filter(|replacement| replacement.by != check) {
        let key = KeyOnRecord { check, replacement: Some(replacement) };
        runtime.block_on(to.record_key(key))?;
    }
    // Draws nothing where standard error is no terminal.
    let bar = ProgressBar::new(0)
        .with_style(ProgressStyle::with_template("{bar:40} {pos} of {len} pieces, {eta} to go")?);
    let carry = upgrade::carry(Clock::system(Timing::default().probation()).shown());
    let totals = runtime.block_on(copy(&from, &catalogue, &to, &carry, |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    }))?;
    bar.finish_and_clear();
    let (minutes, hours) = (totals.in_minutes.count, totals.in_hours.count);
    let reporters = totals.reporters;
    let [incidents, ledger, shown_hours, places] =
        [totals.journal, totals.ledger, totals.shown_hours, totals.places]
            .map(|entries| entries.count);
    if totals.carried_over > 0 {
        writeln!(
            std::io::stderr(),
            "an older version wrote {shown}: {} revisions of incidents are in cells of resolution \
             5 and rounded figures in the copy, and exact among the places where they are of the \
             last {PLACES_KEPT_DAYS} days; the original stays as it is",
            totals.carried_over
        )?;
    }
    Ok(writeln!(
        std::io::stdout(),
        "copied and compared: {minutes} counts in minutes, {hours} in older hours, {reporters} \
         reporters of {} providers, {incidents} entries of incidents, {ledger} of the ledger, \
         {shown_hours} public hours, {places} places of incidents",
        catalogue.len()
    )?)
}
