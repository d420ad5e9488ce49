//! The use-cases: what can be done with reports, and what can be read. Knows the time;
//! knows nothing of HTTP.

pub mod access;
pub mod areas;
pub mod cache;
pub mod clock;
pub mod coverage;
pub mod detection;
pub mod detector_pool;
pub mod frames;
pub mod ingest;
mod judge;
pub mod local_clocks;
pub mod metrics;
pub mod providers;
mod publication;
pub mod replay;
mod rule_of;
pub mod series;
pub mod shown;
pub mod slices;
pub mod source_series;
pub mod stopping;
pub mod threads;
pub mod timetable;
pub mod trust;
pub mod unknown_providers;
pub mod upgrade;
pub mod views;

use crate::domain::clock_guard::Doubt;
use crate::domain::counted::{Counted, LateReports};
use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::shown::ShownBaseline;
use crate::domain::fact::Source;
use crate::domain::incident::register::Register;
use crate::domain::provider::Catalogue;
use crate::domain::report::{Arrival, Report, Submission, TimeError};
use crate::domain::reporter::{DayKeys, ReporterKey};

use crate::domain::time::{CLOCK_TOLERANCE_MS, Minute, ON_TIME_MS, Timestamp, Window};
use crate::store::journal::NodeId;
use crate::store::reporter_key::{self, KeyFault};
use crate::store::timing::Timing;
use crate::store::withdrawn::Hidden;
use crate::store::{MINUTES_KEPT_DAYS, Recorded, Store, StoreError};
use crate::wire::warning::Warning;
use access::Access;
use areas::AreaIndexes;
use cache::{Served, TickCache};
use clock::Clock;
use detection::DetectionService;
use detection::progress::Detection;
use detection::snapshot::DetectionSnapshot;
use ingest::{Ingest, IngestError};
use metrics::Metrics;
use providers::ProvidersNow;
use series::{Series, SeriesKey};
use shown::Sight;
use shown::openness::Openness;
use shown::usual::Usual;
use slices::Slices;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;
use stopping::Stopping;
use threads::Threads;
use views::{Snapshot, ViewKey};

/// Under a clock however fast, steps leave the machine so much time for other things.
const PAUSE_AT_LEAST: Duration = Duration::from_millis(200);
/// Minutes that are said at once to have been lived through, where a fast clock skipped
/// them: more than it can between two steps.
const MOST_MINUTES_SKIPPED: i64 = 24 * 60;

/// Views kept at most, and their bytes.
const MOST_VIEWS: usize = 512;
const MOST_VIEW_BYTES: usize = 256 << 20;
/// Series kept at most, and their bytes.
const MOST_SERIES: usize = 1_024;
const MOST_SERIES_BYTES: usize = 64 << 20;

/// Everything that can be done, over one store.
#[derive(Debug)]
pub struct Engine {
    catalogue: Catalogue,
    clock: Clock,
    lateness_ms: i64,
    timing: Timing,
    store: Arc<Store>,
    openness: Arc<Openness>,
    #[cfg(debug_assertions)]
    left_out: Mutex<crate::domain::privacy::rule::LeftOut>,
    /// What is learnt of what is shown; held across a step.
    usual: tokio::sync::Mutex<Usual>,
    /// How far twins of hours were made; held to copy or replace it.
    twins: Mutex<Option<shown::Made>>,
    /// The same for who reads, once all is learnt; the lock is held to copy or replace it.
    shown: RwLock<Option<Arc<[ShownBaseline]>>>,
    metrics: Arc<Metrics>,
    /// Made anew once a day; the lock is held to copy the pointer.
    keys: RwLock<Arc<DayKeys>>,
    ingest: Ingest,
    committer: Mutex<Option<JoinHandle<()>>>,
    threads: Threads,
    slices: Arc<Slices>,
    areas: Arc<AreaIndexes>,
    /// Held while a part of a table of areas is summed.
    area_table_turn: tokio::sync::Mutex<()>,
    /// By the rules, too: what was built by those of before is never served again.
    views: TickCache<(ViewKey, u64), Snapshot>,
    series: TickCache<(SeriesKey, u64), Series>,
    providers: TickCache<Sight, ProvidersNow>,
    /// Held while what a source sent is read: that may be weeks of all providers.
    source_series_turn: tokio::sync::Mutex<()>,
    detection: DetectionService,
    coverage: coverage::Kept,
    access: Access,
    /// Whether the last try to write failed.
    cannot_write: AtomicBool,
    /// The last minute that was said to be lived through, as long as nothing failed
    /// since.
    lived: Mutex<Option<Minute>>,
    /// What spoke against the clock when that was last looked at; the lock is held to
    /// replace it.
    doubted: Mutex<Option<Doubt>>,
    /// Why the store should not be trusted with reports, as of the last look; the lock is
    /// held to copy or replace it.
    faults: RwLock<Vec<String>>,
    /// Whether long work should end between two steps.
    stopping: Stopping,
}

