//! The embedded store: one directory, one process. A log for what came, memory for what
//! is live, a database for what has aged.
//!
//! A group is written to the log and synced before it is counted; a snapshot now and then
//! keeps the log short; an hour past the lateness moves from memory to the database. What
//! a restart must read is the newest snapshot and the log since. Each journal has a
//! database of its own.

mod aged;
mod aged_hours;
mod claims;
mod database;
mod entry;
pub mod export;
mod journal;
mod live;
mod lock;
mod log;
mod meta;
mod names;
mod options;
mod places;
pub mod reporter_key;
mod rows;
pub mod secret;
mod shown_hours;
mod snapshot;
mod stored_time;
mod unsynced;
mod untouched;
mod upgrade;
mod usage;

use super::fail_point::{self, FailPoint};
use super::journal::JournalName;
use super::places as kept_places;
use super::{
    HOURS_KEPT_DAYS, MINUTES_AT_REST_DAYS, OpenError, REPORTERS_DAY_HOURS, Recorded,
    SETTLED_AFTER_MINUTES, StoreError, StoreSize, Terms,
};
use crate::domain::counts::Counts;
use crate::domain::grid::Resolution;
use crate::domain::liveness::Liveness;
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::report::Report;
use crate::domain::reporter::Replacement;
use crate::domain::time::{HOUR_MS, Hour, Minute, Timestamp};
use aged::{Aged, AgingHour};
use claims::{Ask, Claims, Taken};
use entry::Entry;
use journal::Journal;
use live::Live;
use log::{Kind, Log};
pub use options::{Durability, Options};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use usage::Usage;

/// A process that was asked to stop leaves the last snapshot unfinished after so long:
/// the next start reads the log instead.
const CLOSED_WITHIN: Duration = Duration::from_millis(1_500);

/// The store of one directory.
#[derive(Debug)]
pub struct Embedded {
    dir: PathBuf,
    terms: Terms,
    options: Options,
    /// Numbers of the catalogue's providers in this store.
    numbers: Vec<u16>,
    /// Taken before `live` where both are. Held while a group is written and synced:
    /// groups come one after another.
    writer: Mutex<Writer>,
    /// Held for a moment: readers take what they need out and read it later.
    live: RwLock<Live>,
    aged: Arc<Aged>,
    incidents: Arc<Journal>,
    ledger: Arc<Journal>,
    usage: Usage,
    /// Held by whoever tidies or snapshots.
    maintenance: Mutex<Maintenance>,
    log_bytes: AtomicU64,
    claim_count: AtomicU64,
    /// Whether maintenance is to end as soon as it can.
    given_up: AtomicBool,
    catalogue_before: Option<u64>,
    replacement: Option<Replacement>,
    /// Minutes of facts that a wrong clock dated to the future; the lock is held to copy
    /// or replace it.
    disowned: RwLock<Range<Minute>>,
    /// Keeps the directory ours until the process ends; none of one that is only read and
    /// that nobody ever locked.
    _lock: Option<lock::Lock>,
}

#[derive(Debug)]
struct Writer {
    log: Log,
    claims: Claims,
    providers: Vec<String>,
}

#[derive(Debug, Default)]
struct Maintenance {
    tidied: Option<Hour>,
    /// The first frame that a restart would read.
    snapshot_number: u64,
    snapshot_bytes: u64,
}

