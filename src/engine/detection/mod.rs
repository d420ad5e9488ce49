//! The detection service: detectors over the live store, and what becomes of what they find.
//! Incidents are recorded by the one node that holds the lease, and known to all: every
//! node reads the journal, and its own detectors stand by warm.

mod active_clusters;
pub mod desk;
mod explain;
mod figures;
mod lessons;
mod operator_actions;
pub(super) mod places;
pub mod progress;
mod restatement;
pub mod snapshot;
pub mod spike_history;
mod step;
mod voids;

use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::spike::Spike;
use crate::domain::incident::register::Register;
use crate::domain::incident::spike::PublishedSpike;
use crate::domain::privacy::rule::Rule;
use crate::domain::provider::Catalogue;
use crate::domain::time::{Minute, Timestamp};
use crate::engine::detector_pool::DetectorPool;
use crate::store::journal::{NodeId, Position, Token};
use desk::Desk;
pub use operator_actions::ActionError;
use progress::{Detection, Progress};
use snapshot::DetectionSnapshot;
use spike_history::SpikeHistory;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// A detection service that is behind looks at what else there is to do after so long, and says how
/// far it has come.
const PIECE: Duration = Duration::from_millis(500);
/// Spikes are looked for again after so many times what it took.
const SPIKES_EVERY: u32 = 20;
/// How far back a new detection service begins, so that its detectors know what goes on.
const WARM_UP_MINUTES: i64 = 24 * 60;

/// The detectors, and what was made known of what they found.
#[derive(Debug)]
pub struct DetectionService {
    node: NodeId,
    parameters: Parameters,
    /// What stopwatches count from.
    began: std::time::Instant,
    /// When it began, by the clock: so late is detection that has not come to the present
    /// yet.
    pub(super) began_at: Timestamp,
    /// One step at a time; held across it.
    running: tokio::sync::Mutex<Running>,
    /// What was read of the journal; the lock is held to copy or replace the pointer.
    read: RwLock<JournalRead>,
    /// The lock is held to copy or replace the pointer.
    snapshot: RwLock<Arc<DetectionSnapshot>>,
    /// What was told of spikes; the lock is held to copy pointers, or to add some.
    spikes_told: RwLock<SpikeHistory>,
    /// How far it has come with the past; the lock is held to copy or replace it.
    progress: RwLock<Progress>,
    /// Whether the last step was one of many that come nearer to the present: the next
    /// need not wait.
    comes_nearer: AtomicBool,
}

/// What moves with every step.
#[derive(Debug)]
struct Running {
    pool: DetectorPool,
    desk: Desk,
    /// What was too surprising of each provider when that was last looked at.
    spikes: Vec<LastSpikes>,
    lease: Option<HeldLease>,
    /// Voids that the detector pool has taken into account.
    voids: usize,
    /// The last minute in which a late report that is withdrawn may have come from a node
    /// that did not know it yet; none once all were counted.
    unsettled_until: Option<Minute>,
    /// When the detector pool began, or began anew.
    began: std::time::Instant,
    /// How often time was set, as far as the detector pool has taken that into account.
    adoptions: u64,
    /// Since when episodes are those of a store without what was voided since: incidents
    /// are held against them once they are complete.
    rebuilding: bool,
    behind: bool,
    /// Whether the detector pool knows what quiet days taught before it began.
    recalled: bool,
    /// The minute in which it was asked last whether enough people have spoken of incidents
    /// that have no name yet.
    names_asked: Option<Minute>,
}

/// Spikes of a provider: to find them costs more than to look, so it is done seldom where
/// it takes long.
#[derive(Debug, Clone, Default)]
struct LastSpikes {
    spikes: Arc<Vec<Spike>>,
    /// The same as everybody is told of them.
    public: Arc<Vec<PublishedSpike>>,
    /// What the detector counted then, in all windows, and in which minute: as long as
    /// both stay, so do the spikes.
    at: Option<(u64, Minute)>,
    next: Duration,
}

/// How far the journal was read, and what it says.
#[derive(Debug, Clone, Default)]
struct JournalRead {
    register: Arc<Register>,
    position: Position,
    /// The day in which exact places were last forgotten that are kept no longer.
    forgot: Option<i64>,
    /// By which rule it was read: where one hides more, what was told before is told anew.
    by: Option<Rule>,
}

/// The lease of this node.
#[derive(Debug, Clone, Copy)]
struct HeldLease {
    token: Token,
    renewed: std::time::Instant,
}

impl DetectionService {
    /// A detection service that has seen nothing.
    #[must_use]
    pub fn new(
        node: NodeId,
        catalogue: &Catalogue,
        parameters: Parameters,
        now: Timestamp,
    ) -> Self {
        let pool = DetectorPool::new(catalogue, &parameters)
            .beginning_at(now.minute().plus(-WARM_UP_MINUTES));
        let spikes = vec![LastSpikes::default(); catalogue.len()];
        let running = Running {
            spikes,
            pool,
            desk: Desk::new(catalogue, &parameters),
            lease: None,
            voids: 0,
            unsettled_until: None,
            began: std::time::Instant::now(),
            adoptions: 0,
            rebuilding: false,
            behind: true,
            recalled: false,
            names_asked: None,
        };
        Self {
            node,
            began: std::time::Instant::now(),
            began_at: now,
            parameters,
            running: tokio::sync::Mutex::new(running),
            read: RwLock::default(),
            snapshot: RwLock::new(Arc::new(DetectionSnapshot::nothing())),
            spikes_told: RwLock::default(),
            progress: RwLock::default(),
            comes_nearer: AtomicBool::new(false),
        }
    }

    /// All incidents, as far as this node has read.
    #[must_use]
    pub fn register(&self) -> Arc<Register> {
        self.read().register
    }

    /// Whether the last step was one of many that come nearer to the present.
    #[must_use]
    pub fn comes_nearer(&self) -> bool {
        self.comes_nearer.load(Ordering::Relaxed)
    }

    /// What detection knows of the present; it is late while it pauses.
    #[must_use]
    pub fn detection(&self, now: Timestamp, is_paused: bool) -> Detection {
        let progress = *self.progress.read().unwrap_or_else(PoisonError::into_inner);
        Detection::of(&self.detection_snapshot(), progress, now, is_paused)
    }

    fn read(&self) -> JournalRead {
        self.read.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the detectors see, as of the last look.
    #[must_use]
    pub fn detection_snapshot(&self) -> Arc<DetectionSnapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }
}
