//! One step of the detection service: read what was recorded, look, record what is new.

use super::desk::Desk;
use super::figures::has_emergency;
use super::places::place;
use super::progress::Progress;
use super::restatement::restated;
use super::snapshot::{DetectionSnapshot, DetectorState};
use super::spike_history::SpikesTold;
use super::voids::without_voided;
use super::{HeldLease, JournalRead, PIECE, Running, SPIKES_EVERY, WARM_UP_MINUTES};
use crate::domain::incident::entry::Entry;
use crate::domain::incident::register::Register;
use crate::domain::incident::{Form, Incident, IncidentId};
use crate::domain::provider::ProviderIndex;
use crate::domain::time::{MINUTE_MS, ON_TIME_MS, Timestamp};
use crate::engine::Engine;
use crate::engine::detector_pool::Pause;
use crate::store::StoreError;
use crate::store::journal::{Appended, JournalName, Lease, Tail};
use crate::store::places::Place;
use crate::wire::journal::to_bytes;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// Entries that are recorded together at most.
const MOST_AT_ONCE: usize = 16;

impl Engine {
    /// One step of the detection service. A step that fails is made up for by the next.
    pub async fn step_detection(&self) {
        let began = Instant::now();
        self.give_up_before_1970();
        let is_behind = self.try_step_detection().await.unwrap_or_else(|error| {
            self.metrics.store_errors.inc();
            tracing::error!(%error, "a detection step failed and will be tried again");
            false
        });
        self.detection.comes_nearer.store(is_behind, Ordering::Relaxed);
        if !self.detection_snapshot().is_behind && !self.stopping.is_asked() {
            self.learn_what_is_shown().await;
        }
        self.metrics.detection_step_seconds.observe(began.elapsed().as_secs_f64());
        self.refresh_detection_lag();
    }

    /// One step. Gives whether it is still behind.
    async fn try_step_detection(&self) -> Result<bool, StoreError> {
        let mut running = self.detection.running.lock().await;
        let running = &mut *running;
        if self.doubt().is_some() {
            self.pause(running).await?;
            return Ok(false);
        }
        self.heed_steps(running);
        if self.simulated_now().is_some() {
            // On a fast clock maintenance would mark minutes after they were stepped to.
            self.mark_live().await?;
        }
        self.read_journal().await?;
        self.forget_places();
        self.heed_voids(running).await?;
        self.recall_lessons(running);
        let now = self.now();
        self.show_progress(running, now);
        let (began, stopping) = (Instant::now(), &self.stopping);
        let is_over = || stopping.is_asked() || PIECE <= began.elapsed();
        let pause = Pause { is_stopped: &|| stopping.is_asked(), is_over: &is_over };
        let told = running.pool.catch_up(&self.store, now, &pause, &mut |_| {}).await?;
        running.desk.take(told);
        running.behind = running.pool.is_behind(now);
        self.show_progress(running, now);
        if stopping.is_asked() {
            return Ok(running.behind);
        }
        if !running.behind {
            let began = self.detection.began;
            let told = running.pool.look(&self.store, self.now(), &mut || began.elapsed()).await?;
            running.desk.take(told);
            if !running.rebuilding {
                running.desk.forget(now);
            }
            self.record_incidents(running, now).await?;
        }
        self.show(running, now).await?;
        Ok(running.behind)
    }

    /// Reads what was recorded since, by this node or another.
    pub(super) async fn read_journal(&self) -> Result<JournalRead, StoreError> {
        loop {
            let known = self.read_by_latest_rule();
            let read = match self.store.journal(JournalName::Incidents, known.position).await? {
                Tail::Since(piece) if piece.entries.is_empty() => return Ok(known),
                Tail::Since(piece) => {
                    let mut register = (*known.register).clone();
                    self.take_entries(&mut register, &piece.entries).await?;
                    JournalRead { register: Arc::new(register), position: piece.end, ..known }
                }
                Tail::Lost => {
                    tracing::warn!(
                        "the store has lost entries of the journal that were read before; it is \
                         read anew"
                    );
                    JournalRead::default()
                }
            };
            let mut shared = self.detection.read.write().unwrap_or_else(PoisonError::into_inner);
            // Two who read at once read the same: the first one's stays.
            if shared.position == known.position {
                *shared = read;
            }
        }
    }

    /// What was read, by the rule of now: nothing where that hides more than the one it was
    /// read by.
    fn read_by_latest_rule(&self) -> JournalRead {
        let rule = self.shown_by().rules.latest();
        let mut shared = self.detection.read.write().unwrap_or_else(PoisonError::into_inner);
        if shared.by.is_some_and(|before| before.stricter(rule) != before) {
            *shared = JournalRead::default();
        }
        shared.by = Some(rule);
        shared.clone()
    }