impl Embedded {
    /// Opens the store of a directory.
    ///
    /// # Errors
    /// As [`crate::store::Store::open_embedded`].
    pub fn open(
        dir: &Path,
        catalogue: &Catalogue,
        terms: Terms,
        options: Options,
    ) -> Result<Self, OpenError> {
        let is_read_only = options.durability == Durability::Discarded;
        let lock = if is_read_only { lock::to_read(dir)? } else { Some(lock::to_write(dir)?) };
        let fingerprint = (!catalogue.is_empty() && !is_read_only).then(|| catalogue.fingerprint());
        if let Some(found) = meta::older_format(dir, terms.reporter_key_check)? {
            upgrade::heed(dir, found, &options)?;
        }
        let before = meta::agree(dir, terms.reporter_key_check, fingerprint)?;
        let (aged, aged_hours) = Aged::open(&dir.join("aged.redb"), options.durability)?;
        let journal = |name| Journal::open(dir, name, options.durability);
        let [incidents, ledger] =
            [journal(JournalName::Incidents)?, journal(JournalName::Ledger)?].map(Arc::new);
        let usage = Usage::open(&ledger).map_err(|error| OpenError::Database {
            path: dir.join("ledger.redb"),
            reason: error.to_string(),
        })?;
        let mut live = Live { aged: aged_hours, ..Live::default() };
        let mut claims = Claims::default();
        let (from, mut providers) = snapshot::restore(dir, &mut live, &mut claims)?;
        let log = Log::open(dir, from, |number, kind, payload| match kind {
            Kind::Reports => {
                for entry in payload.as_chunks::<{ Entry::BYTES }>().0.iter().map(Entry::read) {
                    claims.take(entry.ask());
                    live.add_unless_aged(number, &entry);
                }
            }
            Kind::Providers => providers.extend(names::read(payload).unwrap_or_default()),
            Kind::Liveness => {
                for span in names::read_spans(payload).unwrap_or_default() {
                    live.liveness.mark(span);
                }
            }
        })?;
        let mut writer = Writer { log: log.with(options.durability), claims, providers };
        let numbers = writer.number(catalogue).map_err(|error| OpenError::Database {
            path: dir.to_owned(),
            reason: error.to_string(),
        })?;
        let store = Self {
            dir: dir.to_owned(),
            terms,
            options,
            numbers,
            log_bytes: AtomicU64::new(writer.log.bytes()),
            claim_count: AtomicU64::new(writer.claims.len() as u64),
            given_up: AtomicBool::new(false),
            writer: Mutex::new(writer),
            live: RwLock::new(live),
            aged: Arc::new(aged),
            incidents,
            ledger,
            usage,
            maintenance: Mutex::new(Maintenance {
                snapshot_number: from,
                ..Maintenance::default()
            }),
            catalogue_before: before.catalogue,
            replacement: before.replacement,
            disowned: RwLock::new(before.disowned),
            _lock: lock,
        };
        Ok(store)
    }

    /// Fingerprint of the catalogue that it was opened with before.
    #[must_use]
    pub const fn catalogue_before(&self) -> Option<u64> {
        self.catalogue_before
    }

