//! Group commit: what gathers while one group is being committed is the next.

use super::metrics::Metrics;
use crate::domain::report::Report;
use crate::store::{ANSWER_WITHIN, Recorded, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Reports that may wait for their commit. About ten megabytes, and a tenth of a second of work.
pub const MOST_QUEUED: usize = 131_072;
/// Reports committed together at most, so that nobody waits for a sync of hundreds of megabytes.
const MOST_IN_A_GROUP: usize = 65_536;

/// A group waits for more at most this long, and at most as long as the last commit took.
const LONGEST_LINGER: Duration = Duration::from_micros(500);

/// Why reports were not recorded. Each may be repeated without harm.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// The queue is full: they were not looked at.
    #[error("too many reports are waiting to be recorded")]
    Overloaded,
    /// The store could not take them.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The way to the committer.
#[derive(Debug)]
pub struct Ingest {
    /// Bounded by `queued`; nothing ends it.
    queue: mpsc::UnboundedSender<Option<Submitted>>,
    /// Reports that wait for their commit or are being committed.
    queued: Arc<AtomicUsize>,
}

/// The committer's side of the queue.
#[derive(Debug)]
pub struct Committer {
    queue: mpsc::UnboundedReceiver<Option<Submitted>>,
    queued: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Submitted {
    reports: Vec<Report>,
    answer: oneshot::Sender<Result<Vec<Recorded>, StoreError>>,
    _room: Room,
}

/// Room for so many reports in the queue, given back when dropped.
#[derive(Debug)]
struct Room {
    queued: Arc<AtomicUsize>,
    reports: usize,
}

/// Both ends of an empty queue.
#[must_use]
pub fn queue() -> (Ingest, Committer) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let queued = Arc::new(AtomicUsize::new(0));
    (Ingest { queue: sender, queued: Arc::clone(&queued) }, Committer { queue: receiver, queued })
}

impl Ingest {
    /// Records reports durably and says of each, in order, what became of it.
    ///
    /// # Errors
    /// Where the queue is full or the store fails or does not answer in time. Repeat them then: it is harmless.
    pub async fn record(&self, reports: Vec<Report>) -> Result<Vec<Recorded>, IngestError> {
        if reports.is_empty() {
            return Ok(Vec::new());
        }
        let room = Room::take(&self.queued, reports.len()).ok_or(IngestError::Overloaded)?;
        let (answer, answered) = oneshot::channel();
        let closed = || StoreError::Unavailable("shutting down".into());
        self.queue.send(Some(Submitted { reports, answer, _room: room })).map_err(|_| closed())?;
        match tokio::time::timeout(ANSWER_WITHIN, answered).await {
            Ok(outcome) => Ok(outcome.map_err(|_| closed())??),
            Err(_) => Err(StoreError::Unavailable(format!("no answer within {} s", ANSWER_WITHIN.as_secs())).into()),
        }
    }

    /// Lets the committer end once it has committed what is queued now.
    pub fn close(&self) {
        // An error says that it has ended already.
        drop(self.queue.send(None));
    }
}

impl Room {
    fn take(queued: &Arc<AtomicUsize>, reports: usize) -> Option<Self> {
        let room = Self { queued: Arc::clone(queued), reports };
        let before = queued.fetch_add(reports, Ordering::Relaxed);
        (before + reports <= MOST_QUEUED).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.queued.fetch_sub(self.reports, Ordering::Relaxed);
    }
}

impl Committer {
    /// Commits group after group until the queue is closed.
    pub async fn run(mut self, store: &Store, metrics: &Metrics) {
        let (mut reports, mut linger) = (Vec::new(), Duration::ZERO);
        while let Some(waiters) = self.next_group(&mut reports, linger).await {
            metrics.queued_reports.set(self.queued.load(Ordering::Relaxed) as i64);
            let began = Instant::now();
            let outcome = store.record(&reports).await;
            let took = began.elapsed();
            linger = took.min(LONGEST_LINGER);
            metrics.commit_seconds.observe(took.as_secs_f64());
            metrics.group_reports.observe(reports.len() as f64);
            if let Err(error) = &outcome {
                metrics.store_errors.inc();
                metrics.reports("failed", reports.len() as u64);
                tracing::error!(%error, reports = reports.len(), "a group of reports could not be recorded");
            }
            answer(waiters, &outcome, metrics);
            reports.clear();
        }
    }

    /// Waits for reports, then takes what else is there. None once the queue is closed and empty.
    ///
    /// Where several wait, more are on their way: a moment longer makes fewer and larger groups, and a sync costs the same for any size.
    /// One alone does not wait for others.
    async fn next_group(&mut self, reports: &mut Vec<Report>, linger: Duration) -> Option<Vec<Submitted>> {
        let mut waiters = vec![self.queue.recv().await??];
        reports.extend_from_slice(&waiters[0].reports);
        self.take_what_is_there(&mut waiters, reports);
        if waiters.len() > 1 && !linger.is_zero() {
            std::thread::sleep(linger);
            self.take_what_is_there(&mut waiters, reports);
        }
        Some(waiters)
    }

    fn take_what_is_there(&mut self, waiters: &mut Vec<Submitted>, reports: &mut Vec<Report>) {
        while reports.len() < MOST_IN_A_GROUP {
            match self.queue.try_recv() {
                Ok(Some(submitted)) => {
                    reports.extend_from_slice(&submitted.reports);
                    waiters.push(submitted);
                }
                Ok(None) => self.queue.close(),
                Err(_) => break,
            }
        }
    }
}

/// Gives each waiter the outcomes of its own reports. One that has gone away is passed over.
fn answer(waiters: Vec<Submitted>, outcome: &Result<Vec<Recorded>, StoreError>, metrics: &Metrics) {
    let (mut at, mut counted) = (0, 0);
    for Submitted { reports, answer, .. } in waiters {
        let own = outcome.as_ref().map(|all| all[at..at + reports.len()].to_vec()).map_err(Clone::clone);
        at += reports.len();
        counted += own.iter().flatten().filter(|recorded| **recorded == Recorded::Counted).count();
        drop(answer.send(own));
    }
    if outcome.is_ok() {
        metrics.reports("counted", counted as u64);
        metrics.reports("duplicate", (at - counted) as u64);
    }
}
