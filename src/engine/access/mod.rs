//! Access: who may do what, as of the last second. Every node reads the ledger and its
//! usage once a second, so that a key that was revoked anywhere is refused everywhere
//! within two.

pub mod ledger;
pub mod privacy;
pub mod usage;

use super::Engine;
use crate::domain::access::entry::{Actor, Change, Entry};
use crate::domain::access::key::{KeyId, KeyRecord, NewKey, Refusal};
use crate::domain::access::source::{NewSource, SourceChange, SourceRecord};
use crate::domain::access::table::{AccessTable, KnownKey};
use crate::domain::fact::Source;
use crate::domain::time::{DAY_MS, Timestamp};
use crate::store::StoreError;
use crate::store::journal::NodeId;
use crate::store::usage::UsageByKey;
use crate::wire::key_text::KeyText;
pub use ledger::AccessError;
use ledger::Ledger;
use privacy::ExactReads;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use usage::{KeyUsage, UsageOfKeys};

/// What this node knows of keys.
#[derive(Debug)]
pub struct Access {
    ledger: Ledger,
    usage: UsageOfKeys,
    exact_reads: ExactReads,
    /// Whether it could not be recorded who read exact figures: said once.
    cannot_record: AtomicBool,
    /// Whether the ledger could not be read in the last step: said once.
    cannot_read: AtomicBool,
    /// Whether the store could not be told what keys were used for: said once.
    cannot_tell: AtomicBool,
}

/// A key that may be used now, and what it was used for.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The key.
    pub key: Arc<KnownKey>,
    /// Its usage on this node, one for all requests.
    pub usage: Arc<KeyUsage>,
}

impl Access {
    /// One that knows nothing yet.
    #[must_use]
    pub fn new(node: NodeId, now: Timestamp) -> Self {
        Self {
            ledger: Ledger::default(),
            usage: UsageOfKeys::new(node, now.day()),
            exact_reads: ExactReads::default(),
            cannot_record: AtomicBool::new(false),
            cannot_read: AtomicBool::new(false),
            cannot_tell: AtomicBool::new(false),
        }
    }
}

impl Engine {
    /// All sources and keys, as of the last second.
    #[must_use]
    pub fn access(&self) -> Arc<AccessTable> {
        self.access.ledger.table()
    }

    /// Reads the ledger to its end.
    ///
    /// # Errors
    /// Where it cannot be read: what was read before stays.
    pub async fn read_ledger(&self) -> Result<Arc<AccessTable>, StoreError> {
        self.access.ledger.read(&self.store).await
    }

    /// One step: learns what changed in the ledger, records who read exact figures, tells
    /// what keys were used for here, and learns what they were used for anywhere. A step
    /// that fails is made up for by the next.
    pub async fn step_access(&self) {
        let read = self.read_ledger().await.map(drop).map_err(|error| error.to_string());
        self.say_once(
            &self.access.cannot_read,
            read,
            "the ledger cannot be read: keys that were revoked since are not known",
        );
        // Seldom more than a look.
        let recorded = Box::pin(self.record_exact_reads()).await.map_err(|error| error.to_string());
        self.say_once(
            &self.access.cannot_record,
            recorded,
            "who read exact figures cannot be recorded: it will be once the ledger takes it",
        );
        // Counts may lie on another master than the ledger: one that is away must not keep
        // this node from learning which keys were revoked. What is cut off is told again.
        let tell = self.access.usage.tell(&self.store, self.now().day());
        let told = match tokio::time::timeout(self.access_every(), tell).await {
            Ok(told) => told.map_err(|error| error.to_string()),
            Err(late) => Err(late.to_string()),
        };
        self.say_once(
            &self.access.cannot_tell,
            told,
            "what keys are used for cannot be told: a day's quota is of each node by itself",
        );
    }

    /// Says when something begins to fail, and when it works again.
    fn say_once(&self, failed: &AtomicBool, outcome: Result<(), String>, what: &str) {
        let before = failed.swap(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Err(error) => {
                self.metrics.store_errors.inc();
                if !before {
                    tracing::error!(error, "{what}");
                }
            }
            Ok(()) if before => tracing::warn!("no longer so: {what}"),
            Ok(()) => {}
        }
    }