    /// By which key its reporter key is replaced, if it is.
    #[must_use]
    pub const fn replacement(&self) -> Option<Replacement> {
        self.replacement
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn record(&self, group: &[Report]) -> Result<Vec<Recorded>, StoreError> {
        let mut writer = self.writer();
        let (outcomes, entries) = self.decide(&mut writer.claims, group);
        if entries.is_empty() {
            return Ok(outcomes);
        }
        let written = writer
            .log
            .append(Kind::Reports, |out| entries.iter().for_each(|entry| entry.write(out)));
        self.log_bytes.store(writer.log.bytes(), Ordering::Relaxed);
        if let Err(error) = written {
            entries.iter().rev().for_each(|entry| writer.claims.give_back(entry.ask()));
            return Err(error);
        }
        fail_point::pass(FailPoint::LogSynced);
        self.claim_count.store(writer.claims.len() as u64, Ordering::Relaxed);
        let mut live = self.live_mut();
        for entry in &entries {
            live.add(entry);
        }
        fail_point::pass(FailPoint::GroupCounted);
        Ok(outcomes)
    }

    pub(super) async fn minutes(
        &self,
        provider: ProviderIndex,
        range: Range<Minute>,
    ) -> Result<Vec<(Minute, Arc<Counts>)>, StoreError> {
        let number = self.number(provider);
        loop {
            let (mut found, aged) = {
                let live = self.live();
                let aged = live.aged.within(range.start.hour()..range.end.plus(59).hour());
                (live.minutes(number, range.clone()).collect::<Vec<_>>(), aged)
            };
            if aged.is_empty() {
                return Ok(found);
            }
            let Some(old) =
                self.read_aged(aged, move |aged, hour| aged.minutes(number, hour)).await?
            else {
                continue;
            };
            let within = old.into_iter().flatten().filter(|(minute, _)| range.contains(minute));
            found.extend(within.map(|(minute, counts)| (minute, Arc::new(counts))));
            return Ok(aged::merged(found.into_iter()));
        }
    }

    pub(super) async fn hours(
        &self,
        provider: ProviderIndex,
        range: Range<Hour>,
    ) -> Result<Vec<(Hour, Arc<Counts>)>, StoreError> {
        let number = self.number(provider);
        loop {
            let (live, aged) = {
                let live = self.live();
                let minutes =
                    live.minutes(number, range.start.first_minute()..range.end.first_minute());
                (minutes.collect::<Vec<_>>(), live.aged.within(range.clone()))
            };
            let hours: Vec<Hour> = aged.iter().map(|(hour, _)| *hour).collect();
            let Some(old) = self.read_aged(aged, move |aged, hour| aged.hour(number, hour)).await?
            else {
                continue;
            };
            let old = hours
                .into_iter()
                .zip(old)
                .filter_map(|(hour, counts)| Some((hour.first_minute(), Arc::new(counts?))));
            let found = aged::merged(old.chain(rolled_up_to_hours(live)));
            return Ok(found.into_iter().map(|(minute, counts)| (minute.hour(), counts)).collect());
        }
    }

    pub(super) fn revision(&self, provider: ProviderIndex) -> u64 {
        self.live().revision(self.number(provider))
    }

    pub(super) fn mark_live(&self, minutes: Range<Minute>) -> Result<(), StoreError> {
        let mut writer = self.writer();
        if self.live().liveness.covers(minutes.clone()) {
            return Ok(());
        }
        writer.log.append(Kind::Liveness, |out| {
            out.extend(names::write_spans(std::slice::from_ref(&minutes)));
        })?;
        self.live_mut().liveness.mark(minutes);
        Ok(())
    }

    pub(super) fn probe(&self) -> Result<(), StoreError> {
        self.writer()
            .log
            .append(Kind::Liveness, |out| out.extend(names::write_spans(&[Minute(0)..Minute(0)])))
            .map(|_| ())
    }

    /// The minutes in which somebody was here.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        self.live().liveness.clone()
    }

    pub(super) fn tidy(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut maintenance = self.maintenance();
        let hour = now.minute().hour();
        if maintenance.tidied != Some(hour) {
            self.age(now)?;
            if self.is_given_up() {
                return Ok(());
            }
            self.forget(hour, maintenance.snapshot_number)?;
            maintenance.tidied = Some(hour);
        }
        drop(maintenance);
        self.settle(now)
    }

    pub(super) fn settle(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut maintenance = self.maintenance();
        self.live_mut().settle_before(now.minute().plus(-SETTLED_AFTER_MINUTES));
        if self.log_bytes.load(Ordering::Relaxed)
            > self.options.snapshot_log_bytes.max(maintenance.snapshot_bytes)
        {
            self.write_snapshot(&mut maintenance, &|| self.is_given_up())?;
        }
        self.usage.write_where_due(&self.ledger, now)
    }

