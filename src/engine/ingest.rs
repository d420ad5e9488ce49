//! Group commit: what gathers while one group is being committed is the next.

use super::metrics::Metrics;
use crate::domain::clock_guard::Doubt;
use crate::domain::report::Report;
use crate::store::{Part, Recorded, Store, StoreError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Reports that may wait for their commit. About ten megabytes, and a tenth of a second
/// of work.
pub const MOST_QUEUED: usize = 131_072;
/// Reports committed together at most, so that nobody waits for a sync of hundreds of
/// megabytes.
const MOST_IN_A_GROUP: usize = 65_536;

/// Groups that a store behind a network works on at once.
const USUALLY_UNDER_WAY: usize = 2;
/// Groups that may be under way where those before are held up, and how long after one
/// the next then begins.
const MOST_UNDER_WAY: usize = 64;
const PACE: Duration = Duration::from_millis(100);

/// A group waits for more at most this long, and at most as long as the last commit took.
const LONGEST_LINGER: Duration = Duration::from_micros(500);

/// Why reports were not recorded. Each may be repeated without harm.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// The queue is full: they were not looked at.
    #[error("too many reports are waiting to be recorded")]
    Overloaded,
    /// The clock is in doubt: nothing is dated by it.
    #[error("nothing can be dated: {0}")]
    Clock(Doubt),
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
    /// Within this a report is answered, or refused.
    answer_within: Duration,
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
    room: Room,
}

/// Room for so many reports in the queue, given back when dropped.
#[derive(Debug)]
struct Room {
    queued: Arc<AtomicUsize>,
    reports: usize,
}

/// Both ends of an empty queue, whose reports are answered within that time.
#[must_use]
pub fn queue(answer_within: Duration) -> (Ingest, Committer) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let queued = Arc::new(AtomicUsize::new(0));
    let ingest = Ingest { queue: sender, queued: Arc::clone(&queued), answer_within };
    (ingest, Committer { queue: receiver, queued })
}

