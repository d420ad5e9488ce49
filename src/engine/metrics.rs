//! What the engine counts about itself, for operators.

use super::unknown_providers::UnknownProviders;
use crate::wire::warning::WarningKind;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// What became of reports, commits and reads.
#[derive(Debug)]
pub struct Metrics {
    /// Reports by outcome: `counted`, `duplicate`, `ignored`, `rejected`, `failed`.
    pub reports: Family<Outcome, Counter>,
    /// Warnings that senders were given.
    pub warnings: Family<WarningLabel, Counter>,
    /// Whom reports name that the catalogue does not have.
    pub unknown_providers: UnknownProviders,
    /// Reports in a commit.
    pub commit_reports: Histogram,
    /// Time a commit takes, the disk's sync included.
    pub commit_seconds: Histogram,
    /// Reports that wait for their commit.
    pub queued_reports: Gauge,
    /// Commits, reads and maintenance that failed.
    pub store_errors: Counter,
    /// Commands sent to Redis.
    pub store_commands: Counter,
    /// Bytes of log that a restart would read.
    pub log_bytes: Gauge,
    /// Reporters remembered.
    pub claims: Gauge,
    /// Rows of live minutes in memory.
    pub live_rows: Gauge,
    /// Bytes of memory that live minutes take.
    pub live_bytes: Gauge,
    /// Age of the oldest view in use.
    pub view_age_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    /// Time of one step of detection, with its records.
    pub detection_step_seconds: Histogram,
    /// How far behind the present detection is.
    pub detection_lag_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    /// The share of the past that detection has come through: 1 once it sees the present.
    pub detection_progress: Gauge<f64, std::sync::atomic::AtomicU64>,
    /// Whether this node records incidents: 1, or 0.
    pub holds_lease: Gauge,
    /// Incidents that go on.
    pub open_incidents: Gauge,
    /// Whether reports are dated by the clock: 1, or 0.
    pub clock_trusted_for_reports: Gauge,
    /// Whether old data expires by the clock: 1, or 0.
    pub clock_trusted_for_expiry: Gauge,
    /// How often the clock was set by more than a few seconds.
    pub clock_steps: Counter,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// The word for it.
    pub outcome: &'static str,
}

/// Of which kind a warning was.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WarningLabel {
    /// Its name.
    pub kind: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            reports: Family::default(),
            warnings: Family::default(),
            unknown_providers: UnknownProviders::default(),
            commit_reports: Histogram::new(exponential_buckets(1.0, 4.0, 9)),
            commit_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            queued_reports: Gauge::default(),
            store_errors: Counter::default(),
            store_commands: Counter::default(),
            log_bytes: Gauge::default(),
            claims: Gauge::default(),
            live_rows: Gauge::default(),
            live_bytes: Gauge::default(),
            view_age_seconds: Gauge::default(),
            detection_step_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            detection_lag_seconds: Gauge::default(),
            detection_progress: Gauge::default(),
            holds_lease: Gauge::default(),
            open_incidents: Gauge::default(),
            clock_trusted_for_reports: Gauge::default(),
            clock_trusted_for_expiry: Gauge::default(),
            clock_steps: Counter::default(),
        }
    }
}

impl Metrics {
    /// Counts `n` reports of that outcome.
    pub fn reports(&self, outcome: &'static str, n: u64) {
        if n > 0 {
            self.reports.get_or_create(&Outcome { outcome }).inc_by(n);
        }
    }

    /// Counts a warning that a sender was given.
    pub fn warned(&self, kind: WarningKind) {
        self.warnings.get_or_create(&WarningLabel { kind: kind.name() }).inc();
    }

    /// Makes them known to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("reports", "Reports by outcome", self.reports.clone());
        for kind in WarningKind::ALL {
            drop(self.warnings.get_or_create(&WarningLabel { kind: kind.name() }));
        }
        registry.register(
            "report_warnings",
            "Warnings that senders of reports were given, by kind",
            self.warnings.clone(),
        );
        registry.register_collector(Box::new(self.unknown_providers.clone()));
        registry.register("commit_reports", "Reports in a commit", self.commit_reports.clone());
        registry.register_with_unit(
            "commit",
            "Time a commit takes, the sync included",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register(
            "queued_reports",
            "Reports that wait for their commit",
            self.queued_reports.clone(),
        );
        registry.register(
            "store_errors",
            "Commits, reads and maintenance that failed",
            self.store_errors.clone(),
        );
        registry.register("store_commands", "Commands sent to Redis", self.store_commands.clone());
        registry.register_with_unit(
            "log",
            "Log that a restart would read",
            Unit::Bytes,
            self.log_bytes.clone(),
        );
        registry.register(
            "claims",
            "Reporters remembered, where the store counts them",
            self.claims.clone(),
        );
        registry.register("live_rows", "Rows of live minutes in memory", self.live_rows.clone());
        registry.register_with_unit(
            "live",
            "Memory that live minutes take",
            Unit::Bytes,
            self.live_bytes.clone(),
        );
        registry.register_with_unit(
            "view_age",
            "Age of the oldest view in use",
            Unit::Seconds,
            self.view_age_seconds.clone(),
        );
        registry.register_with_unit(
            "detection_step",
            "Time of one step of detection",
            Unit::Seconds,
            self.detection_step_seconds.clone(),
        );
        registry.register_with_unit(
            "detection_lag",
            "How far behind the present detection is",
            Unit::Seconds,
            self.detection_lag_seconds.clone(),
        );
        registry.register_with_unit(
            "detection_progress",
            "Share of the past that detection has come through: 1 once it sees the present",
            Unit::Ratios,
            self.detection_progress.clone(),
        );
        registry.register(
            "holds_lease",
            "Whether this node records incidents",
            self.holds_lease.clone(),
        );
        registry.register("open_incidents", "Incidents that go on", self.open_incidents.clone());
        registry.register(
            "clock_trusted_for_reports",
            "Whether reports are dated by the clock",
            self.clock_trusted_for_reports.clone(),
        );
        registry.register(
            "clock_trusted_for_expiry",
            "Whether old data expires by the clock",
            self.clock_trusted_for_expiry.clone(),
        );
        registry.register(
            "clock_steps",
            "How often the clock was set by more than a few seconds",
            self.clock_steps.clone(),
        );
    }
}