    pub(super) fn give_up_maintenance(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    pub(super) fn snapshot(&self) -> Result<(), StoreError> {
        let began = Instant::now();
        let written = self.write_snapshot(&mut self.maintenance(), &|| {
            self.is_given_up() && CLOSED_WITHIN <= began.elapsed()
        });
        self.usage.write(&self.ledger).and(written)
    }

    pub(super) fn disown_from(&self, minute: Minute) -> Result<(), StoreError> {
        let disowned = minute..self.newest_minute().map_or(minute, |newest| newest.plus(1));
        if disowned.is_empty() {
            return Ok(());
        }
        meta::disown(&self.dir, &disowned).map_err(|error| log::store_error(&error))?;
        *self.disowned.write().unwrap_or_else(PoisonError::into_inner) = disowned;
        Ok(())
    }

    /// Whether nothing was ever recorded, or all of it is forgotten, and nobody was ever
    /// here or wrote into a journal.
    pub(super) fn is_empty(&self) -> bool {
        self.kept_hours().is_empty()
            && self.live().liveness.spans().is_empty()
            && [&self.incidents, &self.ledger].iter().all(|journal| journal.length() == 0)
    }

    pub(super) fn size(&self) -> StoreSize {
        let live = self.live();
        let (rows, bytes) = live.all().fold((0, 0), |(rows, bytes), (_, _, counts)| {
            (rows + counts.len() as u64, bytes + (counts.heap_bytes() + size_of::<Counts>()) as u64)
        });
        StoreSize {
            log_bytes: self.log_bytes.load(Ordering::Relaxed),
            claims: self.claim_count.load(Ordering::Relaxed),
            live_rows: rows,
            live_bytes: bytes,
            journal_entries: self.incidents.length(),
            ledger_entries: self.ledger.length(),
            commands: 0,
        }
    }

    /// What becomes of each report, and the entries of those that count. Their claims are
    /// taken.
    fn decide(&self, claims: &mut Claims, group: &[Report]) -> (Vec<Recorded>, Vec<Entry>) {
        let mut entries = Vec::with_capacity(group.len());
        let outcome = |report: &Report| {
            let ask = Ask::of(report, self.number(report.provider));
            let first = match claims.take(ask) {
                Taken::Already => return Recorded::Duplicate,
                Taken::First => true,
                Taken::Again => false,
            };
            entries.push(Entry {
                provider: ask.provider,
                hash: ask.hash,
                bit: ask.bit,
                counted: report.counted(first),
            });
            Recorded::Counted
        };
        let outcomes = group.iter().map(outcome).collect();
        (outcomes, entries)
    }

    /// Reads hours from the database. None where one of them was written again since the
    /// caller looked, who must then look again.
    async fn read_aged<T: Send + 'static>(
        &self,
        hours: Vec<(Hour, u64)>,
        read: impl Fn(&Aged, Hour) -> Result<(u64, T), StoreError> + Send + 'static,
    ) -> Result<Option<Vec<T>>, StoreError> {
        if hours.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let aged = Arc::clone(&self.aged);
        let read_all = move || {
            let mut found = Vec::with_capacity(hours.len());
            for (hour, seen) in hours {
                let (until, content) = read(&aged, hour)?;
                if until > seen {
                    return Ok(None);
                }
                found.push(content);
            }
            Ok(Some(found))
        };
        tokio::task::spawn_blocking(read_all)
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    /// Moves hours that the lateness has closed from memory to the database.
    fn age(&self, now: Timestamp) -> Result<(), StoreError> {
        let open = now.plus_ms(-self.terms.lateness_ms - HOUR_MS).minute().hour();
        let closed = self.live().hours_before(open);
        for hour in closed {
            if self.is_given_up() {
                break;
            }
            let parts = AgingHour::gather(&self.live(), hour);
            let writer = self.writer();
            if AgingHour::is_unchanged(&parts, &self.live(), hour) {
                let until = writer.log.next();
                let reach =
                    |point| fail_point::reach(point).map_err(|error| log::store_error(&error));
                reach(FailPoint::BeforeHourAged)?;
                self.aged.insert(hour, until, &parts)?;
                reach(FailPoint::HourAged)?;
                self.live_mut().hand_over(hour, until);
            }
        }
        Ok(())
    }

    /// Forgets what is kept no longer.
    fn forget(&self, hour: Hour, snapshot_number: u64) -> Result<(), StoreError> {
        let keep_hours = self.terms.lateness_ms / HOUR_MS + REPORTERS_DAY_HOURS;
        for shard in 0..super::SHARDS as usize {
            self.writer().claims.forget(shard, hour.0, keep_hours);
        }
        self.claim_count.store(self.writer().claims.len() as u64, Ordering::Relaxed);
        let (minutes_before, hours_before) =
            (hour.plus(-24 * MINUTES_AT_REST_DAYS), hour.plus(-24 * HOURS_KEPT_DAYS));
        let mut aged_hours = self.live().aged.clone();
        self.aged.forget(minutes_before, hours_before, snapshot_number, &mut aged_hours)?;
        self.incidents.forget_places(kept_places::kept_since(hour.first_minute().start()))?;
        fail_point::pass(FailPoint::HoursForgotten);
        let mut live = self.live_mut();
        live.aged = aged_hours;
        live.liveness.forget_before(hours_before.first_minute());
        Ok(())
    }

    fn write_snapshot(
        &self,
        maintenance: &mut Maintenance,
        is_given_up: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        if self.options.durability == Durability::Discarded {
            return Ok(());
        }
        let frozen = {
            let mut writer = self.writer();
            let live = self.live();
            snapshot::Frozen {
                number: writer.log.rotate(),
                providers: writer.providers.clone(),
                liveness: live.liveness.spans().to_vec(),
                counts: live
                    .all()
                    .map(|(provider, minute, counts)| (provider, minute, Arc::clone(counts)))
                    .collect(),
            }
        };
        let failed = |error: std::io::Error| log::store_error(&error);
        fail_point::reach(FailPoint::SnapshotFrozen).map_err(failed)?;
        let claims = |shard| self.writer().claims.shard_bytes(shard);
        let bytes = snapshot::write(&self.dir, &frozen, claims, is_given_up).map_err(failed)?;
        (maintenance.snapshot_number, maintenance.snapshot_bytes) = (frozen.number, bytes);
        fail_point::reach(FailPoint::SnapshotNamed).map_err(failed)?;
        snapshot::remove_others(&self.dir, frozen.number).map_err(failed)?;
        fail_point::reach(FailPoint::SnapshotAlone).map_err(failed)?;
        let mut writer = self.writer();
        writer.log.remove_before(frozen.number).map_err(failed)?;
        self.log_bytes.store(writer.log.bytes(), Ordering::Relaxed);
        Ok(())
    }

    fn number(&self, provider: ProviderIndex) -> u16 {
        self.numbers[usize::from(provider.0)]
    }

    // A panic while a lock was held leaves tables that are whole: every change is one
    // call that cannot panic half-way. Going on beats refusing every later report.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn maintenance(&self) -> MutexGuard<'_, Maintenance> {
        self.maintenance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn live_mut(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Numbers of the catalogue's providers. Those that are new to this store get the
    /// next ones, for ever.
    fn number(&mut self, catalogue: &Catalogue) -> Result<Vec<u16>, StoreError> {
        let known = self.providers.len();
        let by_id: HashMap<String, usize> = self.providers.iter().cloned().zip(0..).collect();
        let mut numbers = Vec::with_capacity(catalogue.len());
        for (_, provider) in catalogue.iter() {
            // Ids of a catalogue are distinct.
            let number = by_id.get(&provider.id).copied().unwrap_or_else(|| {
                self.providers.push(provider.id.clone());
                self.providers.len() - 1
            });
            numbers.push(u16::try_from(number).map_err(|_| {
                StoreError::Unavailable("a store has room for 65536 providers".into())
            })?);
        }
        if known < self.providers.len() {
            let new = names::write(&self.providers[known..]);
            self.log.append(Kind::Providers, |out| out.extend(new))?;
        }
        Ok(numbers)
    }
}

fn rolled_up_to_hours(minutes: Vec<(Minute, Arc<Counts>)>) -> Vec<(Minute, Arc<Counts>)> {
    let mut hours: Vec<(Minute, Counts)> = Vec::new();
    for (minute, counts) in minutes {
        let start = minute.hour().first_minute();
        match hours.last_mut() {
            Some((hour, sum)) if *hour == start => sum.add_rolled_up(&counts, Resolution::HOURLY),
            _ => {
                let mut sum = Counts::default();
                sum.add_rolled_up(&counts, Resolution::HOURLY);
                hours.push((start, sum));
            }
        }
    }
    hours.into_iter().map(|(hour, counts)| (hour, Arc::new(counts))).collect()
}