impl Ingest {
    /// Records reports durably and says of each, in order, what became of it.
    ///
    /// # Errors
    /// Where the queue is full or the store fails or does not answer in time. Repeat them
    /// then: it is harmless.
    pub async fn record(&self, reports: Vec<Report>) -> Result<Vec<Recorded>, IngestError> {
        if reports.is_empty() {
            return Ok(Vec::new());
        }
        let room = Room::take(&self.queued, reports.len()).ok_or(IngestError::Overloaded)?;
        let (answer, answered) = oneshot::channel();
        let closed = || StoreError::Unavailable("shutting down".into());
        self.queue.send(Some(Submitted { reports, answer, room })).map_err(|_| closed())?;
        match tokio::time::timeout(self.answer_within, answered).await {
            Ok(outcome) => Ok(outcome.map_err(|_| closed())??),
            Err(_) => Err(StoreError::Unavailable(format!(
                "no answer within {} s",
                self.answer_within.as_secs_f64()
            ))
            .into()),
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

/// Reports that are committed together, and who waits for them.
#[derive(Debug)]
struct Group {
    reports: Vec<Report>,
    waiters: Vec<Submitted>,
}

impl Committer {
    /// Commits group after group until the queue is closed.
    ///
    /// A store behind a network gets the next group while the last is on its way. Further
    /// ones follow at a slower pace where those are held up: a part of the store that
    /// does not answer must not keep the reports of the others waiting.
    pub async fn run(mut self, store: &Store, metrics: &Metrics) {
        let (mut under_way, mut linger) = (FuturesUnordered::new(), Duration::ZERO);
        let mut last_began = Instant::now();
        loop {
            let rest = if under_way.len() < USUALLY_UNDER_WAY {
                Duration::ZERO
            } else {
                PACE.saturating_sub(last_began.elapsed())
            };
            let may_begin = rest.is_zero() && under_way.len() < MOST_UNDER_WAY;
            tokio::select! {
                biased;
                Some(took) = under_way.next() => linger = Duration::min(took, LONGEST_LINGER),
                group = self.next_group(linger), if may_begin => {
                    let Some(group) = group else { break };
                    metrics.queued_reports.set(self.queued.load(Ordering::Relaxed) as i64);
                    last_began = Instant::now();
                    under_way.push(commit(store, metrics, group));
                }
                () = tokio::time::sleep(rest), if !rest.is_zero() => {}
            }
        }
        while under_way.next().await.is_some() {}
    }

    /// Waits for reports, then takes what else is there. None once the queue is closed
    /// and empty. Cancelled while it waits, it takes nothing.
    ///
    /// Where several wait, more are on their way: a moment longer makes fewer and larger
    /// groups, and a sync costs the same for any size. One alone does not wait for
    /// others.
    async fn next_group(&mut self, linger: Duration) -> Option<Group> {
        let first = self.queue.recv().await??;
        let mut group = Group { reports: first.reports.clone(), waiters: vec![first] };
        self.take_what_is_there(&mut group);
        if group.waiters.len() > 1 && !linger.is_zero() {
            std::thread::sleep(linger);
            self.take_what_is_there(&mut group);
        }
        Some(group)
    }

    fn take_what_is_there(&mut self, group: &mut Group) {
        while group.reports.len() < MOST_IN_A_GROUP {
            match self.queue.try_recv() {
                Ok(Some(submitted)) => {
                    group.reports.extend_from_slice(&submitted.reports);
                    group.waiters.push(submitted);
                }
                Ok(None) => self.queue.close(),
                Err(_) => break,
            }
        }
    }
}

/// Commits a group, and answers each waiter once all its reports have an outcome. Gives
/// the time that the store took.
async fn commit(store: &Store, metrics: &Metrics, group: Group) -> Duration {
    let began = Instant::now();
    let reports = group.reports.len();
    let mut answers = Answers::new(group.waiters, reports);
    let mut failed = 0;
    store
        .record_in_parts(&group.reports, |part| {
            let of_part = answers.take(&part);
            match &part.outcome {
                Ok(told) => {
                    let counted =
                        told.iter().filter(|recorded| **recorded == Recorded::Counted).count();
                    metrics.reports("counted", counted as u64);
                    metrics.reports("duplicate", (told.len() - counted) as u64);
                }
                Err(error) => {
                    failed += of_part;
                    tracing::error!(%error, failed = of_part, reports, "reports could not be \
                         recorded");
                }
            }
        })
        .await;
    let took = began.elapsed();
    metrics.commit_seconds.observe(took.as_secs_f64());
    metrics.commit_reports.observe(reports as f64);
    if failed > 0 {
        metrics.store_errors.inc();
        metrics.reports("failed", failed as u64);
    }
    took
}

/// Who of a group still waits, and for what. Whoever is left when it is dropped learns
/// that nothing is known.
struct Answers {
    waiters: Vec<Waiter>,
    /// The waiter of each report.
    owners: Vec<u32>,
    outcomes: Vec<Recorded>,
}

struct Waiter {
    /// Taken when it is answered, which gives its room in the queue back.
    answer: Option<(oneshot::Sender<Result<Vec<Recorded>, StoreError>>, Room)>,
    reports: Range<usize>,
    without_outcome: usize,
    fault: Option<StoreError>,
}

impl Answers {
    fn new(submitted: Vec<Submitted>, reports: usize) -> Self {
        let (mut waiters, mut owners) =
            (Vec::with_capacity(submitted.len()), Vec::with_capacity(reports));
        for (owner, Submitted { reports, answer, room }) in (0..).zip(submitted) {
            let range = owners.len()..owners.len() + reports.len();
            owners.resize(range.end, owner);
            waiters.push(Waiter {
                answer: Some((answer, room)),
                without_outcome: reports.len(),
                reports: range,
                fault: None,
            });
        }
        Self { waiters, owners, outcomes: vec![Recorded::Duplicate; reports] }
    }

    /// Takes the outcomes of a part. Gives how many they are.
    fn take(&mut self, part: &Part) -> usize {
        let places: &mut dyn Iterator<Item = usize> = match &part.members {
            Some(members) => &mut members.iter().copied(),
            None => &mut (0..self.owners.len()),
        };
        let mut taken = 0;
        for (n, place) in places.enumerate() {
            let waiter = &mut self.waiters[self.owners[place] as usize];
            match &part.outcome {
                Ok(told) => self.outcomes[place] = told[n],
                Err(error) => waiter.fault = Some(error.clone()),
            }
            taken += 1;
            waiter.without_outcome -= 1;
            if waiter.without_outcome == 0
                && let Some((answer, _room)) = waiter.answer.take()
            {
                // Where one of its reports has no outcome, nothing is known of all. One
                // that has gone away is passed over.
                let own = waiter
                    .fault
                    .take()
                    .map_or_else(|| Ok(self.outcomes[waiter.reports.clone()].to_vec()), Err);
                drop(answer.send(own));
            }
        }
        taken
    }
}