    /// Records new revisions, where this node is the one that may.
    async fn record_incidents(
        &self,
        running: &mut Running,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(held) = self.hold_lease(running).await? else { return Ok(()) };
        let read = self.detection.read();
        let register = &read.register;
        let mut news = if running.rebuilding {
            without_voided(
                register,
                &running.desk.active_clusters,
                &self.catalogue,
                self.lateness_ms,
                now,
            )
        } else {
            Vec::new()
        };
        running.desk.coin = Some(self.shown_by().coin);
        let drafts = running.desk.drafts(&self.catalogue, &running.pool, register, now);
        let rebuilt: Vec<IncidentId> = news.iter().map(|incident| incident.id).collect();
        news.extend(drafts.into_iter().filter(|draft| !rebuilt.contains(&draft.id)));
        let of_minute = self.news_of_minute(running, register, now).await?;
        let is_told = |id: IncidentId, news: &[Incident]| news.iter().any(|told| told.id == id);
        let of_minute: Vec<Incident> =
            of_minute.into_iter().filter(|incident| !is_told(incident.id, &news)).collect();
        news.extend(of_minute);
        let told: Vec<IncidentId> = news.iter().map(|incident| incident.id).collect();
        Desk::count(&self.store, &self.catalogue, &running.pool, &mut news, now).await?;
        let again =
            restated(&self.store, &self.catalogue, &running.pool, register, self.lateness_ms, now)
                .await?;
        news.extend(again.into_iter().filter(|incident| !told.contains(&incident.id)));
        let mut position = read.position;
        let mut entries: Vec<(Entry, Option<Place>)> = Vec::new();
        for exact in news {
            let public = self.public_form(&running.pool, register, &exact).await?;
            entries.push((Entry::Revision(Arc::new(public)), Some(place(exact))));
        }
        let lessons = self.new_lessons(&running.pool, register);
        entries.extend(lessons.into_iter().map(|lesson| (lesson, None)));
        for some in entries.chunks(MOST_AT_ONCE) {
            // Who reads an entry finds its place.
            let places: Vec<Place> = some.iter().filter_map(|(_, place)| place.clone()).collect();
            self.store.keep_places(&places).await?;
            let entries: Vec<Vec<u8>> = some.iter().map(|(entry, _)| to_bytes(entry)).collect();
            match self
                .store
                .append(JournalName::Incidents, Some(held.token), position, &entries)
                .await
                .map_err(|error| StoreError::Unavailable(error.to_string()))?
            {
                Appended::Yes { end } => position = end,
                // Somebody else's word came first: the next step looks at what it is.
                Appended::Behind => return Ok(()),
                Appended::Fenced => {
                    tracing::warn!("another node records incidents now");
                    running.lease = None;
                    return Ok(());
                }
            }
        }
        running.rebuilding = false;
        self.read_journal().await.map(drop)
    }

    /// Incidents that had no name, and have one now; and those in which nobody had reported a
    /// failed emergency call, and somebody has now. Asked once a minute.
    async fn news_of_minute(
        &self,
        running: &mut Running,
        register: &Register,
        now: Timestamp,
    ) -> Result<Vec<Incident>, StoreError> {
        if running.names_asked == Some(now.minute()) {
            return Ok(Vec::new());
        }
        let mut found = self.newly_named(register, now).await?;
        for incident in register.open_in(Form::Exact) {
            let is_told = found.iter().any(|told| told.id == incident.id);
            if is_told || incident.figures.emergency().is_some() {
                continue;
            }
            let since = incident.known_at.plus_ms(-ON_TIME_MS).minute();
            let minutes = since..now.minute().plus(1);
            if has_emergency(&self.store, &self.catalogue, incident, minutes).await? {
                let mut told = (**incident).clone();
                (told.revision, told.known_at, told.naming) = (told.revision + 1, now, None);
                found.push(told);
            }
        }
        running.names_asked = Some(now.minute());
        Ok(found)
    }

    /// While the clock is in doubt, nothing is looked at and nothing recorded; another
    /// node may, whose clock is not.
    async fn pause(&self, running: &mut Running) -> Result<(), StoreError> {
        self.read_journal().await?;
        self.show_progress(running, self.now());
        match running.lease.take() {
            Some(held) => self.store.release(held.token).await,
            None => Ok(()),
        }
    }