    /// Whether keys may have been revoked long ago without this node knowing.
    #[must_use]
    pub fn keys_are_doubtful(&self) -> bool {
        self.timing.ledger_good_for < self.access.ledger.age()
    }

    /// How long to wait between two such steps, whatever the clock.
    #[must_use]
    pub const fn access_every(&self) -> Duration {
        self.timing.ledger
    }

    /// The key of that text, if it may be used now. What it is used for marks it as used.
    ///
    /// A key that never ends is admitted whatever the clock shows.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn admit(&self, text: &KeyText) -> Result<Admitted, Refusal> {
        let table = self.access();
        let key = Arc::clone(table.admit(text.id(), &text.hash(), self.now())?);
        let usage = self.access.usage.of(key.record.id);
        Ok(Admitted { key, usage })
    }

    /// Nodes of this store that were there in the last seconds, this one among them: a
    /// limit is shared by so many.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        self.access.usage.nodes()
    }

    /// Nanoseconds since some moment, by a clock that nobody sets: what rates count by.
    #[must_use]
    pub fn steady_ns(&self) -> u64 {
        self.clock.steady_ns()
    }

    /// How long it is until the next day of UTC, when quotas begin anew.
    #[must_use]
    pub fn until_tomorrow(&self) -> Duration {
        let left_ms = DAY_MS - self.now().0.rem_euclid(DAY_MS);
        Duration::from_millis(left_ms.unsigned_abs())
    }

    /// Creates a source, with the next number.
    ///
    /// # Errors
    /// Where its name is taken, no number is left, or it could not be recorded.
    pub async fn create_source(
        &self,
        by: Actor,
        new: NewSource,
    ) -> Result<SourceRecord, AccessError> {
        self.access.ledger.create_source(&self.store, self.now(), by, new).await
    }

    /// Changes a source.
    ///
    /// # Errors
    /// Where there is none of that number, its new name is taken, or it could not be
    /// recorded.
    pub async fn change_source(
        &self,
        by: Actor,
        number: Source,
        change: SourceChange,
    ) -> Result<SourceRecord, AccessError> {
        self.access.ledger.change_source(&self.store, self.now(), by, number, change).await
    }

    /// Creates a key. Its text is known to the caller only.
    ///
    /// # Errors
    /// Where its source is not known, or it could not be recorded.
    pub async fn create_key(
        &self,
        by: Actor,
        new: NewKey,
    ) -> Result<(KeyRecord, KeyText), AccessError> {
        self.access.ledger.create_key(&self.store, self.now(), by, new).await
    }

    /// Creates a key that takes the place of another, which works on for so long, unless
    /// it ends before.
    ///
    /// # Errors
    /// Where there is no such key, it was revoked or replaced before, or the new one could
    /// not be recorded.
    pub async fn rotate_key(
        &self,
        by: Actor,
        id: KeyId,
        grace_ms: i64,
    ) -> Result<(KeyRecord, KeyText), AccessError> {
        self.access.ledger.rotate_key(&self.store, self.now(), by, id, grace_ms).await
    }

    /// Revokes a key. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// Where there is no such key, or it could not be recorded.
    pub async fn revoke_key(&self, by: Actor, id: KeyId) -> Result<Arc<KnownKey>, AccessError> {
        self.access.ledger.revoke_key(&self.store, self.now(), by, id).await
    }

    /// Records what an operator is about to do.
    ///
    /// # Errors
    /// Where it could not be recorded: it should then not be done.
    pub(super) async fn record_change(&self, by: Actor, change: Change) -> Result<(), AccessError> {
        self.access.ledger.record(&self.store, self.now(), by, change).await
    }

    /// What was changed since then, by whom: the newest first, at most
    /// [`ledger::MOST_AUDITED`].
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub async fn audit(&self, since: Timestamp) -> Result<Vec<Entry>, StoreError> {
        ledger::audit(&self.store, since).await
    }

    /// What keys were used for today, and when last, over all nodes, as of the last
    /// second.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn usage_by_key(&self) -> Result<UsageByKey, StoreError> {
        self.store.usage_by_key(self.now().day()).await
    }
}