/// What all reports of one request have in common.
#[derive(Debug, Clone)]
pub struct Acceptance {
    arrival: Arrival,
    keys: Arc<DayKeys>,
    hidden: Arc<Hidden>,
}

impl Acceptance {
    /// The report of a submission.
    ///
    /// # Errors
    /// Where it was observed too long ago, or in the future.
    pub fn report(&self, submission: &Submission<'_>) -> Result<Report, TimeError> {
        let report = Report::accept(submission, &self.arrival, &self.keys)?;
        let Report { source, provider, observed, .. } = report;
        let is_withdrawn = self.hidden.withdraws(source, provider, observed.minute);
        Ok(if is_withdrawn { report.withdrawn() } else { report })
    }
}

impl Engine {
    /// An engine over an open store. Begins to take reports at once.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn start(
        catalogue: Catalogue,
        clock: Clock,
        lateness_ms: i64,
        key: &ReporterKey,
        store: Store,
        timing: Timing,
    ) -> std::io::Result<Self> {
        let (store, metrics) = (Arc::new(store), Arc::new(Metrics::default()));
        let (ingest, committer) = ingest::queue(timing.answer);
        let node = NodeId::random().map_err(std::io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (for_store, for_metrics) = (Arc::clone(&store), Arc::clone(&metrics));
        let run = move || runtime.block_on(committer.run(&for_store, &for_metrics));
        let threads = Threads::default();
        let committer = threads.spawn("committer", run)?;
        Ok(Self {
            keys: RwLock::new(Arc::new(key.around(clock.now()))),
            access: Access::new(node, clock.now()),
            openness: Arc::new(Openness::new(catalogue.iter().map(|(_, provider)| &*provider.id))),
            #[cfg(debug_assertions)]
            left_out: Mutex::default(),
            usual: tokio::sync::Mutex::new(Usual::new(catalogue.len())),
            shown: RwLock::default(),
            twins: Mutex::default(),
            coverage: coverage::Kept::default(),
            detection: DetectionService::new(node, &catalogue, Parameters::default(), clock.now()),
            catalogue,
            clock,
            lateness_ms,
            timing,
            store,
            metrics,
            ingest,
            committer: Mutex::new(Some(committer)),
            threads,
            slices: Arc::default(),
            areas: Arc::default(),
            area_table_turn: tokio::sync::Mutex::default(),
            views: TickCache::new(MOST_VIEWS, MOST_VIEW_BYTES),
            series: TickCache::new(MOST_SERIES, MOST_SERIES_BYTES),
            providers: TickCache::new(2, usize::MAX),
            source_series_turn: tokio::sync::Mutex::default(),
            cannot_write: AtomicBool::new(false),
            lived: Mutex::default(),
            doubted: Mutex::default(),
            faults: RwLock::default(),
            stopping: Stopping::default(),
        })
    }

    /// Who can be reported about.
    #[must_use]
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Where its store is, without passwords.
    #[must_use]
    pub fn store_shown(&self) -> String {
        self.store.shown()
    }

    /// What it counts about itself.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The threads that it cannot do without.
    #[must_use]
    pub const fn threads(&self) -> &Threads {
        &self.threads
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the clock shows, whether it is believed or not.
    #[must_use]
    pub fn clock_shown(&self) -> Timestamp {
        self.clock.shown()
    }

    /// The time, and how many times as fast as time it goes, where the clock is a
    /// simulated one.
    #[must_use]
    pub fn simulated_now(&self) -> Option<(Timestamp, u32)> {
        self.clock.simulated_now()
    }

    /// How long to wait between two steps of maintenance: the same by the clock, as far
    /// as the machine keeps up.
    #[must_use]
    pub fn maintenance_every(&self) -> Duration {
        self.by_clock(self.timing.maintenance)
    }

    /// How long to wait between two looks of the detectors: the same by the clock, as far
    /// as the machine keeps up; not at all while they are behind and come nearer.
    #[must_use]
    pub fn look_every(&self) -> Duration {
        if self.detection.comes_nearer() {
            return Duration::ZERO;
        }
        self.by_clock(self.timing.look)
    }

    /// How long a pause by the clock takes.
    fn by_clock(&self, pause: Duration) -> Duration {
        let speed = self.simulated_now().map_or(1, |(_, speed)| speed);
        (pause / speed).max(PAUSE_AT_LEAST.min(pause))
    }

    /// How far back a report may have been observed.
    #[must_use]
    pub const fn lateness_ms(&self) -> i64 {
        self.lateness_ms
    }

    /// The first instant of which minutes are still kept.
    #[must_use]
    pub fn minutes_kept_since(&self) -> Timestamp {
        self.now().plus_ms(-MINUTES_KEPT_DAYS * 24 * crate::domain::time::HOUR_MS)
    }

    /// Whether no report can change this window any more. A clock that is not confirmed
    /// may be ahead, and the window still be to come.
    #[must_use]
    pub fn is_closed(&self, window: Window, late: LateReports) -> bool {
        self.closed_at(window, late) < self.now() && self.trust().forgets()
    }

    /// After which instant no report changes what is counted of a window: of those on time
    /// none that any node dates, by whichever of their clocks.
    #[must_use]
    pub fn closed_at(&self, window: Window, late: LateReports) -> Timestamp {
        let comes_within_ms = match late {
            LateReports::Counted => self.lateness_ms,
            LateReports::LeftOut => ON_TIME_MS + CLOCK_TOLERANCE_MS,
        };
        window.to.start().plus_ms(comes_within_ms)
    }

    /// Up to which instant reports are in an answer that was made of a window at one: once
    /// nothing that came since can change it, the instant from which on that held. Of one
    /// that counts late reports, when it was made.
    #[must_use]
    pub fn dated(&self, window: Window, late: LateReports, made_at: Timestamp) -> Timestamp {
        match late {
            LateReports::Counted => made_at,
            LateReports::LeftOut => made_at.min(self.closed_at(window, late)),
        }
    }

    /// Prepares to accept what one request brings: through whom, and with the sender's
    /// clock where it told it.
    ///
    /// # Errors
    /// While the clock is in doubt: nothing is dated by it.
    pub fn accept(
        &self,
        source: Source,
        sent_at: Option<Timestamp>,
    ) -> Result<Acceptance, IngestError> {
        let at = self.dated_now()?;
        let arrival = Arrival { at, sent_at, source, lateness_ms: self.lateness_ms };
        let hidden = self.store.hidden();
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        if keys.are_for(at) {
            return Ok(Acceptance { arrival, keys, hidden });
        }
        let keys = Arc::new(keys.key().around(at));
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
        Ok(Acceptance { arrival, keys, hidden })
    }

    /// Counts warnings that a sender is given.
    pub fn warn<'a>(&self, warnings: impl IntoIterator<Item = &'a Warning>) {
        warnings.into_iter().for_each(|warning| self.metrics.warned(warning.kind));
    }

    /// Records reports durably and says of each, in order, what became of it.
    ///
    /// # Errors
    /// Where they could not be recorded. Repeat them then: it is harmless.
    pub async fn record(&self, reports: Vec<Report>) -> Result<Vec<Recorded>, IngestError> {
        let newest = reports.iter().map(|report| report.observed.arrived).max();
        let outcome = self.ingest.record(reports).await;
        match &outcome {
            Ok(_) => newest.into_iter().for_each(|newest| self.clock.knows_fact(newest)),
            Err(IngestError::Store(_)) => self.cannot_write.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        outcome
    }

    /// A view of this tick or the one before.
    ///
    /// # Errors
    /// Where it cannot be built and none is left from the last five minutes.
    pub async fn view(&self, key: ViewKey) -> Result<Served<Snapshot>, StoreError> {
        let now = self.now();
        let brands = self.catalogue.brands(key.subject).to_vec();
        let reader = self.reader(key.sight);
        let place = (key, reader.rules_digest());
        let from = (reader, Arc::clone(&self.slices));
        let build = |last| views::build(from, brands, key, now, last);
        self.count_error(self.views.get(place, now, build).await)
    }

    /// A series of this tick or the one before.
    ///
    /// # Errors
    /// Where it cannot be built and none is left from the last five minutes.
    pub async fn series(&self, key: SeriesKey) -> Result<Served<Series>, StoreError> {
        let now = self.now();
        let brands = self.catalogue.brands(key.subject).to_vec();
        let from = (self.reader(key.sight), Arc::clone(&self.slices));
        // Of single symptoms, or of what came on time alone, nothing was learnt.
        let expected = || {
            if key.counted == Counted::ALL {
                self.expectations(key.sight, key.subject)
            } else {
                Vec::new()
            }
        };
        let place = (key.clone(), from.0.rules_digest());
        let build = |_| series::build(from, brands, expected(), key.clone(), now);
        self.count_error(self.series.get(place, now, build).await)
    }

    /// How every provider is doing, as of this tick or the one before.
    ///
    /// # Errors
    /// Where it cannot be looked up and nothing is left from the last five minutes.
    pub async fn providers(&self, sight: Sight) -> Result<Served<ProvidersNow>, StoreError> {
        let now = self.now();
        let (reader, providers) = (self.reader(sight), self.catalogue.len());
        self.count_error(
            self.providers.get(sight, now, |_| providers::build(reader, providers, now)).await,
        )
    }

    /// All incidents, as far as this node has read: at most one look old.
    #[must_use]
    pub fn register(&self) -> Arc<Register> {
        self.detection.register()
    }

    /// What the detectors see, as of the last look.
    #[must_use]
    pub fn detection_snapshot(&self) -> Arc<DetectionSnapshot> {
        self.detection.detection_snapshot()
    }

    /// What detection knows of the present, and how far it has come.
    #[must_use]
    pub fn detection(&self) -> Detection {
        self.detection.detection(self.now(), self.doubt().is_some())
    }

    /// Asks long work to end between two steps: what [`Self::stop`] would wait for.
    pub fn begin_to_stop(&self) {
        self.stopping.ask();
        self.store.give_up_maintenance();
    }

    /// Works until the end, or until long work is asked to end: then it is let go of
    /// where it waits for the store. It must be safe to repeat.
    pub async fn unless_stopping(&self, work: impl Future<Output = ()>) {
        self.stopping.unless_asked(work).await;
    }

    /// Why no reports should be sent here now, as far as the last try and the last look
    /// told.
    #[must_use]
    pub fn unfit_to_record(&self) -> Vec<String> {
        let mut reasons = self.faults.read().unwrap_or_else(PoisonError::into_inner).clone();
        reasons.extend(self.doubt().map(|doubt| doubt.to_string()));
        if self.keys_are_doubtful() && self.access().keys().next().is_some() {
            reasons.push("reports with a key are refused: the ledger cannot be read".into());
        }
        if !self.can_record() {
            reasons.push("reports cannot be recorded: the last try failed, see the log".into());
        }
        reasons
    }

    /// Whether the store took what was recorded last, or was looked at since.
    #[must_use]
    pub fn can_record(&self) -> bool {
        !self.cannot_write.load(Ordering::Relaxed)
    }

    /// One step of maintenance: says that we run, ages and forgets what its time has
    /// come for, brings the gauges up to date.
    pub async fn maintain(&self) {
        let (compared, looked) = (self.compare_clocks().await, self.look_at_store().await);
        let (now, trust) = (self.now(), self.trust());
        let wrote = if self.can_record() && trust.dates() {
            self.mark_live().await
        } else {
            self.store.probe().await
        };
        self.cannot_write.store(wrote.is_err(), Ordering::Relaxed);
        // Before anything is forgotten, and while hours are known to be over.
        let kept = if trust.forgets() { self.keep_shown_hours().await } else { Ok(()) };
        let tidied =
            if trust.forgets() { self.store.tidy(now).await } else { self.store.settle(now).await };
        // One that is away fails them all: said once.
        if let Some(error) = [compared.err(), looked.err(), wrote.err(), kept.err(), tidied.err()]
            .into_iter()
            .flatten()
            .next()
        {
            self.metrics.store_errors.inc();
            tracing::error!(%error, "maintenance failed and will be tried again");
        }
        self.refresh_gauges().await;
    }

    /// Says that we run: in the present minute, and in those that a fast clock skipped
    /// since this was said last.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn mark_live(&self) -> Result<(), StoreError> {
        let minute = self.now().minute();
        let before = self
            .lived
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .filter(|_| self.simulated_now().is_some());
        // By a clock as fast as time, a minute is skipped only by who was asleep.
        let since = before
            .map_or(minute, |before| before.max(minute.plus(-MOST_MINUTES_SKIPPED)).min(minute));
        self.store.mark_live(since..minute.plus(1)).await?;
        *self.lived.lock().unwrap_or_else(PoisonError::into_inner) = Some(minute);
        Ok(())
    }

    /// Looks whether the store should be trusted with reports, and warns of what changed.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn look_at_store(&self) -> Result<(), StoreError> {
        let mut faults = self.store.faults().await?;
        faults.extend(self.key_fault().map(|fault| fault.to_string()));
        let before = std::mem::replace(
            &mut *self.faults.write().unwrap_or_else(PoisonError::into_inner),
            faults.clone(),
        );
        for fault in faults.iter().filter(|fault| !before.contains(fault)) {
            tracing::warn!(fault, "the store should not be trusted with reports");
        }
        Ok(())
    }

    /// Why reporters should not be hashed with the key of this node: the store's is
    /// replaced, and it does not have the next one.
    fn key_fault(&self) -> Option<KeyFault> {
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let (replacement, at) = (self.store.replacement(), (self.now(), self.lateness_ms));
        reporter_key::check_running(keys.key(), replacement, at, &self.store.shown()).err()
    }

    /// Commits what was accepted, then closes the store. Reports are refused from here
    /// on.
    pub fn stop(&self) {
        self.ingest.close();
        let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if committer.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the committer ended in a panic");
        }
        if let Err(error) = self.store.close() {
            tracing::warn!(%error, "no snapshot was written; the next start reads the log instead");
        }
    }

    /// Brings the gauges up to date. Looks at every live minute: not for every caller of
    /// `/metrics`.
    async fn refresh_gauges(&self) {
        let size = self.store.size().await;
        self.metrics.log_bytes.set(size.log_bytes as i64);
        self.metrics.claims.set(size.claims as i64);
        self.metrics.live_rows.set(size.live_rows as i64);
        self.metrics.live_bytes.set(size.live_bytes as i64);
        self.metrics
            .store_commands
            .inc_by(size.commands.saturating_sub(self.metrics.store_commands.get()));
        self.refresh_view_age();
    }

    /// Brings the gauges of detection up to date.
    pub fn refresh_detection_lag(&self) {
        let (snapshot, now) = (self.detection_snapshot(), self.now());
        let lag_ms =
            snapshot.lag_ms(now).unwrap_or_else(|| now.ms_since(self.detection.began_at).max(0));
        self.metrics.detection_lag_seconds.set(lag_ms as f64 / 1_000.0);
        self.metrics.detection_progress.set(self.detection().share());
        self.metrics.holds_lease.set(i64::from(snapshot.holds_lease));
        self.metrics.open_incidents.set(self.register().open().count() as i64);
    }

    /// Brings the one gauge up to date that is out of date at once.
    pub fn refresh_view_age(&self) {
        self.metrics.view_age_seconds.set(self.views.oldest_ms(self.now()) as f64 / 1_000.0);
    }

    /// What was read; counts it where it could not be.
    fn read<V>(&self, outcome: Result<V, StoreError>) -> Result<V, StoreError> {
        outcome.inspect_err(|_| {
            self.metrics.store_errors.inc();
        })
    }

    fn count_error<V>(
        &self,
        outcome: Result<Served<V>, StoreError>,
    ) -> Result<Served<V>, StoreError> {
        if outcome.as_ref().map_or(true, |served| served.stale) {
            self.metrics.store_errors.inc();
        }
        outcome.map(|served| self.fresh_by_clock(served))
    }
}