    /// Begins detection anew where time itself was set since the last step, as a restart
    /// would.
    fn heed_steps(&self, running: &mut Running) {
        let (_, adoptions) = self.clock.steps();
        if adoptions != running.adoptions {
            self.begin_anew(running, self.now().minute().plus(-WARM_UP_MINUTES));
            *self.detection.snapshot.write().unwrap_or_else(PoisonError::into_inner) =
                Arc::new(DetectionSnapshot::nothing());
            running.adoptions = adoptions;
        }
    }

    /// Gives the lease back, so that another node goes on at once.
    pub async fn release_lease(&self) {
        let held = self.detection.running.lock().await.lease.take();
        if let Some(held) = held
            && let Err(error) = self.store.release(held.token).await
        {
            tracing::warn!(%error, "the lease was not given back; it ends by itself");
        }
    }

    /// The lease of this node, taken or renewed; none where another node has it.
    async fn hold_lease(&self, running: &mut Running) -> Result<Option<HeldLease>, StoreError> {
        let (renewal, for_ms) = (self.timing.renewal, self.timing.lease.as_millis() as i64);
        if let Some(held) = running.lease.filter(|held| held.renewed.elapsed() < renewal) {
            return Ok(Some(held));
        }
        let renewed = Instant::now();
        let before = running.lease.take();
        running.lease = match self.store.lease(self.detection.node, for_ms).await? {
            Lease::Held(token) => Some(HeldLease { token, renewed }),
            Lease::HeldByOther { .. } => None,
        };
        if before.map(|held| held.token) != running.lease.map(|held| held.token) {
            tracing::info!(records_incidents = running.lease.is_some(), "the lease changed hands");
        }
        Ok(running.lease)
    }

    /// Shows readers how far detection has come.
    fn show_progress(&self, running: &Running, now: Timestamp) {
        let (pool, register) = (&running.pool, self.detection.register());
        // Before the first step, what the journal says is all that is known.
        let up_to = pool
            .looked_up_to()
            .or_else(|| register.told_last())
            .unwrap_or(self.detection.began_at.plus_ms(-WARM_UP_MINUTES * MINUTE_MS));
        let progress = Progress::after(running.began.elapsed(), pool.share_done(now), up_to);
        *self.detection.progress.write().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Shows readers what the detectors see.
    async fn show(&self, running: &mut Running, now: Timestamp) -> Result<(), StoreError> {
        let spikes_told = self.find_spikes(running, now).await;
        let sight = |n: usize| {
            let detector = &running.pool.detectors()[n];
            DetectorState {
                expectation: detector.expectation(),
                spikes: Arc::clone(&running.spikes[n].spikes),
                public_spikes: Arc::clone(&running.spikes[n].public),
                is_cold: detector.is_cold(),
            }
        };
        let saw_present_at =
            if running.behind { self.detection_snapshot().saw_present_at } else { Some(now) };
        let snapshot = DetectionSnapshot {
            looked_at: Some(now),
            saw_present_at,
            is_behind: running.behind,
            holds_lease: running.lease.is_some(),
            providers: (0..self.catalogue.len()).map(sight).collect(),
        };
        *self.detection.snapshot.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(snapshot);
        spikes_told
    }

    /// Finds the spikes of providers whose reports or minute changed since, where that is
    /// due again.
    ///
    /// # Errors
    /// Where the store cannot be read: everybody is told of none of a provider then.
    async fn find_spikes(&self, running: &mut Running, now: Timestamp) -> Result<(), StoreError> {
        let history = || self.detection.spikes_told.write().unwrap_or_else(PoisonError::into_inner);
        let rule = self.shown_by().rules.at(now);
        if !running.behind {
            history().begin(now, self.catalogue.len(), rule);
        }
        for n in 0..self.catalogue.len() {
            let provider = ProviderIndex(n as u16);
            let counted: f64 =
                running.pool.detectors()[n].windows(&[]).iter().map(|(observed, _)| observed).sum();
            let (at, began) = ((counted as u64, now.minute()), self.detection.began.elapsed());
            let seen = &running.spikes[n];
            if running.behind || seen.at == Some(at) || began < seen.next {
                continue;
            }
            let spikes = Arc::new(running.pool.spikes_of(provider));
            running.spikes[n].spikes = Arc::clone(&spikes);
            running.spikes[n].public = Arc::default();
            let public = self.public_spikes(&running.pool, provider, &spikes, now).await?;
            let took = self.detection.began.elapsed().saturating_sub(began);
            let seen = &mut running.spikes[n];
            (seen.public, seen.at, seen.next) =
                (Arc::new(public), Some(at), began + SPIKES_EVERY * took);
            let lists = (Arc::clone(&seen.spikes), Arc::clone(&seen.public));
            history().keep(provider, SpikesTold::new(now, lists, rule));
        }
        Ok(())
    }
}
